"""Sending-authorization policies attached to identities.

Every change bumps the owner's identities epoch of the region (I4). What a policy said before is `policy_versions`'.
"""

import json
from dataclasses import dataclass

from sesame.db import Transaction, bump, identities_scope
from sesame.model import Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityPolicy:
    """A policy attached to an identity; `principal_ids` maps local user ARNs to unique ids."""

    policy_name: str
    document: str
    principal_ids: dict[str, str]


async def first(tx: Transaction, account_id: str, region: str, *, limit: int) -> list[tuple[str, str, str]]:
    """Policies of an account's identities in a region by identity and name: both, and the text."""
    rows = await tx.all(
        "SELECT identity, policy_name, document FROM identity_policy WHERE account_id = ? AND region = ?"
        " ORDER BY identity, policy_name LIMIT ?",
        account_id,
        region,
        limit,
    )
    return [(row[0], row[1], row[2]) for row in rows]


async def put(tx: Transaction, identity: Identity, policy: IdentityPolicy) -> None:
    """Create or replace a policy of the identity."""
    await tx.execute(
        "INSERT INTO identity_policy (account_id, region, identity, policy_name, document, principal_ids)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (account_id, region, identity, policy_name)"
        " DO UPDATE SET document = excluded.document, principal_ids = excluded.principal_ids",
        *identity.key,
        policy.policy_name,
        policy.document,
        json.dumps(policy.principal_ids),
    )
    await bump(tx, identities_scope(identity.account_id, identity.region))


async def of(tx: Transaction, account_id: str, region: str, name: str) -> list[IdentityPolicy]:
    """The identity's policies by name."""
    rows = await tx.all(
        "SELECT policy_name, document, principal_ids FROM identity_policy"
        " WHERE account_id = ? AND region = ? AND identity = ? ORDER BY policy_name",
        account_id,
        region,
        name,
    )
    return [
        IdentityPolicy(policy_name=row[0], document=row[1], principal_ids=json.loads(row[2])) for row in rows
    ]


async def binding(tx: Transaction, unique_id: str) -> list[tuple[str, str, str, str]]:
    """The policies of all owners that bind a user or role: account, region and name of the identity, and their own
    name. It looks through all policies."""
    rows = await tx.all(
        "SELECT account_id, region, identity, policy_name FROM identity_policy WHERE principal_ids LIKE ?",
        f'%"{unique_id}"%',
    )
    return sorted((row[0], row[1], row[2], row[3]) for row in rows)


async def rewrite(tx: Transaction, account_id: str, region: str, name: str, policy: IdentityPolicy) -> None:
    """Store another text of a policy that means the same."""
    await tx.execute(
        "UPDATE identity_policy SET document = ?, principal_ids = ?"
        " WHERE account_id = ? AND region = ? AND identity = ? AND policy_name = ?",
        policy.document,
        json.dumps(policy.principal_ids),
        account_id,
        region,
        name,
        policy.policy_name,
    )
    await bump(tx, identities_scope(account_id, region))


async def delete(tx: Transaction, account_id: str, region: str, name: str, policy_name: str) -> bool:
    """Remove a policy; whether there was one."""
    count = await tx.execute(
        "DELETE FROM identity_policy WHERE account_id = ? AND region = ? AND identity = ? AND policy_name = ?",
        account_id,
        region,
        name,
        policy_name,
    )
    if count:
        await bump(tx, identities_scope(account_id, region))
    return count > 0
