"""Statements that a mend proposes: for one request, and as little beside it as can be said."""

from collections.abc import Sequence
from typing import Any

from sesame.policy.language.pattern import literally
from sesame.policy.reasons.derivation import StatementStep
from sesame.policy.reasons.remedies import carried, resource_to_write
from sesame.policy.request import Request, Requester


def _principal(requester: Requester) -> dict[str, str]:
    """The Principal that names a requester in an identity policy, and no more than it."""
    if requester.kind == "service":
        return {"Service": requester.arn}
    if requester.kind == "root":
        return {"AWS": requester.account_id}
    return {"AWS": requester.role_arn or requester.arn}


_SAID_TOO = {key.lower(): key for key in ("ses:FromDisplayName", "ses:FeedbackAddress", "ses:ApiVersion")}
"""Keys whose value a statement for one message says too, where a condition on them kept it out."""


def smallest_statement(request: Request, keys: Sequence[str] = ()) -> dict[str, Any]:
    """The statement of an identity policy that lets a request through and as little else as can be said.

    `keys` are those of conditions that kept the request out.
    """
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": _principal(request.requester),
        "Action": request.action,
        "Resource": request.resource,
    }
    also = [_SAID_TOO[key.lower()] for key in keys if key.lower() in _SAID_TOO]
    asked = {key: carried(request, key) for key in ("ses:FromAddress", "aws:SourceAccount", *also)}
    conditions = {key: literally(value, wildcards=False) for key, value in asked.items() if value is not None}
    if conditions:
        statement["Condition"] = {"StringEquals": conditions}
    return statement


def conditions_for_address(held: StatementStep, request: Request) -> dict[str, Any]:
    """What holds a statement on a domain to the address that it is sent as, and to the conditions that it met."""
    conditions: dict[str, dict[str, Any]] = {}
    for one in held.conditions:
        if one.answer and one.key.lower() != "ses:fromaddress":
            conditions.setdefault(one.operator, {})[one.key] = list(one.wanted)
    address = literally(carried(request, "ses:FromAddress") or "", wildcards=False)
    return conditions | {"StringEquals": conditions.get("StringEquals", {}) | {"ses:FromAddress": address}}


def iam_statement(action: str, resource: str) -> dict[str, Any]:
    """The statement of an IAM policy that allows an action on one resource."""
    return {"Effect": "Allow", "Action": action, "Resource": resource_to_write(resource)}
