"""Set-ups whose patterns, resources or passwords are those of another language, time or account."""

import base64
import hashlib
import hmac
from dataclasses import replace

from tests.story.misconfigured.guards import changed_by_owner, newest_mend
from tests.story.misconfigured.principals import service_keys, w_service
from tests.story.misconfigured.world import MAY_SEND, Play, Steps, World, case, smtp_password
from tests.support.process import Account


def _pattern(name: str, seen: str, pattern: str, says: str) -> Play:
    """An address pattern of the owner's that matches nothing as it was meant to."""

    def play(w: World) -> Steps:
        text = pattern.replace("DOMAIN", w.domain)
        w.allow(Condition={"StringLike": {"ses:FromAddress": text}})
        yield from changed_by_owner(w, lambda: w.simple(w.sender))

    play.__name__ = name
    words = ("policy `zqowner`", says)
    return case(seen=seen, code="SA401", reader="owner", says=words, mend=("add `news@{domain}`",))(play)


_pattern("regular_expression", "ses-developer-guide#11: `+.*@`", ".*@DOMAIN", "`.*` stands for itself")
_pattern("both_anchors_of_a_regular_expression", "^…$ in StringLike", "^*@DOMAIN$", "`^` stands for itself")
_pattern("escaped_dots", r"\. in StringLike", r"*@shop\.example", r"`\.` stands for itself")
_pattern("set_of_letters", "[a-z] in StringLike", "[a-z]*@DOMAIN", "`[a-z]` stands for itself")
_pattern("alternatives", "(a|b)@ in StringLike", "(news|info)@DOMAIN", "stands for itself")
_pattern("percent_of_sql", "% for any text", "%@DOMAIN", "`%` stands for itself")
_pattern("domain_without_a_star", "@domain for every address", "@DOMAIN", "`*@{domain}` under StringLike")
_pattern("bare_domain", "the domain for every address", "DOMAIN", "`*@{domain}` under StringLike")
_pattern("star_of_subdomains", "*@*.domain for the domain", "*@*.DOMAIN", "domains below `{domain}`")
_pattern("two_addresses_in_a_text", "a@x,b@x in one text", "news@DOMAIN,info@DOMAIN", "is one text")
_pattern("domain_in_its_letters", "notifications-api#2582: Unicode domains", "*@bücher.example", "Punycode")


def _resource(name: str, seen: str, old: str, new: str, says: str) -> Play:
    """A Resource of the sender's IAM policy that is nearly the identity."""

    def play(w: World) -> Steps:
        w.allow()
        old_text, new_text = (text.format(**w.names) for text in (old, new))
        user = w.user("app", MAY_SEND | {"Resource": w.arn.replace(old_text, new_text)})
        yield lambda: w.simple(user)
        w.user_may("app", MAY_SEND | {"Resource": w.arn})
        yield lambda: w.simple(user)

    play.__name__ = name
    return case(seen=seen, code="SA205", says=(says,), mend=('"Resource":"{arn}"',))(play)


_resource("resource_in_capitals", "terraform-aws-ses#19", "shop", "Shop", "differs in the case of letters")
_resource("resource_of_own_account", "SESCrudPolicy", "{owner}", "{sender}", "of another account number")
_resource("resource_of_another_region", "eu-* alone", "us-east-1", "eu-*", "of another region")
_resource(
    "resource_is_an_address", "SESIdentityName", "/shop", "/news@shop", "the identity used is the domain"
)


@case(
    seen="FOLIO-3037: an SMTP password from before Signature Version 4",
    code="SA701",
    says=("before Signature Version 4",),
    mend=("`sesame smtp credentials {sender} --key AKIA",),
)
def password_of_the_old_kind(w: World) -> Steps:
    w.allow()
    made = hmac.new(w.sender.secret_access_key.encode(), b"SendRawEmail", hashlib.sha256).digest()
    old = base64.b64encode(b"\x02" + made).decode()
    fields = {"X-SES-SOURCE-ARN": w.arn}
    yield lambda: w.smtp(w.sender, fields, password=old)
    yield lambda: w.smtp(w.sender, fields)


@case(
    seen="aws-sdk-js#587: a root's key, signed with its SMTP password",
    code="SA704",
    says=("the SMTP password that belongs to the key",),
    mend=("`sesame key create {sender}`",),
)
def roots_key_is_made_without_a_user(w: World) -> Steps:
    w.allow()
    wrong = replace(w.sender, secret_access_key=smtp_password(w.sender.secret_access_key, "us-east-1"))
    yield lambda: w.simple(wrong)
    yield lambda: w.simple(w.sender)


@case(
    seen="sns-mobile#14: access key id and secret exchanged",
    code="SA704",
    reader="operator",
    says=("may be exchanged",),
    mend=("each in its place", "create a new key"),
)
def key_and_secret_exchanged(w: World) -> Steps:
    w.allow()
    swapped = Account(w.sender.account_id, w.sender.secret_access_key, w.sender.access_key_id)
    yield lambda: w.simple(swapped)
    yield lambda: w.simple(w.sender)


@case(
    seen="the From domain is a slip of the one that is lent",
    code="SA107",
    says=("did you mean `news@{domain}`",),
    mend=("send as `news@{domain}`",),
)
def domain_with_a_slip_beside_an_arn(w: World) -> Steps:
    w.allow()
    yield lambda: w.simple(w.sender, Source=f"news@{w.domain.replace('.example', '.exmaple')}")
    yield lambda: w.simple(w.sender)


@case(
    seen="Cognito's two names: the statement proposed is for the customer alone",
    code="SA204",
    reader="owner",
    says=("email.ninthcodes", "ninthcodes"),
    mend=('"aws:SourceAccount":"{sender}"',),
)
def service_is_let_in_for_its_customer(w: World) -> Steps:
    keys = service_keys(w, "ninthcodes")
    w.allow(Principal={"Service": "email.ninthcodes.amazonaws.com"})
    yield lambda: w_service(w, keys)
    mend = newest_mend(w, "owner")
    w.allow(name="2", **{key: mend["statement"][key] for key in ("Principal", "Action", "Condition")})
    yield lambda: w_service(w, keys)
