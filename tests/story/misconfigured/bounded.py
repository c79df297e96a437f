"""Set-ups in which conditions, boundaries and guards of either account keep out what was meant to go out."""

from typing import Any

from tests.story.misconfigured.guards import newest_mend
from tests.story.misconfigured.principals import service_keys
from tests.story.misconfigured.world import MAY_SEND, Steps, World, case, document
from tests.support.process import Account


@case(
    seen="a managed policy that reads alone (AmazonSESReadOnlyAccess), attached to the program's user",
    code="SA206|SA205",
    says=("user/reader", "ses:SendEmail"),
    mend=("user/reader", "{arn}"),
)
def policy_that_reads_alone(w: World) -> Steps:
    w.allow()
    user = w.user("reader")
    iam = w.client("iam", w.sender)
    reads = document({"Effect": "Allow", "Action": ["ses:Get*", "ses:List*"], "Resource": "*"})
    made = iam.create_policy(PolicyName="zqsenderreads", PolicyDocument=reads)["Policy"]
    iam.attach_user_policy(UserName="reader", PolicyArn=made["Arn"])
    yield lambda: w.simple(user)
    w.user_may("reader", MAY_SEND)
    yield lambda: w.simple(user)


@case(
    seen="everything but sends: NotAction in an Allow",
    code="SA301|SA206|SA205",
    says=("ses:SendEmail", "leaves out"),
    mend=("ses:SendEmail",),
)
def not_action_leaves_out_sends(w: World) -> Steps:
    w.allow()
    everything_else = {"Effect": "Allow", "NotAction": "ses:Send*", "Resource": "*"}
    user = w.user("power", everything_else)
    yield lambda: w.simple(user)
    w.user_may("power", everything_else, MAY_SEND)
    yield lambda: w.simple(user)


@case(
    seen="NotResource in an Allow leaves out the very identity",
    code="SA206|SA205",
    says=("leaves out", "{domain}"),
    mend=("{arn}",),
)
def not_resource_leaves_out_the_identity(w: World) -> Steps:
    w.allow()
    user = w.user("app", {"Effect": "Allow", "Action": "ses:*", "NotResource": w.arn})
    yield lambda: w.simple(user)
    w.user_may("app", MAY_SEND)
    yield lambda: w.simple(user)


@case(
    seen="a boundary as a Deny: nothing but the own domain",
    code="SA208",
    says=("zqsender", "{arn}"),
    mend=("zqsender",),
)
def boundary_of_the_own_domain(w: World) -> Steps:
    w.allow()
    own = w.arn.replace(w.owner.account_id, w.sender.account_id)
    deny = {"Effect": "Deny", "Action": "ses:*", "NotResource": own}
    user = w.user("app", MAY_SEND, deny)
    yield lambda: w.simple(user)
    w.user_may("app", MAY_SEND, {**deny, "NotResource": [own, w.arn]})
    yield lambda: w.simple(user)


@case(
    seen="a guard: whoever has no tag `team` may do nothing",
    code="SA208",
    says=("aws:PrincipalTag/team",),
    mend=("zqsender",),
)
def guard_by_tag(w: World) -> Steps:
    w.allow()
    guard = {"StringNotEquals": {"aws:PrincipalTag/team": "mail"}}
    deny = {"Effect": "Deny", "Action": "ses:*", "Resource": "*", "Condition": guard}
    user = w.user("app", MAY_SEND, deny)
    yield lambda: w.simple(user)
    w.client("iam", w.sender).tag_user(UserName="app", Tags=[{"Key": "team", "Value": "mail"}])
    yield lambda: w.simple(user)


@case(
    seen="a data perimeter: only resources of the own account (Allow with aws:ResourceAccount)",
    code="SA401",
    says=("aws:ResourceAccount", "{sender}"),
    mend=("aws:ResourceAccount",),
)
def perimeter_as_an_allow(w: World) -> Steps:
    w.allow()
    inside = {"StringEquals": {"aws:ResourceAccount": w.sender.account_id}}
    user = w.user("app", MAY_SEND | {"Condition": inside})
    yield lambda: w.simple(user)
    inside["StringEquals"]["aws:ResourceAccount"] = [w.sender.account_id, w.owner.account_id]  # type: ignore[assignment]
    w.user_may("app", MAY_SEND | {"Condition": inside})
    yield lambda: w.simple(user)


