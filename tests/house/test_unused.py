"""What a module defines, something that is served, or a tool, takes: what only tests call is theirs to define."""

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENTRY_POINTS = {"register"}
"""What the command line finds by name in each module of its own."""

Modules = dict[str, ast.Module]


def modules() -> Modules:
    found = {}
    for path in [*(ROOT / "src").rglob("*.py"), *(ROOT / "tools").glob("*.py")]:
        base = ROOT / "src" if path.is_relative_to(ROOT / "src") else ROOT
        name = ".".join(path.relative_to(base).with_suffix("").parts).removesuffix(".__init__")
        found[name] = ast.parse(path.read_text())
    return found


def taken(trees: Modules) -> dict[str, set[str]]:
    """By module, the names of it that it reads itself or that another takes from it."""
    found: dict[str, set[str]] = defaultdict(set)
    for name, tree in trees.items():
        aliases: dict[str, str] = {}
        nodes = list(ast.walk(tree))
        for node in nodes:
            if isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    if (module := f"{node.module}.{alias.name}") in trees:
                        aliases[alias.asname or alias.name] = module
                    else:
                        found[node.module].add(alias.name)
        for node in nodes:
            match node:
                case ast.Attribute(value=ast.Name(id=alias_name), attr=attribute) if alias_name in aliases:
                    found[aliases[alias_name]].add(attribute)
                case ast.Name(id=read, ctx=ast.Load()):
                    found[name].add(read)
                case ast.Constant(value=str(text)) if len(text) < 80:  # an annotation that is quoted
                    found[name].update(text.replace("[", " ").replace("]", " ").replace(".", " ").split())
    return found


def defined(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.Assign(targets=targets):
                yield from names_in(targets)
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name


def names_in(targets: Iterable[ast.expr]) -> Iterator[str]:
    for target in targets:
        yield from (node.id for node in ast.walk(target) if isinstance(node, ast.Name))


def unused(trees: Modules) -> set[str]:
    used = taken(trees)
    return {
        f"{module}.{name}"
        for module, tree in trees.items()
        if module.startswith("sesame.") and not module.startswith("sesame.aws.shapes")
        for name in defined(tree)
        if name not in used[module] | ENTRY_POINTS and not name.startswith("__")
    }


def test_what_is_defined_is_used() -> None:
    assert unused(modules()) == set()


def test_the_check_sees_what_nobody_takes() -> None:
    trees = {
        "sesame.a": ast.parse("def f(): g()\ndef g(): pass\nONE, TWO = 1, 2\nclass C: pass\nprint(ONE)"),
        "sesame.b": ast.parse("from sesame import a\nfrom sesame.a import C\na.f\nx: 'C' = 1\nprint(x)"),
    }
    assert unused(trees) == {"sesame.a.TWO"}
