"""How a client wrote its request to send, so that a refusal can be explained in its own terms.

Which ARNs stand under which parameter or field, through which door, and which fields look like an X-SES field but are
none or are not read. It decides nothing, and nothing of it is looked at for a message that is accepted.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from difflib import get_close_matches

from sesame.access.record import BOUND, RequestForm
from sesame.mail import header
from sesame.mail.address import AddressError, parse_mailbox, parse_recipient, read_address_list
from sesame.mail.header import HeaderField
from sesame.mail.message import read_message
from sesame.sending.header_slips import Slip, slip_of
from sesame.sending.submission import SMTP, RawContent, Submission

ARN_FIELDS = ("x-ses-source-arn", "x-ses-from-arn", "x-ses-return-path-arn")
FIELDS = (
    *ARN_FIELDS,
    "x-ses-configuration-set",
    "x-ses-message-tags",
    "x-ses-tenant",
    "x-ses-list-management-options",
)
"""The X-SES fields there are."""

_LETTERS = {field.replace("-", ""): field for field in FIELDS}
_NO_LETTERS = bytes(octet for octet in range(128) if not chr(octet).isalnum())
_MOST_ODD = 8
"""So many odd fields are kept."""
_MOST_BYTES = 256 * 1024
"""So much of a raw message is looked at again."""
_MOST_SHOWN = 200
"""So many characters of an address that cannot be read."""

Odd = tuple[str, str, str]
"""A field that is not what it seems: `misspelt`, `second` or `in body`, its name as written, and the right name; or
`guessed`, `ignored` (of a second instance) or `overridden` (by a parameter), its name, and the ARN of an identity that
stands in it."""

_IDENTITY_ARN = re.compile(rb"arn:aws[a-z-]*:ses:[a-z0-9-]+:[0-9]{12}:identity/[!-~]{1,320}")


def form_of(submission: Submission) -> RequestForm:
    """How a request was written, as far as it can be read."""
    content, door = submission.content, _door_of(submission)
    beginning = _beginning(content.data) if isinstance(content, RawContent) else b""
    fields = _header_fields(beginning)
    x_ses = _x_ses(fields)
    odd = (*_overridden(submission, x_ses), *_odd_fields(fields), *_in_body(beginning))
    return RequestForm(door=door, named=_named_arns(submission, door, x_ses), odd=odd[:_MOST_ODD])


def from_address(submission: Submission) -> str | None:
    """The From address; None where it cannot be read."""
    content = submission.content
    with suppress(AddressError, header.MessageError):
        if not isinstance(content, RawContent):
            return parse_mailbox(submission.source or "").addr_spec
        if len(content.data) <= _MOST_BYTES:
            return read_message(content.data).from_.addr_spec
    return None


def source_address(submission: Submission) -> str | None:
    """The address of Source, which is From where none was given; None where it cannot be read."""
    if not submission.source:
        return from_address(submission)
    with suppress(AddressError):
        return parse_mailbox(submission.source).addr_spec
    return None


def return_path_address(submission: Submission) -> str | None:
    """The address of Return-Path, where one was given and can be read."""
    content, text = submission.content, submission.return_path
    if not text and isinstance(content, RawContent):
        text = next((value for _, value in _fields(content.data, (b"return-path",))), None)
    with suppress(AddressError):
        return parse_mailbox(text).addr_spec if text else None
    return None


def header_slip(submission: Submission) -> Slip | None:
    """What is wrong with the beginning of raw content; None where that is not known."""
    content = submission.content
    return slip_of(content.data) if isinstance(content, RawContent) else None


def _door_of(submission: Submission) -> str:
    """`v1`, `v2` or `smtp`: what decides how ARNs are named."""
    if submission.api_version == "1":
        return "v1"
    return "smtp" if submission.operation == SMTP else "v2"


def _named_arns(submission: Submission, door: str, x_ses: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The ARNs in force by the parameter or field that they stand in, each once."""
    if door == "v2":
        names = ("FromEmailAddressIdentityArn",) * 2 + ("FeedbackForwardingEmailAddressIdentityArn",)
    else:
        names = ("SourceArn", "FromArn", "ReturnPathArn")
    given = (submission.source_arn, submission.from_arn, submission.return_path_arn)
    found: dict[tuple[str, str], None] = {}
    for name, field, parameter in zip(names, ARN_FIELDS, given, strict=True):
        if parameter:
            found[name, parameter] = None
        elif stated := x_ses.get(field):
            found[field.upper(), stated] = None
    for arn in submission.bound_arns:
        found[BOUND, arn] = None
    return tuple(found)


def _overridden(submission: Submission, x_ses: Mapping[str, str]) -> Iterator[Odd]:
    """The ARNs of the fields before which a parameter with another one goes."""
    given = (submission.source_arn, submission.from_arn, submission.return_path_arn)
    for field, parameter in zip(ARN_FIELDS, given, strict=True):
        stated = x_ses.get(field, "").strip()
        is_other = bool(parameter) and parameter != stated
        if is_other and _IDENTITY_ARN.fullmatch(stated.encode()):
            yield "overridden", field.upper(), stated


