"""The password once more, before an old log-in changes policies, keys or passwords."""

from starlette.responses import Response

from sesame.console.logins import Wait
from sesame.console.visit import Visit

FIELDS = ("again_password", "again_code")
NOT_KEPT = {
    "private_key": "The private key, which is not kept",
    "password": "The new password, which is not kept",
    "again": "The new password once more",
}
"""Fields that a page never shows again: they are asked for once more, too."""


async def once_more(visit: Visit) -> Response | None:
    """The page that asks, with everything typed kept; None when the change may be made."""
    login, logins = visit.login, visit.backing.logins
    if login is None or not logins.is_old(login):
        return None
    if not await logins.has_password(login):
        return visit.page("again.html", status=403, has_password=False, fields={}, problem="")
    problem, status = "", 403
    if "again_password" in visit.form:
        found = await logins.confirm(
            login, visit.form["again_password"], visit.form.get("again_code", ""), visit.browser
        )
        visit.form = {name: value for name, value in visit.form.items() if name not in FIELDS}
        if found is True:
            return None
        problem = "The password or the code is wrong."
        if isinstance(found, Wait):
            problem, status = (
                f"Too many attempts failed. Try again in {int(found.seconds // 60) + 1} min.",
                429,
            )
    fields = {name: value for name, value in visit.form.items() if name not in ("token", *FIELDS, *NOT_KEPT)}
    return visit.page(
        "again.html",
        status=status,
        has_password=True,
        fields=fields,
        asked={name: words for name, words in NOT_KEPT.items() if name in visit.form},
        problem=problem,
    )
