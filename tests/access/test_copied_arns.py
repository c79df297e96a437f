"""An ARN that was named for From too, or alone, is not told to be taken away from it by what mends another address."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.refusal_world import Case, World

SHOP = "arn:aws:ses:us-east-1:<owner>:identity/shop.test"
STEPS = [
    ["account", "owner"],
    ["account", "sender"],
    ["identity", "owner", "shop.test"],
    ["policy", "owner", "shop.test", {"Principal": {"AWS": "<sender>"}}],
    ["identity", "sender", "own.test"],
]
NEWS: dict[str, Any] = {"as": "sender", "from": "news@shop.test"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    opened = World.open(tmp_path_factory.mktemp("copied") / "data")
    yield opened
    opened.close()


COPIED: dict[str, tuple[dict[str, Any], str]] = {
    "v1": (
        {"return_path": "b@own.test", "arns": {"SourceArn": SHOP, "ReturnPathArn": SHOP}}, "ReturnPathArn",
    ),
    "v2": (
        {"door": "v2", "return_path": "b@own.test", "arns": {
            "FromEmailAddressIdentityArn": SHOP, "FeedbackForwardingEmailAddressIdentityArn": SHOP,
        }},
        "FeedbackForwardingEmailAddressIdentityArn",
    ),
    "smtp": (
        {"door": "smtp", "fields": [
            ["Return-Path", "b@own.test"], ["X-SES-SOURCE-ARN", SHOP], ["X-SES-RETURN-PATH-ARN", SHOP],
        ]},
        "X-SES-RETURN-PATH-ARN",
    ),
}  # fmt: skip


@pytest.mark.parametrize("door", COPIED)
def test_one_that_was_copied_to_a_return_path_of_ones_own_is_left_out(world: World, door: str) -> None:
    given, parameter = COPIED[door]
    case = Case.described(world, {"steps": STEPS})
    send = case.fill(NEWS | given)
    sent = case.send(send)
    assert sent.code
    [cause] = case.read("sender", sent.request_id)["causes"]
    assert (cause["mend"]["how"], cause["mend"]["parameter"]) == ("drop-parameter", parameter), cause
    assert cause["mend"]["text"].startswith(f"leave {parameter} out: ")
    assert case.send(case.apply(cause["mend"], send)).code == ""


@pytest.mark.parametrize("source", ["bounce@elsewhere.test", "b@other.example"])
def test_one_of_from_is_named_for_it_where_another_takes_its_place(world: World, source: str) -> None:
    case = Case.described(world, {"steps": STEPS})
    send = case.fill(NEWS | {"door": "smtp", "source": source, "fields": [["X-SES-SOURCE-ARN", SHOP]]})
    sent = case.send(send)
    text = case.read("sender", sent.request_id)["causes"][0]["mend"]["text"]
    assert text.startswith(
        "give the message an envelope sender that `shop.test` covers, or name in X-SES-SOURCE-ARN"
    )
    assert text.endswith(f"and `{case.fill(SHOP)}` in X-SES-FROM-ARN")


@pytest.mark.parametrize("written", ["campaign: spring", "campaign:spring", "campaign : spring"])
def test_a_tag_that_is_written_with_a_colon_is_written_with_what_stands_for_it(
    world: World, written: str
) -> None:
    case = Case.described(world, {"steps": STEPS})
    send = {"as": "sender", "from": "a@own.test", "door": "smtp", "fields": [["X-SES-MESSAGE-TAGS", written]]}
    sent = case.send(send)
    causes = case.read("sender", sent.request_id)["causes"]
    assert "write the tag as `campaign=spring`" in json.dumps(causes)
    right = send | {"fields": [["X-SES-MESSAGE-TAGS", "campaign=spring"]]}
    assert case.send(right).code == ""
