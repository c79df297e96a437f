"""Sets, names and regions: what is proposed can be done, and the send passes after it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.holdout_world import Reported
from tests.support.refusal_world import World

NEWS = {"as": "sender", "from": "a@shop.test"}
OWN = [["account", "sender"], ["identity", "sender", "shop.test"]]
EU = "eu-west-1"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    opened = World.open(tmp_path_factory.mktemp("sets") / "data")
    yield opened
    opened.close()


def a_set(name: str, *, region: str = "us-east-1", on: bool = True) -> list[Any]:
    options = {"ConfigurationSetName": name, "SendingOptions": {"SendingEnabled": on}}
    return ["call_in", region, "sender", "sesv2", "create_configuration_set", options]


DOORS: dict[str, dict[str, Any]] = {
    "v1": {},
    "v2": {"door": "v2"},
    "raw": {"door": "raw"},
    "smtp": {"door": "smtp"},
}


@pytest.mark.parametrize("door", DOORS)
def test_a_default_set_that_is_switched_off_is_said_to_be_the_identitys(world: World, door: str) -> None:
    steps = [*OWN, a_set("old", on=False), ["default_set", "sender", "shop.test", "old"]]
    case = Reported.described(world, {"steps": steps})
    sent = case.send(NEWS | DOORS[door])
    [cause] = case.read("sender", sent.request_id)["causes"]
    assert cause["code"] == "SA603" and "the default of the identity `shop.test`" in cause["cause"]
    assert "--email-identity shop.test" in cause["mend"]["text"]
    assert case.send(case.apply(cause["mend"], NEWS | DOORS[door])).code == ""


def test_a_set_that_the_message_names_is_not_called_a_default(world: World) -> None:
    steps = [*OWN, a_set("old", on=False), ["default_set", "sender", "shop.test", "old"]]
    case = Reported.described(world, {"steps": steps})
    [cause] = case.read("sender", case.send(NEWS | {"set": "old"}).request_id)["causes"]
    assert "default" not in cause["cause"]


IMPOSSIBLE = ['"receipts"', "'receipts'", "re ceipts", "receipts;", "receipts.", "r" * 65]


def named(door: str, name: str) -> dict[str, Any]:
    if door == "smtp":
        return {"door": "smtp", "fields": [["X-SES-CONFIGURATION-SET", name]]}
    if door == "raw":
        return {"door": "raw", "fields": [["X-SES-CONFIGURATION-SET", name]]}
    return DOORS[door] | {"set": name}


@pytest.mark.parametrize("name", IMPOSSIBLE)
@pytest.mark.parametrize("door", DOORS)
def test_nobody_is_told_to_create_what_cannot_be(world: World, door: str, name: str) -> None:
    case = Reported.described(world, {"steps": [*OWN, a_set("receipts")]})
    sent = case.send(NEWS | named(door, name))
    assert sent.code
    [cause] = case.read("sender", sent.request_id)["causes"]
    assert "create" not in cause["mend"]["text"] and "delegate" not in cause["mend"]["text"]
    if cause["code"] == "SA601" and "receipts" in name:
        assert cause["mend"]["value"] == "receipts"
        assert case.send(NEWS | named(door, "receipts")).code == ""


def test_a_template_is_not_to_be_left_out(world: World) -> None:
    case = Reported.described(world, {"steps": OWN})
    for template in ("welcome", "wel come"):
        sent = case.send(NEWS | {"door": "templated", "template": template})
        [cause] = case.read("sender", sent.request_id)["causes"]
        assert "leave it out" not in cause["mend"]["text"] and "delegate" not in cause["mend"]["text"]


@pytest.mark.parametrize("is_there", [True, False])
@pytest.mark.parametrize("door", ["v1", "v2", "raw"])
def test_another_region_is_offered_for_a_set_where_from_is_verified_there(
    world: World, door: str, is_there: bool
) -> None:
    steps = [*OWN, a_set("receipts", region=EU)] + (
        [["identity", "sender", "shop.test", EU]] if is_there else []
    )
    case = Reported.described(world, {"steps": steps})
    send = NEWS | DOORS[door] | {"set": "receipts"}
    [cause] = case.read("sender", case.send(send).request_id)["causes"]
    assert ("or send in eu-west-1" in cause["mend"]["text"]) == is_there
    assert (case.send(send | {"region": EU}).code == "") == is_there
    assert case.send(case.apply(cause["mend"], send)).code == ""


ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}
LOCKS: dict[str, list[dict[str, Any]]] = {
    "a Deny": [ALL, ALL | {"Effect": "Deny", "Condition": {"StringNotEquals": {"aws:RequestedRegion": [EU]}}}],
    "an Allow": [ALL | {"Condition": {"StringEquals": {"aws:RequestedRegion": EU}}}],
    "a Deny with NotAction": [
        ALL,
        {"Effect": "Deny", "NotAction": "iam:*", "Resource": "*",
         "Condition": {"StringNotEquals": {"aws:RequestedRegion": [EU, "eu-north-1"]}}},
    ],
}  # fmt: skip


@pytest.mark.parametrize("where", ["verified", "pending", "nothing", "verified and denied"])
@pytest.mark.parametrize("lock", LOCKS)
def test_another_region_is_offered_under_a_lock_where_the_send_would_pass(
    world: World, lock: str, where: str
) -> None:
    there = {"verified": "identity", "pending": "pending", "verified and denied": "identity"}.get(where)
    steps: list[Any] = [*OWN] + ([[there, "sender", "shop.test", EU]] if there else [])
    denies = {"Effect": "Deny", "Action": "*", "Resource": f"arn:aws:ses:{EU}:*"}
    more = [denies] if where == "verified and denied" else []
    case = Reported.described(world, {"steps": [*steps, ["user", "sender", "ann", *LOCKS[lock], *more]]})
    send = NEWS | {"as": "sender/ann"}
    cause = case.read("sender", case.send(send).request_id)["causes"][0]
    passes = case.send(send | {"region": EU}).code == ""
    assert passes == (where == "verified")
    assert (f"calls region `{EU}`" in cause["mend"]["text"]) == passes
    assert case.send(case.apply(cause["mend"], send)).code == ""


@pytest.mark.parametrize("lender", ["here", "elsewhere"])
def test_a_password_of_another_region_is_made_of_the_key_in_use_which_no_owner_reads(
    world: World, lender: str
) -> None:
    named = "us-east-1" if lender == "here" else EU
    steps = [
        ["account", "owner"], ["account", "sender"], ["identity", "owner", "shop.test", EU],
        ["policy_in", EU, "owner", "shop.test", {"Principal": {"AWS": "<sender>"}}],
        ["user", "sender", "robot", {"Effect": "Allow", "Action": "ses:*", "Resource": "*"}],
    ]  # fmt: skip
    case = Reported.described(world, {"steps": steps})
    arn = f"arn:aws:ses:{named}:<owner>:identity/shop.test"
    send = case.fill(NEWS | {"as": "sender/robot", "door": "smtp", "fields": [["X-SES-SOURCE-ARN", arn]]})
    request = case.send(send).request_id
    key, number = case.keys["sender/robot"].access_key_id, case.account("sender").account_id
    mend = case.read("sender", request)["causes"][0]["mend"]
    assert mend["text"] == f"`sesame smtp credentials {number} robot --key {key} --region {EU}`"
    assert mend["key"] == key
    owners = case.read("owner", request)
    assert key not in json.dumps(owners)
    assert [cause["mend"]["how"] for cause in owners["causes"]] == ["ask"] * (lender == "here")


AT_OWNERS = [["account", "sender"], ["account", "owner"], ["identity", "owner", "lent.test", EU]]
MEANT: dict[str, list[Any]] = {
    "lent": [["policy_in", EU, "owner", "lent.test", {"Principal": {"AWS": "<sender>"}}]],
    "lent to somebody else": [["policy_in", EU, "owner", "lent.test", {"Principal": {"AWS": "<owner>"}}]],
    "not lent": [],
}


@pytest.mark.parametrize("how", MEANT)
@pytest.mark.parametrize("door", DOORS)
def test_an_identity_that_is_lent_in_another_region_is_found_by_whom_it_is_lent_to(
    world: World, door: str, how: str
) -> None:
    """Without an ARN; to all others it is as if it did not stand there (I9)."""
    case = Reported.described(world, {"steps": [*AT_OWNERS, *MEANT[how]]})
    send = {"as": "sender", "from": "a@lent.test"} | DOORS[door]
    sent = case.send(send)
    assert sent.code
    causes = case.read("sender", sent.request_id)["causes"]
    if how != "lent":
        assert causes[0]["code"] == "SA101" and EU not in json.dumps(causes)
        return
    arn = f"arn:aws:ses:{EU}:{case.names['owner']}:identity/lent.test"
    [cause] = causes
    assert f"account {case.names['owner']} lends it to you in {EU}" in cause["cause"]
    assert (cause["mend"]["region"], cause["mend"]["arn"]) == (EU, arn)
    assert arn in cause["mend"]["text"]
    if door != "smtp":
        assert case.send(case.apply(cause["mend"], send)).code == ""


def in_part(*statements: dict[str, Any]) -> list[Any]:
    """Of the owner's policy in the other region: the sender is named, and not let through."""
    return ["policy_in", EU, "owner", "lent.test", *statements]


