"""Set-ups that people report as not working: cause and mend, in the first place looked at, and the mend works."""

import re
from collections.abc import Iterator

import pytest

from tests.story.misconfigured import accounts, conditions, naming, principals
from tests.story.misconfigured.world import CASES, OWNER_CANARY, SENDER_CANARY, Case, World
from tests.support.process import SesameProcess, running

MODULES = (naming, principals, conditions, accounts)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SesameProcess]:
    """A server that publishes no DNS records by itself, so that identities stay pending."""
    environ = {
        "SESAME_DNS__AUTO_PUBLISH": "false",
        "SESAME_SUBMISSION__FAILURE_DELAY_S": "0.05",
        "SESAME_ACCOUNTS__REFUSAL_STEP_S": "0.002",
    }
    with running(tmp_path_factory.mktemp("misconfigured") / "data", **environ) as process:
        yield process


def missing(wanted: tuple[str, ...], text: str, names: dict[str, str]) -> list[str]:
    """What is wanted and not said; `|` separates wordings of which one is enough."""
    said = re.sub(r"\s+", " ", text).lower()
    return [each for each in wanted if not any(w.format(**names).lower() in said for w in each.split("|"))]


def test_there_are_sixty_set_ups_or_more() -> None:
    """Not counting those that repeat another for the second reader."""
    assert len(CASES) >= 60 and len({case.name for case in CASES}) == len(CASES) and all(MODULES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_reader_is_told_the_cause_and_a_mend_that_works(case: Case, server: SesameProcess) -> None:
    """The first cause has the code, says what is wrong and what to do, keeps the other side's half, and is right."""
    world = World(server)
    steps = case.play(world)
    refused = world.refusal(next(steps))
    text, causes = world.told(refused, case)
    print(refused.text, text, sep="\n")
    assert causes, f"nothing is said of {refused}"
    first = causes[0]
    assert first["code"] in case.code.split("|"), text
    told = f"{first['cause']} {first['mend']['text']}"
    assert missing(case.says, told, world.names) == [], text
    assert missing(case.mend, str(first["mend"]["text"]), world.names) == [], text
    other = SENDER_CANARY if case.reader == "owner" else OWNER_CANARY
    assert other not in text + str(causes), text
    mended = world.refusal(next(steps))
    assert mended.text == "accepted", "the mend did not help"
    if mended.message_id and not case.place:
        assert world.told(mended, case)[1] == [], "a false warning"
