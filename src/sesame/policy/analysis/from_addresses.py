"""At most which From addresses an identity's policies let a delegate send as: a bound from above, in one pass.

Every Allow that may be about the delegate counts, whatever else it asks for, and no Deny takes anything away: so
nothing is left out that could be sent. What is exactly allowed is `questions.can_send`'s to say.
"""

from collections.abc import Iterable, Sequence

from sesame.policy.language.document import Condition, Effect, Policy, Principal, Statement
from sesame.policy.language.forms import PrincipalForm, is_account_id, read_principal
from sesame.policy.language.pattern import glob
from sesame.policy.language.vocabulary import SENDING_ACTIONS, Compare, Family, Quantifier

_COMPARED = (Compare.EQUAL, Compare.EQUAL_FOLDED, Compare.LIKE)


def from_addresses(policies: Iterable[Policy], *, delegate: str, identity: str) -> tuple[str, ...]:
    """Patterns of From addresses, `*` standing for anything; none when no statement lets the delegate send.

    `delegate` is an account's number, the ARN of a user or role, or a service's name; `identity` an address or domain.
    """
    found: dict[str, None] = {}
    for policy in policies:
        for statement in policy.statements if policy.is_understood else ():
            if statement.effect is Effect.ALLOW and _may_be_about(statement, delegate):
                found |= dict.fromkeys(_addresses(statement, identity))
    whole = _whole(identity)
    return whole if found.keys() >= set(whole) else tuple(sorted(found))


def _whole(identity: str) -> tuple[str, ...]:
    """All that an identity covers; a domain covers its subdomains too."""
    return (identity,) if "@" in identity else (f"*@*.{identity}", f"*@{identity}")


def _addresses(statement: Statement, identity: str) -> Sequence[str]:
    """What a statement's conditions leave of the identity's addresses; the first that says so is enough."""
    for condition in statement.conditions:
        if _names_addresses(condition):
            return condition.values
    return _whole(identity)


def _names_addresses(condition: Condition) -> bool:
    operator = condition.operator
    return (
        condition.key.lower() == "ses:fromaddress"
        and operator.comparison.family is Family.STRING
        and operator.comparison.compare in _COMPARED
        and not operator.comparison.negated
        and not operator.if_exists
        and operator.quantifier is not Quantifier.FOR_ALL
    )


def _may_be_about(statement: Statement, delegate: str) -> bool:
    named = any(
        glob(action.lower()).matches(sending.lower())
        for action in statement.actions
        for sending in SENDING_ACTIONS
    )
    if not named and not statement.not_actions:
        return False
    if statement.not_principals:
        return True
    return any(_may_name(principal, delegate) for principal in statement.principals or ())


def _may_name(principal: Principal, delegate: str) -> bool:
    """Whether a principal may be the delegate, or part of it, or what it is part of."""
    form, value = read_principal(principal)
    match form:
        case PrincipalForm.NOBODY | PrincipalForm.MALFORMED:
            return False
        case PrincipalForm.ANYBODY | PrincipalForm.UNIQUE_ID:
            return True
        case PrincipalForm.ACCOUNT:
            return value == _account_of(delegate)
    if principal.kind == "Service" or ":" not in delegate:
        return value == delegate or (is_account_id(delegate) and _account_of(value) == delegate)
    if ":federated-user/" in delegate and ":user/" in value:  # any user of its account may have opened it
        return _account_of(value) == _account_of(delegate)
    return value == delegate or _role_of(value) == _role_of(delegate) != ""


def _account_of(name: str) -> str:
    fields = name.split(":")
    return fields[4] if len(fields) == 6 else name


def _role_of(arn: str) -> str:
    """Account and name of the role that an ARN, of the role or of a session, is about; nothing for another."""
    fields = arn.split(":")
    kind, _, path = fields[5].partition("/") if len(fields) == 6 else ("", "", "")
    if kind == "role":
        return f"{fields[4]}/{path.rpartition('/')[2]}"
    return f"{fields[4]}/{path.partition('/')[0]}" if kind == "assumed-role" else ""
