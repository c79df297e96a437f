"""An ARN that was not meant is told apart from an owner that does not allow: who lends is named."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.refusal_world import Case, World

RIGHT = "arn:aws:ses:us-east-1:<owner>:identity/shop.test"
WRONG = "arn:aws:ses:us-east-1:<old>:identity/shop.test"
NOBODYS = "118811881188"
NEWS = {"as": "sender/robot", "from": "news@shop.test"}
SENDER = {"Principal": {"AWS": "<sender>"}}
ALL = {"Effect": "Allow", "Action": "ses:*", "Resource": "*"}
LENT = [
    ["account", "owner"],
    ["account", "sender"],
    ["account", "old"],
    ["identity", "owner", "shop.test"],
    ["policy", "owner", "shop.test", SENDER],
    ["user", "sender", "robot", ALL],
]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    opened = World.open(tmp_path_factory.mktemp("instead") / "data")
    yield opened
    opened.close()


def bind(case: Case, *arns: str) -> None:
    operator = case.world.services.operator
    number, key = case.account("sender").account_id, case.keys["sender/robot"].access_key_id
    case.world.run(operator.access_key(number, "robot", access_key_id=key, bound=tuple(map(case.fill, arns))))


NAMED: dict[str, dict[str, Any]] = {
    "v1": {"arns": {"SourceArn": WRONG}},
    "v1, return path": {"arns": {"SourceArn": RIGHT, "ReturnPathArn": WRONG}, "return_path": "b@shop.test"},
    "raw, FromArn": {"door": "raw", "source": "b@shop.test", "arns": {"SourceArn": RIGHT, "FromArn": WRONG}},
    "raw, field": {"door": "raw", "fields": [["X-SES-SOURCE-ARN", WRONG]]},
    "v2": {"door": "v2", "arns": {"FromEmailAddressIdentityArn": WRONG}},
    "v2, feedback": {"door": "v2", "return_path": "b@shop.test", "arns": {
        "FromEmailAddressIdentityArn": RIGHT, "FeedbackForwardingEmailAddressIdentityArn": WRONG}},
    "smtp": {"door": "smtp", "fields": [["X-SES-SOURCE-ARN", WRONG]]},
    "smtp, From": {"door": "smtp", "source": "b@shop.test", "fields": [
        ["X-SES-SOURCE-ARN", RIGHT], ["X-SES-FROM-ARN", WRONG]]},
    "smtp, twice": {"door": "smtp", "fields": [["X-SES-SOURCE-ARN", WRONG], ["X-SES-SOURCE-ARN", RIGHT]]},
    "raw, twice": {"door": "raw", "fields": [["X-SES-SOURCE-ARN", WRONG], ["X-SES-SOURCE-ARN", RIGHT]]},
    "smtp, From twice": {"door": "smtp", "source": "b@shop.test", "fields": [
        ["X-SES-SOURCE-ARN", RIGHT], ["X-SES-FROM-ARN", WRONG], ["X-SES-FROM-ARN", RIGHT]]},
    "smtp, bound": {"door": "smtp"},
}  # fmt: skip
WRONG_HOW: dict[str, list[list[Any]]] = {
    "nobody's": [],
    "without it": [["identity", "old", "other.test"]],
    "with it": [["identity", "old", "shop.test"]],
    "for another": [["identity", "old", "shop.test"],
                    ["policy", "old", "shop.test", {"Principal": {"AWS": "<owner>"}}]],
    "pending": [["pending", "old", "shop.test"]],
}  # fmt: skip


def refused(world: World, name: str, how: str) -> tuple[Case, dict[str, Any], Any]:
    case = Case.described(world, {"steps": [*LENT, *WRONG_HOW[how]]})
    if how == "nobody's":
        case.names["old"] = NOBODYS
    if "bound" in name:
        bind(case, "arn:aws:ses:us-east-1:<owner>:identity/other.test", WRONG)
    send = case.fill(NEWS | NAMED[name])
    sent = case.send(send)
    assert sent.code
    return case, send, sent


@pytest.mark.parametrize("how", WRONG_HOW)
@pytest.mark.parametrize("name", NAMED)
def test_who_lends_is_named_in_place_of_a_wrong_owner(world: World, name: str, how: str) -> None:
    case, send, sent = refused(world, name, how)
    [cause] = case.read("sender", sent.request_id)["causes"]
    assert cause["code"] == ("SA106" if "twice" in name else "SA201")
    assert case.fill(RIGHT) in cause["cause"] and cause["mend"]["how"] != "ask"
    if "bound" in name:
        assert cause["mend"]["how"] == "smtp-credentials" and "--as" in cause["mend"]["text"]
        other = case.fill("arn:aws:ses:us-east-1:<owner>:identity/other.test")
        assert f"--as {other} --as {case.fill(RIGHT)}`" in cause["mend"]["text"]
        assert f"--key {case.keys['sender/robot'].access_key_id}" in cause["mend"]["text"]
        assert "names no ARN" in cause["cause"]
        bind(case, other, RIGHT)
        assert case.send(send).code == ""
    else:
        assert case.send(case.apply(cause["mend"], send)).code == ""


@pytest.mark.parametrize("how", WRONG_HOW)
@pytest.mark.parametrize("name", ["v1", "v2", "raw, FromArn", "v1, return path", "raw, twice"])
def test_the_operator_is_not_sent_to_verify_it_in_the_wrong_account(
    world: World, name: str, how: str
) -> None:
    case, send, sent = refused(world, name, how)
    [cause] = case.read_as_operator(sent.request_id)["causes"]
    assert case.fill(RIGHT) in cause["cause"] and "verify" not in cause["mend"]["text"]
    assert ("there is no account" in cause["cause"]) == (how == "nobody's")
    assert case.send(case.apply(cause["mend"], send)).code == ""


@pytest.mark.parametrize("how", ["without it", "with it", "for another", "pending"])
@pytest.mark.parametrize("name", NAMED)
def test_whose_the_wrong_one_is_reads_nothing_of_who_lends(world: World, name: str, how: str) -> None:
    case, _, sent = refused(world, name, how)
    told = json.dumps(case.read("old", sent.request_id))
    assert case.account("owner").account_id not in told or how == "for another"
    assert case.fill(RIGHT) not in told


@pytest.mark.parametrize("name", ["v1", "smtp", "smtp, bound", "smtp, twice"])
def test_where_nobody_lends_the_owner_is_to_be_asked(world: World, name: str) -> None:
    case = Case.described(world, {"steps": [*LENT[:4], LENT[5], ["policy", "owner", "shop.test", {
        "Principal": {"AWS": "<old>"}}]]})  # fmt: skip
    if "bound" in name:
        bind(case, WRONG)
    sent = case.send(NEWS | NAMED[name])
    cause = case.read("sender", sent.request_id)["causes"][0]
    assert cause["mend"]["how"] == "ask" and cause["mend"]["account"] == case.account("old").account_id
    assert case.account("owner").account_id not in json.dumps(cause)
    assert ("SMTP credential is bound to" in cause["cause"]) == ("bound" in name)


MISTYPED: dict[str, dict[str, Any]] = {
    "v1": {"arns": {"SourceArn": "ARN"}},
    "v1, return path": {"arns": {"SourceArn": RIGHT, "ReturnPathArn": "ARN"}},
    "raw, FromArn": {"door": "raw", "arns": {"SourceArn": RIGHT, "FromArn": "ARN"}},
    "raw, field": {"door": "raw", "fields": [["X-SES-SOURCE-ARN", "ARN"]]},
    "v2": {"door": "v2", "arns": {"FromEmailAddressIdentityArn": "ARN"}},
    "v2, feedback": {"door": "v2", "arns": {
        "FromEmailAddressIdentityArn": RIGHT, "FeedbackForwardingEmailAddressIdentityArn": "ARN"}},
    "smtp": {"door": "smtp", "fields": [["X-SES-SOURCE-ARN", "ARN"]]},
    "smtp, From": {"door": "smtp", "fields": [["X-SES-SOURCE-ARN", RIGHT], ["X-SES-FROM-ARN", "ARN"]]},
}  # fmt: skip


@pytest.mark.parametrize(
    "lends", [{}, {"Condition": {"StringEquals": {"ses:FromAddress": "news@shop.test"}}}]
)
@pytest.mark.parametrize("written", ["shpo.test", "shop.tset", "sh0p.test", "mail.shop.test", "other.test"])
@pytest.mark.parametrize("name", MISTYPED)
def test_an_arn_whose_domain_is_mistyped_is_corrected_and_not_the_address(
    world: World, name: str, written: str, lends: dict[str, Any]
) -> None:
    case = Case.described(world, {"steps": [*LENT, ["policy", "owner", "shop.test", SENDER | lends]]})
    text = json.dumps(NEWS | MISTYPED[name]).replace('"ARN"', json.dumps(RIGHT.replace("shop.test", written)))
    send = case.fill(json.loads(text))
    sent = case.send(send)
    [cause] = case.read("sender", sent.request_id)["causes"]
    assert cause["code"] == "SA107" and cause["mend"]["value"] == case.fill(RIGHT)
    assert f"news@{written}" not in json.dumps(cause)
    assert case.send(case.apply(cause["mend"], send)).code == ""


@pytest.mark.parametrize(
    "only",
    [
        {"StringEquals": {"ses:FromAddress": "jobs@shop.test"}},
        {"StringLike": {"ses:FromAddress": "canary*@shop.test"}},
        {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}},
    ],
)
@pytest.mark.parametrize("door", ["v1", "v2", "raw", "smtp"])
def test_an_identity_lent_in_part_is_to_be_named_before_anything_is_verified(
    world: World, door: str, only: dict[str, Any]
) -> None:
    case = Case.described(
        world, {"steps": [*LENT, ["policy", "owner", "shop.test", SENDER | {"Condition": only}]]}
    )
    send: dict[str, Any] = NEWS | {"door": door}
    sent = case.send(send)
    cause, behind = case.read("sender", sent.request_id)["causes"]
    assert cause["code"] == "SA101" and cause["mend"]["value"] == case.fill(RIGHT)
    assert behind["cause"].startswith("and then the owner's policy has a condition on")
    said = json.dumps([cause, behind])
    assert (
        "verify" not in said and "lends it to you" not in said and "does not let this message through" in said
    )
    assert "canary" not in said and "203.0.113" not in said
    after = case.send(case.apply(cause["mend"], send))
    assert after.code in ("AccessDenied", "AccessDeniedException", "554")
    again = case.read("sender", after.request_id)["causes"][0]
    assert again["code"] in ("SA401", "SA403")


def test_an_identity_that_names_somebody_else_is_not_told_of(world: World) -> None:
    steps = [*LENT[:4], LENT[5], ["policy", "owner", "shop.test", {"Principal": {"AWS": "*"}, "Condition": {
        "StringEquals": {"aws:PrincipalAccount": "<old>"}}}]]  # fmt: skip
    case = Case.described(world, {"steps": steps})
    sent = case.send(NEWS)
    assert case.account("owner").account_id not in json.dumps(case.read("sender", sent.request_id))


MALFORMED = [
    "shop.test",
    "arn:aws:ses:us-east-1::identity/shop.test",
    "arn:aws:ses:us-east-1:12:identity/shop.test",
]


@pytest.mark.parametrize("written", MALFORMED)
@pytest.mark.parametrize("name", ["v1", "v2", "smtp", "raw, FromArn", "raw, field"])
def test_an_arn_that_cannot_be_read_is_written_out_where_the_identity_is_lent(
    world: World, name: str, written: str
) -> None:
    case = Case.described(world, {"steps": LENT})
    text = json.dumps(NEWS | MISTYPED[name]).replace('"ARN"', json.dumps(written))
    send = case.fill(json.loads(text))
    sent = case.send(send)
    [cause] = case.read("sender", sent.request_id)["causes"]
    assert cause["code"] == "SA108" and cause["mend"]["value"] == case.fill(RIGHT)
    assert case.send(case.apply(cause["mend"], send)).code == ""


@pytest.mark.parametrize(
    "wrong", ["arn:aws:ses:us-east-1:<sender>:identity/shop.test", RIGHT.replace("us-east-1", "eu-west-1")]
)
@pytest.mark.parametrize("door", ["smtp", "raw"])
def test_a_field_that_stands_twice_is_said_whatever_is_wrong_with_the_first(
    world: World, door: str, wrong: str
) -> None:
    case = Case.described(world, {"steps": LENT})
    fields = [["X-SES-SOURCE-ARN", wrong], ["X-SES-SOURCE-ARN", RIGHT]]
    send = case.fill(NEWS | {"door": door, "fields": fields})
    [cause] = case.read("sender", case.send(send).request_id)["causes"]
    assert cause["code"] == "SA106" and case.send(case.apply(cause["mend"], send)).code == ""


@pytest.mark.parametrize("door", ["v1", "v2", "smtp"])
def test_who_lends_is_named_in_place_of_the_senders_own_account_number(world: World, door: str) -> None:
    case = Case.described(world, {"steps": LENT})
    text = json.dumps(NEWS | MISTYPED[door]).replace('"ARN"', json.dumps(RIGHT.replace("owner", "sender")))
    send = case.fill(json.loads(text))
    [cause] = case.read("sender", case.send(send).request_id)["causes"]
    assert cause["code"] == "SA103" and cause["mend"]["value"] == case.fill(RIGHT)
    assert case.send(case.apply(cause["mend"], send)).code == ""
