"""Set-ups in which the account, its keys, sets and quotas are not as the sender believes."""

import datetime
import json
import re
from typing import Any

from tests.story.misconfigured.world import MAY_SEND, Steps, World, case, smtp_password
from tests.support.process import Account


@case(
    seen="3box#469: the own domain is registered, its records are not published",
    code="SA501",
    says=("own-{domain}", "pending|not verified"),
    mend=("TXT|CNAME|record|publish",),
)
def own_domain_pending(w: World) -> Steps:
    w.client("ses", w.sender).verify_domain_dkim(Domain=f"own-{w.domain}")
    yield lambda: w.simple(w.sender, SourceArn=None, Source=f"me@own-{w.domain}")
    w.sesame.vouch(w.sender, f"own-{w.domain}")
    yield lambda: w.simple(w.sender, SourceArn=None, Source=f"me@own-{w.domain}")


@case(
    seen="nobody followed the link of an address's verification",
    code="SA501",
    says=("me@own-{domain}",),
    mend=("link",),
)
def own_address_pending(w: World) -> Steps:
    w.client("ses", w.sender).verify_email_identity(EmailAddress=f"me@own-{w.domain}")
    yield lambda: w.simple(w.sender, SourceArn=None, Source=f"me@own-{w.domain}")
    w.sesame.vouch(w.sender, f"me@own-{w.domain}")
    yield lambda: w.simple(w.sender, SourceArn=None, Source=f"me@own-{w.domain}")


@case(
    seen="fluent-smtp#74: the program's From is a free-mail address that was never registered",
    code="SA101",
    says=("someone@freemail.test",),
    mend=("verify",),
)
def never_registered(w: World) -> Steps:
    yield lambda: w.simple(w.sender, SourceArn=None, Source="someone@freemail.test")
    w.sesame.vouch(w.sender, "someone@freemail.test")
    yield lambda: w.simple(w.sender, SourceArn=None, Source="someone@freemail.test")


@case(
    seen="the owner's domain is not verified (yet); the delegate only hears `not authorized` or `not verified`",
    code="SA501",
    reader="owner",
    says=("fresh-{domain}",),
    mend=("TXT|CNAME|record|publish",),
)
def owners_domain_pending(w: World) -> Steps:
    w.client("ses", w.owner).verify_domain_dkim(Domain=f"fresh-{w.domain}")
    arn = w.arn.replace(w.domain, f"fresh-{w.domain}")
    w.allow(Resource=arn)
    yield lambda: w.simple(w.sender, SourceArn=arn, Source=f"news@fresh-{w.domain}")
    w.sesame.vouch(w.owner, f"fresh-{w.domain}")
    yield lambda: w.simple(w.sender, SourceArn=arn, Source=f"news@fresh-{w.domain}")


@case(
    seen="LambdAuth#64: the sender is in the sandbox",
    code="SA502",
    says=("sandbox", "you@elsewhere.test"),
    mend=("leave-sandbox|verify",),
)
def sender_in_the_sandbox(w: World) -> Steps:
    w.sender = w.sesame.create_account(production=False)
    w.allow(Principal={"AWS": w.sender.account_id})
    yield lambda: w.simple(w.sender)
    w.sesame.run("account", "leave-sandbox", w.sender.account_id)
    yield lambda: w.simple(w.sender)


@case(
    seen="iam-identity-center-team#201: both accounts have to be out of the sandbox",
    code="SA503",
    says=("sandbox", "{owner}"),
    mend=("leave-sandbox {owner}|{owner}",),
)
def owner_in_the_sandbox(w: World) -> Steps:
    w.owner = w.sesame.create_account(production=False)
    w.arn = w.sesame.vouch(w.owner, w.domain)
    w.allow()
    yield lambda: w.simple(w.sender)
    w.sesame.run("account", "leave-sandbox", w.owner.account_id)
    yield lambda: w.simple(w.sender)


