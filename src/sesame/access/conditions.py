"""The condition keys that a request carries into a policy.

Values are exactly what the request says: no change of case, no label removed. Source: SES developer
guide, "Using identity policies"; IAM user guide, "AWS global condition context keys".
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache

from sesame.access.principals import Credential
from sesame.model import Caller, ConsoleLogin, Principal, PrincipalKind, Session
from sesame.policy import Requester
from sesame.policy.language.action_keys import ACTIONS

Keys = Mapping[str, str | tuple[str, ...]]
NO_KEYS: Keys = {}

OF_ONE_SEND = frozenset({"aws:CurrentTime", "aws:EpochTime", "ses:Recipients"})
"""The keys of a send that differ from one to the next of the same sender."""

_PRINCIPAL_TYPES = {
    PrincipalKind.ROOT: "Account",
    PrincipalKind.USER: "User",
    PrincipalKind.ROLE: "AssumedRole",
    PrincipalKind.FEDERATED: "FederatedUser",
    PrincipalKind.SERVICE: "AWSService",
}


def requester(principal: Principal) -> Requester:
    """The principal as the policy language sees it: a service acts for an account but is of none."""
    return Requester(
        arn=principal.arn,
        account_id="" if principal.kind is PrincipalKind.SERVICE else principal.account_id,
        kind=principal.kind.value,
        user_id=principal.user_id,
        role_arn=principal.role_arn,
        issuer_arn=principal.issuer_arn,
        issuer_id=principal.issuer_id,
    )


def global_keys(caller: Caller, credential: Credential) -> dict[str, str | tuple[str, ...]]:
    """The `aws:` keys of a signed request; `aws:ResourceAccount` is added per resource."""
    principal = caller.principal
    keys: dict[str, str | tuple[str, ...]] = {
        **time_keys(caller.at),
        "aws:SecureTransport": "true" if caller.secure_transport else "false",
        "aws:SourceIp": caller.source_ip,
        "aws:RequestedRegion": caller.region,
        "aws:PrincipalType": _PRINCIPAL_TYPES[principal.kind],
        "aws:ViaAWSService": "false",
    }
    if caller.user_agent is not None:
        keys["aws:UserAgent"] = caller.user_agent
    if caller.referer is not None:
        keys["aws:Referer"] = caller.referer
    if principal.kind is PrincipalKind.SERVICE:
        return keys | _service_keys(caller)
    # Of a session IAM tells the role's ARN here, and the session's own nowhere.
    keys["aws:PrincipalArn"] = principal.role_arn or principal.arn
    keys["aws:PrincipalAccount"] = principal.account_id
    keys["aws:userid"] = principal.user_id
    keys["aws:PrincipalIsAWSService"] = "false"
    if principal.kind is PrincipalKind.USER:
        keys["aws:username"] = principal.name
    for name, value in credential.principal_tags:
        keys[f"aws:PrincipalTag/{name}"] = value
    if caller.login is not None:
        keys |= _login_keys(caller.login, caller.at)
    return keys if caller.session is None else keys | _session_keys(caller.session, caller.at)


def _login_keys(login: ConsoleLogin, at: float) -> dict[str, str | tuple[str, ...]]:
    keys: dict[str, str | tuple[str, ...]] = {
        "aws:TokenIssueTime": _iso(login.made_at),
        "aws:MultiFactorAuthPresent": "true" if login.mfa else "false",
    }
    if login.mfa:
        keys["aws:MultiFactorAuthAge"] = str(max(0, int(at - login.made_at)))
    return keys


def _session_keys(session: Session, at: float) -> dict[str, str | tuple[str, ...]]:
    keys: dict[str, str | tuple[str, ...]] = {
        "aws:TokenIssueTime": _iso(session.issued_at),
        "aws:MultiFactorAuthPresent": "false" if session.mfa_at is None else "true",
    }
    if session.mfa_at is not None:
        keys["aws:MultiFactorAuthAge"] = str(max(0, int(at - session.mfa_at)))
    if session.source_identity is not None:
        keys["aws:SourceIdentity"] = session.source_identity
    return keys


def _service_keys(caller: Caller) -> dict[str, str | tuple[str, ...]]:
    """What a service says of itself and of whom it acts for; it has no ARN, account or tags."""
    name = caller.principal.name
    keys: dict[str, str | tuple[str, ...]] = {
        "aws:PrincipalIsAWSService": "true",
        "aws:PrincipalServiceName": name,
        "aws:PrincipalServiceNamesList": (name,),
        "aws:SourceAccount": caller.principal.account_id,
    }
    if caller.source_arn is not None:
        keys["aws:SourceArn"] = caller.source_arn
    return keys


def time_keys(at: float) -> dict[str, str | tuple[str, ...]]:
    """The keys that tell when a request came in."""
    return {"aws:CurrentTime": _iso(at), "aws:EpochTime": str(int(at))}


def _iso(at: float) -> str:
    return _written(int(at))


@lru_cache(maxsize=16)  # requests of one second share it
def _written(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def send_keys(
    *,
    api_version: str,
    from_address: str,
    from_display_name: str | None,
    feedback_address: str,
    recipients: tuple[str, ...],
) -> dict[str, str | tuple[str, ...]]:
    """The `ses:` keys of a send; recipients are the whole envelope, Bcc too."""
    keys: dict[str, str | tuple[str, ...]] = {
        "ses:ApiVersion": api_version,
        "ses:FromAddress": from_address,
        "ses:FeedbackAddress": feedback_address,
        "ses:Recipients": recipients,
    }
    if from_display_name is not None:
        keys["ses:FromDisplayName"] = from_display_name
    return keys


def management_keys(caller: Caller) -> dict[str, str | tuple[str, ...]]:
    """The `ses:` keys of a call that sends nothing."""
    return {} if caller.api_version is None else {"ses:ApiVersion": caller.api_version}


def request_tags(tags: Mapping[str, str]) -> Keys:
    """The keys of tags that a request sets; none when it sets none."""
    return _tag_keys("aws:RequestTag/", tags.items()) | tag_keys(tags)


def tag_keys(keys: Iterable[str]) -> dict[str, str | tuple[str, ...]]:
    """The key of tags that a request names, as it writes them."""
    named = tuple(keys)
    return {"aws:TagKeys": named} if named else {}


def resource_tags(action: str, tags: Iterable[tuple[str, str]]) -> dict[str, str | tuple[str, ...]]:
    """The keys of tags that the resource of a request has, as far as the action has such keys.

    An action without a row in the table has the usual one.
    """
    found = ACTIONS.get(action.lower())
    prefixes = ("aws:ResourceTag/*",) if found is None else found.keys
    keys: dict[str, str | tuple[str, ...]] = {}
    for prefix in prefixes:
        if prefix.endswith(":ResourceTag/*"):
            keys |= _tag_keys(prefix.removesuffix("*"), tags)
    return keys


BOUNDARY = "iam:PermissionsBoundary"
_SAY_IT = frozenset(
    {
        "iam:createrole",
        "iam:createuser",
        "iam:putrolepermissionsboundary",
        "iam:putuserpermissionsboundary",
    }
)
"""Actions of which the request says the boundary; of others it is the one that the user or role has."""


def boundary_key(arn: str) -> Keys:
    """The key of a permissions boundary; none of an empty ARN."""
    return {BOUNDARY: arn} if arn else NO_KEYS


def resource_boundary(action: str, arn: str) -> Keys:
    """The key of the boundary that the user or role has which a request is about, as far as the action has the key."""
    found = ACTIONS.get(action.lower())
    is_asked = found is not None and BOUNDARY in found.keys and action.lower() not in _SAY_IT
    return boundary_key(arn) if is_asked else NO_KEYS


def _tag_keys(prefix: str, tags: Iterable[tuple[str, str]]) -> dict[str, str | tuple[str, ...]]:
    """A key for each tag.

    Keys ignore case, so tags that differ only in it make one key with many values: any of them may match in
    a Deny, none in an Allow.
    """
    found: dict[str, tuple[str, ...]] = {}
    for name, value in tags:
        key = (prefix + name).lower()
        found[key] = (*found.get(key, ()), value)
    return {key: values[0] if len(values) == 1 else values for key, values in found.items()}
