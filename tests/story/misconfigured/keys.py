"""Set-ups that fail at the door: passwords, keys, regions to sign for, roles that are not opened."""

import base64
import hashlib
import hmac
from typing import Any
from urllib.parse import quote

from tests.story.misconfigured.world import MAY_SEND, Steps, World, case, document, smtp_password
from tests.support.process import Account


@case(
    seen="terraform-provider-aws#10903: the password is derived by the old algorithm (version 2)",
    code="SA701",
    says=("password",),
    mend=("smtp credentials {sender}",),
)
def password_of_the_old_algorithm(w: World) -> Steps:
    w.allow()
    user = w.user("mta", MAY_SEND)
    old = hmac.new(user.secret_access_key.encode(), b"SendRawEmail", hashlib.sha256).digest()
    fields = {"X-SES-SOURCE-ARN": w.arn}
    yield lambda: w.smtp(user, fields, password=base64.b64encode(b"\x02" + old).decode())
    yield lambda: w.smtp(user, fields)


@case(
    seen="listmonk#2076: the password of the console",
    code="SA701",
    says=("password",),
    mend=("smtp credentials {sender}",),
)
def password_of_the_console(w: World) -> Steps:
    w.allow()
    user = w.user("listmonk", MAY_SEND)
    fields = {"X-SES-SOURCE-ARN": w.arn}
    yield lambda: w.smtp(user, fields, password="correct horse battery")
    yield lambda: w.smtp(user, fields)


@case(
    seen="fleet#9609's neighbour: password and user name are of two users",
    code="SA701",
    says=("password",),
    mend=("smtp credentials {sender}",),
)
def password_of_another_user(w: World) -> Steps:
    w.allow()
    user, other = w.user("fleet", MAY_SEND), w.user("other", MAY_SEND)
    fields = {"X-SES-SOURCE-ARN": w.arn}
    yield lambda: w.smtp(user, fields, password=smtp_password(other.secret_access_key, "us-east-1"))
    yield lambda: w.smtp(user, fields)


@case(
    seen="a form that writes all user names in small letters",
    reader="operator",
    place="akia",
    code="SA701",
    says=("access key",),
    mend=("smtp credentials",),
)
def user_name_in_small_letters(w: World) -> Steps:
    w.allow()
    user = w.user("form", MAY_SEND)
    fields = {"X-SES-SOURCE-ARN": w.arn}
    yield lambda: w.smtp(user, fields, user=user.access_key_id.lower())
    yield lambda: w.smtp(user, fields)


@case(
    seen="docker-postfix#201: made in the production region, used in the one for recovery, to which the ARN belongs",
    code="SA702|SA105",
    says=("eu-west-1", "us-east-1"),
    mend=("us-east-1",),
)
def password_of_the_production_region(w: World) -> Steps:
    w.allow()
    fields = {"X-SES-SOURCE-ARN": w.arn}
    yield lambda: w.smtp(w.sender, fields, region="eu-west-1")
    yield lambda: w.smtp(w.sender, fields)


@case(
    seen="a key was deleted when its user left; a worker still signs with it",
    reader="operator",
    code="SA704",
    says=("was deleted on 20",),
    mend=("key",),
)
def key_that_was_deleted(w: World) -> Steps:
    w.allow()
    user = w.user("leaver", MAY_SEND)
    w.client("iam", w.sender).delete_access_key(UserName="leaver", AccessKeyId=user.access_key_id)
    yield lambda: w.simple(user)
    yield lambda: w.simple(w.user("worker", MAY_SEND))


@case(
    seen="etailors_amazon_ses#115: the secret stands in a DSN, encoded as in a URL",
    code="SA704",
    says=("signature",),
    mend=("secret",),
)
def secret_encoded_as_in_a_url(w: World) -> Steps:
    w.allow()
    wrong = Account(
        w.sender.account_id, w.sender.access_key_id, quote(f"{w.sender.secret_access_key}/+", safe="")
    )
    yield lambda: w.simple(wrong)
    yield lambda: w.simple(w.sender)


@case(
    seen="an availability zone in the place of the region: us-east-1a",
    reader="operator",
    code="SA105|SA704",
    says=("us-east-1a",),
    mend=("region",),
)
def zone_in_place_of_the_region(w: World) -> Steps:
    w.allow()
    yield lambda: w.simple(w.sender, region="us-east-1a")
    yield lambda: w.simple(w.sender)


@case(
    seen="quotation marks around the secret, from an .env file",
    code="SA704",
    says=("secret|signature",),
    mend=("secret",),
)
def secret_in_quotation_marks(w: World) -> Steps:
    w.allow()
    wrong = Account(w.sender.account_id, w.sender.access_key_id, f'"{w.sender.secret_access_key}"')
    yield lambda: w.simple(wrong)
    yield lambda: w.simple(w.sender)


