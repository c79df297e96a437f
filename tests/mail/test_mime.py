"""The MIME frame: types are read, limits hold, blocked file names are found wherever they hide."""

import pytest

from sesame.mail.header import MessageError
from sesame.mail.mime import (
    BLOCKED_EXTENSIONS,
    DEPTH_LIMIT,
    PART_LIMIT,
    check_parts,
    content_type,
    parameters,
)


def check(body: bytes, *, kind: str = 'multipart/mixed; boundary="b"', disposition: str = "") -> None:
    check_parts(b"\r\n" + body, body=2, content_type_value=kind, disposition=disposition)


def attachment(disposition: bytes, kind: bytes = b"application/octet-stream") -> bytes:
    fields = b"Content-Type: %b\r\nContent-Disposition: %b\r\n" % (kind, disposition)
    return b"--b\r\n%b\r\nx\r\n--b--\r\n" % fields


@pytest.mark.parametrize(
    ("value", "type_", "subtype", "found"),
    [
        ("text/plain", "text", "plain", {}),
        ("Text/HTML; Charset=UTF-8", "text", "html", {"charset": "UTF-8"}),
        (' multipart/mixed ; boundary = "a;b\\"c" ;', "multipart", "mixed", {"boundary": 'a;b"c'}),
        ("text/plain; charset=a; charset=b", "text", "plain", {"charset": "a"}),
        ("text / plain", "text", "plain", {}),
    ],
)
def test_a_content_type_is_read(value: str, type_: str, subtype: str, found: dict[str, str]) -> None:
    assert content_type(value) == (type_, subtype, found)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("text", "Expected '/', got null"),
        (";charset=x", "Expected '/', got ;"),
        ("text; charset=x", "Expected '/', got ;"),
        ("text/plain charset=x", "Expected ';', got c"),
        ("text/plain; charset", "Expected '=', got 'null'"),
        ("multipart/mixed; boundary; x=y", "Expected '=', got 'null'"),
    ],
)
def test_a_content_type_that_is_none_is_refused_in_the_words_of_ses(value: str, message: str) -> None:
    with pytest.raises(MessageError, match=f"^{message}$"):
        content_type(value)


@pytest.mark.parametrize(
    ("text", "filename"),
    [
        ("; filename=a.txt", "a.txt"),
        ('; filename="a b.txt"', "a b.txt"),
        ("; filename=a b.txt", "a b.txt"),
        ("; filename*=utf-8''a%20%C3%A9.txt", "a é.txt"),
        ("; filename*0=a; filename*1=b", "ab"),
        ("; filename*1*=%62; filename*0*=iso-8859-1'en'%E9", "éb"),
        ("; filename*=no-such''%e9", "é"),
        ("; filename=plain; filename*=utf-8''extended", "extended"),
    ],
)
def test_a_file_name_is_read_in_each_of_its_forms(text: str, filename: str) -> None:
    assert parameters(text)["filename"] == filename


BLOCKED = [
    b'attachment; filename="x.exe"',
    b"attachment; filename=x.exe",
    b"attachment;\r\n filename=x.EXE",
    b"ATTACHMENT; FILENAME=x.exe",
    b"attachment; filename*=utf-8''x%2Eexe",
    b"attachment; filename*0=x.e; filename*1=xe",
    b'attachment; filename="=?utf-8?B?eC5leGU=?="',
    b'attachment; filename="x.exe."',
    b'attachment; filename="x.exe "',
    b'inline; filename="a.txt.exe"',
]


@pytest.mark.parametrize("disposition", BLOCKED, ids=range(len(BLOCKED)))
def test_a_blocked_file_name_is_found(disposition: bytes) -> None:
    with pytest.raises(MessageError, match=r"^Illegal filename '(?i:.*exe)"):
        check(attachment(disposition))
    nested = (
        b"--o\r\ncontent-type: multipart/mixed; boundary=b\r\n\r\n" + attachment(disposition) + b"--o--\r\n"
    )
    with pytest.raises(MessageError, match="Illegal filename"):
        check(nested, kind="multipart/mixed; boundary=o")
    forwarded = (
        b"--o\r\nContent-Type: message/rfc822\r\n\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    )
    with pytest.raises(MessageError, match="Illegal filename"):
        check(forwarded + attachment(disposition) + b"--o--\r\n", kind="multipart/mixed; boundary=o")


def test_a_blocked_name_is_found_in_content_type_and_at_the_top() -> None:
    with pytest.raises(MessageError, match=r"Illegal filename 'x\.vbs'"):
        check(attachment(b"inline", b"text/plain; name=x.vbs"))
    with pytest.raises(MessageError, match=r"Illegal filename 'x\.js'"):
        check(b"", kind="text/plain", disposition="attachment; filename=x.js")


def test_a_file_name_that_does_not_decode_is_judged_as_written() -> None:
    with pytest.raises(MessageError, match="Illegal filename"):
        check(attachment(b'attachment; filename="=?x?Q?a?=.exe"'))
    check(attachment(b'attachment; filename="=?x?Q?a?=.txt"'))


@pytest.mark.parametrize("name", [b"exe", b"x.txt", b"x.exe.txt", b"notes about.exec", b""])
def test_other_file_names_pass(name: bytes) -> None:
    check(attachment(b'attachment; filename="%b"' % name))


def test_the_blocked_extensions_are_those_of_the_guide() -> None:
    assert len(BLOCKED_EXTENSIONS) == 90
    assert {"ade", "exe", "js", "msh2xml", "vsmacros", "xnk"} < BLOCKED_EXTENSIONS
    assert "pdf" not in BLOCKED_EXTENSIONS


def test_text_about_parts_is_not_parts() -> None:
    quoted = (
        b"--b\r\n\r\n" + b"--bx\r\n--b x\r\n -- b\r\n" * PART_LIMIT + b"--b--\r\n" + b"--b\r\n" * PART_LIMIT
    )
    check(quoted)
    check(b"--b\r\n" * (PART_LIMIT + 1), kind="text/plain")
    check(b"--\r\n" * (PART_LIMIT + 1), kind="multipart/mixed")


def test_500_parts_pass_and_one_more_is_refused() -> None:
    check(b"--b\r\n\r\nx\r\n" * PART_LIMIT + b"--b--\r\n")
    with pytest.raises(MessageError, match="more than 500 parts"):
        check(b"--b\r\n\r\nx\r\n" * (PART_LIMIT + 1) + b"--b--\r\n")


def nested(levels: int) -> bytes:
    heads = [
        b"--%d\r\nContent-Type: multipart/mixed; boundary=%d\r\n\r\n" % (n, n + 1) for n in range(levels)
    ]
    return b"".join(heads)


def test_20_levels_pass_and_one_more_is_refused() -> None:
    check(nested(DEPTH_LIMIT - 1), kind="multipart/mixed; boundary=0")
    with pytest.raises(MessageError, match="more than 20 levels"):
        check(nested(DEPTH_LIMIT), kind="multipart/mixed; boundary=0")
    with pytest.raises(MessageError, match="more than 20 levels"):
        check(b"Content-Type: message/rfc822\r\n\r\n" * 10_000, kind="message/rfc822")


def test_a_bomb_of_unclosed_parts_is_settled_at_once() -> None:
    check(b"--b" * 500_000)
    check(b"\r\n--bb" * 200_000)
    with pytest.raises(MessageError):
        check(b"--b\r\n" * 200_000)
