"""Which addresses may be connected to when somebody else says where: the guard against SSRF.

The tables are the IANA special-purpose address registries (IPv4: RFC 6890 and what was registered
since; IPv6 likewise), kept here and not taken from the Python version's. IPv6 is open only where IANA
has given addresses out for global unicast, 2000::/3; all else is closed. An address that holds an
IPv4 address (mapped, 6to4, Teredo, NAT64) is closed whatever it holds, for what is behind it is
decided elsewhere. Registered and globally reachable, yet for services that are no mail or web server
(AS112, AMT, anycast): closed too.
"""

import ipaddress
from collections.abc import Sequence
from functools import lru_cache

_V4 = [
    ("0.0.0.0/8", "this network"),
    ("10.0.0.0/8", "private use"),
    ("100.64.0.0/10", "shared address space"),
    ("127.0.0.0/8", "loopback"),
    ("169.254.0.0/16", "link local"),
    ("172.16.0.0/12", "private use"),
    ("192.0.0.0/24", "IETF protocol assignments"),
    ("192.0.2.0/24", "documentation"),
    ("192.31.196.0/24", "AS112"),
    ("192.52.193.0/24", "AMT"),
    ("192.88.99.0/24", "6to4 relay"),
    ("192.168.0.0/16", "private use"),
    ("192.175.48.0/24", "AS112"),
    ("198.18.0.0/15", "benchmarking"),
    ("198.51.100.0/24", "documentation"),
    ("203.0.113.0/24", "documentation"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "reserved"),
]
_V6 = [
    ("::/128", "unspecified"),
    ("::1/128", "loopback"),
    ("::/96", "IPv4-compatible"),
    ("::ffff:0:0/96", "IPv4-mapped"),
    ("::ffff:0:0:0/96", "IPv4-translated"),
    ("64:ff9b::/96", "NAT64"),
    ("64:ff9b:1::/48", "NAT64 for local use"),
    ("100::/64", "discard only"),
    ("100:0:0:1::/64", "dummy prefix"),
    ("2001::/32", "Teredo"),
    ("2001::/23", "IETF protocol assignments"),
    ("2001:db8::/32", "documentation"),
    ("2002::/16", "6to4"),
    ("2620:4f:8000::/48", "AS112"),
    ("3ffe::/16", "6bone"),
    ("3fff::/20", "documentation"),
    ("5f00::/16", "segment routing"),
    ("fc00::/7", "unique local"),
    ("fe80::/10", "link local"),
    ("fec0::/10", "site local"),
    ("ff00::/8", "multicast"),
]
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_TABLE: dict[int, list[tuple[Network, str]]] = {
    4: [(ipaddress.IPv4Network(network), what) for network, what in _V4],
    6: [(ipaddress.IPv6Network(network), what) for network, what in _V6],
}


class AddressGuard:
    """Says which addresses are open; `allow` are networks (CIDR) that the operator opens besides."""

    def __init__(self, allow: Sequence[str] = ()) -> None:
        self._allowed = [ipaddress.ip_network(network) for network in allow]

    def refusal(self, address: str) -> str | None:
        """Why an address may not be connected to (`loopback`), or None if it may.

        What is not an address in the one usual form is refused: `127.1`, `0x7f000001`, `fe80::1%eth0`.
        """
        try:
            ip = ipaddress.ip_address(address)
        except ValueError:
            return "not an address"
        if isinstance(ip, ipaddress.IPv6Address) and ip.scope_id is not None:
            return "address with a zone"
        if any(ip in network for network in self._allowed if network.version == ip.version):
            return None
        for network, what in _TABLE[ip.version]:
            if ip in network:
                return what
        if isinstance(ip, ipaddress.IPv6Address) and ip not in _GLOBAL_UNICAST:
            return "not global unicast"
        return None


@lru_cache(maxsize=4_096)
def is_literal(text: str) -> bool:
    """Whether text is an address in any form that a resolver of the C library would take for one.

    `inet_aton` takes one to four numbers, decimal, octal or hexadecimal.
    """
    name = text.strip("[]").rstrip(".")
    try:
        ipaddress.ip_address(name.partition("%")[0])
        return True
    except ValueError:
        parts = name.lower().split(".")
        return len(parts) <= 4 and all(_is_number(part) for part in parts)


def _is_number(text: str) -> bool:
    digits, base = (text[2:], 16) if text.startswith("0x") else (text, 10)
    try:
        int(digits, base)
    except ValueError:
        return False
    return text.isascii() and "_" not in text
