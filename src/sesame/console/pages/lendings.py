"""Owners and delegates, for the operator: who sent as whose identity, and what became of it."""

from urllib.parse import urlencode

from starlette.responses import Response

from sesame.console.charts import Graph, graph
from sesame.console.text import counted
from sesame.console.visit import Page, Visit
from sesame.db import Transaction
from sesame.store import identity_tallies
from sesame.store.identity_tallies import Lending

PAGE = 50
OWNERS_FOR_GRAPH = 3
"""From so many owners on a picture says more than the table."""
DAYS, DAY_S = 14, 86_400
KEY = ("owner", "region", "identity", "delegate")
"""Where a list goes on, in an address."""


async def show(visit: Visit) -> Response:
    """All, in the order of owners; or those of one account, on both sides."""
    account, since = visit.query.get("account", "").strip()[:20], visit.now - DAYS * DAY_S
    owner, region, identity, delegate = (visit.query.get(name, "") for name in KEY)

    async def run(tx: Transaction) -> tuple[list[Lending], list[Lending]]:
        lent = await identity_tallies.lendings(
            tx,
            since=since,
            after=(owner, region, identity, delegate),
            limit=PAGE + 1,
            owner_account_id=account,
        )
        if not account:
            return lent, []
        return lent, await identity_tallies.borrowings(tx, account, since=since, limit=PAGE + 1)

    lent, borrowed = await visit.backing.store.read(run)
    is_first = not owner
    more = None
    if len(lent) > PAGE:
        given = {"account": account} if account else {}
        more = urlencode({**given, **dict(zip(KEY, lent[PAGE - 1].key, strict=True))})
    owners = {one.owner_account_id for one in lent[:PAGE]}
    return visit.page(
        "lendings.html",
        graph=_graph(lent[:PAGE]) if len(owners) >= OWNERS_FOR_GRAPH else None,
        account_id=account,
        lent=lent[:PAGE],
        borrowed=borrowed[:PAGE] if is_first else [],
        is_cut=len(borrowed) > PAGE,
        is_first=is_first,
        more=more,
        days=DAYS,
    )


def _graph(lent: list[Lending]) -> Graph:
    """Who sent as whose identity: accounts on the left, identities on the right."""
    return graph(
        "Who sent as whose identity; the table below says the same",
        [
            (
                one.account_id,
                f"{one.identity} of {one.owner_account_id}",
                one.counts.sends,
                f"{one.account_id} sent to {counted(one.counts.sends, 'recipient')} as {one.identity} of"
                f" {one.owner_account_id} in {one.region}",
            )
            for one in lent
        ],
    )


PAGES = (Page(path="/operator/accounts/delegates", handler=show, who="operator"),)
