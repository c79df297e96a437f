"""Addresses: the one strict parser that decides what an address says (I7).

Reads a single mailbox as API parameters and From carry it, and the lists of To, Cc, Bcc and
Reply-To. It knows no comments, routes, obsolete forms, address literals or non-ASCII addresses:
what two readers could take for two addresses is refused. Quoted local parts are read only where
quotes are needed for dots alone (`"a..b"@docomo.example`), so that a mailbox has one spelling.
Sources: RFC 5321 sections 4.1.2 and 4.5.3.1, RFC 5322 section 3.4, SES developer guide (texts).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from sesame.errors import SesameError
from sesame.mail import words
from sesame.mail.domain import DomainError, check_labels, normal_domain, parents

__all__ = [
    "AddressError",
    "Mailbox",
    "covers",
    "identity_candidates",
    "normal_domain",
    "parse_addr_spec",
    "parse_mailbox",
    "parse_mailbox_list",
    "without_label",
]


class AddressError(SesameError):
    """Text that is not the address it should be; the message is in the words of SES."""


LOCAL_PART_LIMIT, PATH_LIMIT = 64, 254  # octets, RFC 5321 section 4.5.3.1 (256 with the brackets)
MAILBOX_LIMIT = 320  # octets of the whole `Name <addr-spec>`, observed

_KEPT = 1024
"""Readings that are kept: the same senders come with message after message."""

_ATEXT = r"A-Za-z0-9!#$%&'*+/=?^_`{|}~\-"
_LABEL = r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)"
_ADDR_SPEC = re.compile(
    rf'(?P<local>(?>[{_ATEXT}]++(?:\.[{_ATEXT}]++)*)|"[{_ATEXT}.]++")@(?P<domain>(?>{_LABEL}(?:\.{_LABEL})*))'
)
_WORD = rf'(?:[{_ATEXT}.\x80-\U0010ffff]++|"(?>(?:[^"\\]++|\\.)*)")'
_PHRASE = rf"(?>{_WORD}(?: ++{_WORD})*)"
_MAILBOX = re.compile(
    rf" *+(?:(?P<phrase>{_PHRASE})? *+<(?P<angle>[^<>]*+)>"
    rf'|(?P<bare>(?>(?:"[{_ATEXT}.]++")?)[^ ,;:<>()\[\]\\"]++)) *+'
)
_GROUP = re.compile(rf" *+{_PHRASE} *+:")
_PHRASE_WORD = re.compile(_WORD)
_PLAIN_NAME = re.compile(rf"(?>[{_ATEXT}]++(?: [{_ATEXT}]++)*)")
_ENCODED_WORD = re.compile(r"=\?[^?]*\?[bBqQ]\?")
# C0, DEL, C1 with U+0085, line and paragraph separator, lone surrogates
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """One mailbox; `display_name` is decoded text, `local_part` and `domain` are as given, ASCII."""

    display_name: str | None
    local_part: str
    domain: str

    @property
    def addr_spec(self) -> str:
        """The address without its display name."""
        return f"{self.local_part}@{self.domain}"

    @property
    def words(self) -> tuple[str, ...]:
        """The canonical form in pieces between which a header line may be folded."""
        if self.display_name is None:
            return (self.addr_spec,)
        return (*written_name(self.display_name), f"<{self.addr_spec}>")

    @property
    def text(self) -> str:
        """The canonical form for a header, on one line: quoted or RFC 2047 display name."""
        return " ".join(self.words)


def written_name(name: str) -> list[str]:
    """A display name as header words: atoms, one quoted-string, or encoded-words (RFC 5322 3.2.5)."""
    if not name.isascii() or "=?" in name:
        return words.encode(name)
    if _PLAIN_NAME.fullmatch(name):
        return name.split(" ")
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return [f'"{escaped}"']


def parse_addr_spec(text: str) -> tuple[str, str]:
    """Local part and domain of an address, exactly as given (RFC 5321 section 4.1.2, 7-bit).

    A domain needs no dot. Raises AddressError for all else: literals, needless quotes, bad A-labels,
    a number as top-level domain, over 64 octets before the `@` or 254 in all.
    """
    match = _ADDR_SPEC.fullmatch(text)
    if match is None:
        raise AddressError(_complaint(text))
    local_part, domain = match["local"], match["domain"]
    if len(local_part) > LOCAL_PART_LIMIT or len(text) > PATH_LIMIT or _ENCODED_WORD.search(local_part):
        raise AddressError("Illegal address")
    if local_part[0] == '"' and _ADDR_SPEC.fullmatch(f"{local_part[1:-1]}@{domain}"):
        raise AddressError("Illegal address")
    try:
        check_labels(domain)
    except DomainError as error:
        raise AddressError("Illegal address") from error
    return local_part, domain


def _complaint(text: str) -> str:
    """What is wrong with an address that does not parse, in the words of SES."""
    local_part, at, domain = text.rpartition("@")
    if not at or not domain:
        return "Missing final '@domain'"
    if not local_part:
        return "Missing local name"
    if not text.isascii():
        return "Address contains non-ASCII characters"
    if any(character <= " " or character == "\x7f" for character in local_part):
        return "Local address contains control or whitespace"
    if any(character <= " " or character == "\x7f" for character in domain):
        return "Domain contains control or whitespace"
    if domain.startswith("."):
        return "Domain starts with dot"
    if ".." in domain:
        return "Domain contains dot-dot"
    return "Illegal address"


@lru_cache(maxsize=_KEPT)
def parse_mailbox(text: str) -> Mailbox:
    """The one mailbox that an API parameter or a From names: `a@b`, `Name <a@b>`, `"Q, N" <a@b>`.

    Non-ASCII display names are read, as such or as encoded-words. Angle brackets in a display name,
    and an `@` in one that must be encoded or escaped, are refused: a reader that decodes before it
    parses, or knows no escapes, would find another address there. Raises AddressError.
    """
    _check_text(text)
    match = _MAILBOX.fullmatch(text)
    if match is None:
        raise AddressError(_list_complaint(text))
    mailbox = _mailbox(match)
    if mailbox.display_name is not None and _hides_address(mailbox.display_name):
        raise AddressError("Illegal address")
    return mailbox


def _hides_address(name: str) -> bool:
    if "<" in name or ">" in name:
        return True
    return "@" in name and (not name.isascii() or '"' in name or "\\" in name or "=?" in name)


def parse_mailbox_list(text: str) -> tuple[Mailbox, ...]:
    """The mailboxes of To, Cc, Bcc or Reply-To, those in groups included (RFC 5322 section 3.4).

    Empty places between commas are passed over: every reader agrees about them. Raises AddressError.
    """
    _check_text(text)
    return tuple(_mailboxes(text))


def _mailboxes(text: str) -> Iterator[Mailbox]:
    at, in_group = 0, False
    while True:
        while text[at : at + 1] in (" ", ","):
            at += 1
        if at == len(text):
            if in_group:
                raise AddressError("Illegal address")
            return
        if in_group and text[at] == ";":
            at, in_group = _next_place(text, at + 1), False
        elif not in_group and (match := _GROUP.match(text, at)):
            at, in_group = match.end(), True
        elif match := _MAILBOX.match(text, at):
            yield _mailbox(match)
            at = match.end()
            if not (in_group and text[at : at + 1] == ";"):
                at = _next_place(text, at)
        else:
            raise AddressError(_list_complaint(text[at:]))


def _next_place(text: str, at: int) -> int:
    """Where the text goes on after the comma, or its end, that must follow a mailbox or group."""
    while text[at : at + 1] == " ":
        at += 1
    if at < len(text) and text[at] != ",":
        raise AddressError("Illegal address")
    return min(at + 1, len(text))


def _check_text(text: str) -> None:
    if _CONTROL.search(text) is None:
        return
    local_part, at, _ = text.rpartition("@")
    place = "Local address" if not at or _CONTROL.search(local_part) else "Domain"
    raise AddressError(f"{place} contains control or whitespace")


def _list_complaint(text: str) -> str:
    stripped = text.strip(" ")
    return _complaint(stripped) if not set(stripped) & set('<>,;:"()') else "Illegal address"


def _mailbox(match: re.Match[str]) -> Mailbox:
    text = match[0].strip(" ")
    if len(text if text.isascii() else text.encode()) > MAILBOX_LIMIT:
        raise AddressError(f"Address length is more than {MAILBOX_LIMIT} bytes long: '{text}'.")
    bare = match["bare"]
    local_part, domain = parse_addr_spec(bare if bare is not None else match["angle"])
    phrase = match["phrase"]
    name = _display_name(phrase) if phrase else None
    return Mailbox(display_name=name or None, local_part=local_part, domain=domain)


def _display_name(phrase: str) -> str:
    """The text that a phrase means; encoded-words count in quotes too, as most readers take them."""
    if '"' not in phrase and "=?" not in phrase:
        return re.sub(" {2,}", " ", phrase)
    parts = [
        re.sub(r"\\(.)", r"\1", word[1:-1]) if word[0] == '"' else word
        for word in _PHRASE_WORD.findall(phrase)
    ]
    try:
        name = words.decode(" ".join(parts)).strip(" ")
    except words.WordError as error:
        raise AddressError("Illegal address") from error
    if _CONTROL.search(name):
        raise AddressError("Illegal address")
    return name


def without_label(addr_spec: str) -> str:
    """The address without its `+label`: `user+x@d` is `user@d` (SES developer guide)."""
    local_part, _, domain = addr_spec.rpartition("@")
    user, plus, _ = local_part.partition("+")
    if not plus or not user or user[0] == '"':
        return addr_spec
    return f"{user}@{domain}"


@lru_cache(maxsize=_KEPT)
def identity_candidates(addr_spec: str) -> tuple[str, ...]:
    """Names of the identities that could cover an address, most specific first.

    The address with its domain in normal form, the same without its label, its domain, then each
    parent domain down to two labels. Raises AddressError if the domain has no normal form.
    """
    local_part, _, domain = addr_spec.rpartition("@")
    normal = _normal(domain)
    address = f"{local_part}@{normal}"
    plain = without_label(address)
    addresses = (address,) if plain == address else (address, plain)
    return (*addresses, normal, *parents(normal))


def covers(identity_name: str, addr_spec: str) -> bool:
    """Does the identity, an address or a domain, cover this address?

    A domain covers subdomains of any depth; an address covers its labels. The local part is
    case-sensitive, the domain is not. Raises AddressError if a domain has no normal form.
    """
    local_part, at, domain = identity_name.rpartition("@")
    return f"{local_part}{at}{_normal(domain)}" in identity_candidates(addr_spec)


def _normal(domain: str) -> str:
    try:
        return normal_domain(domain)
    except DomainError as error:
        raise AddressError("Illegal address") from error
