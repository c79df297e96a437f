"""Shapes of the served operations.

Extracted by tools/extract_models.py from the service model of botocore 1.44.5, Copyright
Amazon.com, Inc. or its affiliates, licensed under the Apache License 2.0. Do not edit.
"""

from typing import NotRequired, TypedDict


class AddPermissionInput(TypedDict):
    TopicArn: str
    Label: str
    AWSAccountId: list[str]
    ActionName: list[str]


AddPermissionRequest = AddPermissionInput


class AddPermissionResponse(TypedDict):
    """AddPermission has no output."""


class ConfirmSubscriptionInput(TypedDict):
    TopicArn: str
    Token: str
    AuthenticateOnUnsubscribe: NotRequired[str]


ConfirmSubscriptionRequest = ConfirmSubscriptionInput


class ConfirmSubscriptionResponse(TypedDict):
    SubscriptionArn: NotRequired[str]


class Tag(TypedDict):
    Key: str
    Value: str


class CreateTopicInput(TypedDict):
    Name: str
    Attributes: NotRequired[dict[str, str]]
    Tags: NotRequired[list[Tag]]
    DataProtectionPolicy: NotRequired[str]


CreateTopicRequest = CreateTopicInput


class CreateTopicResponse(TypedDict):
    TopicArn: NotRequired[str]


class DeleteTopicInput(TypedDict):
    TopicArn: str


DeleteTopicRequest = DeleteTopicInput


class DeleteTopicResponse(TypedDict):
    """DeleteTopic has no output."""


class GetSubscriptionAttributesInput(TypedDict):
    SubscriptionArn: str


GetSubscriptionAttributesRequest = GetSubscriptionAttributesInput


class GetSubscriptionAttributesResponse(TypedDict):
    Attributes: NotRequired[dict[str, str]]


class GetTopicAttributesInput(TypedDict):
    TopicArn: str


GetTopicAttributesRequest = GetTopicAttributesInput


class GetTopicAttributesResponse(TypedDict):
    Attributes: NotRequired[dict[str, str]]


class ListSubscriptionsInput(TypedDict):
    NextToken: NotRequired[str]


ListSubscriptionsRequest = ListSubscriptionsInput


class Subscription(TypedDict):
    SubscriptionArn: NotRequired[str]
    Owner: NotRequired[str]
    Protocol: NotRequired[str]
    Endpoint: NotRequired[str]
    TopicArn: NotRequired[str]


class ListSubscriptionsResponse(TypedDict):
    Subscriptions: NotRequired[list[Subscription]]
    NextToken: NotRequired[str]


class ListSubscriptionsByTopicInput(TypedDict):
    TopicArn: str
    NextToken: NotRequired[str]


ListSubscriptionsByTopicRequest = ListSubscriptionsByTopicInput


class ListSubscriptionsByTopicResponse(TypedDict):
    Subscriptions: NotRequired[list[Subscription]]
    NextToken: NotRequired[str]


class ListTagsForResourceRequest(TypedDict):
    ResourceArn: str


class ListTagsForResourceResponse(TypedDict):
    Tags: NotRequired[list[Tag]]


class ListTopicsInput(TypedDict):
    NextToken: NotRequired[str]


ListTopicsRequest = ListTopicsInput


class Topic(TypedDict):
    TopicArn: NotRequired[str]


class ListTopicsResponse(TypedDict):
    Topics: NotRequired[list[Topic]]
    NextToken: NotRequired[str]


class MessageAttributeValue(TypedDict):
    DataType: str
    StringValue: NotRequired[str]
    BinaryValue: NotRequired[bytes]


class PublishInput(TypedDict):
    TopicArn: NotRequired[str]
    TargetArn: NotRequired[str]
    PhoneNumber: NotRequired[str]
    Message: str
    Subject: NotRequired[str]
    MessageStructure: NotRequired[str]
    MessageAttributes: NotRequired[dict[str, MessageAttributeValue]]
    MessageDeduplicationId: NotRequired[str]
    MessageGroupId: NotRequired[str]


PublishRequest = PublishInput


class PublishResponse(TypedDict):
    MessageId: NotRequired[str]
    SequenceNumber: NotRequired[str]


class PublishBatchRequestEntry(TypedDict):
    Id: str
    Message: str
    Subject: NotRequired[str]
    MessageStructure: NotRequired[str]
    MessageAttributes: NotRequired[dict[str, MessageAttributeValue]]
    MessageDeduplicationId: NotRequired[str]
    MessageGroupId: NotRequired[str]


class PublishBatchInput(TypedDict):
    TopicArn: str
    PublishBatchRequestEntries: list[PublishBatchRequestEntry]


PublishBatchRequest = PublishBatchInput


class PublishBatchResultEntry(TypedDict):
    Id: NotRequired[str]
    MessageId: NotRequired[str]
    SequenceNumber: NotRequired[str]


class BatchResultErrorEntry(TypedDict):
    Id: str
    Code: str
    Message: NotRequired[str]
    SenderFault: bool


class PublishBatchResponse(TypedDict):
    Successful: NotRequired[list[PublishBatchResultEntry]]
    Failed: NotRequired[list[BatchResultErrorEntry]]


class RemovePermissionInput(TypedDict):
    TopicArn: str
    Label: str


RemovePermissionRequest = RemovePermissionInput


class RemovePermissionResponse(TypedDict):
    """RemovePermission has no output."""


class SetSubscriptionAttributesInput(TypedDict):
    SubscriptionArn: str
    AttributeName: str
    AttributeValue: NotRequired[str]


SetSubscriptionAttributesRequest = SetSubscriptionAttributesInput


class SetSubscriptionAttributesResponse(TypedDict):
    """SetSubscriptionAttributes has no output."""


class SetTopicAttributesInput(TypedDict):
    TopicArn: str
    AttributeName: str
    AttributeValue: NotRequired[str]


SetTopicAttributesRequest = SetTopicAttributesInput


class SetTopicAttributesResponse(TypedDict):
    """SetTopicAttributes has no output."""


class SubscribeInput(TypedDict):
    TopicArn: str
    Protocol: str
    Endpoint: NotRequired[str]
    Attributes: NotRequired[dict[str, str]]
    ReturnSubscriptionArn: NotRequired[bool]


SubscribeRequest = SubscribeInput


class SubscribeResponse(TypedDict):
    SubscriptionArn: NotRequired[str]


class TagResourceRequest(TypedDict):
    ResourceArn: str
    Tags: list[Tag]


class TagResourceResponse(TypedDict):
    """TagResourceResponse has no members."""


class UnsubscribeInput(TypedDict):
    SubscriptionArn: str


UnsubscribeRequest = UnsubscribeInput


class UnsubscribeResponse(TypedDict):
    """Unsubscribe has no output."""


class UntagResourceRequest(TypedDict):
    ResourceArn: str
    TagKeys: list[str]


class UntagResourceResponse(TypedDict):
    """UntagResourceResponse has no members."""
