"""Templates of SES v1. Source: SES API reference; SES developer guide, "Using templates"."""

from sesame.aws import paging
from sesame.aws.shapes import ses
from sesame.errors import InvalidParameterValue
from sesame.model import Caller
from sesame.operations.table import Handlers
from sesame.operations.templates import Parts, Templates

USUAL_PAGE, MOST_A_PAGE = 10, 100


class TemplateOperations:
    """The operations; each checks the caller's IAM policies first."""

    def __init__(self, templates: Templates) -> None:
        self._templates = templates

    def handlers(self) -> Handlers:
        """What this serves, by operation name."""
        return {
            "CreateTemplate": self.create_template,
            "GetTemplate": self.get_template,
            "UpdateTemplate": self.update_template,
            "DeleteTemplate": self.delete_template,
            "ListTemplates": self.list_templates,
            "TestRenderTemplate": self.test_render_template,
        }

    async def create_template(
        self, caller: Caller, request: ses.CreateTemplateRequest
    ) -> ses.CreateTemplateResponse:
        """Add a template."""
        template = request["Template"]
        await self._templates.create(caller, "ses:CreateTemplate", template["TemplateName"], _parts(template))
        return {}

    async def get_template(self, caller: Caller, request: ses.GetTemplateRequest) -> ses.GetTemplateResponse:
        """A template as it was written."""
        found = await self._templates.get(caller, "ses:GetTemplate", request["TemplateName"])
        template: ses.Template = {"TemplateName": found.name}
        if found.subject is not None:
            template["SubjectPart"] = found.subject
        if found.text is not None:
            template["TextPart"] = found.text
        if found.html is not None:
            template["HtmlPart"] = found.html
        return {"Template": template}

    async def update_template(
        self, caller: Caller, request: ses.UpdateTemplateRequest
    ) -> ses.UpdateTemplateResponse:
        """Replace all parts of a template."""
        template = request["Template"]
        await self._templates.update(caller, "ses:UpdateTemplate", template["TemplateName"], _parts(template))
        return {}

    async def delete_template(
        self, caller: Caller, request: ses.DeleteTemplateRequest
    ) -> ses.DeleteTemplateResponse:
        """Remove a template; the model knows no error for one that is not there."""
        await self._templates.delete(caller, "ses:DeleteTemplate", request["TemplateName"])
        return {}

    async def list_templates(
        self, caller: Caller, request: ses.ListTemplatesRequest
    ) -> ses.ListTemplatesResponse:
        """Names in order; a larger page than the largest is the largest."""
        limit = request.get("MaxItems", USUAL_PAGE)
        if limit < 1:
            raise InvalidParameterValue("MaxItems must be at least 1.")
        found, token = await self._templates.page(
            caller, "ses:ListTemplates", request.get("NextToken"), limit=min(limit, MOST_A_PAGE)
        )
        return {
            "TemplatesMetadata": [{"Name": name, "CreatedTimestamp": at} for name, at in found],
            **paging.next_page(token),
        }

    async def test_render_template(
        self, caller: Caller, request: ses.TestRenderTemplateRequest
    ) -> ses.TestRenderTemplateResponse:
        """The MIME text that the template becomes with the data."""
        rendered = await self._templates.preview(
            caller, "ses:TestRenderTemplate", request["TemplateName"], request["TemplateData"]
        )
        return {"RenderedTemplate": rendered}


def _parts(template: ses.Template) -> Parts:
    return Parts(
        subject=template.get("SubjectPart"), text=template.get("TextPart"), html=template.get("HtmlPart")
    )
