"""Write the parts of botocore's service models that Sesame serves.

    python -m tools.extract_models

For each service: `src/sesame/aws/models/<service>.json` (metadata, the names of all operations,
and the served operations with every shape they reach: members, constraints, traits, no
documentation) and `src/sesame/aws/shapes/<service>.py` (the same shapes as TypedDicts). To serve
another operation add its name to SERVED and run this again. botocore is a development dependency;
a test holds the committed files against the installed one. Sesame's own API is made the same way of its definition in
`src/sesame/aws/definitions`, which has the form of a botocore model, so that boto3 and the AWS CLI can load it too.

Source: botocore's `service-2.json`, Apache-2.0.
"""

import json
import keyword
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import botocore
from botocore.loaders import Loader

AWS_ROOM = Path(__file__).resolve().parents[1] / "src" / "sesame" / "aws"

SERVED: Mapping[str, tuple[str, ...]] = {
    "ses": (
        "CreateConfigurationSet",
        "CreateConfigurationSetEventDestination",
        "CreateConfigurationSetTrackingOptions",
        "CreateCustomVerificationEmailTemplate",
        "CreateTemplate",
        "DeleteConfigurationSet",
        "DeleteConfigurationSetEventDestination",
        "DeleteConfigurationSetTrackingOptions",
        "DeleteCustomVerificationEmailTemplate",
        "DeleteIdentity",
        "DeleteIdentityPolicy",
        "DeleteTemplate",
        "DeleteVerifiedEmailAddress",
        "DescribeConfigurationSet",
        "GetAccountSendingEnabled",
        "GetCustomVerificationEmailTemplate",
        "GetIdentityDkimAttributes",
        "GetIdentityMailFromDomainAttributes",
        "GetIdentityNotificationAttributes",
        "GetIdentityPolicies",
        "GetIdentityVerificationAttributes",
        "GetSendQuota",
        "GetSendStatistics",
        "GetTemplate",
        "ListConfigurationSets",
        "ListCustomVerificationEmailTemplates",
        "ListIdentities",
        "ListIdentityPolicies",
        "ListTemplates",
        "ListVerifiedEmailAddresses",
        "PutConfigurationSetDeliveryOptions",
        "PutIdentityPolicy",
        "SendBulkTemplatedEmail",
        "SendCustomVerificationEmail",
        "SendEmail",
        "SendRawEmail",
        "SendTemplatedEmail",
        "SetIdentityDkimEnabled",
        "SetIdentityFeedbackForwardingEnabled",
        "SetIdentityHeadersInNotificationsEnabled",
        "SetIdentityMailFromDomain",
        "SetIdentityNotificationTopic",
        "TestRenderTemplate",
        "UpdateAccountSendingEnabled",
        "UpdateConfigurationSetEventDestination",
        "UpdateConfigurationSetReputationMetricsEnabled",
        "UpdateConfigurationSetSendingEnabled",
        "UpdateConfigurationSetTrackingOptions",
        "UpdateCustomVerificationEmailTemplate",
        "UpdateTemplate",
        "VerifyDomainDkim",
        "VerifyDomainIdentity",
        "VerifyEmailAddress",
        "VerifyEmailIdentity",
    ),
    "sesv2": (
        "BatchGetMetricData",
        "CreateConfigurationSet",
        "CreateConfigurationSetEventDestination",
        "CreateContact",
        "CreateContactList",
        "CreateCustomVerificationEmailTemplate",
        "CreateDedicatedIpPool",
        "CreateEmailIdentity",
        "CreateEmailIdentityPolicy",
        "CreateEmailTemplate",
        "DeleteConfigurationSet",
        "DeleteConfigurationSetEventDestination",
        "DeleteContact",
        "DeleteContactList",
        "DeleteCustomVerificationEmailTemplate",
        "DeleteDedicatedIpPool",
        "DeleteEmailIdentity",
        "DeleteEmailIdentityPolicy",
        "DeleteEmailTemplate",
        "DeleteSuppressedDestination",
        "GetAccount",
        "GetConfigurationSet",
        "GetConfigurationSetEventDestinations",
        "GetContact",
        "GetContactList",
        "GetCustomVerificationEmailTemplate",
        "GetDedicatedIp",
        "GetDedicatedIpPool",
        "GetDedicatedIps",
        "GetEmailIdentity",
        "GetEmailIdentityPolicies",
        "GetEmailTemplate",
        "GetMessageInsights",
        "GetSuppressedDestination",
        "ListConfigurationSets",
        "ListContactLists",
        "ListContacts",
        "ListCustomVerificationEmailTemplates",
        "ListDedicatedIpPools",
        "ListEmailIdentities",
        "ListEmailTemplates",
        "ListSuppressedDestinations",
        "ListTagsForResource",
        "PutAccountDedicatedIpWarmupAttributes",
        "PutAccountDetails",
        "PutAccountSendingAttributes",
        "PutAccountSuppressionAttributes",
        "PutAccountVdmAttributes",
        "PutConfigurationSetDeliveryOptions",
        "PutConfigurationSetReputationOptions",
        "PutConfigurationSetSendingOptions",
        "PutConfigurationSetSuppressionOptions",
        "PutConfigurationSetTrackingOptions",
        "PutConfigurationSetVdmOptions",
        "PutDedicatedIpInPool",
        "PutDedicatedIpPoolScalingAttributes",
        "PutDedicatedIpWarmupAttributes",
        "PutEmailIdentityConfigurationSetAttributes",
        "PutEmailIdentityDkimAttributes",
        "PutEmailIdentityDkimSigningAttributes",
        "PutEmailIdentityFeedbackAttributes",
        "PutEmailIdentityMailFromAttributes",
        "PutSuppressedDestination",
        "SendBulkEmail",
        "SendCustomVerificationEmail",
        "SendEmail",
        "TagResource",
        "TestRenderEmailTemplate",
        "UntagResource",
        "UpdateConfigurationSetEventDestination",
        "UpdateContact",
        "UpdateContactList",
        "UpdateCustomVerificationEmailTemplate",
        "UpdateEmailIdentityPolicy",
        "UpdateEmailTemplate",
    ),
    "iam": (
        "AddUserToGroup",
        "AttachGroupPolicy",
        "AttachRolePolicy",
        "AttachUserPolicy",
        "ChangePassword",
        "CreateAccessKey",
        "CreateAccountAlias",
        "CreateGroup",
        "CreateLoginProfile",
        "CreatePolicy",
        "CreatePolicyVersion",
        "CreateRole",
        "CreateUser",
        "CreateVirtualMFADevice",
        "DeactivateMFADevice",
        "DeleteAccessKey",
        "DeleteAccountAlias",
        "DeleteAccountPasswordPolicy",
        "DeleteGroup",
        "DeleteGroupPolicy",
        "DeleteLoginProfile",
        "DeletePolicy",
        "DeletePolicyVersion",
        "DeleteRole",
        "DeleteRolePermissionsBoundary",
        "DeleteRolePolicy",
        "DeleteUser",
        "DeleteUserPermissionsBoundary",
        "DeleteUserPolicy",
        "DeleteVirtualMFADevice",
        "DetachGroupPolicy",
        "DetachRolePolicy",
        "DetachUserPolicy",
        "EnableMFADevice",
        "GetAccessKeyLastUsed",
        "GetAccountAuthorizationDetails",
        "GetAccountPasswordPolicy",
        "GetAccountSummary",
        "GetContextKeysForCustomPolicy",
        "GetContextKeysForPrincipalPolicy",
        "GetGroup",
        "GetGroupPolicy",
        "GetLoginProfile",
        "GetMFADevice",
        "GetPolicy",
        "GetPolicyVersion",
        "GetRole",
        "GetRolePolicy",
        "GetUser",
        "GetUserPolicy",
        "ListAccessKeys",
        "ListAccountAliases",
        "ListAttachedGroupPolicies",
        "ListAttachedRolePolicies",
        "ListAttachedUserPolicies",
        "ListEntitiesForPolicy",
        "ListGroupPolicies",
        "ListGroups",
        "ListGroupsForUser",
        "ListInstanceProfilesForRole",
        "ListMFADeviceTags",
        "ListMFADevices",
        "ListPolicies",
        "ListPolicyTags",
        "ListPolicyVersions",
        "ListRolePolicies",
        "ListRoleTags",
        "ListRoles",
        "ListSSHPublicKeys",
        "ListServiceSpecificCredentials",
        "ListSigningCertificates",
        "ListUserPolicies",
        "ListUserTags",
        "ListUsers",
        "ListVirtualMFADevices",
        "PutGroupPolicy",
        "PutRolePermissionsBoundary",
        "PutRolePolicy",
        "PutUserPermissionsBoundary",
        "PutUserPolicy",
        "RemoveUserFromGroup",
        "ResyncMFADevice",
        "SetDefaultPolicyVersion",
        "SimulateCustomPolicy",
        "SimulatePrincipalPolicy",
        "TagMFADevice",
        "TagPolicy",
        "TagRole",
        "TagUser",
        "UntagMFADevice",
        "UntagPolicy",
        "UntagRole",
        "UntagUser",
        "UpdateAccessKey",
        "UpdateAccountPasswordPolicy",
        "UpdateAssumeRolePolicy",
        "UpdateGroup",
        "UpdateLoginProfile",
        "UpdateRole",
        "UpdateRoleDescription",
        "UpdateUser",
    ),
    "sns": (
        "AddPermission",
        "ConfirmSubscription",
        "CreateTopic",
        "DeleteTopic",
        "GetSubscriptionAttributes",
        "GetTopicAttributes",
        "ListSubscriptions",
        "ListSubscriptionsByTopic",
        "ListTagsForResource",
        "ListTopics",
        "Publish",
        "PublishBatch",
        "RemovePermission",
        "SetSubscriptionAttributes",
        "SetTopicAttributes",
        "Subscribe",
        "TagResource",
        "Unsubscribe",
        "UntagResource",
    ),
    "sts": ("AssumeRole", "GetCallerIdentity", "GetFederationToken", "GetSessionToken"),
}

