"""A policy read back as the answers that it keeps, where it is of the form that `generate` writes.

INVARIANT: what is read back generates the same policy, but for order and spelling; anything else is None.
"""

from collections.abc import Iterable
from dataclasses import replace

from sesame.policy.language.document import Condition, Policy, Principal, Statement
from sesame.policy.language.forms import read_principal
from sesame.policy.language.put import parse_identity_policy
from sesame.policy.language.source import PolicyError
from sesame.policy.language.values import merge_ranges, read_date, read_range
from sesame.policy.language.vocabulary import Compare, Family
from sesame.policy.writing.answers import ACTIONS, AnswerError, Answers, Way, normal
from sesame.policy.writing.generate import generate


def read_answers(document: str, *, identity_arn: str) -> Answers | None:
    """The one set of answers that a policy keeps, or None."""
    found = read_all_answers(document, identity_arn=identity_arn)
    return found[0] if found is not None and len(found) == 1 else None


def read_all_answers(document: str, *, identity_arn: str) -> tuple[Answers, ...] | None:
    """The answers that a policy keeps, in the order of its statements, or None where it says anything else."""
    try:
        policy = parse_identity_policy(document, identity_arn=identity_arn)
        found = _joined([_answers(statement, identity_arn) for statement in policy.statements])
        again = parse_identity_policy(generate(*found).document, identity_arn=identity_arn)
    except (PolicyError, AnswerError, OverflowError):
        return None
    return found if _form(policy) == _form(again) else None


def _answers(statement: Statement, identity_arn: str) -> Answers:
    """What a statement would have been asked for; what it says besides is missed when it is written again."""
    values: dict[str, tuple[str, ...]] = {}
    begins_at = ends_at = None
    for condition in statement.conditions:
        comparison = condition.operator.comparison
        if comparison.family is Family.DATE:
            moment = read_date(condition.values[0])
            seconds = None if moment is None else moment // 1_000_000
            if comparison.compare is Compare.GREATER_EQUAL:
                begins_at = seconds
            else:
                ends_at = seconds
        elif comparison.family is not Family.NULL:
            values[condition.key.lower()] = condition.values
    named = statement.principals or ()
    actions = {action.lower() for action in statement.actions}
    return normal(
        Answers(
            identity_arn=identity_arn,
            principals=tuple(one.value for one in named if one.kind == "AWS"),
            services=tuple(one.value for one in named if one.kind == "Service"),
            acting_for=values.get("aws:sourceaccount", ()),
            from_addresses=values.get("ses:fromaddress", ()),
            display_names=values.get("ses:fromdisplayname", ()),
            feedback_addresses=values.get("ses:feedbackaddress", ()),
            recipients=values.get("ses:recipients", ()),
            networks=values.get("aws:sourceip", ()),
            begins_at=begins_at,
            ends_at=ends_at,
            ways=tuple(way for way in Way if {action.lower() for action in ACTIONS[way]} <= actions),
        )
    )


def _joined(found: Iterable[Answers]) -> tuple[Answers, ...]:
    """The answers of all statements; what was split because of its services is one again."""
    joined: list[Answers] = []
    for answers in found:
        last = joined[-1] if joined else None
        if (
            last is not None
            and last.principals
            and answers.services
            and not (last.services or answers.principals)
        ):
            both = replace(last, services=answers.services, acting_for=answers.acting_for)
            if both == replace(answers, principals=last.principals):
                joined[-1] = both
                continue
        joined.append(answers)
    return tuple(joined)


def _form(policy: Policy) -> list[object]:
    """What the statements say, whatever the order and spelling of their values."""
    return [
        (
            statement.effect,
            _principals(statement.principals or ()),
            frozenset(action.lower() for action in statement.actions),
            frozenset(map(_condition, statement.conditions)),
        )
        for statement in policy.statements
    ]


def _principals(principals: Iterable[Principal]) -> frozenset[str]:
    """Those named, without whom an account's own naming covers; a service's name is never an ARN's or an account's."""
    named = {read_principal(one)[1] for one in principals}
    return frozenset(one for one in named if not one.startswith("arn:") or one.split(":")[4] not in named)


def _condition(condition: Condition) -> tuple[object, ...]:
    operator, values = condition.operator, condition.values
    comparison = operator.comparison
    compare = comparison.compare
    read: object = frozenset(values)
    if comparison.family is Family.IP:
        read = merge_ranges(one for value in values if (one := read_range(value)) is not None)
    elif comparison.family is Family.DATE:
        read = frozenset(map(read_date, values))
    elif compare is Compare.LIKE and not any(set(value) & set("*?") for value in values):
        compare = Compare.EQUAL
    rest = (comparison.family, comparison.negated, operator.quantifier, operator.if_exists)
    return condition.key.lower(), compare, read, *rest
