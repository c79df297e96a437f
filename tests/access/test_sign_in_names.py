"""What is kept of what somebody gave to sign in: nothing that may be a secret, wherever it stood."""

import pytest

from sesame.access.sign_in_names import SECRET, without_secret, without_secrets

SCOPE = "20261129/us-east-1/ses/aws4_request"
ELEMENTS = (
    "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got "
)


@pytest.mark.parametrize(
    "secret", ["ytZtvNHOC216NZy4gx6Fq8GqsFA8srUbTK24w/ee", "/" * 3 + "a" * 37, "k" * 20 + "/" + "y" * 19]
)
def test_a_secret_in_the_place_of_a_key_id_is_not_kept(secret: str) -> None:
    """Also where its slashes make the credential one that cannot be read, and an error quotes it."""
    kept = without_secrets(f"{ELEMENTS}'{secret}/{SCOPE}'")
    assert kept == f"{ELEMENTS}'{SECRET}/{SCOPE}'" and without_secret(secret) == SECRET


@pytest.mark.parametrize(
    "quoted", [f"AKIAIOSFODNN7EXAMPLE/{SCOPE}/x", f"AKIAIOSFODNN7EXAMPLE/{SCOPE}", "AKIAIOSFODNN7EXAMPLE", ""]
)
def test_what_is_no_secret_stays(quoted: str) -> None:
    assert without_secrets(f"{ELEMENTS}'{quoted}'") == f"{ELEMENTS}'{quoted}'"
