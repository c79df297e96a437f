"""Refused sends, and the latest decisions of an account as sender or as identity owner.

Accepted sends keep their decision in the message row; refusals have a table of their own.
"""

from dataclasses import dataclass

from sesame.db import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One refused send: the API's code and words, and the decision as JSON."""

    request_id: str
    account_id: str
    owner_account_id: str | None
    region: str
    at: float
    code: str
    reason: str
    decision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRecord:
    """One decision as an account may see it; `message_id` is None for a refusal."""

    at: float
    account_id: str
    owner_account_id: str | None
    region: str
    message_id: str | None
    code: str
    reason: str
    decision: str


async def put_refusal(tx: Transaction, refusal: Refusal) -> None:
    """Keep a refused send."""
    await tx.execute(
        "INSERT INTO refusal (request_id, account_id, owner_account_id, region, at, code, reason, decision)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        refusal.request_id,
        refusal.account_id,
        refusal.owner_account_id,
        refusal.region,
        refusal.at,
        refusal.code,
        refusal.reason,
        refusal.decision,
    )


async def latest(tx: Transaction, account_id: str, *, limit: int) -> list[DecisionRecord]:
    """The newest decisions that concern an account, newest first."""
    rows = await tx.all(
        "SELECT at, account_id, owner_account_id, region, NULL, code, reason, decision FROM refusal"
        " WHERE account_id = ? OR owner_account_id = ?"
        " UNION ALL"
        " SELECT accepted_at, account_id, owner_account_id, region, message_id, 'Accepted', '', decision"
        " FROM message WHERE account_id = ? OR owner_account_id = ?"
        " ORDER BY 1 DESC LIMIT ?",
        account_id,
        account_id,
        account_id,
        account_id,
        limit,
    )
    return [
        DecisionRecord(
            at=row[0],
            account_id=row[1],
            owner_account_id=row[2],
            region=row[3],
            message_id=row[4],
            code=row[5],
            reason=row[6],
            decision=row[7],
        )
        for row in rows
    ]


async def purge_before(tx: Transaction, at: float) -> int:
    """Drop refusals older than `at`; how many went."""
    return await tx.execute("DELETE FROM refusal WHERE at < ?", at)
