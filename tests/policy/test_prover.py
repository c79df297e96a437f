"""The solver behind the exact method: what it adds, that it is bounded, and that it is right.

Its answers are held against three things that share no code with its formulas: the box method where both
can answer, the compiled evaluator for every witness, and random requests for every "no".
"""

import json
import sys
from random import Random
from typing import Any

import pytest

from sesame.policy import (
    Outcome,
    Policy,
    Request,
    Requester,
    can_send,
    compile_policies,
    decide,
    parse_iam_policy,
)
from sesame.policy.analysis import prover
from sesame.policy.analysis.demands import OutsideFragment
from sesame.policy.analysis.principals import candidates, names_in
from sesame.policy.analysis.prover import NotProved, Prover
from sesame.policy.analysis.questions import Answer, Method, Verdict, compare, who_can_send
from sesame.policy.cases import read_requester
from sesame.policy.language.source import Json
from tests.policy.test_analysis import (
    DELEGATE,
    DENY,
    IDENTITY,
    OWNER,
    USER_OF_DELEGATE,
    Members,
    Named,
    condition,
    policies,
    random_statement,
)
from tests.policy.test_analysis_oracle import fitting

pytest.importorskip("cvc5")
EVERYTHING = compile_policies(
    [("E", parse_iam_policy('{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}'))],
    kind="iam",
)
BY_NAME = condition("StringLike", "ses:FromAddress", "${aws:username}@example.com")


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers are tested here, not the speed of a busy machine."""
    monkeypatch.setattr(prover, "LIMIT_MS", 5_000)


def answers(named: Named) -> dict[str, Answer]:
    return {answer.who: answer for answer in who_can_send(named, identity_arn=IDENTITY)}


def solver_says(named: Named, label: str = USER_OF_DELEGATE) -> bool:
    """Whether the solver by itself finds a request that is allowed."""
    everybody = candidates(named, identity_arn=IDENTITY, principal_ids={}, of_every_kind=True)
    names = names_in(named, OWNER).all
    found = False
    for candidate in everybody:
        if candidate.label == label:
            placed = fitting(candidate, "ses:SendEmail", named)
            found = (
                found
                or Prover(limits={}, named=names).find(candidate, placed, None, sending=True) is not None
            )
    return found


def test_a_policy_variable_is_answered_with_a_request_that_fills_it_in() -> None:
    found = answers(policies(BY_NAME))
    user = found[USER_OF_DELEGATE]
    assert (user.verdict, user.method, user.statement) == (Verdict.YES, Method.EXACT, ("P", 0))
    assert user.witness is not None
    name = user.witness.requester.arn.rpartition("/")[2]
    assert user.witness.context["ses:FromAddress"] == f"{name}@example.com"
    assert user.witness.context["aws:username"] == name
    assert found[f"root of {DELEGATE}"].verdict is Verdict.NO
    assert found["anybody in any other account"].method is Method.EXACT


def test_a_deny_may_cover_an_allow_with_a_variable() -> None:
    deny = {**DENY, **condition("StringLike", "ses:FromAddress", "*@example.com")}
    user = answers(policies(BY_NAME, deny))[USER_OF_DELEGATE]
    assert (user.verdict, user.method) == (Verdict.NO, Method.EXACT)
    deny = {**DENY, **condition("StringLike", "ses:FromAddress", "${aws:username}@*")}
    user = answers(policies(BY_NAME, deny))[USER_OF_DELEGATE]
    assert (user.verdict, user.method) == (Verdict.NO, Method.PROVER)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (condition("StringEquals", "ses:FromAddress", "${aws:PrincipalTag/a}"), Verdict.YES),
        (condition("StringEquals", "ses:FromAddress", "${aws:PrincipalTag/a, 'no address'}"), Verdict.YES),
        (condition("StringLike", "ses:FromAddress", "*${aws:username}*@?x${aws:username}?"), Verdict.YES),
        (condition("StringLike", "ses:FromAddress", "a${aws:username}?@b.org"), Verdict.YES),
        (condition("StringNotLike", "ses:FromAddress", "${aws:username}@*"), Verdict.YES),
        (condition("ForAllValues:StringEquals", "ses:Recipients", "${ses:FromAddress}"), Verdict.YES),
        (condition("StringEquals", "ses:FromAddress", "${ses:Recipients}"), Verdict.YES),
        (condition("StringEquals", "ses:FromAddress", "${aws:username}"), Verdict.YES),
        (condition("StringEquals", "ses:FromAddress", "${aws:PrincipalType}"), Verdict.NO),
        (condition("StringEquals", "aws:PrincipalType", "User"), Verdict.YES),
        (condition("StringEquals", "aws:PrincipalAccount", OWNER), Verdict.NO),
        (condition("ArnLike", "aws:PrincipalArn", f"arn:aws:iam::{DELEGATE}:user/team/*"), Verdict.YES),
        (condition("ArnLike", "aws:PrincipalArn", f"arn:aws:iam::{DELEGATE}:role/*"), Verdict.NO),
        (
            condition("ArnNotLike", "aws:PrincipalArn", f"arn:aws:iam::{DELEGATE}:user/a*"),
            Verdict.YES,
        ),
        (condition("StringEqualsIgnoreCase", "aws:username", "Kim"), Verdict.YES),
        (condition("StringEquals", "aws:userid", "AIDAOTHERS"), Verdict.YES),
        (condition("StringEquals", "ses:FromAddress", "${aws:username}", "${"), Verdict.YES),
        (condition("StringNotLike", "ses:FromAddress", "?${aws:username}*"), Verdict.YES),
        (condition("ForAllValues:StringEquals", "aws:username", "Kim"), Verdict.YES),
        (condition("ForAnyValue:StringNotEquals", "aws:PrincipalTag/x", "${aws:username}"), Verdict.YES),
    ],
)
def test_questions_beyond_the_exact_fragment_have_answers(written: Members, expected: Verdict) -> None:
    assert answers(policies(written))[USER_OF_DELEGATE].verdict is expected
    assert solver_says(policies(written)) is (expected is Verdict.YES)


@pytest.mark.parametrize(
    ("written", "named"),
    [
        (
            condition("StringEqualsIgnoreCase", "ses:FromAddress", "${aws:username}@b.org"),
            "${aws:username}@b.org",
        ),
        (condition("ArnLike", "aws:PrincipalArn", "arn:*:iam::${aws:userid}:x:${aws:username}"), "ARN parts"),
        (condition("StringLike", "ses:FromAddress", "*${aws:username}?*"), "between two stars"),
        (condition("StringLike", "ses:FromAddress", "${aws:SourceIp}*"), "not plain text"),
        (condition("NumericEquals", "aws:PrincipalAccount", "1"), "aws:PrincipalAccount"),
        (condition("NumericEquals", "ses:Recipients", "1"), "list ses:Recipients"),
        (condition("StringEqualsIgnoreCase", "aws:username", "é"), "beyond ASCII"),
        (condition("StringEquals", "aws:username", "\U000e0041"), "does not know"),
        (
            {"Condition": {"StringLike": {"aws:SourceIp": "1*"}, "IpAddress": {"aws:SourceIp": "::1"}}},
            "kinds",
        ),
    ],
)
def test_what_the_solver_cannot_answer_is_named(written: Members, named: str) -> None:
    with pytest.raises(OutsideFragment) as caught:
        solver_says(policies(written))
    assert named in str(caught.value)


def test_what_neither_method_can_answer_is_unknown_and_named() -> None:
    deny = {**DENY, **condition("StringEqualsIgnoreCase", "ses:FromAddress", "${aws:username}@example.com")}
    user = answers(policies(BY_NAME, deny))[USER_OF_DELEGATE]
    assert user.verdict is Verdict.UNKNOWN
    assert "where case or ARN parts count" in user.reason
    vague: Members = {"Resource": "arn:aws:ses:us-east-1:111111111111:identity/${aws:username}"}
    user = answers(policies(vague))[USER_OF_DELEGATE]
    assert user.verdict is Verdict.UNKNOWN
    assert "Resource" in user.reason
    other: Members = {"Resource": "arn:aws:ses:us-east-1:111111111111:identity/a${aws:username}"}
    assert answers(policies(other))[USER_OF_DELEGATE].verdict is Verdict.NO


def test_keys_of_sessions_are_decided_and_services_have_none() -> None:
    found = answers(policies({"Principal": "*", **condition("StringLike", "aws:PrincipalArn", "*")}))
    session = found[f"a session of any other role of {OWNER}"]
    assert session.witness is not None
    assert session.witness.context["aws:PrincipalArn"] == session.witness.requester.role_arn
    assert found["any other service"].verdict is Verdict.NO
    named: Members = {"Principal": {"Service": ["a.amazonaws.com", "b.amazonaws.com"]}}
    found = answers(policies({**named, **condition("StringLike", "aws:PrincipalServiceName", "a.*")}))
    assert [found[f"{name}.amazonaws.com"].verdict for name in "ab"] == [Verdict.YES, Verdict.NO]
    settled: Members = {
        "Condition": {
            "Bool": {"aws:PrincipalIsAWSService": "true"},
            "StringLike": {"aws:PrincipalServiceName": "a*"},
        }
    }
    found = answers(policies({**named, **settled}))
    assert found["a.amazonaws.com"].verdict is Verdict.YES
    by_id = answers(
        policies({"Principal": {"AWS": "AIDAX"}, **condition("StringLike", "aws:username", "a*")})
    )
    witness = by_id["AIDAX"].witness
    assert witness is not None
    assert witness.requester.user_id == "AIDAX"
    assert witness.requester.arn.rpartition("/")[2] == witness.context["aws:username"]


def test_everybody_else_may_be_in_the_account_that_a_condition_names() -> None:
    other = {"Principal": "*", **condition("StringEquals", "aws:PrincipalAccount", "444444444444")}
    anybody = answers(policies(other))["anybody in any other account"]
    assert anybody.witness is not None
    assert anybody.witness.requester.account_id == "444444444444"
    named = {"Principal": "*", **condition("StringEquals", "aws:PrincipalAccount", OWNER)}
    assert answers(policies(named))["anybody in any other account"].verdict is Verdict.NO


def test_a_named_user_has_its_own_name_and_the_id_it_is_bound_to() -> None:
    user = f"arn:aws:iam::{DELEGATE}:user/x/kim"
    for key, value, verdict in (
        ("aws:username", "kim", Verdict.YES),
        ("aws:username", "tim", Verdict.NO),
        ("aws:PrincipalArn", user, Verdict.YES),
        ("aws:userid", "AIDAKIM", Verdict.YES),
        ("aws:userid", "AIDATIM", Verdict.NO),
    ):
        named = policies({"Principal": {"AWS": user}, **condition("StringEquals", key, value)})
        [answer] = [
            answer
            for answer in who_can_send(named, identity_arn=IDENTITY, principal_ids={user: "AIDAKIM"})
            if answer.who == user
        ]
        assert (answer.verdict, answer.method) == (verdict, Method.EXACT)


def test_compare_and_can_send_ask_the_solver_too() -> None:
    wide = policies(condition("StringLike", "ses:FromAddress", "*@example.com"))
    comparison = compare(wide, policies(BY_NAME), identity_arn=IDENTITY)
    assert comparison.gained == ()
    assert USER_OF_DELEGATE in {answer.who for answer in comparison.lost}
    kim = read_requester(f"arn:aws:iam::{DELEGATE}:user/kim")
    [permission] = can_send(kim, policies(BY_NAME), identity_arn=IDENTITY)
    assert permission.method is Method.EXACT
    assert permission.witness is not None
    assert permission.witness.context["ses:FromAddress"] == "kim@example.com"
    denied = policies(BY_NAME, {**DENY, **condition("StringLike", "ses:FromAddress", "*")})
    assert can_send(kim, denied, identity_arn=IDENTITY) == ()
    vague = policies({"Resource": IDENTITY[:-4] + "${aws:username}"}, {**DENY})
    [unknown] = can_send(kim, vague, identity_arn=IDENTITY)
    assert (unknown.witness, "Resource" in unknown.reason) == (None, True)


def test_an_exhausted_budget_falls_back_to_the_solver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sesame.policy.analysis.search._NODE_COST", 200_000)
    named = policies(
        condition("StringLike", "ses:FromAddress", "a*"),
        {**DENY, **condition("DateLessThan", "aws:CurrentTime", "2026-01-01T00:00:00Z")},
        {**DENY, **condition("NotIpAddress", "aws:SourceIp", "10.0.0.0/8")},
        {**DENY, **condition("Bool", "aws:SecureTransport", "false")},
        {**DENY, **condition("NumericLessThan", "test:n", "2.5", "x")},
        {**DENY, **condition("NumericGreaterThan", "test:n", "-2.5")},
        {**DENY, **condition("Null", "test:n", "true")},
        {**DENY, **condition("ForAnyValue:StringEquals", "ses:Recipients", "a@b.org")},
        {**DENY, **condition("StringEquals", "aws:Nonsense", "a")},
    )
    user = answers(named[:1] and policies(condition("StringLike", "ses:FromAddress", "a*")))[USER_OF_DELEGATE]
    assert (user.verdict, user.method) == (Verdict.YES, Method.PROVER)
    assert answers(named)[USER_OF_DELEGATE].verdict is Verdict.NO
    most = policies(*[json.loads(json.dumps(item)) for item in _statements(named)[:4]])
    witness = answers(most)[USER_OF_DELEGATE].witness
    assert witness is not None
    assert str(witness.context["aws:SourceIp"]).startswith("10.")


def _statements(named: Named) -> list[Members]:
    written: list[Members] = json.loads(named[0][1].text)["Statement"]
    return written


def test_without_time_the_answer_is_unknown_and_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a few questions that ran out of time the solver is left alone."""
    asked: list[object] = []

    class Slow:
        def __getattr__(self, name: str) -> Any:
            return lambda *_: self

        def isNull(self) -> bool:
            return True

        def isSat(self) -> bool:
            asked.append(1)
            return False

        isUnsat = isNull

    class Result(Slow):
        def isUnsat(self) -> bool:
            return False

    slow = Slow()
    monkeypatch.setattr(Slow, "checkSat", lambda _: Result(), raising=False)
    monkeypatch.setattr(slow, "Solver", lambda: slow, raising=False)
    monkeypatch.setattr(slow, "InputLanguage", slow, raising=False)
    monkeypatch.setitem(sys.modules, "cvc5", slow)
    [user, *_] = candidates(policies(BY_NAME), identity_arn=IDENTITY, principal_ids={})
    patient = Prover(limits={}, named=frozenset())
    for number in range(prover.PATIENCE + 3):
        statement = condition("StringEquals", "ses:FromAddress", f"${{aws:username}}@{number}.org")
        [(_, policy)] = policies(statement)
        for _ in range(2):
            with pytest.raises(NotProved, match="out of time"):
                patient.find(user, [(policy, policy.statements[0])], None, sending=True)
    assert len(asked) == prover.PATIENCE


