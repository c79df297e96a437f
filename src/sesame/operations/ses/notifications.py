"""What is published of an identity's mail, SES v1: topics, headers, feedback by mail.

The owner names the identity or its ARN; a delegate that may send as it names the ARN and has settings of
its own. Source: SES API reference; SES developer guide, "Delegate sender notifications".
"""

from sesame.access.identity_names import normal_name, parse_identity_arn
from sesame.access.pace import Pace
from sesame.access.permission import Authorizer
from sesame.aws.arn import identity_arn
from sesame.aws.shapes import ses
from sesame.db import Store, Transaction
from sesame.errors import AccessDenied, InvalidParameterValue
from sesame.model import Caller
from sesame.notify.event_json import subscribed_topic
from sesame.notify.publishing import announce
from sesame.operations.configuration_sets import TopicUnusable, open_topic
from sesame.operations.table import Handlers
from sesame.policy import Policy, parse_stored_identity_policy
from sesame.policy.language.document import Effect
from sesame.store import identities, identity_policies, notifications
from sesame.store.notifications import Settings

MAX_IDENTITIES_A_CALL = 100


class NotificationOperations:
    """The operations; each checks the caller's IAM policies first.

    `pace` says when it is answered that an identity is not the caller's to ask about, or is not there.
    """

    def __init__(self, store: Store, authorizer: Authorizer, pace: Pace) -> None:
        self._store = store
        self._authorizer = authorizer
        self._pace = pace

    def handlers(self) -> Handlers:
        """What this serves, by operation name."""
        return {
            "SetIdentityNotificationTopic": self.set_topic,
            "SetIdentityFeedbackForwardingEnabled": self.set_forwarding,
            "SetIdentityHeadersInNotificationsEnabled": self.set_headers,
            "GetIdentityNotificationAttributes": self.get_attributes,
        }

    async def set_topic(
        self, caller: Caller, request: ses.SetIdentityNotificationTopicRequest
    ) -> ses.SetIdentityNotificationTopicResponse:
        """Set or clear the topic for one kind of notification."""
        permit = await self._authorizer.require(caller, "ses:SetIdentityNotificationTopic")
        topic, kind = request.get("SnsTopic") or None, request["NotificationType"]

        async def run(tx: Transaction) -> None:
            arn = await notification_identity(tx, caller, request["Identity"])
            found = None
            if topic is not None:
                try:
                    found = await open_topic(tx, caller, topic, source_arn=arn)
                except TopicUnusable as why:
                    raise InvalidParameterValue(str(why)) from None
            await notifications.set_topic(tx, caller.principal.account_id, arn, kind, topic)
            if found is not None:
                name = arn.partition(":identity/")[2]
                await announce(tx, found, subscribed_topic(found.arn, kind, name), at=caller.at)

        async with self._pace.refusals():
            await permit.apply(run)
        return {}

    async def set_forwarding(
        self, caller: Caller, request: ses.SetIdentityFeedbackForwardingEnabledRequest
    ) -> ses.SetIdentityFeedbackForwardingEnabledResponse:
        """Whether bounces and complaints are mailed; they cannot go nowhere at all."""
        permit = await self._authorizer.require(caller, "ses:SetIdentityFeedbackForwardingEnabled")

        async def run(tx: Transaction) -> None:
            arn = await notification_identity(tx, caller, request["Identity"])
            settings = await notifications.get(tx, caller.principal.account_id, arn)
            if not request["ForwardingEnabled"] and not {"Bounce", "Complaint"} <= settings.topics.keys():
                raise InvalidParameterValue(
                    f"Identity {request['Identity']} does not have both a bounce and a complaint topic: feedback"
                    " forwarding cannot be disabled."
                )
            await notifications.set_forwarding(
                tx, caller.principal.account_id, arn, enabled=request["ForwardingEnabled"]
            )

        async with self._pace.refusals():
            await permit.apply(run)
        return {}

    async def set_headers(
        self, caller: Caller, request: ses.SetIdentityHeadersInNotificationsEnabledRequest
    ) -> ses.SetIdentityHeadersInNotificationsEnabledResponse:
        """Whether notifications of a kind carry the message's headers; the kind needs a topic."""
        permit = await self._authorizer.require(caller, "ses:SetIdentityHeadersInNotificationsEnabled")
        kind = request["NotificationType"]

        async def run(tx: Transaction) -> None:
            arn = await notification_identity(tx, caller, request["Identity"])
            settings = await notifications.get(tx, caller.principal.account_id, arn)
            if request["Enabled"] and kind not in settings.topics:
                raise InvalidParameterValue(f"Identity {request['Identity']} has no {kind} topic.")
            await notifications.set_headers(
                tx, caller.principal.account_id, arn, kind, enabled=request["Enabled"]
            )

        async with self._pace.refusals():
            await permit.apply(run)
        return {}

    async def get_attributes(
        self, caller: Caller, request: ses.GetIdentityNotificationAttributesRequest
    ) -> ses.GetIdentityNotificationAttributesResponse:
        """The settings of each identity that exists and may be asked about; the others are left out."""
        await self._authorizer.require(caller, "ses:GetIdentityNotificationAttributes")
        if len(request["Identities"]) > MAX_IDENTITIES_A_CALL:
            raise InvalidParameterValue(f"A call takes at most {MAX_IDENTITIES_A_CALL} identities.")

        async def run(tx: Transaction) -> dict[str, Settings]:
            found = {}
            for name in dict.fromkeys(request["Identities"]):
                try:
                    arn = await notification_identity(tx, caller, name)
                except (AccessDenied, InvalidParameterValue):
                    continue
                found[name] = await notifications.get(tx, caller.principal.account_id, arn)
            return found

        began = self._pace.begin()
        found = await self._store.read(run)
        if len(found) < len(set(request["Identities"])):
            await self._pace.hold(began)
        return {"NotificationAttributes": {name: _as_shape(settings) for name, settings in found.items()}}


