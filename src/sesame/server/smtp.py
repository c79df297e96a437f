"""The socket side of an SMTP server: listens, accepts, and bounds how many connections a client may hold.

Shared by the submission door, the listener for reports and the mailbox server; each has sessions of its own.
"""

import asyncio
import ipaddress
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

from sesame.observe import Log
from sesame.server.ending import end_all
from sesame.server.smtp_connection import Bounds, Connection, Listener, Session
from sesame.server.turns import Turns

BACKLOG = 512
"""Connections that the system holds until they are accepted."""

ACCEPT_AGAIN_S = 0.5
"""How long to wait when no file descriptor is free for a connection."""


class SmtpServer:
    """Serves `listeners`; `open_session` is told the client's address and whether TLS comes first."""

    def __init__(
        self,
        listeners: Sequence[Listener],
        open_session: Callable[[str, bool], Session],
        bounds: Bounds,
        *,
        log: Log,
        auth_required: bool,
        refused: Callable[[str], None] = lambda reason: None,
    ) -> None:
        self._refused = refused
        self.listeners = tuple(listeners)
        self.open_session = open_session
        self.bounds = bounds
        self.log = log
        self.auth_required = auth_required
        self.is_stopping = False
        self.held_bytes = 0
        self.turns = Turns()
        self._connections: set[Connection] = set()
        self._per_address: Counter[str] = Counter()
        self._servers: list[asyncio.Server] = []
        self._accepting: list[asyncio.Task[None]] = []

    @property
    def connection_count(self) -> int:
        """Connections open now."""
        return len(self._connections)

    async def start(self) -> None:
        """Begin to accept connections."""
        loop = asyncio.get_running_loop()
        for listener in self.listeners:
            if listener.is_implicit:
                listener.sock.setblocking(False)
                listener.sock.listen(BACKLOG)
                self._accepting.append(loop.create_task(self._accept(listener)))
            else:
                connection = partial(Connection, self, listener)
                self._servers.append(
                    await loop.create_server(connection, sock=listener.sock, backlog=BACKLOG)
                )

    async def _accept(self, listener: Listener) -> None:
        """Accept connections that begin with TLS.

        The loop's own server tells of them only after the handshake: who never speaks would be counted
        nowhere.
        """
        loop = asyncio.get_running_loop()
        while True:
            try:
                sock, peer = await loop.sock_accept(listener.sock)
            except ConnectionError:  # gone before it was accepted
                continue
            except OSError as error:  # no descriptor is free
                self._refused("descriptors")
                self.log.error("smtp_accept_failed", reason=str(error))
                await asyncio.sleep(ACCEPT_AGAIN_S)
                continue
            Connection(self, listener).begin_in_tls(sock, str(peer[0]))

    async def stop(self, *, within_s: float = 10.0) -> None:
        """Accept no more, let messages under way be answered, say 421 to the others, close."""
        self.is_stopping = True
        for server in self._servers:
            server.close()
        for accepting in self._accepting:
            accepting.cancel()
        for listener in self.listeners:
            listener.sock.close()
        await end_all(self._connections, within_s=within_s)

    def opened(self, connection: Connection, address: str) -> bool:
        """Count a connection in; False when there are too many."""
        self._connections.add(connection)
        network = client_network(address)
        self._per_address[network] += 1
        is_welcome = (
            len(self._connections) <= self.bounds.connections
            and self._per_address[network] <= self.bounds.per_address
        )
        if not is_welcome:
            self._refused("limit")
            self.log.event("smtp_connection_refused", address=address)
        return is_welcome

    def closed(self, connection: Connection, address: str) -> None:
        """Count a connection out."""
        self._connections.discard(connection)
        network = client_network(address)
        self._per_address[network] -= 1
        if not self._per_address[network]:
            del self._per_address[network]


def client_network(address: str) -> str:
    """What is counted as one client: an IPv4 address, or the /64 that an IPv6 client has to itself."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:  # a socket of another family
        return address
    if isinstance(ip, ipaddress.IPv4Address):
        return address
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return str(ipaddress.IPv6Address(int(ip) >> 64 << 64))
