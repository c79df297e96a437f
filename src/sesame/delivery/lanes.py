"""Which mail goes next: lanes in round robin, and how many places each destination, address and account may have.

A lane is an account's mail for a destination. Accounts take turns, and the destinations of an account among
themselves; what may not be tried now is parked until that changes, so that choosing costs the same however much
waits. Pure: no clock, no database; `now` is delivery's clock.

Of the places, a destination has at most its limit, which is small at first, grows as it is good and shrinks
as it fails; an account at most `share` times what is free, which leaves room for the next one however many there are;
destinations that are new, slow or failing have three quarters together, so that the rest is left for those that work.
A destination that failed several rounds is closed for a while, then probed.

An attempt has its place at an address from its beginning where it is known where it will go, so that of many that are
claimed at once none is begun to find the address full.
"""

import heapq
from collections import OrderedDict, deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from sesame.spool.queue import Ask, Lane

FEW = 4
"""Of one lane in one claim, where many wait."""
AT_ONCE = 64
"""Recipients in one claim."""
FIRST_LIMIT = 2
"""Attempts under way at once to a destination of which nothing is known."""
CLOSE_AFTER = 3
"""Rounds of failures until a destination is closed for a while."""
LONGEST_CLOSED_S = 300.0
LAPSE_S = 1.0
"""So long an attempt keeps a place at an address to which it has not come yet."""
UNTRIED = ""
"""What destinations wait for while those that are new or fail have all the places that they may have together."""
MAX_KNOWN = 50_000
"""Lanes with later mail, and destinations, that are remembered, of those that fail twice as many; a sweep finds the
others."""
LOOK = 4
"""Destinations that are looked at for one that may be forgotten."""


