"""Publishing to topics: Publish and PublishBatch.

Source: SNS API reference; SNS developer guide, "Message attributes", "Publishing to different protocols".
"""

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from unicodedata import category

from sesame.aws.shapes import sns
from sesame.aws.sns.message import Attributes
from sesame.db import Store, Transaction
from sesame.errors import ServiceError
from sesame.model import Caller
from sesame.notify.publishing import publish
from sesame.observe import Clock
from sesame.operations.sns.access import TopicAccess, still
from sesame.operations.sns.topic_arn import InvalidParameter
from sesame.operations.table import Handlers
from sesame.store import subscriptions
from sesame.store.outbox import FEW_PLACES
from sesame.store.topics import Topic

MAX_BYTES = 262_144
MAX_ENTRIES = 10
MAX_SUBJECT = 100
_ATTRIBUTE_NAME = re.compile(r"(?!(?i:aws\.|amazon\.))(?!\.)(?!.*\.\.)[A-Za-z0-9_.-]{1,256}(?<!\.)")
_ENTRY_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")


class InvalidParameterValue(ServiceError):
    """A message attribute has a wrong value."""

    code = "ParameterValueInvalid"


class EmptyBatchRequest(ServiceError):
    """A batch without messages."""

    code = "EmptyBatchRequest"


class TooManyEntries(ServiceError):
    """A batch of more than ten messages."""

    code = "TooManyEntriesInBatchRequest"


class EntryIdsNotDistinct(ServiceError):
    """Two messages of a batch have one id."""

    code = "BatchEntryIdsNotDistinct"


class InvalidEntryId(ServiceError):
    """An id that is none."""

    code = "InvalidBatchEntryId"


class BatchTooLong(ServiceError):
    """The messages of a batch are too long together."""

    code = "BatchRequestTooLong"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Message:
    """One message, checked."""

    body: str
    by_protocol: Mapping[str, str]
    subject: str | None
    attributes: Attributes
    size: int


class PublishOperations:
    """The operations. `published` is called after something was put into the outbox."""

    def __init__(
        self,
        store: Store,
        access: TopicAccess,
        *,
        clock: Clock,
        new_id: Callable[[], str],
        published: Callable[[], None],
    ) -> None:
        self._store = store
        self._access = access
        self._clock = clock
        self._new_id = new_id
        self._published = published

    def handlers(self) -> Handlers:
        """What this serves, by operation name."""
        return {"Publish": self.publish, "PublishBatch": self.publish_batch}

    async def publish(self, caller: Caller, request: sns.PublishInput) -> sns.PublishResponse:
        """Publish one message to a topic."""
        arn = request.get("TopicArn") or request.get("TargetArn")
        if request.get("PhoneNumber"):
            raise InvalidParameter(
                "Invalid parameter: PhoneNumber Reason: sms is not supported by this service"
            )
        if not arn:
            raise InvalidParameter(
                "Invalid parameter: TopicArn or TargetArn Reason: no value for required parameter"
            )
        topic, _ = await self._access.topic(caller, "Publish", arn)
        message = _read(request)
        if message.size > MAX_BYTES:
            raise InvalidParameter("Invalid parameter: Message too long")
        message_id, now = self._new_id(), self._clock.now()

        async def run(tx: Transaction) -> None:
            await still(tx, topic)
            await _publish(tx, topic, message, message_id=message_id, at=now)

        await self._store.write(run, is_long=await self._goes_far(topic, messages=1))
        self._published()
        return {"MessageId": message_id}

    async def publish_batch(self, caller: Caller, request: sns.PublishBatchInput) -> sns.PublishBatchResponse:
        """Publish up to ten messages; each for itself, all that are right in one commit."""
        entries = request.get("PublishBatchRequestEntries") or []
        if not entries:
            raise EmptyBatchRequest("The batch request doesn't contain any entries.")
        if len(entries) > MAX_ENTRIES:
            raise TooManyEntries("The batch request contains more entries than permissible.")
        ids = [entry["Id"] for entry in entries]
        if len(set(ids)) < len(ids):
            raise EntryIdsNotDistinct("Two or more batch entries in the request have the same Id.")
        if not all(_ENTRY_ID.fullmatch(one) for one in ids):
            raise InvalidEntryId(
                "The Id of a batch entry in a batch request doesn't abide by the specification."
            )
        topic, _ = await self._access.topic(caller, "Publish", request["TopicArn"])
        good: list[tuple[str, str, _Message]] = []
        response: sns.PublishBatchResponse = {"Successful": [], "Failed": []}
        for entry in entries:
            try:
                good.append((entry["Id"], self._new_id(), _read(entry)))
            except ServiceError as error:
                response["Failed"].append(
                    {"Id": entry["Id"], "Code": error.code, "Message": error.message, "SenderFault": True}
                )
        if sum(message.size for _, _, message in good) > MAX_BYTES:
            raise BatchTooLong("The length of all the batch messages put together is more than the limit.")
        now = self._clock.now()

        async def run(tx: Transaction) -> None:
            await still(tx, topic)
            for _, message_id, message in good:
                await _publish(tx, topic, message, message_id=message_id, at=now)

        await self._store.write(run, is_long=await self._goes_far(topic, messages=len(good)))
        self._published()
        response["Successful"] = [{"Id": entry_id, "MessageId": made} for entry_id, made, _ in good]
        return response

    async def _goes_far(self, topic: Topic, *, messages: int) -> bool:
        """Whether so many messages to a topic are more rows than a message of a sender is."""
        count = FEW_PLACES // max(1, messages)
        return await self._store.read(
            lambda tx: subscriptions.has_more_than(tx, topic.arn, count), is_short=True
        )


