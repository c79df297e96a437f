"""The owner's bounds on a delegate, by rule: whom they hold for, and that no second or day holds more than a cap."""

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sesame.access.bounds import EXPIRED, PAUSED, charge, stopped_by, that_hold
from sesame.errors import DailyQuotaExceeded, Throttling
from sesame.model import AccountId, Principal, PrincipalKind
from sesame.store.delegate_bounds import NO_USE, Amount, Bounds, Use

OWNER, SENDER = "111111111111", AccountId("222222222222")
NOON = 1_700_000_000.0
BOUNDS = Bounds(seq=1, owner_account_id=OWNER, region="us-east-1", identity="one.test", delegate=SENDER)


def principal(kind: PrincipalKind, arn: str, role_arn: str | None = None) -> Principal:
    return Principal(kind=kind, account_id=SENDER, arn=arn, user_id="x", name="x", role_arn=role_arn)


USER = principal(PrincipalKind.USER, f"arn:aws:iam::{SENDER}:user/team/app")
ROOT = principal(PrincipalKind.ROOT, f"arn:aws:iam::{SENDER}:root")
SESSION = principal(
    PrincipalKind.ROLE,
    f"arn:aws:sts::{SENDER}:assumed-role/mailer/one",
    role_arn=f"arn:aws:iam::{SENDER}:role/mailer",
)
GUEST = replace(
    principal(PrincipalKind.FEDERATED, f"arn:aws:sts::{SENDER}:federated-user/guest"),
    issuer_arn=f"arn:aws:iam::{SENDER}:user/team/app",
)
SERVICE = principal(PrincipalKind.SERVICE, "app.amazonaws.com")


@pytest.mark.parametrize(
    ("delegate", "held"),
    [
        (SENDER, {"user", "root", "session", "service", "guest"}),
        (f"arn:aws:iam::{SENDER}:user/team/app", {"user", "guest"}),
        (f"arn:aws:sts::{SENDER}:federated-user/guest", {"guest"}),
        (f"arn:aws:iam::{SENDER}:user/app", set()),
        (f"arn:aws:iam::{SENDER}:role/mailer", {"session"}),
        (f"arn:aws:sts::{SENDER}:assumed-role/mailer/one", set()),
        ("app.amazonaws.com", {"service"}),
        ("333333333333", set()),
    ],
)
def test_bounds_hold_for_the_account_or_the_principal_that_they_name(delegate: str, held: set[str]) -> None:
    senders = {"user": USER, "root": ROOT, "session": SESSION, "service": SERVICE, "guest": GUEST}
    named = replace(BOUNDS, delegate=delegate)
    assert {name for name, one in senders.items() if that_hold([named], one)} == held


def test_a_pause_and_a_date_that_has_come_stop_a_sender_and_a_later_date_does_not() -> None:
    assert stopped_by([BOUNDS], at=NOON) is None
    assert stopped_by([replace(BOUNDS, expires_at=NOON + 0.1)], at=NOON) is None
    expired, paused = replace(BOUNDS, expires_at=NOON), replace(BOUNDS, paused_at=NOON + 9)
    assert stopped_by([BOUNDS, expired], at=NOON) == (EXPIRED, expired)
    assert stopped_by([paused], at=NOON) == (PAUSED, paused)


@pytest.mark.parametrize("cap", ["messages", "recipients", "bytes"])
def test_the_last_that_fits_a_cap_of_a_day_passes_and_the_next_is_refused_with_what_explains_it(
    cap: str,
) -> None:
    bounds = replace(BOUNDS, **{f"{cap}_per_day": 2})  # type: ignore[arg-type]
    one = Amount(**{cap: 1})
    use = charge(bounds, charge(bounds, NO_USE, one, at=NOON), one, at=NOON)
    with pytest.raises(DailyQuotaExceeded, match=r"^Daily message quota exceeded\.$") as refused:
        charge(bounds, use, one, at=NOON)
    assert dict(refused.value.facts) == {
        "owner": OWNER,
        "identity": "one.test",
        "delegate": SENDER,
        "cap": f"{cap}-per-day",
        "limit": "2",
        "used": "2",
        "asked": "1",
    }


def test_a_cap_of_nothing_lets_nothing_through() -> None:
    with pytest.raises(DailyQuotaExceeded):
        charge(replace(BOUNDS, messages_per_day=0), NO_USE, Amount(1, 1, 1), at=NOON)


def accepted(rate: int, times: list[float]) -> list[float]:
    """The times of those messages that pass, in the order in which they commit."""
    bounds, use, passed = replace(BOUNDS, messages_per_second=rate), NO_USE, []
    for at in times:
        try:
            use = charge(bounds, use, Amount(1, 1, 1), at=at)
        except Throttling:
            continue
        passed.append(at)
    return passed


@example(rate=1, times=[NOON + 0.05, NOON + 1.04])
@example(rate=1, times=[NOON + 1.04, NOON + 0.05])
@given(
    rate=st.integers(1, 5),
    times=st.lists(st.integers(0, 4_000).map(lambda ms: NOON + ms / 1000), max_size=60),
)
def test_no_second_holds_more_messages_than_the_cap_in_whatever_order_they_commit(
    rate: int, times: list[float]
) -> None:
    passed = sorted(accepted(rate, times))
    for began in passed:
        assert sum(began <= at < began + 1 for at in passed) <= rate


def test_a_steady_sender_gets_nine_tenths_of_its_rate_and_a_burst_all_of_it_at_once() -> None:
    steady = [NOON + n / 10 for n in range(100)]
    assert len(accepted(10, steady)) >= 90
    assert accepted(10, [NOON] * 12) == [NOON] * 10
    assert len(accepted(10, [NOON] * 10 + [NOON + 1.1] * 10)) == 20


def test_what_a_clock_ahead_of_time_has_written_does_not_bar_the_sender() -> None:
    bounds = replace(BOUNDS, messages_per_second=1)
    ahead = charge(bounds, NO_USE, Amount(1, 1, 1), at=NOON + 3600)
    again = charge(bounds, ahead, Amount(1, 1, 1), at=NOON)
    assert again.slots == {int(NOON * 10): 1}


def test_few_slots_are_kept() -> None:
    bounds, use = replace(BOUNDS, messages_per_second=5), Use()
    for n in range(400):
        use = charge(bounds, use, Amount(1, 1, 1), at=NOON + n / 4)
    assert len(use.slots) <= 10 * 10 + 1
