"""Links are found where browsers find them, whatever is written around them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sesame.mail.html_links import PLACE, find, unescape_attribute


def hrefs(text: bytes) -> list[bytes]:
    return [text[one.start : one.end] for one in find(text).links if one.is_tracked]


@pytest.mark.parametrize(
    ("text", "want"),
    [
        (b'<a href="u">', [b"u"]),
        (b"<A\nHREF = 'u'>", [b"u"]),
        (b"<a href=u/>x", [b"u/"]),
        (b"<a href=u>", [b"u"]),
        (b'<a/href="u">', [b"u"]),
        (b'<a class=x id="a>b" href="u">', [b"u"]),
        (b'<a href="  u\r\n ">', [b"u"]),
        (b'<a href="first" href="second">', [b"first"]),
        (b'<area shape=rect href="u">', [b"u"]),
        (b'<abbr href="u"><link href="u"><base href="u">', []),
        (b"<a name=x>", []),
        (b'<a href="">', []),
        (b"<a href>", []),
        (b"<a href=>", []),
        (b'<a ses:no-track href="u"><a ses:no-track="" href="v"><a SES:NO-TRACK href=w>', []),
        (b'<!-- <a href="u"> --><a href="v">', [b"v"]),
        (b'<!--><a href="v">', [b"v"]),
        (b'<!-- x --!><a href="v">', [b"v"]),
        (b'<!--[if mso]><a href="u"></a><![endif]--><![if !mso]><a href="v"></a><![endif]>', [b"v"]),
        (b'<!-- never closed <a href="u">', []),
        (b'<style>a:after{content:"<a href=\'u\'>"}</STYLE ><a href="v">', [b"v"]),
        (b'<script>"<a href=u>"</script><title><a href=u></title><a href="v">', [b"v"]),
        (b'<textarea><a href="u">', []),
        (b'<plaintext><a href="u">', []),
        (b'a < b <a href="v">', [b"v"]),
        (b'<?php <a href="u"> ?><a href="v">', [b"v"]),
        (b'</ <a href="u"><a href="v">', [b"v"]),
        (b'<a href="never closed', []),
        (b"<a href=u", []),
        (b'<a href="u"', []),
        (b'</p title="<a href=u>"><a href="v">', [b"v"]),
        ("é<a title=\"é>\" href='v'>".encode(), [b"v"]),
    ],
)
def test_a_link_is_where_browsers_see_one(text: bytes, want: list[bytes]) -> None:
    assert hrefs(text) == want


@pytest.mark.parametrize(
    ("text", "want"),
    [
        (b"<html><body>x</body></html>\r\n", b"</body></html>\r\n"),
        (b"<html>x</html>", b"</html>"),
        (b"<p>x</p>\r\n\r\n", b"\r\n\r\n"),
        (b"<p>x", b""),
        (b"<!-- </body> -->x</body>", b"</body>"),
        (b"</body>x</BODY >y", b"</BODY >y"),
        (b"x<script></body>", b""),
    ],
)
def test_the_body_ends_before_its_last_end_tag(text: bytes, want: bytes) -> None:
    assert text[find(text).end :] == want


def test_the_place_of_the_picture_stands_between_tags_only() -> None:
    text = b"<a title='%b'>%b<!-- %b --><style>%b</style>%b" % ((PLACE,) * 5)
    first, last = find(text).places
    assert text[:first].endswith(b"'>") and text[last:] == PLACE


def test_the_tags_of_a_link_are_as_they_are_written() -> None:
    (one,) = find(b"<a ses:tags='a:b;c:d' href=u>").links
    assert one.tags == b"a:b;c:d"


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("?a=1&amp;b=2", "?a=1&b=2"),
        ("?a=1&b=2", "?a=1&b=2"),
        ("?a=1&copy=2&notit;&not", "?a=1&copy=2&notit;¬"),
        ("?a=1&copy;", "?a=1©"),
        ("?a&amp=2&#38;&#x26;&#38", "?a&amp=2&&&"),
        ("?&amp;amp;", "?&amp;"),
        ("&;&#;&#x;&unknown;", "&;&#;&#x;&unknown;"),
    ],
)
def test_character_references_are_read_as_in_an_attribute(text: str, want: str) -> None:
    assert unescape_attribute(text) == want


PIECES = st.sampled_from(
    [b"<", b">", b"a", b" href=", b'"', b"'", b"=", b"/", b"!", b"--", b"<a href='u'>", b"</body>", b"\r\n", b"\xff",
     b"<script>", b"</script>", b"<!--", b"-->", b"?", PLACE, b" ", b"ses:no-track", b"\x00"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=60).map(b"".join))
def test_whatever_is_written_links_are_in_order_and_inside(text: bytes) -> None:
    found = find(text)
    edges = [edge for one in found.links for edge in (one.start, one.end)]
    assert edges == sorted(edges) and all(0 <= edge <= len(text) for edge in edges)
    assert 0 <= found.end <= len(text)
    assert all(text.startswith(PLACE, at) for at in found.places)


@pytest.mark.parametrize(
    "piece",
    [b"<", b"<a ", b"<a href='", b"<!--", b"<script>", b"</", b"<a x=", b"<a/", b'<a "', b"<title></"],
)
def test_a_large_hostile_text_is_read_to_its_end(piece: bytes) -> None:
    text = piece * 200_000  # in steps of its square this would take hours
    assert 0 < find(text).end <= len(text)
