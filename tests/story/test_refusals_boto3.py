"""How operations refuse unmodified boto3: code, HTTP status, text.

They are AWS's where AWS's are known (SES and IAM API references, observed answers), else those of
docs/quirks.md. The operations not served are all refused by name.
"""

from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from tests.support.process import SesameProcess
from tests.support.signed_client import VERSIONS, SignedClient, policy
from tests.support.tenant import (
    CUSTOM,
    MESSAGE,
    RAW,
    SERVED,
    SERVICES,
    TO,
    Tenant,
    put_policy,
    refusal,
    statement,
)


def check_length(member: str, limit: int) -> str:
    return (
        f"1 validation error detected: Value at '{member}' failed to satisfy constraint:"
        f" Member must have length less than or equal to {limit}"
    )


SES_REFUSALS: dict[str, tuple[str, dict[str, Any], str, str]] = {
    "domain with @": (
        "verify_domain_identity",
        {"Domain": "a@example.com"},
        "InvalidParameterValue",
        "Domain a@example.com is invalid.",
    ),
    "address without domain": (
        "verify_email_identity",
        {"EmailAddress": "someone"},
        "InvalidParameterValue",
        "Invalid email address<someone>.",
    ),
    "over 100 identities": (
        "get_identity_verification_attributes",
        {"Identities": ["example.com"] * 101},
        "InvalidParameterValue",
        "A call takes at most 100 identities.",
    ),
    "strange identity type": (
        "list_identities",
        {"IdentityType": "Both"},
        "ValidationError",
        "1 validation error detected: Value at 'identityType' failed to satisfy constraint: Member must satisfy"
        " enum value set: [Domain, EmailAddress]",
    ),
    "strange token": (
        "list_identities",
        {"NextToken": "?"},
        "InvalidParameterValue",
        "Invalid NextToken.",
    ),
    "no page": (
        "list_identities",
        {"MaxItems": 0},
        "InvalidParameterValue",
        "MaxItems must be between 1 and 1000.",
    ),
    "policy name with a blank": (
        "put_identity_policy",
        {"Identity": "example.com", "PolicyName": "a b", "Policy": "{}"},
        "InvalidParameterValue",
        "PolicyName is invalid. Policy names must only include alpha-numeric characters, dashes, and"
        " underscores.",
    ),
    "policy name of blanks": (
        "put_identity_policy",
        {"Identity": "example.com", "PolicyName": " ", "Policy": "{}"},
        "InvalidParameterValue",
        "PolicyName is required.",
    ),
    "policy name too long": (
        "put_identity_policy",
        {"Identity": "example.com", "PolicyName": "a" * 65, "Policy": "{}"},
        "ValidationError",
        check_length("policyName", 64),
    ),
    "policy of an identity elsewhere": (
        "list_identity_policies",
        {"Identity": "arn:aws:ses:us-east-1:123456789012:identity/example.com"},
        "InvalidParameterValue",
        "Identity arn:aws:ses:us-east-1:123456789012:identity/example.com is invalid. Must be a verified email"
        " address or domain.",
    ),
    "over 20 policy names": (
        "get_identity_policies",
        {"Identity": "example.com", "PolicyNames": ["p"] * 21},
        "InvalidParameterValue",
        "A call takes at most 20 policy names.",
    ),
    "no recipient": (
        "send_email",
        {"Source": "news@example.com", "Destination": {"ToAddresses": []}, "Message": MESSAGE},
        "InvalidParameterValue",
        "There are no recipients specified.",
    ),
    "unknown configuration set": (
        "send_email",
        {"Source": "news@example.com", "Destination": TO, "Message": MESSAGE, "ConfigurationSetName": "none"},
        "ConfigurationSetDoesNotExist",
        "Configuration set <none> does not exist.",
    ),
    "source without domain": (
        "send_email",
        {"Source": "news", "Destination": TO, "Message": MESSAGE},
        "InvalidParameterValue",
        "Missing final '@domain'",
    ),
    "source not verified": (
        "send_email",
        {"Source": "Ian <ian@other.test>", "Destination": TO, "Message": MESSAGE},
        "MessageRejected",
        "Email address is not verified. The following identities failed the check in region US-EAST-1:"
        " Ian <ian@other.test>",
    ),
    "raw without From": (
        "send_raw_email",
        {"RawMessage": {"Data": b"To: a@b.test\r\n\r\nx"}},
        "InvalidParameterValue",
        "Missing required header 'From'.",
    ),
    "raw with a header twice": (
        "send_raw_email",
        {"RawMessage": {"Data": b"Content-Type: text/plain\r\nContent-Type: text/plain\r\n" + RAW}},
        "InvalidParameterValue",
        "Duplicate header 'Content-Type'.",
    ),
    "raw that names a configuration set": (
        "send_raw_email",
        {"RawMessage": {"Data": b"X-SES-CONFIGURATION-SET: none\r\n" + RAW}},
        "ConfigurationSetDoesNotExist",
        "Configuration set <none> does not exist.",
    ),
    "malformed ARN": (
        "send_raw_email",
        {"RawMessage": {"Data": RAW}, "FromArn": "arn:aws:sns:us-east-1:123456789012:identity/example.com"},
        "InvalidParameterValue",
        "Invalid identity ARN 'arn:aws:sns:us-east-1:123456789012:identity/example.com': expected"
        " arn:aws:ses:region:account:identity/name.",
    ),
}


