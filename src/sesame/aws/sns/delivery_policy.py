"""When to try again: by the delivery policy of a subscription or topic, or by our own. Pure.

Source: SNS developer guide, "Creating an HTTP/S delivery policy". Where there is no policy we try for longer than SNS
does, at growing intervals: an endpoint that is gone for a day loses nothing.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sesame.errors import SesameError

FIRST_DELAY_S = 20.0
LONGEST_DELAY_S = 3_600.0
MAX_RETRIES, MAX_DELAY_S = 100, 3_600
BACKOFFS = ("arithmetic", "exponential", "geometric", "linear")


class DeliveryPolicyError(SesameError):
    """A delivery policy that would not be stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Healthy:
    """The `healthyRetryPolicy` of a delivery policy; delays in seconds."""

    min_delay_s: int = 20
    max_delay_s: int = 20
    retries: int = 3
    without_delay: int = 0
    at_min_delay: int = 0
    at_max_delay: int = 0
    backoff: str = "linear"

    def delay(self, retry: int) -> float | None:
        """Seconds before the retry of that number, from 1; None: no further one."""
        if retry > self.retries:
            return None
        if retry <= self.without_delay:
            return 0.0
        if retry <= self.without_delay + self.at_min_delay:
            return float(self.min_delay_s)
        growing = self.retries - self.without_delay - self.at_min_delay - self.at_max_delay
        step = retry - self.without_delay - self.at_min_delay
        if step > growing:
            return float(self.max_delay_s)
        share = 1.0 if growing <= 1 else (step - 1) / (growing - 1)
        return self.min_delay_s + (self.max_delay_s - self.min_delay_s) * _CURVES[self.backoff](share)


_CURVES: Mapping[str, Callable[[float], float]] = {
    "linear": lambda share: share,
    "arithmetic": lambda share: share * (share + 1) / 2,
    "geometric": lambda share: (4**share - 1) / 3,
    "exponential": lambda share: (2 ** (share * 6) - 1) / 63,
}
_NUMBERS = {
    "minDelayTarget": ("min_delay_s", 1, MAX_DELAY_S),
    "maxDelayTarget": ("max_delay_s", 1, MAX_DELAY_S),
    "numRetries": ("retries", 0, MAX_RETRIES),
    "numNoDelayRetries": ("without_delay", 0, MAX_RETRIES),
    "numMinDelayRetries": ("at_min_delay", 0, MAX_RETRIES),
    "numMaxDelayRetries": ("at_max_delay", 0, MAX_RETRIES),
}
_HEALTHY_DEFAULTS: Mapping[str, Any] = {
    "minDelayTarget": 20,
    "maxDelayTarget": 20,
    "numRetries": 3,
    "numMaxDelayRetries": 0,
    "numNoDelayRetries": 0,
    "numMinDelayRetries": 0,
    "backoffFunction": "linear",
}
_HTTP_DEFAULTS: Mapping[str, Any] = {
    "defaultHealthyRetryPolicy": _HEALTHY_DEFAULTS,
    "disableSubscriptionOverrides": False,
    "defaultRequestPolicy": {"headerContentType": "text/plain; charset=UTF-8"},
}
QUEUE_ARN = re.compile(r"arn:aws:sqs:([a-z0-9-]+):([0-9]{12}):([A-Za-z0-9_-]{1,80})")
_KNOWN = frozenset(
    {"healthyRetryPolicy", "sicklyRetryPolicy", "throttlePolicy", "requestPolicy", "guaranteed"}
)


def read_delivery_policy(text: str) -> Healthy | None:
    """The retries of a subscription's delivery policy, None if it says nothing of them.

    Raises `DeliveryPolicyError`.
    """
    try:
        policy = json.loads(text)
    except (ValueError, RecursionError):
        raise DeliveryPolicyError("DeliveryPolicy: failed to parse JSON") from None
    if not isinstance(policy, dict):
        raise DeliveryPolicyError("DeliveryPolicy: must be a JSON object")
    for name in policy:
        if name not in _KNOWN:
            raise DeliveryPolicyError(f"DeliveryPolicy: {name} is not known")
    for name in ("sicklyRetryPolicy", "throttlePolicy"):
        if policy.get(name):
            raise DeliveryPolicyError(f"DeliveryPolicy: {name} is not supported")
    request = policy.get("requestPolicy") or {}
    if not isinstance(request, dict) or request.keys() - {"headerContentType"}:
        raise DeliveryPolicyError("DeliveryPolicy: requestPolicy may hold headerContentType")
    content_type = request.get("headerContentType", "text/plain")
    if not isinstance(content_type, str) or not content_type.isprintable() or "/" not in content_type:
        raise DeliveryPolicyError("DeliveryPolicy: headerContentType must be a media type")
    healthy = policy.get("healthyRetryPolicy")
    return None if healthy is None else _healthy(healthy)


