"""DKIM: sign a message with a domain's key, and verify the signatures of a message.

Signs rsa-sha256 and ed25519-sha256, relaxed/simple as SES does, and signs each field once more than it occurs, so
that none can be added. Verifies every canonicalization too. It fetches no keys: the
caller hands in a look-up. INVARIANT: a signature covers the whole body (no `l=`).
Sources: RFC 6376, RFC 8301 (algorithms, key sizes), RFC 8463 (Ed25519).
"""

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

from sesame.dkim.canonicalize import relaxed_field, simple_body
from sesame.dkim.verify import DkimResult, verify
from sesame.errors import SesameError
from sesame.mail.blocks import behind
from sesame.mail.header import HeaderField, scan

__all__ = [
    "DkimError",
    "DkimResult",
    "Signer",
    "dns_record",
    "generate_ed25519_key",
    "generate_key",
    "import_key",
    "published_key",
    "sign_all",
    "verify",
]


class DkimError(SesameError):
    """A key that cannot sign."""


SMALLEST_KEY, LARGEST_KEY = 1024, 4096  # bits; below, verifiers must refuse (RFC 8301 section 3.2)
LIFETIME_S = 7 * 86_400
_LINE = 72
_DOMAIN = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,251}[a-z0-9])?", re.ASCII | re.IGNORECASE)

# signed once more than they occur, even if they do not occur: nobody can add one
_OVERSIGNED = (
    b"from",
    b"to",
    b"cc",
    b"subject",
    b"date",
    b"reply-to",
    b"message-id",
    b"mime-version",
    b"content-type",
    b"list-unsubscribe",
    b"list-unsubscribe-post",
)
# the same if they occur (RFC 6376 section 5.4.1, RFC 8058 section 4)
_SIGNED_IF_PRESENT = (
    b"sender",
    b"in-reply-to",
    b"references",
    b"content-transfer-encoding",
    b"content-disposition",
    b"list-id",
    b"feedback-id",
)


class Signer:
    """Signs messages for one domain; holds the parsed key and may be shared between threads.

    The RSA operation releases the GIL, so callers gain from running `sign` in a few threads.
    """

    def __init__(self, private_key: bytes, *, domain: str, selector: str) -> None:
        """Take a PKCS#1 or PKCS#8 RSA key or a PKCS#8 Ed25519 key, PEM or DER; one of ours, so its numbers are trusted.

        Raises DkimError if it is neither, for RSA of less than 1024 or more than 4096 bits, or for an illegal domain
        or selector.
        """
        if not _DOMAIN.fullmatch(domain) or not _DOMAIN.fullmatch(selector):
            raise DkimError("the signing domain or selector is not a domain name")
        self._key = _private_key(private_key, is_checked=False)
        self.algorithm = "rsa-sha256" if isinstance(self._key, rsa.RSAPrivateKey) else "ed25519-sha256"
        self._head = b"v=1; a=%b; c=relaxed/simple; d=%b; s=%b;" % (
            self.algorithm.encode(),
            domain.encode(),
            selector.encode(),
        )

    def sign(self, message: bytes, *, at: float, lifetime_s: int | None = LIFETIME_S) -> bytes:
        """As `sign_all`, with this signer alone."""
        return sign_all([self], message, at=at, lifetime_s=lifetime_s)

    def _field(self, digest: "_Digest", times: bytes) -> bytes:
        """The DKIM-Signature field for a message of which everything else is known."""
        unsigned = b"DKIM-Signature: %b\r\n%b\r\n h=%b;\r\n bh=%b;\r\n b=" % (
            self._head,
            times,
            digest.names,
            digest.body_hash,
        )
        own = relaxed_field(b"dkim-signature", unsigned[15:]).removesuffix(b"\r\n")
        text = base64.b64encode(self._signature(digest.signed + own))
        lines = [text[at : at + _LINE] for at in range(0, len(text), _LINE)]
        return unsigned + b"\r\n ".join(lines) + b"\r\n"

    def _signature(self, data: bytes) -> bytes:
        if isinstance(self._key, ed25519.Ed25519PrivateKey):
            return self._key.sign(hashlib.sha256(data).digest())  # RFC 8463 section 3: of the hash
        return self._key.sign(data, padding.PKCS1v15(), hashes.SHA256())


@dataclass(frozen=True, slots=True)
class _Digest:
    """What all signatures of a message have in common."""

    names: bytes
    signed: bytes
    body_hash: bytes


def sign_all(
    signers: Sequence[Signer], message: bytes, *, at: float, lifetime_s: int | None = LIFETIME_S
) -> bytes:
    """The DKIM-Signature fields, CRLF included, to put before a message with canonical newlines, one of each signer.

    `at` is Unix seconds; the signatures expire after `lifetime_s`, or never if that is None.
    Raises MessageError if the header block is not one that `header.scan` takes.
    """
    fields, body_at = scan(message)
    names, signed = _signed_fields(fields)
    digest = _Digest(
        names=_folded_names(names),
        signed=b"".join(signed),
        body_hash=base64.b64encode(hashlib.sha256(simple_body(behind(message, body_at))).digest()),
    )
    times = b" t=%d;" % at if lifetime_s is None else b" t=%d; x=%d;" % (at, at + lifetime_s)
    return b"".join([signer._field(digest, times) for signer in signers])


