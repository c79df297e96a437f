"""Misconfigurations from public reports: each is explained in the first place looked at, and its mend works."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from sesame.policy.reasons.cause import Code
from tests.access.holdout import LATER, REPORTS, RIGHT
from tests.access.misconfigurations import CASES, CORRECT
from tests.support.command_line import not_understood
from tests.support.holdout_world import Reported
from tests.support.refusal_world import World

Described = dict[str, Any]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    opened = World.open(tmp_path_factory.mktemp("holdout") / "data")
    yield opened
    opened.close()


def send_mended(case: Reported, told: Described, described: Described) -> str:
    """Do what the causes say, as often as a person would try; the code of the last answer, "" for accepted."""
    sends = case.fill(dict(described["send"]))
    for _ in range(3):
        for cause in told["causes"]:
            refused = (check["arn"] for check in told["checks"] if check["outcome"] != "allow")
            case.check_arn = next(refused, "")
            sends = case.apply(cause["mend"], sends)
        sends["secure"] = True
        after = case.send(sends)
        if not after.code:
            return ""
        told = case.read_for(described, after.request_id)
    return after.code


def test_there_are_as_many_as_promised_and_none_twice() -> None:
    assert len(REPORTS) + len(LATER) >= 100 and len(RIGHT) >= 20
    names = [one["id"] for one in (*REPORTS, *LATER, *RIGHT, *CASES, *CORRECT)]
    assert len(set(names)) == len(names)
    assert {code for one in (*REPORTS, *LATER) for code in one["codes"]} <= {code.value for code in Code}


@pytest.mark.parametrize("described", [*REPORTS, *LATER], ids=lambda one: one["id"])
def test_what_was_reported_is_explained_and_its_mend_works(world: World, described: Described) -> None:
    case = Reported.described(world, described)
    refused = case.send(described["send"])
    assert refused.code, "it must be refused"
    told = case.read_for(described, refused.request_id)
    first = told["causes"][0]
    said = f"{first['cause']} {first['mend']['text']}"
    assert [one for cause in told["causes"] for one in not_understood(cause["mend"]["text"])] == []
    assert first["code"] in described["codes"], told["causes"]
    assert [words for words in map(case.fill, described["says"]) if words not in said] == []
    assert [words for words in described.get("never", ()) if words in json.dumps(told)] == []
    if not described.get("mends", True):
        assert first["mend"]["how"] == "ask" and case.names["owner"] in first["mend"]["text"]
    elif described.get("applied", True):
        assert send_mended(case, told, described) == ""


@pytest.mark.parametrize("described", RIGHT, ids=lambda one: one["id"])
def test_what_is_right_is_let_through_without_a_warning(world: World, described: Described) -> None:
    case = Reported.described(world, described)
    sent = case.send(described["send"])
    assert sent.code == "", sent
    assert case.warnings() == []


def test_the_one_that_lends_is_found_among_many_that_have_the_name(world: World) -> None:
    """Whichever of them it is, and however many policies there are for somebody else."""
    case = Reported(world)
    case.account("sender")
    case.account("stranger")
    owners = [f"owner{number}" for number in range(25)]
    for owner in owners:
        case.account(owner)
        case.step("identity", owner, "many.test")
        case.step("policy", owner, "many.test", {"Principal": {"AWS": "<stranger>"}})
    last = max(owners, key=lambda owner: case.names[owner])
    case.step("policy", last, "many.test", {"Principal": {"AWS": "<sender>"}})
    refused = case.send({"as": "sender", "from": "news@many.test"})
    first = case.read("sender", refused.request_id)["causes"][0]
    assert first["code"] == "SA101" and first["mend"]["value"] == case.arn(last, "many.test")


@pytest.mark.parametrize(
    ("name", "region"),
    [("news@example.com", "us-east-1"), ("example.com", "eu-west-1")],
    ids=["address", "region"],
)
def test_another_identity_is_told_of_only_where_its_policy_names_the_sender(
    world: World, name: str, region: str
) -> None:
    """With a policy for everybody, for a third account, or for the sender under a Deny, the answer is as with none."""
    for_others: list[list[Described]] = [
        [],
        [{"Principal": {"AWS": "<third>"}}],
        [{"Principal": "*"}],
        [{"Principal": {"AWS": "<sender>"}}, {"Effect": "Deny", "Principal": {"AWS": "<sender>"}}],
    ]
    seen = set()
    for statements in for_others:
        case = Reported(world)
        for one in ("owner", "sender", "third"):
            case.account(one)
        case.step("identity", "owner", "example.com")
        case.step("identity", "owner", name, region)
        if statements:
            case.step("policy_in", region, "owner", name, *statements)
        arn = case.arn("owner", "example.com")
        refused = case.send({"as": "sender", "from": "news@example.com", "arns": {"SourceArn": arn}})
        causes = json.dumps(case.read("sender", refused.request_id)["causes"])
        for one in ("owner", "sender"):
            causes = causes.replace(case.names[one], f"<{one}>")
        seen.add(causes.replace(refused.request_id, "REQUEST"))
    assert len(seen) == 1
