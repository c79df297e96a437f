"""Tags of IAM users and roles; they are what `aws:PrincipalTag/...` asks.

Source: IAM API reference, TagUser, UntagUser, ListUserTags, and the same of roles.
"""

import json
from collections.abc import Iterable
from dataclasses import replace

from sesame.access.authorize import Authorizer
from sesame.aws import paging
from sesame.aws.shapes import iam
from sesame.db import Store, Transaction
from sesame.model import Caller
from sesame.operations.iam.checks import (
    authorized_role,
    authorized_user,
    page_of,
    role_named,
    user_named,
)
from sesame.operations.principal_tags import check_tags
from sesame.operations.table import Handlers
from sesame.store.iam import roles, users


class TagOperations:
    """The operations; each checks the caller's IAM policies first."""

    def __init__(self, store: Store, authorizer: Authorizer) -> None:
        self._store = store
        self._authorizer = authorizer

    def handlers(self) -> Handlers:
        """What this serves, by operation name."""
        return {
            "TagUser": self.tag_user,
            "UntagUser": self.untag_user,
            "ListUserTags": self.list_user_tags,
            "TagRole": self.tag_role,
            "UntagRole": self.untag_role,
            "ListRoleTags": self.list_role_tags,
        }

    async def tag_user(self, caller: Caller, request: iam.TagUserRequest) -> iam.TagUserResponse:
        """Add tags, or give those of the same key (without regard to case) a new value."""
        user = await self._user(caller, "TagUser", request["UserName"])
        given = check_tags(request["Tags"])

        async def run(tx: Transaction) -> None:
            current = await user_named(tx, user.account_id, user.user_name)
            await users.set_tags(tx, current, _with(current.tags, given))

        await self._store.write(run)
        return {}

    async def untag_user(self, caller: Caller, request: iam.UntagUserRequest) -> iam.UntagUserResponse:
        """Take tags away; keys that are not there change nothing."""
        user = await self._user(caller, "UntagUser", request["UserName"])

        async def run(tx: Transaction) -> None:
            current = await user_named(tx, user.account_id, user.user_name)
            await users.set_tags(tx, current, _without(current.tags, request["TagKeys"]))

        await self._store.write(run)
        return {}

    async def list_user_tags(
        self, caller: Caller, request: iam.ListUserTagsRequest
    ) -> iam.ListUserTagsResponse:
        """A user's tags by key."""
        user = await self._user(caller, "ListUserTags", request["UserName"])
        return _page(user.tags, request)

    async def tag_role(self, caller: Caller, request: iam.TagRoleRequest) -> iam.TagRoleResponse:
        """Add tags, or give those of the same key a new value; open sessions have them at once."""
        role = await self._role(caller, "TagRole", request["RoleName"])
        given = check_tags(request["Tags"])

        async def run(tx: Transaction) -> None:
            current = await role_named(tx, role.account_id, role.role_name)
            await roles.put(tx, replace(current, tags=_with(current.tags, given)))

        await self._store.write(run)
        return {}

    async def untag_role(self, caller: Caller, request: iam.UntagRoleRequest) -> iam.UntagRoleResponse:
        """Take tags away; keys that are not there change nothing."""
        role = await self._role(caller, "UntagRole", request["RoleName"])

        async def run(tx: Transaction) -> None:
            current = await role_named(tx, role.account_id, role.role_name)
            await roles.put(tx, replace(current, tags=_without(current.tags, request["TagKeys"])))

        await self._store.write(run)
        return {}

    async def list_role_tags(
        self, caller: Caller, request: iam.ListRoleTagsRequest
    ) -> iam.ListRoleTagsResponse:
        """A role's tags by key."""
        role = await self._role(caller, "ListRoleTags", request["RoleName"])
        return _page(role.tags, request)

    async def _user(self, caller: Caller, action: str, name: str) -> users.User:
        return await authorized_user(self._store, self._authorizer, caller, action=action, name=name)

    async def _role(self, caller: Caller, action: str, name: str) -> roles.Role:
        return await authorized_role(self._store, self._authorizer, caller, action=action, name=name)


def _with(tags: str, given: list[iam.Tag]) -> str:
    """The JSON list of tags with those given added or changed; raises for too many."""
    merged = {tag["Key"].lower(): tag for tag in json.loads(tags)}
    merged |= {tag["Key"].lower(): tag for tag in given}
    return json.dumps(check_tags(list(merged.values())))


def _without(tags: str, keys: Iterable[str]) -> str:
    gone = {key.lower() for key in keys}
    return json.dumps([tag for tag in json.loads(tags) if tag["Key"].lower() not in gone])


def _page(tags: str, request: iam.ListUserTagsRequest | iam.ListRoleTagsRequest) -> iam.ListUserTagsResponse:
    limit, after = page_of(request.get("MaxItems"), request.get("Marker"))
    known: list[iam.Tag] = sorted(json.loads(tags), key=lambda tag: str(tag["Key"]))
    page, marker = paging.cut([tag for tag in known if tag["Key"] > after], limit, lambda tag: tag["Key"])
    response: iam.ListUserTagsResponse = {"Tags": list(page), "IsTruncated": marker is not None}
    if marker is not None:
        response["Marker"] = marker
    return response
