"""Contact lists of SES v2: made, read, changed, removed.

Lists are kept for whoever manages subscriptions by the API; a send that names one is refused, since nothing
is left out for its sake. Sources: SES API v2 reference; words and order of checks as observed
(floci#1638, of AWS in us-east-1).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sesame.access.changes import Permit, StalePermit
from sesame.access.permission import Authorizer
from sesame.aws import paging
from sesame.aws.shapes import sesv2
from sesame.db import Store, Transaction
from sesame.errors import InvalidParameterValue, ServiceError
from sesame.model import Caller
from sesame.observe import Clock
from sesame.operations.resource_tags import listed_tags, read_tags
from sesame.operations.table import Handlers
from sesame.store import contact_lists as store
from sesame.store import tags
from sesame.store.contact_lists import ContactList, contact_list_arn

AT_ONCE = 1_000
"""How many people one write takes off a list that goes: each holds others up for a few milliseconds."""

MAX_LISTS, MAX_TOPICS, MAX_DISPLAY_NAME, MAX_DESCRIPTION = 1, 20, 128, 500
MOST_A_PAGE = 1_000
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


class ContactListDoesNotExist(ServiceError):
    """The account has no list of that name in the region."""

    code = "ContactListDoesNotExist"

    def __init__(self, name: str) -> None:
        super().__init__(f"List with name: {name} doesn't exist.")


class ContactListOperations:
    """The operations; each checks the caller's IAM policies first."""

    def __init__(self, database: Store, authorizer: Authorizer, clock: Clock) -> None:
        self._store = database
        self._authorizer = authorizer
        self._clock = clock

    def handlers(self) -> Handlers:
        """What this serves, by operation name."""
        return {
            "CreateContactList": self.create,
            "GetContactList": self.get,
            "ListContactLists": self.list,
            "UpdateContactList": self.update,
            "DeleteContactList": self.delete,
        }

    async def create(
        self, caller: Caller, request: sesv2.CreateContactListRequest
    ) -> sesv2.CreateContactListResponse:
        """Make the account's list in the region: SES has room for one."""
        name, topics = request["ContactListName"], request.get("Topics", [])
        given = {tag["Key"]: tag["Value"] for tag in request.get("Tags", ())}
        permit = await self._authorizer.require_creation(
            caller, "ses:CreateContactList", _arn(caller, name), tagging="ses:TagResource", tags=given
        )
        check_list_name(name)
        _check(topics, request.get("Description"))
        labels = read_tags(request.get("Tags", ()))
        account_id, region, now = caller.principal.account_id, caller.region, self._clock.now()
        made = ContactList(
            account_id=account_id,
            region=region,
            name=name,
            description=request.get("Description"),
            topics=tuple(topics),
            created_at=now,
            updated_at=now,
        )

        async def run(tx: Transaction) -> None:
            if await store.count(tx, account_id, region) >= MAX_LISTS:
                raise InvalidParameterValue(f"A maximum of {MAX_LISTS} Lists allowed per account.")
            await store.put(tx, made)
            await tags.put(tx, made.arn, labels)

        await permit.apply(run)
        return {}

    async def get(self, caller: Caller, request: sesv2.GetContactListRequest) -> sesv2.GetContactListResponse:
        """A list with its topics and tags."""
        name = request["ContactListName"]
        await require_list(self._authorizer, caller, "GetContactList", name)

        async def run(tx: Transaction) -> tuple[ContactList, dict[str, str]]:
            found = await find_list(tx, caller, name)
            return found, await tags.get(tx, found.arn)

        found, labels = await self._store.read(run)
        topics: Any = [*found.topics]
        response: sesv2.GetContactListResponse = {
            "ContactListName": found.name,
            "Topics": topics,
            "CreatedTimestamp": found.created_at,
            "LastUpdatedTimestamp": found.updated_at,
            "Tags": listed_tags(labels),
        }
        if found.description is not None:
            response["Description"] = found.description
        return response

    async def list(
        self, caller: Caller, request: sesv2.ListContactListsRequest
    ) -> sesv2.ListContactListsResponse:
        """The lists by name."""
        await self._authorizer.require(caller, "ses:ListContactLists")
        after = paging.after(request.get("NextToken"))
        limit = paging.checked(request.get("PageSize") or MOST_A_PAGE, MOST_A_PAGE)

        async def run(tx: Transaction) -> Sequence[ContactList]:
            return await store.page(
                tx, caller.principal.account_id, caller.region, after=after, limit=limit + 1
            )

        found, token = paging.cut(await self._store.read(run), limit, lambda one: one.name)
        return {
            "ContactLists": [
                {"ContactListName": one.name, "LastUpdatedTimestamp": one.updated_at} for one in found
            ],
            **paging.next_page(token),
        }

    async def update(
        self, caller: Caller, request: sesv2.UpdateContactListRequest
    ) -> sesv2.UpdateContactListResponse:
        """Replace topics and description, each where it is given."""
        name = request["ContactListName"]
        permit = await require_list(self._authorizer, caller, "UpdateContactList", name)
        _check(request.get("Topics", []), request.get("Description"))

        async def run(tx: Transaction) -> None:
            found = await find_list(tx, caller, name)
            changed = replace(
                found,
                description=request.get("Description", found.description),
                topics=tuple(request.get("Topics", found.topics)),
                updated_at=self._clock.now(),
            )
            await store.put(tx, changed)

        await permit.apply(run)
        return {}

    async def delete(
        self, caller: Caller, request: sesv2.DeleteContactListRequest
    ) -> sesv2.DeleteContactListResponse:
        """Remove a list with everybody on it: the people so many a write, and the list with the last of them.

        When it ends before, the list stays with the people who are left, and the next call goes on. Who is put on it
        meanwhile goes with it. A list of that name that is made anew meanwhile is another, and stays.
        """
        name = request["ContactListName"]
        permit = await require_list(self._authorizer, caller, "DeleteContactList", name)
        begun = await permit.read(lambda tx: find_list(tx, caller, name))

        async def still(tx: Transaction) -> ContactList:
            found = await find_list(tx, caller, name)
            if found.created_at != begun.created_at:
                raise ContactListDoesNotExist(name)
            return found

        async def is_long(tx: Transaction) -> bool:
            return await store.has_more_than(tx, begun, AT_ONCE)

        async def part(tx: Transaction) -> None:
            await store.drop_contacts(tx, await still(tx), AT_ONCE)

        async def rest(tx: Transaction) -> None:
            await store.delete(tx, await still(tx))

        try:
            await permit.apply_in_parts(is_long=is_long, part=part, rest=rest)
        except StalePermit:
            await permit.read(still)
            raise
        return {}


