"""redmail with STARTTLS; it has no way to name a CA, and checks no certificate."""

from job import Job, run, ses_headers
from redmail import EmailSender


def send(job: Job) -> None:
    """Send one message."""
    where = job["smtp"]
    sender = EmailSender(
        host=where["host"], port=where["port"], username=where["user"], password=where["password"]
    )
    sender.send(
        sender=job["from"], receivers=[job["to"]], subject=job["subject"], text=job["text"],
        headers=ses_headers(job),
    )  # fmt: skip


run(send=send)
