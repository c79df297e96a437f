"""Capitals that make the difference: values that a text of a policy would match in other letters, patterns respelt."""

from collections.abc import Iterable, Sequence

from sesame.policy.language.pattern import glob
from sesame.policy.language.vocabulary import Compare, Family, read_operator
from sesame.policy.reasons.derivation import ConditionStep


def differing_in_case(
    condition: ConditionStep, seen: Iterable[str], wanted: Sequence[str]
) -> tuple[str, ...]:
    """Those of the values that were seen that a condition misses for the case of letters alone."""
    comparison = read_operator(condition.operator).comparison
    is_met = condition.answer is True
    if comparison.family is Family.NULL or comparison.negated is not is_met:
        return ()
    is_like = comparison.family is Family.STRING and comparison.compare is Compare.LIKE
    return tuple(
        value for value in seen if any(in_other_letters(text, value, is_like=is_like) for text in wanted)
    )


def in_other_letters(text: str, value: str, *, is_like: bool) -> bool:
    """Whether a text of a policy matches a value in other letters, and not in its own."""
    if is_like:
        return glob(text.lower()).matches(value.lower()) and not glob(text).matches(value)
    return text != value and text.lower() == value.lower() != ""


def respelt(text: str, value: str) -> str | None:
    """A pattern in the letters of a value which it matches in others; None where that cannot be said."""
    if "${" in text or len(text.lower()) != len(text) or len(value.lower()) != len(value):
        return None
    first, *others = text.split("*")
    if not others:
        return _in_letters(first, value) if len(first) == len(value) else None
    *middle, last = others
    at, end = len(first), len(value) - len(last)
    made = [_in_letters(first, value)]
    for chunk in middle:
        size = len(chunk)
        found = (n for n in range(at, end - size + 1) if _fits(chunk, value[n : n + size]))
        start = next(found, None)
        if start is None:
            return None
        made.append(_in_letters(chunk, value[start : start + size]))
        at = start + size
    new = "*".join([*made, _in_letters(last, value[max(end, 0) :])])
    return new if new.lower() == text.lower() and glob(new).matches(value) else None


def _in_letters(chunk: str, value: str) -> str:
    return "".join(own if own == "?" else seen for own, seen in zip(chunk, value[: len(chunk)], strict=False))


def _fits(chunk: str, value: str) -> bool:
    pairs = zip(chunk, value, strict=True)
    return all(own == "?" or own.lower() == seen.lower() for own, seen in pairs)
