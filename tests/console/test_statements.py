"""What pages cost: few statements each, and none that walks over a large table or sorts it."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx

from sesame.app.api import Doors
from sesame.app.console import backing_of, logins_of
from sesame.app.foundation import open_services
from sesame.config import load
from sesame.console.app import Console
from sesame.console.guard import Guard
from sesame.model import IdentityKind
from sesame.store import identity_policies
from sesame.store.identity_policies import IdentityPolicy
from tests.store.test_plans import LARGE, costly, plan_of
from tests.support.statements import Counted, counted

HERE = "/us-east-1/identities/example.com"
MOST = 12
ZONE = "zone_record"
"""The table that stands for DNS in development."""
BASE = "http://127.0.0.1"


@contextlib.asynccontextmanager
async def logged_in(path: Path) -> AsyncIterator[tuple[httpx.AsyncClient, Console, Any]]:
    """The console in this process, with an account that has an identity and policies, and who is its root."""
    settings = load(None, environ={"SESAME_CONSOLE__PASSWORD_MEMORY_KIB": "64"}, flags={"data": str(path)})
    async with open_services(settings) as services:
        keys = await services.operator.create_account("shop", production=True)
        identity = await services.verification.vouch(
            keys.account_id, "us-east-1", "example.com", IdentityKind.DOMAIN
        )
        arn = f"arn:aws:ses:us-east-1:{keys.account_id}:identity/example.com"
        document = (
            '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": "222222222222"},'
            f' "Action": "ses:SendEmail", "Resource": "{arn}"}}}}'
        )
        policy = IdentityPolicy(policy_name="P", document=document, principal_ids={})
        await services.store.write(lambda tx: identity_policies.put(tx, identity, policy))
        doors = Doors(services, accepted=lambda *_: None)
        logins = logins_of(services, doors)

        async def well() -> dict[str, str]:
            return {}

        backing = backing_of(settings, services, doors, logins, well)
        console = Console(backing, Guard(public_url="", is_secure=False), proxy="", log=services.log)
        transport = httpx.ASGITransport(app=console.application(), client=("127.0.0.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url=BASE, follow_redirects=True) as client:
            token = await logins.links.make("login", keys.account_id, keys.account_id)
            page = (await client.get(f"/link/{token}")).text
            form = page.partition('name="token" value="')[2].partition('"')[0]
            answer = await client.post(f"/link/{token}", data={"token": form}, headers={"origin": BASE})
            assert "/login" not in answer.url.path
            try:
                yield client, console, services.store
            finally:
                await backing.analyst.close()


def paths_of(console: Console) -> list[str]:
    """A path of every page of an account that can be read."""
    values = {"{region}": "us-east-1", "{name}": "example.com", "{policy}": "P", "{id}": "x", "{seq}": "1"}
    found = []
    for page in console.pages:
        if page.method != "GET" or page.who not in ("person", "either"):
            continue
        if page.path == "/{region}":
            continue  # leads on to a page that is looked at by itself
        path = page.path
        for part, value in values.items():
            path = path.replace(part, value)
        if "{" not in path:
            found.append(path)
    return [*found, "/us-east-1/identities/example.com/kit?for=222222222222",
            "/us-east-1/identities/example.com/stop?principal=222222222222"]  # fmt: skip


def looked_at(path: Path, look: Callable[[httpx.AsyncClient, Console, Any], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        async with logged_in(path) as (client, console, store):
            return await look(client, console, store)

    return asyncio.run(run())


def test_each_page_takes_few_statements_and_none_that_walks(tmp_path: Path) -> None:
    async def look(client: httpx.AsyncClient, console: Console, store: Any) -> dict[str, Any]:
        wrong: dict[str, Any] = {}
        counts: dict[str, int] = {}
        paths = paths_of(console)
        assert len(paths) > 12
        for path in paths:
            await client.get(path)  # what is cached is cached
            Counted.ran = []
            answer = await client.get(path)
            assert answer.status_code in (200, 400, 404), path
            assert "/login" not in answer.url.path, path
            ran = [sql for sql in Counted.ran if ZONE not in sql]
            counts[path] = len(ran)
            if len(ran) > MOST:
                wrong[path] = len(ran)
            for sql in set(ran):
                is_large = any(re.search(rf"\b{table}\b", sql) for table in LARGE)
                if is_large and (bad := costly(plan_of(store._connection, sql))):
                    wrong[f"{path}: {sql}"] = bad
        assert counts[f"{HERE}/senders"] > 3
        assert counts[f"{HERE}/policies/P"] > 3
        return wrong

    with counted():
        assert looked_at(tmp_path / "data", look) == {}
