"""Permissions boundaries: what a user or role has at most, by whichever policy it has it."""

import json
from itertools import product

import pytest

from sesame.policy import (
    Outcome,
    Policy,
    Request,
    Requester,
    Verdict,
    compile_policies,
    decide,
    decide_trust,
    explain,
    owner_view,
    parse_iam_policy,
    parse_stored_identity_policy,
    parse_stored_trust_policy,
    who_can_send,
)
from sesame.policy.analysis.bounded import REASON, permissions_within, within_boundaries
from sesame.policy.analysis.questions import can_send
from sesame.policy.language.source import Json
from sesame.policy.reasons.cause import Code, How, Reader
from sesame.policy.reasons.gaps import policy_causes

OWNER, DELEGATE = "111111111111", "222222222222"
IDENTITY = f"arn:aws:ses:us-east-1:{OWNER}:identity/example.com"
USER_ARN = f"arn:aws:iam::{OWNER}:user/anna"
ROLE_ARN = f"arn:aws:iam::{OWNER}:role/sender"
SESSION_ARN = f"arn:aws:sts::{OWNER}:assumed-role/sender/job"
ANNA = Requester(arn=USER_ARN, account_id=OWNER, kind="user", user_id="AIDAANNA")
JOB = Requester(arn=SESSION_ARN, account_id=OWNER, kind="role", user_id="AROASENDER:job", role_arn=ROLE_ARN)
BOUNDARY = f"arn:aws:iam::{OWNER}:policy/at-most"
ANY = '{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}'
RAW = '{"Statement": {"Effect": "Allow", "Action": "ses:SendRawEmail", "Resource": "*"}}'
DENY = '{"Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}'
ALLOW, DENIED, NOTHING = Outcome.ALLOW, Outcome.EXPLICIT_DENY, Outcome.IMPLICIT_DENY


def asked(
    who: Requester,
    *,
    boundary: str | None,
    iam: str | None = None,
    principal: Json = None,
    session: str | None = None,
    owner: str = OWNER,
    effect: str = "Allow",
    element: str = "Principal",
) -> Outcome:
    """What both evaluators say to a send; `principal` is whom the identity's policy is about."""
    own, theirs = [], []
    if iam is not None:
        own = [("own", parse_iam_policy(iam))]
    if principal is not None:
        statement = {"Effect": effect, element: {"AWS": principal}, "Action": "*", "Resource": "*"}
        theirs = [("p", parse_stored_identity_policy(json.dumps({"Statement": statement})))]
    limit = None if boundary is None else [(BOUNDARY, parse_iam_policy(boundary))]
    opened = None if session is None else [("s", parse_iam_policy(session))]
    request = Request(
        requester=who, action="ses:SendEmail", resource=IDENTITY, resource_account=owner, context={}
    )
    decision = decide(
        request,
        iam=compile_policies(own, kind="iam"),
        identity=compile_policies(theirs, kind="identity"),
        boundary=None if limit is None else compile_policies(limit, kind="boundary"),
        session=None if opened is None else compile_policies(opened, kind="session"),
    )
    explanation = explain(request, iam=own, identity=theirs, boundary=limit, session=opened)
    assert explanation.outcome is decision.outcome
    assert set(decision.deciding) <= set(explanation.deciding)
    return decision.outcome


@pytest.mark.parametrize(
    ("iam", "principal", "boundary", "expected"),
    [
        (ANY, None, None, ALLOW),
        (ANY, None, ANY, ALLOW),
        (ANY, None, RAW, NOTHING),
        (RAW, None, ANY, NOTHING),
        (None, None, ANY, NOTHING),
        (ANY, None, DENY, DENIED),
        (None, USER_ARN, RAW, ALLOW),
        (None, "AIDAANNA", RAW, ALLOW),
        (None, USER_ARN, DENY, DENIED),
        (None, OWNER, RAW, NOTHING),
        (ANY, OWNER, RAW, NOTHING),
        (None, "*", RAW, NOTHING),
        (None, "*", ANY, ALLOW),
    ],
)
def test_a_boundary_limits_a_user_but_for_what_is_given_to_it_by_name(
    iam: str | None, principal: str | None, boundary: str | None, expected: Outcome
) -> None:
    """IAM user guide, "Permissions boundaries", resource-based policies for IAM users."""
    assert asked(ANNA, boundary=boundary, iam=iam, principal=principal) is expected


@pytest.mark.parametrize(
    ("iam", "principal", "boundary", "expected"),
    [
        (ANY, None, ANY, ALLOW),
        (ANY, None, RAW, NOTHING),
        (None, ROLE_ARN, ANY, ALLOW),
        (None, ROLE_ARN, RAW, NOTHING),
        (None, "AROASENDER", RAW, NOTHING),
        (None, SESSION_ARN, RAW, ALLOW),
        (None, SESSION_ARN, DENY, DENIED),
        (None, f"{SESSION_ARN}2", RAW, NOTHING),
        (None, "*", RAW, NOTHING),
    ],
)
def test_a_boundary_limits_a_role_whoever_names_it_but_not_a_session_that_is_named(
    iam: str | None, principal: str | None, boundary: str, expected: Outcome
) -> None:
    """The same guide, resource-based policies for IAM roles and for role sessions."""
    assert asked(JOB, boundary=boundary, iam=iam, principal=principal) is expected


