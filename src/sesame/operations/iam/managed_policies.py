"""IAM managed policies: make them and keep versions. What they are attached to is `attachments`.

Source: IAM API reference and "IAM and AWS STS quotas".
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from urllib.parse import quote

from sesame.access.permission import Authorizer
from sesame.aws import paging
from sesame.aws.errors import (
    DeleteConflict,
    EntityAlreadyExists,
    IamLimitExceeded,
    NoSuchEntity,
)
from sesame.aws.shapes import iam
from sesame.db import Store, Transaction
from sesame.errors import ValidationError
from sesame.model import Caller
from sesame.observe import Clock
from sesame.operations.iam.checks import page_from, page_of, tags_by_key
from sesame.operations.iam.documents import Documents
from sesame.operations.principal_tags import check_tags
from sesame.operations.resource_tags import listed_tags
from sesame.operations.table import Handlers
from sesame.store import tags
from sesame.store.iam import boundaries
from sesame.store.iam import managed_policies as store
from sesame.store.iam.managed_policies import AWS_MANAGED, AWS_PREFIX, ManagedPolicy, Version

MAX_POLICIES, MAX_VERSIONS, MAX_BYTES = 1500, 5, 6144
"""Policies of an account, versions of one, bytes of one without white space (IAM quotas)."""

_ARN = re.compile(r"arn:aws:iam::(aws|[0-9]{12}):policy/(?:[^ ]*/)?([\w+=,.@-]+)")
_NO_TAGS: Mapping[str, str] = MappingProxyType({})
_VERSION = re.compile(r"v([1-9][0-9]{0,8})")


class ManagedPolicyOperations:
    """The operations; `random_name` makes upper-case ids."""

    def __init__(
        self,
        database: Store,
        authorizer: Authorizer,
        documents: Documents,
        *,
        clock: Clock,
        random_name: Callable[[int], str],
    ) -> None:
        self._store = database
        self._authorizer = authorizer
        self._documents = documents
        self._clock = clock
        self._random_name = random_name

    def handlers(self) -> Handlers:
        """What this serves, by operation name."""
        return {
            "CreatePolicy": self.create_policy,
            "GetPolicy": self.get_policy,
            "ListPolicies": self.list_policies,
            "DeletePolicy": self.delete_policy,
            "CreatePolicyVersion": self.create_policy_version,
            "GetPolicyVersion": self.get_policy_version,
            "ListPolicyVersions": self.list_policy_versions,
            "SetDefaultPolicyVersion": self.set_default_policy_version,
            "DeletePolicyVersion": self.delete_policy_version,
        }

    async def create_policy(
        self, caller: Caller, request: iam.CreatePolicyRequest
    ) -> iam.CreatePolicyResponse:
        """Make a policy with its first version."""
        now = float(int(self._clock.now()))
        policy = ManagedPolicy(
            account_id=caller.principal.account_id,
            policy_name=request["PolicyName"],
            path=request.get("Path", "/"),
            policy_id=f"ANPA{self._random_name(17)}",
            description=request.get("Description", ""),
            default_version=1,
            last_version=1,
            created_at=now,
            updated_at=now,
        )
        given = request.get("Tags", [])
        permit = await self._authorizer.require_creation(
            caller, "iam:CreatePolicy", policy.arn, tagging="iam:TagPolicy", tags=tags_by_key(given)
        )
        labels = tags_by_key(check_tags(given))
        self._check(caller, request["PolicyDocument"])

        async def run(tx: Transaction) -> None:
            if await store.get(tx, policy.account_id, policy.policy_name) is not None:
                raise EntityAlreadyExists(
                    f"A policy called {policy.policy_name} already exists. Duplicate names are not allowed."
                )
            if len(await store.list_policies(tx, policy.account_id)) >= MAX_POLICIES:
                raise IamLimitExceeded(f"Cannot exceed quota for PoliciesPerAccount: {MAX_POLICIES}")
            await store.put(tx, policy)
            await store.put_version(
                tx, policy, Version(number=1, document=request["PolicyDocument"], created_at=now)
            )
            await tags.put(tx, policy.arn, labels)

        await permit.apply(run)
        return {"Policy": policy_shape(policy, uses=Uses(), labels=labels)}

    async def get_policy(self, caller: Caller, request: iam.GetPolicyRequest) -> iam.GetPolicyResponse:
        """A policy without its text."""
        arn = request["PolicyArn"]
        await self._authorizer.require(caller, "iam:GetPolicy", arn)

        async def run(tx: Transaction) -> iam.Policy:
            account_id = caller.principal.account_id
            used = Uses(
                attached=len(await store.entities(tx, account_id, arn)),
                bounding=len(await boundaries.bounded_by(tx, account_id, arn)),
            )
            if arn in AWS_MANAGED:
                return aws_policy_shape(arn, uses=used)
            policy = await policy_named(tx, caller, arn)
            return policy_shape(policy, uses=used, labels=await tags.get(tx, policy.arn))

        return {"Policy": await self._store.read(run)}

    async def list_policies(
        self, caller: Caller, request: iam.ListPoliciesRequest
    ) -> iam.ListPoliciesResponse:
        """Policies by name: the account's, AWS's, or both."""
        await self._authorizer.require(caller, "iam:ListPolicies", "*")
        scope, prefix = request.get("Scope", "All"), request.get("PathPrefix", "/")
        usage = request.get("PolicyUsageFilter")

        async def run(tx: Transaction) -> list[iam.Policy]:
            account_id = caller.principal.account_id
            found: list[iam.Policy] = []
            uses = await uses_of(tx, account_id)
            if scope in ("All", "Local"):
                for policy in await store.list_policies(tx, account_id):
                    found.append(policy_shape(policy, uses=await uses(policy.arn)))
            if scope in ("All", "AWS"):
                for arn in AWS_MANAGED:
                    found.append(aws_policy_shape(arn, uses=await uses(arn)))
            return found

        found = [
            policy
            for policy in await self._store.read(run)
            if policy["Path"].startswith(prefix)
            and _is_used(policy, usage, only_attached=request.get("OnlyAttached", False))
        ]
        found.sort(key=lambda policy: policy["Arn"])
        page, end = page_from(found, request, lambda policy: policy["Arn"])
        return {"Policies": [*page], **end}

    async def delete_policy(
        self, caller: Caller, request: iam.DeletePolicyRequest
    ) -> iam.DeletePolicyResponse:
        """Remove a policy that is attached to nobody and has no version but its default."""
        arn = request["PolicyArn"]
        permit = await self._authorizer.require(caller, "iam:DeletePolicy", arn)

        async def run(tx: Transaction) -> None:
            policy = await policy_named(tx, caller, arn)
            users = await store.entities(tx, policy.account_id, policy.arn)
            if users or await boundaries.bounded_by(tx, policy.account_id, policy.arn):
                raise DeleteConflict("Cannot delete a policy attached to entities.")
            if len(await store.versions(tx, policy)) > 1:
                raise DeleteConflict(
                    "This policy has more than one version. Before you delete a policy, you must delete the policy's"
                    " versions. The default version is deleted with the policy."
                )
            await tags.remove_all(tx, policy.arn)
            await store.delete(tx, policy)

        await permit.apply(run)
        return {}

    async def create_policy_version(
        self, caller: Caller, request: iam.CreatePolicyVersionRequest
    ) -> iam.CreatePolicyVersionResponse:
        """Add a version, as the default if asked for; from the answer on it then decides (I4)."""
        arn = request["PolicyArn"]
        permit = await self._authorizer.require(caller, "iam:CreatePolicyVersion", arn)
        self._check(caller, request["PolicyDocument"])
        now = float(int(self._clock.now()))
        is_default = request.get("SetAsDefault", False)

        async def run(tx: Transaction) -> Version:
            policy = await policy_named(tx, caller, arn)
            if len(await store.versions(tx, policy)) >= MAX_VERSIONS:
                raise IamLimitExceeded(
                    f"A managed policy can have up to {MAX_VERSIONS} versions. Before you create a new version, you"
                    " must delete an existing version."
                )
            version = Version(
                number=policy.last_version + 1, document=request["PolicyDocument"], created_at=now
            )
            default = version.number if is_default else policy.default_version
            await store.put(
                tx, replace(policy, last_version=version.number, default_version=default, updated_at=now)
            )
            await store.put_version(tx, policy, version)
            return version

        version = await permit.apply(run)
        return {"PolicyVersion": version_shape(version, is_default=is_default, with_document=False)}

    async def get_policy_version(
        self, caller: Caller, request: iam.GetPolicyVersionRequest
    ) -> iam.GetPolicyVersionResponse:
        """A version with its text, percent-encoded as IAM gives it."""
        arn, wanted = request["PolicyArn"], request["VersionId"]
        await self._authorizer.require(caller, "iam:GetPolicyVersion", arn)
        if arn in AWS_MANAGED and wanted == "v1":
            version = Version(number=1, document=AWS_MANAGED[arn], created_at=0.0)
            return {"PolicyVersion": version_shape(version, is_default=True, with_document=True)}

        async def run(tx: Transaction) -> iam.PolicyVersion:
            policy = await policy_named(tx, caller, arn)
            version = await _version(tx, policy, wanted)
            is_default = version.number == policy.default_version
            return version_shape(version, is_default=is_default, with_document=True)

        return {"PolicyVersion": await self._store.read(run)}

    async def list_policy_versions(
        self, caller: Caller, request: iam.ListPolicyVersionsRequest
    ) -> iam.ListPolicyVersionsResponse:
        """A policy's versions, newest first."""
        arn = request["PolicyArn"]
        await self._authorizer.require(caller, "iam:ListPolicyVersions", arn)
        limit, after = page_of(request.get("MaxItems"), request.get("Marker"))
        if after and not _VERSION.fullmatch(after):
            raise ValidationError(f"Invalid Marker: {request.get('Marker')}")

        async def run(tx: Transaction) -> list[iam.PolicyVersion]:
            if arn in AWS_MANAGED:
                version = Version(number=1, document=AWS_MANAGED[arn], created_at=0.0)
                return [version_shape(version, is_default=True, with_document=False)]
            policy = await policy_named(tx, caller, arn)
            return [
                version_shape(
                    version, is_default=version.number == policy.default_version, with_document=False
                )
                for version in await store.versions(tx, policy)
            ]

        found = [
            version
            for version in await self._store.read(run)
            if not after or int(version["VersionId"][1:]) < int(after[1:])
        ]
        page, marker = paging.cut(found, limit, lambda version: version["VersionId"])
        return {"Versions": [*page], **paging.truncation(marker)}

    async def set_default_policy_version(
        self, caller: Caller, request: iam.SetDefaultPolicyVersionRequest
    ) -> iam.SetDefaultPolicyVersionResponse:
        """Let another version decide, from the answer on (I4)."""
        arn = request["PolicyArn"]
        permit = await self._authorizer.require(caller, "iam:SetDefaultPolicyVersion", arn)

        async def run(tx: Transaction) -> None:
            policy = await policy_named(tx, caller, arn)
            version = await _version(tx, policy, request["VersionId"])
            await store.put(
                tx, replace(policy, default_version=version.number, updated_at=float(int(self._clock.now())))
            )

        await permit.apply(run)
        return {}

    async def delete_policy_version(
        self, caller: Caller, request: iam.DeletePolicyVersionRequest
    ) -> iam.DeletePolicyVersionResponse:
        """Remove a version that is not the default."""
        arn = request["PolicyArn"]
        permit = await self._authorizer.require(caller, "iam:DeletePolicyVersion", arn)

        async def run(tx: Transaction) -> None:
            policy = await policy_named(tx, caller, arn)
            version = await _version(tx, policy, request["VersionId"])
            if version.number == policy.default_version:
                raise DeleteConflict("Cannot delete the default version of a policy.")
            await store.delete_version(tx, policy, version.number)

        await permit.apply(run)
        return {}

    def _check(self, caller: Caller, document: str) -> None:
        self._documents.check(caller, document, is_managed=True)
        _check_size(document)


