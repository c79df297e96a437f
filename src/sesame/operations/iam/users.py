"""IAM users and access keys, as far as a sending service needs them.

Source: IAM API reference; codes and HTTP status from botocore's IAM model.
"""

import json
import math
from collections.abc import Callable
from dataclasses import replace

from sesame.access.changes import Permit
from sesame.access.conditions import boundary_key
from sesame.access.permission import Authorizer
from sesame.access.principal_binding import Bound, Renaming, bound_to
from sesame.aws import paging
from sesame.aws.errors import (
    DeleteConflict,
    EntityAlreadyExists,
    IamLimitExceeded,
    InvalidInput,
    NoSuchEntity,
)
from sesame.aws.shapes import iam
from sesame.db import Store, Transaction
from sesame.model import AccountId, Caller, PrincipalKind
from sesame.observe import Clock
from sesame.operations.iam.boundaries import check_boundary, checked_arn
from sesame.operations.iam.checks import (
    authorized_user,
    boundary_shape,
    check_without_policies,
    page_from,
    page_of,
    permitted_user,
    tags_by_key,
    user_asked_for,
    user_named,
    user_shape,
)
from sesame.operations.principal_tags import check_tags
from sesame.operations.table import Handlers
from sesame.store.iam import groups, login_profiles, users
from sesame.store.sealed import Sealer


