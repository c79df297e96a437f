"""Set-ups in which two things refuse a send, on both sides or on one: each is named to whom it concerns."""

import json
import time
from collections.abc import Callable
from typing import Any

from sesame.access.identity_names import identity_kind
from tests.story.misconfigured.world import MAY_SEND, REGION, Steps, World, case
from tests.support.process import Account

MAY_SEND_RAW = {"Effect": "Allow", "Action": "ses:SendRawEmail", "Resource": "*"}


def _paused_and_no_iam(w: World) -> Steps:
    w.allow()
    key = {"Identity": w.domain, "Delegate": w.sender.account_id}
    bounds = w.client("sesame", w.owner)
    bounds.pause_delegate(**key, Reason="zqowner")
    user = w.user("app", MAY_SEND_RAW)
    yield lambda: w.simple(user)
    bounds.resume_delegate(**key)
    w.user_may("app", MAY_SEND)
    yield lambda: w.simple(user)


@case(
    seen="the owner has paused the delegate, whose IAM does not list this way of sending either",
    code="SA301",
    says=("ses:SendEmail",),
    mend=("ses:SendEmail",),
    also=("SA603",),
    owner="SA603",
)
def paused_and_iam_lacks_it(w: World) -> Steps:
    yield from _paused_and_no_iam(w)


@case(
    seen="the same, as its owner reads it",
    code="SA603",
    says=("paused", "zqowner"),
    mend=("sesame grant resume {owner} {domain} {sender}",),
    reader="owner",
    also=("SA205",),
)
def owner_of_paused_and_iam_lacks_it(w: World) -> Steps:
    yield from _paused_and_no_iam(w)


@case(
    seen="the owner's policy has a condition that is not met, and its grant has run out",
    code="SA401",
    says=("ses:FromAddress",),
    mend=("ses:FromAddress",),
    reader="owner",
    also=("SA603",),
)
def condition_and_expired(w: World) -> Steps:
    w.allow(Condition={"StringEquals": {"ses:FromAddress": f"ceo@{w.domain}"}})
    key = {"Identity": w.domain, "Delegate": w.sender.account_id}
    bounds = w.client("sesame", w.owner)
    bounds.put_delegate_bounds(**key, ExpiresAt=1_700_000_000)
    yield lambda: w.simple(w.sender)
    bounds.put_delegate_bounds(**key, ExpiresAt=4_000_000_000)
    w.allow()
    yield lambda: w.simple(w.sender)


def _quota_and_cap(w: World, **caps: int) -> Steps:
    w.allow()
    key = {"Identity": w.domain, "Delegate": w.sender.account_id}
    bounds = w.client("sesame", w.owner)
    bounds.put_delegate_bounds(**key, **caps)
    w.sesame.run("account", "set-quota", w.sender.account_id, "--max-24-hour-send", "1")
    w.simple(w.sender)
    yield lambda: w.simple(w.sender)
    w.sesame.run("account", "set-quota", w.sender.account_id, "--max-24-hour-send", "1000")
    bounds.put_delegate_bounds(**key, **dict.fromkeys(caps, 100))
    yield lambda: w.simple(w.sender)


@case(
    seen="the own quota of a day and the owner's cap are both used up",
    code="SA602",
    says=("24-hour quota of 1",),
    mend=("set-quota {sender}",),
    also=("SA602",),
    owner="SA602",
)
def quota_and_cap(w: World) -> Steps:
    yield from _quota_and_cap(w, MaxMessagesPerDay=1)


@case(
    seen="the same, as the owner of the identity reads it",
    code="SA602",
    says=("may send 1 recipients in 24 hours", "has used 1"),
    mend=("sesame grant change {owner} {domain} {sender}",),
    reader="owner",
)
def owner_of_quota_and_cap(w: World) -> Steps:
    yield from _quota_and_cap(w, MaxRecipientsPerDay=1)


