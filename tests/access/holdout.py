"""A hold-out of misconfigurations from public reports: each with what the first place looked at must say.

Written from the reports, before anything was known of what is answered. `code` is the cause (several where two names
of it are as true), `says` what a person must be told, in the cause or in its mend: the value that is wrong and what it
has to be. Every account is in production unless a step says `sandbox`. The report stands first.
"""

from typing import Any

from tests.access.misconfigurations import (
    ARN,
    BASE,
    LEND,
    MAIL,
    NAMED,
    NEWS,
    OWN,
    OWN_ARN,
    RAW,
    ROBOT,
    SEND,
    SMTP,
    V2,
    lend,
    when,
)

Described = dict[str, Any]
MINE = NEWS | {"as": "sender/robot"}
MY_SMTP = MINE | {"door": "smtp"}
APP = NAMED | {"as": "sender/app"}
MINE_APP = NEWS | {"as": "sender/app"}
OPEN = {"Effect": "Allow", "Action": "ses:*", "Resource": "*"}
DENY = {"Effect": "Deny", "Action": "ses:*", "Resource": "*"}
TEMPLATE = ["call", "sender", "ses", "create_template", {"Template": {"TemplateName": "welcome", "SubjectPart": "s",
            "TextPart": "t"}}]  # fmt: skip
SET = ["call", "sender", "ses", "create_configuration_set", {"ConfigurationSet": {"Name": "metrics"}}]


def report(
    source: str,
    name: str,
    code: str,
    steps: list[Any],
    send: Described,
    *says: str,
    reader: str = "sender",
    **more: Any,
) -> Described:
    return {
        "source": source,
        "id": name,
        "codes": tuple(code.split()),
        "steps": [*BASE, *steps],
        "send": send,
        "says": says,
        "reader": reader,
        **more,
    }


def robot(*statements: Described) -> list[Any]:
    """The sender's user, with its own policy."""
    return ["user", "sender", "robot", *statements]


def app(*statements: Described) -> list[Any]:
    """The sender's role, with a session of it."""
    return ["role", "sender", "app", "i-0abc", list(statements)]


def unless(operator: str, key: str, *values: str, **more: Any) -> Described:
    """A Deny under a condition."""
    return DENY | when(operator, key, *values) | more


def lends(*statements: Described) -> list[Any]:
    """Several statements of the owner's."""
    named = [{"Principal": {"AWS": "<sender>"}} | one for one in statements]
    return ["policy", "owner", "example.com", *named]


