"""Why: a second evaluator that keeps every step, written from the specification and not from the compiler.

It answers each question with yes, no or None for "not understood" and only then asks what that means
for the statement's effect. It shares with the compiler how values are read (`values`), what kinds of
pattern and principal there are (`forms`), how texts match (`pattern`, `globset`) and the tables
(`vocabulary`), nothing else. The sentence for people is in `sentence`.

Sources: IAM user guide "policy evaluation logic", "condition operators", "principal", "resource".
"""

import re
from collections.abc import Mapping, Sequence

from sesame.policy.language.document import Condition, Effect, Policy, Statement
from sesame.policy.language.forms import (
    PatternKind,
    PrincipalForm,
    is_name_of_one,
    read_pattern,
    read_principal,
)
from sesame.policy.language.pattern import (
    Glob,
    Variable,
    substitute,
    tokenize,
)
from sesame.policy.language.values import (
    read_bool,
)
from sesame.policy.language.vocabulary import (
    VERSION_WITH_VARIABLES,
    VERSIONS,
    Compare,
    Family,
    Quantifier,
    is_unknown_key,
    read_operator,
)
from sesame.policy.reasons.derivation import (
    Answer,
    ConditionStep,
    ElementStep,
    Explanation,
    Grant,
    StatementStep,
)
from sesame.policy.reasons.matching import (
    Patterns,
    all_of,
    any_of,
    compare_values,
    equals,
    joined,
    known,
    negated,
    none_of,
    without_variables,
)
from sesame.policy.reasons.sentence import write_sentence
from sesame.policy.request import (
    ContextValue,
    Decision,
    Outcome,
    PolicyKind,
    Request,
    Requester,
    StatementRef,
)

_NO_IDS: Mapping[str, str] = {}
_VARIABLE = re.compile(r"\$\{[^*?$}][^}]*\}")


def explain(
    request: Request,
    *,
    iam: Sequence[tuple[str, Policy]],
    identity: Sequence[tuple[str, Policy]],
    principal_ids: Mapping[str, str] = _NO_IDS,
    session: Sequence[tuple[str, Policy]] | None = None,
    boundary: Sequence[tuple[str, Policy]] | None = None,
) -> Explanation:
    """Evaluate a request step by step; the outcome equals that of `decide` on the same policies."""
    evaluator = _Evaluator(request, principal_ids, is_bounded=boundary is not None)
    steps = [*evaluator.steps(identity, "identity"), *evaluator.steps(iam, "iam")]
    steps += evaluator.steps(boundary or (), "boundary")
    steps += evaluator.steps(session or (), "session")
    given: dict[PolicyKind, object] = {"boundary": boundary, "session": session}
    limits = tuple(kind for kind, policies in given.items() if policies is not None)
    decision = _join(request, steps, limits)
    return Explanation(
        request=request,
        outcome=decision.outcome,
        statements=tuple(steps),
        deciding=decision.deciding,
        sentence=write_sentence(request, decision, steps, limits),
        limits=limits,
    )


def judge(
    request: Request,
    *,
    iam: Sequence[tuple[str, Policy]],
    identity: Sequence[tuple[str, Policy]],
    principal_ids: Mapping[str, str] = _NO_IDS,
) -> Decision:
    """The decision of `explain` without its derivation: a statement about somebody else is looked at no further."""
    evaluator = _Evaluator(request, principal_ids)
    steps = [*evaluator.steps(identity, "identity", only_about=True), *evaluator.steps(iam, "iam")]
    return _join(request, steps, ())


def condition_holds(policy: Policy, effect: Effect, condition: Condition, value: ContextValue | None) -> bool:
    """Whether one condition lets its statement apply when the request carries `value` for its key."""
    context = {} if value is None else {condition.key: value}
    return _holds_in(_bare_request(context), policy, effect, condition)


def would_hold(step: ConditionStep, effect: Effect, request: Request) -> bool:
    """The same of a condition that was asked already, for another request."""
    has_variables = bool(step.unresolved) or step.filled != step.wanted
    version = VERSION_WITH_VARIABLES if has_variables else VERSIONS[0]
    policy = Policy(id=None, version=version, statements=(), text="")
    condition = Condition(operator=read_operator(step.operator), key=step.key, values=step.wanted)
    return _holds_in(request, policy, effect, condition)


