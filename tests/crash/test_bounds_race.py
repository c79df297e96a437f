"""An owner's caps under races: 64 clients in two processes on one database never exceed them (I5)."""

import asyncio
import io
import multiprocessing
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from sesame.app.api import Doors
from sesame.app.foundation import Services
from sesame.aws.request import HttpRequest
from sesame.config import load
from sesame.observe import Log, SystemClock
from sesame.server.api import Peer
from sesame.store import delegate_bounds
from tests.support.patience import PATIENCE_S
from tests.support.process import REGION, Account
from tests.support.refusal_world import Case, World
from tests.support.signed_client import FORM, VERSIONS, simple_email

PROCESSES, CLIENTS, SENDS = 2, 32, 2
ENVIRON = {"SESAME_ACCOUNTS__REFUSAL_STEP_S": "0", "SESAME_DELIVERY__ENABLED": "false"}
HOST = "127.0.0.1:1"


def signed(keys: Account, form: bytes) -> HttpRequest:
    """A request of the Query API as botocore signs it."""
    credentials = Credentials(keys.access_key_id, keys.secret_access_key)
    request = AWSRequest(method="POST", url=f"http://{HOST}/", headers={"Content-Type": FORM}, data=form)
    SigV4Auth(credentials, "ses", REGION).add_auth(request)
    headers = [(name.lower().encode(), value.encode()) for name, value in request.headers.items()]
    return HttpRequest(
        method="POST", raw_path=b"/", query=b"", headers=[*headers, (b"host", HOST.encode())], body=form
    )


def send_all(data: str, keys: Account, forms: list[bytes], barrier: Any, told: Any) -> None:
    """One process: its clients send at once, each one message after the other; what they were answered."""

    async def session() -> list[tuple[int, int]]:
        settings = load(None, environ=ENVIRON, flags={"data": data})
        clock = SystemClock()
        log = Log(io.StringIO(), as_json=True, clock=clock)
        services = Services(settings, log=log, clock=clock, durable=False)
        doors = Doors(services, accepted=lambda *_: None)
        peer = Peer(address="198.51.100.7", secure_transport=True)

        async def client() -> list[tuple[int, int]]:
            return [
                (number, (await doors.api.answer(request, peer)).status)
                for _ in range(SENDS)
                for number, request in enumerate(requests)
            ]

        requests = [signed(keys, form) for form in forms]
        try:
            barrier.wait(PATIENCE_S)
            answers = await asyncio.gather(*(client() for _ in range(CLIENTS)))
            return [answer for one in answers for answer in one]
        finally:
            services.close()

    told.put(asyncio.run(session()))


CAPS: dict[str, tuple[dict[str, int], int, range]] = {
    "messages.test": ({"MaxMessagesPerDay": 37}, 1, range(37, 38)),
    "recipients.test": ({"MaxRecipientsPerDay": 37}, 2, range(18, 19)),
    "bytes.test": ({"MaxBytesPerDay": 20_000}, 1, range(1, 128)),
    "second.test": ({"MaxMessagesPerSecond": 7}, 1, range(7, 128)),
}
"""By identity its cap, the recipients of each message, and how many of 128 messages may be accepted."""


def test_no_cap_is_exceeded_by_64_clients_in_two_processes(tmp_path: Path) -> None:
    world = World.open(tmp_path / "data", **ENVIRON)
    try:
        case = Case(world)
        case.account("owner"), case.account("sender")
        bounds = world.client("sesame", case.keys["owner"])
        for name, (caps, _, _) in CAPS.items():
            case.step("identity", "owner", name)
            case.step("policy", "owner", name, {"Principal": {"AWS": "<sender>"}})
            bounds.put_delegate_bounds(Identity=name, Delegate=case.account("sender").account_id, **caps)
        forms = [form(case, name, recipients) for name, (_, recipients, _) in CAPS.items()]
        answers = in_processes(tmp_path / "data", case.account("sender"), forms)
        for name, (caps, _, accepted) in CAPS.items():
            statuses = Counter(status for number, status in answers if number == [*CAPS].index(name))
            assert statuses.keys() <= {200, 400} and statuses.total() == PROCESSES * CLIENTS * SENDS
            assert statuses[200] in accepted, name
            check_spool(world, case, name, caps, statuses[200])
    finally:
        world.close()


def form(case: Case, name: str, recipients: int) -> bytes:
    """A SendEmail as an identity of the owner."""
    parameters = {
        "Action": "SendEmail",
        "Version": VERSIONS["ses"],
        **simple_email(source=f"news@{name}", SourceArn=case.arn("owner", name)),
        **{f"Destination.ToAddresses.member.{n + 1}": f"r{n}@away.example" for n in range(recipients)},
    }
    return urlencode(parameters).encode()


def in_processes(data: Path, keys: Account, forms: list[bytes]) -> list[tuple[int, int]]:
    """What the clients of all processes were answered: number of the form and HTTP status."""
    spawn = multiprocessing.get_context("spawn")
    barrier, told = spawn.Barrier(PROCESSES), spawn.Queue()
    started = [
        spawn.Process(target=send_all, args=(str(data), keys, forms, barrier, told)) for _ in range(PROCESSES)
    ]
    for process in started:
        process.start()
    answers = [told.get(timeout=PATIENCE_S) for _ in started]
    for process in started:
        process.join(PATIENCE_S)
        assert process.exitcode == 0
    return [answer for one in answers for answer in one]


def check_spool(world: World, case: Case, name: str, caps: dict[str, int], accepted: int) -> None:
    """What was spooled is what was answered, is within the caps, and is what is counted."""

    async def read(tx: Any) -> tuple[list[Any], Any]:
        rows = await tx.all(
            "SELECT accepted_at, size_bytes FROM message WHERE identity = ? ORDER BY accepted_at", name
        )
        owner, sender = (case.account(who).account_id for who in ("owner", "sender"))
        bounds = await delegate_bounds.get(tx, owner, REGION, name, sender)
        assert bounds is not None
        return rows, (await delegate_bounds.uses(tx, [bounds.seq]))[bounds.seq]

    rows, use = world.run(world.services.store.read(read))
    assert len(rows) == accepted == use.day.messages
    size = sum(row[1] for row in rows)
    assert size == use.day.bytes <= caps.get("MaxBytesPerDay", size)
    if "MaxBytesPerDay" in caps:
        assert size + rows[0][1] > caps["MaxBytesPerDay"], "it was used to the last message"
    if "MaxMessagesPerSecond" in caps:
        times = [row[0] for row in rows]
        for began in times:
            assert sum(began <= at < began + 1 for at in times) <= caps["MaxMessagesPerSecond"]
