"""Names and ARNs of identities as requests give them."""

import pytest

from sesame.access.identity_names import InvalidIdentityArn, normal_name, parse_identity_arn

OWNED = "arn:aws:ses:us-east-1:123456789012:identity/"


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("example.com", "example.com"),
        ("Example.COM", "example.com"),
        ("User+x@Example.com", "User+x@example.com"),
        ("identity/a", "identity/a"),
    ],
)
def test_the_arn_of_an_identity_names_it_as_it_is_stored(written: str, name: str) -> None:
    """Whatever is looked up by an ARN is found in whichever case its domain is written."""
    arn = parse_identity_arn(OWNED + written)
    assert (arn.region, arn.account_id, arn.name) == ("us-east-1", "123456789012", name)
    assert str(arn) == OWNED + name


@pytest.mark.parametrize(
    "name", ["\u212aexample.com", "ex\u017fample.com", "a@\uff45xample.com", "example\u3002com"]
)
def test_a_look_alike_is_nobodys_name(name: str) -> None:
    """KELVIN SIGN in lower case is a k: what IDNA does not allow is left as it is, and found nowhere."""
    assert normal_name(name) == name


@pytest.mark.parametrize(
    "text",
    [
        OWNED,
        "arn:aws:ses:us-east-1:123456789012:template/a",
        "arn:aws:iam::123456789012:identity/a",
        "arn:aws:ses:us-east-1::identity/a",
        "example.com",
    ],
)
def test_only_the_arn_of_an_identity_is_one(text: str) -> None:
    with pytest.raises(InvalidIdentityArn):
        parse_identity_arn(text)
