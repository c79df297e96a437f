"""All lines of one refusal agree: the sentence and the first cause are of one side, and name the same statements."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest

from sesame.policy import (
    Explanation,
    Outcome,
    explain,
    owner_view,
    parse_stored_iam_policy,
    parse_stored_identity_policy,
    sender_view,
)
from sesame.policy.reasons.cause import Code, Reader
from sesame.policy.reasons.gaps import policy_causes
from tests.policy.mended_world import ALL, ARN, NOW, SESSION, World, asked, text
from tests.policy.test_narrow_mends import drawn

STATEMENT = re.compile(
    r"(?:IAM |session )?policy `[^`]*`(?: of the group `[^`]*`)?, statement (?:`[^`]*`|[0-9]+)"
)


def within(world: World, session: str | None) -> Explanation:
    """A world's request, by a session under this policy."""
    return explain(
        world.request,
        iam=[(name, parse_stored_iam_policy(one)) for name, one in world.iam.items()],
        identity=[(name, parse_stored_identity_policy(one)) for name, one in world.identity.items()],
        session=None if session is None else [("Policy 1", parse_stored_iam_policy(session))],
    )


def drawn_refusal(random: Random) -> Explanation:
    world = drawn(random)
    session = None
    if random.random() < 0.4:
        limits = drawn(random).iam
        session = next(iter(limits.values()), None)
        world = replace(world, request=asked(SESSION, world.request.action, ARN))
        if random.random() < 0.5:
            world = replace(world, iam={"own": text(ALL)}, identity={"p": text(ALL | {"Principal": "*"})})
    return within(world, session)


@pytest.mark.parametrize("seed", range(24))
def test_the_sentence_names_the_statements_of_the_first_cause(seed: int) -> None:
    """To each reader; where both name statements. What a sentence blames, a cause says too."""
    random = Random(seed)
    for _ in range(40):
        explanation = drawn_refusal(random)
        if explanation.outcome is Outcome.ALLOW:
            continue
        requester = explanation.request.requester
        is_foreign = requester.account_id != explanation.request.resource_account
        said = {Reader.OPERATOR: explanation.sentence}
        if is_foreign:
            said[Reader.SENDER] = sender_view(explanation).sentence
            said[Reader.OWNER] = owner_view(explanation).sentence
        for reader, sentence in said.items():
            causes = policy_causes(explanation, reader)
            assert causes, sentence
            named, told = set(STATEMENT.findall(sentence)), set(STATEMENT.findall(causes[0].text))
            assert not (named and told) or named <= told, f"{reader}\n{sentence}\n{causes[0].line()}"


WITHIN: Mapping[str, Any] = {"Effect": "Allow", "Action": "ses:SendEmail", "Resource": ARN}


@pytest.mark.parametrize("has_iam", [True, False])
@pytest.mark.parametrize("is_within", [True, False])
def test_the_sender_reads_whether_its_iam_policies_or_those_of_its_session_refuse(
    has_iam: bool, is_within: bool
) -> None:
    world = World(
        request=asked(SESSION, "ses:SendEmail", ARN),
        identity={"p": text({**WITHIN, "Principal": {"AWS": SESSION.account_id}})},
        iam={"own": text(ALL)} if has_iam else {},
    )
    explanation = within(world, text({**WITHIN, "Resource": ARN if is_within else f"{ARN}x"}))
    causes, sentence = policy_causes(explanation, Reader.SENDER), sender_view(explanation).sentence
    if has_iam and is_within:
        assert causes == ()
    elif has_iam:
        assert causes[0].code is Code.SESSION_POLICY
        assert sentence == "denied: the policies that the session was opened under do not allow it"
    else:
        assert causes[0].code is Code.ACCOUNT_ONLY
        assert sentence == "denied: the IAM policies of the sender do not allow it"
        assert [cause.code for cause in causes[1:]] == [] if is_within else [Code.SESSION_POLICY]


@pytest.mark.parametrize("conditions", [1, 2])
def test_what_the_sender_does_about_one_of_two_conditions_is_not_offered_alone(conditions: int) -> None:
    asks = {"StringEquals": {"ses:FromAddress": "jobs@shop.test"}}
    asks |= {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}} if conditions == 2 else {}
    lent = {**WITHIN, "Principal": {"AWS": SESSION.account_id}, "Condition": asks}
    world = World(
        request=asked(SESSION, "ses:SendEmail", ARN), identity={"p": text(lent)}, iam={"own": text(ALL)}
    )
    mend = policy_causes(within(world, None), Reader.OWNER)[0].mend.text
    assert ("the sender sends as `jobs@shop.test`" in mend) == (conditions == 1), mend


@pytest.mark.parametrize(("until_s", "begins"), [(-60, True), (60, True), (7_200, False)])
def test_a_session_that_was_revoked_a_moment_ahead_is_begun_anew(until_s: int, begins: bool) -> None:
    """As IAM writes it by a clock that is ahead; what is revoked for hours is meant."""
    world = World(
        request=asked(SESSION, "ses:SendEmail", ARN, **{"aws:TokenIssueTime": "2026-11-29T18:00:00Z"}),
        identity={"p": text({**WITHIN, "Principal": {"AWS": SESSION.account_id}})},
    )
    until = datetime.fromtimestamp(int(NOW) + until_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    older = {"Effect": "Deny", "Action": "*", "Resource": "*"}
    older["Condition"] = {"DateLessThan": {"aws:TokenIssueTime": until}}  # type: ignore[assignment]
    world = replace(world, iam={"own": text(ALL, older)})
    mend = policy_causes(within(world, None), Reader.SENDER)[0].mend
    assert (mend.how.value == "new-key") == begins, mend.text
