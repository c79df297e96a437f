"""What IAM and STS say when they refuse, word for word, by boto3.

Sources: texts that users of AWS report: cfn-lint#708, #722 and #996, terraform#13449, external-dns#3085,
AWSCookbook/Security#2, opstrace#88, pulumi-aws#501, aws-cli#5860, moto#9218, tfaction#1934.
"""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.process import Account, SesameProcess

ALLOW: dict[str, Any] = {"Effect": "Allow", "Action": "ses:SendEmail", "Resource": "*"}
TRUST: dict[str, Any] = {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}
NAMES = "It must contain only alphanumeric characters and/or the following: +=,.@_-"


def document(**statement: Any) -> str:
    return json.dumps(
        {"Version": "2012-10-17", "Statement": {k: v for k, v in statement.items() if v is not None}}
    )


def refusal(call: Any, **parameters: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as refused:
        call(**parameters)
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


@pytest.fixture(scope="module")
def account(sesame: SesameProcess) -> Account:
    return sesame.create_account()


@pytest.fixture(scope="module")
def iam(sesame: SesameProcess, account: Account) -> Any:
    made = sesame.client("iam", account, parameter_validation=False)
    made.create_user(UserName="anna")
    made.create_role(RoleName="mailer", AssumeRolePolicyDocument=document(**TRUST))
    return made


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"Principal": "*"}, "Policy document should not specify a principal."),
        ({"NotPrincipal": {"AWS": "111111111111"}}, "Policy document should not specify a principal."),
        (
            {"Sid": "allow-mail"},
            "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression"
            " [0-9A-Za-z]*",
        ),
    ],
)
def test_a_policy_that_iam_does_not_store(iam: Any, changed: dict[str, Any], words: str) -> None:
    text = document(**ALLOW, **changed)
    expected = ("MalformedPolicyDocument", words)
    assert refusal(iam.create_policy, PolicyName="p", PolicyDocument=text) == expected
    assert refusal(iam.put_user_policy, UserName="anna", PolicyName="p", PolicyDocument=text) == expected


@pytest.mark.parametrize("sid", ["", "AllowMail1"])
def test_a_sid_of_letters_and_digits_is_stored(iam: Any, sid: str) -> None:
    iam.put_user_policy(UserName="anna", PolicyName="p", PolicyDocument=document(**ALLOW, Sid=sid))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (document(**{**TRUST, "Resource": "*"}), "Has prohibited field Resource"),
        (document(**{**TRUST, "NotResource": "*"}), "Has prohibited field NotResource"),
        (document(**{**TRUST, "Principal": None}), "Missing required field Principal"),
        (
            document(**{**TRUST, "Action": "ses:SendEmail"}),
            "AssumeRole policy may only specify STS AssumeRole actions",
        ),
        (document(**{**TRUST, "Action": "*"}), "AssumeRole policy may only specify STS AssumeRole actions"),
        (document(**{**TRUST, "Principal": {"AWS": "anna"}}), 'Invalid principal in policy: "AWS":"anna"'),
        (document(**{**TRUST, "Principal": {"Service": "*"}}), 'Invalid principal in policy: "SERVICE":"*"'),
        ("assume-role-policy.json", "This policy contains invalid Json"),
        (document(**TRUST)[:-1] + ",}", "This policy contains invalid Json"),
    ],
)
def test_a_trust_policy_that_iam_does_not_store(iam: Any, text: str, words: str) -> None:
    expected = ("MalformedPolicyDocument", words)
    assert refusal(iam.create_role, RoleName="r", AssumeRolePolicyDocument=text) == expected
    assert refusal(iam.update_assume_role_policy, RoleName="mailer", PolicyDocument=text) == expected


def test_a_trusted_user_who_does_not_exist(iam: Any, account: Account) -> None:
    nobody = f"arn:aws:iam::{account.account_id}:user/nobody"
    text = document(**{**TRUST, "Principal": {"AWS": nobody}})
    words = f'Invalid principal in policy: "AWS":"{nobody}"'
    expected = ("MalformedPolicyDocument", words)
    assert refusal(iam.create_role, RoleName="r", AssumeRolePolicyDocument=text) == expected


def test_a_managed_policy_that_does_not_exist(iam: Any, account: Account) -> None:
    arn = f"arn:aws:iam::{account.account_id}:policy/none"
    gone, unattachable = f"Policy {arn} was not found.", f"Policy {arn} does not exist or is not attachable."
    for call in (iam.get_policy, iam.delete_policy, iam.list_policy_versions, iam.list_entities_for_policy):
        assert refusal(call, PolicyArn=arn) == ("NoSuchEntity", gone)
    assert refusal(iam.detach_user_policy, UserName="anna", PolicyArn=arn) == ("NoSuchEntity", gone)
    assert refusal(iam.attach_user_policy, UserName="anna", PolicyArn=arn) == ("NoSuchEntity", unattachable)


def test_names_and_paths(iam: Any) -> None:
    names = f"The specified value for {{}} is invalid. {NAMES}"
    for call, member in ((iam.create_user, "UserName"), (iam.create_group, "GroupName")):
        word = member[:1].lower() + member[1:]
        assert refusal(call, **{member: "two words"}) == ("ValidationError", names.format(word))
        long = "x" * (65 if member == "UserName" else 129)
        assert refusal(call, **{member: long}) == (
            "ValidationError",
            f"1 validation error detected: Value '{long}' at '{word}' failed to satisfy constraint: Member must"
            f" have length less than or equal to {len(long) - 1}",
        )
    assert refusal(iam.create_user, UserName="u", Path="team") == (
        "ValidationError",
        "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric"
        " characters and/or / characters.",
    )
    assert refusal(iam.list_users, PathPrefix="team") == (
        "ValidationError",
        "The specified value for pathPrefix is invalid. It must begin with the / character and contain only"
        " alphanumeric characters and/or / characters.",
    )


def test_sts_says_which_session_name_is_wrong(sesame: SesameProcess, account: Account) -> None:
    sts = sesame.client("sts", account, parameter_validation=False)
    arn = f"arn:aws:iam::{account.account_id}:role/mailer"
    start = "1 validation error detected: Value"
    for changed, words in (
        (
            {"RoleSessionName": "plan/foo"},
            "'plan/foo' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression"
            r" pattern: [\w+=,.@-]*",
        ),
        (
            {"DurationSeconds": 60},
            "'60' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal"
            " to 900",
        ),
        (
            {"RoleSessionName": None},
            "null at 'roleSessionName' failed to satisfy constraint: Member must not be null",
        ),
    ):
        given = {"RoleArn": arn, "RoleSessionName": "session", **changed}
        parameters = {name: value for name, value in given.items() if value is not None}
        assert refusal(sts.assume_role, **parameters) == ("ValidationError", f"{start} {words}")
