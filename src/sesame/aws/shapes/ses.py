"""Shapes of the served operations.

Extracted by tools/extract_models.py from the service model of botocore 1.44.5, Copyright
Amazon.com, Inc. or its affiliates, licensed under the Apache License 2.0. Do not edit.
"""

from typing import Literal, NotRequired, TypedDict


class ConfigurationSet(TypedDict):
    Name: str


class CreateConfigurationSetRequest(TypedDict):
    ConfigurationSet: ConfigurationSet


class CreateConfigurationSetResponse(TypedDict):
    """CreateConfigurationSetResponse has no members."""


class KinesisFirehoseDestination(TypedDict):
    IAMRoleARN: str
    DeliveryStreamARN: str


class CloudWatchDimensionConfiguration(TypedDict):
    DimensionName: str
    DimensionValueSource: Literal["messageTag", "emailHeader", "linkTag"]
    DefaultDimensionValue: str


class CloudWatchDestination(TypedDict):
    DimensionConfigurations: list[CloudWatchDimensionConfiguration]


class SNSDestination(TypedDict):
    TopicARN: str


class EventDestination(TypedDict):
    Name: str
    Enabled: NotRequired[bool]
    MatchingEventTypes: list[Literal["send", "reject", "bounce", "complaint", "delivery", "open", "click", "renderingFailure"]]
    KinesisFirehoseDestination: NotRequired[KinesisFirehoseDestination]
    CloudWatchDestination: NotRequired[CloudWatchDestination]
    SNSDestination: NotRequired[SNSDestination]


class CreateConfigurationSetEventDestinationRequest(TypedDict):
    ConfigurationSetName: str
    EventDestination: EventDestination


class CreateConfigurationSetEventDestinationResponse(TypedDict):
    """CreateConfigurationSetEventDestinationResponse has no members."""


class TrackingOptions(TypedDict):
    CustomRedirectDomain: NotRequired[str]


class CreateConfigurationSetTrackingOptionsRequest(TypedDict):
    ConfigurationSetName: str
    TrackingOptions: TrackingOptions


class CreateConfigurationSetTrackingOptionsResponse(TypedDict):
    """CreateConfigurationSetTrackingOptionsResponse has no members."""


class CreateCustomVerificationEmailTemplateRequest(TypedDict):
    TemplateName: str
    FromEmailAddress: str
    TemplateSubject: str
    TemplateContent: str
    SuccessRedirectionURL: str
    FailureRedirectionURL: str


class CreateCustomVerificationEmailTemplateResponse(TypedDict):
    """CreateCustomVerificationEmailTemplate has no output."""


class Template(TypedDict):
    TemplateName: str
    SubjectPart: NotRequired[str]
    TextPart: NotRequired[str]
    HtmlPart: NotRequired[str]


class CreateTemplateRequest(TypedDict):
    Template: Template


class CreateTemplateResponse(TypedDict):
    """CreateTemplateResponse has no members."""


class DeleteConfigurationSetRequest(TypedDict):
    ConfigurationSetName: str


class DeleteConfigurationSetResponse(TypedDict):
    """DeleteConfigurationSetResponse has no members."""


class DeleteConfigurationSetEventDestinationRequest(TypedDict):
    ConfigurationSetName: str
    EventDestinationName: str


class DeleteConfigurationSetEventDestinationResponse(TypedDict):
    """DeleteConfigurationSetEventDestinationResponse has no members."""


class DeleteConfigurationSetTrackingOptionsRequest(TypedDict):
    ConfigurationSetName: str


class DeleteConfigurationSetTrackingOptionsResponse(TypedDict):
    """DeleteConfigurationSetTrackingOptionsResponse has no members."""


class DeleteCustomVerificationEmailTemplateRequest(TypedDict):
    TemplateName: str


class DeleteCustomVerificationEmailTemplateResponse(TypedDict):
    """DeleteCustomVerificationEmailTemplate has no output."""


class DeleteIdentityRequest(TypedDict):
    Identity: str


class DeleteIdentityResponse(TypedDict):
    """DeleteIdentityResponse has no members."""


