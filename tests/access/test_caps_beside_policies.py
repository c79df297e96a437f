"""What is used up is named beside what policies lack, so that who mends those is not refused again without a word."""

from collections.abc import Iterator
from typing import Any

import pytest

from sesame.policy.reasons.cause import Reader
from tests.support.refusal_world import Case, World

NEWS = {"Principal": {"AWS": "<sender>"}, "Condition": {"StringEquals": {"ses:FromAddress": "news@one.test"}}}
SEND: dict[str, Any] = {"as": "sender", "from": "news@one.test"}
OTHER = SEND | {"from": "ceo@one.test"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    opened = World.open(tmp_path_factory.mktemp("beside") / "data")
    yield opened
    opened.close()


@pytest.fixture
def lent(world: World) -> Case:
    """An owner lends one address to an account and has set it a cap, which is used up."""
    case = Case(world)
    case.account("owner"), case.account("sender")
    case.step("identity", "owner", "one.test")
    case.step("policy", "owner", "one.test", NEWS)
    bound(case, MaxMessagesPerDay=1)
    assert send(case, SEND).code == ""
    return case


def bound(case: Case, *, identity: str = "one.test", **caps: int) -> None:
    own = case.world.client("sesame", case.account("owner"))
    own.put_delegate_bounds(Identity=identity, Delegate=case.account("sender").account_id, **caps)


def send(case: Case, wanted: dict[str, Any]) -> Any:
    return case.send(wanted | {"arns": {"SourceArn": case.arn("owner", "one.test")}})


def told(case: Case, whose: str, request_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = case.read(whose, request_id)["causes"]
    return found


def test_both_sides_read_of_the_cap_behind_what_the_policy_lacks_and_the_mends_together_work(
    lent: Case,
) -> None:
    request = send(lent, OTHER).request_id
    theirs, owners = told(lent, "sender", request), told(lent, "owner", request)
    assert [cause["code"] for cause in theirs] == [cause["code"] for cause in owners] == ["SA401", "SA602"]
    for cause in (theirs[1], owners[1]):
        assert cause["cause"].startswith("and then `") and "may send 1 messages in 24 hours" in cause["cause"]
    assert theirs[1]["mend"]["how"] == "ask" and owners[1]["mend"]["how"] == "change-bounds"
    lent.check_arn = lent.arn("owner", "one.test")
    lent.apply(owners[0]["mend"], OTHER)
    assert send(lent, OTHER).code == "Throttling"
    bound(lent, MaxMessagesPerDay=2)
    assert send(lent, OTHER).code == ""


def test_a_cap_stands_behind_what_iam_lacks(lent: Case) -> None:
    lent.step("user", "sender", "robot")
    request = send(lent, SEND | {"as": "sender/robot"}).request_id
    assert [cause["code"] for cause in told(lent, "sender", request)] == ["SA205", "SA602"]
    owners = told(lent, "owner", request)
    assert [cause["code"] for cause in owners] == ["SA205", "SA602"]
    both = lent.read("owner", request, Reader.OPERATOR)["causes"]
    assert [cause["code"] for cause in both] == ["SA205", "SA602"]


def test_what_the_message_leaves_of_a_cap_is_not_named(lent: Case) -> None:
    bound(lent, MaxMessagesPerDay=2)
    request = send(lent, OTHER).request_id
    assert [cause["code"] for cause in told(lent, "owner", request)] == ["SA401"]


def test_a_rate_is_over_until_a_policy_is_mended(lent: Case) -> None:
    bound(lent, MaxMessagesPerSecond=1)
    assert send(lent, SEND).code == ""
    request = send(lent, OTHER).request_id
    assert [cause["code"] for cause in told(lent, "owner", request)] == ["SA401"]


def test_the_own_quota_is_named_to_the_sender_alone(lent: Case) -> None:
    bound(lent, MaxMessagesPerDay=5)
    lent.step("quota", "sender", 1, 1000)
    request = send(lent, OTHER).request_id
    theirs = told(lent, "sender", request)
    assert [cause["code"] for cause in theirs] == ["SA401", "SA602"]
    assert theirs[1]["cause"].startswith("and then account") and "24-hour quota of 1" in theirs[1]["cause"]
    assert [cause["code"] for cause in told(lent, "owner", request)] == ["SA401"]


def test_the_own_quota_stands_behind_an_identity_that_is_not_verified(world: World) -> None:
    case = Case(world)
    case.account("sender")
    case.step("identity", "sender", "mine.test")
    case.step("quota", "sender", 1, 1000)
    assert case.send({"as": "sender", "from": "a@mine.test"}).code == ""
    refusal = case.send({"as": "sender", "from": "a@nowhere.test"})
    causes = told(case, "sender", refusal.request_id)
    assert causes[-1]["code"] == "SA602" and causes[0]["code"] != "SA602"


@pytest.mark.parametrize("identity", ["one.test", "*"])
def test_a_stranger_learns_by_no_cap_that_an_identity_is_there(lent: Case, identity: str) -> None:
    """Not even one that may send as another identity of the owner's, and has used up a cap on all of them."""
    lent.step("identity", "owner", "two.test")
    lent.step("policy", "owner", "two.test", NEWS | {"Principal": {"AWS": "123456789012"}})
    bound(lent, identity="*", MaxMessagesPerDay=1)
    bound(lent, identity="two.test", MaxMessagesPerDay=0)
    causes = {}
    for name in ("two.test", "nowhere.test"):
        arn = lent.arn("owner", name)
        refusal = lent.send({"as": "sender", "from": f"a@{name}", "arns": {"SourceArn": arn}})
        causes[name] = [cause["code"] for cause in told(lent, "sender", refusal.request_id)]
    assert causes["two.test"] == causes["nowhere.test"] == ["SA201"]


def test_an_owner_whose_cap_is_used_up_reads_of_it_where_another_owner_refused(lent: Case) -> None:
    lent.account("other")
    lent.step("identity", "other", "far.test")
    far = lent.arn("other", "far.test")
    wanted = {**SEND, "return_path": "b@far.test"}
    arns = {"SourceArn": lent.arn("owner", "one.test"), "ReturnPathArn": far}
    request = lent.send(wanted | {"arns": arns}).request_id
    assert [cause["code"] for cause in told(lent, "owner", request)] == ["SA210", "SA602"]
    assert [cause["code"] for cause in told(lent, "other", request)] == ["SA201"]
    assert "in 24 hours" not in str(lent.read("other", request))


def test_a_cap_that_is_reached_alone_is_told_as_before(lent: Case) -> None:
    refusal = send(lent, SEND)
    assert refusal.code == "Throttling"
    (cause,) = told(lent, "sender", refusal.request_id)
    assert not cause["cause"].startswith("and then")
