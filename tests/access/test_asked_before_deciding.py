"""What fails before a decision is explained where it is asked about as where it was tried."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from sesame.model import AccountId, Caller, Principal, PrincipalKind
from sesame.operations.asking.question import Question
from sesame.operations.asking.why import Answer, AskWhy
from tests.support.holdout_world import Reported
from tests.support.refusal_world import REGION, TO, World

EU = "eu-west-1"
FROM = "a@shop.test"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    opened = World.open(tmp_path_factory.mktemp("asked") / "data")
    yield opened
    opened.close()


def a_set(name: str, *, on: bool = True) -> list[Any]:
    options = {"ConfigurationSetName": name, "SendingOptions": {"SendingEnabled": on}}
    return ["call", "sender", "sesv2", "create_configuration_set", options]


def default(name: str) -> list[Any]:
    return ["default_set", "sender", "shop.test", name]


def arn(name: str, region: str = REGION, account: str = "<owner>") -> str:
    return f"arn:aws:ses:{region}:{account}:identity/{name}"


TRIED: dict[str, tuple[list[Any], dict[str, Any]]] = {
    "no ARN": ([], {"arn": "shop.test"}),
    "an ARN in quotation marks": ([], {"arn": f'"{arn("shop.test")}"'}),
    "an ARN without an account": ([], {"arn": arn("shop.test", account="")}),
    "another domain's ARN": ([], {"arn": arn("other.test")}),
    "another region's ARN": ([], {"arn": arn("shop.test", EU)}),
    "no region": ([], {"arn": arn("shop.test", "*")}),
    "a From that is none": ([], {"from": "news at shop.test"}),
    "a From with two @": ([], {"from": "news@@shop.test"}),
    "a set that is not there": ([], {"set": "main"}),
    "a set with a name like one that is": ([a_set("main")], {"set": "mian"}),
    "an ARN as name of a set": ([], {"set": "configuration-set/main"}),
    "a set that is off": ([a_set("old", on=False)], {"set": "old"}),
    "a default set that is off": ([a_set("old", on=False), default("old")], {}),
    "a set that is off, and From not verified": ([a_set("old", on=False)], {"set": "old", "from": "a@none.test"}),
    "a template that is not there": ([], {"template": "welcome"}),
    "an account that is off": (
        [["call", "sender", "sesv2", "put_account_sending_attributes", {"SendingEnabled": False}]], {}),
    "a return path's ARN for another domain": ([], {"return_path": "b@shop.test", "return_arn": arn("other.test")}),
}  # fmt: skip


def ask(world: World, case: Reported, given: dict[str, Any]) -> Answer:
    services, doors = world.services, world.doors
    asker = AskWhy(
        services.store, doors.directory, doors.authorizer, doors.sender, pace=doors.pace, clock=services.clock
    )
    number = case.account("sender").account_id
    door = "v1-template" if "template" in given else "v1"
    question = Question(
        who=number, door=door, from_address=given.get("from", FROM), from_arn=given.get("arn", ""), source="",
        source_arn="", return_path=given.get("return_path", ""), return_path_arn=given.get("return_arn", ""),
        recipients=(TO,), configuration_set=given.get("set", ""), template=given.get("template", ""),
        acting_for="", acting_arn="", at=services.clock.now(), source_ip="198.51.100.7", secure=True, user_agent="",
    )  # fmt: skip
    root = f"arn:aws:iam::{number}:root"
    principal = Principal(
        kind=PrincipalKind.ROOT, account_id=AccountId(number), arn=root, user_id=number, name=number
    )
    caller = Caller(
        principal=principal, access_key_id=case.keys["sender"].access_key_id, region=REGION, source_ip="192.0.2.1",
        secure_transport=True, user_agent=None, at=services.clock.now(), request_id="asked",
    )  # fmt: skip
    answer: Answer = world.run(asker.ask(caller, question))
    return answer


def of_first(causes: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The causes without what policies say behind the first, which is known of a send, and not of a question."""
    found = [dict(cause) for cause in causes if not cause["cause"].startswith("and then ")]
    for cause in found:
        cause["mend"] = {**cause["mend"], "text": cause["mend"]["text"].partition("; policies ")[0]}
    return found


@pytest.mark.parametrize("name", TRIED)
def test_it_has_the_causes_of_the_same_send(world: World, name: str) -> None:
    steps, given = TRIED[name]
    first = [["account", "owner"], ["account", "sender"], ["identity", "sender", "shop.test"]]
    case = Reported.described(world, {"steps": [*first, *steps]})
    given = case.fill(given)
    send: dict[str, Any] = {"as": "sender", "from": given.get("from", FROM), "arns": {}}
    send |= {key: given[key] for key in ("set", "template", "return_path") if key in given}
    send["arns"] |= {"SourceArn": given["arn"]} if "arn" in given else {}
    send["arns"] |= {"ReturnPathArn": given["return_arn"]} if "return_arn" in given else {}
    if "template" in given:
        send["door"] = "templated"
    sent = case.send(send)
    tried = case.read("sender", sent.request_id)["causes"]
    assert sent.code and tried
    answer = ask(world, case, given)
    assert (answer.allowed, answer.code) == (False, sent.code)
    assert of_first(answer.causes) == of_first(tried)


def test_what_is_right_is_allowed_and_has_no_cause(world: World) -> None:
    steps = [["account", "sender"], ["identity", "sender", "shop.test"], a_set("new"), default("new")]
    answer = ask(world, Reported.described(world, {"steps": steps}), {})
    assert answer.allowed and answer.causes == ()


BEHIND: dict[str, dict[str, Any]] = {
    "no ARN": {},
    "an ARN without an account": {"arn": arn("lent.test", account="")},
}


@pytest.mark.parametrize("name", BEHIND)
def test_what_would_refuse_behind_the_first_cause_is_said_of_a_question_as_of_a_send(
    world: World, name: str
) -> None:
    lends = {
        "Principal": {"AWS": "<sender>"},
        "Condition": {"StringEquals": {"ses:FromAddress": "news@lent.test"}},
    }
    steps = [
        ["account", "owner"],
        ["account", "sender"],
        ["identity", "owner", "lent.test"],
        ["policy", "owner", "lent.test", lends],
    ]
    case = Reported.described(world, {"steps": steps})
    given = case.fill(BEHIND[name] | {"from": "ceo@lent.test"})
    send = {
        "as": "sender",
        "from": given["from"],
        "arns": {"SourceArn": given["arn"]} if "arn" in given else {},
    }
    tried = case.read("sender", case.send(send).request_id)["causes"]
    behind = [one for one in tried if one["cause"].startswith("and then ")]
    assert behind and "ses:FromAddress" in behind[0]["cause"]
    asked = [one for one in ask(world, case, given).causes if one["cause"].startswith("and then ")]
    assert [one["cause"] for one in asked] == [one["cause"] for one in behind]
