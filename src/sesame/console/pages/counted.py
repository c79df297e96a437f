"""What is behind a rate: the recipients that bounced permanently or complained, by identity and by delegate."""

import re
from urllib.parse import urlencode

from starlette.responses import Response

from sesame.console.visit import Page, Visit
from sesame.operations.messages import ACTION
from sesame.store.counted import Key

_KEY = re.compile(r"([0-9]{1,12}\.[0-9]{1,9})-([0-9]{1,18})-([0-9]{1,6})")


async def show(visit: Visit) -> Response:
    """The newest first."""
    owner, _, identity = visit.query.get("identity", "").partition("/")
    of_identity, _, delegate = visit.query.get("delegate", "").partition("/")
    found, more = await visit.backing.reputations.counted(
        visit.me,
        owner=owner,
        identity=identity or of_identity,
        delegate=delegate,
        before=_key(visit.query.get("before", "")),
    )
    given = {name: visit.query[name] for name in ("identity", "delegate") if visit.query.get(name)}
    return visit.page(
        "counted.html",
        rows=found,
        identity=identity or of_identity,
        owner=owner,
        delegate=delegate,
        is_first="before" not in visit.query,
        first=urlencode(given),
        more=None if more is None else urlencode({**given, "before": f"{more[0]:.6f}-{more[1]}-{more[2]}"}),
    )


def _key(text: str) -> Key | None:
    found = _KEY.fullmatch(text)
    return None if found is None else (float(found[1]), int(found[2]), int(found[3]))


PAGES = (Page(path="/{region}/reputation/counted", handler=show, leave=ACTION),)
