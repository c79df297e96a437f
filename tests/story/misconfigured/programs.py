"""Set-ups in which a program brings an address, an ARN or a field of its own into the mail."""

import datetime
import json
from typing import Any

from tests.story.misconfigured.world import MAY_SEND, Steps, World, case


@case(
    seen="grafana#7273: from_address was never set, so mail is from admin@grafana.localhost",
    code="SA101",
    says=("admin@grafana.localhost",),
    mend=("From",),
)
def grafanas_own_from(w: World) -> Steps:
    w.sesame.vouch(w.sender, f"own-{w.domain}")
    own, default = f"me@own-{w.domain}", "admin@grafana.localhost"
    yield lambda: w.smtp(w.sender, {"From": default}, mail_from=default)
    yield lambda: w.smtp(w.sender, {"From": own}, mail_from=own)


@case(
    seen="cron's mail through Postfix: root@ip-10-0-0-1.ec2.internal",
    code="SA101",
    says=("root@ip-10-0-0-1.ec2.internal",),
    mend=("From",),
)
def crons_own_from(w: World) -> Steps:
    w.sesame.vouch(w.sender, f"own-{w.domain}")
    own, default = f"me@own-{w.domain}", "root@ip-10-0-0-1.ec2.internal"
    yield lambda: w.smtp(w.sender, {"From": f"root <{default}>"}, mail_from=default)
    yield lambda: w.smtp(w.sender, {"From": own}, mail_from=own)


@case(
    seen="mautic#16151: a version sets Sender, which names the system's address at another domain",
    code="SA101|SA102",
    says=("Sender|mautic@system.test", "mautic@system.test"),
    mend=("leave Sender out",),
)
def sender_field_of_the_system(w: World) -> Steps:
    w.sesame.vouch(w.sender, f"own-{w.domain}")
    own = f"me@own-{w.domain}"
    yield lambda: w.smtp(w.sender, {"From": own, "Sender": "mautic@system.test"}, mail_from=own)
    yield lambda: w.smtp(w.sender, {"From": own}, mail_from=own)


@case(
    seen="anonaddy#647: the envelope's sender is a bounce address at a domain that was never verified",
    code="SA101|SA102",
    says=("b_1@bounces.system.test",),
    mend=("MAIL FROM", "me@own-{domain}"),
)
def envelope_sender_of_the_system(w: World) -> Steps:
    w.sesame.vouch(w.sender, f"own-{w.domain}")
    own = f"me@own-{w.domain}"
    yield lambda: w.smtp(w.sender, {"From": own}, mail_from="b_1@bounces.system.test")
    yield lambda: w.smtp(w.sender, {"From": own}, mail_from=own)


@case(
    seen="aws-lambda-ses-forwarder#4: the forwarded message keeps its Return-Path field",
    code="SA101|SA102",
    says=("Return-Path|first@elsewhere.test", "first@elsewhere.test"),
    mend=("leave Return-Path out",),
)
def forwarded_with_its_return_path(w: World) -> Steps:
    w.sesame.vouch(w.sender, f"own-{w.domain}")
    own = f"me@own-{w.domain}"
    fields = {"Return-Path": "<first@elsewhere.test>", "From": own}
    yield lambda: w.raw(w.sender, fields, SourceArn=None)
    yield lambda: w.raw(w.sender, {"From": own}, SourceArn=None)


@case(
    seen="a field of the return path's ARN without its second dash",
    code="SA106",
    says=("X-SES-RETURNPATH-ARN",),
    mend=("X-SES-RETURN-PATH-ARN",),
)
def return_path_arn_field_misspelt(w: World) -> Steps:
    w.allow()
    other = w.sesame.vouch(w.owner, f"other-{w.domain}")
    w.allow(Resource=other)
    fields = {"X-SES-SOURCE-ARN": w.arn, "X-SES-FROM-ARN": w.arn, "Return-Path": f"<b@other-{w.domain}>"}
    yield lambda: w.smtp(w.sender, fields | {"X-SES-RETURNPATH-ARN": other})
    yield lambda: w.smtp(w.sender, fields | {"X-SES-RETURN-PATH-ARN": other})


