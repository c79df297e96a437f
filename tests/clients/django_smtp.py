"""Django's own SMTP backend."""

import os

from django_settings import set_up
from job import Job, run


def send(job: Job) -> None:
    """Send one message through Django's SMTP backend."""
    where = job["smtp"]
    os.environ["SSL_CERT_FILE"] = where["ca"]
    set_up(
        EMAIL_HOST=where["host"],
        EMAIL_PORT=where["port"],
        EMAIL_HOST_USER=where["user"],
        EMAIL_HOST_PASSWORD=where["password"],
        EMAIL_USE_TLS=True,
    )
    from django.core.mail import EmailMessage

    headers = {
        "X-SES-SOURCE-ARN": job["arn"],
        "X-SES-FROM-ARN": job["arn"],
        "X-SES-RETURN-PATH-ARN": job["arn"],
    }
    EmailMessage(
        job["subject"], job["text"], job["from"], [job["to"]], headers=headers if job["arn"] else {}
    ).send()


run(send=send)