class DeleteIdentityPolicyRequest(TypedDict):
    Identity: str
    PolicyName: str


class DeleteIdentityPolicyResponse(TypedDict):
    """DeleteIdentityPolicyResponse has no members."""


class DeleteTemplateRequest(TypedDict):
    TemplateName: str


class DeleteTemplateResponse(TypedDict):
    """DeleteTemplateResponse has no members."""


class DeleteVerifiedEmailAddressRequest(TypedDict):
    EmailAddress: str


class DeleteVerifiedEmailAddressResponse(TypedDict):
    """DeleteVerifiedEmailAddress has no output."""


class DescribeConfigurationSetRequest(TypedDict):
    ConfigurationSetName: str
    ConfigurationSetAttributeNames: NotRequired[list[Literal["eventDestinations", "trackingOptions", "deliveryOptions", "reputationOptions"]]]


class DeliveryOptions(TypedDict):
    TlsPolicy: NotRequired[Literal["Require", "Optional"]]


class ReputationOptions(TypedDict):
    SendingEnabled: NotRequired[bool]
    ReputationMetricsEnabled: NotRequired[bool]
    LastFreshStart: NotRequired[float]


class DescribeConfigurationSetResponse(TypedDict):
    ConfigurationSet: NotRequired[ConfigurationSet]
    EventDestinations: NotRequired[list[EventDestination]]
    TrackingOptions: NotRequired[TrackingOptions]
    DeliveryOptions: NotRequired[DeliveryOptions]
    ReputationOptions: NotRequired[ReputationOptions]


class GetAccountSendingEnabledRequest(TypedDict):
    """GetAccountSendingEnabled has no input."""


class GetAccountSendingEnabledResponse(TypedDict):
    Enabled: NotRequired[bool]


class GetCustomVerificationEmailTemplateRequest(TypedDict):
    TemplateName: str


class GetCustomVerificationEmailTemplateResponse(TypedDict):
    TemplateName: NotRequired[str]
    FromEmailAddress: NotRequired[str]
    TemplateSubject: NotRequired[str]
    TemplateContent: NotRequired[str]
    SuccessRedirectionURL: NotRequired[str]
    FailureRedirectionURL: NotRequired[str]


class GetIdentityDkimAttributesRequest(TypedDict):
    Identities: list[str]


class IdentityDkimAttributes(TypedDict):
    DkimEnabled: bool
    DkimVerificationStatus: Literal["Pending", "Success", "Failed", "TemporaryFailure", "NotStarted"]
    DkimTokens: NotRequired[list[str]]


class GetIdentityDkimAttributesResponse(TypedDict):
    DkimAttributes: dict[str, IdentityDkimAttributes]


class GetIdentityMailFromDomainAttributesRequest(TypedDict):
    Identities: list[str]


class IdentityMailFromDomainAttributes(TypedDict):
    MailFromDomain: NotRequired[str]
    MailFromDomainStatus: NotRequired[Literal["Pending", "Success", "Failed", "TemporaryFailure"]]
    BehaviorOnMXFailure: NotRequired[Literal["UseDefaultValue", "RejectMessage"]]


class GetIdentityMailFromDomainAttributesResponse(TypedDict):
    MailFromDomainAttributes: dict[str, IdentityMailFromDomainAttributes]


class GetIdentityNotificationAttributesRequest(TypedDict):
    Identities: list[str]


class IdentityNotificationAttributes(TypedDict):
    BounceTopic: str
    ComplaintTopic: str
    DeliveryTopic: str
    ForwardingEnabled: bool
    HeadersInBounceNotificationsEnabled: NotRequired[bool]
    HeadersInComplaintNotificationsEnabled: NotRequired[bool]
    HeadersInDeliveryNotificationsEnabled: NotRequired[bool]


class GetIdentityNotificationAttributesResponse(TypedDict):
    NotificationAttributes: dict[str, IdentityNotificationAttributes]


class GetIdentityPoliciesRequest(TypedDict):
    Identity: str
    PolicyNames: list[str]


