"""MAIL FROM domains of identities. A change bumps the owner's identities epoch: sends rest on it (I4)."""

from dataclasses import dataclass

from sesame.db import Row, Transaction, bump, identities_scope
from sesame.model import Identity, MailFrom, OnMxFailure, VerificationStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class DueMailFrom:
    """A MAIL FROM domain to be looked up, and since when it waits in its state."""

    account_id: str
    region: str
    identity: str
    mail_from: MailFrom
    started_at: float

    @property
    def key(self) -> tuple[str, str, str]:
        """Account, region and identity."""
        return self.account_id, self.region, self.identity


async def put(tx: Transaction, identity: Identity, mail_from: MailFrom, *, at: float) -> None:
    """Set or replace an identity's MAIL FROM domain; its wait begins at `at`."""
    await tx.execute(
        "INSERT INTO mail_from (account_id, region, identity, domain, behavior, status, started_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (account_id, region, identity) DO UPDATE SET"
        " domain = excluded.domain, behavior = excluded.behavior, status = excluded.status,"
        " started_at = excluded.started_at",
        *identity.key,
        mail_from.domain,
        mail_from.on_mx_failure.value,
        mail_from.status.value,
        at,
    )
    await bump(tx, identities_scope(identity.account_id, identity.region))


async def set_behavior(tx: Transaction, identity: Identity, on_mx_failure: OnMxFailure) -> None:
    """Change what happens while the domain is not ready; its state stays."""
    await tx.execute(
        "UPDATE mail_from SET behavior = ? WHERE account_id = ? AND region = ? AND identity = ?",
        on_mx_failure.value,
        *identity.key,
    )
    await bump(tx, identities_scope(identity.account_id, identity.region))


async def set_status(tx: Transaction, due: DueMailFrom, status: VerificationStatus, *, at: float) -> None:
    """Store a new state that began at `at`."""
    await tx.execute(
        "UPDATE mail_from SET status = ?, started_at = ?"
        " WHERE account_id = ? AND region = ? AND identity = ? AND domain = ?",
        status.value,
        at,
        *due.key,
        due.mail_from.domain,
    )
    await bump(tx, identities_scope(due.account_id, due.region))


async def note_checked(tx: Transaction, due: DueMailFrom, *, at: float) -> None:
    """Remember when DNS was last asked; no decision reads this."""
    await tx.execute(
        "UPDATE mail_from SET checked_at = ? WHERE account_id = ? AND region = ? AND identity = ?",
        at,
        *due.key,
    )


async def get(tx: Transaction, account_id: str, region: str, identity: str) -> MailFrom | None:
    """An identity's MAIL FROM domain, or None."""
    due = await get_due(tx, account_id, region, identity)
    return None if due is None else due.mail_from


async def get_due(tx: Transaction, account_id: str, region: str, identity: str) -> DueMailFrom | None:
    """The same with since when it waits."""
    row = await tx.one(
        f"{_MAIL_FROM} WHERE account_id = ? AND region = ? AND identity = ?", account_id, region, identity
    )
    return None if row is None else _due(row)


async def remove(tx: Transaction, identity: Identity) -> None:
    """Back to the default MAIL FROM domain."""
    await tx.execute(
        "DELETE FROM mail_from WHERE account_id = ? AND region = ? AND identity = ?",
        *identity.key,
    )
    await bump(tx, identities_scope(identity.account_id, identity.region))


async def due_checks(tx: Transaction, *, before: float, limit: int) -> list[DueMailFrom]:
    """Those that wait or were lost, and those in order not looked up since `before`."""
    rows = await tx.all(
        f"{_MAIL_FROM} WHERE status IN ('Pending', 'TemporaryFailure')"
        " OR (status = 'Success' AND (checked_at IS NULL OR checked_at <= ?))"
        " ORDER BY COALESCE(checked_at, 0) LIMIT ?",
        before,
        limit,
    )
    return [_due(row) for row in rows]


_MAIL_FROM = "SELECT account_id, region, identity, domain, behavior, status, started_at FROM mail_from"


def _due(row: Row) -> DueMailFrom:
    return DueMailFrom(
        account_id=row[0],
        region=row[1],
        identity=row[2],
        mail_from=MailFrom(
            domain=row[3], on_mx_failure=OnMxFailure(row[4]), status=VerificationStatus(row[5])
        ),
        started_at=row[6],
    )