@case(
    seen="two caps of the owner's are used up: of messages, and of recipients",
    code="SA602",
    says=("1 messages in 24 hours",),
    mend=("--messages-per-day",),
    reader="owner",
    also=("SA602",),
)
def two_caps(w: World) -> Steps:
    w.allow()
    key = {"Identity": w.domain, "Delegate": w.sender.account_id}
    bounds = w.client("sesame", w.owner)
    bounds.put_delegate_bounds(**key, MaxMessagesPerDay=1, MaxRecipientsPerDay=1)
    w.simple(w.sender)
    yield lambda: w.simple(w.sender)
    bounds.put_delegate_bounds(**key, MaxMessagesPerDay=100, MaxRecipientsPerDay=100)
    yield lambda: w.simple(w.sender)


@case(
    seen="a session of another account's role: own IAM lacks sts:AssumeRole, and the role wants an ExternalId",
    code="SA206",
    says=("sts:AssumeRole",),
    mend=("user/app", "sts:AssumeRole"),
    also=("SA209",),
)
def external_id_and_no_iam(w: World) -> Steps:
    user, role, arn = _role_of_owner(w)
    sts = w.client("sts", user)
    yield lambda: sts.assume_role(RoleArn=arn, RoleSessionName="job")
    role()
    yield lambda: sts.assume_role(RoleArn=arn, RoleSessionName="job", ExternalId="zqowner-42")


def _role_of_owner(w: World) -> tuple[Any, Callable[[], None], str]:
    user = w.user("app", MAY_SEND)
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": w.sender.account_id},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": "zqowner-42"}},
    }
    made = w.client("iam", w.owner).create_role(
        RoleName="relay",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )
    arn = str(made["Role"]["Arn"])
    may = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": arn}
    return user, lambda: w.user_may("app", MAY_SEND, may), arn


def _lent_by_two(w: World) -> tuple[Account, str, str]:
    """Another owner with a verified domain, whose name and ARN these are."""
    other, name = w.sesame.create_account(production=True), f"bounces-{w.domain}"

    async def vouch(services: Any) -> Any:
        return await services.verification.vouch(other.account_id, REGION, name, identity_kind(name))

    w.sesame.operate(vouch)
    return other, name, f"arn:aws:ses:{REGION}:{other.account_id}:identity/{name}"


@case(
    seen="From is lent and Return-Path is another owner's, who does not let the sender in: the first owner reads it",
    code="SA210",
    says=("your side allows it", "another owner"),
    mend=("nothing for you to do",),
    reader="owner",
)
def return_path_of_another_owner(w: World) -> Steps:
    w.allow()
    _, name, arn = _lent_by_two(w)
    given: dict[str, Any] = {"ReturnPathArn": arn, "FromArn": w.arn, "SourceArn": arn, "Source": f"b@{name}"}
    yield lambda: w.raw(w.sender, **given)
    yield lambda: w.raw(w.sender)


@case(
    seen="the same, as the owner of Return-Path reads it, who has to act",
    code="SA201",
    says=("user/app", "bounces-{domain}"),
    mend=("put a policy on", "bounces-{domain}", "user/app"),
    reader="owner",
)
def owner_of_return_path(w: World) -> Steps:
    w.allow()
    other, name, arn = _lent_by_two(w)
    given: dict[str, Any] = {"ReturnPathArn": arn, "FromArn": w.arn, "SourceArn": arn, "Source": f"b@{name}"}
    user = w.user("app", MAY_SEND)
    w.owner = other
    yield lambda: w.raw(user, **given)
    w.allow(Resource=arn)
    yield lambda: w.raw(user, **given)


@case(
    seen="both owners refuse: the first by a condition, the second has no policy; the second reads it",
    code="SA201",
    says=("user/app", "bounces-{domain}"),
    mend=("put a policy on", "bounces-{domain}"),
    reader="owner",
)
def both_owners_refuse(w: World) -> Steps:
    w.allow(Condition={"StringEquals": {"ses:FromAddress": f"ceo@{w.domain}"}})
    other, name, arn = _lent_by_two(w)
    user = w.user("app", MAY_SEND)
    first, w.owner = w.owner, other
    fields = {"X-SES-SOURCE-ARN": arn, "X-SES-RETURN-PATH-ARN": arn, "X-SES-FROM-ARN": w.arn}
    yield lambda: w.smtp(user, fields, mail_from=f"b@{name}")
    w.allow(Resource=arn)
    w.owner = first
    w.allow()
    w.owner = other
    yield lambda: w.smtp(user, fields, mail_from=f"b@{name}")