class GetIdentityPoliciesResponse(TypedDict):
    Policies: dict[str, str]


class GetIdentityVerificationAttributesRequest(TypedDict):
    Identities: list[str]


class IdentityVerificationAttributes(TypedDict):
    VerificationStatus: Literal["Pending", "Success", "Failed", "TemporaryFailure", "NotStarted"]
    VerificationToken: NotRequired[str]


class GetIdentityVerificationAttributesResponse(TypedDict):
    VerificationAttributes: dict[str, IdentityVerificationAttributes]


class GetSendQuotaRequest(TypedDict):
    """GetSendQuota has no input."""


class GetSendQuotaResponse(TypedDict):
    Max24HourSend: NotRequired[float]
    MaxSendRate: NotRequired[float]
    SentLast24Hours: NotRequired[float]


class GetSendStatisticsRequest(TypedDict):
    """GetSendStatistics has no input."""


class SendDataPoint(TypedDict):
    Timestamp: NotRequired[float]
    DeliveryAttempts: NotRequired[int]
    Bounces: NotRequired[int]
    Complaints: NotRequired[int]
    Rejects: NotRequired[int]


class GetSendStatisticsResponse(TypedDict):
    SendDataPoints: NotRequired[list[SendDataPoint]]


class GetTemplateRequest(TypedDict):
    TemplateName: str


class GetTemplateResponse(TypedDict):
    Template: NotRequired[Template]


class ListConfigurationSetsRequest(TypedDict):
    NextToken: NotRequired[str]
    MaxItems: NotRequired[int]


class ListConfigurationSetsResponse(TypedDict):
    ConfigurationSets: NotRequired[list[ConfigurationSet]]
    NextToken: NotRequired[str]


class ListCustomVerificationEmailTemplatesRequest(TypedDict):
    NextToken: NotRequired[str]
    MaxResults: NotRequired[int]


class CustomVerificationEmailTemplate(TypedDict):
    TemplateName: NotRequired[str]
    FromEmailAddress: NotRequired[str]
    TemplateSubject: NotRequired[str]
    SuccessRedirectionURL: NotRequired[str]
    FailureRedirectionURL: NotRequired[str]


class ListCustomVerificationEmailTemplatesResponse(TypedDict):
    CustomVerificationEmailTemplates: NotRequired[list[CustomVerificationEmailTemplate]]
    NextToken: NotRequired[str]


class ListIdentitiesRequest(TypedDict):
    IdentityType: NotRequired[Literal["EmailAddress", "Domain"]]
    NextToken: NotRequired[str]
    MaxItems: NotRequired[int]


class ListIdentitiesResponse(TypedDict):
    Identities: list[str]
    NextToken: NotRequired[str]


class ListIdentityPoliciesRequest(TypedDict):
    Identity: str


class ListIdentityPoliciesResponse(TypedDict):
    PolicyNames: list[str]


class ListTemplatesRequest(TypedDict):
    NextToken: NotRequired[str]
    MaxItems: NotRequired[int]


class TemplateMetadata(TypedDict):
    Name: NotRequired[str]
    CreatedTimestamp: NotRequired[float]


class ListTemplatesResponse(TypedDict):
    TemplatesMetadata: NotRequired[list[TemplateMetadata]]
    NextToken: NotRequired[str]


class ListVerifiedEmailAddressesRequest(TypedDict):
    """ListVerifiedEmailAddresses has no input."""


class ListVerifiedEmailAddressesResponse(TypedDict):
    VerifiedEmailAddresses: NotRequired[list[str]]


class PutConfigurationSetDeliveryOptionsRequest(TypedDict):
    ConfigurationSetName: str
    DeliveryOptions: NotRequired[DeliveryOptions]


class PutConfigurationSetDeliveryOptionsResponse(TypedDict):
    """PutConfigurationSetDeliveryOptionsResponse has no members."""


class PutIdentityPolicyRequest(TypedDict):
    Identity: str
    PolicyName: str
    Policy: str


class PutIdentityPolicyResponse(TypedDict):
    """PutIdentityPolicyResponse has no members."""


