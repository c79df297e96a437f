"""Templates of custom verification mail between the shapes of v1 and v2, which have these members in common."""

from sesame.aws import paging
from sesame.aws.shapes import ses, sesv2
from sesame.identities.custom_verification import CustomVerification, Given
from sesame.model import Caller
from sesame.store.custom_verification import CustomTemplate, Outline

Request = (
    ses.CreateCustomVerificationEmailTemplateRequest
    | ses.UpdateCustomVerificationEmailTemplateRequest
    | sesv2.CreateCustomVerificationEmailTemplateRequest
    | sesv2.UpdateCustomVerificationEmailTemplateRequest
)


def given(request: Request) -> Given:
    """What a request says of a template."""
    return Given(
        from_address=request.get("FromEmailAddress"),
        subject=request.get("TemplateSubject"),
        content=request.get("TemplateContent"),
        success_url=request.get("SuccessRedirectionURL"),
        failure_url=request.get("FailureRedirectionURL"),
    )


def outline(template: Outline) -> ses.CustomVerificationEmailTemplate:
    """A template without its content."""
    return {
        "TemplateName": template.name,
        "FromEmailAddress": template.from_address,
        "TemplateSubject": template.subject,
        "SuccessRedirectionURL": template.success_url,
        "FailureRedirectionURL": template.failure_url,
    }


def as_written(template: CustomTemplate) -> ses.GetCustomVerificationEmailTemplateResponse:
    """All of a template but its tags."""
    return {**outline(template), "TemplateContent": template.content}


async def page_of(
    custom: CustomVerification, caller: Caller, token: str | None, *, limit: int
) -> ses.ListCustomVerificationEmailTemplatesResponse:
    """Templates by name from where `token` says, without their contents."""
    found, following = await custom.page(caller, token, limit=limit)
    return {
        "CustomVerificationEmailTemplates": [outline(template) for template in found],
        **paging.next_page(following),
    }


async def send(
    custom: CustomVerification,
    caller: Caller,
    request: ses.SendCustomVerificationEmailRequest | sesv2.SendCustomVerificationEmailRequest,
    *,
    api_version: str,
) -> ses.SendCustomVerificationEmailResponse:
    """Add an address as an identity and mail it the link that verifies it."""
    message_id = await custom.send(
        caller,
        request["EmailAddress"],
        request["TemplateName"],
        configuration_set=request.get("ConfigurationSetName"),
        api_version=api_version,
    )
    return {"MessageId": message_id}