@case(
    seen="the same, as the first owner reads it",
    code="SA401",
    says=("ses:FromAddress",),
    mend=("ses:FromAddress",),
    reader="owner",
)
def first_of_both_owners(w: World) -> Steps:
    w.allow(Condition={"StringEquals": {"ses:FromAddress": f"ceo@{w.domain}"}})
    _, name, arn = _lent_by_two(w)
    given: dict[str, Any] = {"ReturnPathArn": arn, "FromArn": w.arn, "SourceArn": arn, "Source": f"b@{name}"}
    yield lambda: w.raw(w.sender, **given)
    w.allow()
    yield lambda: w.raw(w.sender)


@case(
    seen="the owner of Return-Path has paused the sender, the owner of From allows: the one that paused reads it",
    code="SA603",
    says=("paused", "zqowner"),
    mend=("sesame grant resume {owner} '*' {sender}",),
    reader="owner",
)
def paused_by_the_other_owner(w: World) -> Steps:
    w.allow()
    other, name, arn = _lent_by_two(w)
    given: dict[str, Any] = {"ReturnPathArn": arn, "FromArn": w.arn, "SourceArn": arn, "Source": f"b@{name}"}
    w.owner = other
    w.allow(Resource=arn)
    bounds = w.client("sesame", other)
    bounds.pause_delegate(Identity="*", Delegate=w.sender.account_id, Reason="zqowner")
    yield lambda: w.raw(w.sender, **given)
    bounds.resume_delegate(Identity="*", Delegate=w.sender.account_id)
    yield lambda: w.raw(w.sender, **given)


def _denied_for_the_address(w: World) -> Steps:
    w.allow()
    address, arn = f"news@{w.domain}", w.arn.replace(w.domain, f"news@{w.domain}")

    async def vouch(services: Any) -> Any:
        return await services.verification.vouch(w.owner.account_id, REGION, address, identity_kind(address))

    w.sesame.operate(vouch)
    w.allow(name="deny", Effect="Deny", Resource=arn)
    user = w.user("app", {**MAY_SEND, "Resource": "arn:aws:ses:*:111122223333:identity/*"})
    yield lambda: w.smtp(user, {"X-SES-SOURCE-ARN": w.arn})
    w.client("ses", w.owner).delete_identity_policy(Identity=address, PolicyName="zqownerdeny")
    w.user_may("app", MAY_SEND)
    yield lambda: w.smtp(user, {"X-SES-SOURCE-ARN": w.arn})


@case(
    seen="the domain's policy allows, the address's own denies, and the sender's IAM lacks it",
    code="SA205",
    says=("user/app",),
    mend=("user/app",),
    also=("SA208",),
    owner="SA208",
)
def denied_for_the_address_and_no_iam(w: World) -> Steps:
    yield from _denied_for_the_address(w)


@case(
    seen="the same, as the owner reads it",
    code="SA208",
    says=("zqowner", "news@{domain}"),
    mend=("change policy|change or remove",),
    reader="owner",
    also=("SA205",),
)
def owner_of_denied_for_the_address(w: World) -> Steps:
    yield from _denied_for_the_address(w)


@case(
    seen="neither the domain's policy lets the sender in, and the address's own denies: the owner reads both",
    code="SA201|SA401",
    says=("user/app|ses:FromAddress",),
    mend=("policy",),
    reader="owner",
    also=("SA208",),
)
def denied_for_the_address_and_not_let_in(w: World) -> Steps:
    steps = _denied_for_the_address(w)
    send = next(steps)
    w.allow(Condition={"StringEquals": {"ses:FromAddress": f"ceo@{w.domain}"}})
    w.user_may("app", MAY_SEND)
    yield send
    w.allow()
    yield next(steps)


@case(
    seen="an address has a Deny of its own; its domain is lent: to name the domain does not pass by it",
    reader="owner",
    code="SA208",
    says=("statement `zqowner`", "identity/ceo@{domain}"),
    mend=("to allow it, change or remove",),
)
def deny_of_an_address_whose_domain_is_lent(w: World) -> Steps:
    w.allow()
    whole = w.sesame.vouch(w.owner, f"ceo@{w.domain}")
    w.allow(name="no", Resource=whole, Effect="Deny")
    yield lambda: w.simple(w.sender, Source=f"ceo@{w.domain}", SourceArn=whole)
    w.client("ses", w.owner).delete_identity_policy(Identity=f"ceo@{w.domain}", PolicyName="zqownerno")
    yield lambda: w.simple(w.sender, Source=f"ceo@{w.domain}")


