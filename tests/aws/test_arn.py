"""ARNs are read whole or refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sesame.aws.arn import Arn, ArnError, identity_arn

IDENTITY = "arn:aws:ses:us-east-1:123456789012:identity/user+x@example.com"


def test_an_arn_is_read_into_its_parts() -> None:
    assert Arn.parse(IDENTITY) == Arn(
        partition="aws",
        service="ses",
        region="us-east-1",
        account_id="123456789012",
        resource="identity/user+x@example.com",
    )


@pytest.mark.parametrize(
    "text",
    [
        IDENTITY,
        "arn:aws:iam::123456789012:root",
        "arn:aws:iam::123456789012:user/div/Bob",
        "arn:aws:s3:::bucket/key:with:colons",
        "arn:aws-us-gov:sns:us-gov-west-1:123456789012:topic",
        "arn:aws:iam::aws:policy/ReadOnly",
        "arn:aws:ses:*:123456789012:identity/example.com",
    ],
)
def test_an_arn_is_written_back_unchanged(text: str) -> None:
    assert str(Arn.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "example.com",
        "arn:aws:ses:us-east-1:123456789012",
        "arn:aws:ses:us-east-1:123456789012:",
        "ARN:aws:ses:us-east-1:123456789012:identity/a",
        "arn::ses:us-east-1:123456789012:identity/a",
        "arn:gcp:ses:us-east-1:123456789012:identity/a",
        "arn:aws::us-east-1:123456789012:identity/a",
        "arn:aws:ses:us east:123456789012:identity/a",
        "arn:aws:ses:us-east-1:12345678901:identity/a",
        "arn:aws:ses:us-east-1:1234567890123:identity/a",
        "arn:aws:ses:us-east-1:12345678901\u0663:identity/a",
        "arn:aws:ses:us-east-1:123456789012:identity/a\n",
        "arn:aws:ses:us-east-1:123456789012:identity/\u00e9",
        " " + IDENTITY,
        IDENTITY + "x" * 2048,
    ],
)
def test_what_is_no_arn_is_refused(text: str) -> None:
    with pytest.raises(ArnError):
        Arn.parse(text)


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        arn = Arn.parse("arn:aws:ses:us-east-1:123456789012:" + text)
    except ArnError:
        return
    assert arn.resource == text


def test_an_identity_arn_is_made_of_region_account_and_name() -> None:
    assert identity_arn("us-east-1", "123456789012", "user+x@example.com") == IDENTITY
