"""Policies narrowed to their history: all that was done is allowed again, and nothing that was not allowed before."""

import json
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from sesame.policy import (
    Outcome,
    Policy,
    PolicySet,
    Request,
    Verdict,
    compare,
    compile_policies,
    decide,
    generate,
    parse_identity_policy,
)
from sesame.policy.analysis.relations import implies
from sesame.policy.writing.narrowing import MOST_VALUES, Narrow, Seen
from sesame.policy.writing.suggest import Suggested, Use, suggest
from tests.policy.random_policies import DELEGATE, IDENTITY, OWNER, ROLE, SESSION, STRANGER, USER
from tests.policy.test_writing import ALL, random_answers, random_request

Named = list[tuple[str, Policy]]


def compiled(policies: Named) -> PolicySet:
    return compile_policies(policies, kind="identity")


def use_of(request: Request, policies: PolicySet) -> Use | None:
    decision = decide(request, iam=ALL, identity=policies)
    by = [ref for ref in decision.deciding if ref.kind == "identity"]
    if decision.outcome is not Outcome.ALLOW or not by:
        return None
    return Use(
        policy=by[0].policy,
        index=by[0].index,
        requester=request.requester,
        action=request.action,
        from_address=str(request.context["ses:FromAddress"]),
        seen=Seen(
            feedback_address=str(request.context["ses:FeedbackAddress"]),
            source_ip=str(request.context["aws:SourceIp"]),
            recipients=tuple(sorted({one.rpartition("@")[2] for one in request.context["ses:Recipients"]})),
        ),
    )


def after(policies: Named, suggested: tuple[Suggested, ...]) -> Named:
    """The policies with what is suggested in their place; each can be stored."""
    new = dict(policies)
    for one in suggested:
        if one.document is None:
            del new[one.name]
        else:
            new[one.name] = parse_identity_policy(one.document, identity_arn=IDENTITY)
    return list(new.items())


def random_policies(random: Random, *, networks: bool = False) -> Named:
    policies = []
    for number in range(random.randint(1, 3)):
        answers = [random_answers(random) for _ in range(random.randint(1, 2))]
        if not networks:
            answers = [replace(one, networks=()) for one in answers]
        document = json.loads(generate(*answers).document)
        if random.random() < 0.3:
            deny = {"Effect": "Deny", "Principal": "*", "Action": "ses:SendRawEmail", "Resource": IDENTITY}
            deny["Condition"] = {"StringEquals": {"ses:FromAddress": "b@example.com"}}  # type: ignore[assignment]
            document["Statement"].append(deny)
        policies.append((f"p{number}", parse_identity_policy(json.dumps(document), identity_arn=IDENTITY)))
    return policies


def test_suggestions_allow_what_was_done_and_nothing_new() -> None:
    """150 sets of policies; of 120 requests each the first half is the history."""
    random = Random(4)
    uses_in_all = whole = 0
    for _ in range(150):
        policies = random_policies(random)
        old = compiled(policies)
        requests = [random_request(random) for _ in range(120)]
        done = [(request, use) for request in requests[:60] if (use := use_of(request, old)) is not None]
        suggested = suggest(policies, [use for _, use in done])
        new = compiled(after(policies, suggested))
        is_whole = all(one.is_whole for one in suggested)
        whole += is_whole
        uses_in_all += len(done)
        for request, _ in done:
            assert decide(request, iam=ALL, identity=new).outcome is Outcome.ALLOW
        used = {(use.action, use.from_address) for _, use in done}
        for request in requests:
            if decide(request, iam=ALL, identity=new).outcome is Outcome.ALLOW:
                assert decide(request, iam=ALL, identity=old).outcome is Outcome.ALLOW
                if is_whole:
                    assert (request.action, request.context["ses:FromAddress"]) in used
    assert uses_in_all > 300
    assert whole > 60


