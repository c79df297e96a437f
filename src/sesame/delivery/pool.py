"""Connections kept for the next message to the same address.

What to keep is decided here without waiting; connecting is `session`'s. Connections are kept by address, by what
they must be like and by the address of ours that they come from, whatever name led there, up to `max_idle` in all:
the one that has been idle longest goes first. They are closed side by side, in the background, and not waited for
but when delivery stops.
"""

import asyncio
from collections import OrderedDict, defaultdict

from sesame.delivery.dial import Dial, dial
from sesame.delivery.route import Host
from sesame.delivery.session import Session
from sesame.delivery.timeouts import Timeouts
from sesame.delivery.tls import TlsContexts, TlsDemand, TlsFailed, TlsMode
from sesame.observe import Clock
from sesame.smtp.dialogue import Dialogue
from sesame.smtp.errors import RemoteProtocolError, Stage

MAX_IDLE_S = 20.0
MAX_IDLE_PER_ADDRESS = 16
MAX_CLOSING = 64
"""Connections that are told QUIT at once; further ones are just closed."""
MAX_MESSAGES = 500
"""Messages over one connection; servers that count end it sooner."""
STOP_S = 3.0
"""How long peers have for their answer to QUIT when delivery stops."""


class Pool:
    """Opens, lends and keeps sessions."""

    def __init__(
        self,
        *,
        hostname: str,
        timeouts: Timeouts,
        clock: Clock,
        contexts: TlsContexts | None = None,
        max_idle: int = 200,
        dial: Dial = dial,
    ) -> None:
        self._hostname = hostname
        self._timeouts = timeouts
        self._clock = clock
        self._contexts = contexts or TlsContexts()
        self._max_idle = max_idle
        self._dial = dial
        self._idle: defaultdict[object, list[Session]] = defaultdict(list)
        self._by_age: OrderedDict[Session, None] = OrderedDict()
        self._closing: set[asyncio.Task[None]] = set()
        self._is_stopped = False

    @property
    def idle(self) -> int:
        """Connections that are kept."""
        return len(self._by_age)

    async def borrow(
        self, host: Host, *, is_fresh: bool = False, dialogue: Dialogue | None = None
    ) -> Session:
        """A session that is ready, with `is_fresh` a new one; raises what `Session.open` raises.

        `dialogue` notes what is said until the session is given back.

        `session.messages` is above 0 for one that was kept, which the peer may have left meanwhile.
        """
        now = self._clock.monotonic()
        key = _key(host)
        while not is_fresh and (idle := self._idle.get(key)):
            session = idle[-1]
            self._take_out(session)
            if session.is_usable and now - session.idle_since < MAX_IDLE_S:
                session.host = host
                if dialogue is not None:
                    dialogue.add(Stage.IDLE, f"(on a connection that had carried {_messages(session)})")
                    session.notes_in(dialogue)
                return session
            self._end(session)
        session = await self._open(host, dialogue)
        session.key = key
        return session

    def give_back(self, session: Session) -> None:
        """Keep the session for another message, or end it."""
        session.notes_in(None)
        idle = self._idle.get(session.key, ())
        if (
            self._is_stopped
            or not session.is_usable
            or session.messages >= MAX_MESSAGES
            or len(idle) >= MAX_IDLE_PER_ADDRESS
            or not self._max_idle
        ):
            self._end(session)
            return
        if session.messages == 1 and (tls := session.tls_object) is not None:
            self._contexts.keep_session(session.host.name, tls)
        session.idle_since = self._clock.monotonic()
        self._idle[session.key].append(session)
        self._by_age[session] = None
        while len(self._by_age) > self._max_idle:
            self._evict()

    def close_idle(self) -> None:
        """End sessions that have been idle too long, or were left by their peers."""
        now = self._clock.monotonic()
        for session in list(self._by_age):
            if not session.is_usable or now - session.idle_since >= MAX_IDLE_S:
                self._take_out(session)
                self._end(session)

    def make_room(self) -> bool:
        """Give up the session that has been idle longest, at once; False when there is none."""
        if not self._by_age:
            return False
        session = next(iter(self._by_age))
        self._take_out(session)
        session.abort()
        return True

    async def stop(self) -> None:
        """End all that are idle side by side, and what comes back from now on; returns within `STOP_S`."""
        self._is_stopped = True
        sessions = list(self._by_age)
        self._by_age.clear()
        self._idle.clear()
        closing = {asyncio.ensure_future(session.close()) for session in sessions} | self._closing
        if closing:
            _, left = await asyncio.wait(closing, timeout=STOP_S)
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)
        for session in sessions:
            session.abort()

    def _evict(self) -> None:
        session = next(iter(self._by_age))
        self._take_out(session)
        self._end(session)

    def _take_out(self, session: Session) -> None:
        del self._by_age[session]
        idle = self._idle[session.key]
        idle.remove(session)
        if not idle:
            del self._idle[session.key]

    def _end(self, session: Session) -> None:
        """Say goodbye in the background, where that is worth anything."""
        if not session.is_open or len(self._closing) >= MAX_CLOSING:
            session.abort()
            return
        task = asyncio.ensure_future(session.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _open(self, host: Host, dialogue: Dialogue | None) -> Session:
        """A new session; where the host's demand may fall back, the failure goes along as `tls_failure`."""
        demand: TlsDemand = host.tls
        first: TlsFailed | None = None
        while True:
            try:
                session = await Session.open(
                    host,
                    hostname=self._hostname if host.source is None else host.source.hello,
                    timeouts=self._timeouts,
                    contexts=self._contexts,
                    demand=demand,
                    now=self._clock.now(),
                    dial=self._dial,
                    dialogue=dialogue,
                )
            except (TlsFailed, RemoteProtocolError, OSError) as error:
                if self._contexts.forget_session(host.name, demand) and not isinstance(error, TimeoutError):
                    continue  # it may be that the server cannot take its session up again
                if not isinstance(error, TlsFailed) or demand.otherwise is None:
                    raise
                first, demand = first or error, demand.otherwise
            else:
                if first is not None:
                    session.tls_failure = first
                    session.verdict += f"; {host.tls.reason or 'TLS'} failed: {first}"
                return session


def _messages(session: Session) -> str:
    return "1 message" if session.messages == 1 else f"{session.messages} messages"


def _key(host: Host) -> object:
    """What two hosts must have in common to share a connection: a name only where a certificate was checked for it."""
    is_named = host.tls.mode in (TlsMode.VERIFIED, TlsMode.DANE)
    return host.address, host.port, host.tls, host.login, host.source, host.name if is_named else ""
