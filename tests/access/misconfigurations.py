"""Misconfigurations that people reported in public, each as data: set-up, send, the cause and what its mend must say.

`<owner>` is that account's number. Every account is in production unless a step says `sandbox`. `says` must stand in
cause or mend, `reader` is whose sentence is looked at (the sender's, if not said).
"""

from typing import Any

MAIL = ["identity", "owner", "example.com"]
LEND = ["policy", "owner", "example.com", {"Principal": {"AWS": "<sender>"}}]
SEND = {"Effect": "Allow", "Action": ["ses:SendEmail", "ses:SendRawEmail"], "Resource": "*"}
ARN = "arn:aws:ses:us-east-1:<owner>:identity/example.com"
OWN_ARN = "arn:aws:ses:us-east-1:<sender>:identity/example.com"
OWN = ["identity", "sender", "example.com"]
BASE = [["account", "owner"], ["account", "sender"]]
NEWS = {"as": "sender", "from": "news@example.com"}
NAMED = NEWS | {"arns": {"SourceArn": ARN}}
ROBOT = NAMED | {"as": "sender/robot"}
V2 = NEWS | {"door": "v2", "arns": {"FromEmailAddressIdentityArn": ARN}}
SMTP = NEWS | {"door": "smtp", "fields": [["X-SES-SOURCE-ARN", ARN]]}
RAW = NAMED | {"door": "raw"}


def case(
    name: str,
    code: str,
    steps: list[Any],
    send: dict[str, Any],
    *says: str,
    reader: str = "sender",
    **more: Any,
) -> dict[str, Any]:
    return {
        "id": name,
        "code": code,
        "steps": [*BASE, *steps],
        "send": send,
        "says": says,
        "reader": reader,
        **more,
    }


def lend(**statement: Any) -> list[Any]:
    """The owner's policy, changed in places."""
    return ["policy", "owner", "example.com", {"Principal": {"AWS": "<sender>"}, **statement}]


def when(operator: str, key: str, *values: str) -> dict[str, Any]:
    return {"Condition": {operator: {key: list(values)}}}


