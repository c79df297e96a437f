"""Identities and their sending-authorization policies; keys, MAIL FROM domains and tags are beside it.

Domains are stored as lower-case A-labels; an address keeps the case of its local part. Every change
bumps the owner's identities epoch of the region (I4).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sesame.aws.arn import identity_arn
from sesame.db import Row, Transaction, bump, identities_scope
from sesame.model import AccountId, DkimOrigin, Identity, IdentityKind, VerificationStatus
from sesame.store import notifications, policy_versions, tags

_COLUMNS = (
    "account_id, region, name, kind, verification, verification_token, created_at,"
    " dkim_enabled, dkim_status, dkim_tokens, dkim_overrides, dkim_origin"
)
_IDENTITY = f"SELECT {_COLUMNS} FROM identity"


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityPolicy:
    """A policy attached to an identity; `principal_ids` maps local user ARNs to unique ids."""

    policy_name: str
    document: str
    principal_ids: dict[str, str]


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


def _identity(row: Row) -> Identity:
    return Identity(
        account_id=AccountId(row[0]),
        region=row[1],
        name=row[2],
        kind=IdentityKind(row[3]),
        verification=VerificationStatus(row[4]),
        verification_token=row[5],
        created_at=row[6],
        dkim_enabled=bool(row[7]),
        dkim_status=VerificationStatus(row[8]),
        dkim_tokens=tuple(json.loads(row[9])),
        dkim_overrides=bool(row[10]),
        dkim_origin=DkimOrigin(row[11]),
    )


_OWN_COLUMNS = 12
"""How many columns of a row are the identity's own; what follows differs by query."""


def _due(row: Row) -> DueCheck:
    return DueCheck(
        identity=_identity(row),
        verification_started_at=row[_OWN_COLUMNS],
        dkim_started_at=row[_OWN_COLUMNS + 1],
        vouched=bool(row[_OWN_COLUMNS + 2]),
    )


async def _changed(tx: Transaction, identity: Identity) -> None:
    await bump(tx, identities_scope(identity.account_id, identity.region))


async def create(tx: Transaction, identity: Identity) -> None:
    """Store a new identity; the name must be free in its account and region."""
    await tx.execute(
        "INSERT INTO identity (account_id, region, name, kind, verification, verification_token,"
        " verification_started_at, created_at, dkim_enabled, dkim_status, dkim_tokens)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        *identity.key,
        identity.kind.value,
        identity.verification.value,
        identity.verification_token,
        identity.created_at,
        identity.created_at,
        int(identity.dkim_enabled),
        identity.dkim_status.value,
        json.dumps(identity.dkim_tokens),
    )
    await _changed(tx, identity)


async def get(tx: Transaction, account_id: str, region: str, name: str) -> Identity | None:
    """The identity, or None."""
    row = await tx.one(
        f"{_IDENTITY} WHERE account_id = ? AND region = ? AND name = ?", account_id, region, name
    )
    return None if row is None else _identity(row)


async def get_by_token(tx: Transaction, token: str) -> tuple[Identity, float] | None:
    """The address identity whose mailed link carries `token`, and when its wait began."""
    row = await tx.one(
        f"SELECT {_COLUMNS}, verification_started_at FROM identity WHERE verification_token = ? AND kind = ?",
        token,
        IdentityKind.ADDRESS.value,
    )
    return None if row is None else (_identity(row), float(row[_OWN_COLUMNS]))


async def page(
    tx: Transaction, account_id: str, region: str, *, kind: IdentityKind | None, after: str, limit: int
) -> list[Identity]:
    """Identities by name, those after `after` only, of one kind or all."""
    of_kind = "" if kind is None else " AND kind = ?"
    rows = await tx.all(
        f"{_IDENTITY} WHERE account_id = ? AND region = ? AND name > ?{of_kind} ORDER BY name LIMIT ?",
        account_id,
        region,
        after,
        *([] if kind is None else [kind.value]),
        limit,
    )
    return [_identity(row) for row in rows]


