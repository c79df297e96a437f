"""What Put proposes in place of what it refuses: followed literally it is accepted and does what was meant."""

import json
from typing import Any, Literal

import pytest

from sesame.policy import (
    EMPTY,
    Outcome,
    PolicyError,
    Request,
    Requester,
    check_identity_policy,
    compile_policies,
    decide,
    parse_iam_policy,
    parse_identity_policy,
    parse_trust_policy,
)
from sesame.policy.language.source import Json

OWNER, DELEGATE, OTHER = "111111111111", "222222222222", "333333333333"
IDENTITY = f"arn:aws:ses:us-east-1:{OWNER}:identity/example.com"
USER, ROLE = f"arn:aws:iam::{DELEGATE}:user/", f"arn:aws:iam::{DELEGATE}:role/"
SESSIONS = f"arn:aws:sts::{DELEGATE}:assumed-role/"
COGNITO = "cognito-idp.amazonaws.com"
ANY = compile_policies(
    [("own", parse_iam_policy('{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}'))], kind="iam"
)
Members = dict[str, Json]


def document(**changes: Json) -> str:
    """A policy of one statement, with elements replaced, or removed by None."""
    usual: Members = {
        "Effect": "Allow",
        "Principal": {"AWS": DELEGATE},
        "Action": "ses:SendEmail",
        "Resource": IDENTITY,
    }
    statement = {name: value for name, value in (usual | changes).items() if value is not None}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def refused(text: str) -> str:
    with pytest.raises(PolicyError) as caught:
        parse_identity_policy(text, identity_arn=IDENTITY)
    return caught.value.in_full


def proposed(said: str) -> Members:
    """The elements that a text proposes: JSON between backticks."""
    found: Members = {}
    for part in said.split("`")[1::2]:
        if part.startswith('"'):
            found |= json.loads(f"{{{part}}}")
    return found


def outcome(policy: str, arn: str, **context: str) -> Outcome:
    """What a stored policy says to a user, a session or a service that sends; its own side allows it."""
    account = arn.split(":")[4] if ":" in arn else OWNER
    role = arn.replace(":sts:", ":iam:").replace("assumed-role", "role").rpartition("/")[0]
    is_session = ":sts:" in arn
    kind: Literal["role", "user", "service"] = "role" if is_session else "user" if ":" in arn else "service"
    user_id = f"AROAEXAMPLEROLEID123:{arn.rpartition('/')[2]}" if is_session else "AIDAEXAMPLEUSERID123"
    own = {
        "aws:principalarn": role if is_session else arn,
        "aws:principalaccount": account,
        "aws:userid": user_id,
    }
    named = {"aws:principalservicename": arn} if kind == "service" else own
    request = Request(
        requester=Requester(
            arn=arn, account_id=account, kind=kind, user_id=user_id, role_arn=role if is_session else None
        ),
        action="ses:SendEmail",
        resource=IDENTITY,
        resource_account=OWNER,
        context=named | context,
    )
    parsed = parse_identity_policy(policy, identity_arn=IDENTITY)
    return decide(
        request,
        iam=EMPTY if kind == "service" else ANY,
        identity=compile_policies([("p", parsed)], kind="identity"),
    ).outcome


def denied(spared: Json, *arns: str, **changes: Json) -> list[bool]:
    """Whether each is denied by what is proposed for a Deny with that NotPrincipal."""
    said = refused(document(Effect="Deny", Principal=None, NotPrincipal=spared, **changes))
    policy = document(**{"Effect": "Deny", **changes, **proposed(said)})
    return [outcome(policy, arn) is Outcome.EXPLICIT_DENY for arn in arns]


def test_a_deny_with_not_principal_is_proposed_as_one_that_spares_the_same() -> None:
    app, other = f"{USER}app", f"{USER}other"
    abroad = f"arn:aws:iam::{OTHER}:user/app"
    assert denied({"AWS": app}, app, other, abroad) == [False, True, True]
    assert denied({"AWS": [app, other]}, app, other, abroad) == [False, False, True]
    assert denied({"AWS": DELEGATE}, app, other, abroad) == [False, False, True]
    assert denied({"AWS": [f"arn:aws:iam::{DELEGATE}:root", abroad]}, app, abroad) == [False, False]
    assert denied({"AWS": f"{ROLE}svc"}, f"{SESSIONS}svc/a", f"{SESSIONS}svc2/a", app) == [False, True, True]
    assert denied({"AWS": f"{USER}app-*"}, f"{USER}app-1", app) == [False, True]
    assert denied({"AWS": app, "Service": COGNITO}, app, other, COGNITO, "x.amazonaws.com") == [
        False, True, False, True,
    ]  # fmt: skip
    own = f"arn:aws:iam::{OWNER}:user/own"
    assert denied({"AWS": app}, own) == [True]


def test_conditions_that_the_deny_has_are_kept() -> None:
    app, other, third = (f"{USER}{name}" for name in ("app", "other", "third"))
    spares: Members = {"ArnNotEquals": {"aws:principalarn": other}}
    assert denied({"AWS": app}, app, other, third, Condition=spares) == [False, False, True]


