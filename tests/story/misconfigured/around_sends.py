"""Set-ups in which what stands around a send is wrong: sandboxes, limits, texts, keys, other calls; several at once."""

from typing import Any

from tests.story.misconfigured.guards import newest_mend
from tests.story.misconfigured.typed_in import deny, lending
from tests.story.misconfigured.world import MAY_SEND, Steps, World, case, document, smtp_password
from tests.support.process import Account


@case(
    seen="both accounts are in the sandbox",
    code="SA502",
    says=("sandbox", "{sender}"),
    mend=("leave-sandbox {sender}",),
    also=("SA503",),
)
def both_in_the_sandbox(w: World) -> Steps:
    both = (w.sesame.create_account(production=False) for _ in range(2))
    # The sender's is told of first, though its number is the higher one.
    w.owner, w.sender = sorted(both, key=lambda account: account.account_id)
    w.arn = w.sesame.vouch(w.owner, w.domain)
    w.allow()
    yield lambda: w.simple(w.sender)
    for account in (w.owner, w.sender):
        w.sesame.run("account", "leave-sandbox", account.account_id)
    yield lambda: w.simple(w.sender)


@case(
    seen="sandbox over SMTP",
    code="SA502",
    says=("sandbox", "you@elsewhere.test"),
    mend=("leave-sandbox {sender}",),
)
def sandbox_over_smtp(w: World) -> Steps:
    w.sender = w.sesame.create_account(production=False)
    w.allow()
    fields = {"X-SES-SOURCE-ARN": w.arn}
    yield lambda: w.smtp(w.sender, fields)
    w.sesame.run("account", "leave-sandbox", w.sender.account_id)
    yield lambda: w.smtp(w.sender, fields)


@case(
    seen="the account was paused by its own alarm; a relay sends on",
    code="SA603",
    says=("{sender}",),
    mend=("--region us-east-1",),
)
def paused_account_over_smtp(w: World) -> Steps:
    w.allow()
    v2 = w.client("sesv2", w.sender)
    v2.put_account_sending_attributes(SendingEnabled=False)
    fields = {"X-SES-SOURCE-ARN": w.arn}
    yield lambda: w.smtp(w.sender, fields)
    v2.put_account_sending_attributes(SendingEnabled=True)
    yield lambda: w.smtp(w.sender, fields)


@case(
    seen="the day's quota, over SMTP",
    code="SA602",
    says=("24-hour quota",),
    mend=("set-quota {sender}",),
)
def day_quota_over_smtp(w: World) -> Steps:
    w.allow()
    fields = {"X-SES-SOURCE-ARN": w.arn}
    w.sesame.run("account", "set-quota", w.sender.account_id, "--max-24-hour-send", "1")
    w.smtp(w.sender, fields)
    yield lambda: w.smtp(w.sender, fields)
    w.sesame.run("account", "set-quota", w.sender.account_id, "--max-24-hour-send", "1000")
    yield lambda: w.smtp(w.sender, fields)


@case(
    seen="a blank in the name of a tag of v2",
    code="SA605",
    says=("campaign name",),
    mend=("campaign name", "letters"),
)
def blank_in_a_tags_name(w: World) -> Steps:
    w.allow()
    yield lambda: w.v2(w.sender, EmailTags=[{"Name": "campaign name", "Value": "a"}])
    yield lambda: w.v2(w.sender, EmailTags=[{"Name": "campaign-name", "Value": "a"}])


@case(
    seen="a template of v2 lacks a variable: accepted, and nothing comes",
    code="SA605",
    says=("name",),
    mend=("name",),
)
def v2_template_lacks_a_variable(w: World) -> Steps:
    w.allow(Action="ses:Send*")
    w.client("sesv2", w.sender).create_email_template(
        TemplateName="hello", TemplateContent={"Subject": "Hi {{name}}", "Text": "t"}
    )

    def send(data: str) -> Any:
        return w.v2(w.sender, Content={"Template": {"TemplateName": "hello", "TemplateData": data}})

    yield lambda: send("{}")
    yield lambda: send('{"name": "Reader"}')


