"""Canonical texts: what a server reads the same way is signed the same way, and only that."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sesame.aws.canonical import canonical_path, canonical_paths, canonical_query, signed_values


@pytest.mark.parametrize(
    ("query", "canonical"),
    [
        (b"", b""),
        (b"a", b"a="),
        (b"&&b=2&&a=1&", b"a=1&b=2"),
        (b"a=2&a=1&a=%31", b"a=1&a=1&a=2"),
        (b"a=x+y", b"a=x%20y"),
        (b"a=%2b", b"a=%2B"),
        (b"a=%zz%", b"a=%25zz%25"),
        (b"a=b=c", b"a=b%3Dc"),
        (b"a=1&X-Amz-Signature=2", b"a=1"),
        (b"a=1&x%2Damz%2Dsignature=2", b"a=1&x-amz-signature=2"),
        ("é=ü".encode(), b"%C3%A9=%C3%BC"),
    ],
)
def test_queries_are_decoded_encoded_and_sorted(query: bytes, canonical: bytes) -> None:
    assert canonical_query(query) == canonical


@pytest.mark.parametrize(
    ("path", "canonical"),
    [
        (b"/", b"/"),
        (b"//", b"/"),
        (b"/a/./b/../c/", b"/a/c/"),
        (b"/../a", b"/a"),
        (b"/a%2Fb", b"/a%252Fb"),
        (b"/~a_b-c.d", b"/~a_b-c.d"),
        (b"a", b"a"),
        (b"", b""),
    ],
)
def test_paths_are_normalised_and_encoded_once_more(path: bytes, canonical: bytes) -> None:
    assert canonical_path(path) == canonical


@given(st.text("/ab%254@.").map(str.encode), st.text("/ab%254@.").map(str.encode))
def test_two_paths_share_a_text_only_if_they_decode_to_the_same(one: bytes, other: bytes) -> None:
    """INVARIANT of `canonical_paths`: no signature can be carried over to another path."""
    if set(canonical_paths(b"/" + one)) & set(canonical_paths(b"/" + other)):
        assert canonical_path(b"/" + one, double_encode=False) == canonical_path(
            b"/" + other, double_encode=False
        )


def test_header_values_are_trimmed_collapsed_and_joined() -> None:
    headers = [(b"a", b"  x \t y "), (b"b", b""), (b"a", b"z"), (b"c", b"1")]
    assert signed_values(headers, (b"a", b"b")) == ({b"a": b"x y,z", b"b": b""}, [b"c"])
