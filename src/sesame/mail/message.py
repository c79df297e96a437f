"""What a submitted message says, and how it goes on the wire.

`read_message` reads the fields that decide who sends to whom; `rewrite` gives the octets that are
spooled and signed. What policy sees of From and Sender is what `rewrite` writes, from the parsed
value (I7). It does not authorise and does not sign.
Sources: RFC 5322 section 3.6, SES developer guide (header fields, sending authorization headers).
"""

import re
from collections.abc import Collection, Mapping, Sequence
from email.utils import formatdate
from functools import lru_cache

import msgspec

from sesame.mail import encoded_words, header, mime
from sesame.mail.address import AddressError, Mailbox, parse_mailbox, read_address_list
from sesame.mail.blocks import behind
from sesame.mail.header import HeaderField, MessageError

# SES developer guide, header fields: those that may stand in a message only once
_ONCE_TEXT = b"""
    accept-language acceptlanguage archived-at auto-submitted bounces-to comments content-alternative content-base
    content-class content-description content-disposition content-duration content-id content-language
    content-length content-location content-md5 content-transfer-encoding content-type date delivered-to
    disposition-notification-options disposition-notification-to dkim-signature domainkey-signature errors-to from
    importance in-reply-to keywords list-archive list-help list-id list-owner list-post list-subscribe
    list-unsubscribe list-unsubscribe-post message-context message-id mime-version organization original-from
    original-message-id original-recipient original-subject precedence priority references reply-to return-path
    return-receipt-to sender solicitation sensitivity subject thread-index thread-topic user-agent vbr-info
"""
_ONCE = frozenset(_ONCE_TEXT.split())
# removed from every message: rewritten by us, hidden from recipients, or a verdict that is not ours
_REMOVED = frozenset(
    {
        b"bcc",
        b"resent-bcc",
        b"return-path",
        b"message-id",
        b"date",
        b"authentication-results",
        b"received-spf",
    }
)
# never among the extra fields that a client adds: they decide who sends to whom, or are written by us
_OURS = _REMOVED | {
    b"from",
    b"sender",
    b"to",
    b"cc",
    b"mime-version",
    b"content-type",
    b"content-transfer-encoding",
}
_LISTS = frozenset({b"to", b"cc", b"bcc", b"reply-to"})
_X_SES = b"x-ses-"
_CLIENT_NAME = re.compile(r"[A-Za-z0-9_.:\[\]-]{1,255}")
"""A host's name or an address literal, as EHLO has it."""


class ParsedMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A submitted message: who it says sends to whom, its fields and its body, all with CRLF.

    `x_ses` holds the X-SES-* fields by lower-case name, the first of each; `return_path` is an
    addr-spec. `mended` are the fields of addresses whose syntax is not that of RFC 5322.
    """

    from_: Mailbox
    sender: Mailbox | None
    return_path: str | None
    reply_to: tuple[Mailbox, ...]
    to: tuple[Mailbox, ...]
    cc: tuple[Mailbox, ...]
    bcc: tuple[Mailbox, ...]
    mended: Mapping[HeaderField, tuple[Mailbox, ...]]
    x_ses: Mapping[str, str]
    fields: tuple[HeaderField, ...]
    first: Mapping[bytes, HeaderField]
    """The first field of each lower-case name."""
    body: bytes

    @property
    def subject(self) -> str | None:
        """The subject as it is kept, or None; see `encoded_words.readable`."""
        return self.header("subject")

    @property
    def recipients(self) -> tuple[str, ...]:
        """The addresses of To, Cc and Bcc, in that order, as often as they are named."""
        return tuple(mailbox.addr_spec for mailbox in (*self.to, *self.cc, *self.bcc))

    def header(self, name: str) -> str | None:
        """The text of the first field of that name as it is kept and shown, or None."""
        field = self.first.get(name.lower().encode("ascii", "replace"))
        return None if field is None else _text(field)


def read_message(raw: bytes) -> ParsedMessage:
    """Read a message as a client submits it; bare LF counts as a line end.

    Raises MessageError or AddressError for what is not one message with exactly one readable From:
    a field that may stand once and stands twice, a line over 998 octets, a part over the limits of
    `mime`, and everything that `header.scan` refuses.
    """
    message = header.canonical_newlines(raw)
    if not header.lines_fit(message):
        raise MessageError(f"Message has a line of more than {header.LINE_LIMIT} characters.")
    fields, body_at = header.scan(message)
    first: dict[bytes, HeaderField] = {}
    for field in fields:
        if field.key not in first:
            first[field.key] = field
        elif field.key in _ONCE:
            raise MessageError(f"Duplicate header '{field.name.decode('ascii')}'.")
    if b"from" not in first:
        raise MessageError("Missing required header 'From'.")
    mime.check_parts(
        message,
        body=body_at,
        content_type_value=_plain(first.get(b"content-type")),
        disposition=_plain(first.get(b"content-disposition")),
    )
    from_, sender_field = parse_mailbox(_structured(first[b"from"])), first.get(b"sender")
    sender = parse_mailbox(_structured(sender_field)) if sender_field else None
    named: dict[bytes, tuple[Mailbox, ...]] = {}
    mended: dict[HeaderField, tuple[Mailbox, ...]] = {}
    for field in fields:
        if field.key in _LISTS:
            read = read_address_list(_loose(field))
            named[field.key] = named.get(field.key, ()) + read.mailboxes
            if not read.is_correct:
                mended[field] = read.mailboxes
    return ParsedMessage(
        from_=from_,
        sender=sender,
        return_path=_return_path(first.get(b"return-path")),
        reply_to=named.get(b"reply-to", ()),
        to=named.get(b"to", ()),
        cc=named.get(b"cc", ()),
        bcc=named.get(b"bcc", ()),
        mended=mended,
        x_ses={
            key.decode("ascii"): _structured(field) for key, field in first.items() if key.startswith(_X_SES)
        },
        fields=fields,
        first=first,
        body=behind(message, body_at),
    )


def _structured(field: HeaderField) -> str:
    """The body of a field that must be text without doubt: UTF-8, folding tabs as blanks."""
    try:
        return field.value.replace(b"\t", b" ").decode("utf-8")
    except UnicodeError as error:
        raise header.illegal(field.name) from error


def _plain(field: HeaderField | None) -> str:
    return field.value.replace(b"\t", b" ").decode("latin-1") if field else ""


def _text(field: HeaderField) -> str:
    return encoded_words.readable(field.value.decode("utf-8", "replace"))


def _loose(field: HeaderField) -> str:
    """The body of an address list; display names may be 8-bit in any charset, addresses are ASCII."""
    value = field.value.replace(b"\t", b" ")
    try:
        return value.decode("utf-8")
    except UnicodeError:
        return value.decode("latin-1")


def _return_path(field: HeaderField | None) -> str | None:
    if field is None or (text := _structured(field)) in ("<>", ""):
        return None
    mailbox = parse_mailbox(text)
    if mailbox.display_name is not None:
        raise AddressError("Illegal address")
    return mailbox.addr_spec


def rewrite(message: ParsedMessage, *, message_id_field: str, at: float) -> bytes:
    """The octets to spool: canonical CRLF, From and Sender from their parsed values,
    To, Cc and Reply-To too where their syntax is wrong.

    Out go X-SES-*, Bcc, Return-Path, the sender's Message-ID and Date, and verdicts of other servers. In come Date
    (`at`, Unix seconds), Message-ID, and MIME-Version if missing.
    """
    out = []
    versioned = False
    for field in message.fields:
        key = field.key
        if key in _REMOVED or key.startswith(_X_SES):
            continue
        if key == b"from":
            out.append(_sender_field("From", message.from_))
        elif key == b"sender" and message.sender is not None:
            out.append(_sender_field("Sender", message.sender))
        elif message.mended and field in message.mended:
            out.append(header.address_field(field.name.decode("ascii"), message.mended[field]))
        else:
            versioned = versioned or key == b"mime-version"
            out.append(field.raw)
    out.append(stamp(at=at, message_id_field=message_id_field))
    if not versioned:
        out.append(b"MIME-Version: 1.0\r\n")
    out += (b"\r\n", message.body)
    return b"".join(out)


@lru_cache(maxsize=1024)  # the same senders come with message after message
def _sender_field(name: str, mailbox: Mailbox) -> bytes:
    return header.folded(name, mailbox.words)


def more_fields(extra_fields: Sequence[tuple[str, str]], *, present: Collection[bytes]) -> list[bytes]:
    """Fields to add to a message that has the lower-case names `present`.

    Raises MessageError for what is not a field, for one that is ours to write or names a sender or
    recipient, and for a second one of those that SES allows once.
    """
    lines, seen = [], set(present)
    for name, value in extra_fields:
        lines.append(header.field(name, value))
        key = name.lower().encode("ascii")
        if key in _OURS or key.startswith(_X_SES):
            raise MessageError(f"Illegal header '{name}'.")
        if key in seen and key in _ONCE:
            raise MessageError(f"Duplicate header '{name}'.")
        seen.add(key)
    return lines


def stamp(*, at: float, message_id_field: str) -> bytes:
    """The Date and Message-ID that the service gives a message (SES developer guide, header fields)."""
    return f"Date: {_date(int(at))}\r\nMessage-ID: {message_id_field}\r\n".encode("ascii")


def received_field(*, hostname: str, message_id: str, at: float) -> bytes:
    """The Received field of a message that was accepted `at` (RFC 5321 section 4.4).

    It says neither from whom nor how: that is the sender's business and none of the recipients'.
    """
    return f"Received: by {hostname} (Sesame) id {message_id};\r\n {_date(int(at))}\r\n".encode("ascii")


def received_from(client_name: str, address: str, *, hostname: str, protocol: str) -> str:
    """How the Received field of a submitted message begins: from whom, by whom, how (RFC 5321 section 4.4).

    A name that could be mistaken for anything else is left out; the address is what is known of the client.
    """
    literal = f"IPv6:{address}" if ":" in address else address
    name = client_name if _CLIENT_NAME.fullmatch(client_name) else f"[{literal}]"
    return f"from {name} ([{literal}]) by {hostname} with {protocol}"


def received_of(trace: str, *, message_id: str, recipients: Sequence[str], at: float) -> bytes:
    """The whole field, where `trace` is how it begins; it names the recipient where there is one alone."""
    whom = f" for {recipients[0]}" if len(recipients) == 1 else ""
    return f"Received: {trace} id {message_id}{whom};\r\n {_date(int(at))}\r\n".encode()


@lru_cache(maxsize=16)  # messages of one second share it
def _date(second: int) -> str:
    return formatdate(second).removesuffix("-0000") + "+0000"
