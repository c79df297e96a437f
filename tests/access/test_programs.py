"""Programs that send by SMTP and are set up wrongly: the first sentence names the part that is wrong."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from sesame.access.causes.slips import mend_arn, rule_mend
from tests.access.misconfigurations import ARN, BASE, LEND, MAIL, NEWS
from tests.support.holdout_world import Reported
from tests.support.refusal_world import World

Described = dict[str, Any]
SMTP = NEWS | {"door": "smtp"}
SOURCE_ARN = ["X-SES-SOURCE-ARN", ARN]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    opened = World.open(tmp_path_factory.mktemp("programs") / "data")
    yield opened
    opened.close()


def explained(world: World, sends: Described, reader: str = "sender") -> Described:
    """The first cause of a refused send of a delegate."""
    case = Reported(world)
    steps: list[Any] = [*BASE, MAIL, LEND]
    for step in steps:
        if step[0] == "account":
            case.account(step[1])
        else:
            case.step(*step)
    refused = case.send(case.fill(sends))
    assert refused.code, "it must be refused"
    told = case.read_as_operator("") if reader == "operator" else case.read("sender")
    first: Described = json.loads(json.dumps(told["causes"][0]).replace(case.names["owner"], "<owner>"))
    return first


@pytest.mark.parametrize(
    ("more", "says", "mend"),
    [
        (
            {"source": "www-data@web1.local", "fields": [SOURCE_ARN]},
            "the envelope sender (MAIL FROM) `www-data@web1.local`; nothing under `local` can be verified",
            "give the message an envelope sender that `example.com` covers",
        ),
        (
            {"source": "www-data@web1.test", "fields": [SOURCE_ARN]},
            "the envelope sender (MAIL FROM) `www-data@web1.test`; the address is at `web1.test`",
            "give the message an envelope sender that `example.com` covers, or name in X-SES-SOURCE-ARN the ARN of",
        ),
        (
            {"fields": [["X-SES-SOURCE-ARN", f"{ARN} (the owner's)"]]},
            "there is ` (the owner's)` behind its name",
            f"write it in X-SES-SOURCE-ARN as `{ARN}`",
        ),
        (
            {"fields": [SOURCE_ARN, ["X-SES-RETURN-PATH-ARN", ARN], ["Return-Path", "<b@bounces.test>"]]},
            "the Return-Path `b@bounces.test`",
            "give it a Return-Path that `example.com` covers",
        ),
        (
            {"from": "a@example.com, b@example.com", "source": "a@example.com", "fields": [SOURCE_ARN]},
            "`a@example.com, b@example.com` in From: that is more than one address",
            "write one address in From",
        ),
        (
            {"fields": [SOURCE_ARN, ["Cc", '"Last, First" <a@b.test>, someone@']]},
            ": `someone@` in Cc",
            "write an address with its domain",
        ),
        (
            {"fields": [SOURCE_ARN, ["X-SES-MESSAGE-TAGS", "a=1; b=2"]]},
            "Invalid tag value <1; b=2>",
            "put a comma between tags",
        ),
        (
            {"fields": [SOURCE_ARN, ["X-SES-MESSAGE-TAGS", "sale"]]},
            "The tag value must be specified",
            "write each tag as `name=value`",
        ),
    ],
    ids=[
        "envelope-of-a-machine",
        "envelope",
        "comment-behind",
        "return-path",
        "two-authors",
        "copy",
        "tags-with-semicolon",
        "tag-without-value",
    ],
)
def test_the_cause_names_the_part_of_the_message_that_is_wrong(
    world: World, more: Described, says: str, mend: str
) -> None:
    first = explained(world, SMTP | {"from": "news@example.com"} | more)
    assert says in first["cause"] and mend in first["mend"]["text"], first


@pytest.mark.parametrize("name", ["X-SES-TENANT", "X-SES-LIST-MANAGEMENT-OPTIONS"])
def test_a_field_for_what_is_not_served_is_to_be_left_out(world: World, name: str) -> None:
    first = explained(world, SMTP | {"fields": [SOURCE_ARN, [name, "one"]]})
    assert f"the field `{name}` asks for what is not here" in first["cause"]
    assert first["mend"]["text"] == "leave the field out"


@pytest.mark.parametrize("is_paused", [False, True], ids=["deleted", "paused"])
def test_the_default_set_of_an_identity_is_named_as_such(world: World, is_paused: bool) -> None:
    case = Reported(world)
    steps: list[Any] = [["account", "sender"], ["identity", "sender", "own.test"]]
    for step in steps:
        case.account(step[1]) if step[0] == "account" else case.step(*step)
    ses, sesv2 = (world.client(one, case.account("sender")) for one in ("ses", "sesv2"))
    ses.create_configuration_set(ConfigurationSet={"Name": "mine"})
    sesv2.put_email_identity_configuration_set_attributes(
        EmailIdentity="own.test", ConfigurationSetName="mine"
    )
    if is_paused:
        sesv2.put_configuration_set_sending_options(ConfigurationSetName="mine", SendingEnabled=False)
    else:
        ses.delete_configuration_set(ConfigurationSetName="mine")
    sends = {"as": "sender", "from": "a@own.test", "door": "smtp"}
    assert case.send(sends).code
    [first] = case.read("sender")["causes"]
    if is_paused:
        assert "the default of the identity `own.test`: the message names none" in first["cause"]
    else:
        assert "the configuration set `mine` is the default of the identity `own.test`" in first["cause"]
    case.apply(first["mend"], sends)
    assert case.send(sends).code == ""


def test_a_user_name_and_a_password_in_each_others_place_are_seen(world: World) -> None:
    given = {"username": "BO3sWc8Zt0bHk5a1b2c3d4e5f6g7h8i9j0kLmNoPqRsT", "password": "AKIAIOSFODNN7EXAMPLE"}
    first = explained(world, SMTP | given, reader="operator")
    assert "the access key id was given as password" in first["cause"]
    assert first["mend"]["text"].startswith("exchange user name and password")


@pytest.mark.parametrize(
    ("around", "said"),
    [
        ("<{}>", "angle brackets"),
        ('"{}"', "quotation marks"),
        (" {} ", "white space"),
        ("'{}'", "quotation marks"),
    ],
)
def test_what_stands_around_an_arn_is_called_what_it_is(around: str, said: str) -> None:
    arn = "arn:aws:ses:us-east-1:111111111111:identity/example.com"
    wrong, right = mend_arn(around.format(arn), "us-east-1")
    assert said in wrong and right == arn


@pytest.mark.parametrize(
    ("reason", "mend"),
    [
        ("<you@@b.test> address unknown", "write the recipient as `name@example.com`"),
        (
            "Illegal header 'X-Name'.",
            "write the field `X-Name` as `X-Name: …` in printable characters, other letters as encoded-words; if it is"
            " no field, begin the message with its header, an empty line and the body, and leave base64 to the SDK",
        ),
        ("Missing required header 'From'.", "write the field `From`"),
        ("Duplicate header 'Subject'.", "write the field `Subject` once"),
        (
            "Attribute 'city' is not present in the rendering data.",
            "give `city` a value in the template's data",
        ),
        ("The tag name must be specified.", "write each tag as `name=value`, with a comma between tags"),
    ],
)
def test_a_rule_has_the_mend_that_belongs_to_it(reason: str, mend: str) -> None:
    assert rule_mend(reason, {}) == mend


def test_a_session_named_with_the_path_of_its_role_is_seen(world: World) -> None:
    case = Reported(world)
    for account in ("owner", "sender"):
        case.account(account)
    sender = case.names["sender"]
    case.step("identity", "owner", "example.com")
    case.step("role", "sender", "app", "job", [{"Effect": "Allow", "Action": "ses:*", "Resource": "*"}])
    written = f"arn:aws:sts::{sender}:assumed-role/team/app/job"
    case.step("policy", "owner", "example.com", {"Principal": {"AWS": written}})
    sends = {
        "as": "sender/app",
        "from": "news@example.com",
        "arns": {"SourceArn": case.arn("owner", "example.com")},
    }
    assert case.send(sends).code
    [first] = case.read("owner")["causes"]
    assert "a session's ARN has the name of its role without a path" in first["cause"]
    case.apply(first["mend"], sends)
    assert case.send(sends).code == ""


@pytest.mark.parametrize("n", range(12))
def test_a_message_that_is_base64_is_none_of_a_field_with_that_name(n: int) -> None:
    """Whether its length leaves a `=` at its end or not."""
    text = base64.b64encode(
        f"From: News <news@shop{'1' * n}.example>\r\nTo: you@elsewhere.test\r\n".encode()
    ).decode()
    assert rule_mend(f"Illegal header '{text[:76]}'.", {}).startswith("begin the message with its header")


@pytest.mark.parametrize(
    "name", ["Subject", "X-Mailer", "List-Unsubscribe", "X-Abc123-Delivery-Notification-To"]
)
def test_a_field_that_cannot_be_written_is_named(name: str) -> None:
    assert rule_mend(f"Illegal header '{name}'.", {}).startswith(f"write the field `{name}`")