def test_suggestions_widen_nothing_for_certain() -> None:
    """The exact comparison finds nobody who gains."""
    random = Random(5)
    for _ in range(25):
        policies = random_policies(random)
        old = compiled(policies)
        uses = [use for _ in range(60) if (use := use_of(random_request(random), old)) is not None]
        new = after(policies, suggest(policies, uses))
        gained = compare(policies, new, identity_arn=IDENTITY).gained
        assert [answer for answer in gained if answer.verdict is Verdict.YES] == []


EVERY = frozenset(Narrow)


def test_with_every_key_narrowed_all_that_was_done_is_allowed_and_nothing_new() -> None:
    """150 sets of policies; of 120 requests each the first half is the history. Networks as they are answered, too."""
    random = Random(6)
    uses_in_all = tighter = 0
    for _ in range(150):
        policies = random_policies(random, networks=random.random() < 0.5)
        old = compiled(policies)
        requests = [random_request(random) for _ in range(120)]
        done = [(request, use) for request in requests[:60] if (use := use_of(request, old)) is not None]
        uses = [use for _, use in done]
        new = compiled(after(policies, suggest(policies, uses, narrow=EVERY)))
        plain = compiled(after(policies, suggest(policies, uses)))
        uses_in_all += len(done)
        for request, _ in done:
            assert decide(request, iam=ALL, identity=new).outcome is Outcome.ALLOW
        for request in requests:
            by_new = decide(request, iam=ALL, identity=new).outcome is Outcome.ALLOW
            by_plain = decide(request, iam=ALL, identity=plain).outcome is Outcome.ALLOW
            assert not by_new or decide(request, iam=ALL, identity=old).outcome is Outcome.ALLOW
            tighter += by_plain and not by_new
    assert uses_in_all > 200
    assert tighter > 40


def test_a_policy_narrowed_by_every_key_is_in_the_present_one_for_certain() -> None:
    random = Random(7)
    for _ in range(20):
        policies = random_policies(random, networks=True)
        old = compiled(policies)
        uses = [use for _ in range(60) if (use := use_of(random_request(random), old)) is not None]
        new = after(policies, suggest(policies, uses, narrow=EVERY))
        assert implies(new, policies, identity_arn=IDENTITY).verdict is not Verdict.NO


def statement(**changes: Any) -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Principal": {"AWS": DELEGATE},
        "Action": "ses:Send*",
        "Resource": IDENTITY,
        **changes,
    }


def narrowed(*statements: dict[str, Any], uses: list[tuple[str, str, str]], index: int = 0) -> Any:
    """What becomes of a policy after uses by (principal, action, address)."""
    from sesame.policy.cases import read_requester

    text = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    policy = parse_identity_policy(text, identity_arn=IDENTITY)
    found = suggest(
        [("p", policy)],
        [
            Use(policy="p", index=index, requester=read_requester(who), action=action, from_address=address)
            for who, action, address in uses
        ],
    )
    if not found:
        return "as it is"
    return None if found[0].document is None else json.loads(found[0].document)["Statement"]


def test_each_delegate_keeps_what_it_did() -> None:
    policy = statement(Principal={"AWS": [DELEGATE, STRANGER]}, Sid="News")
    found = narrowed(
        policy,
        uses=[
            (USER, "ses:SendEmail", "news@example.com"),
            (USER, "ses:SendEmail", "other@example.com"),
            (SESSION, "ses:SendRawEmail", "bills@example.com"),
            (f"arn:aws:iam::{STRANGER}:root", "ses:SendRawEmail", "bills@example.com"),
        ],
    )
    assert found == [
        {
            "Effect": "Allow",
            "Principal": {"AWS": USER},
            "Action": "ses:SendEmail",
            "Resource": IDENTITY,
            "Sid": "News1",
            "Condition": {"StringEquals": {"ses:FromAddress": ["news@example.com", "other@example.com"]}},
        },
        {
            "Effect": "Allow",
            "Principal": {"AWS": [ROLE, STRANGER]},
            "Action": "ses:SendRawEmail",
            "Resource": IDENTITY,
            "Sid": "News2",
            "Condition": {"StringEquals": {"ses:FromAddress": "bills@example.com"}},
        },
    ]


