"""Witnesses held against the evaluator: no request is given as an answer that was not decided like any other.

A few requests are judged by the slow evaluator; for more of them the policies are compiled, those that both sides
of a question have only once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from sesame.policy.analysis.index import Index
from sesame.policy.analysis.principals import Candidate
from sesame.policy.engine.decide import EMPTY, PolicySet, compile_policies, decide, join_sets
from sesame.policy.language.document import Policy
from sesame.policy.language.iam_put import parse_iam_policy
from sesame.policy.reasons.evaluator import judge
from sesame.policy.request import Decision, Request

Named = Sequence[tuple[str, Policy]]

_UNCOMPILED = 12
"""So many requests are judged slowly before many statements are compiled, which pays only for more of them; where
more are sure to come, the first alone is, since somebody may wait for its answer."""


@dataclass(slots=True)
class Side:
    """A set of policies that questions are about."""

    policies: Named
    index: Index
    compiled: PolicySet | None = None
    decided: int = 0
    """How many requests were decided by it."""

    def about(self, candidate: Candidate, action: str) -> int:
        """The statements that fit a candidate and an action. Raises OutsideFragment."""
        return self.index.about(candidate) & self.index.allowing(action)


class Decider:
    """Decides the requests of one call of the analysis; `expected` says of how many candidates there will be some."""

    def __init__(
        self, sides: Sequence[Side], *, principal_ids: Mapping[str, str], expected: Callable[[], int]
    ) -> None:
        self._sides = sides
        self._principal_ids = principal_ids
        self._expected = expected
        self._uncompiled: int | None = None
        self._shared: PolicySet | None = None

    def decide(self, candidate: Candidate, request: Request, side: Side) -> Decision:
        """What the policies of a side say, the requester's own account taken to allow all."""
        side.decided += 1
        if (
            side.compiled is None
            and len(side.index.placed) > _UNCOMPILED
            and side.decided <= self._uncompiled_limit()
        ):
            own = () if candidate.is_own else _every_policy()
            return judge(request, iam=own, identity=side.policies, principal_ids=self._principal_ids)
        if side.compiled is None:
            side.compiled = self._compile(side)
        iam = EMPTY if candidate.is_own else _everything()
        return decide(request, iam=iam, identity=side.compiled)

    def _uncompiled_limit(self) -> int:
        if self._uncompiled is None:
            self._uncompiled = 1 if self._expected() > 2 * _UNCOMPILED else _UNCOMPILED
        return self._uncompiled

    def _compile(self, side: Side) -> PolicySet:
        if len(self._sides) < 2 or all(side is not one for one in self._sides):
            return self._compiled(side.policies)
        one, other = (
            {_document(*each): each for each in each_side.policies} for each_side in self._sides[:2]
        )
        shared = [each for key, each in one.items() if key in other]
        if not shared:
            return self._compiled(side.policies)
        if self._shared is None:
            self._shared = self._compiled(shared)
        rest = [each for each in side.policies if not (_document(*each) in one and _document(*each) in other)]
        return join_sets(self._shared, self._compiled(rest)) if rest else self._shared

    def _compiled(self, policies: Named) -> PolicySet:
        return compile_policies(policies, kind="identity", principal_ids=self._principal_ids)


def _document(name: str, policy: Policy) -> object:
    """A policy of a name, or a part of one that was made without some of its statements."""
    return name, policy.text, tuple(statement.index for statement in policy.statements)


@cache
def _every_policy() -> Named:
    """What a stranger's own account is taken to allow: all."""
    everything = '{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}'
    return [("everything", parse_iam_policy(everything))]


@cache
def _everything() -> PolicySet:
    return compile_policies(_every_policy(), kind="iam")
