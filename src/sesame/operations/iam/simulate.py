"""IAM's policy simulator: what would these policies answer to these requests?

Asks the same evaluators that decide sends, so an answer here is an answer there. Features that the
evaluators do not have (organization policies, EC2 scenarios) are refused, not passed over. Source: IAM
API reference, SimulateCustomPolicy and SimulatePrincipalPolicy.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from sesame.access.permission import Authorizer
from sesame.access.principals import session_principal
from sesame.aws import paging
from sesame.aws.errors import InvalidInput, NoSuchEntity
from sesame.aws.shapes import iam
from sesame.db import Store, Transaction
from sesame.errors import ValidationError
from sesame.model import Caller
from sesame.operations.table import Handlers
from sesame.policy import (
    Outcome,
    Policy,
    PolicyError,
    Requester,
    parse_iam_policy,
    parse_stored_iam_policy,
    parse_stored_identity_policy,
)
from sesame.policy.language.document import Effect
from sesame.policy.language.values import read_bytes
from sesame.policy.reasons.simulate import DECISIONS, MatchedStatement, simulate
from sesame.store.iam import groups, inline_policies, managed_policies, roles, users
from sesame.store.iam.managed_policies import AWS_MANAGED, AWS_PREFIX

DEFAULT_PAGE = 100
MAX_RESULTS = 10_000
"""Actions times resources of one call; far over what the console's simulator asks."""

_ACCOUNT = re.compile(r"[0-9]{12}")
_SOURCE_ARN = re.compile(r"arn:aws:iam::([0-9]{12}):(user|group|role)/(?:.*/)?([^/]+)")

_ANYTHING = parse_iam_policy(AWS_MANAGED[f"{AWS_PREFIX}AdministratorAccess"])

SimulateRequest = iam.SimulateCustomPolicyRequest | iam.SimulatePrincipalPolicyRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class _Simulation:
    """The policies and the principal of one call; `names` says what IAM calls each stored policy."""

    requester: Requester
    iam: tuple[tuple[str, Policy], ...]
    names: dict[str, str]
    boundary: tuple[tuple[str, Policy], ...] | None
    organization: tuple[tuple[tuple[str, Policy], ...], ...] | None
    """Service control policies by level, from the organization's root to the account; None where none are given."""
    resource: tuple[tuple[str, Policy], ...]
    resource_owner: str | None
    context: dict[str, str | tuple[str, ...]]


class SimulateOperations:
    """The operations; each checks the caller's IAM policies first."""

    def __init__(self, store: Store, authorizer: Authorizer) -> None:
        self._store = store
        self._authorizer = authorizer

    def handlers(self) -> Handlers:
        """What this serves, by operation name."""
        return {
            "SimulateCustomPolicy": self.simulate_custom_policy,
            "SimulatePrincipalPolicy": self.simulate_principal_policy,
        }

    async def simulate_custom_policy(
        self, caller: Caller, request: iam.SimulateCustomPolicyRequest
    ) -> iam.SimulateCustomPolicyResponse:
        """Ask policies that come with the request."""
        await self._authorizer.require(caller, "iam:SimulateCustomPolicy")
        simulation = _simulation(
            request,
            _requester(request.get("CallerArn"), caller.principal.account_id),
            own=(),
            names={},
        )
        return _answer(simulation, request)

    async def simulate_principal_policy(
        self, caller: Caller, request: iam.SimulatePrincipalPolicyRequest
    ) -> iam.SimulatePrincipalPolicyResponse:
        """Ask the policies of a user, group or role of the caller's account, and those that come with the request."""
        arn = request["PolicySourceArn"]
        await self._authorizer.require(caller, "iam:SimulatePrincipalPolicy", arn)
        if request.get("PolicyExclusionList"):
            raise InvalidInput("PolicyExclusionList is not supported.")
        source = await source_of(self._store, caller, arn)
        requester = source.requester
        if "CallerArn" in request:
            requester = _requester(request["CallerArn"], requester.account_id)
        named = (*source.policies, *(source.boundary or ()))
        names = {policy: _source_id(policy, source.kind, source.name) for policy, _ in named}
        simulation = _simulation(
            request, requester, own=source.policies, names=names, boundary=source.boundary
        )
        return _answer(simulation, request)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A user, group or role whose stored policies are asked; the requester bears them, of a group some member."""

    kind: str
    name: str
    requester: Requester
    policies: tuple[tuple[str, Policy], ...]
    boundary: tuple[tuple[str, Policy], ...] | None


async def source_of(store: Store, caller: Caller, arn: str) -> Source:
    """What an ARN names in the caller's account. Raises `InvalidInput` or `NoSuchEntity`."""
    match = _SOURCE_ARN.fullmatch(arn)
    if match is None:
        raise InvalidInput(f"Invalid Entity Arn: {arn} does not name a user, group or role.")
    account_id, kind, name = match.groups()
    found = None
    if account_id == caller.principal.account_id:
        found = await store.read(_bearer_of(arn, account_id, kind, name))
    if found is None:
        raise NoSuchEntity.named(kind, name)
    return Source(
        kind=kind,
        name=name,
        requester=found.requester,
        policies=_parsed(found.stored),
        boundary=None if found.boundary is None else _parsed(found.boundary),
    )