class Verdict(Enum):
    """What an attempt said about its destination."""

    GOOD = "good"
    BAD = "bad"
    """Nobody was there to talk to."""
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How many attempts may be under way at once."""

    places: int
    per_domain: int
    per_address: int
    share: float = 2.0
    """An account has at most this times the free places."""
    first_closed_s: float = 7.5
    """How long a failing destination is closed the first time; it doubles."""
    weights: Mapping[str, int] = field(default_factory=dict)
    """Lanes that an account has in its turn, 1 if it is not named."""


@dataclass(slots=True)
class _Destination:
    limit: int
    active: int = 0
    failures: int = 0
    failed_at: float = float("-inf")
    closed_until: float = float("-inf")
    is_proven: bool = False
    addresses: tuple[str, ...] = ()
    said: str = ""


class Place:
    """What an attempt has: one of all places, and one at an address, or at none while it is not there.

    Made by `Lanes.began`, over with `Lanes.ended`.
    """

    __slots__ = ("_lanes", "address", "began_at", "is_there", "lane")

    def __init__(self, lanes: "Lanes", lane: Lane, began_at: float) -> None:
        self._lanes = lanes
        self.is_there = False
        """Whether it has come to the address."""
        self.lane = lane
        self.began_at = began_at
        self.address: str | None = None

    def routed(self, addresses: Sequence[str]) -> None:
        """Where mail for its domain goes now, nowhere if nobody can say; it leaves what is none of them."""
        self._lanes.routed(self.lane.domain, addresses)
        if self.address not in addresses:
            self.leave()

    def enter(self, address: str) -> bool:
        """Go to an address, from any other; False when that has no place left."""
        if address != self.address:
            if not self._lanes.take(address):
                return False
            self.leave()
            self.address = address
        self.is_there = True
        return True

    def leave(self) -> None:
        """Give the place at the address back, if there is one."""
        if self.address is not None:
            self._lanes.give_back(self.address)
        self.address, self.is_there = None, False


class Lanes:
    """The list of lanes with due mail, and what is under way."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._ready: OrderedDict[str, OrderedDict[str, tuple[float, int]]] = OrderedDict()
        self._parked: dict[str, dict[str, tuple[float, int]]] = {}
        self._waiting_for: dict[str, OrderedDict[str, None]] = {}
        """Destinations, by the address or by what else they wait for."""
        self._later: list[tuple[float, Lane]] = []
        self._due: dict[Lane, float] = {}
        self._reopenings: list[tuple[float, str]] = []
        self._destinations: OrderedDict[str, _Destination] = OrderedDict()
        self._accounts: dict[str, int] = {}
        self._addresses: dict[str, int] = {}
        self._coming: deque[Place] = deque()
        """Attempts with a place at an address, until they come there or it lapses; the oldest first."""
        self._paused: frozenset[str] = frozenset()
        self._version = 0
        self._active = 0
        self._troubled = 0

    @property
    def free(self) -> int:
        """Places that nobody has."""
        return self._limits.places - self._active

    def offer(self, lane: Lane, due_at: float, *, now: float) -> None:
        """The lane has mail that is due at `due_at`, the first of it."""
        if due_at > now:
            if due_at < self._due.get(lane, float("inf")) and len(self._later) < MAX_KNOWN:
                self._due[lane] = due_at
                heapq.heappush(self._later, (due_at, lane))
            return
        self._version += 1
        parked = self._parked.get(lane.domain)
        if parked is not None:
            floor, _ = parked.get(lane.account_id, (due_at, 0))
            parked[lane.account_id] = min(floor, due_at), self._version
            return
        domains = self._ready.setdefault(lane.account_id, OrderedDict())
        floor, _ = domains.get(lane.domain, (due_at, 0))
        domains[lane.domain] = min(floor, due_at), self._version

    def choose(self, *, now: float) -> list[Ask]:
        """What to claim now, in turn; nothing is promised to it until it has `began`."""
        self._wake(now)
        planned = _Planned()
        idle = 0
        while self._ready and idle < len(self._ready) and planned.total < min(self.free, AT_ONCE):
            account_id, domains = next(iter(self._ready.items()))
            self._ready.move_to_end(account_id)
            asked = [
                ask
                for _ in range(self._limits.weights.get(account_id, 1))
                if (ask := self._ask(account_id, domains, planned, now)) is not None
            ]
            if not domains:
                del self._ready[account_id]
                continue
            idle = 0 if asked else idle + 1
        return planned.asks

    def took(self, ask: Ask, count: int) -> None:
        """A claim gave `count` of what was asked; less than that, and the lane is empty."""
        if count >= ask.most:
            return
        for lanes, outer, inner in (
            (self._ready, ask.lane.account_id, ask.lane.domain),
            (self._parked, ask.lane.domain, ask.lane.account_id),
        ):
            found = lanes.get(outer)
            if found is not None and found.get(inner, (0.0, -1))[1] == ask.version:
                del found[inner]
                if not found:
                    del lanes[outer]

    def began(self, lane: Lane, *, now: float) -> Place:
        """An attempt is under way; it has a place at the first address that has one of those known of its domain."""
        destination = self._destination(lane.domain)
        destination.active += 1
        self._active += 1
        self._troubled += not destination.is_proven
        self._accounts[lane.account_id] = self._accounts.get(lane.account_id, 0) + 1
        place = Place(self, lane, now)
        place.address = next(filter(self.take, destination.addresses), None)
        if place.address is not None:
            self._coming.append(place)
        return place

    def ended(self, place: Place, verdict: Verdict, *, now: float, said: str = "") -> None:
        """It is over. `said` is why nobody was there."""
        place.leave()
        lane = place.lane
        destination = self._destination(lane.domain)
        destination.active -= 1
        self._active -= 1
        self._troubled -= not destination.is_proven
        self._accounts[lane.account_id] -= 1
        if not self._accounts[lane.account_id]:
            del self._accounts[lane.account_id]
        if verdict is Verdict.GOOD:
            destination.failures, destination.closed_until = 0, float("-inf")
            destination.limit = min(self._limits.per_domain, destination.limit + 1)
            self._prove(destination, is_proven=True)
        elif verdict is Verdict.BAD and place.began_at > destination.failed_at:
            self._fail(lane.domain, destination, said, now)
        self._unpark(lane.domain)

    def slow(self, lane: Lane) -> None:
        """An attempt takes long: its destination counts among those that may."""
        self._prove(self._destination(lane.domain), is_proven=False)

    def routed(self, domain: str, addresses: Sequence[str]) -> None:
        """Where mail for the domain goes now."""
        destination, found = self._destination(domain), tuple(dict.fromkeys(addresses))
        if found != destination.addresses:
            destination.addresses = found
            self._unpark(domain)  # it may wait where nothing of it goes any more

    def take(self, address: str) -> bool:
        """Take a place at an address; False when it has none left."""
        if self._room_at(address) <= 0:
            return False
        self._addresses[address] = self._addresses.get(address, 0) + 1
        return True

    def give_back(self, address: str) -> None:
        """Give a place at an address back; who waits for one may be chosen next."""
        self._addresses[address] -= 1
        if not self._addresses[address]:
            del self._addresses[address]

    def pause(self, domains: Collection[str]) -> None:
        """The destinations to which nothing goes, by the operator's wish."""
        resumed = self._paused - frozenset(domains)
        self._paused = frozenset(domains)
        for domain in resumed:
            self._unpark(domain)

    def next_at(self) -> float | None:
        """When something changes by itself: mail is due, a destination opens again, or a place lapses."""
        times = [heap[0][0] for heap in (self._later, self._reopenings) if heap]
        if self._coming and self._waiting_for:
            times.append(self._coming[0].began_at + LAPSE_S)
        return min(times, default=None)

    def closed(self) -> dict[str, str]:
        """What keeps from going to the destinations that fail."""
        return {domain: one.said for domain, one in self._destinations.items() if one.failures >= CLOSE_AFTER}

    def _ask(
        self, account_id: str, domains: "OrderedDict[str, tuple[float, int]]", planned: "_Planned", now: float
    ) -> Ask | None:
        """The next lane of an account that may have places; those that may not are parked."""
        if self._for_account(account_id, planned) <= 0:
            return None
        for _ in range(min(len(domains), AT_ONCE)):
            domain, (floor, version) = next(iter(domains.items()))
            lane = Lane(account_id, domain)
            if lane in planned.lanes:
                domains.move_to_end(domain)
                continue
            if self._is_shut(domain, planned, now):
                self._parked.setdefault(domain, {})[account_id] = domains.pop(domain)
                continue
            domains.move_to_end(domain)
            count = min(self._room(lane, planned), FEW if len(self._ready) + len(domains) > FEW else AT_ONCE)
            if count > 0:
                ask = Ask(lane, floor, count, version)
                self._plan(ask, planned)
                return ask
        return None

    def _is_shut(self, domain: str, planned: "_Planned", now: float) -> bool:
        """Whether no account may have a place there until something happens."""
        destination = self._destination(domain)
        if domain in self._paused or destination.active >= destination.limit:
            return True
        if now < destination.closed_until:
            return True
        # Not what is planned: if that is not taken after all, this one has its turn.
        if destination.addresses and self._at_addresses(destination, _Planned()) <= 0:
            self._wait(domain, destination.addresses)
            return True
        if not destination.is_proven and self._troubled + planned.troubled >= self._most_troubled:
            self._wait(domain, (UNTRIED,))
            return True
        return False

    def _wait(self, domain: str, addresses: Sequence[str]) -> None:
        """Have it looked at again when there is room at one of them."""
        for address in addresses:
            self._waiting_for.setdefault(address, OrderedDict())[domain] = None

    @property
    def _most_troubled(self) -> int:
        return max(1, self._limits.places * 3 // 4)

    def _for_account(self, account_id: str, planned: "_Planned", *, is_proven: bool = True) -> int:
        """How many more an account may have: `active + x = share * (free - x)`.

        Free is counted among the places that may be had: of destinations that are not proven three quarters.
        """
        share, free = self._limits.share, self.free - planned.total
        if not is_proven:
            free = min(free, self._most_troubled - self._troubled - planned.troubled)
        active = self._accounts.get(account_id, 0) + planned.accounts.get(account_id, 0)
        room = int((share * free - active) / (1 + share))
        return min(free, room if active else max(1, room))

    def _room(self, lane: Lane, planned: "_Planned") -> int:
        destination = self._destination(lane.domain)
        room = destination.limit - destination.active - planned.domains.get(lane.domain, 0)
        if destination.addresses:
            room = min(room, self._at_addresses(destination, planned))
        return min(self._for_account(lane.account_id, planned, is_proven=destination.is_proven), room)

    def _at_addresses(self, destination: _Destination, planned: "_Planned") -> int:
        """Places that the addresses of a destination have left."""
        return sum(
            self._room_at(address) - planned.addresses.get(address, 0) for address in destination.addresses
        )

    def _room_at(self, address: str) -> int:
        """Places that nobody has at an address, or of those that are for destinations that are not proven."""
        if address == UNTRIED:
            return self._most_troubled - self._troubled
        return self._limits.per_address - self._addresses.get(address, 0)

    def _plan(self, ask: Ask, planned: "_Planned") -> None:
        """Count what is asked for, its addresses in the order in which places will be taken there."""
        destination = self._destination(ask.lane.domain)
        planned.add(ask, is_proven=destination.is_proven)
        left = ask.most
        for address in destination.addresses:
            taken = planned.addresses.get(address, 0)
            some = min(left, self._room_at(address) - taken)
            planned.addresses[address] = taken + some
            left -= some

    def _fail(self, domain: str, destination: _Destination, said: str, now: float) -> None:
        destination.failures += 1
        destination.failed_at = now
        destination.said = said
        destination.limit = max(min(FIRST_LIMIT, self._limits.per_domain), destination.limit // 2)
        self._prove(destination, is_proven=False)
        if destination.failures >= CLOSE_AFTER:
            doubled = self._limits.first_closed_s * 2.0 ** min(destination.failures - CLOSE_AFTER, 16)
            destination.closed_until = now + min(doubled, LONGEST_CLOSED_S)
            heapq.heappush(self._reopenings, (destination.closed_until, domain))

    def _prove(self, destination: _Destination, *, is_proven: bool) -> None:
        if destination.is_proven is not is_proven:
            self._troubled += -destination.active if is_proven else destination.active
            destination.is_proven = is_proven

    def _wake(self, now: float) -> None:
        """Put among the ready ones what is due, and what may be tried again."""
        while self._later and self._later[0][0] <= now:
            due_at, lane = heapq.heappop(self._later)
            if self._due.get(lane) == due_at:
                del self._due[lane]
                self.offer(lane, due_at, now=now)
        while self._reopenings and self._reopenings[0][0] <= now:
            self._unpark(heapq.heappop(self._reopenings)[1])
        self._lapse(now)
        for address, waiting in list(self._waiting_for.items()):
            room = self._room_at(address)
            while waiting and room > 0:
                room -= self._unpark(waiting.popitem(last=False)[0])
            if not waiting:
                del self._waiting_for[address]

    def _lapse(self, now: float) -> None:
        """Let others go where attempts that began long ago have not come: they may wait for a name server."""
        while self._coming:
            place = self._coming[0]
            if not place.is_there and place.address is not None:
                if now < place.began_at + LAPSE_S:
                    break
                place.leave()
            self._coming.popleft()

    def _unpark(self, domain: str) -> bool:
        """Put its lanes among the ready ones; False when there were none."""
        parked = self._parked.pop(domain, {})
        for account_id, found in parked.items():
            self._ready.setdefault(account_id, OrderedDict())[domain] = found
        return bool(parked)

    def _destination(self, domain: str) -> _Destination:
        found = self._destinations.get(domain)
        if found is None:
            found = _Destination(min(FIRST_LIMIT, self._limits.per_domain))
            self._destinations[domain] = found
            for _ in range(LOOK):  # one may have to stay, so that more than one must be able to go
                if len(self._destinations) <= MAX_KNOWN:
                    break
                self._forget_oldest()
        return found

    def _forget_oldest(self) -> None:
        oldest, forgotten = next(iter(self._destinations.items()))
        self._destinations.move_to_end(oldest)
        is_too_much = len(self._destinations) > 2 * MAX_KNOWN
        if not forgotten.active and (is_too_much or not forgotten.failures):
            del self._destinations[oldest]


class _Planned:
    """What one choice has given away already."""

    def __init__(self) -> None:
        self.asks: list[Ask] = []
        self.lanes: set[Lane] = set()
        self.total = 0
        self.troubled = 0
        self.accounts: dict[str, int] = {}
        self.addresses: dict[str, int] = {}
        self.domains: dict[str, int] = {}

    def add(self, ask: Ask, *, is_proven: bool) -> None:
        lane = ask.lane
        self.asks.append(ask)
        self.lanes.add(lane)
        self.total += ask.most
        self.troubled += 0 if is_proven else ask.most
        self.accounts[lane.account_id] = self.accounts.get(lane.account_id, 0) + ask.most
        self.domains[lane.domain] = self.domains.get(lane.domain, 0) + ask.most