async def of_names(
    tx: Transaction, account_id: str, region: str, names: Sequence[str]
) -> dict[str, Identity]:
    """The identities of those names that an account has in a region."""
    if not names:
        return {}
    rows = await tx.all(
        f"{_IDENTITY} WHERE account_id = ? AND region = ? AND name IN (?*)", account_id, region, list(names)
    )
    return {row[2]: _identity(row) for row in rows}


async def in_trouble(
    tx: Transaction, account_id: str, region: str, *, limit: int
) -> tuple[list[Identity], list[Identity]]:
    """Identities whose records are lost or did not come, and those that wait for them: `limit` of each at most."""
    # The conditions are those of the indexes, word for word.
    rows = await tx.all(
        f"SELECT * FROM (SELECT {_COLUMNS}, 1 AS is_lost FROM identity WHERE account_id = ? AND region = ?"
        " AND (verification IN ('Failed', 'TemporaryFailure') OR dkim_status IN ('Failed', 'TemporaryFailure'))"
        " ORDER BY verification, name LIMIT ?) AS lost"
        f" UNION ALL SELECT * FROM (SELECT {_COLUMNS}, 0 AS is_lost FROM identity WHERE account_id = ?"
        " AND region = ? AND verification IN ('NotStarted', 'Pending') ORDER BY verification, name LIMIT ?)"
        " AS waiting",
        account_id,
        region,
        limit,
        account_id,
        region,
        limit,
    )
    lost = [_identity(row) for row in rows if row[_OWN_COLUMNS]]
    return lost, [_identity(row) for row in rows if not row[_OWN_COLUMNS]]


async def first_policies(
    tx: Transaction, account_id: str, region: str, *, limit: int
) -> list[tuple[str, str, str]]:
    """Policies of an account's identities in a region by identity and name: both, and the text."""
    rows = await tx.all(
        "SELECT identity, policy_name, document FROM identity_policy WHERE account_id = ? AND region = ?"
        " ORDER BY identity, policy_name LIMIT ?",
        account_id,
        region,
        limit,
    )
    return [(row[0], row[1], row[2]) for row in rows]


async def counts_by_region(
    tx: Transaction, account_id: str, *, most: int, but_not: str = ""
) -> dict[str, int]:
    """How many identities an account has in each region where it has any; `most` are not counted further.

    Those of the region `but_not` are not counted.
    """
    rows = await tx.all(
        # From region to region along the key: a count of all would walk over every identity.
        "WITH RECURSIVE known (region) AS (SELECT MIN(region) FROM identity WHERE account_id = ? UNION ALL"
        " SELECT (SELECT MIN(i.region) FROM identity i WHERE i.account_id = ? AND i.region > known.region)"
        " FROM known WHERE known.region IS NOT NULL)"
        " SELECT known.region, (SELECT COUNT(*) FROM (SELECT 1 FROM identity i WHERE i.account_id = ?"
        " AND i.region = known.region LIMIT ?) AS few) FROM known WHERE known.region IS NOT NULL"
        " AND known.region <> ?",
        account_id,
        account_id,
        account_id,
        most,
        but_not,
    )
    return {row[0]: int(row[1]) for row in rows}


async def named_of(tx: Transaction, account_id: str, name: str) -> list[Identity]:
    """The identities of that name in the regions of one account."""
    # BETWEEN, or SQLite would take the primary key and walk over all that the account has.
    rows = await tx.all(
        f"{_IDENTITY} WHERE name = ? AND account_id BETWEEN ? AND ? ORDER BY account_id, region",
        name,
        account_id,
        account_id,
    )
    return [_identity(row) for row in rows]


async def in_other_case(tx: Transaction, account_id: str, region: str, address: str) -> str | None:
    """An address of the account that differs from `address` in the case of letters, and is not it."""
    row = await tx.one(
        "SELECT name FROM identity WHERE account_id = ? AND region = ? AND kind = ? AND lower(name) = ?"
        " AND name <> ? ORDER BY name LIMIT 1",
        account_id,
        region,
        IdentityKind.ADDRESS.value,
        address.lower(),
        address,
    )
    return None if row is None else str(row[0])


