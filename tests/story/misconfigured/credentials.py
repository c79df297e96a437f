"""Set-ups with keys, tokens, clocks and roles that do not go together."""

import json
from typing import Any

from tests.story.misconfigured.world import MAY_SEND, Steps, World, case, document
from tests.support.process import Account


def printed_login(printed: str) -> dict[str, Any]:
    """What `sesame smtp credentials` says to log in with."""
    found = json.loads(printed)
    return {"user": found["username"], "password": found["password"]}


@case(
    seen="an API key that was switched off in a rotation, in a worker",
    code="SA704",
    says=("switched off",),
    mend=("--status Active",),
)
def api_key_switched_off(w: World) -> Steps:
    w.allow()
    user = w.user("worker", MAY_SEND)
    which = {"UserName": "worker", "AccessKeyId": user.access_key_id}
    iam = w.client("iam", w.sender)
    iam.update_access_key(**which, Status="Inactive")
    yield lambda: w.simple(user)
    iam.update_access_key(**which, Status="Active")
    yield lambda: w.simple(user)


@case(
    seen="an API key that was deleted at the end of a rotation, in a worker",
    code="SA704",
    says=("was deleted on 20",),
    mend=("which is active",),
)
def api_key_deleted(w: World) -> Steps:
    w.allow()
    user = w.user("worker", MAY_SEND)
    iam = w.client("iam", w.sender)
    new = iam.create_access_key(UserName="worker")["AccessKey"]
    iam.delete_access_key(UserName="worker", AccessKeyId=user.access_key_id)
    yield lambda: w.simple(user)
    yield lambda: w.simple(Account(user.account_id, new["AccessKeyId"], new["SecretAccessKey"]))


@case(
    seen="the SMTP credential of a key that was deleted, since the user has two; the other is in use",
    code="SA701",
    says=("was deleted on 20",),
    mend=("smtp credentials {sender} relay --key AKIA", "prints both"),
)
def smtp_key_deleted(w: World) -> Steps:
    w.allow()
    user = w.user("relay", MAY_SEND)
    iam = w.client("iam", w.sender)
    new = iam.create_access_key(UserName="relay")["AccessKey"]
    iam.delete_access_key(UserName="relay", AccessKeyId=user.access_key_id)
    fields = {"X-SES-SOURCE-ARN": w.arn}
    yield lambda: w.smtp(user, fields)
    printed = w.sesame.run(
        "smtp", "credentials", w.sender.account_id, "relay", "--key", new["AccessKeyId"], "--json"
    )
    yield lambda: w.smtp(user, fields, **printed_login(printed.stdout))


@case(
    seen="a mail program after the only key of its user was deleted",
    code="SA701",
    says=("was deleted on 20",),
    mend=("smtp credentials {sender} relay` makes a new key",),
)
def only_smtp_key_deleted(w: World) -> Steps:
    w.allow()
    user = w.user("relay", MAY_SEND)
    w.client("iam", w.sender).delete_access_key(UserName="relay", AccessKeyId=user.access_key_id)
    fields = {"X-SES-SOURCE-ARN": w.arn}
    yield lambda: w.smtp(user, fields)
    printed = w.sesame.run("smtp", "credentials", w.sender.account_id, "relay", "--json")
    yield lambda: w.smtp(user, fields, **printed_login(printed.stdout))


@case(
    seen="a mail program whose user left, with its keys",
    code="SA701",
    says=("was deleted on 20", "its user `left` is gone"),
    mend=("smtp credentials {sender} USER` makes a new key",),
)
def user_of_the_key_gone(w: World) -> Steps:
    w.allow()
    gone, user = w.user("left", MAY_SEND), w.user("relay", MAY_SEND)
    w.sesame.run("user", "delete", w.sender.account_id, "left")
    fields = {"X-SES-SOURCE-ARN": w.arn}
    yield lambda: w.smtp(gone, fields)
    yield lambda: w.smtp(user, fields)


@case(
    seen="a session's key and secret in a program that has no place for the token; what the log says",
    reader="operator",
    place="ASIA",
    code="SA704",
    says=("temporary key of a session", "without the session token"),
    mend=("send the session's token",),
)
def token_left_out_as_the_log_has_it(w: World) -> Steps:
    w.allow()
    session = w.session(w.role("app"))
    yield lambda: w.simple(Account(session.account_id, session.access_key_id, session.secret_access_key))
    yield lambda: w.simple(session)


@case(
    seen="a session token cut off by a column's width",
    reader="operator",
    code="SA704",
    says=("session token",),
    mend=("key, secret and token together",),
)
def token_cut_off(w: World) -> Steps:
    w.allow()
    session = w.session(w.role("app"))
    cut = Account(
        session.account_id,
        session.access_key_id,
        session.secret_access_key,
        (session.session_token or "")[:-20],
    )
    yield lambda: w.simple(cut)
    yield lambda: w.simple(session)


