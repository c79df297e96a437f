"""Tests in an order of chance: what one leaves behind is found by those that were not behind it before."""

import random
from collections.abc import Iterable

import pytest


def shuffled(items: Iterable[pytest.Item], chance: random.Random) -> list[pytest.Item]:
    """Files in another order, and the tests of each in another; a file stays together, as its servers do."""
    files: dict[str, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(str(item.path), []).append(item)
    found: list[pytest.Item] = []
    for name in chance.sample(sorted(files), len(files)):
        tests = files[name]
        found += chance.sample(tests, len(tests))
    return found
