"""The tests of one statement, written as Python expressions for the compiler.

Each element becomes an expression over the locals of the generated function. Wildcards take the
cheapest test for their shape: set membership, startswith, endswith, or a `Glob` for the rest.

INVARIANT: what is not understood never helps to allow. An Allow needs every test to be surely true, a
Deny only needs none to be surely false: `lenient`. Turned round by a negation, so is this.

Sources: IAM user guide "condition operators", "resource", "action", "multivalued context keys".
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Protocol

from sesame.policy.engine.runtime import BoundNames, Census, Dynamics, NotPrincipal, UniqueIds
from sesame.policy.language.document import Condition, Principal
from sesame.policy.language.forms import (
    PatternKind,
    PrincipalForm,
    is_outlawed,
    is_plain,
    needs_variables,
    read_pattern,
    read_principal,
)
from sesame.policy.language.globset import GlobSet
from sesame.policy.language.pattern import ArnPattern, Glob, Shape, Tokens, Wild, is_malformed
from sesame.policy.language.values import (
    Range,
    merge_ranges,
    read_address,
    read_bool,
    read_bytes,
    read_date,
    read_number,
    read_range,
)
from sesame.policy.language.vocabulary import Compare, Family, Quantifier, is_unknown_key

_READERS: dict[Family, Callable[[str], int | Decimal | None]] = {
    Family.NUMERIC: read_number,
    Family.DATE: read_date,
    Family.BOOL: read_bool,
    Family.IP: read_address,
}
_SIGNS = {Compare.LESS: "<", Compare.LESS_EQUAL: "<=", Compare.GREATER: ">", Compare.GREATER_EQUAL: ">="}
_FEW = 4
"""So many ranges or general patterns are tested one by one; more of them together."""


class Module(Protocol):
    """Where the expressions are going to live."""

    def constant(self, value: object) -> str:
        """The name that `value` is bound to."""

    def key(self, key: str) -> str:
        """The local that holds the request's value of a condition key."""

    def cached(self, identity: object, expression: str) -> tuple[str, str]:
        """An expression computed at most once a request: how to write it, and how to name it later."""

    def function(self, body: list[str]) -> str:
        """The name of a new function of (values, context)."""

    def is_crowded(self, key: str) -> bool:
        """Whether several conditions are on the set of a key's values."""


