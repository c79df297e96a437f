"""Shapes of the served operations.

Extracted by tools/extract_models.py from the service model of botocore 1.44.5, Copyright
Amazon.com, Inc. or its affiliates, licensed under the Apache License 2.0. Do not edit.
"""

from typing import Literal, NotRequired, TypedDict


class BatchGetMetricDataQuery(TypedDict):
    Id: str
    Namespace: Literal["VDM"]
    Metric: Literal["SEND", "COMPLAINT", "PERMANENT_BOUNCE", "TRANSIENT_BOUNCE", "OPEN", "CLICK", "DELIVERY", "DELIVERY_OPEN", "DELIVERY_CLICK", "DELIVERY_COMPLAINT"]
    Dimensions: NotRequired[dict[Literal["EMAIL_IDENTITY", "CONFIGURATION_SET", "ISP", "TENANT_NAME"], str]]
    StartDate: float
    EndDate: float


class BatchGetMetricDataRequest(TypedDict):
    Queries: list[BatchGetMetricDataQuery]


class MetricDataResult(TypedDict):
    Id: NotRequired[str]
    Timestamps: NotRequired[list[float]]
    Values: NotRequired[list[int]]


class MetricDataError(TypedDict):
    Id: NotRequired[str]
    Code: NotRequired[Literal["INTERNAL_FAILURE", "ACCESS_DENIED"]]
    Message: NotRequired[str]


class BatchGetMetricDataResponse(TypedDict):
    Results: NotRequired[list[MetricDataResult]]
    Errors: NotRequired[list[MetricDataError]]


class TrackingOptions(TypedDict):
    CustomRedirectDomain: str
    HttpsPolicy: NotRequired[Literal["REQUIRE", "REQUIRE_OPEN_ONLY", "OPTIONAL"]]


class DeliveryOptions(TypedDict):
    TlsPolicy: NotRequired[Literal["REQUIRE", "OPTIONAL"]]
    SendingPoolName: NotRequired[str]
    MaxDeliverySeconds: NotRequired[int]


class ReputationOptions(TypedDict):
    ReputationMetricsEnabled: NotRequired[bool]
    LastFreshStart: NotRequired[float]


class SendingOptions(TypedDict):
    SendingEnabled: NotRequired[bool]


class Tag(TypedDict):
    Key: str
    Value: str


class SuppressionConfidenceThreshold(TypedDict):
    ConfidenceVerdictThreshold: Literal["MEDIUM", "HIGH", "MANAGED"]


class SuppressionConditionThreshold(TypedDict):
    ConditionThresholdEnabled: Literal["ENABLED", "DISABLED"]
    OverallConfidenceThreshold: NotRequired[SuppressionConfidenceThreshold]


class SuppressionValidationOptions(TypedDict):
    ConditionThreshold: SuppressionConditionThreshold


class SuppressionOptions(TypedDict):
    SuppressedReasons: NotRequired[list[Literal["BOUNCE", "COMPLAINT"]]]
    SuppressionScope: NotRequired[Literal["ACCOUNT", "TENANT"]]
    ValidationOptions: NotRequired[SuppressionValidationOptions]


class DashboardOptions(TypedDict):
    EngagementMetrics: NotRequired[Literal["ENABLED", "DISABLED"]]


class GuardianOptions(TypedDict):
    OptimizedSharedDelivery: NotRequired[Literal["ENABLED", "DISABLED"]]


class VdmOptions(TypedDict):
    DashboardOptions: NotRequired[DashboardOptions]
    GuardianOptions: NotRequired[GuardianOptions]


class ArchivingOptions(TypedDict):
    ArchiveArn: NotRequired[str]


class DefaultSigningScheme(TypedDict):
    """DefaultSigningScheme has no members."""


class SmimeSigningScheme(TypedDict):
    SignatureFormat: NotRequired[Literal["DETACHED"]]


class SigningScheme(TypedDict):
    DefaultScheme: NotRequired[DefaultSigningScheme]
    SmimeScheme: NotRequired[SmimeSigningScheme]


class MessageSecurityOptions(TypedDict):
    SigningScheme: NotRequired[SigningScheme]


class CreateConfigurationSetRequest(TypedDict):
    ConfigurationSetName: str
    TrackingOptions: NotRequired[TrackingOptions]
    DeliveryOptions: NotRequired[DeliveryOptions]
    ReputationOptions: NotRequired[ReputationOptions]
    SendingOptions: NotRequired[SendingOptions]
    Tags: NotRequired[list[Tag]]
    SuppressionOptions: NotRequired[SuppressionOptions]
    VdmOptions: NotRequired[VdmOptions]
    ArchivingOptions: NotRequired[ArchivingOptions]
    MessageSecurityOptions: NotRequired[MessageSecurityOptions]


class CreateConfigurationSetResponse(TypedDict):
    """CreateConfigurationSetResponse has no members."""


class KinesisFirehoseDestination(TypedDict):
    IamRoleArn: str
    DeliveryStreamArn: str


class CloudWatchDimensionConfiguration(TypedDict):
    DimensionName: str
    DimensionValueSource: Literal["MESSAGE_TAG", "EMAIL_HEADER", "LINK_TAG"]
    DefaultDimensionValue: str


class CloudWatchDestination(TypedDict):
    DimensionConfigurations: list[CloudWatchDimensionConfiguration]


class SnsDestination(TypedDict):
    TopicArn: str


class EventBridgeDestination(TypedDict):
    EventBusArn: str


