"""The HTML of a message gets links and a picture of ours, and every other octet stays what it is."""

import base64
import email
import email.policy
import itertools
import quopri
import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sesame.mail.header import canonical_newlines, lines_fit
from sesame.mail.tracking import MOST_LINKS, NOTHING, track

PICTURE = "https://t.example/t/o/token"
IMG = f'<img alt="" src="{PICTURE}" width="1" height="1" border="0">'.encode()
PLACE = b"{{ses:openTracker}}"


class Writer:
    """Writes links that say their number, and keeps what they lead to."""

    def __init__(self, prefix: str = "https://t.example/t/c/") -> None:
        self.prefix = prefix
        self.given: list[tuple[int, str, str]] = []

    def __call__(self, number: int, target: str, tags: str) -> str:
        self.given.append((number, target, tags))
        return f"{self.prefix}{number}."


def encoded(html: bytes, encoding: str) -> bytes:
    match encoding:
        case "base64":
            return base64.encodebytes(html).replace(b"\n", b"\r\n")
        case "quoted-printable":
            return canonical_newlines(quopri.encodestring(html.replace(b"\r\n", b"\n")))
    return html


def part(html: bytes, encoding: str = "8bit", charset: str = "utf-8", more: bytes = b"") -> bytes:
    head = f"Content-Type: text/html; charset={charset}\r\nContent-Transfer-Encoding: {encoding}\r\n".encode()
    return head + more + b"\r\n" + encoded(html, encoding)


def message(html: bytes, encoding: str = "8bit", charset: str = "utf-8", more: bytes = b"") -> bytes:
    return canonical_newlines(b"From: a@example.com\r\nSubject: s\r\n" + part(html, encoding, charset, more))


def html_of(data: bytes) -> bytes:
    """The HTML as the standard library decodes it."""
    read = email.message_from_bytes(data, policy=email.policy.compat32)
    found = [one for one in read.walk() if one.get_content_type() == "text/html"]
    decoded = found[0].get_payload(decode=True)
    assert isinstance(decoded, bytes)
    return decoded.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def undone(html: bytes, originals: list[bytes], prefix: bytes = b"https://t.example/t/c/") -> bytes:
    """The HTML with our links taken back, in their order."""
    rest = iter(originals)
    return re.sub(re.escape(prefix) + rb"\d+\.", lambda match: next(rest), html)


LINKS = st.sampled_from(
    [
        "https://shop.example/",
        "http://a.example/?x=1&amp;y=2",
        "https://a.example/%C3%A9#top",
        "https://é.example/",
        "https://a.example/" + "long" * 60,
        "mailto:a@b.example",
        "#top",
        "javascript:alert(1)",
        "{{unsubscribe}}",
    ]
)
TEXTS = st.one_of(
    st.sampled_from(
        [
            "<p>",
            "</p>",
            "\r\n",
            "  \r\n",
            "é—日",
            "<!-- <a href='https://no.example/'> -->",
            "=3D=",
            ".",
            "--",
            "<style>a{}</style>",
            " ",
            "\t",
            "=",
            "<br/>",
            "--b\r\n",
            "</body>",
            "</html>",
            "x" * 90,
        ]
    ),
    st.text(st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="<&{"), max_size=30),
)


@st.composite
def htmls(draw: st.DrawFn) -> tuple[str, list[bytes]]:
    """An HTML text, and the links of it that are to be tracked, as they are written."""
    out, wanted = [], []
    for _ in range(draw(st.integers(0, 8))):
        out.append(draw(TEXTS))
        link = draw(LINKS)
        quote = draw(st.sampled_from("'\""))
        attribute = draw(st.sampled_from(["", " class=x", " ses:no-track", " ses:tags='a:b'"]))
        out.append(f"<a{attribute} href={quote}{link}{quote}>x</a>")
        if link.startswith(("https://a", "https://shop", "http://")) and "no-track" not in attribute:
            wanted.append(link.encode())
    out.append(draw(TEXTS))
    return "".join(out), wanted


