"""A policy that is not stored is found by its request, with what is wrong in it where AWS's answer does not say."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sesame.access.causes.failures import MOST_CALLS_A_MINUTE
from tests.support.documents import document
from tests.support.refusal_world import EVERYTHING, Case, World

ANYBODY = {"Effect": "Allow", "Principal": "*", "Action": "ses:SendEmail"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    opened = World.open(tmp_path_factory.mktemp("documents") / "data")
    yield opened
    opened.close()


@pytest.fixture
def case(world: World) -> Case:
    made = Case(world)
    made.account("owner"), made.account("stranger")
    made.step("identity", "owner", "one.test")
    made.step("user", "owner", "robot")
    return made


def refused(case: Case, service: str, operation: str, **parameters: Any) -> tuple[str, str]:
    """The answer to a policy that must be refused, and its request id."""
    client = case.world.client(service, case.account("owner"))
    with pytest.raises(ClientError) as raised:
        getattr(client, operation)(**parameters)
    response = raised.value.response
    return response["Error"]["Message"], response["ResponseMetadata"]["RequestId"]


def identity_policy(case: Case, **changed: Any) -> str:
    return document(ANYBODY | {"Resource": case.arn("owner", "one.test")} | changed)


PUT = {"Identity": "one.test", "PolicyName": "p"}
CREATE = {"EmailIdentity": "one.test", "PolicyName": "p"}
USER = {"UserName": "robot", "PolicyName": "p"}
TWICE = document(EVERYTHING | {"Sid": "a"}, EVERYTHING | {"Sid": "a"})
CASES: dict[str, tuple[str, str, str, str, str]] = {
    "a key": (
        "ses", "put_identity_policy", "Condition", "Unknown or unapplicable condition field 'aws:Nope'",
        "sesame policy check FILE --identity ARN"),
    "a key, by v2": (
        "sesv2", "create_email_identity_policy", "Condition", "condition field 'aws:Nope'", "policy check FILE"),
    "JSON": ("iam", "put_user_policy", '{"Version": "2012-10-17",\n "Statement": [}', "line 2", "check --iam FILE"),
    "a Sid twice": ("iam", "put_user_policy", TWICE, "(SID)", "sesame policy check --iam FILE"),
    "trust": ("iam", "create_role", document(EVERYTHING), "there is no Principal", "sesame policy check --trust FILE"),
}  # fmt: skip


@pytest.mark.parametrize("called", CASES.values(), ids=CASES.keys())
def test_what_is_wrong_with_a_policy_is_found_by_its_request(
    case: Case, called: tuple[str, str, str, str, str]
) -> None:
    service, operation, text, says, check = called
    if text == "Condition":
        text = identity_policy(case, Condition={"StringEquals": {"aws:Nope": "x"}})
    given: dict[str, dict[str, Any]] = {
        "put_identity_policy": PUT | {"Policy": text},
        "create_email_identity_policy": CREATE | {"Policy": text},
        "put_user_policy": USER | {"PolicyDocument": text},
        "create_role": {"RoleName": "r", "AssumeRolePolicyDocument": text},
    }
    answered, request_id = refused(case, service, operation, **given[operation])
    [cause] = case.read("owner", request_id)["causes"]
    assert cause["code"] == "SA605" and cause["cause"].startswith("the policy was not stored: ")
    assert says in cause["cause"] and check in cause["mend"]["text"], cause
    assert cause["mend"]["how"] == "change-message" and cause["mend"]["field"] == "Policy"
    operators = case.read_as_operator(request_id)
    assert operators["causes"] == [cause] and operators["reason"] == answered
    assert operators["action"].partition(":")[2].lower() == operation.replace("_", "")
    assert case.read("stranger", request_id) == {"causes": []}


def test_a_principal_that_is_not_there_is_named(case: Case) -> None:
    nobody = case.fill("arn:aws:iam::<stranger>:user/nobody")
    text = identity_policy(case, Principal={"AWS": nobody})
    _, request_id = refused(case, "ses", "put_identity_policy", **PUT, Policy=text)
    [cause] = case.read("owner", request_id)["causes"]
    assert f"invalid principal: {nobody} does not exist" in cause["cause"]


def test_refused_policies_leave_room_for_refused_mail(case: Case) -> None:
    """Whoever tries many fills no account's record of what concerns mail."""
    ids = [refused(case, "iam", "put_user_policy", **USER, PolicyDocument="{}")[1] for _ in range(25)]
    kept = [one for one in ids if case.read("owner", one)["causes"]]
    assert len(kept) == MOST_CALLS_A_MINUTE
    sent = case.send({"as": "owner", "from": "a@two.test"})
    assert case.read("owner", sent.request_id)["causes"][0]["code"] == "SA101"


def test_of_the_document_nothing_is_kept_but_what_is_wrong(case: Case) -> None:
    text = document(EVERYTHING | {"Sid": "zqsecret", "Effect": "Nope"})
    _, request_id = refused(case, "iam", "put_user_policy", **USER, PolicyDocument=text)
    told = case.read("owner", request_id)
    assert told["causes"] and "zqsecret" not in json.dumps(told)
