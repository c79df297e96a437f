"""Cuts a template into text and tags, with white space taken off where Handlebars does.

A block, `else`, comment or partial tag that is alone on its line takes the line with it; `~` takes all
white space on its side. Source: Handlebars 4.7, "Whitespace Control".
"""

import re
from dataclasses import dataclass

from sesame.templates.errors import TemplateSyntaxError

_BLANKS = " \t"
_END, _TRIPLE_END = re.compile(r"(~?)\}\}"), re.compile(r"\}(~?)\}\}")
_LONG_COMMENT_END = re.compile(r"--(~?)\}\}")


MOST_TAGS, MOST_CHARACTERS = 20_000, 4096
"""So that reading a template takes a bounded time; SES's own limit is the size of the template."""

OPEN_TRACKER = "{{ses:openTracker}}"
"""No tag but text: delivery puts the picture there by which opens are followed (SES developer guide)."""


@dataclass(slots=True)
class Tag:
    """One `{{…}}`. `kind` is its first sign (`#`, `/`, `^`, `>`, `!`) or "" for a value; `at` its offset."""

    kind: str
    body: str
    at: int
    strips_before: bool
    strips_after: bool
    indent: str = ""

    @property
    def stands_alone(self) -> bool:
        """Whether a line of its own vanishes with it."""
        return bool(self.kind) or self.is_else

    @property
    def is_else(self) -> bool:
        """`{{else}}`, `{{else if …}}`."""
        return not self.kind and (self.body == "else" or self.body.startswith(("else ", "else\t", "else\n")))


@dataclass(slots=True)
class Text:
    """What stands between tags."""

    text: str


Token = Tag | Text


def tokens(source: str) -> list[Token]:
    """The tokens of a template. Raises `TemplateSyntaxError`."""
    parts = _cut(source)
    _drop_lines_of_lone_tags(parts)
    for at, part in enumerate(parts):
        if isinstance(part, Tag):
            if part.strips_before and at and isinstance(before := parts[at - 1], Text):
                before.text = before.text.rstrip()
            if part.strips_after and at + 1 < len(parts) and isinstance(after := parts[at + 1], Text):
                after.text = after.text.lstrip()
    return parts


def where(source: str, at: int) -> str:
    """A place for people."""
    line = source.count("\n", 0, at) + 1
    return f"line {line}, column {at - source.rfind(chr(10), 0, at)}"


def _cut(source: str) -> list[Token]:
    parts: list[Token] = []
    position = 0
    if source.count("{{") > MOST_TAGS:
        raise TemplateSyntaxError(f"a template has at most {MOST_TAGS} tags")
    if source.count(OPEN_TRACKER) > 1:
        raise TemplateSyntaxError(f"a template has {OPEN_TRACKER} once at most")
    while (start := source.find("{{", position)) >= 0:
        slashes = 0
        while start - slashes > position and source[start - slashes - 1] == "\\":
            slashes += 1
        if slashes == 1:  # \{{ shows the tag as it is, up to the next one
            end = source.find("{{", start + 2)
            end = len(source) if end < 0 else end
            parts.append(Text(source[position : start - 1] + source[start:end]))
            position = end
            continue
        text = source[position : start - slashes] + "\\" * max(0, slashes - 1)
        if text:
            parts.append(Text(text))
        tag, position = _read_tag(source, start)
        parts.append(Text(OPEN_TRACKER) if source[start:position] == OPEN_TRACKER else tag)
    if position < len(source):
        parts.append(Text(source[position:]))
    return parts


def _read_tag(source: str, start: int) -> tuple[Tag, int]:
    """The tag that begins at `start`, and where it ends."""
    inside = start + 2
    strips_before = source.startswith("~", inside)
    inside += strips_before
    if source.startswith("{{", inside) and not strips_before:
        raise TemplateSyntaxError(f"{where(source, start)}: raw blocks ({{{{{{{{) are not supported")
    if source.startswith("!--", inside):
        closer = _LONG_COMMENT_END.search(source, inside + 3)
        if closer is None:
            raise TemplateSyntaxError(f"{where(source, start)}: the comment is not closed")
        return Tag("!", "", start, strips_before, closer[1] == "~"), closer.end()
    is_triple = source.startswith("{", inside)
    is_comment = source.startswith("!", inside)
    closer = (_TRIPLE_END if is_triple else _END).search(source, inside)
    if closer is None:
        raise TemplateSyntaxError(f"{where(source, start)}: the tag is not closed")
    strips_after = closer[1] == "~"
    if closer.start() - inside > MOST_CHARACTERS and not is_comment:
        raise TemplateSyntaxError(f"{where(source, start)}: a tag has at most {MOST_CHARACTERS} characters")
    body = source[inside + is_triple : closer.start()]
    if "{{" in body and not is_comment:
        raise TemplateSyntaxError(f"{where(source, start)}: the tag is not closed")
    body = body.strip()
    kind = "" if is_triple or body[:1] not in tuple("#/^>!&*") else body[:1]
    if kind == "&":  # as `{{{`: nothing is escaped anyway
        kind, body = "", body[1:].strip()
    elif kind:
        body = body[1:].strip()
    return Tag(kind, body, start, strips_before, strips_after), closer.end()


def _drop_lines_of_lone_tags(parts: list[Token]) -> None:
    """Which tags are alone is seen in the text as written, then all lines go at once."""
    lone = [at for at, part in enumerate(parts) if isinstance(part, Tag) and _is_alone(parts, at)]
    for at in lone:
        tag = parts[at]
        assert isinstance(tag, Tag)
        if at and isinstance(before := parts[at - 1], Text):
            kept = before.text.rstrip(_BLANKS)
            if tag.kind == ">":
                tag.indent = before.text[len(kept) :]
            before.text = kept
        if at + 1 < len(parts) and isinstance(after := parts[at + 1], Text):
            rest = after.text.lstrip(_BLANKS)
            after.text = rest[2:] if rest.startswith("\r\n") else rest.removeprefix("\n")


def _is_alone(parts: list[Token], at: int) -> bool:
    tag = parts[at]
    assert isinstance(tag, Tag)
    if not tag.stands_alone:
        return False
    before = parts[at - 1] if at else None
    after = parts[at + 1] if at + 1 < len(parts) else None
    if before is not None:
        if not isinstance(before, Text):
            return False
        head = before.text.rstrip(_BLANKS)
        if not head.endswith("\n") and not (head == "" and at == 1):
            return False
    if after is None:
        return True
    if not isinstance(after, Text):
        return False
    rest = after.text.lstrip(_BLANKS)
    return rest.startswith(("\n", "\r\n")) or (rest == "" and at + 2 == len(parts))
