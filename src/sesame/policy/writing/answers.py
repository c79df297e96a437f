"""What an owner answers when asked who may send, and what is wrong with an answer.

`normal` brings answers to one form: each network and address once, domains in lower case, a root's ARN as its account.
An answer that no policy can keep is refused with its question and what to write instead. Sources: SES developer
guide "sending authorization policies"; RFC 4632 and RFC 4291 for networks.
"""

import ipaddress
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import Enum

from sesame.policy.language.document import Principal, normal_identity_arn
from sesame.policy.language.forms import PrincipalForm, is_account_id, read_principal


class Way(Enum):
    """A way to send, with the actions that it needs."""

    MAIL = "mail"
    """Messages of any kind, by the API or by SMTP."""
    RAW = "raw"
    """Whole messages only: SMTP, SendRawEmail, and SendEmail with raw content."""
    TEMPLATES = "templates"
    """Stored templates, one message per call."""
    BULK = "bulk"
    """Stored templates, many messages per call."""


ACTIONS: dict[Way, tuple[str, ...]] = {
    Way.MAIL: ("ses:SendEmail", "ses:SendRawEmail"),
    Way.RAW: ("ses:SendRawEmail",),
    Way.TEMPLATES: ("ses:SendTemplatedEmail",),
    Way.BULK: ("ses:SendBulkTemplatedEmail", "ses:SendBulkEmail"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Who may send as an identity, and how. In addresses and names `*` is any text and `?` any character.

    An empty tuple asks for nothing: any address that the identity covers, any display name, from anywhere.
    """

    identity_arn: str
    principals: tuple[str, ...] = ()
    """Accounts by their 12 digits; users, roles, sessions and federated users by their ARNs."""
    services: tuple[str, ...] = ()
    """Services by host name, such as `cognito-idp.amazonaws.com`."""
    acting_for: tuple[str, ...] = ()
    """Accounts for which these services may act; needed when there are services."""
    from_addresses: tuple[str, ...] = ()
    display_names: tuple[str, ...] = ()
    feedback_addresses: tuple[str, ...] = ()
    """Where bounces may be sent: Return-Path, or the envelope sender."""
    recipients: tuple[str, ...] = ()
    """Each recipient of a message, including Bcc, must match one of these."""
    networks: tuple[str, ...] = ()
    """CIDR ranges or addresses that requests come from, as the server sees them."""
    begins_at: int | None = None
    """Unix seconds at which it begins."""
    ends_at: int | None = None
    """Unix seconds at which it ends."""
    ways: tuple[Way, ...] = (Way.MAIL,)


@dataclass(frozen=True, slots=True)
class AnswerError(ValueError):
    """An answer from which no policy can be made; `question` is the field of `Answers`."""

    question: str
    message: str

    def __str__(self) -> str:
        return self.message


_HOST = re.compile(r"(?:[a-z0-9-]+\.)+[a-z]+")
_LAST = 253402300799  # the last second of the year 9999
_MAPPED = 96  # bits before the IPv4 address in a mapped one


def normal(answers: Answers) -> Answers:
    """The same answers in normal form; raises AnswerError."""
    owner = _owner(answers.identity_arn)
    principals = _principals(answers.principals, owner)
    services = _each(answers.services, "services", _service)
    acting_for = _each(answers.acting_for, "acting_for", _account)
    if not principals and not services:
        raise AnswerError("principals", "no sender is named: give an account, a user, a role or a service")
    if services and not acting_for:
        message = "a service acts for many customers: say for which accounts it may send"
        raise AnswerError("acting_for", message)
    if acting_for and not services:
        raise AnswerError(
            "acting_for", "accounts are given for a service to act for, but no service is named"
        )
    if not answers.ways:
        raise AnswerError("ways", "choose at least one way to send")
    ways = [way for way in Way if way in answers.ways]
    if Way.MAIL in ways and Way.RAW in ways:
        ways.remove(Way.RAW)
    _check_window(answers)
    return replace(
        answers,
        identity_arn=normal_identity_arn(answers.identity_arn),
        principals=principals,
        services=services,
        acting_for=acting_for,
        from_addresses=_each(answers.from_addresses, "from_addresses", _address),
        display_names=_each(answers.display_names, "display_names", _text),
        feedback_addresses=_each(answers.feedback_addresses, "feedback_addresses", _address),
        recipients=_each(answers.recipients, "recipients", _address),
        networks=_networks(answers.networks),
        ways=tuple(ways),
    )


def _owner(identity_arn: str) -> str:
    fields = identity_arn.split(":", 5)
    is_identity = len(fields) == 6 and fields[2] == "ses" and fields[5].startswith("identity/")
    if not is_identity or not is_account_id(fields[4]):
        message = (
            f"`{identity_arn}` is not the ARN of an identity: write arn:aws:ses:REGION:ACCOUNT:identity/NAME"
        )
        raise AnswerError("identity_arn", message)
    return fields[4]


def _each(values: Iterable[str], question: str, read: Callable[[str, str], str]) -> tuple[str, ...]:
    """Every value in its normal form, once, in the order given."""
    return tuple(dict.fromkeys(read(value, question) for value in values))


def _principals(values: Iterable[str], owner: str) -> tuple[str, ...]:
    """Those named; what an account's own naming covers already is left out."""

    def read(value: str, question: str) -> str:
        form, name = read_principal(Principal(kind="AWS", value=value.strip()))
        if form is PrincipalForm.ANYBODY:
            raise AnswerError(question, "`*` would allow everybody: name accounts, users or roles")
        if form not in (PrincipalForm.ACCOUNT, PrincipalForm.NAME):
            message = (
                f"`{value}` is not a principal: write 12 digits, or the ARN of a user, a role or a session"
            )
            raise AnswerError(question, message)
        if name == owner:
            message = f"`{value}` owns the identity: its IAM policies decide; name its users or roles, if any"
            raise AnswerError(question, message)
        return name

    named = _each(values, "principals", read)
    return tuple(name for name in named if is_account_id(name) or name.split(":")[4] not in named)


def _service(value: str, question: str) -> str:
    name = value.strip().lower()
    if not _HOST.fullmatch(name):
        raise AnswerError(
            question, f"`{value}` is not a service: write its host name, as cognito-idp.amazonaws.com"
        )
    return name


def _account(value: str, question: str) -> str:
    if not is_account_id(value.strip()):
        raise AnswerError(question, f"`{value}` is not an account: write its 12 digits")
    return value.strip()


def _text(value: str, question: str) -> str:
    if not value.strip() or not value.isprintable():
        raise AnswerError(question, f"`{value}` is empty or contains unprintable characters")
    if "${" in value:
        raise AnswerError(question, f"`{value}` would be read as a policy variable: leave out `${{`")
    return value


def is_pattern(value: str) -> bool:
    """Whether an answer stands for more than one text, or for none that is known."""
    return bool(set(value) & set("*?")) or "${" in value


def _address(value: str, question: str) -> str:
    """An address or a pattern of addresses, its domain in lower case as senders write it."""
    text = _text(value.strip(), question)
    if "<" in text or " " in text:
        raise AnswerError(
            question, f"`{value}` contains more than the address: leave out the name and brackets"
        )
    local_part, at, domain = text.rpartition("@")
    if not at and "*" not in text:
        raise AnswerError(
            question,
            f"`{value}` is not an address: write name@domain, or *@domain for every address of a domain",
        )
    return f"{local_part}{at}{domain.lower()}"


def _networks(values: Iterable[str]) -> tuple[str, ...]:
    """The same addresses in as few ranges as there can be."""
    four: list[ipaddress.IPv4Network] = []
    six: list[ipaddress.IPv6Network] = []
    for value in values:
        try:
            network = ipaddress.ip_network(value.strip(), strict=False)
        except ValueError:
            message = f"`{value}` is not a network: write 203.0.113.0/24, 2001:db8::/32 or one address"
            raise AnswerError("networks", message) from None
        if isinstance(network, ipaddress.IPv4Network):
            four.append(network)
        elif (mapped := network.network_address.ipv4_mapped) is not None and network.prefixlen >= _MAPPED:
            four.append(ipaddress.IPv4Network((mapped, network.prefixlen - _MAPPED), strict=False))
        else:
            six.append(network)
    return (
        *map(str, ipaddress.collapse_addresses(four)),
        *map(str, ipaddress.collapse_addresses(six)),
    )


def _check_window(answers: Answers) -> None:
    begins_at, ends_at = answers.begins_at, answers.ends_at
    for question, moment in (("begins_at", begins_at), ("ends_at", ends_at)):
        if moment is not None and not 0 <= moment <= _LAST:
            raise AnswerError(question, "the time is before 1970 or after 9999")
    if begins_at is not None and ends_at is not None and ends_at <= begins_at:
        raise AnswerError("ends_at", "the end is before the beginning")


def written_moment(moment: int) -> str:
    """Unix seconds as policies write a moment."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
