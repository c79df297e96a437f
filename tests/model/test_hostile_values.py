"""Well-formed, well-signed requests with hostile values: an answer for each, and never a fault of ours.

Beside what each field could hold, three kinds that reach far in: policies that are stored and then
evaluated by a send, messages cut and glued at random, and forms whose names are made up.
"""

import base64
import json
import os
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dkim
import pytest

from sesame.aws.model import ServiceModel
from tests.support.process import Account, SesameProcess, wait_until
from tests.support.signed_client import Reply, SignedClient, simple_email
from tests.support.tenant import CUSTOM, Tenant

MESSAGES = sorted((Path(__file__).resolve().parents[1] / "vectors" / "mail" / "messages").glob("*.eml"))
SEND = simple_email(
    source="news@example.com",
    **{
        "Destination.CcAddresses.member.1": "c@outside.test",
        "Destination.BccAddresses.member.1": "b@outside.test",
        "ReplyToAddresses.member.1": "a@example.com",
        "ReturnPath": "bounces@example.com",
        "SourceArn": "arn:aws:ses:us-east-1:{account}:identity/example.com",
        "ReturnPathArn": "arn:aws:ses:us-east-1:{account}:identity/example.com",
        "Message.Subject.Charset": "UTF-8",
        "Message.Body.Text.Charset": "UTF-8",
        "Message.Body.Html.Data": "<p>Hello.</p>",
        "Message.Body.Html.Charset": "UTF-8",
        "Tags.member.1.Name": "n",
        "Tags.member.1.Value": "v",
    },
)
RAW = base64.b64encode(b"From: a@example.com\r\nTo: r@outside.test\r\n\r\nx").decode()
POLICY = '{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "ses:*", "Resource": "%s"}}'
IAM_POLICY = '{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}'
TRUST = (
    '{"Statement": {"Effect": "Allow", "Principal": {"AWS": "{account}"},'
    ' "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]}}'
)
TRIES = int(os.environ.get("SESAME_HOSTILE_TRIES", "1000"))
"""How many random forms there are; of random messages a third, of random policies two fifths."""
PARTS = ("SubjectPart", "TextPart", "HtmlPart")
TEMPLATED = {
    "Source": "a@example.com",
    "Template": "t",
    "TemplateArn": "arn:aws:ses:us-east-1:{account}:template/t",
}
FIREHOSE = "EventDestination.KinesisFirehoseDestination"
DESTINATION = {
    "ConfigurationSetName": "s",
    "EventDestination.Name": "d",
    "EventDestination.MatchingEventTypes.member.1": "send",
    f"{FIREHOSE}.IAMRoleARN": "r",
    f"{FIREHOSE}.DeliveryStreamARN": "s",
}
USUAL: dict[str, dict[str, str]] = {
    "ses.VerifyDomainIdentity": {"Domain": "d.test"},
    "ses.VerifyDomainDkim": {"Domain": "example.com"},
    "ses.VerifyEmailIdentity": {"EmailAddress": "a@people.test"},
    "ses.GetIdentityVerificationAttributes": {"Identities.member.1": "example.com"},
    "ses.GetIdentityDkimAttributes": {"Identities.member.1": "a@example.com"},
    "ses.ListIdentities": {"IdentityType": "Domain", "NextToken": "ZXhhbXBsZS5jb20=", "MaxItems": "10"},
    "ses.DeleteIdentity": {"Identity": "gone.test"},
    "ses.PutIdentityPolicy": {"Identity": "example.com", "PolicyName": "p", "Policy": "{}"},
    "ses.GetIdentityPolicies": {"Identity": "example.com", "PolicyNames.member.1": "p"},
    "ses.ListIdentityPolicies": {"Identity": "example.com"},
    "ses.DeleteIdentityPolicy": {"Identity": "example.com", "PolicyName": "p"},
    "ses.SendEmail": SEND,
    "ses.SendRawEmail": {
        "RawMessage.Data": RAW,
        "Source": "a@example.com",
        "Destinations.member.1": "r@outside.test",
        "SourceArn": "arn:aws:ses:us-east-1:{account}:identity/example.com",
        "FromArn": "arn:aws:ses:us-east-1:{account}:identity/example.com",
        "ReturnPathArn": "arn:aws:ses:us-east-1:{account}:identity/example.com",
        "ConfigurationSetName": "",
        "Tags.member.1.Name": "n",
        "Tags.member.1.Value": "v",
    },
    "ses.SetIdentityDkimEnabled": {"Identity": "example.com", "DkimEnabled": "true"},
    "ses.SetIdentityMailFromDomain": {
        "Identity": "example.com",
        "MailFromDomain": "m.example.com",
        "BehaviorOnMXFailure": "UseDefaultValue",
    },
    "ses.GetIdentityMailFromDomainAttributes": {"Identities.member.1": "example.com"},
    "ses.CreateConfigurationSet": {"ConfigurationSet.Name": "s"},
    "ses.DescribeConfigurationSet": {
        "ConfigurationSetName": "s",
        "ConfigurationSetAttributeNames.member.1": "eventDestinations",
    },
    "ses.ListConfigurationSets": {"NextToken": "YQ==", "MaxItems": "10"},
    "ses.DeleteConfigurationSet": {"ConfigurationSetName": "gone"},
    "ses.CreateConfigurationSetEventDestination": DESTINATION,
    "ses.UpdateConfigurationSetEventDestination": DESTINATION,
    "ses.DeleteConfigurationSetEventDestination": {
        "ConfigurationSetName": "s",
        "EventDestinationName": "gone",
    },
    "ses.UpdateConfigurationSetSendingEnabled": {"ConfigurationSetName": "s", "Enabled": "true"},
    "ses.UpdateConfigurationSetReputationMetricsEnabled": {"ConfigurationSetName": "s", "Enabled": "true"},
    "ses.PutConfigurationSetDeliveryOptions": {
        "ConfigurationSetName": "s",
        "DeliveryOptions.TlsPolicy": "Require",
    },
    "ses.CreateConfigurationSetTrackingOptions": {
        "ConfigurationSetName": "s",
        "TrackingOptions.CustomRedirectDomain": "example.com",
    },
    "ses.UpdateConfigurationSetTrackingOptions": {
        "ConfigurationSetName": "s",
        "TrackingOptions.CustomRedirectDomain": "example.com",
    },
    "ses.DeleteConfigurationSetTrackingOptions": {"ConfigurationSetName": "s"},
    "ses.CreateTemplate": {f"Template.{name}": "t" for name in ("TemplateName", *PARTS)},
    "ses.GetTemplate": {"TemplateName": "t"},
    "ses.UpdateTemplate": {f"Template.{name}": "t" for name in ("TemplateName", *PARTS)},
    "ses.DeleteTemplate": {"TemplateName": "gone"},
    "ses.ListTemplates": {"NextToken": "dA==", "MaxItems": "10"},
    "ses.TestRenderTemplate": {"TemplateName": "t", "TemplateData": "{}"},
    "ses.SendTemplatedEmail": TEMPLATED
    | {"TemplateData": "{}", "Destination.ToAddresses.member.1": "r@outside.test"},
    "ses.SendBulkTemplatedEmail": TEMPLATED
    | {
        "DefaultTemplateData": "{}",
        "Destinations.member.1.Destination.ToAddresses.member.1": "r@outside.test",
        "Destinations.member.1.ReplacementTemplateData": "{}",
        "Destinations.member.1.ReplacementTags.member.1.Name": "n",
        "Destinations.member.1.ReplacementTags.member.1.Value": "v",
    },
    "ses.CreateCustomVerificationEmailTemplate": CUSTOM,
    "ses.GetCustomVerificationEmailTemplate": {"TemplateName": "c"},
    "ses.UpdateCustomVerificationEmailTemplate": CUSTOM,
    "ses.DeleteCustomVerificationEmailTemplate": {"TemplateName": "gone"},
    "ses.ListCustomVerificationEmailTemplates": {"NextToken": "dA==", "MaxResults": "10"},
    "ses.SendCustomVerificationEmail": {
        "EmailAddress": "new@people.test",
        "TemplateName": "c",
        "ConfigurationSetName": "",
    },
    "ses.GetSendQuota": {},
    "ses.GetAccountSendingEnabled": {},
    "ses.UpdateAccountSendingEnabled": {"Enabled": "true"},
    "sts.GetCallerIdentity": {},
    "sts.GetSessionToken": {"DurationSeconds": "900"},
    "sts.GetFederationToken": {
        "Name": "guest",
        "DurationSeconds": "900",
        "Policy": IAM_POLICY,
        "PolicyArns.member.1.arn": "arn:aws:iam::aws:policy/AmazonSESFullAccess",
        "Tags.member.1.Key": "k",
        "Tags.member.1.Value": "v",
        "MinimumSessionTokenSize": "0",
    },
    "iam.CreateUser": {
        "UserName": "anna",
        "Path": "/",
        "Tags.member.1.Key": "k",
        "Tags.member.1.Value": "v",
        "PermissionsBoundary": "",
    },
    "iam.GetUser": {"UserName": "anna"},
    "iam.ListUsers": {"PathPrefix": "/", "Marker": "YW5uYQ==", "MaxItems": "10"},
    "iam.DeleteUser": {"UserName": "berta"},
    "iam.CreateAccessKey": {"UserName": "anna"},
    "iam.ListAccessKeys": {"UserName": "anna", "Marker": "YW5uYQ==", "MaxItems": "10"},
    "iam.GetAccessKeyLastUsed": {"AccessKeyId": "AKIAIOSFODNN7EXAMPLE"},
    "iam.UpdateAccessKey": {"UserName": "anna", "AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "Status": "Inactive"},
    "iam.DeleteAccessKey": {"UserName": "anna", "AccessKeyId": "AKIAIOSFODNN7EXAMPLE"},
    "iam.PutUserPolicy": {"UserName": "anna", "PolicyName": "p", "PolicyDocument": "{}"},
    "iam.TagMFADevice": {
        "SerialNumber": "arn:aws:iam::{account}:mfa/d",
        "Tags.member.1.Key": "k",
        "Tags.member.1.Value": "v",
    },
    "iam.UntagMFADevice": {"SerialNumber": "arn:aws:iam::{account}:mfa/d", "TagKeys.member.1": "k"},
    "iam.ListMFADeviceTags": {
        "SerialNumber": "arn:aws:iam::{account}:mfa/d",
        "Marker": "aw==",
        "MaxItems": "10",
    },
    "iam.UpdateUser": {"UserName": "berta", "NewUserName": "berta", "NewPath": "/"},
    "iam.PutUserPermissionsBoundary": {
        "UserName": "anna",
        "PermissionsBoundary": "arn:aws:iam::{account}:policy/p",
    },
    "iam.DeleteUserPermissionsBoundary": {"UserName": "anna"},
    "iam.PutRolePermissionsBoundary": {
        "RoleName": "r",
        "PermissionsBoundary": "arn:aws:iam::{account}:policy/p",
    },
    "iam.DeleteRolePermissionsBoundary": {"RoleName": "r"},
    "iam.GetUserPolicy": {"UserName": "anna", "PolicyName": "p"},
    "iam.ListUserPolicies": {"UserName": "anna", "Marker": "YW5uYQ==", "MaxItems": "10"},
    "iam.DeleteUserPolicy": {"UserName": "anna", "PolicyName": "p"},
    "iam.AddUserToGroup": {"GroupName": "g", "UserName": "anna"},
    "iam.CreateGroup": {"GroupName": "g", "Path": "/"},
    "iam.DeleteGroup": {"GroupName": "gone"},
    "iam.DeleteGroupPolicy": {"GroupName": "g", "PolicyName": "p"},
    "iam.GetGroup": {"GroupName": "g", "MaxItems": "10", "Marker": "YQ=="},
    "iam.GetGroupPolicy": {"GroupName": "g", "PolicyName": "p"},
    "iam.ListGroupPolicies": {"GroupName": "g", "MaxItems": "10", "Marker": "YQ=="},
    "iam.ListGroups": {"PathPrefix": "/", "MaxItems": "10", "Marker": "YQ=="},
    "iam.ListGroupsForUser": {"UserName": "anna", "MaxItems": "10", "Marker": "YQ=="},
    "iam.ListUserTags": {"UserName": "anna", "MaxItems": "10", "Marker": "YQ=="},
    "iam.PutGroupPolicy": {"GroupName": "g", "PolicyName": "p", "PolicyDocument": "{}"},
    "iam.RemoveUserFromGroup": {"GroupName": "g", "UserName": "anna"},
    "iam.TagUser": {"UserName": "anna", "Tags.member.1.Key": "k", "Tags.member.1.Value": "v"},
    "iam.UntagUser": {"UserName": "anna", "TagKeys.member.1": "k"},
    "iam.CreatePolicy": {"PolicyName": "p", "Path": "/", "Description": "d", "PolicyDocument": POLICY},
    "iam.GetPolicy": {"PolicyArn": "arn:aws:iam::{account}:policy/p"},
    "iam.ListPolicies": {
        "Scope": "All",
        "PathPrefix": "/",
        "OnlyAttached": "false",
        "MaxItems": "10",
        "Marker": "YQ==",
    },
    "iam.DeletePolicy": {"PolicyArn": "arn:aws:iam::{account}:policy/gone"},
    "iam.CreatePolicyVersion": {
        "PolicyArn": "arn:aws:iam::{account}:policy/p",
        "PolicyDocument": POLICY,
        "SetAsDefault": "true",
    },
    "iam.GetPolicyVersion": {"PolicyArn": "arn:aws:iam::{account}:policy/p", "VersionId": "v1"},
    "iam.ListPolicyVersions": {
        "PolicyArn": "arn:aws:iam::{account}:policy/p",
        "MaxItems": "10",
        "Marker": "YQ==",
    },
    "iam.SetDefaultPolicyVersion": {"PolicyArn": "arn:aws:iam::{account}:policy/p", "VersionId": "v1"},
    "iam.DeletePolicyVersion": {"PolicyArn": "arn:aws:iam::{account}:policy/p", "VersionId": "v1"},
    "iam.AttachUserPolicy": {"UserName": "anna", "PolicyArn": "arn:aws:iam::{account}:policy/p"},
    "iam.DetachUserPolicy": {"UserName": "anna", "PolicyArn": "arn:aws:iam::{account}:policy/p"},
    "iam.ListAttachedUserPolicies": {"UserName": "anna", "MaxItems": "10", "Marker": "YQ=="},
    "iam.GetMFADevice": {"UserName": "anna", "SerialNumber": "arn:aws:iam::111111111111:mfa/phone"},
    "iam.ResyncMFADevice": {
        "UserName": "anna",
        "SerialNumber": "arn:aws:iam::111111111111:mfa/phone",
        "AuthenticationCode1": "123456",
        "AuthenticationCode2": "654321",
    },
    "iam.ListMFADevices": {"UserName": "anna", "MaxItems": "10", "Marker": "YQ=="},
    "iam.ListSSHPublicKeys": {"UserName": "anna", "MaxItems": "10", "Marker": "YQ=="},
    "iam.ListServiceSpecificCredentials": {"UserName": "anna", "AllUsers": "false", "MaxItems": "10"},
    "iam.ListSigningCertificates": {"UserName": "anna", "MaxItems": "10", "Marker": "YQ=="},
    "iam.ListVirtualMFADevices": {"AssignmentStatus": "Any", "MaxItems": "10", "Marker": "YQ=="},
    "iam.GetLoginProfile": {"UserName": "anna"},
    "iam.DeleteLoginProfile": {"UserName": "anna"},
    "iam.CreateLoginProfile": {"UserName": "anna", "Password": "Correct-1", "PasswordResetRequired": "true"},
    "iam.UpdateLoginProfile": {"UserName": "anna", "Password": "Correct-1", "PasswordResetRequired": "true"},
    "iam.ChangePassword": {"OldPassword": "Correct-1", "NewPassword": "Correct-2"},
    "iam.CreateVirtualMFADevice": {"Path": "/", "VirtualMFADeviceName": "phone"},
    "iam.DeleteVirtualMFADevice": {"SerialNumber": "arn:aws:iam::111111111111:mfa/phone"},
    "iam.EnableMFADevice": {
        "UserName": "anna",
        "SerialNumber": "arn:aws:iam::111111111111:mfa/phone",
        "AuthenticationCode1": "123456",
        "AuthenticationCode2": "654321",
    },
    "iam.DeactivateMFADevice": {
        "UserName": "anna",
        "SerialNumber": "arn:aws:iam::111111111111:mfa/phone",
    },
    "iam.CreateRole": {
        "RoleName": "made",
        "Path": "/",
        "AssumeRolePolicyDocument": TRUST,
        "Description": "d",
        "MaxSessionDuration": "3600",
        "Tags.member.1.Key": "k",
        "Tags.member.1.Value": "v",
    },
    "iam.GetAccountAuthorizationDetails": {"Filter.member.1": "User", "MaxItems": "10", "Marker": "VXNlci9h"},
    "iam.GetAccountPasswordPolicy": {},
    "iam.DeleteAccountPasswordPolicy": {},
    "iam.UpdateAccountPasswordPolicy": {
        "MinimumPasswordLength": "8",
        "RequireSymbols": "true",
        "RequireNumbers": "true",
        "RequireUppercaseCharacters": "true",
        "RequireLowercaseCharacters": "true",
        "AllowUsersToChangePassword": "true",
        "MaxPasswordAge": "90",
        "PasswordReusePrevention": "3",
        "HardExpiry": "true",
    },
    "iam.CreateAccountAlias": {"AccountAlias": "example"},
    "iam.DeleteAccountAlias": {"AccountAlias": "gone"},
    "iam.GetAccountSummary": {},
    "iam.UpdateGroup": {"GroupName": "g", "NewGroupName": "g", "NewPath": "/"},
    "iam.GetRole": {"RoleName": "r"},
    "iam.ListRoles": {"PathPrefix": "/", "MaxItems": "10", "Marker": "YQ=="},
    "iam.UpdateRole": {"RoleName": "r", "Description": "d", "MaxSessionDuration": "3600"},
    "iam.UpdateRoleDescription": {"RoleName": "r", "Description": "d"},
    "iam.UpdateAssumeRolePolicy": {"RoleName": "r", "PolicyDocument": TRUST},
    "iam.DeleteRole": {"RoleName": "gone"},
    "iam.ListInstanceProfilesForRole": {"RoleName": "r", "MaxItems": "10", "Marker": "YQ=="},
    "iam.PutRolePolicy": {"RoleName": "r", "PolicyName": "p", "PolicyDocument": IAM_POLICY},
    "iam.GetRolePolicy": {"RoleName": "r", "PolicyName": "p"},
    "iam.ListRolePolicies": {"RoleName": "r", "MaxItems": "10", "Marker": "YQ=="},
    "iam.DeleteRolePolicy": {"RoleName": "r", "PolicyName": "p"},
    "iam.TagRole": {"RoleName": "r", "Tags.member.1.Key": "k", "Tags.member.1.Value": "v"},
    "iam.TagPolicy": {
        "PolicyArn": "arn:aws:iam::{account}:policy/p",
        "Tags.member.1.Key": "k",
        "Tags.member.1.Value": "v",
    },
    "iam.UntagPolicy": {"PolicyArn": "arn:aws:iam::{account}:policy/p", "TagKeys.member.1": "k"},
    "iam.ListPolicyTags": {
        "PolicyArn": "arn:aws:iam::{account}:policy/p",
        "MaxItems": "10",
        "Marker": "YQ==",
    },
    "iam.UntagRole": {"RoleName": "r", "TagKeys.member.1": "k"},
    "iam.ListRoleTags": {"RoleName": "r", "MaxItems": "10", "Marker": "YQ=="},
    "iam.AttachRolePolicy": {"RoleName": "r", "PolicyArn": "arn:aws:iam::{account}:policy/p"},
    "iam.DetachRolePolicy": {"RoleName": "r", "PolicyArn": "arn:aws:iam::{account}:policy/p"},
    "iam.ListAttachedRolePolicies": {"RoleName": "r", "MaxItems": "10", "Marker": "YQ=="},
    "sts.AssumeRole": {
        "RoleArn": "arn:aws:iam::{account}:role/r",
        "RoleSessionName": "job",
        "PolicyArns.member.1.arn": "arn:aws:iam::aws:policy/AmazonSESFullAccess",
        "Policy": IAM_POLICY,
        "DurationSeconds": "900",
        "Tags.member.1.Key": "k",
        "Tags.member.1.Value": "v",
        "TransitiveTagKeys.member.1": "k",
        "ExternalId": "12",
        "SourceIdentity": "anna",
        "MinimumSessionTokenSize": "0",
    },
    "iam.AttachGroupPolicy": {"GroupName": "g", "PolicyArn": "arn:aws:iam::{account}:policy/p"},
    "iam.DetachGroupPolicy": {"GroupName": "g", "PolicyArn": "arn:aws:iam::{account}:policy/p"},
    "iam.ListAttachedGroupPolicies": {"GroupName": "g", "MaxItems": "10", "Marker": "YQ=="},
    "iam.ListEntitiesForPolicy": {
        "PolicyArn": "arn:aws:iam::{account}:policy/p",
        "EntityFilter": "User",
        "MaxItems": "10",
        "Marker": "YQ==",
    },
    "sns.CreateTopic": {
        "Name": "t",
        "Attributes.entry.1.key": "DisplayName",
        "Attributes.entry.1.value": "d",
        "Tags.member.1.Key": "k",
        "Tags.member.1.Value": "v",
    },
    "sns.ConfirmSubscription": {"TopicArn": "arn:aws:sns:us-east-1:{account}:t", "Token": "0" * 64},
    "sns.GetSubscriptionAttributes": {"SubscriptionArn": "arn:aws:sns:us-east-1:{account}:t:0"},
    "sns.ListSubscriptions": {"NextToken": "YQ=="},
    "sns.ListSubscriptionsByTopic": {
        "TopicArn": "arn:aws:sns:us-east-1:{account}:t",
        "NextToken": "YQ==",
    },
    "sns.Publish": {
        "TopicArn": "arn:aws:sns:us-east-1:{account}:t",
        "Message": "m",
        "Subject": "s",
        "MessageAttributes.entry.1.Name": "k",
        "MessageAttributes.entry.1.Value.DataType": "String",
        "MessageAttributes.entry.1.Value.StringValue": "v",
    },
    "sns.PublishBatch": {
        "TopicArn": "arn:aws:sns:us-east-1:{account}:t",
        "PublishBatchRequestEntries.member.1.Id": "a",
        "PublishBatchRequestEntries.member.1.Message": "m",
    },
    "sns.SetSubscriptionAttributes": {
        "SubscriptionArn": "arn:aws:sns:us-east-1:{account}:t:0",
        "AttributeName": "RawMessageDelivery",
        "AttributeValue": "true",
    },
    "sns.Subscribe": {
        "TopicArn": "arn:aws:sns:us-east-1:{account}:t",
        "Protocol": "https",
        "Endpoint": "https://hook.test/",
        "Attributes.entry.1.key": "RawMessageDelivery",
        "Attributes.entry.1.value": "true",
    },
    "sns.Unsubscribe": {"SubscriptionArn": "arn:aws:sns:us-east-1:{account}:t:0"},
    "sns.AddPermission": {
        "TopicArn": "arn:aws:sns:us-east-1:{account}:gone",
        "Label": "l",
        "AWSAccountId.member.1": "999999999999",
        "ActionName.member.1": "Publish",
    },
    "sns.RemovePermission": {"TopicArn": "arn:aws:sns:us-east-1:{account}:gone", "Label": "l"},
    "sns.DeleteTopic": {"TopicArn": "arn:aws:sns:us-east-1:{account}:gone"},
    "sns.GetTopicAttributes": {"TopicArn": "arn:aws:sns:us-east-1:{account}:t"},
    "sns.ListTagsForResource": {"ResourceArn": "arn:aws:sns:us-east-1:{account}:t"},
    "sns.ListTopics": {"NextToken": "YQ=="},
    "sns.SetTopicAttributes": {
        "TopicArn": "arn:aws:sns:us-east-1:{account}:t",
        "AttributeName": "Policy",
        "AttributeValue": POLICY,
    },
    "sns.TagResource": {
        "ResourceArn": "arn:aws:sns:us-east-1:{account}:t",
        "Tags.member.1.Key": "k",
        "Tags.member.1.Value": "v",
    },
    "sns.UntagResource": {"ResourceArn": "arn:aws:sns:us-east-1:{account}:t", "TagKeys.member.1": "k"},
    "ses.SetIdentityNotificationTopic": {
        "Identity": "example.com",
        "NotificationType": "Bounce",
        "SnsTopic": "arn:aws:sns:us-east-1:{account}:t",
    },
    "ses.SetIdentityFeedbackForwardingEnabled": {"Identity": "example.com", "ForwardingEnabled": "true"},
    "ses.SetIdentityHeadersInNotificationsEnabled": {
        "Identity": "example.com",
        "NotificationType": "Bounce",
        "Enabled": "true",
    },
    "ses.GetIdentityNotificationAttributes": {"Identities.member.1": "example.com"},
    "ses.VerifyEmailAddress": {"EmailAddress": "a@people.test"},
    "ses.DeleteVerifiedEmailAddress": {"EmailAddress": "a@gone.test"},
    "ses.ListVerifiedEmailAddresses": {},
    "ses.GetSendStatistics": {},
    "iam.SimulateCustomPolicy": {
        "PolicyInputList.member.1": POLICY.replace('"Principal": "*", ', "") % "*",
        "ResourcePolicy": POLICY % "*",
        "CallerArn": "arn:aws:iam::123456789012:user/x",
        "ResourceOwner": "123456789012",
        "ActionNames.member.1": "ses:SendEmail",
        "ResourceArns.member.1": "arn:aws:ses:us-east-1:123456789012:identity/example.com",
        "ContextEntries.member.1.ContextKeyName": "ses:FromAddress",
        "ContextEntries.member.1.ContextKeyType": "string",
        "ContextEntries.member.1.ContextKeyValues.member.1": "a@example.com",
        "Marker": "MQ==",
        "MaxItems": "10",
    },
    "iam.GetContextKeysForCustomPolicy": {
        "PolicyInputList.member.1": POLICY.replace('"Principal": "*", ', "") % "*",
    },
    "iam.GetContextKeysForPrincipalPolicy": {
        "PolicySourceArn": "arn:aws:iam::{account}:user/anna",
        "PolicyInputList.member.1": POLICY.replace('"Principal": "*", ', "") % "*",
    },
    "iam.ListAccountAliases": {"Marker": "MQ==", "MaxItems": "10"},
    "iam.SimulatePrincipalPolicy": {
        "PolicySourceArn": "arn:aws:iam::{account}:user/anna",
        "ActionNames.member.1": "ses:SendEmail",
        "PermissionsBoundaryPolicyInputList.member.1": POLICY.replace('"Principal": "*", ', "") % "*",
    },
}
HOSTILE = (
    "",
    " ",
    "\t",
    "\n",
    "\x7f",
    "\x01",
    "\u0085",
    "\u2028",
    "\u202e",
    "\ufeff",
    "\ufffe",
    "\U0010ffff",
    "ß",
    "İ",
    "ａ＠ｂ．ｃ",
    "\u0301",
    "xn--",
    "xn--a",
    "xn--zzzzzz.test",
    "a@xn--zzzzzz.test",
    "a@",
    "@",
    "@b.test",
    "a@b@c.test",
    "a@.test",
    "a@b..test",
    "a@-b.test",
    "a@b.test.",
    '"a b"@c.test',
    '""@c.test',
    '"\\"@c.test',
    "a@[127.0.0.1]",
    "a@1.2.3.4",
    "<",
    "<>",
    "<a@b.test>",
    "x <a@b.test",
    '"x <a@b.test>',
    "x: a@b.test;",
    "(c)a@b.test",
    "=?utf-8?b?@?=",
    "=?utf-8?q?=00?= <a@example.com>",
    "=?x-none?q?a?= <a@example.com>",
    "a" * 65 + "@b.test",
    "a@" + "b" * 64 + ".test",
    "a@" + "b." * 130 + "test",
    "n" * 400 + " <a@example.com>",
    "arn:",
    "arn:aws:ses:us-east-1:{account}:identity/",
    "arn:aws:ses:us-east-1:{account}:identity/EXAMPLE.com",
    "arn:aws:ses:us-east-1:{account}:identity/xn--zzzzzz.test",
    "arn:aws:ses:us-east-1:{account}:identity/a@ß.test",
    "arn:aws:ses:us-east-1:{account}:identity/..",
    "arn:aws:ses:us-east-1::identity/example.com",
    "arn:aws:ses:*:{account}:identity/example.com",
    "arn:aws:iam::{account}:root",
    "arn:aws:iam::{account}:user/anna",
    "arn:aws:sts::{account}:assumed-role/a",
    "arn::::::::::",
    "0",
    "-1",
    "1e9",
    "NaN",
    "9" * 30,
    "true",
    "null",
    "[]",
    "{}",
    '{"Version": "2012-10-17", "Statement": []}',
    "[" * 2000,
    '{"a":' * 2000,
    "\\ud800",
    "%",
    "%00",
    "%ff",
    "${aws:username}",
    "*",
    "?" * 500,
    "'; DROP TABLE account; --",
    "../../etc/passwd",
    "AAAA",
    "AA==",
    "/w==",
    "gICAgA==",
    "a\tb",
    "utf-7",
    "utf-16",
    "idna",
    "rot13",
    "unicode_escape",
    "zlib",
    "punycode",
    "\\",
    ";",
    ",",
    ",,,,",
)


def healthy(reply: Reply, about: object) -> str:
    """The answer's code; fails when it is our fault."""
    assert reply.status < 500 or "The parameter " in reply.message, (about, reply)
    return reply.code or "ok"


def quiet(sesame: SesameProcess) -> bool:
    return "internal_failure" not in sesame.log_path.read_text()


@pytest.fixture
def world(tenant: Tenant) -> Tenant:
    """With a user and a role, so that their operations find one."""
    tenant.iam.create_user(UserName="anna")
    trust = TRUST.replace("{account}", tenant.account.account_id)
    tenant.iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust)
    tenant.ses.create_template(Template={"TemplateName": "t", "SubjectPart": "s", "TextPart": "x"})
    tenant.ses.create_custom_verification_email_template(**CUSTOM)
    return tenant