class IamOperations:
    """The operations; `random_name` makes upper-case ids, `random_secret` secret access keys."""

    def __init__(
        self,
        store: Store,
        authorizer: Authorizer,
        sealer: Sealer,
        *,
        clock: Clock,
        random_name: Callable[[int], str],
        random_secret: Callable[[], str],
    ) -> None:
        self._store = store
        self._authorizer = authorizer
        self._sealer = sealer
        self._clock = clock
        self._random_name = random_name
        self._random_secret = random_secret

    def handlers(self) -> Handlers:
        """What this serves, by operation name."""
        return {
            "CreateUser": self.create_user,
            "GetUser": self.get_user,
            "ListUsers": self.list_users,
            "UpdateUser": self.update_user,
            "DeleteUser": self.delete_user,
            "CreateAccessKey": self.create_access_key,
            "ListAccessKeys": self.list_access_keys,
            "UpdateAccessKey": self.update_access_key,
            "DeleteAccessKey": self.delete_access_key,
        }

    async def create_user(self, caller: Caller, request: iam.CreateUserRequest) -> iam.CreateUserResponse:
        """Add a user; names are unique without regard to case."""
        boundary = checked_arn(request["PermissionsBoundary"]) if "PermissionsBoundary" in request else ""
        path, name = request.get("Path", "/"), request["UserName"]
        tags = request.get("Tags", [])
        arn = f"arn:aws:iam::{caller.principal.account_id}:user{path}{name}"
        permit = await self._authorizer.require_creation(
            caller,
            "iam:CreateUser",
            arn,
            tagging="iam:TagUser",
            tags=tags_by_key(tags),
            keys=boundary_key(boundary),
        )
        user = users.User(
            account_id=caller.principal.account_id,
            user_name=name,
            path=path,
            user_id=f"AIDA{self._random_name(17)}",
            tags=json.dumps(check_tags(tags)),
            created_at=float(int(self._clock.now())),
            permissions_boundary=boundary,
        )

        async def run(tx: Transaction) -> None:
            if boundary:
                await check_boundary(tx, caller, boundary)
            if await users.get_user(tx, user.account_id, name) is not None:
                raise EntityAlreadyExists(f"User with name {name} already exists.")
            await users.create_user(tx, user)

        await permit.apply(run)
        return {"User": _user(user)}

    async def get_user(self, caller: Caller, request: iam.GetUserRequest) -> iam.GetUserResponse:
        """A user, or the caller itself when none is named."""
        name = request.get("UserName")
        principal = caller.principal
        if name is None and principal.kind is PrincipalKind.ROOT:
            return {
                "User": {
                    "Path": "/",
                    "UserName": "root",
                    "UserId": principal.account_id,
                    "Arn": principal.arn,
                    "CreateDate": 0.0,
                }
            }
        user = await authorized_user(
            self._store, self._authorizer, caller, action="GetUser", name=user_asked_for(caller, name)
        )
        return {"User": _user(user)}

    async def list_users(self, caller: Caller, request: iam.ListUsersRequest) -> iam.ListUsersResponse:
        """Users by name, those under a path prefix."""
        await self._authorizer.require(
            caller, "iam:ListUsers", f"arn:aws:iam::{caller.principal.account_id}:user/"
        )
        limit, after = page_of(request.get("MaxItems"), request.get("Marker"))

        async def run(tx: Transaction) -> list[users.User]:
            return await users.list_users(
                tx,
                caller.principal.account_id,
                path_prefix=request.get("PathPrefix", "/"),
                after=after,
                limit=limit + 1,
            )

        page, marker = paging.cut(await self._store.read(run), limit, lambda user: user.user_name)
        return {"Users": [user_shape(user) for user in page], **paging.truncation(marker)}

    async def update_user(self, caller: Caller, request: iam.UpdateUserRequest) -> iam.UpdateUserResponse:
        """Give a user another name or path; the caller needs the permission for the user as it is and will be.

        Keys, groups and policies stay with the user, and policies and bounds that name it name it anew.
        """
        user, permit = await permitted_user(
            self._store, self._authorizer, caller, action="UpdateUser", name=request["UserName"]
        )
        to_be = await self._authorizer.require(caller, "iam:UpdateUser", _renamed(user, request).arn)
        permit = permit.resting_on(to_be.epochs)

        async def begin(tx: Transaction) -> tuple[users.User, Bound]:
            held = await user_named(tx, user.account_id, user.user_name)
            await _check_free(tx, held, _renamed(held, request))
            return held, await bound_to(tx, held)

        begun, bound = await permit.read(begin)
        renaming = Renaming(begun, _renamed(begun, request), bound)

        async def rest(tx: Transaction) -> None:
            held = await user_named(tx, user.account_id, user.user_name)
            if held.user_id != begun.user_id:
                raise NoSuchEntity.named("user", user.user_name)
            await _check_free(tx, held, _renamed(held, request))
            await renaming.rest(tx)

        if _renamed(begun, request) == begun:
            await permit.apply(_nothing)
        else:
            await permit.apply_after(renaming.parts(), rest)
        return {}

    async def delete_user(self, caller: Caller, request: iam.DeleteUserRequest) -> iam.DeleteUserResponse:
        """Remove a user that has no keys and no policies left."""
        user, permit = await permitted_user(
            self._store, self._authorizer, caller, action="DeleteUser", name=request["UserName"]
        )

        async def run(tx: Transaction) -> None:
            if await users.list_keys(tx, user.account_id, user.user_id):
                raise DeleteConflict.until("delete access keys")
            await check_without_policies(tx, user.user_id)
            if await groups.of_user(tx, user.user_id):
                raise DeleteConflict.until("remove users from group")
            if await login_profiles.get(tx, user.user_id) is not None:
                raise DeleteConflict.until("delete login profile")
            if await login_profiles.devices_of(tx, user.user_id):
                raise DeleteConflict.until("delete MFA device")
            await users.delete_user(tx, user)

        await permit.apply(run)
        return {}

    async def create_access_key(
        self, caller: Caller, request: iam.CreateAccessKeyRequest
    ) -> iam.CreateAccessKeyResponse:
        """Make a key for a user, or for the caller; the secret is shown only this once."""
        user_id, name, permit = await self._key_owner(caller, "CreateAccessKey", request.get("UserName"))
        access_key_id, secret = f"AKIA{self._random_name(16)}", self._random_secret()
        key = users.AccessKey(
            access_key_id=access_key_id,
            account_id=caller.principal.account_id,
            user_id=user_id,
            sealed_secret=self._sealer.seal(secret.encode(), row=f"access_key:{access_key_id}"),
            status="Active",
            created_at=self._clock.now(),
        )

        async def run(tx: Transaction) -> None:
            if len(await users.list_keys(tx, key.account_id, user_id)) >= users.MAX_ACCESS_KEYS:
                raise IamLimitExceeded(f"Cannot exceed quota for AccessKeysPerUser: {users.MAX_ACCESS_KEYS}")
            await users.create_key(tx, key)

        response = {"accessKey": {"userName": name, "accessKeyId": access_key_id, "status": "Active"}}
        await permit.apply(run, response=lambda _: response)
        return {
            "AccessKey": {
                "UserName": name,
                "AccessKeyId": access_key_id,
                "Status": "Active",
                "SecretAccessKey": secret,
                "CreateDate": math.floor(key.created_at),
            }
        }

    async def list_access_keys(
        self, caller: Caller, request: iam.ListAccessKeysRequest
    ) -> iam.ListAccessKeysResponse:
        """A user's keys, oldest first."""
        user_id, name, _ = await self._key_owner(caller, "ListAccessKeys", request.get("UserName"))

        async def run(tx: Transaction) -> list[users.AccessKey]:
            return await users.list_keys(tx, caller.principal.account_id, user_id)

        keys = sorted(await self._store.read(run), key=lambda key: key.access_key_id)
        page, end = page_from(keys, request, lambda key: key.access_key_id)
        return {
            "AccessKeyMetadata": [
                {
                    "UserName": name,
                    "AccessKeyId": key.access_key_id,
                    "Status": "Active" if key.status == "Active" else "Inactive",
                    "CreateDate": math.floor(key.created_at),
                }
                for key in page
            ],
            **end,
        }

    async def update_access_key(
        self, caller: Caller, request: iam.UpdateAccessKeyRequest
    ) -> iam.UpdateAccessKeyResponse:
        """Make a key Active or Inactive."""
        if request["Status"] == "Expired":
            raise InvalidInput("Status must be Active or Inactive.")
        user_id, _, permit = await self._key_owner(caller, "UpdateAccessKey", request.get("UserName"))

        async def run(tx: Transaction) -> None:
            key = await _own_key(tx, caller.principal.account_id, user_id, request["AccessKeyId"])
            await users.set_key_status(tx, key, request["Status"])

        await permit.apply(run)
        return {}

    async def delete_access_key(
        self, caller: Caller, request: iam.DeleteAccessKeyRequest
    ) -> iam.DeleteAccessKeyResponse:
        """Remove a key; from the answer on nothing is accepted under it (I4)."""
        user_id, _, permit = await self._key_owner(caller, "DeleteAccessKey", request.get("UserName"))

        async def run(tx: Transaction) -> None:
            key = await _own_key(tx, caller.principal.account_id, user_id, request["AccessKeyId"])
            await users.delete_key(tx, key, at=caller.at)

        await permit.apply(run)
        return {}

    async def _key_owner(self, caller: Caller, action: str, name: str | None) -> tuple[str, str, Permit]:
        """Unique id and name of whose keys are meant, the user named or the caller, and what lets the call through."""
        if name is None and caller.principal.kind is PrincipalKind.ROOT:
            permit = await self._authorizer.require(caller, f"iam:{action}", caller.principal.arn)
            return caller.principal.account_id, "root", permit
        user, permit = await permitted_user(
            self._store, self._authorizer, caller, action=action, name=user_asked_for(caller, name)
        )
        return user.user_id, user.user_name, permit


