"""Templates of SES v2, kept with those of v1. Source: SES API v2 reference."""

from sesame.aws import paging
from sesame.aws.shapes import sesv2
from sesame.model import Caller
from sesame.operations.resource_tags import listed_tags, read_tags
from sesame.operations.table import Handlers
from sesame.operations.templates import Parts, TemplateMissing, Templates

USUAL_PAGE, MOST_A_PAGE = 10, 100


class TemplateV2Operations:
    """The operations; each checks the caller's IAM policies first."""

    def __init__(self, templates: Templates) -> None:
        self._templates = templates

    def handlers(self) -> Handlers:
        """What this serves, by operation name."""
        return {
            "CreateEmailTemplate": self.create_email_template,
            "GetEmailTemplate": self.get_email_template,
            "UpdateEmailTemplate": self.update_email_template,
            "DeleteEmailTemplate": self.delete_email_template,
            "ListEmailTemplates": self.list_email_templates,
            "TestRenderEmailTemplate": self.test_render_email_template,
        }

    async def create_email_template(
        self, caller: Caller, request: sesv2.CreateEmailTemplateRequest
    ) -> sesv2.CreateEmailTemplateResponse:
        """Add a template with its tags."""
        await self._templates.create(
            caller,
            "ses:CreateEmailTemplate",
            request["TemplateName"],
            parts_of(request["TemplateContent"]),
            named=read_tags(request.get("Tags", ())),
        )
        return {}

    async def get_email_template(
        self, caller: Caller, request: sesv2.GetEmailTemplateRequest
    ) -> sesv2.GetEmailTemplateResponse:
        """A template as it was written."""
        found = await self._templates.get(caller, "ses:GetEmailTemplate", request["TemplateName"])
        held = await self._templates.tags_of(found)
        content: sesv2.EmailTemplateContent = {}
        if found.subject is not None:
            content["Subject"] = found.subject
        if found.text is not None:
            content["Text"] = found.text
        if found.html is not None:
            content["Html"] = found.html
        return {
            "TemplateName": found.name,
            "TemplateContent": content,
            "Tags": listed_tags(held),
        }

    async def update_email_template(
        self, caller: Caller, request: sesv2.UpdateEmailTemplateRequest
    ) -> sesv2.UpdateEmailTemplateResponse:
        """Replace all parts of a template; its tags stay."""
        await self._templates.update(
            caller, "ses:UpdateEmailTemplate", request["TemplateName"], parts_of(request["TemplateContent"])
        )
        return {}

    async def delete_email_template(
        self, caller: Caller, request: sesv2.DeleteEmailTemplateRequest
    ) -> sesv2.DeleteEmailTemplateResponse:
        """Remove a template that is there."""
        name = request["TemplateName"]
        if not await self._templates.delete(caller, "ses:DeleteEmailTemplate", name):
            raise TemplateMissing(name)
        return {}

    async def list_email_templates(
        self, caller: Caller, request: sesv2.ListEmailTemplatesRequest
    ) -> sesv2.ListEmailTemplatesResponse:
        """Names in order."""
        limit = paging.checked(request.get("PageSize", USUAL_PAGE), MOST_A_PAGE)
        found, token = await self._templates.page(
            caller, "ses:ListEmailTemplates", request.get("NextToken"), limit=limit
        )
        return {
            "TemplatesMetadata": [{"TemplateName": name, "CreatedTimestamp": at} for name, at in found],
            **paging.next_page(token),
        }

    async def test_render_email_template(
        self, caller: Caller, request: sesv2.TestRenderEmailTemplateRequest
    ) -> sesv2.TestRenderEmailTemplateResponse:
        """The MIME text that the template becomes with the data."""
        rendered = await self._templates.preview(
            caller, "ses:TestRenderEmailTemplate", request["TemplateName"], request["TemplateData"]
        )
        return {"RenderedTemplate": rendered}


def parts_of(content: sesv2.EmailTemplateContent) -> Parts:
    """The parts of a template in a request."""
    return Parts(subject=content.get("Subject"), text=content.get("Text"), html=content.get("Html"))
