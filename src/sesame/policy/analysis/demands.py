"""Conditions as the analysis sees them: rules, literals, and what a literal asks of a text.

Refuses what the method is not exact about, and names it. Sources: as `reasons.evaluator`, by which
every answer is checked.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sesame.policy.analysis.strings import Atom
from sesame.policy.language.document import Condition, Effect, Policy, Statement
from sesame.policy.language.forms import PatternKind, is_outlawed, needs_variables, read_pattern
from sesame.policy.language.pattern import is_malformed, tokenize
from sesame.policy.language.vocabulary import Compare, Family, find_key
from sesame.policy.reasons.evaluator import condition_holds
from sesame.policy.request import ContextValue

PRINCIPAL_KEYS = {
    "aws:principalarn",
    "aws:principalaccount",
    "aws:principalservicename",
    "aws:principalservicenameslist",
    "aws:principaltype",
    "aws:userid",
    "aws:username",
}


class OutsideFragment(Exception):
    """A construct that the analysis is not exact about; the message names it."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition where it stands: its policy's version and its statement's effect give it its meaning."""

    condition: Condition
    effect: Effect
    variables: bool
    policy: Policy = field(compare=False, hash=False, repr=False)


@dataclass(frozen=True, slots=True)
class Literal:
    """A rule and whether it shall hold."""

    rule: Rule
    wanted: bool


def holds(literal: Literal, value: ContextValue | None) -> bool:
    rule = literal.rule
    return condition_holds(rule.policy, rule.effect, rule.condition, value) is literal.wanted


def refuse_inexact(dimension: str, rules: Sequence[Rule]) -> None:
    """Raise OutsideFragment for rules that the method is not exact about."""
    if dimension in PRINCIPAL_KEYS and rules:
        raise OutsideFragment(f"a condition on {rules[0].condition.key}, which the principal determines")
    kinds = set()
    for rule in rules:
        condition = rule.condition
        family = condition.operator.comparison.family
        if family not in (Family.NULL, Family.UNKNOWN):
            kinds.add(Family.STRING if family is Family.ARN else family)
        if family in (Family.STRING, Family.ARN) and rule.variables:
            for value in condition.values:
                if needs_variables(tokenize(value, variables=True)):
                    raise OutsideFragment(f"the policy variable in `{value}`")
    key = find_key(dimension)
    if key is not None and key.is_list and kinds - {Family.STRING}:
        raise OutsideFragment(f"an operator that is not for texts on the list {rules[0].condition.key}")
    if len(kinds) > 1:
        raise OutsideFragment(f"operators of different kinds on {rules[0].condition.key}")


def refuse_variables(policy: Policy, statement: Statement) -> None:
    """Raise OutsideFragment for a Resource that is another one in each request."""
    for text in statement.resources if policy.has_variables else ():
        if needs_variables(read_pattern(text, PatternKind.RESOURCE, variables=True)):
            raise OutsideFragment(f"the policy variable in the Resource `{text}`")


@dataclass(frozen=True, slots=True)
class Demand:
    """What a literal asks of one text: to match one of the atoms, or none; or a constant."""

    atoms: tuple[Atom, ...]
    matching: bool
    constant: bool | None = None


def demand_of(literal: Literal) -> Demand:
    """The literal as a demand on a single text that is not empty."""
    rule, wanted = literal.rule, literal.wanted
    condition, comparison = rule.condition, rule.condition.operator.comparison
    if comparison.family in (Family.NULL, Family.UNKNOWN):
        return Demand((), matching=True, constant=condition_holds(rule.policy, rule.effect, condition, "x"))
    kind = PatternKind.ARN if comparison.family is Family.ARN else PatternKind.LIKE
    if comparison.family is Family.STRING and comparison.compare is not Compare.LIKE:
        kind = PatternKind.EQUAL
    atoms: list[Atom] = []
    is_unknown = False
    for value in condition.values:
        tokens = read_pattern(value, kind, variables=rule.variables)
        if is_malformed(tokens) or is_outlawed(tokens, kind):
            is_unknown = True
        else:
            folded = comparison.compare is Compare.EQUAL_FOLDED
            atoms.append(Atom(tokens, is_arn=kind is PatternKind.ARN, is_folded=folded))
    negated, denies = comparison.negated, rule.effect is Effect.DENY
    if is_unknown and negated is not denies:
        return Demand((), matching=True, constant=denies)
    return Demand(tuple(atoms), matching=wanted is not negated)
