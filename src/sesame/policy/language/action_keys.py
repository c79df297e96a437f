"""Which condition keys AWS documents for each action that is served, and what becomes of each here.

The one source of it: requests are given their keys by this table, docs/reference/condition-keys.md is
written from it, and tests hold requests to it. Global keys, which come with every request, are in
`vocabulary`. Source: AWS Service Authorization Reference of IAM, SES, SNS and STS.

INVARIANT: a key that is documented for an action is sent there, or is about something that no request
can carry here (`ABSENT`); a key of these services that stands nowhere is not understood: an Allow that
rests on it does not match, a Deny does.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sesame.policy.language.vocabulary import KEYS_OF_SECURITY_KEYS

TAGGED = {
    "user": ("aws:ResourceTag/*", "iam:ResourceTag/*"),
    "role": ("aws:ResourceTag/*", "iam:ResourceTag/*"),
    "policy": ("aws:ResourceTag/*",),
    "mfa": ("aws:ResourceTag/*",),
    "group": (),
    "identity": ("aws:ResourceTag/*",),
    "configuration-set": ("aws:ResourceTag/*",),
    "template": ("aws:ResourceTag/*",),
    "contact-list": ("aws:ResourceTag/*",),
    "custom-verification-email-template": ("aws:ResourceTag/*",),
    "dedicated-ip-pool": ("aws:ResourceTag/*",),
    "topic": ("aws:ResourceTag/*",),
    "federated-user": (),
}
"""Kinds of resources, and the keys that carry their tags."""

ABSENT = {
    "iam:RoleTemplateARN": "no role is made from a template; a request that names one is refused",
    **dict.fromkeys(KEYS_OF_SECURITY_KEYS, "only virtual devices are enrolled, no security keys"),
    "ses:MultiRegionEndpointId": "there are no multi-Region endpoints; a request that names one is refused",
    "ses:TenantName": "there are no tenants; a request that names one is refused",
}
"""Documented keys that no request can carry, and why: absent is then the truth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One action and the keys it has beside the global ones.

    `keys` holds those of its resources' tags too; one that ends in `/*` stands for a key for each tag.
    """

    name: str
    keys: tuple[str, ...]

    @property
    def sent(self) -> tuple[str, ...]:
        """The keys that a request carries whenever there is a value."""
        return tuple(key for key in self.keys if key not in ABSENT)


_BOUNDARY = "iam:PermissionsBoundary"
_GIVEN_TAGS = "aws:RequestTag/* aws:TagKeys"
_SET = "configuration-set"
_CUSTOM = "custom-verification-email-template"
_POOL = "dedicated-ip-pool"
_LIST = "contact-list"
_SEND = "ses:ApiVersion ses:FeedbackAddress ses:FromAddress ses:FromDisplayName ses:Recipients"
_ELSEWHERE = "ses:MultiRegionEndpointId ses:TenantName"
_ROWS = (
    (
        "iam",
        "AddUserToGroup CreateGroup DeleteGroup DeleteGroupPolicy GetGroup GetGroupPolicy ListAttachedGroupPolicies"
        " ListGroupPolicies PutGroupPolicy RemoveUserFromGroup UpdateGroup",
        "group",
        "",
    ),
    ("iam", "AttachGroupPolicy DetachGroupPolicy", "group", "iam:PolicyARN"),
    (
        "iam",
        "ChangePassword CreateAccessKey CreateLoginProfile DeactivateMFADevice DeleteAccessKey DeleteLoginProfile"
        " DeleteUser GetAccessKeyLastUsed GetLoginProfile GetMFADevice GetUser GetUserPolicy"
        " ListAccessKeys ListAttachedUserPolicies ListGroupsForUser ListMFADevices"
        " ListSSHPublicKeys ListServiceSpecificCredentials ListSigningCertificates ListUserPolicies"
        " ListUserTags ResyncMFADevice UpdateAccessKey UpdateLoginProfile UpdateUser",
        "user",
        "",
    ),
    ("iam", "EnableMFADevice", "user", " ".join(KEYS_OF_SECURITY_KEYS)),
    ("iam", "CreateVirtualMFADevice TagMFADevice", "mfa", _GIVEN_TAGS),
    ("iam", "DeleteVirtualMFADevice ListMFADeviceTags", "mfa", ""),
    ("iam", "UntagMFADevice", "mfa", "aws:TagKeys"),
    ("iam", "AttachUserPolicy DetachUserPolicy", "user", f"{_BOUNDARY} iam:PolicyARN"),
    ("iam", "CreateUser", "user", f"{_GIVEN_TAGS} {_BOUNDARY}"),
    (
        "iam",
        "DeleteUserPermissionsBoundary DeleteUserPolicy PutUserPermissionsBoundary PutUserPolicy",
        "user",
        _BOUNDARY,
    ),
    ("iam", "TagUser", "user", _GIVEN_TAGS),
    ("iam", "UntagUser", "user", "aws:TagKeys"),
    (
        "iam",
        "GetRolePolicy ListAttachedRolePolicies ListInstanceProfilesForRole ListRolePolicies ListRoleTags",
        "role",
        "",
    ),
    ("iam", "AttachRolePolicy", "role", f"{_BOUNDARY} iam:PolicyARN iam:RoleTemplateARN"),
    ("iam", "DetachRolePolicy", "role", f"{_BOUNDARY} iam:PolicyARN"),
    ("iam", "CreateRole", "role", f"{_GIVEN_TAGS} {_BOUNDARY} iam:RoleTemplateARN"),
    (
        "iam",
        "DeleteRole DeleteRolePermissionsBoundary DeleteRolePolicy PutRolePermissionsBoundary"
        " UpdateAssumeRolePolicy UpdateRole UpdateRoleDescription",
        "role",
        _BOUNDARY,
    ),
    ("iam", "GetRole PutRolePolicy", "role", f"{_BOUNDARY} iam:RoleTemplateARN"),
    ("iam", "TagRole", "role", f"{_GIVEN_TAGS} iam:RoleTemplateARN"),
    ("iam", "UntagRole", "role", "aws:TagKeys"),
    (
        "iam",
        "CreatePolicyVersion DeletePolicy DeletePolicyVersion GetPolicy GetPolicyVersion ListEntitiesForPolicy"
        " ListPolicyTags ListPolicyVersions SetDefaultPolicyVersion",
        "policy",
        "",
    ),
    ("iam", "CreatePolicy TagPolicy", "policy", _GIVEN_TAGS),
    ("iam", "UntagPolicy", "policy", "aws:TagKeys"),
    ("iam", "GetContextKeysForPrincipalPolicy SimulatePrincipalPolicy", "group role user", ""),
    (
        "iam",
        "CreateAccountAlias DeleteAccountAlias DeleteAccountPasswordPolicy GetAccountAuthorizationDetails"
        " GetAccountPasswordPolicy GetAccountSummary GetContextKeysForCustomPolicy ListAccountAliases"
        " ListGroups ListPolicies ListRoles ListUsers ListVirtualMFADevices SimulateCustomPolicy"
        " UpdateAccountPasswordPolicy",
        "",
        "",
    ),
    (
        "ses",
        "CreateConfigurationSetTrackingOptions CreateTemplate DeleteConfigurationSetTrackingOptions DeleteIdentity"
        " DeleteIdentityPolicy DeleteSuppressedDestination DeleteTemplate DeleteVerifiedEmailAddress"
        " DescribeConfigurationSet GetAccount GetAccountSendingEnabled GetDedicatedIp GetIdentityDkimAttributes"
        " GetIdentityMailFromDomainAttributes GetIdentityNotificationAttributes GetIdentityPolicies"
        " GetIdentityVerificationAttributes GetSendQuota GetSendStatistics GetSuppressedDestination GetTemplate"
        " ListConfigurationSets ListContactLists ListCustomVerificationEmailTemplates ListDedicatedIpPools"
        " BatchGetMetricData GetMessageInsights ListEmailIdentities PutAccountVdmAttributes"
        " ListEmailTemplates ListIdentities ListIdentityPolicies ListSuppressedDestinations ListTemplates"
        " ListVerifiedEmailAddresses"
        " PutAccountDedicatedIpWarmupAttributes PutAccountDetails PutAccountSendingAttributes"
        " PutAccountSuppressionAttributes PutDedicatedIpWarmupAttributes PutIdentityPolicy"
        " PutSuppressedDestination SetIdentityDkimEnabled SetIdentityFeedbackForwardingEnabled"
        " SetIdentityHeadersInNotificationsEnabled SetIdentityMailFromDomain SetIdentityNotificationTopic"
        " TestRenderTemplate UpdateAccountSendingEnabled UpdateConfigurationSetReputationMetricsEnabled"
        " UpdateConfigurationSetSendingEnabled UpdateConfigurationSetTrackingOptions UpdateTemplate"
        " VerifyDomainDkim VerifyDomainIdentity VerifyEmailAddress VerifyEmailIdentity",
        "",
        "ses:ApiVersion",
    ),
    ("ses", "CreateConfigurationSet", _SET, f"{_GIVEN_TAGS} ses:ApiVersion"),
    (
        "ses",
        "CreateConfigurationSetEventDestination DeleteConfigurationSet DeleteConfigurationSetEventDestination"
        " GetConfigurationSet GetConfigurationSetEventDestinations PutConfigurationSetDeliveryOptions"
        " PutConfigurationSetReputationOptions PutConfigurationSetSendingOptions"
        " PutConfigurationSetSuppressionOptions PutConfigurationSetTrackingOptions PutConfigurationSetVdmOptions"
        " UpdateConfigurationSetEventDestination",
        _SET,
        "ses:ApiVersion",
    ),
    ("ses", "CreateContactList", _LIST, f"{_GIVEN_TAGS} ses:ApiVersion"),
    (
        "ses",
        "CreateContact DeleteContact DeleteContactList GetContact GetContactList ListContacts UpdateContact"
        " UpdateContactList",
        _LIST,
        "ses:ApiVersion",
    ),
    ("ses", "CreateDedicatedIpPool", _POOL, f"{_GIVEN_TAGS} ses:ApiVersion"),
    (
        "ses",
        "DeleteDedicatedIpPool GetDedicatedIpPool GetDedicatedIps PutDedicatedIpInPool"
        " PutDedicatedIpPoolScalingAttributes",
        _POOL,
        "ses:ApiVersion",
    ),
    ("ses", "CreateEmailIdentity", "identity", f"{_GIVEN_TAGS} ses:ApiVersion"),
    (
        "ses",
        "CreateEmailIdentityPolicy DeleteEmailIdentity DeleteEmailIdentityPolicy GetEmailIdentity"
        " GetEmailIdentityPolicies PutEmailIdentityDkimAttributes PutEmailIdentityDkimSigningAttributes"
        " PutEmailIdentityFeedbackAttributes PutEmailIdentityMailFromAttributes UpdateEmailIdentityPolicy",
        "identity",
        "ses:ApiVersion",
    ),
    ("ses", "PutEmailIdentityConfigurationSetAttributes", f"{_SET} identity", "ses:ApiVersion"),
    ("ses", "CreateEmailTemplate", "template", f"{_GIVEN_TAGS} ses:ApiVersion"),
    (
        "ses",
        "DeleteEmailTemplate GetEmailTemplate TestRenderEmailTemplate UpdateEmailTemplate",
        "template",
        "ses:ApiVersion",
    ),
    ("ses", "CreateCustomVerificationEmailTemplate", _CUSTOM, f"{_GIVEN_TAGS} ses:ApiVersion"),
    (
        "ses",
        "DeleteCustomVerificationEmailTemplate GetCustomVerificationEmailTemplate"
        " UpdateCustomVerificationEmailTemplate",
        _CUSTOM,
        "ses:ApiVersion",
    ),
    ("ses", "SendEmail", f"{_SET} identity template", f"{_SEND} {_ELSEWHERE}"),
    ("ses", "SendBulkEmail", f"{_SET} identity template", f"{_SEND} {_ELSEWHERE}"),
    ("ses", "SendBulkTemplatedEmail SendTemplatedEmail", f"{_SET} identity template", _SEND),
    ("ses", "SendRawEmail", f"{_SET} identity", _SEND),
    ("ses", "SendCustomVerificationEmail", f"{_CUSTOM} identity", _SEND),
    (
        "ses",
        "TagResource",
        f"{_SET} {_LIST} {_CUSTOM} {_POOL} identity template",
        f"{_GIVEN_TAGS} ses:ApiVersion",
    ),
    (
        "ses",
        "UntagResource",
        f"{_SET} {_LIST} {_CUSTOM} {_POOL} identity template",
        "aws:TagKeys ses:ApiVersion",
    ),
    ("ses", "ListTagsForResource", f"{_SET} {_LIST} {_CUSTOM} {_POOL} identity template", "ses:ApiVersion"),
    (
        "sesame",
        "CancelDelegateMessages DeleteDelegateBounds GetDelegateBounds ListDelegateBounds PauseDelegate"
        " PutDelegateBounds ResumeDelegate DeleteIdentityPolicyTest GetIdentityPolicyTest ListIdentityPolicyTests"
        " PutIdentityPolicyTests RunIdentityPolicyTests CreateShareLink DeleteShareLink ListShareLinks",
        "identity",
        "",
    ),
    ("sesame", "CancelMessages ListStoppedLinks ListWebhooks ResumeTrackedLinks StopTrackedLinks", "", ""),
    ("sesame", "PutSmtpBinding", "user", ""),
    ("sesame", "CreateWebhook DeleteWebhook RotateWebhookSecret", _SET, ""),
    ("sns", "CreateTopic TagResource", "topic", _GIVEN_TAGS),
    ("sns", "UntagResource", "topic", "aws:TagKeys"),
    (
        "sns",
        "AddPermission DeleteTopic GetTopicAttributes ListTagsForResource RemovePermission SetTopicAttributes",
        "topic",
        "",
    ),
    ("sns", "ConfirmSubscription ListSubscriptionsByTopic Publish", "topic", ""),
    ("sns", "Subscribe", "topic", "sns:Endpoint sns:Protocol"),
    (
        "sns",
        "GetSubscriptionAttributes ListSubscriptions ListTopics SetSubscriptionAttributes Unsubscribe",
        "",
        "",
    ),
    (
        "sts",
        "AssumeRole",
        "role",
        f"{_GIVEN_TAGS} sts:ExternalId sts:RoleSessionName sts:SourceIdentity sts:TransitiveTagKeys",
    ),
    ("sts", "TagSession", "role", f"{_GIVEN_TAGS} sts:TransitiveTagKeys"),
    ("sts", "SetSourceIdentity", "role", "sts:SourceIdentity"),
    ("sts", "GetFederationToken", "federated-user", _GIVEN_TAGS),
    ("sts", "GetCallerIdentity GetSessionToken", "", ""),
)
"""Service, actions, kinds of resources, keys. Keys of federated log-ins, which are not served, are left out;
SendBulkEmail carries the keys of a send too, so that a policy on them holds for it as for the others."""


def _actions() -> dict[str, Action]:
    found = {}
    for service, names, kinds, keys in _ROWS:
        tags = [key for kind in kinds.split() for key in TAGGED[kind]]
        every = tuple(dict.fromkeys([*keys.split(), *tags]))
        for name in names.split():
            full = f"{service}:{name}"
            found[full.lower()] = Action(name=full, keys=every)
    return found


ACTIONS: Mapping[str, Action] = _actions()
"""Every action that is served, by its name in lower case."""
