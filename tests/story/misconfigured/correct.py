"""Set-ups that are right: mail goes out, nothing is said against it, and the policies are stored without a warning."""

from collections.abc import Callable
from typing import Any

from tests.story.misconfigured.world import MAY_SEND, World, document

Play = Callable[[World], Any]
CORRECT: list[Play] = []


def correct(play: Play) -> Play:
    """Register a set-up; it returns what the send answers."""
    CORRECT.append(play)
    return play


@correct
def root_of_the_delegate(w: World) -> Any:
    w.allow()
    return w.simple(w.sender)


@correct
def named_user_with_its_own_iam(w: World) -> Any:
    user = w.user("app", MAY_SEND | {"Resource": w.arn})
    w.allow(Principal={"AWS": f"arn:aws:iam::{w.sender.account_id}:user/app"})
    return w.simple(user)


@correct
def session_of_a_named_role(w: World) -> Any:
    role = w.role("app")
    w.allow(Principal={"AWS": role})
    return w.raw(w.session(role))


@correct
def session_by_the_name_that_programs_give_it(w: World) -> Any:
    role = w.role("app")
    w.allow(Principal={"AWS": f"arn:aws:sts::{w.sender.account_id}:assumed-role/app/job"})
    return w.raw(w.session(role))


@correct
def role_with_a_path(w: World) -> Any:
    role = w.role("app", path="/service-role/")
    w.allow(Principal={"AWS": role})
    return w.v2(w.session(role))


@correct
def session_under_a_policy_that_allows(w: World) -> Any:
    role = w.role("app")
    w.allow()
    return w.raw(w.session(role, Policy=document(MAY_SEND | {"Resource": w.arn})))


@correct
def account_by_its_root_arn(w: World) -> Any:
    w.allow(Principal={"AWS": f"arn:aws:iam::{w.sender.account_id}:root"})
    return w.simple(w.user("app", MAY_SEND))


@correct
def smtp_with_all_three_fields(w: World) -> Any:
    w.allow()
    names = ("SOURCE", "FROM", "RETURN-PATH")
    return w.smtp(w.sender, {f"X-SES-{name}-ARN": w.arn for name in names})


@correct
def smtp_with_from_arn_alone(w: World) -> Any:
    """From and MAIL FROM are one address."""
    w.allow()
    return w.smtp(w.sender, {"X-SES-FROM-ARN": w.arn})


@correct
def from_arn_alone_beside_source(w: World) -> Any:
    w.allow()
    return w.raw(w.sender, Source=f"news@{w.domain}", SourceArn=None, FromArn=w.arn)


@correct
def one_address_by_string_equals(w: World) -> Any:
    w.allow(Condition={"StringEquals": {"ses:FromAddress": f"news@{w.domain}"}})
    return w.simple(w.sender)


@correct
def addresses_by_a_pattern(w: World) -> Any:
    w.allow(Condition={"StringLike": {"ses:FromAddress": f"news*@{w.domain}"}})
    return w.simple(w.sender, Source=f"News <news-eu@{w.domain}>")


@correct
def display_name_as_asked_for(w: World) -> Any:
    w.allow(Condition={"StringEquals": {"ses:FromDisplayName": "Shop"}})
    return w.simple(w.sender, Source=f"Shop <news@{w.domain}>")


@correct
def return_path_as_asked_for(w: World) -> Any:
    w.allow(Condition={"StringEquals": {"ses:FeedbackAddress": f"bounces@{w.domain}"}})
    return w.simple(w.sender, ReturnPath=f"bounces@{w.domain}")


