"""Each reader of a refusal is told what that reader can do: the other side's steps are told as the other side's."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.holdout_world import Reported
from tests.support.refusal_world import World

EU = "eu-west-1"
SENDERS_STEPS = ("sesame smtp credentials", "sesame key create", "aws iam", "aws sesv2", "aws ses ")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    opened = World.open(tmp_path_factory.mktemp("readers") / "data")
    yield opened
    opened.close()


def by_door(door: str, arn: str) -> dict[str, Any]:
    if door == "smtp":
        return {"door": "smtp", "fields": [["X-SES-SOURCE-ARN", arn]]}
    parameter = "FromEmailAddressIdentityArn" if door.startswith("v2") else "SourceArn"
    return {"door": door, "arns": {parameter: arn}}


@pytest.mark.parametrize("named", ["us-east-1", EU, "*"])
@pytest.mark.parametrize("door", ["v1", "v2", "raw", "v2raw", "smtp"])
def test_an_owner_is_told_of_a_region_as_of_what_the_sender_does(world: World, door: str, named: str) -> None:
    case = Reported(world)
    case.account("owner"), case.account("sender")
    for step in (
        ["identity", "owner", "shop.test", EU],
        ["policy_in", EU, "owner", "shop.test", {"Principal": {"AWS": "<sender>"}}],
        ["user", "sender", "robot", {"Effect": "Allow", "Action": "ses:*", "Resource": "*"}],
    ):
        case.step(*step)
    arn = case.fill(f"arn:aws:ses:{named}:<owner>:identity/shop.test")
    sent = case.send({"as": "sender/robot", "from": "a@shop.test", **by_door(door, arn)})
    number = case.account("sender").account_id
    for cause in case.read("owner", sent.request_id)["causes"]:
        text = cause["mend"]["text"]
        assert not any(step in text for step in SENDERS_STEPS), text
        assert ("robot" not in text and number in text) or "the sender" in text, text
        if door == "smtp" and cause["code"] == "SA702":
            assert cause["mend"]["how"] == "ask" and cause["mend"]["whom"] == "sender"
            assert EU in text
    told = case.read("sender", sent.request_id)["causes"]
    assert told and not any("the sender" in cause["mend"]["text"] for cause in told)
