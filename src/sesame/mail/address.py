"""Addresses: the one strict parser that decides what an address says (I7).

Reads a single mailbox as API parameters and From carry it, and the lists of To, Cc, Bcc and Reply-To.
Comments and phrases are read as people write them; the address itself is taken strictly where it says who
sends: no routes, obsolete forms, address literals or non-ASCII addresses, quoted local parts only where
quotes are needed for dots alone (`"a..b"@docomo.example`), so that a mailbox has one spelling. Whatever is
taken is written anew, in a form in which every reader finds that one mailbox.
Sources: RFC 5321 sections 4.1.2 and 4.5.3.1, RFC 5322 section 3.4, SES developer guide and answers (texts).
"""

import re
from collections.abc import Iterator
from functools import lru_cache

import msgspec

from sesame.errors import SesameError
from sesame.mail import display_name as names
from sesame.mail.display_name import ATEXT, CONTROL, DisplayNameError
from sesame.mail.domain import DomainError, check_labels, normal_domain, parents

__all__ = [
    "AddressError",
    "AddressList",
    "Mailbox",
    "covers",
    "identity_candidates",
    "normal_domain",
    "parse_addr_spec",
    "parse_mailbox",
    "parse_mailbox_list",
    "parse_recipient",
    "read_address_list",
    "without_label",
]


class AddressError(SesameError):
    """Text that is not the address it should be; the message is in the words of SES."""


LOCAL_PART_LIMIT, PATH_LIMIT = 64, 254  # octets, RFC 5321 section 4.5.3.1 (256 with the brackets)
MAILBOX_LIMIT = 320  # octets of the whole `Name <addr-spec>`, observed

_KEPT = 1024
"""Readings that are kept: the same senders come with message after message."""

TEXT_LIMIT = 102_400
"""Longest text that is read, as the whole header block may be."""

_LABEL = r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)"
_ADDR_SPEC = re.compile(
    rf'(?P<local>(?>[{ATEXT}]++(?:\.[{ATEXT}]++)*)|"[{ATEXT}.]++")@(?P<domain>(?>{_LABEL}(?:\.{_LABEL})*))'
)
_QUOTED = r'"(?>(?:[^"\\]++|\\.)*)"'
_LOOSE_SPEC = re.compile(rf"(?P<local>(?>[{ATEXT}]++(?:\.[{ATEXT}]++)*)|{_QUOTED})@(?P<domain>[^@]++)")
_DOT_ATOM = re.compile(rf"(?>[{ATEXT}]++(?:\.[{ATEXT}]++)*)")
_TOKEN = re.compile(
    rf"(?P<blank> ++)|(?P<quoted>{_QUOTED})|(?P<angle><(?>(?:[^<>\"]++|{_QUOTED})*)>)"
    rf"|(?P<word>[{ATEXT}.@\[\]\x80-\U0010ffff]++)|(?P<sign>[,;:])"
)
_IN_COMMENT = re.compile(r"[^()\\]++|\\.|[()]")
_ENCODED_WORD = re.compile(r"=\?[^?]*\?[bBqQ]\?")


class Mailbox(msgspec.Struct, frozen=True, kw_only=True):
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
        return (*names.written(self.display_name), f"<{self.addr_spec}>")

    @property
    def text(self) -> str:
        """The canonical form for a header, on one line: quoted or RFC 2047 display name."""
        return " ".join(self.words)


def parse_addr_spec(text: str) -> tuple[str, str]:
    """Local part and domain of an address, exactly as given (RFC 5321 section 4.1.2, 7-bit).

    A domain needs no dot. Raises AddressError for all else: literals, needless quotes, bad A-labels,
    a number as top-level domain, over 64 octets before the `@` or 254 in all.
    """
    match = _ADDR_SPEC.fullmatch(text[: PATH_LIMIT + 1])
    if match is None:
        raise AddressError(_complaint(text[:TEXT_LIMIT]))
    return _checked_spec(match, text)


def _checked_spec(match: re.Match[str], text: str) -> tuple[str, str]:
    """Local part and domain of what has the form of an address; AddressError as in `parse_addr_spec`."""
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


def _parse_recipient_spec(text: str) -> tuple[str, str]:
    """Local part and domain of somebody who gets mail: any quoted local part, without needless quotes."""
    match = _LOOSE_SPEC.fullmatch(text)
    if match is None or match["local"][0] != '"':
        return parse_addr_spec(text)
    content = re.sub(r"\\(.)", r"\1", match["local"][1:-1])
    if not content.isascii() or not content.isprintable():
        raise AddressError("Local address contains control or whitespace")
    if _DOT_ATOM.fullmatch(content):
        return parse_addr_spec(f"{content}@{match['domain']}")
    escaped = content.replace("\\", "\\\\").replace('"', '\\"')
    _, domain = parse_addr_spec(f"x@{match['domain']}")
    if len(escaped) + 2 > LOCAL_PART_LIMIT or len(escaped) + len(domain) + 3 > PATH_LIMIT:
        raise AddressError("Illegal address")
    return f'"{escaped}"', domain