@case(
    seen="the ARN in quotation marks, as an .env file had it, in the field",
    code="SA108",
    says=("quotation|white space",),
    mend=("{arn}",),
)
def arn_in_quotation_marks(w: World) -> Steps:
    w.allow()
    yield lambda: w.smtp(w.sender, {"X-SES-SOURCE-ARN": f'"{w.arn}"'})
    yield lambda: w.smtp(w.sender, {"X-SES-SOURCE-ARN": w.arn})


@case(
    seen="a placeholder that nobody filled in",
    code="SA108",
    says=("${{SES_SOURCE_ARN}}",),
    mend=("write it in X-SES-SOURCE-ARN as `{arn}`",),
)
def placeholder_in_place_of_the_arn(w: World) -> Steps:
    w.allow()
    yield lambda: w.smtp(w.sender, {"X-SES-SOURCE-ARN": "${SES_SOURCE_ARN}"})
    yield lambda: w.smtp(w.sender, {"X-SES-SOURCE-ARN": w.arn})


@case(
    seen="JavaScript's undefined, written as text",
    code="SA108",
    says=("undefined",),
    mend=("write it in SourceArn as `{arn}`",),
)
def undefined_in_place_of_the_arn(w: World) -> Steps:
    w.allow()
    yield lambda: w.simple(w.sender, SourceArn="undefined_undefined_un")
    yield lambda: w.simple(w.sender)


@case(
    seen="a spreadsheet took the first digit off the account number",
    code="SA108",
    says=("12 digits",),
    mend=("identity/{domain}",),
)
def account_of_eleven_digits(w: World) -> Steps:
    w.allow()
    short = w.arn.replace(w.owner.account_id, w.owner.account_id[1:])
    yield lambda: w.simple(w.sender, SourceArn=short)
    yield lambda: w.simple(w.sender)


@case(
    seen="an ARN put together with an empty region variable",
    code="SA108|SA105",
    says=("region",),
    mend=("{arn}",),
)
def arn_without_region(w: World) -> Steps:
    w.allow()
    yield lambda: w.simple(w.sender, SourceArn=w.arn.replace("us-east-1", ""))
    yield lambda: w.simple(w.sender)


@case(
    seen="iam-identity-center-team#46: domain and address are verified: policy of the one, ARN of the other",
    code="SA201",
    says=("identity/{domain}",),
    mend=("{arn}",),
    owner="SA201",
)
def arn_of_the_address_beside_the_domains_policy(w: World) -> Steps:
    address = w.sesame.vouch(w.owner, f"news@{w.domain}")
    w.allow()
    yield lambda: w.simple(w.sender, SourceArn=address)
    yield lambda: w.simple(w.sender)


@case(
    seen="the other way round: the policy is the address's, the ARN the domain's",
    code="SA201",
    says=("identity/news@{domain}",),
    mend=("identity/news@{domain}",),
    owner="SA201",
)
def arn_of_the_domain_beside_the_addresss_policy(w: World) -> Steps:
    address = w.sesame.vouch(w.owner, f"news@{w.domain}")
    w.allow(Resource=address)
    yield lambda: w.simple(w.sender)
    yield lambda: w.simple(w.sender, SourceArn=address)


@case(
    seen="a message that names nobody: neither To nor Destinations",
    code="SA605",
    says=("recipient|destination",),
    mend=("recipient",),
)
def raw_message_to_nobody(w: World) -> Steps:
    w.allow()
    yield lambda: w.raw(w.sender, {"To": None})  # type: ignore[dict-item]
    yield lambda: w.raw(w.sender)


