"""What the operator does, for which AWS has no API: accounts, limits, vouching, demo accounts.

Callers run on the machine with the data directory; there is no other authorization. Changes bump
the same epochs as the API's, so a running server follows.
"""

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass

from sesame.access.changes import Actor, Acts
from sesame.db import Store, Transaction
from sesame.errors import SesameError
from sesame.model import AccountId
from sesame.observe import Clock
from sesame.store import account_details, accounts
from sesame.store.iam import groups, inline_policies, login_profiles, managed_policies, users
from sesame.store.sealed import Sealer

SANDBOX_MAX_24_HOUR_SEND = 200.0
SANDBOX_MAX_SEND_RATE = 1.0
"""Access keys of a user, and of a root: one in use, one to change to, as at AWS."""


class OperatorError(SesameError):
    """The operator asked for something that cannot be done; nothing was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """A fresh access key; the secret is shown only this once."""

    account_id: str
    access_key_id: str
    secret_access_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Quota of production accounts: recipients in 24 hours and per second."""

    max_24_hour_send: float
    max_send_rate: float


class Operator:
    """Account administration."""

    def __init__(
        self,
        store: Store,
        sealer: Sealer,
        *,
        acts: Acts,
        clock: Clock,
        production: Limits,
        random_digits: Callable[[int], str],
        random_name: Callable[[int], str],
        random_secret: Callable[[], str],
    ) -> None:
        self._store = store
        self._sealer = sealer
        self._acts = acts
        self._clock = clock
        self._production = production
        self._random_digits = random_digits
        self._random_name = random_name
        self._random_secret = random_secret

    def by(self, actor: Actor) -> "Operator":
        """The same for another actor."""
        other = copy(self)
        other._acts = self._acts.by(actor)
        return other

    async def create_account(self, name: str, *, production: bool) -> Keys:
        """Make an account with a root access key, in the sandbox unless `production`."""
        now = self._clock.now()
        limits = (
            self._production
            if production
            else Limits(max_24_hour_send=SANDBOX_MAX_24_HOUR_SEND, max_send_rate=SANDBOX_MAX_SEND_RATE)
        )

        async def run(tx: Transaction) -> Keys:
            account_id = AccountId("1" + self._random_digits(11))
            while await accounts.get(tx, account_id) is not None:
                account_id = AccountId("1" + self._random_digits(11))
            account = accounts.Account(
                account_id=account_id,
                name=name,
                production=production,
                max_24_hour_send=limits.max_24_hour_send,
                max_send_rate=limits.max_send_rate,
                created_at=now,
            )
            await accounts.create(tx, account)
            return await self._create_key(tx, account_id, account_id)

        return await self._acts.apply(
            "CreateAccount",
            lambda keys: keys.account_id,
            run,
            parameters={"name": name, "production": production},
            response=_audit_response,
        )

    async def list_accounts(self) -> list[accounts.Account]:
        """Every account, oldest first."""
        return await self._store.read(accounts.all_accounts)

    async def page(self, after: str, *, limit: int) -> list[accounts.Account]:
        """Accounts by id, from behind `after`."""
        return await self._store.read(lambda tx: accounts.page(tx, after=after, limit=limit))

    async def asking_for_production(
        self, *, limit: int = 1_000_000
    ) -> dict[str, account_details.AccountDetails]:
        """What accounts in the sandbox said when they asked to leave it, by account, the oldest first."""
        return await self._store.read(lambda tx: account_details.asking(tx, limit=limit))

    async def set_quota(
        self,
        account_id: str,
        region: str | None,
        *,
        max_24_hour_send: float | None,
        max_send_rate: float | None,
    ) -> None:
        """Set the limits that are given, for one region or all."""

        async def run(tx: Transaction) -> None:
            await _account(tx, account_id)
            await accounts.set_quota(
                tx, account_id, region, max_24_hour_send=max_24_hour_send, max_send_rate=max_send_rate
            )

        limits = {"max24HourSend": max_24_hour_send, "maxSendRate": max_send_rate}
        await self._acts.apply("SetQuota", account_id, run, region=region or "", parameters=limits)

    async def refuse_production(self, account_id: str, *, reason: str) -> None:
        """Answer no to an account that asked to leave the sandbox; it reads the reason, and may ask again."""
        if not reason.strip():
            raise OperatorError("give a reason: the account can read it")
        now = self._clock.now()

        async def run(tx: Transaction) -> None:
            account = await _account(tx, account_id)
            if account.production:
                raise OperatorError(f"account {account_id} has production access")
            if not await account_details.answer(tx, account_id, "DENIED", reason=reason.strip(), at=now):
                raise OperatorError(f"account {account_id} has not asked for production access")

        await self._acts.apply(
            "RefuseProductionAccess", account_id, run, parameters={"reason": reason.strip()}
        )

    async def leave_sandbox(self, account_id: str, *, reason: str = "") -> bool:
        """Move an account to production; limits that are still the sandbox's become production's.

        False when it was there already: then nothing changes. `reason` is for the account to read, if it asked.
        """
        production, now = self._production, self._clock.now()

        async def run(tx: Transaction) -> bool:
            account = await _account(tx, account_id)
            if account.production:
                return False
            is_daily_limit_set = account.max_24_hour_send != SANDBOX_MAX_24_HOUR_SEND
            is_rate_set = account.max_send_rate != SANDBOX_MAX_SEND_RATE
            await accounts.leave_sandbox(
                tx,
                account_id,
                max_24_hour_send=None if is_daily_limit_set else production.max_24_hour_send,
                max_send_rate=None if is_rate_set else production.max_send_rate,
            )
            await account_details.answer(tx, account_id, "GRANTED", reason=reason.strip(), at=now)
            return True

        parameters = {"reason": reason.strip()} if reason.strip() else {}
        return await self._acts.apply("LeaveSandbox", account_id, run, parameters=parameters, when=bool)

    async def create_user(self, account_id: str, user_name: str, *, policy: str | None) -> Keys:
        """Make a user with an access key and, if given, one inline policy named `operator`."""
        now = float(int(self._clock.now()))

        async def run(tx: Transaction) -> Keys:
            await _account(tx, account_id)
            if await users.get_user(tx, account_id, user_name) is not None:
                raise OperatorError(f"account {account_id} already has a user `{user_name}`")
            user = users.User(
                account_id=account_id,
                user_name=user_name,
                path="/",
                user_id=f"AIDA{self._random_name(17)}",
                tags="[]",
                created_at=now,
            )
            await users.create_user(tx, user)
            if policy is not None:
                await inline_policies.put(tx, account_id, user.user_id, "operator", policy)
            return await self._create_key(tx, account_id, user.user_id)

        parameters = {"userName": user_name, "policyDocument": policy}
        return await self._acts.apply(
            "CreateUser", account_id, run, parameters=parameters, response=_audit_response
        )

    async def list_users(self, account_id: str) -> list[users.User]:
        """An account's users by name."""

        async def run(tx: Transaction) -> list[users.User]:
            await _account(tx, account_id)
            return await users.list_users(tx, account_id, limit=1_000_000)

        return await self._store.read(run)

    async def delete_user(self, account_id: str, user_name: str) -> None:
        """Remove a user with its keys and policies."""

        now = self._clock.now()

        async def run(tx: Transaction) -> None:
            user = await users.get_user(tx, account_id, user_name)
            if user is None:
                raise OperatorError(f"account {account_id} has no user `{user_name}`")
            for key in await users.list_keys(tx, account_id, user.user_id):
                await users.delete_key(tx, key, at=now)
            for name, _ in await inline_policies.of(tx, user.user_id):
                await inline_policies.delete(tx, account_id, user.user_id, name)
            for arn in await managed_policies.attached(tx, user.user_id):
                await managed_policies.detach(tx, account_id, user.user_id, arn)
            for group in await groups.of_user(tx, user.user_id):
                await groups.remove_member(tx, group, user.user_id)
            await login_profiles.delete(tx, user.account_id, user.user_id)
            for device in await login_profiles.devices_of(tx, user.user_id):
                await login_profiles.disable_device(tx, device)
                await login_profiles.delete_device(tx, device)
            await users.delete_user(tx, user)

        await self._acts.apply("DeleteUser", account_id, run, parameters={"userName": user_name})

    async def access_key(
        self,
        account_id: str,
        user_name: str | None,
        *,
        access_key_id: str | None,
        bound: tuple[str, ...] | None = None,
    ) -> Keys:
        """The key that is named, or a new one of the user, or of the root, which may have `users.MAX_ACCESS_KEYS`.

        `bound` are the identity ARNs that its SMTP log-in stands in for from now on; None leaves that.
        """

        async def run(tx: Transaction) -> Keys:
            await _account(tx, account_id)
            user_id = account_id
            if user_name is not None:
                user = await users.get_user(tx, account_id, user_name)
                if user is None:
                    raise OperatorError(f"account {account_id} has no user `{user_name}`")
                user_id = user.user_id
            if access_key_id is not None:
                keys = await self._existing_key(tx, account_id, access_key_id)
                if user_name is not None and not await _is_of(tx, access_key_id, user_id):
                    raise OperatorError(f"user `{user_name}` has no access key `{access_key_id}`")
            else:
                await _require_room_for_a_key(tx, account_id, user_id)
                keys = await self._create_key(tx, account_id, user_id)
            if bound is not None:
                await users.bind_smtp(tx, keys.access_key_id, bound)
            return keys

        return await self._acts.apply(
            "CreateAccessKey" if access_key_id is None else "RevealAccessKey",
            account_id,
            run,
            parameters={"userName": user_name, "smtpBindings": None if bound is None else list(bound)},
            response=_audit_response,
        )

    async def _existing_key(self, tx: Transaction, account_id: str, access_key_id: str) -> Keys:
        key = await users.get_key(tx, access_key_id)
        if key is None or key.account_id != account_id:
            raise OperatorError(f"account {account_id} has no access key `{access_key_id}`")
        secret = self._sealer.open(key.sealed_secret, row=f"access_key:{access_key_id}").decode()
        return Keys(account_id=account_id, access_key_id=access_key_id, secret_access_key=secret)

    async def require_account(self, account_id: str) -> None:
        """Raise `OperatorError` unless the account exists."""

        async def run(tx: Transaction) -> None:
            await _account(tx, account_id)

        await self._store.read(run)

    async def _create_key(self, tx: Transaction, account_id: str, user_id: str) -> Keys:
        access_key_id, secret = f"AKIA{self._random_name(16)}", self._random_secret()
        key = users.AccessKey(
            access_key_id=access_key_id,
            account_id=account_id,
            user_id=user_id,
            sealed_secret=self._sealer.seal(secret.encode(), row=f"access_key:{access_key_id}"),
            status="Active",
            created_at=self._clock.now(),
        )
        await users.create_key(tx, key)
        return Keys(account_id=account_id, access_key_id=access_key_id, secret_access_key=secret)


def _audit_response(keys: Keys) -> dict[str, str]:
    """What the audit log says of a key: never its secret."""
    return {"accessKeyId": keys.access_key_id}


async def _is_of(tx: Transaction, access_key_id: str, user_id: str) -> bool:
    key = await users.get_key(tx, access_key_id)
    return key is not None and key.user_id == user_id


async def _require_room_for_a_key(tx: Transaction, account_id: str, user_id: str) -> None:
    found = [key.access_key_id for key in await users.list_keys(tx, account_id, user_id)]
    if len(found) >= users.MAX_ACCESS_KEYS:
        raise OperatorError(
            f"there are {users.MAX_ACCESS_KEYS} access keys already ({', '.join(sorted(found))}); take one with"
            f" `--key ID`, or remove one with `sesame key delete {account_id} ID`"
        )


async def _account(tx: Transaction, account_id: str) -> accounts.Account:
    account = await accounts.get(tx, account_id)
    if account is None:
        raise OperatorError(f"there is no account {account_id}; `sesame account list` shows them")
    return account
