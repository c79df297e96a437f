"""Verify the DKIM signatures of a message (RFC 6376 section 6), with keys from a look-up.

The mirror of `dkim.Signer`; it takes every canonicalization, rsa-sha256 and ed25519-sha256. It does
no DNS and passes no judgement on domains. Sources: RFC 6376, RFC 8301, RFC 8463.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as attribute

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

from sesame.dkim.canonicalize import relaxed_body, relaxed_field, simple_body
from sesame.mail.header import HeaderField, MessageError, scan

SIGNATURE_LIMIT = 20  # more are not looked at: each costs a look-up and a key operation
_SMALLEST_KEY, _LARGEST_KEY = 1024, 4096
_HASH_TAG = re.compile(rb"((?:^|;)[ \t\r\n]*b[ \t\r\n]*=)[^;]*")
_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?")
_PublicKey = rsa.RSAPublicKey | ed25519.Ed25519PublicKey


@dataclass(frozen=True, slots=True, kw_only=True)
class DkimResult:
    """What one signature is worth (RFC 8601 section 2.7.1), with the reason if it does not pass."""

    domain: str
    selector: str
    result: str  # pass, fail, permerror or temperror
    reason: str
    algorithm: str = attribute(default="", compare=False)
    signed: tuple[str, ...] = attribute(default=(), compare=False)
    """The header fields that it names, as it names them."""
    is_body_whole: bool | None = attribute(default=None, compare=False)
    """Whether the body is the one that was signed; None where that was not looked at."""


class _Verdict(Exception):
    """Ends the check of one signature; carries its result and reason."""

    def __init__(self, result: str, reason: str) -> None:
        super().__init__(reason)
        self.result, self.reason = result, reason


def verify(
    message: bytes, lookup: Callable[[str], str | None], *, at: float | None = None
) -> tuple[DkimResult, ...]:
    """One result for each signature of a message with canonical newlines, first field first.

    `lookup` gives the TXT record of a name, None if it has none now; `at`, Unix seconds, lets
    expired signatures fail. A message that `header.scan` refuses has no signatures.
    """
    try:
        fields, body_at = scan(message)
    except MessageError:
        return ()
    signatures = [field for field in fields if field.key == b"dkim-signature"][:SIGNATURE_LIMIT]
    return tuple(_verified(field, fields, message[body_at:], lookup, at) for field in signatures)


def _verified(
    signature: HeaderField,
    fields: Sequence[HeaderField],
    body: bytes,
    lookup: Callable[[str], str | None],
    at: float | None,
) -> DkimResult:
    tags: Mapping[str, str] = {}
    is_body_whole: bool | None = None
    result, reason = "pass", ""
    try:
        tags = _tags(signature.raw[len(signature.name) + 1 :])
        _check_tags(tags, at)
        key = _key(tags, lookup(f"{tags['s']}._domainkey.{tags['d']}"))
        is_body_whole = False
        _check_body(tags, body)
        is_body_whole = True
        _check_signature(key, tags, _hashed(signature, fields, tags))
    except _Verdict as verdict:
        result, reason = verdict.result, verdict.reason
    return DkimResult(
        domain=tags.get("d", ""),
        selector=tags.get("s", ""),
        result=result,
        reason=reason,
        algorithm=tags.get("a", ""),
        signed=tuple(name.strip() for name in tags.get("h", "").split(":") if name.strip()),
        is_body_whole=is_body_whole,
    )


def _tags(value: bytes) -> dict[str, str]:
    """A tag list (RFC 6376 section 3.2), blanks inside values taken out."""
    found: dict[str, str] = {}
    for piece in value.decode("ascii", "replace").strip("; \t\r\n").split(";"):
        name, equals, content = piece.partition("=")
        name = name.strip()
        if not equals or not name or name in found:
            raise _Verdict("permerror", "malformed tag list")
        found[name] = re.sub(r"\s+", "", content)
    return found


def _check_tags(tags: Mapping[str, str], at: float | None) -> None:
    missing = [name for name in ("v", "a", "b", "bh", "d", "h", "s") if not tags.get(name)]
    if missing:
        raise _Verdict("permerror", f"missing tag {missing[0]}")
    if tags["v"] != "1":
        raise _Verdict("permerror", "unknown version")
    if tags["a"] not in ("rsa-sha256", "ed25519-sha256"):
        raise _Verdict("permerror", "unsupported algorithm")
    if not _NAME.fullmatch(tags["d"]) or not _NAME.fullmatch(tags["s"]):
        raise _Verdict("permerror", "illegal domain or selector")
    if "from" not in tags["h"].lower().split(":"):
        raise _Verdict("permerror", "From is not signed")
    agent = tags.get("i", "@" + tags["d"]).rpartition("@")[2].lower()
    if agent != tags["d"].lower() and not agent.endswith("." + tags["d"].lower()):
        raise _Verdict("permerror", "i= is not in d=")
    if at is not None and "x" in tags and _number(tags["x"]) < at:
        raise _Verdict("fail", "signature expired")


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 76:
        raise _Verdict("permerror", "illegal number")
    return int(text)


def _key(tags: Mapping[str, str], record: str | None) -> _PublicKey:
    """The public key of a TXT record (RFC 6376 section 3.6.1), if it may verify this signature."""
    if record is None:
        raise _Verdict("temperror", "no key record")
    entry = _tags(record.encode("ascii", "replace"))
    kind = tags["a"].partition("-")[0]
    if entry.get("v", "DKIM1") != "DKIM1" or entry.get("k", "rsa") != kind:
        raise _Verdict("permerror", "key record is of another kind")
    if "sha256" not in entry.get("h", "sha256").split(":"):
        raise _Verdict("permerror", "key does not allow sha256")
    if not {"*", "email"} & set(entry.get("s", "*").split(":")):
        raise _Verdict("permerror", "key is not for mail")
    agent = tags.get("i", "@" + tags["d"]).rpartition("@")[2]
    if "s" in entry.get("t", "").split(":") and agent.lower() != tags["d"].lower():
        raise _Verdict("permerror", "key does not allow subdomains")
    if not entry.get("p"):
        raise _Verdict("permerror", "key revoked")
    return _loaded(kind, _base64(entry["p"]))


def _loaded(kind: str, data: bytes) -> _PublicKey:
    try:
        if kind == "ed25519":
            return ed25519.Ed25519PublicKey.from_public_bytes(data)
        key = serialization.load_der_public_key(data)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _Verdict("permerror", "malformed key") from error
    if not isinstance(key, rsa.RSAPublicKey) or not _SMALLEST_KEY <= key.key_size <= _LARGEST_KEY:
        raise _Verdict("permerror", "unsuitable key")
    return key


def _check_body(tags: Mapping[str, str], body: bytes) -> None:
    body = relaxed_body(body) if _canonicalization(tags)[1] == "relaxed" else simple_body(body)
    if "l" in tags:
        length = _number(tags["l"])
        if length > len(body):
            raise _Verdict("permerror", "l= is longer than the body")
        body = body[:length]
    if not hmac.compare_digest(hashlib.sha256(body).digest(), _base64(tags["bh"])):
        raise _Verdict("fail", "body hash did not verify")


def _canonicalization(tags: Mapping[str, str]) -> tuple[str, str]:
    head, _, body = tags.get("c", "simple").partition("/")
    if head not in ("simple", "relaxed") or body not in ("", "simple", "relaxed"):
        raise _Verdict("permerror", "unknown canonicalization")
    return head, body or "simple"


def _hashed(signature: HeaderField, fields: Sequence[HeaderField], tags: Mapping[str, str]) -> bytes:
    """The octets that were signed: named fields from the last upwards, then the signature without b=."""
    relaxed = _canonicalization(tags)[0] == "relaxed"
    remaining: dict[bytes, list[HeaderField]] = {}
    for field in fields:
        remaining.setdefault(field.key, []).append(field)
    out = []
    for name in tags["h"].lower().encode("ascii", "replace").split(b":"):
        if found := remaining.get(name):
            field = found.pop()
            out.append(relaxed_field(field.key, field.raw[len(name) + 1 :]) if relaxed else field.raw)
    value = _HASH_TAG.sub(rb"\1", signature.raw[len(signature.name) + 1 : -2], count=1)
    own = relaxed_field(signature.key, value)[:-2] if relaxed else signature.name + b":" + value
    return b"".join((*out, own))


def _check_signature(key: _PublicKey, tags: Mapping[str, str], data: bytes) -> None:
    signature = _base64(tags["b"])
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, data, padding.PKCS1v15(), hashes.SHA256())
        else:
            key.verify(signature, hashlib.sha256(data).digest())
    except InvalidSignature as error:
        raise _Verdict("fail", "signature did not verify") from error


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise _Verdict("permerror", "malformed base64") from error