@case(
    seen="terraform-aws-ses#40, mwaa#6944: sandbox; IAM allows the own identity, the verified recipient is refused",
    code="SA302",
    says=("you@elsewhere.test",),
    mend=("identity/you@elsewhere.test",),
)
def recipient_in_iam_in_the_sandbox(w: World) -> Steps:
    w.sender = w.sesame.create_account(production=False)
    own = w.sesame.vouch(w.sender, f"own-{w.domain}")
    recipient = w.sesame.vouch(w.sender, "you@elsewhere.test")
    user = w.user("mwaa", MAY_SEND | {"Resource": own})
    yield lambda: w.raw(user, {"From": f"me@own-{w.domain}"}, SourceArn=None)
    w.user_may("mwaa", MAY_SEND | {"Resource": [own, recipient]})
    yield lambda: w.raw(user, {"From": f"me@own-{w.domain}"}, SourceArn=None)


@case(
    seen="PostHog#39425, php-aws-ses#53: the configuration set is in another region",
    code="SA601",
    says=("main", "eu-west-1"),
    mend=("eu-west-1|us-east-1",),
)
def configuration_set_in_another_region(w: World) -> Steps:
    w.allow()
    w.client("ses", w.sender, "eu-west-1").create_configuration_set(ConfigurationSet={"Name": "main"})
    yield lambda: w.simple(w.sender, ConfigurationSetName="main")
    w.client("ses", w.sender).create_configuration_set(ConfigurationSet={"Name": "main"})
    yield lambda: w.simple(w.sender, ConfigurationSetName="main")


@case(
    seen="sendportal#75: the set is the owner's; a delegate has to have its own",
    code="SA601",
    says=("shared", "{sender}"),
    mend=("create",),
)
def configuration_set_of_the_owner(w: World) -> Steps:
    w.allow()
    w.client("ses", w.owner).create_configuration_set(ConfigurationSet={"Name": "shared"})
    yield lambda: w.smtp(w.sender, {"X-SES-SOURCE-ARN": w.arn, "X-SES-CONFIGURATION-SET": "shared"})
    w.client("ses", w.sender).create_configuration_set(ConfigurationSet={"Name": "shared"})
    yield lambda: w.smtp(w.sender, {"X-SES-SOURCE-ARN": w.arn, "X-SES-CONFIGURATION-SET": "shared"})


@case(
    seen="a template that was created by another spelling: `Welcome` and `welcome`",
    code="SA601",
    says=("Welcome",),
    mend=("welcome",),
)
def template_by_another_spelling(w: World) -> Steps:
    w.allow(Action="ses:Send*")
    w.client("sesv2", w.sender).create_email_template(
        TemplateName="welcome", TemplateContent={"Subject": "s", "Text": "t"}
    )
    yield lambda: w.v2(w.sender, Content={"Template": {"TemplateName": "Welcome", "TemplateData": "{}"}})
    yield lambda: w.v2(w.sender, Content={"Template": {"TemplateName": "welcome", "TemplateData": "{}"}})


@case(
    seen="template data lacks a variable: accepted, and nothing comes",
    code="SA605",
    says=("name",),
    mend=("name",),
)
def template_data_lacks_a_variable(w: World) -> Steps:
    w.allow(Action="ses:Send*")
    template = {"TemplateName": "hello", "SubjectPart": "Hi {{name}}", "TextPart": "t"}
    w.client("ses", w.sender).create_template(Template=template)

    def send(data: dict[str, str]) -> Any:
        return w.client("ses", w.sender).send_templated_email(
            Source=f"news@{w.domain}",
            SourceArn=w.arn,
            Destination={"ToAddresses": ["you@elsewhere.test"]},
            Template="hello",
            TemplateData=json.dumps(data),
        )

    yield lambda: send({"Name": "Reader"})
    yield lambda: send({"name": "Reader"})


@case(
    seen="the recipient bounced once: accepted, and nothing comes",
    code="SA606",
    says=("you@elsewhere.test", "suppress"),
    mend=("delete-suppressed-destination", "you@elsewhere.test"),
)
def recipient_on_the_suppression_list(w: World) -> Steps:
    w.allow()
    v2 = w.client("sesv2", w.sender)
    v2.put_suppressed_destination(EmailAddress="you@elsewhere.test", Reason="BOUNCE")
    yield lambda: w.simple(w.sender)
    v2.delete_suppressed_destination(EmailAddress="you@elsewhere.test")
    yield lambda: w.simple(w.sender)


