"""Which addresses an account's mail may leave from, and how much may go from each in a day.

Pure rules over what the settings and the store say. As SES has it: an address of an account's own is in one of its
pools or in the default one; a message goes from the pool of its configuration set, or else the default one, or
else from the addresses that all share. An address is warmed up: what may go from it in a day grows for 45 days, and
what is over goes from the shared ones. Source: SES developer guide, "Dedicated IP addresses", "Assigning IP pools".
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sesame.model import SourceAddress
from sesame.store.egress import DAY_S, Assignment, Held

DEFAULT_POOL = "ses-default-dedicated-pool"
SHARED_POOL = "ses-shared-pool"
RESERVED = frozenset({DEFAULT_POOL, SHARED_POOL})
MANAGED = "MANAGED"
WARM = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmupPlan:
    """How an address is warmed up: for how many days, and how many messages go at its beginning and its end."""

    days: float = 45.0
    first: int = 50
    last: int = 50_000

    def percentage(self, start: float, since: float | None, now: float) -> float:
        """How far an address is, that was at `start` per cent at `since` (Unix seconds; None: it stays there)."""
        grown = 0.0 if since is None else max(0.0, now - since) / (self.days * DAY_S) * WARM
        return min(WARM, start + grown)

    def daily_limit(self, percentage: float) -> int | None:
        """How many messages may go in a day; None: any number. It grows by the same factor each day."""
        if percentage >= WARM:
            return None
        return int(self.first * (self.last / self.first) ** (percentage / WARM))


@dataclass(frozen=True, slots=True, kw_only=True)
class Egress:
    """The addresses of one account in a region, as of some time: what it has said of each, and its pools."""

    sources: Sequence[SourceAddress]
    held: Held
    plan: WarmupPlan

    def pool_of(self, address: str) -> str:
        """The pool that an address is in."""
        return self._said(address).pool or DEFAULT_POOL

    def members(self, pool: str) -> list[SourceAddress]:
        """The addresses of a pool; one that the service fills has those that are in no other."""
        if self.held.pools.get(pool) == MANAGED:
            pool = DEFAULT_POOL
        return [source for source in self.sources if self.pool_of(source.address) == pool]

    def percentage(self, source: SourceAddress, *, now: float) -> float:
        """How far an address is warmed up."""
        said = self._said(source.address)
        if said.percentage is not None:
            return self.plan.percentage(said.percentage, said.since, now)
        if source.is_warm:
            return WARM
        return self.plan.percentage(0.0, self.held.seen_at.get(source.address, now), now)

    def daily_limit(self, source: SourceAddress, *, now: float) -> int | None:
        """How many messages may go from an address today; None: any number, as where warm-up is switched off."""
        if not self.held.is_auto_warmup:
            return None
        return self.plan.daily_limit(self.percentage(source, now=now))

    def _said(self, address: str) -> Assignment:
        return self.held.assignments.get(address, Assignment())


def own_sources(sources: Sequence[SourceAddress], account_id: str) -> list[SourceAddress]:
    """The addresses that an account has for itself."""
    return [source for source in sources if account_id in source.accounts]


def shared_sources(sources: Sequence[SourceAddress]) -> list[SourceAddress]:
    """The addresses that all share."""
    return [source for source in sources if not source.accounts]
