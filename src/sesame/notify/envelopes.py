"""What is sent of a publication to a place: the SNS message, its signed envelope, its mail.

One message of a topic is signed once, whoever gets it. A signature takes longer than all else about a notification, so
that those of a claim are made on the executor, a few at a time.
"""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Executor

from sesame.aws.sns import message as sns
from sesame.aws.sns.message import Kind, SnsMessage
from sesame.notify.certificate import Signing
from sesame.notify.held import Ready
from sesame.notify.protocols import NOT_SNS
from sesame.store.outbox import Delivery, Place, Publication

SIGNATURES = 4_096
"""Signatures that are remembered: for the other subscriptions of a topic, and for attempts that are made again."""

TOGETHER = 16
"""Signatures that are made on the executor at once, at most, so that others are served there too."""

DEFAULT_SUBJECT = "AWS Notification Message"
CONFIRMATION_SUBJECT = "AWS Notification - Subscription Confirmation"
END_SUBJECT = "AWS Notification - Unsubscribe Confirmation"

_Unsigned = tuple[bytes, bytes, str]
"""What a signature is remembered by, the text, and the signature version."""


class Messages:
    """Makes what is sent; `executor` is where it is signed, None: where it is asked for."""

    def __init__(
        self, signing: Signing, *, public_url: str, token_key: bytes, executor: Executor | None = None
    ) -> None:
        self._signing = signing
        self._token_key = token_key
        self._public_url = public_url
        self._certificate_url = f"{public_url}{signing.path}"
        self._executor = executor
        self._signatures: OrderedDict[bytes, str] = OrderedDict()

    def of(self, publication: Publication, place: Place) -> SnsMessage:
        """The SNS message that a publication is at a place."""
        extra = publication.extra
        nonce = extra.get("nonce")
        token = None if nonce is None else sns.make_token(self._token_key, place.target, nonce)
        return SnsMessage(
            kind=Kind(publication.kind),
            message_id=publication.message_id,
            topic_arn=publication.topic_arn,
            message=place.options.get("message", publication.body),
            at=publication.at,
            subject=publication.subject,
            token=token,
            subscribe_url=(
                None if token is None else sns.confirm_url(self._public_url, publication.topic_arn, token)
            ),
            attributes=extra.get("attributes"),
            signature_version=extra.get("version", "1"),
        )

    async def ready(self, deliveries: Sequence[Delivery], *, now: float) -> list[Ready]:
        """Claimed rows with what is to be sent of each, signed where it has a signature."""
        found = [Ready(delivery=one, claimed_at=now) for one in deliveries]
        keys: list[bytes | None] = []
        unsigned: dict[bytes, _Unsigned] = {}
        for one in found:
            place = one.delivery.place
            if place.protocol not in NOT_SNS:
                one.message = self.of(one.delivery.publication, place)
            if one.message is None or not _is_signed(one.message, place):
                keys.append(None)
                continue
            text = sns.string_to_sign(one.message)
            key = hashlib.sha256(text).digest() + one.message.signature_version.encode()
            keys.append(key)
            if key not in self._signatures:
                unsigned[key] = key, text, one.message.signature_version
        made = await self._made(list(unsigned.values()))
        for one, wanted in zip(found, keys, strict=True):
            if wanted is not None:
                signature = made[wanted] if wanted in made else self._signatures[wanted]
                if isinstance(signature, str):
                    one.signature = signature
                else:
                    one.fault = signature
        for key, signature in made.items():
            if isinstance(signature, str):
                self._signatures[key] = signature
        while len(self._signatures) > SIGNATURES:
            self._signatures.popitem(last=False)
        return found

    async def _made(self, unsigned: Sequence[_Unsigned]) -> dict[bytes, str | Exception]:
        """Signatures, or why there is none."""
        made: dict[bytes, str | Exception] = {}
        for first in range(0, len(unsigned), TOGETHER):
            some = unsigned[first : first + TOGETHER]
            if self._executor is None:
                made |= self._sign_all(some)
            else:
                loop = asyncio.get_running_loop()
                made |= await loop.run_in_executor(self._executor, self._sign_all, some)
        return made

    def _sign_all(self, unsigned: Sequence[_Unsigned]) -> dict[bytes, str | Exception]:
        return {key: self._sign(text, version) for key, text, version in unsigned}

    def _sign(self, text: bytes, version: str) -> str | Exception:
        try:
            return self._signing.sign(text, version)
        except Exception as error:
            return error

    def unsubscribe_url(self, place: Place) -> str:
        """Where the subscription of a place is ended."""
        return sns.unsubscribe_url(self._public_url, place.target)

    def envelope(self, ready: Ready, message: SnsMessage) -> str:
        """The signed envelope for one subscription."""
        return sns.envelope(
            message,
            signature=ready.signature,
            certificate_url=self._certificate_url,
            unsubscribe_url=self.unsubscribe_url(ready.delivery.place),
        )

    def mail(self, ready: Ready, message: SnsMessage) -> tuple[str, str]:
        """Subject and text of the mail for one subscription."""
        match message.kind:
            case Kind.SUBSCRIPTION_CONFIRMATION:
                return CONFIRMATION_SUBJECT, sns.mail_confirmation(
                    message.topic_arn, message.subscribe_url or ""
                )
            case Kind.UNSUBSCRIBE_CONFIRMATION:
                return END_SUBJECT, f"{message.message}\n\n{message.subscribe_url}\n"
        place = ready.delivery.place
        body = self.envelope(ready, message) if place.protocol == "email-json" else message.message
        text = sns.mail_text(body, unsubscribe_url=self.unsubscribe_url(place))
        return message.subject or DEFAULT_SUBJECT, text


def is_raw(message: SnsMessage, place: Place) -> bool:
    """Whether a place gets the message as it is, without an envelope."""
    return bool(place.options.get("raw")) and message.kind is Kind.NOTIFICATION


def _is_signed(message: SnsMessage, place: Place) -> bool:
    match place.protocol:
        case "http" | "https" | "sqs":
            return not is_raw(message, place)
        case "email-json":
            return message.kind is Kind.NOTIFICATION
        case _:
            return False
