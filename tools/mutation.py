"""Mutation test of the policy engine: break the code in one place, run the tests, expect them to fail.

Each mutant is a child process that imports one changed module and runs the tests of `TESTS` in it. A mutant
that no test notices has survived; those that change nothing anybody can see are listed with a reason in
`EQUIVALENT`. Our own tool because mutmut 3 keeps every variant of a function behind a dispatcher, which makes
the evaluator's inner loops so slow that a run takes more than an hour.

    python -m tools.mutation [--sample N] [--seed N] [--only TEXT...]

Exit 1 when fewer than 90 % of the mutants that are not equivalent are killed.
"""

import argparse
import ast
import copy
import importlib.abc
import importlib.util
import os
import random
import signal
import sys
import time
import types
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
TARGETS = (
    "engine/codegen.py",
    "engine/decide.py",
    "engine/predicates.py",
    "engine/runtime.py",
    "reasons/evaluator.py",
    "reasons/matching.py",
    "language/pattern.py",
    "language/values.py",
)
DIFFERENTIAL = "test_differential.py::test_compiled_and_explained_decisions_agree_on_random_policies"
TESTS = (
    "test_values.py",
    "test_pattern.py",
    "test_decide.py",
    "test_engine.py",
    "test_sessions.py",
    "test_explain.py",
    "test_vectors.py",
    "test_cases.py",
    "test_analysis.py::test_only_who_is_named_can_send",
    "test_analysis.py::test_every_form_of_principal_is_told_apart",
    "test_analysis.py::test_everybody_means_everybody",
    f"{DIFFERENTIAL}[0]",
    f"{DIFFERENTIAL}[1]",
)
EQUIVALENT = TOP / "tests/policy/equivalent_mutants.txt"
LIMIT_S = 60
PASS_PERCENT = 90

_SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.LShift: ast.RShift,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
    ast.Break: ast.Continue,
    ast.Continue: ast.Break,
}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change: where it is, in words that outlive changes elsewhere, and the module with it."""

    key: str
    module: str
    path: Path
    source: str


def _variants(node: ast.AST) -> Iterator[ast.AST]:
    """What stands in the place of `node` in its mutants."""
    match node:
        case ast.Compare(ops=[op]) if type(op) in _SWAPS:
            yield _changed(node, ops=[_SWAPS[type(op)]()])
        case ast.BoolOp() | ast.BinOp() | ast.AugAssign() if type(node.op) in _SWAPS:
            yield _changed(node, op=_SWAPS[type(node.op)]())
        case ast.UnaryOp(op=ast.Not()):
            yield node.operand
        case ast.Constant(value=bool() as truth):
            yield ast.Constant(not truth)
        case ast.Constant(value=int() as number):
            yield ast.Constant(number + 1)
        case ast.Constant(value=str() as text) if text:
            yield ast.Constant("XX" + text)
        case ast.If() | ast.IfExp() | ast.While() if not isinstance(node.test, ast.Compare):
            yield _changed(node, test=ast.UnaryOp(ast.Not(), node.test))
        case ast.comprehension(ifs=[_, *_]):
            yield _changed(node, ifs=[])
        case ast.Return(value=ast.expr() as value) if not isinstance(value, ast.Constant):
            yield ast.Return(ast.Constant(None))
        case ast.Expr(value=ast.Call()) | ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield ast.Pass()
        case ast.Break() | ast.Continue():
            yield _SWAPS[type(node)]()


def _changed(node: ast.AST, **fields: object) -> ast.AST:
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed


def _skips(node: ast.AST) -> bool:
    """Docstrings, annotations and messages of exceptions are not behaviour."""
    return isinstance(node, ast.Raise) or (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    )


def _places(node: ast.AST, name: str) -> Iterator[tuple[str, ast.AST, str, int | None, ast.AST]]:
    """Every node with its function's name, its parent, and where in the parent it stands."""
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "decorator_list", "type_params"):
            continue
        for index, child in enumerate(value if isinstance(value, list) else [value]):
            if not isinstance(child, ast.AST) or _skips(child):
                continue
            inner = name
            if isinstance(child, ast.FunctionDef | ast.ClassDef):
                inner = f"{name}.{child.name}".lstrip(".")
            yield inner, node, field, index if isinstance(value, list) else None, child
            yield from _places(child, inner)


