"""The local zone that stands in for DNS."""

import asyncio

import pytest

from sesame.dns import DnsFailure, LocalZone, Mx
from sesame.dns.port import Tlsa, read_tlsa
from sesame.dns.resolver import NO_CACHE, CachingResolver
from tests.support.clock import FakeClock


def zone(*records: tuple[str, str, str]) -> CachingResolver:
    async def look_up(name: str) -> list[tuple[str, str]]:
        return [(kind, value) for n, kind, value in records if n == name]

    return CachingResolver(LocalZone(look_up), clock=FakeClock(), bounds=NO_CACHE)


def test_every_domain_leads_to_the_mailbox_server() -> None:
    local = zone()
    assert asyncio.run(local.mx("anything.test")) == [Mx(10, LocalZone.MAILBOX_HOST)]
    assert asyncio.run(local.addresses(LocalZone.MAILBOX_HOST)) == ["127.0.0.1"]


def test_a_published_mx_wins() -> None:
    local = zone(("a.test", "MX", "20 Second.test."), ("a.test", "MX", "5 first.test"))
    assert asyncio.run(local.mx("a.test")) == [Mx(5, "first.test"), Mx(20, "second.test")]


def test_a_null_mx_is_kept() -> None:
    assert asyncio.run(zone(("a.test", "MX", "0 .")).mx("a.test")) == [Mx(0, "")]


def test_cnames_are_followed_to_the_text() -> None:
    local = zone(("a.test", "CNAME", "b.test."), ("b.test", "CNAME", "c.test"), ("c.test", "TXT", "found"))
    assert asyncio.run(local.txt("a.test")) == ["found"]


def test_a_loop_of_cnames_is_a_failure_and_not_an_absence() -> None:
    with pytest.raises(DnsFailure):
        asyncio.run(zone(("a.test", "CNAME", "b.test"), ("b.test", "CNAME", "a.test")).txt("a.test"))


def test_it_has_tlsa_records_and_says_whether_a_name_is_signed() -> None:
    local = zone(("_25._tcp.mx.test", "TLSA", "3 1 1 00ff"), ("_25._tcp.mx.test", "DNSSEC", "yes"))
    answer = asyncio.run(local.look_up("_25._tcp.mx.test", "TLSA"))
    assert (read_tlsa(answer), answer.is_validated) == ([Tlsa(3, 1, 1, b"\x00\xff")], True)
    assert not asyncio.run(local.look_up("mx.test", "A")).is_validated
