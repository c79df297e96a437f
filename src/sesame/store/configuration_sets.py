"""Configuration sets and their event destinations.

Options are kept as JSON in the words of the SES API v2, whichever API set them. A send reads its set in the
accept transaction, so there is no epoch to bump (I4).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sesame.db import Row, Transaction, bump, identities_scope
from sesame.model import Identity
from sesame.store import tags

MAX_DESTINATIONS = 10
"""Event destinations of a set (SES quota)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationSet:
    """One set; `options` has DeliveryOptions, TrackingOptions, … as the v2 API writes them."""

    account_id: str
    region: str
    name: str
    sending_enabled: bool = True
    options: Mapping[str, Any] = field(default_factory=dict)
    created_at: float = 0.0

    @property
    def key(self) -> tuple[str, str, str]:
        """Account, region and name."""
        return self.account_id, self.region, self.name

    @property
    def arn(self) -> str:
        """`arn:aws:ses:region:account:configuration-set/name`."""
        return configuration_set_arn(self.region, self.account_id, self.name)

    @property
    def requires_tls(self) -> bool:
        """Whether its mail may not go in clear."""
        return bool(self.options.get("DeliveryOptions", {}).get("TlsPolicy") == "REQUIRE")

    @property
    def max_delivery_s(self) -> int | None:
        """How long its mail is tried, in seconds; None: as long as any."""
        found: int | None = self.options.get("DeliveryOptions", {}).get("MaxDeliverySeconds")
        return found

    @property
    def sending_pool(self) -> str | None:
        """The pool of addresses that its mail goes from; None: the account's default."""
        found: str | None = self.options.get("DeliveryOptions", {}).get("SendingPoolName")
        return found

    @property
    def suppressed_reasons(self) -> tuple[str, ...] | None:
        """Reasons in place of the account's; empty: nobody is suppressed; None: the account's."""
        found = self.options.get("SuppressionOptions", {}).get("SuppressedReasons")
        return None if found is None else tuple(found)


def configuration_set_arn(region: str, account_id: str, name: str) -> str:
    """The ARN of a configuration set."""
    return f"arn:aws:ses:{region}:{account_id}:configuration-set/{name}"


_SET = "SELECT account_id, region, name, sending_enabled, options, created_at FROM configuration_set"


def _set(row: Row) -> ConfigurationSet:
    return ConfigurationSet(
        account_id=row[0],
        region=row[1],
        name=row[2],
        sending_enabled=bool(row[3]),
        options=json.loads(row[4]),
        created_at=row[5],
    )


async def get(tx: Transaction, account_id: str, region: str, name: str) -> ConfigurationSet | None:
    """A set, or None."""
    row = await tx.one(f"{_SET} WHERE account_id = ? AND region = ? AND name = ?", account_id, region, name)
    return None if row is None else _set(row)


async def put(tx: Transaction, found: ConfigurationSet) -> None:
    """Store a set, new or changed."""
    await tx.execute(
        "INSERT INTO configuration_set (account_id, region, name, sending_enabled, options, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (account_id, region, name)"
        " DO UPDATE SET sending_enabled = excluded.sending_enabled, options = excluded.options",
        found.account_id,
        found.region,
        found.name,
        int(found.sending_enabled),
        json.dumps(dict(found.options)),
        found.created_at,
    )


async def delete(tx: Transaction, found: ConfigurationSet) -> None:
    """Remove a set with its destinations and tags."""
    await tags.remove_all(tx, found.arn)
    await tx.execute(
        "DELETE FROM configuration_set WHERE account_id = ? AND region = ? AND name = ?",
        *found.key,
    )


async def count(tx: Transaction, account_id: str, region: str) -> int:
    """How many sets an account has in a region."""
    row = await tx.one(
        "SELECT COUNT(*) FROM configuration_set WHERE account_id = ? AND region = ?", account_id, region
    )
    assert row is not None
    return int(row[0])


