"""Policy documents by boto3: what IAM would not store is refused in its words, at every Put."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.process import SesameProcess, wait_until

Members = dict[str, Any]
ALLOW: Members = {"Effect": "Allow", "Action": "ses:SendEmail", "Resource": "*"}


def document(version: str | None = "2012-10-17", **changed: Any) -> str:
    statement = {key: value for key, value in {**ALLOW, **changed}.items() if value is not None}
    written: Members = {"Statement": [statement]}
    return json.dumps({"Version": version, **written} if version else written)


def when(operator: str, key: str, value: Any) -> Members:
    return {"Condition": {operator: {key: value}}}


NO_WILDCARD = "Action vendors (e.g., aws, ec2, etc.) must not contain wildcards."
NO_ARN = 'Resource {} must be in ARN format or "*".'
REFUSED: list[tuple[Members, str]] = [
    ({"Resource": "ex1.test"}, NO_ARN.format("ex1.test")),
    ({"Resource": ""}, NO_ARN.format("")),
    ({"Resource": ["*", "identity/example.com"]}, NO_ARN.format("identity/example.com")),
    ({"Resource": "ses:us-east-1:111111111111:identity/x"}, "must be in ARN format"),
    ({"Resource": "arn:aws:ses:us-east-1:identity/example.com"}, "must be in ARN format"),
    ({"Resource": "arn:aws:ses"}, "must be in ARN format"),
    ({"Resource": None, "NotResource": "ex1.test"}, NO_ARN.format("ex1.test")),
    ({"Resource": "arn:"}, 'Partition "" is not valid for resource "arn::*:*:*:*".'),
    (
        {"Resource": "arn:azure:ses:a:b:c"},
        'Partition "azure" is not valid for resource "arn:azure:ses:a:b:c".',
    ),
    ({"Resource": "arn:aws:*:::x"}, "Resource vendor must be fully qualified and cannot contain regexes."),
    ({"Resource": "arn:aws:se?:::x"}, "Resource vendor must be fully qualified and cannot contain regexes."),
    ({"Resource": "arn:aws:iam:us-east-1:1:user/x"}, "cannot contain region information."),
    (
        {"Resource": "arn:aws:iam::111111111111:nothing/x"},
        'IAM resource path must either be "*" or start with user/',
    ),
    ({"Action": "ses:Send:Email"}, "Actions/Condition can contain only one colon."),
    ({"Action": "SendEmail"}, "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."),
    ({"Action": ""}, "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."),
    ({"Action": ":SendEmail"}, "Vendor  is not valid"),
    ({"Action": "se s:SendEmail"}, "Vendor se s is not valid"),
    ({"Action": "*:SendEmail"}, NO_WILDCARD),
    ({"Action": "s?s:SendEmail"}, NO_WILDCARD),
    ({"Action": "*:*"}, NO_WILDCARD),
    ({"Action": None, "NotAction": ["ses:SendEmail", "s*:SendEmail"]}, NO_WILDCARD),
    ({"Action": None, "NotAction": "SendEmail"}, "Actions/Conditions must be prefaced by a vendor"),
    ({"Action": None}, "Policy statement must contain actions."),
    ({"Resource": None}, "Policy statement must contain resources."),
    ({"Effect": "allow"}, "Syntax errors in policy."),
    ({"Principal": "*"}, "Policy document should not specify a principal."),
    ({"Sid": "two words"}, "Statement IDs (SID) must be alpha-numeric."),
    (when("StringSame", "ses:FromAddress", "x"), "Syntax errors in policy."),
    (when("DateLessThan", "aws:CurrentTime", "soon"), "The policy failed legacy parsing"),
    (when("DateLessThan", "aws:CurrentTime", "2026-02-30T00:00:00Z"), "The policy failed legacy parsing"),
    (when("NumericLessThan", "aws:MultiFactorAuthAge", "many"), "The policy failed legacy parsing"),
    (when("IpAddress", "aws:SourceIp", "10.0.0.0/33"), "The policy failed legacy parsing"),
    (when("NotIpAddress", "aws:SourceIp", ["10.0.0.0/8", "office"]), "The policy failed legacy parsing"),
    (when("Bool", "aws:SecureTransport", "yes"), "The policy failed legacy parsing"),
]
TAKEN: list[Members] = [
    {},
    {"Resource": ["arn:aws:ses:*:*:identity/*", "arn:aws-cn:ses:cn-north-1:111111111111:identity/x"]},
    {"Resource": "arn:aws:ses:*"},
    {"Resource": "arn:aws:s3:::bucket/*"},
    {"Resource": "arn:aws:iam::111111111111:user/${aws:username}"},
    {"Resource": ["arn:aws:iam::*:role/x", "arn:aws:iam::111111111111:*"]},
    {"Action": ["ses:*", "*", "SES:send*", "execute-api:Invoke"]},
    when("DateLessThan", "aws:CurrentTime", "2026-01-01T00:00:00Z"),
    when("NumericLessThan", "aws:MultiFactorAuthAge", 300),
    when("IpAddress", "aws:SourceIp", ["10.0.0.0/8", "2001:db8::/32"]),
]


@pytest.fixture(scope="module")
def puts(sesame: SesameProcess) -> dict[str, Callable[[str], Any]]:
    """Every operation that stores a document, once things to store it at are made."""
    iam = sesame.client("iam", sesame.create_account())
    iam.create_user(UserName="u")
    iam.create_group(GroupName="g")
    trust = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}],
        }
    )
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust)
    arn = iam.create_policy(PolicyName="versions", PolicyDocument=document())["Policy"]["Arn"]

    def create(text: str) -> None:
        found = iam.create_policy(PolicyName="made", PolicyDocument=text)["Policy"]
        iam.delete_policy(PolicyArn=found["Arn"])

    def version(text: str) -> None:
        made = iam.create_policy_version(PolicyArn=arn, PolicyDocument=text)["PolicyVersion"]
        iam.delete_policy_version(PolicyArn=arn, VersionId=made["VersionId"])

    return {
        "user": lambda text: iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=text),
        "group": lambda text: iam.put_group_policy(GroupName="g", PolicyName="p", PolicyDocument=text),
        "role": lambda text: iam.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=text),
        "policy": create,
        "version": version,
    }


def outcome(call: Callable[[str], Any], text: str) -> str:
    try:
        call(text)
    except ClientError as error:
        assert error.response["Error"]["Code"] == "MalformedPolicyDocument"
        return str(error.response["Error"]["Message"])
    return "ok"


@pytest.mark.parametrize("effect", ["Allow", "Deny"])
@pytest.mark.parametrize(("changed", "words"), REFUSED)
def test_what_iam_would_not_store_is_refused_in_its_words(
    puts: dict[str, Callable[[str], Any]], changed: Members, words: str, effect: str
) -> None:
    text = document(**{"Effect": effect, **changed})
    answers = {name: outcome(call, text) for name, call in puts.items()}
    assert {name: answer for name, answer in answers.items() if words not in answer} == {}


@pytest.mark.parametrize("changed", [{"Effect": "allow"}, when("StringSame", "ses:FromAddress", "x")])
def test_which_syntax_error_it_is_stands_in_the_log(
    sesame: SesameProcess, puts: dict[str, Callable[[str], Any]], changed: Members
) -> None:
    """IAM's answer is the four words alone; whoever runs the server, or `sesame policy check`, reads more."""
    text = document(**changed)
    assert outcome(puts["user"], text) == "Syntax errors in policy."
    value = "StringSame" if "Condition" in changed else "Effect"

    def is_said() -> bool:
        lines = sesame.log_path.read_text().splitlines()
        return any("policy_refused" in line and value in line and "request_id" in line for line in lines)

    wait_until(is_said)


