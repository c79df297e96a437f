"""The send that is asked about, as its door would take it in: who would send, from where, and what."""

from collections.abc import Mapping
from dataclasses import dataclass

from sesame.aws.arn import template_arn
from sesame.errors import InvalidParameterValue
from sesame.mail.build import Text
from sesame.model import Caller, Principal
from sesame.sending.submission import RawContent, SimpleContent, Submission

DOORS: Mapping[str, tuple[str, str, str]] = {
    "v2": ("SendEmail", "ses:SendEmail", "2"),
    "v2-raw": ("SendEmail", "ses:SendRawEmail", "2"),
    "v1": ("SendEmail", "ses:SendEmail", "1"),
    "v1-raw": ("SendRawEmail", "ses:SendRawEmail", "1"),
    "smtp": ("SendSmtpEmail", "ses:SendRawEmail", "2"),
    "v2-template": ("SendEmail", "ses:SendTemplatedEmail", "2"),
    "v1-template": ("SendTemplatedEmail", "ses:SendTemplatedEmail", "1"),
    "v2-bulk": ("SendBulkEmail", "ses:SendBulkEmail", "2"),
    "v1-bulk": ("SendBulkTemplatedEmail", "ses:SendBulkTemplatedEmail", "1"),
}
"""The ways to send that can be asked about: operation, action and version of the API."""
RAW = ("v2-raw", "v1-raw", "smtp")
TEMPLATED = ("v2-template", "v1-template", "v2-bulk", "v1-bulk")
V1_SIMPLE = ("v1", "v1-template", "v1-bulk")
"""Where an identity is lent by SourceArn alone."""
_MAX_BYTES = 10 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A send as it would be made; addresses as a client writes them, empty ones are not named."""

    who: str
    """An ARN, an account id for its root, or a service's host name."""
    door: str
    from_address: str
    from_arn: str
    source: str
    """Source, or MAIL FROM; of a whole message alone."""
    source_arn: str
    return_path: str
    return_path_arn: str
    recipients: tuple[str, ...]
    configuration_set: str
    template: str
    """The name of a template of the sender's account, for what is sent with one; empty for one in the request."""
    acting_for: str
    """The account that a service acts for; empty for the asker's."""
    acting_arn: str
    """The resource of that account on whose behalf it sends, if it names one."""
    at: float
    source_ip: str
    secure: bool
    user_agent: str


def caller_of(caller: Caller, principal: Principal, question: Question) -> Caller:
    """Who would send, and from where."""
    return Caller(
        principal=principal,
        access_key_id="",
        region=caller.region,
        source_ip=question.source_ip,
        secure_transport=question.secure,
        user_agent=question.user_agent or None,
        at=question.at,
        request_id="",
        api_version=DOORS[question.door][2],
        source_arn=question.acting_arn or None,
    )


def submission_of(question: Question, sender: Caller) -> Submission:
    """The send as its door would have it. Raises `InvalidParameterValue`."""
    operation, action, version = DOORS[question.door]
    is_raw = question.door in RAW
    if question.source and not is_raw:
        raise InvalidParameterValue(
            "A Source of its own is given with a whole message alone; otherwise it is the From address."
        )
    content: RawContent | SimpleContent
    if is_raw:
        content = RawContent(data=_raw(question))
    else:
        content = SimpleContent(
            to=question.recipients, cc=(), bcc=(), reply_to=(),
            subject=Text(data="", charset=None), text=Text(data="", charset=None), html=None,
        )  # fmt: skip
    by_parameter = question.door != "smtp"
    from_arn = question.from_arn or None
    source_arn = question.source_arn or (from_arn if question.door.startswith("v2") else None)
    return Submission(
        operation=operation,
        action=action,
        api_version=version,
        content=content,
        source=(question.source or question.from_address)
        if question.door != "v1-raw"
        else question.source or None,
        destinations=question.recipients if is_raw else (),
        return_path=(question.return_path or None) if question.door not in ("v1-raw", "smtp") else None,
        source_arn=(source_arn or (from_arn if question.door in V1_SIMPLE else None))
        if by_parameter
        else None,
        from_arn=from_arn if by_parameter and question.door not in V1_SIMPLE else None,
        return_path_arn=(question.return_path_arn or None) if by_parameter else None,
        configuration_set=question.configuration_set or None,
        tags=(),
        max_bytes=_MAX_BYTES,
        resources=(template_arn(sender.region, sender.principal.account_id, question.template),)
        if question.template
        else (),
    )


def _raw(question: Question) -> bytes:
    """The shortest message that says it."""
    fields = {"From": question.from_address, "To": ", ".join(question.recipients)}
    if question.return_path and question.door in ("v1-raw", "smtp"):
        fields["Return-Path"] = question.return_path
    if question.door == "smtp":
        fields |= {
            "X-SES-FROM-ARN": question.from_arn,
            "X-SES-SOURCE-ARN": question.source_arn or question.from_arn,
            "X-SES-RETURN-PATH-ARN": question.return_path_arn,
        }
    if any("\r" in value or "\n" in value for value in fields.values()):
        raise InvalidParameterValue("A field has one line.")
    lines = [f"{name}: {value}" for name, value in fields.items() if value]
    return ("\r\n".join([*lines, "", ""])).encode()
