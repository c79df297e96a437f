"""How the console writes what it shows: times, sizes, and text from outside, which must not pretend to be else."""

import datetime
import unicodedata

_HIDDEN = {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}
"""Categories of characters that are not seen, or that change what is: controls, bidirectional overrides, zero width."""

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def visible(text: object) -> str:
    """Text from outside on one line, with what cannot be seen written as escapes."""
    whole = str(text)
    if whole.isprintable():
        return whole
    return "".join(_shown(char) for char in whole)


def visible_lines(text: object) -> str:
    """The same, line breaks and tabs kept."""
    whole = str(text).replace("\r\n", "\n")
    if whole.replace("\n", " ").replace("\t", " ").isprintable():
        return whole
    return "".join(char if char in "\n\t" else _shown(char) for char in whole)


def is_seen(char: str) -> bool:
    """Whether a character shows, and changes nothing of what is around it."""
    return (char.isascii() and char.isprintable()) or unicodedata.category(char) not in _HIDDEN


def _shown(char: str) -> str:
    return char if is_seen(char) else f"\\u{{{ord(char):x}}}"


def when(at: float, *, now: float, zone: datetime.tzinfo = datetime.UTC) -> str:
    """`14:20:07 UTC` of today, `26 Nov 14:20 UTC` else, with the year when it is another; of another zone, its name."""
    moment, today = (datetime.datetime.fromtimestamp(one, zone) for one in (at, now))
    time = f"{moment.hour:02}:{moment.minute:02}"
    if moment.date() == today.date():
        return f"{time}:{moment.second:02} {moment.tzname()}"
    year = "" if moment.year == today.year else f" {moment.year}"
    return f"{moment.day} {_MONTHS[moment.month - 1]}{year} {time} {moment.tzname()}"


def exactly(at: float, zone: datetime.tzinfo = datetime.UTC) -> str:
    """The whole of it, to the second."""
    moment = datetime.datetime.fromtimestamp(at, zone)
    day, time = f"{moment.year:04}-{moment.month:02}-{moment.day:02}", f"{moment.hour:02}:{moment.minute:02}"
    return f"{day} {time}:{moment.second:02} {moment.tzname()}"


def took(seconds: float) -> str:
    """A short length of time: `12 ms`, `1.4 s`, or as `ago` writes it."""
    if seconds >= 60:
        return ago(seconds)
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def ago(seconds: float) -> str:
    """A length of time in its largest unit: `3 min`."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if abs(seconds) >= size:
            return f"{int(abs(seconds) // size)} {unit}"
    return f"{int(abs(seconds))} s"


def size(count: int) -> str:
    """Bytes for people."""
    if count < 1024:
        return f"{count} bytes"
    if count < 1024 * 1024:
        return f"{count / 1024:.1f} KB"
    if count < 1024 * 1024 * 1024:
        return f"{count / 1024 / 1024:.1f} MB"
    return f"{count / 1024 / 1024 / 1024:.1f} GB"


MOST_COUNTED = 10_001
"""What is counted exactly, and one more: beyond, counting would walk over everything."""


def capped(count: int) -> str:
    """A count that went no further than `MOST_COUNTED`."""
    return "10,000+" if count >= MOST_COUNTED else f"{count:,}"


def counted(count: int, one: str, many: str = "") -> str:
    """`1 message`, `3 messages`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
