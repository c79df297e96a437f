"""Statements as SMT-LIB formulas: what the box method is not exact about, put so that a solver can say it.

Covers policy variables, keys that the principal determines, large combinations. Refuses, by name, what it has
no exact formula for. A list of values is as many slots as there are conditions on the key (each can ask for
one value of its own), of which the first `n` are used. Sources: as `reasons.evaluator`; the theory of strings
of SMT-LIB 2.6.

INVARIANT: a condition's formula says when it lets its statement apply: what is not understood is false in an
Allow and true in a Deny, turned round under a negation.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sesame.policy.analysis.demands import TEXT_FAMILIES, OutsideFragment
from sesame.policy.analysis.dimensions import CLOSED, NATURAL, USUAL
from sesame.policy.analysis.dimensions import folded as dimension_of
from sesame.policy.language.document import Condition, Effect, Policy, Statement
from sesame.policy.language.forms import PatternKind, is_outlawed, is_plain, needs_variables, read_pattern
from sesame.policy.language.pattern import Tokens, Variable, Wild, is_malformed, split_arn, tokenize
from sesame.policy.language.values import read_bool, read_date, read_number, read_range
from sesame.policy.language.vocabulary import (
    ADDRESS_KEYS,
    Compare,
    Family,
    Quantifier,
    find_key,
    is_unknown_key,
)

Placed = tuple[Policy, Statement]
_SORTS = {Family.DATE: "Int", Family.NUMERIC: "Real", Family.IP: "Int", Family.BOOL: "Bool"}
_NOTHING = {Family.DATE: "0", Family.NUMERIC: "0.0", Family.IP: "0", Family.BOOL: "false"}
"""Some value of each sort, for a key that is not there."""
_SIGNS = {
    Compare.EQUAL: "=",
    Compare.LESS: "<",
    Compare.LESS_EQUAL: "<=",
    Compare.GREATER: ">",
    Compare.GREATER_EQUAL: ">=",
}
_MOST_SLOTS = 12
_IPV6, _MAPPED = 1 << 128, (1 << 128) + (0xFFFF << 32)
_ADDRESSES = (
    f"(and (or (and (<= 0 {{0}}) (< {{0}} {1 << 32})) (and (<= {_IPV6} {{0}}) (< {{0}} {2 * _IPV6}))) "
    f"(not (and (<= {_MAPPED} {{0}}) (< {{0}} {_MAPPED + (1 << 32)}))))"
)
_DATES = "(and (<= 0 {0}) (< {0} 253402300800000000))"


@dataclass(frozen=True, slots=True)
class Key:
    """A condition key in the formula: its sort, the names of its values and whether it is there.

    `terms` are several for a list, of which `count` are used; a fixed key's term is not a name but a value.
    """

    name: str
    family: Family
    present: str
    terms: tuple[str, ...]
    count: str = ""
    is_fixed: bool = False


class Formula:
    """One question: the conditions of all statements it is about, under what is known of the principal.

    `fixed` maps folded keys to SMT terms, None for a key that the principal never has. Raises OutsideFragment.
    """

    def __init__(
        self, *, sending: bool, limits: Mapping[str, Sequence[str]], fixed: Mapping[str, str | None]
    ) -> None:
        self.keys: dict[str, Key] = {}
        self._sending = sending
        self._limits = {dimension_of(key): tuple(patterns) for key, patterns in limits.items()}
        self._fixed = fixed
        self._lines: list[str] = []

    def difference(self, wide: Sequence[Placed], narrow: Sequence[Placed] | None) -> list[str]:
        """SMT-LIB lines that are satisfiable exactly if `wide` allows what `narrow` does not."""
        self._declare([*wide, *(narrow or ())])
        wanted = [
            f"(assert {self._any(wide, Effect.ALLOW)})",
            f"(assert (not {self._any(wide, Effect.DENY)}))",
        ]
        if narrow is not None:
            allows, denies = self._any(narrow, Effect.ALLOW), self._any(narrow, Effect.DENY)
            wanted.append(f"(assert (not (and {allows} (not {denies}))))")
        return [*self._lines, *wanted]

    def _declare(self, placed: Sequence[Placed]) -> None:
        conditions = [(policy, item) for policy, statement in placed for item in statement.conditions]
        by_key: dict[str, list[Condition]] = {
            key: [] for key in USUAL if self._sending or not key.startswith("ses:")
        }
        for key in self._limits:
            by_key.setdefault(key, [])
        for policy, condition in conditions:
            by_key.setdefault(dimension_of(condition.key), []).append(condition)
            for variable in _variables(policy, condition):
                by_key.setdefault(variable.key, [])
        for number, (key, about) in enumerate(by_key.items()):
            self.keys[key] = self._key(key, f"k{number}", about)

    def _key(self, key: str, name: str, about: Sequence[Condition]) -> Key:
        family = _family(key, about)
        if key in self._fixed:
            return self._fixed_key(key, family, about)
        expected = (key in USUAL and (self._sending or not key.startswith("ses:"))) or key in self._limits
        present = "true" if expected else f"p_{name}"
        if not expected:
            self._lines.append(f"(declare-const {present} Bool)")
        known = find_key(key)
        if known is None or not known.is_list:
            self._lines.append(f"(declare-const {name} {_SORTS.get(family, 'String')})")
            self._shape(key, family, name)
            return Key(key, family, present, (name,))
        slots = max(2, len(set(about)))
        if family not in TEXT_FAMILIES or slots > _MOST_SLOTS:
            raise OutsideFragment(f"so many or such conditions on the list {about[0].key}")
        terms = tuple(f"{name}_{slot}" for slot in range(slots))
        for term in terms:
            self._lines.append(f"(declare-const {term} String)")
            self._shape(key, family, term)
        count = f"n_{name}"
        self._lines += [f"(declare-const {count} Int)", f"(assert (and (<= 1 {count}) (<= {count} {slots})))"]
        return Key(key, family, present, terms, count)

    def _fixed_key(self, key: str, family: Family, about: Sequence[Condition]) -> Key:
        """A key that the principal determines."""
        term = self._fixed[key]
        if term is None:
            return Key(key, family, "false", (_NOTHING.get(family, '""'),), is_fixed=True)
        if family is Family.BOOL:
            term = term.strip('"')
        elif family not in TEXT_FAMILIES:
            raise OutsideFragment(f"an operator that is not for texts on {about[0].key}")
        return Key(key, family, "true", (term,), is_fixed=True)

    def _shape(self, key: str, family: Family, term: str) -> None:
        """What every value of a key is like, and the limits of the question."""
        if family is Family.IP:
            self._lines.append(f"(assert {_ADDRESSES.format(term)})")
        elif family is Family.DATE:
            self._lines.append(f"(assert {_DATES.format(term)})")
        elif family in TEXT_FAMILIES:
            known = find_key(key)
            shape: tuple[str, ...] = ("?*",) if known is not None and known.is_list else ("*",)
            shape = CLOSED.get(key, ("?*@?*.?*",) if key in ADDRESS_KEYS else shape)
            self._lines.append(f"(assert {_one_of(term, shape)})")
        if key in self._limits:
            limits = self._limits[key]
            if family in TEXT_FAMILIES:
                self._lines.append(f"(assert {_one_of(term, limits)})")
            else:
                self._lines.append(f"(assert {_ordered(term, family, Compare.EQUAL, limits, lenient=False)})")

    def _any(self, placed: Sequence[Placed], effect: Effect) -> str:
        parts = [self._statement(policy, item) for policy, item in placed if item.effect is effect]
        return _or(parts)

    def _statement(self, policy: Policy, statement: Statement) -> str:
        if not policy.is_understood:
            return "true" if statement.effect is Effect.DENY else "false"
        lenient = statement.effect is Effect.DENY
        return _and([self._condition(policy, item, lenient=lenient) for item in statement.conditions])

    def _condition(self, policy: Policy, condition: Condition, *, lenient: bool) -> str:
        operator = condition.operator
        if not operator.is_known:
            return _truth(lenient)
        key = self.keys[dimension_of(condition.key)]
        if operator.comparison.family is Family.NULL:
            answers = {read_bool(value) for value in condition.values}
            if None in answers and lenient:
                test = "true"
            else:
                test = _or([f"(not {key.present})"] * (True in answers) + [key.present] * (False in answers))
        elif operator.quantifier is Quantifier.NONE:
            test = self._single(policy, condition, key, lenient=lenient)
        else:
            test = self._set(policy, condition, key, lenient=lenient)
        if is_unknown_key(condition.key):
            return f"(ite {key.present} {test} {_truth(lenient)})"
        return test

    def _single(self, policy: Policy, condition: Condition, key: Key, *, lenient: bool) -> str:
        each = [self._value(term, policy, condition, lenient=lenient) for term in key.terms]
        if key.count:
            one = f"(and (= {key.count} 1) {each[0]})"
            test = _or(_used(key, each)) if lenient else one
        else:
            test = each[0]
        if_absent = condition.operator.if_exists or condition.operator.comparison.negated
        return f"(ite {key.present} {test} {_truth(if_absent)})"

    def _set(self, policy: Policy, condition: Condition, key: Key, *, lenient: bool) -> str:
        for_all = condition.operator.quantifier is Quantifier.FOR_ALL
        each = [self._value(term, policy, condition, lenient=lenient) for term in key.terms]
        empty = f"(not {key.present})"
        if key.count:
            used = [f"(not (and (< {slot} {key.count}) (not {test})))" for slot, test in enumerate(each)]
            test = _and(used) if for_all else _or(_used(key, each))
        else:
            test = each[0]
            if key.family in TEXT_FAMILIES:  # an empty text is an empty set
                empty = f'(or {empty} (= {key.terms[0]} ""))'
        return f"(ite {empty} {_truth(for_all)} {test})"

    def _value(self, term: str, policy: Policy, condition: Condition, *, lenient: bool) -> str:
        """Whether one value satisfies the operator."""
        comparison = condition.operator.comparison
        inner = lenient is not comparison.negated
        if comparison.family not in TEXT_FAMILIES:
            test = _ordered(term, comparison.family, comparison.compare, condition.values, lenient=inner)
            return f"(not {test})" if comparison.negated else test
        kind = PatternKind.ARN if comparison.family is Family.ARN else PatternKind.LIKE
        if comparison.family is Family.STRING and comparison.compare is not Compare.LIKE:
            kind = PatternKind.EQUAL
        folded = comparison.compare is Compare.EQUAL_FOLDED
        unresolved = comparison.negated and not lenient
        tests: list[str] = []
        for text in condition.values:
            tokens = read_pattern(text, kind, variables=policy.has_variables)
            if is_malformed(tokens) or is_outlawed(tokens, kind):
                tests.append(_truth(inner))
            elif not needs_variables(tokens):
                tests.append(f"(str.in_re {term} {_language(tokens, kind, folded=folded)})")
            elif folded or (kind is PatternKind.ARN and not is_plain(tokens)):
                raise OutsideFragment(f"the policy variable in `{text}` where case or ARN parts count")
            else:
                tests.append(self._with_variables(term, tokens, text, unresolved=unresolved))
        if kind is PatternKind.ARN and inner:
            tests.append(
                f"(not (str.in_re {term} {_language(tokenize('*:*:*:*:*:*', variables=False), kind)}))"
            )
        test = _or(tests)
        return f"(not {test})" if comparison.negated else test

    def _with_variables(self, term: str, tokens: Tokens, text: str, *, unresolved: bool) -> str:
        """A pattern with variables: its chunks between stars, found from left to right."""
        resolved: list[str] = []
        chunks: list[list[str | None]] = [[]]
        for token in tokens:
            if token is Wild.ANY_RUN:
                chunks.append([])
            elif isinstance(token, Variable):
                present, value = self._variable(token, text)
                resolved.append(present)
                chunks[-1].append(value)
            else:
                chunks[-1].append(quote(token) if isinstance(token, str) else None)
        if any(None in chunk for chunk in chunks[1:-1]):
            raise OutsideFragment(f"the policy variable in `{text}`, where `?` stands between two stars")
        match = _match_chunks(term, chunks)
        all_resolved = _and(resolved)
        return f"(or (not {all_resolved}) {match})" if unresolved else f"(and {all_resolved} {match})"

    def _variable(self, variable: Variable, text: str) -> tuple[str, str]:
        """Whether a variable has a value, and the value."""
        key = self.keys[variable.key]
        if key.family not in TEXT_FAMILIES:
            raise OutsideFragment(f"the policy variable in `{text}`, whose value is not plain text")
        single = f"(= {key.count} 1)" if key.count else "true"
        if variable.default is None:
            return _and([key.present, single]), key.terms[0]
        present = f"(or (not {key.present}) {single})"
        return present, f"(ite {key.present} {key.terms[0]} {quote(variable.default)})"


def _variables(policy: Policy, condition: Condition) -> Iterable[Variable]:
    if not policy.has_variables or condition.operator.comparison.family not in TEXT_FAMILIES:
        return []
    rows = [tokenize(value, variables=True) for value in condition.values]
    return [token for row in rows for token in row if isinstance(token, Variable)]


def _family(key: str, about: Sequence[Condition]) -> Family:
    """The one kind of value that all conditions on a key compare."""
    families = {item.operator.comparison.family for item in about} - {Family.NULL, Family.UNKNOWN}
    known = find_key(key)
    natural = Family.STRING if known is None else known.family
    kinds = {Family.STRING if family in TEXT_FAMILIES else family for family in families or {natural}}
    name = about[0].key if about else key
    is_other = NATURAL.get(key) not in (None, *kinds)
    if len(kinds) > 1 or Family.BINARY in kinds or is_other:
        raise OutsideFragment(f"operators of different kinds, or for other values, on {name}")
    return kinds.pop()


def _ordered(term: str, family: Family, compare: Compare, values: Sequence[str], *, lenient: bool) -> str:
    if family is Family.IP:
        spans = [read_range(value) for value in values]
        tests = [f"(and (<= {span[0]} {term}) (<= {term} {span[1]}))" for span in spans if span is not None]
        return "true" if None in spans and lenient else _or(tests)
    if family is Family.BOOL:
        answers = [read_bool(value) for value in values]
        tests = [term if answer else f"(not {term})" for answer in answers if answer is not None]
        return "true" if None in answers and lenient else _or(tests)
    read = read_date if family is Family.DATE else read_number
    bounds = [read(value) for value in values]
    if None in bounds and lenient:
        return "true"
    texts = [format(bound, "f" if family is Family.NUMERIC else "d") for bound in bounds if bound is not None]
    return _or([f"({_SIGNS[compare]} {term} {_number(text)})" for text in texts])


def _number(text: str) -> str:
    return f"(- {text[1:]})" if text.startswith("-") else text


def _one_of(term: str, patterns: Sequence[str]) -> str:
    rows = [tokenize(pattern, variables=False) for pattern in patterns]
    return _or([f"(str.in_re {term} {_language(row, PatternKind.LIKE)})" for row in rows])


def _language(tokens: Tokens, kind: PatternKind, *, folded: bool = False) -> str:
    """The texts that match a pattern, as a regular expression of SMT-LIB."""
    parts = split_arn(tokens) if kind is PatternKind.ARN else [tokens]
    if len(parts) != 6:
        parts = [tokens]
    terms = ['(str.to_re "")', '(str.to_re "")']
    for number, part in enumerate(parts):
        terms += ['(str.to_re ":")'] if number else []
        one = "re.allchar" if number == len(parts) - 1 else '(re.diff re.allchar (str.to_re ":"))'
        for token in part:
            if isinstance(token, Wild):
                terms.append(f"(re.* {one})" if token is Wild.ANY_RUN else one)
            else:
                text = str(token)
                terms += _folded(text) if folded else [f"(str.to_re {quote(text)})"]
    return f"(re.++ {' '.join(terms)})"


def _folded(text: str) -> list[str]:
    """A language for each character: whatever becomes the same in lower case."""
    if not text.isascii():
        raise OutsideFragment(f"`{text}` where case is ignored, which is beyond ASCII")
    terms: list[str] = []
    for character in text.lower():
        others = {character.upper(), "\u212a"} if character == "k" else {character.upper()}
        letters = [f"(str.to_re {quote(letter)})" for letter in sorted({character} | others)]
        terms.append(letters[0] if len(letters) == 1 else f"(re.union {' '.join(letters)})")
    return terms


def _match_chunks(term: str, chunks: Sequence[Sequence[str | None]]) -> str:
    """First chunk at the beginning, last at the end, each between at the first place after the one before."""
    first, last = chunks[0], chunks[-1]
    length = f"(str.len {term})"
    if len(chunks) == 1:
        if None not in first:
            return f"(= {term} {_concatenated(first)})"
        return _and([f"(= {length} {_width(first)})", _stands_at(term, first, "0")])
    tests: list[str] = []
    at = _width(first)
    for chunk in chunks[1:-1]:
        text = _concatenated(chunk)
        found = f"(str.indexof {term} {text} {at})"
        tests.append(f"(<= 0 {found})")
        at = f"(+ {found} (str.len {text}))"
    if None in first:
        tests.append(_stands_at(term, first, "0"))
    elif first:
        tests.append(f"(str.prefixof {_concatenated(first)} {term})")
    if None in last:
        tests.append(_stands_at(term, last, f"(- {length} {_width(last)})"))
    elif last:
        tests.append(f"(str.suffixof {_concatenated(last)} {term})")
    return _and([f"(<= (+ {at} {_width(last)}) {length})", *tests])


def _stands_at(term: str, chunk: Sequence[str | None], at: str) -> str:
    tests: list[str] = []
    for text in chunk:
        if text is None:
            at = f"(+ {at} 1)"
            continue
        tests.append(f"(= (str.substr {term} {at} (str.len {text})) {text})")
        at = f"(+ {at} (str.len {text}))"
    return _and(tests)


def _width(chunk: Sequence[str | None]) -> str:
    return f"(+ 0 0 {' '.join('1' if text is None else f'(str.len {text})' for text in chunk)})"


def _concatenated(chunk: Sequence[str | None]) -> str:
    return f'(str.++ "" "" {" ".join(text for text in chunk if text is not None)})'


def _used(key: Key, tests: Sequence[str]) -> list[str]:
    return [f"(and (< {slot} {key.count}) {test})" for slot, test in enumerate(tests)]


def _or(parts: Sequence[str]) -> str:
    return f"(or false false {' '.join(parts)})"


def _and(parts: Sequence[str]) -> str:
    return f"(and true true {' '.join(parts)})"


def _truth(value: bool) -> str:
    return "true" if value else "false"


def quote(text: str) -> str:
    """A string constant of SMT-LIB; raises OutsideFragment for characters that it does not have."""
    if any(ord(character) > 0x2FFFF for character in text):
        raise OutsideFragment(f"a character of `{text}`, which the solver does not know")
    plain = "".join(c if " " <= c <= "~" and c not in '\\"' else f"\\u{{{ord(c):x}}}" for c in text)
    return f'"{plain}"'
