"""The compiler and the explaining evaluator are two readings of one specification: they agree."""

from random import Random

import pytest

from sesame.policy import (
    compile_policies,
    decide,
    explain,
    parse_stored_iam_policy,
    parse_stored_identity_policy,
)
from sesame.policy.engine.decide import join_sets
from sesame.policy.reasons.evaluator import judge
from tests.policy.random_policies import random_ids, random_policy, random_request

PAIRS_PER_POLICY = 20
POLICIES = 250


@pytest.mark.parametrize("seed", range(4))
def test_compiled_and_explained_decisions_agree_on_random_policies(seed: int) -> None:
    """Outcome equal; what the compiled decision names is among what the explanation names."""
    random = Random(seed)
    outcomes = set()
    for _ in range(POLICIES):
        identity = [
            (f"p{n}", parse_stored_identity_policy(random_policy(random, with_principal=True)))
            for n in range(random.choice((0, 1, 1, 2)))
        ]
        iam = [
            (f"i{n}", parse_stored_iam_policy(random_policy(random, with_principal=False)))
            for n in range(random.choice((0, 1, 1, 2)))
        ]
        ids = random_ids(random)
        compiled_identity = compile_policies(identity, kind="identity", principal_ids=ids)
        compiled_iam = compile_policies(iam, kind="iam")
        session = None
        if random.random() < 0.3:
            session = [
                (f"s{n}", parse_stored_iam_policy(random_policy(random, with_principal=False)))
                for n in range(random.choice((0, 1, 2)))
            ]
        boundary = None
        if random.random() < 0.4:
            boundary = [("b", parse_stored_iam_policy(random_policy(random, with_principal=False)))]
        compiled_boundary = None if boundary is None else compile_policies(boundary, kind="boundary")
        compiled_session = None if session is None else compile_policies(session, kind="session")
        for _ in range(PAIRS_PER_POLICY):
            request = random_request(random)
            decision = decide(
                request,
                iam=compiled_iam,
                identity=compiled_identity,
                session=compiled_session,
                boundary=compiled_boundary,
            )
            explanation = explain(
                request, iam=iam, identity=identity, principal_ids=ids, session=session, boundary=boundary
            )
            all_of_them = (*identity, *iam, *(session or ()), *(boundary or ()))
            case = (request, [policy.text for _, policy in all_of_them], ids)
            assert decision.outcome is explanation.outcome, case
            assert set(decision.deciding) <= set(explanation.deciding), case
            assert explanation.sentence.startswith(("allowed", "denied")), case
            if session is None and boundary is None:
                judged = judge(request, iam=iam, identity=identity, principal_ids=ids)
                assert (judged.outcome, judged.deciding) == (explanation.outcome, explanation.deciding), case
            outcomes.add(decision.outcome)
    assert len(outcomes) == 3


def test_sets_that_are_joined_decide_as_if_compiled_together() -> None:
    """The outcome of all policies in one set, whichever of them are in which part; the statement named is one of
    those that decide there."""
    random = Random(7)
    outcomes = set()
    for _ in range(POLICIES):
        named = [
            (f"p{n}", parse_stored_identity_policy(random_policy(random, with_principal=True)))
            for n in range(random.choice((1, 2, 3)))
        ]
        session = [("s", parse_stored_iam_policy(random_policy(random, with_principal=False)))]
        ids = random_ids(random)
        at = random.randrange(len(named) + 1)
        one, other, whole = (
            compile_policies(some, kind="identity", principal_ids=ids)
            for some in (named[:at], named[at:], named)
        )
        joined = join_sets(one, other)
        iam = compile_policies([], kind="iam")
        limit = compile_policies(session, kind="session")
        bound = compile_policies(session, kind="boundary")
        for limits, bounds in ((None, None), (limit, None), (None, bound)):
            for _ in range(PAIRS_PER_POLICY):
                request = random_request(random)
                expected = decide(request, iam=iam, identity=whole, session=limits, boundary=bounds)
                decision = decide(request, iam=iam, identity=joined, session=limits, boundary=bounds)
                assert decision.outcome is expected.outcome
                explained = explain(
                    request,
                    iam=[],
                    identity=named,
                    principal_ids=ids,
                    session=session if limits else None,
                    boundary=session if bounds else None,
                )
                assert set(decision.deciding) <= set(explained.deciding)
                outcomes.add(decision.outcome)
    assert len(outcomes) == 3
