"""One call of the analysis: what all its questions share, and how one of them is answered.

A question is about a candidate and an action: is there a request that one set of policies allows and the other
does not? First the points that were found for others are tried, then the box method; where that is not exact, the
relaxed space may show that there is nothing, samples of the open values may show that there is something, and at
last the solver is asked. Every witness is decided like any request before it is given.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import msgspec

from sesame.policy.analysis.answers import Answer, Method, Permission, Verdict
from sesame.policy.analysis.decider import Decider, Named, Side
from sesame.policy.analysis.demands import OutsideFragment, variables_of
from sesame.policy.analysis.difference import Differences, common_point
from sesame.policy.analysis.dimensions import MOMENT, as_key
from sesame.policy.analysis.index import Index, Placed
from sesame.policy.analysis.principals import Candidate, candidates, names_in
from sesame.policy.analysis.prover import NotProved, Prover
from sesame.policy.analysis.samples import samples_of
from sesame.policy.analysis.search import Point, Search
from sesame.policy.analysis.space import USER_ID, Memory, Rules, Space
from sesame.policy.analysis.strings import Budget, BudgetExhausted, OutOfTime
from sesame.policy.analysis.who import KIND_KEYS, PRINCIPAL_KEYS, WHO, Who, requester_at, who_is
from sesame.policy.language.document import Effect, Policy, Statement
from sesame.policy.language.vocabulary import CONDITION_KEYS, SENDING_ACTIONS
from sesame.policy.request import ContextValue, Decision, Outcome, Request, Requester

_NOT_ASKED = "not asked: the time was up"
_REMEMBERED = 6
"""So many points that showed a yes are tried on the next candidate."""
_NONE: Mapping[str, str | None] = {}


Wide = tuple[Side, Sequence[Placed]]
Narrow = tuple[Side | None, Sequence[Placed] | None]
"""Two sets of policies, each with those of its statements that fit a candidate and an action; without the narrow one
the question is whether the wide one allows anything."""


class Inquiry:
    """What all answers of one call share: the identity, the limits, what was solved already."""

    def __init__(
        self,
        identity_arn: str,
        *policies: Named,
        limits: Mapping[str, Sequence[str]],
        principal_ids: Mapping[str, str],
        budget: Budget,
    ) -> None:
        self.identity_arn = identity_arn
        self.owner = identity_arn.split(":")[4]
        self.budget = budget
        self._principal_ids = principal_ids
        self._limits = limits
        every = [item for side in policies for item in side]
        used = _keys_used(every, limits)
        self._kind_keys = used & KIND_KEYS
        self._settled = _settled_besides(used, identity_arn)
        self._named = names_in(every, self.owner)
        self.candidates = candidates(
            every,
            identity_arn=identity_arn,
            principal_ids=principal_ids,
            of_every_kind=bool(self._kind_keys),
        )
        self.sides = [
            Side(side, Index(side, principal_ids=principal_ids, request_of=self._bare)) for side in policies
        ]
        self._rules, self._memory = Rules(), Memory()
        self._searches: dict[object, Search] = {}
        self._differences = Differences()
        self._points: dict[object, list[Point]] = {}
        self._unlike: dict[object, tuple[int, int]] = {}
        self._action_kinds: dict[object, tuple[Sequence[str], str]] = {}
        self._decider = Decider(self.sides, principal_ids=principal_ids, expected=self._expected)
        self._prover = Prover(limits=limits, named=self._named.all)

    def ask(self, candidate: Candidate, actions: Sequence[str], wide: Side, narrow: Side | None) -> Answer:
        """Whether the candidate may do one of the actions by `wide`, and not by `narrow`."""
        try:
            self.budget.check()
            return self._ask(candidate, actions, wide, narrow)
        except OutOfTime:
            return Answer(who=candidate.label, verdict=Verdict.UNKNOWN, reason=_NOT_ASKED, is_asked=False)

    def _ask(self, candidate: Candidate, actions: Sequence[str], wide: Side, narrow: Side | None) -> Answer:
        unknown, method = "", Method.EXACT
        if narrow is not None and not self._is_touched(candidate, wide, narrow):
            return Answer(who=candidate.label, verdict=Verdict.NO)
        kinds, vague = self._kinds(actions, wide, narrow)
        if vague:
            unknown = f"outside the exact fragment: {vague}"
        for action in kinds:
            try:
                answer = self._ask_one(candidate, action, wide, narrow)
            except (NotProved, OutsideFragment) as error:
                unknown = str(error)
                continue
            if answer.verdict is Verdict.YES:
                return answer
            method = answer.method if answer.method is Method.PROVER else method
        if unknown:
            return Answer(who=candidate.label, verdict=Verdict.UNKNOWN, reason=unknown)
        return Answer(who=candidate.label, verdict=Verdict.NO, method=method)

    def overlap(self, candidate: Candidate, actions: Sequence[str]) -> Answer:
        """Whether a request of the candidate is allowed by the first two sides both."""
        one, other = self.sides[:2]
        unknown = ""
        for action in actions:
            try:
                self.budget.check()
                found = self._overlap(candidate, action)
            except OutOfTime:
                return Answer(who=candidate.label, verdict=Verdict.UNKNOWN, reason=_NOT_ASKED, is_asked=False)
            except (OutsideFragment, BudgetExhausted) as error:
                unknown = _reason(error, error)
                continue
            if found is None:
                continue
            allowed = [self._decider.decide(candidate, found, side).outcome for side in (one, other)]
            if allowed != [Outcome.ALLOW, Outcome.ALLOW]:
                raise RuntimeError(f"the analysis and the evaluator disagree on {found}: please report it")
            return self._yes(candidate, found, one, Method.EXACT)
        verdict = Verdict.UNKNOWN if unknown else Verdict.NO
        return Answer(who=candidate.label, verdict=verdict, reason=unknown)

    def _overlap(self, candidate: Candidate, action: str) -> Request | None:
        search = self.search(candidate, action)
        left, right = (side.index.statements(side.about(candidate, action)) for side in self.sides[:2])
        point = common_point(search, left, right)
        return None if point is None else self.request(candidate, action, point)

    def _is_touched(self, candidate: Candidate, wide: Side, narrow: Side) -> bool:
        """Whether the sides differ in any statement that is about the candidate."""
        question = id(wide), id(narrow)
        if question not in self._unlike:
            self._unlike[question] = wide.index.unlike(narrow.index), narrow.index.unlike(wide.index)
        left, right = self._unlike[question]
        return bool(wide.index.about(candidate) & left or narrow.index.about(candidate) & right)

    def _kinds(self, actions: Sequence[str], wide: Side, narrow: Side | None) -> tuple[Sequence[str], str]:
        """One action of those that no statement tells apart, and what cannot be said of any of the others."""
        question = tuple(actions), id(wide), id(narrow)
        if question not in self._action_kinds:
            kinds: dict[object, str] = {}
            vague = ""
            for action in actions:
                try:
                    alike = wide.index.allowing(action), narrow and narrow.index.allowing(action)
                except OutsideFragment as error:
                    vague = str(error)
                    continue
                kinds.setdefault((alike, action in SENDING_ACTIONS), action)
            self._action_kinds[question] = tuple(kinds.values()), vague
        return self._action_kinds[question]

    def _ask_one(self, candidate: Candidate, action: str, wide: Side, narrow: Side | None) -> Answer:
        """One action. Raises NotProved with the reason when there is no answer."""
        left = wide.index.statements(wide.about(candidate, action))
        right = None if narrow is None else narrow.index.statements(narrow.about(candidate, action))
        if not any(item.effect is Effect.ALLOW for _, _, item in left):
            return Answer(who=candidate.label, verdict=Verdict.NO)
        space = self.search(candidate, action)
        for point in self._points.get(id(space), ()):
            witness = self.request(candidate, action, point)
            if (decision := self._separates(candidate, witness, wide, narrow)) is not None:
                return self._yes(candidate, witness, wide, Method.EXACT, decision)
        try:
            found = self._differences.find(space, left, right)
        except OutOfTime:
            raise
        except (OutsideFragment, BudgetExhausted) as error:
            return self._beyond(candidate, action, (wide, left), (narrow, right), error)
        if found is None:
            return Answer(who=candidate.label, verdict=Verdict.NO)
        witness = self.request(candidate, action, found[0])
        decision = self._separates(candidate, witness, wide, narrow)
        if decision is None:
            raise RuntimeError(f"the analysis and the evaluator disagree on {witness}: please report it")
        recent = self._points.setdefault(id(space), [])
        recent.insert(0, found[0])
        del recent[_REMEMBERED:]
        return self._yes(candidate, witness, wide, Method.EXACT, decision)

    def _beyond(
        self,
        candidate: Candidate,
        action: str,
        wide: Wide,
        narrow: Narrow,
        error: Exception,
    ) -> Answer:
        """An answer where the box method has none. Raises NotProved with the reason when there is none."""
        nothing = Answer(who=candidate.label, verdict=Verdict.NO)
        if isinstance(error, OutsideFragment):
            with_any = self.search(candidate, action, relaxed=True)
            try:
                if self._differences.find(with_any, wide[1], narrow[1]) is None:
                    return nothing
                witness = self._sampled(candidate, action, wide, narrow)
                if witness is not None:
                    return self._yes(candidate, witness, wide[0], Method.EXACT)
            except OutOfTime:
                raise
            except (BudgetExhausted, OutsideFragment):
                pass
        try:
            witness = self._prove(candidate, action, wide, narrow)
        except (NotProved, OutsideFragment) as why:
            raise NotProved(_reason(error, why)) from why
        if witness is None:
            return replace(nothing, method=Method.PROVER)
        return self._yes(candidate, witness, wide[0], Method.PROVER)

    def _sampled(
        self,
        candidate: Candidate,
        action: str,
        wide: Wide,
        narrow: Narrow,
    ) -> Request | None:
        """A witness with one of a few values for what is open."""
        placed = [*wide[1], *(narrow[1] or ())]
        for variant, settled in samples_of(candidate, placed, self._named):
            search = self.search(variant, action, settled=settled)
            try:
                found = self._differences.find(search, wide[1], narrow[1])
            except OutsideFragment:
                continue
            if found is not None:
                witness = self.request(variant, action, found[0])
                if self._separates(variant, witness, wide[0], narrow[0]) is not None:
                    return witness
        return None

    def _prove(
        self,
        candidate: Candidate,
        action: str,
        wide: Wide,
        narrow: Narrow,
    ) -> Request | None:
        """The solver's witness, held against the evaluator. Raises NotProved, OutsideFragment."""
        other = None if narrow[1] is None else _bare(narrow[1])
        sending = action in SENDING_ACTIONS
        found = self._prover.find(candidate, _bare(wide[1]), other, sending=sending)
        if found is None:
            return None
        witness = self.request(replace(candidate, requester=found.requester), action, found.point)
        if self._separates(candidate, witness, wide[0], narrow[0]) is None:
            raise NotProved("cvc5 found a request that the evaluator does not confirm")
        return witness

    def _yes(
        self,
        candidate: Candidate,
        witness: Request,
        wide: Side,
        method: Method,
        decision: Decision | None = None,
    ) -> Answer:
        decision = decision or self._decider.decide(candidate, witness, wide)
        ref = next(ref for ref in decision.deciding if ref.kind == "identity")
        fitting = wide.index.statements(wide.about(candidate, witness.action))
        allow = next(item for item in fitting if (item[0], item[2].index) == (ref.policy, ref.index))
        search = self.search(candidate, witness.action)
        return Answer(
            who=candidate.label,
            verdict=Verdict.YES,
            witness=witness,
            statement=(ref.policy, ref.index),
            needs=allow[2].conditions,
            unless=tuple(
                deny[2].conditions
                for deny in fitting
                if deny[2].effect is Effect.DENY and self._differences.meet(search, allow, deny)
            ),
            method=method,
        )

    def permission(
        self, candidate: Candidate, action: str, allow: Placed, fitting: Sequence[Placed]
    ) -> Permission | None:
        """What an Allow leaves of a kind of send after the Denies; None when that is nothing."""
        name, policy, statement = allow
        denies = [item for item in fitting if item[2].effect is Effect.DENY]
        alone: Named = [
            (name, replace(policy, statements=(statement,))),
            *_only_denies(self.sides[0].policies),
        ]
        side = Side(alone, Index(alone, principal_ids=self._principal_ids, request_of=self._bare))
        reason, witness, method = "", None, Method.EXACT
        try:
            answer = self._ask_one(candidate, action, side, None)
        except (NotProved, OutsideFragment) as error:
            reason = str(error)
        except OutOfTime:
            reason = _NOT_ASKED
        else:
            if answer.verdict is Verdict.NO:
                return None
            witness, method = answer.witness, answer.method
        search = self.search(candidate, action)
        return Permission(
            statement=(name, statement.index),
            needs=statement.conditions,
            denies=tuple(
                deny[2].conditions for deny in denies if self._differences.meet(search, allow, deny)
            ),
            witness=witness,
            reason=reason,
            method=method if witness is not None else Method.PROVER,
        )

    def is_denied(self, candidate: Candidate, action: str, allow: tuple[Policy, Statement]) -> bool:
        """Whether Denies cover what an Allow lets a candidate do. Raises OutsideFragment, BudgetExhausted."""
        [side] = self.sides
        fitting = side.index.statements(side.about(candidate, action))
        if not any(item is allow[1] for _, _, item in fitting):
            return True
        search = self.search(candidate, action)
        denies = [search.box(*item[1:]) for item in fitting if item[2].effect is Effect.DENY]
        return search.find([search.box(*allow)], denies) is None

    def _who(self, candidate: Candidate) -> Who:
        return who_is(candidate, asked=self._kind_keys, named=self._named)

    def search(
        self,
        candidate: Candidate,
        action: str,
        *,
        relaxed: bool = False,
        settled: Mapping[str, str | None] = _NONE,
    ) -> Search:
        """The search among the requests of a candidate, and of all of whom the policies ask the same."""
        who = self._who(candidate) if self._kind_keys else _ANYBODY
        sending = action in SENDING_ACTIONS
        question = who, sending, relaxed, tuple(sorted(settled.items(), key=lambda pair: pair[0]))
        if question not in self._searches:
            space = Space(
                sending=sending,
                limits=self._limits,
                who=who,
                settled={**self._settled, **settled},
                rules=self._rules,
                memory=self._memory if not settled else Memory(),
                budget=self.budget,
                relaxed=relaxed,
            )
            self._searches[question] = Search(space)
        return self._searches[question]

    def _bare(self, requester: Requester, action: str) -> Request:
        return Request(
            requester=requester,
            action=action,
            resource=self.identity_arn,
            resource_account=self.owner,
            context={},
        )

    def request(self, candidate: Candidate, action: str, point: Point) -> Request:
        """The request that a point stands for."""
        context: dict[str, ContextValue] = {}
        for dimension, value in point.items():
            if value is None or dimension == WHO:
                continue
            key = CONDITION_KEYS.get(dimension)
            context[key.name if key is not None else dimension] = value
            if dimension == MOMENT:
                epoch = as_key("aws:epochtime", value)
                context["aws:EpochTime"] = value if epoch is None else epoch
        text, user_id = point.get(WHO), point.get(USER_ID)
        requester = candidate.requester
        if isinstance(text, str) or isinstance(user_id, str):
            requester = requester_at(
                candidate,
                text if isinstance(text, str) else None,
                user_id if isinstance(user_id, str) and requester.kind in ("user", "role") else None,
            )
        if isinstance(text, str):
            who = self._who(candidate)
            for key_name in dict(who.embeddings):
                context[CONDITION_KEYS[key_name].name] = who.value_of(key_name, text)
        return msgspec.structs.replace(self._bare(requester, action), context=context)

    def _separates(
        self, candidate: Candidate, witness: Request, wide: Side, narrow: Side | None
    ) -> Decision | None:
        """The evaluator's decision by one side, where it allows a request that the other does not."""
        decision = self._decider.decide(candidate, witness, wide)
        if decision.outcome is not Outcome.ALLOW:
            return None
        if narrow is not None and self._decider.decide(candidate, witness, narrow).outcome is Outcome.ALLOW:
            return None
        return decision

    def _expected(self) -> int:
        """About how many candidates the evaluator will be asked."""
        if len(self.sides) < 2:
            return len(self.candidates)
        one, other = self.sides[:2]
        return sum(self._is_touched(candidate, one, other) for candidate in self.candidates)


