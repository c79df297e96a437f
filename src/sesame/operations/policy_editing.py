"""The policies of an identity as people edit them: with what each said before, and never over somebody else's edit.

The changes are those of SES v2 under their own names, leave and audit rows, with one more question: is the policy still
what the edit began with? API callers have no way to ask it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from sesame.access.changes import Permit
from sesame.access.identity_names import normal_name
from sesame.access.permission import Authorizer
from sesame.access.principal_binding import NoSuchPrincipal, principal_ids
from sesame.aws.arn import identity_arn
from sesame.db import Store, Transaction
from sesame.identities.policies import (
    IdentityMissing,
    PolicyChanged,
    PolicyMissing,
    Write,
    displayed_policies,
    fingerprint,
    remove_policy,
    write_policy,
)
from sesame.model import Caller, Identity
from sesame.operations.cached_reads import CachedReads
from sesame.operations.table import Handlers
from sesame.policy import PolicyError, parse_stored_identity_policy
from sesame.store import identities, identity_policies, identity_tallies, policy_versions
from sesame.store.iam import boundaries
from sesame.store.policy_versions import Place, Version
from sesame.store.tallies import Counts

READ = "ses:GetEmailIdentityPolicies"
"""The leave that reading policies takes, and everything that is found out from them."""


CHANGED = PolicyChanged.code
"""The code of an edit that began with another text than what is stored now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyText:
    """One policy as its owner reads it; `fingerprint` is of the text that is stored."""

    name: str
    document: str
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityPolicies:
    """An identity with its policies by name; `principal_ids` binds the users and roles that they name."""

    identity: Identity
    arn: str
    policies: tuple[PolicyText, ...]
    principal_ids: Mapping[str, str]
    bounded: tuple[str, ...] = ()
    """Users and roles of the account that have a permissions boundary: ARNs and unique ids."""

    @property
    def named(self) -> list[tuple[str, str]]:
        """Name and text of each."""
        return [(policy.name, policy.document) for policy in self.policies]

    def of_name(self, name: str) -> PolicyText | None:
        """The policy of a name."""
        return next((policy for policy in self.policies if policy.name == name), None)


async def policies_in(
    store_tx: Transaction, account_id: str, region: str, stored: str
) -> IdentityPolicies | None:
    """The policies of an identity by its stored name, None when there is none such."""
    tx = cast(Transaction, CachedReads(store_tx))  # as stored and as displayed, of the same rows
    identity = await identities.get(tx, account_id, region, stored)
    if identity is None:
        return None
    kept = await identity_policies.of(tx, account_id, region, stored)
    displayed = await displayed_policies(tx, account_id, region, stored)
    return IdentityPolicies(
        identity=identity,
        arn=identity_arn(region, account_id, stored),
        policies=tuple(
            PolicyText(name=one.policy_name, document=one.document, fingerprint=fingerprint(own.document))
            for own, one in zip(kept, displayed, strict=True)
        ),
        principal_ids={arn: user_id for own in kept for arn, user_id in own.principal_ids.items()},
        bounded=tuple(name for one in await boundaries.bounded(tx, account_id) for name in one),
    )


class PolicyEditing:
    """Reads and changes; each call checks the caller's IAM policies first."""

    def __init__(self, store: Store, authorizer: Authorizer) -> None:
        self._store = store
        self._authorizer = authorizer

    async def of(self, caller: Caller, name: str) -> IdentityPolicies:
        """The policies of the caller's identity of that name. Raises `IdentityMissing`."""
        stored = normal_name(name)
        account_id, region = caller.principal.account_id, caller.region
        await self._required(caller, READ, stored)

        found = await self._store.read(lambda tx: policies_in(tx, account_id, region, stored))
        if found is None:
            raise IdentityMissing(stored)
        return found

    async def names(self, caller: Caller, name: str) -> list[str]:
        """The names of the policies of the caller's identity, by the leave of GetEmailIdentity, which tells them too.

        Raises `IdentityMissing`.
        """
        stored = normal_name(name)
        account_id, region = caller.principal.account_id, caller.region
        await self._required(caller, "ses:GetEmailIdentity", stored)

        async def run(tx: Transaction) -> list[str] | None:
            if await identities.get(tx, account_id, region, stored) is None:
                return None
            return [one.policy_name for one in await identity_policies.of(tx, account_id, region, stored)]

        found = await self._store.read(run)
        if found is None:
            raise IdentityMissing(stored)
        return found

    async def versions(self, caller: Caller, name: str, policy_name: str) -> list[Version]:
        """What a policy said before, newest first."""
        stored = normal_name(name)
        await self._required(caller, READ, stored)
        place = Place(
            account_id=caller.principal.account_id,
            region=caller.region,
            identity=stored,
            policy_name=policy_name,
        )
        return await self._store.read(lambda tx: policy_versions.of_policy(tx, place))

    async def sent_by(self, caller: Caller, name: str, *, since: float) -> Mapping[str, Counts]:
        """What each account sent as the caller's identity since a time came to."""
        stored = normal_name(name)
        await self._required(caller, READ, stored)
        owner = caller.principal.account_id

        async def run(tx: Transaction) -> list[tuple[str, Counts]]:
            return await identity_tallies.by_delegate(tx, owner, stored, since=since, region=caller.region)

        return dict(await self._store.read(run))

    async def missing_principal(self, document: str) -> str:
        """The user or role that a text names and that its account, which is on this server, has not; or "".

        SES tells the same to whoever stores the text. One that is not a policy names nobody.
        """
        try:
            policy = parse_stored_identity_policy(document)
            await self._store.read(lambda tx: principal_ids(tx, policy))
        except PolicyError:
            return ""
        except NoSuchPrincipal as error:
            return str(error)
        return ""

    def handlers(self) -> Handlers:
        """The changes, by operation name; `BegunWith` is the fingerprint that the edit began with."""
        return {
            "CreateEmailIdentityPolicy": self._create,
            "UpdateEmailIdentityPolicy": self._update,
            "DeleteEmailIdentityPolicy": self._delete,
        }

    async def _create(self, caller: Caller, request: Mapping[str, Any]) -> Mapping[str, Any]:
        return await self._write(caller, request, Write.CREATE)

    async def _update(self, caller: Caller, request: Mapping[str, Any]) -> Mapping[str, Any]:
        return await self._write(caller, request, Write.UPDATE)

    async def _write(self, caller: Caller, request: Mapping[str, Any], how: Write) -> Mapping[str, Any]:
        name = normal_name(request["EmailIdentity"])
        action = "ses:CreateEmailIdentityPolicy" if how is Write.CREATE else "ses:UpdateEmailIdentityPolicy"
        permit = await self._required(caller, action, name)
        begun_with = None if how is Write.CREATE else request["BegunWith"]
        await write_policy(
            permit, name, request["PolicyName"], request["Policy"], how=how, begun_with=begun_with
        )
        return {}

    async def _delete(self, caller: Caller, request: Mapping[str, Any]) -> Mapping[str, Any]:
        name, policy_name = normal_name(request["EmailIdentity"]), request["PolicyName"]
        permit = await self._required(caller, "ses:DeleteEmailIdentityPolicy", name)
        if not await remove_policy(permit, name, policy_name, begun_with=request["BegunWith"]):
            raise PolicyMissing(policy_name)
        return {}

    async def _required(self, caller: Caller, action: str, name: str) -> Permit:
        arn = identity_arn(caller.region, caller.principal.account_id, name)
        return await self._authorizer.require(caller, action, arn)
