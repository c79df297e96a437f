"""An ARN that was named where it counts for another address, and addresses that rest on nothing."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.refusal_world import Case, World

ARN = "arn:aws:ses:us-east-1:<owner>:identity/shop.test"
VERP = "bounce+42@shop.test"
NEWS = {"as": "sender", "from": "news@shop.test"}
LENT = [
    ["account", "owner"],
    ["account", "sender"],
    ["identity", "owner", "shop.test"],
    ["policy", "owner", "shop.test", {"Principal": {"AWS": "<sender>"}}],
]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    opened = World.open(tmp_path_factory.mktemp("named") / "data")
    yield opened
    opened.close()


ELSEWHERE: dict[str, tuple[dict[str, Any], str]] = {
    "v1, return path": ({"arns": {"ReturnPathArn": ARN}}, "SourceArn"),
    "v1, return path of its own": ({"arns": {"ReturnPathArn": ARN}, "return_path": VERP}, "SourceArn"),
    "raw, return path": ({"door": "raw", "arns": {"ReturnPathArn": ARN}}, "SourceArn"),
    "raw, field": ({"door": "raw", "fields": [["X-SES-RETURN-PATH-ARN", ARN]]}, "SourceArn"),
    "v2, feedback": ({"door": "v2", "arns": {"FeedbackForwardingEmailAddressIdentityArn": ARN}},
                     "FromEmailAddressIdentityArn"),
    "v2, feedback of its own": ({"door": "v2", "arns": {"FeedbackForwardingEmailAddressIdentityArn": ARN},
                                 "return_path": VERP}, "FromEmailAddressIdentityArn"),
    "v2 raw, feedback": ({"door": "v2raw", "arns": {"FeedbackForwardingEmailAddressIdentityArn": ARN}},
                         "FromEmailAddressIdentityArn"),
    "smtp, return path": ({"door": "smtp", "fields": [["X-SES-RETURN-PATH-ARN", ARN]]}, "X-SES-SOURCE-ARN"),
    "smtp, From": ({"door": "smtp", "source": VERP, "fields": [["X-SES-FROM-ARN", ARN]]}, "X-SES-SOURCE-ARN"),
    "smtp, return path, with VERP": ({"door": "smtp", "source": VERP, "fields": [["X-SES-RETURN-PATH-ARN", ARN]]},
                                     "X-SES-SOURCE-ARN"),
    "raw, From": ({"door": "raw", "source": VERP, "arns": {"FromArn": ARN}}, "SourceArn"),
    "raw, From, in a field": ({"door": "raw", "source": VERP, "fields": [["X-SES-FROM-ARN", ARN]]}, "SourceArn"),
    "raw, From and return path": ({"door": "raw", "source": VERP, "arns": {"FromArn": ARN, "ReturnPathArn": ARN}},
                                  "SourceArn"),
}  # fmt: skip


@pytest.mark.parametrize("name", ELSEWHERE)
def test_an_arn_that_counts_for_another_address_alone_is_said_so_and_mended(world: World, name: str) -> None:
    more, parameter = ELSEWHERE[name]
    case = Case.described(world, {"steps": LENT})
    sent = case.send(NEWS | more)
    assert sent.code
    causes = case.read("sender", sent.request_id)["causes"]
    assert {cause["code"] for cause in causes} == {"SA102"}
    addresses = {word for cause in causes for word in cause["cause"].split() if "@shop.test" in word}
    assert len(causes) == len(addresses) <= 2
    said = json.dumps(causes)
    for never in ("does not cover", "not verified", "Success", "verify"):
        assert never not in said
    assert "counts for" in said and causes[0]["mend"]["parameter"] == parameter
    for cause in causes:
        more = case.apply(cause["mend"], NEWS | more)
    assert case.send(more).code == ""


@pytest.mark.parametrize("reader", ["owner", "operator"])
@pytest.mark.parametrize("name", ELSEWHERE)
def test_its_owner_has_nothing_to_do_and_is_told_so(world: World, name: str, reader: str) -> None:
    case = Case.described(world, {"steps": LENT})
    sent = case.send(NEWS | ELSEWHERE[name][0])
    if reader == "operator" and not sent.request_id:
        return
    told = (
        case.read("owner", sent.request_id) if reader == "owner" else case.read_as_operator(sent.request_id)
    )
    assert told["causes"] or reader == "owner"
    said = json.dumps(told["causes"])
    for never in ("not verified", "Success", "verify", "dns records"):
        assert never not in said
    if reader == "owner":
        assert [cause["mend"]["whom"] for cause in told["causes"]] == ["sender"]


SENDER_FIELDS: dict[str, dict[str, Any]] = {
    "v1": {"door": "raw", "arns": {"SourceArn": ARN}},
    "v1, with an ARN for From": {"door": "raw", "arns": {"SourceArn": ARN, "FromArn": ARN}},
    "v2": {"door": "v2raw", "arns": {"FromEmailAddressIdentityArn": ARN}},
    "smtp": {"door": "smtp", "fields": [["X-SES-SOURCE-ARN", ARN]]},
    "smtp, From alone": {"door": "smtp", "fields": [["X-SES-FROM-ARN", ARN]]},
}


@pytest.mark.parametrize("name", SENDER_FIELDS)
@pytest.mark.parametrize("lends", [True, False])
def test_a_sender_at_another_owners_domain_is_left_out_and_not_told_to_the_owner_of_from(
    world: World, name: str, lends: bool
) -> None:
    case = Case.described(world, {"steps": LENT})
    case.account("feed")
    case.step("identity", "feed", "agency.test")
    if lends:
        case.step("policy", "feed", "agency.test", {"Principal": {"AWS": "<sender>"}})
    more = dict(SENDER_FIELDS[name])
    more["fields"] = [*more.get("fields", ()), ["Sender", "desk@agency.test"]]
    sent = case.send(NEWS | more)
    [cause] = case.read("sender", sent.request_id)["causes"]
    assert cause["code"] == "SA102" and cause["mend"]["parameter"] == "Sender" and "or" not in cause["mend"]
    assert "FromArn" not in cause["mend"]["text"] and "FROM-ARN" not in cause["mend"]["text"]
    told = case.read("owner", sent.request_id)
    assert "agency.test" not in json.dumps(told) and "ask the sender" in told["causes"][0]["mend"]["text"]
    assert case.send(case.apply(cause["mend"], NEWS | more)).code == ""
    more["fields"][-1][1] = "desk@shop.test"
    assert case.send(NEWS | more).code == ""


FEEDBACK: dict[str, dict[str, Any]] = {
    "v1": {"arns": {"SourceArn": ARN}, "return_path": "b@agency.test"},
    "v2": {"door": "v2", "arns": {"FromEmailAddressIdentityArn": ARN}, "return_path": "b@agency.test"},
    "raw": {"door": "raw", "arns": {"SourceArn": ARN}, "fields": [["Return-Path", "b@agency.test"]]},
    "smtp": {"door": "smtp", "fields": [["X-SES-SOURCE-ARN", ARN], ["Return-Path", "b@agency.test"]]},
    "Sender": {"door": "raw", "arns": {"SourceArn": ARN}, "fields": [["Sender", "b@agency.test"]]},
    "MAIL FROM": {"door": "smtp", "fields": [["X-SES-FROM-ARN", ARN]], "source": "b@agency.test"},
    "Source": {"door": "raw", "arns": {"FromArn": ARN}, "source": "b@agency.test"},
}
HOW = {
    "in another region": ["identity", "sender", "agency.test", "eu-west-1"],
    "pending": ["pending", "sender", "agency.test"],
    "pending in another region": ["pending", "sender", "agency.test", "eu-west-1"],
    "an address pending": ["pending", "sender", "b@agency.test"],
    "nothing": ["identity", "sender", "other.test"],
}


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("name", FEEDBACK)
def test_how_the_senders_own_identities_are_is_its_own_to_know(world: World, name: str, how: str) -> None:
    case = Case.described(world, {"steps": [*LENT, HOW[how]]})
    sent = case.send(NEWS | FEEDBACK[name])
    assert sent.code
    told = case.read("owner", sent.request_id)
    said = json.dumps(told)
    for never in ("eu-west-1", "Pending", "other.test", "verify", "not verified"):
        assert never not in said
    assert [cause["code"] for cause in told["causes"]] == ["SA102"]
    assert told["causes"][0]["mend"]["whom"] == "sender"
    causes = case.read("sender", sent.request_id)["causes"]
    assert "agency.test" in causes[0]["cause"]
    if how == "in another region" and name in ("v1", "v2", "raw", "smtp", "Sender"):
        assert "or leave" in causes[0]["mend"]["text"]
        assert case.send(case.apply(causes[0]["mend"], NEWS | FEEDBACK[name])).code == ""