def test_the_usual_values_are_those_of_every_served_operation() -> None:
    served = {
        f"{name}.{op}" for name in ("ses", "sts", "iam", "sns") for op in ServiceModel.load(name).operations
    }
    assert served == USUAL.keys()


@pytest.mark.parametrize("service", ["ses", "iam", "sns"])
def test_every_field_of_every_served_operation_takes_hostile_values(world: Tenant, service: str) -> None:
    codes = answers_to_hostile_values(world, world.account, service)
    refused = codes["ValidationError"] + codes["InvalidParameterValue"] + codes["InvalidParameter"]
    assert codes["ok"] > 40 and refused > 80, codes
    assert quiet(world.sesame)


def test_every_field_of_opening_a_session_takes_hostile_values(world: Tenant) -> None:
    world.iam.put_user_policy(UserName="anna", PolicyName="p", PolicyDocument=IAM_POLICY)
    key = world.iam.create_access_key(UserName="anna")["AccessKey"]
    anna = Account(world.account.account_id, key["AccessKeyId"], key["SecretAccessKey"])
    codes = answers_to_hostile_values(world, anna, "sts")
    assert codes["ok"] > 20 and codes["ValidationError"] > 80 and codes["MalformedPolicyDocument"] > 20, codes
    assert quiet(world.sesame)


