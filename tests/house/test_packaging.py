"""What ships beside the code: the licence and its notice, the unit for systemd, the hook for renewed certificates."""

import grp
import os
import pwd
import re
import shutil
import stat
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.support.patience import PATIENCE_S

ROOT = Path(__file__).resolve().parents[2]
PACKAGING = ROOT / "packaging"
UNIT = PACKAGING / "sesame.service"


def test_licence_and_notice_stand_in_the_repository_and_go_into_the_wheel() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert (project["license"], project["license-files"]) == ("Apache-2.0", ["LICENSE", "NOTICE"])
    assert "Apache License\n                           Version 2.0" in (ROOT / "LICENSE").read_text()
    notice = (ROOT / "NOTICE").read_text()
    assert "botocore" in notice and "Amazon.com, Inc. or its affiliates" in notice
    for path in ("src/sesame/aws/models", "src/sesame/aws/shapes"):
        assert path in notice and (ROOT / path).is_dir()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze")
def test_the_unit_is_sound_and_hardened(tmp_path: Path) -> None:
    unit = tmp_path / "sesame.service"
    installed = "ExecStart=/opt/sesame/.venv/bin/sesame "
    assert installed in UNIT.read_text()
    unit.write_text(UNIT.read_text().replace(installed, "ExecStart=/bin/true "))
    for command in (["verify"], ["security", "--offline=yes", "--threshold=20"]):
        done = subprocess.run(
            ["systemd-analyze", *command, str(unit)],
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "sesame.service:" not in done.stderr, done.stderr  # warnings about lines of it


def test_the_unit_keeps_state_to_its_user_and_takes_no_privilege_but_ports() -> None:
    lines = UNIT.read_text().splitlines()
    for line in (
        "User=sesame",
        "StateDirectory=sesame",
        "StateDirectoryMode=0700",
        "UMask=0077",
        "AmbientCapabilities=CAP_NET_BIND_SERVICE",
        "CapabilityBoundingSet=CAP_NET_BIND_SERVICE",
        "NoNewPrivileges=yes",
        "RestartPreventExitStatus=2 78",
    ):
        assert line in lines


def test_a_renewed_certificate_is_copied_for_sesames_eyes_alone(tmp_path: Path) -> None:
    lineage, target = tmp_path / "lineage", tmp_path / "tls"
    lineage.mkdir()
    target.mkdir()
    for name in ("fullchain.pem", "privkey.pem"):
        (lineage / name).write_text(name)
        (target / name).write_text("old")
    me = pwd.getpwuid(os.geteuid()).pw_name
    if grp.getgrgid(os.getegid()).gr_name != me:
        pytest.skip("the hook takes user and group of one name")
    subprocess.run(
        [PACKAGING / "renewed-certificate"],
        env={"PATH": os.environ["PATH"], "RENEWED_LINEAGE": str(lineage), "TLS_DIRECTORY": str(target),
             "TLS_OWNER": me},
        timeout=PATIENCE_S, check=True,
    )  # fmt: skip
    assert {path.name: path.read_text() for path in target.iterdir()} == {
        "fullchain.pem": "fullchain.pem",
        "privkey.pem": "privkey.pem",
    }
    assert {stat.S_IMODE(path.stat().st_mode) for path in target.iterdir()} == {0o600}


def test_what_the_page_installs_is_what_ships() -> None:
    page = (ROOT / "docs" / "howto" / "production.md").read_text()
    for name in re.findall(r"packaging/[\w.-]+", page):
        assert (ROOT / name).exists(), name
    assert "packaging/sesame.service" in page and "packaging/renewed-certificate" in page
