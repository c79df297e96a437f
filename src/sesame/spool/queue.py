"""The queue along its lanes: which account has mail due for which destination.

A lane is an account and a destination. A sweep walks the index of lanes from where the last one stopped, one
descent a lane whatever waits in it, and tells when each is due first; it never looks at a message.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sesame.db import Transaction

HELD_AT = 9e15
"""When what is held is due, which is never."""

ACCOUNTS = 256
DESTINATIONS = 8
DESCENTS = 2_048
"""Of one sweep at most: accounts, destinations of each in one turn, descents in all; some ten milliseconds."""


class Lane(NamedTuple):
    """An account's mail for a destination."""

    account_id: str
    domain: str


class Ask(NamedTuple):
    """How many recipients to claim of a lane; `floor` is a time before which none of it was due."""

    lane: Lane
    floor: float
    most: int
    version: int = 0


@dataclass(frozen=True, slots=True)
class Position:
    """Where a sweep stopped: behind which account, and behind which destination of accounts that have more."""

    account_id: str = ""
    domains: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Swept:
    """Lanes with the time that each is due first, and where to go on; `is_whole` says that none was left out."""

    lanes: Sequence[tuple[Lane, float]]
    position: Position
    is_whole: bool


async def sweep(tx: Transaction, position: Position) -> Swept:
    """The next lanes behind `position`, of each account its share in turn."""
    accounts = await _accounts(tx, position.account_id)
    turns = deque((account, position.domains.get(account, "")) for account in accounts)
    found: list[tuple[Lane, float]] = []
    more = {account: domain for account, domain in position.domains.items() if account not in set(accounts)}
    descents = 0
    while turns:
        account, domain = turns.popleft()
        if descents >= DESCENTS:
            more[account] = domain
            continue
        for _ in range(DESTINATIONS):
            descents += 1
            row = await tx.one(
                "SELECT domain, due_at FROM queue WHERE account_id = ? AND domain > ?"
                " ORDER BY domain, due_at LIMIT 1",
                account,
                domain,
            )
            if row is None:
                break
            domain = row[0]
            if row[1] < HELD_AT:
                found.append((Lane(account, domain), float(row[1])))
        else:
            turns.append((account, domain))
    last = accounts[-1] if len(accounts) == ACCOUNTS else ""
    is_whole = not more and not position.domains and not position.account_id and not last
    return Swept(lanes=found, position=Position(account_id=last, domains=more), is_whole=is_whole)


async def _accounts(tx: Transaction, after: str) -> list[str]:
    """The next accounts that have anything queued."""
    found: list[str] = []
    while len(found) < ACCOUNTS:
        row = await tx.one(
            "SELECT account_id FROM queue WHERE account_id > ? ORDER BY account_id LIMIT 1",
            found[-1] if found else after,
        )
        if row is None:
            break
        found.append(row[0])
    return found


async def paused(tx: Transaction) -> frozenset[str]:
    """The destinations to which the operator lets nothing go."""
    return frozenset(row[0] for row in await tx.all("SELECT domain FROM queue_pause"))