def test_a_witness_that_the_evaluator_does_not_confirm_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "sesame.policy.analysis.decider.decide",
        lambda *_, **__: decide(REFUSED, iam=EVERYTHING, identity=NONE),
    )
    deny = {**DENY, **condition("StringLike", "ses:FromAddress", "${aws:username}b@*")}
    monkeypatch.setattr("sesame.policy.analysis.inquiry.samples_of", lambda *_: iter(()))
    user = answers(policies(BY_NAME, deny))[USER_OF_DELEGATE]
    assert user.verdict is Verdict.UNKNOWN
    assert "does not confirm" in user.reason


NONE = compile_policies((), kind="identity")
REFUSED = Request(
    requester=Requester(arn="x", account_id="", kind="service", user_id=""),
    action="ses:SendEmail",
    resource=IDENTITY,
    resource_account=OWNER,
    context={},
)


def test_solver_and_box_method_agree_on_random_policies() -> None:
    random = Random(11)
    counts = {True: 0, False: 0}
    for _ in range(40):
        old = policies(*(random_statement(random) for _ in range(random.randint(1, 3))))
        new = policies(*(random_statement(random) for _ in range(random.randint(1, 3))))
        candidate = random.choice(candidates([*old, *new], identity_arn=IDENTITY, principal_ids={}))
        exact = compare(old, new, identity_arn=IDENTITY, actions=["ses:SendRawEmail"])
        expected = candidate.label in {answer.who for answer in exact.gained}
        wide, narrow = (fitting(candidate, "ses:SendRawEmail", side) for side in (new, old))
        try:
            found = Prover(limits={}, named=frozenset({OWNER, DELEGATE})).find(
                candidate, wide, narrow, sending=True
            )
        except NotProved:
            continue
        assert (found is not None) is expected, (candidate, old[0][1].text, new[0][1].text)
        counts[expected] += 1
    assert min(counts.values()) > 5