class Tests:
    """Writes the tests of one statement."""

    def __init__(self, module: Module, *, variables: bool, lenient: bool) -> None:
        self._module = module
        self._variables = variables
        self._lenient = lenient
        self._filled: list[str] = []

    def action(self, actions: tuple[str, ...], *, negated: bool) -> str:
        """Action and NotAction: the service literal, case ignored."""
        understood = [action for action in actions if not _has_wild_service(action)]
        patterns = [read_pattern(action.lower(), PatternKind.LIKE, variables=False) for action in understood]
        outlawed = len(understood) < len(actions)
        lenient = self._lenient is not negated
        test = either([self._patterns("action", patterns), str(outlawed and lenient)])
        return negate(test) if negated else test

    def resource(self, resources: tuple[str, ...], *, negated: bool) -> str:
        """Resource and NotResource."""
        test = self._likes("resource", resources, PatternKind.RESOURCE, negated=negated)
        return negate(test) if negated else test

    def principal(
        self, principals: tuple[Principal, ...] | None, principal_ids: Mapping[str, str], *, negated: bool
    ) -> str:
        """Principal and NotPrincipal; an IAM policy's statement has none and is for its bearer."""
        if principals is None:
            return "True"
        named = _Named(principals, principal_ids)
        if negated:
            return self._not_principal(named)
        if named.anybody or (named.malformed and self._lenient):
            return "True"
        constant = self._module.constant
        tests: list[str] = []
        if named.accounts:
            # An account in its own identity's policy lets nobody in: it leaves that to IAM.
            account = "account" if self._lenient else "allowing_account"
            tests.append(f"{account} in {constant(named.accounts)}")
        if named.names:
            names = constant(named.names)
            tests.append(f"arn in {names} or role in {names}")
        if named.bound:
            tests.append(f"{constant(BoundNames(named.bound).match)}(role, user_id)")
        if named.ids:
            tests.append(f"{constant(UniqueIds(named.ids).match)}(user_id)")
        return either(tests)

    def _not_principal(self, named: "_Named") -> str:
        if named.anybody or (named.malformed and not self._lenient):
            return "False"
        listed = named.accounts | named.names
        element = NotPrincipal(listed, named.bound, named.ids, lenient=self._lenient)
        return f"{self._module.constant(element.applies)}(arn, role, user_id, account)"

    def condition(self, condition: Condition) -> str:
        """One key under one operator."""
        operator = condition.operator
        unknown = str(self._lenient)
        if not operator.is_known:
            return unknown
        value = self._module.key(condition.key)
        if operator.comparison.family is Family.NULL:
            test = self._null(value, condition.values)
        elif operator.quantifier is Quantifier.NONE:
            test = self._single(value, condition)
        else:
            test = self._set(value, condition)
        if is_unknown_key(condition.key):
            return f"({test} if {value} is not None else {unknown})"
        return test

    def _null(self, value: str, wanted: tuple[str, ...]) -> str:
        answers = {read_bool(text) for text in wanted}
        if answers >= {True, False} or (None in answers and self._lenient):
            return "True"
        if True in answers:
            return f"{value} is None"
        return f"{value} is not None" if False in answers else "False"

    def _single(self, value: str, condition: Condition) -> str:
        """A plain operator is for one value. Of several, any may match in a Deny, none in an Allow."""
        operator = condition.operator
        test = self._value(value, condition, cache=True)
        if self._lenient:
            each = self._value("x", condition)
            several = self._loop([f"return any({each} for x in values)"])
            test = f"({test} if {value}.__class__ is str else {several}({value}, context))"
        else:
            test = f"({value}.__class__ is str and {test})"
        if operator.if_exists or operator.comparison.negated:
            return f"({value} is None or {test})"
        return f"({value} is not None and {test})" if self._lenient else test

    def _set(self, value: str, condition: Condition) -> str:
        """ForAllValues, ForAnyValue; an absent key and an empty text are an empty set."""
        for_all = condition.operator.quantifier is Quantifier.FOR_ALL
        globs = self._plain_globs(condition) if self._module.is_crowded(condition.key) else None
        if globs is not None:
            return self._counted(value, globs, for_all=for_all, negated=condition.operator.comparison.negated)
        test = self._value("x", condition)
        body = [
            "if not values:",
            f"    return {for_all}",
            "if values.__class__ is str:",
            "    values = (values,)",
            "for x in values:",
            f"    if {negate(test) if for_all else test}:",
            f"        return {not for_all}",
            f"return {for_all}",
        ]
        return f"{self._loop(body)}({value}, context)"

    def _loop(self, body: list[str]) -> str:
        """A function over many values; patterns with variables are filled in before the first."""
        filled, self._filled = self._filled, []
        return self._module.function([*filled, *body])

    def _plain_globs(self, condition: Condition) -> list[Tokens] | None:
        """The patterns of a string condition, if all are constant and matched with case."""
        comparison = condition.operator.comparison
        if comparison.family is not Family.STRING or comparison.compare is Compare.EQUAL_FOLDED:
            return None
        kind = PatternKind.LIKE if comparison.compare is Compare.LIKE else PatternKind.EQUAL
        globs = [read_pattern(value, kind, variables=self._variables) for value in condition.values]
        if any(is_malformed(tokens) or needs_variables(tokens) for tokens in globs):
            return None
        return globs

    def _counted(self, value: str, globs: Sequence[Tokens], *, for_all: bool, negated: bool) -> str:
        """A set operator over a census of the values, each pattern counted once a request."""
        constant = self._module.constant
        census, counted = self._module.cached(("census", value), f"{constant(Census)}({value})")
        single: list[Tokens] = []
        grouped: list[Tokens] = []
        for tokens in globs:
            is_tail = tokens[:1] == (Wild.ANY_RUN,) and _is_tail(tokens[1:])
            (single if is_tail or len(globs) <= _FEW else grouped).append(tokens)
        tests = [self._count(value, (tokens,), counted) for tokens in single]
        if grouped:
            tests.append(self._count(value, tuple(grouped), counted))
        matched = " | ".join(dict.fromkeys(tests))
        against = "0" if for_all is negated else f"{counted}.full"
        return f"({census} is not None and ({matched}) {'==' if for_all else '!='} {against})"

    def _count(self, value: str, patterns: tuple[Tokens, ...], census: str) -> str:
        """The mask of the values that match one of the patterns."""
        if len(patterns) == 1 and _is_tail(patterns[0][1:]) and patterns[0][0] is Wild.ANY_RUN:
            return f"{census}.tails.get({self._module.constant(patterns[0][1])}, 0)"
        body = [
            "mask, bit = 0, 1",
            "for x in values:",
            f"    if {self._patterns('x', patterns)}:",
            "        mask |= bit",
            "    bit <<= 1",
            "return mask",
        ]
        identity = ("count", value, patterns)
        return self._module.cached(identity, f"{self._module.function(body)}({census}.values, context)")[0]

    def _value(self, x: str, condition: Condition, *, cache: bool = False) -> str:
        """Whether the text `x` satisfies the operator; with `cache`, `x` is read once a request."""
        comparison = condition.operator.comparison
        negated, values = comparison.negated, condition.values
        lenient = self._lenient is not negated
        match comparison.family:
            case Family.STRING:
                test = self._string(x, values, comparison.compare, negated=negated)
            case Family.ARN:
                test = self._likes(x, values, PatternKind.ARN, negated=negated)
                if lenient:
                    test = either([test, f"{self._module.constant(_is_no_arn)}({x})"])
            case Family.BINARY:
                test = self._binary(x, values, lenient=lenient)
            case family:
                reading = f"{self._module.constant(_READERS[family])}({x})"
                first, again = f"(r := {reading})", "r"
                if cache:
                    first, again = self._module.cached((family, x), reading)
                test = self._ordered(again, family, values, comparison.compare, lenient=lenient)
                if test not in ("True", "False"):
                    test = f"({first} is None or {test})" if lenient else f"({first} is not None and {test})"
        return negate(test) if negated else test

    def _string(self, x: str, values: tuple[str, ...], compare: Compare, *, negated: bool) -> str:
        if compare is Compare.LIKE:
            return self._likes(x, values, PatternKind.LIKE, negated=negated)
        if compare is Compare.EQUAL_FOLDED:
            folded = tuple(value.lower() for value in values)
            return self._likes(f"{x}.lower()", folded, PatternKind.EQUAL, negated=negated, folded=True)
        return self._likes(x, values, PatternKind.EQUAL, negated=negated)

    def _likes(
        self, x: str, values: tuple[str, ...], kind: PatternKind, *, negated: bool, folded: bool = False
    ) -> str:
        """Whether `x` matches one of the patterns."""
        lenient = self._lenient is not negated
        constant = self._module.constant
        globs: list[Tokens] = []
        dynamic: list[Tokens] = []
        tests: list[str] = []
        for value in values:
            tokens = read_pattern(value, kind, variables=self._variables)
            if is_malformed(tokens) or is_outlawed(tokens, kind):
                tests.append(str(lenient))
            elif needs_variables(tokens):
                dynamic.append(tokens)
            elif kind in (PatternKind.ARN, PatternKind.RESOURCE) and not is_plain(tokens):
                arn = ArnPattern(tokens, crossing=kind is PatternKind.RESOURCE)
                tests.append(f"{constant(arn.matches)}({x})")
            else:
                globs.append(tokens)
        if dynamic:
            # A value without its variable matches nothing; but "none matches" must not then allow.
            unresolved = negated and not self._lenient
            dynamics = Dynamics(dynamic, kind, folded=folded, unresolved=unresolved)
            tests.append(self._dynamic_test(x, dynamics))
        return either([self._patterns(x, globs), *tests])

    def _dynamic_test(self, x: str, dynamics: Dynamics) -> str:
        """Filled in once for a function over many values `x`, on the spot for a single one."""
        if not x.startswith("x"):
            return f"{self._module.constant(dynamics.match)}({x}, context)"
        self._filled.append(f"m = {self._module.constant(dynamics.fill)}(context)")
        return f"m({x})"

    def _patterns(self, x: str, patterns: Sequence[Tokens]) -> str:
        """Whether `x` matches one of the globs."""
        by_shape: dict[Shape, list[Glob]] = {shape: [] for shape in Shape}
        for tokens in patterns:
            pattern = Glob(tokens)
            by_shape[pattern.shape].append(pattern)
        if by_shape[Shape.ALL]:
            return "True"
        constant = self._module.constant
        tests: list[str] = []
        if texts := frozenset(pattern.prefix for pattern in by_shape[Shape.EXACT]):
            tests.append(f"{x} in {constant(texts)}")
        if heads := tuple(pattern.prefix for pattern in by_shape[Shape.PREFIX]):
            tests.append(f"{x}.startswith({constant(heads)})")
        if tails := tuple(pattern.suffix for pattern in by_shape[Shape.SUFFIX]):
            tests.append(f"{x}.endswith({constant(tails)})")
        for pattern in by_shape[Shape.AFFIX]:
            head, tail = pattern.prefix, pattern.suffix
            both = f"{x}.startswith({constant(head)}) and {x}.endswith({constant(tail)})"
            tests.append(f"{both} and len({x}) >= {len(head) + len(tail)}")
        tests += [f"{constant(pattern.prefix)} in {x}" for pattern in by_shape[Shape.CONTAINS]]
        general = [tokens for tokens in patterns if Glob(tokens).shape is Shape.GENERAL]
        if len(general) > _FEW:
            tests.append(f"{constant(GlobSet(general).matches)}({x})")
        else:
            tests += [f"{constant(pattern.matches)}({x})" for pattern in by_shape[Shape.GENERAL]]
        return either(tests)

    def _binary(self, x: str, values: tuple[str, ...], *, lenient: bool) -> str:
        wanted = [read_bytes(value) for value in values]
        constant = self._module.constant
        test = f"{constant(_raw_bytes)}({x}) in {constant(frozenset(wanted) - {None})}"
        return either([test, str(None in wanted and lenient)])

    def _ordered(
        self, x: str, family: Family, values: tuple[str, ...], compare: Compare, *, lenient: bool
    ) -> str:
        """Whether `x`, read and known, compares with one of the values."""
        if family is Family.IP:
            return self._in_ranges(x, values, lenient=lenient)
        read = [_READERS[family](value) for value in values]
        wanted = [value for value in read if value is not None]
        if len(wanted) < len(read) and lenient:
            return "True"
        if not wanted:
            return "False"
        if compare is Compare.EQUAL:
            return f"{x} in {self._module.constant(frozenset(wanted))}"
        # One value suffices, so only the loosest bound counts.
        loosest = max if compare in (Compare.LESS, Compare.LESS_EQUAL) else min
        return f"{x} {_SIGNS[compare]} {self._module.constant(loosest(wanted))}"

    def _in_ranges(self, x: str, values: tuple[str, ...], *, lenient: bool) -> str:
        read = [read_range(value) for value in values]
        ranges = merge_ranges(found for found in read if found is not None)
        if None in read and lenient:
            return "True"
        if len(ranges) > _FEW:
            return f"{self._module.constant(_Ranges(ranges).hold)}({x})"
        constant = self._module.constant
        return either([f"{constant(first)} <= {x} <= {constant(last)}" for first, last in ranges])