class PinpointDestination(TypedDict):
    ApplicationArn: NotRequired[str]


class EventDestinationDefinition(TypedDict):
    Enabled: NotRequired[bool]
    MatchingEventTypes: NotRequired[list[Literal["SEND", "REJECT", "BOUNCE", "COMPLAINT", "DELIVERY", "OPEN", "CLICK", "RENDERING_FAILURE", "DELIVERY_DELAY", "SUBSCRIPTION"]]]
    KinesisFirehoseDestination: NotRequired[KinesisFirehoseDestination]
    CloudWatchDestination: NotRequired[CloudWatchDestination]
    SnsDestination: NotRequired[SnsDestination]
    EventBridgeDestination: NotRequired[EventBridgeDestination]
    PinpointDestination: NotRequired[PinpointDestination]


class CreateConfigurationSetEventDestinationRequest(TypedDict):
    ConfigurationSetName: str
    EventDestinationName: str
    EventDestination: EventDestinationDefinition


class CreateConfigurationSetEventDestinationResponse(TypedDict):
    """CreateConfigurationSetEventDestinationResponse has no members."""


class TopicPreference(TypedDict):
    TopicName: str
    SubscriptionStatus: Literal["OPT_IN", "OPT_OUT"]


class CreateContactRequest(TypedDict):
    ContactListName: str
    EmailAddress: str
    TopicPreferences: NotRequired[list[TopicPreference]]
    UnsubscribeAll: NotRequired[bool]
    AttributesData: NotRequired[str]


class CreateContactResponse(TypedDict):
    """CreateContactResponse has no members."""


class Topic(TypedDict):
    TopicName: str
    DisplayName: str
    Description: NotRequired[str]
    DefaultSubscriptionStatus: Literal["OPT_IN", "OPT_OUT"]


class CreateContactListRequest(TypedDict):
    ContactListName: str
    Topics: NotRequired[list[Topic]]
    Description: NotRequired[str]
    Tags: NotRequired[list[Tag]]


class CreateContactListResponse(TypedDict):
    """CreateContactListResponse has no members."""


class CreateCustomVerificationEmailTemplateRequest(TypedDict):
    TemplateName: str
    FromEmailAddress: str
    TemplateSubject: str
    TemplateContent: str
    Tags: NotRequired[list[Tag]]
    SuccessRedirectionURL: str
    FailureRedirectionURL: str


class CreateCustomVerificationEmailTemplateResponse(TypedDict):
    """CreateCustomVerificationEmailTemplateResponse has no members."""


class CreateDedicatedIpPoolRequest(TypedDict):
    PoolName: NotRequired[str]
    Tags: NotRequired[list[Tag]]
    ScalingMode: NotRequired[str]


class CreateDedicatedIpPoolResponse(TypedDict):
    """CreateDedicatedIpPoolResponse has no members."""


class DkimSigningAttributes(TypedDict):
    DomainSigningSelector: NotRequired[str]
    DomainSigningPrivateKey: NotRequired[str]
    NextSigningKeyLength: NotRequired[Literal["RSA_1024_BIT", "RSA_2048_BIT"]]
    DomainSigningAttributesOrigin: NotRequired[Literal["AWS_SES", "EXTERNAL", "AWS_SES_AF_SOUTH_1", "AWS_SES_EU_NORTH_1", "AWS_SES_AP_SOUTH_1", "AWS_SES_EU_WEST_3", "AWS_SES_EU_WEST_2", "AWS_SES_EU_SOUTH_1", "AWS_SES_EU_WEST_1", "AWS_SES_AP_NORTHEAST_3", "AWS_SES_AP_NORTHEAST_2", "AWS_SES_ME_SOUTH_1", "AWS_SES_AP_NORTHEAST_1", "AWS_SES_IL_CENTRAL_1", "AWS_SES_SA_EAST_1", "AWS_SES_CA_CENTRAL_1", "AWS_SES_AP_SOUTHEAST_1", "AWS_SES_AP_SOUTHEAST_2", "AWS_SES_AP_SOUTHEAST_3", "AWS_SES_EU_CENTRAL_1", "AWS_SES_US_EAST_1", "AWS_SES_US_EAST_2", "AWS_SES_US_WEST_1", "AWS_SES_US_WEST_2", "AWS_SES_ME_CENTRAL_1", "AWS_SES_AP_SOUTH_2", "AWS_SES_EU_CENTRAL_2", "AWS_SES_AP_SOUTHEAST_5", "AWS_SES_CA_WEST_1", "AWS_SES_US_GOV_EAST_1", "AWS_SES_US_GOV_WEST_1"]]


class CreateEmailIdentityRequest(TypedDict):
    EmailIdentity: str
    Tags: NotRequired[list[Tag]]
    DkimSigningAttributes: NotRequired[DkimSigningAttributes]
    ConfigurationSetName: NotRequired[str]


