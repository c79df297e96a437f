"""The lenient reader of messages: whatever is sent, there is an entity, within bounds."""

import pytest

from sesame.reports.addresses import find_addresses, first_address, without_addresses
from sesame.reports.entity import (
    DEPTH_LIMIT,
    FIELD_LIMIT,
    PART_LIMIT,
    VALUE_LIMIT,
    content_type,
    decode_words,
    read_entity,
    read_fields,
)


def test_fields_are_unfolded_and_junk_lines_skipped() -> None:
    fields = read_fields(
        b"From x\nA : one\n two\n\tthree\nno field\n lost\nB:\nbad name: x\n\xff\xfe: y\nC: z"
    )
    assert fields == (("a", "one two three"), ("b", ""), ("c", "z"))


def test_fields_and_their_length_are_bounded() -> None:
    assert len(read_fields(b"a: b\n" * (FIELD_LIMIT + 9))) == FIELD_LIMIT
    [(_, value)] = read_fields(b"a: b\n" + b" " + b"c" * 60_000 + b"\n" + b" d\n" * 9)
    assert len(value) == VALUE_LIMIT


@pytest.mark.parametrize(
    ("value", "want"),
    [
        ("Text/Plain; charset=utf-8", ("text/plain", {"charset": "utf-8"})),
        (
            'multipart/report; report-type="a b" ; Boundary="=_x;y"',
            ("multipart/report", {"report-type": "a b", "boundary": "=_x;y"}),
        ),
        ("multipart/mixed; boundary*0=ab", ("multipart/mixed", {"boundary": "ab"})),
        ("nonsense", ("text/plain", {})),
        ("", ("text/plain", {})),
    ],
)
def test_content_types_are_read(value: str, want: tuple[str, dict[str, str]]) -> None:
    assert content_type(value, "text/plain") == want


@pytest.mark.parametrize(
    ("header", "body", "text"),
    [
        ("Content-Transfer-Encoding: quoted-printable", "caf=C3=A9=\n!", "caf\u00e9!"),
        ("Content-Transfer-Encoding: BASE64", "Y2Fmw6k=\nx", "caf\u00e9"),
        ("Content-Type: text/plain; charset=iso-2022-jp", "\x1b$BFq\x1b(B", "\u96e3"),
        ("Content-Transfer-Encoding: base64", "Y2Fmw6kYx", "caf\u00e9\x18"),
        ("Content-Type: text/plain; charset=nonsense", "caf\u00e9", "caf\u00e9"),
        ("Content-Type: text/plain; charset=unicode_escape", "\\x41", "\\x41"),
        ("Content-Type: text/plain; charset=utf-7", "a", "a"),
    ],
)
def test_text_is_decoded(header: str, body: str, text: str) -> None:
    assert read_entity(f"{header}\n\n{body}".encode()).text.rstrip("\n") == text


def test_octets_of_no_charset_are_text_still() -> None:
    assert read_entity(b"A: b\n\n\xff\0\xfe").text == "\xff \xfe"


def test_parts_are_found_even_without_a_boundary_or_an_end() -> None:
    for boundary in ("; boundary=b", "", "; boundary=wrong"):
        message = read_entity(
            f"Content-Type: multipart/mixed{boundary}\n\nhi\n--b\n\none\n--b\nContent-Type: x/y\n\ntwo".encode()
        )
        assert [part.media_type for part in message.parts] == ["text/plain", "x/y"]
        assert [part.body.strip() for part in message.parts] == [b"one", b"two"]


def test_depth_and_number_of_parts_are_bounded() -> None:
    deep = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(99))
    assert len(list(read_entity(deep).walk(embedded=True))) <= DEPTH_LIMIT + 2
    wide = b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 999
    assert len(list(read_entity(wide).walk(embedded=True))) == PART_LIMIT + 1
    both = wide.replace(b"--b\n\nx\n", b"--b\n" + wide.replace(b"=b", b"=c").replace(b"--b", b"--c"), 2)
    assert len(list(read_entity(both).walk(embedded=True))) == PART_LIMIT + 1
    nested = b"Content-Type: message/rfc822\n\n" * 99
    assert len(list(read_entity(nested).walk(embedded=True))) <= DEPTH_LIMIT + 2


def test_embedded_messages_are_walked_only_when_asked() -> None:
    message = read_entity(b"Content-Type: message/rfc822\n\nContent-Type: a/b\n\nx")
    assert [e.media_type for e in message.walk()] == ["message/rfc822"]
    assert [e.media_type for e in message.walk(embedded=True)] == ["message/rfc822", "a/b"]


def test_words_that_do_not_decode_stay() -> None:
    assert decode_words("=?utf-8?b?w6k=?=") == "\u00e9"
    assert decode_words("=?x-none?b?w6k=?=") == "=?x-none?b?w6k=?="


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("<ann@example.org>:", ["ann@example.org"]),
        ("To: Ann <ann+x@example.org>, b@c.example.", ["ann+x@example.org", "b@c.example"]),
        ("'ann@example.org' is not", ["ann@example.org"]),
        ("\u00e5sa@b\u00fccher.example \u5b9b", ["\u00e5sa@b\u00fccher.example"]),
        ("@ a@ @b a@@b", ["@b"][:0]),
        ("a@b@c", ["a@b"]),
        ("id 12@192.168", []),
        ("x" * 200 + "@example.org", ["x" * 64 + "@example.org"]),
    ],
)
def test_addresses_are_found(text: str, found: list[str]) -> None:
    assert [address for _, _, address in find_addresses(text)] == found


def test_an_address_in_brackets_is_preferred_and_addresses_can_be_taken_out() -> None:
    assert first_address('"x@y.example" <ann@example.org>') == "ann@example.org"
    assert first_address("nobody") == ""
    assert without_addresses("see https://a.example/full?x <ann@example.org>!") == "see  a.example  <@>!"


def test_a_byte_order_mark_is_no_part_of_the_first_field() -> None:
    assert read_entity(b"\xef\xbb\xbfA: b\n\nc").get("a") == "b"
