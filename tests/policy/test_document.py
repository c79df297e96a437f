"""The grammar, and what SES refuses to store."""

import json

import pytest

from sesame.errors import SesameError
from sesame.policy import (
    PolicyError,
    parse_iam_policy,
    parse_identity_policy,
    parse_stored_iam_policy,
    parse_stored_identity_policy,
)
from sesame.policy.language.document import Effect, Principal
from sesame.policy.language.put import parse_resource_policy
from sesame.policy.language.source import Json
from sesame.policy.language.vocabulary import Family, Quantifier, find_key, is_unknown_key, read_operator

IDENTITY = "arn:aws:ses:us-east-1:111111111111:identity/example.com"
Members = dict[str, Json]


def identity_policy(**changes: Json) -> str:
    """A policy that SES would store, with elements replaced, or removed by None."""
    statement: Members = {
        "Effect": "Allow",
        "Principal": {"AWS": "222222222222"},
        "Action": "ses:SendRawEmail",
        "Resource": IDENTITY,
        **changes,
    }
    kept = {name: value for name, value in statement.items() if value is not None}
    return json.dumps({"Version": "2012-10-17", "Statement": [kept]})


def refused(text: str) -> PolicyError:
    with pytest.raises(PolicyError) as caught:
        parse_identity_policy(text, identity_arn=IDENTITY)
    return caught.value


def test_a_policy_is_read_whole() -> None:
    text = json.dumps(
        {
            "Statement": {
                "Condition": {"ForAllValues:StringLikeIfExists": {"ses:Recipients": ["*@a.org", 1, True]}},
                "Principal": {"AWS": ["222222222222", "*"], "Service": "cognito-idp.amazonaws.com"},
                "Resource": [IDENTITY],
                "Action": ["ses:Send*"],
                "Effect": "Deny",
                "Sid": "S",
            },
            "Id": "X",
        }
    )
    policy = parse_identity_policy(text, identity_arn=IDENTITY)
    assert (policy.id, policy.version, policy.text) == ("X", "2008-10-17", text)
    assert not policy.has_variables
    [statement] = policy.statements
    assert statement.effect is Effect.DENY
    assert statement.sid == "S"
    assert statement.principals == (
        Principal(kind="AWS", value="222222222222"),
        Principal(kind="AWS", value="*"),
        Principal(kind="Service", value="cognito-idp.amazonaws.com"),
    )
    [condition] = statement.conditions
    assert condition.values == ("*@a.org", "1", "true")
    assert condition.operator.quantifier is Quantifier.FOR_ALL
    assert condition.operator.if_exists


@pytest.mark.parametrize(
    ("changes", "path", "said"),
    [
        ({"Effect": "allow"}, "/Statement/0/Effect", "`Allow` or `Deny`"),
        ({"Effect": None}, "/Statement/0", "there is no Effect"),
        ({"Action": None}, "/Statement/0", "there is no Action"),
        ({"Action": []}, "/Statement/0/Action", "the list is empty"),
        ({"Action": 5}, "/Statement/0/Action", "a string belongs here"),
        ({"Action": ["ses:SendEmail", "s3:GetObject"]}, "/Statement/0/Action/1", "no action on an identity"),
        ({"Action": "SendEmail"}, "/Statement/0/Action", "names no service"),
        ({"Action": "s*:SendEmail"}, "/Statement/0/Action", "names no service"),
        ({"NotAction": "ses:SendEmail"}, "/Statement/0/NotAction", "exclude each other"),
        ({"NotAction": "ses:SendEmail", "Action": None}, "/Statement/0/NotAction", "has no NotAction"),
        ({"NotResource": "*", "Resource": None}, "/Statement/0/NotResource", "has no NotResource"),
        ({"NotPrincipal": "*", "Principal": None}, "/Statement/0/NotPrincipal", "has no NotPrincipal"),
        ({"Resource": "*"}, "/Statement/0/Resource", "the resource is the identity itself"),
        ({"Resource": [IDENTITY, IDENTITY]}, "/Statement/0/Resource", "the resource is the identity itself"),
        ({"Efect": "Deny"}, "/Statement/0/Efect", "unknown in a statement"),
        ({"Sid": 1}, "/Statement/0/Sid", "a string belongs here"),
        ({"Principal": None}, "/Statement/0", "there is no Principal"),
        ({"Principal": "222222222222"}, "/Statement/0/Principal", "an object such as"),
        ({"Principal": {}}, "/Statement/0/Principal", "there is no principal"),
        ({"Principal": {"aws": "*"}}, "/Statement/0/Principal/aws", "principal type `aws` is unknown"),
        (
            {"Principal": {"AWS": "arn:aws:iam::222222222222:user/*"}},
            "/Statement/0/Principal",
            "invalid principal",
        ),
        ({"Principal": {"AWS": "nobody"}}, "/Statement/0/Principal", "invalid principal"),
        ({"Principal": {"Federated": "x.org"}}, "/Statement/0/Principal", "invalid principal"),
        ({"Principal": {"Service": "*"}}, "/Statement/0/Principal", "invalid principal"),
        ({"Condition": []}, "/Statement/0/Condition", "an object"),
        ({"Condition": {"Bool": {}}}, "/Statement/0/Condition/Bool", "is about no key"),
    ],
)
def test_put_refuses_and_names_the_place(changes: Members, path: str, said: str) -> None:
    error = refused(identity_policy(**changes))
    assert (error.path, said in error.message) == (path, True), error.message
    assert isinstance(error, SesameError)