@case(
    seen="the same as a Deny",
    code="SA208",
    says=("aws:ResourceAccount", "{owner}"),
    mend=("zqsender",),
)
def perimeter_as_a_deny(w: World) -> Steps:
    w.allow()
    outside = {"StringNotEquals": {"aws:ResourceAccount": w.sender.account_id}}
    deny = {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": outside}
    user = w.user("app", MAY_SEND, deny)
    yield lambda: w.simple(user)
    w.user_may("app", MAY_SEND)
    yield lambda: w.simple(user)


@case(
    seen="my247apps' generator: the user may write to the own staff alone",
    code="SA401",
    says=("ses:Recipients", "you@elsewhere.test"),
    mend=("you@elsewhere.test",),
)
def iam_recipients_of_the_staff(w: World) -> Steps:
    w.allow()
    staff: dict[str, Any] = {"ForAllValues:StringLike": {"ses:Recipients": ["*@staff.test"]}}
    user = w.user("app", MAY_SEND | {"Condition": staff})
    yield lambda: w.simple(user)
    staff["ForAllValues:StringLike"]["ses:Recipients"].append("you@elsewhere.test")
    w.user_may("app", MAY_SEND | {"Condition": staff})
    yield lambda: w.simple(user)


@case(
    seen="IAM asks for a display name that the program writes with an umlaut's transcription",
    code="SA401",
    says=("ses:FromDisplayName", "Buecher", "Bücher"),
    mend=("Buecher",),
)
def iam_display_name(w: World) -> Steps:
    w.allow()
    name = {"StringEquals": {"ses:FromDisplayName": "Bücher"}}
    user = w.user("app", MAY_SEND | {"Condition": name})
    yield lambda: w.simple(user, Source=f"Buecher <news@{w.domain}>")
    name["StringEquals"]["ses:FromDisplayName"] = ["Bücher", "Buecher"]  # type: ignore[assignment]
    w.user_may("app", MAY_SEND | {"Condition": name})
    yield lambda: w.simple(user, Source=f"Buecher <news@{w.domain}>")


@case(
    seen="IAM lets in from the office, the job runs elsewhere",
    code="SA403",
    says=("127.0.0.1", "203.0.113.0/24"),
    mend=("127.0.0.1",),
)
def iam_from_the_office(w: World) -> Steps:
    w.allow()
    office: dict[str, Any] = {"IpAddress": {"aws:SourceIp": ["203.0.113.0/24"]}}
    role = w.role("job", MAY_SEND | {"Condition": office})
    yield lambda: w.raw(w.session(role))
    office["IpAddress"]["aws:SourceIp"].append("127.0.0.1/32")
    w.role_may("job", MAY_SEND | {"Condition": office})
    yield lambda: w.raw(w.session(role))


@case(
    seen="AWSRevokeOlderSessions: sessions of before a date are denied",
    code="SA208",
    says=("aws:TokenIssueTime",),
    mend=("zqsender",),
)
def older_sessions_are_revoked(w: World) -> Steps:
    w.allow()
    older = {"DateLessThan": {"aws:TokenIssueTime": "2199-01-01T00:00:00Z"}}
    role = w.role("job", MAY_SEND, {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": older})
    yield lambda: w.raw(w.session(role))
    w.role_may("job", MAY_SEND)
    yield lambda: w.raw(w.session(role))


@case(
    seen="`*@domain` under StringEquals in IAM",
    code="SA401",
    says=("ses:FromAddress", "StringLike"),
    mend=("StringLike",),
)
def iam_wildcard_under_string_equals(w: World) -> Steps:
    w.allow()
    user = w.user("app", MAY_SEND | {"Condition": {"StringEquals": {"ses:FromAddress": f"*@{w.domain}"}}})
    yield lambda: w.simple(user)
    w.user_may("app", MAY_SEND | {"Condition": {"StringLike": {"ses:FromAddress": f"*@{w.domain}"}}})
    yield lambda: w.simple(user)


@case(
    seen="the domain in IAM as on the letterhead, with a capital",
    code="SA401",
    says=("ses:FromAddress", "case"),
    mend=("write StringEqualsIgnoreCase in place of StringEquals",),
)
def iam_domain_with_a_capital(w: World) -> Steps:
    w.allow()
    capital = {"StringEquals": {"ses:FromAddress": f"News@{w.domain.capitalize()}"}}
    user = w.user("app", MAY_SEND | {"Condition": capital})
    yield lambda: w.simple(user)
    w.user_may("app", MAY_SEND | {"Condition": {"StringEqualsIgnoreCase": capital["StringEquals"]}})
    yield lambda: w.simple(user)


@case(
    seen="a user's name in IAM's Resource",
    code="SA206",
    says=("${{aws:username}}", "identity/own-{domain}"),
    mend=("identity/own-{domain}",),
)
def user_name_in_the_resource(w: World) -> Steps:
    own = w.sesame.vouch(w.sender, f"own-{w.domain}")
    by_name = f"arn:aws:ses:us-east-1:{w.sender.account_id}:identity/${{aws:username}}-{w.domain}"
    user = w.user("ops", MAY_SEND | {"Resource": by_name})
    yield lambda: w.simple(user, SourceArn=None, Source=f"me@own-{w.domain}")
    w.user_may("ops", MAY_SEND | {"Resource": [by_name, own]})
    yield lambda: w.simple(user, SourceArn=None, Source=f"me@own-{w.domain}")


@case(
    seen="Null: no return path is to be there, which there always is",
    code="SA401",
    reader="owner",
    says=("ses:FeedbackAddress",),
    mend=("ses:FeedbackAddress",),
)
def feedback_address_must_be_absent(w: World) -> Steps:
    w.allow(Condition={"Null": {"ses:FeedbackAddress": "true"}})
    yield lambda: w.simple(w.sender)
    w.allow()
    yield lambda: w.simple(w.sender)


@case(
    seen="a season: from and until, of which the end is past; only the end may be blamed",
    code="SA402",
    reader="owner",
    says=("2026-03-31",),
    mend=("2026-03-31", "later"),
)
def season_is_over(w: World) -> Steps:
    season = {
        "DateGreaterThan": {"aws:CurrentTime": "2025-12-01T00:00:00Z"},
        "DateLessThan": {"aws:CurrentTime": "2026-03-31T00:00:00Z"},
    }
    w.allow(Condition=season)
    yield lambda: w.simple(w.sender)
    season["DateLessThan"] = {"aws:CurrentTime": "2199-03-31T00:00:00Z"}
    w.allow(Condition=season)
    yield lambda: w.simple(w.sender)


@case(
    seen="a second factor not older than an hour, of a program",
    code="SA401",
    reader="owner",
    says=("aws:MultiFactorAuthAge", "second factor"),
    mend=("aws:MultiFactorAuthAge",),
)
def age_of_a_second_factor(w: World) -> Steps:
    w.allow(Condition={"NumericLessThan": {"aws:MultiFactorAuthAge": "3600"}})
    yield lambda: w.simple(w.sender)
    w.allow()
    yield lambda: w.simple(w.sender)


@case(
    seen="wildcards under ForAllValues:StringEquals over recipients",
    code="SA401",
    reader="owner",
    says=("ses:Recipients", "*@elsewhere.test"),
    mend=("ses:Recipients|StringLike",),
)
def recipients_under_string_equals(w: World) -> Steps:
    w.allow(Condition={"ForAllValues:StringEquals": {"ses:Recipients": ["*@elsewhere.test"]}})
    yield lambda: w.simple(w.sender)
    w.allow(Condition={"ForAllValues:StringLike": {"ses:Recipients": ["*@elsewhere.test"]}})
    yield lambda: w.simple(w.sender)


@case(
    seen="a blank at the end of the address in the condition, pasted from a table",
    code="SA401",
    reader="owner",
    says=("ses:FromAddress", "news@{domain}", "space|blank"),
    mend=("news@{domain}",),
)
def blank_behind_the_address(w: World) -> Steps:
    w.allow(Condition={"StringEquals": {"ses:FromAddress": f"news@{w.domain} "}})
    yield lambda: w.simple(w.sender)
    w.allow(Condition={"StringEquals": {"ses:FromAddress": f"news@{w.domain}"}})
    yield lambda: w.simple(w.sender)


@case(
    seen="aws:PrincipalArn of a user, and the program has a role since last month",
    code="SA401",
    reader="owner",
    says=("aws:PrincipalArn", "role/app", "user/app"),
    mend=("role/app",),
)
def principal_arn_of_a_user(w: World) -> Steps:
    role = w.role("app")
    user = f"arn:aws:iam::{w.sender.account_id}:user/app"
    w.allow(Principal="*", Condition={"ArnEquals": {"aws:PrincipalArn": user}})
    yield lambda: w.raw(w.session(role))
    w.allow(Principal="*", Condition={"ArnEquals": {"aws:PrincipalArn": [user, role]}})
    yield lambda: w.raw(w.session(role))


@case(
    seen="aws:PrincipalType User, and a session sends",
    code="SA401",
    reader="owner",
    says=("aws:PrincipalType",),
    mend=("aws:PrincipalType",),
)
def principal_type_user(w: World) -> Steps:
    role = w.role("app")
    w.allow(Condition={"StringEquals": {"aws:PrincipalType": "User"}})
    yield lambda: w.raw(w.session(role))
    w.allow()
    yield lambda: w.raw(w.session(role))


@case(
    seen="aws:RequestedRegion of the stack in Ireland, copied to Virginia",
    code="SA401",
    says=("aws:RequestedRegion", "us-east-1"),
    mend=("{owner}",),
    owner="SA401",
)
def requested_region(w: World) -> Steps:
    w.allow(Condition={"StringEquals": {"aws:RequestedRegion": "eu-west-1"}})
    yield lambda: w.simple(w.sender)
    w.allow(Condition={"StringEquals": {"aws:RequestedRegion": ["eu-west-1", "us-east-1"]}})
    yield lambda: w.simple(w.sender)


@case(
    seen="the owner denies raw mail to everybody (no attachments), a delegate uses SMTP",
    code="SA208",
    says=("denies",),
    mend=("{owner}", "quote the request id"),
    owner="SA208",
)
def raw_mail_is_denied(w: World) -> Steps:
    w.allow()
    w.allow(name="noraw", Effect="Deny", Principal="*", Action="ses:SendRawEmail")
    yield lambda: w.smtp(w.sender, {"X-SES-SOURCE-ARN": w.arn})
    w.client("ses", w.owner).delete_identity_policy(Identity=w.domain, PolicyName="zqownernoraw")
    yield lambda: w.smtp(w.sender, {"X-SES-SOURCE-ARN": w.arn})


@case(
    seen="a service of another pool than the policy lists",
    code="SA401",
    reader="owner",
    says=("aws:SourceArn", "userpool/us-east-1_b"),
    mend=("userpool/us-east-1_a",),
)
def service_of_another_pool(w: World) -> Steps:
    keys = service_keys(w, "fifthpools")
    principal = {"Service": "fifthpools.amazonaws.com"}
    pool = f"arn:aws:cognito-idp:us-east-1:{w.sender.account_id}:userpool/us-east-1_"
    w.allow(Principal=principal, Condition={"ArnEquals": {"aws:SourceArn": f"{pool}b"}})
    yield lambda: _service(w, keys)
    w.allow(Principal=principal, Condition={"ArnEquals": {"aws:SourceArn": [f"{pool}b", f"{pool}a"]}})
    yield lambda: _service(w, keys)


@case(
    seen="the policy names the customer's account, the service sends for it",
    code="SA201",
    reader="owner",
    says=("fifthmailer.amazonaws.com", "{sender}"),
    mend=("fifthmailer.amazonaws.com",),
)
def account_in_place_of_the_service(w: World) -> Steps:
    keys = service_keys(w, "fifthmailer")
    w.allow()
    yield lambda: _service(w, keys)
    w.allow(Principal={"Service": "fifthmailer.amazonaws.com"})
    yield lambda: _service(w, keys)


@case(
    seen="a service that does not say for whom it sends",
    reader="operator",
    code="SA605",
    says=("x-amz-source-account",),
    mend=("x-amz-source-account",),
)
def service_without_an_account(w: World) -> Steps:
    keys = service_keys(w, "fifthsilent")
    w.allow(Principal={"Service": "fifthsilent.amazonaws.com"})
    account = Account(w.sender.account_id, keys["access_key_id"], keys["secret_access_key"])
    yield lambda: w.simple(account)
    yield lambda: _service(w, keys)


@case(
    seen="a wildcard under StringEquals in the statement for a service's user pools, as the customer reads it",
    code="SA201",
    says=("lets the service `wildpools.amazonaws.com` send for account {sender} and `arn:aws:cognito-idp:",),
    mend=("account {owner}", '"aws:SourceAccount":"{sender}"', '"aws:SourceArn":"arn:aws:cognito-idp:'),
    owner="SA401",
)
def service_for_pools_by_a_wildcard(w: World) -> Steps:
    """That no policy names the service is not true, and that one does is not told."""
    keys = service_keys(w, "wildpools")
    pools = f"arn:aws:cognito-idp:us-east-1:{w.sender.account_id}:userpool/*"
    whom = {"aws:SourceAccount": w.sender.account_id}
    named = {"Service": "wildpools.amazonaws.com"}
    w.allow(Principal=named, Condition={"StringEquals": whom | {"aws:SourceArn": pools}})
    yield lambda: _service(w, keys)
    w.allow(Principal=named, Condition={"StringEquals": whom, "ArnLike": {"aws:SourceArn": pools}})
    yield lambda: _service(w, keys)


@case(
    seen="a service that no policy names; the statement it needs is for its customer's pool alone",
    code="SA201",
    reader="owner",
    says=("the service `anypools.amazonaws.com`",),
    mend=('"aws:SourceArn":"arn:aws:cognito-idp:us-east-1:{sender}:userpool/us-east-1_a"',),
)
def service_that_nobody_named(w: World) -> Steps:
    keys = service_keys(w, "anypools")
    yield lambda: _service(w, keys)
    statement = newest_mend(w, "owner")["statement"]
    w.client("ses", w.owner).put_identity_policy(
        Identity=w.domain,
        PolicyName="pools",
        Policy=document(statement),
    )
    yield lambda: _service(w, keys)


def _service(w: World, keys: Any) -> Any:
    account = Account(w.sender.account_id, keys["access_key_id"], keys["secret_access_key"])
    ses = w.sesame.client("ses", account)
    pool = f"arn:aws:cognito-idp:us-east-1:{w.sender.account_id}:userpool/us-east-1_a"

    def act_for(request: Any, **_: Any) -> None:
        request.headers["x-amz-source-account"] = w.sender.account_id
        request.headers["x-amz-source-arn"] = pool

    ses.meta.events.register("before-sign.ses.*", act_for)
    return ses.send_email(
        Source=f"codes@{w.domain}",
        SourceArn=w.arn,
        Destination={"ToAddresses": ["you@elsewhere.test"]},
        Message={"Subject": {"Data": "zqsender"}, "Body": {"Text": {"Data": "Hello"}}},
    )


@case(
    seen="a key of IAM misspelt in a condition: ses:FromAdress",
    code="SA401",
    says=("ses:FromAdress", "ses:FromAddress"),
    mend=("ses:FromAdress",),
)
def key_misspelt_in_iam(w: World) -> Steps:
    w.allow()
    slip = {"StringEquals": {"ses:FromAdress": f"news@{w.domain}"}}
    user = w.user("app", MAY_SEND | {"Condition": slip})
    yield lambda: w.simple(user)
    w.user_may("app", MAY_SEND | {"Condition": {"StringEquals": {"ses:FromAddress": f"news@{w.domain}"}}})
    yield lambda: w.simple(user)


@case(
    seen="own Deny on one recipient's domain, by mistake on all",
    code="SA208",
    says=("ses:Recipients",),
    mend=("zqsender",),
)
def deny_by_recipient_in_iam(w: World) -> Steps:
    w.allow()
    blocked = {"ForAnyValue:StringLike": {"ses:Recipients": ["*.test"]}}
    deny = {"Effect": "Deny", "Action": "ses:*", "Resource": "*", "Condition": blocked}
    user = w.user("app", MAY_SEND, deny)
    yield lambda: w.simple(user)
    w.user_may("app", MAY_SEND)
    yield lambda: w.simple(user)