class DkimAttributes(TypedDict):
    SigningEnabled: NotRequired[bool]
    Status: NotRequired[Literal["PENDING", "SUCCESS", "FAILED", "TEMPORARY_FAILURE", "NOT_STARTED"]]
    Tokens: NotRequired[list[str]]
    SigningHostedZone: NotRequired[str]
    SigningAttributesOrigin: NotRequired[Literal["AWS_SES", "EXTERNAL", "AWS_SES_AF_SOUTH_1", "AWS_SES_EU_NORTH_1", "AWS_SES_AP_SOUTH_1", "AWS_SES_EU_WEST_3", "AWS_SES_EU_WEST_2", "AWS_SES_EU_SOUTH_1", "AWS_SES_EU_WEST_1", "AWS_SES_AP_NORTHEAST_3", "AWS_SES_AP_NORTHEAST_2", "AWS_SES_ME_SOUTH_1", "AWS_SES_AP_NORTHEAST_1", "AWS_SES_IL_CENTRAL_1", "AWS_SES_SA_EAST_1", "AWS_SES_CA_CENTRAL_1", "AWS_SES_AP_SOUTHEAST_1", "AWS_SES_AP_SOUTHEAST_2", "AWS_SES_AP_SOUTHEAST_3", "AWS_SES_EU_CENTRAL_1", "AWS_SES_US_EAST_1", "AWS_SES_US_EAST_2", "AWS_SES_US_WEST_1", "AWS_SES_US_WEST_2", "AWS_SES_ME_CENTRAL_1", "AWS_SES_AP_SOUTH_2", "AWS_SES_EU_CENTRAL_2", "AWS_SES_AP_SOUTHEAST_5", "AWS_SES_CA_WEST_1", "AWS_SES_US_GOV_EAST_1", "AWS_SES_US_GOV_WEST_1"]]
    NextSigningKeyLength: NotRequired[Literal["RSA_1024_BIT", "RSA_2048_BIT"]]
    CurrentSigningKeyLength: NotRequired[Literal["RSA_1024_BIT", "RSA_2048_BIT"]]
    LastKeyGenerationTimestamp: NotRequired[float]


class CreateEmailIdentityResponse(TypedDict):
    IdentityType: NotRequired[Literal["EMAIL_ADDRESS", "DOMAIN", "MANAGED_DOMAIN"]]
    VerifiedForSendingStatus: NotRequired[bool]
    DkimAttributes: NotRequired[DkimAttributes]


class CreateEmailIdentityPolicyRequest(TypedDict):
    EmailIdentity: str
    PolicyName: str
    Policy: str


class CreateEmailIdentityPolicyResponse(TypedDict):
    """CreateEmailIdentityPolicyResponse has no members."""


class EmailTemplateContent(TypedDict):
    Subject: NotRequired[str]
    Text: NotRequired[str]
    Html: NotRequired[str]


class CreateEmailTemplateRequest(TypedDict):
    TemplateName: str
    TemplateContent: EmailTemplateContent
    Tags: NotRequired[list[Tag]]


class CreateEmailTemplateResponse(TypedDict):
    """CreateEmailTemplateResponse has no members."""


class DeleteConfigurationSetRequest(TypedDict):
    ConfigurationSetName: str


class DeleteConfigurationSetResponse(TypedDict):
    """DeleteConfigurationSetResponse has no members."""


class DeleteConfigurationSetEventDestinationRequest(TypedDict):
    ConfigurationSetName: str
    EventDestinationName: str


class DeleteConfigurationSetEventDestinationResponse(TypedDict):
    """DeleteConfigurationSetEventDestinationResponse has no members."""


class DeleteContactRequest(TypedDict):
    ContactListName: str
    EmailAddress: str


class DeleteContactResponse(TypedDict):
    """DeleteContactResponse has no members."""


class DeleteContactListRequest(TypedDict):
    ContactListName: str


class DeleteContactListResponse(TypedDict):
    """DeleteContactListResponse has no members."""


class DeleteCustomVerificationEmailTemplateRequest(TypedDict):
    TemplateName: str


class DeleteCustomVerificationEmailTemplateResponse(TypedDict):
    """DeleteCustomVerificationEmailTemplateResponse has no members."""


class DeleteDedicatedIpPoolRequest(TypedDict):
    PoolName: str


class DeleteDedicatedIpPoolResponse(TypedDict):
    """DeleteDedicatedIpPoolResponse has no members."""


class DeleteEmailIdentityRequest(TypedDict):
    EmailIdentity: str


class DeleteEmailIdentityResponse(TypedDict):
    """DeleteEmailIdentityResponse has no members."""


class DeleteEmailIdentityPolicyRequest(TypedDict):
    EmailIdentity: str
    PolicyName: str


class DeleteEmailIdentityPolicyResponse(TypedDict):
    """DeleteEmailIdentityPolicyResponse has no members."""


class DeleteEmailTemplateRequest(TypedDict):
    TemplateName: str


class DeleteEmailTemplateResponse(TypedDict):
    """DeleteEmailTemplateResponse has no members."""


class DeleteSuppressedDestinationRequest(TypedDict):
    EmailAddress: str
    TenantName: NotRequired[str]


class DeleteSuppressedDestinationResponse(TypedDict):
    """DeleteSuppressedDestinationResponse has no members."""


class GetAccountRequest(TypedDict):
    """GetAccountRequest has no members."""


class SendQuota(TypedDict):
    Max24HourSend: NotRequired[float]
    MaxSendRate: NotRequired[float]
    SentLast24Hours: NotRequired[float]


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


class GetConfigurationSetRequest(TypedDict):
    ConfigurationSetName: str


class GetConfigurationSetResponse(TypedDict):
    ConfigurationSetName: NotRequired[str]
    TrackingOptions: NotRequired[TrackingOptions]
    DeliveryOptions: NotRequired[DeliveryOptions]
    ReputationOptions: NotRequired[ReputationOptions]
    SendingOptions: NotRequired[SendingOptions]
    Tags: NotRequired[list[Tag]]
    SuppressionOptions: NotRequired[SuppressionOptions]
    VdmOptions: NotRequired[VdmOptions]
    ArchivingOptions: NotRequired[ArchivingOptions]
    MessageSecurityOptions: NotRequired[MessageSecurityOptions]


