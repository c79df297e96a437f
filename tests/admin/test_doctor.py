"""The doctor: each fault that keeps mail from arriving is found, with what to do about it."""

import asyncio
import time
from dataclasses import replace
from typing import Any

import pytest

from sesame.admin.doctor import GIB, Facts, Finding, Level, SendingAddress, SendingDomain, examine
from tests.support.certificates import make_ca, make_leaf, pem
from tests.support.dns import resolver

NOW = time.time()
CA = make_ca()
GOOD_PEM = pem(make_leaf("mx1.sesame.test", ca=CA).certificate)
FACTS = Facts(
    hostname="mx1.sesame.test",
    return_path_domain="bounces.sesame.test",
    mail_from_mx="mx1.sesame.test",
    mail_from_spf="include:bounces.sesame.test",
    own_addresses=("192.0.2.1",),
    own_keys=(("s._domainkey.sesame.test", "OWNKEY"),),
    domains=(SendingDomain(name="example.com", keys=(("t1", "KEY"),), mail_from="mail.example.com"),),
    certificates=(("api.tls_certificate", GOOD_PEM),),
    ports=(("api.port", "127.0.0.1", 4579),),
    free_bytes=100 * GIB,
    free_inodes=1000,
    reserve_bytes=GIB,
    trusts_ad=True,
    probe=("198.51.100.25", 25),
)
ZONE = [
    "org NS a.org",
    "mx1.sesame.test A 192.0.2.1",
    "1.2.0.192.in-addr.arpa PTR mx1.sesame.test",
    "bounces.sesame.test MX 10 mx1.sesame.test",
    "bounces.sesame.test TXT v=spf1 a:mx1.sesame.test -all",
    "s._domainkey.sesame.test TXT v=DKIM1; k=rsa; p=OWNKEY",
    "t1._domainkey.example.com CNAME t1.dkim.sesame.test",
    "t1.dkim.sesame.test TXT v=DKIM1; k=rsa; p=KEY",
    "_dmarc.example.com TXT v=DMARC1; p=reject",
    "mail.example.com MX 10 mx1.sesame.test",
    "mail.example.com TXT v=spf1 include:bounces.sesame.test ~all",
]


def findings(
    *,
    without: str = "",
    more: tuple[str, ...] = (),
    broken: tuple[str, ...] = (),
    validated: tuple[str, ...] = ("org",),
    facts: Facts = FACTS,
    closed: str = "",
    offset_s: float | None = 0.1,
) -> list[Finding]:
    async def connect(host: str, port: int) -> str | None:
        return "Connection refused" if closed == host else None

    async def clock_offset_s() -> float | None:
        return offset_s

    lines = [line for line in ZONE if not without or not line.startswith(without)]
    dns = resolver(*lines, *more, broken=broken, validated=validated)
    return asyncio.run(examine(facts, dns, connect=connect, clock_offset_s=clock_offset_s, now=NOW))


def bad(**options: Any) -> list[tuple[str, Level]]:
    """Check and level of all that is not in order; each says what to do."""
    found = [finding for finding in findings(**options) if finding.level is not Level.OK]
    assert all(finding.mend for finding in found)
    return [(finding.check, finding.level) for finding in found]


F, W, U = Level.FAULT, Level.WARNING, Level.UNKNOWN


def test_a_server_in_order_has_nothing_to_mend() -> None:
    found = findings()
    assert {finding.level for finding in found} == {Level.OK}
    assert {finding.check for finding in found} == {
        "DNS resolver", "HELO", "PTR", "MX", "SPF", "DKIM", "DMARC", "MAIL FROM", "port 25", "clock", "disk",
        "certificate `api.tls_certificate`", "port `api.port`",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("options", "want"),
    [
        ({"validated": ()}, [("DNS resolver", W)]),
        ({"broken": ("org",)}, [("DNS resolver", F)]),
        ({"without": "mx1.sesame.test A"}, [("HELO", F)]),
        ({"without": "1.2.0.192"}, [("PTR", F)]),
        ({"without": "1.2.0.192", "more": ("1.2.0.192.in-addr.arpa PTR host-1.isp.test",)}, [("PTR", F)]),
        ({"without": "bounces.sesame.test MX"}, [("MX", F)]),
        ({"without": "bounces.sesame.test TXT"}, [("SPF", F)]),
        ({"more": ("bounces.sesame.test TXT v=spf1 -all",)}, [("SPF", F)]),
        ({"without": "bounces.sesame.test TXT", "more": ("bounces.sesame.test TXT v=spf1 mx ?all",)}, []),
        ({"without": "bounces.sesame.test TXT", "more": ("bounces.sesame.test TXT v=spf1 mx +all",)}, [("SPF", W)]),
        ({"without": "bounces.sesame.test TXT", "more": ("bounces.sesame.test TXT v=spf1 a:x -all",)}, [("SPF", W)]),
        ({"without": "bounces.sesame.test TXT", "more": ("bounces.sesame.test TXT v=spf1 ip4:192.0.2.1",)}, []),
        ({"without": "s._domainkey"}, [("DKIM", F)]),
        ({"without": "t1._domainkey"}, [("DKIM", F)]),
        ({"without": "t1.dkim", "more": ("t1.dkim.sesame.test TXT v=DKIM1; p=OTHER",)}, [("DKIM", F)]),
        ({"without": "t1.dkim", "more": ("t1.dkim.sesame.test TXT v=DKIM1; p=",)}, [("DKIM", F)]),
        ({"without": "_dmarc"}, [("DMARC", W)]),
        ({"more": ("_dmarc.example.com TXT v=DMARC1; p=none",)}, [("DMARC", F)]),
        ({"without": "_dmarc", "more": ("_dmarc.example.com TXT v=DMARC1; rua=mailto:a@b",)}, [("DMARC", F)]),
        ({"without": "mail.example.com MX"}, [("MAIL FROM", F)]),
        ({"more": ("mail.example.com MX 20 other.test",)}, [("MAIL FROM", F)]),
        ({"without": "mail.example.com TXT"}, [("MAIL FROM", F)]),
        ({"broken": ("mail.example.com",)}, [("MAIL FROM", U), ("MAIL FROM", U)]),
        ({"broken": ("mx1.sesame.test",)}, [("HELO", U)]),
        ({"closed": "127.0.0.1"}, [("port `api.port`", W)]),
        ({"closed": "198.51.100.25"}, [("port 25", F)]),
        ({"offset_s": None}, [("clock", U)]),
        ({"offset_s": -6.0}, [("clock", W)]),
        ({"offset_s": 301.0}, [("clock", F)]),
    ],
)  # fmt: skip
def test_each_fault_is_found_and_nothing_else(options: dict[str, Any], want: list[tuple[str, Level]]) -> None:
    assert bad(**options) == want


