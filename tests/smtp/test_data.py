"""Messages behind DATA: where they end, what they may hold, and dots."""

import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sesame.smtp.data import DataReader, Defect, stuff
from sesame.smtp.errors import MessageNotSendable

SMUGGLING = Path(__file__).parents[1] / "vectors" / "smuggling" / "eod_sequences.json"
SEQUENCES = [sequence.encode("latin-1") for sequence in json.loads(SMUGGLING.read_text())["union"]]

LINE = b"x" * 998 + b"\r\n"
MESSAGES: list[tuple[str, bytes, bytes]] = [
    ("empty", b".\r\n", b""),
    ("one line", b"hi\r\n.\r\n", b"hi\r\n"),
    ("empty lines", b"\r\n\r\n.\r\n", b"\r\n\r\n"),
    ("dots", b"..\r\n...\r\n..a\r\nb.\r\n.\r\n", b".\r\n..\r\n.a\r\nb.\r\n"),
    ("a dot nobody doubled", b".a\r\n.\r\n", b"a\r\n"),
    ("8-bit", b"\xc3\xbc\xff\r\n.\r\n", b"\xc3\xbc\xff\r\n"),
    ("longest line", LINE + b".\r\n", LINE),
    ("longest line with a doubled dot", b"..x" + LINE[2:] + b".\r\n", b".x" + LINE[2:]),
]


def read(reader: DataReader, *pieces: bytes) -> bytes | None:
    """Feed the pieces until the message ends or is given up; what follows the end."""
    for position, piece in enumerate(pieces):
        rest = reader.receive_data(piece)
        if rest is not None:
            return rest + b"".join(pieces[position + 1 :])
        if reader.defect is Defect.STRAY_BYTE:
            return None
    return None


def bytewise(data: bytes) -> list[bytes]:
    return [data[at : at + 1] for at in range(len(data))]


@pytest.mark.parametrize(("wire", "want"), [c[1:] for c in MESSAGES], ids=[c[0] for c in MESSAGES])
def test_a_message_is_read_whole_byte_by_byte_and_with_more_behind(wire: bytes, want: bytes) -> None:
    for pieces in ([wire], bytewise(wire), [wire + b"QUIT\r\n.\r\n"]):
        reader = DataReader(size_bytes=2_000)
        rest = read(reader, *pieces)
        assert (reader.content, reader.defect) == (want, None)
        assert rest == b"".join(pieces)[len(wire) :]


@given(
    st.lists(st.sampled_from([b".", b"a", b"\r\n", b"..", b"\r\n.", b"x" * 300, b"\xe4"]), max_size=30),
    st.lists(st.integers(0, 400), max_size=8),
)
def test_stuffed_messages_come_back_however_they_are_cut(words: list[bytes], cuts: list[int]) -> None:
    content = b"".join(words)
    try:
        wire = stuff(content)
    except MessageNotSendable:
        assert max(map(len, content.split(b"\r\n"))) > 998
        return
    if content and not content.endswith(b"\r\n"):
        content += b"\r\n"
    marks = sorted({0, len(wire), *(cut for cut in cuts if cut < len(wire))})
    reader = DataReader(size_bytes=10_000)
    assert read(reader, *(wire[start:end] for start, end in pairwise(marks))) == b""
    assert (reader.content, reader.defect) == (content, None)


@given(
    st.binary(max_size=60), st.lists(st.sampled_from([b"\r", b"\n", b"\0", b".", b"\r\n", b"a"]), max_size=40)
)
def test_whatever_is_taken_can_be_sent_and_comes_back_the_same(noise: bytes, words: list[bytes]) -> None:
    wire = b"".join(words) + noise + b"\r\n.\r\n"
    reader, slow = DataReader(size_bytes=1_000), DataReader(size_bytes=1_000)
    rest, slow_rest = read(reader, wire), read(slow, *bytewise(wire))
    assert (reader.content, reader.defect, rest) == (slow.content, slow.defect, slow_rest)
    if reader.defect is None:
        again = DataReader(size_bytes=1_000)
        assert read(again, stuff(reader.content)) == b""
        assert again.content == reader.content


