"""Causes of a session that was not opened: what the caller's own policies and the role's trust policy lack.

INVARIANT (I9): of a role of another account nobody whom it does not trust is told whether it exists, and nobody at all
whom it trusts beside.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from sesame.policy.reasons.cause import Cause, Code, How, Mend
from sesame.policy.reasons.sentence import compact
from sesame.store.decisions import DecisionRecord


def trust_cause(record: DecisionRecord, decision: Mapping[str, Any], failed: Mapping[str, Any]) -> Cause:
    """Why AssumeRole was refused by policy; `failed` has `role`, `action` and how the own side decided."""
    role, action, principal = str(failed["role"]), str(failed["action"]), str(decision["principal"])
    principal = str(failed.get("principal") or principal)
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
    if (unmet := _by_trust(failed, role, action, principal)) is not None:
        return unmet
    if decision.get("kind") == "service":
        named: dict[str, str] = {"Service": principal}
    else:
        named = {"AWS": principal}
    statement = {"Effect": "Allow", "Principal": named, "Action": action}
    also = "" if failed["own_side"] == "ALLOW" else f", and no IAM policy of `{principal}` allows it"
    return Cause(
        code=Code.TRUST,
        text=f"the trust policy of `{role}` does not let `{principal}` do `{action}`{also}; or there is no such role",
        mend=_change_trust(
            role, f"add to the trust policy of `{role}` the statement {compact(statement)}", statement
        ),
    )


def _change_trust(role: str, text: str, statement: Mapping[str, Any] | None = None) -> Mend:
    """Change the trust policy of a role of the own account, with its command."""
    return Mend(
        how=How.CHANGE_TRUST,
        text=f"{text} (`aws iam update-assume-role-policy`)",
        details={"role": role, "statement": statement},
    )


def other_side_of_role(record: DecisionRecord, decision: Mapping[str, Any]) -> Iterator[Cause]:
    """What keeps a caller out of a role of another account beside its own policies; nothing where those allow."""
    failed = decision["failed"]
    if "role" not in failed or failed["own_side"] == "ALLOW" or not failed.get("trust_refuses"):
        return
    role, principal = str(failed["role"]), str(failed.get("principal") or decision["principal"])
    if (owner := role.split(":")[4]) != record.account_id:
        yield _foreign(True, role, str(failed["action"]), principal, owner)


def _by_trust(failed: Mapping[str, Any], role: str, action: str, principal: str) -> Cause | None:
    """What in the trust policy of a role of the own account kept out somebody whom it names."""
    if (denies := failed.get("trust_denies")) is not None:
        return Cause(
            code=Code.TRUST,
            text=f"{denies} of the trust policy of `{role}` denies `{action}` to `{principal}`",
            mend=_change_trust(role, f"change or remove {denies} of the trust policy of `{role}`"),
        )
    if (unmet := failed.get("unmet")) is None:
        return None
    text = f"the trust policy of `{role}` lets `{principal}` do `{action}` only with {unmet}"
    if (external_id := failed.get("external_id")) is not None:
        return Cause(
            code=Code.TRUST,
            text=text,
            mend=Mend(
                how=How.SET_PARAMETER,
                text=f"send `{external_id}` as ExternalId of AssumeRole, or change that condition of the trust policy",
                details={"parameter": "ExternalId", "value": external_id},
            ),
        )
    return Cause(
        code=Code.TRUST,
        text=text,
        mend=_change_trust(
            role,
            f"send what the condition asks for, or change that condition of the trust policy of `{role}`",
        ),
    )


def _foreign(is_allowed: bool, role: str, action: str, principal: str, owner: str) -> Cause:
    if is_allowed:
        return Cause(
            code=Code.TRUST,
            text=f"account {owner} has no role `{role}` whose trust policy lets `{principal}` do `{action}` as it was"
            " asked: by name, and with the ExternalId and whatever else its conditions want",
            mend=Mend(
                how=How.ASK,
                text=f"ask account {owner} to name `{principal}` in the trust policy of that role, and which"
                " ExternalId to send if it wants one",
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
            text=f"give `{principal}` an IAM policy with the statement {compact(statement)}",
            details={"principal": principal, "statement": statement},
        ),
    )


def _own(action: str, role: str) -> dict[str, str]:
    return {"Effect": "Allow", "Action": action, "Resource": role}
