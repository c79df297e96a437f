"""django-ses, SES v1: SendRawEmail with ARNs, GetSendQuota for its throttle."""

from django_settings import set_up
from job import Job, run


def send(job: Job, *, use_v2: bool = False) -> None:
    """Send one message through django-ses."""
    set_up(
        EMAIL_BACKEND="django_ses.SESBackend",
        AWS_SES_ACCESS_KEY_ID=job["key"],
        AWS_SES_SECRET_ACCESS_KEY=job["secret"],
        AWS_SES_REGION_NAME=job["region"],
        AWS_SES_REGION_ENDPOINT_URL=job["endpoint"],
        AWS_SES_SOURCE_ARN=job["arn"],
        AWS_SES_FROM_ARN=job["arn"],
        AWS_SES_RETURN_PATH_ARN=job["arn"],
        USE_SES_V2=use_v2,
    )
    from django.core.mail import EmailMessage

    EmailMessage(job["subject"], job["text"], job["from"], [job["to"]]).send()


if __name__ == "__main__":
    run(send=send)