@pytest.mark.parametrize("name", SES_REFUSALS)
def test_ses_refuses_in_its_own_words(tenant: Tenant, name: str) -> None:
    operation, parameters, code, text = SES_REFUSALS[name]
    assert refusal(getattr(tenant.ses, operation), **parameters) == (code, 400, text)


def test_put_identity_policy_refuses_what_is_no_policy(tenant: Tenant) -> None:
    wrong = {
        "not JSON": "{",
        "other resource": statement(tenant, Resource=f"{tenant.arn}x"),
        "no principal": policy({"Effect": "Allow", "Action": "ses:SendEmail", "Resource": tenant.arn}),
        "other service": statement(tenant, Action="s3:GetObject"),
        "too long": statement(tenant, Sid="a" * 4096),
        "unknown operator": statement(tenant, Condition={"StringIs": {"ses:FromAddress": "a@example.com"}}),
        "key twice": statement(tenant).replace("{", '{"Version": "2012-10-17", ', 1),
    }
    for name, document in wrong.items():
        code, status, text = refusal(put_policy, tenant=tenant, Policy=document)
        assert (code, status, bool(text)) == ("InvalidPolicy", 400, True), name
    condition = {"StringEquals": {"AWS:SourceAccount": "123456789012"}}
    assert refusal(put_policy, tenant=tenant, Policy=statement(tenant, Condition=condition)) == (
        "InvalidPolicy",
        400,
        "Unknown or unapplicable condition field 'AWS:SourceAccount'.",
    )
    user = f"arn:aws:iam::{tenant.account.account_id}:user/nobody"
    code, _, text = refusal(put_policy, tenant=tenant, Policy=statement(tenant, Principal={"AWS": user}))
    assert code == "InvalidPolicy" and "invalid principal" in text
    assert tenant.ses.list_identity_policies(Identity="example.com")["PolicyNames"] == []


def test_put_identity_policy_refuses_the_21st_and_an_identity_that_is_not_there(tenant: Tenant) -> None:
    for number in range(20):
        put_policy(tenant, PolicyName=f"p{number}")
    put_policy(tenant, PolicyName="p7")
    assert refusal(put_policy, tenant=tenant, PolicyName="one-more") == (
        "InvalidParameterValue",
        400,
        "Number of policies for example.com exceeds max allowed number of policies per resource",
    )
    other = statement(tenant, Resource=tenant.arn.replace("example.com", "none.test"))
    assert refusal(put_policy, tenant=tenant, Identity="none.test", Policy=other) == (
        "InvalidParameterValue",
        400,
        "Identity none.test does not exist.",
    )