class GetConfigurationSetEventDestinationsRequest(TypedDict):
    ConfigurationSetName: str


class EventDestination(TypedDict):
    Name: str
    Enabled: NotRequired[bool]
    MatchingEventTypes: list[Literal["SEND", "REJECT", "BOUNCE", "COMPLAINT", "DELIVERY", "OPEN", "CLICK", "RENDERING_FAILURE", "DELIVERY_DELAY", "SUBSCRIPTION"]]
    KinesisFirehoseDestination: NotRequired[KinesisFirehoseDestination]
    CloudWatchDestination: NotRequired[CloudWatchDestination]
    SnsDestination: NotRequired[SnsDestination]
    EventBridgeDestination: NotRequired[EventBridgeDestination]
    PinpointDestination: NotRequired[PinpointDestination]


class GetConfigurationSetEventDestinationsResponse(TypedDict):
    EventDestinations: NotRequired[list[EventDestination]]


class GetContactRequest(TypedDict):
    ContactListName: str
    EmailAddress: str


class GetContactResponse(TypedDict):
    ContactListName: NotRequired[str]
    EmailAddress: NotRequired[str]
    TopicPreferences: NotRequired[list[TopicPreference]]
    TopicDefaultPreferences: NotRequired[list[TopicPreference]]
    UnsubscribeAll: NotRequired[bool]
    AttributesData: NotRequired[str]
    CreatedTimestamp: NotRequired[float]
    LastUpdatedTimestamp: NotRequired[float]


class GetContactListRequest(TypedDict):
    ContactListName: str


class GetContactListResponse(TypedDict):
    ContactListName: NotRequired[str]
    Topics: NotRequired[list[Topic]]
    Description: NotRequired[str]
    CreatedTimestamp: NotRequired[float]
    LastUpdatedTimestamp: NotRequired[float]
    Tags: NotRequired[list[Tag]]


class GetCustomVerificationEmailTemplateRequest(TypedDict):
    TemplateName: str


class GetCustomVerificationEmailTemplateResponse(TypedDict):
    TemplateName: NotRequired[str]
    FromEmailAddress: NotRequired[str]
    TemplateSubject: NotRequired[str]
    TemplateContent: NotRequired[str]
    Tags: NotRequired[list[Tag]]
    SuccessRedirectionURL: NotRequired[str]
    FailureRedirectionURL: NotRequired[str]


class GetDedicatedIpRequest(TypedDict):
    Ip: str


class DedicatedIp(TypedDict):
    Ip: str
    WarmupStatus: Literal["IN_PROGRESS", "DONE", "NOT_APPLICABLE"]
    WarmupPercentage: int
    PoolName: NotRequired[str]


class GetDedicatedIpResponse(TypedDict):
    DedicatedIp: NotRequired[DedicatedIp]


class GetDedicatedIpPoolRequest(TypedDict):
    PoolName: str


class DedicatedIpPool(TypedDict):
    PoolName: str
    ScalingMode: str


class GetDedicatedIpPoolResponse(TypedDict):
    DedicatedIpPool: NotRequired[DedicatedIpPool]


class GetDedicatedIpsRequest(TypedDict):
    PoolName: NotRequired[str]
    NextToken: NotRequired[str]
    PageSize: NotRequired[int]


class GetDedicatedIpsResponse(TypedDict):
    DedicatedIps: NotRequired[list[DedicatedIp]]
    NextToken: NotRequired[str]


class GetEmailIdentityRequest(TypedDict):
    EmailIdentity: str


class MailFromAttributes(TypedDict):
    MailFromDomain: NotRequired[str]
    MailFromDomainStatus: NotRequired[Literal["PENDING", "SUCCESS", "FAILED", "TEMPORARY_FAILURE"]]
    BehaviorOnMxFailure: NotRequired[Literal["USE_DEFAULT_VALUE", "REJECT_MESSAGE"]]


class SOARecord(TypedDict):
    PrimaryNameServer: NotRequired[str]
    AdminEmail: NotRequired[str]
    SerialNumber: NotRequired[int]


class VerificationInfo(TypedDict):
    LastCheckedTimestamp: NotRequired[float]
    LastSuccessTimestamp: NotRequired[float]
    ErrorType: NotRequired[Literal["SERVICE_ERROR", "DNS_SERVER_ERROR", "HOST_NOT_FOUND", "TYPE_NOT_FOUND", "INVALID_VALUE", "REPLICATION_ACCESS_DENIED", "REPLICATION_PRIMARY_NOT_FOUND", "REPLICATION_PRIMARY_BYO_DKIM_NOT_SUPPORTED", "REPLICATION_REPLICA_AS_PRIMARY_NOT_SUPPORTED", "REPLICATION_PRIMARY_INVALID_REGION"]]
    SOARecord: NotRequired[SOARecord]


class GetEmailIdentityResponse(TypedDict):
    IdentityType: NotRequired[Literal["EMAIL_ADDRESS", "DOMAIN", "MANAGED_DOMAIN"]]
    FeedbackForwardingStatus: NotRequired[bool]
    VerifiedForSendingStatus: NotRequired[bool]
    DkimAttributes: NotRequired[DkimAttributes]
    MailFromAttributes: NotRequired[MailFromAttributes]
    Policies: NotRequired[dict[str, str]]
    Tags: NotRequired[list[Tag]]
    ConfigurationSetName: NotRequired[str]
    VerificationStatus: NotRequired[Literal["PENDING", "SUCCESS", "FAILED", "TEMPORARY_FAILURE", "NOT_STARTED"]]
    VerificationInfo: NotRequired[VerificationInfo]


