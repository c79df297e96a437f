"""Easy DKIM keys get successors when they are old enough.

A successor of the same length waits under the next token and signs once it has been seen in DNS
(`dns_checks`). The key before stays published until the next change, for what it signed is still on its way.
Keys that owners brought are theirs to change. Source: SES developer guide, "Easy DKIM" (SES rotates keys
behind the CNAMEs).
"""

from collections.abc import Awaitable, Callable
from functools import partial

from sesame.access.changes import Acts
from sesame.db import Store, Transaction
from sesame.identities.dkim_keys import DkimKeys, KeyPair
from sesame.identities.dns_checks import DnsChecks
from sesame.model import Identity, VerificationStatus
from sesame.observe import Clock
from sesame.store import dkim_keys, identities

A_PASS = 100
"""Keys made in one pass at most; each takes a tenth of a second of a processor."""


class DkimRotation:
    """Makes what is due. `after_s` is the age at which a key gets a successor; 0: never."""

    def __init__(
        self,
        store: Store,
        keys: DkimKeys,
        checks: DnsChecks,
        *,
        acts: Acts,
        clock: Clock,
        after_s: float,
    ) -> None:
        self._store = store
        self._keys = keys
        self._checks = checks
        self._acts = acts
        self._clock = clock
        self._after_s = after_s

    async def rotate_due(self) -> int:
        """Give keys that are old enough a successor; how many got one."""
        if self._after_s <= 0:
            return 0
        before = self._clock.now() - self._after_s
        due = await self._store.read(lambda tx: dkim_keys.due(tx, created_before=before, limit=A_PASS))
        rotated = 0
        for key in due:
            pair = await self._keys.make(key.key_bits)
            identity = await self._acts.apply(
                "RotateDkimKey",
                key.account_id,
                self._put(key, pair),
                region=key.region,
                parameters={"identity": key.domain, "keyBits": key.key_bits},
                when=lambda changed: changed is not None,
            )
            if identity is not None:
                rotated += 1
                await self._checks.publish_and_check(identity)
        return rotated

    async def add_missing(self) -> int:
        """Give domains with Easy DKIM an Ed25519 key, if the setting asks for it and they have none; how many."""
        if not self._keys.with_ed25519:
            return 0
        missing = await self._store.read(lambda tx: dkim_keys.without_ed25519(tx, limit=A_PASS))
        for key in missing:
            place = (key.account_id, key.region, key.domain)
            added = self._keys.new_ed25519(place, await self._store.read(partial(self._first_token, key)))

            async def run(tx: Transaction, added: dkim_keys.Ed25519Key = added) -> Identity | None:
                identity = await identities.get(tx, added.account_id, added.region, added.domain)
                if identity is not None:
                    await dkim_keys.add_ed25519(tx, added)
                return identity

            identity = await self._acts.apply(
                "AddDkimKey",
                key.account_id,
                run,
                region=key.region,
                parameters={"identity": key.domain, "kind": "ed25519"},
                when=lambda changed: changed is not None,
            )
            if identity is not None:
                await self._checks.publish_and_check(identity)
        return len(missing)

    @staticmethod
    async def _first_token(key: dkim_keys.DkimKey, tx: Transaction) -> str:
        identity = await identities.get(tx, key.account_id, key.region, key.domain)
        return identity.dkim_tokens[0] if identity is not None and identity.dkim_tokens else key.selector

    def _put(
        self, key: dkim_keys.DkimKey, pair: KeyPair
    ) -> Callable[[Transaction], Awaitable[Identity | None]]:
        """The change for one key, unless something else has changed it meanwhile."""

        async def run(tx: Transaction) -> Identity | None:
            place = (key.account_id, key.region, key.domain)
            identity = await identities.get(tx, *place)
            if identity is None or identity.dkim_status is not VerificationStatus.SUCCESS:
                return None
            if await dkim_keys.get(tx, *place) != key or await dkim_keys.get_next(tx, *place) is not None:
                return None
            await self._keys.put_next(tx, identity, pair, changes_length=False)
            return identity

        return run
