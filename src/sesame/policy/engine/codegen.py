"""The compiler: the statements of a set of policies become one Python function.

The function looks up each condition key once, tests the Deny statements, then the Allow ones, and
returns at the first that matches. Statements that begin with the same tests share them: they are laid
out as a tree, so twenty policies that differ in one condition cost little more than one. The source
consists of our own names and numbers only; every text of a policy is bound as a constant. What the
tests are is in `predicates`.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from sesame.policy.engine.predicates import Tests
from sesame.policy.engine.runtime import Context
from sesame.policy.language.document import Condition, Effect, Policy, Principal, Statement
from sesame.policy.language.vocabulary import Quantifier

NOTHING = -1
"""What an evaluator returns when no statement matches; n >= 0 is the Allow, -2 - n the Deny that does."""

Evaluator = Callable[[str, str, Context, str, str | None, str, str, str], int]
"""(action, resource, context, arn, role, user_id, account, allowing_account) → see NOTHING.

`action` and the context's keys are in lower case; `arn` is empty for an account's root; `account` is
what a Deny may name, `allowing_account` what an Allow may: empty for principals of the resource's own
account, whom naming the account does not let in.
"""
_PARAMETERS = "action, resource, context, arn, role, user_id, account, allowing_account"
_DEEPEST = 40
"""Nesting of the tree, where CPython allows 100 levels of indentation."""


@dataclass(frozen=True, slots=True)
class _Element:
    """An Action, Resource or Principal to test; equal ones are tested together."""

    name: str
    negated: bool
    values: tuple[str, ...] | tuple[Principal, ...] | None
    variables: bool = False


@dataclass(frozen=True, slots=True)
class _Key:
    """A condition to test; equal ones are tested together."""

    condition: Condition
    variables: bool


_Test = _Element | _Key


@dataclass(slots=True)
class _Node:
    """A point in the tree of tests: what follows when all tests up to here have passed; tests by their numbers."""

    result: int | None = None
    branches: dict[int, "_Node"] = field(default_factory=dict)


def compile_statements(policies: Sequence[Policy], principal_ids: Mapping[str, str]) -> Evaluator:
    """The function that decides on all statements of `policies`, numbered in the order given."""
    numbered = list(enumerate((policy, item) for policy in policies for item in policy.statements))
    module = _Module(principal_ids)
    module.crowded = _crowded_keys(policies)
    for effect in (Effect.DENY, Effect.ALLOW):
        denies = effect is Effect.DENY
        chosen = [
            (-2 - number if denies else number, policy, statement)
            for number, (policy, statement) in numbered
            if statement.effect is effect and (denies or policy.is_understood)
        ]
        module.add(*_tree(chosen), lenient=denies)
    return module.build()


def _crowded_keys(policies: Sequence[Policy]) -> frozenset[str]:
    """The keys whose set of values several different conditions are on."""
    conditions = {
        condition
        for policy in policies
        for statement in policy.statements
        for condition in statement.conditions
        if condition.operator.quantifier is not Quantifier.NONE
    }
    counts = Counter(condition.key.lower() for condition in conditions)
    return frozenset(key for key, count in counts.items() if count > 1)


def _tree(statements: Sequence[tuple[int, Policy, Statement]]) -> tuple[_Node, list[_Test]]:
    """The statements laid out by the tests they begin with; a set of values is looked at last. And the tests."""
    numbers: dict[_Test, int] = {}
    rows = [
        (result, [numbers.setdefault(test, len(numbers)) for test in _tests(policy, statement)])
        for result, policy, statement in statements
    ]
    tests = [*numbers]
    uses = Counter(number for _, row in rows for number in row)
    order = [(_cost(test), -uses[number]) for number, test in enumerate(tests)]
    root = _Node()
    for result, row in rows:
        node = root
        for number in sorted(row, key=order.__getitem__):
            node = node.branches.setdefault(number, _Node())
        if node.result is None:
            node.result = result
    return root, tests


def _tests(policy: Policy, statement: Statement) -> list[_Test]:
    """What must hold for a statement; of an unknown version, nothing: its Deny holds as it is."""
    if not policy.is_understood:
        return []
    variables = policy.has_variables
    return [
        _Element("action", statement.not_actions, statement.actions),
        _Element("principal", statement.not_principals, statement.principals),
        _Element("resource", statement.not_resources, statement.resources, variables),
        *(_Key(condition, variables) for condition in statement.conditions),
    ]


def _cost(test: _Test) -> int:
    if isinstance(test, _Element):
        return 0
    return 1 if test.condition.operator.quantifier is Quantifier.NONE else 2


def _conjunction(tests: Sequence[str]) -> str:
    return " and ".join(test for test in tests if test != "True") or "True"


def _write_flat(node: _Node, expressions: Sequence[str], margin: str) -> list[str]:
    """What follows at `node`, one `if` a statement: sharing no tests, nesting no deeper."""
    lines: list[str] = []
    waiting: list[tuple[_Node, list[str]]] = [(node, [])]
    while waiting:
        node, row = waiting.pop()
        if node.result is None:
            waiting += [(branch, [*row, expressions[number]]) for number, branch in node.branches.items()]
        elif "False" not in row:
            lines += [f"{margin}if {_conjunction(row)}:", f"{margin}    return {node.result}"]
    return lines


class _Unset:
    """Marks a cached expression that was not computed yet."""


_UNSET = _Unset()


class _Module:
    """The source being written, and the constants it is bound to."""

    def __init__(self, principal_ids: Mapping[str, str]) -> None:
        self.crowded: frozenset[str] = frozenset()
        self._principal_ids = principal_ids
        self._constants: dict[str, object] = {
            "__builtins__": {},
            "UNSET": _UNSET,
            "any": any,
            "len": len,
            "str": str,
        }
        self._keys: dict[str, str] = {}
        self._cached: dict[object, tuple[str, str]] = {}
        self._functions: list[str] = []
        self._body: list[str] = []

    def add(self, tree: _Node, tests: Sequence[_Test], *, lenient: bool) -> None:
        """Write the tests of the statements of one effect."""
        uses: Counter[int] = Counter()
        nodes = [tree]
        while nodes:
            branches = nodes.pop().branches
            uses.update(branches.keys())
            nodes.extend(branches.values())
        expressions: list[str] = []
        for number, test in enumerate(tests):
            expression = self._expression(test, lenient=lenient)
            if uses[number] > 1 and isinstance(test, _Key) and expression not in ("True", "False"):
                expression = self.cached((lenient, test), expression)[0]
            expressions.append(expression)
        self._body += self._write(tree, expressions, indent=1)

    def _expression(self, test: _Test, *, lenient: bool) -> str:
        writer = Tests(self, variables=test.variables, lenient=lenient)
        if isinstance(test, _Key):
            return writer.condition(test.condition)
        if test.name == "principal":
            principals = cast(tuple[Principal, ...] | None, test.values)
            return writer.principal(principals, self._principal_ids, negated=test.negated)
        write = writer.action if test.name == "action" else writer.resource
        return write(cast(tuple[str, ...], test.values), negated=test.negated)

    def _write(self, node: _Node, expressions: Sequence[str], *, indent: int) -> list[str]:
        """What follows at `node`; a row of single branches becomes one `if`."""
        margin = "    " * indent
        if node.result is not None:
            return [f"{margin}return {node.result}"]
        if indent > _DEEPEST:
            return _write_flat(node, expressions, margin)
        lines: list[str] = []
        for number, branch in node.branches.items():
            row = [expressions[number]]
            while branch.result is None and len(branch.branches) == 1:
                [(number, branch)] = branch.branches.items()
                row.append(expressions[number])
            inner = [] if "False" in row else self._write(branch, expressions, indent=indent + 1)
            if inner:
                lines += [f"{margin}if {_conjunction(row)}:", *inner]
        return lines

    def build(self) -> Evaluator:
        """Compile the source."""
        lines = [*self._functions, f"def evaluate({_PARAMETERS}):"]
        lines += [f"    {local} = context.get({self.constant(key)})" for key, local in self._keys.items()]
        lines += [f"    {local} = UNSET" for _, local in self._cached.values()]
        lines += [*self._body, "    return NOTHING"]
        namespace = {**self._constants, "NOTHING": NOTHING}
        exec(compile("\n".join(lines), "<policy>", "exec"), namespace)
        return cast(Evaluator, namespace["evaluate"])

    def constant(self, value: object) -> str:
        """The name that `value` is bound to."""
        name = f"C{len(self._constants)}"
        self._constants[name] = value
        return name

    def key(self, key: str) -> str:
        """The local that holds the request's value of a condition key."""
        return self._keys.setdefault(key.lower(), f"v{len(self._keys)}")

    def cached(self, identity: object, expression: str) -> tuple[str, str]:
        """An expression computed at most once a request: how to write it, and how to name it later."""
        if identity not in self._cached:
            local = f"c{len(self._cached)}"
            written = f"({local} if {local} is not UNSET else ({local} := {expression}))"
            self._cached[identity] = written, local
        return self._cached[identity]

    def is_crowded(self, key: str) -> bool:
        """Whether several conditions are on the set of a key's values."""
        return key.lower() in self.crowded

    def function(self, body: list[str]) -> str:
        """The name of a new function of (values, context)."""
        name = f"f{len(self._functions)}"
        self._functions.append("\n    ".join([f"def {name}(values, context):", *body]))
        return name
