"""What reading the pages of an account and of the operator costs: few statements each, none that walks or sorts.

The store holds little here; the plans are those of any size, and the number of statements does not grow with it.
"""

import asyncio
import contextlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sesame.access.principals import root_principal
from sesame.config import load
from sesame.console.visit import Backing
from sesame.errors import ServiceError
from sesame.model import AccountId, Caller, ConsoleLogin
from sesame.store import notifications
from tests.support.console_in_process import OpenConsole, console_over
from tests.support.statements import Counted, counted, wrong_in

REGION = "us-east-1"
MOST = 12
"""Statements of one page, its log-in and permissions with it."""
OWN = (
    "home",
    "regions",
    "identities/example.com/delete",
    "messages",
    "messages?outcome=refused&role=sent",
    "messages?from=news&outcome=bounced",
    "messages?to=reader@slow.example",
    "messages/{message}",
    "suppression",
    "reputation",
    "reputation/counted",
    "reputation/counted?identity={account}/example.com",
    "reputation/counted?delegate=example.com/{account}",
    "account",
    "changes",
    "changes/1",
    "configuration-sets",
    "configuration-sets/news",
    "templates",
    "templates/hello",
    "identities",
    "identities?after=a",
    "identities/example.com/senders",
    "identities/example.com/sends",
    "identities/example.com/sends?by=222222222222&outcome=delivered",
    "identities/example.com/notifications",
    "identities/example.com/notifications?test=none",
    "identities/example.com/cases",
    "programs",
    "programs?user=anna",
    "people",
    "people/users/anna",
    "people/groups/all",
    "send",
    "ask",
    "ask?from=news@example.com",
    "search?q=nothing",
    "search?q=nothing.there",
    "search?q=news@example.com",
    "search?q=222222222222",
)
WALKS = frozenset({"SELECT COUNT(*) FROM outbox WHERE state = 'waiting'"})
"""How many notifications wait: the operator's own look at all of them, along an index that has no others."""
OPERATORS = (
    "/operator",
    "/operator/accounts/delegates",
    "/operator/accounts/delegates?account={account}",
    "/operator/accounts/delegates?owner={account}&region=us-east-1&identity=x&delegate={account}",
    "/operator/instance",
    "/operator/instance/minutes",
    "/operator/queue",
    "/operator/queue/to/slow.example",
    "/operator/queue/change?do=cancel&domain=slow.example",
    "/operator/deliveries",
    "/operator/deliveries?kind=permanent",
    "/operator/deliveries/connections",
    "/operator/zone",
    "/operator/zone?q=example",
    "/operator/log-ins",
    "/operator/settings",
    "/operator/services",
    "/operator/audit",
    "/operator/audit?account={account}",
    "/operator/audit/{account}/1",
    "/operator/dns",
    "/operator/find?q=example.com",
    "/operator/find?q=reader@slow.example",
    "/operator/accounts/{account}",
    "/operator/messages/{message}",
)


@dataclass(frozen=True)
class Seen:
    """What opening a page came to: its status, its statements, and the steps of their plans that cost."""

    status: int
    statements: list[str]
    costly: dict[str, list[str]]


async def look(data: Path) -> dict[str, Seen]:
    """Open every page twice; the second time counts, with what is cached, as a person does."""
    settings = load(None, environ={}, flags={"data": str(data), "delivery.enabled": False})
    async with console_over(settings) as opened:
        account = (await opened.services.operator.create_account("a", production=True)).account_id
        message = await set_up(opened.backing, account)
        seen = await read(opened, OWN, f"/{REGION}/", account, message)
        return seen | await read(opened, OPERATORS, "", account, message)


async def read(
    opened: OpenConsole, pages: tuple[str, ...], before: str, account: str, message: str
) -> dict[str, Seen]:
    found = {}
    async with opened.logged_in(account if before else "") as client:
        for page in pages:
            path = before + page.format(account=account, message=message)
            await client.get(path)
            Counted.ran = []
            answer = await client.get(path)
            run = list(Counted.ran)
            plans = {sql: wrong_in(opened.store, sql) for sql in run}
            found[page] = Seen(
                answer.status_code,
                run,
                {sql: wrong for sql, wrong in plans.items() if wrong and sql not in WALKS},
            )
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
    topic = (await call("sns", "CreateTopic", Name="events"))["TopicArn"]
    await call(
        "sesv2",
        "CreateConfigurationSetEventDestination",
        ConfigurationSetName="news",
        EventDestinationName="told",
        EventDestination={
            "Enabled": True,
            "MatchingEventTypes": ["SEND"],
            "SnsDestination": {"TopicArn": topic},
        },
    )
    await call("sesv2", "CreateEmailTemplate", TemplateName="hello", TemplateContent={"Subject": "s"})
    await call("sesv2", "PutSuppressedDestination", EmailAddress="a@b.example", Reason="BOUNCE")
    topic = (await call("sns", "CreateTopic", Name="told"))["TopicArn"]
    identity = f"arn:aws:ses:{REGION}:{account}:identity/example.com"
    told = {}
    for kind in ("Bounce", "Complaint", "Delivery"):
        await call(
            "ses",
            "SetIdentityNotificationTopic",
            Identity="example.com",
            NotificationType=kind,
            SnsTopic=topic,
        )
        published = await call("sns", "Publish", TopicArn=topic, Message=kind)
        told[account, identity, kind, topic] = published["MessageId"]
    await backing.store.write(lambda tx: notifications.set_last_told(tx, told))
    for name in ("anna", *(f"user{n}" for n in range(20))):
        await call("iam", "CreateUser", UserName=name)
    await call("iam", "CreateGroup", GroupName="all")
    await call("iam", "AddUserToGroup", GroupName="all", UserName="anna")
    lends = {
        "Effect": "Allow",
        "Principal": {"AWS": ["333333333333", "444444444444"]},
        "Action": "ses:SendEmail",
    }
    await call("sesv2", "CreateEmailIdentityPolicy", EmailIdentity="example.com", PolicyName="lends", Policy=json.dumps(
        {"Statement": [{**lends, "Resource": f"arn:aws:ses:{REGION}:{account}:identity/example.com"}]}
    ))  # fmt: skip
    named = [f"arn:aws:iam::{account}:{kind}/{n}" for kind in ("user", "role") for n in range(20)]
    await call("sesame", "PutIdentityPolicyTests", Identity="example.com", Tests=[
        {"Name": "some", "Who": [*named, "222222222222"], "May": True, "As": ["news@example.com"]},
        {"Name": "ceo", "NobodyBut": [], "As": ["ceo@example.com"]},
    ])  # fmt: skip
    sent = await call(
        "ses",
        "SendEmail",
        Source="news@example.com",
        ConfigurationSetName="news",
        Destination={"ToAddresses": ["reader@slow.example"]},
        Message={"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "b"}}},
    )
    for source in ("ceo@nowhere.example", "other@nowhere.example"):
        with contextlib.suppress(ServiceError):
            await call(
                "ses",
                "SendEmail",
                Source=source,
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
    assert found.status == (303 if "search?q=nothing.there" in page else 200)
    assert 0 < len(found.statements) <= MOST, "\n".join(found.statements)
    assert found.costly == {}
