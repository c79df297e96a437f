"""IAM roles; every change bumps the account's epoch (I4)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sesame.db import Transaction, account_scope, bump
from sesame.db.table import JSON_OBJECT, Table
from sesame.store.iam import inline_policies, managed_policies


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """One IAM role; `tags` is a JSON list of {Key, Value}.

    `principal_ids` binds the users and roles that the trust policy names to their unique ids.
    """

    account_id: str
    role_name: str
    path: str
    role_id: str
    description: str
    max_session_s: int
    trust_policy: str
    principal_ids: Mapping[str, str]
    tags: str
    created_at: float
    permissions_boundary: str = ""
    """The ARN of the managed policy that is its boundary; empty for none."""

    @property
    def arn(self) -> str:
        """`arn:aws:iam::A:role/path/Name`."""
        return f"arn:aws:iam::{self.account_id}:role{self.path}{self.role_name}"


_ROLES = Table("iam_role", Role, key="account_id, role_name", principal_ids=JSON_OBJECT)


async def put(tx: Transaction, role: Role) -> None:
    """Store a role, new or changed; its name, path and id stay."""
    await _ROLES.put(
        tx,
        role,
        changed="description, max_session_s, trust_policy, principal_ids, tags, permissions_boundary",
    )
    await bump(tx, account_scope(role.account_id))


async def get(tx: Transaction, account_id: str, role_name: str) -> Role | None:
    """The role of that name (compared without case, as IAM does), or None."""
    return await _ROLES.one(tx, "WHERE account_id = ? AND LOWER(role_name) = LOWER(?)", account_id, role_name)


async def named(tx: Transaction, account_ids: Sequence[str], role_names: Sequence[str]) -> list[Role]:
    """The roles with any of these names, compared without case, in any of these accounts."""
    return await _ROLES.all(
        tx,
        "WHERE account_id IN (?*) AND LOWER(role_name) IN (?*)",
        account_ids,
        [name.lower() for name in role_names],
    )


async def get_by_id(tx: Transaction, role_id: str) -> Role | None:
    """The role with that unique id, or None."""
    return await _ROLES.one(tx, "WHERE role_id = ?", role_id)


async def binding(tx: Transaction, unique_id: str) -> list[tuple[str, str]]:
    """The accounts and ids of the roles whose trust policy binds a user or role. It looks through all roles."""
    rows = await tx.all(
        "SELECT account_id, role_id FROM iam_role WHERE principal_ids LIKE ?", f'%"{unique_id}"%'
    )
    return sorted((row[0], row[1]) for row in rows)


async def list_roles(tx: Transaction, account_id: str) -> list[Role]:
    """An account's roles by name."""
    return await _ROLES.all(tx, "WHERE account_id = ? ORDER BY role_name", account_id)


async def delete(tx: Transaction, role: Role) -> None:
    """Remove a role that has no policies left; its sessions end with it."""
    await tx.execute("DELETE FROM iam_role WHERE role_id = ?", role.role_id)
    await bump(tx, account_scope(role.account_id))


async def policies_for_role(tx: Transaction, role_id: str) -> list[tuple[str, str]]:
    """Every IAM policy that counts for a role: its own and the managed ones, which are named by their ARN."""
    return [*await inline_policies.of(tx, role_id), *await managed_policies.documents(tx, [role_id])]
