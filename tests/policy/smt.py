"""The question of `compare` as a formula for an SMT solver: a third reading of the language, for sends.

Covers what `random_statement` of test_analysis draws: From, recipients, time, client address, tenant.
A set of recipients is four slots, of which as many are used as `n` says; four statements of
"some recipient" can be told apart, which is more than one question needs.
"""

from collections.abc import Sequence

from sesame.policy import Policy
from sesame.policy.language.document import Condition, Effect, Statement
from sesame.policy.language.pattern import Wild, tokenize
from sesame.policy.language.values import read_bool, read_date, read_range
from sesame.policy.language.vocabulary import Compare, Family, Quantifier

SLOTS = 4
_IPV6, _MAPPED = 1 << 128, (1 << 128) + (0xFFFF << 32)

Placed = tuple[Policy, Statement]


def difference(wide: Sequence[Placed], narrow: Sequence[Placed]) -> str:
    """SMT-LIB text, satisfiable if and only if `wide` allows a send that `narrow` does not."""
    allowed = f"(and {_any(wide, Effect.ALLOW)} (not {_any(wide, Effect.DENY)}))"
    before = f"(and {_any(narrow, Effect.ALLOW)} (not {_any(narrow, Effect.DENY)}))"
    address = _language("?*@?*.?*", folded=False)
    lines = [
        "(set-logic ALL)",
        "(declare-const from String)",
        f"(assert (str.in_re from {address}))",
        "(declare-const n Int)",
        f"(assert (and (<= 1 n) (<= n {SLOTS})))",
        "(declare-const t Int)",
        "(assert (and (<= 0 t) (< t 253402300800000000)))",
        "(declare-const ip Int)",
        f"(assert (or (and (<= 0 ip) (< ip {1 << 32})) (and (<= {_IPV6} ip) (< ip {2 * _IPV6}))))",
        f"(assert (not (and (<= {_MAPPED} ip) (< ip {_MAPPED + (1 << 32)}))))",
        "(declare-const tenant String)",
        "(declare-const has_tenant Bool)",
    ]
    for slot in range(SLOTS):
        lines += [f"(declare-const r{slot} String)", f"(assert (str.in_re r{slot} {address}))"]
    return "\n".join([*lines, f"(assert {allowed})", f"(assert (not {before}))", "(check-sat)"])


def _any(placed: Sequence[Placed], effect: Effect) -> str:
    parts = [_statement(policy, item) for policy, item in placed if item.effect is effect]
    return f"(or false {' '.join(parts)})"


def _statement(policy: Policy, statement: Statement) -> str:
    parts = [_condition(condition, statement.effect) for condition in statement.conditions]
    return f"(and true {' '.join(parts)})"


def _condition(condition: Condition, effect: Effect) -> str:
    match condition.key:
        case "ses:Recipients":
            return _recipients(condition, effect)
        case "ses:TenantName":
            return _tenant(condition)
        case "aws:CurrentTime":
            signs = {Compare.LESS: "<", Compare.GREATER_EQUAL: ">=", Compare.EQUAL: "="}
            sign = signs[condition.operator.comparison.compare]
            return f"(or {' '.join(f'({sign} t {read_date(value)})' for value in condition.values)})"
        case "aws:SourceIp":
            spans = [read_range(value) or (0, 0) for value in condition.values]
            inside = f"(or {' '.join(f'(and (<= {first} ip) (<= ip {last}))' for first, last in spans)})"
            return f"(not {inside})" if condition.operator.comparison.negated else inside
        case _:
            return _text(condition, "from")


def _recipients(condition: Condition, effect: Effect) -> str:
    each = [_text(condition, f"r{slot}") for slot in range(SLOTS)]
    used = [f"(< {slot} n)" for slot in range(SLOTS)]
    all_of = " ".join(f"(=> {use} {holds})" for use, holds in zip(used, each, strict=True))
    any_of = " ".join(f"(and {use} {holds})" for use, holds in zip(used, each, strict=True))
    match condition.operator.quantifier:
        case Quantifier.FOR_ALL:
            return f"(and {all_of})"
        case Quantifier.FOR_ANY:
            return f"(or {any_of})"
        case _:
            return f"(or {any_of})" if effect is Effect.DENY else f"(and (= n 1) {each[0]})"


def _tenant(condition: Condition) -> str:
    if condition.operator.comparison.family is Family.NULL:
        return "(not has_tenant)" if read_bool(condition.values[0]) else "has_tenant"
    absent = condition.operator.if_exists or condition.operator.comparison.negated
    return f"(ite has_tenant {_text(condition, 'tenant')} {str(absent).lower()})"


def _text(condition: Condition, variable: str) -> str:
    comparison = condition.operator.comparison
    folded = comparison.compare is Compare.EQUAL_FOLDED
    like = comparison.compare is Compare.LIKE
    languages = [_language(value, folded=folded, wildcards=like) for value in condition.values]
    matches = f"(or {' '.join(f'(str.in_re {variable} {language})' for language in languages)})"
    return f"(not {matches})" if comparison.negated else matches


def _language(pattern: str, *, folded: bool, wildcards: bool = True) -> str:
    parts = ['(str.to_re "")', '(str.to_re "")']
    for token in tokenize(pattern, variables=False, wildcards=wildcards):
        if isinstance(token, Wild):
            parts.append("re.all" if token is Wild.ANY_RUN else "re.allchar")
        elif isinstance(token, str):
            parts += [_letter(character, folded=folded) for character in token]
    return f"(re.++ {' '.join(parts)})"


def _letter(character: str, *, folded: bool) -> str:
    if folded and character.lower() != character.upper():
        return f'(re.union (str.to_re "{character.lower()}") (str.to_re "{character.upper()}"))'
    return f'(str.to_re "{character}")'
