"""What was said on a connection about one message: commands and replies in their order, for people to read.

Keeping it costs a list's entry a line, whatever is written of it later. The text of a message is never in it, nor what
AUTH says, and of the reverse-path only the domain, by whoever it is said: what stands before it is a key to our own
servers.
"""

import re

from sesame.smtp.errors import Stage
from sesame.smtp.reply import Reply, printable

MAX_CHARACTERS = 2_000
"""Of the whole as text; of a longer one the beginning and the end."""
MAX_ENTRIES = 80
"""What a connection needs with TLS, AUTH and a message is 25."""
_HEAD_CHARACTERS = 600
_LEFT_OUT = "[...]"
_LOCAL_PART = re.compile(rb"(?<=FROM:<)[^>]*(?=@[^@>]*>)")

_Said = tuple[Stage, bytes | Reply | str]


class Dialogue:
    """Commands, replies, and notes of ours between them."""

    __slots__ = ("_said",)

    def __init__(self) -> None:
        self._said: list[_Said] = []

    def add(self, stage: Stage, said: bytes | Reply | str) -> None:
        """A command as it goes out, a reply that has come, or a note; the caller has left out the message's text."""
        if len(self._said) < MAX_ENTRIES:
            self._said.append((stage, said))

    def __bool__(self) -> bool:
        return bool(self._said)

    def text(self) -> str:
        """It as lines: `> ` what we said, `< ` what they said, else what happened; printable ASCII."""
        lines = [line for stage, said in self._said for line in _lines(stage, said)]
        for local_part in self._local_parts():
            lines = [line.replace(local_part, "...") for line in lines]
        whole = "\n".join(lines)
        if len(whole) <= MAX_CHARACTERS:
            return whole
        head = _within(lines, _HEAD_CHARACTERS)
        tail = _within(lines[len(head) :][::-1], MAX_CHARACTERS - _HEAD_CHARACTERS - len(_LEFT_OUT) - 2)[::-1]
        return "\n".join([*head, _LEFT_OUT, *tail])

    def _local_parts(self) -> set[str]:
        """What stands before the domain in the reverse-paths that we gave."""
        found = (_LOCAL_PART.search(said) for _, said in self._said if isinstance(said, bytes))
        return {one[0].decode("ascii", "replace") for one in found if one is not None and one[0]}


def _within(lines: list[str], characters: int) -> list[str]:
    """The first lines, as many as there is room for."""
    found: list[str] = []
    for line in lines:
        characters -= len(line) + 1
        if characters < 0:
            break
        found.append(line)
    return found


def _lines(stage: Stage, said: bytes | Reply | str) -> list[str]:
    if isinstance(said, Reply):
        if stage is Stage.AUTH:
            return [f"< {said.code}"]
        *firsts, last = (_short(line) for line in said.lines)
        return [*(f"< {said.code}-{line}" for line in firsts), f"< {said.code} {last}".rstrip()]
    if isinstance(said, str):
        return [_short(printable(said))]
    if stage is Stage.AUTH:
        return ["> AUTH, not shown"]
    return [f"> {_short(printable(said.decode('ascii', 'replace').rstrip()))}"]


def _short(line: str) -> str:
    return line if len(line) <= 400 else f"{line[:400]} {_LEFT_OUT}"
