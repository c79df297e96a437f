"""The header scanner: every octet belongs to one field, and other readers find the same fields."""

import email
import email.policy

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sesame.mail import encoded_words, header
from sesame.mail.header import FIELD_LIMIT, HEADER_LIMIT, MessageError, canonical_newlines, scan


def test_fields_keep_their_octets_and_unfold() -> None:
    block = b"From: a@b\r\nSUBJECT:\ta\r\n b\r\n\t c \r\nX:\r\n"
    fields, body_at = scan(block + b"\r\nbody\r\n")
    assert [field.name for field in fields] == [b"From", b"SUBJECT", b"X"]
    assert [field.key for field in fields] == [b"from", b"subject", b"x"]
    assert [field.value for field in fields] == [b"a@b", b"a b\t c", b""]
    assert b"".join(field.raw for field in fields) == block
    assert (block + b"\r\nbody\r\n")[body_at:] == b"body\r\n"


def test_a_message_may_have_no_body_or_no_header() -> None:
    assert scan(b"A: b\r\n")[1] == 6
    assert scan(b"A: b\r\n\r\n")[1] == 8
    assert scan(b"\r\nbody\r\n") == ((), 2)


@pytest.mark.parametrize(
    ("block", "message"),
    [
        (b" From: a@b\r\nTo: c@d\r\n", "Illegal header 'From'."),
        (b"From : a@b\r\n", "Illegal header 'From'."),
        (b"From\t: a@b\r\n", "Illegal header 'From'."),
        (b"From\r\n : a@b\r\n", "Illegal header 'From'."),
        (b"From mbox Fri Nov 20 00:00:00 2026\r\nTo: a@b\r\n", "Illegal header 'From mbox Fri Nov 20 00'."),
        (b"To: a@b\r\njunk\r\nFrom: a@b\r\n", "Illegal header 'junk'."),
        (b"To: a@b\r\n: x\r\n", "Empty header names are illegal."),
        (b"Fr\xc3\xb6m: x\r\n", r"Illegal header 'Fr\\xc3\\xb6m'."),
        (b"\xef\xbb\xbfFrom: x\r\n", r"Illegal header '\\xef\\xbb\\xbfFrom'."),
        (b"Fr\x01m: x\r\n", "Illegal header 'Fr\x01m'."),
        (b"Subject: a\r\n \r\nFrom: x\r\n", "Illegal header ''."),
        (b"Subject: a\r\n\t \r\n b\r\n", "Illegal header ''."),
        (b"Subject: a\x0bFrom: x\r\n", "Illegal header 'Subject'."),
        (b"A: b\r\nSubject: a\x1dFrom: x\r\n", "Illegal header 'Subject'."),
        (b"A: b", "Illegal header 'A'."),
    ],
)
def test_a_block_that_two_readers_could_split_in_two_ways_is_refused(block: bytes, message: str) -> None:
    with pytest.raises(MessageError, match=f"^{message}$"):
        scan(block)


