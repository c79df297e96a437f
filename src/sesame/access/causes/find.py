"""From a refusal as it was kept to its causes, for one reader: the one to mend first, then what stands in the way too.

Pure: what was kept, what policies said of it (`refusals.derive`) and what there is around it (`around`) are arguments.
INVARIANT (I9): what of `Around` is another account's is told to that account and to the operator alone, but for an
identity whose policy names the reader.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sesame.access.causes.addresses import AddressCauses
from sesame.access.causes.around import NOTHING, Around
from sesame.access.causes.before import failure_cause, quota_cause
from sesame.access.causes.bounded import STOPS, cap_cause, stopped_cause
from sesame.access.causes.devices import with_devices
from sesame.access.causes.instead import bound_too, instead_cause
from sesame.access.causes.mail_from import mail_from_cause
from sesame.access.causes.managed import with_managed
from sesame.access.causes.mends import joined
from sesame.access.causes.other_sets import SetWays, with_set_ways
from sesame.access.causes.overridden import with_hidden
from sesame.access.causes.own_side import own_causes
from sesame.access.causes.several import also_wrong
from sesame.access.causes.third_person import for_operator
from sesame.access.causes.tried import Tried, with_tried
from sesame.access.causes.trust import trust_causes
from sesame.access.refusals import Derived
from sesame.policy import Outcome, sender_view
from sesame.policy.reasons.case import Setting
from sesame.policy.reasons.cause import Cause, Code, How, Mend, Reader
from sesame.policy.reasons.gaps import policy_causes
from sesame.store.decisions import DecisionRecord, Refusal, whole
from sesame.store.delegate_bounds import ALL

_BY_WHAT_IS_AROUND = {
    Code.NO_ARN,
    Code.USE_UNCOVERED,
    Code.ARN_OWN_ACCOUNT,
    Code.REGION,
    Code.DOES_NOT_ALIGN,
    Code.ARN_MALFORMED,
    Code.PENDING,
}
"""Causes whose mends rest on identities beside those that were asked for, which no line of the log waits for."""

_DENIED = {"AccessDenied", "AccessDeniedException"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A refusal as it was kept, its JSON read; `derived` has, for each check, what its policies said."""

    record: DecisionRecord
    decision: Mapping[str, Any]
    derived: Sequence[Derived | None]
    around: Around = NOTHING
    beside: Sequence[Sequence[Derived | None]] = ()
    """For each check, what the policies of more specific identities said that were not asked."""
    regions: Sequence[Sequence[str]] = ()
    """For each check, the other regions in which its address is verified and the sender's own policies let it pass."""
    sets: Sequence[SetWays] = ()
    """For each check, what may be named in place of a configuration set."""
    gone: Mapping[str, str] = field(default_factory=dict)
    """Principals that an identity's policies name and that are no more there, with their unique ids."""
    tried: Mapping[str, Tried] = field(default_factory=dict)
    """By the ARN of an identity that may be proposed, what naming it would come to."""
    once_there: Sequence[Derived | None] = ()
    """For each check that no identity of the sender's covers, what its policies say of one that would."""


def causes_of(refused: Refused, reader: Reader) -> tuple[Cause, ...]:
    """The causes, each once; none for what was accepted."""
    if refused.record.message_id is not None:
        return ()
    found: dict[tuple[str, ...], Cause] = {}
    asked = refused.decision.get("failed", refused.decision.get("asked", {}))
    is_whole = bool(refused.decision["context"])
    said = (
        one
        for cause in _causes(refused, reader)
        for one in with_tried(cause, refused.tried, refused.record, reader, is_whole=is_whole)
    )
    for cause in said:
        if reader is not Reader.OWNER:
            cause = with_hidden(cause, asked)
            principal = str(refused.decision["principal"])
            cause = with_devices(cause, principal, refused.around.devices, refused.record)
        # An address without an ARN stands in several places; one ARN mends all.
        mend = () if cause.code is Code.NO_ARN else (cause.mend.text,)
        if reader is Reader.OWNER and any(cause.text == one.text for one in found.values()):
            continue  # of what the sender's own side lacks it is not told more than that
        found.setdefault((cause.code.value, cause.text, *mend), cause)
    return tuple(found.values())


