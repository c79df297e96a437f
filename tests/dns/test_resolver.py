"""Look-ups: what counts as an answer, what is kept and for how long, which names are asked for."""

import asyncio
from pathlib import Path

import pytest

from sesame.dns.hosts_file import read_hosts
from sesame.dns.names import DomainNameError, ascii_name
from sesame.dns.port import Answer, DnsFailure, DomainNotFound, Mx, Tlsa, read_mx, read_tlsa
from sesame.dns.resolver import MAX_CNAMES, CacheBounds, CachingResolver
from tests.support.clock import FakeClock
from tests.support.dns import FakeSource, resolver

BOUNDS = CacheBounds(entries=3, min_ttl_s=5, max_ttl_s=1000, max_negative_s=60)


def cached(source: FakeSource, clock: FakeClock) -> CachingResolver:
    return CachingResolver(source, clock=clock, bounds=BOUNDS)


def test_no_record_no_name_and_no_answer_are_three_things() -> None:
    dns = resolver("a.test A 192.0.2.1", broken=("broken.test",))
    assert asyncio.run(dns.mx("a.test")) == []
    with pytest.raises(DomainNotFound):
        asyncio.run(dns.mx("nowhere.test"))
    with pytest.raises(DnsFailure):
        asyncio.run(dns.mx("broken.test"))


def test_mx_records_come_in_order_of_preference() -> None:
    dns = resolver("a.test MX 20 Second.test.", "a.test MX 5 first.test")
    assert asyncio.run(dns.mx("a.test")) == [Mx(5, "first.test"), Mx(20, "second.test")]


def test_cnames_are_followed_and_the_last_name_is_told() -> None:
    dns = resolver("a.test CNAME b.test", "b.test CNAME c.test", "c.test TXT found it")
    answer = asyncio.run(dns.look_up("a.test", "TXT"))
    assert (answer.records, answer.name) == (("found it",), "c.test")


@pytest.mark.parametrize("lines", [["a.test CNAME a.test"], ["a.test CNAME b.test", "b.test CNAME a.test"]])
def test_a_loop_of_cnames_is_a_failure_and_not_an_absence(lines: list[str]) -> None:
    with pytest.raises(DnsFailure):
        asyncio.run(resolver(*lines).look_up("a.test", "A"))


def test_as_many_cnames_as_are_allowed_are_followed_and_no_more() -> None:
    chain = [f"n{i}.test CNAME n{i + 1}.test" for i in range(MAX_CNAMES + 1)]
    dns = resolver(*chain, f"n{MAX_CNAMES + 1}.test A 192.0.2.1")
    assert asyncio.run(dns.look_up("n1.test", "A")).records == ("192.0.2.1",)
    with pytest.raises(DnsFailure):
        asyncio.run(dns.look_up("n0.test", "A"))


def test_an_answer_is_validated_only_if_every_cname_on_the_way_is() -> None:
    lines = ("a.test CNAME b.test", "b.test A 192.0.2.1")
    for validated, want in ((("a.test", "b.test"), True), (("a.test",), False), (("b.test",), False)):
        answer = asyncio.run(resolver(*lines, validated=validated).look_up("a.test", "A"))
        assert answer.is_validated is want


def test_an_answer_is_kept_for_its_time_to_live() -> None:
    clock, source = FakeClock(), FakeSource("a.test A 192.0.2.1", ttl_s=100, validated=("a.test",))
    dns = cached(source, clock)

    async def ask() -> Answer:
        return await dns.look_up("a.test", "A")

    asyncio.run(ask())
    clock.time += 99
    kept = asyncio.run(ask())
    assert (kept.ttl_s, kept.is_validated, source.asked.total()) == (1, True, 1)
    clock.time += 1
    asyncio.run(ask())
    assert source.asked.total() == 2


@pytest.mark.parametrize(("ttl_s", "kept_s"), [(0, 5), (-3, 5), (10**9, 1000)])
def test_a_time_to_live_is_held_within_bounds(ttl_s: float, kept_s: float) -> None:
    clock, source = FakeClock(), FakeSource("a.test A 192.0.2.1", ttl_s=ttl_s)
    dns = cached(source, clock)
    asyncio.run(dns.look_up("a.test", "A"))
    clock.time += kept_s - 1
    asyncio.run(dns.look_up("a.test", "A"))
    assert source.asked.total() == 1
    clock.time += 1
    asyncio.run(dns.look_up("a.test", "A"))
    assert source.asked.total() == 2


@pytest.mark.parametrize("name", ["nowhere.test", "a.test"])
def test_an_absence_is_kept_for_a_short_time(name: str) -> None:
    clock, source = FakeClock(), FakeSource("a.test A 192.0.2.1", ttl_s=9999)
    dns = cached(source, clock)
    for seconds, asked in ((0, 1), (59, 1), (1, 2)):
        clock.time += seconds
        answer = asyncio.run(dns.look_up(name, "TXT"))
        assert (answer.records, answer.is_missing, source.asked.total()) == (
            (),
            name == "nowhere.test",
            asked,
        )


def test_a_failure_is_not_kept() -> None:
    clock, source = FakeClock(), FakeSource("a.test A 192.0.2.1", broken=("a.test",))
    dns = cached(source, clock)
    with pytest.raises(DnsFailure):
        asyncio.run(dns.look_up("a.test", "A"))
    source.broken.clear()
    assert asyncio.run(dns.look_up("a.test", "A")).records == ("192.0.2.1",)