def test_a_block_at_its_limits_is_accepted_and_one_above_refused() -> None:
    block = (b"X: " + b"y" * 895 + b"\r\n") * (HEADER_LIMIT // 900)
    block += b"Z:" + b"z" * (HEADER_LIMIT - len(block) - 4) + b"\r\n"
    assert len(scan(block + b"\r\nbody")[0]) == HEADER_LIMIT // 900 + 1
    for too_long in (block.replace(b"Z:", b"ZZ:"), block.replace(b"Z:", b"ZZ:") + b"\r\nbody"):
        with pytest.raises(MessageError, match="Header section too long"):
            scan(too_long)
    assert len(scan(b"A: b\r\n" * FIELD_LIMIT)[0]) == FIELD_LIMIT
    with pytest.raises(MessageError, match="Header section too long"):
        scan(b"A: b\r\n" * (FIELD_LIMIT + 1))


@pytest.mark.parametrize(
    ("raw", "canonical"),
    [
        (b"a\nb\n", b"a\r\nb\r\n"),
        (b"a\r\nb", b"a\r\nb\r\n"),
        (b"a\r\nb\n\nc\r\n", b"a\r\nb\r\n\r\nc\r\n"),
        (b"", b"\r\n"),
    ],
)
def test_newlines_become_crlf(raw: bytes, canonical: bytes) -> None:
    assert canonical_newlines(raw) == canonical


@pytest.mark.parametrize("raw", [b"a\rb", b"a\r\r\nb", b"a\n\rb", b"a\r", b"a\0b\n", b"\r\n.\r\n\r"])
def test_a_bare_cr_and_nul_are_refused(raw: bytes) -> None:
    with pytest.raises(MessageError):
        canonical_newlines(raw)


@given(
    st.lists(st.sampled_from([b"\r\n", b"\n", b"\r", b".", b"a", b"\0", b"\xff"]), max_size=12).map(b"".join)
)
def test_canonical_newlines_are_canonical(raw: bytes) -> None:
    try:
        canonical = canonical_newlines(raw)
    except MessageError:
        assert b"\0" in raw or b"\r" in raw.replace(b"\r\n", b"")
        return
    assert canonical_newlines(canonical) == canonical
    assert b"\r" not in canonical.replace(b"\r\n", b"") and b"\n" not in canonical.replace(b"\r\n", b"")
    assert canonical.endswith(b"\r\n")
    assert canonical.replace(b"\r\n", b"\n").removesuffix(b"\n") == raw.replace(b"\r\n", b"\n").removesuffix(
        b"\n"
    )


LINES = st.lists(
    st.sampled_from(
        b"From: a@b|from:c@d|To : x| folded|\tfolded| ||junk|: x|X-\xe9: y|Subject: =?x|Y:\x0cFrom: z"
        b"|Z: \xff\xfe|From| : q|\x85From: a@b".split(b"|")
    ),
    max_size=8,
).map(b"\r\n".join)


@given(LINES)
@example(b"From: a@b\r\n folded\r\n\r\nFrom: c@d")
def test_the_standard_library_finds_the_same_fields(block: bytes) -> None:
    message = block + b"\r\n\r\nbody\r\n"
    try:
        fields, body_at = scan(message)
    except MessageError:
        return
    for policy in (email.policy.compat32, email.policy.SMTP):
        parsed = email.message_from_bytes(message, policy=policy)
        assert [name.encode() for name in parsed] == [field.name for field in fields]
    assert message[body_at:].endswith(b"body\r\n")
    assert b"\r\n" + message[body_at:] == message[len(b"".join(field.raw for field in fields)) :]


@given(st.lists(st.integers(0, 1010) | st.integers(990, 1005), max_size=6), st.booleans())
def test_a_line_is_too_long_from_999_octets(lengths: list[int], is_closed: bool) -> None:
    message = b"\r\n".join(b"x" * length for length in lengths) + b"\r\n" * is_closed
    assert header.lines_fit(message) is (max(lengths, default=0) <= 998)


INJECTIONS = [
    "a\r\nBcc: v@victim.example",
    "a\nBcc: v@victim.example",
    "a\rBcc: v@victim.example",
    "a\r\n\r\nbody",
    "a\0b",
    "a\x0bb",
    "a\x85b",
    "a\u2028b",
    "a\u2029b",
    "a\x7fb",
    "a\ud800",
    "=?utf-8?Q?a=0D=0ABcc:_v=40victim.example?=",
    "=?utf-8?B?YQ0KQmNjOiB2QHZpY3RpbS5leGFtcGxl?=",
]


@pytest.mark.parametrize("text", INJECTIONS, ids=range(len(INJECTIONS)))
def test_no_control_character_gets_into_a_field(text: str) -> None:
    with pytest.raises(MessageError):
        header.field("X-Note", text)
    if not text.startswith("=?"):
        with pytest.raises(MessageError):
            header.field(text, "x")


@pytest.mark.parametrize("name", ["", "a b", "a:", "é", "a\r\nb", "x" * 77])
def test_what_is_no_field_name_is_refused(name: str) -> None:
    with pytest.raises(MessageError):
        header.field(name, "x")


def test_a_field_is_folded_and_encoded() -> None:
    assert header.field("X-Note", "short: text") == b"X-Note: short: text\r\n"
    assert header.field("X-Note", " é ") == b"X-Note: =?UTF-8?B?w6k=?=\r\n"
    assert header.field("X-Note", "=?UTF-8?B?w6k=?=") == b"X-Note: =?UTF-8?B?w6k=?=\r\n"
    assert header.field("X-Note", "=?x?B?!?=") == b"X-Note: =?x?B?!?=\r\n"
    assert header.field("X-Note", "") == b"X-Note:\r\n"
    assert header.field("X-Note", "w" * 991).count(b"=?UTF-8?B?") == 23
    assert header.field("X-Note", "w" * 990) == b"X-Note: %b\r\n" % (b"w" * 990)
    assert header.field("X", "a" * 60 + "  " + "b" * 60) == b"X: %b\r\n  %b\r\n" % (b"a" * 60, b"b" * 60)


@given(st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=300), st.booleans())
def test_a_field_of_any_text_is_one_field_that_reads_back(text: str, wide: bool) -> None:
    text = text * (20 if wide else 1)
    written = header.field("Subject", text)
    assert header.lines_fit(written)
    fields, _ = scan(written)
    assert len(fields) == 1
    decoded = encoded_words.decode(fields[0].value.decode("ascii")) if "=?" not in text else text.strip(" ")
    assert decoded == text.strip(" ")