PATTERNS = (
    "${aws:username}@a.org",
    "*${aws:username}@a.org",
    "${aws:username}*",
    "a@${aws:PrincipalTag/d, 'a.org'}",
)
ADDRESSES = ("a@a.org", "b@a.org", "ba@a.org", "a@b.org")


def _random_statement(random: Random) -> Members:
    operator = random.choice(("StringEquals", "StringLike", "StringNotLike", "StringNotEqualsIfExists"))
    key = random.choice(("ses:FromAddress", "ForAnyValue", "ForAllValues"))
    if key != "ses:FromAddress":
        operator, key = f"{key}:{operator}", "ses:Recipients"
    values: list[Json] = list(random.sample((*PATTERNS, "a@*", "*@a.org"), random.randint(1, 2)))
    effect = random.choice(("Allow", "Allow", "Deny"))
    return {"Effect": effect, "Condition": {operator: {key: values}}}


def test_no_random_request_contradicts_the_solver() -> None:
    random = Random(3)
    seen = {Verdict.YES: 0, Verdict.NO: 0, Verdict.UNKNOWN: 0}
    for _ in range(25):
        named = policies(*(_random_statement(random) for _ in range(random.randint(1, 3))))
        user = answers(named)[USER_OF_DELEGATE]
        seen[user.verdict] += 1
        if user.verdict is Verdict.NO:
            compiled = compile_policies(named, kind="identity")
            assert not any(_is_allowed(random, compiled) for _ in range(300)), named[0][1].text
    assert min(seen[Verdict.YES], seen[Verdict.NO]) > 2
    assert seen[Verdict.UNKNOWN] < 5


