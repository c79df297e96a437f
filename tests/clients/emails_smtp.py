"""emails (python-emails) with STARTTLS."""

import emails
from job import Job, run, ses_headers


def send(job: Job) -> None:
    """Send one message."""
    where = job["smtp"]
    message = emails.Message(
        text=job["text"], subject=job["subject"], mail_from=job["from"], headers=ses_headers(job)
    )
    answer = message.send(
        to=job["to"],
        smtp={
            "host": where["host"], "port": where["port"], "tls": True, "user": where["user"],
            "password": where["password"], "timeout": 20, "fail_silently": False,
        },
    )  # fmt: skip
    if answer.status_code != 250:
        raise RuntimeError(f"{answer.status_code} {answer.status_text}")


run(send=send)
