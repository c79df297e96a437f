"""The decision: compiled policy sets and the account model that joins their answers.

`decide` is all there is to authorization at run time. Same account: the union of both sides, any
Deny wins; an account's root needs no Allow. Across accounts both sides must allow; the foreign root
needs no IAM policy. A service needs the identity's policies alone. Sources: IAM user guide "policy
evaluation logic" and "cross-account"; SES developer guide "sending authorization".
"""

from collections.abc import Mapping, Sequence

from sesame.policy.engine.codegen import NOTHING, Evaluator, compile_statements
from sesame.policy.engine.runtime import fold_context
from sesame.policy.language.document import Policy
from sesame.policy.request import Decision, Outcome, PolicyKind, Request, StatementRef


class PolicySet:
    """Policies that were compiled together; safe to share and to keep. Made by `compile_policies`."""

    __slots__ = ("evaluate", "refs")

    def __init__(self, evaluate: Evaluator, refs: tuple[StatementRef, ...]) -> None:
        self.evaluate = evaluate
        self.refs = refs

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
    return PolicySet(compile_statements([policy for _, policy in policies], principal_ids), refs)


EMPTY = PolicySet(compile_statements((), {}), ())
"""The set without policies."""


def decide(request: Request, *, iam: PolicySet, identity: PolicySet) -> Decision:
    """Decide a request on the requester's IAM policies and the policies of the identity.

    Never raises for what a policy or request says; what is not understood never helps to allow.
    """
    requester = request.requester
    kind, arn, account = requester.kind, requester.arn, requester.account_id
    if kind == "service":
        account = ""
    elif kind == "root":
        arn = ""
    foreign = account != request.resource_account
    action, context = request.action.lower(), fold_context(request.context)
    resource, role, user_id = request.resource, requester.role_arn, requester.user_id
    allowing_account = account if foreign else ""

    theirs = identity.evaluate(action, resource, context, arn, role, user_id, account, allowing_account)
    if theirs < NOTHING:
        return Decision(Outcome.EXPLICIT_DENY, (identity.refs[-2 - theirs],))
    own = iam.evaluate(action, resource, context, arn, role, user_id, account, allowing_account)
    if own < NOTHING:
        return Decision(Outcome.EXPLICIT_DENY, (iam.refs[-2 - own],))

    by_identity = (identity.refs[theirs],) if theirs >= 0 else _NO_CAUSE
    by_iam = (iam.refs[own],) if own >= 0 else _NO_CAUSE
    if kind == "service":
        allowed = bool(by_identity)
    elif foreign:
        allowed = bool(by_identity) and (bool(by_iam) or kind == "root")
    else:
        allowed = bool(by_identity) or bool(by_iam) or kind == "root"
    return Decision(Outcome.ALLOW, by_identity + by_iam) if allowed else _IMPLICIT_DENY