@case(
    seen="ReplyTo without a domain",
    code="SA605",
    says=("support",),
    mend=("name@example.com",),
)
def reply_to_without_a_domain(w: World) -> Steps:
    w.allow()
    yield lambda: w.simple(w.sender, ReplyToAddresses=["support"])
    yield lambda: w.simple(w.sender, ReplyToAddresses=["support@elsewhere.test"])


@case(
    seen="a Cc list with semicolons, as mail programs take it",
    code="SA605",
    says=("a@elsewhere.test;b@elsewhere.test",),
    mend=("semicolon|each address|one of its own|name@example.com",),
)
def semicolons_between_addresses(w: World) -> Steps:
    w.allow()
    to = {"ToAddresses": ["you@elsewhere.test"], "CcAddresses": ["a@elsewhere.test;b@elsewhere.test"]}
    yield lambda: w.simple(w.sender, Destination=to)
    yield lambda: w.simple(
        w.sender, Destination={**to, "CcAddresses": ["a@elsewhere.test", "b@elsewhere.test"]}
    )


@case(
    seen="mailto: before the address and a word behind it: which of them is meant nobody can say",
    code="SA605",
    says=("mailto:you@elsewhere.test",),
    mend=("name@example.com",),
)
def mailto_before_the_address(w: World) -> Steps:
    w.allow()
    yield lambda: w.simple(w.sender, Destination={"ToAddresses": ["mailto:you@elsewhere.test x"]})
    yield lambda: w.simple(w.sender)


@case(
    seen="a form that writes the SMTP password in small letters",
    code="SA701",
    says=("password",),
    mend=("smtp credentials {sender}",),
)
def password_in_small_letters(w: World) -> Steps:
    w.allow()
    user = w.user("form", MAY_SEND)
    wrong = smtp_password(user.secret_access_key, "us-east-1").lower()
    fields = {"X-SES-SOURCE-ARN": w.arn}
    yield lambda: w.smtp(user, fields, password=wrong)
    yield lambda: w.smtp(user, fields)


@case(
    seen="the secret of another key of the same user, after a rotation",
    code="SA704",
    says=("signature",),
    mend=("its own secret",),
)
def secret_of_the_other_key(w: World) -> Steps:
    w.allow()
    user = w.user("app", MAY_SEND)
    other = w.client("iam", w.sender).create_access_key(UserName="app")["AccessKey"]
    mixed = Account(user.account_id, user.access_key_id, other["SecretAccessKey"])
    yield lambda: w.simple(mixed)
    yield lambda: w.simple(user)


def _assume(w: World) -> tuple[str, Any]:
    arn = w.role("app")
    key = w.client("iam", w.sender).create_access_key(UserName="app-robot")["AccessKey"]
    return arn, w.client("sts", Account(w.sender.account_id, key["AccessKeyId"], key["SecretAccessKey"]))


@case(
    seen="the role's name in other letters",
    code="SA209",
    says=("no role `arn:aws:iam::{sender}:role/App`", "did you mean `arn:aws:iam::{sender}:role/app`?"),
    mend=("name `arn:aws:iam::{sender}:role/app` as RoleArn",),
)
def role_in_other_letters(w: World) -> Steps:
    arn, sts = _assume(w)
    yield lambda: sts.assume_role(RoleArn=arn.replace("role/app", "role/App"), RoleSessionName="job")
    yield lambda: sts.assume_role(RoleArn=arn, RoleSessionName="job")


@case(
    seen="the name of a role with a letter too few",
    code="SA209",
    says=("no role `arn:aws:iam::{sender}:role/ap`", "did you mean `arn:aws:iam::{sender}:role/app`?"),
    mend=("name `arn:aws:iam::{sender}:role/app` as RoleArn",),
)
def role_with_a_letter_too_few(w: World) -> Steps:
    arn, sts = _assume(w)
    w.role("other")
    yield lambda: sts.assume_role(RoleArn=arn.replace("role/app", "role/ap"), RoleSessionName="job")
    right = newest_mend(w, "sender")["value"]
    yield lambda: sts.assume_role(RoleArn=right, RoleSessionName="job")


