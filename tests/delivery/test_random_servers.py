"""Servers that do at every step what the dice say, in any pieces: always an outcome, and the one that they gave.

What must be true of each attempt: it ends in an outcome and in no fault of ours; a message counts as delivered only
where a server said so once it had been given all of it; one server at most is given all of it; and the attempt is in
doubt exactly where that one never answered. A failure names its seed: `play(seed)` plays it again.
"""

import asyncio
import random
from collections.abc import Callable
from typing import Any, cast

import pytest

from sesame.delivery.pool import Pool
from sesame.delivery.route import Host
from sesame.delivery.timeouts import Timeouts
from sesame.model import Outcome, OutcomeKind
from tests.support.attempts import claim, deliverer_to
from tests.support.clock import FakeClock
from tests.support.places import place

SEEDS = 120
HOSTS = 3
SMALL = b"From: a@example.com\r\n\r\nhi\r\n.\r\nx\r\n"
LARGE = b"From: a@example.com\r\n\r\n" + b"0123456789abcde\r\n" * 12_000
REFUSALS = (b"450 4.2.0 later\r\n", b"550 5.1.1 no\r\n", b"421 4.3.2 bye\r\n", b"552 no\r\n")
ODD = (
    b"", b"\r\n", b"250 ok\n", b"250\x00ok\r\n", b"2", b"25", b"999 what\r\n", b"abc\r\n", b"250-a\r\n251 b\r\n",
    b"334 \r\n", b"354 go\r\n", b"250 " + b"x" * 3_000 + b"\r\n", b"250-x\r\n" * 200 + b"250 x\r\n", b"\xff\xfe\r\n",
    b"220 hi\r\n", b"421 x\r\n",
)  # fmt: skip


class Peer:
    """A server's end, in the client's own loop. It reads commands as they come and answers by the dice."""

    def __init__(self, dice: random.Random, protocol: asyncio.Protocol) -> None:
        self.dice = dice
        self.protocol = protocol
        self.is_over = False
        self.has_all = False
        """Whether the client has written the last dot of a message."""
        self.answered: list[bytes] = []
        """What the client has been told since, until the next message."""
        self.waiting = 0
        self._input = b""
        self._is_data = False
        self._is_read = False
        self._ends = False
        self._pipelines = dice.random() < 0.5

    # What the client sees of a transport

    def write(self, data: bytes) -> None:
        assert not self.waiting, "no more is written than the peer has room for"
        self._input += bytes(data)
        # not the dot alone, which ends a message for nobody
        self._ends = self._ends or bytes(data).endswith(b"\r\n.\r\n")
        if self.dice.random() < 0.05 and len(data) > 1_000:
            self.waiting = len(data)
            self.session.pause_writing()
            self.soon(self._drains)
        else:
            self._arrived()

    def _arrived(self) -> None:
        if self._ends:
            self.has_all, self.answered, self._ends = True, [], False
        if not self._is_read:
            self._is_read = True
            self.soon(self._read)

    def abort(self) -> None:
        if not self.is_over:
            self.is_over = True
            self.soon(lambda: self.protocol.connection_lost(None), always=True)

    def is_closing(self) -> bool:
        return self.is_over

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default

    # What it does

    @property
    def session(self) -> Any:
        return self.protocol

    def soon(self, act: Callable[[], None], *, always: bool = False) -> None:
        def run() -> None:
            if always or not self.is_over:
                act()

        asyncio.get_running_loop().call_soon(run)

    def begin(self) -> None:
        self.soon(lambda: self.say(self._usual(b"220 hi\r\n", 0.9)))

    def _drains(self) -> None:
        self.waiting = 0
        self._arrived()
        self.session.resume_writing()

    def _read(self) -> None:
        self._is_read = False
        while not (self.is_over or self.waiting):
            if self._is_data:
                end = (b"\r\n" + self._input).find(b"\r\n.\r\n")
                if end < 0:
                    if self.dice.random() < 0.03:
                        self.goes()
                    return
                self._input = self._input[end + 3 :]
                self._is_data = False
                self.say(self._usual(b"250 taken\r\n", 0.7))
                continue
            line, found, rest = self._input.partition(b"\r\n")
            if not found:
                return
            self._input = rest
            self._answer(line[:4].upper())

    def _answer(self, verb: bytes) -> None:
        if verb == b"EHLO":
            lines = b"250-hi\r\n250-PIPELINING\r\n250 SIZE 0\r\n" if self._pipelines else b"250 hi\r\n"
            self.say(self._usual(lines, 0.9))
        elif verb == b"DATA":
            reply = self._usual(b"354 go\r\n", 0.85)
            self._is_data = reply == b"354 go\r\n"
            self.say(reply)
        elif verb == b"QUIT":
            self.say(b"221 bye\r\n")
            self.goes()
        else:
            self.say(self._usual(b"250 ok\r\n", 0.9))

    def _usual(self, reply: bytes, often: float) -> bytes:
        if self.dice.random() < often:
            return reply
        return self.dice.choice(REFUSALS if self.dice.random() < 0.5 else ODD)

    def say(self, data: bytes) -> None:
        """Say it, in pieces now and then, with something that nobody asked for behind it, and then perhaps go."""
        dice = self.dice
        if dice.random() < 0.04:
            data += dice.choice((b"250 and more\r\n", b"550 no\r\n", b"\x00", b"354 go\r\n"))
        pieces = [data]
        if dice.random() < 0.3 and len(data) > 1:
            cut = dice.randrange(1, len(data))
            pieces = [data[:cut], data[cut:]]
        leaves = dice.random() < 0.05
        for piece in pieces:
            if dice.random() < 0.5:
                self.tell(piece)
            else:
                self.soon(lambda piece=piece: self.tell(piece))  # type: ignore[misc]
        if leaves:
            self.goes() if dice.random() < 0.5 else self.soon(self.goes)

    def tell(self, piece: bytes) -> None:
        if not self.is_over and piece:
            if self.has_all:
                self.answered.append(piece)
            self.protocol.data_received(piece)

    def goes(self) -> None:
        if not self.is_over:
            self.is_over = True
            self.protocol.connection_lost(
                None if self.dice.random() < 0.5 else ConnectionResetError(104, "reset")
            )


