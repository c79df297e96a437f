"""The policy language: parse, check, compile, decide, explain, analyse. Pure; usable as a library.

`parse_identity_policy` is the check made when a sending-authorization policy is stored, `compile_policies`
and `decide` are the way of every send, `explain` says why, `who_can_send` and `compare` answer exactly.
docs/policy/library.md shows each. Inside: `language` (text to document), `engine` (compiler and decision),
`reasons` (explaining evaluator, views, simulator), `analysis` (exact questions), `findings` (check), `writing` (from
answers to a policy and back), `cases`.
"""

from sesame.policy.analysis.questions import (
    Answer,
    Comparison,
    Permission,
    Verdict,
    can_send,
    compare,
    who_can_send,
)
from sesame.policy.engine.decide import EMPTY, PolicySet, compile_policies, decide, decide_trust
from sesame.policy.findings.catalogue import Code, Finding, Severity
from sesame.policy.findings.check import check_iam_policy, check_identity_policy, check_trust_policy
from sesame.policy.language.document import (
    Policy,
    parse_stored_iam_policy,
    parse_stored_identity_policy,
    with_normal_resources,
)
from sesame.policy.language.iam_put import parse_iam_policy
from sesame.policy.language.put import parse_identity_policy
from sesame.policy.language.source import PolicyError
from sesame.policy.language.trust import parse_stored_trust_policy, parse_trust_policy
from sesame.policy.reasons.derivation import ConditionStep, ElementStep, Explanation, StatementStep
from sesame.policy.reasons.evaluator import explain
from sesame.policy.reasons.simulate import MatchedStatement, Simulation, simulate
from sesame.policy.reasons.views import OwnerView, SenderView, owner_view, sender_view
from sesame.policy.request import Decision, Outcome, Request, Requester, StatementRef
from sesame.policy.writing.answers import AnswerError, Answers, Way
from sesame.policy.writing.generate import Draft, Reason, generate
from sesame.policy.writing.read_back import read_all_answers, read_answers
from sesame.policy.writing.say import say_edit, say_policy

__all__ = [
    "EMPTY",
    "Answer",
    "AnswerError",
    "Answers",
    "Code",
    "Comparison",
    "ConditionStep",
    "Decision",
    "Draft",
    "ElementStep",
    "Explanation",
    "Finding",
    "MatchedStatement",
    "Outcome",
    "OwnerView",
    "Permission",
    "Policy",
    "PolicyError",
    "PolicySet",
    "Reason",
    "Request",
    "Requester",
    "SenderView",
    "Severity",
    "Simulation",
    "StatementRef",
    "StatementStep",
    "Verdict",
    "Way",
    "can_send",
    "check_iam_policy",
    "check_identity_policy",
    "check_trust_policy",
    "compare",
    "compile_policies",
    "decide",
    "decide_trust",
    "explain",
    "generate",
    "owner_view",
    "parse_iam_policy",
    "parse_identity_policy",
    "parse_stored_iam_policy",
    "parse_stored_identity_policy",
    "parse_stored_trust_policy",
    "parse_trust_policy",
    "read_all_answers",
    "read_answers",
    "say_edit",
    "say_policy",
    "sender_view",
    "simulate",
    "who_can_send",
    "with_normal_resources",
]
