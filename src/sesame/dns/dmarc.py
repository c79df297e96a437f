"""DMARC policies as domains publish them, and which names are aligned with which.

A policy is looked for at the domain and upwards, as far as two labels. Sources: RFC 7489 sections 3.1 (alignment), 6.3
(tags) and 6.6.3 (discovery; of two records none counts). There is no list of public suffixes here: names are taken for
one organization's if one is under the other, or both under the domain whose policy was found.
"""

from dataclasses import dataclass

from sesame.dns.port import DomainNotFound, Resolver

POLICIES = ("none", "quarantine", "reject")
MOST_STEPS = 8
"""Names that are asked about for one domain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DmarcPolicy:
    """What receivers are asked to do with mail whose From is of `domain`.

    `at` is the domain that publishes it, empty where none does; `policy` one of `POLICIES`, or empty for none that
    counts, of which `records` are still what was seen.
    """

    domain: str
    at: str = ""
    records: tuple[str, ...] = ()
    policy: str = ""
    is_dkim_strict: bool = False
    is_spf_strict: bool = False

    def aligned(self, name: str, *, is_strict: bool) -> bool:
        """Whether a name that was authenticated is the domain in From, or of one organization with it."""
        one, other, above = name.lower().rstrip("."), self.domain.lower(), self.at.lower()
        if is_strict or one == other:
            return one == other
        is_under = one.endswith(f".{other}") or other.endswith(f".{one}")
        return is_under or bool(above and (one == above or one.endswith(f".{above}")))


async def dmarc_policy(resolver: Resolver, domain: str) -> DmarcPolicy:
    """The policy that counts for a domain. Raises `DnsFailure` when DNS could not say."""
    name, steps = domain, 0
    while "." in name and steps < MOST_STEPS:
        if records := await _records(resolver, f"_dmarc.{name}"):
            return _read(domain, name, records)
        name, steps = name.partition(".")[2], steps + 1
    return DmarcPolicy(domain=domain)


async def _records(resolver: Resolver, name: str) -> tuple[str, ...]:
    try:
        found = await resolver.txt(name)
    except DomainNotFound:
        return ()
    return tuple(text for text in found if text.partition(";")[0].replace(" ", "").lower() == "v=dmarc1")


def _read(domain: str, at: str, records: tuple[str, ...]) -> DmarcPolicy:
    if len(records) > 1:
        return DmarcPolicy(domain=domain, at=at, records=records)
    pairs = (tag.partition("=") for tag in records[0].lower().split(";"))
    tags = {name.strip(): value.strip() for name, _, value in pairs}
    policy = tags.get("p", "") if domain == at else tags.get("sp", tags.get("p", ""))
    return DmarcPolicy(
        domain=domain,
        at=at,
        records=records,
        policy=policy if policy in POLICIES else "",
        is_dkim_strict=tags.get("adkim") == "s",
        is_spf_strict=tags.get("aspf") == "s",
    )
