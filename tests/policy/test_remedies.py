"""What is proposed about a statement lets the request through that it kept out, and nobody else's."""

import json
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from sesame.policy import (
    Outcome,
    Request,
    Requester,
    explain,
    parse_stored_iam_policy,
    parse_stored_identity_policy,
    sender_view,
)
from sesame.policy.language.document import Policy
from sesame.policy.reasons.case import Setting
from sesame.policy.reasons.cause import Cause, Code, How, Reader
from sesame.policy.reasons.edits import edited
from sesame.policy.reasons.gaps import policy_causes

OWNER, SENDER, OTHER = "111122223333", "444455556666", "777788889999"
ARN = f"arn:aws:ses:us-east-1:{OWNER}:identity/example.com"
ROBOT = Requester(
    arn=f"arn:aws:iam::{SENDER}:user/robot", account_id=SENDER, kind="user", user_id="AIDAROBOT"
)
SESSION = Requester(
    arn=f"arn:aws:sts::{SENDER}:assumed-role/mailer/job",
    account_id=SENDER,
    kind="role",
    user_id="AROAMAILER:job",
    role_arn=f"arn:aws:iam::{SENDER}:role/mailer",
)
STRANGER = Requester(arn=f"arn:aws:iam::{OTHER}:user/eve", account_id=OTHER, kind="user", user_id="AIDAEVE")
MAY = {"Effect": "Allow", "Action": "ses:*", "Resource": "*"}


def asked(who: Requester = ROBOT, /, **context: Any) -> Request:
    usual = {
        "aws:PrincipalAccount": who.account_id,
        "aws:PrincipalArn": who.role_arn or who.arn,
        "aws:RequestedRegion": "us-east-1",
        "aws:SourceIp": "203.0.113.7",
        "aws:SecureTransport": "true",
        "aws:EpochTime": "1795978054",
        "ses:FromAddress": "news@example.com",
        "ses:FeedbackAddress": "news@example.com",
        "ses:Recipients": ("ann@corp.test", "bob@elsewhere.test"),
    }
    return Request(
        requester=who,
        action="ses:SendEmail",
        resource=ARN,
        resource_account=OWNER,
        context={key: value for key, value in (usual | context).items() if value is not None},
    )


