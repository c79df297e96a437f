"""The first page of an account: whether everything is well, what comes next, and what happened in two days."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from starlette.responses import Response

from sesame.aws.arn import identity_arn
from sesame.console.analyst import NoAnswer
from sesame.console.calls import call, sample
from sesame.console.charts import stacked
from sesame.console.pages.senders import ask
from sesame.console.text import capped, counted, exactly
from sesame.console.visit import Page, Visit
from sesame.model import Identity, IdentityKind
from sesame.operations.home import ACTION, MOST_POLICIES, Home, Hour

SECONDS = 1.0
DAY_S = 86_400
OPEN = ("error", "warning")
"""Findings that ask for something to be done."""
SHOWN = 10
MANY = 5
"""As many bounces in a day, at the rate of a review, are news also of an account too small to be reviewed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What to do next: a sentence, and where it is done, if anything is to be done here."""

    says: str
    path: str = ""
    label: str = ""
    tone: str = "turn"


async def show(visit: Visit) -> Response:
    """The page."""
    found = await visit.backing.homes.of(visit.me)
    findings, unasked = await _findings(visit, found)
    have = 0 if found.trouble is None else found.trouble.by_region.get(visit.region, 0)
    return visit.page(
        "home.html",
        found=found,
        have=have,
        elsewhere={}
        if found.trouble is None
        else {name: count for name, count in found.trouble.by_region.items() if name != visit.region},
        day=found.last_day,
        by_hour=stacked(
            "Accepted, bounced and refused by hour; the table below has the numbers",
            [_bar(one) for one in found.hours.items],
        ),
        findings=findings[:SHOWN],
        more_findings=len(findings) > SHOWN,
        unasked=unasked,
        most_policies=MOST_POLICIES,
        shown=SHOWN,
        headline=_headline(visit, found, have),
        step=_next(visit, found, have),
        calls=[sample("Read the account", call("sesv2", "GetAccount"))],
    )


def _bar(hour: Hour) -> tuple[str, int, int, int]:
    when = f"{exactly(hour.at)[:13]} h"
    title = f"{when}: {hour.accepted:,} accepted, {hour.bounced:,} bounced, {hour.refused:,} refused"
    return title, hour.accepted, hour.bounced, hour.refused


async def _findings(visit: Visit, found: Home) -> tuple[Sequence[Mapping[str, Any]], str]:
    """What is open in the policies that may be read, a row for each policy, and why some of it is not known."""
    if not found.policies:
        return (), ""
    me = visit.me
    question = {
        "ask": "findings",
        "policies": [
            (identity_arn(visit.region, me.principal.account_id, identity), text)
            for identity, _, text in found.policies
        ],
        # What policies are found to be holds for a day: expired statements are listed.
        "now": visit.now // DAY_S * DAY_S,
    }
    try:
        answer = await ask(visit, question, seconds=SECONDS)
    except NoAnswer as error:
        return (), f"Not looked at now: {error}."
    rows = []
    for (identity, name, _), listed in zip(found.policies, answer["findings"], strict=False):
        if still_open := [one for one in listed if one["severity"] in OPEN]:
            rows.append({"identity": identity, "policy": name, "findings": still_open})
    late = answer["asked"] < answer["of"]
    return rows, f"{answer['asked']} of {answer['of']} were looked at before time ran out." if late else ""


def _headline(visit: Visit, found: Home, have: int) -> str:
    """Is everything well, in a few words."""
    trouble = found.trouble
    if found.status.enforcement == "SHUTDOWN":
        return "Sending is paused by the operator"
    if not found.state.sending_enabled:
        return "Sending is switched off"
    has_tried = found.status.has_sent or found.last_day.refused
    if trouble is not None and not has_tried and have <= len(trouble.waiting):
        return "Nothing can be sent yet" if have else "No identity of its own yet"
    if found.status.enforcement == "PROBATION":
        return "Mail goes out, under review"
    limit = found.state.max_24_hour_send
    if 0 < limit <= found.state.sent_last_24_hours:
        return "The quota is used up"
    if trouble is not None and trouble.lost:
        return "Mail goes out, and something needs you"
    if _bounces(visit, found):
        return "Mail goes out, and much of it bounces"
    if found.last_day.refused:
        is_some = found.last_day.accepted > 0
        return "Mail goes out, and some is refused" if is_some else "Every send of the last day was refused"
    return "Everything is well"


def _bounces(visit: Visit, found: Home) -> bool:
    """Whether so much of the last day's mail bounced permanently that an account of any size has to look."""
    limit, day = visit.backing.reputations.limits.bounce_review, found.last_day
    return limit > 0 and day.bounced >= MANY and day.bounced >= limit * day.accepted