class GetEmailIdentityPoliciesRequest(TypedDict):
    EmailIdentity: str


class GetEmailIdentityPoliciesResponse(TypedDict):
    Policies: NotRequired[dict[str, str]]


class GetEmailTemplateRequest(TypedDict):
    TemplateName: str


class GetEmailTemplateResponse(TypedDict):
    TemplateName: str
    TemplateContent: EmailTemplateContent
    Tags: NotRequired[list[Tag]]


class GetMessageInsightsRequest(TypedDict):
    MessageId: str


class MessageTag(TypedDict):
    Name: str
    Value: str


class Bounce(TypedDict):
    BounceType: NotRequired[Literal["UNDETERMINED", "TRANSIENT", "PERMANENT"]]
    BounceSubType: NotRequired[str]
    DiagnosticCode: NotRequired[str]


class Complaint(TypedDict):
    ComplaintSubType: NotRequired[str]
    ComplaintFeedbackType: NotRequired[str]


class EventDetails(TypedDict):
    Bounce: NotRequired[Bounce]
    Complaint: NotRequired[Complaint]


class InsightsEvent(TypedDict):
    Timestamp: NotRequired[float]
    Type: NotRequired[Literal["SEND", "REJECT", "BOUNCE", "COMPLAINT", "DELIVERY", "OPEN", "CLICK", "RENDERING_FAILURE", "DELIVERY_DELAY", "SUBSCRIPTION"]]
    Details: NotRequired[EventDetails]


class EmailInsights(TypedDict):
    Destination: NotRequired[str]
    Isp: NotRequired[str]
    Events: NotRequired[list[InsightsEvent]]


class GetMessageInsightsResponse(TypedDict):
    MessageId: NotRequired[str]
    FromEmailAddress: NotRequired[str]
    Subject: NotRequired[str]
    EmailTags: NotRequired[list[MessageTag]]
    Insights: NotRequired[list[EmailInsights]]


class GetSuppressedDestinationRequest(TypedDict):
    EmailAddress: str
    TenantName: NotRequired[str]


class SuppressedDestinationAttributes(TypedDict):
    MessageId: NotRequired[str]
    FeedbackId: NotRequired[str]


class SuppressedDestination(TypedDict):
    EmailAddress: str
    Reason: Literal["BOUNCE", "COMPLAINT"]
    LastUpdateTime: float
    Attributes: NotRequired[SuppressedDestinationAttributes]
    TenantName: NotRequired[str]


class GetSuppressedDestinationResponse(TypedDict):
    SuppressedDestination: SuppressedDestination


class ListConfigurationSetsRequest(TypedDict):
    Filter: NotRequired[dict[Literal["CONFIGURATION_SET_NAME_CONTAINS"], str]]
    NextToken: NotRequired[str]
    PageSize: NotRequired[int]


class ListConfigurationSetsResponse(TypedDict):
    ConfigurationSets: NotRequired[list[str]]
    NextToken: NotRequired[str]


class ListContactListsRequest(TypedDict):
    PageSize: NotRequired[int]
    NextToken: NotRequired[str]


class ContactList(TypedDict):
    ContactListName: NotRequired[str]
    LastUpdatedTimestamp: NotRequired[float]


class ListContactListsResponse(TypedDict):
    ContactLists: NotRequired[list[ContactList]]
    NextToken: NotRequired[str]


class TopicFilter(TypedDict):
    TopicName: NotRequired[str]
    UseDefaultIfPreferenceUnavailable: NotRequired[bool]


class ListContactsFilter(TypedDict):
    FilteredStatus: NotRequired[Literal["OPT_IN", "OPT_OUT"]]
    TopicFilter: NotRequired[TopicFilter]


class ListContactsRequest(TypedDict):
    ContactListName: str
    Filter: NotRequired[ListContactsFilter]
    PageSize: NotRequired[int]
    NextToken: NotRequired[str]


class Contact(TypedDict):
    EmailAddress: NotRequired[str]
    TopicPreferences: NotRequired[list[TopicPreference]]
    TopicDefaultPreferences: NotRequired[list[TopicPreference]]
    UnsubscribeAll: NotRequired[bool]
    LastUpdatedTimestamp: NotRequired[float]


class ListContactsResponse(TypedDict):
    Contacts: NotRequired[list[Contact]]
    NextToken: NotRequired[str]


class ListCustomVerificationEmailTemplatesRequest(TypedDict):
    NextToken: NotRequired[str]
    PageSize: NotRequired[int]


class CustomVerificationEmailTemplateMetadata(TypedDict):
    TemplateName: NotRequired[str]
    FromEmailAddress: NotRequired[str]
    TemplateSubject: NotRequired[str]
    SuccessRedirectionURL: NotRequired[str]
    FailureRedirectionURL: NotRequired[str]


class ListCustomVerificationEmailTemplatesResponse(TypedDict):
    CustomVerificationEmailTemplates: NotRequired[list[CustomVerificationEmailTemplateMetadata]]
    NextToken: NotRequired[str]


class ListDedicatedIpPoolsRequest(TypedDict):
    NextToken: NotRequired[str]
    PageSize: NotRequired[int]


class ListDedicatedIpPoolsResponse(TypedDict):
    DedicatedIpPools: NotRequired[list[str]]
    NextToken: NotRequired[str]