@case(
    seen="the same, as the sender reads it",
    code="SA201",
    says=("no policy of the owner of `arn:aws:ses:us-east-1:{owner}:identity/ceo@{domain}` lets in",),
    mend=("ask the owner, account {owner}",),
)
def deny_of_an_address_as_the_sender_reads_it(w: World) -> Steps:
    w.allow()
    whole = w.sesame.vouch(w.owner, f"ceo@{w.domain}")
    w.allow(name="no", Resource=whole, Effect="Deny")
    yield lambda: w.simple(w.sender, Source=f"ceo@{w.domain}", SourceArn=whole)
    w.client("ses", w.owner).delete_identity_policy(Identity=f"ceo@{w.domain}", PolicyName="zqownerno")
    w.allow(name="yes", Resource=whole)
    yield lambda: w.simple(w.sender, Source=f"ceo@{w.domain}", SourceArn=whole)


@case(
    seen="a new user sends from a new domain: neither is the domain there nor may the user send",
    code="SA101",
    says=("has no verified identity", "`news@new-{domain}`"),
    mend=("verify `new-{domain}` in account {sender}",),
    also=("SA206",),
)
def neither_identity_nor_permission(w: World) -> Steps:
    user = w.user("fresh")
    yield lambda: w.simple(user, Source=f"news@new-{w.domain}", SourceArn=None)
    arn = w.sesame.vouch(w.sender, f"new-{w.domain}")
    w.user_may("fresh", {"Effect": "Allow", "Action": "ses:SendEmail", "Resource": arn})
    yield lambda: w.simple(user, Source=f"news@new-{w.domain}", SourceArn=None)


@case(
    seen="the domain waits for its records, and the return path is another owner's, who does not lend it",
    reader="owner",
    code="SA501",
    says=("`late-{domain}`", "still waits for its DNS records"),
    mend=("verify `late-{domain}` in account {owner}",),
    also=("SA210",),
)
def pending_and_another_owner(w: World) -> Steps:
    third = World(w.sesame)
    name = f"late-{w.domain}"
    w.client("sesv2", w.owner).create_email_identity(EmailIdentity=name)
    arn = w.arn.replace(w.domain, name)
    w.allow(Resource=arn)
    more = {"FeedbackForwardingEmailAddressIdentityArn": third.arn}
    more["FeedbackForwardingEmailAddress"] = f"back@{third.domain}"
    mail = {"FromEmailAddress": f"news@{name}", "FromEmailAddressIdentityArn": arn}
    yield lambda: w.v2(w.sender, **mail, **more)
    w.sesame.vouch(w.owner, name)
    third.allow(Principal={"AWS": w.sender.account_id})
    yield lambda: w.v2(w.sender, **mail, **more)


@case(
    seen="an assumed session with a policy of its own, which is for another address",
    code="SA207",
    says=("comes closest, and allows only ses:FromAddress equal to `jobs@{domain}`", "`news@{domain}`"),
    mend=("open the session without a policy",),
)
def session_policy_for_another_address(w: World) -> Steps:
    w.allow()
    limit = {**MAY_SEND, "Condition": {"StringEquals": {"ses:FromAddress": f"jobs@{w.domain}"}}}
    role = w.role("app")
    policy = json.dumps({"Version": "2012-10-17", "Statement": [limit]})
    session = w.session(role, Policy=policy)
    yield lambda: w.simple(session)
    session = w.session(role)
    yield lambda: w.simple(session)


@case(
    seen="an administrator revokes older sessions: the time is a moment ahead of the request, as it is rounded up",
    code="SA208",
    says=("aws:TokenIssueTime before",),
    mend=("assumes `arn:aws:iam::{sender}:role/app` anew", "begins after"),
)
def sessions_are_revoked_a_moment_ahead(w: World) -> Steps:
    w.allow()
    role = w.role("app")
    session = w.session(role)
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 600))
    revoke = {"Effect": "Deny", "Action": "*", "Resource": "*"}
    older = {**revoke, "Condition": {"DateLessThan": {"aws:TokenIssueTime": soon}}}
    w.role_may("app", MAY_SEND, older)
    yield lambda: w.simple(session)
    past = {"DateLessThan": {"aws:TokenIssueTime": "2026-01-01T00:00:00Z"}}  # the moment has passed
    w.role_may("app", MAY_SEND, {**older, "Condition": past})
    new = w.session(role)
    yield lambda: w.simple(new)


