"""People: users, groups and roles of the account, their keys and policies, by the operations of IAM."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

from starlette.responses import Response

from sesame.aws.paging import encode
from sesame.console.visit import Page, Visit
from sesame.errors import AccessDenied, ServiceError
from sesame.store.iam import managed_policies
from sesame.store.iam.managed_policies import AWS_MANAGED

PAGE = 50


async def _part(visit: Visit, operation: str, request: Mapping[str, Any], key: str) -> tuple[list[Any], str]:
    """Part of a page: a list, and why it may not be seen, where that is so."""
    try:
        return list((await visit.call("iam", operation, request))[key]), ""
    except AccessDenied as error:
        return [], error.message


async def show(visit: Visit) -> Response:
    """Users, groups and roles by name."""
    return await _list(visit)


async def _list(visit: Visit, problem: str = "", status: int = 200, given: str = "") -> Response:
    after = visit.query.get("after", "")
    request: dict[str, Any] = {"MaxItems": PAGE, **({"Marker": encode(after)} if after else {})}
    answer = await visit.call("iam", "ListUsers", request)
    listed = answer["Users"]
    groups, no_groups = await _part(visit, "ListGroups", {"MaxItems": PAGE}, "Groups")
    roles, no_roles = await _part(visit, "ListRoles", {"MaxItems": PAGE}, "Roles")
    return visit.page(
        "people.html",
        status=status,
        problem=problem,
        given=given,
        users=listed,
        groups=groups,
        roles=roles,
        no_groups=no_groups,
        no_roles=no_roles,
        more=listed[-1]["UserName"] if answer.get("IsTruncated") and listed else None,
        is_first=not after,
    )


def _of(visit: Visit, kind: str, name: str) -> str:
    return visit.here(f"/people/{kind}/{quote(name, safe='')}")


async def create_user(visit: Visit) -> Response:
    """Make a user, who may do nothing yet."""
    name = visit.form.get("name", "").strip()
    try:
        await visit.call("iam", "CreateUser", {"UserName": name})
    except AccessDenied:
        raise
    except ServiceError as error:
        return await _list(visit, error.message, error.http_status, name)
    return visit.go(_of(visit, "users", name))


async def create_group(visit: Visit) -> Response:
    """Make a group, with nobody in it."""
    name = visit.form.get("name", "").strip()
    try:
        await visit.call("iam", "CreateGroup", {"GroupName": name})
    except AccessDenied:
        raise
    except ServiceError as error:
        return await _list(visit, error.message, error.http_status)
    return visit.go(_of(visit, "groups", name))


async def show_user(visit: Visit) -> Response:
    """One user: keys, policies, groups."""
    return await _user(visit)


async def _user(visit: Visit, problem: str = "", status: int = 200, key: object = None) -> Response:
    who = {"UserName": visit.path_values["name"]}
    user = (await visit.call("iam", "GetUser", who))["User"]
    keys, no_keys = await _part(visit, "ListAccessKeys", who, "AccessKeyMetadata")
    attached, no_policies = await _part(visit, "ListAttachedUserPolicies", who, "AttachedPolicies")
    inline, _ = await _part(visit, "ListUserPolicies", who, "PolicyNames")
    groups, no_groups = await _part(visit, "ListGroupsForUser", who, "Groups")
    return visit.page(
        "person.html",
        status=status,
        problem=problem,
        user=user,
        keys=keys,
        no_keys=no_keys,
        attached=attached,
        inline=inline,
        no_policies=no_policies,
        groups=groups,
        no_groups=no_groups,
        policies=await _policies(visit),
        new_key=key,
    )


async def _policies(visit: Visit) -> list[tuple[str, str]]:
    """ARN and name of what can be attached, for who may list it."""
    try:
        await visit.backing.authorizer.require(visit.me, "iam:ListPolicies", "*")
    except AccessDenied:
        return []
    account_id = visit.me.principal.account_id
    own = await visit.backing.store.read(lambda tx: managed_policies.list_policies(tx, account_id))
    aws = [(arn, f"{arn.rpartition('/')[2]} (AWS)") for arn in sorted(AWS_MANAGED)]
    return [*((policy.arn, policy.arn.rpartition("/")[2]) for policy in own), *aws]


async def _try(visit: Visit, operation: str, request: Mapping[str, Any]) -> Response:
    """Do something to the user of the page."""
    name = visit.path_values["name"]
    try:
        await visit.call("iam", operation, {"UserName": name, **request})
    except AccessDenied:
        raise
    except ServiceError as error:
        return await _user(visit, error.message, error.http_status)
    return visit.go(_of(visit, "users", name), said="set")


async def create_key(visit: Visit) -> Response:
    """Make an access key; its secret is shown this once."""
    try:
        made = await visit.call("iam", "CreateAccessKey", {"UserName": visit.path_values["name"]})
    except AccessDenied:
        raise
    except ServiceError as error:
        return await _user(visit, error.message, error.http_status)
    return await _user(visit, key=made["AccessKey"])


async def change_key(visit: Visit) -> Response:
    """Disable a key, enable it again, or delete it."""
    key, do = {"AccessKeyId": visit.form.get("key", "")}, visit.form.get("do", "")
    if do == "delete":
        return await _try(visit, "DeleteAccessKey", key)
    return await _try(visit, "UpdateAccessKey", {**key, "Status": "Active" if do == "enable" else "Inactive"})


async def change_policy(visit: Visit) -> Response:
    """Attach a managed policy, or detach it."""
    operation = "DetachUserPolicy" if visit.form.get("do") == "detach" else "AttachUserPolicy"
    return await _try(visit, operation, {"PolicyArn": visit.form.get("policy", "").strip()})


async def change_membership(visit: Visit) -> Response:
    """Put the user into a group, or take the user out of it."""
    operation = "RemoveUserFromGroup" if visit.form.get("do") == "remove" else "AddUserToGroup"
    return await _try(visit, operation, {"GroupName": visit.form.get("group", "").strip()})


async def delete_user(visit: Visit) -> Response:
    """Delete the user, once the name is typed and keys, policies and groups are gone."""
    name = visit.path_values["name"]
    if visit.form.get("name", "").strip() != name:
        return await _user(visit, "That is not the user's name.", 400)
    try:
        await visit.call("iam", "DeleteUser", {"UserName": name})
    except AccessDenied:
        raise
    except ServiceError as error:
        return await _user(visit, error.message, error.http_status)
    return visit.go(visit.here("/people"), said="gone")


async def show_group(visit: Visit) -> Response:
    """One group: who is in it and what it may do."""
    return await _group(visit)


async def _group(visit: Visit, problem: str = "", status: int = 200) -> Response:
    which = {"GroupName": visit.path_values["name"]}
    found = await visit.call("iam", "GetGroup", {**which, "MaxItems": 100})
    attached, no_policies = await _part(visit, "ListAttachedGroupPolicies", which, "AttachedPolicies")
    inline, _ = await _part(visit, "ListGroupPolicies", which, "PolicyNames")
    return visit.page(
        "group.html",
        status=status,
        problem=problem,
        group=found["Group"],
        users=found["Users"],
        is_cut=found.get("IsTruncated", False),
        attached=attached,
        inline=inline,
        no_policies=no_policies,
        policies=await _policies(visit),
    )


async def change_group_policy(visit: Visit) -> Response:
    """Attach a managed policy to the group, or detach it."""
    name = visit.path_values["name"]
    operation = "DetachGroupPolicy" if visit.form.get("do") == "detach" else "AttachGroupPolicy"
    request = {"GroupName": name, "PolicyArn": visit.form.get("policy", "").strip()}
    try:
        await visit.call("iam", operation, request)
    except AccessDenied:
        raise
    except ServiceError as error:
        return await _group(visit, error.message, error.http_status)
    return visit.go(_of(visit, "groups", name), said="set")


async def show_role(visit: Visit) -> Response:
    """One role: who may take it on and what it may do."""
    which = {"RoleName": visit.path_values["name"]}
    role = (await visit.call("iam", "GetRole", which))["Role"]
    attached, no_policies = await _part(visit, "ListAttachedRolePolicies", which, "AttachedPolicies")
    inline, _ = await _part(visit, "ListRolePolicies", which, "PolicyNames")
    trust = unquote(role["AssumeRolePolicyDocument"])
    return visit.page(
        "role.html", role=role, trust=trust, attached=attached, inline=inline, no_policies=no_policies
    )


_USER, _GROUP = "/{region}/people/users/{name}", "/{region}/people/groups/{name}"
PAGES = (
    Page(path="/{region}/people", handler=show),
    Page(path="/{region}/people/users", handler=create_user, method="POST"),
    Page(path="/{region}/people/groups", handler=create_group, method="POST"),
    Page(path=_USER, handler=show_user),
    Page(path=f"{_USER}/keys", handler=create_key, method="POST"),
    Page(path=f"{_USER}/keys/change", handler=change_key, method="POST"),
    Page(path=f"{_USER}/policies", handler=change_policy, method="POST"),
    Page(path=f"{_USER}/groups", handler=change_membership, method="POST"),
    Page(path=f"{_USER}/delete", handler=delete_user, method="POST"),
    Page(path=_GROUP, handler=show_group),
    Page(path=f"{_GROUP}/policies", handler=change_group_policy, method="POST"),
    Page(path="/{region}/people/roles/{name}", handler=show_role),
)
