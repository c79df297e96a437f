"""Forms: how a request is split, which operation it calls, what is refused and in which words."""

from typing import Any
from urllib.parse import urlencode

import pytest

from sesame.aws import query
from sesame.aws.errors import InvalidAction, MalformedInput, MalformedQueryString, MissingAction
from sesame.aws.model import ServiceModel
from sesame.aws.request import HttpRequest
from sesame.errors import NotImplementedByService, ServiceError, ValidationError

SES, IAM = ServiceModel.load("ses"), ServiceModel.load("iam")
FORM_TYPE = b"application/x-www-form-urlencoded"


def post(body: bytes, *, content_type: bytes = FORM_TYPE, query_: bytes = b"") -> HttpRequest:
    return HttpRequest("POST", b"/", query_, [(b"content-type", content_type)], body)


def get(query_: bytes, *, body: bytes = b"") -> HttpRequest:
    return HttpRequest("GET", b"/", query_, [], body)


def parsed(service: ServiceModel, action: str, **fields: str) -> dict[str, Any]:
    """The parameters of a call whose fields are given with `__` for the dots."""
    pairs = {name.replace("__", "."): value for name, value in fields.items()}
    form = query.read_action(post(urlencode({"Action": action, **pairs}).encode()))
    return query.find_operation(service, form).parse(form.fields)


def refusal(service: ServiceModel, action: str, **fields: str) -> str:
    with pytest.raises(ValidationError) as refused:
        parsed(service, action, **fields)
    return refused.value.message


def test_a_post_is_read_from_its_body() -> None:
    form = query.read_action(post(b"Action=GetSendQuota&Version=2010-12-01&A=b+c%2B%C3%A9&D="))
    assert (form.action, form.version, form.fields) == ("GetSendQuota", "2010-12-01", {"A": "b c+é", "D": ""})


def test_a_get_is_read_from_its_query() -> None:
    assert query.read_action(get(b"Action=GetSendQuota")).action == "GetSendQuota"


def test_a_post_without_body_is_read_from_its_query() -> None:
    assert query.read_action(post(b"", query_=b"Action=GetSendQuota")).action == "GetSendQuota"


def test_text_beyond_ascii_may_come_unescaped() -> None:
    assert query.read_action(post("Action=A&B=é%C3%A9".encode())).fields == {"B": "éé"}


@pytest.mark.parametrize(
    "content_type",
    [
        FORM_TYPE,
        FORM_TYPE + b"; charset=utf-8",
        FORM_TYPE + b";charset=UTF-8",
        FORM_TYPE + b'; charset="utf8"',
        b"Application/X-WWW-Form-Urlencoded ",
    ],
)
def test_a_form_may_say_that_it_is_utf_8(content_type: bytes) -> None:
    assert query.read_action(post(b"Action=A", content_type=content_type)).action == "A"


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        (post(b""), MissingAction),
        (post(b"Version=2010-12-01"), MissingAction),
        (post(b"Action="), MissingAction),
        (post(b"action=GetSendQuota"), MissingAction),
        (get(b""), MissingAction),
        (post(b"Action=A&Action=A"), MalformedQueryString),
        (post(b"Action=A&%41ction=B"), MalformedQueryString),
        (post(b"Action=A&B=1&B=1"), MalformedQueryString),
        (post(b"Action=A", query_=b"Action=B"), MalformedQueryString),
        (post(b"Action=A", query_=b"B=1"), MalformedQueryString),
        (get(b"Action=A", body=b"B=1"), MalformedQueryString),
        (post(b"Action=A&B=\xff"), MalformedQueryString),
        (post(b"Action=A&B=%FF"), MalformedQueryString),
        (post(b"Action=A&B=%ED%A0%80"), MalformedQueryString),
        (post(b"Action=A&B=%"), MalformedQueryString),
        (post(b"Action=A&B=%4"), MalformedQueryString),
        (post(b"Action=A&B=%4G"), MalformedQueryString),
        (post(b"Action=A&B=%+1"), MalformedQueryString),
        (post(b"Action=A&B=\x00"), MalformedQueryString),
        (post(b"Action=A&B=%00"), MalformedQueryString),
        (post(b"Action=A&%00=B"), MalformedQueryString),
        (post(b"Action=A", content_type=b"application/json"), MalformedQueryString),
        (post(b"Action=A", content_type=FORM_TYPE + b"; charset=latin-1"), MalformedQueryString),
        (post(b"Action=A&" + b"&".join(b"a%d=" % i for i in range(10_000))), MalformedQueryString),
        (HttpRequest("PUT", b"/", b"", [], b"Action=A"), InvalidAction),
        (HttpRequest("get", b"/", b"Action=A", [], b""), InvalidAction),
    ],
)
def test_what_is_not_one_clear_form_is_refused(request_: HttpRequest, error: type[ServiceError]) -> None:
    with pytest.raises(error) as refused:
        query.read_action(request_)
    assert refused.value.http_status == 400