@case(
    seen="pipedream#2932: the region of the form is another than that of the client",
    code="SA105",
    says=("ap-south-1", "us-east-1"),
    mend=("ap-south-1",),
)
def region_of_the_form(w: World) -> Steps:
    w.sesame.vouch(w.sender, f"own-{w.domain}", "ap-south-1")
    own: dict[str, Any] = {"FromEmailAddress": f"me@own-{w.domain}", "FromEmailAddressIdentityArn": None}
    yield lambda: w.v2(w.sender, **own)
    yield lambda: w.v2(w.sender, region="ap-south-1", **own)


@case(
    seen="serverless-ses-template#5: the plug-in adds the stage to the template's name",
    code="SA601",
    says=("example_name", "example_name_prod"),
    mend=("example_name_prod",),
)
def template_with_its_stage(w: World) -> Steps:
    w.allow(Action="ses:Send*")
    v2 = w.client("sesv2", w.sender)
    v2.create_email_template(TemplateName="example_name_prod", TemplateContent={"Subject": "s", "Text": "t"})

    def send(name: str) -> Any:
        return w.v2(w.sender, Content={"Template": {"TemplateName": name, "TemplateData": "{}"}})

    yield lambda: send("example_name")
    yield lambda: send("example_name_prod")


@case(
    seen="the template was made in another region than the program sends in",
    code="SA601",
    says=("hello", "eu-west-1"),
    mend=("eu-west-1|create",),
)
def template_of_another_region(w: World) -> Steps:
    w.allow(Action="ses:Send*")
    content = {"Subject": "s", "Text": "t"}
    w.client("sesv2", w.sender, "eu-west-1").create_email_template(
        TemplateName="hello", TemplateContent=content
    )
    template = {"Template": {"TemplateName": "hello", "TemplateData": "{}"}}
    yield lambda: w.v2(w.sender, Content=template)
    w.client("sesv2", w.sender).create_email_template(TemplateName="hello", TemplateContent=content)
    yield lambda: w.v2(w.sender, Content=template)


@case(
    seen="MAIL FROM of the own identity is not ready, and mail is to be refused then",
    code="SA604",
    says=("bounce.own-{domain}",),
    mend=("records|UseDefaultValue",),
)
def own_mail_from_is_not_ready(w: World) -> Steps:
    w.sesame.vouch(w.sender, f"own-{w.domain}")
    ses = w.client("ses", w.sender)
    key = {"Identity": f"own-{w.domain}", "MailFromDomain": f"bounce.own-{w.domain}"}
    ses.set_identity_mail_from_domain(**key, BehaviorOnMXFailure="RejectMessage")
    yield lambda: w.simple(w.sender, SourceArn=None, Source=f"me@own-{w.domain}")
    ses.set_identity_mail_from_domain(**key, BehaviorOnMXFailure="UseDefaultValue")
    yield lambda: w.simple(w.sender, SourceArn=None, Source=f"me@own-{w.domain}")


@case(
    seen="the owner left the sandbox in one region; the delegate sends in another",
    code="SA503",
    says=("sandbox", "{owner}", "eu-west-1"),
    mend=("leave-sandbox {owner}",),
)
def owner_in_the_sandbox_elsewhere(w: World) -> Steps:
    w.owner = w.sesame.create_account(production=False)
    w.arn = w.sesame.vouch(w.owner, w.domain, "eu-west-1")
    policy = w.client("ses", w.owner, "eu-west-1")
    policy.put_identity_policy(Identity=w.domain, PolicyName="zqowner", Policy=_whole(w))
    yield lambda: w.simple(w.sender, region="eu-west-1")
    w.sesame.run("account", "leave-sandbox", w.owner.account_id)
    yield lambda: w.simple(w.sender, region="eu-west-1")


@case(
    seen="the sandbox's recipient is refused, and the owner has no policy either",
    code="SA201",
    says=("no policy",),
    mend=("{owner}",),
    also=("SA502",),
    owner="SA201",
)
def no_policy_and_the_sandbox(w: World) -> Steps:
    w.sender = w.sesame.create_account(production=False)
    yield lambda: w.simple(w.sender)
    w.allow()
    w.sesame.vouch(w.sender, "you@elsewhere.test")
    yield lambda: w.simple(w.sender)


