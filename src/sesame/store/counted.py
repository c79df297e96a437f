"""The recipients that bounce and complaint rates are made of, so that a rate can be looked behind.

Written in the transaction that counts them, dropped with their messages.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sesame.db import Transaction

Kind = Literal["bounce", "complaint"]
Key = tuple[float, int, int]
"""Where a page ends: time, message and recipient."""
LATEST: Key = (1e18, 2**62, 2**31)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """One recipient that counted: of which message, which number, and whose it was."""

    message_seq: int
    n: int
    kind: Kind
    at: float
    account_id: str
    region: str
    owner_account_id: str
    identity: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedRecipient:
    """One of them with its message and address."""

    key: Key
    at: float
    kind: Kind
    message_id: str
    address: str
    source: str
    account_id: str
    owner_account_id: str
    identity: str


async def put(tx: Transaction, counted: Sequence[Counted]) -> None:
    """Keep what counted; each of a kind counts once."""
    await tx.many(
        "INSERT INTO rated_recipient (message_seq, n, kind, at, account_id, region, owner_account_id, identity)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (message_seq, n, kind) DO NOTHING",
        [
            (one.message_seq, one.n, one.kind, one.at, one.account_id, one.region, one.owner_account_id, one.identity)
            for one in counted
        ],
    )  # fmt: skip


async def page(
    tx: Transaction,
    region: str,
    *,
    account_id: str,
    owner_account_id: str = "",
    identity: str = "",
    before: Key | None,
    limit: int,
) -> list[CountedRecipient]:
    """The newest before a place, newest first: of an account, or of what it sent as one identity of an owner."""
    where, values = "", list[str]()
    if identity:
        where, values = " AND c.owner_account_id = ? AND c.identity = ?", [owner_account_id, identity]
    rows = await tx.all(
        "SELECT c.message_seq, c.n, c.at, c.kind, m.message_id, r.address, m.source, c.account_id,"
        " c.owner_account_id, c.identity FROM rated_recipient c JOIN message m ON m.seq = c.message_seq"
        " JOIN recipient r ON r.message_seq = c.message_seq AND r.n = c.n"
        f" WHERE c.account_id = ? AND c.region = ?{where} AND (c.at, c.message_seq, c.n) < (?, ?, ?)"
        " ORDER BY c.at DESC, c.message_seq DESC, c.n DESC LIMIT ?",
        account_id,
        region,
        *values,
        *(LATEST if before is None else before),
        limit,
    )
    return [
        CountedRecipient(
            key=(row[2], row[0], row[1]), at=row[2], kind=row[3], message_id=row[4], address=row[5], source=row[6],
            account_id=row[7], owner_account_id=row[8], identity=row[9],
        )
        for row in rows
    ]  # fmt: skip
