"""Set-ups in which the owner's conditions do not mean what the owner meant."""

from tests.story.misconfigured.world import Steps, World, case


@case(
    seen="`*@domain` under StringEquals",
    code="SA401",
    reader="owner",
    says=("ses:FromAddress", "news@{domain}", "StringEquals"),
    mend=("StringLike",),
)
def wildcard_under_string_equals(w: World) -> Steps:
    w.allow(Condition={"StringEquals": {"ses:FromAddress": f"*@{w.domain}"}})
    yield lambda: w.simple(w.sender)
    w.allow(Condition={"StringLike": {"ses:FromAddress": f"*@{w.domain}"}})
    yield lambda: w.simple(w.sender)


@case(
    seen="the domain in the condition is written as in the logo: *@Shop.Example",
    code="SA401",
    reader="owner",
    says=("ses:FromAddress", "case|capital|upper"),
    mend=("*@{domain}|news@{domain}|StringEqualsIgnoreCase",),
)
def capitals_in_the_pattern(w: World) -> Steps:
    w.allow(Condition={"StringLike": {"ses:FromAddress": f"*@{w.domain.capitalize()}"}})
    yield lambda: w.simple(w.sender)
    w.allow(Condition={"StringLike": {"ses:FromAddress": f"*@{w.domain}"}})
    yield lambda: w.simple(w.sender)


@case(
    seen="the condition names the address with its display name",
    code="SA401",
    reader="owner",
    says=("ses:FromAddress", "news@{domain}", "display name"),
    mend=("news@{domain}",),
)
def display_name_in_from_address(w: World) -> Steps:
    w.allow(Condition={"StringEquals": {"ses:FromAddress": f"News <news@{w.domain}>"}})
    yield lambda: w.simple(w.sender)
    w.allow(Condition={"StringEquals": {"ses:FromAddress": f"news@{w.domain}"}})
    yield lambda: w.simple(w.sender)


@case(
    seen="awsdocs/amazon-ses-developer-guide#11: `invoicing+.*@` read as a regular expression",
    code="SA401",
    reader="owner",
    says=("ses:FromAddress", "invoicing-eu@{domain}"),
    mend=("invoicing-eu@{domain}",),
)
def pattern_as_a_regular_expression(w: World) -> Steps:
    w.allow(Condition={"StringLike": {"ses:FromAddress": f"invoicing+.*@{w.domain}"}})
    yield lambda: w.simple(w.sender, Source=f"invoicing-eu@{w.domain}")
    w.allow(Condition={"StringLike": {"ses:FromAddress": f"invoicing*@{w.domain}"}})
    yield lambda: w.simple(w.sender, Source=f"invoicing-eu@{w.domain}")


@case(
    seen="the sender's half of a refused From address: which value of its own, whom to ask",
    code="SA401",
    says=("ses:FromAddress", "ceo@{domain}"),
    mend=("{owner}", "quote the request id"),
)
def another_from_address_as_the_sender_reads_it(w: World) -> Steps:
    w.allow(Condition={"StringEquals": {"ses:FromAddress": f"news@{w.domain}"}})
    yield lambda: w.simple(w.sender, Source=f"ceo@{w.domain}")
    w.allow(Condition={"StringEquals": {"ses:FromAddress": [f"news@{w.domain}", f"ceo@{w.domain}"]}})
    yield lambda: w.simple(w.sender, Source=f"ceo@{w.domain}")


@case(
    seen="ses:FromAddress is the domain alone",
    code="SA401",
    reader="owner",
    says=("ses:FromAddress", "news@{domain}"),
    mend=("news@{domain}|*@{domain}",),
)
def domain_in_place_of_an_address(w: World) -> Steps:
    w.allow(Condition={"StringEquals": {"ses:FromAddress": w.domain}})
    yield lambda: w.simple(w.sender)
    w.allow(Condition={"StringLike": {"ses:FromAddress": f"*@{w.domain}"}})
    yield lambda: w.simple(w.sender)


@case(
    seen="a Bcc to an archive: ForAllValues over ses:Recipients allows the partner's domain only",
    code="SA401",
    says=("ses:Recipients", "archive@vault.test"),
    mend=("{owner}",),
)
def bcc_to_an_archive(w: World) -> Steps:
    w.allow(Condition={"ForAllValues:StringLike": {"ses:Recipients": ["*@partner.test"]}})
    to = {"ToAddresses": ["you@partner.test"], "BccAddresses": ["archive@vault.test"]}
    yield lambda: w.simple(w.sender, Destination=to)
    yield lambda: w.simple(w.sender, Destination={"ToAddresses": ["you@partner.test"]})


