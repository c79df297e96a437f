"""Where mail for a domain goes: the domain's MX hosts, or the relay host that the operator named.

The addresses a name resolves to are checked before use and connected to as they are, so that no MX
record can lead us into our own network. Sources: RFC 5321 sections 5.1 and 6.3 (loops), RFC 7505
(null MX), RFC 7672 section 2.2 (what DANE needs to know of the look-ups).
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import msgspec

from sesame.delivery.tls import OPPORTUNISTIC, TlsDemand
from sesame.dns.names import DomainNameError, ascii_name
from sesame.dns.port import Answer, DnsFailure, Mx, Resolver, read_mx
from sesame.dns.public import AddressGuard, is_literal
from sesame.errors import SesameError, Unavailable
from sesame.model import SourceAddress

MAX_ADDRESSES = 10
"""Addresses that one attempt may try."""
NAMES_AT_ONCE = 10
MAX_NAMES = 30
"""MX names looked up at most; longer lists exist and serve nobody."""
LOCAL_NAMES = frozenset({"localhost", "localhost.localdomain"})


@dataclass(frozen=True, slots=True)
class Login:
    """Credentials for a relay; they go over TLS only."""

    user: str
    password: str = field(repr=False)


class Host(msgspec.Struct, frozen=True):
    """One server to try: a vetted address, its port, and the name it goes by."""

    name: str
    address: str
    port: int
    tls: TlsDemand = OPPORTUNISTIC
    """What the connection must be like; decided for each attempt (`tls_policy`), for a relay by its setting."""
    login: Login | None = None
    """Whom to log in as, at a relay."""
    source: SourceAddress | None = None
    """From which address of ours; None: as the machine chooses. Decided for each attempt."""


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """The hosts for a domain, in the order to try them."""

    domain: str
    hosts: tuple[Host, ...]
    tlsa_names: Mapping[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    """Under which names DANE's records of a host may stand; hosts whose look-ups DNSSEC vouches for only."""
    is_relay: bool = False
    why: tuple[str, ...] = ()
    """Of each host, in words, why it has its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """A server of the operator's choice that takes mail on."""

    name: str
    port: int
    tls: TlsDemand = OPPORTUNISTIC
    login: Login | None = None


