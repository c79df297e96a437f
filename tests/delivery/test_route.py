"""Where mail goes, and where it must never go."""

import asyncio
from collections import Counter

import pytest

from sesame.delivery.route import MAX_ADDRESSES, Host, Relay, Route, Router, Routes, Unroutable
from sesame.dns.hosts_file import read_hosts
from sesame.dns.public import AddressGuard
from sesame.dns.resolver import NO_CACHE, CachingResolver
from sesame.errors import Unavailable
from tests.dns.test_public import CLOSED
from tests.support.clock import FakeClock
from tests.support.dns import FakeSource, resolver

ZONE = (
    "two.test MX 10 a.test",
    "two.test MX 20 b.test",
    "null.test MX 0 .",
    "literal.test MX 10 192.0.2.1",
    "decimal.test MX 10 2130706433",
    "local.test MX 10 localhost",
    "gone.test MX 10 nowhere.test",
    "mixed.test MX 10 inside.test",
    "mixed.test MX 20 a.test",
    "half-null.test MX 0 .",
    "half-null.test MX 10 a.test",
    "inside-only.test MX 10 inside.test",
    "implicit-inside.test A 127.0.0.1",
    "alias.test CNAME two.test",
    "empty.test TXT no mail here",
    "xn--bcher-kva.example MX 10 a.test",
    "a.test A 93.184.216.34",
    "b.test A 93.184.216.35",
    "b.test AAAA 2606:2800:220:1::1",
    "plain.test A 93.184.216.36",
    "inside.test A 10.1.2.3",
)  # fmt: skip
A = Host("a.test", "93.184.216.34", 25)
B4, B6 = Host("b.test", "93.184.216.35", 25), Host("b.test", "2606:2800:220:1::1", 25)


def router(
    *lines: str, allow: tuple[str, ...] = (), broken: tuple[object, ...] = (), **options: object
) -> Router:
    dns = resolver(*ZONE, *lines, broken=broken, validated=options.pop("validated", ()))
    options.setdefault("draw", lambda: 0.0)
    return Router(dns, AddressGuard(allow), **options)  # type: ignore[arg-type]


def route(domain: str, *lines: str, **options: object) -> Route:
    return asyncio.run(router(*lines, **options).route(domain))  # type: ignore[arg-type]


def hosts(domain: str, *lines: str, **options: object) -> list[Host]:
    return list(route(domain, *lines, **options).hosts)


def test_mx_hosts_come_in_order_of_preference_with_all_their_addresses() -> None:
    assert hosts("two.test") == [A, B4, B6]


@pytest.mark.parametrize("domain", ["two.test", "TWO.test", "two.test.", "alias.test"])
def test_a_domain_is_the_same_in_every_spelling(domain: str) -> None:
    assert hosts(domain)[0] == A


def test_a_domain_in_its_own_script_is_asked_for_as_a_labels() -> None:
    found = route("bücher.example")
    assert (found.domain, list(found.hosts)) == ("xn--bcher-kva.example", [A])


def test_a_domain_without_mx_is_its_own_host() -> None:
    assert hosts("plain.test") == [Host("plain.test", "93.184.216.36", 25)]


@pytest.mark.parametrize(
    ("domain", "why"),
    [
        ("two.test", ("MX 10, 1 of 3", "MX 20, 2 of 3", "MX 20, 3 of 3")),
        ("gone-too.test", ("MX 10",)),
        ("plain.test", ("no MX, the domain itself",)),
        ("half-null.test", ("MX 10",)),
    ],
)
def test_each_host_says_why_it_has_its_place(domain: str, why: tuple[str, ...]) -> None:
    assert route(domain, "gone-too.test MX 10 a.test").why == why


def test_relays_and_servers_of_ours_say_that_they_are() -> None:
    relay = route("two.test", routes=Routes(Relay(name="b.test", port=25)))
    assert relay.why == ("relay, 1 of 2", "relay, 2 of 2")
    own = route("two.test", own_hosts={"two.test": Host("box.test", "127.0.0.1", 2525)})
    assert own.why == ("a server of this process",)


def test_hosts_of_one_preference_share_the_mail() -> None:
    equal = [f"equal.test MX 10 e{n}.test" for n in range(3)] + [
        f"e{n}.test A 93.184.216.{n}" for n in range(3)
    ]
    draws = iter((n * 0.61803398875) % 1 for n in range(10_000))
    target = router(*equal, draw=lambda: next(draws))
    first = Counter(asyncio.run(target.route("equal.test")).hosts[0].name for _ in range(300))
    assert len(first) == 3
    assert min(first.values()) > 60