def _parsed(stored: Sequence[tuple[str, str]]) -> tuple[tuple[str, Policy], ...]:
    return tuple((name, parse_stored_iam_policy(text)) for name, text in stored)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bearer:
    """Who bears policies, which and under which permissions boundary, as they are stored."""

    requester: Requester
    stored: list[tuple[str, str]]
    boundary: list[tuple[str, str]] | None = None


def _bearer_of(
    arn: str, account_id: str, kind: str, name: str
) -> Callable[[Transaction], Awaitable[_Bearer | None]]:
    """Who bears the policies that are asked, and the policies as they are stored; of a group, some member."""

    async def run(tx: Transaction) -> _Bearer | None:
        if kind == "user":
            user = await users.get_user(tx, account_id, name)
            if user is None or user.arn != arn:
                return None
            requester = Requester(arn=arn, account_id=account_id, kind="user", user_id=user.user_id)
            return _Bearer(
                requester=requester,
                stored=await groups.policies_for_user(tx, user.user_id),
                boundary=await _boundary(tx, account_id, user.permissions_boundary),
            )
        if kind == "role":
            role = await roles.get(tx, account_id, name)
            if role is None or role.arn != arn:
                return None
            session = session_principal(role, "simulated")
            requester = Requester(
                arn=session.arn, account_id=account_id, kind="role", user_id=session.user_id, role_arn=arn
            )
            return _Bearer(
                requester=requester,
                stored=await roles.policies_for_role(tx, role.role_id),
                boundary=await _boundary(tx, account_id, role.permissions_boundary),
            )
        group = await groups.get(tx, account_id, name)
        if group is None or group.arn != arn:
            return None
        managed = await managed_policies.documents(tx, [group.group_id])
        inline = await inline_policies.of(tx, group.group_id)
        return _Bearer(requester=_requester(None, account_id), stored=[*inline, *managed])

    return run


async def _boundary(tx: Transaction, account_id: str, arn: str) -> list[tuple[str, str]] | None:
    return await managed_policies.by_arn(tx, account_id, [arn]) if arn else None


def _source_id(policy_name: str, kind: str, bearer: str) -> str:
    """What IAM calls a policy in an answer (recorded): a managed one by its name, an inline one with its bearer's."""
    if policy_name.startswith("arn:"):
        return policy_name.rpartition("/")[2]
    group, slash, name = policy_name.partition("/")
    return f"group_{group}_{name}" if slash else f"{kind}_{bearer}_{policy_name}"


