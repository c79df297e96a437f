"""What it costs that revocation reaches the queue: deciding again, beside the delivery that it is part of.

In process, by CPU time and not the clock, so that neighbours on the machine disturb less: first the delivery of lent
messages without it, then the question of each attempt alone, for messages that nothing has changed for and for a
queue whose every message is decided again. As many ask at once as attempts are under way.
"""

import asyncio
import base64
import io
import json
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path

import msgspec
import uvloop

from bench.load import raw_email
from bench.relay import sink
from bench.server import DOMAIN, REGION
from bench.table import Row, median
from sesame.access.directory import Directory
from sesame.access.principals import root_principal
from sesame.access.redecide import Redecider
from sesame.app.api import Doors
from sesame.app.delivery import Delivering
from sesame.app.foundation import Services
from sesame.config import Settings
from sesame.db import Transaction
from sesame.delivery.authority import Authority
from sesame.mail.address import identity_candidates
from sesame.model import AccountId, Caller, IdentityKind
from sesame.observe import Log, SystemClock
from sesame.sending.submission import RawContent, Submission
from sesame.spool.spool import Claim
from sesame.store import identities, identity_policies
from sesame.store.identity_policies import IdentityPolicy

MESSAGES, ROUNDS, AT_ONCE = 1_000, 3, 16
MOST = 5.0
"""Per cent of delivery's CPU."""
DELIVERY_S = 60.0


def run() -> list[Row]:
    """CPU of an attempt's question, and how much of a delivery that is."""
    with tempfile.TemporaryDirectory(prefix="sesame-bench-") as directory, sink() as (port, delivered):
        return uvloop.run(_measure(Path(directory), port, delivered))


async def _measure(directory: Path, port: int, delivered: Callable[[], int]) -> list[Row]:
    settings = Settings(data=str(directory / "data"))
    settings = msgspec.structs.replace(
        settings,
        accounts=msgspec.structs.replace(
            settings.accounts, production_max_24_hour_send=-1, production_max_send_rate=1e6
        ),
        dns=msgspec.structs.replace(settings.dns, resolver="local", auto_publish=True),
        delivery=msgspec.structs.replace(
            settings.delivery, relay=f"127.0.0.1:{port}", per_domain=AT_ONCE, revoke_queued=False
        ),
    )
    clock = SystemClock()
    log = Log(io.StringIO(), as_json=True, clock=clock)
    (directory / "data").mkdir()
    services = Services(settings, log=log, clock=clock)
    try:
        lender = _Lender(services)
        await lender.prepare()
        deliveries, unchanged, changed = [], [], []
        for number in range(ROUNDS + 1):  # the first one warms up
            await lender.send_all()
            unchanged.append(await lender.ask())
            await lender.put_policy(f"p{number}")
            changed.append(await lender.ask())
            deliveries.append(await _deliver(services, delivered))
    finally:
        services.close()
    whole = median(deliveries[1:])
    rows = [Row(name="a delivery of a lent message: CPU", figure=whole, unit="us")]
    for name, found in (("nothing has changed", unchanged), ("every message is decided again", changed)):
        cost = median(found[1:])
        rows += [
            Row(name=f"an attempt asks, {name}: CPU", figure=cost, unit="us"),
            Row(name=f"of a delivery, {name}", figure=cost / whole * 100, unit="%", target=MOST),
        ]
    return rows


