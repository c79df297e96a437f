"""What an account sent and had refused, and what others sent as it: one list, newest first, by key.

Each look goes along an index and takes a bounded number of rows; what a filter leaves of them may be less than a page.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from sesame.db import Parameter, Row, Transaction
from sesame.store.decisions import owner_in, texts, whole


class Key(NamedTuple):
    """Where a list goes on: after this entry. At one time refusals come before messages."""

    at: float
    is_message: bool
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One message or refusal. `id` is the message's or the request's; a refusal has no subject or size."""

    at: float
    is_message: bool
    seq: int
    id: str
    account_id: str
    owner_account_id: str | None
    region: str
    source: str
    subject: str
    size_bytes: int
    code: str
    decision: str
    reason: str = ""
    """What a refusal said."""
    is_further: bool = False
    """Whether it concerns the account that looks as the owner of another identity than From's."""
    recipients: tuple[tuple[str, str], ...] = field(default=())
    """Address and state, of messages."""

    @property
    def key(self) -> Key:
        """Its place in the list."""
        return Key(at=self.at, is_message=self.is_message, seq=self.seq)


_COLUMNS = (
    "SELECT x.accepted_at, 1, x.seq, x.message_id, x.account_id, x.owner_account_id, x.region, x.source, x.subject,"
    " x.size_bytes, 'Accepted', '', x.decision"
)
_MESSAGE = f"{_COLUMNS}, x.decision_digest FROM message x WHERE x.seq IN (?*)"
_REFUSAL = (
    "SELECT x.at, 0, x.seq, x.request_id, x.account_id, x.owner_account_id, x.region, '', '', 0, x.code, x.reason,"
    " x.decision, x.decision_digest FROM refusal x WHERE x.seq IN (?*)"
)
_TO_ADDRESS = (
    f"{_COLUMNS}, d.text, r.seq FROM recipient r JOIN message x ON x.seq = r.message_seq"
    " LEFT JOIN decision_text d ON d.digest = x.decision_digest"
)


async def keys(
    tx: Transaction,
    account_id: str,
    *,
    after: Key | None,
    limit: int,
    messages: bool = True,
    refusals: bool = True,
    sent: bool = True,
    as_owner: bool = True,
) -> list[Key]:
    """The keys of an account's entries, newest first: what it `sent`, and what others sent `as_owner`."""
    looks, values = list[str](), list[float | int | str]()
    for table, column, at, seq, is_message, is_asked in (
        ("refusal", "account_id", "at", "seq", False, refusals and sent),
        ("refusal", "owner_account_id", "at", "seq", False, refusals and as_owner),
        ("further_owner", "owner_account_id", "at", "refusal_seq", False, refusals and as_owner),
        ("message", "account_id", "accepted_at", "seq", True, messages and sent),
        ("message", "owner_account_id", "accepted_at", "seq", True, messages and as_owner),
        ("message_further_owner", "owner_account_id", "at", "message_seq", True, messages and as_owner),
    ):
        if is_asked:
            further, key = _after(at, seq, is_message=is_message, key=after)
            looks.append(
                "SELECT -at, is_message, -seq FROM"
                f" (SELECT x.{at} AS at, {int(is_message)} AS is_message, x.{seq} AS seq FROM {table} x"
                f" WHERE x.{column} = ?{further} ORDER BY x.{at} DESC, x.{seq} DESC LIMIT ?) AS look"
            )
            values += [account_id, *key, limit]
    if not looks:
        return []
    # What the account sent as itself is in two looks. Each is in order, which makes sorting them all cheap.
    places = dict.fromkeys(sorted(await tx.all(" UNION ALL ".join(looks), *values)))
    return [Key(-at, bool(kind), -seq) for at, kind, seq in islice(places, limit)]


