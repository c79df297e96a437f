"""Tags of IAM users, roles, managed policies and devices; the first two are what `aws:PrincipalTag/...` asks.

Source: IAM API reference, TagUser, UntagUser, ListUserTags, and the same of roles, policies and devices.
"""

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from sesame.access.changes import Permit
from sesame.access.conditions import NO_KEYS, Keys, tag_keys
from sesame.access.permission import Authorizer
from sesame.aws.shapes import iam
from sesame.db import Store, Transaction
from sesame.model import Caller
from sesame.operations.iam.checks import (
    NAMES,
    keys_of,
    page_from,
    permitted_role,
    permitted_user,
    role_named,
    user_named,
)
from sesame.operations.iam.managed_policies import policy_named
from sesame.operations.iam.mfa_devices import own_device
from sesame.operations.principal_tags import check_tags
from sesame.operations.resource_tags import listed_tags
from sesame.operations.table import Handler, Handlers
from sesame.store import tags
from sesame.store.iam import roles, users
from sesame.store.iam.entities import Kind
from sesame.store.iam.managed_policies import AWS_MANAGED


@dataclass(frozen=True, slots=True, kw_only=True)
class ByArn:
    """A kind of thing that is tagged by its ARN: what operations call it, and how it is found. `find` gives the ARN
    that its tags are kept under and raises `NoSuchEntity`."""

    name: str
    parameter: str
    find: Callable[[Transaction, Caller, str], Awaitable[str]]


async def _policy(tx: Transaction, caller: Caller, arn: str) -> str:
    return (await policy_named(tx, caller, arn)).arn


async def _device(tx: Transaction, caller: Caller, serial: str) -> str:
    return (await own_device(tx, caller, serial)).serial


_BY_ARN = (
    ByArn(name="Policy", parameter="PolicyArn", find=_policy),
    ByArn(name="MFADevice", parameter="SerialNumber", find=_device),
)


