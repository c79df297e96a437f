"""Names of identities as requests give them, and as they are stored.

An address keeps the case of its local part, a domain is lower case in A-labels. Source: SES API reference,
"Identity"; the words of the refusals are SES's.
"""

from sesame.access.identity_names import identity_kind, normal_name
from sesame.errors import InvalidParameterValue
from sesame.mail.address import AddressError, normal_domain, parse_addr_spec
from sesame.mail.domain import DomainError
from sesame.model import Caller, IdentityKind


def domain_name(text: str) -> str:
    """A domain as stored; raises `InvalidParameterValue` in SES's words."""
    try:
        if "@" in text or "." not in text:
            raise AddressError("not a domain")
        return normal_domain(text)
    except (AddressError, DomainError):
        raise InvalidParameterValue(f"Domain {text} is invalid.") from None


def address_name(text: str) -> str:
    """An address as stored; raises `InvalidParameterValue` in SES's words."""
    try:
        local_part, domain = parse_addr_spec(text)
        return f"{local_part}@{normal_domain(domain)}"
    except (AddressError, DomainError):
        raise InvalidParameterValue(f"Invalid email address<{text}>.") from None


def identity_name(text: str) -> str:
    """A name of either kind as stored."""
    return address_name(text) if identity_kind(text) is IdentityKind.ADDRESS else domain_name(text)


def own_identity_name(caller: Caller, text: str) -> str:
    """The name in a parameter that takes a name or the ARN of an identity of the caller.

    Raises `InvalidParameterValue` for an ARN of another account or region.
    """
    if not text.startswith("arn:"):
        return normal_name(text)
    prefix = f"arn:aws:ses:{caller.region}:{caller.principal.account_id}:identity/"
    if not text.startswith(prefix) or text == prefix:
        raise InvalidParameterValue(
            f"Identity {text} is invalid. Must be a verified email address or domain."
        )
    return normal_name(text.removeprefix(prefix))
