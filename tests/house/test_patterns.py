"""Regular expressions hold to what every Python that is served gets right."""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src"
# An unescaped end of a group, or of an f-string's field, with a repeat that is possessive.
_TEXT_FORM = re.compile(r"(?<!\\)(?:\\\\)*[)}](?:[*+?]|\{[0-9, ]+\})\+")
_CLASS = re.compile(r"\[\^?\]?(?:[^\]\\]|\\.)*\]", re.DOTALL)


def possessive_groups(parsed: Any) -> Iterator[Any]:
    """The possessive repeats of a parsed pattern that are of more than one character class."""
    for op, value in parsed:
        if op is sre.POSSESSIVE_REPEAT:
            item = value[2]
            if len(item) != 1 or item[0][0] not in (sre.LITERAL, sre.NOT_LITERAL, sre.IN, sre.ANY):
                yield item
        for inner in value if isinstance(value, (tuple, list)) else (value,):
            if isinstance(inner, parser.SubPattern):
                yield from possessive_groups(inner)
            elif isinstance(inner, list):
                for branch in inner:
                    if isinstance(branch, parser.SubPattern):
                        yield from possessive_groups(branch)


def is_wrong(pattern: str | bytes) -> bool:
    text = pattern if isinstance(pattern, str) else pattern.decode("latin-1")
    return any(possessive_groups(parser.parse(text)))


def patterns_of(path: Path) -> Iterator[str | bytes]:
    """What a module gives to functions of `re`, where it can be told without running them."""
    tree = ast.parse(path.read_text())
    name = ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")
    for node in ast.walk(tree):
        is_call = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and bool(node.args)
        if is_call and isinstance(node.func.value, ast.Name) and node.func.value.id == "re":  # type: ignore[attr-defined]
            argument = ast.Expression(node.args[0])  # type: ignore[attr-defined]
            try:
                pattern = eval(
                    compile(argument, str(path), "eval"), dict(vars(importlib.import_module(name)))
                )
            except NameError:
                continue  # made of what the function is given; its pieces are looked at below
            if isinstance(pattern, str | bytes):
                yield pattern


def texts_of(path: Path) -> Iterator[str]:
    """Every literal of a module; a field of an f-string stands as `(?:x)`."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
            yield node.value if isinstance(node.value, str) else node.value.decode("latin-1")


def modules() -> list[Path]:
    return sorted(path for path in SOURCE.rglob("*.py") if "re." in path.read_text())


@pytest.mark.parametrize(
    ("pattern", "wrong"),
    [
        (r"(?:a|bc)*+", True), (r"(ab)?+", True), (r"(?:ab){1,2}+c", True), (r"x(?:y(?P<n>z)++)", True),
        (r"a|(?:b|(?:cd)*+)", True), (r"(?=(?:ab)*+)", True), (rb"(?:\r\n)*+", True), (r"(?>(?:ab)++)", True),
        (r"[ab]*+", False), (r"a++", False), (r"(?>(?:ab)*)", False), (r"\)*+", False), (r"(?:[ab])*+", False),
        (r".?+", False),
    ],
)  # fmt: skip
def test_a_possessive_repeat_of_a_group_is_seen(pattern: str | bytes, wrong: bool) -> None:
    assert is_wrong(pattern) is wrong


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_no_pattern_repeats_a_group_possessively(path: Path) -> None:
    """CPython before 3.11.5 matches those wrongly (gh-106052); `(?>(?:...)*)` is right everywhere."""
    wrong = [pattern for pattern in patterns_of(path) if is_wrong(pattern)]
    wrong += [text for text in texts_of(path) if _TEXT_FORM.search(_CLASS.sub("[]", text))]
    assert wrong == []
