"""Set-ups with keys, tokens, clocks and roles that do not go together."""

import json
import re
from dataclasses import replace
from typing import Any

from sesame.access.sessions import Sessions
from sesame.app.foundation import Services
from sesame.model import Session
from tests.story.misconfigured.world import MAY_SEND, SENDER_CANARY, Steps, World, case, document
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
    seen="the id of one key with the secret of the other: the user has two, as many as there can be",
    code="SA704",
    says=("is not the one that the secret of `AKIA",),
    mend=(
        "`, which is active; there are 2 keys, the most there can be",
        "(`sesame key create {sender} worker`) delete one that nothing uses: `sesame key delete {sender} AKIA",
    ),
)
def secret_of_the_other_of_two_keys(w: World) -> Steps:
    w.allow()
    user = w.user("worker", MAY_SEND)
    new = w.client("iam", w.sender).create_access_key(UserName="worker")["AccessKey"]
    yield lambda: w.simple(Account(user.account_id, user.access_key_id, new["SecretAccessKey"]))
    yield lambda: w.simple(Account(user.account_id, new["AccessKeyId"], new["SecretAccessKey"]))


@case(
    seen="a key that is switched off, since the user has a new one: as many as there can be",
    code="SA704",
    says=("is switched off",),
    mend=("switch it on", "or use `AKIA", "the most there can be", "`sesame key delete {sender} AKIA"),
)
def old_key_of_two_switched_off(w: World) -> Steps:
    w.allow()
    user = w.user("worker", MAY_SEND)
    iam = w.client("iam", w.sender)
    new = iam.create_access_key(UserName="worker")["AccessKey"]
    iam.update_access_key(UserName="worker", AccessKeyId=user.access_key_id, Status="Inactive")
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


def _logging_in_by_name(w: World, name: str, *, is_secret: bool = False) -> Steps:
    w.allow()
    user = w.user("mailer", MAY_SEND)
    fields = {"X-SES-SOURCE-ARN": w.arn}
    yield lambda: w.smtp(user, fields, user=name, password=user.secret_access_key if is_secret else None)
    [told] = json.loads(w.sesame.run("decisions", w.sender.account_id, "--limit", "1", "--json").stdout)
    command = re.findall(r"`sesame ([^`]+)`", told["causes"][0]["mend"]["text"])[0]
    printed = w.sesame.run(*command.split(), "--json")
    login = printed_login(printed.stdout)
    assert login["user"] == user.access_key_id
    yield lambda: w.smtp(user, fields, **login)


@case(
    seen="the IAM user name of the file that SES hands out, in place of its SMTP user name",
    code="SA701",
    says=("`mailer` is the name of a user", "access key (AKIA…)"),
    mend=("log in as `AKIA", "with the same password", "smtp credentials {sender} mailer --key AKIA"),
)
def user_name_in_place_of_the_key(w: World) -> Steps:
    yield from _logging_in_by_name(w, "mailer")


@case(
    seen="the name of the user in other letters, with a blank behind it, and the secret access key",
    code="SA701",
    says=("is the name of a user",),
    mend=("with the SMTP password of that key", "smtp credentials {sender} mailer --key AKIA"),
)
def user_name_and_secret_key(w: World) -> Steps:
    yield from _logging_in_by_name(w, "Mailer ", is_secret=True)


@case(
    seen="a job that keeps the credentials of a session that has expired",
    code="SA704",
    says=("expired on 1970-01-01 00:00:02Z",),
    mend=("open a session again (AssumeRole)",),
)
def session_expired(w: World) -> Steps:
    w.allow()
    role = w.role("job")
    role_id = w.client("iam", w.sender).get_role(RoleName="job")["Role"]["RoleId"]
    late = Session(
        access_key_id="ASIAEXPIREDEXPIRED12",
        secret_access_key="s" * 40,
        account_id=w.sender.account_id,
        role_id=role_id,
        name="late",
        issued_at=1.0,
        expires_at=2.0,
    )

    async def issue(services: Services) -> str:
        return Sessions(services.sealer).issue(late)

    token = w.sesame.operate(issue)
    yield lambda: w.simple(Account(w.sender.account_id, late.access_key_id, late.secret_access_key, token))
    yield lambda: w.simple(w.session(role))


@case(
    seen="a role that was deleted while a session of it was in use",
    code="SA704",
    says=("the role of the session", "was deleted"),
    mend=("open a session of a role that is there",),
)
def session_of_a_deleted_role(w: World) -> Steps:
    w.allow()
    session, other = w.session(w.role("job")), w.role("other")
    iam = w.client("iam", w.sender)
    iam.delete_role_policy(RoleName="job", PolicyName=SENDER_CANARY)
    iam.delete_role(RoleName="job")
    yield lambda: w.simple(session)
    yield lambda: w.simple(w.session(other))


@case(
    seen="the secret of a session with a blank behind it",
    code="SA704",
    says=("white space",),
    mend=("exactly as it was shown",),
)
def secret_of_a_session_with_white_space(w: World) -> Steps:
    w.allow()
    session = w.session(w.role("job"))
    yield lambda: w.simple(replace(session, secret_access_key=session.secret_access_key + " "))
    yield lambda: w.simple(session)


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