def asked_again(
    step: ConditionStep, effect: Effect, request: Request, *, has_variables: bool
) -> ConditionStep:
    """A condition that was asked in other words, for the same request; in a policy of the version with variables?"""
    version = VERSION_WITH_VARIABLES if has_variables else VERSIONS[0]
    policy = Policy(id=None, version=version, statements=(), text="")
    condition = Condition(operator=read_operator(step.operator), key=step.key, values=step.wanted)
    return _Evaluator(request, {}).condition(policy, effect, condition)


def _holds_in(request: Request, policy: Policy, effect: Effect, condition: Condition) -> bool:
    answer = _Evaluator(request, {}).answer(policy, effect, condition)
    return answer is True or (answer is None and effect is Effect.DENY)


def fits_action(statement: Statement, request: Request) -> bool:
    """Whether a statement's action fits the request."""
    return _holds_for(statement, [_Evaluator(request, {}).action(statement)])


def fits_resource(policy: Policy, statement: Statement, request: Request) -> bool:
    """Whether a statement's resource fits the request."""
    return _holds_for(statement, [_Evaluator(request, {}).resource(policy, statement)])


def find_grant(statement: Statement, request: Request, principal_ids: Mapping[str, str]) -> Grant | None:
    """How a statement's principal fits the request; None when it does not."""
    step, grant = _Evaluator(request, principal_ids).principal(statement)
    return grant if _holds_for(statement, [step]) else None


def _holds_for(statement: Statement, steps: Sequence[ElementStep]) -> bool:
    denies = statement.effect is Effect.DENY
    return all(step.answer is True or (step.answer is None and denies) for step in steps)


def _bare_request(context: Mapping[str, ContextValue]) -> Request:
    nobody = Requester(arn="", account_id="", kind="service", user_id="")
    return Request(requester=nobody, action="", resource="", resource_account="", context=context)


def _join(request: Request, steps: Sequence[StatementStep], limits: Sequence[PolicyKind]) -> Decision:
    """The account model of IAM over the statements that matched; each of the `limits` must allow what is had."""
    requester = request.requester
    denies = tuple(step.ref for step in steps if step.matched and step.effect is Effect.DENY)
    if denies:
        return Decision(Outcome.EXPLICIT_DENY, denies)
    allows = [step for step in steps if step.matched and step.effect is Effect.ALLOW]
    is_root = requester.kind == "root"
    same_account = requester.kind != "service" and requester.account_id == request.resource_account
    by_identity = [step.ref for step in allows if step.ref.kind == "identity" and step.grants]
    by_iam = [step.ref for step in allows if step.ref.kind == "iam"]
    by_limits = [step.ref for step in allows if step.ref.kind in limits]
    if any(all(ref.kind != limit for ref in by_limits) for limit in limits):
        by_identity = [step.ref for step in allows if step.is_by_name]
        by_iam = by_limits = []
        is_root = False
    if requester.kind == "service":
        allowed = bool(by_identity)
    elif same_account:
        allowed = bool(by_identity or by_iam) or is_root
    else:
        allowed = bool(by_identity) and (bool(by_iam) or is_root)
    if not allowed:
        return Decision(Outcome.IMPLICIT_DENY)
    return Decision(Outcome.ALLOW, tuple(by_identity + by_iam + by_limits))


