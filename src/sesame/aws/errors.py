"""Errors of the AWS wire and of IAM: what the signature, the form or the model makes us answer.

Errors of sending are in `sesame.errors`. Texts are those AWS gives (observed), where it gives one
for every case; otherwise the room that raises words them. Sources: SES and IAM "Common errors",
botocore's IAM model for codes and HTTP status.
"""

from sesame.errors import ServiceError, WordedError


class MissingAuthenticationToken(WordedError):
    """The request carries no signature."""

    code, http_status = "MissingAuthenticationToken", 403
    text = "Request is missing Authentication Token"


class InvalidClientTokenId(WordedError):
    """The access key is unknown or inactive, or a session token came with a key that has none."""

    code, http_status = "InvalidClientTokenId", 403
    text = "The security token included in the request is invalid."


class ExpiredToken(WordedError):
    """The session token has expired."""

    code, http_status = "ExpiredToken", 403
    text = "The security token included in the request is expired"


class SignatureDoesNotMatch(WordedError):
    """The signature is wrong, made for other circumstances, or does not cover what it must."""

    code, http_status = "SignatureDoesNotMatch", 403
    text = (
        "The request signature we calculated does not match the signature you provided. Check your AWS "
        "Secret Access Key and signing method. Consult the service documentation for details."
    )


class IncompleteSignature(ServiceError):
    """The signature cannot be read: a part is missing, malformed or there twice."""

    code = "IncompleteSignature"


class RequestExpired(WordedError):
    """A presigned request is used after its time."""

    code = "RequestExpired"
    text = "Request has expired."


class InvalidAction(ServiceError):
    """The service has no such operation in that version."""

    code = "InvalidAction"


class MissingAction(WordedError):
    """The request names no operation."""

    code = "MissingAction"
    text = "The request must contain the parameter Action"


class MalformedQueryString(ServiceError):
    """The form or query string cannot be read in exactly one way."""

    code = "MalformedQueryString"


class MalformedInput(ServiceError):
    """A parameter has the wrong type: a list for a text, letters for a number."""

    code = "MalformedInput"


class SerializationException(ServiceError):
    """The JSON body is none, or a member of it has the wrong type."""

    code = "SerializationException"


class NoSuchEntity(ServiceError):
    """IAM: the user, key or policy named does not exist."""

    code, http_status = "NoSuchEntity", 404

    @classmethod
    def named(cls, kind: str, name: str) -> "NoSuchEntity":
        """There is no user, group, … of that name, in IAM's words."""
        return cls(f"The {kind} with name {name} cannot be found.")


class EntityAlreadyExists(ServiceError):
    """IAM: something of that name exists."""

    code, http_status = "EntityAlreadyExists", 409


class DeleteConflict(ServiceError):
    """IAM: the thing still has keys or policies of its own."""

    code, http_status = "DeleteConflict", 409

    @classmethod
    def until(cls, done: str) -> "DeleteConflict":
        """What is to be done first, `delete access keys`, in IAM's words."""
        return cls(f"Cannot delete entity, must {done} first.")


class MalformedPolicyDocument(ServiceError):
    """IAM: the policy document is not one."""

    code = "MalformedPolicyDocument"


class PackedPolicyTooLarge(ServiceError):
    """STS: the policies and tags of a session are more than a token holds."""

    code = "PackedPolicyTooLarge"


class InvalidIdentityToken(ServiceError):
    """STS: the token or assertion of another provider proves nothing here."""

    code = "InvalidIdentityToken"


class IamLimitExceeded(ServiceError):
    """IAM: a limit of the account is reached. SES's LimitExceeded has status 400, IAM's 409."""

    code, http_status = "LimitExceeded", 409


class InvalidInput(ServiceError):
    """IAM: a parameter is out of place or out of range."""

    code = "InvalidInput"


class PasswordPolicyViolation(ServiceError):
    """IAM: the password is too easy to guess."""

    code = "PasswordPolicyViolation"


class InvalidAuthenticationCode(ServiceError):
    """IAM: the codes are not those of the device."""

    code, http_status = "InvalidAuthenticationCode", 403


class InvalidUserType(ServiceError):
    """IAM: a call for users alone, by somebody else."""

    code = "InvalidUserType"
