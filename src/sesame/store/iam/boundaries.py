"""Whose permissions boundary a policy is: users and roles, by the column of their rows."""

from sesame.db import Transaction

# Each side says that there is a boundary, since the index is of those that have one.
_BOTH = (
    "SELECT {user} FROM iam_user WHERE account_id = ? AND permissions_boundary <> ''{more}"
    " UNION ALL SELECT {role} FROM iam_role WHERE account_id = ? AND permissions_boundary <> ''{more}"
)
_OF_ONE = _BOTH.format(user="user_id", role="role_id", more=" AND permissions_boundary = ?")
_COUNTED = _BOTH.format(user="permissions_boundary", role="permissions_boundary", more="")
_NAMES = _BOTH.format(
    user="'user' || path || user_name, user_id", role="'role' || path || role_name, role_id", more=""
)


async def bounded_by(tx: Transaction, account_id: str, policy_arn: str) -> list[str]:
    """The unique ids of an account's users and roles whose boundary a policy is."""
    rows = await tx.all(_OF_ONE, account_id, policy_arn, account_id, policy_arn)
    return sorted(str(row[0]) for row in rows)


async def uses(tx: Transaction, account_id: str) -> dict[str, int]:
    """How many users and roles of an account have each policy as their boundary, by its ARN."""
    found: dict[str, int] = {}
    for row in await tx.all(_COUNTED, account_id, account_id):
        found[str(row[0])] = found.get(str(row[0]), 0) + 1
    return found


async def bounded(tx: Transaction, account_id: str) -> list[tuple[str, str]]:
    """The users and roles of an account that have a boundary: ARN and unique id of each."""
    rows = await tx.all(_NAMES, account_id, account_id)
    return [(f"arn:aws:iam::{account_id}:{row[0]}", str(row[1])) for row in rows]