REPORTS: list[Described] = [
    # What IAM policies list.
    report("aws/aws-cdk#30745", "action-with-the-prefix-of-the-sdk", "SA301", [OWN, robot(SEND | {"Action":
           "sesv2:sendEmail"})], MINE | {"door": "v2"}, "sesv2:sendEmail", "ses:SendEmail"),
    report("anymail/django-anymail#274", "bulk-of-v1-listed-bulk-of-v2-called", "SA301", [OWN, TEMPLATE, robot(SEND |
           {"Action": ["ses:SendEmail", "ses:SendBulkTemplatedEmail"]})], MINE | {"door": "v2bulk", "template":
           "welcome"}, "ses:SendBulkEmail", "ses:SendBulkTemplatedEmail"),
    report("awsdocs/amazon-ses-developer-guide#69", "owner-lists-bulk-of-v1-only", "SA301", [MAIL, TEMPLATE, lend(
           Action=["ses:SendEmail", "ses:SendBulkTemplatedEmail"])], V2 | {"door": "v2bulk", "template": "welcome"},
           "ses:SendBulkEmail", "ses:SendBulkTemplatedEmail", reader="owner"),
    report("repost: 554 Access denied from my IAM user", "read-only-managed-policy", "SA301 SA206", [OWN, robot(),
           ["managed", "sender", "robot", {"Effect": "Allow", "Action": ["ses:Get*", "ses:List*"], "Resource": "*"}]],
           MINE, "ses:SendEmail", "robot"),
    report("stackoverflow: SES AccessDenied SendMail", "action-that-does-not-exist", "SA301", [OWN, robot(SEND |
           {"Action": "ses:SendMail"})], MINE, "ses:SendMail", "ses:SendEmail"),
    report("repost: Unauthorized error in SES", "everything-but-ses", "SA301", [OWN, robot({"Effect": "Allow",
           "NotAction": ["ses:*", "iam:*"], "Resource": "*"})], MINE, "ses:SendEmail", "ses:*", "leaves out"),
    report("aws docs: force MFA policy", "denied-without-mfa", "SA208", [OWN, robot(SEND, {"Effect": "Deny",
           "NotAction": ["iam:*", "sts:*"], "Resource": "*", **when("BoolIfExists", "aws:MultiFactorAuthPresent",
           "false")})], MINE, "aws:MultiFactorAuthPresent", "`own`"),
    report("aws docs: deny outside the requested region", "region-guard", "SA208", [OWN, robot(SEND, {"Effect": "Deny",
           "NotAction": ["iam:*"], "Resource": "*", **when("StringNotEquals", "aws:RequestedRegion", "eu-west-1")})],
           MINE, "aws:RequestedRegion", "us-east-1", "eu-west-1"),
    report("repost: Unauthorized error in SES", "denied-by-a-group", "SA208", [OWN, robot(SEND), ["group", "sender",
           "interns", "robot", DENY]], MINE, "denies", "interns"),
    report("repost: deny statements of ses:SendRawEmail", "raw-denied-api-allowed", "SA208", [OWN, robot(OPEN, DENY |
           {"Action": "ses:SendRawEmail"})], MY_SMTP, "ses:SendRawEmail", "`own`"),
    report("anymail/django-anymail#384", "templates-of-v2-are-another-action", "SA301", [OWN, TEMPLATE, robot(SEND)],
           MINE | {"door": "v2templated", "template": "welcome"}, "ses:SendTemplatedEmail", "ses:SendEmail"),
    report("stackoverflow: IAM region condition SES", "allowed-in-another-region", "SA401", [OWN, robot(SEND | when(
           "StringEquals", "aws:RequestedRegion", "eu-central-1"))], MINE, "aws:RequestedRegion", "us-east-1",
           "eu-central-1"),
    # Resources that IAM policies list.
    report("cloudposse/terraform-aws-ses#20", "subdomain-is-an-identity-of-its-own", "SA206", [OWN, ["identity",
           "sender", "mail.example.com"], robot(SEND | {"Resource": OWN_ARN})], MINE | {"from":
           "news@mail.example.com"}, "identity/mail.example.com", "identity/example.com"),
    report("civiform/civiform#4081", "iam-lists-address-domain-is-verified", "SA206", [OWN, robot(SEND | {"Resource":
           "arn:aws:ses:us-east-1:<sender>:identity/news@example.com"})], MINE, "identity/news@example.com", OWN_ARN),
    report("stackoverflow: copied ARN of the documentation", "account-number-of-the-documentation", "SA206", [OWN,
           robot(SEND | {"Resource": "arn:aws:ses:us-east-1:123456789012:identity/example.com"})], MINE,
           "123456789012", OWN_ARN),
    report("aws/aws-cdk#25115", "resource-without-identity", "SA206", [OWN, robot(SEND | {"Resource":
           "arn:aws:ses:us-east-1:<sender>:example.com"})], MINE, "<sender>:example.com", OWN_ARN),
    report("hashicorp/terraform-provider-aws: govcloud partition", "resource-of-another-partition", "SA206", [OWN,
           robot(SEND | {"Resource": "arn:aws-us-gov:ses:us-east-1:<sender>:identity/example.com"})], MINE,
           "arn:aws-us-gov:", OWN_ARN),
    report("medplum/medplum#10102", "default-set-of-the-identity", "SA302", [OWN, SET, ["default_set", "sender",
           "example.com", "metrics"], robot(SEND | {"Resource": "arn:aws:ses:us-east-1:<sender>:identity/*"})], MINE,
           "configuration-set/metrics"),
    report("aws/aws-sdk-rails#18", "set-in-a-header-over-smtp", "SA302", [OWN, SET, robot(SEND | {"Resource":
           "arn:aws:ses:us-east-1:<sender>:identity/*"})], MY_SMTP | {"fields": [["X-SES-CONFIGURATION-SET",
           "metrics"]]}, "configuration-set/metrics", "ses:SendRawEmail"),
    report("aws/serverless-application-model#2844", "template-is-not-among-the-resources", "SA302", [OWN, TEMPLATE,
           robot({"Effect": "Allow", "Action": "ses:SendTemplatedEmail", "Resource": OWN_ARN})], MINE | {"door":
           "templated", "template": "welcome"}, "template/welcome"),
    report("stackoverflow: username variable in Resource", "variable-in-the-resource", "SA206", [OWN, robot(SEND |
           {"Resource": "arn:aws:ses:us-east-1:<sender>:identity/${aws:username}@example.com"})], MINE,
           "robot@example.com", OWN_ARN),
    report("daniel-zahariev/php-aws-ses#53", "set-made-in-another-region", "SA601", [OWN, ["call_in", "eu-west-1",
           "sender", "ses", "create_configuration_set", {"ConfigurationSet": {"Name": "metrics"}}]], NEWS | {"set":
           "metrics"}, "metrics", "us-east-1", "<sender>"),
    report("Enase/serverless-ses-template#5", "template-name-in-other-case", "SA601", [OWN, TEMPLATE], NEWS | {"door":
           "templated", "template": "Welcome"}, "Welcome", "<sender>"),
    report("forwardemail/email-templates#369", "header-names-a-set-that-is-not-there", "SA601", [OWN], NEWS | {"door":
           "smtp", "fields": [["X-SES-CONFIGURATION-SET", "my-config-set"]]}, "my-config-set", "<sender>"),
    # Conditions.
    report("matthew.philogene.co.za: secure SES policy", "keys-that-ses-does-not-have", "SA401", [OWN, robot(SEND |
           when("Bool", "ses:RequireTLS", "true"))], MINE, "ses:RequireTLS"),
    report("aws/aws-cdk#34402", "key-for-the-configuration-set", "SA401", [OWN, SET, robot(SEND | when("StringEquals",
           "ses:ConfigurationSetName", "metrics"))], MINE | {"set": "metrics"}, "ses:ConfigurationSetName"),
    report("awsdocs/amazon-ses-developer-guide#11", "recipients-by-domain-without-a-star", "SA401", [OWN, robot(SEND |
           when("ForAllValues:StringEquals", "ses:Recipients", "@elsewhere.test"))], MINE, "reader@elsewhere.test",
           "@elsewhere.test"),
    report("stackoverflow: FromDisplayName condition", "display-name-wanted-and-none-sent", "SA401", [MAIL, lend(
           **when("StringLike", "ses:FromDisplayName", "Example*"))], NAMED, "ses:FromDisplayName", "Example*",
           reader="owner"),
    report("repost: aws:SourceIp in deny statements", "outside-the-office-range", "SA208 SA403", [MAIL, lends({},
           {"Effect": "Deny", **when("NotIpAddress", "aws:SourceIp", "203.0.113.0/24")})], NAMED, "198.51.100.7",
           "203.0.113.0/24", reader="owner"),
    report("stackoverflow: StringEquals aws:SourceIp", "address-range-compared-as-text", "SA401 SA403", [MAIL, lend(
           **when("StringEquals", "aws:SourceIp", "198.51.100.7/32"))], NAMED, "198.51.100.7/32", "IpAddress",
           reader="owner"),
    report("dg: sending policy examples", "contract-has-not-begun", "SA402", [MAIL, lend(**when("DateGreaterThan",
           "aws:CurrentTime", "2098-01-01T00:00:00Z"))], NAMED, "2098-01-01", reader="owner"),
    report("stackoverflow: aws:PrincipalArn assumed-role", "session-arn-in-principal-arn", "SA401", [MAIL, app(SEND),
           lend(Principal="*", **when("ArnEquals", "aws:PrincipalArn",
           "arn:aws:sts::<sender>:assumed-role/app/i-0abc"))], APP, "aws:PrincipalArn",
           "arn:aws:iam::<sender>:role/app", reader="owner"),
    report("repost: wildcard in aws:PrincipalArn", "star-in-string-equals-of-an-arn", "SA401", [MAIL, app(SEND), lend(
           Principal="*", **when("StringEquals", "aws:PrincipalArn", "arn:aws:iam::<sender>:role/*"))], APP,
           "arn:aws:iam::<sender>:role/app", "Like", reader="owner"),
    report("dg: organization policy example", "organisation-that-nobody-is-in", "SA401", [MAIL, lend(Principal="*",
           **when("StringEquals", "aws:PrincipalOrgID", "o-xxxxxxxxxx"))], NAMED, "aws:PrincipalOrgID", reader="owner"),
    report("stackoverflow: aws:SourceAccount cross account", "source-account-of-a-person", "SA401", [MAIL, lend(
           Principal="*", **when("StringEquals", "aws:SourceAccount", "<sender>"))], NAMED, "aws:SourceAccount",
           reader="owner"),
    report("amazon-cognito-developer-guide#41", "source-arn-key-is-not-the-parameter", "SA401", [MAIL, lend(
           **when("StringEquals", "aws:SourceArn", ARN))], NAMED, "aws:SourceArn", reader="owner"),
    report("stackoverflow: aws:userid", "user-id-is-not-the-name", "SA401", [MAIL, robot(SEND), lend(
           **when("StringEquals", "aws:userid", "robot"))], ROBOT, "aws:userid", "robot", reader="owner"),
    report("dg: creating identities, labels", "label-in-an-exact-address", "SA401", [MAIL, lend(**when("StringEquals",
           "ses:FromAddress", "news@example.com"))], NAMED | {"from": "news+job7@example.com"},
           "news+job7@example.com", "news@example.com", reader="owner"),
    report("my247apps SES policy generator", "star-at-domain-leaves-subdomains-out", "SA401", [MAIL, lend(
           **when("StringLike", "ses:FromAddress", "*@example.com"))], NAMED | {"from": "news@mail.example.com"},
           "news@mail.example.com", "*@example.com", reader="owner"),
    report("stackoverflow: Null condition SES", "null-of-a-key-that-is-always-there", "SA401", [MAIL, lend(
           **when("Null", "ses:FeedbackAddress", "true"))], NAMED, "ses:FeedbackAddress", reader="owner"),
    report("repost: aws:SecureTransport deny", "plain-http-denied-by-the-owner", "SA208", [MAIL, lends({}, {"Effect":
           "Deny", **when("Bool", "aws:SecureTransport", "false")})], NAMED | {"secure": False},
           "aws:SecureTransport"),
    report("dg: control user access, ApiVersion", "smtp-is-version-two", "SA401", [MAIL, lend(**when("StringEquals",
           "ses:ApiVersion", "1"))], SMTP, "ses:ApiVersion", "2", reader="owner"),
    report("aws docs: tags of principals", "tag-of-the-user-differs", "SA401", [OWN, robot(SEND | when("StringEquals",
           "aws:PrincipalTag/team", "news")), ["tag_user", "sender", "robot", "team", "News"]], MINE,
           "aws:PrincipalTag/team", "News", "news"),
    report("aws docs: tags of principals", "owner-asks-for-a-tag", "SA401", [MAIL, robot(SEND), lend(
           **when("StringEquals", "aws:PrincipalTag/canary-key", "canary-value"))], ROBOT, "<owner>", mends=False,
           never=("canary-key", "canary-value")),
    report("aws docs: access by tags", "identity-without-the-tag", "SA401", [OWN, robot(SEND | when("StringEquals",
           "aws:ResourceTag/env", "prod"))], MINE, "aws:ResourceTag/env", "prod"),
    report("aws docs: version of policies", "variable-in-the-old-version", "SA401", [OWN, ["user_with", "sender",
           "robot", {"Statement": [SEND | when("StringEquals", "ses:FromAddress", "${aws:username}@example.com")]}]],
           MINE | {"from": "robot@example.com"}, "2012-10-17", "${aws:username}"),
    report("repost: VPC endpoint policies of SES", "denied-outside-the-vpc-endpoint", "SA208", [OWN, robot(SEND,
           unless("StringNotEquals", "aws:SourceVpce", "vpce-0a1b2c3d"))], MINE, "aws:SourceVpce", "`own`"),
    report("aws blog: VPC endpoints with SES", "owner-denies-outside-the-vpc-endpoint", "SA208", [MAIL, lends({},
           {"Effect": "Deny", **when("StringNotEquals", "aws:SourceVpce", "vpce-canary")})], NAMED, "<owner>",
           mends=False, never=("vpce-canary",)),
    report("aws blog: VPC endpoints with SES", "allowed-from-the-vpc-endpoint", "SA401", [MAIL, lend(
           **when("StringEquals", "aws:SourceVpce", "vpce-0a1b2c3d"))], NAMED, "aws:SourceVpce", reader="owner"),
    report("dg: control user access, aws:UserAgent", "smtp-has-no-user-agent", "SA401", [OWN, robot(SEND | when(
           "StringLike", "aws:UserAgent", "*Boto3*"))], MY_SMTP, "aws:UserAgent"),
    report("aws docs: revoke older sessions", "session-was-revoked", "SA208", [OWN, app(SEND, unless("DateLessThan",
           "aws:TokenIssueTime", "2098-01-01T00:00:00Z"))], MINE_APP, "aws:TokenIssueTime"),
    report("stackoverflow: restrict from address with Deny", "owner-denies-all-but-one-address", "SA208", [MAIL, lends(
           {}, {"Effect": "Deny", **when("StringNotLike", "ses:FromAddress", "no-reply@example.com")})], NAMED,
           "news@example.com", "no-reply@example.com", reader="owner"),
    report("stackoverflow: restrict from address with Deny", "denied-address-as-the-sender-sees-it", "SA208", [MAIL,
           lends({}, {"Effect": "Deny", **when("StringNotLike", "ses:FromAddress", "canary@example.com")})], NAMED,
           "news@example.com", "<owner>", mends=False, never=("canary@",)),
    report("aws docs: data perimeters", "perimeter-of-the-senders-own", "SA208", [MAIL, LEND, robot(SEND, unless(
           "StringNotEquals", "aws:ResourceAccount", "<sender>"))], ROBOT, "aws:ResourceAccount", "<owner>",
           "<sender>"),
    # Principals.
    report("dg: policy examples, services", "service-named-where-an-account-sends", "SA201", [MAIL, lend(
           Principal={"Service": "cognito-idp.amazonaws.com"})], NAMED, "<sender>", "cognito-idp.amazonaws.com",
           reader="owner"),
    report("aws/aws-cdk#6768", "another-name-of-the-service", "SA204", [MAIL, ["service", "cognito-idp.amazonaws.com"],
           lend(Principal={"Service": "email.cognito-idp.amazonaws.com"})], NAMED | {"as": "service", "for": "sender"},
           "cognito-idp.amazonaws.com", "email.cognito-idp.amazonaws.com", reader="owner"),
    report("amazon-cognito-developer-guide#41", "pool-of-another-account", "SA401", [MAIL, ["service",
           "cognito-idp.amazonaws.com"], lend(Principal={"Service": "cognito-idp.amazonaws.com"}, **when(
           "StringEquals", "aws:SourceAccount", "210987654321"))], NAMED | {"as": "service", "for": "sender"},
           "aws:SourceAccount", "210987654321", "<sender>", reader="owner"),
    report("danielireson/formplug#11", "role-of-the-other-stage", "SA201", [MAIL, app(SEND), ["role", "sender",
           "app-prod", "i-1", [SEND]], lend(Principal={"AWS": "arn:aws:iam::<sender>:role/app-prod"})], APP,
           "role/app", "role/app-prod", reader="owner"),
    report("hashicorp/terraform-provider-aws: recreated role", "role-made-anew", "SA203", [MAIL, app(SEND), lend(
           Principal={"AWS": "arn:aws:iam::<sender>:role/app"}), ["remake_role", "sender", "app", [SEND]]], APP,
           "role/app", reader="owner"),
    report("stackoverflow: account id with dashes", "account-number-with-dashes", "SA401", [MAIL, lend(Principal="*",
           **when("StringEquals", "aws:PrincipalAccount", "1111-2222-3333"))], NAMED, "<sender>", "1111-2222-3333",
           reader="owner"),
    report("awsdocs/amazon-ses-developer-guide#13", "policy-on-the-address-arn-of-the-domain", "SA201", [MAIL,
           ["identity", "owner", "news@example.com"], ["policy", "owner", "news@example.com", {"Principal": {"AWS":
           "<sender>"}}]], NAMED, "<sender>", "identity/news@example.com", reader="owner"),
    report("dg: delegate sender tasks, regions", "policy-in-the-other-region-only", "SA105 SA201", [MAIL, ["identity",
           "owner", "example.com", "eu-west-1"], ["policy_in", "eu-west-1", "owner", "example.com", {"Principal":
           {"AWS": "<sender>"}}]], NAMED, "<sender>", "eu-west-1", reader="owner"),
    # ARNs and addresses.
    report("dg: delegate sender tasks, sample", "header-after-a-blank-line", "SA101 SA106", [MAIL, LEND], NEWS |
           {"door": "smtp", "body": f"X-SES-SOURCE-ARN: {ARN}\r\n\r\nt"}, "X-SES-SOURCE-ARN", ARN),
    report("awslabs: quoted header values", "arn-in-quotes", "SA108", [MAIL, LEND], NEWS | {"door": "smtp",
           "right_arn": ARN, "fields": [["X-SES-SOURCE-ARN", f'"{ARN}"']]}, "X-SES-SOURCE-ARN", "identity/"),
    report("stackoverflow: ARN from Secrets Manager", "arn-with-a-line-feed", "SA108", [MAIL, LEND], NEWS | {
           "right_arn": ARN, "arns": {"SourceArn": f"{ARN}\n"}}, "SourceArn", "identity/"),
    report("aws/aws-sdk-js#1146", "misspelt-domain-in-the-arn", "SA107", [MAIL, LEND], NEWS | {"right_arn": ARN,
           "arns": {"SourceArn": "arn:aws:ses:us-east-1:<owner>:identity/exmaple.com"}}, "exmaple.com",
           "news@example.com"),
    report("aws/aws-cdk#30745", "arn-of-sesv2", "SA108", [MAIL, LEND], V2 | {"right_arn": ARN, "arns":
           {"FromEmailAddressIdentityArn": "arn:aws:sesv2:us-east-1:<owner>:identity/example.com"}}, "sesv2",
           "arn:aws:ses:"),
    report("FlowFuse/flowfuse#4173", "arn-of-a-configuration-set", "SA108", [MAIL, LEND], NEWS | {"right_arn": ARN,
           "arns": {"SourceArn": "arn:aws:ses:us-east-1:<owner>:configuration-set/metrics"}}, "configuration-set",
           "identity/"),
    report("arithmetric/aws-lambda-ses-forwarder#4", "feedback-address-elsewhere-in-v2", "SA102", [MAIL, LEND], V2 |
           {"return_path": "bounces@tracker.test"}, "bounces@tracker.test",
           "FeedbackForwardingEmailAddressIdentityArn"),
    report("aws-amplify/amplify-backend#3134", "own-arn-of-an-address-domain-is-verified", "SA104", [OWN], NEWS | {
           "arns": {"SourceArn": "arn:aws:ses:us-east-1:<sender>:identity/news@example.com"}},
           "identity/news@example.com", OWN_ARN),
    report("stackoverflow: subdomain verified, sending from the apex", "subdomain-verified-apex-sent", "SA101",
           [["identity", "sender", "mail.example.com"]], NEWS, "news@example.com", "verify `example.com`"),
    report("dg: creating identities, case of addresses", "address-verified-in-other-case", "SA101 SA107", [["identity",
           "sender", "News@example.com"]], NEWS, "news@example.com", "News@example.com"),
    report("dg: creating identities, labels", "label-in-the-arn", "SA104", [["identity", "owner", "news@example.com"],
           ["policy", "owner", "news@example.com", {"Principal": {"AWS": "<sender>"}}]], NEWS | {"from":
           "news+x@example.com", "arns": {"SourceArn": "arn:aws:ses:us-east-1:<owner>:identity/news+x@example.com"}},
           "news+x@example.com", "identity/news@example.com", reader="owner"),
    report("hashicorp/terraform-provider-aws#11930", "smtp-session-of-another-region", "SA702 SA105", [["identity",
           "owner", "example.com", "eu-west-1"], ["policy_in", "eu-west-1", "owner", "example.com", {"Principal":
           {"AWS": "<sender>"}}]], NEWS | {"door": "smtp", "fields": [["X-SES-SOURCE-ARN",
           "arn:aws:ses:eu-west-1:<owner>:identity/example.com"]]}, "eu-west-1", "us-east-1"),
    report("danilop/LambdAuth#64", "recipient-verified-in-another-region", "SA502", [["sandbox", "boxed"], ["identity",
           "boxed", "example.com"], ["identity", "boxed", "reader@elsewhere.test", "us-west-2"]], NEWS | {"as":
           "boxed"}, "reader@elsewhere.test", "us-west-2"),
    report("dg: overview, both accounts", "owner-in-the-sandbox", "SA503", [["sandbox", "boxed"], ["identity", "boxed",
           "example.com"], ["policy", "boxed", "example.com", {"Principal": {"AWS": "<sender>"}}]], NEWS | {"arns":
           {"SourceArn": "arn:aws:ses:us-east-1:<boxed>:identity/example.com"}}, "<boxed>", "leave-sandbox"),
    report("boto/boto3#3873", "recipient-verified-by-the-owner", "SA502", [["sandbox", "boxed"], MAIL, ["policy",
           "owner", "example.com", {"Principal": {"AWS": "<boxed>"}}], ["identity", "owner", "reader@elsewhere.test"]],
           NAMED | {"as": "boxed"}, "reader@elsewhere.test", "<boxed>"),
    # Signing in.
    report("wpmailsmtp.com: invalid signature", "key-was-switched-off", "SA704", [OWN, robot(SEND), ["key_off",
           "sender", "robot"]], MINE | {"inactive": True}, "<key:sender/robot>", "active"),
    report("manongdao.com: rotated SMTP keys", "smtp-key-was-switched-off", "SA701", [OWN, robot(SEND), ["key_off",
           "sender", "robot"]], MY_SMTP | {"inactive": True}, "<key:sender/robot>", "smtp credentials"),
    report("taourl.com: InvalidClientTokenId in nestjs", "session-token-left-out", "SA704", [OWN, app(SEND)], MINE_APP |
           {"no_token": True}, "token", reader="operator"),
    report("knadh/listmonk#2160", "keys-of-a-role-over-smtp", "SA701", [OWN, app(SEND)], MINE_APP | {"door": "smtp"},
           "<key:sender/app>", "temporary", reader="operator", applied=False),
    report("drdroid.io: SignatureDoesNotMatch", "clock-is-an-hour-off", "SA703", [OWN], NEWS | {"clock": 3600},
           "clock", " s behind"),
    # Limits and the message itself.
    report("stackoverflow: Maximum sending rate exceeded", "faster-than-the-rate", "SA602", [OWN, ["quota", "sender",
           200, 1], ["first", NEWS]], NEWS, "rate", "set-quota"),
    report("dg: MAIL FROM domain, reject", "mail-from-domain-is-not-ready", "SA604", [OWN, ["call", "sender", "ses",
           "set_identity_mail_from_domain", {"Identity": "example.com", "MailFromDomain": "bounce.example.com",
           "BehaviorOnMXFailure": "RejectMessage"}]], NEWS, "bounce.example.com", applied=False),
    report("stackoverflow: Missing final '@domain'", "recipient-undefined", "SA605", [OWN], NEWS | {"to":
           "undefined"}, "Missing final '@domain'", applied=False),
    report("stackoverflow: Domain contains illegal character", "two-recipients-with-a-semicolon", "SA605", [OWN],
           NEWS | {"to": "a@elsewhere.test;b@elsewhere.test"}, "semicolon", applied=False),
]  # fmt: skip
"""`applied=False`: the mend is DNS or the message itself, and nothing that a test could do to the server."""


