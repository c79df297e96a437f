"""boto3, SES v2."""

from typing import Any

import boto3
from job import Job, client_options, run


def sesv2(job: Job) -> Any:
    """The client."""
    return boto3.client("sesv2", **client_options(job))


run(
    identity=lambda job: sesv2(job).create_email_identity(EmailIdentity=job["domain"]),
    policy=lambda job: sesv2(job).create_email_identity_policy(
        EmailIdentity=job["domain"], PolicyName="delegate", Policy=job["policy"]
    ),
    unpolicy=lambda job: sesv2(job).delete_email_identity_policy(
        EmailIdentity=job["domain"], PolicyName="delegate"
    ),
    send=lambda job: sesv2(job).send_email(
        FromEmailAddress=job["from"],
        Destination={"ToAddresses": [job["to"]]},
        Content={"Simple": {"Subject": {"Data": job["subject"]}, "Body": {"Text": {"Data": job["text"]}}}},
        **({"FromEmailAddressIdentityArn": job["arn"]} if job["arn"] else {}),
    ),
)
