"""Quota and rate: counted in the transaction, never exceeded, given back after 24 hours."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from sesame.access import quota
from sesame.db.sqlite import SqliteStore
from sesame.errors import Throttling
from sesame.model import AccountId
from sesame.sending.accept import Acceptance, StaleDecision, accept
from sesame.store import accounts
from sesame.store.accounts import RegionState
from tests.support.spooled import message
from tests.support.stored_accounts import an_account

ACCOUNT, REGION = AccountId("111111111111"), "us-east-1"
DAY = 86_400.0


def acceptance(recipients: int, *, at: float, to_quota: int | None = None, epoch: int = 0) -> Acceptance:
    """A message to so many, decided under `epoch` of one scope."""
    addresses = [f"r{n}@one.test" for n in range(recipients)]
    owned = {"account_id": ACCOUNT, "owner_account_id": ACCOUNT, "region": REGION}
    return Acceptance(
        message=message(secrets.token_hex(8), *addresses, at=at, **owned),
        epochs={"account:1": epoch},
        set_name=None,
        is_default=False,
        to_quota=recipients if to_quota is None else to_quota,
    )


class Fixture:
    """An account with the given limits."""

    def __init__(self, store: SqliteStore) -> None:
        self.store = store

    async def reserve(
        self, recipients: int, *, now: float, to_quota: int | None = None, epoch: int = 0
    ) -> None:
        await self.store.write_together(
            accept, acceptance(recipients, at=now, to_quota=to_quota, epoch=epoch)
        )

    async def state(self, *, now: float) -> RegionState:
        state = await self.store.write(lambda tx: quota.current_state(tx, (ACCOUNT, REGION), now=now))
        assert state is not None
        return state


def with_account(
    tmp_path: Path, max_24: float, rate: float, function: Callable[[Fixture], Awaitable[None]]
) -> None:
    async def session() -> None:
        store = SqliteStore(tmp_path / "db")
        account = an_account(ACCOUNT, max_24_hour_send=max_24, max_send_rate=rate)
        try:
            await store.write(lambda tx: accounts.create(tx, account))
            await function(Fixture(store))
        finally:
            store.close()

    asyncio.run(session())


def test_the_last_recipient_of_the_quota_passes_and_the_next_does_not(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await f.reserve(7, now=1000.0)
        await f.reserve(3, now=1000.0)
        with pytest.raises(Throttling, match=r"Daily message quota exceeded\."):
            await f.reserve(1, now=1000.0)
        assert (await f.state(now=1000.0)).sent_last_24_hours == 10

    with_account(tmp_path, 10, 1000, check)


def test_a_message_that_would_overshoot_is_refused_and_uses_nothing(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await f.reserve(9, now=1000.0)
        with pytest.raises(Throttling):
            await f.reserve(2, now=1000.0)
        await f.reserve(1, now=1000.0)

    with_account(tmp_path, 10, 1000, check)


def test_many_at_once_never_exceed_the_quota(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        results = await asyncio.gather(
            *(f.reserve(1, now=1000.0) for _ in range(100)), return_exceptions=True
        )
        assert sum(result is None for result in results) == 37
        assert (await f.state(now=1000.0)).sent_last_24_hours == 37

    with_account(tmp_path, 37, 1000, check)


def test_usage_leaves_the_window_after_24_hours_and_not_before(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        start = 60_000.0 * 60
        await f.reserve(10, now=start)
        with pytest.raises(Throttling):
            await f.reserve(1, now=start + DAY - 1)
        await f.reserve(10, now=start + DAY + 60)
        assert (await f.state(now=start + DAY + 60)).sent_last_24_hours == 10

    with_account(tmp_path, 10, 1000, check)


def test_the_rate_lets_a_message_through_and_then_waits_out_its_debt(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await f.reserve(5, now=1000.0)
        with pytest.raises(Throttling, match=r"Maximum sending rate exceeded\."):
            await f.reserve(1, now=1003.9)
        await f.reserve(1, now=1004.1)

    with_account(tmp_path, -1, 1, check)


@pytest.mark.parametrize(("rate", "recipients", "to_quota"), [(0, 1, 1), (0, 1, 0), (0, 50, 50), (-1, 1, 1)])
def test_a_rate_of_nothing_lets_nothing_through(
    tmp_path: Path, rate: float, recipients: int, to_quota: int
) -> None:
    """Not the first message, nor one after a long while, nor one to the simulator."""

    async def check(f: Fixture) -> None:
        for now in (1000.0, 1000.0, 1010.0, 1e6):
            with pytest.raises(Throttling, match=r"Maximum sending rate exceeded\."):
                await f.reserve(recipients, now=now, to_quota=to_quota)
        assert (await f.state(now=1e6)).sent_last_24_hours == 0

    with_account(tmp_path, -1, rate, check)


def test_a_rate_that_is_set_to_nothing_takes_what_was_saved(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        async def set_rate(rate: float) -> None:
            await f.store.write(
                lambda tx: accounts.set_quota(tx, ACCOUNT, None, max_24_hour_send=None, max_send_rate=rate)
            )

        await f.reserve(1, now=1000.0)
        await set_rate(0)
        for now in (1000.0, 2000.0):
            with pytest.raises(Throttling):
                await f.reserve(1, now=now)
        await set_rate(0.5)
        await f.reserve(1, now=2000.0)
        with pytest.raises(Throttling):
            await f.reserve(1, now=2000.0)
        await f.reserve(1, now=2002.1)

    with_account(tmp_path, -1, 10, check)


def test_a_daily_quota_of_nothing_lets_the_simulator_alone_through(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        with pytest.raises(Throttling, match=r"Daily message quota exceeded\."):
            await f.reserve(1, now=1000.0)
        await f.reserve(1, now=1000.0, to_quota=0)

    with_account(tmp_path, 0, 10, check)


def test_a_clock_that_goes_back_gives_no_tokens(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        await f.reserve(5, now=1000.0)
        with pytest.raises(Throttling):
            await f.reserve(1, now=10.0)

    with_account(tmp_path, -1, 1, check)


def test_requests_that_commit_out_of_order_do_not_earn_the_same_time_twice(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        for number in range(10):  # in turn one that came in now and one that came in half a second ago
            await f.reserve(1, now=1000.0 - number % 2 / 2)
        for now in (1000.0, 999.5):
            with pytest.raises(Throttling, match=r"Maximum sending rate exceeded\."):
                await f.reserve(1, now=now)

    with_account(tmp_path, 1_000_000, 10, check)


def test_minus_one_is_unlimited_and_simulator_recipients_do_not_count(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        for _ in range(3):
            await f.reserve(50, now=1000.0)
        await f.reserve(5, now=1000.0, to_quota=0)
        assert (await f.state(now=1000.0)).sent_last_24_hours == 150

    with_account(tmp_path, -1, 1000, check)


def test_what_left_the_window_is_given_back_though_a_refusal_came_first(tmp_path: Path) -> None:
    """A refusal in the first seconds of a minute does not keep the rest of the minute from what is free again."""

    async def check(f: Fixture) -> None:
        start = 60_000.0 * 60
        await f.reserve(40, now=start)
        await f.reserve(60, now=start + 3600)
        later = start + DAY + 60
        with pytest.raises(Throttling):
            await f.reserve(100, now=later)
        with pytest.raises(StaleDecision):
            await f.reserve(1, now=later, epoch=1)
        results = await asyncio.gather(
            *(f.reserve(1, now=later + n / 2) for n in range(60)), return_exceptions=True
        )
        assert sum(result is None for result in results) == 40
        assert (await f.state(now=later + 40)).sent_last_24_hours == 100

    with_account(tmp_path, 100, 1000, check)


def test_two_that_expire_at_once_count_down_once(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        start = 60_000.0 * 60
        await f.reserve(50, now=start)
        await f.reserve(50, now=start + 3600)
        later = start + DAY + 60
        states = await asyncio.gather(*(f.state(now=later) for _ in range(4)))
        assert [state.sent_last_24_hours for state in states] == [50] * 4

    with_account(tmp_path, 100, 1000, check)
