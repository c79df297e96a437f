"""Errors of the wire carry the code, the status and the text that AWS gives."""

import pytest

from sesame.aws import errors
from sesame.errors import Fault, ServiceError

TOKEN = "The security token included in the request"


@pytest.mark.parametrize(
    ("error", "code", "status", "text"),
    [
        (
            errors.MissingAuthenticationToken(),
            "MissingAuthenticationToken",
            403,
            "Request is missing Authentication Token",
        ),
        (errors.InvalidClientTokenId(), "InvalidClientTokenId", 403, f"{TOKEN} is invalid."),
        (errors.ExpiredToken(), "ExpiredToken", 403, f"{TOKEN} is expired"),
        (
            errors.SignatureDoesNotMatch(),
            "SignatureDoesNotMatch",
            403,
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
            "Access Key and signing method. Consult the service documentation for details.",
        ),
        (errors.IncompleteSignature("x"), "IncompleteSignature", 400, "x"),
        (errors.RequestExpired(), "RequestExpired", 400, "Request has expired."),
        (errors.InvalidAction("x"), "InvalidAction", 400, "x"),
        (errors.MissingAction(), "MissingAction", 400, "The request must contain the parameter Action"),
    ],
)
def test_an_error_is_answered_as_aws_answers_it(
    error: ServiceError, code: str, status: int, text: str
) -> None:
    assert (error.code, error.http_status, error.message, error.fault) == (code, status, text, Fault.SENDER)