@case(
    seen="somebody paused the account by UpdateAccountSendingEnabled during an incident",
    code="SA603",
    says=("{sender}|account",),
    mend=("UpdateAccountSendingEnabled|PutAccountSendingAttributes|update-account-sending-enabled",),
)
def account_switched_off(w: World) -> Steps:
    w.allow()
    w.client("ses", w.sender).update_account_sending_enabled(Enabled=False)
    yield lambda: w.simple(w.sender)
    w.client("ses", w.sender).update_account_sending_enabled(Enabled=True)
    yield lambda: w.simple(w.sender)


@case(
    seen="the operator paused the account for its bounces",
    code="SA603",
    says=("operator|paused",),
    mend=("operator|reinstate",),
)
def account_paused_by_the_operator(w: World) -> Steps:
    w.allow()
    which = (w.sender.account_id, "--region", "us-east-1", "--reason", "bounces")
    w.sesame.run("account", "pause", *which)
    yield lambda: w.simple(w.sender)
    w.sesame.run("account", "reinstate", *which)
    yield lambda: w.simple(w.sender)


@case(
    seen="sending is off in the configuration set",
    code="SA603",
    says=("main",),
    mend=("UpdateConfigurationSetSendingEnabled|PutConfigurationSetSendingOptions|put-configuration-set",),
)
def configuration_set_switched_off(w: World) -> Steps:
    w.allow()
    ses = w.client("ses", w.sender)
    ses.create_configuration_set(ConfigurationSet={"Name": "main"})
    ses.update_configuration_set_sending_enabled(ConfigurationSetName="main", Enabled=False)
    yield lambda: w.simple(w.sender, ConfigurationSetName="main")
    ses.update_configuration_set_sending_enabled(ConfigurationSetName="main", Enabled=True)
    yield lambda: w.simple(w.sender, ConfigurationSetName="main")


@case(
    seen="the day's quota is used up",
    code="SA602",
    says=("24", "1"),
    mend=("set-quota {sender}",),
)
def quota_used_up(w: World) -> Steps:
    w.allow()
    w.sesame.run("account", "set-quota", w.sender.account_id, "--max-24-hour-send", "1")
    w.simple(w.sender)
    yield lambda: w.simple(w.sender)
    w.sesame.run("account", "set-quota", w.sender.account_id, "--max-24-hour-send", "1000")
    yield lambda: w.simple(w.sender)


@case(
    seen="a loop without a limiter: the sending rate",
    code="SA602",
    says=("rate|second",),
    mend=("set-quota {sender}", "slow|later|rate"),
)
def rate_exceeded(w: World) -> Steps:
    w.allow()
    w.sesame.run("account", "set-quota", w.sender.account_id, "--max-send-rate", "0.001")
    for _ in range(2):  # what is left is given out whole, and owed
        w.simple(w.sender)
    yield lambda: w.simple(w.sender)
    w.sesame.run("account", "set-quota", w.sender.account_id, "--max-send-rate", "100000")
    yield lambda: w.simple(w.sender)


@case(
    seen="the owner's cap on this delegate, taken for the account's quota (the texts are the same)",
    code="SA602",
    says=("owner|{owner}", "1"),
    mend=("{owner}",),
)
def cap_of_the_owner(w: World) -> Steps:
    w.allow()
    bounds = w.client("sesame", w.owner)
    key = {"Identity": w.domain, "Delegate": w.sender.account_id}
    bounds.put_delegate_bounds(**key, MaxMessagesPerDay=1)
    w.simple(w.sender)
    yield lambda: w.simple(w.sender)
    bounds.put_delegate_bounds(**key, MaxMessagesPerDay=100)
    yield lambda: w.simple(w.sender)


