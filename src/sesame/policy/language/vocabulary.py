"""The words of the language: condition operators, condition keys, actions.

Tables only; what an operator means is in `codegen` and, a second time, in `explain`. Sources: IAM
user guide "condition operators" and "global condition context keys"; SES developer guide
"sending authorization policies"; service authorization reference for SES.
"""

from dataclasses import dataclass
from enum import Enum

VERSIONS = ("2008-10-17", "2012-10-17")
VERSION_WITH_VARIABLES = "2012-10-17"


class Family(Enum):
    """What kind of value an operator compares."""

    STRING = "string"
    NUMERIC = "number"
    DATE = "date"
    BOOL = "boolean"
    BINARY = "base64"
    IP = "IP range"
    ARN = "ARN"
    NULL = "true or false"
    UNKNOWN = "unknown"


class Compare(Enum):
    """How an operator compares the request's value with one of the policy's."""

    EQUAL = "=="
    LESS = "<"
    LESS_EQUAL = "<="
    GREATER = ">"
    GREATER_EQUAL = ">="
    EQUAL_FOLDED = "equal but for case"
    LIKE = "like"


class Quantifier(Enum):
    """The set prefix of an operator."""

    NONE = ""
    FOR_ALL = "ForAllValues"
    FOR_ANY = "ForAnyValue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """An operator without prefix and suffix; a negated one is true when no policy value matches."""

    name: str
    family: Family
    compare: Compare
    negated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """A condition operator as a policy writes it: `ForAllValues:` + name + `IfExists`."""

    text: str
    comparison: Comparison
    quantifier: Quantifier
    if_exists: bool

    @property
    def is_known(self) -> bool:
        """Whether the language has this operator; an unknown one never helps to allow."""
        return self.comparison.family is not Family.UNKNOWN


_EQUALITY = (
    ("StringEquals", "StringNotEquals", Family.STRING, Compare.EQUAL),
    ("StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", Family.STRING, Compare.EQUAL_FOLDED),
    ("StringLike", "StringNotLike", Family.STRING, Compare.LIKE),
    ("NumericEquals", "NumericNotEquals", Family.NUMERIC, Compare.EQUAL),
    ("DateEquals", "DateNotEquals", Family.DATE, Compare.EQUAL),
    ("BinaryEquals", "BinaryNotEquals", Family.BINARY, Compare.EQUAL),
    ("IpAddress", "NotIpAddress", Family.IP, Compare.EQUAL),
    ("ArnEquals", "ArnNotEquals", Family.ARN, Compare.LIKE),
    ("ArnLike", "ArnNotLike", Family.ARN, Compare.LIKE),
)
_ORDER = (
    ("LessThan", Compare.LESS),
    ("LessThanEquals", Compare.LESS_EQUAL),
    ("GreaterThan", Compare.GREATER),
    ("GreaterThanEquals", Compare.GREATER_EQUAL),
)
_QUANTIFIERS = {quantifier.value.lower(): quantifier for quantifier in Quantifier if quantifier.value}
_UNKNOWN = Comparison(name="", family=Family.UNKNOWN, compare=Compare.EQUAL)


def _comparisons() -> dict[str, Comparison]:
    found = [
        Comparison(name="Bool", family=Family.BOOL, compare=Compare.EQUAL),
        Comparison(name="Null", family=Family.NULL, compare=Compare.EQUAL),
    ]
    for positive, negative, family, compare in _EQUALITY:
        found.append(Comparison(name=positive, family=family, compare=compare))
        found.append(Comparison(name=negative, family=family, compare=compare, negated=True))
    for stem, family in (("Numeric", Family.NUMERIC), ("Date", Family.DATE)):
        found += [Comparison(name=stem + name, family=family, compare=compare) for name, compare in _ORDER]
    return {comparison.name.lower(): comparison for comparison in found}


COMPARISONS = _comparisons()


def read_operator(text: str) -> Operator:
    """The operator that `text` names, in any case; an unknown one has the family UNKNOWN."""
    quantifier, name = Quantifier.NONE, text.lower()
    prefix, _, rest = name.partition(":")
    if prefix in _QUANTIFIERS:
        quantifier, name = _QUANTIFIERS[prefix], rest
    if_exists = name.endswith("ifexists")
    comparison = COMPARISONS.get(name.removesuffix("ifexists"), _UNKNOWN)
    if comparison.family is Family.NULL and (if_exists or quantifier is not Quantifier.NONE):
        comparison = _UNKNOWN
    return Operator(text=text, comparison=comparison, quantifier=quantifier, if_exists=if_exists)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionKey:
    """A condition key; `is_sent` when a Sesame request can carry it, `is_list` when with many values.

    `is_of_sessions` when only requests of sessions do.
    """

    name: str
    family: Family
    is_sent: bool = False
    is_list: bool = False
    is_of_sessions: bool = False


KEYS_OF_OTHER_ACTIONS = (
    "iam:AWSServiceName",
    "iam:AccountPropertyNamespaces",
    "iam:AssociatedResourceArn",
    "iam:DelegationDuration",
    "iam:DelegationRequestOwner",
    "iam:NotificationChannel",
    "iam:OrganizationsPolicyId",
    "iam:PassedToService",
    "iam:ServiceSpecificCredentialAgeDays",
    "iam:ServiceSpecificCredentialServiceName",
    "iam:TemplateArn",
    "ses:AddonSubscriptionArn",
    "ses:ExportSourceType",
    "ses:MailManagerIngressPointType",
    "ses:MailManagerRuleSetArn",
    "ses:MailManagerTrafficPolicyArn",
    "ses:ReplicaRegion",
    "sts:AWSServiceName",
    "sts:DurationSeconds",
    "sts:IdentityTokenAudience",
    "sts:RequestContextProviders",
    "sts:RoleAuthorizedByIdp",
    "sts:SigningAlgorithm",
    "sts:TaskPolicyArn",
)
"""Keys that AWS documents for actions that are not served, and for no other: no request carries them."""


KEYS_OF_SECURITY_KEYS = (
    "iam:FIDO-FIPS-140-2-certification",
    "iam:FIDO-FIPS-140-3-certification",
    "iam:FIDO-certification",
    "iam:RegisterSecurityKey",
)
"""Keys of EnableMFADevice that are about a FIDO security key."""


def _keys() -> dict[str, ConditionKey]:
    keys = [
        ConditionKey(name="ses:Recipients", family=Family.STRING, is_sent=True, is_list=True),
        ConditionKey(name="aws:CurrentTime", family=Family.DATE, is_sent=True),
        ConditionKey(name="aws:EpochTime", family=Family.DATE, is_sent=True),
        ConditionKey(name="aws:SecureTransport", family=Family.BOOL, is_sent=True),
        ConditionKey(name="aws:ViaAWSService", family=Family.BOOL, is_sent=True),
        ConditionKey(name="aws:SourceIp", family=Family.IP, is_sent=True),
        ConditionKey(name="aws:PrincipalArn", family=Family.ARN, is_sent=True),
        ConditionKey(name="aws:SourceArn", family=Family.ARN, is_sent=True),
        ConditionKey(name="aws:TagKeys", family=Family.STRING, is_sent=True, is_list=True),
        ConditionKey(name="iam:PolicyARN", family=Family.ARN, is_sent=True),
        ConditionKey(name="iam:PermissionsBoundary", family=Family.ARN, is_sent=True),
        ConditionKey(name="iam:RoleTemplateARN", family=Family.ARN),
        *(ConditionKey(name=name, family=Family.STRING) for name in KEYS_OF_SECURITY_KEYS),
        ConditionKey(name="sts:TransitiveTagKeys", family=Family.STRING, is_sent=True, is_list=True),
        ConditionKey(name="aws:CalledVia", family=Family.STRING, is_list=True),
        ConditionKey(name="aws:PrincipalServiceNamesList", family=Family.STRING, is_sent=True, is_list=True),
        ConditionKey(name="aws:PrincipalOrgPaths", family=Family.STRING, is_list=True),
        ConditionKey(name="aws:ResourceOrgPaths", family=Family.STRING, is_list=True),
        ConditionKey(name="aws:SourceOrgPaths", family=Family.STRING, is_list=True),
        ConditionKey(name="aws:VpceOrgPaths", family=Family.STRING, is_list=True),
        ConditionKey(name="aws:VpcSourceIp", family=Family.IP),
        ConditionKey(name="aws:MultiFactorAuthAge", family=Family.NUMERIC, is_sent=True, is_of_sessions=True),
        ConditionKey(name="aws:TokenIssueTime", family=Family.DATE, is_sent=True, is_of_sessions=True),
        ConditionKey(
            name="aws:MultiFactorAuthPresent", family=Family.BOOL, is_sent=True, is_of_sessions=True
        ),
        ConditionKey(name="aws:SourceIdentity", family=Family.STRING, is_sent=True, is_of_sessions=True),
        ConditionKey(name="aws:PrincipalIsAWSService", family=Family.BOOL, is_sent=True),
        ConditionKey(name="aws:Ec2InstanceSourcePrivateIPv4", family=Family.IP),
        ConditionKey(name="aws:SourceVpcArn", family=Family.ARN),
        ConditionKey(name="aws:ChatbotSourceArn", family=Family.ARN),
    ]
    sent = (
        "ses:FromAddress ses:FromDisplayName ses:FeedbackAddress ses:ApiVersion aws:UserAgent aws:Referer "
        "aws:PrincipalAccount aws:PrincipalType aws:userid aws:username aws:RequestedRegion "
        "aws:ResourceAccount aws:SourceAccount aws:PrincipalServiceName "
        "sns:Endpoint sns:Protocol sts:ExternalId sts:RoleSessionName sts:SourceIdentity"
    )
    known = (
        "ses:MultiRegionEndpointId ses:TenantName aws:PrincipalOrgID aws:SourceVpc aws:SourceVpce aws:CalledViaFirst "
        "aws:CalledViaLast aws:FederatedProvider "
        "aws:Ec2InstanceSourceVpc aws:ResourceOrgID aws:SourceOrgID "
        "aws:VpceAccount aws:VpceOrgID aws:AssumedRoot"
    )
    keys += [ConditionKey(name=name, family=Family.STRING, is_sent=True) for name in sent.split()]
    keys += [
        ConditionKey(name=name, family=Family.STRING) for name in (*known.split(), *KEYS_OF_OTHER_ACTIONS)
    ]
    return {key.name.lower(): key for key in keys}


CONDITION_KEYS = _keys()
_TAG_PREFIXES = ("aws:principaltag/", "aws:resourcetag/", "aws:requesttag/", "iam:resourcetag/")
_JUDGED = ("aws:", "ses:", "iam:", "sns:", "sts:")


def find_key(name: str) -> ConditionKey | None:
    """The key of that name, in any case; tag keys are made up as they come."""
    folded = name.lower()
    if folded.startswith(_TAG_PREFIXES) and not folded.endswith("/"):
        return ConditionKey(name=name, family=Family.STRING, is_sent=True)
    return CONDITION_KEYS.get(folded)


def is_unknown_key(name: str) -> bool:
    """Whether `name` claims to be a key of AWS or of a service that is served and is none that requests here carry.

    So is one that names no service (`SourceIp`): there are no such keys. Keys of other services are not
    judged: no request carries them at AWS either.
    """
    return (":" not in name or name.lower().startswith(_JUDGED)) and find_key(name) is None


ADDRESS_KEYS = ("ses:fromaddress", "ses:feedbackaddress", "ses:recipients")
"""Keys whose values are addresses of mail."""

SENDING_ACTIONS = (
    "ses:SendEmail",
    "ses:SendRawEmail",
    "ses:SendTemplatedEmail",
    "ses:SendBulkTemplatedEmail",
    "ses:SendBulkEmail",
)
IDENTITY_ACTIONS = (
    *SENDING_ACTIONS,
    "ses:SendBounce",
    "ses:BatchGetMetricData",
    "ses:ListRecommendations",
    "ses:CreateDeliverabilityTestReport",
    "ses:CreateEmailIdentityPolicy",
    "ses:DeleteEmailIdentity",
    "ses:DeleteEmailIdentityPolicy",
    "ses:GetDomainStatisticsReport",
    "ses:GetEmailIdentity",
    "ses:GetEmailIdentityPolicies",
    "ses:ListTagsForResource",
    "ses:PutEmailIdentityConfigurationSetAttributes",
    "ses:PutEmailIdentityDkimAttributes",
    "ses:PutEmailIdentityDkimSigningAttributes",
    "ses:PutEmailIdentityFeedbackAttributes",
    "ses:PutEmailIdentityMailFromAttributes",
    "ses:ReplicateEmailIdentityDkimSigningKey",
    "ses:TagResource",
    "ses:UntagResource",
    "ses:UpdateEmailIdentityPolicy",
)
"""Every action that can name an identity as its resource."""
