"""Each reader of a refusal is told what that reader can do: the other side's steps are told as the other side's."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.access.holdout import REPORTS
from tests.access.misconfigurations import CASES
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


SEEN_BY_OPERATORS = [one for one in (*CASES, *REPORTS) if one["send"].get("door") != "smtp"]


@pytest.mark.parametrize("described", SEEN_BY_OPERATORS, ids=lambda one: one["id"])
def test_the_operator_is_not_the_sender(world: World, described: dict[str, Any]) -> None:
    case = Reported.described(world, described)
    for cause in case.read_as_operator(case.send(described["send"]).request_id)["causes"]:
        words = f"{cause['cause']} {cause['mend']['text']}"
        bare = re.sub(r"`[^`]*`", "", words).replace("did you mean", "").lower()
        assert re.search(r"\b(you|your|yours|ask the operator|the operator runs)\b", bare) is None, words


def test_no_quota_is_no_quota_to_send_less_of(world: World) -> None:
    for daily, rate in ((0, 14), (200, 0)):
        case = Reported.described(
            world, {"steps": [["account", "sender"], ["identity", "sender", "shop.test"]]}
        )
        case.step("quota", "sender", daily, rate)
        tried = (case.send({"as": "sender", "from": "a@shop.test"}) for _ in range(3))
        sent = next(one for one in tried if one.code)
        [cause] = case.read("sender", sent.request_id)["causes"]
        assert cause["mend"]["text"].startswith("the operator runs `sesame account set-quota"), cause
        assert "reached" not in cause["cause"]


def test_of_a_mail_from_domain_each_reads_what_it_can_do(world: World) -> None:
    case = Reported.lending(world)
    sesv2 = world.client("sesv2", case.account("owner"))
    sesv2.put_email_identity_mail_from_attributes(
        EmailIdentity="one.test", MailFromDomain="bounce.one.test", BehaviorOnMxFailure="REJECT_MESSAGE"
    )
    send = {"as": "sender", "from": "a@one.test", "arns": {"SourceArn": case.arn("owner", "one.test")}}
    request = case.send(send).request_id
    owner = case.account("owner").account_id
    [theirs] = case.read("sender", request)["causes"]
    assert theirs["mend"]["how"] == "ask" and theirs["mend"]["account"] == owner
    assert "sesame dns" not in theirs["mend"]["text"] and "bounce.one.test" not in str(theirs)
    [own] = case.read("owner", request)["causes"]
    assert own["mend"]["text"].startswith(
        f"publish the records that `sesame dns records {owner} one.test` prints"
    )


def test_an_owner_is_not_sent_to_end_the_sandbox_of_the_sender(world: World) -> None:
    case = Reported(world)
    case.account("owner"), case.account("sender", production=False)
    case.step("identity", "owner", "one.test")
    case.step("policy", "owner", "one.test", {"Principal": {"AWS": "<sender>"}})
    send = {"as": "sender", "from": "a@one.test", "arns": {"SourceArn": case.arn("owner", "one.test")}}
    [cause] = case.read("owner", case.send(send).request_id)["causes"]
    assert cause["code"] == "SA502" and cause["mend"]["text"].startswith(
        "there is nothing to do on your side"
    )