def form(action: str, version: str | None = None) -> query.Form:
    return query.Form(action=action, version=version, fields={})


def test_an_operation_is_found_with_its_version_or_without() -> None:
    operation = SES.operations["GetSendQuota"]
    assert query.find_operation(SES, form("GetSendQuota")) is operation
    assert query.find_operation(SES, form("GetSendQuota", "2010-12-01")) is operation


@pytest.mark.parametrize(
    ("action", "version", "text"),
    [
        ("Nonsense", "2010-12-01", "Could not find operation Nonsense for version 2010-12-01"),
        ("Nonsense", None, "Could not find operation Nonsense for version 2010-12-01"),
        ("GetSendQuota", "2099-01-01", "Could not find operation GetSendQuota for version 2099-01-01"),
        ("getsendquota", None, "Could not find operation getsendquota for version 2010-12-01"),
    ],
)
def test_an_unknown_operation_is_an_invalid_action(action: str, version: str | None, text: str) -> None:
    with pytest.raises(InvalidAction) as refused:
        query.find_operation(SES, form(action, version))
    assert (refused.value.message, refused.value.http_status) == (text, 400)


def test_a_known_operation_that_is_not_served_says_so_by_name() -> None:
    assert SES.is_known_operation("CreateReceiptRule") and "CreateReceiptRule" not in SES.operations
    with pytest.raises(NotImplementedByService, match="CreateReceiptRule"):
        query.find_operation(SES, form("CreateReceiptRule"))


def test_gaps_in_a_list_close_up_in_the_order_of_the_numbers() -> None:
    found = parsed(SES, "GetIdentityDkimAttributes", Identities__member__10="c", Identities__member__9="b",
                   Identities__member__2="a")  # fmt: skip
    assert found == {"Identities": ["a", "b", "c"]}


def test_the_number_of_an_element_may_be_large() -> None:
    name = "Identities__member__999999999"
    assert parsed(SES, "GetIdentityDkimAttributes", **{name: "a"}) == {"Identities": ["a"]}


@pytest.mark.parametrize("index", ["0", "01", "-1", "x", "", "1x", "9999999999", "²", "٣"])
def test_other_numbers_do_not_name_an_element(index: str) -> None:
    with pytest.raises(MalformedInput, match="does not name an element"):
        parsed(SES, "GetIdentityDkimAttributes", **{f"Identities__member__{index}": "a"})


def test_an_empty_list_is_written_as_an_empty_text() -> None:
    assert parsed(SES, "GetIdentityDkimAttributes", Identities="") == {"Identities": []}


def test_an_empty_structure_is_written_as_an_empty_text() -> None:
    found = parsed(
        SES, "SendEmail", Source="a@x", Destination="", Message__Subject__Data="s", Message__Body=""
    )
    assert found == {"Source": "a@x", "Destination": {}, "Message": {"Subject": {"Data": "s"}, "Body": {}}}


def test_what_signatures_put_among_the_parameters_is_no_parameter() -> None:
    assert parsed(SES, "GetSendQuota", SignatureVersion="4", AWSAccessKeyId="a", Timestamp="t") == {}
    assert parsed(SES, "GetSendQuota", **{"X-Amz-Algorithm": "a", "X-Amz-Signature": "b"}) == {}


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"Source": "a"}, "Source"),
        ({"Nonsense__member__1": "c"}, "Nonsense.member.1"),
        ({"Tags__member__1__Name": "b"}, "Tags.member.1.Name"),
    ],
)
def test_parameters_of_a_newer_model_are_refused_by_name(fields: dict[str, str], name: str) -> None:
    with pytest.raises(NotImplementedByService, match=f"The parameter {name} is not implemented"):
        parsed(SES, "GetSendQuota", **fields)


