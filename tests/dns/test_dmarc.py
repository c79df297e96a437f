"""Which DMARC policy counts for a domain, and what it takes for one of its own."""

import asyncio

import pytest

from sesame.dns.dmarc import DmarcPolicy, dmarc_policy
from sesame.dns.port import DnsFailure
from tests.support.dns import resolver


def found(domain: str, *lines: str) -> DmarcPolicy:
    return asyncio.run(dmarc_policy(resolver(*lines), domain))


@pytest.mark.parametrize(
    ("domain", "lines", "at", "policy"),
    [
        ("a.test", [], "", ""),
        ("a.test", ["_dmarc.a.test TXT other"], "", ""),
        ("a.test", ["_dmarc.a.test TXT v=DMARC1; p=reject"], "a.test", "reject"),
        ("a.test", ["_dmarc.a.test TXT V = DMARC1 ; P = Reject"], "a.test", "reject"),
        ("a.test", ["_dmarc.a.test TXT v=DMARC10; p=reject"], "", ""),
        ("a.test", ["_dmarc.a.test TXT v=DMARC1; p=maybe"], "a.test", ""),
        ("a.test", ["_dmarc.a.test TXT v=DMARC1"], "a.test", ""),
        ("a.test", ["_dmarc.a.test TXT v=DMARC1; p=none", "_dmarc.a.test TXT v=DMARC1; p=reject"], "a.test", ""),
        ("a.test", ["_dmarc.a.test TXT v=spf1", "_dmarc.a.test TXT v=DMARC1; p=none"], "a.test", "none"),
        ("x.a.test", ["_dmarc.a.test TXT v=DMARC1; p=none"], "a.test", "none"),
        ("x.a.test", ["_dmarc.a.test TXT v=DMARC1; p=none; sp=quarantine"], "a.test", "quarantine"),
        ("x.a.test", ["_dmarc.a.test TXT v=DMARC1; p=none", "_dmarc.x.a.test TXT v=DMARC1; p=reject"], "x.a.test",
         "reject"),
        ("x.a.test", ["_dmarc.test TXT v=DMARC1; p=reject"], "", ""),
        ("test", ["_dmarc.test TXT v=DMARC1; p=reject"], "", ""),
    ],
)  # fmt: skip
def test_the_nearest_policy_upwards_counts(domain: str, lines: list[str], at: str, policy: str) -> None:
    answer = found(domain, *lines)
    assert (answer.domain, answer.at, answer.policy) == (domain, at, policy)


def test_a_long_name_is_asked_about_a_few_times() -> None:
    asked = resolver("_dmarc.a.test TXT v=DMARC1; p=none")
    name = f"{'x.' * 40}a.test"
    assert asyncio.run(dmarc_policy(asked, name)).policy == ""


def test_dns_that_fails_is_no_answer() -> None:
    with pytest.raises(DnsFailure):
        asyncio.run(dmarc_policy(resolver(broken=("_dmarc.a.test",)), "a.test"))


@pytest.mark.parametrize(
    ("name", "domain", "at", "relaxed", "strict"),
    [
        ("a.test", "a.test", "a.test", True, True),
        ("A.test.", "a.Test", "", True, True),
        ("b.a.test", "a.test", "", True, False),
        ("a.test", "b.a.test", "", True, False),
        ("nota.test", "a.test", "a.test", False, False),
        ("y.a.test", "x.a.test", "a.test", True, False),
        ("y.a.test", "x.a.test", "", False, False),
        ("other.test", "a.test", "a.test", False, False),
    ],
)
def test_names_are_aligned(name: str, domain: str, at: str, relaxed: bool, strict: bool) -> None:
    policy = DmarcPolicy(domain=domain, at=at)
    assert policy.aligned(name, is_strict=False) is relaxed
    assert policy.aligned(name, is_strict=True) is strict