def cause_in_log(refusal: Refusal) -> str | None:
    """The cause of a refusal that no policy made, in a line; None of one that policies did.

    Those take the longer the more there are, and would tell by it (I9): they are explained when somebody asks.
    """
    decision = json.loads(whole(refusal.decision.own, refusal.decision.shared))
    if "failed" in decision:  # what would be decided besides is explained when somebody asks
        decision["checks"] = []
    if any(check["outcome"] != "allow" for check in decision["checks"]):
        return None
    record = DecisionRecord(
        at=refusal.at,
        account_id=refusal.account_id,
        owner_account_id=refusal.owner_account_id,
        region=refusal.region,
        message_id=None,
        code=refusal.code,
        reason=refusal.reason,
        decision="",
        request_id=refusal.request_id,
    )
    derived = [None] * len(decision["checks"])
    causes = causes_of(Refused(record=record, decision=decision, derived=derived), Reader.OPERATOR)
    if not causes:
        return None
    cause = for_operator(causes[0])
    if cause.code in _BY_WHAT_IS_AROUND and refusal.request_id:
        text = f"`sesame why {refusal.request_id}` says what to do, by the identities that there are"
        cause = replace(cause, mend=replace(cause.mend, text=text))
    return cause.line()


def _causes(refused: Refused, reader: Reader) -> Iterator[Cause]:
    decision = refused.decision
    if "failed" in decision:
        yield from _failed(refused, decision["failed"], reader)
        return
    yield from _refused_for(refused, reader)
    if then := decision.get("limit", {}).get("then"):
        yield from _used_up(refused, then, reader)


def _refused_for(refused: Refused, reader: Reader) -> Iterator[Cause]:
    """What a send was refused for."""
    record, decision = refused.record, refused.decision
    addresses = AddressCauses(record, decision, refused.around, reader)
    if record.code in _DENIED:
        found = tuple(_denied(refused, addresses, reader))
        yield from found
        if reader is Reader.OWNER and _lacks_more(refused, found):
            yield _senders_own(record, Code.SENDER_IAM, is_all=False)
    elif record.code == "MessageRejected":
        yield from addresses.unverified()
    elif record.code == "MailFromDomainNotVerifiedException":
        yield mail_from_cause(record, decision["checks"], refused.around, reader)
    elif "cap" in (limit := decision.get("limit", {})):
        yield from _limits(refused, limit, reader)
    else:
        cause = failure_cause(record, decision, refused.around)
        allows = all(one["outcome"] == "allow" for one in decision["checks"] if _concerns(refused, one))
        yield cause if reader is not Reader.OWNER else _senders_own(record, cause.code, allows=allows)


def _failed(refused: Refused, failed: Mapping[str, Any], reader: Reader) -> Iterator[Cause]:
    """What failed before a decision on a send, or as a call that sends nothing."""
    record, decision = refused.record, refused.decision
    if "role" in failed:
        causes = tuple(trust_causes(record, decision, failed, refused.around, reader))
        yield from causes or (_of_caller(record),)
    elif "own_side" in failed:
        yield from own_causes(record, failed)
    elif decision["checks"]:
        yield from _with_decision(refused, reader)
    else:
        yield failure_cause(record, decision, refused.around)
        yield from also_wrong(record, failed, refused.around)


def _with_decision(refused: Refused, reader: Reader) -> Iterator[Cause]:
    """What failed ahead of a decision that is known: to each side what its own half would refuse besides."""
    record, decision = refused.record, refused.decision
    addresses = AddressCauses(record, decision, refused.around, reader)
    cause = failure_cause(record, decision, refused.around)
    denied = [check for check in decision["checks"] if check["outcome"] != "allow"]
    if reader is Reader.OWNER:
        is_mine = any(_concerns(refused, check) for check in denied)
        if is_mine:
            yield from _denied(refused, addresses, reader)
        yield _senders_own(record, cause.code, is_all=not is_mine)
        return
    more = tuple(_denied(refused, addresses, reader) if denied else addresses.unverified())
    if not more:
        passes = "; policies let the message pass then"
        yield replace(cause, mend=replace(cause.mend, text=f"{cause.mend.text}{passes}"))
        return
    yield cause
    for one in more:
        yield replace(one, text=f"and then {one.text}")


