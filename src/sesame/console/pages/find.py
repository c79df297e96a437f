"""The operator's search over all accounts: a message, a refusal, an address, an account, a domain."""

import re
from urllib.parse import quote, urlencode

from starlette.responses import Response

from sesame.console.causes import cause_of
from sesame.console.domains import as_stored
from sesame.console.fates import STATES, TONES, afterwards, sentences
from sesame.console.visit import Page, Visit
from sesame.db import Transaction
from sesame.ids import MESSAGE_ID, REQUEST_ID
from sesame.model import Identity
from sesame.operations import operator_lookup
from sesame.spool import destinations, listing
from sesame.spool.listing import Entry
from sesame.store import accounts, identities

PAGE = 50
HOUR_S = 3_600
_ACCOUNT_ID = re.compile(r"[0-9]{12}")
_OF_ACCOUNT = re.compile(r"arn:[^:]*:[^:]*:[^:]*:([0-9]{12}):")


async def find(visit: Visit) -> Response:
    """Go where what was pasted leads, or show what an address or a domain leads to."""
    asked = as_stored(visit.query.get("q", "").strip().strip("<>"))
    local = asked.partition("@")[0].lower()
    if MESSAGE_ID.fullmatch(local):
        return visit.go(f"/operator/messages/{local}")
    if REQUEST_ID.fullmatch(asked.lower()):
        return visit.go(f"/operator/refusals/{asked.lower()}")
    if _ACCOUNT_ID.fullmatch(asked):
        return visit.go(f"/operator/accounts/{asked}")
    name = asked.rpartition(":identity/")[2] if asked.startswith("arn:") else asked
    if found := _OF_ACCOUNT.match(name):
        return visit.go(f"/operator/accounts/{found[1]}")
    if not name or " " in name:
        return visit.page(
            "found.html",
            asked=asked,
            named=[],
            account_ids=[],
            entries=[],
            addresses={},
            more=None,
            more_named=None,
            states=STATES,
            tones=TONES,
        )
    return await _named(visit, name)


async def _named(visit: Visit, name: str) -> Response:
    """Identities and accounts of that name, and mail to that address."""
    asked = visit.query.get("before", "")
    before = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 18 else None
    after_account, _, after_region = visit.query.get("after", "").partition("/")
    is_address = "@" in name

    async def run(
        tx: Transaction,
    ) -> tuple[list[Identity], list[str], list[Entry], int | None, dict[int, tuple[tuple[str, str], ...]]]:
        entries, more = (
            await listing.to_address_of_all(tx, name, before=before, limit=PAGE) if is_address else ([], None)
        )
        return (
            await identities.page_of_name(
                tx, name.lower(), after=(after_account, after_region), limit=PAGE + 1
            ),
            [] if is_address else await accounts.ids_named(tx, name, limit=PAGE + 1),
            entries,
            more,
            dict(await listing.recipients(tx, [entry.seq for entry in entries])),
        )

    named, account_ids, entries, more, addresses = await visit.backing.store.read(run)
    if len(account_ids) == 1 and not named:
        return visit.go(f"/operator/accounts/{account_ids[0]}")
    last = named[PAGE - 1] if len(named) > PAGE else None
    return visit.page(
        "found.html",
        asked=name,
        named=named[:PAGE],
        account_ids=account_ids[:PAGE],
        has_more_accounts=len(account_ids) > PAGE,
        entries=entries,
        addresses=addresses,
        more=None if more is None else urlencode({"q": name, "before": more}),
        more_named=None
        if last is None
        else urlencode({"q": name, "after": f"{last.account_id}/{last.region}"}),
        states=STATES,
        tones=TONES,
    )


async def show_message(visit: Visit) -> Response:
    """A message of any account: its life, both halves of its decision, and what to do with what waits."""
    found = await operator_lookup.message(visit.backing.store, visit.path_values["id"].lower())
    if found is None:
        return visit.page("missing.html", status=404)
    trace = found.trace
    last = [one.attempts[-1] for one in trace.recipients if one.attempts and one.state != "delivered"]
    wanted = [(one.remote_mta, one.diagnostic) for one in last if one.remote_mta and one.diagnostic]
    since = visit.now - HOUR_S
    alike = await visit.backing.store.read(lambda tx: destinations.alike(tx, wanted, since=since))
    return visit.page(
        "operator_message.html",
        found=found,
        alike=alike,
        trace=trace,
        sentence=list(sentences(trace, visit.fates_clock)),
        afterwards=list(afterwards((event for event, _ in found.events), visit.fates_clock)),
        waits=any(recipient.state in ("queued", "held") for recipient in trace.recipients),
        states=STATES,
        tones=TONES,
        which=f"message={quote(trace.message_id, safe='')}",
    )


async def show_refusal(visit: Visit) -> Response:
    """A refusal as each party sees it."""
    halves = await operator_lookup.refusal(visit.backing.store, visit.path_values["id"].lower())
    if not halves:
        return visit.page("missing.html", status=404)
    rows = [(account, half, cause_of(half)) for account, half in halves]
    return visit.page(
        "operator_refusal.html", halves=rows, record=halves[0][1].record, request_id=halves[0][1].request_id
    )


PAGES = (
    Page(path="/operator/find", handler=find, who="operator"),
    Page(path="/operator/messages/{id}", handler=show_message, who="operator"),
    Page(path="/operator/refusals/{id}", handler=show_refusal, who="operator"),
)