def test_a_session_is_held_to_both_its_policies_and_the_boundary_of_its_role() -> None:
    """Each must allow, and each may deny; neither gives what the role does not have."""
    for iam, boundary, session in product((None, ANY, RAW, DENY), (None, ANY, RAW, DENY), (None, ANY, RAW)):
        found = asked(JOB, boundary=boundary, iam=iam, session=session)
        texts = (iam, boundary, session)
        expected = ALLOW if iam == ANY and boundary in (None, ANY) and session in (None, ANY) else NOTHING
        assert found is (DENIED if DENY in texts else expected), texts


def test_across_accounts_a_boundary_limits_whatever_the_owner_gives() -> None:
    for principal in (USER_ARN, OWNER, "*"):
        assert asked(ANNA, boundary=RAW, iam=ANY, principal=principal, owner=DELEGATE) is NOTHING
        assert asked(ANNA, boundary=ANY, iam=ANY, principal=principal, owner=DELEGATE) is ALLOW
        assert asked(ANNA, boundary=ANY, principal=principal, owner=DELEGATE) is NOTHING


def test_a_deny_with_a_notprincipal_spares_nobody_who_has_a_boundary() -> None:
    """IAM user guide, "Permissions boundaries": it "will always deny any IAM principal that has" one."""
    spared: Json = [OWNER, USER_ARN]
    for boundary, expected in ((None, ALLOW), (ANY, DENIED), (RAW, DENIED)):
        found = asked(
            ANNA, boundary=boundary, iam=ANY, principal=spared, effect="Deny", element="NotPrincipal"
        )
        assert found is expected, boundary


@pytest.mark.parametrize(
    ("principal", "iam", "boundary", "expected"),
    [
        (OWNER, ANY, None, ALLOW),
        (OWNER, ANY, ANY, ALLOW),
        (OWNER, ANY, RAW, NOTHING),
        (OWNER, None, ANY, NOTHING),
        (OWNER, ANY, DENY, DENIED),
        (USER_ARN, None, RAW, ALLOW),
        (USER_ARN, None, DENY, DENIED),
    ],
)
def test_a_boundary_limits_who_may_open_sessions(
    principal: str, iam: str | None, boundary: str | None, expected: Outcome
) -> None:
    statement = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"}
    trust = parse_stored_trust_policy(json.dumps({"Version": "2012-10-17", "Statement": statement}))
    request = Request(
        requester=ANNA, action="sts:AssumeRole", resource=ROLE_ARN, resource_account=OWNER, context={}
    )
    own = [] if iam is None else [("own", parse_iam_policy(iam))]
    limit = None if boundary is None else [(BOUNDARY, parse_iam_policy(boundary))]
    found = decide_trust(
        request,
        iam=compile_policies(own, kind="iam"),
        trust=compile_policies([("t", trust)], kind="identity"),
        boundary=None if limit is None else compile_policies(limit, kind="boundary"),
    )
    assert found is expected


def test_the_sentence_and_the_cause_name_the_boundary_to_the_senders_side_alone() -> None:
    request = Request(
        requester=ANNA, action="ses:SendEmail", resource=IDENTITY, resource_account=DELEGATE, context={}
    )
    lent = {"Effect": "Allow", "Principal": {"AWS": OWNER}, "Action": "*", "Resource": "*"}
    theirs = [("p", parse_stored_identity_policy(json.dumps({"Statement": lent})))]
    own = [("own", parse_iam_policy(ANY))]
    for text, sentence, code, how in (
        (RAW, f"denied: permissions boundary `{BOUNDARY}`, statement 1 allows only action", Code.BOUNDARY,
         How.CHANGE_BOUNDARY),
        (DENY, f"denied: permissions boundary `{BOUNDARY}`, statement 1 denies `ses:SendEmail`", Code.DENY,
         How.CHANGE_STATEMENT),
    ):  # fmt: skip
        explanation = explain(
            request, iam=own, identity=theirs, boundary=[(BOUNDARY, parse_iam_policy(text))]
        )
        assert explanation.sentence.startswith(sentence)
        first = policy_causes(explanation, Reader.SENDER)[0]
        assert (first.code, first.mend.how) == (code, how)
        assert BOUNDARY in first.text and BOUNDARY in first.mend.text
        if code is Code.BOUNDARY:  # an exception in a Deny is for the sender alone
            assert first.mend.details["also_admits"] == [{"policy": BOUNDARY}]
        [told] = policy_causes(explanation, Reader.OWNER)
        assert "boundary" not in f"{told.text} {told.mend.text} {told.mend.details}".lower()
        assert told.code is (Code.DENY if code is Code.DENY else Code.SENDER_IAM)


