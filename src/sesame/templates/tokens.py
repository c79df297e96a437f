"""Cuts a template into text and tags, with white space taken off where Handlebars does.

A block, `else`, comment or partial tag that is alone on its line takes the line with it; `~` takes all
white space on its side. Source: Handlebars 4.7, "Whitespace Control".
"""

from dataclasses import dataclass

from sesame.templates.errors import TemplateSyntaxError

_BLANKS = " \t"


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
        parts.append(tag)
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
        ends = [
            (end, closer) for closer in ("--}}", "--~}}") if (end := source.find(closer, inside + 3)) >= 0
        ]
        if not ends:
            raise TemplateSyntaxError(f"{where(source, start)}: the comment is not closed")
        end, closer = min(ends)
        return Tag("!", "", start, strips_before, closer == "--~}}"), end + len(closer)
    closers = ("}}}", "}~}}") if source.startswith("{", inside) else ("}}",)
    is_triple = len(closers) == 2
    ends = [(end, closer) for closer in closers if (end := source.find(closer, inside)) >= 0]
    if not ends:
        raise TemplateSyntaxError(f"{where(source, start)}: the tag is not closed")
    end, closer = min(ends)
    body = source[inside + is_triple : end]
    strips_after = closer == "}~}}" or (not is_triple and body.endswith("~"))
    if strips_after and not is_triple:
        body = body[:-1]
    if "{{" in body:
        raise TemplateSyntaxError(f"{where(source, start)}: the tag is not closed")
    body = body.strip()
    kind = "" if is_triple or body[:1] not in tuple("#/^>!&*") else body[:1]
    if kind == "&":  # as `{{{`: nothing is escaped anyway
        kind, body = "", body[1:].strip()
    elif kind:
        body = body[1:].strip()
    return Tag(kind, body, start, strips_before, strips_after), end + len(closer)


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
