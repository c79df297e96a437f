"""One dialogue: what was read counts, every step has its time, and only silence after the last dot leaves a doubt."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from sesame.delivery.attempt import NoPlace
from sesame.delivery.lanes import Lanes, Limits
from sesame.delivery.outcome import after_doubts
from sesame.delivery.pool import Pool
from sesame.delivery.retry import MAX_DOUBTS, RetryPolicy, next_attempt_at
from sesame.delivery.route import Host
from sesame.delivery.session import Session
from sesame.delivery.timeouts import Timeouts
from sesame.delivery.tls import CLEAR
from sesame.model import OutcomeKind
from sesame.smtp.data import MailText
from sesame.smtp.errors import RemoteProtocolError, Stage
from tests.support.attempts import GOOD, Script, Server, deliver, outcome_of
from tests.support.clock import FakeClock
from tests.support.talks import Talks

CONTENT = b"From: a@example.com\r\n\r\nhi\r\n"


def test_the_times_are_those_of_the_standard_and_scale_together() -> None:
    times, tenth = Timeouts(), Timeouts.scaled(0.1, attempt_s=60.0)
    wanted = {Stage.CONNECT: 300, Stage.MAIL: 300, Stage.RCPT: 300, Stage.DATA: 120, Stage.BODY: 600}
    assert {stage: times.of(stage) for stage in wanted} == wanted
    assert (times.connect_s, times.block_s) == (60, 180)
    assert {stage: tenth.of(stage) for stage in wanted} == {s: t / 10 for s, t in wanted.items()}


@pytest.mark.parametrize(
    ("verb", "reply", "kind", "stage"),
    [
        ("RCPT", "550 5.1.1 no such user\r\n", OutcomeKind.PERMANENT, "rcpt"),
        ("MAIL", "550 5.7.1 no\r\n", OutcomeKind.PERMANENT, "mail"),
        ("RCPT", "450 4.2.0 later\r\n", OutcomeKind.TRANSIENT, "rcpt"),
    ],
)
def test_a_reply_that_was_read_counts_though_the_connection_dies_behind_it(
    verb: str, reply: str, kind: OutcomeKind, stage: str
) -> None:
    async def dies(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hi\r\n")
        while line := await reader.readline():
            if line.upper().startswith(verb.encode()):
                writer.write(reply.encode())
                writer.close()
                return
            writer.write(b"250-hi\r\n250 PIPELINING\r\n" if line.startswith(b"EHLO") else b"250 ok\r\n")
        writer.close()

    outcome = outcome_of(dies)
    assert (outcome.kind, outcome.stage, outcome.ambiguous) == (kind, stage, False)
    assert outcome.diagnostic == reply.strip()


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
def test_a_passing_refusal_before_the_text_sends_us_to_the_next_host(verb: str) -> None:
    second = Script(GOOD)
    assert outcome_of(Script({**GOOD, verb: "451 4.7.1 later\r\n"}), second).kind is OutcomeKind.DELIVERED
    assert len(second.messages) == 1


def test_a_passing_refusal_behind_the_text_is_not_carried_to_the_next_host() -> None:
    second = Script(GOOD)
    outcome = outcome_of(Script(GOOD, after_dot="451 4.3.0 disk\r\n"), second)
    assert (outcome.kind, outcome.stage, second.connections) == (OutcomeKind.TRANSIENT, "body", 0)


def test_words_count_more_than_the_silence_of_the_next_host() -> None:
    outcome = outcome_of(Script({**GOOD, "RCPT": "451 4.7.1 greylisted\r\n"}), Script(GOOD, banner=None))
    assert (outcome.status, outcome.is_unreachable) == ("4.7.1", False)


def test_a_kept_connection_that_the_server_has_left_is_replaced_unseen() -> None:
    connections = 0

    async def leaves(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        script = Script(GOOD)
        writer.write(b"220 hi\r\n")
        while line := await reader.readline():
            verb = line.split()[0].upper().decode().split(":")[0]
            if verb == "MAIL" and script.messages:
                writer.write(b"421 4.4.2 idle for too long\r\n")
                writer.close()
                return
            writer.write((script.replies.get(verb) or "250 ok\r\n").encode())
            if verb == "DATA":
                script.messages.append(await reader.readuntil(b"\r\n.\r\n"))
                writer.write(b"250 taken\r\n")
        writer.close()

    outcomes = asyncio.run(deliver(leaves, times=3))
    assert {outcome.kind for outcome in outcomes} == {OutcomeKind.DELIVERED}
    assert connections == 3


def with_session(server: Server, timeouts: Timeouts, check: Callable[[Session], Awaitable[None]]) -> None:
    async def run() -> None:
        talks = Talks()
        listening = await asyncio.start_server(talks.of(server), "127.0.0.1", 0)
        host = Host("mx.test", "127.0.0.1", listening.sockets[0].getsockname()[1], CLEAR)
        pool = Pool(hostname="me.test", timeouts=timeouts, clock=FakeClock())
        session = await pool.borrow(host)
        try:
            await check(session)
        finally:
            session.abort()
            await pool.stop()
            listening.close()
            await talks.end()

    asyncio.run(run())


def short(stage: Stage) -> Timeouts:
    """The standard's times, but for one step that has none to speak of."""
    return Timeouts(block_s=0.2, stages={**Timeouts().stages, stage: 0.05})


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
def test_silence_ends_each_step_by_its_name_and_leaves_no_doubt(verb: str) -> None:
    async def check(session: Session) -> None:
        with pytest.raises(RemoteProtocolError, match=f"{verb.lower()}: no reply") as caught:
            await session.send("a@b.test", "c@d.test", CONTENT)
        assert (caught.value.stage.value, caught.value.ambiguous) == (verb.lower(), False)

    with_session(Script({**GOOD, verb: ""}), short(Stage(verb.lower())), check)