@pytest.mark.parametrize(
    ("operator", "key", "value", "said"),
    [
        ("StringLik", "ses:FromAddress", "x", "operator `StringLik` is unknown"),
        ("NullIfExists", "ses:FromAddress", "true", "is unknown"),
        ("ForAllValues:Null", "ses:FromAddress", "true", "is unknown"),
        ("DateLessThan", "aws:CurrentTime", "2026-13-01", "`2026-13-01` is not a date for DateLessThan"),
        ("DateLessThan", "aws:CurrentTime", "1780315200000", "is not a date"),
        ("IpAddress", "aws:SourceIp", ["10.0.0.0/8", "10.0.0.0/33"], "`10.0.0.0/33` is not an IP range"),
        ("NumericEquals", "aws:MultiFactorAuthAge", "ten", "is not a number"),
        ("Bool", "aws:SecureTransport", "yes", "is not a boolean"),
        ("Null", "ses:FromAddress", "maybe", "is not true or false"),
        ("BinaryEquals", "ses:TenantName", "!", "is not base64"),
        ("ArnLike", "aws:SourceArn", "arn:aws:iam::1", "is not an ARN"),
        ("StringEquals", "ses:FromAddress", "${", "is not a string"),
        ("StringLike", "ses:FromAddress", "${}", "is not a string"),
        ("StringLike", "ses:FromAddress", None, "a string, number or boolean"),
        ("StringLike", "ses:FromAddress", [], "the list is empty"),
        ("StringLike", "ses:FromAddress", {"a": "b"}, "a string, number or boolean"),
    ],
)
def test_put_refuses_conditions_that_cannot_be_read(operator: str, key: str, value: Json, said: str) -> None:
    error = refused(identity_policy(Condition={operator: {key: value}}))
    assert said in error.message
    assert error.path.startswith(f"/Statement/0/Condition/{operator}")


@pytest.mark.parametrize(
    "key", ["AWS:SourceAccount", "ses:FromAdress", "s3:prefix", "aws:PrincipalTag/", "x"]
)
def test_put_answers_an_unknown_key_with_the_text_of_ses(key: str) -> None:
    error = refused(identity_policy(Condition={"StringEquals": {key: "x"}}))
    assert error.message == f"Unknown or unapplicable condition field '{key}'."
    assert error.path == "/Statement/0/Condition/StringEquals/" + key.replace("/", "~1")
    assert error.column > 1


def test_put_accepts_sound_conditions_of_every_family() -> None:
    conditions: Members = {
        "StringLike": {"ses:FromAddress": ["*@example.com", "${aws:username}@example.com"]},
        "ArnLike": {"aws:SourceArn": "arn:aws:iam::*:user/${aws:username}", "aws:PrincipalArn": "*"},
        "DateLessThan": {"aws:CurrentTime": "2031-08-31T12:00Z", "aws:EpochTime": "1780315200"},
        "NotIpAddress": {"aws:SourceIp": ["10.0.0.0/8", "2001:db8::/32"]},
        "Bool": {"aws:SecureTransport": True},
        "Null": {"ses:FromDisplayName": "false"},
        "NumericLessThan": {"aws:MultiFactorAuthAge": "300"},
        "StringEquals": {"aws:PrincipalTag/team": "x", "ses:TenantName": "*"},
        "ForAllValues:StringLike": {"ses:Recipients": "*@example.com"},
    }
    parse_identity_policy(identity_policy(Condition=conditions), identity_arn=IDENTITY)


def test_put_refuses_more_than_4096_bytes_as_submitted() -> None:
    text = identity_policy()
    padded = text + " " * (4096 - len(text))
    parse_identity_policy(padded, identity_arn=IDENTITY)
    assert "longer than 4096 bytes" in refused(padded + " ").message


