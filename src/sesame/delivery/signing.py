"""DKIM at delivery: sign with the key that the identity owner has now (design decision 3).

Signers are cached under the owner's identities epoch; a rotated or switched-off key therefore
reaches mail that is still queued. RSA runs on the executor, where it releases the GIL.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from sesame.mail.dkim import Signer
from sesame.model import VerificationStatus
from sesame.spool.spool import Claim
from sesame.store import identities
from sesame.store.db import Store, Transaction, epoch, identities_scope
from sesame.store.sealed import Sealer

MAX_SIGNERS = 2_000


@dataclass(frozen=True, slots=True)
class _Cached:
    epoch: int
    signer: Signer | None


class Signing:
    """Signs claims. `candidates` gives the names that cover an identity, most specific first."""

    def __init__(
        self,
        store: Store,
        sealer: Sealer,
        executor: Executor,
        *,
        candidates: Callable[[str], Sequence[str]],
    ) -> None:
        self._store = store
        self._sealer = sealer
        self._executor = executor
        self._candidates = candidates
        self._signers: OrderedDict[tuple[str, str, str], _Cached] = OrderedDict()

    async def refresh(self, claims: Sequence[Claim]) -> None:
        """Bring the signers that `claims` need up to date, in one read."""
        wanted = dict.fromkeys((claim.owner_account_id, claim.region, claim.identity) for claim in claims)

        async def run(tx: Transaction) -> None:
            epochs: dict[str, int] = {}
            for owner, region, identity in wanted:
                scope = identities_scope(owner, region)
                if scope not in epochs:
                    epochs[scope] = await epoch(tx, scope)
                cached = self._signers.get((owner, region, identity))
                if cached is None or cached.epoch != epochs[scope]:
                    signer = await self._load(tx, owner, region, identity)
                    self._signers[owner, region, identity] = _Cached(epochs[scope], signer)
            while len(self._signers) > MAX_SIGNERS:
                self._signers.popitem(last=False)

        await self._store.read(run)

    async def sign(self, claim: Claim, *, now: float) -> bytes:
        """The message as it goes on the wire: signed when its owner has a working DKIM key."""
        key = (claim.owner_account_id, claim.region, claim.identity)
        if key not in self._signers:
            await self.refresh([claim])
        signer = self._signers[key].signer
        if signer is None:
            return claim.data
        loop = asyncio.get_running_loop()
        field = await loop.run_in_executor(self._executor, _sign, signer, claim.data, now)
        return field + claim.data

    async def _load(self, tx: Transaction, owner: str, region: str, identity: str) -> Signer | None:
        """The signer of the closest domain whose DKIM is verified and switched on."""
        if not identity:
            return None
        for name in self._candidates(identity):
            if "@" in name:
                continue
            found = await identities.get(tx, owner, region, name)
            if found is None or not found.dkim_enabled or found.dkim_status is not VerificationStatus.SUCCESS:
                continue
            key = await identities.get_dkim_key(tx, owner, region, name)
            if key is not None:
                private_key = self._sealer.open(key.sealed_private_key, row=key.row_name)
                return Signer(private_key, domain=name, selector=key.selector)
        return None


def _sign(signer: Signer, message: bytes, at: float) -> bytes:
    return signer.sign(message, at=at)
