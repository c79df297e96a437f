"""What to do about a failed log-in: said for each reason, with the names that are known of it."""

import pytest

from sesame.admin.failed_sign_ins import FIX, WHY, overview
from sesame.store.failed_sign_ins import Failed

ACCOUNT = "111122223333"


def fix(why: str, name: str, door: str = "console") -> str:
    row = Failed(
        hour=1,
        door=door,
        network="192.0.2.0/24",
        name=name,
        account_id=ACCOUNT,
        why=why,
        failures=1,
        first_at=1.0,
        last_at=1.0,
    )
    return overview([row], most=1).names[0].fix


def test_there_is_something_to_do_about_whatever_failed() -> None:
    assert [why for why in WHY if not FIX.get(why)] == []


@pytest.mark.parametrize("user", ["ann", "o'neil"])
def test_a_second_factor_counts_beside_the_password(user: str) -> None:
    said = fix("code", f"{ACCOUNT}/{user}")
    quoted = "ann" if user == "ann" else "'o'\"'\"'neil'"
    assert f"`aws iam list-mfa-devices --user-name {quoted}`" in said
    assert f"`aws iam deactivate-mfa-device --user-name {quoted} --serial-number SERIAL`" in said
    assert f"`sesame console invite {ACCOUNT} {quoted}`" in fix("expired", f"{ACCOUNT}/{user}")


def test_whose_device_it_is_is_left_open_where_the_name_is_an_id() -> None:
    """Who confirms an earlier log-in is noted by its unique id, which no command takes."""
    assert "--user-name USER`" in fix("code", f"{ACCOUNT}/AIDAEXAMPLE0000000001")


def test_a_session_may_be_asked_for_with_a_second_factor() -> None:
    assert "--serial-number" in FIX["no-token"] and "aws:MultiFactorAuthPresent" in FIX["no-token"]
