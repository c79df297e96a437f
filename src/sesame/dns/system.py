"""The machine's own resolvers, through dnspython; imported only where it is used, for it is large."""

import asyncio
from typing import Any

import dns.asyncresolver
import dns.exception
import dns.rdatatype
import dns.resolver

from sesame.dns import DnsFailure, DomainNotFound, Mx, host_name


class SystemResolver:
    """The machine's own resolvers, through dnspython."""

    def __init__(self, *, lifetime_s: float = 15.0) -> None:
        self._resolver = dns.asyncresolver.Resolver()
        self._lifetime_s = lifetime_s

    async def mx(self, name: str) -> list[Mx]:
        """MX records, most preferred first."""
        answers = await self._query(name, dns.rdatatype.MX)
        records = [
            Mx(preference=int(record.preference), exchange=host_name(str(record.exchange)))
            for record in answers
        ]
        return sorted(records, key=lambda record: record.preference)

    async def addresses(self, name: str) -> list[str]:
        """IPv4 addresses, then IPv6, as text."""
        v4, v6 = await asyncio.gather(
            self._query(name, dns.rdatatype.A), self._query(name, dns.rdatatype.AAAA)
        )
        return [str(record.address) for record in (*v4, *v6)]

    async def txt(self, name: str) -> list[str]:
        """TXT records, strings of one record joined; CNAMEs are followed."""
        answers = await self._query(name, dns.rdatatype.TXT)
        return [b"".join(record.strings).decode("ascii", "replace") for record in answers]

    async def _query(self, name: str, kind: dns.rdatatype.RdataType) -> list[Any]:
        try:
            answer = await self._resolver.resolve(name, kind, lifetime=self._lifetime_s)
        except dns.resolver.NXDOMAIN:
            raise DomainNotFound(f"domain `{name}` does not exist") from None
        except dns.resolver.NoAnswer:
            return []
        except dns.exception.DNSException as error:
            raise DnsFailure(f"look-up of `{name}` failed: {type(error).__name__}") from error
        return list(answer)
