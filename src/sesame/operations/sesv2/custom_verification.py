"""Custom verification mail of SES v2, kept with that of v1. Source: SES API v2 reference."""

from sesame.aws import paging
from sesame.aws.shapes import sesv2
from sesame.identities.custom_verification import MOST_A_PAGE, CustomTemplateMissing, CustomVerification
from sesame.model import Caller
from sesame.operations.custom_verification import as_written, given, page_of, send
from sesame.operations.resource_tags import listed_tags, read_tags
from sesame.operations.table import Handlers


class CustomVerificationV2Operations:
    """The operations."""

    def __init__(self, custom: CustomVerification) -> None:
        self._custom = custom

    def handlers(self) -> Handlers:
        """What this serves, by operation name."""
        return {
            "CreateCustomVerificationEmailTemplate": self.create,
            "GetCustomVerificationEmailTemplate": self.get,
            "UpdateCustomVerificationEmailTemplate": self.update,
            "DeleteCustomVerificationEmailTemplate": self.delete,
            "ListCustomVerificationEmailTemplates": self.list,
            "SendCustomVerificationEmail": self.send,
        }

    async def create(
        self, caller: Caller, request: sesv2.CreateCustomVerificationEmailTemplateRequest
    ) -> sesv2.CreateCustomVerificationEmailTemplateResponse:
        """Add a template with its tags."""
        named = read_tags(request.get("Tags", ()))
        await self._custom.create(caller, request["TemplateName"], given(request), named=named)
        return {}

    async def get(
        self, caller: Caller, request: sesv2.GetCustomVerificationEmailTemplateRequest
    ) -> sesv2.GetCustomVerificationEmailTemplateResponse:
        """A template as it was written."""
        found = await self._custom.get(caller, request["TemplateName"])
        held = await self._custom.tags_of(found)
        return {
            **as_written(found),
            "Tags": listed_tags(held),
        }

    async def update(
        self, caller: Caller, request: sesv2.UpdateCustomVerificationEmailTemplateRequest
    ) -> sesv2.UpdateCustomVerificationEmailTemplateResponse:
        """Replace all of a template; its tags stay."""
        await self._custom.update(caller, request["TemplateName"], given(request))
        return {}

    async def delete(
        self, caller: Caller, request: sesv2.DeleteCustomVerificationEmailTemplateRequest
    ) -> sesv2.DeleteCustomVerificationEmailTemplateResponse:
        """Remove a template that is there."""
        name = request["TemplateName"]
        if not await self._custom.delete(caller, name):
            raise CustomTemplateMissing(name)
        return {}

    async def list(
        self, caller: Caller, request: sesv2.ListCustomVerificationEmailTemplatesRequest
    ) -> sesv2.ListCustomVerificationEmailTemplatesResponse:
        """Templates by name, without their contents."""
        limit = paging.checked(request.get("PageSize", MOST_A_PAGE), MOST_A_PAGE)
        return await page_of(self._custom, caller, request.get("NextToken"), limit=limit)

    async def send(
        self, caller: Caller, request: sesv2.SendCustomVerificationEmailRequest
    ) -> sesv2.SendCustomVerificationEmailResponse:
        """Add an address as an identity and mail it the link that verifies it."""
        return await send(self._custom, caller, request, api_version="2")
