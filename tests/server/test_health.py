"""The health listener: what monitors read, and that it fails when a send would."""

import asyncio
import json
import smtplib
import socket
import threading
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

from sesame.app.readiness import Readiness
from sesame.db.sqlite import SqliteStore
from sesame.metrics import Metrics
from sesame.server.health import HealthServer
from sesame.server.listener import listen
from tests.support.clock import FakeClock
from tests.support.patience import PATIENCE_S
from tests.support.process import SesameProcess, running, wait_until
from tests.support.tenant import Tenant


def get(url: str) -> tuple[int, str]:
    """Status and body."""
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE_S) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def value(text: str, name: str) -> float:
    """The value of the one sample whose name and labels are `name`."""
    (line,) = (line for line in text.splitlines() if line.startswith(f"{name} "))
    return float(line.rpartition(" ")[2])


def test_a_running_server_is_healthy_and_ready(sesame: SesameProcess) -> None:
    assert get(f"{sesame.health}/healthz") == (200, "{}\n")
    assert get(f"{sesame.health}/readyz") == (200, "{}\n")
    assert get(f"{sesame.health}/elsewhere")[0] == 404


def test_a_send_is_counted_in_every_stage(sesame: SesameProcess, tenant: Tenant) -> None:
    def counts() -> list[float]:
        text = get(f"{sesame.health}/metrics")[1]
        return [
            value(text, name)
            for name in (
                'sesame_api_requests_total{code="",operation="SendEmail",service="ses"}',
                "sesame_accept_duration_seconds_count",
                "sesame_authz_decision_duration_seconds_count",
                "sesame_commit_duration_seconds_count",
                "sesame_commit_batch_size_count",
            )
        ]

    def send() -> None:
        tenant.ses.send_email(
            Source="news@example.com",
            Destination={"ToAddresses": ["a@example.com", "b@example.com"]},
            Message={"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}},
        )

    send()  # the samples exist from the first send on
    before = counts()
    send()
    after = counts()
    assert after[0] - before[0] == 1
    assert all(a - b >= 1 for a, b in zip(after, before, strict=True))


def test_each_recipient_is_counted_by_what_became_of_it(sesame: SesameProcess, tenant: Tenant) -> None:
    names = ("accepted", "delivered", "bounced", "complained")

    def counts() -> list[float]:
        lines = get(f"{sesame.health}/metrics")[1].splitlines()
        found = [line for line in lines if line.startswith("sesame_messages_total")]
        return [
            sum(value(line, line.rpartition(" ")[0]) for line in found if f'"{name}"' in line)
            for name in names
        ]

    before = counts()
    for to in ("success", "bounce", "complaint"):
        tenant.ses.send_email(
            Source="news@example.com",
            Destination={"ToAddresses": [f"{to}@simulator.amazonses.com"]},
            Message={"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}},
        )
    wait_until(lambda: all(a - b >= many for a, b, many in zip(counts(), before, (3, 2, 1, 1), strict=True)))


def test_open_connections_are_counted(sesame: SesameProcess) -> None:
    host, _, port = sesame.smtp.rpartition(":")
    before = value(get(f"{sesame.health}/metrics")[1], 'sesame_connections{door="smtp"}')
    with socket.create_connection((host, int(port)), timeout=PATIENCE_S) as client:
        assert client.recv(4) == b"220 "
        assert value(get(f"{sesame.health}/metrics")[1], 'sesame_connections{door="smtp"}') == before + 1


def test_names_that_clients_make_up_are_not_labels(sesame: SesameProcess) -> None:
    request = urllib.request.Request(sesame.api, urllib.parse.urlencode({"Action": "MadeUpAction"}).encode())
    try:
        urllib.request.urlopen(request, timeout=PATIENCE_S)
    except urllib.error.HTTPError as error:
        error.close()
    assert "MadeUpAction" not in get(f"{sesame.health}/metrics")[1]


def test_health_fails_when_the_loop_does_not_turn() -> None:
    """Answered by a thread: a loop that is held up cannot keep it from saying so."""
    answers: list[tuple[int, str]] = []

    async def run() -> None:
        async def nothing() -> None: ...

        async def ready() -> dict[str, str]:
            return {}

        server = HealthServer(
            listen("127.0.0.1", 0), metrics=lambda: b"", refresh=nothing, ready=ready, turn_s=0.05
        )
        server.start()
        asked = threading.Thread(target=lambda: answers.append(get(f"{server.url}/healthz")))
        asked.start()
        asked.join(PATIENCE_S)  # the loop is held here
        server.stop()

    asyncio.run(run())
    status, body = answers[0]
    assert status == 503
    assert json.loads(body) == {"loop": "no answer within 0.05 s"}


def test_ready_fails_below_the_disk_reserve_and_when_nothing_can_be_written(tmp_path: Path) -> None:
    clock = FakeClock(1000.0)
    free = [10]

    async def run() -> list[dict[str, str]]:
        store = SqliteStore(tmp_path / "db")
        readiness = Readiness(store, free_bytes=lambda: free[0], reserve_bytes=5, clock=clock)
        found = [await readiness.problems()]
        free[0] = 4
        found.append(await readiness.problems())  # within a second of the first: its answer
        clock.advance(2.0)
        found.append(await readiness.problems())
        free[0] = 10
        store.close()
        clock.advance(2.0)
        found.append(await readiness.problems())
        return found

    fine, kept, low, closed = asyncio.run(run())
    assert fine == kept == {}
    assert set(low) == {"disk"}
    assert set(closed) == {"store"}


def test_every_metric_is_in_the_exposition_and_has_the_prefix() -> None:
    metrics = Metrics()
    text = metrics.text().decode()
    for name, _, _, _ in metrics.catalogue():
        assert name.startswith("sesame_")
        assert f"# TYPE {name.removesuffix('_total')}" in text


def test_connections_at_the_listener_for_reports_are_counted_and_those_refused(tmp_path: Path) -> None:
    with running(tmp_path / "data", SESAME_INBOUND__CONNECTIONS="1") as sesame:
        host, _, port = sesame.inbound.rpartition(":")
        with smtplib.SMTP(host, int(port), timeout=PATIENCE_S):
            with pytest.raises(smtplib.SMTPConnectError, match="421"):
                smtplib.SMTP(host, int(port), timeout=PATIENCE_S)
            text = get(f"{sesame.health}/metrics")[1]
            assert value(text, 'sesame_connections_refused_total{door="inbound",reason="limit"}') == 1
            assert value(text, 'sesame_connections{door="inbound"}') == 1
