"""What the development profile keeps: the built-in mailbox and the local DNS zone."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from sesame.db import Transaction
from sesame.db.table import Form, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One message as the mailbox server received it."""

    seq: int
    received_at: float
    mail_from: str
    rcpt_to: tuple[str, ...]
    data: bytes


_LINES = Form(read=lambda text: tuple(text.split("\n")), write="\n".join)
_MAILBOX = Table("mailbox", Mail, key="seq", rcpt_to=_LINES)


async def keep_mail(
    tx: Transaction, *, received_at: float, mail_from: str, rcpt_to: Iterable[str], data: bytes
) -> None:
    """Keep a received message."""
    await tx.execute(
        "INSERT INTO mailbox (received_at, mail_from, rcpt_to, data) VALUES (?, ?, ?, ?)",
        received_at,
        mail_from,
        "\n".join(rcpt_to),
        data,
    )


async def list_mail(tx: Transaction, *, limit: int) -> list[Mail]:
    """The newest messages, newest first."""
    return await mail_before(tx, None, limit=limit)


async def mail_before(tx: Transaction, seq: int | None, *, limit: int) -> list[Mail]:
    """The newest messages before number `seq`, newest first."""
    where, values = ("", []) if seq is None else ("WHERE seq < ? ", [seq])
    return await _MAILBOX.all(tx, f"{where}ORDER BY seq DESC LIMIT ?", *values, limit)


async def mail_after(tx: Transaction, seq: int, *, limit: int) -> list[Mail]:
    """Messages after number `seq`, oldest first."""
    return await _MAILBOX.all(tx, "WHERE seq > ? ORDER BY seq LIMIT ?", seq, limit)


async def empty_mailbox(tx: Transaction) -> int:
    """Delete every message; how many there were."""
    return await tx.execute("DELETE FROM mailbox")


async def keep_newest(tx: Transaction, count: int) -> int:
    """Delete all but the newest `count` messages; how many went."""
    if not count:
        return await empty_mailbox(tx)
    row = await tx.one("SELECT seq FROM mailbox ORDER BY seq DESC LIMIT 1 OFFSET ?", count - 1)
    return 0 if row is None else await tx.execute("DELETE FROM mailbox WHERE seq < ?", row[0])


async def get_mail(tx: Transaction, seq: int) -> Mail | None:
    """One message, or None."""
    return await _MAILBOX.get(tx, seq)


async def publish(tx: Transaction, records: Iterable[tuple[str, str, str]]) -> None:
    """Put (name, kind, value) records into the local zone; names are lower-case."""
    for name, kind, value in records:
        await tx.execute(
            "INSERT INTO zone_record (name, kind, value) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            name.lower(),
            kind,
            value,
        )


async def withdraw(tx: Transaction, name: str, kind: str) -> int:
    """Take every record of that name and kind out of the local zone; how many there were."""
    return await tx.execute("DELETE FROM zone_record WHERE name = ? AND kind = ?", name.lower(), kind)


async def zone_records(tx: Transaction, name: str) -> list[tuple[str, str]]:
    """The kinds and values that a name has in the local zone."""
    rows = await tx.all("SELECT kind, value FROM zone_record WHERE name = ?", name.lower())
    return [(row[0], row[1]) for row in rows]


async def all_zone_records(tx: Transaction) -> list[tuple[str, str, str]]:
    """The whole local zone, by name."""
    rows = await tx.all("SELECT name, kind, value FROM zone_record ORDER BY name, kind, value")
    return [(row[0], row[1], row[2]) for row in rows]


async def page_of_zone(
    tx: Transaction, *, after: tuple[str, str, str], contains: str, limit: int
) -> list[tuple[str, str, str]]:
    """Records of the local zone behind one, by name, of names that contain a text ("": of all)."""
    fits = "%" + re.sub(r"([%_\\])", r"\\\1", contains.lower()) + "%"
    rows = await tx.all(
        "SELECT name, kind, value FROM zone_record WHERE (name, kind, value) > (?, ?, ?) AND name LIKE ? ESCAPE '\\'"
        " ORDER BY name, kind, value LIMIT ?",
        *after,
        fits,
        limit,
    )
    return [(row[0], row[1], row[2]) for row in rows]
