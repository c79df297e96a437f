"""DNS as Sesame needs it: a port, and the development profile's local zone; `system` is the real one.

Answers tell "there is no such record" (an empty list) from "could not find out" (`DnsFailure`), for
only the first may settle anything. Sources: RFC 1035, 5321 section 5.1, 7505 (null MX).
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from sesame.errors import Unavailable

MAX_CNAMES = 8
"""How many CNAMEs are followed in the local zone."""


class DnsFailure(Unavailable):
    """DNS could not say: time-out, SERVFAIL or an unusable answer. Try again later."""


class DomainNotFound(Unavailable):
    """The name does not exist at all (authoritative NXDOMAIN)."""


@dataclass(frozen=True, slots=True)
class Mx:
    """One MX record; `exchange` is lower-case without the trailing dot, empty for a null MX."""

    preference: int
    exchange: str


class Resolver(Protocol):
    """Look-ups; each raises `DomainNotFound` for NXDOMAIN and `DnsFailure` when DNS could not say."""

    async def mx(self, name: str) -> list[Mx]:
        """MX records, most preferred first."""

    async def addresses(self, name: str) -> list[str]:
        """IPv4 addresses, then IPv6, as text."""

    async def txt(self, name: str) -> list[str]:
        """TXT records, strings of one record joined; CNAMEs are followed."""


class LocalZone:
    """Stands in for DNS without the internet: the records published in the store.

    Every domain is given the built-in mailbox server as its MX unless the zone says otherwise, so
    that mail to any address takes the real way and ends there.
    """

    MAILBOX_HOST = "mailbox.sesame.localhost"

    def __init__(self, records: Callable[[str, str], Awaitable[list[str]]]) -> None:
        self._records = records

    async def mx(self, name: str) -> list[Mx]:
        """MX records, most preferred first; the mailbox server where none is published."""
        published = [value.split() for value in await self._records(name, "MX")]
        records = [Mx(preference=int(preference), exchange=host_name(host)) for preference, host in published]
        return sorted(records, key=lambda mx: mx.preference) or [
            Mx(preference=10, exchange=self.MAILBOX_HOST)
        ]

    async def addresses(self, name: str) -> list[str]:
        """Addresses from the zone; the mailbox server is on this machine."""
        if name == self.MAILBOX_HOST:
            return ["127.0.0.1"]
        return [*await self._records(name, "A"), *await self._records(name, "AAAA")]

    async def txt(self, name: str) -> list[str]:
        """TXT records of the zone, CNAMEs followed."""
        for _ in range(MAX_CNAMES):
            targets = await self._records(name, "CNAME")
            if not targets:
                return await self._records(name, "TXT")
            name = host_name(targets[0])
        raise DnsFailure(f"look-up of `{name}` follows more than {MAX_CNAMES} CNAMEs")


def host_name(text: str) -> str:
    """A name without its trailing dot, in lower case."""
    return text.rstrip(".").lower()
