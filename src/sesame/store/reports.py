"""What came back for recipients by mail: for which of them it may be taken, and the reports as they came.

Of each kind one is kept for each recipient: a repeat changes nothing, and a flood takes no room.
"""

from dataclasses import dataclass
from typing import Literal

from sesame.db import Transaction
from sesame.db.table import reader

RAW_BYTES = 64 * 1024
"""How much of a report is kept."""

ReportKind = Literal["bounce", "complaint", "delay", "auto-reply"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressee:
    """The recipient whose return path a report came to, as the spool has it."""

    message_seq: int
    n: int
    address: str
    state: str
    attempts: int


async def addressee(tx: Transaction, message_id: str, n: int) -> Addressee | None:
    """A recipient by its message's id and its number; None when there is none, or no longer."""
    row = await tx.one(
        "SELECT m.seq, r.n, r.address, r.state, COALESCE(q.attempts, r.attempts) FROM message m"
        " JOIN recipient r ON r.message_seq = m.seq AND r.n = ? LEFT JOIN queue q ON q.seq = r.seq"
        " WHERE m.message_id = ?",
        n,
        message_id,
    )
    if row is None:
        return None
    return Addressee(message_seq=row[0], n=row[1], address=row[2], state=row[3], attempts=row[4])


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredReport:
    """A report as it came; `data` is its first part, `reporter` who handed it over."""

    n: int
    kind: ReportKind
    received_at: float
    reporter: str
    size_bytes: int
    data: bytes


async def put(tx: Transaction, message_seq: int, report: StoredReport) -> bool:
    """Keep a report; False when there is one of its kind for the recipient already."""
    changed = await tx.execute(
        "INSERT INTO report (message_seq, n, kind, received_at, reporter, size_bytes, data)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (message_seq, n, kind) DO NOTHING",
        message_seq,
        report.n,
        report.kind,
        report.received_at,
        report.reporter,
        report.size_bytes,
        report.data[:RAW_BYTES],
    )
    return bool(changed)


async def reporters(tx: Transaction, message_seq: int) -> dict[str, str]:
    """Who handed over what came back of a message, by the key of the event that was recorded of it."""
    rows = await tx.all("SELECT n, kind, reporter FROM report WHERE message_seq = ?", message_seq)
    return {f"{n}/{kind}": reporter for n, kind, reporter in rows}


_REPORT = reader(StoredReport)


async def raw(tx: Transaction, message_id: str) -> list[StoredReport]:
    """What came back of a message, as it came."""
    rows = await tx.all(
        "SELECT p.n, p.kind, p.received_at, p.reporter, p.size_bytes, p.data FROM report p"
        " WHERE p.message_seq = (SELECT seq FROM message WHERE message_id = ?)",
        message_id,
    )
    return [_REPORT(row) for row in rows]


HEAD_BYTES = 10 * 1024


async def head(tx: Transaction, message_seq: int) -> bytes:
    """The header block of a message as far as it is kept; empty when it is gone."""
    row = await tx.one(
        "SELECT h.data, substr(b.data, 1, ?) FROM message m LEFT JOIN message_head h ON h.message_seq = m.seq"
        " LEFT JOIN body b ON b.message_seq = m.seq WHERE m.seq = ?",
        HEAD_BYTES,
        message_seq,
    )
    if row is None:
        return b""
    data: bytes = row[0] or row[1] or b""
    return data.partition(b"\r\n\r\n")[0]