def _limits(refused: Refused, limit: Mapping[str, Any], reader: Reader) -> Iterator[Cause]:
    """The caps that are reached, to each owner its own, beside the sender's own quota where that is reached too."""
    record, is_owner = refused.record, reader is Reader.OWNER
    if limit.get("own") and not is_owner:
        yield failure_cause(record, refused.decision, refused.around)
    caps = [limit, *limit.get("also", ())]
    shown = [cap for cap in caps if not is_owner or cap["owner"] == record.owner_account_id]
    for cap in shown:
        yield cap_cause(record, cap, reader)
    if limit.get("own") and is_owner:
        yield _senders_own(record, Code.QUOTA, is_all=False)


def _used_up(refused: Refused, then: Mapping[str, Any], reader: Reader) -> Iterator[Cause]:
    """What would refuse the message once the rest is mended: the sender's quota to itself, caps to both sides.

    A sender whom the owner does not let in is told of no cap: it would know by it that the identity is there (I9).
    """
    record = refused.record
    causes = []
    if then.get("own") and reader is not Reader.OWNER:
        causes.append(quota_cause(record, refused.around, then["own"]))
    for cap in (then, *then.get("also", ())):
        if "cap" not in cap or (reader is Reader.OWNER and cap["owner"] != record.owner_account_id):
            continue
        if reader is not Reader.SENDER or cap["owner"] == record.account_id or _is_known(refused, cap):
            causes.append(cap_cause(record, cap, reader))
    for cause in causes:
        yield replace(cause, text=f"and then {cause.text}")


def _is_known(refused: Refused, cap: Mapping[str, Any]) -> bool:
    """Whether a sender knows what a cap is on: it has used it up by sending as that, or the owner lets it in now."""
    has_sent = cap["identity"] != ALL and int(cap["used"]) > 0
    return has_sent or any(
        check["owner"] == cap["owner"]
        and cap["identity"] in (ALL, check["arn"].partition(":identity/")[2])
        and (check["outcome"] == "allow" or (one is not None and _is_let_in(one)))
        for check, one in zip(refused.decision["checks"], refused.derived, strict=True)
        if set(check["uses"]) - {"Resource"}
    )


def _is_let_in(derived: Derived) -> bool:
    return sender_view(derived.explanation).by_owner is Outcome.ALLOW


def _denied(refused: Refused, addresses: AddressCauses, reader: Reader) -> Iterator[Cause]:
    """What each check that refused lacked; an identity that is not there comes before what policies say of it."""
    told = reader is not Reader.OWNER or refused.record.owner_account_id is None
    not_meant: set[str] = set()
    for n, (check, derived) in enumerate(zip(refused.decision["checks"], refused.derived, strict=True)):
        if check["outcome"] == "allow" or (reader is Reader.OWNER and not _concerns(refused, check)):
            continue
        told = True
        if check["outcome"] in STOPS:
            yield stopped_cause(refused.record, check, reader)
            continue
        instead = instead_cause(refused.record, refused.decision, refused.around, check, reader)
        missing = list(addresses.missing(check))
        if missing and instead is not None:
            missing = [instead]
            not_meant.add(check["arn"])
        yield from missing
        if missing and refused.once_there and reader is not Reader.OWNER:
            yield from _once_verified(missing, refused.once_there[n], refused.record)
        if missing and (derived is None or check["owner"] != refused.record.account_id):
            continue
        if derived is None:
            yield _no_longer_known(refused.record)
            continue
        setting = _setting(refused, check, derived)
        is_own = check["owner"] == refused.record.account_id
        as_whom = Reader.OPERATOR if is_own and reader is Reader.SENDER else reader
        causes = policy_causes(derived.explanation, as_whom, setting=setting)
        if refused.regions:
            causes = tuple(_with_region(cause, refused.regions[n]) for cause in causes)
        if refused.sets:
            causes = tuple(with_set_ways(cause, refused.sets[n]) for cause in causes)
        if reader is not Reader.OWNER or is_own:
            causes = with_managed(causes, refused.around.managed.get(check["arn"]), refused.decision)
        if causes and causes[0].code is Code.PRINCIPAL_OTHER:
            text = causes[0].text + bound_too(refused.decision, check)
            # What the sender's own policies say about the mistaken ARN does not hold for the right one.
            causes = (replace(causes[0], text=text), *causes[1:]) if instead is None else (instead,)
            not_meant |= {check["arn"]} if instead is not None else set()
        causes = _of_what_rests(causes, check)
        by_policy = () if missing else tuple(_by_policy(causes, addresses, check, as_whom))
        by_others = [
            cause
            for other in (refused.beside[n] if refused.beside else ())
            if other is not None and other.explanation.outcome is Outcome.EXPLICIT_DENY
            for cause in policy_causes(other.explanation, as_whom, setting=replace(setting, is_let_in=True))
            if cause.code is Code.DENY
        ]
        yield from _with_the_owners(refused.record, check, derived, reader, by_policy, by_others)
    unverified = list(addresses.unverified(without=not_meant))
    if told:
        yield from unverified
        return
    is_readers = any(cause.mend.details.get("whom") != "sender" for cause in unverified)
    of_others = _not_the_owners(refused, is_all=not is_readers)
    yield from (*unverified, of_others) if is_readers else (of_others, *unverified)


