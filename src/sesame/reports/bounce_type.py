"""SES's bounce type and sub-type of a reason.

One table, for reports that come back after a server had taken the mail; a refusal while sending is
always Permanent and General and is not asked here. Sources: SES developer guide (bounce types), and
recorded notifications: a later 5.7.1 or 5.2.1 is Transient.
"""

from typing import assert_never

from sesame.reports.report import BounceSubType, BounceType, Reason, ReportedRecipient


def bounce_type(recipient: ReportedRecipient) -> tuple[BounceType, BounceSubType]:
    """Type and sub-type for one recipient; Undetermined only for a report that says nothing at all."""
    if recipient.reason == "other" and not (recipient.status or recipient.reply_code):
        return "Undetermined", "Undetermined"
    if recipient.hard and recipient.status == "5.1.10":
        return "Permanent", "NoEmail"
    return _of_reason(recipient.reason, hard=recipient.hard)


def _of_reason(reason: Reason, *, hard: bool) -> tuple[BounceType, BounceSubType]:
    match reason:
        case "suppressed":
            return "Permanent", "Suppressed"
        case "account-suppressed":
            return "Permanent", "OnAccountSuppressionList"
        case "no-mailbox" | "no-domain" | "moved" | "accepts-no-mail":
            return ("Permanent" if hard else "Transient"), "General"
        case "mailbox-full":
            return "Transient", "MailboxFull"
        case "too-large":
            return "Transient", "MessageTooLarge"
        case "content" | "spam" | "virus":
            return "Transient", "ContentRejected"
        case "attachment":
            return "Transient", "AttachmentRejected"
        case (
            "disabled"
            | "sender-refused"
            | "reputation"
            | "authentication"
            | "policy"
            | "recipient-refuses"
            | "relay-denied"
            | "rate"
            | "syntax"
            | "tls"
            | "expired"
            | "network"
            | "loop"
            | "system"
            | "other"
        ):
            return "Transient", "General"
        case _:
            assert_never(reason)
