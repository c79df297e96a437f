"""Cases kept beside an identity's policies: the operations of Sesame's own API, for the identity's owner.

Each is authorised by the caller's IAM policies on the identity's ARN (`sesame:PutIdentityPolicyTests`, and so on).
"""

import asyncio
from collections.abc import Callable

from sesame.access.changes import Permit
from sesame.access.identity_names import normal_name
from sesame.access.permission import Authorizer
from sesame.aws.arn import identity_arn
from sesame.aws.shapes import sesame
from sesame.db import Store, Transaction
from sesame.errors import AccessDenied, InvalidParameterValue
from sesame.identities.policies import IdentityMissing
from sesame.identities.policy_tests import (
    CaseState,
    PolicyTestMissing,
    cases_of,
    put_cases,
    ready,
    remove_case,
)
from sesame.model import Caller, Identity
from sesame.operations.table import Handlers
from sesame.policy.analysis.expectations import Expectation, ExpectationError, read_expectation, written
from sesame.policy.language.source import Json
from sesame.store import identities

_MEMBERS = {"Who": "who", "May": "may", "NobodyBut": "nobodyBut", "As": "as", "When": "when"}
"""How the API and a file of cases call the same."""

MOST_AT_A_TIME = 2
"""Runs of cases under way in a process; others wait."""


class PolicyTestOperations:
    """The operations; each checks the caller's IAM policies first."""

    def __init__(self, store: Store, authorizer: Authorizer) -> None:
        self._store = store
        self._authorizer = authorizer
        self._places = asyncio.Semaphore(MOST_AT_A_TIME)

    def handlers(self) -> Handlers:
        """What this serves, by operation name."""
        return {
            "PutIdentityPolicyTests": self.put_identity_policy_tests,
            "GetIdentityPolicyTest": self.get_identity_policy_test,
            "ListIdentityPolicyTests": self.list_identity_policy_tests,
            "DeleteIdentityPolicyTest": self.delete_identity_policy_test,
            "RunIdentityPolicyTests": self.run_identity_policy_tests,
        }

    async def put_identity_policy_tests(
        self, caller: Caller, request: sesame.PutIdentityPolicyTestsRequest
    ) -> sesame.PutIdentityPolicyTestsResponse:
        """Keep cases; from the answer on changes of the policies are held to them."""
        name, permit = await self._required(caller, "PutIdentityPolicyTests", request["Identity"])
        cases = [_read(test) for test in request["Tests"]]
        if len({case.name for case in cases}) < len(cases):
            raise InvalidParameterValue("Two tests have the same name.")

        async def run(tx: Transaction) -> None:
            await put_cases(tx, await _identity(tx, caller, name), cases)

        await permit.apply(run)
        return {}

    async def get_identity_policy_test(
        self, caller: Caller, request: sesame.GetIdentityPolicyTestRequest
    ) -> sesame.GetIdentityPolicyTestResponse:
        """One case."""
        name, _ = await self._required(caller, "GetIdentityPolicyTest", request["Identity"])
        for case in await self._cases(caller, name):
            if case.name == request["Name"]:
                return {"Test": _as_shape(case)}
        raise PolicyTestMissing(name, request["Name"])

    async def list_identity_policy_tests(
        self, caller: Caller, request: sesame.ListIdentityPolicyTestsRequest
    ) -> sesame.ListIdentityPolicyTestsResponse:
        """All cases of an identity, which are few."""
        name, _ = await self._required(caller, "ListIdentityPolicyTests", request["Identity"])
        return {"Tests": [_as_shape(case) for case in await self._cases(caller, name)]}

    async def delete_identity_policy_test(
        self, caller: Caller, request: sesame.DeleteIdentityPolicyTestRequest
    ) -> sesame.DeleteIdentityPolicyTestResponse:
        """Keep a case no longer."""
        name, permit = await self._required(caller, "DeleteIdentityPolicyTest", request["Identity"])

        async def run(tx: Transaction) -> None:
            await remove_case(tx, await _identity(tx, caller, name), request["Name"])

        await permit.apply(run)
        return {}

    async def run_identity_policy_tests(
        self, caller: Caller, request: sesame.RunIdentityPolicyTestsRequest
    ) -> sesame.RunIdentityPolicyTestsResponse:
        """Whether the cases hold by the policies as they are; the work is done beside the loop."""
        name, _ = await self._required(caller, "RunIdentityPolicyTests", request["Identity"])

        return {"Results": [_result(state) for state in await self._states(caller, name)]}

    async def with_results(
        self, caller: Caller, identity: str
    ) -> list[tuple[sesame.PolicyTest, sesame.PolicyTestResult]]:
        """Each case with whether it holds, read once: what listing and running give, with the permissions for both."""
        name = normal_name(identity)
        arn = identity_arn(caller.region, caller.principal.account_id, name)
        asked = [(f"sesame:{one}", arn) for one in ("ListIdentityPolicyTests", "RunIdentityPolicyTests")]
        for refusal in await self._authorizer.refusals(caller, asked):
            if refusal is not None:
                raise AccessDenied(refusal)
        return [(_as_shape(state.case), _result(state)) for state in await self._states(caller, name)]

    async def _states(self, caller: Caller, name: str) -> list[CaseState]:
        async def run(tx: Transaction) -> Callable[[], list[CaseState]]:
            return await ready(tx, await _identity(tx, caller, name))

        async with self._places:
            return await asyncio.to_thread(await self._store.read(run))

    async def _required(self, caller: Caller, operation: str, identity: str) -> tuple[str, Permit]:
        """The identity's name as stored, and what lets the caller do this to it."""
        name = normal_name(identity)
        arn = identity_arn(caller.region, caller.principal.account_id, name)
        return name, await self._authorizer.require(caller, f"sesame:{operation}", arn)

    async def _cases(self, caller: Caller, name: str) -> list[Expectation]:
        async def run(tx: Transaction) -> list[Expectation]:
            identity = await _identity(tx, caller, name)
            return await cases_of(tx, identity.account_id, identity.region, identity.name)

        return await self._store.read(run)


async def _identity(tx: Transaction, caller: Caller, name: str) -> Identity:
    """The caller's identity of that name; raises `IdentityMissing`."""
    found = await identities.get(tx, caller.principal.account_id, caller.region, name)
    if found is None:
        raise IdentityMissing(name)
    return found


def _read(test: sesame.PolicyTest) -> Expectation:
    value: dict[str, Json] = {"name": test["Name"]}
    value |= {_MEMBERS[member]: given for member, given in test.items() if member in _MEMBERS}  # type: ignore[misc]
    try:
        return read_expectation(value)
    except ExpectationError as error:
        raise InvalidParameterValue(f"Invalid test: {error}.") from None


def _as_shape(case: Expectation) -> sesame.PolicyTest:
    value = written(case)
    given = {member: value[name] for member, name in _MEMBERS.items() if name in value}
    return {"Name": case.name, **given}  # type: ignore[typeddict-item]


def _result(state: CaseState) -> sesame.PolicyTestResult:
    if state.broken is None:
        return {"Name": state.case.name, "Holds": True}
    return {
        "Name": state.case.name,
        "Holds": False,
        "Why": state.broken.why,
        "Known": state.broken.is_known,
    }