async def notification_identity(tx: Transaction, caller: Caller, text: str) -> str:
    """The ARN of the identity a caller names: its own, or one that it may send as.

    A foreign identity that does not name the caller in an Allow is refused like one that is not there (I9).
    """
    account_id, region = caller.principal.account_id, caller.region
    if not text.startswith("arn:"):
        name = normal_name(text)
        if await identities.get(tx, account_id, region, name) is None:
            raise InvalidParameterValue(
                f"Identity {text} is invalid. Must be a verified email address or domain."
            )
        return identity_arn(region, account_id, name)
    arn = parse_identity_arn(text)
    known = None
    if arn.region == region:
        known = await identities.get(tx, arn.account_id, region, arn.name)
    if arn.account_id == account_id:
        if known is None:
            raise InvalidParameterValue(
                f"Identity {text} is invalid. Must be a verified email address or domain."
            )
        return identity_arn(region, account_id, arn.name)
    stored = [] if known is None else await identity_policies.of(tx, arn.account_id, region, arn.name)
    if not any(_names(parse_stored_identity_policy(policy.document), caller) for policy in stored):
        raise AccessDenied(
            f"User `{caller.principal.arn}' is not authorized to perform"
            f" `ses:SetIdentityNotificationTopic' on resource `{text}'"
        )
    return identity_arn(region, arn.account_id, arn.name)


def _names(policy: Policy, caller: Caller) -> bool:
    """Whether a policy lets the caller's account send at all, whatever its conditions say."""
    account_id = caller.principal.account_id
    known = {"*", account_id, f"arn:aws:iam::{account_id}:root", caller.principal.arn}
    return any(
        statement.effect is Effect.ALLOW
        and any(principal.value in known for principal in statement.principals or ())
        for statement in policy.statements
    )


def _as_shape(settings: Settings) -> ses.IdentityNotificationAttributes:
    shape: ses.IdentityNotificationAttributes = {
        "BounceTopic": settings.topics.get("Bounce", ""),
        "ComplaintTopic": settings.topics.get("Complaint", ""),
        "DeliveryTopic": settings.topics.get("Delivery", ""),
        "ForwardingEnabled": settings.is_forwarding,
        "HeadersInBounceNotificationsEnabled": "Bounce" in settings.with_headers,
        "HeadersInComplaintNotificationsEnabled": "Complaint" in settings.with_headers,
        "HeadersInDeliveryNotificationsEnabled": "Delivery" in settings.with_headers,
    }
    return shape
