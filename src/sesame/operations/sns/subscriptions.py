"""SNS subscriptions: made, confirmed, read, changed, ended; by signed calls and by the links in what is posted.

Source: SNS API reference; SNS developer guide, "Subscribing to a topic"; texts as observed.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace

from sesame.aws import paging
from sesame.aws.shapes import sns
from sesame.aws.sns import delivery_policy, message
from sesame.aws.sns.delivery_policy import DeliveryPolicyError
from sesame.aws.sns.filter_policy import SCOPES, FilterPolicyError, read_filter_policy
from sesame.aws.sns.message import Kind
from sesame.db import Store, Transaction
from sesame.mail.address import AddressError, parse_mailbox
from sesame.model import Caller
from sesame.notify.publishing import ask
from sesame.notify.url import PostFailed, read_url
from sesame.observe import Clock
from sesame.operations.sns.access import AuthorizationError, TopicAccess, still
from sesame.operations.sns.topic_arn import InvalidParameter, NotFound, read_arn, topic_of
from sesame.operations.table import Handlers
from sesame.store import ended_targets, subscriptions, topics
from sesame.store.subscriptions import Subscription

A_PAGE = 100
TOKEN_LIVES_S = 3 * 86_400.0
ELSEWHERE = ("application", "firehose", "lambda", "sms")
ATTRIBUTES = ("DeliveryPolicy", "FilterPolicy", "FilterPolicyScope", "RawMessageDelivery", "RedrivePolicy")
HTTP = ("http", "https")
MAIL = ("email", "email-json")
PENDING, ENDED = "PendingConfirmation", "Deleted"


class SubscriptionOperations:
    """The operations. `published` is called after something was put into the outbox.

    `has_queues` says whether an SQS-compatible service is set, `may_be_plain` whether endpoints may be plain HTTP.
    """

    def __init__(
        self,
        store: Store,
        access: TopicAccess,
        *,
        clock: Clock,
        token_key: bytes,
        new_id: Callable[[], str],
        published: Callable[[], None],
        has_queues: bool,
        may_be_plain: bool,
    ) -> None:
        self._store = store
        self._access = access
        self._clock = clock
        self._token_key = token_key
        self._new_id = new_id
        self._published = published
        self._has_queues = has_queues
        self._may_be_plain = may_be_plain

    def handlers(self) -> Handlers:
        """What this serves, by operation name."""
        return {
            "Subscribe": self.subscribe,
            "ConfirmSubscription": self.confirm_subscription,
            "Unsubscribe": self.unsubscribe,
            "ListSubscriptions": self.list_subscriptions,
            "ListSubscriptionsByTopic": self.list_subscriptions_by_topic,
            "GetSubscriptionAttributes": self.get_subscription_attributes,
            "SetSubscriptionAttributes": self.set_subscription_attributes,
        }

    async def subscribe(self, caller: Caller, request: sns.SubscribeInput) -> sns.SubscribeResponse:
        """Subscribe an endpoint; it has to confirm, but for a queue of the caller's own account."""
        protocol, endpoint = request["Protocol"], request.get("Endpoint", "")
        keys = {"sns:Protocol": protocol, "sns:Endpoint": endpoint}
        topic, permit = await self._access.topic(caller, "Subscribe", request["TopicArn"], keys=keys)
        self._check_endpoint(protocol, endpoint)
        attributes = dict(request.get("Attributes", {}))
        for name, value in attributes.items():
            self._check_attribute(protocol, name, value, attributes)
        account_id, now = caller.principal.account_id, self._clock.now()
        new = Subscription(
            arn=f"{topic.arn}:{self._new_id()}",
            topic_arn=topic.arn,
            account_id=account_id,
            protocol=protocol,
            endpoint=endpoint,
            attributes=attributes,
            created_at=now,
            confirmed_at=now if protocol == "sqs" and endpoint.split(":")[4] == account_id else None,
        )

        async def run(tx: Transaction) -> Subscription:
            await still(tx, topic)
            held = await subscriptions.find(tx, topic.arn, protocol, endpoint)
            if held is not None and held.confirmed_at is not None:
                if attributes and dict(held.attributes) != attributes:
                    raise InvalidParameter(
                        "Invalid parameter: Attributes Reason: Subscription already exists with different attributes"
                    )
                return held
            one = (
                new if held is None else replace(new, arn=held.arn, attributes=attributes or held.attributes)
            )
            if one.confirmed_at is None:
                return await self._ask(tx, one, Kind.SUBSCRIPTION_CONFIRMATION, now=now)
            await subscriptions.put(tx, one)
            return one

        made = await permit.apply(run)
        self._published()
        is_shown = made.confirmed_at is not None or request.get("ReturnSubscriptionArn", False)
        return {"SubscriptionArn": made.arn if is_shown else "pending confirmation"}

    async def confirm_subscription(
        self, caller: Caller, request: sns.ConfirmSubscriptionInput
    ) -> sns.ConfirmSubscriptionResponse:
        """Confirm by the token that the endpoint was sent."""
        read_arn(request["TopicArn"])
        permit = await self._access.allow(caller, "ConfirmSubscription", request["TopicArn"])
        needs = request.get("AuthenticateOnUnsubscribe", "false").lower() == "true"
        arn = await permit.apply(
            self._confirming(request["TopicArn"], request["Token"], needs_authentication=needs)
        )
        return {"SubscriptionArn": arn}

    async def confirm_by_link(self, topic_arn: str, token: str) -> str:
        """Confirm by the link in what the endpoint was sent; the subscription's ARN."""
        read_arn(topic_arn)
        return await self._store.write(self._confirming(topic_arn, token, needs_authentication=None))

    def _confirming(
        self, topic_arn: str, token: str, *, needs_authentication: bool | None
    ) -> Callable[[Transaction], Awaitable[str]]:
        """The change that confirms the subscription of a token; the token is what lets it."""
        now = self._clock.now()

        async def run(tx: Transaction) -> str:
            if await topics.get(tx, *_key(topic_arn)) is None:
                raise NotFound("Topic does not exist")
            found = await subscriptions.by_token(tx, topic_arn, message.token_digest(token))
            if found is None or found.token_until is None or found.token_until < now:
                raise InvalidParameter("Invalid parameter: Token")
            if found.confirmed_at is None:
                changed = replace(
                    found,
                    confirmed_at=now,
                    ended_at=None,
                    needs_authentication=bool(needs_authentication),
                )
                await subscriptions.put(tx, changed)
            return found.arn

        return run

    async def unsubscribe(self, caller: Caller, request: sns.UnsubscribeInput) -> sns.UnsubscribeResponse:
        """End a subscription: its account or the topic's may."""
        arn = request["SubscriptionArn"]
        topic_arn = topic_of(arn)
        permit = await self._access.allow(caller, "Unsubscribe")

        async def run(tx: Transaction) -> None:
            found = await subscriptions.get(tx, arn)
            if found is None:
                return
            if caller.principal.account_id not in (found.account_id, topic_arn.split(":")[4]):
                raise AuthorizationError(
                    f"User: {caller.principal.arn} is not authorized to perform: SNS:Unsubscribe on resource: {arn}"
                )
            await self._end(tx, found)

        await permit.apply(run)
        self._published()
        return {}

    async def end_by_link(self, arn: str) -> None:
        """End a subscription by the link in what it was sent, unless it wants a signed call for that."""
        topic_of(arn)

        async def run(tx: Transaction) -> None:
            found = await subscriptions.get(tx, arn)
            if found is None or found.confirmed_at is None:
                return
            if found.needs_authentication:
                raise AuthorizationError("Unsubscribe requires authentication for this subscription")
            await self._end(tx, found)

        await self._store.write(run)
        self._published()

    async def _end(self, tx: Transaction, found: Subscription) -> None:
        """Send nothing more; who can be written to is notified, and may take it back."""
        now = self._clock.now()
        await ended_targets.drop_target(tx, found.arn, now=now)
        if found.confirmed_at is None or found.protocol == "sqs":
            await subscriptions.delete(tx, found.arn)
            return
        ended = replace(found, confirmed_at=None, ended_at=now)
        await self._ask(tx, ended, Kind.UNSUBSCRIBE_CONFIRMATION, now=now)

    async def _ask(self, tx: Transaction, one: Subscription, kind: Kind, *, now: float) -> Subscription:
        """Send the token that confirms a subscription, or takes its end back, and keep it."""
        nonce = self._new_id()
        token = message.make_token(self._token_key, one.arn, nonce)
        kept = replace(one, token_digest=message.token_digest(token), token_until=now + TOKEN_LIVES_S)
        await subscriptions.put(tx, kept)
        is_new = kind is Kind.SUBSCRIPTION_CONFIRMATION
        body = message.subscribe_text(one.topic_arn) if is_new else message.unsubscribe_text(one.arn)
        await ask(tx, kept, kind, message_id=self._new_id(), body=body, nonce=nonce, at=now)
        return kept

    async def list_subscriptions(
        self, caller: Caller, request: sns.ListSubscriptionsInput
    ) -> sns.ListSubscriptionsResponse:
        """The account's subscriptions in the region, a hundred a page."""
        await self._access.allow(caller, "ListSubscriptions")
        after = _after(request.get("NextToken"))
        account_id, region = caller.principal.account_id, caller.region
        found = await self._store.read(
            lambda tx: subscriptions.of_account(tx, account_id, region, after=after, limit=A_PAGE + 1)
        )
        return _page(found)

    async def list_subscriptions_by_topic(
        self, caller: Caller, request: sns.ListSubscriptionsByTopicInput
    ) -> sns.ListSubscriptionsByTopicResponse:
        """A topic's subscriptions, a hundred a page."""
        topic, _ = await self._access.topic(caller, "ListSubscriptionsByTopic", request["TopicArn"])
        after = _after(request.get("NextToken"))
        found = await self._store.read(
            lambda tx: subscriptions.of_topic(tx, topic.arn, after=after, limit=A_PAGE + 1)
        )
        return _page(found)

    async def get_subscription_attributes(
        self, caller: Caller, request: sns.GetSubscriptionAttributesInput
    ) -> sns.GetSubscriptionAttributesResponse:
        """A subscription's attributes, for its account and the topic's."""
        await self._access.allow(caller, "GetSubscriptionAttributes")
        arn = request["SubscriptionArn"]
        owner = topic_of(arn).split(":")[4]
        one = await self._store.read(lambda tx: subscriptions.get(tx, arn))
        if one is None or caller.principal.account_id not in (one.account_id, owner):
            raise NotFound("Subscription does not exist")
        attributes = {
            "RawMessageDelivery": "false",
            **one.attributes,
            "SubscriptionArn": one.arn,
            "TopicArn": one.topic_arn,
            "Owner": one.account_id,
            "Protocol": one.protocol,
            "Endpoint": one.endpoint,
            "PendingConfirmation": "true" if one.confirmed_at is None else "false",
            "ConfirmationWasAuthenticated": "true" if _was_authenticated(one) else "false",
            "SubscriptionPrincipal": f"arn:aws:iam::{one.account_id}:root",
        }
        if "FilterPolicy" in one.attributes:
            attributes.setdefault("FilterPolicyScope", SCOPES[0])
        return {"Attributes": attributes}

    async def set_subscription_attributes(
        self, caller: Caller, request: sns.SetSubscriptionAttributesInput
    ) -> sns.SetSubscriptionAttributesResponse:
        """Set one attribute; without a value it goes back to its default."""
        permit = await self._access.allow(caller, "SetSubscriptionAttributes")
        arn, name, value = (
            request["SubscriptionArn"],
            request["AttributeName"],
            request.get("AttributeValue", ""),
        )
        topic_of(arn)

        async def run(tx: Transaction) -> None:
            one = await subscriptions.get(tx, arn)
            if one is None or one.account_id != caller.principal.account_id:
                raise NotFound("Subscription does not exist")
            attributes = {key: held for key, held in one.attributes.items() if key != name}
            if value and not (name == "FilterPolicy" and value.strip() == "{}"):
                attributes[name] = value
            self._check_attribute(one.protocol, name, value, attributes)
            if name == "FilterPolicyScope" and (policy := attributes.get("FilterPolicy")):
                self._check_attribute(one.protocol, "FilterPolicy", policy, attributes)
            await subscriptions.put(tx, replace(one, attributes=attributes))

        await permit.apply(run)
        return {}

    def _check_endpoint(self, protocol: str, endpoint: str) -> None:
        """Refuse what nothing can be delivered to."""
        if protocol in ELSEWHERE:
            raise InvalidParameter(
                f"Invalid parameter: Protocol Reason: {protocol} is not supported by this service"
            )
        if protocol in HTTP:
            if not endpoint.startswith(f"{protocol}://"):
                raise InvalidParameter("Invalid parameter: Endpoint must match the specified protocol")
            try:
                read_url(endpoint)
            except PostFailed as error:
                raise InvalidParameter(f"Invalid parameter: Endpoint Reason: {error}") from None
            if protocol == "http" and not self._may_be_plain:
                raise InvalidParameter(
                    "Invalid parameter: Protocol Reason: plain HTTP is not allowed by this service, use https"
                )
        elif protocol in MAIL:
            try:
                if parse_mailbox(endpoint).display_name is not None:
                    raise InvalidParameter("Invalid parameter: Email address")
            except AddressError:
                raise InvalidParameter("Invalid parameter: Email address") from None
        elif protocol == "sqs":
            if not delivery_policy.QUEUE_ARN.fullmatch(endpoint):
                raise InvalidParameter("Invalid parameter: SQS endpoint ARN")
            if not self._has_queues:
                raise InvalidParameter(
                    "Invalid parameter: Protocol Reason: this service has no SQS-compatible endpoint"
                )
        else:
            raise InvalidParameter(
                f"Invalid parameter: Amazon SNS does not support this protocol string: {protocol}"
            )

    def _check_attribute(self, protocol: str, name: str, value: str, all_: Mapping[str, str]) -> None:
        """Refuse an attribute that there is not, or a value that would not be understood."""
        if name not in ATTRIBUTES:
            raise InvalidParameter("Invalid parameter: AttributeName")
        if not value:
            return
        try:
            match name:
                case "RawMessageDelivery":
                    _check_raw(protocol, value)
                case "FilterPolicyScope" if value not in SCOPES:
                    raise InvalidParameter(
                        "Invalid parameter: FilterPolicyScope: Invalid value ["
                        + value
                        + "]. Please use either"
                        " MessageBody or MessageAttributes"
                    )
                case "FilterPolicy":
                    read_filter_policy(value, scope=all_.get("FilterPolicyScope", SCOPES[0]))
                case "DeliveryPolicy":
                    if protocol not in HTTP:
                        raise InvalidParameter(
                            f"Invalid parameter: Delivery protocol [{protocol}] does not support a delivery policy."
                        )
                    delivery_policy.read_delivery_policy(value)
                case "RedrivePolicy":
                    delivery_policy.read_redrive_policy(value)
                    if not self._has_queues:
                        raise InvalidParameter(
                            "Invalid parameter: RedrivePolicy: this service has no SQS-compatible endpoint"
                        )
        except (FilterPolicyError, DeliveryPolicyError) as error:
            raise InvalidParameter(f"Invalid parameter: {error}") from None


