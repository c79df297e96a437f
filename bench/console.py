"""The console on a large store: what each page costs the server, in time and statements, and what walks over a table.

In this process, without sockets, from the request to the last byte. The target is held to CPU time, which neighbours on
the machine disturb least; on a quiet one the clock tells about the same.
"""

import asyncio
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import httpx

from bench import console_store
from bench.console_store import OTHERS, REGION, Filled, filled, settings_of
from bench.isolation import percentile
from bench.table import Row
from sesame.db import sqlite as embedded
from sesame.db.sqlite import SqliteStore
from tests.support.console_in_process import OpenConsole, console_over
from tests.support.statements import Counted, counted, wrong_in

READS = 40
MOST_MS, MOST_STATEMENTS, MOST_KB = 100.0, 12, 60.0
MOST_APART_MS = 5.0


@dataclass(slots=True, kw_only=True)
class Cost:
    """What a page came to."""

    path: str
    status: int = 0
    kb: float = 0.0
    times_ms: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    statements: int = 0
    walks: list[str] = field(default_factory=list)


def paths_of(filled: Filled) -> tuple[list[str], list[str], list[str]]:
    """Pages of the owner, of its delegate, of the operator."""
    last, middle = console_store.MESSAGES, console_store.MESSAGES // 2
    message = f"{last:016x}-{last:08x}-0000-0000-0000-000000000000-000000"
    refusal = f"{console_store.REFUSALS:08x}-0000-0000-0000-000000000000"
    here, one = f"/{REGION}", f"/{REGION}/identities/n5.example"
    at = time.time() - 7 * 86_400
    own = [
        f"{here}/home", f"{here}/identities", f"{here}/identities?after=n5.example", f"{here}/identities/new", one,
        f"{one}/zone",
        f"{one}/delete", f"{one}/notifications", f"{one}/signing", f"{one}/sends", f"{one}/sends?from=nobody",
        f"{one}/senders", f"{one}/policies/P", f"{one}/policies/P/remove",
        f"{one}/lend", f"{one}/stop?principal={filled.delegate}", f"{one}/kit?for={filled.delegate}", f"{here}/lent",
        f"{here}/messages", f"{here}/messages?after={at:.3f}-m{middle}", f"{here}/messages?outcome=refused",
        f"{here}/messages?outcome=bounced", f"{here}/messages?role=lent", f"{here}/messages?outcome=suppressed",
        f"{here}/messages?from=nobody", f"{here}/messages?to=reader7@d7.example", f"{here}/messages/{message}",
        f"{here}/refusals/{refusal}", f"{here}/suppression", f"{here}/suppression?q=gone5", f"{here}/reputation",
        f"{here}/reputation/counted", f"{here}/reputation/counted?identity={filled.owner}/n0.example",

        f"{here}/account", f"{here}/changes", f"{here}/changes?event=nothing", f"{here}/configuration-sets",
        f"{here}/configuration-sets/news", f"{here}/templates", f"{here}/templates/t", f"{here}/templates/t/html",
        f"{here}/templates/t/edit", f"{here}/people", f"{here}/people/users/anna", f"{here}/people/groups/all",
        f"{here}/ask", f"{here}/ask?from=a@n5.example", f"{here}/search?q=x", "/me",
    ]  # fmt: skip
    theirs = [
        f"{here}/{page}" for page in ("lent", "messages", f"refusals/{refusal}", "reputation", "identities")
    ]
    operators = [
        "/operator", f"/operator?after={300_000_000_000 + OTHERS // 2}", f"/operator/accounts/{filled.owner}",
        "/operator/accounts/delegates", f"/operator/accounts/delegates?account={filled.owner}",
        "/operator/instance", "/operator/queue", "/operator/queue/to/d7.example",
        "/operator/queue/change?do=cancel&domain=d7.example", "/operator/deliveries",
        "/operator/deliveries?kind=permanent", "/operator/log-ins", "/operator/settings", "/operator/services",
        "/operator/audit", f"/operator/audit?account={filled.owner}", "/operator/dns", "/operator/find?q=n5.example",
        "/operator/find?q=reader7@d7.example", f"/operator/messages/{message}", f"/operator/refusals/{refusal}",
    ]  # fmt: skip
    return own, theirs, operators


async def _read(store: Filled) -> tuple[list[Cost], dict[str, float]]:
    async with console_over(settings_of(store.data)) as opened:
        found: list[Cost] = []
        own, theirs, operators = paths_of(store)
        for who, paths in ((store.owner, own), (store.delegate, theirs), ("", operators)):
            async with opened.logged_in(who) as client:
                found += [await _cost(client, opened.store, path) for path in paths]
        return found, await _apart(opened)


