"""From which address of ours an attempt goes: one of the pool of its message, or one that all share.

Which addresses a pool has, and how much may go from each in a day, is `access.egress`' to say; here it is kept at
hand for the accounts whose mail is under way, and counted. A recipient is tried from the same address again as far
as may be, for greylisting goes by it. Where the settings name no address the machine chooses.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence

import msgspec

from sesame.access import egress
from sesame.access.egress import (
    DEFAULT_POOL,
    RESERVED,
    SHARED_POOL,
    WarmupPlan,
    own_sources,
    shared_sources,
)
from sesame.db import Store, Transaction, epochs_of
from sesame.errors import SesameError
from sesame.model import SourceAddress
from sesame.observe import Clock, Log
from sesame.spool.spool import Claim
from sesame.store import egress as store
from sesame.store.egress import egress_scope

MAX_ENTRIES = 2_000
UNUSABLE_S = 60.0
"""How long an address that cannot be used is left alone."""

_Place = tuple[str, str]
"""Account and region."""


class NoSource(SesameError):
    """There is no address that the message may leave from to this host; nothing about the host."""


class Taken(msgspec.Struct, frozen=True):
    """An address that was chosen; None leaves it to the machine. `is_warming`: it counts towards its day."""

    source: SourceAddress | None = None
    is_warming: bool = False


class Sources:
    """Chooses addresses; `refresh` brings what accounts have said of theirs up to date before claims are tried."""

    def __init__(
        self,
        sources: Sequence[SourceAddress],
        database: Store,
        *,
        plan: WarmupPlan,
        clock: Clock,
        log: Log,
    ) -> None:
        self._sources = tuple(sources)
        self._shared = shared_sources(sources)
        self._store = database
        self._plan = plan
        self._clock = clock
        self._log = log
        self._known: OrderedDict[_Place, tuple[int, egress.Egress]] = OrderedDict()
        self._unusable: dict[SourceAddress, float] = {}
        self._day = -1
        self._sent: dict[str, int] = {}

    async def start(self) -> None:
        """Note since when accounts' addresses are there; their warm-up begins with it."""
        own = [source.address for source in self._sources if source.accounts]
        if own:
            at = self._clock.now()
            await self._store.write(lambda tx: store.note_seen(tx, own, at=at))

    async def refresh(self, claims: Iterable[Claim]) -> None:
        """Read what has changed for the accounts of these claims, as far as it matters to their mail."""
        places = dict.fromkeys((one.account_id, one.region) for one in claims if self._is_concerned(one))
        if not places:
            return
        now = self._clock.now()
        is_new_day = store.day_of(now) != self._day
        addresses = [source.address for source in self._sources if source.accounts]

        async def run(tx: Transaction) -> tuple[dict[_Place, tuple[int, egress.Egress]], dict[str, int]]:
            current = await epochs_of(tx, [egress_scope(*place) for place in places])
            loaded = {}
            for place in places:
                epoch = current.get(egress_scope(*place), 0)
                known = self._known.get(place)
                if known is None or known[0] != epoch:
                    own = own_sources(self._sources, place[0])
                    held = await store.held(tx, *place, [source.address for source in own])
                    loaded[place] = epoch, egress.Egress(sources=own, held=held, plan=self._plan)
            return loaded, await store.sent(tx, addresses, at=now) if is_new_day else {}

        is_short = not is_new_day and all(place in self._known for place in places)  # it looks at epochs
        loaded, sent = await self._store.read(run, is_short=is_short)
        self._known |= loaded
        while len(self._known) > MAX_ENTRIES:
            self._known.popitem(last=False)
        if is_new_day and self._day != store.day_of(now):  # another look may have been faster
            self._day, self._sent = store.day_of(now), sent

    async def take(self, claim: Claim, host_address: str) -> Taken:
        """An address to try the host from, its room for the day taken. Raises `NoSource`."""
        is_v6 = ":" in host_address
        pool, members = await self._members(claim)
        if not members:
            return Taken(self._pick(self._shared, claim, is_v6=is_v6))
        usable = [one for one in members if one.is_v6 is is_v6 and self._is_usable(one)]
        if not usable:
            family = "IPv6" if is_v6 else "IPv4"
            raise NoSource(f"pool `{pool}` has no {family} address that can be used")
        free = [
            one for one in usable if (most := members[one]) is None or self._sent.get(one.address, 0) < most
        ]
        chosen = self._pick(free, claim, is_v6=is_v6)
        if chosen is None:
            return Taken(self._pick(self._shared, claim, is_v6=is_v6))
        if members[chosen] is None:
            return Taken(chosen)
        self._sent[chosen.address] = self._sent.get(chosen.address, 0) + 1
        return Taken(chosen, is_warming=True)

    def give_back(self, taken: Taken) -> None:
        """Nothing went from it after all."""
        if taken.is_warming and taken.source is not None:
            self._sent[taken.source.address] = max(0, self._sent.get(taken.source.address, 0) - 1)

    def unusable(self, source: SourceAddress, reason: str) -> None:
        """This machine cannot send from it; it is left alone for a while."""
        self._unusable[source] = self._clock.monotonic() + UNUSABLE_S
        self._log.error("egress_address_unusable", address=source.bind, reason=reason)

    async def _members(self, claim: Claim) -> tuple[str, dict[SourceAddress, int | None]]:
        """The pool of a message, and its addresses with what may go from each today; none: from what all share."""
        if claim.pool == SHARED_POOL or not self._is_concerned(claim):
            return SHARED_POOL, {}
        place = claim.account_id, claim.region
        while place not in self._known:
            await self.refresh([claim])
        _, own = self._known[place]
        # The addresses of a pool that was deleted meanwhile are in the default one.
        pool = claim.pool if claim.pool in own.held.pools else DEFAULT_POOL
        members = own.members(pool)
        if not members and pool != DEFAULT_POOL:
            raise NoSource(f"pool `{pool}` has no address")
        now = self._clock.now()
        return pool, {source: own.daily_limit(source, now=now) for source in members}

    def _is_concerned(self, claim: Claim) -> bool:
        """Whether anything that its account has said matters: it has addresses, or named a pool."""
        return claim.pool not in ("", *RESERVED) or any(
            claim.account_id in source.accounts for source in self._sources
        )

    def _pick(self, among: Sequence[SourceAddress], claim: Claim, *, is_v6: bool) -> SourceAddress | None:
        """One of those that can be used, the same for a recipient each time."""
        usable = [source for source in among if source.is_v6 is is_v6 and self._is_usable(source)]
        return usable[claim.recipient_seq % len(usable)] if usable else None

    def _is_usable(self, source: SourceAddress) -> bool:
        return self._unusable.get(source, 0.0) <= self._clock.monotonic()
