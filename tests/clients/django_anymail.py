"""django-anymail, Amazon SES backend (SES v2)."""

from django_settings import set_up
from job import Job, client_options, run


def send(job: Job) -> None:
    """Send one message through anymail."""
    set_up(
        EMAIL_BACKEND="anymail.backends.amazon_ses.EmailBackend",
        INSTALLED_APPS=["anymail"],
        ANYMAIL={"AMAZON_SES_CLIENT_PARAMS": client_options(job)},
    )
    from django.core.mail import EmailMessage

    message = EmailMessage(job["subject"], job["text"], job["from"], [job["to"]])
    if job["arn"]:
        message.esp_extra = {"FromEmailAddressIdentityArn": job["arn"]}
    message.send()


run(send=send)
