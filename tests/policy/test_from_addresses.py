"""At most which From addresses policies leave a delegate: nothing that could be sent is left out."""

import json
from typing import Any

import pytest

from sesame.policy import parse_stored_identity_policy
from sesame.policy.analysis.from_addresses import from_addresses

A, B = "111111111111", "222222222222"
USER, ROLE = f"arn:aws:iam::{A}:user/team/app", f"arn:aws:iam::{A}:role/mailer"
SESSION = f"arn:aws:sts::{A}:assumed-role/mailer/one"
WHOLE = ("*@*.one.test", "*@one.test")
NEWS = {"Condition": {"StringEquals": {"ses:FromAddress": "news@one.test"}}}


def found(delegate: str, *statements: dict[str, Any], identity: str = "one.test") -> tuple[str, ...]:
    usual = {"Effect": "Allow", "Action": "ses:SendEmail", "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": [usual | one for one in statements]}
    policy = parse_stored_identity_policy(json.dumps(document))
    return from_addresses([policy], delegate=delegate, identity=identity)


@pytest.mark.parametrize(
    ("principal", "delegates"),
    [
        ({"AWS": A}, {A, USER, ROLE}),
        ({"AWS": f"arn:aws:iam::{A}:root"}, {A, USER, ROLE}),
        ({"AWS": USER}, {A, USER}),
        ({"AWS": ROLE}, {A, ROLE}),
        ({"AWS": SESSION}, {A, ROLE}),
        ({"AWS": "*"}, {A, USER, ROLE, B, "app.amazonaws.com"}),
        ({"AWS": B}, {B}),
        ({"Service": "app.amazonaws.com"}, {"app.amazonaws.com"}),
        ({"AWS": "AIDAEXAMPLEEXAMPLE00"}, {A, USER, ROLE, B, "app.amazonaws.com"}),
    ],
)
def test_a_statement_counts_for_whom_it_may_be_about(principal: dict[str, str], delegates: set[str]) -> None:
    every = (A, USER, ROLE, B, "app.amazonaws.com")
    assert {one for one in every if found(one, {"Principal": principal})} == delegates


def test_addresses_are_what_conditions_leave_and_all_of_the_identity_without_any() -> None:
    principal = {"Principal": {"AWS": A}}
    like = {"Condition": {"StringLike": {"SES:fromaddress": ["info+*@one.test", "a@one.test"]}}}
    assert found(A, principal | NEWS) == ("news@one.test",)
    assert found(A, principal | NEWS, principal | like) == ("a@one.test", "info+*@one.test", "news@one.test")
    assert found(A, principal | NEWS, principal) == WHOLE
    assert found(A, principal, identity="me@one.test") == ("me@one.test",)


@pytest.mark.parametrize(
    "operator",
    ["StringNotEquals", "StringEqualsIfExists", "ForAllValues:StringLike", "Null", "StringAlmostEquals"],
)
def test_a_condition_that_bounds_nothing_from_above_leaves_the_whole_identity(operator: str) -> None:
    condition = {"Condition": {operator: {"ses:FromAddress": "news@one.test"}}}
    assert found(A, {"Principal": {"AWS": A}} | condition) == WHOLE


def test_a_deny_another_action_and_a_version_that_is_not_known_let_nobody_send() -> None:
    principal = {"Principal": {"AWS": A}}
    assert found(A, principal | {"Effect": "Deny"}) == ()
    assert found(A, principal | {"Action": "ses:GetEmailIdentity"}) == ()
    assert found(A, principal | {"Action": "ses:*"}) == WHOLE
    document = {
        "Version": "2031-01-01",
        "Statement": [principal | {"Effect": "Allow", "Action": "*", "Resource": "*"}],
    }
    policy = parse_stored_identity_policy(json.dumps(document))
    assert from_addresses([policy], delegate=A, identity="one.test") == ()
