"""What IAM refuses to store: the check of a principal's policy at Put, in IAM's own words where they are known.

Beyond the grammar: actions have one colon and a service, resources are ARNs, condition values can be
read. A Deny that could never apply, and an Allow that could never let anybody in, are reported when they are
written and not when mail has gone out. Sources: IAM user guide "grammar of the IAM JSON policy language",
"Resource"; messages as observed from IAM.
"""

import re

from sesame.policy.language.document import (
    Policy,
    Statement,
    iam_source,
    read_policy,
    refuse_unknown_words,
    statement_path,
    value_path,
)
from sesame.policy.language.forms import PARTITIONS
from sesame.policy.language.put import check_values
from sesame.policy.language.source import Path, PolicyError, Source
from sesame.policy.language.vocabulary import VERSION_WITH_VARIABLES

_SID = re.compile(r"[0-9A-Za-z]*")
_NO_VENDOR = re.compile(r"[^A-Za-z0-9.-]")
_IAM_PATHS = (
    "user/", "federated-user/", "role/", "group/", "instance-profile/", "mfa/", "server-certificate/", "policy/",
    "sms-mfa/", "saml-provider/", "oidc-provider/", "report/", "access-report/",
)  # fmt: skip
_NO_REGION = {
    "iam": "IAM resource {resource} cannot contain region information.",
    "s3": "Resource {resource} can not contain region information.",
}


def parse_iam_policy(text: str, *, is_managed: bool = False) -> Policy:
    """The IAM policy that `text` spells, if IAM would store it; one that `is_managed` must say its version.

    Raises PolicyError, in IAM's words or naming the place; also beyond 131,072 bytes or 10,240 characters
    without white space. Source: IAM user guide, grammar and quotas.
    """
    source = iam_source(text)
    policy = read_policy(source, with_principal=False)
    if is_managed and policy.version != VERSION_WITH_VARIABLES:
        source.refuse_exactly((), "Policy document must be version 2012-10-17 or greater.")
    for statement in policy.statements:
        at = statement_path(source, statement.index)
        if not _SID.fullmatch(statement.sid or ""):
            source.refuse_exactly(
                (*at, "Sid"),
                "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression"
                f" {_SID.pattern}",
            )
        _check_resources(source, statement, at)
        _check_actions(source, statement, at)
    refuse_unknown_words(source, policy)
    try:
        check_values(source, policy)
    except PolicyError as error:
        raise PolicyError(
            f"The policy failed legacy parsing: {error.message}",
            line=error.line,
            column=error.column,
            path=error.path,
            is_exact=True,
        ) from None
    return policy


def _check_actions(source: Source, statement: Statement, at: Path) -> None:
    element = "NotAction" if statement.not_actions else "Action"
    for number, action in enumerate(statement.actions):
        vendor, *names = action.split(":")
        where = value_path(source, (*at, element), number)
        if not names and action != "*":
            source.refuse_exactly(
                where, "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
            )
        if len(names) > 1:
            source.refuse_exactly(where, "Actions/Condition can contain only one colon.")
        if names and set(vendor) & set("*?"):
            source.refuse_exactly(where, "Action vendors (e.g., aws, ec2, etc.) must not contain wildcards.")
        if names and (not vendor or _NO_VENDOR.search(vendor)):
            source.refuse_exactly(where, f"Vendor {vendor} is not valid")


def _check_resources(source: Source, statement: Statement, at: Path) -> None:
    element = "NotResource" if statement.not_resources else "Resource"
    for number, resource in enumerate(statement.resources):
        problem = _problem_of(resource)
        if problem:
            source.refuse_exactly(value_path(source, (*at, element), number), problem)


def _problem_of(resource: str) -> str:
    """What is wrong with a resource, in IAM's words; nothing is with an ARN and with `*`."""
    if resource == "*":
        return ""
    scheme, colon, rest = resource.partition(":")
    if not colon or scheme != "arn":
        return f'Resource {resource} must be in ARN format or "*".'
    partition, *fields = rest.split(":")
    if partition != "*" and partition not in PARTITIONS:
        prefix = ":".join([*(field or "*" for field in fields[:3]), *["*"] * (3 - len(fields))])
        path = ":".join(fields[3:]) or "*"
        return f'Partition "{partition}" is not valid for resource "arn:{partition}:{prefix}:{path}".'
    service = fields[0] if fields else ""
    if not service or set(service) & set("*?") or "${" in service:
        return "Resource vendor must be fully qualified and cannot contain regexes."
    if len(fields) < 4 and not fields[-1].endswith("*"):
        return f'Resource {resource} must be in ARN format or "*".'
    region = fields[1] if len(fields) > 1 else ""
    if service in _NO_REGION and region not in ("", "*"):
        return _NO_REGION[service].format(resource=resource)
    path = ":".join(fields[3:])
    if service == "iam" and path and not path.startswith(("*", *_IAM_PATHS)) and path != "root":
        return f'IAM resource path must either be "*" or start with {", ".join(_IAM_PATHS)}.'
    return ""
