"""The command line loads what a command needs, and knows where each noun is."""

import argparse
import importlib
import subprocess
import sys

import pytest

from sesame.cli.main import MODULES, parser
from tests.support.patience import PATIENCE_S


@pytest.mark.parametrize("module", MODULES)
def test_each_module_registers_the_nouns_that_it_is_loaded_for(module: str) -> None:
    subparsers = argparse.ArgumentParser().add_subparsers()
    importlib.import_module(f"sesame.cli.{module}").register(subparsers)
    assert tuple(subparsers.choices) == MODULES[module]


def test_whatever_is_not_known_is_held_against_all_nouns(capsys: pytest.CaptureFixture[str]) -> None:
    for noun in ("nothing", "--nothing", None):
        with pytest.raises(SystemExit):
            parser(noun).parse_args(["nothing"])
        said = capsys.readouterr().err
        assert all(repr(noun) in said for nouns in MODULES.values() for noun in nouns)


def test_a_command_does_not_load_what_others_need() -> None:
    code = "import sys; from sesame.cli.main import parser; parser('key'); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE_S, check=True
    )
    loaded = set(done.stdout.split())
    assert "sesame.cli.keys" in loaded
    assert not loaded & {"sesame.policy", "sesame.cli.policy", "email.parser", "http.client"}
