"""Reads what came back: one function from the octets of a message to a Report.

Layers, the surest first: a complaint's part, a delivery-status part, a receipt, a program's reply to a
person, the field X-Failed-Recipients, the text. Whose bounce it is, the return path that it was sent to
tells (`mail.return_path`), never anything read here. Sources: RFC 3462, 3464, 3834, 5965, 6533, 8098.

INVARIANT: any octets give a Report, in bounded time; an auto-reply is never a bounce.
"""

from dataclasses import replace

from sesame.reports.addresses import find_addresses, first_address, without_addresses
from sesame.reports.arf import Feedback, find_feedback
from sesame.reports.auto_reply import is_auto_reply, is_generated_answer
from sesame.reports.bounce_type import bounce_type
from sesame.reports.diagnosis import DIAGNOSTIC_LIMIT, Diagnosis, diagnose, limit_for
from sesame.reports.dsn import DeliveryStatus, StatusBlock, find_delivery_status, parse_delivery_status
from sesame.reports.entity import Entity, read_entity
from sesame.reports.original import describe, find_original, original_of, return_path_candidates
from sesame.reports.reasons import find_reason
from sesame.reports.report import Kind, Report, ReportedRecipient
from sesame.reports.ses_json import RelayedFeedback, find_ses_json
from sesame.reports.text import (
    Notice,
    failed_recipients,
    is_bounce,
    is_delay,
    mentions,
    read_notice,
    senders_of,
)

KEPT_LIMIT = 1_000  # characters of a text's diagnostic that are kept
_TEMPORARY = ("mailbox-full", "disabled", "too-large")
DELIVERED = ("delivered", "relayed", "expanded", "deliverable")
"""Actions of a recipient that got the message, or whose server has sent it on."""


def read_report(data: bytes) -> Report:
    """What a message that came back says."""
    message = read_entity(data)
    parts = list(message.walk())
    original = find_original(parts)
    feedback = find_feedback(message, parts)
    if feedback is not None:
        return _complaint(message, feedback, original)
    status = find_delivery_status(parts)
    if status is not None:
        return _notification(message, parts, status, original)
    if any(part.media_type.endswith("disposition-notification") for part in parts):
        return _without_recipients("receipt", message, original)
    notice = read_notice(message, parts)
    relayed = find_ses_json(notice.text)
    if relayed is not None:
        return _relayed(message, relayed)
    if is_auto_reply(message, notice.text):
        return _auto_reply(message, original)
    original = original or original_of(notice.returned)
    if not is_bounce(message, notice, has_original=original is not None):
        if is_generated_answer(message):
            return _auto_reply(message, original)
        return _without_recipients("unknown", message, original)
    written = _written_status(notice)
    if written is not None:
        return _notification(message, parts, written, original)
    if original is not None and not find_addresses(notice.text):
        wrapped = _wrapped(message, original)
        if wrapped is not None:
            return wrapped
    return _by_text(message, notice, original)


def _wrapped(message: Entity, returned: Entity) -> Report | None:
    """A report that another mail system sent on inside a notification of its own."""
    parts = list(returned.walk())
    status = find_delivery_status(parts)
    return _notification(message, parts, status, find_original(parts)) if status is not None else None


def _complaint(message: Entity, feedback: Feedback, original: Entity | None) -> Report:
    recipients = tuple(ReportedRecipient(original_recipient=address) for address in feedback.recipients)
    return Report(
        kind="complaint",
        recipients=recipients,
        reporting_mta=feedback.reporting_mta,
        arrival_date=feedback.arrival_date,
        feedback_type=feedback.feedback_type,
        user_agent=feedback.user_agent,
        original=describe(original),
        return_paths=return_path_candidates(message, original, (feedback.mail_from,)),
        by="arf",
    )


def _relayed(message: Entity, relayed: RelayedFeedback) -> Report:
    if relayed.kind == "complaint":
        feedback = Feedback(
            feedback_type=relayed.feedback_type,
            user_agent=relayed.user_agent,
            arrival_date=relayed.arrival_date,
            mail_from=relayed.source,
            recipients=tuple(one.address for one in relayed.recipients),
        )
        return replace(_complaint(message, feedback, None), by="json")
    blocks = [
        StatusBlock(
            final_recipient=one.address,
            original_recipient="",
            action=one.action or ("failed" if relayed.kind == "bounce" else "delivered"),
            status=one.status or ("2.0.0" if relayed.kind == "delivery" else ""),
            diagnostic_code=one.diagnostic_code,
            remote_mta="",
        )
        for one in relayed.recipients
    ]
    status = DeliveryStatus(
        reporting_mta=relayed.reporting_mta, arrival_date=relayed.arrival_date, recipients=tuple(blocks)
    )
    return replace(_notification(message, [], status, None), by="json")


def _auto_reply(message: Entity, original: Entity | None) -> Report:
    author = first_address(message.get("from"))
    return Report(
        kind="auto-reply",
        recipients=(ReportedRecipient(original_recipient=author),) if author else (),
        bounce_type="Transient",
        bounce_sub_type="General",
        original=describe(original),
        return_paths=return_path_candidates(message, original),
    )


def _without_recipients(kind: Kind, message: Entity, original: Entity | None) -> Report:
    return Report(
        kind=kind, original=describe(original), return_paths=return_path_candidates(message, original)
    )


