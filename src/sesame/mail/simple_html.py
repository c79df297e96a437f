"""The simple HTML of custom verification mail: which tags it may hold, and what a reader of text sees.

One pass, in time linear in the text, within bounds on tags and depth. It changes nothing: where the
images embedded as data are, and which elements are left open, is an error for whoever writes the message.
Sources: SES developer guide, "Custom verification email frequently asked questions" (allowed tags and
attributes, no comments, embedded images); HTML Living Standard, section 13.1 (syntax); RFC 2397.
"""

import base64
import binascii
import html
import re
from collections.abc import Mapping
from dataclasses import dataclass

from sesame.errors import SesameError

MOST_TAGS = 20_000
MOST_ATTRIBUTES = 50_000
DEEPEST = 100

_COMMON = frozenset({"class", "id", "style", "title"})
_PLAIN = (
    "abbr acronym address area b bdo big blockquote body br button caption center cite code col colgroup dd del"
    " dfn dir div dl dt em fieldset font form h1 h2 h3 h4 h5 h6 head hr html i img input ins kbd label legend"
    " li map menu ol optgroup option p pre q s samp select small span strike strong sub sup table tbody td"
    " textarea tfoot th thead tr tt u ul var"
)
_MORE: Mapping[str, str] = {
    "blockquote": "cite",
    "col": "span width",
    "colgroup": "span width",
    "img": "align alt height src width",
    "ol": "start type",
    "q": "cite",
    "table": "summary width",
    "td": "abbr axis colspan rowspan width",
    "th": "abbr axis colspan rowspan scope width",
    "ul": "type",
}
ALLOWED: Mapping[str, frozenset[str]] = {
    name: _COMMON | frozenset(_MORE.get(name, "").split()) for name in _PLAIN.split()
}
"""Attributes by tag."""

_VOID = frozenset({"area", "br", "col", "hr", "img", "input"})
_HOLDS_ALL = frozenset({"select", "textarea"})
"""Elements in which a browser heeds no tag but their own end."""
_CLOSED_BY_OTHERS = frozenset(
    {
        "body",
        "colgroup",
        "dd",
        "dt",
        "head",
        "html",
        "li",
        "optgroup",
        "option",
        "p",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
    }
)
"""Elements whose end tag may be left out."""
_BREAKS_LINE = _CLOSED_BY_OTHERS | {
    "address",
    "blockquote",
    "br",
    "caption",
    "center",
    "dir",
    "div",
    "dl",
    "fieldset",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "menu",
    "ol",
    "pre",
    "table",
    "ul",
}

# Atomic and possessive throughout: a text that does not match is refused without being read again. No
# possessive repeat of a group, which is wrong in CPython before 3.11.5.
_TAG_NAME = re.compile(r"<(?P<end>/?)(?P<name>[A-Za-z][A-Za-z0-9]*+)")
_ONE_MORE_ATTRIBUTE = re.compile(
    r"[ \t\n\r\f]++[^ \t\n\r\f\"'<>/=]++"
    r"(?>(?:[ \t\n\r\f]*+=[ \t\n\r\f]*+(?:\"[^\"]*+\"|'[^']*+'|[^ \t\n\r\f\"'<>=`]++))?)"
)
_TAG_END = re.compile(r"[ \t\n\r\f]*+/?>")
_OPENS = re.compile("<(?=[A-Za-z/!?])")
"""Where browsers see a tag begin; any other `<` is a sign in the text."""
_ATTRIBUTE = re.compile(
    r"(?P<name>[^ \t\n\r\f\"'<>/=]++)"
    r"(?>(?:[ \t\n\r\f]*+=[ \t\n\r\f]*+"
    r"(?:\"(?P<double>[^\"]*+)\"|'(?P<single>[^']*+)'|(?P<bare>[^ \t\n\r\f\"'<>=`]++)))?)"
)
_DOCTYPE = re.compile(r"[ \t\n\r\f]*+<!doctype html>", re.IGNORECASE)
_CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f]")
_DATA = re.compile(r"data:image/(?P<type>png|jpeg|jpg|gif);base64,(?P<data>.*+)", re.IGNORECASE | re.DOTALL)
_WEB = re.compile(r"https?://", re.IGNORECASE)


class HtmlError(SesameError, ValueError):
    """The text is not HTML that may be sent; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image embedded as data: where its URL stands in the source, its subtype, its octets."""

    start: int
    end: int
    subtype: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SimpleHtml:
    """A text that was read: `source` is what came but for the end tags of body and html, which are `tail`.

    `left_open` are the elements that `source` leaves open, the innermost first.
    """

    source: str
    tail: str
    text: str
    left_open: tuple[str, ...]
    images: tuple[Image, ...]


