"""What reading the pages of an account and of the operator costs: few statements each, none that walks or sorts.

The store holds little here; the plans are those of any size, and the number of statements does not grow with it.
"""

import asyncio
import io
import re
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from sesame.access.directory import root_principal
from sesame.app.api import Doors
from sesame.app.console import backing_of, logins_of
from sesame.app.foundation import Services
from sesame.config import load
from sesame.console.app import Console
from sesame.console.guard import Guard
from sesame.console.logins import Browser
from sesame.console.visit import Backing
from sesame.db import sqlite as embedded
from sesame.db.sqlite import SqliteStore
from sesame.model import AccountId, Caller, ConsoleLogin
from sesame.observe import Log, SystemClock
from tests.store.test_plans import LARGE, costly, plan_of

REGION = "us-east-1"
MOST = 12
"""Statements of one page, its log-in and permissions with it."""
MORE = {"configuration-sets/news": 19}
"""Pages that are put together of several operations, each with the permissions that it asks by itself."""
OWN = (
    "suppression",
    "reputation",
    "account",
    "changes",
    "configuration-sets",
    "configuration-sets/news",
    "templates",
    "templates/hello",
    "identities/example.com/notifications",
    "people",
    "people/users/anna",
    "people/groups/all",
)
OPERATORS = (
    "/operator",
    "/operator/instance",
    "/operator/queue",
    "/operator/queue/to/slow.example",
    "/operator/queue/change?do=cancel&domain=slow.example",
    "/operator/deliveries",
    "/operator/deliveries?kind=permanent",
    "/operator/dns",
    "/operator/find?q=example.com",
    "/operator/find?q=reader@slow.example",
    "/operator/accounts/{account}",
    "/operator/messages/{message}",
)


class Counted(embedded.SqliteTransaction):
    """Keeps every statement that is run, in order."""

    run: list[str]

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection)

    def _run(self, sql: str, values: Any) -> sqlite3.Cursor:
        text, flat = embedded._with_lists(sql, values) if embedded.LIST in sql else (sql, values)
        self.run.append(text)
        return super()._run(text, flat)


BROWSER = Browser(source_ip="127.0.0.1", user_agent="test")


@dataclass(frozen=True)
class Seen:
    """What opening a page came to: its status, its statements, and the steps of their plans that cost."""

    status: int
    statements: list[str]
    costly: dict[str, list[str]]


async def look(data: Path) -> dict[str, Seen]:
    """Open every page twice; the second time counts, with what is cached, as a person does."""
    settings = load(None, environ={}, flags={"data": str(data), "delivery.enabled": False})
    clock = SystemClock()
    log = Log(io.StringIO(), as_json=True, clock=clock)
    services = Services(settings, log=log, clock=clock, durable=False)
    try:
        doors = Doors(services, accepted=lambda *_: None)

        async def problems() -> dict[str, str]:
            return {}

        backing = backing_of(settings, services, doors, logins_of(services, doors), problems)
        account = (await services.operator.create_account("a", production=True)).account_id
        message = await set_up(backing, account)
        seen = await read(backing, OWN, f"/{REGION}/", account, message, log=log)
        return seen | await read(backing, OPERATORS, "", account, message, log=log)
    finally:
        services.close()


async def read(
    backing: Backing, pages: tuple[str, ...], before: str, account: str, message: str, *, log: Log
) -> dict[str, Seen]:
    console = Console(backing, Guard(public_url="", is_secure=False), proxy="", log=log)
    transport = httpx.ASGITransport(console.application(), client=("127.0.0.1", 1))
    who = account if before else ""
    cookie = await backing.logins.spend(await backing.logins.link("login", who, who), BROWSER)
    assert cookie is not None
    store = backing.store
    assert isinstance(store, SqliteStore)
    found = {}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://localhost", cookies={"sesame": cookie}
    ) as client:
        for page in pages:
            path = before + page.format(account=account, message=message)
            await client.get(path)
            Counted.run = []
            answer = await client.get(path)
            run = list(Counted.run)
            plans = {sql: wrong_in(sql, plan_of(store._connection, sql)) for sql in run}
            found[page] = Seen(answer.status_code, run, {sql: wrong for sql, wrong in plans.items() if wrong})
    return found


def wrong_in(sql: str, plan: list[str]) -> list[str]:
    """The steps that walk over a large table, or sort what is of one; a few rows of one thing may be sorted."""
    steps = costly(plan)
    is_of_one = "message_seq = ?" in sql or "message_id = ?" in sql
    is_large = any(re.search(rf"\b(?:FROM|JOIN) {name}\b", sql) for name in LARGE)
    return [step for step in steps if "TEMP B-TREE" not in step or (is_large and not is_of_one)]


async def set_up(backing: Backing, account: str) -> str:
    """Something on every page; the id of a message that waits."""
    caller = Caller(
        principal=root_principal(AccountId(account)),
        access_key_id="",
        region=REGION,
        source_ip="127.0.0.1",
        secure_transport=True,
        user_agent=None,
        at=backing.clock.now(),
        request_id=backing.new_request_id(),
        api_version="2",
        login=ConsoleLogin(mfa=False, made_at=backing.clock.now()),
    )

    async def call(service: str, operation: str, **request: Any) -> Any:
        return await backing.handlers[service][operation](caller, request)

    await call("sesv2", "CreateEmailIdentity", EmailIdentity="example.com")
    await call("sesv2", "CreateConfigurationSet", ConfigurationSetName="news")
    await call("sesv2", "CreateEmailTemplate", TemplateName="hello", TemplateContent={"Html": "<p>h</p>"})
    await call("sesv2", "PutSuppressedDestination", EmailAddress="a@b.example", Reason="BOUNCE")
    await call("iam", "CreateUser", UserName="anna")
    await call("iam", "CreateGroup", GroupName="all")
    await call("iam", "AddUserToGroup", GroupName="all", UserName="anna")
    sent = await call(
        "ses",
        "SendEmail",
        Source="news@example.com",
        Destination={"ToAddresses": ["reader@slow.example"]},
        Message={"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "b"}}},
    )
    return str(sent["MessageId"])


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Seen]:
    with pytest.MonkeyPatch.context() as patched:
        Counted.run = []
        patched.setattr(embedded, "SqliteTransaction", Counted)
        return asyncio.run(look(tmp_path_factory.mktemp("costs") / "data"))


@pytest.mark.parametrize("page", (*OWN, *OPERATORS))
def test_a_page_takes_few_statements_and_none_walks_or_sorts(seen: dict[str, Seen], page: str) -> None:
    found = seen[page]
    assert found.status == 200
    assert 0 < len(found.statements) <= MORE.get(page, MOST), "\n".join(found.statements)
    assert found.costly == {}