class Net:
    """Dials, and keeps those that were dialled."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.peers: list[Peer] = []

    async def dial(
        self, protocol_factory: Callable[[], asyncio.Protocol], address: str, port: int, **_: object
    ) -> None:
        if self.dice.random() < 0.05:
            raise ConnectionRefusedError(111, "refused")
        protocol = protocol_factory()
        peer = Peer(self.dice, protocol)
        self.peers.append(peer)
        protocol.connection_made(cast(asyncio.Transport, peer))
        peer.begin()


async def play(seed: int) -> list[tuple[Outcome, list[bytes]]]:
    """Some attempts one after the other: of each its outcome, and what those who had all of it answered."""
    dice = random.Random(seed)
    net, clock = Net(dice), FakeClock()
    pool = Pool(
        hostname="me.test", timeouts=Timeouts.scaled(0.00005, attempt_s=30.0), clock=clock, dial=net.dial
    )
    hosts = [Host(f"h{n}.test", f"192.0.2.{n}", 25) for n in range(dice.randrange(1, HOSTS + 1))]
    found = []
    for _ in range(dice.randrange(1, 4)):
        deliverer = deliverer_to(hosts, pool, clock, data=dice.choice((SMALL, LARGE)))
        for peer in net.peers:
            peer.has_all = False
        outcome = await deliverer.attempt(claim(), place(claim()))
        found.append((outcome, [b"".join(peer.answered) for peer in net.peers if peer.has_all]))
    await pool.stop()
    return found


@pytest.mark.parametrize("seed", range(SEEDS))
def test_whatever_servers_do_each_attempt_has_the_outcome_that_they_gave(seed: int) -> None:
    for outcome, had_all in asyncio.run(play(seed)):
        check(outcome, had_all)


def check(outcome: Outcome, had_all: list[bytes]) -> None:
    assert len(had_all) <= 1, "two servers were given the message"
    if outcome.kind is OutcomeKind.DELIVERED:
        assert had_all and had_all[0].startswith(b"2"), outcome
        assert not outcome.ambiguous
    if outcome.ambiguous:
        assert had_all, outcome
        assert outcome.kind is OutcomeKind.TRANSIENT
    if had_all and not had_all[0]:
        assert outcome.ambiguous, outcome
