"""Contact lists: topics that people may subscribe to, and the people on them.

What a preference means to whoever lists contacts is `operations.sesv2.contacts`'s. Source: SES developer
guide, "Using list management".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sesame.db import Transaction
from sesame.db.table import FLAG, JSON_OBJECT, JSON_TUPLE, Table
from sesame.store import tags


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactList:
    """One list; a topic is as the API has it. Its tags are in `store.tags`."""

    account_id: str
    region: str
    name: str
    description: str | None
    topics: tuple[Mapping[str, Any], ...]
    created_at: float
    updated_at: float

    @property
    def arn(self) -> str:
        """The ARN of the list."""
        return contact_list_arn(self.region, self.account_id, self.name)

    @property
    def key(self) -> tuple[str, str, str]:
        """Account, region and name."""
        return self.account_id, self.region, self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """One person on a list; `preferences` are OPT_IN or OPT_OUT by topic, for topics that they chose about."""

    account_id: str
    region: str
    list_name: str
    address: str
    preferences: Mapping[str, str] = field(default_factory=dict)
    unsubscribe_all: bool
    attributes: str | None
    created_at: float
    updated_at: float


_LISTS = Table("contact_list", ContactList, key="account_id, region, name", topics=JSON_TUPLE)
_CONTACTS = Table(
    "contact",
    Contact,
    key="account_id, region, list_name, address",
    preferences=JSON_OBJECT,
    unsubscribe_all=FLAG,
)
_ON_LIST = "account_id = ? AND region = ? AND list_name = ?"


def contact_list_arn(region: str, account_id: str, name: str) -> str:
    """The ARN of a list."""
    return f"arn:aws:ses:{region}:{account_id}:contact-list/{name}"


async def get(tx: Transaction, account_id: str, region: str, name: str) -> ContactList | None:
    """One list, or None."""
    return await _LISTS.get(tx, account_id, region, name)


async def page(tx: Transaction, account_id: str, region: str, *, after: str, limit: int) -> list[ContactList]:
    """Lists by name, those after `after`."""
    return await _LISTS.page(tx, account_id, region, after=after, limit=limit)


async def count(tx: Transaction, account_id: str, region: str) -> int:
    """How many the account has in the region."""
    return await _LISTS.count(tx, "WHERE account_id = ? AND region = ?", account_id, region)


async def put(tx: Transaction, found: ContactList) -> None:
    """Add a list, or change its description and topics."""
    await _LISTS.put(tx, found, changed="description, topics, updated_at")


async def delete(tx: Transaction, found: ContactList) -> None:
    """Remove a list with its contacts and tags; see `drop_contacts` for a list with many."""
    await tx.execute(f"DELETE FROM contact WHERE {_ON_LIST}", *found.key)
    await tags.remove_all(tx, found.arn)
    await _LISTS.delete(tx, *found.key)


async def contact(tx: Transaction, found: ContactList, address: str) -> Contact | None:
    """One person on a list, or None."""
    return await _CONTACTS.get(tx, *found.key, address)


async def contacts(tx: Transaction, found: ContactList, *, after: str, limit: int) -> list[Contact]:
    """The people on a list by address, those after `after`."""
    return await _CONTACTS.page(tx, *found.key, after=after, limit=limit)


async def has_more_than(tx: Transaction, found: ContactList, count: int) -> bool:
    """Whether there are more people on a list than that; as much work as there are up to then."""
    row = await tx.one(f"SELECT 1 FROM contact WHERE {_ON_LIST} LIMIT 1 OFFSET ?", *found.key, count)
    return row is not None


async def drop_contacts(tx: Transaction, found: ContactList, limit: int) -> int:
    """Take the first people by address off a list, so many at most; how many there were."""
    return await tx.execute(
        f"DELETE FROM contact WHERE {_ON_LIST} AND address IN"
        f" (SELECT address FROM contact WHERE {_ON_LIST} ORDER BY address LIMIT ?)",
        *found.key,
        *found.key,
        limit,
    )


async def add_contact(tx: Transaction, added: Contact) -> bool:
    """Put a person on a list; False if that address is on it."""
    return await _CONTACTS.create_if_free(tx, added)


async def change_contact(tx: Transaction, changed: Contact) -> None:
    """Give a person on a list other preferences and attributes."""
    await _CONTACTS.put(tx, changed, changed="preferences, unsubscribe_all, attributes, updated_at")


async def remove_contact(tx: Transaction, found: ContactList, address: str) -> bool:
    """Take a person off a list; whether the address was on it."""
    return await _CONTACTS.delete(tx, *found.key, address)
