"""Is there a text that matches these patterns and not those? Exactly, with the shortest one as witness.

All patterns run together as one automaton whose states are bits of one big integer; breadth-first
search over the reachable sets of states, characters that behave alike taken once, dead ends pruned.
Worst cases are exponential, so the search has a budget. No solver, no regular expressions.
Source: the glob semantics of `language.pattern`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

from sesame.policy.language.pattern import Token, Tokens, Wild, split_arn

BUDGET = 100_000
"""What a question may spend: a set of automaton states costs one, some ten microseconds; more if it is large."""

_FRIENDLY = "abcdefghijklmnopqrstuvwxyz0123456789-"
LOWER, UPPER, DIGITS, MARKS = (
    "abcdefghijklmnopqrstuvwxyz",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "0123456789",
    "+=,.@_-",
)
HEXADECIMAL = "abcdef0123456789"
_CELLS = ("abcdef", "ghijklmnopqrstuvwxyz", UPPER, DIGITS, "+=,@_-", ".", "/", ":")
"""What every `Class` is made of: one character of a cell that no pattern names stands for the rest of it."""


class BudgetExhausted(Exception):
    """The question is too large to be answered exactly in the time allowed."""


class OutOfTime(BudgetExhausted):
    """The deadline of the whole call has passed."""


def _never() -> bool:
    return False


class Budget:
    """What is left to spend on a question, so that no policy can make one slow.

    `is_late` is asked whenever something is spent: whether the caller's deadline has passed.
    """

    __slots__ = ("_is_late", "_left", "spent")

    def __init__(self, states: int = BUDGET, *, is_late: Callable[[], bool] = _never) -> None:
        self._left = states
        self._is_late = is_late
        self.spent = 0

    def spend(self, states: int) -> None:
        """Take from it; raises BudgetExhausted when nothing is left, OutOfTime past the deadline."""
        self._left -= states
        self.spent += states
        if self._left < 0:
            raise BudgetExhausted
        self.check()

    def check(self) -> None:
        """Raise OutOfTime past the deadline."""
        if self._is_late():
            raise OutOfTime


@dataclass(frozen=True, slots=True)
class Class:
    """One of these characters, or with `repeats` any number of them."""

    characters: str
    repeats: bool = False


@dataclass(frozen=True, slots=True)
class Atom:
    """One pattern that a text may match: whole, as an ARN part by part, or ignoring case.

    With `before` and `after` it is a pattern for a part of the text, which has none of the characters `barred`.
    """

    tokens: tuple[Token | Class, ...]
    is_arn: bool = False
    is_folded: bool = False
    before: Tokens = ()
    after: Tokens = ()
    barred: str = ""


@dataclass(frozen=True, slots=True)
class _Step:
    """One position of a pattern: a character, or one of `allowed` (None: any) but of `barred`; `repeats` a star."""

    character: str | None
    repeats: bool = False
    barred: str = ""
    allowed: str | None = None
    folded: bool = False

    @property
    def takes_all(self) -> bool:
        return self.character is None and self.repeats and not self.barred and self.allowed is None


def _steps(atom: Atom) -> list[_Step]:
    plain = tuple(token for token in atom.tokens if not isinstance(token, Class))
    parts: list[tuple[Token | Class, ...]] = [atom.tokens]
    if atom.is_arn and len(split_arn(plain)) == 6:
        parts = [*split_arn(plain)]
    steps = _steps_of(atom.before, "", folded=False)
    for number, part in enumerate(parts):
        if number:
            steps.append(_Step(":"))
        barred = atom.barred if len(parts) == 1 or number == 5 else ":"
        steps += _steps_of(part, barred, folded=atom.is_folded)
    return steps + _steps_of(atom.after, "", folded=False)


def _steps_of(tokens: Sequence[Token | Class], barred: str, *, folded: bool) -> list[_Step]:
    steps: list[_Step] = []
    for token in tokens:
        if isinstance(token, Wild):
            steps.append(_Step(None, repeats=token is Wild.ANY_RUN, barred=barred))
        elif isinstance(token, Class):
            steps.append(_Step(None, repeats=token.repeats, allowed=token.characters))
        elif isinstance(token, str):
            text = token.lower() if folded else token
            steps += [_Step(character, folded=folded) for character in text]
        else:
            raise ValueError("an atom has no variables")
    return steps


def find_text(groups: Sequence[Iterable[Atom]], excluded: Iterable[Atom], budget: Budget) -> str | None:
    """A shortest text that matches an atom of every group and none of `excluded`; None if there is none.

    Raises BudgetExhausted.
    """
    search = _Search([tuple(group) for group in groups], tuple(excluded))
    return search.run(budget)


class _Search:
    """The joint automaton of one question."""

    def __init__(self, groups: Sequence[tuple[Atom, ...]], excluded: tuple[Atom, ...]) -> None:
        self._positions: list[_Step | None] = []
        self._start = 0
        self._groups: list[tuple[int, int]] = []
        self._laid_out: list[list[list[_Step]]] = []
        for group in groups:
            accepting, whole = 0, 0
            self._laid_out.append([])
            for atom in group:
                begin = len(self._positions)
                accept, extent, _ = self._lay_out(atom)
                accepting |= accept
                whole |= extent
                self._laid_out[-1].append([step for step in self._positions[begin:] if step is not None])
            self._groups.append((accepting, whole))
        self._forbidden = 0
        self._fatal = 0
        for atom in excluded:
            accept, _, final_star = self._lay_out(atom)
            self._forbidden |= accept
            self._fatal |= final_star
        self._stars = sum(1 << at for at, step in enumerate(self._positions) if step and step.repeats)

    def _lay_out(self, atom: Atom) -> tuple[int, int, int]:
        """Give the atom its bits: which accepts, all of them, and its last star if that accepts all."""
        begin = len(self._positions)
        steps = _steps(atom)
        self._positions += [*steps, None]
        self._start |= 1 << begin
        end = begin + len(steps)
        extent = ((1 << (end + 1)) - 1) & ~((1 << begin) - 1)
        last = steps[-1] if steps else None
        final_star = 1 << (end - 1) if last is not None and last.takes_all else 0
        return 1 << end, extent, final_star

    def _alphabet(self) -> list[tuple[str, int, int]]:
        """A character for each way of behaving: (character, positions passed, stars kept)."""
        literals = {step.character for step in self._positions if step and step.character}
        barred = {character for step in self._positions if step for character in step.barred}
        folded = {c.upper() for c in literals if len(c.upper()) == 1}
        named = literals | folded | barred
        if any(step and step.allowed is not None for step in self._positions):
            named |= {c for cell in _CELLS for c in [*(c for c in cell if c not in named)][:1]}
        other = next(c for c in chain(_FRIENDLY, map(chr, range(0x4E00, 0x9FFF))) if c not in named)
        if any(step and step.allowed is not None and other in step.allowed for step in self._positions):
            named.add(other)
            other = next(c for c in map(chr, range(0x4E00, 0x9FFF)) if c not in named)
        spelled, wild = self._takers(named)
        ways: dict[tuple[int, int], str] = {}
        for character in sorted(named | {other}, key=lambda c: (c not in _FRIENDLY, c)):
            taken = spelled.get(character, 0)
            for (bar, allowed), positions in wild.items():
                if character not in bar and (allowed is None or character in allowed):
                    taken |= positions
            ways.setdefault((taken & ~self._stars, taken & self._stars), character)
        return [(character, passed, kept) for (passed, kept), character in ways.items()]

    def _takers(self, named: Iterable[str]) -> tuple[dict[str, int], dict[tuple[str, str | None], int]]:
        """The positions that take each character by name, and those of each kind of wildcard."""
        alike: dict[str, list[str]] = {}
        for character in named:
            alike.setdefault(character.lower(), []).append(character)
        spelled: dict[str, int] = {}
        wild: dict[tuple[str, str | None], int] = {}
        for at, step in enumerate(self._positions):
            if step is None:
                continue
            if step.character is not None:
                same = alike.get(step.character, []) if step.folded else []
                for character in {step.character, *same}:
                    spelled[character] = spelled.get(character, 0) | 1 << at
            else:
                kind = step.barred, step.allowed
                wild[kind] = wild.get(kind, 0) | 1 << at
        return spelled, wild

    def _close(self, states: int) -> int:
        """With every star also what follows it; stars never stand side by side."""
        return states | (states & self._stars) << 1

    def _is_alive(self, states: int) -> bool:
        return not states & self._fatal and all(states & whole for _, whole in self._groups)

    def _is_found(self, states: int) -> bool:
        return not states & self._forbidden and all(states & accepting for accepting, _ in self._groups)

    def run(self, budget: Budget) -> str | None:
        """Breadth first, so that the witness is a shortest one."""
        start = self._close(self._start)
        if not self._is_alive(start):
            return None
        if self._is_found(start):
            return ""
        budget.spend(1 + len(self._positions) // 1024)
        if (straight := self._straight(start)) is not None:
            return straight
        came: dict[int, tuple[int, str]] = {start: (start, "")}
        layer = [start]
        moves = self._alphabet()
        cost = 1 + len(moves) * (1 + len(self._positions) // 1024) // 32
        while layer:
            budget.spend(len(layer) * cost)
            following: list[int] = []
            for states in layer:
                for character, passed, kept in moves:
                    reached = self._close((states & passed) << 1 | states & kept)
                    if reached in came or not self._is_alive(reached):
                        continue
                    came[reached] = states, character
                    if self._is_found(reached):
                        return self._trace(came, reached)
                    following.append(reached)
            layer = following
        return None

    def _straight(self, start: int) -> str | None:
        """A text that follows one pattern, with nothing or one character for its stars, where none can be shorter.

        A text is at least as long as the shortest that a group's patterns leave. Where those are spelled out and fail,
        none is of that length, and one that is longer by a character is a shortest one.
        """
        lengths = [
            min(sum(not step.repeats for step in steps) for steps in group) for group in self._laid_out
        ]
        shortest = max(lengths, default=0)
        for group, length in zip(self._laid_out, lengths, strict=True):
            patterns = [steps for steps in group if sum(not step.repeats for step in steps) == shortest]
            if length != shortest or any(
                not step.repeats and step.character is None for steps in patterns for step in steps
            ):
                continue
            texts = [self._filled(steps, None) for steps in patterns]
            texts += [
                self._filled(steps, at) for steps in patterns for at, step in enumerate(steps) if step.repeats
            ]
            return next((text for text in texts if self._is_found(self._after(start, text))), None)
        return None

    @staticmethod
    def _filled(steps: Sequence[_Step], at: int | None) -> str:
        """A pattern's text with nothing for its stars, but for that at `at`."""
        return "".join(
            step.character or (_FRIENDLY[0] if place == at else "") for place, step in enumerate(steps)
        )

    def _after(self, states: int, text: str) -> int:
        """The states that a text leads to."""
        spelled, wild = self._takers(set(text))
        for character in text:
            taken = spelled.get(character, 0)
            for (barred, allowed), positions in wild.items():
                if character not in barred and (allowed is None or character in allowed):
                    taken |= positions
            states = self._close((states & taken & ~self._stars) << 1 | states & taken & self._stars)
        return states

    def _trace(self, came: dict[int, tuple[int, str]], states: int) -> str:
        text: list[str] = []
        while came[states][1]:
            states, character = came[states]
            text.append(character)
        return "".join(reversed(text))
