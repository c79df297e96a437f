"""Findings: each code is documented, each example of the documentation has its finding."""

import json
import re
from pathlib import Path

import pytest

from sesame.policy.findings.catalogue import SEVERITIES, Code, Finding, Severity
from sesame.policy.findings.check import check_iam_policy, check_identity_policy, check_trust_policy
from sesame.policy.language.source import Json

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "policy" / "findings.md").read_text()
SECTIONS = re.findall(
    r"^## (SP\d{3}) ([a-z-]+)\n\n(\w+)\..*?```json\n(.*?)```", PAGE, re.MULTILINE | re.DOTALL
)
IDENTITY = "arn:aws:ses:us-east-1:111111111111:identity/example.com"
NOW = 1_780_315_200.0  # 2026-06-01
Members = dict[str, Json]


def policy(*statements: Members, version: str | None = "2012-10-17", identity: str = IDENTITY) -> str:
    usual: Members = {
        "Effect": "Allow",
        "Principal": {"AWS": "222222222222"},
        "Action": "ses:SendRawEmail",
        "Resource": identity,
    }
    document: Members = {"Statement": [{**usual, **statement} for statement in statements]}
    if version:
        document["Version"] = version
    return json.dumps(document, indent=1)


def check(
    *statements: Members, version: str | None = "2012-10-17", identity: str = IDENTITY
) -> list[Finding]:
    text = policy(*statements, version=version, identity=identity)
    return check_identity_policy(text, identity_arn=identity, now=NOW)


def codes(*statements: Members, identity: str = IDENTITY) -> set[Code]:
    return {finding.code for finding in check(*statements, identity=identity)}


def condition(operator: str, key: str, *values: str) -> Members:
    return {"Condition": {operator: {key: list(values)}}}


@pytest.mark.parametrize(
    ("name", "is_made_up"),
    [
        ("i-0123456789abcdef0", True),
        ("botocore-session-1796000000", True),
        ("8b2f4c1e-0d6a-4f57-9a3c-2f1d5e7b9c10", True),
        ("6fd1f0d1c2b94a0c8f3a5e6d7c8b9a01", True),
        ("job-20261129", True),
        ("job", False),
        ("news-function", False),
        ("mailer-2", False),
        ("ann@example.com", False),
    ],
)
def test_a_session_by_name_is_a_finding_where_the_next_one_is_called_otherwise(
    name: str, is_made_up: bool
) -> None:
    session: Members = {"Principal": {"AWS": f"arn:aws:sts::222222222222:assumed-role/app/{name}"}}
    assert (Code.ONE_SESSION in codes(session)) == is_made_up


SESSIONS = "arn:aws:sts::222222222222:assumed-role/app/*"
ROLE = "arn:aws:iam::222222222222:role/app"
SERVICE: Members = {"Principal": {"Service": "news.example.com"}}


