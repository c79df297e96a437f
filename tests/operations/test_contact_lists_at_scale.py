"""Contact lists of SES v2 with many people on them: no call reads or writes without bound."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from sesame.access.audit import outcome
from sesame.db import Transaction
from sesame.errors import AccessDenied, ServiceError, StoreUnavailable
from sesame.operations import filtered
from sesame.operations.filtered import MOST_A_PAGE, MOST_LOOKS
from sesame.operations.sesv2.contact_lists import AT_ONCE, ContactListDoesNotExist
from sesame.store import contact_lists as kept
from sesame.store.contact_lists import Contact, ContactList
from tests.operations.test_changes import REGION, World, with_world
from tests.support.meanwhile import before_write

LIST = {"ContactListName": "readers"}
NEWS = {"TopicName": "news", "DisplayName": "News", "DefaultSubscriptionStatus": "OPT_IN"}
GONE = "List with name: readers doesn't exist."
Read = Callable[[Transaction], Awaitable[Any]]


@dataclass
class Lists:
    """A world whose account has a list, and what is on it."""

    world: World

    async def call(self, operation: str, **request: Any) -> Any:
        return await self.world.call(self.world.user, "sesv2", operation, **LIST, **request)

    async def found(self) -> ContactList:
        one = await self.read(lambda tx: kept.get(tx, self.world.account, REGION, "readers"))
        assert one is not None
        return one  # type: ignore[no-any-return]

    async def read(self, run: Read) -> Any:
        return await self.world.services.store.read(run)

    async def fill(self, count: int, **changed: Any) -> list[Contact]:
        """Put people on the list, `p000000@people.test` and so on; `changed` is what each is like."""
        made = [
            Contact(
                account_id=self.world.account,
                region=REGION,
                list_name="readers",
                address=address(number),
                **{
                    "unsubscribe_all": False,
                    "attributes": None,
                    "created_at": 1.0,
                    "updated_at": 1.0,
                    **changed,
                },
            )
            for number in range(count)
        ]

        async def run(tx: Transaction) -> None:
            for one in made:
                await kept.add_contact(tx, one)

        await self.world.services.store.write(run)
        return made

    async def change(self, changed: Contact) -> None:
        await self.world.services.store.write(lambda tx: kept.change_contact(tx, changed))

    async def names_of_lists(self) -> list[str]:
        """The names of the account's lists."""
        answer = await self.world.call(self.world.user, "sesv2", "ListContactLists")
        return [one["ContactListName"] for one in answer["ContactLists"]]

    async def on_it(self) -> int:
        found: tuple[int] = await self.read(lambda tx: tx.one("SELECT COUNT(*) FROM contact"))
        return found[0]

    async def names(self, known: list[dict[str, Any]]) -> list[tuple[str, str | None]]:
        """Names and errors of what the audit log has since."""
        return [(event["eventName"], event.get("errorCode")) for event in await self.world.since(known)]

    async def outcomes(self, known: list[dict[str, Any]]) -> list[str]:
        """What the audit log says since of the removal of the list."""
        found = await self.world.since(known)
        assert {event["eventName"] for event in found} <= {"DeleteContactList"}
        return [outcome(event) for event in found]

    def before_part(self, number: int, act: Callable[[], Awaitable[object]]) -> None:
        """Do something before the write of a permit with that number, the first being 1, as if it came meanwhile."""
        before_write(self.world.services.store, number, act)


def address(number: int) -> str:
    return f"p{number:06}@people.test"


def with_list(tmp_path: Path, function: Callable[[Lists], Awaitable[None]]) -> None:
    async def check(world: World) -> None:
        lists = Lists(world)
        await lists.call("CreateContactList", Topics=[NEWS])
        await function(lists)

    with_world(tmp_path, check)


async def pages(lists: Lists, **request: Any) -> list[list[str]]:
    """The addresses of each page of a list, to its end."""
    found: list[list[str]] = []
    token: dict[str, str] = {}
    while True:
        answer = await lists.call("ListContacts", **request, **token)
        found.append([one["EmailAddress"] for one in answer["Contacts"]])
        if "NextToken" not in answer:
            return found
        assert len(found) < 100
        token = {"NextToken": answer["NextToken"]}


