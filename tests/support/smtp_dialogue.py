"""Dialogues as data: text files that say who writes what, and the steps they come to.

A line is `C: text` or `S: text` (a line on the wire, CRLF added), `c: text` or `s: text` (bytes
with Python escapes, nothing added), `O: verb words` (the owner acts) or `E: event`. `#` begins a
comment. Neighbouring lines of the side that speaks to the machine are one read.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What is done to a machine, `said` on the wire or an action of its owner, and what must follow."""

    said: bytes = b""
    action: tuple[str, ...] = ()
    written: bytes = b""
    events: tuple[str, ...] = ()


@dataclass(slots=True)
class _Draft:
    said: bytes = b""
    action: tuple[str, ...] = ()
    written: bytes = b""
    events: list[str] = field(default_factory=list)
    is_answered: bool = False

    def step(self) -> Step:
        return Step(said=self.said, action=self.action, written=self.written, events=tuple(self.events))


def settings(path: Path) -> dict[str, str]:
    """The `key=value` words on the first line."""
    return dict(word.split("=") for word in path.read_text().splitlines()[0].removeprefix("#").split())


def steps(path: Path, *, speaker: str) -> Iterator[Step]:
    """The steps for the machine that `speaker` (`C` or `S`) talks to; the first has neither word nor deed."""
    draft = _Draft()
    for line in path.read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        kind, text = line[0], line[3:]
        wire = (
            text.encode() + b"\r\n"
            if kind.isupper()
            else text.encode().decode("unicode_escape").encode("latin-1")
        )
        if kind.upper() == speaker or kind == "O":
            if draft.is_answered or draft.action or kind == "O":
                yield draft.step()
                draft = _Draft()
            if kind == "O":
                draft.action = tuple(text.split(" "))
            else:
                draft.said += wire
            continue
        draft.is_answered = True
        if kind == "E":
            draft.events.append(text)
        else:
            draft.written += wire
    yield draft.step()
