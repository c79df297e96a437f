"""Set-ups whose fault is beside what failed: a tag that is lacking, a variable as a tool wants it, a guessed field."""

import smtplib
from typing import Any

from tests.story.misconfigured.envelopes import own_domain
from tests.story.misconfigured.guards import newest_mend
from tests.story.misconfigured.world import MAY_SEND, Steps, World, case, unchecked
from tests.support.process import wait_until

_NO_LOG_IN = "Authentication required"


def _tagged(value: str) -> dict[str, Any]:
    return MAY_SEND | {"Condition": {"StringEquals": {"aws:ResourceTag/env": value}}}


def _tag(w: World) -> None:
    mend = newest_mend(w, "sender")
    tags = [{"Key": key, "Value": value} for key, value in mend["tags"].items()]
    w.client("sesv2", w.sender).tag_resource(ResourceArn=mend["arn"], Tags=tags)


@case(
    seen="hashicorp/terraform-provider-aws#48278: aws_ses_email_identity has no tags, and IAM asks for one",
    code="SA401",
    says=("aws:ResourceTag/env", "`prod`"),
    mend=("tag `arn:aws:ses:us-east-1:{sender}:identity/own-{domain}`", "Key=env,Value=prod"),
)
def identity_without_its_tag(w: World) -> Steps:
    other = own_domain(w, f"other-{w.domain}")
    mail: dict[str, Any] = {"SourceArn": None, "Source": f"me@{own_domain(w)}"}
    user = w.user("app", _tagged("prod"))
    yield lambda: w.simple(user, **mail)
    _tag(w)
    assert w.refusal(lambda: w.simple(user, **mail | {"Source": f"me@{other}"})).text != "accepted"
    yield lambda: w.simple(user, **mail)


@case(
    seen="an identity that was tagged staging, and a program that may use those of production",
    code="SA401",
    says=("this request has `staging`",),
    mend=("Key=env,Value=prod",),
)
def identity_with_another_tag(w: World) -> Steps:
    mail: dict[str, Any] = {"SourceArn": None, "Source": f"me@{own_domain(w)}"}
    arn = f"arn:aws:ses:us-east-1:{w.sender.account_id}:identity/own-{w.domain}"
    w.client("sesv2", w.sender).tag_resource(ResourceArn=arn, Tags=[{"Key": "env", "Value": "staging"}])
    user = w.user("app", _tagged("prod"))
    yield lambda: w.simple(user, **mail)
    _tag(w)
    yield lambda: w.simple(user, **mail)


@case(
    seen="IAM asks for a tag of an identity that is lent: its tags are the owner's",
    code="SA401",
    says=("aws:ResourceTag/env",),
    mend=('"Resource":"{arn}"', '"ses:FromAddress":"news@{domain}"'),
)
def lent_identity_without_its_tag(w: World) -> Steps:
    w.allow()
    user = w.user("app", _tagged("prod"))
    yield lambda: w.simple(user)
    w.user_may("app", _tagged("prod"), newest_mend(w, "sender")["statement"])
    assert w.refusal(lambda: w.simple(user, Source=f"boss@{w.domain}")).text != "accepted"
    yield lambda: w.simple(user)


@case(
    seen="an Allow that asks for a second factor, which the keys of programs do not carry",
    code="SA401",
    says=("aws:MultiFactorAuthPresent", "no second factor"),
    mend=('"Resource":"{arn}"', '"ses:FromAddress":"news@{domain}"'),
)
def allow_for_a_second_factor(w: World) -> Steps:
    w.allow()
    second = MAY_SEND | {"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}
    user = w.user("app", second)
    yield lambda: w.simple(user)
    w.user_may("app", second, newest_mend(w, "sender")["statement"])
    yield lambda: w.simple(user)


def _named_by_user(w: World, name: str, variable: str) -> Steps:
    mail: dict[str, Any] = {"SourceArn": None, "Source": f"{name}@{own_domain(w)}"}
    condition = {"StringEquals": {"ses:FromAddress": f"{variable}@own-{w.domain}"}}
    user = w.user(name, MAY_SEND | {"Condition": condition})
    yield lambda: w.simple(user, **mail)
    [change] = newest_mend(w, "sender")["changes"]
    w.user_may(name, MAY_SEND | {"Condition": {"StringEquals": {"ses:FromAddress": change["with"]}}})
    yield lambda: w.simple(user, **mail)


@case(
    seen="hashicorp/terraform#2965: $${aws:username} was stored as it was escaped",
    code="SA401",
    says=("`$${{aws:username}}`", "one `$` too many"),
    mend=("write `${{aws:username}}@own-{domain}` in place of",),
)
def variable_with_two_dollars(w: World) -> Steps:
    yield from _named_by_user(w, "anna", "$${aws:username}")


@case(
    seen="hashicorp/terraform-provider-aws#17095: &{aws:username} outside of aws_iam_policy_document",
    code="SA401",
    says=("`&{{aws:username}}`", "is text"),
    mend=("write `${{aws:username}}@own-{domain}` in place of",),
)
def variable_with_an_ampersand(w: World) -> Steps:
    yield from _named_by_user(w, "berta", "&{aws:username}")


@case(
    seen="nodemailer#1218: the field that names the identity's ARN was guessed",
    code="SA106",
    says=("`X-SES-IDENTITY-ARN`", "not known"),
    mend=("X-SES-SOURCE-ARN",),
)
def field_that_was_guessed(w: World) -> Steps:
    w.allow()
    yield lambda: w.smtp(w.sender, {"X-SES-IDENTITY-ARN": w.arn})
    yield lambda: w.smtp(w.sender, {newest_mend(w, "sender")["parameter"]: w.arn})


@case(
    seen="a field by the name of the parameter, beside a MAIL FROM of one's own",
    code="SA106",
    says=("`X-Identity`", "not known"),
    mend=("X-SES-FROM-ARN",),
)
def field_that_was_guessed_for_from(w: World) -> Steps:
    w.allow()
    bounces = f"bounces@{own_domain(w)}"
    yield lambda: w.smtp(w.sender, {"X-Identity": w.arn}, mail_from=bounces)
    field = newest_mend(w, "sender")["parameter"]
    yield lambda: w.smtp(w.sender, {field: w.arn}, mail_from=bounces)


def _without_log_in(w: World) -> None:
    before = w.sesame.log_path.read_text().count(_NO_LOG_IN)
    try:
        _send_without_log_in(w)
    finally:
        wait_until(lambda: w.sesame.log_path.read_text().count(_NO_LOG_IN) > before)


def _send_without_log_in(w: World) -> None:
    host, _, port = w.sesame.smtp.rpartition(":")
    with smtplib.SMTP(host.rpartition("/")[2], int(port), timeout=30) as server:
        server.starttls(context=unchecked())
        server.sendmail(f"news@{w.domain}", ["you@elsewhere.test"], w.message())


@case(
    seen="Billionmail/BillionMail#156: the relay has no user name and password",
    code="SA701",
    place=_NO_LOG_IN,
    says=("without a log-in",),
    mend=("sesame smtp credentials",),
)
def relay_without_log_in(w: World) -> Steps:
    yield lambda: _without_log_in(w)
    w.allow()
    fields = {"X-SES-SOURCE-ARN": w.arn}
    yield lambda: w.smtp(w.sender, fields)
