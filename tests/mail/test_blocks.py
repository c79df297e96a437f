"""Large texts are worked on block by block, with the same result as in one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sesame.mail import blocks
from sesame.mail.header import MessageError, canonical_newlines

TEXT = st.lists(st.sampled_from([b"\r\n", b"\r\n", b"\n", b"\r", b"-", b"a", b"\0"]), max_size=40).map(
    b"".join
)


def _canonical(raw: bytes) -> bytes | None:
    try:
        return canonical_newlines(raw)
    except MessageError:
        return None


@given(TEXT, st.integers(5, 9))
def test_newlines_in_blocks_are_those_in_one(raw: bytes, block: int) -> None:
    in_one = _canonical(raw)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK_BYTES", block)
        assert _canonical(raw) == in_one


@given(
    TEXT,
    st.integers(5, 9),
    st.sampled_from([b"\r\n--", b"\r\n\r\n", b"a"]),
    st.integers(0, 50),
    st.integers(0, 50),
)
def test_what_is_sought_and_what_is_behind_are_found(
    data: bytes, block: int, sought: bytes, start: int, end: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK_BYTES", block)
        assert blocks.find(data, sought, start, end) == data.find(sought, start, end)
        assert blocks.behind(data, start) == data[start:]
