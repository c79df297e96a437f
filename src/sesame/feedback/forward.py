"""Feedback forwarding: notifies by mail of bounces and complaints.

Only the identity's owner can switch it; it goes to the message's return path. Switched off, it goes out all the same
when neither owner nor sender has any other way of being notified of this kind. Never for a message that nobody sent or
that a program wrote of itself (RFC 3834), and itself a message from nobody: so reports cannot go round in circles.
Sources: SES developer guide, "Email feedback forwarding"; recorded mail.
"""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

from sesame.db import Transaction
from sesame.feedback.counting import bounce_type_of
from sesame.mail.address import AddressError, domain_of
from sesame.mail.feedback_report import FailedRecipient, Frame, bounce_report, complaint_report
from sesame.model import SYSTEM_ACCOUNT
from sesame.sending.system_mail import SystemMail
from sesame.store import configuration_sets, global_suppression, notifications, reports
from sesame.store.events import Event, Happened
from sesame.store.notifications import Settings

_SELF_WRITTEN = re.compile(rb"^auto-submitted:[ \t\r\n]*(?!no\b)\S", re.IGNORECASE | re.MULTILINE)

SUPPRESSED_FOR_ALL_TEXT = (
    "The message was not sent to this address because its server said lately that it does not exist."
)
SUPPRESSED_TEXT = (
    "The message was not sent to this address because it is on the suppression list for your account."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardingNames:
    """Ours: the host that reports, and domains and addresses that reports come back to."""

    hostname: str
    return_path_domain: str
    feedback_addresses: Collection[str]

    def is_ours(self, address: str) -> bool:
        """Whether mail to an address would come back to us as a report."""
        domain = domain_of(address)
        return domain == self.return_path_domain.lower() or address.lower() in self.feedback_addresses


def kind_of(event: Event) -> str | None:
    """The kind of feedback an event is, as identities' settings name it; None for what no mail is sent about."""
    match event.what:
        case Happened.BOUNCED | Happened.EXPIRED:
            return "Bounce"
        case Happened.COMPLAINED:
            return "Complaint"
        case Happened.SUPPRESSED:
            return "Complaint" if event.detail.get("reason") == "COMPLAINT" else "Bounce"
        case _:
            return None


def is_forwarded(kind: str, owner: Settings, sender: Settings, *, has_destination: bool) -> bool:
    """Whether feedback of a kind goes by mail: if the owner wants it, or nobody has another way of being notified."""
    has_topic = kind in owner.topics or kind in sender.topics
    return owner.is_forwarding or not (has_topic or has_destination)


class Forwarder:
    """Puts the mail into the spool, in the transaction that moves the event on."""

    def __init__(self, system_mail: SystemMail, names: ForwardingNames) -> None:
        self._system_mail = system_mail
        self._names = names

    async def forward(self, tx: Transaction, event: Event, *, now: float) -> bool:
        """Notify by mail of an event, if anybody asked for that; whether a message was spooled."""
        kind, to = kind_of(event), event.return_path
        if kind is None or not to or event.account_id == SYSTEM_ACCOUNT or self._names.is_ours(to):
            return False
        if not await self._is_wanted(tx, event, kind):
            return False
        returned = await reports.head(tx, event.message_seq)
        if _SELF_WRITTEN.search(returned):
            return False
        build, subject = self._report(event, kind, to, returned, now)
        try:
            await self._system_mail.put_from_nobody(
                tx, to=to, subject=subject, region=event.region, at=now, build=build
            )
        except AddressError:  # nobody can be written to there
            return False
        return True

    async def _is_wanted(self, tx: Transaction, event: Event, kind: str) -> bool:
        arn = f"arn:aws:ses:{event.region}:{event.owner_account_id}:identity/{event.identity}"
        owner = await notifications.get(tx, event.owner_account_id, arn)
        sender = owner
        if event.account_id != event.owner_account_id:
            sender = await notifications.get(tx, event.account_id, arn)
        has_destination = False
        if event.configuration_set is not None and not owner.is_forwarding:
            named = event.account_id, event.region, event.configuration_set
            found = await configuration_sets.get(tx, *named)
            destinations = {} if found is None else await configuration_sets.destinations(tx, found)
            has_destination = any(
                one.get("Enabled") and kind.upper() in one.get("MatchingEventTypes", ())
                for one in destinations.values()
            )
        return is_forwarded(kind, owner, sender, has_destination=has_destination)

    def _report(
        self, event: Event, kind: str, to: str, returned: bytes, now: float
    ) -> tuple[Callable[[str, str], bytes], str]:
        """What makes the message, and its subject."""
        hostname, recipient = self._names.hostname, event.recipient or ""
        is_complaint = kind == "Complaint"
        subject = "Complaint about your message" if is_complaint else "Delivery Status Notification (Failure)"

        def build(message_id_field: str, boundary: str) -> bytes:
            frame = Frame(
                from_address=f"{'complaints' if is_complaint else 'MAILER-DAEMON'}@{hostname}",
                to=to,
                message_id_field=message_id_field,
                at=now,
                boundary=boundary,
            )
            if is_complaint:
                return complaint_report(
                    frame,
                    recipient,
                    subject=subject,
                    feedback_type=event.detail.get("complaintFeedbackType", "abuse"),
                    user_agent=event.detail.get("userAgent", ""),
                    original_mail_from=to,
                    arrival_date=_field_date(event.detail.get("arrivalDate", "")),
                    returned=returned,
                )
            return bounce_report(frame, [_failed(event)], reporting_mta=hostname, returned=returned)

        return build, subject


def _field_date(written: str) -> str:
    """A time as events have it, as a header field has it; empty for none."""
    return format_datetime(datetime.fromisoformat(written)) if written else ""


def _failed(event: Event) -> FailedRecipient:
    """What the mail says of the recipient."""
    address = event.recipient or ""
    if event.what is Happened.SUPPRESSED:
        is_for_all = event.detail.get("reason") == global_suppression.REASON
        diagnostic = SUPPRESSED_FOR_ALL_TEXT if is_for_all else SUPPRESSED_TEXT
        return FailedRecipient(address=address, status="5.1.1", diagnostic_code=diagnostic)
    if event.is_reported:
        default = {"Permanent": "5.0.0", "Transient": "4.0.0"}.get(bounce_type_of(event), "5.0.0")
        status, diagnostic = event.detail.get("status", default), event.detail.get("diagnosticCode", "")
        return FailedRecipient(address=address, status=status, diagnostic_code=diagnostic)
    diagnostic = f"smtp; {event.diagnostic}" if event.diagnostic else ""
    if event.what is Happened.EXPIRED:
        last = f"<{event.diagnostic}>" if event.diagnostic else ""
        return FailedRecipient(
            address=address,
            status="4.4.7",
            diagnostic_code=f"smtp; 554 4.4.7 Message expired: unable to deliver in time.{last}",
        )
    return FailedRecipient(address=address, status=event.status or "", diagnostic_code=diagnostic)
