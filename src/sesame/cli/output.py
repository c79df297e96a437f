"""How commands print: JSON or text, as they were asked to."""

import argparse
import datetime
import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from sesame.cli.terminal import one_line

if TYPE_CHECKING:
    from sesame.admin.accounts import Keys
    from sesame.admin.services import ServiceKeys

One = TypeVar("One")


def print_json(value: object) -> None:
    """Print one JSON document."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def done(args: argparse.Namespace, sentence: str, **json: object) -> int:
    """Say what was done; in JSON that it was, or the values `json`. The exit status."""
    if args.json:
        print_json(json or {"done": True})
    else:
        print(sentence)
    return 0


def print_access_key(args: argparse.Namespace, keys: "Keys | ServiceKeys", *, of: str, owner: str) -> int:
    """Print a fresh key and its secret; it is `owner`'s, which JSON has under `of`. The exit status."""
    if args.json:
        print_json(
            {of: owner, "access_key_id": keys.access_key_id, "secret_access_key": keys.secret_access_key}
        )
    else:
        print(f"{of.removesuffix('_id'):18} {owner}")
        print(f"access key id      {keys.access_key_id}")
        print(f"secret access key  {keys.secret_access_key}   (shown only once)")
    return 0


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows in columns."""
    cells = [[one_line(cell) for cell in row] for row in (headings, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def print_list(
    args: argparse.Namespace,
    found: Sequence[One],
    *,
    as_json: Callable[[One], object],
    headings: Sequence[str],
    row: Callable[[One], Sequence[str]],
    nothing: str = "",
) -> int:
    """Print what was found: a list in JSON, else a table, or the sentence `nothing` in its place. The exit status."""
    if args.json:
        print_json([as_json(one) for one in found])
    elif found or not nothing:
        print_table(headings, [row(one) for one in found])
    else:
        print(nothing)
    return 0


def when(at: float) -> str:
    """A time for people: UTC, to the second."""
    return datetime.datetime.fromtimestamp(at, datetime.UTC).strftime("%Y-%m-%d %H:%M:%SZ")
