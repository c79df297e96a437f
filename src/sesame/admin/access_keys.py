"""Access keys as the operator sees them: whose they are, and which to take or remove."""

from dataclasses import dataclass

from sesame.access.changes import Acts
from sesame.admin.accounts import OperatorError
from sesame.db import Store, Transaction
from sesame.observe import Clock
from sesame.store import accounts
from sesame.store.iam import users


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyOf:
    """An access key without its secret; `user_name` None is the account's root."""

    access_key_id: str
    user_name: str | None
    is_active: bool
    created_at: float
    smtp_bindings: tuple[str, ...]
    """Identity ARNs that its SMTP log-in stands in for."""


class AccessKeys:
    """Lists and removes the access keys of an account."""

    def __init__(self, store: Store, acts: Acts, clock: Clock) -> None:
        self._store = store
        self._acts = acts
        self._clock = clock

    async def of(self, account_id: str, user_name: str | None) -> list[KeyOf]:
        """The keys of a user, or of the root, oldest first. Raises `OperatorError` when there is no such principal."""

        async def run(tx: Transaction) -> list[KeyOf]:
            await _require(tx, account_id)
            if user_name is None:
                return await _keys(tx, account_id, account_id, None)
            user = await users.get_user(tx, account_id, user_name)
            if user is None:
                raise OperatorError(f"account {account_id} has no user `{user_name}`")
            return await _keys(tx, account_id, user.user_id, user.user_name)

        return await self._store.read(run)

    async def of_account(self, account_id: str) -> list[KeyOf]:
        """Every key of an account, the root's first, then by user name."""

        async def run(tx: Transaction) -> list[KeyOf]:
            await _require(tx, account_id)
            found = await _keys(tx, account_id, account_id, None)
            for user in await users.list_users(tx, account_id, limit=1_000_000):
                found += await _keys(tx, account_id, user.user_id, user.user_name)
            return found

        return await self._store.read(run)

    async def delete(self, account_id: str, access_key_id: str) -> None:
        """Remove a key; from now on nothing is accepted under it (I4)."""
        now = self._clock.now()

        async def run(tx: Transaction) -> None:
            await _require(tx, account_id)
            key = await users.get_key(tx, access_key_id)
            if key is None or key.account_id != account_id:
                raise OperatorError(f"account {account_id} has no access key `{access_key_id}`")
            await users.delete_key(tx, key, at=now)

        await self._acts.apply("DeleteAccessKey", account_id, run, parameters={"accessKeyId": access_key_id})


async def _require(tx: Transaction, account_id: str) -> None:
    if await accounts.get(tx, account_id) is None:
        raise OperatorError(f"there is no account {account_id}; `sesame account list` shows them")


async def _keys(tx: Transaction, account_id: str, user_id: str, user_name: str | None) -> list[KeyOf]:
    found = await users.list_keys(tx, account_id, user_id)
    return [
        KeyOf(
            access_key_id=key.access_key_id,
            user_name=user_name,
            is_active=key.status == "Active",
            created_at=key.created_at,
            smtp_bindings=await users.smtp_bindings(tx, key.access_key_id),
        )
        for key in sorted(found, key=lambda key: (key.created_at, key.access_key_id))
    ]
