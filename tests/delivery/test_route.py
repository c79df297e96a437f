"""Where mail goes, and where it must never go."""

import asyncio

import pytest

from sesame.delivery.route import Host, Router, Unroutable
from sesame.dns import DnsFailure, DomainNotFound, Mx
from sesame.errors import Unavailable


class FakeDns:
    """Answers from two tables; names in neither do not exist, `broken` ones cannot be looked up."""

    def __init__(self, mx: dict[str, list[Mx]], addresses: dict[str, list[str]]) -> None:
        self._mx = mx
        self._addresses = addresses

    async def mx(self, name: str) -> list[Mx]:
        if name.startswith("broken"):
            raise DnsFailure(name)
        if name not in self._mx and name not in self._addresses:
            raise DomainNotFound(f"domain `{name}` does not exist")
        return self._mx.get(name, [])

    async def addresses(self, name: str) -> list[str]:
        if name not in self._addresses:
            raise DomainNotFound(name)
        return self._addresses[name]


DNS = FakeDns(
    mx={
        "two.test": [Mx(10, "a.test"), Mx(20, "b.test")],
        "null.test": [Mx(0, "")],
        "literal.test": [Mx(10, "192.0.2.1")],
        "gone.test": [Mx(10, "nowhere.test")],
        "mixed.test": [Mx(10, "inside.test"), Mx(20, "a.test")],
        "inside-only.test": [Mx(10, "inside.test")],
    },
    addresses={
        "a.test": ["93.184.216.34"],
        "b.test": ["2606:2800:220:1::1", "93.184.216.35"],
        "plain.test": ["93.184.216.36"],
        "inside.test": ["10.1.2.3"],
    },
)


def router(*, relay: tuple[str, int] | None = None, allow: tuple[str, ...] = ()) -> Router:
    return Router(DNS, missing=DomainNotFound, relay=relay, mx_port=25, allow_networks=allow)


def hosts(domain: str, **options: object) -> list[Host]:
    return asyncio.run(router(**options).hosts(domain))  # type: ignore[arg-type]


def test_mx_hosts_come_in_order_of_preference_with_all_their_addresses() -> None:
    assert hosts("two.test") == [
        Host("a.test", "93.184.216.34", 25),
        Host("b.test", "2606:2800:220:1::1", 25),
        Host("b.test", "93.184.216.35", 25),
    ]


def test_a_domain_without_mx_is_its_own_host() -> None:
    assert hosts("plain.test") == [Host("plain.test", "93.184.216.36", 25)]


@pytest.mark.parametrize(
    ("domain", "status"),
    [
        ("null.test", "5.1.10"),
        ("unknown.test", "5.1.2"),
        ("gone.test", "5.4.4"),
        ("literal.test", "5.4.4"),
        ("inside-only.test", "5.4.4"),
    ],
)
def test_mail_that_can_never_arrive_is_refused_for_good(domain: str, status: str) -> None:
    with pytest.raises(Unroutable) as refused:
        hosts(domain)
    assert refused.value.status == status


def test_dns_that_cannot_say_settles_nothing() -> None:
    with pytest.raises(Unavailable):
        hosts("broken.test")


def test_an_mx_into_our_own_network_is_passed_over() -> None:
    assert hosts("mixed.test") == [Host("a.test", "93.184.216.34", 25)]


def test_the_operator_may_allow_a_network() -> None:
    assert hosts("inside-only.test", allow=("10.0.0.0/8",)) == [Host("inside.test", "10.1.2.3", 25)]


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.255.0.1", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255",
        "192.168.1.1", "169.254.169.254", "100.64.0.1", "100.127.255.254", "192.0.0.1", "192.0.2.5",
        "198.18.0.1", "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.1.2.3", "240.0.0.1",
        "255.255.255.255", "::", "::1", "fe80::1", "fc00::1", "fd12:3456::1", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:93.184.216.34", "64:ff9b::7f00:1",
        "64:ff9b::a00:1", "2002:7f00:1::", "2002:a00:1::1", "2001:db8::1", "2001:0:53aa:64c::1", "100::1",
    ],
)  # fmt: skip
def test_no_address_that_is_not_public_is_connected_to(address: str) -> None:
    dns = FakeDns(mx={"evil.test": [Mx(10, "mx.evil.test")]}, addresses={"mx.evil.test": [address]})
    target = Router(dns, missing=DomainNotFound, relay=None, mx_port=25, allow_networks=())
    with pytest.raises(Unroutable):
        asyncio.run(target.hosts("evil.test"))


def test_a_relay_takes_all_mail_by_name_or_address() -> None:
    assert hosts("anything.test", relay=("10.9.9.9", 2525)) == [Host("10.9.9.9", "10.9.9.9", 2525)]
    assert hosts("anything.test", relay=("inside.test", 25)) == [Host("inside.test", "10.1.2.3", 25)]


def test_a_long_list_of_mx_hosts_is_cut() -> None:
    names = [f"mx{n}.test" for n in range(100)]
    dns = FakeDns(
        mx={"long.test": [Mx(n, name) for n, name in enumerate(names)]},
        addresses={name: ["93.184.216.34"] for name in names},
    )
    target = Router(dns, missing=DomainNotFound, relay=None, mx_port=25, allow_networks=())
    assert len(asyncio.run(target.hosts("long.test"))) == 5
