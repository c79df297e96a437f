"""Replies on the wire: what is written, what is read, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sesame.smtp.reply import LINE_BYTES, LINES, REPLY_BYTES, Reply, ReplyReader, ReplySyntaxError

READ: list[tuple[str, bytes, list[Reply]]] = [
    ("one line", b"250 2.1.0 Ok\r\n", [Reply(250, "2.1.0 Ok")]),
    ("no text", b"250\r\n", [Reply(250, "")]),
    ("space and no text", b"334 \r\n", [Reply(334, "")]),
    (
        "several lines",
        b"250-mx.example\r\n250-SIZE 10\r\n250 HELP\r\n",
        [Reply(250, "mx.example\nSIZE 10\nHELP")],
    ),
    ("last line without text", b"220-hello\r\n220\r\n", [Reply(220, "hello\n")]),
    ("two replies", b"250 a\r\n354 b\r\n", [Reply(250, "a"), Reply(354, "b")]),
    ("8-bit text", "550 Größe\r\n".encode(), [Reply(550, "Gr????e")]),
    ("terminal escapes", b"550 \x1b[31mred\x07\r\n", [Reply(550, "?[31mred?")]),
    ("tab", b"550 a\tb\r\n", [Reply(550, "a b")]),
]

REFUSED: list[tuple[str, bytes]] = [
    ("code 299", b"299 odd\r\n"),
    ("code 999", b"999 odd\r\n"),
    ("code 150", b"150 odd\r\n"),
    ("no code", b"abc\r\n"),
    ("empty line", b"\r\n"),
    ("text against the code", b"250Ok\r\n"),
    ("TLS bytes", b"\x16\x03\x01\x02\x00\x01\r\n"),
    ("NUL", b"220 a\0b\r\n"),
    ("NUL before the line ends", b"220 a\0b"),
    ("bare LF", b"220 hello\n"),
    ("bare LF, then CRLF", b"220 hello\n220 more\r\n"),
    ("bare CR", b"220 hel\rlo\r\n"),
    ("code changes within a reply", b"250-a\r\n550 b\r\n"),
    ("endless line", b"220 " + b"x" * LINE_BYTES),
    ("long line", b"220 " + b"x" * LINE_BYTES + b"\r\n"),
    ("endless reply", b"220-x\r\n" * (LINES + 1)),
    ("large reply", (b"220-" + b"x" * 2_000 + b"\r\n") * (REPLY_BYTES // 2_000 + 1)),
]


def read_all(reader: ReplyReader, data: bytes) -> list[Reply]:
    reader.receive_data(data)
    replies = []
    while reply := reader.next_reply():
        replies.append(reply)
    return replies


@pytest.mark.parametrize(("wire", "want"), [case[1:] for case in READ], ids=[case[0] for case in READ])
def test_replies_are_read_whole_byte_by_byte_and_with_more_behind(wire: bytes, want: list[Reply]) -> None:
    assert read_all(ReplyReader(), wire) == want
    reader = ReplyReader()
    assert [reply for byte in wire for reply in read_all(reader, bytes([byte]))] == want
    assert reader.is_empty
    reader = ReplyReader()
    assert read_all(reader, wire + b"250-fur") == want
    assert not reader.is_empty
    assert read_all(reader, b"ther\r\n250 end\r\n") == [Reply(250, "further\nend")]


@pytest.mark.parametrize("wire", [case[1] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_what_is_no_reply_is_refused_whole_and_byte_by_byte(wire: bytes) -> None:
    with pytest.raises(ReplySyntaxError):
        read_all(ReplyReader(), wire)
    reader = ReplyReader()
    with pytest.raises(ReplySyntaxError):
        for byte in wire:
            read_all(reader, bytes([byte]))


def test_replies_before_a_broken_one_are_still_read() -> None:
    reader = ReplyReader()
    reader.receive_data(b"250 taken\r\nrubbish\r\n")
    assert reader.next_reply() == Reply(250, "taken")
    with pytest.raises(ReplySyntaxError):
        reader.next_reply()


@given(st.binary(max_size=200))
def test_any_bytes_are_replies_or_refused(data: bytes) -> None:
    try:
        replies = read_all(ReplyReader(), data)
    except ReplySyntaxError:
        return
    for reply in replies:
        assert 200 <= reply.code <= 559
        assert reply.diagnostic.isascii()
        assert reply.diagnostic.isprintable()


@given(
    st.sampled_from([211, 220, 250, 354, 421, 451, 550, 554]),
    st.text(st.characters(codec="ascii", exclude_categories=["Cc"]) | st.just("\n"), max_size=300),
)
def test_what_is_written_is_read_back(code: int, text: str) -> None:
    reply = Reply(code, text)
    assert read_all(ReplyReader(), reply.to_bytes()) == [reply]


@given(st.integers(200, 559), st.text(max_size=2_000))
def test_any_text_is_written_as_short_printable_lines(code: int, text: str) -> None:
    *lines, end = Reply(code, text).to_bytes().split(b"\r\n")
    assert end == b""
    assert all(len(line) <= 510 and line.decode("ascii").isprintable() for line in lines)
    assert all(line.startswith(b"%d-" % code) for line in lines[:-1])
    assert lines[-1].startswith(b"%d " % code)


def test_a_long_text_is_folded_at_spaces_and_loses_nothing() -> None:
    words = [f"word{number}" for number in range(250)]
    reply = read_all(ReplyReader(), Reply(554, " ".join(words)).to_bytes())[0]
    assert len(reply.lines) == 4
    assert reply.text.split() == words


def test_a_line_is_folded_at_its_512th_octet_at_the_latest() -> None:
    assert Reply(554, "x" * 506 + " y").to_bytes() == b"554-" + b"x" * 506 + b"\r\n554 y\r\n"
    assert Reply(554, "x" * 507 + " y").to_bytes() == b"554-" + b"x" * 506 + b"\r\n554 x y\r\n"


def test_the_size_of_one_reply_does_not_count_against_the_next() -> None:
    replies = read_all(ReplyReader(), (b"250 " + b"x" * 2_000 + b"\r\n") * 20)
    assert len(replies) == 20


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        (Reply(550, "5.1.1 No such user"), "5.1.1"),
        (Reply(250, "2.0.0"), "2.0.0"),
        (Reply(550, "4.2.1 contradicts its code"), None),
        (Reply(550, "5.1.1: colon"), None),
        (Reply(550, "5.1.1234 too long"), None),
        (Reply(550, "No such user"), None),
    ],
)
def test_the_enhanced_status_is_read_where_it_agrees_with_the_code(reply: Reply, status: str | None) -> None:
    assert reply.status == status


def test_the_diagnostic_is_one_line() -> None:
    assert Reply(550, "5.7.1 No\n5.7.1 entry").diagnostic == "550 5.7.1 No 5.7.1 entry"


@pytest.mark.parametrize(("code", "want"), [(250, (1, 0)), (354, (0, 0)), (450, (0, 0)), (554, (0, 1))])
def test_the_first_digit_says_what_became_of_a_command(code: int, want: tuple[bool, bool]) -> None:
    reply = Reply(code, "")
    assert (reply.is_positive, reply.is_permanent) == want
