"""What one party may see of why a send was accepted or refused.

INVARIANT (I9): an account sees its own policies in full and of the other's what they came to. What is made here is all
that pages and commands get: nothing is hidden by them that was given to them.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sesame.access.causes.decision_json import NAMES_UNVERIFIED, shown_as
from sesame.access.refusals import derive
from sesame.policy import owner_view, sender_view
from sesame.policy.reasons.cause import Reader
from sesame.policy.reasons.derivation import ConditionStep, StatementStep
from sesame.spool.trace import Trace
from sesame.store.decisions import DecisionRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that a statement asked: what it wanted and what it saw; None when the request did not say."""

    about: str
    wanted: tuple[str, ...]
    seen: tuple[str, ...] | None
    is_met: bool
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement of the viewer's own policies."""

    policy: str
    name: str
    effect: str
    matched: bool
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckView:
    """One thing that was checked: the addresses that rest on an identity, or another resource."""

    uses: tuple[str, ...]
    addresses: tuple[str, ...]
    arn: str | None
    """None where nobody named one and there is no identity."""
    owner: str
    outcome: str
    by_owner: str | None
    """What the owner's policies came to; None when they were not asked, or it is not known any more."""
    sentence: str
    statements: tuple[Statement, ...]
    mattered: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Of the owner's conditions, for the sender: which of its own values they hung on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionView:
    """A decision as one account may see it."""

    principal: str
    action: str
    is_sender: bool
    checks: tuple[CheckView, ...]
    unverified: tuple[str, ...]
    """Addresses that no verified identity covers; the sender's alone to know."""


def decision_of(accepted: Trace) -> DecisionRecord:
    """The decision that a message was accepted by."""
    return DecisionRecord(
        at=accepted.accepted_at,
        account_id=accepted.account_id,
        owner_account_id=accepted.owner_account_id,
        region=accepted.region,
        message_id=accepted.message_id,
        code="Accepted",
        reason="",
        decision=accepted.decision,
    )


def view(record: DecisionRecord, viewer: str, contents: Mapping[str, str]) -> DecisionView:
    """The decision as the account `viewer` may see it; `contents` are sets of policies by digest."""
    decision = json.loads(record.decision)
    is_sender = viewer == record.account_id
    checks = [
        _check(decision, record, check, viewer, contents)
        for check in decision["checks"]
        if is_sender or (check["owner"] == viewer and "Resource" not in check["uses"])
    ]
    return DecisionView(
        principal=decision["principal"],
        action=decision.get("action", ""),  # mail of Sesame's own was decided by nobody
        is_sender=is_sender,
        checks=tuple(checks),
        # After a refusal by policy it would tell a stranger whether the identity is there (I9).
        unverified=tuple(decision.get("unverified", ()))
        if is_sender and record.code in NAMES_UNVERIFIED
        else (),
    )


def _check(
    decision: Mapping[str, Any],
    record: DecisionRecord,
    check: Mapping[str, Any],
    viewer: str,
    contents: Mapping[str, str],
) -> CheckView:
    is_sender, is_owner = viewer == record.account_id, viewer == check["owner"]
    reader = Reader.OWNER if not is_sender else Reader.OPERATOR if is_owner else Reader.SENDER
    derived = derive(record, decision, check, contents, reader)
    outcome, arn = shown_as(record, decision, check, derived, reader)
    explanation = None if derived is None else derived.explanation
    by_owner: str | None = None
    mattered: tuple[tuple[str, tuple[str, ...]], ...] = ()
    if explanation is None:
        statements, sentence = _deciding(check, is_sender=is_sender, is_owner=is_owner), ""
    elif is_sender and is_owner:
        statements, sentence = _statements(explanation.statements), explanation.sentence
    elif is_sender:
        theirs = sender_view(explanation, is_let_in=derived is not None and derived.is_let_in)
        statements, sentence, mattered = _statements(theirs.own), theirs.sentence, theirs.mattered
        by_owner = theirs.by_owner.value
    else:
        own = owner_view(explanation, check["uses"])
        statements = _statements(own.own)
        sentence, by_owner = own.sentence, own.by_owner.value
    return CheckView(
        uses=tuple(check["uses"]),
        addresses=tuple(dict.fromkeys(check["addresses"])),
        arn=arn,
        owner=check["owner"],
        outcome=outcome,
        by_owner=by_owner,
        sentence=sentence,
        statements=statements,
        mattered=mattered,
    )


def _deciding(check: Mapping[str, Any], *, is_sender: bool, is_owner: bool) -> tuple[Statement, ...]:
    """The statements that decided, as kept with the decision, those of the viewer alone."""
    return tuple(
        Statement(
            policy=ref["policy"],
            name=ref["statement"],
            effect="Allow" if check["outcome"] == "allow" else "Deny",
            matched=True,
        )
        for ref in check["deciding"]
        if (is_owner if ref["kind"] == "identity" else is_sender)
    )


def _statements(steps: Sequence[StatementStep]) -> tuple[Statement, ...]:
    return tuple(
        Statement(
            policy=step.ref.policy,
            name=step.ref.sid or f"#{step.ref.index + 1}",
            effect=step.effect.value,
            matched=step.matched,
            steps=tuple(
                Step(
                    about=f"{one.operator} {one.key}" if isinstance(one, ConditionStep) else one.element,
                    wanted=one.wanted,
                    seen=one.seen if isinstance(one, ConditionStep) else (one.seen,),
                    is_met=bool(one.answer),
                    note=one.note,
                )
                for one in step.steps
            ),
        )
        for step in steps
    )
