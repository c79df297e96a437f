"""Policies made to be slow are not: twenty full ones against the longest recipient list."""

import json
import time
from collections.abc import Callable

import pytest

from sesame.policy import EMPTY, Policy, Request, compile_policies, decide, explain, parse_identity_policy
from sesame.policy.cases import read_requester

IDENTITY = "arn:aws:ses:us-east-1:111111111111:identity/example.com"
LIMIT_S = 3.0
"""A fraction of a second on an idle machine; naive matching takes half a minute."""


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
    started = time.perf_counter()
    decision = decide(request, iam=EMPTY, identity=compiled)
    explanation = explain(request, iam=(), identity=policies)
    assert time.perf_counter() - started < LIMIT_S
    assert decision.outcome is explanation.outcome
