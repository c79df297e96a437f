"""An owner and its delegates: bounds, pauses, and what is queued, for the API, the command line and the console alike.

Whoever calls brings what lets it: `Acting` gives a change of that name, anew for each that follows another.
"""

from collections.abc import Awaitable, Callable, Mapping

from sesame.access.changes import Change
from sesame.db import Store, Transaction
from sesame.errors import InvalidParameterValue
from sesame.identities import delegates
from sesame.identities.delegates import BoundsMissing, BoundsView, Caps, Key
from sesame.observe import Clock
from sesame.spool import control
from sesame.spool.control import Changed, Filter
from sesame.store import delegate_bounds
from sesame.store.events import PAUSED

Acting = Callable[[], Awaitable[Change]]
"""What lets the next change through."""


class Delegates:
    """What an owner does about delegates; `released` is called when something in the queue is due at once."""

    def __init__(self, store: Store, clock: Clock, *, released: Callable[[], None] = lambda: None) -> None:
        self._store = store
        self._clock = clock
        self._released = released

    async def put(self, acting: Acting, key: Key, caps: Caps) -> None:
        """Set a delegate's caps; see `identities.delegates`."""
        await delegates.put_bounds(await acting(), key, caps, at=self._clock.now())

    async def change(self, acting: Acting, key: Key, changed: Mapping[str, int | float | None]) -> None:
        """Set those caps of a delegate that are named, and leave the others.

        Raises `BoundsMissing` where there are none to take away.
        """
        await delegates.change_bounds(await acting(), key, changed, at=self._clock.now())

    async def pause(self, acting: Acting, key: Key, reason: str) -> None:
        """Let a delegate send nothing more; what it has queued is held when its turn comes."""
        await delegates.pause(await acting(), key, reason=reason, at=self._clock.now())

    async def resume(self, acting: Acting, key: Key) -> int:
        """End a pause; how many recipients in the queue go on."""
        await delegates.resume(await acting(), key, at=self._clock.now())
        return await self._release(acting, key)

    async def remove(self, acting: Acting, key: Key) -> int:
        """Remove bounds; how many recipients in the queue go on."""
        await delegates.remove_bounds(await acting(), key)
        return await self._release(acting, key)

    async def show(self, key: Key) -> BoundsView:
        """The bounds of a delegate. Raises `BoundsMissing`."""
        now = self._clock.now()

        async def run(tx: Transaction) -> BoundsView | None:
            found = await delegate_bounds.get(tx, key.owner, key.region, key.identity, key.delegate)
            return None if found is None else await delegates.show(tx, found, now=now)

        bounds_view = await self._store.read(run)
        if bounds_view is None:
            raise BoundsMissing(key)
        return bounds_view

    async def page(
        self,
        owner: str,
        region: str,
        *,
        identity: str | None = None,
        delegate: str | None = None,
        after: tuple[str, str] = ("", ""),
        limit: int,
    ) -> list[BoundsView]:
        """An owner's bounds in a region, by identity and delegate, from behind `after`."""
        now = self._clock.now()

        async def run(tx: Transaction) -> list[BoundsView]:
            found = await delegate_bounds.page(
                tx, owner, region, identity=identity, delegate=delegate, after=after, limit=limit
            )
            return [await delegates.show(tx, one, now=now) for one in found]

        return await self._store.read(run)

    async def cancel_of_delegates(
        self,
        acting: Acting,
        owner: str,
        region: str,
        *,
        identity: str | None,
        delegate: str | None,
        message_id: str | None,
        reason: str,
    ) -> Changed:
        """Cancel what others have queued as identities of an owner."""
        wanted = _of_delegates(owner, region, identity, delegate, message_id)
        return await self._cancel(acting, wanted, _because("by the owner of the identity", reason))

    async def queued_as(
        self, owner: str, region: str, *, delegate: str | None, message_id: str | None, most: int
    ) -> list[str]:
        """The identities of an owner that others have queued messages as, `most` of them at most."""
        wanted = _of_delegates(owner, region, None, delegate, message_id)
        return await self._store.read(lambda tx: control.identities_of(tx, wanted, most=most))

    async def cancel_own(
        self,
        acting: Acting,
        sender: str,
        region: str,
        *,
        identity: str | None,
        message_id: str | None,
        reason: str,
    ) -> Changed:
        """Cancel what an account has queued, as whosever identity."""
        wanted = Filter(sender=sender, region=region, identity=identity, message_id=message_id)
        return await self._cancel(acting, wanted, _because("by the sender", reason))

    async def _cancel(self, acting: Acting, wanted: Filter, reason: str) -> Changed:
        change = await acting()
        return await control.change(
            self._store,
            "cancel",
            wanted,
            at=self._clock.now(),
            reason=reason,
            write=lambda some: change.apply(some, is_long=True),
        )

    async def _release(self, acting: Acting, key: Key) -> int:
        """Let go on what pauses of the owner's hold; what another pause holds is held again at its turn."""
        wanted = Filter(owner=key.owner, region=key.region, hold=PAUSED)
        if await self._store.read(lambda tx: control.list_queued(tx, wanted, limit=1)) == []:
            return 0
        change = await acting()
        done = await control.change(
            self._store,
            "release",
            wanted,
            at=self._clock.now(),
            write=lambda some: change.apply(some, is_long=True),
        )
        self._released()
        return done.count


def _of_delegates(
    owner: str, region: str, identity: str | None, delegate: str | None, message_id: str | None
) -> Filter:
    """What others have queued as identities of an owner."""
    return Filter(
        owner=owner,
        region=region,
        identity=identity,
        message_id=message_id,
        principal=None if delegate is None else _begins(delegate),
        sender=delegate if delegate is not None and delegate.isdigit() else None,
    )


def _because(who: str, reason: str) -> str:
    return f"cancelled {who}: {reason}" if reason else f"cancelled {who}"


def _begins(delegate: str) -> str | None:
    """How the principal's name begins in kept decisions, for a user, role or service; None for an account."""
    if delegate.isdigit():
        return None
    fields = delegate.split(":")
    if len(fields) == 6 and fields[5].startswith("role/"):
        return f"arn:aws:sts::{fields[4]}:assumed-role/{fields[5].rpartition('/')[2]}/"
    return f'{delegate}"'


def require_named(**named: object) -> None:
    """Refuse a call that would cancel everything because nothing was named."""
    if all(value is None for value in named.values()):
        raise InvalidParameterValue(f"Name at least one of {', '.join(named)}.")
