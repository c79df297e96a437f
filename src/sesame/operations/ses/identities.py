"""Identities of SES v1: verify, read, list, delete.

Starting a verification is here, finding out its result is `verification`'s. Source: SES API
reference; SES developer guide, "Verified identities".
"""

from sesame.access.changes import Permit
from sesame.access.identity_names import normal_name
from sesame.access.permission import Authorizer
from sesame.aws import paging
from sesame.aws.shapes import ses
from sesame.db import Store, Transaction
from sesame.errors import InvalidParameterValue
from sesame.identities.names import address_name, domain_name, own_identity_name
from sesame.identities.settings import dkim_identity
from sesame.identities.verification import Verification
from sesame.model import Caller, Identity, IdentityKind, VerificationStatus
from sesame.operations.table import Handlers
from sesame.store import identities

MAX_IDENTITIES_A_CALL = 100
MOST_LISTED = 1_000


class IdentityOperations:
    """The operations; each checks the caller's IAM policies first."""

    def __init__(self, store: Store, authorizer: Authorizer, verification: Verification) -> None:
        self._store = store
        self._authorizer = authorizer
        self._verification = verification

    def handlers(self) -> Handlers:
        """What this serves, by operation name."""
        return {
            "VerifyDomainIdentity": self.verify_domain_identity,
            "VerifyDomainDkim": self.verify_domain_dkim,
            "VerifyEmailAddress": self.verify_email_address,
            "ListVerifiedEmailAddresses": self.list_verified_email_addresses,
            "DeleteVerifiedEmailAddress": self.delete_verified_email_address,
            "VerifyEmailIdentity": self.verify_email_identity,
            "GetIdentityVerificationAttributes": self.get_identity_verification_attributes,
            "GetIdentityDkimAttributes": self.get_identity_dkim_attributes,
            "ListIdentities": self.list_identities,
            "DeleteIdentity": self.delete_identity,
        }

    async def verify_domain_identity(
        self, caller: Caller, request: ses.VerifyDomainIdentityRequest
    ) -> ses.VerifyDomainIdentityResponse:
        """Add a domain, or find it, and return its TXT token."""
        permit = await self._authorizer.require(caller, "ses:VerifyDomainIdentity")
        domain = domain_name(request["Domain"])
        identity = await self._verification.start_domain(
            permit, caller.principal.account_id, caller.region, domain
        )
        return {"VerificationToken": identity.verification_token}

    async def verify_domain_dkim(
        self, caller: Caller, request: ses.VerifyDomainDkimRequest
    ) -> ses.VerifyDomainDkimResponse:
        """Add a domain if need be, make its key, and return its three tokens."""
        permit = await self._authorizer.require(caller, "ses:VerifyDomainDkim")
        domain = domain_name(request["Domain"])
        identity = await self._verification.start_dkim(
            permit, caller.principal.account_id, caller.region, domain
        )
        return {"DkimTokens": list(identity.dkim_tokens)}

    async def verify_email_identity(
        self, caller: Caller, request: ses.VerifyEmailIdentityRequest
    ) -> ses.VerifyEmailIdentityResponse:
        """Add an address, or find it, and mail it a link that is good for 24 hours."""
        await self._mail_link(caller, "VerifyEmailIdentity", request["EmailAddress"])
        return {}

    async def verify_email_address(
        self, caller: Caller, request: ses.VerifyEmailAddressRequest
    ) -> ses.VerifyEmailAddressResponse:
        """The name VerifyEmailIdentity had before."""
        await self._mail_link(caller, "VerifyEmailAddress", request["EmailAddress"])
        return {}

    async def list_verified_email_addresses(
        self, caller: Caller, request: ses.ListVerifiedEmailAddressesRequest
    ) -> ses.ListVerifiedEmailAddressesResponse:
        """The addresses that are verified; there is no paging, so the first thousand."""
        await self._authorizer.require(caller, "ses:ListVerifiedEmailAddresses")

        async def run(tx: Transaction) -> list[Identity]:
            return await identities.page(
                tx,
                caller.principal.account_id,
                caller.region,
                kind=IdentityKind.ADDRESS,
                after="",
                limit=MOST_LISTED,
            )

        return {
            "VerifiedEmailAddresses": [
                identity.name
                for identity in await self._store.read(run)
                if identity.verification is VerificationStatus.SUCCESS
            ]
        }

    async def delete_verified_email_address(
        self, caller: Caller, request: ses.DeleteVerifiedEmailAddressRequest
    ) -> ses.DeleteVerifiedEmailAddressResponse:
        """Remove an address; one that is not there is gone already."""
        permit = await self._authorizer.require(caller, "ses:DeleteVerifiedEmailAddress")
        await _remove(permit, caller, address_name(request["EmailAddress"]))
        return {}

    async def get_identity_verification_attributes(
        self, caller: Caller, request: ses.GetIdentityVerificationAttributesRequest
    ) -> ses.GetIdentityVerificationAttributesResponse:
        """The state of each identity that exists; the others are left out."""
        await self._authorizer.require(caller, "ses:GetIdentityVerificationAttributes")
        attributes: dict[str, ses.IdentityVerificationAttributes] = {}
        for name, identity in (await self._find(caller, request["Identities"])).items():
            attributes[name] = {"VerificationStatus": identity.verification.value}
            if identity.kind is IdentityKind.DOMAIN:
                attributes[name]["VerificationToken"] = identity.verification_token
        return {"VerificationAttributes": attributes}

    async def get_identity_dkim_attributes(
        self, caller: Caller, request: ses.GetIdentityDkimAttributesRequest
    ) -> ses.GetIdentityDkimAttributesResponse:
        """The DKIM state of each identity; an address shows that of the domain after its `@`."""
        await self._authorizer.require(caller, "ses:GetIdentityDkimAttributes")
        found = await self._find(caller, request["Identities"])

        async def run(tx: Transaction) -> dict[str, Identity]:
            return {name: await dkim_identity(tx, identity) for name, identity in found.items()}

        attributes: dict[str, ses.IdentityDkimAttributes] = {}
        for name, own in (await self._store.read(run)).items():
            attributes[name] = {
                "DkimEnabled": own.dkim_enabled,
                "DkimVerificationStatus": own.dkim_status.value,
            }
            if own.dkim_tokens:
                attributes[name]["DkimTokens"] = list(own.dkim_tokens)
        return {"DkimAttributes": attributes}

    async def list_identities(
        self, caller: Caller, request: ses.ListIdentitiesRequest
    ) -> ses.ListIdentitiesResponse:
        """The account's identities in the region by name, verified or not."""
        await self._authorizer.require(caller, "ses:ListIdentities")
        kind = request.get("IdentityType")
        limit = paging.checked(request.get("MaxItems", 1000), 1000, name="MaxItems")
        after = paging.after(request.get("NextToken"))

        async def run(tx: Transaction) -> list[Identity]:
            return await identities.page(
                tx,
                caller.principal.account_id,
                caller.region,
                kind=None if kind is None else IdentityKind(kind),
                after=after,
                limit=limit + 1,
            )

        page, token = paging.cut(await self._store.read(run), limit, lambda identity: identity.name)
        return {"Identities": [identity.name for identity in page], **paging.next_page(token)}

    async def delete_identity(
        self, caller: Caller, request: ses.DeleteIdentityRequest
    ) -> ses.DeleteIdentityResponse:
        """Remove an identity with its policies; nothing to remove is not an error."""
        permit = await self._authorizer.require(caller, "ses:DeleteIdentity")
        await _remove(permit, caller, own_identity_name(caller, request["Identity"]))
        return {}

    async def _mail_link(self, caller: Caller, operation: str, address: str) -> None:
        permit = await self._authorizer.require(caller, f"ses:{operation}")
        account_id, region = caller.principal.account_id, caller.region
        await self._verification.start_address(permit, account_id, region, address_name(address))

    async def _find(self, caller: Caller, names: list[str]) -> dict[str, Identity]:
        """The identities among `names` that exist, by the name that was asked for."""
        if len(names) > MAX_IDENTITIES_A_CALL:
            raise InvalidParameterValue(f"A call takes at most {MAX_IDENTITIES_A_CALL} identities.")
        wanted = {name: normal_name(name) for name in names}

        async def run(tx: Transaction) -> dict[str, Identity]:
            found = {}
            for name, stored in wanted.items():
                identity = await identities.get(tx, caller.principal.account_id, caller.region, stored)
                if identity is not None:
                    found[name] = identity
            return found

        return await self._store.read(run)


async def _remove(permit: Permit, caller: Caller, name: str) -> None:
    async def run(tx: Transaction) -> None:
        found = await identities.get(tx, caller.principal.account_id, caller.region, name)
        if found is not None:
            await identities.delete(tx, found)

    await permit.apply(run)
