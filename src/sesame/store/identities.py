"""Identities; their policies, DNS checks, keys, MAIL FROM domains and tags have files of their own.

Domains are stored as lower-case A-labels; an address keeps the case of its local part. Every change
bumps the owner's identities epoch of the region (I4).
"""

import json
from collections.abc import Sequence
from dataclasses import replace

from sesame.aws.arn import identity_arn
from sesame.db import Row, Transaction, bump, identities_scope
from sesame.model import AccountId, DkimOrigin, Identity, IdentityKind, VerificationStatus
from sesame.store import notifications, policy_versions, tags

COLUMNS = (
    "account_id, region, name, kind, verification, verification_token, created_at,"
    " dkim_enabled, dkim_status, dkim_tokens, dkim_overrides, dkim_origin"
)
SELECT_IDENTITY = f"SELECT {COLUMNS} FROM identity"


def identity_of(row: Row) -> Identity:
    """The identity in a row that begins with its `COLUMNS`."""
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


OWN_COLUMNS = 12
"""How many columns of a row are the identity's own; what follows differs by query."""


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
        f"{SELECT_IDENTITY} WHERE account_id = ? AND region = ? AND name = ?", account_id, region, name
    )
    return None if row is None else identity_of(row)


async def get_by_token(tx: Transaction, token: str) -> tuple[Identity, float] | None:
    """The address identity whose mailed link carries `token`, and when its wait began."""
    row = await tx.one(
        f"SELECT {COLUMNS}, verification_started_at FROM identity WHERE verification_token = ? AND kind = ?",
        token,
        IdentityKind.ADDRESS.value,
    )
    return None if row is None else (identity_of(row), float(row[OWN_COLUMNS]))


async def page(
    tx: Transaction, account_id: str, region: str, *, kind: IdentityKind | None, after: str, limit: int
) -> list[Identity]:
    """Identities by name, those after `after` only, of one kind or all."""
    of_kind = "" if kind is None else " AND kind = ?"
    rows = await tx.all(
        f"{SELECT_IDENTITY} WHERE account_id = ? AND region = ? AND name > ?{of_kind} ORDER BY name LIMIT ?",
        account_id,
        region,
        after,
        *([] if kind is None else [kind.value]),
        limit,
    )
    return [identity_of(row) for row in rows]


async def of_names(
    tx: Transaction, account_id: str, region: str, names: Sequence[str]
) -> dict[str, Identity]:
    """The identities of those names that an account has in a region."""
    if not names:
        return {}
    rows = await tx.all(
        f"{SELECT_IDENTITY} WHERE account_id = ? AND region = ? AND name IN (?*)",
        account_id,
        region,
        list(names),
    )
    return {row[2]: identity_of(row) for row in rows}


async def in_trouble(
    tx: Transaction, account_id: str, region: str, *, limit: int
) -> tuple[list[Identity], list[Identity]]:
    """Identities whose records are lost or did not come, and those that wait for them: `limit` of each at most."""
    # The conditions are those of the indexes, word for word.
    rows = await tx.all(
        f"SELECT * FROM (SELECT {COLUMNS}, 1 AS is_lost FROM identity WHERE account_id = ? AND region = ?"
        " AND (verification IN ('Failed', 'TemporaryFailure') OR dkim_status IN ('Failed', 'TemporaryFailure'))"
        " ORDER BY verification, name LIMIT ?) AS lost"
        f" UNION ALL SELECT * FROM (SELECT {COLUMNS}, 0 AS is_lost FROM identity WHERE account_id = ?"
        " AND region = ? AND verification IN ('NotStarted', 'Pending') ORDER BY verification, name LIMIT ?)"
        " AS waiting",
        account_id,
        region,
        limit,
        account_id,
        region,
        limit,
    )
    lost = [identity_of(row) for row in rows if row[OWN_COLUMNS]]
    return lost, [identity_of(row) for row in rows if not row[OWN_COLUMNS]]


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
        f"{SELECT_IDENTITY} WHERE name = ? AND account_id BETWEEN ? AND ? ORDER BY account_id, region",
        name,
        account_id,
        account_id,
    )
    return [identity_of(row) for row in rows]


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
    tx: Transaction,
    name: str,
    *,
    region: str,
    principal: str,
    without: str,
    most_asked: int,
    limit: int,
    is_there: bool = True,
) -> list[Identity]:
    """Verified identities of that name in a region, or (not `is_there`) in all others, of other accounts than
    `without`, with a policy that has `principal` in it.

    The policies of the first `most_asked` are looked at.
    """
    compared = "=" if is_there else "<>"
    rows = await tx.all(
        f"SELECT {COLUMNS} FROM ({SELECT_IDENTITY} WHERE name = ? AND region {compared} ? AND account_id <> ?"
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
    return [identity_of(row) for row in rows]


async def page_of_name(
    tx: Transaction, name: str, *, after: tuple[str, str] = ("", ""), limit: int
) -> list[Identity]:
    """The identities of that name by account and region, from behind `after`."""
    rows = await tx.all(
        f"{SELECT_IDENTITY} WHERE name = ? AND (account_id, region) > (?, ?) ORDER BY account_id, region LIMIT ?",
        name,
        *after,
        limit,
    )
    return [identity_of(row) for row in rows]


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


async def all_of(tx: Transaction, *, account_id: str | None = None) -> list[Identity]:
    """The identities of every account and region, or of one account, by name."""
    where, values = ("", []) if account_id is None else (" WHERE account_id = ?", [account_id])
    rows = await tx.all(f"{SELECT_IDENTITY}{where} ORDER BY name, account_id, region", *values)
    return [identity_of(row) for row in rows]