def _simulation(
    request: SimulateRequest,
    requester: Requester,
    *,
    own: tuple[tuple[str, Policy], ...],
    names: dict[str, str],
    boundary: tuple[tuple[str, Policy], ...] | None = None,
) -> _Simulation:
    """Read the request; raises `InvalidInput` for what is not supported or not a policy.

    A boundary that comes with the request stands in the place of `boundary`.
    """
    if request.get("ResourceHandlingOption"):
        raise InvalidInput("ResourceHandlingOption is for EC2 and is not supported.")
    given = read_policies("PolicyInputList", request.get("PolicyInputList", []))
    if texts := request.get("PermissionsBoundaryPolicyInputList"):
        if len(texts) > 1:
            raise InvalidInput("You can input only one permissions boundary.")
        boundary = read_policies("PermissionsBoundaryPolicyInputList", texts)
    resource: tuple[tuple[str, Policy], ...] = ()
    if text := request.get("ResourcePolicy"):
        if "CallerArn" not in request and not own:
            raise InvalidInput("CallerArn is required when ResourcePolicy is given.")
        try:
            resource = (("ResourcePolicy", parse_stored_identity_policy(text)),)
        except PolicyError as error:
            raise InvalidInput(f"ResourcePolicy: {error}") from None
    return _Simulation(
        requester=requester,
        iam=(*own, *given),
        names=names,
        boundary=boundary,
        organization=_organization(request),
        resource=resource,
        resource_owner=_owner(request.get("ResourceOwner")),
        context=_context(request.get("ContextEntries", [])),
    )


def _organization(
    request: SimulateRequest,
) -> tuple[tuple[tuple[str, Policy], ...], ...] | None:
    """The service control policies of each level. Raises `InvalidInput`."""
    levels: Any = request.get("OrderedOrganizationPolicyInputList")
    if not levels:
        return None
    return tuple(
        read_policies(
            f"OrderedOrganizationPolicyInputList.{number}.ServiceControlPolicyInputList",
            level.get("ServiceControlPolicyInputList", []),
        )
        for number, level in enumerate(levels, start=1)
    )


def read_policies(parameter: str, texts: Sequence[str]) -> tuple[tuple[str, Policy], ...]:
    """The policies of a parameter, with names for them. Raises `InvalidInput`."""
    found = []
    for number, text in enumerate(texts, start=1):
        try:
            found.append((f"{parameter}.{number}", parse_iam_policy(text)))
        except PolicyError as error:
            raise InvalidInput(f"{parameter}.{number}: {error}") from None
    return tuple(found)


def _requester(arn: str | None, account_id: str) -> Requester:
    """The principal an ARN names; without one, some user of the caller's account."""
    arn = arn or f"arn:aws:iam::{account_id}:user/simulated"
    parts = arn.split(":", 5)
    if len(parts) != 6 or not _ACCOUNT.fullmatch(parts[4]):
        raise InvalidInput(f"Invalid CallerArn: {arn}")
    account, resource = parts[4], parts[5]
    if resource == "root":
        return Requester(arn=arn, account_id=account, kind="root", user_id=account)
    if resource.startswith("user/"):
        return Requester(arn=arn, account_id=account, kind="user", user_id=resource.rpartition("/")[2])
    if parts[2] == "sts" and resource.startswith("assumed-role/"):
        role = resource.split("/")[1]
        return Requester(
            arn=arn,
            account_id=account,
            kind="role",
            user_id=role,
            role_arn=f"arn:aws:iam::{account}:role/{role}",
        )
    raise InvalidInput(f"Invalid CallerArn: {arn} names no user, root or role session.")


def _owner(text: str | None) -> str | None:
    if text is None:
        return None
    account = text.split(":")[4] if text.startswith("arn:") and text.count(":") >= 5 else text
    if not _ACCOUNT.fullmatch(account):
        raise InvalidInput(f"Invalid ResourceOwner: {text}")
    return account


