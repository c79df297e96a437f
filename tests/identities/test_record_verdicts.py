"""What is said of each DNS record, and what is seen in its place."""

import asyncio

import pytest

from sesame.dns import DnsFailure, LocalZone
from sesame.dns.resolver import NO_CACHE, CachingResolver
from sesame.identities.dns_records import OPERATOR, OWNER, Record
from sesame.identities.record_verdicts import CheckedRecord, Verdict, check_records
from tests.support.clock import FakeClock

KEY = "v=DKIM1; k=rsa; p=MIGf"
TOKEN = Record(
    name="_amazonses.example.com", kind="TXT", value="tok", publisher=OWNER, purpose="verification"
)
ALIAS = Record(
    name="t._domainkey.example.com", kind="CNAME", value="t.dkim.host", publisher=OWNER, purpose="DKIM"
)
OWN_KEY = Record(name="s._domainkey.example.com", kind="TXT", value=KEY, publisher=OWNER, purpose="DKIM")
MX = Record(name="m.example.com", kind="MX", value="10 mx.host", publisher=OWNER, purpose="MAIL FROM")
SPF = Record(
    name="m.example.com", kind="TXT", value="v=spf1 include:b.host ~all", publisher=OWNER, purpose="MAIL FROM"
)


def check(record: Record, *published: tuple[str, str, str]) -> CheckedRecord:
    async def records(name: str) -> list[tuple[str, str]]:
        if name == "broken.example.com":
            raise DnsFailure("SERVFAIL")
        return [(kind, value) for at, kind, value in published if at == name]

    resolver = CachingResolver(LocalZone(records), clock=FakeClock(), bounds=NO_CACHE)
    operators = Record(name="t.dkim.host", kind="TXT", value=KEY, publisher=OPERATOR, purpose="DKIM")
    (checked,) = asyncio.run(
        check_records(resolver, [record, operators], "example.com", mechanism="include:b.host")
    )
    return checked


@pytest.mark.parametrize(
    ("record", "published", "verdict", "seen"),
    [
        (TOKEN, [(TOKEN.name, "TXT", "tok")], Verdict.RIGHT, ("tok",)),
        (TOKEN, [(TOKEN.name, "TXT", "tok"), (TOKEN.name, "TXT", "other")], Verdict.RIGHT, ("tok", "other")),
        (TOKEN, [(TOKEN.name, "TXT", "other"), (TOKEN.name, "TXT", "tok")], Verdict.RIGHT, ("tok", "other")),
        (TOKEN, [(TOKEN.name, "TXT", "TOK")], Verdict.OTHER_VALUE, ("TOK",)),
        (TOKEN, [], Verdict.MISSING, ()),
        (TOKEN, [(f"{TOKEN.name}.example.com", "TXT", "tok")], Verdict.DOUBLED_NAME, ("tok",)),
        (ALIAS, [(ALIAS.name, "CNAME", "t.dkim.host"), ("t.dkim.host", "TXT", KEY)], Verdict.RIGHT, ("t.dkim.host",)),
        (ALIAS, [(ALIAS.name, "CNAME", "t.dkim.host")], Verdict.NO_KEY, ("t.dkim.host",)),
        (ALIAS, [(ALIAS.name, "CNAME", "x.dkim.host")], Verdict.OTHER_VALUE, ("x.dkim.host",)),
        (ALIAS, [(ALIAS.name, "TXT", KEY)], Verdict.OTHER_VALUE, (KEY,)),
        (ALIAS, [], Verdict.MISSING, ()),
        (ALIAS, [(f"{ALIAS.name}.example.com", "CNAME", "t.dkim.host"), ("t.dkim.host", "TXT", KEY)],
         Verdict.DOUBLED_NAME, (KEY,)),
        (OWN_KEY, [(OWN_KEY.name, "TXT", "v=DKIM1;p=MI Gf")], Verdict.RIGHT, ("v=DKIM1;p=MI Gf",)),
        (OWN_KEY, [(OWN_KEY.name, "TXT", "x"), (OWN_KEY.name, "TXT", "p=MIGf")], Verdict.RIGHT, ("p=MIGf", "x")),
        (OWN_KEY, [(OWN_KEY.name, "TXT", "v=DKIM1; p=else")], Verdict.OTHER_VALUE, ("v=DKIM1; p=else",)),
        (MX, [(MX.name, "MX", "5 MX.host.")], Verdict.RIGHT, ("5 MX.host.",)),
        (MX, [(MX.name, "MX", "5 mx.host"), (MX.name, "MX", "9 y")], Verdict.SECOND_MX, ("5 mx.host", "9 y")),
        (MX, [(MX.name, "MX", "5 y")], Verdict.OTHER_VALUE, ("5 y",)),
        (SPF, [(SPF.name, "TXT", "v=spf1 a include:b.host -all")], Verdict.RIGHT, ("v=spf1 a include:b.host -all",)),
        (SPF, [(SPF.name, "TXT", "v=spf1 -all")], Verdict.OTHER_VALUE, ("v=spf1 -all",)),
        (SPF, [(SPF.name, "TXT", "v=spf1 include:b.host"), (SPF.name, "TXT", "v=spf1 -all")], Verdict.TWO_SPF,
         ("v=spf1 include:b.host", "v=spf1 -all")),
        (SPF, [(SPF.name, "TXT", "other")], Verdict.MISSING, ("other",)),
    ],
)  # fmt: skip
def test_each_record_has_its_verdict(
    record: Record, published: list[tuple[str, str, str]], verdict: Verdict, seen: tuple[str, ...]
) -> None:
    checked = check(record, *published)
    assert (checked.verdict, sorted(checked.seen)) == (verdict, sorted(seen))
    assert checked.seen[:1] == seen[:1] or verdict is not Verdict.RIGHT, "the right one comes first"
    assert checked.seen_ago_s == 0


def test_dns_that_cannot_say_is_no_verdict() -> None:
    record = Record(name="broken.example.com", kind="TXT", value="x", publisher=OWNER, purpose="verification")
    assert check(record).verdict is Verdict.UNKNOWN
