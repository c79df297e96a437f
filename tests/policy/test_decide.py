"""Decisions: the account model, principals, fail closed. Each is checked on both evaluators."""

import json
from dataclasses import replace

import pytest

from sesame.policy import (
    EMPTY,
    Outcome,
    Request,
    Requester,
    compile_policies,
    decide,
    explain,
    parse_stored_iam_policy,
    parse_stored_identity_policy,
)
from sesame.policy.language.source import Json
from sesame.policy.request import ContextValue

OWNER, DELEGATE = "111111111111", "222222222222"
IDENTITY = f"arn:aws:ses:us-east-1:{OWNER}:identity/example.com"
OWN_USER = Requester(
    arn=f"arn:aws:iam::{OWNER}:user/owner", account_id=OWNER, kind="user", user_id="AIDAOWNER"
)
OWN_ROOT = Requester(arn=f"arn:aws:iam::{OWNER}:root", account_id=OWNER, kind="root", user_id=OWNER)
MAILER = Requester(
    arn=f"arn:aws:iam::{DELEGATE}:user/mailer", account_id=DELEGATE, kind="user", user_id="AIDAMAILER"
)
FOREIGN_ROOT = Requester(
    arn=f"arn:aws:iam::{DELEGATE}:root", account_id=DELEGATE, kind="root", user_id=DELEGATE
)
SESSION = Requester(
    arn=f"arn:aws:sts::{DELEGATE}:assumed-role/sender/job",
    account_id=DELEGATE,
    kind="role",
    user_id="AROASENDER:job",
    role_arn=f"arn:aws:iam::{DELEGATE}:role/sender",
)
SERVICE = Requester(arn="cognito-idp.amazonaws.com", account_id="", kind="service", user_id="")

ALLOW, DENY, NOTHING = Outcome.ALLOW, Outcome.EXPLICIT_DENY, Outcome.IMPLICIT_DENY
Members = dict[str, Json]


def statement(effect: str = "Allow", **elements: Json) -> Members:
    return {"Effect": effect, "Action": "ses:SendRawEmail", "Resource": "*", **elements}


def for_principal(principal: Json, effect: str = "Allow", **elements: Json) -> Members:
    return statement(effect, Principal=principal, **elements)


def outcome(
    requester: Requester,
    *,
    identity: list[Members] | None = None,
    iam: list[Members] | None = None,
    context: dict[str, ContextValue] | None = None,
    ids: dict[str, str] | None = None,
    version: str = "2012-10-17",
    resource: str = IDENTITY,
) -> Outcome:
    """The outcome on which both evaluators agree."""
    request = Request(
        requester=requester,
        action="ses:SendRawEmail",
        resource=resource,
        resource_account=OWNER,
        context=context or {},
    )
    attached = [
        ("P", parse_stored_identity_policy(json.dumps({"Version": version, "Statement": [item]})))
        for item in identity or ()
    ]
    own = [
        ("I", parse_stored_iam_policy(json.dumps({"Version": version, "Statement": [item]})))
        for item in iam or ()
    ]
    decision = decide(
        request,
        iam=compile_policies(own, kind="iam"),
        identity=compile_policies(attached, kind="identity", principal_ids=ids or {}),
    )
    explanation = explain(request, iam=own, identity=attached, principal_ids=ids or {})
    assert decision.outcome is explanation.outcome
    assert set(decision.deciding) <= set(explanation.deciding)
    return decision.outcome


def condition_holds(
    operator: str, key: str, values: Json, context: dict[str, ContextValue], effect: str = "Allow"
) -> bool:
    """Whether a statement with one condition applies."""
    rules = [for_principal("*", effect, Condition={operator: {key: values}})]
    if effect == "Deny":
        return outcome(OWN_ROOT, identity=rules, context=context) is DENY
    return outcome(OWN_USER, identity=rules, context=context) is ALLOW


def test_nothing_is_allowed_by_default() -> None:
    assert outcome(OWN_USER) is NOTHING
    assert outcome(MAILER) is NOTHING
    assert outcome(SERVICE) is NOTHING
    assert EMPTY.is_empty
    assert not compile_policies(
        [("p", parse_stored_iam_policy(json.dumps({"Statement": statement()})))], kind="iam"
    ).is_empty


