"""What a receiver makes of a message: SPF and DMARC against a zone."""

import asyncio

import pytest

from sesame.console.receiver_checks import dmarc, spf
from tests.support.dns import resolver

LOOP = [f"l{n}.test TXT v=spf1 include:l{n + 1}.test -all" for n in range(13)]


@pytest.mark.parametrize(
    ("domain", "lines", "result"),
    [
        ("", [], "none"),
        ("a.test", [], "none"),
        ("a.test", ["a.test TXT other"], "none"),
        ("a.test", ["a.test TXT v=spf1 -all"], "fail"),
        ("a.test", ["a.test TXT v=spf1 ~all"], "softfail"),
        ("a.test", ["a.test TXT v=spf1 ip4:10.0.0.1"], "neutral"),
        ("a.test", ["a.test TXT v=spf1 ip4:127.0.0.0/8 -all"], "pass"),
        ("a.test", ["a.test TXT v=spf1 ip6:::1 -all"], "fail"),
        ("a.test", ["a.test TXT v=spf1 -ip4:127.0.0.1 all"], "fail"),
        ("a.test", ["a.test TXT v=spf1 a -all", "a.test A 127.0.0.1"], "pass"),
        ("a.test", ["a.test TXT v=spf1 a:b.test/24 -all", "b.test A 127.0.0.9"], "pass"),
        ("a.test", ["a.test TXT v=spf1 mx -all", "a.test MX 10 m.test", "m.test A 127.0.0.1"], "pass"),
        ("a.test", ["a.test TXT v=spf1 include:b.test -all", "b.test TXT v=spf1 ip4:127.0.0.1"], "pass"),
        ("a.test", ["a.test TXT v=spf1 include:b.test ?all", "b.test TXT v=spf1 -all"], "neutral"),
        ("a.test", ["a.test TXT v=spf1 redirect=b.test", "b.test TXT v=spf1 -all"], "fail"),
        ("a.test", ["a.test TXT v=spf1 -all", "a.test TXT v=spf1 ~all"], "permerror"),
        ("a.test", ["a.test TXT v=spf1 exists:%{i}.b.test -all"], "unknown"),
        ("a.test", ["a.test TXT v=spf1 ptr -all"], "unknown"),
        ("a.test", ["a.test TXT v=spf1 ip4:nonsense a:nowhere.test mx -all"], "fail"),
        ("l0.test", LOOP, "permerror"),
        ("a.test", ["a.test TXT v=spf1 redirect=a.test"], "permerror"),
    ],
)
def test_spf_says_whether_mail_may_come_from_here(domain: str, lines: list[str], result: str) -> None:
    assert asyncio.run(spf(resolver(*lines), domain)).result == result


def test_dns_that_fails_settles_nothing() -> None:
    asked = resolver(broken=("a.test", "_dmarc.a.test"))
    assert asyncio.run(spf(asked, "a.test")).result == "temperror"
    assert asyncio.run(dmarc(asked, "a.test", signed_by=["a.test"], spf_domain="")).aligned_by == ()


@pytest.mark.parametrize(
    ("lines", "from_domain", "signed_by", "spf_domain", "aligned", "policy"),
    [
        ([], "a.test", ["a.test"], "", ("DKIM of a.test",), ""),
        ([], "a.test", ["other.test"], "b.a.test", ("SPF of b.a.test",), ""),
        ([], "a.test", ["other.test"], "nota.test", (), ""),
        (["_dmarc.a.test TXT v=DMARC1; p=reject"], "a.test", [], "", (), "reject"),
        (["_dmarc.a.test TXT v=DMARC1; p=reject; adkim=s"], "a.test", ["b.a.test"], "", (), "reject"),
        (
            ["_dmarc.a.test TXT v=DMARC1; p=none; sp=quarantine"],
            "x.a.test",
            ["y.a.test"],
            "a.test",
            ("DKIM of y.a.test", "SPF of a.test"),
            "quarantine",
        ),
        (["_dmarc.a.test TXT v=DMARC1; p=none; aspf=s"], "a.test", [], "b.a.test", (), "none"),
    ],
)
def test_dmarc_asks_for_the_domain_in_from(
    lines: list[str],
    from_domain: str,
    signed_by: list[str],
    spf_domain: str,
    aligned: tuple[str, ...],
    policy: str,
) -> None:
    found = asyncio.run(dmarc(resolver(*lines), from_domain, signed_by=signed_by, spf_domain=spf_domain))
    assert (found.aligned_by, found.policy) == (aligned, policy)
