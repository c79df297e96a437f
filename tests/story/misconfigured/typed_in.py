"""Set-ups of a sixth kind: plug-ins' defaults, copied samples, values that were typed in, and guards of both sides."""

from typing import Any

from tests.story.misconfigured.world import MAY_SEND, Steps, World, case, document, smtp_password
from tests.support.process import Account


def condition(w: World, given: dict[str, Any], right: dict[str, Any] | None, send: Any) -> Steps:
    """The owner's condition, and one that fits (or none)."""
    w.allow(Condition=given)
    yield send
    w.allow(Condition=right)
    yield send


def iam(w: World, given: tuple[dict[str, Any], ...], right: tuple[dict[str, Any], ...]) -> Steps:
    """A user's statements, and those that fit."""
    w.allow()
    user = w.user("app", *given)
    yield lambda: w.simple(user)
    w.user_may("app", *right)
    yield lambda: w.simple(user)


def deny(**more: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": "ses:*", "Resource": "*", **more}


@case(
    seen="wp-mail-smtp's sample left in the form: noreply@example.com",
    code="SA101",
    says=("noreply@example.com",),
    mend=("From|sender of the program",),
)
def samples_address(w: World) -> Steps:
    own = w.sesame.vouch(w.sender, f"own-{w.domain}").rpartition("/")[2]
    yield lambda: w.simple(w.sender, SourceArn=None, Source="noreply@example.com")
    yield lambda: w.simple(w.sender, SourceArn=None, Source=f"noreply@{own}")


@case(
    seen="www. before the domain in the ARN",
    code="SA107",
    says=("www.{domain}", "news@{domain}"),
    mend=("{domain}",),
)
def www_before_the_domain(w: World) -> Steps:
    w.allow()
    yield lambda: w.simple(w.sender, SourceArn=w.arn.replace("identity/", "identity/www."))
    yield lambda: w.simple(w.sender)


@case(
    seen="*.DOMAIN in the ARN, as certificates have it",
    code="SA107|SA108",
    says=("*.{domain}",),
    mend=("{domain}",),
)
def star_before_the_domain(w: World) -> Steps:
    w.allow()
    yield lambda: w.simple(w.sender, SourceArn=w.arn.replace("identity/", "identity/*."))
    yield lambda: w.simple(w.sender)


@case(
    seen="the site's URL in the ARN",
    code="SA107|SA108",
    says=("https://{domain}",),
    mend=("{domain}|identity/NAME",),
)
def url_in_the_arn(w: World) -> Steps:
    w.allow()
    yield lambda: w.simple(w.sender, SourceArn=w.arn.replace("identity/", "identity/https://"))
    yield lambda: w.simple(w.sender)


@case(
    seen="v2 raw: the message's From is another brand's than FromEmailAddress",
    code="SA107",
    says=("hello@brand-{domain}",),
    mend=("send from an address that `{domain}` covers",),
)
def raw_from_of_another_brand(w: World) -> Steps:
    w.allow()

    def send(address: str) -> Any:
        content = {"Raw": {"Data": w.message({"From": address})}}
        return w.v2(w.sender, Content=content, Destination=None)

    yield lambda: send(f"hello@brand-{w.domain}")
    yield lambda: send(f"news@{w.domain}")


@case(
    seen="ReturnPathArn of the second owner, who has no policy",
    code="SA201",
    says=("bounces-{domain}",),
    mend=("ask",),
)
def return_path_of_a_second_owner(w: World) -> Steps:
    second = w.sesame.create_account()
    arn = w.sesame.vouch(second, f"bounces-{w.domain}")
    w.allow()
    more = {"ReturnPath": f"b@bounces-{w.domain}", "ReturnPathArn": arn}
    yield lambda: w.simple(w.sender, **more)
    w.client("ses", second).put_identity_policy(
        Identity=f"bounces-{w.domain}", PolicyName="p", Policy=_policy(w, arn)
    )
    yield lambda: w.simple(w.sender, **more)


@case(
    seen="the own feedback address's domain is pending",
    code="SA501",
    says=("own-{domain}", "Pending"),
    mend=("records",),
)
def pending_return_path(w: World) -> Steps:
    w.allow()
    w.client("ses", w.sender).verify_domain_dkim(Domain=f"own-{w.domain}")
    yield lambda: w.simple(w.sender, ReturnPath=f"b@own-{w.domain}")
    w.sesame.vouch(w.sender, f"own-{w.domain}")
    yield lambda: w.simple(w.sender, ReturnPath=f"b@own-{w.domain}")


@case(
    seen="a role of the same name in the owner's account is what the policy names",
    code="SA201",
    reader="owner",
    says=("role/mailer", "account {sender}"),
    mend=("{sender}:role/mailer",),
)
def role_of_the_same_name_at_the_owner(w: World) -> Steps:
    trust = {"Effect": "Allow", "Principal": {"AWS": w.owner.account_id}, "Action": "sts:AssumeRole"}
    made = w.client("iam", w.owner).create_role(RoleName="mailer", AssumeRolePolicyDocument=document(trust))
    role = w.role("mailer")
    w.allow(Principal={"AWS": made["Role"]["Arn"]})
    yield lambda: w.raw(w.session(role))
    w.allow(Principal={"AWS": role})
    yield lambda: w.raw(w.session(role))


@case(
    seen="three partners are listed, the fourth was forgotten",
    code="SA201",
    says=("{sender}",),
    mend=("{owner}", "SA201"),
    owner="SA201",
)
def fourth_partner(w: World) -> Steps:
    others = [w.sesame.create_account().account_id for _ in range(3)]
    w.allow(Principal={"AWS": others})
    yield lambda: w.simple(w.sender)
    w.allow(Principal={"AWS": [*others, w.sender.account_id]})
    yield lambda: w.simple(w.sender)


@case(
    seen="only Denies: the owner wrote whom to keep out, and nobody in",
    code="SA208",
    reader="owner",
    says=("denies",),
    mend=("change or remove",),
    also=("SA201",),
)
def nothing_but_denies(w: World) -> Steps:
    w.allow(Effect="Deny", Principal="*", Condition={"StringLike": {"ses:FromAddress": "news@*"}})
    yield lambda: w.simple(w.sender)
    w.allow()
    yield lambda: w.simple(w.sender)


@case(
    seen="anybody's address but the boss's",
    code="SA401",
    reader="owner",
    says=("ses:FromAddress", "ceo@{domain}"),
    mend=("ses:FromAddress",),
)
def all_but_one_address(w: World) -> Steps:
    but = {"StringNotEquals": {"ses:FromAddress": f"ceo@{w.domain}"}}
    yield from condition(w, but, None, lambda: w.simple(w.sender, Source=f"ceo@{w.domain}"))


@case(
    seen="no mail to a competitor: ForAllValues:StringNotLike",
    code="SA401",
    says=("ses:Recipients", "you@elsewhere.test"),
    mend=("{owner}",),
    owner="SA401",
)
def no_mail_to_a_competitor(w: World) -> Steps:
    no = {"ForAllValues:StringNotLike": {"ses:Recipients": ["*@elsewhere.test"]}}
    yield from condition(w, no, None, lambda: w.simple(w.sender))


@case(
    seen="the owner denies all but its data centre's range",
    code="SA208",
    reader="owner",
    says=("aws:SourceIp", "127.0.0.1"),
    mend=("change or remove",),
)
def owner_denies_outside_a_range(w: World) -> Steps:
    w.allow()
    outside = {"NotIpAddress": {"aws:SourceIp": "198.51.100.0/24"}}
    w.allow(name="range", Effect="Deny", Principal="*", Condition=outside)
    yield lambda: w.simple(w.sender)
    w.client("ses", w.owner).delete_identity_policy(Identity=w.domain, PolicyName="zqownerrange")
    yield lambda: w.simple(w.sender)


@case(
    seen="`false` where `true` was meant: aws:SecureTransport",
    code="SA401",
    reader="owner",
    says=("aws:SecureTransport", "true"),
    mend=("aws:SecureTransport",),
)
def secure_transport_the_wrong_way(w: World) -> Steps:
    fields = {"X-SES-SOURCE-ARN": w.arn}
    wrong = {"Bool": {"aws:SecureTransport": "false"}}
    yield from condition(
        w, wrong, {"Bool": {"aws:SecureTransport": "true"}}, lambda: w.smtp(w.sender, fields)
    )


@case(
    seen="begins next season, in epoch seconds",
    code="SA402",
    reader="owner",
    says=("aws:EpochTime", "7226582400"),
    mend=("earlier", "7226582400"),
)
def begins_in_epoch_seconds(w: World) -> Steps:
    later = {"DateGreaterThan": {"aws:EpochTime": "7226582400"}}
    yield from condition(w, later, None, lambda: w.simple(w.sender))


@case(
    seen="the From address comes from a tag that the user does not have",
    code="SA401",
    reader="owner",
    says=("aws:PrincipalTag/mail", "no value"),
    mend=("news@{domain}",),
)
def address_from_a_tag(w: World) -> Steps:
    user = w.user("app", MAY_SEND)
    by_tag = {"StringEquals": {"ses:FromAddress": "${aws:PrincipalTag/mail}@" + w.domain}}
    fixed = {"StringEquals": {"ses:FromAddress": f"news@{w.domain}"}}
    yield from condition(w, by_tag, fixed, lambda: w.simple(user))


@case(
    seen="the account's number as local part",
    code="SA401",
    reader="owner",
    says=("ses:FromAddress", "{sender}@{domain}|aws:PrincipalAccount"),
    mend=("news@{domain}",),
)
def address_from_the_account(w: World) -> Steps:
    by_account = {"StringEquals": {"ses:FromAddress": "${aws:PrincipalAccount}@" + w.domain}}
    fixed = {"StringEquals": {"ses:FromAddress": f"news@{w.domain}"}}
    yield from condition(w, by_account, fixed, lambda: w.simple(w.sender))


@case(
    seen="anchors of a regular expression",
    code="SA401",
    reader="owner",
    says=("^news@", "news@{domain}"),
    mend=("news@{domain}",),
)
def anchors_of_a_regular_expression(w: World) -> Steps:
    anchored = {"StringLike": {"ses:FromAddress": f"^news@{w.domain}$"}}
    fixed = {"StringLike": {"ses:FromAddress": f"news@{w.domain}"}}
    yield from condition(w, anchored, fixed, lambda: w.simple(w.sender))


@case(
    seen="two addresses in one text, with a comma",
    code="SA401",
    reader="owner",
    says=("news@{domain},sales@{domain}",),
    mend=("news@{domain}",),
)
def two_addresses_in_one_text(w: World) -> Steps:
    text = f"news@{w.domain},sales@{w.domain}"
    fixed = {"StringEquals": {"ses:FromAddress": text.split(",")}}
    yield from condition(w, {"StringEquals": {"ses:FromAddress": text}}, fixed, lambda: w.simple(w.sender))


@case(
    seen="`@domain` under StringLike, without its star",
    code="SA401",
    reader="owner",
    says=("@{domain}", "news@{domain}"),
    mend=("news@{domain}|*@{domain}",),
)
def domain_without_its_star(w: World) -> Steps:
    bare = {"StringLike": {"ses:FromAddress": f"@{w.domain}"}}
    fixed = {"StringLike": {"ses:FromAddress": f"*@{w.domain}"}}
    yield from condition(w, bare, fixed, lambda: w.simple(w.sender))


@case(
    seen="a tag of plus addressing",
    code="SA401",
    says=("ses:FromAddress", "news+7@{domain}"),
    mend=("{owner}",),
    owner="SA401",
)
def plus_addressing(w: World) -> Steps:
    plain = {"StringEquals": {"ses:FromAddress": f"news@{w.domain}"}}
    fixed = {"StringLike": {"ses:FromAddress": [f"news@{w.domain}", f"news+*@{w.domain}"]}}
    yield from condition(w, plain, fixed, lambda: w.simple(w.sender, Source=f"news+7@{w.domain}"))


@case(
    seen="analytics-platform-ops#164: IAM lists the address, and the domain is what is registered",
    code="SA206",
    says=("identity/me@own-{domain}", "identity/own-{domain}"),
    mend=("identity/own-{domain}",),
)
def iam_lists_the_address(w: World) -> Steps:
    own = w.sesame.vouch(w.sender, f"own-{w.domain}")
    user = w.user("app", MAY_SEND | {"Resource": own.replace("own-", "me@own-")})
    mail: dict[str, Any] = {"SourceArn": None, "Source": f"me@own-{w.domain}"}
    yield lambda: w.simple(user, **mail)
    w.user_may("app", MAY_SEND | {"Resource": own})
    yield lambda: w.simple(user, **mail)


@case(
    seen="a slash and a star behind the identity, as of a bucket",
    code="SA205|SA206",
    says=("{arn}/*",),
    mend=("{arn}",),
)
def resource_as_of_a_bucket(w: World) -> Steps:
    yield from iam(w, (MAY_SEND | {"Resource": f"{w.arn}/*"},), (MAY_SEND | {"Resource": w.arn},))


@case(
    seen="IAM asks for a tag of the own identity that nobody has put on",
    code="SA401",
    says=("aws:ResourceTag/env",),
    mend=("aws:ResourceTag/env",),
)
def tag_of_the_own_identity(w: World) -> Steps:
    w.sesame.vouch(w.sender, f"own-{w.domain}")
    tagged = {"StringEquals": {"aws:ResourceTag/env": "prod"}}
    user = w.user("app", MAY_SEND | {"Condition": tagged})
    mail: dict[str, Any] = {"SourceArn": None, "Source": f"me@own-{w.domain}"}
    yield lambda: w.simple(user, **mail)
    w.user_may("app", MAY_SEND)
    yield lambda: w.simple(user, **mail)


@case(
    seen="a Deny with a Sid: it is what the text has to name",
    code="SA208",
    says=("NoMailAtAll",),
    mend=("NoMailAtAll",),
)
def deny_with_a_sid(w: World) -> Steps:
    yield from iam(w, (MAY_SEND, deny(Sid="NoMailAtAll")), (MAY_SEND,))


@case(
    seen="a Deny unless bounces go to the team",
    code="SA208",
    says=("ses:FeedbackAddress", "news@{domain}"),
    mend=("zqsender",),
)
def deny_unless_bounces_go_home(w: World) -> Steps:
    home = {"StringNotLike": {"ses:FeedbackAddress": "bounces@*"}}
    yield from iam(w, (MAY_SEND, deny(Condition=home)), (MAY_SEND,))


@case(
    seen="a Deny but for services that call on one's behalf",
    code="SA208",
    says=("aws:ViaAWSService", "false"),
    mend=("zqsender",),
)
def deny_but_through_services(w: World) -> Steps:
    direct = {"Bool": {"aws:ViaAWSService": "false"}}
    yield from iam(w, (MAY_SEND, deny(Condition=direct)), (MAY_SEND,))


@case(
    seen="access for a week, and the week is over",
    code="SA402",
    says=("aws:CurrentTime", "2026-01-08"),
    mend=("later", "2026-01-08"),
)
def week_is_over_in_iam(w: World) -> Steps:
    week = {"DateLessThan": {"aws:CurrentTime": "2026-01-08T00:00:00Z"}}
    yield from iam(w, (MAY_SEND | {"Condition": week},), (MAY_SEND,))


@case(
    seen="IAM knows the program by its user agent",
    code="SA401",
    says=("aws:UserAgent", "Laravel"),
    mend=("aws:UserAgent",),
)
def user_agent_in_iam(w: World) -> Steps:
    agent = {"StringLike": {"aws:UserAgent": "*Laravel*"}}
    yield from iam(w, (MAY_SEND | {"Condition": agent},), (MAY_SEND,))


@case(
    seen="a session policy that denies, of a broker",
    code="SA208",
    says=("session policy",),
    mend=("session policy",),
)
def session_policy_that_denies(w: World) -> Steps:
    w.allow()
    role = w.role("broker")
    narrow = document(MAY_SEND, deny(Condition={"StringLike": {"ses:FromAddress": "news@*"}}))
    yield lambda: w.raw(w.session(role, Policy=narrow))
    yield lambda: w.raw(w.session(role))


@case(
    seen="a session policy with a From address, of a broker",
    code="SA207",
    says=("session",),
    mend=("session",),
)
def session_policy_with_a_condition(w: World) -> Steps:
    w.allow()
    role = w.role("broker")
    narrow = MAY_SEND | {"Condition": {"StringEquals": {"ses:FromAddress": f"sales@{w.domain}"}}}
    yield lambda: w.raw(w.session(role, Policy=document(narrow)))
    yield lambda: w.raw(w.session(role))


@case(
    seen="the session's tag has another value",
    code="SA401",
    reader="owner",
    says=("aws:PrincipalTag/team", "mail"),
    mend=("aws:PrincipalTag/team|tag",),
)
def another_value_of_the_tag(w: World) -> Steps:
    role = w.role("app")
    w.allow(Condition={"StringEquals": {"aws:PrincipalTag/team": "mail"}})
    yield lambda: w.raw(w.session(role, Tags=[{"Key": "team", "Value": "web"}]))
    yield lambda: w.raw(w.session(role, Tags=[{"Key": "team", "Value": "mail"}]))


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
    seen="mailto: before the address",
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
    says=("role/App", "no such role"),
    mend=("role/App",),
)
def role_in_other_letters(w: World) -> Steps:
    arn, sts = _assume(w)
    yield lambda: sts.assume_role(RoleArn=arn.replace("role/app", "role/App"), RoleSessionName="job")
    yield lambda: sts.assume_role(RoleArn=arn, RoleSessionName="job")


@case(
    seen="a Deny of sts:AssumeRole on all users",
    code="SA208",
    says=("sts:AssumeRole",),
    mend=("sts:AssumeRole",),
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
        Identity=w.domain, PolicyName="zqowner", Policy=_policy(w, ireland)
    )
    yield lambda: w.simple(w.sender, SourceArn=ireland)
    yield lambda: w.simple(w.sender, SourceArn=ireland, region="eu-west-1")


@case(
    seen="two things: the ARN has the sender's number, and its user has no IAM policy; the ARN comes first",
    code="SA103",
    says=("{sender}",),
    mend=("owner",),
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


def _policy(w: World, arn: str) -> str:
    return document(w.statement(Resource=arn))


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
