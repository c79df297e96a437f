"""Cases kept beside policies: each holds, or is broken with a reason that shows it."""

import json
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from sesame.policy import Outcome, compile_policies, decide, generate, parse_stored_identity_policy
from sesame.policy.analysis.expectations import ExpectationError, read_expectation, why_broken, written
from tests.policy.random_policies import REQUESTERS, ROLE
from tests.policy.test_writing import ALL, PATTERNS, fits, random_answers, random_request

KNOWN = {one.arn: one for one in REQUESTERS} | {
    ROLE: next(replace(one, arn=ROLE) for one in REQUESTERS if one.role_arn == ROLE)
}
OWNER, NEWS, OTHER = "111111111111", "222222222222", "333333333333"
ARN = f"arn:aws:ses:us-east-1:{OWNER}:identity/example.com"
USER = f"arn:aws:iam::{NEWS}:user/mailer"


def statement(**changes: Any) -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Principal": {"AWS": NEWS},
        "Action": "ses:SendRawEmail",
        "Resource": ARN,
        "Condition": {"StringLike": {"ses:FromAddress": "news*@example.com"}},
        **changes,
    }


def why(case: dict[str, Any], *statements: dict[str, Any]) -> str | None:
    text = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    policies = [("p", parse_stored_identity_policy(text))]
    expectation = read_expectation({"name": "case", **case})
    broken = why_broken(expectation, policies, identity_arn=ARN, principal_ids={}, known={})
    return None if broken is None else broken.why


@pytest.mark.parametrize(
    "case",
    [
        {"who": NEWS, "may": True, "as": "news@example.com"},
        {"who": [NEWS, USER], "may": True, "as": "news-*@example.com"},
        {"who": f"arn:aws:sts::{NEWS}:assumed-role/sender/job", "may": True},
        {"who": NEWS, "may": False, "as": "ceo@example.com"},
        {"who": OTHER, "may": False},
        {"who": "cognito-idp.amazonaws.com", "may": False},
        {"nobodyBut": [NEWS]},
        {"nobodyBut": [f"arn:aws:iam::{NEWS}:root"]},
        {"nobodyBut": [], "as": "ceo@example.com"},
        {"nobodyBut": [OTHER], "as": ["ceo@example.com", "boss@example.com"]},
    ],
)
def test_cases_that_hold(case: dict[str, Any]) -> None:
    assert why(case, statement()) is None


@pytest.mark.parametrize(
    ("case", "told"),
    [
        ({"who": NEWS, "may": True, "as": "ceo@example.com"}, f"account {NEWS} may not as ceo@example.com"),
        ({"who": OTHER, "may": True}, f"account {OTHER} may not"),
        (
            {"who": USER, "may": False, "as": "news@example.com"},
            f"{USER} may, by ses:SendRawEmail as news@example.com",
        ),
        ({"who": NEWS, "may": False}, f"root of {NEWS} may, by ses:SendRawEmail as "),
        ({"nobodyBut": []}, "may, by ses:SendRawEmail as "),
        ({"nobodyBut": [USER]}, "may, by ses:SendRawEmail as "),
        ({"who": [NEWS, OTHER], "may": True}, f"account {OTHER} may not"),
    ],
)
def test_cases_that_are_broken_say_by_what(case: dict[str, Any], told: str) -> None:
    assert told in str(why(case, statement()))


