"""Terraform with the AWS provider, as this machine may have it."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.clients import PROGRAMS
from tests.support.process import Account, SesameProcess

MIRRORS = (
    Path("/usr/local/share/terraform/plugins"),
    Path("/usr/share/terraform/plugins"),
    Path.home() / ".terraform.d/plugins",
    Path("/opt/tf-plugins"),
)
"""Where a machine may have the provider; it is never downloaded."""

PROVIDER = "*/hashicorp/aws"


def mirror() -> Path:
    if shutil.which("terraform") is None:
        pytest.skip("there is no terraform on this machine")
    for path in MIRRORS:
        if list(path.glob(PROVIDER)):
            return path
    pytest.skip("there is no AWS provider for terraform on this machine")


class Terraform:
    """The `terraform` command in a directory of its own, as the owner."""

    def __init__(self, where: Path, sesame: SesameProcess, owner: Account, **variables: str) -> None:
        for file in (PROGRAMS / "terraform").glob("*.tf"):
            shutil.copy(file, where)
        plugins = where / "terraform.rc"
        plugins.write_text(f'provider_installation {{\n  filesystem_mirror {{ path = "{mirror()}" }}\n}}\n')
        self._where = where
        self._environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(where),
            "TF_CLI_CONFIG_FILE": str(plugins),
            "TF_IN_AUTOMATION": "1",
            "GOGC": "800",
            "AWS_ACCESS_KEY_ID": owner.access_key_id,
            "AWS_SECRET_ACCESS_KEY": owner.secret_access_key,
            "AWS_MAX_ATTEMPTS": "2",
            "AWS_EC2_METADATA_DISABLED": "true",
            "TF_VAR_endpoint": sesame.api,
            **{f"TF_VAR_{name}": value for name, value in variables.items()},
        }

    def __call__(self, *args: str) -> str:
        """Run a command; what it printed."""
        done = subprocess.run(
            ["terraform", *args],
            cwd=self._where, env=self._environ, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def outputs(self) -> dict[str, Any]:
        """The values of the configuration's outputs."""
        return {name: output["value"] for name, output in json.loads(self("output", "-json")).items()}