class ListEmailIdentitiesRequest(TypedDict):
    Filter: NotRequired[dict[Literal["IDENTITY_NAME_CONTAINS", "IDENTITY_TYPE", "VERIFICATION_STATUS"], str]]
    NextToken: NotRequired[str]
    PageSize: NotRequired[int]


class IdentityInfo(TypedDict):
    IdentityType: NotRequired[Literal["EMAIL_ADDRESS", "DOMAIN", "MANAGED_DOMAIN"]]
    IdentityName: NotRequired[str]
    SendingEnabled: NotRequired[bool]
    VerificationStatus: NotRequired[Literal["PENDING", "SUCCESS", "FAILED", "TEMPORARY_FAILURE", "NOT_STARTED"]]


class ListEmailIdentitiesResponse(TypedDict):
    EmailIdentities: NotRequired[list[IdentityInfo]]
    NextToken: NotRequired[str]


class ListEmailTemplatesRequest(TypedDict):
    NextToken: NotRequired[str]
    PageSize: NotRequired[int]


class EmailTemplateMetadata(TypedDict):
    TemplateName: NotRequired[str]
    CreatedTimestamp: NotRequired[float]


class ListEmailTemplatesResponse(TypedDict):
    TemplatesMetadata: NotRequired[list[EmailTemplateMetadata]]
    NextToken: NotRequired[str]


class ListSuppressedDestinationsRequest(TypedDict):
    TenantName: NotRequired[str]
    Reasons: NotRequired[list[Literal["BOUNCE", "COMPLAINT"]]]
    StartDate: NotRequired[float]
    EndDate: NotRequired[float]
    NextToken: NotRequired[str]
    PageSize: NotRequired[int]


class SuppressedDestinationSummary(TypedDict):
    EmailAddress: str
    Reason: Literal["BOUNCE", "COMPLAINT"]
    LastUpdateTime: float


class ListSuppressedDestinationsResponse(TypedDict):
    SuppressedDestinationSummaries: NotRequired[list[SuppressedDestinationSummary]]
    NextToken: NotRequired[str]


class ListTagsForResourceRequest(TypedDict):
    ResourceArn: str


class ListTagsForResourceResponse(TypedDict):
    Tags: list[Tag]


class PutAccountDedicatedIpWarmupAttributesRequest(TypedDict):
    AutoWarmupEnabled: NotRequired[bool]


class PutAccountDedicatedIpWarmupAttributesResponse(TypedDict):
    """PutAccountDedicatedIpWarmupAttributesResponse has no members."""


class PutAccountDetailsRequest(TypedDict):
    MailType: Literal["MARKETING", "TRANSACTIONAL"]
    WebsiteURL: str
    ContactLanguage: NotRequired[Literal["EN", "JA"]]
    UseCaseDescription: NotRequired[str]
    AdditionalContactEmailAddresses: NotRequired[list[str]]
    ProductionAccessEnabled: NotRequired[bool]


class PutAccountDetailsResponse(TypedDict):
    """PutAccountDetailsResponse has no members."""


class PutAccountSendingAttributesRequest(TypedDict):
    SendingEnabled: NotRequired[bool]


class PutAccountSendingAttributesResponse(TypedDict):
    """PutAccountSendingAttributesResponse has no members."""


class PutAccountSuppressionAttributesRequest(TypedDict):
    SuppressedReasons: NotRequired[list[Literal["BOUNCE", "COMPLAINT"]]]
    ValidationAttributes: NotRequired[SuppressionValidationAttributes]


class PutAccountSuppressionAttributesResponse(TypedDict):
    """PutAccountSuppressionAttributesResponse has no members."""


class PutAccountVdmAttributesRequest(TypedDict):
    VdmAttributes: VdmAttributes


class PutAccountVdmAttributesResponse(TypedDict):
    """PutAccountVdmAttributesResponse has no members."""


class PutConfigurationSetDeliveryOptionsRequest(TypedDict):
    ConfigurationSetName: str
    TlsPolicy: NotRequired[Literal["REQUIRE", "OPTIONAL"]]
    SendingPoolName: NotRequired[str]
    MaxDeliverySeconds: NotRequired[int]


class PutConfigurationSetDeliveryOptionsResponse(TypedDict):
    """PutConfigurationSetDeliveryOptionsResponse has no members."""


class PutConfigurationSetReputationOptionsRequest(TypedDict):
    ConfigurationSetName: str
    ReputationMetricsEnabled: NotRequired[bool]


class PutConfigurationSetReputationOptionsResponse(TypedDict):
    """PutConfigurationSetReputationOptionsResponse has no members."""


class PutConfigurationSetSendingOptionsRequest(TypedDict):
    ConfigurationSetName: str
    SendingEnabled: NotRequired[bool]


class PutConfigurationSetSendingOptionsResponse(TypedDict):
    """PutConfigurationSetSendingOptionsResponse has no members."""


class PutConfigurationSetSuppressionOptionsRequest(TypedDict):
    ConfigurationSetName: str
    SuppressionScope: NotRequired[Literal["ACCOUNT", "TENANT"]]
    SuppressedReasons: NotRequired[list[Literal["BOUNCE", "COMPLAINT"]]]
    ValidationOptions: NotRequired[SuppressionValidationOptions]


class PutConfigurationSetSuppressionOptionsResponse(TypedDict):
    """PutConfigurationSetSuppressionOptionsResponse has no members."""


