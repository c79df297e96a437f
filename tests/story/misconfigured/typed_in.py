"""Set-ups of a sixth kind: plug-ins' defaults, copied samples, values that were typed in, and guards of both sides."""

from typing import Any

from tests.story.misconfigured.world import MAY_SEND, Steps, World, case, document


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


def lending(w: World, arn: str) -> str:
    return document(w.statement(Resource=arn))


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
        Identity=f"bounces-{w.domain}", PolicyName="p", Policy=lending(w, arn)
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
    mend=("{owner}", "quote the request id"),
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
    mend=(
        "change policy",
        "exempt",
    ),
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
    mend=("add `127.0.0.1/32` to NotIpAddress",),
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
