"""IAM roles; every change bumps the account's epoch (I4)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from sesame.db import Row, Transaction, account_scope, bump
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

    @property
    def arn(self) -> str:
        """`arn:aws:iam::A:role/path/Name`."""
        return f"arn:aws:iam::{self.account_id}:role{self.path}{self.role_name}"


_ROLE = (
    "SELECT account_id, role_name, path, role_id, description, max_session_s, trust_policy, principal_ids, tags,"
    " created_at FROM iam_role"
)


def _role(row: Row) -> Role:
    account_id, role_name, path, role_id, description, max_session_s, trust, ids, tags, created_at = row
    return Role(
        account_id=account_id,
        role_name=role_name,
        path=path,
        role_id=role_id,
        description=description,
        max_session_s=max_session_s,
        trust_policy=trust,
        principal_ids=json.loads(ids),
        tags=tags,
        created_at=created_at,
    )


async def put(tx: Transaction, role: Role) -> None:
    """Store a role, new or changed; its name, path and id stay."""
    await tx.execute(
        "INSERT INTO iam_role (account_id, role_name, path, role_id, description, max_session_s,"
        " trust_policy, principal_ids, tags, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (account_id, role_name)"
        " DO UPDATE SET description = excluded.description, max_session_s = excluded.max_session_s,"
        " trust_policy = excluded.trust_policy, principal_ids = excluded.principal_ids, tags = excluded.tags",
        role.account_id,
        role.role_name,
        role.path,
        role.role_id,
        role.description,
        role.max_session_s,
        role.trust_policy,
        json.dumps(dict(role.principal_ids)),
        role.tags,
        role.created_at,
    )
    await bump(tx, account_scope(role.account_id))


async def get(tx: Transaction, account_id: str, role_name: str) -> Role | None:
    """The role of that name (compared without case, as IAM does), or None."""
    row = await tx.one(f"{_ROLE} WHERE account_id = ? AND LOWER(role_name) = LOWER(?)", account_id, role_name)
    return None if row is None else _role(row)


async def get_by_id(tx: Transaction, role_id: str) -> Role | None:
    """The role with that unique id, or None."""
    row = await tx.one(f"{_ROLE} WHERE role_id = ?", role_id)
    return None if row is None else _role(row)


async def list_roles(tx: Transaction, account_id: str) -> list[Role]:
    """An account's roles by name."""
    rows = await tx.all(f"{_ROLE} WHERE account_id = ? ORDER BY role_name", account_id)
    return [_role(row) for row in rows]


async def delete(tx: Transaction, role: Role) -> None:
    """Remove a role that has no policies left; its sessions end with it."""
    await tx.execute("DELETE FROM iam_role WHERE role_id = ?", role.role_id)
    await bump(tx, account_scope(role.account_id))


async def policies_for_role(tx: Transaction, role_id: str) -> list[tuple[str, str]]:
    """Every IAM policy that counts for a role: its own and the managed ones, which are named by their ARN."""
    return [*await inline_policies.of(tx, role_id), *await managed_policies.documents(tx, [role_id])]