def test_what_else_is_limited_counts() -> None:
    near = statement(Condition={"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}})
    inside, outside = {"aws:SourceIp": "203.0.113.0/28"}, {"aws:SourceIp": "198.51.100.0/24"}
    assert why({"who": NEWS, "may": True, "when": inside}, near) is None
    assert why({"who": NEWS, "may": False, "when": outside}, near) is None
    assert why({"nobodyBut": [], "when": outside}, near) is None
    assert why({"who": NEWS, "may": True, "when": outside}, near) is not None


def test_an_account_means_each_of_its_people() -> None:
    """A user of the account that is let in alone breaks a case that says the account may not."""
    assert USER in str(why({"who": NEWS, "may": False}, statement(Principal={"AWS": USER})))
    somebody = statement(Principal="*", Condition={"StringEquals": {"aws:PrincipalType": "User"}})
    assert f"somebody of account {OTHER}" in str(why({"who": OTHER, "may": False}, somebody))
    assert "may, by" in str(why({"nobodyBut": [NEWS]}, somebody))


def test_an_account_means_those_that_policies_are_bound_to() -> None:
    """Users and roles that a policy names are let in by their unique ids."""
    role = f"arn:aws:iam::{NEWS}:role/sender"
    for arn, unique_id in ((USER, "AIDAMAILER"), (role, "AROASENDER")):
        text = json.dumps({"Version": "2012-10-17", "Statement": [statement(Principal={"AWS": arn})]})
        expectation = read_expectation({"name": "case", "who": NEWS, "may": False})
        broken = why_broken(
            expectation,
            [("p", parse_stored_identity_policy(text))],
            identity_arn=ARN,
            principal_ids={arn: unique_id},
            known={},
        )
        assert broken is not None
        assert arn in broken.why


def test_a_role_means_each_of_its_sessions() -> None:
    session = f"arn:aws:sts::{NEWS}:assumed-role/sender/job"
    case = {"who": f"arn:aws:iam::{NEWS}:role/app/sender", "may": False}
    assert session in str(why(case, statement(Principal={"AWS": session})))
    assert why(case, statement(Principal={"AWS": session.replace("sender", "other")})) is None


def everybody(**condition: Any) -> dict[str, Any]:
    return statement(Principal="*", Condition=condition)


FOURS, FIVES = "444444444444", "555555555555"


@pytest.mark.parametrize(
    "wide",
    [
        everybody(StringEquals={"aws:PrincipalAccount": [FOURS, FIVES]}),
        everybody(StringEquals={"aws:PrincipalAccount": [FIVES, FOURS]}),
        everybody(StringLike={"aws:PrincipalAccount": ["4444*", "5555*"]}),
        everybody(ArnLike={"aws:PrincipalArn": [f"arn:aws:iam::{FOURS}:*", f"arn:aws:iam::{FIVES}:*"]}),
        statement(Principal={"AWS": [FOURS, FIVES]}),
        statement(Principal={"AWS": [FOURS, f"arn:aws:iam::{FIVES}:user/x"]}),
        statement(
            Principal={"AWS": [FOURS, FIVES]}, Condition={"StringLike": {"aws:username": ["a*", "b*"]}}
        ),
    ],
)
def test_who_is_allowed_too_hides_nobody(wide: dict[str, Any]) -> None:
    """That one account may, by the same statement, does not make a case hold that the other breaks."""
    for case in ({"nobodyBut": [FOURS]}, {"nobodyBut": [FIVES]}, {"who": FIVES, "may": False}):
        if case != {"nobodyBut": [FIVES]} or "user/x" not in str(wide):
            assert why(case, wide) is not None, case
    assert (why({"nobodyBut": [FOURS, FIVES]}, wide) is None) is ("4444*" not in str(wide))
    assert why({"who": OTHER, "may": False}, wide) is None


def test_a_role_is_its_sessions_of_any_name() -> None:
    role = f"arn:aws:iam::{NEWS}:role/sender"
    near = statement(Principal={"AWS": role}, Condition={"StringLike": {"aws:userid": "*:job-*"}})
    assert why({"who": role, "may": False}, near) is not None
    assert why({"who": role.replace("sender", "other"), "may": False}, near) is None
    assert why({"nobodyBut": [role]}, near) is None


def test_the_owners_own_account_is_nobody_else() -> None:
    own = statement(Principal={"AWS": f"arn:aws:iam::{OWNER}:user/own"})
    assert why({"nobodyBut": []}, own) is None


def test_what_is_not_known_does_not_hold() -> None:
    """A condition outside the exact fragment is not an answer, and no answer is not yes."""
    vague = statement(
        Condition={"StringLike": {"ses:FromAddress": "${aws:username}*${aws:userid}?@example.com"}}
    )
    for case in (
        {"nobodyBut": [], "as": "b*x@example.com"},
        {"who": USER, "may": False, "as": "*x@example.com"},
    ):
        told = why(case, vague)
        assert told is None or "may" in told


def test_without_time_no_case_holds_that_says_may_not() -> None:
    text = json.dumps({"Version": "2012-10-17", "Statement": [statement()]})
    policies = [("p", parse_stored_identity_policy(text))]
    cases: list[dict[str, Any]] = [
        {"nobodyBut": [OTHER]},
        {"who": NEWS, "may": False, "as": "ceo@example.com"},
    ]
    for case in cases:
        expectation = read_expectation({"name": "case", **case})
        broken = why_broken(
            expectation, policies, identity_arn=ARN, principal_ids={}, known={}, is_late=lambda: True
        )
        assert broken is not None
        assert "not known" in broken.why


@pytest.mark.parametrize(
    "case",
    [
        [],
        {},
        {"name": ""},
        {"name": "x" * 201, "nobodyBut": []},
        {"name": "n"},
        {"name": "n", "who": NEWS},
        {"name": "n", "who": [], "may": True},
        {"name": "n", "who": NEWS, "may": "yes"},
        {"name": "n", "who": "nobody in particular", "may": True},
        {"name": "n", "who": NEWS, "may": True, "nobodyBut": []},
        {"name": "n", "nobodyBut": "*"},
        {"name": "n", "who": NEWS, "may": True, "as": []},
        {"name": "n", "who": NEWS, "may": True, "from": "a@example.com"},
        {"name": "n", "who": NEWS, "may": True, "when": {"aws:Sourceip2": "x"}},
        {"name": "n", "who": NEWS, "may": True, "when": {"aws:SourceVpc": "x"}},
        {
            "name": "n",
            "who": NEWS,
            "may": True,
            "as": "a@example.com",
            "when": {"SES:FromAddress": "b@example.com"},
        },
        {"name": "n\x1b[2J", "nobodyBut": []},
    ],
)
def test_what_is_no_case_is_refused(case: Any) -> None:
    with pytest.raises(ExpectationError):
        read_expectation(case)


@pytest.mark.parametrize(
    "case",
    [
        {
            "name": "n",
            "who": [NEWS],
            "may": True,
            "as": ["a@example.com"],
            "when": {"aws:SourceIp": ["203.0.113.0/24"]},
        },
        {"name": "n", "nobodyBut": [NEWS]},
    ],
)
def test_cases_are_written_as_they_are_read(case: Any) -> None:
    assert written(read_expectation(case)) == case


def test_no_request_contradicts_a_case_that_holds() -> None:
    """80 policies, three cases each, 60 requests: whoever may not, by a case that holds, is refused by the engine."""
    random = Random(77)
    # The namesake of another account has an id of its own: no two users of a server share one.
    ids = {USER: "AIDAMAILER", USER.replace("222222222222", "333333333333"): "AIDAOTHER", ROLE: "AROASENDER"}
    held = 0
    for _ in range(80):
        answers = replace(random_answers(random), networks=(), begins_at=None, ends_at=None)
        policy = parse_stored_identity_policy(generate(answers).document)
        compiled = compile_policies([("p", policy)], kind="identity", principal_ids=ids)
        requests = [random_request(random) for _ in range(60)]
        for pattern in random.sample(PATTERNS, 3):
            who = random.choice((NEWS, OTHER, USER, ROLE, "cognito-idp.amazonaws.com"))
            case: dict[str, Any] = {"name": "case", "as": pattern}
            case |= random.choice(({"who": who, "may": False}, {"nobodyBut": [who]}))
            broken = why_broken(
                read_expectation(case), [("p", policy)], identity_arn=ARN, principal_ids=ids, known=KNOWN
            )
            if broken is not None:
                continue
            held += 1
            for request in requests:
                if fits(pattern, str(request.context["ses:FromAddress"])):
                    one = request.requester
                    is_who = who in (one.arn, one.account_id, one.role_arn)
                    if is_who is ("who" in case):
                        assert decide(request, iam=ALL, identity=compiled).outcome is not Outcome.ALLOW, (
                            case,
                            request,
                        )
    assert held > 50


def test_a_session_is_of_the_role_that_a_policy_names_with_its_path() -> None:
    role = statement(Principal={"AWS": f"arn:aws:iam::{NEWS}:role/team/sender"})
    session = f"arn:aws:sts::{NEWS}:assumed-role/sender/job"
    assert why({"who": session, "may": True}, role) is None
    assert f"{session} may, by" in (why({"who": session, "may": False}, role) or "")
