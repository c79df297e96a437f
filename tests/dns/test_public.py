"""The guard: no address leads into a network that is not public, in whatever form it comes."""

import ipaddress

import pytest

from sesame.dns.public import AddressGuard, is_literal

CLOSED = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.254", "127.0.0.1",
    "127.255.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.8", "192.0.0.9",
    "192.0.0.170", "192.0.2.5", "192.31.196.1", "192.52.193.1", "192.88.99.1", "192.168.1.1", "192.175.48.1",
    "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.1.2.3", "240.0.0.1",
    "255.255.255.255",
    "::", "::1", "::2", "::127.0.0.1", "::10.0.0.1", "::8.8.8.8", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
    "::ffff:93.184.216.34", "::ffff:0:127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b::8.8.8.8",
    "64:ff9b:1::a00:1", "64:ff9b:2::1", "100::1", "100:0:0:1::1", "200::1", "400::1", "1000::1",
    "2001::1", "2001:0:53aa:64c::1", "2001:1::1", "2001:2::1", "2001:3::1", "2001:4:112::1", "2001:10::1",
    "2001:20::1", "2001:30::1", "2001:db8::1", "2002:7f00:1::", "2002:a00:1::1", "2002:808:808::1",
    "2620:4f:8000::1", "3ffe::1", "3fff::1", "3fff:fff:ffff::1", "4000::1", "5f00::1", "8000::1", "e000::1",
    "fc00::1", "fd12:3456::1", "fe80::1", "fe80::1%eth0", "febf::1", "fec0::1", "feff::1", "ff02::1",
]  # fmt: skip
OPEN = [
    "1.1.1.1", "8.8.8.8", "93.184.216.34", "100.63.255.255", "100.128.0.1", "126.255.255.255", "128.0.0.1",
    "172.15.255.255", "172.32.0.1", "192.0.1.1", "192.167.255.255", "192.169.0.1", "198.17.255.255",
    "198.20.0.1", "223.255.255.255", "2001:200::1", "2001:4860:4860::8888", "2001:db7::1", "2003::1",
    "2606:2800:220:1::1", "2620:4f:7fff::1", "2a00:1450::1", "3fff:1000::1", "2400::1",
]  # fmt: skip
NO_ADDRESS = [
    "", "localhost", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "127.0.0.01",
    "[::1]", "::1/128", "1.2.3.4.5", "256.1.1.1", "１２７.0.0.1", " 127.0.0.1", "127.0.0.1\n", "::ffff:127.1",
]  # fmt: skip


@pytest.mark.parametrize("address", CLOSED)
def test_what_is_not_public_is_closed(address: str) -> None:
    assert AddressGuard().refusal(address)


@pytest.mark.parametrize("address", OPEN)
def test_what_is_public_is_open(address: str) -> None:
    assert AddressGuard().refusal(address) is None


@pytest.mark.parametrize("text", NO_ADDRESS)
def test_what_is_no_address_is_closed(text: str) -> None:
    assert AddressGuard(["0.0.0.0/0", "::/0"]).refusal(text) == "not an address"


def test_nothing_is_open_that_the_standard_library_holds_for_private() -> None:
    """One address out of every IPv4 /12 and IPv6 /12, its first, middle and last."""
    guard = AddressGuard()
    for width, make in ((32, ipaddress.IPv4Address), (128, ipaddress.IPv6Address)):
        for prefix in range(4096):
            low = prefix << (width - 12)
            for number in (low, low + (1 << (width - 13)), low + (1 << (width - 12)) - 1):
                address = make(number)
                if not address.is_global or address.is_multicast:
                    assert guard.refusal(str(address)), address


def test_the_operator_opens_networks_and_nothing_beside_them() -> None:
    guard = AddressGuard(["10.1.0.0/16", "fd00::/8", "127.0.0.1/32"])
    assert [guard.refusal(a) for a in ("10.1.2.3", "fd00::1", "127.0.0.1", "8.8.8.8")] == [None] * 4
    for address in ("10.2.0.1", "127.0.0.2", "fe80::1", "::ffff:10.1.2.3", "::10.1.2.3"):
        assert guard.refusal(address)


def test_a_zone_is_closed_in_a_network_that_is_open() -> None:
    assert AddressGuard(["fe80::/10"]).refusal("fe80::1%eth0")


@pytest.mark.parametrize(
    "text",
    ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "::1", "[::1]", "127.0.0.1."],
)
def test_an_address_in_the_place_of_a_name_is_found_out(text: str) -> None:
    assert is_literal(text)


@pytest.mark.parametrize(
    "text", ["a.test", "1.2.3.4.5.test", "10.in-addr.arpa", "1e.test", "mx1", "xn--a.test"]
)
def test_a_name_is_no_address(text: str) -> None:
    assert not is_literal(text)
