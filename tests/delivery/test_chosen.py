"""Why an attempt went to the server that it went to, and what was said there when it did not deliver."""

import asyncio
from contextlib import closing
from dataclasses import dataclass

import pytest

from sesame.model import OutcomeKind
from tests.support.attempts import GOOD, Script, deliver, outcome_of

BUSY = {**GOOD, "RCPT": "451 4.3.2 busy-word\r\n"}


def test_a_delivery_keeps_no_dialogue() -> None:
    found = outcome_of(Script(GOOD))
    assert found.kind is OutcomeKind.DELIVERED
    assert found.dialogue is None


def test_a_refusal_keeps_what_was_said() -> None:
    found = outcome_of(Script({**GOOD, "RCPT": "550 5.1.1 no such user\r\n"}))
    assert found.dialogue is not None
    assert found.dialogue.splitlines()[0].startswith("(connecting to 127.0.0.1 port ")
    assert "> RCPT TO:<x@one.test>" in found.dialogue
    assert found.dialogue.splitlines()[-1] == "< 550 5.1.1 no such user"
    assert "hi" not in found.dialogue.partition("> MAIL")[2]


def test_the_dialogue_is_that_of_the_server_whose_answer_counts() -> None:
    found = outcome_of(Script({**GOOD, "EHLO": "421 first-word\r\n"}), Script(BUSY))
    assert found.dialogue is not None
    assert "busy-word" in found.dialogue
    assert "first-word" not in found.dialogue
    assert found.chosen is not None
    assert "before it h0.test [127.0.0.1]: 421 first-word" in found.chosen


def test_a_delivery_by_the_second_server_says_what_the_first_did() -> None:
    found = outcome_of(Script(BUSY), Script(GOOD))
    assert found.kind is OutcomeKind.DELIVERED
    assert found.chosen is not None
    assert "before it h0.test [127.0.0.1]: 451 4.3.2 busy-word" in found.chosen
    assert found.dialogue is None


def test_an_answer_that_counts_more_than_a_later_one_says_so() -> None:
    found = outcome_of(Script(BUSY), Script({**GOOD, "EHLO": None}))
    assert found.diagnostic == "451 4.3.2 busy-word"
    assert found.chosen is not None and "after it h1.test" in found.chosen
    assert found.dialogue is not None and found.dialogue.endswith("< 451 4.3.2 busy-word")


@dataclass
class ThenNo:
    """A server that takes the first message and none after it, on one connection."""

    script: Script
    seen: int = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer):
            await self._talk(reader, writer)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hi\r\n")
        while line := await reader.readline():
            word = line[:4].upper()
            if word == b"DATA":
                writer.write(b"354 go\r\n")
                await reader.readuntil(b"\r\n.\r\n")
                writer.write(b"250 taken-first\r\n")
                self.seen += 1
            elif word == b"RCPT" and self.seen:
                writer.write(b"550 5.1.1 not this one\r\n")
            elif word == b"QUIT":
                writer.write(b"221 bye\r\n")
                return
            else:
                writer.write(b"250 ok\r\n")


def test_on_a_kept_connection_only_this_message_is_in_it() -> None:
    first, second = asyncio.run(deliver(ThenNo(Script(GOOD)), times=2))
    assert first.kind is OutcomeKind.DELIVERED
    assert second.kind is OutcomeKind.PERMANENT
    assert second.dialogue is not None
    assert second.dialogue.splitlines()[0] == "(on a connection that had carried 1 message)"
    assert "taken-first" not in second.dialogue
    assert second.dialogue.endswith("< 550 5.1.1 not this one")


@pytest.mark.parametrize("said", ["550 5.7.1 " + "x" * 1_900 + "\r\n", "550-a\r\n" * 90 + "550 b\r\n"])
def test_it_is_bounded(said: str) -> None:
    found = outcome_of(Script({**GOOD, "RCPT": said}))
    assert found.dialogue is not None
    assert len(found.dialogue) <= 2_000


def test_many_servers_are_said_in_few_words() -> None:
    found = outcome_of(*(Script({**GOOD, "RCPT": f"451 {'y' * 300}\r\n"}) for _ in range(9)))
    assert found.chosen is not None
    assert len(found.chosen) <= 500
