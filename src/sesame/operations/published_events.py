"""The events of a message as they are published, as JSON: to its sender what a destination of a configuration set
gets, to the owner of the identity what the identity's topics get, without headers and tags (I9).
"""

from collections.abc import Sequence

from sesame.db import Store
from sesame.notify.event_json import (
    NOTIFIED,
    House,
    event_type,
    identity_notification,
    published_event,
)
from sesame.notify.expand import OPERATORS_OWN
from sesame.store import message_facts
from sesame.store.events import Event


class PublishedEvents:
    """Writes events as their recipients get them."""

    def __init__(self, store: Store, house: House) -> None:
        self._store = store
        self._house = house

    @property
    def give_up_after_s(self) -> float:
        """How long a message is tried where its configuration set says nothing else, in seconds."""
        return self._house.give_up_after_s

    async def of(
        self, message_id: str, happened: Sequence[Event], *, is_sender: bool
    ) -> list[tuple[Event, str]]:
        """Each event with its JSON, or without where it is not published."""
        facts = await self._store.read(lambda tx: message_facts.of_messages(tx, [message_id]))
        message = facts.get(message_id)
        found = []
        for event in happened:
            text = ""
            if message is not None and event.what not in OPERATORS_OWN:
                if is_sender:
                    text = published_event(event, message, self._house)
                elif event_type(event) in NOTIFIED:
                    text = identity_notification(event, message, self._house, with_headers=False)
            found.append((event, text.strip()))
        return found

    async def submitted_fields(self, message_id: str) -> tuple[str, ...] | None:
        """The names of the header fields that a whole message was submitted with; None of one built from parts."""
        facts = await self._store.read(lambda tx: message_facts.of_messages(tx, [message_id]))
        message = facts.get(message_id)
        if message is None or message.is_built or message.head is None:
            return None
        names = (
            line.partition(b":")[0] for line in message.head.split(b"\r\n") if line[:1] not in (b" ", b"\t")
        )
        return tuple(name.decode("latin-1").strip() for name in names if name.strip())
