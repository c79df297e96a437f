"""Of several statements that fail, both sides are told of the one that is meant for the message."""

import json
from itertools import permutations
from typing import Any

import pytest

from sesame.policy import (
    Explanation,
    Request,
    Requester,
    explain,
    owner_view,
    parse_identity_policy,
    parse_stored_iam_policy,
)
from sesame.policy.reasons.cause import Cause, How, Reader
from sesame.policy.reasons.edits import edited
from sesame.policy.reasons.gaps import policy_causes
from tests.support.documents import document

ARN = "arn:aws:ses:us-east-1:111122223333:identity/one.test"
SENDER = Requester(
    arn="arn:aws:iam::444455556666:user/robot", account_id="444455556666", kind="user", user_id="AIDAX"
)
RECEIPTS = {"StringEquals": {"ses:FromAddress": "receipts@one.test"}}
MARKETING = {"StringLike": {"ses:FromAddress": "marketing+.*@one.test"}}
NETWORK = {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}


ALERTS = {"StringEquals": {"ses:FromAddress": "alerts@one.test"}}
JUNE = "marketing+june@one.test"
ENDED = {"DateLessThan": {"aws:CurrentTime": "2026-06-30T23:59:59Z"}}
GUARDS: dict[str, dict[str, Any]] = {
    "aws:CurrentTime": ENDED,
    "aws:EpochTime": {"NumericLessThan": {"aws:EpochTime": "1780000000"}},
    "aws:SourceIp": NETWORK,
    "aws:MultiFactorAuthPresent": {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
    "aws:SecureTransport": {"Bool": {"aws:SecureTransport": "true"}},
    "ses:ApiVersion": {"StringNotEquals": {"ses:ApiVersion": "2"}},
    "aws:PrincipalTag/team": {"StringNotEquals": {"aws:PrincipalTag/team": "news"}},
}
MEETS: tuple[dict[str, Any], ...] = (
    {"StringLike": {"ses:FromAddress": "marketing+*@one.test"}},
    {"StringEquals": {"ses:FromAddress": JUNE}},
    {"StringEquals": {"ses:FeedbackAddress": JUNE}},
    {"StringEquals": {"ses:FromDisplayName": "Marketing"}},
    {"ForAllValues:StringLike": {"ses:Recipients": "*@corp.test"}},
    {},
)
"""Conditions on addresses that the message meets, or none."""


def both(*conditions: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for one in conditions:
        for operator, keys in one.items():
            made[operator] = made.get(operator, {}) | keys
    return made


def refused(*conditions: dict[str, Any], address: str = JUNE, policies: int = 1) -> Explanation:
    """A request that none of some statements lets pass, in one policy or several."""
    lend = {
        "Effect": "Allow",
        "Principal": {"AWS": "444455556666"},
        "Action": "ses:SendEmail",
        "Resource": ARN,
    }
    statements = [lend | {"Sid": f"s{n}", "Condition": one} for n, one in enumerate(conditions)]
    identity = [
        (f"lend{n}", parse_identity_policy(document(*statements[n::policies]), identity_arn=ARN))
        for n in range(policies)
    ]
    context: dict[str, Any] = {
        "ses:FromAddress": address, "ses:FeedbackAddress": address, "ses:FromDisplayName": "Marketing",
        "ses:Recipients": ("ann@corp.test",), "ses:ApiVersion": "2", "aws:SecureTransport": "false",
        "aws:SourceIp": "198.51.100.7", "aws:PrincipalTag/team": "news",
        "aws:CurrentTime": "2026-11-30T12:00:00Z", "aws:EpochTime": "1796040000",
    }  # fmt: skip
    request = Request(
        requester=SENDER, action="ses:SendEmail", resource=ARN, resource_account="111122223333", context=context
    )  # fmt: skip
    return explain(request, iam=(), identity=identity)


@pytest.mark.parametrize("policies", [1, 2, 3])
@pytest.mark.parametrize("meets", MEETS, ids=str)
@pytest.mark.parametrize("key", GUARDS)
def test_an_end_or_guard_is_not_lifted_by_adding_the_address_elsewhere(
    key: str, meets: dict[str, Any], policies: int
) -> None:
    """Whatever the order: the owner changes the statement that is for the message, or asks its sender to meet it."""
    meant = both(meets, GUARDS[key])
    for conditions in permutations((meant, ALERTS, RECEIPTS)):
        explanation = refused(*conditions, policies=policies)
        told = policy_causes(explanation, Reader.OWNER)[0]
        assert f"statement `s{conditions.index(meant)}`" in told.text and key in told.text
        assert "receipts@" not in told.line() and "alerts@" not in told.line()
        assert key in owner_view(explanation).sentence
        assert key in policy_causes(explanation, Reader.SENDER)[0].text


@pytest.mark.parametrize("address", [JUNE, "alerts@one.test", "alert@one.test", "x@elsewhere.test"])
def test_both_sides_read_of_the_same_conditions_in_any_order(address: str) -> None:
    """To a sender the order makes no difference, and to an owner none but among those that fail alike."""
    mixed = [both(one, guard) for one in (ALERTS, MARKETING, {}) for guard in GUARDS.values()]
    for n in range(len(mixed)):
        chosen = [mixed[n], mixed[n - 4], mixed[n - 9]]
        told = set()
        for conditions in permutations(chosen):
            explanation = refused(*conditions, address=address)
            senders = policy_causes(explanation, Reader.SENDER)
            owners = policy_causes(explanation, Reader.OWNER)
            assert [one.code for one in owners] == [one.code for one in senders]
            told.add(str([one.line() for one in senders]))
        assert len(told) == 1


def test_one_that_is_for_somebody_else_is_not_meant() -> None:
    """Though nothing but its PrincipalArn keeps the message out."""
    bobs = {"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::444455556666:user/bob"}}
    for conditions in ((bobs, RECEIPTS), (RECEIPTS, bobs)):
        for reader in (Reader.OWNER, Reader.SENDER):
            assert "ses:FromAddress" in policy_causes(refused(*conditions), reader)[0].text


@pytest.mark.parametrize("reader", [Reader.OWNER, Reader.OPERATOR])
@pytest.mark.parametrize("conditions", [(RECEIPTS, MARKETING), (MARKETING, RECEIPTS)])
def test_the_pattern_that_is_nearest(conditions: tuple[dict[str, Any], ...], reader: Reader) -> None:
    explanation = refused(*conditions)
    named = f"statement `s{conditions.index(MARKETING)}`"
    assert named in policy_causes(explanation, reader)[0].text
    assert named in explanation.sentence and named in owner_view(explanation).sentence


def test_the_first_of_those_that_are_equally_near() -> None:
    assert "statement `s0`" in policy_causes(refused(RECEIPTS, RECEIPTS), Reader.OWNER)[0].text


@pytest.mark.parametrize("address", ["marketing+june@one.test", "receipt@one.test", "x@elsewhere.test"])
def test_a_sender_does_not_learn_from_it_how_near_it_is(address: str) -> None:
    for conditions in ((NETWORK, MARKETING), (NETWORK, RECEIPTS)):
        told = policy_causes(refused(*conditions, address=address), Reader.SENDER)[0]
        assert "aws:SourceIp" in told.text and "FromAddress" not in told.text


def test_an_owner_that_does_not_see_from_does_not_either() -> None:
    explanation = refused(NETWORK, MARKETING)
    assert "`s0`" in owner_view(explanation, ("Return-Path",)).sentence


def own(*conditions: dict[str, Any]) -> list[Cause]:
    """What a user of the identity's own account is told, whose IAM policies all fail."""
    may = {"Effect": "Allow", "Action": "ses:SendEmail", "Resource": "*"}
    iam = [
        (f"p{n}", parse_stored_iam_policy(document(may | {"Condition": one})))
        for n, one in enumerate(conditions)
    ]
    user = Requester(
        arn="arn:aws:iam::111122223333:user/app", account_id="111122223333", kind="user", user_id="AIDAY"
    )
    request = Request(
        requester=user, action="ses:SendEmail", resource=ARN, resource_account="111122223333",
        context={"ses:FromAddress": JUNE, "ses:FeedbackAddress": JUNE},
    )  # fmt: skip
    return list(policy_causes(explain(request, iam=iam, identity=()), Reader.OPERATOR))


MISSPELT = {"StringEquals": {"ses:FromAdress": JUNE}}
UNDER_EQUALITY = {"StringEquals": {"ses:FromAddress": "*@one.test"}}


def test_two_that_are_written_wrong_are_both_named_the_narrower_first() -> None:
    for conditions in ((MISSPELT, UNDER_EQUALITY), (UNDER_EQUALITY, MISSPELT)):
        first, second = (f"`p{conditions.index(one)}`" for one in (MISSPELT, UNDER_EQUALITY))
        [told] = own(*conditions)
        for text in (told.text, told.mend.text):
            assert 0 < text.index(first) < text.index(second)
        assert "did you mean `ses:FromAddress`?" in told.text and "; and change IAM policy" in told.mend.text
        assert told.mend.details["policy"] == first.strip("`")
        assert [one["policy"] for one in told.mend.details["also"]] == [second.strip("`")]
        mended = edited(document({"Condition": MISSPELT}), 0, told.mend.details["changes"])
        assert json.loads(mended)["Statement"][0]["Condition"] == {
            "StringEquals": {"ses:FromAddress": [JUNE]}
        }


@pytest.mark.parametrize("other", [RECEIPTS, {"StringEquals": {"aws:PrincipalArn": "*"}}])
def test_one_that_is_written_wrong_is_named_alone_beside_others(other: dict[str, Any]) -> None:
    for conditions in ((MISSPELT, other), (other, MISSPELT)):
        [told] = own(*conditions)
        assert f"`p{conditions.index(other)}`" not in told.line()


def test_a_misspelt_key_that_would_not_help_is_not_written_right() -> None:
    [told] = own({"StringEquals": {"ses:FromAdress": "receipts@one.test"}})
    assert "did you mean `ses:FromAddress`?" in told.text and told.mend.how is How.ALLOW_IN_IAM