class _Evaluator:
    """One request and what it carries."""

    def __init__(
        self, request: Request, principal_ids: Mapping[str, str], *, is_bounded: bool = False
    ) -> None:
        self._request = request
        self._is_bounded = is_bounded
        self._principal_ids = principal_ids
        self._ready: dict[object, Patterns] = {}
        self._context = {key.lower(): _as_tuple(value) for key, value in request.context.items()}

    def steps(
        self, policies: Sequence[tuple[str, Policy]], kind: PolicyKind, *, only_about: bool = False
    ) -> list[StatementStep]:
        """Every statement of every policy, in the order given; `only_about`: that may be about the requester."""
        return [
            self.statement(policy, statement, name, kind)
            for name, policy in policies
            for statement in policy.statements
            if not only_about or self._may_be_about(policy, statement)
        ]

    def _may_be_about(self, policy: Policy, statement: Statement) -> bool:
        """Whether a statement may match, as far as its principal says."""
        if not policy.is_understood or statement.principals is None:
            return True
        return self.principal(statement)[0].answer is not False

    def statement(self, policy: Policy, statement: Statement, name: str, kind: PolicyKind) -> StatementStep:
        """Every element and condition of a statement against the request."""
        elements = self.elements(policy, statement)
        grant = self.principal(statement)[1] if statement.principals is not None else Grant.DIRECT
        conditions = tuple(
            self.condition(policy, statement.effect, condition) for condition in statement.conditions
        )
        answers = [element.answer for element in elements] + [step.answer for step in conditions]
        if not policy.is_understood:
            answers = [None]
        denies = statement.effect is Effect.DENY
        matched = all(answer is True or (answer is None and denies) for answer in answers)
        grants = matched and not denies and (grant is Grant.DIRECT or self._is_foreign())
        return StatementStep(
            ref=StatementRef(policy=name, index=statement.index, sid=statement.sid, kind=kind),
            effect=statement.effect,
            elements=tuple(elements),
            conditions=conditions,
            matched=matched,
            grants=grants,
            is_by_name=grants and not statement.not_principals and self._is_by_name(statement),
            text=policy.text,
        )

    def elements(self, policy: Policy, statement: Statement) -> list[ElementStep]:
        """Principal (of an identity policy), action and resource against the request."""
        elements = [self.action(statement), self.resource(policy, statement)]
        return [self.principal(statement)[0], *elements] if statement.principals is not None else elements

    def _is_foreign(self) -> bool:
        return self._request.requester.account_id != self._request.resource_account

    def action(self, statement: Statement) -> ElementStep:
        """Action or NotAction against the request."""
        requested = self._request.action.lower()

        def matches(action: str) -> Answer:
            service = action.partition(":")[0]
            if action != "*" and ("*" in service or "?" in service):
                return None
            return Glob(read_pattern(action.lower(), PatternKind.LIKE, variables=False)).matches(requested)

        answer = any_of(matches(action) for action in statement.actions)
        return ElementStep(
            element="NotAction" if statement.not_actions else "Action",
            wanted=statement.actions,
            seen=self._request.action,
            answer=negated(answer) if statement.not_actions else answer,
        )

    def resource(self, policy: Policy, statement: Statement) -> ElementStep:
        """Resource or NotResource against the request."""
        patterns = self._patterns(statement.resources, PatternKind.RESOURCE, policy)
        answers = patterns.answers(self._request.resource)
        answer = (
            none_of(answers, statement.effect) if statement.not_resources else any_of(map(known, answers))
        )
        return ElementStep(
            element="NotResource" if statement.not_resources else "Resource",
            wanted=statement.resources,
            seen=self._request.resource,
            answer=answer,
            filled=self._filled(policy, statement.resources)[0],
        )

    def principal(self, statement: Statement) -> tuple[ElementStep, Grant]:
        """Principal or NotPrincipal against the requester, and what a match grants."""
        principals = statement.principals or ()
        wanted = tuple(principal.value for principal in principals)
        forms = [read_principal(principal) for principal in principals]
        seen = self._request.requester.arn
        if statement.not_principals:
            spares_none = self._is_bounded and statement.effect is Effect.DENY
            step = ElementStep(
                element="NotPrincipal",
                wanted=wanted,
                seen=seen,
                answer=True if spares_none else self._is_not_listed(forms),
                note="spares nobody who has a permissions boundary" if spares_none else "",
            )
            return step, Grant.DIRECT
        requester = self._request.requester
        answers: list[Answer] = []
        direct = False
        for form, value in forms:
            if form is PrincipalForm.MALFORMED:
                answers.append(None)
                continue
            by_account = form is PrincipalForm.ACCOUNT and self._account() == value
            by_name = form is PrincipalForm.ANYBODY or self._is_named(form, value)
            direct = direct or by_name
            answers.append(by_account or by_name)
        answer = any_of(answers)
        only_account = answer is True and not direct and requester.kind != "service"
        note = Grant.ACCOUNT.value if only_account and not self._is_foreign() else ""
        step = ElementStep(element="Principal", wanted=wanted, seen=seen, answer=answer, note=note)
        return step, Grant.ACCOUNT if only_account else Grant.DIRECT

    def _account(self) -> str | None:
        requester = self._request.requester
        return None if requester.kind == "service" else requester.account_id

    def _is_named(self, form: PrincipalForm, value: str) -> bool:
        """Whether a name or unique id in a Principal is the requester's, or that of whose session it is."""
        requester = self._request.requester
        entity_id = requester.entity_id if requester.entity_arn else None
        if form is PrincipalForm.UNIQUE_ID:
            return value in (requester.user_id, entity_id)
        if form is not PrincipalForm.NAME:
            return False
        bound_id = self._principal_ids.get(value)
        if bound_id is not None:  # whatever it is called now
            return bound_id in (requester.user_id, entity_id)
        return value == requester.entity_arn or (value == requester.arn and requester.kind != "root")

    def _is_by_name(self, statement: Statement) -> bool:
        """Whether a statement names the requester as the user or session it is, not by its role or account."""
        requester = self._request.requester
        named = [read_principal(one) for one in statement.principals or () if is_name_of_one(one)]
        if requester.issuer_arn:  # the user that a federated user is a session of is another principal
            return (PrincipalForm.NAME, requester.arn) in named
        return any(self._is_named(form, value) for form, value in named)

    def _is_not_listed(self, forms: Sequence[tuple[PrincipalForm, str]]) -> Answer:
        """NotPrincipal: no when all that the requester is stands in the list, yes when nothing does."""
        requester = self._request.requester
        if any(form is PrincipalForm.ANYBODY for form, _ in forms):
            return False
        listed: list[bool] = []
        if self._account():
            listed.append((PrincipalForm.ACCOUNT, self._account()) in forms)
        if requester.entity_arn:
            listed.append(self._lists(forms, requester.entity_arn, requester.entity_id))
        if requester.kind != "root":
            listed.append(self._lists(forms, requester.arn, requester.user_id))
        if all(listed):
            return False
        malformed = any(form is PrincipalForm.MALFORMED for form, _ in forms)
        return None if malformed or any(listed) else True

    def _lists(self, forms: Sequence[tuple[PrincipalForm, str]], name: str, unique_id: str) -> bool:
        if (PrincipalForm.UNIQUE_ID, unique_id) in forms:
            return True
        if any(
            self._principal_ids.get(value) == unique_id for form, value in forms if form is PrincipalForm.NAME
        ):
            return True
        return (PrincipalForm.NAME, name) in forms and name not in self._principal_ids

    def answer(self, policy: Policy, effect: Effect, condition: Condition) -> Answer:
        """The answer of `condition` alone."""
        return self._satisfies(policy, effect, condition, self._context.get(condition.key.lower()))[0]

    def condition(self, policy: Policy, effect: Effect, condition: Condition) -> ConditionStep:
        """One key under one operator against the request."""
        seen = self._context.get(condition.key.lower())
        answer, note = self._satisfies(policy, effect, condition, seen)
        filled, unresolved = condition.values, tuple[str, ...]()
        if condition.operator.comparison.family in (Family.STRING, Family.ARN):
            filled, unresolved = self._filled(policy, condition.values)
        return ConditionStep(
            operator=condition.operator.text,
            key=condition.key,
            wanted=condition.values,
            seen=seen,
            answer=answer,
            note=note,
            decisive=self._decisive(policy, effect, condition, seen or ()),
            filled=filled,
            unresolved=unresolved,
        )

    def _decisive(
        self, policy: Policy, effect: Effect, condition: Condition, seen: tuple[str, ...]
    ) -> tuple[str, ...]:
        """The values of a list that decided; all where the operator is not one for lists."""
        match condition.operator.quantifier:
            case Quantifier.FOR_ALL:
                decisive = tuple(value for value in seen if not self._holds(policy, effect, condition, value))
            case Quantifier.FOR_ANY:
                decisive = tuple(value for value in seen if self._holds(policy, effect, condition, value))
            case _:
                decisive = seen
        return decisive or seen

    def _filled(self, policy: Policy, values: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The values with variables filled in, and the variables that have no single value."""
        if not policy.has_variables:
            return values, ()
        filled: list[str] = []
        unresolved: dict[str, None] = {}
        for value in values:
            text = value
            for token in tokenize(value, variables=True):
                if isinstance(token, Variable):
                    found = substitute((token,), self._variable)
                    if found is None:
                        unresolved[token.key] = None
                    else:
                        begin, end = next(_VARIABLE.finditer(text)).span()
                        text = text[:begin] + joined(found) + text[end:]
            filled.append(value if unresolved else text)
        return tuple(filled), tuple(unresolved)

    def _satisfies(
        self, policy: Policy, effect: Effect, condition: Condition, seen: tuple[str, ...] | None
    ) -> tuple[Answer, str]:
        """The rules for absent, single and several values; the note says which one applied."""
        operator = condition.operator
        comparison = operator.comparison
        if not operator.is_known:
            return None, "unknown operator"
        if seen is None and is_unknown_key(condition.key):
            return None, "unknown key"
        if comparison.family is Family.NULL:
            return any_of(equals(read_bool(value), seen is None) for value in condition.values), ""

        def holds(value: str) -> Answer:
            return self._holds(policy, effect, condition, value)

        if operator.quantifier is not Quantifier.NONE:
            values = () if seen in (None, ("",)) else seen or ()
            if operator.quantifier is Quantifier.FOR_ALL:
                return all_of(map(holds, values)), "" if values else "no values: true of all"
            return any_of(map(holds, values)), "" if values else "no values: true of none"
        if seen is None:
            return operator.if_exists or comparison.negated, "the request does not carry this key"
        if len(seen) == 1:
            return holds(seen[0]), ""
        if effect is Effect.DENY:
            return any_of(map(holds, seen)), "several values under an operator for one: any may match"
        return False, "several values under an operator for one: none matches"

    def _holds(self, policy: Policy, effect: Effect, condition: Condition, value: str) -> Answer:
        """Whether one value of the request satisfies the operator: OR, or NOR for a negated one."""
        if condition.operator.comparison.family in (Family.STRING, Family.ARN):
            answers = self._texts(policy, condition).answers(value)
        else:
            answers = [compare_values(condition, wanted, value) for wanted in condition.values]
        if condition.operator.comparison.negated:
            return none_of(answers, effect)
        return any_of(map(known, answers))

    def _texts(self, policy: Policy, condition: Condition) -> Patterns:
        comparison = condition.operator.comparison
        folded = comparison.compare is Compare.EQUAL_FOLDED
        if comparison.family is Family.ARN:
            kind = PatternKind.ARN
        else:
            kind = PatternKind.LIKE if comparison.compare is Compare.LIKE else PatternKind.EQUAL
        return self._patterns(condition.values, kind, policy, folded=folded)

    def _patterns(
        self, values: tuple[str, ...], kind: PatternKind, policy: Policy, *, folded: bool = False
    ) -> Patterns:
        """The patterns of one element or condition, made ready once for this request."""
        variables = policy.has_variables and any("${" in value for value in values)
        if not variables:
            return without_variables(values, kind, folded=folded)
        key = values, kind, folded
        if key not in self._ready:
            tokens = [read_pattern(value, kind, variables=True) for value in values]
            self._ready[key] = Patterns(tokens, kind, self._variable, folded=folded)
        return self._ready[key]

    def _variable(self, key: str) -> ContextValue | None:
        values = self._context.get(key)
        return values[0] if values is not None and len(values) == 1 else values


def _as_tuple(value: ContextValue) -> tuple[str, ...] | None:
    if isinstance(value, str):
        return (value,)
    return tuple(value) or None
