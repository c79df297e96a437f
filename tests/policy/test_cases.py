"""Cases of `sesame policy test`: every form, what counts, what cannot be read."""

import json

import pytest

from sesame.policy import Decision, Outcome
from sesame.policy.cases import CaseError, Members, collect_cases, read_context, read_requester, run_case
from sesame.policy.language.source import Json

USER = "arn:aws:iam::222222222222:user/mailer"
ALLOW: Members = {"Effect": "Allow", "Action": "ses:*", "Resource": "*"}
NOT_ELEMENTS: Members = {"Effect": "Deny", "Principal": "*", "NotAction": "s3:*", "NotResource": "x"}
REQUEST: Members = {"principal": USER, "action": "ses:SendEmail", "resource": "*", "context": {}}


def policy(**changes: Json) -> Json:
    return {"Statement": {**ALLOW, **changes}}


@pytest.mark.parametrize(
    ("case", "form", "actual"),
    [
        ({"request": REQUEST, "identityPolicies": [policy()]}, "decision", "Allowed"),
        ({"request": REQUEST, "identityPolicies": [policy(Effect="Deny")]}, "decision", "ExplicitlyDenied"),
        ({"request": REQUEST, "resourcePolicies": [policy(Principal="*")]}, "decision", "Allowed"),
        (
            {"request": REQUEST, "resourcePolicy": policy(Principal={"AWS": "1"})},
            "decision",
            "ImplicitlyDenied",
        ),
        ({"request": REQUEST, "identityPolicies": [policy(Effect="allow")]}, "decision", "ImplicitlyDenied"),
        ({"request": REQUEST, "policies": [policy()]}, "policies", "true"),
        (
            {"request": REQUEST, "policies": [policy(Principal="*"), policy(Effect="Deny")]},
            "policies",
            "false",
        ),
        ({"operator": "Bool", "key": "a:b", "values": True, "context": {"a:b": True}}, "condition", "true"),
        ({"operator": "Bool", "key": "a:b", "values": None, "version": None}, "condition", "false"),
        ({"element": "NotAction", "patterns": "s3:*", "requestAction": "ses:X"}, "action", "true"),
        ({"element": "Resource", "patterns": ["a*"], "requestResource": "abc"}, "resource", "true"),
        ({"element": "NotResource", "patterns": ["a*"], "requestResource": "abc"}, "resource", "false"),
        ({"element": "Principal", "patterns": [USER], "requestPrincipal": USER}, "principal", "true"),
        ({"element": "Principal", "principal": "*", "requestPrincipal": USER}, "principal", "true"),
        (
            {"element": "Principal", "patterns": {"AWS": "3" * 12}, "requestPrincipal": USER},
            "principal",
            "false",
        ),
        ({"element": "Principal", "patterns": {}, "requestPrincipal": USER}, "principal", "false"),
        ({"pattern": "A*", "text": "abc", "caseInsensitive": True}, "wildcard", "true"),
        ({"pattern": "arn:aws:*", "text": "arn:aws:a:b:c:d", "mode": "arn"}, "wildcard", "true"),
        ({"document": {"Statement": []}}, "document", "false"),
        (
            {"document": json.dumps({"Statement": {**NOT_ELEMENTS}})},
            "document",
            "true",
        ),
    ],
)
def test_every_form_has_its_answer(case: Members, form: str, actual: str) -> None:
    result = run_case({**case, "expected": actual}, number=7)
    assert (result.form, result.actual, result.passed, result.id) == (form, actual, True, "7")
    assert result.counts


def test_what_is_expected_may_be_spelled_in_several_ways() -> None:
    base: Members = {"element": "Principal", "patterns": [USER], "requestPrincipal": USER}
    assert run_case({**base, "expected": "Match"}).passed
    assert not run_case({**base, "expected": "NoMatch"}).passed
    assert run_case({**base, "expected": False, "awsExpected": True}).passed
    document: Members = {"document": "{}", "accept": False}
    assert run_case(document).passed
    decision: Members = {"request": REQUEST, "expectedAllowed": False}
    assert run_case(decision).passed
    assert not run_case({**decision, "expectedAllowed": True}).passed
    assert not run_case({**decision, "identityPolicies": [policy()]}).passed
    assert run_case({"request": REQUEST, "policies": [], "expectedAllowed": False}).passed
    with pytest.raises(CaseError, match="nothing is expected"):
        run_case({"request": REQUEST})


