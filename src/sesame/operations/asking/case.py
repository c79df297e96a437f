"""A question about a send as a case of `sesame policy test`: the half that its asker may see, to keep in a file.

The other account's half stands in as one that allows, so that the case is about the asker's policies alone.
"""

import json
from collections.abc import Mapping
from typing import Any

from sesame.access import conditions
from sesame.access.checks import Check
from sesame.access.compiled import Policies
from sesame.model import Caller, PrincipalKind
from sesame.policy.cases import run_case
from sesame.sending.send import DryRun

_ALLOW: Mapping[str, Any] = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def case_of(asked_as: Caller, dry_run: DryRun, viewer: str, *, is_owners: bool) -> Mapping[str, Any] | None:
    """The check that refuses, else the first, as a case; None where no policy was asked."""
    checks = [check for check in dry_run.decision.checks if check.grounds is not None]
    check = next((one for one in checks if not one.allows), checks[0] if checks else None)
    if check is None or check.grounds is None:
        return None
    owns = check.owner_account_id == viewer
    context = {
        **dry_run.decision.context,
        **conditions.time_keys(asked_as.at),
        **(check.grounds.resource_keys if owns else {}),
        "aws:ResourceAccount": check.owner_account_id,
    }
    principal = asked_as.principal.arn
    is_service = asked_as.principal.kind is PrincipalKind.SERVICE
    iam = [] if is_service else [_ALLOW_DOCUMENT] if is_owners else _documents(check.grounds.iam)
    attached = _documents(check.grounds.identity) if owns else [_lending(principal)]
    case: dict[str, Any] = {
        "id": f"{principal.rpartition(':')[2]} as {', '.join(dict.fromkeys(check.addresses)) or check.arn}",
        "request": {
            "principal": principal,
            "action": dry_run.request.action,
            "resource": check.arn,
            "resourceAccount": check.owner_account_id,
            "context": {
                key: list(value) if isinstance(value, tuple) else value for key, value in context.items()
            },
        },
        "identityPolicies": iam,
        "resourcePolicies": attached,
    }
    if note := "" if is_service else _note(check, viewer, is_owners=is_owners):
        case["note"] = note
    return {**case, "expected": run_case({**case, "expected": "Allowed"}).actual}


_ALLOW_DOCUMENT: Mapping[str, Any] = {"Version": "2012-10-17", "Statement": _ALLOW}


def _lending(principal: str) -> Mapping[str, Any]:
    return {"Version": "2012-10-17", "Statement": {**_ALLOW, "Principal": {"AWS": principal}}}


def _documents(policies: Policies | None) -> list[Any]:
    return [] if policies is None else [json.loads(policy.text) for _, policy in policies.documents]


def _note(check: Check, viewer: str, *, is_owners: bool) -> str:
    if is_owners:
        return "identityPolicies stands in for the sender's account"
    if check.owner_account_id != viewer:
        return f"resourcePolicies stands in for the policies of account {check.owner_account_id}"
    return ""
