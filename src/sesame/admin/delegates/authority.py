"""The authority report: for each identity of an account who can send, who did, what nobody used, what has changed.

Who can is exact, of the identity's policies; the owner's own users send by its IAM policies and are not listed. Who did
is of accepted messages since a time, and tells of a sender what the owner may know: who it was, From, when, how often.

INVARIANT (I9): nothing of a sender's own policies, tags or recipients is in the report.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sesame.access.identity_names import IdentityArn
from sesame.admin.accounts import OperatorError
from sesame.admin.delegates.history import History, history_of
from sesame.admin.what_if import PAGE
from sesame.db import Store, Transaction
from sesame.model import Identity
from sesame.policy import (
    Answer,
    Policy,
    PolicyError,
    Verdict,
    compare,
    parse_stored_identity_policy,
    say_edit,
    who_can_send,
)
from sesame.policy.analysis.answers import describe_needs
from sesame.policy.analysis.bounded import within_boundaries
from sesame.policy.language.document import Effect, Statement
from sesame.policy.language.pattern import glob
from sesame.policy.writing.say import say_statement
from sesame.store import accounts, identities, policy_versions, recorded_sends
from sesame.store.iam import boundaries
from sesame.store.policy_versions import Version
from sesame.store.recorded_sends import Position, Recorded

Named = list[tuple[str, Policy]]
_NO_POLICY = parse_stored_identity_policy('{"Version": "2012-10-17", "Statement": []}')


@dataclass(frozen=True, slots=True, kw_only=True)
class Can:
    """Who can send, under which conditions, such as by which message; or of whom that is not known, and why."""

    who: str
    is_certain: bool
    when: tuple[str, ...]
    example: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Did:
    """Who sent, as which addresses, how often and when; `is_allowed` says whether it would be today."""

    principal: str
    addresses: tuple[tuple[str, int], ...]
    messages: int
    first_at: float
    last_at: float
    is_allowed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Unused:
    """A statement, or an address in one, that nothing rested on; `statement` counts from 1."""

    policy: str
    statement: int
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """What differs since a time; `is_known` is false where too many changes lie between to know what stood then."""

    sentences: tuple[str, ...]
    gained: tuple[str, ...]
    """Who can send what they could not then."""
    lost: tuple[str, ...]
    is_known: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityAuthority:
    """One identity's part of the report."""

    arn: str
    verification: str
    can: tuple[Can, ...]
    did: tuple[Did, ...]
    unused_statements: tuple[Unused, ...]
    unused_addresses: tuple[Unused, ...]
    changed: Changed


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """The report of an account."""

    account_id: str
    since: float
    made_at: float
    identities: tuple[IdentityAuthority, ...]


async def authority(
    store: Store, account_id: str, *, since: float, now: float, is_late: Callable[[], bool]
) -> Authority:
    """The report of an account since a time. Raises `OperatorError` when there is no such account."""

    async def run(tx: Transaction) -> list[Identity]:
        if await accounts.get(tx, account_id) is None:
            raise OperatorError(f"there is no account {account_id}")
        return await identities.all_of(tx, account_id=account_id)

    own = await store.read(run)
    denied = await _denials(store, account_id, sorted({one.region for one in own}), since)
    parts = [await _of_identity(store, one, since, denied, is_late, now=now) for one in own]
    return Authority(account_id=account_id, since=since, made_at=now, identities=tuple(parts))


async def _of_identity(
    store: Store,
    identity: Identity,
    since: float,
    denied: frozenset[tuple[str, str, str]],
    is_late: Callable[[], bool],
    *,
    now: float,
) -> IdentityAuthority:
    named = IdentityArn(region=identity.region, account_id=identity.account_id, name=identity.name)
    arn = str(named)
    history = await history_of(store, named, since=since)
    versions = await store.read(
        lambda tx: policy_versions.of_identity(tx, identity.account_id, identity.region, identity.name)
    )
    documents = list(history.policies.documents)
    answers = who_can_send(
        documents, identity_arn=arn, principal_ids=history.policies.principal_ids, is_late=is_late
    )
    bounded = await store.read(lambda tx: boundaries.bounded(tx, identity.account_id))
    answers = within_boundaries(answers, documents, {name for one in bounded for name in one})
    used = {(use.policy, use.index) for use in history.uses}
    return IdentityAuthority(
        arn=arn,
        verification=identity.verification.value,
        can=tuple(_can(answer, now) for answer in answers if answer.verdict is not Verdict.NO),
        did=tuple(_did(history)),
        unused_statements=tuple(_unused_statements(arn, documents, used, denied)),
        unused_addresses=tuple(_unused_addresses(documents, history, used)),
        changed=_changed(arn, documents, history.policies.principal_ids, versions, since, is_late),
    )


def _can(answer: Answer, now: float) -> Can:
    example = ""
    if answer.witness is not None:
        example = f"{answer.witness.action} as {answer.witness.context.get('ses:FromAddress', '-')}"
    unless = tuple(
        f"not when {' and '.join(describe_needs(deny)) or 'anything is sent'}" for deny in answer.unless
    )
    return Can(
        who=answer.who,
        is_certain=answer.verdict is Verdict.YES,
        when=(*describe_needs(answer.needs, now=now), *unless),
        example=example,
        reason=answer.reason,
    )