PARTS: dict[str, list[Any]] = {
    "denied": in_part(
        {"Principal": {"AWS": "<sender>"}}, {"Effect": "Deny", "Principal": "*", "Action": "ses:*"}
    ),
    "for others": in_part(
        {"Principal": {"AWS": "<sender>"}, "Condition": {"StringEquals": {"ses:FromAddress": "b@lent.test"}}}
    ),
}


@pytest.mark.parametrize("why", PARTS)
@pytest.mark.parametrize("door", DOORS)
def test_what_is_lent_elsewhere_and_not_for_this_message_is_not_called_lent(
    world: World, door: str, why: str
) -> None:
    case = Reported.described(world, {"steps": [*AT_OWNERS, PARTS[why]]})
    sent = case.send({"as": "sender", "from": "a@lent.test"} | DOORS[door])
    causes = case.read("sender", sent.request_id)["causes"]
    assert f"names you for `lent.test` in {EU}, where it is verified, and does not let" in causes[0]["cause"]
    assert "lends it to you" not in json.dumps(causes)
    assert len(causes) > 1, causes


BESIDE: dict[str, dict[str, Any]] = {
    "v1": {"return_path": "b@lent.test"},
    "v2": {"door": "v2", "return_path": "b@lent.test"},
    "raw": {"door": "raw", "fields": [["Sender", "b@lent.test"]]},
    "smtp": {"door": "smtp", "fields": [["Sender", "b@lent.test"]]},
}


@pytest.mark.parametrize("door", BESIDE)
def test_an_address_beside_from_takes_no_message_to_another_region(world: World, door: str) -> None:
    """Where From is right in the region of the call, and would not be verified in the other."""
    steps = [*AT_OWNERS, *MEANT["lent"], ["identity", "sender", "mine.test"]]
    case = Reported.described(world, {"steps": steps})
    send = {"as": "sender", "from": "a@mine.test"} | BESIDE[door]
    sent = case.send(send)
    [cause] = case.read("sender", sent.request_id)["causes"]
    assert f"lends it to you in {EU}" in cause["cause"]
    assert cause["mend"]["how"] == "drop-parameter", cause["mend"]
    assert case.send(case.apply(cause["mend"], send)).code == ""
