"""Large values are read block by block, and mean what they mean in one piece."""

import base64
import random
from urllib.parse import quote

import pytest

from sesame.aws import percent, scalars
from sesame.aws.errors import MalformedQueryString


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
