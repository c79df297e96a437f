"""What the causes that lie in addresses have in common: mends in words and as structure, and lists."""

from collections.abc import Sequence

from sesame.access.causes.fields import holder
from sesame.mail.address import domain_of
from sesame.model import Identity
from sesame.policy.reasons.cause import How, Mend


def joined(words: Sequence[str]) -> str:
    """Words as in a sentence."""
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def arn_of(one: Identity) -> str:
    """The ARN of an identity."""
    return f"arn:aws:ses:{one.region}:{one.account_id}:identity/{one.name}"


SAMPLES = frozenset(
    {"example.com", "example.net", "example.org", "yourdomain.com", "mydomain.com", "domain.com"}
)
"""What documentation and forms have in the place of one's domain (RFC 2606, and habit)."""
_PRIVATE = frozenset({"localhost", "localdomain", "local", "internal", "lan", "home", "intranet", "corp"})
"""Top-level names that machines call themselves by, which are nobody's in public DNS (RFC 6761, 6762; ICANN)."""


def never_public(address: str) -> str | None:
    """The name under which no domain can be verified that an address is at, or None."""
    domain = domain_of(address)
    top = domain.rpartition(".")[2]
    return top if top in _PRIVATE or "." not in domain else None


def set_parameter(parameter: str, value: str | None, what: str = "", more: str = "") -> Mend:
    """Name an ARN, or `what` in words, in a parameter or field."""
    named = f"`{value}`" if value else what
    return Mend(
        how=How.SET_PARAMETER,
        text=f"name {named} in {parameter}{more}",
        details={"parameter": parameter, "value": value},
    )


def rename_field(written: str, right: str) -> Mend:
    """Write a field of a message by its right name."""
    return Mend(
        how=How.SET_PARAMETER,
        text=f"write `{right}`",
        details={"parameter": right, "instead_of": written, "value": None},
    )


def verify(account: str, region: str, name: str, *, is_there: bool = False) -> Mend:
    """Verify an identity in an account; `is_there`: it is registered already."""
    how = "follow the link that is mailed"
    if "@" not in name:
        begin = "" if is_there else "create it there, and "
        how = f"{begin}publish what `sesame dns records {account} {name}` prints"
    return Mend(
        how=How.VERIFY_IDENTITY,
        text=f"verify `{name}` in account {account}, region {region}: {how}",
        details={"account": account, "region": region, "name": name},
    )


def smtp_credentials(account: str, region: str, principal: str, *, key: str | None) -> Mend:
    """SMTP credentials for a region: of the access key in use, where the reader may know it, or else of a new one."""
    which = "" if key is None else f" --key {key}"
    return Mend(
        how=How.SMTP_CREDENTIALS,
        text=f"`sesame smtp credentials {account}{holder(principal)}{which} --region {region}`",
        details={"account": account, "region": region} | ({} if key is None else {"key": key}),
    )


def listed_with_verb(addresses: Sequence[str]) -> str:
    """Addresses, the first three of them, with `is` or `are`."""
    listed = ", ".join(f"`{address}`" for address in addresses[:3])
    verb = "is" if len(addresses) == 1 else "are"
    more = f" and {len(addresses) - 3} more" if len(addresses) > 3 else ""
    return f"{listed}{more} {verb}"
