"""Wildcards and variables."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sesame.policy.language.globset import GlobSet
from sesame.policy.language.pattern import (
    ArnPattern,
    Glob,
    Malformed,
    Shape,
    Variable,
    Wild,
    glob,
    is_malformed,
    substitute,
    tokenize,
)

PATTERNS = st.text(alphabet="ab?*:", max_size=8)
TEXTS = st.text(alphabet="ab:é\n", max_size=10)


def as_regex(pattern: str) -> re.Pattern[str]:
    """The obvious meaning, for short patterns."""
    return re.compile("".join({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in pattern), re.DOTALL)


@given(PATTERNS, TEXTS)
def test_a_glob_matches_what_the_obvious_regex_matches(pattern: str, text: str) -> None:
    assert glob(pattern).matches(text) is bool(as_regex(pattern).fullmatch(text))


@given(st.lists(PATTERNS, max_size=6), TEXTS)
def test_many_globs_together_match_what_one_of_them_matches(patterns: list[str], text: str) -> None:
    together = GlobSet([tokenize(pattern, variables=False) for pattern in patterns])
    assert together.matches(text) is any(glob(pattern).matches(text) for pattern in patterns)


@given(PATTERNS, TEXTS)
def test_the_shape_of_a_glob_says_how_it_matches(pattern: str, text: str) -> None:
    matcher = glob(pattern)
    match matcher.shape:
        case Shape.ALL:
            assert matcher.matches(text)
        case Shape.EXACT:
            assert matcher.matches(text) is (text == matcher.prefix)
        case Shape.PREFIX:
            assert matcher.matches(text) is text.startswith(matcher.prefix)
        case Shape.SUFFIX:
            assert matcher.matches(text) is text.endswith(matcher.suffix)
        case Shape.CONTAINS:
            assert matcher.matches(text) is (matcher.prefix in text)
        case Shape.AFFIX:
            both = text.startswith(matcher.prefix) and text.endswith(matcher.suffix)
            assert matcher.matches(text) is (both and len(text) >= len(matcher.prefix + matcher.suffix))
        case Shape.GENERAL:
            pass


@pytest.mark.parametrize(
    ("pattern", "shape"),
    [
        ("", Shape.EXACT),
        ("*", Shape.ALL),
        ("***", Shape.ALL),
        ("ab", Shape.EXACT),
        ("ab*", Shape.PREFIX),
        ("*ab", Shape.SUFFIX),
        ("a*b", Shape.AFFIX),
        ("*a*", Shape.CONTAINS),
        ("a?", Shape.GENERAL),
        ("a*b*c", Shape.GENERAL),
        ("*?*", Shape.GENERAL),
    ],
)
def test_shapes(pattern: str, shape: Shape) -> None:
    assert glob(pattern).shape is shape


def test_chunks_with_question_marks_follow_each_other_closely() -> None:
    assert glob("*?a*b*").matches("aab")
    assert glob("*a?*c*").matches("axc")
    assert glob("*a?*?c*").matches("abbc")
    assert not glob("*a?*?c*").matches("abc")


def test_only_star_and_question_mark_are_special() -> None:
    assert glob("marketing+.*@example.com").matches("marketing+.x@example.com")
    assert not glob("marketing+.*@example.com").matches("marketinggg@example.com")
    assert glob("[ab]").matches("[ab]")
    assert not glob("[ab]").matches("a")
    assert glob("a\\*").matches("a\\b")
    assert glob("?").matches("😀")


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("*a" * 1000 + "b", "a" * 300 + "c"),
        ("a*" * 2000, "a" * 3000),
        ("*" + "a?" * 100 + "*b", "a" * 2000),
        ("*?a" * 60 + "*c", "a" * 2000),
    ],
)
def test_star_bombs_are_answered_within_50_ms(pattern: str, text: str) -> None:
    matcher = glob(pattern)
    best = 1.0
    for _ in range(3):
        started = time.thread_time()
        matcher.matches(text)
        best = min(best, time.thread_time() - started)
    assert best < 0.05


def test_variables_and_literals() -> None:
    tokens = tokenize("a${*}${?}${$}b*${AWS:UserName}?${k, 'd f'}", variables=True)
    assert tokens == (
        "a*?$b",
        Wild.ANY_RUN,
        Variable("aws:username", None),
        Wild.ANY_ONE,
        Variable("k", "d f"),
    )
    assert tokenize("${a}*", variables=False) == ("${a}", Wild.ANY_RUN)
    assert tokenize("a*${a}*", variables=True, wildcards=False) == ("a*", Variable("a", None), "*")


@pytest.mark.parametrize(
    "text", ["${", "${a", "${}", "${a b}", "${a, d}", "${a, 'd}", "${a, ''d''}", "${${a}}", "${a,}", "${'a'}"]
)
def test_what_begins_no_variable_is_malformed(text: str) -> None:
    tokens = tokenize(text, variables=True)
    assert is_malformed(tokens)
    assert substitute(tokens, lambda key: "x") is None


def test_substitution_is_literal() -> None:
    tokens = tokenize("${who}@*", variables=True)
    assert substitute(tokens, lambda key: "*") == ("*@", Wild.ANY_RUN)
    assert substitute(tokens, lambda key: None) is None
    assert substitute(tokenize("${who, 'me'}", variables=True), lambda key: None) == ("me",)
    assert substitute(tokenize("${who, ''}", variables=True), lambda key: None) == ()


def test_a_glob_has_no_variables() -> None:
    with pytest.raises(ValueError, match="no variables"):
        Glob((Variable("a", None),))
    with pytest.raises(ValueError, match="no variables"):
        Glob((Malformed("${"),))
    with pytest.raises(ValueError, match="no variables"):
        GlobSet([(Variable("a", None),)])


RESOURCE = "arn:aws:ses:us-east-1:111111111111:identity/example.com"


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        (RESOURCE, True),
        ("arn:aws:ses:us-east-1:*", True),
        ("arn:aws:ses:*", True),
        ("arn:*", True),
        ("*", True),
        ("arn:aws:ses:*:identity/example.com", True),
        ("arn:aws:ses:us-*-1:111111111111:identity/*", True),
        ("arn:aws:ses:us-*1:111111111111:identity/*", True),
        ("arn:aws:ses:u*s:111111111111:identity/*", False),
        ("arn:aws:ses:us-east-1:111111111111", False),
        ("arn:aws:ses:us-east-?:1?1111111111:identity/ex*.com", True),
        ("arn:aws:ses:us-east-1?111111111111:identity/example.com", False),
        ("arn:aws:ses:us-*-1:111111111111", False),
        ("abc*", False),
    ],
)
def test_a_star_that_ends_a_part_of_a_resource_crosses_colons(pattern: str, matches: bool) -> None:
    tokens = tokenize(pattern, variables=False)
    assert ArnPattern(tokens, crossing=True).matches(RESOURCE) is matches


def test_the_last_part_of_a_resource_takes_the_remaining_colons() -> None:
    def matches(pattern: str, text: str) -> bool:
        return ArnPattern(tokenize(pattern, variables=False), crossing=True).matches(text)

    assert matches("arn:aws:sns:*:1:topic?x", "arn:aws:sns:r:1:topic:x")
    assert matches("arn:aws:sns:*:1:a*c", "arn:aws:sns:r:1:a:b:c")
    assert not matches("arn:aws:sns:*:1:a*c", "arn:aws:sns:r:1:a:b:d")


def test_a_resource_that_is_no_arn_is_matched_as_text() -> None:
    assert ArnPattern(tokenize("a?c*", variables=False), crossing=True).matches("abcfoo")
    assert ArnPattern(tokenize("a?c", variables=False), crossing=True).matches("abc")
    assert not ArnPattern(tokenize("a:*:c:d:e:f:g", variables=False), crossing=True).matches("a:b")


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("arn:aws:iam::1:user/*", "arn:aws:iam::1:user/a/b:c", True),
        ("arn:aws:s:*:1:finance/*", "arn:aws:s:us-east-2:9:store/abc:1:finance/d", False),
        ("arn:aws:iam::*:user/a", "arn:aws:iam::1:user/a", True),
        ("arn:aws:iam::1:user/a", "arn:aws:iam::1:user/A", False),
        ("arn:aws:iam::1", "arn:aws:iam::1", True),
        ("*", "arn:aws:iam::1:user/a", False),
    ],
)
def test_an_arn_operator_compares_part_by_part(pattern: str, text: str, matches: bool) -> None:
    assert ArnPattern(tokenize(pattern, variables=False), crossing=False).matches(text) is matches


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("*a?b*", "zbxb", False),
        ("*a?b*", "zaxb", True),
        ("*a?b*", "xb", False),
        ("*a?b*a?b*", "axbxb", False),
        ("*a?b*a?b*", "axbaxb", True),
        ("*a*b*", "ab", True),
        ("*a*b*", "ba", False),
        ("*?b*c", "bc", False),
        ("*?b*c", "bbc", True),
    ],
)
def test_a_chunk_with_a_question_mark_stands_whole_between_stars(
    pattern: str, text: str, *, expected: bool
) -> None:
    assert glob(pattern).matches(text) is expected


def test_a_variable_may_have_any_letter_in_its_key() -> None:
    [variable] = tokenize("${aws:PrincipalTag/XyZ, 'X'}", variables=True)
    assert variable == Variable("aws:principaltag/xyz", "X")


def test_a_glob_alone_has_no_variables() -> None:
    assert glob("${a}*").matches("${a}b")


def test_a_star_that_runs_on_does_not_run_back() -> None:
    pattern = ArnPattern(tokenize("a*:*", variables=False), crossing=True)
    assert not pattern.matches("abc")
    assert pattern.matches("abc:")
    assert pattern.matches("a:b:c")


@pytest.mark.parametrize(
    "text", ["${k, ''b'}", "${k, 'b''}", "${k, 'a'b'}", "${k, '}", "${k, b}", "${k,}", "${k, 'b}"]
)
def test_a_default_is_one_text_in_quotes(text: str) -> None:
    assert is_malformed(tokenize(text, variables=True))
    assert tokenize("${k, ''}", variables=True) == (Variable("k", ""),)
