"""Shapes of the served operations.

Extracted by tools/extract_models.py from the service model of botocore 1.44.5, Copyright
Amazon.com, Inc. or its affiliates, licensed under the Apache License 2.0. Do not edit.
"""

from typing import Literal, NotRequired, TypedDict


class CreateEmailIdentityPolicyRequest(TypedDict):
    EmailIdentity: str
    PolicyName: str
    Policy: str


class CreateEmailIdentityPolicyResponse(TypedDict):
    """CreateEmailIdentityPolicyResponse has no members."""


class DeleteEmailIdentityPolicyRequest(TypedDict):
    EmailIdentity: str
    PolicyName: str


class DeleteEmailIdentityPolicyResponse(TypedDict):
    """DeleteEmailIdentityPolicyResponse has no members."""


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


class GetEmailIdentityPoliciesRequest(TypedDict):
    EmailIdentity: str


class GetEmailIdentityPoliciesResponse(TypedDict):
    Policies: NotRequired[dict[str, str]]


class PutAccountSendingAttributesRequest(TypedDict):
    SendingEnabled: NotRequired[bool]


class PutAccountSendingAttributesResponse(TypedDict):
    """PutAccountSendingAttributesResponse has no members."""


class Destination(TypedDict):
    ToAddresses: NotRequired[list[str]]
    CcAddresses: NotRequired[list[str]]
    BccAddresses: NotRequired[list[str]]


class Content(TypedDict):
    Data: str
    Charset: NotRequired[str]


class Body(TypedDict):
    Text: NotRequired[Content]
    Html: NotRequired[Content]


class MessageHeader(TypedDict):
    Name: str
    Value: str


class Attachment(TypedDict):
    RawContent: bytes
    ContentDisposition: NotRequired[Literal["ATTACHMENT", "INLINE"]]
    FileName: str
    ContentDescription: NotRequired[str]
    ContentId: NotRequired[str]
    ContentTransferEncoding: NotRequired[Literal["BASE64", "QUOTED_PRINTABLE", "SEVEN_BIT"]]
    ContentType: NotRequired[str]


class Message(TypedDict):
    Subject: Content
    Body: Body
    Headers: NotRequired[list[MessageHeader]]
    Attachments: NotRequired[list[Attachment]]


class RawMessage(TypedDict):
    Data: bytes


class EmailTemplateContent(TypedDict):
    Subject: NotRequired[str]
    Text: NotRequired[str]
    Html: NotRequired[str]


class Template(TypedDict):
    TemplateName: NotRequired[str]
    TemplateArn: NotRequired[str]
    TemplateContent: NotRequired[EmailTemplateContent]
    TemplateData: NotRequired[str]
    Headers: NotRequired[list[MessageHeader]]
    Attachments: NotRequired[list[Attachment]]


class EmailContent(TypedDict):
    Simple: NotRequired[Message]
    Raw: NotRequired[RawMessage]
    Template: NotRequired[Template]


class MessageTag(TypedDict):
    Name: str
    Value: str


class ListManagementOptions(TypedDict):
    ContactListName: str
    TopicName: NotRequired[str]


class TrackingConfigurationOverrides(TypedDict):
    OpenTrackingEnabled: NotRequired[Literal["ENABLED", "DISABLED"]]
    ClickTrackingEnabled: NotRequired[Literal["ENABLED", "DISABLED"]]


class ConfigurationOverrides(TypedDict):
    Tracking: NotRequired[TrackingConfigurationOverrides]


class SendEmailRequest(TypedDict):
    FromEmailAddress: NotRequired[str]
    FromEmailAddressIdentityArn: NotRequired[str]
    Destination: NotRequired[Destination]
    ReplyToAddresses: NotRequired[list[str]]
    FeedbackForwardingEmailAddress: NotRequired[str]
    FeedbackForwardingEmailAddressIdentityArn: NotRequired[str]
    Content: EmailContent
    EmailTags: NotRequired[list[MessageTag]]
    ConfigurationSetName: NotRequired[str]
    EndpointId: NotRequired[str]
    TenantName: NotRequired[str]
    ListManagementOptions: NotRequired[ListManagementOptions]
    ConfigurationOverrides: NotRequired[ConfigurationOverrides]


class SendEmailResponse(TypedDict):
    MessageId: NotRequired[str]


class UpdateEmailIdentityPolicyRequest(TypedDict):
    EmailIdentity: str
    PolicyName: str
    Policy: str


class UpdateEmailIdentityPolicyResponse(TypedDict):
    """UpdateEmailIdentityPolicyResponse has no members."""
