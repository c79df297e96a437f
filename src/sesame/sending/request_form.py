"""What a client named in a send, as it wrote it, so that a refusal can be explained in its own words.

Which ARNs stand under which parameter or field, through which door, and which fields look like an X-SES field but are
none or are not read. It decides nothing.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from difflib import get_close_matches
from functools import lru_cache

from sesame.mail import header
from sesame.mail.address import AddressError, parse_mailbox, parse_recipient, read_address_list
from sesame.mail.header import HeaderField
from sesame.sending.submission import RawContent, Submission

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
"""Of a longer raw message nothing is looked at again."""
_MOST_SHOWN = 200
"""So many characters of an address that cannot be read."""

Odd = tuple[str, str, str]
"""A field that is not what it seems: `misspelt` or `second`, its name as written, and the right name."""


def door_of(submission: Submission) -> str:
    """`v1`, `v2` or `smtp`: what decides how ARNs are named."""
    if submission.api_version == "1":
        return "v1"
    return "smtp" if submission.operation == "SendSmtpEmail" else "v2"


def named_arns(
    submission: Submission, source: str | None, from_: str | None, return_path: str | None
) -> tuple[tuple[str, str], ...]:
    """The ARNs in force by the parameter or field that they stand in, each once."""
    if not (source or from_ or return_path or submission.bound_arns):
        return ()
    if door_of(submission) == "v2":
        names = ("FromEmailAddressIdentityArn",) * 2 + ("FeedbackForwardingEmailAddressIdentityArn",)
    else:
        names = ("SourceArn", "FromArn", "ReturnPathArn")
    given = (submission.source_arn, submission.from_arn, submission.return_path_arn)
    fields = [field.upper() for field in ARN_FIELDS]
    found: dict[tuple[str, str], None] = {}
    for name, field, parameter, arn in zip(names, fields, given, (source, from_, return_path), strict=True):
        if arn:
            found[name if parameter else field, arn] = None
    for arn in submission.bound_arns:
        found["the SMTP credential", arn] = None
    return tuple(found)


def odd_fields(fields: Sequence[HeaderField]) -> tuple[Odd, ...]:
    """Fields that are nearly an X-SES field, and second instances of one, which are not looked at."""
    perhaps = [field for field in fields if _is_perhaps_odd(field.key)]
    return tuple(_odd(perhaps))[:_MOST_ODD] if perhaps else ()


@lru_cache(maxsize=1024)  # the same names come in message after message
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
            seen.add(key)
            continue
        near = get_close_matches(_letters(field.key).decode("ascii"), _LETTERS, n=1, cutoff=0.8)
        if near:
            yield "misspelt", field.name.decode("ascii"), _LETTERS[near[0]].upper()


_OF_LIST = re.compile(r'(?:[^",]|"[^"]*"?)+')
"""One address of a list: what stands between commas outside quotation marks."""

_SOURCES = {"v1": "Source", "v2": "FromEmailAddress", "smtp": "MAIL FROM"}
_RETURN_PATHS = {"v1": "ReturnPath", "v2": "FeedbackForwardingEmailAddress", "smtp": "MAIL FROM"}


def unreadable_address(submission: Submission) -> tuple[str, str] | None:
    """The first address that cannot be read, as far as it is shown, and the parameter or field that it stands in."""
    content, door = submission.content, door_of(submission)
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
    """Fields of a raw message with their bodies; nothing of a large one, or of one that is none."""
    if len(message) > _MOST_BYTES:
        return
    try:
        fields, _ = header.scan(header.canonical_newlines(message))
    except header.MessageError:
        return
    for field in fields:
        if field.key in keys and field.value.strip() != b"<>":
            yield field.name.decode("ascii"), " ".join(field.value.decode("utf-8", "replace").split())
