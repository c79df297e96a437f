"""The codes and statuses of the SES API v2 for the errors of the house, which carry those of v1.

One table; an error class says its own v2 code where that does not follow from its v1 code (two
errors that share a v1 code). Sources: botocore's sesv2 model; codes of signatures and access as
observed at services of the restJson1 protocol.
"""

from collections.abc import Mapping

from sesame.errors import ServiceError

_BAD_REQUEST, _NOT_FOUND, _PAUSED = "BadRequestException", "NotFoundException", "SendingPausedException"

V2_CODES: Mapping[str, str] = {
    "AccessDenied": "AccessDeniedException",
    "AccountSendingPausedException": _PAUSED,
    "ConfigurationSetSendingPausedException": _PAUSED,
    "ExpiredToken": "ExpiredTokenException",
    "FromEmailAddressNotVerified": _NOT_FOUND,
    "IncompleteSignature": "IncompleteSignatureException",
    "InternalFailure": "InternalServiceErrorException",
    "InvalidAction": "UnknownOperationException",
    "InvalidClientTokenId": "UnrecognizedClientException",
    "LimitExceeded": "LimitExceededException",
    "MailFromDomainNotVerifiedException": "MailFromDomainNotVerifiedException",
    "MessageRejected": "MessageRejected",
    "MissingAuthenticationToken": "MissingAuthenticationTokenException",
    "NotImplemented": "NotImplemented",
    "RequestEntityTooLarge": "RequestEntityTooLargeException",
    "RequestExpired": "RequestExpired",
    "SerializationException": "SerializationException",
    "ServiceUnavailable": "ServiceUnavailableException",
    "SignatureDoesNotMatch": "InvalidSignatureException",
    "Throttling": "TooManyRequestsException",
}
"""By v1 code; `…DoesNotExist` and `…AlreadyExists` follow a rule, all others are bad requests."""

_STATUS: Mapping[str, int] = {
    _NOT_FOUND: 404,
    "AccessDeniedException": 403,
    "ConcurrentModificationException": 500,
    "ConflictException": 409,
    "ExpiredTokenException": 403,
    "IncompleteSignatureException": 403,
    "InternalServiceErrorException": 500,
    "InvalidSignatureException": 403,
    "MissingAuthenticationTokenException": 403,
    "NotImplemented": 501,
    "RequestEntityTooLargeException": 413,
    "ServiceUnavailableException": 503,
    "TooManyRequestsException": 429,
    "UnknownOperationException": 404,
    "UnrecognizedClientException": 403,
}

_MESSAGES: Mapping[str, str] = {"MissingAuthenticationTokenException": "Missing Authentication Token"}
"""Where the words differ too."""


def v2_code(error: ServiceError) -> str:
    """The error's code in the SES API v2."""
    if error.v2_code is not None:
        return error.v2_code
    if error.code.endswith("DoesNotExist"):
        return _NOT_FOUND
    if error.code.endswith("AlreadyExists"):
        return "AlreadyExistsException"
    return V2_CODES.get(error.code, _BAD_REQUEST)


def v2_status(code: str) -> int:
    """The HTTP status that goes with a v2 code."""
    return _STATUS.get(code, 400)


def v2_message(code: str, message: str) -> str:
    """The words that go with a v2 code."""
    return _MESSAGES.get(code, message)
