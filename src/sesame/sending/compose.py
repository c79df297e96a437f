"""Build or rewrite the message. Which addresses it sends as, `senders` says.

What comes out is what goes on the wire but for the DKIM signature (I7): X-SES headers and Bcc are
out, Date and Message-ID are in. Choosing what goes into a message is here; writing MIME is
`mail.build`. It authorises nothing.

Sources: SES developer guide, "Sending raw email", "Header fields in Amazon SES"; docs/quirks.md for
what they leave open.
"""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from sesame.access.sends import SendRequest
from sesame.errors import InvalidParameterValue, MessageRejected
from sesame.mail import encoded_words
from sesame.mail.address import AddressError, Mailbox, parse_mailbox, parse_recipient
from sesame.mail.build import build_simple
from sesame.mail.header import HEADER_LIMIT, MessageError
from sesame.mail.message import ParsedMessage, read_message, received_of, rewrite
from sesame.sending.rendering import empty_content, near_name, rendered_content
from sesame.sending.senders import Senders, senders_of_raw, senders_of_simple
from sesame.sending.submission import SMTP, RawContent, SimpleContent, Submission, TemplateContent
from sesame.sending.tags import check_tags, parse_tags_header
from sesame.spool.put import RenderingFailure
from sesame.templates import MissingAttribute, RenderingError

MAX_HOPS = 50
"""Received fields of a message that is taken; one with more goes round in a loop (RFC 5321 section 6.3)."""

MAX_RECIPIENTS = 50
"""To, Cc and Bcc together (SES quota)."""


PARAMETER_FIELDS = frozenset(
    {
        "bcc",
        "cc",
        "content-disposition",
        "content-type",
        "date",
        "from",
        "message-id",
        "mime-version",
        "reply-to",
        "return-path",
        "subject",
        "to",
    }
)
"""Fields that the Headers of v2's simple content may not hold (SES developer guide, "Header fields").

`mail.message.more_fields` refuses Sender and every X-SES field besides.
"""


class Stamp(msgspec.Struct, frozen=True, kw_only=True):
    """What Sesame itself puts on a message."""

    message_id: str
    message_id_field: str
    at: float
    new_boundary: Callable[[], str]


class Composed(msgspec.Struct, frozen=True, kw_only=True):
    """A message ready to be authorised and spooled."""

    request: SendRequest
    source: str
    return_path: str
    subject: str
    tags: dict[str, str]
    data: bytes
    failure: RenderingFailure | None = None
    """Why there is nothing to deliver: the template could not be filled in."""
    configuration_set: str | None = None
    """The set that the request names."""
    source_as_written: str | None = None
    """The envelope sender as the client wrote it, None where that is `source`."""
    operation: str | None = None
    """What the message's events call the way it came."""
    submitted: bytes | None = None
    """The header block of a raw message as it came, None for a message built from parts."""
    tracking: Mapping[str, bool] = msgspec.field(default_factory=dict)
    """As in `Submission`."""


def compose(submission: Submission, stamp: Stamp) -> Composed:
    """The composed message. Raises the ServiceError that SES documents for what is wrong with it."""
    try:
        match submission.content:
            case SimpleContent():
                return _compose_simple(submission, submission.content, stamp)
            case RawContent():
                return _compose_raw(submission, submission.content, stamp)
            case TemplateContent():
                return _compose_template(submission, submission.content, stamp)
    except (AddressError, MessageError) as error:
        raise InvalidParameterValue(str(error)) from error


def _compose_simple(submission: Submission, content: SimpleContent, stamp: Stamp) -> Composed:
    tags = check_tags(submission.tags)
    if not submission.source:
        raise InvalidParameterValue("Source cannot be empty.")
    source = parse_mailbox(submission.source)
    to, cc, bcc = _read_recipients(submission, content.to, content.cc, content.bcc)
    recipients = _check_recipients([mailbox.addr_spec for mailbox in (*to, *cc, *bcc)])
    if sum(map(len, content.reply_to)) > HEADER_LIMIT:
        raise InvalidParameterValue("Header section too long.")
    senders = senders_of_simple(submission, source)
    data = build_simple(
        from_=source,
        to=to,
        cc=cc,
        reply_to=tuple(_recipient(address, submission) for address in content.reply_to),
        subject=content.subject,
        text=content.text,
        html=content.html,
        message_id_field=stamp.message_id_field,
        at=stamp.at,
        new_boundary=stamp.new_boundary,
        extra_fields=_check_headers(content.headers),
        attachments=content.attachments,
    )
    check_size(len(data), submission.max_bytes)
    if content.attachments:
        read_message(data)  # holds the whole to the limits of a message that a client builds
    return _composed(
        submission,
        senders,
        recipients=recipients,
        subject=content.subject.data,
        tags=tags,
        data=data,
        configuration_set=submission.configuration_set,
    )


def _compose_template(submission: Submission, content: TemplateContent, stamp: Stamp) -> Composed:
    """As simple content once it is filled in; all that does not hang on the words is checked before."""
    named = () if content.arn is None else (content.arn,)
    try:
        simple, failure = rendered_content(content), None
    except RenderingError as error:
        simple = empty_content(content)
        near = near_name(error.name, content.data) if isinstance(error, MissingAttribute) else ""
        failure = RenderingFailure(template=content.name, message=str(error), near=near)
    composed = _compose_simple(submission, simple, stamp)
    composed = msgspec.structs.replace(
        composed, request=msgspec.structs.replace(composed.request, resources=named)
    )
    return composed if failure is None else msgspec.structs.replace(composed, data=b"", failure=failure)