def either(tests: Sequence[str]) -> str:
    """The tests joined by `or`; constants folded."""
    left = [test for test in tests if test != "False"]
    if "True" in left:
        return "True"
    return f"({' or '.join(left)})" if left else "False"


def negate(test: str) -> str:
    """The opposite test; constants folded."""
    return {"True": "False", "False": "True"}.get(test, f"(not {test})")


class _Named:
    """What the values of a Principal element name, by form."""

    def __init__(self, principals: tuple[Principal, ...], principal_ids: Mapping[str, str]) -> None:
        forms = [read_principal(principal) for principal in principals]
        by_form: dict[PrincipalForm, set[str]] = {form: set() for form in PrincipalForm}
        for form, value in forms:
            by_form[form].add(value)
        names = by_form[PrincipalForm.NAME]
        self.anybody = bool(by_form[PrincipalForm.ANYBODY])
        self.malformed = bool(by_form[PrincipalForm.MALFORMED])
        self.accounts = frozenset(by_form[PrincipalForm.ACCOUNT])
        self.ids = frozenset(by_form[PrincipalForm.UNIQUE_ID])
        self.bound = {name: principal_ids[name] for name in names if name in principal_ids}
        self.names = frozenset(names - set(self.bound))


class _Ranges:
    """Many address ranges, found by halving."""

    __slots__ = ("_firsts", "_lasts")

    def __init__(self, ranges: Sequence[Range]) -> None:
        self._firsts = [first for first, _ in ranges]
        self._lasts = [last for _, last in ranges]

    def hold(self, address: int) -> bool:
        """Whether one of the ranges holds `address`."""
        at = bisect_right(self._firsts, address) - 1
        return at >= 0 and address <= self._lasts[at]


def _is_tail(tokens: Tokens) -> bool:
    """Whether what follows a star is `@` and a domain."""
    return len(tokens) == 1 and isinstance(tokens[0], str) and tokens[0].rfind("@") == 0


def _has_wild_service(action: str) -> bool:
    return action != "*" and not {"*", "?"}.isdisjoint(action.partition(":")[0])


def _is_no_arn(text: str) -> bool:
    return text.count(":") < 5


def _raw_bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
