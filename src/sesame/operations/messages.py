"""What became of an account's mail, and of what others sent as its identities: lists, messages, refusals.

There is no such operation of SES without its paid "Virtual Deliverability Manager"; the leave to read is that of its
GetMessageInsights. Who owns an identity sees recipients, outcomes and remote servers' words of what was sent as it, not
subjects or tags. What concerns neither party answers as if it were not there (I9).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from sesame.access.causes.decision_json import of_request_in
from sesame.access.causes.traced import as_further_owner
from sesame.access.permission import Authorizer
from sesame.access.refusals import digests
from sesame.db import Store, Transaction
from sesame.model import Caller
from sesame.operations import refused_sends
from sesame.operations.asking.again import question_of
from sesame.operations.asking.question import Question
from sesame.operations.cached_reads import CachedReads
from sesame.operations.decision_views import DecisionView, decision_of, view
from sesame.operations.refused_sends import NONE_REFUSED, RefusedDay
from sesame.spool import listing
from sesame.spool.listing import Entry, Key
from sesame.spool.trace import RecipientTrace, Trace, trace
from sesame.store import decisions, events, policy_sets
from sesame.store.decisions import DecisionRecord
from sesame.store.events import Event, Happened

ACTION = "ses:GetMessageInsights"
FOLLOWED = (Happened.OPENED, Happened.CLICKED, Happened.SUBSCRIBED)
"""What readers do with a mail; it is shown to who sent it, as SES does, not to the owner of its identity."""
PAGE = 50
LOOKS, FILTERED_LOOKS = (100, 1_100), (400, 800)
"""Entries that are read for a page: few where most are shown, and once more where many are left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which entries are wanted. `outcome` is `accepted`, `refused`, a state of recipients, or empty for all."""

    outcome: str = ""
    role: str = ""
    """`sent` by the account, `lent` (sent by others as its identities), or empty for both."""
    source: str = ""
    """Part of the From address."""
    recipient: str = ""
    """A whole address."""

    @property
    def state(self) -> str:
        """The state of recipients that is wanted, "" for any."""
        return "" if self.outcome in ("accepted", "refused") else self.outcome

    @property
    def leaves_few_out(self) -> bool:
        """Whether what is wanted is found along an index."""
        return not self.source and not self.state


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """An entry as its viewer may see it, with who sent it."""

    entry: Entry
    principal: str
    is_sender: bool
    why: str = ""
    """Of a refusal that is explained, why, in a sentence."""
    used: tuple[tuple[str, str], ...] = ()
    """What of the viewer's it was sent as where that is not From: the use and the address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPage:
    """Part of a list; `next` says where to go on, `looked_at` how many entries were looked at for it."""

    entries: tuple[Listed, ...]
    next: Key | None
    looked_at: int
    refused: RefusedDay = NONE_REFUSED


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageView:
    """A message as its viewer may see it."""

    trace: Trace
    decision: DecisionView
    events: tuple[Event, ...]
    is_further: bool = False
    """Whether the viewer owns another identity that it was sent as than From's, and sees only how it came out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """How a send came: the interface, the client's address, and for its sender the program."""

    door: str
    """`v1`, `v2` or `smtp`; empty where that is not kept."""
    source_ip: str
    user_agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalView:
    """A refusal as its viewer may see it."""

    request_id: str
    record: DecisionRecord
    decision: DecisionView
    causes: tuple[Mapping[str, Any], ...]
    """With code, sentence and mend, as `access.causes` tells them to this viewer."""
    question: Question | None = None
    """The same send, to be asked again of what is in force now, as far as the viewer may know it."""
    came: Came | None = None


