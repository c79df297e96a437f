"""Shapes of the served operations.

Extracted by tools/extract_models.py from the service model of botocore 1.44.5, Copyright
Amazon.com, Inc. or its affiliates, licensed under the Apache License 2.0. Do not edit.
"""

from typing import NotRequired, TypedDict


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


class GetTopicAttributesInput(TypedDict):
    TopicArn: str


GetTopicAttributesRequest = GetTopicAttributesInput


class GetTopicAttributesResponse(TypedDict):
    Attributes: NotRequired[dict[str, str]]


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


class SetTopicAttributesInput(TypedDict):
    TopicArn: str
    AttributeName: str
    AttributeValue: NotRequired[str]


SetTopicAttributesRequest = SetTopicAttributesInput


class SetTopicAttributesResponse(TypedDict):
    """SetTopicAttributes has no output."""


class TagResourceRequest(TypedDict):
    ResourceArn: str
    Tags: list[Tag]


class TagResourceResponse(TypedDict):
    """TagResourceResponse has no members."""


class UntagResourceRequest(TypedDict):
    ResourceArn: str
    TagKeys: list[str]


class UntagResourceResponse(TypedDict):
    """UntagResourceResponse has no members."""
