"""IAM groups and their members.

Source: IAM API reference and "IAM and AWS STS quotas".
"""

from collections.abc import Callable, Iterable
from dataclasses import replace

from sesame.access.changes import Permit
from sesame.access.permission import Authorizer
from sesame.aws.errors import (
    DeleteConflict,
    EntityAlreadyExists,
    IamLimitExceeded,
    NoSuchEntity,
)
from sesame.aws.shapes import iam
from sesame.db import Store, Transaction
from sesame.model import Caller
from sesame.observe import Clock
from sesame.operations.iam.checks import (
    Paged,
    authorized_user,
    check_without_policies,
    page_from,
    permitted_group,
    user_named,
    user_shape,
)
from sesame.operations.table import Handlers
from sesame.store.iam import groups

MAX_GROUPS = 300
MAX_GROUPS_OF_USER = 10


class GroupOperations:
    """The operations; `random_name` makes upper-case ids."""

    def __init__(
        self,
        store: Store,
        authorizer: Authorizer,
        *,
        clock: Clock,
        random_name: Callable[[int], str],
    ) -> None:
        self._store = store
        self._authorizer = authorizer
        self._clock = clock
        self._random_name = random_name

    def handlers(self) -> Handlers:
        """What this serves, by operation name."""
        return {
            "CreateGroup": self.create_group,
            "GetGroup": self.get_group,
            "ListGroups": self.list_groups,
            "UpdateGroup": self.update_group,
            "DeleteGroup": self.delete_group,
            "AddUserToGroup": self.add_user_to_group,
            "RemoveUserFromGroup": self.remove_user_from_group,
            "ListGroupsForUser": self.list_groups_for_user,
        }

    async def create_group(self, caller: Caller, request: iam.CreateGroupRequest) -> iam.CreateGroupResponse:
        """Add a group; names are unique without regard to case."""
        group = groups.Group(
            account_id=caller.principal.account_id,
            group_name=request["GroupName"],
            path=request.get("Path", "/"),
            group_id=f"AGPA{self._random_name(17)}",
            created_at=float(int(self._clock.now())),
        )
        permit = await self._authorizer.require(caller, "iam:CreateGroup", group.arn)

        async def run(tx: Transaction) -> None:
            if await groups.get(tx, group.account_id, group.group_name) is not None:
                raise EntityAlreadyExists(f"Group with name {group.group_name} already exists.")
            if len(await groups.list_groups(tx, group.account_id)) >= MAX_GROUPS:
                raise IamLimitExceeded(f"Cannot exceed quota for GroupsPerAccount: {MAX_GROUPS}")
            await groups.create(tx, group)

        await permit.apply(run)
        return {"Group": group_shape(group)}

    async def get_group(self, caller: Caller, request: iam.GetGroupRequest) -> iam.GetGroupResponse:
        """A group with its members by name."""
        group, _ = await self._permitted(caller, "GetGroup", request["GroupName"])
        members = await self._store.read(lambda tx: groups.members(tx, group))
        page, end = page_from(members, request, lambda user: user.user_name)
        return {"Group": group_shape(group), "Users": [user_shape(user) for user in page], **end}

    async def list_groups(self, caller: Caller, request: iam.ListGroupsRequest) -> iam.ListGroupsResponse:
        """Groups by name, those under a path prefix."""
        account_id = caller.principal.account_id
        await self._authorizer.require(caller, "iam:ListGroups", f"arn:aws:iam::{account_id}:group/")
        found = await self._store.read(lambda tx: groups.list_groups(tx, account_id))
        below = [group for group in found if group.path.startswith(request.get("PathPrefix", "/"))]
        return _listed(below, request)

    async def update_group(self, caller: Caller, request: iam.UpdateGroupRequest) -> iam.UpdateGroupResponse:
        """Give a group another name or path; the caller needs the permission for the group as it is and will be."""
        group, permit = await self._permitted(caller, "UpdateGroup", request["GroupName"])
        renamed = _renamed(group, request)
        to_be = await self._authorizer.require(caller, "iam:UpdateGroup", renamed.arn)

        async def run(tx: Transaction) -> None:
            held = await _named(tx, caller, group.group_name)
            taken = await groups.get(tx, held.account_id, renamed.group_name)
            if taken is not None and taken.group_id != held.group_id:
                raise EntityAlreadyExists(f"Group with name {renamed.group_name} already exists.")
            await groups.rename(tx, _renamed(held, request))

        await permit.resting_on(to_be.epochs).apply(run)
        return {}

    async def delete_group(self, caller: Caller, request: iam.DeleteGroupRequest) -> iam.DeleteGroupResponse:
        """Remove a group that has no members and no policies left."""
        group, permit = await self._permitted(caller, "DeleteGroup", request["GroupName"])

        async def run(tx: Transaction) -> None:
            if await groups.members(tx, group):
                raise DeleteConflict.until("remove users from group")
            await check_without_policies(tx, group.group_id)
            await groups.delete(tx, group)

        await permit.apply(run)
        return {}

    async def add_user_to_group(
        self, caller: Caller, request: iam.AddUserToGroupRequest
    ) -> iam.AddUserToGroupResponse:
        """Put a user in a group; from the answer on the group's policies count for it."""
        _, permit = await self._permitted(caller, "AddUserToGroup", request["GroupName"])

        async def run(tx: Transaction) -> None:
            group = await _named(tx, caller, request["GroupName"])
            user = await user_named(tx, group.account_id, request["UserName"])
            others = [other for other in await groups.of_user(tx, user.user_id) if other != group]
            if len(others) >= MAX_GROUPS_OF_USER:
                raise IamLimitExceeded(f"Cannot exceed quota for GroupsPerUser: {MAX_GROUPS_OF_USER}")
            await groups.add_member(tx, group, user.user_id)

        await permit.apply(run)
        return {}

    async def remove_user_from_group(
        self, caller: Caller, request: iam.RemoveUserFromGroupRequest
    ) -> iam.RemoveUserFromGroupResponse:
        """Take a user out of a group; from the answer on its policies do not count for it (I4)."""
        _, permit = await self._permitted(caller, "RemoveUserFromGroup", request["GroupName"])

        async def run(tx: Transaction) -> None:
            group = await _named(tx, caller, request["GroupName"])
            user = await user_named(tx, group.account_id, request["UserName"])
            if not await groups.remove_member(tx, group, user.user_id):
                raise NoSuchEntity(f"User {user.user_name} is not in group {group.group_name}.")

        await permit.apply(run)
        return {}

    async def list_groups_for_user(
        self, caller: Caller, request: iam.ListGroupsForUserRequest
    ) -> iam.ListGroupsForUserResponse:
        """The groups a user is in, by name."""
        user = await authorized_user(
            self._store, self._authorizer, caller, action="ListGroupsForUser", name=request["UserName"]
        )
        return _listed(await self._store.read(lambda tx: groups.of_user(tx, user.user_id)), request)

    async def _permitted(self, caller: Caller, action: str, name: str) -> tuple[groups.Group, Permit]:
        return await permitted_group(self._store, self._authorizer, caller, action=action, name=name)


async def _named(tx: Transaction, caller: Caller, name: str) -> groups.Group:
    group = await groups.get(tx, caller.principal.account_id, name)
    if group is None:
        raise NoSuchEntity.named("group", name)
    return group


def _renamed(group: groups.Group, request: iam.UpdateGroupRequest) -> groups.Group:
    return replace(
        group,
        group_name=request.get("NewGroupName", group.group_name),
        path=request.get("NewPath", group.path),
    )


def _listed(found: Iterable[groups.Group], request: Paged) -> iam.ListGroupsResponse:
    page, end = page_from(found, request, lambda group: group.group_name)
    return {"Groups": [group_shape(group) for group in page], **end}


def group_shape(group: groups.Group) -> iam.Group:
    """A group as an answer has it."""
    return {
        "Path": group.path,
        "GroupName": group.group_name,
        "GroupId": group.group_id,
        "Arn": group.arn,
        "CreateDate": group.created_at,
    }
