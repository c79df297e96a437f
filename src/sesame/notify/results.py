"""What became of attempts, written into the outbox with all that follows from it, in the transaction of the caller.

A mail is spooled with its result. What failed is tried again when its policy says; what is given up goes to the
subscription's own queue; a webhook that is gone takes all that waits for it along.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from sesame.aws.sns import delivery_policy as retry
from sesame.aws.sns.message import Kind
from sesame.db import Transaction
from sesame.errors import SesameError
from sesame.notify.protocols import WEBHOOK
from sesame.store import ended_targets, outbox, subscriptions, topics
from sesame.store.outbox import Delivery, Result


class Mail(Protocol):
    """Spools a mail in the transaction of the caller. Raises `SesameError` for an address that is none."""

    def __call__(
        self, tx: Transaction, *, to: str, subject: str, text: str, region: str, at: float
    ) -> Awaitable[object]: ...


@dataclass(slots=True)
class Done:
    """A row that was seen to: what became of it, or what is to be mailed with its result."""

    delivery: Delivery
    problem: str | None = None
    took_s: float = 0.0
    mail: tuple[str, str] | None = None
    """Subject and text."""
    is_gone: bool = False
    """Whether the endpoint said that it wants no more."""
    retry_after_s: float = 0.0
    """How long it asked to be left alone."""


class Results:
    """Writes them; `draw` spreads retries, `give_up_after_s` is for what has no policy of its own."""

    def __init__(self, *, mail: Mail, draw: Callable[[], float], give_up_after_s: float) -> None:
        self._mail = mail
        self._draw = draw
        self._give_up_after_s = give_up_after_s

    async def record(self, tx: Transaction, done: Sequence[Done], now: float) -> list[Result]:
        """Write results, with what follows from them: mail, queues of what is given up, webhooks that are gone."""
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
                results.append(await self._failed(tx, one, problem, now))
        await outbox.settle(tx, results, now=now)
        gone = {
            one.delivery.place.target: one.problem or ""
            for one in done
            if one.is_gone and one.delivery.place.protocol == WEBHOOK
        }
        for target, problem in gone.items():
            await ended_targets.give_up(tx, target, problem=problem, now=now)
        return results

    async def _failed(self, tx: Transaction, done: Done, problem: str, now: float) -> Result:
        """When a delivery that failed is tried again; what is given up goes to the subscription's own queue."""
        delivery = done.delivery
        publication, place = delivery.publication, delivery.place
        subscription = await subscriptions.get(tx, place.target)
        topic = await topics.get(tx, *_topic_key(publication.topic_arn))
        own = None if subscription is None else subscription.attributes.get("DeliveryPolicy")
        healthy = retry.stored(own, None if topic is None else topic.attributes.get("DeliveryPolicy"))
        again = (
            None
            if done.is_gone
            else retry.next_attempt_at(
                attempts=delivery.attempts,
                published_at=publication.at,
                now=now,
                healthy=healthy if place.protocol in ("http", "https") else None,
                give_up_after_s=self._give_up_after_s,
                draw=self._draw,
            )
        )
        redrive = None if subscription is None else subscription.attributes.get("RedrivePolicy")
        if (
            again is None
            and redrive
            and not place.options.get("dead_letter")
            and publication.kind == Kind.NOTIFICATION.value
        ):
            await outbox.redirect(tx, delivery, queue_arn=retry.read_redrive_policy(redrive), now=now)
        if again is not None:
            again = max(again, now + done.retry_after_s)
        return Result(delivery=delivery, problem=problem, again_at=again)


def _topic_key(topic_arn: str) -> tuple[str, str, str]:
    region, account_id, name = topic_arn.split(":")[3:6]
    return account_id, region, name