class PutConfigurationSetTrackingOptionsRequest(TypedDict):
    ConfigurationSetName: str
    CustomRedirectDomain: NotRequired[str]
    HttpsPolicy: NotRequired[Literal["REQUIRE", "REQUIRE_OPEN_ONLY", "OPTIONAL"]]


class PutConfigurationSetTrackingOptionsResponse(TypedDict):
    """PutConfigurationSetTrackingOptionsResponse has no members."""


class PutConfigurationSetVdmOptionsRequest(TypedDict):
    ConfigurationSetName: str
    VdmOptions: NotRequired[VdmOptions]


class PutConfigurationSetVdmOptionsResponse(TypedDict):
    """PutConfigurationSetVdmOptionsResponse has no members."""


class PutDedicatedIpInPoolRequest(TypedDict):
    Ip: NotRequired[str]
    DestinationPoolName: NotRequired[str]


class PutDedicatedIpInPoolResponse(TypedDict):
    """PutDedicatedIpInPoolResponse has no members."""


class PutDedicatedIpPoolScalingAttributesRequest(TypedDict):
    PoolName: NotRequired[str]
    ScalingMode: NotRequired[str]


class PutDedicatedIpPoolScalingAttributesResponse(TypedDict):
    """PutDedicatedIpPoolScalingAttributesResponse has no members."""


class PutDedicatedIpWarmupAttributesRequest(TypedDict):
    Ip: NotRequired[str]
    WarmupPercentage: NotRequired[int]


class PutDedicatedIpWarmupAttributesResponse(TypedDict):
    """PutDedicatedIpWarmupAttributesResponse has no members."""


class PutEmailIdentityConfigurationSetAttributesRequest(TypedDict):
    EmailIdentity: str
    ConfigurationSetName: NotRequired[str]


class PutEmailIdentityConfigurationSetAttributesResponse(TypedDict):
    """PutEmailIdentityConfigurationSetAttributesResponse has no members."""


class PutEmailIdentityDkimAttributesRequest(TypedDict):
    EmailIdentity: str
    SigningEnabled: NotRequired[bool]


class PutEmailIdentityDkimAttributesResponse(TypedDict):
    """PutEmailIdentityDkimAttributesResponse has no members."""


class PutEmailIdentityDkimSigningAttributesRequest(TypedDict):
    EmailIdentity: str
    SigningAttributesOrigin: Literal["AWS_SES", "EXTERNAL", "AWS_SES_AF_SOUTH_1", "AWS_SES_EU_NORTH_1", "AWS_SES_AP_SOUTH_1", "AWS_SES_EU_WEST_3", "AWS_SES_EU_WEST_2", "AWS_SES_EU_SOUTH_1", "AWS_SES_EU_WEST_1", "AWS_SES_AP_NORTHEAST_3", "AWS_SES_AP_NORTHEAST_2", "AWS_SES_ME_SOUTH_1", "AWS_SES_AP_NORTHEAST_1", "AWS_SES_IL_CENTRAL_1", "AWS_SES_SA_EAST_1", "AWS_SES_CA_CENTRAL_1", "AWS_SES_AP_SOUTHEAST_1", "AWS_SES_AP_SOUTHEAST_2", "AWS_SES_AP_SOUTHEAST_3", "AWS_SES_EU_CENTRAL_1", "AWS_SES_US_EAST_1", "AWS_SES_US_EAST_2", "AWS_SES_US_WEST_1", "AWS_SES_US_WEST_2", "AWS_SES_ME_CENTRAL_1", "AWS_SES_AP_SOUTH_2", "AWS_SES_EU_CENTRAL_2", "AWS_SES_AP_SOUTHEAST_5", "AWS_SES_CA_WEST_1", "AWS_SES_US_GOV_EAST_1", "AWS_SES_US_GOV_WEST_1"]
    SigningAttributes: NotRequired[DkimSigningAttributes]


class PutEmailIdentityDkimSigningAttributesResponse(TypedDict):
    DkimStatus: NotRequired[Literal["PENDING", "SUCCESS", "FAILED", "TEMPORARY_FAILURE", "NOT_STARTED"]]
    DkimTokens: NotRequired[list[str]]
    SigningHostedZone: NotRequired[str]


class PutEmailIdentityFeedbackAttributesRequest(TypedDict):
    EmailIdentity: str
    EmailForwardingEnabled: NotRequired[bool]


class PutEmailIdentityFeedbackAttributesResponse(TypedDict):
    """PutEmailIdentityFeedbackAttributesResponse has no members."""


class PutEmailIdentityMailFromAttributesRequest(TypedDict):
    EmailIdentity: str
    MailFromDomain: NotRequired[str]
    BehaviorOnMxFailure: NotRequired[Literal["USE_DEFAULT_VALUE", "REJECT_MESSAGE"]]


class PutEmailIdentityMailFromAttributesResponse(TypedDict):
    """PutEmailIdentityMailFromAttributesResponse has no members."""


class PutSuppressedDestinationRequest(TypedDict):
    EmailAddress: str
    Reason: Literal["BOUNCE", "COMPLAINT"]
    TenantName: NotRequired[str]


class PutSuppressedDestinationResponse(TypedDict):
    """PutSuppressedDestinationResponse has no members."""


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


class Template(TypedDict):
    TemplateName: NotRequired[str]
    TemplateArn: NotRequired[str]
    TemplateContent: NotRequired[EmailTemplateContent]
    TemplateData: NotRequired[str]
    Headers: NotRequired[list[MessageHeader]]
    Attachments: NotRequired[list[Attachment]]


class BulkEmailContent(TypedDict):
    Template: NotRequired[Template]


