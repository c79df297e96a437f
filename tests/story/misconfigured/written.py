"""Set-ups with something written in the wrong form: names, ARNs, addresses, actions; and whose matter a refusal is."""

import json
from typing import Any

from tests.story.misconfigured.guards import newest_mend
from tests.story.misconfigured.world import MAY_SEND, Steps, World, case


@case(
    seen="an IAM policy with the prefix sesv2",
    code="SA301",
    says=("`sesv2:*`", "not an action", "ses:SendEmail"),
    mend=("ses:SendEmail", "{arn}"),
)
def prefix_of_v2(w: World) -> Steps:
    w.allow()
    user = w.user("app", {"Effect": "Allow", "Action": "sesv2:*", "Resource": "*"})
    yield lambda: w.v2(user)
    w.user_may("app", MAY_SEND)
    yield lambda: w.v2(user)


@case(
    seen="the prefix of the endpoint's name: email:Send*",
    code="SA301",
    says=("`email:Send*`", "ses:SendRawEmail"),
    mend=("ses:SendRawEmail",),
)
def prefix_of_the_endpoint(w: World) -> Steps:
    w.allow()
    user = w.user("app", {"Effect": "Allow", "Action": ["s3:GetObject", "email:Send*"], "Resource": "*"})
    yield lambda: w.raw(user)
    w.user_may("app", MAY_SEND)
    yield lambda: w.raw(user)


def _with_template(w: World, account: Any, name: str = "hello") -> None:
    template = {"TemplateName": name, "SubjectPart": "Hi", "TextPart": "Hello"}
    w.client("ses", account).create_template(Template=template)


def _templated(w: World, who: Any, **more: Any) -> Any:
    return w.client("ses", who).send_templated_email(
        Source=f"news@{w.domain}",
        SourceArn=w.arn,
        Destination={"ToAddresses": ["you@elsewhere.test"]},
        TemplateData="{}",
        **{"Template": "hello"} | more,
    )


@case(
    seen="aws/serverless-application-model#2844: the template is not among the resources; read by the identity's owner",
    code="SA206",
    reader="owner",
    says=("account {sender}'s own", "your policies allow it"),
    mend=("nothing for you to do",),
)
def senders_template_to_the_owner(w: World) -> Steps:
    w.allow(Action="ses:Send*")
    _with_template(w, w.sender)
    user = w.user("app", MAY_SEND | {"Resource": w.arn})
    yield lambda: _templated(w, user)
    w.user_may("app", MAY_SEND)
    yield lambda: _templated(w, user)


@case(
    seen="the owner's template by TemplateArn",
    code="SA605",
    says=("account {owner}", "TemplateArn"),
    mend=("arn:aws:ses:us-east-1:{sender}:template/hello",),
)
def template_arn_of_the_owner(w: World) -> Steps:
    w.allow(Action="ses:Send*")
    _with_template(w, w.owner)
    theirs = f"arn:aws:ses:us-east-1:{w.owner.account_id}:template/hello"
    yield lambda: _templated(w, w.sender, TemplateArn=theirs)
    _with_template(w, w.sender)
    yield lambda: _templated(w, w.sender, TemplateArn=newest_mend(w, "sender")["value"])


@case(
    seen="the template's ARN is of another region",
    code="SA605",
    says=("eu-west-1", "TemplateArn"),
    mend=("arn:aws:ses:us-east-1:{sender}:template/hello",),
)
def template_arn_of_another_region(w: World) -> Steps:
    w.allow(Action="ses:Send*")
    _with_template(w, w.sender)
    there = f"arn:aws:ses:eu-west-1:{w.sender.account_id}:template/hello"
    yield lambda: _templated(w, w.sender, TemplateArn=there)
    yield lambda: _templated(w, w.sender, TemplateArn=newest_mend(w, "sender")["value"])


def _set(w: World, written: str) -> Steps:
    w.allow()
    w.client("sesv2", w.sender).create_configuration_set(ConfigurationSetName="main")
    yield lambda: w.simple(w.sender, ConfigurationSetName=written)
    yield lambda: w.simple(w.sender, ConfigurationSetName=newest_mend(w, "sender")["value"])


@case(
    seen="the configuration set by its ARN (a Terraform output)",
    code="SA601",
    says=("is an ARN", "the name alone"),
    mend=("`main`", "ConfigurationSetName"),
)
def set_by_arn(w: World) -> Steps:
    yield from _set(w, f"arn:aws:ses:us-east-1:{w.sender.account_id}:configuration-set/main")