def _check_size(document: str) -> None:
    if len("".join(document.split())) > MAX_BYTES:
        raise IamLimitExceeded(f"Cannot exceed quota for PolicySize: {MAX_BYTES}")


async def policy_named(
    tx: Transaction, caller: Caller, arn: str, *, words: str = "was not found"
) -> ManagedPolicy:
    """The caller's account's policy of this ARN; raises `ValidationError`, and `NoSuchEntity` in these `words`."""
    match = _ARN.fullmatch(arn)
    if match is None:
        raise ValidationError(f"ARN {arn} is not valid.")
    policy = None
    if match[1] == caller.principal.account_id:
        policy = await store.get(tx, match[1], match[2])
    if policy is None or policy.arn != arn:
        raise NoSuchEntity(f"Policy {arn} {words}.")
    return policy


async def _version(tx: Transaction, policy: ManagedPolicy, wanted: str) -> Version:
    match = _VERSION.fullmatch(wanted)
    for version in await store.versions(tx, policy):
        if match is not None and version.number == int(match[1]):
            return version
    raise NoSuchEntity(f"Policy {policy.arn} version {wanted} does not exist or is not attachable.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Uses:
    """How many users, groups and roles a policy is attached to, and how many it is the permissions boundary of."""

    attached: int = 0
    bounding: int = 0


async def uses_of(tx: Transaction, account_id: str) -> Callable[[str], Awaitable[Uses]]:
    """What tells the uses of a policy of an account, by its ARN."""
    bounding = await boundaries.uses(tx, account_id)

    async def uses(arn: str) -> Uses:
        return Uses(attached=len(await store.entities(tx, account_id, arn)), bounding=bounding.get(arn, 0))

    return uses


def _is_used(policy: iam.Policy, usage: str | None, *, only_attached: bool) -> bool:
    """Whether a list shows a policy: as a permissions boundary if it is one, as a permissions policy unless it is a
    boundary alone; those only that are attached, if asked."""
    attached, bounding = policy["AttachmentCount"], policy["PermissionsBoundaryUsageCount"]
    if usage == "PermissionsBoundary":
        return bool(bounding)
    is_boundary_alone = bool(bounding and not attached)
    return bool(attached or not only_attached) and not (usage and is_boundary_alone)


def policy_shape(policy: ManagedPolicy, *, uses: Uses, labels: Mapping[str, str] = _NO_TAGS) -> iam.Policy:
    """A policy of the account as an answer has it."""
    shape: iam.Policy = {
        "PolicyName": policy.policy_name,
        "PolicyId": policy.policy_id,
        "Arn": policy.arn,
        "Path": policy.path,
        "DefaultVersionId": f"v{policy.default_version}",
        "AttachmentCount": uses.attached,
        "PermissionsBoundaryUsageCount": uses.bounding,
        "IsAttachable": True,
        "CreateDate": policy.created_at,
        "UpdateDate": policy.updated_at,
    }
    if policy.description:
        shape["Description"] = policy.description
    if labels:
        shape["Tags"] = listed_tags(labels)
    return shape


def aws_policy_shape(arn: str, *, uses: Uses) -> iam.Policy:
    """One of AWS's own as an answer has it."""
    name = arn.removeprefix(AWS_PREFIX)
    return {
        "PolicyName": name,
        "PolicyId": f"ANPA{name.upper()[:17].ljust(17, 'A')}",
        "Arn": arn,
        "Path": "/",
        "DefaultVersionId": "v1",
        "AttachmentCount": uses.attached,
        "PermissionsBoundaryUsageCount": uses.bounding,
        "IsAttachable": True,
        "CreateDate": 0.0,
        "UpdateDate": 0.0,
    }


def version_shape(version: Version, *, is_default: bool, with_document: bool) -> iam.PolicyVersion:
    """A version of a policy as an answer has it."""
    shape: iam.PolicyVersion = {
        "VersionId": f"v{version.number}",
        "IsDefaultVersion": is_default,
        "CreateDate": version.created_at,
    }
    if with_document:
        shape["Document"] = quote(version.document, safe="")
    return shape
