"""The audit log as tests look at it: how far it is, and what came since."""

import json
from typing import Any

from sesame.admin.audit import latest
from sesame.app.foundation import Services
from tests.support.process import SesameProcess


async def rows_of(services: Services, account_id: str) -> int:
    """The number of an account's newest row."""
    found = await latest(services.store, account_id, limit=1)
    return found[0].seq if found else 0


async def told_since(services: Services, account_id: str, seq: int) -> list[tuple[str, str | None]]:
    """Names and error codes of API calls behind row `seq`."""
    count = await rows_of(services, account_id) - seq
    rows = (await latest(services.store, account_id, limit=count))[::-1] if count else []
    events = [json.loads(row.body) for row in rows]
    return [
        (event["eventName"], event.get("errorCode")) for event in events if event["eventType"] == "AwsApiCall"
    ]


def audit_log(sesame: SesameProcess, account_id: str) -> list[dict[str, Any]]:
    """The newest events of an account, oldest first."""

    async def read(services: Services) -> list[dict[str, Any]]:
        return [json.loads(row.body) for row in await latest(services.store, account_id, limit=500)][::-1]

    return sesame.operate(read)
