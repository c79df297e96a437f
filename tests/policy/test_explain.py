"""Explanations: the sentence, the steps, the sender's view, the simulator."""

import json

import pytest

from sesame.policy import (
    Explanation,
    Outcome,
    Request,
    explain,
    parse_stored_iam_policy,
    parse_stored_identity_policy,
)
from sesame.policy.cases import read_requester
from sesame.policy.language.source import Json
from sesame.policy.reasons.simulate import simulate
from sesame.policy.reasons.views import sender_view
from sesame.policy.request import ContextValue

OWNER, DELEGATE = "111111111111", "222222222222"
IDENTITY = f"arn:aws:ses:us-east-1:{OWNER}:identity/example.com"
MAILER = f"arn:aws:iam::{DELEGATE}:user/mailer"
Members = dict[str, Json]
EVERYTHING: Members = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def explained(
    *statements: Members,
    iam: Members | None = EVERYTHING,
    principal: str = MAILER,
    context: dict[str, ContextValue] | None = None,
    version: str = "2012-10-17",
) -> Explanation:
    usual: Members = {
        "Effect": "Allow",
        "Principal": {"AWS": DELEGATE},
        "Action": "ses:Send*",
        "Resource": IDENTITY,
    }
    written: list[Json] = [{**usual, **statement} for statement in statements]
    text = json.dumps({"Version": version, "Statement": written})
    request = Request(
        requester=read_requester(principal),
        action="ses:SendRawEmail",
        resource=IDENTITY,
        resource_account=OWNER,
        context=context or {},
    )
    own = [("Mine", parse_stored_iam_policy(json.dumps({"Statement": iam})))] if iam else []
    identity = [("News", parse_stored_identity_policy(text))] if statements else []
    return explain(request, iam=own, identity=identity)


def condition(operator: str, key: str, *values: str) -> Members:
    return {"Condition": {operator: {key: list(values)}}}


FROM: dict[str, ContextValue] = {"ses:FromAddress": "ceo@example.com"}


@pytest.mark.parametrize(
    ("rule", "context", "sentence"),
    [
        (
            condition("StringLike", "ses:FromAddress", "news-*@example.com"),
            FROM,
            "allows only ses:FromAddress like `news-*@example.com`; this request has `ceo@example.com`",
        ),
        (
            condition("StringNotLike", "ses:FromAddress", "ceo@*"),
            FROM,
            "allows only ses:FromAddress not like `ceo@*`; this request has `ceo@example.com`",
        ),
        (
            condition("StringEquals", "ses:FromAddress", "a", "b", "c", "d"),
            {},
            "allows only ses:FromAddress equal to `a`, `b`, `c` and 1 more; this request has no ses:FromAddress",
        ),
        (
            condition("ForAllValues:StringLike", "ses:Recipients", "*@a.org"),
            {"ses:Recipients": ("x@b.org", "x@a.org")},
            "allows only all of ses:Recipients like `*@a.org`; this request has `x@b.org`",
        ),
        (
            condition("ForAnyValue:StringLike", "ses:Recipients", "*@a.org"),
            {},
            "allows only any of ses:Recipients like `*@a.org`; this request has no ses:Recipients",
        ),
        (
            condition("DateLessThan", "aws:CurrentTime", "2020-01-01"),
            {"aws:CurrentTime": "2026-01-01T00:00:00Z"},
            "allows only aws:CurrentTime before `2020-01-01`; this request has `2026-01-01T00:00:00Z`",
        ),
        (
            condition("Null", "ses:TenantName", "false"),
            {},
            "allows only ses:TenantName present; this request has no",
        ),
        (
            condition("Null", "ses:FromAddress", "true"),
            FROM,
            "allows only ses:FromAddress absent; this request has",
        ),
        (
            condition("Strange", "ses:FromAddress", "x"),
            FROM,
            "allows only ses:FromAddress by the unknown operator",
        ),
        (
            {"Action": "ses:SendEmail"},
            {},
            "allows only action `ses:SendEmail`; this one is `ses:SendRawEmail`",
        ),
        (
            {"Principal": {"AWS": "333333333333"}},
            {},
            f"allows only principal `333333333333`; this one is `{MAILER}`",
        ),
    ],
)
def test_a_denial_names_the_closest_allow_and_what_it_asked(
    rule: Members, context: dict[str, ContextValue], sentence: str
) -> None:
    found = explained({"Sid": "S", **rule}, context=context).sentence
    assert found.startswith(f"denied: policy `News`, statement `S` {sentence}"), found


def test_the_closest_allow_is_the_one_with_the_fewest_failures() -> None:
    far: Members = {"Principal": {"AWS": "333333333333"}, "Action": "ses:SendEmail"}
    near = condition("StringLike", "ses:FromAddress", "news-*")
    assert "statement 2 allows only ses:FromAddress" in explained(far, near, context=FROM).sentence


def test_denials_without_an_allow_say_which_side_is_silent() -> None:
    assert (
        explained().sentence == f"denied: no policy of the identity allows `ses:SendRawEmail` on `{IDENTITY}`"
    )
    sentence = explained({}, iam=None).sentence
    assert sentence == f"denied: no IAM policy of `{MAILER}` allows `ses:SendRawEmail` on `{IDENTITY}`"
    owner = f"arn:aws:iam::{OWNER}:user/o"
    assert explained(iam=None, principal=owner).sentence.startswith("denied: no IAM policy of")
    named: Members = {"Principal": {"AWS": OWNER}}
    assert explained(named, iam=None, principal=owner).sentence == (
        f"denied: policy `News`, statement 1 names the account only, and no IAM policy of `{owner}` allows it"
    )