@pytest.mark.parametrize(
    ("statement", "code", "is_found"),
    [
        (condition("ArnLike", "aws:PrincipalArn", SESSIONS), Code.SESSION_AS_PRINCIPAL_ARN, True),
        (condition("StringLike", "aws:principalarn", ROLE, SESSIONS), Code.SESSION_AS_PRINCIPAL_ARN, True),
        (condition("ArnNotLike", "aws:PrincipalArn", SESSIONS), Code.SESSION_AS_PRINCIPAL_ARN, True),
        (
            condition("StringLike", "aws:PrincipalArn", "*:assumed-role/app/*"),
            Code.SESSION_AS_PRINCIPAL_ARN,
            True,
        ),
        (condition("ArnLike", "aws:PrincipalArn", ROLE), Code.SESSION_AS_PRINCIPAL_ARN, False),
        (condition("StringLike", "aws:userid", SESSIONS), Code.SESSION_AS_PRINCIPAL_ARN, False),
        (condition("StringEquals", "aws:SourceAccount", "222222222222"), Code.KEY_OF_SERVICES, True),
        (condition("ArnLike", "aws:SourceArn", "arn:aws:lambda:*:*:*"), Code.KEY_OF_SERVICES, True),
        (condition("Null", "aws:SourceArn", "false"), Code.KEY_OF_SERVICES, True),
        (condition("Null", "aws:SourceArn", "true"), Code.KEY_OF_SERVICES, False),
        (condition("StringEqualsIfExists", "aws:SourceAccount", "222222222222"), Code.KEY_OF_SERVICES, False),
        (condition("StringNotEquals", "aws:SourceAccount", "222222222222"), Code.KEY_OF_SERVICES, False),
        (SERVICE | condition("StringEquals", "aws:SourceAccount", "2" * 12), Code.KEY_OF_SERVICES, False),
        (
            {"Principal": "*"} | condition("StringEquals", "aws:SourceAccount", "2" * 12),
            Code.KEY_OF_SERVICES,
            False,
        ),
        (
            {"Principal": {"AWS": ROLE}} | condition("StringEquals", "aws:username", "app"),
            Code.USERNAME_OF_ROLES,
            True,
        ),
        (
            {"Principal": {"AWS": ROLE}} | condition("StringNotEquals", "aws:username", "app"),
            Code.USERNAME_OF_ROLES,
            False,
        ),
        (condition("StringEquals", "aws:username", "app"), Code.USERNAME_OF_ROLES, False),
    ],
)
def test_what_nobody_who_is_named_can_meet_is_a_finding(
    statement: Members, code: Code, is_found: bool
) -> None:
    assert (code in codes(statement)) == is_found


def test_every_code_has_its_section_with_name_and_severity() -> None:
    documented = {(code, name, severity.lower()) for code, name, severity, _ in SECTIONS}
    catalogue = {(code.value, code.name.lower().replace("_", "-"), SEVERITIES[code].value) for code in Code}
    assert documented == catalogue


@pytest.mark.parametrize(("code", "example"), [(code, example) for code, _, _, example in SECTIONS])
def test_the_example_of_each_section_has_its_finding(code: str, example: str) -> None:
    written = json.loads(example)
    statements = written if isinstance(written, list) else [written]
    version = None if "Version" in statements[0] else "2012-10-17"
    for statement in statements:
        statement.pop("Version", None)
    if code == Code.KEY_NOT_UNDERSTOOD.value:
        usual: Members = {"Effect": "Allow", "Action": "ses:SendRawEmail", "Resource": "*"}
        found = check_iam_policy(json.dumps({"Statement": [{**usual, **statements[0]}]}), now=NOW)
    else:
        found = check(*statements, version=version)
    assert code in {finding.code.value for finding in found}


def test_a_plain_policy_has_no_findings() -> None:
    assert check({}) == []
    assert check(condition("StringLike", "ses:FromAddress", "news-*@example.com")) == []
    assert check({"Action": "ses:Send*"}) == []
    assert check({"Effect": "Deny", "Principal": "*", "Action": "ses:*"}) == []


def test_findings_have_places_and_come_in_the_order_of_the_text() -> None:
    found = check(
        {"Principal": "*", **condition("StringLike", "ses:FromAddress", "*@example.com", "a@Example.com")},
        {"Action": "ses:SendEmail"},
    )
    assert [finding.path for finding in found] == [
        "/Statement/0/Principal",
        "/Statement/0/Condition/StringLike/ses:FromAddress/1",
        "/Statement/1/Action",
    ]
    lines = policy({}, {}).count("\n")
    assert 1 < found[0].line < found[1].line < found[2].line < lines + 10
    assert found[1].severity is Severity.WARNING


def test_an_exact_value_beside_a_pattern_is_no_finding() -> None:
    assert check(condition("StringLike", "ses:FromAddress", "*@example.com", "a@b.example.com")) == []


