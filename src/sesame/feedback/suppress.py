"""Whose address goes on the suppression list of the account that sent to it.

Only what is sure: a server said at RCPT or later that this recipient does not exist, or a report says so of this very
address; or the recipient complained. What a server says of the sender or of itself suppresses nobody. Source: SES
developer guide, "Using the account-level suppression list".
"""

from collections.abc import Callable

from sesame.db import Transaction
from sesame.model import SYSTEM_ACCOUNT
from sesame.store import configuration_sets, suppression
from sesame.store.events import Event, Happened
from sesame.store.suppression import Reason

RECIPIENT_CODES = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10"})
"""Of RFC 3463: bad mailbox, bad system, bad syntax, moved without an address. 5.1.7 and 5.1.8 are about the sender.

5.1.10 is RFC 7505's for a domain that takes no mail, and Exchange's for an address that it does not have.
"""

REPORTED_CODES = RECIPIENT_CODES | {"5.4.1"}
"""5.4.1 is Exchange Online's word for the same, and others' for a host without an answer: the words beside it tell."""


NO_GRIEVANCE = frozenset({"not-spam", "auth-failure"})
"""Feedback types by which no recipient complains: one takes it back (RFC 5965 section 7.3), one is a server's report
that a message could not be authenticated (RFC 6591)."""


def is_grievance(event: Event) -> bool:
    """Whether a complaint is one of its recipient; any other is published, and counts for nothing."""
    return event.detail.get("complaintFeedbackType", "abuse").lower() not in NO_GRIEVANCE


def reason_to_suppress(event: Event, *, is_simulator: Callable[[str], bool]) -> Reason | None:
    """Why an event would put its recipient on the list, if the account keeps one for that reason."""
    if event.recipient is None or event.account_id == SYSTEM_ACCOUNT or is_simulator(event.recipient):
        return None
    match event.what:
        case Happened.COMPLAINED if is_grievance(event):
            return "COMPLAINT"
        case Happened.BOUNCED if event.is_reported:
            is_hard = event.detail.get("hard") == "1"
            return "BOUNCE" if is_hard and event.detail.get("status") in REPORTED_CODES else None
        case Happened.BOUNCED if event.is_about_recipient and event.status in RECIPIENT_CODES:
            return "BOUNCE"
        case _:
            return None


def is_for_all(event: Event, reason: Reason | None) -> bool:
    """Whether the recipient is one for the list of all accounts: its own server said that it does not exist."""
    return reason == "BOUNCE" and not event.is_reported


async def suppress(tx: Transaction, event: Event, reason: Reason) -> None:
    """Put the recipient on the list, if the configuration set or else the account wants that for this reason."""
    assert event.recipient is not None
    reasons: tuple[str, ...] | None = None
    if event.configuration_set is not None:
        found = await configuration_sets.get(tx, event.account_id, event.region, event.configuration_set)
        reasons = None if found is None else found.suppressed_reasons
    if reasons is None:
        reasons = await suppression.account_reasons(tx, event.account_id, event.region)
    if reason in reasons:
        entry = suppression.Suppressed(
            address=event.recipient,
            reason=reason,
            updated_at=event.at,
            message_id=event.message_id,
            feedback_id=event.feedback_id,
        )
        await suppression.put(tx, event.account_id, event.region, entry)
