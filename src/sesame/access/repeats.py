"""Decisions that repeat: mostly a message asks what the one before it asked, but for its recipients and the time.

What was answered is the answer again while every epoch that it rests on is that of what is cached (`directory`); the
accept transaction compares those epochs in any case (I4). What may be kept is its user's to say. It decides nothing.
"""

from collections import OrderedDict
from collections.abc import Hashable, Mapping
from typing import Generic, Protocol, TypeVar

from sesame.access.directory import Directory

MOST_KEPT = 4_096
"""Answers that are kept; those that were not asked for longest go first."""


class Answer(Protocol):
    """What rests on epochs."""

    @property
    def epochs(self) -> Mapping[str, int]:
        """By scope."""


A = TypeVar("A", bound=Answer)


class Repeats(Generic[A]):
    """Keeps answers by their question, which must hold all that they depend on beside what epochs cover."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._answers: OrderedDict[Hashable, A] = OrderedDict()

    def find(self, question: Hashable) -> A | None:
        """The answer that was kept, if what it rests on has not moved."""
        answer = self._answers.get(question)
        if answer is None:
            return None
        if not self._directory.holds(answer.epochs):
            del self._answers[question]
            return None
        self._answers.move_to_end(question)
        return answer

    def keep(self, question: Hashable, answer: A) -> None:
        """Keep an answer for the next time."""
        self._answers[question] = answer
        if len(self._answers) > MOST_KEPT:
            self._answers.popitem(last=False)
