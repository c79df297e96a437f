"""Messages of many shapes, each with a token of its own: what mail programs write, and what servers stumble over."""

import base64
import random
from collections.abc import Iterator
from dataclasses import dataclass

from bench.server import DOMAIN

TOKEN_FIELD = b"X-Shape-Token"


@dataclass(frozen=True, slots=True)
class Shape:
    """A message with CRLF lines, and the token that finds it again."""

    token: str
    message: bytes

    @property
    def body(self) -> bytes:
        """Behind the header block."""
        return self.message.partition(b"\r\n\r\n")[2]


def shapes(count: int, *, seed: str, to: str) -> Iterator[Shape]:
    """That many messages to an address, the same for a seed."""
    rng = random.Random(seed)
    for n in range(count):
        token = f"{seed}-{n}"
        kind, body = rng.choice(BODIES)(rng) if n >= len(BODIES) else BODIES[n](rng)
        head = [
            b"From: News <news@%b>" % DOMAIN.encode(),
            b"To: <%b>" % to.encode(),
            b"%b: %b" % (TOKEN_FIELD, token.encode()),
            *kind,
            *rng.choice(HEADS)(rng),
        ]
        yield Shape(token, b"\r\n".join(head) + b"\r\n\r\n" + body)


Part = tuple[list[bytes], bytes]


def _text(encoding: bytes, charset: bytes = b"us-ascii") -> list[bytes]:
    return [
        b"MIME-Version: 1.0",
        b"Content-Type: text/plain; charset=" + charset,
        b"Content-Transfer-Encoding: " + encoding,
    ]


def _lines(rng: random.Random, count: int) -> bytes:
    words = [b"the", b"quick", b"brown", b"fox", b".", b"..", b"-- ", b"From", b">From", b"=", b"=20", b"\t"]
    return b"".join(b" ".join(rng.choices(words, k=rng.randrange(9))) + b"\r\n" for _ in range(count))


def _plain(rng: random.Random) -> Part:
    return _text(b"7bit"), _lines(rng, rng.randrange(1, 60))


def _empty(rng: random.Random) -> Part:
    return [], b""


def _blank_lines(rng: random.Random) -> Part:
    return _text(b"7bit"), b"\r\n" * rng.randrange(1, 9)


def _blanks_behind(rng: random.Random) -> Part:
    return _text(b"7bit"), b"a  \r\nb\t\r\n \r\n\t\t\r\nc\r\n" + b"\r\n" * rng.randrange(5)


def _dots(rng: random.Random) -> Part:
    return _text(b"7bit"), b".\r\n..\r\n...\r\n.a\r\n\r\n.\r\n" + b".\r\n" * rng.randrange(1, 20)


def _mbox(rng: random.Random) -> Part:
    return _text(b"7bit"), b"From ann@example.com Mon Jan 1 00:00:00 2026\r\n>From me\r\n\r\nFrom \r\n"


def _long_lines(rng: random.Random) -> Part:
    return _text(b"7bit"), b"".join(
        bytes([97 + n]) * rng.choice([77, 78, 79, 997, 998]) + b"\r\n" for n in range(9)
    )


def _utf8(rng: random.Random) -> Part:
    text = "Grüße, zdravím, 你好 — … €\r\n".encode() * rng.randrange(1, 40)
    return _text(b"8bit", b"utf-8"), text


def _latin1(rng: random.Random) -> Part:
    return _text(b"8bit", b"iso-8859-1"), bytes(
        rng.randrange(0xA0, 0x100) for _ in range(70)
    ) + b"\r\nq\xe9\r\n"


def _controls(rng: random.Random) -> Part:
    return _text(b"7bit"), b"bell\x07 escape\x1b[1m form\x0c feed\r\nvt\x0b back\x08\x7f\r\n"


def _quoted_printable(rng: random.Random) -> Part:
    return _text(b"quoted-printable", b"utf-8"), b"a=\r\nb =3D =\r\n=2E\r\n=2E=2E\r\nGr=C3=BC=C3=9Fe=20\r\n"


def _no_last_newline(rng: random.Random) -> Part:
    return _text(b"7bit"), b"one\r\ntwo\r\n"