def test_the_owner_account_needs_one_side_only() -> None:
    assert outcome(OWN_USER, iam=[statement()]) is ALLOW
    assert outcome(OWN_USER, identity=[for_principal({"AWS": OWN_USER.arn})]) is ALLOW
    assert outcome(OWN_USER, identity=[for_principal("*")]) is ALLOW


def test_naming_ones_own_account_lets_no_user_in() -> None:
    for name in (OWNER, f"arn:aws:iam::{OWNER}:root"):
        assert outcome(OWN_USER, identity=[for_principal({"AWS": name})]) is NOTHING
        assert outcome(OWN_USER, identity=[for_principal({"AWS": name})], iam=[statement()]) is ALLOW
        assert outcome(OWN_USER, identity=[for_principal({"AWS": name}, "Deny")], iam=[statement()]) is DENY


def test_root_of_the_owner_needs_no_policy_but_obeys_a_deny() -> None:
    assert outcome(OWN_ROOT) is ALLOW
    assert outcome(OWN_ROOT, identity=[for_principal("*", "Deny")]) is DENY
    assert outcome(OWN_ROOT, identity=[for_principal({"AWS": OWNER}, "Deny")]) is DENY


def test_across_accounts_both_sides_must_allow() -> None:
    principals: list[Json] = ["*", {"AWS": DELEGATE}, {"AWS": MAILER.arn}, {"AWS": FOREIGN_ROOT.arn}]
    for principal in principals:
        assert outcome(MAILER, identity=[for_principal(principal)]) is NOTHING
        assert outcome(MAILER, identity=[for_principal(principal)], iam=[statement()]) is ALLOW
    assert outcome(MAILER, iam=[statement()]) is NOTHING
    stranger: Json = {"AWS": "333333333333"}
    assert outcome(MAILER, identity=[for_principal(stranger)], iam=[statement()]) is NOTHING


def test_root_of_the_delegate_needs_no_iam_policy() -> None:
    assert outcome(FOREIGN_ROOT, identity=[for_principal({"AWS": DELEGATE})]) is ALLOW
    assert outcome(FOREIGN_ROOT) is NOTHING
    assert outcome(FOREIGN_ROOT, identity=[for_principal({"AWS": MAILER.arn})]) is NOTHING


def test_any_deny_wins() -> None:
    allow = [for_principal("*")]
    assert outcome(MAILER, identity=[*allow, for_principal("*", "Deny")], iam=[statement()]) is DENY
    assert outcome(MAILER, identity=allow, iam=[statement(), statement("Deny")]) is DENY
    assert outcome(OWN_USER, identity=allow, iam=[statement("Deny")]) is DENY


def test_a_service_needs_the_identity_policy_alone() -> None:
    named: Json = {"Service": "cognito-idp.amazonaws.com"}
    assert outcome(SERVICE, identity=[for_principal(named)]) is ALLOW
    assert outcome(SERVICE, identity=[for_principal({"Service": "sns.amazonaws.com"})]) is NOTHING
    assert outcome(SERVICE, identity=[for_principal({"AWS": "cognito-idp.amazonaws.com"})]) is NOTHING
    assert outcome(SERVICE, identity=[for_principal("*", "Deny"), for_principal(named)]) is DENY
    source: Json = {"StringEquals": {"aws:SourceAccount": OWNER}}
    guarded = [for_principal(named, Condition=source)]
    assert outcome(SERVICE, identity=guarded, context={"aws:SourceAccount": OWNER}) is ALLOW
    assert outcome(SERVICE, identity=guarded, context={"aws:SourceAccount": DELEGATE}) is NOTHING


def test_a_role_covers_its_sessions_and_a_session_is_its_own_name() -> None:
    for name in (SESSION.role_arn, SESSION.arn, "AROASENDER"):
        assert outcome(SESSION, identity=[for_principal({"AWS": name})], iam=[statement()]) is ALLOW
    other: Json = {"AWS": f"arn:aws:sts::{DELEGATE}:assumed-role/sender/other"}
    assert outcome(SESSION, identity=[for_principal(other)], iam=[statement()]) is NOTHING


