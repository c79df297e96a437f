"""DKIM switch and MAIL FROM domain of identities, SES v1.

Source: SES API reference, "SetIdentityDkimEnabled", "SetIdentityMailFromDomain" and their Get operations.
"""

from collections.abc import Mapping
from typing import Literal

from sesame.access.identity_names import identity_kind, normal_name
from sesame.access.permission import Authorizer
from sesame.aws.shapes import ses
from sesame.db import Store, Transaction
from sesame.errors import InvalidParameterValue
from sesame.identities.names import own_identity_name
from sesame.identities.settings import IdentitySettings
from sesame.model import Caller, IdentityKind, MailFrom, OnMxFailure, VerificationStatus
from sesame.operations.ses.identities import MAX_IDENTITIES_A_CALL
from sesame.operations.table import Handlers
from sesame.store import identities, mail_from


class IdentitySettingOperations:
    """The operations; each checks the caller's IAM policies first."""

    def __init__(self, store: Store, authorizer: Authorizer, settings: IdentitySettings) -> None:
        self._store = store
        self._authorizer = authorizer
        self._settings = settings

    def handlers(self) -> Handlers:
        """What this serves, by operation name."""
        return {
            "SetIdentityDkimEnabled": self.set_identity_dkim_enabled,
            "SetIdentityMailFromDomain": self.set_identity_mail_from_domain,
            "GetIdentityMailFromDomainAttributes": self.get_identity_mail_from_domain_attributes,
        }

    async def set_identity_dkim_enabled(
        self, caller: Caller, request: ses.SetIdentityDkimEnabledRequest
    ) -> ses.SetIdentityDkimEnabledResponse:
        """Switch DKIM signing of an identity's mail on or off."""
        permit = await self._authorizer.require(caller, "ses:SetIdentityDkimEnabled")
        name = own_identity_name(caller, request["Identity"])
        identity = await self._settings.get(caller.principal.account_id, caller.region, name)
        if identity is None and identity_kind(name) is IdentityKind.DOMAIN:
            raise InvalidParameterValue(f"Domain {name} is not verified for DKIM signing.")
        if identity is None:
            raise InvalidParameterValue(
                f"Identity {name} is invalid. Must be a verified email address or domain."
            )
        await self._settings.set_dkim_switch(permit, identity, enabled=request["DkimEnabled"])
        return {}

    async def set_identity_mail_from_domain(
        self, caller: Caller, request: ses.SetIdentityMailFromDomainRequest
    ) -> ses.SetIdentityMailFromDomainResponse:
        """Set the MAIL FROM domain, or without one go back to the default."""
        permit = await self._authorizer.require(caller, "ses:SetIdentityMailFromDomain")
        name = own_identity_name(caller, request["Identity"])
        identity = await self._settings.get(caller.principal.account_id, caller.region, name)
        if identity is None:
            raise InvalidParameterValue(f"Identity <{name}> does not exist.")
        on_mx_failure = OnMxFailure(request.get("BehaviorOnMXFailure", "UseDefaultValue"))
        await self._settings.set_mail_from(
            permit, identity, request.get("MailFromDomain"), on_mx_failure=on_mx_failure
        )
        return {}

    async def get_identity_mail_from_domain_attributes(
        self, caller: Caller, request: ses.GetIdentityMailFromDomainAttributesRequest
    ) -> ses.GetIdentityMailFromDomainAttributesResponse:
        """The MAIL FROM domain of each identity that exists, and how far it is."""
        await self._authorizer.require(caller, "ses:GetIdentityMailFromDomainAttributes")
        account_id, region, names = caller.principal.account_id, caller.region, request["Identities"]
        if len(names) > MAX_IDENTITIES_A_CALL:
            raise InvalidParameterValue(f"A call takes at most {MAX_IDENTITIES_A_CALL} identities.")
        wanted = {name: normal_name(name) for name in names}

        async def run(tx: Transaction) -> dict[str, MailFrom | None]:
            return {
                name: await mail_from.get(tx, account_id, region, stored)
                for name, stored in wanted.items()
                if await identities.get(tx, account_id, region, stored) is not None
            }

        found = await self._store.read(run)
        return {"MailFromDomainAttributes": {name: _attributes(setting) for name, setting in found.items()}}


def _attributes(setting: MailFrom | None) -> ses.IdentityMailFromDomainAttributes:
    """Without a domain there is the behaviour alone."""
    if setting is None:
        return {"BehaviorOnMXFailure": "UseDefaultValue"}
    return {
        "MailFromDomain": setting.domain,
        "MailFromDomainStatus": _STATUS[setting.status],
        "BehaviorOnMXFailure": setting.on_mx_failure.value,
    }


_STATUS: Mapping[VerificationStatus, Literal["Pending", "Success", "Failed", "TemporaryFailure"]] = {
    VerificationStatus.PENDING: "Pending",
    VerificationStatus.SUCCESS: "Success",
    VerificationStatus.FAILED: "Failed",
    VerificationStatus.TEMPORARY_FAILURE: "TemporaryFailure",
}