DEFINITIONS = AWS_ROOM / "definitions"
OWN = ("sesame",)
"""Services that are defined in `DEFINITIONS`; all their operations are served."""

# Constraints of the model that the service does not apply, because it answers in its own words.
NOT_APPLIED: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    # A blank name is answered `PolicyName is required.` (observed), not by the length constraint.
    # Without a MAIL FROM domain there is the behaviour alone (observed), though all three are required.
    "ses": {"PolicyName": ("min",), "IdentityMailFromDomainAttributes": ("required",)},
    # What is said of dedicated IP addresses is answered in words of its own (observed).
    "sesv2": {
        "CreateDedicatedIpPoolRequest": ("required",),
        "MailFromAttributes": ("required",),
        "PutDedicatedIpInPoolRequest": ("required",),
        "PutDedicatedIpPoolScalingAttributesRequest": ("required",),
        "PutDedicatedIpWarmupAttributesRequest": ("required",),
        "ScalingMode": ("enum",),
    },
}

METADATA = (
    "apiVersion",
    "endpointPrefix",
    "jsonVersion",
    "protocol",
    "serviceFullName",
    "serviceId",
    "signingName",
    "targetPrefix",
    "xmlNamespace",
)
OWN_NOTICE = "Made by tools/extract_models.py from the definition in aws/definitions. Do not edit."
NOTICE = (
    "Extracted by tools/extract_models.py from the service model of botocore {version}, "
    "Copyright Amazon.com, Inc. or its affiliates, licensed under the Apache License 2.0. Do not edit."
)