CASES: list[dict[str, Any]] = [
    # The delegate's side: ARNs.
    case("boto3-raw-no-arn", "SA101", [MAIL, LEND], NEWS | {"door": "raw"}, "you named no ARN", ARN, "SourceArn"),
    case("relay-smtp-no-header", "SA101", [MAIL, LEND], NEWS | {"door": "smtp"}, "X-SES-SOURCE-ARN", ARN),
    case("nodemailer-v2-no-arn", "SA101", [MAIL, LEND], NEWS | {"door": "v2"}, "FromEmailAddressIdentityArn", ARN),
    case("lambda-simple-no-arn", "SA101", [MAIL, LEND], NEWS, "SourceArn", ARN),
    case("forwarder-original-from", "SA101", [OWN], NEWS | {"from": "someone@stranger.test", "door": "raw"},
         "stranger.test", "verify"),
    case("verify-probe-invalid-address", "SA101", [["user", "sender", "robot", SEND | {"Resource": OWN_ARN}], OWN],
         NEWS | {"as": "sender/robot", "from": "invalid@invalid.test"}, "invalid.test", "verify", also_policy=True),
    case("plain-new-user-unverified", "SA101", [], NEWS, "no verified identity", "verify `example.com`"),
    case("relay-return-path-elsewhere", "SA102", [MAIL, LEND], RAW | {"fields": [["Return-Path", "b@bounces.test"]]},
         "Return-Path", "bounces.test", "ReturnPathArn"),
    case("v1-return-path-elsewhere", "SA102", [MAIL, LEND], NAMED | {"return_path": "b@bounces.test"},
         "Return-Path", "bounces.test", "ReturnPathArn"),
    case("newsletter-sender-header", "SA102", [MAIL, LEND], RAW | {"fields": [["Sender", "list@lists.test"]]},
         "Sender", "lists.test"),
    case("envelope-from-other-domain", "SA102", [MAIL, LEND], SMTP | {"source": "bounce@mta.test",
         "fields": [["X-SES-FROM-ARN", ARN]]}, "mta.test"),
    case("copied-own-account-number", "SA103", [MAIL, LEND], NEWS | {"arns": {"SourceArn": OWN_ARN},
         "right_arn": ARN}, "own account number", "SourceArn"),
    case("own-number-smtp-header", "SA103", [MAIL, LEND], NEWS | {"door": "smtp", "right_arn": ARN,
         "fields": [["X-SES-SOURCE-ARN", OWN_ARN]]}, "own account number", "X-SES-SOURCE-ARN"),
    case("owner-sees-address-arn-missing", "SA104", [MAIL, LEND], NEWS | {"arns": {"SourceArn":
         "arn:aws:ses:us-east-1:<owner>:identity/news@example.com"}}, "not registered", ARN, reader="owner"),
    case("owner-sees-nothing-registered", "SA104", [["identity", "owner", "other.test"]], NAMED, "not registered",
         reader="owner", also_policy=True),
    case("django-endpoint-default-region", "SA105", [["identity", "sender", "example.com", "us-west-2"]], NEWS,
         "us-west-2", "us-east-1"),
    case("cross-account-lambda-other-region", "SA105", [["identity", "owner", "example.com", "eu-west-1"],
         ["policy_in", "eu-west-1", "owner", "example.com", {"Principal": {"AWS": "<sender>"}}]],
         NEWS | {"arns": {"SourceArn": "arn:aws:ses:eu-west-1:<owner>:identity/example.com"}}, "eu-west-1"),
    case("cognito-style-v2-region", "SA105", [["identity", "owner", "example.com", "eu-west-1"],
         ["policy_in", "eu-west-1", "owner", "example.com", {"Principal": {"AWS": "<sender>"}}]],
         V2 | {"arns": {"FromEmailAddressIdentityArn": "arn:aws:ses:eu-west-1:<owner>:identity/example.com"}},
         "eu-west-1", "call region"),
    case("mailer-header-misspelt", "SA106", [MAIL, LEND], NEWS | {"door": "smtp", "right_arn": ARN,
         "fields": [["X-SES-SOURCEARN", ARN]]}, "X-SES-SOURCEARN", "X-SES-SOURCE-ARN"),
    case("mailer-header-underscores", "SA106", [MAIL, LEND], NEWS | {"door": "smtp", "right_arn": ARN,
         "fields": [["X_SES_SOURCE_ARN", ARN]]}, "X_SES_SOURCE_ARN", "X-SES-SOURCE-ARN"),
    case("two-source-arns", "SA106", [MAIL, LEND, ["identity", "owner", "other.test"]], NEWS | {"door": "smtp",
         "fields": [["X-SES-SOURCE-ARN", "arn:aws:ses:us-east-1:<owner>:identity/other.test"],
                    ["X-SES-SOURCE-ARN", ARN]]}, "more than once"),
    case("v2-headers-with-arn", "SA106", [MAIL, LEND], NEWS | {"door": "v2", "right_arn": ARN,
         "headers": [{"Name": "X-SES-SOURCE-ARN", "Value": ARN}]}, "raw messages"),
    case("arn-of-parent-company", "SA107", [MAIL, LEND], NAMED | {"from": "news@example.net", "right_arn": ARN},
         "example.net", mended_from="news@example.com"),
    case("address-arn-for-domain-mail", "SA107", [["identity", "owner", "info@example.com"], MAIL, LEND], NEWS | {
         "arns": {"SourceArn": "arn:aws:ses:us-east-1:<owner>:identity/info@example.com"}, "right_arn": ARN},
         "info@example.com", "news@example.com"),
    case("subdomain-arn-for-parent", "SA107", [["identity", "owner", "mail.example.com"], MAIL, LEND], NEWS | {
         "arns": {"SourceArn": "arn:aws:ses:us-east-1:<owner>:identity/mail.example.com"}, "right_arn": ARN},
         "mail.example.com"),
    case("terraform-domain-instead-of-arn", "SA108", [MAIL, LEND], NEWS | {"arns": {"SourceArn": "example.com"},
         "right_arn": ARN}, "not the ARN", "identity/"),
    case("arn-without-identity-part", "SA108", [MAIL, LEND], NEWS | {"right_arn": ARN,
         "arns": {"SourceArn": "arn:aws:ses:us-east-1:<owner>:example.com"}}, "identity/"),
    case("iam-arn-as-source-arn", "SA108", [MAIL, LEND], NEWS | {"right_arn": ARN,
         "arns": {"SourceArn": "arn:aws:iam::<owner>:user/mailer"}}, "iam"),
    # The owner's policies.
    case("owner-forgot-policy", "SA201", [MAIL], NAMED, "no policy of the owner", "<owner>"),
    case("owner-forgot-policy-owner-view", "SA201", [MAIL], NAMED, "<sender>", "statement", reader="owner"),
    case("policy-names-third-account", "SA201", [MAIL, ["account", "third"],
         lend(Principal={"AWS": "<third>"})], NAMED, "<third>", "<sender>", reader="owner"),
    case("policy-names-user-app-is-role", "SA201", [MAIL, ["role", "sender", "app", "i-1", [SEND]],
         ["user", "sender", "mailer", SEND], lend(Principal={"AWS": "arn:aws:iam::<sender>:user/mailer"})],
         NAMED | {"as": "sender/app"}, "role/app", reader="owner"),
    case("policy-names-user-without-path", "SA201", [MAIL, ["account", "far"], ["user", "sender", "svc/robot", SEND],
         ["user", "sender", "other", SEND], lend(Principal={"AWS": "arn:aws:iam::<sender>:user/other"})], ROBOT,
         "user/svc/robot", reader="owner"),
    case("one-lambda-session-named", "SA202", [MAIL, ["role", "sender", "fn", "second", [SEND]],
         lend(Principal={"AWS": "arn:aws:sts::<sender>:assumed-role/fn/first"})], NAMED | {"as": "sender/fn"},
         "another session", "role/fn"),
    case("terraform-recreated-user", "SA203", [MAIL, ["user", "sender", "robot", SEND],
         lend(Principal={"AWS": "arn:aws:iam::<sender>:user/robot"}), ["remake_user", "sender", "robot", SEND]],
         ROBOT, "put the policy again", reader="owner"),
    case("account-named-user-bare", "SA205", [MAIL, LEND, ["user", "sender", "robot"]], ROBOT, "no IAM policy",
         "ses:SendEmail"),
    case("own-domain-policy-names-root", "SA205", [OWN, ["user", "sender", "robot"], ["policy", "sender",
         "example.com", {"Principal": {"AWS": "arn:aws:iam::<sender>:root"}}]], NEWS | {"as": "sender/robot"},
         "no IAM policy", "ses:SendEmail"),
    case("s3-upload-user-sends", "SA206", [OWN, ["user", "sender", "robot", {"Effect": "Allow", "Action": "s3:*",
         "Resource": "*"}]], NEWS | {"as": "sender/robot"}, "no IAM policy", "ses:SendEmail"),
    case("sam-policy-on-domain-not-address", "SA206", [OWN, ["identity", "sender", "my@example.com"], ["role",
         "sender", "fn", "s1", [SEND | {"Resource": OWN_ARN}]]], NEWS | {"as": "sender/fn", "from": "my@example.com"},
         "identity/my@example.com", "lists"),
    case("user-named-and-iam-empty", "SA206", [MAIL, ["user", "sender", "robot"],
         lend(Principal={"AWS": "arn:aws:iam::<sender>:user/robot"})], ROBOT, "no IAM policy", ARN),
    case("iam-resource-own-account-only", "SA205", [MAIL, LEND, ["user", "sender", "robot", SEND | {"Resource":
         "arn:aws:ses:us-east-1:<sender>:identity/*"}]], ROBOT, ARN, "lists"),
    case("iam-resource-wrong-region", "SA206", [OWN, ["user", "sender", "robot", SEND | {"Resource":
         "arn:aws:ses:eu-west-1:<sender>:identity/*"}]], NEWS | {"as": "sender/robot"}, "eu-west-1", "us-east-1"),
    case("scoped-down-session", "SA207", [OWN, ["role", "sender", "app", "s1", [SEND], {"Effect": "Allow",
         "Action": "s3:*", "Resource": "*"}]], NEWS | {"as": "sender/app"}, "session", "ses:SendEmail"),
    case("own-deny-recipients", "SA208", [OWN, ["user", "sender", "robot", SEND, {"Effect": "Deny",
         "Action": "ses:*", "Resource": "*", **when("ForAnyValue:StringNotLike", "ses:Recipients", "*@corp.test")}]],
         NEWS | {"as": "sender/robot"}, "denies", "IAM policy `own`", "reader@elsewhere.test"),
    case("owner-deny-beats-allow", "SA208", [MAIL, ["policy", "owner", "example.com", {"Principal":
         {"AWS": "<sender>"}}, {"Effect": "Deny", "Principal": {"AWS": "<sender>"}}]], NAMED, "denies",
         reader="owner"),
    case("owner-deny-sender-view", "SA208", [MAIL, ["policy", "owner", "example.com", {"Principal":
         {"AWS": "<sender>"}}, {"Effect": "Deny", "Principal": {"AWS": "<sender>"}, **when("StringEquals",
         "ses:FromAddress", "news@example.com")}]], NAMED, "owner's side", "news@example.com", mends=False),
    case("denied-on-the-address-itself", "SA208", [MAIL, LEND, ["identity", "owner", "news@example.com"], ["policy",
         "owner", "news@example.com", {"Effect": "Deny", "Principal": {"AWS": "<sender>"}}]], NAMED, "owner's side",
         mends=False),
    case("arn-of-any-region", "SA108", [MAIL, LEND], NEWS | {"arns": {"SourceArn":
         "arn:aws:ses:*:<owner>:identity/example.com"}}, "names no region", ARN),
    case("return-path-verified-elsewhere", "SA105", [OWN, ["identity", "sender", "b.test", "eu-west-1"]],
         NEWS | {"return_path": "x@b.test"}, "eu-west-1", "verify `b.test`"),
    # Actions and other resources.
    case("default-smtp-user-uses-api", "SA301", [OWN, ["user", "sender", "robot", SEND | {"Action":
         "ses:SendRawEmail"}]], NEWS | {"as": "sender/robot"}, "ses:SendEmail", "ses:SendRawEmail"),
    case("grafana-smtp-needs-raw", "SA301", [OWN, ["user", "sender", "robot", SEND | {"Action": "ses:SendEmail"}]],
         NEWS | {"as": "sender/robot", "door": "smtp"}, "ses:SendRawEmail"),
    case("actionmailer-v2-raw", "SA301", [OWN, ["user", "sender", "robot", SEND | {"Action": "ses:SendEmail"}]],
         NEWS | {"as": "sender/robot", "door": "v2raw"}, "ses:SendRawEmail"),
    case("owner-lists-sendemail-smtp", "SA301", [MAIL, lend(Action="ses:SendEmail")], SMTP, "ses:SendRawEmail"),
    case("owner-lists-sendemail-smtp-owner", "SA301", [MAIL, lend(Action="ses:SendEmail")], SMTP,
         "ses:SendRawEmail", "lists", "Action", reader="owner"),
    case("templated-not-listed", "SA301", [OWN, ["user", "sender", "robot", SEND], ["call", "sender", "ses",
         "create_template", {"Template": {"TemplateName": "t", "SubjectPart": "s", "TextPart": "t"}}]],
         NEWS | {"as": "sender/robot", "door": "templated", "template": "t"}, "ses:SendTemplatedEmail"),
    case("ecs-configuration-set", "SA302", [OWN, ["call", "sender", "ses", "create_configuration_set",
         {"ConfigurationSet": {"Name": "metrics"}}], ["user", "sender", "robot", SEND | {"Resource":
         "arn:aws:ses:*:*:identity/*"}]], NEWS | {"as": "sender/robot", "set": "metrics"},
         "configuration-set/metrics"),
    case("sandbox-recipient-resource", "SA302", [["sandbox", "boxed"], ["identity", "boxed", "example.com"],
         ["identity", "boxed", "elsewhere.test"], ["user", "boxed", "robot", SEND | {"Resource":
         "arn:aws:ses:us-east-1:<boxed>:identity/example.com"}]], NEWS | {"as": "boxed/robot"},
         "identity/elsewhere.test", "sandbox"),
    # Conditions.
    case("regex-in-string-like", "SA401", [MAIL, lend(**when("StringLike", "ses:FromAddress",
         "invoicing+.*@example.com"))], NAMED | {"from": "invoicing-1@example.com"}, "invoicing+.*@example.com",
         "invoicing-1@example.com", reader="owner"),
    case("wildcard-in-string-equals", "SA401", [MAIL, lend(**when("StringEquals", "ses:FromAddress",
         "*@example.com"))], NAMED, "StringLike", "news@example.com", reader="owner"),
    case("from-address-case", "SA401", [MAIL, lend(**when("StringEquals", "ses:FromAddress", "News@example.com"))],
         NAMED, "case of letters", reader="owner"),
    case("from-address-with-name", "SA401", [MAIL, lend(**when("StringEquals", "ses:FromAddress",
         "News <news@example.com>"))], NAMED, "display name", reader="owner"),
    case("from-address-sender-view", "SA401", [MAIL, lend(**when("StringLike", "ses:FromAddress",
         "info@example.com"))], NAMED, "news@example.com", "<owner>", mends=False),
    case("display-name-differs", "SA401", [MAIL, lend(**when("StringEquals", "ses:FromDisplayName", "Marketing"))],
         NAMED | {"from": "Marketing Team <news@example.com>"}, "Marketing Team", reader="owner"),
    case("feedback-address-condition", "SA401", [MAIL, lend(**when("StringEquals", "ses:FeedbackAddress",
         "bounces@example.com"))], NAMED, "ses:FeedbackAddress", "news@example.com", reader="owner"),
    case("own-iam-from-address", "SA401", [OWN, ["user", "sender", "robot", SEND | when("StringEquals",
         "ses:FromAddress", "noreply@example.com")]], NEWS | {"as": "sender/robot"}, "noreply@example.com",
         "news@example.com"),
    case("recipient-list-condition", "SA401", [OWN, ["user", "sender", "robot", SEND | when(
         "ForAllValues:StringLike", "ses:Recipients", "*@corp.test")]], NEWS | {"as": "sender/robot"},
         "reader@elsewhere.test"),
    case("username-variable", "SA401", [OWN, ["user", "sender", "robot", SEND | when("StringEquals",
         "ses:FromAddress", "${aws:username}@example.com")]], NEWS | {"as": "sender/robot"}, "robot@example.com"),
    case("username-variable-role", "SA401", [OWN, ["role", "sender", "app", "s1", [SEND | when("StringEquals",
         "ses:FromAddress", "${aws:username}@example.com")]]], NEWS | {"as": "sender/app"}, "aws:username",
         "no value"),
    case("tls-required", "SA401", [OWN, ["user", "sender", "robot", SEND | when("Bool", "aws:SecureTransport",
         "true")]], NEWS | {"as": "sender/robot", "secure": False}, "aws:SecureTransport"),
    case("api-version-condition", "SA401", [OWN, ["user", "sender", "robot", SEND | when("StringEquals",
         "ses:ApiVersion", "2")]], NEWS | {"as": "sender/robot"}, "ses:ApiVersion"),
    case("contract-ended", "SA402", [MAIL, lend(**when("DateLessThan", "aws:CurrentTime",
         "2024-08-31T12:00:00Z"))], NAMED, "2024-08-31", reader="owner"),
    case("contract-ended-sender", "SA402", [MAIL, lend(**when("DateLessThan", "aws:CurrentTime",
         "2024-08-31T12:00:00Z"))], NAMED, "aws:CurrentTime", mends=False),
    case("office-address-only", "SA403", [OWN, ["user", "sender", "robot", SEND | when("IpAddress", "aws:SourceIp",
         "203.0.113.0/24")]], NEWS | {"as": "sender/robot", "ip": "198.51.100.23"}, "198.51.100.23"),
    case("private-range-behind-nat", "SA403", [MAIL, lend(**when("IpAddress", "aws:SourceIp", "10.0.0.0/8"))],
         NAMED, "198.51.100.7", "10.0.0.0/8", reader="owner"),
    # Verification and sandbox.
    case("domain-still-pending", "SA501", [["pending", "sender", "example.com"]], NEWS, "Pending", "dns records"),
    case("address-link-not-clicked", "SA501", [["pending", "sender", "news@example.com"]], NEWS, "link"),
    case("owner-domain-pending", "SA501", [["pending", "owner", "example.com"], LEND], NAMED, "<owner>"),
    case("sandbox-unverified-recipient", "SA502", [["sandbox", "boxed"], ["identity", "boxed", "example.com"]],
         NEWS | {"as": "boxed"}, "reader@elsewhere.test", "leave-sandbox"),
    case("sandbox-smtp-recipient", "SA502", [["sandbox", "boxed"], ["identity", "boxed", "example.com"]],
         NEWS | {"as": "boxed", "door": "smtp"}, "<boxed>", "leave-sandbox"),
    # Resources, limits, switches.
    case("sendportal-missing-set", "SA601", [OWN], NEWS | {"set": "tracking"}, "tracking", "<sender>"),
    case("owners-set-named-by-delegate", "SA601", [MAIL, LEND, ["call", "owner", "ses", "create_configuration_set",
         {"ConfigurationSet": {"Name": "theirs"}}]], NAMED | {"set": "theirs"}, "theirs", "<sender>"),
    case("template-in-other-region", "SA601", [OWN], NEWS | {"door": "templated", "template": "welcome"}, "welcome"),
    case("daily-quota-reached", "SA602", [OWN, ["quota", "sender", 0, 14]], NEWS, "24-hour quota",
         "--region us-east-1`"),
    case("account-paused", "SA603", [OWN, ["call", "sender", "ses", "update_account_sending_enabled",
         {"Enabled": False}]], NEWS, "switched its sending off", "--enabled"),
    case("set-paused", "SA603", [OWN, ["call", "sender", "ses", "create_configuration_set", {"ConfigurationSet":
         {"Name": "bulk"}}], ["call", "sender", "sesv2", "put_configuration_set_sending_options",
         {"ConfigurationSetName": "bulk", "SendingEnabled": False}]], NEWS | {"set": "bulk"}, "bulk"),
    # Signing in.
    case("secret-as-smtp-password", "SA701", [OWN, ["user", "sender", "robot", SEND]], NEWS | {"as": "sender/robot",
         "door": "smtp", "password": "<secret>"}, "secret access key", "smtp credentials"),
    case("iam-user-name-as-smtp-user", "SA701", [OWN, ["user", "sender", "mailer", SEND]], NEWS | {
         "as": "sender/mailer", "door": "smtp", "username": "mailer"}, "is the name of a user", "the same password"),
    case("smtp-password-typo", "SA701", [OWN, ["user", "sender", "robot", SEND]], NEWS | {"as": "sender/robot",
         "door": "smtp", "password": "BTypedWrong"}, "not the one derived", "smtp credentials"),
    case("smtp-password-of-other-region", "SA702", [OWN], NEWS | {"door": "smtp", "region": "eu-west-1"},
         "eu-west-1", "us-east-1"),
    case("api-secret-wrong", "SA704", [OWN, ["user", "sender", "robot", SEND]], NEWS | {"as": "sender/robot",
         "secret": "x" * 40}, "signature", "key"),
    case("api-unknown-key", "SA704", [OWN], NEWS | {"key": "AKIAAAAAAAAAAAAAAAAA"}, "AKIAAAAAAAAAAAAAAAAA",
         reader="operator"),
]  # fmt: skip