@case(
    seen="two conditions fail; what the sender can do about one of them is not offered as if it were enough",
    reader="owner",
    code="SA401",
    says=("ses:FromAddress equal to `jobs@{domain}`",),
    mend=("to allow it",),
    also=("SA403",),
)
def address_and_network_of_one_statement(w: World) -> Steps:
    network = {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}
    w.allow(Condition={"StringEquals": {"ses:FromAddress": f"jobs@{w.domain}"}, **network})
    yield lambda: w.simple(w.sender)
    w.allow()
    yield lambda: w.simple(w.sender)


@case(
    seen="a stranger names an identity by mistake: its owner is not told to lend it, or to verify it",
    reader="owner",
    code="SA201",
    says=("allows the root of account {sender}",),
    mend=("if you do not know this sender, there is nothing to do",),
)
def identity_named_by_mistake(w: World) -> Steps:
    yield lambda: w.simple(w.sender)
    w.allow()
    yield lambda: w.simple(w.sender)


@case(
    seen="a stranger names a domain that the owner never had",
    reader="owner",
    code="SA104",
    says=("is not registered",),
    mend=("there is nothing to do, unless it is to be yours",),
)
def stranger_names_what_is_not_there(w: World) -> Steps:
    name = f"gone-{w.domain}"
    arn = w.arn.replace(w.domain, name)
    yield lambda: w.simple(w.sender, Source=f"news@{name}", SourceArn=arn)
    w.sesame.vouch(w.owner, name)
    w.allow(Resource=arn)
    yield lambda: w.simple(w.sender, Source=f"news@{name}", SourceArn=arn)


@case(
    seen="the configuration set is paused, and the owner lends another way of sending",
    code="SA603",
    says=("`bulk`",),
    mend=("put-configuration-set-sending-options", "policies let the message pass then"),
)
def paused_set_before_policies(w: World) -> Steps:
    w.allow()
    sesv2 = w.client("sesv2", w.sender)
    sesv2.create_configuration_set(ConfigurationSetName="bulk")
    switch = {"ConfigurationSetName": "bulk", "SendingEnabled": False}
    sesv2.put_configuration_set_sending_options(**switch)
    yield lambda: w.simple(w.sender, ConfigurationSetName="bulk")
    sesv2.put_configuration_set_sending_options(**{**switch, "SendingEnabled": True})
    yield lambda: w.simple(w.sender, ConfigurationSetName="bulk")


@case(
    seen="the server's log of a send whose mend rests on identities elsewhere",
    reader="operator",
    place="{domain}",
    code="SA101",
    says=("has no verified identity",),
    mend=("sesame why",),
)
def log_of_an_address_that_nothing_covers(w: World) -> Steps:
    w.sesame.vouch(w.sender, f"own-{w.domain}", region="us-west-2")
    mail: dict[str, Any] = {"Source": f"news@own-{w.domain}", "SourceArn": None}
    yield lambda: w.simple(w.sender, **mail)
    yield lambda: w.simple(w.sender, region="us-west-2", **mail)


@case(
    seen="a template: the owner does not list the action, and the sender's IAM not the template",
    reader="owner",
    code="SA301",
    says=("ses:SendTemplatedEmail",),
    mend=("add `ses:SendTemplatedEmail`",),
    also=("SA206",),
)
def template_that_both_sides_refuse(w: World) -> Steps:
    w.allow()
    ses = w.client("ses", w.sender)
    ses.create_template(Template={"TemplateName": "offer", "SubjectPart": "Hello", "TextPart": "Dear you"})
    user = w.user("app", {**MAY_SEND, "Resource": "arn:aws:ses:us-east-1:*:identity/*"})
    mail = {"Source": f"news@{w.domain}", "SourceArn": w.arn, "Template": "offer", "TemplateData": "{}"}
    to = {"Destination": {"ToAddresses": ["you@elsewhere.test"]}}
    yield lambda: w.client("ses", user).send_templated_email(**mail, **to)
    w.allow(Action="ses:Send*")
    w.user_may("app", MAY_SEND)
    yield lambda: w.client("ses", user).send_templated_email(**mail, **to)


