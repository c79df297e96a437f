"""One mail of the development inbox: what is read, what a receiver makes of it, why it was let in, what was published.

People see why and what was told if their account sent it or owns its identity, as on the message's own page.
"""

from dataclasses import dataclass, replace
from typing import Any

from starlette.responses import Response

from sesame.console import mail_view
from sesame.console.fates import STATES, TONES, sentences
from sesame.console.guard import Refused
from sesame.console.mail_view import MailView
from sesame.console.pages.inbox import json_answer, mail_of
from sesame.console.play import PARTS, NothingToAnswer
from sesame.console.visit import Page, Visit
from sesame.errors import Unavailable
from sesame.operations import operator_lookup
from sesame.operations.decision_views import DecisionView
from sesame.spool.trace import Trace, trace
from sesame.store.events import Event

TABS = ("html", "text", "headers", "parts", "checks", "why", "events", "raw")
WIDTHS = ("phone", "tablet", "wide")
SAID = {"bounce": "bounced", "complaint": "complained", "ooto": "away"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the viewer may know of the message that a mail is a copy of."""

    trace: Trace
    halves: tuple[tuple[str, DecisionView], ...]
    events: tuple[Event, ...]
    is_sender: bool
    path: str
    """Of the message's own page."""


async def show(visit: Visit) -> Response:
    """One message, whole."""
    return await _show(visit)


async def _show(visit: Visit, *, problem: str = "", status: int = 200) -> Response:
    mail = await mail_of(visit)
    if mail is None:
        return visit.page("missing.html", status=404)
    view = mail_view.look_at(mail.data)
    tab = visit.query.get("show", "html" if view.html else "text")
    tab = tab if tab in TABS else "text"
    width = visit.query.get("width", "wide")
    more: dict[str, Any] = {"known": None, "events": [], "checked": None, "removed": ()}
    if tab in ("why", "events"):
        known = more["known"] = await _known(visit, view.message_id)
        if known is not None and tab == "events":
            more["events"] = await visit.backing.published.of(
                view.message_id, known.events, is_sender=known.is_sender
            )
    verdicts = await visit.backing.verdicts.signatures(mail)
    if tab == "checks":
        by_spf, by_dmarc = await visit.backing.verdicts.checked(mail, verdicts)
        more["checked"] = {"spf": by_spf, "dmarc": by_dmarc}
        more["removed"] = await _removed(visit, view)
    return visit.page(
        "mail.html",
        status=status,
        mail=mail,
        view=view,
        tab=tab,
        width=width if width in WIDTHS else "wide",
        verdicts=verdicts,
        raw=mail.data.decode("utf-8", "replace") if tab == "raw" else "",
        problem=problem,
        no_answer=visit.backing.play.problem(mail),
        states=STATES,
        tones=TONES,
        sentence=[]
        if more["known"] is None
        else list(
            sentences(more["known"].trace, visit.fates_clock, is_owner_only=not more["known"].is_sender)
        ),
        **more,
    )


async def _removed(visit: Visit, view: MailView) -> tuple[str, ...] | None:
    """Header fields that were submitted and are gone; None where that is not known, or not the viewer's to know."""
    known = await _known(visit, view.message_id)
    if known is None or not known.is_sender:
        return None
    submitted = await visit.backing.published.submitted_fields(view.message_id)
    if submitted is None:
        return None
    there = {name.lower() for name, _ in view.fields}
    return tuple(dict.fromkeys(name for name in submitted if name.lower() not in there))


async def _known(visit: Visit, message_id: str) -> Known | None:
    """The message of a mail, for its sender, the owner of its identity, and the operator."""
    if not message_id:
        return None
    store = visit.backing.store
    if visit.caller is None:
        found = await operator_lookup.message(store, message_id)
        if found is None:
            return None
        return Known(
            trace=found.trace,
            halves=found.halves,
            events=tuple(event for event, _ in found.events),
            is_sender=True,
            path=f"/operator/messages/{message_id}",
        )
    viewer = visit.me.principal.account_id
    its = await trace(store, message_id, viewer=viewer)
    if its is None:
        return None
    view = await visit.backing.messages.message(replace(visit.me, region=its.region), message_id)
    if view is None:
        return None
    return Known(
        trace=view.trace,
        halves=((viewer, view.decision),),
        events=view.events,
        is_sender=viewer == its.account_id,
        path=f"/{its.region}/messages/{message_id}",
    )


async def play(visit: Visit) -> Response:
    """Answer as the recipient would, over the real way."""
    part = visit.path_values["part"]
    mail = await mail_of(visit)
    if mail is None or part not in PARTS:
        return visit.page("missing.html", status=404)
    try:
        await visit.backing.play.act(part, mail)
    except NothingToAnswer as error:
        return await _show(visit, problem=str(error), status=400)
    return visit.go(f"/inbox/{mail.seq}?show=events", said=SAID[part])


async def play_by_program(visit: Visit) -> Response:
    """The same for programs, without a form."""
    part = visit.path_values["part"]
    mail = await mail_of(visit)
    if mail is None or part not in PARTS:
        return json_answer({"error": "there is no such message, or no such part to play"}, status=404)
    try:
        await visit.backing.play.act(part, mail)
    except NothingToAnswer as error:
        return json_answer({"error": str(error)}, status=409)
    except Unavailable as error:
        raise Refused(503, str(error)) from None
    return json_answer({"message": mail.seq, "played": part, "recipient": mail.rcpt_to[0]}, status=202)


PAGES = (
    Page(path="/inbox/{seq}", handler=show, who="either"),
    Page(path="/inbox/{seq}/play/{part}", handler=play, method="POST", who="either"),
    Page(
        path="/dev/messages/{seq}/{part}",
        handler=play_by_program,
        method="POST",
        who="anybody",
        is_program=True,
    ),
)
