"""SNS topics, as far as SES has to point at them: made, read, changed, tagged.

Source: SNS API reference; codes and status from botocore's SNS model.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sized
from dataclasses import replace

from sesame.access.changes import Permit
from sesame.access.conditions import NO_KEYS, Keys, request_tags, tag_keys
from sesame.access.permission import Authorizer
from sesame.access.principal_binding import NoSuchPrincipal, displayed_document, principal_ids
from sesame.aws import paging
from sesame.aws.shapes import sns
from sesame.aws.sns.delivery_policy import DeliveryPolicyError, effective_topic_policy, read_topic_policy
from sesame.db import AT_ONCE, Store, Transaction
from sesame.errors import AccessDenied, InvalidParameterValue, ServiceError
from sesame.model import Caller
from sesame.observe import Clock
from sesame.operations.resource_tags import MAX_TAGS, Tag, listed_tags, read_tags
from sesame.operations.sns.access import AuthorizationError
from sesame.operations.sns.topic_arn import InvalidParameter, NotFound, read_arn
from sesame.operations.table import Handlers
from sesame.policy import PolicyError, parse_stored_identity_policy
from sesame.policy.topic_policy import DEFAULT_ACTIONS, PRINCIPAL_NOT_FOUND, parse_topic_policy
from sesame.store import ended_targets, subscriptions, tags, topics
from sesame.store.topics import Topic, topic_arn

MAX_TOPICS = 100_000
A_PAGE = 100
_NAME = re.compile(r"[A-Za-z0-9_-]{1,256}")
_FEEDBACK = ("SuccessFeedbackRoleArn", "SuccessFeedbackSampleRate", "FailureFeedbackRoleArn")
_PROTOCOLS = ("Application", "Firehose", "HTTP", "Lambda", "SQS")
ATTRIBUTES = frozenset(
    {"DeliveryPolicy", "DisplayName", "KmsMasterKeyId", "Policy", "SignatureVersion", "TracingConfig"}
    | {protocol + attribute for protocol in _PROTOCOLS for attribute in _FEEDBACK}
)
"""What can be set; those of FIFO topics and archives belong to what is not served."""


class ResourceNotFound(ServiceError):
    """There is nothing of that ARN to tag."""

    code, http_status = "ResourceNotFound", 404


class TagLimitExceeded(ServiceError):
    """A topic would have more tags than it may."""

    code, http_status = "TagLimitExceeded", 400


class TopicOperations:
    """The operations; each checks the caller's IAM policies first."""

    def __init__(self, store: Store, authorizer: Authorizer, clock: Clock) -> None:
        self._store = store
        self._authorizer = authorizer
        self._clock = clock

    def handlers(self) -> Handlers:
        """What this serves, by operation name."""
        return {
            "CreateTopic": self.create_topic,
            "DeleteTopic": self.delete_topic,
            "ListTopics": self.list_topics,
            "GetTopicAttributes": self.get_topic_attributes,
            "SetTopicAttributes": self.set_topic_attributes,
            "TagResource": self.tag_resource,
            "UntagResource": self.untag_resource,
            "ListTagsForResource": self.list_tags_for_resource,
        }

    async def create_topic(self, caller: Caller, request: sns.CreateTopicRequest) -> sns.CreateTopicResponse:
        """Make a topic, or find the one of that name with the same attributes."""
        name, attributes = request["Name"], request.get("Attributes", {})
        account_id, region = caller.principal.account_id, caller.region
        arn = topic_arn(region, account_id, name)
        given = {tag["Key"]: tag["Value"] for tag in request.get("Tags", ())}
        permit = await self._require(caller, "CreateTopic", arn, keys=request_tags(given))
        if given:
            to_tag = await self._require(caller, "TagResource", arn, keys=request_tags(given))
            permit = permit.resting_on(to_tag.epochs)
        if name.endswith(".fifo") or attributes.get("FifoTopic", "false") == "true":
            raise InvalidParameter("Invalid parameter: FIFO topics are not supported.")
        if not _NAME.fullmatch(name):
            raise InvalidParameter("Invalid parameter: Topic Name")
        if request.get("DataProtectionPolicy"):
            raise InvalidParameter("Invalid parameter: DataProtectionPolicy is not supported.")
        wanted = {key: value for key, value in attributes.items() if key != "FifoTopic"}
        for key, value in wanted.items():
            _check_attribute(key, value)
        labels = _labels(request.get("Tags", ()))

        async def run(tx: Transaction) -> None:
            found = await topics.get(tx, account_id, region, name)
            if found is not None:
                if any(found.attributes.get(key) != value for key, value in wanted.items()):
                    raise InvalidParameter(
                        "Invalid parameter: Attributes Reason: Topic already exists with different attributes"
                    )
                if labels and await tags.get(tx, arn) != labels:
                    raise InvalidParameter(
                        "Invalid parameter: Tags Reason: Topic already exists with different tags"
                    )
                return
            if await topics.count(tx, account_id, region) >= MAX_TOPICS:
                raise InvalidParameter("Invalid parameter: the limit of topics is reached.")
            topic = Topic(
                account_id=account_id,
                region=region,
                name=name,
                attributes=wanted,
                created_at=self._clock.now(),
                principal_ids=await _principal_ids(tx, wanted.get("Policy")),
            )
            await topics.put(tx, topic)
            await tags.put(tx, topic.arn, labels)

        await permit.apply(run)
        return {"TopicArn": arn}

    async def delete_topic(self, caller: Caller, request: sns.DeleteTopicRequest) -> sns.DeleteTopicResponse:
        """Remove a topic; one that is not there is gone already.

        Its subscriptions go so many a write, with the last the topic and what waits for them. When it ends
        before, the topic stays with those that are left, and the next call goes on. A topic of that name that is made
        anew meanwhile is another, and stays.
        """
        permit = await self._require(caller, "DeleteTopic", request["TopicArn"])
        region, account_id, name = read_arn(request["TopicArn"])

        is_own = (account_id, region) == (caller.principal.account_id, caller.region)
        begun = await permit.read(lambda tx: topics.get(tx, account_id, region, name)) if is_own else None

        async def found(tx: Transaction) -> Topic | None:
            one = None if begun is None else await topics.get(tx, *begun.key)
            return None if one is None or begun is None or one.created_at != begun.created_at else one

        async def is_long(tx: Transaction) -> bool:
            one = await found(tx)
            return one is not None and await subscriptions.has_more_than(tx, one.arn, AT_ONCE)

        async def part(tx: Transaction) -> None:
            if (one := await found(tx)) is not None:
                await subscriptions.drop_of_topic(tx, one.arn, limit=AT_ONCE)

        async def rest(tx: Transaction) -> None:
            if (one := await found(tx)) is not None:
                await ended_targets.drop_topic(tx, one.arn, now=self._clock.now())
                await subscriptions.delete_of_topic(tx, one.arn)
                await topics.delete(tx, one)

        await permit.apply_in_parts(is_long=is_long, part=part, rest=rest)
        return {}

    async def list_topics(self, caller: Caller, request: sns.ListTopicsRequest) -> sns.ListTopicsResponse:
        """The account's topics in the region, a hundred a page."""
        account_id, region = caller.principal.account_id, caller.region
        await self._require(caller, "ListTopics", f"arn:aws:sns:{region}:{account_id}:*")
        after = paging.decode(
            request.get("NextToken"), lambda: InvalidParameter("Invalid parameter: NextToken")
        )

        async def run(tx: Transaction) -> list[Topic]:
            return await topics.page(tx, account_id, region, after=after, limit=A_PAGE + 1)

        page, token = paging.cut(await self._store.read(run), A_PAGE, lambda topic: topic.name)
        return {"Topics": [{"TopicArn": topic.arn} for topic in page], **paging.next_page(token)}

    async def get_topic_attributes(
        self, caller: Caller, request: sns.GetTopicAttributesRequest
    ) -> sns.GetTopicAttributesResponse:
        """A topic's attributes with what SNS counts."""
        await self._require(caller, "GetTopicAttributes", request["TopicArn"])

        async def run(tx: Transaction) -> tuple[Topic, str, int, int]:
            topic = await own_topic(tx, caller, request["TopicArn"])
            return topic, await policy_of(tx, topic), *await subscriptions.counts(tx, topic.arn)

        topic, policy, confirmed, pending = await self._store.read(run)
        return {
            "Attributes": {
                "DisplayName": "",
                "EffectiveDeliveryPolicy": effective_topic_policy(topic.attributes.get("DeliveryPolicy")),
                **topic.attributes,
                "Policy": policy,
                "TopicArn": topic.arn,
                "Owner": topic.account_id,
                "SubscriptionsConfirmed": str(confirmed),
                "SubscriptionsDeleted": "0",
                "SubscriptionsPending": str(pending),
            }
        }

    async def set_topic_attributes(
        self, caller: Caller, request: sns.SetTopicAttributesRequest
    ) -> sns.SetTopicAttributesResponse:
        """Set one attribute; without a value it goes back to its default."""
        permit = await self._require(caller, "SetTopicAttributes", request["TopicArn"])
        name, value = request["AttributeName"], request.get("AttributeValue", "")
        _check_attribute(name, value)

        async def run(tx: Transaction) -> None:
            topic = await own_topic(tx, caller, request["TopicArn"])
            if name == "Policy":
                await put_policy(tx, topic, value)
                return
            await topics.put(tx, replace(topic, attributes=_with_attribute(topic, name, value)))

        await permit.apply(run)
        return {}

    async def tag_resource(self, caller: Caller, request: sns.TagResourceRequest) -> sns.TagResourceResponse:
        """Tag a topic."""
        given = {tag["Key"]: tag["Value"] for tag in request["Tags"]}
        permit = await self._require(caller, "TagResource", request["ResourceArn"], keys=request_tags(given))
        labels = _labels(request["Tags"])

        async def run(tx: Transaction) -> None:
            topic = await _to_tag(tx, caller, request["ResourceArn"])
            await tags.put(tx, topic.arn, labels)
            _check_number(await tags.get(tx, topic.arn))

        await permit.apply(run)
        return {}

    async def untag_resource(
        self, caller: Caller, request: sns.UntagResourceRequest
    ) -> sns.UntagResourceResponse:
        """Take tags off a topic."""
        keys = tag_keys(request["TagKeys"])
        permit = await self._require(caller, "UntagResource", request["ResourceArn"], keys=keys)

        async def run(tx: Transaction) -> None:
            topic = await _to_tag(tx, caller, request["ResourceArn"])
            await tags.remove(tx, topic.arn, request["TagKeys"])

        await permit.apply(run)
        return {}

    async def list_tags_for_resource(
        self, caller: Caller, request: sns.ListTagsForResourceRequest
    ) -> sns.ListTagsForResourceResponse:
        """A topic's tags."""
        await self._require(caller, "ListTagsForResource", request["ResourceArn"])

        async def run(tx: Transaction) -> dict[str, str]:
            return await tags.get(tx, (await _to_tag(tx, caller, request["ResourceArn"])).arn)

        held = await self._store.read(run)
        return {"Tags": listed_tags(held)}

    async def _require(self, caller: Caller, action: str, arn: str, *, keys: Keys = NO_KEYS) -> Permit:
        try:
            return await self._authorizer.require(caller, f"SNS:{action}", arn, keys=keys)
        except AccessDenied as error:
            raise AuthorizationError.instead_of(error) from None