async def _publish(tx: Transaction, topic: Topic, message: _Message, *, message_id: str, at: float) -> None:
    await publish(
        tx,
        topic,
        message_id=message_id,
        body=message.body,
        at=at,
        subject=message.subject,
        attributes=message.attributes,
        by_protocol=message.by_protocol,
    )


def _read(given: sns.PublishInput | sns.PublishBatchRequestEntry) -> _Message:
    """One message; raises `InvalidParameter`."""
    for name in ("MessageDeduplicationId", "MessageGroupId"):
        if given.get(name):
            raise InvalidParameter(
                f"Invalid parameter: {name} Reason: The request includes {name} parameter that is not valid for this"
                " topic type"
            )
    text = given["Message"]
    if not text:
        raise InvalidParameter("Invalid parameter: Empty message")
    subject = given.get("Subject")
    if subject is not None and not _is_subject(subject):
        raise InvalidParameter("Invalid parameter: Subject")
    attributes = _attributes(given.get("MessageAttributes") or {})
    size = len(text.encode()) + sum(
        len(name) + len(value["Type"]) + len(value["Value"].encode()) for name, value in attributes.items()
    )
    by_protocol: Mapping[str, str] = {}
    structure = given.get("MessageStructure")
    if structure not in (None, "", "json"):
        raise InvalidParameter("Invalid parameter: MessageStructure")
    if structure == "json":
        text, by_protocol = _by_protocol(text)
    return _Message(body=text, by_protocol=by_protocol, subject=subject, attributes=attributes, size=size)


def _is_subject(text: str) -> bool:
    """Whether it is one line without control characters, and not too long."""
    return 0 < len(text) <= MAX_SUBJECT and not any(category(one) in ("Cc", "Zl", "Zp") for one in text)


def _by_protocol(text: str) -> tuple[str, Mapping[str, str]]:
    """The default text, and those of single protocols."""
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidParameter(
            "Invalid parameter: Message Structure - JSON message body failed to parse"
        ) from None
    if not isinstance(given, dict) or not isinstance(given.get("default"), str):
        raise InvalidParameter("Invalid parameter: Message Structure - No default entry in JSON message body")
    return given["default"], {name: value for name, value in given.items() if isinstance(value, str)}


def _attributes(given: Mapping[str, sns.MessageAttributeValue]) -> Attributes:
    """Message attributes as they are sent on; raises `InvalidParameterValue`."""
    found: dict[str, Mapping[str, str]] = {}
    for name, value in given.items():
        kind = value["DataType"]
        if not _ATTRIBUTE_NAME.fullmatch(name):
            raise InvalidParameterValue(f"The message attribute name '{name[:80]}' is invalid.")
        base = "String.Array" if kind == "String.Array" else kind.partition(".")[0]
        if base == "Binary":
            held = base64.b64encode(value.get("BinaryValue", b"")).decode()
        else:
            held = value.get("StringValue", "")
        if base not in ("String", "String.Array", "Number", "Binary"):
            raise InvalidParameterValue(
                f"The message attribute '{name}' has an invalid message attribute type, the set of supported type"
                " prefixes is Binary, Number, and String."
            )
        if not held:
            raise InvalidParameterValue(
                f"The message attribute '{name}' must contain non-empty message attribute value for message attribute"
                f" type '{base}'."
            )
        if base == "Number" and not _is_number(held):
            raise InvalidParameterValue(f"Could not cast message attribute '{name}' value to number.")
        if base == "String.Array" and not _is_array(held):
            raise InvalidParameterValue(f"The message attribute '{name}' must be a JSON array of values.")
        found[name] = {"Type": kind, "Value": held}
    return found


def _is_number(text: str) -> bool:
    try:
        return Decimal(text).is_finite()
    except InvalidOperation:
        return False


def _is_array(text: str) -> bool:
    try:
        return isinstance(json.loads(text), list)
    except (ValueError, RecursionError):
        return False
