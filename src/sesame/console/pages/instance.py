"""The operator's instance: is it well, what does it count, which DNS records are its own."""

from collections.abc import Callable

from starlette.responses import PlainTextResponse, Response

from sesame.admin.doctor import Level
from sesame.console.charts import STEP, Chart, bars
from sesame.console.history import Span, buckets, quantile_of, total
from sesame.console.instance import Instance
from sesame.console.text import ago, exactly, size
from sesame.console.visit import Page, Visit
from sesame.db import Transaction
from sesame.metrics import FAST_S
from sesame.store import identity_checks, outbox

LATE_S, STUCK_S = 3_600.0, 4 * 3_600.0
"""How long the oldest mail may wait before the page says that it is late, and that it is stuck."""
LAG_S = 0.1
SPAN_S, SPANS = 300.0, 288
"""A bar of the pictures, and how many there are of a day."""
HOUR_S, HOURS = 3_600.0, 24
MINUTE_S, MINUTES = 60.0, 60
MOST_LACKING = 50
"""Owners' domains that are shown whose records are not in DNS."""
TONES = {Level.OK: "good", Level.UNKNOWN: "wait", Level.WARNING: "wait", Level.FAULT: "bad"}


async def show(visit: Visit) -> Response:
    """Readiness, what waits, figures since the start, and the last examination."""
    instance = visit.backing.instance
    problems = await instance.problems()
    oldest, undelivered = await visit.backing.store.read(_waiting)
    checks = [
        _check("Mail is accepted", problems.get("store"), "the store writes durably"),
        _disk(instance, problems.get("disk")),
        _oldest(oldest, visit.now),
        _lag(total(instance.metrics.loop_lag)),
    ]
    if undelivered:
        checks.append(("Notifications", "wait", f"{undelivered:,} are not delivered yet", ""))
    last = instance.last
    found = sorted(last.findings, key=lambda one: list(Level).index(one.level), reverse=True) if last else []
    worst = _worst([tone for _, tone, _, _ in checks])
    return visit.page(
        "instance.html",
        checks=checks,
        worst=worst,
        problems=problems,
        figures=_figures(instance),
        durations=_durations(instance),
        last=last,
        findings=[(TONES[one.level], one) for one in found],
        faults=last.count(Level.FAULT) if last else 0,
        warnings=last.count(Level.WARNING) if last else 0,
        started_at=instance.started_at,
        pictures=_pictures(instance.history.spans(SPAN_S, SPANS)),
        hours=[(one, *_bounds(one)) for one in reversed(instance.history.spans(HOUR_S, HOURS))],
        store_bytes=instance.store_bytes(),
    )


async def _waiting(tx: Transaction) -> tuple[float | None, int]:
    row = await tx.one(
        "SELECT m.accepted_at FROM message m WHERE m.seq ="
        " (SELECT q.message_seq FROM queue q WHERE q.seq = (SELECT MIN(seq) FROM queue))"
    )
    return None if row is None else row[0], await outbox.depth(tx)


def _check(name: str, problem: str | None, well: str) -> tuple[str, str, str, str]:
    return (name, "good", well, "") if problem is None else (name, "bad", problem, "")


def _disk(instance: Instance, problem: str | None) -> tuple[str, str, str, str]:
    try:
        text = f"{size(instance.free_bytes())} free"
    except OSError as error:
        text = str(error)
    mend = "Make room or move the data directory; mail that cannot be stored is not accepted."
    return ("Disk", "good", text, "") if problem is None else ("Disk", "bad", text, mend)


def _oldest(at: float | None, now: float) -> tuple[str, str, str, str]:
    if at is None:
        return "Queue", "good", "nothing waits", ""
    waited = max(0.0, now - at)
    tone = "good" if waited < LATE_S else "wait" if waited < STUCK_S else "bad"
    return (
        "Queue",
        tone,
        f"the oldest message waits for {ago(waited)}",
        "" if tone == "good" else "See which destination it is.",
    )


def _lag(lag_s: float) -> tuple[str, str, str, str]:
    tone = "good" if lag_s < LAG_S else "wait"
    return "Event loop", tone, f"{lag_s * 1000:.0f} ms late at its last turn", ""


def _worst(tones: list[str]) -> str:
    return max(tones, key=("good", "wait", "bad").index)


def _figures(instance: Instance) -> list[tuple[str, int]]:
    """What was counted since the start."""
    metrics = instance.metrics
    return [
        ("recipients accepted", int(total(metrics.messages, state="accepted"))),
        ("delivered", int(total(metrics.attempts, result="delivered"))),
        ("deferred", int(total(metrics.attempts, result="transient"))),
        ("rejected", int(total(metrics.attempts, result="permanent"))),
        ("sends refused here", int(total(metrics.decisions, decision="refused"))),
        ("API calls", int(total(metrics.api_requests))),
    ]


