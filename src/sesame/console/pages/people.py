"""People: users, groups and roles of the account, their keys and policies, by the operations of IAM."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from sesame.access.password_rules import LONGEST
from sesame.console.calls import Call, Sample, call, sample
from sesame.console.visit import Page, Visit, problem_of
from sesame.errors import ServiceError
from sesame.operations.people import MOST_MEMBERS, Person

FILL_IN = "A-NEW-password-1"
"""What stands in the foot for the password, which no page shows."""
WRONG_PASSWORD = ("PasswordPolicyViolation", "ValidationError", "InvalidInput")
EXAMPLE = "arn:aws:iam::aws:policy/AmazonSESFullAccess"


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
        calls=[
            sample("List the users", call("iam", "ListUsers")),
            sample("Create a user", _user_creation(given or "anna")),
            sample("Create a group", _group_creation("senders")),
        ],
    )


def _user_creation(name: str) -> Call:
    return call("iam", "CreateUser", UserName=name)


def _group_creation(name: str) -> Call:
    return call("iam", "CreateGroup", GroupName=name)


def _to(visit: Visit, kind: str, name: str) -> str:
    return visit.here(f"/people/{kind}/{quote(name, safe='')}")


async def create_user(visit: Visit) -> Response:
    """Create a user, who may do nothing yet."""
    name = visit.form.get("name", "").strip()
    try:
        await visit.do(_user_creation(name))
    except ServiceError as error:
        return await _list(visit, *problem_of(error), name)
    return visit.go(_to(visit, "users", name))


async def create_group(visit: Visit) -> Response:
    """Create a group, with nobody in it."""
    name = visit.form.get("name", "").strip()
    try:
        await visit.do(_group_creation(name))
    except ServiceError as error:
        return await _list(visit, *problem_of(error))
    return visit.go(_to(visit, "groups", name))


async def show_user(visit: Visit) -> Response:
    """One user: keys, policies, groups."""
    return await _user(visit)


async def _user(
    visit: Visit, problem: str = "", status: int = 200, *, key: object = None, must_change: bool = True
) -> Response:
    found = await visit.backing.people.one(visit.me, "user", visit.path_values["name"])
    return visit.page(
        "person.html",
        status=status,
        problem=problem,
        found=found,
        new_key=key,
        must_change=must_change,
        longest=LONGEST,
        calls=_calls(visit.path_values["name"], found),
    )


def _calls(name: str, found: Person) -> list[Sample]:
    """What the page reads and its buttons do."""
    doing = [
        sample("Read the user", _of(name, "GetUser")),
        sample("Create a key", _of(name, "CreateAccessKey")),
    ]
    for one in found.keys.items[:1]:
        key, is_active = one.access_key_id, one.status == "Active"
        doing.append(
            sample("Disable a key" if is_active else "Enable a key", _switch(name, key, on=not is_active))
        )
        doing.append(sample("Delete a key", _of(name, "DeleteAccessKey", AccessKeyId=key)))
    doing.append(sample("Attach a policy", _policy(name, (*found.choice, EXAMPLE)[0], attach=True)))
    doing += [sample("Detach a policy", _policy(name, arn, attach=False)) for arn in found.attached.items[:1]]
    doing.append(sample("Put the user into a group", _membership(name, "senders", add=True)))
    groups = found.groups.items[:1]
    doing += [sample("Take the user out", _membership(name, one.group_name, add=False)) for one in groups]
    if not found.has_password:
        doing.append(sample("Give the user a password", _password(name, FILL_IN, "create")))
    if found.has_password is not False:
        doing.append(sample("Set another password", _password(name, FILL_IN, "update")))
        doing.append(
            sample(_DEMANDS[not found.must_change], _demand(name, must_change=not found.must_change))
        )
        doing.append(sample("Delete the password", _of(name, "DeleteLoginProfile")))
    return [*doing, sample("Delete the user", _of(name, "DeleteUser"))]


def _of(name: str, operation: str, **more: Any) -> Call:
    return call("iam", operation, UserName=name, **more)


def _switch(name: str, key: str, *, on: bool) -> Call:
    return _of(name, "UpdateAccessKey", AccessKeyId=key, Status="Active" if on else "Inactive")


def _policy(name: str, arn: str, *, attach: bool) -> Call:
    return _of(name, "AttachUserPolicy" if attach else "DetachUserPolicy", PolicyArn=arn)


def _membership(name: str, group: str, *, add: bool) -> Call:
    return _of(name, "AddUserToGroup" if add else "RemoveUserFromGroup", GroupName=group)


def _password(name: str, password: str, do: str, *, must_change: bool = True) -> Call:
    operation = "UpdateLoginProfile" if do == "update" else "CreateLoginProfile"
    return _of(name, operation, Password=password, PasswordResetRequired=must_change)


_DEMANDS = {True: "Require a change of the password", False: "Require no change of the password"}


def _demand(name: str, *, must_change: bool) -> Call:
    return _of(name, "UpdateLoginProfile", PasswordResetRequired=must_change)


async def _try(visit: Visit, made: Call, *, said: str = "set") -> Response:
    """Do something to the user of the page."""
    name = visit.path_values["name"]
    try:
        await visit.do(made)
    except ServiceError as error:
        return await _user(visit, *problem_of(error))
    return visit.go(_to(visit, "users", name), said=said)


async def create_key(visit: Visit) -> Response:
    """Make an access key; its secret is shown this once."""

    async def made() -> Mapping[str, Any]:
        key = (await visit.do(_of(visit.path_values["name"], "CreateAccessKey")))["AccessKey"]
        return {name: key[name] for name in ("AccessKeyId", "SecretAccessKey")}

    try:
        key = await visit.once(made)
    except ServiceError as error:
        return await _user(visit, *problem_of(error))
    return await _user(visit, key=key)


async def change_key(visit: Visit) -> Response:
    """Disable a key, enable it again, or delete it."""
    name, key, do = visit.path_values["name"], visit.form.get("key", ""), visit.form.get("do", "")
    if do == "delete":
        return await _try(visit, _of(name, "DeleteAccessKey", AccessKeyId=key))
    return await _try(visit, _switch(name, key, on=do == "enable"))


async def change_policy(visit: Visit) -> Response:
    """Attach a managed policy, or detach it."""
    name, attach = visit.path_values["name"], visit.form.get("do") != "detach"
    return await _try(visit, _policy(name, visit.form.get("policy", "").strip(), attach=attach))


async def change_membership(visit: Visit) -> Response:
    """Put the user into a group, or take the user out of it."""
    name, add = visit.path_values["name"], visit.form.get("do") != "remove"
    return await _try(visit, _membership(name, visit.form.get("group", "").strip(), add=add))


async def set_password(visit: Visit) -> Response:
    """Give the user a password for the console, or another one. No answer shows it again."""
    form, name = visit.form, visit.path_values["name"]
    password, must_change = form.get("password", ""), "must_change" in form
    if password != form.get("again", ""):
        visit.wrong = ("password", "again")
        return await _user(visit, "The two passwords differ.", 400, must_change=must_change)
    try:
        await visit.do(_password(name, password, form.get("do", ""), must_change=must_change))
    except ServiceError as error:
        visit.wrong = ("password",) if error.code in WRONG_PASSWORD else ()
        problem, status = problem_of(error)
        return await _user(visit, problem, status, must_change=must_change)
    return visit.go(_to(visit, "users", name), said="given")


async def demand_change(visit: Visit) -> Response:
    """Require that the user sets another password at the next log-in, or no longer; the password stays what it is."""
    must_change = visit.form.get("must_change") != "no"
    made = _demand(visit.path_values["name"], must_change=must_change)
    return await _try(visit, made, said="demanded" if must_change else "spared")


async def delete_password(visit: Visit) -> Response:
    """Take the user's password away; open sessions end."""
    return await _try(visit, _of(visit.path_values["name"], "DeleteLoginProfile"), said="taken")


