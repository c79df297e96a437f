"""Where the links of an HTML text are, and where a picture may be put: found in one pass, nothing changed.

Reads tags as browsers do, in any charset whose ASCII octets mean ASCII, and says where in the octets each `href` of
`a` and `area` stands. What stands in comments, styles and scripts is not a link. It never raises, and takes time linear
in the text. Sources: HTML Living Standard, section 13.2.5 (tokenization), section 4.6 (links); SES developer guide,
"Email sending metrics FAQs" (`ses:no-track`, `ses:tags`), "Custom domains" (`{{ses:openTracker}}`).
"""

import html
import re
from dataclasses import dataclass, field
from html.entities import html5

PLACE = b"{{ses:openTracker}}"
"""What an author writes where the picture is to stand."""

_SPACE = b"\t\n\f\r "
_OPENS = re.compile(rb"<(?=[A-Za-z/!?])")
_COMMENT_END = re.compile(rb"--!?>")
_TAG_NAME = re.compile(rb"</?([A-Za-z][^\t\n\f\r />]*+)")
_BEFORE_NAME = re.compile(rb"[\t\n\f\r /]*+")
_NAME = re.compile(rb"[^\t\n\f\r />][^\t\n\f\r />=]*+")
_EQUALS = re.compile(rb"[\t\n\f\r ]*+=[\t\n\f\r ]*+")
_BARE = re.compile(rb"[^\t\n\f\r >]*+")
_RAW_TEXT = frozenset(
    {b"script", b"style", b"textarea", b"title", b"xmp", b"iframe", b"noembed", b"noframes"}
)
"""Elements in which browsers see no tag but their own end."""
_LINKS = frozenset({b"a", b"area"})
_REFERENCE = re.compile(r"&(?:#[0-9]{1,7};?|#[xX][0-9a-fA-F]{1,6};?|([A-Za-z][A-Za-z0-9]{0,31});?)(=?)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """An `href`: its value as written stands from `start` to `end`, without the blanks around it.

    `is_quoted` says whether quotes stand around it; `tags` is the value of `ses:tags` as written.
    """

    start: int
    end: int
    is_quoted: bool
    is_tracked: bool
    tags: bytes


@dataclass(slots=True)
class Found:
    """What there is in a text.

    `places` are where `PLACE` stands between its tags; `end` is where its body ends, before the last line breaks.
    """

    links: list[Link] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    end: int = 0


def find(text: bytes) -> Found:
    """Find the links of an HTML text."""
    found = Found(end=len(text.rstrip(b"\r\n")))
    body_end: dict[bytes, int] = {}
    at = 0
    while (opening := _OPENS.search(text, at)) is not None:
        start = opening.start()
        _look_for_places(text, at, start, found)
        if text.startswith((b"<!", b"<?"), start) or text[start + 1 : start + 2] == b"/":
            is_end = _TAG_NAME.match(text, start) if text[start + 1 : start + 2] == b"/" else None
            if is_end is None:
                at = _markup_end(text, start)
                continue
        name_match = _TAG_NAME.match(text, start)
        assert name_match is not None, "a letter follows"
        name = name_match[1].lower()
        attributes, at = _attributes(text, name_match.end())
        if at > len(text):  # the text ends within the tag: no browser shows it
            return _ended(found, body_end)
        if text[start + 1 : start + 2] == b"/":
            if name in (b"body", b"html"):
                body_end[name] = start
            continue
        if name in _LINKS and (link := _link(text, attributes)) is not None:
            found.links.append(link)
        if name == b"plaintext":
            return _ended(found, body_end)
        if name in _RAW_TEXT:
            at = _raw_text_end(text, name, at)
    _look_for_places(text, at, len(text), found)
    return _ended(found, body_end)


def _ended(found: Found, body_end: dict[bytes, int]) -> Found:
    found.end = body_end.get(b"body", body_end.get(b"html", found.end))
    return found


def _look_for_places(text: bytes, start: int, end: int, found: Found) -> None:
    """Note where `PLACE` stands between tags."""
    while (start := text.find(PLACE, start, end)) >= 0:
        found.places.append(start)
        start += len(PLACE)


def _markup_end(text: bytes, start: int) -> int:
    """Where a comment or declaration ends that begins at `start`."""
    if text.startswith(b"<!--", start):
        inside = start + 4
        for abrupt in (b">", b"->"):
            if text.startswith(abrupt, inside):
                return inside + len(abrupt)
        closing = _COMMENT_END.search(text, inside)
        return len(text) if closing is None else closing.end()
    end = text.find(b">", start)
    return len(text) if end < 0 else end + 1


def _raw_text_end(text: bytes, name: bytes, at: int) -> int:
    """Where the end tag begins of an element that holds text alone."""
    closing = re.compile(rb"</" + name + rb"(?=[\t\n\f\r />])", re.IGNORECASE).search(text, at)
    return len(text) if closing is None else closing.start()


@dataclass(frozen=True, slots=True)
class _Value:
    start: int
    end: int
    is_quoted: bool


def _attributes(text: bytes, at: int) -> tuple[dict[bytes, _Value], int]:
    """The attributes of a tag, the first of each name, and where the tag ends; behind the text if it does not."""
    found: dict[bytes, _Value] = {}
    size = len(text)
    while True:
        at = _BEFORE_NAME.match(text, at).end()  # type: ignore[union-attr]  # matches anything
        if at >= size:
            return found, size + 1
        if text[at] == 0x3E:  # >
            return found, at + 1
        name = _NAME.match(text, at)
        assert name is not None, "neither blank nor slash nor the end"
        at = name.end()
        equals = _EQUALS.match(text, at)
        if equals is None:
            value = _Value(at, at, is_quoted=False)
        else:
            at = equals.end()
            quote = text[at : at + 1]
            if quote in (b'"', b"'"):
                end = text.find(quote, at + 1)
                if end < 0:
                    return found, size + 1
                value, at = _Value(at + 1, end, is_quoted=True), end + 1
            else:
                bare = _BARE.match(text, at)
                assert bare is not None, "matches anything"
                value, at = _Value(at, bare.end(), is_quoted=False), bare.end()
        found.setdefault(name[0].lower(), value)


def _link(text: bytes, attributes: dict[bytes, _Value]) -> Link | None:
    href = attributes.get(b"href")
    if href is None:
        return None
    start, end = href.start, href.end
    while start < end and text[start] in _SPACE:
        start += 1
    while end > start and text[end - 1] in _SPACE:
        end -= 1
    tags = attributes.get(b"ses:tags")
    return Link(
        start=start,
        end=end,
        is_quoted=href.is_quoted,
        is_tracked=start < end and b"ses:no-track" not in attributes,
        tags=b"" if tags is None else text[tags.start : tags.end],
    )


def unescape_attribute(text: str) -> str:
    """The value of an attribute with its character references read as browsers read them there.

    A name without its semicolon is none where `=` or a letter follows: `?a=1&copy=2` is a link with two parameters.
    """
    return _REFERENCE.sub(_character, text) if "&" in text else text


def _character(match: re.Match[str]) -> str:
    name, equals = match[1], match[2]
    whole = match[0][: len(match[0]) - len(equals)]
    if name is None:
        return html.unescape(whole) + equals
    if whole.endswith(";") and f"{name};" in html5:
        return html5[f"{name};"] + equals
    if not whole.endswith(";") and not equals and name in html5:
        return html5[name]
    return match[0]
