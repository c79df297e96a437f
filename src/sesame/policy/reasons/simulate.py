"""The simulator: what policies say about actions on resources, in the terms of IAM's simulation API.

One `Simulation` an action and resource, with the statements that matched, where they stand in their
texts, and the context keys that the policies ask about and the caller did not give. Sources: IAM API
reference, SimulateCustomPolicy and SimulatePrincipalPolicy.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sesame.policy.language.document import MAX_IAM_BYTES, Policy, statement_path
from sesame.policy.language.pattern import Variable, tokenize
from sesame.policy.language.source import Source
from sesame.policy.reasons.evaluator import explain
from sesame.policy.request import ContextValue, Outcome, Request, Requester, StatementRef

DECISIONS: dict[Outcome, Literal["allowed", "explicitDeny", "implicitDeny"]] = {
    Outcome.ALLOW: "allowed",
    Outcome.EXPLICIT_DENY: "explicitDeny",
    Outcome.IMPLICIT_DENY: "implicitDeny",
}
"""Outcomes as IAM's EvalDecision spells them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchedStatement:
    """A statement that matched; positions are (line, column) from 1, as IAM tells them (recorded).

    It ends one past its last character, and begins where the reader of the text stood before it: past the
    bracket of the list or the statement before, and past its own brace when it stands in no list.
    """

    ref: StatementRef
    start: tuple[int, int]
    end: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """One evaluated action on one resource."""

    action: str
    resource: str
    outcome: Outcome
    matched: tuple[MatchedStatement, ...]
    missing_context: tuple[str, ...]
    sentence: str


def simulate(
    requester: Requester,
    *,
    actions: Sequence[str],
    resources: Sequence[str],
    iam: Sequence[tuple[str, Policy]],
    identity: Sequence[tuple[str, Policy]],
    context: Mapping[str, ContextValue],
    resource_account: str | None = None,
    boundary: Sequence[tuple[str, Policy]] | None = None,
) -> tuple[Simulation, ...]:
    """Evaluate every action on every resource; None is no permissions boundary.

    A resource belongs to `resource_account`, else to the account in its ARN, else to the requester's.
    """
    texts = {("iam", name): policy for name, policy in iam}
    texts |= {("identity", name): policy for name, policy in identity}
    texts |= {("boundary", name): policy for name, policy in boundary or ()}
    missing = _missing_context(list(texts.values()), context)
    simulations = []
    for action in actions:
        for resource in resources:
            owner = resource_account or _account_of(resource) or requester.account_id
            request = Request(
                requester=requester,
                action=action,
                resource=resource,
                resource_account=owner,
                context=context,
            )
            explanation = explain(request, iam=iam, identity=identity, boundary=boundary)
            simulations.append(
                Simulation(
                    action=action,
                    resource=resource,
                    outcome=explanation.outcome,
                    matched=tuple(
                        _place(step.ref, texts[step.ref.kind, step.ref.policy])
                        for step in explanation.statements
                        if step.matched
                    ),
                    missing_context=missing,
                    sentence=explanation.sentence,
                )
            )
    return tuple(simulations)


def _account_of(resource: str) -> str:
    fields = resource.split(":")
    return fields[4] if len(fields) > 5 else ""


def _place(ref: StatementRef, policy: Policy) -> MatchedStatement:
    source = Source(policy.text, max_bytes=MAX_IAM_BYTES)
    path = statement_path(source, ref.index)
    if ref.index:
        start = source.end(statement_path(source, ref.index - 1))
    else:
        line, column = source.position(("Statement",))
        start = line, column + 1
    return MatchedStatement(ref=ref, start=start, end=source.end(path))


def asked_keys(policies: Iterable[Policy]) -> dict[str, str]:
    """The keys that conditions and variables ask about: as first written, by their lower case."""
    asked: dict[str, str] = {}
    for policy in policies:
        for statement in policy.statements:
            for condition in statement.conditions:
                asked.setdefault(condition.key.lower(), condition.key)
            values = [value for condition in statement.conditions for value in condition.values]
            for text in (*values, *statement.resources) if policy.has_variables else ():
                for token in tokenize(text, variables=True):
                    if isinstance(token, Variable):
                        asked.setdefault(token.key, token.written)
    return asked


def _missing_context(policies: Sequence[Policy], context: Mapping[str, ContextValue]) -> tuple[str, ...]:
    """Keys that are asked about and not given, in alphabetical order."""
    given = {key.lower() for key in context}
    return tuple(sorted(name for folded, name in asked_keys(policies).items() if folded not in given))