async def names(
    tx: Transaction, account_id: str, region: str, *, after: str, limit: int, containing: str = ""
) -> list[str]:
    """Names in order, from behind `after`."""
    contains = " AND replace(name, ?, '') <> name" if containing else ""
    rows = await tx.all(
        f"SELECT name FROM configuration_set WHERE account_id = ? AND region = ? AND name > ?{contains}"
        " ORDER BY name LIMIT ?",
        account_id,
        region,
        after,
        *([containing] if containing else []),
        limit,
    )
    return [row[0] for row in rows]


async def in_use(tx: Transaction, account_id: str, region: str, *, limit: int) -> list[str]:
    """Names of sets through which mail is sent now, sorted."""
    rows = await tx.all(
        "SELECT name FROM configuration_set WHERE account_id = ? AND region = ? AND sending_enabled = 1"
        " ORDER BY name LIMIT ?",
        account_id,
        region,
        limit,
    )
    return [row[0] for row in rows]


async def destinations(tx: Transaction, found: ConfigurationSet) -> dict[str, dict[str, Any]]:
    """A set's event destinations by name, as the v2 API defines them."""
    rows = await tx.all(
        "SELECT name, definition FROM event_destination"
        " WHERE account_id = ? AND region = ? AND set_name = ? ORDER BY name",
        *found.key,
    )
    return {row[0]: json.loads(row[1]) for row in rows}


async def put_destination(
    tx: Transaction, found: ConfigurationSet, name: str, definition: Mapping[str, Any]
) -> None:
    """Store a destination, new or changed."""
    await tx.execute(
        "INSERT INTO event_destination (account_id, region, set_name, name, definition)"
        " VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (account_id, region, set_name, name) DO UPDATE SET definition = excluded.definition",
        *found.key,
        name,
        json.dumps(dict(definition)),
    )


async def followed(tx: Transaction, found: ConfigurationSet) -> frozenset[str]:
    """Types of events that at least one destination of a set asks for."""
    wanted: set[str] = set()
    for definition in (await destinations(tx, found)).values():
        if definition.get("Enabled", False):
            wanted.update(definition.get("MatchingEventTypes", ()))
    return frozenset(wanted)


async def delete_destination(tx: Transaction, found: ConfigurationSet, name: str) -> bool:
    """Remove a destination; whether there was one."""
    gone = await tx.execute(
        "DELETE FROM event_destination WHERE account_id = ? AND region = ? AND set_name = ? AND name = ?",
        *found.key,
        name,
    )
    return bool(gone)


async def default_of(tx: Transaction, account_id: str, region: str, identity: str) -> str | None:
    """The name of an identity's default set; there may be no such set any more."""
    row = await tx.one(
        "SELECT set_name FROM identity_configuration_set WHERE account_id = ? AND region = ? AND identity = ?",
        account_id,
        region,
        identity,
    )
    return None if row is None else str(row[0])


async def identities_of(tx: Transaction, account_id: str, region: str, name: str, *, limit: int) -> list[str]:
    """The identities whose default is this set, some of them."""
    rows = await tx.all(
        "SELECT identity FROM identity_configuration_set WHERE account_id = ? AND region = ? AND set_name = ?"
        " ORDER BY identity LIMIT ?",
        account_id,
        region,
        name,
        limit,
    )
    return [row[0] for row in rows]


async def set_default(tx: Transaction, identity: Identity, name: str | None) -> None:
    """Give an identity a default set, or none; decisions read it with the identity (I4)."""
    await tx.execute(
        "DELETE FROM identity_configuration_set WHERE account_id = ? AND region = ? AND identity = ?",
        *identity.key,
    )
    if name is not None:
        await tx.execute(
            "INSERT INTO identity_configuration_set (account_id, region, identity, set_name)"
            " VALUES (?, ?, ?, ?)",
            *identity.key,
            name,
        )
    await bump(tx, identities_scope(identity.account_id, identity.region))


async def regions_of(tx: Transaction, account_id: str, name: str) -> list[str]:
    """The regions in which an account has a set of that name."""
    rows = await tx.all(
        "SELECT region FROM configuration_set WHERE account_id = ? AND name = ? ORDER BY region",
        account_id,
        name,
    )
    return [str(row[0]) for row in rows]
