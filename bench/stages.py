"""Where the time of accepting goes: each stage of SendRawEmail alone, in process, without sockets."""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from bench.load import CONTENT_TYPE, raw_email, sign
from bench.server import DOMAIN, REGION, Key
from bench.table import Row
from sesame.access.authorize import Authorizer
from sesame.access.directory import Directory
from sesame.access.record import decision_json
from sesame.aws import query, sigv4
from sesame.aws.model import ServiceModel
from sesame.aws.request import HttpRequest
from sesame.config import Settings
from sesame.mail.address import identity_candidates
from sesame.model import Caller, IdentityKind
from sesame.observe import Log, SystemClock
from sesame.sending.compose import Stamp, compose
from sesame.sending.submission import RawContent, Submission
from sesame.services import Services

ROUNDS = 2_000


def run() -> list[Row]:
    """Microseconds of each stage."""
    with tempfile.TemporaryDirectory(prefix="sesame-bench-") as directory:
        return asyncio.run(_stages(Path(directory)))


async def _stages(directory: Path) -> list[Row]:
    clock = SystemClock()
    with (directory / "log").open("w") as stream:
        services = Services(
            Settings(data=str(directory / "data")), log=Log(stream, as_json=True, clock=clock), clock=clock
        )
        try:
            return await _measure(services)
        finally:
            services.close()


async def _measure(services: Services) -> list[Row]:
    keys = await services.operator.create_account("bench", production=True)
    key = Key(keys.account_id, keys.access_key_id, keys.secret_access_key)
    await services.verification.vouch(key.account_id, REGION, DOMAIN, IdentityKind.DOMAIN)
    request = _request(key)
    signed = sigv4.read_signature(request)
    secret = sigv4.signing_key(key.secret_access_key, signed.date, REGION, "ses")
    model = ServiceModel.load("ses")
    operation = model.operations["SendRawEmail"]
    raw: bytes = query.parse(operation, query.read_action(request))["RawMessage"]["Data"]
    submission = Submission(
        operation="SendRawEmail", action="ses:SendRawEmail", api_version="1", content=RawContent(data=raw),
        source=None, destinations=(), return_path=None, source_arn=None, from_arn=None, return_path_arn=None,
        configuration_set=None, tags=(), max_bytes=10_000_000,
    )  # fmt: skip
    stamp = Stamp(message_id_field="<id@sesame.test>", at=1.0, new_boundary=lambda: "b")
    composed = compose(submission, stamp)
    directory = Directory(services.store, services.sealer)
    credential = await directory.credential(key.access_key_id)
    assert credential is not None
    caller = Caller(
        principal=credential.principal, access_key_id=key.access_key_id, region=REGION, source_ip="127.0.0.1",
        secure_transport=False, user_agent="bench", at=services.clock.now(), request_id="r", account_epoch=0,
    )  # fmt: skip
    authorizer = Authorizer(directory, candidates=identity_candidates, owner_sandbox_counts=True)
    decision = await authorizer.decide_send(caller, composed.request)

    def verify() -> None:
        sigv4.verify(request, sigv4.read_signature(request), signing_key=secret)

    async def decide() -> None:
        await authorizer.decide_send(caller, composed.request)

    return [
        _row("check the signature (5 KB body)", verify),
        _row("read the form and its parameters", lambda: query.parse(operation, query.read_action(request))),
        _row("compose: read, check and rewrite the message", lambda: compose(submission, stamp)),
        await _row_async("decide: identities, policies, sandbox", decide),
        _row("write the decision down", lambda: decision_json(caller, composed.request, decision)),
        _row("write the answer", lambda: query.serialise(operation, {"MessageId": "m"}, request_id="r")),
    ]


def _request(key: Key) -> HttpRequest:
    head, _, body = sign(key, ("127.0.0.1", 4579), iter([raw_email(1)]))[0].partition(b"\r\n\r\n")
    fields = [line.partition(b": ") for line in head.split(b"\r\n")[1:]]
    headers = [(name.lower(), value) for name, _, value in fields]
    assert (b"content-type", CONTENT_TYPE.encode()) in headers
    return HttpRequest(method="POST", raw_path=b"/", query=b"", headers=headers, body=body)


def _row(name: str, function: Callable[[], object]) -> Row:
    for _ in range(100):
        function()
    began = time.perf_counter()
    for _ in range(ROUNDS):
        function()
    return Row(name=name, figure=(time.perf_counter() - began) / ROUNDS * 1e6, unit="us")


async def _row_async(name: str, function: Callable[[], Awaitable[None]]) -> Row:
    for _ in range(100):
        await function()
    began = time.perf_counter()
    for _ in range(ROUNDS):
        await function()
    return Row(name=name, figure=(time.perf_counter() - began) / ROUNDS * 1e6, unit="us")
