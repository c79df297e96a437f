"""Every served operation against botocore: what its clients send we read, what we answer they read."""

import os
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sesame.aws import errors, query, sigv4
from sesame.aws.request import HttpRequest
from sesame.errors import AccessDenied, InternalFailure, MessageRejected, ServiceError
from tests.aws import signing
from tests.aws.botocore_side import (
    MODELS,
    OPERATIONS,
    SERVICES,
    botocore_model,
    client_answered_by,
    read_reply,
    request_for,
    values,
)
from tests.support.botocore_terms import from_botocore

FEW = settings(
    max_examples=int(os.environ.get("SESAME_MODEL_EXAMPLES", "8")),  # of each of some 140 operations, twice
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@pytest.mark.parametrize(("service", "name"), OPERATIONS)
def test_what_botocore_writes_is_read_back_equal(service: str, name: str) -> None:
    model, operation = MODELS[service], MODELS[service].operations[name]
    shape = botocore_model(service).operation_model(name).input_shape

    @FEW
    @given(st.just({}) if shape is None else values(shape))
    def check(parameters: dict[str, Any]) -> None:
        form = query.read_action(request_for(service, name, parameters))
        assert query.find_operation(model, form) is operation
        assert operation.parse(form.fields) == parameters

    check()


@pytest.mark.parametrize(("service", "name"), OPERATIONS)
def test_what_we_answer_is_read_by_botocore_equal(service: str, name: str) -> None:
    operation = MODELS[service].operations[name]
    shape = botocore_model(service).operation_model(name).output_shape

    @FEW
    @given(st.just({}) if shape is None else values(shape), st.uuids().map(str))
    def check(result: dict[str, Any], request_id: str) -> None:
        reply = read_reply(service, name, query.serialise(operation, result, request_id=request_id))
        assert reply["ResponseMetadata"]["RequestId"] == request_id
        assert from_botocore(reply) == result

    check()


@pytest.mark.parametrize("service", SERVICES)
@given(message=st.text(st.characters()), request_id=st.text(st.characters(), min_size=1))
def test_any_error_text_is_parsed_by_botocore(service: str, message: str, request_id: str) -> None:
    error = MessageRejected(message)
    body = query.serialise_error(MODELS[service], error, request_id=request_id)
    reply = read_reply(service, None, body, error.http_status)
    assert (reply["Error"]["Code"], reply["Error"]["Type"]) == ("MessageRejected", "Sender")
    if message.isprintable():
        assert (reply["Error"]["Message"] or "") == message


def test_an_error_of_ours_is_the_receivers_fault() -> None:
    body = query.serialise_error(MODELS["ses"], InternalFailure(), request_id="id")
    assert body == (
        b'<ErrorResponse xmlns="http://ses.amazonaws.com/doc/2010-12-01/"><Error><Type>Receiver</Type>'
        b"<Code>InternalFailure</Code><Message>An internal failure has occurred.</Message></Error>"
        b"<RequestId>id</RequestId></ErrorResponse>"
    )


@pytest.mark.parametrize(
    "error",
    [
        errors.NoSuchEntity,
        errors.EntityAlreadyExists,
        errors.DeleteConflict,
        errors.MalformedPolicyDocument,
        errors.IamLimitExceeded,
        errors.InvalidInput,
    ],
)
def test_iam_errors_have_the_models_code_and_status(error: type[ServiceError]) -> None:
    modelled: dict[str, int] = {}
    for operation in MODELS["iam"].operations.values():
        modelled.update(operation.errors)
    assert modelled[error.code] == error.http_status


class Answering:
    """Checks the signature, parses, and answers every call with one result."""

    def __init__(self, service: str, result: dict[str, Any] | ServiceError) -> None:
        self.model, self.result = MODELS[service], result
        self.parameters: dict[str, Any] = {}

    def __call__(self, request: HttpRequest) -> tuple[int, bytes]:
        now = sigv4.read_signature(request).amz_date
        signing.Verifier(now=now, service=self.model.signing_name).check(request)
        form = query.read_action(request)
        operation = query.find_operation(self.model, form)
        self.parameters = operation.parse(form.fields)
        if isinstance(self.result, ServiceError):
            error = self.result
            return error.http_status, query.serialise_error(self.model, error, request_id="id")
        return 200, query.serialise(operation, self.result, request_id="id")


def test_a_real_client_sends_a_raw_message() -> None:
    answer = Answering("ses", {"MessageId": "0100018e-0000"})
    message = bytes(range(256)) * 20
    sent = {
        "Source": "Jürgen & Söhne <a+b@example.com>",
        "Destinations": ["b@example.com", "c@example.com"],
        "RawMessage": {"Data": message},
        "Tags": [{"Name": "campaign", "Value": "a=b&c%d"}],
    }
    reply = client_answered_by("ses", answer).send_raw_email(**sent)
    assert (answer.parameters, reply["MessageId"]) == (sent, "0100018e-0000")


def test_a_real_client_raises_the_modelled_exception() -> None:
    client = client_answered_by("ses", Answering("ses", MessageRejected("Email address is not verified.")))
    with pytest.raises(client.exceptions.MessageRejected, match="Email address is not verified"):
        client.send_raw_email(RawMessage={"Data": b""})


def test_a_real_client_sees_the_status_of_an_error() -> None:
    client = client_answered_by(
        "iam", Answering("iam", errors.NoSuchEntity("The user with name x cannot be found."))
    )
    with pytest.raises(client.exceptions.NoSuchEntityException) as refused:
        client.get_user(UserName="x")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404


def test_a_real_client_gets_an_unmodelled_error_as_client_error() -> None:
    client = client_answered_by("sts", Answering("sts", AccessDenied("no")))
    with pytest.raises(ClientError, match="AccessDenied"):
        client.get_caller_identity()
