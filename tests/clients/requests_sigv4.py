"""requests with requests-auth-aws-sigv4: its signature covers the host and the date alone."""

import requests
from job import Job, QueryError, form, run
from requests_auth_aws_sigv4 import AWSSigV4


def send(job: Job) -> None:
    """Send one message."""
    auth = AWSSigV4(
        "ses", region=job["region"], aws_access_key_id=job["key"], aws_secret_access_key=job["secret"]
    )
    answer = requests.post(job["endpoint"], data=form(job), auth=auth, timeout=60)
    if not answer.ok:
        raise QueryError(answer.text)


run(send=send)
