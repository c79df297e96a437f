"""Which cases a change of policies is refused for."""

import pytest

from sesame.identities.policy_tests import newly_broken
from sesame.policy.analysis.expectations import Broken

HOLDS: tuple[Broken, ...] = ()
UNKNOWN = (Broken(name="case", why="it is not known", is_known=False),)
BROKEN = (Broken(name="case", why="somebody may"),)


@pytest.mark.parametrize(
    ("before", "after", "is_refused"),
    [
        (HOLDS, HOLDS, False),
        (HOLDS, UNKNOWN, True),
        (HOLDS, BROKEN, True),
        (UNKNOWN, HOLDS, False),
        (UNKNOWN, UNKNOWN, False),
        (UNKNOWN, BROKEN, True),
        (BROKEN, HOLDS, False),
        (BROKEN, UNKNOWN, False),
        (BROKEN, BROKEN, False),
    ],
)
def test_a_change_is_refused_that_breaks_a_case_not_known_to_be_broken(
    before: tuple[Broken, ...], after: tuple[Broken, ...], is_refused: bool
) -> None:
    """What could not be told before does not excuse what is certain after."""
    assert [one.name for one in newly_broken(before=before, after=after)] == ["case"] * is_refused
