"""Condition values: dates, numbers, addresses, booleans and bytes, from the text they are written in.

Every reader returns None for text it does not understand; the caller decides what that means.
Sources: W3C note "Date and Time Formats" (a profile of ISO 8601), IAM user guide "condition
operators", RFC 4632 and RFC 4291 for address ranges, RFC 4648 for base64.
"""

import binascii
import ipaddress
import re
from base64 import b64decode
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST_EPOCH = 12  # digits; 13 are milliseconds, which AWS does not document
_MICROSECOND = timedelta(microseconds=1)
_DATE = re.compile(
    r"(?P<year>[0-9]{4})(-(?P<month>[0-9]{2})(-(?P<day>[0-9]{2})"
    r"(T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(?P<zone>Z|[+-][0-9]{2}:?[0-9]{2})?)?)?)?",
    re.ASCII,
)
_EPOCH_SECONDS = re.compile(r"([0-9]{1,18})(?:\.([0-9]{1,6}))?", re.ASCII)
_NUMBER = re.compile(r"[+-]?([0-9]{1,40}(\.[0-9]{0,40})?|\.[0-9]{1,40})([eE][+-]?[0-9]{1,3})?", re.ASCII)
_OCTETS = {str(number): number for number in range(256)}

_IPV6 = 1 << 128

Address = int
"""An IPv4 address as its number, an IPv6 address as its number + 2**128: one axis, and families never mix.

An IPv4-mapped IPv6 address is an IPv4 one.
"""

Range = tuple[Address, Address]
"""First and last address."""


def read_date(text: str) -> int | None:
    """Microseconds since 1970 UTC of an ISO 8601 date (W3C profile) or of epoch seconds.

    Four digits are a year. A time without a zone is read as UTC; 13 digits are seconds all the same.
    """
    is_usual = len(text) == 20 and text[4] == text[7] == "-" and text[13] == text[16] == ":"
    if is_usual and text[10] == "T" and text[19] == "Z":
        try:
            return (datetime.fromisoformat(text) - _EPOCH) // _MICROSECOND
        except ValueError:
            return None
    date = _DATE.fullmatch(text)
    if date is not None:
        return _read_iso(text, date)
    seconds = _EPOCH_SECONDS.fullmatch(text)
    if seconds is None:
        return None
    return int(seconds[1]) * 1_000_000 + int((seconds[2] or "").ljust(6, "0"))


def _read_iso(text: str, date: re.Match[str]) -> int | None:
    if date["day"] is None:
        text = f"{date['year']}-{date['month'] or '01'}-01"
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // _MICROSECOND


def is_sound_date(text: str) -> bool:
    """Whether a date says what it means: with a time of day a zone, no milliseconds for seconds."""
    date = _DATE.fullmatch(text)
    if date is None:
        return read_date(text) is not None and len(text.partition(".")[0]) <= _LONGEST_EPOCH
    return read_date(text) is not None and ("T" not in text or date["zone"] is not None)


def read_number(text: str) -> Decimal | None:
    """The number that `text` spells: integer, decimal or with an exponent of up to three digits."""
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def read_bool(text: str) -> bool | None:
    """`true` or `false`, in any case."""
    folded = text.lower()
    if folded == "true":
        return True
    return False if folded == "false" else None


def read_bytes(text: str) -> bytes | None:
    """The bytes that `text` spells in base64."""
    try:
        return b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return None


def read_address(text: str) -> Address | None:
    """The IPv4 or IPv6 address that `text` spells, without zone identifier."""
    octets = text.split(".")
    if len(octets) == 4:
        try:
            a, b, c, d = octets
            return _OCTETS[a] << 24 | _OCTETS[b] << 16 | _OCTETS[c] << 8 | _OCTETS[d]
        except KeyError:
            pass
    if len(text) > 45 or "%" in text:
        return None
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped
    return _IPV6 + int(address) if mapped is None else int(mapped)


def read_range(text: str) -> Range | None:
    """The addresses of a CIDR range; a bare address is a range of one, host bits are masked."""
    base, slash, prefix = text.partition("/")
    address = read_address(base)
    if address is None:
        return None
    if not slash:
        return address, address
    if not (prefix.isascii() and prefix.isdigit() and len(prefix) <= 3):
        return None
    width = 128 if ":" in base else 32
    host_bits = width - int(prefix)
    if host_bits < 0 or (address < _IPV6 and host_bits > 32):
        return None
    host = (1 << host_bits) - 1
    return address & ~host, address | host


def merge_ranges(ranges: Iterable[Range]) -> tuple[Range, ...]:
    """The same addresses in ascending ranges that neither overlap nor touch."""
    merged: list[Range] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = merged[-1][0], max(merged[-1][1], last)
        else:
            merged.append((first, last))
    return tuple(merged)


def write_address(address: Address) -> str:
    """The usual text of an address."""
    if address < _IPV6:
        return str(ipaddress.IPv4Address(address))
    return str(ipaddress.IPv6Address(address - _IPV6))
