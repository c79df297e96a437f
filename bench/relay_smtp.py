"""SMTP in to SMTP out: 16 sessions with STARTTLS and AUTH hand in 5 KB, a server signs with RSA-2048 and hands on.

Beside Postfix with OpenDKIM, and Postfix alone, where they are installed: the same clients, the same certificate, a
queue on the same disk, the same server at the end. Every round runs all; ratios are taken within a round.
"""

import asyncio
import ssl
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import uvloop

from bench import postfix
from bench.accept import rsa_signs
from bench.server import DOMAIN, REGION, UNLIMITED, Usage, serving
from bench.smtp import CONNECTIONS, Measured, Smtp, Target, free_port, message
from bench.table import Row, median
from sesame.aws.smtp_password import smtp_password
from sesame.server.tls import development_files

MESSAGES = 1_600
ROUNDS = 3
DELIVERY_S = 120.0
SIGNATURES = 2.5
MEMORY_MB = 100
SESAME, SIGNED, ALONE = "Sesame with DKIM", "Postfix with OpenDKIM", "Postfix without DKIM"


def run(port: int, delivered: Callable[[], int]) -> list[Row]:
    """Rates, CPU and memory; `port` is the server at the end, `delivered` how many it has taken."""
    rounds: dict[str, list[Measured]] = {}
    signs = []
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sesame-bench-tls-")))
        ca, chain, key = development_files(directory, ["localhost"], now=time.time())
        server = stack.enter_context(
            serving(
                f'{UNLIMITED}[delivery]\nrelay = "127.0.0.1:{port}"\nper_domain = 16\n[submission]\nenabled = true\n'
                f'tls_certificate = "{chain}"\ntls_private_key = "{key}"\nconnections_per_address = 1000\n'
            )
        )
        account = server.account()
        password = smtp_password(account.secret_access_key, REGION)
        targets = {
            SESAME: Target(
                port=server.smtp_port, user=account.access_key_id, password=password, usage=server.usage
            )
        }
        for name, is_signed in ((ALONE, False), (SIGNED, True)):
            if reason := postfix.missing() or (postfix.no_opendkim() if is_signed else ""):
                print(f"bench: {name} is left out, {reason}", file=sys.stderr)
                continue
            peer = stack.enter_context(
                postfix.running(chain, key, free_port(), onward=port, signs_for=DOMAIN if is_signed else "")
            )
            targets[name] = Target(
                port=peer.port, user=postfix.USER, password=postfix.PASSWORD, usage=peer.usage
            )
        context = ssl.create_default_context(cafile=str(ca))
        for number in range(ROUNDS + 1):
            signs.append(rsa_signs())
            for name, target in targets.items():
                measured = uvloop.run(_round(target, context, delivered))
                if number:  # the first round warms up
                    rounds.setdefault(name, []).append(measured)
        return _rows(rounds, signs[1:], server.peak_mb())


async def _round(target: Target, context: ssl.SSLContext, delivered: Callable[[], int]) -> Measured:
    clients = [Smtp(context) for _ in range(CONNECTIONS)]
    for client in clients:
        await client.open(target)
    waiting, goal = iter(range(MESSAGES)), delivered() + MESSAGES
    before, began = target.usage(), time.perf_counter()

    async def send_some(client: Smtp) -> None:
        for n in waiting:
            await client.send(message(n), n)

    async with asyncio.timeout(DELIVERY_S):
        async with asyncio.TaskGroup() as tasks:
            for client in clients:
                tasks.create_task(send_some(client))
        while delivered() < goal:  # noqa: ASYNC110 - it counts in a process of its own
            await asyncio.sleep(0.01)
    seconds = time.perf_counter() - began
    used: Usage = target.usage().since(before)
    for client in clients:
        await client.quit()
    return Measured(MESSAGES / seconds, used.total_s / MESSAGES * 1000)


def _rows(rounds: dict[str, list[Measured]], signs: list[float], peak_mb: float) -> list[Row]:
    rows = []
    for name, measured in rounds.items():
        rows += [
            Row(name=f"SMTP to SMTP, {name}", figure=median([one.rate for one in measured]), unit="/s"),
            Row(
                name=f"SMTP to SMTP, {name}: CPU s per 1000", figure=median([one.cpu_s for one in measured]), unit="s"
            ),
            Row(
                name=f"SMTP to SMTP, {name}: CPU in signatures", unit="signatures",
                figure=median([one.cpu_s / 1000 * rate for one, rate in zip(measured, signs, strict=True)]),
                target=SIGNATURES if name == SESAME else None,
            ),
        ]  # fmt: skip
    rows.append(Row(name="SMTP to SMTP: peak memory of Sesame", figure=peak_mb, unit="MB", target=MEMORY_MB))
    if ALONE in rounds:
        ratios = [ours.rate / theirs.rate for ours, theirs in zip(rounds[SESAME], rounds[ALONE], strict=True)]
        name = "Sesame with DKIM / Postfix without: rate"
        rows.append(Row(name=name, figure=median(ratios), unit="x", target=1.5, better="higher"))
    if SIGNED in rounds:
        ratios = [
            ours.cpu_s / theirs.cpu_s for ours, theirs in zip(rounds[SESAME], rounds[SIGNED], strict=True)
        ]
        rows.append(Row(name="Sesame / Postfix with OpenDKIM: CPU", figure=median(ratios), unit="x"))
    return rows