def _is_allowed(random: Random, compiled: Any) -> bool:
    name = random.choice(("a", "b", "ba"))
    context: dict[str, str | tuple[str, ...]] = {
        "ses:FromAddress": random.choice(ADDRESSES),
        "ses:Recipients": tuple(random.sample(ADDRESSES, random.randint(1, 3))),
        "aws:username": name,
    }
    if random.random() < 0.5:
        context["aws:PrincipalTag/d"] = random.choice(("a.org", "b.org"))
    request = Request(
        requester=read_requester(f"arn:aws:iam::{DELEGATE}:user/{name}"),
        action="ses:SendRawEmail",
        resource=IDENTITY,
        resource_account=OWNER,
        context=context,
    )
    return decide(request, iam=EVERYTHING, identity=compiled).outcome is Outcome.ALLOW


def test_a_list_with_too_many_conditions_is_refused() -> None:
    many = [condition("ForAnyValue:StringEquals", "ses:Recipients", f"{n}@a.org") for n in range(13)]
    [(_, policy)] = policies(*many)
    [user, *_] = candidates([("P", policy)], identity_arn=IDENTITY, principal_ids={})
    placed: list[tuple[Policy, Any]] = [(policy, statement) for statement in policy.statements]
    with pytest.raises(OutsideFragment, match="so many"):
        Prover(limits={}, named=frozenset()).find(user, placed, None, sending=True)


