"""Every operation of the SES API v2 against botocore: what its clients send we read, what we answer they read."""

import json
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sesame.aws import errors
from sesame.aws.codec import Reply, RequestedOperation
from sesame.aws.errors import SerializationException
from sesame.aws.model import ServiceModel
from sesame.aws.request import HttpRequest
from sesame.aws.rest_errors import V2_CODES, v2_code, v2_status
from sesame.aws.rest_json import RestJsonCodec
from sesame.errors import (
    DailyQuotaExceeded,
    InternalFailure,
    MessageRejected,
    NotImplementedByService,
    ServiceError,
    Throttling,
)
from tests.aws.botocore_side import botocore_model, read_reply, request_for, values
from tests.support.botocore_terms import from_botocore
from tools.extract_models import extract

WHOLE = ServiceModel.compile("sesv2", extract("sesv2", whole=True))
CODEC = RestJsonCodec(WHOLE)
FEW = settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)


def whole_seconds(value: Any, shape: Any) -> Any:
    """`value` with its times without fractions, which is how botocore writes them."""
    match shape.type_name:
        case "structure":
            return {name: whole_seconds(item, shape.members[name]) for name, item in value.items()}
        case "list":
            return [whole_seconds(item, shape.member) for item in value]
        case "map":
            return {key: whole_seconds(item, shape.value) for key, item in value.items()}
        case "timestamp":
            return int(value)
        case _:
            return value


def can_be_sent(parameters: dict[str, Any], shape: Any) -> bool:
    """Labels are not empty and no dot segments; a list in the query string without values is not there."""
    for name, member in shape.members.items():
        place = member.serialization.get("location")
        if place == "uri" and parameters.get(name) in ("", ".", ".."):
            return False
        if place == "querystring" and parameters.get(name) == []:
            return False
    return True


def headers_of(reply: Reply) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in reply.headers}


def parsed(requested: RequestedOperation) -> dict[str, Any]:
    assert requested.operation is not None, requested.problem
    return requested.operation.parse(requested.input)


@pytest.mark.parametrize("name", sorted(WHOLE.operations))
def test_what_botocore_writes_is_read_back_equal(name: str) -> None:
    shape = botocore_model("sesv2").operation_model(name).input_shape

    @FEW
    @given(values(shape).filter(lambda parameters: can_be_sent(parameters, shape)))
    def check(parameters: dict[str, Any]) -> None:
        sent = whole_seconds(parameters, shape)
        requested = CODEC.requested_operation(request_for("sesv2", name, sent))
        assert requested.name == name
        assert parsed(requested) == sent

    check()


@pytest.mark.parametrize("name", sorted(WHOLE.operations))
def test_what_we_answer_is_read_by_botocore_equal(name: str) -> None:
    shape = botocore_model("sesv2").operation_model(name).output_shape

    @FEW
    @given(values(shape), st.uuids().map(str))
    def check(result: dict[str, Any], request_id: str) -> None:
        answer = CODEC.answer(WHOLE.operations[name], result, request_id=request_id)
        reply = read_reply("sesv2", name, answer.body, answer.status, headers_of(answer))
        assert reply["ResponseMetadata"]["RequestId"] == request_id
        assert from_botocore(reply) == result

    check()


def post(body: bytes, path: bytes = b"/v2/email/outbound-emails", method: str = "POST") -> RequestedOperation:
    return CODEC.requested_operation(HttpRequest(method, path, b"", [], body))