class Unroutable(SesameError):
    """Mail for the domain can never be delivered as things stand; carries an RFC 3463 status."""

    def __init__(self, status: str, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class _Resolved:
    """The addresses of one MX name, and what keeps the others from use."""

    mx: Mx
    addresses: tuple[str, ...] = ()
    refused: str | None = None
    failure: str | None = None
    tlsa_names: tuple[str, ...] = ()
    is_ours: bool = False


class Routes:
    """The operator's table: which domains go to which relay; the others to `default`.

    A pattern is a domain, or `*.` and a domain for all below it; the closest counts. A relay of None
    means the domain's own MX.
    """

    def __init__(self, default: Relay | None = None, table: Mapping[str, Relay | None] | None = None) -> None:
        self._default = default
        self._table = {ascii_name(pattern): relay for pattern, relay in (table or {}).items()}

    def relay_for(self, domain: str) -> Relay | None:
        """The relay that takes mail for a domain, or None."""
        if domain in self._table:
            return self._table[domain]
        rest = domain
        while rest := rest.partition(".")[2]:
            if f"*.{rest}" in self._table:
                return self._table[f"*.{rest}"]
        return self._default


class Router:
    """Finds the hosts for a domain.

    `own_names` and `own_addresses` are ours, so that a domain whose MX we are is found out; `hosts_file`
    gives the addresses that the machine's hosts file has for a relay; `own_hosts` are servers of this process, by the
    domain whose mail ends there; `draw` returns a number in [0, 1) and orders equals.
    """

    def __init__(
        self,
        resolver: Resolver,
        guard: AddressGuard,
        *,
        draw: Callable[[], float],
        routes: Routes | None = None,
        mx_port: int = 25,
        own_names: Collection[str] = (),
        own_addresses: Collection[str] = (),
        hosts_file: Callable[[str], Sequence[str]] = lambda name: (),
        own_hosts: Mapping[str, Host] = MappingProxyType({}),
    ) -> None:
        self._resolver = resolver
        self._guard = guard
        self._draw = draw
        self._routes = routes or Routes()
        self._mx_port = mx_port
        self._own_names = frozenset(ascii_name(name) for name in own_names)
        self._own_addresses = frozenset(own_addresses)
        self._hosts_file = hosts_file
        self._own_hosts = own_hosts

    async def route(self, domain: str) -> Route:
        """The way to `domain`. Raises `Unroutable` for good, `Unavailable` for now."""
        try:
            name = ascii_name(domain)
        except DomainNameError as error:
            raise Unroutable("5.1.2", str(error)) from None
        if (own := self._own_hosts.get(name)) is not None:
            return Route(domain=name, hosts=(own,), is_relay=True, why=("a server of this process",))
        relay = self._routes.relay_for(name)
        if relay is not None:
            return await self._relay_route(name, relay)
        if is_literal(name):
            raise Unroutable("5.1.2", f"`{name}` is an address; mail goes to domains")
        answer = await self._resolver.look_up(name, "MX")
        records = self._records(name, answer)
        found = await self._resolve(name, records, is_validated=answer.is_validated)
        hosts = self._hosts(found)
        if not hosts:
            raise _no_host(name, found)
        validated = {one.mx.exchange: one.tlsa_names for one in found if one.tlsa_names}
        why = _why(hosts, found, has_mx=bool(answer.records))
        return Route(domain=name, hosts=hosts, tlsa_names=validated, why=why)

    def _records(self, domain: str, answer: Answer) -> list[Mx]:
        """The MX records to use, in the order to use them; the domain itself where it has none."""
        if answer.is_missing:
            raise Unroutable("5.1.2", f"domain `{domain}` does not exist")
        records = read_mx(answer) or [Mx(0, domain)]
        named = [mx for mx in records if mx.exchange]
        if not named:
            raise Unroutable("5.1.10", f"domain `{domain}` accepts no mail (null MX)")
        ours = min((mx.preference for mx in named if mx.exchange in self._own_names), default=None)
        if ours is not None:
            named = [mx for mx in named if mx.preference < ours]
            if not named:
                raise _loop(domain)
        drawn = {mx: (mx.preference, self._draw()) for mx in named}
        return sorted(drawn, key=drawn.__getitem__)

    async def _resolve(self, domain: str, records: Sequence[Mx], *, is_validated: bool) -> list[_Resolved]:
        """The names' addresses, as many names as it takes to find one that can be used."""
        found: list[_Resolved] = []
        for at in range(0, min(len(records), MAX_NAMES), NAMES_AT_ONCE):
            found += await asyncio.gather(
                *(self._addresses(mx, is_validated=is_validated) for mx in records[at : at + NAMES_AT_ONCE])
            )
            ours = min((one.mx.preference for one in found if one.is_ours), default=None)
            if ours is not None:
                found = [one for one in found if one.mx.preference < ours]
                if not found:
                    raise _loop(domain)
                return found
            if any(one.addresses for one in found):
                return found
        return found

    async def _addresses(self, mx: Mx, *, is_validated: bool) -> _Resolved:
        """What one MX name comes to; never raises what only concerns this name."""
        name = mx.exchange
        if is_literal(name):
            # An MX must name a host; an address in its place is not followed.
            return _Resolved(mx=mx, refused=f"`{name}`, an address in the place of a name")
        if name in LOCAL_NAMES and (what := self._guard.refusal("127.0.0.1")):
            return _Resolved(mx=mx, refused=f"`{name}`, which is not public ({what})")
        answers = await asyncio.gather(
            self._resolver.look_up(name, "A"), self._resolver.look_up(name, "AAAA"), return_exceptions=True
        )
        addresses: list[str] = []
        refused, failure, is_ours = None, None, False
        for answer in answers:
            if isinstance(answer, DnsFailure):
                failure = str(answer)
            elif isinstance(answer, BaseException):
                raise answer
            else:
                is_ours = is_ours or not self._own_addresses.isdisjoint(answer.records)
                verdicts = {address: self._guard.refusal(address) for address in answer.records}
                public = [address for address, why in verdicts.items() if why is None]
                addresses += sorted(public, key=lambda _: self._draw())
                closed = [
                    f"`{address}`, which is not public ({why})" for address, why in verdicts.items() if why
                ]
                refused = closed[0] if closed else refused
        good = [answer for answer in answers if isinstance(answer, Answer)]
        is_secure = is_validated and bool(good) and all(one.is_validated for one in good if one.records)
        return _Resolved(
            mx=mx,
            addresses=tuple(addresses),
            refused=refused,
            failure=failure,
            is_ours=is_ours,
            tlsa_names=tuple(dict.fromkeys((*(a.name for a in good if a.records), name)))
            if is_secure
            else (),
        )

    def _hosts(self, found: Sequence[_Resolved]) -> tuple[Host, ...]:
        """The addresses in order; of each name its share, so that one with many leaves room for others."""
        usable = [one for one in found if one.addresses]
        share = max(2, MAX_ADDRESSES // max(1, len(usable)))
        hosts = [
            Host(name=one.mx.exchange, address=address, port=self._mx_port)
            for one in usable
            for address in one.addresses[:share]
        ]
        return tuple(hosts[:MAX_ADDRESSES])

    async def _relay_route(self, domain: str, relay: Relay) -> Route:
        """The configured relay: the operator's choice, so private addresses are fine."""
        addresses: Sequence[str] = [relay.name] if is_literal(relay.name) else self._hosts_file(relay.name)
        if not addresses:
            resolved = await asyncio.gather(
                self._resolver.look_up(relay.name, "A"),
                self._resolver.look_up(relay.name, "AAAA"),
                return_exceptions=True,
            )
            addresses = [a for answer in resolved if isinstance(answer, Answer) for a in answer.records]
            if not addresses:
                failed = next((answer for answer in resolved if isinstance(answer, BaseException)), None)
                raise failed or Unavailable(f"relay `{relay.name}` has no address")
        hosts = [Host(relay.name, address, relay.port, relay.tls, relay.login) for address in addresses]
        hosts = hosts[:MAX_ADDRESSES]
        why = _numbered(["relay"] * len(hosts))
        return Route(domain=domain, hosts=tuple(hosts), is_relay=True, why=why)


def _why(hosts: Sequence[Host], found: Sequence[_Resolved], *, has_mx: bool) -> tuple[str, ...]:
    """The preference of each host's MX, and its place among those to try."""
    if not has_mx:
        return _numbered(["no MX, the domain itself"] * len(hosts))
    preferences = {one.mx.exchange: one.mx.preference for one in found}
    return _numbered([f"MX {preferences[host.name]}" for host in hosts])


def _numbered(words: list[str]) -> tuple[str, ...]:
    if len(words) == 1:
        return tuple(words)
    return tuple([f"{word}, {at} of {len(words)}" for at, word in enumerate(words, start=1)])


def _no_host(domain: str, found: Sequence[_Resolved]) -> Exception:
    """Why there is nobody to try: for now, if any look-up failed, else for good."""
    failure = next((one.failure for one in found if one.failure), None)
    if failure is not None:
        return Unavailable(f"no host of `{domain}` can be looked up: {failure}")
    refused = next((one.refused for one in found if one.refused), None)
    if refused is not None:
        return Unroutable("5.4.4", f"the MX of `{domain}` leads to {refused}")
    return Unroutable("5.4.4", f"no host of `{domain}` has an address")


def _loop(domain: str) -> Unroutable:
    return Unroutable("5.4.6", f"mail for `{domain}` loops back to us: we are its MX")
