"""Neither side learns the other's policy names, Sids, patterns, tags or subjects, whatever it reads (I9).

Each such word carries a canary of its side; random policies decide, and every output to the other side is searched.
"""

import json
import os
import secrets
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sesame.cli.main import main
from sesame.policy import (
    Explanation,
    Request,
    Requester,
    explain,
    owner_view,
    parse_stored_iam_policy,
    parse_stored_identity_policy,
    sender_view,
)
from sesame.policy.reasons.case import Setting
from sesame.policy.reasons.cause import Reader
from sesame.policy.reasons.gaps import policy_causes
from tests.support.refusal_world import Case, World

EXAMPLES = int(os.environ.get("SESAME_CANARY_EXAMPLES", "250"))
OWNERS, SENDERS = "ownercanary", "sendercanary"
OWNER, SENDER = "111111111111", "222222222222"
ARN = f"arn:aws:ses:us-east-1:{OWNER}:identity/example.com"
USER, ROLE = f"arn:aws:iam::{SENDER}:user/robot", f"arn:aws:iam::{SENDER}:role/app"
REQUESTERS = (
    Requester(arn=USER, account_id=SENDER, kind="user", user_id="AIDANOW"),
    Requester(arn=f"arn:aws:iam::{SENDER}:root", account_id=SENDER, kind="root", user_id=SENDER),
    Requester(
        arn=f"arn:aws:sts::{SENDER}:assumed-role/app/s1", account_id=SENDER, kind="role", user_id="AROANOW:s1",
        role_arn=ROLE,
    ),
    Requester(arn="cognito-idp.amazonaws.com", account_id="", kind="service", user_id=""),
)  # fmt: skip
CONTEXT: dict[str, str | tuple[str, ...]] = {
    "ses:FromAddress": "news@example.com",
    "ses:FromDisplayName": "News",
    "ses:FeedbackAddress": "news@example.com",
    "ses:Recipients": (f"{SENDERS}-to@elsewhere.test", "b@elsewhere.test"),
    "ses:ApiVersion": "1",
    "aws:SourceIp": "198.51.100.7",
    "aws:CurrentTime": "2026-01-01T00:00:00Z",
    "aws:UserAgent": f"{SENDERS}-agent",
    "aws:username": "robot",
    f"aws:PrincipalTag/{SENDERS}-key": f"{SENDERS}-tag",
    "aws:PrincipalTag/team": f"{SENDERS}-team",
    f"aws:ResourceTag/{OWNERS}-key": f"{OWNERS}-tag",
    "aws:ResourceTag/env": f"{OWNERS}-env",
    "aws:ResourceAccount": OWNER,
}
COMMON_KEYS = (
    "ses:FromAddress", "ses:FromDisplayName", "ses:FeedbackAddress", "ses:Recipients", "aws:UserAgent",
    "aws:PrincipalTag/team", "aws:ResourceTag/env", "aws:username", "ses:ApiVersion",
)  # fmt: skip


FORMS = (
    "{}", "{}@example.com", " {}", "{}*", "*{}", "198.51.100.0/24 {}", "{}.*", "x@{}", "*@{}", "{}%@example.com",
    "{}é@x", "<{}@example.com>", "NEWS@EXAMPLE.COM {}",
)  # fmt: skip
"""What a tag may look like: each has its side's canary, and is what some hint is about."""


def patterns(canary: str) -> st.SearchStrategy[str]:
    """Texts of a side's policies: some match, all but the wildcards have its canary."""
    words = [f"*{canary}*", canary, f"{canary}@example.com", "*", "news@*"]
    words += ["${aws:username}-" + canary]
    tag = "${aws:PrincipalTag/team}" if canary == OWNERS else "${aws:ResourceTag/env}"
    words += [
        tag,
        f"{tag}*",
        f"*{tag}",
        f"{tag}@example.com",
        f"*@{tag}",
        f"{canary}-{tag}",
        tag.upper(),
        f"{tag}/24",
    ]
    words += ["${aws:UserAgent}"] * (canary == OWNERS)
    return st.sampled_from(words)


