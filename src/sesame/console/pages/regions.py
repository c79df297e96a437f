"""Where an account has identities: a region for each, with how many there are and which ones cannot be sent as yet."""

from starlette.responses import Response

from sesame.console.calls import call, sample
from sesame.console.pages.login import start_in_region
from sesame.console.text import MOST_COUNTED
from sesame.console.visit import Page, Visit
from sesame.db import Transaction
from sesame.store import identities


async def show(visit: Visit) -> Response:
    """The regions in which there are any, and the one that was looked from."""
    account_id = visit.me.principal.account_id

    async def run(tx: Transaction) -> dict[str, int]:
        return await identities.counts_by_region(tx, account_id, most=MOST_COUNTED)

    counts = await visit.backing.store.read(run)
    return visit.page(
        "regions.html",
        counts={visit.region: counts.get(visit.region, 0)} | counts,
        calls=[sample("List the identities of this region", call("sesv2", "ListEmailIdentities"))],
    )


PAGES = (
    Page(path="/{region}", handler=start_in_region),
    Page(path="/{region}/regions", handler=show, leave="ses:ListEmailIdentities"),
)
