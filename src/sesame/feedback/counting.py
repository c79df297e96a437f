"""What events come to in counts: pure, but for how many recipients a message has.

Deliveries, delays and most acceptances are counted in the transaction that records them, so they do not wait here but
where an earlier version recorded them.

Whatever is published as a bounce counts as one, an auto-reply as one that passes, as SES has it; in rates a recipient
bounces once. Rates are made of mail that left for somebody: not of the mailbox simulator's, nor of what was suppressed.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

import msgspec

from sesame.feedback.suppress import is_grievance
from sesame.model import SYSTEM_ACCOUNT
from sesame.store.counted import Counted, Kind
from sesame.store.events import Event, Happened
from sesame.store.tallies import Counts, Where, quarter_of

_STILL_QUEUED = (Happened.HELD, Happened.RELEASED)
"""What counts nothing: held or not, the recipient waits."""


class Recipients(msgspec.Struct, frozen=True, kw_only=True):
    """How many recipients a message has, and how many of them rates are made of."""

    all: int
    rated: int


def bounce_type_of(event: Event) -> str:
    """SES's type of a bounce or an expiry: as a report says; a refusal is Permanent, running out of time Transient."""
    if event.what is Happened.EXPIRED:
        return "Transient"
    return event.detail.get("bounceType", "Permanent")


def count(
    events: Iterable[Event],
    recipients: Mapping[int, Recipients],
    *,
    has_bounced: Callable[[Event], bool],
    is_simulator: Callable[[str], bool],
) -> dict[Where, Counts]:
    """What to add for `events`. `has_bounced` says of a bounce that its recipient had a permanent one before."""
    changes: dict[Where, Counts] = {}
    for event in events:
        if event.account_id == SYSTEM_ACCOUNT or event.what in _STILL_QUEUED:
            continue
        counts = changes.setdefault(where(event), Counts())
        is_rated = event.recipient is not None and not is_simulator(event.recipient)
        match event.what:
            case Happened.ACCEPTED:
                many = recipients[event.message_seq]
                counts.sends += many.all
                counts.rated_sends += many.rated
            case Happened.RENDERING_FAILED:
                counts.failures += recipients[event.message_seq].all
            case Happened.SUPPRESSED:
                counts.suppressed += 1
            case Happened.DELIVERED:
                counts.deliveries += 1
            case Happened.DELAYED:
                counts.delays += 1
            case Happened.CANCELLED:
                counts.cancelled += 1
            case Happened.OPENED:
                counts.opens += 1
            case Happened.CLICKED:
                counts.clicks += 1
            case Happened.COMPLAINED if is_grievance(event):
                counts.complaints += 1
                counts.rated_complaints += is_rated
            case Happened.BOUNCED | Happened.EXPIRED:
                _count_bounce(counts, event, is_first=not has_bounced(event), is_rated=is_rated)
    return changes


def counted(
    events: Iterable[Event],
    *,
    has_bounced: Callable[[Event], bool],
    is_simulator: Callable[[str], bool],
) -> list[Counted]:
    """Those of `events` that rates are made of, as `count` counts them."""
    found = []
    for event in events:
        is_rated = event.recipient is not None and not is_simulator(event.recipient)
        if event.account_id == SYSTEM_ACCOUNT or not is_rated or event.n is None:
            continue
        kind: Kind | None = None
        if event.what is Happened.COMPLAINED and is_grievance(event):
            kind = "complaint"
        elif event.what in (Happened.BOUNCED, Happened.EXPIRED) and bounce_type_of(event) == "Permanent":
            kind = None if has_bounced(event) else "bounce"
        if kind is not None:
            found.append(
                Counted(
                    message_seq=event.message_seq,
                    n=event.n,
                    kind=kind,
                    at=event.at,
                    account_id=event.account_id,
                    region=event.region,
                    owner_account_id=event.owner_account_id,
                    identity=event.identity,
                )
            )
    return found


def _count_bounce(counts: Counts, event: Event, *, is_first: bool, is_rated: bool) -> None:
    type_ = bounce_type_of(event)
    counts.permanent_bounces += type_ == "Permanent"
    counts.transient_bounces += type_ == "Transient"
    counts.undetermined_bounces += type_ not in ("Permanent", "Transient")
    counts.later_bounces += event.is_reported
    counts.rated_bounces += is_first and is_rated and type_ == "Permanent"


def where(event: Event) -> Where:
    """What an event's counts are kept by."""
    return Where(
        event.account_id,
        event.region,
        quarter_of(event.at),
        event.owner_account_id,
        event.identity,
        event.configuration_set or "",
    )


_REACHED = {
    Happened.DELIVERED: "delivered",
    Happened.BOUNCED: "bounced",
    Happened.EXPIRED: "expired",
    Happened.SUPPRESSED: "suppressed",
    Happened.CANCELLED: "cancelled",
    Happened.COMPLAINED: "complained",
}


def reached(events: Iterable[Event], recipients: Mapping[int, Recipients]) -> dict[str, int]:
    """How many recipients reached which state, whoever sent: accepted, one final state each, and what came back later.

    A message whose template could not be filled in is accepted and cancelled at once.
    """
    found: Counter[str] = Counter()
    for event in events:
        if event.what in (Happened.ACCEPTED, Happened.RENDERING_FAILED):
            many = recipients[event.message_seq].all
            found["accepted"] += many
            if event.what is Happened.RENDERING_FAILED:
                found["cancelled"] += many
        elif event.what is Happened.BOUNCED and event.is_reported:
            found["bounced_later"] += 1
        elif (state := _REACHED.get(event.what)) is not None:
            found[state] += 1
    return found
