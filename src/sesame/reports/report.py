"""What a report says, as values: of which kind it is, and for each recipient what happened and why.

Holds no rule; `read` makes these. Nothing here says *who* is meant: addresses in a report are whatever
its sender wrote, and whose bounce it is, the return path tells alone. Words of RFC 3464 (action,
final recipient, reporting MTA), RFC 5965 (feedback type) and SES (bounce type and sub-type).
"""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["bounce", "delay", "complaint", "auto-reply", "delivered", "receipt", "unknown"]
"""`delivered`: relayed and expanded too. `receipt`: read, deleted (RFC 8098). `unknown`: none of these."""
Reason = Literal[
    "no-mailbox",  # nobody of that name
    "no-domain",  # no such host or domain
    "moved",
    "accepts-no-mail",  # null MX, a host that takes no mail
    "mailbox-full",
    "disabled",  # suspended, inactive
    "too-large",
    "content",  # what the message holds or how it is made
    "attachment",
    "spam",
    "virus",
    "sender-refused",  # the sender's address or domain
    "reputation",  # the sending host: block lists, no PTR
    "authentication",  # SPF, DKIM, DMARC
    "policy",
    "recipient-refuses",  # this recipient takes no mail from this sender
    "relay-denied",
    "rate",
    "syntax",
    "tls",
    "expired",
    "network",
    "loop",
    "system",
    "suppressed",
    "account-suppressed",
    "other",
]
BounceType = Literal["Permanent", "Transient", "Undetermined"]
BounceSubType = Literal[
    "General",
    "NoEmail",
    "Suppressed",
    "OnAccountSuppressionList",
    "MailboxFull",
    "MessageTooLarge",
    "ContentRejected",
    "AttachmentRejected",
    "Undetermined",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedRecipient:
    """One recipient of a report; empty text where the report says nothing.

    `action` is the report's own word; `status` the enhanced code, from the diagnostic where the field
    says only `x.0.0`; `hard` is true for an address that does not exist and will not.
    """

    final_recipient: str = ""
    original_recipient: str = ""
    action: str = ""
    status: str = ""
    reply_code: int | None = None
    diagnostic_code: str = ""
    remote_mta: str = ""
    reason: Reason = "other"
    hard: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginalMessage:
    """What the report gives back of the message it is about."""

    message_id: str = ""
    return_path: str = ""
    addresses: tuple[str, ...] = ()
    """Of its To, Cc and Bcc: hints for a person, never a proof of who was meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A message that came back, read.

    `return_paths` are the addresses that may be one of ours (envelope sender fields of the report
    and of what it gives back), for the caller to verify. `by` names the layer that read it.
    """

    kind: Kind
    recipients: tuple[ReportedRecipient, ...] = ()
    bounce_type: BounceType = "Undetermined"
    bounce_sub_type: BounceSubType = "Undetermined"
    reporting_mta: str = ""
    arrival_date: str = ""
    feedback_type: str = ""
    user_agent: str = ""
    original: OriginalMessage = OriginalMessage()
    return_paths: tuple[str, ...] = ()
    by: Literal["dsn", "arf", "json", "failed-recipients", "text", "headers"] = "headers"
