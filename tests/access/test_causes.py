"""Each refusal says why and what to do, in the first place looked at, and what it says to do works."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sesame.access.causes.decision_json import latest
from sesame.access.causes.failures import MOST_A_MINUTE
from sesame.policy.reasons.cause import MEANINGS, Code, Reader
from tests.access.misconfigurations import CASES, CORRECT, NAMED, case
from tests.support.command_line import not_understood
from tests.support.refusal_world import Case, World


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    opened = World.open(tmp_path_factory.mktemp("causes") / "data")
    yield opened
    opened.close()


def test_the_holdout_is_large_enough_and_each_case_is_there_once() -> None:
    assert len(CASES) >= 60 and len(CORRECT) >= 20
    names = [case["id"] for case in (*CASES, *CORRECT)]
    assert len(set(names)) == len(names)
    assert {case["code"] for case in CASES} <= {code.value for code in Code}


@pytest.mark.parametrize("described", CASES, ids=lambda case: case["id"])
def test_a_misconfiguration_is_explained_and_its_mend_works(world: World, described: dict[str, Any]) -> None:
    case = Case.described(world, described)
    before = case.send(described["send"])
    assert before.code, "it must be refused"
    told = case.read_for(described, before.request_id)
    assert told["causes"], told
    first = told["causes"][0]
    said = f"{first['cause']} {first['mend']['text']}"
    assert [one for cause in told["causes"] for one in not_understood(cause["mend"]["text"])] == []
    assert first["code"] in (described["code"], *described.get("also_codes", ())), (described["code"], told)
    for words in described["says"]:
        assert case.fill(words) in said
    if not described.get("mends", True):
        assert first["mend"]["how"] == "ask" and case.names["owner"] in first["mend"]["text"]
        return
    sends = case.fill(dict(described["send"]))
    for _ in range(3):
        for cause in told["causes"]:
            case.check_arn = next(
                (check["arn"] for check in told["checks"] if check["outcome"] != "allow"), ""
            )
            sends = case.apply(cause["mend"], sends)
        if "mended_from" in described:
            sends["from"] = described["mended_from"]
        sends["secure"] = True
        after = case.send(sends)
        if not after.code or not described.get("also_policy"):
            break
        told = case.read_for(described, after.request_id)
    assert after.code == "", (after, told)


@pytest.mark.parametrize("described", CORRECT, ids=lambda case: case["id"])
def test_what_is_right_is_allowed_and_no_warning_is_given(world: World, described: dict[str, Any]) -> None:
    case = Case.described(world, described)
    sent = case.send(described["send"])
    assert sent.code == "", sent
    told = case.read(described["send"]["as"].partition("/")[0])
    assert told["code"] == "Accepted" and told["causes"] == []
    warned = {finding.code.value for finding in case.warnings()}
    assert warned <= set(described.get("findings", ()))


def test_every_code_has_a_meaning_and_a_mend() -> None:
    assert set(MEANINGS) == set(Code)
    for cause, mend in MEANINGS.values():
        assert cause.endswith(".") and mend.endswith((".", "`."))


@pytest.mark.parametrize("reader", list(Reader))
def test_an_identity_that_does_not_exist_is_never_allowed_nor_shown_by_an_arn_nobody_named(
    world: World, reader: Reader
) -> None:
    case = Case(world)
    case.account("sender")
    refused = case.send({"as": "sender", "from": "a@nowhere.test"})
    told = case.read("sender", refused.request_id, reader)
    assert all(check["outcome"] == "no such identity" and check["arn"] is None for check in told["checks"])
    assert ":identity/" not in str(told)


def test_the_log_has_the_cause_where_no_policy_has_to_be_asked(tmp_path: Path) -> None:
    world = World.open(tmp_path / "data")
    try:
        case = Case(world)
        case.account("sender")
        case.send({"as": "sender", "from": "a@nowhere.test"})
        case.send({"as": "sender", "from": "a@nowhere.test", "arns": {"SourceArn": "nowhere.test"}})
        case.step("user", "sender", "robot")
        case.step("identity", "sender", "example.com")
        case.send({"as": "sender/robot", "from": "a@example.com"})
        lines = [json.loads(line) for line in world.log.getvalue().splitlines() if '"send_refused"' in line]
    finally:
        world.close()
    causes = [(line.get("cause") or "").partition(" ")[0] for line in lines]
    assert causes == ["SA101", "SA108", ""]
    assert all(line["why"] == f"sesame why {line['request_id']}" for line in lines)


def test_failures_that_nobody_signed_in_for_are_bounded(tmp_path: Path) -> None:
    world = World.open(tmp_path / "data")
    try:
        case = Case(world)
        case.account("sender")
        wrong = {
            "as": "sender",
            "from": "a@nowhere.test",
            "door": "smtp",
            "username": "guess",
            "password": "x",
        }
        for number in range(MOST_A_MINUTE + 5):
            assert case.send({**wrong, "username": f"guess{number}"}).code == "535"
        kept = world.run(latest(world.services.store, "", limit=1000, reader=Reader.OPERATOR))
    finally:
        world.close()
    assert len(kept) == MOST_A_MINUTE


NOT_FOR_STRANGERS = {
    "nothing": [["identity", "owner", "o.test"]],
    "verified": [["identity", "owner", "example.com"]],
    "pending": [["pending", "owner", "example.com"]],
    "verified, its owner in the sandbox": [["sandbox", "owner"], ["identity", "owner", "example.com"]],
    "pending, its owner in the sandbox": [["sandbox", "owner"], ["pending", "owner", "example.com"]],
    "nothing, its owner in the sandbox": [["sandbox", "owner"], ["identity", "owner", "o.test"]],
}


@pytest.mark.parametrize("steps", NOT_FOR_STRANGERS.values(), ids=NOT_FOR_STRANGERS.keys())
def test_a_stranger_does_not_learn_from_the_causes_how_the_identity_is(
    world: World, steps: list[list[str]]
) -> None:
    """Refused by policy, whatever the identity and its owner are, the causes are the same (I9)."""
    told = {}
    for number, before in enumerate((NOT_FOR_STRANGERS["nothing"], steps)):
        described = case(str(number), "", [], NAMED)
        described["steps"] = [*before, *described["steps"]]
        one = Case.described(world, described)
        refused = one.send(described["send"])
        assert refused.code == "AccessDenied"
        causes = one.read_for(described, refused.request_id)["causes"]
        told[number] = [cause["code"] for cause in causes]
    assert told[0] == told[1] and told[0]
