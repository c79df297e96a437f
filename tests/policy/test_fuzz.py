"""Whatever is submitted: a policy or a PolicyError, and a decision for every request."""

import json
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sesame.policy import (
    Policy,
    PolicyError,
    check_identity_policy,
    compile_policies,
    decide,
    explain,
    parse_iam_policy,
    parse_identity_policy,
    parse_stored_iam_policy,
    parse_stored_identity_policy,
)
from tests.policy.random_policies import IDENTITY, random_policy, random_request

ODD_WORDS = ("", "\ud800", "\0", "${", IDENTITY)
PLAIN_WORDS = (
    "Version Statement Effect Allow Principal AWS * Action ses:Send* Resource Condition StringLike "
    "ses:FromAddress 2012-10-17 Id Sid Null"
)
WORDS = st.sampled_from((*PLAIN_WORDS.split(), *ODD_WORDS))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=6),
    max_leaves=20,
)


def read_every_way(text: str) -> list[Policy]:
    """The policies that the parsers make of it; none may raise anything but PolicyError."""
    found: list[Policy] = []
    for parse in (
        parse_iam_policy,
        parse_stored_iam_policy,
        parse_stored_identity_policy,
        lambda given: parse_identity_policy(given, identity_arn=IDENTITY),
    ):
        try:
            found.append(parse(text))
        except PolicyError as error:
            assert error.message
            assert error.line >= 1
            assert error.column >= 1
    check_identity_policy(text, identity_arn=IDENTITY)
    return found


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    read_every_way(text)


@given(VALUES)
def test_any_json_is_read_or_refused(value: object) -> None:
    read_every_way(json.dumps(value))
    read_every_way(json.dumps(value, ensure_ascii=False))


@pytest.mark.parametrize("seed", range(3))
def test_damaged_policies_are_read_or_refused_and_decided(seed: int) -> None:
    """A random policy with characters dropped, doubled or exchanged; both evaluators answer alike."""
    random = Random(seed)
    for _ in range(150):
        text = random_policy(random, with_principal=True)
        for _ in range(random.randint(0, 2)):
            at = random.randrange(len(text))
            text = text[:at] + random.choice(('"', "", "{", "*", text[at] * 2, "\\u0000")) + text[at + 1 :]
        for policy in read_every_way(text):
            request = random_request(random)
            compiled = compile_policies([("p", policy)], kind="identity")
            explained = explain(request, iam=(), identity=[("p", policy)])
            assert (
                decide(request, iam=compile_policies((), kind="iam"), identity=compiled).outcome
                is explained.outcome
            )
