"""The key that signs what is published, and its certificate at a path that stays.

Verifiers take the public key out of the certificate and trust it for where they fetched it, over HTTPS; who signed the
certificate they do not ask, so that it is its own.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.x509.oid import NameOID

from sesame.aws.sns.message import Signer, signer
from sesame.db import Store, Transaction
from sesame.store import signing_certificates
from sesame.store.sealed import Sealer

KEY_BITS = 2048
VALID = timedelta(days=3650)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """What signs, the certificate (PEM) and where it is served."""

    sign: Signer
    certificate: str

    @property
    def path(self) -> str:
        """`/SimpleNotificationService-<32 hex>.pem`, always the same for one certificate."""
        return f"/SimpleNotificationService-{hashlib.sha256(self.certificate.encode()).hexdigest()[:32]}.pem"


async def signing(store: Store, sealer: Sealer, *, now: float, host: str) -> Signing:
    """The signing key of this installation, made at first use."""
    found = await store.read(lambda tx: signing_certificates.get(tx, sealer))
    if found is None:
        key = new_key()
        der = key.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        certificate = _certificate(key, now=now, host=host)

        async def keep(tx: Transaction) -> tuple[bytes, str] | None:
            await signing_certificates.put(tx, sealer, key=der, certificate=certificate, at=now)
            return await signing_certificates.get(tx, sealer)  # another process may have been first

        found = await store.write(keep)
        assert found is not None
    # It was sealed as we made it; to check its numbers again takes as long as a hundred signatures.
    loaded = serialization.load_der_private_key(found[0], None, unsafe_skip_rsa_key_validation=True)
    assert isinstance(loaded, RSAPrivateKey)
    return Signing(sign=signer(loaded), certificate=found[1])


def new_key() -> RSAPrivateKey:
    """A new RSA key."""
    return rsa.generate_private_key(65537, KEY_BITS)


def _certificate(key: RSAPrivateKey, *, now: float, host: str) -> str:
    """A certificate of the key, signed by itself."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host[:64])])
    begin = datetime.fromtimestamp(now, UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin - timedelta(days=1))
        .not_valid_after(begin + VALID)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