def _next(visit: Visit, found: Home, have: int) -> Step:
    """The one thing to do next."""
    status, trouble = found.status, found.trouble
    if status.enforcement == "SHUTDOWN":
        says = "Nothing is accepted until the operator lets this account send again."
        return Step(says=says, path="/reputation", label="See why", tone="bad")
    if not found.state.sending_enabled:
        says = "Every send is refused until sending is switched on again."
        return Step(says=says, path="/account", label="Switch it on", tone="bad")
    if _bounces(visit, found) and not (trouble is not None and trouble.lost):
        day = found.last_day
        says = f"{day.bounced:,} of {day.accepted:,} recipients of the last 24 hours bounced permanently."
        return Step(says=says, path="/messages?outcome=bounced", label="See which", tone="bad")
    if trouble is not None and (step := _identity_step(visit, found, have)) is not None:
        return step
    if not found.state.production and (step := _sandbox_step(found)) is not None:
        return step
    if trouble is not None and trouble.waiting:
        return _publish(trouble.waiting[0])
    if found.last_day.refused:
        return _refused(found.last_day.refused)
    return Step(says="Nothing is left to do.", tone="done")


def _refused(count: int) -> Step:
    says = f"{counted(count, 'send')} {'was' if count == 1 else 'were'} refused in the last 24 hours."
    return Step(says=says, path="/messages?outcome=refused", label="See why")


_LENT = "What another account lends needs none: send as it with the ARN that its owner's kit names."
"""An identity that is lent is not told of before it is used: the account may well be able to send."""


def _identity_step(visit: Visit, found: Home, have: int) -> Step | None:
    """What is missing before mail can go out, or keeps it from going out much longer."""
    trouble, has_sent = found.trouble, found.status.has_sent
    assert trouble is not None
    if not have and not has_sent and found.last_day.refused:
        step = _refused(found.last_day.refused)  # who sends as others' identities needs none of its own
        return replace(step, says=f"{step.says} This account has no identity of its own here.")
    if not have and not has_sent:
        elsewhere = [f"{capped(count)} in {name}" for name, count in trouble.by_region.items()]
        says = f"Add a domain or an address to send as. {_LENT}"
        if elsewhere:
            says = f"There is nothing to send as in {visit.region}; there is in other regions: {', '.join(elsewhere)}."
        return Step(says=says, path="/identities/new", label="Add an identity")
    if trouble.lost:
        one = trouble.lost[0]
        return Step(
            says=f"DNS no longer shows what it must for {one.name}.",
            path=f"/identities/{one.name}",
            label="See what is missing",
            tone="bad",
        )
    if trouble.waiting and have <= len(trouble.waiting) and not has_sent:
        return _publish(trouble.waiting[0])
    if not has_sent:
        says = "Send a first message, to any address or to the simulator."
        if not found.state.production:
            says = "Send a first message: in the sandbox to an address that is verified, or to the simulator."
        return Step(says=says, path="/send", label="Send a first message")
    return None


def _publish(identity: Identity) -> Step:
    if identity.kind is IdentityKind.ADDRESS:
        says = f"A link was mailed to {identity.name}; whoever follows it verifies the address."
        return Step(says=says, path=f"/identities/{identity.name}", label="See the address")
    says = f"Publish the DNS records of {identity.name}; it is verified as soon as they are seen."
    return Step(says=says, path=f"/identities/{identity.name}", label="See the records")


def _sandbox_step(found: Home) -> Step | None:
    """The way out of the sandbox; None while it is the operator's turn and something else may be done."""
    if not found.status.wants_production:
        says = "In the sandbox mail goes only to what is verified. Ask the operator for production access."
        return Step(says=says, path="/account", label="Ask for production access")
    if found.status.answer == "DENIED":
        says = "The operator refused production access, with a reason."
        return Step(says=says, path="/account", label="Read it and ask again")
    if found.trouble is not None and found.trouble.waiting:
        return None
    return Step(
        says="The operator has your request for production access.",
        path="/account",
        label="See the request",
        tone="wait",
    )


PAGES = (Page(path="/{region}/home", handler=show, leave=ACTION),)
