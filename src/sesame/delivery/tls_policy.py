"""Which demand a connection to a host must meet: what the sender, the domain and its DNS ask for.

The strictest counts. DANE decides about the certificate where its records are validated and usable, and
MTA-STS where they are not; the list of hosts of an MTA-STS policy counts in both cases. Sources: RFC 8461
section 2 (MTA-STS never overrides DANE), RFC 7672 section 2.2, SES developer guide (TlsPolicy).
"""

from dataclasses import dataclass, replace
from typing import Protocol

from sesame.delivery.mta_sts import NOTHING, StsFinding, covers
from sesame.delivery.route import Host, Route
from sesame.delivery.tls import OPPORTUNISTIC, TlsDemand, TlsFailed, TlsMode, is_usable
from sesame.dns.port import DnsFailure, Resolver, Tlsa, read_tlsa

REQUIRED = TlsDemand(mode=TlsMode.ENCRYPTED, reason="the configuration set requires TLS")


class FindsSts(Protocol):
    """Where MTA-STS policies come from."""

    async def of(self, domain: str) -> StsFinding:
        """What holds for mail to a domain now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What counts for all hosts of a route: the sender's wish and the domain's policy."""

    route: Route
    floor: TlsDemand
    sts: StsFinding = NOTHING


class TlsPolicy:
    """Decides. Without `sts` or `dane` that kind of policy is not looked for."""

    def __init__(self, resolver: Resolver, *, sts: FindsSts | None, dane: bool) -> None:
        self._resolver = resolver
        self._sts = sts
        self._dane = dane

    async def wishes(self, route: Route, *, requires_tls: bool) -> Wishes:
        """What counts for a route; never raises but on cancellation or a fault of the store."""
        floor = REQUIRED if requires_tls else OPPORTUNISTIC
        if route.is_relay or self._sts is None:
            return Wishes(route=route, floor=floor)
        return Wishes(route=route, floor=floor, sts=await self._sts.of(route.domain))

    async def demand(self, wishes: Wishes, host: Host) -> TlsDemand:
        """What a connection to one host must meet; `TlsFailed` where none could."""
        if wishes.route.is_relay:
            return _stricter(host.tls, wishes.floor)
        policy = wishes.sts.policy
        is_enforced = policy is not None and policy.mode == "enforce"
        if policy is not None and is_enforced and not covers(policy, host.name):
            raise TlsFailed(
                "validation-failure",
                f"`{host.name}` is not a host of the MTA-STS policy of `{policy.domain}`",
            )
        dane = await self._dane_demand(wishes.route, host)
        if dane is not None and dane.mode is TlsMode.DANE:
            return dane
        floor = dane or wishes.floor
        if policy is None or policy.mode == "none":
            return floor
        demand = TlsDemand(mode=TlsMode.VERIFIED, reason=f"MTA-STS of {policy.domain}")
        return demand if is_enforced else replace(demand, otherwise=floor)

    async def _dane_demand(self, route: Route, host: Host) -> TlsDemand | None:
        """What the TLSA records ask for, None where there are none that DNSSEC vouches for."""
        if not self._dane:
            return None
        for base in route.tlsa_names.get(host.name, ()):
            records = await self._tlsa(base, host.port)
            if records is None:
                continue
            usable = tuple(record for record in records if is_usable(record))
            if not usable:
                # RFC 7672 section 2.2: that there are records at all says that the host does TLS.
                return TlsDemand(mode=TlsMode.ENCRYPTED, reason=f"DANE of {base}, without a usable record")
            names = tuple(dict.fromkeys((base, host.name, route.domain)))
            return TlsDemand(mode=TlsMode.DANE, reason=f"DANE of {base}", tlsa=usable, names=names)
        return None

    async def _tlsa(self, base: str, port: int) -> list[Tlsa] | None:
        """The validated TLSA records of a host, None if there are none."""
        try:
            answer = await self._resolver.look_up(f"_{port}._tcp.{base}", "TLSA")
            records = read_tlsa(answer)
        except DnsFailure as error:
            # Somebody may be hiding them, or they are bogus (RFC 7672 section 2.1.1).
            raise TlsFailed(
                "dnssec-invalid", f"the TLSA records of `{base}` cannot be looked up: {error}"
            ) from error
        return records if records and answer.is_validated else None


_STRENGTH = {mode: n for n, mode in enumerate(TlsMode)}


def _stricter(one: TlsDemand, other: TlsDemand) -> TlsDemand:
    return (
        one if _STRENGTH[one.mode] >= _STRENGTH[other.mode] else replace(other, is_implicit=one.is_implicit)
    )
