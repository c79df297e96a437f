"""Templates are compiled once, not by the first reader of each page, and never by what cannot be trusted."""

import sys
from collections import defaultdict
from pathlib import Path

import jinja2
import pytest

from sesame.console.render import TEMPLATES, Renderer

NUMBER = len(list(TEMPLATES.glob("*.html")))


@pytest.fixture(autouse=True)
def may_keep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)


@pytest.fixture
def compiled_now(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the templates that were compiled."""
    names: list[str] = []
    compile_one = jinja2.Environment.compile

    def noted(self: jinja2.Environment, *args: object, **named: object) -> object:
        names.append(str(args[1]))
        return compile_one(self, *args, **named)  # type: ignore[call-overload]

    monkeypatch.setattr(jinja2.Environment, "compile", noted)
    return names


def load(compiled: Path) -> None:
    Renderer(defaultdict(str), compiled=compiled).load_all()


def test_what_was_compiled_once_is_read_by_the_next_process(tmp_path: Path, compiled_now: list[str]) -> None:
    load(tmp_path / "kept")
    assert len(compiled_now) == len(list((tmp_path / "kept").iterdir())) == NUMBER
    compiled_now.clear()
    load(tmp_path / "kept")
    assert compiled_now == []


def test_nothing_is_kept_where_nothing_can_be_written(tmp_path: Path, compiled_now: list[str]) -> None:
    (tmp_path / "file").write_text("")
    load(tmp_path / "file" / "kept")
    assert len(compiled_now) == NUMBER


def test_nothing_is_kept_where_python_keeps_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    load(tmp_path / "kept")
    assert not (tmp_path / "kept").exists()


@pytest.mark.parametrize("left", [0, 1, 3, 10, 30, 60, -40, -1])
def test_what_is_damaged_is_compiled_again(tmp_path: Path, left: int, compiled_now: list[str]) -> None:
    load(tmp_path)
    damaged = sorted(tmp_path.iterdir())[:5]
    for path in damaged:
        path.write_bytes(path.read_bytes()[:left])
    compiled_now.clear()
    load(tmp_path)
    assert len(compiled_now) == len(damaged)


def test_another_jinja_or_other_options_read_nothing_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compiled_now: list[str]
) -> None:
    load(tmp_path)
    compiled_now.clear()
    monkeypatch.setattr(jinja2, "__version__", "9.9.9")
    load(tmp_path)
    assert len(compiled_now) == NUMBER
