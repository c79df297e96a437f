"""Policies narrowed to what was done under them: the smallest that still allow what each delegate did.

Every Allow is cut to those who used it, the actions and From addresses that they used, each delegate's own, and what
else the reader asks for (`narrowing`); all other conditions stay as they stand. An Allow that nobody used goes, Deny
statements stay. So a suggestion never widens a grant.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sesame.policy.language.document import Effect, Policy, Principal, Statement
from sesame.policy.language.forms import PrincipalForm, read_principal
from sesame.policy.language.put import MAX_BYTES
from sesame.policy.language.vocabulary import SENDING_ACTIONS
from sesame.policy.request import Requester
from sesame.policy.writing.generate import policy_text
from sesame.policy.writing.narrowing import NOTHING_SEEN, Narrow, Seen, bare, exactly, narrowed


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One message that an Allow let through: by which statement, whose, how and as which From address."""

    policy: str
    index: int
    requester: Requester
    action: str
    from_address: str
    seen: Seen = NOTHING_SEEN


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggested:
    """A policy as it could be: its new text, None to remove it; `is_whole` when it could not be narrowed further.

    Where that would be longer than SES stores, actions share their addresses; then what goes beyond From is left out;
    then delegates share addresses, or the patterns stay.
    """

    name: str
    document: str | None
    is_whole: bool


NOTHING_MORE: frozenset[Narrow] = frozenset()
Key = tuple[tuple[str, ...], tuple[str, ...] | None]
"""Actions and From addresses that a statement is narrowed to; None keeps its patterns."""


def suggest(
    policies: Sequence[tuple[str, Policy]], uses: Iterable[Use], *, narrow: frozenset[Narrow] = NOTHING_MORE
) -> tuple[Suggested, ...]:
    """The policies that change, by name; `narrow` says what to narrow beside principals, actions and From."""
    by_statement: dict[tuple[str, int], list[Use]] = {}
    for use in uses:
        by_statement.setdefault((use.policy, use.index), []).append(use)
    found = []
    for name, policy in policies:
        suggested = _narrowed(name, policy, by_statement, narrow)
        if suggested.document != policy.text:
            found.append(suggested)
    return tuple(found)


def _narrowed(
    name: str, policy: Policy, uses: Mapping[tuple[str, int], Sequence[Use]], narrow: frozenset[Narrow]
) -> Suggested:
    """A policy cut to its uses, as far as that still fits."""
    written = json.loads(policy.text)
    listed = written["Statement"] if isinstance(written["Statement"], list) else [written["Statement"]]
    plain = [(split, NOTHING_MORE) for split in (_each_deed, _each_delegate, _all_together, _patterns_kept)]
    for number, (split, more) in enumerate([(_each_deed, narrow), (_each_delegate, narrow), *plain]):
        statements: list[dict[str, Any]] = []
        for statement, text in zip(policy.statements, listed, strict=True):
            used = uses.get((name, statement.index), ())
            if statement.effect is Effect.DENY:
                statements.append(text)
            elif used:
                for cut, theirs in _cut(policy, statement, text, used, split(statement, used)):
                    before = cut.get("Condition", {})
                    after = narrowed(before, statement, [use.seen for use in theirs], more, policy)
                    statements.append({**cut, "Condition": after} if after != before else cut)
        if not statements:
            return Suggested(name=name, document=None, is_whole=True)
        if statements == listed:
            return Suggested(name=name, document=policy.text, is_whole=True)
        document = policy_text({**written, "Statement": statements})
        if len(document.encode()) <= MAX_BYTES:
            return Suggested(name=name, document=document, is_whole=number == 0)
    return Suggested(name=name, document=policy.text, is_whole=False)


def _each_deed(statement: Statement, uses: Sequence[Use]) -> dict[Key, list[Principal]]:
    """As each delegate used each action: only what was done as it was done."""
    addresses: dict[tuple[Principal, str], list[Use]] = {}
    for use in uses:
        addresses.setdefault((_narrow(statement, use.requester), use.action.lower()), []).append(use)
    alike: dict[tuple[Principal, tuple[str, ...]], list[Use]] = {}
    for (principal, _), theirs in addresses.items():
        alike.setdefault((principal, _addresses(theirs)), []).extend(theirs)
    groups: dict[Key, list[Principal]] = {}
    for (principal, used), theirs in alike.items():
        groups.setdefault((_actions(theirs), used), []).append(principal)
    return groups


