"""Takes what comes back: a report becomes an event of the recipient whose return path it came to.

Who is meant, the return path under our key says alone; what happened and why, `reports` reads. Report and event are
one commit, before the answer says that it was taken (I1, I8). A report changes the state of a recipient once
for each kind; what is forged, expired, foreign or repeated changes nothing, and nothing is ever sent in answer.
Sources: RFC 3464, RFC 5965, RFC 3834; SES developer guide on bounce types.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from enum import Enum

from sesame.db import Store, Transaction
from sesame.mail.return_path import ReturnPath, verify_return_path
from sesame.observe import Clock, Log
from sesame.reports.bounce_type import bounce_type
from sesame.reports.read import DELIVERED, read_report
from sesame.reports.report import Report, ReportedRecipient
from sesame.store import events, reports
from sesame.store.events import Happened, NewEvent
from sesame.store.reports import Addressee, ReportKind, StoredReport

MAX_BYTES = 1_048_576
"""Largest report that is read."""

OFF_LOOP_BYTES = 32 * 1024
"""Reports above this are read on a thread."""

DETAIL_CHARS = 2_000
"""How much of a report's words goes with the event."""

_TAKEN_BACK = frozenset({"bounced", "expired", "suppressed", "cancelled"})
"""States in which a recipient has its bad news already, or was never sent to."""


class Fate(Enum):
    """What became of a report."""

    RECORDED = "recorded"
    REPEATED = "repeated"
    """One of its kind is known for the recipient, or the recipient's end is."""
    NOT_OURS = "not ours"
    """No return path of ours that is still good, or its message is gone."""
    NOTHING_TO_SAY = "nothing to say"
    """It is not a report, or reports what changes nothing (a receipt, a success)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a report said, and what became of it for each return path that it came to."""

    kind: str
    fates: tuple[Fate, ...]
    message_ids: tuple[str, ...]

    @property
    def is_recorded(self) -> bool:
        """Whether anything changed."""
        return Fate.RECORDED in self.fates


