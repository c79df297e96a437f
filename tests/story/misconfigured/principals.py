"""Set-ups in which a policy means somebody else, and those in which the sender's own side says no."""

from typing import Any

from tests.story.misconfigured.world import MAY_SEND, Steps, World, case, document
from tests.support.process import Account


@case(
    seen="cloudposse/terraform-aws-ses#40, the module's user: Resource is the own identity only",
    code="SA205|SA206",
    says=("IAM",),
    mend=("ses:SendRawEmail", "{arn}"),
)
def iam_resource_is_the_own_identity(w: World) -> Steps:
    w.allow()
    own = MAY_SEND | {"Resource": f"arn:aws:ses:us-east-1:{w.sender.account_id}:identity/*"}
    user = w.user("mailer", own)
    yield lambda: w.raw(user)
    w.user_may("mailer", MAY_SEND | {"Resource": w.arn})
    yield lambda: w.raw(user)


@case(
    seen="emfoundation#572: keys of a user made for S3, the owner's policy names the account",
    code="SA205",
    says=("IAM",),
    mend=("ses:SendEmail", "{arn}"),
)
def user_without_ses(w: World) -> Steps:
    w.allow()
    user = w.user("s3-upload", {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"})
    yield lambda: w.simple(user)
    w.user_may("s3-upload", MAY_SEND)
    yield lambda: w.simple(user)


@case(
    seen="symfony#51461: ses+https changed from SendEmail to SendRawEmail, IAM still lists SendEmail",
    code="SA301",
    says=("ses:SendRawEmail",),
    mend=("ses:SendRawEmail", "IAM"),
)
def iam_lists_send_email_only(w: World) -> Steps:
    w.allow()
    user = w.user("app", MAY_SEND | {"Action": "ses:SendEmail"})
    yield lambda: w.raw(user)
    w.user_may("app", MAY_SEND | {"Action": ["ses:SendEmail", "ses:SendRawEmail"]})
    yield lambda: w.raw(user)


@case(
    seen="an action misspelt in IAM: ses:SendRawMail",
    code="SA301|SA206|SA205",
    says=("ses:SendRawEmail",),
    mend=("ses:SendRawEmail",),
)
def iam_action_misspelt(w: World) -> Steps:
    w.allow()
    user = w.user("app", MAY_SEND | {"Action": "ses:SendRawMail"})
    yield lambda: w.raw(user)
    w.user_may("app", MAY_SEND | {"Action": "ses:SendRawEmail"})
    yield lambda: w.raw(user)


@case(
    seen="SMTP delegate; the identity policy lists ses:SendEmail only",
    code="SA301",
    reader="owner",
    says=("ses:SendRawEmail",),
    mend=("ses:SendRawEmail",),
)
def policy_lists_send_email_only(w: World) -> Steps:
    w.allow(Action="ses:SendEmail")
    yield lambda: w.smtp(w.sender, {"X-SES-SOURCE-ARN": w.arn})
    w.allow(Action=["ses:SendEmail", "ses:SendRawEmail"])
    yield lambda: w.smtp(w.sender, {"X-SES-SOURCE-ARN": w.arn})


@case(
    seen="django-anymail#384: bulk by v2, the policy lists the action of v1",
    code="SA301",
    reader="owner",
    says=("ses:SendBulkEmail",),
    mend=("ses:SendBulkEmail",),
)
def bulk_action_of_v1(w: World) -> Steps:
    w.allow(Action=["ses:SendBulkTemplatedEmail"])
    w.client("sesv2", w.sender).create_email_template(
        TemplateName="t", TemplateContent={"Subject": "s", "Text": "t"}
    )

    def bulk() -> Any:
        answer = w.client("sesv2", w.sender).send_bulk_email(
            FromEmailAddress=f"news@{w.domain}",
            FromEmailAddressIdentityArn=w.arn,
            DefaultContent={"Template": {"TemplateName": "t", "TemplateData": "{}"}},
            BulkEmailEntries=[{"Destination": {"ToAddresses": ["you@elsewhere.test"]}}],
        )
        return answer["BulkEmailEntryResults"][0]

    yield bulk
    w.allow(Action=["ses:SendBulkEmail", "ses:SendBulkTemplatedEmail", "ses:SendTemplatedEmail"])
    yield bulk


@case(
    seen="the policy names the role's session of the day it was written (i-0123)",
    code="SA202",
    reader="owner",
    says=("app", "i-0456"),
    mend=("role/app",),
)
def one_instance_of_an_autoscaling_group(w: World) -> Steps:
    role = w.role("app")
    w.allow(Principal={"AWS": f"arn:aws:sts::{w.sender.account_id}:assumed-role/app/i-0123"})
    yield lambda: w.raw(w.session(role, "i-0456"))
    w.allow(Principal={"AWS": role})
    yield lambda: w.raw(w.session(role, "i-0456"))


@case(
    seen="the policy names the execution role, the job runs as the task role",
    code="SA201",
    reader="owner",
    says=("task",),
    mend=("role/task",),
)
def execution_role_and_task_role(w: World) -> Steps:
    execution, task = w.role("execution"), w.role("task")
    w.allow(Principal={"AWS": execution})
    yield lambda: w.raw(w.session(task))
    w.allow(Principal={"AWS": [execution, task]})
    yield lambda: w.raw(w.session(task))


@case(
    seen="the policy names a user, the program has the root's keys",
    code="SA201",
    reader="owner",
    says=("root",),
    mend=("{sender}",),
)
def root_keys(w: World) -> Steps:
    w.user("mailer", MAY_SEND)
    w.allow(Principal={"AWS": f"arn:aws:iam::{w.sender.account_id}:user/mailer"})
    yield lambda: w.simple(w.sender)
    w.allow(Principal={"AWS": [f"arn:aws:iam::{w.sender.account_id}:user/mailer", w.sender.account_id]})
    yield lambda: w.simple(w.sender)


@case(
    seen="`terraform taint` on a role: same name, another id",
    code="SA203",
    reader="owner",
    says=("role/job", "deleted|created again|made again|another"),
    mend=("again",),
)
def role_made_again(w: World) -> Steps:
    role = w.role("job")
    w.allow(Principal={"AWS": role})
    iam = w.client("iam", w.sender)
    iam.delete_role_policy(RoleName="job", PolicyName="zqsender")
    iam.delete_role(RoleName="job")
    role = w.role("job")
    yield lambda: w.raw(w.session(role))
    w.allow(Principal={"AWS": role})
    yield lambda: w.raw(w.session(role))


@case(
    seen="the policy names the sender's old account, after a move to a new one",
    code="SA201",
    says=("{sender}|root",),
    mend=("{owner}", "{sender}"),
)
def moved_to_another_account(w: World) -> Steps:
    old = w.sesame.create_account()
    w.allow(Principal={"AWS": old.account_id})
    yield lambda: w.simple(w.sender)
    w.allow(Principal={"AWS": w.sender.account_id})
    yield lambda: w.simple(w.sender)


@case(
    seen="a service sends for another customer's account than the policy names",
    code="SA401",
    reader="owner",
    says=("aws:SourceAccount",),
    mend=("{sender}",),
)
def service_for_another_account(w: World) -> Steps:
    keys = service_keys(w, "codes")
    principal = {"Service": "codes.amazonaws.com"}
    condition = {"StringEquals": {"aws:SourceAccount": w.owner.account_id}}
    w.allow(Principal=principal, Condition=condition)
    yield lambda: w_service(w, keys)
    w.allow(
        Principal=principal,
        Condition={"StringEquals": {"aws:SourceAccount": [w.owner.account_id, w.sender.account_id]}},
    )
    yield lambda: w_service(w, keys)


@case(
    seen="amazon-cognito-developer-guide#41's neighbour: aws:SourceArn with `*` under StringEquals",
    code="SA401",
    reader="owner",
    says=("aws:SourceArn", "StringEquals"),
    mend=("ArnLike|StringLike",),
)
def source_arn_wildcard_in_string_equals(w: World) -> Steps:
    keys = service_keys(w, "pools")
    principal = {"Service": "pools.amazonaws.com"}
    pools = f"arn:aws:cognito-idp:us-east-1:{w.sender.account_id}:userpool/*"
    w.allow(Principal=principal, Condition={"StringEquals": {"aws:SourceArn": pools}})
    yield lambda: w_service(w, keys)
    w.allow(Principal=principal, Condition={"ArnLike": {"aws:SourceArn": pools}})
    yield lambda: w_service(w, keys)


@case(
    seen="the service's other name: email.codes for codes",
    code="SA204",
    reader="owner",
    says=("login.amazonaws.com",),
    mend=("login.amazonaws.com",),
)
def services_other_name(w: World) -> Steps:
    keys = service_keys(w, "login")
    w.allow(Principal={"Service": "email.login.amazonaws.com"})
    yield lambda: w_service(w, keys)
    w.allow(Principal={"Service": "login.amazonaws.com"})
    yield lambda: w_service(w, keys)


@case(
    seen="aws:PrincipalArn compared with an assumed-role ARN",
    code="SA401",
    reader="owner",
    says=("aws:PrincipalArn", "role/app"),
    mend=("role/app",),
)
def principal_arn_of_the_session(w: World) -> Steps:
    role = w.role("app")
    session = f"arn:aws:sts::{w.sender.account_id}:assumed-role/app/*"
    w.allow(Principal="*", Condition={"StringLike": {"aws:PrincipalArn": session}})
    yield lambda: w.raw(w.session(role))
    w.allow(Principal="*", Condition={"StringLike": {"aws:PrincipalArn": role}})
    yield lambda: w.raw(w.session(role))


@case(
    seen="the session policy of a vending machine allows SendEmail, the library sends raw",
    code="SA207|SA301",
    says=("session",),
    mend=("ses:SendRawEmail|session",),
)
def session_policy_without_raw(w: World) -> Steps:
    role = w.role("vended")
    w.allow(Principal={"AWS": w.sender.account_id})
    narrow = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"ses:SendEmail","Resource":"*"}}'
    yield lambda: w.raw(w.session(role, Policy=narrow))
    wide = narrow.replace('"ses:SendEmail"', '["ses:SendEmail","ses:SendRawEmail"]')
    yield lambda: w.raw(w.session(role, Policy=wide))