def _of_what_rests(causes: tuple[Cause, ...], check: Mapping[str, Any]) -> tuple[Cause, ...]:
    """Where an identity is used for other addresses than From, tell both sides for which."""
    if "From" in check["uses"] or not check["addresses"] or not causes:
        return causes  # what is used as a resource has no address
    if re.search("(?<!did you mean `)ses:FromAddress", causes[0].text) is None:
        return causes
    uses = joined(check["uses"])
    verb = "rests" if len(check["uses"]) == 1 else "rest"
    text = f"{causes[0].text}; {uses} `{check['addresses'][0]}` {verb} on `{check['arn']}`, and From does not"
    return (replace(causes[0], text=text), *causes[1:])


def _setting(refused: Refused, check: Mapping[str, Any], derived: Derived) -> Setting:
    """What is known of a check beside its policies."""
    return Setting(
        uses=tuple(check["uses"]),
        bound=derived.bound,
        gone=refused.gone,
        is_let_in=derived.is_let_in,
        default_set=refused.decision.get("asked", {}).get("default_set"),
        request_id=refused.record.request_id,
    )


def _once_verified(
    missing: Sequence[Cause], there: Derived | None, record: DecisionRecord
) -> Iterator[Cause]:
    """What the sender's own policies would refuse once the identity is there that a cause says to verify."""
    if there is None or missing[0].mend.how is not How.VERIFY_IDENTITY:
        return
    setting = Setting(request_id=record.request_id)
    for cause in policy_causes(there.explanation, Reader.OPERATOR, setting=setting):
        if "resourcetag/" not in cause.line().lower():  # which tags it will have is not known yet
            yield replace(cause, text=f"and then {cause.text}")


def _with_region(cause: Cause, regions: Sequence[str]) -> Cause:
    """A cause that is the region's, with the regions in which the same message would pass."""
    if not regions or "aws:requestedregion" not in cause.text.lower():
        return cause
    where = " or ".join(f"`{region}`" for region in regions)
    way = f"the sender calls region {where}, where the identity is verified too"
    text = f"{way}; or {cause.mend.text}" if cause.code is Code.DENY else f"{cause.mend.text}; or {way}"
    return replace(cause, mend=replace(cause.mend, text=text))


def _with_the_owners(
    record: DecisionRecord,
    check: Mapping[str, Any],
    derived: Derived,
    reader: Reader,
    by_policy: Sequence[Cause],
    by_others: Sequence[Cause],
) -> Iterator[Cause]:
    """What policies lack, and what of the owner's stands in the way beside that: Denies `by_others`, and bounds.

    A sender that the owner's policies do not let in is not told of it (I9).
    """
    owner_allows = _is_let_in(derived)
    is_strangers = reader is Reader.SENDER and check["owner"] != record.account_id
    if is_strangers and not owner_allows:
        yield from by_policy
        return
    stop = (stopped_cause(record, check, reader),) if "bounds" in check else ()
    owners = (*by_others, *stop)
    yield from (*owners, *by_policy) if reader is Reader.OWNER and owner_allows else (*by_policy, *owners)


