"""The exact questions: soundness by replay (built in), completeness by random search, known answers."""

import json
import sys
from random import Random

import pytest

from sesame.policy import (
    EMPTY,
    Decision,
    Outcome,
    Policy,
    Request,
    can_send,
    compile_policies,
    decide,
    parse_iam_policy,
    parse_stored_identity_policy,
)
from sesame.policy.analysis.answers import describe_needs
from sesame.policy.analysis.principals import candidates
from sesame.policy.analysis.questions import Verdict, compare, is_shadowed, never_matches, who_can_send
from sesame.policy.analysis.search import Search
from sesame.policy.analysis.space import Memory, Rules, Space
from sesame.policy.analysis.strings import Atom, Budget, BudgetExhausted, find_text
from sesame.policy.analysis.who import Who
from sesame.policy.cases import read_requester
from sesame.policy.language.pattern import tokenize
from sesame.policy.language.source import Json
from sesame.policy.language.vocabulary import SENDING_ACTIONS
from sesame.policy.request import ContextValue

OWNER, DELEGATE, STRANGER = "111111111111", "222222222222", "333333333333"
IDENTITY = f"arn:aws:ses:us-east-1:{OWNER}:identity/example.com"
Named = list[tuple[str, Policy]]
Members = dict[str, Json]


def policies(*statements: Members, version: str = "2012-10-17") -> Named:
    """One policy; elements left out are a send by the delegate from the identity."""
    usual: Members = {
        "Effect": "Allow",
        "Principal": {"AWS": DELEGATE},
        "Action": "ses:Send*",
        "Resource": IDENTITY,
    }
    written: list[Json] = [{**usual, **statement} for statement in statements]
    text = json.dumps({"Version": version, "Statement": written})
    return [("P", parse_stored_identity_policy(text))]


def condition(operator: str, key: str, *values: str) -> Members:
    return {"Condition": {operator: {key: list(values)}}}


def verdicts(named: Named, **limits: str) -> dict[str, Verdict]:
    keys = {name.replace("_", ":"): [pattern] for name, pattern in limits.items()}
    return {answer.who: answer.verdict for answer in who_can_send(named, identity_arn=IDENTITY, limits=keys)}


USER_OF_DELEGATE = f"any other user of {DELEGATE}"
DENY: Members = {"Effect": "Deny", "Principal": "*"}


def test_only_who_is_named_can_send() -> None:
    found = verdicts(policies({}))
    assert {who for who, verdict in found.items() if verdict is Verdict.YES} == {
        f"root of {DELEGATE}",
        USER_OF_DELEGATE,
        f"a session of any other role of {DELEGATE}",
    }
    assert Verdict.UNKNOWN not in found.values()
    assert found["anybody in any other account"] is Verdict.NO


def test_everybody_means_everybody() -> None:
    assert set(verdicts(policies({"Principal": "*"})).values()) == {Verdict.YES}


def test_every_form_of_principal_is_told_apart() -> None:
    user, role = f"arn:aws:iam::{DELEGATE}:user/a", f"arn:aws:iam::{DELEGATE}:role/r"
    session = f"arn:aws:sts::{DELEGATE}:assumed-role/r/s"
    named: Json = {
        "AWS": [user, role, session, "AIDAX", "AROAX", f"arn:aws:iam::{OWNER}:user/o", OWNER],
        "Service": "cognito-idp.amazonaws.com",
    }
    found = verdicts(policies({"Principal": named}))
    allowed = {who for who, verdict in found.items() if verdict is Verdict.YES}
    assert allowed == {
        user,
        f"a session of {role}",
        session,
        "AIDAX",
        "AROAX",
        f"arn:aws:iam::{OWNER}:user/o",
        "cognito-idp.amazonaws.com",
    }
    assert found[f"any other user of {OWNER}"] is Verdict.NO


def test_limits_narrow_the_question() -> None:
    named = policies(condition("StringLike", "ses:FromAddress", "news-*@example.com"))
    assert verdicts(named, ses_FromAddress="ceo@example.com")[USER_OF_DELEGATE] is Verdict.NO
    assert verdicts(named, ses_FromAddress="*1@example.com")[USER_OF_DELEGATE] is Verdict.YES
    ranged = policies(condition("IpAddress", "aws:SourceIp", "203.0.113.0/24"))
    assert verdicts(ranged, aws_SourceIp="203.0.113.128/25")[USER_OF_DELEGATE] is Verdict.YES
    assert verdicts(ranged, aws_SourceIp="198.51.100.0/24")[USER_OF_DELEGATE] is Verdict.NO
    timed = policies(condition("DateLessThan", "aws:CurrentTime", "2030-01-01T00:00:00Z"))
    assert verdicts(timed, aws_CurrentTime="2029-06-01T00:00:00Z")[USER_OF_DELEGATE] is Verdict.YES
    assert verdicts(timed, aws_CurrentTime="2031-06-01T00:00:00Z")[USER_OF_DELEGATE] is Verdict.NO


