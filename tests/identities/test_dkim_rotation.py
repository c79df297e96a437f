"""Easy DKIM keys get successors, and what the key before signed still verifies."""

from dataclasses import replace
from pathlib import Path

from sesame.identities.dkim_rotation import DkimRotation
from sesame.model import VerificationStatus
from sesame.store import dkim_keys
from tests.identities.test_settings import easy, key_of
from tests.support.identity_world import ACCOUNT, HOUR, REGION, Fixture, with_verification

MONTH_S = 30 * 24 * HOUR


def rotation(f: Fixture, after_s: float = MONTH_S) -> DkimRotation:
    return DkimRotation(f.store, f.keys, f.checks, acts=f.acts, clock=f.clock, after_s=after_s)


async def next_key(f: Fixture) -> dkim_keys.DkimKey | None:
    return await f.store.read(lambda tx: dkim_keys.get_next(tx, ACCOUNT, REGION, "example.com"))


def test_an_old_key_gets_a_successor_that_signs_once_it_is_published(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        identity = await easy(f)
        first = await key_of(f)
        f.clock.advance(MONTH_S - 1)
        assert await rotation(f).rotate_due() == 0
        f.clock.advance(1)
        assert await rotation(f).rotate_due() == 1
        await f.checks.check_due()
        assert await key_of(f) == first, "nobody can see the next one yet"
        assert await rotation(f).rotate_due() == 0, "one successor at a time"
        await f.publish(await f.identity())
        await f.checks.check_due()
        second = await key_of(f)
        assert (second.selector, second.key_bits) == (identity.dkim_tokens[1], first.key_bits)
        assert (second.previous_selector, second.previous_public_key) == (first.selector, first.public_key)
        assert not second.length_changed, "the owner may still change the length at once"
        records = {record[0]: record[2] for record in await f.records(await f.identity())}
        assert first.public_key in records[f"{first.selector}.dkim.sesame.test"]

    with_verification(tmp_path, check)


def test_each_of_the_three_tokens_has_its_turn(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        identity = await easy(f)
        seen = [(await key_of(f)).selector]
        for _ in range(3):
            f.clock.advance(MONTH_S)
            await rotation(f).rotate_due()
            await f.publish(await f.identity())
            await f.checks.check_due()
            seen.append((await key_of(f)).selector)
        assert seen == [*identity.dkim_tokens, identity.dkim_tokens[0]]

    with_verification(tmp_path, check)


def test_nothing_rotates_by_default_nor_before_the_domain_is_good(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await f.verification.start_dkim(f.act, ACCOUNT, REGION, "example.com")
        f.clock.advance(MONTH_S)
        assert await rotation(f).rotate_due() == 0
        await f.publish(await f.identity())
        await f.checks.check_due()
        assert await rotation(f, after_s=0).rotate_due() == 0
        assert await next_key(f) is None
        assert await rotation(f).rotate_due() == 1

    with_verification(tmp_path, check)


async def ed25519_key(f: Fixture) -> dkim_keys.Ed25519Key | None:
    return await f.store.read(lambda tx: dkim_keys.get_ed25519(tx, ACCOUNT, REGION, "example.com"))


def test_an_ed25519_key_has_a_record_of_its_own_and_signs_while_that_is_there(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        identity = await f.verification.start_dkim(f.act, ACCOUNT, REGION, "example.com")
        three = [record for record in await f.records(identity) if "ed25519" not in record[0] + record[2]]
        f.zone = set(three)
        await f.checks.check_due()
        found = await f.identity()
        assert found.dkim_status is VerificationStatus.SUCCESS, "nothing waits for the fourth record"
        key = await ed25519_key(f)
        assert key is not None and not key.is_seen
        token = identity.dkim_tokens[0]
        fourth = [record for record in await f.records(identity) if record not in three]
        assert fourth == [
            (f"{token}-ed25519._domainkey.example.com", "CNAME", f"{token}-ed25519.dkim.sesame.test"),
            (f"{token}-ed25519.dkim.sesame.test", "TXT", f"v=DKIM1; k=ed25519; p={key.public_key}"),
        ]
        f.zone |= {*fourth, (fourth[0][0], "TXT", fourth[1][2])}
        assert await f.checks.check_now(ACCOUNT, REGION, "example.com")
        assert (await ed25519_key(f)) == replace(key, is_seen=True)
        assert not await f.checks.check_now(ACCOUNT, REGION, "example.com"), "nothing is new"
        f.is_dns_broken = True
        await f.checks.check_now(ACCOUNT, REGION, "example.com")
        assert (await ed25519_key(f)) == replace(key, is_seen=True), "DNS that cannot say settles nothing"
        f.is_dns_broken = False
        f.zone = set(three)
        await f.checks.check_now(ACCOUNT, REGION, "example.com")
        assert (await ed25519_key(f)) == key
        assert (await f.identity()).dkim_status is VerificationStatus.SUCCESS

    with_verification(tmp_path, check, with_ed25519=True)


def test_domains_that_were_there_before_the_setting_get_their_ed25519_key(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        identity = await easy(f)
        assert await rotation(f).add_missing() == 0
        assert await ed25519_key(f) is None
        f.keys.with_ed25519 = True
        assert await rotation(f).add_missing() == 1
        assert await rotation(f).add_missing() == 0
        key = await ed25519_key(f)
        assert key is not None and key.selector == f"{identity.dkim_tokens[0]}-ed25519"

    with_verification(tmp_path, check)


def test_the_ed25519_key_outlives_a_change_of_the_rsa_key(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await easy(f)
        key = await ed25519_key(f)
        f.clock.advance(MONTH_S)
        await rotation(f).rotate_due()
        await f.publish(await f.identity())
        await f.checks.check_due()
        found = await ed25519_key(f)
        assert key is not None and found is not None
        assert (found.selector, found.public_key) == (key.selector, key.public_key)

    with_verification(tmp_path, check, with_ed25519=True)
