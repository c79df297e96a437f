"""DNS as a test wants it: a `Source` from a table of zone lines, with failures and DNSSEC by name."""

from collections import Counter

from sesame.dns.port import Answer, DnsFailure, DomainNotFound, Mx
from sesame.dns.resolver import NO_CACHE, CacheBounds, CachingResolver
from tests.support.clock import FakeClock


class FakeSource:
    """Answers from lines `name kind value`; a name in no line does not exist.

    `broken` holds names, or (name, kind), that cannot be looked up; `validated` names whose answers have AD.
    """

    def __init__(
        self,
        *lines: str,
        broken: tuple[str | tuple[str, str], ...] = (),
        validated: tuple[str, ...] = (),
        ttl_s: float = 300.0,
    ) -> None:
        self.zone = [(name, kind, value) for name, kind, value in (line.split(None, 2) for line in lines)]
        self.broken = set(broken)
        self.validated = set(validated)
        self.ttl_s = ttl_s
        self.asked: Counter[tuple[str, str]] = Counter()

    async def ask(self, name: str, kind: str) -> Answer:
        """The table's answer."""
        self.asked[name, kind] += 1
        if name in self.broken or (name, kind) in self.broken:
            raise DnsFailure(f"look-up of {kind} of `{name}` failed: SERVFAIL")
        has = [(k, value) for n, k, value in self.zone if n == name]
        records = tuple(value for k, value in has if k == kind)
        alias = next((value for k, value in has if k == "CNAME" and kind != "CNAME"), None)
        return Answer(
            records=records,
            ttl_s=self.ttl_s,
            is_validated=name in self.validated,
            is_missing=not has,
            alias=None if records else alias,
            name=name,
        )


def resolver(
    *lines: str, clock: FakeClock | None = None, bounds: CacheBounds = NO_CACHE, **options: object
) -> CachingResolver:
    """Look-ups in a table; without a cache unless `bounds` say so."""
    source = FakeSource(*lines, **options)  # type: ignore[arg-type]
    return CachingResolver(source, clock=clock or FakeClock(), bounds=bounds)


__all__ = ["DnsFailure", "DomainNotFound", "FakeSource", "Mx", "resolver"]
