"""What the console ships: templates without unescaped text, and assets that are built from their sources."""

import gzip
import json
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
    for name in ("build.mjs", "console.js", "console.css", "editor.js", "icon.svg", "package.json"):
        shutil.copy(ASSETS / name, work / name)
    (work / "node_modules").symlink_to(ASSETS / "node_modules")
    subprocess.run(["node", "build.mjs"], cwd=work, check=True, timeout=PATIENCE_S)
    built = {
        path.name: path.read_bytes()
        for path in (tmp_path / "src" / "sesame" / "console" / "static").iterdir()
    }
    assert built == {path.name: path.read_bytes() for path in (CONSOLE / "static").iterdir()}


def test_whoever_s_code_is_shipped_is_named_with_its_licence() -> None:
    """The notices are those of all packages that the lock has for more than building."""
    locked = json.loads((ASSETS / "package-lock.json").read_text())["packages"]
    wanted = {
        f"{path.removeprefix('node_modules/')} {one['version']} ({one['license']})"
        for path, one in locked.items()
        if path and not one.get("dev")
    }
    notices = (CONSOLE / "static" / "THIRD-PARTY.txt").read_text().split("-" * 80)[1:]
    assert {notice.strip().partition("\n")[0] for notice in notices} == wanted
    for notice in notices:
        assert notice.strip().splitlines()[0].endswith("(MIT)")
        assert "Copyright" in notice and "The above copyright notice" in notice


def test_the_editor_stays_within_its_size() -> None:
    editor = (CONSOLE / "static" / "editor.js").read_bytes()
    assert len(editor) <= 350 * 1024
    assert len(gzip.compress(editor, 9)) <= 115 * 1024
