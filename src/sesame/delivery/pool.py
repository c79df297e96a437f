"""Connections kept for the next message to the same host.

What to keep is decided here without waiting; connecting is `session`'s. A kept connection that turns
out dead before anything was sent on it is replaced once, silently.
"""

from collections import defaultdict

from sesame.delivery.route import Host
from sesame.delivery.session import Session
from sesame.delivery.tls import TlsContexts, TlsDemand, TlsFailed
from sesame.observe import Clock

MAX_IDLE_S = 20.0
MAX_IDLE_PER_HOST = 16
MAX_MESSAGES = 500
"""Messages over one connection; servers that count end it sooner."""


class Pool:
    """Opens, lends and keeps sessions."""

    def __init__(
        self, *, hostname: str, timeout_s: float, clock: Clock, contexts: TlsContexts | None = None
    ) -> None:
        self._hostname = hostname
        self._timeout_s = timeout_s
        self._clock = clock
        self._idle: defaultdict[Host, list[Session]] = defaultdict(list)
        self._contexts = contexts or TlsContexts()

    async def borrow(self, host: Host) -> Session:
        """A session that is ready; raises what `Session.open` raises."""
        idle = self._idle[host]
        now = self._clock.monotonic()
        while idle:
            session = idle.pop()
            if session.is_usable and now - session.idle_since < MAX_IDLE_S:
                return session
            session.abort()
        return await self._open(host)

    async def give_back(self, session: Session) -> None:
        """Keep the session for another message, or end it."""
        idle = self._idle[session.host]
        if session.is_usable and session.messages < MAX_MESSAGES and len(idle) < MAX_IDLE_PER_HOST:
            session.idle_since = self._clock.monotonic()
            idle.append(session)
        else:
            await session.close()

    async def close_idle(self, *, everything: bool = False) -> None:
        """End sessions that have been idle too long, or all that are idle."""
        now = self._clock.monotonic()
        for host in list(self._idle):
            keep = []
            for session in self._idle[host]:
                if everything or not session.is_usable or now - session.idle_since >= MAX_IDLE_S:
                    await session.close()
                else:
                    keep.append(session)
            if keep:
                self._idle[host] = keep
            else:
                del self._idle[host]

    async def _open(self, host: Host) -> Session:
        """A new session; where the host's demand may fall back, the failure goes along as `tls_failure`."""
        demand: TlsDemand = host.tls
        first: TlsFailed | None = None
        while True:
            try:
                session = await Session.open(
                    host,
                    hostname=self._hostname,
                    timeout_s=self._timeout_s,
                    contexts=self._contexts,
                    demand=demand,
                    now=self._clock.now(),
                )
            except TlsFailed as error:
                if demand.otherwise is None:
                    raise
                first, demand = first or error, demand.otherwise
            else:
                if first is not None:
                    session.tls_failure = first
                    session.verdict += f"; {host.tls.reason or 'TLS'} failed: {first}"
                return session
