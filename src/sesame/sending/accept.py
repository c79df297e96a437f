"""The accept transaction, for all messages that share it: epochs compared, quota counted, messages stored.

What has to be known is read at once (`load`), the rules are a function of it without a database (`decide`), and
what follows is written at once (`store`). Messages are decided one after the other, each as if those before it had
been stored, so that however they fall into transactions they are accepted in some order, one by one.

INVARIANT I4: epochs are read under locks that every change of an epoch takes alone.
INVARIANT I5: usage is read under the account's lock, and that of each of the owners' bounds.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import msgspec

from sesame.access import bounds as bounds_rules
from sesame.access import quota
from sesame.access.egress import RESERVED
from sesame.db import Transaction, epochs_of
from sesame.errors import DailyQuotaExceeded, InternalFailure, ServiceError, SesameError, Throttling
from sesame.sending.configuration_set import check_pool, in_force, suppressed_among, with_options
from sesame.spool.put import SpooledMessage, put_all
from sesame.store import (
    accounts,
    configuration_sets,
    delegate_bounds,
    egress,
    global_suppression,
    suppression,
    tallies,
)
from sesame.store.accounts import Place, RegionState, Used
from sesame.store.configuration_sets import ConfigurationSet
from sesame.store.delegate_bounds import NOTHING, Amount, Bounds, Use
from sesame.store.events import Stage
from sesame.store.tallies import NO_SENDS, Sends, Where, quarter_of

TransactionStep = Callable[[Transaction], Awaitable[None]]
"""What is to become true with the acceptance of a message or not at all."""


class StaleDecision(SesameError):
    """What a decision rests on changed before it was accepted; decide again."""


class Acceptance(msgspec.Struct, frozen=True, kw_only=True):
    """A message that was decided on: what it rests on, and what it is charged.

    `epochs` are those that the decision read; `set_name` is the configuration set it goes with, the identity's
    default if `is_default`; `to_quota` of its recipients count towards the 24 hours. `bounds` are those of the
    identities' owners; they are current if the epochs are.
    """

    message: SpooledMessage
    epochs: Mapping[str, int]
    set_name: str | None
    is_default: bool
    to_quota: int
    heeds_global_list: bool = False
    """Whether recipients that are on the instance's own list get nothing."""
    bounds: tuple[Bounds, ...] = ()
    simulated: Sequence[str] = ()
    """Recipients at the mailbox simulator, which rates are not made of."""


@dataclass(slots=True, kw_only=True)
class Known:
    """What acceptances are decided by. `minutes` have been taken from the window's end and still count."""

    epochs: Mapping[str, int]
    states: Mapping[Place, RegionState]
    minutes: Mapping[Place, Sequence[tuple[int, int]]] = field(default_factory=dict)
    sets: Mapping[tuple[Place, str], ConfigurationSet | None] = field(default_factory=dict)
    gone_pools: frozenset[tuple[Place, str]] = frozenset()
    """Pools that sets name and that are not there any more."""
    reasons: Mapping[Place, Sequence[str]] = field(default_factory=dict)
    suppressed: Mapping[Place, Mapping[str, Sequence[str]]] = field(default_factory=dict)
    listed_until: Mapping[str, float] = field(default_factory=dict)
    """Of recipients that are on the instance's own list, until when."""
    uses: Mapping[int, Use] = field(default_factory=dict)
    """What is used of bounds, by their number."""
    use_minutes: Mapping[int, Sequence[tuple[int, Amount]]] = field(default_factory=dict)
    """As `minutes`, of bounds."""


@dataclass(slots=True, kw_only=True)
class Usage:
    """What an account has used in a region, while acceptances are decided."""

    used: Used
    leaving: dict[int, int] = field(default_factory=dict)
    """Minutes with their recipients that were taken from the window's end and still count."""
    charged: dict[int, int] = field(default_factory=dict)
    """Minutes with the recipients that were accepted."""

    def leave(self, now: float) -> None:
        """Let go of what has left the window by `now`."""
        until = quota.last_expired(now)
        for minutes in (self.leaving, self.charged):
            if minutes and min(minutes) <= until:
                gone = [minute for minute in minutes if minute <= until]
                self.used = quota.without(self.used, [minutes.pop(minute) for minute in gone])


