"""The same templates through handlebars.js: what Sesame renders is what the language's own program does.

Needs node and the package `handlebars` where node finds it (NODE_PATH); skipped elsewhere.
"""

import json
import shutil
import subprocess

import pytest

from tests.support.patience import PATIENCE_S
from tests.templates.test_templates import RENDERED

DIFFERS = {
    "an item of a list": "SES's `l.1` without brackets is not Handlebars",
    "a partial with a context": "unescaped numbers side by side are added up there",
    "the unsubscribe link is left alone": "SES's own",
}
SCRIPT = """
const handlebars = require('handlebars');
handlebars.log = () => {};
const cases = JSON.parse(require('fs').readFileSync(0));
const shown = cases.map(([source, data]) => handlebars.compile(source, {noEscape: true})(data));
process.stdout.write(JSON.stringify(shown.map(String)));
"""


def test_templates_are_rendered_as_by_handlebars() -> None:
    node = shutil.which("node")
    found = node and subprocess.run(
        [node, "-e", "require('handlebars')"], capture_output=True, timeout=PATIENCE_S, check=False
    )
    if not node or not found or found.returncode:
        pytest.skip("node does not find the package handlebars")
    cases = {name: case for name, case in RENDERED.items() if name not in DIFFERS}
    done = subprocess.run(
        [node, "-e", SCRIPT],
        input=json.dumps([case[:2] for case in cases.values()]),
        capture_output=True, text=True, timeout=PATIENCE_S, check=True,
    )  # fmt: skip
    assert dict(zip(cases, json.loads(done.stdout), strict=True)) == {
        name: case[2] for name, case in cases.items()
    }
