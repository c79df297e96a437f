"""Questions about the policies of one identity, answered exactly and with a witness each.

`who_can_send`: which principals may send at all, or as an address like so, to recipients like so, at a
time, from an address range. `compare`: does the new policy allow anything the old one did not, and the
reverse. Both are about what the identity's policies allow; that a delegate's own account lets its users
send is taken for granted, as the identity's owner must. Statements that never match and Allows that a
Deny covers are found the same way. Every witness is replayed through `decide` before it is given.

Where a construct is outside the exact fragment the answer is "unknown" and names it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from sesame.policy.analysis.demands import OutsideFragment, refuse_variables
from sesame.policy.analysis.principals import Candidate, candidates, names_in, settled_by
from sesame.policy.analysis.prover import NotProved, Prover
from sesame.policy.analysis.search import Box, Point, Search
from sesame.policy.analysis.space import MOMENT, Space
from sesame.policy.analysis.strings import Budget, BudgetExhausted
from sesame.policy.engine.decide import EMPTY, PolicySet, compile_policies, decide
from sesame.policy.language.document import Effect, Policy, Statement
from sesame.policy.language.iam_put import parse_iam_policy
from sesame.policy.language.vocabulary import CONDITION_KEYS, IDENTITY_ACTIONS, SENDING_ACTIONS
from sesame.policy.reasons.derivation import Grant
from sesame.policy.reasons.evaluator import find_grant, is_about
from sesame.policy.reasons.sentence import describe_condition
from sesame.policy.request import ContextValue, Decision, Outcome, Request, Requester, RequesterKind

Named = Sequence[tuple[str, Policy]]
_NO_IDS: Mapping[str, str] = {}
_NO_LIMITS: Mapping[str, Sequence[str]] = {}


class Method(Enum):
    """How an answer was found."""

    EXACT = "exact"
    PROVER = "prover"


class Verdict(Enum):
    """What an exact question may have for an answer."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One principal and what was found out about it: a request that shows a yes, a reason for an unknown.

    `method` is PROVER when the solver was needed for it; a witness is confirmed by the evaluator all the same.
    """

    who: str
    verdict: Verdict
    witness: Request | None = None
    statement: tuple[str, int] | None = None
    """Policy name and number of the Allow that the witness passes by."""
    reason: str = ""
    method: Method = Method.EXACT


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What a new set of policies allows that the old one did not, and the reverse, by principal."""

    gained: tuple[Answer, ...]
    lost: tuple[Answer, ...]

    @property
    def verdict(self) -> Verdict:
        """NO when both sets allow the same; YES when a witness shows a difference."""
        verdicts = {answer.verdict for answer in (*self.gained, *self.lost)}
        if Verdict.YES in verdicts:
            return Verdict.YES
        return Verdict.UNKNOWN if Verdict.UNKNOWN in verdicts else Verdict.NO


