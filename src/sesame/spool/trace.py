"""The life of a message, read back: who sent, as whom, why it was allowed, each attempt."""

import json
from dataclasses import dataclass

from sesame.db import Store, Transaction
from sesame.spool.put import RENDERING_FAILURE


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt for one recipient, with the remote's words."""

    at: float
    kind: str
    status: str
    diagnostic: str
    remote_mta: str | None
    remote_ip: str | None
    tls: str | None
    tls_verdict: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipientTrace:
    """Where one recipient stands and how it came there."""

    address: str
    state: str
    due_at: float
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """One accepted message; `decision` and `tags` are JSON."""

    message_id: str
    account_id: str
    owner_account_id: str
    region: str
    identity: str
    source: str
    return_path: str
    subject: str
    size_bytes: int
    tags: str
    decision: str
    accepted_at: float
    recipients: tuple[RecipientTrace, ...]
    failure: str | None
    """Why its template could not be filled in, None for a message that could be sent."""


async def trace(store: Store, message_id: str) -> Trace | None:
    """Everything known about a message, or None."""

    async def run(tx: Transaction) -> Trace | None:
        row = await tx.one(
            "SELECT seq, message_id, account_id, owner_account_id, region, identity, source, return_path,"
            " subject, size_bytes, tags, decision, accepted_at FROM message WHERE message_id = ?",
            message_id,
        )
        if row is None:
            return None
        recipients = []
        for seq, address, state, due_at in await tx.all(
            "SELECT seq, address, state, due_at FROM recipient WHERE message_seq = ? ORDER BY n", row[0]
        ):
            attempts = await tx.all(
                "SELECT at, kind, status, diagnostic, remote_mta, remote_ip, tls, tls_verdict FROM attempt"
                " WHERE recipient_seq = ? ORDER BY seq",
                seq,
            )
            recipients.append(
                RecipientTrace(
                    address=address,
                    state=state,
                    due_at=due_at,
                    attempts=tuple(
                        Attempt(
                            at=a[0],
                            kind=a[1],
                            status=a[2],
                            diagnostic=a[3],
                            remote_mta=a[4],
                            remote_ip=a[5],
                            tls=a[6],
                            tls_verdict=a[7],
                        )
                        for a in attempts
                    ),
                )
            )
        failed = await tx.one(
            "SELECT detail FROM event WHERE message_id = ? AND kind = ?", message_id, RENDERING_FAILURE
        )
        return Trace(
            message_id=row[1],
            account_id=row[2],
            owner_account_id=row[3],
            region=row[4],
            identity=row[5],
            source=row[6],
            return_path=row[7],
            subject=row[8],
            size_bytes=row[9],
            tags=row[10],
            decision=row[11],
            accepted_at=row[12],
            recipients=tuple(recipients),
            failure=None if failed is None else str(json.loads(failed[0])["errorMessage"]),
        )

    return await store.read(run)