def answers_to_hostile_values(world: Tenant, caller: Account, service: str) -> Counter[str]:
    """The codes of all answers when each field of each operation has each of the values in turn."""
    account_id = world.account.account_id
    codes: Counter[str] = Counter()
    with SignedClient(world.sesame.api, caller, service) as client:
        for operation, usual in USUAL.items():
            if operation.partition(".")[0] != service:
                continue
            usual = {name: value.replace("{account}", account_id) for name, value in usual.items()}
            for field in usual:
                for value in HOSTILE:
                    parameters = {**usual, field: value.replace("{account}", account_id)}
                    reply = client.call(operation.partition(".")[2], parameters)
                    codes[healthy(reply, (operation, field, value))] += 1
    return codes


# --- policies ------------------------------------------------------------------------------------

KEYS = (
    "ses:FromAddress",
    "ses:Recipients",
    "aws:SourceIp",
    "aws:CurrentTime",
    "aws:username",
    "aws:SecureTransport",
)
OPERATORS = (
    "StringEquals", "StringNotLike", "StringLikeIfExists", "ForAllValues:StringLike", "ForAnyValue:StringEquals",
    "ForAllValues:StringNotEqualsIfExists", "NumericLessThan", "DateGreaterThan", "Bool", "BinaryEquals",
    "IpAddress", "NotIpAddress", "ArnLike", "ArnNotEqualsIfExists", "Null",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    "*", "*@example.com", "${aws:username}", "${ses:FromAddress}", "${x, 'y'}", "${", "${*}", "2026-01-01T00:00:00Z",
    "1", 1, 1.5, True, None, [], ["a", "b*"], "127.0.0.1/8", "::/0", "127.0.0.1/99", "AA==", "\ud7ff", "a" * 300,
    {"a": "b"}, "*" * 60, "?*" * 50, "arn:aws:ses:*:*:identity/*", "true", "-0", "1e400", "9" * 40,
)  # fmt: skip


