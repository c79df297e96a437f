"""A decision that is repeated is the one that would be made anew, whatever is sent and changed meanwhile."""

import asyncio
import json
import random
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs

from sesame.access.authorize import SendAuthorizer
from sesame.access.directory import Directory
from sesame.access.record import decision_text
from sesame.access.repeats import MOST_KEPT, Repeats
from sesame.access.sends import SendDecision, SenderAddress, SendRequest
from sesame.db import identities_scope
from sesame.db.sqlite import SqliteStore
from sesame.mail.address import identity_candidates
from sesame.model import Caller, VerificationStatus
from sesame.policy import compile_policies, parse_stored_identity_policy
from sesame.policy.engine.decide import join_sets
from sesame.store import accounts, delegate_bounds, identities, identity_policies
from sesame.store.delegate_bounds import Bounds
from sesame.store.identity_policies import IdentityPolicy
from tests.access.test_authorize import CALLER, OWNER, REGION, SEALER, identity, request, with_authorizer

LATER = 2_000_000_000.0
DENIALS: dict[str, dict[str, dict[str, str]]] = {
    "recipient": {"ForAnyValue:StringLike": {"ses:Recipients": "*@bad.example"}},
    "time": {"DateGreaterThan": {"aws:CurrentTime": "2033-01-01T00:00:00Z"}},
    "epoch": {"NumericGreaterThan": {"AWS:EPOCHTIME": "1900000000"}},
    "agent": {"StringEquals": {"aws:UserAgent": "evil"}},
    "name": {"StringEquals": {"ses:FromDisplayName": "Boss"}},
    "address": {"StringEquals": {"ses:FromAddress": "ceo@example.com"}},
    "variable": {"StringEquals": {"aws:Referer": "${ses:Recipients}"}},
    "variable with a default": {"StringLike": {"aws:Referer": "${ aws:EpochTime , 'x'}*"}},
    "referer": {"StringEquals": {"aws:Referer": "evil"}},
}


def policy(name: str) -> IdentityPolicy:
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "ses:Send*",
        "Resource": f"arn:aws:ses:{REGION}:{OWNER}:identity/example.com",
        "Condition": DENIALS[name],
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": statement})
    return IdentityPolicy(policy_name=name.replace(" ", "-"), document=document, principal_ids={})


def a_send(draw: random.Random) -> tuple[Caller, SendRequest]:
    caller = replace(
        CALLER,
        at=draw.choice((1000.0, 1001.0, LATER)),
        user_agent=draw.choice((None, "evil", "bench")),
        referer=draw.choice((None, "evil", "to@good.example", "2000000000")),
        source_ip=draw.choice(("192.0.2.1", "192.0.2.2")),
    )
    asked = request(draw.choice(("news@example.com", "ceo@example.com", "a@other.example")))
    asked = structs.replace(
        asked,
        from_display_name=draw.choice((None, "Boss")),
        recipients=draw.choice(
            (("to@good.example",), ("to@bad.example",), ("x@good.example", "y@bad.example"))
        ),
    )
    return caller, asked


def facts(decision: SendDecision, caller: Caller, asked: SendRequest) -> object:
    checks = [
        (check.arn, check.uses, check.addresses, check.decision, check.stopped) for check in decision.checks
    ]
    plain = [decision.sending_enabled, decision.unverified, decision.identity, decision.sandboxed]
    text = decision_text(caller, asked, decision, operation="SendEmail")
    return checks, plain, decision.context, decision.epochs, text


async def decide(authorizer: SendAuthorizer, caller: Caller, asked: SendRequest) -> SendDecision:
    """As a send does: what is old is decided again."""
    for _ in range(3):
        decision = await authorizer.decide_send(caller, asked)
        if not await authorizer.is_stale(decision):
            break
        authorizer.forget(decision)
    return decision


def anew(store: SqliteStore) -> SendAuthorizer:
    directory = Directory(store, SEALER)
    return SendAuthorizer(directory, candidates=identity_candidates, owner_sandbox_counts=True)


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_sent_and_changed_a_decision_is_as_one_made_anew(seed: int, tmp_path: Path) -> None:
    draw = random.Random(seed)

    async def change(store: SqliteStore) -> None:
        match draw.randrange(6):
            case 0 | 1:
                name = draw.choice(list(DENIALS))
                await store.write(lambda tx: identity_policies.put(tx, identity("example.com"), policy(name)))
            case 2:
                name = draw.choice(list(DENIALS)).replace(" ", "-")
                await store.write(lambda tx: identity_policies.delete(tx, OWNER, REGION, "example.com", name))
            case 3:
                is_on = draw.random() < 0.8
                await store.write(lambda tx: accounts.set_sending_enabled(tx, OWNER, REGION, enabled=is_on))
            case _:
                for name in DENIALS:
                    named = name.replace(" ", "-")
                    await store.write(
                        lambda tx, named=named: identity_policies.delete(  # type: ignore[misc]
                            tx, OWNER, REGION, "example.com", named
                        )
                    )

    async def check(store: SqliteStore, directory: Directory, authorizer: SendAuthorizer) -> None:
        texts: dict[int, object] = {}
        repeated = 0
        for _ in range(500):
            if draw.random() < 0.05:
                await change(store)
            caller, asked = a_send(draw)
            decision = await decide(authorizer, caller, asked)
            fresh = await decide(anew(store), caller, asked)
            repeated += id(decision.texts) in texts
            texts[id(decision.texts)] = decision.texts  # held, so that no other has its place
            assert facts(decision, caller, asked) == facts(fresh, caller, asked)
        assert repeated > 20

    with_authorizer(tmp_path, check)


