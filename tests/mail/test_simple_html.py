"""The HTML of custom verification mail: what may be in it, what is told of it, and in what time."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sesame.mail import simple_html
from sesame.mail.simple_html import ALLOWED, HtmlError, read_html
from tests.fuzz.targets import simple_html as holds

PIECES = st.sampled_from(
    ["<", ">", "/", "</", "<b>", "</b>", "<p class='a'>", "<textarea>", "</textarea>", "<select>", "</body>",
     "</html>", "<img src=", "data:image/png;base64,AAAA", "'", '"', "=", " ", "\n", "&amp;", "x", "<!", "<td"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=30).map("".join))
def test_any_text_is_read_or_refused(text: str) -> None:
    holds(text.encode())


@pytest.mark.parametrize("tag", sorted(ALLOWED))
def test_each_listed_tag_takes_its_attributes_and_no_other(tag: str) -> None:
    for attribute in ALLOWED[tag]:
        value = "https://a.test/i.png" if attribute == "src" else "v"
        read_html(f'<{tag} {attribute}="{value}" >x</{tag.upper()}>')
    with pytest.raises(HtmlError, match="'onclick' of <"):
        read_html(f"<{tag} onclick=x>")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<a href='https://a.test'>x</a>", "<a> is not allowed"),
        ("</script>", "<script> is not allowed"),
        ("<P ID>x<p HREF=a>", "'href' of <p> is not allowed"),
        ("x<!-- y -->", "comments"),
        ("<p><!doctype html>", "comments"),
        ("<?php ?>", "comments"),
        ("</ p>", "cannot be read: '</ p>'"),
        ("<p", "cannot be read"),
        ("<p class='x>", "cannot be read"),
        ("<p class=a<b>", "cannot be read"),
        ("<p \x00>", "U+0000".replace("+", r"\+")),
        ("<img src='javascript:x'>", "source of an image"),
        ("<img src=data:image/svg+xml;base64,AAAA>", "source of an image"),
        ("<img src=data:image/png;base64,AA!A>", "not base64"),
        ("<img src=data:image/png;base64,AAAAA>", "not base64"),
        ("<b>" * 101, "nested more than 100 deep"),
        ("<br>" * 20_001, "more than 20000 tags"),
        ("<p" + " id" * 50_001 + ">", "more than 50000 attributes"),
    ],
)
def test_what_is_refused(text: str, words: str) -> None:
    with pytest.raises(HtmlError, match=words):
        read_html(text)


@pytest.mark.parametrize(
    ("whole", "source", "tail", "left_open"),
    [
        ("<p>x", "<p>x", "", ()),
        ("<b>x</b> y ", "<b>x</b> y", " ", ()),
        (
            "<html><body><div><b>x</body> </HTML>\n",
            "<html><body><div><b>x",
            "</body> </HTML>\n",
            ("b", "div"),
        ),
        ("<div><table><tr><td>x</div>", "<div><table><tr><td>x</div>", "", ()),
        ("<b><textarea></b><i>", "<b><textarea></b><i>", "", ("textarea", "b")),
        ("<textarea></b></textarea><i>x", "<textarea></b></textarea><i>x", "", ("i",)),
        ("</b><br/><hr>1 < 2 <", "</b><br/><hr>1 < 2 <", "", ()),
    ],
)
def test_where_more_may_follow(whole: str, source: str, tail: str, left_open: tuple[str, ...]) -> None:
    found = read_html(whole)
    assert (found.source, found.tail, found.left_open) == (source, tail, left_open)


def test_the_text_is_what_is_read_without_html() -> None:
    whole = """<!doctype html><html><head></head><body>
      <h1>Ready &amp;
        steady?</h1><p>One <b>two</b>&nbsp;three<br>1 < 2<img alt='A logo' src=http://a.test/a.gif></p>
      <ul><li>a<li>b</ul></body></html>"""
    assert read_html(whole).text == "Ready & steady?\n\nOne two three\n1 < 2A logo\n\na\nb"


def test_embedded_images_are_found_where_they_stand() -> None:
    source = "<img src=\"DATA:image/JPG;base64,AAAA\" alt=''><img src='data:image/gif;base64,'><img src>"
    first, second = read_html(source).images
    assert (first.subtype, first.data, source[first.start : first.end]) == (
        "jpeg",
        b"\0\0\0",
        "DATA:image/JPG;base64,AAAA",
    )
    assert (second.subtype, second.data) == ("gif", b"")


@pytest.mark.parametrize(
    "text",
    ["<p " * 300_000, "<" * 1_000_000, "<p" + " " * 1_000_000, "<p a" + "\t" * 1_000_000 + "b", "<p id='" * 150_000,
     "&" * 1_000_000, " " * 1_000_000 + "</body>" * 20_000, "<p id=" + "x" * 1_000_000, "\n" * 1_000_000]
)  # fmt: skip
def test_a_megabyte_of_anything_is_read_in_a_moment(text: str) -> None:
    started = time.process_time()
    try:
        read_html(text)
    except HtmlError:
        pass
    assert time.process_time() - started < 2.0


def test_the_bounds_are_those_of_the_module() -> None:
    assert (simple_html.MOST_TAGS, simple_html.MOST_ATTRIBUTES, simple_html.DEEPEST) == (20_000, 50_000, 100)
