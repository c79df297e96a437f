"""What servers may do to us, one case a behaviour: the outcome, whether it may have been delivered, and that it ends.

Those about TLS are in `test_tls_policy.py`, those about routes in `test_route.py`.
"""

import asyncio

import pytest

from sesame.model import OutcomeKind
from tests.support.attempts import GOOD, Script, Server, deliver
from tests.support.patience import PATIENCE_S

T, P, D = OutcomeKind.TRANSIENT, OutcomeKind.PERMANENT, OutcomeKind.DELIVERED
SHORT_S = 0.3
WAITS = ("3 no banner", "4 a banner that drips", "40 RCPT never answered", "47 never replies to the dot")
"""Those that end by our clock; the others have time, however busy the machine is."""


def says(**replies: str | None) -> Script:
    return Script({**GOOD, **replies})


async def _resets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def _says_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    writer.close()


def endless(piece: bytes, *, pause_s: float = 0.0) -> Server:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while not writer.is_closing():
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(pause_s)
        except ConnectionError:
            pass
        finally:
            writer.close()

    return talk


def byte_by_byte(script: dict[str, str]) -> Server:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def say(words: str) -> None:
            for character in words.encode():
                writer.write(bytes((character,)))
                await writer.drain()
                await asyncio.sleep(0)

        await say("220 hi\r\n")
        while line := await reader.readline():
            verb = line[:4].decode().strip().rstrip(":")
            await say(script.get(verb, "250 ok\r\n"))
            if verb == "DATA":
                await reader.readuntil(b"\r\n.\r\n")
                await say("250 taken\r\n")
        writer.close()

    return talk


def flips() -> Server:
    """Another behaviour each time."""
    manners: list[dict[str, str | None]] = [
        {"MAIL": None},
        {"RCPT": "451 4.7.1 later\r\n"},
        {"RCPT": "550 5.1.1 no\r\n"},
    ]
    tries = iter(manners)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await Script({**GOOD, **next(tries, {})})(reader, writer)

    return talk


CASES: dict[str, tuple[Server, OutcomeKind, str | None, bool]] = {
    "1 RST": (_resets, T, None, False),
    "3 no banner": (_says_nothing, T, None, False),
    "4 a banner that drips": (endless(b"2", pause_s=0.02), T, None, False),
    "5 421 banner": (Script(GOOD, banner="421 4.3.2 closing\r\n"), T, "4.3.2", False),
    "7 banner of 10,000 lines": (Script(GOOD, banner="220-hi\r\n" * 10_000 + "220 hi\r\n"), T, None, False),
    "8 endless banner without a newline": (endless(b"x" * 4096), T, None, False),
    "9 banner with NUL and 8-bit": (Script(GOOD, banner="220 \x00h\xef\r\n"), T, None, False),
    "10 close after the banner": (says(EHLO=None), T, None, False),
    "11 TLS bytes": (Script(GOOD, banner="\x16\x03\x01\x02\x00\x01\x00\r\n"), T, None, False),
    "12 502 to EHLO": (says(EHLO="502 5.5.1 what\r\n"), D, None, False),
    "13 421 to EHLO": (says(EHLO="421 4.7.0 go away\r\n"), T, "4.7.0", False),
    "14 5xx to EHLO and HELO": (says(EHLO="550 no\r\n", HELO="550 5.7.1 no\r\n"), P, None, False),
    "15 10,000 extensions": (says(EHLO="250-X\r\n" * 10_000 + "250 X\r\n"), T, None, False),
    "16 SIZE 10": (says(EHLO="250-hi\r\n250 SIZE 10\r\n"), P, "5.3.4", False),
    "17 lies about pipelining": (says(EHLO="250-hi\r\n250-CHUNKING\r\n250 BINARYMIME\r\n"), D, None, False),
    "18 the code changes": (says(MAIL="250-ok\r\n550 no\r\n"), T, None, False),
    "19 bare LF in replies": (says(MAIL="250 ok\n"), T, None, False),
    "20 a code without text": (says(MAIL="250\r\n", RCPT="250\r\n"), D, None, False),
    "21 code 999": (says(MAIL="999 what\r\n"), T, None, False),
    "21 code abc": (says(RCPT="abc\r\n"), T, None, False),
    "21 code 299": (says(RCPT="299 fine\r\n"), T, None, False),
    "22 replies byte by byte": (byte_by_byte({"EHLO": "250 hi\r\n", "DATA": "354 go\r\n"}), D, None, False),
    "23 two replies at once": (says(MAIL="250 ok\r\n550 5.1.1 no\r\n"), T, None, False),
    "33 421 in the middle": (says(RCPT="421 4.3.2 closing\r\n"), T, "4.3.2", False),
    "34 greylisted": (says(RCPT="451 4.7.1 greylisted\r\n"), T, "4.7.1", False),
    "37 RCPT 550": (says(RCPT="550 5.1.1 no such user\r\n"), P, "5.1.1", False),
    "38 551 names another": (says(RCPT="551 5.1.6 try <other@elsewhere.test>\r\n"), P, "5.1.6", False),
    "38 251 will forward": (
        says(RCPT="251 2.1.5 will forward to <other@elsewhere.test>\r\n"),
        D,
        None,
        False,
    ),
    "39 552 too big": (says(MAIL="552 5.3.4 too big\r\n"), P, "5.3.4", False),
    "40 RCPT never answered": (says(RCPT=""), T, None, False),
    "41 a MB of words": (says(RCPT="550 " + "x" * 1_000_000 + "\r\n"), T, None, False),
    "42 554 instead of 354": (says(DATA="554 5.6.0 no\r\n"), P, "5.6.0", False),
    "43 250 instead of 354": (says(DATA="250 ok\r\n"), T, None, False),
    "48 takes it and drops us": (Script(GOOD, after_dot=None), T, None, True),
    "47 never replies to the dot": (Script(GOOD, after_dot=""), T, None, True),
    "49 451 to the dot": (Script(GOOD, after_dot="451 4.3.0 later\r\n"), T, "4.3.0", False),
    "49 554 to the dot": (Script(GOOD, after_dot="554 5.6.0 no\r\n"), P, "5.6.0", False),
    "51 250 twice": (Script(GOOD, after_dot="250 one\r\n250 two\r\n"), D, None, False),
}


@pytest.mark.parametrize("name", CASES)
def test_each_behaviour_has_its_outcome(name: str) -> None:
    server, kind, status, ambiguous = CASES[name]

    async def attempt() -> None:
        async with asyncio.timeout(PATIENCE_S):
            (found,) = await deliver(server, timeout_s=SHORT_S if name in WAITS else PATIENCE_S)
        assert (found.kind, found.ambiguous) == (kind, ambiguous), found
        assert status is None or found.status == status, found
        assert len(found.diagnostic) <= 2_000 and found.diagnostic.isprintable(), found

    asyncio.run(attempt())


def test_52_a_server_that_behaves_otherwise_each_time_has_each_time_its_outcome() -> None:
    async def attempt() -> None:
        found = await deliver(flips(), times=3)
        assert [one.kind for one in found] == [T, T, P]

    asyncio.run(attempt())


@pytest.mark.parametrize(
    "words", ["\x1b[31mred", "<b>bold</b>", "--boundary", "'; DROP TABLE message;--", "\x07\x9b"]
)
def test_41_words_of_a_server_are_kept_printable(words: str) -> None:
    async def attempt() -> None:
        (found,) = await deliver(says(RCPT=f"550 5.1.1 {words}\r\n"))
        assert (found.kind, found.diagnostic.isprintable()) == (P, True), found

    asyncio.run(attempt())