async def naming(
    tx: Transaction, name: str, *, region: str, principal: str, without: str, most_asked: int, limit: int
) -> list[Identity]:
    """Verified identities of that name, of other accounts than `without`, with a policy that has `principal` in it.

    The policies of the first `most_asked` are looked at.
    """
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM ({_IDENTITY} WHERE name = ? AND region = ? AND account_id <> ?"
        " AND verification IN (?, ?) ORDER BY account_id LIMIT ?) AS asked"
        " WHERE EXISTS (SELECT 1 FROM identity_policy p WHERE p.account_id = asked.account_id"
        " AND p.region = asked.region AND p.identity = asked.name AND p.document LIKE ?)"
        " ORDER BY account_id LIMIT ?",
        name,
        region,
        without,
        VerificationStatus.SUCCESS.value,
        VerificationStatus.TEMPORARY_FAILURE.value,
        most_asked,
        f"%{principal}%",
        limit,
    )
    return [_identity(row) for row in rows]


async def page_of_name(
    tx: Transaction, name: str, *, after: tuple[str, str] = ("", ""), limit: int
) -> list[Identity]:
    """The identities of that name by account and region, from behind `after`."""
    rows = await tx.all(
        f"{_IDENTITY} WHERE name = ? AND (account_id, region) > (?, ?) ORDER BY account_id, region LIMIT ?",
        name,
        *after,
        limit,
    )
    return [_identity(row) for row in rows]


async def lacking_records(tx: Transaction, *, limit: int) -> list[Identity]:
    """Domains whose records are not all in DNS: some that are not verified, and some that are and not signed."""
    lacking = "('TemporaryFailure', 'Pending', 'Failed')"
    rows = await tx.all(f"{_IDENTITY} WHERE verification IN {lacking} AND kind = 'Domain' LIMIT ?", limit)
    rows += await tx.all(
        f"{_IDENTITY} WHERE verification = 'Success' AND dkim_status IN {lacking} AND kind = 'Domain' LIMIT ?",
        limit,
    )
    return sorted((_identity(row) for row in rows), key=lambda one: (one.name, one.account_id, one.region))


async def set_verification(
    tx: Transaction,
    identity: Identity,
    status: VerificationStatus,
    *,
    token: str | None = None,
    restarted_at: float | None = None,
    vouched: bool = False,
) -> Identity:
    """Store the verification state, with a new token and a new start if given."""
    await tx.execute(
        "UPDATE identity SET verification = ?, verification_token = COALESCE(?, verification_token),"
        " verification_started_at = COALESCE(?, verification_started_at), vouched = ?"
        " WHERE account_id = ? AND region = ? AND name = ?",
        status.value,
        token,
        restarted_at,
        int(vouched),
        *identity.key,
    )
    await _changed(tx, identity)
    return replace(identity, verification=status, verification_token=token or identity.verification_token)


async def set_dkim(
    tx: Transaction,
    identity: Identity,
    status: VerificationStatus,
    *,
    tokens: Sequence[str] | None = None,
    started_at: float | None = None,
) -> Identity:
    """Store the DKIM state, with tokens and the start of the wait if given."""
    await tx.execute(
        "UPDATE identity SET dkim_status = ?, dkim_tokens = COALESCE(?, dkim_tokens),"
        " dkim_started_at = COALESCE(?, dkim_started_at) WHERE account_id = ? AND region = ? AND name = ?",
        status.value,
        None if tokens is None else json.dumps(list(tokens)),
        started_at,
        *identity.key,
    )
    await _changed(tx, identity)
    return replace(
        identity, dkim_status=status, dkim_tokens=identity.dkim_tokens if tokens is None else tuple(tokens)
    )


