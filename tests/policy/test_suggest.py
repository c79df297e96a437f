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


def random_policies(random: Random) -> Named:
    policies = []
    for number in range(random.randint(1, 3)):
        answers = [replace(random_answers(random), networks=()) for _ in range(random.randint(1, 2))]
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
