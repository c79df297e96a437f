"""What a list shows beside identities: their checks and MAIL FROM domains, the texts of policies, the other regions."""

from collections.abc import Sequence
from dataclasses import dataclass

from sesame.db import Transaction
from sesame.model import MailFrom, OnMxFailure, VerificationStatus
from sesame.store.identity_checks import CheckRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What the look-ups of an identity's records found last, and its MAIL FROM domain."""

    check: CheckRecord
    mail_from: MailFrom | None


async def beside(tx: Transaction, account_id: str, region: str, names: Sequence[str]) -> dict[str, Beside]:
    """That of the identities of those names which an account has in a region."""
    if not names:
        return {}
    rows = await tx.all(
        "SELECT i.name, i.checked_at, i.proved_at, i.check_error, m.domain, m.behavior, m.status FROM identity i"
        " LEFT JOIN mail_from m ON m.account_id = i.account_id AND m.region = i.region AND m.identity = i.name"
        " WHERE i.account_id = ? AND i.region = ? AND i.name IN (?*)",
        account_id,
        region,
        list(names),
    )
    return {
        name: Beside(
            check=CheckRecord(checked_at=checked_at, proved_at=proved_at, error=error),
            mail_from=None
            if domain is None
            else MailFrom(
                domain=domain, on_mx_failure=OnMxFailure(behavior), status=VerificationStatus(status)
            ),
        )
        for name, checked_at, proved_at, error, domain, behavior, status in rows
    }


async def policy_texts(
    tx: Transaction, account_id: str, region: str, names: Sequence[str], *, limit: int
) -> dict[str, list[str]]:
    """The policies of those identities by identity, `limit` of them together at most."""
    if not names:
        return {}
    rows = await tx.all(
        "SELECT identity, document FROM identity_policy WHERE account_id = ? AND region = ? AND identity IN (?*)"
        " LIMIT ?",
        account_id,
        region,
        list(names),
        limit,
    )
    found: dict[str, list[str]] = {}
    for identity, document in rows:
        found.setdefault(identity, []).append(document)
    return found


async def elsewhere(
    tx: Transaction, account_id: str, region: str, names: Sequence[str], *, looked_at: int, limit: int
) -> tuple[dict[str, list[str]], list[tuple[str, str]]]:
    """Where else an account has identities of those names; and some, by name and region, that it has elsewhere alone.

    For the latter so many are looked at on either side of the region, so that what is found may not be all.
    """
    # BETWEEN, or SQLite would take the primary key and walk over all that the account has; and around the region's
    # own identities, which may be very many.
    sides = " UNION ALL ".join(
        "SELECT * FROM (SELECT name, region FROM identity WHERE account_id = ?"
        f" AND region {side} ? ORDER BY region, name LIMIT ?) AS side"
        for side in ("<", ">")
    )
    rows = await tx.all(
        "SELECT 1, name, region FROM identity WHERE name IN (?*) AND account_id BETWEEN ? AND ? AND region <> ?"
        f" UNION ALL SELECT * FROM (SELECT 0, o.name, o.region FROM ({sides}) AS o WHERE NOT EXISTS (SELECT 1"
        " FROM identity i WHERE i.account_id = ? AND i.region = ? AND i.name = o.name) LIMIT ?) AS only_there",
        list(names) or [""],
        account_id,
        account_id,
        region,
        account_id,
        region,
        looked_at,
        account_id,
        region,
        looked_at,
        account_id,
        region,
        limit,
    )
    found: dict[str, list[str]] = {}
    for is_same, name, where in sorted(rows):
        if is_same:
            found.setdefault(name, []).append(where)
    return found, sorted((name, where) for is_same, name, where in rows if not is_same)