def _complaint(text: str) -> str:
    """What is wrong with an address that does not parse, in the words of SES."""
    local_part, at, domain = text.rpartition("@")
    if not at or not domain:
        return "Missing final '@domain'"
    if not local_part:
        return "Missing local name"
    if any(character <= " " or character >= "\x7f" for character in local_part):
        return "Local address contains control or whitespace"
    if any(character <= " " or character == "\x7f" for character in domain):
        return "Domain contains control or whitespace"
    if domain.startswith("."):
        return "Domain starts with dot"
    if ".." in domain:
        return "Domain contains dot-dot"
    if not domain.isascii():
        return "Domain contains illegal character"
    return "Illegal address"


@lru_cache(maxsize=_KEPT)
def parse_mailbox(text: str) -> Mailbox:
    """The one mailbox that an API parameter or a From names: `a@b`, `Name <a@b>`, `a@b (Name)`.

    Non-ASCII display names are read, as such or as encoded-words, and names that hold an address are
    written so that no reader takes it for the sender's. Where that cannot be had the text is refused: angle
    brackets in a name, an `@` in one that must be escaped. Raises AddressError.
    """
    mailbox = _one(text, is_sender=True)
    if mailbox.display_name is not None:
        _check_sender_name(mailbox.display_name)
    return mailbox


@lru_cache(maxsize=_KEPT)
def parse_recipient(text: str) -> Mailbox:
    """The one mailbox of somebody who gets the message or its answers; nobody's identity rests on it.

    Taken as `parse_mailbox` does, besides any quoted local part and blanks in angle brackets.
    """
    return _one(text, is_sender=False)


class AddressList(msgspec.Struct, frozen=True):
    """The mailboxes of a field; `is_correct`: it may go out as it is written."""

    mailboxes: tuple[Mailbox, ...]
    is_correct: bool


def parse_mailbox_list(text: str) -> tuple[Mailbox, ...]:
    """The mailboxes of To, Cc, Bcc or Reply-To, those in groups included (RFC 5322 section 3.4)."""
    return read_address_list(text).mailboxes


def read_address_list(text: str) -> AddressList:
    """Read To, Cc, Bcc or Reply-To, groups included (RFC 5322 section 3.4).

    Empty places between commas are passed over: every reader agrees about them. Raises AddressError.
    """
    _check_text(text)
    bare = _ADDR_SPEC.fullmatch(text) if len(text) <= PATH_LIMIT else None
    if bare is not None and text[0] != '"':  # the usual case needs no reader
        local_part, domain = _checked_spec(bare, text)
        return AddressList((Mailbox(display_name=None, local_part=local_part, domain=domain),), True)
    reader = _Reader(text, is_sender=False)
    found = tuple(reader.mailboxes())
    return AddressList(found, reader.is_correct)


def _one(text: str, *, is_sender: bool) -> Mailbox:
    _check_text(text)
    reader = _Reader(text, is_sender=is_sender)
    mailbox, sign = reader.mailbox()
    if mailbox is None or sign:
        raise AddressError("Illegal semicolon, not in group" if sign == ";" else _list_complaint(text))
    return mailbox


def _check_sender_name(name: str) -> None:
    try:
        names.check_sender(name)
    except DisplayNameError as error:
        raise AddressError(str(error)) from error


