"""Session policies and trust policies: what limits a session, and who may open one."""

import json
from random import Random

import pytest

from sesame.policy import (
    EMPTY,
    Outcome,
    PolicyError,
    Request,
    Requester,
    compile_policies,
    decide,
    decide_trust,
    explain,
    parse_iam_policy,
    parse_stored_iam_policy,
    parse_stored_identity_policy,
    parse_stored_trust_policy,
    parse_trust_policy,
)
from sesame.policy.language.source import Json
from tests.policy.random_policies import random_policy, random_request

OWNER, DELEGATE = "111111111111", "222222222222"
IDENTITY = f"arn:aws:ses:us-east-1:{OWNER}:identity/example.com"
ROLE = f"arn:aws:iam::{OWNER}:role/sender"
SESSION = f"arn:aws:sts::{OWNER}:assumed-role/sender/job"
OTHER_SESSION = f"arn:aws:sts::{OWNER}:assumed-role/sender/other"
JOB = Requester(arn=SESSION, account_id=OWNER, kind="role", user_id="AROASENDER:job", role_arn=ROLE)
ANNA = f"arn:aws:iam::{OWNER}:user/anna"
GUEST = f"arn:aws:sts::{OWNER}:federated-user/guest"
FEDERATED = Requester(
    arn=GUEST,
    account_id=OWNER,
    kind="federated",
    user_id=f"{OWNER}:guest",
    issuer_arn=ANNA,
    issuer_id="AIDAANNA",
)
ANY = '{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}'
RAW = '{"Statement": {"Effect": "Allow", "Action": "ses:SendRawEmail", "Resource": "*"}}'
DENY = '{"Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}'


def asked(
    *,
    iam: str | None,
    principal: str | None,
    session: list[str] | None,
    owner: str = OWNER,
    who: Requester = JOB,
    effect: str = "Allow",
    element: str = "Principal",
    ids: dict[str, str] | None = None,
) -> Outcome:
    """What both evaluators say to a session that sends; `principal` is whom the identity policy allows."""
    own = [] if iam is None else [("own", parse_iam_policy(iam))]
    theirs = []
    if principal is not None:
        named = principal if principal == "*" else {"AWS": principal.split()}
        statement = {"Effect": effect, element: named, "Action": "*", "Resource": "*"}
        theirs = [("p", parse_stored_identity_policy(json.dumps({"Statement": statement})))]
    limits = (
        None if session is None else [(f"s{n}", parse_iam_policy(text)) for n, text in enumerate(session)]
    )
    request = Request(
        requester=who, action="ses:SendEmail", resource=IDENTITY, resource_account=owner, context={}
    )
    decision = decide(
        request,
        iam=compile_policies(own, kind="iam"),
        identity=compile_policies(theirs, kind="identity", principal_ids=ids or {}),
        session=None if limits is None else compile_policies(limits, kind="session"),
    )
    explanation = explain(request, iam=own, identity=theirs, session=limits, principal_ids=ids or {})
    assert explanation.outcome is decision.outcome
    assert set(decision.deciding) <= set(explanation.deciding)
    return decision.outcome


@pytest.mark.parametrize(
    ("iam", "principal", "session", "expected"),
    [
        (ANY, None, [], Outcome.IMPLICIT_DENY),
        (ANY, None, [ANY], Outcome.ALLOW),
        (ANY, None, [RAW], Outcome.IMPLICIT_DENY),
        (None, None, [ANY], Outcome.IMPLICIT_DENY),
        (ANY, GUEST, [DENY], Outcome.EXPLICIT_DENY),
        (DENY, GUEST, [ANY], Outcome.EXPLICIT_DENY),
        (None, GUEST, [], Outcome.ALLOW),
        (None, GUEST, [RAW], Outcome.ALLOW),
        (None, ANNA, [], Outcome.IMPLICIT_DENY),
        (None, ANNA, [RAW], Outcome.IMPLICIT_DENY),
        (None, ANNA, [ANY], Outcome.ALLOW),
        (None, "AIDAANNA", [], Outcome.IMPLICIT_DENY),
        (None, "AIDAANNA", [ANY], Outcome.ALLOW),
        (None, "AIDAOTHER", [ANY], Outcome.IMPLICIT_DENY),
        (None, "*", [], Outcome.IMPLICIT_DENY),
        (None, "*", [ANY], Outcome.ALLOW),
        (None, OWNER, [ANY], Outcome.IMPLICIT_DENY),
        (None, GUEST.replace("guest", "other"), [RAW], Outcome.IMPLICIT_DENY),
    ],
)
def test_a_federated_user_has_what_its_user_has_within_what_it_was_opened_under(
    iam: str | None, principal: str | None, session: list[str], expected: Outcome
) -> None:
    """Named itself it needs neither; what its user is given is limited, as IAM documents for such sessions."""
    assert asked(iam=iam, principal=principal, session=session, who=FEDERATED) is expected
    elsewhere = asked(iam=iam, principal=principal, session=session, owner=DELEGATE, who=FEDERATED)
    if expected is Outcome.EXPLICIT_DENY:
        assert elsewhere is expected
    else:
        both = iam is not None and principal is not None and ANY in session
        assert (elsewhere is Outcome.ALLOW) is both


