"""Fills a template in: scopes, values, blocks, all within bounds.

Missing or null attributes that are to be shown raise; what is only tested, iterated over or passed to a
helper may be missing. Nothing is escaped, as SES documents.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sesame.templates.errors import MissingAttribute, RenderingError, RenderingTooLarge

UNSUBSCRIBE = "amazonSESUnsubscribeUrl"
"""Left alone: list management replaces it later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How much rendering may cost."""

    steps: int = 100_000
    """Tags and pieces of text that are worked off."""
    characters: int = 10 * 1024 * 1024
    """Length of the output."""
    depth: int = 50
    """Nested blocks and partials."""


class Missing:
    """What is not there (undefined)."""


MISSING = Missing()

Node = Callable[["Scope", "Output"], None]
Expression = Callable[["Scope"], Any]
Body = Sequence[Node]


class Output:
    """What was rendered so far, and what it may still cost."""

    __slots__ = ("_bounds", "_characters", "_depth", "_steps", "parts")

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._steps = 0
        self._characters = 0
        self._depth = 0
        self.parts: list[str] = []

    def write(self, text: str) -> None:
        """Add text."""
        self.reserve(len(text))
        self.parts.append(text)

    def reserve(self, characters: int) -> None:
        """Count text that is about to be made."""
        self._characters += characters
        if self._characters > self._bounds.characters:
            raise RenderingTooLarge(f"The rendered text is longer than {self._bounds.characters} characters.")

    def run(self, body: Body, scope: "Scope") -> None:
        """Work off a body in a scope."""
        self.charge(1)
        self._depth += 1
        if self._depth > self._bounds.depth:
            raise RenderingTooLarge(f"Blocks and partials are nested more than {self._bounds.depth} deep.")
        for node in body:
            self.charge(1)
            node(scope, self)
        self._depth -= 1

    def charge(self, steps: int) -> None:
        """Count work, so that the sum of all is bounded."""
        self._steps += steps
        if self._steps > self._bounds.steps:
            raise RenderingTooLarge(f"Rendering takes more than {self._bounds.steps} steps.")

    def show(self, value: Any) -> None:
        """Add a value as JavaScript makes text of it."""
        if isinstance(value, list):
            self.write(",".join(self._items(value, 1)))
        else:
            self.write(to_text(value))

    def _items(self, values: Sequence[Any], depth: int) -> list[str]:
        """The items of a list as text; those of a list in it are joined in turn."""
        if depth > self._bounds.depth:
            raise RenderingTooLarge(f"A list is nested more than {self._bounds.depth} deep.")
        self.charge(len(values))
        return [
            ",".join(self._items(item, depth + 1)) if isinstance(item, list) else to_text(item)
            for item in values
        ]


@dataclass(slots=True)
class Scope:
    """Where names are looked up: the context, those around it, `@` variables, and partials."""

    context: Any
    parent: "Scope | None" = None
    data: Mapping[str, Any] = field(default_factory=dict)
    partials: Mapping[str, Body] = field(default_factory=dict)

    def inner(self, context: Any, **data: Any) -> "Scope":
        """A scope inside this one."""
        return Scope(context, self, {**self.data, **data} if data else self.data, self.partials)


def step(value: Any, name: str) -> Any:
    """A member of a value, or MISSING."""
    if isinstance(value, dict):
        return value.get(name, MISSING)
    if isinstance(value, list):
        if name.isascii() and name.isdigit() and len(name) < 10 and int(name) < len(value):
            return value[int(name)]
        return len(value) if name == "length" else MISSING
    return len(value) if isinstance(value, str) and name == "length" else MISSING


def to_text(value: Any) -> str:
    """A value that is not a list as JavaScript makes text of it."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case None | Missing():
            return ""
        case int() | float():
            return _number(value)
        case dict() | list():
            return "[object Object]"
        case _:
            return str(value)


def _number(value: int | float) -> str:
    """A number as JavaScript makes text of it (ECMA-262, Number::toString); both have the shortest digits."""
    try:
        number = float(value)
    except OverflowError:
        number = math.copysign(math.inf, value)
    if not math.isfinite(number):
        return "NaN" if math.isnan(number) else f"{'-' if number < 0 else ''}Infinity"
    if number == 0:
        return "0"
    sign, digits, exponent = Decimal(repr(number)).normalize().as_tuple()
    text = "".join(map(str, digits))
    point = len(text) + int(exponent)  # where it stands in the digits
    minus = "-" if sign else ""
    if len(text) <= point <= 21:
        return minus + text.ljust(point, "0")
    if 0 < point <= 21:
        return f"{minus}{text[:point]}.{text[point:]}"
    if -6 < point <= 0:
        return f"{minus}0.{'0' * -point}{text}"
    fraction = f".{text[1:]}" if len(text) > 1 else ""
    return f"{minus}{text[0]}{fraction}e{point - 1:+d}"


