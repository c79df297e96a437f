"""Questions about the policies of one identity, answered exactly and with a witness each.

`who_can_send`: which principals may send at all, or as an address like so, to recipients like so, at a
time, from an address range. `compare`: does the new policy allow anything the old one did not, and the
reverse. Both are about what the identity's policies allow; that a delegate's own account lets its users
send is taken for granted, as the identity's owner must. Statements that never match and Allows that a
Deny covers are found the same way. Every witness is replayed through `decide` before it is given.

Where a construct is outside the exact fragment the answer is "unknown" and names it. `is_late` is asked again and
again whether the caller's time is up; what was not asked then says so.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from sesame.policy.analysis.answers import Answer, Comparison, Method, Permission, Verdict
from sesame.policy.analysis.demands import OutsideFragment
from sesame.policy.analysis.inquiry import Inquiry, Named, Side
from sesame.policy.analysis.principals import Candidate, the_candidate, with_path
from sesame.policy.analysis.prover import NotProved
from sesame.policy.analysis.search import Search
from sesame.policy.analysis.space import Memory, Rules, Space
from sesame.policy.analysis.strings import BUDGET, Budget, BudgetExhausted
from sesame.policy.analysis.who import Who
from sesame.policy.language.document import Effect, Policy, Statement
from sesame.policy.language.vocabulary import IDENTITY_ACTIONS, SENDING_ACTIONS
from sesame.policy.request import Requester

_NO_IDS: Mapping[str, str] = {}
_NO_LIMITS: Mapping[str, Sequence[str]] = {}


def never_late() -> bool:
    """The deadline of whoever has none."""
    return False


def who_can_send(
    policies: Named,
    *,
    identity_arn: str,
    limits: Mapping[str, Sequence[str]] = _NO_LIMITS,
    principal_ids: Mapping[str, str] = _NO_IDS,
    is_late: Callable[[], bool] = never_late,
) -> tuple[Answer, ...]:
    """Every principal that the policies tell apart, with YES, NO or UNKNOWN.

    `limits` maps condition keys to patterns (for aws:SourceIp ranges, for aws:CurrentTime dates) of which
    the request's value matches one.
    """
    found = iter_who_can_send(
        policies, identity_arn=identity_arn, limits=limits, principal_ids=principal_ids, is_late=is_late
    )
    return tuple(found)


def iter_who_can_send(
    policies: Named,
    *,
    identity_arn: str,
    limits: Mapping[str, Sequence[str]] = _NO_LIMITS,
    principal_ids: Mapping[str, str] = _NO_IDS,
    is_late: Callable[[], bool] = never_late,
) -> Iterator[Answer]:
    """`who_can_send`, an answer as soon as it is known."""
    budget = Budget(BUDGET, is_late=is_late)
    inquiry = Inquiry(identity_arn, policies, limits=limits, principal_ids=principal_ids, budget=budget)
    [side] = inquiry.sides
    yield from _by_label(inquiry, SENDING_ACTIONS, side, None)


def _by_label(inquiry: Inquiry, actions: Sequence[str], wide: Side, narrow: Side | None) -> Iterator[Answer]:
    """An answer for each label: where several candidates have it, the most that can be said of one of them."""
    left = Counter(candidate.label for candidate in inquiry.candidates)
    found: dict[str, Answer] = {}
    for candidate in inquiry.candidates:
        label = candidate.label
        known = found.get(label)
        if known is None or known.verdict is not Verdict.YES:
            answer = inquiry.ask(candidate, actions, wide, narrow)
            if known is None or _rank(answer) > _rank(known):
                found[label] = answer
        left[label] -= 1
        if not left[label]:
            yield found.pop(label)


def _rank(answer: Answer) -> int:
    return {Verdict.NO: 0, Verdict.UNKNOWN: 1, Verdict.YES: 2}[answer.verdict]


def compare(
    old: Named,
    new: Named,
    *,
    identity_arn: str,
    limits: Mapping[str, Sequence[str]] = _NO_LIMITS,
    principal_ids: Mapping[str, str] = _NO_IDS,
    actions: Sequence[str] = IDENTITY_ACTIONS,
    is_late: Callable[[], bool] = never_late,
) -> Comparison:
    """What `new` allows and `old` does not, and the reverse: the principals with YES or UNKNOWN."""
    budget = Budget(BUDGET, is_late=is_late)
    inquiry = Inquiry(identity_arn, old, new, limits=limits, principal_ids=principal_ids, budget=budget)
    before, after = inquiry.sides
    gained = tuple(_by_label(inquiry, actions, after, before))
    lost = tuple(_by_label(inquiry, actions, before, after))
    return Comparison(
        gained=tuple(answer for answer in gained if answer.verdict is not Verdict.NO),
        lost=tuple(answer for answer in lost if answer.verdict is not Verdict.NO),
        asked=sum(answer.is_asked for answer in (*gained, *lost)),
        of=len(gained) + len(lost),
    )


def both_allow(
    one: Named,
    other: Named,
    *,
    identity_arn: str,
    limits: Mapping[str, Sequence[str]] = _NO_LIMITS,
    is_late: Callable[[], bool] = never_late,
) -> tuple[Answer, ...]:
    """Who can make a request to send that both sets allow."""
    budget = Budget(BUDGET, is_late=is_late)
    inquiry = Inquiry(identity_arn, one, other, limits=limits, principal_ids=_NO_IDS, budget=budget)
    return tuple(inquiry.overlap(candidate, SENDING_ACTIONS) for candidate in inquiry.candidates)


def can_send(
    requester: Requester,
    policies: Named,
    *,
    identity_arn: str,
    limits: Mapping[str, Sequence[str]] = _NO_LIMITS,
    principal_ids: Mapping[str, str] = _NO_IDS,
    is_late: Callable[[], bool] = never_late,
) -> tuple[Permission, ...]:
    """All that a principal can send from the identity: one permission for each Allow that has an effect."""
    budget = Budget(BUDGET, is_late=is_late)
    inquiry = Inquiry(identity_arn, policies, limits=limits, principal_ids=principal_ids, budget=budget)
    candidate = the_candidate(with_path(requester, policies), identity_arn=identity_arn)
    return tuple(_permissions(inquiry, candidate, policies))


def _permissions(inquiry: Inquiry, candidate: Candidate, policies: Named) -> Iterator[Permission]:
    """One for each Allow that lets the candidate send something."""
    [side] = inquiry.sides
    done: set[tuple[str, int]] = set()
    for action in SENDING_ACTIONS:
        try:
            fitting = side.index.statements(side.about(candidate, action))
        except OutsideFragment as error:
            yield from _not_known(policies, str(error))
            return
        for name, policy, statement in fitting:
            where = (name, statement.index)
            if statement.effect is Effect.DENY or not policy.is_understood or where in done:
                continue
            permission = inquiry.permission(candidate, action, (name, policy, statement), fitting)
            if permission is not None:
                done.add(where)
                yield permission


def _not_known(policies: Named, reason: str) -> Iterator[Permission]:
    """Every Allow, when it cannot be told which of them are about the identity."""
    for name, policy in policies:
        for item in policy.statements:
            if item.effect is Effect.ALLOW and policy.is_understood:
                where = (name, item.index)
                yield Permission(
                    statement=where, needs=item.conditions, denies=(), witness=None, reason=reason
                )


def never_matches(policy: Policy, statement: Statement, *, budget: Budget) -> bool:
    """Whether the conditions of a statement contradict each other, for certain."""
    searches = [
        Search(
            Space(
                sending=sending,
                limits=_NO_LIMITS,
                who=Who(kind="user", settled=()),
                settled={},
                rules=Rules(),
                memory=Memory(),
                budget=budget,
            )
        )
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
    inquiry = Inquiry(identity_arn, policies, limits=_NO_LIMITS, principal_ids=_NO_IDS, budget=budget)
    try:
        return all(
            inquiry.is_denied(candidate, action, (policy, statement))
            for candidate in inquiry.candidates
            for action in IDENTITY_ACTIONS
        )
    except (OutsideFragment, BudgetExhausted):
        return False


__all__ = [
    "Answer",
    "Comparison",
    "Method",
    "NotProved",
    "Permission",
    "Verdict",
    "both_allow",
    "can_send",
    "compare",
    "is_shadowed",
    "iter_who_can_send",
    "never_late",
    "never_matches",
    "who_can_send",
]
