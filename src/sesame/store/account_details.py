"""What accounts say of themselves when they ask for production access; the operator decides.

No decision reads it. Source: SES API v2, PutAccountDetails.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sesame.db import Transaction
from sesame.db.table import reader

Answer = Literal["GRANTED", "DENIED"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountDetails:
    """The latest details of an account in one region; `details` as the API takes them."""

    details: Mapping[str, Any]
    wants_production: bool
    submitted_at: float
    region: str = ""
    """Where it was said; empty for what is to be stored."""
    answer: Answer | None = None
    """The operator's: `GRANTED`, `DENIED`, or None while there is none."""
    answer_reason: str = ""
    answered_at: float | None = None


_READ = (
    "SELECT d.details, d.wants_production, d.submitted_at, d.region, d.answer, d.answer_reason, d.answered_at"
    " FROM account_details d"
)
_details = reader(AccountDetails, details=json.loads, wants_production=bool)


async def put(tx: Transaction, account_id: str, region: str, details: AccountDetails) -> None:
    """Store details in place of earlier ones, and of what was answered to those."""
    await tx.execute(
        "INSERT INTO account_details (account_id, region, details, wants_production, submitted_at)"
        " VALUES (?, ?, ?, ?, ?) ON CONFLICT (account_id, region) DO UPDATE SET details = excluded.details,"
        " wants_production = excluded.wants_production, submitted_at = excluded.submitted_at, answer = NULL,"
        " answer_reason = '', answered_at = NULL",
        account_id,
        region,
        json.dumps(dict(details.details)),
        int(details.wants_production),
        details.submitted_at,
    )


async def get(tx: Transaction, account_id: str, region: str) -> AccountDetails | None:
    """An account's details, or None when it has given none."""
    row = await tx.one(f"{_READ} WHERE d.account_id = ? AND d.region = ?", account_id, region)
    return None if row is None else _details(row)


async def of_account(tx: Transaction, account_id: str) -> list[AccountDetails]:
    """What an account said in each region."""
    return [
        _details(row) for row in await tx.all(f"{_READ} WHERE d.account_id = ? ORDER BY d.region", account_id)
    ]


async def answer(tx: Transaction, account_id: str, answer: Answer, *, reason: str, at: float) -> int:
    """Answer what an account asked for in whichever region; to how many requests that was."""
    return await tx.execute(
        "UPDATE account_details SET answer = ?, answer_reason = ?, answered_at = ?"
        " WHERE account_id = ? AND wants_production = 1",
        answer,
        reason,
        at,
        account_id,
    )


async def asking(tx: Transaction, *, limit: int = 1_000_000) -> dict[str, AccountDetails]:
    """The latest request of each account that asks for production access, oldest first, until it is answered."""
    rows = await tx.all(
        "SELECT d.details, d.wants_production, d.submitted_at, d.region, d.answer, d.answer_reason, d.answered_at,"
        " d.account_id FROM account_details d JOIN account a ON a.account_id = d.account_id"
        " WHERE d.wants_production = 1 AND d.answer IS NULL AND a.production = 0 ORDER BY d.submitted_at LIMIT ?",
        limit,
    )
    return {row[7]: _details(row[:7]) for row in rows}
