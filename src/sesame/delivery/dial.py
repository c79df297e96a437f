"""Opens TCP connections to hosts, from the address of ours that was chosen, with TLS at once where it is asked for."""

import asyncio
import errno
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

from sesame.errors import SesameError


class SourceUnusable(SesameError):
    """This machine cannot send from the address that was chosen: nothing about the host."""


class OutOfResources(SesameError):
    """We have no file, port or memory for another connection: nothing about the host."""


_BIND_ADDRESS_NO_PORT = 24
"""IP_BIND_ADDRESS_NO_PORT of Linux, which Python has no name for."""

OURS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL, errno.EAGAIN})
"""Errors of a connection that say nothing about the host: we have run out of something."""


class Dial(Protocol):
    """Opens a connection for a protocol; `ssl` and `server_hostname` as in asyncio."""

    async def __call__(
        self,
        protocol_factory: Callable[[], asyncio.Protocol],
        address: str,
        port: int,
        *,
        ssl: ssl.SSLContext | None,
        server_hostname: str | None,
        bind: str | None = None,
    ) -> None:
        """Raises OSError, and `SourceUnusable` where there is no sending from the own address `bind`."""


async def dial(
    protocol_factory: Callable[[], asyncio.Protocol],
    address: str,
    port: int,
    *,
    ssl: ssl.SSLContext | None,
    server_hostname: str | None,
    bind: str | None = None,
) -> None:
    """Connect by TCP, with TLS from the start where a context is given, from `bind` if it is named."""
    loop = asyncio.get_running_loop()
    options: dict[str, Any] = {} if ssl is None else {"ssl": ssl, "server_hostname": server_hostname}
    if bind is None:
        await loop.create_connection(protocol_factory, address, port, **options)
        return
    sock = _bound(bind)
    try:
        await loop.sock_connect(sock, (address, port))
        await loop.create_connection(protocol_factory, sock=sock, **options)
    except BaseException as error:
        sock.close()
        if isinstance(error, OSError) and error.errno == errno.EINVAL:  # loopback does not lead outside
            raise SourceUnusable(f"{bind} leads to no {address}") from error
        raise


def _bound(bind: str) -> socket.socket:
    """A socket for connections from an address of ours. Raises `SourceUnusable`, and OSError when files run out."""
    sock = socket.socket(socket.AF_INET6 if ":" in bind else socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        with suppress(OSError):  # the port is chosen when the host is known: many hosts can share one
            sock.setsockopt(socket.IPPROTO_IP, _BIND_ADDRESS_NO_PORT, 1)
        sock.bind((bind, 0))
    except OSError as error:
        sock.close()
        raise SourceUnusable(f"{bind}: {error.strerror}") from error
    return sock
