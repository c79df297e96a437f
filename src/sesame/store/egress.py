"""Addresses that mail leaves from: accounts' pools, what is in them, warm-up, and what went from each in a day.

Which addresses there are the settings say. Every change counts under a scope of its own, by which delivery sees it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sesame.db import Transaction, bump
from sesame.store import tags

DAY_S = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """What an account has said of an address: its pool, empty for none, and how far its warm-up was since when."""

    pool: str = ""
    percentage: float | None = None
    """None: as far as the address is by itself."""
    since: float | None = None
    """Unix seconds; None: it does not grow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """An account's pools in a region by name with their scaling mode, and what it has said of its addresses."""

    pools: Mapping[str, str] = field(default_factory=dict)
    assignments: Mapping[str, Assignment] = field(default_factory=dict)
    is_auto_warmup: bool = True
    seen_at: Mapping[str, float] = field(default_factory=dict)
    """When addresses were first there."""


def egress_scope(account_id: str, region: str) -> str:
    """Epoch scope of an account's pools and of what is in them."""
    return f"egress:{account_id}:{region}"


def pool_arn(region: str, account_id: str, name: str) -> str:
    """The ARN of a pool."""
    return f"arn:aws:ses:{region}:{account_id}:dedicated-ip-pool/{name}"


async def held(tx: Transaction, account_id: str, region: str, addresses: Sequence[str]) -> Held:
    """All that an account has said about these addresses of its own."""
    pools = await tx.all(
        "SELECT name, scaling_mode FROM egress_pool WHERE account_id = ? AND region = ? ORDER BY name",
        account_id,
        region,
    )
    said = await tx.all(
        "SELECT address, pool, percentage, since FROM egress_assignment WHERE account_id = ? AND region = ?",
        account_id,
        region,
    )
    auto = await tx.one(
        "SELECT auto_warmup FROM egress_account WHERE account_id = ? AND region = ?", account_id, region
    )
    seen = (
        await tx.all("SELECT address, seen_at FROM egress_address WHERE address IN (?*)", list(addresses))
        if addresses
        else []
    )
    return Held(
        pools=dict(pools),
        assignments={row[0]: Assignment(pool=row[1], percentage=row[2], since=row[3]) for row in said},
        is_auto_warmup=auto is None or bool(auto[0]),
        seen_at=dict(seen),
    )


async def note_seen(tx: Transaction, addresses: Sequence[str], *, at: float) -> None:
    """Remember since when addresses are there; those that are known keep their time."""
    await tx.many(
        "INSERT INTO egress_address (address, seen_at) VALUES (?, ?) ON CONFLICT (address) DO NOTHING",
        [(address, at) for address in addresses],
    )


async def scaling_mode(tx: Transaction, account_id: str, region: str, name: str) -> str | None:
    """The scaling mode of a pool, None where there is no such pool."""
    row = await tx.one(
        "SELECT scaling_mode FROM egress_pool WHERE account_id = ? AND region = ? AND name = ?",
        account_id,
        region,
        name,
    )
    return None if row is None else str(row[0])


async def has_pool(tx: Transaction, account_id: str, region: str, name: str) -> bool:
    """Whether an account has a pool of that name in a region."""
    return await scaling_mode(tx, account_id, region, name) is not None


async def pool_names(tx: Transaction, account_id: str, region: str) -> list[str]:
    """The names of an account's pools, in order."""
    rows = await tx.all(
        "SELECT name FROM egress_pool WHERE account_id = ? AND region = ? ORDER BY name", account_id, region
    )
    return [str(row[0]) for row in rows]


async def put_pool(
    tx: Transaction, account_id: str, region: str, name: str, *, scaling_mode: str, at: float
) -> None:
    """Make a pool, or give it another scaling mode; one that the service fills has nothing put into it."""
    await tx.execute(
        "INSERT INTO egress_pool (account_id, region, name, scaling_mode, created_at) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (account_id, region, name) DO UPDATE SET scaling_mode = excluded.scaling_mode",
        account_id,
        region,
        name,
        scaling_mode,
        at,
    )
    if scaling_mode != "STANDARD":
        await _empty(tx, account_id, region, name)
    await bump(tx, egress_scope(account_id, region))