@pytest.mark.parametrize("effect", ["Allow", "Deny"])
@pytest.mark.parametrize("operator", ["StringLike", "StringNotLike", "ForAllValues:StringNotLike"])
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("ses:FromAddress", "ceo@example.com"),
        ("ses:FeedbackAddress", "bounces@example.com"),
        ("ses:Recipients", "ann@inside.test"),
        ("aws:PrincipalArn", ROLE),
        ("aws:PrincipalAccount", "222222222222"),
        ("ses:ApiVersion", "1"),
    ],
)
def test_a_value_that_is_whole_needs_no_wildcard(effect: str, operator: str, key: str, value: str) -> None:
    found = check({"Effect": effect, **condition(operator, key, value)})
    assert Code.LIKE_WITHOUT_WILDCARD not in {finding.code for finding in found}


@pytest.mark.parametrize(
    ("effect", "operator", "is_proposed"),
    [
        ("Allow", "StringLike", False),
        ("Allow", "StringNotLike", True),
        ("Deny", "StringLike", True),
        ("Deny", "StringNotLike", False),
    ],
)
@pytest.mark.parametrize(
    ("key", "value"), [("ses:FromDisplayName", "Bank"), ("ses:FromAddress", "example.com")]
)
def test_a_part_is_proposed_where_it_lets_nobody_in(
    effect: str, operator: str, is_proposed: bool, key: str, value: str
) -> None:
    found = check({"Effect": effect, **condition(operator, key, value)})
    [message] = [finding.message for finding in found if finding.code is Code.LIKE_WITHOUT_WILDCARD]
    assert (f"write `*{value}*` for a part" in message) is is_proposed


def test_a_refused_policy_has_one_finding_at_the_place_of_the_error() -> None:
    [finding] = check({"Action": "s3:GetObject"})
    assert finding.code is Code.REFUSED
    assert finding.path == "/Statement/0/Action"
    [finding] = check_iam_policy("{")
    assert (finding.code, finding.line) == (Code.REFUSED, 1)


def test_iam_policies_are_checked_without_an_identity() -> None:
    statement = {"Effect": "Allow", "Action": "ses:SendEmail", "Resource": "*"}
    found = check_iam_policy(json.dumps({"Statement": {**statement, "Condition": {"Bool": {"x:y": "true"}}}}))
    assert {finding.code for finding in found} == {Code.NO_RAW_FOR_SMTP}
    assert (
        check_iam_policy(json.dumps({"Statement": {**statement, "NotAction": "a:b", "Action": None}})) != []
    )
    denies = {"Effect": "Deny", "NotAction": "ses:SendEmail", "NotResource": "*"}
    assert check_iam_policy(json.dumps({"Statement": denies})) == []


def test_a_condition_on_who_asks_narrows_a_wildcard_principal() -> None:
    narrowed = {"Principal": "*", **condition("StringEquals", "aws:PrincipalOrgID", "o-1")}
    assert Code.WILDCARD_PRINCIPAL not in codes(narrowed)
    for operator, key, value in (
        ("StringNotEquals", "aws:PrincipalAccount", "333333333333"),
        ("StringLike", "aws:PrincipalArn", "*"),
        ("StringEqualsIfExists", "aws:PrincipalAccount", "222222222222"),
        ("Null", "aws:PrincipalAccount", "false"),
    ):
        assert Code.WILDCARD_PRINCIPAL in codes({"Principal": "*", **condition(operator, key, value)}), (
            operator
        )
    guarded: Members = {
        "Principal": {"Service": "cognito-idp.amazonaws.com"},
        **condition("StringEquals", "aws:SourceAccount", "111111111111"),
    }
    assert codes(guarded) == set()


def test_the_owners_users_may_manage_and_send() -> None:
    own: Members = {"Principal": {"AWS": "arn:aws:iam::111111111111:user/o"}, "Action": "ses:*"}
    assert codes(own) == set()
    assert codes({"Action": "ses:SendBounce"}) == set()


