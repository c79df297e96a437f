"""The cases that an owner keeps beside an identity's policies, held against every change of these.

A change that breaks a case which held before is refused, at whichever door it was asked for: it is tried on a snapshot
first, and made only if the identity's policies and cases are still those (the permit rests on their epoch).
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sesame.access.changes import Permit
from sesame.access.compiled import compiled_identity_policies
from sesame.access.principal_binding import NoSuchPrincipal, principal_ids, requesters_known
from sesame.aws.arn import identity_arn
from sesame.db import Transaction, epoch, identities_scope
from sesame.errors import InvalidPolicy, LimitExceeded, ServiceError
from sesame.model import Identity
from sesame.policy import PolicyError, Requester, parse_stored_identity_policy
from sesame.policy.analysis.expectations import (
    Broken,
    Expectation,
    read_expectation,
    requesters_of,
    why_broken,
    written,
)
from sesame.store import identity_policies, policy_tests
from sesame.store.identity_policies import IdentityPolicy
from sesame.store.policy_tests import KeptCase

Edit = Mapping[str, str | None]
"""Policies by name with their new texts; None removes one."""


class PolicyTestFails(InvalidPolicy):
    """A change of an identity's policies breaks a case that its owner keeps beside them."""

    def __init__(self, broken: Broken) -> None:
        super().__init__(f"The policy test `{broken.name}` of the identity would fail: {broken.why}.")


class PolicyTestMissing(ServiceError):
    """The identity keeps no case of that name."""

    code, http_status = "PolicyTestDoesNotExist", 404

    def __init__(self, identity: str, name: str) -> None:
        super().__init__(f"{identity} keeps no case `{name}`.")


MAX_CASES = 50
"""Cases of one identity."""

PATIENCE = 3_000
"""How often the analysis may look up from its work for one change: a few seconds of it."""


class Patience:
    """A deadline that is counted and not timed, so that the same change has the same answer."""

    def __init__(self, left: int = PATIENCE) -> None:
        self._left = left

    def is_over(self) -> bool:
        """Whether it is at its end; asking takes some of it."""
        self._left -= 1
        return self._left < 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A change as it was tried: on which epoch, and what it would break."""

    epoch: int
    broken: tuple[Broken, ...]


async def held_to_tests(permit: Permit, identity: str, edit: Edit) -> Permit:
    """A permit for a change of the caller's identity that breaks no case; raises `PolicyTestFails` with the first."""
    account_id, region = permit.caller.principal.account_id, permit.caller.region
    tried = await permit.read(lambda tx: try_edit(tx, account_id, region, identity, edit))
    if tried.broken:
        raise PolicyTestFails(tried.broken[0])
    return permit.resting_on({identities_scope(account_id, region): tried.epoch})


async def try_edit(tx: Transaction, account_id: str, region: str, identity: str, edit: Edit) -> Tried:
    """Which cases a change would break. Reads only."""
    number = await epoch(tx, identities_scope(account_id, region))
    cases = await cases_of(tx, account_id, region, identity)
    if not cases:
        return Tried(epoch=number, broken=())
    now = await identity_policies.of(tx, account_id, region, identity)
    then = [policy for policy in now if policy.policy_name not in edit]
    then += [await _bound(tx, name, text) for name, text in edit.items() if text is not None]
    failing = await failures(tx, account_id, region, identity, cases, then, Patience())
    at_fault = [case for case in cases if any(broken.name == case.name for broken in failing)]
    before = await failures(tx, account_id, region, identity, at_fault, now, Patience())
    return Tried(epoch=number, broken=newly_broken(before=before, after=failing))


def newly_broken(*, before: Sequence[Broken], after: Sequence[Broken]) -> tuple[Broken, ...]:
    """The cases that a change would break; one that was not known to be broken is not let go for that."""
    known, either = {one.name for one in before if one.is_known}, {one.name for one in before}
    return tuple(one for one in after if one.name not in (known if one.is_known else either))


async def _bound(tx: Transaction, name: str, text: str) -> IdentityPolicy:
    """A policy as it would be stored; one that cannot be is refused when it is written."""
    try:
        ids = await principal_ids(tx, parse_stored_identity_policy(text))
    except NoSuchPrincipal:
        ids = {}
    return IdentityPolicy(policy_name=name, document=text, principal_ids=ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseState:
    """A case, and why it does not hold; None when it does."""

    case: Expectation
    broken: Broken | None


async def put_cases(tx: Transaction, identity: Identity, cases: Sequence[Expectation]) -> None:
    """Keep cases, in place of those of the same names. Raises `LimitExceeded`."""
    there = await policy_tests.of(tx, identity.account_id, identity.region, identity.name)
    if len({case.name for case in there} | {case.name for case in cases}) > MAX_CASES:
        raise LimitExceeded(f"An identity keeps at most {MAX_CASES} cases.")
    kept = [KeptCase(name=case.name, document=json.dumps(written(case))) for case in cases]
    await policy_tests.put(tx, identity, kept)


async def remove_case(tx: Transaction, identity: Identity, name: str) -> None:
    """Keep a case no longer. Raises `PolicyTestMissing`."""
    if not await policy_tests.remove(tx, identity, name):
        raise PolicyTestMissing(identity.name, name)


async def ready(tx: Transaction, identity: Identity) -> Callable[[], list[CaseState]]:
    """What says of every case whether it holds: all that it needs is read, and what it does may take seconds."""
    place = identity.account_id, identity.region, identity.name
    cases, policies = await cases_of(tx, *place), await identity_policies.of(tx, *place)
    known = await _known(tx, cases)

    def run() -> list[CaseState]:
        broken = {one.name: one for one in _failures(*place, cases, policies, known, Patience())}
        return [CaseState(case=case, broken=broken.get(case.name)) for case in cases]

    return run


async def cases_of(tx: Transaction, account_id: str, region: str, identity: str) -> list[Expectation]:
    """The cases of an identity, by name."""
    kept = await policy_tests.of(tx, account_id, region, identity)
    return [read_expectation(json.loads(case.document)) for case in kept]


async def failures(
    tx: Transaction,
    account_id: str,
    region: str,
    identity: str,
    cases: list[Expectation],
    policies: list[IdentityPolicy],
    patience: Patience,
) -> list[Broken]:
    """The cases that do not hold by these policies. A policy that cannot be read breaks none: it is not stored."""
    return _failures(account_id, region, identity, cases, policies, await _known(tx, cases), patience)


async def _known(tx: Transaction, cases: Sequence[Expectation]) -> dict[str, Requester]:
    """Those that cases name, with what is known of them here."""
    named = {one.arn: one for case in cases for one in requesters_of(case)}
    known = await requesters_known(tx, list(named.values()))
    return dict(zip(named, known, strict=True))


def _failures(
    account_id: str,
    region: str,
    identity: str,
    cases: Sequence[Expectation],
    policies: list[IdentityPolicy],
    known: Mapping[str, Requester],
    patience: Patience,
) -> list[Broken]:
    try:
        held = compiled_identity_policies(policies)
    except PolicyError:
        return []
    found = [
        why_broken(
            case,
            held.documents,
            identity_arn=identity_arn(region, account_id, identity),
            principal_ids=held.principal_ids,
            known=known,
            is_late=patience.is_over,
        )
        for case in cases
    ]
    return [broken for broken in found if broken is not None]
