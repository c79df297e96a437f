"""What is most often wrong with a condition on addresses is said: a display name, a label, a list that is empty."""

import pytest

from sesame.policy import Request, Requester, explain, parse_identity_policy
from sesame.policy.reasons.cause import Reader
from sesame.policy.reasons.gaps import policy_causes
from tests.support.documents import document

ARN = "arn:aws:ses:us-east-1:111122223333:identity/one.test"
SENDER = Requester(
    arn="arn:aws:iam::444455556666:user/robot", account_id="444455556666", kind="user", user_id="AIDAX"
)
TO, FROM = "reader@elsewhere.test", "a+shop@one.test"


def told(effect: str, operator: str, key: str, value: str, reader: Reader) -> str:
    lend = {
        "Effect": "Allow",
        "Principal": {"AWS": "444455556666"},
        "Action": "ses:SendEmail",
        "Resource": ARN,
    }
    tried = lend | {"Effect": effect, "Condition": {operator: {key: value}}}
    statements = [tried] if effect == "Allow" else [lend, tried]
    policy = parse_identity_policy(document(*statements), identity_arn=ARN)
    request = Request(
        requester=SENDER, action="ses:SendEmail", resource=ARN, resource_account="111122223333",
        context={"ses:FromAddress": FROM, "ses:Recipients": (TO,), "aws:PrincipalArn": SENDER.arn},
    )  # fmt: skip
    explanation = explain(request, iam=(), identity=[("lend", policy)])
    cause = policy_causes(explanation, reader)[0]
    return f"{cause.text} => {cause.mend.text}"


@pytest.mark.parametrize("reader", [Reader.OWNER, Reader.OPERATOR])
@pytest.mark.parametrize("operator", ["ForAllValues:StringEquals", "ForAnyValue:StringLike", "StringEquals"])
def test_a_display_name_is_in_no_recipient_and_nobody_is_to_send_to_one(
    operator: str, reader: Reader
) -> None:
    """To the owner too, whose own policy says it, and who does not see the recipients."""
    said = told("Allow", operator, "ses:Recipients", f"Reader <{TO}>", reader)
    assert "the bare address, without a display name" in said
    assert "sends to no recipients" not in said
    assert reader is not Reader.OWNER or f"`{TO}`" not in said


@pytest.mark.parametrize("value", ["a@one.test", "*a@one.test", "?@one.test"])
def test_a_label_counts_in_conditions(value: str) -> None:
    said = told("Allow", "StringLike", "ses:FromAddress", value, Reader.OWNER)
    assert "what stands behind the + counts in conditions" in said


@pytest.mark.parametrize("value", ["b@one.test", "A@one.test", "a+other@one.test"])
def test_another_address_is_not_one_without_its_label(value: str) -> None:
    assert "behind the +" not in told("Allow", "StringEquals", "ses:FromAddress", value, Reader.OWNER)


@pytest.mark.parametrize("operator", ["ForAllValues:StringNotEquals", "ForAllValues:StringEquals"])
def test_a_deny_of_all_values_holds_where_there_is_none(operator: str) -> None:
    said = told("Deny", operator, "aws:TagKeys", "x", Reader.OWNER)
    assert "ForAllValues holds where there is no value" in said
    assert "holds where there is no value" not in told(
        "Allow", "ForAnyValue:StringEquals", "aws:TagKeys", "x", Reader.OWNER
    )
