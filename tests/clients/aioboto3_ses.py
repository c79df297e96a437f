"""aioboto3, SES v1."""

import asyncio
from collections.abc import Callable
from typing import Any

import aioboto3
from job import Job, client_options, run


def call(operation: str, parameters: Callable[[Job], Job]) -> Callable[[Job], Any]:
    """Call one operation with what the job says."""

    async def once(job: Job) -> Any:
        async with aioboto3.Session().client("ses", **client_options(job)) as ses:
            return await getattr(ses, operation)(**parameters(job))

    return lambda job: asyncio.run(once(job))


run(
    identity=call("verify_domain_dkim", lambda job: {"Domain": job["domain"]}),
    policy=call(
        "put_identity_policy",
        lambda job: {"Identity": job["domain"], "PolicyName": "delegate", "Policy": job["policy"]},
    ),
    unpolicy=call(
        "delete_identity_policy", lambda job: {"Identity": job["domain"], "PolicyName": "delegate"}
    ),
    send=call(
        "send_email",
        lambda job: {
            "Source": job["from"],
            "Destination": {"ToAddresses": [job["to"]]},
            "Message": {"Subject": {"Data": job["subject"]}, "Body": {"Text": {"Data": job["text"]}}},
            **({"SourceArn": job["arn"]} if job["arn"] else {}),
        },
    ),
)
