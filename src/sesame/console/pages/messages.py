"""Messages and refusals: the list, one message's life, one refusal with its cause."""

import re
from collections.abc import Mapping
from urllib.parse import quote, urlencode

from starlette.responses import Response

from sesame.console.calls import Call, call, sample
from sesame.console.causes import WRITES_POLICY, cause_of
from sesame.console.domains import as_stored
from sesame.console.fates import STATES, TONES, afterwards, goes_on, sentences
from sesame.console.pages import ask
from sesame.console.visit import Page, Visit
from sesame.operations.messages import ACTION, Filter, MessageView, RefusalView
from sesame.spool.listing import Key
from sesame.store.events import Happened

OUTCOMES = (
    ("", "everything"),
    ("accepted", "accepted"),
    ("refused", "refused"),
    ("queued", "waiting"),
    ("delivered", "delivered"),
    ("bounced", "bounced"),
    ("expired", "given up"),
    ("suppressed", "suppressed"),
)
WAITS = ("queued", "held")
DOORS = {"v1": "API v1", "v2": "API v2", "smtp": "SMTP"}
ROLES = (("", "all that concern me"), ("sent", "sent by this account"), ("lent", "sent by others as mine"))
_KEY = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,9})?)-([mr])([0-9]{1,18})")


def written(key: Key) -> str:
    """Where a list goes on, for an address."""
    return f"{key.at!r}-{'m' if key.is_message else 'r'}{key.seq}"


def read_key(text: str) -> Key | None:
    """The reverse; None for anything else."""
    found = _KEY.fullmatch(text)
    if found is None:
        return None
    return Key(at=float(found[1]), is_message=found[2] == "m", seq=int(found[3]))


def wanted_of(query: Mapping[str, str]) -> Filter:
    """Which entries a query asks for."""
    return Filter(
        outcome=query.get("outcome", "") if query.get("outcome") in dict(OUTCOMES) else "",
        role=query.get("role", "") if query.get("role") in dict(ROLES) else "",
        source=as_stored(query.get("from", "").strip()),
        recipient=as_stored(query.get("to", "").strip()),
    )


async def show_list(visit: Visit) -> Response:
    """The newest first."""
    wanted = wanted_of(visit.query)
    after = read_key(visit.query.get("after", ""))
    page = await visit.backing.messages.page(visit.me, wanted, after, as_at=visit.now)
    filters = {"outcome": wanted.outcome, "role": wanted.role, "from": wanted.source, "to": wanted.recipient}
    kept = {name: value for name, value in filters.items() if value}
    more = None if page.next is None else urlencode({**kept, "after": written(page.next)})
    return visit.page(
        "messages.html",
        page=page,
        why={one.entry.seq: one.why for one in page.entries if not one.entry.is_message},
        filters=filters,
        is_filtered=bool(kept),
        more=more,
        kept=urlencode(kept),
        is_first=after is None,
        outcomes=OUTCOMES,
        roles=ROLES,
        states=STATES,
        tones=TONES,
    )


async def show_message(visit: Visit) -> Response:
    """One message's life."""
    view = await visit.backing.messages.message(visit.me, visit.path_values["id"])
    if view is None:
        return await _elsewhere(visit, "messages")
    return visit.page(
        "message.html",
        view=view,
        trace=view.trace,
        states=STATES,
        tones=TONES,
        sentence=list(sentences(view.trace, visit.fates_clock, is_owner_only=not view.decision.is_sender)),
        afterwards=list(afterwards(view.events, visit.fates_clock)),
        goes_on=goes_on(view.trace, visit.now),
        followed=_followed(view),
        waits=[one for one in view.trace.recipients if one.state in WAITS],
        calls=[sample("Cancel what waits", _cancelling(view, ""))] if _may_cancel(view) else [],
    )


def _may_cancel(view: MessageView) -> bool:
    """Whether something waits, and the viewer is its sender or the owner of the identity behind From."""
    return not view.is_further and any(one.state in WAITS for one in view.trace.recipients)


def _cancelling(view: MessageView, reason: str) -> Call:
    """What the sender does with its own, and an owner with what was sent as it."""
    operation = "CancelMessages" if view.decision.is_sender else "CancelDelegateMessages"
    more = {"Reason": reason} if reason else {}
    return call("sesame", operation, MessageId=view.trace.message_id, **more)


async def cancel(visit: Visit) -> Response:
    """Give up what waits of a message."""
    view = await visit.backing.messages.message(visit.me, visit.path_values["id"])
    if view is None or view.is_further:
        return visit.page("missing.html", status=404)
    done = await visit.do(_cancelling(view, visit.form.get("reason", "").strip()))
    path = visit.here(f"/messages/{quote(view.trace.message_id, safe='')}")
    return visit.go(path, said="cancelled", count=int(done["Cancelled"]))


async def _elsewhere(visit: Visit, kind: str) -> Response:
    """The page in the region that it is of, for who came by the id alone."""
    identifier = visit.path_values["id"]
    region = await visit.backing.messages.region_of(visit.me, identifier)
    if region is None or region == visit.region or not visit.backing.is_region(region):
        return visit.page("missing.html", status=404)
    return visit.go(f"/{region}/{kind}/{quote(identifier, safe='')}")


def _followed(view: MessageView) -> list[tuple[str, int, int]]:
    """Who opened and clicked, how often: address, opens, clicks."""
    counts: dict[str, list[int]] = {}
    for event in view.events:
        if event.what in (Happened.OPENED, Happened.CLICKED):
            counts.setdefault(event.recipient or "", [0, 0])[event.what is Happened.CLICKED] += 1
    return [(address, opens, clicks) for address, (opens, clicks) in sorted(counts.items())]


async def show_refusal(visit: Visit) -> Response:
    """Why a send was refused, and who has to act."""
    view = await visit.backing.messages.refusal(visit.me, visit.path_values["id"])
    if view is None:
        return await _elsewhere(visit, "refusals")
    return visit.page(
        "refusal.html",
        view=view,
        record=view.record,
        cause=cause_of(view),
        allow=_to_allow(view, visit),
        again="" if view.question is None else urlencode(ask.fields_of(view.question)),
        doors=DOORS,
    )


def _to_allow(view: RefusalView, visit: Visit) -> str:
    """The identity of the viewer's whose policies did not let another account send, or "": a Deny is not so undone."""
    owner = visit.me.principal.account_id
    may_mend = bool(view.causes) and view.causes[0]["mend"]["how"] in WRITES_POLICY
    if view.record.account_id == owner or not may_mend:
        return ""
    checks = [one for one in view.decision.checks if one.owner == owner and one.by_owner == "implicit deny"]
    return (checks[0].arn or "").rpartition("/")[2] if checks else ""


PAGES = (
    Page(path="/{region}/messages", handler=show_list, leave=ACTION),
    Page(path="/{region}/messages/{id}", handler=show_message, leave=ACTION),
    Page(path="/{region}/messages/{id}/cancel", handler=cancel, method="POST"),
    Page(path="/{region}/refusals/{id}", handler=show_refusal, leave=ACTION),
)