def test_windows_of_time() -> None:
    def window(start: str, end: str) -> Members:
        return {
            "Condition": {
                "DateGreaterThan": {"aws:CurrentTime": start},
                "DateLessThan": {"aws:CurrentTime": end},
                "DateNotEquals": {"aws:CurrentTime": "2026"},
            }
        }

    assert codes(window("2025", "2030")) == set()
    assert Code.EXPIRED in codes(window("2018", "2019"))
    assert Code.EXPIRED in codes(condition("NumericLessThan", "aws:EpochTime", "1577836800"))
    assert Code.EXPIRED not in codes(condition("NumericLessThan", "aws:EpochTime", "4102444800"))
    assert Code.EMPTY_WINDOW in codes(window("2031", "2030"))
    assert codes(condition("DateGreaterThan", "aws:CurrentTime", "2018")) == set()
    two: Members = {"Condition": {"DateLessThan": {"aws:CurrentTime": "2030", "aws:EpochTime": "2040"}}}
    assert codes(two) == set()
    assert check_identity_policy(policy(window("2018", "2019")), identity_arn=IDENTITY) == []


def test_dates_that_cannot_be_read_and_old_versions_without_variables() -> None:
    statement = {"Effect": "Allow", "Action": "ses:Send*", "Resource": "*"}
    unread = {**statement, "Condition": {"DateLessThan": {"aws:CurrentTime": "soon"}}}
    [finding] = check_iam_policy(json.dumps({"Statement": unread}), now=NOW)
    assert finding.code is Code.REFUSED
    assert check(condition("StringLike", "ses:FromAddress", "*@example.com"), version=None) == []


def test_an_allow_that_a_deny_only_narrows_is_not_shadowed() -> None:
    deny = {"Effect": "Deny", "Principal": "*", **condition("StringLike", "ses:FromAddress", "ceo@*")}
    assert check({}, deny) == []


def test_an_empty_set_is_closed_by_null() -> None:
    closed: Members = {
        "Condition": {
            "ForAllValues:StringLike": {"ses:Recipients": "*@example.com"},
            "Null": {"ses:Recipients": "false"},
        }
    }
    assert codes(closed) == set()


def test_addresses_are_checked_against_the_identity() -> None:
    def outside(pattern: str, identity: str) -> bool:
        arn = IDENTITY.replace("example.com", identity)
        return Code.OUTSIDE_IDENTITY in codes(
            condition("StringLike", "ses:FromAddress", pattern), identity=arn
        )

    assert not outside("a@example.com", "example.com")
    assert not outside("*@mail.example.com", "example.com")
    assert not outside("*", "example.com")
    assert not outside("*ple.com", "example.com")
    assert outside("*@notexample.com", "example.com")
    assert outside("*@com", "example.com")
    assert not outside("a@example.com", "a@example.com")
    assert not outside("a+x@example.com", "a@example.com")
    assert not outside("*@example.com", "a@example.com")
    assert outside("b*@example.com", "a@example.com")
    assert not outside("${aws:username}@example.org", "example.com")
    assert Code.OUTSIDE_IDENTITY not in codes(condition("StringNotLike", "ses:FromAddress", "*@x.org"))


def test_a_question_too_large_about_addresses_finds_nothing() -> None:
    bomb = "*a" + "?" * 30 + "*b" + "?" * 30 + "@*.example.com"
    assert Code.OUTSIDE_IDENTITY not in codes(condition("StringLike", "ses:FromAddress", bomb))


def test_operators_that_go_with_a_key_are_not_named() -> None:
    fitting = (
        ("StringEquals", "aws:SourceArn", "arn:aws:iam::1:user/x"),
        ("ArnLike", "aws:SourceArn", "arn:aws:iam::1:user/*"),
        ("DateLessThan", "aws:EpochTime", "2040"),
        ("NumericGreaterThan", "aws:EpochTime", "1"),
        ("Null", "ses:TenantName", "true"),
        ("StringEquals", "ses:ApiVersion", "${ses:TenantName}"),
    )
    for operator, key, value in fitting:
        assert Code.WRONG_OPERATOR_FOR_KEY not in codes(condition(operator, key, value)), operator
    assert Code.WRONG_OPERATOR_FOR_KEY in codes(condition("ArnLike", "aws:SourceIp", "*"))
    assert Code.WRONG_OPERATOR_FOR_KEY in codes(condition("IpAddress", "ses:TenantName", "10.0.0.0/8"))