@given(htmls(), st.sampled_from(["7bit", "8bit", "quoted-printable", "base64"]), st.booleans())
def test_every_octet_but_links_and_picture_stays(
    made: tuple[str, list[bytes]], encoding: str, has_picture: bool
) -> None:
    html = canonical_newlines(made[0].encode())
    before = message(html, encoding)
    if not lines_fit(before):
        return
    writer = Writer()
    after = track(before, link=writer, picture=PICTURE if has_picture else None)
    found = html_of(after)
    if has_picture:
        assert found.count(IMG) == 1
        found = found.replace(IMG, b"")
    assert undone(found, made[1]) == html_of(before)
    assert [number for number, _, _ in writer.given] == list(range(len(made[1])))
    assert after.startswith(b"From: a@example.com\r\nSubject: s\r\n") and after.endswith(b"\r\n")
    assert lines_fit(after) and canonical_newlines(after) == after


@given(htmls(), st.sampled_from(["7bit", "8bit"]))
def test_lines_that_become_too_long_make_the_part_quoted_printable(
    made: tuple[str, list[bytes]], encoding: str
) -> None:
    html = canonical_newlines(made[0].encode())
    before = message(html, encoding)
    prefix = f"https://t.example/t/c/{'y' * 1100}"
    after = track(before, link=Writer(prefix), picture=None)
    assert lines_fit(after) or not lines_fit(before)
    assert undone(html_of(after), made[1], prefix.encode()) == html_of(before)
    assert (b"quoted-printable" in after) == bool(made[1]) or not lines_fit(before)


def test_the_lines_of_a_quoted_printable_part_stay_what_they_are_but_where_a_link_was() -> None:
    lines = [
        b"<p>caf=C3=A9 =E2=82=AC =",
        b"more</p>",
        b'<a href=3D"https://a.example/?x=3D1&amp;=',
        b'y=3D2">x</a>',
        b"end",
    ]
    head = b"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    before = head + b"\r\n".join(lines) + b"\r\n"
    writer = Writer()
    after = track(before, link=writer, picture=None)
    assert writer.given == [(0, "https://a.example/?x=1&y=2", "")]
    changed = [b'<a href=3D"=', b"https://t.example/t/c/0.=", b'">x</a>']
    assert after.partition(b"\r\n\r\n")[2].split(b"\r\n") == [*lines[:2], *changed, b"end", b""]


def test_tags_and_targets_are_given_as_they_are_meant() -> None:
    writer = Writer()
    html = b'<a ses:tags="genre:fiction;type:new&amp;co;" href=https://a.example/?a=1&amp;copy=2>x</a>'
    after = track(message(html), link=writer, picture=None)
    assert writer.given == [(0, "https://a.example/?a=1&copy=2", "genre:fiction;type:new&co;")]
    assert b'href="https://t.example/t/c/0.">x</a>' in after


@pytest.mark.parametrize(
    ("html", "want"),
    [
        (b"<body>x</body></html>", b"<body>x" + IMG + b"</body></html>"),
        (b"<p>x</p>\r\n", b"<p>x</p>" + IMG + b"\r\n"),
        (b"a" + PLACE + b"b" + PLACE + b"c</body>", b"a" + IMG + b"b" + NOTHING + b"c</body>"),
        (b"<a title='" + PLACE + b"'></a>", b"<a title='" + PLACE + b"'></a>" + IMG),
    ],
)
@pytest.mark.parametrize("encoding", ["8bit", "quoted-printable", "base64"])
def test_the_picture_stands_at_the_end_of_the_body_or_where_its_author_put_it(
    html: bytes, want: bytes, encoding: str
) -> None:
    found = html_of(track(message(html, encoding), link=None, picture=PICTURE))
    assert found.removesuffix(b"\r\n") == want.removesuffix(b"\r\n")


