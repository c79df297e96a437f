"""IAM's simulator through unmodified boto3: the answers are those of the evaluators that decide sends."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.process import SesameProcess
from tests.support.signed_client import SignedClient

ARN = "arn:aws:ses:us-east-1:{}:identity/example.com"


def policy(**statement: Any) -> str:
    body = {"Effect": "Allow", "Action": "ses:SendEmail", "Resource": "*"} | statement
    return json.dumps({"Version": "2012-10-17", "Statement": [body]})


def simulate(sesame: SesameProcess, **request: Any) -> list[dict[str, Any]]:
    iam = sesame.client("iam", sesame.create_account())
    results: list[dict[str, Any]] = iam.simulate_custom_policy(
        **{"ActionNames": ["ses:SendEmail"], "PolicyInputList": [policy()]} | request
    )["EvaluationResults"]
    return results


def test_decisions_and_the_statement_that_made_each(sesame: SesameProcess) -> None:
    allow, deny = (
        policy(),
        policy(Effect="Deny", Action="ses:Send*", Condition={"Bool": {"aws:SecureTransport": "false"}}),
    )
    (result,) = simulate(sesame, PolicyInputList=[allow, deny])
    assert (result["EvalDecision"], result["MissingContextValues"]) == ("allowed", ["aws:SecureTransport"])
    assert [matched["SourcePolicyId"] for matched in result["MatchedStatements"]] == ["PolicyInputList.1"]
    clear = {
        "ContextKeyName": "AWS:securetransport",
        "ContextKeyValues": ["false"],
        "ContextKeyType": "boolean",
    }
    (result,) = simulate(sesame, PolicyInputList=[allow, deny], ContextEntries=[clear])
    assert (result["EvalDecision"], result["MissingContextValues"]) == ("explicitDeny", [])
    assert [matched["SourcePolicyId"] for matched in result["MatchedStatements"]] == ["PolicyInputList.2"]
    (result,) = simulate(sesame, ActionNames=["ses:DeleteIdentity"])
    assert (result["EvalDecision"], result["MatchedStatements"]) == ("implicitDeny", [])


def test_positions_are_those_of_the_statement_in_the_text(sesame: SesameProcess) -> None:
    text = '{"Version": "2012-10-17",\n "Statement": [\n  {"Effect": "Allow", "Action": "*",\n   "Resource": "*"}\n]}'
    (result,) = simulate(sesame, PolicyInputList=[text])
    (matched,) = result["MatchedStatements"]
    assert matched["StartPosition"] == {"Line": 2, "Column": 16}
    assert matched["EndPosition"] == {"Line": 4, "Column": 20}


def test_a_resource_policy_lets_a_caller_of_another_account_in(sesame: SesameProcess) -> None:
    owner, delegate = "111111111111", "arn:aws:iam::222222222222:user/mailer"
    arn = ARN.format(owner)
    resource_policy = policy(Principal={"AWS": delegate}, Resource=arn)
    options = {"ResourceArns": [arn], "CallerArn": delegate}
    (without,) = simulate(sesame, **options)
    assert without["EvalDecision"] == "implicitDeny"
    (result,) = simulate(sesame, ResourcePolicy=resource_policy, **options)
    assert result["EvalDecision"] == "allowed"
    assert {m["SourcePolicyType"] for m in result["MatchedStatements"]} == {"IAM Policy", "Resource Policy"}
    assert result["EvalDecisionDetails"] == {"IAM Policy": "allowed", "Resource Policy": "allowed"}
    (without,) = simulate(sesame, ResourcePolicy=resource_policy, **options, ActionNames=["ses:SendRawEmail"])
    assert without["EvalDecisionDetails"] == {"IAM Policy": "implicitDeny", "Resource Policy": "implicitDeny"}


def test_a_boundary_limits_what_policies_allow(sesame: SesameProcess) -> None:
    (result,) = simulate(sesame, PermissionsBoundaryPolicyInputList=[policy(Action="ses:Get*")])
    assert result["EvalDecision"] == "implicitDeny"
    assert result["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": False}


def test_only_one_boundary_is_simulated(sesame: SesameProcess) -> None:
    with pytest.raises(ClientError, match=r"\(InvalidInput\).*only one permissions boundary"):
        simulate(sesame, PermissionsBoundaryPolicyInputList=[policy(), policy()])


@pytest.mark.parametrize(
    ("levels", "expected", "allowed"),
    [
        ([[policy(Action="*")]], "allowed", "true"),
        ([[policy(Action="*")], [policy(Action="ses:Get*"), policy()]], "allowed", "true"),
        ([[policy(Action="*")], [policy(Action="ses:Get*")]], "implicitDeny", "false"),
        ([[policy(Action="*"), policy(Effect="Deny")]], "explicitDeny", "false"),
        ([[policy(Action="*")], []], "implicitDeny", "false"),
    ],
)
@pytest.mark.parametrize("caller", ["user/anna", "root"])
def test_each_level_of_an_organization_must_allow(
    sesame: SesameProcess, levels: list[list[str]], expected: str, allowed: str, caller: str
) -> None:
    """AWS Organizations user guide, "SCP evaluation"; an account's root is held to it too."""
    account = sesame.create_account()
    given = {"ActionNames.member.1": "ses:SendEmail", "PolicyInputList.member.1": policy()}
    given["CallerArn"] = f"arn:aws:iam::{account.account_id}:{caller}"
    for number, level in enumerate(levels, start=1):
        at = f"OrderedOrganizationPolicyInputList.member.{number}.ServiceControlPolicyInputList"
        given |= {f"{at}.member.{n}": text for n, text in enumerate(level, start=1)} or {at: ""}
    with SignedClient(sesame.api, account, "iam") as client:
        body = client.call("SimulateCustomPolicy", given).body.decode()
    assert f"<EvalDecision>{expected}</EvalDecision>" in body
    assert f"<AllowedByOrganizations>{allowed}</AllowedByOrganizations>" in body


