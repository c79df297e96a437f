"""The fuzzers' targets on their seeds, whole and cut short: no atheris needed."""

import pytest

from tests.fuzz.targets import TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_holds_on_its_seeds(name: str) -> None:
    target = TARGETS[name]
    seeds = list(target.seeds())
    assert len(seeds) >= 3
    for seed in seeds[:60]:
        target.run(seed)
        target.run(seed[: len(seed) // 2])
