"""Decisions about sends under change: what was read on two sides of a change counts as old."""

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs

from sesame.access.authorize import SendAuthorizer
from sesame.access.directory import Directory
from sesame.access.sends import SenderAddress, SendRequest
from sesame.db import account_scope, epoch, identities_scope
from sesame.db.sqlite import SqliteStore
from sesame.errors import InvalidParameterValue
from sesame.mail.address import identity_candidates
from sesame.model import (
    AccountId,
    Caller,
    Identity,
    IdentityKind,
    Principal,
    PrincipalKind,
    VerificationStatus,
)
from sesame.policy import Outcome
from sesame.store import accounts, identities, identity_policies
from sesame.store.iam import users
from sesame.store.iam.users import AccessKey
from sesame.store.identity_policies import IdentityPolicy
from sesame.store.sealed import Sealer
from tests.support.stored_accounts import an_account

OWNER, REGION = AccountId("111111111111"), "us-east-1"
SEALER = Sealer(b"k" * 32, random_bytes=secrets.token_bytes)
ROOT = Principal(
    kind=PrincipalKind.ROOT, account_id=OWNER, arn=f"arn:aws:iam::{OWNER}:root", user_id=OWNER, name="root"
)
CALLER = Caller(
    principal=ROOT, access_key_id="AKIAROOT", region=REGION, source_ip="192.0.2.1", secure_transport=True,
    user_agent=None, at=1000.0, request_id="r",
)  # fmt: skip


def identity(name: str, status: VerificationStatus = VerificationStatus.SUCCESS) -> Identity:
    return Identity(
        account_id=OWNER, region=REGION, name=name, verification=status, verification_token=name,
        kind=IdentityKind.ADDRESS if "@" in name else IdentityKind.DOMAIN, created_at=0.0, dkim_enabled=True,
        dkim_status=VerificationStatus.NOT_STARTED, dkim_tokens=(),
    )  # fmt: skip


def request(address: str = "news@example.com", arn: str | None = None) -> SendRequest:
    return SendRequest(
        action="ses:SendEmail", api_version="1", from_display_name=None, feedback_address=address,
        recipients=("to@elsewhere.test",),
        senders=(SenderAddress(use="From", addr_spec=address, as_written=address, arn=arn),),
    )  # fmt: skip


def with_authorizer(
    tmp_path: Path,
    function: Callable[[SqliteStore, Directory, SendAuthorizer], Awaitable[None]],
    *,
    production: bool = True,
) -> None:
    async def session() -> None:
        store = SqliteStore(tmp_path / "db")
        account = an_account(OWNER, production=production)
        key = AccessKey(
            access_key_id="AKIAROOT", account_id=OWNER, user_id=OWNER, status="Active", created_at=0.0,
            sealed_secret=SEALER.seal(b"s", row="access_key:AKIAROOT"),
        )  # fmt: skip
        try:
            await store.write(lambda tx: accounts.create(tx, account))
            await store.write(lambda tx: users.create_key(tx, key))
            await store.write(lambda tx: identities.create(tx, identity("example.com")))
            directory = Directory(store, SEALER)
            authorizer = SendAuthorizer(directory, candidates=identity_candidates, owner_sandbox_counts=True)
            await function(store, directory, authorizer)
        finally:
            store.close()

    asyncio.run(session())


def test_reads_on_two_sides_of_a_change_are_stale(tmp_path: Path) -> None:
    """The address is looked up before the change and the domain after it: the decision is old."""

    async def check(store: SqliteStore, directory: Directory, authorizer: SendAuthorizer) -> None:
        await directory.identity(OWNER, REGION, "news@example.com")  # cached: there is none
        await store.write(
            lambda tx: identities.create(tx, identity("news@example.com", VerificationStatus.FAILED))
        )
        decision = await authorizer.decide_send(CALLER, request())
        scope = identities_scope(OWNER, REGION)
        assert decision.epochs[scope] < await store.read(lambda tx: epoch(tx, scope))
        assert await authorizer.is_stale(decision)

    with_authorizer(tmp_path, check)


def test_a_pause_between_two_reads_of_the_account_is_not_lost(tmp_path: Path) -> None:
    async def check(store: SqliteStore, directory: Directory, authorizer: SendAuthorizer) -> None:
        await authorizer.decide_send(CALLER, request())
        await store.write(lambda tx: accounts.set_sending_enabled(tx, OWNER, REGION, enabled=False))
        old = await authorizer.decide_send(CALLER, request())
        assert old.sending_enabled
        assert old.epochs[account_scope(OWNER)] < await store.read(lambda tx: epoch(tx, account_scope(OWNER)))
        authorizer.forget(old)
        assert not (await authorizer.decide_send(CALLER, request())).sending_enabled

    with_authorizer(tmp_path, check)


def test_the_most_specific_verified_identity_is_the_one(tmp_path: Path) -> None:
    async def check(store: SqliteStore, directory: Directory, authorizer: SendAuthorizer) -> None:
        for name in ("mail.example.com", "news@mail.example.com"):
            await store.write(lambda tx, name=name: identities.create(tx, identity(name)))  # type: ignore[misc]
        pending = identity("raw@mail.example.com", VerificationStatus.PENDING)
        await store.write(lambda tx: identities.create(tx, pending))
        for address, expected in (
            ("news+label@mail.example.com", "news@mail.example.com"),
            ("NEWS@mail.example.com", "mail.example.com"),
            ("raw@mail.example.com", "mail.example.com"),
            ("x@a.b.mail.EXAMPLE.com", "mail.example.com"),
            ("x@example.com", "example.com"),
        ):
            decision = await authorizer.decide_send(CALLER, request(address))
            assert (address, decision.identity, decision.unverified) == (address, expected, ())

    with_authorizer(tmp_path, check)