@pytest.mark.parametrize(
    "body",
    [
        b'{"Content": {}, "Content": {}}',
        b'{"Content": {"Raw": {"Data": NaN}}}',
        b'{"Content": {"Raw": {"Data": "eA=="}}, "x": Infinity}',
        b'\xff{"Content": {}}',
        b'\xef\xbb\xbf{"Content": {}}',
        '{"Content": {}}'.encode("utf-16"),
        b'{"Content": {"Raw": {"Data": "eA"}}}',
        b'{"Content": {"Raw": {"Data": "e\xc3\xa4=="}}}',
        b'{"Content": [], "FromEmailAddress": "a@example.com"}',
        b'{"Content": {}, "FromEmailAddress": 7}',
        b'{"Content": {}, "FromEmailAddress": "\\ud800"}',
        b'{"Content": {}, "FromEmailAddress": "a\\u0000"}',
        b'{"Content": {}, "EmailTags": [null]}',
        b'{"Content": {}, "EmailTags": "x"}',
        b'{"Content": {}',
        b"[]",
        b'"x"',
        b"null",
        b"1" * 5000,
        b'{"x": ' + b"[" * 200_000 + b"]" * 200_000 + b"}",
        b'{"Content": {}, "x": [' + b"[]," * 300_000 + b"[]]}",
        b'{"Content": {}, "x": [' + b'"",' * 900_000 + b'""]}',
    ],
)
def test_json_that_is_none_or_wrongly_typed_is_refused(body: bytes) -> None:
    with pytest.raises(errors.SerializationException):
        parsed(post(body))


def test_null_is_absent_also_of_members_that_are_not_known() -> None:
    body = b'{"Content": {"Raw": {"Data": "eA=="}, "New": null}, "FromEmailAddress": null, "x": null}'
    assert parsed(post(body)) == {"Content": {"Raw": {"Data": b"x"}}}


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b'{"Content": {"Raw": {"Data": "eA=="}}, "New": "x"}', "New"),
        (b'{"Content": {"Raw": {"Data": "eA=="}, "New": [[1]]}}', "Content.New"),
        (b'{"Content": {"Raw": {"Data": "eA==", "New": false}}}', "Content.Raw.New"),
        (
            b'{"Content": {"Raw": {"Data": "eA=="}}, "EmailTags": [{"Name": "a", "Value": "b", "New": {}}]}',
            "EmailTags.New",
        ),
    ],
)
def test_members_of_a_newer_model_are_refused_by_name(body: bytes, name: str) -> None:
    with pytest.raises(NotImplementedByService, match=f"The parameter {name} is not implemented"):
        parsed(post(body))


def test_a_large_text_full_of_brackets_is_no_large_structure() -> None:
    text = '{"[,]\\"}' * 40_000
    body = json.dumps({"Content": {"Simple": {"Subject": {"Data": text}, "Body": {}}}}).encode()
    assert parsed(post(body))["Content"]["Simple"]["Subject"]["Data"] == text


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["Content", "Simple", "Raw", "Data", "EmailTags", "x"]), inner)
        ),
    )
)
def test_any_json_is_read_or_refused(value: Any) -> None:
    try:
        parsed(post(json.dumps(value).encode()))
    except ServiceError as error:
        assert v2_code(error) in ("BadRequestException", "SerializationException", "NotImplemented")


@pytest.mark.parametrize(
    ("path", "label"),
    [
        (b"/v2/email/identities/a@example.com", "a@example.com"),
        (b"/v2/email/identities/a%40example.com", "a@example.com"),
        (b"/v2/email/identities/a+b%40example.com", "a+b@example.com"),
        (b"/v2/email/identities/a%2Bb%40example.com", "a+b@example.com"),
        (b"/v2/email/identities/a%2Fb%40example.com", "a/b@example.com"),
        (b"/v2/email/identities/a%252Fb", "a%2Fb"),
        (b"/v2/email/identities/%2E%2E", ".."),
        (b"/v2/email/identities/%C3%A9", "é"),
    ],
)
def test_a_label_is_decoded_once(path: bytes, label: str) -> None:
    requested = post(b"", path, "GET")
    assert (requested.name, parsed(requested)) == ("GetEmailIdentity", {"EmailIdentity": label})


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", b"/v2/email/identities/"),
        ("GET", b"/v2/email/identities/a/"),
        ("GET", b"/v2/email//identities"),
        ("GET", b"//v2/email/account"),
        ("GET", b"/v2/email/x/../account"),
        ("GET", b"/v2/email/./account"),
        ("GET", b"/v2/email/identities/.."),
        ("GET", b"/v2/email/%61ccount"),
        ("GET", b"/v2/email/accounts"),
        ("GET", b"/v2/email/account?"),
        ("PATCH", b"/v2/email/account"),
        ("get", b"/v2/email/account"),
        ("GET", b"/v2/email/identities/\xc3\xa9"),
        ("GET", b"/v2/email/identities/a\0b"),
        ("GET", b"/v2/email/identities/a b"),
        ("GET", b"/v2/"),
        ("", b""),
    ],
)
def test_what_no_operation_is_bound_to_is_not_found(method: str, path: bytes) -> None:
    requested = post(b"", path, method)
    assert requested.operation is None and requested.problem is not None
    reply = CODEC.refuse(requested.problem, request_id="id")
    assert (reply.status, headers_of(reply)["x-amzn-errortype"]) == (404, "UnknownOperationException")