@case(
    seen="a role of a path, named without it",
    code="SA209",
    says=("no role `arn:aws:iam::{sender}:role/app`", "did you mean `arn:aws:iam::{sender}:role/ci/app`?"),
    mend=("name `arn:aws:iam::{sender}:role/ci/app` as RoleArn",),
)
def role_without_its_path(w: World) -> Steps:
    arn = w.role("app", path="/ci/")
    key = w.client("iam", w.sender).create_access_key(UserName="app-robot")["AccessKey"]
    sts = w.client("sts", Account(w.sender.account_id, key["AccessKeyId"], key["SecretAccessKey"]))
    yield lambda: sts.assume_role(RoleArn=arn.replace("/ci/", "/"), RoleSessionName="job")
    right = newest_mend(w, "sender")["value"]
    yield lambda: sts.assume_role(RoleArn=right, RoleSessionName="job")


@case(
    seen="a role that nobody created",
    code="SA209",
    says=("no role `arn:aws:iam::{sender}:role/quite-another`",),
    mend=("name a role that is there as RoleArn, or create",),
)
def role_that_is_not_there(w: World) -> Steps:
    arn, sts = _assume(w)
    other = arn.replace("role/app", "role/quite-another")
    yield lambda: sts.assume_role(RoleArn=other, RoleSessionName="job")
    yield lambda: sts.assume_role(RoleArn=arn, RoleSessionName="job")


@case(
    seen="a Deny of sts:AssumeRole on all users",
    code="SA208",
    says=("sts:AssumeRole",),
    mend=("change or remove IAM policy", "zqsender"),
)
def assume_role_is_denied(w: World) -> Steps:
    arn, sts = _assume(w)
    iam_of = w.client("iam", w.sender)
    no = document({"Effect": "Deny", "Action": "sts:AssumeRole", "Resource": "*"})
    iam_of.put_user_policy(UserName="app-robot", PolicyName="zqsender", PolicyDocument=no)
    yield lambda: sts.assume_role(RoleArn=arn, RoleSessionName="job")
    iam_of.delete_user_policy(UserName="app-robot", PolicyName="zqsender")
    yield lambda: sts.assume_role(RoleArn=arn, RoleSessionName="job")


@case(
    seen="a session of twelve hours, where the role allows one",
    code="SA605",
    says=("DurationSeconds|duration",),
    mend=("DurationSeconds|duration|shorter",),
)
def session_that_is_too_long(w: World) -> Steps:
    arn, sts = _assume(w)
    yield lambda: sts.assume_role(RoleArn=arn, RoleSessionName="job", DurationSeconds=43_200)
    yield lambda: sts.assume_role(RoleArn=arn, RoleSessionName="job")


@case(
    seen="a session policy with a comma too many",
    code="SA605",
    says=("policy",),
    mend=("policy|JSON",),
)
def session_policy_that_is_no_json(w: World) -> Steps:
    arn, sts = _assume(w)
    broken = '{"Version": "2012-10-17",, "Statement": []}'
    yield lambda: sts.assume_role(RoleArn=arn, RoleSessionName="job", Policy=broken)
    yield lambda: sts.assume_role(RoleArn=arn, RoleSessionName="job")


def _call(w: World, name: str, action: str, call: Any) -> Steps:
    user = w.user("app", MAY_SEND)
    yield lambda: call(user)
    w.user_may("app", MAY_SEND, {"Effect": "Allow", "Action": action, "Resource": "*"})
    yield lambda: call(user)


@case(
    seen="a plug-in asks which identities are verified",
    code="SA206",
    says=("ses:GetIdentityVerificationAttributes",),
    mend=("ses:GetIdentityVerificationAttributes", "user/app"),
)
def plug_in_asks_for_identities(w: World) -> Steps:
    action = "ses:GetIdentityVerificationAttributes"
    yield from _call(
        w,
        "app",
        action,
        lambda u: w.client("ses", u).get_identity_verification_attributes(Identities=["a.test"]),
    )


@case(
    seen="an installer makes its configuration set",
    code="SA206",
    says=("ses:CreateConfigurationSet", "user/app"),
    mend=("ses:CreateConfigurationSet",),
)
def installer_makes_its_set(w: World) -> Steps:
    yield from _call(
        w,
        "app",
        "ses:CreateConfigurationSet",
        lambda u: w.client("sesv2", u).create_configuration_set(ConfigurationSetName="installed"),
    )


