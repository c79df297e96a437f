"""Causes of a session that was not opened: what the caller's own policies and the role's trust policy lack.

INVARIANT (I9): of a role of another account nobody whom it does not trust is told whether it exists, and nobody at all
whom it trusts beside; who owns it is told who asked and what of its trust policy kept that out, and of the caller's
policies nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from sesame.access.causes.own_side import kept_causes
from sesame.policy.reasons.cause import Cause, Code, How, Mend, Reader
from sesame.policy.reasons.remedies import beside_ways_out
from sesame.policy.reasons.sentence import compact
from sesame.store.decisions import DecisionRecord

_UPDATE = "(`aws iam update-assume-role-policy`)"
_TO_ALLOW = "to allow it, "
"""Before what an owner may do: whoever knocks need not be let in."""


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
        sent = failed.get("sent_external_id")
        own = "" if sent is None else f"; this call sent {'an' if sent else 'no'} ExternalId"
        yield Cause(
            code=Code.TRUST,
            text=f"account {owner} has no role `{role}` whose trust policy lets `{principal}` do `{action}` as it was"
            f" asked: by name, and with the ExternalId and whatever else its conditions want{own}",
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
    allow = "" if is_own else _TO_ALLOW
    send = "send" if is_own else f"have account {caller} send"
    for deny in trust.get("denies", ()):
        when = f" when {' and '.join(deny['when'])}" if deny["when"] else ""
        what = f": {deny['mend']}" if deny["mend"] else ""
        change = (
            f"{allow}change or remove {deny['statement']} of the trust policy of `{role}`{what} {_UPDATE}"
        )
        text = f"{deny['statement']} of the trust policy of `{role}` denies `{action}` to `{principal}`{when}"
        if "external_id" in deny:  # an exemption would let in without any
            yield _to_send(text, f"{allow}{send}", deny["external_id"])
            continue
        yield Cause(
            code=Code.TRUST,
            text=text,
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
        text = (
            f"the trust policy of `{role}` lets `{principal}` do `{action}` only with {lacks['without_id']}"
        )
        yield _to_send(text, f"{allow}{send}", lacks["external_id"])
    if "unmet" in lacks:
        only = "; and ".join(lacks["unmet"])
        yield _to_add(
            role,
            f"the trust policy of `{role}` lets `{principal}` do `{action}` only with {only}",
            lacks["statement"],
            before=f"{allow}{send} what the condition asks for; or leave that condition of the trust policy to others,"
            " and ",
        )
    if "unmet" not in lacks and "external_id" not in lacks:
        almost = ""
        if lacks.get("remade"):
            almost = f"; it names the `{principal}` of before, which was deleted and made again"
        elif "near" in lacks:
            almost = "; the closest names `{}`: {}".format(*lacks["near"])
        text = f"the trust policy of `{role}` does not let `{principal}` do `{action}`{almost}"
        yield _to_add(
            role, text, lacks["statement"], before=_TO_ALLOW, after=_also(lacks, send), sends=_sends(lacks)
        )


def _to_send(text: str, send: str, wanted: str | None) -> Cause:
    what = f"`{wanted}` as ExternalId of AssumeRole" if wanted else "the ExternalId that it asks for"
    return Cause(
        code=Code.TRUST,
        text=text,
        mend=Mend(
            how=How.SET_PARAMETER,
            text=f"{send} {what}, or change that condition of the trust policy",
            details={"parameter": "ExternalId", "value": wanted},
        ),
    )


def _also(lacks: Mapping[str, Any], send: str) -> str:
    """What else a call needs, to meet the conditions that a proposed statement has from another."""
    said = ""
    if "carried_id" in lacks:
        wanted = lacks["carried_id"]
        what = f"`{wanted}` as the ExternalId" if wanted else "the ExternalId"
        said = f", and {send} {what} that it asks for"
    if "carried" in lacks:
        said += f"; like the closest it lets in only with {'; and '.join(lacks['carried'])}"
    return said


def _sends(lacks: Mapping[str, Any]) -> dict[str, Any]:
    """The parameter that a call needs beside a proposed statement."""
    return {"parameter": "ExternalId", "value": lacks["carried_id"]} if "carried_id" in lacks else {}


def _to_add(
    role: str,
    text: str,
    statement: Mapping[str, Any],
    *,
    before: str = "",
    after: str = "",
    sends: Mapping[str, Any] = MappingProxyType({}),
) -> Cause:
    add = f"add to the trust policy of `{role}` the statement {compact(statement)} {_UPDATE}"
    return Cause(
        code=Code.TRUST,
        text=text,
        mend=Mend(
            how=How.CHANGE_TRUST,
            text=f"{before}{add}{after}",
            details={"role": role, "statement": statement, **sends},
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