@pytest.mark.parametrize("sequence", SEQUENCES, ids=ascii)
def test_a_smuggling_sequence_ends_no_message_and_spoils_the_one_it_is_in(sequence: bytes) -> None:
    wire = b"first\r\nbody" + sequence + b"MAIL FROM:<a@x>\r\n.\r\n"
    for cut in range(len(wire)):
        reader = DataReader(size_bytes=1_000)
        assert read(reader, wire[:cut], wire[cut:]) is None
        assert (reader.content, reader.defect) == (b"", Defect.STRAY_BYTE)


@pytest.mark.parametrize("sequence", SEQUENCES, ids=ascii)
@pytest.mark.parametrize("around", [(b"", b""), (b"a", b"b"), (b"a\r\n", b"b\r\n")])
def test_a_smuggling_sequence_is_never_written(sequence: bytes, around: tuple[bytes, bytes]) -> None:
    with pytest.raises(MessageNotSendable) as caught:
        stuff(around[0] + sequence + around[1])
    assert caught.value.status == "5.6.0"


@pytest.mark.parametrize("stray", [b"\n", b"\r", b"\0", b"a\nb", b"a\rb", b"a\r\r\n", b"\n\r\n", b"a\r\nb\n"])
def test_a_stray_byte_is_seen_before_its_line_ends(stray: bytes) -> None:
    reader = DataReader(size_bytes=1_000)
    assert reader.receive_data(stray + b"x") is None
    assert reader.defect is Defect.STRAY_BYTE


def test_a_cr_at_the_end_of_a_read_is_not_yet_stray() -> None:
    reader = DataReader(size_bytes=1_000)
    assert read(reader, b"a\r", b"\n.\r", b"\n") == b""
    assert reader.content == b"a\r\n"


@pytest.mark.parametrize(
    "pieces", [[b"x" * 999 + b"\r\n"], [b"x" * 600, b"x" * 600], bytewise(b"x" * 999 + b"\r\n")]
)
def test_a_message_with_a_long_line_is_read_to_its_end_and_not_kept(pieces: list[bytes]) -> None:
    reader = DataReader(size_bytes=10_000)
    assert read(reader, b"a\r\n", *pieces, b"y\r\n.\r", b"\nRSET\r\n") == b"RSET\r\n"
    assert (reader.content, reader.defect) == (b"", Defect.LONG_LINE)


def test_a_message_over_the_size_is_read_to_its_end_and_not_kept() -> None:
    reader = DataReader(size_bytes=100)
    rest = read(reader, *[b"x" * 48 + b"\r\n"] * 2, b".\r\nNOOP\r\n")
    assert (len(reader.content), reader.defect, rest) == (100, None, b"NOOP\r\n")
    reader = DataReader(size_bytes=99)
    rest = read(reader, *[b"x" * 48 + b"\r\n"] * 4_000, b".", b"\r\nNOOP\r\n")
    assert (reader.content, reader.defect, rest) == (b"", Defect.TOO_BIG, b"NOOP\r\n")


def test_what_is_kept_of_an_endless_line_is_bounded() -> None:
    reader = DataReader(size_bytes=10_000_000)
    for _ in range(100):
        reader.receive_data(b"x" * 10_000)
    assert len(reader._pending) < 10


def test_a_missing_end_of_line_is_added() -> None:
    assert stuff(b"a") == b"a\r\n.\r\n"
    assert stuff(b"") == b".\r\n"
    assert stuff(b".a\r\n.\r\n") == b"..a\r\n..\r\n.\r\n"


def test_a_line_too_long_is_not_sent() -> None:
    stuff(LINE)
    with pytest.raises(MessageNotSendable, match="998"):
        stuff(b"x" + LINE)
