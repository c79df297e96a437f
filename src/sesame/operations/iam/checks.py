"""What IAM operations share: pages, tags, and finding the user or role that a call is about."""

from collections.abc import Iterable

from sesame.access.authorize import Authorizer
from sesame.access.conditions import NO_KEYS, Keys, request_tags
from sesame.aws import paging
from sesame.aws.errors import NoSuchEntity
from sesame.aws.shapes import iam
from sesame.db import Store, Transaction
from sesame.errors import ValidationError
from sesame.model import Caller, PrincipalKind
from sesame.store.iam import roles, users

DEFAULT_PAGE = 100


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


async def user_named(tx: Transaction, account_id: str, name: str) -> users.User:
    """The user; raises `NoSuchEntity`."""
    user = await users.get_user(tx, account_id, name)
    if user is None:
        raise NoSuchEntity(f"The user with name {name} cannot be found.")
    return user


async def authorized_user(
    store: Store, authorizer: Authorizer, caller: Caller, *, action: str, name: str, keys: Keys = NO_KEYS
) -> users.User:
    """The user, once policy has let the caller at it; a refusal comes before "no such user"."""
    account_id = caller.principal.account_id

    async def run(tx: Transaction) -> users.User | None:
        return await users.get_user(tx, account_id, name)

    user = await store.read(run)
    arn = f"arn:aws:iam::{account_id}:user/{name}" if user is None else user.arn
    await authorizer.require(caller, f"iam:{action}", arn, keys=keys)
    if user is None:
        raise NoSuchEntity(f"The user with name {name} cannot be found.")
    return user


async def role_named(tx: Transaction, account_id: str, name: str) -> roles.Role:
    """The role; raises `NoSuchEntity`."""
    role = await roles.get(tx, account_id, name)
    if role is None:
        raise NoSuchEntity(f"The role with name {name} cannot be found.")
    return role


async def authorized_role(
    store: Store, authorizer: Authorizer, caller: Caller, *, action: str, name: str, keys: Keys = NO_KEYS
) -> roles.Role:
    """The role, once policy has let the caller at it; a refusal comes before "no such role"."""
    account_id = caller.principal.account_id

    async def run(tx: Transaction) -> roles.Role | None:
        return await roles.get(tx, account_id, name)

    role = await store.read(run)
    arn = f"arn:aws:iam::{account_id}:role/{name}" if role is None else role.arn
    await authorizer.require(caller, f"iam:{action}", arn, keys=keys)
    if role is None:
        raise NoSuchEntity(f"The role with name {name} cannot be found.")
    return role


def user_asked_for(caller: Caller, name: str | None) -> str:
    """The user that a call is about: the one named, or the caller when it is a user."""
    if name is not None:
        return name
    if caller.principal.kind is not PrincipalKind.USER:
        raise ValidationError("Must specify userName when calling with non-User credentials")
    return caller.principal.name
