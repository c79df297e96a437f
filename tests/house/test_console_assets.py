"""What the console ships: templates without unescaped text, and assets that are built from their sources."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.patience import PATIENCE_S

ROOT = Path(__file__).resolve().parents[2]
CONSOLE = ROOT / "src" / "sesame" / "console"
ASSETS = ROOT / "console-assets"


def test_no_template_puts_text_in_unescaped() -> None:
    for path in (CONSOLE / "templates").glob("*.html"):
        text = path.read_text()
        assert not re.search(r"\|\s*safe\b|autoescape|\bon[a-z]+=|\sstyle=|<style|<script(?! src)", text), (
            path.name
        )


def test_every_template_is_used() -> None:
    code = "".join(
        path.read_text() for path in [*CONSOLE.rglob("*.py"), *(CONSOLE / "templates").glob("*.html")]
    )
    for path in (CONSOLE / "templates").glob("*.html"):
        assert f'"{path.name}"' in code, path.name


@pytest.mark.skipif(
    not (ASSETS / "node_modules" / "esbuild").exists() or shutil.which("node") is None,
    reason="no esbuild here: npm ci in console-assets brings it",
)
def test_the_assets_are_those_that_the_sources_give(tmp_path: Path) -> None:
    work = tmp_path / "console-assets"
    work.mkdir()
    (tmp_path / "src" / "sesame" / "console" / "static").mkdir(parents=True)
    for name in ("build.mjs", "console.js", "console.css", "icon.svg", "package.json"):
        shutil.copy(ASSETS / name, work / name)
    (work / "node_modules").symlink_to(ASSETS / "node_modules")
    subprocess.run(["node", "build.mjs"], cwd=work, check=True, timeout=PATIENCE_S)
    built = {
        path.name: path.read_bytes()
        for path in (tmp_path / "src" / "sesame" / "console" / "static").iterdir()
    }
    assert built == {path.name: path.read_bytes() for path in (CONSOLE / "static").iterdir()}
