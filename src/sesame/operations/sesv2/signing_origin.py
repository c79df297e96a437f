"""Whose DKIM key a request asks for, and what belongs to which origin. Source: SES API v2 reference.

INVARIANT: nothing that a request gives is left aside: what belongs to the other origin is refused.
"""

from sesame.aws.shapes import sesv2
from sesame.errors import InvalidParameterValue, NotImplementedByService

EASY, OWN = "AWS_SES", "EXTERNAL"
_OF_OWN = ("DomainSigningSelector", "DomainSigningPrivateKey")


def origin_of(attributes: sesv2.DkimSigningAttributes) -> str:
    """The origin that a new identity's attributes ask for. Raises `InvalidParameterValue`."""
    is_own = any(name in attributes for name in _OF_OWN)
    origin = attributes.get("DomainSigningAttributesOrigin", OWN if is_own else EASY)
    check_origin(origin, attributes)
    return origin


def check_change(origin: str, attributes: sesv2.DkimSigningAttributes) -> None:
    """Check what a change of signing gives beside its origin. Raises `InvalidParameterValue`."""
    if "DomainSigningAttributesOrigin" in attributes:
        raise InvalidParameterValue(
            "DomainSigningAttributesOrigin is for new identities: use SigningAttributesOrigin."
        )
    check_origin(origin, attributes)


def check_origin(origin: str, attributes: sesv2.DkimSigningAttributes) -> None:
    """Refuse replicas, which are not served, what belongs to the other origin, and half a key."""
    if origin not in (EASY, OWN):
        raise NotImplementedByService(f"The DKIM signing origin {origin} is not implemented by this service.")
    if origin == EASY and any(name in attributes for name in _OF_OWN):
        raise InvalidParameterValue(
            "DomainSigningSelector and DomainSigningPrivateKey are for the origin EXTERNAL."
        )
    if origin == OWN and "NextSigningKeyLength" in attributes:
        raise InvalidParameterValue("NextSigningKeyLength is for the origin AWS_SES.")
    if origin == OWN and not (
        attributes.get("DomainSigningSelector") and attributes.get("DomainSigningPrivateKey")
    ):
        raise InvalidParameterValue(
            "DomainSigningSelector and DomainSigningPrivateKey are required for the origin EXTERNAL."
        )
