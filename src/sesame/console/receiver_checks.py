"""What a receiver would make of a message of the development inbox: SPF of its envelope, alignment by DMARC.

Asks the configured DNS, the local zone as a rule. For display: what cannot be told here is said to be so. Sources: RFC
7208 (SPF; macros, `exists` and `ptr` are left out), RFC 7489 (DMARC).
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from sesame.dns import DomainNotFound, Mx, Resolver
from sesame.dns.dmarc import dmarc_policy
from sesame.errors import Unavailable

MOST_LOOKUPS = 10
"""Mechanisms that ask DNS (RFC 7208 section 4.6.4)."""
HERE = "127.0.0.1"
"""The address that mail comes to the built-in mailbox from."""
_RESULTS = {"+": "pass", "-": "fail", "~": "softfail", "?": "neutral"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One verdict in the words of RFC 8601, and why."""

    result: str
    why: str


class _TooMany(Exception):
    pass


class _CannotTell(Exception):
    pass


async def spf(resolver: Resolver, domain: str, address: str = HERE) -> Checked:
    """Whether the domain of an envelope sender lets `address` send for it."""
    if not domain:
        return Checked(result="none", why="the message came from nobody (<>)")
    try:
        return await _spf(resolver, domain, ipaddress.ip_address(address), [0])
    except _TooMany:
        return Checked(result="permerror", why=f"`{domain}` takes more than {MOST_LOOKUPS} look-ups")
    except _CannotTell as error:
        return Checked(result="unknown", why=str(error))
    except Unavailable:
        return Checked(result="temperror", why=f"DNS does not answer for `{domain}`")


_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


async def _spf(resolver: Resolver, domain: str, address: _Address, asked: list[int]) -> Checked:
    records = [text for text in await _txt(resolver, domain) if text.lower().split()[:1] == ["v=spf1"]]
    if not records:
        return Checked(result="none", why=f"`{domain}` has no SPF record")
    if len(records) > 1:
        return Checked(result="permerror", why=f"`{domain}` has {len(records)} SPF records")
    redirect = ""
    for term in records[0].split()[1:]:
        if "=" in term.partition(":")[0]:
            if term.lower().startswith("redirect="):
                redirect = term.partition("=")[2]
            continue
        sign = term[0] if term[0] in _RESULTS else "+"
        if await _matches(resolver, term.lstrip("+-~?"), domain, address, asked):
            return Checked(result=_RESULTS[sign], why=f"{address} meets `{term}` of `{domain}`")
    if redirect:
        _count(asked)
        return await _spf(resolver, redirect, address, asked)
    return Checked(result="neutral", why=f"nothing in the record of `{domain}` is about {address}")


async def _matches(resolver: Resolver, term: str, domain: str, address: _Address, asked: list[int]) -> bool:
    name, _, rest = term.partition(":")
    name, _, length = name.partition("/")
    where, _, its_length = rest.partition("/")
    kind, target, bits = name.lower(), where or domain, its_length or length
    if "%" in rest:
        raise _CannotTell(f"`{term}` has a macro, which is not looked at here")
    match kind:
        case "all":
            return True
        case "ip4" | "ip6":
            return _within(address, rest, "")
        case "a":
            _count(asked)
            found = await _addresses(resolver, target)
            return any(_within(address, one, bits) for one in found)
        case "mx":
            _count(asked)
            hosts = [mx.exchange for mx in await _mx(resolver, target)][:10]
            found = [one for host in hosts for one in await _addresses(resolver, host)]
            return any(_within(address, one, bits) for one in found)
        case "include":
            _count(asked)
            return (await _spf(resolver, target, address, asked)).result == "pass"
    raise _CannotTell(f"`{term}` is not looked at here")


def _count(asked: list[int]) -> None:
    asked[0] += 1
    if asked[0] > MOST_LOOKUPS:
        raise _TooMany


def _within(address: _Address, network: str, bits: str) -> bool:
    try:
        return address in ipaddress.ip_network(f"{network}/{bits}" if bits else network, strict=False)
    except ValueError:
        return False


async def _txt(resolver: Resolver, name: str) -> list[str]:
    try:
        return await resolver.txt(name)
    except DomainNotFound:
        return []


async def _addresses(resolver: Resolver, name: str) -> list[str]:
    try:
        return await resolver.addresses(name)
    except DomainNotFound:
        return []


async def _mx(resolver: Resolver, name: str) -> list[Mx]:
    try:
        return await resolver.mx(name)
    except DomainNotFound:
        return []


@dataclass(frozen=True, slots=True, kw_only=True)
class Dmarc:
    """Whether a signature or the envelope is of the domain in From, and what that domain asks for."""

    domain: str
    aligned_by: tuple[str, ...]
    policy: str
    """`none`, `quarantine` or `reject`; empty where nothing is published."""
    why: str


async def dmarc(resolver: Resolver, from_domain: str, *, signed_by: Sequence[str], spf_domain: str) -> Dmarc:
    """`signed_by` are the domains whose signatures pass, `spf_domain` the envelope's if SPF passes, else empty."""
    try:
        asked = await dmarc_policy(resolver, from_domain)
    except Unavailable:
        return Dmarc(domain=from_domain, aligned_by=(), policy="", why="DNS does not answer")
    aligned = [
        f"DKIM of {domain}" for domain in signed_by if asked.aligned(domain, is_strict=asked.is_dkim_strict)
    ]
    if spf_domain and asked.aligned(spf_domain, is_strict=asked.is_spf_strict):
        aligned.append(f"SPF of {spf_domain}")
    if len(asked.records) > 1:
        why = f"`_dmarc.{asked.at}` has {len(asked.records)} records, so none counts"
    elif asked.at:
        why = (
            f"`_dmarc.{asked.at}` says `{asked.policy}`"
            if asked.policy
            else f"`_dmarc.{asked.at}` has no policy"
        )
    else:
        why = f"`_dmarc.{from_domain}` is not published"
    return Dmarc(domain=from_domain, aligned_by=tuple(aligned), policy=asked.policy, why=why)