async def require_list(authorizer: Authorizer, caller: Caller, operation: str, name: str) -> Permit:
    """That the caller may do that to its list of that name or to the people on it, whether or not there is one."""
    permit = await authorizer.require(caller, f"ses:{operation}", _arn(caller, name))
    check_list_name(name)
    return permit


async def find_list(tx: Transaction, caller: Caller, name: str) -> ContactList:
    """The caller's list of that name. Raises `ContactListDoesNotExist`."""
    found = await store.get(tx, caller.principal.account_id, caller.region, name)
    if found is None:
        raise ContactListDoesNotExist(name)
    return found


def check_list_name(name: str) -> None:
    """Refuse a name that no list can have."""
    _check_name(name, "ContactListName")


def _arn(caller: Caller, name: str) -> str:
    return contact_list_arn(caller.region, caller.principal.account_id, name)


def _check_name(name: str, what: str) -> None:
    if not name.strip():
        raise InvalidParameterValue(f"{what} can't be blank.")
    if not _NAME.fullmatch(name):
        raise InvalidParameterValue(
            f"{what} can contain up to 64 characters. Only alphanumeric characters, underscores(_) and hyphens(-)"
            " are allowed."
        )


def _check(topics: Sequence[Mapping[str, Any]], description: str | None) -> None:
    """Topics first, then the description, as SES does."""
    if len(topics) > MAX_TOPICS:
        raise InvalidParameterValue(f"Maximum of <{MAX_TOPICS}> topics allowed per ContactList")
    names: set[str] = set()
    for topic in topics:
        _check_name(topic["TopicName"], "TopicName")
        if len(topic["DisplayName"]) > MAX_DISPLAY_NAME:
            raise InvalidParameterValue(
                f"Topic DisplayName can contain up to <{MAX_DISPLAY_NAME}> characters."
            )
        if topic["TopicName"] in names:
            raise InvalidParameterValue("Duplicate topic names are not allowed within a List.")
        names.add(topic["TopicName"])
    if description is not None and len(description) > MAX_DESCRIPTION:
        raise InvalidParameterValue(f"List description can contain up to {MAX_DESCRIPTION} characters.")
