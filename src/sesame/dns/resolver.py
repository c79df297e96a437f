"""Look-ups over a source of answers: CNAMEs followed, answers kept for their time.

Positive answers are kept for their TTL within bounds, negative ones for a short time; what DNS could
not say is not kept at all. Sources: RFC 1034 section 3.6.2, RFC 2308, RFC 2181 section 5.2.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, replace

from sesame.dns.names import DomainNameError, ascii_name
from sesame.dns.port import Answer, DnsFailure, DomainNotFound, Mx, Source, read_mx
from sesame.observe import Clock

MAX_CNAMES = 8
"""How many CNAMEs are followed."""
RECORD_BYTES = 57
"""What a record takes in memory beside its text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheBounds:
    """How much is kept for how long; seconds. No entries: nothing is kept."""

    entries: int = 20_000
    answer_bytes: int = 8_192
    """Longer answers are not kept: who publishes 64 KB under each of thousands of names fills no memory with them."""
    min_ttl_s: float = 5.0
    """Also an answer of TTL 0 is kept that long, or a burst of mail would ask for each message."""
    max_ttl_s: float = 3600.0
    max_negative_s: float = 60.0
    """The resolvers behind us keep negative answers too; ours delay what owners publish no further."""


NO_CACHE = CacheBounds(entries=0)
KINDS = ("A", "AAAA", "CNAME", "MX", "TLSA", "TXT")
"""What is asked for."""


@dataclass(frozen=True, slots=True)
class _Kept:
    answer: Answer
    at: float
    until: float


class CachingResolver:
    """Implements `Resolver` over a `Source`. `clock` is asked for monotonic seconds."""

    def __init__(self, source: Source, *, clock: Clock, bounds: CacheBounds | None = None) -> None:
        self._source = source
        self._clock = clock
        self._bounds = CacheBounds() if bounds is None else bounds
        self._kept: OrderedDict[tuple[str, str], _Kept] = OrderedDict()

    async def look_up(self, name: str, kind: str) -> Answer:
        """The answer for a name and kind; its TTL is the shortest and its age the greatest of those that it rests on.

        It is validated only if each CNAME on the way is. Raises `DnsFailure`; also for a name that is
        none, which cannot exist either (`is_missing`).
        """
        try:
            asked = ascii_name(name)
        except DomainNameError:
            return Answer(is_missing=True, name=name)
        ttl_s, age_s, is_validated = float("inf"), 0.0, True
        for _ in range(MAX_CNAMES + 1):
            answer = await self._ask(asked, kind)
            ttl_s, age_s = min(ttl_s, answer.ttl_s), max(age_s, answer.age_s)
            is_validated = is_validated and answer.is_validated
            if answer.alias is None:
                name = answer.name or asked
                return replace(answer, ttl_s=ttl_s, age_s=age_s, is_validated=is_validated, name=name)
            asked = answer.alias
        raise DnsFailure(f"look-up of `{name}` follows more than {MAX_CNAMES} CNAMEs")

    async def mx(self, name: str) -> list[Mx]:
        """MX records, most preferred first."""
        return read_mx(await self._existing(name, "MX"))

    async def addresses(self, name: str) -> list[str]:
        """IPv4 addresses, then IPv6, as text."""
        v4 = await self._existing(name, "A")
        v6 = await self._existing(name, "AAAA")
        return [*v4.records, *v6.records]

    async def txt(self, name: str) -> list[str]:
        """TXT records, strings of one record joined."""
        return list((await self._existing(name, "TXT")).records)

    def forget(self, names: Iterable[str]) -> None:
        """Keep nothing of these names, nor of those that their CNAMEs lead to; what is no name is passed over."""
        waiting = [one for name in names if (one := _asked_as(name)) is not None]
        while waiting:
            name = waiting.pop()
            found = [self._kept.pop((name, kind), None) for kind in KINDS]
            waiting += [one.answer.alias for one in found if one is not None and one.answer.alias is not None]

    async def _existing(self, name: str, kind: str) -> Answer:
        answer = await self.look_up(name, kind)
        if answer.is_missing:
            raise DomainNotFound(f"domain `{name}` does not exist")
        return answer

    async def _ask(self, name: str, kind: str) -> Answer:
        key, now = (name, kind), self._clock.monotonic()
        kept = self._kept.get(key)
        if kept is not None and now < kept.until:
            self._kept.move_to_end(key)
            return replace(kept.answer, ttl_s=kept.until - now, age_s=now - kept.at)
        answer = await self._source.ask(name, kind)
        if self._bounds.entries:
            self._keep(key, answer)
        return answer

    def _keep(self, key: tuple[str, str], answer: Answer) -> None:
        bounds = self._bounds
        if sum(map(len, answer.records)) + RECORD_BYTES * len(answer.records) > bounds.answer_bytes:
            self._kept.pop(key, None)
            return
        is_negative = not answer.records and answer.alias is None
        longest = bounds.max_negative_s if is_negative else bounds.max_ttl_s
        ttl_s = min(max(answer.ttl_s, bounds.min_ttl_s), longest)
        now = self._clock.monotonic()
        self._kept[key] = _Kept(answer, now, now + ttl_s)
        self._kept.move_to_end(key)
        while len(self._kept) > bounds.entries:
            self._kept.popitem(last=False)


def _asked_as(name: str) -> str | None:
    try:
        return ascii_name(name)
    except DomainNameError:
        return None
