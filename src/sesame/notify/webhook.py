"""Webhooks: events posted as they are, signed in the form of Standard Webhooks.

A receiver checks `webhook-signature` over id, time and body with the secret that it was given, and refuses what is
older than it likes. The id is the same on every attempt, the time is the attempt's. While a secret is being exchanged
both sign. Source: Standard Webhooks 1.0 (headers, symmetric signatures, key rotation).
"""

import base64
import hashlib
import hmac

from sesame.db import Store
from sesame.errors import SesameError
from sesame.store import webhooks
from sesame.store.sealed import Sealer
from sesame.store.webhooks import WebhookKey


class WebhookGone(SesameError):
    """The destination was deleted since."""


def signature(secret: bytes, *, message_id: str, timestamp: int, body: bytes) -> str:
    """One signature: `v1,` and the MAC in base64."""
    text = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(secret, text, hashlib.sha256)).decode("ascii")


class WebhookSigner:
    """Makes the fields of a post, with the secrets that are in force then."""

    def __init__(self, store: Store, sealer: Sealer) -> None:
        self._store = store
        self._sealer = sealer

    async def fields(
        self, key: WebhookKey, *, message_id: str, body: bytes, now: float
    ) -> list[tuple[str, str]]:
        """The header fields. Raises `WebhookGone`, `SealBroken`."""
        found = await self._store.read(lambda tx: webhooks.get(tx, key))
        if found is None:
            raise WebhookGone("the webhook was deleted")
        sealed = [found.sealed_secret]
        if found.sealed_previous is not None and now < (found.previous_until or 0):
            sealed.append(found.sealed_previous)
        secrets = [self._sealer.open(one, row=key.arn) for one in sealed]
        signatures = [
            signature(secret, message_id=message_id, timestamp=int(now), body=body) for secret in secrets
        ]
        return [
            ("Content-Type", "application/json"),
            ("User-Agent", "Sesame"),
            ("webhook-id", message_id),
            ("webhook-timestamp", str(int(now))),
            ("webhook-signature", " ".join(signatures)),
        ]