def test_equals_are_never_tried_before_the_preferred() -> None:
    draws = iter((n * 0.61803398875) % 1 for n in range(10_000))
    target = router("two.test MX 20 c.test", "c.test A 93.184.216.37", draw=lambda: next(draws))
    assert {asyncio.run(target.route("two.test")).hosts[0] for _ in range(50)} == {A}


@pytest.mark.parametrize(
    ("domain", "status"),
    [
        ("null.test", "5.1.10"),
        ("unknown.test", "5.1.2"),
        ("gone.test", "5.4.4"),
        ("empty.test", "5.4.4"),
        ("literal.test", "5.4.4"),
        ("decimal.test", "5.4.4"),
        ("local.test", "5.4.4"),
        ("inside-only.test", "5.4.4"),
        ("implicit-inside.test", "5.4.4"),
        ("a..test", "5.1.2"),
        ("127.0.0.1", "5.1.2"),
        ("[127.0.0.1]", "5.1.2"),
        ("[IPv6:::1]", "5.1.2"),
    ],
)
def test_mail_that_can_never_arrive_is_refused_for_good(domain: str, status: str) -> None:
    with pytest.raises(Unroutable) as refused:
        hosts(domain)
    assert refused.value.status == status


def test_a_null_mx_beside_others_means_nothing() -> None:
    assert hosts("half-null.test") == [A]


@pytest.mark.parametrize("broken", ["two.test", ("two.test", "MX")])
def test_dns_that_cannot_say_settles_nothing(broken: object) -> None:
    with pytest.raises(Unavailable):
        hosts("two.test", broken=(broken,))


def test_one_mx_name_that_fails_does_not_hold_up_the_others() -> None:
    assert hosts("two.test", broken=("a.test",)) == [B4, B6]


def test_addresses_of_one_family_are_used_while_the_other_fails() -> None:
    assert hosts("two.test", broken=(("b.test", "AAAA"), ("a.test", "AAAA"))) == [A, B4]
    assert hosts("two.test", broken=(("b.test", "A"), "a.test")) == [B6]


def test_names_that_all_fail_are_tried_again_later() -> None:
    for broken in (("a.test", "b.test"), (("a.test", "A"), ("b.test", "A"), ("b.test", "AAAA"))):
        with pytest.raises(Unavailable):
            hosts("two.test", broken=broken)


def test_a_name_that_fails_beside_one_that_is_refused_is_tried_again_later() -> None:
    with pytest.raises(Unavailable):
        hosts("mixed.test", broken=("a.test",))


def test_an_mx_into_our_own_network_is_passed_over() -> None:
    assert hosts("mixed.test") == [A]


def test_the_operator_may_allow_a_network() -> None:
    assert hosts("inside-only.test", allow=("10.0.0.0/8",)) == [Host("inside.test", "10.1.2.3", 25)]


@pytest.mark.parametrize("way", ["A", "MX", "CNAME"])
@pytest.mark.parametrize("address", CLOSED)
def test_no_address_that_is_not_public_is_connected_to(address: str, way: str) -> None:
    kind = "AAAA" if ":" in address else "A"
    lines = {
        "A": [f"evil.test {kind} {address}"],
        "MX": ["evil.test MX 10 mx.evil.test", f"mx.evil.test {kind} {address}"],
        "CNAME": ["evil.test MX 10 mx.evil.test", "mx.evil.test CNAME x.test", f"x.test {kind} {address}"],
    }[way]
    with pytest.raises(Unroutable) as refused:
        hosts("evil.test", *lines)
    assert refused.value.status == "5.4.4"


def test_an_address_that_changes_between_look_ups_is_vetted_each_time() -> None:
    source = FakeSource("rebind.test A 93.184.216.34", ttl_s=0)
    dns = CachingResolver(source, clock=FakeClock(), bounds=NO_CACHE)
    target = Router(dns, AddressGuard(), draw=lambda: 0.0)
    assert asyncio.run(target.route("rebind.test")).hosts[0].address == "93.184.216.34"
    source.zone = [("rebind.test", "A", "127.0.0.1")]
    with pytest.raises(Unroutable):
        asyncio.run(target.route("rebind.test"))


LOOP = (
    "loop.test MX 10 a.test",
    "loop.test MX 20 us.test",
    "loop.test MX 20 b.test",
    "loop.test MX 30 plain.test",
)