def test_a_boundary_of_awss_own_is_not_to_be_changed() -> None:
    """Nobody can: another is to take its place."""
    managed = "arn:aws:iam::aws:policy/AmazonSESReadOnlyAccess"
    request = Request(
        requester=JOB, action="ses:SendEmail", resource=IDENTITY, resource_account=OWNER, context={}
    )
    explanation = explain(
        request,
        iam=[("own", parse_iam_policy(ANY))],
        identity=(),
        boundary=[(managed, parse_iam_policy(RAW))],
    )
    [cause] = policy_causes(explanation, Reader.OPERATOR)
    assert cause.code is Code.BOUNDARY and managed in cause.text
    assert cause.mend.details["policy"] is None
    assert cause.mend.text.startswith(f"give `{ROLE_ARN}` another permissions boundary")


def test_what_the_boundary_lacks_stands_behind_what_the_policies_lack() -> None:
    request = Request(
        requester=ANNA, action="ses:SendEmail", resource=IDENTITY, resource_account=OWNER, context={}
    )
    explanation = explain(request, iam=(), identity=(), boundary=[(BOUNDARY, parse_iam_policy(RAW))])
    found = policy_causes(explanation, Reader.OPERATOR)
    assert [cause.code for cause in found] == [Code.SENDER_IAM, Code.BOUNDARY]


def attached(*statements: Json) -> list[tuple[str, Policy]]:
    return [
        (
            "p",
            parse_stored_identity_policy(
                json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
            ),
        )
    ]


def lent(principal: Json) -> dict[str, Json]:
    return {
        "Effect": "Allow",
        "Principal": {"AWS": principal},
        "Action": "ses:SendEmail",
        "Resource": IDENTITY,
    }


@pytest.mark.parametrize(
    ("principal", "who", "expected"),
    [
        (ROLE_ARN, f"a session of {ROLE_ARN}", Verdict.UNKNOWN),
        (USER_ARN, USER_ARN, Verdict.YES),
        (SESSION_ARN, SESSION_ARN, Verdict.YES),
        (f"arn:aws:iam::{OWNER}:role/other", f"a session of arn:aws:iam::{OWNER}:role/other", Verdict.YES),
        (f"arn:aws:iam::{DELEGATE}:user/anna", f"arn:aws:iam::{DELEGATE}:user/anna", Verdict.YES),
    ],
)
def test_of_a_role_with_a_boundary_it_is_not_known_whether_it_can_send(
    principal: str, who: str, expected: Verdict
) -> None:
    """Nobody is said to be able to what a boundary may keep from it; what is given by the very name stays."""
    policies = attached(lent(principal))
    bounded = {ROLE_ARN, "AROASENDER", USER_ARN, "AIDAANNA"}
    answers = within_boundaries(who_can_send(policies, identity_arn=IDENTITY), policies, bounded)
    [found] = [one for one in answers if one.who == who]
    assert found.verdict is expected
    assert (found.reason == REASON) is (expected is Verdict.UNKNOWN)
    before = who_can_send(policies, identity_arn=IDENTITY)
    assert within_boundaries(before, policies, ()) == before


def test_of_whom_a_notprincipal_would_spare_it_is_not_known_either() -> None:
    spared: Json = [OWNER, USER_ARN]
    deny = {**lent("*"), "Effect": "Deny", "NotPrincipal": {"AWS": spared}}
    del deny["Principal"]
    policies = attached(lent(USER_ARN), deny)
    found = who_can_send(policies, identity_arn=IDENTITY)
    assert [one.verdict for one in found if one.who == USER_ARN] == [Verdict.YES]
    found = within_boundaries(found, policies, {USER_ARN})
    assert [one.verdict for one in found if one.who == USER_ARN] == [Verdict.UNKNOWN]


def test_what_a_role_with_a_boundary_can_send_has_no_example() -> None:
    policies = attached(lent(ROLE_ARN))
    found = can_send(JOB, policies, identity_arn=IDENTITY)
    assert all(one.witness is not None for one in permissions_within(found, JOB, policies, {USER_ARN}))
    held = permissions_within(found, JOB, policies, {ROLE_ARN})
    assert [(one.witness, one.reason) for one in held] == [(None, REASON)]


def test_to_the_owner_no_statement_says_that_the_sender_has_a_boundary() -> None:
    """I9: that its NotPrincipal spares nobody who has one is the sender's side's to know."""
    request = Request(
        requester=ANNA, action="ses:SendEmail", resource=IDENTITY, resource_account=DELEGATE, context={}
    )
    deny: Json = {
        "Effect": "Deny",
        "NotPrincipal": {"AWS": [OWNER, USER_ARN]},
        "Action": "*",
        "Resource": "*",
    }
    explanation = explain(
        request,
        iam=[("own", parse_iam_policy(ANY))],
        identity=attached(lent("*"), deny),
        boundary=[(BOUNDARY, parse_iam_policy(ANY))],
    )
    assert explanation.outcome is DENIED and "boundary" in str(explanation.statements)
    assert "boundary" not in str(owner_view(explanation)).lower()
    for reader in (Reader.OWNER, Reader.SENDER):
        for cause in policy_causes(explanation, reader):
            assert "boundary" not in f"{cause.text} {cause.mend.text}".lower(), reader