def _context(entries: Sequence[iam.ContextEntry]) -> dict[str, str | tuple[str, ...]]:
    """The context entries; a type ending in `List` makes a multi-valued key, values of `binary` come in base64."""
    context: dict[str, str | tuple[str, ...]] = {}
    for entry in entries:
        name, values = entry.get("ContextKeyName"), tuple(entry.get("ContextKeyValues", ()))
        kind = entry.get("ContextKeyType", "string")
        if not name:
            raise InvalidInput("A context entry must have a ContextKeyName.")
        if not kind.endswith("List") and len(values) != 1:
            raise InvalidInput(f"Context key {name} of type {kind} must have one value.")
        if kind.startswith("binary"):
            values = tuple(_from_base64(name, value) for value in values)
        context[name] = values if kind.endswith("List") else values[0]
    return context


def _from_base64(name: str, value: str) -> str:
    """A binary value as requests carry it: its bytes are a text's."""
    found = read_bytes(value)
    if found is None:
        raise InvalidInput(f"Context key {name} of type binary must be in base64.")
    try:
        return found.decode()
    except UnicodeDecodeError:
        raise InvalidInput(f"Context key {name}: bytes that are no UTF-8 text are not supported.") from None


def _answer(simulation: _Simulation, request: SimulateRequest) -> iam.SimulatePolicyResponse:
    """One result for each action and resource, by page."""
    resources = request.get("ResourceArns") or ["*"]
    pairs = [(action, resource) for action in request["ActionNames"] for resource in resources]
    if len(pairs) > MAX_RESULTS:
        raise InvalidInput(f"A call takes at most {MAX_RESULTS} combinations of actions and resources.")
    marker = request.get("Marker")
    after = paging.decode(marker, lambda: ValidationError(f"Invalid Marker: {marker}"))
    if after and not after.isdigit():
        raise ValidationError(f"Invalid Marker: {marker}")
    start = int(after or 0)
    end = start + (request.get("MaxItems") or DEFAULT_PAGE)
    results = [_result(simulation, action, resource) for action, resource in pairs[start:end]]
    marker = paging.encode(str(end)) if end < len(pairs) else None
    return {"EvaluationResults": results, **paging.truncation(marker)}


def _result(simulation: _Simulation, action: str, resource: str) -> iam.EvaluationResult:
    (simulated,) = simulate(
        simulation.requester,
        actions=[action],
        resources=[resource],
        iam=simulation.iam,
        identity=simulation.resource,
        context=simulation.context,
        resource_account=simulation.resource_owner,
        boundary=simulation.boundary,
    )
    outcome = simulated.outcome
    missing = list(simulated.missing_context)
    matches = [
        _statement(simulation, matched)
        for matched in simulated.matched
        if _effect(simulation, matched) is Effect.DENY
        or (outcome is not Outcome.EXPLICIT_DENY and matched.ref.kind != "boundary")
    ]
    allowed_by_organization = True
    if simulation.organization is not None:
        said = _by_organization(simulation, action, resource)
        allowed_by_organization = said is Outcome.ALLOW
        if said is Outcome.EXPLICIT_DENY or (not allowed_by_organization and outcome is Outcome.ALLOW):
            outcome = said
    result: iam.EvaluationResult = {
        "EvalActionName": action,
        "EvalResourceName": resource,
        "EvalDecision": DECISIONS[outcome],
        "MatchedStatements": matches,
        "MissingContextValues": missing,
    }
    if simulation.organization is not None:
        result["OrganizationsDecisionDetail"] = {"AllowedByOrganizations": allowed_by_organization}
    if simulation.boundary is not None:
        within = simulate(
            simulation.requester,
            actions=[action],
            resources=[resource],
            iam=simulation.boundary,
            identity=(),
            context=simulation.context,
            resource_account=simulation.requester.account_id,
        )[0].outcome
        result["PermissionsBoundaryDecisionDetail"] = {
            "AllowedByPermissionsBoundary": within is Outcome.ALLOW
        }
    return result if resource == "*" else _of_resource(simulation, result, action)


