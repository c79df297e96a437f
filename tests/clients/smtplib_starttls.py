"""smtplib with STARTTLS, message as the email package writes it (X-SES headers folded)."""

import smtplib
import ssl
from email.message import EmailMessage

from job import Job, run


def send(job: Job) -> None:
    """Send one message."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = job["from"], job["to"], job["subject"]
    if job["arn"]:
        for name in ("SOURCE", "FROM", "RETURN-PATH"):
            message[f"X-SES-{name}-ARN"] = job["arn"]
    message.set_content(job["text"])
    where = job["smtp"]
    with smtplib.SMTP(where["host"], where["port"], timeout=60) as smtp:
        smtp.starttls(context=ssl.create_default_context(cafile=where["ca"]))
        smtp.login(where["user"], where["password"])
        smtp.send_message(message)


run(send=send)
