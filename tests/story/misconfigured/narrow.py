"""Set-ups whose nearest mend would let others in as well: what is said lets this message through, and no more."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sesame.policy.reasons.edits import edited
from tests.story.misconfigured.world import OWNER_CANARY, Steps, World, case, document


def put(w: World, *statements: Mapping[str, Any]) -> str:
    """The owner's policy of these statements; its text."""
    text = document(*statements)
    store(w, text)
    return text


def store(w: World, text: str) -> None:
    w.client("ses", w.owner).put_identity_policy(Identity=w.domain, PolicyName=OWNER_CANARY, Policy=text)


def newest(w: World) -> dict[str, Any]:
    """The mend that the owner was told last."""
    told = json.loads(w.sesame.run("decisions", w.owner.account_id, "--limit", "1", "--json").stdout)
    mend: dict[str, Any] = told[0]["causes"][0]["mend"]
    return mend


def changed(w: World, text: str, add: Sequence[str] = ()) -> None:
    """Do what the owner was told; `add` is what the sender says when it is asked."""
    mend = newest(w)
    changes = [
        change | {"add": list(add)} if change.get("add", ()) is None else change for change in mend["changes"]
    ]
    store(w, edited(text, mend["statement"], changes))


@case(
    seen="SES developer guide, restricting the display name; the mail has none",
    code="SA401",
    reader="owner",
    says=("no ses:FromDisplayName", "`Marketing*`"),
    mend=("StringLikeIfExists", "or the sender sends a display name in From: `Marketing*`"),
)
def display_name_is_left_out(w: World) -> Steps:
    text = put(w, w.statement(Condition={"StringLike": {"ses:FromDisplayName": "Marketing*"}}))
    yield lambda: w.simple(w.sender)
    changed(w, text)
    assert w.refusal(lambda: w.simple(w.sender, Source=f"Boss <news@{w.domain}>")).text != "accepted"
    yield lambda: w.simple(w.sender)


@case(
    seen="SES developer guide, ForAllValues on ses:Recipients; an archive in Bcc",
    code="SA401",
    reader="owner",
    says=("ses:Recipients is not shown", "`*@partner.test`"),
    mend=(
        "add the recipient that does not match, which the sender can name",
        "no recipients but `*@partner.test`",
    ),
)
def recipient_outside_the_list(w: World) -> Steps:
    one = {"ForAllValues:StringLike": {"ses:Recipients": ["*@partner.test"]}}
    text = put(w, w.statement(Condition=one))
    yield lambda: w.simple(w.sender)
    changed(w, text, ["you@elsewhere.test"])
    other = {"ToAddresses": ["another@elsewhere.test"]}
    assert w.refusal(lambda: w.simple(w.sender, Destination=other)).text != "accepted"
    yield lambda: w.simple(w.sender)


@case(
    seen="ForAnyValue on ses:Recipients: an audit address that is not among them",
    code="SA401",
    reader="owner",
    says=("any of ses:Recipients",),
    mend=("which the sender can name", "ForAnyValue:StringEquals"),
)
def audit_address_left_out(w: World) -> Steps:
    one = {"ForAnyValue:StringEquals": {"ses:Recipients": f"audit@{w.domain}"}}
    text = put(w, w.statement(Condition=one))
    yield lambda: w.simple(w.sender)
    changed(w, text, ["you@elsewhere.test"])
    yield lambda: w.simple(w.sender)


@case(
    seen="a Deny for everybody on the whole domain beside an Allow for one account",
    code="SA208",
    reader="owner",
    says=("statement `all`", "denies it to the root of account {sender}"),
    mend=("exempt `arn:aws:iam::{sender}:root`",),
)
def deny_for_everybody(w: World) -> Steps:
    deny = w.statement(Sid="all", Effect="Deny", Principal="*", Action="ses:SendRawEmail")
    text = put(w, w.statement(), deny)
    yield lambda: w.raw(w.sender)
    changed(w, text)
    yield lambda: w.raw(w.sender)


@case(
    seen="awsdocs/amazon-ses-developer-guide#13: the address is an identity too, and denies everybody",
    code="SA208",
    reader="owner",
    says=("identity/ceo@{domain}",),
    mend=("of `arn:aws:ses:us-east-1:{owner}:identity/ceo@{domain}`", "exempt `arn:aws:iam::{sender}:root`"),
)
def address_of_the_domain_denies(w: World) -> Steps:
    w.allow()
    name = f"ceo@{w.domain}"
    arn = w.arn.replace(w.domain, name)
    w.client("ses", w.owner).verify_email_identity(EmailAddress=name)
    w.allow(Effect="Deny", Principal="*", Action="ses:*", Resource=arn)
    yield lambda: w.simple(w.sender, Source=name)
    mend = newest(w)
    assert mend["identity_arn"] == arn
    ses = w.client("ses", w.owner)
    [text] = ses.get_identity_policies(Identity=name, PolicyNames=[mend["policy"]])["Policies"].values()
    after = edited(text, mend["statement"], mend["changes"])
    ses.put_identity_policy(Identity=name, PolicyName=mend["policy"], Policy=after)
    yield lambda: w.simple(w.sender, Source=name)


@case(
    seen="a Deny of two contractors, of whom one has come back",
    code="SA208",
    reader="owner",
    says=("denies it to the user `arn:aws:iam::{sender}:user/one`",),
    mend=("exempt `arn:aws:iam::{sender}:user/one`",),
)
def deny_of_two_users(w: World) -> Steps:
    may = {"Effect": "Allow", "Action": "ses:*", "Resource": "*"}
    one, two = w.user("one", may), w.user("two", may)
    named = {"AWS": [f"arn:aws:iam::{w.sender.account_id}:user/{name}" for name in ("one", "two")]}
    text = put(w, w.statement(), w.statement(Sid="two", Effect="Deny", Principal=named))
    yield lambda: w.v2(one)
    changed(w, text)
    assert w.refusal(lambda: w.v2(two)).text != "accepted"
    yield lambda: w.v2(one)


@case(
    seen="the domain denies the account that its address lends to",
    code="SA208",
    reader="owner",
    says=("denies it to the root of account {sender}", "identity/user@{domain}` lets it in"),
    mend=("the sender names `arn:aws:ses:us-east-1:{owner}:identity/user@{domain}` in SourceArn",),
)
def domain_denies_what_its_address_lends(w: World) -> Steps:
    name = f"user@{w.domain}"
    arn = w.arn.replace(w.domain, name)

    w.allow(Effect="Deny", Action="ses:Send*")
    w.sesame.vouch(w.owner, name)
    w.allow(Resource=arn)
    yield lambda: w.simple(w.sender, Source=name)
    yield lambda: w.simple(w.sender, Source=name, SourceArn=arn)
