"""The compiler: the statements of a set of policies become one Python function.

The function looks up each condition key once, tests the Deny statements, then the Allow ones, and
returns at the first that matches. Its source consists of our own names and numbers only; every text
of a policy is bound as a constant. Conditions that several statements share are computed once. What
the tests are is in `predicates`.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import cast

from sesame.policy.engine.predicates import Tests
from sesame.policy.engine.runtime import Context
from sesame.policy.language.document import Condition, Effect, Policy, Statement
from sesame.policy.language.vocabulary import Operator

NOTHING = -1
"""What an evaluator returns when no statement matches; n >= 0 is the Allow, -2 - n the Deny that does."""

Evaluator = Callable[[str, str, Context, str, str | None, str, str, str], int]
"""(action, resource, context, arn, role, user_id, account, allowing_account) → see NOTHING.

`action` and the context's keys are in lower case; `arn` is empty for an account's root; `account` is
what a Deny may name, `allowing_account` what an Allow may: empty for principals of the resource's own
account, whom naming the account does not let in.
"""
_PARAMETERS = "action, resource, context, arn, role, user_id, account, allowing_account"

_Identity = tuple[bool, Effect, Operator, str, tuple[str, ...]]


def compile_statements(policies: Sequence[Policy], principal_ids: Mapping[str, str]) -> Evaluator:
    """The function that decides on all statements of `policies`, numbered in the order given."""
    numbered = list(enumerate((policy, item) for policy in policies for item in policy.statements))
    uses = Counter(
        _identity(policy, statement, condition)
        for _, (policy, statement) in numbered
        for condition in statement.conditions
    )
    module = _Module({identity for identity, count in uses.items() if count > 1}, principal_ids)
    for effect in (Effect.DENY, Effect.ALLOW):
        for number, (policy, statement) in numbered:
            if statement.effect is effect:
                module.add(policy, statement, number)
    return module.build()


def _identity(policy: Policy, statement: Statement, condition: Condition) -> _Identity:
    key = condition.key.lower()
    return policy.has_variables, statement.effect, condition.operator, key, condition.values


class _Unset:
    """Marks a cached expression that was not computed yet."""


_UNSET = _Unset()


class _Module:
    """The source being written, and the constants it is bound to."""

    def __init__(self, shared: set[_Identity], principal_ids: Mapping[str, str]) -> None:
        self._shared = shared
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

    def add(self, policy: Policy, statement: Statement, number: int) -> None:
        """Write the test of one statement; one of an unknown version denies whatever it says."""
        denies = statement.effect is Effect.DENY
        result = -2 - number if denies else number
        tests = [str(denies)] if not policy.is_understood else self._tests(policy, statement)
        wanted = [test for test in tests if test != "True"]
        if "False" in wanted:
            return
        self._body.append(f"    if {' and '.join(wanted) or 'True'}:")
        self._body.append(f"        return {result}")

    def _tests(self, policy: Policy, statement: Statement) -> list[str]:
        lenient = statement.effect is Effect.DENY
        writer = Tests(self, variables=policy.has_variables, lenient=lenient)
        tests = [
            writer.action(statement),
            writer.principal(statement, self._principal_ids),
            writer.resource(statement),
        ]
        for condition in statement.conditions:
            identity = _identity(policy, statement, condition)
            if identity in self._cached:
                tests.append(self._cached[identity][1])
            elif identity in self._shared:
                tests.append(self.cached(identity, writer.condition(condition))[0])
            else:
                tests.append(writer.condition(condition))
        return tests

    def build(self) -> Evaluator:
        """Compile the source."""
        lines = [*self._functions, f"def evaluate({_PARAMETERS}):"]
        lines += [f"    {local} = context.get({self.constant(key)})" for key, local in self._keys.items()]
        lines += [f"    {local} = UNSET" for local, _ in self._cached.values()]
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
            self._cached[identity] = local, written
        local, written = self._cached[identity]
        return written, local

    def function(self, body: list[str]) -> str:
        """The name of a new function of (values, context)."""
        name = f"f{len(self._functions)}"
        self._functions.append("\n    ".join([f"def {name}(values, context):", *body]))
        return name
