"""The tests write into memory where there is room and a program can run, and nowhere else without being told."""

import os
from pathlib import Path

import pytest

from tests.support import memory


def test_a_place_with_room_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "ROOM", 1)
    environ: dict[str, str] = {}
    memory.use(environ, tmp_path)
    assert environ == {memory.VARIABLE: str(tmp_path)}


def test_a_place_without_room_one_that_is_not_there_and_one_that_was_chosen_are_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ: dict[str, str] = {}
    memory.use(environ, tmp_path / "none")
    monkeypatch.setattr(memory, "ROOM", 1 << 60)
    memory.use(environ, tmp_path)
    assert environ == {}
    monkeypatch.setattr(memory, "ROOM", 1)
    chosen = {memory.VARIABLE: "/elsewhere"}
    memory.use(chosen, tmp_path)
    assert chosen == {memory.VARIABLE: "/elsewhere"}


def test_nothing_is_run_from_where_nothing_may_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "ROOM", 1)
    found = os.statvfs(tmp_path)
    fields = list(found)
    monkeypatch.setattr(os, "statvfs", lambda path: os.statvfs_result([*fields[:8], os.ST_NOEXEC, fields[9]]))
    environ: dict[str, str] = {}
    memory.use(environ, tmp_path)
    assert environ == {}
