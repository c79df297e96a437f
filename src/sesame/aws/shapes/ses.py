"""Shapes of the served operations.

Extracted by tools/extract_models.py from the service model of botocore 1.44.5, Copyright
Amazon.com, Inc. or its affiliates, licensed under the Apache License 2.0. Do not edit.
"""

from typing import Literal, NotRequired, TypedDict


class DeleteIdentityRequest(TypedDict):
    Identity: str


class DeleteIdentityResponse(TypedDict):
    """DeleteIdentityResponse has no members."""


class DeleteIdentityPolicyRequest(TypedDict):
    Identity: str
    PolicyName: str


class DeleteIdentityPolicyResponse(TypedDict):
    """DeleteIdentityPolicyResponse has no members."""


class GetAccountSendingEnabledRequest(TypedDict):
    """GetAccountSendingEnabled has no input."""


class GetAccountSendingEnabledResponse(TypedDict):
    Enabled: NotRequired[bool]


class GetIdentityDkimAttributesRequest(TypedDict):
    Identities: list[str]


class IdentityDkimAttributes(TypedDict):
    DkimEnabled: bool
    DkimVerificationStatus: Literal["Pending", "Success", "Failed", "TemporaryFailure", "NotStarted"]
    DkimTokens: NotRequired[list[str]]


class GetIdentityDkimAttributesResponse(TypedDict):
    DkimAttributes: dict[str, IdentityDkimAttributes]


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


class PutIdentityPolicyRequest(TypedDict):
    Identity: str
    PolicyName: str
    Policy: str


class PutIdentityPolicyResponse(TypedDict):
    """PutIdentityPolicyResponse has no members."""


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


class Message(TypedDict):
    Subject: Content
    Body: Body


class MessageTag(TypedDict):
    Name: str
    Value: str


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


class UpdateAccountSendingEnabledRequest(TypedDict):
    Enabled: NotRequired[bool]


class UpdateAccountSendingEnabledResponse(TypedDict):
    """UpdateAccountSendingEnabled has no output."""


class VerifyDomainDkimRequest(TypedDict):
    Domain: str


class VerifyDomainDkimResponse(TypedDict):
    DkimTokens: list[str]


class VerifyDomainIdentityRequest(TypedDict):
    Domain: str


class VerifyDomainIdentityResponse(TypedDict):
    VerificationToken: str


class VerifyEmailIdentityRequest(TypedDict):
    EmailAddress: str


class VerifyEmailIdentityResponse(TypedDict):
    """VerifyEmailIdentityResponse has no members."""
