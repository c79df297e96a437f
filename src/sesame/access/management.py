"""What policy says of a call that manages something: the decision, and the refusal in IAM's words."""

from collections.abc import Mapping

import msgspec

from sesame.access import conditions
from sesame.access.checks import boundary_of, limits
from sesame.access.directory import Held
from sesame.access.principals import Credential, Tags
from sesame.model import Caller
from sesame.policy import EMPTY, Decision, Outcome, PolicySet, Request, decide
from sesame.policy.request import PolicyKind


def account_in(resource: str) -> str:
    """The account that an ARN names, or none."""
    fields = resource.split(":", 5)
    return fields[4] if len(fields) == 6 else ""


def management_request(
    caller: Caller,
    credential: Credential,
    action: str,
    resource: str,
    *,
    held: Held,
    keys: conditions.Keys = conditions.NO_KEYS,
    has_policy: bool = False,
) -> Request:
    """What is asked of policy on a management call; `has_policy`: of the resource's own as well."""
    owner = account_in(resource) or caller.principal.account_id
    return Request(
        requester=conditions.requester(caller.principal),
        action=action,
        resource=resource,
        resource_account=owner if has_policy else caller.principal.account_id,
        context={
            **conditions.global_keys(caller, credential),
            **conditions.management_keys(caller),
            "aws:ResourceAccount": owner,
            **conditions.resource_tags(action, held.tags),
            **conditions.resource_boundary(action, held.boundary),
            **keys,
        },
    )


def trust_request(
    caller: Caller,
    credential: Credential,
    action: str,
    role_arn: str,
    *,
    tags: Tags,
    keys: conditions.Keys,
) -> Request:
    """What is asked of a role's trust policy; `tags` are the role's."""
    owner = account_in(role_arn)
    return Request(
        requester=conditions.requester(caller.principal),
        action=action,
        resource=role_arn,
        resource_account=owner,
        context={
            **conditions.global_keys(caller, credential),
            "aws:ResourceAccount": owner,
            **conditions.resource_tags(action, tags),
            **keys,
        },
    )


def decided(
    request: Request, credential: Credential, *, resource_policy: PolicySet | None = None
) -> Decision:
    """What is decided on a management call; see `Authorizer.require`."""
    return decide(
        request,
        iam=credential.policies.compiled,
        identity=EMPTY if resource_policy is None else resource_policy,
        session=limits(credential),
        boundary=boundary_of(credential),
    )


_KINDS: Mapping[PolicyKind, str] = {
    "iam": "identity-based policy",
    "identity": "identity-based policy",
    "boundary": "permissions boundary",
    "session": "session policy",
}
"""As IAM calls them; of a resource's own policy no caller of another account is told."""


def refusal_text(caller: Caller, request: Request, credential: Credential, decision: Decision) -> str:
    """That a management call is refused, in IAM's words."""
    action = request.action
    if decision.outcome is Outcome.EXPLICIT_DENY:
        kind = _KINDS[decision.deciding[0].kind]
        because = f"with an explicit deny in a{'n' * kind.startswith('i')} {kind}"
    else:
        kind = _KINDS[_missing(request, credential)]
        because = f"because no {kind} allows the {action} action"
    return (
        f"User: {caller.principal.arn} is not authorized to perform: {action}"
        f" on resource: {request.resource} {because}"
    )


def _missing(request: Request, credential: Credential) -> PolicyKind:
    """Which of the caller's own policies do not allow it, those first that IAM asks first."""
    own = msgspec.structs.replace(request, resource_account=request.requester.account_id)
    iam, boundary = credential.policies.compiled, boundary_of(credential)
    if decide(own, iam=iam, identity=EMPTY).outcome is not Outcome.ALLOW:
        return "iam"
    if decide(own, iam=iam, identity=EMPTY, boundary=boundary).outcome is not Outcome.ALLOW:
        return "boundary"
    within = decide(own, iam=iam, identity=EMPTY, session=limits(credential))
    return "iam" if within.outcome is Outcome.ALLOW else "session"