EU = "arn:aws:ses:eu-west-1:<owner>:identity/example.com"
ADDRESS_ARN = "arn:aws:ses:us-east-1:<owner>:identity/news@example.com"
BOOKS = "xn--bcher-kva.example"
BOOKS_ARN = f"arn:aws:ses:us-east-1:<owner>:identity/{BOOKS}"

LATER: list[Described] = [
    report("stackoverflow: ses:Send without a star", "action-cut-short", "SA301", [OWN, robot(SEND | {"Action":
           ["ses:Send", "ses:GetSendQuota"]})], MINE, "`ses:Send`", "ses:SendEmail"),
    report("stackoverflow: email:SendEmail", "service-of-the-endpoint-as-prefix", "SA301", [OWN, robot(SEND | {
           "Action": "email:SendRawEmail"})], MY_SMTP, "email:SendRawEmail", "ses:SendRawEmail"),
    report("aws docs: NotResource", "identity-left-out-by-not-resource", "SA206", [OWN, robot({"Effect": "Allow",
           "Action": "ses:*", "NotResource": OWN_ARN})], MINE, "leaves out", OWN_ARN),
    report("aws/aws-cdk#25115", "colon-where-a-slash-belongs", "SA206", [OWN, robot(SEND | {"Resource":
           "arn:aws:ses:us-east-1:<sender>:identity:example.com"})], MINE, "identity:example.com", OWN_ARN),
    report("stackoverflow: StringNotEquals aws:SourceIp", "range-as-text-denies-everybody", "SA208 SA403", [MAIL,
           lends({}, {"Effect": "Deny", **when("StringNotEquals", "aws:SourceIp", "198.51.100.0/24")})], NAMED,
           "198.51.100.0/24", "NotIpAddress", reader="owner"),
    report("awsdocs/amazon-ses-developer-guide#13", "arn-of-the-domain-policy-on-the-address", "SA201 SA104", [MAIL,
           ["identity", "owner", "news@example.com"], ["policy", "owner", "news@example.com", {"Principal": {"AWS":
           "<sender>"}}]], NAMED, ADDRESS_ARN, "SourceArn"),
    report("dg: delegate sender tasks, regions", "lent-in-the-other-region-only", "SA105", [MAIL, ["identity", "owner",
           "example.com", "eu-west-1"], ["policy_in", "eu-west-1", "owner", "example.com", {"Principal": {"AWS":
           "<sender>"}}]], V2, "eu-west-1", EU),
    report("dg: creating identities, case of addresses", "lent-address-in-other-case", "SA107", [["identity", "owner",
           "News@example.com"], ["policy", "owner", "News@example.com", {"Principal": {"AWS": "<sender>"}}]], NEWS | {
           "arns": {"SourceArn": "arn:aws:ses:us-east-1:<owner>:identity/News@example.com"}}, "News@example.com",
           "case of the local part", applied=False),
    report("wpmailsmtp.com: invalid signature", "smtp-password-as-secret-key", "SA704", [OWN, robot(SEND)], MINE | {
           "secret": "B" + "x" * 43}, "<key:sender/robot>", "SMTP password"),
    report("danilop/LambdAuth#64", "domain-of-the-recipient-verified-elsewhere", "SA502", [["sandbox", "boxed"],
           ["identity", "boxed", "example.com"], ["identity", "boxed", "elsewhere.test", "eu-central-1"]], NEWS | {
           "as": "boxed"}, "reader@elsewhere.test", "eu-central-1"),
    report("dg: MAIL FROM domain, reject", "owners-mail-from-as-the-delegate-sees-it", "SA604", [MAIL, LEND, ["call",
           "owner", "ses", "set_identity_mail_from_domain", {"Identity": "example.com", "MailFromDomain":
           "canary.example.com", "BehaviorOnMXFailure": "RejectMessage"}]], NAMED, "<owner>", applied=False,
           never=("canary.",)),
    report("anymail/django-anymail#274", "template-of-the-owner", "SA601", [MAIL, LEND, ["call", "owner", "ses",
           "create_template", {"Template": {"TemplateName": "theirs", "SubjectPart": "s", "TextPart": "t"}}]], NAMED |
           {"door": "templated", "template": "theirs"}, "theirs", "<sender>"),
    report("aws docs: version of policies", "owners-variable-in-the-old-version", "SA401", [MAIL, robot(SEND), ["call",
           "owner", "ses", "put_identity_policy", {"Identity": "example.com", "PolicyName": "lend", "Policy":
           '{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"<sender>"},"Action":'
           '"ses:SendEmail","Resource":"' + ARN + '","Condition":{"StringEquals":{"ses:FromAddress":'
           '"${aws:username}@example.com"}}}]}'}]], ROBOT | {"from": "robot@example.com"}, "2012-10-17",
           "${aws:username}", reader="owner"),
    report("stackoverflow: typo in a condition key", "key-with-one-d", "SA401", [OWN, robot(SEND | when("StringEquals",
           "ses:FromAdress", "news@example.com"))], MINE, "ses:FromAdress", "ses:FromAddress"),
    report("repost: dual stack and aws:SourceIp", "address-of-the-other-family", "SA403", [OWN, robot(SEND | when(
           "IpAddress", "aws:SourceIp", "0.0.0.0/0"))], MINE | {"ip": "2001:db8::7"}, "2001:db8::7", "0.0.0.0/0"),
    report("aws docs: force MFA policy", "allowed-with-mfa-only", "SA401", [OWN, robot(SEND | when("Bool",
           "aws:MultiFactorAuthPresent", "true"))], MINE, "aws:MultiFactorAuthPresent"),
    report("dg: sending policy examples", "quotes-in-the-display-name", "SA401", [MAIL, lend(**when("StringEquals",
           "ses:FromDisplayName", '"Example News"'))], NAMED | {"from": "Example News <news@example.com>"},
           "`Example News`", reader="owner"),
    report("stackoverflow: IDN in SES", "unicode-in-a-pattern", "SA401", [["identity", "owner", BOOKS], ["policy",
           "owner", BOOKS, {"Principal": {"AWS": "<sender>"}, **when("StringLike", "ses:FromAddress",
           "*@bücher.example")}]], NEWS | {"from": f"news@{BOOKS}", "arns": {"SourceArn": BOOKS_ARN}},
           f"news@{BOOKS}", "bücher.example", reader="owner"),
    report("dg: delegate sender tasks, parameters", "return-path-arn-of-another-domain", "SA107", [MAIL, LEND,
           ["identity", "owner", "b.test"]], NAMED | {"return_path": "bounces@example.net", "arns": {"SourceArn": ARN,
           "ReturnPathArn": "arn:aws:ses:us-east-1:<owner>:identity/b.test"}}, "bounces@example.net", "ReturnPathArn",
           "b.test", applied=False),
    report("stackoverflow: restrict from address with Deny", "own-deny-of-other-addresses", "SA208", [OWN, robot(SEND,
           unless("StringNotLike", "ses:FromAddress", "no-reply@*"))], MINE, "news@example.com", "no-reply@*"),
    report("repost: 554 Access denied from my IAM user", "group-for-another-domain", "SA206", [OWN, robot(), ["group",
           "sender", "mailers", "robot", SEND | {"Resource": "arn:aws:ses:us-east-1:<sender>:identity/old.test"}]],
           MINE, "mailers", "identity/old.test", OWN_ARN),
    report("danielireson/formplug#11", "account-is-named-role-has-nothing", "SA205", [MAIL, LEND, app()], APP,
           "role/app", "ses:SendEmail", ARN),
    report("aws docs: session policies", "session-for-another-identity", "SA207", [OWN, ["role", "sender", "app",
           "i-1", [OPEN], SEND | {"Resource": "arn:aws:ses:us-east-1:<sender>:identity/other.test"}]], MINE_APP,
           "session", OWN_ARN),
    report("usdigitalresponse/usdr-gost#3080", "set-is-denied", "SA208", [OWN, SET, robot(OPEN, DENY | {"Resource":
           "arn:aws:ses:us-east-1:<sender>:configuration-set/*"})], MINE | {"set": "metrics"},
           "configuration-set/metrics", "`own`"),
    report("stackoverflow: identity policy and IAM", "policy-for-the-wrong-user", "SA201", [MAIL, robot(SEND), ["user",
           "sender", "mailer", SEND], lend(Principal={"AWS": "arn:aws:iam::<sender>:user/mailer"})], ROBOT,
           "<owner>", "user/robot"),
]  # fmt: skip
"""Written after the first were mended, and before these were tried."""


