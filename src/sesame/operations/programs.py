"""What a program is given: whose keys there are, when each was used, and an identity to show how to send.

A page at once; the keys by the permission of ListAccessKeys, the names to choose from by that of ListUsers, the
identity by that of ListEmailIdentities. What is made and changed goes through the operations of IAM and of our own API.
"""

from dataclasses import dataclass

from sesame.access.permission import Authorizer
from sesame.aws.errors import NoSuchEntity
from sesame.db import Store, Transaction
from sesame.model import Caller, Identity, PrincipalKind
from sesame.operations.people import Part
from sesame.store import identities, key_use
from sesame.store.iam import users
from sesame.store.key_use import KeyUse

MOST_USERS = 200
MOST_LOOKED_AT = 50
"""Identities among which one to show is looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramKey:
    """A key, its last use, and the identities that its SMTP log-in stands in for."""

    key: users.AccessKey
    use: KeyUse | None
    bound: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramsView:
    """What the page shows. `user` is empty for the account's root."""

    user: str
    arn: str
    keys: Part[ProgramKey]
    users: Part[str]
    identity: Identity | None
    """One that may be sent as, if there is any among the first."""


class Programs:
    """Reads; each call checks the caller's IAM policies first."""

    def __init__(self, store: Store, authorizer: Authorizer) -> None:
        self._store = store
        self._authorizer = authorizer

    async def of(self, caller: Caller, named: str) -> ProgramsView:
        """The keys of a user of the caller's account, without a name the caller's own. Raises `NoSuchEntity`."""
        account_id, region = caller.principal.account_id, caller.region
        is_root = caller.principal.kind is PrincipalKind.ROOT and not named
        name = named or ("" if is_root else caller.principal.name)
        user = None if is_root else await self._store.read(lambda tx: users.get_user(tx, account_id, name))
        arn = f"arn:aws:iam::{account_id}:{f'user/{name}' if name else 'root'}" if user is None else user.arn
        no_keys, no_users, no_identities = await self._authorizer.refusals(
            caller,
            [
                ("iam:ListAccessKeys", arn),
                ("iam:ListUsers", f"arn:aws:iam::{account_id}:user/"),
                ("ses:ListEmailIdentities", "*"),
            ],
        )
        if user is None and not is_root and no_keys is None:
            raise NoSuchEntity.named("user", name)
        unique_id = account_id if user is None else user.user_id

        async def run(tx: Transaction) -> ProgramsView:
            keys = [] if no_keys is not None else await users.list_keys(tx, account_id, unique_id)
            uses = await key_use.of_keys(tx, [key.access_key_id for key in keys])
            found = [
                ProgramKey(
                    key=key,
                    use=uses.get(key.access_key_id),
                    bound=await users.smtp_bindings(tx, key.access_key_id),
                )
                for key in keys
            ]
            names = [] if no_users is not None else await users.list_users(tx, account_id, limit=MOST_USERS)
            listed = [] if no_identities is not None else await _first(tx, account_id, region)
            return ProgramsView(
                user=name,
                arn=arn,
                keys=Part(items=tuple(found), refused=no_keys or ""),
                users=Part(items=tuple(one.user_name for one in names), refused=no_users or ""),
                identity=next((one for one in listed if one.verification.value == "Success"), None),
            )

        return await self._store.read(run)


async def _first(tx: Transaction, account_id: str, region: str) -> list[Identity]:
    return await identities.page(tx, account_id, region, kind=None, after="", limit=MOST_LOOKED_AT)
