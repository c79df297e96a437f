"""Set-ups in which the wrong identity is named, or none, or in the wrong place."""

from tests.story.misconfigured.world import Steps, World, case


@case(
    seen="boto/boto3#3873: raw mail from a Lambda of another account, a policy, no SourceArn",
    code="SA101",
    says=("no ARN",),
    mend=("SourceArn", "{arn}"),
)
def raw_without_arn(w: World) -> Steps:
    w.allow()
    yield lambda: w.raw(w.sender, SourceArn=None, Source=f"news@{w.domain}")
    yield lambda: w.raw(w.sender, Source=f"news@{w.domain}")


@case(
    seen="nodemailer#1218, aws-sdk-rails#34: an SMTP transport cannot name an ARN",
    code="SA101",
    says=("no ARN",),
    mend=("X-SES-SOURCE-ARN", "{arn}"),
)
def smtp_without_header(w: World) -> Steps:
    w.allow()
    yield lambda: w.smtp(w.sender)
    yield lambda: w.smtp(w.sender, {"X-SES-SOURCE-ARN": w.arn})


@case(
    seen="the guide's sample, copied: a blank line between the X-SES fields and From puts the rest in the body",
    code="SA106|SA605",
    says=(),
    mend=("From|X-SES-SOURCE-ARN|blank line|header",),
)
def arn_field_below_the_blank_line(w: World) -> Steps:
    w.allow()
    yield lambda: w.smtp(w.sender, body=f"X-SES-SOURCE-ARN: {w.arn}\r\n\r\nHello")
    yield lambda: w.smtp(w.sender, {"X-SES-SOURCE-ARN": w.arn})