class Destination(TypedDict):
    ToAddresses: NotRequired[list[str]]
    CcAddresses: NotRequired[list[str]]
    BccAddresses: NotRequired[list[str]]


class ReplacementTemplate(TypedDict):
    ReplacementTemplateData: NotRequired[str]


class ReplacementEmailContent(TypedDict):
    ReplacementTemplate: NotRequired[ReplacementTemplate]


class BulkEmailEntry(TypedDict):
    Destination: Destination
    ReplacementTags: NotRequired[list[MessageTag]]
    ReplacementEmailContent: NotRequired[ReplacementEmailContent]
    ReplacementHeaders: NotRequired[list[MessageHeader]]


class TrackingConfigurationOverrides(TypedDict):
    OpenTrackingEnabled: NotRequired[Literal["ENABLED", "DISABLED"]]
    ClickTrackingEnabled: NotRequired[Literal["ENABLED", "DISABLED"]]


class ConfigurationOverrides(TypedDict):
    Tracking: NotRequired[TrackingConfigurationOverrides]


class SendBulkEmailRequest(TypedDict):
    FromEmailAddress: NotRequired[str]
    FromEmailAddressIdentityArn: NotRequired[str]
    ReplyToAddresses: NotRequired[list[str]]
    FeedbackForwardingEmailAddress: NotRequired[str]
    FeedbackForwardingEmailAddressIdentityArn: NotRequired[str]
    DefaultEmailTags: NotRequired[list[MessageTag]]
    DefaultContent: BulkEmailContent
    BulkEmailEntries: list[BulkEmailEntry]
    ConfigurationSetName: NotRequired[str]
    EndpointId: NotRequired[str]
    TenantName: NotRequired[str]
    ConfigurationOverrides: NotRequired[ConfigurationOverrides]


class BulkEmailEntryResult(TypedDict):
    Status: NotRequired[Literal["SUCCESS", "MESSAGE_REJECTED", "MAIL_FROM_DOMAIN_NOT_VERIFIED", "CONFIGURATION_SET_NOT_FOUND", "TEMPLATE_NOT_FOUND", "ACCOUNT_SUSPENDED", "ACCOUNT_THROTTLED", "ACCOUNT_DAILY_QUOTA_EXCEEDED", "INVALID_SENDING_POOL_NAME", "ACCOUNT_SENDING_PAUSED", "CONFIGURATION_SET_SENDING_PAUSED", "INVALID_PARAMETER", "TRANSIENT_FAILURE", "FAILED"]]
    Error: NotRequired[str]
    MessageId: NotRequired[str]


class SendBulkEmailResponse(TypedDict):
    BulkEmailEntryResults: list[BulkEmailEntryResult]


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
    Headers: NotRequired[list[MessageHeader]]
    Attachments: NotRequired[list[Attachment]]


class RawMessage(TypedDict):
    Data: bytes


class EmailContent(TypedDict):
    Simple: NotRequired[Message]
    Raw: NotRequired[RawMessage]
    Template: NotRequired[Template]


class ListManagementOptions(TypedDict):
    ContactListName: str
    TopicName: NotRequired[str]


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


class TagResourceRequest(TypedDict):
    ResourceArn: str
    Tags: list[Tag]


class TagResourceResponse(TypedDict):
    """TagResourceResponse has no members."""


class TestRenderEmailTemplateRequest(TypedDict):
    TemplateName: str
    TemplateData: str


class TestRenderEmailTemplateResponse(TypedDict):
    RenderedTemplate: str


class UntagResourceRequest(TypedDict):
    ResourceArn: str
    TagKeys: list[str]


class UntagResourceResponse(TypedDict):
    """UntagResourceResponse has no members."""


class UpdateConfigurationSetEventDestinationRequest(TypedDict):
    ConfigurationSetName: str
    EventDestinationName: str
    EventDestination: EventDestinationDefinition


class UpdateConfigurationSetEventDestinationResponse(TypedDict):
    """UpdateConfigurationSetEventDestinationResponse has no members."""


class UpdateContactRequest(TypedDict):
    ContactListName: str
    EmailAddress: str
    TopicPreferences: NotRequired[list[TopicPreference]]
    UnsubscribeAll: NotRequired[bool]
    AttributesData: NotRequired[str]


class UpdateContactResponse(TypedDict):
    """UpdateContactResponse has no members."""


class UpdateContactListRequest(TypedDict):
    ContactListName: str
    Topics: NotRequired[list[Topic]]
    Description: NotRequired[str]


class UpdateContactListResponse(TypedDict):
    """UpdateContactListResponse has no members."""


class UpdateCustomVerificationEmailTemplateRequest(TypedDict):
    TemplateName: str
    FromEmailAddress: str
    TemplateSubject: str
    TemplateContent: str
    SuccessRedirectionURL: str
    FailureRedirectionURL: str


class UpdateCustomVerificationEmailTemplateResponse(TypedDict):
    """UpdateCustomVerificationEmailTemplateResponse has no members."""


class UpdateEmailIdentityPolicyRequest(TypedDict):
    EmailIdentity: str
    PolicyName: str
    Policy: str


class UpdateEmailIdentityPolicyResponse(TypedDict):
    """UpdateEmailIdentityPolicyResponse has no members."""


class UpdateEmailTemplateRequest(TypedDict):
    TemplateName: str
    TemplateContent: EmailTemplateContent


class UpdateEmailTemplateResponse(TypedDict):
    """UpdateEmailTemplateResponse has no members."""
