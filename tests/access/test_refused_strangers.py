"""Whoever names another account's identity fills no list of that account's; nothing else differs (I9)."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from sesame.access.causes.decision_json import latest
from sesame.access.causes.failures import MOST_CALLS_A_MINUTE
from sesame.operations.operator_lookup import refusal
from sesame.spool.listing import Entry
from sesame.store import decisions
from tests.support.entries import newest
from tests.support.refusal_world import EVERYTHING, REGION, Case, World

MORE = 3


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    opened = World.open(tmp_path_factory.mktemp("strangers") / "data")
    yield opened
    opened.close()


@pytest.fixture
def case(world: World) -> Case:
    made = Case(world)
    for name in ("owner", "stranger", "delegate"):
        made.account(name)
        made.step("user", name, "robot", EVERYTHING)
    made.step("identity", "owner", "one.test")
    return made


def refused(case: Case, who: str, *, door: str = "v1") -> str:
    """The request id of a send as the owner's identity that must be refused."""
    wanted: dict[str, object] = {"as": f"{who}/robot", "door": door, "from": "a@one.test", "to": "b@two.test"}
    wanted["arns"] = {"SourceArn": case.arn("owner", "one.test")}
    outcome = case.send(wanted)
    assert outcome.code in ("AccessDenied", "AccessDeniedException"), outcome
    return outcome.request_id


def listed(case: Case, who: str) -> list[str]:
    read = latest(case.world.services.store, case.names[who], limit=1000)
    return [one["request_id"] for one in case.world.run(read)]


def test_a_stranger_does_not_fill_the_decisions_of_an_owner(case: Case) -> None:
    """Twenty a minute of each account are listed; the sender has all, and the owner the number of all."""
    requests = [refused(case, "stranger") for _ in range(MOST_CALLS_A_MINUTE + MORE)]
    mine = refused(case, "delegate")
    assert listed(case, "owner") == [mine, *requests[MOST_CALLS_A_MINUTE - 1 :: -1]]
    assert listed(case, "stranger") == requests[::-1]
    store, owner = case.world.services.store, case.names["owner"]
    counted = case.world.run(store.read(lambda tx: decisions.refused_by_quarter(tx, owner, REGION, since=0)))
    assert sum(lent for _, _, lent in counted) == MOST_CALLS_A_MINUTE + MORE + 1


def without(told: dict[str, Any], request: str) -> str:
    """What is told of a request, without what two of them differ in."""
    return json.dumps({name: value for name, value in told.items() if name != "at"}).replace(request, "")


def test_what_is_not_listed_is_found_by_its_request_id(case: Case) -> None:
    """The owner, to whom the sender quotes it, reads the same half of it as of what is listed; nobody else does."""
    first, *_, last = [refused(case, "stranger") for _ in range(MOST_CALLS_A_MINUTE + 1)]
    told = [without(case.read("owner", request), request) for request in (first, last)]
    assert told[0] == told[1] != without({"causes": []}, "")
    assert case.read("delegate", last) == {"causes": []}
    assert last not in listed(case, "owner")


def test_a_further_owner_finds_what_is_not_listed_by_its_request_id(case: Case) -> None:
    """An owner whose identity refused it beside the first one's."""
    case.account("second")
    case.step("identity", "second", "two.test")
    arns = {"SourceArn": case.arn("owner", "one.test"), "ReturnPathArn": case.arn("second", "two.test")}
    wanted = {"as": "stranger/robot", "door": "v1", "from": "a@one.test", "to": "b@three.test", "arns": arns}
    sends = [case.send(wanted | {"return_path": "r@two.test"}) for _ in range(MOST_CALLS_A_MINUTE + 1)]
    first, *_, last = [one.request_id for one in sends]
    assert last not in listed(case, "second")
    told = [without(case.read("second", request), request) for request in (first, last)]
    assert told[0] == told[1] != without({"causes": []}, "")
    parties = [account for account, _ in case.world.run(refusal(case.world.services.store, last))]
    assert parties == [case.names[who] for who in ("stranger", "owner", "second")]


def test_what_is_not_listed_is_explained_to_the_sender_and_the_operator(case: Case) -> None:
    """The same as what is listed, word for word, to the sender."""
    first, *_, last = [refused(case, "stranger") for _ in range(MOST_CALLS_A_MINUTE + 1)]
    told = [without(case.read("stranger", request), request) for request in (first, last)]
    assert told[0] == told[1]
    assert case.read_as_operator(last)["causes"]
    store = case.world.services.store
    parties = [account for account, _ in case.world.run(refusal(store, last))]
    assert parties == [case.names["stranger"], case.names["owner"]]


def test_lists_of_messages_have_it_as_decisions_do(case: Case) -> None:
    """The owner's list is bounded; in the sender's each refusal names the owner."""
    for _ in range(MOST_CALLS_A_MINUTE + MORE):
        refused(case, "stranger")
    store, owner = case.world.services.store, case.names["owner"]

    def entries(who: str) -> list[Entry]:
        found: list[Entry] = case.world.run(
            store.read(lambda tx: newest(tx, case.names[who], after=None, limit=100))
        )
        return found

    assert len(entries("owner")) == MOST_CALLS_A_MINUTE
    assert [one.owner_account_id for one in entries("stranger")] == [owner] * (MOST_CALLS_A_MINUTE + MORE)


def test_a_paused_account_stops_itself_and_not_its_delegates(world: World) -> None:
    """What is sent as its identities counts against who sends it, so that its pause is not theirs."""
    case = Case.lending(world, Effect="Allow", Action="ses:SendEmail")
    for name in ("owner", "sender"):
        case.step("user", name, "robot", EVERYTHING)
    case.step("call", "owner", "ses", "update_account_sending_enabled", {"Enabled": False})
    wanted = {"from": "a@one.test", "to": "b@two.test", "arns": {"SourceArn": case.arn("owner", "one.test")}}
    assert case.send(wanted | {"as": "owner/robot"}).code == "AccountSendingPausedException"
    assert case.send(wanted | {"as": "sender/robot"}).message_id
