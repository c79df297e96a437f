"""Runs the programs of `tests/clients`: unmodified libraries, in an environment of their own."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.support.patience import PATIENCE_S

PROGRAMS = Path(__file__).resolve().parents[1] / "clients"
PYTHON = Path(sys.prefix) / "clients" / "bin" / "python"


class Refused(Exception):
    """What a client said of a refusal."""

    def __init__(self, *, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


def missing(program: str) -> str:
    """Why a program cannot run on this machine; empty when it can."""
    if "." not in program:
        return "" if which(program) else f"there is no {program} on this machine"
    if program.endswith(".py"):
        return "" if PYTHON.exists() else "the client libraries are not installed (make test installs them)"
    if shutil.which("node") is None:
        return "there is no node on this machine"
    if not (PROGRAMS / "node_modules").is_dir():
        return "the client packages are not installed (make test installs them where npm is)"
    return ""


def which(program: str) -> str | None:
    """Where a command is; Debian keeps servers out of the usual path."""
    return shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin:/sbin")


def run(program: str, job: dict[str, Any]) -> Any:
    """What the program answered; raises `Refused` with its error."""
    interpreter = str(PYTHON) if program.endswith(".py") else "node"
    environ = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "AWS_EC2_METADATA_DISABLED": "true"}
    done = subprocess.run(
        [interpreter, str(PROGRAMS / program)],
        input=json.dumps(job), capture_output=True, text=True, timeout=PATIENCE_S, env=environ, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout.splitlines()[-1])
    if "error" in answer:
        raise Refused(**answer["error"])
    return answer["ok"]