def test_a_session_is_spared_by_the_unique_id_of_its_role() -> None:
    said = refused(document(Effect="Deny", Principal=None, NotPrincipal={"AWS": f"{SESSIONS}svc/job"}))
    assert "the unique id of the session's role" in said
    filled = said.replace("AROA…:", "AROAEXAMPLEROLEID123:")
    policy = document(Effect="Deny", **proposed(filled))
    denials = [outcome(policy, f"{SESSIONS}svc/{name}") is Outcome.EXPLICIT_DENY for name in ("job", "other")]
    assert denials == [False, True]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"Effect": "Deny", "NotPrincipal": {"AWS": f"{USER}app"}},
            f"the identity's own account {OWNER} if it is",
        ),
        ({"Effect": "Deny", "NotPrincipal": {"AWS": f"{ROLE}svc"}}, "of a role's sessions is the role's ARN"),
        ({"Effect": "Deny", "NotPrincipal": "*"}, "it denies nobody: remove the statement"),
        ({"Effect": "Deny", "NotPrincipal": {"AWS": "nobody"}}, "`nobody` is no principal"),
        ({"NotPrincipal": {"AWS": f"{USER}app"}}, "list in Principal whom it allows"),
    ],
)
def test_not_principal_is_refused_with_what_to_write(changes: Members, said: str) -> None:
    text = refused(document(**({"Principal": None} | changes)))
    assert said in text and "name what is meant" not in text


def test_who_is_listed_is_not_told_that_its_account_is_denied_too() -> None:
    spared: Json = {"AWS": [OWNER, f"{USER}app"]}
    assert "own account" not in refused(document(Effect="Deny", Principal=None, NotPrincipal=spared))


def test_not_action_and_not_resource_are_refused_with_what_is_left() -> None:
    said = refused(document(Action=None, NotAction=["ses:SendRaw*", "SES:sendbounce", "ses:*BULK*"]))
    assert proposed(said) == {"Action": ["ses:SendEmail", "ses:SendTemplatedEmail"]}
    assert "it denies no sending" in refused(document(Effect="Deny", Action=None, NotAction="ses:*"))
    other = IDENTITY.replace("example.com", "example.org")
    assert proposed(refused(document(Resource=None, NotResource=other))) == {"Resource": IDENTITY}
    assert "remove the statement" in refused(document(Resource=None, NotResource=[other, IDENTITY]))


def test_a_principal_with_wildcards_is_proposed_as_its_account_with_a_condition() -> None:
    said = refused(document(Principal={"AWS": f"{USER}app-*"}))
    policy = document(**proposed(said))
    arns = (f"{USER}app-1", f"{USER}app-", f"{USER}boss", f"{ROLE}app-1", f"arn:aws:iam::{OTHER}:user/app-1")
    allowed = [outcome(policy, arn) is Outcome.ALLOW for arn in arns]
    assert allowed == [True, True, False, False, False]


def test_the_condition_of_a_pattern_does_not_widen_one_that_is_there() -> None:
    narrow: Members = {"ArnLike": {"aws:PrincipalArn": f"{USER}app-1*"}}
    said = refused(document(Principal={"AWS": [OTHER, f"{USER}app-*"]}, Condition=narrow))
    assert "in a statement of its own" in said
    policy = document(**proposed(said))
    assert [outcome(policy, f"{USER}app-{n}") is Outcome.ALLOW for n in (12, 2)] == [True, False]
    two: Members = {"ArnLike": {"aws:principalarn": "*"}, "StringLike": {"aws:PrincipalArn": f"{USER}app-1*"}}
    policy = document(**proposed(refused(document(Principal={"AWS": f"{USER}app-*"}, Condition=two))))
    assert [outcome(policy, f"{USER}app-{n}") is Outcome.ALLOW for n in (12, 2)] == [True, False]


def test_sessions_by_pattern_are_proposed_as_their_role() -> None:
    said = refused(document(Principal={"AWS": f"{SESSIONS}svc/job-*"}))
    policy = document(**proposed(said))
    arns = (f"{SESSIONS}svc/job-1", f"{SESSIONS}svc/x", f"{SESSIONS}svc2/job-1")
    assert [outcome(policy, arn) is Outcome.ALLOW for arn in arns] == [True, False, False]
    assert f"`{ROLE}svc`" in refused(document(Principal={"AWS": f"{SESSIONS}svc/*"}))