def written(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def lends(**changed: Any) -> dict[str, Any]:
    whole = {"Effect": "Allow", "Principal": {"AWS": SENDER}, "Action": "ses:*", "Resource": ARN}
    return whole | changed


def denies(**changed: Any) -> dict[str, Any]:
    whole = {"Effect": "Deny", "Principal": "*", "Action": "ses:*", "Resource": ARN} | changed
    return {key: value for key, value in whole.items() if value is not None}


def lending(text: str) -> list[tuple[str, Policy]]:
    return [("p", parse_stored_identity_policy(text))]


def having(text: str = "") -> list[tuple[str, Policy]]:
    return [("own", parse_stored_iam_policy(text or written(MAY)))]


def outcome(request: Request, theirs: str, own: str = "") -> Outcome:
    return explain(request, iam=having(own), identity=lending(theirs)).outcome


def first(request: Request, theirs: str, reader: Reader, own: str = "", **setting: Any) -> Cause:
    explanation = explain(request, iam=having(own), identity=lending(theirs))
    assert explanation.outcome is not Outcome.ALLOW
    return policy_causes(explanation, reader, setting=Setting(**setting))[0]


def condition(operator: str, key: str, *values: str) -> dict[str, Any]:
    return {"Condition": {operator: {key: list(values)}}}


GUARDS: dict[str, tuple[dict[str, Any], str]] = {
    "account": (condition("StringNotEquals", "aws:PrincipalAccount", OWNER), SENDER),
    "account, folded": (condition("StringNotEqualsIgnoreCase", "aws:PrincipalAccount", OWNER), SENDER),
    "account, like": (condition("StringNotLike", "aws:PrincipalAccount", "11112222*"), SENDER),
    "account if it is there": (condition("StringNotEqualsIfExists", "aws:PrincipalAccount", OWNER), SENDER),
    "role": (condition("ArnNotEquals", "aws:PrincipalArn", f"arn:aws:iam::{SENDER}:role/app"), ROBOT.arn),
    "roles": (condition("ArnNotLike", "aws:PrincipalArn", f"arn:aws:iam::{SENDER}:role/*"), ROBOT.arn),
    "network": (condition("NotIpAddress", "aws:SourceIp", "198.51.100.0/24"), "203.0.113.7/32"),
    "region": (condition("StringNotEquals", "aws:RequestedRegion", "eu-west-1", "eu-north-1"), "us-east-1"),
    "From": (condition("StringNotLike", "ses:FromAddress", "info@*"), "news@example.com"),
    "every From": (
        condition("ForAllValues:StringNotEquals", "ses:FromAddress", "info@example.com"),
        "news@example.com",
    ),
}


@pytest.mark.parametrize(("guard", "value"), GUARDS.values(), ids=GUARDS)
def test_a_guard_gets_one_exception_more_and_stays(guard: dict[str, Any], value: str) -> None:
    text = written(lends(), denies(**guard))
    found = first(asked(), text, Reader.OWNER)
    assert found.code is Code.DENY and found.mend.how is How.CHANGE_STATEMENT
    assert f"add `{value}`" in found.mend.text
    after = edited(text, found.mend.details["statement"], found.mend.details["changes"])
    assert outcome(asked(), after) is Outcome.ALLOW
    elsewhere = {"aws:SourceIp": "192.0.2.1", "aws:RequestedRegion": "ap-south-1"}
    other = asked(STRANGER, **elsewhere | {"ses:FromAddress": "ceo@example.com"})
    assert outcome(other, after) is Outcome.EXPLICIT_DENY


@pytest.mark.parametrize(
    ("guard", "value"),
    [
        (condition("StringNotEquals", "aws:PrincipalOrgID", "o-1"), SENDER),
        (condition("StringNotEqualsIfExists", "aws:PrincipalOrgID", "o-1"), SENDER),
        (condition("ForAllValues:StringNotLike", "aws:PrincipalOrgPaths", "o-1/*"), SENDER),
        (condition("StringNotEquals", "aws:SourceVpce", "vpce-1"), "203.0.113.7/32"),
        (condition("NotIpAddress", "aws:VpcSourceIp", "10.0.0.0/8"), "203.0.113.7/32"),
    ],
)
def test_a_perimeter_by_what_is_never_carried_is_drawn_by_what_is(guard: dict[str, Any], value: str) -> None:
    text = written(lends(Principal="*"), denies(**guard))
    mend = first(asked(), text, Reader.OWNER).mend
    assert value in mend.text and "in place of its" in mend.text
    after = edited(text, mend.details["statement"], mend.details["changes"])
    assert outcome(asked(), after) is Outcome.ALLOW
    assert outcome(asked(STRANGER, **{"aws:SourceIp": "192.0.2.1"}), after) is Outcome.EXPLICIT_DENY


@pytest.mark.parametrize("who", [ROBOT, SESSION])
@pytest.mark.parametrize(
    "guard",
    [
        condition("BoolIfExists", "aws:MultiFactorAuthPresent", "false"),
        condition("Bool", "aws:ViaAWSService", "false"),
        condition("StringLike", "ses:FromAddress", "news@*"),
        condition("StringNotEquals", "aws:PrincipalTag/team", "news"),
        condition("ForAnyValue:StringNotLike", "ses:Recipients", "*@corp.test"),
        condition("NumericGreaterThan", "aws:EpochTime", "1"),
        condition("StringNotEquals", "aws:SourceAccount", SENDER),
        condition("ArnNotLike", "aws:SourceArn", "arn:aws:lambda:*:*:*"),
    ],
)
def test_a_guard_that_takes_no_value_exempts_the_sender_alone(guard: dict[str, Any], who: Requester) -> None:
    text = written(lends(Principal="*"), denies(**guard))
    carried = {"aws:ViaAWSService": "false"}
    mend = first(asked(who, **carried), text, Reader.OWNER).mend
    assert f"exempt `{who.role_arn or who.arn}`" in mend.text
    after = edited(text, mend.details["statement"], mend.details["changes"])
    assert outcome(asked(who, **carried), after) is Outcome.ALLOW
    assert outcome(asked(STRANGER, **carried), after) is Outcome.EXPLICIT_DENY


def test_a_deny_of_the_sender_alone_is_as_it_was_meant() -> None:
    mend = first(asked(), written(lends(), denies(Principal={"AWS": ROBOT.arn})), Reader.OWNER).mend
    assert mend.details["changes"] == [{"remove": True}] and "change or remove" in mend.text


@pytest.mark.parametrize("named", ["*", {"AWS": SENDER}, {"AWS": [ROBOT.arn, STRANGER.arn]}])
def test_a_deny_of_others_too_stays_for_them(named: Any) -> None:
    text = written(lends(Principal="*"), denies(Principal=named))
    mend = first(asked(), text, Reader.OWNER).mend
    assert "remove" not in mend.text and f"exempt `{ROBOT.arn}`" in mend.text
    after = edited(text, mend.details["statement"], mend.details["changes"])
    assert outcome(asked(), after) is Outcome.ALLOW
    if named == "*":
        assert outcome(asked(STRANGER), after) is Outcome.EXPLICIT_DENY


SERVICE = Requester(
    arn="cognito-idp.amazonaws.com", account_id="", user_id="cognito-idp.amazonaws.com", kind="service"
)


def test_a_service_is_let_in_for_the_account_that_it_acts_for() -> None:
    """Its other customers stay out: of the new statement, and of the exception in a Deny."""
    mine, theirs = (
        asked(SERVICE, **{"aws:SourceAccount": SENDER}),
        asked(SERVICE, **{"aws:SourceAccount": "111111111111"}),
    )
    mend = first(mine, written(lends(Principal={"AWS": SENDER})), Reader.OWNER).mend
    assert mend.details["statement"]["Condition"]["StringEquals"]["aws:SourceAccount"] == SENDER
    named = lends(Principal={"Service": SERVICE.arn})
    for guard in ({}, condition("StringLike", "ses:FromAddress", "news@*")):
        text = written(named, denies(**guard))
        mend = first(mine, text, Reader.OWNER).mend
        after = edited(text, mend.details["statement"], mend.details["changes"])
        assert outcome(mine, after) is Outcome.ALLOW and outcome(theirs, after) is Outcome.EXPLICIT_DENY


def test_what_a_request_lacks_is_asked_of_those_alone_that_carry_it() -> None:
    text = written(lends(**condition("StringLike", "ses:FromDisplayName", "News*")))
    mend = first(asked(), text, Reader.OWNER).mend
    assert "write StringLikeIfExists in place of StringLike" in mend.text and "`News*`" in mend.text
    after = edited(text, mend.details["statement"], mend.details["changes"])
    assert outcome(asked(), after) is Outcome.ALLOW
    assert outcome(asked(**{"ses:FromDisplayName": "Boss"}), after) is Outcome.IMPLICIT_DENY
    everybody = first(
        asked(),
        written(lends(Principal="*", **condition("StringLike", "ses:FromDisplayName", "News*"))),
        Reader.OWNER,
    )
    assert everybody.mend.details["statement"]["Principal"] != "*"


def test_a_recipient_that_the_owner_does_not_see_is_for_the_sender_to_name() -> None:
    text = written(lends(**condition("ForAllValues:StringLike", "ses:Recipients", "*@partner.test")))
    mend = first(asked(**{"ses:Recipients": ("a@partner.test", "b@hidden.test")}), text, Reader.OWNER).mend
    [change] = mend.details["changes"]
    assert change["add"] is None and "hidden" not in mend.text and "the sender can name" in mend.text
    assert "take its" not in mend.text


def test_a_second_factor_that_a_guard_asks_for_is_said_to_be_a_sessions() -> None:
    guard = condition("BoolIfExists", "aws:MultiFactorAuthPresent", "false")
    own = written(MAY, {"Effect": "Deny", "NotAction": "iam:*", "Resource": "*", **guard})
    found = first(asked(), written(lends()), Reader.SENDER, own)
    assert "an access key carries no second factor, a session opened with a code" in found.text
    assert found.mend.text.startswith("the sender signs with the keys of a session that it opens")
    assert "add `ses:SendEmail` to its NotAction" in found.mend.text


def test_an_ipv6_address_is_an_exception_of_its_own() -> None:
    guard = condition("NotIpAddress", "aws:SourceIp", "2001:db8:1::/48")
    mend = first(
        asked(**{"aws:SourceIp": "2001:db8::7"}), written(lends(), denies(**guard)), Reader.OWNER
    ).mend
    assert "add `2001:db8::7/128`" in mend.text


@pytest.mark.parametrize(
    ("element", "values", "value"),
    [
        ("NotAction", ["ses:SendRawEmail"], "ses:SendEmail"),
        ("NotAction", "iam:*", "ses:SendEmail"),
        ("NotResource", f"arn:aws:ses:*:{SENDER}:identity/*", ARN),
        ("NotResource", [f"arn:aws:ses:*:{SENDER}:identity/*", "arn:aws:s3:::*"], ARN),
    ],
)
def test_what_is_denied_but_for_a_list_is_put_on_the_list(element: str, values: Any, value: str) -> None:
    deny = {"Effect": "Deny", "Action": "*", "Resource": "*", element: values}
    del deny[element.removeprefix("Not")]
    own = written(MAY, deny)
    found = first(asked(), written(lends()), Reader.SENDER, own)
    assert f"its {element}" in found.text and f"add `{value}` to its {element}" in found.mend.text
    after = edited(own, found.mend.details["statement"], found.mend.details["changes"])
    assert outcome(asked(), written(lends()), after) is Outcome.ALLOW
    assert len(json.loads(after)["Statement"]) == 2


def test_a_region_lock_with_its_global_services_is_widened_by_the_region() -> None:
    lock = {"Effect": "Deny", "NotAction": ["iam:*", "sts:*"], "Resource": "*"}
    own = written(MAY, lock | condition("StringNotEquals", "aws:RequestedRegion", "eu-west-1"))
    mend = first(asked(), written(lends()), Reader.SENDER, own).mend
    # Another region is offered by who knows whether the identity is verified there.
    assert "add `us-east-1`" in mend.text and "calls region" not in mend.text


def test_what_is_the_senders_is_no_exception_for_the_owner_to_write() -> None:
    guard = condition("ForAnyValue:StringNotLike", "ses:Recipients", "*@corp.test")
    for reader, told in ((Reader.OWNER, "not shown"), (Reader.SENDER, "`bob@elsewhere.test`")):
        found = first(asked(), written(lends(), denies(**guard)), reader)
        assert told in found.text and "ann@" not in found.text + found.mend.text
        assert ("bob@" in found.text + found.mend.text) == (reader is Reader.SENDER)


LACKING: dict[str, tuple[Requester, dict[str, Any], str]] = {
    "organization": (ROBOT, condition("StringEquals", "aws:PrincipalOrgID", "o-1"), SENDER),
    "organizations": (ROBOT, condition("ForAnyValue:StringEquals", "aws:PrincipalOrgID", "o-1"), SENDER),
    "paths": (ROBOT, condition("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", "o-1/*"), SENDER),
    "endpoint": (ROBOT, condition("StringEquals", "aws:SourceVpce", "vpce-1"), "203.0.113.7/32"),
    "network": (ROBOT, condition("StringEquals", "aws:SourceVpc", "vpc-1"), "203.0.113.7/32"),
    "address in it": (ROBOT, condition("IpAddress", "aws:VpcSourceIp", "10.0.0.0/8"), "203.0.113.7/32"),
}


@pytest.mark.parametrize("principal", [{"AWS": SENDER}, "*"], ids=["account", "everybody"])
@pytest.mark.parametrize(("who", "asks", "value"), LACKING.values(), ids=LACKING)
def test_a_key_that_is_never_carried_gives_way_to_one_that_is(
    who: Requester, asks: dict[str, Any], value: str, principal: Any
) -> None:
    text = written(lends(Principal=principal, **asks))
    found = first(asked(who), text, Reader.OWNER)
    assert value in found.mend.text
    if principal == "*" and "/" in value:  # whoever else comes from that network would get in by it
        assert found.mend.how is How.PUT_IDENTITY_POLICY
        after = written(json.loads(text)["Statement"][0], found.mend.details["statement"])
    else:
        assert "in place of its" in found.mend.text
        after = edited(text, found.mend.details["statement"], found.mend.details["changes"])
    assert outcome(asked(who), after) is Outcome.ALLOW
    for address in ("192.0.2.1", "203.0.113.7")[: 2 if principal == "*" else 1]:
        assert outcome(asked(STRANGER, **{"aws:SourceIp": address}), after) is Outcome.IMPLICIT_DENY


@pytest.mark.parametrize(
    ("principal", "asks", "is_swapped"),
    [
        ({"AWS": SENDER}, condition("StringEquals", "aws:SourceAccount", SENDER), True),
        ({"AWS": SENDER}, condition("ArnLike", "aws:SourceArn", "arn:aws:lambda:*:*:function:x"), True),
        ({"AWS": SESSION.role_arn}, condition("StringEquals", "aws:username", "mailer"), True),
        ({"AWS": SENDER}, condition("StringEquals", "aws:username", "mailer"), False),
        ("*", condition("StringEquals", "aws:SourceAccount", SENDER), False),
        (
            {"AWS": SENDER, "Service": "news.amazonaws.com"},
            condition("StringEquals", "aws:SourceAccount", SENDER),
            False,
        ),
    ],
)
def test_what_others_carry_is_left_to_them(principal: Any, asks: dict[str, Any], is_swapped: bool) -> None:
    text = written(lends(Principal=principal, **asks))
    mend = first(asked(SESSION), text, Reader.OWNER).mend
    if is_swapped:
        assert "in place of its" in mend.text
        after = edited(text, mend.details["statement"], mend.details["changes"])
    else:
        assert mend.how is How.PUT_IDENTITY_POLICY
        after = written(json.loads(text)["Statement"][0], mend.details["statement"])
    assert outcome(asked(SESSION), after) is Outcome.ALLOW
    assert outcome(asked(STRANGER), after) is Outcome.IMPLICIT_DENY


def test_another_condition_on_the_same_key_is_left_as_it_is() -> None:
    both = {"aws:PrincipalOrgID": "o-1", "aws:PrincipalAccount": [SENDER, OWNER]}
    text = written(lends(Principal="*", Condition={"StringEquals": both}))
    mend = first(asked(), text, Reader.OWNER).mend
    after = json.loads(edited(text, 0, mend.details["changes"]))["Statement"][0]
    assert after["Condition"] == {"StringEquals": {"aws:PrincipalAccount": [SENDER, OWNER]}}


@pytest.mark.parametrize("reader", [Reader.OWNER, Reader.OPERATOR])
@pytest.mark.parametrize(
    "asks",
    [
        condition("Bool", "aws:MultiFactorAuthPresent", "true"),
        condition("StringEquals", "aws:PrincipalTag/team", "news"),
        condition("Null", "aws:TokenIssueTime", "false"),
        condition("StringNotEquals", "ses:FromAddress", "news@example.com"),
        condition("NumericLessThan", "aws:MultiFactorAuthAge", "300"),
    ],
)
def test_no_condition_is_dropped_from_what_is_for_everybody(asks: dict[str, Any], reader: Reader) -> None:
    text = written(lends(Principal="*", **asks))
    mend = first(asked(), text, reader).mend
    assert mend.how is How.PUT_IDENTITY_POLICY
    after = written(json.loads(text)["Statement"][0], mend.details["statement"])
    assert outcome(asked(), after) is Outcome.ALLOW
    assert outcome(asked(STRANGER, **{"ses:FromAddress": "news@example.com"}), after) is Outcome.IMPLICIT_DENY


@pytest.mark.parametrize(
    ("asks", "context", "told"),
    [
        (condition("StringEquals", "ses:FeedbackAddress", "b@example.com"), {}, "the return path"),
        (
            condition("StringEquals", "ses:FromDisplayName", "News"),
            {"ses:FromDisplayName": "N"},
            "display name",
        ),
        (condition("StringEquals", "ses:ApiVersion", "2"), {"ses:ApiVersion": "1"}, "version `2`"),
        (condition("Null", "aws:TokenIssueTime", "false"), {}, "session of a role"),
        (condition("DateGreaterThan", "aws:TokenIssueTime", "2026-01-01T00:00:00Z"), {}, "session of a role"),
        (
            condition("StringEquals", "aws:PrincipalTag/team", "news"),
            {"aws:PrincipalTag/team": "x"},
            "the tag `team` with `news`",
        ),
        (condition("ForAllValues:StringLike", "ses:Recipients", "*@corp.test"), {}, "no recipients but"),
    ],
)
def test_the_owner_is_told_what_the_sender_may_do_instead(
    asks: dict[str, Any], context: dict[str, Any], told: str
) -> None:
    assert told in first(asked(**context), written(lends(**asks)), Reader.OWNER).mend.text


@pytest.mark.parametrize(
    "operator", ["StringEquals", "StringLike", "StringEqualsIfExists", "ForAnyValue:StringEquals"]
)
@pytest.mark.parametrize("reader", [Reader.OWNER, Reader.SENDER])
def test_what_is_said_of_a_tag_that_a_reader_may_not_see_is_the_same_whatever_it_is(
    reader: Reader, operator: str
) -> None:
    """Not that it would match in other letters, under another operator, or without white space."""
    key = "aws:PrincipalTag/team" if reader is Reader.OWNER else "aws:ResourceTag/team"
    for wanted in ("news", "ne*", "news "):
        asks = lends(**condition(operator, key, wanted))
        own = written(
            {"Effect": "Allow", "Action": "ses:*", "Resource": "*", **condition(operator, key, wanted)}
        )
        sides = (written(asks), "") if reader is Reader.OWNER else (written(lends()), own)
        said = {
            str(first(asked(**{key: value}), sides[0], reader, sides[1]))
            for value in ("News", "NEWS", "other", "n")
        }
        assert len(said) == 1


@pytest.mark.parametrize(
    ("asks", "recipients", "is_case"),
    [
        (condition("ForAllValues:StringLike", "ses:Recipients", "*@corp.test"), ("A@Corp.test",), True),
        (condition("ForAllValues:StringEquals", "ses:Recipients", "a@corp.test"), ("A@corp.test",), True),
        (
            condition("ForAllValues:StringLike", "ses:Recipients", "*@corp.test"),
            ("A@Corp.test", "b@x.test"),
            False,
        ),
        (condition("ForAllValues:StringLike", "ses:Recipients", "*@corp.test"), ("b@x.test",), False),
    ],
)
def test_capitals_are_told_of_where_they_alone_are_in_the_way(
    asks: dict[str, Any], recipients: tuple[str, ...], is_case: bool
) -> None:
    found = first(asked(**{"ses:Recipients": recipients}), written(lends(**asks)), Reader.OWNER)
    assert ("capitals count" in found.text) == is_case
    assert not any(address in found.text + found.mend.text for address in recipients)


@pytest.mark.parametrize(
    ("operator", "value", "proposed"),
    [
        ("NumericGreaterThan", "1735689600000", "1735689600"),
        ("NumericGreaterThanEquals", "1795978054000", None),
        ("NumericGreaterThan", "1999999999999", None),
        ("NumericGreaterThan", "1999999999", None),
        ("NumericLessThan", "1735689600", None),
    ],
)
def test_milliseconds_are_seconds_where_that_helps(operator: str, value: str, proposed: str | None) -> None:
    text = written(lends(**condition(operator, "aws:EpochTime", value)))
    found = first(asked(), text, Reader.OWNER)
    [change] = found.mend.details["changes"]
    assert change["with"] == proposed and ("milliseconds" in found.text) == (len(value) == 13)
    if proposed:
        assert outcome(asked(), edited(text, 0, [change])) is Outcome.ALLOW


def test_a_lack_of_tls_is_the_clients_to_end_whosever_guard_it_is() -> None:
    plain = asked(**{"aws:SecureTransport": "false"})
    guard = condition("Bool", "aws:SecureTransport", "false")
    own = written(MAY, {"Effect": "Deny", "Action": "*", "Resource": "*", **guard})
    for found in (
        first(plain, written(lends()), Reader.SENDER, own),
        first(plain, written(lends(), denies(**guard)), Reader.SENDER),
    ):
        assert found.mend.how is How.SET_PARAMETER and "https://" in found.mend.text
    assert "https://" in first(plain, written(lends(), denies(**guard)), Reader.OWNER).mend.text


def test_an_identity_that_is_asked_for_denies_alone_needs_no_allow() -> None:
    explanation = explain(asked(), iam=having(), identity=lending(written(denies())))
    found = policy_causes(explanation, Reader.OWNER, setting=Setting(is_let_in=True))
    assert [cause.code for cause in found] == [Code.DENY]


def test_a_sender_reads_of_an_absent_key_that_the_owner_asks_for() -> None:
    guard = condition("Null", "aws:TokenIssueTime", "true")
    found = first(asked(), written(lends(), denies(**guard)), Reader.SENDER)
    assert "aws:TokenIssueTime, which this request does not carry" in found.text
    assert "session of a role" in found.mend.text
    tag = condition("StringNotEquals", "aws:PrincipalTag/zqowner", "zqowner")
    told = first(asked(), written(lends(), denies(**tag)), Reader.SENDER)
    assert "zqowner" not in told.text + str(told.mend)


def test_for_whom_a_service_sends_is_not_for_the_owner_to_say() -> None:
    who = replace(ROBOT, arn="news.example.com", account_id="", kind="service")
    asks = condition("StringEquals", "aws:SourceAccount", OTHER)
    text = written(lends(Principal={"Service": "news.example.com"}, **asks))
    for seen, is_told in ((SENDER, False), (None, True)):
        carried = {} if seen is None else {"aws:SourceAccount": seen}
        request = msgspec.structs.replace(asked(who), context=carried)
        mend = first(request, text, Reader.OWNER).mend
        assert ("x-amz-source-account" in mend.text) == is_told


def test_services_have_no_account_to_name_in_place() -> None:
    who = replace(ROBOT, arn="news.example.com", account_id="", kind="service")
    request = msgspec.structs.replace(asked(who), context={"aws:SourceIp": "203.0.113.7"})
    asks = condition("StringEquals", "aws:PrincipalOrgID", "o-1")
    text = written(lends(Principal={"Service": "news.example.com"}, **asks))
    assert "in place of" not in first(request, text, Reader.OWNER).mend.text


SELF_CHOSEN = ("*@example.com", "?ews@example.com", "${*}@example.com", "$@example.com", "a${b@example.com")
"""What a sender may be called by, and what would be a pattern or a variable where it is written as it is."""


@pytest.mark.parametrize("chosen", SELF_CHOSEN)
@pytest.mark.parametrize(
    "operator", ["StringLike", "StringEquals", "StringLikeIfExists", "StringEqualsIgnoreCase"]
)
def test_a_value_that_the_sender_chose_is_added_to_an_allow_literally(operator: str, chosen: str) -> None:
    text = written(lends(**condition(operator, "ses:FromAddress", "info@example.com")))
    request = asked(**{"ses:FromAddress": chosen})
    mend = first(request, text, Reader.OWNER).mend
    after = edited(text, mend.details["statement"], mend.details["changes"])
    assert outcome(request, after) is Outcome.ALLOW
    for other in ("news@example.com", "ceo@example.com", "*x@example.com"):
        assert outcome(asked(**{"ses:FromAddress": other}), after) is Outcome.IMPLICIT_DENY


@pytest.mark.parametrize("chosen", SELF_CHOSEN)
@pytest.mark.parametrize("operator", ["StringNotLike", "StringNotEquals", "ForAllValues:StringNotLike"])
def test_a_value_that_the_sender_chose_is_literally_excepted_from_a_deny(operator: str, chosen: str) -> None:
    text = written(lends(), denies(**condition(operator, "ses:FromAddress", "info@example.com")))
    request = asked(**{"ses:FromAddress": chosen})
    mend = first(request, text, Reader.OWNER).mend
    after = edited(text, mend.details["statement"], mend.details["changes"])
    assert outcome(request, after) is Outcome.ALLOW
    for other in ("news@example.com", "ceo@example.com", "*x@example.com"):
        assert outcome(asked(**{"ses:FromAddress": other}), after) is Outcome.EXPLICIT_DENY


def test_a_name_that_reads_like_a_variable_is_added_as_the_name_that_it_is() -> None:
    text = written(lends(**condition("StringEquals", "ses:FromDisplayName", "News")))
    request = asked(**{"ses:FromDisplayName": "${aws:PrincipalAccount}"})
    mend = first(request, text, Reader.OWNER).mend
    after = edited(text, mend.details["statement"], mend.details["changes"])
    assert outcome(request, after) is Outcome.ALLOW
    assert outcome(asked(**{"ses:FromDisplayName": SENDER}), after) is Outcome.IMPLICIT_DENY


def test_an_identity_whose_name_reads_like_a_pattern_is_named_alone() -> None:
    starred, other = (ARN.replace("example.com", f"{name}@example.com") for name in ("*", "ceo"))
    elsewhere = f"arn:aws:ses:*:{SENDER}:identity/*"
    theirs = written(lends(Resource="*"))
    request = msgspec.structs.replace(asked(), resource=starred)
    others = msgspec.structs.replace(asked(), resource=other)

    lacking = written({"Effect": "Allow", "Action": "ses:*", "Resource": elsewhere})
    given = written(first(request, theirs, Reader.SENDER, lacking).mend.details["statement"])
    assert outcome(request, theirs, given) is Outcome.ALLOW
    assert outcome(others, theirs, given) is Outcome.IMPLICIT_DENY

    denying = written(MAY, {"Effect": "Deny", "Action": "*", "NotResource": elsewhere})
    mend = first(request, theirs, Reader.SENDER, denying).mend
    after = edited(denying, mend.details["statement"], mend.details["changes"])
    assert outcome(request, theirs, after) is Outcome.ALLOW
    assert outcome(others, theirs, after) is Outcome.EXPLICIT_DENY


JOBS = condition("StringEquals", "ses:FromAddress", "jobs@example.com")


@pytest.mark.parametrize("named", [SENDER, f"arn:aws:iam::{SENDER}:root", [SENDER, ROBOT.arn]])
@pytest.mark.parametrize("changed", [JOBS, {"Action": "ses:SendRawEmail"}], ids=["address", "action"])
def test_what_the_whole_account_gets_by_a_change_is_said(named: Any, changed: dict[str, Any]) -> None:
    mend = first(asked(), written(lends(Principal={"AWS": named}, **changed)), Reader.OWNER).mend
    assert mend.details["also_admits"] == [{"account": SENDER}]
    assert f"that holds for all whom account `{SENDER}` lets send" in mend.text


@pytest.mark.parametrize("who", [SESSION, ROBOT], ids=["role", "user"])
def test_where_the_principal_alone_is_named_nobody_else_is_said_to_get_in(who: Requester) -> None:
    text = written(lends(Principal={"AWS": who.role_arn or who.arn}, **JOBS))
    mend = first(asked(who), text, Reader.OWNER).mend
    assert "also_admits" not in mend.details and "that holds for" not in mend.text


def test_a_condition_on_who_it_is_for_holds_for_nobody_beside_the_one_added() -> None:
    text = written(lends(Principal="*", **condition("ArnLike", "aws:PrincipalArn", "arn:aws:iam::1:user/a")))
    mend = first(asked(), text, Reader.OWNER).mend
    assert f"add `{ROBOT.arn}`" in mend.text and "that holds for" not in mend.text, mend.text
    after = edited(text, mend.details["statement"], mend.details["changes"])
    assert outcome(asked(), after) is Outcome.ALLOW
    assert outcome(asked(STRANGER), after) is Outcome.IMPLICIT_DENY


@pytest.mark.parametrize(
    ("element", "is_said"),
    [
        ({"Action": "ses:SendEmail"}, False),
        ({}, True),
        ({"Action": ["ses:SendEmail", "ses:SendRawEmail"]}, True),
    ],
)
def test_a_deny_that_is_removed_is_said_to_allow_what_else_it_denies(
    element: dict[str, Any], is_said: bool
) -> None:
    text = written(lends(), denies(Principal={"AWS": ROBOT.arn}, **element))
    mend = first(asked(), text, Reader.OWNER).mend
    assert mend.details["changes"] == [{"remove": True}]
    assert ("that allows all else that it denies" in mend.text) is is_said, mend.text
    assert mend.details.get("also_admits", []) == ([{"all": True}] if is_said else [])


def told_to_sender(request: Request, text: str) -> tuple[str, ...]:
    explanation = explain(request, iam=(), identity=lending(text) if text else [])
    view = sender_view(explanation)
    causes = [str(cause.as_json()) for cause in policy_causes(explanation, Reader.SENDER)]
    return view.sentence, repr(view.mattered), str(view.outcome), str(view.by_owner), *causes


CUSTOMER = {"aws:SourceAccount": OTHER, "aws:SourceArn": f"arn:aws:cognito-idp:us-east-1:{OTHER}:userpool/p"}
FOR_SENDER = condition("StringEquals", "aws:SourceAccount", SENDER)


@pytest.mark.parametrize(
    "statements",
    [
        [lends(Principal={"Service": SERVICE.arn}, **FOR_SENDER)],
        [lends(Principal={"Service": [SERVICE.arn, "x.amazonaws.com"]}, **FOR_SENDER)],
        [lends(Principal={"Service": SERVICE.arn}, **condition("ArnLike", "aws:SourceArn", f"arn:*:*:*:{SENDER}:*"))],
        [lends(Principal={"Service": SERVICE.arn}, Condition={
            "StringEquals": FOR_SENDER["Condition"]["StringEquals"] | JOBS["Condition"]["StringEquals"]})],
        [
            lends(Principal={"Service": SERVICE.arn}),
            denies(**condition("StringNotEquals", "aws:SourceAccount", SENDER)),
        ],
        [lends(Principal="*", **FOR_SENDER)],
    ],
)  # fmt: skip
def test_a_customer_of_a_service_that_is_not_meant_reads_what_it_reads_where_nothing_is(
    statements: list[dict[str, Any]],
) -> None:
    request = asked(SERVICE, **CUSTOMER)
    assert told_to_sender(request, written(*statements)) == told_to_sender(request, "")


def test_a_customer_that_is_meant_reads_what_kept_it_out() -> None:
    named = lends(Principal={"Service": SERVICE.arn}, Condition={**FOR_SENDER["Condition"] | {
        "StringLike": JOBS["Condition"]["StringEquals"]}})  # fmt: skip
    request = asked(SERVICE, **CUSTOMER | {"aws:SourceAccount": SENDER})
    [cause] = policy_causes(explain(request, iam=(), identity=lending(written(named))), Reader.SENDER)
    assert cause.code is Code.CONDITION and "ses:FromAddress" in cause.text


@pytest.mark.parametrize("reader", [Reader.OWNER, Reader.SENDER])
def test_a_role_in_place_of_one_session_is_said_to_be_for_all_of_them(reader: Reader) -> None:
    """The session alone is offered too, and works."""
    nightly = SESSION.arn.replace("/job", "/nightly")
    cause = first(asked(SESSION), written(lends(Principal={"AWS": nightly})), reader)
    assert cause.code is Code.ONE_SESSION and cause.mend.details["also_admits"] == [
        {"role": SESSION.role_arn}
    ]
    assert f"to let in this one alone, name `{SESSION.arn}` in it" in cause.mend.text
    other = replace(SESSION, arn=SESSION.arn.replace("/job", "/adhoc"), user_id="AROAMAILER:adhoc")
    for name, is_wide in ((SESSION.role_arn, True), (SESSION.arn, False)):
        beside = json.dumps(cause.mend.details["statement"] | {"Principal": {"AWS": name}})
        text = written(lends(Principal={"AWS": nightly}), json.loads(beside))
        assert outcome(asked(SESSION), text) is Outcome.ALLOW
        assert (outcome(asked(other), text) is Outcome.ALLOW) is is_wide


@pytest.mark.parametrize(
    ("pattern", "sent", "meant"),
    [
        ("marketing+.*@one.test", "marketing+june@one.test", "marketing+*@one.test"),
        ("^news-.+@one.test$", "news-1@one.test", "news-?*@one.test"),
        (r"news@one\.test", "news@one.test", "news@one.test"),
        (r".*@one\.test", "news@one.test", "*@one.test"),
        ("marketing+.*@one.test", "sales+june@one.test", None),
        ("(news|sales)@one.test", "news@one.test", None),
        ("[a-z]+@one.test", "news@one.test", None),
        ("marketing+*@one.test", "sales@one.test", None),
    ],
)
def test_a_regular_expression_is_shown_as_the_pattern_that_it_would_be(
    pattern: str, sent: str, meant: str | None
) -> None:
    """Beside the one address: a dot before a star may be meant as a dot."""
    text = written(lends(**condition("StringLike", "ses:FromAddress", pattern)))
    found = first(asked(**{"ses:FromAddress": sent}), text, Reader.OWNER).mend.text
    assert f"add `{sent}` to StringLike ses:FromAddress" in found
    offered = f"or, if a regular expression is meant, write `{meant}` in place of `{pattern}`"
    assert (offered in found) if meant else ("regular expression" not in found)


@pytest.mark.parametrize("sid", [{}, {"Sid": "Only"}, {"Sid": "Only2"}])
def test_the_statements_that_take_the_place_of_a_deny_are_written_out(sid: dict[str, Any]) -> None:
    """As they are to be put: in the words, and for programs, each with a Sid of its own."""
    request = asked()
    deny = denies(**sid, **condition("StringNotLike", "ses:FromAddress", "no-reply@example.com"))
    theirs = written(deny, lends(Sid="Only22"))
    mend = first(request, theirs, Reader.OWNER).mend
    statements = mend.details["statements"]
    assert len(statements) == 2 and len({one.get("Sid") for one in statements}) == len(sid) + 1
    assert all(json.dumps(one, separators=(",", ":")) in mend.text for one in statements)
    assert outcome(request, written(*statements, lends())) is Outcome.ALLOW
    for other in (asked(STRANGER), asked(**{"ses:FromAddress": "boss@example.com"})):
        assert outcome(other, written(*statements, lends(Principal="*"))) is Outcome.EXPLICIT_DENY


def test_statements_too_long_to_be_read_are_for_programs_alone() -> None:
    many = [f"no-reply-{n}@example.com" for n in range(80)]
    mend = first(
        asked(),
        written(denies(**condition("StringNotEquals", "ses:FromAddress", *many)), lends()),
        Reader.OWNER,
    ).mend
    assert len(mend.details["statements"]) == 2 and "no-reply-79" not in mend.text and len(mend.text) < 1_000
