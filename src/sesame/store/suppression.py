"""The addresses that an account does not want to be sent to, per region, and for which reasons.

The domain of an address is kept in lower case, its local part as it is (observed), and so the list is read and
changed; what is sent is compared without case, so that one mailbox may have several entries. How many there are is
kept beside what every send reads, so that an account without any pays nothing. Source: SES developer
guide, "Using the account-level suppression list".
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Literal

from sesame.db import Transaction
from sesame.db.table import reader

Reason = Literal["BOUNCE", "COMPLAINT"]
REASONS: tuple[Reason, ...] = ("BOUNCE", "COMPLAINT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppressed:
    """One address; `message_id` is the message whose bounce or complaint put it there, if one did.

    `feedback_id` is the id under which that was notified (`Event.feedback_id`); None for what was put there by hand
    or before ids were kept.
    """

    address: str
    reason: str
    updated_at: float
    message_id: str | None
    feedback_id: str | None = None


_ENTRY = "SELECT address, reason, updated_at, message_id, feedback_id FROM suppressed_destination"


_entry = reader(Suppressed)


def normal(address: str) -> str:
    """An address as it is kept."""
    local_part, at, domain = address.strip().rpartition("@")
    return f"{local_part}{at}{domain.lower()}"


_LOWER = {ord(letter): letter.lower() for letter in ascii_uppercase}


def folded(address: str) -> str:
    """An address as it is compared when mail is sent to it: as SQLite's LOWER has it, of ASCII alone.

    Those of recipients are ASCII; an entry may be another.
    """
    return normal(address).translate(_LOWER)


async def put(tx: Transaction, account_id: str, region: str, entry: Suppressed) -> None:
    """Add an address, or give it another reason."""
    existing = await get(tx, account_id, region, entry.address)
    await tx.execute(
        "INSERT INTO suppressed_destination (account_id, region, address, reason, updated_at, message_id,"
        " feedback_id) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (account_id, region, address)"
        " DO UPDATE SET reason = excluded.reason, updated_at = excluded.updated_at, message_id = excluded.message_id,"
        " feedback_id = excluded.feedback_id",
        account_id,
        region,
        normal(entry.address),
        entry.reason,
        entry.updated_at,
        entry.message_id,
        entry.feedback_id,
    )
    if existing is None:
        await _count(tx, account_id, region, 1)


async def get(tx: Transaction, account_id: str, region: str, address: str) -> Suppressed | None:
    """An address's entry, or None."""
    row = await tx.one(
        f"{_ENTRY} WHERE account_id = ? AND region = ? AND address = ?", account_id, region, normal(address)
    )
    return None if row is None else _entry(row)


async def delete(tx: Transaction, account_id: str, region: str, address: str) -> bool:
    """Remove an address; whether it was there."""
    gone = await tx.execute(
        "DELETE FROM suppressed_destination WHERE account_id = ? AND region = ? AND address = ?",
        account_id,
        region,
        normal(address),
    )
    if gone:
        await _count(tx, account_id, region, -1)
    return bool(gone)


async def page(
    tx: Transaction,
    account_id: str,
    region: str,
    *,
    reasons: Sequence[str],
    since: float,
    until: float,
    after: str,
    limit: int,
) -> list[Suppressed]:
    """Entries by address, from behind `after`."""
    rows = await tx.all(
        f"{_ENTRY} WHERE account_id = ? AND region = ? AND address > ? AND updated_at >= ? AND updated_at <= ?"
        " AND reason IN (?*) ORDER BY address LIMIT ?",
        account_id,
        region,
        after,
        since,
        until,
        tuple(reasons),
        limit,
    )
    return [_entry(row) for row in rows]


async def messages_of(
    tx: Transaction, account_id: str, region: str, addresses: Sequence[str]
) -> dict[str, str]:
    """Which of the addresses, as they are kept, are on the list because of a message, and because of which."""
    if not addresses:
        return {}
    rows = await tx.all(
        "SELECT address, message_id FROM suppressed_destination WHERE account_id = ? AND region = ?"
        " AND address IN (?*) AND message_id IS NOT NULL",
        account_id,
        region,
        tuple(addresses),
    )
    return dict(rows)


async def reasons_of(
    tx: Transaction, account_id: str, region: str, addresses: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    """Which of the addresses, as written, are on the list in whatever letters, and for which reasons; that of the
    entry in their own letters first."""
    rows = await _alike(tx, account_id, region, addresses)
    found: dict[str, list[tuple[str, str]]] = {}
    for kept, reason in sorted(rows):
        found.setdefault(folded(kept), []).append((kept, reason))
    listed = {}
    for address in addresses:
        if entries := found.get(folded(address)):
            own = normal(address)
            reasons = [reason for _, reason in sorted(entries, key=lambda entry: entry[0] != own)]
            listed[address] = tuple(dict.fromkeys(reasons))
    return listed


async def listed_as(
    tx: Transaction, account_id: str, region: str, addresses: Mapping[str, str | None]
) -> dict[str, tuple[str, ...]]:
    """The entries, as they are kept, by which each of the addresses is on the list.

    Of an address that was suppressed for a reason, those that are listed for it or for one that the account
    suppresses for today; of one with None, all.
    """
    rows = sorted(await _alike(tx, account_id, region, list(addresses))) if addresses else []
    counting = await account_reasons(tx, account_id, region) if rows else ()
    return {
        address: tuple(
            kept
            for kept, why in rows
            if folded(kept) == folded(address) and (reason in (None, why) or why in counting)
        )
        for address, reason in addresses.items()
    }


async def _alike(
    tx: Transaction, account_id: str, region: str, addresses: Sequence[str]
) -> list[tuple[str, str]]:
    """The entries, with their reasons, that are one of the addresses but for case."""
    rows = await tx.all(
        "SELECT address, reason FROM suppressed_destination WHERE account_id = ? AND region = ?"
        " AND LOWER(address) IN (?*)",
        account_id,
        region,
        tuple({folded(address) for address in addresses}),
    )
    return [(str(row[0]), str(row[1])) for row in rows]


async def account_reasons(tx: Transaction, account_id: str, region: str) -> tuple[Reason, ...]:
    """The reasons for which the account suppresses; both unless it said otherwise."""
    row = await tx.one(
        "SELECT suppressed_reasons FROM account_region WHERE account_id = ? AND region = ?",
        account_id,
        region,
    )
    return REASONS if row is None or row[0] is None else tuple(json.loads(row[0]))


async def set_account_reasons(tx: Transaction, account_id: str, region: str, reasons: Sequence[str]) -> None:
    """Set the reasons for which the account suppresses."""
    await tx.execute(
        "INSERT INTO account_region (account_id, region, suppressed_reasons) VALUES (?, ?, ?)"
        " ON CONFLICT (account_id, region) DO UPDATE SET suppressed_reasons = excluded.suppressed_reasons",
        account_id,
        region,
        json.dumps(list(reasons)),
    )


async def _count(tx: Transaction, account_id: str, region: str, change: int) -> None:
    await tx.execute(
        "INSERT INTO account_region (account_id, region, suppressed) VALUES (?, ?, ?)"
        " ON CONFLICT (account_id, region) DO UPDATE SET suppressed = account_region.suppressed + excluded.suppressed",
        account_id,
        region,
        change,
    )
