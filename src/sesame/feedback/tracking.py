"""Opens and clicks that come in: whose they are by the token alone, recorded as events of their message.

A link leads on whatever becomes of its event, unless it was stopped: where it goes stands in it under our key, so
nothing has to be written first, and where stops cannot be read it leads on. Each open and each click is an event of
its own, as with SES, but those of one second, for a browser that asks twice, and those beyond a bound, so that nobody
with one link can fill the log. Source: SES developer guide, "Email sending metrics FAQs".
"""

import json
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sesame.db import Store, Transaction
from sesame.errors import SesameError, Unavailable
from sesame.mail.tracked_link import Clicked, Opened, location, read_click, read_open, read_tags
from sesame.observe import Clock, Log
from sesame.store import events, stopped_links
from sesame.store.events import Happened, NewEvent

REMEMBERED = 10_000
"""Links of which the second is kept in which they were last followed."""

UNDER_WAY = 256
"""Events that are being written at once; what comes in beyond leads on and is not recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Who opened or clicked. Without `counts` nobody did: a HEAD request looks whether there is something."""

    user_agent: str
    ip_address: str
    counts: bool = True


class LinkStopped(SesameError):
    """A link is one that we made, and was stopped since: it leads nowhere."""


class Tracker:
    """Records opens and clicks within `lives_s` of their message's acceptance; `recorded` is a hint for who reacts."""

    def __init__(
        self,
        store: Store,
        *,
        key: bytes,
        clock: Clock,
        log: Log,
        lives_s: float,
        most_events: int,
        recorded: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._key = key
        self._clock = clock
        self._log = log
        self._lives_s = lives_s
        self._most_events = most_events
        self._recorded = recorded
        self._last: OrderedDict[str, int] = OrderedDict()
        self._under_way = 0

    async def opened(self, token: str, reader: Reader) -> None:
        """The picture was asked for; a token that is not ours changes nothing."""
        found = read_open(self._key, token)
        if found is None or not reader.counts:
            return
        detail = {"userAgent": reader.user_agent, "ipAddress": reader.ip_address}
        await self._record(token, found, Happened.OPENED, f"{found.recipient_index}/open", detail)

    async def clicked(self, token: str, query: str, reader: Reader) -> str | None:
        """Where a link leads, fit for a Location field; None for one that we did not make.

        Raises `LinkStopped`; then it is no click either.
        """
        found = read_click(self._key, token, query)
        if found is None:
            return None
        if await self._is_stopped(found):
            raise LinkStopped(f"the links of {found.message_id} were stopped")
        if reader.counts:
            detail = {
                "ipAddress": reader.ip_address,
                "userAgent": reader.user_agent,
                "link": found.target,
            }
            if tags := read_tags(found.tags):
                detail["linkTags"] = json.dumps(tags)
            key = f"{found.recipient_index}/click/{found.number}"
            await self._record(token, found, Happened.CLICKED, key, detail)
        return location(found.target)

    async def _is_stopped(self, found: Clicked) -> bool:
        try:
            return await self._store.read(
                lambda tx: stopped_links.is_stopped(tx, found.message_id, (found.mark, found.lent))
            )
        except Unavailable as error:
            self._log.error("disabled_links_not_read", message_id=found.message_id, reason=str(error))
            return False

    async def _record(
        self, token: str, found: Opened | Clicked, what: Happened, key: str, detail: Mapping[str, str]
    ) -> None:
        now = self._clock.now()
        second = int(now)
        if now - found.made_at > self._lives_s or self._last.get(token) == second:
            return
        if self._under_way >= UNDER_WAY:
            self._log.event("tracking_overloaded", message_id=found.message_id)
            return
        self._last[token] = second
        self._last.move_to_end(token)
        if len(self._last) > REMEMBERED:
            self._last.popitem(last=False)

        async def run(tx: Transaction) -> bool:
            return await events.record_reading(
                tx,
                found.message_id,
                n=found.recipient_index,
                most=self._most_events,
                event=NewEvent(message_seq=0, key=f"{key}/{second}", what=what, at=now, detail=detail),
            )

        self._under_way += 1
        try:
            if await self._store.write(run):
                self._recorded()
        except Unavailable as error:  # whoever reads is to get where they want all the same
            self._log.error("tracking_not_recorded", message_id=found.message_id, reason=str(error))
        finally:
            self._under_way -= 1
