"""What reading the pages of an account and of the operator costs: few statements each, none that walks or sorts.

The store holds little here; the plans are those of any size, and the number of statements does not grow with it.
"""

import asyncio
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from sesame.access.principals import root_principal
from sesame.app.api import Doors
from sesame.app.console import backing_of, logins_of
from sesame.app.foundation import Services
from sesame.config import load
from sesame.console.app import Console
from sesame.console.guard import Guard
from sesame.console.logins import Browser
from sesame.console.visit import Backing
from sesame.db.sqlite import SqliteStore
from sesame.model import AccountId, Caller, ConsoleLogin
from sesame.observe import Log, SystemClock
from tests.support.statements import Counted, counted, wrong_in

REGION = "us-east-1"
MOST = 12
"""Statements of one page, its log-in and permissions with it."""
OWN = (
    "home",
    "suppression",
    "reputation",
    "reputation/counted",
    "reputation/counted?identity={account}/example.com",
    "reputation/counted?delegate=example.com/{account}",
    "account",
    "changes",
    "configuration-sets",
    "configuration-sets/news",
    "templates",
    "templates/hello",
    "identities/example.com/notifications",
    "identities/example.com/cases",
    "programs",
    "programs?user=anna",
    "people",
    "people/users/anna",
    "people/groups/all",
    "send",
    "ask",
    "ask?from=news@example.com",
)
OPERATORS = (
    "/operator",
    "/operator/instance",
    "/operator/queue",
    "/operator/queue/to/slow.example",
    "/operator/queue/change?do=cancel&domain=slow.example",
    "/operator/deliveries",
    "/operator/deliveries?kind=permanent",
    "/operator/log-ins",
    "/operator/settings",
    "/operator/services",
    "/operator/audit",
    "/operator/audit?account={account}",
    "/operator/dns",
    "/operator/find?q=example.com",
    "/operator/find?q=reader@slow.example",
    "/operator/accounts/{account}",
    "/operator/messages/{message}",
)


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
            Counted.ran = []
            answer = await client.get(path)
            run = list(Counted.ran)
            plans = {sql: wrong_in(store, sql) for sql in run}
            found[page] = Seen(answer.status_code, run, {sql: wrong for sql, wrong in plans.items() if wrong})
    return found


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
    named = [f"arn:aws:iam::{account}:{kind}/{n}" for kind in ("user", "role") for n in range(20)]
    await call("sesame", "PutIdentityPolicyTests", Identity="example.com", Tests=[
        {"Name": "some", "Who": [*named, "222222222222"], "May": True, "As": ["news@example.com"]},
        {"Name": "ceo", "NobodyBut": [], "As": ["ceo@example.com"]},
    ])  # fmt: skip
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
    with counted():
        return asyncio.run(look(tmp_path_factory.mktemp("costs") / "data"))


@pytest.mark.parametrize("page", (*OWN, *OPERATORS))
def test_a_page_takes_few_statements_and_none_walks_or_sorts(seen: dict[str, Seen], page: str) -> None:
    found = seen[page]
    assert found.status == 200
    assert 0 < len(found.statements) <= MOST, "\n".join(found.statements)
    assert found.costly == {}