def test_iam_refuses_with_its_own_codes(tenant: Tenant) -> None:
    iam, anna = tenant.iam, {"UserName": "anna"}
    iam.create_user(**anna)
    assert refusal(iam.create_user, UserName="ANNA")[:2] == ("EntityAlreadyExists", 409)
    assert refusal(iam.get_user, UserName="berta") == (
        "NoSuchEntity",
        404,
        "The user with name berta cannot be found.",
    )
    assert refusal(iam.create_user, UserName="a b")[:2] == ("ValidationError", 400)
    assert refusal(iam.put_user_policy, **anna, PolicyName="p", PolicyDocument="{}")[:2] == (
        "MalformedPolicyDocument",
        400,
    )
    key = iam.create_access_key(**anna)["AccessKey"]["AccessKeyId"]
    iam.create_access_key(**anna)
    assert refusal(iam.create_access_key, **anna) == (
        "LimitExceeded",
        409,
        "Cannot exceed quota for AccessKeysPerUser: 2",
    )
    assert refusal(iam.delete_user, **anna) == (
        "DeleteConflict",
        409,
        "Cannot delete entity, must delete access keys first.",
    )
    unknown = {"AccessKeyId": "AKIAIOSFODNN7EXAMPLE"}
    for call in (iam.delete_access_key, lambda **p: iam.update_access_key(Status="Inactive", **p)):
        assert refusal(call, **anna, **unknown) == (
            "NoSuchEntity",
            404,
            "The Access Key with id AKIAIOSFODNN7EXAMPLE cannot be found.",
        )
    for call in (iam.get_user_policy, iam.delete_user_policy):
        assert refusal(call, **anna, PolicyName="p") == (
            "NoSuchEntity",
            404,
            "The user policy with name p cannot be found.",
        )
    assert refusal(iam.list_users, Marker="?")[:2] == ("ValidationError", 400)
    boundary = "arn:aws:iam::aws:policy/x"
    assert refusal(iam.create_user, UserName="c", PermissionsBoundary=boundary)[0] == "NoSuchEntity"
    root_key = iam.list_access_keys()["AccessKeyMetadata"][0]["AccessKeyId"]
    assert refusal(iam.delete_access_key, **anna, AccessKeyId=root_key)[:2] == ("NoSuchEntity", 404)
    assert iam.delete_access_key(**anna, AccessKeyId=key)