def _check_raw(protocol: str, value: str) -> None:
    if value.lower() not in ("true", "false"):
        raise InvalidParameter(
            f"Invalid parameter: Attributes Reason: RawMessageDelivery: Invalid value [{value}]. Must be true or false."
        )
    if protocol in MAIL and value.lower() == "true":
        raise InvalidParameter(
            f"Invalid parameter: Attributes Reason: Delivery protocol [{protocol}] does not support raw message"
            " delivery."
        )


def _listed(one: Subscription) -> sns.Subscription:
    arn = one.arn
    if one.confirmed_at is None:
        arn = PENDING if one.ended_at is None else ENDED
    return {
        "SubscriptionArn": arn,
        "Owner": one.account_id,
        "Protocol": one.protocol,
        "Endpoint": one.endpoint,
        "TopicArn": one.topic_arn,
    }


def _was_authenticated(one: Subscription) -> bool:
    return one.needs_authentication or (one.protocol == "sqs" and one.confirmed_at is not None)


def _page(found: Sequence[Subscription]) -> sns.ListSubscriptionsResponse:
    page, token = paging.cut(found, A_PAGE, lambda one: one.arn)
    return {"Subscriptions": [_listed(one) for one in page], **paging.next_page(token)}


def _after(token: str | None) -> str:
    return paging.decode(token, lambda: InvalidParameter("Invalid parameter: NextToken"))


def _key(topic_arn: str) -> tuple[str, str, str]:
    region, account_id, name = read_arn(topic_arn)
    return account_id, region, name
