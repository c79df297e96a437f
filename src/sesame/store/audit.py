"""The audit log's rows: for each account a chain, its signed head, and the anchor behind which it begins.

What is in a row, and how digests and signatures are made, is `access.audit`'s to know.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from sesame.db import Row, Transaction


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


def lock_name(account_id: str) -> str:
    """The lock that whoever appends to an account's chain holds."""
    return f"audit:{account_id}"


async def append(tx: Transaction, row: AuditRow, head: Mark) -> None:
    """Write a row, and its mark as the account's head."""
    await tx.execute(
        "INSERT INTO audit_row (account_id, seq, at, body, digest) VALUES (?, ?, ?, ?, ?)",
        row.account_id,
        row.seq,
        row.at,
        row.body,
        row.digest,
    )
    await _put(tx, "audit_head", head)


async def head(tx: Transaction, account_id: str) -> Mark | None:
    """The newest row of an account, or None."""
    return await _mark(tx, "audit_head", account_id)


async def anchor(tx: Transaction, account_id: str) -> Mark | None:
    """The last row of an account that is gone, or None."""
    return await _mark(tx, "audit_anchor", account_id)


async def heads(tx: Transaction) -> list[Mark]:
    """The newest row of every account that has any."""
    rows = await tx.all("SELECT account_id, seq, digest, signature FROM audit_head ORDER BY account_id")
    return [_read(row) for row in rows]


async def page_of_heads(tx: Transaction, after: str, *, limit: int) -> list[Head]:
    """The next heads behind an account, by account, at most `limit`."""
    rows = await tx.all(
        "SELECT h.account_id, h.seq, r.at FROM audit_head h LEFT JOIN audit_row r"
        " ON r.account_id = h.account_id AND r.seq = h.seq WHERE h.account_id > ? ORDER BY h.account_id LIMIT ?",
        after,
        limit,
    )
    return [Head(account_id=row[0], seq=row[1], at=row[2]) for row in rows]


async def note_export(tx: Transaction, exported: Exported) -> None:
    """Keep that rows were written out."""
    await tx.execute(
        "INSERT INTO audit_export (account_id, at, exported) VALUES (?, ?, ?)"
        " ON CONFLICT (account_id) DO UPDATE SET at = excluded.at, exported = excluded.exported",
        exported.account_id,
        exported.at,
        exported.exported,
    )


async def exports(tx: Transaction, *, limit: int) -> list[Exported]:
    """The latest exports, newest first, each of another account or of all."""
    rows = await tx.all(
        "SELECT account_id, at, exported FROM audit_export ORDER BY at DESC, account_id LIMIT ?", limit
    )
    return [Exported(account_id=row[0], at=row[1], exported=row[2]) for row in rows]


async def accounts(tx: Transaction) -> list[str]:
    """Every account that anything of the log is there of."""
    rows = await tx.all(
        "SELECT account_id FROM audit_head UNION SELECT account_id FROM audit_anchor"
        " UNION SELECT DISTINCT account_id FROM audit_row ORDER BY 1"
    )
    return [row[0] for row in rows]


async def rows(tx: Transaction, account_id: str, *, after: int, limit: int) -> list[AuditRow]:
    """Rows of an account behind number `after`, oldest first."""
    found = await tx.all(
        "SELECT account_id, seq, at, body, digest FROM audit_row WHERE account_id = ? AND seq > ?"
        " ORDER BY seq LIMIT ?",
        account_id,
        after,
        limit,
    )
    return [_row(row) for row in found]


async def newest(
    tx: Transaction, account_id: str, *, limit: int, before: int | None = None
) -> list[AuditRow]:
    """The newest rows of an account before the one numbered `before`, newest first."""
    found = await tx.all(
        "SELECT account_id, seq, at, body, digest FROM audit_row WHERE account_id = ? AND seq < ?"
        " ORDER BY seq DESC LIMIT ?",
        account_id,
        NO_NUMBER if before is None else before,
        limit,
    )
    return [_row(row) for row in found]


async def first_since(tx: Transaction, account_id: str, at: float) -> int | None:
    """The number of the first row of an account that is not older than `at`; None when all are."""
    row = await tx.one(
        "SELECT seq FROM audit_row WHERE account_id = ? AND at >= ? ORDER BY seq LIMIT 1", account_id, at
    )
    return None if row is None else int(row[0])


async def drop(tx: Transaction, rows: Sequence[AuditRow], new_anchor: Mark) -> None:
    """Let the oldest rows of an account go; its chain begins behind `new_anchor`, the last of them."""
    await _put(tx, "audit_anchor", new_anchor)
    await tx.many(
        "DELETE FROM audit_row WHERE account_id = ? AND seq = ?", [(row.account_id, row.seq) for row in rows]
    )


async def _mark(tx: Transaction, table: str, account_id: str) -> Mark | None:
    row = await tx.one(
        f"SELECT account_id, seq, digest, signature FROM {table} WHERE account_id = ?", account_id
    )
    return None if row is None else _read(row)


async def _put(tx: Transaction, table: str, mark: Mark) -> None:
    await tx.execute(
        f"INSERT INTO {table} (account_id, seq, digest, signature) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (account_id) DO UPDATE SET"
        " seq = excluded.seq, digest = excluded.digest, signature = excluded.signature",
        mark.account_id,
        mark.seq,
        mark.digest,
        mark.signature,
    )


NO_NUMBER = 2**62
"""What stands for the number of a row that has none."""


def _read(row: Row) -> Mark:
    account_id, seq, digest, signature = row
    return Mark(account_id=account_id, seq=_number(seq), digest=_bytes(digest), signature=_bytes(signature))


def _row(row: Row) -> AuditRow:
    """A row, whatever somebody has made of its columns: who verifies is to see it, and not to fail at it."""
    account_id, seq, at, body, digest = row
    return AuditRow(
        account_id=account_id,
        seq=_number(seq),
        at=float(at) if isinstance(at, float | int) else math.nan,
        body=body if isinstance(body, str) else repr(body),
        digest=_bytes(digest),
    )


def _number(value: object) -> int:
    return value if isinstance(value, int) else NO_NUMBER


def _bytes(value: object) -> bytes:
    return bytes(value) if isinstance(value, bytes | memoryview) else b""