@pytest.mark.parametrize("encoding", ["8bit", "quoted-printable", "base64"])
def test_a_place_that_no_picture_takes_is_not_left_for_readers_to_see(encoding: str) -> None:
    found = html_of(track(message(b"a" + PLACE + b"b", encoding), link=Writer(), picture=None))
    assert found.removesuffix(b"\r\n") == b"a" + NOTHING + b"b"
    two = multipart("mixed", part(b"x" + PLACE, encoding), part(b"y" + PLACE, encoding))
    read = email.message_from_bytes(track(two, link=None, picture=PICTURE))
    bodies = [one.get_payload(decode=True) for one in read.walk() if one.get_content_type() == "text/html"]
    for body, want in zip(bodies, (b"x" + IMG, b"y" + NOTHING), strict=True):
        assert isinstance(body, bytes) and body.strip() == want


def test_without_a_picture_or_links_nothing_changes() -> None:
    before = message(b"<a href='https://a.example/'>" + PLACE)
    assert track(before, link=None, picture=None) == before


HTML = b'<a href="https://a.example/">x</a>'


def multipart(subtype: str, *parts: bytes, boundary: str = "b") -> bytes:
    inner = b"".join(b"--b\r\n" + one + b"\r\n" for one in parts)
    return (
        f"Content-Type: multipart/{subtype}; boundary={boundary}\r\n".encode()
        + b"\r\npreamble\r\n"
        + inner
        + b"--b--\r\nepilogue\r\n"
    )


