"""Policies of an identity narrowed to its history, held against what they replace.

What is suggested is compared with today's policies exactly, and every message of the history is decided again by it.
"""

from collections.abc import Callable
from dataclasses import dataclass

from sesame.access.compiled import ALLOW_ALL
from sesame.access.identity_names import IdentityArn
from sesame.admin.delegates.history import NOTHING_MORE, History, history_of
from sesame.db import Store
from sesame.policy import (
    Outcome,
    PolicySet,
    Verdict,
    compare,
    compile_policies,
    decide,
    parse_stored_identity_policy,
    say_edit,
)
from sesame.policy.analysis.answers import Answer
from sesame.policy.writing.narrowing import Narrow
from sesame.policy.writing.suggest import Suggested, suggest

_NO_POLICY = parse_stored_identity_policy('{"Version": "2012-10-17", "Statement": []}')


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """What to put, and what it would cut off."""

    messages: int
    gone: frozenset[str]
    """Senders that are no more, whose messages were left out."""
    policies: tuple[Suggested, ...]
    """Those that would change."""
    cuts: tuple[str, ...]
    """The edit in sentences."""
    lost: tuple[tuple[str, str], ...]
    """Who could send what they no longer could, with an example."""
    is_narrower: bool
    """Whether it is certain that nobody gains anything."""
    still_allowed: bool
    """Whether all that was done would be allowed again."""


async def suggestion(
    store: Store,
    arn: IdentityArn,
    *,
    since: float,
    is_late: Callable[[], bool],
    narrow: frozenset[Narrow] = NOTHING_MORE,
) -> Suggestion:
    """The suggestion for an identity from its messages since a time; `narrow` is what to narrow beside From."""
    history = await history_of(store, arn, since=since, narrow=narrow)
    return suggested_from(history, arn, is_late=is_late, narrow=narrow)


def suggested_from(
    history: History,
    arn: IdentityArn,
    *,
    is_late: Callable[[], bool],
    narrow: frozenset[Narrow] = NOTHING_MORE,
) -> Suggestion:
    """The same of a history that was read."""
    today = history.policies
    found = suggest(today.documents, history.uses, narrow=narrow)
    new = dict(today.documents)
    cuts: list[str] = []
    for one in found:
        old = new.pop(one.name)
        replaced = _NO_POLICY if one.document is None else parse_stored_identity_policy(one.document)
        if one.document is not None:
            new[one.name] = replaced
        cuts += [f"{one.name}: {line}" for line in say_edit(old, replaced)]
    bound = {
        sent.principal: sent.requester.user_id.partition(":")[0]
        for sent in history.sent
        if sent.requester.kind in ("user", "role")
    } | dict(today.principal_ids)
    comparison = compare(
        list(today.documents),
        list(new.items()),
        identity_arn=str(arn),
        principal_ids=bound,
        is_late=is_late,
    )
    compiled = compile_policies(list(new.items()), kind="identity", principal_ids=bound)
    return Suggestion(
        messages=sum(sent.count for sent in history.sent if sent.use is not None),
        gone=history.gone,
        policies=found,
        cuts=tuple(cuts),
        lost=tuple(
            (answer.who, _example(answer)) for answer in comparison.lost if answer.verdict is Verdict.YES
        ),
        is_narrower=not comparison.gained,
        still_allowed=_still_allowed(history, compiled),
    )


def _example(answer: Answer) -> str:
    """A request that would be refused, in words."""
    if answer.witness is None:
        return ""
    return f"{answer.witness.action} as {answer.witness.context.get('ses:FromAddress', '-')}"


def _still_allowed(history: History, compiled: PolicySet) -> bool:
    """Whether the identity's side still allows what it allowed; the senders' own side does not change."""
    return all(
        decide(sent.request, iam=ALLOW_ALL.compiled, identity=compiled).outcome is Outcome.ALLOW
        for sent in history.sent
        if sent.use is not None and sent.principal not in history.gone
    )
