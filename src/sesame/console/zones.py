"""Time zones that a person may choose for the console: those of the machine's copy of the IANA's database."""

import datetime
import functools
import zoneinfo

_AREAS = frozenset(
    [
        "Africa",
        "America",
        "Antarctica",
        "Arctic",
        "Asia",
        "Atlantic",
        "Australia",
        "Europe",
        "Indian",
        "Pacific",
    ]
)  # others are former names, and offsets whose signs are the wrong way round


@functools.cache
def names() -> tuple[str, ...]:
    """Names of zones, in order. The first call opens a file for each: not for the loop that accepts mail."""
    found = zoneinfo.available_timezones()
    return tuple(sorted(name for name in found if name.partition("/")[0] in _AREAS and "/" in name))


@functools.lru_cache(maxsize=64)
def zone(name: str) -> datetime.tzinfo:
    """The zone of a name that was chosen; UTC for none, and for one that the machine knows no more."""
    if not name:
        return datetime.UTC
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return datetime.UTC
