"""The audit log's rows: for each account a chain, its signed head, and the anchor behind which it begins.

What is in a row, and how digests and signatures are made, is `access.audit`'s to know.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from sesame.db import Transaction
from sesame.db.table import Form, Table, reader


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """One row: `body` is its record as JSON in ASCII, `digest` covers it and the row before."""

    account_id: str
    seq: int
    at: float
    body: str
    digest: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A row of a chain by number and digest, with the instance's signature: a head, or an anchor."""

    account_id: str
    seq: int
    digest: bytes
    signature: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The number of an account's newest row, and when that is of; None when it is missing."""

    account_id: str
    seq: int
    at: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """When rows were written out last, and how many: of an account, or of all ("")."""

    account_id: str
    at: float
    exported: int


NO_NUMBER = 2**62
"""What stands for the number of a row that has none."""


def _number(value: object) -> int:
    return value if isinstance(value, int) else NO_NUMBER


def _time(value: object) -> float:
    return float(value) if isinstance(value, float | int) else math.nan


def _text(value: object) -> str:
    return value if isinstance(value, str) else repr(value)


def _bytes(value: object) -> bytes:
    return bytes(value) if isinstance(value, bytes | memoryview) else b""


# Rows are read whatever somebody has made of their columns: who verifies is to see that, not to fail at it.
_NUMBER, _BYTES = Form(read=_number, write=int), Form(read=_bytes, write=bytes)
_ROWS = Table(
    "audit_row",
    AuditRow,
    key="account_id, seq",
    seq=_NUMBER,
    at=Form(read=_time, write=float),
    body=Form(read=_text, write=str),
    digest=_BYTES,
)
_HEADS = Table("audit_head", Mark, key="account_id", seq=_NUMBER, digest=_BYTES, signature=_BYTES)
_ANCHORS = Table("audit_anchor", Mark, key="account_id", seq=_NUMBER, digest=_BYTES, signature=_BYTES)
_MARKED = "seq, digest, signature"
_EXPORTS = Table("audit_export", Exported, key="account_id")


def lock_name(account_id: str) -> str:
    """The lock that whoever appends to an account's chain holds."""
    return f"audit:{account_id}"


async def append(tx: Transaction, row: AuditRow, head: Mark) -> None:
    """Write a row, and its mark as the account's head."""
    await _ROWS.create(tx, row)
    await _HEADS.put(tx, head, changed=_MARKED)


async def head(tx: Transaction, account_id: str) -> Mark | None:
    """The newest row of an account, or None."""
    return await _HEADS.get(tx, account_id)


async def anchor(tx: Transaction, account_id: str) -> Mark | None:
    """The last row of an account that is gone, or None."""
    return await _ANCHORS.get(tx, account_id)


async def heads(tx: Transaction) -> list[Mark]:
    """The newest row of every account that has any."""
    return await _HEADS.all(tx, "ORDER BY account_id")


_HEAD = reader(Head)


async def page_of_heads(tx: Transaction, after: str, *, limit: int) -> list[Head]:
    """The next heads behind an account, by account, at most `limit`."""
    rows = await tx.all(
        "SELECT h.account_id, h.seq, r.at FROM audit_head h LEFT JOIN audit_row r"
        " ON r.account_id = h.account_id AND r.seq = h.seq WHERE h.account_id > ? ORDER BY h.account_id LIMIT ?",
        after,
        limit,
    )
    return [_HEAD(row) for row in rows]


async def note_export(tx: Transaction, exported: Exported) -> None:
    """Keep that rows were written out."""
    await _EXPORTS.put(tx, exported, changed="at, exported")


async def exports(tx: Transaction, *, limit: int) -> list[Exported]:
    """The latest exports, newest first, each of another account or of all."""
    return await _EXPORTS.all(tx, "ORDER BY at DESC, account_id LIMIT ?", limit)


async def accounts(tx: Transaction) -> list[str]:
    """Every account that anything of the log is there of."""
    rows = await tx.all(
        "SELECT account_id FROM audit_head UNION SELECT account_id FROM audit_anchor"
        " UNION SELECT DISTINCT account_id FROM audit_row ORDER BY 1"
    )
    return [row[0] for row in rows]


async def rows(tx: Transaction, account_id: str, *, after: int, limit: int) -> list[AuditRow]:
    """Rows of an account behind number `after`, oldest first."""
    return await _ROWS.all(
        tx, "WHERE account_id = ? AND seq > ? ORDER BY seq LIMIT ?", account_id, after, limit
    )


async def newest(
    tx: Transaction, account_id: str, *, limit: int, before: int | None = None
) -> list[AuditRow]:
    """The newest rows of an account before the one numbered `before`, newest first."""
    return await _ROWS.all(
        tx,
        "WHERE account_id = ? AND seq < ? ORDER BY seq DESC LIMIT ?",
        account_id,
        NO_NUMBER if before is None else before,
        limit,
    )


async def first_since(tx: Transaction, account_id: str, at: float) -> int | None:
    """The number of the first row of an account that is not older than `at`; None when all are."""
    row = await tx.one(
        "SELECT seq FROM audit_row WHERE account_id = ? AND at >= ? ORDER BY seq LIMIT 1", account_id, at
    )
    return None if row is None else int(row[0])


async def drop(tx: Transaction, rows: Sequence[AuditRow], new_anchor: Mark) -> None:
    """Let the oldest rows of an account go; its chain begins behind `new_anchor`, the last of them."""
    await _ANCHORS.put(tx, new_anchor, changed=_MARKED)
    await tx.many(
        "DELETE FROM audit_row WHERE account_id = ? AND seq = ?", [(row.account_id, row.seq) for row in rows]
    )
