"""Set-ups that stop a program before it sends: calls that send nothing, sessions, keys with somebody else's token."""

from typing import Any

from tests.story.misconfigured.world import MAY_SEND, Steps, World, case, document
from tests.support.process import Account


@case(
    seen="django-ses#85, #220: the back end asks for the quota first, IAM lists sends alone",
    code="SA206",
    says=("ses:GetSendQuota", "user/django"),
    mend=("ses:GetSendQuota", "user/django"),
)
def quota_is_asked_for_first(w: World) -> Steps:
    user = w.user("django", MAY_SEND)
    yield lambda: w.client("ses", user).get_send_quota()
    w.user_may("django", MAY_SEND, {"Effect": "Allow", "Action": "ses:GetSendQuota", "Resource": "*"})
    yield lambda: w.client("ses", user).get_send_quota()


@case(
    seen="etailors_amazon_ses: GetAccount of v2 at set-up",
    code="SA206",
    says=("ses:GetAccount",),
    mend=("ses:GetAccount",),
)
def account_is_asked_for_first(w: World) -> Steps:
    user = w.user("mautic", MAY_SEND)
    yield lambda: w.client("sesv2", user).get_account()
    w.user_may("mautic", MAY_SEND, {"Effect": "Allow", "Action": "ses:GetAccount", "Resource": "*"})
    yield lambda: w.client("sesv2", user).get_account()


@case(
    seen="aws-sdk-php#941: an installer verifies an address, and a Deny keeps its user from changing anything",
    code="SA208",
    says=("zqsender", "ses:VerifyEmailIdentity"),
    mend=("zqsender",),
)
def installer_that_may_change_nothing(w: World) -> Steps:
    everything = {"Effect": "Allow", "Action": "ses:*", "Resource": "*"}
    deny = {"Effect": "Deny", "Action": ["ses:Verify*", "ses:Delete*"], "Resource": "*"}
    user = w.user("installer", everything, deny)
    ses = w.client("ses", user)
    yield lambda: ses.verify_email_identity(EmailAddress="me@elsewhere.test")
    w.user_may("installer", everything)
    yield lambda: ses.verify_email_identity(EmailAddress="me@elsewhere.test")


@case(
    seen="a vendor's role asks for an external id, and the program sends none",
    code="SA209",
    says=("sts:ExternalId", "no sts:ExternalId"),
    mend=("ExternalId", "shop-42"),
)
def external_id_that_is_not_sent(w: World) -> Steps:
    arn, sts = _trusting(w, {"StringEquals": {"sts:ExternalId": "shop-42"}})
    yield lambda: sts.assume_role(RoleArn=arn, RoleSessionName="job")
    yield lambda: sts.assume_role(RoleArn=arn, RoleSessionName="job", ExternalId="shop-42")


@case(
    seen="the trust policy lets in from the office's range alone",
    code="SA209",
    says=("aws:SourceIp", "127.0.0.1"),
    mend=("condition of the trust policy",),
)
def trust_from_the_office_alone(w: World) -> Steps:
    arn, sts = _trusting(w, {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}})
    yield lambda: sts.assume_role(RoleArn=arn, RoleSessionName="job")
    _trust(w, {"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "127.0.0.1/32"]}})
    yield lambda: sts.assume_role(RoleArn=arn, RoleSessionName="job")


@case(
    seen="a Deny in the trust policy: one more Allow helps nothing",
    code="SA209",
    says=("denies",),
    mend=("change statement",),
)
def trust_with_a_deny(w: World) -> Steps:
    arn, sts = _trusting(w, {})
    trust = _statement(w, {})
    deny = trust | {"Effect": "Deny", "Condition": {"StringEquals": {"sts:RoleSessionName": "job"}}}
    iam = w.client("iam", w.sender)
    iam.update_assume_role_policy(RoleName="app", PolicyDocument=document(trust, deny))
    yield lambda: sts.assume_role(RoleArn=arn, RoleSessionName="job")
    iam.update_assume_role_policy(RoleName="app", PolicyDocument=document(trust))
    yield lambda: sts.assume_role(RoleArn=arn, RoleSessionName="job")


@case(
    seen="AWS_SESSION_TOKEN of an old log-in stands in the environment beside a user's new key",
    code="SA704",
    says=("token",),
    mend=("AWS_SESSION_TOKEN",),
)
def token_of_another_key(w: World) -> Steps:
    w.allow()
    user = w.user("cli", MAY_SEND)
    session = w.session(w.role("app"))
    mixed = Account(user.account_id, user.access_key_id, user.secret_access_key, session.session_token)
    yield lambda: w.simple(mixed)
    yield lambda: w.simple(user)


@case(
    seen="the role of a pod assumes the role of the root's scripts: a root may not",
    code="SA605",
    says=("root",),
    mend=("key of a user",),
)
def root_that_assumes_a_role(w: World) -> Steps:
    arn, sts = _trusting(w, {})
    yield lambda: w.client("sts", w.sender).assume_role(RoleArn=arn, RoleSessionName="job")
    yield lambda: sts.assume_role(RoleArn=arn, RoleSessionName="job")


def _statement(w: World, condition: dict[str, Any]) -> dict[str, Any]:
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{w.sender.account_id}:user/app-robot"},
        "Action": "sts:AssumeRole",
    }
    return trust | ({"Condition": condition} if condition else {})


def _trust(w: World, condition: dict[str, Any]) -> None:
    w.client("iam", w.sender).update_assume_role_policy(
        RoleName="app", PolicyDocument=document(_statement(w, condition))
    )


def _trusting(w: World, condition: dict[str, Any]) -> tuple[str, Any]:
    """A role, and a client of the robot that its trust policy lets in under a condition."""
    arn = w.role("app")
    _trust(w, condition)
    key = w.client("iam", w.sender).create_access_key(UserName="app-robot")["AccessKey"]
    robot = Account(w.sender.account_id, key["AccessKeyId"], key["SecretAccessKey"])
    return arn, w.client("sts", robot)