@case(
    seen="ses:Recipients under a plain StringLike: it has several values",
    code="SA401",
    reader="owner",
    says=("ses:Recipients", "ForAllValues|ForAnyValue"),
    mend=("ForAllValues|ForAnyValue",),
)
def recipients_without_a_qualifier(w: World) -> Steps:
    w.allow(Condition={"StringLike": {"ses:Recipients": "*@elsewhere.test"}})
    to = {"ToAddresses": ["you@elsewhere.test", "them@elsewhere.test"]}
    yield lambda: w.simple(w.sender, Destination=to)
    w.allow(Condition={"ForAllValues:StringLike": {"ses:Recipients": "*@elsewhere.test"}})
    yield lambda: w.simple(w.sender, Destination=to)


@case(
    seen="last year's campaign: DateLessThan in the past",
    code="SA402",
    reader="owner",
    says=("2025-01-01",),
    mend=("aws:CurrentTime|date|2025-01-01",),
)
def campaign_is_over(w: World) -> Steps:
    w.allow(Condition={"DateLessThan": {"aws:CurrentTime": "2025-01-01T00:00:00Z"}})
    yield lambda: w.simple(w.sender)
    w.allow(Condition={"DateLessThan": {"aws:CurrentTime": "2199-01-01T00:00:00Z"}})
    yield lambda: w.simple(w.sender)


@case(
    seen="a contract that begins next century, by a typing error",
    code="SA402",
    reader="owner",
    says=("2126-01-01",),
    mend=("aws:CurrentTime|date|2126-01-01",),
)
def contract_has_not_begun(w: World) -> Steps:
    w.allow(Condition={"DateGreaterThanEquals": {"aws:CurrentTime": "2126-01-01"}})
    yield lambda: w.simple(w.sender)
    w.allow(Condition={"DateGreaterThanEquals": {"aws:CurrentTime": "2026-01-01"}})
    yield lambda: w.simple(w.sender)


@case(
    seen="the sender's half of a date window",
    code="SA402",
    says=("time|date",),
    mend=("{owner}", "quote the request id"),
)
def campaign_is_over_as_the_sender_reads_it(w: World) -> Steps:
    w.allow(Condition={"DateLessThan": {"aws:CurrentTime": "2025-01-01T00:00:00Z"}})
    yield lambda: w.v2(w.sender)
    w.allow(Condition={"DateLessThan": {"aws:CurrentTime": "2199-01-01T00:00:00Z"}})
    yield lambda: w.v2(w.sender)