class MessageTag(TypedDict):
    Name: str
    Value: str


class Destination(TypedDict):
    ToAddresses: NotRequired[list[str]]
    CcAddresses: NotRequired[list[str]]
    BccAddresses: NotRequired[list[str]]


class BulkEmailDestination(TypedDict):
    Destination: Destination
    ReplacementTags: NotRequired[list[MessageTag]]
    ReplacementTemplateData: NotRequired[str]


class SendBulkTemplatedEmailRequest(TypedDict):
    Source: str
    SourceArn: NotRequired[str]
    ReplyToAddresses: NotRequired[list[str]]
    ReturnPath: NotRequired[str]
    ReturnPathArn: NotRequired[str]
    ConfigurationSetName: NotRequired[str]
    DefaultTags: NotRequired[list[MessageTag]]
    Template: str
    TemplateArn: NotRequired[str]
    DefaultTemplateData: str
    Destinations: list[BulkEmailDestination]


class BulkEmailDestinationStatus(TypedDict):
    Status: NotRequired[Literal["Success", "MessageRejected", "MailFromDomainNotVerified", "ConfigurationSetDoesNotExist", "TemplateDoesNotExist", "AccountSuspended", "AccountThrottled", "AccountDailyQuotaExceeded", "InvalidSendingPoolName", "AccountSendingPaused", "ConfigurationSetSendingPaused", "InvalidParameterValue", "TransientFailure", "Failed"]]
    Error: NotRequired[str]
    MessageId: NotRequired[str]


class SendBulkTemplatedEmailResponse(TypedDict):
    Status: list[BulkEmailDestinationStatus]


class SendCustomVerificationEmailRequest(TypedDict):
    EmailAddress: str
    TemplateName: str
    ConfigurationSetName: NotRequired[str]


class SendCustomVerificationEmailResponse(TypedDict):
    MessageId: NotRequired[str]


class Content(TypedDict):
    Data: str
    Charset: NotRequired[str]


class Body(TypedDict):
    Text: NotRequired[Content]
    Html: NotRequired[Content]


class Message(TypedDict):
    Subject: Content
    Body: Body


class SendEmailRequest(TypedDict):
    Source: str
    Destination: Destination
    Message: Message
    ReplyToAddresses: NotRequired[list[str]]
    ReturnPath: NotRequired[str]
    SourceArn: NotRequired[str]
    ReturnPathArn: NotRequired[str]
    Tags: NotRequired[list[MessageTag]]
    ConfigurationSetName: NotRequired[str]


class SendEmailResponse(TypedDict):
    MessageId: str


class RawMessage(TypedDict):
    Data: bytes


class SendRawEmailRequest(TypedDict):
    Source: NotRequired[str]
    Destinations: NotRequired[list[str]]
    RawMessage: RawMessage
    FromArn: NotRequired[str]
    SourceArn: NotRequired[str]
    ReturnPathArn: NotRequired[str]
    Tags: NotRequired[list[MessageTag]]
    ConfigurationSetName: NotRequired[str]


class SendRawEmailResponse(TypedDict):
    MessageId: str


class SendTemplatedEmailRequest(TypedDict):
    Source: str
    Destination: Destination
    ReplyToAddresses: NotRequired[list[str]]
    ReturnPath: NotRequired[str]
    SourceArn: NotRequired[str]
    ReturnPathArn: NotRequired[str]
    Tags: NotRequired[list[MessageTag]]
    ConfigurationSetName: NotRequired[str]
    Template: str
    TemplateArn: NotRequired[str]
    TemplateData: str


class SendTemplatedEmailResponse(TypedDict):
    MessageId: str


class SetIdentityDkimEnabledRequest(TypedDict):
    Identity: str
    DkimEnabled: bool


class SetIdentityDkimEnabledResponse(TypedDict):
    """SetIdentityDkimEnabledResponse has no members."""


class SetIdentityFeedbackForwardingEnabledRequest(TypedDict):
    Identity: str
    ForwardingEnabled: bool