async def own_topic(tx: Transaction, caller: Caller, arn: str) -> Topic:
    """A topic of the caller's account and region; raises `NotFound`."""
    region, account_id, name = read_arn(arn)
    found = None
    if (account_id, region) == (caller.principal.account_id, caller.region):
        found = await topics.get(tx, account_id, region, name)
    if found is None:
        raise NotFound("Topic does not exist")
    return found


async def _to_tag(tx: Transaction, caller: Caller, arn: str) -> Topic:
    try:
        return await own_topic(tx, caller, arn)
    except NotFound:
        raise ResourceNotFound("Resource does not exist") from None


async def policy_of(tx: Transaction, topic: Topic) -> str:
    """A topic's policy as its owner sees it: its own, or the one that a topic has without."""
    if (policy := topic.attributes.get("Policy")) is None:
        return default_policy(topic)
    return await displayed_document(tx, policy, topic.principal_ids)


async def put_policy(tx: Transaction, topic: Topic, policy: str) -> None:
    """Give a topic a policy, bound to those whom it names now; an empty one takes its own away."""
    changed = replace(topic, attributes=_with_attribute(topic, "Policy", policy))
    await topics.put(tx, replace(changed, principal_ids=await _principal_ids(tx, policy)))


def _with_attribute(topic: Topic, name: str, value: str) -> Mapping[str, str]:
    others = {key: other for key, other in topic.attributes.items() if key != name}
    return {**others, name: value} if value else others


