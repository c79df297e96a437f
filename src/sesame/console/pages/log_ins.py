"""The operator's log-ins and refusals: is someone trying, from where, under which name, and who has to wait."""

from starlette.responses import Response

from sesame.access.failed_sign_ins import MOST_AN_HOUR, MOST_NAMES
from sesame.admin.failed_sign_ins import HOURS, WHY, overview, with_users
from sesame.console.visit import Page, Visit
from sesame.store.failed_sign_ins import HOUR_S

MOST_SHOWN = 25
MOST_NAMED = 3


async def show(visit: Visit) -> Response:
    """What failed in 24 hours, and who has to wait now."""
    this_hour = int(visit.now // HOUR_S)
    asked = visit.query.get("before", "")
    end = (
        min(int(asked), this_hour + 1)
        if asked.isascii() and asked.isdigit() and len(asked) < 9
        else this_hour + 1
    )
    summed_up = overview(await visit.backing.failed.of_hours(end - HOURS, end), most=MOST_SHOWN)
    found = await visit.backing.store.read(lambda tx: with_users(tx, summed_up))
    throttled = sorted(visit.backing.throttled(), key=lambda one: -one.until)
    return visit.page(
        "log_ins.html",
        found=found,
        most_named=MOST_NAMED,
        most_pairs=MOST_AN_HOUR,
        most_names=MOST_NAMES,
        throttled=throttled[:MOST_SHOWN],
        waiting=len(throttled),
        turned_away=visit.backing.instance.turned_away(),
        why=WHY,
        is_now=end == this_hour + 1,
        began=(end - HOURS) * HOUR_S,
        ended=end * HOUR_S,
        hours=HOURS,
        earlier=end - HOURS,
    )


PAGES = (Page(path="/operator/log-ins", handler=show, who="operator"),)
