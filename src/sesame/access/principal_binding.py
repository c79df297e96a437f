"""The users and roles that a policy's Principal elements name, bound to their unique ids.

So that one deleted and made again under the same name gains nothing. Source: IAM user guide,
"Principal": ARNs are transformed to unique ids when a policy is saved.
"""

import re

from sesame.db import Transaction
from sesame.errors import SesameError
from sesame.policy import Policy
from sesame.store import accounts
from sesame.store.iam import roles, users

_ARN = re.compile(r"arn:aws:iam::([0-9]{12}):(user|role)/(?:.*/)?([^/]+)")


class NoSuchPrincipal(SesameError):
    """A policy names a user or role that an account of this server does not have; the message is its ARN."""


async def principal_ids(tx: Transaction, policy: Policy) -> dict[str, str]:
    """Unique ids of the users and roles a policy names, for those accounts that are on this server.

    Raises `NoSuchPrincipal`; those of accounts elsewhere are taken at their word.
    """
    ids: dict[str, str] = {}
    for statement in policy.statements:
        for principal in statement.principals or ():
            match = _ARN.fullmatch(principal.value) if principal.kind == "AWS" else None
            if match is None or await accounts.get(tx, match[1]) is None:
                continue
            ids[principal.value] = await _unique_id(tx, match[1], match[2], match[3], principal.value)
    return ids


async def _unique_id(tx: Transaction, account_id: str, kind: str, name: str, arn: str) -> str:
    if kind == "user":
        user = await users.get_user(tx, account_id, name)
        if user is not None and user.arn == arn:
            return user.user_id
    else:
        role = await roles.get(tx, account_id, name)
        if role is not None and role.arn == arn:
            return role.role_id
    raise NoSuchPrincipal(arn)
