"""Checks of address conditions against the identity the policy is attached to.

A policy of an identity is asked only about addresses that the identity covers: an address identity
covers itself (labels aside), a domain identity every address at it and below. A pattern that no such
address can match never holds. Source: SES developer guide "verified identities".
"""

from collections.abc import Iterator

from sesame.policy.findings.catalogue import Code
from sesame.policy.language.document import Condition, Policy
from sesame.policy.language.pattern import Tokens, Variable, Wild, is_malformed, tokenize
from sesame.policy.language.source import Path
from sesame.policy.language.vocabulary import Compare, Family

Note = tuple[Code, Path, str]
_FROM = "ses:fromaddress"


def check_addresses(policy: Policy, condition: Condition, identity_arn: str | None) -> Iterator[Note]:
    """ses:FromAddress patterns that cover addresses beyond the identity, or none of its own."""
    comparison = condition.operator.comparison
    if identity_arn is None or condition.key.lower() != _FROM or comparison.family is not Family.STRING:
        return
    identity = identity_arn.partition(":identity/")[2]
    if comparison.negated or not identity:
        return
    like = comparison.compare is Compare.LIKE
    for number, value in enumerate(condition.values):
        tokens = tokenize(value.lower(), variables=policy.has_variables, wildcards=like)
        if is_malformed(tokens) or any(isinstance(token, Variable) for token in tokens):
            continue
        if not _may_cover(tokens, identity.lower()):
            message = f"`{value}` is no address of {identity}, so it never matches"
            yield Code.OUTSIDE_IDENTITY, (number,), message


def _may_cover(tokens: Tokens, identity: str) -> bool:
    """Whether some address that the identity covers matches the pattern, up to case.

    Decided on what stands after the pattern's last wildcard, which every match must end with.
    """
    address, _, domain = identity.rpartition("@")
    tail = tokens[-1] if tokens and isinstance(tokens[-1], str) else ""
    if not any(isinstance(token, Wild) for token in tokens):
        whole = "".join(token for token in tokens if isinstance(token, str))
        local, at, whole_domain = whole.rpartition("@")
        if not at:
            return False
        if address:
            return whole_domain == domain and local.partition("+")[0] == address.partition("+")[0]
        return whole_domain == domain or whole_domain.endswith("." + domain)
    local_tail, at, tail_domain = tail.rpartition("@")
    if at:
        same = tail_domain == domain or (not address and tail_domain.endswith("." + domain))
        return same and (not address or address.endswith(local_tail) or "+" in local_tail)
    return domain.endswith(tail) or tail.endswith(domain) or not tail