def test_another_accounts_policy_lets_a_federated_user_in_by_any_of_its_names() -> None:
    for name in (GUEST, ANNA, "AIDAANNA", OWNER, "*"):
        found = [
            asked(iam=iam, principal=name, session=session, owner=DELEGATE, who=FEDERATED)
            for iam, session in ((ANY, [ANY]), (ANY, []), (None, [ANY]), (RAW, [ANY]), (ANY, [RAW]))
        ]
        assert found == [Outcome.ALLOW, *[Outcome.IMPLICIT_DENY] * 4], name


def test_a_deny_of_the_user_is_one_of_its_federated_users_and_of_nobody_who_has_its_name_now() -> None:
    ids = {ANNA: "AIDAANNA"}
    for name in (GUEST, ANNA, "AIDAANNA", OWNER):
        found = asked(iam=ANY, principal=name, session=[ANY], who=FEDERATED, effect="Deny", ids=ids)
        assert found is Outcome.EXPLICIT_DENY, name
    remade = {ANNA: "AIDABEFORE"}
    assert (
        asked(iam=ANY, principal=ANNA, session=[ANY], who=FEDERATED, effect="Deny", ids=remade)
        is Outcome.ALLOW
    )
    assert asked(iam=None, principal=ANNA, session=[ANY], who=FEDERATED, ids=remade) is Outcome.IMPLICIT_DENY


def test_a_not_principal_spares_a_federated_user_of_whom_all_is_listed() -> None:
    def denied(*names: str) -> bool:
        found = asked(
            iam=ANY,
            principal=" ".join(names),
            session=[ANY],
            who=FEDERATED,
            effect="Deny",
            element="NotPrincipal",
        )
        return found is Outcome.EXPLICIT_DENY

    assert not denied(OWNER, ANNA, GUEST)
    assert not denied(OWNER, "AIDAANNA", GUEST)
    assert denied(OWNER, GUEST)
    assert denied(OWNER, ANNA)
    assert denied(ANNA, GUEST)


@pytest.mark.parametrize(
    ("iam", "principal", "session", "expected"),
    [
        (ANY, None, None, Outcome.ALLOW),
        (ANY, None, [ANY], Outcome.ALLOW),
        (ANY, None, [RAW], Outcome.IMPLICIT_DENY),
        (ANY, None, [RAW, ANY], Outcome.ALLOW),
        (ANY, None, [], Outcome.IMPLICIT_DENY),
        (RAW, None, [ANY], Outcome.IMPLICIT_DENY),
        (ANY, SESSION, [ANY, DENY], Outcome.EXPLICIT_DENY),
        (None, ROLE, None, Outcome.ALLOW),
        (None, ROLE, [RAW], Outcome.IMPLICIT_DENY),
        (None, "*", [RAW], Outcome.IMPLICIT_DENY),
        (None, OWNER, [ANY], Outcome.IMPLICIT_DENY),
        (None, SESSION, [RAW], Outcome.ALLOW),
        (None, OTHER_SESSION, [RAW], Outcome.IMPLICIT_DENY),
    ],
)
def test_a_session_policy_limits_all_but_what_is_given_to_the_session_by_name(
    iam: str | None, principal: str | None, session: list[str] | None, expected: Outcome
) -> None:
    """IAM user guide, "Session policies": three cases by whom the resource-based policy names."""
    assert asked(iam=iam, principal=principal, session=session) is expected


