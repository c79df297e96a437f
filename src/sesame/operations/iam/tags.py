"""Tags of IAM users, roles and managed policies; the first two are what `aws:PrincipalTag/...` asks.

Source: IAM API reference, TagUser, UntagUser, ListUserTags, and the same of roles and policies.
"""

import json
from collections.abc import Iterable
from dataclasses import replace

from sesame.access.authorize import Authorizer
from sesame.access.changes import Permit
from sesame.access.conditions import NO_KEYS, Keys, tag_keys
from sesame.aws import paging
from sesame.aws.shapes import iam
from sesame.db import Store, Transaction
from sesame.model import Caller
from sesame.operations.iam.checks import (
    keys_of,
    page_of,
    permitted_role,
    permitted_user,
    role_named,
    user_named,
)
from sesame.operations.iam.managed_policies import policy_named
from sesame.operations.principal_tags import check_tags
from sesame.operations.table import Handlers
from sesame.store import tags
from sesame.store.iam import roles, users
from sesame.store.iam.managed_policies import AWS_MANAGED


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
            "TagPolicy": self.tag_policy,
            "UntagPolicy": self.untag_policy,
            "ListPolicyTags": self.list_policy_tags,
        }

    async def tag_user(self, caller: Caller, request: iam.TagUserRequest) -> iam.TagUserResponse:
        """Add tags, or give those of the same key (without regard to case) a new value."""
        user, permit = await self._user(caller, "TagUser", request["UserName"], keys_of(request["Tags"]))
        given = check_tags(request["Tags"])

        async def run(tx: Transaction) -> None:
            current = await user_named(tx, user.account_id, user.user_name)
            await users.set_tags(tx, current, _with(current.tags, given))

        await permit.apply(run)
        return {}

    async def untag_user(self, caller: Caller, request: iam.UntagUserRequest) -> iam.UntagUserResponse:
        """Take tags away; keys that are not there change nothing."""
        user, permit = await self._user(
            caller, "UntagUser", request["UserName"], tag_keys(request["TagKeys"])
        )

        async def run(tx: Transaction) -> None:
            current = await user_named(tx, user.account_id, user.user_name)
            await users.set_tags(tx, current, _without(current.tags, request["TagKeys"]))

        await permit.apply(run)
        return {}

    async def list_user_tags(
        self, caller: Caller, request: iam.ListUserTagsRequest
    ) -> iam.ListUserTagsResponse:
        """A user's tags by key."""
        user, _ = await self._user(caller, "ListUserTags", request["UserName"])
        return _page(user.tags, request)

    async def tag_role(self, caller: Caller, request: iam.TagRoleRequest) -> iam.TagRoleResponse:
        """Add tags, or give those of the same key a new value; open sessions have them at once."""
        role, permit = await self._role(caller, "TagRole", request["RoleName"], keys_of(request["Tags"]))
        given = check_tags(request["Tags"])

        async def run(tx: Transaction) -> None:
            current = await role_named(tx, role.account_id, role.role_name)
            await roles.put(tx, replace(current, tags=_with(current.tags, given)))

        await permit.apply(run)
        return {}

    async def untag_role(self, caller: Caller, request: iam.UntagRoleRequest) -> iam.UntagRoleResponse:
        """Take tags away; keys that are not there change nothing."""
        role, permit = await self._role(
            caller, "UntagRole", request["RoleName"], tag_keys(request["TagKeys"])
        )

        async def run(tx: Transaction) -> None:
            current = await role_named(tx, role.account_id, role.role_name)
            await roles.put(tx, replace(current, tags=_without(current.tags, request["TagKeys"])))

        await permit.apply(run)
        return {}

    async def list_role_tags(
        self, caller: Caller, request: iam.ListRoleTagsRequest
    ) -> iam.ListRoleTagsResponse:
        """A role's tags by key."""
        role, _ = await self._role(caller, "ListRoleTags", request["RoleName"])
        return _page(role.tags, request)

    async def tag_policy(self, caller: Caller, request: iam.TagPolicyRequest) -> iam.TagPolicyResponse:
        """Add tags to a managed policy, or give those of the same key a new value."""
        arn = request["PolicyArn"]
        permit = await self._authorizer.require(caller, "iam:TagPolicy", arn, keys=keys_of(request["Tags"]))
        given = check_tags(request["Tags"])

        async def run(tx: Transaction) -> None:
            policy = await policy_named(tx, caller, arn)
            merged = {key.lower(): (key, value) for key, value in (await tags.get(tx, policy.arn)).items()}
            merged |= {tag["Key"].lower(): (tag["Key"], tag["Value"]) for tag in given}
            check_tags([{"Key": key, "Value": value} for key, value in merged.values()])
            await tags.remove_all(tx, policy.arn)
            await tags.put(tx, policy.arn, dict(merged.values()))

        await permit.apply(run)
        return {}

    async def untag_policy(self, caller: Caller, request: iam.UntagPolicyRequest) -> iam.UntagPolicyResponse:
        """Take tags off a managed policy; keys that are not there change nothing."""
        arn = request["PolicyArn"]
        permit = await self._authorizer.require(
            caller, "iam:UntagPolicy", arn, keys=tag_keys(request["TagKeys"])
        )
        gone = {key.lower() for key in request["TagKeys"]}

        async def run(tx: Transaction) -> None:
            policy = await policy_named(tx, caller, arn)
            held = await tags.get(tx, policy.arn)
            await tags.remove(tx, policy.arn, [key for key in held if key.lower() in gone])

        await permit.apply(run)
        return {}

    async def list_policy_tags(
        self, caller: Caller, request: iam.ListPolicyTagsRequest
    ) -> iam.ListPolicyTagsResponse:
        """A managed policy's tags by key."""
        arn = request["PolicyArn"]
        await self._authorizer.require(caller, "iam:ListPolicyTags", arn)

        async def run(tx: Transaction) -> dict[str, str]:
            if arn in AWS_MANAGED:
                return {}
            return await tags.get(tx, (await policy_named(tx, caller, arn)).arn)

        held = await self._store.read(run)
        return _page(json.dumps([{"Key": key, "Value": value} for key, value in held.items()]), request)

    async def _user(
        self, caller: Caller, action: str, name: str, keys: Keys = NO_KEYS
    ) -> tuple[users.User, Permit]:
        return await permitted_user(
            self._store, self._authorizer, caller, action=action, name=name, keys=keys
        )

    async def _role(
        self, caller: Caller, action: str, name: str, keys: Keys = NO_KEYS
    ) -> tuple[roles.Role, Permit]:
        return await permitted_role(
            self._store, self._authorizer, caller, action=action, name=name, keys=keys
        )


def _with(held: str, given: list[iam.Tag]) -> str:
    """The JSON list of tags with those given added or changed; raises for too many."""
    merged = {tag["Key"].lower(): tag for tag in json.loads(held)}
    merged |= {tag["Key"].lower(): tag for tag in given}
    return json.dumps(check_tags(list(merged.values())))


def _without(held: str, keys: Iterable[str]) -> str:
    gone = {key.lower() for key in keys}
    return json.dumps([tag for tag in json.loads(held) if tag["Key"].lower() not in gone])


def _page(
    held: str, request: iam.ListUserTagsRequest | iam.ListRoleTagsRequest | iam.ListPolicyTagsRequest
) -> iam.ListUserTagsResponse:
    limit, after = page_of(request.get("MaxItems"), request.get("Marker"))
    known: list[iam.Tag] = sorted(json.loads(held), key=lambda tag: str(tag["Key"]))
    page, marker = paging.cut([tag for tag in known if tag["Key"] > after], limit, lambda tag: tag["Key"])
    return {"Tags": list(page), **paging.truncation(marker)}
