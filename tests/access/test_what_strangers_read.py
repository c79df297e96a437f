"""A sender whom an owner does not let in reads the same in every place, whatever there is of the owner's (I9).

Neither whether an identity is there, nor its tags, Denies, bounds, region or more specific identities: by no text,
JSON, view or audit row, whatever its own IAM policies ask about.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from sesame.access.principals import root_principal
from sesame.access.refusals import digests
from sesame.db import Transaction
from sesame.model import AccountId, Caller
from sesame.operations.asking.question import Question
from sesame.operations.asking.why import AskWhy
from sesame.operations.decision_views import view
from sesame.store import audit, decisions, policy_sets
from tests.support.refusal_world import EVERYTHING, REGION, Case, World

FROM = "news@one.test"
OTHERS = {"Principal": {"AWS": "123456789012"}}
IDENTITY = ["identity", "owner", "one.test"]
LENT = ["policy", "owner", "one.test", OTHERS]
TAG = {
    "ResourceArn": f"arn:aws:ses:{REGION}:<owner>:identity/one.test",
    "Tags": [{"Key": "env", "Value": "Prod"}],
}
TAGGED = ["call", "owner", "sesv2", "tag_resource", TAG]


def denied(name: str = "one.test", **more: Any) -> list[Any]:
    return ["policy", "owner", name, {"Effect": "Deny", "Principal": "*", **more}]


OWNERS: dict[str, list[list[Any]]] = {
    "nothing": [],
    "an identity": [IDENTITY],
    "pending": [["pending", "owner", "one.test"]],
    "lent to others": [IDENTITY, LENT],
    "a tag": [IDENTITY, LENT, TAGGED],
    "a Deny for everybody": [IDENTITY, denied()],
    "a Deny for the sender": [IDENTITY, denied(Principal={"AWS": "<sender>"})],
    "a Deny of an address": [IDENTITY, denied(Condition={"StringEquals": {"ses:FromAddress": FROM}})],
    "a Deny beside": [IDENTITY, ["policy", "owner", "one.test", OTHERS, {"Effect": "Deny", "Principal": "*"}]],
    "an address": [["identity", "owner", FROM]],
    "an address that is denied": [IDENTITY, ["identity", "owner", FROM], denied(FROM)],
    "another region": [["identity", "owner", "one.test", "eu-west-1"]],
    "the sandbox": [["sandbox", "owner"], IDENTITY],
    "a pause": [IDENTITY, ["pause", "one.test"]],
    "a cap": [IDENTITY, ["bound", "one.test", {"MaxMessagesPerDay": 0}]],
    "a cap on all": [IDENTITY, ["bound", "*", {"MaxMessagesPerDay": 0}]],
    "an end": [IDENTITY, ["bound", "one.test", {"ExpiresAt": 1}]],
}  # fmt: skip
DENY = {"Effect": "Deny", "Action": "*", "Resource": "*"}
IAM: dict[str, list[dict[str, Any]]] = {
    "everything": [EVERYTHING],
    "nothing": [],
    "a tag": [EVERYTHING | {"Condition": {"StringEquals": {"aws:ResourceTag/env": "Prod"}}}],
    "the case of a tag": [EVERYTHING | {"Condition": {"StringEquals": {"aws:ResourceTag/env": "prod"}}}],
    "not a tag": [EVERYTHING | {"Condition": {"StringNotEquals": {"aws:ResourceTag/env": "Prod"}}}],
    "a Deny by tag": [EVERYTHING, DENY | {"Condition": {"StringLike": {"aws:ResourceTag/env": "P*"}}}],
    "a Deny without a tag": [EVERYTHING, DENY | {"Condition": {"Null": {"aws:ResourceTag/env": "true"}}}],
    "a tag as a variable": [EVERYTHING | {"Resource": "arn:aws:ses:*:*:identity/${aws:ResourceTag/env}"}],
    "a Deny": [DENY],
}


class Strange(Case):
    """An owner with bounds on a sender beside."""

    def _pause(self, identity: str) -> None:
        own = self.world.client("sesame", self.account("owner"))
        own.pause_delegate(Identity=identity, Delegate=self.account("sender").account_id)

    def _bound(self, identity: str, caps: dict[str, Any]) -> None:
        own = self.world.client("sesame", self.account("owner"))
        own.put_delegate_bounds(Identity=identity, Delegate=self.account("sender").account_id, **caps)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    opened = World.open(tmp_path_factory.mktemp("strangers") / "data")
    yield opened
    opened.close()


def all_that_is_read(case: Strange) -> str:
    """What a refused sender has of it, with nothing in it that differs from send to send."""
    arns = {"SourceArn": case.arn("owner", "one.test")}
    refused = case.send({"as": "sender/robot", "from": FROM, "arns": arns})
    assert refused.code == "AccessDenied"
    sender = case.names["sender"]

    async def run(tx: Transaction) -> tuple[str, list[str]]:
        [record] = await decisions.of_request(tx, refused.request_id, viewer=sender)
        seen = view(record, sender, await policy_sets.contents(tx, digests(record)))
        head = await audit.head(tx, sender)
        assert head is not None
        rows = await audit.rows(tx, sender, after=head.seq - 1, limit=1)
        return repr(seen), [row.body for row in rows]

    seen, rows = case.world.run(case.world.services.store.read(run))
    [row] = map(json.loads, rows)
    assert row["requestID"] == refused.request_id
    for name in ("eventID", "eventTime", "requestID", "userIdentity"):
        del row[name]
    read = case.read("sender", refused.request_id)
    del read["at"], read["request_id"]
    text = json.dumps([refused.text, read, row, seen, asked(case)]).replace(refused.request_id, "REQUEST")
    for name, number in case.names.items():
        text = text.replace(number, f"<{name}>")
    return text


def asked(case: Strange) -> str:
    """What the account is told that asks, without sending, why it would be refused."""
    services, doors = case.world.services, case.world.doors
    ask_why = AskWhy(
        services.store, doors.directory, doors.authorizer, doors.sender, pace=doors.pace, clock=services.clock
    )
    sender, at = case.names["sender"], services.clock.now()
    caller = Caller(
        principal=root_principal(AccountId(sender)), access_key_id=case.keys["sender"].access_key_id,
        region=REGION, source_ip="198.51.100.7", secure_transport=True, user_agent=None, at=at, request_id="",
    )  # fmt: skip
    question = Question(
        who=f"arn:aws:iam::{sender}:user/robot", door="v2", from_address=FROM, from_arn=case.arn("owner", "one.test"),
        source="", source_arn="", return_path="", return_path_arn="", recipients=("a@elsewhere.test",),
        configuration_set="", template="", acting_for="", acting_arn="", at=at, source_ip="198.51.100.7", secure=True,
        user_agent="",
    )  # fmt: skip
    answer = case.world.run(ask_why.ask(caller, question))
    record = replace(answer.record, at=0.0, decision="")
    told = repr(replace(answer, record=record, case=None))
    of_case = json.dumps(answer.case, default=list)
    return re.sub(r"AIDA[A-Z0-9]+|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]+Z|\b[0-9]{10}\b", "#", told + of_case)


@pytest.mark.parametrize("iam", IAM.values(), ids=IAM.keys())
def test_whom_an_owner_does_not_let_in_reads_the_same_whatever_there_is(
    world: World, iam: list[dict[str, Any]]
) -> None:
    told: dict[str, str] = {}
    for name, steps in OWNERS.items():
        case = Strange(world)
        if not any(step[0] == "sandbox" for step in steps):
            case.account("owner")
        case.account("sender")
        for what, *values in steps:
            if what == "sandbox":
                case.account("owner", production=False)
            else:
                case.step(what, *values)
        case.step("user", "sender", "robot", *iam)
        told[name] = all_that_is_read(case)
    assert [name for name, text in told.items() if text != told["nothing"]] == []


def test_whom_an_owner_names_is_told_that_it_is_denied(world: World) -> None:
    case = Strange(world)
    case.account("owner"), case.account("sender")
    case.step("identity", "owner", "one.test")
    case.step(
        "policy",
        "owner",
        "one.test",
        {"Principal": {"AWS": "<sender>"}},
        {"Effect": "Deny", "Principal": "*"},
    )
    case.step("user", "sender", "robot", EVERYTHING)
    text = all_that_is_read(case)
    assert "SA208" in text and "explicit deny" in text


def test_the_other_readers_read_of_tags_and_denies(world: World) -> None:
    case = Strange(world)
    case.account("owner"), case.account("sender")
    steps: list[list[Any]] = [IDENTITY, denied(), TAGGED]
    for what, *values in steps:
        case.step(what, *values)
    case.step(
        "user", "sender", "robot", EVERYTHING | {"Condition": {"StringEquals": {"aws:ResourceTag/env": "x"}}}
    )
    arns = {"SourceArn": case.arn("owner", "one.test")}
    refused = case.send({"as": "sender/robot", "from": FROM, "arns": arns})
    assert case.read("owner", refused.request_id)["checks"][0]["outcome"] == "explicit deny"
    assert "`Prod`" in json.dumps(case.read_as_operator(refused.request_id)["causes"])
