"""The condition keys that a request carries into a policy.

Values are exactly what the request says: no change of case, no label removed. Source: SES developer
guide, "Using identity policies"; IAM user guide, "AWS global condition context keys".
"""

from datetime import UTC, datetime

from sesame.access.directory import Credential
from sesame.model import Caller, Principal, PrincipalKind
from sesame.policy import Requester

_PRINCIPAL_TYPES = {
    PrincipalKind.ROOT: "Account",
    PrincipalKind.USER: "User",
    PrincipalKind.ROLE: "AssumedRole",
    PrincipalKind.SERVICE: "AWSService",
}


def requester(principal: Principal) -> Requester:
    """The principal as the policy language sees it."""
    return Requester(
        arn=principal.arn,
        account_id=principal.account_id,
        kind=principal.kind.value,
        user_id=principal.user_id,
    )


def global_keys(caller: Caller, credential: Credential) -> dict[str, str | tuple[str, ...]]:
    """The `aws:` keys of a signed request; `aws:ResourceAccount` is added per resource."""
    principal = caller.principal
    keys: dict[str, str | tuple[str, ...]] = {
        "aws:CurrentTime": datetime.fromtimestamp(caller.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "aws:EpochTime": str(int(caller.at)),
        "aws:SecureTransport": "true" if caller.secure_transport else "false",
        "aws:SourceIp": caller.source_ip,
        "aws:RequestedRegion": caller.region,
        "aws:PrincipalArn": principal.arn,
        "aws:PrincipalAccount": principal.account_id,
        "aws:PrincipalType": _PRINCIPAL_TYPES[principal.kind],
        "aws:userid": principal.user_id,
        "aws:ViaAWSService": "false",
    }
    if principal.kind is PrincipalKind.USER:
        keys["aws:username"] = principal.name
    if caller.user_agent is not None:
        keys["aws:UserAgent"] = caller.user_agent
    for name, value in credential.principal_tags:
        keys[f"aws:PrincipalTag/{name}"] = value
    return keys


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
