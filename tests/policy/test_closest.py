"""Of statements that fail alike, who may read them is shown the one that is nearest to the address."""

from typing import Any

import pytest

from sesame.policy import Explanation, Request, Requester, explain, owner_view, parse_identity_policy
from sesame.policy.reasons.cause import Reader
from sesame.policy.reasons.gaps import policy_causes
from tests.support.documents import document

ARN = "arn:aws:ses:us-east-1:111122223333:identity/one.test"
SENDER = Requester(
    arn="arn:aws:iam::444455556666:user/robot", account_id="444455556666", kind="user", user_id="AIDAX"
)
RECEIPTS = {"StringEquals": {"ses:FromAddress": "receipts@one.test"}}
MARKETING = {"StringLike": {"ses:FromAddress": "marketing+.*@one.test"}}
NETWORK = {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}


def refused(*conditions: dict[str, Any], address: str = "marketing+june@one.test") -> Explanation:
    lend = {
        "Effect": "Allow",
        "Principal": {"AWS": "444455556666"},
        "Action": "ses:SendEmail",
        "Resource": ARN,
    }
    statements = [lend | {"Sid": f"s{n}", "Condition": one} for n, one in enumerate(conditions)]
    policy = parse_identity_policy(document(*statements), identity_arn=ARN)
    request = Request(
        requester=SENDER, action="ses:SendEmail", resource=ARN, resource_account="111122223333",
        context={"ses:FromAddress": address, "ses:FeedbackAddress": address, "aws:SourceIp": "198.51.100.7"},
    )  # fmt: skip
    return explain(request, iam=(), identity=[("lend", policy)])


@pytest.mark.parametrize("reader", [Reader.OWNER, Reader.OPERATOR])
@pytest.mark.parametrize("conditions", [(RECEIPTS, MARKETING), (MARKETING, RECEIPTS), (NETWORK, MARKETING)])
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
