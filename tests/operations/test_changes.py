"""Permission, epochs, change and audit row are one: what is let through, decided again, kept and told."""

import asyncio
import io
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from sesame.access.changes import StalePermit
from sesame.admin.audit import export, verify
from sesame.app.api import Doors
from sesame.app.foundation import Services
from sesame.aws.errors import NoSuchEntity
from sesame.aws.model import ServiceModel
from sesame.config import load
from sesame.db import Transaction
from sesame.errors import AccessDenied, ServiceError
from sesame.model import SYSTEM_ACCOUNT, Caller, IdentityKind
from sesame.observe import Log
from sesame.operations.changes import Calls
from sesame.store import accounts, identities, tags
from tests.support.clock import FakeClock

REGION = "us-east-1"
ALLOW = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
)


@dataclass
class World:
    """One account, its root and a user with every permission."""

    services: Services
    doors: Doors
    account: str
    root: Caller
    user: Caller

    async def call(self, caller: Caller, service: str, operation: str, **request: Any) -> Any:
        return await self.doors.handlers[service][operation](caller, request)

    async def log(self, account: str | None = None) -> list[dict[str, Any]]:
        rows = export(self.services.store, account_id=account or self.account)
        return [json.loads(row.body) async for row in rows]

    async def since(self, known: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return (await self.log())[len(known) :]


async def caller_of(doors: Doors, access_key_id: str) -> Caller:
    credential = await doors.directory.credential(access_key_id)
    assert credential is not None
    return Caller(
        principal=credential.principal, access_key_id=access_key_id, region=REGION, source_ip="203.0.113.9",
        secure_transport=True, user_agent="agent/1", at=1_800_000_000.0, request_id="request-1",
    )  # fmt: skip


def with_world(
    tmp_path: Path, function: Callable[[World], Awaitable[None]], *, production: bool = True
) -> None:
    async def session() -> None:
        settings = load(None, environ={}, flags={"data": str(tmp_path / "data")})
        clock = FakeClock()
        log = Log(io.StringIO(), as_json=True, clock=clock)
        services = Services(settings, log=log, clock=clock, durable=False)
        try:
            doors = Doors(services, accepted=lambda *_: None)
            keys = await services.operator.create_account("a", production=production)
            own = await services.operator.create_user(keys.account_id, "u", policy=ALLOW)
            await function(
                World(
                    services,
                    doors,
                    keys.account_id,
                    await caller_of(doors, keys.access_key_id),
                    await caller_of(doors, own.access_key_id),
                )
            )
        finally:
            services.close()

    asyncio.run(session())


async def pause(tx: Transaction, account: str) -> None:
    await accounts.set_sending_enabled(tx, account, REGION, enabled=False)


async def is_paused(world: World) -> bool:
    state = await world.services.store.read(lambda tx: accounts.region_state(tx, world.account, REGION))
    assert state is not None
    return not state.sending_enabled


def called(caller: Caller) -> Caller:
    """The caller as an operation gets it."""
    from sesame.model import ApiCall

    return replace(caller, call=ApiCall(source="ses.amazonaws.com", name="Pause", parameters={}))


def test_a_permit_whose_policy_has_gone_changes_nothing(tmp_path: Path) -> None:
    async def check(world: World) -> None:
        permit = await world.doors.authorizer.require(called(world.user), "ses:UpdateAccountSendingEnabled")
        await world.call(world.root, "iam", "DeleteUserPolicy", UserName="u", PolicyName="operator")
        known = await world.log()
        with pytest.raises(StalePermit):
            await permit.apply(lambda tx: pause(tx, world.account))
        assert not await is_paused(world)
        assert await world.since(known) == []
        with pytest.raises(AccessDenied):
            await world.doors.authorizer.require(called(world.user), "ses:UpdateAccountSendingEnabled")

    with_world(tmp_path, check)


def test_a_permit_rests_on_the_tags_that_policy_saw(tmp_path: Path) -> None:
    async def check(world: World) -> None:
        await world.call(world.root, "sesv2", "CreateConfigurationSet", ConfigurationSetName="s")
        arn = f"arn:aws:ses:{REGION}:{world.account}:configuration-set/s"
        permit = await world.doors.authorizer.require(called(world.user), "ses:DeleteConfigurationSet", arn)
        await world.call(
            world.root, "sesv2", "TagResource", ResourceArn=arn, Tags=[{"Key": "team", "Value": "red"}]
        )
        with pytest.raises(StalePermit):
            await permit.apply(lambda tx: pause(tx, world.account))

    with_world(tmp_path, check)


def test_a_permit_rests_on_the_arn_that_the_user_had(tmp_path: Path) -> None:
    """Policy was asked about `user/t`; who has the name now is another, with a path of its own."""

    async def check(world: World) -> None:
        await world.call(world.root, "iam", "CreateUser", UserName="t")
        iam = world.doors.handlers["iam"]
        seen: list[str] = []
        inner = world.doors.authorizer.require

        async def require(caller: Caller, action: str, resource: str = "*", **more: Any) -> Any:
            seen.append(resource)
            if len(seen) == 1:
                del world.doors.authorizer.require
                await iam["DeleteUser"](world.root, {"UserName": "t"})
                await iam["CreateUser"](world.root, {"UserName": "t", "Path": "/kept/"})
                world.doors.authorizer.require = require  # type: ignore[method-assign]
            return await inner(caller, action, resource, **more)

        world.doors.authorizer.require = require  # type: ignore[method-assign]
        await iam["DeleteUser"](world.user, {"UserName": "t"})
        assert seen == [f"arn:aws:iam::{world.account}:user/t", f"arn:aws:iam::{world.account}:user/kept/t"]

    with_world(tmp_path, check)


def test_what_is_refused_in_its_transaction_leaves_no_row(tmp_path: Path) -> None:
    async def check(world: World) -> None:
        known = await world.log()
        with pytest.raises(NoSuchEntity):
            await world.call(
                world.root, "iam", "DeletePolicy", PolicyArn=f"arn:aws:iam::{world.account}:policy/x"
            )
        assert await world.since(known) == []

    with_world(tmp_path, check)


def test_an_operation_is_decided_again_when_its_permission_goes_meanwhile(tmp_path: Path) -> None:
    async def check(world: World) -> None:
        runs = 0

        async def handler(caller: Caller, request: Mapping[str, Any]) -> Mapping[str, Any]:
            nonlocal runs
            runs += 1
            permit = await world.doors.authorizer.require(caller, "ses:UpdateAccountSendingEnabled")
            if runs == 1:
                await world.call(world.root, "iam", "DeleteUserPolicy", UserName="u", PolicyName="operator")
            await permit.apply(lambda tx: pause(tx, world.account))
            return {}

        calls = Calls(world.doors.authorizer.changes)
        decided = calls.decided({"UpdateAccountSendingEnabled": handler}, ServiceModel.load("ses"))
        with pytest.raises(AccessDenied):
            await decided["UpdateAccountSendingEnabled"](world.user, {"Enabled": False})
        assert runs == 2
        assert not await is_paused(world)
        refused = (await world.log())[-1]
        assert (refused["eventName"], refused["errorCode"]) == ("UpdateAccountSendingEnabled", "AccessDenied")
        assert refused["requestParameters"] == {"enabled": False}

    with_world(tmp_path, check)


def test_many_changes_of_an_account_at_once_all_get_their_turn(tmp_path: Path) -> None:
    async def check(world: World) -> None:
        known = await world.log()
        async with asyncio.TaskGroup() as group:
            for number in range(64):
                group.create_task(world.call(world.user, "iam", "CreateUser", UserName=f"n{number}"))
        found = await world.since(known)
        assert {event["requestParameters"]["userName"] for event in found} == {f"n{n}" for n in range(64)}
        assert len(found) == 64

    with_world(tmp_path, check)


def test_a_change_is_told_as_cloudtrail_tells_it(tmp_path: Path) -> None:
    async def check(world: World) -> None:
        known = await world.log()
        await world.call(
            world.user, "iam", "CreateUser", UserName="t", Tags=[{"Key": "team", "Value": "red"}]
        )
        [event] = await world.since(known)
        del event["eventID"]
        assert event == {
            "eventVersion": "1.11",
            "userIdentity": {
                "type": "IAMUser",
                "principalId": world.user.principal.user_id,
                "arn": f"arn:aws:iam::{world.account}:user/u",
                "accountId": world.account,
                "accessKeyId": world.user.access_key_id,
                "userName": "u",
            },
            "eventTime": "2027-01-15T08:00:00Z",
            "eventSource": "iam.amazonaws.com",
            "eventName": "CreateUser",
            "awsRegion": REGION,
            "sourceIPAddress": "203.0.113.9",
            "userAgent": "agent/1",
            "requestParameters": {"userName": "t", "tags": [{"key": "team", "value": "red"}]},
            "responseElements": None,
            "requestID": "request-1",
            "readOnly": False,
            "eventType": "AwsApiCall",
            "managementEvent": True,
            "eventCategory": "Management",
            "recipientAccountId": world.account,
            "additionalEventData": {
                "action": "iam:CreateUser",
                "resource": f"arn:aws:iam::{world.account}:user/t",
                "changed": [
                    {"of": "user t", "field": "path", "before": None, "after": "/"},
                    {
                        "of": "user t",
                        "field": "tags",
                        "before": None,
                        "after": '[{"Key": "team", "Value": "red"}]',
                    },
                ],
            },
        }

    with_world(tmp_path, check)


def test_keys_are_told_by_their_ids_and_never_by_their_secrets(tmp_path: Path) -> None:
    async def check(world: World) -> None:
        made = (await world.call(world.root, "iam", "CreateAccessKey", UserName="u"))["AccessKey"]
        service = await world.services.service_principals.create("s.example")
        revealed = await world.services.operator.access_key(
            world.account, "u", access_key_id=made["AccessKeyId"]
        )
        own = [*await world.log(), *await world.log(SYSTEM_ACCOUNT)]
        text = json.dumps(own)
        for secret in (made["SecretAccessKey"], service.secret_access_key, revealed.secret_access_key):
            assert secret not in text
        assert [event["eventName"] for event in own[-3:]] == [
            "CreateAccessKey", "RevealAccessKey", "CreateService",
        ]  # fmt: skip
        assert own[-3]["responseElements"]["accessKey"]["accessKeyId"] == made["AccessKeyId"]
        assert own[-2]["responseElements"] == {"accessKeyId": made["AccessKeyId"]}
        assert own[-2]["userIdentity"]["type"] == "Operator"

    with_world(tmp_path, check)


def test_refused_calls_are_kept_whoever_reads_or_changes(tmp_path: Path) -> None:
    async def check(world: World) -> None:
        await world.call(world.root, "iam", "DeleteUserPolicy", UserName="u", PolicyName="operator")
        world.doors.directory.forget((f"account:{world.account}",))
        known = await world.log()
        for service, operation, request in (
            ("ses", "DeleteIdentity", {"Identity": "x.test"}),
            ("iam", "GetUser", {"UserName": "u"}),
            ("sns", "CreateTopic", {"Name": "t"}),
            (
                "sts",
                "AssumeRole",
                {"RoleArn": f"arn:aws:iam::{world.account}:role/r", "RoleSessionName": "s"},
            ),
        ):
            with pytest.raises(ServiceError):
                await world.call(world.user, service, operation, **request)
        assert [(event["eventName"], event["errorCode"]) for event in await world.since(known)] == [
            ("DeleteIdentity", "AccessDenied"),
            ("GetUser", "AccessDenied"),
            ("CreateTopic", "AuthorizationError"),
            ("AssumeRole", "AccessDenied"),
        ]

    with_world(tmp_path, check)


def test_a_refused_send_is_told_without_content_and_recipients(tmp_path: Path) -> None:
    async def check(world: World) -> None:
        known = await world.log()
        with pytest.raises(ServiceError):
            await world.call(
                world.user,
                "ses",
                "SendEmail",
                Source="news@nobody.test",
                Destination={"ToAddresses": ["secret-reader@elsewhere.test"]},
                Message={"Subject": {"Data": "secret-subject"}, "Body": {"Text": {"Data": "secret-body"}}},
            )
        [event] = await world.since(known)
        assert (event["eventName"], event["errorCode"]) == ("SendEmail", "MessageRejected")
        parameters = event["requestParameters"]
        assert parameters["recipients"] == 1
        assert parameters["notVerified"] == ["news@nobody.test"]
        assert parameters["senders"][0]["address"] == "news@nobody.test"
        assert "secret" not in json.dumps(event)

    with_world(tmp_path, check)


@pytest.mark.parametrize("is_verified", [True, False], ids=["verified", "unverified"])
@pytest.mark.parametrize("operation", ["SendEmail", "SendRawEmail"])
def test_a_refused_send_from_the_sandbox_is_told_without_its_recipients(
    tmp_path: Path, operation: str, is_verified: bool
) -> None:
    async def check(world: World) -> None:
        if is_verified:
            await world.services.verification.vouch(world.account, REGION, "example.com", IdentityKind.DOMAIN)
        known = await world.log()
        mail = b"From: news@example.com\r\nTo: secret-one@elsewhere.test\r\n\r\nsecret-body"
        content: dict[str, Any] = (
            {"RawMessage": {"Data": mail}}
            if operation == "SendRawEmail"
            else {
                "Source": "news@example.com",
                "Destination": {"ToAddresses": ["secret-one@elsewhere.test", "secret-two@elsewhere.test"]},
                "Message": {"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "secret-body"}}},
            }
        )
        with pytest.raises(ServiceError) as refused:
            await world.call(world.user, "ses", operation, **content)
        assert "secret-one@elsewhere.test" in refused.value.message
        [event] = await world.since(known)
        assert event["errorCode"] == "MessageRejected"
        failed = [] if is_verified else ["news@example.com"]
        assert event["requestParameters"]["notVerified"] == failed
        assert event["errorMessage"].endswith(": " + ", ".join([*failed, "HIDDEN_DUE_TO_SECURITY_REASONS"]))
        assert "secret" not in json.dumps(event)

    with_world(tmp_path, check, production=False)


def test_a_session_is_told_when_it_is_opened(tmp_path: Path) -> None:
    async def check(world: World) -> None:
        trust = {"Effect": "Allow", "Principal": {"AWS": world.account}, "Action": "sts:AssumeRole"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        await world.call(world.root, "iam", "CreateRole", RoleName="r", AssumeRolePolicyDocument=document)
        arn = f"arn:aws:iam::{world.account}:role/r"
        made = await world.call(world.user, "sts", "AssumeRole", RoleArn=arn, RoleSessionName="job")
        event = (await world.log())[-1]
        assert event["responseElements"]["accessKeyId"] == made["Credentials"]["AccessKeyId"]
        assert event["requestParameters"] == {"roleArn": arn, "roleSessionName": "job"}
        text = json.dumps(event)
        assert made["Credentials"]["SecretAccessKey"] not in text
        assert made["Credentials"]["SessionToken"] not in text

    with_world(tmp_path, check)


def test_an_identity_is_made_with_all_that_was_asked_for_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def check(world: World) -> None:
        async def fails(*_: object) -> None:
            raise RuntimeError("the last statement fails")

        known = await world.log()
        with monkeypatch.context() as patch, pytest.raises(RuntimeError):
            patch.setattr(tags, "put", fails)
            await world.call(world.user, "sesv2", "CreateEmailIdentity", EmailIdentity="new.test")
        assert await world.since(known) == []
        found = await world.services.store.read(
            lambda tx: identities.get(tx, world.account, REGION, "new.test")
        )
        assert found is None
        await world.call(world.user, "sesv2", "CreateConfigurationSet", ConfigurationSetName="c")
        await world.call(
            world.user,
            "sesv2",
            "CreateEmailIdentity",
            EmailIdentity="new.test",
            Tags=[{"Key": "team", "Value": "red"}],
            ConfigurationSetName="c",
        )
        names = [event["eventName"] for event in await world.since(known)]
        assert names == ["CreateConfigurationSet", "CreateEmailIdentity", "CheckIdentity"]

    with_world(tmp_path, check)


def test_operators_and_sesame_itself_are_told_as_what_they_are(tmp_path: Path) -> None:
    async def check(world: World) -> None:
        await world.services.verification.vouch(world.account, REGION, "own.test", IdentityKind.DOMAIN)
        await world.services.operator.set_quota(world.account, None, max_24_hour_send=5.0, max_send_rate=None)
        told = [(event["eventName"], event["userIdentity"]["type"]) for event in await world.log()]
        assert told == [
            ("CreateAccount", "Operator"),
            ("CreateUser", "Operator"),
            ("VouchForIdentity", "Operator"),
            ("CheckIdentity", "System"),
            ("SetQuota", "Operator"),
        ]
        report = await verify(world.services.store, world.services.trail.key.public)
        assert report.findings == []

    with_world(tmp_path, check)


def test_a_followed_link_is_told_once(tmp_path: Path) -> None:
    async def check(world: World) -> None:
        await world.call(world.user, "ses", "VerifyEmailIdentity", EmailAddress="a@b.test")
        found = await world.services.store.read(
            lambda tx: identities.get(tx, world.account, REGION, "a@b.test")
        )
        assert found is not None
        known = await world.log()
        for token in (found.verification_token, found.verification_token, "wrong"):
            await world.services.verification.confirm(token)
        [event] = await world.since(known)
        assert (event["eventName"], event["userIdentity"]["type"]) == ("ConfirmEmailAddress", "Unknown")
        assert event["responseElements"] == {"identity": "a@b.test", "region": REGION}
        assert found.verification_token not in json.dumps(await world.log())

    with_world(tmp_path, check)