@case(
    seen="the last part of the ARN: configuration-set/main",
    code="SA601",
    says=("the name alone",),
    mend=("`main`",),
)
def set_by_its_path(w: World) -> Steps:
    yield from _set(w, "configuration-set/main")


@case(
    seen="the set's ARN in X-SES-CONFIGURATION-SET, by SMTP",
    code="SA601",
    says=("the name alone",),
    mend=("`main`", "X-SES-CONFIGURATION-SET"),
)
def set_by_arn_in_the_field(w: World) -> Steps:
    w.allow()
    w.client("sesv2", w.sender).create_configuration_set(ConfigurationSetName="main")
    arn = f"arn:aws:ses:us-east-1:{w.sender.account_id}:configuration-set/main"
    fields = {"X-SES-SOURCE-ARN": w.arn}
    yield lambda: w.smtp(w.sender, fields | {"X-SES-CONFIGURATION-SET": arn})
    yield lambda: w.smtp(w.sender, fields | {"X-SES-CONFIGURATION-SET": newest_mend(w, "sender")["value"]})


@case(
    seen="the template by its ARN in Template",
    code="SA601",
    says=("the name alone",),
    mend=("`hello`", "Template"),
)
def template_by_arn(w: World) -> Steps:
    w.allow(Action="ses:Send*")
    _with_template(w, w.sender)
    arn = f"arn:aws:ses:us-east-1:{w.sender.account_id}:template/hello"
    yield lambda: _templated(w, w.sender, Template=arn)
    yield lambda: _templated(w, w.sender, Template=newest_mend(w, "sender")["value"])


@case(
    seen="the address in the ARN encoded as in a URL: news%40",
    code="SA108",
    says=("as in a URL", "%40"),
    mend=("identity/news@{domain}`",),
)
def encoded_address_in_the_arn(w: World) -> Steps:
    name = f"news@{w.domain}"
    arn = w.sesame.vouch(w.owner, name)
    w.allow(Resource=arn)
    yield lambda: w.simple(w.sender, SourceArn=arn.replace("@", "%40"))
    yield lambda: w.simple(w.sender, SourceArn=newest_mend(w, "sender")["value"])


@case(
    seen="the same by SMTP",
    code="SA108",
    says=("as in a URL",),
    mend=("X-SES-SOURCE-ARN", "identity/news@{domain}`"),
)
def encoded_address_in_the_field(w: World) -> Steps:
    name = f"news@{w.domain}"
    arn = w.sesame.vouch(w.owner, name)
    w.allow(Resource=arn)
    yield lambda: w.smtp(w.sender, {"X-SES-SOURCE-ARN": arn.replace("@", "%40")})
    yield lambda: w.smtp(w.sender, {"X-SES-SOURCE-ARN": newest_mend(w, "sender")["value"]})


@case(
    seen="v2's feedback address is at a domain of the program's",
    code="SA102",
    says=("FeedbackForwardingEmailAddress", "bounces@app.test"),
    mend=("leave FeedbackForwardingEmailAddress out",),
)
def feedback_address_of_v2(w: World) -> Steps:
    w.allow()
    yield lambda: w.v2(w.sender, FeedbackForwardingEmailAddress="bounces@app.test")
    assert newest_mend(w, "sender")["parameter"] == "FeedbackForwardingEmailAddress"
    yield lambda: w.v2(w.sender)


@case(
    seen="v1's ReturnPath is at a domain of the program's",
    code="SA102",
    says=("ReturnPath", "bounces@app.test"),
    mend=("leave ReturnPath out", "ReturnPathArn"),
)
def return_path_of_v1(w: World) -> Steps:
    w.allow()
    yield lambda: w.simple(w.sender, ReturnPath="bounces@app.test")
    yield lambda: w.simple(w.sender)


@case(
    seen="two authors in the From field",
    code="SA605",
    says=("From", "one address", "ceo@{domain}"),
    mend=("one address in From",),
)
def two_authors(w: World) -> Steps:
    w.allow()
    both = f"News <news@{w.domain}>, ceo@{w.domain}"
    yield lambda: w.raw(w.sender, {"From": both})
    yield lambda: w.raw(w.sender)


@case(
    seen="two senders in Source",
    code="SA605",
    says=("one address",),
    mend=("one address",),
)
def two_sources(w: World) -> Steps:
    w.allow()
    yield lambda: w.simple(w.sender, Source=f"news@{w.domain}, ceo@{w.domain}")
    yield lambda: w.simple(w.sender)


@case(
    seen="an umlaut before the @ of the sender",
    code="SA605",
    says=("jörg@{domain}", "`ö`", "not ASCII"),
    mend=("ASCII", "before the @"),
)
def umlaut_before_the_at(w: World) -> Steps:
    w.allow()
    yield lambda: w.simple(w.sender, Source=f"jörg@{w.domain}")
    yield lambda: w.simple(w.sender, Source=f"joerg@{w.domain}")


