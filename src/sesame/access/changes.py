"""Changes: permission, epochs, the change and its audit row in ONE transaction.

Whoever may change something holds what lets it: a `Permit` that the `Authorizer` gave, or the `Acts` of an operator or
of Sesame. Nothing else writes account state. A permit's epochs are compared under the lock; when what it
rests on has changed the operation is decided again from its start, as a send is.

INVARIANT I4: no change is made under a permission whose removal was acknowledged before.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, Self, TypeVar

from sesame.access import differences
from sesame.access.audit import BEGUN, NOTHING, AuditTrail, Entry, entry_of
from sesame.db import Store, Transaction, epochs_of
from sesame.errors import ServiceError, SesameError
from sesame.model import Caller, PrincipalKind
from sesame.observe import Clock
from sesame.store.kept_state import Resource

T = TypeVar("T")
Run = Callable[[Transaction], Awaitable[T]]
"""What a change does in its transaction."""


class Change(Protocol):
    """What lets one change through: part of it or all of it runs by `apply`, once."""

    async def apply(self, run: Run[T], *, is_long: bool = False) -> T:
        """Run the change durably, its audit row with it; see `Store.write`."""
        ...


class StalePermit(SesameError):
    """What a permit rests on has changed: nothing was done, and the operation is to be decided again.

    `has_begun` says of a change in parts that some were done, of which the audit log has a row.
    """

    has_begun = False

    def __init__(self, scopes: Sequence[str]) -> None:
        super().__init__(f"changed since it was decided: {', '.join(scopes)}")
        self.scopes = tuple(scopes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """That a caller may do something now, and the epochs that this rests on."""

    caller: Caller
    action: str
    resource: str
    epochs: Mapping[str, int]
    changes: "Changes" = field(repr=False, compare=False)

    def resting_on(self, epochs: Mapping[str, int]) -> Self:
        """The same, resting on more."""
        both = {scope: min(epoch, self.epochs.get(scope, epoch)) for scope, epoch in epochs.items()}
        return replace(self, epochs={**self.epochs, **both})

    async def read(self, run: Run[T]) -> T:
        """Read what the change rests on, on one snapshot."""
        return await self.changes.read(run)

    async def apply(
        self,
        run: Run[T],
        *,
        is_long: bool = False,
        response: Callable[[T], Mapping[str, Any]] | None = None,
    ) -> T:
        """Run the change, its audit row with it. Raises what `run` raises, or `StalePermit`.

        `response` gives what the audit row tells of the result.
        """
        return await self.changes.apply(self, run, is_long=is_long, response=response)

    async def apply_in_parts(self, *, is_long: Run[bool], part: Run[object], rest: Run[T]) -> T:
        """Run a change that may be too long for one write: `part` again and again while `is_long`, and then `rest`.

        Each is durable, and compared as every change is. With the first part comes a row that says that the change
        has begun, with the rest the row of the whole: of one that was cut off midway the first is there. A part may
        do only what the same call goes on with when it is made again.
        """

        async def parts() -> AsyncIterator[Run[object]]:
            while await self.read(is_long):
                yield part

        return await self._apply_after(parts(), rest)

    async def apply_after(self, parts: Iterable[Run[object]], rest: Run[T]) -> T:
        """Run a change of which the parts are known that go before `rest`; else as `apply_in_parts`."""

        async def each() -> AsyncIterator[Run[object]]:
            for part in parts:
                yield part

        return await self._apply_after(each(), rest)

    async def _apply_after(self, parts: AsyncIterator[Run[object]], rest: Run[T]) -> T:
        has_begun = self.caller.call is not None and self.caller.call.has_begun
        try:
            async for part in parts:
                await self.changes.apply_part(self, part, begins=not has_begun)
                has_begun = True
            return await self.apply(rest)
        except StalePermit as stale:
            stale.has_begun = has_begun
            raise


class Changes:
    """Where permits are used up; `forget` drops what is cached under scopes that have moved on."""

    def __init__(
        self, store: Store, trail: AuditTrail, *, forget: Callable[[tuple[str, ...]], object]
    ) -> None:
        self._store = store
        self._trail = trail
        self._forget = forget

    async def read(self, run: Run[T]) -> T:
        """See `Permit.read`."""
        return await self._store.read(run)

    async def apply(
        self,
        permit: Permit,
        run: Run[T],
        *,
        is_long: bool = False,
        response: Callable[[T], Mapping[str, Any]] | None = None,
    ) -> T:
        """See `Permit.apply`."""
        decision = {"action": permit.action, "resource": permit.resource}

        compared = _Compared.of_call(permit.caller)

        async def told(tx: Transaction) -> T:
            before = await compared.before(tx)
            result = await run(tx)
            details = NOTHING if response is None else response(result)
            changed = await compared.since(tx, before)
            entry = entry_of(permit.caller, response=details, decision=decision, changed=changed)
            await self._trail.put(tx, entry)
            return result

        return await self._write(permit, told, is_long=is_long)

    async def apply_part(self, permit: Permit, run: Run[object], *, begins: bool) -> None:
        """See `Permit.apply_in_parts`; the part that `begins` has a row."""
        decision = {"action": permit.action, "resource": permit.resource, "part": BEGUN}

        async def told(tx: Transaction) -> None:
            await run(tx)
            if begins:
                await self._trail.put(tx, entry_of(permit.caller, decision=decision))

        await self._write(permit, told, is_long=True)

    async def _write(self, permit: Permit, run: Run[T], *, is_long: bool) -> T:
        async def compared(tx: Transaction) -> T:
            await _compare(tx, permit.epochs)
            return await run(tx)

        try:
            return await self._store.write(compared, is_long=is_long)
        except StalePermit as stale:
            self._forget(stale.scopes)
            raise

    async def note(self, tx: Transaction, caller: Caller) -> None:
        """Write the audit row of a change that is part of a send: its decision is compared with the send's."""
        await self._trail.put(tx, entry_of(caller))

    async def keep_refusal(self, caller: Caller, refusal: ServiceError) -> None:
        """Keep that a caller was refused, durably; before the answer."""
        await self._store.write(lambda tx: self.note_refusal(tx, caller, refusal))

    async def note_refusal(self, tx: Transaction, caller: Caller, refusal: ServiceError) -> None:
        """The same, as part of a transaction."""
        await self._trail.put(tx, entry_of(caller, error=(refusal.code, refusal.message)))