def test_what_else_a_statement_asks_stays() -> None:
    condition = {
        "StringLike": {"ses:FromAddress": "news*@example.com", "ses:FromDisplayName": "News *"},
        "IpAddress": {"aws:SourceIp": "203.0.113.0/24"},
    }
    [found] = narrowed(statement(Condition=condition), uses=[(USER, "ses:SendEmail", "news1@example.com")])
    assert found["Condition"] == {
        "StringLike": {"ses:FromDisplayName": "News *"},
        "IpAddress": {"aws:SourceIp": "203.0.113.0/24"},
        "StringEquals": {"ses:FromAddress": "news1@example.com"},
    }


def test_what_nobody_used_goes_and_what_denies_stays() -> None:
    deny = statement(Effect="Deny", Principal="*")
    assert narrowed(statement(), deny, uses=[]) == [deny]
    assert narrowed(statement(), uses=[]) is None


def test_a_policy_that_is_as_small_as_its_use_is_left_alone() -> None:
    exact = statement(
        Principal={"AWS": USER},
        Action="ses:SendEmail",
        Condition={"StringEquals": {"ses:FromAddress": "a@example.com"}},
    )
    assert narrowed(exact, uses=[(USER, "ses:SendEmail", "a@example.com")]) == "as it is"


def test_an_address_with_a_dollar_is_no_variable() -> None:
    [found] = narrowed(statement(), uses=[(USER, "ses:SendEmail", "a${b}@example.com")])
    assert found["Condition"]["StringEquals"]["ses:FromAddress"] == "a${$}{b}@example.com"


def test_an_address_that_depends_on_who_sends_is_not_shared() -> None:
    own = statement(Condition={"StringEquals": {"ses:FromAddress": "${aws:username}@example.com"}})
    [found] = narrowed(own, uses=[(USER, "ses:SendEmail", "mailer@example.com")])
    assert found["Condition"] == own["Condition"]
    assert found["Principal"] == {"AWS": USER}


def test_the_owners_own_account_is_not_narrowed_to_its_users() -> None:
    """A user of the account that is named needs no IAM policy of its own: that would be wider."""
    [found] = narrowed(
        statement(Principal={"AWS": OWNER}),
        uses=[(f"arn:aws:iam::{OWNER}:user/own", "ses:SendEmail", "a@example.com")],
    )
    assert found["Principal"] == {"AWS": OWNER}


@pytest.mark.parametrize(("delegates", "addresses", "whole"), [(2, 3, True), (60, 1, False), (1, 300, False)])
def test_what_would_be_too_long_is_narrowed_less(delegates: int, addresses: int, whole: bool) -> None:
    from sesame.policy.cases import read_requester

    policy = parse_identity_policy(
        json.dumps({"Version": "2012-10-17", "Statement": statement()}), identity_arn=IDENTITY
    )
    uses = [
        Use(
            policy="p",
            index=0,
            requester=read_requester(f"arn:aws:iam::{DELEGATE}:user/u{number}"),
            action="ses:SendEmail",
            from_address=f"address-{number}-{at}@example.com",
        )
        for number in range(delegates)
        for at in range(addresses)
    ]
    [found] = suggest([("p", policy)], uses)
    assert found.document is not None
    assert len(found.document.encode()) <= 4096
    assert found.is_whole is whole