def mutants(path: Path) -> Iterator[Mutant]:
    """All mutants of a file."""
    tree = ast.parse(path.read_text())
    module = ".".join(path.relative_to(TOP / "src").with_suffix("").parts)
    seen: Counter[str] = Counter()
    for name, parent, field, index, node in list(_places(tree, "")):
        for variant in _variants(node):
            before, after = (" ".join(_text(item).split())[:100] for item in (node, variant))
            key = f"{path.stem}.{name}: {before} => {after}"
            seen[key] += 1
            _put(parent, field, index, variant)
            source = ast.unparse(ast.fix_missing_locations(tree))
            _put(parent, field, index, node)
            number = f" #{seen[key]}" if seen[key] > 1 else ""
            yield Mutant(key + number, module, path, source)


def _text(node: ast.AST) -> str:
    if isinstance(node, ast.comprehension):
        return "comprehension " + " ".join(map(ast.unparse, node.ifs))
    if isinstance(node, ast.If | ast.While):
        return "if " + ast.unparse(node.test)
    return ast.unparse(node)


def _put(parent: ast.AST, field: str, index: int | None, node: ast.AST) -> None:
    if index is None:
        setattr(parent, field, node)
    else:
        getattr(parent, field)[index] = node


class _Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module from its mutant."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> ModuleSpec | None:
        return importlib.util.spec_from_loader(name, self) if name == self._mutant.module else None

    def exec_module(self, module: types.ModuleType) -> None:
        exec(compile(self._mutant.source, str(self._mutant.path), "exec"), module.__dict__)


def _run_tests(mutant: Mutant | None) -> int:
    """In the child: 0 when every test passes."""
    import pytest

    signal.alarm(LIMIT_S)
    silence = os.open(os.devnull, os.O_WRONLY)
    if mutant is not None:
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        sys.meta_path.insert(0, _Changed(mutant))
    tests = [str(TOP / "tests/policy" / test) for test in TESTS]
    return int(pytest.main(["-x", "--noconftest", "--tb=no", "-W", "ignore", *tests]))


def _start(mutant: Mutant | None) -> int:
    sys.stdout.flush()
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        status = _run_tests(mutant)
    finally:
        os._exit(status != 0)


def survivors(chosen: Sequence[Mutant], workers: int) -> list[Mutant]:
    """Those that no test kills."""
    running: dict[int, Mutant] = {}
    found: list[Mutant] = []
    waiting = list(reversed(chosen))
    while waiting or running:
        while waiting and len(running) < workers:
            mutant = waiting.pop()
            running[_start(mutant)] = mutant
        child, status = os.wait()
        mutant = running.pop(child)
        if status == 0:
            found.append(mutant)
            print(f"survived  {mutant.key}", flush=True)
        done = len(chosen) - len(waiting) - len(running)
        if done % 50 == 0:
            print(f"{done} of {len(chosen)}", file=sys.stderr, flush=True)
    return found


def _prepare() -> None:
    """Import what every child needs and no mutant is in."""
    import hypothesis

    phases = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
    hypothesis.settings.register_profile(
        "mutation", derandomize=True, deadline=None, database=None, phases=phases
    )
    hypothesis.settings.load_profile("mutation")
    child = _start(None)
    if os.waitpid(child, 0)[1] != 0:
        sys.exit("the tests fail without any mutation")


def main() -> int:
    """Run; print what survived, the counts and the score."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, default=700, help="how many mutants; 0 is all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="*", default=[""], help="mutants whose key contains one of these")
    parser.add_argument("--workers", type=int, default=min(2, os.cpu_count() or 1))
    args = parser.parse_args()
    sys.path[:0] = [str(TOP), str(TOP / "src")]
    os.chdir(TOP)
    lines = EQUIVALENT.read_text().splitlines() if EQUIVALENT.exists() else []
    reviewed = {line.rsplit(" | ", 1)[0] for line in lines if " | " in line}
    every = [mutant for target in TARGETS for mutant in mutants(TOP / "src/sesame/policy" / target)]
    stale = reviewed - {mutant.key for mutant in every}
    chosen = [
        mutant
        for mutant in every
        if mutant.key not in reviewed and any(text in mutant.key for text in args.only)
    ]
    if 0 < args.sample < len(chosen):
        chosen = random.Random(args.seed).sample(chosen, args.sample)
    started = time.monotonic()
    _prepare()
    alive = survivors(chosen, args.workers)
    killed = len(chosen) - len(alive)
    score = 100 * killed / max(1, len(chosen))
    for key in sorted(stale):
        print(f"stale     {key}")
    print(
        f"{len(every)} mutants, {len(reviewed)} equivalent by review, {len(chosen)} run (seed {args.seed}): "
        f"{killed} killed, {len(alive)} survived, score {score:.1f} %, {time.monotonic() - started:.0f} s"
    )
    return 0 if score >= PASS_PERCENT and not stale else 1


if __name__ == "__main__":
    sys.exit(main())