@dataclass(slots=True, kw_only=True)
class BoundsUsage:
    """What is used of one delegate's bounds, while acceptances are decided; see `Usage`."""

    use: Use
    leaving: dict[int, Amount] = field(default_factory=dict)
    charged: dict[int, Amount] = field(default_factory=dict)

    def leave(self, now: float) -> None:
        """Let go of what has left the window by `now`."""
        until = quota.last_expired(now)
        for minutes in (self.leaving, self.charged):
            for minute in [minute for minute in minutes if minute <= until]:
                self.use = replace(self.use, day=self.use.day.minus(minutes.pop(minute)))

    def charge(self, use: Use, amount: Amount, at: float) -> None:
        """Take over what is used now."""
        minute = quota.minute_of(at)
        self.use = use
        self.charged[minute] = self.charged.get(minute, NOTHING).plus(amount)


@dataclass(slots=True, kw_only=True)
class Verdict:
    """For each acceptance the message as it is to be stored or why it is refused; and what that uses."""

    results: list[SpooledMessage | Exception]
    usage: dict[Place, Usage]
    bounds: dict[int, BoundsUsage] = field(default_factory=dict)
    sends: dict[Where, Sends] = field(default_factory=dict)
    """What is counted of the accepted messages whose events nobody counts later."""


@dataclass(slots=True, kw_only=True)
class Needs:
    """What has to be known of the acceptances that share a transaction."""

    scopes: set[str]
    times: dict[Place, float]
    """The latest time that a message of the place came in at."""
    recipients: dict[Place, list[str]]
    sets: set[tuple[Place, str]]
    perhaps_listed: set[str] = field(default_factory=set)
    """Recipients that may be on the instance's own list."""
    bounds: dict[int, float] = field(default_factory=dict)
    """Bounds that are charged, with the latest time."""


def needs(acceptances: Sequence[Acceptance]) -> Needs:
    """What has to be known to decide."""
    found = Needs(scopes=set(), times={}, recipients={}, sets=set())
    for acceptance in acceptances:
        message = acceptance.message
        place = message.account_id, message.region
        found.scopes.update(acceptance.epochs)
        found.times[place] = max(message.accepted_at, found.times.get(place, 0.0))
        found.recipients.setdefault(place, []).extend(message.recipients)
        if acceptance.set_name is not None:
            found.sets.add((place, acceptance.set_name))
        if acceptance.heeds_global_list:
            found.perhaps_listed.update(message.recipients)
        for one in acceptance.bounds:
            found.bounds[one.seq] = max(message.accepted_at, found.bounds.get(one.seq, 0.0))
    return found


async def load(tx: Transaction, wanted: Needs) -> Known:
    """Read what `decide` needs, under the locks that keep it true."""
    scopes, places = sorted(wanted.scopes), sorted(wanted.times)
    await tx.lock(scopes, shared=True)
    locks = [*map(accounts.usage_lock, places), *map(delegate_bounds.use_lock, wanted.bounds)]
    await tx.lock(sorted(locks))
    epochs = await epochs_of(tx, scopes)
    states = await accounts.region_states(tx, places)
    known = Known(epochs=epochs, states=states)
    minutes, reasons, suppressed = {}, {}, {}
    for place, state in states.items():
        until = quota.last_expired(wanted.times[place])
        if state.oldest_minute is not None and state.oldest_minute <= until:
            minutes[place] = await accounts.take_minutes(tx, place, until=until)
        if state.suppressed:
            reasons[place] = await suppression.account_reasons(tx, *place)
            suppressed[place] = await suppression.reasons_of(tx, *place, wanted.recipients[place])
    known.minutes, known.reasons, known.suppressed = minutes, reasons, suppressed
    if wanted.perhaps_listed:
        known.listed_until = await global_suppression.until_of(tx, sorted(wanted.perhaps_listed))
    if wanted.sets:
        known.sets = {
            (place, name): await configuration_sets.get(tx, *place, name)
            for place, name in sorted(wanted.sets)
        }
        known.gone_pools = frozenset(await _gone_pools(tx, known.sets))
    if wanted.bounds:
        await _load_bounds(tx, known, wanted.bounds)
    return known