def test_an_account_that_only_delegates_is_noted() -> None:
    owner = f"arn:aws:iam::{OWNER}:user/o"
    [delegating] = explained({"Principal": {"AWS": OWNER}}, iam=None, principal=owner).statements
    assert delegating.elements[0].note == "names the account only, which leaves the choice to IAM"
    [granting] = explained({}, iam=None).statements
    assert granting.elements[0].note == ""
    assert granting.grants


def test_explicit_denials_name_the_deny_and_its_conditions() -> None:
    deny = {"Effect": "Deny", "Principal": "*", **condition("StringLike", "ses:FromAddress", "ceo@*")}
    assert explained({}, deny, context=FROM).sentence == (
        f"denied: policy `News`, statement 2 denies `ses:SendRawEmail` on `{IDENTITY}` when ses:FromAddress like "
        "`ceo@*`; this request has `ceo@example.com`"
    )
    mine: Members = {"Effect": "Deny", "Action": "ses:*", "Resource": "*"}
    assert explained({}, iam=mine).sentence == (
        f"denied: IAM policy `Mine`, statement 1 denies `ses:SendRawEmail` on `{IDENTITY}`"
    )


def test_permissions_name_every_side_that_was_needed() -> None:
    assert (
        explained({}).sentence == "allowed by policy `News`, statement 1 and IAM policy `Mine`, statement 1"
    )
    assert explained(iam=None, principal=OWNER).sentence.startswith(
        "allowed: `arn:aws:iam::111111111111:root` is"
    )


def test_not_elements_and_unknown_versions_have_their_words() -> None:
    iam: Members = {"Effect": "Allow", "NotAction": "ses:Send*", "Resource": "*"}
    sentence = explained({}, iam=iam).sentence
    assert "leaves out action `ses:Send*`; this one is `ses:SendRawEmail`" in sentence
    assert (
        "is in a version of the language that is not understood"
        in explained({}, version="2099-01-01").sentence
    )


def test_the_senders_view_shows_nothing_of_the_owners_policy() -> None:
    """I9: names, patterns and other conditions stay with the owner."""
    secret = condition("StringLike", "ses:FromAddress", "secret-*@example.com")
    view = sender_view(
        explained({"Sid": "TopSecret", **secret}, context={**FROM, "aws:SourceIp": "10.0.0.1"})
    )
    shown = repr(view)
    assert "secret" not in shown.lower()
    assert view.by_owner is Outcome.IMPLICIT_DENY
    assert view.mattered == (("ses:FromAddress", ("ceo@example.com",)),)
    assert view.sentence == (
        "denied: the owner of the identity does not allow this because of ses:FromAddress `ceo@example.com`"
    )
    assert [step.ref.policy for step in view.own] == ["Mine"]


def test_the_senders_view_of_each_outcome() -> None:
    allowed = sender_view(explained(condition("StringLike", "ses:FromAddress", "*"), context=FROM))
    assert (allowed.by_owner, allowed.sentence) == (
        Outcome.ALLOW,
        f"allowed: `ses:SendRawEmail` on `{IDENTITY}`",
    )
    assert allowed.mattered == (("ses:FromAddress", ("ceo@example.com",)),)
    denied = sender_view(explained({}, {"Effect": "Deny", "Principal": "*"}))
    assert (denied.by_owner, denied.sentence) == (
        Outcome.EXPLICIT_DENY,
        "denied: the owner of the identity denies this",
    )
    own_lack = sender_view(explained({}, iam=None))
    assert own_lack.sentence == "denied: the IAM policies of the sender do not allow it"
    own_deny = sender_view(explained({}, iam={**EVERYTHING, "Effect": "Deny"}))
    assert own_deny.sentence.startswith("denied: IAM policy `Mine`, statement 1 denies")
    stranger = sender_view(
        explained({"Principal": {"AWS": "333333333333"}, **condition("Null", "a:b", "true")})
    )
    assert stranger.mattered == ()


def test_the_simulator_tells_matches_positions_and_missing_context() -> None:
    text = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": "ses:Send*",
                    "Resource": "arn:aws:ses:us-east-1:111111111111:identity/${aws:PrincipalTag/team}",
                    "Condition": {"StringLike": {"ses:FromAddress": "${aws:username}@*"}},
                },
                {"Effect": "Allow", "Action": "ses:Get*", "Resource": "*"},
            ],
        },
        indent=2,
    )
    old = parse_stored_iam_policy('{"Statement": {"Effect": "Allow", "Action": "a:b", "Resource": "${x}"}}')
    results = simulate(
        read_requester(MAILER),
        actions=["ses:SendEmail", "ses:GetAccount"],
        resources=["*", IDENTITY],
        iam=[("I", parse_stored_iam_policy(text)), ("Old", old)],
        identity=[],
        context={"AWS:username": "bob"},
    )
    assert [result.outcome for result in results] == [
        Outcome.IMPLICIT_DENY,
        Outcome.IMPLICIT_DENY,
        Outcome.ALLOW,
        Outcome.IMPLICIT_DENY,
    ]
    assert results[0].missing_context == ("aws:PrincipalTag/team", "ses:FromAddress")
    [matched] = results[2].matched
    assert (matched.start, matched.end) == ((13, 6), (18, 6))
