"""Shapes of the served operations.

Made by tools/extract_models.py from the definition in aws/definitions. Do not edit.
"""

from typing import Literal, NotRequired, TypedDict


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


class CreateShareLinkRequest(TypedDict):
    Identity: str
    Shows: Literal["RECORDS", "KIT"]
    Delegate: NotRequired[str]
    Days: int


class CreateShareLinkResponse(TypedDict):
    Link: NotRequired[str]
    Token: NotRequired[str]
    Url: NotRequired[str]
    ExpiresAt: NotRequired[float]


class CreateWebhookRequest(TypedDict):
    ConfigurationSetName: str
    EventDestinationName: str
    Url: str
    MatchingEventTypes: list[Literal["SEND", "REJECT", "BOUNCE", "COMPLAINT", "DELIVERY", "OPEN", "CLICK", "RENDERING_FAILURE", "DELIVERY_DELAY", "SUBSCRIPTION"]]


class CreateWebhookResponse(TypedDict):
    Secret: NotRequired[str]


class DeleteDelegateBoundsRequest(TypedDict):
    Identity: str
    Delegate: str


class DeleteDelegateBoundsResponse(TypedDict):
    Released: NotRequired[int]


class DeleteIdentityPolicyTestRequest(TypedDict):
    Identity: str
    Name: str


class DeleteIdentityPolicyTestResponse(TypedDict):
    """DeleteIdentityPolicyTestResponse has no members."""


class DeleteShareLinkRequest(TypedDict):
    Identity: str
    Link: str


class DeleteShareLinkResponse(TypedDict):
    """DeleteShareLinkResponse has no members."""


class DeleteWebhookRequest(TypedDict):
    ConfigurationSetName: str
    EventDestinationName: str


class DeleteWebhookResponse(TypedDict):
    """DeleteWebhookResponse has no members."""


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


class GetIdentityPolicyTestRequest(TypedDict):
    Identity: str
    Name: str


class PolicyTest(TypedDict):
    Name: str
    Who: NotRequired[list[str]]
    May: NotRequired[bool]
    NobodyBut: NotRequired[list[str]]
    As: NotRequired[list[str]]
    When: NotRequired[dict[str, list[str]]]


class GetIdentityPolicyTestResponse(TypedDict):
    Test: NotRequired[PolicyTest]


class ListDelegateBoundsRequest(TypedDict):
    Identity: NotRequired[str]
    Delegate: NotRequired[str]
    NextToken: NotRequired[str]
    PageSize: NotRequired[int]


class ListDelegateBoundsResponse(TypedDict):
    Bounds: list[DelegateBounds]
    NextToken: NotRequired[str]


class ListIdentityPolicyTestsRequest(TypedDict):
    Identity: str


class ListIdentityPolicyTestsResponse(TypedDict):
    Tests: NotRequired[list[PolicyTest]]


class ListShareLinksRequest(TypedDict):
    Identity: str


class ShareLink(TypedDict):
    Link: NotRequired[str]
    Shows: NotRequired[Literal["RECORDS", "KIT"]]
    Delegate: NotRequired[str]
    CreatedBy: NotRequired[str]
    CreatedAt: NotRequired[float]
    ExpiresAt: NotRequired[float]


class ListShareLinksResponse(TypedDict):
    Links: NotRequired[list[ShareLink]]


class ListStoppedLinksRequest(TypedDict):
    NextToken: NotRequired[str]
    PageSize: NotRequired[int]
    Delegate: NotRequired[str]


class StoppedLinks(TypedDict):
    MessageId: NotRequired[str]
    All: NotRequired[bool]
    StoppedBy: NotRequired[Literal["ACCOUNT", "OPERATOR", "OWNER"]]
    StoppedAt: NotRequired[float]
    Reason: NotRequired[str]


class ListStoppedLinksResponse(TypedDict):
    Stops: NotRequired[list[StoppedLinks]]
    NextToken: NotRequired[str]


class ListWebhooksRequest(TypedDict):
    """ListWebhooksRequest has no members."""


class Webhook(TypedDict):
    ConfigurationSetName: NotRequired[str]
    EventDestinationName: NotRequired[str]
    Url: NotRequired[str]
    MatchingEventTypes: NotRequired[list[Literal["SEND", "REJECT", "BOUNCE", "COMPLAINT", "DELIVERY", "OPEN", "CLICK", "RENDERING_FAILURE", "DELIVERY_DELAY", "SUBSCRIPTION"]]]
    Enabled: NotRequired[bool]
    CreatedTimestamp: NotRequired[float]
    PreviousSecretUntil: NotRequired[float]


class ListWebhooksResponse(TypedDict):
    Webhooks: NotRequired[list[Webhook]]


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


class PutIdentityPolicyTestsRequest(TypedDict):
    Identity: str
    Tests: list[PolicyTest]


class PutIdentityPolicyTestsResponse(TypedDict):
    """PutIdentityPolicyTestsResponse has no members."""


class PutSmtpBindingRequest(TypedDict):
    AccessKeyId: str
    IdentityArns: list[str]
    UserName: NotRequired[str]


class PutSmtpBindingResponse(TypedDict):
    """PutSmtpBindingResponse has no members."""


class ResumeDelegateRequest(TypedDict):
    Identity: str
    Delegate: str


class ResumeDelegateResponse(TypedDict):
    Released: NotRequired[int]


class ResumeTrackedLinksRequest(TypedDict):
    MessageId: NotRequired[str]
    All: NotRequired[bool]
    Delegate: NotRequired[str]


class ResumeTrackedLinksResponse(TypedDict):
    """ResumeTrackedLinksResponse has no members."""


class RotateWebhookSecretRequest(TypedDict):
    ConfigurationSetName: str
    EventDestinationName: str
    OverlapSeconds: NotRequired[int]


class RotateWebhookSecretResponse(TypedDict):
    Secret: NotRequired[str]


class RunIdentityPolicyTestsRequest(TypedDict):
    Identity: str


class PolicyTestResult(TypedDict):
    Name: NotRequired[str]
    Holds: NotRequired[bool]
    Why: NotRequired[str]
    Known: NotRequired[bool]


class RunIdentityPolicyTestsResponse(TypedDict):
    Results: NotRequired[list[PolicyTestResult]]


class StopTrackedLinksRequest(TypedDict):
    MessageId: NotRequired[str]
    All: NotRequired[bool]
    Reason: NotRequired[str]
    Delegate: NotRequired[str]


class StopTrackedLinksResponse(TypedDict):
    """StopTrackedLinksResponse has no members."""