class SetIdentityFeedbackForwardingEnabledResponse(TypedDict):
    """SetIdentityFeedbackForwardingEnabledResponse has no members."""


class SetIdentityHeadersInNotificationsEnabledRequest(TypedDict):
    Identity: str
    NotificationType: Literal["Bounce", "Complaint", "Delivery"]
    Enabled: bool


class SetIdentityHeadersInNotificationsEnabledResponse(TypedDict):
    """SetIdentityHeadersInNotificationsEnabledResponse has no members."""


class SetIdentityMailFromDomainRequest(TypedDict):
    Identity: str
    MailFromDomain: NotRequired[str]
    BehaviorOnMXFailure: NotRequired[Literal["UseDefaultValue", "RejectMessage"]]


class SetIdentityMailFromDomainResponse(TypedDict):
    """SetIdentityMailFromDomainResponse has no members."""


class SetIdentityNotificationTopicRequest(TypedDict):
    Identity: str
    NotificationType: Literal["Bounce", "Complaint", "Delivery"]
    SnsTopic: NotRequired[str]


class SetIdentityNotificationTopicResponse(TypedDict):
    """SetIdentityNotificationTopicResponse has no members."""


class TestRenderTemplateRequest(TypedDict):
    TemplateName: str
    TemplateData: str


class TestRenderTemplateResponse(TypedDict):
    RenderedTemplate: NotRequired[str]


class UpdateAccountSendingEnabledRequest(TypedDict):
    Enabled: NotRequired[bool]


class UpdateAccountSendingEnabledResponse(TypedDict):
    """UpdateAccountSendingEnabled has no output."""


class UpdateConfigurationSetEventDestinationRequest(TypedDict):
    ConfigurationSetName: str
    EventDestination: EventDestination


class UpdateConfigurationSetEventDestinationResponse(TypedDict):
    """UpdateConfigurationSetEventDestinationResponse has no members."""


class UpdateConfigurationSetReputationMetricsEnabledRequest(TypedDict):
    ConfigurationSetName: str
    Enabled: bool


class UpdateConfigurationSetReputationMetricsEnabledResponse(TypedDict):
    """UpdateConfigurationSetReputationMetricsEnabled has no output."""


class UpdateConfigurationSetSendingEnabledRequest(TypedDict):
    ConfigurationSetName: str
    Enabled: bool


class UpdateConfigurationSetSendingEnabledResponse(TypedDict):
    """UpdateConfigurationSetSendingEnabled has no output."""


class UpdateConfigurationSetTrackingOptionsRequest(TypedDict):
    ConfigurationSetName: str
    TrackingOptions: TrackingOptions


class UpdateConfigurationSetTrackingOptionsResponse(TypedDict):
    """UpdateConfigurationSetTrackingOptionsResponse has no members."""


class UpdateCustomVerificationEmailTemplateRequest(TypedDict):
    TemplateName: str
    FromEmailAddress: NotRequired[str]
    TemplateSubject: NotRequired[str]
    TemplateContent: NotRequired[str]
    SuccessRedirectionURL: NotRequired[str]
    FailureRedirectionURL: NotRequired[str]


class UpdateCustomVerificationEmailTemplateResponse(TypedDict):
    """UpdateCustomVerificationEmailTemplate has no output."""


class UpdateTemplateRequest(TypedDict):
    Template: Template


class UpdateTemplateResponse(TypedDict):
    """UpdateTemplateResponse has no members."""


class VerifyDomainDkimRequest(TypedDict):
    Domain: str


class VerifyDomainDkimResponse(TypedDict):
    DkimTokens: list[str]


class VerifyDomainIdentityRequest(TypedDict):
    Domain: str


class VerifyDomainIdentityResponse(TypedDict):
    VerificationToken: str


class VerifyEmailAddressRequest(TypedDict):
    EmailAddress: str


class VerifyEmailAddressResponse(TypedDict):
    """VerifyEmailAddress has no output."""


class VerifyEmailIdentityRequest(TypedDict):
    EmailAddress: str


class VerifyEmailIdentityResponse(TypedDict):
    """VerifyEmailIdentityResponse has no members."""
