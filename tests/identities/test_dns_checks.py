"""Re-checks of what was verified, and MAIL FROM domains, against a clock and a DNS that tests move."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sesame.db import epoch, identities_scope
from sesame.identities.dns_checks import DNS_WAIT_S, next_status
from sesame.model import Identity, IdentityKind, MailFrom, OnMxFailure, VerificationStatus
from sesame.store import identities, identity_checks, mail_from
from tests.support.identity_world import ACCOUNT, HOUR, RECHECK_S, REGION, Fixture, with_verification

Status = VerificationStatus
SUCCESS, PENDING, FAILED, LOST = Status.SUCCESS, Status.PENDING, Status.FAILED, Status.TEMPORARY_FAILURE
MX = ("mail.example.com", "MX", "10 mx1.sesame.test")
SPF = ("mail.example.com", "TXT", "v=spf1 include:bounces.sesame.test ~all")


async def verified(f: Fixture) -> Identity:
    """example.com with Easy DKIM, published and seen."""
    await f.publish(await f.verification.start_dkim(f.act, ACCOUNT, REGION, "example.com"))
    assert await f.checks.check_due() == 1
    return await f.identity()


async def states(f: Fixture) -> tuple[Status, Status]:
    found = await f.identity()
    return found.verification, found.dkim_status


async def record(f: Fixture) -> identity_checks.CheckRecord:
    return await f.store.read(lambda tx: identity_checks.last(tx, ACCOUNT, REGION, "example.com"))


async def mail_from_of(f: Fixture) -> MailFrom | None:
    return await f.store.read(lambda tx: mail_from.get(tx, ACCOUNT, REGION, "example.com"))


async def current_epoch(f: Fixture) -> int:
    return await f.store.read(lambda tx: epoch(tx, identities_scope(ACCOUNT, REGION)))


def test_lost_records_leave_72_hours_and_then_fail(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await verified(f)
        f.zone.clear()
        assert await f.checks.check_due() == 0  # not due yet
        f.clock.advance(RECHECK_S)
        assert await f.checks.check_due() == 1
        assert await states(f) == (LOST, LOST)
        f.clock.advance(72 * HOUR)
        assert await f.checks.check_due() == 0
        f.clock.advance(1)
        assert await f.checks.check_due() == 1
        assert await states(f) == (FAILED, FAILED)

    with_verification(tmp_path, check)


def test_records_that_come_back_are_found_in_the_next_pass(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await verified(f)
        kept = set(f.zone)
        f.zone.clear()
        f.clock.advance(RECHECK_S)
        await f.checks.check_due()
        f.zone |= kept
        f.clock.advance(60)
        assert await f.checks.check_due() == 1
        assert await states(f) == (SUCCESS, SUCCESS)

    with_verification(tmp_path, check)


def test_a_domain_holds_by_its_token_when_dkim_is_lost(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await verified(f)
        f.zone = {entry for entry in f.zone if entry[0].startswith("_amazonses.")}
        f.clock.advance(RECHECK_S)
        await f.checks.check_due()
        assert await states(f) == (SUCCESS, LOST)

    with_verification(tmp_path, check)


def test_dns_that_cannot_say_takes_nothing_away(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await verified(f)
        f.is_dns_broken = True
        f.clock.advance(RECHECK_S)
        assert await f.checks.check_due() == 0
        assert await states(f) == (SUCCESS, SUCCESS)
        assert (await record(f)).error == "DNS_SERVER_ERROR"

    with_verification(tmp_path, check)


def test_the_operators_word_is_not_looked_up_again(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await f.verification.vouch(ACCOUNT, REGION, "example.com", IdentityKind.DOMAIN)
        f.clock.advance(RECHECK_S)
        assert await f.checks.check_due() == 0
        f.clock.advance(RECHECK_S)
        assert await f.checks.check_due() == 0
        assert (await f.identity()).verification is SUCCESS

    with_verification(tmp_path, check)


def test_the_record_of_checks_tells_when_and_what_was_wrong(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        identity = await f.verification.start_domain(f.act, ACCOUNT, REGION, "example.com")
        assert await record(f) == identity_checks.CheckRecord(checked_at=None, proved_at=None, error=None)
        at = f.clock.now()
        for zone, error in (
            (set(), "HOST_NOT_FOUND"),
            ({("_amazonses.example.com", "A", "192.0.2.1")}, "TYPE_NOT_FOUND"),
            ({("_amazonses.example.com", "TXT", "another")}, "INVALID_VALUE"),
        ):
            f.zone = zone
            await f.checks.check_due()
            assert await record(f) == identity_checks.CheckRecord(checked_at=at, proved_at=None, error=error)
        await f.publish(identity)
        f.clock.advance(60)
        await f.checks.check_due()
        assert await record(f) == identity_checks.CheckRecord(
            checked_at=at + 60, proved_at=at + 60, error=None
        )
        f.zone.clear()
        f.clock.advance(RECHECK_S)
        await f.checks.check_due()
        assert await record(f) == identity_checks.CheckRecord(
            checked_at=at + 60 + RECHECK_S, proved_at=at + 60, error="HOST_NOT_FOUND"
        )

    with_verification(tmp_path, check)


def test_a_look_up_that_finds_nothing_new_leaves_decisions_in_force(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await verified(f)
        before = await current_epoch(f)
        f.clock.advance(RECHECK_S)
        await f.checks.check_due()
        assert await current_epoch(f) == before

    with_verification(tmp_path, check)


async def with_mail_from(f: Fixture, on_mx_failure: OnMxFailure = OnMxFailure.USE_DEFAULT_VALUE) -> None:
    identity = await f.verification.start_domain(f.act, ACCOUNT, REGION, "example.com")
    await f.settings.set_mail_from(f.act, identity, "mail.example.com", on_mx_failure=on_mx_failure)


def test_a_mail_from_domain_needs_one_mx_of_ours_and_spf_that_allows_us(tmp_path: Path) -> None:
    other_mx = ("mail.example.com", "MX", "20 mx.elsewhere.test")
    zones: list[tuple[set[tuple[str, str, str]], VerificationStatus]] = [
        (set(), PENDING),
        ({MX}, PENDING),
        ({SPF}, PENDING),
        ({MX, other_mx, SPF}, PENDING),
        ({other_mx, SPF}, PENDING),
        ({MX, SPF, ("mail.example.com", "TXT", "v=spf1 -all")}, PENDING),
        ({MX, ("mail.example.com", "TXT", "v=spf1 ip4:192.0.2.1 -all")}, PENDING),
        ({MX, ("mail.example.com", "TXT", "V=SPF1 a Include:bounces.sesame.TEST -all")}, SUCCESS),
    ]

    async def check(f: Fixture) -> None:
        await with_mail_from(f)
        for zone, status in zones:
            f.zone = zone
            await f.checks.check_due()
            assert (await mail_from_of(f)) == MailFrom(
                domain="mail.example.com", on_mx_failure=OnMxFailure.USE_DEFAULT_VALUE, status=status
            )

    with_verification(tmp_path, check)


def test_a_mail_from_domain_goes_through_its_states(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        async def status() -> VerificationStatus:
            found = await mail_from_of(f)
            assert found is not None
            return found.status

        await with_mail_from(f)
        f.zone |= {MX, SPF}
        await f.checks.check_due()
        assert await status() is SUCCESS
        f.zone.clear()
        f.clock.advance(RECHECK_S)
        before = await current_epoch(f)
        await f.checks.check_due()
        assert await status() is LOST
        assert await current_epoch(f) > before  # decisions that rest on it are taken again
        f.zone |= {MX, SPF}
        await f.checks.check_due()
        assert await status() is SUCCESS
        f.zone.clear()
        f.clock.advance(RECHECK_S)
        await f.checks.check_due()
        f.clock.advance(72 * HOUR + 1)
        await f.checks.check_due()
        assert await status() is FAILED
        f.zone |= {MX, SPF}
        await f.checks.check_due()
        assert await status() is FAILED  # only a new set-up helps
        await with_mail_from(f)
        assert await status() is PENDING
        await f.checks.check_due()
        assert await status() is SUCCESS

    with_verification(tmp_path, check)


def test_the_same_domain_again_changes_only_the_behaviour(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await with_mail_from(f)
        f.zone |= {MX, SPF}
        await f.checks.check_due()
        await with_mail_from(f, OnMxFailure.REJECT_MESSAGE)
        found = await mail_from_of(f)
        assert found is not None
        assert (found.status, found.on_mx_failure) == (SUCCESS, OnMxFailure.REJECT_MESSAGE)

    with_verification(tmp_path, check)


def test_a_mail_from_domain_goes_with_its_identity(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await with_mail_from(f)
        identity = await f.identity()
        place = identity.account_id, identity.region, identity.name
        assert await f.store.read(lambda tx: mail_from.get(tx, *place)) is not None
        await f.store.write(lambda tx: identities.delete(tx, identity))
        assert await f.store.read(lambda tx: mail_from.get(tx, *place)) is None

    with_verification(tmp_path, check)


@given(
    status=st.sampled_from(VerificationStatus),
    is_there=st.sampled_from([True, False, None]),
    waited=st.floats(0, 2 * DNS_WAIT_S),
)
def test_no_state_is_lost_without_a_definite_no_nor_won_without_a_yes(
    status: VerificationStatus, is_there: bool | None, waited: float
) -> None:
    after = next_status(status, is_there, started_at=0.0, now=waited)
    if after is SUCCESS and status is not SUCCESS:
        assert is_there and status in (PENDING, LOST)
    if status is SUCCESS and after is not SUCCESS:
        assert (after, is_there) == (LOST, False)
    if after is FAILED and status is not FAILED:
        assert waited > DNS_WAIT_S
        assert status in (PENDING, LOST)
    if status in (FAILED, Status.NOT_STARTED):
        assert after is status


@pytest.mark.parametrize("status", [PENDING, LOST])
def test_waiting_ends_after_72_hours(status: VerificationStatus) -> None:
    assert next_status(status, False, started_at=0.0, now=DNS_WAIT_S) is status
    assert next_status(status, False, started_at=0.0, now=DNS_WAIT_S + 1) is FAILED
