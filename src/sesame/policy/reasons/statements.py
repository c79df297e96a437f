"""Statements that a mend proposes: for one request, and as little beside it as can be said."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sesame.policy.language.pattern import literally
from sesame.policy.reasons.cause import Reader
from sesame.policy.reasons.conditions import of_each_recipient
from sesame.policy.reasons.corrections import edits_of
from sesame.policy.reasons.derivation import ConditionStep, StatementStep
from sesame.policy.reasons.itself import by_itself
from sesame.policy.reasons.narrow import bound
from sesame.policy.reasons.remedies import carried, opens, resource_to_write
from sesame.policy.request import Request, Requester

Conditions = Mapping[str, Mapping[str, Any]]
NO_CONDITIONS: Conditions = MappingProxyType({})


def _principal(requester: Requester) -> dict[str, str]:
    """The Principal that names a requester in an identity policy, and no more than it."""
    if requester.kind == "service":
        return {"Service": requester.arn}
    if requester.kind == "root":
        return {"AWS": requester.account_id}
    return {"AWS": requester.role_arn or requester.arn}


_SAID_TOO = {key.lower(): key for key in ("ses:FromDisplayName", "ses:FeedbackAddress", "ses:ApiVersion")}
"""Keys whose value a statement for one message says too, where a condition on them kept it out."""


def smallest_statement(
    request: Request, keys: Sequence[str] = (), held: Conditions = NO_CONDITIONS
) -> dict[str, Any]:
    """The statement of an identity policy that lets a request through and as little else as can be said.

    `held` are conditions that it is held to beside its own.
    `keys` are those of conditions that kept the request out. Where From does not rest on the identity, its owner does
    not learn it (I9): the statement is for the return path that does, or for mail that is not from there.
    """
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": _principal(request.requester),
        "Action": request.action,
        "Resource": request.resource,
    }
    also = [_SAID_TOO[key.lower()] for key in keys if key.lower() in _SAID_TOO]
    name = request.resource.partition(":identity/")[2]
    first = "ses:FromAddress"
    is_other = name != "" and not _is_at(name, carried(request, first))
    if is_other:
        first, also = "ses:FeedbackAddress", [key for key in also if key != "ses:FromDisplayName"]
    asked = {key: carried(request, key) for key in (first, "aws:SourceAccount", "aws:SourceArn", *also)}
    if is_other and not _is_at(name, asked[first]):
        del asked[first]
        statement["Condition"] = {"StringNotLike": {"ses:FromAddress": _addresses_at(name)}}
    each = of_each_recipient(
        "ses:FeedbackAddress", [value] if (value := asked.get("ses:FeedbackAddress")) else []
    )
    if each is not None:
        del asked["ses:FeedbackAddress"]
        statement["Condition"] = {"StringLike": {"ses:FeedbackAddress": each[0]}}
    conditions = {key: literally(value, wildcards=False) for key, value in asked.items() if value is not None}
    if conditions:
        statement["Condition"] = {"StringEquals": conditions} | statement.get("Condition", {})
    return _under(statement, held)


def _under(statement: dict[str, Any], held: Conditions) -> dict[str, Any]:
    """A statement under further conditions, of which its own come first."""
    own = statement.get("Condition", {})
    keys = {operator: {**held.get(operator, {}), **own.get(operator, {})} for operator in (*held, *own)}
    return statement | ({"Condition": keys} if keys else {})


def _is_at(name: str, address: str | None) -> bool:
    """Whether an identity of that name covers an address."""
    if address is None or "@" in name:
        return address is not None and address.lower() == name.lower()
    domain = address.rpartition("@")[2].lower()
    return domain == name.lower() or domain.endswith(f".{name.lower()}")


def _addresses_at(name: str) -> list[str]:
    """Patterns of all the addresses that an identity of that name covers."""
    return [name] if "@" in name else [f"*@{name}", f"*@*.{name}"]


def iam_statement(action: str, resource: str, held: Conditions = NO_CONDITIONS) -> dict[str, Any]:
    """The statement of an IAM policy that allows an action on one resource, under the conditions it is `held` to."""
    return _under({"Effect": "Allow", "Action": action, "Resource": resource_to_write(resource)}, held)


@dataclass(frozen=True, slots=True)
class Likeness:
    """A statement in place of another, with the keys of conditions that it is without, and those of its conditions that
    the request must meet yet, which the sender can by itself."""

    statement: dict[str, Any]
    left_out: tuple[str, ...]
    to_meet: tuple[ConditionStep, ...]


def iam_statement_like(
    step: StatementStep, request: Request, reader: Reader, *, is_for_address: bool = False
) -> Likeness:
    """A statement for a request under the conditions of one that is for another action or resource.

    It is no wider: a condition that the request does not meet is changed by as much as it must be; where it would have
    to go, or `is_for_address`, the new statement is for the From address of the request alone.
    """
    conditions: dict[str, dict[str, Any]] = {}
    left_out: list[str] = []
    to_meet: list[ConditionStep] = []
    is_held = is_for_address
    for one in step.conditions:
        if one.key.lower() == _FROM and (is_for_address or not one.answer):
            is_held = True
            continue
        if by_itself(one, request=request, denies=False) is not None and not one.answer:
            to_meet.append(one)
        elif not one.answer:
            changes = [change for change, _ in edits_of(step, one, request, reader)]
            if not _is_put(conditions, one, changes):
                left_out.append(one.key)
                for operator, key, values in bound(one, reader) or ():
                    conditions.setdefault(operator, {}).setdefault(key, values)
            continue
        conditions.setdefault(one.operator, {})[one.key] = _as_written(one)
    statement = iam_statement(request.action, request.resource)
    if is_held or left_out:
        of_message = smallest_statement(request, left_out).get("Condition", {})
        for operator, keys in of_message.items():
            conditions.setdefault(operator, {}).update(keys)
    return Likeness(
        statement | ({"Condition": conditions} if conditions else {}), tuple(left_out), tuple(to_meet)
    )


_FROM = "ses:fromaddress"


def _as_written(condition: ConditionStep) -> list[str]:
    """The values of a condition, for a policy of the version that has variables."""
    has_none = condition.filled == condition.wanted and not condition.unresolved
    return [literally(text, wildcards=False) if has_none else text for text in condition.wanted]


def _is_put(
    conditions: dict[str, dict[str, Any]], condition: ConditionStep, changes: Sequence[Mapping[str, Any]]
) -> bool:
    """Put a condition, edited, among others; not one that would go, or let all pass that lack its key."""
    written, values = list(condition.wanted), _as_written(condition)
    operator, key = condition.operator, condition.key
    for change in changes:
        if change.get("drop_condition") or opens(change) or not change.get("with", "?"):
            return False
        if "version" in change:
            values = written
        elif "key_to" in change:
            operator, key, values = change["operator_to"], change["key_to"], list(change["values"])
        elif "operator_to" in change:
            operator = change["operator_to"]
        elif "replace" in change:
            written = [change["with"] if text == change["replace"] else text for text in written]
            values = written
        elif change.get("add") is not None:
            values = [*values, *change["add"]]
        else:
            return False
    conditions.setdefault(operator, {}).setdefault(key, []).extend(values)
    return True