def _each_delegate(statement: Statement, uses: Sequence[Use]) -> dict[Key, list[Principal]]:
    """What each delegate did, any of its actions as any of its addresses; those who did the same share a statement."""
    by_principal: dict[Principal, list[Use]] = {}
    for use in uses:
        by_principal.setdefault(_narrow(statement, use.requester), []).append(use)
    groups: dict[Key, list[Principal]] = {}
    for principal, theirs in by_principal.items():
        groups.setdefault((_actions(theirs), _addresses(theirs)), []).append(principal)
    return groups


def _all_together(statement: Statement, uses: Sequence[Use]) -> dict[Key, list[Principal]]:
    principals = list(dict.fromkeys(_narrow(statement, use.requester) for use in uses))
    return {(_actions(uses), _addresses(uses)): principals}


def _patterns_kept(statement: Statement, uses: Sequence[Use]) -> dict[Key, list[Principal]]:
    principals = list(dict.fromkeys(_narrow(statement, use.requester) for use in uses))
    return {(_actions(uses), None): principals}


def _actions(uses: Sequence[Use]) -> tuple[str, ...]:
    used = {use.action.lower() for use in uses}
    return tuple(action for action in SENDING_ACTIONS if action.lower() in used)


def _addresses(uses: Sequence[Use]) -> tuple[str, ...]:
    return tuple(sorted({use.from_address for use in uses}))


def _narrow(statement: Statement, requester: Requester) -> Principal:
    """Who a requester is, as narrowly as it can be named without letting anybody in who was not."""
    named = [one for one in statement.principals or () if _is_about(one, requester)]
    exact = [one for one in named if read_principal(one)[0] in (PrincipalForm.NAME, PrincipalForm.UNIQUE_ID)]
    if exact or not named:
        return (exact or list(statement.principals or ()))[0]
    owner = statement.resources[0].split(":")[4:5]
    accounts = [one for one in named if read_principal(one)[0] is PrincipalForm.ACCOUNT]
    if accounts and owner == [requester.account_id]:
        return accounts[0]  # of the owner's own account, a user who is named needs no IAM policy
    if requester.kind == "service":
        return Principal(kind="Service", value=requester.arn)
    if requester.kind == "root":
        return Principal(kind="AWS", value=requester.account_id)
    return Principal(kind="AWS", value=requester.role_arn or requester.arn)


def _is_about(principal: Principal, requester: Requester) -> bool:
    form, value = read_principal(principal)
    match form:
        case PrincipalForm.ANYBODY:
            return True
        case PrincipalForm.ACCOUNT:
            return value == requester.account_id
        case PrincipalForm.UNIQUE_ID:
            return value == requester.entity_id
        case _:
            return value in (requester.arn, requester.entity_arn)


def _cut(
    policy: Policy,
    statement: Statement,
    text: Mapping[str, Any],
    uses: Sequence[Use],
    groups: Mapping[Key, Sequence[Principal]],
) -> Iterator[tuple[dict[str, Any], list[Use]]]:
    """The statement for each group, and its uses; a Sid stays with the one that there is, or is numbered."""
    for number, ((actions, addresses), principals) in enumerate(groups.items(), 1):
        cut = dict(text)
        if "Sid" in cut and len(groups) > 1:
            cut["Sid"] = f"{cut['Sid']}{number}"
        cut.pop("NotAction", None)
        cut["Action"] = bare([_as_written(action, statement) for action in actions])
        if not statement.not_principals:
            cut["Principal"] = _as_principals(principals)
        if addresses is not None:
            written = text.get("Condition", {})
            cut["Condition"] = exactly(written, statement, "ses:FromAddress", addresses, policy)
        yield cut, [use for use in uses if _is_in(use, statement, actions, addresses, principals)]


def _is_in(
    use: Use,
    statement: Statement,
    actions: Sequence[str],
    addresses: Sequence[str] | None,
    principals: Sequence[Principal],
) -> bool:
    """Whether a group is about a use."""
    is_as = addresses is None or use.from_address in addresses
    is_so = use.action.lower() in {action.lower() for action in actions}
    return is_as and is_so and _narrow(statement, use.requester) in principals


def _as_written(action: str, statement: Statement) -> str:
    """An action in the letters that the statement has for it."""
    return next((one for one in statement.actions if one.lower() == action.lower()), action)


def _as_principals(principals: Sequence[Principal]) -> dict[str, Any]:
    kinds: dict[str, list[str]] = {}
    for one in principals:
        kinds.setdefault(one.kind, []).append(one.value)
    return {kind: bare(values) for kind, values in kinds.items()}