class _Lender:
    """An owner that lends DOMAIN, and the account that it is lent to."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._doors = Doors(services, accepted=lambda *_: None)

    async def prepare(self) -> None:
        operator = self._services.operator
        self._owner = (await operator.create_account("owner", production=True)).account_id
        keys = await operator.create_account("sender", production=True)
        self._sender = keys
        await self._services.verification.vouch(self._owner, REGION, DOMAIN, IdentityKind.DOMAIN)
        await self.put_policy("lend")

    async def put_policy(self, name: str) -> None:
        document = {
            "Version": "2012-10-17",
            "Statement": {
                "Effect": "Allow",
                "Principal": {"AWS": self._sender.account_id},
                "Action": "ses:SendRawEmail",
                "Resource": f"arn:aws:ses:{REGION}:{self._owner}:identity/{DOMAIN}",
            },
        }
        policy = IdentityPolicy(policy_name=name, document=json.dumps(document), principal_ids={})

        async def put(tx: Transaction) -> None:
            identity = await identities.get(tx, self._owner, REGION, DOMAIN)
            assert identity is not None
            await identity_policies.put(tx, identity, policy)

        await self._services.store.write(put)

    async def send_all(self) -> None:
        caller = Caller(
            principal=root_principal(AccountId(self._sender.account_id)),
            access_key_id=self._sender.access_key_id, region=REGION, source_ip="127.0.0.1", secure_transport=False,
            user_agent="bench", at=self._services.clock.now(), request_id="r",
        )  # fmt: skip
        arn = f"arn:aws:ses:{REGION}:{self._owner}:identity/{DOMAIN}"
        messages = [base64.b64decode(raw_email(number)["RawMessage.Data"]) for number in range(MESSAGES)]
        await _at_once(
            [partial(self._doors.sender.send, caller, _submission(data, source_arn=arn)) for data in messages]
        )

    async def ask(self) -> float:
        """CPU of an attempt's question, in microseconds."""
        services = self._services
        directory = Directory(services.store, services.sealer)
        decide = Redecider(services.store, directory, candidates=identity_candidates).decide
        authority = Authority(decide, clock=services.clock)
        claims = await services.store.read(_claims)
        assert len(claims) == MESSAGES
        began = time.process_time()
        await _at_once([partial(authority.check, claim) for claim in claims])
        return (time.process_time() - began) / MESSAGES * 1e6


def _submission(data: bytes, *, source_arn: str) -> Submission:
    return Submission(
        operation="SendRawEmail", action="ses:SendRawEmail", api_version="1", content=RawContent(data=data),
        source=None, destinations=(), return_path=None, source_arn=source_arn, from_arn=None, return_path_arn=None,
        configuration_set=None, tags=(), max_bytes=10_000_000,
    )  # fmt: skip


async def _claims(tx: Transaction) -> list[Claim]:
    """What waits, as it would be claimed."""
    rows = await tx.all(
        "SELECT q.seq, q.n, q.domain, m.seq, m.message_id, m.account_id, m.owner_account_id, m.region, m.identity,"
        " m.accepted_at, m.lent FROM queue q JOIN message m ON m.seq = q.message_seq"
    )
    return [
        Claim(
            recipient_seq=row[0], recipient_index=row[1], address="", domain=row[2], attempts=1, token=1,
            message_seq=row[3], message_id=row[4], account_id=row[5], owner_account_id=row[6], region=row[7],
            identity=row[8], accepted_at=row[9], queued_at=row[9], lent=row[10],
        )
        for row in rows
    ]  # fmt: skip


async def _at_once(calls: Sequence[Callable[[], Awaitable[object]]]) -> None:
    """Run all, AT_ONCE at a time."""
    waiting = iter(calls)

    async def work() -> None:
        for call in waiting:
            await call()

    async with asyncio.TaskGroup() as tasks:
        for _ in range(AT_ONCE):
            tasks.create_task(work())


async def _deliver(services: Services, delivered: Callable[[], int]) -> float:
    """Deliver all that waits; CPU of a message in microseconds."""
    goal = delivered() + MESSAGES
    delivering = Delivering(services, mx_port=25, own_hosts={}, recorded=lambda _: None)
    began = time.process_time()
    task = asyncio.create_task(delivering.scheduler.run())
    async with asyncio.timeout(DELIVERY_S):
        while delivered() < goal:  # noqa: ASYNC110 -- the sink counts in another process
            await asyncio.sleep(0.02)
    delivering.scheduler.stop()
    await task
    return (time.process_time() - began) / MESSAGES * 1e6