async def set_dkim_switch(tx: Transaction, identity: Identity, *, enabled: bool) -> Identity:
    """Store the DKIM switch; from now on an address has one of its own."""
    overrides = identity.kind is IdentityKind.ADDRESS
    await tx.execute(
        "UPDATE identity SET dkim_enabled = ?, dkim_overrides = ?"
        " WHERE account_id = ? AND region = ? AND name = ?",
        int(enabled),
        int(overrides),
        *identity.key,
    )
    await _changed(tx, identity)
    return replace(identity, dkim_enabled=enabled, dkim_overrides=overrides)


async def set_dkim_origin(
    tx: Transaction, identity: Identity, origin: DkimOrigin, *, tokens: Sequence[str], at: float
) -> Identity:
    """Whose key is to sign, with its tokens or selector; it waits for DNS from `at` on."""
    easy_tokens = json.dumps(list(tokens)) if origin is DkimOrigin.AWS_SES else None
    await tx.execute(
        "UPDATE identity SET dkim_origin = ?, easy_dkim_tokens = COALESCE(?, easy_dkim_tokens)"
        " WHERE account_id = ? AND region = ? AND name = ?",
        origin.value,
        easy_tokens,
        *identity.key,
    )
    changed = replace(identity, dkim_origin=origin)
    return await set_dkim(tx, changed, VerificationStatus.PENDING, tokens=tokens, started_at=at)


async def easy_dkim_tokens(tx: Transaction, identity: Identity) -> tuple[str, ...]:
    """The tokens that Easy DKIM once gave this identity; empty when it never did."""
    row = await tx.one(
        "SELECT easy_dkim_tokens FROM identity WHERE account_id = ? AND region = ? AND name = ?",
        *identity.key,
    )
    return () if row is None else tuple(json.loads(row[0]))


async def delete(tx: Transaction, identity: Identity) -> None:
    """Remove the identity with its policies and what they said before, keys, MAIL FROM domain and tags."""
    key = identity.key
    await tx.execute("DELETE FROM dkim_key WHERE account_id = ? AND region = ? AND domain = ?", *key)
    await tx.execute("DELETE FROM dkim_next_key WHERE account_id = ? AND region = ? AND domain = ?", *key)
    await tx.execute("DELETE FROM dkim_ed25519_key WHERE account_id = ? AND region = ? AND domain = ?", *key)
    await tx.execute("DELETE FROM identity WHERE account_id = ? AND region = ? AND name = ?", *key)
    arn = identity_arn(identity.region, identity.account_id, identity.name)
    await tags.remove_all(tx, arn)
    await notifications.remove_identity(tx, arn)
    await policy_versions.remove_identity(tx, *key)
    await _changed(tx, identity)


async def due_checks(
    tx: Transaction, *, looked_up_before: float, asked_before: float, limit: int
) -> list[DueCheck]:
    """Identities whose state may change, those looked up longest ago first.

    Domains that wait for DNS, have lost it or are changing keys; verified ones not looked up since
    `looked_up_before`; addresses whose mailed link was asked for before `asked_before`.
    """
    rows = await tx.all(
        f"SELECT {_COLUMNS}, verification_started_at, dkim_started_at, vouched FROM identity"
        f" WHERE (kind = 'Domain' AND ({_WAITS} OR {_HOLDS}))"
        " OR (kind = 'EmailAddress' AND verification = 'Pending' AND verification_started_at < ?)"
        " ORDER BY COALESCE(checked_at, 0) LIMIT ?",
        looked_up_before,
        asked_before,
        limit,
    )
    return [_due(row) for row in rows]


_WAITS = (
    "verification IN ('Pending', 'TemporaryFailure') OR dkim_status IN ('Pending', 'TemporaryFailure')"
    " OR EXISTS (SELECT 1 FROM dkim_next_key k WHERE k.account_id = identity.account_id"
    " AND k.region = identity.region AND k.domain = identity.name)"
)
_HOLDS = "(checked_at IS NULL OR checked_at <= ?) AND (verification = 'Success' OR dkim_status = 'Success')"


