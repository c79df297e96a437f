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
from sesame.policy.reasons.evaluator import condition_holds, fits_action
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


@pytest.mark.parametrize(
    ("pattern", "recipient", "expected"),
    [
        ("*x@b.org", "ax@b.org", True),
        ("*x@b.org", "a@b.org", False),
        ("*@b.org", "a@b.org", True),
        ("*@b.org", "a@x@b.org", True),
        ("*@b*", "a@b.org", True),
        ("*@b*", "a@c.org", False),
        ("*@?b.org", "a@xb.org", True),
        ("?@b.org", "a@b.org", True),
        ("?@b.org", "ab@b.org", False),
        ("*", "a@b.org", True),
    ],
)
def test_sets_that_several_conditions_look_at_match_as_one_alone_does(
    pattern: str, recipient: str, *, expected: bool
) -> None:
    """Several conditions on one set share a census of it; here the second is always true."""
    rules: dict[str, Json] = {"ses:Recipients": [pattern]}
    shared: dict[str, Json] = {
        "Condition": {
            "ForAnyValue:StringLike": rules,
            "ForAllValues:StringNotLike": {"ses:Recipients": "nobody*"},
        }
    }
    alone: dict[str, Json] = {"Condition": {"ForAnyValue:StringLike": rules}}
    for allow in (shared, alone):
        for recipients in ((recipient,), (recipient, recipient)):
            outcome = decided(allow, {"ses:Recipients": recipients})
            assert (outcome is Outcome.ALLOW) is expected


def test_an_arn_with_a_variable_is_compared_part_by_part() -> None:
    allow: dict[str, Json] = {
        "Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:sns:us-*:1:${aws:username}"}}
    }
    for arn, expected in (
        ("arn:aws:sns:us-east-1:1:mailer", Outcome.ALLOW),
        ("arn:aws:sns:us-east:1:1:mailer", Outcome.IMPLICIT_DENY),
        ("arn:aws:sns:us-east-1:1:other", Outcome.IMPLICIT_DENY),
    ):
        assert decided(allow, {"aws:SourceArn": arn, "aws:username": "mailer"}) is expected


def test_an_explanation_says_which_rule_for_absent_and_many_values_applied() -> None:
    condition: dict[str, Json] = {
        "StringEquals": {"aws:username": "a", "ses:Recipients": "a"},
        "ForAllValues:StringEquals": {"aws:TagKeys": "a"},
        "ForAnyValue:StringEquals": {"aws:TagKeys": "a"},
        "NoSuch": {"aws:username": "a"},
        "Bool": {"aws:Nonsense": "true"},
    }
    for effect, several in (("Allow", "none matches"), ("Deny", "any may match")):
        statement = {
            "Effect": effect,
            "Principal": "*",
            "Action": "*",
            "Resource": "*",
            "Condition": condition,
        }
        request = Request(
            requester=MAILER,
            action="ses:SendEmail",
            resource=IDENTITY,
            resource_account=OWNER,
            context={"ses:Recipients": ("a", "b")},
        )
        policy = parse_stored_identity_policy(json.dumps({"Statement": statement}))
        [step] = explain(request, iam=(), identity=[("P", policy)]).statements
        assert [item.note for item in step.conditions] == [
            "the request does not carry this key",
            f"several values under an operator for one: {several}",
            "no values: true of all",
            "no values: true of none",
            "unknown operator",
            "unknown key",
        ]


def test_not_principal_spares_a_service_and_a_root_that_are_listed() -> None:
    """A service has no account, a root no name: what a requester does not have need not be listed."""
    service = Requester(arn="a.amazonaws.com", account_id="", kind="service", user_id="")
    root = Requester(arn=f"arn:aws:iam::{OWNER}:root", account_id=OWNER, kind="root", user_id=OWNER)
    deny: dict[str, Json] = {
        "Effect": "Deny",
        "NotPrincipal": {"Service": "a.amazonaws.com", "AWS": OWNER},
    }
    for requester, expected in ((service, Outcome.IMPLICIT_DENY), (root, Outcome.ALLOW), (MAILER, None)):
        outcome = decided(deny, {}, requester=requester)
        assert outcome is (expected or Outcome.EXPLICIT_DENY)


@pytest.mark.parametrize(("effect", "expected"), [("Allow", False), ("Deny", True)])
def test_an_action_that_is_not_understood_fits_a_request_in_a_deny_only(
    effect: str, *, expected: bool
) -> None:
    statement = {"Effect": effect, "Principal": "*", "Action": "s*:SendEmail", "Resource": "*"}
    policy = parse_stored_identity_policy(json.dumps({"Statement": statement}))
    request = Request(
        requester=MAILER, action="ses:SendEmail", resource=IDENTITY, resource_account=OWNER, context={}
    )
    assert fits_action(policy.statements[0], request) is expected
