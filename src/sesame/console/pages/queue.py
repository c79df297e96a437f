"""The operator's queue: what waits for which destination and why, what to do with it, and the latest attempts."""

from collections import Counter
from urllib.parse import quote, urlencode

from starlette.responses import Response

from sesame.admin.queue import VERBS, destination
from sesame.console.calls import operator_sample
from sesame.console.text import MOST_COUNTED, ago, capped
from sesame.console.visit import Page, Visit
from sesame.db import Transaction
from sesame.spool import attempts, control, destinations
from sesame.spool.control import Filter, Pause, Queued, list_queued
from sesame.spool.destinations import Ages, Overview, Reply

PAGE = 50
MOST_WAYS = 3
"""Ways of securing a connection that are told of each destination."""
DOES = {
    "retry": ("Try now", "Tries waiting mail now; held mail stays held."),
    "hold": ("Hold", "Stops trying until it is released. It does not expire meanwhile."),
    "release": ("Release", "Releases held mail at once, with a clean record."),
    "cancel": ("Cancel", "Gives it up for good. The sender is notified that it was cancelled."),
}
SAID = {"retry": "retried", "hold": "held", "release": "released", "cancel": "cancelled"}
KINDS = (("", "everything"), *attempts.RESULTS.items())


async def show(visit: Visit) -> Response:
    """What waits, by destination, and what is paused."""
    asked = visit.query.get("to", "").strip()
    if asked:
        return visit.go(_to(asked))

    async def run(tx: Transaction) -> tuple[Overview, list[Pause], Ages]:
        return (
            await destinations.overview(tx, limit=PAGE),
            await control.pauses(tx),
            await destinations.ages(tx, now=visit.now),
        )

    overview, pauses, ages = await visit.backing.store.read(run)
    found = overview.destinations
    return visit.page(
        "queue.html",
        overview=overview,
        pauses=pauses,
        paused={one.domain for one in pauses},
        highest=max((one.waiting for one in found), default=0),
        ages=ages,
        steps=[(_age(upto), count) for upto, count in ages.counts],
        largest_step=max(count for _, count in ages.counts),
        most=destinations.MOST,
        waiting=sum(one.waiting for one in found),
        is_more=any(one.waiting >= destinations.MOST for one in found) or not overview.is_whole,
        oldest=min((one.queued_at for one in found), default=None),
    )


def _age(upto: float | None) -> str:
    return f"over {ago(destinations.AGES_S[-1])}" if upto is None else f"up to {ago(upto)}"


def _to(domain: str) -> str:
    return f"/operator/queue/to/{quote(domain.strip().lower(), safe='')}"


async def show_destination(visit: Visit) -> Response:
    """What waits for one destination, oldest first, and what its servers said last."""
    domain = visit.path_values["domain"]
    asked = visit.query.get("after", "")
    after = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 18 else 0
    wanted = Filter(domain=domain)

    async def run(tx: Transaction) -> tuple[list[Queued], int, list[Pause], tuple[list[Reply], int]]:
        return (
            await list_queued(tx, wanted, after=after, limit=PAGE + 1),
            await control.count(tx, wanted, most=MOST_COUNTED),
            await control.pauses(tx),
            await destinations.replies(tx, domain),
        )

    found, count, pauses, (replies, sampled) = await visit.backing.store.read(run)
    return visit.page(
        "destination.html",
        domain=domain,
        queued=found[:PAGE],
        more=found[PAGE - 1].seq if len(found) > PAGE else None,
        is_first=not after,
        count=capped(count),
        pause=next((one for one in pauses if one.domain == domain), None),
        replies=replies[:8],
        sampled=sampled,
        does=DOES,
        which=f"domain={quote(domain, safe='')}",
    )


def _wanted(values: "dict[str, str]") -> Filter | None:
    """What a change is asked for: all of a destination, or all of a message; None for neither, or both."""
    domain, message = values.get("domain", "").strip(), values.get("message", "").strip()
    if bool(domain) == bool(message):
        return None
    return Filter(domain=destination(domain)) if domain else Filter(message_id=message)


