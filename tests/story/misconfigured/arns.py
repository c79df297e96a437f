"""Set-ups in which an ARN or an address is not the one that would have done: parameters, headers, environments."""

import json
from typing import Any
from urllib.parse import quote

from tests.story.misconfigured.world import Steps, World, case


@case(
    seen="amplify-backend#3134: the ARN is that of the From address, the domain alone is verified (own account)",
    code="SA104|SA103",
    says=("auth@own-{domain}",),
    mend=("arn:aws:ses:us-east-1:{sender}:identity/own-{domain}",),
)
def own_arn_of_the_address(w: World) -> Steps:
    right = w.sesame.vouch(w.sender, f"own-{w.domain}")
    wrong = right.replace("own-", "auth@own-")
    yield lambda: w.simple(w.sender, Source=f"auth@own-{w.domain}", SourceArn=wrong)
    yield lambda: w.simple(w.sender, Source=f"auth@own-{w.domain}", SourceArn=right)


@case(
    seen="aws-cdk#25115: the synthesized ARN ends behind `identity/`",
    code="SA108",
    says=("names no identity",),
    mend=("arn:aws:ses:us-east-1:{owner}:identity/",),
)
def arn_without_a_name(w: World) -> Steps:
    w.allow()
    yield lambda: w.simple(w.sender, SourceArn=w.arn.removesuffix(w.domain))
    yield lambda: w.simple(w.sender)


@case(
    seen="an ARN copied from the address bar, with its colons as %3A",
    code="SA108",
    says=("%3A",),
    mend=("arn:aws:ses:us-east-1:",),
)
def arn_as_in_a_url(w: World) -> Steps:
    w.allow()
    yield lambda: w.simple(w.sender, SourceArn=quote(w.arn, safe=""))
    yield lambda: w.simple(w.sender)


@case(
    seen="a slash at the end, as of a URL",
    code="SA108|SA107",
    says=("{domain}/",),
    mend=("{arn}|identity/{domain}|`{domain}`",),
)
def arn_with_a_slash_at_its_end(w: World) -> Steps:
    w.allow()
    yield lambda: w.simple(w.sender, SourceArn=f"{w.arn}/")
    yield lambda: w.simple(w.sender)


@case(
    seen="two outputs of a stack mixed up: the topic's ARN",
    code="SA108",
    says=("sns",),
    mend=("arn:aws:ses:us-east-1:",),
)
def arn_of_a_topic(w: World) -> Steps:
    w.allow()
    topic = f"arn:aws:sns:us-east-1:{w.owner.account_id}:bounces"
    yield lambda: w.simple(w.sender, SourceArn=topic)
    yield lambda: w.simple(w.sender)


@case(
    seen="`source arn` taken for the ARN of who sends: the role's",
    code="SA108",
    says=("iam",),
    mend=("arn:aws:ses:us-east-1:",),
)
def arn_of_the_role(w: World) -> Steps:
    w.allow()
    yield lambda: w.simple(w.sender, SourceArn=f"arn:aws:iam::{w.sender.account_id}:role/app")
    yield lambda: w.simple(w.sender)


@case(
    seen="the configuration set's ARN in the identity's place",
    code="SA108",
    says=("configuration-set",),
    mend=("identity/",),
)
def arn_of_a_configuration_set(w: World) -> Steps:
    w.allow()
    yield lambda: w.simple(w.sender, SourceArn=w.arn.replace("identity/", "configuration-set/"))
    yield lambda: w.simple(w.sender)


@case(
    seen="swoosh#897: bounces go to an address of the owner's other domain, which has no ARN of its own",
    code="SA102",
    says=("Return-Path", "bounces@other-{domain}"),
    mend=("FeedbackForwardingEmailAddressIdentityArn|leave",),
)
def feedback_address_without_its_arn(w: World) -> Steps:
    w.allow()
    other = w.sesame.vouch(w.owner, f"other-{w.domain}")
    w.allow(Resource=other)
    to: dict[str, Any] = {"FeedbackForwardingEmailAddress": f"bounces@other-{w.domain}"}
    yield lambda: w.v2(w.sender, **to)
    yield lambda: w.v2(w.sender, **to, FeedbackForwardingEmailAddressIdentityArn=other)


@case(
    seen="email-templates#420's neighbour: bulk by v2, the ARN stands in an option that is dropped",
    code="SA101",
    says=("no ARN",),
    mend=("FromEmailAddressIdentityArn", "{arn}"),
)
def bulk_without_arn(w: World) -> Steps:
    w.allow(Action="ses:*")
    w.client("sesv2", w.sender).create_email_template(
        TemplateName="t", TemplateContent={"Subject": "zqsender", "Text": "t"}
    )

    def bulk(**more: Any) -> Any:
        answer = w.client("sesv2", w.sender).send_bulk_email(
            FromEmailAddress=f"news@{w.domain}",
            DefaultContent={"Template": {"TemplateName": "t", "TemplateData": "{}"}},
            BulkEmailEntries=[{"Destination": {"ToAddresses": ["you@elsewhere.test"]}}],
            **more,
        )
        return answer["BulkEmailEntryResults"][0]

    yield bulk
    yield lambda: bulk(FromEmailAddressIdentityArn=w.arn)