class TagOperations:
    """The operations; each checks the caller's IAM policies first."""

    def __init__(self, store: Store, authorizer: Authorizer) -> None:
        self._store = store
        self._authorizer = authorizer

    def handlers(self) -> Handlers:
        """What this serves, by operation name."""
        kinds: tuple[Kind, ...] = ("user", "role")
        found: dict[str, Handler] = {}
        for kind in kinds:
            found[f"Tag{NAMES[kind]}"] = partial(self.tag, kind)
            found[f"Untag{NAMES[kind]}"] = partial(self.untag, kind)
            found[f"List{NAMES[kind]}Tags"] = partial(self.tags_of, kind)
        for what in _BY_ARN:
            found[f"Tag{what.name}"] = partial(self.tag_by_arn, what)
            found[f"Untag{what.name}"] = partial(self.untag_by_arn, what)
            found[f"List{what.name}Tags"] = partial(self.tags_by_arn, what)
        return found

    async def tag(self, kind: Kind, caller: Caller, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Add tags, or give those of the same key (without regard to case) a new value, for open sessions too."""
        name = request[f"{NAMES[kind]}Name"]
        _, permit = await self._permitted(kind, caller, f"Tag{NAMES[kind]}", name, keys_of(request["Tags"]))
        given = check_tags(request["Tags"])

        async def run(tx: Transaction) -> None:
            await _change(tx, caller, kind, name, lambda held: _with(held, given))

        await permit.apply(run)
        return {}

    async def untag(self, kind: Kind, caller: Caller, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Take tags away; keys that are not there change nothing."""
        name, gone = request[f"{NAMES[kind]}Name"], request["TagKeys"]
        _, permit = await self._permitted(kind, caller, f"Untag{NAMES[kind]}", name, tag_keys(gone))

        async def run(tx: Transaction) -> None:
            await _change(tx, caller, kind, name, lambda held: _without(held, gone))

        await permit.apply(run)
        return {}

    async def tags_of(self, kind: Kind, caller: Caller, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """A user's or role's tags by key."""
        held, _ = await self._permitted(
            kind, caller, f"List{NAMES[kind]}Tags", request[f"{NAMES[kind]}Name"], NO_KEYS
        )
        return _page(held, request)

    async def tag_by_arn(self, what: ByArn, caller: Caller, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Add tags to what has an ARN, or give those of the same key a new value."""
        arn = request[what.parameter]
        permit = await self._authorizer.require(
            caller, f"iam:Tag{what.name}", arn, keys=keys_of(request["Tags"])
        )
        given = check_tags(request["Tags"])

        async def run(tx: Transaction) -> None:
            known = await what.find(tx, caller, arn)
            merged = {key.lower(): (key, value) for key, value in (await tags.get(tx, known)).items()}
            merged |= {tag["Key"].lower(): (tag["Key"], tag["Value"]) for tag in given}
            check_tags([{"Key": key, "Value": value} for key, value in merged.values()])
            await tags.remove_all(tx, known)
            await tags.put(tx, known, dict(merged.values()))

        await permit.apply(run)
        return {}

    async def untag_by_arn(
        self, what: ByArn, caller: Caller, request: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Take tags off what has an ARN; keys that are not there change nothing."""
        arn = request[what.parameter]
        permit = await self._authorizer.require(
            caller, f"iam:Untag{what.name}", arn, keys=tag_keys(request["TagKeys"])
        )
        gone = {key.lower() for key in request["TagKeys"]}

        async def run(tx: Transaction) -> None:
            known = await what.find(tx, caller, arn)
            held = await tags.get(tx, known)
            await tags.remove(tx, known, [key for key in held if key.lower() in gone])

        await permit.apply(run)
        return {}

    async def tags_by_arn(self, what: ByArn, caller: Caller, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """The tags of what has an ARN, by key."""
        arn = request[what.parameter]
        await self._authorizer.require(caller, f"iam:List{what.name}Tags", arn)

        async def run(tx: Transaction) -> dict[str, str]:
            return {} if arn in AWS_MANAGED else await tags.get(tx, await what.find(tx, caller, arn))

        held = await self._store.read(run)
        return _page(json.dumps(listed_tags(held)), request)

    async def _permitted(
        self, kind: Kind, caller: Caller, action: str, name: str, keys: Keys
    ) -> tuple[str, Permit]:
        """The tags that a user or role has, as JSON, and what lets the caller do `action` to it."""
        if kind == "user":
            user, permit = await permitted_user(
                self._store, self._authorizer, caller, action=action, name=name, keys=keys
            )
            return user.tags, permit
        role, permit = await permitted_role(
            self._store, self._authorizer, caller, action=action, name=name, keys=keys
        )
        return role.tags, permit


async def _change(
    tx: Transaction, caller: Caller, kind: Kind, name: str, changed: Callable[[str], str]
) -> None:
    """Write what `changed` makes of a user's or role's tags, as JSON. Raises `NoSuchEntity`."""
    account_id = caller.principal.account_id
    if kind == "user":
        user = await user_named(tx, account_id, name)
        await users.set_tags(tx, user, changed(user.tags))
    else:
        role = await role_named(tx, account_id, name)
        await roles.put(tx, replace(role, tags=changed(role.tags)))


def _with(held: str, given: list[iam.Tag]) -> str:
    """The JSON list of tags with those given added or changed; raises for too many."""
    merged = {tag["Key"].lower(): tag for tag in json.loads(held)}
    merged |= {tag["Key"].lower(): tag for tag in given}
    return json.dumps(check_tags(list(merged.values())))


def _without(held: str, keys: Iterable[str]) -> str:
    gone = {key.lower() for key in keys}
    return json.dumps([tag for tag in json.loads(held) if tag["Key"].lower() not in gone])


def _page(held: str, request: Mapping[str, Any]) -> iam.ListUserTagsResponse:
    known: list[iam.Tag] = sorted(json.loads(held), key=lambda tag: str(tag["Key"]))
    page, end = page_from(known, request, lambda tag: tag["Key"])
    return {"Tags": [*page], **end}