def test_results_come_by_page(sesame: SesameProcess) -> None:
    iam = sesame.client("iam", sesame.create_account())
    actions = [f"ses:Action{n}" for n in range(7)]
    pages = iam.get_paginator("simulate_custom_policy").paginate(
        PolicyInputList=[policy()], ActionNames=actions, PaginationConfig={"PageSize": 3}
    )
    assert [r["EvalActionName"] for page in pages for r in page["EvaluationResults"]] == actions


def test_a_users_own_policies_are_asked(sesame: SesameProcess) -> None:
    account = sesame.create_account()
    iam = sesame.client("iam", account)
    arn = iam.create_user(UserName="mailer")["User"]["Arn"]
    iam.put_user_policy(UserName="mailer", PolicyName="send", PolicyDocument=policy())
    own = ARN.format(account.account_id)
    results = iam.simulate_principal_policy(
        PolicySourceArn=arn, ActionNames=["ses:SendEmail", "ses:SendRawEmail"], ResourceArns=[own]
    )["EvaluationResults"]
    assert [r["EvalDecision"] for r in results] == ["allowed", "implicitDeny"]
    (matched,) = results[0]["MatchedStatements"]
    assert (matched["SourcePolicyId"], matched["SourcePolicyType"]) == ("user_mailer_send", "IAM Policy")
    assert results[0]["EvalDecisionDetails"] == {}
    (specific,) = results[0]["ResourceSpecificResults"]
    assert specific == {
        "EvalResourceName": own,
        "EvalResourceDecision": "allowed",
        "MatchedStatements": [matched],
        "MissingContextValues": [],
    }


RECORDED = [
    # (text, where its first statement stands) as IAM answered; from AWS CLI's examples and recorded answers
    (
        '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"dynamodb:*","Resource":"*",'
        '"Condition":{"DateGreaterThan":{"aws:CurrentTime":"2015-08-16T12:00:00Z"}}}}',
        ((1, 38), (1, 167)),
    ),
    (
        '{\n  "Version": "2012-10-17",\n  "Statement": [\n    {\n      "Effect": "Allow",\n      "Action": "*",\n'
        '      "Resource": "*"\n    }\n  ]\n}',
        ((3, 17), (8, 6)),
    ),
]


@pytest.mark.parametrize(("text", "wanted"), RECORDED)
def test_positions_are_those_that_iam_was_seen_to_tell(
    text: str, wanted: tuple[tuple[int, int], tuple[int, int]], sesame: SesameProcess
) -> None:
    after = {
        "ContextKeyName": "aws:CurrentTime",
        "ContextKeyValues": ["2026-01-01T00:00:00Z"],
        "ContextKeyType": "date",
    }
    (result,) = simulate(
        sesame, PolicyInputList=[text], ActionNames=["dynamodb:CreateBackup"], ContextEntries=[after]
    )
    (matched,) = result["MatchedStatements"]
    found = [(matched[name]["Line"], matched[name]["Column"]) for name in ("StartPosition", "EndPosition")]
    assert tuple(found) == wanted
    assert "EvalDecisionDetails" not in result and "ResourceSpecificResults" not in result


def test_what_is_missing_is_told_where_the_resource_is(sesame: SesameProcess) -> None:
    asked = policy(Condition={"Bool": {"aws:SecureTransport": "true"}})
    (result,) = simulate(sesame, PolicyInputList=[asked], ResourceArns=[ARN.format("111111111111")])
    assert result["MissingContextValues"] == []
    assert result["ResourceSpecificResults"][0]["MissingContextValues"] == ["aws:SecureTransport"]
    (result,) = simulate(sesame, PolicyInputList=[asked])
    assert result["MissingContextValues"] == ["aws:SecureTransport"]


