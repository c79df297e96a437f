"""A receiving server of another make: aiosmtpd, and what it received."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiosmtpd.controller import Controller

from tests.support.ports import free_port


class OtherServer:
    """Keeps what aiosmtpd received."""

    def __init__(self) -> None:
        self.port = free_port()  # aiosmtpd's controller cannot take port 0
        self.received: list[Any] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.received.append(envelope)
        return "250 Ok"


@contextmanager
def other_server(**options: Any) -> Iterator[OtherServer]:
    """Run one on the loopback until the end of the block."""
    kept = OtherServer()
    controller = Controller(kept, hostname="127.0.0.1", port=kept.port, **options)
    controller.start()
    try:
        yield kept
    finally:
        controller.stop()