def test_across_accounts_a_session_by_name_is_limited_too() -> None:
    for session, expected in (([RAW], Outcome.IMPLICIT_DENY), ([ANY], Outcome.ALLOW), (None, Outcome.ALLOW)):
        assert asked(iam=ANY, principal=SESSION, session=session, owner=DELEGATE) is expected


def test_the_sentence_names_the_session_policy() -> None:
    request = Request(
        requester=JOB, action="ses:SendEmail", resource=IDENTITY, resource_account=OWNER, context={}
    )
    own = [("own", parse_iam_policy(ANY))]
    told = [
        explain(
            request,
            iam=own,
            identity=(),
            session=[(f"s{n}", parse_iam_policy(t)) for n, t in enumerate(texts)],
        )
        for texts in ([RAW], [], [ANY], [DENY])
    ]
    assert [explanation.sentence for explanation in told] == [
        "denied: session policy `s0`, statement 1 allows only action `ses:SendRawEmail`; this one is `ses:SendEmail`",
        f"denied: no policy that the session `{SESSION}` was opened under allows `ses:SendEmail` on `{IDENTITY}`",
        "allowed by IAM policy `own`, statement 1 and session policy `s0`, statement 1",
        f"denied: session policy `s0`, statement 1 denies `ses:SendEmail` on `{IDENTITY}`",
    ]


# --- trust ---------------------------------------------------------------------------------------

USER = Requester(arn=f"arn:aws:iam::{OWNER}:user/anna", account_id=OWNER, kind="user", user_id="AIDAANNA")
FOREIGN = Requester(
    arn=f"arn:aws:iam::{DELEGATE}:user/berta", account_id=DELEGATE, kind="user", user_id="AIDABERTA"
)
ROOT = Requester(arn=f"arn:aws:iam::{OWNER}:root", account_id=OWNER, kind="root", user_id=OWNER)
SERVICE = Requester(arn="cognito-idp.amazonaws.com", account_id="", kind="service", user_id="")
ASSUME = '{"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}}'


def trusted(
    requester: Requester, principal: Json, *, iam: str | None = None, session: str | None = None, **more: Json
) -> Outcome:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **more}
    trust = parse_trust_policy(json.dumps({"Version": "2012-10-17", "Statement": statement}))
    request = Request(
        requester=requester,
        action="sts:AssumeRole",
        resource=ROLE,
        resource_account=OWNER,
        context={"sts:ExternalId": "42"},
    )
    return decide_trust(
        request,
        iam=EMPTY if iam is None else compile_policies([("own", parse_iam_policy(iam))], kind="iam"),
        trust=compile_policies([("trust", trust)], kind="identity"),
        session=None
        if session is None
        else compile_policies([("s", parse_iam_policy(session))], kind="session"),
    )


@pytest.mark.parametrize(
    ("requester", "principal", "iam", "expected"),
    [
        (USER, {"AWS": USER.arn}, None, Outcome.ALLOW),
        (USER, {"AWS": OWNER}, None, Outcome.IMPLICIT_DENY),
        (USER, {"AWS": OWNER}, ASSUME, Outcome.ALLOW),
        (USER, "*", None, Outcome.ALLOW),
        (USER, {"AWS": FOREIGN.arn}, ASSUME, Outcome.IMPLICIT_DENY),
        (USER, {"AWS": USER.arn}, DENY, Outcome.EXPLICIT_DENY),
        (FOREIGN, {"AWS": FOREIGN.arn}, None, Outcome.IMPLICIT_DENY),
        (FOREIGN, {"AWS": FOREIGN.arn}, ASSUME, Outcome.ALLOW),
        (FOREIGN, {"AWS": DELEGATE}, ASSUME, Outcome.ALLOW),
        (FOREIGN, {"AWS": OWNER}, ASSUME, Outcome.IMPLICIT_DENY),
        (ROOT, {"AWS": OWNER}, ASSUME, Outcome.IMPLICIT_DENY),
        (ROOT, "*", None, Outcome.IMPLICIT_DENY),
        (SERVICE, {"Service": SERVICE.arn}, None, Outcome.ALLOW),
        (SERVICE, {"AWS": OWNER}, None, Outcome.IMPLICIT_DENY),
        (JOB, {"AWS": ROLE}, None, Outcome.ALLOW),
    ],
)
def test_whom_a_role_trusts(
    requester: Requester, principal: Json, iam: str | None, expected: Outcome
) -> None:
    """IAM user guide, "Principal" and "Cross account resource access": the trust policy must always allow."""
    assert trusted(requester, principal, iam=iam) is expected


