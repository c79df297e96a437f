"""What became of each recipient of a message, or will: a sentence, with the remote server's words and the times.

Sources: RFC 3463 and RFC 7372 for what enhanced status codes mean.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from sesame.access.causes.traced import recipient_cause
from sesame.console.text import ago
from sesame.policy.reasons.cause import Cause
from sesame.spool.trace import Attempt, RecipientTrace, Trace
from sesame.store.events import Event, Happened

STATES = {
    "queued": "waiting",
    "held": "held",
    "delivered": "delivered",
    "bounced": "bounced",
    "expired": "given up",
    "suppressed": "suppressed",
    "cancelled": "cancelled",
}
TONES = {
    "delivered": "good",
    "queued": "wait",
    "held": "wait",
    "bounced": "bad",
    "expired": "bad",
    "suppressed": "wait",
    "cancelled": "wait",
}
MOST_WORDS = 200
"""Characters of what a server said that stand in a sentence; the whole stands below."""
FOLLOWED_S = 120.0
"""How long what comes back is waited for at the page of a message that is settled."""
_STATUS = re.compile(r"[245]\.([0-9]{1,3}\.[0-9]{1,3})")
_MEANS = {
    "1.1": "there is no such mailbox",
    "1.2": "there is no such domain, or nothing that takes its mail",
    "1.3": "the address is not written as one",
    "1.6": "the mailbox has moved",
    "1.8": "the sender's address is not known there",
    "1.10": "the domain takes no mail",
    "2.1": "the mailbox is disabled",
    "2.2": "the mailbox is full",
    "2.3": "the message is too long for the mailbox",
    "3.1": "the server has no room",
    "3.2": "the server takes no mail now",
    "3.4": "the message is too big for the server",
    "4.1": "the server does not answer",
    "4.2": "the connection broke",
    "4.3": "a look-up failed there",
    "4.4": "there is no way to the server",
    "4.5": "the server has too much to do",
    "4.7": "it took too long",
    "5.1": "a command is not known there",
    "5.2": "the server did not understand the command",
    "5.3": "too many recipients at once",
    "6.0": "the content is not taken",
    "7.1": "the server's policy does not let it in",
    "7.5": "encryption that is required is missing",
    "7.8": "the log-in was not accepted",
    "7.20": "no DKIM signature passes",
    "7.23": "SPF fails",
    "7.25": "the sending address has no name in reverse DNS",
    "7.26": "several checks of who sent it fail",
    "7.28": "too much comes from there",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """When a page is read, how it writes times, and how long delivery is tried where nothing else was set."""

    now: float
    when: Callable[[float], str]
    give_up_after_s: float
    is_kept_here: bool = False
    """Whether all mail is delivered to the inbox of the development profile."""


def meaning(status: str) -> str:
    """What an enhanced status code means, in a few words; empty where the class alone says it all."""
    found = _STATUS.fullmatch(status)
    return _MEANS.get(found[1], "") if found else ""


def sentences(
    trace: Trace, clock: Clock, *, is_owner_only: bool = False
) -> Iterator[tuple[str, str, RecipientTrace]]:
    """For each recipient its tone, what to say, and itself; why it gets nothing is the sender's to know."""
    for recipient in trace.recipients:
        cause = None if is_owner_only else _why_not(trace, recipient)
        if cause is not None:
            text = f"{cause.text[:1].upper()}{cause.text[1:]}. To mend it: {cause.mend.text}."
        else:
            text = _sentence(recipient, clock)
        yield TONES.get(recipient.state, "wait"), text, recipient


def goes_on(trace: Trace, now: float) -> bool:
    """Whether more is about to be known: something is queued, or a complaint or an answer may be on its way."""
    is_new = now - trace.accepted_at < FOLLOWED_S
    return is_new or any(one.state == "queued" for one in trace.recipients)


