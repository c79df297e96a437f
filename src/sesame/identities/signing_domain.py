"""The operator's own domain: its DKIM key, and the DNS records that the operator publishes for Sesame.

SES signs everything also as amazonses.com; the setting `delivery.signing_domain` names what stands
for that here. Source: SES developer guide, "Authenticating email with DKIM".
"""

from collections.abc import Callable
from dataclasses import dataclass

from sesame.access.changes import Acts
from sesame.db import Store, Transaction
from sesame.dkim.sign import dns_record
from sesame.identities.dkim_keys import DkimKeys
from sesame.identities.dns_records import OPERATOR, Record
from sesame.model import SYSTEM_ACCOUNT
from sesame.store import development, dkim_keys
from sesame.store.dkim_keys import DkimKey, Ed25519Key


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorNames:
    """Names of the operator's; `signing_domain` is empty when there is no signature of our own."""

    hostname: str
    return_path_domain: str
    signing_domain: str


class SigningDomain:
    """Makes the key once, and lists the records."""

    def __init__(
        self,
        store: Store,
        keys: DkimKeys,
        names: OperatorNames,
        *,
        acts: Acts,
        new_selector: Callable[[], str],
        auto_publish: bool,
    ) -> None:
        self._store = store
        self._keys = keys
        self._names = names
        self._acts = acts
        self._new_selector = new_selector
        self._auto_publish = auto_publish

    async def ensure_key(self) -> None:
        """Make the signing keys that there are to be and are not."""
        await self._ensure_rsa_key()
        await self._ensure_ed25519_key()

    async def _ensure_ed25519_key(self) -> None:
        beside = await self._key()
        if beside is None or not self._keys.with_ed25519 or await self._ed25519() is not None:
            return
        key = self._keys.new_ed25519((SYSTEM_ACCOUNT, "", beside.domain), beside.selector, is_seen=True)

        async def run(tx: Transaction) -> None:
            await dkim_keys.add_ed25519(tx, key)

        await self._acts.apply(
            "CreateSigningKey", SYSTEM_ACCOUNT, run, parameters={"domain": beside.domain, "kind": "ed25519"}
        )
        await self._publish()

    async def _ensure_rsa_key(self) -> None:
        domain = self._names.signing_domain
        if not domain or await self._key() is not None:
            return
        pair = await self._keys.make()

        async def run(tx: Transaction) -> bool:
            if await dkim_keys.operators(tx, domain) is not None:
                return False
            key = self._keys.sealed((SYSTEM_ACCOUNT, "", domain), self._new_selector(), pair)
            await dkim_keys.put(tx, key)
            return True

        await self._acts.apply(
            "CreateSigningKey", SYSTEM_ACCOUNT, run, parameters={"domain": domain}, when=bool
        )
        await self._publish()

    async def _publish(self) -> None:
        if self._auto_publish:
            records = [record.triple for record in await self.records() if record.purpose == "DKIM"]
            await self._store.write(lambda tx: development.publish(tx, records))

    async def records(self) -> list[Record]:
        """Where bounces go, who may send for us, and the key of our own signature."""
        names = self._names
        records = [_record(names.hostname, "TXT", "v=spf1 a -all", "SPF")]
        if names.return_path_domain != names.hostname:
            records += [
                _record(names.return_path_domain, "MX", f"10 {names.hostname}", "bounces"),
                _record(names.return_path_domain, "TXT", f"v=spf1 a:{names.hostname} -all", "SPF"),
            ]
        key = await self._key()
        if key is not None:
            name = f"{key.selector}._domainkey.{key.domain}"
            records.append(_record(name, "TXT", dns_record(key.public_key), "DKIM"))
        second = await self._ed25519()
        if second is not None:
            name = f"{second.selector}._domainkey.{second.domain}"
            records.append(_record(name, "TXT", dns_record(second.public_key, "ed25519"), "DKIM"))
        return records

    async def _ed25519(self) -> Ed25519Key | None:
        domain = self._names.signing_domain
        if not domain:
            return None
        return await self._store.read(lambda tx: dkim_keys.get_ed25519(tx, SYSTEM_ACCOUNT, "", domain))

    async def _key(self) -> DkimKey | None:
        domain = self._names.signing_domain
        return await self._store.read(lambda tx: dkim_keys.operators(tx, domain)) if domain else None


def _record(name: str, kind: str, value: str, purpose: str) -> Record:
    return Record(name=name, kind=kind, value=value, publisher=OPERATOR, purpose=purpose)