def _by_organization(simulation: _Simulation, action: str, resource: str) -> Outcome:
    """What service control policies come to: each level must allow, a Deny of any counts, for an account's root too.

    Source: AWS Organizations user guide, "SCP evaluation".
    """
    requester = simulation.requester
    if requester.kind == "root":
        requester = replace(requester, kind="user")
    said = [
        simulate(
            requester,
            actions=[action],
            resources=[resource],
            iam=level,
            identity=(),
            context=simulation.context,
            resource_account=requester.account_id,
        )[0].outcome
        for level in simulation.organization or ()
    ]
    if Outcome.EXPLICIT_DENY in said:
        return Outcome.EXPLICIT_DENY
    return Outcome.ALLOW if all(one is Outcome.ALLOW for one in said) else Outcome.IMPLICIT_DENY


def _of_resource(simulation: _Simulation, result: iam.EvaluationResult, action: str) -> iam.EvaluationResult:
    """A result for a resource that was named, told once more by itself, with what is missing there (IAM API reference).

    The details are those of a cross-account evaluation: what each side said; empty within an account.
    """
    resource = result.get("EvalResourceName", "*")
    details = _sides(simulation, action, resource)
    specific: iam.ResourceSpecificResult = {
        "EvalResourceName": resource,
        "EvalResourceDecision": result["EvalDecision"],
        "MatchedStatements": result.get("MatchedStatements", []),
        "MissingContextValues": result.get("MissingContextValues", []),
    }
    if details:
        specific["EvalDecisionDetails"] = details
    if "PermissionsBoundaryDecisionDetail" in result:
        specific["PermissionsBoundaryDecisionDetail"] = result["PermissionsBoundaryDecisionDetail"]
    return {
        **result,
        "MissingContextValues": [],
        "EvalDecisionDetails": details,
        "ResourceSpecificResults": [specific],
    }


def _sides(
    simulation: _Simulation, action: str, resource: str
) -> dict[str, Literal["allowed", "explicitDeny", "implicitDeny"]]:
    """What the caller's policies and the resource's say each for itself, when they are of two accounts."""
    fields = resource.split(":", 5)
    owner = simulation.resource_owner or (fields[4] if len(fields) == 6 else "")
    caller = simulation.requester
    if not simulation.resource or owner in ("", caller.account_id):
        return {}
    sides = {
        "IAM Policy": (simulation.iam, (), caller.account_id),
        "Resource Policy": ((("anything", _ANYTHING),), simulation.resource, owner),
    }
    found = {}
    for side, (policies, resource_policies, account_id) in sides.items():
        (simulated,) = simulate(
            caller,
            actions=[action],
            resources=[resource],
            iam=policies,
            identity=resource_policies,
            context=simulation.context,
            resource_account=account_id,
        )
        found[side] = DECISIONS[simulated.outcome]
    return found


def _effect(simulation: _Simulation, matched: MatchedStatement) -> Effect:
    of_kind = {"identity": simulation.resource, "boundary": simulation.boundary or ()}
    policies = dict(of_kind.get(matched.ref.kind, simulation.iam))
    return policies[matched.ref.policy].statements[matched.ref.index].effect


def _statement(simulation: _Simulation, matched: MatchedStatement) -> iam.Statement:
    """A statement with the policy it is in and where it stands there; lines and columns from 1."""
    ref = matched.ref
    kind: Any = (
        "Resource Policy" if ref.kind == "identity" else "IAM Policy"
    )  # recorded; not the model's words
    return {
        "SourcePolicyId": simulation.names.get(ref.policy, ref.policy),
        "SourcePolicyType": kind,
        "StartPosition": {"Line": matched.start[0], "Column": matched.start[1]},
        "EndPosition": {"Line": matched.end[0], "Column": matched.end[1]},
    }
