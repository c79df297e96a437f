"""Policies made to be slow are not: twenty full ones against the longest recipient list."""

import contextlib
import json
import time
from collections.abc import Callable

import pytest

from sesame.policy import (
    EMPTY,
    Policy,
    PolicyError,
    Request,
    compile_policies,
    decide,
    explain,
    parse_iam_policy,
    parse_identity_policy,
    parse_stored_identity_policy,
)
from sesame.policy.analysis.strings import Atom, Budget, BudgetExhausted, find_text
from sesame.policy.cases import read_requester
from sesame.policy.language.pattern import tokenize

IDENTITY = "arn:aws:ses:us-east-1:111111111111:identity/example.com"
LIMIT_S = 3.0
"""A fraction of a second on an idle machine; naive matching takes half a minute."""


@pytest.mark.parametrize(
    "text",
    [
        "[" * 2000 + "]" * 2000,
        '{"Version": ' + '{"a":' * 600 + "1" + "}" * 601,
        "{" + ",".join(['"a": 1'] * 500) + "}",
        '{"Version": ' + "9" * 4000 + "}",
        '{"Version": NaN}',
        '{"Version": "\udcff\udcfe"}',
        json.dumps({"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}] * 100_000}),
    ],
    ids=["lists", "objects", "same key", "long number", "NaN", "no UTF-8", "100,000 statements"],
)
def test_documents_made_to_be_slow_are_refused_at_once(text: str) -> None:
    started = time.thread_time()
    for parse in (
        parse_iam_policy,
        parse_stored_identity_policy,
        lambda given: parse_identity_policy(given, identity_arn=IDENTITY),
    ):
        with pytest.raises(PolicyError):
            parse(text)
    assert time.thread_time() - started < LIMIT_S


def test_a_pattern_of_many_different_characters_is_analysed_in_time() -> None:
    """What a character may do is looked up once a position, not once a position and character."""
    pattern = Atom(tokenize("*" + "".join(map(chr, range(0x4E00, 0x4E00 + 3000))), variables=False))
    started = time.thread_time()
    with contextlib.suppress(BudgetExhausted):
        find_text([[pattern]], [pattern], Budget(1000))
    assert time.thread_time() - started < LIMIT_S


def full_policy(make: Callable[[int], str]) -> Policy:
    """A policy of as many patterns as SES stores."""
    values: list[str] = []
    text = ""
    while True:
        values.append(make(len(values)))
        condition = {"ForAllValues:StringLike": {"ses:Recipients": values}}
        statement = {"Effect": "Allow", "Principal": "*", "Action": "ses:Send*", "Resource": IDENTITY}
        longer = json.dumps({"Version": "2012-10-17", "Statement": {**statement, "Condition": condition}})
        if len(longer) > 4096:
            return parse_identity_policy(text, identity_arn=IDENTITY)
        text = longer


@pytest.mark.parametrize(
    "make",
    [
        lambda policy: lambda number: f"*a?{policy}{number}*",
        lambda policy: lambda number: f"a*a*a*a*b{policy}{number}",
        lambda policy: lambda number: f"*${{aws:username}}?{policy}{number}",
    ],
    ids=["question marks", "stars", "variables"],
)
def test_full_policies_of_wildcards_are_decided_and_explained_in_time(
    make: Callable[[int], Callable[[int], str]],
) -> None:
    policies = [(f"P{number}", full_policy(make(number))) for number in range(20)]
    compiled = compile_policies(policies, kind="identity")
    request = Request(
        requester=read_requester("222222222222"),
        action="ses:SendEmail",
        resource=IDENTITY,
        resource_account="111111111111",
        context={
            "ses:Recipients": tuple("a" * 290 + f"{number}@example.org" for number in range(50)),
            "aws:username": "aaaa",
        },
    )
    started = time.thread_time()
    decision = decide(request, iam=EMPTY, identity=compiled)
    explanation = explain(request, iam=(), identity=policies)
    assert time.thread_time() - started < LIMIT_S
    assert decision.outcome is explanation.outcome
