"""Tags of resources in SES v2: set, remove, list.

Which resources there are is said by `kinds`: each kind of ARN with the word SES has for it and how to
find one. Sources: SES API v2 reference; observed words for a resource that is not there.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from sesame.access.changes import Permit
from sesame.access.conditions import NO_KEYS, Keys, request_tags, tag_keys
from sesame.access.identity_names import normal_name
from sesame.access.permission import Authorizer
from sesame.aws.arn import Arn, ArnError
from sesame.aws.shapes import sesv2
from sesame.db import Store, Transaction
from sesame.errors import InvalidParameterValue
from sesame.model import Caller
from sesame.operations.resource_tags import MAX_TAGS, listed_tags, read_tags
from sesame.operations.table import Handlers
from sesame.store import (
    configuration_sets,
    contact_lists,
    custom_verification,
    egress,
    identities,
    tags,
    templates,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of resource: SES's word for it, and whether an account has one of that name in a region."""

    noun: str
    exists: Callable[[Transaction, str, str, str], Awaitable[bool]]
    normal: Callable[[str], str] = str
    """The name as stored."""


async def _has_identity(tx: Transaction, account_id: str, region: str, name: str) -> bool:
    return await identities.get(tx, account_id, region, name) is not None


async def _has_template(tx: Transaction, account_id: str, region: str, name: str) -> bool:
    return await templates.get(tx, account_id, region, name) is not None


async def _has_configuration_set(tx: Transaction, account_id: str, region: str, name: str) -> bool:
    return await configuration_sets.get(tx, account_id, region, name) is not None


async def _has_contact_list(tx: Transaction, account_id: str, region: str, name: str) -> bool:
    return await contact_lists.get(tx, account_id, region, name) is not None


KINDS: Mapping[str, Kind] = {
    "configuration-set": Kind(noun="ConfigurationSet", exists=_has_configuration_set),
    "contact-list": Kind(noun="ContactList", exists=_has_contact_list),
    "custom-verification-email-template": Kind(
        noun="CustomVerificationEmailTemplate", exists=custom_verification.exists
    ),
    "dedicated-ip-pool": Kind(noun="DedicatedIpPool", exists=egress.has_pool),
    "identity": Kind(noun="EmailIdentity", exists=_has_identity, normal=normal_name),
    "template": Kind(noun="Template", exists=_has_template),
}
"""By what an ARN's resource begins with."""


class ResourceMissing(InvalidParameterValue):
    """The caller's account has no such resource in the region of the call."""

    v2_code = "NotFoundException"

    def __init__(self, kind: Kind, name: str) -> None:
        super().__init__(f"No {kind.noun} present with name: {name}")


class TagV2Operations:
    """The operations; each checks the caller's IAM policies first."""

    def __init__(self, store: Store, authorizer: Authorizer, kinds: Mapping[str, Kind] = KINDS) -> None:
        self._store = store
        self._authorizer = authorizer
        self._kinds = kinds

    def handlers(self) -> Handlers:
        """What this serves, by operation name."""
        return {
            "TagResource": self.tag_resource,
            "UntagResource": self.untag_resource,
            "ListTagsForResource": self.list_tags_for_resource,
        }

    async def tag_resource(
        self, caller: Caller, request: sesv2.TagResourceRequest
    ) -> sesv2.TagResourceResponse:
        """Set tags; a key that is there takes the new value."""
        keys = request_tags({tag["Key"]: tag["Value"] for tag in request["Tags"]})
        arn, must_exist, permit = await self._resource(
            caller, "ses:TagResource", request["ResourceArn"], keys=keys
        )
        named = read_tags(request["Tags"])

        async def run(tx: Transaction) -> None:
            await must_exist(tx)
            await tags.put(tx, arn, named)
            if len(await tags.get(tx, arn)) > MAX_TAGS:
                raise InvalidParameterValue(f"A resource has up to {MAX_TAGS} tags.")

        await permit.apply(run)
        return {}

    async def untag_resource(
        self, caller: Caller, request: sesv2.UntagResourceRequest
    ) -> sesv2.UntagResourceResponse:
        """Remove tags by key; keys that are not there are no matter."""
        keys = tag_keys(request["TagKeys"])
        arn, must_exist, permit = await self._resource(
            caller, "ses:UntagResource", request["ResourceArn"], keys=keys
        )

        async def run(tx: Transaction) -> None:
            await must_exist(tx)
            await tags.remove(tx, arn, request["TagKeys"])

        await permit.apply(run)
        return {}

    async def list_tags_for_resource(
        self, caller: Caller, request: sesv2.ListTagsForResourceRequest
    ) -> sesv2.ListTagsForResourceResponse:
        """The tags by key."""
        arn, must_exist, _ = await self._resource(caller, "ses:ListTagsForResource", request["ResourceArn"])

        async def run(tx: Transaction) -> dict[str, str]:
            await must_exist(tx)
            return await tags.get(tx, arn)

        held = await self._store.read(run)
        return {"Tags": listed_tags(held)}

    async def _resource(
        self, caller: Caller, action: str, text: str, *, keys: Keys = NO_KEYS
    ) -> tuple[str, Callable[[Transaction], Awaitable[None]], Permit]:
        """The ARN of the resource as stored, the check that it is there, and what lets the caller do this to it.

        Policy is asked about that ARN and not about the text: another partition or capitals in a domain name
        the same resource. Raises `InvalidParameterValue` for an ARN of no kind that can have tags here.
        """
        try:
            arn = Arn.parse(text)
        except ArnError as error:
            await self._authorizer.require(caller, action, text, keys=keys)
            raise InvalidParameterValue(str(error)) from None
        prefix, slash, name = arn.resource.partition("/")
        kind = self._kinds.get(prefix) if arn.service == "ses" else None
        normal = name if kind is None else kind.normal(name)
        own_arn = str(replace(arn, partition="aws", resource=f"{prefix}{slash}{normal}"))
        permit = await self._authorizer.require(caller, action, own_arn, keys=keys)
        if kind is None or not name:
            raise InvalidParameterValue(f"The resource {text} cannot have tags.")
        found = kind

        async def must_exist(tx: Transaction) -> None:
            own = (arn.account_id, arn.region) == (caller.principal.account_id, caller.region)
            if not own or not await found.exists(tx, arn.account_id, arn.region, normal):
                raise ResourceMissing(found, normal)

        return own_arn, must_exist, permit