def test_a_recreated_user_is_not_who_was_meant() -> None:
    rules = [for_principal({"AWS": MAILER.arn})]
    assert outcome(MAILER, identity=rules, iam=[statement()], ids={MAILER.arn: "AIDAMAILER"}) is ALLOW
    assert outcome(MAILER, identity=rules, iam=[statement()], ids={MAILER.arn: "AIDAOLD"}) is NOTHING
    role = [for_principal({"AWS": SESSION.role_arn})]
    assert (
        outcome(SESSION, identity=role, iam=[statement()], ids={str(SESSION.role_arn): "AROASENDER"}) is ALLOW
    )
    assert (
        outcome(SESSION, identity=role, iam=[statement()], ids={str(SESSION.role_arn): "AROAOLD"}) is NOTHING
    )


def test_a_unique_id_in_a_principal_is_the_user_itself() -> None:
    assert outcome(MAILER, identity=[for_principal({"AWS": "AIDAMAILER"})], iam=[statement()]) is ALLOW
    assert outcome(MAILER, identity=[for_principal({"AWS": "AIDAOTHER"})], iam=[statement()]) is NOTHING


@pytest.mark.parametrize(
    "name",
    [
        f"arn:aws:iam::{DELEGATE}:user/*",
        f"arn:aws:iam::{DELEGATE}:group/x",
        f"arn:aws:iam:x:{DELEGATE}:user/mailer",
        "arn:aws:iam::12:user/x",
        "arn:aws:s3:::bucket",
        f"arn:aws:sts::{DELEGATE}:user/x",
        "mailer",
        f"arn:aws:iam::{DELEGATE}:user/",
    ],
)
def test_a_principal_that_is_not_understood_helps_nobody(name: str) -> None:
    assert outcome(MAILER, identity=[for_principal({"AWS": name})], iam=[statement()]) is NOTHING
    rules = [for_principal("*"), for_principal({"AWS": name}, "Deny")]
    assert outcome(MAILER, identity=rules, iam=[statement()]) is DENY


def test_federated_principals_are_nobody_here() -> None:
    rules = [for_principal("*"), for_principal({"Federated": "x.org"}, "Deny")]
    assert outcome(MAILER, identity=rules, iam=[statement()]) is ALLOW


def test_not_principal_spares_only_who_is_listed_with_the_account() -> None:
    def denied(*names: str, requester: Requester = MAILER, ids: dict[str, str] | None = None) -> bool:
        rules = [for_principal("*"), statement("Deny", NotPrincipal={"AWS": list(names)})]
        return outcome(requester, identity=rules, iam=[statement()], ids=ids) is DENY

    assert not denied(MAILER.arn, DELEGATE)
    assert not denied("AIDAMAILER", DELEGATE)
    assert not denied(MAILER.arn, DELEGATE, ids={MAILER.arn: "AIDAMAILER"})
    assert not denied(FOREIGN_ROOT.arn, requester=FOREIGN_ROOT)
    assert not denied(str(SESSION.role_arn), SESSION.arn, DELEGATE, requester=SESSION)
    assert not denied("*")
    assert denied(MAILER.arn, DELEGATE, ids={MAILER.arn: "AIDAOLD"})
    assert denied(MAILER.arn)
    assert denied(DELEGATE)
    assert denied("333333333333")
    assert denied(f"arn:aws:iam::{DELEGATE}:user/*")
    assert denied(SESSION.arn, DELEGATE, requester=SESSION)
    assert denied(MAILER.arn, DELEGATE, requester=SERVICE)


def test_an_allow_with_not_principal_lets_in_only_who_is_not_listed_at_all() -> None:
    def allowed(names: Json) -> bool:
        rules = [statement(NotPrincipal={"AWS": names})]
        return outcome(MAILER, identity=rules, iam=[statement()]) is ALLOW

    assert allowed("333333333333")
    assert not allowed(DELEGATE)
    assert not allowed(MAILER.arn)
    assert not allowed(["333333333333", "nonsense"])
    assert not allowed("*")