async def entries(
    tx: Transaction, account_id: str, wanted: Sequence[Key], *, known: Mapping[bytes, str] | None = None
) -> list[Entry]:
    """The entries of keys, in their order, as the account sees them; `known` has texts that were read before."""
    selects, values = list[str](), list[Parameter]()
    for select, is_message in ((_REFUSAL, False), (_MESSAGE, True)):
        if seqs := [key.seq for key in wanted if key.is_message is is_message]:
            selects.append(select)
            values.append(seqs)
    found = await tx.all(" UNION ALL ".join(selects), *values) if selects else []
    rows = {(bool(row[1]), row[2]): row for row in found}
    before = known or {}
    missing = {row[13] for row in found if row[13] is not None and bytes(row[13]) not in before}
    shared = {**before, **await texts(tx, missing)}
    return [
        _seen_by(account_id, row, shared.get(row[13]))
        for key in wanted
        if (row := rows.get((key.is_message, key.seq))) is not None
    ]


class SentWith(NamedTuple):
    """A message of a configuration set, for its sender."""

    at: float
    seq: int
    id: str
    source: str
    subject: str


async def sent_with(
    tx: Transaction, account_id: str, region: str, configuration_set: str, *, look: int, limit: int
) -> list[SentWith]:
    """Of the `look` newest messages of an account those of a configuration set, `limit` at most, newest first."""
    rows = await tx.all(
        "SELECT x.accepted_at, x.seq, x.message_id, x.source, x.subject FROM (SELECT m.seq AS seq FROM message m"
        " WHERE m.account_id = ? ORDER BY m.accepted_at DESC, m.seq DESC LIMIT ?) AS look"
        " JOIN message x ON x.seq = look.seq WHERE x.region = ? AND x.configuration_set = ?",
        account_id,
        look,
        region,
        configuration_set,
    )
    return sorted((SentWith(*row) for row in rows), reverse=True)[:limit]


async def sources(
    tx: Transaction, account_id: str, wanted: Sequence[Key], *, region: str, state: str, is_lent: bool
) -> dict[Key, str]:
    """Messages of a region with a recipient in a state, or in any (""), with From as the account may know it; all
    refusals without a state. Of both, if `is_lent`, those alone that another account sent."""
    selects, values = list[str](), list[Parameter]()
    for is_message, select in (
        (True, _SOURCE),
        (False, "SELECT 0, x.seq, '' FROM refusal x WHERE x.seq IN (?*)"),
    ):
        seqs = [key.seq for key in wanted if key.is_message is is_message]
        if not seqs or (state and not is_message):
            continue
        values += [account_id, seqs, region] if is_message else [seqs]
        if state:
            select += " AND EXISTS (SELECT 1 FROM recipient r WHERE r.message_seq = x.seq AND r.state = ?)"
            values.append(state)
        if is_lent:
            select += " AND x.account_id <> ?"
            values.append(account_id)
        selects.append(select)
    if not selects:
        return {}
    rows = await tx.all(" UNION ALL ".join(selects), *values)
    found = {(bool(kind), seq): source for kind, seq, source in rows}
    return {key: found[key[1:]] for key in wanted if key[1:] in found}


class Use(NamedTuple):
    """What one send was decided by: the part of its decision that it shares with others, as JSON."""

    key: Key
    id: str
    account_id: str
    decision: str
    digest: bytes | None
    """Under which the decision is kept, if it is shared."""


_SOURCE = (
    "SELECT 1, x.seq, CASE WHEN ? IN (x.account_id, x.owner_account_id) THEN x.source ELSE '' END FROM message x"
    " WHERE x.seq IN (?*) AND x.region = ?"
)
"""From is nobody's to filter by who owns another identity alone that it was sent as."""
_USES = (
    "SELECT {kind}, x.seq, x.{id}, x.account_id, x.decision_digest,"
    " CASE WHEN x.decision_digest IS NULL THEN x.decision ELSE '' END"
    " FROM {table} x WHERE x.seq IN (?*) AND x.region = ?"
)


