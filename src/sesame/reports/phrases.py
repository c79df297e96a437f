"""Phrases in a text that people or programs wrote: how they are noted, and one search for them.

A phrase is words that follow each other, `*` where up to 120 characters may stand between; Latin words match
from their beginning, not within another. Letter case, line ends and runs of blanks make no difference.

INVARIANT: the time is within a bound for each phrase and character; nothing backtracks.
"""

import re
from dataclasses import dataclass

_WORD = re.compile(r"[^\W_]+")

SAID_LIMIT = 16_384  # characters of a text in which phrases are looked for
_GAP = 120  # characters that `*` may stand for


@dataclass(frozen=True, slots=True)
class Phrase:
    """The pieces of a phrase in order, and its first word if that is known to end: most texts lack it."""

    pieces: tuple[str, ...]
    first_word: str


Phrases = tuple[Phrase, ...]


class Said:
    """A text to be searched for phrases: its first SAID_LIMIT characters, in lower case, with single blanks."""

    def __init__(self, text: str) -> None:
        self._text = " ".join(text[:SAID_LIMIT].lower().replace("\u2019", "'").split())
        self._words = frozenset(_WORD.findall(self._text))

    def has_any(self, phrases: Phrases) -> bool:
        """Is one of the phrases in the text?"""
        words = self._words
        return any(
            _has(self._text, phrase.pieces)
            for phrase in phrases
            if not phrase.first_word or phrase.first_word in words
        )


def compile_phrases(listed: str) -> Phrases:
    """Phrases from a text that parts them by `|`."""
    compiled = []
    for phrase in listed.split("|"):
        pieces = tuple(" ".join(phrase.lower().split()).split("*"))
        word = _WORD.match(pieces[0])
        ends = word is not None and word[0].isascii() and word.end() < len(pieces[0])
        compiled.append(Phrase(pieces, word[0] if word and ends else ""))
    return tuple(compiled)


def _has(text: str, pieces: tuple[str, ...]) -> bool:
    first, *rest = pieces
    at = _find(text, first, 0, len(text))
    while at >= 0:
        end = at + len(first)
        for piece in rest:
            found = _find(text, piece, end, end + _GAP + len(piece))
            if found < 0:
                break
            end = found + len(piece)
        else:
            return True
        at = _find(text, first, at + 1, len(text))
    return False


def _find(text: str, piece: str, at: int, end: int) -> int:
    """Where a piece stands, at the beginning of a word if it begins with a Latin letter; or -1."""
    at = text.find(piece, at, end)
    while at > 0 and piece[0].isascii() and piece[0].isalnum() and text[at - 1].isalnum():
        at = text.find(piece, at + 1, end)
    return at
