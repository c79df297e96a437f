"""Whose DNS records are to be looked up, and what the look-ups found, which no decision reads."""

from dataclasses import dataclass

from sesame.db import Row, Transaction
from sesame.model import Identity
from sesame.store.identities import COLUMNS, OWN_COLUMNS, SELECT_IDENTITY, identity_of

_WAITS = (
    "verification IN ('Pending', 'TemporaryFailure') OR dkim_status IN ('Pending', 'TemporaryFailure')"
    " OR EXISTS (SELECT 1 FROM dkim_next_key k WHERE k.account_id = identity.account_id"
    " AND k.region = identity.region AND k.domain = identity.name)"
)
_HOLDS = "(checked_at IS NULL OR checked_at <= ?) AND (verification = 'Success' OR dkim_status = 'Success')"


@dataclass(frozen=True, slots=True, kw_only=True)
class DueCheck:
    """An identity whose DNS records are to be looked up, with when each state began to wait.

    `vouched` says that the operator's word stands in for the records.
    """

    identity: Identity
    verification_started_at: float
    dkim_started_at: float | None
    vouched: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRecord:
    """What the look-ups of an identity's DNS records found, for its owner to read.

    `proved_at` is when all that must be there last was; `error` is one of SES's words
    (`HOST_NOT_FOUND`, ...), or None when nothing was wrong at `checked_at`.
    """

    checked_at: float | None
    proved_at: float | None
    error: str | None


def _due(row: Row) -> DueCheck:
    return DueCheck(
        identity=identity_of(row),
        verification_started_at=row[OWN_COLUMNS],
        dkim_started_at=row[OWN_COLUMNS + 1],
        vouched=bool(row[OWN_COLUMNS + 2]),
    )


async def lacking_records(tx: Transaction, *, limit: int) -> list[Identity]:
    """Domains whose records are not all in DNS: some that are not verified, and some that are and not signed."""
    lacking = "('TemporaryFailure', 'Pending', 'Failed')"
    rows = await tx.all(
        f"{SELECT_IDENTITY} WHERE verification IN {lacking} AND kind = 'Domain' LIMIT ?", limit
    )
    rows += await tx.all(
        f"{SELECT_IDENTITY} WHERE verification = 'Success' AND dkim_status IN {lacking} AND kind = 'Domain' LIMIT ?",
        limit,
    )
    return sorted((identity_of(row) for row in rows), key=lambda one: (one.name, one.account_id, one.region))


async def due(tx: Transaction, *, looked_up_before: float, asked_before: float, limit: int) -> list[DueCheck]:
    """Identities whose state may change, those looked up longest ago first.

    Domains that wait for DNS, have lost it or are changing keys; verified ones not looked up since
    `looked_up_before`; addresses whose mailed link was asked for before `asked_before`.
    """
    rows = await tx.all(
        f"SELECT {COLUMNS}, verification_started_at, dkim_started_at, vouched FROM identity"
        f" WHERE (kind = 'Domain' AND ({_WAITS} OR {_HOLDS}))"
        " OR (kind = 'EmailAddress' AND verification = 'Pending' AND verification_started_at < ?)"
        " ORDER BY COALESCE(checked_at, 0) LIMIT ?",
        looked_up_before,
        asked_before,
        limit,
    )
    return [_due(row) for row in rows]


async def of(tx: Transaction, account_id: str, region: str, name: str) -> DueCheck | None:
    """One identity as `due` gives it, whether it is due or not."""
    row = await tx.one(
        f"SELECT {COLUMNS}, verification_started_at, dkim_started_at, vouched FROM identity"
        " WHERE account_id = ? AND region = ? AND name = ?",
        account_id,
        region,
        name,
    )
    return None if row is None else _due(row)


async def put(tx: Transaction, identity: Identity, record: CheckRecord) -> None:
    """Store what a look-up found; `proved_at` None leaves the last one."""
    await tx.execute(
        "UPDATE identity SET checked_at = ?, proved_at = COALESCE(?, proved_at), check_error = ?"
        " WHERE account_id = ? AND region = ? AND name = ?",
        record.checked_at,
        record.proved_at,
        record.error,
        *identity.key,
    )


async def last(tx: Transaction, account_id: str, region: str, name: str) -> CheckRecord:
    """What the look-ups found last; empty for an identity that does not exist."""
    row = await tx.one(
        "SELECT checked_at, proved_at, check_error FROM identity"
        " WHERE account_id = ? AND region = ? AND name = ?",
        account_id,
        region,
        name,
    )
    checked_at, proved_at, error = row or (None, None, None)
    return CheckRecord(checked_at=checked_at, proved_at=proved_at, error=error)
