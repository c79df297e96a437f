"""The exact analysis against cvc5, where cvc5 is installed: a sound solver agrees on every question.

Run more with SESAME_ORACLE_PAIRS=10000.

The oracle stays independent of what it judges: these policies need no solver (an UNKNOWN fails the test, so no
answer here comes from `analysis.prover`), and the formulas are those of `tests.policy.smt`, written apart from
`analysis.formulas` and sharing only the readers of single values with it and with the box method.
"""

import os
from random import Random
from typing import Any

import pytest

from sesame.policy import Verdict, compare
from sesame.policy.analysis.principals import Candidate, candidates
from sesame.policy.analysis.questions import Method
from sesame.policy.language.document import Effect
from sesame.policy.language.vocabulary import SENDING_ACTIONS
from sesame.policy.reasons.derivation import Grant
from sesame.policy.reasons.evaluator import find_grant, fits_action, fits_resource
from sesame.policy.request import Request
from tests.policy import smt
from tests.policy.test_analysis import IDENTITY, OWNER, Named, policies, random_statement

PAIRS = int(os.environ.get("SESAME_ORACLE_PAIRS", "60"))
cvc5: Any = pytest.importorskip("cvc5")


def fitting(candidate: Candidate, action: str, named: Named) -> list[smt.Placed]:
    """The statements whose principal, action and resource fit."""
    request = Request(
        requester=candidate.requester, action=action, resource=IDENTITY, resource_account=OWNER, context={}
    )
    found: list[smt.Placed] = []
    for _, policy in named:
        for statement in policy.statements:
            grant = find_grant(statement, request, {})
            useless = grant is Grant.ACCOUNT and candidate.is_own and statement.effect is Effect.ALLOW
            fits = fits_action(statement, request) and fits_resource(policy, statement, request)
            if grant is not None and not useless and fits:
                found.append((policy, statement))
    return found


def is_satisfiable(text: str) -> bool | None:
    """What cvc5 says; None when it gives up after a second."""
    solver = cvc5.Solver()
    solver.setOption("strings-exp", "true")
    solver.setOption("tlimit-per", "1000")
    parser = cvc5.InputParser(solver)
    parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, text, "question")
    symbols, answer = parser.getSymbolManager(), ""
    while not (command := parser.nextCommand()).isNull():
        answer = str(command.invoke(solver, symbols)).strip() or answer
    return {"sat": True, "unsat": False}.get(answer)


def test_cvc5_agrees_with_every_comparison() -> None:
    random = Random(5)
    counts = {True: 0, False: 0, None: 0}
    for _ in range(PAIRS):
        old = policies(*(random_statement(random) for _ in range(random.randint(1, 3))))
        new = policies(*(random_statement(random) for _ in range(random.randint(1, 3))))
        candidate = random.choice(candidates([*old, *new], identity_arn=IDENTITY, principal_ids={}))
        comparison = compare(old, new, identity_arn=IDENTITY, actions=SENDING_ACTIONS)
        gained = {answer.who: answer.verdict for answer in comparison.gained}
        assert Verdict.UNKNOWN not in gained.values()
        assert all(answer.method is Method.EXACT for answer in (*comparison.gained, *comparison.lost))
        questions = {
            smt.difference(fitting(candidate, action, new), fitting(candidate, action, old))
            for action in ("ses:SendEmail", "ses:SendRawEmail")
        }
        answers = {is_satisfiable(question) for question in questions}
        expected = True if True in answers else None if None in answers else False
        if expected is not None:
            assert (candidate.label in gained) is expected, (candidate, old[0][1].text, new[0][1].text)
        counts[expected] += 1
    assert min(counts[True], counts[False]) > PAIRS / 20
    assert counts[None] < PAIRS / 10
