"""The DNS port: one question to a source of answers, and the look-ups that the house makes with it.

An answer tells "there is no such record" and "there is no such name" from "could not find out"
(`DnsFailure`), for only the first two may settle anything. Sources: RFC 1035, 2308 (negative
answers), 4035 (the AD bit), 5321 section 5.1, 7505 (null MX), 6698 (TLSA).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from sesame.errors import Unavailable


class DnsFailure(Unavailable):
    """DNS could not say: time-out, SERVFAIL, a lame or unusable answer. Try again later."""


class DomainNotFound(Unavailable):
    """The name does not exist at all (authoritative NXDOMAIN)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What DNS says about one name and kind.

    `records` are as in a zone file, without quotes and trailing dots: `10 mx.example.com`, an address,
    the joined strings of a TXT record, `3 1 1 <hex>`. None of them means that there is no record of
    this kind (NODATA), or with `is_missing` no such name (NXDOMAIN). With `alias` the name is another's
    (CNAME) and the question goes on there.
    """

    records: tuple[str, ...] = ()
    ttl_s: float = 0.0
    is_validated: bool = False
    """A validating resolver that we trust vouches for it by DNSSEC (the AD bit)."""
    is_missing: bool = False
    alias: str | None = None
    name: str = ""
    """The name that the records are of, CNAMEs followed."""
    age_s: float = 0.0
    """How long ago the source said it; more than 0 where it was kept since."""


@dataclass(frozen=True, slots=True)
class Mx:
    """One MX record; `exchange` is lower-case without the trailing dot, empty for a null MX."""

    preference: int
    exchange: str


@dataclass(frozen=True, slots=True)
class Tlsa:
    """One TLSA record (RFC 6698): which certificate or key a server has."""

    usage: int
    selector: int
    matching_type: int
    data: bytes


class Source(Protocol):
    """Where answers come from. Raises `DnsFailure` when it cannot say."""

    async def ask(self, name: str, kind: str) -> Answer:
        """One question; `name` is in lower case, as A-labels, without trailing dot."""


class Resolver(Protocol):
    """Look-ups. Each raises `DnsFailure` when DNS could not say."""

    async def look_up(self, name: str, kind: str) -> Answer:
        """The answer, with its TTL and whether it is validated, CNAMEs followed."""

    async def mx(self, name: str) -> list[Mx]:
        """MX records, most preferred first; raises `DomainNotFound` for NXDOMAIN."""

    async def addresses(self, name: str) -> list[str]:
        """IPv4 addresses, then IPv6, as text; raises `DomainNotFound` for NXDOMAIN."""

    async def txt(self, name: str) -> list[str]:
        """TXT records, strings of one record joined; raises `DomainNotFound` for NXDOMAIN."""

    def forget(self, names: Iterable[str]) -> None:
        """Have the source asked about these names again, and about those that their CNAMEs lead to."""


def read_mx(answer: Answer) -> list[Mx]:
    """The MX records of an answer, most preferred first. Raises `DnsFailure` for what is none."""
    found = []
    for record in answer.records:
        preference, _, exchange = record.partition(" ")
        if not preference.isdecimal():
            raise DnsFailure(f"`{record[:80]}` is not an MX record")
        found.append(Mx(preference=int(preference), exchange=exchange.strip().rstrip(".").lower()))
    return sorted(found, key=lambda mx: mx.preference)


def read_tlsa(answer: Answer) -> list[Tlsa]:
    """The TLSA records of an answer. Raises `DnsFailure` for what is none."""
    found = []
    for record in answer.records:
        try:
            usage, selector, matching_type, data = record.split(None, 3)
            found.append(
                Tlsa(int(usage), int(selector), int(matching_type), bytes.fromhex("".join(data.split())))
            )
        except ValueError:
            raise DnsFailure(f"`{record[:80]}` is not a TLSA record") from None
    return found