def test_silence_behind_the_last_dot_leaves_a_doubt() -> None:
    async def check(session: Session) -> None:
        with pytest.raises(RemoteProtocolError) as caught:
            await session.send("a@b.test", "c@d.test", CONTENT)
        assert caught.value.ambiguous

    with_session(Script(GOOD, after_dot=""), short(Stage.BODY), check)


def test_who_is_broken_off_as_the_text_leaves_has_left_it_in_doubt() -> None:
    async def check(session: Session) -> None:
        sending = asyncio.ensure_future(session.send("a@b.test", "c@d.test", CONTENT))
        await asyncio.sleep(0)
        assert not session.is_transferring
        for _ in range(2):
            session.data_received(b"250 ok\r\n")
        sending.cancel()
        session.data_received(b"354 go\r\n")  # before the task has heard that it is over
        with pytest.raises(asyncio.CancelledError):
            await sending
        assert session.was_in_doubt

    with_session(Script({**GOOD, "MAIL": ""}), Timeouts(), check)


def test_who_is_broken_off_as_its_answer_comes_is_no_idle_one_and_leaves_a_doubt() -> None:
    """The server has taken it and said so; the task that waits for that has not had its turn yet."""

    async def check(session: Session) -> None:
        sending = asyncio.ensure_future(session.send("a@b.test", "c@d.test", CONTENT))
        await asyncio.sleep(0)
        for reply in (b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n", b"250 taken\r\n"):
            session.data_received(reply)
        assert session.is_transferring and not session.is_in_doubt
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        assert session.was_in_doubt

    with_session(Script({**GOOD, "MAIL": ""}), Timeouts(), check)


def test_who_is_broken_off_as_its_refusal_comes_leaves_none() -> None:
    async def check(session: Session) -> None:
        sending = asyncio.ensure_future(session.send("a@b.test", "c@d.test", CONTENT))
        await asyncio.sleep(0)
        for reply in (b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n", b"451 4.3.0 no\r\n"):
            session.data_received(reply)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        assert not session.was_in_doubt

    with_session(Script({**GOOD, "MAIL": ""}), Timeouts(), check)


def test_who_is_broken_off_before_the_text_has_left_nothing() -> None:
    async def check(session: Session) -> None:
        sending = asyncio.ensure_future(session.send("a@b.test", "c@d.test", CONTENT))
        await asyncio.sleep(0)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        assert not session.was_in_doubt

    with_session(Script({**GOOD, "MAIL": ""}), Timeouts(), check)


def test_text_that_the_server_never_takes_leaves_none() -> None:
    is_over = asyncio.Event()

    async def reads_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hi\r\n")
        for reply in (b"250 hi\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n"):
            await reader.readline()
            writer.write(reply)
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        await is_over.wait()

    async def check(session: Session) -> None:
        with pytest.raises(RemoteProtocolError) as caught:
            await session.send("a@b.test", "c@d.test", (b"x" * 900 + b"\r\n") * 20_000)
        assert not caught.value.ambiguous
        is_over.set()

    with_session(reads_nothing, short(Stage.BODY), check)


LARGE = b"From: a@example.com\r\n\r\n" + b"".join(
    b".%07d%s\r\n" % (n, b"x" * (n % 90)) for n in range(30_000)
)


def test_a_large_message_arrives_byte_for_byte_and_the_connection_is_used_on() -> None:
    taken: list[bytes] = []

    async def takes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hi\r\n")
        while command := await reader.readline():
            writer.write(b"354 go\r\n" if command == b"DATA\r\n" else b"250 ok\r\n")
            if command == b"DATA\r\n":
                lines = [line async for line in _until_dot(reader)]
                taken.append(b"".join(lines))
                writer.write(b"250 taken\r\n")

    async def check(session: Session) -> None:
        for data in (LARGE, MailText.of(LARGE), CONTENT):
            assert (await session.send("a@b.test", "c@d.test", data)).is_delivered
        assert session.is_usable

    with_session(takes, Timeouts(), check)
    assert taken == [LARGE, LARGE, CONTENT]


async def _until_dot(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while (line := await reader.readline()) not in (b".\r\n", b""):
        yield line.removeprefix(b".")


def test_a_server_that_decides_before_it_has_all_of_it_is_heard_and_not_used_on() -> None:
    is_over = asyncio.Event()

    async def too_big(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hi\r\n")
        for reply in (b"250 hi\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n"):
            await reader.readline()
            writer.write(reply)
        await reader.readline()
        writer.write(b"552 5.3.4 too big\r\n")
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        await is_over.wait()

    async def check(session: Session) -> None:
        result = await session.send("a@b.test", "c@d.test", LARGE * 8)
        assert (result.reply.code, session.is_usable) == (552, False)
        is_over.set()

    with_session(too_big, Timeouts(), check)


def test_a_connection_that_dies_before_it_has_all_of_it_leaves_no_doubt() -> None:
    async def dies(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hi\r\n")
        for reply in (b"250 hi\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n"):
            await reader.readline()
            writer.write(reply)
        await reader.readline()
        writer.transport.abort()

    async def check(session: Session) -> None:
        with pytest.raises(RemoteProtocolError) as caught:
            await session.send("a@b.test", "c@d.test", LARGE * 8)
        assert not caught.value.ambiguous

    with_session(dies, Timeouts(), check)


def test_a_greeting_that_drips_has_no_more_time_than_one_that_does_not_come() -> None:
    async def drips(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while not writer.transport.is_closing():
                writer.write(b"2")
                await asyncio.sleep(0.01)
        except ConnectionError:
            pass
        writer.close()

    outcome = outcome_of(drips, timeout_s=0.2)
    assert (outcome.kind, outcome.diagnostic) == (OutcomeKind.TRANSIENT, "no reply to connect in time")


def test_hosts_that_have_all_their_connections_are_no_outcome() -> None:
    lanes = Lanes(Limits(places=8, per_domain=8, per_address=1))
    assert lanes.take("127.0.0.1")

    async def attempt() -> None:
        await deliver(Script(GOOD), places=lanes)

    with pytest.raises(NoPlace):
        asyncio.run(attempt())


def test_doubts_are_five_with_gaps_that_widen_and_end_in_words_of_their_own() -> None:
    policy = RetryPolicy(first_delay_s=60.0, longest_delay_s=1e6, give_up_after_s=1e6)
    gaps = [next_attempt_at(0.0, n, now=0.0, policy=policy, draw=lambda: 0.0, doubts=n) for n in range(1, 7)]
    known = [gap for gap in gaps if gap is not None]
    assert len(known) == MAX_DOUBTS - 1
    assert all(later >= 4 * earlier for earlier, later in itertools.pairwise(known))
    found = after_doubts(outcome_of(Script(GOOD, after_dot=None)), MAX_DOUBTS)
    assert "may have been delivered" in found.diagnostic
    assert (found.kind, found.ambiguous) == (OutcomeKind.TRANSIENT, True)


def test_whose_time_is_up_while_the_server_has_the_message_is_still_heard() -> None:
    async def check(session: Session) -> None:
        sending = asyncio.ensure_future(session.send("a@b.test", "c@d.test", CONTENT))
        await asyncio.sleep(0)
        for reply in (b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n"):
            session.data_received(reply)
        assert session.is_in_doubt
        session.overdue()
        await asyncio.sleep(0)
        session.data_received(b"250 taken\r\n")
        assert (await sending).is_delivered

    with_session(Script({**GOOD, "MAIL": ""}), Timeouts(), check)


def test_whose_time_is_up_before_that_is_broken_off() -> None:
    async def check(session: Session) -> None:
        sending = asyncio.ensure_future(session.send("a@b.test", "c@d.test", CONTENT))
        await asyncio.sleep(0)
        session.data_received(b"250 ok\r\n")
        session.overdue()
        with pytest.raises(RemoteProtocolError, match="too long") as caught:
            await sending
        assert not caught.value.ambiguous

    with_session(Script({**GOOD, "MAIL": ""}), Timeouts(), check)


def test_a_kept_connection_that_dies_behind_the_last_dot_is_not_replaced() -> None:
    """The server may have taken it: a second copy is not for us to risk at once."""
    connections, messages = 0, 0

    async def dies(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections, messages
        connections += 1
        writer.write(b"220 hi\r\n")
        while line := await reader.readline():
            if line == b"DATA\r\n":
                writer.write(b"354 go\r\n")
                await reader.readuntil(b"\r\n.\r\n")
                messages += 1
                if messages > 1:
                    break
            writer.write(b"250 ok\r\n")
        writer.close()

    first, second = asyncio.run(deliver(dies, times=2))
    assert (first.kind, second.kind, second.ambiguous) == (
        OutcomeKind.DELIVERED,
        OutcomeKind.TRANSIENT,
        True,
    )
    assert (connections, messages) == (1, 2)


@pytest.mark.parametrize(
    ("code", "is_unreachable"), [("421 4.3.2 closing", True), ("450 4.2.1 busy", False), ("550 no", False)]
)
def test_421_is_about_the_server_at_whatever_step(code: str, is_unreachable: bool) -> None:
    for script in (Script({**GOOD, "RCPT": f"{code}\r\n"}), Script(GOOD, after_dot=f"{code}\r\n")):
        assert outcome_of(script).is_unreachable is is_unreachable