Json = dict[str, Any]


def extract(service: str, *, whole: bool = False) -> Json:
    """The trimmed model of `service` as it is written to JSON, or with every operation in it."""
    is_own = service in OWN
    loader = Loader(extra_search_paths=[str(DEFINITIONS)]) if is_own else Loader()
    model = loader.load_service_model(service, "service-2")
    names = model["operations"] if whole or is_own else SERVED[service]
    operations = {name: _operation(model["operations"][name]) for name in names}
    roots: dict[str, None] = {}
    for operation in operations.values():
        roots.update(dict.fromkeys(ref["shape"] for ref in _references(operation)))
    extracted = {
        "notice": OWN_NOTICE if is_own else NOTICE.format(version=botocore.__version__),
        "botocore": "" if is_own else botocore.__version__,
        "metadata": {key: model["metadata"][key] for key in METADATA if key in model["metadata"]},
        "known_operations": sorted(model["operations"]),
        "operations": operations,
        "shapes": _reachable(service, model["shapes"], list(roots)),
    }
    if model["metadata"]["protocol"] == "rest-json":
        # Method and path name the operation: to say which one is not served they must all be known.
        http = {name: operation["http"] for name, operation in sorted(model["operations"].items())}
        extracted["routes"] = {name: f"{on['method']} {on['requestUri']}" for name, on in http.items()}
    return extracted


def render_json(model: Json) -> str:
    """The file's text: one line for each small thing, so that a change is a readable diff."""
    lines = ["{"]
    for key in ("notice", "botocore", "metadata", "known_operations"):
        lines.append(f" {json.dumps(key)}: {json.dumps(model[key])},")
    keys = [key for key in ("routes", "operations", "shapes") if key in model]
    for key in keys:
        entries = [f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in sorted(model[key].items())]
        lines += [f" {json.dumps(key)}: {{", ",\n".join(entries), " }" + ("" if key == "shapes" else ",")]
    return "\n".join([*lines, "}", ""])


