"""Delivery status notifications (RFC 3464, RFC 6533): the fields of a report about a message.

Reads the blocks of a `message/delivery-status` part, however their sender parted them, and hands back
one row a recipient. It decides nothing about reasons. Sources: RFC 3464 section 2, RFC 3461
section 6.3, RFC 6533 section 4.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from sesame.reports.addresses import typed_address
from sesame.reports.entity import Entity, read_fields

RECIPIENT_LIMIT = 100
_TYPES = ("message/delivery-status", "message/global-delivery-status")
_OTHER_TYPES = ("text/plain", "application/octet-stream")
_WHOLE = re.compile(rb"\s{0,40}Reporting-MTA: ?\S[^\0]{0,2000}?\nFinal-Recipient: ?\S", re.IGNORECASE)
_OF_RECIPIENT = ("final-recipient", "original-recipient", "action", "status", "diagnostic-code", "remote-mta")


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusBlock:
    """The fields of one recipient, as the report has them; addresses without their type."""

    final_recipient: str
    original_recipient: str
    action: str
    status: str
    diagnostic_code: str
    remote_mta: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryStatus:
    """What a delivery-status part says of the message, and of each recipient."""

    reporting_mta: str
    arrival_date: str
    recipients: tuple[StatusBlock, ...]


def find_delivery_status(parts: Iterable[Entity]) -> DeliveryStatus | None:
    """The first delivery-status part that names a recipient, an action or a status; or None.

    One of the right type, or else one that a gateway attached as a text.
    """
    held = list(parts)
    for part in held:
        if part.media_type in _TYPES and (found := parse_delivery_status(part.body)) is not None:
            return found
    for part in held[1:]:
        if part.media_type in _OTHER_TYPES and _WHOLE.match(part.body):
            return parse_delivery_status(part.body)
    return None


def parse_delivery_status(body: bytes) -> DeliveryStatus | None:
    """Read the blocks of a part, LF line ends; None if there is no recipient in it."""
    message: dict[str, str] = {}
    rows: list[dict[str, str]] = []
    for block in body.strip(b"\n").split(b"\n\n")[: RECIPIENT_LIMIT * 2]:
        row: dict[str, str] = {}
        for name, value in read_fields(block):
            if name not in _OF_RECIPIENT:
                message.setdefault(name, value)
                continue
            if name in row and name in ("final-recipient", "action"):
                rows.append(row)
                row = {}
            row.setdefault(name, value)
        if row and rows and not _names_one(row) and not row.keys() & rows[-1].keys():
            rows[-1].update(row)  # a blank line within a recipient's block
        elif row:
            rows.append(row)
    if not rows:
        return None
    return DeliveryStatus(
        reporting_mta=message.get("reporting-mta", ""),
        arrival_date=message.get("arrival-date", ""),
        recipients=tuple(_block(row) for row in rows[:RECIPIENT_LIMIT]),
    )


def _names_one(row: dict[str, str]) -> bool:
    return "final-recipient" in row or "original-recipient" in row


def _block(row: dict[str, str]) -> StatusBlock:
    return StatusBlock(
        final_recipient=typed_address(row.get("final-recipient", "")),
        original_recipient=typed_address(row.get("original-recipient", "")),
        action=row.get("action", "").partition("(")[0].strip()[:40],
        status=row.get("status", "")[:200],
        diagnostic_code=row.get("diagnostic-code", ""),
        remote_mta=row.get("remote-mta", ""),
    )
