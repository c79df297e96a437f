"""Checks of a policy against the identity it is attached to, and of its statements against each other.

Proved, not guessed: by the search of `analysis.strings` and `analysis.questions`; where these are not
exact nothing is found. Source for what an identity covers: SES developer guide "verified identities".
"""

from collections.abc import Iterator

from sesame.policy.analysis.questions import is_shadowed, never_matches
from sesame.policy.analysis.strings import Atom, Budget, BudgetExhausted, find_text
from sesame.policy.findings.catalogue import Code
from sesame.policy.language.document import Condition, Effect, Policy, Statement
from sesame.policy.language.pattern import Tokens, Variable, is_malformed, tokenize
from sesame.policy.language.source import Path
from sesame.policy.language.vocabulary import Compare, Family

Note = tuple[Code, Path, str]


def check_addresses(
    policy: Policy, condition: Condition, identity_arn: str | None, budget: Budget
) -> Iterator[Note]:
    """ses:FromAddress patterns that no address of the identity matches."""
    comparison = condition.operator.comparison
    if identity_arn is None or comparison.family is not Family.STRING or comparison.negated:
        return
    if condition.key.lower() != "ses:fromaddress":
        return
    identity = identity_arn.partition(":identity/")[2]
    like = comparison.compare is Compare.LIKE
    for number, value in enumerate(condition.values):
        tokens = tokenize(value.lower(), variables=policy.has_variables, wildcards=like)
        if any(isinstance(token, Variable) for token in tokens) or is_malformed(tokens):
            continue
        if not _may_cover(tokens, identity.lower(), budget):
            message = (
                f"no address of {identity} matches `{value}`: only From addresses that it covers make sense"
            )
            yield Code.OUTSIDE_IDENTITY, (number,), message


def _may_cover(tokens: Tokens, identity: str, budget: Budget) -> bool:
    """Whether some address that the identity covers matches the pattern, up to case."""
    local, at, domain = identity.rpartition("@")
    covered = [f"{local}@{domain}", f"{local}+*@{domain}"] if at else [f"?*@{domain}", f"?*@?*.{domain}"]
    atoms = [Atom(tokenize(pattern, variables=False)) for pattern in covered]
    try:
        return find_text([atoms, [Atom(tokens)]], [], budget) is not None
    except BudgetExhausted:
        return True


def check_statement(
    policy: Policy, statement: Statement, identity_arn: str | None, budget: Budget
) -> Iterator[Note]:
    """A statement that never matches; an Allow that the policy's own Denies cover."""
    if never_matches(policy, statement, budget=budget):
        yield Code.NEVER_MATCHES, (), "its conditions contradict each other, so it never applies"
    elif statement.effect is Effect.ALLOW and identity_arn is not None:
        if not any(other.effect is Effect.DENY for other in policy.statements):
            return
        if is_shadowed([("", policy)], policy, statement, identity_arn=identity_arn, budget=budget):
            yield Code.SHADOWED, (), "the policy's Deny statements cover all it allows"
