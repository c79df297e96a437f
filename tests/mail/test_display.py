"""Received text for people: whatever came can be shown, and encoded."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sesame.cli.reading import from_and_subject, read
from sesame.console.mail_view import headline, html_page, look_at, part_at
from sesame.mail.display import content_of, decoded, name_of, parse, text_of, type_of

WORDS = st.lists(
    st.one_of(
        st.builds(
            "=?{}?{}?{}?=".format,
            st.sampled_from(["utf-8", "utf-7", "utf-16", "utf-16-le", "utf-32", "hex", "rot13", "x", "idna", "punycode",
                             "unicode_escape", "raw_unicode_escape", "undefined", "unknown-8bit", ""]),
            st.sampled_from("QqBbx"),
            st.sampled_from(["+2AA-", "a", "YQ", "YQ==", "2AA=", "=D8=00", "=00=D8", "zz", "\\ud800", "=?", "=FF"]),
        ),
        st.text(st.characters(max_codepoint=0x2FF), max_size=5),
        st.sampled_from(["\ud800", "\udce9", "\x00", "\r\n ", "\r", "\n\t"]),
    ),
    max_size=5,
).map(" ".join)  # fmt: skip


@given(WORDS)
@example("=?utf-8?b?a?=")
@example("=?utf-7?Q?+2AA-?=")
def test_any_field_is_decoded_to_one_line_that_can_be_encoded(value: str) -> None:
    assert decoded(value).encode() is not None


def test_fields_are_decoded() -> None:
    assert decoded("=?utf-8?q?Caf=C3=A9?=\r\n =?utf-8?b?4oKs?= x") == "Café€ x"
    assert (decoded("=?utf-7?Q?+2AA-?="), decoded("\udce9")) == ("\ufffd", "\ufffd")
    assert decoded("=?utf-8?b?a?=") == "=?utf-8?b?a?="


OCTETS = st.lists(
    st.sampled_from(
        b"Content-Type: |text/plain|text/html|multipart/mixed|message/rfc822|message/delivery-status|multipart/digest"
        b"|; charset=|; charset*=|; charset*0*=|utf-7|''|utf-7''|\xff|\r\n|\r\n\r\n|+2AA-|%2B2AA-|; name=|; name*="
        b'|; name*0*=|; name*1=|"|hex|rot13|unicode_escape|\\ud800|Content-Transfer-Encoding: |base64|quoted-printable'
        b"|x-uuencode|=?utf-7?Q?+2AA-?=|Content-Disposition: attachment; filename=|=|\x00|begin 666 a\n|; boundary=b"
        b"|; boundary*=|; boundary*0=|--b|--b--|From |:| ".split(b"|")
    ),
    max_size=14,
).map(b"".join)


@given(OCTETS)
@example(b"Content-Type: ; name*=; name*0*=")
@example(b"Content-Type: multipart/mixed; boundary*=; boundary*0=\r\n\r\n--b\r\n")
@example(b"Content-Type: text/plain; charset=utf-7\r\n\r\n+2AA-")
@example(b"Content-Type: text/x; name*=utf-7''%2B2AA-\r\n\r\nx")
def test_any_part_is_read_to_what_can_be_encoded(data: bytes) -> None:
    for part in parse(data).walk():
        for text in (text_of(part), name_of(part), type_of(part)):
            text.encode()
        assert isinstance(content_of(part), bytes)
    view, reading = look_at(data), read(data)
    said = (
        *headline(data).subject, view.text, view.html, html_page(data), reading.text, *reading.other_parts,
        *(text for field in (*view.fields, *reading.fields) for text in field), *from_and_subject(data),
    )  # fmt: skip
    "".join(said).encode()
    for number in range(len(view.parts)):
        part_at(data, number)


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", '"utf-8"', "x", "hex", "rot13"])
def test_text_in_an_unknown_charset_is_read_as_utf_8(charset: str) -> None:
    part = parse(f"Content-Type: text/plain; charset={charset}\r\n\r\ncaf\u00e9".encode())
    assert text_of(part) == "café"
