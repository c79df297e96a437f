"""Set-ups in which several statements miss a condition each: told of is the one that is meant for the message."""

from typing import Any

from tests.story.misconfigured.world import MAY_SEND, Steps, World, case

ENDED = {"DateLessThan": {"aws:CurrentTime": "2026-06-30T23:59:59Z"}}
LATER = {"DateLessThan": {"aws:CurrentTime": "2036-06-30T23:59:59Z"}}
OFFICE = {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}
HERE = {"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "127.0.0.0/8"]}}


def _from(w: World, *names: str) -> dict[str, Any]:
    return {"StringEquals": {"ses:FromAddress": [f"{name}@{w.domain}" for name in names]}}


def _seasons(w: World, ended: dict[str, Any], mended: dict[str, Any]) -> Steps:
    w.allow(name="-alerts", Sid="zqowneralerts", Condition=_from(w, "alerts"))
    w.allow(name="-season", Sid="zqownerseason", Condition=ended | _from(w, "news"))
    yield lambda: w.simple(w.sender, Source=f"news@{w.domain}")
    w.allow(name="-season", Sid="zqownerseason", Condition=mended | _from(w, "news"))
    yield lambda: w.simple(w.sender, Source=f"news@{w.domain}")


@case(
    seen="a policy for news that has ended, beside one for alerts without a date",
    code="SA402",
    says=("statement `zqownerseason`", "aws:CurrentTime"),
    mend=("statement `zqownerseason`", "a later date"),
    reader="owner",
)
def owner_of_a_season_that_ended(w: World) -> Steps:
    yield from _seasons(w, ENDED, LATER)


@case(
    seen="the same, as its sender reads it",
    code="SA402",
    says=("aws:CurrentTime",),
    mend=("ask the owner",),
    owner="SA402",
)
def season_that_ended(w: World) -> Steps:
    yield from _seasons(w, ENDED, LATER)


@case(
    seen="a policy for news from the office's network, beside one for alerts from anywhere",
    code="SA403",
    says=("statement `zqownerseason`", "aws:SourceIp"),
    mend=("statement `zqownerseason`", "IpAddress aws:SourceIp"),
    reader="owner",
)
def owner_of_mail_from_the_office(w: World) -> Steps:
    yield from _seasons(w, OFFICE, HERE)


@case(
    seen="a key of a condition with a letter too few, and a wildcard under equality in another policy",
    code="SA401",
    says=("did you mean `ses:FromAddress`?", "a wildcard counts only under StringLike"),
    mend=(
        "write StringEquals ses:FromAddress `news@own-{domain}` in place",
        "; and change IAM policy",
        "either lets this message pass",
    ),
)
def misspelt_key_beside_a_wildcard(w: World) -> Steps:
    own = f"own-{w.domain}"
    w.sesame.vouch(w.sender, own)
    wild = MAY_SEND | {"Condition": {"StringEquals": {"ses:FromAddress": f"*@{own}"}}}
    exact = {"StringEquals": {"ses:FromAdress": f"news@{own}"}}
    user = w.user("app", wild, MAY_SEND | {"Condition": exact})
    mail: dict[str, Any] = {"Source": f"news@{own}", "SourceArn": None}
    yield lambda: w.simple(user, **mail)
    right = {"StringEquals": {"ses:FromAddress": f"news@{own}"}}
    w.user_may("app", wild, MAY_SEND | {"Condition": right})
    yield lambda: w.simple(user, **mail)


@case(
    seen="Principal is everybody, of an organisation, which nothing says of a request here",
    code="SA401",
    says=("aws:PrincipalOrgID",),
    mend=("aws:PrincipalAccount `{sender}`", "since the statement names everybody"),
    reader="owner",
)
def everybody_of_an_organisation(w: World) -> Steps:
    w.allow(Principal="*", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}})
    user = w.user("app", MAY_SEND)
    yield lambda: w.simple(user)
    w.allow(Principal="*", Condition={"StringEquals": {"aws:PrincipalAccount": w.sender.account_id}})
    yield lambda: w.simple(user)


@case(
    seen="SMTP under a condition for the first version of the API",
    code="SA401",
    says=("ses:ApiVersion, which `2` does not meet; mail by SMTP counts as version `2`",),
    mend=("ask the owner",),
)
def smtp_counts_as_the_second_version(w: World) -> Steps:
    w.allow(Condition={"StringEquals": {"ses:ApiVersion": "1"}})
    yield lambda: w.smtp(w.sender, {"X-SES-SOURCE-ARN": w.arn})
    w.allow()
    yield lambda: w.smtp(w.sender, {"X-SES-SOURCE-ARN": w.arn})
