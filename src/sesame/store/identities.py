"""Identities, their DKIM keys and their sending-authorization policies.

Domains are stored as lower-case A-labels; an address keeps the case of its local part. Every change
bumps the owner's identities epoch of the region (I4).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sesame.model import AccountId, Identity, IdentityKind, VerificationStatus
from sesame.store import tags
from sesame.store.db import Row, Transaction, bump, identities_scope

_COLUMNS = (
    "account_id, region, name, kind, verification, verification_token, created_at,"
    " dkim_enabled, dkim_status, dkim_tokens"
)
_IDENTITY = f"SELECT {_COLUMNS} FROM identity"


@dataclass(frozen=True, slots=True, kw_only=True)
class DkimKey:
    """The key pair that signs for a domain identity; the private half is sealed."""

    account_id: str
    region: str
    domain: str
    selector: str
    sealed_private_key: bytes
    public_key: str
    created_at: float

    @property
    def row_name(self) -> str:
        """The row the private key is sealed for."""
        return f"dkim_key:{self.account_id}:{self.region}:{self.domain}"


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityPolicy:
    """A policy attached to an identity; `principal_ids` maps local user ARNs to unique ids."""

    policy_name: str
    document: str
    principal_ids: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingCheck:
    """An identity that waits for DNS, with when each wait began."""

    identity: Identity
    verification_started_at: float
    dkim_started_at: float | None


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
    )


async def _changed(tx: Transaction, identity: Identity) -> None:
    await bump(tx, identities_scope(identity.account_id, identity.region))


async def create(tx: Transaction, identity: Identity) -> None:
    """Store a new identity; the name must be free in its account and region."""
    await tx.execute(
        "INSERT INTO identity (account_id, region, name, kind, verification, verification_token,"
        " verification_started_at, created_at, dkim_enabled, dkim_status, dkim_tokens)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        identity.account_id,
        identity.region,
        identity.name,
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
    return None if row is None else (_identity(row), float(row[10]))


async def page(
    tx: Transaction, account_id: str, region: str, *, kind: IdentityKind | None, after: str, limit: int
) -> list[Identity]:
    """Identities by name, those after `after` only, of one kind or all."""
    rows = await tx.all(
        f"{_IDENTITY} WHERE account_id = ? AND region = ? AND name > ? AND (? IS NULL OR kind = ?)"
        " ORDER BY name LIMIT ?",
        account_id,
        region,
        after,
        None if kind is None else kind.value,
        None if kind is None else kind.value,
        limit,
    )
    return [_identity(row) for row in rows]


async def named(tx: Transaction, name: str) -> list[Identity]:
    """The identities of that name in every account and region."""
    return [_identity(row) for row in await tx.all(f"{_IDENTITY} WHERE name = ?", name)]


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
        identity.account_id,
        identity.region,
        identity.name,
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
        identity.account_id,
        identity.region,
        identity.name,
    )
    await _changed(tx, identity)
    return replace(
        identity, dkim_status=status, dkim_tokens=identity.dkim_tokens if tokens is None else tuple(tokens)
    )


async def delete(tx: Transaction, identity: Identity) -> None:
    """Remove the identity with its policies, its DKIM key and its tags."""
    key = (identity.account_id, identity.region, identity.name)
    await tx.execute("DELETE FROM dkim_key WHERE account_id = ? AND region = ? AND domain = ?", *key)
    await tx.execute("DELETE FROM identity WHERE account_id = ? AND region = ? AND name = ?", *key)
    await tags.remove_all(tx, tags.identity_arn(*key))
    await _changed(tx, identity)


async def pending(tx: Transaction) -> list[PendingCheck]:
    """Domain identities that wait for a DNS record, and addresses whose link has not been used."""
    rows = await tx.all(
        f"SELECT {_COLUMNS}, verification_started_at, dkim_started_at FROM identity"
        " WHERE verification = 'Pending' OR dkim_status = 'Pending'"
    )
    return [
        PendingCheck(identity=_identity(row), verification_started_at=row[10], dkim_started_at=row[11])
        for row in rows
    ]


async def put_dkim_key(tx: Transaction, key: DkimKey) -> None:
    """Create or replace a domain's key pair."""
    await tx.execute(
        "INSERT INTO dkim_key (account_id, region, domain, selector, sealed_private_key, public_key, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (account_id, region, domain) DO UPDATE SET"
        " selector = excluded.selector, sealed_private_key = excluded.sealed_private_key,"
        " public_key = excluded.public_key, created_at = excluded.created_at",
        key.account_id,
        key.region,
        key.domain,
        key.selector,
        key.sealed_private_key,
        key.public_key,
        key.created_at,
    )
    await bump(tx, identities_scope(key.account_id, key.region))


async def get_dkim_key(tx: Transaction, account_id: str, region: str, domain: str) -> DkimKey | None:
    """A domain's key pair, or None."""
    row = await tx.one(
        "SELECT account_id, region, domain, selector, sealed_private_key, public_key, created_at"
        " FROM dkim_key WHERE account_id = ? AND region = ? AND domain = ?",
        account_id,
        region,
        domain,
    )
    if row is None:
        return None
    return DkimKey(
        account_id=row[0],
        region=row[1],
        domain=row[2],
        selector=row[3],
        sealed_private_key=row[4],
        public_key=row[5],
        created_at=row[6],
    )


async def put_policy(tx: Transaction, identity: Identity, policy: IdentityPolicy) -> None:
    """Create or replace a policy of the identity."""
    await tx.execute(
        "INSERT INTO identity_policy (account_id, region, identity, policy_name, document, principal_ids)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (account_id, region, identity, policy_name)"
        " DO UPDATE SET document = excluded.document, principal_ids = excluded.principal_ids",
        identity.account_id,
        identity.region,
        identity.name,
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
