"""Who tries to get in and fails: counted by hour, door, network and name, for the operator.

Counting is a look into a dictionary, whoever is named (I9); sums are written every few seconds. However often and
under however many names somebody tries, an hour has at most `MOST_AN_HOUR` rows and one for the rest of each door.

INVARIANT: no secret is kept; a name that may be one is not.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from msgspec.structs import replace

from sesame.access.guesses import network_of
from sesame.access.periodic import write_every
from sesame.access.sign_in_names import without_secret
from sesame.db import Store, Transaction
from sesame.errors import Unavailable
from sesame.observe import Clock, Log
from sesame.store import failed_sign_ins
from sesame.store.failed_sign_ins import HOUR_S, OTHERS, Failed

MOST_AN_HOUR = 200
MOST_NAMES = 20
"""Names of one network at one door that have rows of their own in an hour."""
WRITE_EVERY_S = 5.0

Door = Literal["API", "SMTP", "console"]
Key = tuple[int, str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttled:
    """Who has to wait: the door, what is counted (a network, a user, an account), until when and since when.

    Times are Unix seconds; `since` is None where it is not known.
    """

    door: str
    what: str
    name: str
    until: float
    since: float | None


class FailedSignIns:
    """Counts failures; `run` writes them until cancelled, and once more then."""

    def __init__(self, store: Store, clock: Clock, log: Log) -> None:
        self._store = store
        self._clock = clock
        self._log = log
        self._new: dict[Key, Failed] = {}

    def note(self, door: Door, address: str, name: str, *, why: str, account_id: str = "") -> None:
        """Count a failure from `address` under `name`; `account_id` is whose the name is, `why` a word for it."""
        now = self._clock.now()
        one = Failed(
            hour=int(now // HOUR_S),
            door=door,
            network=network_of(address) or "unknown",
            name=_storable(name) or "—",
            account_id=account_id,
            why=why,
            failures=1,
            first_at=now,
            last_at=now,
        )
        if _key(one) not in self._new and len(self._new) >= MOST_AN_HOUR:
            one = _as_others(one)
        _count(self._new, one)

    async def of_hours(self, first: int, end: int) -> list[Failed]:
        """What failed in the hours from `first` up to `end`, what is not written yet included."""
        written = await self._store.read(lambda tx: failed_sign_ins.between(tx, first, end))
        return [*written, *(one for one in self._new.values() if first <= one.hour < end)]

    async def write(self) -> None:
        """Write what was counted since the last time; kept for the next when the store cannot be written."""
        if not self._new:
            return
        counted, self._new = self._new, {}

        async def run(tx: Transaction) -> None:
            hours = {one.hour for one in counted.values()}
            there = await failed_sign_ins.between(tx, min(hours), max(hours) + 1)
            await failed_sign_ins.add(tx, bounded([_key(one) for one in there], counted))

        try:
            await self._store.write(run)
        except Unavailable as error:
            for one in counted.values():
                _count(self._new, one)
            self._log.error("failed_log_ins_not_saved", reason=str(error))

    async def run(self) -> None:
        """Write every few seconds."""
        await write_every(WRITE_EVERY_S, self.write)


def bounded(there: Sequence[Key], counted: Mapping[Key, Failed]) -> Iterable[Failed]:
    """What to add to the rows `there` are, so that no hour gets too many."""
    keys = set(there)
    rows: dict[int, int] = {}
    names: dict[tuple[int, str, str], int] = {}

    def admit(key: Key) -> None:
        rows[key[0]] = rows.get(key[0], 0) + 1
        names[key[:3]] = names.get(key[:3], 0) + 1

    for key in keys:
        admit(key)
    found: dict[Key, Failed] = {}
    for key, one in counted.items():
        if key not in keys and OTHERS not in key:
            if rows.get(one.hour, 0) >= MOST_AN_HOUR:
                one = _as_others(one)
            elif names.get(key[:3], 0) >= MOST_NAMES:
                one = replace(one, name=OTHERS, account_id="")
            else:
                keys.add(key)
                admit(key)
        _count(found, one)
    return found.values()


def _storable(name: str) -> str:
    """A name as any database takes it."""
    return without_secret(name).encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")


def _as_others(one: Failed) -> Failed:
    return replace(one, network=OTHERS, name=OTHERS, account_id="")


def _key(one: Failed) -> Key:
    return one.hour, one.door, one.network, one.name


def _count(into: dict[Key, Failed], one: Failed) -> None:
    there = into.get(_key(one))
    if there is None:
        into[_key(one)] = one
        return
    into[_key(one)] = replace(
        one,
        failures=there.failures + one.failures,
        first_at=min(there.first_at, one.first_at),
        last_at=max(there.last_at, one.last_at),
    )