def test_binary_values_come_in_base64(sesame: SesameProcess) -> None:
    asked = policy(Condition={"BinaryEquals": {"aws:bytes": "SGVsbG8="}})
    for value, decision in (("SGVsbG8=", "allowed"), ("SGVsbA==", "implicitDeny")):
        for kind in ("binary", "binaryList"):
            entry = {"ContextKeyName": "aws:bytes", "ContextKeyValues": [value], "ContextKeyType": kind}
            asked = policy(
                Condition={
                    ("ForAnyValue:" if kind == "binaryList" else "") + "BinaryEquals": {
                        "aws:bytes": "SGVsbG8="
                    }
                }
            )
            (result,) = simulate(sesame, PolicyInputList=[asked], ContextEntries=[entry])
            assert result["EvalDecision"] == decision


def test_the_keys_that_policies_ask_about_are_listed(sesame: SesameProcess) -> None:
    account = sesame.create_account()
    iam = sesame.client("iam", account)
    asking = {"StringEquals": {"ses:FromAddress": "${aws:username}@a.test", "aws:SourceVpc": "v"}}
    one = policy(Condition=asking)
    two = policy(
        Resource="arn:aws:ses:*:*:identity/${aws:PrincipalTag/team, 'none'}-${*}",
        Condition={"Null": {"SES:fromaddress": "true"}},
    )
    found = iam.get_context_keys_for_custom_policy(PolicyInputList=[one, two])["ContextKeyNames"]
    assert found == ["aws:PrincipalTag/team", "aws:SourceVpc", "aws:username", "ses:FromAddress"]
    arn = iam.create_user(UserName="anna")["User"]["Arn"]
    iam.create_group(GroupName="all")
    iam.add_user_to_group(GroupName="all", UserName="anna")
    iam.put_group_policy(
        GroupName="all",
        PolicyName="p",
        PolicyDocument=policy(Condition={"Bool": {"aws:SecureTransport": "true"}}),
    )
    ask = iam.get_context_keys_for_principal_policy
    assert ask(PolicySourceArn=arn)["ContextKeyNames"] == ["aws:SecureTransport"]
    assert ask(PolicySourceArn=arn, PolicyInputList=[one])["ContextKeyNames"] == [
        "aws:SecureTransport", "aws:SourceVpc", "aws:username", "ses:FromAddress"]  # fmt: skip
    for wrong, code in (
        (f"{arn}x", "NoSuchEntity"),
        ("arn:aws:iam::111111111111:user/anna", "NoSuchEntity"),
        ("x" * 20, "InvalidInput"),
    ):
        with pytest.raises(ClientError, match=code):
            ask(PolicySourceArn=wrong)
    with pytest.raises(ClientError, match="InvalidInput"):
        iam.get_context_keys_for_custom_policy(PolicyInputList=["{"])


@pytest.mark.parametrize(
    "wrong",
    [
        {
            "ContextEntries": [
                {"ContextKeyName": "aws:x", "ContextKeyValues": ["!"], "ContextKeyType": "binary"}
            ]
        },
        {
            "ContextEntries": [
                {"ContextKeyName": "aws:x", "ContextKeyValues": ["/w=="], "ContextKeyType": "binary"}
            ]
        },
        {"PolicyInputList": ["{"]},
        {"ResourcePolicy": "{"},
        {"ResourcePolicy": policy(Principal="*")},
        {"CallerArn": "arn:aws:iam::1:user/x"},
        {"ResourceOwner": "nobody"},
        {"ResourceHandlingOption": "EC2-VPC-InstanceStore"},
        {
            "ContextEntries": [
                {"ContextKeyName": "aws:x", "ContextKeyValues": ["1", "2"], "ContextKeyType": "string"}
            ]
        },
    ],
)
def test_what_cannot_be_simulated_is_refused(wrong: dict[str, Any], sesame: SesameProcess) -> None:
    with pytest.raises(ClientError) as refused:
        simulate(sesame, **wrong)
    assert refused.value.response["Error"]["Code"] in ("InvalidInput", "ValidationError")


def test_a_key_that_only_a_variable_names_is_missing_as_it_is_written(sesame: SesameProcess) -> None:
    """IAM tells keys in the case of the policy; with a default or without, in resources and conditions."""
    text = policy(
        Resource=[
            "arn:aws:s3:::b/${aws:PrincipalTag/Team, 'none'}/*",
            "arn:aws:s3:::b/${aws:PrincipalTag/Cost}",
        ],
        Condition={"StringLike": {"ses:FromAddress": "${aws:FederatedProvider}@*"}},
    )
    names = ["aws:FederatedProvider", "aws:PrincipalTag/Cost", "aws:PrincipalTag/Team", "ses:FromAddress"]
    (result,) = simulate(sesame, PolicyInputList=[text])
    assert result["MissingContextValues"] == names
    iam = sesame.client("iam", sesame.create_account())
    assert iam.get_context_keys_for_custom_policy(PolicyInputList=[text])["ContextKeyNames"] == names
