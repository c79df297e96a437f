"""Conditions as the analysis sees them: rules, literals, and what a literal asks of a text.

A policy variable whose key is settled is filled in when the rule is made. One whose value is open makes the rule
open: exact answers refuse it by name, and a relaxed search lets it stand for anything, so that what even that does
not find is not there. Sources: as `reasons.evaluator`, by which every answer is checked.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sesame.policy.analysis.strings import Atom
from sesame.policy.analysis.who import Embedding
from sesame.policy.language.document import Condition, Effect, Policy, Statement
from sesame.policy.language.forms import PatternKind, is_outlawed, needs_variables, read_pattern
from sesame.policy.language.pattern import (
    Glob,
    Tokens,
    Variable,
    Wild,
    is_malformed,
    joined,
    literally,
    tokenize,
)
from sesame.policy.language.values import read_bytes
from sesame.policy.language.vocabulary import Compare, Family
from sesame.policy.reasons.evaluator import condition_holds
from sesame.policy.request import ContextValue

TEXT_FAMILIES = frozenset({Family.STRING, Family.ARN})


class OutsideFragment(Exception):
    """A construct that the analysis is not exact about; the message names it."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition where it stands: its policy's version and its statement's effect give it its meaning.

    `open_keys` are those of its variables that the search would have to choose a value for.
    """

    condition: Condition
    effect: Effect
    variables: bool
    open_keys: tuple[str, ...] = ()
    policy: Policy = field(compare=False, hash=False, repr=False, kw_only=True)

    @property
    def key(self) -> str:
        """The key it is about, folded."""
        return self.condition.key.lower()


@dataclass(frozen=True, slots=True)
class Literal:
    """A rule and whether it shall hold."""

    rule: Rule
    wanted: bool


def holds(literal: Literal, value: ContextValue | None) -> bool:
    """Whether the literal is so when the request carries `value` for its key."""
    rule = literal.rule
    return condition_holds(rule.policy, rule.effect, rule.condition, value) is literal.wanted


def variables_of(policy: Policy, condition: Condition) -> list[Variable]:
    """The policy variables of a condition."""
    if not policy.has_variables or condition.operator.comparison.family not in TEXT_FAMILIES:
        return []
    rows = [tokenize(value, variables=True) for value in condition.values if "${" in value]
    return [token for row in rows for token in row if isinstance(token, Variable)]


def rule_of(policy: Policy, effect: Effect, condition: Condition, settled: Mapping[str, str | None]) -> Rule:
    """The rule, its variables filled in where `settled` has their keys."""
    variables = variables_of(policy, condition)
    if not variables:
        return Rule(condition, effect, policy.has_variables, policy=policy)
    open_keys = tuple(dict.fromkeys(item.key for item in variables if item.key not in settled))
    values = tuple(_filled(value, settled) for value in condition.values)
    return Rule(replace(condition, values=values), effect, policy.has_variables, open_keys, policy=policy)


def _filled(value: str, settled: Mapping[str, str | None]) -> str:
    """A value with what is known written out; a key that is never there keeps its variable, which has no value."""
    head, *rest = value.split("${")
    written = [head]
    for part in rest:
        body, closed, after = part.partition("}")
        [token] = tokenize("${" + body + closed, variables=True) or ("",)
        text = None
        if isinstance(token, Variable) and token.key in settled:
            known = settled[token.key]
            text = token.default if known is None else known
        written += ["${" + body + closed if text is None else literally(text), after]
    return "".join(written)


def refuse_variables(policy: Policy, statement: Statement, resource: str) -> None:
    """Raise OutsideFragment for a Resource that is another one in each request and may be this one."""
    for text in statement.resources if policy.has_variables else ():
        tokens = read_pattern(text, PatternKind.RESOURCE, variables=True)
        if needs_variables(tokens) and Glob(_anything(tokens)).matches(resource):
            raise OutsideFragment(f"the policy variable in the Resource `{text}`")


def _anything(tokens: Tokens) -> Tokens:
    """The pattern with any text for its variables."""
    return joined(Wild.ANY_RUN if isinstance(token, Variable) else token for token in tokens)


@dataclass(frozen=True, slots=True)
class Demand:
    """What a literal asks of one text: to match one of the atoms, or none; or a constant."""

    atoms: tuple[Atom, ...]
    matching: bool
    constant: bool | None = None


def demand_of(literal: Literal, place: Embedding | None, *, is_arn: bool = True) -> Demand:
    """The literal as a demand on a single text that is not empty, or on the part of it at `place`.

    `is_arn` says whether the text has the six parts of an ARN, without which ARN operators are not understood.
    """
    rule, wanted = literal.rule, literal.wanted
    condition, comparison = rule.condition, rule.condition.operator.comparison
    if comparison.family not in (Family.STRING, Family.ARN, Family.BINARY):
        return Demand(
            (), matching=True, constant=condition_holds(rule.policy, rule.effect, condition, "x@x.xx")
        )
    if comparison.family is Family.ARN and not is_arn:
        return Demand((), matching=True, constant=condition_holds(rule.policy, rule.effect, condition, "x"))
    negated, denies = comparison.negated, rule.effect is Effect.DENY
    matching = wanted is not negated
    if rule.open_keys and negated and not wanted:
        return Demand((), matching=True, constant=wanted)
    atoms: list[Atom] = []
    is_unknown = False
    for value in condition.values:
        found = _atoms_of(value, rule, place or Embedding(), matching=matching)
        is_unknown = is_unknown or found is None
        atoms += found or ()
    if is_unknown and negated is not denies:
        return Demand((), matching=True, constant=denies)
    return Demand(tuple(atoms), matching=matching)


def _atoms_of(value: str, rule: Rule, place: Embedding, *, matching: bool) -> list[Atom] | None:
    """The patterns of one value; none when it matches nothing, None when it is not understood."""
    comparison = rule.condition.operator.comparison
    is_folded = comparison.compare is Compare.EQUAL_FOLDED
    kind = PatternKind.ARN if comparison.family is Family.ARN else PatternKind.LIKE
    if comparison.family is Family.BINARY:
        data = read_bytes(value)
        if data is None:
            return None
        try:
            tokens: Tokens = joined([data.decode("utf-8")])
        except UnicodeDecodeError:
            return []
    else:
        if comparison.family is Family.STRING and comparison.compare is not Compare.LIKE:
            kind = PatternKind.EQUAL
        tokens = read_pattern(value, kind, variables=rule.variables)
        if is_malformed(tokens) or is_outlawed(tokens, kind):
            return None
    is_arn = kind is PatternKind.ARN
    if needs_variables(tokens):
        if not matching or not set(rule.open_keys) & {t.key for t in tokens if isinstance(t, Variable)}:
            return []
        tokens, is_arn = _anything(tokens), False
    rests = _without(tokens, place.consumed, is_folded=is_folded) if place.consumed else [tokens]
    return [
        Atom(rest, is_arn, is_folded, before=place.before, after=place.after, barred=place.barred)
        for rest in rests
    ]


def _without(tokens: Tokens, text: str, *, is_folded: bool) -> list[Tokens]:
    """What is left of a pattern after a text that it begins with: several ways where a star is in it."""
    units: list[str | Wild] = []
    for token in tokens:
        if isinstance(token, Wild):
            units.append(token)
        else:
            units += str(token).lower() if is_folded else str(token)
    at = {0}
    for character in text.lower() if is_folded else text:
        following: set[int] = set()
        for state in _closed(at, units):
            unit = units[state] if state < len(units) else None
            if unit is Wild.ANY_RUN:
                following.add(state)
            elif unit is Wild.ANY_ONE or unit == character:
                following.add(state + 1)
        at = following
    return [joined(units[state:]) for state in sorted(at)]


def _closed(states: set[int], units: list[str | Wild]) -> set[int]:
    """With every star also what follows it."""
    found = set(states)
    for state in sorted(states):
        while state < len(units) and units[state] is Wild.ANY_RUN:
            state += 1
            found.add(state)
    return found
