"""Set-ups that people report as not working: cause and mend, in the first place looked at, and the mend works."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from sesame.policy import check_identity_policy
from sesame.policy.findings.catalogue import Severity
from tests.story.misconfigured import (
    accounts,
    arns,
    around_sends,
    before_sending,
    bounded,
    conditions,
    credentials,
    envelopes,
    grants,
    guards,
    keys,
    mistaken,
    naming,
    narrow,
    nearest,
    other_languages,
    overridden,
    patterns,
    principals,
    programs,
    proposed,
    raw_headers,
    rules,
    several,
    states,
    tagged,
    together,
    typed_in,
    unwidened,
    versions,
    written,
)
from tests.story.misconfigured.correct import CORRECT, Play
from tests.story.misconfigured.world import CASES, OWNER_CANARY, SENDER_CANARY, Case, Refused, World, bare
from tests.support.process import SesameProcess, running

MODULES = (
    naming,
    principals,
    conditions,
    accounts,
    before_sending,
    several,
    arns,
    rules,
    grants,
    states,
    tagged,
    keys,
    programs,
    bounded,
    typed_in,
    unwidened,
    versions,
    around_sends,
    credentials,
    guards,
    written,
    envelopes,
    narrow,
    raw_headers,
    other_languages,
    overridden,
    patterns,
    mistaken,
    together,
    proposed,
    nearest,
)


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


def assert_both_find_it(world: World, refused: Refused, owner: str) -> None:
    """The owner that is to be asked finds its half by the request id that is quoted to it."""
    told = world.sesame.run("decisions", owner, "--request", refused.request_id, "--json").stdout
    found = json.loads(told)
    assert found and all(one["request_id"] == refused.request_id and one["causes"] for one in found), told


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
    codes = [cause["code"] for cause in causes[1:]]
    assert all(any(code in codes for code in each.split("|")) for each in case.also), text
    page = world.on_page(refused, case)
    if page is not None:
        assert page.index(bare(first["cause"])) < page.index(bare(first["mend"]["text"])), page
        assert first["code"].lower() in page or refused.message_id, page
    other = SENDER_CANARY if case.reader == "owner" else OWNER_CANARY
    assert other not in text + str(causes) + (page or ""), text
    if case.owner:
        owners, theirs = world.told(refused, replace(case, reader="owner"))
        assert theirs and theirs[0]["code"] in case.owner.split("|"), owners
        assert SENDER_CANARY not in owners + str(world.on_page(refused, replace(case, reader="owner")))
    if first["mend"].get("whom") == "owner" and case.reader == "sender" and refused.request_id:
        if first["code"] != "SA209":
            assert f"quote the request id `{refused.request_id}`" in first["mend"]["text"], text
        assert_both_find_it(world, refused, first["mend"]["account"])
    mended = world.refusal(next(steps))
    assert mended.text == "accepted", "the mend did not help"
    if mended.message_id and not case.place:
        assert world.told(mended, case)[1] == [], "a false warning"


@pytest.mark.parametrize("play", CORRECT, ids=lambda play: play.__name__)
def test_nothing_is_said_against_a_set_up_that_is_right(play: Play, server: SesameProcess) -> None:
    """Accepted, no cause for either side, and no warning of the check for what the owner has stored."""
    world = World(server)
    refused = world.refusal(lambda: play(world))
    assert refused.text == "accepted"
    if refused.message_id:
        for reader in ("sender", "owner", "operator"):
            told = world.told(refused, replace(CASES[0], reader=reader, place=""))
            assert told[1] == [], told[0]
    ses = world.client("ses", world.owner)
    names = ses.list_identity_policies(Identity=world.domain)["PolicyNames"]
    stored = ses.get_identity_policies(Identity=world.domain, PolicyNames=names)["Policies"] if names else {}
    for text in stored.values():
        found = check_identity_policy(text, identity_arn=world.arn, now=1_796_000_000.0)
        assert [one for one in found if one.severity is not Severity.NOTE] == []


def test_there_are_twenty_five_set_ups_or_more_that_are_right() -> None:
    assert len({play.__name__ for play in CORRECT}) >= 25
