"""Which domain's DKIM key signs mail of an identity, and whose switch says whether it does.

For what delivers and for what tells people of it. Source: SES developer guide, "Authenticating email with DKIM".
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sesame.db import Transaction
from sesame.model import Identity, VerificationStatus
from sesame.store import identities


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningDomain:
    """The closest domain that has DKIM or has it switched off, None where there is none.

    `switch` is the identity whose switch counts: the address itself once its owner has turned it, else the domain.
    """

    domain: Identity | None = None
    switch: Identity | None = None

    @property
    def is_on(self) -> bool:
        """Whether signing is switched on."""
        return self.switch is not None and self.switch.dkim_enabled


async def signing_domain(
    tx: Transaction, owner: str, region: str, candidates: Sequence[str]
) -> SigningDomain:
    """That of an identity, given the names that cover it, most specific first."""
    address: Identity | None = None
    for name in candidates:
        found = await identities.get(tx, owner, region, name)
        if found is None:
            continue
        if "@" in name:
            address = found if found.dkim_overrides else None
            continue
        signing = SigningDomain(domain=found, switch=address or found)
        if not signing.is_on or found.dkim_status is not VerificationStatus.NOT_STARTED:
            return signing
    return SigningDomain(switch=address)
