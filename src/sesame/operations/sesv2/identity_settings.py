"""DKIM and MAIL FROM settings of identities, SES v2. Source: SES API v2 reference."""

from sesame.access.changes import Change, Permit
from sesame.access.identity_names import normal_name
from sesame.access.permission import Authorizer
from sesame.aws.shapes import sesv2
from sesame.errors import InvalidParameterValue
from sesame.identities.dkim_keys import LENGTHS
from sesame.identities.policies import IdentityMissing
from sesame.identities.settings import IdentitySettings
from sesame.model import Caller, DkimOrigin, Identity, OnMxFailure
from sesame.operations.sesv2.identities import STATUSES
from sesame.operations.sesv2.own_identity import permitted_identity
from sesame.operations.sesv2.signing_origin import OWN, check_change
from sesame.operations.table import Handlers

_ON_MX_FAILURE = {
    "USE_DEFAULT_VALUE": OnMxFailure.USE_DEFAULT_VALUE,
    "REJECT_MESSAGE": OnMxFailure.REJECT_MESSAGE,
}


class IdentitySettingV2Operations:
    """The operations; each checks the caller's IAM policies first."""

    def __init__(self, authorizer: Authorizer, settings: IdentitySettings) -> None:
        self._authorizer = authorizer
        self._settings = settings

    def handlers(self) -> Handlers:
        """What this serves, by operation name."""
        return {
            "PutEmailIdentityDkimAttributes": self.put_dkim_attributes,
            "PutEmailIdentityDkimSigningAttributes": self.put_dkim_signing_attributes,
            "PutEmailIdentityMailFromAttributes": self.put_mail_from_attributes,
            "PutEmailIdentityFeedbackAttributes": self.put_feedback_attributes,
        }

    async def put_dkim_attributes(
        self, caller: Caller, request: sesv2.PutEmailIdentityDkimAttributesRequest
    ) -> sesv2.PutEmailIdentityDkimAttributesResponse:
        """Switch signing on or off; SigningEnabled absent means false, its type's default."""
        found = await self._for_dkim(caller, request["EmailIdentity"])
        if found is None:
            return {}
        identity, permit = found
        await self._settings.set_dkim_switch(permit, identity, enabled=request.get("SigningEnabled", False))
        return {}

    async def put_dkim_signing_attributes(
        self, caller: Caller, request: sesv2.PutEmailIdentityDkimSigningAttributesRequest
    ) -> sesv2.PutEmailIdentityDkimSigningAttributesResponse:
        """Sign with the owner's own key, or with Easy DKIM's, of a length if given."""
        identity, permit = await self._found(
            caller, "PutEmailIdentityDkimSigningAttributes", request["EmailIdentity"]
        )
        attributes: sesv2.DkimSigningAttributes = request.get("SigningAttributes", {})
        changed = await change_signing(
            self._settings, permit, identity, request["SigningAttributesOrigin"], attributes
        )
        response: sesv2.PutEmailIdentityDkimSigningAttributesResponse = {
            "DkimStatus": STATUSES[changed.dkim_status],
            "DkimTokens": list(changed.dkim_tokens),
        }
        if changed.dkim_origin is DkimOrigin.AWS_SES:
            response["SigningHostedZone"] = self._settings.dkim_zone
        return response

    async def put_mail_from_attributes(
        self, caller: Caller, request: sesv2.PutEmailIdentityMailFromAttributesRequest
    ) -> sesv2.PutEmailIdentityMailFromAttributesResponse:
        """Set the MAIL FROM domain; without one go back to the default."""
        identity, permit = await self._found(
            caller, "PutEmailIdentityMailFromAttributes", request["EmailIdentity"]
        )
        on_mx_failure = _ON_MX_FAILURE[request.get("BehaviorOnMxFailure", "USE_DEFAULT_VALUE")]
        await self._settings.set_mail_from(
            permit, identity, request.get("MailFromDomain"), on_mx_failure=on_mx_failure
        )
        return {}

    async def put_feedback_attributes(
        self, caller: Caller, request: sesv2.PutEmailIdentityFeedbackAttributesRequest
    ) -> sesv2.PutEmailIdentityFeedbackAttributesResponse:
        """Whether bounces and complaints are mailed; v2 asks for no topics before (its model has no such rule)."""
        identity, permit = await self._found(
            caller, "PutEmailIdentityFeedbackAttributes", request["EmailIdentity"]
        )
        await self._settings.set_forwarding(
            permit, identity, enabled=request.get("EmailForwardingEnabled", False)
        )
        return {}

    async def _for_dkim(self, caller: Caller, text: str) -> tuple[Identity, Permit] | None:
        """The identity whose switch is meant, in the words that SES has for a domain it does not know (observed).

        None for an address that is not an identity of its own, of a domain that is: there is no switch to set.
        """
        try:
            return await self._found(caller, "PutEmailIdentityDkimAttributes", text)
        except IdentityMissing:
            domain = normal_name(text).rpartition("@")[2]
            if "@" in text and await self._settings.get(caller.principal.account_id, caller.region, domain):
                return None
            raise InvalidParameterValue(f"Domain {domain} is not verified for DKIM signing.") from None

    async def _found(self, caller: Caller, operation: str, text: str) -> tuple[Identity, Permit]:
        """The identity, and what lets the caller do this to it."""
        name, permit = await permitted_identity(self._authorizer, caller, f"ses:{operation}", text)
        identity = await self._settings.get(caller.principal.account_id, caller.region, name)
        if identity is None:
            raise IdentityMissing(name)
        return identity, permit


async def change_signing(
    settings: IdentitySettings,
    change: Change,
    identity: Identity,
    origin: str,
    attributes: sesv2.DkimSigningAttributes,
) -> Identity:
    """Give a domain the key that a request asks for; the identity afterwards."""
    check_change(origin, attributes)
    if origin == OWN:
        return await settings.use_own_key(
            change,
            identity,
            selector=attributes.get("DomainSigningSelector", ""),
            private_key=attributes.get("DomainSigningPrivateKey", ""),
        )
    length = attributes.get("NextSigningKeyLength")
    return await settings.use_easy_dkim(change, identity, bits=None if length is None else LENGTHS[length])
