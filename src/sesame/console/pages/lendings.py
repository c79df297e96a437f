"""Owners and delegates, for the operator: who sent as whose identity, and what became of it."""

from urllib.parse import urlencode

from starlette.responses import Response

from sesame.console.visit import Page, Visit
from sesame.db import Transaction
from sesame.store import reputation
from sesame.store.reputation import Lending

PAGE = 50
DAYS, DAY_S = 14, 86_400
KEY = ("owner", "region", "identity", "delegate")
"""Where a list goes on, in an address."""


async def show(visit: Visit) -> Response:
    """All, in the order of owners; or those of one account, on both sides."""
    account, since = visit.query.get("account", "").strip()[:20], visit.now - DAYS * DAY_S
    owner, region, identity, delegate = (visit.query.get(name, "") for name in KEY)

    async def run(tx: Transaction) -> tuple[list[Lending], list[Lending]]:
        lent = await reputation.lendings(
            tx,
            since=since,
            after=(owner, region, identity, delegate),
            limit=PAGE + 1,
            owner_account_id=account,
        )
        if not account:
            return lent, []
        return lent, await reputation.borrowings(tx, account, since=since, limit=PAGE + 1)

    lent, borrowed = await visit.backing.store.read(run)
    is_first = not owner
    more = None
    if len(lent) > PAGE:
        given = {"account": account} if account else {}
        more = urlencode({**given, **dict(zip(KEY, lent[PAGE - 1].key, strict=True))})
    return visit.page(
        "lendings.html",
        account_id=account,
        lent=lent[:PAGE],
        borrowed=borrowed[:PAGE] if is_first else [],
        is_cut=len(borrowed) > PAGE,
        is_first=is_first,
        more=more,
        days=DAYS,
    )


PAGES = (Page(path="/operator/accounts/delegates", handler=show, who="operator"),)