def conditions(canary: str) -> st.SearchStrategy[dict[str, dict[str, list[str]]]]:
    keys = [*COMMON_KEYS, f"aws:PrincipalTag/{canary}-key", f"aws:ResourceTag/{canary}-key", f"aws:{canary}"]
    operators = [
        "StringEquals", "StringLike", "StringNotLike", "ForAllValues:StringLike", "ForAnyValue:StringLike",
        "ForAnyValue:StringNotLike", "StringEqualsIfExists", "ArnLike", "StringFoo",
    ]  # fmt: skip
    return st.dictionaries(
        st.sampled_from(operators),
        st.dictionaries(st.sampled_from(keys), st.lists(patterns(canary), min_size=1, max_size=2), min_size=1,
                        max_size=2),
        max_size=2,
    )  # fmt: skip


PRINCIPALS = st.sampled_from(
    [
        {"AWS": USER}, {"AWS": ROLE}, {"AWS": SENDER}, {"AWS": "*"}, {"Service": "cognito-idp.amazonaws.com"},
        {"AWS": f"arn:aws:iam::{SENDER}:user/{OWNERS}"}, {"AWS": [SENDER, f"arn:aws:iam::333333333333:role/{OWNERS}"]},
        {"AWS": f"arn:aws:sts::{SENDER}:assumed-role/app/{OWNERS}"}, {"Service": f"cognito-idp.{OWNERS}.amazonaws.com"},
    ]
)  # fmt: skip


RESOURCES = {
    OWNERS: [ARN, ARN, ARN, f"{ARN}{OWNERS}"],
    SENDERS: [
        ARN,
        "*",
        f"{ARN}{SENDERS}",
        f"{ARN}${{aws:ResourceTag/env}}",
        f"{ARN[:-11]}*@${{aws:ResourceTag/env}}",
    ],
}


@st.composite
def statements(draw: st.DrawFn, canary: str) -> dict[str, Any]:
    statement: dict[str, Any] = {
        "Sid": canary,
        "Effect": draw(st.sampled_from(["Allow", "Allow", "Allow", "Deny"])),
        "Action": draw(st.sampled_from(["ses:SendEmail", "ses:*", "ses:SendRawEmail", f"ses:{canary}*"])),
        "Resource": draw(st.sampled_from(RESOURCES[canary])),
    }
    if canary == OWNERS:
        statement["Principal"] = draw(PRINCIPALS)
    if found := draw(conditions(canary)):
        statement["Condition"] = found
    return statement


def documents(canary: str) -> st.SearchStrategy[list[tuple[str, str]]]:
    text = st.lists(statements(canary), min_size=1, max_size=3).map(
        lambda found: json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [one | {"Sid": f"{canary}{number}"} for number, one in enumerate(found)],
            }
        )
    )
    return st.lists(text, max_size=2).map(
        lambda texts: [(f"{canary}-policy{number}", text) for number, text in enumerate(texts)]
    )


def explained(
    requester: Requester,
    identity: list[tuple[str, str]],
    iam: list[tuple[str, str]],
    form: str = "{}",
    context: Mapping[str, str] = MappingProxyType({}),
) -> Explanation:
    tags = {
        key: form.format(value) for key, value in CONTEXT.items() if "Tag/" in key and isinstance(value, str)
    }
    request = Request(
        requester=requester,
        action="ses:SendEmail",
        resource=ARN,
        resource_account=OWNER,
        context={**CONTEXT, **tags, **context},
    )
    return explain(
        request,
        iam=[(name, parse_stored_iam_policy(text)) for name, text in iam],
        identity=[(name, parse_stored_identity_policy(text)) for name, text in identity],
        principal_ids={USER: "AIDAOLD"},
    )