@pytest.mark.parametrize(
    "arn",
    [
        "example.com",
        "arn:aws:ses:us-east-1:111111111111:example.com",
        "arn:aws:ses:us-east-1:111111111111:identity/",
        "arn:aws:sns:us-east-1:111111111111:identity/example.com",
        "arn:aws:ses:us-east-1::identity/example.com",
        f"arn:aws:ses:us-east-1:{OWNER}:identity/other.example",
        f"arn:aws:ses:us-east-1:{OWNER}:identity/ample.com",
        f"arn:aws:ses:us-east-1:{OWNER}:identity/other@example.com",
    ],
)
def test_an_arn_that_cannot_be_meant_is_a_wrong_parameter(arn: str, tmp_path: Path) -> None:
    async def check(store: SqliteStore, directory: Directory, authorizer: SendAuthorizer) -> None:
        with pytest.raises(InvalidParameterValue):
            await authorizer.decide_send(CALLER, request(arn=arn))

    with_authorizer(tmp_path, check)


def test_an_arn_of_another_region_is_not_verified_here(tmp_path: Path) -> None:
    async def check(store: SqliteStore, directory: Directory, authorizer: SendAuthorizer) -> None:
        arn = f"arn:aws:ses:eu-west-1:{OWNER}:identity/example.com"
        decision = await authorizer.decide_send(CALLER, request(arn=arn))
        assert decision.unverified == ("news@example.com",)

    with_authorizer(tmp_path, check)


def arn_of(name: str, owner: str = OWNER) -> str:
    return f"arn:aws:ses:{REGION}:{owner}:identity/{name}"


async def deny(store: SqliteStore, name: str, status: VerificationStatus) -> None:
    """Add an identity whose only policy denies everybody."""
    statement = {"Effect": "Deny", "Principal": "*", "Action": "ses:Send*", "Resource": arn_of(name)}
    document = json.dumps({"Version": "2012-10-17", "Statement": statement})
    policy = IdentityPolicy(policy_name="p", document=document, principal_ids={})
    await store.write(lambda tx: identities.create(tx, identity(name, status)))
    await store.write(lambda tx: identity_policies.put(tx, identity(name), policy))


@pytest.mark.parametrize("use", ["From", "Source", "Sender", "Return-Path"])
@pytest.mark.parametrize("arn", [arn_of("example.com"), None])
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize(
    "address", ["ceo@example.com", "ceo+x@example.com", "ceo@EXAMPLE.com", "a@deep.example.com"]
)
def test_a_deny_on_a_more_specific_identity_counts_for_each_address(
    use: str, arn: str | None, first: bool, address: str, tmp_path: Path
) -> None:
    """Whichever address it is, wherever it stands, and whether an ARN is named or not."""

    async def check(store: SqliteStore, directory: Directory, authorizer: SendAuthorizer) -> None:
        for name in ("ceo@example.com", "deep.example.com"):
            await deny(store, name, VerificationStatus.PENDING)
        senders = [
            SenderAddress(use=f"other than {use}", addr_spec=other, as_written=other, arn=arn)
            for other in ("robot@example.com", "info@example.com")
        ]
        denied = SenderAddress(use=use, addr_spec=address, as_written=address, arn=arn)
        senders.insert(0 if first else 2, denied)
        decision = await authorizer.decide_send(CALLER, structs.replace(request(), senders=tuple(senders)))
        assert decision.denied is not None
        assert decision.denied.decision.outcome is Outcome.EXPLICIT_DENY
        assert decision.denied.arn in (arn_of("ceo@example.com"), arn_of("deep.example.com"))
        senders.remove(denied)
        decision = await authorizer.decide_send(CALLER, structs.replace(request(), senders=tuple(senders)))
        assert decision.denied is None and not decision.unverified

    with_authorizer(tmp_path, check)


@pytest.mark.parametrize(
    "status", [status for status in VerificationStatus if status is not VerificationStatus.SUCCESS]
)
def test_a_deny_on_ones_own_identity_that_is_not_verified_holds_without_an_arn(
    status: VerificationStatus, tmp_path: Path
) -> None:
    async def check(store: SqliteStore, directory: Directory, authorizer: SendAuthorizer) -> None:
        await deny(store, "ceo@example.com", status)
        for arn in (None, arn_of("example.com")):
            decision = await authorizer.decide_send(CALLER, request("ceo@example.com", arn))
            assert decision.denied is not None and decision.denied.arn == arn_of("ceo@example.com")

    with_authorizer(tmp_path, check)


def test_a_recipient_in_the_sandbox_is_checked_under_its_own_owner(tmp_path: Path) -> None:
    """A foreign identity of the same name, for the sender, does not stand in for it."""
    other = AccountId("222222222222")

    async def check(store: SqliteStore, directory: Directory, authorizer: SendAuthorizer) -> None:
        account = an_account(other)
        await store.write(lambda tx: accounts.create(tx, account))
        await store.write(
            lambda tx: identities.create(
                tx, replace(identity("example.com"), account_id=other, verification_token="o")
            )
        )
        sender = SenderAddress(
            use="From", addr_spec="a@example.com", as_written="a", arn=arn_of("example.com", other)
        )
        asked = structs.replace(
            request(), senders=(sender,), recipients=("to@example.com", "too@example.com")
        )
        decision = await authorizer.decide_send(CALLER, asked)
        assert [(check.arn, check.uses) for check in decision.checks] == [
            (arn_of("example.com", other), ("From",)),
            (arn_of("example.com"), ("Recipient", "Recipient")),
        ]

    with_authorizer(tmp_path, check, production=False)
