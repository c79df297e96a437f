"""The message behind DATA: dots doubled and undoubled, and where it ends.

INVARIANT: only <CRLF>.<CRLF> ends a message, and no message with a bare CR, a bare LF or a NUL
passes in either direction. That closes SMTP smuggling from both sides: we cannot be made to see a
second message, nor to write what another server takes for one. Sources: RFC 5321 sections 2.3.8,
4.1.1.4, 4.5.2 and 4.5.3.1.6.

Lines are never walked in Python: `count`, `find` and `replace` do it all, without a copy a line. A large message is
looked at block by block, so that on a thread of its own it keeps no other thread waiting for long.
"""

import re
from enum import Enum
from typing import Self

import msgspec

from sesame.mail.header import lines_fit
from sesame.mail.seven_bit import header_is_seven_bit
from sesame.smtp.errors import MessageDefect

TEXT_LINE_BYTES = 998
"""Longest line of text, without its CRLF (RFC 5321 section 4.5.3.1.6)."""

BLOCK_BYTES = 128 * 1024
"""So much of a large message is worked on at once; less than a millisecond."""

_END = b"\r\n.\r\n"
_bare_cr = re.compile(rb"\r(?!\n)").search


class Defect(Enum):
    """Why a message was not taken."""

    STRAY_BYTE = "a bare CR, a bare LF or a NUL"
    LONG_LINE = "a line of more than 998 octets"
    TOO_BIG = "more octets than the size limit"


def defect_of(content: bytes) -> Defect | None:
    """What keeps `content`, which ends with CRLF or is empty, from being lines of mail text."""
    # As many CR as LF, and an LF behind each CR: they are all pairs.
    if content.count(b"\n") != content.count(b"\r") or _bare_cr(content) or b"\0" in content:
        return Defect.STRAY_BYTE
    if content and not content.endswith(b"\r\n"):
        return Defect.STRAY_BYTE
    return None if lines_fit(content) else Defect.LONG_LINE


def stuff(content: bytes) -> bytes:
    """`content` as it is written after 354: dots doubled, the final dot included.

    A missing CRLF at the end is added. Raises MessageDefect when it is not lines of text.
    """
    pieces, at = [], 0
    while at < len(content):
        block = content[at : at + BLOCK_BYTES]
        if at + BLOCK_BYTES < len(content):
            # Behind the last CRLF, so that lines stay whole; without one the block has a defect of its own.
            block = block[: block.rfind(b"\r\n") + 2] if b"\r\n" in block else block
        elif not block.endswith(b"\r\n"):
            block += b"\r\n"
        at += len(block)
        if defect := defect_of(block):
            raise MessageDefect(f"message has {defect.value}", status="5.6.0")
        if block.startswith(b"."):
            pieces.append(b".")
        pieces.append(block.replace(b"\r\n.", b"\r\n.."))
    pieces.append(b".\r\n")
    return b"".join(pieces)


class MailText(msgspec.Struct, frozen=True):
    """A message ready to be written after 354, and what the commands before it must say of it.

    Making it takes a while for a large message, and may be done on another thread.
    """

    size_bytes: int
    is_ascii: bool
    is_header_ascii: bool
    wire: bytes

    @classmethod
    def of(cls, content: bytes) -> Self:
        """Raises MessageDefect as `stuff` does."""
        is_ascii = content.isascii()
        return cls(len(content), is_ascii, is_ascii or header_is_seven_bit(content), stuff(content))


class DataReader:
    """Collects one message from behind DATA until its end.

    A message with a defect is read to its end without being kept, except one with a stray byte:
    where that one ends is what its two readers would not agree on, so reading stops.
    """

    def __init__(self, *, size_bytes: int) -> None:
        self._size_bytes = size_bytes
        self._left_bytes = size_bytes
        self._chunks: list[bytes] = []
        # Always begins with the CRLF that closed the line before; here that of the DATA command.
        self._pending = b"\r\n"
        self.defect: Defect | None = None

    @property
    def content(self) -> bytes:
        """The lines taken so far, dots undoubled."""
        return b"".join(self._chunks)

    @property
    def held_bytes(self) -> int:
        """How much of the message is kept; nothing once it has a defect."""
        return 0 if self.defect is not None else self._size_bytes - self._left_bytes

    def receive_data(self, data: bytes) -> bytes | None:
        """Take `data`; None while the message goes on, else the bytes that follow its end.

        With the defect STRAY_BYTE a message has no end: stop feeding.
        """
        pending = self._pending + data
        end = pending.find(_END)
        last = end if end >= 0 else pending.rfind(b"\r\n")
        if self.defect is None:
            self._take(pending[: last + 2].replace(b"\r\n.", b"\r\n")[2:])
        if self.defect is Defect.STRAY_BYTE:
            return None
        if end >= 0:
            return pending[end + len(_END) :]
        if self.defect is None:
            self._pending = pending[last:]
            self._check_unfinished_line()
        if self.defect is not None:
            self._pending = pending[-(len(_END) - 1) :]
        return None

    def _take(self, lines: bytes) -> None:
        self._left_bytes -= len(lines)
        if defect := defect_of(lines):
            self._fail(defect)
        elif self._left_bytes < 0:
            self._fail(Defect.TOO_BIG)
        else:
            self._chunks.append(lines)

    def _check_unfinished_line(self) -> None:
        """See a stray byte or an endless line as soon as it is there: its CRLF may never come."""
        line = self._pending[2:]
        if b"\n" in line or b"\0" in line or b"\r" in line[:-1]:
            self._fail(Defect.STRAY_BYTE)
        elif len(line) > TEXT_LINE_BYTES + len(".\r"):
            self._fail(Defect.LONG_LINE)

    def _fail(self, defect: Defect) -> None:
        self.defect = defect
        self._chunks.clear()