def told(explanation: Explanation, reader: Reader) -> str:
    """All that a reader is given of an explanation."""
    causes = policy_causes(explanation, reader, setting=Setting(uses=("From",), bound={ROLE: "AROAOLD"}))
    view: Any = sender_view(explanation) if reader is Reader.SENDER else owner_view(explanation)
    return (
        repr(view)
        + json.dumps([cause.as_json() for cause in causes])
        + "".join(cause.line() for cause in causes)
    )


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(REQUESTERS), documents(OWNERS), documents(SENDERS), st.sampled_from(FORMS))
def test_views_and_causes_of_random_policies_have_nothing_of_the_other_side(
    requester: Requester, identity: list[tuple[str, str]], iam: list[tuple[str, str]], form: str
) -> None:
    explanation = explained(requester, identity, iam, form)
    assert OWNERS not in told(explanation, Reader.SENDER)
    assert SENDERS not in told(explanation, Reader.OWNER)


OTHERS = "othercanary"
FROM_ELSEWHERE = {"ses:FromAddress": f"{OTHERS}@{OTHERS}.test", "ses:FromDisplayName": OTHERS}
ABOUT_FROM = ("${ses:FromAddress}", "${ses:FromDisplayName}", "*@example.com", "*", "News", f"{OTHERS[:5]}*")


@st.composite
def about_from(draw: st.DrawFn) -> list[tuple[str, str]]:
    """Policies of an owner that ask of From, in which nothing is from it."""
    statement = {
        "Effect": draw(st.sampled_from(["Allow", "Deny"])),
        "Principal": {"AWS": draw(st.sampled_from(["*", SENDER]))},
        "Action": "ses:SendEmail",
        "Resource": ARN,
        "Condition": draw(
            st.dictionaries(
                st.sampled_from(["StringEquals", "StringLike", "StringNotLike", "StringNotEquals", "Null"]),
                st.dictionaries(
                    st.sampled_from(["ses:FromAddress", "ses:FromDisplayName", "ses:FeedbackAddress"]),
                    st.sampled_from(ABOUT_FROM),
                    min_size=1,
                ),
                min_size=1,
                max_size=2,
            )
        ),
    }
    allow = {"Effect": "Allow", "Principal": {"AWS": SENDER}, "Action": "ses:SendEmail", "Resource": ARN}
    found = [statement] + ([allow] if draw(st.booleans()) else [])
    return [("asks", json.dumps({"Version": "2012-10-17", "Statement": found}))]


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from(REQUESTERS),
    about_from(),
    st.sampled_from([("Return-Path",), ("Source", "Return-Path"), ("Source",), ("Sender",)]),
)
def test_the_owner_of_another_use_reads_nothing_of_from(
    requester: Requester, identity: list[tuple[str, str]], uses: tuple[str, ...]
) -> None:
    explanation = explained(requester, identity, [], context=FROM_ELSEWHERE)
    causes = policy_causes(explanation, Reader.OWNER, setting=Setting(uses=uses))
    said = repr(owner_view(explanation, uses)) + json.dumps([cause.as_json() for cause in causes])
    assert OTHERS not in said


def test_the_search_sees_a_leak() -> None:
    """Both canaries are in what the operator reads, so that there is something to leak."""
    allow = {"Effect": "Allow", "Action": "ses:SendEmail", "Resource": ARN, "Sid": f"{OWNERS}1", "Principal":
             {"AWS": USER}, "Condition": {"StringEquals": {"aws:UserAgent": OWNERS}}}  # fmt: skip
    text = json.dumps({"Version": "2012-10-17", "Statement": allow})
    explanation = explained(REQUESTERS[0], [(f"{OWNERS}-policy", text.replace(USER, SENDER))], [])
    causes = "".join(cause.line() for cause in policy_causes(explanation, Reader.OPERATOR))
    assert OWNERS in causes and SENDERS in causes


# The same through the whole house: what is kept, told and printed.


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    opened = World.open(tmp_path_factory.mktemp("views") / "data")
    yield opened
    opened.close()


