"""Wildcards and policy variables: the text of an Action, Resource or condition value, taken apart.

A pattern is a row of tokens: literal text, ANY_RUN for `*`, ANY_ONE for `?`, and `Variable`. Without
variables it becomes a `Glob`, which is matched in linear time: no regular expression, no
backtracking. Matching is by code point and case-sensitive; fold both sides for the rest. Sources:
IAM user guide, "policy variables" and "resource element"; AWS's rule that `${*}`, `${?}` and `${$}`
are the characters themselves.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache


class Wild(Enum):
    """The two wildcards."""

    ANY_RUN = "*"
    ANY_ONE = "?"


@dataclass(frozen=True, slots=True)
class Variable:
    """`${key}` or `${key, 'default'}`; `key` is folded to lower case, `written` is as it stands in the text."""

    key: str
    default: str | None
    written: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Malformed:
    """A `${` that begins no variable; the whole pattern is then not understood."""

    text: str


Token = str | Wild | Variable | Malformed
Tokens = tuple[Token, ...]
_LITERALS = {"*", "?", "$"}


@lru_cache(maxsize=1024)  # one question reads each pattern several times
def tokenize(text: str, *, variables: bool, wildcards: bool = True) -> Tokens:
    """Take a pattern apart; with `variables` as in version 2012-10-17, with `wildcards` as in Like."""
    tokens: list[Token] = []
    rest = text
    while variables and "${" in rest:
        before, _, after = rest.partition("${")
        body, closed, rest = after.partition("}")
        tokens += _wild(before) if wildcards else [before]
        tokens.append(_variable(body) if closed else Malformed("${" + body))
    tokens += _wild(rest) if wildcards else [rest]
    return joined(tokens)


def literally(text: str, *, wildcards: bool = True) -> str:
    """How a policy of version 2012-10-17 says a text and nothing else, with `wildcards` where it is read as in Like.

    Whoever puts what a request carried into a policy needs it: senders choose their addresses and names, and
    `*@example.com` is an address. In a policy of the older version what is escaped matches nothing that it should not.
    """
    if not wildcards:
        return text.replace("${", "${$}{")
    return "".join(f"${{{character}}}" if character in _LITERALS else character for character in text)


def _wild(text: str) -> list[Token]:
    if "*" not in text and "?" not in text:
        return [text]
    tokens: list[Token] = []
    start = 0
    for at, character in enumerate(text):
        if character in "*?":
            tokens += [text[start:at], Wild(character)]
            start = at + 1
    return [*tokens, text[start:]]


def _variable(body: str) -> Token:
    if body in _LITERALS:
        return body
    key, comma, default = body.partition(",")
    key, default = key.strip(), default.strip()
    if not key or set(key) & set("'\"${ *?"):
        return Malformed("${" + body + "}")
    if not comma:
        return Variable(key.lower(), None, key)
    if len(default) >= 2 and default[0] == default[-1] == "'" and "'" not in default[1:-1]:
        return Variable(key.lower(), default[1:-1], key)
    return Malformed("${" + body + "}")


def joined(tokens: Iterable[Token]) -> Tokens:
    """Neighbouring texts made one, empty ones and repeated stars dropped."""
    row: list[Token] = []
    for token in tokens:
        last = row[-1] if row else None
        if isinstance(token, str) and isinstance(last, str):
            row[-1] = last + token
        elif token != "" and not (token is Wild.ANY_RUN and last is Wild.ANY_RUN):
            row.append(token)
    return tuple(row)


def is_malformed(tokens: Tokens) -> bool:
    """Whether the pattern holds a `${` that is not a variable."""
    return any(isinstance(token, Malformed) for token in tokens)


def substitute(tokens: Tokens, lookup: Callable[[str], str | tuple[str, ...] | None]) -> Tokens | None:
    """The pattern with its variables' values as literal text; None when one has not a single value.

    The default is for a key that the request does not carry, not for one with several values.
    """
    filled: list[Token] = []
    for token in tokens:
        if isinstance(token, Malformed):
            return None
        if isinstance(token, Variable):
            value = lookup(token.key)
            if value is None:
                value = token.default
            if not isinstance(value, str):
                return None
            token = value
        filled.append(token)
    return joined(filled)


Chunk = tuple[str | Wild, ...]
"""What stands between two stars: literal text and ANY_ONE."""


class Shape(Enum):
    """What a glob comes down to; the compiler has a fast test for each but GENERAL."""

    ALL = "*"
    EXACT = "text"
    PREFIX = "text*"
    SUFFIX = "*text"
    AFFIX = "text*text"
    CONTAINS = "*text*"
    GENERAL = "anything else"


class Glob:
    """A pattern without variables, ready to match whole texts.

    Time is linear in the text for patterns of `*`, and linear in the text times pattern length / 64
    where `?` is used: chunks between stars are searched left to right, each one once.
    """

    __slots__ = ("_first", "_last", "_middle", "_open", "prefix", "shape", "suffix")

    def __init__(self, tokens: Tokens) -> None:
        chunks: list[Chunk] = [()]
        for token in tokens:
            if token is Wild.ANY_RUN:
                chunks.append(())
            elif isinstance(token, str) or token is Wild.ANY_ONE:
                chunks[-1] += (token,)
            else:
                raise ValueError("a glob has no variables")
        self._open = len(chunks) > 1
        self._first = chunks[0]
        self._last = chunks[-1] if self._open else ()
        self._middle = tuple(_searcher(chunk) for chunk in chunks[1:-1])
        literals = [_literal(chunk) for chunk in chunks]
        self.prefix = literals[0] or ""
        self.suffix = literals[-1] or ""
        self.shape = _shape(literals)
        if self.shape is Shape.CONTAINS:
            self.prefix = literals[1] or ""

    def matches(self, text: str) -> bool:
        """Whether the whole of `text` matches."""
        start, end = _width(self._first), len(text) - _width(self._last)
        if start > end or not _stands_at(self._first, text, 0):
            return False
        if not self._open:
            return start == len(text)
        if not _stands_at(self._last, text, end):
            return False
        for search in self._middle:
            start = search(text, start, end)
            if start < 0:
                return False
        return True


def glob(text: str) -> Glob:
    """The glob that `text` spells, without variables."""
    return Glob(tokenize(text, variables=False))


def _literal(chunk: Chunk) -> str | None:
    if not chunk:
        return ""
    return chunk[0] if len(chunk) == 1 and isinstance(chunk[0], str) else None


def _shape(literals: list[str | None]) -> Shape:
    match literals:
        case [str()]:
            return Shape.EXACT
        case ["", ""]:
            return Shape.ALL
        case [str(), ""]:
            return Shape.PREFIX
        case ["", str()]:
            return Shape.SUFFIX
        case [str(), str()]:
            return Shape.AFFIX
        case ["", str(), ""]:
            return Shape.CONTAINS
        case _:
            return Shape.GENERAL


def _width(chunk: Chunk) -> int:
    return sum(len(part) if isinstance(part, str) else 1 for part in chunk)


def _stands_at(chunk: Chunk, text: str, at: int) -> bool:
    for part in chunk:
        if isinstance(part, str):
            if not text.startswith(part, at):
                return False
            at += len(part)
        else:
            at += 1
    return at <= len(text)


Search = Callable[[str, int, int], int]
"""(text, start, end) → offset after the first place where the chunk stands, or -1."""


def _searcher(chunk: Chunk) -> Search:
    literal = _literal(chunk)
    if literal is not None:
        return _find_literal(literal)
    return _find_masked(chunk)


def _find_literal(literal: str) -> Search:
    width = len(literal)

    def search(text: str, start: int, end: int) -> int:
        at = text.find(literal, start, end)
        return -1 if at < 0 else at + width

    return search


def _find_masked(chunk: Chunk) -> Search:
    """Shift-And over the chunk's positions: bit i of the state says that i + 1 characters stand here."""
    width = _width(chunk)
    anything = 0
    masks: dict[str, int] = {}
    at = 0
    for part in chunk:
        for character in part if isinstance(part, str) else (None,):
            if character is None:
                anything |= 1 << at
            else:
                masks[character] = masks.get(character, 0) | 1 << at
            at += 1
    masks = {character: mask | anything for character, mask in masks.items()}
    complete = 1 << (width - 1)

    def search(text: str, start: int, end: int) -> int:
        state = 0
        for offset in range(start, end):
            state = (state << 1 | 1) & masks.get(text[offset], anything)
            if state & complete:
                return offset + 1
        return -1

    return search