@case(
    seen="a worker takes addresses off the suppression list",
    code="SA206",
    says=("ses:DeleteSuppressedDestination",),
    mend=("ses:DeleteSuppressedDestination",),
)
def worker_may_not_unsuppress(w: World) -> Steps:
    w.client("sesv2", w.sender).put_suppressed_destination(EmailAddress="x@elsewhere.test", Reason="BOUNCE")
    yield from _call(
        w,
        "app",
        "ses:DeleteSuppressedDestination",
        lambda u: w.client("sesv2", u).delete_suppressed_destination(EmailAddress="x@elsewhere.test"),
    )


@case(
    seen="templates are stored by the deployment's own user, who may not",
    code="SA206",
    says=("ses:CreateEmailTemplate|ses:CreateTemplate",),
    mend=("ses:CreateEmailTemplate|ses:CreateTemplate",),
)
def deployment_may_not_store_templates(w: World) -> Steps:
    content = {"Subject": "s", "Text": "t"}
    yield from _call(
        w,
        "app",
        "ses:Create*Template",
        lambda u: w.client("sesv2", u).create_email_template(TemplateName="t", TemplateContent=content),
    )


@case(
    seen="two things: the ARN is of another region, and the policy there has a condition",
    code="SA105",
    says=("eu-west-1", "us-east-1"),
    mend=("eu-west-1",),
)
def region_and_more(w: World) -> Steps:
    ireland = w.sesame.vouch(w.owner, w.domain, "eu-west-1")
    w.client("ses", w.owner, "eu-west-1").put_identity_policy(
        Identity=w.domain, PolicyName="zqowner", Policy=lending(w, ireland)
    )
    yield lambda: w.simple(w.sender, SourceArn=ireland)
    yield lambda: w.simple(w.sender, SourceArn=ireland, region="eu-west-1")


@case(
    seen="two things: the ARN has the sender's number, and its user has no IAM policy; the ARN comes first",
    code="SA103",
    says=("{sender}",),
    mend=("name `{arn}` in SourceArn",),
)
def number_and_iam(w: World) -> Steps:
    w.allow(Principal={"AWS": w.sender.account_id})
    user = w.user("app", MAY_SEND)
    wrong = w.arn.replace(w.owner.account_id, w.sender.account_id)
    yield lambda: w.simple(user, SourceArn=wrong)
    yield lambda: w.simple(user)


@case(
    seen="two things: the owner's policy lists another action and another address",
    code="SA301|SA401",
    reader="owner",
    says=("ses:SendRawEmail|ses:FromAddress",),
    mend=("ses:SendRawEmail", "sales@{domain}"),
    also=("SA301|SA401",),
)
def action_and_address(w: World) -> Steps:
    news = {"StringEquals": {"ses:FromAddress": f"news@{w.domain}"}}
    w.allow(Action="ses:SendEmail", Condition=news)
    fields = {"From": f"sales@{w.domain}"}
    yield lambda: w.raw(w.sender, fields)
    w.allow(
        Action=["ses:SendEmail", "ses:SendRawEmail"],
        Condition={"StringEquals": {"ses:FromAddress": [f"news@{w.domain}", f"sales@{w.domain}"]}},
    )
    yield lambda: w.raw(w.sender, fields)


@case(
    seen="two things: a set that is not there, and the sandbox",
    code="SA601",
    says=("tracking",),
    mend=("create",),
)
def set_and_sandbox(w: World) -> Steps:
    w.sender = w.sesame.create_account(production=False)
    w.allow()
    yield lambda: w.simple(w.sender, ConfigurationSetName="tracking")
    w.client("ses", w.sender).create_configuration_set(ConfigurationSet={"Name": "tracking"})
    w.sesame.run("account", "leave-sandbox", w.sender.account_id)
    yield lambda: w.simple(w.sender, ConfigurationSetName="tracking")


