"""Set-ups in which a policy of either side says less, more or something else than was meant."""

from typing import Any

from tests.story.misconfigured.world import MAY_SEND, Steps, World, case, document


@case(
    seen="copied from the owner's own console: the Principal is the owner's account",
    code="SA201",
    reader="owner",
    says=("{sender}",),
    mend=("{sender}", "{arn}"),
)
def principal_is_the_owner(w: World) -> Steps:
    w.allow(Principal={"AWS": f"arn:aws:iam::{w.owner.account_id}:root"})
    yield lambda: w.simple(w.sender)
    w.allow()
    yield lambda: w.simple(w.sender)


@case(
    seen="cjww gatekeeper#53: the policy names the user of the staging program, production has its own",
    code="SA201",
    reader="owner",
    says=("user/production", "user/staging"),
    mend=("user/production",),
)
def user_of_the_other_stage(w: World) -> Steps:
    w.user("staging", MAY_SEND)
    production = w.user("production", MAY_SEND)
    w.allow(Principal={"AWS": f"arn:aws:iam::{w.sender.account_id}:user/staging"})
    yield lambda: w.simple(production)
    w.allow(
        Principal={"AWS": [f"arn:aws:iam::{w.sender.account_id}:user/{n}" for n in ("staging", "production")]}
    )
    yield lambda: w.simple(production)


@case(
    seen="open-apparel-registry#181: two ECS roles of nearly the same name, one of them in the policy",
    code="SA201",
    says=("role/app-task",),
    mend=("{owner}", "role/app-task"),
    owner="SA201",
)
def nearly_the_same_role(w: World) -> Steps:
    other, role = w.role("ecs-task"), w.role("app-task")
    w.allow(Principal={"AWS": other})
    yield lambda: w.raw(w.session(role))
    w.allow(Principal={"AWS": role})
    yield lambda: w.raw(w.session(role))


