"""The ways to send one and the same message: a table of doors that authorization must not tell apart.

Each way says how it words the sender, the feedback address, the recipients and the ARN, what policy
must see of it, and what its answers mean.
"""

import base64
import smtplib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.support.process import Account, SesameProcess
from tests.support.rest_client import RestClient
from tests.support.signed_client import SignedClient
from tests.support.submission import logged_in

DECISIONS = {
    "": "allowed",
    "AccessDenied": "denied",
    "AccessDeniedException": "denied",
    "InvalidParameterValue": "invalid",
    "BadRequestException": "invalid",
    "MessageRejected": "unverified",
}
SMTP_DECISIONS = {
    "Access denied": "denied",
    "Message rejected": "unverified",
    "Transaction failed": "invalid",
}
SENDS_V2 = "/v2/email/outbound-emails"


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What is to be sent. `feedback` None: to the From address. `arn` None: no ARN is named."""

    from_address: str
    display_name: str | None
    feedback: str | None
    recipients: tuple[str, ...]
    arn: str | None

    @property
    def from_(self) -> str:
        """The From mailbox as a client writes it."""
        return (
            self.from_address if self.display_name is None else f"{self.display_name} <{self.from_address}>"
        )

    def raw(self, **fields: str | None) -> bytes:
        """The message itself, with more fields before its own."""
        header = {**fields, "From": self.from_, "To": self.recipients[0], "Subject": "Hello"}
        lines = [f"{name.replace('_', '-')}: {value}" for name, value in header.items() if value is not None]
        return "\r\n".join([*lines, "", "Hello.", ""]).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a way answered: a decision of `DECISIONS`, the code behind it and the words with it."""

    decision: str
    code: str
    words: str


@dataclass(slots=True)
class Clients:
    """The connections of one caller, one for each protocol, opened when first used."""

    sesame: SesameProcess
    keys: Account
    stack: ExitStack
    _open: dict[str, Any] = field(default_factory=dict)

    @property
    def query(self) -> SignedClient:
        """SES v1."""
        if "query" not in self._open:
            self._open["query"] = self.stack.enter_context(SignedClient(self.sesame.api, self.keys))
        client: SignedClient = self._open["query"]
        return client

    @property
    def rest(self) -> RestClient:
        """SES v2."""
        if "rest" not in self._open:
            self._open["rest"] = self.stack.enter_context(RestClient(self.sesame.api, self.keys))
        client: RestClient = self._open["rest"]
        return client

    @property
    def smtp(self) -> smtplib.SMTP:
        """The submission door, inside TLS and logged in."""
        if "smtp" not in self._open:
            self._open["smtp"] = self.stack.enter_context(logged_in(self.sesame, self.keys))
        client: smtplib.SMTP = self._open["smtp"]
        return client