@pytest.mark.parametrize(
    ("filters", "like"),
    [
        ({"FilteredStatus": "OPT_OUT"}, {"unsubscribe_all": True}),
        (
            {"FilteredStatus": "OPT_OUT", "TopicFilter": {"TopicName": "news"}},
            {"preferences": {"news": "OPT_OUT"}},
        ),
        ({"TopicFilter": {"TopicName": "news"}}, {"preferences": {"news": "OPT_IN"}}),
    ],
)
def test_a_call_that_finds_few_looks_at_so_many_and_goes_on_with_a_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, filters: dict[str, Any], like: dict[str, Any]
) -> None:
    """With 40 people a page of the store: page after page, each of those whom the filter lets through, once."""
    monkeypatch.setattr(filtered, "MOST_A_PAGE", 40)
    looked = 40 * MOST_LOOKS

    async def check(lists: Lists) -> None:
        made = await lists.fill(3 * looked + 20)
        wanted = [0, 1, looked - 1, looked, 3 * looked + 1, 3 * looked + 19]
        for number in wanted:
            await lists.change(replace(made[number], **like))
        assert await pages(lists, Filter=filters) == [
            [address(0), address(1), address(looked - 1)],
            [address(looked)],
            [],
            [address(3 * looked + 1), address(3 * looked + 19)],
        ]
        assert await pages(lists, Filter=filters, PageSize=1) == [
            [address(0)],
            [address(1)],
            [address(looked - 1)],
            [address(looked)],
            [],
            [address(3 * looked + 1)],
            [address(3 * looked + 19)],
        ]

    with_list(tmp_path, check)


def test_no_call_reads_more_people_than_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each call's rows are counted; nobody matches, so that each page is empty and the last has no token."""
    read: list[int] = []
    inner = kept.contacts

    async def counted(tx: Transaction, found: ContactList, *, after: str, limit: int) -> list[Contact]:
        page = await inner(tx, found, after=after, limit=limit)
        read.append(len(page))
        return page

    monkeypatch.setattr(kept, "contacts", counted)

    async def check(lists: Lists) -> None:
        await lists.fill(MOST_A_PAGE * MOST_LOOKS + 500)
        nobody = {"FilteredStatus": "OPT_OUT"}
        first = await lists.call("ListContacts", Filter=nobody)
        assert (first["Contacts"], sum(read)) == ([], MOST_A_PAGE * MOST_LOOKS)
        last = await lists.call("ListContacts", Filter=nobody, NextToken=first["NextToken"])
        assert last == {"Contacts": []}
        assert sum(read) == MOST_A_PAGE * MOST_LOOKS + 500

    with_list(tmp_path, check)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 6, 7])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_pages_meet_at_every_edge(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int, size: int
) -> None:
    """Whatever falls together of a page asked for, a page looked at and a call's looks: each person once, in order."""
    monkeypatch.setattr(filtered, "MOST_A_PAGE", 3)
    monkeypatch.setattr(filtered, "MOST_LOOKS", 2)

    async def check(lists: Lists) -> None:
        made = await lists.fill(count)
        every = [one.address for one in made]
        for all_of_them in ({}, {"FilteredStatus": "OPT_IN"}):
            assert [*chain(*await pages(lists, PageSize=size, Filter=all_of_them))] == every
        for one in made[::2]:
            await lists.change(replace(one, unsubscribe_all=True))
        found = await pages(lists, PageSize=size, Filter={"FilteredStatus": "OPT_OUT"})
        assert [*chain(*found)] == every[::2]
        assert max(map(len, found)) <= size

    with_list(tmp_path, check)


