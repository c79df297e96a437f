"""Certificates of the doors: read from files, read again when the files change; made for development.

A certificate that cannot be read does not replace the one in use.
"""

import datetime
import ipaddress
import os
import ssl
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sesame.errors import ConfigError
from sesame.observe import Log

CA_DAYS, LEAF_DAYS = 3650, 825


class Certificate:
    """A certificate chain and its key in PEM files, as a context for servers.

    Raises `ConfigError` when they cannot be used at the start.
    """

    def __init__(self, chain: Path, key: Path, *, setting: str, log: Log) -> None:
        self._chain = chain
        self._key = key
        self._log = log
        try:
            self._seen = self._state()
            self._context = self._load()
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(f"setting `{setting}`: {_why_unusable(error, chain, key)}") from error

    def context(self, *, anew: bool = False) -> ssl.SSLContext:
        """The context for a new handshake; the files are looked at first, and read when they changed or `anew`."""
        try:
            state = self._state()
            if state != self._seen or anew:
                self._seen = state
                self._context = self._load()
                self._log.event("certificate_reloaded", file=str(self._chain))
        except (OSError, ssl.SSLError) as error:
            self._log.error("certificate_not_reloaded", file=str(self._chain), reason=str(error))
        return self._context

    def _state(self) -> tuple[int, int]:
        return self._chain.stat().st_mtime_ns, self._key.stat().st_mtime_ns

    def _load(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(
            self._chain, self._key, password=""
        )  # an encrypted key is refused, not asked for
        return context


def _why_unusable(error: OSError, chain: Path, key: Path) -> str:
    """What is wrong with the two files, and what to do; OpenSSL's own words tell little."""
    if not isinstance(error, ssl.SSLError):
        return f"`{error.filename or chain}` cannot be read: {error.strerror}"
    if error.reason == "KEY_VALUES_MISMATCH":
        return f"`{key}` is the key of another certificate than `{chain}`; name the two that belong together"
    try:
        certificates, private = chain.read_bytes(), key.read_bytes()
    except OSError:
        certificates = private = b""
    if b"ENCRYPTED" in private:
        return f"the key `{key}` is encrypted; write it without a passphrase (`openssl pkey -in … -out …`)"
    if b"-----BEGIN CERTIFICATE-----" not in certificates:
        return f"`{chain}` holds no certificate in PEM form"
    if b"PRIVATE KEY-----" not in private:
        return f"`{key}` holds no private key in PEM form"
    return f"`{chain}` and `{key}` cannot be used: {error}"


def development_files(directory: Path, names: Sequence[str], *, now: float) -> tuple[Path, Path, Path]:
    """CA, chain and key files for `names`, made once; the CA is what clients are told to trust."""
    ca, chain, key = directory / "ca.pem", directory / "server.pem", directory / "server.key"
    if not (ca.exists() and chain.exists() and key.exists()):
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        ca_key = ec.generate_private_key(ec.SECP256R1())
        ca_certificate = _certificate(ca_key, ca_key, issuer=None, names=(), now=now)
        leaf_key = ec.generate_private_key(ec.SECP256R1())
        leaf = _certificate(leaf_key, ca_key, issuer=ca_certificate, names=names, now=now)
        _write(ca, ca_certificate.public_bytes(serialization.Encoding.PEM))
        _write(chain, leaf.public_bytes(serialization.Encoding.PEM))
        _write(
            key,
            leaf_key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ),
        )
    return ca, chain, key


def _certificate(
    key: ec.EllipticCurvePrivateKey,
    ca_key: ec.EllipticCurvePrivateKey,
    *,
    issuer: x509.Certificate | None,
    names: Sequence[str],
    now: float,
) -> x509.Certificate:
    """A CA certificate (`issuer` None: by itself), or one for `names` signed by it."""
    is_ca = issuer is None
    subject = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, "Sesame development CA" if is_ca else names[0])]
    )
    began = datetime.datetime.fromtimestamp(now, datetime.UTC) - datetime.timedelta(hours=1)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(began)
        .not_valid_after(began + datetime.timedelta(days=CA_DAYS if is_ca else LEAF_DAYS))
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=0 if is_ca else None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False
        )
        .add_extension(_key_usage(is_ca=is_ca), critical=True)
    )
    if not is_ca:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False
        ).add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    return builder.sign(ca_key, hashes.SHA256())


def _key_usage(*, is_ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_ca, key_cert_sign=is_ca, crl_sign=is_ca, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False,
        decipher_only=False,
    )  # fmt: skip


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _write(path: Path, data: bytes) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    temporary.replace(path)
