"""A policy, and an edit of one, said in sentences that leave nothing out.

One sentence a statement, one clause a condition, every value in backticks (one within a value is doubled): what is
said can be read back, and means what the policy does. Unlike `reasons.sentence`, which picks what one request hung on,
this is about all requests.
"""

from collections.abc import Sequence

from sesame.policy.language.document import Condition, Effect, Policy, Principal, Statement
from sesame.policy.language.forms import PrincipalForm, read_principal
from sesame.policy.language.vocabulary import Compare, Family, Quantifier

_KEYS = {
    "ses:fromaddress": "the From address",
    "ses:fromdisplayname": "the display name",
    "ses:feedbackaddress": "the bounce address",
    "ses:recipients": "the recipients",
    "aws:sourceip": "the client's address",
    "aws:currenttime": "the time",
}
_COMPARES = {
    (Family.STRING, Compare.EQUAL): ("is", "is not"),
    (Family.STRING, Compare.EQUAL_FOLDED): ("is, in any case,", "is not, in any case,"),
    (Family.STRING, Compare.LIKE): ("is like", "is not like"),
    (Family.ARN, Compare.LIKE): ("is an ARN like", "is not an ARN like"),
    (Family.IP, Compare.EQUAL): ("is in", "is not in"),
    (Family.BOOL, Compare.EQUAL): ("is the truth value", "is not the truth value"),
    (Family.BINARY, Compare.EQUAL): ("has the bytes", "has not the bytes"),
    (Family.NUMERIC, Compare.EQUAL): ("equals", "does not equal"),
    (Family.NUMERIC, Compare.LESS): ("is less than", ""),
    (Family.NUMERIC, Compare.LESS_EQUAL): ("is at most", ""),
    (Family.NUMERIC, Compare.GREATER): ("is more than", ""),
    (Family.NUMERIC, Compare.GREATER_EQUAL): ("is at least", ""),
    (Family.DATE, Compare.EQUAL): ("is at", "is not at"),
    (Family.DATE, Compare.LESS): ("is before", ""),
    (Family.DATE, Compare.LESS_EQUAL): ("is not after", ""),
    (Family.DATE, Compare.GREATER): ("is after", ""),
    (Family.DATE, Compare.GREATER_EQUAL): ("is not before", ""),
}
"""A relation, and what negated operators say."""


def say_policy(policy: Policy) -> tuple[str, ...]:
    """A sentence for each statement, in their order, and one more where its version matters."""
    sentences = [say_statement(statement) for statement in policy.statements]
    if not policy.is_understood:
        sentences.append(
            f"Version {_quoted(policy.version)} is not understood, so nothing of this allows anything."
        )
    elif not policy.has_variables and any("${" in sentence for sentence in sentences):
        sentences.append("Texts are taken as they stand: this version has no variables.")
    return tuple(sentences)


def say_edit(old: Policy, new: Policy) -> tuple[str, ...]:
    """What an edit takes away and what it adds, statement by statement; nothing where both say the same."""
    before, after = say_policy(old), say_policy(new)
    gone = [f"No longer: {sentence}" for sentence in dict.fromkeys(before) if sentence not in after]
    come = [f"From now on: {sentence}" for sentence in dict.fromkeys(after) if sentence not in before]
    return (*gone, *come)


def say_statement(statement: Statement) -> str:
    """One statement as a sentence."""
    may = "may" if statement.effect is Effect.ALLOW else "may not"
    what = _list("do", statement.actions, is_not=statement.not_actions)
    on = _list("on", statement.resources, is_not=statement.not_resources)
    clauses = [_clause(condition) for condition in statement.conditions]
    when = f", when {' and '.join(clauses)}" if clauses else ""
    return f"{_who(statement)} {may} {what} {on}{when}."


def _who(statement: Statement) -> str:
    if statement.principals is None:
        return "Whoever has the policy"
    names = [_principal(one) for one in statement.principals]
    return f"Not counting {_join(names)}, everybody" if statement.not_principals else _capital(_join(names))


def _principal(principal: Principal) -> str:
    form, value = read_principal(principal)
    if form is PrincipalForm.ANYBODY:
        return "everybody"
    if form is PrincipalForm.ACCOUNT:
        return f"account {_quoted(value)}"
    kind = {"AWS": "", "Service": "service "}.get(principal.kind, f"{principal.kind} principal ")
    return f"{kind}{_quoted(value)}"


def _list(verb: str, values: Sequence[str], *, is_not: bool) -> str:
    return f"{verb} {'anything but ' if is_not else ''}{_join([_quoted(value) for value in values])}"


def _clause(condition: Condition) -> str:
    operator, comparison, values = condition.operator, condition.operator.comparison, condition.values
    key = _KEYS.get(condition.key.lower(), _quoted(condition.key))
    if comparison.family is Family.UNKNOWN:
        return f"{key} satisfies {_quoted(operator.text)}, which is not understood, with {_or(values)}"
    if comparison.family is Family.NULL:
        return f"that {key} is absent is {_or(values)}"
    relation = _COMPARES[comparison.family, comparison.compare][comparison.negated]
    each = {Quantifier.NONE: "", Quantifier.FOR_ALL: "each of ", Quantifier.FOR_ANY: "one of "}
    absent = ", or there is none" if operator.if_exists else ""
    return f"{each[operator.quantifier]}{key} {relation} {_or(values)}{absent}"


def _or(values: Sequence[str]) -> str:
    return " or ".join(map(_quoted, values))


def _join(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _quoted(value: str) -> str:
    doubled = value.replace("`", "``")
    return f"`{doubled}`"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