def test_a_deny_is_subtracted() -> None:
    wide = condition("StringLike", "ses:FromAddress", "*@example.com")
    covering = {**DENY, **condition("StringLike", "ses:FromAddress", "*@example.*")}
    partial = {**DENY, **condition("StringLike", "ses:FromAddress", "?*a@example.com")}
    assert verdicts(policies(wide, covering))[USER_OF_DELEGATE] is Verdict.NO
    assert verdicts(policies(wide, partial))[USER_OF_DELEGATE] is Verdict.YES
    assert verdicts(policies(wide, DENY))[USER_OF_DELEGATE] is Verdict.NO


@pytest.mark.parametrize(
    ("allow", "deny", "verdict"),
    [
        (
            ("ForAllValues:StringLike", "ses:Recipients", "*@a.org"),
            ("StringLike", "ses:Recipients", "*"),
            "NO",
        ),
        (
            ("ForAllValues:StringLike", "ses:Recipients", "*@a.org"),
            ("ForAnyValue:StringLike", "ses:Recipients", "x*"),
            "YES",
        ),
        (
            ("ForAnyValue:StringLike", "ses:Recipients", "*@a.org"),
            ("ForAllValues:StringLike", "ses:Recipients", "*@a.org"),
            "YES",
        ),
        (
            ("StringLike", "ses:Recipients", "*@a.org"),
            ("ForAllValues:StringLike", "ses:Recipients", "*@a.org"),
            "NO",
        ),
        (("StringNotLike", "ses:Recipients", "*@a.org"), ("StringLike", "ses:Recipients", "*b*"), "YES"),
        (("Null", "ses:Recipients", "true"), ("Bool", "aws:SecureTransport", "true"), "NO"),
        (("Null", "ses:TenantName", "true"), ("Bool", "aws:SecureTransport", "true"), "YES"),
        (("Bool", "aws:SecureTransport", "true"), ("Bool", "aws:SecureTransport", "true"), "NO"),
        (("StringLikeIfExists", "ses:TenantName", "a*"), ("StringLike", "ses:TenantName", "*"), "YES"),
        (("StringEquals", "ses:TenantName", ""), ("StringLike", "ses:TenantName", "?*"), "YES"),
        (("ForAllValues:StringEquals", "ses:TenantName", "x"), ("Null", "ses:TenantName", "true"), "YES"),
        (("ForAnyValue:StringEquals", "ses:TenantName", "x"), ("StringLike", "ses:TenantName", "x"), "NO"),
        (("DateLessThan", "aws:CurrentTime", "2020"), ("DateLessThan", "aws:EpochTime", "2021"), "NO"),
        (("DateLessThan", "aws:CurrentTime", "2021"), ("DateLessThan", "aws:EpochTime", "2020"), "YES"),
        (("IpAddress", "aws:SourceIp", "10.0.0.0/8"), ("NotIpAddress", "aws:SourceIp", "10.0.0.0/9"), "YES"),
        (("IpAddress", "aws:SourceIp", "10.0.0.0/9"), ("IpAddress", "aws:SourceIp", "10.0.0.0/8"), "NO"),
        (
            ("NumericLessThan", "aws:MultiFactorAuthAge", "10"),
            ("NumericLessThan", "aws:MultiFactorAuthAge", "9"),
            "YES",
        ),
        (("NumericLessThan", "aws:MultiFactorAuthAge", "x"), ("Bool", "aws:SecureTransport", "false"), "NO"),
        (("BinaryEquals", "ses:TenantName", "SGVsbG8="), ("BinaryEquals", "ses:TenantName", "SGV="), "YES"),
        (
            ("ArnLike", "aws:SourceVpcArn", "arn:aws:*:*:1:*"),
            ("ArnLike", "aws:SourceVpcArn", "arn:*:*:*:*:*"),
            "NO",
        ),
        (
            ("ArnLike", "aws:SourceVpcArn", "arn:aws:*:*:1:*"),
            ("ArnLike", "aws:SourceVpcArn", "arn:aws:ses:*:1:*"),
            "YES",
        ),
        (("ArnNotLike", "aws:SourceArn", "x"), ("Bool", "aws:SecureTransport", "false"), "YES"),
        (("StringEquals", "ses:ApiVersion", "1"), ("StringEquals", "ses:ApiVersion", "2"), "YES"),
        (("StringEquals", "ses:ApiVersion", "3"), ("Bool", "aws:SecureTransport", "false"), "NO"),
        (
            ("StringEqualsIgnoreCase", "ses:FromAddress", "A@B.ORG"),
            ("StringEquals", "ses:FromAddress", "a@b.org"),
            "YES",
        ),
        (
            ("StringEquals", "ses:FromAddress", "A@B.org"),
            ("StringEqualsIgnoreCase", "ses:FromAddress", "a@b.ORG"),
            "NO",
        ),
        (("NoSuchOperator", "ses:TenantName", "a"), ("Bool", "aws:SecureTransport", "false"), "NO"),
        (("Bool", "aws:SecureTransport", "true"), ("NoSuchOperator", "ses:TenantName", "a"), "NO"),
        (("StringNotLike", "ses:TenantName", "${"), ("Bool", "aws:SecureTransport", "false"), "YES"),
        (("ForAllValues:Null", "ses:Recipients", "a"), ("Null", "ses:Recipients", "true"), "NO"),
        (
            ("Null", "ses:Recipients", "false"),
            ("ForAllValues:StringNotLike", "ses:Recipients", "*@a.org"),
            "YES",
        ),
        (("ForAnyValue:StringNotLike", "ses:Recipients", "${"), ("Null", "ses:Recipients", "true"), "NO"),
        (("ForAllValues:StringLike", "ses:Recipients", "${"), ("StringLike", "ses:Recipients", "${"), "NO"),
    ],
)
def test_known_answers(allow: tuple[str, ...], deny: tuple[str, ...], verdict: str) -> None:
    """The delegate may send what the Allow lets through and the Deny does not stop."""
    named = policies(condition(*allow), {**DENY, **condition(*deny)})
    assert verdicts(named)[USER_OF_DELEGATE] is Verdict[verdict]