@dataclass(frozen=True, slots=True)
class _Compared:
    """What a change names, before and after it."""

    name: str
    parameters: Mapping[str, Any]
    resources: Sequence[Resource]

    @classmethod
    def of_call(cls, caller: Caller) -> Self:
        """That of an operation of the API."""
        call = caller.call
        assert call is not None, "an operation that is audited says what it is"
        user = caller.principal.name if caller.principal.kind is PrincipalKind.USER else ""
        return cls.of(call.name, call.parameters, caller.principal.account_id, caller.region, user=user)

    @classmethod
    def of(
        cls, name: str, parameters: Mapping[str, Any], account_id: str, region: str, *, user: str = ""
    ) -> Self:
        """That of a change by its name and parameters."""
        named = differences.named(name, parameters, account_id=account_id, region=region, user=user)
        return cls(name, parameters, named)

    async def before(self, tx: Transaction) -> differences.State:
        """What it is before the change."""
        return await differences.state(tx, self.resources)

    async def since(self, tx: Transaction, before: differences.State) -> list[dict[str, Any]]:
        """What the change has made of it."""
        after = differences.renamed(self.resources, self.name, self.parameters)
        return differences.difference(before, await differences.state(tx, after))


async def _compare(tx: Transaction, expected: Mapping[str, int]) -> None:
    """Raise `StalePermit` unless the epochs are as expected; they stay so until the transaction ends.

    Held alone and not shared: most changes count one of them on, and two that share cannot both.
    """
    scopes = sorted(expected)
    await tx.lock(scopes)
    current = await epochs_of(tx, scopes)
    moved = [scope for scope in scopes if current.get(scope, 0) != expected[scope]]
    if moved:
        raise StalePermit(moved)


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who acts without a signed request: CloudTrail's userIdentity, and from where."""

    identity: Mapping[str, Any]
    source: str
    """What is acted by, in place of a service's host name."""
    source_ip: str | None = None
    user_agent: str | None = None