@pytest.mark.parametrize(
    "left_alone",
    [
        b"Content-Type: text/plain\r\n\r\n" + HTML,
        b"\r\n" + HTML,
        part(HTML, more=b'Content-Disposition: attachment; filename="a.html"\r\n'),
        part(HTML, more=b"Content-Disposition: ATTACHMENT\r\n"),
        b"Content-Type: message/rfc822\r\n\r\n" + message(HTML),
        b"Content-Type: application/pkcs7-mime\r\n\r\n" + HTML,
        part(HTML, encoding="uuencode"),
        part(HTML, charset="utf-7"),
        part(HTML, charset="utf-16"),
        part(HTML, charset="iso-2022-jp"),
        part(HTML, charset="no-such"),
        b"Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\n!" + base64.b64encode(HTML),
        b"Content-Type: text/html; charset\r\n\r\n" + HTML,
        b"Content-Type: text/x-amp-html\r\n\r\n" + HTML,
        part(HTML, more=b"Content-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==\r\n"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("subtype", ["mixed", "alternative", "related"])
def test_parts_that_are_not_shown_as_html_are_left_alone(left_alone: bytes, subtype: str) -> None:
    shown = part(HTML.replace(b"https://a.example/", b"https://t.example/t/c/0.") + IMG)
    writer = Writer()
    after = track(multipart(subtype, left_alone, part(HTML)), link=writer, picture=PICTURE)
    assert after == multipart(subtype, left_alone, shown)
    assert len(writer.given) == 1


@pytest.mark.parametrize("subtype", ["signed; micalg=x; protocol=y", "encrypted; protocol=y", "SIGNED"])
def test_what_is_signed_or_encrypted_is_left_alone_however_deep(subtype: str) -> None:
    closed = multipart(subtype, part(HTML))
    assert (
        track(b"From: a@b.example\r\n" + closed, link=Writer(), picture=PICTURE)
        == b"From: a@b.example\r\n" + closed
    )
    outer = b"Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\n" + closed + b"\r\n--o--\r\n"
    assert track(outer, link=Writer(), picture=PICTURE) == outer


def test_parts_inside_parts_are_numbered_through_and_one_has_the_picture() -> None:
    inner = multipart("alternative", b"Content-Type: text/plain\r\n\r\nx", part(HTML, "base64"))
    inner = inner.replace(b"--b", b"--i").replace(b"boundary=b", b"boundary=i")
    writer = Writer()
    after = track(multipart("mixed", inner, part(HTML, "quoted-printable")), link=writer, picture=PICTURE)
    assert [number for number, _, _ in writer.given] == [0, 1]
    read = email.message_from_bytes(after)
    bodies = [one.get_payload(decode=True) for one in read.walk() if one.get_content_type() == "text/html"]
    assert [b"t/c/0." in bodies[0], IMG in bodies[0], b"t/c/1." in bodies[1], IMG in bodies[1]] == [
        1,
        1,
        1,
        0,
    ]


def test_the_first_links_alone_are_tracked() -> None:
    writer = Writer()
    after = track(message(HTML * (MOST_LINKS + 5)), link=writer, picture=None)
    assert len(writer.given) == MOST_LINKS and after.count(b"https://a.example/") == 5


@pytest.mark.parametrize("charset", ["shift_jis", "gbk", "big5", "euc-jp", "windows-1252", "us-ascii"])
def test_charsets_whose_ascii_is_ascii_keep_their_octets(charset: str) -> None:
    text = {"windows-1252": "é€", "us-ascii": "e"}.get(charset, "表示一")
    html = f"<p title='{text}'>{text}</p><a href='https://a.example/'>{text}</a>".encode(charset)
    after = html_of(track(message(html, charset=charset), link=Writer(), picture=None))
    assert undone(after, [b"https://a.example/"]) == html + b"\r\n"


def test_a_link_that_is_not_ascii_is_tracked_in_utf_8_alone() -> None:
    writer = Writer()
    for charset in ("windows-1252", "us-ascii", "utf-8"):
        html = "<a href='https://a.example/é'>".encode("latin-1" if charset != "utf-8" else "utf-8")
        track(message(html, charset=charset), link=writer, picture=None)
        track(message(b"<a href='https://a.example/&eacute;'>", charset=charset), link=writer, picture=None)
    assert [target for _, target, _ in writer.given] == ["https://a.example/é"] * 2


def test_no_line_of_ours_begins_as_a_delimiter_or_a_dot() -> None:
    def dashes(number: int, target: str, tags: str) -> str:
        return "https://t.example/" + "-" * 300 + "." * 300

    before = message(b"{{ses:openTracker}}--b <a href='https://a.example/'>", "quoted-printable")
    after = track(before, link=dashes, picture=PICTURE).partition(b"\r\n\r\n")[2]
    assert not [line for line in after.split(b"\r\n") if line.startswith((b"-", b"."))]
    assert all(len(line) <= 76 for line in after.split(b"\r\n"))


def test_blanks_at_the_ends_of_lines_do_not_come_back() -> None:
    head = (
        b"From: a@b.example\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    )
    body = track(head + b"<p>x</p> \t \r\n", link=None, picture=PICTURE).partition(b"\r\n\r\n")[2]
    *ours, last, end = body.split(b"\r\n")
    assert b"".join(line.removesuffix(b"=") for line in ours) == b"<p>x</p>" + IMG.replace(b"=", b"=3D")
    assert (last, end) == (b" \t ", b"")


OCTETS = st.lists(
    st.sampled_from(
        [
            b"\r\n",
            b"--b\r\n",
            b"--b--",
            b"Content-Type: text/html\r\n",
            b"Content-Type: multipart/mixed; boundary=b\r\n",
            b"Content-Transfer-Encoding: quoted-printable\r\n",
            b"Content-Transfer-Encoding: base64\r\n",
            b"=",
            b"=3",
            b"\xff",
            b"=3D",
            b"=\r\n",
            b" \r\n",
            HTML,
            b"PGEgaHJlZj0",
            b"<",
            PLACE,
            b"charset=",
            b"\t",
            b"x: y\r\n",
            b"</body>",
        ]
    ),
    max_size=40,
).map(b"".join)


@given(OCTETS)
def test_whatever_a_message_holds_it_is_read(data: bytes) -> None:
    after = track(canonical_newlines(data), link=Writer(), picture=PICTURE)
    assert canonical_newlines(after) == after


def numbered() -> Callable[[int, str, str], str]:
    count = itertools.count()
    return lambda number, target, tags: f"https://t.example/{next(count)}"


@given(OCTETS)
def test_the_same_message_is_tracked_the_same_way_again(data: bytes) -> None:
    """A copy that is tried again has the links that the first try had."""
    one = track(canonical_newlines(data), link=numbered(), picture=PICTURE)
    assert one == track(canonical_newlines(data), link=numbered(), picture=PICTURE)
