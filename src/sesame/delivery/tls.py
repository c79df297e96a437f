"""What a connection must be like before mail goes over it, and whether it is.

A demand says how far TLS goes: as it comes, required, checked against the CAs that the machine knows, or
checked against TLSA records. The handshake is `session`'s; who demands what is `tls_policy`'s.
Sources: RFC 3207, 7435 (opportunistic), 8461 (MTA-STS), 6698, 7671 and 7672 (DANE), 8996 (TLS 1.2 and up),
8460 section 4.3 (names of what went wrong).
"""

import hashlib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any, TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    PolicyBuilder,
    Store,
    VerificationError,
)

from sesame.delivery.tls_sessions import ResumingContext
from sesame.dns.port import Tlsa
from sesame.errors import SesameError


class TlsMode(Enum):
    """How far TLS goes."""

    CLEAR = "clear"
    """None is asked for: the last resort of opportunistic TLS."""
    OPPORTUNISTIC = "opportunistic"
    """Taken where it is offered, certificate unchecked."""
    ENCRYPTED = "encrypted"
    """TLS or nothing, certificate unchecked."""
    VERIFIED = "verified"
    """TLS with a certificate of a known CA for the host's name, or nothing."""
    DANE = "dane"
    """TLS with a certificate that the TLSA records name, or nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsDemand:
    """What a connection must be like. `reason` says who asks, in words, for instance `MTA-STS of a.test`."""

    mode: TlsMode
    reason: str = ""
    tlsa: tuple[Tlsa, ...] = ()
    names: tuple[str, ...] = ()
    """DANE: the names that the certificate may have, the TLSA base domain first."""
    is_implicit: bool = False
    """TLS comes before the greeting (RFC 8314)."""
    otherwise: "TlsDemand | None" = None
    """What is good enough where this fails; None: nothing."""


CLEAR = TlsDemand(mode=TlsMode.CLEAR)
OPPORTUNISTIC = TlsDemand(mode=TlsMode.OPPORTUNISTIC, otherwise=CLEAR)


class TlsFailed(SesameError):
    """A connection is not what the demand says; `kind` is the result type of RFC 8460."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class TlsContexts:
    """The client's side of handshakes; `ca_file` (PEM) holds the CAs to know in place of the machine's."""

    def __init__(self, ca_file: str = "") -> None:
        self._by_records = _without_check(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
        self._unchecked = _without_check(ResumingContext(ssl.PROTOCOL_TLS_CLIENT))
        self._checked = ssl.create_default_context(cafile=ca_file or None)
        self._checked.minimum_version = ssl.TLSVersion.TLSv1_2
        self._checked.hostname_checks_common_name = False

    @property
    def checked(self) -> ssl.SSLContext:
        """The context that checks certificates and names."""
        return self._checked

    def of(self, demand: TlsDemand) -> ssl.SSLContext:
        """The context whose handshake a demand needs."""
        match demand.mode:
            case TlsMode.VERIFIED:
                return self._checked
            case TlsMode.DANE:
                return self._by_records
            case _:
                return self._unchecked

    def keep_session(self, name: str, tls: Any) -> None:
        """Keep the session of a connection to the host `name` for the next, where no certificate was asked for."""
        self._unchecked.keep(name, tls)

    def forget_session(self, name: str, demand: TlsDemand) -> bool:
        """Begin anew with the host; False when the demand has not led to taking up a session of it."""
        return self.of(demand) is self._unchecked and self._unchecked.forget(name)


C = TypeVar("C", bound=ssl.SSLContext)


def _without_check(context: C) -> C:
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def handshake_failure(error: Exception, host: str) -> TlsFailed:
    """Why there is no TLS, from what the handshake raised."""
    kind = "validation-failure"
    if isinstance(error, ssl.SSLCertVerificationError):
        kinds = {9: "certificate-expired", 10: "certificate-expired", 62: "certificate-host-mismatch"}
        kind = kinds.get(error.verify_code, "certificate-not-trusted")
        return TlsFailed(kind, f"the certificate of `{host}` is refused: {error.verify_message}")
    return TlsFailed(kind, f"TLS handshake with `{host}` failed: {error or type(error).__name__}")


def check_dane(demand: TlsDemand, tls: Any, *, now: float) -> str:
    """Hold a connection's certificates to the TLSA records; which record fits (`3 1 1`).

    `tls` is the SSLObject after the handshake, `now` Unix seconds. Raises `TlsFailed`.
    """
    chain = _chain(tls)
    if not chain:
        raise TlsFailed("validation-failure", "the server shows no certificate")
    for record in demand.tlsa:
        if record.usage == 3 and _matches(record, chain[0]):
            return f"{record.usage} {record.selector} {record.matching_type}"
    error = "no certificate fits the TLSA records"
    for record in demand.tlsa:
        if record.usage == 2:
            for anchor in (*(c for c in chain if _matches(record, c)), *_own_anchor(record)):
                try:
                    _verify(chain, anchor, demand.names, now=now)
                except (VerificationError, ValueError) as failure:
                    error = str(failure)
                else:
                    return f"{record.usage} {record.selector} {record.matching_type}"
    raise TlsFailed("validation-failure", f"the certificate is not as DANE says: {error}")


def is_usable(record: Tlsa) -> bool:
    """Whether a TLSA record says something that SMTP can use (RFC 7672 section 3.1)."""
    length = {1: 32, 2: 64}.get(record.matching_type)
    fits = len(record.data) == length if length else record.matching_type == 0 and bool(record.data)
    return record.usage in (2, 3) and record.selector in (0, 1) and fits


def _chain(tls: Any) -> list[x509.Certificate]:
    """The certificates that the server sent, its own first."""
    source = tls if hasattr(tls, "get_unverified_chain") else tls._sslobj  # public since Python 3.13
    found = source.get_unverified_chain() or ()
    encoded = [one if isinstance(one, bytes) else one.public_bytes(ENCODING_DER) for one in found]
    try:
        return [x509.load_der_x509_certificate(der) for der in encoded]
    except ValueError as error:
        raise TlsFailed("validation-failure", f"the certificate cannot be read: {error}") from None


ENCODING_DER = 2
"""`_ssl.ENCODING_DER`: X509_FILETYPE_ASN1."""


def _matches(record: Tlsa, certificate: x509.Certificate) -> bool:
    try:
        selected = (
            certificate.public_bytes(Encoding.DER)
            if record.selector == 0
            else certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        )
    except (ValueError, UnsupportedAlgorithm):  # a key of a kind that nobody knows here
        return False
    match record.matching_type:
        case 0:
            return selected == record.data
        case 1:
            return hashlib.sha256(selected).digest() == record.data
        case 2:
            return hashlib.sha512(selected).digest() == record.data
        case _:
            return False


def _own_anchor(record: Tlsa) -> Sequence[x509.Certificate]:
    """The trust anchor that a record holds whole (2 0 0); the server need not send it."""
    if (record.selector, record.matching_type) != (0, 0):
        return ()
    try:
        return (x509.load_der_x509_certificate(record.data),)
    except ValueError:
        return ()


def _verify(
    chain: Sequence[x509.Certificate], anchor: x509.Certificate, names: Sequence[str], *, now: float
) -> None:
    """Hold the chain to a trust anchor and one of the names. Raises VerificationError or ValueError."""
    of_ca = ExtensionPolicy.permit_all().require_present(x509.BasicConstraints, Criticality.AGNOSTIC, None)
    of_server = ExtensionPolicy.permit_all().require_present(
        x509.SubjectAlternativeName, Criticality.AGNOSTIC, None
    )
    builder = (
        PolicyBuilder()
        .store(Store([anchor]))
        .time(datetime.fromtimestamp(now, UTC))
        .extension_policies(ca_policy=of_ca, ee_policy=of_server)
    )
    failure: Exception = ValueError("no name to check")
    for name in names:
        try:
            builder.build_server_verifier(x509.DNSName(name)).verify(chain[0], list(chain[1:]))
        except VerificationError as error:
            failure = error
        else:
            return
    raise failure
