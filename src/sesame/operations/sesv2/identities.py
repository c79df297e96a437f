"""Identities of SES v2: create, read, list, delete.

What these make v1 finds, and the reverse. Starting a verification is `verification`'s. Sources: SES
API v2 reference; SES developer guide, "Verified identities"; observed words of some refusals.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Literal

from sesame.access.identity_names import identity_kind
from sesame.access.permission import Authorizer
from sesame.aws import paging
from sesame.aws.arn import identity_arn
from sesame.aws.shapes import sesv2
from sesame.db import Store, Transaction
from sesame.errors import (
    InvalidParameterValue,
    ServiceError,
)
from sesame.identities.dkim_keys import LENGTHS
from sesame.identities.names import identity_name
from sesame.identities.policies import IdentityMissing, displayed_policies
from sesame.identities.settings import IdentitySettings, dkim_identity
from sesame.identities.verification import DKIM_BITS, Verification
from sesame.model import Caller, DkimOrigin, Identity, IdentityKind, MailFrom, OnMxFailure, VerificationStatus
from sesame.operations import filtered
from sesame.operations.configuration_sets import missing
from sesame.operations.filtered import MOST_A_PAGE
from sesame.operations.resource_tags import listed_tags, read_tags
from sesame.operations.sesv2.own_identity import permitted_identity
from sesame.operations.sesv2.signing_origin import EASY, OWN, origin_of
from sesame.operations.table import Handlers
from sesame.store import (
    configuration_sets,
    dkim_keys,
    identities,
    identity_checks,
    mail_from,
    notifications,
    tags,
)

Status = Literal["PENDING", "SUCCESS", "FAILED", "TEMPORARY_FAILURE", "NOT_STARTED"]
Length = Literal["RSA_1024_BIT", "RSA_2048_BIT"]
_LENGTHS: Mapping[int, Length] = {1024: "RSA_1024_BIT", 2048: "RSA_2048_BIT"}

_TYPES: Mapping[IdentityKind, Literal["EMAIL_ADDRESS", "DOMAIN"]] = {
    IdentityKind.ADDRESS: "EMAIL_ADDRESS",
    IdentityKind.DOMAIN: "DOMAIN",
}
STATUSES: Mapping[VerificationStatus, Status] = {
    VerificationStatus.PENDING: "PENDING",
    VerificationStatus.SUCCESS: "SUCCESS",
    VerificationStatus.FAILED: "FAILED",
    VerificationStatus.TEMPORARY_FAILURE: "TEMPORARY_FAILURE",
    VerificationStatus.NOT_STARTED: "NOT_STARTED",
}


class IdentityExists(ServiceError):
    """The identity is there already."""

    code = "EmailIdentityAlreadyExists"

    def __init__(self, name: str) -> None:
        super().__init__(f"Email identity {name} already exist.")


class IdentityV2Operations:
    """The operations; each checks the caller's IAM policies first."""

    def __init__(
        self, store: Store, authorizer: Authorizer, verification: Verification, settings: IdentitySettings
    ) -> None:
        self._store = store
        self._authorizer = authorizer
        self._verification = verification
        self._settings = settings

    def handlers(self) -> Handlers:
        """What this serves, by operation name."""
        return {
            "CreateEmailIdentity": self.create_email_identity,
            "GetEmailIdentity": self.get_email_identity,
            "ListEmailIdentities": self.list_email_identities,
            "DeleteEmailIdentity": self.delete_email_identity,
        }

    async def create_email_identity(
        self, caller: Caller, request: sesv2.CreateEmailIdentityRequest
    ) -> sesv2.CreateEmailIdentityResponse:
        """Add an identity: a domain waits for its DKIM records, an address for the mailed link."""
        name = identity_name(request["EmailIdentity"])
        permit = await self._authorizer.require_creation(
            caller,
            "ses:CreateEmailIdentity",
            identity_arn(caller.region, caller.principal.account_id, name),
            tagging="ses:TagResource",
            tags={tag["Key"]: tag["Value"] for tag in request.get("Tags", ())},
        )
        named = read_tags(request.get("Tags", ()))
        default = request.get("ConfigurationSetName")
        account_id, region = caller.principal.account_id, caller.region

        async def check(tx: Transaction) -> None:
            if default and await configuration_sets.get(tx, account_id, region, default) is None:
                raise missing(default)
            if await identities.get(tx, account_id, region, name) is not None:
                raise IdentityExists(name)

        origin, bits = _signing(request.get("DkimSigningAttributes"), identity_kind(name))
        await self._store.read(check)  # before anything that takes long
        start = await self._start(caller, name, request, origin=origin, bits=bits)

        async def run(tx: Transaction) -> Identity:
            await check(tx)
            identity = await start(tx)
            await tags.put(tx, identity_arn(region, account_id, name), named)
            if default:
                await configuration_sets.set_default(tx, identity, default)
            return identity

        identity = await self._verification.follow_up(await permit.apply(run))
        zone = self._settings.dkim_zone
        response: sesv2.CreateEmailIdentityResponse = {
            "IdentityType": _TYPES[identity.kind],
            "VerifiedForSendingStatus": identity.verification.is_in_force,
        }
        dkim = await self._store.read(lambda tx: dkim_attributes(tx, identity, zone=zone))
        # Of an address whose domain is no identity nothing is said (observed: moto#9771).
        if identity.kind is IdentityKind.DOMAIN or "Tokens" in dkim:
            response["DkimAttributes"] = dkim
        return response

    async def _start(
        self,
        caller: Caller,
        name: str,
        request: sesv2.CreateEmailIdentityRequest,
        *,
        origin: str,
        bits: int,
    ) -> Callable[[Transaction], Awaitable[Identity]]:
        """The part of the transaction that makes the identity, once its key is there."""
        place = caller.principal.account_id, caller.region
        verification, signing = self._verification, request.get("DkimSigningAttributes")
        if identity_kind(name) is IdentityKind.ADDRESS:
            token = verification.new_token()
            return lambda tx: verification.address_in(tx, *place, name, token=token)
        if origin == OWN and signing is not None:
            own = await self._settings.read_own_key(signing.get("DomainSigningPrivateKey", ""))
            selector = signing.get("DomainSigningSelector", "")

            async def with_own_key(tx: Transaction) -> Identity:
                identity = await verification.domain_in(tx, *place, name)
                return await self._settings.own_key_in(tx, identity, selector=selector, pair=own)

            return with_own_key
        pair = await verification.key_if_needed(*place, name, bits=bits)
        return lambda tx: verification.dkim_in(tx, *place, name, pair=pair)

    async def get_email_identity(
        self, caller: Caller, request: sesv2.GetEmailIdentityRequest
    ) -> sesv2.GetEmailIdentityResponse:
        """Everything about an identity, its policies included."""
        name, _ = await permitted_identity(
            self._authorizer, caller, "ses:GetEmailIdentity", request["EmailIdentity"]
        )
        account_id, region = caller.principal.account_id, caller.region

        async def run(tx: Transaction) -> sesv2.GetEmailIdentityResponse | None:
            identity = await identities.get(tx, account_id, region, name)
            if identity is None:
                return None
            stored = await displayed_policies(tx, account_id, region, name)
            held = await tags.get(tx, identity_arn(region, account_id, name))
            default = await configuration_sets.default_of(tx, account_id, region, name)
            domain = await mail_from.get(tx, account_id, region, name)
            settings = await notifications.get(tx, account_id, identity_arn(region, account_id, name))
            record = await identity_checks.last(tx, account_id, region, name)
            found: sesv2.GetEmailIdentityResponse = {
                "IdentityType": _TYPES[identity.kind],
                "FeedbackForwardingStatus": settings.is_forwarding,
                "VerifiedForSendingStatus": identity.verification.is_in_force,
                "DkimAttributes": await dkim_attributes(tx, identity, zone=self._settings.dkim_zone),
                "Policies": {policy.policy_name: policy.document for policy in stored},
                "Tags": listed_tags(held),
                "VerificationStatus": STATUSES[identity.verification],
                "MailFromAttributes": _mail_from(domain),
                "VerificationInfo": _verification_info(record),
            }
            return found if default is None else {**found, "ConfigurationSetName": default}

        found = await self._store.read(run)
        if found is None:
            raise IdentityMissing(name)
        return found

    async def list_email_identities(
        self, caller: Caller, request: sesv2.ListEmailIdentitiesRequest
    ) -> sesv2.ListEmailIdentitiesResponse:
        """The account's identities in the region by name, verified or not; see `filtered`."""
        await self._authorizer.require(caller, "ses:ListEmailIdentities")
        limit = paging.checked(request.get("PageSize") or MOST_A_PAGE, MOST_A_PAGE)
        after = paging.after(request.get("NextToken"))
        criteria = {str(key): value for key, value in request.get("Filter", {}).items()}
        account_id, region = caller.principal.account_id, caller.region

        async def run(tx: Transaction) -> tuple[Sequence[Identity], str | None]:
            return await filtered.page_of(
                lambda key, limit: identities.page(tx, account_id, region, kind=None, after=key, limit=limit),
                _filter(criteria) if criteria else None,
                lambda identity: identity.name,
                after=after,
                limit=limit,
            )

        found, token = await self._store.read(run)
        return {
            "EmailIdentities": [
                {
                    "IdentityType": _TYPES[identity.kind],
                    "IdentityName": identity.name,
                    "SendingEnabled": identity.verification.is_in_force,
                    "VerificationStatus": STATUSES[identity.verification],
                }
                for identity in found
            ],
            **paging.next_page(token),
        }

    async def delete_email_identity(
        self, caller: Caller, request: sesv2.DeleteEmailIdentityRequest
    ) -> sesv2.DeleteEmailIdentityResponse:
        """Remove an identity with its policies."""
        name, permit = await permitted_identity(
            self._authorizer, caller, "ses:DeleteEmailIdentity", request["EmailIdentity"]
        )

        async def run(tx: Transaction) -> None:
            found = await identities.get(tx, caller.principal.account_id, caller.region, name)
            if found is None:
                raise IdentityMissing(name)
            await identities.delete(tx, found)

        await permit.apply(run)
        return {}