def test_negated_and_folded_equals_name_the_operator_that_takes_wildcards() -> None:
    [finding] = check(condition("StringNotEqualsIgnoreCase", "ses:FromDisplayName", "a*"))
    assert "write StringNotLike for wildcards" in finding.message
    assert codes(condition("StringEqualsIgnoreCase", "ses:FromAddress", "A@EXAMPLE.COM")) == set()


def test_keys_never_sent_say_whether_the_condition_holds() -> None:
    [finding] = check(condition("StringEquals", "aws:SourceVpc", "x"))
    assert finding.message.endswith("so the condition never holds")
    [finding] = check(condition("StringNotEquals", "aws:SourceVpc", "x"))
    assert finding.message.endswith("so the condition always holds")


@pytest.mark.parametrize("key", ["ses:FromAddress", "ses:FeedbackAddress", "ses:Recipients"])
@pytest.mark.parametrize(
    ("effect", "operator", "value", "passes"),
    [
        ("Deny", "StringEquals", "ceo@example.com", True),
        ("Deny", "StringLike", "ceo*@example.com", False),
        ("Allow", "StringNotEquals", "ceo@example.com", True),
        ("Deny", "StringEqualsIgnoreCase", "ceo@example.com", False),
        ("Deny", "StringNotEquals", "ceo@example.com", False),
        ("Allow", "StringEquals", "ceo@example.com", False),
        ("Allow", "StringNotEqualsIgnoreCase", "ceo@example.com", False),
    ],
)
def test_an_address_that_is_kept_out_by_its_letters_is_found(
    key: str, effect: str, operator: str, value: str, passes: bool
) -> None:
    operator = f"ForAnyValue:{operator}" if key == "ses:Recipients" else operator
    found = [
        f for f in check({"Effect": effect, **condition(operator, key, value)}) if f.code.value == "SP206"
    ]
    assert bool(found) is passes
    if passes:
        assert "EqualsIgnoreCase" in found[0].message


@pytest.mark.parametrize("key", [None, "aws:SourceArn", "aws:sourceaccount"])
def test_a_role_that_a_service_may_assume_for_anybody_is_found(key: str | None) -> None:
    trust: Members = {
        "Effect": "Allow",
        "Principal": {"Service": "cognito-idp.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    if key is not None:
        trust["Condition"] = {"StringEquals": {key: "222222222222"}}
    found = check_trust_policy(json.dumps({"Version": "2012-10-17", "Statement": trust}))
    unguarded = key != "aws:sourceaccount"
    assert [finding.code for finding in found] == [Code.UNGUARDED_SERVICE] * unguarded
    trust["Principal"] = {"AWS": "222222222222"}
    assert check_trust_policy(json.dumps({"Version": "2012-10-17", "Statement": trust})) == []
    [refused] = check_trust_policy("{}")
    assert refused.code is Code.REFUSED


def test_a_limit_on_recipients_is_one_for_all_of_them() -> None:
    for effect, quantifier, operator, is_evaded in (
        ("Allow", "ForAnyValue", "StringLike", True),
        ("Allow", "ForAnyValue", "StringNotLike", True),
        ("Allow", "ForAllValues", "StringLike", False),
        ("Deny", "ForAllValues", "StringLike", True),
        ("Deny", "ForAllValues", "StringNotEquals", True),
        ("Deny", "ForAnyValue", "StringNotLike", False),
    ):
        members = {
            "Effect": effect,
            **condition(f"{quantifier}:{operator}", "ses:Recipients", "*@example.org"),
        }
        assert (Code.ONE_RECIPIENT_DECIDES in codes(members)) is is_evaded, members
