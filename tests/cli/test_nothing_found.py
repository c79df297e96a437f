"""Where nothing is found under an account, it is said where else to look."""

import json
from pathlib import Path

import pytest

from sesame.access.smtp_login import WrongCredentials
from sesame.admin.failed_sign_ins import WHY
from sesame.cli.main import main

REQUEST = "42253645-b101-4d5b-854b-9e2a9f315bad"


@pytest.fixture
def account(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """The number of an account for which nobody has sent."""
    assert main(["account", "create", "--data", str(tmp_path / "data"), "--json"]) == 0
    return str(json.loads(capsys.readouterr().out)["account_id"])


@pytest.mark.parametrize(
    ("options", "points_to"),
    [
        ((), ("no send has concerned account", "sesame why REQUEST_ID", "sesame log-ins")),
        (
            ("--request", REQUEST),
            ("nothing is kept for account", f"sesame why {REQUEST}", "sesame policy check FILE"),
        ),
    ],
)
def test_decisions_without_any_name_the_other_places(
    account: str,
    options: tuple[str, ...],
    points_to: tuple[str, ...],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A key or user name that is nobody's concerns no account."""
    assert main(["decisions", account, *options, "--data", str(tmp_path / "data")]) == 0
    printed = capsys.readouterr().out
    assert all(text in printed for text in points_to), printed


def test_a_request_that_nothing_is_kept_of_may_be_one_whose_input_is_wrong(
    account: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its answer said all of it; a policy is checked before it is put."""
    assert main(["why", REQUEST, "--data", str(tmp_path / "data")]) == 1
    told = capsys.readouterr().err
    assert f"no refusal has the request id `{REQUEST}`" in told
    assert "the input of other calls is in their answer alone" in told and "sesame policy check FILE" in told


def test_programs_read_an_empty_list(
    account: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["decisions", account, "--json", "--data", str(tmp_path / "data")]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_each_way_in_which_a_log_in_fails_is_said_in_words() -> None:
    """By `sesame log-ins` and the console alike."""
    words = (WrongCredentials.__init__.__doc__ or "").partition("\n\n")[0]
    named = {one.strip(" .\n") for one in words.partition(":")[2].replace(" or ", ",").split(",")}
    assert "temporary" in named
    assert named <= set(WHY)