def _did(history: History) -> Iterator[Did]:
    """A line for each sender; the busiest first."""
    by_sender: dict[str, list[int]] = {}
    for number, sent in enumerate(history.sent):
        by_sender.setdefault(sent.requester.arn, []).append(number)
    found = []
    for principal, numbers in by_sender.items():
        theirs = [history.sent[number] for number in numbers]
        addresses: dict[str, int] = {}
        for sent in theirs:
            addresses[sent.from_address] = addresses.get(sent.from_address, 0) + sent.count
        found.append(
            Did(
                principal=principal,
                addresses=tuple(sorted(addresses.items(), key=lambda item: (-item[1], item[0]))),
                messages=sum(sent.count for sent in theirs),
                first_at=min(sent.first_at for sent in theirs),
                last_at=max(sent.last_at for sent in theirs),
                is_allowed=all(sent.is_allowed for sent in theirs),
            )
        )
    yield from sorted(found, key=lambda did: (-did.messages, did.principal))


def _unused_statements(
    arn: str, documents: Named, used: set[tuple[str, int]], denied: frozenset[tuple[str, str, str]]
) -> Iterator[Unused]:
    """Allows that let nothing through, and Denies that kept nothing out."""
    for name, policy in documents:
        for one in policy.statements:
            label = one.sid or f"#{one.index + 1}"
            is_used = (
                (name, one.index) in used if one.effect is Effect.ALLOW else (arn, name, label) in denied
            )
            if not is_used:
                yield Unused(policy=name, statement=one.index + 1, what=say_statement(one))


def _unused_addresses(documents: Named, history: History, used: set[tuple[str, int]]) -> Iterator[Unused]:
    """Addresses and patterns, in Allows that were used, that no message was like."""
    seen: dict[tuple[str, int], set[str]] = {}
    for use in history.uses:
        seen.setdefault((use.policy, use.index), set()).add(use.from_address)
    for name, policy in documents:
        for one in policy.statements:
            if (name, one.index) in used and one.effect is Effect.ALLOW:
                for pattern in _patterns(one):
                    if not any(glob(pattern.lower()).matches(sent.lower()) for sent in seen[name, one.index]):
                        yield Unused(policy=name, statement=one.index + 1, what=pattern)


def _patterns(statement: Statement) -> Iterator[str]:
    for condition in statement.conditions:
        is_plain = condition.operator.text in ("StringEquals", "StringLike", "StringEqualsIgnoreCase")
        if condition.key.lower() == "ses:fromaddress" and is_plain:
            yield from (value for value in condition.values if "${" not in value)


async def _denials(
    store: Store, account_id: str, regions: Sequence[str], since: float
) -> frozenset[tuple[str, str, str]]:
    """Statements by which messages of others were refused since a time: identity, policy, statement."""
    found = set()
    for region in regions:
        after = recorded_sends.beginning(since)
        while True:

            async def run(tx: Transaction, region: str = region, after: Position = after) -> list[Recorded]:
                return await recorded_sends.refused(tx, account_id, region, after=after, limit=PAGE)

            page = await store.read(run)
            for recorded in page:
                for check in json.loads(recorded.decision).get("checks", ()):
                    found |= {
                        (check["arn"], ref["policy"], ref["statement"])
                        for ref in check["deciding"]
                        if ref["kind"] == "identity"
                    }
            if len(page) < PAGE:
                break
            after = page[-1].position
    return frozenset(found)


def _changed(
    arn: str,
    documents: Named,
    principal_ids: Mapping[str, str],
    versions: Mapping[str, Sequence[Version]],
    since: float,
    is_late: Callable[[], bool],
) -> Changed:
    """Today's policies held against those that stood at a time."""
    today = dict(documents)
    then, sentences, is_known = dict(today), [], True
    for name, kept in versions.items():
        later = [version for version in kept if version.ended_at >= since]
        if not later:
            continue
        first = min(later, key=lambda version: version.number)
        is_known = is_known and (first.number == 1 or len(later) < len(kept))
        before = _parsed(first.document)
        if before is None:
            then.pop(name, None)
        else:
            then[name] = before
        lines = say_edit(before or _NO_POLICY, today.get(name, _NO_POLICY))
        sentences += [f"{name}: {line}" for line in lines]
    comparison = compare(
        list(then.items()), documents, identity_arn=arn, principal_ids=principal_ids, is_late=is_late
    )
    return Changed(
        sentences=tuple(sentences),
        gained=tuple(_named(answer) for answer in comparison.gained),
        lost=tuple(_named(answer) for answer in comparison.lost),
        is_known=is_known,
    )


def _parsed(document: str | None) -> Policy | None:
    try:
        return None if document is None else parse_stored_identity_policy(document)
    except PolicyError:
        return None


def _named(answer: Answer) -> str:
    if answer.witness is None:
        return f"{answer.who} (not known: {answer.reason})"
    return f"{answer.who}: {answer.witness.action} as {answer.witness.context.get('ses:FromAddress', '-')}"