@case(
    seen="a paused set, an owner who lets in another address, and a user whose IAM has nothing of the set",
    code="SA603",
    says=("switched off for the configuration set `paused`",),
    mend=("put-configuration-set-sending-options",),
    also=("SA401", "SA302"),
    owner="SA401",
)
def what_is_behind_a_paused_set(w: World) -> Steps:
    w.allow(Condition={"StringEquals": {"ses:FromAddress": f"boss@{w.domain}"}})
    sesv2 = w.client("sesv2", w.sender)
    sesv2.create_configuration_set(ConfigurationSetName="paused", SendingOptions={"SendingEnabled": False})
    may = MAY_SEND | {"Resource": w.arn}
    user = w.user("app", may)
    yield lambda: w.v2(user, ConfigurationSetName="paused")
    told = json.loads(w.sesame.run("decisions", w.sender.account_id, "--limit", "1", "--json").stdout)
    statement = next(one["mend"]["statement"] for one in told[0]["causes"] if one["code"] == "SA302")
    w.user_may("app", may, statement)
    w.allow()
    sesv2.put_configuration_set_sending_options(ConfigurationSetName="paused", SendingEnabled=True)
    yield lambda: w.v2(user, ConfigurationSetName="paused")


@case(
    seen="a set that is missing, and no policy of the owner's",
    code="SA601",
    says=("`lost` was looked for",),
    mend=("create it in account {sender}",),
    also=("SA201",),
    owner="SA201",
)
def what_is_behind_a_missing_set(w: World) -> Steps:
    yield lambda: w.simple(w.sender, ConfigurationSetName="lost")
    w.client("sesv2", w.sender).create_configuration_set(ConfigurationSetName="lost")
    w.allow()
    yield lambda: w.simple(w.sender, ConfigurationSetName="lost")


@case(
    seen="an account that has paused itself, and a user without IAM policies; the owner allows it",
    code="SA603",
    says=("has switched its sending off",),
    mend=("update-account-sending-enabled",),
    also=("SA205",),
    owner="SA205",
)
def what_is_behind_a_paused_account(w: World) -> Steps:
    w.allow()
    ses, user = w.client("ses", w.sender), w.user("app")
    ses.update_account_sending_enabled(Enabled=False)
    yield lambda: w.simple(user)
    ses.update_account_sending_enabled(Enabled=True)
    w.user_may("app", MAY_SEND)
    yield lambda: w.simple(user)


@case(
    seen="an account that has paused itself; nothing else is wrong",
    code="SA603",
    says=("has switched its sending off",),
    mend=("update-account-sending-enabled", "policies let the message pass then"),
    owner="SA603",
)
def nothing_is_behind_a_paused_account(w: World) -> Steps:
    w.allow()
    ses, user = w.client("ses", w.sender), w.user("app", MAY_SEND)
    ses.update_account_sending_enabled(Enabled=False)
    yield lambda: w.v2(user)
    ses.update_account_sending_enabled(Enabled=True)
    yield lambda: w.v2(user)


@case(
    seen="a paused set, and a domain of one's own that is not verified",
    code="SA603",
    says=("switched off for the configuration set `paused`",),
    mend=("put-configuration-set-sending-options",),
    also=("SA101",),
)
def address_behind_a_paused_set(w: World) -> Steps:
    sesv2 = w.client("sesv2", w.sender)
    sesv2.create_configuration_set(ConfigurationSetName="paused", SendingOptions={"SendingEnabled": False})
    mail: dict[str, Any] = {"FromEmailAddress": f"me@own-{w.domain}", "FromEmailAddressIdentityArn": None}
    yield lambda: w.v2(w.sender, ConfigurationSetName="paused", **mail)
    sesv2.put_configuration_set_sending_options(ConfigurationSetName="paused", SendingEnabled=True)
    w.sesame.vouch(w.sender, f"own-{w.domain}")
    yield lambda: w.v2(w.sender, ConfigurationSetName="paused", **mail)