class ArnPattern:
    """An ARN with wildcards, compared part by part (ArnLike) or as a Resource element.

    `crossing` is the Resource rule: a `*` that ends a part may run on across later colons. Without
    it the six parts are compared one by one, the last taking the remaining colons.
    """

    __slots__ = ("_crossing", "_parts")

    def __init__(self, tokens: Tokens, *, crossing: bool) -> None:
        self._crossing = crossing
        self._parts = [(Glob(part), part[-1:] == (Wild.ANY_RUN,)) for part in split_arn(tokens)]

    @property
    def is_complete(self) -> bool:
        """Whether all six parts of an ARN are spelled out."""
        return len(self._parts) == 6

    def matches(self, text: str) -> bool:
        """Whether the whole of `text` matches."""
        fields = text.split(":", 5) if not self._crossing else text.split(":")
        if not self._crossing:
            return len(fields) == len(self._parts) and all(
                part.matches(field) for (part, _), field in zip(self._parts, fields, strict=True)
            )
        starts = {0}
        *leading, (last, last_runs_on) = self._parts
        for part, runs_on in leading:
            here = [at for at in starts if at < len(fields) and part.matches(fields[at])]
            if not here:
                return False
            starts = {at + 1 for at in here}
            if runs_on:
                starts = set(range(min(here) + 1, len(fields) + 1))
        ends = [at for at in starts if at < len(fields)]
        if self.is_complete:
            return any(last.matches(":".join(fields[at:])) for at in ends)
        return any(last.matches(fields[at]) and (last_runs_on or at == len(fields) - 1) for at in ends)


def split_arn(tokens: Tokens) -> list[Tokens]:
    """The parts between the first five colons of literal text; fewer when the pattern has fewer."""
    parts: list[list[Token]] = [[]]
    for token in tokens:
        if not isinstance(token, str):
            parts[-1].append(token)
            continue
        first, *others = token.split(":", 6 - len(parts))
        parts[-1].append(first)
        parts.extend([text] for text in others)
    return [joined(part) for part in parts]