@case(
    seen="a loop over SMTP runs into the sending rate",
    code="SA602",
    says=("second", "{sender}"),
    mend=("set-quota {sender}|slower",),
)
def rate_over_smtp(w: World) -> Steps:
    w.allow()
    w.sesame.run("account", "set-quota", w.sender.account_id, "--max-send-rate", "0.001")
    for _ in range(2):
        w.simple(w.sender)
    yield lambda: w.smtp(w.sender, {"X-SES-SOURCE-ARN": w.arn})
    w.sesame.run("account", "set-quota", w.sender.account_id, "--max-send-rate", "100000")
    yield lambda: w.smtp(w.sender, {"X-SES-SOURCE-ARN": w.arn})


@case(
    seen="the delegation's end has come: what the delegate reads",
    code="SA603",
    says=("until 2026-01-01", "{owner}"),
    mend=("{owner}",),
    owner="SA603",
)
def delegation_that_ended_as_the_sender_reads_it(w: World) -> Steps:
    w.allow()
    bounds = w.client("sesame", w.owner)
    key = {"Identity": "*", "Delegate": w.sender.account_id}
    bounds.put_delegate_bounds(**key, ExpiresAt=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC))
    yield lambda: w.simple(w.sender)
    bounds.put_delegate_bounds(**key, ExpiresAt=datetime.datetime(2199, 1, 1, tzinfo=datetime.UTC))
    yield lambda: w.simple(w.sender)


@case(
    seen="a cap on messages a second, and a burst",
    code="SA602",
    says=("a second", "{owner}"),
    mend=("{owner}",),
    owner="SA602",
)
def cap_a_second(w: World) -> Steps:
    w.allow()
    bounds = w.client("sesame", w.owner)
    key = {"Identity": w.domain, "Delegate": w.sender.account_id}
    bounds.put_delegate_bounds(**key, MaxMessagesPerSecond=1)

    def burst() -> Any:
        for _ in range(5):
            answer = w.simple(w.sender)
        return answer

    yield burst
    bounds.put_delegate_bounds(**key, MaxMessagesPerSecond=1000)
    yield lambda: w.simple(w.sender)


@case(
    seen="a user of the owner's own account may not store policies",
    reader="owner",
    code="SA206",
    says=("ses:PutIdentityPolicy", "user/junior"),
    mend=("ses:PutIdentityPolicy",),
)
def junior_may_not_store_policies(w: World) -> Steps:
    read = {"Effect": "Allow", "Action": ["ses:Get*", "ses:List*"], "Resource": "*"}
    junior = w.user("junior", read, account=w.owner)

    def put() -> Any:
        return w.client("ses", junior).put_identity_policy(
            Identity=w.domain, PolicyName="news", Policy=_whole(w)
        )

    yield put
    may = MAY_SEND | {"Action": "ses:*Policy"}
    w.user_may("junior", read, may, account=w.owner)
    yield put


@case(
    seen="an application asks for the identity's state before it sends",
    code="SA206",
    says=("ses:GetEmailIdentity", "identity/own-{domain}"),
    mend=("ses:GetEmailIdentity", "identity/own-{domain}"),
)
def state_of_the_identity_is_not_allowed(w: World) -> Steps:
    own = w.sesame.vouch(w.sender, f"own-{w.domain}")
    user = w.user("app", MAY_SEND)
    v2 = w.client("sesv2", user)
    yield lambda: v2.get_email_identity(EmailIdentity=f"own-{w.domain}")
    w.user_may("app", MAY_SEND, {"Effect": "Allow", "Action": "ses:GetEmailIdentity", "Resource": own})
    yield lambda: v2.get_email_identity(EmailIdentity=f"own-{w.domain}")


def _whole(w: World) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [w.statement()]})
