"""aiosmtplib with STARTTLS."""

import asyncio
import ssl
from email.message import EmailMessage

import aiosmtplib
from job import Job, run, ses_headers


def send(job: Job) -> None:
    """Send one message."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = job["from"], job["to"], job["subject"]
    for name, value in ses_headers(job).items():
        message[name] = value
    message.set_content(job["text"])
    where = job["smtp"]
    asyncio.run(
        aiosmtplib.send(
            message, hostname=where["host"], port=where["port"], start_tls=True, username=where["user"],
            password=where["password"], tls_context=ssl.create_default_context(cafile=where["ca"]), timeout=60,
        )
    )  # fmt: skip


run(send=send)
