"""What is written wrong in two ways: both are said, and one mend is for both."""

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
)
from sesame.policy.reasons.cause import Cause, How, Reader
from sesame.policy.reasons.edits import edited
from sesame.policy.reasons.gaps import policy_causes

ACCOUNT = "111122223333"
REQUEST = Request(
    requester=Requester(
        arn=f"arn:aws:iam::{ACCOUNT}:user/news", account_id=ACCOUNT, kind="user", user_id="AIDA1"
    ),
    action="ses:SendEmail",
    resource=f"arn:aws:ses:us-east-1:{ACCOUNT}:identity/xn--bcher-kva.test",
    resource_account=ACCOUNT,
    context={
        "ses:FromAddress": "news@xn--bcher-kva.test", "ses:FromDisplayName": "News", "aws:SourceIp": "198.51.100.7",
        "ses:Recipients": ("ann@xn--mnchen-3ya.test", "bob@xn--kln-sna.test"), "aws:username": "news",
        "aws:EpochTime": "1796040000",
    },
)  # fmt: skip
MAY = {"Effect": "Allow", "Action": "ses:*", "Resource": "*"}


def written(*statements: dict[str, Any], version: str = "2012-10-17") -> str:
    return json.dumps({"Version": version, "Statement": [MAY | one for one in statements]})


def causes(text: str) -> list[Cause]:
    explanation = explain(REQUEST, iam=[("own", parse_stored_iam_policy(text))], identity=())
    return list(policy_causes(explanation, Reader.OPERATOR))


def allows(text: str) -> bool:
    explanation = explain(REQUEST, iam=[("own", parse_stored_iam_policy(text))], identity=())
    return explanation.outcome is Outcome.ALLOW


