"""Stops of the links in followed mail: by the operator for any account, by an account for what it sent, and by the
owner of an identity for what delegates sent as it.

Each stops what is one message's or all that is an account's (of an owner: all that it sends as identities of the
owner's), mail yet to come included; what one has stopped no other lets go on.
"""

from dataclasses import dataclass

from sesame.access.changes import Acts, Change, Run
from sesame.admin.accounts import OperatorError
from sesame.db import Store, Transaction
from sesame.mail.tracked_link import account_mark, lent_mark
from sesame.observe import Clock
from sesame.store import message_facts, stopped_links
from sesame.store.stopped_links import ACCOUNT, ALL, OPERATOR, Stop

MOST_STOPS = 10_000
"""Messages of which an account may have stopped the links at once; all of them is one stop."""
MOST_CHARACTERS = 500
"""Of a reason."""


class NotStopped(OperatorError):
    """There is no such message, or its links were not stopped by this one."""


class TooManyStops(OperatorError):
    """The account has stopped as many messages as it may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Whose links: those of one message of an account, or (ALL) of all its messages.

    With `owner_id` those in what it sent as identities of that account's.
    """

    account_id: str
    message_id: str = ALL
    owner_id: str = ""


class TrackedLinks:
    """Stops links and lets them lead on; `by` is the change of an account's principal, None the operator's own."""

    def __init__(self, store: Store, *, key: bytes, acts: Acts, clock: Clock) -> None:
        self._store = store
        self._key = key
        self._acts = acts
        self._clock = clock

    async def stop(self, links: Links, reason: str, *, by: Change | None = None) -> None:
        """From here on the links answer that they are gone. Raises `NotStopped`, `TooManyStops`."""
        if len(reason) > MOST_CHARACTERS or not (reason.isprintable() or not reason):
            raise OperatorError(f"a reason is a line of up to {MOST_CHARACTERS} characters")
        stop = Stop(
            account_id=links.account_id,
            message_id=links.message_id,
            stopped_by=_who(links, by),
            mark=lent_mark(self._key, links.owner_id, links.account_id)
            if links.owner_id
            else account_mark(self._key, links.account_id),
            stopped_at=self._clock.now(),
            reason=reason,
        )

        async def run(tx: Transaction) -> None:
            if links.message_id != ALL:
                parties = await message_facts.parties_of(tx, links.message_id)
                if parties is None or parties[0] != links.account_id:
                    raise NotStopped(f"account {links.account_id} has no message {links.message_id}")
                if links.owner_id not in ("", parties[1]):
                    raise NotStopped(f"account {links.account_id} has no message {links.message_id}")
                if await stopped_links.count(tx, links.account_id, stop.stopped_by) >= MOST_STOPS:
                    raise TooManyStops(
                        f"an account stops the links of at most {MOST_STOPS:,} messages; stop all of them"
                    )
            await stopped_links.put(tx, stop)

        await self._apply("StopTrackedLinks", links, run, by, reason=reason)

    async def resume(self, links: Links, *, by: Change | None = None) -> None:
        """Let the links lead on again, as far as this one has stopped them. Raises `NotStopped`."""
        who = _who(links, by)

        async def run(tx: Transaction) -> None:
            if not await stopped_links.remove(tx, links.account_id, links.message_id, who):
                raise NotStopped(f"{who} has not stopped the links of {_described(links)}")

        await self._apply("ResumeTrackedLinks", links, run, by)

    async def page(self, account_id: str, *, after: tuple[str, str] = ("", ""), limit: int) -> list[Stop]:
        """An account's stops, from behind `after`."""
        return await self._store.read(lambda tx: stopped_links.page(tx, account_id, after=after, limit=limit))

    async def page_of_owner(
        self, owner_id: str, account_id: str, *, after: tuple[str, str] = ("", ""), limit: int
    ) -> list[Stop]:
        """What an owner of identities has stopped of an account's links, from behind `after`."""
        by = stopped_links.owner(owner_id)
        return await self._store.read(
            lambda tx: stopped_links.page_of(tx, by, account_id, after=after, limit=limit)
        )

    async def _apply(
        self, name: str, links: Links, run: Run[None], by: Change | None, **parameters: str
    ) -> None:
        if by is not None:
            await by.apply(run)
            return
        about = {"messageId": links.message_id} if links.message_id != ALL else {"all": True}
        lent = {"delegate": links.account_id} if links.owner_id else {}
        await self._acts.apply(
            name, links.owner_id or links.account_id, run, parameters={**lent, **about, **parameters}
        )


def _who(links: Links, by: Change | None) -> str:
    """Who stops: the operator may do it in an owner's name as well."""
    if links.owner_id:
        return stopped_links.owner(links.owner_id)
    return OPERATOR if by is None else ACCOUNT


def _described(links: Links) -> str:
    return f"account {links.account_id}" if links.message_id == ALL else f"message {links.message_id}"