@case(
    seen="two things: paused by the owner, and the sender's IAM lacks it",
    code="SA603|SA205|SA206",
    says=("paused|IAM",),
    mend=("{owner}|user/app",),
)
def pause_and_iam(w: World) -> Steps:
    w.allow()
    user = w.user("app")
    bounds = w.client("sesame", w.owner)
    key = {"Identity": w.domain, "Delegate": w.sender.account_id}
    bounds.pause_delegate(**key, Reason="zqowner")
    yield lambda: w.simple(user)
    bounds.resume_delegate(**key)
    w.user_may("app", MAY_SEND)
    yield lambda: w.simple(user)


@case(
    seen="two Denies: of the owner for raw mail and of the sender's IAM for all",
    code="SA208",
    says=("zqsender",),
    mend=("zqsender",),
    also=("SA208",),
    owner="SA208",
)
def denies_of_both(w: World) -> Steps:
    w.allow()
    w.allow(name="noraw", Effect="Deny", Principal="*", Action="ses:SendRawEmail")
    user = w.user("app", MAY_SEND, deny())
    yield lambda: w.raw(user)
    w.user_may("app", MAY_SEND)
    w.client("ses", w.owner).delete_identity_policy(Identity=w.domain, PolicyName="zqownernoraw")
    yield lambda: w.raw(user)


@case(
    seen="the ARN of an own domain for the lent one's address",
    code="SA107",
    says=("own-{domain}", "news@{domain}"),
    mend=("{domain}",),
)
def own_arn_for_a_lent_address(w: World) -> Steps:
    own = w.sesame.vouch(w.sender, f"own-{w.domain}")
    w.allow()
    yield lambda: w.v2(w.sender, FromEmailAddressIdentityArn=own)
    yield lambda: w.v2(w.sender)


@case(
    seen="the user's ARN as SMTP user name",
    reader="operator",
    place="user/relay",
    code="SA701",
    says=("access key",),
    mend=("smtp credentials",),
)
def arn_as_smtp_user(w: World) -> Steps:
    w.allow()
    user = w.user("relay", MAY_SEND)
    fields = {"X-SES-SOURCE-ARN": w.arn}
    yield lambda: w.smtp(user, fields, user="arn:x:user/relay")
    yield lambda: w.smtp(user, fields)


@case(
    seen="one address of a bulk send without its domain",
    code="SA605",
    says=("nobody",),
    mend=("name@example.com",),
)
def bulk_with_a_bad_address(w: World) -> Steps:
    w.allow(Action="ses:*")
    v2 = w.client("sesv2", w.sender)
    v2.create_email_template(TemplateName="t", TemplateContent={"Subject": "s", "Text": "t"})

    def bulk(address: str) -> Any:
        answer = v2.send_bulk_email(
            FromEmailAddress=f"news@{w.domain}",
            FromEmailAddressIdentityArn=w.arn,
            DefaultContent={"Template": {"TemplateName": "t", "TemplateData": "{}"}},
            BulkEmailEntries=[{"Destination": {"ToAddresses": [address]}}],
        )
        return answer["BulkEmailEntryResults"][0]

    yield lambda: bulk("nobody")
    yield lambda: bulk("you@elsewhere.test")


@case(
    seen="the owner's ARN is right, From is at a domain that only sounds like it",
    code="SA107",
    says=("news@my{domain}", "{domain}"),
    mend=("my{domain}|address",),
)
def domain_that_sounds_alike(w: World) -> Steps:
    w.allow()
    yield lambda: w.simple(w.sender, Source=f"news@my{w.domain}")
    yield lambda: w.simple(w.sender)


@case(
    seen="a guard on one configuration set, and a program that still names it",
    code="SA208",
    says=("configuration-set/marketing",),
    mend=("leave the configuration set out", "`receipts`"),
    owner="SA206",
)
def denied_configuration_set(w: World) -> Steps:
    w.allow()
    for name in ("marketing", "receipts"):
        w.client("ses", w.sender).create_configuration_set(ConfigurationSet={"Name": name})
    guard = deny(Action="ses:Send*", Resource="arn:aws:ses:*:*:configuration-set/marketing")
    keys = w.user("guarded", MAY_SEND, guard)
    yield lambda: w.simple(keys, ConfigurationSetName="marketing")
    yield lambda: w.simple(keys, ConfigurationSetName="receipts")
