"""Names and ARNs of identities as requests give them."""

from functools import lru_cache

import msgspec

from sesame.aws.arn import Arn, ArnError, identity_arn
from sesame.errors import InvalidParameterValue
from sesame.mail.domain import DomainError, normal_domain
from sesame.model import IdentityKind


class InvalidIdentityArn(InvalidParameterValue):
    """What was given for the ARN of an identity is none."""

    def __init__(self, message: str, *, arn: str) -> None:
        super().__init__(message)
        self.facts = {"arn": arn}


class IdentityArn(msgspec.Struct, frozen=True, kw_only=True):
    """Whose identity it is and where, and its name as stored; `str` gives the ARN."""

    region: str
    account_id: str
    name: str

    def __str__(self) -> str:
        return identity_arn(self.region, self.account_id, self.name)


@lru_cache(maxsize=1024)  # a delegate names the same one in message after message
def parse_identity_arn(text: str) -> IdentityArn:
    """Read an identity ARN from a request; raises `InvalidParameterValue` when it is none."""
    try:
        arn = Arn.parse(text)
    except ArnError as error:
        raise InvalidIdentityArn(f"Invalid identity ARN '{text}': {error}.", arn=text) from None
    name = arn.resource.removeprefix("identity/")
    if arn.service != "ses" or not arn.resource.startswith("identity/") or not name or not arn.account_id:
        raise InvalidIdentityArn(
            f"Invalid identity ARN '{text}': expected arn:aws:ses:region:account:identity/name.", arn=text
        )
    return IdentityArn(region=arn.region, account_id=arn.account_id, name=normal_name(name))


def normal_name(name: str) -> str:
    """An identity name as stored: the domain as A-labels in lower case, the local part as it is.

    What looks like letters and is none stays as it is: no identity has such a name.
    """
    local_part, at, domain = name.rpartition("@")
    if domain.isascii():
        return f"{local_part}{at}{domain.lower()}"
    try:
        return f"{local_part}{at}{normal_domain(domain)}"
    except DomainError:
        return name


def identity_kind(name: str) -> IdentityKind:
    """Whether a name is an address or a domain."""
    return IdentityKind.ADDRESS if "@" in name else IdentityKind.DOMAIN
