"""What was refused, beside the list of it: why, in a sentence, and how often in a day by error and who sent.

INVARIANT (I9): a sentence is the one that its reader is told by `sesame decisions`.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from sesame.access.causes.decision_json import reader_of, sentence_of
from sesame.access.refusals import digests
from sesame.db import Transaction
from sesame.spool.listing import Entry, Key
from sesame.store import decisions, policy_sets
from sesame.store.decisions import DecisionRecord, Refused

DAY_S = 86_400.0
LOOKED_AT = 500
MOST_GROUPS = 20
MOST_EXPLAINED = 25
"""Sentences of one page: each goes through policies once more."""
MOST_POLICY_TEXT = 24_000
"""Characters of policies that are gone through for the sentences of one page: some tens of milliseconds."""
_TIME = re.compile("currenttime|epochtime", re.IGNORECASE)
"""In policies by which what is said may differ from one time to another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedGroup:
    """Refused sends of one principal with one error; `last_id` is the newest request's."""

    code: str
    principal: str
    count: int
    last_at: float
    last_id: str
    last_seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedDay:
    """The groups of a day, the largest first; `is_whole` says that all of the day was looked at."""

    groups: tuple[RefusedGroup, ...] = ()
    count: int = 0
    is_whole: bool = True
    more: int = 0
    """How many groups are not shown."""


NONE_REFUSED = RefusedDay()


class _Who(msgspec.Struct, frozen=True):
    principal: str = ""


_WHO = msgspec.json.Decoder(_Who)


async def day(
    tx: Transaction, account_id: str, region: str, *, now: float, sent: bool, as_owner: bool
) -> RefusedDay:
    """What was refused to the account (`sent`) and to others as its identities, in the last 24 hours."""
    refused, is_whole = await decisions.refused_since(
        tx, account_id, region, since=now - DAY_S, limit=LOOKED_AT, sent=sent, as_owner=as_owner
    )
    texts = await decisions.texts(tx, {one.digest for one in refused if one.digest is not None})
    who = {text: _WHO.decode(text).principal for text in texts.values()}
    counts: dict[tuple[str, str], int] = {}
    newest: dict[tuple[str, str], Refused] = {}
    for one in refused:
        text = one.decision if one.digest is None else texts.get(one.digest, "{}")
        group = one.code, who[text] if text in who else _WHO.decode(text).principal
        counts[group] = counts.get(group, 0) + 1
        newest.setdefault(group, one)
    shown = sorted(counts, key=lambda group: (-counts[group], -newest[group].at))[:MOST_GROUPS]
    return RefusedDay(
        groups=tuple(
            RefusedGroup(
                code=group[0],
                principal=group[1],
                count=counts[group],
                last_at=newest[group].at,
                last_id=newest[group].request_id,
                last_seq=newest[group].seq,
            )
            for group in shown
        ),
        count=sum(counts.values()),
        is_whole=is_whole,
        more=len(counts) - len(shown),
    )


async def sentences(tx: Transaction, entries: Iterable[Entry], viewer: str) -> Mapping[Key, str]:
    """Why each refusal among entries was one, as the account `viewer` may read it.

    Of the first `MOST_EXPLAINED`, and as far as `MOST_POLICY_TEXT` goes: what is left out is left out of the answer.
    """
    refused = [one for one in entries if not one.is_message][:MOST_EXPLAINED]
    records = [_record(one) for one in refused]
    contents = await policy_sets.contents(tx, _wanted(records))
    found: dict[Key, str] = {}
    known: dict[tuple[str, str], str] = {}
    left = MOST_POLICY_TEXT
    for entry, record in zip(refused, records, strict=True):
        texts = [contents.get(digest, "") for digest in digests(record)]
        alike = record.decision, record.code
        said = known.get(alike)
        if said is None:
            cost = sum(map(len, texts))
            if cost > left:
                continue
            left -= cost
            said = sentence_of(record, contents, reader_of(record, viewer))
        if not any(_TIME.search(text) for text in texts):
            known[alike] = said
        found[entry.key] = "" if said == _nothing(record) else said
    return found


def _nothing(record: DecisionRecord) -> str:
    """What an owner is told of a refusal that no policy of its made."""
    return f"refused: {record.code}"


def _wanted(records: Sequence[DecisionRecord]) -> Sequence[str]:
    return list({digest: None for record in records for digest in digests(record)})


def _record(entry: Entry) -> DecisionRecord:
    return DecisionRecord(
        at=entry.at,
        account_id=entry.account_id,
        owner_account_id=entry.owner_account_id,
        region=entry.region,
        message_id=None,
        code=entry.code,
        reason=entry.reason,
        decision=entry.decision,
        request_id=entry.id,
    )
