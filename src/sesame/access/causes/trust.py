"""Causes of a session that was not opened: what the caller's own policies and the role's trust policy lack.

INVARIANT (I9): of a role of another account nobody is told whether it exists or whom it trusts.
"""

import json
from collections.abc import Mapping
from typing import Any

from sesame.policy.reasons.cause import Cause, Code, How, Mend
from sesame.store.decisions import DecisionRecord


def trust_cause(record: DecisionRecord, decision: Mapping[str, Any], failed: Mapping[str, Any]) -> Cause:
    """Why AssumeRole was refused by policy; `failed` has `role`, `action` and how the own side decided."""
    role, action, principal = str(failed["role"]), str(failed["action"]), str(decision["principal"])
    principal = str(decision.get("session", {}).get("role_arn") or principal)
    owner = role.split(":")[4]
    if failed["own_side"] == "EXPLICIT_DENY":
        return Cause(
            code=Code.DENY,
            text=f"a policy of `{principal}`, or one that its session was opened under, denies `{action}` on `{role}`",
            mend=Mend(
                how=How.ALLOW_IN_IAM,
                text=f"change or remove the Deny of `{action}` in the policies of `{principal}`",
                details={"principal": principal, "statement": _own(action, role)},
            ),
        )
    if owner != record.account_id:
        return _foreign(failed["own_side"] == "ALLOW", role, action, principal, owner)
    if decision.get("kind") == "service":
        named: dict[str, str] = {"Service": principal}
    else:
        named = {"AWS": principal}
    statement = {"Effect": "Allow", "Principal": named, "Action": action}
    also = "" if failed["own_side"] == "ALLOW" else f", and no IAM policy of `{principal}` allows it"
    return Cause(
        code=Code.TRUST,
        text=f"the trust policy of `{role}` does not let `{principal}` do `{action}`{also}; or there is no such role",
        mend=Mend(
            how=How.CHANGE_TRUST,
            text=f"add to the trust policy of `{role}` the statement {_compact(statement)}"
            " (`aws iam update-assume-role-policy`)",
            details={"role": role, "statement": statement},
        ),
    )


def _foreign(is_allowed: bool, role: str, action: str, principal: str, owner: str) -> Cause:
    if is_allowed:
        return Cause(
            code=Code.TRUST,
            text=f"account {owner} has no role `{role}` whose trust policy lets `{principal}` do `{action}`",
            mend=Mend(
                how=How.ASK,
                text=f"ask account {owner} to name `{principal}` in the trust policy of that role",
                details={"whom": "owner", "account": owner, "role": role},
            ),
        )
    statement = _own(action, role)
    return Cause(
        code=Code.SENDER_IAM,
        text=f"no IAM policy of `{principal}` allows `{action}` on `{role}`, which a role of another account needs"
        " beside its trust policy",
        mend=Mend(
            how=How.ALLOW_IN_IAM,
            text=f"give `{principal}` an IAM policy with the statement {_compact(statement)}",
            details={"principal": principal, "statement": statement},
        ),
    )


def _own(action: str, role: str) -> dict[str, str]:
    return {"Effect": "Allow", "Action": action, "Resource": role}


def _compact(statement: Mapping[str, Any]) -> str:
    return json.dumps(statement, separators=(",", ":"), ensure_ascii=False)
