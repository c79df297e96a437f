"""What policy says of a call that manages something: the decision, and the refusal in IAM's words."""

from sesame.access import conditions
from sesame.access.checks import limits
from sesame.access.principals import Credential, Tags
from sesame.model import Caller
from sesame.policy import EMPTY, Decision, Outcome, PolicySet, Request, decide


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
    tags: Tags,
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
    )


def refusal_text(caller: Caller, action: str, resource: str, decision: Decision) -> str:
    """That a management call is refused, in IAM's words."""
    because = (
        "with an explicit deny in an identity-based policy"
        if decision.outcome is Outcome.EXPLICIT_DENY
        else f"because no identity-based policy allows the {action} action"
    )
    return (
        f"User: {caller.principal.arn} is not authorized to perform: {action}"
        f" on resource: {resource} {because}"
    )