TWICE: Members = condition("StringLike", "ses:FromAddress", "${aws:username}@example.com")
COVERED: list[Members] = [TWICE, {**DENY, **condition("StringLike", "ses:FromAddress", "${aws:username}@*")}]


@pytest.mark.parametrize(
    ("written", "named_construct"),
    [
        (COVERED, "policy variable"),
        (
            [
                {
                    "Condition": {
                        "StringLike": {"aws:SourceIp": "1?.*.7"},
                        "IpAddress": {"aws:SourceIp": "10.0.0.0/8"},
                    }
                }
            ],
            "different kinds",
        ),
    ],
)
def test_what_is_outside_the_exact_fragment_is_unknown_without_a_solver_and_named(
    written: list[Members], named_construct: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cvc5", None)
    named = policies(*written)
    answers = {answer.who: answer for answer in who_can_send(named, identity_arn=IDENTITY)}
    assert answers[USER_OF_DELEGATE].verdict is Verdict.UNKNOWN
    assert named_construct in answers[USER_OF_DELEGATE].reason
    comparison = compare(policies(), named, identity_arn=IDENTITY)
    assert comparison.verdict is Verdict.UNKNOWN
    assert not never_matches(named[0][1], named[0][1].statements[0], budget=Budget())
    assert not is_shadowed(
        named, named[0][1], named[0][1].statements[0], identity_arn=IDENTITY, budget=Budget()
    )


def test_compare_finds_what_an_edit_lets_in_and_shuts_out() -> None:
    old = policies(condition("StringLike", "ses:FromAddress", "news-*@example.com"))
    new = policies(condition("StringLike", "ses:FromAddress", "news*@example.com"))
    comparison = compare(old, new, identity_arn=IDENTITY)
    assert comparison.verdict is Verdict.YES
    assert comparison.lost == ()
    [witness] = {
        str(answer.witness.context["ses:FromAddress"]) for answer in comparison.gained if answer.witness
    }
    assert witness.startswith("news")
    assert not witness.startswith("news-")
    assert {answer.statement for answer in comparison.gained} == {("P", 0)}
    back = compare(new, old, identity_arn=IDENTITY)
    assert (back.gained, len(back.lost)) == ((), len(comparison.gained))


def test_compare_calls_rewritten_policies_equal() -> None:
    old = policies(condition("StringLike", "ses:FromAddress", "a*@example.com", "b@example.com"))
    new = policies(
        condition("StringLike", "ses:FromAddress", "b@example.com"),
        condition("StringLike", "ses:FromAddress", "a*@example.com", "ab*@example.com"),
    )
    assert compare(old, new, identity_arn=IDENTITY).verdict is Verdict.NO


def test_compare_follows_statements_from_policy_to_policy_beside_one_that_stays() -> None:
    """Moving a statement to another policy changes nothing; dropping the only policy that allows does."""
    stays = ("stays", policies(condition("StringLike", "ses:FromAddress", "a@*"))[0][1])
    news, sales = (
        condition("StringLike", "ses:FromAddress", "n@*"),
        condition("Bool", "aws:SecureTransport", "true"),
    )
    apart = [stays, ("one", policies(news)[0][1]), ("two", policies(sales)[0][1])]
    together = [stays, ("one", policies(sales, news)[0][1])]
    same = compare(apart, together, identity_arn=IDENTITY)
    assert (same.gained, same.lost) == ((), ())
    twice = [stays, ("again", policies(condition("StringLike", "ses:FromAddress", "a@*"))[0][1])]
    assert compare(twice, [stays], identity_arn=IDENTITY).lost == ()
    assert compare(twice, [], identity_arn=IDENTITY).lost != ()


def test_compare_looks_at_management_actions_and_lifted_denies() -> None:
    managing: Members = {"Principal": {"AWS": f"arn:aws:iam::{OWNER}:user/o"}, "Action": "ses:*"}
    gained = compare(policies({}), policies({}, managing), identity_arn=IDENTITY).gained
    assert {answer.who for answer in gained} == {f"arn:aws:iam::{OWNER}:user/o"}
    denied = policies({}, {**DENY, **condition("StringLike", "ses:FromAddress", "ceo@*")})
    gained = compare(denied, policies({}), identity_arn=IDENTITY).gained
    assert {str(a.witness.context["ses:FromAddress"])[:4] for a in gained if a.witness} == {"ceo@"}


def test_statements_that_never_match_and_shadowed_allows_are_found() -> None:
    contradiction: Members = {
        "Condition": {
            "StringLike": {"ses:FromAddress": "a*@example.com"},
            "StringEquals": {"ses:FromAddress": "b@example.com"},
        }
    }
    [(_, policy)] = policies(contradiction, {})
    assert never_matches(policy, policy.statements[0], budget=Budget())
    assert not never_matches(policy, policy.statements[1], budget=Budget())
    named = policies(condition("StringLike", "ses:FromAddress", "a*@example.com"), {}, DENY)
    statements = named[0][1].statements
    assert is_shadowed(named, named[0][1], statements[0], identity_arn=IDENTITY, budget=Budget())
    named = policies({}, {**DENY, **condition("StringLike", "ses:FromAddress", "a*")})
    assert not is_shadowed(
        named, named[0][1], named[0][1].statements[0], identity_arn=IDENTITY, budget=Budget()
    )


def test_what_one_principal_can_send_is_told_in_words_with_a_witness(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cvc5", None)
    news = {"Action": "ses:SendRawEmail", **condition("StringLike", "ses:FromAddress", "news-*@example.com")}
    useless = condition("StringLike", "ses:FromAddress", "ceo@example.com")
    named = policies(
        news,
        useless,
        {"Principal": {"AWS": STRANGER}},
        {**DENY, **condition("StringLike", "ses:FromAddress", "news-9*", "ceo@*")},
        {**DENY, **condition("StringLike", "ses:FromAddress", "other@*")},
    )
    mailer = read_requester(f"arn:aws:iam::{DELEGATE}:user/mailer")
    [permission] = can_send(mailer, named, identity_arn=IDENTITY)
    assert permission.statement == ("P", 0)
    assert permission.when == ("ses:FromAddress like `news-*@example.com`",)
    assert permission.unless == (("ses:FromAddress like `news-9*`, `ceo@*`",),)
    assert permission.witness is not None
    assert permission.witness.action == "ses:SendRawEmail"
    [own_name] = can_send(mailer, policies(TWICE), identity_arn=IDENTITY)
    assert own_name.witness is not None
    assert own_name.witness.context["ses:FromAddress"] == "mailer@example.com"
    assert can_send(mailer, policies(*COVERED), identity_arn=IDENTITY) == ()
    open_tag = "${aws:PrincipalTag/a}@example.com"
    tagged = policies(
        condition("StringLike", "ses:FromAddress", open_tag),
        {**DENY, **condition("StringLike", "ses:FromAddress", "${aws:PrincipalTag/a}*")},
    )
    [unknown] = can_send(mailer, tagged, identity_arn=IDENTITY)
    assert unknown.witness is None
    assert f"the policy variable in `{open_tag}`" in unknown.reason
    assert "cvc5, which might answer, is not installed" in unknown.reason
    assert can_send(mailer, policies({}, version="2030-01-01"), identity_arn=IDENTITY) == ()


def test_several_recipients_never_satisfy_a_plain_allow() -> None:
    both: Members = {
        "Condition": {"StringLike": {"ses:Recipients": "a*"}, "StringEquals": {"ses:Recipients": "b@a.org"}}
    }
    two_are_needed: Members = {
        "Condition": {
            "Null": {"ses:Recipients": "false"},
            "ForAnyValue:StringLike": {"ses:Recipients": "a*"},
            "ForAnyValue:StringEquals": {"ses:Recipients": "b@a.org"},
        }
    }
    [(_, policy)] = policies(both, two_are_needed)
    assert never_matches(policy, policy.statements[0], budget=Budget())
    assert not never_matches(policy, policy.statements[1], budget=Budget())


def test_a_witness_that_the_evaluator_refuses_is_a_defect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "sesame.policy.analysis.decider.decide", lambda *_, **__: Decision(Outcome.EXPLICIT_DENY)
    )
    with pytest.raises(RuntimeError, match="please report"):
        verdicts(policies({}))


def test_texts_are_found_shortest_first_and_atoms_have_no_variables() -> None:
    def atom(text: str, *, variables: bool = False) -> Atom:
        return Atom(tokenize(text, variables=variables))

    assert find_text([[atom("")]], [], Budget()) == ""
    assert find_text([[atom("*")]], [atom("")], Budget()) == "a"
    assert find_text([[atom("a"), atom("bb")], [atom("??")]], [], Budget()) == "bb"
    with pytest.raises(ValueError, match="no variables"):
        find_text([[atom("${a}", variables=True)]], [], Budget())


def test_an_unknown_version_allows_nothing_and_denies_everything() -> None:
    assert set(verdicts(policies({"Principal": "*"}, version="2030-01-01")).values()) == {Verdict.NO}
    both = [*policies({"Principal": "*"}), *policies(DENY, version="2030-01-01")]
    assert set(verdicts(both).values()) == {Verdict.NO}
    assert compare(both, policies({}), identity_arn=IDENTITY).verdict is Verdict.YES


def test_a_bound_name_is_asked_about_with_its_id() -> None:
    user = f"arn:aws:iam::{DELEGATE}:user/a"
    ids = {user: "AIDAREAL"}
    answers = who_can_send(policies({"Principal": {"AWS": user}}), identity_arn=IDENTITY, principal_ids=ids)
    [answer] = [answer for answer in answers if answer.who == user]
    assert answer.verdict is Verdict.YES
    assert answer.witness is not None
    assert answer.witness.requester.user_id == "AIDAREAL"


def test_a_question_beyond_the_budget_is_unknown() -> None:
    left, right = "*a" + "?" * 20 + "@a.bc", "*b" + "?" * 20 + "@a.bc"
    named = policies(
        condition("StringLike", "ses:FromAddress", left),
        {**DENY, **condition("StringLike", "ses:FromAddress", right)},
    )
    with pytest.raises(BudgetExhausted):
        find_text(
            [[Atom(tokenize(left, variables=False))], [Atom(tokenize("*c*", variables=False))]],
            [Atom(tokenize(right, variables=False)), Atom(tokenize("*c*@*", variables=False))],
            Budget(20_000),
        )
    answer = who_can_send(
        named, identity_arn=IDENTITY, limits={"ses:FromAddress": ["*c" + "?" * 19 + "@a.bc"]}
    )
    assert Verdict.NO not in {item.verdict for item in answer if item.who == USER_OF_DELEGATE}


def test_too_many_ways_out_exhaust_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cvc5", None)
    monkeypatch.setattr("sesame.policy.analysis.search._NODE_COST", 99_000)
    named = policies({}, {**DENY, **condition("StringLike", "ses:FromAddress", "a*")})
    assert verdicts(named)[USER_OF_DELEGATE] is Verdict.UNKNOWN
    assert compare(policies({}), named, identity_arn=IDENTITY).verdict is Verdict.YES
    other = policies({}, {**DENY, **condition("StringLike", "ses:FromAddress", "b*")})
    assert compare(other, named, identity_arn=IDENTITY).verdict is Verdict.YES
    narrow = policies(condition("StringLike", "ses:FromAddress", "c*"))
    assert compare(narrow, named, identity_arn=IDENTITY).verdict is Verdict.UNKNOWN


def space(*, sending: bool, limits: dict[str, list[str]]) -> Space:
    return Space(
        sending=sending,
        limits=limits,
        settled={},
        who=Who(kind="user", settled=()),
        rules=Rules(),
        memory=Memory(),
        budget=Budget(),
    )


def test_a_search_for_anything_finds_the_usual_send() -> None:
    point = Search(space(sending=True, limits={"ses:TenantName": ["t*"]})).find([], [])
    assert point is not None
    assert point["ses:fromaddress"] == "sender@example.com"
    assert point["ses:tenantname"] == "t"
    assert Search(space(sending=False, limits={})).find([], []) == {
        "aws:sourceip": "192.0.2.1",
        "aws:securetransport": "true",
        "aws:currenttime": "2030-01-01T00:00:00Z",
    }


TEXT_OPERATORS = ["StringLike", "StringNotLike", "StringEquals", "StringNotEquals", "StringEqualsIgnoreCase"]
FROM = ("a@example.com", "A@example.com", "b@example.com", "ab@c.example.com", "b+a@x.org")
FROM_PATTERNS = (*FROM, "a*", "*@example.com", "?@*", "*b*", "*a*@*c*", "b*@x.org", "*")
TIMES = ("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z", "2028-01-01T00:00:00Z")
RANGES = ("10.0.0.0/8", "10.1.0.0/16", "0.0.0.0/0", "2001:db8::/32")


def random_statement(random: Random) -> Members:
    rules: dict[str, dict[str, Json]] = {}
    for _ in range(random.choice((0, 1, 1, 2, 3))):
        kind = random.randrange(6)
        if kind < 2:
            operator, key = random.choice(TEXT_OPERATORS), "ses:FromAddress"
            values = random.sample(FROM_PATTERNS, random.randint(1, 2))
        elif kind == 2:
            prefix = random.choice(("", "ForAllValues:", "ForAnyValue:"))
            operator, key = prefix + random.choice(TEXT_OPERATORS), "ses:Recipients"
            values = random.sample(FROM_PATTERNS, random.randint(1, 2))
        elif kind == 3:
            operator, key = (
                random.choice(("DateLessThan", "DateGreaterThanEquals", "DateEquals")),
                "aws:CurrentTime",
            )
            values = [random.choice(TIMES)]
        elif kind == 4:
            operator, key = random.choice(("IpAddress", "NotIpAddress")), "aws:SourceIp"
            values = [random.choice(RANGES)]
        else:
            operator = random.choice(("Null", "StringLikeIfExists", "StringNotLike"))
            key, values = "ses:TenantName", ["true"]
        rules.setdefault(operator, {})[key] = list(values)
    statement: Members = {"Effect": random.choice(("Allow", "Allow", "Deny"))}
    principals: list[Json] = ["*", {"AWS": DELEGATE}, {"AWS": OWNER}]
    statement["Principal"] = random.choice(principals)
    statement["Action"] = random.choice(("ses:Send*", "ses:SendEmail", "ses:*"))
    if rules:
        statement["Condition"] = dict(rules)
    return statement


def random_send(random: Random, named: Named) -> tuple[Request, str, bool]:
    """A request as a send carries it, by one of the candidates."""
    who = random.choice(candidates(named, identity_arn=IDENTITY, principal_ids={}))
    context: dict[str, ContextValue] = {
        "ses:FromAddress": random.choice(FROM),
        "ses:Recipients": tuple(random.choice(FROM) for _ in range(random.randint(1, 3))),
        "aws:CurrentTime": random.choice((*TIMES, "2025-01-01T00:00:00Z", "2026-07-01T00:00:00Z")),
        "aws:SourceIp": random.choice(("10.1.2.3", "10.9.9.9", "192.0.2.1", "2001:db8::9", "2001:db9::9")),
    }
    if random.random() < 0.5:
        context["ses:TenantName"] = random.choice(("true", "x"))
    request = Request(
        requester=who.requester,
        action=random.choice(SENDING_ACTIONS),
        resource=IDENTITY,
        resource_account=OWNER,
        context=context,
    )
    return request, who.label, who.is_own


EVERYTHING = compile_policies(
    [("all", parse_iam_policy('{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}'))],
    kind="iam",
)


def allows(request: Request, named: Named, *, is_own: bool) -> bool:
    compiled = compile_policies(named, kind="identity")
    return decide(request, iam=EMPTY if is_own else EVERYTHING, identity=compiled).outcome is Outcome.ALLOW


@pytest.mark.parametrize("seed", range(4))
def test_no_random_request_contradicts_an_answer(seed: int) -> None:
    """Completeness: where the answer is NO, random requests find nothing either."""
    random = Random(seed)
    seen = {Verdict.YES: 0, Verdict.NO: 0, Verdict.UNKNOWN: 0}
    for _ in range(35):
        old = policies(*(random_statement(random) for _ in range(random.randint(1, 3))))
        new = policies(*(random_statement(random) for _ in range(random.randint(1, 3))))
        can = {answer.who: answer.verdict for answer in who_can_send(new, identity_arn=IDENTITY)}
        comparison = compare(old, new, identity_arn=IDENTITY)
        gained = {answer.who for answer in comparison.gained}
        seen[comparison.verdict] += 1
        for _ in range(40):
            request, who, is_own = random_send(random, [*old, *new])
            if allows(request, new, is_own=is_own):
                assert can.get(who) is not Verdict.NO, (request, new[0][1].text)
                if not allows(request, old, is_own=is_own):
                    assert who in gained, (request, old[0][1].text, new[0][1].text)
    assert seen[Verdict.UNKNOWN] == 0
    assert min(seen[Verdict.YES], seen[Verdict.NO]) > 3


def test_what_the_kind_of_a_requester_settles_is_not_left_open() -> None:
    """A user never says whom it acts for, a service always is one; only sessions have a time of issue."""
    service = "cognito-idp.amazonaws.com"
    everybody: Members = {"Principal": {"AWS": DELEGATE, "Service": service}}
    people, sessions = {"user", "role", "root", "federated"}, {"role", "federated"}
    for operator, key, value, who in (
        ("StringEquals", "aws:SourceAccount", DELEGATE, {"service"}),
        ("Null", "aws:SourceArn", "true", {*people, "service"}),
        ("Null", "aws:SourceArn", "false", {"service"}),
        ("ArnLike", "aws:SourceArn", f"arn:aws:cognito-idp:*:{DELEGATE}:*", {"service"}),
        ("Bool", "aws:PrincipalIsAWSService", "true", {"service"}),
        ("Bool", "aws:PrincipalIsAWSService", "false", people),
        ("StringEquals", "aws:PrincipalIsAWSService", "false", people),
        ("DateGreaterThan", "aws:TokenIssueTime", "2026-01-01", sessions),
        ("Null", "aws:TokenIssueTime", "true", {"user", "root", "service"}),
        ("StringLike", "aws:SourceIdentity", "a*", {"role"}),
        ("Bool", "aws:MultiFactorAuthPresent", "true", sessions),
        ("BoolIfExists", "aws:MultiFactorAuthPresent", "true", {*people, "service"}),
        ("DateGreaterThanIfExists", "aws:TokenIssueTime", "2026-01-01", {*people, "service"}),
        ("StringEquals", "aws:PrincipalType", "AssumedRole", {"role"}),
        ("StringLike", "aws:PrincipalType", "*User", {"user", "federated"}),
        ("ArnLike", "aws:PrincipalArn", f"arn:aws:iam::{DELEGATE}:role/*", {"role"}),
        ("StringNotLike", "aws:PrincipalArn", "*:role/*", {"user", "root", "federated", "service"}),
        ("StringEquals", "aws:userid", DELEGATE, {"root"}),
        ("StringLike", "aws:userid", "AROA*:night-*", {"role"}),
    ):
        answers = who_can_send(
            policies({**everybody, **condition(operator, key, value)}), identity_arn=IDENTITY
        )
        able = {answer.witness.requester.kind for answer in answers if answer.witness is not None}
        assert able == who, (operator, key)
        assert all(answer.verdict is not Verdict.UNKNOWN for answer in answers)


def test_a_stranger_may_be_a_session_root_or_federated() -> None:
    """Everybody is let in whom a condition describes: in an account that no policy names there are not only users."""
    for key, value, kind in (
        ("aws:PrincipalType", "AssumedRole", "role"),
        ("aws:PrincipalType", "Account", "root"),
        ("aws:PrincipalType", "FederatedUser", "federated"),
        ("aws:PrincipalArn", "arn:aws:iam::999900001111:role/*", "role"),
        ("aws:PrincipalArn", "arn:aws:iam::999900001111:user/team/*", "user"),
    ):
        named = policies({"Principal": "*", **condition("StringLike", key, value)})
        [stranger] = [
            answer
            for answer in who_can_send(named, identity_arn=IDENTITY)
            if answer.who == "anybody in any other account"
        ]
        assert stranger.witness is not None, key
        assert stranger.witness.requester.kind == kind
    elsewhere = condition("StringNotEquals", "aws:PrincipalAccount", OWNER)["Condition"]
    issued: Members = {
        "Principal": "*",
        "Condition": {**elsewhere, "Null": {"aws:TokenIssueTime": "false"}},  # type: ignore[dict-item]
    }
    found = {answer.who: answer for answer in who_can_send(policies(issued), identity_arn=IDENTITY)}
    witness = found["anybody in any other account"].witness
    assert witness is not None
    assert witness.requester.kind == "role"
    assert "aws:TokenIssueTime" in witness.context


@pytest.mark.parametrize(
    ("operator", "key", "value"),
    [
        ("StringEquals", "ses:ApiVersion", "3"),
        ("NumericEquals", "ses:ApiVersion", "3"),
        ("StringEquals", "aws:SecureTransport", "maybe"),
        ("StringEquals", "aws:SourceIp", "hello"),
        ("StringLike", "aws:CurrentTime", "now*"),
        ("StringEquals", "aws:RequestedRegion", "eu-west-1"),
        ("StringEquals", "aws:ResourceAccount", DELEGATE),
        ("StringNotEquals", "aws:ViaAWSService", "false"),
        ("NumericEquals", "ses:Recipients", "1"),
        ("Null", "aws:RequestedRegion", "true"),
        ("StringEquals", "aws:PrincipalAccount", "22222222222"),
        ("StringEquals", "aws:username", "a/b"),
    ],
)
def test_a_key_has_no_value_that_no_request_has(operator: str, key: str, value: str) -> None:
    assert verdicts(policies(condition(operator, key, value)))[USER_OF_DELEGATE] is Verdict.NO


def test_what_a_yes_needs_says_what_keeps_it_from_being_met() -> None:
    named = condition("StringEqualsIfExists", "ses:FromDisplayName", "News")
    [answer, *_] = [one for one in who_can_send(policies(named), identity_arn=IDENTITY) if one.needs]
    assert describe_needs(answer.needs) == ("ses:FromDisplayName equal to `News`, or absent",)
    until = condition("DateLessThan", "aws:CurrentTime", "2020-01-01T00:00:00Z")
    [answer, *_] = [one for one in who_can_send(policies(until), identity_arn=IDENTITY) if one.needs]
    said = "aws:CurrentTime before `2020-01-01T00:00:00Z`"
    assert describe_needs(answer.needs, now=1_577_836_799.0) == (said,)
    assert describe_needs(answer.needs, now=1_577_836_801.0) == (f"{said}, which has passed",)
    owned = condition("StringEquals", "aws:PrincipalOrgID", "o-1")
    [answer, *_] = [one for one in who_can_send(policies(owned), identity_arn=IDENTITY) if one.needs]
    assert describe_needs(answer.needs) == (
        "aws:PrincipalOrgID equal to `o-1`, which no request here carries",
    )


def test_a_session_is_one_of_the_role_that_a_policy_names_with_its_path() -> None:
    """The ARN of a session has the role's name alone, of which an account has one."""
    named = policies({"Principal": {"AWS": f"arn:aws:iam::{DELEGATE}:role/team/app"}})
    for account, role, is_let_in in (
        (DELEGATE, "app", True),
        (DELEGATE, "apps", False),
        (STRANGER, "app", False),
    ):
        session = read_requester(f"arn:aws:sts::{account}:assumed-role/{role}/i-1")
        assert bool(can_send(session, named, identity_arn=IDENTITY)) is is_let_in, (account, role)