@pytest.mark.parametrize("changed", TAKEN)
def test_what_iam_stores_is_stored(puts: dict[str, Callable[[str], Any]], changed: Members) -> None:
    assert {outcome(call, document(**changed)) for call in puts.values()} == {"ok"}


def test_managed_policies_say_their_version_and_inline_ones_need_not(
    puts: dict[str, Callable[[str], Any]],
) -> None:
    words = "Policy document must be version 2012-10-17 or greater."
    for version in (None, "2008-10-17"):
        answers = {name: outcome(call, document(version=version)) for name, call in puts.items()}
        assert answers == {"user": "ok", "group": "ok", "role": "ok", "policy": words, "version": words}


def test_statements_have_ids_of_their_own(puts: dict[str, Callable[[str], Any]]) -> None:
    statement = {**ALLOW, "Sid": "One"}
    text = json.dumps({"Version": "2012-10-17", "Statement": [statement, statement]})
    assert outcome(puts["user"], text) == "Statement IDs (SID) in a single policy must be unique."


def test_managed_policies_keep_their_tags_and_list_their_versions_by_page(sesame: SesameProcess) -> None:
    iam = sesame.client("iam", sesame.create_account())
    tags = [{"Key": "Env", "Value": "prod"}, {"Key": "team", "Value": "mail"}]
    made = iam.create_policy(PolicyName="p", PolicyDocument=document(), Tags=tags)["Policy"]
    arn = made["Arn"]
    assert made["Tags"] == tags == iam.get_policy(PolicyArn=arn)["Policy"]["Tags"]
    iam.tag_policy(PolicyArn=arn, Tags=[{"Key": "env", "Value": "test"}])
    iam.untag_policy(PolicyArn=arn, TagKeys=["TEAM", "nothing"])
    assert iam.list_policy_tags(PolicyArn=arn)["Tags"] == [{"Key": "env", "Value": "test"}]
    many = [{"Key": f"k{n:02}", "Value": ""} for n in range(49)]
    iam.tag_policy(PolicyArn=arn, Tags=many)
    with pytest.raises(ClientError, match="LimitExceeded"):
        iam.tag_policy(PolicyArn=arn, Tags=[{"Key": "one-more", "Value": ""}])
    pages = iam.get_paginator("list_policy_tags").paginate(PolicyArn=arn, PaginationConfig={"PageSize": 7})
    assert sum(len(page["Tags"]) for page in pages) == 50
    for _ in range(4):
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=document())
    listed = iam.get_paginator("list_policy_versions").paginate(
        PolicyArn=arn, PaginationConfig={"PageSize": 2}
    )
    assert [[version["VersionId"] for version in page["Versions"]] for page in listed] == [
        ["v5", "v4"],
        ["v3", "v2"],
        ["v1"],
    ]
    assert iam.list_policies(PolicyUsageFilter="PermissionsBoundary")["Policies"] == []
    assert len(iam.list_policies(PolicyUsageFilter="PermissionsPolicy", Scope="Local")["Policies"]) == 1
    for version in ("v4", "v3", "v2", "v1"):
        iam.delete_policy_version(PolicyArn=arn, VersionId=version) if version != "v1" else None
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v5")
    iam.delete_policy_version(PolicyArn=arn, VersionId="v1")
    iam.delete_policy(PolicyArn=arn)
    again = iam.create_policy(PolicyName="p", PolicyDocument=document())["Policy"]
    assert "Tags" not in iam.get_policy(PolicyArn=again["Arn"])["Policy"]