def _many_lines(rng: random.Random) -> Part:
    return _text(b"7bit"), b"".join(b"%d\r\n" % n for n in range(rng.randrange(500, 4_000)))


def _attachment(rng: random.Random, size: int = 3_000) -> Part:
    data = base64.encodebytes(rng.randbytes(rng.randrange(1, size))).replace(b"\n", b"\r\n")
    body = (
        b"preamble\r\n--b=_1\r\nContent-Type: text/plain\r\n\r\nHello.\r\n\r\n--b=_1\r\n"
        b'Content-Type: application/octet-stream; name="a b.bin"\r\nContent-Transfer-Encoding: base64\r\n'
        b'Content-Disposition: attachment;\r\n filename="a b.bin"\r\n\r\n'
        + data
        + b"--b=_1--\r\nepilogue\r\n"
    )
    return [b"Mime-Version: 1.0", b'Content-Type: multipart/mixed;\r\n\tboundary="b=_1"'], body


def _large(rng: random.Random) -> Part:
    return _attachment(rng, 300_000)


def _alternative(rng: random.Random) -> Part:
    body = (
        b"--x\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        + "Žluťoučký kůň\r\n".encode()
        + b"--x\r\nContent-Type: multipart/related; boundary=y\r\n\r\n--y\r\nContent-Type: text/html\r\n\r\n"
        b"<p style='color:red'>.</p>\r\n--y--\r\n--x--\r\n"
    )
    return [b"MIME-Version: 1.0", b"Content-Type: multipart/alternative; boundary=x"], body


def _forwarded(rng: random.Random) -> Part:
    inner = b"Received: from a by b\r\nFrom: x@example.net\r\nSubject: inner\r\n\r\n.\r\nFrom inner\r\n"
    body = b"--z\r\nContent-Type: message/rfc822\r\n\r\n" + inner + b"--z--\r\n"
    return [b"MIME-Version: 1.0", b"Content-Type: multipart/mixed; boundary=z"], body


BODIES = (
    _plain, _empty, _blank_lines, _blanks_behind, _dots, _mbox, _long_lines, _utf8, _latin1, _controls,
    _quoted_printable, _no_last_newline, _many_lines, _attachment, _large, _alternative, _forwarded,
)  # fmt: skip


def _subject(rng: random.Random) -> list[bytes]:
    return [b"Subject: Message %d" % rng.randrange(10**6)]


def _folded(rng: random.Random) -> list[bytes]:
    return [b"Subject: a\r\n\tfolded\r\n  subject \r\n with blanks behind  ", b"X-Folded:\r\n at once"]


def _words(rng: random.Random) -> list[bytes]:
    return [b"Subject: =?utf-8?b?R3LDvMOfZQ==?=\r\n =?iso-8859-1?q?_caf=E9?=", b"Comments: (a (b) c)"]


def _unsubscribe(rng: random.Random) -> list[bytes]:
    return [
        b"Subject: list",
        b"List-Unsubscribe: <mailto:u@example.com?subject=u>,\r\n <https://example.com/u?a=1&b=2>",
        b"List-Unsubscribe-Post: List-Unsubscribe=One-Click",
        b"List-ID: News <news.example.com>",
    ]


def _odd_case(rng: random.Random) -> list[bytes]:
    return [b"SUBJECT: odd", b"x-aBc: 1", b"X-ABC:2", b"X-Empty:", b"X-Blank:  "]


def _references(rng: random.Random) -> list[bytes]:
    ids = b"\r\n ".join(b"<%d.%d@example.com>" % (n, rng.randrange(10**9)) for n in range(30))
    return [b"Subject: Re: thread", b"In-Reply-To: <1@example.com>", b"References: " + ids]


def _many_fields(rng: random.Random) -> list[bytes]:
    return [b"Subject: many", *(b"X-Field-%d: %b" % (n, b"v" * rng.randrange(1, 60)) for n in range(60))]


def _long_field(rng: random.Random) -> list[bytes]:
    return [
        b"Subject: " + b"word " * 180,
        b"Date: Fri, 20 Nov 2026 12:13:52 +0000",
        b"Reply-To: r@example.com",
    ]


HEADS = (_subject, _folded, _words, _unsubscribe, _odd_case, _references, _many_fields, _long_field)
