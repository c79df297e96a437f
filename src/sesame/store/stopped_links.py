"""Links of followed mail that lead nowhere any more: of one message, or of all that an account sends and has sent.

A stop is whose it is: what the operator has stopped no account takes back, nor a sender what an owner has, whose
identity it was sent as.
"""

from dataclasses import dataclass

from sesame.db import Row, Transaction

ALL = ""
"""In the place of a message's id: every message of the account."""
ACCOUNT, OPERATOR = "account", "operator"
"""Who stops; an owner of identities is `owner:` and its account."""


def owner(account_id: str) -> str:
    """Who stops what a delegate has sent as identities of this account."""
    return f"owner:{account_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """One stop. `mark` is what the links of the account carry (`mail.tracked_link`), or those lent to it."""

    account_id: str
    message_id: str
    by: str
    mark: str
    stopped_at: float
    reason: str


async def put(tx: Transaction, stop: Stop) -> None:
    """Stop links; once more, the later reason counts."""
    await tx.execute(
        "INSERT INTO stopped_links (account_id, message_id, stopped_by, mark, stopped_at, reason)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (account_id, message_id, stopped_by)"
        " DO UPDATE SET reason = excluded.reason",
        stop.account_id,
        stop.message_id,
        stop.by,
        stop.mark,
        stop.stopped_at,
        stop.reason,
    )


async def remove(tx: Transaction, account_id: str, message_id: str, by: str) -> bool:
    """Let links lead on again; whether they were stopped by that one."""
    count = await tx.execute(
        "DELETE FROM stopped_links WHERE account_id = ? AND message_id = ? AND stopped_by = ?",
        account_id,
        message_id,
        by,
    )
    return count > 0


async def page(
    tx: Transaction, account_id: str, *, after: tuple[str, str] = ("", ""), limit: int
) -> list[Stop]:
    """An account's stops by message and who made them, from behind `after`."""
    rows = await tx.all(
        f"{_STOP} WHERE account_id = ? AND (message_id, stopped_by) > (?, ?)"
        " ORDER BY message_id, stopped_by LIMIT ?",
        account_id,
        *after,
        limit,
    )
    return [_stop(row) for row in rows]


async def page_of(
    tx: Transaction, by: str, account_id: str, *, after: tuple[str, str] = ("", ""), limit: int
) -> list[Stop]:
    """The stops that somebody has made of an account's links, by message, from behind `after`."""
    rows = await tx.all(
        f"{_STOP} WHERE stopped_by = ? AND account_id = ? AND (message_id, stopped_by) > (?, ?)"
        " ORDER BY message_id LIMIT ?",
        by,
        account_id,
        *after,
        limit,
    )
    return [_stop(row) for row in rows]


async def count(tx: Transaction, account_id: str, by: str) -> int:
    """How many stops of an account somebody has made."""
    row = await tx.one(
        "SELECT COUNT(*) FROM stopped_links WHERE account_id = ? AND stopped_by = ?", account_id, by
    )
    return 0 if row is None else int(row[0])


async def is_stopped(tx: Transaction, message_id: str, marks: tuple[str | None, str | None]) -> bool:
    """Whether a link of a message leads nowhere.

    `marks` are that of its account and that of the owner who lent the identity; where a link of before has none, the
    message says whose it is.
    """
    found = await tx.one("SELECT 1 FROM stopped_links WHERE message_id = ? LIMIT 1", message_id)
    if found is not None:
        return True
    known = [mark for mark in marks if mark is not None]
    if known:
        found = await tx.one(
            "SELECT 1 FROM stopped_links WHERE mark IN (?*) AND message_id = '' LIMIT 1", known
        )
    if found is None and len(known) < len(marks):
        others = () if known else (ACCOUNT, OPERATOR)
        found = await tx.one(
            "SELECT 1 FROM message m JOIN stopped_links s ON s.account_id = m.account_id AND s.message_id = ''"
            " WHERE m.message_id = ? AND (s.stopped_by = 'owner:' || m.owner_account_id OR s.stopped_by IN (?*))"
            " LIMIT 1",
            message_id,
            others,
        )
    return found is not None


_STOP = "SELECT account_id, message_id, stopped_by, mark, stopped_at, reason FROM stopped_links"


def _stop(row: Row) -> Stop:
    return Stop(
        account_id=row[0], message_id=row[1], by=row[2], mark=row[3], stopped_at=row[4], reason=row[5]
    )
