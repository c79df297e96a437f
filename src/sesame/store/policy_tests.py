"""The cases that an owner keeps beside the policies of an identity.

What they say is `policy.analysis.expectations`'s to know.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sesame.db import Transaction, bump, identities_scope
from sesame.db.table import reader
from sesame.model import Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptCase:
    """A case by its name; `document` is JSON."""

    name: str
    document: str


_CASE = reader(KeptCase)


async def of(tx: Transaction, account_id: str, region: str, identity: str) -> list[KeptCase]:
    """The cases of an identity, by name."""
    rows = await tx.all(
        "SELECT name, document FROM identity_policy_test"
        " WHERE account_id = ? AND region = ? AND identity = ? ORDER BY name",
        account_id,
        region,
        identity,
    )
    return [_CASE(row) for row in rows]


async def put(tx: Transaction, identity: Identity, cases: Sequence[KeptCase]) -> None:
    """Add cases, in place of those of the same names."""
    await tx.many(
        "INSERT INTO identity_policy_test (account_id, region, identity, name, document) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (account_id, region, identity, name) DO UPDATE SET document = excluded.document",
        [(*identity.key, case.name, case.document) for case in cases],
    )
    await bump(tx, identities_scope(identity.account_id, identity.region))


async def remove(tx: Transaction, identity: Identity, name: str) -> bool:
    """Remove a case; whether there was one."""
    count = await tx.execute(
        "DELETE FROM identity_policy_test WHERE account_id = ? AND region = ? AND identity = ? AND name = ?",
        *identity.key,
        name,
    )
    return count > 0