class Messages:
    """Reads; each call checks the caller's IAM policies first."""

    def __init__(self, store: Store, authorizer: Authorizer) -> None:
        self._store = store
        self._authorizer = authorizer

    async def page(
        self,
        caller: Caller,
        wanted: Filter,
        after: Key | None,
        *,
        limit: int = PAGE,
        as_at: float | None = None,
    ) -> ListPage:
        """The newest entries of the caller's region after `after`, `limit` at most.

        With a time of reading, `as_at`, it is said why some were refused; and of a list from its beginning that leaves
        out none, or only which account sent, what was refused in the day before.
        """
        await self._authorizer.require(caller, ACTION)
        account_id = caller.principal.account_id
        if wanted.recipient:
            return await self._to_address(caller, wanted, after, limit=limit)

        async def run(tx: Transaction) -> ListPage:
            kept, key, looked_at = await _walked(tx, caller, wanted, after, limit=limit)
            page = kept[:limit]
            more = page[-1].key if len(kept) > limit else key
            addresses = await listing.recipients(tx, [entry.seq for entry in page if entry.is_message])
            why = await refused_sends.sentences(tx, page, account_id) if as_at is not None else {}
            listed = [
                replace(listed_for(entry, account_id, addresses), why=why.get(entry.key, ""))
                for entry in page
            ]
            day = NONE_REFUSED
            if as_at is not None and after is None and wanted.leaves_few_out and wanted.outcome != "accepted":
                day = await refused_sends.day(
                    tx,
                    account_id,
                    caller.region,
                    now=as_at,
                    sent=wanted.role != "lent",
                    as_owner=wanted.role != "sent",
                )
            return ListPage(entries=tuple(listed), next=more, looked_at=looked_at, refused=day)

        return await self._store.read(run)

    async def _to_address(self, caller: Caller, wanted: Filter, after: Key | None, *, limit: int) -> ListPage:
        account_id = caller.principal.account_id

        async def run(tx: Transaction) -> ListPage:
            found, more = await listing.to_address(
                tx,
                account_id,
                wanted.recipient,
                before=None if after is None else after.seq,
                limit=limit,
            )
            fit = [entry for entry in found if _fits(entry, caller, wanted)]
            addresses = await listing.recipients(tx, [entry.seq for entry in fit])
            kept = [
                entry
                for entry in fit
                if not wanted.state or any(state == wanted.state for _, state in addresses.get(entry.seq, ()))
            ]
            return ListPage(
                entries=tuple(listed_for(entry, account_id, addresses) for entry in kept),
                next=None if more is None else Key(at=0.0, is_message=True, seq=more),
                looked_at=len(found),
            )

        return await self._store.read(run)

    async def message(self, caller: Caller, message_id: str) -> MessageView | None:
        """A message that the caller's account sent, or that was sent as an identity of its; None for any other."""
        await self._authorizer.require(caller, ACTION)
        viewer = caller.principal.account_id
        found = await trace(self._store, message_id, viewer=viewer)
        if found is None:
            return None
        if found.region != caller.region:
            return None
        happened = await self._store.read(lambda tx: events.of_message(tx, message_id))
        is_further = viewer not in (found.account_id, found.owner_account_id)
        if is_further:
            found, happened = _as_further_owner(found, viewer), []
        decision_view = view(decision_of(found), viewer, {})
        if viewer != found.account_id:
            found = replace(found, subject="", tags="{}", return_path="", failure=None)
            happened = [one for one in happened if one.what not in FOLLOWED]
        return MessageView(
            trace=replace(found, decision="{}"),
            decision=decision_view,
            events=tuple(happened),
            is_further=is_further,
        )

    async def region_of(self, caller: Caller, identifier: str) -> str | None:
        """The region of a message or refusal that concerns the caller's account, wherever it is; None for any other."""
        await self._authorizer.require(caller, ACTION)
        viewer = caller.principal.account_id
        found = await trace(self._store, identifier, viewer=viewer)
        if found is not None:
            return found.region
        records = await self._store.read(lambda tx: decisions.of_request(tx, identifier, viewer=viewer))
        regions = [one.region for one in records]
        return regions[0] if regions else None

    async def refusal(self, caller: Caller, request_id: str) -> RefusalView | None:
        """A refusal of a send by the caller's account, or as an identity of its; None for any other."""
        await self._authorizer.require(caller, ACTION)
        viewer = caller.principal.account_id

        async def run(
            store_tx: Transaction,
        ) -> tuple[DecisionRecord, Mapping[str, str], list[dict[str, Any]]] | None:
            tx = cast(Transaction, CachedReads(store_tx))
            record = next(iter(await decisions.of_request(tx, request_id, viewer=viewer)), None)
            if record is None or (record.region != caller.region and not _has_no_region(record)):
                return None
            contents = await policy_sets.contents(tx, digests(record))
            return record, contents, await of_request_in(tx, request_id, account_id=viewer)

        found = await self._store.read(run)
        if found is None:
            return None
        record, contents, explained = found
        causes = {json.dumps(cause): cause for one in explained for cause in one["causes"]}
        seen = view(record, viewer, contents)
        return RefusalView(
            request_id=request_id,
            record=replace(record, decision="{}", reason=""),
            decision=seen,
            causes=tuple(causes.values()),
            question=question_of(record, viewer, seen.checks),
            came=_came(record, viewer),
        )


def _came(record: DecisionRecord, viewer: str) -> Came:
    decision = json.loads(record.decision)
    context = decision.get("context", {})
    return Came(
        door=decision.get("asked", {}).get("door", ""),
        source_ip=context.get("aws:SourceIp", ""),
        user_agent=context.get("aws:UserAgent", "") if viewer == record.account_id else "",
    )


def _as_further_owner(found: Trace, viewer: str) -> Trace:
    """A message as the owner sees it that owns another identity than From's: how it came out, and no more (I9)."""
    whole = {
        "account_id": found.account_id,
        "owner_account_id": found.owner_account_id,
        "source": found.source,
        "return_path": found.return_path,
        "decision": json.loads(found.decision),
    }
    theirs = as_further_owner(whole, viewer) or {}
    outcomes = tuple(
        RecipientTrace(address="", state=one.state, due_at=0.0, attempts=()) for one in found.recipients
    )
    return replace(
        found,
        owner_account_id=viewer,
        identity=theirs.get("identity", ""),
        source=theirs.get("source", ""),
        size_bytes=0,
        recipients=outcomes,
        reported=(),
    )