@pytest.mark.parametrize(
    ("marks", "counts"),
    [
        ({}, True),
        ({"quality": "agrees_with_reference"}, True),
        ({"quality": "unverified"}, False),
        ({"quality": "divergence"}, False),
        ({"quality": "divergence", "awsExpected": True}, True),
        ({"confidence": "documented"}, True),
        ({"confidence": "convention"}, False),
    ],
)
def test_a_case_may_say_that_it_is_uncertain(marks: Members, counts: bool) -> None:
    case: Members = {"pattern": "a", "text": "a", "expected": True, **marks}
    assert run_case(case).counts is counts


def test_cases_are_collected_from_lists_objects_of_lists_and_one_alone() -> None:
    case: Members = {"pattern": "a", "text": "a", "expected": True}
    assert collect_cases([case, "x"]) == [case]
    assert collect_cases({"about": "x", "first": [case], "second": [case, "y"]}) == [case, case]
    assert collect_cases(case) == [case]
    assert collect_cases({"request": REQUEST, "policies": []}) == [{"request": REQUEST, "policies": []}]
    for written in (True, "x", None):
        with pytest.raises(CaseError, match="a case file is"):
            collect_cases(written)
    for member in ("what", "element"):
        with pytest.raises(CaseError, match="no known form"):
            run_case({member: "Effect"})


def test_requesters_are_read_from_names() -> None:
    account = "222222222222"
    root = read_requester(account)
    assert (root.kind, root.arn, root.account_id) == ("root", f"arn:aws:iam::{account}:root", account)
    session = read_requester(f"arn:aws:sts::{account}:assumed-role/r/s")
    assert (session.kind, session.role_arn, session.user_id) == (
        "role",
        f"arn:aws:iam::{account}:role/r",
        "AROA:s",
    )
    role = read_requester(f"arn:aws:iam::{account}:role/r")
    assert (role.kind, role.role_arn) == ("role", role.arn)
    assert read_requester("cognito-idp.amazonaws.com").kind == "service"
    assert read_requester({"AWS": [root.arn, USER]}).arn == USER
    assert read_requester({"AWS": []}).arn.endswith("user/anyone")
    with pytest.raises(CaseError, match="a principal is"):
        read_requester([USER])


def test_contexts_are_read_from_json() -> None:
    written: Json = {"a": "x", "b": True, "c": None, "d": ["y", False]}
    assert read_context(written) == {"a": "x", "b": "true", "d": ("y", "false")}
    assert read_context(None) == {}


def test_evaluators_that_disagree_are_a_defect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sesame.policy.cases.decide", lambda *_, **__: Decision(Outcome.EXPLICIT_DENY))
    with pytest.raises(RuntimeError, match="please report"):
        run_case({"request": REQUEST, "expected": "Allowed"})


@pytest.mark.parametrize(
    ("case", "told"),
    [
        (
            {"request": REQUEST, "identityPolicy": [policy()]},
            "`identityPolicy` is not a member .* `identityPolicies`",
        ),
        (
            {"request": {**REQUEST, "contxt": {}}, "policies": []},
            "`contxt` is not a member of a request.* `context`",
        ),
        ({"operator": "Bool", "key": "a:b", "value": True}, "`value` is not a member .* `values`"),
        ({"pattern": "a", "text": "a", "insensitive": True}, "`insensitive` is not a member"),
        ({"document": {}, "policy": {}}, "`policy` is not a member"),
        ({"element": "Action", "patterns": "*", "actions": "x"}, "`actions` is not a member"),
    ],
)
def test_a_member_that_is_not_known_is_an_error(case: Members, told: str) -> None:
    with pytest.raises(CaseError, match=told):
        run_case({**case, "expected": True})


def test_an_identity_policy_over_4096_bytes_allows_nothing_in_any_form() -> None:
    def padded(size: int) -> Json:
        body = {"Statement": {**ALLOW, "Principal": "*", "Sid": ""}}
        body["Statement"]["Sid"] = "x" * (size - len(json.dumps(body, separators=(",", ":"))))
        return body  # type: ignore[return-value]

    def answers(size: int) -> list[str]:
        cases: list[Members] = [
            {"request": REQUEST, "resourcePolicy": padded(size)},
            {"request": REQUEST, "policies": [padded(size)]},
            {"document": padded(size)},
            {"document": json.dumps(padded(size), separators=(",", ":"))},
        ]
        return [run_case({**case, "expected": True}).actual for case in cases]

    assert answers(4096) == ["Allowed", "true", "true", "true"]
    assert answers(4097) == ["ImplicitlyDenied", "false", "false", "false"]
