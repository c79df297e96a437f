"""The order in which tests run: by chance when that is asked for, the longest files first otherwise."""

import itertools
import random
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests import conftest
from tests.support.shuffling import shuffled


def test_files_that_take_longest_are_there() -> None:
    tests = Path(conftest.__file__).parent
    assert [name for name in conftest.LONGEST if not (tests / name).is_file()] == []
    assert len(set(conftest.LONGEST)) == len(conftest.LONGEST)


def test_a_file_stays_together_and_a_seed_gives_one_order() -> None:
    items = cast(
        "list[pytest.Item]",
        [SimpleNamespace(path=Path(f"{file}.py"), name=n) for file in "abcdef" for n in range(20)],
    )
    found: Any = shuffled(items, random.Random("7"))
    assert sorted(map(id, found)) == sorted(map(id, items)) and found != items
    files = [item.path for item in found]
    assert sum(one != other for one, other in itertools.pairwise(files)) == 5
    assert [item.name for item in found[:20]] != list(range(20))
    assert shuffled(items, random.Random("7")) == found != shuffled(items, random.Random("8"))
