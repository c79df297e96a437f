"""A received message, taken apart to be looked at. Pure; for display only: nothing is decided by what is found here.

Nothing that a message names is ever fetched: pictures that it carries (`cid:`) become `data:`, links are text.
"""

import base64
import email.parser
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from email.utils import getaddresses
from html.parser import HTMLParser

from sesame.mail.display import content_of, decoded, encodable, is_body, name_of, parse, text_of, type_of

MOST_PARTS = 500
MOST_LINKS = 100
LONGEST_LINE = 998
_PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
_CID = re.compile(r"cid:([^\"'()<>\s\\]{1,300})", re.IGNORECASE)
_AHEAD = re.compile(
    r"<(?=(?:link|meta|base|i?frame|frameset|fencedframe|portal|object|embed|applet)\b)", re.IGNORECASE
)
"""Tags for which a browser connects ahead of time, before it asks whether a policy forbids what they name (seen in
Chromium for `preconnect` and frames); what they would show is forbidden anyhow."""
_LINK = re.compile(r"<(a|area)(?=[\s/>])", re.IGNORECASE)
"""Tags for which a browser connects once they are pressed, though no frame may show what they name (seen in Chromium).
Of two attributes with one name HTML takes the first, and `href` goes before `xlink:href`."""
_NOWHERE = "http://:"
"""No address: pressing it does nothing, and it looks like a link all the same."""
_DOMAIN = re.compile(r"(?=.{1,253}\Z)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})+")
_MESSAGE_ID = re.compile(r"([0-9a-f]{16}(?:-[0-9a-f]{4,12}){5}-[0-9]{6})@")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of the tree."""

    number: int
    depth: int
    kind: str
    name: str
    size_bytes: int
    is_leaf: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Where something in the HTML leads; `text` is what a reader sees of it."""

    target: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MailView:
    """What is shown of a message."""

    subject: str
    sender: str
    fields: tuple[tuple[str, str], ...]
    """Header fields as sent, folded lines kept."""
    text: str
    html: str
    links: tuple[Link, ...]
    parts: tuple[Part, ...]
    message_id: str
    """SES's, by which the send is found; empty when the message carries none."""
    notes: tuple[str, ...]
    """What receivers may object to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """What a list shows of a message."""

    sender: str
    subject: str
    message_id: str


def headline(data: bytes) -> Headline:
    """Read the header alone."""
    message = email.parser.BytesHeaderParser().parsebytes(data)
    found = _MESSAGE_ID.search(str(message.get("Message-ID", "")))
    return Headline(
        sender=decoded(str(message.get("From", ""))),
        subject=decoded(str(message.get("Subject", ""))),
        message_id="" if found is None else found[1],
    )


def look_at(data: bytes) -> MailView:
    """Take a message apart."""
    message = parse(data)
    leaves = [part for _, part in _walk(message) if not part.is_multipart()]
    plain = next((part for part in leaves if is_body(part, "text/plain")), None)
    rich = next((part for part in leaves if is_body(part, "text/html")), None)
    html = "" if rich is None else text_of(rich)
    found = _MESSAGE_ID.search(str(message.get("Message-ID", "")))
    return MailView(
        subject=decoded(str(message.get("Subject", ""))),
        sender=decoded(str(message.get("From", ""))),
        fields=tuple((encodable(name), encodable(str(value))) for name, value in message.raw_items()),
        text="" if plain is None else text_of(plain),
        html=html,
        links=links_of(html),
        parts=tuple(_parts(message)),
        message_id="" if found is None else found[1],
        notes=tuple(_notes(message, data)),
    )


def from_domain(data: bytes) -> str:
    """The domain of the first address in From, in lower case; empty when there is none."""
    message = email.parser.BytesHeaderParser().parsebytes(data)
    found = getaddresses([str(value) for value in message.get_all("From", [])])
    domain = found[0][1].rpartition("@")[2].strip().lower() if found else ""
    return domain if _DOMAIN.fullmatch(domain) else ""


def html_page(data: bytes) -> str:
    """The HTML of a message with the pictures that it carries, to be shown in a frame without rights."""
    message = parse(data)
    leaves = [part for _, part in _walk(message) if not part.is_multipart()]
    rich = next((part for part in leaves if is_body(part, "text/html")), None)
    if rich is None:
        return ""
    pictures = {
        str(part.get("Content-ID", "")).strip().strip("<>"): part
        for part in leaves
        if part.get_content_type() in _PICTURES and part.get("Content-ID")
    }
    inert = _LINK.sub(rf'<\1 href="{_NOWHERE}"', _AHEAD.sub("<x-", text_of(rich)))
    return _CID.sub(lambda found: _picture(pictures, found), inert)


def _picture(pictures: "Mapping[str, Message[str, str]]", found: "re.Match[str]") -> str:
    part = pictures.get(found[1])
    if part is None:
        return "data:,"
    return f"data:{part.get_content_type()};base64,{base64.b64encode(content_of(part)).decode()}"


def part_at(data: bytes, number: int) -> "tuple[str, bytes] | None":
    """The name and content of a part by its number; None when there is none."""
    for position, (_, part) in enumerate(_walk(parse(data))):
        if position == number and not part.is_multipart():
            return name_of(part) or f"part-{number}", content_of(part)
    return None


def _walk(message: "Message[str, str]") -> "list[tuple[int, Message[str, str]]]":
    """Every part with its depth, in order, up to a bound."""
    found: list[tuple[int, Message[str, str]]] = []
    waiting = [(0, message)]
    while waiting and len(found) < MOST_PARTS:
        depth, part = waiting.pop()
        found.append((depth, part))
        inner = part.get_payload() if part.is_multipart() else []
        if isinstance(inner, list):
            waiting.extend((depth + 1, child) for child in reversed(inner) if isinstance(child, Message))
    return found


def _parts(message: "Message[str, str]") -> "list[Part]":
    return [
        Part(
            number=number,
            depth=min(depth, 8),
            kind=type_of(part),
            name=name_of(part),
            size_bytes=0 if part.is_multipart() else len(content_of(part)),
            is_leaf=not part.is_multipart(),
        )
        for number, (depth, part) in enumerate(_walk(message))
    ]


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[Link] = []
        self._target: str | None = None
        self._text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("a", "area"):
            self._end()
            self._target = dict(attrs).get("href") or None

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._end()

    def handle_data(self, data: str) -> None:
        if self._target is not None:
            self._text.append(data)

    def _end(self) -> None:
        if self._target is not None and len(self.found) < MOST_LINKS:
            self.found.append(
                Link(target=self._target[:2000], text=" ".join("".join(self._text).split())[:200])
            )
        self._target, self._text = None, []

    def close(self) -> None:
        super().close()
        self._end()


def links_of(html: str) -> tuple[Link, ...]:
    """Where the links of an HTML text lead."""
    reader = _Links()
    try:
        reader.feed(html)
        reader.close()
    except (AssertionError, ValueError):  # of what the reader cannot follow, what came before is shown
        pass
    return tuple(reader.found)


def _notes(message: "Message[str, str]", data: bytes) -> "list[str]":
    found = []
    longest = max((len(line.rstrip(b"\r")) for line in data.split(b"\n")), default=0)
    if longest > LONGEST_LINE:
        found.append(f"a line of {longest} octets: RFC 5322 allows {LONGEST_LINE}, servers may break it")
    if not message.get("List-Unsubscribe"):
        found.append("no List-Unsubscribe: large receivers ask for it in mail that goes to many")
    elif not message.get("List-Unsubscribe-Post"):
        found.append("List-Unsubscribe without List-Unsubscribe-Post: no one-click unsubscribe (RFC 8058)")
    for name in ("From", "Date", "Message-ID"):
        if len(message.get_all(name, [])) != 1:
            found.append(f"{len(message.get_all(name, []))} header fields {name}: RFC 5322 wants one")
    return found
