"""Transaction functions remember nothing and touch nothing: they may run twice, and what they did may not count."""

import ast
import re
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / "src" / "sesame"
RUNNERS = {"write", "read", "write_together"}
CHANGES = {
    "add", "append", "appendleft", "clear", "discard", "extend", "insert", "pop", "popitem", "remove", "set",
    "setdefault", "sort", "update",
}  # fmt: skip


def names_bound_in(function: ast.AsyncFunctionDef | ast.FunctionDef | ast.Lambda) -> set[str]:
    """Parameters and what is assigned in the function itself, but for `nonlocal` names."""
    arguments = function.args
    bound = {one.arg for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}
    outer: set[str] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.add(node.id)
        elif isinstance(node, ast.Nonlocal | ast.Global):
            outer.update(node.names)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            bound.add(node.name)
    return (bound - outer) - {"self"}


def root_of(node: ast.expr) -> ast.expr:
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node


def changes_of_surroundings(function: ast.AsyncFunctionDef | ast.FunctionDef | ast.Lambda) -> list[int]:
    """Lines where the function changes something that is not its own."""
    own = names_bound_in(function)
    lines = []

    def is_captured(node: ast.expr) -> bool:
        root = root_of(node)
        return isinstance(root, ast.Name) and root.id not in own

    for node in ast.walk(function):
        match node:
            case ast.Nonlocal() | ast.Global():
                lines.append(node.lineno)
            case ast.Attribute(ctx=ast.Store() | ast.Del()) | ast.Subscript(ctx=ast.Store() | ast.Del()):
                if is_captured(node):
                    lines.append(node.lineno)
            case ast.Call(func=ast.Attribute(attr=name, value=target)) if name in CHANGES and is_captured(
                target
            ):
                is_store_call = (
                    isinstance(target, ast.Name) and target.id[:1].islower() and is_module(target.id)
                )
                if not is_store_call:
                    lines.append(node.lineno)
    return lines


def is_module(name: str) -> bool:
    """Whether a name is one of the modules whose functions take a transaction."""
    return (SOURCE / "store" / f"{name}.py").exists() or (SOURCE / "spool" / f"{name}.py").exists()


def handed_over(tree: ast.AST) -> list[ast.AsyncFunctionDef | ast.FunctionDef | ast.Lambda]:
    """The functions of a module that are run as transactions: those handed to a store, and those that take one."""
    defined: dict[str, list[ast.AsyncFunctionDef]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.AsyncFunctionDef) and is_transaction(node):
            defined.setdefault(node.name, []).append(node)
    found: dict[int, ast.AsyncFunctionDef | ast.FunctionDef | ast.Lambda] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.AsyncFunctionDef) and takes_a_transaction(node):
            found[id(node)] = node
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        if node.func.attr not in RUNNERS or "store" not in ast.unparse(node.func.value):
            continue
        for argument in node.args:
            if isinstance(argument, ast.Lambda):
                found[id(argument)] = argument
            elif isinstance(argument, ast.Name):
                found |= {id(one): one for one in defined.get(argument.id, [])}
    return list(found.values())


def takes_a_transaction(function: ast.AsyncFunctionDef) -> bool:
    arguments = (*function.args.posonlyargs, *function.args.args)
    return any(
        one.annotation is not None and ast.unparse(one.annotation) == "Transaction" for one in arguments
    )


def is_transaction(function: ast.AsyncFunctionDef) -> bool:
    return takes_a_transaction(function) or "tx" in [one.arg for one in function.args.args]


def wrong_in(text: str) -> list[int]:
    return sorted(
        {line for function in handed_over(ast.parse(text)) for line in changes_of_surroundings(function)}
    )


def test_transaction_functions_leave_their_surroundings_alone() -> None:
    wrong = {}
    for path in sorted(SOURCE.rglob("*.py")):
        name = str(path.relative_to(SOURCE))
        if path.parts[len(SOURCE.parts)] != "db" and (lines := wrong_in(path.read_text())):
            wrong[name] = lines
    assert wrong == {}


def test_the_check_sees_what_a_transaction_leaves_behind() -> None:
    head = "async def f(self, store):\n    seen = []\n    async def run(tx):\n        "
    tail = "\n    await self._store.write(run)\n"
    for statement in (
        "self._expired[1] = 2",
        "self._last = 3",
        "seen.append(1)",
        "self._cache.pop(1)",
        "seen[0] += 1",
        "nonlocal seen",
        "del self._cache[1]",
        "self._a.b.update({})",
    ):
        assert wrong_in(f"{head}{statement}{tail}") == [4], statement
    for statement in (
        "own = []; own.append(await tx.one('x'))",
        "found = {}; found[1] = 2",
        "return self._limit",
    ):
        assert wrong_in(f"{head}{statement}{tail}") == [], statement
    assert wrong_in("class C:\n    async def _load(self, tx: Transaction):\n        self._x = 1\n") == [3]


def test_epochs_are_written_in_one_place() -> None:
    """Under their lock, which accept transactions share; a statement elsewhere would go past it (I4)."""
    writes = re.compile(r"(INTO|UPDATE|FROM)\s+epoch\b(?!\s+WHERE\s+scope\s+(=|IN))", re.IGNORECASE)
    found = {
        str(path.relative_to(SOURCE)): len(writes.findall(path.read_text()))
        for path in SOURCE.rglob("*.py")
        if writes.search(path.read_text())
    }
    assert found == {"db/__init__.py": 1}