async def ask_change(visit: Visit) -> Response:
    """How many recipients a change would concern, before it is made."""
    verb, wanted = visit.query.get("do", ""), _wanted(dict(visit.query))
    if verb not in VERBS or wanted is None:
        return visit.page("missing.html", status=404)
    count = await visit.backing.store.read(lambda tx: control.count(tx, wanted, most=MOST_COUNTED))
    name, says = DOES[verb]
    return visit.page(
        "queue_change.html",
        verb=verb,
        name=name,
        says=says,
        count=count,
        counted_as=capped(count),
        what=wanted.domain or wanted.message_id,
        is_message=wanted.message_id is not None,
        back=_back(wanted),
    )


def _back(wanted: Filter) -> str:
    return _to(wanted.domain) if wanted.domain else f"/operator/messages/{wanted.message_id}"


async def change(visit: Visit) -> Response:
    """Retry, hold, release or cancel it."""
    verb, wanted = visit.form.get("do", ""), _wanted(dict(visit.form))
    if verb not in VERBS or wanted is None:
        return visit.page("missing.html", status=404)
    desk = visit.backing.queue.by(visit.actor)
    done = await desk.change(verb, wanted, reason=visit.form.get("reason", "").strip()[:500])
    if verb in ("retry", "release"):
        visit.backing.wake()
    return visit.go(_back(wanted), said=SAID[verb], count=done.count)


async def pause(visit: Visit) -> Response:
    """Let nothing go to a destination."""
    domain = destination(visit.form.get("domain", ""))
    await visit.backing.queue.by(visit.actor).pause(domain, reason=visit.form.get("reason", "").strip()[:500])
    visit.backing.wake()  # it looks at what is paused when it looks at all
    return visit.go(_to(domain), said="paused")


async def resume(visit: Visit) -> Response:
    """Let mail go there again."""
    domain = destination(visit.form.get("domain", ""))
    await visit.backing.queue.by(visit.actor).resume(domain)
    visit.backing.wake()
    return visit.go(_to(domain), said="resumed")


async def show_attempts(visit: Visit) -> Response:
    """The latest attempts of all accounts."""
    query = visit.query
    kind = query.get("kind", "") if query.get("kind") in dict(KINDS) else ""
    domain = query.get("to", "").strip().lower()
    asked = query.get("before", "")
    before = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 18 else None

    async def run(tx: Transaction) -> attempts.TriedPage:
        return await attempts.latest(tx, before=before, limit=PAGE, kind=kind, domain=domain)

    page = await visit.backing.store.read(run)
    counts = Counter(one.kind for one in page.attempts)
    kept = {name: value for name, value in (("kind", kind), ("to", domain)) if value}
    return visit.page(
        "attempts.html",
        page=page,
        kinds=KINDS,
        words=attempts.RESULTS,
        kind=kind,
        to=domain,
        results=[(word, counts[name]) for name, word in KINDS if counts[name]],
        is_first=before is None,
        more=None if page.next is None else urlencode({**kept, "before": page.next}),
        calls=[operator_sample("List the latest attempts", "deliveries", "list", **_options(kind, domain))],
    )


def _options(kind: str, domain: str) -> dict[str, str | float]:
    given = {"result": attempts.RESULTS.get(kind, ""), "domain": domain}
    return {name: value for name, value in given.items() if value}


async def show_connections(visit: Visit) -> Response:
    """How the latest attempts were secured, by destination."""
    found, looked_at = await visit.backing.store.read(lambda tx: attempts.connections(tx, limit=PAGE))
    return visit.page(
        "connections.html",
        found=found,
        looked_at=looked_at,
        total=sum(one.attempts for one in found),
        in_clear=sum(one.in_clear for one in found),
        refused=sum(one.refused for one in found),
        most=MOST_WAYS,
        calls=[operator_sample("List them", "deliveries", "connections")],
    )


PAGES = (
    Page(path="/operator/queue", handler=show, who="operator"),
    Page(path="/operator/queue/to/{domain}", handler=show_destination, who="operator"),
    Page(path="/operator/queue/change", handler=ask_change, who="operator"),
    Page(path="/operator/queue/change", handler=change, method="POST", who="operator"),
    Page(path="/operator/queue/pause", handler=pause, method="POST", who="operator"),
    Page(path="/operator/queue/resume", handler=resume, method="POST", who="operator"),
    Page(path="/operator/deliveries", handler=show_attempts, who="operator"),
    Page(path="/operator/deliveries/connections", handler=show_connections, who="operator"),
)