@case(
    seen="AWS-SES-simple-mail-forward#1: a forwarder keeps the stranger's From",
    code="SA102|SA101",
    says=("stranger@elsewhere.test",),
    mend=("From", "me@own-{domain}|verify"),
)
def forwarded_with_the_strangers_from(w: World) -> Steps:
    w.sesame.vouch(w.sender, f"own-{w.domain}")
    me = f"me@own-{w.domain}"
    stranger = {"From": "Stranger <stranger@elsewhere.test>"}
    yield lambda: w.raw(w.sender, stranger, SourceArn=None, Source=me)
    yield lambda: w.raw(w.sender, {"From": me}, SourceArn=None, Source=me)


@case(
    seen="a form's return path at a free-mail address",
    code="SA102|SA101",
    says=("Return-Path|ReturnPath", "me@freemail.test"),
    mend=("ReturnPath|Return-Path|verify",),
)
def own_return_path_elsewhere(w: World) -> Steps:
    w.sesame.vouch(w.sender, f"own-{w.domain}")
    own: dict[str, Any] = {"SourceArn": None, "Source": f"me@own-{w.domain}"}
    yield lambda: w.simple(w.sender, **own, ReturnPath="me@freemail.test")
    yield lambda: w.simple(w.sender, **own)


@case(
    seen="wpmailsmtp.com: a slip in the From address of the plug-in's form",
    code="SA101",
    says=("me@onw-{domain}",),
    mend=("verify|own-{domain}",),
)
def slip_in_the_domain(w: World) -> Steps:
    w.sesame.vouch(w.sender, f"own-{w.domain}")
    yield lambda: w.simple(w.sender, SourceArn=None, Source=f"me@onw-{w.domain}")
    yield lambda: w.simple(w.sender, SourceArn=None, Source=f"me@own-{w.domain}")


@case(
    seen="only an address is verified, and mail comes from another one at its domain",
    code="SA101",
    says=("sales@own-{domain}",),
    mend=("verify",),
)
def another_address_than_the_verified_one(w: World) -> Steps:
    w.sesame.vouch(w.sender, f"me@own-{w.domain}")
    yield lambda: w.simple(w.sender, SourceArn=None, Source=f"sales@own-{w.domain}")
    w.sesame.vouch(w.sender, f"own-{w.domain}")
    yield lambda: w.simple(w.sender, SourceArn=None, Source=f"sales@own-{w.domain}")


@case(
    seen="the owner moved the domain's policy to mail.DOMAIN; the program still names the domain's ARN",
    code="SA201|SA104|SA102",
    says=("mail.{domain}",),
    mend=("identity/mail.{domain}",),
    owner="SA201",
)
def policy_on_the_subdomain(w: World) -> Steps:
    mail = w.sesame.vouch(w.owner, f"mail.{w.domain}")
    w.allow(Resource=mail)
    source = f"news@mail.{w.domain}"
    yield lambda: w.simple(w.sender, Source=source)
    yield lambda: w.simple(w.sender, Source=source, SourceArn=mail)


@case(
    seen="the owner verified the domain in two regions and put the policy in one",
    code="SA105",
    says=("eu-west-1",),
    mend=("eu-west-1",),
    owner="SA201",
)
def policy_in_the_other_region(w: World) -> Steps:
    ireland = w.sesame.vouch(w.owner, w.domain, "eu-west-1")
    w.client("ses", w.owner, "eu-west-1").put_identity_policy(
        Identity=w.domain, PolicyName="zqowner", Policy=_policy(w, ireland)
    )
    yield lambda: w.simple(w.sender)
    yield lambda: w.simple(w.sender, region="eu-west-1", SourceArn=ireland)


@case(
    seen="the owner deleted the identity and verified it anew, without its policy",
    code="SA201",
    says=("no policy", "{owner}|owner"),
    mend=("{owner}", "quote the request id"),
    owner="SA201",
)
def identity_made_again_without_its_policy(w: World) -> Steps:
    w.allow()
    w.client("ses", w.owner).delete_identity(Identity=w.domain)
    w.sesame.vouch(w.owner, w.domain)
    yield lambda: w.simple(w.sender)
    w.allow()
    yield lambda: w.simple(w.sender)


@case(
    seen="the owner deleted the identity; the delegate is refused as by policy",
    code="SA104",
    reader="owner",
    says=("{domain}", "not registered"),
    mend=("verify", "{domain}"),
)
def identity_that_was_deleted(w: World) -> Steps:
    w.allow()
    w.client("ses", w.owner).delete_identity(Identity=w.domain)
    yield lambda: w.simple(w.sender)
    w.sesame.vouch(w.owner, w.domain)
    w.allow()
    yield lambda: w.simple(w.sender)


def _policy(w: World, arn: str) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [w.statement(Resource=arn)]})
