"""The errors of the house.

A `ServiceError` is an answer that SES documents: the room that raises it knows what went wrong,
the door that catches it picks the face (XML, JSON, SMTP). Delivery failure is not here: it is an
`Outcome` value. Sources: botocore's SES and IAM models, SES developer guide.
"""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from sesame.model import Principal


class SesameError(Exception):
    """Root of every error that Sesame raises on purpose."""


class Fault(Enum):
    """Whose fault an error is, in the words of the Query protocol."""

    SENDER = "Sender"
    RECEIVER = "Receiver"


class ServiceError(SesameError):
    """An answer the service documents; `message` reaches the client unchanged."""

    code: ClassVar[str] = "InternalFailure"
    http_status: ClassVar[int] = 400
    fault: ClassVar[Fault] = Fault.SENDER
    v2_code: ClassVar[str | None] = None
    """Its code in the SES API v2, where that does not follow from `code` (`aws.rest_errors`)."""

    facts: Mapping[str, Any]
    """What explains it to whoever looks it up by its request; no client is told."""
    whose: "Principal | None"
    """Who is known to have signed with a session that is no good (any more); of other keys the id says it."""
    is_kept: bool
    """Whether it has been kept to be looked up."""

    def __init__(self, message: str, *, about: Mapping[str, str] = MappingProxyType({})) -> None:
        """`about` names what the error concerns, by the members that its shape has beside the message in v1."""
        super().__init__(message)
        self.message = message
        self.about = about
        self.facts: Mapping[str, Any] = {}
        self.whose = None
        self.is_kept = False


class WordedError(ServiceError):
    """An answer that is worded alike each time, unless whoever raises it knows more."""

    text: ClassVar[str]

    def __init__(self, message: str | None = None) -> None:
        super().__init__(self.text if message is None else message)


class AccessDenied(ServiceError):
    """The caller may not do this (IAM or identity policy)."""

    code, http_status = "AccessDenied", 403


class MessageRejected(ServiceError):
    """The message may not be sent: identity not verified, or sending shut by the operator."""

    code = "MessageRejected"


class MailFromDomainNotVerified(ServiceError):
    """The identity's MAIL FROM domain is not ready and its owner wants no mail without it."""

    code = "MailFromDomainNotVerifiedException"


class AccountSendingPaused(ServiceError):
    """The account has switched its own sending off (UpdateAccountSendingEnabled)."""

    code = "AccountSendingPausedException"


class InvalidParameterValue(ServiceError):
    """A parameter has the right type and a wrong value."""

    code = "InvalidParameterValue"


class ValidationError(ServiceError):
    """A parameter breaks a constraint of the service model."""

    code = "ValidationError"


class InvalidPolicy(ServiceError):
    """A sending-authorization policy that SES would not store."""

    code = "InvalidPolicy"


class Throttling(ServiceError):
    """Quota, send rate or request rate exceeded; retry later."""

    code = "Throttling"


class DailyQuotaExceeded(Throttling):
    """The quota of 24 hours is used up; v2 knows that from a rate."""

    v2_code = "LimitExceededException"


class ConfigurationSetDoesNotExist(ServiceError):
    """The configuration set named in the request does not exist."""

    code = "ConfigurationSetDoesNotExist"


class LimitExceeded(ServiceError):
    """A resource limit of the account is reached."""

    code = "LimitExceeded"


class NotImplementedByService(ServiceError):
    """A known operation, or a feature of one, that Sesame does not serve yet."""

    code, http_status, fault = "NotImplemented", 501, Fault.RECEIVER


class InternalFailure(WordedError):
    """Ours; says nothing about its cause to the client."""

    code, http_status, fault = "InternalFailure", 500, Fault.RECEIVER
    text = "An internal failure has occurred."


class ServiceUnavailable(ServiceError):
    """Ours and passing: safe to retry, nothing was accepted."""

    code, http_status, fault = "ServiceUnavailable", 503, Fault.RECEIVER


class InsufficientStorage(ServiceUnavailable):
    """There is no room on the disk for another message; what was accepted goes on being delivered."""


class RequestTooLarge(ServiceError):
    """The request body exceeds what the door takes."""

    code, http_status = "RequestEntityTooLarge", 413


class Unavailable(SesameError):
    """A collaborator (store, DNS, signer) cannot serve now; nothing was done. Retry-safe."""


class StoreUnavailable(Unavailable):
    """The store could not commit: full disk, locked too long, or closed."""


class StoreDamaged(StoreUnavailable):
    """What was asked for lies on a damaged page of the file; other reads may succeed."""


class ConfigError(SesameError):
    """A setting is missing or wrong; the message names the setting and the fix."""