def afterwards(events: Iterable[Event], clock: Clock) -> Iterator[tuple[str, str, str]]:
    """What came back once a message was delivered: tone and word, whose, and a sentence; in the order of events."""
    for event in events:
        if event.attempt_seq is not None or event.recipient is None:
            continue
        at = clock.when(event.at)
        if event.what is Happened.COMPLAINED:
            kind = event.detail.get("complaintFeedbackType", "")
            yield (
                "bad complained",
                event.recipient,
                f"A complaint came back at {at}{f' ({kind})' if kind else ''}.",
            )
        elif event.what is Happened.BOUNCED and event.detail.get("by") == "auto-reply":
            yield (
                "wait answered",
                event.recipient,
                f"An automatic answer came back at {at}: its reader may be away.",
            )
        elif event.what is Happened.BOUNCED:
            said = " ".join(event.detail.get("diagnosticCode", "").replace("`", "'").split())[:MOST_WORDS]
            words = f", which says “{said}”" if said else ""
            yield "bad bounced", event.recipient, f"A report that it bounced came back at {at}{words}."


def _sentence(recipient: RecipientTrace, clock: Clock) -> str:
    last = recipient.attempts[-1] if recipient.attempts else None
    match recipient.state:
        case "delivered" if last is not None:
            said = f"{clock.when(last.at)} {_server(last)} took it and said {_words(last)}"
            where = (
                "in the inbox here"
                if clock.is_kept_here
                else "may be in the spam folder there; that server knows"
            )
            return f"Delivered: {said}. It {'is ' if clock.is_kept_here else ''}{where}."
        case "delivered":
            return "Delivered."
        case "queued" if last is None:
            return "Waiting for its first attempt."
        case "held":
            return "Held by the operator; it is tried again once it is released."
        case "queued":
            assert last is not None
            return f"Waiting: {_server(last)} said {_words(last)}{_next(recipient, clock)}."
        case "bounced" if last is not None:
            return f"Bounced: {clock.when(last.at)} {_server(last)} rejected it with {_words(last)}."
        case "bounced":
            return "Bounced."
        case "expired":
            ends = f"; the last ended with {_words(last)}" if last is not None else ""
            return f"Given up: no attempt got through in the time allowed{ends}."
        case "suppressed":
            return "Not sent: the address is on the suppression list."
        case other:
            return f"{STATES.get(other, other).capitalize()}."


def _server(attempt: Attempt) -> str:
    return attempt.remote_mta or "the server"


def _words(attempt: Attempt) -> str:
    """What was said, shortened, with what its status means."""
    words = " ".join(attempt.diagnostic.replace("`", "'").split())
    short = words if len(words) <= MOST_WORDS else f"{words[:MOST_WORDS]}…"
    means = meaning(attempt.status)
    return f"“{short}”{f' ({means})' if means else ''}" if short else (means or attempt.status)


def _next(recipient: RecipientTrace, clock: Clock) -> str:
    """When it is tried again, for which time, and when that ends."""
    tries = len(recipient.attempts)
    which = f", the {_ordinal(tries + 1)}"
    wait = recipient.due_at - clock.now
    again = (
        "it is tried again now"
        if wait <= 0
        else f"next attempt {clock.when(recipient.due_at)} (in {ago(wait)})"
    )
    ends_at = recipient.expires_at
    if ends_at is None and recipient.queued_at is not None:
        ends_at = recipient.queued_at + clock.give_up_after_s
    ends = "" if ends_at is None else f"; it is given up {clock.when(ends_at)}"
    return f"; {again}{which}{ends}"


def _ordinal(number: int) -> str:
    teen = 10 < number % 100 < 20
    return f"{number}{'th' if teen else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


def _why_not(trace: Trace, recipient: RecipientTrace) -> Cause | None:
    stands = {
        "state": recipient.state,
        "reason": recipient.reason,
        "address": recipient.address,
        "paused_at": recipient.paused_at,
        "listed_as": recipient.listed_as,
    }
    return recipient_cause(stands, trace.owner_account_id, trace.region, trace.failure, trace.near)
