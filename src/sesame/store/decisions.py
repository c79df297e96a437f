"""Why sends were accepted or refused: refusals, the texts of decisions, and the latest of an account.

Accepted sends keep their decision with the message row; refusals have a table of their own. What decisions share is
kept once a day for all of them, found by its digest.
"""

import hashlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import islice

import msgspec

from sesame.db import Row, Transaction

DAY_S, QUARTER_HOUR_S = 86_400, 900


class DecisionText(msgspec.Struct, frozen=True, kw_only=True):
    """A decision as JSON, in what it shares with others and what is its own.

    `shared` is an object whose last member is an object too; the members of the object `own` belong into that one.
    """

    shared: str
    own: str = "{}"


def whole(own: str, shared: str | None) -> str:
    """The JSON of a decision, put together; one without a shared part is whole already."""
    if shared is None or own == "{}":
        return own if shared is None else shared
    comma = "" if shared.endswith("{}}") else ","
    return f"{shared[:-2]}{comma}{own[1:-1]}}}}}"


async def keep(tx: Transaction, texts: Sequence[tuple[DecisionText, float]]) -> list[bytes]:
    """Keep the shared part of each decision, taken at the time beside it; their digests."""
    digests: dict[tuple[str, int], bytes] = {}
    for text, at in texts:
        said = text.shared, int(at // DAY_S)
        if said not in digests:
            digests[said] = _digest(*said)
    await tx.many(
        "INSERT INTO decision_text (digest, day, text) VALUES (?, ?, ?) ON CONFLICT (digest) DO NOTHING",
        [(digest, day, shared) for (shared, day), digest in digests.items()],
    )
    return [digests[text.shared, int(at // DAY_S)] for text, at in texts]


def _digest(shared: str, day: int) -> bytes:
    return hashlib.blake2b(shared.encode(), digest_size=16, person=day.to_bytes(8, "big")).digest()


async def texts(tx: Transaction, wanted: Collection[bytes]) -> Mapping[bytes, str]:
    """The shared parts by digest; one that is not kept is left out."""
    if not wanted:
        return {}
    rows = await tx.all("SELECT digest, text FROM decision_text WHERE digest IN (?*)", sorted(wanted))
    return {bytes(digest): text for digest, text in rows}


async def purge_texts(tx: Transaction, *, before: float, limit: int) -> int:
    """Drop texts of days before `before`, which nothing that is kept may be older than; how many went."""
    rows = await tx.all(
        "SELECT digest FROM decision_text WHERE day < ? ORDER BY day LIMIT ?", int(before // DAY_S), limit
    )
    return await tx.many("DELETE FROM decision_text WHERE digest = ?", rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One refused send: the API's code and words, and the decision as JSON.

    `further_owners` are accounts beside `owner_account_id` whose identities or bounds refused it too. What was refused
    and `is_send` is not, an owner's count of what others tried to send is without. It is counted for the owners in
    `unlisted`, but is not among their decisions: they find it by its request id alone.
    """

    request_id: str
    account_id: str
    owner_account_id: str | None
    region: str
    at: float
    code: str
    reason: str
    decision: DecisionText
    further_owners: tuple[str, ...] = ()
    is_send: bool = True
    unlisted: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRecord:
    """One decision; `message_id` is None for a refusal, `request_id` for what was accepted.

    `owner_account_id` is the owner that it concerns: for a further owner that looks, this one.
    """

    at: float
    account_id: str
    owner_account_id: str | None
    region: str
    message_id: str | None
    code: str
    reason: str
    decision: str
    request_id: str | None = None


_UNLISTED = "-"
"""Before the owner of a refusal that is not among that owner's decisions; the sender reads on whose identity it was."""


def owner_in(column: str | None) -> str | None:
    """The owner that a refusal's `owner_account_id` names, listed for it or not."""
    return None if column is None else column.removeprefix(_UNLISTED)


async def put_refusal(tx: Transaction, refusal: Refusal) -> None:
    """Keep a refused send."""
    (digest,) = await keep(tx, [(refusal.decision, refusal.at)])
    owner = refusal.owner_account_id
    [(seq,)] = await tx.all(
        "INSERT INTO refusal (request_id, account_id, owner_account_id, region, at, code, reason, decision,"
        " decision_digest) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING seq",
        refusal.request_id,
        refusal.account_id,
        _UNLISTED + owner if owner is not None and owner in refusal.unlisted else owner,
        refusal.region,
        refusal.at,
        refusal.code,
        refusal.reason,
        refusal.decision.own,
        digest,
    )
    await tx.many(
        "INSERT INTO further_owner (owner_account_id, at, refusal_seq) VALUES (?, ?, ?)",
        [
            (_UNLISTED + one if one in refusal.unlisted else one, refusal.at, seq)
            for one in refusal.further_owners
        ],
    )
    await _count(tx, refusal)


async def _count(tx: Transaction, refusal: Refusal) -> None:
    """Count a refusal for who was refused, and for each who owns what it was to be sent as."""
    quarter = int(refusal.at // QUARTER_HOUR_S)
    rows = [(refusal.account_id, refusal.region, quarter, 1, 0)] if refusal.account_id else []
    for owner in dict.fromkeys((refusal.owner_account_id, *refusal.further_owners)):
        if refusal.is_send and owner is not None and owner != refusal.account_id:
            rows.append((owner, refusal.region, quarter, 0, 1))
    await tx.many(
        "INSERT INTO refusal_tally (account_id, region, quarter, own, lent) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (account_id, region, quarter) DO UPDATE SET own = refusal_tally.own + excluded.own,"
        " lent = refusal_tally.lent + excluded.lent",
        rows,
    )


async def refused_by_quarter(
    tx: Transaction, account_id: str, region: str, *, since: float
) -> list[tuple[float, int, int]]:
    """Refused sends by quarter hour: its beginning in Unix seconds, the account's own, others' as its identities."""
    rows = await tx.all(
        "SELECT quarter, own, lent FROM refusal_tally WHERE account_id = ? AND region = ? AND quarter >= ?"
        " ORDER BY quarter",
        account_id,
        region,
        int(since // QUARTER_HOUR_S),
    )
    return [(float(row[0] * QUARTER_HOUR_S), int(row[1]), int(row[2])) for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """One refused send in short; `digest` is of the part of its decision that it shares, which else is `decision`."""

    at: float
    seq: int
    request_id: str
    code: str
    digest: bytes | None
    decision: str


_IN_SHORT = (
    "SELECT x.at, x.seq, x.region, x.request_id, x.code, x.decision_digest,"
    " CASE WHEN x.decision_digest IS NULL THEN x.decision ELSE '' END"
)


async def refused_since(
    tx: Transaction,
    account_id: str,
    region: str,
    *,
    since: float,
    limit: int,
    sent: bool,
    as_owner: bool,
) -> tuple[list[Refused], bool]:
    """An account's refused sends of a region or of none, newest first, and whether these are all since a time.

    `limit` are looked at of what it sent, and of what others did as its identities (`as_owner`), of every region.
    """
    looks, values = list[str](), list[float | int | str]()
    for source, whose, at, seq, is_asked in (
        ("refusal x", "x.account_id", "x.at", "x.seq", sent),
        ("refusal x", "x.owner_account_id", "x.at", "x.seq", as_owner),
        (
            "further_owner o JOIN refusal x ON x.seq = o.refusal_seq",
            "o.owner_account_id",
            "o.at",
            "o.refusal_seq",
            as_owner,
        ),
    ):
        if is_asked:
            looks.append(
                f"SELECT {len(looks)}, look.* FROM ({_IN_SHORT} FROM {source} WHERE {whose} = ? AND {at} > ?"
                f" ORDER BY {at} DESC, {seq} DESC LIMIT ?) AS look"
            )
            values += [account_id, since, limit]
    rows = await tx.all(" UNION ALL ".join(looks), *values) if looks else []
    found = {
        seq: Refused(
            at=at,
            seq=seq,
            request_id=request_id,
            code=code,
            digest=None if digest is None else bytes(digest),
            decision=decision,
        )
        for _, at, seq, its_region, request_id, code, digest, decision in rows
        if its_region in (region, "")
    }
    is_whole = all(count < limit for count in Counter(row[0] for row in rows).values())
    return sorted(found.values(), key=lambda one: (-one.at, -one.seq)), is_whole


async def purge_counts(tx: Transaction, *, before: float, limit: int) -> int:
    """Forget counts of before a time, some of them; how many went."""
    rows = await tx.all(
        "SELECT account_id, region, quarter FROM refusal_tally WHERE quarter < ? ORDER BY quarter LIMIT ?",
        int(before // QUARTER_HOUR_S),
        limit,
    )
    return await tx.many(
        "DELETE FROM refusal_tally WHERE account_id = ? AND region = ? AND quarter = ?", rows
    )


_REFUSED = (
    "SELECT x.at, x.account_id, x.owner_account_id, x.region, NULL, x.code, x.reason, x.decision, d.text,"
    " x.request_id FROM refusal x LEFT JOIN decision_text d ON d.digest = x.decision_digest"
)
_REFUSED_BY_FURTHER = (
    "SELECT x.at, x.account_id, o.owner_account_id, x.region, NULL, x.code, x.reason, x.decision, d.text,"
    " x.request_id FROM further_owner o JOIN refusal x ON x.seq = o.refusal_seq"
    " LEFT JOIN decision_text d ON d.digest = x.decision_digest"
)
_ACCEPTED = (
    "SELECT x.accepted_at, x.account_id, x.owner_account_id, x.region, x.message_id, 'Accepted', '', x.decision,"
    " d.text, NULL FROM message x LEFT JOIN decision_text d ON d.digest = x.decision_digest"
)
_ACCEPTED_FOR_FURTHER = (
    "SELECT x.accepted_at, x.account_id, o.owner_account_id, x.region, x.message_id, 'Accepted', '', x.decision,"
    " d.text, NULL FROM message_further_owner o JOIN message x ON x.seq = o.message_seq"
    " LEFT JOIN decision_text d ON d.digest = x.decision_digest"
)


async def latest(tx: Transaction, account_id: str, *, limit: int) -> list[DecisionRecord]:
    """The newest decisions that concern an account, newest first.

    One look along an index for each way in which it may be concerned.
    """
    found = []
    for select, at in ((_REFUSED, "at"), (_ACCEPTED, "accepted_at")):
        by_account = await tx.all(
            f"{select} WHERE x.account_id = ? ORDER BY x.{at} DESC, x.seq DESC LIMIT ?", account_id, limit
        )
        by_owner = await tx.all(
            f"{select} WHERE x.owner_account_id = ? ORDER BY x.{at} DESC, x.seq DESC LIMIT ?",
            account_id,
            limit,
        )
        found += [by_account, [row for row in by_owner if row[1] != account_id]]
    for select, seq in ((_REFUSED_BY_FURTHER, "refusal_seq"), (_ACCEPTED_FOR_FURTHER, "message_seq")):
        found.append(
            await tx.all(
                f"{select} WHERE o.owner_account_id = ? ORDER BY o.at DESC, o.{seq} DESC LIMIT ?",
                account_id,
                limit,
            )
        )
    newest_first = merge(*found, key=lambda row: float(row[0]), reverse=True)
    return [_record(row) for row in islice(newest_first, limit)]


async def of_request(tx: Transaction, request_id: str, *, viewer: str | None = None) -> list[DecisionRecord]:
    """The refusals that a request was answered with: of a bulk call one for each destination.

    Of a `viewer` only those that concern it, listed among its decisions or not.
    """
    rows = await tx.all(f"{_REFUSED} WHERE x.request_id = ? ORDER BY x.seq", request_id)
    if viewer is not None:
        rows = [row for row in rows if viewer in (row[1], owner_in(row[2]))]
        rows += await tx.all(
            f"{_REFUSED_BY_FURTHER} WHERE x.request_id = ? AND o.owner_account_id IN (?*) ORDER BY x.seq",
            request_id,
            [viewer, _UNLISTED + viewer],
        )
    return [_record(row) for row in rows]


async def further_owners(tx: Transaction, request_id: str) -> list[str]:
    """The accounts that a request's refusals concern beside its sender and the first owner of each."""
    rows = await tx.all(
        "SELECT o.owner_account_id FROM refusal x JOIN further_owner o ON o.refusal_seq = x.seq"
        " WHERE x.request_id = ?",
        request_id,
    )
    return sorted({str(owner_in(row[0])) for row in rows})


def _record(row: Row) -> DecisionRecord:
    return DecisionRecord(
        at=row[0],
        account_id=row[1],
        owner_account_id=owner_in(row[2]),
        region=row[3],
        message_id=row[4],
        code=row[5],
        reason=row[6],
        decision=whole(row[7], row[8]),
        request_id=row[9],
    )


async def purge_before(tx: Transaction, at: float, *, limit: int) -> int:
    """Drop refusals older than `at` and who else owned of them, up to `limit` rows; how many went."""
    rows = await tx.all("SELECT seq FROM refusal WHERE at < ? ORDER BY at LIMIT ?", at, limit)
    if not rows:
        return 0
    further = await tx.all(
        "SELECT owner_account_id, at, refusal_seq FROM further_owner WHERE refusal_seq IN (?*) LIMIT ?",
        [int(row[0]) for row in rows],
        limit,
    )
    gone = await tx.many(
        "DELETE FROM further_owner WHERE owner_account_id = ? AND at = ? AND refusal_seq = ?", further
    )
    return gone + await tx.many("DELETE FROM refusal WHERE seq = ?", rows[: limit - gone])