@case(
    seen="django-ses#228, first try: the ARN as a message header of the v2 API with simple content",
    code="SA106|SA605",
    says=("X-SES-SOURCE-ARN",),
    mend=("FromEmailAddressIdentityArn",),
)
def arn_header_in_simple_content(w: World) -> Steps:
    w.allow()
    simple = {"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}}
    headers = [{"Name": "X-SES-SOURCE-ARN", "Value": w.arn}]
    content = {"Simple": {**simple, "Headers": headers}}
    yield lambda: w.v2(w.sender, Content=content, FromEmailAddressIdentityArn=None)
    yield lambda: w.v2(w.sender)


@case(
    seen="an environment variable with a line feed at its end, as `echo` into a secret store leaves it",
    code="SA108",
    says=("white space|space|line",),
    mend=("{arn}",),
)
def arn_with_a_line_feed(w: World) -> Steps:
    w.allow()
    yield lambda: w.simple(w.sender, SourceArn=f"{w.arn}\n")
    yield lambda: w.simple(w.sender)


@case(
    seen="the account number with dashes, as AWS's console writes it",
    code="SA108",
    says=("account",),
    mend=("arn:aws:ses:us-east-1:{owner}:identity/{domain}",),
)
def account_with_dashes(w: World) -> Steps:
    w.allow()
    dashed = "-".join((w.owner.account_id[:4], w.owner.account_id[4:8], w.owner.account_id[8:]))
    yield lambda: w.simple(w.sender, SourceArn=w.arn.replace(w.owner.account_id, dashed))
    yield lambda: w.simple(w.sender)


@case(
    seen="an ARN put together by hand: no `identity/`",
    code="SA108",
    says=("identity/",),
    mend=("arn:aws:ses:us-east-1:{owner}:identity/{domain}",),
)
def arn_without_identity(w: World) -> Steps:
    w.allow()
    yield lambda: w.simple(w.sender, SourceArn=w.arn.replace("identity/", ""))
    yield lambda: w.simple(w.sender)


@case(
    seen="the domain's name where its ARN belongs (a form field called `source identity`)",
    code="SA108",
    says=("{domain}",),
    mend=("arn:aws:ses:us-east-1:",),
)
def name_in_place_of_the_arn(w: World) -> Steps:
    w.allow()
    yield lambda: w.simple(w.sender, SourceArn=w.domain)
    yield lambda: w.simple(w.sender)


@case(
    seen="Terraform: `data.aws_caller_identity.current` in the ARN, applied in the sender's account",
    code="SA103",
    says=("{sender}",),
    mend=("name `{arn}` in SourceArn",),
)
def arn_with_the_senders_number(w: World) -> Steps:
    w.allow()
    yield lambda: w.simple(w.sender, SourceArn=w.arn.replace(w.owner.account_id, w.sender.account_id))
    yield lambda: w.simple(w.sender)


@case(
    seen="aws-samples/batch#1: the ARN of the address, while the domain is what has the policy",
    code="SA104",
    reader="owner",
    says=("news@{domain}", "not registered|no identity|not an identity|does not exist"),
    mend=("{arn}",),
)
def arn_of_the_address(w: World) -> Steps:
    w.allow()
    address = w.arn.replace(w.domain, f"news@{w.domain}")
    yield lambda: w.simple(w.sender, SourceArn=address)
    yield lambda: w.simple(w.sender)


@case(
    seen="`identity/*` in place of an identity: taken from an IAM policy's Resource",
    code="SA108|SA107|SA104",
    says=("*",),
    mend=("identity/{domain}|identity/NAME|the identity",),
)
def arn_with_a_wildcard(w: World) -> Steps:
    w.allow()
    yield lambda: w.simple(w.sender, SourceArn=w.arn.replace(w.domain, "*"))
    yield lambda: w.simple(w.sender)


@case(
    seen="mail from the apex while only mail.DOMAIN was verified",
    code="SA107",
    says=("mail.{domain}", "news@{domain}"),
    mend=("news@mail.{domain}|address|identity of",),
)
def arn_of_the_subdomain(w: World) -> Steps:
    sub = w.sesame.vouch(w.owner, f"mail.{w.domain}")
    w.allow(Resource=sub)
    yield lambda: w.simple(w.sender, SourceArn=sub)
    yield lambda: w.simple(w.sender, SourceArn=sub, Source=f"news@mail.{w.domain}")


@case(
    seen="two brands, one ARN: From at the other brand's domain",
    code="SA107|SA101|SA102",
    says=("news@other-{domain}",),
    mend=("identity|verify|ARN of",),
)
def from_of_another_brand(w: World) -> Steps:
    w.allow()
    yield lambda: w.simple(w.sender, Source=f"news@other-{w.domain}")
    yield lambda: w.simple(w.sender)


@case(
    seen="fusion242.com: the address was verified as News@, mail is from news@ (own account)",
    code="SA107|SA101",
    says=("news@own-{domain}", "News@own-{domain}"),
    mend=("News@own-{domain}",),
)
def case_of_the_local_part(w: World) -> Steps:
    w.sesame.vouch(w.sender, f"News@own-{w.domain}")
    yield lambda: w.simple(w.sender, SourceArn=None, Source=f"news@own-{w.domain}")
    yield lambda: w.simple(w.sender, SourceArn=None, Source=f"News@own-{w.domain}")


@case(
    seen="a return path at the sender's own, unverified domain",
    code="SA102",
    says=("Return-Path", "bounces@corp-{domain}"),
    mend=("ReturnPathArn",),
)
def return_path_elsewhere(w: World) -> Steps:
    w.allow()
    yield lambda: w.simple(w.sender, ReturnPath=f"bounces@corp-{w.domain}")
    yield lambda: w.simple(w.sender)


@case(
    seen="mailing list software adds Sender: list@its.host",
    code="SA102",
    says=("Sender", "list@lists-{domain}"),
    mend=("Sender",),
)
def sender_field_of_a_list(w: World) -> Steps:
    w.allow()
    yield lambda: w.raw(w.sender, {"Sender": f"list@lists-{w.domain}"})
    yield lambda: w.raw(w.sender)


@case(
    seen="FlowFuse#4173, iep#367: Source is the owner's, the header From another address",
    code="SA102",
    says=("From", "boss@corp-{domain}"),
    mend=("FromArn",),
)
def header_from_is_another(w: World) -> Steps:
    w.allow()
    yield lambda: w.raw(w.sender, {"From": f"boss@corp-{w.domain}"}, Source=f"news@{w.domain}")
    yield lambda: w.raw(w.sender, Source=f"news@{w.domain}")


@case(
    seen="a header misspelt in PHPMailer: X-SES-SourceArn",
    code="SA106",
    says=("X-SES-SourceArn",),
    mend=("X-SES-SOURCE-ARN",),
)
def header_misspelt(w: World) -> Steps:
    w.allow()
    yield lambda: w.smtp(w.sender, {"X-SES-SourceArn": w.arn})
    yield lambda: w.smtp(w.sender, {"X-SES-SOURCE-ARN": w.arn})


@case(
    seen="an SMTP relay that adds the field again: the first instance is an old one",
    code="SA106",
    says=("X-SES-SOURCE-ARN", "first"),
    mend=("once|one",),
)
def header_twice(w: World) -> Steps:
    w.allow()
    old = w.arn.replace(w.domain, f"old-{w.domain}")
    twice = f"X-SES-SOURCE-ARN: {old}\r\nX-SES-SOURCE-ARN: {w.arn}\r\n".encode() + w.message()
    yield lambda: w.smtp(w.sender, data=twice)
    yield lambda: w.smtp(w.sender, {"X-SES-SOURCE-ARN": w.arn})


@case(
    seen="django-ses#120: client in another region than the (own) identity",
    reader="owner",
    code="SA105",
    says=("us-east-1", "eu-west-1"),
    mend=("us-east-1",),
)
def own_identity_in_another_region(w: World) -> Steps:
    yield lambda: w.simple(w.owner, SourceArn=None, region="eu-west-1")
    yield lambda: w.simple(w.owner, SourceArn=None)


# The reader of the refusal above is the account itself, which is sender and owner at once.


@case(
    seen="a delegate calls the region it lives in; the ARN is of the owner's",
    code="SA105",
    says=("us-east-1", "eu-central-1"),
    mend=("us-east-1",),
)
def delegate_in_another_region(w: World) -> Steps:
    w.allow()
    yield lambda: w.v2(w.sender, region="eu-central-1")
    yield lambda: w.v2(w.sender)


@case(
    seen="a tutorial's ARN with its region eu-west-1, called in us-east-1",
    code="SA105",
    says=("eu-west-1", "us-east-1"),
    mend=("{arn}",),
)
def arn_with_a_tutorials_region(w: World) -> Steps:
    w.allow()
    yield lambda: w.simple(w.sender, SourceArn=w.arn.replace("us-east-1", "eu-west-1"))
    yield lambda: w.simple(w.sender)


@case(
    seen="Django: DEFAULT_FROM_EMAIL was never set, so mail is from webmaster@localhost",
    code="SA101|SA605|SA107|SA102",
    says=("webmaster@localhost",),
    mend=("verify|address|identity",),
)
def django_default_from(w: World) -> Steps:
    w.allow()
    fields = {"From": "webmaster@localhost", "X-SES-SOURCE-ARN": w.arn}
    yield lambda: w.smtp(w.sender, fields, mail_from="webmaster@localhost")
    yield lambda: w.smtp(w.sender, {"X-SES-SOURCE-ARN": w.arn})


@case(
    seen="Postfix sends its own bounce with the null reverse-path through the relay",
    code="SA605|SA101",
    says=("<>|empty|null|MAIL FROM",),
    mend=("MAIL FROM|envelope|sender|address",),
)
def postfix_bounce(w: World) -> Steps:
    w.allow()
    yield lambda: w.smtp(w.sender, {"X-SES-SOURCE-ARN": w.arn}, mail_from="")
    yield lambda: w.smtp(w.sender, {"X-SES-SOURCE-ARN": w.arn})


@case(
    seen="`From: News` without an address (a form's name field)",
    code="SA605",
    says=("News",),
    mend=("From|Source|address",),
)
def from_without_an_address(w: World) -> Steps:
    w.allow()
    yield lambda: w.simple(w.sender, Source="News")
    yield lambda: w.simple(w.sender)
