"""How sets of policies stand to each other, each answer with its witness; the deadline."""

from collections.abc import Callable
from itertools import count

import pytest

from sesame.policy import Verdict, who_can_send
from sesame.policy.analysis.answers import describe_needs
from sesame.policy.analysis.questions import compare, iter_who_can_send
from sesame.policy.analysis.relations import always_allows, disjoint, equivalent, implies, never_allows
from tests.policy.test_analysis import DENY, IDENTITY, USER_OF_DELEGATE, Named, condition, policies

NEWS = policies(condition("StringLike", "ses:FromAddress", "news-*@example.com"))
WIDER = policies(condition("StringLike", "ses:FromAddress", "news*@example.com"))
OTHERS = policies(condition("StringLike", "ses:FromAddress", "ceo*@example.com"))
NOBODY = policies({}, DENY)
EVERYBODY = policies({"Principal": "*", "Action": "ses:*"})


@pytest.mark.parametrize(
    ("holds", "named", "verdict"),
    [
        (never_allows, NOBODY, Verdict.YES),
        (never_allows, NEWS, Verdict.NO),
        (always_allows, EVERYBODY, Verdict.YES),
        (always_allows, NEWS, Verdict.NO),
    ],
)
def test_what_a_policy_never_and_always_allows(
    holds: Callable[..., object], named: Named, verdict: Verdict
) -> None:
    found = never_allows(named, identity_arn=IDENTITY)
    if holds is always_allows:
        found = always_allows(named, identity_arn=IDENTITY)
    assert found.verdict is verdict
    assert bool(found.against) is (verdict is Verdict.NO)
    assert all(answer.witness is not None for answer in found.against)


def test_one_policy_implies_another_and_a_request_shows_when_not() -> None:
    assert implies(NEWS, WIDER, identity_arn=IDENTITY).verdict is Verdict.YES
    found = implies(WIDER, NEWS, identity_arn=IDENTITY)
    assert found.verdict is Verdict.NO
    assert found.against[0].witness is not None
    assert not str(found.against[0].witness.context["ses:FromAddress"]).startswith("news-")


def test_equivalent_and_disjoint_are_both_ways() -> None:
    assert (
        equivalent(
            NEWS,
            policies(*[condition("StringLike", "ses:FromAddress", "news-*@example.com")] * 2),
            identity_arn=IDENTITY,
        ).verdict
        is Verdict.YES
    )
    twice = policies(*[condition("StringLike", "ses:FromAddress", "news-*@example.com")] * 2)
    assert equivalent(NEWS, twice, identity_arn=IDENTITY).verdict is Verdict.YES
    found = disjoint(NEWS, WIDER, identity_arn=IDENTITY)
    assert found.verdict is Verdict.NO
    assert found.against[0].witness is not None
    assert str(found.against[0].witness.context["ses:FromAddress"]).startswith("news-")


def test_work_stops_at_the_deadline_and_says_how_much_was_asked() -> None:
    all_steps = count()
    who_can_send(NEWS, identity_arn=IDENTITY, is_late=lambda: next(all_steps) < 0)
    half, steps = next(all_steps) // 2, count()
    answers = who_can_send(NEWS, identity_arn=IDENTITY, is_late=lambda: next(steps) > half)
    assert 0 < sum(answer.is_asked for answer in answers) < len(answers)
    late = [answer for answer in answers if not answer.is_asked]
    assert {answer.verdict for answer in late} == {Verdict.UNKNOWN}
    assert {answer.reason for answer in late} == {"not asked: the time was up"}
    comparison = compare(NEWS, WIDER, identity_arn=IDENTITY, is_late=lambda: True)
    assert comparison.asked == 0
    assert comparison.of > 0
    assert comparison.verdict is Verdict.UNKNOWN


def test_the_first_answer_does_not_wait_for_the_others() -> None:
    asked: list[int] = []

    def is_late() -> bool:
        asked.append(1)
        return False

    next(iter_who_can_send(EVERYBODY, identity_arn=IDENTITY, is_late=is_late))
    first = len(asked)
    who_can_send(EVERYBODY, identity_arn=IDENTITY, is_late=is_late)
    assert len(asked) - first > first


def test_a_yes_names_what_it_needs() -> None:
    named = policies(
        {
            "Condition": {
                "StringLike": {"ses:FromAddress": "news-*@example.com"},
                "IpAddress": {"aws:SourceIp": "10.0.0.0/8"},
            }
        },
        {**DENY, **condition("StringLike", "ses:FromAddress", "news-9*")},
        {**DENY, **condition("StringLike", "ses:FromAddress", "ceo@*")},
    )
    [user] = [a for a in who_can_send(named, identity_arn=IDENTITY) if a.who == USER_OF_DELEGATE]
    assert [need.key for need in user.needs] == ["ses:FromAddress", "aws:SourceIp"]
    assert describe_needs(user.needs)[0] == "ses:FromAddress like `news-*@example.com`"
    assert [describe_needs(deny) for deny in user.unless] == [("ses:FromAddress like `news-9*`",)]