def read_html(whole: str) -> SimpleHtml:
    """Read and check. Raises `HtmlError` for a tag, attribute or comment that may not be, or too many."""
    if (control := _CONTROL.search(whole)) is not None:
        raise HtmlError(f"the control character U+{ord(control[0]):04X} is not allowed")
    source, tail = _without_tail(whole)
    reader = _Reader(source)
    reader.read()
    return SimpleHtml(
        source=source,
        tail=tail,
        text=_as_text("".join(reader.words)),
        left_open=tuple(reversed(reader.open)),
        images=tuple(reader.images),
    )


class _Reader:
    """One pass over a text."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._attributes = 0
        self.words: list[str] = []
        self.open: list[str] = []
        self.images: list[Image] = []

    def read(self) -> None:
        source, tags = self._source, 0
        doctype = _DOCTYPE.match(source)
        at = 0 if doctype is None else doctype.end()
        while (opening := _OPENS.search(source, at)) is not None:
            start = opening.start()
            self._say(source[at:start])
            if source[start + 1] in "!?":
                raise HtmlError("comments and declarations are not allowed")
            tag, end = _TAG_NAME.match(source, start), None
            if tag is not None:
                attributes_end = self._attributes_end(tag.end())
                end = _TAG_END.match(source, attributes_end)
            if tag is None or end is None:
                raise HtmlError(f"a tag cannot be read: {source[start : start + 40]!r}")
            tags += 1
            if tags > MOST_TAGS:
                raise HtmlError(f"there are more than {MOST_TAGS} tags")
            self._tag(tag, attributes_end)
            at = end.end()
        self._say(source[at:])

    def _say(self, text: str) -> None:
        self.words.append(text.replace("\n", " "))

    def _attributes_end(self, at: int) -> int:
        """Where the attributes end that begin at `at`."""
        while (attribute := _ONE_MORE_ATTRIBUTE.match(self._source, at)) is not None:
            self._attributes += 1
            if self._attributes > MOST_ATTRIBUTES:
                raise HtmlError(f"there are more than {MOST_ATTRIBUTES} attributes")
            at = attribute.end()
        return at

    def _tag(self, tag: re.Match[str], attributes_end: int) -> None:
        name = tag["name"].lower()
        allowed = ALLOWED.get(name)
        if allowed is None:
            raise HtmlError(f"the tag <{name[:40]}> is not allowed")
        for attribute in _ATTRIBUTE.finditer(self._source, tag.end(), attributes_end):
            self._attribute(name, allowed, attribute)
        if name in _BREAKS_LINE:
            self.words.append("\n")
        if name in _VOID or name in _CLOSED_BY_OTHERS:
            return
        if self.open and self.open[-1] in _HOLDS_ALL and not (tag["end"] and name == self.open[-1]):
            return
        if not tag["end"]:
            self.open.append(name)
            if len(self.open) > DEEPEST:
                raise HtmlError(f"elements are nested more than {DEEPEST} deep")
        elif name in self.open:
            while self.open.pop() != name:
                pass

    def _attribute(self, tag: str, allowed: frozenset[str], attribute: re.Match[str]) -> None:
        name = attribute["name"].lower()
        if name not in allowed:
            raise HtmlError(f"the attribute {name[:40]!r} of <{tag}> is not allowed")
        if tag == "img" and name in ("alt", "src"):
            group = next((group for group in ("double", "single", "bare") if attribute[group]), None)
            if group is not None and name == "alt":
                self._say(attribute[group])
            elif group is not None:
                self._image(attribute[group], attribute.start(group))

    def _image(self, url: str, start: int) -> None:
        if _WEB.match(url):
            return
        embedded = _DATA.fullmatch(url)
        if embedded is None:
            raise HtmlError(
                "the source of an image must be a http or https URL, or PNG, JPEG or GIF data in base64"
            )
        try:
            data = base64.b64decode(embedded["data"], validate=True)
        except (binascii.Error, ValueError):
            raise HtmlError("the data of an image is not base64") from None
        subtype = embedded["type"].lower().replace("jpg", "jpeg")
        self.images.append(Image(start=start, end=start + len(url), subtype=subtype, data=data))


def _without_tail(whole: str) -> tuple[str, str]:
    """The text, and the end tags of body and html that it ends with."""
    end = len(whole.rstrip())
    for tag in ("</html>", "</body>"):
        if whole[max(0, end - len(tag)) : end].lower() == tag:
            end = len(whole[: end - len(tag)].rstrip())
    return whole[:end], whole[end:]


def _as_text(words: str) -> str:
    """Lines without superfluous blanks, no two empty lines in a row."""
    lines: list[str] = []
    for line in words.split("\n"):
        line = " ".join(html.unescape(line).split())
        if line or (lines and lines[-1]):
            lines.append(line)
    return "\n".join(lines).strip()
