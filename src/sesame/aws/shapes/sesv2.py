"""Shapes of the served operations.

Extracted by tools/extract_models.py from the service model of botocore 1.44.5, Copyright
Amazon.com, Inc. or its affiliates, licensed under the Apache License 2.0. Do not edit.
"""

from typing import Literal, NotRequired, TypedDict


class GetAccountRequest(TypedDict):
    """GetAccountRequest has no members."""


class SendQuota(TypedDict):
    Max24HourSend: NotRequired[float]
    MaxSendRate: NotRequired[float]
    SentLast24Hours: NotRequired[float]


class SuppressionConfidenceThreshold(TypedDict):
    ConfidenceVerdictThreshold: Literal["MEDIUM", "HIGH", "MANAGED"]


class SuppressionConditionThreshold(TypedDict):
    ConditionThresholdEnabled: Literal["ENABLED", "DISABLED"]
    OverallConfidenceThreshold: NotRequired[SuppressionConfidenceThreshold]


class SuppressionValidationAttributes(TypedDict):
    ConditionThreshold: SuppressionConditionThreshold


class SuppressionAttributes(TypedDict):
    SuppressedReasons: NotRequired[list[Literal["BOUNCE", "COMPLAINT"]]]
    ValidationAttributes: NotRequired[SuppressionValidationAttributes]


class ReviewDetails(TypedDict):
    Status: NotRequired[Literal["PENDING", "FAILED", "GRANTED", "DENIED"]]
    CaseId: NotRequired[str]


class AccountDetails(TypedDict):
    MailType: NotRequired[Literal["MARKETING", "TRANSACTIONAL"]]
    WebsiteURL: NotRequired[str]
    ContactLanguage: NotRequired[Literal["EN", "JA"]]
    UseCaseDescription: NotRequired[str]
    AdditionalContactEmailAddresses: NotRequired[list[str]]
    ReviewDetails: NotRequired[ReviewDetails]


class DashboardAttributes(TypedDict):
    EngagementMetrics: NotRequired[Literal["ENABLED", "DISABLED"]]


class GuardianAttributes(TypedDict):
    OptimizedSharedDelivery: NotRequired[Literal["ENABLED", "DISABLED"]]


class VdmAttributes(TypedDict):
    VdmEnabled: Literal["ENABLED", "DISABLED"]
    DashboardAttributes: NotRequired[DashboardAttributes]
    GuardianAttributes: NotRequired[GuardianAttributes]


class PricingAttributes(TypedDict):
    CurrentPlan: NotRequired[Literal["NONE", "ESSENTIALS", "PRO", "ENTERPRISE"]]
    NextPlan: NotRequired[Literal["NONE", "ESSENTIALS", "PRO", "ENTERPRISE"]]


class GetAccountResponse(TypedDict):
    DedicatedIpAutoWarmupEnabled: NotRequired[bool]
    EnforcementStatus: NotRequired[str]
    ProductionAccessEnabled: NotRequired[bool]
    SendQuota: NotRequired[SendQuota]
    SendingEnabled: NotRequired[bool]
    SuppressionAttributes: NotRequired[SuppressionAttributes]
    Details: NotRequired[AccountDetails]
    VdmAttributes: NotRequired[VdmAttributes]
    PricingAttributes: NotRequired[PricingAttributes]


class PutAccountSendingAttributesRequest(TypedDict):
    SendingEnabled: NotRequired[bool]


class PutAccountSendingAttributesResponse(TypedDict):
    """PutAccountSendingAttributesResponse has no members."""
