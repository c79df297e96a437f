"""Where mail for a domain goes: MX look-up, address vetting, or the one relay host.

The addresses a name resolves to are checked before use and connected to as they are, so that no
MX record can lead us into our own network. Sources: RFC 5321 section 5.1, RFC 7505 (null MX),
IANA special-purpose address registries.
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sesame.dns.public import AddressGuard
from sesame.errors import SesameError, Unavailable

MAX_HOSTS = 5
"""MX hosts tried for one attempt; longer lists exist and serve nobody."""


class MxRecord(Protocol):
    """One MX record."""

    @property
    def preference(self) -> int:
        """Lower is preferred."""

    @property
    def exchange(self) -> str:
        """Host name, empty for a null MX."""


class MxResolver(Protocol):
    """The look-ups that routing needs. `missing` is raised for NXDOMAIN, `Unavailable` when unknown."""

    async def mx(self, name: str) -> Sequence[MxRecord]:
        """MX records, most preferred first; empty when there are none."""

    async def addresses(self, name: str) -> list[str]:
        """Addresses as text; empty when there are none."""


@dataclass(frozen=True, slots=True)
class Host:
    """One server to try: a vetted address, its port, and the name it goes by."""

    name: str
    address: str
    port: int


class Unroutable(SesameError):
    """Mail for the domain can never be delivered as things stand; carries an RFC 3463 status."""

    def __init__(self, status: str, message: str) -> None:
        super().__init__(message)
        self.status = status


class Router:
    """Finds the hosts for a domain, in the order to try them."""

    def __init__(
        self,
        resolver: MxResolver,
        *,
        missing: type[Exception],
        relay: tuple[str, int] | None,
        mx_port: int,
        allow_networks: Sequence[str],
    ) -> None:
        self._resolver = resolver
        self._missing = missing
        self._relay = relay
        self._mx_port = mx_port
        self._guard = AddressGuard(allow_networks)

    async def hosts(self, domain: str) -> list[Host]:
        """The hosts to try for `domain`. Raises `Unroutable` for good, `Unavailable` for now."""
        if self._relay is not None:
            return await self._relay_hosts(*self._relay)
        try:
            records = list(await self._resolver.mx(domain))
        except self._missing as error:
            raise Unroutable("5.1.2", str(error)) from error
        if len(records) == 1 and records[0].exchange == "":
            raise Unroutable("5.1.10", f"domain `{domain}` accepts no mail (null MX)")
        names = [record.exchange for record in records if record.exchange] or [domain]
        hosts: list[Host] = []
        refused: list[str] = []
        for name in names[:MAX_HOSTS]:
            for address in await self._addresses(name):
                if self._guard.refusal(address) is None:
                    hosts.append(Host(name=name, address=address, port=self._mx_port))
                else:
                    refused.append(address)
        if hosts:
            return hosts
        if refused:
            raise Unroutable("5.4.4", f"the MX of `{domain}` leads to `{refused[0]}`, which is not public")
        raise Unroutable("5.4.4", f"no host of `{domain}` has an address")

    async def _relay_hosts(self, name: str, port: int) -> list[Host]:
        """The configured relay: the operator's choice, so private addresses are fine."""
        try:
            ipaddress.ip_address(name)
        except ValueError:
            addresses = await self._addresses(name)
        else:
            addresses = [name]
        if not addresses:
            raise Unavailable(f"relay `{name}` has no address")
        return [Host(name=name, address=address, port=port) for address in addresses]

    async def _addresses(self, name: str) -> list[str]:
        try:
            ipaddress.ip_address(name)
        except ValueError:
            pass
        else:
            return []  # an MX must name a host; an address in its place is not followed
        try:
            return await self._resolver.addresses(name)
        except self._missing:
            return []
