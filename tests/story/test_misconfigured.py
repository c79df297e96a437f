"""Set-ups that people report as not working: cause and mend, in the first place looked at, and the mend works."""

import re

import pytest

from tests.story.misconfigured import accounts, conditions, naming, principals
from tests.story.misconfigured.world import CASES, OWNER_CANARY, SENDER_CANARY, Case, World
from tests.support.process import SesameProcess

MODULES = (naming, principals, conditions, accounts)


def missing(wanted: tuple[str, ...], text: str, names: dict[str, str]) -> list[str]:
    """What is wanted and not said; `|` separates wordings of which one is enough."""
    said = re.sub(r"\s+", " ", text).lower()
    return [
        each for each in wanted if not any(w.format(**names).lower() in said for w in each.split("|"))
    ]


def test_there_are_sixty_set_ups_or_more() -> None:
    """Not counting those that repeat another for the second reader."""
    assert len(CASES) >= 60 and len({case.name for case in CASES}) == len(CASES) and all(MODULES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_reader_is_told_the_cause_and_a_mend_that_works(case: Case, sesame: SesameProcess) -> None:
    """The first cause has the code, says what is wrong and what to do, keeps the other side's half, and is right."""
    world = World(sesame)
    steps = case.play(world)
    refused = world.refusal(next(steps))
    text, causes = world.told(refused, case.reader)
    print(refused.text, text, sep="\n")
    assert causes, f"nothing is said of {refused}"
    first = causes[0]
    assert first["code"] in case.code.split("|"), text
    assert missing(case.says, str(first["cause"]), world.names) == [], text
    assert missing(case.mend, str(first["mend"]["text"]), world.names) == [], text
    other = SENDER_CANARY if case.reader == "owner" else OWNER_CANARY
    assert other not in text + str(causes), text
    assert world.refusal(next(steps)).text == "accepted" or case.name.endswith("smtp"), "the mend did not help"