def by_key(uses: list[Seen], *, narrow: frozenset[Narrow] = EVERY, **condition: Any) -> Any:
    """The conditions of a statement after uses that carried this, as one address."""
    from sesame.policy.cases import read_requester

    written = {
        "Version": "2012-10-17",
        "Statement": statement(**({"Condition": condition} if condition else {})),
    }
    policy = parse_identity_policy(json.dumps(written), identity_arn=IDENTITY)
    found = [
        Use(policy="p", index=0, requester=read_requester(USER), action="ses:SendEmail",
            from_address="a@example.com", seen=seen)
        for seen in uses
    ]  # fmt: skip
    [suggested] = suggest([("p", policy)], found, narrow=narrow)
    assert suggested.document is not None
    condition = json.loads(suggested.document)["Statement"][0]["Condition"]
    condition["StringEquals"].pop("ses:FromAddress")
    return {operator: keys for operator, keys in condition.items() if keys}


KNOWN = Seen(
    feedback_address="bounces@example.com", api_version="2", source_ip="192.0.2.7", recipients=("corp.test",)
)


def test_each_key_is_narrowed_to_what_was_seen_and_only_where_it_is_asked_for() -> None:
    assert by_key([KNOWN]) == {
        "StringEquals": {"ses:FeedbackAddress": "bounces@example.com", "ses:ApiVersion": "2"},
        "IpAddress": {"aws:SourceIp": "192.0.2.7/32"},
        "ForAllValues:StringLike": {"ses:Recipients": "*@corp.test"},
    }
    assert by_key([KNOWN], narrow=frozenset()) == {}
    assert by_key([KNOWN], narrow=frozenset({Narrow.VERSION})) == {"StringEquals": {"ses:ApiVersion": "2"}}


def test_a_key_that_one_use_does_not_tell_is_not_narrowed() -> None:
    assert by_key([KNOWN, Seen()]) == {}


def test_a_key_of_too_many_values_is_not_narrowed() -> None:
    many = [
        replace(KNOWN, source_ip=f"192.0.2.{number}", recipients=(f"d{number}.test",))
        for number in range(MOST_VALUES + 1)
    ]
    assert by_key(many) == {
        "StringEquals": {"ses:FeedbackAddress": "bounces@example.com", "ses:ApiVersion": "2"}
    }
    assert len(by_key(many[:-1])["IpAddress"]["aws:SourceIp"]) == MOST_VALUES


def test_an_address_of_ipv6_is_its_network_unless_the_policy_is_narrower_already() -> None:
    seen = [replace(KNOWN, source_ip="2001:db8:1::7")]
    only = frozenset({Narrow.NETWORKS})
    assert by_key(seen, narrow=only) == {"IpAddress": {"aws:SourceIp": "2001:db8:1::/64"}}
    wide = {"IpAddress": {"aws:SourceIp": ["2001:db8::/32", "10.0.0.0/8"]}}
    assert by_key(seen, narrow=only, **wide) == {"IpAddress": {"aws:SourceIp": "2001:db8:1::/64"}}
    tight = {"IpAddress": {"aws:SourceIp": "2001:db8:1::/120"}}
    assert by_key(seen, narrow=only, **tight) == {"IpAddress": {"aws:SourceIp": "2001:db8:1::7/128"}}
    not_there = {"NotIpAddress": {"aws:SourceIp": "2001:db8:1::ff/128"}}
    assert by_key(seen, narrow=only, **not_there) == {
        **not_there,
        "IpAddress": {"aws:SourceIp": "2001:db8:1::/64"},
    }


def test_recipients_that_a_policy_names_already_stay_as_they_are() -> None:
    one = {"ForAllValues:StringEquals": {"ses:Recipients": "boss@corp.test"}}
    assert by_key([KNOWN], narrow=frozenset({Narrow.RECIPIENTS}), **one) == one


def test_a_policy_that_gets_too_long_by_it_is_narrowed_less() -> None:
    long = "b" * 60
    seen = [
        replace(
            KNOWN,
            feedback_address=f"{long}{number}@{long}.{long}.{long}.example.com",
            recipients=(f"{long}{number}.{long}.{long}.test",),
        )
        for number in range(MOST_VALUES)
    ]
    assert by_key(seen) == {}
