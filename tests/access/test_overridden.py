"""What is named in one place goes before what is named in another: where that is right, it is said.

A parameter goes before the field of a raw message, a field before what the SMTP credential is bound to.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.refusal_world import Case, World

SHOP = "arn:aws:ses:us-east-1:<owner>:identity/shop.test"
LISTS = "arn:aws:ses:us-east-1:<second>:identity/lists.test"
MAIL = "arn:aws:ses:us-east-1:<owner>:identity/mail.shop.test"
SENDER = {"Principal": {"AWS": "<sender>"}}
STEPS = [
    ["account", "owner"],
    ["account", "second"],
    ["account", "sender"],
    ["identity", "owner", "shop.test"],
    ["policy", "owner", "shop.test", SENDER],
    ["identity", "owner", "mail.shop.test"],
    ["identity", "second", "lists.test"],
    ["policy", "second", "lists.test", SENDER],
    ["identity", "sender", "own.test"],
    ["user", "sender", "robot", {"Effect": "Allow", "Action": "ses:*", "Resource": "*"}],
]
NEWS: dict[str, Any] = {"as": "sender/robot", "from": "news@shop.test"}
OF_LISTS = {"source": "bounce@lists.test"}
BY_V2, FEEDBACK = "FromEmailAddressIdentityArn", "FeedbackForwardingEmailAddressIdentityArn"
SOURCE, FROM, RETURN = "X-SES-SOURCE-ARN", "X-SES-FROM-ARN", "X-SES-RETURN-PATH-ARN"

# What is sent; the parameter that goes before; what it hides; its value there.
Sent = tuple[dict[str, Any], str, str, str]
HIDING: dict[str, Sent] = {
    "v2, Source's hides From's": (
        {"door": "v2raw", **OF_LISTS, "arns": {BY_V2: LISTS}, "fields": [[FROM, SHOP], [SOURCE, LISTS]]},
        BY_V2, FROM, SHOP),
    "v2, Source's hides From's, which stands alone": (
        {"door": "v2raw", **OF_LISTS, "arns": {BY_V2: LISTS}, "fields": [[FROM, SHOP]]}, BY_V2, FROM, SHOP),
    "v2, From's hides Source's": (
        {"door": "v2raw", **OF_LISTS, "arns": {BY_V2: SHOP}, "fields": [[SOURCE, LISTS]]}, BY_V2, SOURCE, LISTS),
    "v2, From's hides both": (
        {"door": "v2raw", **OF_LISTS, "arns": {BY_V2: SHOP}, "fields": [[SOURCE, LISTS], [FROM, SHOP]]},
        BY_V2, SOURCE, LISTS),
    "v2, a wrong one hides both": (
        {"door": "v2raw", "arns": {BY_V2: LISTS}, "fields": [[SOURCE, SHOP], [FROM, SHOP]]}, BY_V2, FROM, SHOP),
    "v2, one of another name hides Source's": (
        {"door": "v2raw", "arns": {BY_V2: LISTS}, "fields": [[SOURCE, SHOP]]}, BY_V2, SOURCE, SHOP),
    "v2, feedback's hides the return path's": (
        {"door": "v2raw", "return_path": "b@lists.test", "arns": {BY_V2: SHOP, FEEDBACK: SHOP},
         "fields": [[RETURN, LISTS]]}, FEEDBACK, RETURN, LISTS),
    "v1, SourceArn hides Source's": (
        {"door": "raw", **OF_LISTS, "arns": {"SourceArn": SHOP}, "fields": [[SOURCE, LISTS], [FROM, SHOP]]},
        "SourceArn", SOURCE, LISTS),
    "v1, SourceArn hides the only one": (
        {"door": "raw", "arns": {"SourceArn": LISTS}, "fields": [[SOURCE, SHOP]]}, "SourceArn", SOURCE, SHOP),
    "v1, FromArn hides From's": (
        {"door": "raw", **OF_LISTS, "arns": {"SourceArn": LISTS, "FromArn": LISTS}, "fields": [[FROM, SHOP]]},
        "FromArn", FROM, SHOP),
    "v1, ReturnPathArn hides the return path's": (
        {"door": "raw", "arns": {"SourceArn": SHOP, "ReturnPathArn": SHOP},
         "fields": [["Return-Path", "b@lists.test"], [RETURN, LISTS]]}, "ReturnPathArn", RETURN, LISTS),
    "v2, one that does not lend hides one that does": (
        {"door": "v2raw", "from": "news@mail.shop.test", "arns": {BY_V2: MAIL}, "fields": [[SOURCE, SHOP]]},
        BY_V2, SOURCE, SHOP),
    "v1, one that does not lend hides one that does": (
        {"door": "raw", "from": "news@mail.shop.test", "arns": {"SourceArn": MAIL}, "fields": [[SOURCE, SHOP]]},
        "SourceArn", SOURCE, SHOP),
    "v1, one of another region hides one of this": (
        {"door": "raw", "arns": {"SourceArn": SHOP.replace("us-east-1", "eu-west-1")}, "fields": [[SOURCE, SHOP]]},
        "SourceArn", SOURCE, SHOP),
    "v1, one with the sender's number hides the owner's": (
        {"door": "raw", "arns": {"SourceArn": SHOP.replace("owner", "sender")}, "fields": [[SOURCE, SHOP]]},
        "SourceArn", SOURCE, SHOP),
    "v1, one that is misspelt hides the right one": (
        {"door": "raw", "arns": {"SourceArn": SHOP.replace("identity/", "")}, "fields": [[SOURCE, SHOP]]},
        "SourceArn", SOURCE, SHOP),
    "smtp, a field hides what is bound": (
        {"door": "smtp", "fields": [[SOURCE, LISTS]], "bound": [SHOP]}, SOURCE, "the SMTP credential", SHOP),
    "smtp, a field that does not lend hides what is bound": (
        {"door": "smtp", "from": "news@mail.shop.test", "fields": [[SOURCE, MAIL]], "bound": [SHOP]},
        SOURCE, "the SMTP credential", SHOP),
    "smtp, From's hides what is bound": (
        {"door": "smtp", **OF_LISTS, "fields": [[SOURCE, LISTS], [FROM, LISTS]], "bound": [SHOP]},
        FROM, "the SMTP credential", SHOP),
}  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    opened = World.open(tmp_path_factory.mktemp("overridden") / "data")
    yield opened
    opened.close()


def refused(world: World, sent: dict[str, Any]) -> tuple[Case, dict[str, Any], dict[str, Any]]:
    """The case, what was sent in it, and its first cause for the sender."""
    case = Case.described(world, {"steps": STEPS})
    if bound := sent.get("bound"):
        operator = world.services.operator
        number, key = case.account("sender").account_id, case.keys["sender/robot"].access_key_id
        world.run(operator.access_key(number, "robot", access_key_id=key, bound=tuple(map(case.fill, bound))))
    send = case.fill(NEWS | sent)
    outcome = case.send(send)
    assert outcome.code
    return case, send, case.read("sender", outcome.request_id)["causes"][0]


@pytest.mark.parametrize("name", HIDING)
def test_what_hides_the_right_arn_is_said_and_left_out(world: World, name: str) -> None:
    sent, parameter, hidden, arn = HIDING[name]
    case, send, cause = refused(world, sent)
    assert f"{parameter} goes before {hidden}" in cause["cause"], cause
    assert case.fill(arn) in cause["cause"]
    assert f"leave {parameter} out" in cause["mend"]["text"]
    assert case.send(case.apply(cause["mend"], send)).code == ""
    if cause["mend"]["how"] == "set-parameter":  # either way that is offered helps
        dropped = {"how": "drop-parameter", "parameter": parameter}
        assert case.send(case.apply(dropped, send)).code == ""


ROUND: dict[str, tuple[dict[str, Any], list[str]]] = {
    "From at another owner's": ({**OF_LISTS, "arns": {BY_V2: LISTS}}, [SHOP, LISTS]),
    "Source at another owner's": ({**OF_LISTS, "arns": {BY_V2: SHOP}}, [SHOP, LISTS]),
    "Source at an own domain": ({"source": "b@own.test", "arns": {BY_V2: SHOP}}, [SHOP]),
    "From at an own domain": ({**OF_LISTS, "from": "a@own.test", "arns": {BY_V2: LISTS}}, [LISTS]),
    "a field for the return path": (
        {**OF_LISTS, "arns": {BY_V2: LISTS}, "fields": [["Return-Path", "b@lists.test"]]}, [SHOP, LISTS]),
}  # fmt: skip


@pytest.mark.parametrize("name", ROUND)
def test_one_parameter_of_v2_that_cannot_be_right_for_both_is_not_proposed(world: World, name: str) -> None:
    """It is for From and Source alike."""
    sent, arns = ROUND[name]
    case, send, cause = refused(world, {"door": "v2raw", **sent})
    assert "Source and From alike" in cause["cause"], cause
    assert cause["mend"]["how"] == "drop-parameter"
    assert all(case.fill(arn) in cause["mend"]["text"] for arn in arns)
    assert case.send(case.apply(cause["mend"], send)).code == ""


@pytest.mark.parametrize("name", HIDING)
@pytest.mark.parametrize("reader", ["owner", "second"])
def test_no_owner_reads_what_the_message_named_beside(world: World, name: str, reader: str) -> None:
    """Neither the other owner's account nor its ARN (I9)."""
    sent, *_ = HIDING[name]
    case, _, _ = refused(world, sent)
    told = json.dumps(case.read(reader))
    assert "goes before" not in told
    assert case.account("second" if reader == "owner" else "owner").account_id not in told


def test_a_parameter_that_says_the_same_hides_nothing(world: World) -> None:
    wrong = SHOP.replace("shop", "shpo")
    _, _, cause = refused(world, {"door": "raw", "arns": {"SourceArn": wrong}, "fields": [[SOURCE, wrong]]})
    assert "goes before" not in json.dumps(cause)


def test_a_hidden_arn_that_is_no_better_is_not_recommended(world: World) -> None:
    """It covers the address, and its owner does not let the sender in."""
    sent = {
        "door": "raw",
        "from": "news@mail.shop.test",
        "arns": {"SourceArn": LISTS},
        "fields": [[SOURCE, MAIL]],
    }
    case, send, cause = refused(world, sent)
    assert "leave SourceArn out" not in cause["mend"]["text"], cause
    assert case.fill(SHOP) in cause["mend"]["text"]
    assert case.send(case.apply(cause["mend"], send)).code == ""
