"""What IAM operations share: pages, tags, shapes, and finding the user or role that a call is about."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from sesame.access.changes import Permit
from sesame.access.conditions import NO_KEYS, Keys, request_tags
from sesame.access.permission import Authorizer, Granted
from sesame.aws import paging
from sesame.aws.errors import DeleteConflict, NoSuchEntity
from sesame.aws.shapes import iam
from sesame.db import Store, Transaction, account_scope, epoch
from sesame.errors import ValidationError
from sesame.model import Caller, PrincipalKind
from sesame.store.iam import entities, groups, inline_policies, managed_policies, roles, users
from sesame.store.iam.entities import Entity, Kind

Listed = TypeVar("Listed")

DEFAULT_PAGE = 100
NAMES: Mapping[Kind, str] = {"user": "User", "group": "Group", "role": "Role"}
"""What stands for the kind in names of operations and members."""


def tags_by_key(tags: Iterable[iam.Tag]) -> dict[str, str]:
    """The tags of a request as a mapping."""
    return {tag["Key"]: tag["Value"] for tag in tags}


def keys_of(tags: Iterable[iam.Tag]) -> Keys:
    """The condition keys of the tags that a request sets."""
    return request_tags(tags_by_key(tags))


def page_of(max_items: int | None, marker: str | None) -> tuple[int, str]:
    """Page size and the key to start after."""
    after = paging.decode(marker, lambda: ValidationError(f"Invalid Marker: {marker}"))
    return max_items or DEFAULT_PAGE, after


class Paged(Protocol):
    """A request for a list, with MaxItems and Marker."""

    def get(self, name: str, /) -> Any: ...


def page_from(
    found: Iterable[Listed], request: Paged, key: Callable[[Listed], str]
) -> tuple[Sequence[Listed], paging.Truncation]:
    """The page of `found` that a request asks for, and the members of the answer that say whether there is more.

    `found` is in the order of `key`. Raises `ValidationError` for a marker that was never given.
    """
    limit, after = page_of(request.get("MaxItems"), request.get("Marker"))
    page, marker = paging.cut([one for one in found if key(one) > after], limit, key)
    return page, paging.truncation(marker)


async def user_named(tx: Transaction, account_id: str, name: str) -> users.User:
    """The user; raises `NoSuchEntity`."""
    user = await users.get_user(tx, account_id, name)
    if user is None:
        raise NoSuchEntity.named("user", name)
    return user


async def still_there(tx: Transaction, user: users.User) -> None:
    """Refuse what is about a user who has gone meanwhile. Raises `NoSuchEntity`."""
    if await users.get_user_by_id(tx, user.user_id) is None:
        raise NoSuchEntity.named("user", user.user_name)


async def role_named(tx: Transaction, account_id: str, name: str) -> roles.Role:
    """The role; raises `NoSuchEntity`."""
    role = await roles.get(tx, account_id, name)
    if role is None:
        raise NoSuchEntity.named("role", name)
    return role


async def entity_named(tx: Transaction, account_id: str, kind: Kind, name: str) -> Entity:
    """The user, group or role; raises `NoSuchEntity`."""
    entity = await entities.find(tx, account_id, kind, name)
    if entity is None:
        raise NoSuchEntity.named(kind, name)
    return entity


def user_shape(user: users.User) -> iam.User:
    """A user without its tags."""
    return {
        "Path": user.path,
        "UserName": user.user_name,
        "UserId": user.user_id,
        "Arn": user.arn,
        "CreateDate": user.created_at,
    }


def boundary_shape(arn: str) -> iam.AttachedPermissionsBoundary:
    """A permissions boundary as an answer has it; its type as IAM was seen to write it, not as its model does."""
    kind: Any = "Policy"
    return {"PermissionsBoundaryType": kind, "PermissionsBoundaryArn": arn}


async def check_without_policies(tx: Transaction, unique_id: str) -> None:
    """Refuse to delete a user, group or role that has policies left. Raises `DeleteConflict`."""
    if await inline_policies.of(tx, unique_id):
        raise DeleteConflict.until("delete policies")
    if await managed_policies.attached(tx, unique_id):
        raise DeleteConflict.until("detach all policies")


class _HasArn(Protocol):
    @property
    def arn(self) -> str: ...


_Found = TypeVar("_Found", bound=_HasArn)


async def _permitted(
    store: Store,
    authorizer: Authorizer,
    caller: Caller,
    kind: Kind,
    find: Callable[[Transaction, str, str], Awaitable[_Found | None]],
    *,
    action: str,
    name: str,
    keys: Keys,
    granted: Granted | None = None,
) -> tuple[_Found, Permit]:
    """What a call is about, once policy has let the caller at it; a refusal comes before "no such user".

    The permit rests on the epoch at which it was found: policy was asked about the ARN that it had then.
    """
    account_id = caller.principal.account_id
    scope = account_scope(account_id)

    async def run(tx: Transaction) -> tuple[_Found | None, int]:
        return await find(tx, account_id, name), await epoch(tx, scope)

    found, seen = await store.read(run)
    arn = f"arn:aws:iam::{account_id}:{kind}/{name}" if found is None else found.arn
    permit = await authorizer.require(
        caller, f"iam:{action}", arn, keys=keys, seen={scope: seen}, granted=granted
    )
    if found is None:
        raise NoSuchEntity.named(kind, name)
    return found, permit


async def permitted_entity(
    store: Store,
    authorizer: Authorizer,
    caller: Caller,
    kind: Kind,
    *,
    action: str,
    name: str,
    keys: Keys = NO_KEYS,
) -> tuple[Entity, Permit]:
    """A user, group or role, and what lets the caller do `action` to it."""

    async def find(tx: Transaction, account_id: str, name: str) -> Entity | None:
        return await entities.find(tx, account_id, kind, name)

    return await _permitted(store, authorizer, caller, kind, find, action=action, name=name, keys=keys)


async def permitted_user(
    store: Store,
    authorizer: Authorizer,
    caller: Caller,
    *,
    action: str,
    name: str,
    keys: Keys = NO_KEYS,
    granted: Granted | None = None,
) -> tuple[users.User, Permit]:
    """A user, and what lets the caller do `action` to it; `granted` as for `Authorizer.require`."""
    return await _permitted(
        store,
        authorizer,
        caller,
        "user",
        users.get_user,
        action=action,
        name=name,
        keys=keys,
        granted=granted,
    )


async def authorized_user(
    store: Store, authorizer: Authorizer, caller: Caller, *, action: str, name: str
) -> users.User:
    """The same, for who changes nothing."""
    return (await permitted_user(store, authorizer, caller, action=action, name=name))[0]


async def permitted_group(
    store: Store, authorizer: Authorizer, caller: Caller, *, action: str, name: str
) -> tuple[groups.Group, Permit]:
    """A group, and what lets the caller do `action` to it."""
    return await _permitted(
        store, authorizer, caller, "group", groups.get, action=action, name=name, keys=NO_KEYS
    )


async def permitted_role(
    store: Store, authorizer: Authorizer, caller: Caller, *, action: str, name: str, keys: Keys = NO_KEYS
) -> tuple[roles.Role, Permit]:
    """A role, and what lets the caller do `action` to it."""
    return await _permitted(store, authorizer, caller, "role", roles.get, action=action, name=name, keys=keys)


def user_asked_for(caller: Caller, name: str | None) -> str:
    """The user that a call is about: the one named, or the caller when it is a user."""
    if name is not None:
        return name
    if caller.principal.kind is not PrincipalKind.USER:
        raise ValidationError("Must specify userName when calling with non-User credentials")
    return caller.principal.name
