"""How sets of policies stand to each other, against counting: over small universes none of the requests contradicts.

Pairs are a random set and an edit of it, or two that have nothing to do with each other.
"""

import json
import operator
import os
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import pytest

from sesame.policy import (
    EMPTY,
    Outcome,
    Request,
    Verdict,
    compile_policies,
    decide,
    parse_stored_identity_policy,
)
from sesame.policy.analysis.relations import (
    Relation,
    always_allows,
    disjoint,
    equivalent,
    implies,
    never_allows,
)
from sesame.policy.engine.decide import PolicySet
from tests.policy import universe
from tests.policy.test_analysis_brute_force import EVERYTHING
from tests.policy.universe import IDENTITY, OWNER, Named

PAIRS = int(os.environ.get("SESAME_RELATION_PAIRS", "60"))
MOST_REQUESTS = 40
"""Of each requester, evenly taken from its universe."""


def edit(random: Random, named: Named) -> Named:
    """One statement less, or one of another set in its place or beside it, or a Deny turned into an Allow."""
    name, policy = random.choice(named)
    written = json.loads(policy.text)
    statements = written["Statement"]
    at = random.randrange(len(statements))
    others = json.loads(universe.random_policies(random)[0][1].text)["Statement"]
    match random.randrange(4):
        case 0 if len(statements) > 1:
            del statements[at]
        case 1:
            statements[at] = others[0]
        case 2:
            statements[at]["Effect"] = "Deny" if statements[at]["Effect"] == "Allow" else "Allow"
        case _:
            statements.append(others[-1])
    changed = parse_stored_identity_policy(json.dumps(written))
    return [(other, changed if other == name else kept) for other, kept in named]


def is_allowed(request: Request, compiled: PolicySet) -> bool:
    """By identity policies, for a requester whose own account allows all."""
    iam = EMPTY if request.requester.account_id == OWNER else EVERYTHING
    return decide(request, iam=iam, identity=compiled).outcome is Outcome.ALLOW


Breaks = Callable[[bool, bool], bool]


@dataclass(frozen=True)
class Pair:
    """Two sets of policies, and what each says of every request of the universe."""

    here: PolicySet
    there: PolicySet
    requests: list[tuple[Request, bool, bool]]
    texts: list[str]

    def hold(self, relation: Relation, breaks: Breaks) -> Verdict:
        """Nothing of the universe breaks it where it holds, and what is shown does where it does not."""
        if relation.verdict is Verdict.YES:
            broken = [request for request, a, b in self.requests if breaks(a, b)]
            assert not broken, (broken[0], self.texts)
        for answer in relation.against:
            if answer.verdict is Verdict.YES:
                assert answer.witness is not None
                found = is_allowed(answer.witness, self.here), is_allowed(answer.witness, self.there)
                assert breaks(*found), (answer.witness, self.texts)
                assert not universe.contradiction(answer.witness), (answer.witness, self.texts)
        return relation.verdict


@pytest.mark.parametrize("part", range(2))
def test_no_request_of_a_small_universe_contradicts_a_relation(part: int) -> None:
    """A relation that holds has no exception, and one that does not shows requests that are."""
    random = Random(f"relations {part}")
    seen = dict.fromkeys(Verdict, 0)
    for _ in range(PAIRS // 2):
        one = universe.random_policies(random)
        other = edit(random, one) if random.random() < 0.7 else universe.random_policies(random)
        here, there = (compile_policies(named, kind="identity") for named in (one, other))
        asked = universe.keys_asked([*one, *other])
        requests = [
            (request, is_allowed(request, here), is_allowed(request, there))
            for requester in universe.REQUESTERS
            for request in universe.requests_of(
                requester, asked, ("ses:SendEmail", "ses:SendRawEmail"), most=MOST_REQUESTS
            )
        ]
        pair = Pair(here, there, requests, [policy.text for _, policy in (*one, *other)])
        held: tuple[tuple[Relation, Breaks], ...] = (
            (implies(one, other, identity_arn=IDENTITY), lambda a, b: a and not b),
            (equivalent(one, other, identity_arn=IDENTITY), operator.ne),
            (disjoint(one, other, identity_arn=IDENTITY), operator.and_),
            (never_allows(one, identity_arn=IDENTITY), lambda a, _: a),
            (always_allows(one, identity_arn=IDENTITY), lambda a, _: not a),
        )
        for relation, breaks in held:
            seen[pair.hold(relation, breaks)] += 1
    assert min(seen[Verdict.YES], seen[Verdict.NO]) > 10
    assert seen[Verdict.UNKNOWN] <= 0.15 * sum(seen.values())
