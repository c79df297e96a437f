"""SMTP passwords, derived from secret access keys.

The user name is the access key id; the password is derived from the secret and valid for one
region. Source: SES developer guide, "Obtaining Amazon SES SMTP credentials".
"""

import base64
import hmac

_DATE, _SERVICE, _TERMINATOR, _MESSAGE = b"11111111", b"ses", b"aws4_request", b"SendRawEmail"
_VERSION = b"\x04"


def smtp_password(secret_access_key: str, region: str) -> str:
    """The 44-character SMTP password of `secret_access_key` in `region`."""
    key = f"AWS4{secret_access_key}".encode()
    for message in (_DATE, region.encode(), _SERVICE, _TERMINATOR, _MESSAGE):
        key = hmac.digest(key, message, "sha256")
    return base64.b64encode(_VERSION + key).decode("ascii")
