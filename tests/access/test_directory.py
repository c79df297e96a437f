"""What a node caches: true by epoch, and policies bound to the users they were written for."""

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from sesame.access.directory import Directory, Held
from sesame.db.sqlite import SqliteStore
from sesame.model import AccountId, Identity, IdentityKind, VerificationStatus
from sesame.policy import EMPTY, Outcome, Request, Requester, decide
from sesame.store import accounts, identities, identity_policies, tags
from sesame.store.iam import roles, users
from sesame.store.iam.roles import Role
from sesame.store.iam.users import AccessKey, User
from sesame.store.identity_policies import IdentityPolicy
from sesame.store.sealed import Sealer
from tests.support.stored_accounts import an_account

OWNER, DELEGATE, REGION = AccountId("111111111111"), AccountId("222222222222"), "us-east-1"
ARN = f"arn:aws:ses:{REGION}:{OWNER}:identity/example.com"
USER_ARN = f"arn:aws:iam::{DELEGATE}:user/mailer"
SEALER = Sealer(b"k" * 32, random_bytes=secrets.token_bytes)


def allowing(action: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"AWS": USER_ARN}, "Action": action, "Resource": ARN}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


IDENTITY = Identity(
    account_id=OWNER, region=REGION, name="example.com", kind=IdentityKind.DOMAIN,
    verification=VerificationStatus.SUCCESS, verification_token="t", created_at=0.0,
    dkim_enabled=True, dkim_status=VerificationStatus.NOT_STARTED, dkim_tokens=(),
)  # fmt: skip


def user(user_id: str) -> User:
    return User(account_id=DELEGATE, user_name="mailer", path="/", user_id=user_id, tags="[]", created_at=0.0)


def with_store(tmp_path: Path, function: Callable[[SqliteStore, Directory], Awaitable[None]]) -> None:
    async def session() -> None:
        store = SqliteStore(tmp_path / "db")
        try:
            for account_id in (OWNER, DELEGATE):
                account = an_account(account_id)
                await store.write(lambda tx, account=account: accounts.create(tx, account))  # type: ignore[misc]
            await store.write(lambda tx: identities.create(tx, IDENTITY))
            await function(store, Directory(store, SEALER))
        finally:
            store.close()

    asyncio.run(session())


async def put_policy(store: SqliteStore, name: str, user_id: str, *, action: str = "ses:SendEmail") -> None:
    policy = IdentityPolicy(policy_name=name, document=allowing(action), principal_ids={USER_ARN: user_id})
    await store.write(lambda tx: identity_policies.put(tx, IDENTITY, policy))


async def may_send(directory: Directory, user_id: str, *, action: str = "ses:SendEmail") -> bool:
    found, _ = await directory.identity(OWNER, REGION, "example.com")
    assert found is not None
    request = Request(
        requester=Requester(arn=USER_ARN, account_id=DELEGATE, kind="user", user_id=user_id),
        action=action,
        resource=ARN,
        resource_account=DELEGATE,  # as if the same account, so that the identity policy alone decides
        context={},
    )
    return decide(request, iam=EMPTY, identity=found.policies.compiled).outcome is Outcome.ALLOW


def test_a_user_made_again_under_the_same_name_gains_nothing(tmp_path: Path) -> None:
    async def check(store: SqliteStore, directory: Directory) -> None:
        await put_policy(store, "first", "AIDAOLD")
        assert await may_send(directory, "AIDAOLD")
        assert not await may_send(directory, "AIDANEW")

    with_store(tmp_path, check)


def test_a_policy_for_the_new_user_does_not_wake_the_old_one(tmp_path: Path) -> None:
    """Two policies name the same ARN, each bound to another user who had it."""

    async def check(store: SqliteStore, directory: Directory) -> None:
        await store.write(lambda tx: users.create_user(tx, user("AIDANEW")))
        await put_policy(store, "first", "AIDAOLD")
        await put_policy(store, "second", "AIDANEW", action="ses:SendRawEmail")
        assert await may_send(directory, "AIDANEW", action="ses:SendRawEmail")
        assert not await may_send(directory, "AIDANEW"), "the first policy was written for another user"

    with_store(tmp_path, check)