VARIABLE = condition("StringLike", "ses:FromAddress", "${aws:username}@*")["Condition"]


def test_every_family_is_put_as_a_formula_beside_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """The solver chooses a value of each kind, within the limits of the question."""
    assert isinstance(VARIABLE, dict)
    rules: dict[str, Json] = {
        "StringLike": VARIABLE["StringLike"],
        "NumericGreaterThan": {"test:n": ["2.5", "x"]},
        "NumericLessThan": {"test:n": "2.75"},
        "ForAnyValue:NumericEquals": {"test:k": "-3"},
        "DateGreaterThanEquals": {"aws:CurrentTime": "2026-06-01T00:00:00Z"},
        "IpAddress": {"aws:SourceIp": "10.0.0.0/8"},
        "Bool": {"aws:SecureTransport": ["true", "x"]},
        "Null": {"ses:TenantName": "false"},
    }
    denies: list[Members] = [
        {
            **DENY,
            "Condition": {"Null": {"ses:TenantName": ["true", "maybe"]}, "StringEquals": {"test:x": "1"}},
        },
        {**DENY, "Condition": {"NoSuch": {"test:n": "1"}, "ForAllValues:StringEquals": {"test:y": "z"}}},
        {**DENY, "Condition": {"NumericLessThan": {"test:m": "x"}, "Bool": {"test:b": "x"}}},
    ]
    named = policies({"Condition": rules}, *denies)
    limits = {"ses:TenantName": ["t*"], "aws:SourceIp": ["10.9.0.0/16"], "ses:Recipients": ["*@b.org"]}
    monkeypatch.setattr("sesame.policy.analysis.inquiry.samples_of", lambda *_: iter(()))
    found = who_can_send(named, identity_arn=IDENTITY, limits=limits)
    [witness] = [answer.witness for answer in found if answer.who == USER_OF_DELEGATE]
    assert witness is not None
    context = witness.context
    assert context["test:k"] == "-3"
    assert 2.5 < float(str(context["test:n"])) < 2.75
    assert str(context["aws:SourceIp"]).startswith("10.9.")
    assert (context["aws:SecureTransport"], str(context["ses:TenantName"])[0]) == ("true", "t")
    assert all(recipient.endswith("@b.org") for recipient in context["ses:Recipients"])


def test_an_unknown_version_is_put_as_a_formula_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sesame.policy.analysis.inquiry.samples_of", lambda *_: iter(()))
    new, denying = policies({}, version="2030-01-01"), policies({**DENY}, version="2030-01-01")
    allow = policies(BY_NAME)
    assert answers([*allow, *new])[USER_OF_DELEGATE].verdict is Verdict.YES
    assert answers([*allow, *denying])[USER_OF_DELEGATE].verdict is Verdict.NO
    comparison = compare([*allow, *denying], allow, identity_arn=IDENTITY)
    [gained] = [answer for answer in comparison.gained if answer.who == USER_OF_DELEGATE]
    assert gained.method is Method.PROVER