async def due_check(tx: Transaction, account_id: str, region: str, name: str) -> DueCheck | None:
    """One identity as `due_checks` gives it, whether it is due or not."""
    row = await tx.one(
        f"SELECT {_COLUMNS}, verification_started_at, dkim_started_at, vouched FROM identity"
        " WHERE account_id = ? AND region = ? AND name = ?",
        account_id,
        region,
        name,
    )
    return None if row is None else _due(row)


async def record_check(tx: Transaction, identity: Identity, record: CheckRecord) -> None:
    """Store what a look-up found; `proved_at` None leaves the last one. No decision reads this."""
    await tx.execute(
        "UPDATE identity SET checked_at = ?, proved_at = COALESCE(?, proved_at), check_error = ?"
        " WHERE account_id = ? AND region = ? AND name = ?",
        record.checked_at,
        record.proved_at,
        record.error,
        *identity.key,
    )


async def check_record(tx: Transaction, account_id: str, region: str, name: str) -> CheckRecord:
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


async def all_of(tx: Transaction, *, account_id: str | None = None) -> list[Identity]:
    """The identities of every account and region, or of one account, by name."""
    where, values = ("", []) if account_id is None else (" WHERE account_id = ?", [account_id])
    rows = await tx.all(f"{_IDENTITY}{where} ORDER BY name, account_id, region", *values)
    return [_identity(row) for row in rows]


async def put_policy(tx: Transaction, identity: Identity, policy: IdentityPolicy) -> None:
    """Create or replace a policy of the identity."""
    await tx.execute(
        "INSERT INTO identity_policy (account_id, region, identity, policy_name, document, principal_ids)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (account_id, region, identity, policy_name)"
        " DO UPDATE SET document = excluded.document, principal_ids = excluded.principal_ids",
        *identity.key,
        policy.policy_name,
        policy.document,
        json.dumps(policy.principal_ids),
    )
    await _changed(tx, identity)


async def policies(tx: Transaction, account_id: str, region: str, name: str) -> list[IdentityPolicy]:
    """The identity's policies by name."""
    rows = await tx.all(
        "SELECT policy_name, document, principal_ids FROM identity_policy"
        " WHERE account_id = ? AND region = ? AND identity = ? ORDER BY policy_name",
        account_id,
        region,
        name,
    )
    return [
        IdentityPolicy(policy_name=row[0], document=row[1], principal_ids=json.loads(row[2])) for row in rows
    ]


async def binding(tx: Transaction, unique_id: str) -> list[tuple[str, str, str, str]]:
    """The policies of all owners that bind a user or role: account, region and name of the identity, and their own
    name. It looks through all policies."""
    rows = await tx.all(
        "SELECT account_id, region, identity, policy_name FROM identity_policy WHERE principal_ids LIKE ?",
        f'%"{unique_id}"%',
    )
    return sorted((row[0], row[1], row[2], row[3]) for row in rows)


async def rewrite_policy(
    tx: Transaction, account_id: str, region: str, name: str, policy: IdentityPolicy
) -> None:
    """Store another text of a policy that means the same."""
    await tx.execute(
        "UPDATE identity_policy SET document = ?, principal_ids = ?"
        " WHERE account_id = ? AND region = ? AND identity = ? AND policy_name = ?",
        policy.document,
        json.dumps(policy.principal_ids),
        account_id,
        region,
        name,
        policy.policy_name,
    )
    await bump(tx, identities_scope(account_id, region))


async def delete_policy(tx: Transaction, account_id: str, region: str, name: str, policy_name: str) -> bool:
    """Remove a policy; whether there was one."""
    count = await tx.execute(
        "DELETE FROM identity_policy WHERE account_id = ? AND region = ? AND identity = ? AND policy_name = ?",
        account_id,
        region,
        name,
        policy_name,
    )
    if count:
        await bump(tx, identities_scope(account_id, region))
    return count > 0
