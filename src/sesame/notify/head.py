"""The header block of a message, as those who are notified of it see it: every field, and the usual ones by name.

Reads what is kept of the head, which may be cut off or gone; it never fails. Source: SES developer guide,
"Notification contents" (headers, commonHeaders), held against captured payloads.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sesame.mail import encoded_words
from sesame.mail.address import AddressError, Mailbox, read_address_list
from sesame.store.message_facts import HEAD_BYTES, MessageFacts

_FIELD = re.compile(rb"([!-9;-~]+):([^\r\n]*(?:\r\n[ \t][^\r\n]*)*)\r\n")
_ADDED = frozenset({"date", "message-id"})
"""What we put on a message that is built from parts: its sender did not write it."""
_LISTS = (("from", "from"), ("replyTo", "reply-to"), ("to", "to"), ("cc", "cc"), ("bcc", "bcc"))
_SPECIAL = re.compile(r'[",;:<>()\[\]@\\]')

Fields = tuple[tuple[str, str, str], ...]
"""Name as written, value as published, value as written."""


def is_truncated(message: MessageFacts) -> bool:
    """Whether the message has more header than is published."""
    return message.head is not None and len(message.head) >= HEAD_BYTES


def headers(message: MessageFacts) -> list[dict[str, str]]:
    """Every field as it was submitted, encoded words decoded; none when the head is gone."""
    return [{"name": name, "value": value} for name, value, _ in _fields(message)]


def common_headers(message: MessageFacts, *, message_id: str | None) -> dict[str, Any]:
    """The usual fields, those that there are; `message_id` stands in for the submitted Message-ID."""
    first: dict[str, tuple[str, str]] = {}
    for name, value, raw in _fields(message):
        first.setdefault(name.lower(), (value, raw))

    def text(key: str, name: str) -> dict[str, str]:
        return {key: first[name][0]} if name in first else {}

    lists = {key: addresses(first[name][1]) for key, name in _LISTS if name in first}
    found: dict[str, Any] = text("returnPath", "return-path")
    found |= {key: lists[key] for key in ("from", "replyTo") if key in lists}
    found |= text("date", "date")
    found |= {key: lists[key] for key in ("to", "cc", "bcc") if key in lists}
    found |= text("messageId", "message-id") if message_id is None else {"messageId": message_id}
    return found | text("subject", "subject")


@lru_cache(maxsize=64)  # several of those who are notified of one event, and its next event, ask for the same
def addresses(text: str) -> Sequence[str]:
    """The addresses of a list, one string each with its display name; what is not a list stays as it is."""
    try:
        return [_display(mailbox) for mailbox in read_address_list(text).mailboxes]
    except AddressError:
        return [encoded_words.readable(text)]


def _display(mailbox: Mailbox) -> str:
    name = mailbox.display_name
    if name is None:
        return mailbox.addr_spec
    if _SPECIAL.search(name):
        name = '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"{name} <{mailbox.addr_spec}>"


def _fields(message: MessageFacts) -> Fields:
    if message.head is None:
        return ()
    found = _read(message.head)
    return tuple(field for field in found if field[0].lower() not in _ADDED) if message.is_built else found


@lru_cache(maxsize=64)
def _read(head: bytes) -> Fields:
    """The whole fields of a head; one that is cut off is left out."""
    return tuple(
        (name.decode("ascii"), encoded_words.readable(text), text)
        for name, text in (
            (match[1], match[2].replace(b"\r\n", b"").strip(b" \t").decode("utf-8", "replace"))
            for match in _FIELD.finditer(head)
        )
    )