@case(
    seen="iam-identity-center-team#46: a role in the mail account is to be assumed, and does not trust the caller",
    code="SA209",
    says=("{owner}", "trust"),
    mend=("{owner}",),
)
def role_of_the_owner_that_does_not_trust(w: World) -> Steps:
    iam = w.client("iam", w.owner)
    trust: dict[str, Any] = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"AWS": w.owner.account_id},
    }
    arn = iam.create_role(RoleName="mail", AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
    user = w.user("caller", {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"})
    sts = w.client("sts", user)
    yield lambda: sts.assume_role(RoleArn=arn, RoleSessionName="job")
    trust["Principal"] = {"AWS": f"arn:aws:iam::{w.sender.account_id}:user/caller"}
    iam.update_assume_role_policy(RoleName="mail", PolicyDocument=document(trust))
    yield lambda: sts.assume_role(RoleArn=arn, RoleSessionName="job")


@case(
    seen="the mail account's role trusts the caller, whose own IAM lacks sts:AssumeRole",
    code="SA206",
    says=("sts:AssumeRole", "user/caller"),
    mend=("sts:AssumeRole", "user/caller"),
)
def caller_without_assume_role(w: World) -> Steps:
    user = w.user("caller", MAY_SEND)
    trust: dict[str, Any] = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"AWS": w.sender.account_id},
    }
    made = w.client("iam", w.owner).create_role(RoleName="mail", AssumeRolePolicyDocument=document(trust))
    arn = made["Role"]["Arn"]
    sts = w.client("sts", user)
    yield lambda: sts.assume_role(RoleArn=arn, RoleSessionName="job")
    w.user_may("caller", {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": arn})
    yield lambda: sts.assume_role(RoleArn=arn, RoleSessionName="job")


@case(
    seen="HHS simpler-grants-gov#6013: the task may send, and not read the suppression list",
    code="SA206",
    says=("ses:ListSuppressedDestinations", "role/api"),
    mend=("ses:ListSuppressedDestinations", "role/api"),
)
def suppression_list_is_not_allowed(w: World) -> Steps:
    role = w.role("api")
    yield lambda: w.client("sesv2", w.session(role)).list_suppressed_destinations()
    w.role_may("api", MAY_SEND, {"Effect": "Allow", "Action": "ses:List*", "Resource": "*"})
    yield lambda: w.client("sesv2", w.session(role)).list_suppressed_destinations()


@case(
    seen="cloud-platform#531: the page that makes SMTP credentials lists users first",
    code="SA206",
    says=("iam:ListUsers",),
    mend=("iam:ListUsers",),
)
def users_may_not_be_listed(w: World) -> Steps:
    user = w.user("jesus", MAY_SEND)
    yield lambda: w.client("iam", user).list_users()
    w.user_may("jesus", MAY_SEND, {"Effect": "Allow", "Action": "iam:ListUsers", "Resource": "*"})
    yield lambda: w.client("iam", user).list_users()


@case(
    seen="AI-Shipping-Labs#498: topics may not be listed, when events are set up",
    code="SA206",
    says=("sns:ListTopics|SNS:ListTopics",),
    mend=("ListTopics",),
)
def topics_may_not_be_listed(w: World) -> Steps:
    user = w.user("setup", MAY_SEND)
    yield lambda: w.client("sns", user).list_topics()
    w.user_may("setup", MAY_SEND, {"Effect": "Allow", "Action": "sns:ListTopics", "Resource": "*"})
    yield lambda: w.client("sns", user).list_topics()


@case(
    seen="AssumeRole with tags, and the trust policy lists sts:AssumeRole alone",
    code="SA209",
    says=("sts:TagSession",),
    mend=("sts:TagSession",),
)
def session_with_tags_that_trust_does_not_allow(w: World) -> Steps:
    arn = w.role("app")
    robot = f"arn:aws:iam::{w.sender.account_id}:user/app-robot"
    trust: dict[str, Any] = {"Effect": "Allow", "Principal": {"AWS": robot}, "Action": "sts:AssumeRole"}
    iam = w.client("iam", w.sender)
    iam.update_assume_role_policy(RoleName="app", PolicyDocument=document(trust))
    key = iam.create_access_key(UserName="app-robot")["AccessKey"]
    sts = w.client("sts", Account(w.sender.account_id, key["AccessKeyId"], key["SecretAccessKey"]))
    tagged = {"RoleArn": arn, "RoleSessionName": "job", "Tags": [{"Key": "team", "Value": "mail"}]}
    yield lambda: sts.assume_role(**tagged)
    trust["Action"] = ["sts:AssumeRole", "sts:TagSession"]
    iam.update_assume_role_policy(RoleName="app", PolicyDocument=document(trust))
    yield lambda: sts.assume_role(**tagged)