@pytest.mark.parametrize(
    "path", [b"/v2/email/identities/%00", b"/v2/email/identities/%zz", b"/v2/email/identities/%ff"]
)
def test_a_label_that_is_no_text_is_a_bad_request(path: bytes) -> None:
    requested = post(b"", path, "GET")
    assert requested.name == "GetEmailIdentity" and requested.problem is not None
    assert v2_code(requested.problem) == "BadRequestException"


def test_a_literal_path_goes_before_a_label() -> None:
    assert post(b"", b"/v2/email/contact-lists/x/contacts/list").name == "ListContacts"
    assert post(b"", b"/v2/email/tenants/resources/list").name == "ListTenantResources"


def test_a_template_that_ends_in_a_slash_is_found_without_it() -> None:
    for path in (b"/v2/email/insights/m/", b"/v2/email/insights/m"):
        assert parsed(post(b"", path, "GET")) == {"MessageId": "m"}


def test_sdks_of_earlier_editions_of_the_model_are_understood() -> None:
    request = HttpRequest(
        "GET", b"/v2/email/identities", b"PageSize=7&NextToken=a%2Bb+c&x-id=1&X-Amz-Date=d", [], b""
    )
    requested = CODEC.requested_operation(request)
    assert (requested.name, parsed(requested)) == (
        "ListEmailIdentities",
        {"PageSize": 7, "NextToken": "a+b c"},
    )
    path = b"/v1/email/identities/example.com/dkim/signing"
    requested = post(b'{"SigningAttributesOrigin": "AWS_SES"}', path, "PUT")
    assert requested.name == "PutEmailIdentityDkimSigningAttributes"
    assert parsed(requested) == {"EmailIdentity": "example.com", "SigningAttributesOrigin": "AWS_SES"}


def test_an_earlier_get_has_in_its_body_what_no_query_can_hold() -> None:
    """ListContacts as SDKs of 2023 call it: labels, a query string, and a filter as JSON, in one GET."""
    path, body = b"/v2/email/contact-lists/l/contacts", b'{"Filter": {"FilteredStatus": "OPT_IN"}}'
    request = HttpRequest("GET", path, b"PageSize=7&NextToken=t", [], body)
    requested = CODEC.requested_operation(request)
    assert (requested.name, parsed(requested)) == (
        "ListContacts",
        {"ContactListName": "l", "PageSize": 7, "NextToken": "t", "Filter": {"FilteredStatus": "OPT_IN"}},
    )
    assert parsed(post(b"", path, "GET")) == {"ContactListName": "l"}
    assert parsed(post(b"{}", path, "GET")) == {"ContactListName": "l"}
    assert parsed(post(b'{"Filter": {"IDENTITY_TYPE": "DOMAIN"}}', b"/v2/email/identities", "GET")) == {
        "Filter": {"IDENTITY_TYPE": "DOMAIN"}
    }
    with pytest.raises(NotImplementedByService):
        parsed(post(b'{"Else": 1}', path, "GET"))
    with pytest.raises(SerializationException):
        parsed(post(b'{"Filter": 1}', path, "GET"))


