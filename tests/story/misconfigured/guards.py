"""Set-ups with guards that keep out too much, and conditions on what such a request never carries.

The mend is made as a program would make it: the edit that the cause proposes, on the text of the policy.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

from sesame.policy.reasons.edits import edited
from tests.story.misconfigured.world import MAY_SEND, SENDER_CANARY, Steps, World, case
from tests.support.process import Account

Send = Callable[[], Any]


def newest_mend(w: World, reader: str) -> dict[str, Any]:
    """The mend of the newest refusal's first cause, as data."""
    [newest] = json.loads(w.sesame.run("decisions", w.account_of(reader), "--limit", "1", "--json").stdout)
    found: dict[str, Any] = newest["causes"][0]["mend"]
    return found


def changed_by_owner(w: World, send: Send) -> Iterator[Send]:
    """Refused; then the owner makes the proposed edit, and no other."""
    yield send
    mend = newest_mend(w, "owner")
    assert mend["how"] == "change-statement", mend
    ses = w.client("ses", w.owner)
    kept = ses.get_identity_policies(Identity=w.domain, PolicyNames=[mend["policy"]])["Policies"]
    after = edited(kept[mend["policy"]], mend["statement"], mend["changes"])
    assert after, "the whole statement was to go"
    ses.put_identity_policy(Identity=w.domain, PolicyName=mend["policy"], Policy=after)
    yield send


def changed_by_sender(w: World, send: Send, user: str = "app") -> Iterator[Send]:
    """Refused; then the sender makes the proposed edit of its IAM policy, and no other."""
    yield send
    mend = newest_mend(w, "sender")
    assert mend["how"] == "change-statement", mend
    iam = w.client("iam", w.sender)
    kept = iam.get_user_policy(UserName=user, PolicyName=mend["policy"])["PolicyDocument"]
    after = edited(json.dumps(kept), mend["statement"], mend["changes"])
    assert len(json.loads(after)["Statement"]) == len(kept["Statement"]), "a guard was to go"
    iam.put_user_policy(UserName=user, PolicyName=mend["policy"], PolicyDocument=after)
    yield send


def guard(w: World, **elements: Any) -> None:
    """A Deny of the owner's for everybody, beside what lets the sender in."""
    w.allow()
    w.allow(name="guard", **{"Effect": "Deny", "Principal": "*", "Action": "ses:*"} | elements)


def guarded(w: World, **elements: Any) -> Account:
    """A user who may send, but for a Deny of its own account's."""
    w.allow()
    return w.user("app", MAY_SEND, {"Effect": "Deny", "Action": "*", "Resource": "*"} | elements)


# Keys that such a request never carries: the mend names one that it does.


@case(
    seen="everybody of our organization (aws:PrincipalOrgID beside Principal *)",
    code="SA401",
    reader="owner",
    says=("no request here carries aws:PrincipalOrgID",),
    mend=("aws:PrincipalAccount", "{sender}", "in place of"),
)
def organization_of_everybody(w: World) -> Steps:
    w.allow(Principal="*", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}})
    yield from changed_by_owner(w, lambda: w.simple(w.sender))


