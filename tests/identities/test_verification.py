"""Verification of identities against a clock and a DNS that tests move."""

import asyncio
import json
from pathlib import Path

from sesame.db import Transaction
from sesame.identities.verification import Confirmation
from sesame.model import IdentityKind, VerificationStatus
from sesame.store import custom_verification, dkim_keys
from tests.support.identity_world import ACCOUNT, HOUR, REGION, Fixture, with_verification

SUCCESS, PENDING, FAILED = VerificationStatus.SUCCESS, VerificationStatus.PENDING, VerificationStatus.FAILED


def test_a_domain_is_verified_by_its_token_and_no_other(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        identity = await f.verification.start_domain(f.act, ACCOUNT, REGION, "example.com")
        f.zone.add(("_amazonses.example.com", "TXT", "somebody else's"))
        assert await f.checks.check_due() == 0
        f.zone.add(("_amazonses.example.com", "TXT", identity.verification_token))
        assert await f.checks.check_due() == 1
        assert (await f.identity()).verification is SUCCESS

    with_verification(tmp_path, check)


def test_dkim_needs_all_three_names_and_verifies_the_domain_too(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        identity = await f.verification.start_dkim(f.act, ACCOUNT, REGION, "example.com")
        assert len(identity.dkim_tokens) == 3
        records = [r for r in await f.records(identity) if not r[0].startswith("_amazonses")]
        f.zone.update(records[:-1])
        assert await f.checks.check_due() == 0
        f.zone.update(records)
        assert await f.checks.check_due() == 1
        found = await f.identity()
        assert (found.verification, found.dkim_status) == (SUCCESS, SUCCESS)

    with_verification(tmp_path, check)


def test_dns_that_cannot_say_changes_nothing(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await f.verification.start_domain(f.act, ACCOUNT, REGION, "example.com")
        f.is_dns_broken = True
        assert await f.checks.check_due() == 0
        assert (await f.identity()).verification is PENDING

    with_verification(tmp_path, check)


def test_a_domain_fails_after_72_hours_and_can_begin_again(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        first = await f.verification.start_domain(f.act, ACCOUNT, REGION, "example.com")
        f.clock.advance(72 * HOUR)
        assert await f.checks.check_due() == 0
        f.clock.advance(1)
        assert await f.checks.check_due() == 1
        assert (await f.identity()).verification is FAILED
        again = await f.verification.start_domain(f.act, ACCOUNT, REGION, "example.com")
        assert (again.verification, again.verification_token) == (PENDING, first.verification_token)
        assert await f.checks.check_due() == 0

    with_verification(tmp_path, check)


def test_the_mailed_link_verifies_once_followed_within_24_hours(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await f.verification.start_address(f.act, ACCOUNT, REGION, "news@example.com")
        token = await f.mailed_link_token()
        f.clock.advance(24 * HOUR)
        assert (await f.verification.confirm(token)).address == "news@example.com"
        assert (await f.identity("news@example.com")).verification is SUCCESS

    with_verification(tmp_path, check)


def test_a_link_is_no_good_after_24_hours_or_when_a_newer_one_was_mailed(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await f.verification.start_address(f.act, ACCOUNT, REGION, "news@example.com")
        old = await f.mailed_link_token()
        await f.verification.start_address(f.act, ACCOUNT, REGION, "news@example.com")
        new = await f.mailed_link_token()
        assert await f.verification.confirm(old) == Confirmation(address=None)
        f.clock.advance(24 * HOUR + 1)
        assert await f.verification.confirm(new) == Confirmation(address=None)
        assert (await f.identity("news@example.com")).verification is PENDING
        assert await f.verification.confirm("") == Confirmation(address=None)

    with_verification(tmp_path, check)


def test_the_link_of_a_custom_mail_leads_on_by_whether_it_came_in_time(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        redirect = custom_verification.Redirect(
            success_url="https://a.test/yes", failure_url="https://a.test/no"
        )
        tokens = [f.verification.new_token() for _ in range(2)]

        async def accept(tx: Transaction) -> None:
            for number, token in enumerate(tokens):
                address, at = f"{number}@example.com", f.clock.now()
                await f.verification.await_click(tx, ACCOUNT, REGION, address, token=token, at=at)
                await custom_verification.keep_redirect(tx, token, redirect, at=at)

        await f.store.write(accept)
        f.clock.advance(24 * HOUR)
        in_time = Confirmation(address="0@example.com", redirect="https://a.test/yes")
        assert await f.verification.confirm(tokens[0]) == in_time
        f.clock.advance(1)
        assert await f.verification.confirm(tokens[1]) == Confirmation(
            address=None, redirect="https://a.test/no"
        )
        assert await f.verification.confirm(tokens[0]) == in_time, "verified before, by this very link"

    with_verification(tmp_path, check)


def test_a_domains_token_is_no_link(tmp_path: Path) -> None:
    """The TXT token is public in DNS; it must not verify by being visited."""

    async def check(f: Fixture) -> None:
        identity = await f.verification.start_domain(f.act, ACCOUNT, REGION, "example.com")
        assert await f.verification.confirm(identity.verification_token) == Confirmation(address=None)
        assert (await f.identity()).verification is PENDING

    with_verification(tmp_path, check)


def test_the_private_key_is_not_in_clear_in_the_database(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await f.verification.start_dkim(f.act, ACCOUNT, REGION, "example.com")

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
            *(f.verification.start_dkim(f.act, ACCOUNT, REGION, "example.com") for _ in range(4))
        )
        assert len({identity.dkim_tokens for identity in both}) == 1
        key = await f.store.read(lambda tx: dkim_keys.get(tx, ACCOUNT, REGION, "example.com"))
        assert key is not None
        assert key.selector == both[0].dkim_tokens[0]

    with_verification(tmp_path, check)


def test_the_operators_word_verifies_and_makes_the_identity(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        identity = await f.verification.vouch(ACCOUNT, REGION, "example.com", IdentityKind.DOMAIN)
        assert identity.verification is SUCCESS
        assert json.dumps(identity.dkim_tokens) == "[]"

    with_verification(tmp_path, check)
