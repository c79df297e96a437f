"""DKIM keys of domain identities, private halves sealed: the one that signs, and the next one.

Each change bumps the owner's identities epoch of the region, so that delivery signs with what is
current. The operator's own signing key is kept here too, under the system account.
"""

from dataclasses import dataclass

from sesame.db import Transaction, bump, identities_scope
from sesame.db.table import FLAG, Table
from sesame.model import SYSTEM_ACCOUNT


@dataclass(frozen=True, slots=True, kw_only=True)
class DkimKey:
    """The key pair that signs for a domain identity; the private half is sealed.

    `previous_*` is the key before, whose signatures are still on their way; `length_changed` says
    whether the owner ever asked for another length.
    """

    account_id: str
    region: str
    domain: str
    selector: str
    sealed_private_key: bytes
    public_key: str
    created_at: float
    key_bits: int
    length_changed: bool = False
    previous_selector: str = ""
    previous_public_key: str = ""

    @property
    def row_name(self) -> str:
        """The row the private key is sealed for."""
        return f"dkim_key:{self.account_id}:{self.region}:{self.domain}"

    @property
    def next_row_name(self) -> str:
        """The row it is sealed for while it is the next key."""
        return f"dkim_next_key:{self.account_id}:{self.region}:{self.domain}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ed25519Key:
    """The key pair that signs beside the RSA one, once `is_seen`: its record is published."""

    account_id: str
    region: str
    domain: str
    selector: str
    sealed_private_key: bytes
    public_key: str
    created_at: float
    is_seen: bool = False

    @property
    def row_name(self) -> str:
        """The row the private key is sealed for."""
        return f"dkim_ed25519_key:{self.account_id}:{self.region}:{self.domain}"


_ED25519_KEYS = Table("dkim_ed25519_key", Ed25519Key, key="account_id, region, domain", is_seen=FLAG)
_OF_NEXT = "selector, sealed_private_key, public_key, created_at, key_bits"
_OF_CURRENT = "length_changed, previous_selector, previous_public_key"
_KEYS = Table("dkim_key", DkimKey, key="account_id, region, domain", length_changed=FLAG)
_NEXT_KEYS = Table("dkim_next_key", DkimKey, key="account_id, region, domain", without=_OF_CURRENT)


async def put(tx: Transaction, key: DkimKey) -> None:
    """Create or replace a domain's key pair; a next one that was on its way is dropped."""
    await _KEYS.put(tx, key, changed=f"{_OF_NEXT}, {_OF_CURRENT}")
    await _NEXT_KEYS.delete(tx, *_domain_of(key))
    await bump(tx, identities_scope(key.account_id, key.region))


async def get(tx: Transaction, account_id: str, region: str, domain: str) -> DkimKey | None:
    """The key pair that signs, or None."""
    return await _KEYS.get(tx, account_id, region, domain)


async def mark_length_changed(tx: Transaction, key: DkimKey) -> None:
    """Remember that the owner has asked for another length."""
    await tx.execute(
        "UPDATE dkim_key SET length_changed = 1 WHERE account_id = ? AND region = ? AND domain = ?",
        *_domain_of(key),
    )


async def put_next(tx: Transaction, key: DkimKey) -> None:
    """Keep the key that shall follow; it signs nothing yet."""
    await _NEXT_KEYS.put(tx, key, changed=_OF_NEXT)
    await bump(tx, identities_scope(key.account_id, key.region))


async def get_next(tx: Transaction, account_id: str, region: str, domain: str) -> DkimKey | None:
    """The key that shall follow, or None."""
    return await _NEXT_KEYS.get(tx, account_id, region, domain)


async def due(tx: Transaction, *, created_before: float, limit: int) -> list[DkimKey]:
    """Easy DKIM keys that sign since before a time and have no successor, the oldest first."""
    rows = await tx.all(
        "SELECT k.account_id, k.region, k.domain FROM dkim_key k"
        " JOIN identity i ON i.account_id = k.account_id AND i.region = k.region AND i.name = k.domain"
        " WHERE k.created_at <= ? AND i.dkim_origin = 'AWS_SES' AND i.dkim_status = 'Success'"
        " AND NOT EXISTS (SELECT 1 FROM dkim_next_key n"
        " WHERE n.account_id = k.account_id AND n.region = k.region AND n.domain = k.domain)"
        " ORDER BY k.created_at LIMIT ?",
        created_before,
        limit,
    )
    found = [await get(tx, *row) for row in rows]
    return [key for key in found if key is not None]


async def get_ed25519(tx: Transaction, account_id: str, region: str, domain: str) -> Ed25519Key | None:
    """A domain's Ed25519 key, or None."""
    return await _ED25519_KEYS.get(tx, account_id, region, domain)


async def add_ed25519(tx: Transaction, key: Ed25519Key) -> None:
    """Keep a domain's Ed25519 key; the one that it has stays."""
    await _ED25519_KEYS.create_if_free(tx, key)
    await bump(tx, identities_scope(key.account_id, key.region))


async def set_ed25519_seen(tx: Transaction, key: Ed25519Key, *, is_seen: bool) -> None:
    """Whether the record of an Ed25519 key is published."""
    await tx.execute(
        "UPDATE dkim_ed25519_key SET is_seen = ? WHERE account_id = ? AND region = ? AND domain = ?",
        int(is_seen),
        *_domain_of(key),
    )
    await bump(tx, identities_scope(key.account_id, key.region))


async def without_ed25519(tx: Transaction, *, limit: int) -> list[DkimKey]:
    """Easy DKIM keys of domains that have no Ed25519 key."""
    rows = await tx.all(
        "SELECT k.account_id, k.region, k.domain FROM dkim_key k"
        " JOIN identity i ON i.account_id = k.account_id AND i.region = k.region AND i.name = k.domain"
        " WHERE i.dkim_origin = 'AWS_SES' AND NOT EXISTS (SELECT 1 FROM dkim_ed25519_key e"
        " WHERE e.account_id = k.account_id AND e.region = k.region AND e.domain = k.domain) LIMIT ?",
        limit,
    )
    found = [await get(tx, *row) for row in rows]
    return [key for key in found if key is not None]


async def operators(tx: Transaction, domain: str) -> DkimKey | None:
    """The key of the operator's own signing domain, or None."""
    return await get(tx, SYSTEM_ACCOUNT, "", domain)


def _domain_of(key: DkimKey | Ed25519Key) -> tuple[str, str, str]:
    return key.account_id, key.region, key.domain