class Receiver:
    """Takes reports. `recorded` is called after an event was recorded: a hint for who reacts.

    `lives_s` is how long a return path is good; `feedback_addresses` are those that mailbox providers send complaints
    to, where the return path is read from what the complaint gives back.
    """

    def __init__(
        self,
        store: Store,
        *,
        key: bytes,
        clock: Clock,
        log: Log,
        executor: Executor,
        lives_s: float,
        feedback_addresses: Collection[str],
        recorded: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._key = key
        self._clock = clock
        self._log = log
        self._executor = executor
        self._lives_s = lives_s
        self._feedback_addresses = frozenset(address.lower() for address in feedback_addresses)
        self._recorded = recorded

    def is_feedback_address(self, address: str) -> bool:
        """Whether an address is one that the operator gave to mailbox providers."""
        return address.lower() in self._feedback_addresses

    def verify(self, address: str) -> ReturnPath | None:
        """What an address says if it is a return path of ours that is still good."""
        return verify_return_path(self._key, address, now=self._clock.now(), lives_s=self._lives_s)

    async def take(
        self, data: bytes, *, recipients: Sequence[str] | None, sender: str | None, reporter: str
    ) -> Taken:
        """Read a report and record what it says; done once this returns.

        `recipients` are the envelope's; None: it is not known, and the report is searched for a return path.
        `sender` is the envelope's sender, empty for the null path, None when it is not known. Raises `Unavailable` when
        nothing may count as done.
        """
        report = await self._read(data[:MAX_BYTES])
        paths = self._paths(report, recipients)
        is_from_nobody = sender == "" if sender is not None else report.kind != "unknown"
        found = [
            await self._record(path, report, data, is_from_nobody=is_from_nobody, reporter=reporter)
            for path in paths
        ]
        taken = Taken(
            kind=report.kind,
            fates=tuple(found) or (Fate.NOT_OURS,),
            message_ids=tuple(path.message_id for path in paths),
        )
        if taken.is_recorded:
            self._recorded()
        self._log.event(
            "report_received",
            kind=report.kind,
            fate=", ".join(dict.fromkeys(fate.value for fate in taken.fates)),
            message_id=", ".join(dict.fromkeys(taken.message_ids)) or None,
            reporter=reporter,
        )
        return taken

    async def _read(self, data: bytes) -> Report:
        if len(data) <= OFF_LOOP_BYTES:
            return read_report(data)
        return await asyncio.get_running_loop().run_in_executor(self._executor, read_report, data)

    def _paths(self, report: Report, recipients: Sequence[str] | None) -> list[ReturnPath]:
        """The return paths that a report is for: those it was sent to; at a feedback address the one it gives back."""
        if recipients is None:
            return self._first(report.return_paths)
        found = {path: None for address in recipients if (path := self.verify(address)) is not None}
        if any(self.is_feedback_address(address) for address in recipients):
            found |= dict.fromkeys(self._first(report.return_paths))
        return list(found)

    def _first(self, addresses: Sequence[str]) -> list[ReturnPath]:
        """The first that is good: a report is about one copy of one message."""
        return next(([path] for address in addresses if (path := self.verify(address)) is not None), [])

    async def _record(
        self, path: ReturnPath, report: Report, data: bytes, *, is_from_nobody: bool, reporter: str
    ) -> Fate:
        now = self._clock.now()

        async def run(tx: Transaction) -> Fate:
            addressee = await reports.addressee(tx, path.message_id, path.recipient_index)
            if addressee is None or not addressee.attempts:
                return Fate.NOT_OURS
            finding = find(report, addressee.address, is_from_nobody=is_from_nobody)
            if finding is None:
                return Fate.NOTHING_TO_SAY
            if addressee.state in _TAKEN_BACK:
                return Fate.REPEATED
            kept = StoredReport(
                n=addressee.n,
                kind=finding.kind,
                received_at=now,
                reporter=reporter,
                size_bytes=len(data),
                data=data,
            )
            if not await reports.put(tx, addressee.message_seq, kept):
                return Fate.REPEATED
            await events.record(tx, [_event(addressee, finding, now)])
            return Fate.RECORDED

        return await self._store.write(run)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a report comes to for one recipient; `detail` is for those who are notified, in the words of SES."""

    kind: ReportKind
    what: Happened
    detail: dict[str, str]


def _event(addressee: Addressee, finding: Finding, at: float) -> NewEvent:
    return NewEvent(
        message_seq=addressee.message_seq,
        key=f"{addressee.n}/{finding.kind}",
        what=finding.what,
        at=at,
        n=addressee.n,
        detail=finding.detail,
    )


def find(report: Report, address: str, *, is_from_nobody: bool) -> Finding | None:
    """What a report that came to the return path of `address` says of it; None for what changes nothing.

    What cannot be read counts as a bounce of no known type when it comes from nobody, as reports do; a letter that
    a person wrote to a return path is none.
    """
    match report.kind:
        case "complaint":
            return Finding(
                kind="complaint",
                what=Happened.COMPLAINED,
                detail=_without_empty(
                    by="report",
                    userAgent=report.user_agent,
                    complaintFeedbackType=report.feedback_type,
                    arrivalDate=_time(report.arrival_date),
                ),
            )
        case "auto-reply":
            return Finding(
                kind="auto-reply",
                what=Happened.BOUNCED,
                detail={"by": "auto-reply", "bounceType": "Transient", "bounceSubType": "General"},
            )
        case "bounce" | "delay":
            return _of_delivery(report, address)
        case "unknown" if is_from_nobody:
            return Finding(
                kind="bounce",
                what=Happened.BOUNCED,
                detail={"by": "report", "bounceType": "Undetermined", "bounceSubType": "Undetermined"},
            )
        case _:
            return None


def _of_delivery(report: Report, address: str) -> Finding | None:
    block, is_named = _block_for(report, address)
    kind = report.kind
    if block is not None and is_named and kind == "bounce":  # somebody's, perhaps not this one's
        action = block.action.lower()
        if action in DELIVERED:
            return None
        kind = "delay" if action == "delayed" else kind
    type_, sub_type = (report.bounce_type, report.bounce_sub_type) if block is None else bounce_type(block)
    detail = _without_empty(by="report", reportingMTA=report.reporting_mta)
    if kind == "bounce":
        detail |= {"bounceType": type_, "bounceSubType": sub_type}
    if block is not None:
        detail |= _without_empty(
            action=block.action, status=block.status, diagnosticCode=block.diagnostic_code
        )
        if block.hard and is_named:
            detail["hard"] = "1"
    return Finding(
        kind="bounce" if kind == "bounce" else "delay",
        what=Happened.BOUNCED if kind == "bounce" else Happened.DELAYED,
        detail=detail,
    )


def _block_for(report: Report, address: str) -> tuple[ReportedRecipient | None, bool]:
    """What the report says of `address`, or else of the first it speaks of; and whether it is about that address.

    Mail that was forwarded comes back with the address it went on to: that one may not exist, `address` does.
    """
    wanted = address.lower()
    failed = [block for block in report.recipients if block.action.lower() == "failed"]
    for block in (*failed, *report.recipients):
        if wanted in (_bare(block.final_recipient), _bare(block.original_recipient)):
            return block, True
    first = next(iter(failed or report.recipients), None)
    return first, first is not None and not (first.final_recipient or first.original_recipient)


def _bare(field: str) -> str:
    """The address of a recipient field (`rfc822; a@b`), in lower case."""
    return field.rpartition(";")[2].strip().strip("<>").lower()


def _time(date: str) -> str:
    """A date of a report as SES writes times; empty for what is none."""
    try:
        found = parsedate_to_datetime(date)
    except (ValueError, TypeError, IndexError, OverflowError):
        return ""
    aware = found if found.tzinfo is not None else found.replace(tzinfo=UTC)
    try:
        return aware.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    except (ValueError, OverflowError):  # of a year that there is not
        return ""


def _without_empty(**values: str) -> dict[str, str]:
    return {name: value[:DETAIL_CHARS] for name, value in values.items() if value}