class _Reader:
    """Reads a text from left to right, once; `is_correct` until it has seen what RFC 5322 does not know."""

    def __init__(self, text: str, *, is_sender: bool) -> None:
        self._text = text
        self._is_sender = is_sender
        self._at = 0
        self.is_correct = True

    def mailboxes(self) -> Iterator[Mailbox]:
        """Every mailbox of a list."""
        in_group, sign = False, ","
        while sign:
            mailbox, sign = self.mailbox(may_open=not in_group)
            if mailbox is not None:
                yield mailbox
            if sign == ":":
                in_group = True
            elif sign == ";":
                if not in_group:
                    raise AddressError("Illegal semicolon, not in group")
                in_group = False
                nothing, sign = self.mailbox(may_open=False)
                if nothing is not None or sign not in ("", ","):
                    raise AddressError("Illegal address")
        if in_group:
            raise AddressError("Illegal address")

    def mailbox(self, *, may_open: bool = False) -> tuple[Mailbox | None, str]:
        """The mailbox up to the next separator, None where there is none, and the separator, "" at the end.

        A ":" comes only if `may_open`, behind the name of a group.
        """
        start, phrase, comments, angle = self._at, _Phrase(), _Phrase(), None
        glued: list[str] = []
        while (token := self._token()) is not None:
            kind, text = token
            if kind == "sign":
                if text == ":" and may_open and phrase.words and angle is None and not phrase.has_at:
                    return None, ":"
                if text == ":":
                    raise AddressError("Illegal address")
                return self._made(start, phrase, comments, angle, glued), text
            if kind == "blank":
                glued.append(" ")
            elif kind == "comment":
                (comments if angle is not None or not phrase.words else phrase).add(text, f"({text})")
                glued.append(" ")
            elif angle is not None:
                raise AddressError("Extra route-addr" if kind == "angle" else "Illegal address")
            elif kind == "angle":
                angle = text
            else:
                phrase.add_word(text)
                glued.append(text)
        return self._made(start, phrase, comments, angle, glued), ""

    def _token(self) -> tuple[str, str] | None:
        text, at = self._text, self._at
        if at == len(text):
            return None
        if text[at] == "(":
            return "comment", self._comment()
        match = _TOKEN.match(text, at)
        if match is None:
            closing = {'"': "Missing '\"'", "<": "Missing '>'", ">": "Missing '<'", ")": "Missing '('"}
            raise AddressError(closing.get(text[at], "Illegal address"))
        self._at = match.end()
        return match.lastgroup or "", match[0]

    def _comment(self) -> str:
        """The text of the comment that begins here, escapes taken away, comments in it as written."""
        depth = 0
        pieces: list[str] = []
        while match := _IN_COMMENT.match(self._text, self._at):
            self._at = match.end()
            piece = match[0]
            depth += (piece == "(") - (piece == ")")
            if depth == 0:
                return "".join(pieces[1:])
            pieces.append(piece[1:] if piece[0] == "\\" else piece)
        raise AddressError("Missing ')'")

    def _made(
        self, start: int, phrase: "_Phrase", comments: "_Phrase", angle: str | None, glued: list[str]
    ) -> Mailbox | None:
        """The mailbox that the pieces up to here make."""
        if angle is None and not phrase.words:
            if comments.words:
                raise AddressError("Missing final '@domain'")
            return None
        self._check_length(self._text[start : self._at].rstrip(",; ").strip(" "))
        if angle is None:
            spec, said = "".join(glued).strip(" "), [*phrase.comments, *comments.comments]
        else:
            spec, said = angle[1:-1], phrase.words or comments.comments
            if phrase.words:
                said = [*said, *comments.words]
            if not self._is_sender and spec.strip(" ") != spec:
                spec, self.is_correct = spec.strip(" "), False
            if phrase.has_special:
                self.is_correct = False
        local_part, domain = parse_addr_spec(spec) if self._is_sender else _parse_recipient_spec(spec)
        try:
            name = names.read(said) if said else ""
        except DisplayNameError as error:
            raise AddressError(str(error)) from error
        return Mailbox(display_name=name or None, local_part=local_part, domain=domain)

    @staticmethod
    def _check_length(text: str) -> None:
        if len(text if text.isascii() else text.encode()) > MAILBOX_LIMIT:
            raise AddressError(f"Address length is more than {MAILBOX_LIMIT} bytes long: '{text}'.")


class _Phrase:
    """Words and comments in their order, the comments also by themselves."""

    __slots__ = ("comments", "has_at", "has_special", "words")

    def __init__(self) -> None:
        self.words: list[str] = []
        self.comments: list[str] = []
        self.has_at = False
        self.has_special = False

    def add(self, comment: str, word: str) -> None:
        """Add a comment, which stands in a name as `word`."""
        self.words.append(word)
        self.comments.append(comment)

    def add_word(self, text: str) -> None:
        """Add an atom or a quoted-string."""
        if text[0] == '"':
            self.words.append(re.sub(r"\\(.)", r"\1", text[1:-1]))
            return
        self.words.append(text)
        self.has_at = self.has_at or "@" in text
        self.has_special = self.has_special or any(sign in text for sign in "@[]")


def _check_text(text: str) -> None:
    if len(text) > TEXT_LIMIT:
        raise AddressError(
            f"Address length is more than {MAILBOX_LIMIT} bytes long: '{text[:MAILBOX_LIMIT]}'."
        )
    if CONTROL.search(text) is None:
        return
    local_part, at, _ = text.rpartition("@")
    place = "Local address" if not at or CONTROL.search(local_part) else "Domain"
    raise AddressError(f"{place} contains control or whitespace")


def _list_complaint(text: str) -> str:
    stripped = text.strip(" ")
    return _complaint(stripped) if not set(stripped) & set('<>,;:"()') else "Illegal address"


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


def domain_of(address: str) -> str:
    """The domain of an address in lower case: the destination of mail to it. A domain is its own."""
    return address.rpartition("@")[2].lower()


def _normal(domain: str) -> str:
    try:
        return normal_domain(domain)
    except DomainError as error:
        raise AddressError("Illegal address") from error
