"""What the policies of identities said before each change: the newest few of each, to read and to put back."""

from dataclasses import dataclass

from sesame.db import Transaction
from sesame.db.table import reader

KEPT = 20
"""Of each policy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Which policy of which identity."""

    account_id: str
    region: str
    identity: str
    policy_name: str

    @property
    def key(self) -> tuple[str, str, str, str]:
        """Its key."""
        return self.account_id, self.region, self.identity, self.policy_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A text that was in force until `ended_at`, when `ended_by` (an ARN) changed it; None: there was no policy."""

    number: int
    ended_at: float
    ended_by: str
    document: str | None


_VERSION = reader(Version)
_OF_POLICY = "account_id = ? AND region = ? AND identity = ? AND policy_name = ?"


async def keep(tx: Transaction, place: Place, document: str | None, *, at: float, by: str) -> None:
    """Keep what a policy said until now; the oldest goes where there are many."""
    row = await tx.one(
        f"SELECT COALESCE(MAX(number), 0) FROM identity_policy_version WHERE {_OF_POLICY}", *place.key
    )
    assert row is not None
    number = int(row[0]) + 1
    await tx.execute(
        "INSERT INTO identity_policy_version (account_id, region, identity, policy_name, number, ended_at, ended_by,"
        " document) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        *place.key,
        number,
        at,
        by,
        document,
    )
    await tx.execute(
        f"DELETE FROM identity_policy_version WHERE {_OF_POLICY} AND number <= ?", *place.key, number - KEPT
    )


async def of_policy(tx: Transaction, place: Place) -> list[Version]:
    """Those of a policy, newest first."""
    rows = await tx.all(
        f"SELECT number, ended_at, ended_by, document FROM identity_policy_version WHERE {_OF_POLICY}"
        " ORDER BY number DESC",
        *place.key,
    )
    return [_VERSION(row) for row in rows]


async def remove_identity(tx: Transaction, account_id: str, region: str, identity: str) -> None:
    """Forget those of an identity: it is going."""
    await tx.execute(
        "DELETE FROM identity_policy_version WHERE account_id = ? AND region = ? AND identity = ?",
        account_id,
        region,
        identity,
    )


async def of_identity(
    tx: Transaction, account_id: str, region: str, identity: str
) -> dict[str, list[Version]]:
    """Those of every policy that an identity has or had, by name, newest first."""
    rows = await tx.all(
        "SELECT policy_name, number, ended_at, ended_by, document FROM identity_policy_version"
        " WHERE account_id = ? AND region = ? AND identity = ? ORDER BY policy_name, number",
        account_id,
        region,
        identity,
    )
    found: dict[str, list[Version]] = {}
    for row in reversed(rows):  # as the key has them, which are sorted by nobody
        found.setdefault(row[0], []).append(_VERSION(row[1:]))
    return found
