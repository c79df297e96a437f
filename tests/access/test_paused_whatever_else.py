"""A send of an account that has switched its sending off is kept and explained, whatever else is wrong with it."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.holdout_world import Reported
from tests.support.refusal_world import World

FROM = "a@shop.test"
WRONG: dict[str, dict[str, Any]] = {
    "nothing else": {},
    "a From that is none": {"from": "news at shop.test"},
    "a From with two @": {"from": "news@@shop.test"},
    "no ARN": {"arns": {"SourceArn": "shop.test"}},
    "another domain's ARN": {"arns": {"SourceArn": "arn:aws:ses:us-east-1:111111111111:identity/other.test"}},
    "a recipient that is none": {"to": "nobody at all"},
    "a set that is not there": {"set": "main"},
    "a From that is none, by raw mail": {"door": "raw", "from": "news@@shop.test"},
    "a recipient that is none, by v2": {"door": "v2", "to": "nobody at all"},
    "a From that is none, by raw mail and v2": {"door": "v2raw", "from": "news@@shop.test"},
    "an identity that is not verified": {"from": "a@none.test"},
}


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reported]:
    opened = World.open(tmp_path_factory.mktemp("paused") / "data")
    off = ["call", "sender", "sesv2", "put_account_sending_attributes", {"SendingEnabled": False}]
    steps: list[Any] = [["account", "sender"], ["identity", "sender", "shop.test"], off]
    yield Reported.described(opened, {"steps": steps})
    opened.close()


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_the_pause_is_found_by_the_request_id(case: Reported, wrong: dict[str, Any]) -> None:
    sent = case.send({"as": "sender", "from": FROM, "arns": {}, **wrong})
    assert "SendingPaused" in sent.code, sent
    told = case.read("sender", sent.request_id)["causes"]
    assert [cause["code"] for cause in told][:1] == ["SA603"]