def test_members_of_a_newer_model_are_refused_by_name_where_they_are() -> None:
    usual = {"Source": "a@x", "Message__Subject__Data": "s", "Message__Body__Text__Data": "t"}
    for name in ("Destination__Nonsense", "Message__Body__Amp__Data", "Tags__member__1__Nonsense"):
        with pytest.raises(NotImplementedByService, match="is not implemented"):
            parsed(SES, "SendEmail", **usual, **{name: "1"})


@pytest.mark.parametrize(
    "fields",
    [
        {"Source__member__1": "a"},
        {"Source": "a", "Source__x": "b"},
        {"Destinations": "a@b"},
        {"Destinations__1": "a@b"},
        {"Destinations__member": "a@b"},
        {"Destinations__entry__1": "a@b"},
        {"Destinations__member__1__x": "a@b"},
        {"Destinations__member__1": "a@b", "Destinations": ""},
        {"RawMessage": "a"},
        {"RawMessage__Data__x": "a"},
        {"Tags__member__1": "a"},
        {"Tags__member__1__Name__x": "a"},
        {"": "a"},
    ],
)
def test_known_parameters_of_the_wrong_type_are_refused_not_ignored(fields: dict[str, str]) -> None:
    with pytest.raises(MalformedInput) as refused:
        parsed(SES, "SendRawEmail", **{"RawMessage__Data": "YQ==", **fields})
    assert refused.value.http_status == 400


@pytest.mark.parametrize("data", ["YQ", "YQ=", "Y Q=x", "@@@@", "YQ==YQ==", "=", "YQ===", "é"])
def test_bad_base64_is_refused(data: str) -> None:
    with pytest.raises(MalformedInput, match=r"Value at 'RawMessage\.Data' is not a valid blob"):
        parsed(SES, "SendRawEmail", RawMessage__Data=data)


def test_base64_may_be_folded() -> None:
    assert parsed(SES, "SendRawEmail", RawMessage__Data="aGVs\nbG8=\r\n") == {
        "RawMessage": {"Data": b"hello"}
    }


@pytest.mark.parametrize("text", ["", "1.0", "1e3", "0x10", " 1", "1 ", "+1", "2147483648", "9" * 5000, "١"])
def test_what_is_no_integer_is_refused(text: str) -> None:
    with pytest.raises(MalformedInput, match="'MaxItems' is not a valid integer"):
        parsed(SES, "ListIdentities", MaxItems=text)


@pytest.mark.parametrize("text", ["", "True", "1", "yes", "true "])
def test_what_is_no_boolean_is_refused(text: str) -> None:
    with pytest.raises(MalformedInput, match="'Enabled' is not a valid boolean"):
        parsed(SES, "UpdateAccountSendingEnabled", Enabled=text)


def test_a_violation_is_worded_as_aws_does() -> None:
    assert refusal(SES, "PutIdentityPolicy", Identity="a.b", Policy="{}", PolicyName="p" * 65) == (
        "1 validation error detected: Value at 'policyName' failed to satisfy constraint: "
        "Member must have length less than or equal to 64"
    )


def test_several_violations_are_told_at_once() -> None:
    assert refusal(SES, "PutIdentityPolicy", PolicyName="p" * 65, Policy="") == (
        "3 validation errors detected: "
        "Value at 'identity' failed to satisfy constraint: Member must not be null; "
        "Value at 'policyName' failed to satisfy constraint: Member must have length less than or equal to 64; "
        "Value at 'policy' failed to satisfy constraint: Member must have length greater than or equal to 1"
    )


def test_a_blank_policy_name_is_left_to_the_operation_to_answer() -> None:
    found = parsed(SES, "PutIdentityPolicy", Identity="a.b", Policy="{}", PolicyName="")
    assert found["PolicyName"] == ""


@pytest.mark.parametrize(
    ("service", "action", "fields", "violation"),
    [
        (SES, "SendRawEmail", {}, "'rawMessage' failed to satisfy constraint: Member must not be null"),
        (
            SES,
            "SendRawEmail",
            {"RawMessage__Data": "", "Tags__member__3__Name": "n"},
            "'tags.1.member.value' failed to satisfy constraint: Member must not be null",
        ),
        (
            SES,
            "SendEmail",
            {"Source": "a", "Destination": "", "Message__Subject__Charset": "x", "Message__Body": ""},
            "'message.subject.data' failed to satisfy constraint: Member must not be null",
        ),
        (
            SES,
            "ListIdentities",
            {"IdentityType": "Adress"},
            "'identityType' failed to satisfy constraint: Member must satisfy enum value set: [Domain, EmailAddress]",
        ),
        (
            SES,
            "GetIdentityPolicies",
            {"Identity": "a", "PolicyNames__member__1": "p" * 65},
            "'policyNames' failed to satisfy constraint: Member must satisfy constraint: "
            "[Member must have length less than or equal to 64]",
        ),
    ],
)
def test_each_kind_of_constraint(
    service: ServiceModel, action: str, fields: dict[str, str], violation: str
) -> None:
    assert refusal(service, action, **fields) == f"1 validation error detected: Value at {violation}"