@pytest.mark.parametrize(
    ("principal", "said"),
    [
        ({"AWS": f"arn:aws:iam::{DELEGATE}:*"}, f"write `{DELEGATE}`"),
        ({"AWS": "arn:aws:iam::*:user/x"}, "name one account"),
        ({"AWS": f"arn:aws:iam::{DELEGATE}:group/g"}, "a group is no principal"),
        ({"AWS": f"arn:aws:iam::{DELEGATE}:app"}, f"`{USER}app` for a user"),
        ({"AWS": f"arn:aws:iam:us-east-1:{DELEGATE}:user/x"}, f"`{USER}x`"),
        ({"AWS": f"arn:aws:iam::{DELEGATE}:assumed-role/svc/a"}, f"`{SESSIONS}svc/a`"),
        ({"AWS": "2222-2222-2222"}, f"`{DELEGATE}`"),
        ({"AWS": COGNITO}, f'`{{"Service":"{COGNITO}"}}`'),
        ({"AWS": "AKIAEXAMPLEEXAMPLE12"}, "an access key is no principal"),
        ({"Federated": "accounts.google.com"}, "nobody comes in here by Federated"),
        ({"AWS": "nobody"}, "write a 12-digit account"),
        ({"aws": DELEGATE}, "is unknown: write AWS"),
        ({"service": COGNITO}, "is unknown: write Service"),
        (DELEGATE, f'such as {{"AWS": "{DELEGATE}"}}'),
        (COGNITO, f'such as {{"Service": "{COGNITO}"}}'),
        ("nobody", 'such as {"AWS": "123456789012"}'),
    ],
)
def test_a_principal_that_is_none_is_refused_with_what_was_meant(principal: Json, said: str) -> None:
    assert said in refused(document(Principal=principal))


@pytest.mark.parametrize("effect", ["Allow", "Deny"])
@pytest.mark.parametrize("partition", ["aws-us-gov", "aws-cn"])
@pytest.mark.parametrize("who", ["user/app", "root"])
def test_a_principal_of_another_partition_is_refused(effect: str, partition: str, who: str) -> None:
    """It would match nobody, and a Deny of it would deny nobody."""
    arn = f"arn:{partition}:iam::{DELEGATE}:{who}"
    said = refused(document(Effect=effect, Principal={"AWS": ["444444444444", arn]}))
    assert f"write `arn:aws:iam::{DELEGATE}:{who}`" in said
    trust = {"Effect": effect, "Principal": {"AWS": arn}, "Action": "sts:AssumeRole"}
    with pytest.raises(PolicyError, match="partition") as caught:
        parse_trust_policy(json.dumps({"Statement": trust}))
    assert caught.value.words == f'Invalid principal in policy: "AWS":"{arn}"'


@pytest.mark.parametrize(
    ("key", "mend"),
    [
        ("SES:fromaddress", "Write `ses:FromAddress`"),
        ("AWS:SourceAccount", "Write `aws:SourceAccount`"),
        ("AWS:PrincipalTag/Team", "Write `aws:PrincipalTag/Team`"),
        ("FromAddress", "Write `ses:FromAddress`"),
        ("SourceIp", "Write `aws:SourceIp`"),
        ("ses:FromAdress", "Did you mean `ses:FromAddress`?"),
        ("iam:PolicyARN", ""),
        ("ses:Colour", ""),
    ],
)
def test_a_key_is_refused_in_the_words_of_ses_and_checked_with_the_right_one(key: str, mend: str) -> None:
    text = document(Condition={"StringLike": {key: "*@example.com"}})
    with pytest.raises(PolicyError) as caught:
        parse_identity_policy(text, identity_arn=IDENTITY)
    words = f"Unknown or unapplicable condition field '{key}'."
    assert str(caught.value) == words
    [finding] = check_identity_policy(text, identity_arn=IDENTITY)
    assert finding.message == f"{words} {mend}".rstrip()


@pytest.mark.parametrize(
    ("left_out", "effect", "says"),
    [
        ("sts:TagSession", "Allow", '"Action":["sts:AssumeRole","sts:SetSourceIdentity"]'),
        (["sts:TagSession", "sts:Set*"], "Deny", 'denies: write `"Action":"sts:AssumeRole"`'),
        ("sts:*", "Allow", "allows no way to open a session: remove the statement"),
    ],
)
def test_a_trust_policy_reads_which_actions_to_write(left_out: Any, effect: str, says: str) -> None:
    trust = {"Effect": effect, "Principal": {"AWS": DELEGATE}, "NotAction": left_out}
    with pytest.raises(PolicyError, match="has no NotAction") as caught:
        parse_trust_policy(json.dumps({"Statement": trust}))
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("named", "says"),
    [
        ({"AWS": DELEGATE}, f'by a Deny with `"Principal":{{"AWS":"{DELEGATE}"}}`'),
        (
            {"AWS": [DELEGATE, f"{USER}app"]},
            f'by a Deny with `"Principal":{{"AWS":["{DELEGATE}","{USER}app"]}}`',
        ),
        ("*", "list in Principal whom it allows, "),
    ],
)
def test_an_allow_with_not_principal_reads_whom_to_write_where(named: Any, says: str) -> None:
    trust = {"Effect": "Allow", "NotPrincipal": named, "Action": "sts:AssumeRole"}
    with pytest.raises(PolicyError) as caught:
        parse_trust_policy(json.dumps({"Statement": trust}))
    assert says in str(caught.value)
    assert (" by a Deny with" in str(caught.value)) is (named != "*")
