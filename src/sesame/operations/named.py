"""What of an account has a name: policies, their statements, whom they name, users, groups, roles, sets, templates.

Found is what the asker may read: of the rest nothing is said, not that it is there.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sesame.access.permission import Authorizer
from sesame.aws.arn import identity_arn, template_arn
from sesame.db import Store, Transaction
from sesame.model import Caller
from sesame.operations.policy_editing import READ
from sesame.store import configuration_sets, identity_policies, templates
from sesame.store.iam import groups, roles, users

MOST_POLICIES = 500
MOST_FOUND = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """One thing: its kind, its name, and for what is in a policy the identity and the policy."""

    kind: str
    """`policy`, `statement`, `principal`, `user`, `group`, `role`, `set` or `template`."""
    name: str
    identity: str = ""
    policy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was found; `is_whole` says that all policies of the region were looked at."""

    things: tuple[Named, ...]
    is_whole: bool


async def called(store: Store, authorizer: Authorizer, caller: Caller, name: str) -> Found:
    """What is called that in the caller's account and region: whole names, and Sids of statements."""
    account_id, region = caller.principal.account_id, caller.region

    async def run(tx: Transaction) -> tuple[list[_Policy], list[_Other]]:
        texts = await identity_policies.first(tx, account_id, region, limit=MOST_POLICIES + 1)
        return texts, await _others(tx, account_id, region, name)

    texts, others = await store.read(run)
    in_policies = [found for text in texts[:MOST_POLICIES] for found in _called(text, name)]
    return await _readable(authorizer, caller, in_policies, others, is_whole=len(texts) <= MOST_POLICIES)


async def naming(store: Store, authorizer: Authorizer, caller: Caller, principal: str) -> Found:
    """The policies of the account's identities in a region that name an account or a principal's ARN."""
    account_id, region = caller.principal.account_id, caller.region
    texts = await store.read(
        lambda tx: identity_policies.first(tx, account_id, region, limit=MOST_POLICIES + 1)
    )
    found = [
        Named(kind="principal", name=principal, identity=identity, policy=policy)
        for identity, policy, text in texts[:MOST_POLICIES]
        if principal in text and any(principal in named for named in _principals(text))
    ]
    return await _readable(authorizer, caller, found, [], is_whole=len(texts) <= MOST_POLICIES)


_Policy = tuple[str, str, str]
"""Identity, name and text."""
_Other = tuple[str, str, Named]
"""The permission to read a thing, its ARN, and itself."""


async def _others(tx: Transaction, account_id: str, region: str, name: str) -> list[_Other]:
    found: list[_Other] = []
    user = await users.get_user(tx, account_id, name)
    group = await groups.get(tx, account_id, name)
    role = await roles.get(tx, account_id, name)
    for kind, action, one in (
        ("user", "iam:GetUser", user),
        ("group", "iam:GetGroup", group),
        ("role", "iam:GetRole", role),
    ):
        if one is not None:
            found.append((action, one.arn, Named(kind=kind, name=name)))
    configuration_set = await configuration_sets.get(tx, account_id, region, name)
    if configuration_set is not None:
        found.append(("ses:GetConfigurationSet", configuration_set.arn, Named(kind="set", name=name)))
    if await templates.get(tx, account_id, region, name) is not None:
        arn = template_arn(region, account_id, name)
        found.append(("ses:GetEmailTemplate", arn, Named(kind="template", name=name)))
    return found


async def _readable(
    authorizer: Authorizer,
    caller: Caller,
    in_policies: Sequence[Named],
    others: Sequence[_Other],
    *,
    is_whole: bool,
) -> Found:
    asked = [
        (READ, identity_arn(caller.region, caller.principal.account_id, one.identity), one)
        for one in in_policies[:MOST_FOUND]
    ]
    asked += others
    refusals = await authorizer.refusals(caller, [(action, arn) for action, arn, _ in asked])
    return Found(
        things=tuple(one for (_, _, one), refused in zip(asked, refusals, strict=True) if refused is None),
        is_whole=is_whole and len(in_policies) <= MOST_FOUND,
    )


def _called(policy: _Policy, name: str) -> Iterator[Named]:
    identity, policy_name, text = policy
    if policy_name == name:
        yield Named(kind="policy", name=name, identity=identity, policy=policy_name)
    if f'"{name}"' in text and any(one.get("Sid") == name for one in _statements(text)):
        yield Named(kind="statement", name=name, identity=identity, policy=policy_name)


def _statements(text: str) -> list[dict[str, Any]]:
    found = json.loads(text).get("Statement", [])
    return found if isinstance(found, list) else [found]


def _principals(text: str) -> Iterator[str]:
    for statement in _statements(text):
        for element in ("Principal", "NotPrincipal"):
            named = statement.get(element, {})
            for values in named.values() if isinstance(named, dict) else ():
                yield from [values] if isinstance(values, str) else values