async def _principal_ids(tx: Transaction, policy: str | None) -> dict[str, str]:
    """The unique ids of the users and roles that a topic's policy names; raises `InvalidParameter`."""
    if not policy:
        return {}
    try:
        return await principal_ids(tx, parse_stored_identity_policy(policy))
    except NoSuchPrincipal:
        raise InvalidParameter(f"Invalid parameter: Policy Error: {PRINCIPAL_NOT_FOUND}") from None


def _labels(given: Iterable[Tag]) -> dict[str, str]:
    """The tags by key; raises `InvalidParameter` and `TagLimitExceeded`."""
    given = list(given)
    if len({tag["Key"] for tag in given}) < len(given):
        raise InvalidParameter("Invalid parameter: Duplicated keys are not allowed.")
    _check_number(given)
    try:
        return read_tags(given)
    except InvalidParameterValue as error:
        raise InvalidParameter(f"Invalid parameter: {error.message}") from None


def _check_number(labels: Sized) -> None:
    """Raise `TagLimitExceeded` for more tags than a topic may have."""
    if len(labels) > MAX_TAGS:
        raise TagLimitExceeded("Could not complete request: tag quota of per resource exceeded")


def check_policy(text: str) -> None:
    """Raise `InvalidParameter` for a policy that SNS would not keep for a topic."""
    try:
        parse_topic_policy(text)
    except PolicyError as error:
        raise InvalidParameter(f"Invalid parameter: Policy Error: {error}") from None