def random_policy(draw: random.Random, arn: str, *, principal: bool) -> str:
    """A policy that is mostly sound, so that many are stored."""
    statements = []
    for _ in range(draw.randrange(1, 4)):
        statement: dict[str, Any] = {
            "Effect": draw.choice(["Allow", "Allow", "Deny"]),
            "Action": draw.choice(
                ["ses:SendEmail", "ses:*", ["ses:SendRawEmail", "ses:SendEmail"], "ses:send*", "*"]
            ),
            "Resource": arn
            if principal
            else draw.choice(["*", arn, "arn:aws:ses:*:*:identity/${aws:username}*"]),
        }
        if principal:
            statement["Principal"] = draw.choice(
                [
                    "*",
                    {"AWS": "*"},
                    {"AWS": ["123456789012", arn.split(":")[4]]},
                    {"Service": "ses.amazonaws.com"},
                ]
            )
        if draw.random() < 0.8:
            statement["Condition"] = {
                operator: {key: draw.choice(VALUES) for key in draw.sample(KEYS, draw.randrange(1, 3))}
                for operator in draw.sample(OPERATORS, draw.randrange(1, 3))
            }
        if draw.random() < 0.1:
            statement[draw.choice(["Sid", "Effect", "NotAction", "Extra", "Principal"])] = draw.choice(VALUES)
        statements.append(statement)
    return json.dumps(
        {"Version": draw.choice(["2012-10-17", "2008-10-17", "2012-10-17", "2"]), "Statement": statements}
    )


