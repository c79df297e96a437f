"""What is kept of a request holds no secret, is bounded, and is JSON."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from sesame.aws.keepable import HIDDEN, MAX_CHARACTERS, MAX_ITEMS, keepable
from sesame.aws.model import ServiceModel
from sesame.aws.shape import Shape
from tests.aws.botocore_side import botocore_model

CANARY = "c4n4ry"
STRUCTURE = Shape(kind="structure")


def kept(service: str, operation: str, **parameters: Any) -> dict[str, Any]:
    return ServiceModel.load(service).operations[operation].keepable(parameters)


def test_private_keys_of_owners_are_hidden() -> None:
    found = kept(
        "sesv2",
        "CreateEmailIdentity",
        EmailIdentity="example.com",
        DkimSigningAttributes={"DomainSigningSelector": "s", "DomainSigningPrivateKey": CANARY},
    )
    assert found == {
        "emailIdentity": "example.com",
        "dkimSigningAttributes": {"domainSigningSelector": "s", "domainSigningPrivateKey": HIDDEN},
    }


@pytest.mark.parametrize(
    "name",
    ["Password", "NewPassword", "OldPassword", "SecretAccessKey", "ClientSecret", "PrivateKey", "SessionToken",
     "TokenCode", "Token", "AuthenticationCode1", "secret_key"],
)  # fmt: skip
def test_what_is_named_like_a_secret_is_hidden_wherever_it_stands(name: str) -> None:
    for parameters in ({name: CANARY}, {"Attributes": {name: CANARY}}, {"List": [{"Inner": {name: CANARY}}]}):
        assert CANARY not in json.dumps(keepable(STRUCTURE, parameters))


def test_names_that_only_look_like_secrets_are_kept() -> None:
    given = {"NextToken": "n", "PolicyName": "p", "TagKeys": ["k"], "AccessKeyId": "AKIA"}
    assert keepable(STRUCTURE, given) == {
        "nextToken": "n", "policyName": "p", "tagKeys": ["k"], "accessKeyId": "AKIA",
    }  # fmt: skip


def test_what_is_said_of_a_secret_is_kept() -> None:
    found = kept(
        "iam", "UpdateAccountPasswordPolicy", MinimumPasswordLength=12, AllowUsersToChangePassword=True
    )
    assert found == {"minimumPasswordLength": 12, "allowUsersToChangePassword": True}
    asked = {"UserName": "anna", "Password": CANARY, "PasswordResetRequired": True}
    hidden = {"userName": "anna", "password": HIDDEN, "passwordResetRequired": True}
    assert kept("iam", "CreateLoginProfile", **asked) == hidden


def test_passwords_of_urls_are_left_out() -> None:
    found = kept(
        "sns", "SetTopicAttributes", TopicArn="a", AttributeName="x", AttributeValue="https://u:p@h/"
    )
    assert found["attributeValue"] == "https://h/"


def test_long_texts_and_lists_are_cut_and_bytes_counted() -> None:
    found = keepable(STRUCTURE, {"A": "x" * 10_000, "B": ["y"] * 500, "C": b"123", "D": None, "E": 1.5})
    assert found["a"] == "x" * MAX_CHARACTERS + " (10000 characters)"
    assert (len(found["b"]), found["b"][-1]) == (MAX_ITEMS + 1, "(500 items)")
    assert (found["c"], found["d"], found["e"]) == ("(3 bytes)", None, 1.5)


def sensitive_paths(shape: Any, seen: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Paths to the members that botocore's model calls sensitive, lists and maps left out."""
    if shape.name in seen:
        return
    if shape.metadata.get("sensitive"):
        yield ()
    elif shape.type_name == "structure":
        for name, member in shape.members.items():
            for path in sensitive_paths(member, (*seen, shape.name)):
                yield (name, *path)


@pytest.mark.parametrize("service", ["ses", "sesv2", "iam", "sts", "sns"])
def test_what_the_service_model_calls_sensitive_is_hidden(service: str) -> None:
    model = botocore_model(service)
    for name, operation in ServiceModel.load(service).operations.items():
        shape = model.operation_model(name).input_shape
        for path in sensitive_paths(shape) if shape is not None else ():
            value: Any = CANARY
            for part in reversed(path):
                value = {part: value}
            assert CANARY not in json.dumps(operation.keepable(value)), (name, path)
