"""Set-ups in which what a cause proposes is refused again: what stands behind it is said with it."""

import json
from typing import Any

from tests.story.misconfigured.envelopes import own_domain
from tests.story.misconfigured.guards import newest_mend
from tests.story.misconfigured.world import MAY_SEND, Steps, World, case


def _newest_statement(w: World, code: str) -> dict[str, Any]:
    [told] = json.loads(w.sesame.run("decisions", w.sender.account_id, "--limit", "1", "--json").stdout)
    found: dict[str, Any] = next(one["mend"]["statement"] for one in told["causes"] if one["code"] == code)
    return found


def _own_identities_only(w: World) -> dict[str, Any]:
    return MAY_SEND | {"Resource": f"arn:aws:ses:us-east-1:{w.sender.account_id}:identity/*"}


@case(
    seen="no ARN was named for what is lent, and IAM is for identities of one's own",
    code="SA101",
    says=("lends it to you",),
    mend=("name `{arn}` in SourceArn",),
    also=("SA205",),
)
def lent_and_not_in_iam(w: World) -> Steps:
    w.allow()
    user = w.user("app", _own_identities_only(w))
    yield lambda: w.simple(user, SourceArn=None)
    w.user_may("app", _own_identities_only(w), _newest_statement(w, "SA205"))
    yield lambda: w.simple(user, SourceArn=newest_mend(w, "sender")["value"])


@case(
    seen="the same for a session of a role, by the second version of the API",
    code="SA101",
    says=("lends it to you",),
    mend=("name `{arn}` in FromEmailAddressIdentityArn",),
    also=("SA205",),
)
def lent_and_not_in_the_roles_iam(w: World) -> Steps:
    w.allow()
    role = w.role("app", _own_identities_only(w))
    session = w.session(role)
    yield lambda: w.v2(session, FromEmailAddressIdentityArn=None)
    w.role_may("app", _own_identities_only(w), _newest_statement(w, "SA205"))
    yield lambda: w.v2(session, FromEmailAddressIdentityArn=newest_mend(w, "sender")["value"])


@case(
    seen="another account's number in the ARN, and IAM is for identities of one's own",
    code="SA201",
    says=("`{arn}` is lent to you",),
    mend=("name `{arn}` in SourceArn",),
    also=("SA205",),
)
def mistyped_number_and_not_in_iam(w: World) -> Steps:
    w.allow()
    user = w.user("app", _own_identities_only(w))
    yield lambda: w.simple(user, SourceArn=w.arn.replace(w.owner.account_id, "111122223333"))
    statement = _newest_statement(w, "SA205")
    assert statement["Resource"] == w.arn, "of the ARN that is meant, not of the one that was mistyped"
    w.user_may("app", _own_identities_only(w), statement)
    yield lambda: w.simple(user)


@case(
    seen="the ARN of another identity of the owner's, which lends another address of the right one",
    code="SA107",
    says=("account {owner} has one that does",),
    mend=("name `{arn}` in SourceArn",),
    also=("SA401",),
)
def wrong_arn_and_another_address(w: World) -> Steps:
    w.allow(Condition={"StringEquals": {"ses:FromAddress": f"boss@{w.domain}"}})
    other = f"other-{w.domain}"
    w.sesame.vouch(w.owner, other)
    yield lambda: w.simple(w.sender, SourceArn=w.arn.replace(w.domain, other))
    w.allow()
    yield lambda: w.simple(w.sender)


@case(
    seen="no ARN was named, and the owner lends another address",
    code="SA101",
    says=("does not let this message through",),
    mend=("name `{arn}` in SourceArn",),
    also=("SA401",),
)
def no_arn_and_another_address(w: World) -> Steps:
    w.allow(Condition={"StringEquals": {"ses:FromAddress": f"boss@{w.domain}"}})
    yield lambda: w.simple(w.sender, SourceArn=None)
    yield lambda: w.simple(w.sender, Source=f"boss@{w.domain}")


@case(
    seen="verified in another region than is called, and IAM is for the one that is",
    code="SA105",
    says=("is registered in eu-west-1",),
    mend=("call region eu-west-1",),
    also=("SA401",),
)
def another_region_that_iam_is_not_for(w: World) -> Steps:
    domain = f"far-{w.domain}"
    w.sesame.vouch(w.sender, domain, "eu-west-1")
    only = MAY_SEND | {"Condition": {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}}
    user = w.user("app", only)
    mail: dict[str, Any] = {"SourceArn": None, "Source": f"me@{domain}"}
    yield lambda: w.simple(user, **mail)
    both = {"StringEquals": {"aws:RequestedRegion": ["us-east-1", "eu-west-1"]}}
    w.user_may("app", MAY_SEND | {"Condition": both})
    yield lambda: w.simple(user, region="eu-west-1", **mail)


@case(
    seen="FromEmailAddressIdentityArn and FeedbackForwardingEmailAddressIdentityArn mixed up",
    code="SA107",
    says=("which is for the return path, `bounces@own-{domain}`; it covers From",),
    mend=("name it in FromEmailAddressIdentityArn in place of",),
)
def arn_of_from_named_for_the_return_path(w: World) -> Steps:
    w.allow()
    mail: dict[str, Any] = {
        "FeedbackForwardingEmailAddress": f"bounces@{own_domain(w)}",
        "FromEmailAddressIdentityArn": None,
    }
    yield lambda: w.v2(w.sender, FeedbackForwardingEmailAddressIdentityArn=w.arn, **mail)
    mend = newest_mend(w, "sender")
    yield lambda: w.v2(w.sender, **mail | {mend["parameter"]: mend["value"]})
