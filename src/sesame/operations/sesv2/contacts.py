"""The people on contact lists of SES v2: added, read, changed, removed, listed by what they chose.

Who chose nothing about a topic has the topic's default, and who unsubscribed from all is out of each.
Sources: SES API v2 reference; words and order of checks as observed (floci#1723, of AWS in us-east-1;
aws-sdk#579 of what an update leaves out).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sesame.access.changes import Permit
from sesame.access.permission import Authorizer
from sesame.aws import paging
from sesame.aws.shapes import sesv2
from sesame.db import Store, Transaction
from sesame.errors import InvalidParameterValue, ServiceError
from sesame.model import Caller
from sesame.observe import Clock
from sesame.operations import filtered
from sesame.operations.filtered import MOST_A_PAGE
from sesame.operations.sesv2.contact_lists import find_list, require_list
from sesame.operations.table import Handlers
from sesame.store import contact_lists as store
from sesame.store.contact_lists import Contact, ContactList

MAX_ADDRESS, MAX_ATTRIBUTES = 320, 16_384
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


class ContactDoesNotExist(ServiceError):
    """The address is not on the list."""

    code = "ContactDoesNotExist"

    def __init__(self, address: str) -> None:
        super().__init__(f"{address} doesn't exist in List.")


class ContactAlreadyExists(ServiceError):
    """The address is on the list."""

    code = "ContactAlreadyExists"

    def __init__(self, address: str) -> None:
        super().__init__(f"{address} already exists in List.")


class ContactOperations:
    """The operations; each checks the caller's IAM policies first."""

    def __init__(self, database: Store, authorizer: Authorizer, clock: Clock) -> None:
        self._store = database
        self._authorizer = authorizer
        self._clock = clock

    def handlers(self) -> Handlers:
        """What this serves, by operation name."""
        return {
            "CreateContact": self.create,
            "GetContact": self.get,
            "ListContacts": self.list,
            "UpdateContact": self.update,
            "DeleteContact": self.delete,
        }

    async def create(
        self, caller: Caller, request: sesv2.CreateContactRequest
    ) -> sesv2.CreateContactResponse:
        """Put somebody on a list."""
        permit, address = await self._require(caller, "CreateContact", request), request["EmailAddress"]
        now = self._clock.now()

        async def run(tx: Transaction) -> None:
            found = await find_list(tx, caller, request["ContactListName"])
            added = Contact(
                account_id=found.account_id,
                region=found.region,
                list_name=found.name,
                address=address,
                preferences=_preferences(found, request.get("TopicPreferences", [])),
                unsubscribe_all=request.get("UnsubscribeAll", False),
                attributes=request.get("AttributesData"),
                created_at=now,
                updated_at=now,
            )
            if not await store.add_contact(tx, added):
                raise ContactAlreadyExists(address)

        await permit.apply(run)
        return {}

    async def get(self, caller: Caller, request: sesv2.GetContactRequest) -> sesv2.GetContactResponse:
        """What somebody on a list chose."""
        await self._require(caller, "GetContact", request)
        address = request["EmailAddress"]

        async def run(tx: Transaction) -> tuple[ContactList, Contact]:
            found = await find_list(tx, caller, request["ContactListName"])
            return found, await _on_list(tx, found, address)

        found, contact = await self._store.read(run)
        shown = {**_as_shape(found, contact), "ContactListName": found.name}
        shown["CreatedTimestamp"] = contact.created_at
        if contact.attributes is not None:
            shown["AttributesData"] = contact.attributes
        return shown  # type: ignore[return-value]

    async def list(self, caller: Caller, request: sesv2.ListContactsRequest) -> sesv2.ListContactsResponse:
        """The people on a list by address, those of a status where one is asked for; see `filtered`."""
        await require_list(self._authorizer, caller, "ListContacts", request["ContactListName"])
        after = paging.after(request.get("NextToken"))
        limit = paging.checked(request.get("PageSize") or MOST_A_PAGE, MOST_A_PAGE)
        wanted: Mapping[str, Any] = request.get("Filter", {})

        async def run(tx: Transaction) -> tuple[ContactList, Sequence[Contact], str | None]:
            found = await find_list(tx, caller, request["ContactListName"])
            topic = wanted.get("TopicFilter", {}).get("TopicName")
            if topic is not None:
                _check_topic(found, topic)
            page, token = await filtered.page_of(
                lambda key, limit: store.contacts(tx, found, after=key, limit=limit),
                (lambda contact: _is_wanted(found, contact, wanted)) if wanted else None,
                lambda contact: contact.address,
                after=after,
                limit=limit,
            )
            return found, page, token

        found, page, token = await self._store.read(run)
        shown: Any = [_as_shape(found, contact) for contact in page]
        return {"Contacts": shown, **paging.next_page(token)}

    async def update(
        self, caller: Caller, request: sesv2.UpdateContactRequest
    ) -> sesv2.UpdateContactResponse:
        """Preferences are added to those there are; the rest is as given, and goes where it is not."""
        permit, address = await self._require(caller, "UpdateContact", request), request["EmailAddress"]

        async def run(tx: Transaction) -> None:
            found = await find_list(tx, caller, request["ContactListName"])
            chosen = _preferences(found, request.get("TopicPreferences", []))
            contact = await _on_list(tx, found, address)
            changed = replace(
                contact,
                preferences={**contact.preferences, **chosen},
                unsubscribe_all=request.get("UnsubscribeAll", False),
                attributes=request.get("AttributesData"),
                updated_at=self._clock.now(),
            )
            await store.change_contact(tx, changed)

        await permit.apply(run)
        return {}

    async def delete(
        self, caller: Caller, request: sesv2.DeleteContactRequest
    ) -> sesv2.DeleteContactResponse:
        """Take somebody off a list."""
        permit, address = await self._require(caller, "DeleteContact", request), request["EmailAddress"]

        async def run(tx: Transaction) -> None:
            found = await find_list(tx, caller, request["ContactListName"])
            if not await store.remove_contact(tx, found, address):
                raise ContactDoesNotExist(address)

        await permit.apply(run)
        return {}

    async def _require(self, caller: Caller, operation: str, request: Mapping[str, Any]) -> Permit:
        permit = await require_list(self._authorizer, caller, operation, request["ContactListName"])
        _check_address(request["EmailAddress"])
        if len(request.get("AttributesData", "")) > MAX_ATTRIBUTES:
            raise InvalidParameterValue(f"AttributesData can contain up to {MAX_ATTRIBUTES} characters.")
        return permit


