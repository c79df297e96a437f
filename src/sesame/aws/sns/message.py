"""What SNS posts: envelope, string to sign, HTTP header fields. Pure.

Source: SNS developer guide, "Parsing Amazon SNS message formats", "Verifying the signatures"; layout and key order as
captured.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from sesame.aws.moments import timestamp

USER_AGENT = "Amazon Simple Notification Service Agent"
CONTENT_TYPE = "text/plain; charset=UTF-8"

Attributes = Mapping[str, Mapping[str, str]]
"""Message attributes: name to `Type` and `Value`; a binary value in base64."""


class Kind(Enum):
    """What is posted."""

    NOTIFICATION = "Notification"
    SUBSCRIPTION_CONFIRMATION = "SubscriptionConfirmation"
    UNSUBSCRIBE_CONFIRMATION = "UnsubscribeConfirmation"


@dataclass(frozen=True, slots=True, kw_only=True)
class SnsMessage:
    """One message of a topic, whoever gets it. `token` and `subscribe_url` belong to the two confirmations."""

    kind: Kind
    message_id: str
    topic_arn: str
    message: str
    at: float
    subject: str | None = None
    token: str | None = None
    subscribe_url: str | None = None
    attributes: Attributes | None = None
    signature_version: str = "1"


Signer = Callable[[bytes, str], str]
"""Signs a string for a signature version; the signature in base64."""


def signer(key: RSAPrivateKey) -> Signer:
    """Signs by RSA PKCS #1 v1.5: version 1 over SHA-1, 2 over SHA-256. A text has one signature, always the same."""

    def sign(text: bytes, version: str) -> str:
        digest = hashes.SHA256() if version == "2" else hashes.SHA1()
        return base64.b64encode(key.sign(text, padding.PKCS1v15(), digest)).decode()

    return sign


def string_to_sign(message: SnsMessage) -> bytes:
    """Names and values, each on a line of its own, in the order of their names; what is absent is left out."""
    start = f"Message\n{message.message}\nMessageId\n{message.message_id}\n"
    when, topic = f"Timestamp\n{timestamp(message.at)}\n", f"TopicArn\n{message.topic_arn}\n"
    if message.kind is Kind.NOTIFICATION:
        subject = "" if message.subject is None else f"Subject\n{message.subject}\n"
        return f"{start}{subject}{when}{topic}Type\nNotification\n".encode()
    url = "" if message.subscribe_url is None else f"SubscribeURL\n{message.subscribe_url}\n"
    token = "" if message.token is None else f"Token\n{message.token}\n"
    return f"{start}{url}{when}{token}{topic}Type\n{message.kind.value}\n".encode()


def envelope(message: SnsMessage, *, signature: str, certificate_url: str, unsubscribe_url: str) -> str:
    """The body that is posted, laid out as SNS does."""
    is_notification = message.kind is Kind.NOTIFICATION
    pairs: list[tuple[str, Any]] = [
        ("Type", message.kind.value),
        ("MessageId", message.message_id),
        ("Token", message.token),
        ("TopicArn", message.topic_arn),
        ("Subject", message.subject if is_notification else None),
        ("Message", message.message),
        ("SubscribeURL", message.subscribe_url),
        ("Timestamp", timestamp(message.at)),
        ("SignatureVersion", message.signature_version),
        ("Signature", signature),
        ("SigningCertURL", certificate_url),
        ("UnsubscribeURL", unsubscribe_url if is_notification else None),
    ]
    lines = [f'  "{name}" : {_text(value)}' for name, value in pairs if value is not None]
    if message.attributes:
        inner = ",\n".join(
            f"    {_text(name)} : {json.dumps(value, ensure_ascii=False, separators=(',', ':'))}"
            for name, value in message.attributes.items()
        )
        lines.append(f'  "MessageAttributes" : {{\n{inner}\n  }}')
    return "{\n" + ",\n".join(lines) + "\n}"


_text: Callable[[str], str] = json.JSONEncoder(ensure_ascii=False).encode


def http_fields(
    message: SnsMessage, *, subscription_arn: str | None, is_raw: bool
) -> Sequence[tuple[str, str]]:
    """The header fields of the POST; a confirmation of a subscription names no subscription."""
    fields = [
        ("x-amz-sns-message-type", message.kind.value),
        ("x-amz-sns-message-id", message.message_id),
        ("x-amz-sns-topic-arn", message.topic_arn),
    ]
    if subscription_arn is not None and message.kind is not Kind.SUBSCRIPTION_CONFIRMATION:
        fields.append(("x-amz-sns-subscription-arn", subscription_arn))
    if is_raw:
        fields.append(("x-amz-sns-rawdelivery", "true"))
    return [*fields, ("Content-Type", CONTENT_TYPE), ("User-Agent", USER_AGENT)]


def make_token(key: bytes, subscription_arn: str, nonce: str) -> str:
    """The token that confirms a subscription, or takes back its end: 256 hex digits that nobody can guess.

    It follows from `key`, which is secret, so that it need not be kept.
    """
    text = f"{subscription_arn}|{nonce}".encode()
    return "".join(hmac.digest(key, half + text, "sha512").hex() for half in (b"1|", b"2|"))


def token_digest(token: str) -> str:
    """What is kept of a token, to know it again."""
    return hashlib.sha256(token.encode()).hexdigest()


def subscribe_text(topic_arn: str) -> str:
    """The Message of a SubscriptionConfirmation."""
    return (
        f"You have chosen to subscribe to the topic {topic_arn}.\n"
        "To confirm the subscription, visit the SubscribeURL included in this message."
    )


def unsubscribe_text(subscription_arn: str) -> str:
    """The Message of an UnsubscribeConfirmation."""
    return (
        f"You have chosen to deactivate subscription {subscription_arn}.\n"
        "To cancel this operation and restore the subscription, visit the SubscribeURL included in this message."
    )


def confirm_url(public_url: str, topic_arn: str, token: str) -> str:
    """The link that confirms a subscription, or takes back that it was ended."""
    return f"{public_url}/?Action=ConfirmSubscription&TopicArn={quote(topic_arn, safe=':')}&Token={token}"


@lru_cache(maxsize=1_024)
def unsubscribe_url(public_url: str, subscription_arn: str) -> str:
    """The link that ends a subscription."""
    return f"{public_url}/?Action=Unsubscribe&SubscriptionArn={quote(subscription_arn, safe=':')}"


MAIL_FOOTER = (
    "\n\n--\nIf you wish to stop receiving notifications from this topic, please click or visit the link below to"
    " unsubscribe:\n{unsubscribe_url}\n\nPlease do not reply directly to this email."
)
"""What ends the mail of a subscription; readers cut at its first line."""


def mail_text(body: str, *, unsubscribe_url: str) -> str:
    """The text of a mail with a notification."""
    return body.rstrip("\n") + MAIL_FOOTER.format(unsubscribe_url=unsubscribe_url) + "\n"


def mail_confirmation(topic_arn: str, url: str) -> str:
    """The text of a mail that asks for a confirmation."""
    return (
        f"You have chosen to subscribe to the topic:\n{topic_arn}\n\n"
        "To confirm this subscription, click or visit the link below (If this was in error no action is necessary):\n"
        f"{url}\n\nPlease do not reply directly to this email.\n"
    )
