"""What a server does at a moment when nobody expects it: an answer too soon, an end within one turn of the loop."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from sesame.delivery import outcome
from sesame.delivery.route import Host
from sesame.delivery.session import Session
from sesame.delivery.timeouts import Timeouts
from sesame.delivery.tls import CLEAR, TlsContexts, TlsDemand, TlsFailed, TlsMode
from sesame.errors import SesameError
from sesame.model import OutcomeKind
from sesame.smtp.errors import RemoteProtocolError, Stage
from sesame.spool.spool import Claim
from tests.delivery.test_session import LARGE
from tests.support.attempts import GOOD, Script, deliver

HOST = Host("mx.one.test", "192.0.2.1", 25)


class Wire:
    """The server's end of a connection, in the client's own turn of the loop: `answer` is told each write."""

    def __init__(self, answer: "Callable[[Wire, bytes], None]") -> None:
        self.answer = answer
        self.written = b""
        self.waiting = 0
        """Bytes that the peer has made no room for."""
        self.protocol: asyncio.Protocol | None = None

    async def dial(self, protocol_factory: Callable[[], asyncio.Protocol], *_: Any, **__: Any) -> None:
        self.protocol = protocol_factory()
        self.protocol.connection_made(cast(asyncio.Transport, self))
        self.says(b"220 hi\r\n")

    def says(self, data: bytes) -> None:
        assert self.protocol is not None
        self.protocol.data_received(data)

    def goes(self, error: Exception | None = None) -> None:
        assert self.protocol is not None
        self.protocol.connection_lost(error)

    def write(self, data: bytes) -> None:
        self.written += bytes(data)
        asyncio.get_running_loop().call_soon(self.answer, self, bytes(data))

    def abort(self) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default


def opened(wire: Wire, demand: TlsDemand) -> Session:
    return asyncio.run(_open(wire, demand))


async def _open(wire: Wire, demand: TlsDemand) -> Session:
    return await Session.open(
        HOST, hostname="me.test", timeouts=Timeouts(), contexts=TlsContexts(), demand=demand, now=0.0, dial=wire.dial
    )  # fmt: skip


ENDS: dict[str, Exception | None] = {"closed": None, "reset": ConnectionResetError(104, "reset")}


@pytest.mark.parametrize("end", ENDS.values(), ids=list(ENDS))
@pytest.mark.parametrize("behind", ["EHLO", "STARTTLS"])
@pytest.mark.parametrize("mode", [TlsMode.OPPORTUNISTIC, TlsMode.ENCRYPTED, TlsMode.VERIFIED])
def test_a_server_that_says_yes_and_is_gone_is_to_blame_itself(
    behind: str, end: Exception | None, mode: TlsMode
) -> None:
    """Both in one turn of the loop, so that the answer is read when the connection is over already."""

    def answer(wire: Wire, data: bytes) -> None:
        if data.startswith(b"EHLO"):
            wire.says(b"250-hi\r\n250 STARTTLS\r\n")
        else:
            wire.says(b"220 go ahead\r\n")
        if data.startswith(behind.encode()):
            wire.goes(end)

    with pytest.raises((SesameError, OSError)) as caught:
        opened(Wire(answer), TlsDemand(mode=mode))
    found = outcome.from_error(caught.value, HOST)
    assert (found.kind, found.is_unreachable, found.ambiguous) == (OutcomeKind.TRANSIENT, True, False)
    assert found.status in ("4.5.0", "4.7.5")


def test_a_server_that_is_gone_as_tls_begins_with_the_connection_is_to_blame_itself() -> None:
    async def dial(protocol_factory: Callable[[], asyncio.Protocol], *_: Any, **__: Any) -> None:
        wire.protocol = protocol_factory()
        wire.protocol.connection_made(cast(asyncio.Transport, wire))
        wire.goes()

    wire = Wire(lambda wire, data: None)
    wire.dial = dial  # type: ignore[method-assign]
    with pytest.raises((RemoteProtocolError, TlsFailed)):
        opened(wire, TlsDemand(mode=TlsMode.VERIFIED, is_implicit=True))


@pytest.mark.parametrize("reply", [b"250 taken\r\n", b"251 will forward\r\n", b"250-a\r\n250 b\r\n"])
def test_a_message_that_was_taken_before_the_server_had_all_of_it_is_not_delivered(reply: bytes) -> None:
    """Whoever says so speaks of something else, or throws away what he has not seen: it is tried again."""

    async def check(session: Session) -> None:
        with pytest.raises(RemoteProtocolError) as caught:
            await session.send("a@b.test", "c@d.test", LARGE * 8)
        assert (caught.value.stage, caught.value.ambiguous, session.is_usable) == (Stage.BODY, False, False)

    async def run() -> None:
        await check(await _open(Wire(answer), CLEAR))

    def answer(wire: Wire, data: bytes) -> None:
        if data == b"DATA\r\n":
            wire.says(b"354 go\r\n")
        elif data[:4] in (b"EHLO", b"MAIL", b"RCPT"):
            wire.says(b"250 ok\r\n")
        elif not wire.waiting:
            wire.waiting = len(data)
            cast(Session, wire.protocol).pause_writing()
            wire.says(reply)

    asyncio.run(run())


@pytest.mark.parametrize(
    "after", ["250 taken\r\n250 taken\r\n", "250 taken\r\n354 more\r\n", "250 taken\r\n\x00\r\n"]
)
def test_what_is_said_behind_the_answer_to_the_message_ends_the_connection_and_not_the_message(
    after: str,
) -> None:
    server = Script(GOOD, after_dot=after)
    found = asyncio.run(deliver(server, times=3))
    assert [one.kind for one in found] == [OutcomeKind.DELIVERED] * 3
    assert (len(server.messages), server.connections) == (3, 3)


@pytest.mark.parametrize("last", [b"", b"421 4.3.2 going down\r\n", b"250 what\r\n", b"\x00\r\n"])
@pytest.mark.parametrize("is_kept", [True, False])
def test_who_goes_while_we_look_whether_the_message_is_still_allowed_is_left_for_another(
    last: bytes, is_kept: bool
) -> None:
    """No fault of ours, and no doubt: a connection that was kept is made anew, else the next host is asked."""
    peers: list[asyncio.StreamWriter] = []

    async def goes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peers.append(writer)
        await good(reader, writer)

    asked = 0

    async def still_allowed(claim: Claim, *, asked_at: float | None = None) -> float:
        nonlocal asked
        asked += 1
        if asked == (4 if is_kept else 2):  # on the way to the server: of the second message, or of the first
            if last:
                peers[-1].write(last)
            else:
                peers[-1].close()
            for _ in range(20):  # until it has come over loopback
                await asyncio.sleep(0)
        return 0.0

    good, other = Script(GOOD), Script(GOOD)
    found = asyncio.run(deliver(goes, other, times=2, still_allowed=still_allowed))
    assert [one.kind for one in found] == [OutcomeKind.DELIVERED] * 2
    assert (len(good.messages), len(other.messages)) == ((2, 0) if is_kept else (1, 1))


@pytest.mark.parametrize(
    "reply", [b"250 taken\r\n", b"552 5.3.4 too big\r\n", b"421 4.3.2 bye\r\n", b"what\r\n", b"354 more\r\n"]
)
def test_of_a_message_whose_fate_is_settled_the_last_dot_is_not_written(reply: bytes) -> None:
    """What was refused, or not understood, is not given to that server all the same."""

    def answer(wire: Wire, data: bytes) -> None:
        if data == b"DATA\r\n":
            wire.says(b"354 go\r\n")
        elif data[:4] in (b"EHLO", b"MAIL", b"RCPT"):
            wire.says(b"250 ok\r\n")
        elif data.startswith(b"From:"):
            wire.says(reply)

    async def run() -> None:
        wire = Wire(answer)
        session = await _open(wire, CLEAR)
        try:
            result = await session.send("a@b.test", "c@d.test", LARGE)
        except RemoteProtocolError as error:
            assert not error.ambiguous
        else:
            assert not result.is_delivered
        for _ in range(100):  # whatever was still to be written
            await asyncio.sleep(0)
        assert wire.written.count(b"\r\n.\r\n") == 0
        assert not session.is_usable

    asyncio.run(run())
