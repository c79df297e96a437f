"""The owner's bounds on a delegate: whom they hold for, when they stop it, what a message is charged (I5).

Rules alone. A send is held to all bounds that name its sender: the principal, or the account that it belongs to, for
the identity or for all of the owner's. Days are counted as the account's quota is (`quota`). Of a second the count is
exact: messages are kept by slots of a tenth, and any eleven slots in a row, which no second is longer than, hold at
most the cap; a message that commits late is counted where it came in.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from sesame.access import quota
from sesame.errors import DailyQuotaExceeded, Throttling
from sesame.model import Principal, PrincipalKind
from sesame.store.delegate_bounds import Amount, Bounds, Use

SLOTS_PER_S = 10
_WINDOW = SLOTS_PER_S + 1
"""Slots that a second can touch."""
KEPT_S = 10
"""How long slots are kept: a message that commits later than that is counted in the oldest that is."""

PAUSED, EXPIRED = "paused", "expired"


class Stop(NamedTuple):
    """How bounds stop a sender altogether (PAUSED or EXPIRED), and which."""

    how: str
    bounds: Bounds


def names_of(principal: Principal) -> tuple[str, ...]:
    """What bounds may call a sender: its account, the user or role, the service; of a federated user both."""
    match principal.kind:
        case PrincipalKind.ROOT:
            return (principal.account_id,)
        case PrincipalKind.ROLE:
            return principal.account_id, principal.role_arn or principal.arn
        case PrincipalKind.FEDERATED:
            return principal.account_id, principal.arn, *filter(None, (principal.issuer_arn,))
        case _:
            return principal.account_id, principal.arn


def that_hold(bounds: Sequence[Bounds], principal: Principal) -> tuple[Bounds, ...]:
    """Those of an identity's bounds that name the principal."""
    if not bounds:
        return ()
    names = names_of(principal)
    return tuple(one for one in bounds if one.delegate in names)


def tightened(bounds: Bounds, other: Bounds) -> Bounds:
    """Bounds with those of `other` beside their own: the lower of two caps, the earlier date, the pause of either."""
    caps = ("messages_per_day", "messages_per_second", "recipients_per_day", "bytes_per_day", "expires_at")
    lower = {
        name: min(given)
        for name in caps
        if (given := [cap for one in (bounds, other) if (cap := getattr(one, name)) is not None])
    }
    paused = other if bounds.paused_at is None else bounds
    return replace(bounds, **lower, paused_at=paused.paused_at, pause_reason=paused.pause_reason)


def stopped_by(bounds: Iterable[Bounds], *, at: float) -> Stop | None:
    """What stops a send that came in at `at`; None when nothing does."""
    for one in bounds:
        if one.paused_at is not None:
            return Stop(PAUSED, one)
        if one.expires_at is not None and at >= one.expires_at:
            return Stop(EXPIRED, one)
    return None


def charge(bounds: Bounds, use: Use, amount: Amount, *, at: float) -> Use:
    """What is used once a message that came in at `at` is charged.

    Raises `Throttling` when it is too much, with what explains it as facts, as `reached` puts them together.
    """
    refusals: list[Throttling] = []
    day = use.day.plus(amount)
    for name, cap, used, asked in (
        ("messages", bounds.messages_per_day, use.day.messages, amount.messages),
        ("recipients", bounds.recipients_per_day, use.day.recipients, amount.recipients),
        ("bytes", bounds.bytes_per_day, use.day.bytes, amount.bytes),
    ):
        if cap is not None and used + asked > cap:
            refusals.append(DailyQuotaExceeded("Daily message quota exceeded."))
            refusals[-1].facts = _facts(bounds, f"{name}-per-day", cap, used, asked)
    slots = use.slots
    if bounds.messages_per_second is not None:
        cap = bounds.messages_per_second
        slots = _kept(slots, at)
        slot = max(_slot(at), max(slots, default=_slot(at)) - KEPT_S * SLOTS_PER_S)
        fullest = _fullest(slots, slot)
        if fullest + amount.messages > cap:
            refusals.append(Throttling("Maximum sending rate exceeded."))
            refusals[-1].facts = _facts(bounds, "messages-per-second", cap, fullest, amount.messages)
        slots = {**slots, slot: slots.get(slot, 0) + amount.messages}
    if refusals:
        refusals[0].facts = reached(refusals)
        raise refusals[0]
    return replace(use, day=day, slots=slots)


def reached(refusals: Sequence[Throttling]) -> Mapping[str, Any]:
    """The caps that are too low for a message: the facts of the first, with those of the others as `also`."""
    caps: list[Mapping[str, Any]] = []
    for refusal in refusals:
        caps += [refusal.facts, *refusal.facts.get("also", ())]
    if not caps:
        return {}
    first, *others = [{key: value for key, value in cap.items() if key != "also"} for cap in caps]
    return {**first, "also": others} if others else first


def _facts(bounds: Bounds, cap: str, limit: int, used: int, asked: int) -> Mapping[str, str]:
    return {
        "owner": bounds.owner_account_id,
        "identity": bounds.identity,
        "delegate": bounds.delegate,
        "cap": cap,
        "limit": str(limit),
        "used": str(used),
        "asked": str(asked),
    }


def _slot(at: float) -> int:
    return int(at * SLOTS_PER_S)


def _kept(slots: Mapping[int, int], at: float) -> dict[int, int]:
    """The slots that still matter; what is far ahead was written before the clock was set back."""
    now = _slot(at)
    kept = {
        slot: count for slot, count in slots.items() if slot <= now + int(quota.OUT_OF_ORDER_S) * SLOTS_PER_S
    }
    oldest = max([now, *kept]) - KEPT_S * SLOTS_PER_S
    return {slot: count for slot, count in kept.items() if slot >= oldest}


def _fullest(slots: Mapping[int, int], slot: int) -> int:
    """The most messages of any window that `slot` is in."""
    near = [(one, count) for one, count in slots.items() if abs(one - slot) < _WINDOW]
    starts = range(slot - _WINDOW + 1, slot + 1)
    return max(sum(count for one, count in near if start <= one < start + _WINDOW) for start in starts)
