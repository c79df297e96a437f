"""Ordered values: the texts at which a condition on a date, number, address or boolean can change its mind.

Between two such points all conditions stay as they are, so trying each point is exact.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from sesame.policy.language.values import (
    Range,
    read_address,
    read_bytes,
    read_date,
    read_number,
    read_range,
    write_address,
)
from sesame.policy.language.vocabulary import Family

_NICE_DATE = datetime(2030, 1, 1, tzinfo=UTC)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LAST = 253402300800_000000
"""The end of the year 9999, in microseconds."""
_IPV6 = 1 << 128


def points_of(family: Family, values: Sequence[str], limits: Sequence[str]) -> Iterable[str]:
    """The points of an ordered dimension whose conditions compare with `values`, within `limits`."""
    match family:
        case Family.DATE:
            points = _date_points(values)
        case Family.NUMERIC:
            points = _number_points(values)
        case Family.IP:
            points = _address_points([*values, *limits])
        case Family.BOOL:
            points = ["true", "false"]
        case _:
            points = _byte_points(values)
    if not limits:
        return points
    if family is Family.IP:
        spans = [span for span in map(read_range, limits) if span is not None]
        return [p for p in points if any(_in_span(p, span) for span in spans)]
    return limits


def _in_span(text: str, span: Range) -> bool:
    address = read_address(text)
    return address is not None and span[0] <= address <= span[1]


def _date_points(values: Iterable[str]) -> list[str]:
    nice = (_NICE_DATE - _EPOCH) // timedelta(microseconds=1)
    moments = {nice}
    for bound in [date for date in map(read_date, values) if date is not None]:
        moments |= {bound - 1_000_000, bound - 1, bound, bound + 1, bound + 1_000_000}
    # Whole seconds first: they read better.
    ordered = sorted(moments, key=lambda moment: (moment != nice, moment % 1_000_000 != 0, moment))
    return [write_date(moment) for moment in ordered if 0 <= moment < LAST]


def write_date(moment: int) -> str:
    """The usual text of a moment in microseconds since 1970."""
    text = (_EPOCH + timedelta(microseconds=moment)).isoformat()
    return text.replace("+00:00", "Z")


def _number_points(values: Iterable[str]) -> list[str]:
    bounds = sorted({number for number in map(read_number, values) if number is not None})
    if not bounds:
        return ["0"]
    between = [(low + high) / 2 for low, high in pairwise(bounds)]
    return [format(point, "f") for point in [*bounds, *between, bounds[0] - 1, bounds[-1] + 1]]


def _address_points(values: Iterable[str]) -> list[str]:
    points = {_IPV6 | 0x20010DB8 << 96, 0xC0000201}  # one of each family, from documentation ranges
    for first, last in [span for span in map(read_range, values) if span is not None]:
        points |= {first, last, first - 1, last + 1}
    inside = [point for point in points if 0 <= point < 1 << 32 or _IPV6 <= point < 2 * _IPV6]
    return [write_address(point) for point in sorted(inside)]


def _byte_points(values: Iterable[str]) -> list[str]:
    read = [data for data in map(read_bytes, values) if data is not None]
    return [*(data.decode("utf-8", "replace") for data in read), "other"]