def test_every_policy_that_is_stored_can_be_decided_on(world: Tenant) -> None:
    draw = random.Random(11)
    key = world.iam.create_access_key(UserName="anna")["AccessKey"]
    keys = Account(world.account.account_id, key["AccessKeyId"], key["SecretAccessKey"])
    stored: Counter[str] = Counter()
    decided: Counter[str] = Counter()
    api = world.sesame.api
    with (
        SignedClient(api, world.account) as owner,
        SignedClient(api, world.account, "iam") as iam,
        SignedClient(api, keys) as user,
    ):
        for number in range(TRIES * 2 // 5):
            if number % 2:
                document = random_policy(draw, world.arn, principal=True)
                parameters = {"Identity": "example.com", "PolicyName": "p", "Policy": document}
                reply = owner.call("PutIdentityPolicy", parameters)
            else:
                document = random_policy(draw, world.arn, principal=False)
                parameters = {"UserName": "anna", "PolicyName": "p", "PolicyDocument": document}
                reply = iam.call("PutUserPolicy", parameters)
            stored[healthy(reply, document)] += 1
            if reply.status == 200:
                sent = user.call("SendEmail", simple_email(source="Anna <anna@example.com>"))
                decided[healthy(sent, document)] += 1
    assert stored["ok"] > 50 and stored["InvalidPolicy"] > 20 and stored["MalformedPolicyDocument"] > 20, (
        stored
    )
    assert decided["ok"] > 10 and decided["AccessDenied"] > 10, decided
    assert quiet(world.sesame)


# --- messages and forms --------------------------------------------------------------------------


def mutated(draw: random.Random, data: bytes) -> bytes:
    """A message cut, glued, doubled or with octets changed."""
    for _ in range(draw.randrange(1, 4)):
        at, to = sorted((draw.randrange(len(data) + 1), draw.randrange(len(data) + 1)))
        kind = draw.randrange(5)
        if kind == 0:
            data = data[:at] + data[to:]
        elif kind == 1:
            data = data[:to] + data[at:]
        elif kind == 2:
            data = data[:at] + draw.choice(SPLICES) + data[at:]
        elif kind == 3:
            data = data[:at] + draw.randbytes(draw.randrange(1, 8)) + data[at:]
        else:
            data = data.replace(
                draw.choice([b"\r\n", b":", b";", b'"', b"--"]), draw.choice(SPLICES), draw.randrange(1, 4)
            )
    return data[:200_000]


SPLICES = (
    b"", b"\n", b"\r", b"\r\n", b"\r\n ", b"\r\n\r\n", b"\0", b"\x1b$B", b"\xff\xfe", b"(" * 500, b"<" * 99,
    b"=?utf-8?q?=", b"=?utf-8?b?////?=", b"From: a@example.com\r\n", b"\r\nFrom : b@c.test\r\n", b"a" * 1200,
    b"\r\nBcc: x@y.test\r\n", b"\r\nX-SES-SOURCE-ARN: arn\r\n", b"\r\nX-SES-MESSAGE-TAGS: a=b, =, c\r\n",
    b'\r\nContent-Type: multipart/mixed; boundary=""\r\n', b"Content-Type: message/rfc822\r\n", b"\r\n.\r\n",
    b"; filename*0*=x''%ff; filename*1=\"",
)  # fmt: skip


def raw_messages(draw: random.Random, count: int) -> Iterator[bytes]:
    seeds = [path.read_bytes()[:20_000] for path in MESSAGES]
    own = b"From: News <news@example.com>\r\nTo: r@outside.test\r\nSubject: s\r\n"
    for _ in range(count):
        seed = draw.choice(seeds)
        yield mutated(draw, own + (seed if draw.random() < 0.5 else b"\r\n" + seed))


def test_messages_in_pieces_are_refused_or_delivered_with_a_signature_that_holds(tenant: Tenant) -> None:
    assert MESSAGES
    tenant.ses.verify_domain_dkim(Domain="example.com")
    to = f"{tenant.account.account_id}@outside.test"
    codes: Counter[str] = Counter()
    with SignedClient(tenant.sesame.api, tenant.account) as client:
        for data in raw_messages(random.Random(13), TRIES // 3):
            parameters = {"RawMessage.Data": base64.b64encode(data).decode(), "Destinations.member.1": to}
            codes[healthy(client.call("SendRawEmail", parameters), data)] += 1
    assert codes["ok"] > 20 and codes["InvalidParameterValue"] > 100, codes
    found = wait_until(
        lambda: len(mine := [m for m in tenant.sesame.mail() if to in m.rcpt_to]) >= codes["ok"] and mine
    )
    assert len(found) == codes["ok"]
    for mail in found:
        assert dkim.verify(mail.data, dnsfunc=tenant.sesame.txt), mail.data
    assert quiet(tenant.sesame)


def test_forms_with_made_up_names_are_answered(tenant: Tenant) -> None:
    """Signed, so that the form is read: names cut, doubled, nested and renumbered, values of any bytes."""
    draw = random.Random(17)
    names = [
        *SEND,
        *USUAL["ses.SendRawEmail"],
        "Action",
        "Version",
        "Tags.member.01.Name",
        "Tags.member.-1",
        "Tags",
    ]
    joints = (
        ".",
        ".member.",
        ".entry.1.key",
        "..",
        ".member.999999999.",
        ".member.99999999999999999999.",
        "%",
        "+",
    )
    values = (b"x", b"", b"%41", b"%C3%A4", b"a@example.com", b"x", b"y", b"%zz", b"%00", b"\xff", b"a=b")
    codes: Counter[str] = Counter()
    with SignedClient(tenant.sesame.api, tenant.account) as client:
        for _ in range(TRIES):
            form = [b"Action=" + draw.choice([b"SendEmail", b"SendRawEmail", b"PutIdentityPolicy"])]
            for name in draw.sample(names, draw.randrange(6)):
                if draw.random() < 0.5:
                    name = f"{name}{draw.choice(joints)}{draw.choice(names)}"[draw.choice((0, 0, 1)) :]
                form.append(name.encode() + draw.choice([b"=", b"=", b"=", b""]) + draw.choice(values))
            body = b"&".join(form)
            codes[healthy(client.post(body), body)] += 1
    assert min(codes[code] for code in ("MalformedQueryString", "MalformedInput", "ValidationError")) > 50, (
        codes
    )
    assert quiet(tenant.sesame)
