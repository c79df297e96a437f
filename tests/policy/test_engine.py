"""The evaluators where random policies seldom come: each test was a defect once, or a mutant that survived."""

import json

import pytest

from sesame.policy import (
    EMPTY,
    Decision,
    Outcome,
    Request,
    Requester,
    compile_policies,
    decide,
    explain,
    parse_stored_identity_policy,
)
from sesame.policy.language.document import Effect
from sesame.policy.language.source import Json
from sesame.policy.language.values import read_date
from sesame.policy.reasons.evaluator import condition_holds
from sesame.policy.request import ContextValue

OWNER, DELEGATE = "111111111111", "222222222222"
IDENTITY = f"arn:aws:ses:us-east-1:{OWNER}:identity/example.com"
USER = f"arn:aws:iam::{OWNER}:user/mailer"
MAILER = Requester(arn=USER, account_id=OWNER, kind="user", user_id="AIDAMAILER")


def decided(
    statement: dict[str, Json],
    context: dict[str, ContextValue],
    *,
    requester: Requester = MAILER,
    principal_ids: dict[str, str] | None = None,
) -> Outcome:
    """What both evaluators say; elements left out are everybody, everything."""
    usual: dict[str, Json] = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
    if "NotPrincipal" in statement:
        del usual["Principal"]
    text = json.dumps({"Version": "2012-10-17", "Statement": {**usual, **statement}})
    policies = [("P", parse_stored_identity_policy(text))]
    ids = principal_ids or {}
    request = Request(
        requester=requester,
        action="ses:SendEmail",
        resource=IDENTITY,
        resource_account=OWNER,
        context=context,
    )
    compiled = compile_policies(policies, kind="identity", principal_ids=ids)
    decision: Decision = decide(request, iam=EMPTY, identity=compiled)
    explained = explain(request, iam=(), identity=policies, principal_ids=ids)
    assert decision.outcome is explained.outcome
    return decision.outcome


def test_a_zone_does_not_stand_in_the_place_of_seconds() -> None:
    assert read_date("2026-06-01T12:00:+05") is None


def test_the_default_of_a_variable_is_for_an_absent_key_only() -> None:
    """A key with several values has no single one to put in; the default must not help to allow."""
    allow: dict[str, Json] = {
        "Condition": {"StringEquals": {"ses:FromAddress": "${aws:PrincipalTag/from, 'a@example.com'}"}}
    }
    given = {"ses:FromAddress": "a@example.com"}
    assert decided(allow, {**given}) is Outcome.ALLOW
    assert decided(allow, {**given, "aws:PrincipalTag/from": ()}) is Outcome.ALLOW
    assert decided(allow, {**given, "aws:PrincipalTag/from": ("b", "c")}) is Outcome.IMPLICIT_DENY


def test_a_listed_unique_id_is_spared_beside_a_name_bound_to_an_older_one() -> None:
    deny: dict[str, Json] = {"Effect": "Deny", "NotPrincipal": {"AWS": [OWNER, USER, "AIDAMAILER"]}}
    assert decided(deny, {}, principal_ids={USER: "AIDAOLD"}) is Outcome.IMPLICIT_DENY


@pytest.mark.parametrize("partition", ["xyz", "", "AWS"])
def test_a_principal_of_no_partition_of_aws_lets_nobody_in(partition: str) -> None:
    delegate = Requester(
        arn=f"arn:aws:iam::{DELEGATE}:root", account_id=DELEGATE, kind="root", user_id=DELEGATE
    )
    for name, expected in (
        (f"arn:{partition}:iam::{DELEGATE}:root", Outcome.IMPLICIT_DENY),
        (f"arn:aws:iam::{DELEGATE}:root", Outcome.ALLOW),
    ):
        assert decided({"Principal": {"AWS": name}}, {}, requester=delegate) is expected


@pytest.mark.parametrize("effect", ["Allow", "Deny"])
def test_one_condition_alone_lets_a_statement_apply_or_not(effect: str) -> None:
    """What is not understood counts as true in a Deny, as false in an Allow."""
    for operator, key, value, expected in (
        ("StringEquals", "ses:FromAddress", "a", True),
        ("StringEquals", "ses:FromAddress", "b", False),
        ("StringEquals", "ses:FromAddress", None, False),
        ("StringNotEquals", "ses:FromAddress", None, True),
        ("NoSuchOperator", "ses:FromAddress", "a", effect == "Deny"),
    ):
        text = json.dumps(
            {
                "Statement": {
                    "Effect": effect,
                    "Principal": "*",
                    "Action": "*",
                    "Resource": "*",
                    "Condition": {operator: {key: "a"}},
                }
            }
        )
        policy = parse_stored_identity_policy(text)
        [condition] = policy.statements[0].conditions
        assert condition_holds(policy, Effect(effect), condition, value) is expected


def test_a_deny_on_an_arn_spares_every_other_arn() -> None:
    deny: dict[str, Json] = {
        "Effect": "Deny",
        "Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:1:a*"}},
    }
    for arn, expected in (
        ("arn:aws:sns:us-east-1:1:ab", Outcome.EXPLICIT_DENY),
        ("arn:aws:sns:us-east-1:1:b", Outcome.IMPLICIT_DENY),
        ("no arn", Outcome.EXPLICIT_DENY),
    ):
        assert decided(deny, {"aws:SourceArn": arn}) is expected


def test_a_text_with_a_variable_and_wildcards_crosses_colons() -> None:
    allow: dict[str, Json] = {"Condition": {"StringLike": {"ses:FromDisplayName": "*${aws:username}*"}}}
    context: dict[str, ContextValue] = {"aws:username": "mailer", "ses:FromDisplayName": "a:mailer:b"}
    assert decided(allow, context) is Outcome.ALLOW


def test_an_explanation_names_the_elements_as_the_policy_does() -> None:
    for negated in ("", "Not"):
        statement = {"Effect": "Allow"} | {
            negated + name: "*" for name in ("Principal", "Action", "Resource")
        }
        policy = parse_stored_identity_policy(json.dumps({"Statement": statement}))
        request = Request(
            requester=MAILER, action="ses:SendEmail", resource=IDENTITY, resource_account=OWNER, context={}
        )
        [step] = explain(request, iam=(), identity=[("P", policy)]).statements
        names = [element.element for element in step.elements]
        assert names == [negated + "Principal", negated + "Action", negated + "Resource"]
        assert [element.answer for element in step.elements] == [not negated] * 3