async def _walked(
    tx: Transaction, caller: Caller, wanted: Filter, after: Key | None, *, limit: int
) -> tuple[list[Entry], Key | None, int]:
    """What is wanted behind a key, one more than `limit` if there is; where to go on, and how many were looked at."""
    account_id = caller.principal.account_id
    key, kept, looked_at = after, list[Entry](), 0
    waiting: list[Key] = []
    looks = LOOKS if wanted.leaves_few_out else FILTERED_LOOKS
    for look in looks:
        size = max(look, limit + 1)
        found = await listing.keys(
            tx,
            account_id,
            after=key,
            limit=size,
            messages=wanted.outcome != "refused",
            refusals=wanted.outcome in ("", "refused"),
            sent=wanted.role != "lent",
            as_owner=wanted.role != "sent",
        )
        looked_at += len(found)
        waiting += await _narrowed(tx, found, caller, wanted)
        key = found[-1] if found else None
        is_last = look == looks[-1] or len(found) < size
        if is_last or len(waiting) > limit:
            kept += await _whole(tx, waiting, caller, wanted, enough=limit + 1 - len(kept))
            waiting = []
        if len(kept) > limit or len(found) < size:
            key = None if len(kept) <= limit else key
            break
    return kept, key, looked_at


async def _narrowed(tx: Transaction, keys: Sequence[Key], caller: Caller, wanted: Filter) -> Sequence[Key]:
    """The keys of what may be wanted, as far as that can be told without whole entries."""
    is_lent = wanted.role == "lent"
    if not (wanted.state or wanted.source or is_lent):
        return keys
    text, account_id = wanted.source.lower(), caller.principal.account_id
    sources = await listing.sources(
        tx, account_id, keys, region=caller.region, state=wanted.state, is_lent=is_lent
    )
    return [key for key in keys if key in sources and (not key.is_message or text in sources[key].lower())]


async def _whole(
    tx: Transaction, keys: Sequence[Key], caller: Caller, wanted: Filter, *, enough: int
) -> list[Entry]:
    """The first `enough` entries that are wanted, or more: others are not read if it can be helped."""
    kept: list[Entry] = []
    for part in (keys[:enough], keys[enough:]):
        if part and len(kept) < enough:
            found = await listing.entries(tx, caller.principal.account_id, part)
            kept += [entry for entry in found if _fits(entry, caller, wanted)]
    return kept


def _fits(entry: Entry, caller: Caller, wanted: Filter) -> bool:
    """Whether an entry is wanted, whatever the states of its recipients are."""
    account_id = caller.principal.account_id
    return (
        (entry.region == caller.region or (not entry.is_message and _has_no_region(entry)))
        and (wanted.role != "lent" or entry.account_id != account_id)
        and (not wanted.source or wanted.source.lower() in _source(entry, account_id).lower())
    )


def _has_no_region(found: Entry | DecisionRecord) -> bool:
    """Whether it failed before a region that is served was known: it is shown in each."""
    return not found.region or "region_not_served" in json.loads(found.decision).get("failed", {})


def listed_for(entry: Entry, viewer: str, addresses: Mapping[int, tuple[tuple[str, str], ...]]) -> Listed:
    """An entry as the account `viewer` may see it; `addresses` are the recipients by the message's number."""
    decision = json.loads(entry.decision)
    is_sender = entry.account_id == viewer
    recipients = addresses.get(entry.seq, ()) if entry.is_message else ()
    if entry.is_further:
        recipients = tuple(("", state) for _, state in recipients)
    if not entry.is_message and is_sender:
        asked = decision["context"].get("ses:Recipients", ())
        recipients = tuple((address, "") for address in ([asked] if isinstance(asked, str) else asked))
    source = _source(entry, viewer)
    listed = replace(
        entry,
        source=source,
        reason="",
        subject=entry.subject if is_sender else "",
        recipients=recipients,
        decision="{}",
    )
    used = () if is_sender or source else _used(decision, viewer)
    return Listed(entry=listed, principal=decision["principal"], is_sender=is_sender, used=used)


def _used(decision: Mapping[str, Any], viewer: str) -> tuple[tuple[str, str], ...]:
    """Uses and addresses that rest on identities of an owner."""
    return tuple(
        (" and ".join(check["uses"]), address)
        for check in decision["checks"]
        if check["owner"] == viewer and "Resource" not in check["uses"]
        for address in dict.fromkeys(check["addresses"])
    )


def _source(entry: Entry, viewer: str) -> str:
    """The From address, as far as it concerns the viewer."""
    if entry.is_message and not entry.is_further:
        return entry.source
    decision = json.loads(entry.decision)
    if entry.account_id == viewer:
        asked = decision["context"].get("ses:FromAddress", "")
        return asked if isinstance(asked, str) else next(iter(asked), "")
    return next(
        (
            address
            for check in decision["checks"]
            if check["owner"] == viewer and "From" in check["uses"]
            for address in check["addresses"]
        ),
        "",
    )
