"""The users and roles that a policy's Principal elements name, bound to their unique ids.

So that one deleted and made again under the same name gains nothing. Source: IAM user guide,
"Principal": ARNs are transformed to unique ids when a policy is saved.
"""

import json
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from sesame.access.bounds import tightened
from sesame.db import Transaction, identities_scope
from sesame.errors import SesameError
from sesame.policy import Policy, Requester
from sesame.store import accounts, delegate_bounds, identity_policies, topics
from sesame.store.delegate_bounds import Bounds
from sesame.store.iam import entities, roles, users

_ARN = re.compile(r"arn:aws:iam::([0-9]{12}):(user|role)/(?:.*/)?([^/]+)")


TEXTS_AT_ONCE = 100
"""Texts that one write changes at most."""


class NoSuchPrincipal(SesameError):
    """A policy names a user or role that an account of this server does not have; the message is its ARN."""


async def principal_ids(tx: Transaction, policy: Policy) -> dict[str, str]:
    """Unique ids of the users and roles a policy names, for those accounts that are on this server.

    Raises `NoSuchPrincipal`; those of accounts elsewhere are taken at their word.
    """
    ids: dict[str, str] = {}
    for statement in policy.statements:
        for principal in statement.principals or ():
            match = _ARN.fullmatch(principal.value) if principal.kind == "AWS" else None
            if match is None or await accounts.get(tx, match[1]) is None:
                continue
            ids[principal.value] = await _unique_id(tx, match[1], match[2], match[3], principal.value)
    return ids


async def displayed_document(tx: Transaction, document: str, bound: Mapping[str, str]) -> str:
    """A stored policy as its owner sees it: users and roles that are gone by their unique ids, as IAM shows them.

    The text can be put back, and grants nothing to somebody who has the name now.
    """
    gone = {arn: unique_id for arn, unique_id in bound.items() if not await _is_there(tx, arn, unique_id)}
    if not gone:
        return document
    return with_principals(document, gone)


def with_principals(document: str, names: Mapping[str, str]) -> str:
    """A policy with its principals called by other names; conditions and resources stay as they are."""
    policy = json.loads(document)
    statements = policy["Statement"]
    for statement in statements if isinstance(statements, list) else [statements]:
        for element in ("Principal", "NotPrincipal"):
            named = statement.get(element)
            if isinstance(named, dict) and "AWS" in named:
                named["AWS"] = _renamed(named["AWS"], names)
    return json.dumps(policy, separators=(",", ":"), ensure_ascii=False)


