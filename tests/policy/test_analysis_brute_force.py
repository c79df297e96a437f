"""The exact analysis against counting: over small universes every request is tried, none may contradict an answer."""

import sys
from collections.abc import Collection
from random import Random

import pytest

from sesame.policy import (
    EMPTY,
    Outcome,
    Requester,
    Verdict,
    compile_policies,
    decide,
    explain,
    parse_iam_policy,
    who_can_send,
)
from tests.policy import universe
from tests.policy.universe import IDENTITY, OWNER, Named

QUESTIONS = 520
"""Policies asked about; each is a question about every principal that it tells apart."""
_EVERYTHING = [("E", parse_iam_policy('{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}'))]
EVERYTHING = compile_policies(_EVERYTHING, kind="iam")


def label_of(requester: Requester, named: Named, labels: Collection[str]) -> str:
    """Under which name the analysis answers for a requester."""
    principals = {
        principal.value
        for _, policy in named
        for statement in policy.statements
        for principal in statement.principals or ()
    }
    account, kind = requester.account_id, requester.kind
    unique_id = "" if kind == "federated" else requester.user_id.split(":")[0]
    for name in (unique_id, requester.arn):
        if name in principals and kind != "root":
            return name
    for issuer in (requester.issuer_id, requester.issuer_arn):
        if issuer in principals:  # what nothing tells apart from its user has the user's answer
            label = f"a federated user of {issuer}"
            return label if label in labels else issuer
    if requester.role_arn in principals:
        return f"a session of {requester.role_arn}"
    if kind == "service":
        return "any other service"
    if account != OWNER and not any(account in name for name in principals):
        return "anybody in any other account"
    words = {
        "user": "any other user of",
        "role": "a session of any other role of",
        "root": "root of",
        "federated": "any other federated user of",
    }
    label = f"{words[kind]} {account}"
    return label if kind != "federated" or label in labels else f"any other user of {account}"


def ask(seed: int, count: int) -> dict[Verdict, int]:
    """Hold `count` random sets of policies against their universes; count the verdicts."""
    random = Random(seed)
    seen = dict.fromkeys(Verdict, 0)
    for _ in range(count):
        named = universe.random_policies(random)
        answers = {answer.who: answer for answer in who_can_send(named, identity_arn=IDENTITY)}
        compiled = compile_policies(named, kind="identity")
        for answer in answers.values():
            seen[answer.verdict] += 1
            assert (answer.verdict is Verdict.UNKNOWN) == bool(answer.reason)
            if answer.verdict is Verdict.YES:
                assert answer.witness is not None
                own = answer.witness.requester.account_id == OWNER
                again = explain(answer.witness, iam=[] if own else _EVERYTHING, identity=named)
                assert again.outcome is Outcome.ALLOW, (answer, [p.text for _, p in named])
                assert not universe.contradiction(answer.witness), [p.text for _, p in named]
        asked = universe.keys_asked(named)
        raw = any("SendRawEmail" in policy.text for _, policy in named)
        actions = ("ses:SendEmail", "ses:SendRawEmail") if raw else ("ses:SendEmail",)
        for requester in universe.REQUESTERS:
            who = answers.get(label_of(requester, named, answers))
            if who is not None and who.verdict is not Verdict.NO:
                continue
            own = requester.account_id == OWNER
            for request in universe.requests_of(requester, asked, actions, most=400):
                outcome = decide(request, iam=EMPTY if own else EVERYTHING, identity=compiled).outcome
                assert outcome is not Outcome.ALLOW, (request, [p.text for _, p in named])
    return seen


@pytest.mark.parametrize("part", range(4))
def test_no_request_of_a_small_universe_contradicts_an_answer(
    part: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the solver: nothing wrong, and at most 15 % not known."""
    monkeypatch.setitem(sys.modules, "cvc5", None)
    seen = ask(part, QUESTIONS // 4)
    assert seen[Verdict.UNKNOWN] <= 0.15 * sum(seen.values())
    assert min(seen[Verdict.YES], seen[Verdict.NO]) > 50


@pytest.mark.parametrize("part", range(4))
def test_no_request_of_a_small_universe_contradicts_the_solver(part: int) -> None:
    """With it: nothing wrong, and at most 5 % not known."""
    pytest.importorskip("cvc5")
    seen = ask(part, QUESTIONS // 4)
    assert seen[Verdict.UNKNOWN] <= 0.05 * sum(seen.values())