@case(
    seen="the owner paused the delegate and forgot; the policy still allows",
    code="SA603",
    reader="owner",
    says=("{sender}",),
    mend=("resume|ResumeDelegate",),
)
def delegate_paused(w: World) -> Steps:
    w.allow()
    bounds = w.client("sesame", w.owner)
    key = {"Identity": w.domain, "Delegate": w.sender.account_id}
    bounds.pause_delegate(**key, Reason="zqowner")
    yield lambda: w.simple(w.sender)
    bounds.resume_delegate(**key)
    yield lambda: w.simple(w.sender)


@case(
    seen="the delegate's half of a pause: whom to ask, and not why",
    code="SA603",
    says=("paused", "{owner}"),
    mend=("{owner}",),
)
def delegate_paused_as_the_sender_reads_it(w: World) -> Steps:
    w.allow()
    bounds = w.client("sesame", w.owner)
    key = {"Identity": w.domain, "Delegate": w.sender.account_id}
    bounds.pause_delegate(**key, Reason="zqowner")
    yield lambda: w.simple(w.sender)
    bounds.resume_delegate(**key)
    yield lambda: w.simple(w.sender)


@case(
    seen="the delegation's expiry date has passed",
    code="SA603",
    reader="owner",
    says=("{sender}", "expir|2026-01-01"),
    mend=(
        "grant change {owner} {domain} {sender}",
        "--expires",
    ),
)
def delegation_expired(w: World) -> Steps:
    w.allow()
    bounds = w.client("sesame", w.owner)
    key = {"Identity": w.domain, "Delegate": w.sender.account_id}
    bounds.put_delegate_bounds(**key, ExpiresAt=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC))
    yield lambda: w.simple(w.sender)
    bounds.put_delegate_bounds(**key, ExpiresAt=datetime.datetime(2199, 1, 1, tzinfo=datetime.UTC))
    yield lambda: w.simple(w.sender)


@case(
    seen="BehaviorOnMXFailure RejectMessage, and no MX of the MAIL FROM domain",
    code="SA604",
    says=("bounce.{domain}",),
    mend=("MX|record|UseDefaultValue",),
    reader="owner",
)
def mail_from_without_mx(w: World) -> Steps:
    w.allow()
    ses = w.client("ses", w.owner)
    key = {"Identity": w.domain, "MailFromDomain": f"bounce.{w.domain}"}
    ses.set_identity_mail_from_domain(**key, BehaviorOnMXFailure="RejectMessage")
    yield lambda: w.simple(w.sender)
    ses.set_identity_mail_from_domain(**key, BehaviorOnMXFailure="UseDefaultValue")
    yield lambda: w.simple(w.sender)


@case(
    seen="listmonk#1053, sandstorm#2734: the secret access key as SMTP password",
    code="SA701",
    says=("secret",),
    mend=("smtp credentials",),
)
def secret_as_smtp_password(w: World) -> Steps:
    w.allow()
    fields = {"X-SES-SOURCE-ARN": w.arn}
    yield lambda: w.smtp(w.sender, fields, password=w.sender.secret_access_key)
    yield lambda: w.smtp(w.sender, fields)


@case(
    seen="sandstorm#2734: a blank at the end of the password, copied from the console",
    code="SA701",
    says=("space|blank",),
    mend=("space|blank|smtp credentials",),
)
def password_with_a_blank(w: World) -> Steps:
    w.allow()
    fields = {"X-SES-SOURCE-ARN": w.arn}
    right = smtp_password(w.sender.secret_access_key, "us-east-1")
    yield lambda: w.smtp(w.sender, fields, password=f"{right} ")
    yield lambda: w.smtp(w.sender, fields)


@case(
    seen="a password made for Ireland, used in Virginia",
    code="SA702",
    says=("eu-west-1", "us-east-1"),
    mend=("us-east-1",),
)
def password_of_another_region(w: World) -> Steps:
    w.allow()
    fields = {"X-SES-SOURCE-ARN": w.arn}
    yield lambda: w.smtp(w.sender, fields, region="eu-west-1")
    yield lambda: w.smtp(w.sender, fields)


