"""One attempt to deliver a row of the outbox, by the way that its protocol names: a post, a mail, a queue, a stream.

It decides nothing about when: a failure is a `PostFailed` that says what is known, and whoever asked tries again.
"""

from typing import Protocol

from sesame.aws.sns import message as sns
from sesame.aws.sns.message import SnsMessage
from sesame.notify.envelopes import Messages, is_raw
from sesame.notify.held import Ready
from sesame.notify.http_client import Answer, HttpClient
from sesame.notify.protocols import NATS, WEBHOOK
from sesame.notify.retry_after import read_retry_after
from sesame.notify.sqs_client import SqsClient
from sesame.notify.url import EndpointGone, PostFailed
from sesame.notify.webhook import WebhookGone, WebhookSigner
from sesame.observe import Clock
from sesame.store.outbox import Delivery
from sesame.store.sealed import SealBroken
from sesame.store.webhooks import read_arn


class Stream(Protocol):
    """The operator's stream of events."""

    async def publish(self, subject: str, body: bytes, *, message_id: str) -> None:
        """Publish one message and wait until the stream has kept it. Raises `PostFailed`."""

    async def close(self) -> None:
        """Let go of the connection."""


class Ways:
    """How each kind of place is reached; `sqs`, `webhooks` and `stream` are None where there is none."""

    def __init__(
        self,
        messages: Messages,
        *,
        http: HttpClient,
        clock: Clock,
        sqs: SqsClient | None = None,
        webhooks: WebhookSigner | None = None,
        stream: Stream | None = None,
    ) -> None:
        self._messages = messages
        self._http = http
        self._clock = clock
        self._sqs = sqs
        self._webhooks = webhooks
        self._stream = stream

    async def close(self) -> None:
        """Let go of every connection."""
        self._http.close()
        if self._stream is not None:
            await self._stream.close()

    async def send(self, ready: Ready) -> tuple[str, str] | None:
        """One attempt; of what goes by mail its subject and text, to be spooled with the result.

        Raises `PostFailed`, or whatever fault kept it from being made.
        """
        place, message = ready.delivery.place, ready.message
        if ready.fault is not None:
            raise ready.fault
        match place.protocol:
            case protocol if protocol == WEBHOOK:
                await self._post_event(ready.delivery)
            case protocol if protocol == NATS:
                await self._publish(ready.delivery)
            case "http" | "https" if message is not None:
                await self._post(ready, message)
            case "email" | "email-json" if message is not None:
                return self._messages.mail(ready, message)
            case "sqs" if message is not None:
                await self._queue(ready, message)
            case other:
                raise PostFailed(f"there is no way to deliver by `{other}`")
        return None

    async def _post_event(self, delivery: Delivery) -> None:
        """Post an event to a webhook. Raises `PostFailed`."""
        place, publication = delivery.place, delivery.publication
        if self._webhooks is None:
            raise PostFailed("webhooks are not served here")
        body = publication.body.encode()
        try:
            fields = await self._webhooks.fields(
                read_arn(place.target), message_id=publication.message_id, body=body, now=self._clock.now()
            )
        except (WebhookGone, SealBroken) as error:
            raise PostFailed(str(error)) from error
        self._check(await self._http.post(place.endpoint, fields, body))

    async def _publish(self, delivery: Delivery) -> None:
        """Publish an event to the operator's stream. Raises `PostFailed`."""
        if self._stream is None:
            raise PostFailed("there is no NATS server: set notify.nats_servers")
        publication = delivery.publication
        await self._stream.publish(
            delivery.place.endpoint, publication.body.encode(), message_id=publication.message_id
        )

    async def _post(self, ready: Ready, message: SnsMessage) -> None:
        """Post to a subscription. Raises `PostFailed`."""
        place = ready.delivery.place
        raw = is_raw(message, place)
        fields = sns.http_fields(message, subscription_arn=place.target, is_raw=raw)
        if (content_type := place.options.get("content_type")) is not None:
            fields = [(name, content_type if name == "Content-Type" else value) for name, value in fields]
        body = message.message if raw else self._messages.envelope(ready, message)
        self._check(await self._http.post(place.endpoint, fields, body.encode()))

    async def _queue(self, ready: Ready, message: SnsMessage) -> None:
        """Put into a queue. Raises `PostFailed`."""
        if self._sqs is None:
            raise PostFailed("there is no SQS endpoint: set notify.sqs_endpoint")
        place = ready.delivery.place
        if is_raw(message, place):
            await self._sqs.send(place.endpoint, message.message, message.attributes)
        else:
            await self._sqs.send(place.endpoint, self._messages.envelope(ready, message))

    def _check(self, answer: Answer) -> None:
        """Raises `PostFailed` for an answer that is no success."""
        if answer.status == 410:
            raise EndpointGone("the endpoint answered 410: it wants no more")
        if not 200 <= answer.status < 300:
            raise PostFailed(
                f"the endpoint answered {answer.status}",
                retry_after_s=read_retry_after(answer.retry_after, now=self._clock.now()),
            )
