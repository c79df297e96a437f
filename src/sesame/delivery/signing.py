"""DKIM at delivery: sign with the key that the identity owner has now (design decision 3).

Signers are cached under the owner's identities epoch; a rotated or switched-off key therefore
reaches mail that is still queued. RSA runs on the executor, where it releases the GIL; what waits goes
there together, for a way there and back costs a third of a signature.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial

from sesame.mail.dkim import Signer
from sesame.model import VerificationStatus
from sesame.spool.spool import Claim
from sesame.store import identities
from sesame.store.db import Store, Transaction, epoch, identities_scope
from sesame.store.sealed import Sealer

MAX_SIGNERS = 2_000
TOGETHER = 16
"""Messages that go to the executor at once, at most; a few milliseconds of RSA."""


@dataclass(frozen=True, slots=True)
class _Cached:
    epoch: int
    signer: Signer | None


@dataclass(frozen=True, slots=True)
class _Unsigned:
    """A message that waits for its signature."""

    signer: Signer
    message: bytes
    at: float
    field: asyncio.Future[bytes]


class Signing:
    """Signs claims. `candidates` gives the names that cover an identity, most specific first.

    At most `threads` batches are on the executor at a time, so that others are served there too.
    """

    def __init__(
        self,
        store: Store,
        sealer: Sealer,
        executor: Executor,
        *,
        candidates: Callable[[str], Sequence[str]],
        threads: int = 1,
    ) -> None:
        self._store = store
        self._sealer = sealer
        self._executor = executor
        self._candidates = candidates
        self._threads = threads
        self._signers: OrderedDict[tuple[str, str, str], _Cached] = OrderedDict()
        self._unsigned: deque[_Unsigned] = deque()
        self._under_way = 0

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
        waiting = _Unsigned(signer, claim.data, now, loop.create_future())
        self._unsigned.append(waiting)
        if len(self._unsigned) == 1:
            loop.call_soon(self._sign_waiting)  # not at once: a claim's attempts all start in one turn
        return await waiting.field + claim.data

    def _sign_waiting(self) -> None:
        """Send to the executor what waits, as far as there is room."""
        while self._unsigned and self._under_way < self._threads:
            batch = [self._unsigned.popleft() for _ in range(min(len(self._unsigned), TOGETHER))]
            self._under_way += 1
            done = asyncio.get_running_loop().run_in_executor(self._executor, _sign_all, batch)
            done.add_done_callback(partial(self._tell, batch))

    def _tell(self, batch: list[_Unsigned], done: "asyncio.Future[list[bytes | Exception]]") -> None:
        self._under_way -= 1
        self._sign_waiting()
        for waiting, result in zip(batch, done.result(), strict=True):
            if waiting.field.cancelled():
                continue
            if isinstance(result, Exception):
                waiting.field.set_exception(result)
            else:
                waiting.field.set_result(result)

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


def _sign_all(batch: list[_Unsigned]) -> list[bytes | Exception]:
    """The DKIM-Signature field of each message, or why it has none."""
    return [_sign(waiting) for waiting in batch]


def _sign(waiting: _Unsigned) -> bytes | Exception:
    try:
        return waiting.signer.sign(waiting.message, at=waiting.at)
    except Exception as error:
        return error