SESAME = Actor(identity={"type": "System", "invokedBy": "sesame"}, source="background.sesame")
"""Sesame itself: what it finds out and renews."""

READER = Actor(identity={"type": "Unknown", "principalId": "reader of a mailed link"}, source="link.sesame")
"""Whoever follows a mailed link."""


def operator(name: str) -> Actor:
    """An operator at the machine, by the name of the user there."""
    return Actor(identity={"type": "Operator", "userName": name}, source="cli.sesame", source_ip="127.0.0.1")


class Acts:
    """What an actor does: each with its audit row, in one transaction."""

    def __init__(self, store: Store, trail: AuditTrail, clock: Clock, actor: Actor) -> None:
        self._store = store
        self._trail = trail
        self._clock = clock
        self._actor = actor

    def by(self, actor: Actor) -> "Acts":
        """The acts of another actor."""
        return Acts(self._store, self._trail, self._clock, actor)

    async def apply(
        self,
        name: str,
        account: str | Callable[[T], str],
        run: Run[T],
        *,
        region: str = "",
        parameters: Mapping[str, Any] = NOTHING,
        response: Callable[[T], Mapping[str, Any]] | None = None,
        when: Callable[[T], bool] | None = None,
        is_long: bool = False,
    ) -> T:
        """Run the change called `name` of an account, or of the account that its result tells.

        `when` says by the result whether anything has changed; nothing is audited otherwise.
        """

        known = account if isinstance(account, str) else ""
        compared = _Compared.of(name, parameters, known, region)

        async def change(tx: Transaction) -> T:
            before = await compared.before(tx)
            result = await run(tx)
            if when is None or when(result):
                entry = self._entry(name, account, region, parameters, result, response)
                changed = await compared.since(tx, before) if known else []
                await self._trail.put(tx, replace(entry, changed=changed))
            return result

        return await self._store.write(change, is_long=is_long)

    def to(
        self, name: str, account_id: str, *, region: str = "", parameters: Mapping[str, Any] = NOTHING
    ) -> Change:
        """One act, to hand to whoever does it."""
        return _Act(self, name, account_id, region, parameters)

    def _entry(
        self,
        name: str,
        account: str | Callable[[T], str],
        region: str,
        parameters: Mapping[str, Any],
        result: T,
        response: Callable[[T], Mapping[str, Any]] | None,
    ) -> Entry:
        actor = self._actor
        return Entry(
            account_id=account if isinstance(account, str) else account(result),
            at=self._clock.now(),
            identity=actor.identity,
            source=actor.source,
            name=name,
            region=region,
            source_ip=actor.source_ip,
            user_agent=actor.user_agent,
            request_id=None,
            parameters=parameters,
            response=NOTHING if response is None else response(result),
        )


@dataclass(frozen=True, slots=True)
class _Act:
    """One act of an actor's."""

    acts: Acts
    name: str
    account_id: str
    region: str
    parameters: Mapping[str, Any]

    async def apply(self, run: Run[T], *, is_long: bool = False) -> T:
        """Run it; see `Change.apply`."""
        return await self.acts.apply(
            self.name,
            self.account_id,
            run,
            region=self.region,
            parameters=self.parameters,
            is_long=is_long,
        )
