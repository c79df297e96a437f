"""curl --aws-sigv4, as in a shell script."""

import subprocess

from job import Job, QueryError, form, run


def send(job: Job) -> None:
    """Send one message."""
    fields = [part for name, value in form(job).items() for part in ("--data-urlencode", f"{name}={value}")]
    done = subprocess.run(
        [
            "curl", "--silent", "--aws-sigv4", f"aws:amz:{job['region']}:ses", "--user",
            f"{job['key']}:{job['secret']}", *fields, job["endpoint"],
        ],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    if "<ErrorResponse" in done.stdout:
        raise QueryError(done.stdout)


run(send=send)
