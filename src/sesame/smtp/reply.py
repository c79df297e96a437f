"""SMTP replies: the value, the writer that a server uses, the reader that a client uses.

Knows nothing of commands. The reader trusts nobody: lengths are bounded, a line that is not a
reply is an error, and what it lets through is printable ASCII. Sources: RFC 5321 sections 4.2 and
4.5.3.1.5, RFC 2034 and 3463 for the enhanced status.
"""

import re

import msgspec

from sesame.smtp.errors import SmtpError

LINE_BYTES = 2_048
"""Longest line read. RFC 5321 says 512, some large receivers write over 1,000."""
LINES = 100
"""Most lines read of one reply; real EHLO replies have fewer than 30."""
REPLY_BYTES = 32_768
"""Most bytes read of one reply, so that a hostile one cannot cost 100 long lines."""

_WRITTEN_TEXT_CHARS = 512 - len("250-\r\n")
_LINE = re.compile(rb"([2-5][0-5][0-9])(?:([ -])([^\r\n\0]*))?")
_STATUS = re.compile(r"([245]\.[0-9]{1,3}\.[0-9]{1,3})(?: |$)")


class ReplySyntaxError(SmtpError):
    """What the server wrote is not a reply, or is larger than a reply may be."""


class Reply(msgspec.Struct, frozen=True):
    """One reply; the lines of `text` are separated by a line feed and carry no code."""

    code: int
    text: str

    @property
    def lines(self) -> list[str]:
        """The text, line by line."""
        return self.text.split("\n")

    @property
    def is_positive(self) -> bool:
        """The command was done (2yz)."""
        return 200 <= self.code < 300

    @property
    def is_permanent(self) -> bool:
        """The command should not be repeated as it is (5yz)."""
        return self.code >= 500

    @property
    def status(self) -> str | None:
        """The enhanced status at the head of the text, such as `5.1.1`, when it agrees with the code."""
        match = _STATUS.match(self.text)
        return match[1] if match and match[1][0] == str(self.code)[0] else None

    @property
    def diagnostic(self) -> str:
        """The whole reply as one line of printable ASCII."""
        return f"{self.code} {printable(self.text)}".rstrip()

    def to_bytes(self) -> bytes:
        """The reply as it goes on the wire: printable ASCII, no line over 512 octets."""
        text = self.text
        if len(text) <= _WRITTEN_TEXT_CHARS and text.isascii() and text.isprintable():
            return f"{self.code} {text}\r\n".encode("ascii")
        *firsts, last = [part for line in self.lines for part in _fold(printable(line))]
        written = [f"{self.code}-{line}\r\n" for line in firsts]
        return "".join([*written, f"{self.code} {last}\r\n"]).encode("ascii")


def printable(text: str) -> str:
    """`text` as one line of printable ASCII: line feeds and tabs become spaces, all else `?`."""
    if text.isascii() and text.isprintable():
        return text
    spaced = text.replace("\n", " ").replace("\t", " ")
    return "".join(char if " " <= char <= "~" else "?" for char in spaced)


def _fold(line: str) -> list[str]:
    """Cut `line` into parts that fit a reply line, at a space where there is one."""
    parts: list[str] = []
    while len(line) > _WRITTEN_TEXT_CHARS:
        cut = line.rfind(" ", 1, _WRITTEN_TEXT_CHARS + 1)
        cut = cut if cut > 0 else _WRITTEN_TEXT_CHARS
        parts.append(line[:cut])
        line = line[cut:].removeprefix(" ")
    return [*parts, line]


class ReplyReader:
    """Turns bytes from a server into replies (RFC 5321 section 4.2)."""

    def __init__(self) -> None:
        self._buffer = b""
        self._at = 0
        self._code = 0
        self._lines: list[str] = []
        self._bytes = 0

    @property
    def is_empty(self) -> bool:
        """No byte waits to be read, and no reply is half read."""
        return self._at == len(self._buffer) and not self._lines

    def receive_data(self, data: bytes) -> None:
        """Take what came from the server; `next_reply` reads it."""
        self._buffer = self._buffer[self._at :] + data
        self._at = 0

    def next_reply(self) -> Reply | None:
        """The next whole reply, or None when more bytes are needed.

        Raises ReplySyntaxError; then nothing more can be read.
        """
        while (end := self._buffer.find(b"\r\n", self._at)) >= 0:
            line = self._buffer[self._at : end]
            self._at = end + 2
            if self._take_line(line):
                reply = Reply(self._code, "\n".join(self._lines))
                self._lines = []
                self._bytes = 0
                return reply
        self._check_unfinished_line()
        return None

    def _take_line(self, line: bytes) -> bool:
        """Add one line to the reply; True when it is the last one."""
        self._bytes += len(line)
        if len(line) > LINE_BYTES or self._bytes > REPLY_BYTES or len(self._lines) == LINES:
            raise ReplySyntaxError("reply is too long")
        match = _LINE.fullmatch(line)
        if match is None:
            raise ReplySyntaxError(f"not a reply: `{printable(line[:60].decode('latin-1'))}`")
        code = int(match[1])
        if self._lines and code != self._code:
            raise ReplySyntaxError(f"reply code changed from {self._code} to {code} within a reply")
        self._code = code
        self._lines.append(printable((match[3] or b"").decode("latin-1")))
        return match[2] != b"-"

    def _check_unfinished_line(self) -> None:
        length = len(self._buffer) - self._at
        if length > LINE_BYTES + 1:
            raise ReplySyntaxError("reply line is too long")
        if (
            self._buffer.find(b"\n", self._at) >= 0
            or 0 <= self._buffer.find(b"\r", self._at) < len(self._buffer) - 1
        ):
            raise ReplySyntaxError("reply line has a bare CR or LF")
        if self._buffer.find(b"\0", self._at) >= 0:
            raise ReplySyntaxError("reply line has a NUL")