SENDS = st.fixed_dictionaries(
    {
        "door": st.sampled_from(["v1", "raw", "smtp", "v2"]),
        "from": st.sampled_from(["news@example.com", "News <ceo@example.com>"]),
        "named": st.booleans(),
        "return_path": st.sampled_from([None, "b@elsewhere.test"]),
    }
)


def printed(capsys: pytest.CaptureFixture[str], world: World, *arguments: str) -> str:
    """What a command prints, as text and as JSON."""
    capsys.readouterr()
    where = ["--data", str(world.services.settings.data_dir)]
    for more in ([], ["--json"]):
        assert main([*arguments, *more, *where]) in (0, 1)
    return capsys.readouterr().out


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    allow=st.sampled_from([None, "everything", "another address", "deny"]),
    iam=st.sampled_from([None, "everything", "another address", "deny"]),
    wanted=SENDS,
)
def test_commands_print_nothing_of_the_other_side(
    world: World,
    capsys: pytest.CaptureFixture[str],
    allow: str | None,
    iam: str | None,
    wanted: dict[str, Any],
) -> None:
    case = Case(world)
    owner, sender = case.account("owner"), case.account("sender")
    arn = case.arn("owner", "example.com")
    case.step("identity", "owner", "example.com")
    case.step("call", "owner", "sesv2", "tag_resource", {"ResourceArn": arn, "Tags": [
        {"Key": f"{OWNERS}-key", "Value": f"{OWNERS}-tag"}]})  # fmt: skip

    def grants(kind: str | None, canary: str, principal: dict[str, Any]) -> list[dict[str, Any]]:
        usual = {"Sid": f"{canary}1", "Effect": "Allow", "Action": "ses:Send*", "Resource": arn, **principal}
        found = [usual] if kind else []
        if kind == "another address":
            own = {f"aws:ResourceTag/{OWNERS}-key": "x", f"aws:PrincipalTag/{SENDERS}-key": "x"}
            usual["Condition"] = {
                "StringLike": {"ses:FromAddress": f"{canary}@example.com"},
                "StringNotLike": own if canary == SENDERS else {"ses:FromAddress": canary},
            }
        if kind == "deny":
            found.append({**usual, "Sid": f"{canary}2", "Effect": "Deny"})
        return found

    case.step("user", "sender", "robot", *grants(iam, SENDERS, {}))
    case.step("tag_user", "sender", "robot", f"{SENDERS}-key", f"{SENDERS}-tag")
    name = f"{OWNERS}{secrets.token_hex(3)}"
    if found := grants(allow, OWNERS, {"Principal": {"AWS": sender.account_id}}):
        ses = world.client("ses", owner)
        document = json.dumps({"Version": "2012-10-17", "Statement": found})
        ses.put_identity_policy(Identity="example.com", PolicyName=name, Policy=document)
    send = {key: value for key, value in wanted.items() if key != "named" and value is not None}
    send |= {"as": "sender/robot", "subject": f"{SENDERS} subject", "to": f"{SENDERS}@elsewhere.test"}
    if wanted["named"]:
        parameter = "FromEmailAddressIdentityArn" if wanted["door"] == "v2" else "SourceArn"
        in_field = wanted["door"] == "smtp"
        send |= {"fields": [["X-SES-SOURCE-ARN", arn]]} if in_field else {"arns": {parameter: arn}}
    sent = case.send(send)
    told = {
        account.account_id: printed(capsys, world, "decisions", account.account_id)
        for account in (owner, sender)
    }
    what_if = ("policy", "what-if", "--identity", arn, "--remove", name)
    told[owner.account_id] += printed(capsys, world, *what_if)
    told[sender.account_id] += printed(capsys, world, *what_if, "--as", "sender")
    if sent.message_id:
        told[owner.account_id] += printed(capsys, world, "trace", sent.message_id, "--as", "owner")
        told[sender.account_id] += printed(capsys, world, "trace", sent.message_id, "--as", "sender")
    assert OWNERS not in told[sender.account_id].replace(f'"{name}"', "")
    assert SENDERS not in told[owner.account_id]
    assert sender.account_id in told[sender.account_id]