def test_documents_that_are_no_policy() -> None:
    for text, said in (
        ("[]", "an object"),
        ('{"Statement": "x"}', "an object"),
        ('{"Statement": []}', "there is no statement"),
        ("{}", "there is no Statement"),
        ('{"Statement": [], "Nested": 1}', "element `Nested` is unknown"),
        ('{"Version": "2012-10-18", "Statement": ' + "[%s]}", "version `2012-10-18` is unknown"),
        ('{"Version": 2012, "Statement": ' + "[%s]}", "a string belongs here"),
        ('{"Id": {}, "Statement": ' + "[%s]}", "a string belongs here"),
    ):
        statement = json.dumps(json.loads(identity_policy())["Statement"][0])
        assert said in refused(text.replace("%s", statement)).message


def test_sids_are_unique_and_keys_ignore_case() -> None:
    statement = json.loads(identity_policy(Sid="A"))["Statement"][0]
    assert "used twice" in refused(json.dumps({"Statement": [statement, statement]})).message
    empty = {**statement, "Sid": ""}
    parse_identity_policy(json.dumps({"Statement": [empty, empty]}), identity_arn=IDENTITY)
    keys = {"StringLike": {"ses:FromAddress": "a", "SES:FROMADDRESS": "b"}}
    assert "given twice" in refused(identity_policy(Condition=keys)).message  # type: ignore[arg-type]


def test_errors_in_a_statement_that_stands_alone_have_its_path() -> None:
    statement = json.loads(identity_policy(Resource="*"))["Statement"][0]
    assert refused(json.dumps({"Statement": statement})).path == "/Statement/Resource"


def test_iam_policies_have_no_principal() -> None:
    text = identity_policy()
    with pytest.raises(PolicyError, match="an IAM policy has no Principal"):
        parse_iam_policy(text)
    bare = identity_policy(Principal=None)
    assert parse_iam_policy(bare).statements[0].principals is None
    with pytest.raises(PolicyError, match="an IAM policy has no NotPrincipal"):
        parse_stored_iam_policy(identity_policy(Principal=None, NotPrincipal="*"))


def test_iam_policies_have_quotas() -> None:
    many: Json = [f"ses:Send{n:06}" for n in range(1000)]
    with pytest.raises(PolicyError, match="longer than 10240 characters"):
        parse_iam_policy(identity_policy(Principal=None, Action=many))
    with pytest.raises(PolicyError, match="longer than 131072 bytes"):
        parse_iam_policy(" " * 131_073)
    with pytest.raises(PolicyError, match="longer than 32768 bytes"):
        parse_stored_identity_policy(" " * 32_769)


def test_stored_policies_need_only_be_grammatical() -> None:
    text = json.dumps(
        {
            "Version": "2099-01-01",
            "Statement": {
                "Effect": "Allow",
                "NotPrincipal": {"Federated": "x"},
                "NotAction": "*:*",
                "NotResource": "arn:aws:*:x",
                "Condition": {"Foo": {"bar": "${"}},
            },
        }
    )
    policy = parse_stored_identity_policy(text)
    assert not policy.is_understood
    assert policy.statements[0].not_actions
    assert parse_stored_iam_policy('{"Statement": []}').statements == ()


def test_a_resource_policy_may_have_not_elements_but_no_wildcard_service() -> None:
    text = identity_policy(
        Effect="Deny", Principal=None, NotPrincipal={"AWS": "222222222222"}, Action=None, NotAction="s3:*"
    )
    parse_resource_policy(text)
    with pytest.raises(PolicyError, match="NotPrincipal goes with Deny only"):
        parse_resource_policy(identity_policy(Principal=None, NotPrincipal="*"))
    with pytest.raises(PolicyError, match="service part"):
        parse_resource_policy(identity_policy(Resource=None, NotResource=["*", "arn:aws:*:x"]))
    with pytest.raises(PolicyError, match="begins no variable"):
        parse_resource_policy(identity_policy(Resource="arn:aws:ses:us-east-1:1:identity/${"))


def test_operators_are_read_in_any_case() -> None:
    operator = read_operator("forallvalues:stringnotlikeifexists")
    assert operator.comparison.name == "StringNotLike"
    assert operator.quantifier is Quantifier.FOR_ALL
    assert operator.if_exists
    assert read_operator("ForAllValues:ForAnyValue:StringLike").is_known is False
    assert read_operator("IfExists").is_known is False


def test_keys_are_known_in_any_case_and_other_services_are_not_judged() -> None:
    key = find_key("SES:recipients")
    assert key is not None
    assert key.is_list
    assert key.family is Family.STRING
    assert find_key("aws:ResourceTag/x") is not None
    assert is_unknown_key("SES:FromAdress")
    assert is_unknown_key("aws:PrincipalTag/")
    assert not is_unknown_key("s3:prefix")
