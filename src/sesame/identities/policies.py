"""Sending-authorization policies of identities: what the operations of v1 and v2 share.

The owner alone may change them. What SES would not store is refused with the place and the fix; users
and roles of accounts on this server are bound to their unique ids (`principal_binding`). Source: SES API
reference, PutIdentityPolicy.
"""

import hashlib
import re
from dataclasses import replace
from enum import Enum

from sesame.access.causes.documents import explained
from sesame.access.changes import Permit
from sesame.access.principal_binding import NoSuchPrincipal, displayed_document, principal_ids
from sesame.aws.arn import identity_arn
from sesame.db import Store, Transaction
from sesame.errors import InvalidParameterValue, InvalidPolicy, ServiceError
from sesame.identities.policy_tests import held_to_tests
from sesame.model import Caller
from sesame.policy import PolicyError, parse_identity_policy
from sesame.store import identities, identity_policies, policy_versions
from sesame.store.identity_policies import IdentityPolicy
from sesame.store.policy_versions import Place

MAX_POLICIES = 20
_NAME = re.compile(r"[A-Za-z0-9_-]+")


class Write(Enum):
    """What a write does about a policy of that name that is, or is not, there."""

    PUT = "create or replace"
    CREATE = "create only"
    UPDATE = "replace only"


class PolicyMissing(ServiceError):
    """There is no policy of that name to replace or remove."""

    code, http_status = "PolicyDoesNotExist", 404

    def __init__(self, policy_name: str) -> None:
        super().__init__(f"Policy {policy_name} does not exist.")


class PolicyExists(ServiceError):
    """A policy of that name is there already."""

    code = "PolicyAlreadyExists"

    def __init__(self, policy_name: str) -> None:
        super().__init__(f"Policy {policy_name} already exists.")


class PolicyChanged(ServiceError):
    """The policy is not what it was when its edit began: nothing was written."""

    code, http_status = "ConflictException", 409

    def __init__(self, policy_name: str) -> None:
        super().__init__(f"Policy {policy_name} was changed by somebody else meanwhile.")


class TooManyPolicies(InvalidParameterValue):
    """The identity has as many policies as it may; v2 has a code of its own for that."""

    v2_code = "LimitExceededException"

    def __init__(self, identity: str) -> None:
        super().__init__(
            f"Number of policies for {identity} exceeds max allowed number of policies per resource"
        )


class IdentityMissing(InvalidParameterValue):
    """There is no such identity."""

    v2_code = "NotFoundException"

    def __init__(self, name: str) -> None:
        super().__init__(f"Identity {name} does not exist.")


def fingerprint(document: str | None) -> str:
    """What an edit remembers of the stored text that it began with; empty when there was no policy."""
    return "" if document is None else hashlib.sha256(document.encode()).hexdigest()


async def write_policy(
    permit: Permit,
    identity: str,
    policy_name: str,
    document: str,
    *,
    how: Write,
    begun_with: str | None = None,
) -> None:
    """Store a policy of the caller's identity of that name (as stored); it decides from now on (I4).

    What was there before is kept. With the fingerprint `begun_with` it must still be what the edit began with.
    Raises InvalidPolicy, also where it breaks a case that the owner keeps (`policy_tests`), and
    `InvalidParameterValue` or one of the errors above.
    """
    account_id, region = permit.caller.principal.account_id, permit.caller.region
    check_policy_name(policy_name)
    try:
        policy = parse_identity_policy(document, identity_arn=identity_arn(region, account_id, identity))
    except PolicyError as error:
        raise explained(InvalidPolicy(str(error)), "identity", error) from None

    async def run(tx: Transaction) -> None:
        found = await identities.get(tx, account_id, region, identity)
        if found is None:
            raise IdentityMissing(identity)
        existing = {
            stored.policy_name: stored.document
            for stored in await identity_policies.of(tx, account_id, region, identity)
        }
        before = existing.get(policy_name)
        if begun_with is not None and fingerprint(before) != begun_with:
            raise PolicyChanged(policy_name)
        if policy_name in existing:
            if how is Write.CREATE:
                raise PolicyExists(policy_name)
        elif how is Write.UPDATE:
            raise PolicyMissing(policy_name)
        elif len(existing) >= MAX_POLICIES:
            raise TooManyPolicies(identity)
        try:
            bound = await principal_ids(tx, policy)
        except NoSuchPrincipal as error:
            refused = InvalidPolicy(f"Policy has invalid principal: {error} does not exist.")
            raise explained(refused, "identity") from None
        stored = IdentityPolicy(policy_name=policy_name, document=document, principal_ids=bound)
        await identity_policies.put(tx, found, stored)
        if before != document:
            await _keep(tx, permit.caller, identity, policy_name, before)

    permit = await held_to_tests(permit, identity, {policy_name: document})
    await permit.apply(run)


async def remove_policy(
    permit: Permit, identity: str, policy_name: str, *, begun_with: str | None = None
) -> bool:
    """Remove a policy; whether there was one. From now on nothing is accepted under it (I4).

    Its text is kept. With the fingerprint `begun_with` it must still be what was looked at; raises `PolicyChanged`, and
    InvalidPolicy where that breaks a case that the owner keeps.
    """
    check_policy_name(policy_name)
    caller = permit.caller
    account_id, region = caller.principal.account_id, caller.region

    async def run(tx: Transaction) -> bool:
        existing = {
            stored.policy_name: stored.document
            for stored in await identity_policies.of(tx, account_id, region, identity)
        }
        before = existing.get(policy_name)
        if begun_with is not None and fingerprint(before) != begun_with:
            raise PolicyChanged(policy_name)
        if before is not None:
            await _keep(tx, caller, identity, policy_name, before)
        return await identity_policies.delete(tx, account_id, region, identity, policy_name)

    permit = await held_to_tests(permit, identity, {policy_name: None})
    return await permit.apply(run)


async def _keep(
    tx: Transaction, caller: Caller, identity: str, policy_name: str, document: str | None
) -> None:
    """Keep what a policy said until this change, to be put back."""
    place = Place(
        account_id=caller.principal.account_id,
        region=caller.region,
        identity=identity,
        policy_name=policy_name,
    )
    await policy_versions.keep(tx, place, document, at=caller.at, by=caller.principal.arn)


async def policies_of(store: Store, caller: Caller, identity: str) -> list[IdentityPolicy]:
    """The policies of the caller's identity as SES shows them; none when there is no such identity."""

    async def run(tx: Transaction) -> list[IdentityPolicy]:
        return await displayed_policies(tx, caller.principal.account_id, caller.region, identity)

    return await store.read(run)


async def displayed_policies(
    tx: Transaction, account_id: str, region: str, identity: str
) -> list[IdentityPolicy]:
    """The policies of an identity, with principals that are gone called by their unique ids."""
    stored = await identity_policies.of(tx, account_id, region, identity)
    return [
        replace(policy, document=await displayed_document(tx, policy.document, policy.principal_ids))
        for policy in stored
    ]


def check_policy_name(name: str) -> None:
    """Refuse a name that SES would not store; length is the service model's constraint."""
    if not name.strip():
        raise InvalidParameterValue("PolicyName is required.")
    if not _NAME.fullmatch(name):
        raise InvalidParameterValue(
            "PolicyName is invalid. Policy names must only include alpha-numeric characters, dashes, and"
            " underscores."
        )
