"""What a report gives back of the message it is about: its Message-ID, its return path, its addresses.

Collects every address that may be a return path of ours, from the report and from what it returns, so
that the caller can verify them. Nothing here decides whose the message was. Source: RFC 5322
section 3.6, RFC 3462 (headers only).
"""

from collections.abc import Iterable

from sesame.reports.addresses import find_addresses, first_address
from sesame.reports.entity import Entity, read_fields
from sesame.reports.report import OriginalMessage

CANDIDATE_LIMIT = 32
_RETURN_FIELDS = (
    *("return-path", "errors-to", "x-envelope-from", "x-envelope-sender", "envelope-sender", "x-mail-from"),
    *("x-original-return-path", "x-return-path", "x-sender", "x-original-sender", "sender"),
    *("received-spf", "authentication-results"),
)
_TO_FIELDS = (
    "delivered-to",
    "x-original-to",
    "envelope-to",
    "x-envelope-to",
    "x-delivered-to",
    "to",
    "cc",
    "apparently-to",
)


def find_original(parts: Iterable[Entity]) -> Entity | None:
    """The returned message or header block among the parts of a report, or None."""
    for part in parts:
        if part.media_type in ("message/rfc822", "message/global", "text/rfc822") and part.parts:
            return part.parts[0]
        if part.media_type in (
            "text/rfc822-headers",
            "text/rfc822-header",
            "message/rfc822-headers",
            "message/global-headers",
        ):
            return Entity(fields=read_fields(part.body.lstrip(b"\n")), media_type="text/plain")
    return None


def original_of(text: str) -> Entity | None:
    """The header that a text quotes, if it is one."""
    fields = read_fields(
        "\n".join(
            line.lstrip("> ") if line.startswith(">") else line
            for line in text.lstrip("\n").split("\n\n")[0].split("\n")
        ).encode("utf-8", "replace")
    )
    names = {name for name, _ in fields}
    if len(names & {"from", "to", "subject", "date", "message-id", "received", "return-path"}) < 2:
        return None
    return Entity(fields=fields, media_type="text/plain")


def describe(original: Entity | None) -> OriginalMessage:
    """The facts of a returned message."""
    if original is None:
        return OriginalMessage()
    addresses = [
        address
        for name in ("to", "cc", "bcc")
        for value in original.get_all(name)
        for _, _, address in find_addresses(value)
    ]
    return OriginalMessage(
        message_id=original.get("message-id")[:998],
        return_path=first_address(original.get("return-path")),
        addresses=tuple(dict.fromkeys(addresses)),
    )


def return_path_candidates(
    message: Entity, original: Entity | None, stated: Iterable[str] = ()
) -> tuple[str, ...]:
    """Addresses that may be a return path of ours, likeliest first: where the report was sent to, then
    what it says the message's envelope sender was, then the fields that keep one."""
    found = [
        address
        for name in _TO_FIELDS
        for value in message.get_all(name)
        for _, _, address in find_addresses(value)
    ]
    found += [address for address in stated if address]
    if original is not None:
        found += [
            address
            for name in _RETURN_FIELDS
            for value in original.get_all(name)
            for _, _, address in find_addresses(value)
        ]
    for received in message.get_all("received")[:10]:
        found += [address for _, _, address in find_addresses(received)]
    return tuple(dict.fromkeys(found))[:CANDIDATE_LIMIT]