@case(
    seen="cloudposse/docs#203: the clock of a virtual machine that was asleep",
    code="SA703",
    says=("behind",),
    mend=("clock",),
)
def clock_that_was_asleep(w: World) -> Steps:
    import datetime
    from unittest import mock

    import botocore.auth

    w.allow()
    late = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=14)

    def asleep() -> Any:
        with mock.patch.object(
            botocore.auth, "get_current_datetime", lambda remove_tzinfo=True: late.replace(tzinfo=None)
        ):
            return w.simple(w.sender)

    yield asleep
    yield lambda: w.simple(w.sender)


@case(
    seen="a blank behind the SMTP user name, from a form",
    code="SA701",
    says=("space|blank",),
    mend=("space|blank|smtp credentials",),
)
def blank_behind_the_user_name(w: World) -> Steps:
    w.allow()
    user = w.user("form", MAY_SEND)
    fields = {"X-SES-SOURCE-ARN": w.arn}
    yield lambda: w.smtp(user, fields, user=f"{user.access_key_id} ")
    yield lambda: w.smtp(user, fields)


@case(
    seen="security_monkey#530: the account is named in the trust policy, the caller's IAM lists another role",
    code="SA206|SA209",
    says=("sts:AssumeRole", "role/mail"),
    mend=("sts:AssumeRole", "role/mail"),
)
def iam_lists_another_role(w: World) -> Steps:
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": w.sender.account_id}}
    made = w.client("iam", w.owner).create_role(RoleName="mail", AssumeRolePolicyDocument=document(trust))
    arn = made["Role"]["Arn"]
    user = w.user("monkey", {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": arn[:-4] + "other"})
    sts = w.client("sts", user)
    yield lambda: sts.assume_role(RoleArn=arn, RoleSessionName="job")
    w.user_may("monkey", {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": arn})
    yield lambda: sts.assume_role(RoleArn=arn, RoleSessionName="job")


@case(
    seen="aws-cli#7216: the trust policy wants another session name",
    code="SA209",
    says=("sts:RoleSessionName",),
    mend=("condition of the trust policy",),
)
def trust_wants_a_session_name(w: World) -> Steps:
    arn = w.role("app")
    robot = f"arn:aws:iam::{w.sender.account_id}:user/app-robot"
    trust: dict[str, Any] = {"Effect": "Allow", "Principal": {"AWS": robot}, "Action": "sts:AssumeRole"}
    trust["Condition"] = {"StringLike": {"sts:RoleSessionName": "okta-*"}}
    iam = w.client("iam", w.sender)
    iam.update_assume_role_policy(RoleName="app", PolicyDocument=document(trust))
    key = iam.create_access_key(UserName="app-robot")["AccessKey"]
    sts = w.client("sts", Account(w.sender.account_id, key["AccessKeyId"], key["SecretAccessKey"]))
    yield lambda: sts.assume_role(RoleArn=arn, RoleSessionName="job")
    yield lambda: sts.assume_role(RoleArn=arn, RoleSessionName="okta-job")


@case(
    seen="selling-partner-api-models#2523: the user's ARN in the place of the role's",
    code="SA605",
    says=("user/", "is invalid"),
    mend=("role",),
)
def user_in_place_of_the_role(w: World) -> Steps:
    arn = w.role("app")
    key = w.client("iam", w.sender).create_access_key(UserName="app-robot")["AccessKey"]
    robot = Account(w.sender.account_id, key["AccessKeyId"], key["SecretAccessKey"])
    sts = w.client("sts", robot)
    wrong = f"arn:aws:iam::{w.sender.account_id}:user/app-robot"
    yield lambda: sts.assume_role(RoleArn=wrong, RoleSessionName="job")
    yield lambda: sts.assume_role(RoleArn=arn, RoleSessionName="job")


@case(
    seen="a lambda's role may assume the mail role, which names another lambda's role",
    code="SA209",
    says=("role/mail", "role/second"),
    mend=("role/second",),
)
def role_that_trusts_another_role(w: World) -> Steps:
    may = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}
    first, second = w.role("first", may), w.role("second", may)
    mail = w.role("mail")
    iam = w.client("iam", w.sender)
    trust: dict[str, Any] = {"Effect": "Allow", "Principal": {"AWS": first}, "Action": "sts:AssumeRole"}
    iam.update_assume_role_policy(RoleName="mail", PolicyDocument=document(trust))
    sts = w.client("sts", w.session(second))
    yield lambda: sts.assume_role(RoleArn=mail, RoleSessionName="job")
    trust["Principal"] = {"AWS": [first, second]}
    iam.update_assume_role_policy(RoleName="mail", PolicyDocument=document(trust))
    yield lambda: sts.assume_role(RoleArn=mail, RoleSessionName="job")