@case(
    seen="a group `quarantine` denies ses:* to a leaver's user that a cron job still uses",
    code="SA208",
    says=("quarantine", "group"),
    mend=("quarantine",),
)
def group_that_denies(w: World) -> Steps:
    w.allow()
    user = w.user("leaver", MAY_SEND)
    iam = w.client("iam", w.sender)
    iam.create_group(GroupName="quarantine")
    deny = '{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"ses:*","Resource":"*"}}'
    iam.put_group_policy(GroupName="quarantine", PolicyName="none", PolicyDocument=deny)
    iam.add_user_to_group(GroupName="quarantine", UserName="leaver")
    yield lambda: w.raw(user)
    iam.remove_user_from_group(GroupName="quarantine", UserName="leaver")
    yield lambda: w.raw(user)


@case(
    seen="the `force MFA` policy: Deny all unless aws:MultiFactorAuthPresent, on a program's user",
    code="SA208",
    says=("aws:MultiFactorAuthPresent",),
    mend=("statement",),
)
def force_mfa(w: World) -> Steps:
    w.allow()
    force = {"Effect": "Deny", "NotAction": "iam:*", "Resource": "*"}
    force["Condition"] = {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}  # type: ignore[assignment]
    user = w.user("robot", MAY_SEND, force)
    yield lambda: w.raw(user)
    w.user_may("robot", MAY_SEND)
    yield lambda: w.raw(user)