def _pictures(spans: list[Span]) -> list[tuple[str, Chart]]:
    """What was accepted and delivered, what waited, how long a commit took."""

    def picture(name: str, label: str, value: Callable[[Span], tuple[int, int, str]]) -> tuple[str, Chart]:
        rows = [(exactly(one.at)[11:16], value(one)) for one in spans]
        return name, bars(label, [(f"{at}: {title}", whole, part) for at, (whole, part, title) in rows])

    return [
        picture(
            "Recipients accepted",
            "Recipients accepted in each five minutes",
            lambda one: (one.accepted, 0, f"{one.accepted:,} accepted, {one.refused:,} sends refused"),
        ),
        picture(
            "Attempts to deliver",
            "Attempts to deliver in each five minutes, and of them those that failed",
            lambda one: (
                one.delivered + one.put_off + one.failed,
                one.put_off + one.failed,
                f"{one.delivered:,} delivered, {one.put_off:,} deferred, {one.failed:,} rejected",
            ),
        ),
        picture(
            "Waiting in the queue",
            "Recipients waiting, the most in each five minutes",
            lambda one: (one.waiting or 0, 0, f"{one.waiting or 0:,} waiting"),
        ),
        picture(
            "A commit with its fsync, 99 of 100",
            "How long 99 of 100 commits took in each five minutes, in milliseconds",
            lambda one: (_shown_ms(one.commit_s(0.99)), 0, _within(one.commit_s(0.99))),
        ),
    ]


async def show_minutes(visit: Visit) -> Response:
    """The last hour by minute: what was accepted and attempted a second, and how long accepting and commits took."""
    spans = visit.backing.instance.history.spans(MINUTE_S, MINUTES)

    def picture(label: str, value: Callable[[Span], tuple[int, str]]) -> Chart:
        rows = [(f"{exactly(one.at)[11:16]}: {value(one)[1]}", value(one)[0], 0) for one in spans]
        return bars(label, rows, width=28 * STEP)

    rows = [
        (
            one,
            f"{one.accepted / MINUTE_S:.2f}",
            f"{one.delivered / MINUTE_S:.2f}",
            _within(one.accept_s(0.5)),
            *_bounds(one),
        )
        for one in spans
    ]
    pictures = [
        (
            "Recipients accepted",
            picture(
                "Recipients accepted in each minute; the table below has the numbers",
                lambda one: (
                    one.accepted,
                    f"{one.accepted / MINUTE_S:.2f} a second, {one.accepted:,} in the minute",
                ),
            ),
        ),
        (
            "Accepting a message, 99 of 100",
            picture(
                "How long 99 of 100 took to accept in each minute, in milliseconds; the table below has the numbers",
                lambda one: (_shown_ms(one.accept_s(0.99)), _within(one.accept_s(0.99))),
            ),
        ),
    ]
    return visit.page("instance_minutes.html", pictures=pictures, rows=rows)


def _shown_ms(bound_s: float | None) -> int:
    """The height of a bar of milliseconds; what is beyond the last bound is as high as that."""
    return 0 if bound_s is None else int(min(bound_s, FAST_S[-1]) * 1000)


def _bounds(one: Span) -> tuple[str, str]:
    return _within(one.accept_s(0.99)), _within(one.commit_s(0.99))


def _durations(instance: Instance) -> list[tuple[str, str, str]]:
    """What takes how long: half of it within, 99 of a hundred within."""
    metrics = instance.metrics
    rows = (
        ("Accepting a message", metrics.accept_duration),
        ("Deciding a send", metrics.decide_duration),
        ("A commit with its fsync", metrics.commit_duration),
        ("From acceptance to the first attempt", metrics.queue_wait),
        ("One attempt", metrics.attempt_duration),
    )
    found = [(name, buckets(metric)) for name, metric in rows]
    return [
        (name, _within(quantile_of(seen, 0.5)), _within(quantile_of(seen, 0.99)))
        for name, seen in found
        if quantile_of(seen, 0.5) is not None
    ]


def _within(bound_s: float | None) -> str:
    if bound_s is None:
        return "—"
    if bound_s == float("inf"):
        return "longer"
    return f"≤ {bound_s * 1000:g} ms" if bound_s < 1 else f"≤ {bound_s:g} s"


async def examine(visit: Visit) -> Response:
    """Look at DNS, names, certificates, ports, clock and disk now."""
    await visit.backing.instance.look()
    return visit.go("/operator/instance", said="examined")


async def show_records(visit: Visit) -> Response:
    """The operator's own DNS records with what DNS shows."""
    records = await visit.backing.instance.records()
    right = sum(record.verdict.value == "right" for record in records)
    lacking = await visit.backing.store.read(
        lambda tx: identity_checks.lacking_records(tx, limit=MOST_LACKING + 1)
    )
    return visit.page(
        "own_records.html",
        records=records,
        right=right,
        lacking=lacking[:MOST_LACKING],
        has_more=len(lacking) > MOST_LACKING,
    )


async def zone(visit: Visit) -> Response:
    """The same as a zone file."""
    records = await visit.backing.instance.records()
    lines = ["; records of this instance, for the operator to publish", "$TTL 3600"]
    lines += [
        f"{one.record.name}. IN {one.record.kind} {_data(one.record.kind, one.record.value)}"
        for one in records
    ]
    headers = {"content-disposition": 'attachment; filename="instance.zone"'}
    return PlainTextResponse("\n".join([*lines, ""]), headers=headers)


def _data(kind: str, value: str) -> str:
    if kind != "TXT":
        return f"{value}."
    return " ".join(f'"{value[at : at + 255]}"' for at in range(0, len(value), 255))


PAGES = (
    Page(path="/operator/instance", handler=show, who="operator"),
    Page(path="/operator/instance/minutes", handler=show_minutes, who="operator"),
    Page(path="/operator/instance", handler=examine, method="POST", who="operator"),
    Page(path="/operator/dns", handler=show_records, who="operator"),
    Page(path="/operator/dns/zone", handler=zone, who="operator"),
)
