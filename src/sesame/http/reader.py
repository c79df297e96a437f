"""Cuts the bytes of one connection into requests, one after the other (RFC 9112).

It holds what has come of the next request and does no I/O; how long to wait and how much to hold is its user's.
A request is given out once it is whole; what follows it stays until the next one is asked for, so that garbage
behind a request does not spoil that request. `Upgrade` is ignored, as RFC 9110 section 7.8 allows: the request
is answered in HTTP/1.1.
"""

import re
from collections.abc import Sequence

import msgspec

from sesame.http.head import (
    MAX_HEAD_BYTES,
    BadRequest,
    Fields,
    Head,
    check_beginning,
    check_trailer,
    read_head,
)

_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,12})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?")
_EMPTY_LINES = re.compile(rb"(?:\r\n)*")
LONGEST_CHUNK_LINE = 1_024
LARGE_BYTES = 256 * 1024
PIECE_BYTES = 64 * 1024


class Request(msgspec.Struct, frozen=True):
    """A whole request; see `Head` for its members."""

    method: str
    raw_path: bytes
    query: bytes
    fields: Fields
    body: bytes | bytearray
    """Empty while a large one is still in `pieces`."""
    keeps_alive: bool
    is_http_1_0: bool
    pieces: Sequence[bytes] = ()
    """A large body as it came: to put it together takes as long as many small requests."""


class BodyTooLarge(Exception):
    """The body is, or is announced as, more than the reader takes. Nothing after it can be read."""

    def __init__(self, head: Head) -> None:
        super().__init__(head.raw_path)
        self.head = head