RIGHT: list[Described] = [
    report("stackoverflow: aws:PrincipalArn assumed-role", "role-in-principal-arn", "", [MAIL, app(SEND), lend(
           Principal="*", **when("ArnEquals", "aws:PrincipalArn", "arn:aws:iam::<sender>:role/app"))], APP),
    report("dg: policy examples", "recipients-of-one-domain", "", [MAIL, lend(**when("ForAllValues:StringLike",
           "ses:Recipients", "*@elsewhere.test"))], NAMED),
    report("dg: delegate sender tasks", "return-path-at-a-subdomain", "", [MAIL, LEND], RAW | {"fields": [[
           "Return-Path", "b@bounce.example.com"]]}),
    report("amazon-cognito-developer-guide#41", "service-for-an-account", "", [MAIL, ["service",
           "cognito-idp.amazonaws.com"], lend(Principal={"Service": "cognito-idp.amazonaws.com"}, **when(
           "StringEquals", "aws:SourceAccount", "<sender>"))], NAMED | {"as": "service", "for": "sender"}),
    report("repost: Unauthorized error in SES", "by-a-group", "", [OWN, robot(), ["group", "sender", "mailers", "robot",
           SEND]], MINE),
    report("medplum/medplum#10102", "default-set-is-among-the-resources", "", [OWN, SET, ["default_set", "sender",
           "example.com", "metrics"], robot(SEND | {"Resource": [OWN_ARN,
           "arn:aws:ses:us-east-1:<sender>:configuration-set/*"]})], MINE),
    report("anymail/django-anymail#274", "bulk-of-v2", "", [OWN, TEMPLATE, robot(SEND | {"Action":
           ["ses:SendBulkEmail"]})], MINE | {"door": "v2bulk", "template": "welcome"}),
    report("aws docs: deny outside the requested region", "region-guard-of-this-region", "", [OWN, robot(SEND, {
           "Effect": "Deny", "NotAction": ["iam:*"], "Resource": "*", **when("StringNotEquals",
           "aws:RequestedRegion", "us-east-1", "eu-west-1")})], MINE),
    report("repost: aws:SecureTransport deny", "tls-guard-over-tls", "", [MAIL, lends({}, {"Effect": "Deny", **when(
           "Bool", "aws:SecureTransport", "false")})], NAMED),
    report("dg: creating identities, labels", "label-and-a-pattern", "", [MAIL, lend(**when("StringLike",
           "ses:FromAddress", "news@example.com", "news+*@example.com"))], NAMED | {"from": "news+job7@example.com"}),
    report("dg: sending policy examples", "window-with-both-ends", "", [MAIL, lend(Condition={"DateGreaterThan":
           {"aws:CurrentTime": "2020-01-01T00:00:00Z"}, "DateLessThan": {"aws:CurrentTime":
           "2098-01-01T00:00:00Z"}})], NAMED),
    report("dg: policy anatomy", "an-action-a-statement", "", [MAIL, lends({"Action": "ses:SendEmail"}, {"Action":
           "ses:SendRawEmail"})], SMTP),
    report("dg: delegate sender tasks", "all-three-headers", "", [MAIL, LEND], NEWS | {"door": "smtp", "fields": [[name,
           ARN] for name in ("X-SES-SOURCE-ARN", "X-SES-FROM-ARN", "X-SES-RETURN-PATH-ARN")]}),
    report("aws-amplify/amplify-backend#3134", "own-arn-of-the-domain", "", [OWN], NEWS | {"arns": {"SourceArn":
           OWN_ARN}}),
    report("loopingz/aws-smtp-relay#16", "from-arn-alone", "", [MAIL, LEND], NEWS | {"door": "raw", "source":
           "news@example.com", "arns": {"FromArn": ARN}}),
    report("Netflix/iep#367", "from-header-alone-over-smtp", "", [MAIL, LEND], NEWS | {"door": "smtp", "fields":
           [["X-SES-FROM-ARN", ARN]]}),
    report("danilop/LambdAuth#64", "sandbox-with-a-verified-domain", "", [["sandbox", "boxed"], ["identity", "boxed",
           "example.com"], ["identity", "boxed", "elsewhere.test"]], NEWS | {"as": "boxed"}),
    report("my247apps SES policy generator", "domain-and-subdomains", "", [MAIL, lend(**when("StringLike",
           "ses:FromAddress", "*@example.com", "*@*.example.com"))], NAMED | {"from": "news@mail.example.com"}),
    report("repost: aws:SourceIp in deny statements", "inside-the-office-range", "", [MAIL, lends({}, {"Effect": "Deny",
           **when("NotIpAddress", "aws:SourceIp", "198.51.100.0/24", "2001:db8::/32")})], NAMED),
    report("aws docs: tags of principals", "tag-of-the-user-fits", "", [OWN, robot(SEND | when("StringEquals",
           "aws:PrincipalTag/team", "news")), ["tag_user", "sender", "robot", "team", "news"]], MINE),
    report("aws docs: version of policies", "username-in-the-resource", "", [["identity", "sender",
           "robot@example.com"], robot(SEND | {"Resource":
           "arn:aws:ses:us-east-1:<sender>:identity/${aws:username}@example.com"})], MINE | {"from":
           "robot@example.com"}),
    report("aws docs: session policies", "session-for-this-identity", "", [OWN, ["role", "sender", "app", "i-1", [OPEN],
           SEND | {"Resource": OWN_ARN}]], MINE_APP),
]  # fmt: skip
"""Set-ups in which nothing is wrong: each must be let through, and none of its policies be warned of."""
