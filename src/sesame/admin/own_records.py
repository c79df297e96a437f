"""The DNS records that the operator publishes for Sesame itself, each with a verdict and what DNS shows now."""

import asyncio

from sesame.dns import Resolver
from sesame.identities.record_verdicts import CheckedRecord, check_record
from sesame.identities.signing_domain import SigningDomain


async def checked(own: SigningDomain, resolver: Resolver) -> list[CheckedRecord]:
    """Every record, all looked up at once."""
    records = await own.records()
    return list(
        await asyncio.gather(
            *(
                check_record(
                    resolver,
                    record,
                    record.name.partition(".")[2],
                    mechanism=record.value.split()[1] if record.value.startswith("v=spf1") else "",
                )
                for record in records
            )
        )
    )


__all__ = ["CheckedRecord", "checked"]