class RequestReader:
    """Reads requests; one that was refused by an exception is the last of its connection."""

    def __init__(self, *, max_body_bytes: int) -> None:
        self._max_body_bytes = max_body_bytes
        self._buffer = b""
        self._at = 0
        """Where in the buffer the next request begins; what is before is let go of when more comes."""
        self._looked_at = 0
        self._head: Head | None = None
        self._pieces: list[bytes] = []
        self._piece = bytearray()
        self._body_bytes = 0
        self._chunk_left: int | None = None
        """Bytes that are missing of the chunk and its CRLF; None between chunks, 0 in the trailer section."""
        self._owes_continue = False

    @property
    def held_bytes(self) -> int:
        """How much has come of a body that is not whole."""
        return self._body_bytes

    @property
    def waiting_bytes(self) -> int:
        """How much has come that was not looked at."""
        return len(self._buffer) - self._at

    @property
    def is_between_requests(self) -> bool:
        """Whether nothing has come of a next request."""
        return self._head is None and len(self._buffer) == self._at

    @property
    def head(self) -> Head | None:
        """The head of the request whose body is coming."""
        return self._head

    def owes_continue(self) -> bool:
        """Whether the client waits for a 100 before it sends its body; asked once a request."""
        owes, self._owes_continue = self._owes_continue, False
        return owes

    def feed(self, data: bytes) -> None:
        """Take what has come."""
        head = self._head
        if head is None or head.body_bytes is None:
            rest = self._rest()
            self._buffer = rest + data if rest else data
            return
        missing = head.body_bytes - self._body_bytes
        if len(data) > missing:
            self._buffer += data[missing:]
            data = data[:missing]
        self._keep(data)

    def next(self) -> Request | None:
        """The next request, or None while it is not whole. Raises `BadRequest`, `BodyTooLarge`."""
        head = self._head
        if head is None:
            head = self._read_head()
            if head is None:
                return None
            length = head.body_bytes
            end = None if length is None else self._at + length
            if end is not None and len(self._buffer) >= end:  # the usual case: all has come together
                body, self._at = self._buffer[self._at : end], end
                if end == len(self._buffer):
                    self._rest()
                return _request(head, body)
            self._head = head
            rest = self._rest()
            self._owes_continue = head.expects_continue and not rest
            if length is None:
                self._buffer = rest
            else:
                self._keep(rest)
        if head.body_bytes is None:
            return self._finish(head) if self._read_chunks(head) else None
        return self._finish(head) if self._body_bytes == head.body_bytes else None

    def _read_head(self) -> Head | None:
        buffer, at = self._buffer, self._at
        if buffer.startswith(b"\r", at):  # empty lines in front are let pass: RFC 9112 section 2.2
            at = self._at = _EMPTY_LINES.match(buffer, at).end()  # type: ignore[union-attr]
            if buffer[at : at + 2] in (b"", b"\r"):
                return None
        end = buffer.find(b"\r\n\r\n", at + max(0, self._looked_at - 3))
        if end < 0:
            beginning = self._buffer = self._rest()
            if beginning:
                check_beginning(beginning, self._looked_at)
            self._looked_at = len(beginning)
            return None
        if end - at > MAX_HEAD_BYTES:
            raise BadRequest("The request line and header fields are too long")
        self._looked_at = 0
        head = read_head(buffer[at:end])
        self._at = end + 4
        if head.body_bytes is not None and head.body_bytes > self._max_body_bytes:
            raise BodyTooLarge(head)
        return head

    def _rest(self) -> bytes:
        """What of the buffer was not taken; it is taken by this."""
        rest, self._buffer, self._at = self._buffer[self._at :], b"", 0
        return rest

    def _read_chunks(self, head: Head) -> bool:
        """Move what has come of the chunks to the body; whether the last one and the trailers have come."""
        buffer, at = self._buffer, 0
        try:
            while self._chunk_left != 0:
                if self._chunk_left is None:
                    end = buffer.find(b"\r\n", at, at + LONGEST_CHUNK_LINE)
                    if end < 0:
                        if len(buffer) - at >= LONGEST_CHUNK_LINE or b"\n" in buffer[at:]:
                            raise BadRequest("A chunk's size is malformed")
                        return False
                    size = self._chunk_size(buffer[at:end], head)
                    at = end + 2
                    self._chunk_left = size + 2 if size else 0
                else:
                    taken = buffer[at : at + self._chunk_left]
                    if not taken:
                        return False
                    at += len(taken)
                    self._take_of_chunk(taken)
        finally:
            self._buffer = buffer[at:]
        return self._read_trailers()

    def _chunk_size(self, line: bytes, head: Head) -> int:
        match = _CHUNK_SIZE.fullmatch(line)
        if match is None:
            raise BadRequest("A chunk's size is malformed")
        size = int(match[1], 16)
        if self._body_bytes + size > self._max_body_bytes:
            raise BodyTooLarge(head)
        return size

    def _take_of_chunk(self, taken: bytes) -> None:
        """Take a piece of a chunk, whose last two bytes must be the CRLF behind it."""
        assert self._chunk_left is not None
        left = self._chunk_left - len(taken)
        ending = taken[max(0, len(taken) - (2 - left)) :] if left < 2 else b""
        expected = b"\r\n"[max(0, 2 - left - len(ending)) : max(0, 2 - left)]
        if ending != expected:
            raise BadRequest("A chunk does not end where its size says")
        self._keep(taken[: len(taken) - len(ending)] if ending else taken)
        self._chunk_left = left or None

    def _read_trailers(self) -> bool:
        buffer = self._buffer
        if buffer.startswith(b"\r\n"):
            self._buffer = buffer[2:]
            return True
        end = buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(buffer) > MAX_HEAD_BYTES:
                raise BadRequest("The trailer section is too long")
            return False
        check_trailer(buffer[:end])
        self._buffer = buffer[end + 4 :]
        return True

    def _keep(self, data: bytes) -> None:
        """Add to the body; small pieces are put together, for each has a price in memory."""
        self._body_bytes += len(data)
        if not self._piece and len(data) >= PIECE_BYTES:
            self._pieces.append(data)
            return
        self._piece += data
        if len(self._piece) >= PIECE_BYTES:
            self._pieces.append(bytes(self._piece))
            self._piece = bytearray()

    def _finish(self, head: Head) -> Request:
        is_large = self._body_bytes > LARGE_BYTES
        pieces = [*self._pieces, bytes(self._piece)]
        self._pieces, self._piece, self._body_bytes = [], bytearray(), 0
        self._head, self._chunk_left, self._owes_continue = None, None, False
        return _request(head, b"", pieces) if is_large else _request(head, b"".join(pieces))


def _request(head: Head, body: bytes, pieces: Sequence[bytes] = ()) -> Request:
    return Request(
        head.method, head.raw_path, head.query, head.fields, body, head.keeps_alive, head.is_http_1_0, pieces
    )
