"""As what an account sends for others: what its own sends show."""

from starlette.responses import Response

from sesame.console.visit import Page, Visit
from sesame.operations.messages import ACTION


async def show(visit: Visit) -> Response:
    """The identities of other accounts that it sent as, or tried to."""
    page = await visit.backing.lent.of(visit.me)
    return visit.page("lent.html", page=page)


PAGES = (Page(path="/{region}/lent", handler=show, leave=ACTION),)
