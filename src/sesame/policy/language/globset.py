"""Many globs at once: one pass over the text, however many there are.

All patterns run together as one automaton whose states are the bits of one big integer, so a list of
hundreds of patterns costs little more than one; a single pattern is faster as a `pattern.Glob`.
"""

from collections.abc import Sequence

from sesame.policy.language.pattern import Tokens, Wild


class GlobSet:
    """Patterns without variables, of which one shall match the whole text."""

    __slots__ = ("_accepting", "_anything", "_passing", "_stars", "_start")

    def __init__(self, patterns: Sequence[Tokens]) -> None:
        passing: dict[str, int] = {}
        self._anything = self._stars = self._start = self._accepting = 0
        bit = 1
        for tokens in patterns:
            self._start |= bit
            for token in tokens:
                if token is Wild.ANY_RUN:
                    self._stars |= bit
                    bit <<= 1
                elif token is Wild.ANY_ONE:
                    self._anything |= bit
                    bit <<= 1
                elif isinstance(token, str):
                    for character in token:
                        passing[character] = passing.get(character, 0) | bit
                        bit <<= 1
                else:
                    raise ValueError("a glob has no variables")
            self._accepting |= bit
            bit <<= 1
        self._passing = {character: bits | self._anything for character, bits in passing.items()}

    def matches(self, text: str) -> bool:
        """Whether the whole of `text` matches one of the patterns."""
        passing, anything, stars = self._passing, self._anything, self._stars
        states = self._start | (self._start & stars) << 1
        for character in text:
            states = (states & passing.get(character, anything)) << 1 | states & stars
            states |= (states & stars) << 1
        return states & self._accepting != 0
