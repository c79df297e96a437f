"""What notifications say about each message: read from the message, its head and its decision."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from sesame.db import Transaction
from sesame.mail.address import domain_of
from sesame.store.decisions import whole

HEAD_BYTES = 10 * 1024
"""How much of a message that is still in the spool is looked at for its header block."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """Who sent a message and how it came in, the same for many messages of one sender."""

    operation: str
    source_ip: str
    caller_identity: str
    """Name of the user or role, `root`, or the name of a service; never an ARN."""
    from_domain: str
    from_address: str = ""
    """The bare address of the From field."""
    tls_version: str = ""
    """Of the connection that it was submitted by (`TLSv1.3`); empty for none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageFacts:
    """One message. `source` is the envelope sender as it was written.

    `head` is the header block as submitted, as much as is kept of it, None once it is gone; `is_built` says that the
    message was built from parts, so that it is ours and holds what we added.
    """

    message_id: str
    account_id: str
    owner_account_id: str
    region: str
    identity: str
    source: str
    accepted_at: float
    max_delivery_s: int | None
    configuration_set: str | None
    tags: Mapping[str, str]
    destination: tuple[str, ...]
    head: bytes | None
    is_built: bool
    passage: Passage
    subject: str = ""


async def of_messages(tx: Transaction, message_ids: Sequence[str]) -> dict[str, MessageFacts]:
    """The facts of messages by their ids."""
    rows = await tx.all(
        "SELECT m.seq, m.message_id, m.account_id, m.owner_account_id, m.region, m.identity, m.source, m.source_shown,"
        " m.accepted_at, m.max_delivery_s, m.configuration_set, m.tags, m.decision, d.text,"
        " COALESCE(h.data, substr(b.data, 1, ?)), COALESCE(h.submitted, b.submitted), m.subject"
        " FROM message m LEFT JOIN message_head h ON h.message_seq = m.seq LEFT JOIN body b ON b.message_seq = m.seq"
        " LEFT JOIN decision_text d ON d.digest = m.decision_digest WHERE m.message_id IN (?*)",
        HEAD_BYTES,
        message_ids,
    )
    destinations: dict[int, list[str]] = {}
    for seq, address in await tx.all(
        "SELECT message_seq, address FROM recipient WHERE message_seq IN (?*) ORDER BY message_seq, n",
        [int(row[0]) for row in rows],
    ):
        destinations.setdefault(int(seq), []).append(address)
    return {
        row[1]: MessageFacts(
            message_id=row[1],
            account_id=row[2],
            owner_account_id=row[3],
            region=row[4],
            identity=row[5],
            source=row[7] or row[6],
            accepted_at=row[8],
            max_delivery_s=row[9],
            configuration_set=row[10],
            tags={} if row[11] == "{}" else json.loads(row[11]),
            destination=tuple(destinations.get(int(row[0]), ())),
            head=_head(row[14] if row[15] is None else row[15]),
            is_built=row[15] is None,
            passage=_passage(row[13]) if row[13] is not None else _passage(whole(row[12], None)),
            subject=row[16],
        )
        for row in rows
    }


async def parties_of(tx: Transaction, message_id: str) -> tuple[str, str] | None:
    """The account that sent a message and the owner of its identity; None of one that is not kept."""
    row = await tx.one("SELECT account_id, owner_account_id FROM message WHERE message_id = ?", message_id)
    return None if row is None else (str(row[0]), str(row[1]))


async def identities(tx: Transaction, message_ids: Sequence[str]) -> dict[str, str]:
    """The names of the identities that messages were sent as."""
    rows = await tx.all("SELECT message_id, identity FROM message WHERE message_id IN (?*)", message_ids)
    return {row[0]: row[1] for row in rows}


def _head(kept: bytes | None) -> bytes | None:
    """The header block alone; what is in the spool still has the body behind it."""
    if kept is None:
        return None
    end = kept.find(b"\r\n\r\n")
    return kept if end < 0 else kept[: end + 4]


@lru_cache(maxsize=256)  # messages of one sender share the text
def _passage(decision: str) -> Passage:
    read = json.loads(decision)
    context = read.get("context", {})
    address = str(context.get("ses:FromAddress", ""))
    return Passage(
        operation=str(read.get("operation") or str(read.get("action", "")).partition(":")[2]),
        source_ip=str(context.get("aws:SourceIp", "")),
        caller_identity=_name(str(read.get("principal", ""))),
        from_domain=domain_of(address),
        from_address=address,
        tls_version=str(read.get("tls", "")),
    )


def _name(principal: str) -> str:
    """The name in a principal's ARN; of a session that of its role."""
    kind, _, rest = principal.rpartition(":")[2].partition("/")
    if kind == "assumed-role":
        return rest.partition("/")[0]
    return rest.rpartition("/")[2] or kind
