"""What is told of a message is read back as it came in."""

from pathlib import Path

import pytest

from sesame.store import message_facts
from sesame.store.decisions import DecisionText
from sesame.store.message_facts import MessageFacts
from tests.support.spooled import Fixture, message, with_spool

DECISION = (
    '{"principal":"%s","action":"ses:SendEmail"%s,'
    '"context":{"aws:SourceIp":"192.0.2.7","ses:FromAddress":"a@Example.com"}}'
)


async def read(f: Fixture) -> MessageFacts:
    found = await f.store.read(lambda tx: message_facts.of_messages(tx, ["m1", "unknown"]))
    return found["m1"]


@pytest.mark.parametrize(
    ("principal", "name"),
    [
        ("arn:aws:iam::111111111111:user/team/robot", "robot"),
        ("arn:aws:iam::111111111111:root", "root"),
        ("arn:aws:sts::111111111111:assumed-role/Sender/session", "Sender"),
        ("cognito-idp.amazonaws.com", "cognito-idp.amazonaws.com"),
    ],
)
def test_who_sent_is_told_by_name(tmp_path: Path, principal: str, name: str) -> None:
    async def check(f: Fixture) -> None:
        await f.put(message(decision=DecisionText(shared=DECISION % (principal, ""), own='{"x":"y"}')))
        passage = (await read(f)).passage
        assert (passage.caller_identity, passage.operation) == (name, "SendEmail")
        assert (passage.source_ip, passage.from_domain) == ("192.0.2.7", "example.com")

    with_spool(tmp_path, check)


def test_how_a_message_came_is_told_where_it_is_not_the_action(tmp_path: Path) -> None:
    async def check(f: Fixture) -> None:
        by_smtp = DecisionText(shared=DECISION % ("x", ',"operation":"SendSmtpEmail"'))
        await f.put(message(decision=by_smtp, tags={"k": "v"}, source_as_written="A <a@example.com>"))
        found = await read(f)
        assert (found.passage.operation, found.tags, found.source) == (
            "SendSmtpEmail", {"k": "v"}, "A <a@example.com>",
        )  # fmt: skip

    with_spool(tmp_path, check)


@pytest.mark.parametrize("submitted", [None, b"Bcc: b@c.test\r\nFrom: a@example.com\r\n" + b"x" * 20_000])
def test_the_head_is_what_was_submitted_or_ours(tmp_path: Path, submitted: bytes | None) -> None:
    async def check(f: Fixture) -> None:
        await f.put(message("m1", "x@one.test", "y@one.test", submitted=submitted))
        found = await read(f)
        own = b"From: a@example.com\r\n\r\n"
        assert found.head == (own if submitted is None else submitted[:10_240])
        assert found.is_built is (submitted is None)
        assert found.destination == ("x@one.test", "y@one.test")

    with_spool(tmp_path, check)