_ANYBODY = Who(kind="user", settled=())


def _keys_used(policies: Named, limits: Mapping[str, Sequence[str]]) -> frozenset[str]:
    """Every key that conditions, variables or limits are about, folded."""
    used = {key.lower() for key in limits}
    for _, policy in policies:
        for statement in policy.statements:
            for condition in statement.conditions:
                used.add(condition.key.lower())
                used |= {variable.key for variable in variables_of(policy, condition)}
    return frozenset(used)


def _settled_besides(used: frozenset[str], identity_arn: str) -> dict[str, str | None]:
    """What every request about the identity says, as far as it is used."""
    fields = identity_arn.split(":")
    settled: dict[str, str | None] = {"aws:viaawsservice": "false", "aws:resourceaccount": fields[4]}
    if fields[3]:
        settled["aws:requestedregion"] = fields[3]
    return {key: value for key, value in settled.items() if key in used}


def _reason(error: Exception, why: Exception) -> str:
    """Why neither method has an answer, the construct named."""
    reason = "too many combinations to be exact in the time allowed"
    if isinstance(error, OutsideFragment):
        reason = f"outside the exact fragment: {error}"
    return reason if str(why) == str(error) else f"{reason}; {why}"


def _only_denies(policies: Named) -> Named:
    """The policies without their Allow statements."""
    return [
        (name, replace(policy, statements=tuple(s for s in policy.statements if s.effect is Effect.DENY)))
        for name, policy in policies
    ]


def _bare(placed: Iterable[Placed]) -> list[tuple[Policy, Statement]]:
    return [(policy, statement) for _, policy, statement in placed]


__all__ = ["PRINCIPAL_KEYS", "Inquiry", "Named", "Side"]
