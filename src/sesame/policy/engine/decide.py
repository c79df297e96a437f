"""The decision: compiled policy sets and the account model that joins their answers.

`decide` is all there is to authorization at run time. Same account: the union of both sides, any
Deny wins; an account's root needs no Allow. Across accounts both sides must allow; the foreign root
needs no IAM policy. A service needs the identity's policies alone. A permissions boundary, and the
policies that a session was opened under, limit all there is but what an identity policy of the same
account gives that very user or session by its name; a Deny of theirs counts like any other. A federated user
is a session of the user that opened it, and has what that user is given as a role's session what its role is.
`decide_trust` is the same for assuming a role. Sources: IAM user guide "policy evaluation logic",
"cross-account", "permissions boundaries", "session policies", "role trust"; SES developer guide
"sending authorization".
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from sesame.policy.engine.codegen import NOTHING, Evaluator, compile_statements
from sesame.policy.engine.runtime import Context, fold_context
from sesame.policy.language.document import Effect, Policy, Statement
from sesame.policy.language.forms import is_name_of_one
from sesame.policy.language.pattern import Variable, tokenize
from sesame.policy.request import Decision, Outcome, PolicyKind, Request, Requester, StatementRef


class PolicySet:
    """Policies that were compiled together; safe to share and to keep. Made by `compile_policies`.

    `evaluate_named` knows only what Allow statements give to users and sessions by their names. `evaluate_bounded` is
    for who has a permissions boundary, whom every Deny with a NotPrincipal hits. Both are None where they differ from
    nothing, and from `evaluate`. `keys` are the condition keys, in lower case, that any answer may depend on.
    """

    __slots__ = ("evaluate", "evaluate_bounded", "evaluate_named", "keys", "refs")

    def __init__(
        self,
        evaluate: Evaluator,
        refs: tuple[StatementRef, ...],
        *,
        evaluate_named: Evaluator | None,
        evaluate_bounded: Evaluator | None,
        keys: frozenset[str],
    ) -> None:
        self.evaluate = evaluate
        self.evaluate_named = evaluate_named
        self.evaluate_bounded = evaluate_bounded
        self.refs = refs
        self.keys = keys

    @property
    def is_empty(self) -> bool:
        """Whether the set has no statement at all."""
        return not self.refs


_NO_IDS: Mapping[str, str] = {}
_NO_CAUSE: tuple[StatementRef, ...] = ()
_IMPLICIT_DENY = Decision(Outcome.IMPLICIT_DENY)


def compile_policies(
    policies: Sequence[tuple[str, Policy]], *, kind: PolicyKind, principal_ids: Mapping[str, str] = _NO_IDS
) -> PolicySet:
    """Compile named policies of one kind into a set.

    `principal_ids` maps a user's or role's ARN in a Principal to the unique id it had when the policy
    was stored; a requester with that ARN and another id is not who was meant.
    """
    refs = tuple(
        StatementRef(policy=name, index=statement.index, sid=statement.sid, kind=kind)
        for name, policy in policies
        for statement in policy.statements
    )
    documents = [policy for _, policy in policies]
    by_name = [replace(policy, statements=tuple(map(_by_name, policy.statements))) for policy in documents]
    named = any(statement.principals for policy in by_name for statement in policy.statements)
    bounded = None
    if any(_spares(statement) for policy in documents for statement in policy.statements):
        for_bounded = [
            replace(policy, statements=tuple(map(_for_bounded, policy.statements))) for policy in documents
        ]
        bounded = compile_statements(for_bounded, principal_ids)
    return PolicySet(
        compile_statements(documents, principal_ids),
        refs,
        evaluate_named=compile_statements(by_name, principal_ids) if named else None,
        evaluate_bounded=bounded,
        keys=frozenset(key for policy in documents for key in _keys(policy)),
    )


def join_sets(one: PolicySet, other: PolicySet) -> PolicySet:
    """The policies of both sets, without compiling them again; those of `one` are asked first."""
    has_names = one.evaluate_named is not None or other.evaluate_named is not None
    named = one.evaluate_named or _NOBODYS, other.evaluate_named or _NOBODYS
    has_bounded = one.evaluate_bounded is not None or other.evaluate_bounded is not None
    bounded = one.evaluate_bounded or one.evaluate, other.evaluate_bounded or other.evaluate
    first = len(one.refs)
    return PolicySet(
        _joined(one.evaluate, other.evaluate, first),
        one.refs + other.refs,
        evaluate_named=_joined(*named, first) if has_names else None,
        evaluate_bounded=_joined(*bounded, first) if has_bounded else None,
        keys=one.keys | other.keys,
    )


def _joined(one: Evaluator, other: Evaluator, first: int) -> Evaluator:
    """Both as one: a Deny of either wins. `first` is the number of the other's first statement."""

    def evaluate(
        action: str, resource: str, context: Context, arn: str,
        role: str | None, user_id: str, account: str, allowing_account: str,
    ) -> int:  # fmt: skip
        found = one(action, resource, context, arn, role, user_id, account, allowing_account)
        if found < NOTHING:
            return found
        more = other(action, resource, context, arn, role, user_id, account, allowing_account)
        if more < NOTHING:
            return more - first
        return found if found >= 0 or more == NOTHING else more + first

    return evaluate


