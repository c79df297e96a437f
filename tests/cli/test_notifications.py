"""`sesame notifications map`: what is named and does not exist is said, in place of a map of something else."""

import json
from pathlib import Path

import pytest

from sesame.cli.main import main


def test_a_map_is_of_an_identity_and_a_set_that_exist(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = ("--data", str(tmp_path / "data"))
    numbers = []
    for _ in range(2):
        assert main(["account", "create", "--json", *data]) == 0
        numbers.append(json.loads(capsys.readouterr().out)["account_id"])
    owner, delegate = numbers
    arn = f"arn:aws:ses:us-east-1:{owner}:identity/example.com"
    assert main(["notifications", "map", arn, *data]) == 1
    assert f"there is no identity `{arn}`" in capsys.readouterr().err
    assert main(["identity", "vouch", owner, "example.com", "--region", "us-east-1", *data]) == 0
    assert main(["notifications", "map", arn, *data]) == 0
    capsys.readouterr()
    assert (
        main(["notifications", "map", arn, "--sender", delegate, "--configuration-set", "news", *data]) == 1
    )
    said = capsys.readouterr()
    assert f"account {delegate} has no configuration set `news` in us-east-1" in said.err and not said.out