@case(
    seen="one password for programs in two regions; the user has the two keys that it may have, and this one is bound",
    code="SA702",
    says=("eu-west-1", "us-east-1"),
    mend=("sesame smtp credentials {sender} postfix --key AKIA", "--region us-east-1"),
)
def password_of_another_region_and_two_keys(w: World) -> Steps:
    w.allow()
    user = w.user("postfix", MAY_SEND)
    w.client("iam", w.sender).create_access_key(UserName="postfix")
    w.sesame.run("smtp", "credentials", w.sender.account_id, "--key", user.access_key_id, "--as", w.arn)
    yield lambda: w.smtp(user, {}, region="eu-west-1")
    printed = printed_for(w)
    yield lambda: w.smtp(user, {}, user=printed["username"], password=printed["password"])


@case(
    seen="terraform-aws-ses#10: the IAM user's name as SMTP user name",
    reader="operator",
    place="mailer-{sender}",
    code="SA701",
    says=("mailer",),
    mend=("access key|smtp credentials",),
)
def user_name_as_smtp_user(w: World) -> Steps:
    w.allow()
    name = f"mailer-{w.sender.account_id}"
    user = w.user(name, MAY_SEND)
    fields = {"X-SES-SOURCE-ARN": w.arn}
    yield lambda: w.smtp(user, fields, user=name)
    yield lambda: w.smtp(user, fields)


@case(
    seen="a rotation switched the key off, Postfix still has it",
    code="SA701|SA704",
    says=("switched off",),
    mend=("active|smtp credentials|key",),
)
def key_switched_off(w: World) -> Steps:
    w.allow()
    user = w.user("postfix", MAY_SEND)
    iam = w.client("iam", w.sender)
    which = {"UserName": "postfix", "AccessKeyId": user.access_key_id}
    iam.update_access_key(**which, Status="Inactive")
    yield lambda: w.smtp(user, {"X-SES-SOURCE-ARN": w.arn})
    iam.update_access_key(**which, Status="Active")
    yield lambda: w.smtp(user, {"X-SES-SOURCE-ARN": w.arn})


def printed_for(w: World, region: str = "us-east-1") -> dict[str, str]:
    """What the command prints that the last refused log-in was told of."""
    [newest] = json.loads(w.sesame.run("decisions", w.sender.account_id, "--limit", "1", "--json").stdout)
    text = newest["causes"][0]["mend"]["text"]
    command = re.search(r"`sesame (smtp credentials [^`]*)`", text)
    assert command is not None, text
    printed: dict[str, str] = json.loads(w.sesame.run(*command[1].split(), "--json").stdout)
    return printed


@case(
    seen="rotated: the old key is switched off, and the user has the two keys that it may have",
    code="SA701",
    says=("switched off",),
    mend=("--key AKIA",),
)
def key_switched_off_beside_a_new_one(w: World) -> Steps:
    w.allow()
    user = w.user("jenkins", MAY_SEND)
    iam = w.client("iam", w.sender)
    new = iam.create_access_key(UserName="jenkins")["AccessKey"]
    iam.update_access_key(UserName="jenkins", AccessKeyId=user.access_key_id, Status="Inactive")
    fields = {"X-SES-SOURCE-ARN": w.arn}
    yield lambda: w.smtp(user, fields)
    printed = printed_for(w)
    assert printed["username"] == new["AccessKeyId"]
    yield lambda: w.smtp(user, fields, user=printed["username"], password=printed["password"])


@case(
    seen="a wrong password, and the user has the two keys that it may have",
    code="SA701",
    says=("not the one derived",),
    mend=("jenkins --key AKIA",),
)
def wrong_password_where_no_key_has_room(w: World) -> Steps:
    w.allow()
    user = w.user("jenkins", MAY_SEND)
    w.client("iam", w.sender).create_access_key(UserName="jenkins")
    fields = {"X-SES-SOURCE-ARN": w.arn}
    yield lambda: w.smtp(user, fields, password="BTypedWrong")
    printed = printed_for(w)
    yield lambda: w.smtp(user, fields, user=printed["username"], password=printed["password"])