async def _own_key(
    tx: Transaction, account_id: AccountId, user_id: str, access_key_id: str
) -> users.AccessKey:
    key = await users.get_key(tx, access_key_id)
    if key is None or key.account_id != account_id or key.user_id != user_id:
        raise NoSuchEntity(f"The Access Key with id {access_key_id} cannot be found.")
    return key


async def _check_free(tx: Transaction, user: users.User, renamed: users.User) -> None:
    """Raise `EntityAlreadyExists` if the new name is that of another user."""
    taken = await users.get_user(tx, user.account_id, renamed.user_name)
    if taken is not None and taken.user_id != user.user_id:
        raise EntityAlreadyExists(f"User with name {renamed.user_name} already exists.")


async def _nothing(tx: Transaction) -> None:
    """Change nothing."""


def _renamed(user: users.User, request: iam.UpdateUserRequest) -> users.User:
    return replace(
        user,
        user_name=request.get("NewUserName", user.user_name),
        path=request.get("NewPath", user.path),
    )


def _user(user: users.User) -> iam.User:
    """A user with what a list leaves out."""
    shape = user_shape(user)
    if user.permissions_boundary:
        shape["PermissionsBoundary"] = boundary_shape(user.permissions_boundary)
    if tags := json.loads(user.tags):
        shape["Tags"] = tags
    return shape
