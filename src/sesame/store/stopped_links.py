"""Links of followed mail that lead nowhere any more: of one message, or of all that an account sends and has sent.

A stop is whose it is: what the operator has stopped no account takes back, nor a sender what an owner has, whose
identity it was sent as.
"""

from dataclasses import dataclass

from sesame.db import Transaction
from sesame.db.table import Table

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
    stopped_by: str
    mark: str
    stopped_at: float
    reason: str


_STOPS = Table("stopped_links", Stop, key="account_id, message_id, stopped_by")


async def put(tx: Transaction, stop: Stop) -> None:
    """Stop links; once more, the later reason counts."""
    await _STOPS.put(tx, stop, changed="reason")


async def remove(tx: Transaction, account_id: str, message_id: str, by: str) -> bool:
    """Let links lead on again; whether they were stopped by that one."""
    return await _STOPS.delete(tx, account_id, message_id, by)


async def page(
    tx: Transaction, account_id: str, *, after: tuple[str, str] = ("", ""), limit: int
) -> list[Stop]:
    """An account's stops by message and who made them, from behind `after`."""
    return await _STOPS.all(
        tx,
        "WHERE account_id = ? AND (message_id, stopped_by) > (?, ?) ORDER BY message_id, stopped_by LIMIT ?",
        account_id,
        *after,
        limit,
    )


async def page_of(
    tx: Transaction, by: str, account_id: str, *, after: tuple[str, str] = ("", ""), limit: int
) -> list[Stop]:
    """The stops that somebody has made of an account's links, by message, from behind `after`."""
    return await _STOPS.all(
        tx,
        "WHERE stopped_by = ? AND account_id = ? AND (message_id, stopped_by) > (?, ?)"
        " ORDER BY message_id LIMIT ?",
        by,
        account_id,
        *after,
        limit,
    )


async def count(tx: Transaction, account_id: str, by: str) -> int:
    """How many stops of an account somebody has made."""
    return await _STOPS.count(tx, "WHERE account_id = ? AND stopped_by = ?", account_id, by)


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
