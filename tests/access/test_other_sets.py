"""A configuration set that policies refuse: left out, or another one named, where the message passes then."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.holdout_world import Reported
from tests.support.refusal_world import World

ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}
SETS = "arn:aws:ses:*:*:configuration-set/"
SEND = {"as": "sender/ann", "from": "a@shop.test"}
DOORS: dict[str, dict[str, Any]] = {
    "v1": {},
    "v2": {"door": "v2"},
    "raw": {"door": "raw"},
    "smtp": {"door": "smtp"},
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    opened = World.open(tmp_path_factory.mktemp("other-sets") / "data")
    yield opened
    opened.close()


def a_set(name: str, *, on: bool = True, **tags: str) -> list[Any]:
    options: dict[str, Any] = {"ConfigurationSetName": name, "SendingOptions": {"SendingEnabled": on}}
    options["Tags"] = [{"Key": key, "Value": value} for key, value in tags.items()]
    return ["call", "sender", "sesv2", "create_configuration_set", options]


def deny(*names: str, **members: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": "ses:Send*", "Resource": [SETS + name for name in names], **members}


def a_case(world: World, *statements: dict[str, Any], sets: list[Any], default: str = "") -> Reported:
    steps: list[Any] = [["account", "sender"], ["identity", "sender", "shop.test"], *sets]
    steps += [["default_set", "sender", "shop.test", default]] if default else []
    return Reported.described(world, {"steps": [*steps, ["user", "sender", "ann", *statements]]})


def with_set(door: str, name: str | None) -> dict[str, Any]:
    send = SEND | DOORS[door]
    if name is None:
        return send
    return send | ({"fields": [["X-SES-CONFIGURATION-SET", name]]} if door == "smtp" else {"set": name})


def ways_of(case: Reported, door: str, name: str | None) -> list[str | None]:
    """What is offered: the names of sets, None for none; each of them is tried."""
    sent = case.send(with_set(door, name))
    assert sent.code
    [cause] = case.read("sender", sent.request_id)["causes"]
    ways = cause["mend"].get("or_send", [])
    parameter = "X-SES-CONFIGURATION-SET" if door == "smtp" else "ConfigurationSetName"
    assert {way["parameter"] for way in ways} <= {parameter}
    values = [way["value"] for way in ways]
    assert ("leave the configuration set out" in cause["mend"]["text"]) is (None in values)
    for value in values:
        assert value is None or f"`{value}`" in cause["mend"]["text"]
        assert case.send(with_set(door, value)).code == "", value
    assert case.send(case.apply(cause["mend"], with_set(door, name))).code == ""
    return values


@pytest.mark.parametrize("door", DOORS)
def test_a_set_that_is_denied_is_left_out_or_another_named(world: World, door: str) -> None:
    case = a_case(world, ALL, deny("old"), sets=[a_set("old"), a_set("new")])
    assert ways_of(case, door, "old") == [None, "new"]


@pytest.mark.parametrize("door", DOORS)
def test_a_default_set_cannot_be_left_out(world: World, door: str) -> None:
    for named in (None, "old"):
        case = a_case(world, ALL, deny("old"), sets=[a_set("old"), a_set("new")], default="old")
        assert ways_of(case, door, named) == ["new"]


def test_what_a_default_set_refuses_is_not_passed_by_leaving_another_out(world: World) -> None:
    denies = deny("old", "usual")
    case = a_case(world, ALL, denies, sets=[a_set("old"), a_set("usual"), a_set("new")], default="usual")
    assert ways_of(case, "v1", "old") == ["new"]
    allowed = a_case(world, ALL, deny("old"), sets=[a_set("old"), a_set("usual")], default="usual")
    assert ways_of(allowed, "v1", "old") == [None, "usual"]
    off = a_case(world, ALL, deny("old"), sets=[a_set("old"), a_set("usual", on=False)], default="usual")
    assert ways_of(off, "v1", "old") == []


def test_sets_that_are_denied_too_or_switched_off_are_not_offered(world: World) -> None:
    sets = [a_set("old"), a_set("older"), a_set("off", on=False), *[a_set(f"new{n}") for n in range(5)]]
    case = a_case(world, ALL, deny("old*"), sets=sets)
    assert ways_of(case, "v2", "old") == [None, "new0", "new1", "new2"]


@pytest.mark.parametrize("negated", [True, False])
def test_the_tags_of_a_set_decide_which_one_is_offered(world: World, negated: bool) -> None:
    operator = "StringNotEquals" if negated else "StringEquals"
    value = "prod" if negated else "test"
    condition = {operator: {"aws:ResourceTag/stage": value}}
    sets = [a_set("test", stage="test"), a_set("also", stage="test"), a_set("prod", stage="prod")]
    case = a_case(world, ALL, deny("*", Condition=condition), sets=sets)
    assert ways_of(case, "v1", "test") == [None, "prod"]


def test_a_deny_of_every_set_leaves_none_to_name(world: World) -> None:
    case = a_case(world, ALL, deny("*"), sets=[a_set("old"), a_set("new")])
    assert ways_of(case, "v1", "old") == [None]


def test_a_deny_of_more_than_the_set_is_not_passed_by_leaving_it_out(world: World) -> None:
    """The identity is denied by the same statement."""
    everything = {"Effect": "Deny", "Action": "ses:Send*", "Resource": "*",
                  "Condition": {"StringLike": {"ses:FromAddress": "a@*"}}}  # fmt: skip
    case = a_case(world, ALL, everything, sets=[a_set("old"), a_set("new")])
    causes = case.read("sender", case.send(with_set("v1", "old")).request_id)["causes"]
    assert causes and all("or_send" not in cause["mend"] for cause in causes)


def test_a_set_that_no_policy_allows_may_be_left_out_too(world: World) -> None:
    only = ALL | {"Resource": ["arn:aws:ses:*:*:identity/*", SETS + "new"]}
    case = a_case(world, only, sets=[a_set("old"), a_set("new")])
    assert ways_of(case, "v1", "old") == [None, "new"]


def test_so_for_a_borrowed_identity_whose_owner_reads_nothing_of_it(world: World) -> None:
    case = Reported.lending(world)
    for step in (a_set("old"), a_set("new"), ["user", "sender", "ann", ALL, deny("old")]):
        case.step(*step)
    send = {"as": "sender/ann", "from": "a@one.test", "set": "old",
            "arns": {"SourceArn": case.arn("owner", "one.test")}}  # fmt: skip
    sent = case.send(send)
    [cause] = case.read("sender", sent.request_id)["causes"]
    assert [way["value"] for way in cause["mend"]["or_send"]] == [None, "new"]
    owners = str(case.read("owner", sent.request_id))
    assert "configuration" not in owners and "new" not in owners
    assert case.send({name: value for name, value in send.items() if name != "set"}).code == ""
