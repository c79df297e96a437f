"""What an identity's owner has set up for its mail: who signs, and under which domain bounces come back.

It follows the identity, so a delegate's mail is treated as the owner's. Read when a message is about
to leave and cached under the owner's identities epoch: a key that was exchanged, a switch that was
turned reach mail that is still queued. Source: SES developer guide, "Authenticating email with DKIM",
"Using a custom MAIL FROM domain".
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from sesame.access.signing_domain import signing_domain
from sesame.db import Store, Transaction, epochs_of, identities_scope
from sesame.dkim.sign import Signer
from sesame.model import SYSTEM_ACCOUNT, DkimOrigin, Identity, VerificationStatus
from sesame.spool.spool import Claim
from sesame.store import dkim_keys, mail_from
from sesame.store.sealed import Sealer

MAX_ENTRIES = 2_000


class OwnersSettings(msgspec.Struct, frozen=True):
    """Whose keys sign, in this order, and the MAIL FROM domain if it is not the default."""

    signers: tuple[Signer, ...]
    mail_from_domain: str | None


@dataclass(frozen=True, slots=True)
class _Cached:
    epoch: int
    signers: tuple[Signer, ...]
    mail_from_domain: str | None


@dataclass(frozen=True, slots=True)
class _Operators:
    epoch: int
    signers: tuple[Signer, ...]


_Key = tuple[str, str, str]
"""Owner, region and identity."""

OPERATORS_SCOPE = identities_scope(SYSTEM_ACCOUNT, "")
"""What the operator's own signing key changes under."""


class SettingsCache:
    """Looks settings up for claims.

    `candidates` gives the names that cover an identity, most specific first; `signing_domain` is the
    operator's own, whose key signs everything a second time, or empty; `with_ed25519` lets Ed25519 keys sign
    beside RSA keys.
    """

    def __init__(
        self,
        store: Store,
        sealer: Sealer,
        *,
        candidates: Callable[[str], Sequence[str]],
        signing_domain: str = "",
        with_ed25519: bool = False,
    ) -> None:
        self._with_ed25519 = with_ed25519
        self._store = store
        self._sealer = sealer
        self._candidates = candidates
        self._signing_domain = signing_domain
        self._operators: _Operators | None = None
        self._cached: OrderedDict[_Key, _Cached] = OrderedDict()

    async def refresh(self, claims: Sequence[Claim]) -> None:
        """Bring the settings that `claims` need up to date, in one read."""
        wanted = dict.fromkeys((claim.owner_account_id, claim.region, claim.identity) for claim in claims)
        known = {key: self._cached[key].epoch for key in wanted if key in self._cached}
        known_operators = None if self._operators is None else self._operators.epoch

        async def run(tx: Transaction) -> tuple[dict[_Key, _Cached], _Operators | None]:
            scopes = [identities_scope(owner, region) for owner, region, _ in wanted]
            current = await epochs_of(tx, list(dict.fromkeys([*scopes, OPERATORS_SCOPE])))
            loaded = {}
            for key, scope in zip(wanted, scopes, strict=True):
                if known.get(key) != current.get(scope, 0):
                    loaded[key] = _Cached(current.get(scope, 0), *await self._load(tx, *key))
            epoch = current.get(OPERATORS_SCOPE, 0)
            if known_operators == epoch:
                return loaded, None
            return loaded, _Operators(epoch, await self._operators_signers(tx))

        is_short = len(known) == len(wanted) and known_operators is not None  # it looks at epochs
        loaded, operators = await self._store.read(run, is_short=is_short)
        self._cached |= loaded
        self._operators = operators or self._operators
        while len(self._cached) > MAX_ENTRIES:
            self._cached.popitem(last=False)

    def forget(self, claims: Sequence[Claim]) -> None:
        """Look these up again: what is cached of them may be old."""
        for claim in claims:
            self._cached.pop((claim.owner_account_id, claim.region, claim.identity), None)

    async def of(self, claim: Claim) -> OwnersSettings:
        """The settings for a claim, as of its last refresh."""
        key = (claim.owner_account_id, claim.region, claim.identity)
        while (found := self._cached.get(key)) is None or self._operators is None:
            await self.refresh([claim])
        return OwnersSettings((*found.signers, *self._operators.signers), found.mail_from_domain)

    async def _load(
        self, tx: Transaction, owner: str, region: str, identity: str
    ) -> tuple[tuple[Signer, ...], str | None]:
        """The owner's signers and MAIL FROM domain."""
        if not identity:
            return (), None
        signers = await self._owners_signers(tx, owner, region, identity)
        found = await mail_from.get(tx, owner, region, identity)
        is_ready = found is not None and found.status is VerificationStatus.SUCCESS
        return signers, found.domain if found is not None and is_ready else None

    async def _owners_signers(
        self, tx: Transaction, owner: str, region: str, identity: str
    ) -> tuple[Signer, ...]:
        """The signers of the domain whose keys sign, if it is in order and signing is switched on."""
        found = await signing_domain(tx, owner, region, self._candidates(identity))
        return await self._signers(tx, found.domain) if found.domain is not None and found.is_on else ()

    async def _signers(self, tx: Transaction, domain: Identity) -> tuple[Signer, ...]:
        if not domain.dkim_status.is_in_force:
            return ()
        place = domain.account_id, domain.region, domain.name
        key = await dkim_keys.get(tx, *place)
        if key is None:
            return ()
        second = None
        if domain.dkim_origin is DkimOrigin.AWS_SES:
            second = await dkim_keys.get_ed25519(tx, *place)
        return self._opened(key, second)

    async def _operators_signers(self, tx: Transaction) -> tuple[Signer, ...]:
        domain = self._signing_domain
        key = await dkim_keys.operators(tx, domain) if domain else None
        if key is None:
            return ()
        return self._opened(key, await dkim_keys.get_ed25519(tx, SYSTEM_ACCOUNT, "", domain))

    def _opened(self, key: dkim_keys.DkimKey, second: dkim_keys.Ed25519Key | None) -> tuple[Signer, ...]:
        """The RSA signer, and beside it that of the Ed25519 key where it is wanted and published."""
        if second is None or not second.is_seen or not self._with_ed25519:
            return (self._open(key),)
        return self._open(key), self._open(second)

    def _open(self, key: dkim_keys.DkimKey | dkim_keys.Ed25519Key) -> Signer:
        private_key = self._sealer.open(key.sealed_private_key, row=key.row_name)
        return Signer(private_key, domain=key.domain, selector=key.selector)
