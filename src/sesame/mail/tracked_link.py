"""The links that we write into mail: who opened it, who clicked what, told under a key (HMAC-SHA-256).

Makes and reads the last part of their addresses: a token and, for a click, the target, percent-encoded. The token
holds the message's id, the number of the recipient and, for a click, that of the link, a mark of the sender's account
and the link's tags; its MAC covers the target, so that nobody without the key can make one that leads elsewhere. No
address of a person is in it, and no account's number. How long it is good, and where it is served, is not known here.
Sources: RFC 2104, RFC 3986, RFC 4648 section 5.
"""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes

from sesame.mail.return_path import ReturnPathError, pack, unpack

OPEN_PATH, CLICK_PATH = "/t/o/", "/t/c/"
LONGEST = 4_000
"""Characters of a link of ours; servers and browsers take twice that."""
LONGEST_TAGS = 1_024
"""Octets of a link's tags."""

_MAC_OCTETS = 16
_PACKED_OCTETS = 28
_MARK_OCTETS = 6
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,2000}")
# What may be a target: a web address of URI characters and of those that browsers encode by themselves. A backslash
# is a slash for some readers and not for others; controls and tabs are left out by browsers.
_TARGET = re.compile(
    r"(?i:https?)://[A-Za-z0-9._~%!$&'()*+,;=:@\[\]-]+(?:[/?#][^\x00-\x1f\\\x7f-\x9f\u2028\u2029\ud800-\udfff]*)?"
)
_SAFE = "!#$%&'(),*/+:;=?@[]~-._|^{}"
_TAG = re.compile(r"\s*([A-Za-z0-9_-]{1,256})\s*:\s*([A-Za-z0-9_.@-]{1,256})\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What the address of a picture says."""

    message_id: str
    recipient_index: int

    @property
    def made_at(self) -> float:
        """When the message was accepted, in Unix seconds."""
        return _made_at(self.message_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clicked:
    """What the address of a link says. `tags` are as `ses:tags` writes them.

    `mark` is that of the sender's account, `lent` that of an owner who lent it the identity; links of before they had
    one have None, as have links in mail as an identity of the sender's own.
    """

    message_id: str
    recipient_index: int
    number: int
    tags: str
    target: str
    mark: str | None = None
    lent: str | None = None

    @property
    def made_at(self) -> float:
        """When the message was accepted, in Unix seconds."""
        return _made_at(self.message_id)


def is_target(text: str) -> bool:
    """Whether a link leads to the web in a way that every reader understands the same."""
    return _TARGET.fullmatch(text) is not None


def open_path(key: bytes, message_id: str, recipient_index: int) -> str | None:
    """The path of the picture in one recipient's copy; None for a message that has no such id."""
    packed = _packed(message_id, recipient_index)
    return None if packed is None else f"{OPEN_PATH}{_token(packed, _mac(key, b'open', packed, b''))}"


def account_mark(key: bytes, account_id: str) -> str:
    """What the links of an account carry: tells it from others to whoever has the key, and nothing to anybody else."""
    text = b"sesame tracked account 1\0" + account_id.encode()
    return hmac.digest(key, text, hashlib.sha256)[:_MARK_OCTETS].hex()


def lent_mark(key: bytes, owner_id: str, account_id: str) -> str:
    """What the links in mail of an account as an identity of another's carry beside its mark."""
    text = b"sesame tracked lent 1\0" + owner_id.encode() + b"\0" + account_id.encode()
    return hmac.digest(key, text, hashlib.sha256)[:_MARK_OCTETS].hex()


def click_path(
    key: bytes,
    message_id: str,
    recipient_index: int,
    *,
    number: int,
    tags: str,
    target: str,
    mark: str,
    lent: str | None = None,
) -> str | None:
    """The path and query of a link in one recipient's copy; None where there can be none."""
    packed = _packed(message_id, recipient_index)
    if packed is None or not 0 <= number < 1 << 16 or not is_target(target):
        return None
    said = packed + number.to_bytes(2, "big") + bytes.fromhex(mark + (lent or "")) + tags.encode("ascii")
    to, kind = target.encode(), b"click 2" if lent is None else b"click 3"
    path = f"{CLICK_PATH}{_token(said, _mac(key, kind, said, to))}?{quote(to, safe='')}"
    return path if len(path) <= LONGEST else None


def read_open(key: bytes, token: str) -> Opened | None:
    """What a picture's token says; None for one that we did not make."""
    said, mac = _read(token)
    if len(said) != _PACKED_OCTETS or not hmac.compare_digest(mac, _mac(key, b"open", said, b"")):
        return None
    message_id, recipient_index = unpack(said)
    return Opened(message_id=message_id, recipient_index=recipient_index)


def read_click(key: bytes, token: str, query: str) -> Clicked | None:
    """What a link's token and query say; None for what we did not make, or made for another target."""
    said, mac = _read(token)
    to = unquote_to_bytes(query)
    if len(said) < _PACKED_OCTETS + 2:
        return None
    kinds = (b"click", b"click 2", b"click 3")  # by how many marks there are
    marks = next(
        (n for n, kind in enumerate(kinds) if hmac.compare_digest(mac, _mac(key, kind, said, to))), None
    )
    if marks is None:
        return None
    mark_at = _PACKED_OCTETS + 2
    lent_at, tags_at = mark_at + _MARK_OCTETS, mark_at + marks * _MARK_OCTETS
    if len(said) < tags_at:
        return None
    message_id, recipient_index = unpack(said[:_PACKED_OCTETS])
    target = to.decode("utf-8", "replace")
    if not is_target(target):
        return None
    return Clicked(
        message_id=message_id,
        recipient_index=recipient_index,
        number=int.from_bytes(said[_PACKED_OCTETS : _PACKED_OCTETS + 2], "big"),
        tags=said[tags_at:].decode("ascii", "replace"),
        target=target,
        mark=said[mark_at:lent_at].hex() if marks else None,
        lent=said[lent_at:tags_at].hex() if marks == len(kinds) - 1 else None,
    )


def location(target: str) -> str:
    """A target as a Location field has it: ASCII, everything else percent-encoded (RFC 3987 section 3.1)."""
    return quote(target, safe=_SAFE)


def read_tags(text: str) -> dict[str, list[str]]:
    """The tags of `name:value; name2:value2;`, values of one name together; what is not a tag is left out."""
    found: dict[str, list[str]] = {}
    for part in text.split(";"):
        match = _TAG.fullmatch(part)
        if match is not None:
            found.setdefault(match[1], []).append(match[2])
    return found


def written_tags(text: str) -> str:
    """The same in its shortest form; empty for none, and for more than fit into a link."""
    pairs = ((name, value) for name, values in read_tags(text).items() for value in values)
    written = ";".join(f"{name}:{value}" for name, value in pairs)
    return written if len(written) <= LONGEST_TAGS else ""


def _packed(message_id: str, recipient_index: int) -> bytes | None:
    try:
        return pack(message_id, recipient_index)
    except ReturnPathError:
        return None


def _made_at(message_id: str) -> float:
    return int(message_id[4:16], 16) / 1000


def _mac(key: bytes, kind: bytes, said: bytes, target: bytes) -> bytes:
    text = b"sesame tracked link 1\0" + kind + b"\0" + len(said).to_bytes(2, "big") + said + target
    return hmac.digest(key, text, hashlib.sha256)[:_MAC_OCTETS]


def _token(said: bytes, mac: bytes) -> str:
    return base64.urlsafe_b64encode(said + mac).rstrip(b"=").decode("ascii")


def _read(token: str) -> tuple[bytes, bytes]:
    """What a token says and its MAC; both empty for what is not a token."""
    if _TOKEN.fullmatch(token) is None or len(token) % 4 == 1:
        return b"", b""
    data = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    if _token(data, b"") != token:  # another spelling of the same octets
        return b"", b""
    return data[:-_MAC_OCTETS], data[-_MAC_OCTETS:]