def _mail_from(setting: MailFrom | None) -> sesv2.MailFromAttributes:
    if setting is None:
        return {"BehaviorOnMxFailure": "USE_DEFAULT_VALUE"}
    return {
        "MailFromDomain": setting.domain,
        "MailFromDomainStatus": STATUSES[setting.status],  # type: ignore[typeddict-item]
        "BehaviorOnMxFailure": "USE_DEFAULT_VALUE"
        if setting.on_mx_failure is OnMxFailure.USE_DEFAULT_VALUE
        else "REJECT_MESSAGE",
    }


def _verification_info(record: identity_checks.CheckRecord) -> sesv2.VerificationInfo:
    info: sesv2.VerificationInfo = {}
    if record.checked_at is not None:
        info["LastCheckedTimestamp"] = record.checked_at
    if record.proved_at is not None:
        info["LastSuccessTimestamp"] = record.proved_at
    if record.error is not None:
        info["ErrorType"] = record.error  # type: ignore[typeddict-item]
    return info


async def dkim_attributes(tx: Transaction, identity: Identity, *, zone: str) -> sesv2.DkimAttributes:
    """The DKIM state of an identity; an address shows that of the domain after its `@`.

    `zone` is where the targets of Easy DKIM's CNAME records end.
    """
    own = await dkim_identity(tx, identity)
    attributes: sesv2.DkimAttributes = {
        "SigningEnabled": own.dkim_enabled,
        "Status": STATUSES[own.dkim_status],
        "SigningAttributesOrigin": own.dkim_origin.value,
    }
    where = own.account_id, own.region, own.name
    key = await dkim_keys.get(tx, *where)
    if own.kind is IdentityKind.ADDRESS:
        attributes["NextSigningKeyLength"] = "RSA_1024_BIT"  # observed
    if key is None:
        return attributes
    attributes["Tokens"] = list(own.dkim_tokens)
    if own.dkim_origin is DkimOrigin.AWS_SES:
        attributes["SigningHostedZone"] = zone
        following = await dkim_keys.get_next(tx, *where) or key
        attributes["CurrentSigningKeyLength"] = _LENGTHS[key.key_bits]
        attributes["NextSigningKeyLength"] = _LENGTHS[following.key_bits]
        attributes["LastKeyGenerationTimestamp"] = following.created_at
    return attributes


def _signing(attributes: sesv2.DkimSigningAttributes | None, kind: IdentityKind) -> tuple[str, int]:
    """Whose key is asked for, and of what length if it is Easy DKIM's."""
    if not attributes:
        return EASY, DKIM_BITS
    if kind is IdentityKind.ADDRESS:
        raise InvalidParameterValue("The EmailIdentity value must be a valid domain.")
    return origin_of(attributes), LENGTHS[attributes.get("NextSigningKeyLength", "RSA_2048_BIT")]


def _filter(criteria: Mapping[str, str]) -> Callable[[Identity], bool]:
    """Which identities a Filter lets through: all of its criteria must hold."""
    contains = criteria.get("IDENTITY_NAME_CONTAINS")
    kind, status = criteria.get("IDENTITY_TYPE"), criteria.get("VERIFICATION_STATUS")

    def wanted(identity: Identity) -> bool:
        return (
            (contains is None or contains.lower() in identity.name.lower())
            and (kind is None or kind == _TYPES[identity.kind])
            and (status is None or status == STATUSES[identity.verification])
        )

    return wanted
