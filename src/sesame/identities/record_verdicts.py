"""A verdict for each DNS record of an identity, with what DNS shows in its place now.

It settles nothing: states are `dns_checks`'s. What people get wrong most is looked for: a record of another value, the
name with the domain appended once more (providers append it by themselves), a second MX, two SPF records. Sources: SES
developer guide, "Troubleshooting verification"; RFC 7208 section 4.5.
"""

import asyncio
from dataclasses import dataclass
from enum import Enum

from sesame.dkim.sign import published_key
from sesame.dns import DomainNotFound, Resolver
from sesame.errors import Unavailable
from sesame.identities.dns_records import OWNER, Record


class Verdict(Enum):
    """What is to be said of a record."""

    RIGHT = "right"
    MISSING = "missing"
    OTHER_VALUE = "other value"
    DOUBLED_NAME = "doubled name"
    SECOND_MX = "second MX"
    TWO_SPF = "two SPF records"
    NO_KEY = "leads nowhere"
    UNKNOWN = "DNS did not say"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedRecord:
    """A record with its verdict; `seen` are the values that DNS shows, the right one first.

    `seen_at_name` is where they are, when elsewhere; `seen_ago_s` how long ago DNS was asked, None if it did not say.
    """

    record: Record
    verdict: Verdict
    seen: tuple[str, ...]
    seen_ago_s: float | None
    seen_at_name: str = ""


@dataclass(frozen=True, slots=True)
class _Seen:
    records: tuple[str, ...] = ()
    name: str = ""
    ago_s: float = 0.0


async def check_records(
    resolver: Resolver, records: list[Record], domain: str, *, mechanism: str
) -> list[CheckedRecord]:
    """The owner's records, all looked up at once. `mechanism` is the SPF mechanism that allows us."""
    return list(
        await asyncio.gather(
            *(
                check_record(resolver, record, domain, mechanism=mechanism)
                for record in records
                if record.publisher == OWNER
            )
        )
    )


async def check_record(resolver: Resolver, record: Record, domain: str, *, mechanism: str) -> CheckedRecord:
    """One record, whoever publishes it; `domain` is what a provider may have appended to its name."""
    try:
        seen = await _look_up(resolver, record.name, record.kind)
    except Unavailable:
        return CheckedRecord(record=record, verdict=Verdict.UNKNOWN, seen=(), seen_ago_s=None)
    verdict = _verdict(record, seen, mechanism)
    values = (seen.name,) if record.kind == "CNAME" and seen.name != record.name else seen.records
    values = tuple(sorted(values, key=lambda value: not _is_value(record, value)))
    if verdict is not Verdict.MISSING:
        return CheckedRecord(record=record, verdict=verdict, seen=values, seen_ago_s=seen.ago_s)
    doubled = doubled_name(record, domain)
    try:
        elsewhere = await _look_up(resolver, doubled, record.kind)
    except Unavailable:
        elsewhere = _Seen()
    if _verdict(record, elsewhere, mechanism, name=doubled) in (Verdict.RIGHT, Verdict.OTHER_VALUE):
        seen_there = elsewhere.records or (elsewhere.name,)
        return CheckedRecord(
            record=record,
            verdict=Verdict.DOUBLED_NAME,
            seen=seen_there,
            seen_ago_s=elsewhere.ago_s,
            seen_at_name=doubled,
        )
    return CheckedRecord(record=record, verdict=Verdict.MISSING, seen=values, seen_ago_s=seen.ago_s)


def doubled_name(record: Record, domain: str) -> str:
    """The name of a record where a provider has appended its domain once more."""
    return f"{record.name}.{domain}"


async def check_key(
    resolver: Resolver, selector: str, domain: str, public_key: str, *, kind: str = "rsa"
) -> Verdict:
    """Whether a selector of a domain shows this public key, wherever its CNAME leads; `kind` as in `published_key`."""
    try:
        seen = await _look_up(resolver, f"{selector}._domainkey.{domain}", "TXT")
    except Unavailable:
        return Verdict.UNKNOWN
    keys = {published_key(record, kind) for record in seen.records} - {None, ""}
    if not keys:
        return Verdict.MISSING
    return Verdict.RIGHT if public_key in keys else Verdict.OTHER_VALUE


def _is_value(record: Record, seen: str) -> bool:
    """Whether it is the very value, which of many at one name is shown first."""
    if seen == record.value:
        return True
    key = published_key(record.value) if record.purpose == "DKIM" else None
    return bool(key) and key == published_key(seen)


async def _look_up(resolver: Resolver, name: str, kind: str) -> _Seen:
    try:
        answer = await resolver.look_up(name, "TXT" if kind == "CNAME" else kind)
    except DomainNotFound:
        return _Seen(name=name)
    return _Seen(records=answer.records, name=answer.name or name, ago_s=answer.age_s)


def _verdict(record: Record, seen: _Seen, mechanism: str, *, name: str = "") -> Verdict:
    at = name or record.name
    if record.kind == "CNAME":
        if seen.name.lower() == at.lower():
            return Verdict.OTHER_VALUE if seen.records else Verdict.MISSING
        if seen.name.lower() != record.value.lower():
            return Verdict.OTHER_VALUE
        has_key = any(published_key(text, kind) for text in seen.records for kind in ("rsa", "ed25519"))
        return Verdict.RIGHT if has_key else Verdict.NO_KEY
    if not seen.records:
        return Verdict.MISSING
    if record.kind == "MX":
        hosts = [text.rpartition(" ")[2].rstrip(".").lower() for text in seen.records]
        ours = record.value.rpartition(" ")[2].lower()
        if hosts == [ours]:
            return Verdict.RIGHT
        return Verdict.SECOND_MX if ours in hosts else Verdict.OTHER_VALUE
    if record.value.startswith("v=spf1"):
        spf = [text.lower().split() for text in seen.records if text.lower().split()[:1] == ["v=spf1"]]
        if not spf:
            return Verdict.MISSING
        if len(spf) > 1:
            return Verdict.TWO_SPF
        return Verdict.RIGHT if mechanism.lower() in spf[0] else Verdict.OTHER_VALUE
    if (key := published_key(record.value)) and record.purpose == "DKIM":
        return Verdict.RIGHT if key in map(published_key, seen.records) else Verdict.OTHER_VALUE
    return Verdict.RIGHT if record.value in seen.records else Verdict.OTHER_VALUE
