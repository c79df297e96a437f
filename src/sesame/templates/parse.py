"""Reads templates: tags to expressions and nested bodies, compiled to functions once.

Supported are values, `#if`, `#unless`, `#each`, `#with`, sections, `else` chains, `lookup`, `log`, inline
partials and comments. Block parameters, raw blocks, decorators other than `inline` and helpers of one's own
are refused when the template is read.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sesame.templates import render as to
from sesame.templates.errors import TemplateSyntaxError
from sesame.templates.render import MISSING, Body, Bounds, Expression, Node, Output, Scope
from sesame.templates.tokens import Tag, Text, tokens, where

_ATOM = re.compile(
    r"""\s*(?:(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<open>\()|(?P<close>\))"""
    r"""|(?P<key>[^\s"'()=\[\]|]+)=|(?P<word>(?:[^\s"'()=\[\]|]|\[[^\]]*\])+)|(?P<end>$))"""
)
_SEGMENT = re.compile(r"""\[([^\]]*)\]|([^\s!"#%&'()*+,./;<=>@\[\\\]^`{|}~]+)""")
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_BLOCKS = ("if", "unless", "each", "with")
_HELPERS = ("lookup", "log")
_MOST_NESTED = 50


@dataclass(frozen=True, slots=True)
class Template:
    """A template that was read."""

    body: Body

    def render(self, data: Mapping[str, Any], bounds: Bounds | None = None) -> str:
        """The text with `data` (a JSON object) filled in.

        Raises `MissingAttribute`, `RenderingTooLarge` and `RenderingError`.
        """
        context = dict(data)
        out = Output(bounds or Bounds())
        out.run(self.body, Scope(context, None, {"root": context}))
        return "".join(out.parts)


def compile_template(source: str, *, only_values: bool = False) -> Template:
    """Read a template; with `only_values` blocks and partials are refused. Raises `TemplateSyntaxError`."""
    reader = _Reader(source, only_values=only_values)
    return Template(reader.read())


@dataclass(frozen=True, slots=True)
class _Call:
    """What stands in a tag: a name with arguments."""

    name: str
    is_quoted: bool
    arguments: tuple[Expression, ...]
    hash: Mapping[str, Expression]


class _Reader:
    """Reads one template."""

    def __init__(self, source: str, *, only_values: bool) -> None:
        self._source = source
        self._only_values = only_values
        self._tokens = tokens(source)
        self._at = 0

    def read(self) -> Body:
        """The whole template."""
        body, end = self._body(0)
        if end is not None:
            raise self._error(end, "nothing is open that could be closed here")
        return body

    def _error(self, tag: Tag, what: str) -> TemplateSyntaxError:
        return TemplateSyntaxError(f"{where(self._source, tag.at)}: {what}")

    def _body(self, depth: int) -> tuple[Body, Tag | None]:
        """Nodes up to an `else` or a closing tag, which is returned with them."""
        nodes: list[Node] = []
        partials: dict[str, Body] = {}
        end: Tag | None = None
        while self._at < len(self._tokens):
            token = self._tokens[self._at]
            self._at += 1
            if isinstance(token, Text):
                if token.text:
                    nodes.append(to.text_node(token.text))
                continue
            if depth > _MOST_NESTED:
                raise self._error(token, f"blocks are nested more than {_MOST_NESTED} deep")
            if token.kind == "/" or token.is_else or (token.kind == "^" and not token.body):
                end = token
                break
            if token.kind == "#" and token.body.startswith("*"):
                name, body = self._inline(token, depth)
                partials[name] = body
            elif token.kind != "!":
                nodes.append(self._node(token, depth))
        return ((to.partials_node(partials, tuple(nodes)),) if partials else tuple(nodes)), end

    def _node(self, tag: Tag, depth: int) -> Node:
        if tag.kind and self._only_values:
            raise self._error(tag, "only simple substitution is supported here")
        match tag.kind:
            case "":
                return self._value(tag)
            case ">":
                call = self._call(tag, tag.body)
                return self._partial(call, fallback=None, indent=tag.indent)
            case "#" if tag.body.startswith(">"):
                call = self._call(tag, tag.body[1:].strip())
                body, _ = self._closed_body(tag, call.name, depth)
                return self._partial(call, fallback=body, indent="")
            case "#":
                return self._block(tag, tag.body, depth, is_inverted=False)
            case "^":
                return self._block(tag, tag.body, depth, is_inverted=True)
            case _:
                raise self._error(tag, "this kind of tag is not supported")

    def _value(self, tag: Tag) -> Node:
        call = self._call(tag, tag.body)
        if not call.arguments and not call.hash and (call.name not in _HELPERS or call.is_quoted):
            if call.name == to.UNSUBSCRIBE:
                return to.text_node("{{" + call.name + "}}")
            return to.value_node(self._word(tag, call.name), call.name, is_strict=True)
        if self._only_values:
            raise self._error(tag, "only simple substitution is supported here")
        return to.value_node(self._helper(tag, call), call.name, is_strict=False)

    def _helper(self, tag: Tag, call: _Call) -> Expression:
        match call.name:
            case "lookup" if len(call.arguments) == 2:
                of, name = call.arguments
                return lambda scope: to.step(of(scope), to.to_text(name(scope)))
            case "log":
                return lambda scope: MISSING
        raise self._error(tag, f'there is no helper "{call.name}" with these arguments')

    def _block(self, tag: Tag, header: str, depth: int, *, is_inverted: bool) -> Node:
        call = self._call(tag, header)
        body, inverse = self._bodies(tag, call.name, depth)
        return self._block_node(tag, call, *((inverse, body) if is_inverted else (body, inverse)))

    def _block_node(self, tag: Tag, call: _Call, body: Body, inverse: Body) -> Node:
        if call.name not in _BLOCKS:
            if call.arguments or call.hash:
                raise self._error(tag, f'there is no helper "{call.name}"')
            return to.section_node(self._word(tag, call.name), body, inverse)
        if len(call.arguments) != 1:
            raise self._error(tag, f"#{call.name} takes exactly one argument")
        value = call.arguments[0]
        match call.name:
            case "if":
                return to.if_node(value, body, inverse, call.hash.get("includeZero"))
            case "unless":
                return to.if_node(value, inverse, body, call.hash.get("includeZero"))
            case "each":
                return to.each_node(value, body, inverse)
            case _:
                return to.with_node(value, body, inverse)

    def _bodies(self, tag: Tag, name: str, depth: int) -> tuple[Body, Body]:
        """What a block has before and after its `else`."""
        body, end = self._body(depth + 1)
        if end is None:
            raise self._error(tag, f"the block {name} is not closed")
        inverse: Body = ()
        if end.is_else or end.kind == "^":
            chained = end.body[len("else") :].strip() if end.is_else else ""
            if chained:
                # `else if` is a block inside the else, closed by the tag that closes the outer one.
                call = self._call(end, chained)
                if call.name not in _BLOCKS:
                    raise self._error(end, f'"else {call.name}" is not supported')
                return body, (
                    self._block_node(end, call, *self._bodies(replace_at(end, tag), name, depth + 1)),
                )
            inverse, end = self._body(depth + 1)
            if end is None:
                raise self._error(tag, f"the block {name} is not closed")
        if end.kind != "/" or end.body != name:
            raise self._error(end, f"expected the end of {name}")
        return body, inverse

    def _closed_body(self, tag: Tag, name: str, depth: int) -> tuple[Body, Tag]:
        body, end = self._body(depth + 1)
        if end is None or end.kind != "/" or end.body != name:
            raise self._error(end or tag, f"the block {name} is not closed")
        return body, end

    def _inline(self, tag: Tag, depth: int) -> tuple[str, Body]:
        if self._only_values:
            raise self._error(tag, "only simple substitution is supported here")
        call = self._call(tag, tag.body[1:].strip())
        if call.name != "inline" or len(call.arguments) != 1:
            raise self._error(tag, "the only decorator is inline, with one name")
        name = call.arguments[0](Scope({}))
        if not isinstance(name, str):
            raise self._error(tag, "the name of an inline partial is a text in quotes")
        body, _ = self._closed_body(tag, "inline", depth)
        return name, body

    def _partial(self, call: _Call, *, fallback: Body | None, indent: str) -> Node:
        name = call.name
        context = call.arguments[0] if call.arguments else None
        return to.partial_node(lambda scope: name, context, call.hash, fallback=fallback, indent=indent)

    # Expressions

    def _call(self, tag: Tag, text: str) -> _Call:
        call, at = self._read_call(tag, text, 0, depth=0)
        if text[at:].strip():
            raise self._error(tag, f"`{text[at:].strip()[:40]}` is not understood")
        return call

    def _read_call(self, tag: Tag, text: str, at: int, *, depth: int) -> tuple[_Call, int]:
        """A name with its arguments, up to the end or a closing parenthesis."""
        if depth > 10:
            raise self._error(tag, "expressions are nested more than 10 deep")
        name, is_quoted = "", False
        arguments: list[Expression] = []
        hash_: dict[str, Expression] = {}
        key: str | None = None
        while True:
            match = _ATOM.match(text, at)
            if match is None:
                raise self._error(tag, f"`{text[at:].strip()[:40]}` is not understood")
            kind = match.lastgroup
            if kind in ("end", "close") and key is None:
                break
            at = match.end()
            if kind == "key" and key is None and name:
                key = match["key"]
                continue
            if kind == "string":
                value, word = _constant(_unquoted(match["string"])), _unquoted(match["string"])
            elif kind == "open" and name:
                call, at = self._read_call(tag, text, at, depth=depth + 1)
                closing = _ATOM.match(text, at)
                if closing is None or closing.lastgroup != "close":
                    raise self._error(tag, "a parenthesis is not closed")
                at = closing.end()
                value, word = self._helper(tag, call), ""
            elif kind == "word":
                word = match["word"]
                value = self._word(tag, word)
            else:
                raise self._error(tag, f"`{text.strip()[:40]}` is not understood")
            if key is not None:
                hash_[key], key = value, None
            elif name:
                arguments.append(value)
            else:
                name, is_quoted = word, kind == "string"
        if not name:
            raise self._error(tag, "the tag is empty")
        return _Call(name, is_quoted, tuple(arguments), hash_), at

    def _word(self, tag: Tag, word: str) -> Expression:
        match word:
            case "true" | "false":
                return _constant(word == "true")
            case "null" | "undefined":
                return _constant(None)
        if _NUMBER.fullmatch(word):
            return _constant(float(word) if "." in word else int(word[:20]))
        try:
            return _path(word)
        except ValueError:
            raise self._error(tag, f"`{word[:40]}` is not a name") from None


def replace_at(tag: Tag, outer: Tag) -> Tag:
    """The tag of an `else if`, for messages about the block that it goes on with."""
    return replace(tag, at=outer.at)


def _constant(value: Any) -> Expression:
    return lambda scope: value


def _unquoted(text: str) -> str:
    quote = text[0]
    return text[1:-1].replace("\\" + quote, quote)


def _path(path: str) -> Expression:
    """The function that follows a path; raises ValueError for what is none."""
    up = 0
    rest = path
    is_data = rest.startswith("@")
    rest = rest.removeprefix("@")
    while rest == ".." or rest.startswith("../"):
        up += 1
        rest = rest[3:]
    for here in ("this", "."):
        if rest == here:
            rest = ""
        elif rest.startswith((here + "/", here + ".") if here == "this" else ("./",)):
            rest = rest[len(here) + 1 :]
    names = _segments(rest)

    def look_up(scope: Scope) -> Any:
        at: Scope | None = scope
        for _ in range(up):
            at = None if at is None else at.parent
        if at is None:
            return MISSING
        value: Any = dict(at.data) if is_data else at.context
        for name in names:
            value = to.step(value, name)
            if value is MISSING or value is None:
                return value if name is names[-1] else MISSING
        return value

    return look_up


def _segments(path: str) -> tuple[str, ...]:
    names: list[str] = []
    at = 0
    while at < len(path):
        match = _SEGMENT.match(path, at)
        if match is None:
            raise ValueError(path)
        names.append(match[1] if match[2] is None else match[2])
        at = match.end()
        if at < len(path):
            if path[at] not in "./" or at + 1 == len(path):
                raise ValueError(path)
            at += 1
    return tuple(names)