def _keys(policy: Policy) -> Iterator[str]:
    """The condition keys that a policy asks about, or has variables of."""
    for statement in policy.statements:
        texts = list(statement.resources or ())
        for condition in statement.conditions:
            yield condition.key.lower()
            texts += condition.values
        for text in texts:
            if "${" in text:
                tokens = tokenize(text, variables=True)
                yield from (token.key for token in tokens if isinstance(token, Variable))


def _by_name(statement: Statement) -> Statement:
    """The statement for the users and sessions that it allows by name, and for nobody else."""
    named = tuple(
        principal
        for principal in statement.principals or ()
        if statement.effect is Effect.ALLOW and not statement.not_principals and is_name_of_one(principal)
    )
    return replace(statement, principals=named, not_principals=False)


def _spares(statement: Statement) -> bool:
    """Whether a statement denies to all but those it names."""
    return statement.effect is Effect.DENY and statement.not_principals


def _for_bounded(statement: Statement) -> Statement:
    """The statement for who has a permissions boundary: a Deny with a NotPrincipal spares none of them (IAM user
    guide, "Permissions boundaries")."""
    return replace(statement, principals=None, not_principals=False) if _spares(statement) else statement


_NOBODYS = compile_statements((), {})
EMPTY = PolicySet(_NOBODYS, (), evaluate_named=None, evaluate_bounded=None, keys=frozenset())
"""The set without policies."""


def decide(
    request: Request,
    *,
    iam: PolicySet,
    identity: PolicySet,
    session: PolicySet | None = None,
    boundary: PolicySet | None = None,
) -> Decision:
    """Decide a request on the requester's IAM policies and the policies of the identity.

    `session` are the policies that a session was opened under, `boundary` the permissions boundary of the user or
    role; None is no limit. Never raises for what a policy or request says; what is not understood never helps to
    allow.
    """
    requester = request.requester
    kind, arn, account = requester.kind, requester.arn, requester.account_id
    if kind == "service":
        account = ""
    elif kind == "root":
        arn = ""
    foreign = account != request.resource_account
    action, context = request.action.lower(), fold_context(request.context)
    resource, role, user_id = request.resource, requester.entity_arn, _unique_id(requester)
    allowing_account = account if foreign else ""

    asked = identity.evaluate if boundary is None else identity.evaluate_bounded or identity.evaluate
    theirs = asked(action, resource, context, arn, role, user_id, account, allowing_account)
    if theirs < NOTHING:
        return Decision(Outcome.EXPLICIT_DENY, (identity.refs[-2 - theirs],))
    own = iam.evaluate(action, resource, context, arn, role, user_id, account, allowing_account)
    if own < NOTHING:
        return Decision(Outcome.EXPLICIT_DENY, (iam.refs[-2 - own],))
    limits: tuple[StatementRef, ...] = _NO_CAUSE
    if boundary is not None or session is not None:
        asked_of = action, resource, context, arn, role, user_id, account, allowing_account
        within, limits = _within((boundary, session), asked_of)
        if within is Outcome.EXPLICIT_DENY:
            return Decision(within, limits)
        if within is Outcome.IMPLICIT_DENY:
            own = theirs = NOTHING
            kind = "user" if kind == "root" else kind
            if identity.evaluate_named is not None:
                theirs = identity.evaluate_named(
                    action, resource, context, arn, None, requester.user_id, account, allowing_account
                )

    by_identity = (identity.refs[theirs],) if theirs >= 0 else _NO_CAUSE
    by_iam = (iam.refs[own],) if own >= 0 else _NO_CAUSE
    if kind == "service":
        allowed = bool(by_identity)
    elif foreign:
        allowed = bool(by_identity) and (bool(by_iam) or kind == "root")
    else:
        allowed = bool(by_identity) or bool(by_iam) or kind == "root"
    return Decision(Outcome.ALLOW, by_identity + by_iam + limits) if allowed else _IMPLICIT_DENY


