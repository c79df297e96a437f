"""What the process that forks servers gives is a command as if it had been started alone."""

import json
import os
import signal
import subprocess
from pathlib import Path

from tests.support import command
from tests.support.patience import PATIENCE_S
from tests.support.preloaded import PRELOADED, ForkedProcess
from tests.support.process import SesameProcess, wait_until


def started(log: Path, *args: str, **environ: str) -> ForkedProcess:
    with log.open("wb") as file:
        return PRELOADED.start(args, output=file.fileno(), environ={"PATH": os.environ["PATH"], **environ})


def test_a_command_has_its_own_arguments_environment_output_and_exit_code(tmp_path: Path) -> None:
    good = started(tmp_path / "good", "config", "show", "--data", str(tmp_path), SESAME_API__PORT="1234")
    bad = started(tmp_path / "bad", "nonsense")
    assert (good.wait(PATIENCE_S), bad.wait(PATIENCE_S), good.poll()) == (0, 2, 0)
    assert json.loads((tmp_path / "good").read_text())["api"]["port"] == 1234
    assert "invalid choice: 'nonsense'" in (tmp_path / "bad").read_text()


def test_a_shell_gives_it_what_a_program_has(tmp_path: Path) -> None:
    """Its input, directory, pipes and exit code; what it is asked for comes from `sesame` of a page."""
    (tmp_path / "sesame").write_text(f"#!/bin/sh\n{command.text(tmp_path)}\n")
    (tmp_path / "sesame").chmod(0o755)
    policy = '{"Version": "2012-10-17", "Statement": []}'
    script = "! sesame policy check - > checked && sesame --version | cat && sesame nonsense 2> said"
    with command.answering(tmp_path):
        done = subprocess.run(
            ["sh", "-c", script], input=policy, cwd=tmp_path, env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
            capture_output=True, text=True, timeout=PATIENCE_S, check=False,
        )  # fmt: skip
    assert "sesame 0.1.0" in done.stdout
    assert done.returncode == 2
    assert "SP001" in (tmp_path / "checked").read_text()
    assert "invalid choice: 'nonsense'" in (tmp_path / "said").read_text()


def test_a_server_holds_nothing_of_anybody_elses_and_ends_as_it_is_told(tmp_path: Path) -> None:
    with (tmp_path / "held").open("wb"):
        one, two = (SesameProcess(tmp_path / name).start() for name in ("one", "two"))
    assert one.process is not None and two.process is not None
    for sesame in (one, two):
        assert sesame.process is not None
        held = {str(link.readlink()) for link in Path(f"/proc/{sesame.process.pid}/fd").iterdir()}
        files = {Path(where) for where in held if where.startswith(str(tmp_path))}
        assert {file for file in files if not file.is_relative_to(sesame.data)} == {sesame.log_path}
        assert not any("pidfd" in where for where in held), "of its sister"
    assert one.stop() == 0
    two.kill()
    assert wait_until(lambda: two.process is not None and two.process.poll()) == -signal.SIGKILL
