"""The policy language: parse, compile, decide, explain. Pure; usable as a library.

`parse_identity_policy` is the check made when a sending-authorization policy is stored,
`compile_policies` and `decide` are the way of every send, `explain` says why. See docs/policy/.
"""

from sesame.policy.engine.decide import EMPTY, PolicySet, compile_policies, decide
from sesame.policy.language.document import (
    Policy,
    parse_iam_policy,
    parse_stored_iam_policy,
    parse_stored_identity_policy,
)
from sesame.policy.language.put import parse_identity_policy
from sesame.policy.language.source import PolicyError
from sesame.policy.reasons.derivation import ConditionStep, ElementStep, Explanation, StatementStep
from sesame.policy.reasons.evaluator import explain
from sesame.policy.request import Decision, Outcome, Request, Requester, StatementRef

__all__ = [
    "EMPTY",
    "ConditionStep",
    "Decision",
    "ElementStep",
    "Explanation",
    "Outcome",
    "Policy",
    "PolicyError",
    "PolicySet",
    "Request",
    "Requester",
    "StatementRef",
    "StatementStep",
    "compile_policies",
    "decide",
    "explain",
    "parse_iam_policy",
    "parse_identity_policy",
    "parse_stored_iam_policy",
    "parse_stored_identity_policy",
]
