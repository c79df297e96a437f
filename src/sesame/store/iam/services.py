"""Services that send on behalf of accounts, and their keys.

A service has no account, so it has an epoch scope of its own (I4). Secrets come and go sealed.
"""

from dataclasses import dataclass

from sesame.db import Transaction, bump
from sesame.db.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service principal; `keys` are the ids of its access keys, oldest first."""

    service_name: str
    created_at: float
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceKey:
    """One access key of a service."""

    access_key_id: str
    service_name: str
    sealed_secret: bytes
    created_at: float


_KEYS = Table("service_key", ServiceKey, key="access_key_id")


def service_scope(service_name: str) -> str:
    """Epoch scope of a service and its keys."""
    return f"service:{service_name}"


async def create(tx: Transaction, service_name: str, *, created_at: float) -> None:
    """Store a new service; the name must be free."""
    await tx.execute("INSERT INTO service (service_name, created_at) VALUES (?, ?)", service_name, created_at)
    await bump(tx, service_scope(service_name))


async def get(tx: Transaction, service_name: str) -> Service | None:
    """The service of that name, or None."""
    row = await tx.one("SELECT created_at FROM service WHERE service_name = ?", service_name)
    if row is None:
        return None
    keys = await tx.all(
        "SELECT access_key_id FROM service_key WHERE service_name = ? ORDER BY created_at, access_key_id",
        service_name,
    )
    return Service(service_name=service_name, created_at=row[0], keys=tuple(key[0] for key in keys))


async def list_services(tx: Transaction) -> list[Service]:
    """Every service by name."""
    rows = await tx.all("SELECT service_name FROM service ORDER BY service_name")
    found = [await get(tx, row[0]) for row in rows]
    return [service for service in found if service is not None]


async def page(tx: Transaction, after: str, *, limit: int) -> list[Service]:
    """The next services by name behind `after`, at most `limit`."""
    rows = await tx.all(
        "SELECT service_name, created_at FROM service WHERE service_name > ? ORDER BY service_name LIMIT ?",
        after,
        limit,
    )
    if not rows:
        return []
    keys: dict[str, list[str]] = {}
    for service_name, key in await tx.all(
        "SELECT service_name, access_key_id FROM service_key WHERE service_name IN (?*)"
        " ORDER BY created_at, access_key_id",
        [row[0] for row in rows],
    ):
        keys.setdefault(service_name, []).append(key)
    return [Service(service_name=row[0], created_at=row[1], keys=tuple(keys.get(row[0], ()))) for row in rows]


async def delete(tx: Transaction, service_name: str) -> None:
    """Remove a service with its keys."""
    await tx.execute("DELETE FROM service_key WHERE service_name = ?", service_name)
    await tx.execute("DELETE FROM service WHERE service_name = ?", service_name)
    await bump(tx, service_scope(service_name))


async def create_key(tx: Transaction, key: ServiceKey) -> None:
    """Store a new access key."""
    await _KEYS.create(tx, key)
    await bump(tx, service_scope(key.service_name))


async def get_key(tx: Transaction, access_key_id: str) -> ServiceKey | None:
    """The access key, or None."""
    return await _KEYS.get(tx, access_key_id)


async def delete_key(tx: Transaction, service_name: str, access_key_id: str) -> bool:
    """Remove an access key of a service; whether there was one."""
    count = await tx.execute(
        "DELETE FROM service_key WHERE service_name = ? AND access_key_id = ?", service_name, access_key_id
    )
    await bump(tx, service_scope(service_name))
    return count > 0
