"""Who signed: a session is known for as long as it lasts, and by its token only."""

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from sesame.access.credentials import Authenticator
from sesame.access.directory import Directory
from sesame.access.sessions import Sessions
from sesame.aws import sigv4
from sesame.aws.errors import ExpiredToken, InvalidClientTokenId
from sesame.aws.request import HttpRequest
from sesame.db.sqlite import SqliteStore
from sesame.model import AccountId, Caller, Session
from sesame.store import accounts
from sesame.store.iam import roles
from sesame.store.sealed import Sealer
from tests.aws import signing
from tests.support.clock import FakeClock
from tests.support.stored_accounts import an_account

ACCOUNT = AccountId("111111111111")
NOW = signing.NOW
SESSION = Session(
    access_key_id="ASIAABCDEFGHIJKLMNOP", secret_access_key=signing.SECRET, account_id=ACCOUNT, role_id="AROA1",
    name="job", issued_at=NOW, expires_at=NOW + 900,
)  # fmt: skip
ROLE = roles.Role(
    account_id=ACCOUNT, role_name="r", path="/", role_id="AROA1", description="", max_session_s=3600,
    trust_policy=json.dumps({"Version": "2012-10-17", "Statement": []}), principal_ids={}, tags="[]",
    created_at=0.0,
)  # fmt: skip


class World:
    """An authenticator that knows one role, and a clock."""

    def __init__(self, store: SqliteStore) -> None:
        sealer = Sealer(b"k" * 32, random_bytes=secrets.token_bytes)
        self.clock = FakeClock(NOW)
        self.token = Sessions(sealer).issue(SESSION)
        self.directory = Directory(store, sealer)
        self._authenticator = Authenticator(
            self.directory, Sessions(sealer), self.clock, skew_s=300, regions=lambda region: True
        )

    async def call(self, access_key_id: str, *, token: str | None) -> Caller:
        """Authenticate a call that was signed just now."""
        request = signing.signed(token=token, at=datetime.fromtimestamp(self.clock.time, UTC))
        request = replace(request, headers=self._renamed(request, access_key_id))
        signed = sigv4.read_signature(request)
        return await self._authenticator.authenticate(
            request, signed, service="ses", source_ip="192.0.2.1", secure_transport=True, request_id="r",
            fresh=False,
        )  # fmt: skip

    @staticmethod
    def _renamed(request: HttpRequest, access_key_id: str) -> list[tuple[bytes, bytes]]:
        """The key's id is not a part of what is signed."""
        headers: Mapping[bytes, bytes] = dict(request.headers)
        authorization = headers[b"authorization"]
        renamed = authorization.replace(signing.ACCESS_KEY_ID.encode(), access_key_id.encode())
        return [*(dict(headers) | {b"authorization": renamed}).items()]


def with_world(tmp_path: Path, check: Callable[[World], Awaitable[None]]) -> None:
    async def run() -> None:
        store = SqliteStore(tmp_path / "db")
        account = an_account(ACCOUNT)
        try:
            await store.write(lambda tx: accounts.create(tx, account))
            await store.write(lambda tx: roles.put(tx, ROLE))
            await check(World(store))
        finally:
            store.close()

    asyncio.run(run())


def test_a_session_is_known_until_it_expires_however_often_it_was_used(tmp_path: Path) -> None:
    async def check(world: World) -> None:
        key = SESSION.access_key_id
        for _ in range(3):
            assert (await world.call(key, token=world.token)).session == SESSION
            world.clock.advance(299)
        world.clock.time = SESSION.expires_at
        for _ in range(2):
            with pytest.raises(ExpiredToken):
                await world.call(key, token=world.token)

    with_world(tmp_path, check)


@pytest.mark.parametrize("after_s", [0, 1000])
@pytest.mark.parametrize("name", ["{}", "session {}", "session:{}", "session\t{}", "AKIA{}"])
def test_a_known_session_is_nobody_without_its_token(tmp_path: Path, name: str, after_s: float) -> None:
    async def check(world: World) -> None:
        await world.call(SESSION.access_key_id, token=world.token)
        world.clock.advance(after_s)
        with pytest.raises(InvalidClientTokenId):
            await world.call(name.format(SESSION.access_key_id), token=None)
        assert await world.directory.credential(name.format(SESSION.access_key_id)) is None

    with_world(tmp_path, check)