@pytest.mark.parametrize(
    ("operator", "key", "values", "context"),
    [
        ("NoSuchOperator", "ses:FromAddress", "a", {"ses:FromAddress": "a"}),
        ("StringNotEquals", "ses:FromAdress", "a", {}),
        ("Null", "ses:FromAdress", "true", {}),
        ("StringNotLike", "ses:FromAddress", "${", {"ses:FromAddress": "a"}),
        ("StringLike", "ses:FromAddress", "${", {"ses:FromAddress": "a"}),
        ("StringNotEquals", "ses:FromAddress", "${aws:username}", {"ses:FromAddress": "a"}),
        ("NotIpAddress", "aws:SourceIp", "10.0.0.0/33", {"aws:SourceIp": "10.0.0.1"}),
        ("NotIpAddress", "aws:SourceIp", "10.0.0.0/8", {"aws:SourceIp": "nowhere"}),
        ("DateNotEquals", "aws:CurrentTime", "soon", {"aws:CurrentTime": "2026"}),
        ("DateLessThan", "aws:CurrentTime", ["soon"], {"aws:CurrentTime": "2026"}),
        ("NumericNotEquals", "test:n", "ten", {"test:n": "10"}),
        ("NumericEquals", "test:n", "10", {"test:n": "ten"}),
        ("Bool", "aws:SecureTransport", "yes", {"aws:SecureTransport": "true"}),
        ("BinaryNotEquals", "test:b", "!", {"test:b": "x"}),
        ("ArnNotLike", "aws:SourceArn", "arn:aws:iam::1", {"aws:SourceArn": "arn:aws:iam::1:user/x"}),
        ("ArnNotEquals", "aws:SourceArn", "arn:aws:iam::1:user/x", {"aws:SourceArn": "x"}),
        ("ArnLike", "aws:SourceArn", "arn:aws:iam::1:user/x", {"aws:SourceArn": "x"}),
        ("Null", "ses:FromAddress", "maybe", {}),
    ],
)
def test_what_is_not_understood_never_allows_and_always_denies(
    operator: str, key: str, values: Json, context: dict[str, ContextValue]
) -> None:
    assert not condition_holds(operator, key, values, context)
    assert condition_holds(operator, key, values, context, "Deny")


def test_an_unknown_version_never_allows_and_always_denies() -> None:
    assert outcome(OWN_USER, identity=[for_principal("*")], version="2030-01-01") is NOTHING
    nobody = statement("Deny", Principal={"AWS": "333333333333"}, Action="s3:Get*")
    assert outcome(OWN_ROOT, identity=[nobody], version="2030-01-01") is DENY


@pytest.mark.parametrize("element", ["Action", "Resource"])
def test_an_outlawed_wildcard_never_allows_and_always_denies(element: str) -> None:
    outlawed = {"Action": "s*:SendRawEmail", "Resource": "arn:aws:*:us-east-1:*"}[element]
    for name in (element, "Not" + element):
        rules = for_principal("*")
        del rules[element]
        rules[name] = outlawed
        assert outcome(OWN_USER, identity=[rules]) is NOTHING
        assert outcome(OWN_ROOT, identity=[{**rules, "Effect": "Deny"}]) is DENY


def test_several_values_under_an_operator_for_one_deny_by_any_and_allow_by_none() -> None:
    context: dict[str, ContextValue] = {"ses:Recipients": ("a@x.org", "b@y.org")}
    assert not condition_holds("StringLike", "ses:Recipients", "*", context)
    assert not condition_holds("StringNotLike", "ses:Recipients", "z", context)
    assert condition_holds("StringLike", "ses:Recipients", "*@y.org", context, "Deny")
    assert condition_holds("StringNotLike", "ses:Recipients", "*@y.org", context, "Deny")
    assert not condition_holds("StringLike", "ses:Recipients", "*@z.org", context, "Deny")


def test_a_list_of_one_is_a_value_and_a_list_of_none_is_absence() -> None:
    assert condition_holds("StringLike", "ses:Recipients", "*@x.org", {"ses:Recipients": ("a@x.org",)})
    assert condition_holds("Null", "ses:Recipients", "true", {"ses:Recipients": ()})
    assert condition_holds("Null", "ses:Recipients", ["true", "false"], {})
    assert not condition_holds("Null", "ses:Recipients", "false", {"ses:Recipients": ()})