async def delete_pool(tx: Transaction, account_id: str, region: str, name: str) -> None:
    """Remove a pool with its tags; its addresses are in none then."""
    await tags.remove_all(tx, pool_arn(region, account_id, name))
    await _empty(tx, account_id, region, name)
    await tx.execute(
        "DELETE FROM egress_pool WHERE account_id = ? AND region = ? AND name = ?", account_id, region, name
    )
    await bump(tx, egress_scope(account_id, region))


async def _empty(tx: Transaction, account_id: str, region: str, name: str) -> None:
    await tx.execute(
        "UPDATE egress_assignment SET pool = '' WHERE account_id = ? AND region = ? AND pool = ?",
        account_id,
        region,
        name,
    )


async def assign(tx: Transaction, account_id: str, region: str, address: str, *, pool: str) -> None:
    """Put an address into a pool, or into none by an empty name; its warm-up goes on."""
    await tx.execute(
        "INSERT INTO egress_assignment (account_id, region, address, pool) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (account_id, region, address) DO UPDATE SET pool = excluded.pool",
        account_id,
        region,
        address,
        pool,
    )
    await bump(tx, egress_scope(account_id, region))


async def set_percentage(
    tx: Transaction, account_id: str, region: str, address: str, *, percentage: float, since: float | None
) -> None:
    """How far an address is warmed up, and since when that grows."""
    await tx.execute(
        "INSERT INTO egress_assignment (account_id, region, address, percentage, since) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (account_id, region, address)"
        " DO UPDATE SET percentage = excluded.percentage, since = excluded.since",
        account_id,
        region,
        address,
        percentage,
        since,
    )
    await bump(tx, egress_scope(account_id, region))


async def set_auto_warmup(tx: Transaction, account_id: str, region: str, *, is_on: bool) -> None:
    """Whether an account's addresses are warmed up by themselves."""
    await tx.execute(
        "INSERT INTO egress_account (account_id, region, auto_warmup) VALUES (?, ?, ?)"
        " ON CONFLICT (account_id, region) DO UPDATE SET auto_warmup = excluded.auto_warmup",
        account_id,
        region,
        int(is_on),
    )
    await bump(tx, egress_scope(account_id, region))


async def is_auto_warmup(tx: Transaction, account_id: str, region: str) -> bool:
    """Whether an account's addresses are warmed up by themselves, as they are unless it was switched off."""
    row = await tx.one(
        "SELECT auto_warmup FROM egress_account WHERE account_id = ? AND region = ?", account_id, region
    )
    return row is None or bool(row[0])


def day_of(at: float) -> int:
    """The day of a time, since 1970, UTC."""
    return int(at // DAY_S)


async def count(tx: Transaction, addresses: Mapping[str, int], *, at: float) -> None:
    """Count what went from addresses that are being warmed up."""
    await tx.many(
        "INSERT INTO egress_day (address, day, sent) VALUES (?, ?, ?)"
        " ON CONFLICT (address, day) DO UPDATE SET sent = egress_day.sent + excluded.sent",
        [(address, day_of(at), sent) for address, sent in addresses.items()],
    )


async def sent(tx: Transaction, addresses: Sequence[str], *, at: float) -> dict[str, int]:
    """What went from addresses on the day of a time."""
    if not addresses:
        return {}
    rows = await tx.all(
        "SELECT address, sent FROM egress_day WHERE day = ? AND address IN (?*)", day_of(at), list(addresses)
    )
    return dict(rows)


async def forget_before(tx: Transaction, *, at: float) -> int:
    """Drop the counts of days before that of a time."""
    return await tx.execute("DELETE FROM egress_day WHERE day < ?", day_of(at))
