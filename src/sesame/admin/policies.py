"""An identity's policies and the cases kept beside them, as the operator changes them for its owner.

Changes are held to the cases like anybody's; forced, they are made all the same, and the audit row says which cases
they broke.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from sesame.access.changes import Acts, Run, StalePermit
from sesame.access.identity_names import IdentityArn
from sesame.access.principal_binding import NoSuchPrincipal, principal_ids
from sesame.admin.accounts import OperatorError
from sesame.db import Store, Transaction, epoch, identities_scope
from sesame.errors import ServiceError
from sesame.identities.policies import MAX_POLICIES, check_policy_name
from sesame.identities.policy_tests import (
    CaseState,
    Edit,
    PolicyTestFails,
    put_cases,
    ready,
    remove_case,
    try_edit,
)
from sesame.model import Identity
from sesame.observe import Clock
from sesame.policy import parse_identity_policy
from sesame.policy.analysis.expectations import Broken, Expectation, written
from sesame.store import identities, identity_policies, policy_versions
from sesame.store.identity_policies import IdentityPolicy
from sesame.store.policy_versions import Place

_ATTEMPTS = 8


class PolicyActs:
    """Changes policies and cases of an identity, named by its ARN. Raises `OperatorError` where it is not there."""

    def __init__(self, store: Store, acts: Acts, *, clock: Clock, by: str) -> None:
        """`by` is whom the versions of a policy name as who changed it."""
        self._store = store
        self._acts = acts
        self._clock = clock
        self._by = by

    async def put(
        self, arn: IdentityArn, policy_name: str, document: str, *, force: bool = False
    ) -> tuple[Broken, ...]:
        """Create or replace a policy; the cases that it breaks, which is refused unless it is forced.

        Raises `PolicyError` and `PolicyTestFails`.
        """
        check_policy_name(policy_name)
        policy = parse_identity_policy(document, identity_arn=str(arn))

        async def run(tx: Transaction, identity: Identity) -> None:
            names = set(await self._keep(tx, identity, policy_name, document))
            if policy_name not in names and len(names) >= MAX_POLICIES:
                raise OperatorError(f"{identity.name} has {MAX_POLICIES} policies, the most it can have")
            try:
                bound = await principal_ids(tx, policy)
            except NoSuchPrincipal as error:
                raise OperatorError(f"the policy names {error}, which does not exist") from None
            stored = IdentityPolicy(policy_name=policy_name, document=document, principal_ids=bound)
            await identity_policies.put(tx, identity, stored)

        parameters = {"policyName": policy_name, "policy": document}
        return await self._edit(
            "PutIdentityPolicy", arn, {policy_name: document}, run, parameters, force=force
        )

    async def remove(self, arn: IdentityArn, policy_name: str, *, force: bool = False) -> tuple[Broken, ...]:
        """Remove a policy; as `put`."""

        async def run(tx: Transaction, identity: Identity) -> None:
            await self._keep(tx, identity, policy_name, None)
            place = identity.account_id, identity.region, identity.name
            if not await identity_policies.delete(tx, *place, policy_name):
                raise OperatorError(f"{identity.name} has no policy `{policy_name}`")

        parameters = {"policyName": policy_name}
        return await self._edit(
            "DeleteIdentityPolicy", arn, {policy_name: None}, run, parameters, force=force
        )

    async def _keep(
        self, tx: Transaction, identity: Identity, policy_name: str, document: str | None
    ) -> list[str]:
        """Keep what a policy says until it becomes `document`; the names of those that there are."""
        place = identity.account_id, identity.region, identity.name
        existing = {one.policy_name: one.document for one in await identity_policies.of(tx, *place)}
        if existing.get(policy_name) != document:
            version = Place(account_id=place[0], region=place[1], identity=place[2], policy_name=policy_name)
            before = existing.get(policy_name)
            await policy_versions.keep(tx, version, before, at=self._clock.now(), by=self._by)
        return list(existing)

    async def _edit(
        self,
        name: str,
        arn: IdentityArn,
        edit: Edit,
        change: Callable[[Transaction, Identity], Awaitable[None]],
        parameters: Mapping[str, Any],
        *,
        force: bool,
    ) -> tuple[Broken, ...]:
        """Try an edit, then make it on the very policies and cases that it was tried on."""
        for attempt in range(_ATTEMPTS):
            tried = await self._store.read(
                lambda tx: try_edit(tx, arn.account_id, arn.region, arn.name, edit)
            )
            if tried.broken and not force:
                raise PolicyTestFails(tried.broken[0])

            async def run(tx: Transaction, expected: int = tried.epoch) -> None:
                scope = identities_scope(arn.account_id, arn.region)
                await tx.lock([scope])
                if await epoch(tx, scope) != expected:
                    raise StalePermit([scope])
                await change(tx, await _identity(tx, arn))

            forced = {"forced": force, "brokenTests": [one.name for one in tried.broken]} if force else {}
            try:
                await self._change(name, arn, run, {**parameters, **forced})
                return tried.broken
            except StalePermit:
                if attempt == _ATTEMPTS - 1:
                    raise
        raise AssertionError("the last attempt returns or raises")

    async def put_cases(self, arn: IdentityArn, cases: Sequence[Expectation]) -> None:
        """Keep cases, in place of those of the same names."""

        async def run(tx: Transaction) -> None:
            await _with_operator_errors(put_cases(tx, await _identity(tx, arn), cases))

        await self._change("PutIdentityPolicyTests", arn, run, {"tests": [written(case) for case in cases]})

    async def remove_case(self, arn: IdentityArn, name: str) -> None:
        """Keep a case no longer."""

        async def run(tx: Transaction) -> None:
            await _with_operator_errors(remove_case(tx, await _identity(tx, arn), name))

        await self._change("DeleteIdentityPolicyTest", arn, run, {"test": name})

    async def _change(
        self, name: str, arn: IdentityArn, run: Run[None], parameters: Mapping[str, Any]
    ) -> None:
        named = {"identity": arn.name, **parameters}
        await self._acts.apply(name, arn.account_id, run, region=arn.region, parameters=named)

    async def run_cases(self, arn: IdentityArn) -> list[CaseState]:
        """Every case that is kept, with why it does not hold."""

        async def run(tx: Transaction) -> Callable[[], list[CaseState]]:
            return await ready(tx, await _identity(tx, arn))

        return (await self._store.read(run))()


async def _with_operator_errors(doing: Awaitable[None]) -> None:
    """What is wrong, in the words of an operator's commands."""
    try:
        await doing
    except ServiceError as error:
        raise OperatorError(error.message) from error


async def _identity(tx: Transaction, arn: IdentityArn) -> Identity:
    found = await identities.get(tx, arn.account_id, arn.region, arn.name)
    if found is None:
        raise OperatorError(f"account {arn.account_id} has no identity {arn.name} in {arn.region}")
    return found
