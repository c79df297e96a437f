"""Causes of a session that was not opened: what the caller's own policies and the role's trust policy lack.

INVARIANT (I9): of a role of another account nobody whom it does not trust is told whether it exists, and nobody at all
whom it trusts beside; who owns it is told who asked and what of its trust policy kept that out, and of the caller's
policies nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sesame.access.causes.own_side import kept_causes
from sesame.policy.reasons.cause import Cause, Code, How, Mend, Reader
from sesame.policy.reasons.remedies import beside_ways_out
from sesame.policy.reasons.sentence import compact
from sesame.store.decisions import DecisionRecord

_UPDATE = "(`aws iam update-assume-role-policy`)"


def trust_causes(
    record: DecisionRecord, decision: Mapping[str, Any], failed: Mapping[str, Any], reader: Reader
) -> Iterator[Cause]:
    """Why AssumeRole was refused by policy, action by action; `failed` is what `trust_facts` keeps.

    Nothing for an owner whose trust policy lets the caller in.
    """
    said = {one["action"]: one for one in failed.get("by_trust", ())}
    is_own = _owner(failed) == record.account_id
    for one in (failed, *failed.get("also", ())):
        trust = said.get(one["action"])
        half = () if trust is None else tuple(_owners(one, trust, record.account_id, is_own=is_own))
        if reader is Reader.OWNER:
            yield from half
        elif is_own:
            yield from _own_account(one, half, decision)
        else:
            yield from _callers(one, half if reader is Reader.OPERATOR else ())


def _owner(failed: Mapping[str, Any]) -> str:
    return str(failed["role"]).split(":")[4]


def _callers(failed: Mapping[str, Any], half: Sequence[Cause]) -> Iterator[Cause]:
    """What keeps a caller out of a role of another account; `half` is the owner's, for who may read both."""
    why = "which a role of another account needs beside its trust policy"
    yield from kept_causes(failed, lambda statement: _lacking(failed, why, statement))
    if half:
        yield from half
    elif failed["own_side"] == "ALLOW" or failed.get("trust_refuses"):
        role, action, principal, owner = (*_asked(failed), _owner(failed))
        yield Cause(
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


def _own_account(
    failed: Mapping[str, Any], half: Sequence[Cause], decision: Mapping[str, Any]
) -> Iterator[Cause]:
    """What keeps a caller out of a role of its own account, whose trust policy can let it in by itself."""
    role, action, principal = _asked(failed)
    is_denied = failed["own_side"] == "EXPLICIT_DENY"
    if is_denied or not failed.get("trust_refuses"):
        why = "whose trust policy lets its account in and leaves it to IAM whom"
        needs_iam = bool(failed.get("needs_iam"))
        yield from kept_causes(
            failed, lambda statement: _lacking(failed, why, statement) if needs_iam else None
        )
    if half:
        yield from half
    elif failed.get("trust_refuses"):
        statement = {"Effect": "Allow", "Principal": _named(decision, principal), "Action": action}
        also = "" if failed["own_side"] == "ALLOW" else f", and no IAM policy of `{principal}` allows it"
        yield _to_add(
            role,
            f"the trust policy of `{role}` does not let `{principal}` do `{action}`{also}; or there is no such role",
            statement,
        )


def _named(decision: Mapping[str, Any], principal: str) -> dict[str, str]:
    return {"Service" if decision.get("kind") == "service" else "AWS": principal}


def _asked(failed: Mapping[str, Any]) -> tuple[str, str, str]:
    return str(failed["role"]), str(failed["action"]), str(failed["principal"])


def _owners(
    failed: Mapping[str, Any], trust: Mapping[str, Any], caller: str, *, is_own: bool
) -> Iterator[Cause]:
    """What of the trust policy kept somebody of account `caller` out, for who may change that."""
    role, action, principal = _asked(failed)
    for deny in trust.get("denies", ()):
        when = f" when {' and '.join(deny['when'])}" if deny["when"] else ""
        what = f": {deny['mend']}" if deny["mend"] else ""
        change = f"change or remove {deny['statement']} of the trust policy of `{role}`{what} {_UPDATE}"
        yield Cause(
            code=Code.TRUST,
            text=f"{deny['statement']} of the trust policy of `{role}` denies `{action}` to `{principal}`{when}",
            mend=Mend(
                how=How.CHANGE_TRUST,
                text=beside_ways_out(change, deny["changes"], is_last=True),
                details={
                    "role": role,
                    "statement": None,
                    "index": deny["index"],
                    "changes": deny["changes"],
                },
            ),
        )
    lacks = trust.get("lacks")
    if lacks is None:
        return
    if "external_id" in lacks:
        wanted = lacks["external_id"]
        whose = "send" if is_own else f"have account {caller} send"
        yield Cause(
            code=Code.TRUST,
            text=f"the trust policy of `{role}` lets `{principal}` do `{action}` only with {lacks['without_id']}",
            mend=Mend(
                how=How.SET_PARAMETER,
                text=f"{whose} `{wanted}` as ExternalId of AssumeRole, or change that condition of the trust policy",
                details={"parameter": "ExternalId", "value": wanted},
            ),
        )
    if "unmet" in lacks:
        only = "; and ".join(lacks["unmet"])
        send = "send" if is_own else f"have account {caller} send"
        yield _to_add(
            role,
            f"the trust policy of `{role}` lets `{principal}` do `{action}` only with {only}",
            lacks["statement"],
            before=f"{send} what the condition asks for; or leave that condition of the trust policy to others, and ",
        )
    if "unmet" not in lacks and "external_id" not in lacks:
        almost = ""
        if lacks.get("remade"):
            almost = f"; it names the `{principal}` of before, which was deleted and made again"
        elif "near" in lacks:
            almost = "; the closest names `{}`: {}".format(*lacks["near"])
        text = f"the trust policy of `{role}` does not let `{principal}` do `{action}`{almost}"
        yield _to_add(role, text, lacks["statement"])


def _to_add(role: str, text: str, statement: Mapping[str, Any], *, before: str = "") -> Cause:
    return Cause(
        code=Code.TRUST,
        text=text,
        mend=Mend(
            how=How.CHANGE_TRUST,
            text=f"{before}add to the trust policy of `{role}` the statement {compact(statement)} {_UPDATE}",
            details={"role": role, "statement": statement},
        ),
    )


def _lacking(failed: Mapping[str, Any], why: str, statement: Mapping[str, Any]) -> Cause:
    role, action, principal = _asked(failed)
    return Cause(
        code=Code.SENDER_IAM,
        text=f"no IAM policy of `{principal}` allows `{action}` on `{role}`, {why}",
        mend=Mend(
            how=How.ALLOW_IN_IAM,
            text=f"give `{principal}` an IAM policy with the statement {compact(statement)}",
            details={"principal": principal, "statement": statement},
        ),
    )