@case(
    seen="a role that assumes a role: the policy names the first of the two",
    code="SA201",
    says=("role/second",),
    mend=("role/second",),
    owner="SA201",
)
def second_role_of_a_chain(w: World) -> Steps:
    first = w.role("first", MAY_SEND, {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"})
    second = w.role("second")
    trust = {"Effect": "Allow", "Principal": {"AWS": first}, "Action": "sts:AssumeRole"}
    w.client("iam", w.sender).update_assume_role_policy(RoleName="second", PolicyDocument=document(trust))
    w.allow(Principal={"AWS": first})
    sts = w.client("sts", w.session(first))
    keys = sts.assume_role(RoleArn=second, RoleSessionName="job")["Credentials"]
    session = type(w.sender)(
        w.sender.account_id, keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"]
    )
    yield lambda: w.raw(session)
    w.allow(Principal={"AWS": second})
    yield lambda: w.raw(session)


@case(
    seen="aws-sdk-js#3641: the policy lists SendEmail, the program sends a template",
    code="SA301",
    reader="owner",
    says=("ses:SendTemplatedEmail",),
    mend=("ses:SendTemplatedEmail",),
)
def template_where_send_email_is_listed(w: World) -> Steps:
    w.allow(Action="ses:SendEmail")
    w.client("ses", w.sender).create_template(
        Template={"TemplateName": "t", "SubjectPart": "s", "TextPart": "t"}
    )

    def send() -> Any:
        return w.client("ses", w.sender).send_templated_email(
            Source=f"news@{w.domain}",
            SourceArn=w.arn,
            Destination={"ToAddresses": ["you@elsewhere.test"]},
            Template="t",
            TemplateData="{}",
        )

    yield send
    w.allow(Action=["ses:SendEmail", "ses:SendTemplatedEmail"])
    yield send


@case(
    seen="bulk of v1 where the policy lists the single templated send",
    code="SA301",
    says=("ses:SendBulkTemplatedEmail",),
    mend=("{owner}", "ses:SendBulkTemplatedEmail"),
    owner="SA301",
)
def bulk_of_v1_where_single_is_listed(w: World) -> Steps:
    w.allow(Action="ses:SendTemplatedEmail")
    w.client("ses", w.sender).create_template(
        Template={"TemplateName": "t", "SubjectPart": "s", "TextPart": "t"}
    )

    def send() -> Any:
        return w.client("ses", w.sender).send_bulk_templated_email(
            Source=f"news@{w.domain}",
            SourceArn=w.arn,
            Template="t",
            DefaultTemplateData="{}",
            Destinations=[{"Destination": {"ToAddresses": ["you@elsewhere.test"]}}],
        )["Status"][0]

    yield send
    w.allow(Action=["ses:SendTemplatedEmail", "ses:SendBulkTemplatedEmail"])
    yield send


@case(
    seen="repost.aws `Unauthorized`: a Deny for all From addresses but one",
    code="SA208",
    reader="owner",
    says=("ses:FromAddress", "sales@{domain}"),
    mend=("change or remove|change",),
)
def deny_but_for_one_address(w: World) -> Steps:
    w.allow()
    only = {"StringNotLike": {"ses:FromAddress": f"news@{w.domain}"}}
    w.allow(name="only", Effect="Deny", Principal="*", Action="ses:*", Condition=only)
    yield lambda: w.simple(w.sender, Source=f"sales@{w.domain}")
    w.client("ses", w.owner).delete_identity_policy(Identity=w.domain, PolicyName="zqowneronly")
    yield lambda: w.simple(w.sender, Source=f"sales@{w.domain}")


@case(
    seen="the sender's half of it: its own value, and whom to ask",
    code="SA208",
    says=("ses:FromAddress", "sales@{domain}"),
    mend=("{owner}", "quote the request id"),
)
def deny_but_for_one_address_as_the_sender_reads_it(w: World) -> Steps:
    yield from deny_but_for_one_address(w)


@case(
    seen="a Deny for every account but the partner's, with a digit wrong in its number",
    code="SA208",
    reader="owner",
    says=("aws:PrincipalAccount", "{sender}"),
    mend=("change or remove|change",),
)
def deny_for_other_accounts_with_a_slip(w: World) -> Steps:
    w.allow()
    slip = w.sender.account_id[:-1] + str((int(w.sender.account_id[-1]) + 1) % 10)
    others = {"StringNotEquals": {"aws:PrincipalAccount": slip}}
    w.allow(name="others", Effect="Deny", Principal="*", Action="ses:*", Condition=others)
    yield lambda: w.simple(w.sender)
    others = {"StringNotEquals": {"aws:PrincipalAccount": w.sender.account_id}}
    w.allow(name="others", Effect="Deny", Principal="*", Action="ses:*", Condition=others)
    yield lambda: w.simple(w.sender)


@case(
    seen="a campaign's end in epoch seconds, and long over",
    code="SA402",
    reader="owner",
    says=("aws:EpochTime", "1577836800"),
    mend=("1577836800|date",),
)
def epoch_time_is_over(w: World) -> Steps:
    w.allow(Condition={"DateLessThan": {"aws:EpochTime": "1577836800"}})
    yield lambda: w.simple(w.sender)
    w.allow(Condition={"DateLessThan": {"aws:EpochTime": "7226582400"}})
    yield lambda: w.simple(w.sender)


@case(
    seen="repost.aws `Unauthorized`: aws:UserAgent of a program that was rewritten",
    code="SA401",
    reader="owner",
    says=("aws:UserAgent", "*PHPMailer*"),
    mend=("aws:UserAgent",),
)
def user_agent(w: World) -> Steps:
    w.allow(Condition={"StringLike": {"aws:UserAgent": "*PHPMailer*"}})
    yield lambda: w.simple(w.sender)
    w.allow()
    yield lambda: w.simple(w.sender)


@case(
    seen="the sender's half of an address range: the address that was seen, and whom to ask",
    code="SA403",
    says=("127.0.0.1",),
    mend=("{owner}", "quote the request id"),
    owner="SA403",
)
def range_as_the_sender_reads_it(w: World) -> Steps:
    w.allow(Condition={"IpAddress": {"aws:SourceIp": ["198.51.100.0/24", "203.0.113.9/32"]}})
    yield lambda: w.raw(w.sender)
    w.allow(Condition={"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}})
    yield lambda: w.raw(w.sender)


@case(
    seen="aws:SourceIp under StringEquals with a range",
    code="SA403",
    reader="owner",
    says=("aws:SourceIp", "IpAddress"),
    mend=("IpAddress",),
)
def range_under_string_equals(w: World) -> Steps:
    w.allow(Condition={"StringEquals": {"aws:SourceIp": "127.0.0.0/8"}})
    yield lambda: w.raw(w.sender)
    w.allow(Condition={"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}})
    yield lambda: w.raw(w.sender)


@case(
    seen="aws:userid with the unique id of a role that Terraform made again",
    code="SA401",
    reader="owner",
    says=("aws:userid", "AROAOLDOLDOLDOLDOLDOL"),
    mend=("aws:userid",),
)
def userid_of_an_old_role(w: World) -> Steps:
    role = w.role("job")
    w.allow(Condition={"StringLike": {"aws:userid": "AROAOLDOLDOLDOLDOLDOL:*"}})
    yield lambda: w.raw(w.session(role))
    now = w.client("iam", w.sender).get_role(RoleName="job")["Role"]["RoleId"]
    w.allow(Condition={"StringLike": {"aws:userid": f"{now}:*"}})
    yield lambda: w.raw(w.session(role))


@case(
    seen="the Return-Path field of the message is asked for, and Source is what counts",
    code="SA401",
    reader="owner",
    says=("ses:FeedbackAddress", "news@{domain}"),
    mend=("ses:FeedbackAddress|news@{domain}",),
)
def return_path_field_beside_source(w: World) -> Steps:
    w.allow(Condition={"StringEquals": {"ses:FeedbackAddress": f"bounces@{w.domain}"}})
    yield lambda: w.raw(w.sender, Source=f"news@{w.domain}")
    yield lambda: w.raw(w.sender, Source=f"bounces@{w.domain}")


@case(
    seen="ForAnyValue over ses:Recipients: none of them is at the partner's",
    code="SA401",
    reader="owner",
    says=("ses:Recipients", "*@partner.test"),
    mend=("ses:Recipients",),
)
def no_recipient_is_the_partners(w: World) -> Steps:
    w.allow(Condition={"ForAnyValue:StringLike": {"ses:Recipients": ["*@partner.test"]}})
    yield lambda: w.simple(w.sender)
    yield lambda: w.simple(w.sender, Destination={"ToAddresses": ["you@elsewhere.test", "me@partner.test"]})


@case(
    seen="CUDly#1449: the role's own policy is scoped to another domain's addresses",
    code="SA401",
    says=("ses:FromAddress", "*@cudly.test", "news@{domain}"),
    mend=("news@{domain}",),
)
def iam_scoped_to_another_domain(w: World) -> Steps:
    w.allow()
    scoped = MAY_SEND | {"Condition": {"StringLike": {"ses:FromAddress": "*@cudly.test"}}}
    role = w.role("fargate", scoped)
    yield lambda: w.raw(w.session(role))
    w.role_may("fargate", MAY_SEND | {"Condition": {"StringLike": {"ses:FromAddress": f"*@{w.domain}"}}})
    yield lambda: w.raw(w.session(role))


@case(
    seen="a region guard: Deny unless aws:RequestedRegion is European",
    code="SA208",
    says=("aws:RequestedRegion", "us-east-1"),
    mend=("zqsender",),
)
def region_guard(w: World) -> Steps:
    w.allow()
    guard = {"StringNotLike": {"aws:RequestedRegion": "eu-*"}}
    deny = {"Effect": "Deny", "NotAction": "iam:*", "Resource": "*", "Condition": guard}
    user = w.user("app", MAY_SEND, deny)
    yield lambda: w.simple(user)
    guard["StringNotLike"]["aws:RequestedRegion"] = ["eu-*", "us-east-1"]  # type: ignore[assignment]
    w.user_may("app", MAY_SEND, deny)
    yield lambda: w.simple(user)


@case(
    seen="IAM allows through a VPC endpoint alone",
    code="SA401",
    says=("aws:SourceVpce",),
    mend=("aws:SourceVpce",),
)
def vpc_endpoint_in_iam(w: World) -> Steps:
    w.allow()
    user = w.user("app", MAY_SEND | {"Condition": {"StringEquals": {"aws:SourceVpce": "vpce-1a2b3c4d"}}})
    yield lambda: w.simple(user)
    w.user_may("app", MAY_SEND)
    yield lambda: w.simple(user)


@case(
    seen="analytics-platform-ops#164: IAM's Resource has the region of another stack",
    code="SA206|SA205",
    says=("eu-west-1", "us-east-1"),
    mend=("{arn}",),
)
def iam_resource_of_another_region(w: World) -> Steps:
    w.allow()
    user = w.user("app", MAY_SEND | {"Resource": w.arn.replace("us-east-1", "eu-west-1")})
    yield lambda: w.simple(user)
    w.user_may("app", MAY_SEND | {"Resource": w.arn})
    yield lambda: w.simple(user)


@case(
    seen="data.gov#3810: IAM's Resource has the sender's own number, the identity is the owner's",
    code="SA206|SA205",
    says=("{sender}", "{owner}"),
    mend=("{arn}",),
)
def iam_resource_with_the_senders_number(w: World) -> Steps:
    w.allow()
    own = w.arn.replace(w.owner.account_id, w.sender.account_id)
    user = w.user("broker", MAY_SEND | {"Resource": own})
    yield lambda: w.smtp(user, {"X-SES-SOURCE-ARN": w.arn})
    w.user_may("broker", MAY_SEND | {"Resource": [own, w.arn]})
    yield lambda: w.smtp(user, {"X-SES-SOURCE-ARN": w.arn})


@case(
    seen="wp-offload-ses-lite#50: IAM lists `identity/mywebsite.com`, mail is from a subdomain that has an identity",
    code="SA206",
    says=("identity/mail.own-{domain}", "identity/own-{domain}"),
    mend=("identity/mail.own-{domain}",),
)
def iam_resource_of_the_parent_domain(w: World) -> Steps:
    parent = w.sesame.vouch(w.sender, f"own-{w.domain}")
    mail = w.sesame.vouch(w.sender, f"mail.own-{w.domain}")
    user = w.user("wordpress", MAY_SEND | {"Resource": parent})
    source = f"me@mail.own-{w.domain}"
    yield lambda: w.simple(user, SourceArn=None, Source=source)
    w.user_may("wordpress", MAY_SEND | {"Resource": [parent, mail]})
    yield lambda: w.simple(user, SourceArn=None, Source=source)


@case(
    seen="the user was left out of the group `mailers`",
    code="SA206|SA205",
    says=("user/new", "ses:SendRawEmail"),
    mend=("user/new", "{arn}"),
)
def user_outside_the_group(w: World) -> Steps:
    w.allow()
    iam = w.client("iam", w.sender)
    iam.create_group(GroupName="mailers")
    iam.put_group_policy(GroupName="mailers", PolicyName="send", PolicyDocument=document(MAY_SEND))
    user = w.user("new")
    yield lambda: w.raw(user)
    iam.add_user_to_group(GroupName="mailers", UserName="new")
    yield lambda: w.raw(user)


@case(
    seen="the prefix of the API's name: sesv2:SendEmail",
    code="SA301",
    says=("sesv2:SendEmail", "ses:SendEmail"),
    mend=("ses:SendEmail",),
)
def prefix_of_the_api(w: World) -> Steps:
    w.allow()
    user = w.user("app", MAY_SEND | {"Action": ["sesv2:SendEmail", "sesv2:GetAccount"]})
    yield lambda: w.v2(user)
    w.user_may("app", MAY_SEND | {"Action": "ses:SendEmail"})
    yield lambda: w.v2(user)


@case(
    seen="aws-cdk#34402: grantSendEmail, and the identity has a default set; v2",
    code="SA302",
    says=("configuration-set/tracked",),
    mend=("configuration-set/tracked",),
)
def granted_identity_with_a_named_set(w: World) -> Steps:
    own = w.sesame.vouch(w.sender, f"own-{w.domain}")
    w.client("sesv2", w.sender).create_configuration_set(ConfigurationSetName="tracked")
    role = w.role("task", MAY_SEND | {"Action": ["ses:SendEmail", "ses:SendRawEmail"], "Resource": own})
    mail: dict[str, Any] = {"FromEmailAddress": f"me@own-{w.domain}", "FromEmailAddressIdentityArn": None}
    yield lambda: w.v2(w.session(role), **mail, ConfigurationSetName="tracked")
    named = f"arn:aws:ses:us-east-1:{w.sender.account_id}:configuration-set/tracked"
    w.role_may("task", MAY_SEND | {"Action": "ses:Send*", "Resource": [own, named]})
    yield lambda: w.v2(w.session(role), **mail, ConfigurationSetName="tracked")


@case(
    seen="a session policy of the deployer narrows to the own domain; mail goes as the lent one",
    code="SA207",
    says=("session",),
    mend=("{arn}",),
)
def session_policy_of_the_own_domain(w: World) -> Steps:
    w.allow()
    role = w.role("deployer")
    own = w.arn.replace(w.owner.account_id, w.sender.account_id)
    yield lambda: w.raw(w.session(role, Policy=document(MAY_SEND | {"Resource": own})))
    yield lambda: w.raw(w.session(role, Policy=document(MAY_SEND | {"Resource": [own, w.arn]})))


@case(
    seen="IAM wants a second factor of a program's user (Allow with Bool)",
    code="SA401",
    says=("aws:MultiFactorAuthPresent",),
    mend=("aws:MultiFactorAuthPresent",),
)
def second_factor_in_an_allow(w: World) -> Steps:
    w.allow()
    mfa = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    user = w.user("robot", MAY_SEND | {"Condition": mfa})
    yield lambda: w.simple(user)
    w.user_may("robot", MAY_SEND)
    yield lambda: w.simple(user)


@case(
    seen="condition of the owner fails, and the user's own IAM lacks it as well",
    code="SA401",
    says=("ses:FromAddress", "ceo@{domain}"),
    mend=("{owner}",),
    also=("SA205|SA206",),
    owner="SA401",
)
def condition_and_iam(w: World) -> Steps:
    user = w.user("app")
    w.allow(Condition={"StringEquals": {"ses:FromAddress": f"news@{w.domain}"}})
    yield lambda: w.simple(user, Source=f"ceo@{w.domain}")
    w.allow(Condition={"StringEquals": {"ses:FromAddress": [f"news@{w.domain}", f"ceo@{w.domain}"]}})
    w.user_may("app", MAY_SEND)
    yield lambda: w.simple(user, Source=f"ceo@{w.domain}")


@case(
    seen="two Allows: one for SendEmail, one for raw mail with a condition",
    code="SA401",
    reader="owner",
    says=("ses:FromAddress", "sales@{domain}"),
    mend=("sales@{domain}",),
)
def raw_has_a_condition_of_its_own(w: World) -> Steps:
    w.allow(Action="ses:SendEmail")
    only: dict[str, Any] = {"StringEquals": {"ses:FromAddress": f"news@{w.domain}"}}
    w.allow(name="raw", Action="ses:SendRawEmail", Condition=only)
    fields = {"From": f"sales@{w.domain}"}
    yield lambda: w.raw(w.sender, fields)
    only = {"StringEquals": {"ses:FromAddress": [f"news@{w.domain}", f"sales@{w.domain}"]}}
    w.allow(name="raw", Action="ses:SendRawEmail", Condition=only)
    yield lambda: w.raw(w.sender, fields)