def test_a_user_without_policies_may_do_nothing_but_ask_who_it_is(tenant: Tenant) -> None:
    """Every served operation, refused before it looks at anything (I9)."""
    nobody = tenant.user("nobody")
    nobody.sts.get_caller_identity()
    account_id = tenant.account.account_id
    arn = f"arn:aws:iam::{account_id}:user/nobody"
    raw = {"RawMessage": {"Data": RAW}}
    tenant.ses.create_template(Template={"TemplateName": "t", "SubjectPart": "s", "TextPart": "x"})
    tenant.ses.create_custom_verification_email_template(**CUSTOM)
    templated = {"Source": "news@example.com", "Template": "t"}
    topic = f"arn:aws:sns:us-east-1:{account_id}:t"
    one = "00000000-0000-4000-8000-000000000000"
    managed = f"arn:aws:iam::{account_id}:policy/p"
    in_set: dict[str, Any] = {"ConfigurationSetName": "x"}
    calls: dict[str, dict[str, Any]] = {
        "ses.VerifyDomainIdentity": {"Domain": "x.test"},
        "ses.VerifyDomainDkim": {"Domain": "x.test"},
        "ses.VerifyEmailIdentity": {"EmailAddress": "a@x.test"},
        "ses.GetIdentityVerificationAttributes": {"Identities": ["x.test"]},
        "ses.GetIdentityDkimAttributes": {"Identities": ["x.test"]},
        "ses.ListIdentities": {},
        "ses.DeleteIdentity": {"Identity": "example.com"},
        "ses.PutIdentityPolicy": {"Identity": "example.com", "PolicyName": "p", "Policy": statement(tenant)},
        "ses.GetIdentityPolicies": {"Identity": "example.com", "PolicyNames": ["p"]},
        "ses.ListIdentityPolicies": {"Identity": "example.com"},
        "ses.DeleteIdentityPolicy": {"Identity": "example.com", "PolicyName": "p"},
        "ses.SendEmail": {"Source": "news@example.com", "Destination": TO, "Message": MESSAGE},
        "ses.SendRawEmail": raw,
        "ses.SetIdentityDkimEnabled": {"Identity": "example.com", "DkimEnabled": True},
        "ses.SetIdentityMailFromDomain": {"Identity": "example.com", "MailFromDomain": "m.example.com"},
        "ses.GetIdentityMailFromDomainAttributes": {"Identities": ["example.com"]},
        "ses.CreateConfigurationSet": {"ConfigurationSet": {"Name": "x"}},
        "ses.DescribeConfigurationSet": in_set,
        "ses.ListConfigurationSets": {},
        "ses.DeleteConfigurationSet": in_set,
        "ses.CreateConfigurationSetEventDestination": in_set
        | {"EventDestination": {"Name": "d", "MatchingEventTypes": ["send"]}},
        "ses.UpdateConfigurationSetEventDestination": in_set
        | {"EventDestination": {"Name": "d", "MatchingEventTypes": ["send"]}},
        "ses.DeleteConfigurationSetEventDestination": in_set | {"EventDestinationName": "d"},
        "ses.UpdateConfigurationSetSendingEnabled": in_set | {"Enabled": True},
        "ses.UpdateConfigurationSetReputationMetricsEnabled": in_set | {"Enabled": True},
        "ses.PutConfigurationSetDeliveryOptions": in_set,
        "ses.CreateConfigurationSetTrackingOptions": in_set
        | {"TrackingOptions": {"CustomRedirectDomain": "x.test"}},
        "ses.UpdateConfigurationSetTrackingOptions": in_set
        | {"TrackingOptions": {"CustomRedirectDomain": "x.test"}},
        "ses.DeleteConfigurationSetTrackingOptions": in_set,
        "ses.CreateTemplate": {"Template": {"TemplateName": "t", "SubjectPart": "s"}},
        "ses.GetTemplate": {"TemplateName": "t"},
        "ses.UpdateTemplate": {"Template": {"TemplateName": "t", "SubjectPart": "s"}},
        "ses.DeleteTemplate": {"TemplateName": "t"},
        "ses.ListTemplates": {},
        "ses.TestRenderTemplate": {"TemplateName": "t", "TemplateData": "{}"},
        "ses.SendTemplatedEmail": templated | {"TemplateData": "{}", "Destination": TO},
        "ses.SendBulkTemplatedEmail": templated
        | {"DefaultTemplateData": "{}", "Destinations": [{"Destination": TO}]},
        "ses.CreateCustomVerificationEmailTemplate": CUSTOM,
        "ses.GetCustomVerificationEmailTemplate": {"TemplateName": "c"},
        "ses.UpdateCustomVerificationEmailTemplate": {"TemplateName": "c"},
        "ses.DeleteCustomVerificationEmailTemplate": {"TemplateName": "c"},
        "ses.ListCustomVerificationEmailTemplates": {},
        "ses.SendCustomVerificationEmail": {"TemplateName": "c", "EmailAddress": "new@people.test"},
        "ses.GetSendQuota": {},
        "ses.GetAccountSendingEnabled": {},
        "ses.UpdateAccountSendingEnabled": {"Enabled": False},
        "iam.CreateUser": {"UserName": "x"},
        "iam.GetUser": {"UserName": "nobody"},
        "iam.ListUsers": {},
        "iam.DeleteUser": {"UserName": "nobody"},
        "iam.CreateAccessKey": {},
        "iam.ListAccessKeys": {"UserName": "nobody"},
        "iam.GetAccessKeyLastUsed": {"AccessKeyId": tenant.account.access_key_id},
        "iam.UpdateAccessKey": {"AccessKeyId": tenant.account.access_key_id, "Status": "Inactive"},
        "iam.DeleteAccessKey": {"AccessKeyId": tenant.account.access_key_id},
        "iam.PutUserPolicy": {"UserName": "nobody", "PolicyName": "p", "PolicyDocument": statement(tenant)},
        "iam.GetUserPolicy": {"UserName": "nobody", "PolicyName": "p"},
        "iam.ListUserPolicies": {"UserName": "nobody"},
        "iam.DeleteUserPolicy": {"UserName": "nobody", "PolicyName": "p"},
        "iam.AddUserToGroup": {"GroupName": "g", "UserName": "nobody"},
        "iam.CreateGroup": {"GroupName": "g"},
        "iam.DeleteGroup": {"GroupName": "g"},
        "iam.DeleteGroupPolicy": {"GroupName": "g", "PolicyName": "p"},
        "iam.GetGroup": {"GroupName": "g"},
        "iam.GetGroupPolicy": {"GroupName": "g", "PolicyName": "p"},
        "iam.ListGroupPolicies": {"GroupName": "g"},
        "iam.ListGroups": {},
        "iam.ListGroupsForUser": {"UserName": "nobody"},
        "iam.ListUserTags": {"UserName": "nobody"},
        "iam.PutGroupPolicy": {"GroupName": "g", "PolicyName": "p", "PolicyDocument": statement(tenant)},
        "iam.RemoveUserFromGroup": {"GroupName": "g", "UserName": "nobody"},
        "iam.TagUser": {"UserName": "nobody", "Tags": [{"Key": "k", "Value": "v"}]},
        "iam.UntagUser": {"UserName": "nobody", "TagKeys": ["k"]},
        "iam.CreatePolicy": {"PolicyName": "p", "PolicyDocument": statement(tenant)},
        "iam.GetPolicy": {"PolicyArn": managed},
        "iam.ListPolicies": {},
        "iam.DeletePolicy": {"PolicyArn": managed},
        "iam.CreatePolicyVersion": {"PolicyArn": managed, "PolicyDocument": statement(tenant)},
        "iam.GetPolicyVersion": {"PolicyArn": managed, "VersionId": "v1"},
        "iam.ListPolicyVersions": {"PolicyArn": managed},
        "iam.SetDefaultPolicyVersion": {"PolicyArn": managed, "VersionId": "v1"},
        "iam.DeletePolicyVersion": {"PolicyArn": managed, "VersionId": "v1"},
        "iam.AttachUserPolicy": {"UserName": "nobody", "PolicyArn": managed},
        "iam.DetachUserPolicy": {"UserName": "nobody", "PolicyArn": managed},
        "iam.ListAttachedUserPolicies": {"UserName": "nobody"},
        "iam.AttachGroupPolicy": {"GroupName": "g", "PolicyArn": managed},
        "iam.DetachGroupPolicy": {"GroupName": "g", "PolicyArn": managed},
        "iam.ListAttachedGroupPolicies": {"GroupName": "g"},
        "iam.ListEntitiesForPolicy": {"PolicyArn": managed},
        "iam.ListMFADevices": {},
        "iam.GetMFADevice": {"UserName": "nobody", "SerialNumber": "arn:aws:iam::111111111111:mfa/phone"},
        "iam.ResyncMFADevice": {
            "UserName": "nobody",
            "SerialNumber": "arn:aws:iam::111111111111:mfa/phone",
            "AuthenticationCode1": "123456",
            "AuthenticationCode2": "654321",
        },
        "iam.ListSSHPublicKeys": {},
        "iam.ListServiceSpecificCredentials": {},
        "iam.ListSigningCertificates": {},
        "iam.ListVirtualMFADevices": {},
        "iam.GetLoginProfile": {"UserName": "nobody"},
        "iam.DeleteLoginProfile": {"UserName": "nobody"},
        "iam.CreateLoginProfile": {"UserName": "nobody", "Password": "Correct-1"},
        "iam.UpdateLoginProfile": {"UserName": "nobody", "PasswordResetRequired": True},
        "iam.ChangePassword": {"OldPassword": "Correct-1", "NewPassword": "Correct-2"},
        "iam.CreateVirtualMFADevice": {"VirtualMFADeviceName": "phone"},
        "iam.DeleteVirtualMFADevice": {"SerialNumber": "arn:aws:iam::111111111111:mfa/phone"},
        "iam.EnableMFADevice": {
            "UserName": "nobody",
            "SerialNumber": "arn:aws:iam::111111111111:mfa/phone",
            "AuthenticationCode1": "123456",
            "AuthenticationCode2": "123456",
        },
        "iam.DeactivateMFADevice": {"SerialNumber": "arn:aws:iam::111111111111:mfa/phone"},
        "iam.CreateRole": {"RoleName": "r", "AssumeRolePolicyDocument": "{}"},
        "iam.GetAccountAuthorizationDetails": {},
        "iam.GetAccountPasswordPolicy": {},
        "iam.DeleteAccountPasswordPolicy": {},
        "iam.UpdateAccountPasswordPolicy": {},
        "iam.CreateAccountAlias": {"AccountAlias": "example"},
        "iam.DeleteAccountAlias": {"AccountAlias": "example"},
        "iam.GetAccountSummary": {},
        "iam.UpdateGroup": {"GroupName": "g", "NewGroupName": "h"},
        "iam.GetRole": {"RoleName": "r"},
        "iam.ListRoles": {},
        "iam.UpdateRole": {"RoleName": "r"},
        "iam.UpdateRoleDescription": {"RoleName": "r", "Description": "d"},
        "iam.UpdateAssumeRolePolicy": {"RoleName": "r", "PolicyDocument": "{}"},
        "iam.DeleteRole": {"RoleName": "r"},
        "iam.ListInstanceProfilesForRole": {"RoleName": "r"},
        "iam.PutRolePolicy": {"RoleName": "r", "PolicyName": "p", "PolicyDocument": "{}"},
        "iam.GetRolePolicy": {"RoleName": "r", "PolicyName": "p"},
        "iam.ListRolePolicies": {"RoleName": "r"},
        "iam.DeleteRolePolicy": {"RoleName": "r", "PolicyName": "p"},
        "iam.TagRole": {"RoleName": "r", "Tags": [{"Key": "k", "Value": "v"}]},
        "iam.UntagRole": {"RoleName": "r", "TagKeys": ["k"]},
        "iam.ListRoleTags": {"RoleName": "r"},
        "iam.TagPolicy": {"PolicyArn": managed, "Tags": [{"Key": "k", "Value": "v"}]},
        "iam.UntagPolicy": {"PolicyArn": managed, "TagKeys": ["k"]},
        "iam.ListPolicyTags": {"PolicyArn": managed},
        "iam.AttachRolePolicy": {"RoleName": "r", "PolicyArn": managed},
        "iam.DetachRolePolicy": {"RoleName": "r", "PolicyArn": managed},
        "iam.ListAttachedRolePolicies": {"RoleName": "r"},
        "iam.TagMFADevice": {
            "SerialNumber": f"arn:aws:iam::{account_id}:mfa/d",
            "Tags": [{"Key": "k", "Value": "v"}],
        },
        "iam.UntagMFADevice": {"SerialNumber": f"arn:aws:iam::{account_id}:mfa/d", "TagKeys": ["k"]},
        "iam.ListMFADeviceTags": {"SerialNumber": f"arn:aws:iam::{account_id}:mfa/d"},
        "iam.UpdateUser": {"UserName": "nobody", "NewPath": "/p/"},
        "iam.PutUserPermissionsBoundary": {"UserName": "nobody", "PermissionsBoundary": managed},
        "iam.DeleteUserPermissionsBoundary": {"UserName": "nobody"},
        "iam.PutRolePermissionsBoundary": {"RoleName": "r", "PermissionsBoundary": managed},
        "iam.DeleteRolePermissionsBoundary": {"RoleName": "r"},
        "sts.AssumeRole": {"RoleArn": f"arn:aws:iam::{account_id}:role/r", "RoleSessionName": "job"},
        "sns.CreateTopic": {"Name": "t"},
        "sns.AddPermission": {
            "TopicArn": topic,
            "Label": "l",
            "AWSAccountId": ["999999999999"],
            "ActionName": ["Publish"],
        },
        "sns.RemovePermission": {"TopicArn": topic, "Label": "l"},
        "sns.DeleteTopic": {"TopicArn": topic},
        "sns.ConfirmSubscription": {"TopicArn": topic, "Token": "t"},
        "sns.GetSubscriptionAttributes": {"SubscriptionArn": f"{topic}:{one}"},
        "sns.ListSubscriptions": {},
        "sns.ListSubscriptionsByTopic": {"TopicArn": topic},
        "sns.Publish": {"TopicArn": topic, "Message": "m"},
        "sns.PublishBatch": {
            "TopicArn": topic,
            "PublishBatchRequestEntries": [{"Id": "a", "Message": "m"}],
        },
        "sns.SetSubscriptionAttributes": {
            "SubscriptionArn": f"{topic}:{one}",
            "AttributeName": "FilterPolicy",
        },
        "sns.Subscribe": {"TopicArn": topic, "Protocol": "https", "Endpoint": "https://hook.test/"},
        "sns.Unsubscribe": {"SubscriptionArn": f"{topic}:{one}"},
        "sns.GetTopicAttributes": {"TopicArn": topic},
        "sns.ListTagsForResource": {"ResourceArn": topic},
        "sns.ListTopics": {},
        "sns.SetTopicAttributes": {"TopicArn": topic, "AttributeName": "DisplayName"},
        "sns.TagResource": {"ResourceArn": topic, "Tags": [{"Key": "k", "Value": "v"}]},
        "sns.UntagResource": {"ResourceArn": topic, "TagKeys": ["k"]},
        "ses.SetIdentityNotificationTopic": {"Identity": "example.com", "NotificationType": "Bounce"},
        "ses.SetIdentityFeedbackForwardingEnabled": {"Identity": "example.com", "ForwardingEnabled": True},
        "ses.SetIdentityHeadersInNotificationsEnabled": {
            "Identity": "example.com",
            "NotificationType": "Bounce",
            "Enabled": True,
        },
        "ses.GetIdentityNotificationAttributes": {"Identities": ["example.com"]},
        "ses.VerifyEmailAddress": {"EmailAddress": "a@x.test"},
        "ses.ListVerifiedEmailAddresses": {},
        "ses.DeleteVerifiedEmailAddress": {"EmailAddress": "a@x.test"},
        "ses.GetSendStatistics": {},
        "sts.GetFederationToken": {"Name": "guest"},
        "iam.GetContextKeysForCustomPolicy": {"PolicyInputList": ["{}"]},
        "iam.GetContextKeysForPrincipalPolicy": {"PolicySourceArn": arn},
        "iam.ListAccountAliases": {},
        "iam.SimulateCustomPolicy": {"PolicyInputList": ["{}"], "ActionNames": ["ses:SendEmail"]},
        "iam.SimulatePrincipalPolicy": {"PolicySourceArn": arn, "ActionNames": ["ses:SendEmail"]},
    }
    assert {*calls, "sts.GetCallerIdentity", "sts.GetSessionToken"} == SERVED
    for operation, parameters in calls.items():
        service, _, name = operation.partition(".")
        method = xform_name(name)
        code, status, text = refusal(getattr(getattr(nobody, service), method), **parameters)
        denied = "AuthorizationError" if service == "sns" else "AccessDenied"
        assert (code, status) == (denied, 403), (operation, text)
        action = f"{service}:{name}".replace("PublishBatch", "Publish")  # which is not an action of its own
        assert arn in text and action.lower() in text.lower()
    # An absent user is refused in the same words as one that exists.
    told = [refusal(nobody.iam.get_user, UserName=name)[2] for name in ("nobody", "absent")]
    assert told[0].replace("user/nobody because", "*") == told[1].replace("user/absent because", "*"), told
    assert tenant.ses.get_account_sending_enabled()["Enabled"] is True


