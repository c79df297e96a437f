"""A message that is accepted as two owners' identities concerns both, and each reads its own half of it (I9)."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from sesame.access.causes.traced import traced
from sesame.cli.main import main
from sesame.policy.reasons.cause import Reader
from sesame.spool.purge import Retention, purge
from sesame.spool.trace import trace
from tests.support.refusal_world import EVERYTHING, Case, World

SHOP = "arn:aws:ses:us-east-1:<owner>:identity/shop.test"
LISTS = "arn:aws:ses:us-east-1:<second>:identity/lists.test"
SENDER = {"Principal": {"AWS": "<sender>"}}
STEPS = [
    ["account", "owner"],
    ["account", "second"],
    ["account", "sender"],
    ["identity", "owner", "shop.test"],
    ["policy", "owner", "shop.test", SENDER | {"Sid": "ownersSid"}],
    ["identity", "second", "lists.test"],
    ["policy", "second", "lists.test", SENDER | {"Sid": "secondsSid"}],
    ["identity", "sender", "own.test"],
    ["user", "sender", "robot", EVERYTHING],
]
RAW: dict[str, Any] = {"as": "sender/robot", "door": "raw", "from": "ceo@shop.test"}
SENT: dict[str, tuple[dict[str, Any], list[str]]] = {
    "Source": ({"source": "b@lists.test", "arns": {"SourceArn": LISTS, "FromArn": SHOP}}, ["Source", "Return-Path"]),
    "the return path": (
        {"fields": [["Return-Path", "b@lists.test"]], "arns": {"SourceArn": SHOP, "ReturnPathArn": LISTS}},
        ["Return-Path"]),
    "Source, by SMTP": (
        {"door": "smtp", "source": "b@lists.test",
         "fields": [["X-SES-SOURCE-ARN", LISTS], ["X-SES-FROM-ARN", SHOP]]}, ["Source", "Return-Path"]),
}  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    opened = World.open(tmp_path_factory.mktemp("two") / "data")
    yield opened
    opened.close()


def accepted(world: World, sent: dict[str, Any]) -> tuple[Case, str]:
    case = Case.described(world, {"steps": STEPS})
    assert case.send(RAW | sent).code == ""
    return case, case.read("sender")["message_id"]


@pytest.mark.parametrize("name", SENT)
def test_the_owner_of_another_address_than_from_finds_it_among_its_decisions(world: World, name: str) -> None:
    sent, uses = SENT[name]
    case, message_id = accepted(world, sent)
    read = case.read("second")
    assert (read["message_id"], read["code"]) == (message_id, "Accepted")
    [check] = read["checks"]
    assert (check["uses"], {*check["addresses"]}, check["arn"]) == (uses, {"b@lists.test"}, case.fill(LISTS))
    assert check["deciding"] == [{"kind": "identity", "policy": "lend", "statement": "secondsSid"}]
    told = json.dumps(read)
    assert "shop.test" not in told and case.account("owner").account_id not in told


@pytest.mark.parametrize("name", SENT)
def test_the_owner_of_from_reads_no_identity_of_the_other(world: World, name: str) -> None:
    case, _ = accepted(world, SENT[name][0])
    told = json.dumps(case.read("owner"))
    assert "ownersSid" in told and "secondsSid" not in told and case.fill(LISTS) not in told


@pytest.mark.parametrize("name", SENT)
def test_a_sender_whose_from_is_its_own_reads_no_policy_of_who_lends_the_rest(
    world: World, name: str
) -> None:
    sent = json.loads(
        json.dumps(SENT[name][0]).replace("<owner>", "<sender>").replace("shop.test", "own.test")
    )
    case, message_id = accepted(world, sent | {"from": "ceo@own.test"})
    assert "secondsSid" not in json.dumps(case.read("sender"))
    assert "secondsSid" in json.dumps(case.read("second"))
    found = world.run(trace(world.services.store, message_id, viewer=None))
    assert found is not None
    whole = asdict(found) | {"decision": json.loads(found.decision), "recipients": []}
    assert "secondsSid" not in json.dumps(traced(whole, Reader.SENDER)["decision"])


@pytest.mark.parametrize("name", SENT)
def test_each_reads_the_life_of_the_message_with_its_own_identity(
    world: World, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    case, message_id = accepted(world, SENT[name][0])
    data = str(world.services.settings.data_dir)
    read = {}
    for who in ("owner", "second", "sender"):
        account = case.account(who).account_id
        assert main(["trace", message_id, "--account", account, "--data", data]) == 0
        read[who] = capsys.readouterr().out
    shop = f"ceo@shop.test  (identity shop.test of account {case.account('owner').account_id})"
    lists = f"b@lists.test  (identity lists.test of account {case.account('second').account_id})"
    assert (f"sent as     {shop}" in read["owner"]) and "identity lists.test" not in read["owner"]
    assert f"sent as     {lists}" in read["second"] and "shop.test" not in read["second"]
    assert f"sent as     {lists}" in read["sender"] and f"sent as     {shop}" in read["sender"]
    assert "secondsSid" in read["second"] and "Sid" not in read["sender"]


def test_an_account_that_it_does_not_concern_reads_nothing(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    case, message_id = accepted(world, {"arns": {"SourceArn": SHOP}})
    data = str(world.services.settings.data_dir)
    assert main(["trace", message_id, "--account", case.account("second").account_id, "--data", data]) == 1
    assert "shop.test" not in "".join(capsys.readouterr())


@pytest.fixture
def own_world(tmp_path: Path) -> Iterator[World]:
    """For what purges ten years ahead: a server that runs on believes that texts are stored which have gone then."""
    opened = World.open(tmp_path / "data")
    yield opened
    opened.close()


def test_it_goes_with_the_message(own_world: World) -> None:
    world = own_world
    case, _ = accepted(world, SENT["Source"][0])
    assert case.read("second")["causes"] == [] and "at" in case.read("second")
    store, later = world.services.store, world.services.clock.now() + 10 * 365 * 86_400.0
    world.run(store.write(lambda tx: tx.execute("UPDATE recipient SET state = 'delivered'")))
    world.run(store.write(lambda tx: tx.execute("UPDATE event_log SET stage = 3")))
    keep = Retention(messages_days=14, heads_days=3, refusals_days=7)
    world.run(purge(store, keep, now=later))
    rows = world.run(store.read(lambda tx: tx.all("SELECT COUNT(*) FROM message_further_owner")))
    assert rows[0][0] == 0
