"""Against handlebars.js, the language's own implementation: the documented forms and random templates."""

import json
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from sesame.templates import MissingAttribute, compile_template
from tests.support.clients import PROGRAMS
from tests.templates.test_language import SHOWN

RUN = """
import Handlebars from "handlebars";
import { readFileSync } from "node:fs";
console.log = () => {};
const cases = JSON.parse(readFileSync(0, "utf8"));
const answers = cases.map(([source, data]) => {
  try { return Handlebars.compile(source)(data); } catch (error) { return null; }
});
process.stdout.write(JSON.stringify(answers));
"""
PAIRS = 1_500


def handlebars(cases: list[tuple[str, Any]]) -> list[str | None]:
    """What handlebars.js renders; None for an error. (Its noEscape adds numbers that stand side by side.)"""
    node = shutil.which("node")
    if node is None or not (PROGRAMS / "node_modules" / "handlebars").is_dir():
        pytest.skip("there is no handlebars.js on this machine")
    script = PROGRAMS / "node_modules" / ".handlebars-oracle.mjs"
    script.write_text(RUN)
    done = subprocess.run(
        [node, str(script)], input=json.dumps(cases), capture_output=True, text=True, timeout=120, check=True,
        cwd=Path(PROGRAMS),
    )  # fmt: skip
    answers: list[str | None] = json.loads(done.stdout.splitlines()[-1])  # `log` speaks before
    return answers


def test_the_documented_forms() -> None:
    cases = [
        (source, data) for source, data, _ in SHOWN if "Unsubscribe" not in source and "{{{x" not in source
    ]
    for (source, data), their in zip(cases, handlebars(cases), strict=True):
        assert compile_template(source).render(data) == their, source


NAMES = ("a", "b", "c", "xs", "o")
DATA = {
    "a": "A", "b": "", "c": 0, "xs": [{"a": 1, "xs": [1, 2], "o": {}}, {"a": "two", "b": False, "xs": []}],
    "o": {"a": "oa", "xs": ["p", "q"], "o": {"a": "ooa"}},
}  # fmt: skip


def random_template(draw: random.Random, depth: int = 0) -> str:
    def path() -> str:
        prefix = draw.choice(["", "", "", "../", "this.", "o.", "@root."])
        return prefix + draw.choice(NAMES)

    def body() -> str:
        return random_template(draw, depth + 1)

    pieces = []
    for _ in range(draw.randint(1, 4)):
        white = draw.choice(["", "", " ", "\n", "  \n", "x", "x\n", "\n  "])
        left, right = draw.choice(["{{", "{{", "{{", "{{~"]), draw.choice(["}}", "}}", "}}", "~}}"])
        kind = draw.randint(0, 9 if depth < 3 else 3)
        if kind <= 2:
            piece = f"{left}{path()}{right}"
        elif kind == 3:
            piece = draw.choice(
                ["{{! c }}", "{{@index}}", "{{@key}}", "{{this}}", "{{lookup o 'a'}}", "{{xs.length}}"]
            )
        elif kind == 4:
            piece = f"{left}#if {path()}{right}{body()}{left}else{right}{body()}{left}/if{right}"
        elif kind == 5:
            piece = f"{left}#each {path()}{right}{body()}{left}/each{right}"
        elif kind == 6:
            piece = f"{{{{#unless {path()}}}}}{body()}{{{{else if {path()}}}}}{body()}{{{{/unless}}}}"
        elif kind == 7:
            piece = f"{{{{#with {path()}}}}}{body()}{{{{/with}}}}"
        elif kind == 8:
            name = draw.choice(NAMES)
            piece = f"{{{{#{name}}}}}{body()}{{{{^}}}}{body()}{{{{/{name}}}}}"
        else:
            piece = f'{{{{#*inline "p"}}}}{draw.choice(["y", "{{a}}"])}{{{{/inline}}}}{white}{{{{> p}}}}'
        pieces += [white, piece]
    return "".join(pieces)


def test_random_templates() -> None:
    draw = random.Random(20260)
    cases = [(random_template(draw), DATA) for _ in range(PAIRS)]
    theirs = handlebars(cases)
    compared = 0
    for (source, data), their in zip(cases, theirs, strict=True):
        try:
            our = compile_template(source).render(data)
        except MissingAttribute:
            continue  # handlebars.js shows nothing there; SES refuses
        assert our == their, source
        compared += 1
    assert compared > PAIRS / 5
