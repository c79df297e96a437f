"""Set-ups in which what keeps the mail out is well meant: the sender meets it, or a statement for this mail alone.

Dropping the condition, or exempting the sender from a guard, would let in more than was asked for.
"""

import datetime
import json
import time
from typing import Any

from tests.story.misconfigured.guards import newest_mend
from tests.story.misconfigured.world import (
    MAY_SEND,
    OWNER_CANARY,
    SENDER_CANARY,
    Steps,
    World,
    case,
    document,
)
from tests.support.process import Account


def put_beside(w: World, mend: dict[str, Any]) -> None:
    """The statement that the owner was told of, in a policy of its own."""
    assert mend["how"] == "put-identity-policy", mend
    w.client("ses", w.owner).put_identity_policy(
        Identity=w.domain, PolicyName="beside", Policy=document(mend["statement"])
    )


def named(w: World) -> dict[str, str]:
    return {"From": f"Site <news@{w.domain}>"}


@case(
    seen="a Null on ses:FromDisplayName, and Django sends a display name",
    code="SA401",
    reader="owner",
    says=("ses:FromDisplayName absent", "`Site`"),
    mend=(
        "the sender leaves the display name out of From; or, to allow it, keep the condition",
        '"ses:FromDisplayName":"Site"',
    ),
)
def no_display_name_is_wanted(w: World) -> Steps:
    w.allow(Condition={"Null": {"ses:FromDisplayName": "true"}})
    yield lambda: w.raw(w.sender, named(w))
    put_beside(w, newest_mend(w, "owner"))
    assert w.refusal(lambda: w.raw(w.sender, {"From": f"Boss <news@{w.domain}>"})).text != "accepted"
    assert w.refusal(lambda: w.raw(w.sender, {"From": f"Site <ceo@{w.domain}>"})).text != "accepted"
    yield lambda: w.raw(w.sender, named(w))


@case(
    seen="a Null on ses:FromDisplayName, as the sender reads it",
    code="SA401",
    says=("ses:FromDisplayName", "`Site`"),
    mend=("leave the display name out of From, or ask the owner, account {owner}",),
)
def no_display_name_is_wanted_as_the_sender_reads_it(w: World) -> Steps:
    w.allow(Condition={"Null": {"ses:FromDisplayName": "true"}})
    yield lambda: w.smtp(w.sender, {"X-SES-SOURCE-ARN": w.arn} | named(w))
    yield lambda: w.smtp(w.sender, {"X-SES-SOURCE-ARN": w.arn, "From": f"news@{w.domain}"})


def _sends_to_one_tag(w: World) -> tuple[Account, Account]:
    """Two users of the sender's, neither of whom has the tag that the owner asks for."""
    w.allow(Condition={"StringEquals": {"aws:PrincipalTag/dept": "mail"}})
    return w.user("app", MAY_SEND), w.user("other", MAY_SEND)


@case(
    seen="the owner asks for a tag of the sender's user: its account tags it",
    code="SA401",
    reader="owner",
    says=("aws:PrincipalTag/dept",),
    mend=(
        "gives the user `arn:aws:iam::{sender}:user/app` the tag `dept` with `mail`; or, to allow it",
        '"AWS":"arn:aws:iam::{sender}:user/app"',
    ),
)
def tag_of_the_senders_user(w: World) -> Steps:
    app, _ = _sends_to_one_tag(w)
    yield lambda: w.simple(app)
    w.client("iam", w.sender).tag_user(UserName="app", Tags=[{"Key": "dept", "Value": "mail"}])
    yield lambda: w.simple(app)


@case(
    seen="the owner asks for a tag of the sender's user, and lets this one in without",
    code="SA401",
    reader="owner",
    says=("aws:PrincipalTag/dept",),
    mend=('"ses:FromAddress":"news@{domain}"',),
)
def tag_that_one_user_need_not_have(w: World) -> Steps:
    app, other = _sends_to_one_tag(w)
    yield lambda: w.simple(app)
    put_beside(w, newest_mend(w, "owner"))
    assert w.refusal(lambda: w.simple(other)).text != "accepted"
    yield lambda: w.simple(app)


@case(
    seen="IAM user guide, revoking sessions: AWSRevokeOlderSessions, and the program keeps its old one",
    code="SA208",
    says=("aws:TokenIssueTime",),
    mend=("assumes `arn:aws:iam::{sender}:role/fn` anew",),
)
def session_that_was_revoked(w: World) -> Steps:
    w.allow()
    role = w.role("fn")
    old = w.session(role)
    w.client("iam", w.sender).put_role_policy(
        RoleName="fn",
        PolicyName=SENDER_CANARY + "revoked",
        PolicyDocument=document(_older_than(_now(w, old))),
    )
    yield lambda: w.simple(old)
    mend = newest_mend(w, "sender")
    assert mend["how"] == "new-key" and "exempt" not in json.dumps(mend)
    new = w.session(role)
    yield lambda: w.simple(new)


