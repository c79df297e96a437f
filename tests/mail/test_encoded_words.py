"""Encoded-words: what is written is read back, by us and by the standard library."""

from email.header import decode_header, make_header

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sesame.mail.encoded_words import WordError, codec, decode, encode

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=120)


@given(TEXT)
def test_encoded_text_is_read_back(text: str) -> None:
    words = encode(text)
    assert all(len(word) <= 75 for word in words)
    assert decode(" ".join(words)) == text or "=?" in text
    assert str(make_header(decode_header(" ".join(words)))) == text


@given(
    st.text("あいうえお漢字abc ", min_size=1, max_size=80),
    st.sampled_from(["ISO-2022-JP", "Shift_JIS", "EUC-JP"]),
)
def test_each_word_of_a_japanese_charset_is_complete(text: str, charset: str) -> None:
    words = encode(text, charset)
    assert all(len(word) <= 75 for word in words)
    assert "".join(decode(word) for word in words) == text


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("plain", "plain"),
        ("=?utf-8?q?a_b=3F?=", "a b?"),
        ("=?utf-8?B?YQ?=", "a"),
        ("=?utf-8*en?B?YQ==?=", "a"),
        ("x =?utf-8?B?YQ==?= y", "x a y"),
        ("=?utf-8?B?YQ==?= =?iso-8859-1?Q?=E9?=", "aé"),
        ("=?utf-8?B?YQ==?=  \t =?utf-8?B?Yg==?= c", "ab c"),
        ("=?iso-8859-1?Q??=", ""),
        ("1 =? 2", "1 =? 2"),
    ],
)
def test_encoded_words_are_decoded(written: str, text: str) -> None:
    assert decode(written) == text


@pytest.mark.parametrize(
    "written",
    [
        "=?utf-8?B?!?=",
        "=?utf-8?B?YQ",
        "=?utf-8?Q?=FF?=",
        "=?rot13?Q?a?=",
        "=?hex?Q?61?=",
        "=?idna?Q?a?=",
        "=?x?Q?a?=",
    ],
)
def test_what_does_not_decode_is_refused(written: str) -> None:
    with pytest.raises(WordError):
        decode(written)


def test_a_charset_must_have_every_character() -> None:
    with pytest.raises(WordError, match="cannot be written in charset 'iso-8859-1'"):
        encode("€", "iso-8859-1")


@pytest.mark.parametrize(
    "charset", ["", "utf-8\r\n", "a b", "no-such", "unicode_escape", "zlib", "é", "utf-8;x"]
)
def test_what_is_no_mail_charset_is_refused(charset: str) -> None:
    with pytest.raises(WordError):
        codec(charset)


@pytest.mark.parametrize(
    "charset",
    ["UTF-8", "us-ascii", "iso-8859-15", "windows-1252", "Shift_JIS", "GB18030", "koi8-r", "macintosh"],
)
def test_the_charsets_of_mail_are_known(charset: str) -> None:
    assert codec(charset)