async def delete_user(visit: Visit) -> Response:
    """Delete the user, once the name is typed and keys, policies and groups are gone."""
    name = visit.path_values["name"]
    if visit.form.get("name", "").strip() != name:
        return await _user(visit, "That is not the user's name.", 400)
    try:
        await visit.do(_of(name, "DeleteUser"))
    except ServiceError as error:
        return await _user(visit, *problem_of(error))
    return visit.go(visit.here("/people"), said="gone")


async def show_group(visit: Visit) -> Response:
    """One group: who is in it and what it may do."""
    return await _group(visit)


async def _group(visit: Visit, problem: str = "", status: int = 200) -> Response:
    found = await visit.backing.people.one(visit.me, "group", visit.path_values["name"])
    name = visit.path_values["name"]
    attach = [sample("Attach a policy", _group_policy(name, (*found.choice, EXAMPLE)[0], attach=True))]
    detach = [
        sample("Detach a policy", _group_policy(name, arn, attach=False)) for arn in found.attached.items[:1]
    ]
    reads = sample("Read the group", call("iam", "GetGroup", GroupName=name))
    return visit.page(
        "group.html",
        status=status,
        problem=problem,
        found=found,
        most=MOST_MEMBERS,
        calls=[reads, *attach, *detach],
    )


def _group_policy(name: str, arn: str, *, attach: bool) -> Call:
    operation = "AttachGroupPolicy" if attach else "DetachGroupPolicy"
    return call("iam", operation, GroupName=name, PolicyArn=arn)


async def change_group_policy(visit: Visit) -> Response:
    """Attach a managed policy to the group, or detach it."""
    name = visit.path_values["name"]
    attach = visit.form.get("do") != "detach"
    try:
        await visit.do(_group_policy(name, visit.form.get("policy", "").strip(), attach=attach))
    except ServiceError as error:
        return await _group(visit, *problem_of(error))
    return visit.go(_to(visit, "groups", name), said="set")


async def show_role(visit: Visit) -> Response:
    """One role: who may take it on and what it may do."""
    found = await visit.backing.people.one(visit.me, "role", visit.path_values["name"])
    reads = [sample("Read the role", call("iam", "GetRole", RoleName=found.entity.name))]
    return visit.page("role.html", found=found, calls=reads)


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
    Page(path=f"{_USER}/password", handler=set_password, method="POST", is_grave=True),
    Page(path=f"{_USER}/password/change", handler=demand_change, method="POST", is_grave=True),
    Page(path=f"{_USER}/password/delete", handler=delete_password, method="POST", is_grave=True),
    Page(path=f"{_USER}/delete", handler=delete_user, method="POST", is_grave=True),
    Page(path=_GROUP, handler=show_group),
    Page(path=f"{_GROUP}/policies", handler=change_group_policy, method="POST", is_grave=True),
    Page(path="/{region}/people/roles/{name}", handler=show_role),
)
