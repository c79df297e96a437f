"""The development profile's mailbox server, over real sockets."""

import asyncio
import io
import smtplib
from collections.abc import Awaitable, Callable

import pytest

from sesame.errors import StoreUnavailable
from sesame.observe import Log, SystemClock
from sesame.server.listener import listen
from sesame.server.mailbox import MailboxServer
from tests.support.patience import PATIENCE_S

Kept = list[tuple[str, tuple[str, ...], bytes]]


def with_mailbox(
    keep: Callable[[str, tuple[str, ...], bytes], Awaitable[None]], talk: Callable[[int], None]
) -> None:
    async def session() -> None:
        log = Log(io.StringIO(), as_json=True, clock=SystemClock())
        server = MailboxServer(listen("127.0.0.1", 0), keep, hostname="mailbox.test", log=log)
        running = asyncio.ensure_future(server.run())
        try:
            await asyncio.get_running_loop().run_in_executor(None, talk, server.port)
        finally:
            running.cancel()
            await asyncio.wait([running])

    asyncio.run(session())


def test_messages_for_any_address_are_kept_byte_for_byte() -> None:
    kept: Kept = []

    async def keep(mail_from: str, rcpt_to: tuple[str, ...], data: bytes) -> None:
        kept.append((mail_from, rcpt_to, data))

    def talk(port: int) -> None:
        with smtplib.SMTP("127.0.0.1", port, timeout=PATIENCE_S) as client:
            for n in range(3):
                client.sendmail("a@b.test", [f"x{n}@y.test", "z@y.test"], f"Subject: {n}\r\n\r\n.dot\r\n")

    with_mailbox(keep, talk)
    assert kept == [
        ("a@b.test", (f"x{n}@y.test", "z@y.test"), f"Subject: {n}\r\n\r\n.dot\r\n".encode()) for n in range(3)
    ]


def test_what_could_not_be_kept_is_not_acknowledged() -> None:
    async def keep(mail_from: str, rcpt_to: tuple[str, ...], data: bytes) -> None:
        raise StoreUnavailable("disk full")

    def talk(port: int) -> None:
        with (
            smtplib.SMTP("127.0.0.1", port, timeout=PATIENCE_S) as client,
            pytest.raises(smtplib.SMTPDataError) as refused,
        ):
            client.sendmail("a@b.test", ["x@y.test"], "Subject: s\r\n\r\n")
        assert refused.value.smtp_code == 451

    with_mailbox(keep, talk)