IN_ONE = {
    "old version, two dollars": (
        "2008-10-17", {"StringEquals": {"ses:FromAddress": "$${aws:username}@xn--bcher-kva.test"}},
        ("only a policy of Version 2012-10-17 has variables", "has one `$` too many"),
    ),
    "old version, wildcard": (
        "2008-10-17", {"StringEquals": {"ses:FromAddress": "${aws:username}@*"}},
        ("only a policy of Version 2012-10-17 has variables", "a wildcard counts only under StringLike"),
    ),
    "letters, wildcard": (
        "2012-10-17", {"StringEquals": {"ses:FromAddress": "*@bücher.test"}},
        ("it is `xn--bcher-kva.test`", "a wildcard counts only under StringLike"),
    ),
    "key, wildcard": (
        "2012-10-17", {"StringEquals": {"ses:FromAdress": "*@xn--bcher-kva.test"}},
        ("did you mean `ses:FromAddress`?", "a wildcard counts only under StringLike"),
    ),
    "key, letters, wildcard": (
        "2012-10-17", {"StringEquals": {"ses:FromAdress": "*@bücher.test"}},
        ("did you mean `ses:FromAddress`?", "it is `xn--bcher-kva.test`", "a wildcard counts only under StringLike"),
    ),
    "letters of two": (
        "2012-10-17", {"ForAllValues:StringLike": {"ses:Recipients": ["*@münchen.test", "*@köln.test"]}},
        ("it is `xn--mnchen-3ya.test`", "it is `xn--kln-sna.test`"),
    ),
    "key, range as text": (
        "2012-10-17", {"StringEquals": {"aws:SourceIpAddress": "198.51.100.0/24"}},
        ("did you mean `aws:SourceIp`?", "a range of addresses is compared under IpAddress"),
    ),
    "an operator for one, letters": (
        "2012-10-17", {"StringLike": {"ses:Recipients": ["*@münchen.test", "*@xn--kln-sna.test"]}},
        ("write ForAllValues:StringLike", "it is `xn--mnchen-3ya.test`"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", IN_ONE)
def test_two_slips_of_one_condition_are_both_said_and_mended_at_once(name: str) -> None:
    version, condition, says = IN_ONE[name]
    text = written({"Condition": condition}, version=version)
    [cause] = causes(text)
    assert [one for one in says if one not in cause.text] == []
    assert cause.mend.how is How.CHANGE_STATEMENT, cause.mend.text
    after = edited(text, 0, cause.mend.details["changes"])
    assert allows(after), (after, cause.mend.text)


@pytest.mark.parametrize("name", IN_ONE)
def test_so_are_those_of_a_statement_that_is_for_another_action(name: str) -> None:
    """Whose conditions the new statement takes over as they were meant; what is wrong with them is said too."""
    version, condition, says = IN_ONE[name]
    [cause] = causes(written({"Action": "ses:SendMail", "Condition": condition}, version=version))
    assert "did you mean `ses:SendEmail`?" in cause.text
    assert [one for one in says if one not in cause.text] == []
    assert cause.mend.how is How.ALLOW_IN_IAM
    assert allows(written(cause.mend.details["statement"]))


RANGE = {"Condition": {"StringEquals": {"aws:SourceIp": "198.51.100.0/24"}}}
WILDCARD = {"Condition": {"StringEquals": {"ses:FromAddress": "*@xn--bcher-kva.test"}}}
KEY = {"Condition": {"StringEquals": {"ses:FromAdress": "news@xn--bcher-kva.test"}}}
BOTH = {
    "Condition": {"StringEquals": {**KEY["Condition"]["StringEquals"], **RANGE["Condition"]["StringEquals"]}}
}


@pytest.mark.parametrize(
    "pair", [(RANGE, WILDCARD), (WILDCARD, KEY), (KEY, RANGE), (BOTH, WILDCARD), (BOTH, BOTH)]
)
def test_two_statements_that_are_each_written_wrong_are_mended_at_once(pair: tuple[Any, Any]) -> None:
    text = written(*pair)
    found = causes(text)
    assert all(f"statement {n}" in found[0].mend.text for n in (1, 2))
    assert all(any(f"statement {n} " in one.text for one in found) for n in (1, 2))
    for cause in found:
        details = cause.mend.details
        parts = [details, *details["also"]]
        assert sorted(one["statement"] for one in parts) == [0, 1]
        for one in parts:
            assert allows(edited(text, one["statement"], one["changes"]))
            text_of_both = edited(text, parts[0]["statement"], parts[0]["changes"])
        after = json.loads(edited(text_of_both, parts[1]["statement"], parts[1]["changes"]))
        for statement in after["Statement"]:
            assert allows(written(statement))


def test_what_fails_beside_a_slip_that_mends_nothing_alone_is_said_with_it() -> None:
    text = written(BOTH)
    first, second = causes(text)
    assert first.mend == second.mend and "also" not in first.mend.details
    assert allows(edited(text, 0, first.mend.details["changes"]))


@pytest.mark.parametrize("order", [1, -1])
def test_a_statement_for_everybody_is_no_part_of_a_mend_for_programs(order: int) -> None:
    """Mended it would let others in as well, where the one for the sender alone is enough."""
    arn = REQUEST.resource
    may = {"Effect": "Allow", "Action": "ses:SendEmail", "Resource": arn} | WILDCARD
    statements = [may | {"Principal": {"AWS": "444455556666"}}, may | {"Principal": "*"}][::order]
    text = json.dumps({"Version": "2012-10-17", "Statement": statements})
    requester = replace(
        REQUEST.requester, arn="arn:aws:iam::444455556666:root", account_id="444455556666", kind="root"
    )
    explanation = explain(
        msgspec.structs.replace(REQUEST, requester=requester),
        iam=(),
        identity=[("own", parse_stored_identity_policy(text))],
    )
    found = policy_causes(explanation, Reader.OWNER)
    details = found[0].mend.details
    assert "also_admits" not in details, details
    assert not [one for one in details.get("also", ()) if "also_admits" in one]


def test_what_one_of_two_denies_leaves_is_not_offered_where_the_other_refuses_it() -> None:
    """Each lets one address through: to send as either is a circle, and both are to be changed."""
    only = {"Effect": "Deny", "Action": "ses:*", "Resource": "*"}
    denies = [
        only | {"Condition": {"StringNotEquals": {"ses:FromAddress": f"{name}@xn--bcher-kva.test"}}}
        for name in ("info", "post")
    ]
    text = json.dumps({"Version": "2012-10-17", "Statement": [MAY, *denies]})
    found = causes(text)
    assert len(found) == 2
    for cause in found:
        assert " sends as " not in cause.mend.text, cause.mend.text
        text = edited(text, cause.mend.details["statement"], cause.mend.details["changes"])
    assert allows(text)
    [alone] = causes(json.dumps({"Version": "2012-10-17", "Statement": [MAY, denies[0]]}))
    assert "the sender sends as `info@xn--bcher-kva.test`" in alone.mend.text, alone.mend.text