def read_topic_policy(text: str) -> Healthy | None:
    """The retries of a topic's delivery policy, which holds one for http. Raises `DeliveryPolicyError`."""
    try:
        policy = json.loads(text)
    except (ValueError, RecursionError):
        raise DeliveryPolicyError("DeliveryPolicy: failed to parse JSON") from None
    http = (policy.get("http") or {}) if isinstance(policy, dict) else None
    if not isinstance(http, dict):
        raise DeliveryPolicyError("DeliveryPolicy: http must be a JSON object")
    for name in ("defaultSicklyRetryPolicy", "defaultThrottlePolicy"):
        if http.get(name):
            raise DeliveryPolicyError(f"DeliveryPolicy: {name} is not supported")
    healthy = http.get("defaultHealthyRetryPolicy")
    return None if healthy is None else _healthy(healthy)


def effective_topic_policy(text: str | None) -> str:
    """A topic's delivery policy with SNS's defaults for what it leaves open, as JSON; None: those alone."""
    http = {} if text is None else json.loads(text).get("http") or {}
    given = {
        name: value
        for name, value in (http.get("defaultHealthyRetryPolicy") or {}).items()
        if value is not None
    }
    effective = {**_HTTP_DEFAULTS, **http, "defaultHealthyRetryPolicy": {**_HEALTHY_DEFAULTS, **given}}
    return json.dumps({"http": effective}, separators=(",", ":"))


def _overrides_nothing(topic: str) -> bool:
    """Whether a topic's policy holds whatever its subscriptions say."""
    try:
        found = json.loads(topic)
        return bool(found["http"]["disableSubscriptionOverrides"])
    except (ValueError, LookupError, TypeError):
        return False


def _healthy(given: Any) -> Healthy:
    if not isinstance(given, dict):
        raise DeliveryPolicyError("DeliveryPolicy: healthyRetryPolicy must be a JSON object")
    read: dict[str, Any] = {}
    for name, value in given.items():
        if name == "backoffFunction":
            if value not in BACKOFFS:
                raise DeliveryPolicyError(
                    f"DeliveryPolicy: backoffFunction must be one of {', '.join(BACKOFFS)}"
                )
            read["backoff"] = value
            continue
        if name not in _NUMBERS:
            raise DeliveryPolicyError(f"DeliveryPolicy: {name} is not known")
        ours, least, most = _NUMBERS[name]
        if value is None:
            continue
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise DeliveryPolicyError(f"DeliveryPolicy: {name} must be a number from {least} to {most}")
        read[ours] = value
    found = Healthy(**read)
    if found.min_delay_s > found.max_delay_s:
        raise DeliveryPolicyError("DeliveryPolicy: maxDelayTarget must be at least minDelayTarget")
    if found.without_delay + found.at_min_delay + found.at_max_delay > found.retries:
        raise DeliveryPolicyError("DeliveryPolicy: numRetries must be at least the sum of its phases")
    return found


@lru_cache(maxsize=256)
def stored(subscription: str | None, topic: str | None) -> Healthy | None:
    """The retries that stored policies ask for, the subscription's before the topic's; None: ours."""
    if topic and _overrides_nothing(topic):
        subscription = None
    for text, read in ((subscription, read_delivery_policy), (topic, read_topic_policy)):
        try:
            if text and (found := read(text)) is not None:
                return found
        except DeliveryPolicyError:
            continue
    return None


def next_attempt_at(
    *,
    attempts: int,
    published_at: float,
    now: float,
    healthy: Healthy | None,
    give_up_after_s: float,
    draw: Callable[[], float],
) -> float | None:
    """When to try again after that many attempts, in Unix seconds, or None to give up.

    `draw` returns a number in [0, 1); it spreads our own retries by up to a quarter of their delay.
    """
    if healthy is not None:
        delay = healthy.delay(attempts)
        return None if delay is None else now + delay
    delay = min(FIRST_DELAY_S * 2 ** min(attempts - 1, 16), LONGEST_DELAY_S)
    due = now + delay * (1 + draw() / 4)
    return due if due - published_at < give_up_after_s else None


def read_redrive_policy(text: str) -> str:
    """The queue that takes what is given up. Raises `DeliveryPolicyError`."""
    try:
        policy = json.loads(text)
    except (ValueError, RecursionError):
        raise DeliveryPolicyError("RedrivePolicy: failed to parse JSON") from None
    arn = policy.get("deadLetterTargetArn") if isinstance(policy, dict) and len(policy) == 1 else None
    if not isinstance(arn, str) or not QUEUE_ARN.fullmatch(arn):
        raise DeliveryPolicyError("RedrivePolicy: must hold a deadLetterTargetArn, the ARN of an SQS queue")
    return arn
