"""Delivers the outbox: posts to endpoints, mails, puts into queues; tries again, or gives up and keeps it.

Claims are made by endpoint, so that one that is slow or down holds at most its own places: after a failure it is tried
with one message at a time, at growing intervals, until it takes one. Endpoints that fail, are slow or have taken
nothing yet share half of the places, however many there are, so that the others always have theirs (`health`). Results
are written in batches. Nothing here waits for accepting or delivering mail, nor they for it. At least once: what was
sent and not recorded is sent again, under the same id.
"""

import asyncio
import hashlib
import traceback
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from sesame.aws.sns import delivery_policy as retry
from sesame.aws.sns import message as sns
from sesame.aws.sns.message import Kind, SnsMessage
from sesame.db import Store, Transaction
from sesame.errors import SesameError, Unavailable
from sesame.metrics import Metrics
from sesame.notify.certificate import Signing
from sesame.notify.health import Endpoints
from sesame.notify.http_client import HttpClient
from sesame.notify.sqs_client import SqsClient
from sesame.notify.url import PostFailed
from sesame.notify.webhook import PROTOCOL, WebhookGone, WebhookSigner
from sesame.observe import Clock, Log
from sesame.store import outbox, subscriptions, topics
from sesame.store.outbox import Delivery, Place, Publication, Result
from sesame.store.sealed import SealBroken
from sesame.store.webhooks import read_arn

POLL_S = 1.0
GATHER_S = 0.005
"""How long what is to be recorded and claimed is gathered, so that it takes few transactions."""

LEASE_S = 120.0
SIGNATURES = 4_096
DEFAULT_SUBJECT = "AWS Notification Message"
CONFIRMATION_SUBJECT = "AWS Notification - Subscription Confirmation"
END_SUBJECT = "AWS Notification - Unsubscribe Confirmation"