SIGNATURE = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret"
)


def test_who_cannot_be_authenticated_is_told_as_aws_tells_it(tenant: Tenant) -> None:
    known = tenant.account
    wrong = replace(known, secret_access_key="x" * 40)
    code, status, text = refusal(tenant.sesame.client("ses", wrong).get_send_quota)
    assert (code, status, text.startswith(SIGNATURE)) == ("SignatureDoesNotMatch", 403, True)
    nobody = replace(known, access_key_id="AKIAIOSFODNN7EXAMPLE")
    invalid = ("InvalidClientTokenId", 403, "The security token included in the request is invalid.")
    assert refusal(tenant.sesame.client("ses", nobody).get_send_quota) == invalid
    with_token = boto3.client(
        "ses",
        endpoint_url=tenant.sesame.api,
        region_name="us-east-1",
        aws_access_key_id=known.access_key_id,
        aws_secret_access_key=known.secret_access_key,
        aws_session_token="not-ours",
    )
    assert refusal(with_token.get_send_quota) == invalid
    code, status, text = refusal(tenant.sesame.client("ses", known, region="nowhere").get_send_quota)
    assert (code, status) == ("SignatureDoesNotMatch", 403)
    assert text.startswith("Credential should be scoped to a valid region")


@pytest.mark.parametrize("service", SERVICES)
def test_operations_not_served_say_so_by_name(sesame: SesameProcess, service: str) -> None:
    """Every other operation of botocore's model."""
    account = sesame.create_account()
    names = (
        boto3.session.Session().client(service, region_name="us-east-1").meta.service_model.operation_names
    )
    others = [name for name in names if f"{service}.{name}" not in SERVED]
    assert others
    with SignedClient(sesame.api, account, service) as client:
        for name in others:
            reply = client.call(name)
            assert (reply.status, reply.code) == (501, "NotImplemented"), name
            assert name in reply.message
        unknown = client.call("SendSmoke")
    assert (unknown.status, unknown.code) == (400, "InvalidAction")
    assert unknown.message == f"Could not find operation SendSmoke for version {VERSIONS[service]}"


def test_boto3_tells_an_operation_that_is_not_served(tenant: Tenant) -> None:
    code, status, text = refusal(tenant.ses.create_receipt_rule_set, RuleSetName="r")
    assert (code, status) == ("NotImplemented", 501) and "CreateReceiptRuleSet" in text
    sesv2 = tenant.sesame.client("sesv2", tenant.account)
    with pytest.raises(ClientError) as caught:
        sesv2.list_tenants()
    assert caught.value.response["Error"]["Code"] == "NotImplemented"
    assert "ListTenants" in caught.value.response["Error"]["Message"]
