"""Which addresses a pool has, and how much may go from each in a day, by the rules alone."""

import itertools

import pytest

from sesame.access.egress import DEFAULT_POOL, Egress, WarmupPlan
from sesame.model import SourceAddress
from sesame.store.egress import DAY_S, Assignment, Held

PLAN = WarmupPlan()
ONE, TWO = (
    SourceAddress(address=f"192.0.2.{n}", bind=f"192.0.2.{n}", hello="mx.test", accounts=("1",))
    for n in (1, 2)
)
WARM = SourceAddress(address="192.0.2.3", bind="10.0.0.3", hello="mx.test", accounts=("1",), is_warm=True)


def egress(**held: object) -> Egress:
    seen = {"192.0.2.1": 0.0, "192.0.2.2": 0.0, "192.0.2.3": 0.0}
    return Egress(sources=(ONE, TWO, WARM), held=Held(seen_at=seen, **held), plan=PLAN)  # type: ignore[arg-type]


def test_what_may_go_in_a_day_grows_by_the_same_factor_to_fifty_thousand_in_45_days() -> None:
    limits = [egress().daily_limit(ONE, now=day * DAY_S) for day in range(46)]
    assert (limits[0], limits[45]) == (50, None)
    grown = [limit for limit in limits if limit is not None]
    assert len(grown) == 45
    assert 40_000 < grown[-1] <= 50_000
    assert all(1.1 < later / earlier < 1.25 for earlier, later in itertools.pairwise(grown))


@pytest.mark.parametrize(("percentage", "limit"), [(0, 50), (50, 1581), (99.9, 49655), (100, None)])
def test_a_percentage_says_how_much(percentage: float, limit: int | None) -> None:
    assert PLAN.daily_limit(percentage) == limit


def test_what_an_account_says_of_an_address_goes_on_from_there() -> None:
    said = {ONE.address: Assignment(percentage=40, since=10 * DAY_S), TWO.address: Assignment(percentage=40)}
    found = egress(assignments=said)
    assert found.percentage(ONE, now=10 * DAY_S) == 40
    assert found.percentage(ONE, now=19 * DAY_S) == 60
    assert found.percentage(ONE, now=9 * DAY_S) == 40, "a clock that was put back takes nothing away"
    assert found.percentage(ONE, now=100 * DAY_S) == 100
    assert found.percentage(TWO, now=100 * DAY_S) == 40, "it does not grow"


def test_an_address_that_is_warm_is_so_until_its_account_says_otherwise() -> None:
    assert egress().daily_limit(WARM, now=0) is None
    assert egress(assignments={WARM.address: Assignment(percentage=0)}).daily_limit(WARM, now=0) == 50


def test_nothing_bounds_an_account_that_does_the_warm_up_itself() -> None:
    assert egress(is_auto_warmup=False).daily_limit(ONE, now=0) is None
    assert egress(is_auto_warmup=False).percentage(ONE, now=0) == 0


def test_a_pool_has_what_was_put_into_it_the_default_one_and_managed_ones_the_rest() -> None:
    found = egress(
        pools={"a": "STANDARD", "b": "STANDARD", "m": "MANAGED"},
        assignments={ONE.address: Assignment(pool="a")},
    )
    assert found.members("a") == [ONE]
    assert found.members("b") == []
    assert found.members(DEFAULT_POOL) == found.members("m") == [TWO, WARM]