def _unique_id(requester: Requester) -> str:
    """The unique id as compiled policies look at it: of a session it begins with that of its role or user."""
    return f"{requester.issuer_id}:" if requester.kind == "federated" else requester.user_id


def _within(
    limits: Sequence[PolicySet | None], asked: tuple[str, str, Context, str, str | None, str, str, str]
) -> tuple[Outcome, tuple[StatementRef, ...]]:
    """What the limits of a requester come to, each of which must allow, and the statements that say so."""
    allowing: tuple[StatementRef, ...] = _NO_CAUSE
    outcome = Outcome.ALLOW
    for policies in limits:
        if policies is None:
            continue
        found = policies.evaluate(*asked)
        if found < NOTHING:
            return Outcome.EXPLICIT_DENY, (policies.refs[-2 - found],)
        if found == NOTHING:
            outcome = Outcome.IMPLICIT_DENY
        else:
            allowing += (policies.refs[found],)
    return outcome, allowing if outcome is Outcome.ALLOW else _NO_CAUSE


def decide_trust(
    request: Request,
    *,
    iam: PolicySet,
    trust: PolicySet,
    session: PolicySet | None = None,
    boundary: PolicySet | None = None,
) -> Outcome:
    """Decide whether a requester may assume the role that `trust` is the trust policy of.

    The trust policy must always allow. When it names the requester of the role's own account, that is
    enough; when it names an account, the requester's IAM policies must allow too, in the bounds of its
    permissions boundary, which limits no user that is named itself. Nobody's root may, and no federated user.
    """
    requester = request.requester
    if requester.kind in ("root", "federated"):
        return Outcome.IMPLICIT_DENY
    account = "" if requester.kind == "service" else requester.account_id
    action, context = request.action.lower(), fold_context(request.context)

    def ask(evaluate: Evaluator, allowing_account: str, role: str | None = requester.role_arn) -> int:
        return evaluate(
            action,
            request.resource,
            context,
            requester.arn,
            role,
            requester.user_id,
            account,
            allowing_account,
        )

    asked = trust.evaluate if boundary is None else trust.evaluate_bounded or trust.evaluate
    trusted, own = ask(asked, account), ask(iam.evaluate, account)
    within = 0 if session is None else ask(session.evaluate, account)
    under = 0 if boundary is None else ask(boundary.evaluate, account)
    if min(trusted, own, within, under) < NOTHING:
        return Outcome.EXPLICIT_DENY
    by_name = trust.evaluate
    if under == NOTHING:
        own, by_name = NOTHING, trust.evaluate_named or EMPTY.evaluate
    if requester.kind == "service":
        allowed = trusted >= 0
    elif account == request.resource_account and within >= 0:
        role = None if under == NOTHING else requester.role_arn
        allowed = ask(by_name, "", role) >= 0 or (trusted >= 0 and own >= 0)
    else:
        allowed = trusted >= 0 and own >= 0 and within >= 0
    return Outcome.ALLOW if allowed else Outcome.IMPLICIT_DENY