Place = tuple[str, ...]
"""Where a text is kept: the key of an identity's policy, a topic or a role."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """Where texts are that bind a user: policies of identities, topics, and roles by their ids."""

    identities: tuple[Place, ...]
    topics: tuple[Place, ...]
    roles: tuple[Place, ...]


async def bound_to(tx: Transaction, user: users.User) -> Bound:
    """The texts of every account that bind a user. It looks through all there are."""
    return Bound(
        identities=tuple(await identity_policies.binding(tx, user.user_id)),
        topics=tuple(await topics.binding(tx, user.user_id)),
        roles=tuple(await roles.binding(tx, user.user_id)),
    )


_Text = tuple[Callable[[Transaction, Place], Awaitable[None]], Place]


class Renaming:
    """Calls a user by its new name wherever it is meant by the old one: in policies of identities, topics and roles
    of every account that bind its unique id, and in bounds that owners have set on it.

    IAM does so since it keeps principals by their ids; what names a user as a resource or in a condition stays. Texts
    may be many and go so many a write before the user does: by its id it is meant under either name.
    """

    def __init__(self, user: users.User, renamed: users.User, bound: Bound) -> None:
        self._user, self._renamed = user, renamed
        # Roles of the user's own account go with the user: whoever may rename is asked anew when they change.
        own = [key for key in bound.roles if key[0] == user.account_id]
        self._own_roles = own
        self._texts: list[_Text] = [
            *((self._in_identity, key) for key in bound.identities),
            *((self._in_topic, key) for key in bound.topics),
            *((self._in_role, key) for key in bound.roles if key not in own),
        ]

    def parts(self) -> Iterator[Callable[[Transaction], Awaitable[None]]]:
        """What is written before the rest: some of the texts each."""
        for first in range(0, len(self._texts), TEXTS_AT_ONCE):
            yield partial(_rename_each, self._texts[first : first + TEXTS_AT_ONCE])

    async def rest(self, tx: Transaction) -> None:
        """The user itself, what of its account names it, and bounds."""
        await users.rename(tx, self._user, user_name=self._renamed.user_name, path=self._renamed.path)
        for key in self._own_roles:
            await self._in_role(tx, key)
        bounds = await delegate_bounds.of_delegate(tx, self._user.arn)
        await tx.lock(sorted({identities_scope(one.owner_account_id, one.region) for one in bounds}))
        for one in bounds:
            await _rename_bounds(tx, one, self._renamed.arn)

    async def _in_identity(self, tx: Transaction, key: Place) -> None:
        account_id, region, name, policy_name = key
        for policy in await identity_policies.of(tx, account_id, region, name):
            names = self._names(policy.principal_ids)
            if policy.policy_name == policy_name and names:
                changed = replace(
                    policy,
                    document=with_principals(policy.document, names),
                    principal_ids=_bound_anew(policy.principal_ids, names),
                )
                await identity_policies.rewrite(tx, account_id, region, name, changed)

    async def _in_topic(self, tx: Transaction, key: Place) -> None:
        account_id, region, name = key
        topic = await topics.get(tx, account_id, region, name)
        if topic is not None and (names := self._names(topic.principal_ids)):
            text = with_principals(topic.attributes["Policy"], names)
            ids = _bound_anew(topic.principal_ids, names)
            await topics.put(
                tx, replace(topic, attributes={**topic.attributes, "Policy": text}, principal_ids=ids)
            )

    async def _in_role(self, tx: Transaction, key: Place) -> None:
        role = await roles.get_by_id(tx, key[1])
        if role is not None and (names := self._names(role.principal_ids)):
            trust = with_principals(role.trust_policy, names)
            ids = _bound_anew(role.principal_ids, names)
            await roles.put(tx, replace(role, trust_policy=trust, principal_ids=ids))

    def _names(self, ids: Mapping[str, str]) -> Mapping[str, str]:
        """What the user is called in a text, by the new name: one that was cut off midway has left another one."""
        new = self._renamed.arn
        return {arn: new for arn, unique_id in ids.items() if unique_id == self._user.user_id and arn != new}


def _bound_anew(ids: Mapping[str, str], names: Mapping[str, str]) -> dict[str, str]:
    return {names.get(arn, arn): unique_id for arn, unique_id in ids.items()}


async def _rename_each(texts: Sequence[_Text], tx: Transaction) -> None:
    for rename, key in texts:
        await rename(tx, key)


async def _rename_bounds(tx: Transaction, bounds: Bounds, arn: str) -> None:
    """Bounds under another name of the delegate; where there are some, left of one who had the name, both hold."""
    there = await delegate_bounds.get(tx, bounds.owner_account_id, bounds.region, bounds.identity, arn)
    held = replace(bounds, delegate=arn)
    if there is not None:
        held = tightened(held, there)
        await delegate_bounds.delete(tx, there)
    await delegate_bounds.put(tx, held)


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [names.get(item, item) for item in value]
    return names.get(value, value)


async def _is_there(tx: Transaction, arn: str, unique_id: str) -> bool:
    found = await entities.of_unique_id(tx, unique_id)
    return found is not None and found.arn == arn


async def _unique_id(tx: Transaction, account_id: str, kind: str, name: str, arn: str) -> str:
    if kind == "user":
        user = await users.get_user(tx, account_id, name)
        if user is not None and user.arn == arn:
            return user.user_id
    else:
        role = await roles.get(tx, account_id, name)
        if role is not None and role.arn == arn:
            return role.role_id
    raise NoSuchPrincipal(arn)


async def requester_known(tx: Transaction, requester: Requester) -> Requester:
    """The same requester with its unique id, where it is a user or a role's session of an account on this server."""
    return (await requesters_known(tx, [requester]))[0]


async def requesters_known(tx: Transaction, requesters: Sequence[Requester]) -> list[Requester]:
    """The same for many, in two look-ups at most."""
    named = {kind: [one for one in requesters if one.kind == kind] for kind in ("user", "role")}
    found: dict[tuple[str, str, str], users.User | roles.Role] = {}
    if of_users := named["user"]:
        for user in await users.named(tx, *_places(of_users)):
            found["user", user.account_id, user.user_name.lower()] = user
    if of_roles := named["role"]:
        for role in await roles.named(tx, *_places(of_roles)):
            found["role", role.account_id, role.role_name.lower()] = role
    return [_known(one, found.get((one.kind, one.account_id, _name_of(one).lower()))) for one in requesters]


def _places(requesters: Sequence[Requester]) -> tuple[list[str], list[str]]:
    """The accounts and the names of these."""
    return (
        sorted({one.account_id for one in requesters}),
        sorted({_name_of(one) for one in requesters}),
    )


def _name_of(requester: Requester) -> str:
    return (requester.role_arn or requester.arn).rpartition("/")[2]


def _known(requester: Requester, found: users.User | roles.Role | None) -> Requester:
    arn = requester.role_arn or requester.arn
    if isinstance(found, users.User) and found.arn == arn:
        return replace(requester, user_id=found.user_id)
    if isinstance(found, roles.Role) and (found.arn == arn or requester.arn != arn):
        session = "" if requester.arn == arn else requester.arn.rpartition("/")[2]
        return replace(requester, role_arn=found.arn, user_id=f"{found.role_id}:{session}")
    return requester