def _x_ses(fields: Sequence[HeaderField]) -> dict[str, str]:
    """The X-SES fields that name an ARN, the first of each."""
    first = {field.key.decode("ascii"): field for field in reversed(fields)}
    return {
        key: first[key].value.replace(b"\t", b" ").decode("utf-8", "replace")
        for key in ARN_FIELDS
        if key in first
    }


def _odd_fields(fields: Sequence[HeaderField]) -> tuple[Odd, ...]:
    """Fields that are nearly an X-SES field, and second instances of one, which are not looked at."""
    perhaps = [
        field
        for field in fields
        if _is_perhaps_odd(field.key) or _IDENTITY_ARN.fullmatch(field.value.strip())
    ]
    return tuple(_odd(perhaps))[:_MOST_ODD]


def _is_perhaps_odd(key: bytes) -> bool:
    """Whether the letters of a name are those of an X-SES field, or nearly."""
    letters = _letters(key)
    return b"ses" in letters or b"arn" in letters


def _letters(key: bytes) -> bytes:
    return key.translate(None, _NO_LETTERS)  # ASCII (RFC 5322 section 2.2)


def _odd(fields: Sequence[HeaderField]) -> Iterator[Odd]:
    seen: set[str] = set()
    for field in fields:
        key = field.key.decode("ascii")
        if key in FIELDS:
            if key in seen:
                yield "second", field.name.decode("ascii"), key.upper()
                if _IDENTITY_ARN.fullmatch(field.value.strip()):
                    yield "ignored", key.upper(), field.value.strip().decode("ascii")
            seen.add(key)
            continue
        near = get_close_matches(_letters(field.key).decode("ascii"), _LETTERS, n=1, cutoff=0.8)
        if near:
            yield "misspelt", field.name.decode("ascii"), _LETTERS[near[0]].upper()
        elif _IDENTITY_ARN.fullmatch(field.value.strip()):
            yield "guessed", field.name.decode("ascii"), field.value.strip().decode("ascii")


_LINE = re.compile(rb"([!-9;-~]+):")


def _in_body(beginning: bytes) -> Iterator[Odd]:
    """X-SES fields with which the body begins: an empty line has ended the header before them."""
    start = beginning.partition(b"\r\n\r\n")[2]
    for line in start.partition(b"\r\n\r\n")[0].split(b"\r\n"):
        found = _LINE.match(line)
        if found is None and line[:1] not in (b" ", b"\t"):
            return
        name = found[1].decode("ascii") if found else ""
        if name.lower() in FIELDS:
            yield "in body", name, name.upper()


_OF_LIST = re.compile(r'(?:[^",]|"[^"]*"?)+')
"""One address of a list: what stands between commas outside quotation marks."""

_SOURCES = {"v1": "Source", "v2": "FromEmailAddress", "smtp": "MAIL FROM"}
_RETURN_PATHS = {"v1": "ReturnPath", "v2": "FeedbackForwardingEmailAddress", "smtp": "MAIL FROM"}


def unreadable_address(submission: Submission) -> tuple[str, str] | None:
    """The first address that cannot be read, as far as it is shown, and the parameter or field that it stands in."""
    content, door = submission.content, _door_of(submission)
    named: list[tuple[str, str | None]] = [
        (_SOURCES[door], submission.source),
        (_RETURN_PATHS[door], submission.return_path),
    ]
    to = [("the recipients", text) for text in submission.destinations]
    if isinstance(content, RawContent):
        named += _fields(content.data, (b"from", b"sender", b"return-path"))
        lists = _fields(content.data, (b"to", b"cc", b"bcc", b"reply-to"))
        listed = [(name, one) for name, text in lists for one in map(str.strip, _OF_LIST.findall(text))]
        if (found := _unreadable(read_address_list, listed)) is not None:
            return _unreadable(parse_mailbox, named) or found
    else:
        named += [("ReplyToAddresses", text) for text in content.reply_to]
        given = (("ToAddresses", content.to), ("CcAddresses", content.cc), ("BccAddresses", content.bcc))
        to += [(name, text) for name, texts in given for text in texts]
    return _unreadable(parse_mailbox, named) or _unreadable(parse_recipient, to)


def _unreadable(
    read: Callable[[str], object], named: Iterable[tuple[str, str | None]]
) -> tuple[str, str] | None:
    for name, text in named:
        try:
            if text:
                read(text)
        except AddressError:
            return (text or "")[:_MOST_SHOWN], name
    return None


def _fields(message: bytes, keys: Sequence[bytes]) -> Iterator[tuple[str, str]]:
    """Fields of a raw message with their bodies."""
    for field in _header_fields(_beginning(message)):
        if field.key in keys and field.value.strip() != b"<>":
            yield field.name.decode("ascii"), " ".join(field.value.decode("utf-8", "replace").split())


def _header_fields(beginning: bytes) -> tuple[HeaderField, ...]:
    """The header fields with which a message begins; none where they cannot be read."""
    try:
        return header.scan(beginning)[0]
    except header.MessageError:
        return ()


def _beginning(message: bytes) -> bytes:
    """The lines of a raw message that are looked at again, in canonical form; none where that cannot be told."""
    if len(message) > _MOST_BYTES:
        message = message[: message.rfind(b"\n", 0, _MOST_BYTES) + 1]
    try:
        return header.canonical_newlines(message)
    except header.MessageError:
        return b""
