"""An owner reads nothing of the addresses of a message that rest on identities of others (I9).

The owner of From's identity may know the return path.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from sesame.cli.main import main
from sesame.operations.decision_views import view
from sesame.store import decisions, policy_sets
from tests.support.refusal_world import Case, World

CANARY = "canaryshop.test"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    opened = World.open(tmp_path_factory.mktemp("other-owners") / "data")
    yield opened
    opened.close()


def everything_read(world: World, case: Case, capsys: pytest.CaptureFixture[str], account: str) -> str:
    """What an account reads of its newest refusal, by every way there is, and of its policies tried again."""
    number = case.account(account).account_id
    where = ["--data", str(world.services.settings.data_dir)]
    arn = case.arn("feed", "feed.test")
    capsys.readouterr()
    for arguments in (
        ["decisions", number, "--limit", "3"],
        ["policy", "what-if", "--identity", arn, "--remove", "lend", "--days", "1"],
        ["policy", "what-if", "--identity", arn, "--days", "1", "--remove", "nothing"],
        ["report", "authority", number],
    ):
        for more in ([], ["--json"]):
            main([*arguments, *more, *where])
    store = world.services.store

    async def look(tx: Any) -> str:
        found = ""
        for record in await decisions.latest(tx, number, limit=3):
            kept = json.loads(record.decision)
            wanted = tuple(
                digest for check in kept["checks"] for digest in (check.get("under") or {}).values()
            )
            found += repr(view(record, number, await policy_sets.contents(tx, wanted)))
        return found

    return capsys.readouterr().out + str(world.run(store.read(look)))


def under(operator: str, key: str, *values: str) -> dict[str, Any]:
    return {"Condition": {operator: {key: list(values)}}}


SENDER = {"Principal": {"AWS": "<sender>"}}
POLICIES: dict[str, list[dict[str, Any]]] = {
    "nothing": [],
    "another account": [{"Principal": {"AWS": "<owner>"}}],
    "From": [SENDER | under("StringLike", "ses:FromAddress", "*@feed.test")],
    "From in another case": [SENDER | under("StringEquals", "ses:FromAddress", "NEWS@feed.test")],
    "name": [SENDER | under("StringEquals", "ses:FromDisplayName", "Feed")],
    "variable": [SENDER | under("StringEquals", "ses:FeedbackAddress", "${ses:FromAddress}")],
    "action": [SENDER | {"Action": "ses:SendBulkEmail"}],
    "a Deny for From elsewhere": [
        SENDER,
        {
            "Effect": "Deny",
            "Principal": {"AWS": "*"},
            **under("StringNotLike", "ses:FromAddress", "*@feed.test"),
        },
    ],
    "a Deny for a name": [
        SENDER,
        {
            "Effect": "Deny",
            "Principal": {"AWS": "*"},
            **under("StringLike", "ses:FromDisplayName", "*a*y"),
        },
    ],
    "paused by a range": [SENDER | under("IpAddress", "aws:SourceIp", "203.0.113.0/24")],
}
FROM = f"canary <news@{CANARY}>"
USES: dict[str, dict[str, Any]] = {
    "v1 return path": {"return_path": "b@feed.test", "arns": {"SourceArn": "SHOP", "ReturnPathArn": "FEED"}},
    "v2 feedback": {"door": "v2", "return_path": "b@feed.test", "arns": {
        "FromEmailAddressIdentityArn": "SHOP", "FeedbackForwardingEmailAddressIdentityArn": "FEED"}},
    "raw Return-Path": {"door": "raw", "fields": [["Return-Path", "b@feed.test"]],
                        "arns": {"SourceArn": "SHOP", "ReturnPathArn": "FEED"}},
    "raw source": {"door": "raw", "source": "b@feed.test", "arns": {"SourceArn": "FEED", "FromArn": "SHOP"}},
    "MAIL FROM": {"door": "smtp", "source": "b@feed.test",
                  "fields": [["X-SES-SOURCE-ARN", "FEED"], ["X-SES-FROM-ARN", "SHOP"]]},
    "MAIL FROM, return path elsewhere": {"door": "smtp", "source": "b@feed.test", "fields": [
        ["X-SES-SOURCE-ARN", "FEED"], ["X-SES-FROM-ARN", "SHOP"], ["X-SES-RETURN-PATH-ARN", "SHOP"],
        ["Return-Path", f"b@{CANARY}"]]},
    "Sender": {"door": "smtp", "source": "b@feed.test", "fields": [["Sender", "desk@feed.test"],
        ["X-SES-SOURCE-ARN", "FEED"], ["X-SES-FROM-ARN", "SHOP"]]},
}  # fmt: skip


def with_three(world: World, uses: str, policies: list[dict[str, Any]]) -> tuple[Case, dict[str, Any]]:
    case = Case(world)
    for account in ("owner", "feed", "sender"):
        case.account(account)
    case.step("identity", "owner", CANARY)
    case.step("identity", "feed", "feed.test")
    case.step("policy", "owner", CANARY, SENDER)
    if policies:
        case.step("policy", "feed", "feed.test", *policies)
    text = json.dumps(USES[uses]).replace('"SHOP"', json.dumps(case.arn("owner", CANARY)))
    send = json.loads(text.replace('"FEED"', json.dumps(case.arn("feed", "feed.test"))))
    return case, {"as": "sender", "from": FROM, **send}


@pytest.mark.parametrize("uses", USES)
@pytest.mark.parametrize("name", POLICIES)
def test_the_owner_of_a_return_path_or_source_reads_nothing_of_from(
    world: World, capsys: pytest.CaptureFixture[str], name: str, uses: str
) -> None:
    case, send = with_three(world, uses, POLICIES[name])
    sent = case.send(send)
    read = everything_read(world, case, capsys, "feed")
    assert "canary" not in read
    if sent.code and name != "variable":
        assert case.read("feed", sent.request_id)["causes"] or not sent.request_id


@pytest.mark.parametrize("uses", USES)
@pytest.mark.parametrize("reader", ["feed", "sender"])
@pytest.mark.parametrize("name", ["nothing", "another account", "From", "name", "action"])
def test_what_is_proposed_to_it_lets_that_message_through_and_none_from_it(
    world: World, name: str, reader: str, uses: str
) -> None:
    case, send = with_three(world, uses, POLICIES[name])
    sent = case.send(send)
    assert sent.code
    causes = case.read(reader, sent.request_id)["causes"]
    if reader == "sender" and name in ("From", "name"):
        causes = case.read("feed", sent.request_id)["causes"]  # it is asked, and knows no more than the key
    for cause in causes:
        case.check_arn = case.arn("feed", "feed.test")
        if "statement" in cause["mend"] or reader == "feed":
            send = case.apply(cause["mend"], send)
    assert case.send(send).code == ""
    assert case.send(send | {"from": "ceo@other.test"}).code