@case(
    seen="an umlaut before the @ of a recipient",
    code="SA605",
    says=("zoë@elsewhere.test", "`ë`", "not ASCII"),
    mend=("ASCII", "before the @"),
)
def umlaut_of_a_recipient(w: World) -> Steps:
    w.allow()
    yield lambda: w.simple(w.sender, Destination={"ToAddresses": ["Zoë <zoë@elsewhere.test>"]})
    yield lambda: w.simple(w.sender, Destination={"ToAddresses": ["Zoë <zoe@elsewhere.test>"]})


@case(
    seen="a Deny on the address's own identity, where the ARN is the domain's",
    code="SA208",
    reader="owner",
    says=("ceo@{domain}", "denies"),
    mend=("exempt `arn:aws:iam::{sender}:root`",),
)
def deny_of_the_address(w: World) -> Steps:
    name = f"ceo@{w.domain}"
    arn = w.sesame.vouch(w.owner, name)
    w.allow()
    w.allow(name="boss", Resource=arn, Effect="Deny", Principal="*", Action="ses:*")
    yield lambda: w.simple(w.sender, Source=name)
    [newest] = json.loads(w.sesame.run("decisions", w.owner.account_id, "--limit", "1", "--json").stdout)
    assert [cause["code"] for cause in newest["causes"]] == ["SA208"], "an Allow there is not needed"
    w.client("ses", w.owner).delete_identity_policy(Identity=name, PolicyName="zqownerboss")
    yield lambda: w.simple(w.sender, Source=name)


def _name_as_written(w: World, written: str, meant: str, *, field: str) -> Steps:
    """A display name in the policy as a From field writes it; then as the mend says."""
    w.allow(Condition={"StringEquals": {"ses:FromDisplayName": written}})
    sends = {"From": f"{field} <news@{w.domain}>"}
    yield lambda: w.raw(w.sender, sends)
    [change] = newest_mend(w, "owner")["changes"]
    assert (change["replace"], change["with"]) == (written, meant), change
    w.allow(Condition={"StringEquals": {"ses:FromDisplayName": change["with"]}})
    yield lambda: w.raw(w.sender, sends)


@case(
    seen="a display name in a policy as an encoded word, copied out of a message",
    code="SA401",
    reader="owner",
    says=("compared decoded", "as `Süd Shop`"),
    mend=("write `Süd Shop` in place of `=?utf-8?q?S=C3=BCd_Shop?=`",),
)
def display_name_as_encoded_word(w: World) -> Steps:
    word = "=?utf-8?q?S=C3=BCd_Shop?="
    yield from _name_as_written(w, word, "Süd Shop", field=word)


@case(
    seen="a display name in a policy with its quotation marks",
    code="SA401",
    reader="owner",
    says=("without quotation marks", "as `Shop, Inc.`"),
    mend=("write `Shop, Inc.` in place of",),
)
def display_name_in_quotation_marks(w: World) -> Steps:
    yield from _name_as_written(w, '"Shop, Inc."', "Shop, Inc.", field='"Shop, Inc."')


@case(
    seen="the policy has another name in quotation marks: to send it so would not help",
    code="SA401",
    reader="owner",
    says=("ses:FromDisplayName",),
    mend=("add `Store` to StringEquals ses:FromDisplayName",),
)
def another_display_name_in_quotation_marks(w: World) -> Steps:
    w.allow(Condition={"StringEquals": {"ses:FromDisplayName": '"Shop"'}})
    sends = {"From": f"Store <news@{w.domain}>"}
    yield lambda: w.raw(w.sender, sends)
    mend = newest_mend(w, "owner")
    assert "or_send" not in mend["changes"][0], mend
    w.allow(Condition={"StringEquals": {"ses:FromDisplayName": ['"Shop"', "Store"]}})
    yield lambda: w.raw(w.sender, sends)


@case(
    seen="an end in seconds under NumericLessThan, where a date is refused",
    code="SA402",
    reader="owner",
    says=("aws:EpochTime", "1767225600"),
    mend=("write a larger number of seconds than the request's in place of `1767225600`",),
)
def end_in_seconds_is_over(w: World) -> Steps:
    w.allow(Condition={"NumericLessThan": {"aws:EpochTime": "1767225600"}})
    yield lambda: w.simple(w.sender)
    w.allow(Condition={"NumericLessThan": {"aws:EpochTime": "7226582400"}})
    yield lambda: w.simple(w.sender)
