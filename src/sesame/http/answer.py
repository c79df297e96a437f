"""The bytes of an answer (RFC 9110, RFC 9112 section 4)."""

from collections.abc import Iterable
from email.utils import formatdate
from http import HTTPStatus

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}


def http_date(at: float) -> bytes:
    """A time in Unix seconds as the `Date` field has it (RFC 9110 section 5.6.7)."""
    return formatdate(at, usegmt=True).encode()


def answer_bytes(
    status: int, fields: Iterable[tuple[bytes, bytes]], body: bytes, *, date: bytes, connection: bytes
) -> bytes:
    """The whole answer, the body left out where it is empty. `connection` is `close`, `keep-alive` or empty."""
    parts = [_LINES[status], b"date: ", date, b"\r\n"]
    for name, value in fields:
        parts += (name, b": ", value, b"\r\n")
    if connection:
        parts += (b"connection: ", connection, b"\r\n")
    parts += (b"\r\n", body)
    return b"".join(parts)