def test_keys_of_the_request_ignore_case() -> None:
    assert condition_holds("StringEquals", "ses:fromaddress", "a", {"SES:FromAddress": "a"})


def test_ignore_case_folds_variables_too() -> None:
    context: dict[str, ContextValue] = {"ses:FromAddress": "BOB@x.org", "aws:username": "Bob"}
    assert condition_holds("StringEqualsIgnoreCase", "ses:FromAddress", "${aws:username}@X.ORG", context)
    assert not condition_holds("StringEquals", "ses:FromAddress", "${aws:username}@x.org", context)


def test_many_ranges_are_searched() -> None:
    ranges: Json = [f"10.{number}.0.0/16" for number in range(0, 40, 2)]
    assert condition_holds("IpAddress", "aws:SourceIp", ranges, {"aws:SourceIp": "10.38.1.1"})
    assert condition_holds("IpAddress", "aws:SourceIp", ranges, {"aws:SourceIp": "10.0.255.255"})
    assert not condition_holds("IpAddress", "aws:SourceIp", ranges, {"aws:SourceIp": "10.39.1.1"})
    assert not condition_holds("IpAddress", "aws:SourceIp", ranges, {"aws:SourceIp": "9.0.0.1"})


def test_many_patterns_are_matched_together() -> None:
    many: Json = [f"a?b*c{number}" for number in range(9)]
    assert condition_holds("StringLike", "ses:FromAddress", many, {"ses:FromAddress": "axbyc8"})
    assert not condition_holds("StringLike", "ses:FromAddress", many, {"ses:FromAddress": "axbyc9"})
    mixed: Json = ["*@a.org", "*@b.org", "x*", "y?*z", "root@c.org", "*admin*"]
    rules = [
        for_principal("*", Condition={"ForAllValues:StringLike": {"ses:Recipients": mixed}}),
        for_principal("*", Condition={"ForAllValues:StringLike": {"ses:Recipients": many}}),
    ]

    def allowed(*recipients: str) -> bool:
        return outcome(OWN_USER, identity=rules, context={"ses:Recipients": recipients}) is ALLOW

    assert allowed("1@a.org", "x1", "y__z", "theadmin@d.org", "root@c.org")
    assert allowed("azbc0", "a.b.c1")
    assert not allowed("1@a.org", "azbc0")


def test_variables_are_filled_in_once_for_many_values() -> None:
    context: dict[str, ContextValue] = {"ses:Recipients": ("bob@a.org", "BOB@a.org"), "aws:username": "bob"}
    values: Json = ["${aws:username}@*", "x${aws:username}?*", "${aws:userid}@*", "y*"]
    assert not condition_holds("ForAllValues:StringLike", "ses:Recipients", values, context)
    assert condition_holds("ForAnyValue:StringLike", "ses:Recipients", values, context)
    assert condition_holds("StringLike", "ses:Recipients", values, context, "Deny")
    folded: Json = ["${aws:username}@A.org"]
    assert condition_holds("ForAllValues:StringEqualsIgnoreCase", "ses:Recipients", folded, context)


def test_variables_in_a_resource_begin_after_the_fifth_colon() -> None:
    context: dict[str, ContextValue] = {"aws:username": "example.com", "aws:region": "us-east-1"}

    def allowed(resource: str) -> bool:
        return outcome(OWN_USER, identity=[for_principal("*", Resource=resource)], context=context) is ALLOW

    assert allowed(f"arn:aws:ses:us-east-1:{OWNER}:identity/${{aws:username}}")
    assert allowed(f"arn:aws:ses:us-east-1:{OWNER}:identity/${{aws:username}}*")
    assert allowed(f"arn:aws:ses:*:{OWNER}:identity/${{aws:username}}")
    assert not allowed(f"arn:aws:ses:${{aws:region}}:{OWNER}:identity/example.com")
    assert not allowed("${aws:username}")