async def _apart(opened: OpenConsole) -> dict[str, float]:
    """By page, how far apart the medians are for what another account has and for what there is not, in ms.

    Both are asked by turns, so that what else the machine does hits both alike.
    """
    last = console_store.MESSAGES
    message = f"{last:016x}-{last:08x}-0000-0000-0000-000000000000-000000"
    refusal = f"{console_store.REFUSALS:08x}-0000-0000-0000-000000000000"
    unknown = f"{last * 2:016x}-{last:08x}-0000-0000-0000-000000000000-000000"
    stranger = f"{300_000_000_000 + OTHERS // 2}"
    pairs = {
        "messages": (message, unknown),
        "refusals": (refusal, "ffffffff-0000-0000-0000-000000000000"),
        "identities": ("n5.example", "nowhere.example"),
        "identities/…/senders": ("n5.example", "nowhere.example"),
        "identities/…/policies/P": ("n5.example", "nowhere.example"),
        "search": (message, unknown),
    }
    found = {}
    async with opened.logged_in(stranger) as client:
        for page, names in pairs.items():
            times: dict[str, list[float]] = {name: [] for name in names}
            for _ in range(2 * READS):
                for name in names:
                    path = page.replace("…", name) if "…" in page else f"{page}/{name}"
                    path = f"search?q={name}" if page == "search" else path
                    began = time.perf_counter()
                    await client.get(f"/{REGION}/{path}")
                    times[name].append((time.perf_counter() - began) * 1000)
            one, other = (percentile(times[name], 0.5) for name in names)
            found[page] = abs(one - other)
    return found


async def _cost(client: httpx.AsyncClient, store: SqliteStore, path: str) -> Cost:
    cost = Cost(path=path)
    await client.get(path)  # what is cached is cached
    for _ in range(READS):
        Counted.ran = []
        began, cpu = time.perf_counter(), time.process_time()
        answer = await client.get(path)
        cost.cpu_ms.append((time.process_time() - cpu) * 1000)
        cost.times_ms.append((time.perf_counter() - began) * 1000)
        if sum(cost.times_ms) > 20_000:
            break
    ran = [sql for sql in Counted.ran if "zone_record" not in sql]  # which stands for DNS in development
    cost.status, cost.kb, cost.statements = answer.status_code, len(answer.content) / 1024, len(ran)
    cost.walks = sorted({f"{sql}: {step}" for sql in ran for step in wrong_in(store, sql)})
    return cost


def run() -> list[Row]:
    """Every page that can be read, the slowest ones told by name."""
    with filled() as store, counted(embedded):
        costs, apart = asyncio.run(_read(store))
    for cost in sorted(costs, key=lambda cost: -percentile(cost.times_ms, 0.95)):
        print(
            f"  {percentile(cost.times_ms, 0.5):8.1f} {percentile(cost.times_ms, 0.95):8.1f} ms"
            f" {percentile(cost.cpu_ms, 0.95):8.1f} ms CPU {cost.statements:3} statements {cost.kb:6.1f} KB"
            f" {cost.status} {_short(cost.path)}"
        )
        for walk in cost.walks:
            print(f"      {walk}")
    for page, difference in apart.items():
        print(f"  {difference:8.2f} ms between known and unknown: {page}")
    return [
        *_rows(costs),
        Row(
            name="known and unknown names, medians apart",
            figure=max(apart.values()), unit="ms", target=MOST_APART_MS,
        ),
    ]  # fmt: skip


def _short(path: str) -> str:
    return re.sub(r"[0-9a-f]{16}-[0-9a-f-]+", "…", path)


def _rows(costs: Sequence[Cost]) -> list[Row]:
    slowest = max(costs, key=lambda cost: percentile(cost.cpu_ms, 0.95))
    most = max(costs, key=lambda cost: cost.statements)
    largest = max(costs, key=lambda cost: cost.kb)
    return [
        Row(name="pages read", figure=len(costs), unit=""),
        Row(name="that failed", figure=sum(cost.status >= 400 for cost in costs), unit="", target=0),
        Row(
            name=f"the slowest page, p95 ({_short(slowest.path)})",
            figure=percentile(slowest.cpu_ms, 0.95), unit="ms of CPU", target=MOST_MS,
        ),
        Row(
            name="the slowest page, p95 by the clock",
            figure=max(percentile(cost.times_ms, 0.95) for cost in costs), unit="ms",
        ),
        Row(
            name="the page in the middle, p95",
            figure=percentile([percentile(cost.times_ms, 0.95) for cost in costs], 0.5), unit="ms",
        ),
        Row(
            name=f"most statements ({_short(most.path)})", figure=most.statements, unit="",
            target=MOST_STATEMENTS,
        ),
        Row(name=f"largest page ({_short(largest.path)})", figure=largest.kb, unit="KB", target=MOST_KB),
        Row(name="walks and sorts found by EXPLAIN", figure=sum(len(c.walks) for c in costs), unit="", target=0),
    ]  # fmt: skip
