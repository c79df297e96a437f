"""Every metric of the catalogue is measured somewhere: one that is not would read 0 for ever, and nobody would know."""

import ast
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / "src" / "sesame"
MEASURES = frozenset({"inc", "set", "observe", "labels"})


def declared() -> set[str]:
    """The names under which `Metrics` keeps its metrics."""
    tree = ast.parse((SOURCE / "metrics.py").read_text())
    return {
        target.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Attribute)
        and node.value.func.attr in ("_counter", "_gauge", "_histogram")
        for target in node.targets
        if isinstance(target, ast.Attribute)
    }


def measured(source: str) -> set[str]:
    """The names `x` of which a module does `….x.inc()` or the like."""
    return {
        node.value.attr
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute) and node.attr in MEASURES and isinstance(node.value, ast.Attribute)
    }


def test_every_metric_is_measured() -> None:
    found = {
        name
        for path in SOURCE.rglob("*.py")
        if path.name != "metrics.py"
        for name in measured(path.read_text())
    }
    assert len(declared()) > 20
    assert declared() - found == set()


def test_the_check_sees_what_is_measured() -> None:
    assert measured("self._metrics.attempts.labels('a').inc()\nmetrics.depth.set(1)\nx = metrics.idle") == {
        "attempts",
        "depth",
    }
