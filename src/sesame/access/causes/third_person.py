"""Causes for the operator, who is neither side: what they call `you` for a sender is the sender for it."""

import re
from dataclasses import replace

from sesame.policy.reasons.cause import Cause

_INSTEAD = (
    (r"\byou named\b", "the sender named"),
    (r"\b(to|names|lets) you\b", r"\1 the sender"),
    (r"\bor you to send\b", "or the sender to send"),
    (r"\bof your own\b", "of the sender's own"),
    (r"\bto yours\b", "to one of the sender's"),
    (r"\bask the operator, who runs\b", "run"),
    (r"\bthe operator runs\b", "run"),
)


def for_operator(cause: Cause) -> Cause:
    """A cause in words for the operator; what stands in backticks is not words."""
    mend = replace(cause.mend, text=_in_third_person(cause.mend.text))
    return replace(cause, text=_in_third_person(cause.text), mend=mend)


def _in_third_person(text: str) -> str:
    parts = text.split("`")
    for index in range(0, len(parts), 2):
        for pattern, instead in _INSTEAD:
            parts[index] = re.sub(pattern, instead, parts[index])
    return "`".join(parts)