@case(
    seen="organization paths under ForAnyValue",
    code="SA401",
    reader="owner",
    says=("aws:PrincipalOrgPaths",),
    mend=("aws:PrincipalAccount", "{sender}"),
)
def organization_paths(w: World) -> Steps:
    wanted = {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-a1b2c3d4e5/*"}}
    w.allow(Principal="*", Condition=wanted)
    yield from changed_by_owner(w, lambda: w.simple(w.sender))


@case(
    seen="only through our VPC endpoint (aws:SourceVpce)",
    code="SA401",
    reader="owner",
    says=("no request here carries aws:SourceVpce",),
    mend=("aws:SourceIp", "127.0.0.1/32"),
)
def vpc_endpoint(w: World) -> Steps:
    w.allow(Condition={"StringEquals": {"aws:SourceVpce": "vpce-0a1b2c3d"}})
    yield from changed_by_owner(w, lambda: w.simple(w.sender))


@case(
    seen="aws:username where a role sends",
    code="SA401",
    reader="owner",
    says=("aws:username", "a role's session"),
    mend=("aws:PrincipalArn", "role/mailer", "in place of"),
)
def user_name_of_a_role(w: World) -> Steps:
    role = w.role("mailer")
    w.allow(Principal={"AWS": role}, Condition={"StringEquals": {"aws:username": "mailer"}})
    session = w.session(role)
    yield from changed_by_owner(w, lambda: w.simple(session))


@case(
    seen="aws:SourceAccount, as in the example for Cognito, for a user",
    code="SA401",
    reader="owner",
    says=("aws:SourceAccount", "only a service"),
    mend=("aws:PrincipalAccount", "{sender}"),
)
def source_account_of_a_user(w: World) -> Steps:
    w.allow(Condition={"StringEquals": {"aws:SourceAccount": w.sender.account_id}})
    yield from changed_by_owner(w, lambda: w.simple(w.sender))


@case(
    seen="aws:SourceArn with the ARN of the Lambda function, which sends as its role",
    code="SA401",
    reader="owner",
    says=("aws:SourceArn", "only a service"),
    mend=("aws:PrincipalArn", "role/function"),
)
def source_arn_of_a_role(w: World) -> Steps:
    function = f"arn:aws:lambda:us-east-1:{w.sender.account_id}:function:news"
    w.allow(Condition={"ArnLike": {"aws:SourceArn": function}})
    session = w.session(w.role("function"))
    yield from changed_by_owner(w, lambda: w.simple(session))


@case(
    seen="a condition that nobody's keys meet, beside Principal *: without it everybody might send",
    code="SA401",
    reader="owner",
    says=("aws:MultiFactorAuthPresent",),
    mend=("statement", '"AWS":"arn:aws:iam::{sender}:user/app"'),
)
def second_factor_of_everybody(w: World) -> Steps:
    w.allow(Principal="*", Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}})
    user = w.user("app", MAY_SEND)
    yield lambda: w.simple(user)
    mend = newest_mend(w, "owner")
    assert mend["how"] == "put-identity-policy", mend
    w.client("ses", w.owner).put_identity_policy(
        Identity=w.domain,
        PolicyName="more",
        Policy=json.dumps({"Version": "2012-10-17", "Statement": mend["statement"]}),
    )
    yield lambda: w.simple(user)


# What the sender can do about a condition of the owner's.


@case(
    seen="the tag has another value: News",
    code="SA401",
    reader="owner",
    says=("aws:PrincipalTag/team", "not shown"),
    mend=("the tag `team`", "`news`"),
)
def tag_of_another_value(w: World) -> Steps:
    w.allow(Condition={"StringEquals": {"aws:PrincipalTag/team": "news"}})
    user = w.user("app", MAY_SEND)
    iam = w.client("iam", w.sender)
    iam.tag_user(UserName="app", Tags=[{"Key": "team", "Value": "weekly"}])
    yield lambda: w.simple(user)
    iam.tag_user(UserName="app", Tags=[{"Key": "team", "Value": "news"}])
    yield lambda: w.simple(user)


@case(
    seen="bounces shall go to bounces@, and the program names no return path",
    code="SA401",
    reader="owner",
    says=("ses:FeedbackAddress", "news@{domain}"),
    mend=("return path", "`bounces@{domain}`"),
)
def no_return_path(w: World) -> Steps:
    w.allow(Condition={"StringEquals": {"ses:FeedbackAddress": f"bounces@{w.domain}"}})
    yield lambda: w.simple(w.sender)
    yield lambda: w.simple(w.sender, ReturnPath=f"bounces@{w.domain}")


@case(
    seen="the display name is another one",
    code="SA401",
    reader="owner",
    says=("ses:FromDisplayName", "`Acme`"),
    mend=("a display name in From", "`Acme News`"),
)
def display_name_of_another_program(w: World) -> Steps:
    w.allow(Condition={"StringEquals": {"ses:FromDisplayName": "Acme News"}})
    yield lambda: w.simple(w.sender, Source=f"Acme <news@{w.domain}>")
    yield lambda: w.simple(w.sender, Source=f"Acme News <news@{w.domain}>")


@case(
    seen="ses:ApiVersion 2, and the SDK's client is `ses`",
    code="SA401",
    reader="owner",
    says=("ses:ApiVersion", "`1`"),
    mend=("the sender", "version `2`"),
)
def other_version_of_the_api(w: World) -> Steps:
    w.allow(Condition={"StringEquals": {"ses:ApiVersion": "2"}})
    yield lambda: w.simple(w.sender)
    yield lambda: w.v2(w.sender)


@case(
    seen="recipients in capitals",
    code="SA401",
    reader="owner",
    says=("not shown", "capitals"),
    mend=("recipients", "`*@corp.test`"),
)
def recipients_in_capitals(w: World) -> Steps:
    w.allow(Condition={"ForAllValues:StringLike": {"ses:Recipients": "*@corp.test"}})
    yield lambda: w.simple(w.sender, Destination={"ToAddresses": ["Ann@Corp.Test"]})
    yield lambda: w.simple(w.sender, Destination={"ToAddresses": ["Ann@corp.test"]})


@case(
    seen="one recipient in capitals, under equality",
    code="SA401",
    reader="owner",
    says=("not shown", "capitals"),
    mend=("StringEqualsIgnoreCase",),
)
def recipient_in_capitals_under_equality(w: World) -> Steps:
    w.allow(Condition={"ForAllValues:StringEquals": {"ses:Recipients": ["ann@corp.test", "bob@corp.test"]}})
    to = {"ToAddresses": ["Ann@Corp.test", "bob@corp.test"]}
    yield from changed_by_owner(w, lambda: w.simple(w.sender, Destination=to))


# Time in milliseconds.


@case(
    seen="aws:EpochTime in milliseconds, as JavaScript has it",
    code="SA402",
    reader="owner",
    says=("aws:EpochTime", "milliseconds"),
    mend=("`1735689600`", "in place of"),
)
def epoch_in_milliseconds(w: World) -> Steps:
    w.allow(Condition={"NumericGreaterThan": {"aws:EpochTime": "1735689600000"}})
    yield from changed_by_owner(w, lambda: w.simple(w.sender))


@case(
    seen="the same in the sender's IAM policy",
    code="SA402",
    says=(SENDER_CANARY, "aws:EpochTime", "milliseconds"),
    mend=("`1735689600`",),
)
def epoch_in_milliseconds_in_iam(w: World) -> Steps:
    w.allow()
    since = {"NumericGreaterThanEquals": {"aws:EpochTime": "1735689600000"}}
    user = w.user("app", MAY_SEND | {"Condition": since})
    yield from changed_by_sender(w, lambda: w.simple(user))


# Guards: Denies that hit what was meant to go out.


@case(
    seen="an IAM guard against requests without TLS, and the endpoint is http://",
    code="SA208",
    says=(SENDER_CANARY, "aws:SecureTransport"),
    mend=("https://",),
)
def own_guard_against_plain_http(w: World) -> Steps:
    user = guarded(w, Condition={"Bool": {"aws:SecureTransport": "false"}})
    yield lambda: w.simple(user)
    assert newest_mend(w, "sender")["parameter"] == "endpoint"
    yield lambda: w.smtp(user, {"X-SES-SOURCE-ARN": w.arn})


@case(
    seen="the owner's guard against requests without TLS",
    code="SA208",
    says=("the owner's side", "aws:SecureTransport"),
    mend=("https://",),
)
def owners_guard_against_plain_http(w: World) -> Steps:
    guard(w, Condition={"Bool": {"aws:SecureTransport": "false"}})
    yield lambda: w.simple(w.sender)
    assert newest_mend(w, "sender")["parameter"] == "endpoint"
    yield lambda: w.smtp(w.sender, {"X-SES-SOURCE-ARN": w.arn})


@case(
    seen="a region lock as in an SCP: nothing outside eu-west-1",
    code="SA208",
    says=("aws:RequestedRegion", "us-east-1"),
    mend=("add `us-east-1` to StringNotEquals aws:RequestedRegion",),
)
def region_lock(w: World) -> Steps:
    user = guarded(w, Condition={"StringNotEquals": {"aws:RequestedRegion": ["eu-west-1"]}})
    yield from changed_by_sender(w, lambda: w.simple(user))


@case(
    seen="Deny with NotAction: nothing but SendEmail; SMTP is SendRawEmail",
    code="SA208",
    says=("ses:SendRawEmail", "NotAction"),
    mend=("add `ses:SendRawEmail` to its NotAction",),
)
def deny_of_other_actions(w: World) -> Steps:
    w.allow()
    user = w.user("app", MAY_SEND, {"Effect": "Deny", "NotAction": ["ses:SendEmail"], "Resource": "*"})
    yield from changed_by_sender(w, lambda: w.smtp(user, {"X-SES-SOURCE-ARN": w.arn}))


@case(
    seen="Deny with NotResource: nothing but the own identities",
    code="SA208",
    says=("{arn}", "NotResource"),
    mend=("add `{arn}` to its NotResource",),
)
def deny_of_other_resources(w: World) -> Steps:
    w.allow()
    own = f"arn:aws:ses:*:{w.sender.account_id}:identity/*"
    user = w.user("app", MAY_SEND, {"Effect": "Deny", "Action": "ses:*", "NotResource": own})
    yield from changed_by_sender(w, lambda: w.simple(user))


@case(
    seen="a lock for everybody but one role of the delegate's: the owner's own guard is too narrow",
    code="SA208",
    reader="owner",
    says=("aws:PrincipalArn", "user/app"),
    mend=("add `arn:aws:iam::{sender}:user/app`", "ArnNotEquals aws:PrincipalArn"),
)
def lock_by_principal(w: World) -> Steps:
    role = f"arn:aws:iam::{w.sender.account_id}:role/mailer"
    guard(w, Condition={"ArnNotEquals": {"aws:PrincipalArn": role}})
    user = w.user("app", MAY_SEND)
    yield from changed_by_owner(w, lambda: w.simple(user))


@case(
    seen="a lock by account: the delegate's number has a slip",
    code="SA208",
    reader="owner",
    says=("aws:PrincipalAccount", "{sender}"),
    mend=("add `{sender}` to StringNotEquals aws:PrincipalAccount",),
)
def lock_by_account(w: World) -> Steps:
    guard(w, Condition={"StringNotEquals": {"aws:PrincipalAccount": w.owner.account_id}})
    yield from changed_by_owner(w, lambda: w.simple(w.sender))


@case(
    seen="a lock by address range",
    code="SA208",
    reader="owner",
    says=("aws:SourceIp", "127.0.0.1"),
    mend=("add `127.0.0.1/32` to NotIpAddress aws:SourceIp",),
)
def lock_by_address(w: World) -> Steps:
    guard(w, Condition={"NotIpAddress": {"aws:SourceIp": ["198.51.100.0/24", "203.0.113.0/24"]}})
    yield from changed_by_owner(w, lambda: w.simple(w.sender))


@case(
    seen="no long-term keys (Null on aws:TokenIssueTime), and a user sends",
    code="SA208",
    says=("aws:TokenIssueTime", "does not carry"),
    mend=("a session of a role",),
)
def no_long_term_keys(w: World) -> Steps:
    guard(w, Condition={"Null": {"aws:TokenIssueTime": "true"}})
    user = w.user("app", MAY_SEND)
    yield lambda: w.simple(user)
    session = w.session(w.role("mailer"))
    yield lambda: w.simple(session)


@case(
    seen="the same, read by the owner",
    code="SA208",
    reader="owner",
    says=("aws:TokenIssueTime",),
    mend=("a session of a role",),
)
def no_long_term_keys_to_the_owner(w: World) -> Steps:
    yield from no_long_term_keys(w)


@case(
    seen="a guard on recipients, and one Bcc is outside",
    code="SA208",
    says=("ses:Recipients `archive@vault.test`",),
    mend=("{owner}",),
)
def one_recipient_outside(w: World) -> Steps:
    guard(w, Condition={"ForAnyValue:StringNotLike": {"ses:Recipients": "*@corp.test"}})
    inside = {"ToAddresses": ["a@corp.test", "b@corp.test"]}
    yield lambda: w.simple(w.sender, Destination=inside | {"BccAddresses": ["archive@vault.test"]})
    yield lambda: w.simple(w.sender, Destination=inside)


@case(
    seen="the same, read by the owner",
    code="SA208",
    reader="owner",
    says=("ses:Recipients", "not shown"),
    mend=("recipients", "`*@corp.test`"),
)
def one_recipient_outside_to_the_owner(w: World) -> Steps:
    yield from one_recipient_outside(w)


@case(
    seen="AWS's sample: nothing without a second factor, but to set one up; the program has a key",
    code="SA208",
    says=("aws:MultiFactorAuthPresent", "no second factor"),
    mend=("add `ses:SendEmail` to its NotAction",),
)
def guard_by_a_second_factor(w: World) -> Steps:
    w.allow()
    without = {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}
    listed = ["iam:EnableMFADevice", "iam:ListMFADevices", "sts:GetSessionToken"]
    deny = {"Effect": "Deny", "NotAction": listed, "Resource": "*", "Condition": without}
    user = w.user("app", MAY_SEND, deny)
    yield from changed_by_sender(w, lambda: w.simple(user))


@case(
    seen="the same as a guard of the owner's",
    code="SA208",
    reader="owner",
    says=("aws:MultiFactorAuthPresent", "no second factor"),
    mend=("exempt `arn:aws:iam::{sender}:user/app`", "ArnNotEquals"),
)
def owners_guard_by_a_second_factor(w: World) -> Steps:
    guard(w, Condition={"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}})
    user = w.user("app", MAY_SEND)
    yield from changed_by_owner(w, lambda: w.simple(user))


@case(
    seen="a data perimeter: nobody from outside of the organization",
    code="SA208",
    reader="owner",
    says=("no request here carries aws:PrincipalOrgID",),
    mend=("StringNotEquals aws:PrincipalAccount `{sender}`", "in place of"),
)
def perimeter_of_an_organization(w: World) -> Steps:
    guard(w, Condition={"StringNotEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}})
    yield from changed_by_owner(w, lambda: w.simple(w.sender))
