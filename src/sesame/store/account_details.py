"""What accounts say of themselves when they ask for production access; the operator decides.

No decision reads it. Source: SES API v2, PutAccountDetails.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sesame.db import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountDetails:
    """The latest details of an account in one region; `details` as the API takes them."""

    details: Mapping[str, Any]
    wants_production: bool
    submitted_at: float


async def put(tx: Transaction, account_id: str, region: str, details: AccountDetails) -> None:
    """Store details in place of earlier ones."""
    await tx.execute(
        "INSERT INTO account_details (account_id, region, details, wants_production, submitted_at)"
        " VALUES (?, ?, ?, ?, ?) ON CONFLICT (account_id, region) DO UPDATE SET details = excluded.details,"
        " wants_production = excluded.wants_production, submitted_at = excluded.submitted_at",
        account_id,
        region,
        json.dumps(dict(details.details)),
        int(details.wants_production),
        details.submitted_at,
    )


async def get(tx: Transaction, account_id: str, region: str) -> AccountDetails | None:
    """An account's details, or None when it has given none."""
    row = await tx.one(
        "SELECT details, wants_production, submitted_at FROM account_details"
        " WHERE account_id = ? AND region = ?",
        account_id,
        region,
    )
    if row is None:
        return None
    return AccountDetails(details=json.loads(row[0]), wants_production=bool(row[1]), submitted_at=row[2])


async def asking(tx: Transaction) -> dict[str, AccountDetails]:
    """The latest request of each account that asks for production access and does not have it."""
    rows = await tx.all(
        "SELECT d.account_id, d.details, d.wants_production, d.submitted_at FROM account_details d"
        " JOIN account a ON a.account_id = d.account_id"
        " WHERE d.wants_production = 1 AND a.production = 0 ORDER BY d.submitted_at"
    )
    return {
        row[0]: AccountDetails(details=json.loads(row[1]), wants_production=bool(row[2]), submitted_at=row[3])
        for row in rows
    }