async def _gone_pools(
    tx: Transaction, sets: Mapping[tuple[Place, str], ConfigurationSet | None]
) -> list[tuple[Place, str]]:
    named = {(place, found.sending_pool) for (place, _), found in sets.items() if found is not None}
    return [
        (place, pool)
        for place, pool in named
        if pool is not None and pool not in RESERVED and not await egress.has_pool(tx, *place, pool)
    ]


async def _load_bounds(tx: Transaction, known: Known, wanted: Mapping[int, float]) -> None:
    known.uses = await delegate_bounds.uses(tx, sorted(wanted))
    known.use_minutes = {
        seq: await delegate_bounds.take_minutes(tx, seq, until=until)
        for seq, use in known.uses.items()
        if use.oldest_minute is not None and use.oldest_minute <= (until := quota.last_expired(wanted[seq]))
    }


def decide(known: Known, acceptances: Sequence[Acceptance]) -> Verdict:
    """Accept or refuse each, in turn; what was accepted before counts for what comes after."""
    usage = {
        place: Usage(used=state.used, leaving=dict(known.minutes.get(place, ())))
        for place, state in known.states.items()
    }
    used = {
        seq: BoundsUsage(use=use, leaving=dict(known.use_minutes.get(seq, ())))
        for seq, use in known.uses.items()
    }
    results = [_decide_one(known, usage, used, acceptance) for acceptance in acceptances]
    for one in usage.values():  # what is gone from the table is counted out, whatever was decided
        one.used = quota.without(one.used, one.leaving.values())
    for bounded in used.values():
        for amount in bounded.leaving.values():
            bounded.use = replace(bounded.use, day=bounded.use.day.minus(amount))
    return Verdict(results=results, usage=usage, bounds=used, sends=_sends(acceptances, results))


def _sends(
    acceptances: Sequence[Acceptance], results: Sequence[SpooledMessage | Exception]
) -> dict[Where, Sends]:
    """What to count of those that are accepted and go to anybody."""
    sends: dict[Where, Sends] = {}
    for acceptance, message in zip(acceptances, results, strict=True):
        if (
            isinstance(message, Exception)
            or message.acceptance_stage is Stage.NEW
            or message.failure is not None
        ):
            continue
        where = Where(
            message.account_id,
            message.region,
            quarter_of(message.accepted_at),
            message.owner_account_id,
            message.identity,
            message.configuration_set or "",
        )
        rated = acceptance.to_quota
        if message.suppressed:
            rated -= sum(address not in acceptance.simulated for address in message.suppressed)
        recipients, so_far = sends.get(where, NO_SENDS)
        sends[where] = Sends(recipients + len(message.recipients), so_far + rated)
    return sends


def _decide_one(
    known: Known, usage: dict[Place, Usage], bounded: dict[int, BoundsUsage], acceptance: Acceptance
) -> SpooledMessage | Exception:
    message = acceptance.message
    place = message.account_id, message.region
    running = usage.get(place)
    if running is not None:
        running.leave(message.accepted_at)
    for bounds in acceptance.bounds:
        bounded[bounds.seq].leave(message.accepted_at)
    found = None
    try:
        for scope, value in acceptance.epochs.items():
            if known.epochs.get(scope, 0) != value:
                raise StaleDecision
        if (name := acceptance.set_name) is not None:
            found = in_force(known.sets.get((place, name)), name, is_default=acceptance.is_default)
            check_pool(found, is_there=(place, found.sending_pool or "") not in known.gone_pools)
        if running is None:
            raise InternalFailure
        used = _charged(known.states[place], running, bounded, acceptance)
        _charge_bounds(bounded, acceptance)
    except (ServiceError, StaleDecision) as refusal:
        return refusal
    running.used = used
    if acceptance.to_quota:
        minute = quota.minute_of(message.accepted_at)
        running.charged[minute] = running.charged.get(minute, 0) + acceptance.to_quota
    listed = known.suppressed.get(place)
    suppressed = suppressed_among(message.recipients, known.reasons[place], listed, found) if listed else {}
    if acceptance.heeds_global_list and known.listed_until:
        suppressed = {**_listed_by_all(known, message), **suppressed}
    return message if found is None and not suppressed else with_options(message, found, suppressed)