@case(
    seen="aws:SourceIp with the VPC's private range; mail comes through a NAT gateway",
    code="SA403",
    reader="owner",
    says=("127.0.0.1", "10.0.0.0/8"),
    mend=("127.0.0.1",),
)
def private_range(w: World) -> Steps:
    w.allow(Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})
    yield lambda: w.simple(w.sender)
    w.allow(Condition={"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "127.0.0.1/32"]}})
    yield lambda: w.simple(w.sender)


@case(
    seen="aws:SecureTransport is asked for and the SDK's endpoint is http://",
    code="SA401",
    reader="owner",
    says=("aws:SecureTransport",),
    mend=("https",),
)
def plain_http(w: World) -> Steps:
    secure = {"Bool": {"aws:SecureTransport": "true"}}
    w.allow(Condition=secure)
    yield lambda: w.simple(w.sender)
    yield lambda: w.smtp(w.sender, {"X-SES-SOURCE-ARN": w.arn})


@case(
    seen="ses:FeedbackAddress is asked for; the program sets no return path",
    code="SA401",
    reader="owner",
    says=("ses:FeedbackAddress", "bounces@{domain}"),
    mend=("bounces@{domain}|ses:FeedbackAddress",),
)
def feedback_address_not_set(w: World) -> Steps:
    w.allow(Condition={"StringEquals": {"ses:FeedbackAddress": f"bounces@{w.domain}"}})
    yield lambda: w.simple(w.sender)
    yield lambda: w.simple(w.sender, ReturnPath=f"bounces@{w.domain}")


@case(
    seen="the sender's half of it: which parameter to set cannot be told, which value was seen can",
    code="SA401",
    says=("ses:FeedbackAddress",),
    mend=("{owner}",),
)
def feedback_address_as_the_sender_reads_it(w: World) -> Steps:
    w.allow(Condition={"StringEquals": {"ses:FeedbackAddress": f"bounces@{w.domain}"}})
    yield lambda: w.simple(w.sender)
    yield lambda: w.simple(w.sender, ReturnPath=f"bounces@{w.domain}")


@case(
    seen="ses:FromDisplayName `Shop`, the program writes `The Shop`",
    code="SA401",
    reader="owner",
    says=("ses:FromDisplayName", "The Shop", "Shop"),
    mend=("The Shop",),
)
def another_display_name(w: World) -> Steps:
    w.allow(Condition={"StringEquals": {"ses:FromDisplayName": "Shop"}})
    yield lambda: w.simple(w.sender, Source=f"The Shop <news@{w.domain}>")
    yield lambda: w.simple(w.sender, Source=f"Shop <news@{w.domain}>")


@case(
    seen="ses:FromDisplayName is asked for, the program writes an address alone",
    code="SA401",
    reader="owner",
    says=("ses:FromDisplayName",),
    mend=("display name",),
)
def no_display_name(w: World) -> Steps:
    w.allow(Condition={"StringLike": {"ses:FromDisplayName": "Shop*"}})
    yield lambda: w.simple(w.sender)
    yield lambda: w.simple(w.sender, Source=f"Shop <news@{w.domain}>")


@case(
    seen="a policy without Version: ${aws:username} is taken literally",
    code="SA401",
    reader="owner",
    says=("${{aws:username}}", "2012-10-17"),
    mend=("2012-10-17",),
)
def variable_without_version(w: World) -> Steps:
    user = w.user("news", {"Effect": "Allow", "Action": "ses:*", "Resource": "*"})
    condition = {"StringEquals": {"ses:FromAddress": "${aws:username}@" + w.domain}}
    w.allow(version="2008-10-17", Condition=condition)
    yield lambda: w.raw(user)
    w.allow(Condition=condition)
    yield lambda: w.raw(user)


@case(
    seen="ses:ApiVersion 2 is asked for, the program is on v1",
    code="SA401",
    reader="owner",
    says=("ses:ApiVersion",),
    mend=("ses:ApiVersion",),
)
def api_version(w: World) -> Steps:
    w.allow(Condition={"StringEquals": {"ses:ApiVersion": "2"}})
    yield lambda: w.simple(w.sender)
    yield lambda: w.v2(w.sender)


@case(
    seen="an address identity with its own Deny beneath the domain that allows",
    code="SA208",
    reader="owner",
    says=("ceo@{domain}",),
    mend=("statement|Deny",),
)
def deny_on_the_address(w: World) -> Steps:
    ceo = w.sesame.vouch(w.owner, f"ceo@{w.domain}")
    w.allow()
    w.allow(Resource=ceo, Effect="Deny", Principal="*", Action="ses:*", name="deny")
    yield lambda: w.simple(w.sender, Source=f"ceo@{w.domain}")
    ses = w.client("ses", w.owner)
    ses.delete_identity_policy(Identity=f"ceo@{w.domain}", PolicyName="zqownerdeny")
    yield lambda: w.simple(w.sender, Source=f"ceo@{w.domain}")


@case(
    seen="two conditions at once, of which one fails: only that one may be blamed",
    code="SA401",
    reader="owner",
    says=("ses:FromAddress", "sales@{domain}"),
    mend=("sales@{domain}",),
)
def one_of_two_conditions(w: World) -> Steps:
    both = {
        "StringLike": {"ses:FromAddress": f"news@{w.domain}"},
        "IpAddress": {"aws:SourceIp": "127.0.0.0/8"},
    }
    w.allow(Condition=both)
    yield lambda: w.simple(w.sender, Source=f"sales@{w.domain}")
    both["StringLike"] = {"ses:FromAddress": [f"news@{w.domain}", f"sales@{w.domain}"]}  # type: ignore[dict-item]
    w.allow(Condition=both)
    yield lambda: w.simple(w.sender, Source=f"sales@{w.domain}")