@pytest.mark.parametrize("more", [-1, 0, 1])
@pytest.mark.parametrize("parts", [0, 1, 2])
def test_a_list_goes_with_all_of_its_people_so_many_a_write(tmp_path: Path, parts: int, more: int) -> None:
    """No write takes more than `AT_ONCE`; the audit log has a row when several begin, and one at the end."""
    count = max(0, parts * AT_ONCE + more)

    async def check(lists: Lists) -> None:
        await lists.fill(count)
        known = await lists.world.log()
        went: list[int] = []
        inner = lists.world.services.store.write

        async def write(function: Any, *, is_long: bool = False) -> Any:
            before = await lists.on_it()
            result = await inner(function, is_long=is_long)
            went.append(before - await lists.on_it())
            return result

        lists.world.services.store.write = write  # type: ignore[method-assign]
        assert await lists.call("DeleteContactList") == {}
        assert await lists.on_it() == 0
        assert max(went) <= AT_ONCE
        assert len(went) == max(1, -(-count // AT_ONCE))
        assert await lists.names_of_lists() == []
        begun = ["begun"] if count > AT_ONCE else []
        assert await lists.outcomes(known) == [*begun, "done"]

    with_list(tmp_path, check)


def test_other_lists_keep_their_people(tmp_path: Path) -> None:
    """Those of another region and of another account, with the same names and addresses."""

    async def check(lists: Lists) -> None:
        await lists.fill(AT_ONCE + 2)
        world = lists.world
        there = replace(world.user, region="eu-west-1")
        keys = await world.services.operator.create_account("b", production=True)
        other = replace(
            world.root,
            access_key_id=keys.access_key_id,
            principal=(await world.doors.directory.credential(keys.access_key_id)).principal,  # type: ignore[union-attr]
        )
        for caller in (there, other):
            await world.call(caller, "sesv2", "CreateContactList", **LIST)
            await world.call(caller, "sesv2", "CreateContact", **LIST, EmailAddress=address(0))
        await lists.call("DeleteContactList")
        for caller in (there, other):
            left = await world.call(caller, "sesv2", "ListContacts", **LIST)
            assert [one["EmailAddress"] for one in left["Contacts"]] == [address(0)]

    with_list(tmp_path, check)


def test_a_call_that_dies_midway_is_finished_by_the_next(tmp_path: Path) -> None:
    """The list stays with its topics and those who are still on it; the audit log says that its removal has begun."""

    async def check(lists: Lists) -> None:
        await lists.fill(3 * AT_ONCE)
        known = await lists.world.log()

        async def dies() -> None:
            raise StoreUnavailable("the power is gone")

        lists.before_part(2, dies)
        with pytest.raises(StoreUnavailable):
            await lists.call("DeleteContactList")
        assert await lists.on_it() == 2 * AT_ONCE
        assert await lists.outcomes(known) == ["begun"]
        assert (await lists.call("GetContactList"))["Topics"] == [NEWS]
        first = await lists.call("ListContacts", PageSize=1)
        assert first["Contacts"][0]["EmailAddress"] == address(AT_ONCE)
        await lists.call("DeleteContactList")
        assert await lists.on_it() == 0
        assert await lists.outcomes(known) == ["begun", "begun", "done"]
        begun, again, _ = await lists.world.since(known)
        assert begun["requestParameters"] == {"contactListName": "readers"}
        assert begun["eventID"] != again["eventID"]

    with_list(tmp_path, check)


@pytest.mark.parametrize("part", [1, 2, 3])
def test_a_call_that_is_given_up_leaves_a_list_that_works(tmp_path: Path, part: int) -> None:
    """The client hangs up: what was taken off stays off, and the list can be used and removed."""

    async def check(lists: Lists) -> None:
        await lists.fill(2 * AT_ONCE + 1)

        async def hangs_up() -> None:
            task.cancel()
            await asyncio.sleep(0)

        lists.before_part(part, hangs_up)
        task = asyncio.create_task(lists.call("DeleteContactList"))
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await lists.on_it() == max(1, (3 - part) * AT_ONCE + 1)
        await lists.call("CreateContact", EmailAddress="late@people.test")
        await lists.call("DeleteContactList")
        assert (await lists.on_it(), await lists.names_of_lists()) == (0, [])

    with_list(tmp_path, check)


@pytest.mark.parametrize("part", [1, 2, 3])
def test_who_is_added_meanwhile_goes_with_the_list(tmp_path: Path, part: int) -> None:
    async def check(lists: Lists) -> None:
        await lists.fill(3 * AT_ONCE)
        lists.before_part(part, lambda: lists.call("CreateContact", EmailAddress="a@people.test"))
        await lists.call("DeleteContactList")
        assert (await lists.on_it(), await lists.names_of_lists()) == (0, [])
        with pytest.raises(ContactListDoesNotExist):
            await lists.call("CreateContact", EmailAddress="b@people.test")

    with_list(tmp_path, check)


@pytest.mark.parametrize("count", [0, AT_ONCE, AT_ONCE + 1, 3 * AT_ONCE])
def test_of_two_removals_side_by_side_one_has_removed_the_list(tmp_path: Path, count: int) -> None:
    """The other is told that there is none, as it is by one after the other."""

    async def check(lists: Lists) -> None:
        await lists.fill(count)
        known = await lists.world.log()
        both = await asyncio.gather(
            lists.call("DeleteContactList"), lists.call("DeleteContactList"), return_exceptions=True
        )
        done = [one for one in both if one == {}]
        refused = [one for one in both if isinstance(one, ServiceError)]
        assert (len(done), [one.message for one in refused]) == (1, [GONE])
        assert (await lists.on_it(), await lists.names_of_lists()) == (0, [])
        found = await lists.outcomes(known)
        assert found.count("done") == 1
        assert ("begun" in found) == (count > AT_ONCE)

    with_list(tmp_path, check)


@pytest.mark.parametrize("labels", [[], [{"Key": "team", "Value": "red"}]], ids=["plain", "tagged"])
@pytest.mark.parametrize("part", [1, 2, 3])
def test_a_removal_leaves_the_list_alone_that_is_made_anew_meanwhile(
    tmp_path: Path, part: int, labels: list[dict[str, str]]
) -> None:
    """It began with another list of that name, which somebody else has removed; tags make it be decided again."""

    async def check(lists: Lists) -> None:
        await lists.fill(3 * AT_ONCE)

        async def made_anew() -> None:
            await lists.call("DeleteContactList")
            lists.world.services.clock.advance(1)  # type: ignore[attr-defined]
            await lists.call("CreateContactList", Tags=labels)
            await lists.fill(2)

        lists.before_part(part, made_anew)
        with pytest.raises(ContactListDoesNotExist):
            await lists.call("DeleteContactList")
        assert (await lists.on_it(), await lists.names_of_lists()) == (2, ["readers"])

    with_list(tmp_path, check)


@pytest.mark.parametrize("part", [1, 2, 3])
def test_a_permission_that_goes_midway_stops_the_removal(tmp_path: Path, part: int) -> None:
    """I4: no part is taken off under a permission whose removal was acknowledged; the refusal is told."""

    async def check(lists: Lists) -> None:
        await lists.fill(3 * AT_ONCE)
        known = await lists.world.log()
        lists.before_part(
            part,
            lambda: lists.world.call(
                lists.world.root, "iam", "DeleteUserPolicy", UserName="u", PolicyName="operator"
            ),
        )
        with pytest.raises(AccessDenied):
            await lists.call("DeleteContactList")
        assert await lists.on_it() == (4 - part) * AT_ONCE
        begun = [] if part == 1 else [("DeleteContactList", None)]
        assert await lists.names(known) == [
            *begun,
            ("DeleteUserPolicy", None),
            ("DeleteContactList", "AccessDenied"),
        ]

    with_list(tmp_path, check)


def test_a_change_that_takes_nothing_away_only_makes_it_be_decided_again(tmp_path: Path) -> None:
    async def check(lists: Lists) -> None:
        await lists.fill(3 * AT_ONCE)
        known = await lists.world.log()
        lists.before_part(2, lambda: lists.world.call(lists.world.root, "iam", "CreateUser", UserName="n"))
        assert await lists.call("DeleteContactList") == {}
        of_it = ("DeleteContactList", None)
        assert await lists.names(known) == [of_it, ("CreateUser", None), of_it]  # begun once, and done

    with_list(tmp_path, check)