class Mail(Protocol):
    """Spools a mail in the transaction of the caller. Raises `SesameError` for an address that is none."""

    def __call__(
        self, tx: Transaction, *, to: str, subject: str, text: str, region: str, at: float
    ) -> Awaitable[object]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How much is under way at once, in all and at one endpoint, and how long is tried without a policy, in seconds."""

    workers: int = 64
    per_endpoint: int = 8
    give_up_after_s: float = 259_200.0


@dataclass(slots=True)
class _Done:
    """A row that was seen to: what became of it, or what is to be mailed with its result."""

    delivery: Delivery
    problem: str | None = None
    took_s: float = 0.0
    mail: tuple[str, str] | None = None
    """Subject and text."""


class Messages:
    """Makes what is sent of publications. One message of a topic is signed once, whoever gets it."""

    def __init__(self, signing: Signing, *, public_url: str, token_key: bytes) -> None:
        self._signing = signing
        self._token_key = token_key
        self._public_url = public_url
        self._certificate_url = f"{public_url}{signing.path}"
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

    def unsubscribe_url(self, place: Place) -> str:
        """Where the subscription of a place is ended."""
        return sns.unsubscribe_url(self._public_url, place.target)

    def envelope(self, message: SnsMessage, place: Place) -> str:
        """The signed envelope for one subscription."""
        text = sns.string_to_sign(message)
        key = hashlib.sha256(text).digest() + message.signature_version.encode()
        signature = self._signatures.get(key)
        if signature is None:
            signature = self._signatures[key] = self._signing.sign(text, message.signature_version)
            if len(self._signatures) > SIGNATURES:
                self._signatures.popitem(last=False)
        return sns.envelope(
            message,
            signature=signature,
            certificate_url=self._certificate_url,
            unsubscribe_url=self.unsubscribe_url(place),
        )

    def mail(self, message: SnsMessage, place: Place) -> tuple[str, str]:
        """Subject and text of the mail for one subscription."""
        match message.kind:
            case Kind.SUBSCRIPTION_CONFIRMATION:
                return CONFIRMATION_SUBJECT, sns.mail_confirmation(
                    message.topic_arn, message.subscribe_url or ""
                )
            case Kind.UNSUBSCRIBE_CONFIRMATION:
                return END_SUBJECT, f"{message.message}\n\n{message.subscribe_url}\n"
        body = self.envelope(message, place) if place.protocol == "email-json" else message.message
        text = sns.mail_text(body, unsubscribe_url=self.unsubscribe_url(place))
        return message.subject or DEFAULT_SUBJECT, text


class Notifier:
    """Delivers until cancelled; `wake` is the hint that there may be something. `mailed` follows spooled mail."""

    def __init__(
        self,
        store: Store,
        messages: Messages,
        *,
        http: HttpClient,
        mail: Mail,
        sqs: SqsClient | None,
        clock: Clock,
        log: Log,
        metrics: Metrics,
        draw: Callable[[], float],
        new_lease: Callable[[], str],
        webhooks: WebhookSigner | None = None,
        bounds: Bounds = Bounds(),
        mailed: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._messages = messages
        self._http = http
        self._mail = mail
        self._sqs = sqs
        self._webhooks = webhooks
        self._clock = clock
        self._log = log
        self._outcomes = {
            outcome: metrics.notifications.labels(outcome) for outcome in ("told", "again", "dead")
        }
        self._draw = draw
        self._new_lease = new_lease
        self._bounds = bounds
        self._mailed = mailed
        self._work = asyncio.Event()
        self._endpoints = Endpoints(places=bounds.workers, of_one=bounds.per_endpoint)
        self._done: list[_Done] = []

    def wake(self) -> None:
        """Something may be due."""
        self._work.set()

    async def run(self) -> None:
        """Deliver until cancelled; what is under way then is due again at the next start."""
        try:
            async with asyncio.TaskGroup() as tasks:
                while True:
                    self._work.clear()
                    try:
                        await self.settle()
                        claimed = await self.claim()
                    except Unavailable as error:
                        self._log.error("outbox_failed", reason=str(error))
                        await self._wait()
                        continue
                    except Exception:  # what was done and not recorded is due again when its lease ends
                        self._log.error("outbox_failed", trace=traceback.format_exc())
                        await self._wait()
                        continue
                    for delivery in claimed:
                        tasks.create_task(self._attempt(delivery))
                    if not claimed and not self._done:
                        await self._wait()
        finally:
            self._http.close()

    async def _wait(self) -> None:
        """Until something may be due, a hint or the next due time."""
        try:
            async with asyncio.timeout(POLL_S):
                await self._work.wait()
                await asyncio.sleep(GATHER_S)
        except TimeoutError:
            pass

    async def claim(self) -> list[Delivery]:
        """Lease what there is a place for, of each endpoint its share."""
        if self._endpoints.free <= 0:
            return []
        now, lease = self._clock.now(), self._new_lease()
        due = await self._store.read(lambda tx: self._due(tx, now=now))
        if not due:
            return []
        claimed = await self._store.write(
            lambda tx: outbox.claim(tx, due, now=now, lease=lease, lease_s=LEASE_S)
        )
        for delivery in claimed:
            self._endpoints.begin(delivery.place.endpoint)
        return claimed

    async def _due(self, tx: Transaction, *, now: float) -> list[int]:
        found: list[int] = []
        names = await outbox.endpoints(tx)
        start = int(self._draw() * len(names))
        places = self._endpoints.places(now)
        for endpoint in names[start:] + names[:start]:
            if (room := places.room(endpoint)) > 0:
                due = await outbox.due(tx, endpoint, now=now, limit=room)
                places.take(endpoint, len(due))
                found += due
            if places.left <= 0:
                break
        return found

    async def _attempt(self, delivery: Delivery) -> None:
        done, began = _Done(delivery), self._clock.monotonic()
        try:
            await self._send(delivery, done)
        except PostFailed as error:
            done.problem = str(error)
        except Exception:
            done.problem = "a fault of ours"
            self._log.error("notification_fault", target=delivery.place.target, trace=traceback.format_exc())
        finally:
            self._endpoints.end(delivery.place.endpoint)
        done.took_s = self._clock.monotonic() - began
        self._done.append(done)
        self._work.set()

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
        status, _ = await self._http.post(place.endpoint, fields, body)
        if not 200 <= status < 300:
            raise PostFailed(f"the endpoint answered {status}")

    async def _send(self, delivery: Delivery, done: _Done) -> None:
        """One attempt. Raises `PostFailed`."""
        place = delivery.place
        if place.protocol == PROTOCOL:
            await self._post_event(delivery)
            return
        message = self._messages.of(delivery.publication, place)
        is_raw = bool(place.options.get("raw")) and message.kind is Kind.NOTIFICATION
        match place.protocol:
            case "http" | "https":
                fields = sns.http_fields(message, subscription_arn=place.target, is_raw=is_raw)
                if (content_type := place.options.get("content_type")) is not None:
                    fields = [
                        (name, content_type if name == "Content-Type" else value) for name, value in fields
                    ]
                body = message.message if is_raw else self._messages.envelope(message, place)
                status, _ = await self._http.post(place.endpoint, fields, body.encode())
                if not 200 <= status < 300:
                    raise PostFailed(f"the endpoint answered {status}")
            case "email" | "email-json":
                done.mail = self._messages.mail(message, place)
            case "sqs":
                if self._sqs is None:
                    raise PostFailed("there is no SQS endpoint: set notify.sqs_endpoint")
                if is_raw:
                    await self._sqs.send(place.endpoint, message.message, message.attributes)
                else:
                    await self._sqs.send(place.endpoint, self._messages.envelope(message, place))
            case other:
                raise PostFailed(f"there is no way to deliver by `{other}`")

    async def settle(self) -> None:
        """Record what was done since the last time, mail included, in one commit."""
        done, self._done = self._done, []
        if not done:
            return
        now = self._clock.now()
        try:
            results = await self._store.write(lambda tx: self._settle(tx, done, now))
        except Unavailable:
            self._done = done + self._done
            raise
        for one, made in zip(results, done, strict=True):
            self._note(one, now, took_s=made.took_s)
        if any(one.mail is not None for one in done):
            self._mailed()

    async def _settle(self, tx: Transaction, done: Sequence[_Done], now: float) -> list[Result]:
        results: list[Result] = []
        for one in done:
            problem = one.problem
            if one.mail is not None and await outbox.holds(tx, one.delivery):
                subject, text = one.mail
                region = one.delivery.publication.topic_arn.split(":")[3]
                try:
                    await self._mail(
                        tx, to=one.delivery.place.endpoint, subject=subject, text=text, region=region, at=now
                    )
                except SesameError as error:
                    results.append(Result(delivery=one.delivery, problem=str(error)))
                    continue
            if problem is None:
                results.append(Result(delivery=one.delivery))
            else:
                results.append(await self._failed(tx, one.delivery, problem, now))
        await outbox.settle(tx, results, now=now)
        return results

    async def _failed(self, tx: Transaction, delivery: Delivery, problem: str, now: float) -> Result:
        """When a delivery that failed is tried again; what is given up goes to the subscription's own queue."""
        publication, place = delivery.publication, delivery.place
        subscription = await subscriptions.get(tx, place.target)
        topic = await topics.get(tx, *_topic_key(publication.topic_arn))
        own = None if subscription is None else subscription.attributes.get("DeliveryPolicy")
        healthy = retry.stored(own, None if topic is None else topic.attributes.get("DeliveryPolicy"))
        again = retry.next_attempt_at(
            attempts=delivery.attempts,
            published_at=publication.at,
            now=now,
            healthy=healthy if place.protocol in ("http", "https") else None,
            give_up_after_s=self._bounds.give_up_after_s,
            draw=self._draw,
        )
        redrive = None if subscription is None else subscription.attributes.get("RedrivePolicy")
        if (
            again is None
            and redrive
            and not place.options.get("dead_letter")
            and publication.kind == Kind.NOTIFICATION.value
        ):
            await outbox.redirect(tx, delivery, queue_arn=retry.read_redrive_policy(redrive), now=now)
        return Result(delivery=delivery, problem=problem, again_at=again)

    def _note(self, result: Result, now: float, *, took_s: float) -> None:
        """Keep in mind how the endpoint does, and tell the log and the metrics."""
        endpoint, problem = result.delivery.place.endpoint, result.problem
        if problem is None:
            self._endpoints.took(endpoint, took_s)
            self._outcomes["told"].inc()
            return
        self._endpoints.failed(endpoint, now)
        outcome = "dead" if result.again_at is None else "again"
        self._outcomes[outcome].inc()
        self._log.event(
            "notification_failed",
            target=result.delivery.place.target,
            message_id=result.delivery.publication.message_id,
            attempts=result.delivery.attempts,
            outcome=outcome,
            reason=problem,
        )


def _topic_key(topic_arn: str) -> tuple[str, str, str]:
    region, account_id, name = topic_arn.split(":")[3:6]
    return account_id, region, name
