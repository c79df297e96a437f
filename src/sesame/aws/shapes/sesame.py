"""Shapes of the served operations.

Made by tools/extract_models.py from the definition in aws/definitions. Do not edit.
"""

from typing import NotRequired, TypedDict


class CancelDelegateMessagesRequest(TypedDict):
    Identity: NotRequired[str]
    Delegate: NotRequired[str]
    MessageId: NotRequired[str]
    Reason: NotRequired[str]


class CancelDelegateMessagesResponse(TypedDict):
    Cancelled: int
    UnderWay: int


class CancelMessagesRequest(TypedDict):
    Identity: NotRequired[str]
    MessageId: NotRequired[str]
    All: NotRequired[bool]
    Reason: NotRequired[str]


class CancelMessagesResponse(TypedDict):
    Cancelled: int
    UnderWay: int


class DeleteDelegateBoundsRequest(TypedDict):
    Identity: str
    Delegate: str


class DeleteDelegateBoundsResponse(TypedDict):
    Released: NotRequired[int]


class GetDelegateBoundsRequest(TypedDict):
    Identity: str
    Delegate: str


class DelegateUse(TypedDict):
    Messages: NotRequired[int]
    Recipients: NotRequired[int]
    Bytes: NotRequired[int]


class DelegateBounds(TypedDict):
    Identity: str
    Delegate: str
    MaxMessagesPerDay: NotRequired[int]
    MaxMessagesPerSecond: NotRequired[int]
    MaxRecipientsPerDay: NotRequired[int]
    MaxBytesPerDay: NotRequired[int]
    ExpiresAt: NotRequired[float]
    Paused: bool
    PausedAt: NotRequired[float]
    PauseReason: NotRequired[str]
    UpdatedAt: NotRequired[float]
    Used: NotRequired[DelegateUse]
    FromAddresses: NotRequired[list[str]]


class GetDelegateBoundsResponse(TypedDict):
    Bounds: DelegateBounds


class ListDelegateBoundsRequest(TypedDict):
    Identity: NotRequired[str]
    Delegate: NotRequired[str]
    NextToken: NotRequired[str]
    PageSize: NotRequired[int]


class ListDelegateBoundsResponse(TypedDict):
    Bounds: list[DelegateBounds]
    NextToken: NotRequired[str]


class PauseDelegateRequest(TypedDict):
    Identity: str
    Delegate: str
    Reason: NotRequired[str]


class PauseDelegateResponse(TypedDict):
    """PauseDelegateResponse has no members."""


class PutDelegateBoundsRequest(TypedDict):
    Identity: str
    Delegate: str
    MaxMessagesPerDay: NotRequired[int]
    MaxMessagesPerSecond: NotRequired[int]
    MaxRecipientsPerDay: NotRequired[int]
    MaxBytesPerDay: NotRequired[int]
    ExpiresAt: NotRequired[float]


class PutDelegateBoundsResponse(TypedDict):
    """PutDelegateBoundsResponse has no members."""


class ResumeDelegateRequest(TypedDict):
    Identity: str
    Delegate: str


class ResumeDelegateResponse(TypedDict):
    Released: NotRequired[int]
