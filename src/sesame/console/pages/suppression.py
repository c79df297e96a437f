"""The suppression list: who gets nothing, why, because of which message; adding and removing."""

from collections.abc import Sequence
from urllib.parse import quote, urlencode

from starlette.responses import Response

from sesame.aws.paging import encode
from sesame.console.calls import Call, call, sample
from sesame.console.domains import as_stored
from sesame.console.visit import Page, Visit, problem_of
from sesame.db import Transaction
from sesame.errors import ServiceError
from sesame.store import suppression

PAGE = 50
MOST_ADDED = 100
"""Addresses that one form adds."""
REASONS = {"BOUNCE": "it bounced", "COMPLAINT": "somebody complained"}


async def show(visit: Visit) -> Response:
    """The addresses in order, from the one asked for on."""
    return await _page(visit)


async def _page(visit: Visit, problem: str = "", status: int = 200, left: str = "") -> Response:
    asked, after = as_stored(visit.query.get("q", "").strip()), visit.query.get("after", "")
    request: dict[str, object] = {"PageSize": PAGE}
    if after or asked:
        request["NextToken"] = encode(after or _before(suppression.normal(asked) if "@" in asked else asked))
    answer = await visit.call("sesv2", "ListSuppressedDestinations", request)
    listed = [
        one
        for one in answer["SuppressedDestinationSummaries"]
        if not asked or one["EmailAddress"].startswith(suppression.normal(asked) if "@" in asked else asked)
    ]
    is_cut = len(listed) == PAGE and answer.get("NextToken") is not None
    account_id = visit.me.principal.account_id
    addresses = [one["EmailAddress"] for one in listed]

    async def run(tx: Transaction) -> tuple[dict[str, str], tuple[suppression.Reason, ...]]:
        return (
            await suppression.messages_of(tx, account_id, visit.region, addresses),
            await suppression.account_reasons(tx, account_id, visit.region),
        )

    messages, reasons = await visit.backing.store.read(run)
    return visit.page(
        "suppression.html",
        status=status,
        problem=problem,
        left=left,
        listed=listed,
        messages=messages,
        reasons=reasons,
        words=REASONS,
        asked=asked,
        is_first=not after,
        most=MOST_ADDED,
        more=urlencode({**({"q": asked} if asked else {}), "after": addresses[-1]}) if is_cut else None,
        calls=[
            sample("List the addresses", call("sesv2", "ListSuppressedDestinations")),
            sample("Add an address", _addition("reader@example.net", "BOUNCE")),
            *(sample("Remove an address", _removal(address)) for address in addresses[:1]),
            sample("Say for which reasons addresses are added", _reasons(list(reasons))),
        ],
    )


def _addition(address: str, reason: str) -> Call:
    return call("sesv2", "PutSuppressedDestination", EmailAddress=address, Reason=reason)


def _removal(address: str) -> Call:
    return call("sesv2", "DeleteSuppressedDestination", EmailAddress=address)


def _reasons(reasons: Sequence[str]) -> Call:
    return call("sesv2", "PutAccountSuppressionAttributes", SuppressedReasons=list(reasons))


def _before(text: str) -> str:
    """A key that sorts just before everything that begins with `text`."""
    last = ord(text[-1])
    return text[:-1] + (chr(last - 1) + "\uffff" if last > 33 else "")


async def add(visit: Visit) -> Response:
    """Add addresses, one a line or with commas between them; what could not be added stays in the form."""
    given = list(dict.fromkeys(visit.form.get("addresses", "").replace(",", " ").replace(";", " ").split()))
    reason = visit.form.get("reason", "")
    if not given or len(given) > MOST_ADDED:
        visit.wrong = ("addresses",)
        problem = f"Name 1 to {MOST_ADDED} addresses at a time; these are {len(given):,}."
        return await _page(visit, problem, 400, "\n".join(given))
    for n, address in enumerate(given):
        try:
            await visit.do(_addition(address, reason))
        except ServiceError as error:
            problem, status = problem_of(error)
            visit.wrong = ("addresses",)
            problem = f"{n} of {len(given)} were added. {address}: {problem}"
            return await _page(visit, problem, status, "\n".join(given[n:]))
    return visit.go(visit.here("/suppression"), said="suppressed", count=len(given))


async def remove(visit: Visit) -> Response:
    """Let mail go to an address again."""
    address = visit.form.get("address", "")
    try:
        await visit.do(_removal(address))
    except ServiceError as error:
        return await _page(visit, *problem_of(error))
    place = visit.me.principal.account_id, visit.region
    left = await visit.backing.store.read(
        lambda tx: suppression.listed_as(tx, *place, {address: None}), is_short=True
    )
    if still := left[address]:
        return visit.go(visit.here(f"/suppression?q={quote(still[0])}"), said="respelt")
    return visit.go(visit.here("/suppression"), said="unsuppressed")


async def set_reasons(visit: Visit) -> Response:
    """Say for which reasons addresses are put on the list by themselves."""
    await visit.do(_reasons([reason for reason in REASONS if visit.form.get(reason) == "on"]))
    return visit.go(visit.here("/suppression"), said="set")


PAGES = (
    Page(path="/{region}/suppression", handler=show, leave="ses:ListSuppressedDestinations"),
    Page(path="/{region}/suppression", handler=add, method="POST"),
    Page(path="/{region}/suppression/remove", handler=remove, method="POST"),
    Page(path="/{region}/suppression/reasons", handler=set_reasons, method="POST"),
)