def test_a_session_policy_limits_whom_a_role_trusts() -> None:
    assert trusted(JOB, {"AWS": ROLE}, session=RAW) is Outcome.IMPLICIT_DENY
    assert trusted(JOB, {"AWS": ROLE}, session=ASSUME) is Outcome.ALLOW
    assert trusted(JOB, {"AWS": ROLE}, session=DENY) is Outcome.EXPLICIT_DENY


def test_trust_asks_conditions_and_can_deny() -> None:
    right: Json = {"StringEquals": {"sts:ExternalId": "42"}}
    wrong: Json = {"StringEquals": {"sts:ExternalId": "43"}}
    assert trusted(USER, "*", Condition=right) is Outcome.ALLOW
    assert trusted(USER, "*", Condition=wrong) is Outcome.IMPLICIT_DENY
    assert trusted(USER, "*", iam=ASSUME, Effect="Deny") is Outcome.EXPLICIT_DENY


def test_what_is_no_trust_policy() -> None:
    sound: dict[str, Json] = {"Effect": "Allow", "Principal": {"AWS": OWNER}, "Action": "sts:AssumeRole"}
    for change, told in (
        ({"Resource": "*"}, "has no Resource"),
        ({"NotResource": "*"}, "has no NotResource"),
        ({"Action": "ses:SendEmail"}, "actions of STS"),
        ({"Action": "*"}, "actions of STS"),
        ({"Action": "sts:Assume:Role"}, "can contain only one colon"),
        ({"Principal": {"AWS": "nonsense"}}, "invalid principal"),
        ({"Principal": {"Federated": "accounts.google.com"}}, "invalid principal"),
        ({"Condition": {"Strange": {"a": "b"}}}, "unknown"),
    ):
        with pytest.raises(PolicyError, match=told):
            parse_trust_policy(json.dumps({"Statement": {**sound, **change}}))
    without = {name: value for name, value in sound.items() if name != "Action"}
    with pytest.raises(PolicyError, match="has no NotAction"):
        parse_trust_policy(json.dumps({"Statement": {**without, "NotAction": "sts:AssumeRole"}}))
    with pytest.raises(PolicyError, match="there is no Principal"):
        parse_trust_policy('{"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole"}}')
    with pytest.raises(PolicyError, match="no statement"):
        parse_trust_policy('{"Statement": []}')


@pytest.mark.parametrize("seed", range(2))
def test_nobody_is_trusted_whom_identity_policies_of_the_same_words_would_not_reach(seed: int) -> None:
    """Trust is no wider than sending: over random policies, what trust lets in, the account model lets in."""
    random = Random(seed)
    allowed = 0
    for _ in range(1500):
        document = json.loads(random_policy(random, with_principal=True))
        statements = (
            document["Statement"] if isinstance(document["Statement"], list) else [document["Statement"]]
        )
        for statement in statements:
            statement.pop("Resource", None)
            statement.pop("NotResource", None)
        trust = compile_policies([("t", parse_stored_trust_policy(json.dumps(document)))], kind="identity")
        iam_text = random_policy(random, with_principal=False)
        iam = compile_policies([("i", parse_stored_iam_policy(iam_text))], kind="iam")
        for _ in range(10):
            request = random_request(random)
            outcome = decide_trust(request, iam=iam, trust=trust)
            wider = decide(request, iam=iam, identity=trust).outcome
            if outcome is Outcome.ALLOW:
                allowed += 1
                assert wider is Outcome.ALLOW, (request, document, iam_text)
            if request.requester.kind not in ("root", "federated"):
                assert (outcome is Outcome.EXPLICIT_DENY) == (wider is Outcome.EXPLICIT_DENY)
    assert allowed > 100
