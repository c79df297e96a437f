"""An ARN that an SMTP credential is bound to is never shown as one that the message named; binding it anew is offered.

Who binds has a program that can add no field.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.refusal_world import Case, World

SHOP = "arn:aws:ses:us-east-1:<owner>:identity/shop.test"
ADDRESS = "arn:aws:ses:us-east-1:<owner>:identity/one@shop.test"
BRAND = "arn:aws:ses:us-east-1:<second>:identity/brand.test"
OTHER = "arn:aws:ses:us-east-1:<second>:identity/other.test"
SENDER = {"Principal": {"AWS": "<sender>"}}
STEPS = [
    ["account", "owner"],
    ["account", "second"],
    ["account", "sender"],
    ["identity", "owner", "shop.test"],
    ["policy", "owner", "shop.test", SENDER],
    ["identity", "owner", "one@shop.test"],
    ["policy", "owner", "one@shop.test", SENDER],
    ["identity", "second", "brand.test"],
    ["policy", "second", "brand.test", SENDER],
    ["identity", "second", "other.test"],
    ["policy", "second", "other.test", SENDER],
    ["user", "sender", "robot", {"Effect": "Allow", "Action": "ses:*", "Resource": "*"}],
]
BY_SMTP: dict[str, Any] = {"as": "sender/robot", "door": "smtp", "from": "hi@brand.test"}

# What is sent, what the credential is bound to, and to what it is to be bound besides.
UNCOVERED: dict[str, tuple[dict[str, Any], list[str], str]] = {
    "all of it": ({}, [SHOP], BRAND),
    "all of it, of two": ({}, [SHOP, OTHER], BRAND),
    "an address of the domain": ({"from": "two@shop.test"}, [ADDRESS], SHOP),
    "From alone": ({"source": "b@shop.test"}, [SHOP], BRAND),
    "MAIL FROM alone": ({"from": "news@shop.test", "source": "b@brand.test"}, [SHOP], BRAND),
    "Return-Path alone": ({"from": "news@shop.test", "fields": [["Return-Path", "b@brand.test"]]}, [SHOP], BRAND),
    "Sender alone": ({"from": "news@shop.test", "fields": [["Sender", "b@brand.test"]]}, [SHOP], BRAND),
    "Source and Return-Path": ({"from": "news@shop.test", "source": "b@brand.test",
                                "fields": [["Return-Path", "b@brand.test"]]}, [SHOP], BRAND),
    "From, of two": ({"source": "b@shop.test"}, [SHOP, OTHER], BRAND),
    "a subdomain": ({"from": "hi@mail.brand.test"}, [SHOP], BRAND),
}  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    opened = World.open(tmp_path_factory.mktemp("bound") / "data")
    yield opened
    opened.close()


def bind(case: Case, arns: list[str]) -> None:
    operator = case.world.services.operator
    number, key = case.account("sender").account_id, case.keys["sender/robot"].access_key_id
    case.world.run(operator.access_key(number, "robot", access_key_id=key, bound=tuple(map(case.fill, arns))))


def refused(
    world: World, sent: dict[str, Any], bound: list[str]
) -> tuple[Case, dict[str, Any], dict[str, Any]]:
    case = Case.described(world, {"steps": STEPS})
    bind(case, bound)
    send = case.fill(BY_SMTP | sent)
    assert case.send(send).code
    return case, send, case.read("sender")["causes"][0]


@pytest.mark.parametrize("name", UNCOVERED)
def test_a_message_that_the_bound_arns_do_not_cover_is_bound_too(world: World, name: str) -> None:
    sent, bound, right = UNCOVERED[name]
    case, send, cause = refused(world, sent, bound)
    assert "the SMTP credential is bound to" in cause["cause"], cause
    assert "named" not in cause["cause"].replace("names no ARN", "")
    assert all(case.fill(arn) in cause["cause"] for arn in bound)
    [command] = re.findall(r"`(sesame smtp credentials [^`]*)`", cause["mend"]["text"])
    key = case.keys["sender/robot"].access_key_id
    begin = f"sesame smtp credentials {case.account('sender').account_id} robot --key {key} --as "
    assert command.startswith(begin)
    again = command.removeprefix(begin).split(" --as ")
    assert sorted(again) == sorted(case.fill(arn) for arn in (*bound, right))
    bind(case, again)
    assert case.send(send).code == ""


@pytest.mark.parametrize(
    "name", sorted(UNCOVERED.keys() - {"Sender alone"})
)  # for it alone there is no field
def test_the_field_that_is_offered_beside_it_helps_too(world: World, name: str) -> None:
    sent, bound, right = UNCOVERED[name]
    case, send, cause = refused(world, sent, bound)
    [field] = re.findall(rf"name `{re.escape(case.fill(right))}` in (X-SES-[A-Z-]*)", cause["mend"]["text"])
    send["fields"] = [*send.get("fields", ()), [field, case.fill(right)]]
    assert case.send(send).code == ""


@pytest.mark.parametrize("fields", [[], [["Sender", "b@nobody.test"]]])
def test_where_nobody_lends_it_is_still_said_where_the_arn_comes_from(
    world: World, fields: list[Any]
) -> None:
    sent = {"from": "news@shop.test", "fields": fields} if fields else {"from": "hi@nobody.test"}
    case, _, cause = refused(world, sent, [SHOP])
    assert "the SMTP credential is bound to" in cause["cause"], cause
    assert f"--as {case.fill(SHOP)} --as ARN" in cause["mend"]["text"]


def test_one_of_another_region_is_said_to_be_bound(world: World) -> None:
    far = SHOP.replace("us-east-1", "eu-west-1")
    _, _, cause = refused(world, {"from": "news@shop.test"}, [far])
    assert "the SMTP credential is bound to" in cause["cause"], cause


def test_one_of_the_senders_own_number_is_said_to_be_bound(world: World) -> None:
    case, send, cause = refused(world, {"from": "news@shop.test"}, [SHOP.replace("owner", "sender")])
    assert "the SMTP credential is bound to" in cause["cause"], cause
    [command] = re.findall(r"`(sesame smtp credentials [^`]*)`", cause["mend"]["text"])
    bind(case, command.split(" --as ")[1:])
    assert case.send(send).code == ""


@pytest.mark.parametrize("name", UNCOVERED)
@pytest.mark.parametrize("reader", ["owner", "second"])
def test_no_owner_reads_what_is_bound(world: World, name: str, reader: str) -> None:
    sent, bound, _ = UNCOVERED[name]
    case, _, _ = refused(world, sent, bound)
    told = json.dumps(case.read(reader))
    assert "AKIA" not in told and "credential is bound" not in told
    assert case.account("second" if reader == "owner" else "owner").account_id not in told


def test_addresses_are_and_an_address_is(world: World) -> None:
    assert "`hi@brand.test` are covered" in refused(world, {}, [SHOP])[2]["cause"]
    assert "`hi@brand.test` is covered" in refused(world, {"source": "b@shop.test"}, [SHOP])[2]["cause"]