async def is_repeated(authorizer: SendAuthorizer, asked: SendRequest, caller: Caller = CALLER) -> bool:
    first = await authorizer.decide_send(caller, asked)
    second = await authorizer.decide_send(replace(caller, at=caller.at + 1), asked)
    return first.texts is second.texts


def test_only_what_was_allowed_is_repeated_and_of_a_sender_that_nobody_bounds(tmp_path: Path) -> None:
    async def check(store: SqliteStore, directory: Directory, authorizer: SendAuthorizer) -> None:
        assert await is_repeated(authorizer, request())
        assert not await is_repeated(authorizer, request("a@other.example"))
        bounds = Bounds(seq=0, owner_account_id=OWNER, region=REGION, identity="*", delegate=OWNER)
        await store.write(lambda tx: delegate_bounds.put(tx, replace(bounds, messages_per_day=10)))
        directory.forget([identities_scope(OWNER, REGION)])
        assert not await is_repeated(authorizer, request())

    with_authorizer(tmp_path, check)


def test_in_the_sandbox_nothing_is_repeated(tmp_path: Path) -> None:
    async def check(store: SqliteStore, directory: Directory, authorizer: SendAuthorizer) -> None:
        verified = identity("to@elsewhere.test", VerificationStatus.SUCCESS)
        await store.write(lambda tx: identities.create(tx, verified))
        decision = await authorizer.decide_send(CALLER, request())
        assert (decision.sandboxed, decision.unverified) == ((OWNER,), ())
        assert not await is_repeated(authorizer, request())

    with_authorizer(tmp_path, check, production=False)


def test_what_has_moved_is_not_repeated_once_it_is_known(tmp_path: Path) -> None:
    async def check(store: SqliteStore, directory: Directory, authorizer: SendAuthorizer) -> None:
        assert await is_repeated(authorizer, request())
        await store.write(lambda tx: identities.delete(tx, identity("example.com")))
        old = await authorizer.decide_send(CALLER, request())
        assert await authorizer.is_stale(old)  # the accept transaction would say the same
        assert (await authorizer.decide_send(CALLER, request())).unverified == ("news@example.com",)

    with_authorizer(tmp_path, check)


def test_the_address_is_part_of_the_question(tmp_path: Path) -> None:
    """What is written of a decision has the addresses that rest on each identity."""

    async def check(store: SqliteStore, directory: Directory, authorizer: SendAuthorizer) -> None:
        for address in ("news@example.com", "other@example.com"):
            senders = (
                SenderAddress(use="From", addr_spec=address, as_written=address, arn=None),
                SenderAddress(use="Return-Path", addr_spec=f"b-{address}", as_written="b", arn=None),
            )
            decision = await authorizer.decide_send(CALLER, structs.replace(request(), senders=senders))
            assert decision.checks[0].addresses == (address, f"b-{address}")

    with_authorizer(tmp_path, check)


@pytest.mark.parametrize("name", DENIALS)
def test_a_set_of_policies_knows_the_keys_it_asks_about(name: str) -> None:
    compiled = compile_policies([("p", parse_stored_identity_policy(policy(name).document))], kind="identity")
    wanted = {
        "recipient": {"ses:recipients"}, "time": {"aws:currenttime"}, "epoch": {"aws:epochtime"},
        "agent": {"aws:useragent"}, "name": {"ses:fromdisplayname"}, "address": {"ses:fromaddress"},
        "variable": {"aws:referer", "ses:recipients"}, "referer": {"aws:referer"},
        "variable with a default": {"aws:referer", "aws:epochtime"},
    }  # fmt: skip
    assert compiled.keys == wanted[name]


def test_a_variable_in_a_resource_is_a_key() -> None:
    text = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": {
                "Effect": "Deny", "Principal": "*", "Action": "ses:*",
                "Resource": f"arn:aws:ses:{REGION}:{OWNER}:identity/${{aws:username}}",
            },
        }
    )  # fmt: skip
    assert compile_policies([("p", parse_stored_identity_policy(text))], kind="identity").keys == {
        "aws:username"
    }


def test_sets_that_are_joined_ask_about_the_keys_of_both() -> None:
    one, other = (
        compile_policies([("p", parse_stored_identity_policy(policy(name).document))], kind="identity")
        for name in ("recipient", "agent")
    )
    assert join_sets(one, other).keys == {"ses:recipients", "aws:useragent"}


def test_no_more_answers_are_kept_than_there_is_room_for(tmp_path: Path) -> None:
    async def session() -> None:
        store = SqliteStore(tmp_path / "db")
        try:
            await store.read(accounts.all_accounts)
            repeats: Repeats[SendDecision] = Repeats(Directory(store, SEALER))
            empty = SendDecision(
                context={}, sending_enabled=True, checks=(), unverified=(), identity="", owner_account_id="",
                default_configuration_set=None, epochs={},
            )  # fmt: skip
            for number in range(MOST_KEPT + 1):
                repeats.keep(number, empty)
                assert repeats.find(1 if number else 0) is empty
            assert repeats.find(0) is None  # the one that was not asked for longest
            assert repeats.find(1) is empty
        finally:
            store.close()

    asyncio.run(session())