def _compose_raw(submission: Submission, content: RawContent, stamp: Stamp) -> Composed:
    check_size(len(content.data), submission.max_bytes)
    message = read_message(content.data)
    if [field.key for field in message.fields].count(b"received") > MAX_HOPS:
        raise MessageRejected(f"Message has more than {MAX_HOPS} Received fields: it goes round in a loop.")
    x_ses = message.x_ses
    tags = check_tags(submission.tags or parse_tags_header(x_ses.get("x-ses-message-tags", "")))
    _refuse_unsupported(x_ses)
    source = parse_mailbox(submission.source) if submission.source else message.from_
    named = (
        _read_recipients(submission, submission.destinations)[0]
        if submission.destinations
        else (*message.to, *message.cc, *message.bcc)
    )
    recipients = _check_recipients([mailbox.addr_spec for mailbox in named])
    return _composed(
        submission,
        senders_of_raw(submission, message, source),
        recipients=recipients,
        subject=message.subject or "",
        tags=tags,
        submitted=_submitted(submission, message, stamp, recipients),
        data=rewrite(message, message_id_field=stamp.message_id_field, at=stamp.at),
        configuration_set=submission.configuration_set or x_ses.get("x-ses-configuration-set"),
    )


def _refuse_unsupported(x_ses: Mapping[str, str]) -> None:
    for name, what in (("x-ses-tenant", "tenants"), ("x-ses-list-management-options", "contact lists")):
        if name in x_ses:
            raise InvalidParameterValue(
                f"Header '{name.upper()}' cannot be honoured: {what} are not supported."
            )


def _submitted(
    submission: Submission, message: ParsedMessage, stamp: Stamp, recipients: Sequence[str]
) -> bytes:
    """The header block as those who are notified see it: mail by SMTP says first how it came, as SES has it."""
    fields = b"".join(field.raw for field in message.fields)
    if not submission.trace:
        return fields
    received = received_of(submission.trace, message_id=stamp.message_id, recipients=recipients, at=stamp.at)
    return received + fields


def _composed(
    submission: Submission,
    senders: Senders,
    *,
    recipients: tuple[str, ...],
    subject: str,
    tags: dict[str, str],
    data: bytes,
    configuration_set: str | None,
    submitted: bytes | None = None,
) -> Composed:
    as_written = submission.source or None
    return Composed(
        request=SendRequest(
            action=submission.action,
            api_version=submission.api_version,
            senders=senders.addresses(submission.bound_arns),
            from_display_name=senders.from_.display_name,
            feedback_address=senders.return_path,
            recipients=recipients,
            resources=submission.resources,
        ),
        source=senders.source,
        return_path=senders.return_path,
        subject=encoded_words.clean(subject),
        tags=tags,
        data=data,
        configuration_set=configuration_set or None,
        source_as_written=None if as_written == senders.source else as_written,
        # How a message came that came by SMTP; the others are called by the action that was allowed.
        operation=SMTP if submission.operation == SMTP else submission.action.partition(":")[2],
        submitted=submitted,
        tracking=submission.tracking,
    )


def _recipient(text: str, submission: Submission) -> Mailbox:
    if not text and submission.api_version == "2":
        raise InvalidParameterValue("Invalid email address .")
    return parse_recipient(text)


def _read_recipients(submission: Submission, *lists: Sequence[str]) -> list[tuple[Mailbox, ...]]:
    """Each list, read as far as it matters: what is behind the first that is too many is not looked at."""
    left, found = MAX_RECIPIENTS + 1, list[tuple[Mailbox, ...]]()
    for addresses in lists:
        found.append(tuple(_recipient(address, submission) for address in addresses[:left]))
        left -= len(found[-1])
    return found


def _check_recipients(addresses: Sequence[str]) -> tuple[str, ...]:
    """The envelope recipients, each once, the case of a domain aside; raises when there are none or too many."""
    if not addresses:
        raise InvalidParameterValue("There are no recipients specified.")
    if len(addresses) > MAX_RECIPIENTS:
        raise InvalidParameterValue(f"Recipient count exceeds {MAX_RECIPIENTS}.")
    once: dict[str, str] = {}
    for address in addresses:
        local_part, _, domain = address.rpartition("@")
        once.setdefault(f"{local_part}@{domain.lower()}", address)
    return tuple(once.values())


def check_size(size: int, limit: int) -> None:
    """Refuse a message over the limit, in SES's words."""
    if size > limit:
        raise InvalidParameterValue(f"Message length is more than {limit} bytes long: '{size}'.")


def _check_headers(fields: Sequence[tuple[str, str]]) -> Sequence[tuple[str, str]]:
    """Refuse the fields that parameters are for, and those that Sesame writes."""
    for name, _ in fields:
        if name.lower() in PARAMETER_FIELDS:
            raise InvalidParameterValue(f"Header '{name}' cannot be given in Headers.")
    return fields
