"""The development profile's own DNS zone, which stands in for the internet's: what is published in it."""

from urllib.parse import urlencode

from starlette.responses import Response

from sesame.console.calls import operator_sample
from sesame.console.visit import Page, Visit
from sesame.store import development

PAGE = 50
_KEY = ("name", "type", "value")


async def show(visit: Visit) -> Response:
    """The records by name, those whose name contains a text where one is asked for."""
    contains = visit.query.get("q", "").strip().lower()[:255]
    name, kind, value = (visit.query.get(f"after_{part}", "")[:4_096] for part in _KEY)
    found = await visit.backing.store.read(
        lambda tx: development.page_of_zone(tx, after=(name, kind, value), contains=contains, limit=PAGE + 1)
    )
    more = None
    if len(found) > PAGE:
        last = {f"after_{part}": text for part, text in zip(_KEY, found[PAGE - 1], strict=True)}
        more = urlencode({**({"q": contains} if contains else {}), **last})
    return visit.page(
        "zone.html",
        records=found[:PAGE],
        contains=contains,
        is_first=not name,
        more=more,
        calls=[
            operator_sample("List the local zone", "dns", "list"),
            operator_sample("Publish what a domain needs", "dns", "publish", "example.com"),
        ],
    )


PAGES = (Page(path="/operator/zone", handler=show, who="operator"),)
