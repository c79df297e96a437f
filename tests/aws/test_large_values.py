"""Large values are read block by block, and mean what they mean in one piece."""

import base64
import binascii
import random
import re
from urllib.parse import quote

import pytest

from sesame.aws import percent, query, scalars
from sesame.aws.errors import MalformedQueryString, MissingAction
from sesame.aws.request import HttpRequest


def _blob(text: str) -> bytes | None:
    try:
        return scalars.read_blob(text)
    except ValueError:
        return None


def _unescaped(text: str) -> str:
    try:
        return percent.unescape(text)
    except MalformedQueryString as error:
        return error.message


@pytest.mark.parametrize("block", [7, 8, 9, 16])
def test_base64_in_blocks_is_read_as_in_one(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = random.Random(block)
    for _ in range(2_000):
        text = base64.b64encode(draw.randbytes(draw.randrange(40))).decode()
        for _ in range(draw.randrange(3)):
            at = draw.randrange(len(text) + 1)
            text = text[:at] + draw.choice(["\n", "\r\n", " ", "=", "A", "*", "=="]) + text[at:]
        monkeypatch.setattr(scalars, "_BLOCK", 1_000_000)
        in_one = _blob(text)
        monkeypatch.setattr(scalars, "_BLOCK", block)
        assert _blob(text) == in_one, text


def test_base64_is_read_as_the_strict_reader_of_python_does() -> None:
    """But for white space, which is passed over."""
    draw = random.Random(64)
    taken = 0
    for _ in range(20_000):
        text = base64.b64encode(draw.randbytes(draw.randrange(12))).decode()
        for _ in range(draw.randrange(3)):
            at = draw.randrange(len(text) + 1)
            text = text[:at] + draw.choice("\n\r\t ==AQgwZ09+/-_*\0é€") + text[at + draw.randrange(2) :]
        bare = text.translate(str.maketrans("", "", " \t\r\n"))
        try:
            want: bytes | None = binascii.a2b_base64(bare, strict_mode=True)
        except ValueError:
            want = None
        assert _blob(text) == want, text
        taken += want is not None
    assert 5_000 < taken < 19_000


@pytest.mark.parametrize("block", [4, 5, 8, 16])
def test_escapes_in_blocks_are_undone_as_in_one(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = random.Random(block)
    for _ in range(2_000):
        text = quote("".join(draw.choice("ab+/=é%€") for _ in range(draw.randrange(30))))
        for _ in range(draw.randrange(2)):
            at = draw.randrange(len(text) + 1)
            text = text[:at] + draw.choice(["%", "%00", "%zz", "%4", "é"]) + text[at:]
        monkeypatch.setattr(percent, "_BLOCK", 1_000_000)
        in_one = _unescaped(text)
        monkeypatch.setattr(percent, "_BLOCK", block)
        assert _unescaped(text) == in_one, text


def _by_the_letter(text: str) -> str | None:
    """One escape after the other, as RFC 3986 has it; None for what is refused."""
    octets, at = bytearray(), 0
    while at < len(text):
        if text[at] != "%":
            octets += text[at].encode()
            at += 1
            continue
        digits = text[at + 1 : at + 3]
        if not re.fullmatch("[0-9A-Fa-f]{2}", digits, re.ASCII) or digits == "00":
            return None
        octets.append(int(digits, 16))
        at += 3
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return None


def test_escapes_are_undone_once_whatever_stands_beside_them() -> None:
    draw = random.Random(1)
    pieces = [
        "%20",
        "%0D%0A",
        "%0d%0a",
        "%0D",
        "%0A",
        "%25",
        "%",
        "%2",
        "%0",
        "20",
        "0A",
        " ",
        "\r\n",
        "a",
        "%C3%A9",
    ]
    taken = 0
    for _ in range(20_000):
        text = "".join(draw.choice(pieces) for _ in range(draw.randrange(7)))
        want = _by_the_letter(text)
        try:
            found: str | None = percent.unescape(text)
        except MalformedQueryString:
            found = None
        assert found == want, text
        taken += want is not None
    assert 5_000 < taken < 19_000


def _form(body: bytes | bytearray) -> query.Form | None:
    """The form, or None for one that is refused: of several faults either may be named."""
    request = HttpRequest("POST", b"/", b"", [], body)
    try:
        return query.read_action(request)
    except (MalformedQueryString, MissingAction):
        return None


@pytest.mark.parametrize("block", [4, 5, 8, 16])
def test_a_form_in_blocks_is_read_as_in_one(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = random.Random(block)
    read = 0
    for _ in range(3_000):
        body = b"Action=A"
        for _ in range(draw.randrange(4)):
            name, value = ("".join(draw.choices("ab+=é%€&", k=draw.randrange(14))) for _ in range(2))
            body += f"&{quote(name, safe='+')}={quote(value, safe='+&=é')}".encode()
        for _ in range(draw.randrange(2)):
            at = draw.randrange(len(body) + 1)
            body = (
                body[:at]
                + draw.choice([b"%", b"%00", b"%C3", b"\0", b"\xc3", b"&", b"&&", b"=", b"+"])
                + body[at:]
            )
        monkeypatch.setattr(query, "_LARGE_BYTES", 1_000_000)
        monkeypatch.setattr(percent, "_BLOCK", 1_000_000)
        in_one = _form(body)
        monkeypatch.setattr(query, "_LARGE_BYTES", 0)
        monkeypatch.setattr(percent, "_BLOCK", block)
        assert _form(bytearray(body)) == in_one, body
        read += isinstance(in_one, query.Form)
    assert 1_000 < read < 3_000


def test_a_large_form_of_too_many_parameters_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query, "_LARGE_BYTES", 0)
    assert _form(b"Action=A" + b"&" * 9_999) == query.Form(action="A", version=None, fields={})
    assert _form(b"Action=A" + b"&" * 10_000) is None