def test_an_earlier_form_of_what_is_not_served_has_its_name() -> None:
    assert post(b"{}", b"/v2/email/import-jobs", "GET").name == "ListImportJobs"


@pytest.mark.parametrize(
    "query",
    [b"PageSize=7&PageSize=8", b"PageSize=x", b"PageSize=", b"NextToken=%zz", b"a=\xff", b"NextToken=\0"],
)
def test_a_query_string_that_cannot_be_read_one_way_is_refused(query: bytes) -> None:
    requested = CODEC.requested_operation(HttpRequest("GET", b"/v2/email/templates", query, [], b""))
    with pytest.raises(ServiceError):
        if requested.problem is not None:
            raise requested.problem
        parsed(requested)


def test_an_operation_that_is_not_served_is_named() -> None:
    codec = RestJsonCodec(ServiceModel.load("sesv2"))
    requested = codec.requested_operation(
        HttpRequest("GET", b"/v2/email/multi-region-endpoints", b"", [], b"")
    )
    assert requested.name == "ListMultiRegionEndpoints" and isinstance(
        requested.problem, NotImplementedByService
    )
    reply = codec.refuse(requested.problem, request_id="id")
    assert reply.status == 501 and b"ListMultiRegionEndpoints" in reply.body


def test_constraints_of_the_model_are_told_in_aws_words() -> None:
    with pytest.raises(
        ServiceError, match=r"Value at 'content' failed to satisfy constraint: Member must not be null"
    ) as told:
        parsed(post(b"{}"))
    assert v2_code(told.value) == "BadRequestException"


@given(message=st.text(st.characters()), request_id=st.uuids().map(str))
def test_any_error_text_is_parsed_by_botocore(message: str, request_id: str) -> None:
    reply = CODEC.refuse(MessageRejected(message), request_id=request_id)
    answer = read_reply("sesv2", "SendEmail", reply.body, reply.status, headers_of(reply))
    assert answer["Error"]["Code"] == "MessageRejected"
    assert answer["Error"]["Message"] == message
    assert answer["ResponseMetadata"] | {"HTTPHeaders": {}} == {
        "RequestId": request_id,
        "HTTPStatusCode": 400,
        "HTTPHeaders": {},
    }


def test_modelled_codes_have_the_models_status() -> None:
    modelled: dict[str, int] = {}
    for operation in WHOLE.operations.values():
        modelled.update(operation.errors)
    assert {code: v2_status(code) for code in modelled} == modelled


@pytest.mark.parametrize(
    ("error", "code", "status"),
    [
        (errors.MissingAuthenticationToken(), "MissingAuthenticationTokenException", 403),
        (errors.InvalidClientTokenId(), "UnrecognizedClientException", 403),
        (errors.SignatureDoesNotMatch(), "InvalidSignatureException", 403),
        (errors.ExpiredToken(), "ExpiredTokenException", 403),
        (errors.MalformedQueryString("x"), "BadRequestException", 400),
        (Throttling("Maximum sending rate exceeded."), "TooManyRequestsException", 429),
        (DailyQuotaExceeded("Daily message quota exceeded."), "LimitExceededException", 400),
        (InternalFailure(), "InternalServiceErrorException", 500),
    ],
)
def test_errors_of_the_house_in_the_codes_of_v2(error: ServiceError, code: str, status: int) -> None:
    assert (v2_code(error), v2_status(v2_code(error))) == (code, status)


def every_error(root: type[ServiceError] = ServiceError) -> list[type[ServiceError]]:
    return [error for child in root.__subclasses__() for error in (child, *every_error(child))]


def test_the_table_names_only_errors_there_are() -> None:
    # Modules that other rooms define errors in are not imported here; what is v1's is in its model.
    known = {error.code for error in every_error()} | {
        error
        for operation in ServiceModel.compile("ses", extract("ses", whole=True)).operations.values()
        for error in operation.errors
    }
    assert set(V2_CODES) - known == set()
    assert all(re.fullmatch(r"[A-Za-z]+", code) for code in V2_CODES.values())
