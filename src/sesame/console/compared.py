"""Two texts compared line by line, as pages show it."""

import difflib
import json
from itertools import islice

MOST_LINES = 400
"""Of each text; comparing takes the square of it at worst."""

Difference = tuple[tuple[str, str], ...]
"""Lines with their mark: `+`, `-`, `@` where lines are left out, or a blank."""


def difference(before: str, after: str) -> Difference:
    """What of the one became what of the other, with two lines around; longer texts as far as they are compared."""
    one, other = lines(before)[:MOST_LINES], lines(after)[:MOST_LINES]
    found = difflib.unified_diff(one, other, lineterm="", n=2)
    return tuple((line[:1], line[1:]) for line in islice(found, 2, None))  # the first two name files


def lines(text: str) -> list[str]:
    """A text's lines; JSON of a single line is laid out."""
    if "\n" not in text and text[:1] in ("{", "["):
        try:
            return json.dumps(json.loads(text), indent=2, ensure_ascii=False).splitlines()
        except ValueError:
            return [text]
    return text.splitlines()