@case(
    seen="both keys are switched off",
    code="SA701",
    says=("switched off",),
    mend=("sesame key delete {sender} AKIA", "`sesame smtp credentials {sender} jenkins`"),
)
def both_keys_switched_off(w: World) -> Steps:
    w.allow()
    user = w.user("jenkins", MAY_SEND)
    iam = w.client("iam", w.sender)
    other = iam.create_access_key(UserName="jenkins")["AccessKey"]["AccessKeyId"]
    for one in (user.access_key_id, other):
        iam.update_access_key(UserName="jenkins", AccessKeyId=one, Status="Inactive")
    fields = {"X-SES-SOURCE-ARN": w.arn}
    yield lambda: w.smtp(user, fields)
    w.sesame.run("key", "delete", w.sender.account_id, other)
    printed = printed_for(w)
    yield lambda: w.smtp(user, fields, user=printed["username"], password=printed["password"])


@case(
    seen="SMTP with a role's temporary credentials",
    reader="operator",
    place="ASIA",
    code="SA701",
    says=("temporary|session|role",),
    mend=("user|smtp credentials",),
)
def smtp_with_temporary_credentials(w: World) -> Steps:
    w.allow()
    session = w.session(w.role("app"))
    fields = {"X-SES-SOURCE-ARN": w.arn}
    yield lambda: w.smtp(session, fields)
    yield lambda: w.smtp(w.user("postfix", MAY_SEND), fields)


@case(
    seen="node-ses#30, codeigniter-amazon-ses#17: the SMTP password as secret access key",
    code="SA704",
    says=("SMTP password|SMTP",),
    mend=("secret",),
)
def smtp_password_as_secret(w: World) -> Steps:
    w.allow()
    wrong = Account(
        w.sender.account_id, w.sender.access_key_id, smtp_password(w.sender.secret_access_key, "us-east-1")
    )
    yield lambda: w.simple(wrong)
    yield lambda: w.simple(w.sender)


@case(
    seen="Magento-SMTP-Pro#228: white space around the secret",
    code="SA704",
    says=("space|blank|secret",),
    mend=("secret",),
)
def secret_with_a_blank(w: World) -> Steps:
    w.allow()
    wrong = Account(w.sender.account_id, w.sender.access_key_id, f"{w.sender.secret_access_key} ")
    yield lambda: w.simple(wrong)
    yield lambda: w.simple(w.sender)


@case(
    seen="a role's credentials were copied without the session token",
    reader="operator",
    code="SA704",
    says=("session token|token",),
    mend=("token",),
)
def session_without_its_token(w: World) -> Steps:
    w.allow()
    session = w.session(w.role("app"))
    yield lambda: w.simple(Account(session.account_id, session.access_key_id, session.secret_access_key))
    yield lambda: w.simple(session)


@case(
    seen="react-native-aws-signature#3: signed for the service `email`",
    code="SA704",
    says=("email", "ses"),
    mend=("ses",),
)
def signed_for_another_service(w: World) -> Steps:
    w.allow()

    def send(name: str) -> Any:
        ses = w.sesame.client("ses", w.sender)

        def sign_as(**_: Any) -> Any:
            return "v4"

        ses.meta.events.register("choose-signer.ses.*", sign_as)
        ses._request_signer._signing_name = name
        return ses.send_email(
            Source=f"news@{w.domain}",
            SourceArn=w.arn,
            Destination={"ToAddresses": ["you@elsewhere.test"]},
            Message={"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}},
        )

    yield lambda: send("email")
    yield lambda: send("ses")


@case(
    seen="more than 50 recipients in one call",
    code="SA605",
    says=("50",),
    mend=("50",),
)
def too_many_recipients(w: World) -> Steps:
    w.allow()
    many = [f"r{number}@elsewhere.test" for number in range(51)]
    yield lambda: w.simple(w.sender, Destination={"ToAddresses": many})
    yield lambda: w.simple(w.sender, Destination={"ToAddresses": many[:50]})
