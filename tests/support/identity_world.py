"""Verification and settings of identities on a fresh store, with a clock and a DNS that tests move."""

import asyncio
import itertools
import re
import secrets
import sys
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sesame.access.audit import AuditKey, AuditTrail
from sesame.access.changes import SESAME, Acts
from sesame.db import Transaction
from sesame.db.sqlite import SqliteStore
from sesame.dns import DnsFailure, DomainNotFound, Mx, host_name
from sesame.identities.dkim_keys import DkimKeys
from sesame.identities.dns_checks import DnsChecks
from sesame.identities.dns_records import Names
from sesame.identities.settings import IdentitySettings
from sesame.identities.verification import Verification
from sesame.model import AccountId, Identity, MessageId
from sesame.observe import Log
from sesame.sending.system_mail import SystemMail
from sesame.store import accounts, identities
from sesame.store.sealed import Sealer
from tests.support.clock import FakeClock
from tests.support.stored_accounts import an_account

ACCOUNT, REGION = AccountId("111111111111"), "us-east-1"
HOUR = 3600.0
RECHECK_S = 6 * HOUR
NAMES = Names(
    dkim_zone="dkim.sesame.test",
    public_url="http://sesame.test",
    mail_from_mx="mx1.sesame.test",
    mail_from_spf="include:bounces.sesame.test",
)


class Zone:
    """DNS as the tests' zone has it; names that have no record at all do not exist."""

    def __init__(self, records: Callable[[str, str], Awaitable[list[str]]]) -> None:
        self._records = records

    async def txt(self, name: str) -> list[str]:
        """TXT records, CNAMEs followed."""
        target = await self._records(name, "CNAME")
        return await self.txt(target[0]) if target else await self._records(name, "TXT")

    async def mx(self, name: str) -> list[Mx]:
        """MX records."""
        pairs = [value.split() for value in await self._records(name, "MX")]
        return [Mx(preference=int(preference), exchange=host_name(host)) for preference, host in pairs]


class Fixture:
    """A verification service on a fresh store with an empty zone."""

    def __init__(
        self, store: SqliteStore, executor: ThreadPoolExecutor, *, with_ed25519: bool = False
    ) -> None:
        self.store = store
        self.clock = FakeClock()
        self.zone: set[tuple[str, str, str]] = set()
        self.is_dns_broken = False
        counter = itertools.count()
        mail = SystemMail(
            from_address="no-reply@sesame.test",
            message_id_domain="sesame.test",
            new_id=lambda at, region: MessageId(f"id-{next(counter)}"),
            random_hex=lambda n: secrets.token_hex(n // 2),
            steady=self.clock,
        )
        self.sealer = Sealer(b"k" * 32, random_bytes=secrets.token_bytes)
        trail = AuditTrail(AuditKey(b"a" * 32), new_id=lambda: secrets.token_hex(16))
        self.acts = Acts(store, trail, self.clock, SESAME)
        self.act = self.acts.to("Test", ACCOUNT, region=REGION)
        self.checks = DnsChecks(
            store,
            self.sealer,
            Zone(self._records),
            acts=self.acts,
            missing=DomainNotFound,
            names=NAMES,
            clock=self.clock,
            log=Log(sys.stderr, as_json=True, clock=self.clock),
            recheck_every_s=RECHECK_S,
            auto_publish=False,
        )
        self.keys = keys = DkimKeys(
            self.sealer,
            clock=self.clock,
            executor=executor,
            new_token=lambda: secrets.token_hex(16),
            with_ed25519=with_ed25519,
        )
        self.settings = IdentitySettings(store, keys, self.checks, clock=self.clock)
        self.verification = Verification(
            store,
            keys,
            self.checks,
            mail,
            acts=self.acts,
            public_url=NAMES.public_url,
            clock=self.clock,
            new_token=lambda: secrets.token_urlsafe(32),
            accepted=lambda: None,
        )

    async def _records(self, name: str, kind: str) -> list[str]:
        if self.is_dns_broken:
            raise DnsFailure("SERVFAIL")
        if not any(n == name for n, _, _ in self.zone):
            raise DomainNotFound(name)
        return [value for n, k, value in self.zone if (n, k) == (name, kind)]

    async def records(self, identity: Identity) -> list[tuple[str, str, str]]:
        return [record.triple for record in await self.checks.records(identity)]

    async def publish(self, identity: Identity) -> None:
        """Publish what the owner and the operator are told to, in place of what was there."""
        records = await self.records(identity)
        told = {(name, kind) for name, kind, _ in records}
        self.zone = {record for record in self.zone if record[:2] not in told} | set(records)

    async def identity(self, name: str = "example.com") -> Identity:
        found = await self.store.read(lambda tx: identities.get(tx, ACCOUNT, REGION, name))
        assert found is not None
        return found

    async def mailed_link_token(self) -> str:
        async def newest(tx: Transaction) -> bytes:
            row = await tx.one("SELECT data FROM body ORDER BY message_seq DESC LIMIT 1")
            assert row is not None
            return bytes(row[0])

        match = re.search(rb"http://sesame\.test/verify\?token=([\w-]+)", await self.store.read(newest))
        assert match is not None
        return match[1].decode()


def with_verification(
    tmp_path: Path, function: Callable[[Fixture], Awaitable[None]], *, with_ed25519: bool = False
) -> None:
    async def session() -> None:
        store = SqliteStore(tmp_path / "db")
        executor = ThreadPoolExecutor(1)
        account = an_account(ACCOUNT)
        try:
            await store.write(lambda tx: accounts.create(tx, account))
            await function(Fixture(store, executor, with_ed25519=with_ed25519))
        finally:
            executor.shutdown()
            store.close()

    asyncio.run(session())
