"""Strict JSON with places."""

import time

import pytest

from sesame.policy import PolicyError
from sesame.policy.language.source import Number, Source, pointer


def refusal(text: str, max_bytes: int = 100_000) -> PolicyError:
    with pytest.raises(PolicyError) as caught:
        Source(text, max_bytes=max_bytes)
    return caught.value


def test_numbers_keep_their_spelling() -> None:
    assert Source('[10.0, 1e2, "1"]', max_bytes=99).root == ["10.0", "1e2", "1"]
    root = Source("[1]", max_bytes=99).root
    assert isinstance(root, list)
    assert isinstance(root[0], Number)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a": 1, "a": 2}', "`a` is given twice"),
        ('{"b": {"a": 1, "c": 0, "a": 2}}', "`a` is given twice"),
        ("[NaN]", "`NaN` is not a JSON number"),
        ("[-Infinity]", "`-Infinity` is not a JSON number"),
        ("[123456789012345678901]", "a number of 21 characters"),
        ("[" * 50_000, "nested deeper than 64"),
        ("[" * 70 + "]" * 70, "nested deeper than 64"),
        ('["\\ud800"]', "lone surrogate"),
        ('"\\ud800"', "lone surrogate"),
        ('{"\\udfff": 1}', "lone surrogate"),
        ('["\ud800"]', "lone surrogate"),
        ("[1,]", "not JSON"),
        ("", "not JSON"),
        ("\ufeff{}", "not JSON"),
        ('"a\nb"', "not JSON"),
    ],
)
def test_what_is_no_strict_json_is_refused(text: str, said: str) -> None:
    assert said in refusal(text).message


def test_length_counts_utf8_bytes() -> None:
    Source('"é"', max_bytes=4)
    assert "longer than 3 bytes" in refusal('"é"', 3).message
    assert "longer than 3 bytes" in refusal('"aaaa"', 3).message


def test_errors_carry_line_column_and_pointer() -> None:
    error = refusal('{\n  "a": [1,\n    "\\ud800"]\n}')
    assert (error.line, error.column, error.path) == (3, 5, "/a/1")
    assert error.message.startswith("line 3, column 5 `/a/1`: ")
    syntax = refusal('{\n "a" 1}')
    assert (syntax.line, syntax.column, syntax.path) == (2, 6, "")


def test_positions_are_found_past_every_kind_of_value() -> None:
    text = '{"a\\"b": {"x": [1, {"y": "}"}, [ ]]}, "c" : [true, null, 2.5]}'
    source = Source(text, max_bytes=999)
    assert source.position(("c", 2)) == (1, text.index("2.5") + 1)
    assert source.position(('a"b', "x", 1, "y")) == (1, text.index('"}"') + 1)


def test_a_step_that_is_not_there_points_at_what_was_reached() -> None:
    source = Source('{"a": [1], "b": 2}', max_bytes=99)
    assert source.position(("z",)) == (1, 1)
    assert source.position(("a", 5)) == (1, 7)
    assert source.position(("b", 0)) == (1, 17)
    assert source.position(("b", "x")) == (1, 17)
    assert Source("[]", max_bytes=9).position((0,)) == (1, 1)


def test_pointers_escape_as_rfc_6901_says() -> None:
    assert pointer(("a/b", 0, "m~n")) == "/a~1b/0/m~0n"


@pytest.mark.parametrize(
    "text",
    [
        "[" * 131_072,
        '{"a":' * 20_000,
        "{" + ",".join(f'"{n}":0' for n in range(15_000)) + ',"0":1}',
        "[" + "1," * 15_000 + "1]",
        '"' + "\\u0041" * 20_000,
        " " * 131_000 + "x",
    ],
)
def test_hostile_text_is_answered_within_50_ms(text: str) -> None:
    best = 1.0
    for _ in range(3):
        started = time.thread_time()
        try:
            Source(text, max_bytes=131_072)
        except PolicyError:
            pass
        best = min(best, time.thread_time() - started)
    assert best < 0.05