def who_can_send(
    policies: Named,
    *,
    identity_arn: str,
    limits: Mapping[str, Sequence[str]] = _NO_LIMITS,
    principal_ids: Mapping[str, str] = _NO_IDS,
) -> tuple[Answer, ...]:
    """Every principal that the policies tell apart, with YES, NO or UNKNOWN.

    `limits` maps condition keys to patterns (for aws:SourceIp ranges, for aws:CurrentTime dates) of which
    the request's value matches one.
    """
    question = _Question(identity_arn, limits, principal_ids, Budget(), policies)
    return tuple(
        question.ask(candidate, SENDING_ACTIONS, policies, None)
        for candidate in candidates(policies, identity_arn=identity_arn, principal_ids=principal_ids)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """What one Allow lets a principal send: all of `when`, and not all of any one of `unless`, in words.

    Without a witness it is not known whether anything is left, and `reason` says why.
    """

    statement: tuple[str, int]
    when: tuple[str, ...]
    unless: tuple[tuple[str, ...], ...]
    witness: Request | None
    reason: str = ""
    method: Method = Method.EXACT


def can_send(
    requester: Requester,
    policies: Named,
    *,
    identity_arn: str,
    limits: Mapping[str, Sequence[str]] = _NO_LIMITS,
    principal_ids: Mapping[str, str] = _NO_IDS,
) -> tuple[Permission, ...]:
    """All that a principal can send from the identity: one permission for each Allow that has an effect."""
    question = _Question(identity_arn, limits, principal_ids, Budget(), policies)
    is_own = requester.account_id == identity_arn.split(":")[4]
    candidate = Candidate(label=requester.arn, requester=requester, is_own=is_own)
    return tuple(question.permissions(candidate, policies))


def compare(
    old: Named,
    new: Named,
    *,
    identity_arn: str,
    limits: Mapping[str, Sequence[str]] = _NO_LIMITS,
    principal_ids: Mapping[str, str] = _NO_IDS,
    actions: Sequence[str] = IDENTITY_ACTIONS,
) -> Comparison:
    """What `new` allows and `old` does not, and the reverse: the principals with YES or UNKNOWN."""
    question = _Question(identity_arn, limits, principal_ids, Budget(), [*old, *new])
    who = candidates([*old, *new], identity_arn=identity_arn, principal_ids=principal_ids)

    def differences(wide: Named, narrow: Named) -> tuple[Answer, ...]:
        found = (question.ask(candidate, actions, wide, narrow) for candidate in who)
        return tuple(answer for answer in found if answer.verdict is not Verdict.NO)

    return Comparison(gained=differences(new, old), lost=differences(old, new))


def never_matches(policy: Policy, statement: Statement, *, budget: Budget) -> bool:
    """Whether the conditions of a statement contradict each other, for certain."""
    searches = [
        Search(Space(sending=sending, limits=_NO_LIMITS, settled={}, budget=budget))
        for sending in (True, False)
    ]
    try:
        return all(search.find([search.box(policy, statement)], []) is None for search in searches)
    except (OutsideFragment, BudgetExhausted):
        return False


def is_shadowed(
    policies: Named, policy: Policy, statement: Statement, *, identity_arn: str, budget: Budget
) -> bool:
    """Whether Deny statements cover everything that an Allow of one of the policies allows, for certain."""
    question = _Question(identity_arn, _NO_LIMITS, _NO_IDS, budget, policies)
    try:
        return all(
            question.outside_denies(candidate, action, policies, (policy, statement)) is None
            for candidate in candidates(policies, identity_arn=identity_arn, principal_ids=_NO_IDS)
            for action in IDENTITY_ACTIONS
        )
    except (OutsideFragment, BudgetExhausted):
        return False


_Placed = tuple[str, Policy, Statement]


class _Question:
    """What all answers of one call share: the identity, the limits, what was solved already."""

    def __init__(
        self,
        identity_arn: str,
        limits: Mapping[str, Sequence[str]],
        principal_ids: Mapping[str, str],
        budget: Budget,
        policies: Named,
    ) -> None:
        self._identity_arn = identity_arn
        self._owner = identity_arn.split(":")[4]
        self._principal_ids = principal_ids
        self._compiled: dict[tuple[int, ...], PolicySet] = {}
        self._about: dict[object, bool] = {}
        self._grants: dict[object, Grant | None] = {}
        self._found: dict[object, tuple[Point, _Placed] | None] = {}
        self._limits = limits
        self._budget = budget
        self._searches: dict[tuple[RequesterKind, bool], Search] = {}
        self._settles = _asks_what_kinds_settle([*policies])
        named = frozenset({self._owner, *names_in(policies)})
        self._prover = Prover(limits=limits, named=named)
        everything = '{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}'
        self._everything = compile_policies([("everything", parse_iam_policy(everything))], kind="iam")

    def ask(self, candidate: Candidate, actions: Iterable[str], wide: Named, narrow: Named | None) -> Answer:
        """Whether `wide` allows the candidate something, that `narrow` does not."""
        unknown, method = "", Method.EXACT
        for action in actions:
            try:
                fitting = self._fitting(candidate, action, wide)
                other = None if narrow is None else self._fitting(candidate, action, narrow)
                found = self._known_difference(candidate, action, fitting, other)
            except (OutsideFragment, BudgetExhausted) as error:
                method = Method.PROVER
                try:
                    witness = self._prove(candidate, action, wide, narrow)
                except (NotProved, OutsideFragment) as why:
                    unknown = unknown or _reason(error, why)
                    continue
                if witness is not None:
                    return self._proved(candidate, witness, wide)
                continue
            if found is not None:
                point, (name, _, statement) = found
                witness = self._request(candidate, action, point)
                self._replay(candidate, witness, wide, narrow)
                return Answer(
                    who=candidate.label,
                    verdict=Verdict.YES,
                    witness=witness,
                    statement=(name, statement.index),
                )
        if unknown:
            return Answer(who=candidate.label, verdict=Verdict.UNKNOWN, reason=unknown)
        return Answer(who=candidate.label, verdict=Verdict.NO, method=method)

    def _prove(self, candidate: Candidate, action: str, wide: Named, narrow: Named | None) -> Request | None:
        """The solver's witness, held against the evaluator. Raises NotProved, OutsideFragment."""
        fitting = self._fitting(candidate, action, wide)
        other = None if narrow is None else _bare(self._fitting(candidate, action, narrow))
        found = self._prover.find(candidate, _bare(fitting), other, sending=action in SENDING_ACTIONS)
        if found is None:
            return None
        witness = self._request(replace(candidate, requester=found.requester), action, found.point)
        allowed = self._allows(candidate, witness, wide)
        if not allowed or (narrow is not None and self._allows(candidate, witness, narrow)):
            raise NotProved("cvc5 found a request that the evaluator does not confirm")
        return witness

    def _proved(self, candidate: Candidate, witness: Request, wide: Named) -> Answer:
        decision = self._decide(candidate, witness, wide)
        ref = next(ref for ref in decision.deciding if ref.kind == "identity")
        return Answer(
            who=candidate.label,
            verdict=Verdict.YES,
            witness=witness,
            statement=(ref.policy, ref.index),
            method=Method.PROVER,
        )

    def permissions(self, candidate: Candidate, policies: Named) -> Iterator[Permission]:
        """One for each Allow that lets the candidate send something."""
        done: set[tuple[str, int]] = set()
        for action in SENDING_ACTIONS:
            try:
                fitting = self._fitting(candidate, action, policies)
            except OutsideFragment as error:
                yield from _not_known(policies, str(error))
                return
            for placed in fitting:
                name, policy, statement = placed
                where = (name, statement.index)
                if statement.effect is Effect.DENY or not policy.is_understood or where in done:
                    continue
                permission = self._permission(candidate, action, placed, fitting, policies)
                if permission is not None:
                    done.add(where)
                    yield permission

    def _permission(
        self,
        candidate: Candidate,
        action: str,
        allow: _Placed,
        fitting: Sequence[_Placed],
        policies: Named,
    ) -> Permission | None:
        """What the Allow leaves after the Denies; None when that is nothing."""
        name, policy, statement = allow
        search = self._search(candidate, "ses:SendEmail")
        box = search.box(policy, statement)
        denies = [placed for placed in fitting if placed[2].effect is Effect.DENY]
        unless, witness, reason, method = denies, None, "", Method.EXACT
        try:
            point = search.find([box], _boxes(search, denies, Effect.DENY))
            if point is None:
                return None
            witness = self._request(candidate, action, point)
            unless = [
                placed for placed in denies if search.find([box, search.box(*placed[1:])], []) is not None
            ]
        except (OutsideFragment, BudgetExhausted) as error:
            method = Method.PROVER
            alone = [(name, replace(policy, statements=(statement,))), *_only_denies(policies)]
            try:
                witness = self._prove(candidate, action, alone, None)
            except (NotProved, OutsideFragment) as why:
                reason = _reason(error, why)
            else:
                if witness is None:
                    return None
        return Permission(
            statement=(name, statement.index),
            when=_in_words(statement),
            unless=tuple(_in_words(deny) for _, _, deny in unless),
            witness=witness,
            reason=reason,
            method=method,
        )

    def outside_denies(
        self, candidate: Candidate, action: str, policies: Named, allow: tuple[Policy, Statement]
    ) -> Point | None:
        """A point where the Allow applies to the candidate and no Deny does."""
        if not self._fits(candidate, action, *allow):
            return None
        fitting = self._fitting(candidate, action, policies)
        search = self._search(candidate, action)
        return search.find([search.box(*allow)], _boxes(search, fitting, Effect.DENY))

    def _fitting(self, candidate: Candidate, action: str, policies: Named) -> list[_Placed]:
        """The statements whose principal, action and resource fit."""
        return [
            (name, policy, statement)
            for name, policy in policies
            for statement in policy.statements
            if self._fits(candidate, action, policy, statement)
        ]

    def _fits(self, candidate: Candidate, action: str, policy: Policy, statement: Statement) -> bool:
        """Element by element, since many statements share theirs."""
        denies = statement.effect is Effect.DENY
        if not policy.is_understood:
            return denies
        whom = (candidate.requester, denies, statement.principals, statement.not_principals)
        if whom not in self._grants:
            request = self._request(candidate, action, {})
            self._grants[whom] = find_grant(statement, request, self._principal_ids)
        grant = self._grants[whom]
        if grant is None or (grant is Grant.ACCOUNT and not denies and candidate.is_own):
            return False
        about = (
            (action, policy.has_variables, denies),
            (statement.actions, statement.not_actions, statement.resources, statement.not_resources),
        )
        if about not in self._about:
            refuse_variables(policy, statement)
            self._about[about] = is_about(policy, statement, self._request(candidate, action, {}))
        return self._about[about]

    def _search(self, candidate: Candidate, action: str) -> Search:
        """The search among requests of the candidate's kind; of any kind, where the policies do not ask for it."""
        kind = candidate.requester.kind if self._settles else "user"
        asked = kind, action in SENDING_ACTIONS
        if asked not in self._searches:
            settled = settled_by(kind) if self._settles else {}
            space = Space(sending=asked[1], limits=self._limits, settled=settled, budget=self._budget)
            self._searches[asked] = Search(space)
        return self._searches[asked]

    def _known_difference(
        self, candidate: Candidate, action: str, wide: Sequence[_Placed], narrow: Sequence[_Placed] | None
    ) -> tuple[Point, _Placed] | None:
        """`_difference`, asked once for each combination of statements, whoever of a kind they fit."""
        search = self._search(candidate, action)
        asked = (
            id(search),
            tuple(id(statement) for _, _, statement in wide),
            None if narrow is None else tuple(id(statement) for _, _, statement in narrow),
        )
        if asked not in self._found:
            self._found[asked] = _difference(search, wide, narrow)
        return self._found[asked]

    def _request(self, candidate: Candidate, action: str, point: Point) -> Request:
        context: dict[str, ContextValue] = {}
        for dimension, value in point.items():
            if value is None:
                continue
            key = CONDITION_KEYS.get(dimension)
            context[key.name if key is not None else dimension] = value
            if dimension == MOMENT:
                context["aws:EpochTime"] = value
        return Request(
            requester=candidate.requester,
            action=action,
            resource=self._identity_arn,
            resource_account=self._owner,
            context=context,
        )

    def _replay(self, candidate: Candidate, witness: Request, wide: Named, narrow: Named | None) -> None:
        """Hold a witness against the compiled evaluator; a disagreement is a defect of ours."""
        allowed = self._allows(candidate, witness, wide)
        if not allowed or (narrow is not None and self._allows(candidate, witness, narrow)):
            raise RuntimeError(f"the analysis and the evaluator disagree on {witness}: please report it")

    def _allows(self, candidate: Candidate, witness: Request, policies: Named) -> bool:
        return self._decide(candidate, witness, policies).outcome is Outcome.ALLOW

    def _decide(self, candidate: Candidate, witness: Request, policies: Named) -> Decision:
        asked = tuple(id(statement) for _, policy in policies for statement in policy.statements)
        if asked not in self._compiled:
            ids = self._principal_ids
            self._compiled[asked] = compile_policies(policies, kind="identity", principal_ids=ids)
        iam = EMPTY if candidate.is_own else self._everything
        return decide(witness, iam=iam, identity=self._compiled[asked])


def _asks_what_kinds_settle(policies: Named) -> bool:
    """Whether a condition is on a key that the kind of the requester settles."""
    settled = {*settled_by("user"), *settled_by("service")}
    return any(
        condition.key.lower() in settled
        for _, policy in policies
        for statement in policy.statements
        for condition in statement.conditions
    )


def _difference(
    search: Search, wide: Sequence[_Placed], narrow: Sequence[_Placed] | None
) -> tuple[Point, _Placed] | None:
    """A point that `wide` allows and `narrow` does not, with the Allow it passes by."""
    denies = _boxes(search, wide, Effect.DENY)
    for placed in wide:
        _, policy, statement = placed
        if statement.effect is Effect.DENY or not policy.is_understood:
            continue
        box = search.box(policy, statement)
        for inside, outside in _ways(search, box, denies, narrow):
            point = search.find(inside, outside)
            if point is not None:
                return point, placed
    return None


def _not_known(policies: Named, reason: str) -> Iterator[Permission]:
    """Every Allow, when it cannot be told which of them are about the identity."""
    for name, policy in policies:
        for item in policy.statements:
            if item.effect is Effect.ALLOW and policy.is_understood:
                where = (name, item.index)
                yield Permission(
                    statement=where, when=_in_words(item), unless=(), witness=None, reason=reason
                )


def _in_words(statement: Statement) -> tuple[str, ...]:
    return tuple(
        describe_condition(condition.operator.text, condition.key, condition.values)
        for condition in statement.conditions
    )


def _reason(error: Exception, why: Exception) -> str:
    """Why neither method has an answer, the construct named."""
    reason = "too many combinations to be exact in the time allowed"
    if isinstance(error, OutsideFragment):
        reason = f"outside the exact fragment: {error}"
    return reason if str(why) == str(error) else f"{reason}; {why}"


def _bare(placed: Iterable[_Placed]) -> list[tuple[Policy, Statement]]:
    return [(policy, statement) for _, policy, statement in placed]


def _only_denies(policies: Named) -> Named:
    return [
        (
            name,
            replace(
                policy, statements=tuple(item for item in policy.statements if item.effect is Effect.DENY)
            ),
        )
        for name, policy in policies
    ]


def _boxes(search: Search, placed: Iterable[_Placed], effect: Effect) -> list[Box]:
    return [search.box(policy, statement) for _, policy, statement in placed if statement.effect is effect]


def _ways(
    search: Search, box: Box, denies: Sequence[Box], narrow: Sequence[_Placed] | None
) -> Iterator[tuple[list[Box], list[Box]]]:
    """How a point in `box` can be allowed on one side only: no Allow of the other, or one of its Denies."""
    if narrow is None:
        yield [box], list(denies)
        return
    yield [box], [*denies, *_boxes(search, narrow, Effect.ALLOW)]
    for deny in _boxes(search, narrow, Effect.DENY):
        yield [box, deny], list(denies)
