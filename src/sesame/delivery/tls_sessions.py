"""TLS sessions that servers let us take up again: no certificate on the way, and with TLS 1.2 one turn less.

Only where no certificate is checked: a session that is taken up again shows none, so a policy that has changed since,
or a certificate that has expired, would go unseen (RFC 8446 section 2.2; RFC 7672 section 2.2 for DANE).
"""

import ssl
from collections import OrderedDict
from typing import Any

MAX_SESSIONS = 2_000


class ResumingContext(ssl.SSLContext):
    """A client's context that offers each server the session that it gave us last.

    asyncio and uvloop make the connection's object by `wrap_bio` and have no word for sessions.
    """

    _sessions: OrderedDict[str, ssl.SSLSession]

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """See `ssl.SSLContext.wrap_bio`."""
        if session is None and isinstance(server_hostname, str):
            session = self._kept().get(server_hostname)
        return super().wrap_bio(incoming, outgoing, server_side, server_hostname, session)

    def keep(self, name: str, tls: Any) -> None:
        """Keep the session of a connection to `name`, an SSLObject; TLS 1.3 has one only once the server has spoken."""
        session = tls.session
        if session is None or not session.has_ticket or tls.context is not self:
            return
        kept = self._kept()
        kept[name] = session
        kept.move_to_end(name)
        if len(kept) > MAX_SESSIONS:
            kept.popitem(last=False)

    def forget(self, name: str) -> bool:
        """Offer the server none any more; whether there was one."""
        return self._kept().pop(name, None) is not None

    def _kept(self) -> OrderedDict[str, ssl.SSLSession]:
        if "_sessions" not in self.__dict__:
            self._sessions = OrderedDict()
        return self._sessions
