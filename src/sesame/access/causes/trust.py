"""Causes of a session that was not opened: what the caller's own policies and the role's trust policy lack.

INVARIANT (I9): of a role of another account nobody whom it does not trust is told whether it exists, and nobody at all
whom it trusts beside; who owns it is told who asked and what of its trust policy kept that out, and of the caller's
policies nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from sesame.access.causes.around import Around
from sesame.access.causes.own_side import kept_causes
from sesame.access.causes.trust_terms import sent
from sesame.policy.reasons.cause import Cause, Code, How, Mend, Reader
from sesame.policy.reasons.narrow import in_words
from sesame.policy.reasons.sentence import compact
from sesame.store.decisions import DecisionRecord

_UPDATE = "(`aws iam update-assume-role-policy`)"
_TO_ALLOW = "to allow it, "
"""Before what an owner may do: whoever knocks need not be let in."""


def trust_causes(
    record: DecisionRecord,
    decision: Mapping[str, Any],
    failed: Mapping[str, Any],
    around: Around,
    reader: Reader,
) -> Iterator[Cause]:
    """Why AssumeRole was refused by policy, action by action; `failed` is what `trust_facts` keeps.

    Nothing for an owner whose trust policy lets the caller in.
    """
    said = {one["action"]: one for one in failed.get("by_trust", ())}
    is_own = _owner(failed) == record.account_id
    if is_own and around.near_roles is not None and reader is not Reader.OWNER:
        yield _no_role(failed, around.near_roles)
        if failed["own_side"] == "EXPLICIT_DENY":
            yield from kept_causes(failed, lambda _: None)
        return
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


def _no_role(failed: Mapping[str, Any], near: Sequence[str]) -> Cause:
    """The caller's own account has no role of that name."""
    role, account = str(failed["role"]), _owner(failed)
    listed = " or ".join(f"`{arn}`" for arn in near)
    meant = f"; did you mean {listed}?" if near else ""
    return Cause(
        code=Code.TRUST,
        text=f"account {account} has no role `{role}`{meant}",
        mend=Mend(
            how=How.SET_PARAMETER,
            text=f"name {listed or 'a role that is there'} as RoleArn, or create `{role}`",
            details={"parameter": "RoleArn", "value": near[0] if near else None},
        ),
    )


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
        send_it = "send the ExternalId that you agreed on, or " if sent is False else ""
        yield Cause(
            code=Code.TRUST,
            text=f"account {owner} has no role `{role}` whose trust policy lets `{principal}` do `{action}` as it was"
            f" asked: by name, and with the ExternalId and whatever else its conditions want{own}",
            mend=Mend(
                how=How.ASK,
                text=f"{send_it}ask account {owner} whether it has a role of that name, whose trust policy names"
                f" `{principal}`, and which ExternalId that wants",
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
        yield _denied(failed, deny, allow, send)
    lacks = trust.get("lacks")
    if lacks is None:
        return
    if "external_id" in lacks:
        text = (
            f"the trust policy of `{role}` lets `{principal}` do `{action}` only with {lacks['without_id']}"
        )
        yield _to_send(text, f"{allow}{send}", lacks["external_id"])
    if "unmet" in lacks:
        yield _unmet(failed, lacks, allow, send)
    if "unmet" not in lacks and "external_id" not in lacks:
        almost = ""
        if lacks.get("remade"):
            almost = f"; it names the `{principal}` of before, which was deleted and made again"
        elif "near" in lacks:
            almost = "; the closest names `{}`: {}".format(*lacks["near"])
        text = f"the trust policy of `{role}` does not let `{principal}` do `{action}`{almost}"
        yield _to_add(
            role, text, lacks["statement"], before=_TO_ALLOW, after=_also(lacks, send), more=_sends(lacks)
        )


def _denied(failed: Mapping[str, Any], deny: Mapping[str, Any], allow: str, send: str) -> Cause:
    """A Deny of the trust policy: what lifts it for this call, or an exception."""
    role, action, principal = _asked(failed)
    when = f" when {' and '.join(deny['when'])}" if deny["when"] else ""
    text = f"{deny['statement']} of the trust policy of `{role}` denies `{action}` to `{principal}`{when}"
    if "external_id" in deny:  # an exemption would let in without any
        return _to_send(text, f"{allow}{send}", deny["external_id"])
    terms = deny.get("terms", ())
    if (guard := next((one for one in terms if one["is_only"]), None)) is not None:
        return _by_term(text, guard, _do(allow, send))
    is_gone = any(change.get("remove") for change in deny["changes"])
    verb = "change or remove" if is_gone else "change"
    what = f": {deny['mend']}" if deny["mend"] else ""
    admits = deny.get("admits", ())
    way = f"{_do(allow, send)}{' or '.join(one['text'] for one in terms)}; or " if terms else allow
    return Cause(
        code=Code.TRUST,
        text=text,
        mend=Mend(
            how=How.CHANGE_TRUST,
            text=f"{way}{verb} {deny['statement']} of the trust policy of `{role}`{what} {_UPDATE}{in_words(admits)}",
            details={
                "role": role,
                "statement": None,
                "index": deny["index"],
                "changes": deny["changes"],
                **_beside(terms, admits),
            },
        ),
    )


def _unmet(failed: Mapping[str, Any], lacks: Mapping[str, Any], allow: str, send: str) -> Cause:
    """Conditions of the Allow that comes closest: what a call carries to meet them, or a statement without them."""
    role, action, principal = _asked(failed)
    text = f"the trust policy of `{role}` lets `{principal}` do `{action}` only with {'; and '.join(lacks['unmet'])}"
    terms = [one for one in lacks.get("terms", ()) if one is not None]
    is_met = len(terms) == len(lacks["unmet"])
    guards = [one for one in terms if one["is_only"]]
    if is_met and len(guards) == len(terms):
        return _by_term(text, guards[0], _do(allow, send))
    those = "that condition" if len(lacks["unmet"]) == 1 else "those conditions"
    leave = f"leave {those} of the trust policy to others{_since(lacks.get('never', ()))}, and "
    in_all = terms if is_met else guards
    do = f"{_do(allow, send)}{', and '.join(one['text'] for one in in_all)}" if in_all else ""
    if do:
        leave = f"{do}; or {leave}" if is_met else f"{do}; and {leave}"
    admits = lacks.get("admits", ())
    return _to_add(
        role,
        text,
        lacks["statement"],
        before=leave if do else f"{allow}{leave}",
        after=in_words(admits),
        more=_beside(in_all, admits),
    )


def _do(allow: str, send: str) -> str:
    """Before an infinitive of what the caller does."""
    return f"{allow}{send.removesuffix('send')}"


def _since(never: Sequence[str]) -> str:
    return f", since {' and '.join(never)}" if never else ""


def _beside(terms: Sequence[Mapping[str, Any]], admits: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What a call may carry in place of a change, and whom else the change lets in."""
    ways = [sent(one) for one in terms if one["parameter"]]
    return ({"or_send": ways} if ways else {}) | ({"also_admits": list(admits)} if admits else {})


def _by_term(text: str, guard: Mapping[str, Any], do: str) -> Cause:
    """What the caller alone does about a guard, which stays as it is."""
    how = How.SET_PARAMETER if guard["parameter"] else How.NEW_KEY
    details = sent(guard) if guard["parameter"] else {"access_key_id": None, "account": None}
    return Cause(code=Code.TRUST, text=text, mend=Mend(how=how, text=f"{do}{guard['text']}", details=details))


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
    more: Mapping[str, Any] = MappingProxyType({}),
) -> Cause:
    add = f"add to the trust policy of `{role}` the statement {compact(statement)} {_UPDATE}"
    return Cause(
        code=Code.TRUST,
        text=text,
        mend=Mend(
            how=How.CHANGE_TRUST,
            text=f"{before}{add}{after}",
            details={"role": role, "statement": statement, **more},
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
