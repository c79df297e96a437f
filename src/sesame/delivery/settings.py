"""What an identity's owner has set up for its mail: who signs, and under which domain bounces come back.

It follows the identity, so a delegate's mail is treated as the owner's. Read when a message is about
to leave and cached under the owner's identities epoch: a key that was exchanged, a switch that was
turned reach mail that is still queued. Source: SES developer guide, "Authenticating email with DKIM",
"Using a custom MAIL FROM domain".
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sesame.db import Store, Transaction, epoch, identities_scope
from sesame.dkim.sign import Signer
from sesame.model import Identity, VerificationStatus
from sesame.spool.spool import Claim
from sesame.store import dkim_keys, identities, mail_from
from sesame.store.sealed import Sealer

MAX_ENTRIES = 2_000
_SIGNS = (VerificationStatus.SUCCESS, VerificationStatus.TEMPORARY_FAILURE)


@dataclass(frozen=True, slots=True)
class OwnersSettings:
    """Whose keys sign, in this order, and the MAIL FROM domain if it is not the default."""

    signers: tuple[Signer, ...]
    mail_from_domain: str | None


@dataclass(frozen=True, slots=True)
class _Cached:
    epoch: int
    settings: OwnersSettings


class SettingsCache:
    """Looks settings up for claims.

    `candidates` gives the names that cover an identity, most specific first; `signing_domain` is the
    operator's own, whose key signs everything a second time, or empty.
    """

    def __init__(
        self,
        store: Store,
        sealer: Sealer,
        *,
        candidates: Callable[[str], Sequence[str]],
        signing_domain: str = "",
    ) -> None:
        self._store = store
        self._sealer = sealer
        self._candidates = candidates
        self._signing_domain = signing_domain
        self._operators: Signer | None = None
        self._cached: OrderedDict[tuple[str, str, str], _Cached] = OrderedDict()

    async def refresh(self, claims: Sequence[Claim]) -> None:
        """Bring the settings that `claims` need up to date, in one read."""
        wanted = dict.fromkeys((claim.owner_account_id, claim.region, claim.identity) for claim in claims)

        async def run(tx: Transaction) -> None:
            epochs: dict[str, int] = {}
            for owner, region, identity in wanted:
                scope = identities_scope(owner, region)
                if scope not in epochs:
                    epochs[scope] = await epoch(tx, scope)
                cached = self._cached.get((owner, region, identity))
                if cached is None or cached.epoch != epochs[scope]:
                    settings = await self._load(tx, owner, region, identity)
                    self._cached[owner, region, identity] = _Cached(epochs[scope], settings)
            while len(self._cached) > MAX_ENTRIES:
                self._cached.popitem(last=False)

        await self._store.read(run)

    async def of(self, claim: Claim) -> OwnersSettings:
        """The settings for a claim, as of its last refresh."""
        key = (claim.owner_account_id, claim.region, claim.identity)
        if key not in self._cached:
            await self.refresh([claim])
        return self._cached[key].settings

    async def _load(self, tx: Transaction, owner: str, region: str, identity: str) -> OwnersSettings:
        operators = await self._operators_signer(tx)
        signer, domain = None, None
        if identity:
            signer = await self._owners_signer(tx, owner, region, identity)
            found = await mail_from.get(tx, owner, region, identity)
            if found is not None and found.status is VerificationStatus.SUCCESS:
                domain = found.domain
        signers = tuple(signer for signer in (signer, operators) if signer is not None)
        return OwnersSettings(signers, domain)

    async def _owners_signer(self, tx: Transaction, owner: str, region: str, identity: str) -> Signer | None:
        """The signer of the closest domain that has DKIM or has it switched off, if it is in order.

        The switch of an address counts in place of its domain's once the owner has turned it.
        """
        own_switch: bool | None = None
        for name in self._candidates(identity):
            found = await identities.get(tx, owner, region, name)
            if found is None:
                continue
            if "@" in name:
                own_switch = found.dkim_enabled if found.dkim_overrides else None
                continue
            is_on = found.dkim_enabled if own_switch is None else own_switch
            if not is_on:
                return None
            if found.dkim_status is not VerificationStatus.NOT_STARTED:
                return await self._signer(tx, found)
        return None

    async def _signer(self, tx: Transaction, domain: Identity) -> Signer | None:
        if domain.dkim_status not in _SIGNS:
            return None
        key = await dkim_keys.get(tx, domain.account_id, domain.region, domain.name)
        return None if key is None else self._open(key)

    async def _operators_signer(self, tx: Transaction) -> Signer | None:
        if self._signing_domain and self._operators is None:
            key = await dkim_keys.operators(tx, self._signing_domain)
            self._operators = None if key is None else self._open(key)
        return self._operators

    def _open(self, key: dkim_keys.DkimKey) -> Signer:
        private_key = self._sealer.open(key.sealed_private_key, row=key.row_name)
        return Signer(private_key, domain=key.domain, selector=key.selector)