def _listed_by_all(known: Known, message: SpooledMessage) -> dict[str, str]:
    """The recipients that nobody here sends to for now."""
    return {
        address: global_suppression.REASON
        for address in message.recipients
        if known.listed_until.get(address, 0.0) > message.accepted_at
    }


def _charged(
    state: RegionState, running: Usage, bounded: dict[int, BoundsUsage], acceptance: Acceptance
) -> Used:
    """What the account has used then. Raises `Throttling`, with the bounds that are reached too as facts."""
    message = acceptance.message
    try:
        return quota.charge(
            state,
            running.used,
            recipients=len(message.recipients),
            to_quota=acceptance.to_quota,
            now=message.accepted_at,
        )
    except Throttling as refusal:
        facts = bounds_rules.reached(_ask_bounds(bounded, acceptance)[1])
        is_quota = isinstance(refusal, DailyQuotaExceeded)
        refusal.facts = {**facts, "own": acceptance.to_quota if is_quota else True}
        raise


def _amount(acceptance: Acceptance) -> Amount:
    """What a message is charged to each of the bounds."""
    return Amount(1, len(acceptance.message.recipients), len(acceptance.message.data))


def _ask_bounds(
    bounded: dict[int, BoundsUsage], acceptance: Acceptance
) -> tuple[list[tuple[BoundsUsage, Use]], list[Throttling]]:
    """What would be used of each of the bounds, and the refusals of those that are reached."""
    at, amount = acceptance.message.accepted_at, _amount(acceptance)
    charged, refused = [], []
    for bounds in acceptance.bounds:
        running = bounded[bounds.seq]
        try:
            charged.append((running, bounds_rules.charge(bounds, running.use, amount, at=at)))
        except Throttling as refusal:
            refused.append(refusal)
    return charged, refused


def _charge_bounds(bounded: dict[int, BoundsUsage], acceptance: Acceptance) -> None:
    """Charge all bounds or raise why one of them refuses, with none charged."""
    if not acceptance.bounds:
        return
    at, amount = acceptance.message.accepted_at, _amount(acceptance)
    charged, refused = _ask_bounds(bounded, acceptance)
    if refused:
        refused[0].facts = bounds_rules.reached(refused)
        raise refused[0]
    for running, use in charged:
        running.charge(use, amount, at)


async def store(tx: Transaction, known: Known, verdict: Verdict) -> None:
    """Write what was decided: usage, counts, messages and recipients."""
    before = {place: state.used for place, state in known.states.items()}
    changes = {
        place: (before[place], one.used) for place, one in verdict.usage.items() if one.used != before[place]
    }
    charges = {
        (place, minute): recipients
        for place, one in verdict.usage.items()
        for minute, recipients in one.charged.items()
    }
    await accounts.count(tx, changes, charges)
    if verdict.sends:
        await tallies.add_sends(tx, verdict.sends)
    if verdict.bounds:
        await _store_bounds(tx, known, verdict.bounds)
    await put_all(tx, [result for result in verdict.results if isinstance(result, SpooledMessage)])


async def _store_bounds(tx: Transaction, known: Known, bounds: Mapping[int, BoundsUsage]) -> None:
    changed = {seq: one.use for seq, one in bounds.items() if one.use != known.uses[seq]}
    charges = {(seq, minute): amount for seq, one in bounds.items() for minute, amount in one.charged.items()}
    await delegate_bounds.charge(tx, changed, charges)


async def accept(tx: Transaction, acceptances: Sequence[Acceptance]) -> Sequence[SpooledMessage | Exception]:
    """Accept what may be accepted, durably once `tx` is; each as it was stored, or why it was refused."""
    known = await load(tx, needs(acceptances))
    verdict = decide(known, acceptances)
    await store(tx, known, verdict)
    return verdict.results


async def accept_one(
    tx: Transaction, acceptance: Acceptance, in_same_transaction: TransactionStep | None
) -> SpooledMessage:
    """Accept one message, and then do `in_same_transaction`; as it was stored. Raises why it is refused."""
    (result,) = await accept(tx, [acceptance])
    if isinstance(result, Exception):
        raise result
    if in_same_transaction is not None:
        await in_same_transaction(tx)
    return result
