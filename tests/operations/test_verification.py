"""Verification of identities against a clock and a DNS that tests move."""

import asyncio
import itertools
import json
import re
import secrets
import sys
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sesame.dns import DnsFailure, LocalZone
from sesame.model import AccountId, Identity, IdentityKind, MessageId, VerificationStatus
from sesame.observe import Log
from sesame.operations.verification import Names, Verification
from sesame.sending.system import SystemMail
from sesame.store import accounts, identities
from sesame.store.db import Transaction
from sesame.store.sealed import Sealer
from sesame.store.sqlite import SqliteStore
from tests.support.clock import FakeClock

ACCOUNT, REGION = AccountId("111111111111"), "us-east-1"
HOUR = 3600.0


class Fixture:
    """A verification service on a fresh store with an empty zone."""

    def __init__(self, store: SqliteStore, executor: ThreadPoolExecutor) -> None:
        self.store = store
        self.clock = FakeClock()
        self.zone: set[tuple[str, str, str]] = set()
        self.is_dns_broken = False
        counter = itertools.count()
        mail = SystemMail(
            from_address="no-reply@sesame.test",
            message_id_domain="sesame.test",
            new_id=lambda at: MessageId(f"id-{next(counter)}"),
            random_hex=lambda n: secrets.token_hex(n // 2),
        )
        self.verification = Verification(
            store,
            Sealer(b"k" * 32, random_bytes=secrets.token_bytes),
            LocalZone(self._records),
            mail,
            names=Names(dkim_zone="dkim.sesame.test", public_url="http://sesame.test"),
            clock=self.clock,
            log=Log(sys.stderr, as_json=True, clock=self.clock),
            executor=executor,
            new_token=lambda: secrets.token_urlsafe(32),
            new_dkim_token=lambda: secrets.token_hex(16),
            auto_publish=False,
            accepted=lambda: None,
        )

    async def _records(self, name: str, kind: str) -> list[str]:
        if self.is_dns_broken:
            raise DnsFailure("SERVFAIL")
        return [value for n, k, value in self.zone if (n, k) == (name, kind)]

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


def with_verification(tmp_path: Path, function: Callable[[Fixture], Awaitable[None]]) -> None:
    async def session() -> None:
        store = SqliteStore(tmp_path / "db")
        executor = ThreadPoolExecutor(1)
        account = accounts.Account(
            account_id=ACCOUNT, name="", production=True, max_24_hour_send=1, max_send_rate=1, created_at=0
        )
        try:
            await store.write(lambda tx: accounts.create(tx, account))
            await function(Fixture(store, executor))
        finally:
            executor.shutdown()
            store.close()

    asyncio.run(session())


SUCCESS, PENDING, FAILED = VerificationStatus.SUCCESS, VerificationStatus.PENDING, VerificationStatus.FAILED


def test_a_domain_is_verified_by_its_token_and_no_other(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        identity = await f.verification.start_domain(ACCOUNT, REGION, "example.com")
        f.zone.add(("_amazonses.example.com", "TXT", "somebody else's"))
        assert await f.verification.check_pending() == 0
        f.zone.add(("_amazonses.example.com", "TXT", identity.verification_token))
        assert await f.verification.check_pending() == 1
        assert (await f.identity()).verification is SUCCESS

    with_verification(tmp_path, check)


def test_dkim_needs_all_three_names_and_verifies_the_domain_too(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        identity = await f.verification.start_dkim(ACCOUNT, REGION, "example.com")
        assert len(identity.dkim_tokens) == 3
        records = [r for r in await f.verification.records(identity) if not r[0].startswith("_amazonses")]
        f.zone.update(records[:-1])
        assert await f.verification.check_pending() == 0
        f.zone.update(records)
        assert await f.verification.check_pending() == 1
        found = await f.identity()
        assert (found.verification, found.dkim_status) == (SUCCESS, SUCCESS)

    with_verification(tmp_path, check)


def test_dns_that_cannot_say_changes_nothing(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await f.verification.start_domain(ACCOUNT, REGION, "example.com")
        f.is_dns_broken = True
        assert await f.verification.check_pending() == 0
        assert (await f.identity()).verification is PENDING

    with_verification(tmp_path, check)


def test_a_domain_fails_after_72_hours_and_can_begin_again(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        first = await f.verification.start_domain(ACCOUNT, REGION, "example.com")
        f.clock.advance(72 * HOUR)
        assert await f.verification.check_pending() == 0
        f.clock.advance(1)
        assert await f.verification.check_pending() == 1
        assert (await f.identity()).verification is FAILED
        again = await f.verification.start_domain(ACCOUNT, REGION, "example.com")
        assert (again.verification, again.verification_token) == (PENDING, first.verification_token)
        assert await f.verification.check_pending() == 0

    with_verification(tmp_path, check)


def test_the_mailed_link_verifies_once_followed_within_24_hours(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await f.verification.start_address(ACCOUNT, REGION, "news@example.com")
        token = await f.mailed_link_token()
        f.clock.advance(24 * HOUR)
        assert await f.verification.confirm(token) == "news@example.com"
        assert (await f.identity("news@example.com")).verification is SUCCESS

    with_verification(tmp_path, check)


def test_a_link_is_no_good_after_24_hours_or_when_a_newer_one_was_mailed(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await f.verification.start_address(ACCOUNT, REGION, "news@example.com")
        old = await f.mailed_link_token()
        await f.verification.start_address(ACCOUNT, REGION, "news@example.com")
        new = await f.mailed_link_token()
        assert await f.verification.confirm(old) is None
        f.clock.advance(24 * HOUR + 1)
        assert await f.verification.confirm(new) is None
        assert (await f.identity("news@example.com")).verification is PENDING
        assert await f.verification.confirm("") is None

    with_verification(tmp_path, check)


def test_a_domains_token_is_no_link(tmp_path: Path) -> None:
    """The TXT token is public in DNS; it must not verify by being visited."""

    async def check(f: Fixture) -> None:
        identity = await f.verification.start_domain(ACCOUNT, REGION, "example.com")
        assert await f.verification.confirm(identity.verification_token) is None
        assert (await f.identity()).verification is PENDING

    with_verification(tmp_path, check)


def test_the_private_key_is_not_in_clear_in_the_database(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await f.verification.start_dkim(ACCOUNT, REGION, "example.com")

        async def key(tx: Transaction) -> bytes:
            row = await tx.one("SELECT sealed_private_key FROM dkim_key")
            assert row is not None
            return bytes(row[0])

        sealed = await f.store.read(key)
        assert b"PRIVATE" not in sealed
        assert sealed[:1] != b"0"  # no DER sequence

    with_verification(tmp_path, check)


def test_two_requests_for_dkim_at_once_make_one_key(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        both = await asyncio.gather(
            *(f.verification.start_dkim(ACCOUNT, REGION, "example.com") for _ in range(4))
        )
        assert len({identity.dkim_tokens for identity in both}) == 1
        key = await f.store.read(lambda tx: identities.get_dkim_key(tx, ACCOUNT, REGION, "example.com"))
        assert key is not None
        assert key.selector == both[0].dkim_tokens[0]

    with_verification(tmp_path, check)


def test_the_operators_word_verifies_and_makes_the_identity(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        identity = await f.verification.vouch(ACCOUNT, REGION, "example.com", IdentityKind.DOMAIN)
        assert identity.verification is SUCCESS
        assert json.dumps(identity.dkim_tokens) == "[]"

    with_verification(tmp_path, check)