CORRECT: list[dict[str, Any]] = [
    case("delegate-account", "", [MAIL, LEND], NAMED),
    case("delegate-v2", "", [MAIL, LEND], V2),
    case("delegate-smtp", "", [MAIL, LEND], SMTP),
    case("delegate-raw", "", [MAIL, LEND], RAW),
    case("delegate-raw-from-arn", "", [MAIL, LEND], RAW | {"arns": {"SourceArn": ARN, "FromArn": ARN}}),
    case("delegate-subdomain", "", [MAIL, LEND], NAMED | {"from": "news@mail.example.com"}),
    case("delegate-label", "", [["identity", "owner", "news@example.com"], ["policy", "owner", "news@example.com",
         {"Principal": {"AWS": "<sender>"}}]], NEWS | {"from": "news+x@example.com", "arns": {"SourceArn":
         "arn:aws:ses:us-east-1:<owner>:identity/news@example.com"}}),
    case("delegate-user", "", [MAIL, ["user", "sender", "robot", SEND],
         lend(Principal={"AWS": "arn:aws:iam::<sender>:user/robot"})], ROBOT),
    case("delegate-role", "", [MAIL, ["role", "sender", "app", "s1", [SEND]],
         lend(Principal={"AWS": "arn:aws:iam::<sender>:role/app"})], NAMED | {"as": "sender/app"}),
    case("delegate-one-session", "", [MAIL, ["role", "sender", "app", "s1", [SEND]],
         lend(Principal={"AWS": "arn:aws:sts::<sender>:assumed-role/app/s1"})], NAMED | {"as": "sender/app"}),
    case("own-domain", "", [OWN], NEWS),
    case("own-address", "", [["identity", "sender", "news@example.com"]], NEWS),
    case("own-user", "", [OWN, ["user", "sender", "robot", SEND]], NEWS | {"as": "sender/robot"}),
    case("own-user-by-identity-policy", "", [OWN, ["user", "sender", "robot"], ["policy", "sender", "example.com",
         {"Principal": {"AWS": "arn:aws:iam::<sender>:user/robot"}}]], NEWS | {"as": "sender/robot"}),
    case("from-condition", "", [MAIL, lend(**when("StringLike", "ses:FromAddress", "news*@example.com"))], NAMED),
    case("exact-from-condition", "", [MAIL, lend(**when("StringEquals", "ses:FromAddress", "news@example.com"))],
         NAMED),
    case("display-name-condition", "", [MAIL, lend(**when("StringLike", "ses:FromDisplayName", "Example*"))],
         NAMED | {"from": "Example News <news@example.com>"}),
    case("feedback-condition", "", [MAIL, lend(**when("StringLike", "ses:FeedbackAddress", "*@example.com"))],
         NAMED),
    case("public-range", "", [MAIL, lend(**when("IpAddress", "aws:SourceIp", "198.51.100.0/24"))], NAMED),
    case("window-open", "", [MAIL, lend(**when("DateLessThan", "aws:CurrentTime", "2099-01-01T00:00:00Z"))], NAMED),
    case("configuration-set", "", [OWN, ["call", "sender", "ses", "create_configuration_set", {"ConfigurationSet":
         {"Name": "m"}}]], NEWS | {"set": "m"}),
    case("sandbox-simulator", "", [["sandbox", "boxed"], ["identity", "boxed", "example.com"]], NEWS | {
         "as": "boxed", "to": "success@simulator.amazonses.com"}),
    case("version-and-tls", "", [MAIL, lend(**when("Bool", "aws:SecureTransport", "true"))], NAMED),
    case("username-of-users", "", [OWN, ["user", "sender", "robot", SEND | when("StringEquals", "ses:FromAddress",
         "${aws:username}@example.com")]], NEWS | {"as": "sender/robot", "from": "robot@example.com"}),
]  # fmt: skip
"""Set-ups in which nothing is wrong."""
