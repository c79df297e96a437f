"""People: users, groups and roles of the account, their keys and policies, by the operations of IAM."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from sesame.console.visit import Page, Visit
from sesame.errors import AccessDenied, ServiceError
from sesame.operations.people import MOST_MEMBERS


async def show(visit: Visit) -> Response:
    """Users, groups and roles by name."""
    return await _list(visit)


async def _list(visit: Visit, problem: str = "", status: int = 200, given: str = "") -> Response:
    after = visit.query.get("after", "")
    found = await visit.backing.people.everybody(visit.me, after=after)
    return visit.page(
        "people.html",
        status=status,
        problem=problem,
        given=given,
        found=found,
        more=found.users[-1].user_name if found.more else None,
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
    found = await visit.backing.people.one(visit.me, "user", visit.path_values["name"])
    return visit.page("person.html", status=status, problem=problem, found=found, new_key=key)


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
    found = await visit.backing.people.one(visit.me, "group", visit.path_values["name"])
    return visit.page("group.html", status=status, problem=problem, found=found, most=MOST_MEMBERS)


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
    found = await visit.backing.people.one(visit.me, "role", visit.path_values["name"])
    return visit.page("role.html", found=found)


_USER, _GROUP = "/{region}/people/users/{name}", "/{region}/people/groups/{name}"
PAGES = (
    Page(path="/{region}/people", handler=show),
    Page(path="/{region}/people/users", handler=create_user, method="POST", is_grave=True),
    Page(path="/{region}/people/groups", handler=create_group, method="POST", is_grave=True),
    Page(path=_USER, handler=show_user),
    Page(path=f"{_USER}/keys", handler=create_key, method="POST", is_grave=True),
    Page(path=f"{_USER}/keys/change", handler=change_key, method="POST", is_grave=True),
    Page(path=f"{_USER}/policies", handler=change_policy, method="POST", is_grave=True),
    Page(path=f"{_USER}/groups", handler=change_membership, method="POST", is_grave=True),
    Page(path=f"{_USER}/delete", handler=delete_user, method="POST", is_grave=True),
    Page(path=_GROUP, handler=show_group),
    Page(path=f"{_GROUP}/policies", handler=change_group_policy, method="POST", is_grave=True),
    Page(path="/{region}/people/roles/{name}", handler=show_role),
)