@correct
def a_public_range(w: World) -> Any:
    w.allow(Condition={"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "127.0.0.1/32"]}})
    return w.simple(w.sender)


@correct
def a_contract_until_next_century(w: World) -> Any:
    w.allow(Condition={"DateLessThan": {"aws:CurrentTime": "2199-01-01T00:00:00Z"}})
    return w.simple(w.sender)


@correct
def plain_http_is_denied_and_smtp_comes_by_tls(w: World) -> Any:
    w.allow()
    insecure = {"Bool": {"aws:SecureTransport": "false"}}
    w.allow(name="tls", Effect="Deny", Principal="*", Action="ses:Send*", Condition=insecure)
    return w.smtp(w.sender, {"X-SES-SOURCE-ARN": w.arn})


@correct
def another_address_is_denied(w: World) -> Any:
    w.allow()
    ceo = {"StringLike": {"ses:FromAddress": f"ceo@{w.domain}"}}
    w.allow(name="ceo", Effect="Deny", Principal="*", Action="ses:Send*", Condition=ceo)
    return w.simple(w.sender)


@correct
def user_name_in_the_pattern(w: World) -> Any:
    user = w.user("news", MAY_SEND)
    own = {"StringEquals": {"ses:FromAddress": "${aws:username}@" + w.domain}}
    w.allow(Principal={"AWS": f"arn:aws:iam::{w.sender.account_id}:user/news"}, Condition=own)
    return w.simple(user)


@correct
def tag_of_the_session(w: World) -> Any:
    role = w.role("app")
    w.allow(Principal={"AWS": role}, Condition={"StringEquals": {"aws:PrincipalTag/team": "mail"}})
    return w.raw(w.session(role, Tags=[{"Key": "team", "Value": "mail"}]))


@correct
def set_of_the_delegate(w: World) -> Any:
    w.allow()
    w.client("ses", w.sender).create_configuration_set(ConfigurationSet={"Name": "main"})
    named = f"arn:aws:ses:us-east-1:{w.sender.account_id}:configuration-set/main"
    user = w.user("app", MAY_SEND | {"Resource": [w.arn, named]})
    return w.raw(user, ConfigurationSetName="main")


@correct
def template_of_the_delegate(w: World) -> Any:
    w.allow(Action=["ses:SendEmail", "ses:SendRawEmail", "ses:SendTemplatedEmail"])
    w.client("sesv2", w.sender).create_email_template(
        TemplateName="t", TemplateContent={"Subject": "Hi {{name}}", "Text": "t"}
    )
    data = {"TemplateName": "t", "TemplateData": '{"name": "Reader"}'}
    return w.v2(w.sender, Content={"Template": data})


@correct
def tags_and_reply_to(w: World) -> Any:
    w.allow()
    return w.simple(
        w.sender,
        Tags=[{"Name": "campaign", "Value": "spring-2026"}],
        ReplyToAddresses=["answers@elsewhere.test"],
    )


@correct
def capital_letters_in_the_domain(w: World) -> Any:
    w.allow()
    return w.simple(w.sender, Source=f"news@{w.domain.upper()}")


@correct
def own_domain_without_arn(w: World) -> Any:
    w.sesame.vouch(w.sender, f"own-{w.domain}")
    user = w.user("app", MAY_SEND)
    return w.simple(user, SourceArn=None, Source=f"me@own-{w.domain}")


@correct
def subdomain_of_the_own_domain(w: World) -> Any:
    w.sesame.vouch(w.sender, f"own-{w.domain}")
    return w.simple(w.sender, SourceArn=None, Source=f"me@mail.own-{w.domain}")


@correct
def simulator_from_the_sandbox(w: World) -> Any:
    w.sender = w.sesame.create_account(production=False)
    w.sesame.vouch(w.sender, f"own-{w.domain}")
    to = {"ToAddresses": ["success@simulator.amazonses.com"]}
    return w.simple(w.sender, SourceArn=None, Source=f"me@own-{w.domain}", Destination=to)


@correct
def verified_recipient_in_the_sandbox(w: World) -> Any:
    w.sender = w.sesame.create_account(production=False)
    w.sesame.vouch(w.sender, f"own-{w.domain}")
    w.sesame.vouch(w.sender, "you@elsewhere.test")
    return w.simple(w.sender, SourceArn=None, Source=f"me@own-{w.domain}")


@correct
def within_the_owners_caps(w: World) -> Any:
    w.allow()
    w.client("sesame", w.owner).put_delegate_bounds(
        Identity=w.domain, Delegate=w.sender.account_id, MaxMessagesPerDay=10, MaxRecipientsPerDay=10
    )
    return w.simple(w.sender)


@correct
def bulk_of_both_apis_listed(w: World) -> Any:
    w.allow(Action=["ses:SendBulkTemplatedEmail", "ses:SendBulkEmail"])
    w.client("sesv2", w.sender).create_email_template(
        TemplateName="t", TemplateContent={"Subject": "s", "Text": "t"}
    )
    answer = w.client("sesv2", w.sender).send_bulk_email(
        FromEmailAddress=f"news@{w.domain}",
        FromEmailAddressIdentityArn=w.arn,
        DefaultContent={"Template": {"TemplateName": "t", "TemplateData": "{}"}},
        BulkEmailEntries=[{"Destination": {"ToAddresses": ["you@elsewhere.test"]}}],
    )
    return answer["BulkEmailEntryResults"][0]


@correct
def identity_in_ireland(w: World) -> Any:
    w.sesame.vouch(w.sender, f"own-{w.domain}", "eu-west-1")
    own: dict[str, Any] = {"FromEmailAddress": f"me@own-{w.domain}", "FromEmailAddressIdentityArn": None}
    return w.v2(w.sender, region="eu-west-1", **own)