def test_what_changed_in_the_store_is_stale_and_read_again(tmp_path: Path) -> None:
    async def check(store: SqliteStore, directory: Directory) -> None:
        scope = f"identities:{OWNER}:{REGION}"
        _, before = await directory.identity(OWNER, REGION, "example.com")
        await store.write(lambda tx: identities.delete(tx, IDENTITY))
        cached, _ = await directory.identity(OWNER, REGION, "example.com")
        assert cached is not None, "cached until somebody asks whether it is stale"
        assert await directory.is_stale({scope: before})
        found, after = await directory.identity(OWNER, REGION, "example.com")
        assert found is None
        assert not await directory.is_stale({scope: after})

    with_store(tmp_path, check)


def test_an_unknown_key_is_not_remembered(tmp_path: Path) -> None:
    async def check(store: SqliteStore, directory: Directory) -> None:
        assert await directory.credential("AKIAX") is None
        key = AccessKey(
            access_key_id="AKIAX", account_id=OWNER, user_id=OWNER, status="Active", created_at=0.0,
            sealed_secret=SEALER.seal(b"secret", row="access_key:AKIAX"),
        )  # fmt: skip
        await store.write(lambda tx: users.create_key(tx, key))
        found = await directory.credential("AKIAX")
        assert found is not None
        assert (found.secret_access_key, found.principal.arn) == ("secret", f"arn:aws:iam::{OWNER}:root")

    with_store(tmp_path, check)


def test_the_cache_is_bounded_in_all_and_what_is_used_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sesame.access.directory.MAX_ENTRIES", 10)

    async def check(store: SqliteStore, directory: Directory) -> None:
        for number in range(40):
            await directory.account_state(OWNER, REGION)
            await directory.account_state(f"{number:012}", REGION)  # a scope for each
            await directory.identity(OWNER, REGION, f"name{number % 7}.example")
            held = sum(map(len, directory._scopes.values()))
            assert held <= 10
            assert directory._entries == sum(scope.counted for scope in directory._scopes.values())
        assert f"account:{OWNER}" in directory._scopes
        for number in range(40):  # one scope with more than all may have
            await directory.identity(OWNER, REGION, f"other{number}.example")
            assert sum(map(len, directory._scopes.values())) <= 10

    with_store(tmp_path, check)


def test_what_several_resources_have_is_what_each_has(tmp_path: Path) -> None:
    """Users and roles of two accounts, with paths, in other case, and those that are not there; tags of the rest."""

    async def function(store: SqliteStore, directory: Directory) -> None:
        made = (
            (OWNER, "anna", "/"),
            (OWNER, "Ben", "/a/b/"),
            (DELEGATE, "anna", "/c/"),
        )
        for number, (account_id, name, path) in enumerate(made):
            tagged = json.dumps([{"Key": "n", "Value": str(number)}])
            common = {"account_id": account_id, "path": path, "tags": tagged, "created_at": 0.0}
            one = User(user_name=name, user_id=f"AIDA{number}", permissions_boundary=f"b{number}", **common)  # type: ignore[arg-type]
            role = Role(
                role_name=name, role_id=f"AROA{number}", description="", max_session_s=3600, trust_policy="{}",
                principal_ids={}, permissions_boundary="", **common,  # type: ignore[arg-type]
            )  # fmt: skip
            await store.write(lambda tx, one=one: users.create_user(tx, one))  # type: ignore[misc]
            await store.write(lambda tx, role=role: roles.put(tx, role))  # type: ignore[misc]
        policy = f"arn:aws:iam::{OWNER}:policy/p"
        for arn in (ARN, policy):
            await store.write(lambda tx, arn=arn: tags.put(tx, arn, {"of": arn}))  # type: ignore[misc]
        ends = ("anna", "ANNA", "a/b/Ben", "Ben", "c/anna", "nobody", "")
        asked = [
            f"arn:aws:iam::{account}:{kind}/{end}"
            for account in (OWNER, DELEGATE, "333333333333")
            for kind in ("user", "role", "group")
            for end in ends
        ]
        asked += [ARN, policy, "*", "arn:aws:iam::x:user", "arn:aws:ses:us-east-1:111111111111:identity/none"]
        together = await directory.held_by(asked)
        each = {arn: (await directory.held(arn))[0] for arn in asked}
        assert {arn: together.get(arn, Held()) for arn in asked} == each
        assert sum(each[arn] != Held() for arn in asked) == 8

    with_store(tmp_path, function)