def test_no_more_is_kept_than_there_is_room_for_and_the_oldest_goes_first() -> None:
    clock, source = FakeClock(), FakeSource(*(f"{name}.test A 192.0.2.1" for name in "abcd"))
    dns = cached(source, clock)
    for name in "abcad":  # a is used again, so b is the oldest when d comes
        asyncio.run(dns.look_up(f"{name}.test", "A"))
    asyncio.run(dns.look_up("a.test", "A"))
    assert source.asked["a.test", "A"] == 1
    asyncio.run(dns.look_up("b.test", "A"))
    assert source.asked["b.test", "A"] == 2


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Example.COM.", "example.com"),
        ("_mta-sts.a.test", "_mta-sts.a.test"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("日本語.test", "xn--wgv71a119e.test"),
        ("straße.test", "xn--strae-oqa.test"),
    ],
)
def test_names_are_asked_for_as_a_labels(text: str, name: str) -> None:
    assert ascii_name(text) == name
    dns = resolver(f"{name} A 192.0.2.1")
    assert asyncio.run(dns.look_up(text, "A")).records == ("192.0.2.1",)


@pytest.mark.parametrize(
    "text", ["", ".", "a..b", "a b.test", "x" * 64 + ".test", "a." * 127 + "test", "☃.test", "a\0b"]
)
def test_what_is_no_name_does_not_exist(text: str) -> None:
    with pytest.raises(DomainNameError):
        ascii_name(text)
    assert asyncio.run(resolver().look_up(text, "A")).is_missing


def test_tlsa_records_are_read_from_text() -> None:
    assert read_tlsa(Answer(records=("3 1 1 ab cd",))) == [Tlsa(3, 1, 1, b"\xab\xcd")]


@pytest.mark.parametrize("record", ["", "3 1 1", "3 1 x ab", "3 1 1 abc"])
def test_a_record_that_is_none_is_a_failure(record: str) -> None:
    with pytest.raises(DnsFailure):
        read_tlsa(Answer(records=(record,)))
    with pytest.raises(DnsFailure):
        read_mx(Answer(records=(f"x{record}",)))


def test_the_hosts_file_gives_all_addresses_of_a_name() -> None:
    text = (
        "127.0.0.1 localhost\n# 10.0.0.9 relay\n10.0.0.1\tRelay relay.lan # ours\nfd00::1 relay\nx relay\n\n"
    )
    assert read_hosts(text, "relay") == ["10.0.0.1", "fd00::1"]
    assert read_hosts(text, "other") == []
    assert read_hosts(Path("/etc/hosts").read_text(), "no.such.name.test") == []


@pytest.mark.parametrize(
    ("records", "asks"),
    [(["x" * 4_000], 1), (["x" * 8_000], 1), (["x" * 9_000], 3), (["x"] * 140, 1), (["x"] * 150, 3), ([], 1)],
)
def test_what_is_long_is_not_kept(records: list[str], asks: int) -> None:
    """What is kept is bounded in octets, and not in answers alone."""
    asked = 0

    class Source:
        async def ask(self, name: str, kind: str) -> Answer:
            nonlocal asked
            asked += 1
            return Answer(records=tuple(records), ttl_s=60.0)

    dns = CachingResolver(Source(), clock=FakeClock())
    for _ in range(3):
        assert asyncio.run(dns.look_up("a.test", "TXT")).records == tuple(records)
    assert asked == asks


def test_an_answer_that_has_become_long_is_not_kept_as_it_was() -> None:
    answers = [Answer(records=("short",), ttl_s=5.0), Answer(records=("x" * 9_000,), ttl_s=5.0)]

    class Source:
        async def ask(self, name: str, kind: str) -> Answer:
            return answers.pop(0)

    clock = FakeClock()
    dns = CachingResolver(Source(), clock=clock)
    asyncio.run(dns.look_up("a.test", "TXT"))
    clock.advance(6.0)
    assert len(asyncio.run(dns.look_up("a.test", "TXT")).records[0]) == 9_000
    assert not dns._kept


def test_an_answer_tells_how_long_ago_it_was_given_and_can_be_asked_for_again() -> None:
    """Of a chain the oldest part; what is forgotten is forgotten with where its CNAMEs lead, and nothing else is."""
    clock = FakeClock()
    source = FakeSource("a.test CNAME b.test", "b.test TXT one", "other.test TXT x", ttl_s=300)
    dns = CachingResolver(source, clock=clock, bounds=CacheBounds())

    def looked_up(name: str) -> tuple[tuple[str, ...], float]:
        answer = asyncio.run(dns.look_up(name, "TXT"))
        return answer.records, answer.age_s

    assert looked_up("b.test") == (("one",), 0.0)
    clock.advance(10)
    assert looked_up("a.test") == (("one",), 10.0)
    source.zone[1] = ("b.test", "TXT", "two")
    clock.advance(5)
    assert looked_up("a.test") == (("one",), 15.0)
    assert looked_up("other.test") == (("x",), 0.0)
    dns.forget(["A.test", "not a name", "", "nowhere.test"])
    assert looked_up("a.test") == (("two",), 0.0)
    clock.advance(1)
    assert looked_up("other.test") == (("x",), 1.0)


def test_forgetting_a_loop_of_cnames_ends() -> None:
    dns = CachingResolver(FakeSource("a.test CNAME b.test", "b.test CNAME a.test"), clock=FakeClock())
    with pytest.raises(DnsFailure):
        asyncio.run(dns.look_up("a.test", "TXT"))
    dns.forget(["a.test"])
    assert not dns._kept