def _by_policy(
    causes: Sequence[Cause], addresses: AddressCauses, check: Mapping[str, Any], reader: Reader
) -> Iterator[Cause]:
    """The causes that policies are, the first of them with what another identity of the owner's says of the sender."""
    elsewhere = addresses.lent_elsewhere(check)
    if elsewhere is not None and causes and causes[0].code is Code.DENY and reader is not Reader.SENDER:
        way = addresses.by_other(check)
        if way is not None:
            lets_in, mend = way
            yield replace(causes[0], text=f"{causes[0].text}; {lets_in}", mend=mend)
            return
    if elsewhere is None or not causes or causes[0].code is not Code.PRINCIPAL_OTHER:
        yield from causes
        return
    in_words, for_sender = elsewhere
    yield for_sender if reader is Reader.SENDER else replace(causes[0], text=f"{causes[0].text}; {in_words}")
    yield from causes[1:]


def _lacks_more(refused: Refused, found: Sequence[Cause]) -> bool:
    """Whether what the sender uses of its own was refused as well, and no cause tells its owner so yet."""
    own = refused.record.account_id
    is_told = any(cause.mend.details.get("whom") == "sender" for cause in found)
    checks = refused.decision["checks"]
    return not is_told and any(
        check["outcome"] != "allow"
        and check["owner"] == own
        and {"Resource", "Recipient"} & set(check["uses"])
        for check in checks
    )


def _not_the_owners(refused: Refused, *, is_all: bool) -> Cause:
    """What the owner of an identity that allows is told of a refusal by policy: no more than whether it is the
    sender's own, or for an identity that is neither's (I9)."""
    record = refused.record
    sides = (record.account_id, record.owner_account_id)
    if all(check["outcome"] == "allow" or check["owner"] in sides for check in refused.decision["checks"]):
        return _senders_own(record, Code.SENDER_IAM, is_all=is_all)
    return replace(
        _senders_own(record, Code.OTHER_OWNER, is_all=is_all),
        text=f"your {'side allows' if is_all else 'policies allow'} it; the message is sent as an identity of another"
        " owner too, for which it was refused",
    )


def _senders_own(record: DecisionRecord, code: Code, *, is_all: bool = True, allows: bool = True) -> Cause:
    """What the owner of the identity is told of limits and resources that are the sender's (I9); `allows`: its own
    policies do."""
    own = f"for what is account {record.account_id}'s own"
    text = f"beside that it was refused {own}"
    if is_all:
        text = f"your policies allow it; it was refused {own}" if allows else f"it was refused {own}"
    return Cause(
        code=code,
        text=text,
        mend=Mend(
            how=How.ASK,
            text=f"there is nothing {'' if is_all else 'else '}for you to do; account {record.account_id} can read why",
            details={"whom": "sender", "account": record.account_id},
        ),
    )


def _of_caller(record: DecisionRecord) -> Cause:
    """What a role's owner reads about a caller that its trust policy allows."""
    cause = _senders_own(record, Code.SENDER_IAM)
    text = cause.text.replace("your policies allow it", "your trust policy allows it")
    return replace(cause, text=text)


def _concerns(refused: Refused, check: Mapping[str, Any]) -> bool:
    """Whether a check is the owner's to see: of an identity of its own."""
    return bool(check["owner"] == refused.record.owner_account_id and "Resource" not in check["uses"])


def _no_longer_known(record: DecisionRecord) -> Cause:
    return Cause(
        code=Code.MESSAGE,
        text=f"the policies behind this decision are no longer kept; the error was {record.code}",
        mend=Mend(
            how=How.CHANGE_MESSAGE,
            text="send again and ask for the reason then",
            details={"field": None, "from": None, "to": None},
        ),
    )