async def uses(tx: Transaction, wanted: Sequence[Key], *, region: str) -> list[Use]:
    """By what those of the keys that are of a region were decided, in their order."""
    selects, values = list[str](), list[Parameter]()
    for table, name, is_message in (("refusal", "request_id", False), ("message", "message_id", True)):
        if seqs := [key.seq for key in wanted if key.is_message is is_message]:
            selects.append(_USES.format(kind=int(is_message), id=name, table=table))
            values += [seqs, region]
    found = await tx.all(" UNION ALL ".join(selects), *values) if selects else []
    rows = {(bool(row[0]), row[1]): row for row in found}
    shared = await texts(tx, {row[4] for row in found if row[4] is not None})
    return [
        Use(key, row[2], row[3], shared.get(row[4], row[5] or "{}"), row[4])
        for key in wanted
        if (row := rows.get((key.is_message, key.seq))) is not None
    ]


def _seen_by(account_id: str, row: Row, shared: str | None) -> Entry:
    """An entry as the owner sees it that it concerns beside the first: with this one as its owner."""
    if account_id in (row[4], owner_in(row[5])):
        return _entry(row, shared)
    return _entry((*row[:5], account_id, *row[6:]), shared, is_further=True)


def _after(at: str, seq: str, *, is_message: bool, key: Key | None) -> tuple[str, list[float | int]]:
    """The condition that rows stand behind a key, by their columns of time and number."""
    if key is None:
        return "", []
    if key.is_message is is_message:
        return f" AND (x.{at}, x.{seq}) < (?, ?)", [key.at, key.seq]
    return (f" AND x.{at} <= ?" if is_message else f" AND x.{at} < ?"), [key.at]


async def to_address(
    tx: Transaction, account_id: str, address: str, *, before: int | None, limit: int
) -> tuple[list[Entry], int | None]:
    """Messages to an address that an account sent or that were sent as it, newest first; where to go on."""
    of_account = " AND (x.account_id = ? OR x.owner_account_id = ?)"
    return await _to_address(tx, of_account, address, account_id, account_id, before=before, limit=limit)


async def to_address_of_all(
    tx: Transaction, address: str, *, before: int | None, limit: int
) -> tuple[list[Entry], int | None]:
    """Messages of all accounts to an address, newest first; where to go on."""
    return await _to_address(tx, "", address, before=before, limit=limit)


async def _to_address(
    tx: Transaction, condition: str, *values: str, before: int | None, limit: int
) -> tuple[list[Entry], int | None]:
    """`values` are the address, and those of the `condition` beside it."""
    further, key = ("", []) if before is None else (" AND r.seq < ?", [before])
    rows = await tx.all(
        f"{_TO_ADDRESS} WHERE r.address = ?{condition}{further} ORDER BY r.seq DESC LIMIT ?",
        *values,
        *key,
        limit,
    )
    return [_entry(row, row[13]) for row in rows], int(rows[-1][14]) if len(rows) == limit else None


async def recipients(tx: Transaction, seqs: Sequence[int]) -> Mapping[int, tuple[tuple[str, str], ...]]:
    """Address and state of the recipients of messages, by the message's number."""
    if not seqs:
        return {}
    rows = await tx.all(
        "SELECT message_seq, n, address, state FROM recipient WHERE message_seq IN (?*)", list(seqs)
    )
    found: dict[int, list[tuple[str, str]]] = {}
    for seq, _, address, state in sorted(rows):
        found.setdefault(seq, []).append((address, state))
    return {seq: tuple(pairs) for seq, pairs in found.items()}


def _entry(row: Row, shared: str | None, *, is_further: bool = False) -> Entry:
    return Entry(
        at=row[0],
        is_message=bool(row[1]),
        seq=row[2],
        id=row[3],
        account_id=row[4],
        owner_account_id=owner_in(row[5]),
        region=row[6],
        source=row[7],
        subject=row[8],
        size_bytes=row[9],
        code=row[10],
        reason=row[11],
        decision=whole(row[12], shared),
        is_further=is_further,
    )