@case(
    seen="IAM: ses:FromAddress compared with the display name and address",
    code="SA401",
    says=("ses:FromAddress", "news@{domain}"),
    mend=("news@{domain}",),
)
def iam_from_address_with_display_name(w: World) -> Steps:
    w.allow()
    condition = {"StringEquals": {"ses:FromAddress": f"News <news@{w.domain}>"}}
    user = w.user("app", MAY_SEND | {"Condition": condition})
    yield lambda: w.raw(user)
    w.user_may("app", MAY_SEND | {"Condition": {"StringEquals": {"ses:FromAddress": f"news@{w.domain}"}}})
    yield lambda: w.raw(user)


@case(
    seen="IAM: Deny outside the office's range, from a program in the data centre",
    code="SA208|SA403",
    says=("127.0.0.1",),
    mend=("127.0.0.1|aws:SourceIp|statement",),
)
def deny_outside_the_office(w: World) -> Steps:
    w.allow()
    outside = {"NotIpAddress": {"aws:SourceIp": ["203.0.113.0/24"]}}
    deny = {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": outside}
    user = w.user("app", MAY_SEND, deny)
    yield lambda: w.raw(user)
    outside["NotIpAddress"]["aws:SourceIp"].append("127.0.0.1/32")
    w.user_may("app", MAY_SEND, deny)
    yield lambda: w.raw(user)


@case(
    seen="usdr-gost#3080: IAM allows the identity, mail names a configuration set",
    code="SA302",
    says=("configuration-set/main",),
    mend=("configuration-set/main",),
)
def iam_without_the_configuration_set(w: World) -> Steps:
    w.allow()
    w.client("ses", w.sender).create_configuration_set(ConfigurationSet={"Name": "main"})
    user = w.user("app", MAY_SEND | {"Resource": w.arn})
    yield lambda: w.raw(user, ConfigurationSetName="main")
    named = f"arn:aws:ses:us-east-1:{w.sender.account_id}:configuration-set/main"
    w.user_may("app", MAY_SEND | {"Resource": [w.arn, named]})
    yield lambda: w.raw(user, ConfigurationSetName="main")


@case(
    seen="a default configuration set was put on the own identity; nobody's code names it",
    code="SA302",
    says=("configuration-set/audit", "default"),
    mend=("configuration-set/audit",),
)
def iam_without_the_default_set(w: World) -> Steps:
    own = w.sesame.vouch(w.sender, f"own-{w.domain}")
    w.client("ses", w.sender).create_configuration_set(ConfigurationSet={"Name": "audit"})
    w.client("sesv2", w.sender).put_email_identity_configuration_set_attributes(
        EmailIdentity=f"own-{w.domain}", ConfigurationSetName="audit"
    )
    user = w.user("app", MAY_SEND | {"Resource": own})
    yield lambda: w.simple(user, SourceArn=None, Source=f"me@own-{w.domain}")
    named = f"arn:aws:ses:us-east-1:{w.sender.account_id}:configuration-set/audit"
    w.user_may("app", MAY_SEND | {"Resource": [own, named]})
    yield lambda: w.simple(user, SourceArn=None, Source=f"me@own-{w.domain}")


@case(
    seen="serverless-application-model#2844: SESCrudPolicy allows the identity, the template is refused",
    code="SA302",
    says=("template/welcome",),
    mend=("template/welcome",),
)
def iam_without_the_template(w: World) -> Steps:
    w.allow(Action=["ses:SendEmail", "ses:SendTemplatedEmail"])
    template = {"TemplateName": "welcome", "SubjectPart": "s", "TextPart": "t"}
    w.client("ses", w.sender).create_template(Template=template)
    user = w.user("app", MAY_SEND | {"Resource": w.arn})

    def send() -> Any:
        return w.client("ses", user).send_templated_email(
            Source=f"news@{w.domain}",
            SourceArn=w.arn,
            Destination={"ToAddresses": ["you@elsewhere.test"]},
            Template="welcome",
            TemplateData="{}",
        )

    yield send
    named = f"arn:aws:ses:us-east-1:{w.sender.account_id}:template/welcome"
    w.user_may("app", MAY_SEND | {"Resource": [w.arn, named]})
    yield send


@case(
    seen="the sender trusts a role's session to be named after the user: ${aws:username} in the owner's policy",
    code="SA401",
    reader="owner",
    says=("aws:username",),
    mend=("news@{domain}",),
)
def username_of_a_role(w: World) -> Steps:
    role = w.role("app")
    w.allow(
        Principal={"AWS": w.sender.account_id},
        Condition={"StringLike": {"ses:FromAddress": "${aws:username}@" + w.domain}},
    )
    yield lambda: w.raw(w.session(role, "news"))
    w.allow(
        Principal={"AWS": w.sender.account_id},
        Condition={"StringLike": {"ses:FromAddress": f"news@{w.domain}"}},
    )
    yield lambda: w.raw(w.session(role, "news"))


@case(
    seen="aws:PrincipalTag/team is asked for, the role has no tag",
    code="SA401",
    reader="owner",
    says=("aws:PrincipalTag/team",),
    mend=("tag `team`",),
)
def principal_without_the_tag(w: World) -> Steps:
    role = w.role("app")
    w.allow(Condition={"StringEquals": {"aws:PrincipalTag/team": "mail"}})
    yield lambda: w.raw(w.session(role))
    yield lambda: w.raw(w.session(role, Tags=[{"Key": "team", "Value": "mail"}]))


@case(
    seen="a role's trust policy names another robot: the program never gets as far as sending",
    code="SA209",
    says=("trust",),
    mend=("trust",),
)
def role_that_trusts_another(w: World) -> Steps:
    arn = w.role("app")
    keys = w.user("other", MAY_SEND | {"Action": "sts:AssumeRole"})
    sts = w.client("sts", keys)
    yield lambda: sts.assume_role(RoleArn=arn, RoleSessionName="job")
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole"}
    trust["Principal"] = {"AWS": f"arn:aws:iam::{w.sender.account_id}:user/other"}  # type: ignore[assignment]
    w.client("iam", w.sender).update_assume_role_policy(RoleName="app", PolicyDocument=document(trust))
    yield lambda: sts.assume_role(RoleArn=arn, RoleSessionName="job")


def service_keys(w: World, name: str) -> Any:
    """Register a service under a name of this case's own, and its keys."""
    return w.sesame.run_json("service", "create", f"{name}.amazonaws.com")


def w_service(w: World, keys: Any) -> Any:
    """The service sends on behalf of the sender's account."""
    account = Account(w.sender.account_id, keys["access_key_id"], keys["secret_access_key"])
    ses = w.sesame.client("ses", account)

    def act_for(request: Any, **_: Any) -> None:
        request.headers["x-amz-source-account"] = w.sender.account_id
        request.headers["x-amz-source-arn"] = (
            f"arn:aws:cognito-idp:us-east-1:{w.sender.account_id}:userpool/us-east-1_a"
        )

    ses.meta.events.register("before-sign.ses.*", act_for)
    return ses.send_email(
        Source=f"codes@{w.domain}",
        SourceArn=w.arn,
        Destination={"ToAddresses": ["you@elsewhere.test"]},
        Message={"Subject": {"Data": "zqsender"}, "Body": {"Text": {"Data": "Hello"}}},
    )


@case(
    seen="the user that a policy names has left and was deleted; its successor sends",
    reader="owner",
    code="SA201",
    says=("user/leaver`, which is gone and stands there as `AIDA",),
    mend=("put a policy on `{arn}`", "user/successor"),
)
def user_that_is_named_is_gone(w: World) -> Steps:
    w.user("leaver", MAY_SEND)
    w.allow(Principal={"AWS": f"arn:aws:iam::{w.sender.account_id}:user/leaver"})
    w.sesame.run("user", "delete", w.sender.account_id, "leaver")
    successor = w.user("successor", MAY_SEND)
    yield lambda: w.simple(successor)
    w.allow(Principal={"AWS": f"arn:aws:iam::{w.sender.account_id}:user/successor"})
    yield lambda: w.simple(successor)