async def _on_list(tx: Transaction, found: ContactList, address: str) -> Contact:
    contact = await store.contact(tx, found, address)
    if contact is None:
        raise ContactDoesNotExist(address)
    return contact


def _check_address(address: str) -> None:
    if not address.strip():
        raise InvalidParameterValue("EmailAddress can't be blank.")
    if len(address) > MAX_ADDRESS or not _ADDRESS.fullmatch(address):
        raise InvalidParameterValue(f"EmailAddress <{address[:MAX_ADDRESS]}> is invalid")


def _check_topic(found: ContactList, topic: str) -> None:
    if topic not in _defaults(found):
        raise InvalidParameterValue(f"List: {found.name} doesn't contain Topic: {topic}")


def _preferences(found: ContactList, given: Sequence[sesv2.TopicPreference]) -> dict[str, str]:
    """Statuses by topic, for topics that the list has."""
    for preference in given:
        _check_topic(found, preference["TopicName"])
    return {preference["TopicName"]: preference["SubscriptionStatus"] for preference in given}


def _defaults(found: ContactList) -> dict[str, str]:
    return {topic["TopicName"]: topic["DefaultSubscriptionStatus"] for topic in found.topics}


def _as_shape(found: ContactList, contact: Contact) -> dict[str, Any]:
    """A contact in a list's answer: what it chose of topics that there are, and the defaults of the others."""
    defaults = _defaults(found)
    chosen = {topic: status for topic, status in contact.preferences.items() if topic in defaults}
    rest = {topic: status for topic, status in defaults.items() if topic not in chosen}
    return {
        "EmailAddress": contact.address,
        "TopicPreferences": _listed(chosen),
        "TopicDefaultPreferences": _listed(rest),
        "UnsubscribeAll": contact.unsubscribe_all,
        "LastUpdatedTimestamp": contact.updated_at,
    }


def _listed(statuses: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"TopicName": topic, "SubscriptionStatus": status} for topic, status in statuses.items()]


def _is_wanted(found: ContactList, contact: Contact, wanted: Mapping[str, Any]) -> bool:
    """Whether a filter lets a contact through; without a topic it is about the list as a whole."""
    status = wanted.get("FilteredStatus")
    by_topic = wanted.get("TopicFilter", {})
    topic = by_topic.get("TopicName")
    if topic is None:
        return status is None or (status == "OPT_OUT") == contact.unsubscribe_all
    chosen = contact.preferences.get(topic)
    if chosen is None and by_topic.get("UseDefaultIfPreferenceUnavailable", False):
        chosen = _defaults(found)[topic]
    if chosen is not None and contact.unsubscribe_all:
        chosen = "OPT_OUT"
    return chosen is not None and status in (None, chosen)
