"""Custom verification mail of SES v1. Source: SES API reference."""

from sesame.aws.shapes import ses
from sesame.identities.custom_verification import MOST_A_PAGE, CustomVerification
from sesame.model import Caller
from sesame.operations.custom_verification import as_written, given, page_of, send
from sesame.operations.table import Handlers


class CustomVerificationOperations:
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
        self, caller: Caller, request: ses.CreateCustomVerificationEmailTemplateRequest
    ) -> ses.CreateCustomVerificationEmailTemplateResponse:
        """Add a template."""
        await self._custom.create(caller, request["TemplateName"], given(request))
        return {}

    async def get(
        self, caller: Caller, request: ses.GetCustomVerificationEmailTemplateRequest
    ) -> ses.GetCustomVerificationEmailTemplateResponse:
        """A template as it was written."""
        found = await self._custom.get(caller, request["TemplateName"])
        return as_written(found)

    async def update(
        self, caller: Caller, request: ses.UpdateCustomVerificationEmailTemplateRequest
    ) -> ses.UpdateCustomVerificationEmailTemplateResponse:
        """Replace what is given of a template."""
        await self._custom.update(caller, request["TemplateName"], given(request))
        return {}

    async def delete(
        self, caller: Caller, request: ses.DeleteCustomVerificationEmailTemplateRequest
    ) -> ses.DeleteCustomVerificationEmailTemplateResponse:
        """Remove a template; the model knows no error for one that is not there."""
        await self._custom.delete(caller, request["TemplateName"])
        return {}

    async def list(
        self, caller: Caller, request: ses.ListCustomVerificationEmailTemplatesRequest
    ) -> ses.ListCustomVerificationEmailTemplatesResponse:
        """Templates by name, without their contents."""
        limit = request.get("MaxResults", MOST_A_PAGE)
        return await page_of(self._custom, caller, request.get("NextToken"), limit=limit)

    async def send(
        self, caller: Caller, request: ses.SendCustomVerificationEmailRequest
    ) -> ses.SendCustomVerificationEmailResponse:
        """Add an address as an identity and mail it the link that verifies it."""
        return await send(self._custom, caller, request, api_version="1")