@pytest.mark.parametrize(
    ("change", "want"),
    [
        ({"hostname": "localhost"}, [("HELO", F), ("MX", F), ("SPF", W)]),
        ({"own_addresses": ("192.0.2.9",)}, [("HELO", W), ("PTR", F)]),
        ({"trusts_ad": False}, [("DNS resolver", W)]),
        ({"free_bytes": GIB - 1}, [("disk", F)]),
        ({"free_bytes": 2 * GIB}, [("disk", W)]),
        ({"free_inodes": 0}, [("disk", F)]),
        ({"certificates": (("api.tls_certificate", None),)}, [("certificate `api.tls_certificate`", F)]),
        ({"certificates": (("x", b"-----BEGIN CERTIFICATE-----"),)}, [("certificate `x`", F)]),
        ({"certificates": (("x", pem(make_leaf("a", ca=CA, days=(-9, -1)).certificate)),)}, [("certificate `x`", F)]),
        ({"certificates": (("x", pem(make_leaf("a", ca=CA, days=(1, 90)).certificate)),)}, [("certificate `x`", F)]),
        ({"certificates": (("x", pem(make_leaf("a", ca=CA, days=(-9, 9)).certificate)),)}, [("certificate `x`", W)]),
        ({"domains": (SendingDomain(name="example.com"),)}, [("DKIM", W)]),
        ({"domains": (SendingDomain(name="a.b.example.com", keys=()),)}, [("DKIM", W)]),
        ({"is_relayed": True, "probe": None}, []),
    ],
)  # fmt: skip
def test_faults_of_the_machine_and_the_settings_are_found(
    change: dict[str, Any], want: list[tuple[str, Level]]
) -> None:
    assert bad(facts=replace(FACTS, **change)) == want


SOURCE = replace(FACTS, egress=(SendingAddress(address="192.0.2.7", hello="mx7.sesame.test"),))
SOURCE_ZONE = (
    "mx7.sesame.test A 192.0.2.7",
    "7.2.0.192.in-addr.arpa PTR mx7.sesame.test",
)


@pytest.mark.parametrize(
    ("zone", "problem", "check", "found"),
    [
        (SOURCE_ZONE[1:], None, "HELO", "`mx7.sesame.test` does not lead to 192.0.2.7"),
        (SOURCE_ZONE[:1], None, "PTR", "192.0.2.7 has none"),
        (
            (SOURCE_ZONE[0], "7.2.0.192.in-addr.arpa PTR other.test"),
            None,
            "PTR",
            "192.0.2.7 is `other.test`, not `mx7.sesame.test`",
        ),
        (SOURCE_ZONE, "no such address", "egress", "192.0.2.7 cannot be sent from: no such address"),
        (SOURCE_ZONE, None, "SPF", "of `bounces.sesame.test` does not name 192.0.2.7"),
    ],
)
def test_each_address_that_mail_leaves_from_is_looked_at(
    zone: tuple[str, ...], problem: str | None, check: str, found: str
) -> None:
    facts = replace(SOURCE, egress=(replace(SOURCE.egress[0], problem=problem),))
    bad = [(one.check, one.found) for one in findings(facts=facts, more=zone) if one.level is not Level.OK]
    assert (check, found) in bad


def test_an_address_that_is_in_order_is_no_trouble() -> None:
    spf = "bounces.sesame.test TXT v=spf1 a:mx1.sesame.test ip4:192.0.2.0/28 -all"
    found = findings(facts=SOURCE, more=(*SOURCE_ZONE, spf), without="bounces.sesame.test TXT")
    assert [one for one in found if one.level is not Level.OK] == []


def test_links_that_would_lead_nowhere_are_told_of() -> None:
    (found,) = [one for one in findings(facts=replace(FACTS, leads_nowhere=True)) if one.check == "tracking"]
    assert found.level is Level.WARNING and "tracking.url" in found.mend
    assert "tracking" not in [one.check for one in findings()]