@contextmanager
def clients_of(sesame: SesameProcess, callers: Mapping[str, Account]) -> Iterator[dict[str, Clients]]:
    """Clients for each caller, closed at the end."""
    with ExitStack() as stack:
        yield {name: Clients(sesame, keys, stack) for name, keys in callers.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way. `action` and `api_version` are what policy must see of it.

    `arns` are the uses that it names the letter's ARN for; `source` says which address is its Source
    or MAIL FROM: the From address, or the feedback address where no parameter carries that.
    """

    name: str
    action: str
    api_version: str
    send: Callable[[Clients, Letter], Answer]
    arns: tuple[str, ...]
    source: str = "From"
    secure_transport: str = "false"

    def addresses(self, letter: Letter) -> dict[str, str]:
        """The address of each use that must be authorised."""
        feedback = letter.feedback or letter.from_address
        source = feedback if self.source == "feedback" else letter.from_address
        return {"From": letter.from_address, "Source": source, "Return-Path": feedback}


def _listed(name: str, values: tuple[str, ...]) -> dict[str, str]:
    return {f"{name}.member.{number}": value for number, value in enumerate(values, 1)}


def _query(clients: Clients, action: str, parameters: Mapping[str, str | None]) -> Answer:
    given = {name: value for name, value in parameters.items() if value is not None}
    reply = clients.query.call(action, given)
    return Answer(decision=DECISIONS.get(reply.code, "other"), code=reply.code, words=reply.message)


def _v1_simple(clients: Clients, letter: Letter) -> Answer:
    parameters: dict[str, str | None] = {
        "Source": letter.from_,
        "SourceArn": letter.arn,
        "ReturnPath": letter.feedback,
        "Message.Subject.Data": "Hello",
        "Message.Body.Text.Data": "Hello.",
        **_listed("Destination.ToAddresses", letter.recipients[:1]),
        **_listed("Destination.BccAddresses", letter.recipients[1:]),
    }
    return _query(clients, "SendEmail", parameters)


def _v1_raw(clients: Clients, letter: Letter) -> Answer:
    parameters: dict[str, str | None] = {
        "Source": letter.feedback or letter.from_address,
        "SourceArn": letter.arn,
        "FromArn": letter.arn,
        "RawMessage.Data": _base64(letter.raw()),
        **_listed("Destinations", letter.recipients),
    }
    return _query(clients, "SendRawEmail", parameters)


def _v1_headers(clients: Clients, letter: Letter) -> Answer:
    raw = letter.raw(
        X_SES_SOURCE_ARN=letter.arn,
        Return_Path=None if letter.feedback is None else f"<{letter.feedback}>",
        Bcc=", ".join(letter.recipients[1:]) or None,
    )
    return _query(clients, "SendRawEmail", {"RawMessage.Data": _base64(raw)})


def _v2(clients: Clients, letter: Letter, content: dict[str, Any]) -> Answer:
    destination = {"ToAddresses": letter.recipients[:1], "BccAddresses": letter.recipients[1:]}
    request = {
        "FromEmailAddress": letter.from_,
        "FromEmailAddressIdentityArn": letter.arn,
        "FeedbackForwardingEmailAddress": letter.feedback,
        "Destination": destination,
        "Content": content,
    }
    reply = clients.rest.call("POST", SENDS_V2, request)
    return Answer(decision=DECISIONS.get(reply.code, "other"), code=reply.code, words=reply.message)


def _v2_simple(clients: Clients, letter: Letter) -> Answer:
    simple = {"Subject": {"Data": "Hello"}, "Body": {"Text": {"Data": "Hello."}}}
    return _v2(clients, letter, {"Simple": simple})


def _v2_template(clients: Clients, letter: Letter) -> Answer:
    parts = {"Subject": "Hello", "Text": "Hello {{name}}."}
    return _v2(clients, letter, {"Template": {"TemplateContent": parts, "TemplateData": '{"name": "you"}'}})


def _v2_raw(clients: Clients, letter: Letter) -> Answer:
    return _v2(clients, letter, {"Raw": {"Data": _base64(letter.raw())}})


def _smtp(clients: Clients, letter: Letter) -> Answer:
    raw = letter.raw(X_SES_SOURCE_ARN=letter.arn, X_SES_FROM_ARN=letter.arn)
    try:
        clients.smtp.sendmail(letter.feedback or letter.from_address, letter.recipients, raw)
    except smtplib.SMTPDataError as error:
        words = error.smtp_error if isinstance(error.smtp_error, str) else error.smtp_error.decode()
        decision = SMTP_DECISIONS.get(words.partition(":")[0], "other")
        return Answer(decision=decision, code=str(error.smtp_code), words=words)
    return Answer(decision="allowed", code="", words="")


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


WAYS = (
    Way(name="v1 SendEmail", action="ses:SendEmail", api_version="1", send=_v1_simple, arns=("Source",)),
    Way(
        name="v1 SendRawEmail, parameters",
        action="ses:SendRawEmail",
        api_version="1",
        send=_v1_raw,
        arns=("Source", "From"),
        source="feedback",
    ),
    Way(
        name="v1 SendRawEmail, fields",
        action="ses:SendRawEmail",
        api_version="1",
        send=_v1_headers,
        arns=("Source",),
    ),
    Way(name="v2 Simple", action="ses:SendEmail", api_version="2", send=_v2_simple, arns=("Source", "From")),
    Way(
        name="v2 Template",
        action="ses:SendTemplatedEmail",
        api_version="2",
        send=_v2_template,
        arns=("Source", "From"),
    ),
    Way(name="v2 Raw", action="ses:SendRawEmail", api_version="2", send=_v2_raw, arns=("Source", "From")),
    Way(
        name="SMTP",
        action="ses:SendRawEmail",
        api_version="2",
        send=_smtp,
        arns=("Source", "From"),
        source="feedback",
        secure_transport="true",
    ),
)