def _older_than(moment: str) -> dict[str, Any]:
    guard = {"DateLessThan": {"aws:TokenIssueTime": moment}}
    return {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": guard}


@case(
    seen="the owner revokes sessions that are older than an incident",
    code="SA208",
    reader="owner",
    says=("aws:TokenIssueTime",),
    mend=("the sender assumes",),
)
def session_that_the_owner_revoked(w: World) -> Steps:
    w.allow()
    role = w.role("fn")
    old = w.session(role)
    guard = {"DateLessThan": {"aws:TokenIssueTime": _now(w, old)}}
    w.allow(name="revoked", Effect="Deny", Principal="*", Action="ses:*", Condition=guard)
    yield lambda: w.simple(old)
    assert OWNER_CANARY not in json.dumps(newest_mend(w, "sender"))
    new = w.session(role)
    yield lambda: w.simple(new)


def _now(w: World, who: Account) -> str:
    """The beginning of the next second, once it has come: all that was issued till then is older."""
    began = int(time.time())
    sts = w.client("sts", who)
    while int(time.time()) == began:
        sts.get_caller_identity()
    return datetime.datetime.fromtimestamp(began + 1, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@case(
    seen="the Resource of an IAM policy is an address, and the domain alone is verified",
    code="SA205",
    says=("which is an address: the identity used is the domain",),
    mend=('"ses:FromAddress":"news@{domain}"',),
)
def resource_is_an_address_of_the_domain(w: World) -> Steps:
    address = w.arn.replace("identity/", "identity/news@")
    may = {"Effect": "Allow", "Action": "ses:*", "Resource": address}
    w.allow()
    app = w.user("app", may | {"Condition": {"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}})
    yield lambda: w.simple(app)
    mend = newest_mend(w, "sender")
    assert mend["statement"]["Condition"]["IpAddress"] == {"aws:SourceIp": ["127.0.0.0/8"]}
    w.user_may("app", mend["statement"])
    assert w.refusal(lambda: w.simple(app, Source=f"ceo@{w.domain}")).text != "accepted"
    yield lambda: w.simple(app)


@case(
    seen="the Resource is all addresses of the domain, which is what is verified",
    code="SA205",
    says=("which is an address: the identity used is the domain",),
    mend=('"ses:FromAddress":"news@{domain}"',),
)
def resource_is_addresses_of_the_domain(w: World) -> Steps:
    w.allow()
    app = w.user(
        "app", {"Effect": "Allow", "Action": "ses:*", "Resource": w.arn.replace("identity/", "identity/*@")}
    )
    yield lambda: w.simple(app)
    w.user_may("app", newest_mend(w, "sender")["statement"])
    yield lambda: w.simple(app)


@case(
    seen="the owner keeps out whoever has a tag (Null), as the sender reads it",
    code="SA401",
    says=("aws:PrincipalTag/contractor", "which this request carries"),
    mend=("ask the owner, account {owner}", "take the tag `contractor` off"),
    owner="SA401",
)
def no_tag_is_wanted(w: World) -> Steps:
    w.allow(Condition={"Null": {"aws:PrincipalTag/contractor": "true"}})
    user, iam = w.user("ann", MAY_SEND), w.client("iam", w.sender)
    iam.tag_user(UserName="ann", Tags=[{"Key": "contractor", "Value": "yes"}])
    yield lambda: w.simple(user)
    iam.untag_user(UserName="ann", TagKeys=["contractor"])
    yield lambda: w.simple(user)


@case(
    seen="the same by a Deny, as the owner reads it: who is kept out goes on being so",
    code="SA208",
    reader="owner",
    says=("aws:PrincipalTag/contractor",),
    mend=("the sender's account takes the tag `contractor` off; or, to allow it, change",),
)
def tag_is_denied(w: World) -> Steps:
    w.allow()
    w.allow(name="no", Effect="Deny", Condition={"Null": {"aws:PrincipalTag/contractor": "false"}})
    user, iam = w.user("ann", MAY_SEND), w.client("iam", w.sender)
    iam.tag_user(UserName="ann", Tags=[{"Key": "contractor", "Value": "yes"}])
    yield lambda: w.simple(user)
    iam.untag_user(UserName="ann", TagKeys=["contractor"])
    yield lambda: w.simple(user)