def is_truthy(value: Any) -> bool:
    """What `#if` takes for yes: not false, null, absent, 0, "" or an empty list."""
    if value is None or value is MISSING or value is False or value == "" or value == []:
        return False
    return not (isinstance(value, int | float) and value == 0)


def text_node(text: str) -> Node:
    """A piece of text."""

    def render(scope: Scope, out: Output) -> None:
        out.write(text)

    return render


def value_node(value: Expression, name: str, *, is_strict: bool) -> Node:
    """A value; `is_strict`: it has to be there."""

    def render(scope: Scope, out: Output) -> None:
        found = value(scope)
        if is_strict and (found is None or found is MISSING):
            raise MissingAttribute(name)
        out.show(found)

    return render


def if_node(test: Expression, body: Body, inverse: Body, include_zero: Expression | None) -> Node:
    """`#if`; `#unless` is the same with its bodies exchanged."""

    def render(scope: Scope, out: Output) -> None:
        value = test(scope)
        is_zero = not isinstance(value, bool) and isinstance(value, int | float) and value == 0
        yes = is_truthy(value) or (is_zero and include_zero is not None and is_truthy(include_zero(scope)))
        out.run(body if yes else inverse, scope)

    return render


def with_node(value: Expression, body: Body, inverse: Body) -> Node:
    """`#with`: the value becomes the context."""

    def render(scope: Scope, out: Output) -> None:
        found = value(scope)
        if is_truthy(found) or (found == 0 and not isinstance(found, bool)):
            out.run(body, scope.inner(found))
        else:
            out.run(inverse, scope)

    return render


def each_node(value: Expression, body: Body, inverse: Body) -> Node:
    """`#each` over a list or an object."""

    def render(scope: Scope, out: Output) -> None:
        iterate(value(scope), body, inverse, scope, out)

    return render


def iterate(found: Any, body: Body, inverse: Body, scope: Scope, out: Output) -> None:
    """Run `body` for each item, `inverse` when there is none."""
    items: Iterable[tuple[Any, Any]]
    match found:
        case dict():
            items = found.items()
        case list():
            items = enumerate(found)
        case _:
            items, found = (), ()
    if not found:
        out.run(inverse, scope)
    last = len(found) - 1
    for index, (key, item) in enumerate(items):
        out.run(body, scope.inner(item, index=index, key=key, first=index == 0, last=index == last))


def section_node(value: Expression, body: Body, inverse: Body) -> Node:
    """`{{#name}}`: repeats for a list, enters an object or a text, tests a boolean."""

    def render(scope: Scope, out: Output) -> None:
        found = value(scope)
        if found is True:
            out.run(body, scope)
        elif found is False or found is None or found is MISSING:
            out.run(inverse, scope)
        elif isinstance(found, list):
            iterate(found, body, inverse, scope, out)
        else:
            out.run(body, scope.inner(found))

    return render


def partials_node(partials: Mapping[str, Body], body: Body) -> Node:
    """A body with inline partials of its own."""

    def render(scope: Scope, out: Output) -> None:
        known = {**scope.partials, **partials}
        out.charge(len(known))
        out.run(body, Scope(scope.context, scope.parent, scope.data, known))

    return render


def partial_node(
    name: Expression,
    context: Expression | None,
    hash_: Mapping[str, Expression],
    *,
    fallback: Body | None,
    indent: str,
) -> Node:
    """`{{> name}}`, and `{{#> name}}` with its fallback."""

    def render(scope: Scope, out: Output) -> None:
        called = name(scope)
        body = scope.partials.get(called) if isinstance(called, str) else None
        if body is None and fallback is None:
            raise RenderingError(f"The partial {to_text(called)} could not be found.")
        inside = scope.context if context is None else context(scope)
        if hash_:
            base = inside if isinstance(inside, dict) else {}
            out.charge(len(base))
            inside = {**base, **{key: value(scope) for key, value in hash_.items()}}
        partials = scope.partials if fallback is None else {**scope.partials, "@partial-block": fallback}
        first = len(out.parts)
        out.run(body if body is not None else fallback or (), Scope(inside, scope, scope.data, partials))
        if indent:
            text = "".join(out.parts[first:])
            del out.parts[first:]
            out.reserve(len(indent) * (text.count("\n") + 1) + len(text))
            out.parts.append(_indented(text, indent))

    return render


def _indented(text: str, indent: str) -> str:
    lines = text.split("\n")
    return "\n".join(indent + line if line or at < len(lines) - 1 else line for at, line in enumerate(lines))