def test_arn_conditions_take_variables() -> None:
    context: dict[str, ContextValue] = {"aws:SourceArn": "arn:aws:iam::1:user/bob", "aws:username": "bob"}
    assert condition_holds("ArnLike", "aws:SourceArn", "arn:aws:iam::1:user/${aws:username}", context)
    assert condition_holds("ArnLike", "aws:SourceArn", "arn:aws:iam::*:user/${aws:username}", context)
    assert condition_holds("ArnLike", "aws:SourceArn", "*", context)
    assert not condition_holds("ArnLike", "aws:SourceArn", "arn:aws:iam::2:user/${aws:username}", context)
    assert not condition_holds("ArnLike", "aws:SourceArn", "arn:aws:iam::2:user/${aws:userid}", context)


def test_deeply_branching_policies_compile_and_decide() -> None:
    """Statements that share ever longer beginnings nest deeper than Python could."""
    shared = [f"ses:K{number}" for number in range(120)]
    rules: list[Members] = []
    for length in range(0, 120, 2):
        keys: Json = dict.fromkeys([*shared[:length], f"ses:Last{length}"], "v")
        rules.append(statement(Condition={"StringEquals": keys}))
    never: Json = {
        "StringEquals": dict.fromkeys(shared[:118], "v"),
        "NoSuchOperator": {"ses:Recipients": "x"},
    }
    rules.append(statement(Condition=never))
    context: dict[str, ContextValue] = dict.fromkeys(shared, "v")
    assert outcome(OWN_USER, iam=rules, context=context) is NOTHING
    assert outcome(OWN_USER, iam=rules, context={**context, "ses:Last118": "v"}) is ALLOW
    assert outcome(OWN_USER, iam=[*rules, statement(Action=["s?s:x"])], context=context) is NOTHING


def test_conditions_on_one_set_of_values_are_counted_together() -> None:
    def rule(operator: str, *patterns: str) -> Members:
        return for_principal("*", Condition={operator: {"ses:Recipients": list(patterns)}})

    rules = [
        rule("ForAllValues:StringLike", "*@a.org", "x*@b.org"),
        rule("ForAllValues:StringNotLike", "*.org", "*@c.net"),
        rule("ForAnyValue:StringEquals", "root@c.net"),
        rule("ForAllValues:StringEqualsIgnoreCase", "ABUSE@D.NET"),
        rule("ForAllValues:StringLike", "${aws:username}@*"),
    ]

    def allowed(*recipients: str) -> bool:
        context: dict[str, ContextValue] = {"ses:Recipients": recipients, "aws:username": "me"}
        return outcome(OWN_USER, identity=rules, context=context) is ALLOW

    assert allowed("1@a.org", "x1@b.org")
    assert not allowed("1@a.org", "y1@b.org")
    assert allowed("1@d.net", "noat")
    assert not allowed("1@d.net", "1@c.net")
    assert allowed("1@e.org", "root@c.net")
    assert allowed("abuse@d.net")
    assert allowed("me@x.org", "me@y.org")
    assert allowed("")
    assert allowed()
    assert outcome(OWN_USER, identity=rules[2:4], context={"ses:Recipients": ("q", "r")}) is NOTHING


def test_a_bound_name_is_whoever_has_the_id_whatever_it_is_called_now() -> None:
    """A user is renamed, its id stays; whoever gets the old name is not who was meant."""
    lends = [for_principal({"AWS": MAILER.arn})]
    iam = [statement()]
    renamed = replace(MAILER, arn=f"arn:aws:iam::{DELEGATE}:user/other")
    successor = replace(MAILER, user_id="AIDASUCCESSOR")
    ids = {MAILER.arn: MAILER.user_id}
    for who, expected in ((MAILER, ALLOW), (renamed, ALLOW), (successor, NOTHING)):
        assert outcome(who, identity=lends, iam=iam, ids=ids) is expected
    deny: Members = {**statement("Deny"), "NotPrincipal": {"AWS": [DELEGATE, MAILER.arn]}}
    for who, expected in ((MAILER, ALLOW), (renamed, ALLOW), (successor, DENY)):
        assert outcome(who, identity=[*lends, for_principal("*"), deny], iam=iam, ids=ids) is expected