def _notification(
    message: Entity, parts: list[Entity], status: DeliveryStatus, original: Entity | None
) -> Report:
    notice = read_notice(message, parts)
    texts = mentions(
        notice,
        known=tuple(block.final_recipient or block.original_recipient for block in status.recipients),
        senders=frozenset(),
        returned_to=(),
    )
    recipients = tuple(
        _recipient(block, text.diagnostic, notice, count=len(texts))
        for block, text in zip(status.recipients, texts, strict=True)
    )
    actions = [recipient.action.lower() for recipient in recipients]
    kind: Kind = "bounce"
    if all(action in DELIVERED for action in actions):
        kind = "delivered"
    elif all(action in DELIVERED or action == "delayed" for action in actions):
        kind = "delay"
    return _bounce(
        kind,
        message,
        recipients,
        original,
        reporting_mta=status.reporting_mta,
        arrival_date=status.arrival_date,
    )


def _recipient(block: StatusBlock, beside: str, notice: Notice, *, count: int) -> ReportedRecipient:
    """One recipient of a delivery status; where its block gives no reason, the text beside it may."""
    delayed, limit = block.action.lower() == "delayed", limit_for(count)
    if count == 1:
        beside = notice.text
        if block.final_recipient.startswith("@"):
            named = mentions(notice, known=(), senders=frozenset(), returned_to=())
            block = replace(block, final_recipient=named[0].address if len(named) == 1 else "")
    found = diagnose(
        block.diagnostic_code, stated=block.status, stage_text=beside, delayed=delayed, limit=limit
    )
    diagnostic = block.diagnostic_code.strip() or find_reason(block.status)
    if not diagnostic and beside:
        found = diagnose(beside, stated=block.status, delayed=delayed, limit=limit)
    elif found.hard and count == 1 and _says_otherwise(beside, block.diagnostic_code):
        found = replace(found, hard=False)
    return _recipient_of(found, block)


def _says_otherwise(text: str, diagnostic: str) -> bool:
    """Does the sentence beside a diagnostic give a reason that passes, and the diagnostic another?"""
    reason = find_reason(without_addresses(text[:DIAGNOSTIC_LIMIT]))
    return reason in _TEMPORARY and reason != find_reason(without_addresses(diagnostic[:DIAGNOSTIC_LIMIT]))


def _recipient_of(found: Diagnosis, block: StatusBlock) -> ReportedRecipient:
    done = block.action.lower() in DELIVERED
    return ReportedRecipient(
        final_recipient=block.final_recipient,
        original_recipient=block.original_recipient,
        action=block.action,
        status=str(found.status) if found.status else _class_of(block.action),
        reply_code=found.reply_code,
        diagnostic_code=block.diagnostic_code,
        remote_mta=block.remote_mta,
        reason="other" if done else found.reason,
        hard=found.hard and not done,
    )


def _class_of(action: str) -> str:
    """The status of a report that gives none, as far as its action tells."""
    word = action.lower()
    return "2.0.0" if word in DELIVERED else "4.0.0" if word == "delayed" else "5.0.0"


def _written_status(notice: Notice) -> DeliveryStatus | None:
    """A delivery status that was written into the text, as some gateways do."""
    lines = [line.strip() for line in notice.text.split("\n")]
    if not any(line.lower().startswith("final-recipient:") for line in lines):
        return None
    names = ("reporting-mta:", "final-recipient:", "original-recipient:", "action:")
    first = next(index for index, line in enumerate(lines) if line.lower().startswith(names))
    return parse_delivery_status("\n".join(lines[first:]).encode("utf-8", "replace"))


def _by_text(message: Entity, notice: Notice, original: Entity | None) -> Report:
    known = failed_recipients(message)
    named = mentions(
        notice,
        known=known,
        senders=senders_of(message, original),
        returned_to=describe(original).addresses,
    )
    delayed = is_delay(message, notice)
    recipients: list[ReportedRecipient] = []
    limit = limit_for(len(named))
    for address, text in [(m.address, m.diagnostic) for m in named] or [("", notice.text)]:
        # Exim's word for attempts that all failed for the time being
        word = "delayed" if delayed or "retry time" in text else "failed"
        found = diagnose(text, delayed=delayed, limit=limit)
        recipients.append(
            ReportedRecipient(
                final_recipient=address,
                action="delayed" if delayed else "failed",
                status=str(found.status) if found.status else _class_of(word),
                reply_code=found.reply_code,
                diagnostic_code=" ".join(text.split())[:KEPT_LIMIT],
                reason=found.reason,
                hard=found.hard,
            )
        )
    return _bounce(
        "delay" if delayed else "bounce",
        message,
        tuple(recipients),
        original,
        by_field=bool(known),
        by_text=True,
    )


def _bounce(
    kind: Kind,
    message: Entity,
    recipients: tuple[ReportedRecipient, ...],
    original: Entity | None,
    *,
    reporting_mta: str = "",
    arrival_date: str = "",
    by_field: bool = False,
    by_text: bool = False,
) -> Report:
    failed = [r for r in recipients if r.action.lower() not in (*DELIVERED, "delayed")]
    worst = next((r for r in failed if r.hard), failed[0] if failed else None)
    type_, sub_type = bounce_type(worst) if worst and kind == "bounce" else ("Undetermined", "Undetermined")
    return Report(
        kind=kind,
        recipients=recipients,
        bounce_type=type_,
        bounce_sub_type=sub_type,
        reporting_mta=reporting_mta,
        arrival_date=arrival_date,
        original=describe(original),
        return_paths=return_path_candidates(message, original),
        by="failed-recipients" if by_field else "text" if by_text else "dsn",
    )