def _signed_fields(fields: Sequence[HeaderField]) -> tuple[list[bytes], list[bytes]]:
    """The names for `h=`, and the canonical fields they stand for, the last of each name first."""
    by_key: dict[bytes, list[HeaderField]] = {}
    for field in fields:
        by_key.setdefault(field.key, []).append(field)
    names, signed = [], []
    for key in (*_OVERSIGNED, *(key for key in _SIGNED_IF_PRESENT if key in by_key)):
        found = by_key.get(key, ())
        signed += [relaxed_field(key, field.raw[len(key) + 1 :]) for field in reversed(found)]
        names += [key] * (len(found) + 1)
    return names, signed


def _folded_names(names: Sequence[bytes]) -> bytes:
    lines, line = [], b""
    for name in names:
        if len(line) + len(name) > _LINE:
            lines.append(line)
            line = b""
        line += name + b":"
    return b"\r\n ".join((*lines, line))[:-1]


def _private_key(data: bytes, *, is_checked: bool = True) -> rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey:
    """The key; to check that its numbers are an RSA key takes as long as a hundred signatures."""
    load = (
        serialization.load_pem_private_key
        if data.lstrip().startswith(b"-----")
        else serialization.load_der_private_key
    )
    try:
        key = load(data, password=None, unsafe_skip_rsa_key_validation=not is_checked)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise DkimError("the private key is not an unencrypted RSA or Ed25519 key in PEM or DER") from error
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key
    if not isinstance(key, rsa.RSAPrivateKey) or not SMALLEST_KEY <= key.key_size <= LARGEST_KEY:
        raise DkimError(f"the private key is not an RSA key of {SMALLEST_KEY} to {LARGEST_KEY} bits")
    return key


def _rsa_key(data: bytes) -> rsa.RSAPrivateKey:
    key = _private_key(data)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise DkimError(f"the private key is not an RSA key of {SMALLEST_KEY} to {LARGEST_KEY} bits")
    return key


def generate_key(bits: int = 2048) -> tuple[bytes, str]:
    """A new RSA key: PKCS#8 DER of the private half, base64 of the public half's SubjectPublicKeyInfo."""
    return _halves(rsa.generate_private_key(public_exponent=65537, key_size=bits))


def generate_ed25519_key() -> tuple[bytes, str]:
    """A new Ed25519 key: PKCS#8 DER of the private half, base64 of the public half as RFC 8463 publishes it."""
    key = ed25519.Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return _private_half(key), base64.b64encode(public).decode("ascii")


def _halves(key: rsa.RSAPrivateKey) -> tuple[bytes, str]:
    public = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return _private_half(key), base64.b64encode(public).decode("ascii")


def _private_half(key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def import_key(private_key: bytes, *, largest_bits: int) -> tuple[bytes, str, int]:
    """A key that somebody brings, as `generate_key` gives one, and its bits.

    `private_key` is PKCS#1 or PKCS#8, DER or PEM. Raises DkimError if it is not an RSA key of 1024 to
    `largest_bits` bits; one that is far longer is refused unread, for checking it takes seconds.
    """
    if len(private_key) > largest_bits:  # in octets, PKCS#8 takes about five eighths of the bits
        raise DkimError(f"the private key is longer than an RSA key of {largest_bits} bits")
    key = _rsa_key(private_key)
    if key.key_size > largest_bits:
        raise DkimError(f"the private key is not an RSA key of {SMALLEST_KEY} to {largest_bits} bits")
    return *_halves(key), key.key_size


def published_key(record: str, kind: str = "rsa") -> str | None:
    """The public key in a TXT record as base64 without blanks, or None if it is not a record of a key of that kind.

    `kind` is `rsa` or `ed25519`.
    """
    tags = {}
    for piece in record.split(";"):
        name, _, value = piece.partition("=")
        tags[name.strip()] = "".join(value.split())
    is_right = tags.get("v", "DKIM1") == "DKIM1" and tags.get("k", "rsa") == kind
    return tags.get("p") if is_right else None


def public_bits(public_b64: str) -> int:
    """How long a public RSA key is, given as `generate_key` gives it."""
    key = serialization.load_der_public_key(base64.b64decode(public_b64))
    assert isinstance(key, rsa.RSAPublicKey), "keys of identities are RSA keys"
    return key.key_size


def dns_record(public_b64: str, kind: str = "rsa") -> str:
    """The TXT record to publish at `<selector>._domainkey.<domain>` (RFC 6376 section 3.6.1, RFC 8463 section 4)."""
    return f"v=DKIM1; k={kind}; p={public_b64}"