def test_hosts_behind_ourselves_are_never_tried() -> None:
    assert hosts("loop.test", *LOOP, own_names=("US.test",)) == [A]


def test_we_are_known_by_our_address_too() -> None:
    lines = (*LOOP, "us.test A 93.184.216.99")
    assert hosts("loop.test", *lines, own_addresses=("93.184.216.99",)) == [A]


@pytest.mark.parametrize("options", [{"own_names": ("a.test",)}, {"own_addresses": ("93.184.216.34",)}])
def test_a_domain_that_leads_to_ourselves_is_a_loop(options: dict[str, object]) -> None:
    for domain in ("two.test", "a.test"):
        with pytest.raises(Unroutable) as refused:
            hosts(domain, **options)
        assert refused.value.status == "5.4.6"


def test_no_more_than_ten_addresses_are_tried_and_a_name_with_many_leaves_room_for_others() -> None:
    lines = [f"long.test MX {n} mx{n}.test" for n in range(100)] + [
        f"mx{n}.test A 93.184.216.{n}" for n in range(100)
    ]
    assert len(hosts("long.test", *lines)) == MAX_ADDRESSES
    wide = [f"wide.test A 93.184.215.{n}" for n in range(50)]
    assert len(hosts("wide.test", *wide)) == MAX_ADDRESSES
    both = hosts("both.test", *wide, "both.test MX 10 wide.test", "both.test MX 20 a.test")
    assert (len(both), both[-1]) == (6, A)


def test_names_without_an_address_do_not_hide_those_behind_them() -> None:
    lines = [f"long.test MX {n} nowhere{n}.test" for n in range(25)]
    assert hosts("long.test", *lines, "long.test MX 50 a.test") == [A]


def test_a_relay_takes_all_mail_by_name_or_address() -> None:
    by_address, by_name = Relay(name="10.9.9.9", port=2525), Relay(name="inside.test", port=25)
    assert hosts("anything.test", routes=Routes(by_address)) == [Host("10.9.9.9", "10.9.9.9", 2525)]
    assert hosts("anything.test", routes=Routes(by_name)) == [Host("inside.test", "10.1.2.3", 25)]


def test_the_hosts_file_is_for_the_relay_alone() -> None:
    def hosts_file(name: str) -> list[str]:
        return read_hosts("10.7.7.7 inside.test two.test", name)

    relayed = hosts("two.test", routes=Routes(Relay(name="inside.test", port=25)), hosts_file=hosts_file)
    assert relayed == [Host("inside.test", "10.7.7.7", 25)]
    assert hosts("two.test", hosts_file=hosts_file)[0] == A


def test_a_relay_that_cannot_be_found_is_tried_again_later() -> None:
    for broken in ((), ("nowhere.test",)):
        with pytest.raises(Unavailable):
            hosts("two.test", routes=Routes(Relay(name="nowhere.test", port=25)), broken=broken)


def test_the_closest_route_counts() -> None:
    relays = {
        name: Relay(name=f"10.0.0.{n}", port=25) for n, name in enumerate(("all", "exact", "below", "deep"))
    }
    table = Routes(
        relays["all"],
        {"Example.com": relays["exact"], "*.example.com": relays["below"], "*.b.example.com": relays["deep"],
         "direct.test": None},
    )  # fmt: skip
    want = {
        "example.com": "exact", "a.example.com": "below", "c.d.example.com": "below", "a.b.example.com": "deep",
        "b.example.com": "below", "badexample.com": "all", "com": "all",
    }  # fmt: skip
    assert {name: table.relay_for(name) for name in want} == {name: relays[key] for name, key in want.items()}
    assert table.relay_for("direct.test") is None


def test_dane_may_apply_only_where_every_look_up_is_validated() -> None:
    signed = ("two.test", "a.test")
    assert route("two.test", validated=signed).tlsa_names == {"a.test": ("a.test",)}
    assert route("two.test", validated=("a.test", "b.test")).tlsa_names == {}
    assert route("plain.test", validated=("plain.test",)).tlsa_names == {"plain.test": ("plain.test",)}
    lines = ("c.test MX 10 mx.c.test", "mx.c.test CNAME a.test")
    for validated, names in ((("c.test", "mx.c.test", "a.test"), {"mx.c.test": ("a.test", "mx.c.test")}),
                             (("c.test", "a.test"), {})):  # fmt: skip
        assert route("c.test", *lines, validated=validated).tlsa_names == names