def _check_attribute(name: str, value: str) -> None:
    if name not in ATTRIBUTES:
        raise InvalidParameter("Invalid parameter: AttributeName")
    match name:
        case "Policy" if value:
            check_policy(value)
        case "DeliveryPolicy" if value:
            try:
                read_topic_policy(value)
            except DeliveryPolicyError as error:
                raise InvalidParameter(f"Invalid parameter: Attributes Reason: {error}") from None
        case "DisplayName" if len(value) > 100:
            raise InvalidParameter("Invalid parameter: DisplayName")
        case "SignatureVersion" if value not in ("", "1", "2"):
            raise InvalidParameter("Invalid parameter: SignatureVersion")
        case "TracingConfig" if value not in ("", "PassThrough", "Active"):
            raise InvalidParameter("Invalid parameter: TracingConfig")
        case "KmsMasterKeyId" if value:
            raise InvalidParameter("Invalid parameter: KmsMasterKeyId is not supported.")


def default_policy(topic: Topic) -> str:
    """The policy of a topic that has none of its own: its account may do all."""
    return json.dumps(
        {
            "Version": "2008-10-17",
            "Id": "__default_policy_ID",
            "Statement": [
                {
                    "Sid": "__default_statement_ID",
                    "Effect": "Allow",
                    "Principal": {"AWS": "*"},
                    "Action": [f"SNS:{action}" for action in DEFAULT_ACTIONS],
                    "Resource": topic.arn,
                    "Condition": {"StringEquals": {"AWS:SourceOwner": topic.account_id}},
                }
            ],
        },
        separators=(",", ":"),
    )