def render_shapes(model: Json) -> str:
    """A module of TypedDicts: `<Operation>Request`, `<Operation>Response` and what they contain."""
    shapes = model["shapes"]
    blocks: list[str] = []
    done: set[str] = set()
    for operation, described in sorted(model["operations"].items()):
        for suffix, key in (("Request", "input"), ("Response", "output")):
            shape_name = described[key]["shape"] if key in described else None
            if shape_name is not None:
                blocks += _typed_dicts(shapes, shape_name, done)
            alias = operation + suffix
            if shape_name is None:
                blocks.append(f'class {alias}(TypedDict):\n    """{operation} has no {key}."""\n')
            elif shape_name != alias and alias not in done:
                blocks.append(f"{alias} = {shape_name}\n")
            done.add(alias)
    body = "\n\n".join(blocks)
    names = [name for name in ("Literal", "NotRequired", "TypedDict") if name in body]
    head = f'"""Shapes of the served operations.\n\n{_wrapped(model["notice"])}\n"""\n\n'
    return f"{head}from typing import {', '.join(names)}\n\n\n{body}"


def files(service: str) -> dict[Path, str]:
    """The two files of `service`, with the text they must have."""
    model = extract(service)
    return {
        AWS_ROOM / "models" / f"{service}.json": render_json(model),
        AWS_ROOM / "shapes" / f"{service}.py": render_shapes(model),
    }


def _operation(described: Mapping[str, Any]) -> Json:
    kept: Json = {"http": dict(described["http"])}
    for key in ("input", "output"):
        if key in described:
            kept[key] = dict(described[key])
    kept["errors"] = [{"shape": error["shape"]} for error in described.get("errors", ())]
    trimmed: Json = _without_documentation(kept)
    return trimmed


def _references(described: Any) -> Iterator[Json]:
    if isinstance(described, dict):
        if isinstance(described.get("shape"), str):
            yield described
        for value in described.values():
            yield from _references(value)
    elif isinstance(described, list):
        for value in described:
            yield from _references(value)


def _reachable(service: str, shapes: Mapping[str, Any], waiting: list[str]) -> Json:
    kept: Json = {}
    while waiting:
        name = waiting.pop()
        if name in kept:
            continue
        shape = _without_documentation(dict(shapes[name]))
        for constraint in NOT_APPLIED.get(service, {}).get(name, ()):
            del shape[constraint]
        kept[name] = shape
        waiting += [ref["shape"] for ref in _references(list(shape.values()))]
    return kept


def _without_documentation(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_documentation(item) for key, item in value.items() if key != "documentation"}
    if isinstance(value, list):
        return [_without_documentation(item) for item in value]
    return value


def _typed_dicts(shapes: Mapping[str, Any], name: str, done: set[str]) -> list[str]:
    """Definitions of the structures that `name` contains, innermost first, and of itself."""
    shape = shapes[name]
    if name in done or shape["type"] not in ("structure", "list", "map"):
        return []
    done.add(name)
    blocks = [
        block
        for ref in _references(list(shape.values()))
        for block in _typed_dicts(shapes, ref["shape"], done)
    ]
    if shape["type"] == "structure":
        blocks.append(_typed_dict(shapes, name))
    return blocks


def _typed_dict(shapes: Mapping[str, Any], name: str) -> str:
    required = set(shapes[name].get("required", ()))
    members = {
        member: _annotation(shapes, ref["shape"], optional=member not in required)
        for member, ref in shapes[name].get("members", {}).items()
    }
    if any(keyword.iskeyword(member) for member in members):
        body = ", ".join(f'"{member}": "{annotation}"' for member, annotation in members.items())
        return f'{name} = TypedDict("{name}", {{{body}}})\n'
    if not members:
        return f'class {name}(TypedDict):\n    """{name} has no members."""\n'
    return f"class {name}(TypedDict):\n" + "".join(
        f"    {member}: {annotation}\n" for member, annotation in members.items()
    )


def _annotation(shapes: Mapping[str, Any], name: str, *, optional: bool = False) -> str:
    if optional:
        return f"NotRequired[{_annotation(shapes, name)}]"
    shape = shapes[name]
    match shape["type"]:
        case "structure":
            return name
        case "list":
            return f"list[{_annotation(shapes, shape['member']['shape'])}]"
        case "map":
            value = _annotation(shapes, shape["value"]["shape"])
            return f"dict[{_annotation(shapes, shape['key']['shape'])}, {value}]"
        case "string" if "enum" in shape:
            return f"Literal[{', '.join(json.dumps(value) for value in shape['enum'])}]"
        case kind:
            scalars = {"boolean": "bool", "integer": "int", "long": "int", "blob": "bytes"}
            return scalars.get(kind, "str" if kind in ("string", "character") else "float")


def _wrapped(text: str, width: int = 100) -> str:
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + len(word) >= width:
            lines.append("")
        lines[-1] += (" " if lines[-1] else "") + word
    return "\n".join(lines)


def main() -> None:
    """Write every file anew."""
    for service in (*SERVED, *OWN):
        for path, text in files(service).items():
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
            print(f"{path.relative_to(AWS_ROOM.parents[2])}: {len(text)} bytes")


if __name__ == "__main__":
    main()