@pytest.mark.parametrize(
    ("fields", "violation"),
    [
        (
            {"MaxItems": "1001"},
            "'1001' at 'maxItems' failed to satisfy constraint: Member must have value less",
        ),
        ({"MaxItems": "0"}, "'0' at 'maxItems' failed to satisfy constraint: Member must have value greater"),
    ],
)
def test_iam_says_which_value_is_wrong(fields: dict[str, str], violation: str) -> None:
    assert refusal(IAM, "ListUsers", **fields).startswith(f"1 validation error detected: Value {violation}")


@pytest.mark.parametrize("name", ["a b", "é"])
def test_iam_has_its_own_words_for_names(name: str) -> None:
    said = refusal(IAM, "CreateUser", UserName=name)
    assert said.startswith("The specified value for userName is invalid. It must contain only alphanumeric")


def test_a_list_that_is_too_long_is_refused() -> None:
    tags = {f"Tags__member__{n}__{part}": "x" for n in range(1, 52) for part in ("Key", "Value")}
    assert refusal(IAM, "CreateUser", UserName="a", **tags) == (
        "1 validation error detected: Value at 'tags' failed to satisfy constraint: "
        "Member must have length less than or equal to 50"
    )


def test_tags_of_users_may_hold_letters_of_any_script() -> None:
    tag = {"Tags__member__1__Key": "prénom 名", "Tags__member__1__Value": "٣+=@/:-_."}
    assert parsed(IAM, "CreateUser", UserName="a", **tag)["Tags"] == [
        {"Key": "prénom 名", "Value": "٣+=@/:-_."}
    ]
    with pytest.raises(ValidationError, match=r"tags\.1\.member\.key"):
        parsed(IAM, "CreateUser", UserName="a", Tags__member__1__Key="a!", Tags__member__1__Value="")


def test_a_reply_without_result_has_no_result_element() -> None:
    operation = SES.operations["UpdateAccountSendingEnabled"]
    assert query.serialise(operation, {}, request_id="id") == (
        b'<UpdateAccountSendingEnabledResponse xmlns="http://ses.amazonaws.com/doc/2010-12-01/">'
        b"<ResponseMetadata><RequestId>id</RequestId></ResponseMetadata></UpdateAccountSendingEnabledResponse>"
    )


def test_a_reply_is_wrapped_and_escaped() -> None:
    operation = SES.operations["SendEmail"]
    assert (
        query.serialise(operation, {"MessageId": "<&>\r\x00\ud800"}, request_id="id")
        == (
            '<SendEmailResponse xmlns="http://ses.amazonaws.com/doc/2010-12-01/"><SendEmailResult>'
            "<MessageId>&lt;&amp;&gt;&#13;\ufffd\ufffd</MessageId></SendEmailResult>"
            "<ResponseMetadata><RequestId>id</RequestId></ResponseMetadata></SendEmailResponse>"
        ).encode()
    )


def test_a_reply_that_lacks_a_required_member_is_our_error() -> None:
    with pytest.raises(KeyError, match="MessageId"):
        query.serialise(SES.operations["SendEmail"], {}, request_id="id")


def test_only_operations_that_change_nothing_are_reads() -> None:
    """A presigned link, which others may come by, calls these and no others."""
    reads = {name for name, operation in SES.operations.items() if operation.is_read}
    assert reads == {
        "DescribeConfigurationSet",
        "GetAccountSendingEnabled",
        "GetCustomVerificationEmailTemplate",
        "GetIdentityDkimAttributes",
        "GetIdentityMailFromDomainAttributes",
        "GetIdentityNotificationAttributes",
        "GetIdentityPolicies",
        "GetIdentityVerificationAttributes",
        "GetSendQuota",
        "GetSendStatistics",
        "GetTemplate",
        "ListConfigurationSets",
        "ListCustomVerificationEmailTemplates",
        "ListIdentities",
        "ListIdentityPolicies",
        "ListTemplates",
        "ListVerifiedEmailAddresses",
    }
