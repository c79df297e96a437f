"""The grammar of command lines: verbs, the paths of MAIL and RCPT, and their parameters.

Says what a line means, never whether it may come now. Source routes are read and dropped, as
RFC 5321 appendix C asks; addresses are ASCII, since SMTPUTF8 is not offered. Sources: RFC 5321
sections 4.1.1, 4.1.2, 4.1.3 and 4.5.3.1, RFC 1870 (SIZE), 6152 (BODY), 4954 section 5 (AUTH=).
"""

import ipaddress
import re
from dataclasses import dataclass

from sesame.smtp.errors import SmtpError

LOCAL_PART_BYTES, MAILBOX_BYTES = 64, 254
"""RFC 5321 section 4.5.3.1: a path has 256 octets with its brackets, which leaves less than a domain's 255."""

_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]"
_DOT_STRING = rf"(?>{_ATEXT}++(?:\.{_ATEXT}++)*)"
_QUOTED_STRING = r'"(?>(?:[ !#-\[\]-~]++|\\[ -~])*)"'
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN = rf"(?>{_LABEL}(?:\.{_LABEL})*)"
_ADDRESS_LITERAL = r"\[[0-9A-Za-z:.]{1,64}\]"
_MAILBOX = rf"(?P<local_part>{_DOT_STRING}|{_QUOTED_STRING})@(?P<domain>{_DOMAIN}|{_ADDRESS_LITERAL})"
_ROUTE = rf"@{_DOMAIN}(?>(?:,@{_DOMAIN})*):"

_mailbox = re.compile(_MAILBOX).fullmatch
_path = re.compile(rf"<(?:(?:{_ROUTE})?(?P<mailbox>{_MAILBOX}))?>").match
# Without brackets, as in the command-line example of the SES developer guide.
_bare_path = re.compile(rf"(?P<mailbox>{_DOT_STRING}@{_DOMAIN})(?= |$)").match
_any_address = re.compile(r"<?([^<> ]*)").match
_postmaster = re.compile(r"<postmaster>", re.IGNORECASE).match
_parameter = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([!-<>-~]+))?").fullmatch


class CommandSyntaxError(SmtpError):
    """The argument of a command does not follow the grammar."""


class PathSyntaxError(CommandSyntaxError):
    """The path of MAIL or RCPT is not a path; `address` is what stood there, for the reply."""

    def __init__(self, address: str) -> None:
        super().__init__(f"not a mailbox: `{address}`")
        self.address = address


@dataclass(frozen=True, slots=True, kw_only=True)
class PathArgument:
    """What MAIL or RCPT names: a mailbox (empty for the null path) and its parameters, keys in capitals."""

    mailbox: str
    parameters: dict[str, str | None]


def is_mailbox(text: str) -> bool:
    """Whether `text` is a `Mailbox` of RFC 5321 section 4.1.2 within the lengths of section 4.5.3.1."""
    match = _mailbox(text)
    return (
        match is not None
        and len(match["local_part"]) <= LOCAL_PART_BYTES
        and len(text) <= MAILBOX_BYTES
        and (match["domain"][0] != "[" or _is_address_literal(match["domain"][1:-1]))
    )


def _is_address_literal(text: str) -> bool:
    try:
        if text[:5].upper() == "IPV6:":
            ipaddress.IPv6Address(text[5:])
        else:
            ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True


def split_command(line: str) -> tuple[str, str]:
    """The verb in capitals and the argument, without the blanks that end a line."""
    verb, _, argument = line.partition(" ")
    return verb.upper().rstrip("\t"), argument.strip(" \t")


def parse_mail(argument: str) -> PathArgument:
    """The argument of MAIL, `FROM:<reverse-path> parameters`. Raises CommandSyntaxError."""
    return _parse_path(argument, "FROM:")


def parse_rcpt(argument: str) -> PathArgument:
    """The argument of RCPT, `TO:<forward-path> parameters`; Postmaster needs no domain.

    Raises CommandSyntaxError.
    """
    return _parse_path(argument, "TO:")


def _parse_path(argument: str, keyword: str) -> PathArgument:
    if argument[: len(keyword)].upper() != keyword:
        raise CommandSyntaxError(f"`{keyword}` is missing")
    text = argument[len(keyword) :].lstrip(" \t")
    is_forward = keyword == "TO:"
    if is_forward and (postmaster := _postmaster(text)):
        return PathArgument(mailbox="Postmaster", parameters=_parameters(text[postmaster.end() :]))
    match = _path(text) or _bare_path(text)
    mailbox = match["mailbox"] or "" if match else ""
    if match is None or (mailbox and not is_mailbox(mailbox)) or (is_forward and not mailbox):
        found = _any_address(text)
        raise PathSyntaxError(found[1] if found else "")
    return PathArgument(mailbox=mailbox, parameters=_parameters(text[match.end() :]))


def _parameters(text: str) -> dict[str, str | None]:
    if not text:
        return {}
    if text[0] != " ":
        raise CommandSyntaxError("a space must follow the path")
    parameters: dict[str, str | None] = {}
    for word in text.split():
        match = _parameter(word)
        if match is None or (keyword := match[1].upper()) in parameters:
            raise CommandSyntaxError("parameters are malformed or repeated")
        parameters[keyword] = match[2]
    return parameters
