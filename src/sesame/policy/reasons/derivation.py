"""The derivation of a decision: what was asked of a request, what was seen, what the answer was.

Values without behaviour, made by `evaluator` and read by people, consoles and `sentence`.
"""

from dataclasses import dataclass, field
from enum import Enum

from sesame.policy.language.document import Effect
from sesame.policy.request import Outcome, PolicyKind, Request, StatementRef

Answer = bool | None
"""Yes, no, or not understood."""


class Grant(Enum):
    """What an identity policy's Principal means for a requester of the same account."""

    DIRECT = "names the requester or everybody"
    ACCOUNT = "names the account only, which leaves the choice to IAM"


NOT_SHOWN = "(not shown)"
"""What stands for a value that is the other side's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ElementStep:
    """Principal, Action or Resource (or their Not forms) against the request."""

    element: str
    wanted: tuple[str, ...]
    seen: str
    answer: Answer
    note: str = ""
    filled: tuple[str, ...] = ()
    """Of a Resource, `wanted` with the policy's variables filled in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionStep:
    """One key under one operator; `seen` is None when the request does not carry the key."""

    operator: str
    key: str
    wanted: tuple[str, ...]
    seen: tuple[str, ...] | None
    answer: Answer
    note: str = ""
    decisive: tuple[str, ...] = ()
    """Of the values seen those that made the answer: the ones that fail, or under ForAnyValue the ones that match."""
    filled: tuple[str, ...] = ()
    """`wanted` with the policy's variables filled in."""
    unresolved: tuple[str, ...] = ()
    """The variables that the request has no single value for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementStep:
    """One statement with everything that was asked of it; `matched` decides, fail closed."""

    ref: StatementRef
    effect: Effect
    elements: tuple[ElementStep, ...]
    conditions: tuple[ConditionStep, ...]
    matched: bool
    grants: bool
    """Whether it lets the requester in by itself: an Allow that matched and does not just name the account."""
    is_by_name: bool = False
    """Whether it is such an Allow and names the user or session itself, which a permissions boundary and session
    policies do not limit."""
    text: str = field(default="", repr=False, compare=False)
    """The text of its policy."""

    @property
    def steps(self) -> tuple[ElementStep | ConditionStep, ...]:
        """Elements and conditions in the order they were asked."""
        return *self.elements, *self.conditions


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A decision with its whole derivation."""

    request: Request
    outcome: Outcome
    statements: tuple[StatementStep, ...]
    deciding: tuple[StatementRef, ...]
    """Every statement that made the outcome; the compiled decision names one of each side."""
    sentence: str
    """The one sentence that a person needs."""
    limits: tuple[PolicyKind, ...] = ()
    """Which kinds of policies limited what the requester has, whether they have a statement or not."""
