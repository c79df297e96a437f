"""What is kept of log-ins that were refused."""

import pytest

from sesame.access.sign_in_names import without_secret

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


@pytest.mark.parametrize(
    "name",
    [
        SECRET,
        f" {SECRET}",
        f"{SECRET}\n",
        f'"{SECRET}"',
        f"AKIAIOSFODNN7EXAMPLE:{SECRET}",
        SECRET.replace("/", "%2F"),
        SECRET.replace("/", "_").replace("K7", "-7"),
        f"AWS_SECRET_ACCESS_KEY={SECRET}",
        "BAL/" + SECRET,
    ],
)
def test_a_secret_in_the_place_of_a_name_is_not_kept(name: str) -> None:
    assert not any(part in without_secret(name) for part in (SECRET[:10], SECRET[-10:]))


@pytest.mark.parametrize(
    "name", ["AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE ", "news@example.com", "", "admin"]
)
def test_a_name_is_kept_as_it_was_given(name: str) -> None:
    assert without_secret(name) == name
