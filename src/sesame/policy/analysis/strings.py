"""Is there a text that matches these patterns and not those? Exactly, with the shortest one as witness.

All patterns run together as one automaton whose states are bits of one big integer; breadth-first
search over the reachable sets of states, characters that behave alike taken once, dead ends pruned.
Worst cases are exponential, so the search has a budget. No solver, no regular expressions.
Source: the glob semantics of `language.pattern`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

from sesame.policy.language.pattern import Tokens, Wild, split_arn

BUDGET = 100_000
"""What a question may spend: a set of automaton states costs one, some ten microseconds; more if it is large."""

_FRIENDLY = "abcdefghijklmnopqrstuvwxyz0123456789-"


class BudgetExhausted(Exception):
    """The question is too large to be answered exactly in the time allowed."""


class Budget:
    """What is left to spend on a question, so that no policy can make one slow."""

    __slots__ = ("_left",)

    def __init__(self, states: int = BUDGET) -> None:
        self._left = states

    def spend(self, states: int) -> None:
        """Take from it; raises BudgetExhausted when nothing is left."""
        self._left -= states
        if self._left < 0:
            raise BudgetExhausted


@dataclass(frozen=True, slots=True)
class Atom:
    """One pattern that a text may match: whole, as an ARN part by part, or ignoring case."""

    tokens: Tokens
    is_arn: bool = False
    is_folded: bool = False


@dataclass(frozen=True, slots=True)
class _Step:
    """One position of a pattern: `character` None is a wildcard, `repeats` a star."""

    character: str | None
    repeats: bool
    crosses: bool
    folded: bool


def _steps(atom: Atom) -> list[_Step]:
    parts = [atom.tokens]
    if atom.is_arn and len(split_arn(atom.tokens)) == 6:
        parts = split_arn(atom.tokens)
    steps: list[_Step] = []
    for number, part in enumerate(parts):
        if number:
            steps.append(_Step(":", repeats=False, crosses=True, folded=False))
        crosses = len(parts) == 1 or number == 5
        for token in part:
            if isinstance(token, Wild):
                repeats = token is Wild.ANY_RUN
                steps.append(_Step(None, repeats=repeats, crosses=crosses, folded=False))
            else:
                if not isinstance(token, str):
                    raise ValueError("an atom has no variables")
                text = token.lower() if atom.is_folded else token
                steps += [_Step(c, repeats=False, crosses=True, folded=atom.is_folded) for c in text]
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
        for group in groups:
            accepting, whole = 0, 0
            for atom in group:
                accept, extent, _ = self._lay_out(atom)
                accepting |= accept
                whole |= extent
            self._groups.append((accepting, whole))
        self._forbidden = 0
        self._fatal = 0
        for atom in excluded:
            accept, _, final_star = self._lay_out(atom)
            self._forbidden |= accept
            self._fatal |= final_star
        self._stars = sum(1 << at for at, step in enumerate(self._positions) if step and step.repeats)
        self._moves = self._alphabet()

    def _lay_out(self, atom: Atom) -> tuple[int, int, int]:
        """Give the atom its bits: which accepts, all of them, and its last star if that accepts all."""
        begin = len(self._positions)
        steps = _steps(atom)
        self._positions += [*steps, None]
        self._start |= 1 << begin
        end = begin + len(steps)
        extent = ((1 << (end + 1)) - 1) & ~((1 << begin) - 1)
        last = steps[-1] if steps else None
        final_star = 1 << (end - 1) if last is not None and last.repeats and last.crosses else 0
        return 1 << end, extent, final_star

    def _alphabet(self) -> list[tuple[str, int, int]]:
        """A character for each way of behaving: (character, positions passed, stars kept)."""
        literals = {step.character for step in self._positions if step and step.character}
        folded = {c.upper() for c in literals if len(c.upper()) == 1}
        named = literals | folded | {":"}
        other = next(c for c in chain(_FRIENDLY, map(chr, range(0x4E00, 0x9FFF))) if c not in named)
        spelled, inside, across = self._takers(named)
        ways: dict[tuple[int, int], str] = {}
        for character in sorted(named | {other}, key=lambda c: (c not in _FRIENDLY, c)):
            taken = spelled.get(character, 0) | across | (0 if character == ":" else inside)
            ways.setdefault((taken & ~self._stars, taken & self._stars), character)
        return [(character, passed, kept) for (passed, kept), character in ways.items()]

    def _takers(self, named: Iterable[str]) -> tuple[dict[str, int], int, int]:
        """The positions that take each character by name, any but a colon, and any: each position looked at once."""
        alike: dict[str, list[str]] = {}
        for character in named:
            alike.setdefault(character.lower(), []).append(character)
        spelled: dict[str, int] = {}
        inside = across = 0
        for at, step in enumerate(self._positions):
            if step is None:
                continue
            if step.character is not None:
                same = alike.get(step.character, []) if step.folded else []
                for character in {step.character, *same}:
                    spelled[character] = spelled.get(character, 0) | 1 << at
            elif step.crosses:
                across |= 1 << at
            else:
                inside |= 1 << at
        return spelled, inside, across

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
        came: dict[int, tuple[int, str]] = {start: (start, "")}
        layer = [start]
        cost = 1 + len(self._moves) * (1 + len(self._positions) // 1024) // 32
        while layer:
            budget.spend(len(layer) * cost)
            following: list[int] = []
            for states in layer:
                for character, passed, kept in self._moves:
                    reached = self._close((states & passed) << 1 | states & kept)
                    if reached in came or not self._is_alive(reached):
                        continue
                    came[reached] = states, character
                    if self._is_found(reached):
                        return self._trace(came, reached)
                    following.append(reached)
            layer = following
        return None

    def _trace(self, came: dict[int, tuple[int, str]], states: int) -> str:
        text: list[str] = []
        while came[states][1]:
            states, character = came[states]
            text.append(character)
        return "".join(reversed(text))
