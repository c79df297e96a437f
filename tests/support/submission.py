"""Log in to the submission door: smtplib over real TLS, with the password by the published algorithm."""

import base64
import hashlib
import hmac
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.patience import PATIENCE_S
from tests.support.process import REGION, Account, SesameProcess


def published_password(secret: str, region: str) -> str:
    """The SMTP password as SES's developer guide derives it, written independently of the product."""

    def sign(key: bytes, message: str) -> bytes:
        return hmac.new(key, message.encode(), hashlib.sha256).digest()

    signature = sign(("AWS4" + secret).encode(), "11111111")
    for part in (region, "ses", "aws4_request", "SendRawEmail"):
        signature = sign(signature, part)
    return base64.b64encode(bytes([4]) + signature).decode()


def trust(sesame: SesameProcess) -> ssl.SSLContext:
    """A context that trusts the development CA and nothing else."""
    return ssl.create_default_context(cafile=sesame.ca)


def port_of(where: str) -> int:
    """The port of host:port."""
    return int(where.rpartition(":")[2])


@contextmanager
def connected(sesame: SesameProcess, *, implicit: bool = False) -> Iterator[smtplib.SMTP]:
    """A connection inside TLS, before AUTH."""
    if implicit:
        client: smtplib.SMTP = smtplib.SMTP_SSL(
            "localhost", port_of(sesame.smtps), context=trust(sesame), timeout=20
        )
    else:
        client = smtplib.SMTP("localhost", port_of(sesame.smtp), timeout=PATIENCE_S)
        client.starttls(context=trust(sesame))
    try:
        yield client
    finally:
        client.close()


@contextmanager
def logged_in(
    sesame: SesameProcess, account: Account, *, region: str = REGION, implicit: bool = False
) -> Iterator[smtplib.SMTP]:
    """A connection that has authenticated."""
    with connected(sesame, implicit=implicit) as client:
        client.login(account.access_key_id, published_password(account.secret_access_key, region))
        yield client
