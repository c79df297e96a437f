"""IAM managed policies: those of customers with their versions, AWS's own, and what they are attached to.

Users and groups are known by their unique ids. Every change that a decision may rest on bumps the
account's epoch (I4).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sesame.db import Transaction, account_scope, bump
from sesame.db.table import Table, reader

AWS_PREFIX = "arn:aws:iam::aws:policy/"


def _allow(*actions: str) -> str:
    statement = {
        "Effect": "Allow",
        "Action": actions[0] if len(actions) == 1 else [*actions],
        "Resource": "*",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


AWS_MANAGED = {
    f"{AWS_PREFIX}AdministratorAccess": _allow("*"),
    f"{AWS_PREFIX}AmazonSESFullAccess": _allow("ses:*"),
    f"{AWS_PREFIX}AmazonSESReadOnlyAccess": _allow("ses:Get*", "ses:List*", "ses:BatchGetMetricData"),
}
"""AWS's own policies that a sending service needs: ARN to document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedPolicy:
    """One customer managed policy; versions count up from 1."""

    account_id: str
    policy_name: str
    path: str
    policy_id: str
    description: str
    default_version: int
    last_version: int
    created_at: float
    updated_at: float

    @property
    def arn(self) -> str:
        """`arn:aws:iam::A:policy/path/Name`."""
        return f"arn:aws:iam::{self.account_id}:policy{self.path}{self.policy_name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of a policy."""

    number: int
    document: str
    created_at: float


_VERSION = reader(Version)
_POLICIES = Table("managed_policy", ManagedPolicy, key="account_id, policy_name")


async def put(tx: Transaction, policy: ManagedPolicy) -> None:
    """Store a policy, new or changed."""
    await _POLICIES.put(tx, policy, changed="default_version, last_version, updated_at")
    await bump(tx, account_scope(policy.account_id))


async def get(tx: Transaction, account_id: str, policy_name: str) -> ManagedPolicy | None:
    """The policy of that name (compared without case, as IAM does), or None."""
    return await _POLICIES.one(
        tx, "WHERE account_id = ? AND LOWER(policy_name) = LOWER(?)", account_id, policy_name
    )


async def list_policies(tx: Transaction, account_id: str) -> list[ManagedPolicy]:
    """An account's policies by name."""
    return await _POLICIES.all(tx, "WHERE account_id = ? ORDER BY policy_name", account_id)


async def delete(tx: Transaction, policy: ManagedPolicy) -> None:
    """Remove a policy with its versions; it is attached to nobody."""
    await tx.execute("DELETE FROM managed_policy_version WHERE policy_id = ?", policy.policy_id)
    await tx.execute("DELETE FROM managed_policy WHERE policy_id = ?", policy.policy_id)
    await bump(tx, account_scope(policy.account_id))


async def put_version(tx: Transaction, policy: ManagedPolicy, version: Version) -> None:
    """Store a version."""
    await tx.execute(
        "INSERT INTO managed_policy_version (policy_id, version, document, created_at) VALUES (?, ?, ?, ?)",
        policy.policy_id,
        version.number,
        version.document,
        version.created_at,
    )


async def versions(tx: Transaction, policy: ManagedPolicy) -> list[Version]:
    """A policy's versions, newest first."""
    rows = await tx.all(
        "SELECT version, document, created_at FROM managed_policy_version WHERE policy_id = ?"
        " ORDER BY version DESC",
        policy.policy_id,
    )
    return [_VERSION(row) for row in rows]


async def delete_version(tx: Transaction, policy: ManagedPolicy, number: int) -> None:
    """Remove a version that is not the default."""
    await tx.execute(
        "DELETE FROM managed_policy_version WHERE policy_id = ? AND version = ?", policy.policy_id, number
    )


async def attach(tx: Transaction, account_id: str, entity_id: str, policy_arn: str) -> None:
    """Attach a policy to a user or group; attaching it twice changes nothing."""
    await tx.execute(
        "INSERT INTO policy_attachment (entity_id, account_id, policy_arn)"
        " VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        entity_id,
        account_id,
        policy_arn,
    )
    await bump(tx, account_scope(account_id))


async def detach(tx: Transaction, account_id: str, entity_id: str, policy_arn: str) -> bool:
    """Detach a policy; whether it was attached."""
    gone = await tx.execute(
        "DELETE FROM policy_attachment WHERE entity_id = ? AND policy_arn = ?", entity_id, policy_arn
    )
    await bump(tx, account_scope(account_id))
    return bool(gone)


async def attached(tx: Transaction, entity_id: str) -> list[str]:
    """The ARNs of the policies attached to a user or group, in order."""
    rows = await tx.all(
        "SELECT policy_arn FROM policy_attachment WHERE entity_id = ? ORDER BY policy_arn", entity_id
    )
    return [row[0] for row in rows]


async def entities(tx: Transaction, account_id: str, policy_arn: str) -> list[str]:
    """The unique ids of an account's users and groups that a policy is attached to."""
    rows = await tx.all(
        "SELECT entity_id FROM policy_attachment WHERE account_id = ? AND policy_arn = ? ORDER BY entity_id",
        account_id,
        policy_arn,
    )
    return [row[0] for row in rows]


async def by_arn(tx: Transaction, account_id: str, arns: Sequence[str]) -> list[tuple[str, str]]:
    """ARN and default document of each policy of an account, or of AWS's, that there is."""
    found = dict(AWS_MANAGED)
    for policy in await list_policies(tx, account_id) if arns else ():
        if policy.arn in arns:
            found[policy.arn] = next(
                version.document
                for version in await versions(tx, policy)
                if version.number == policy.default_version
            )
    return [(arn, found[arn]) for arn in arns if arn in found]


async def documents(tx: Transaction, entity_ids: Sequence[str]) -> list[tuple[str, str]]:
    """ARN and default document of each policy attached to any of the entities, each once."""
    if not entity_ids:
        return []
    rows = await tx.all(
        "SELECT DISTINCT policy_arn FROM policy_attachment WHERE entity_id IN (?*) ORDER BY policy_arn",
        entity_ids,
    )
    if not rows:
        return []
    own = await tx.all(
        "SELECT DISTINCT a.policy_arn, v.document FROM policy_attachment a JOIN managed_policy p"
        " ON p.account_id = a.account_id"
        " AND a.policy_arn = 'arn:aws:iam::' || p.account_id || ':policy' || p.path || p.policy_name"
        " JOIN managed_policy_version v ON v.policy_id = p.policy_id AND v.version = p.default_version"
        " WHERE a.entity_id IN (?*)",
        entity_ids,
    )
    found = {**AWS_MANAGED, **dict(own)}
    return [(row[0], found[row[0]]) for row in rows if row[0] in found]
