"""Log-ins that end while somebody works: back to the page that was asked for, and forms that came too late.

INVARIANT: a form that came too late is not done. What was written in it goes back to who sent it, from a page of ours
(`Guard.check_origin`), but for what may be a secret.
"""

from collections.abc import Iterator, Mapping
from urllib.parse import quote, urlencode

from starlette.responses import Response

from sesame.console.visit import Visit

LOGIN_PAGE = "/login"
SECRETS = {
    "token", "once", "password", "old", "new", "again", "code", "again_password", "again_code", "private_key",
}  # fmt: skip
"""Fields whose content is not shown again."""
LEAST_WRITTEN = 20
"""Characters that somebody would not like to write once more."""
MOST_ADDRESS = 2_000


def address(visit: Visit) -> str:
    """The page that is asked for, as in the browser's address bar."""
    query = f"?{urlencode(visit.query)}" if visit.query else ""
    return f"{quote(visit.path, safe='/@:~')}{query}"


def log_in_to(wanted: str) -> str:
    """The address of the log-in that leads to a page afterwards."""
    return f"{LOGIN_PAGE}?to={quote(wanted, safe='')}" if onward(wanted) != "/" else LOGIN_PAGE


def onward(wanted: str) -> str:
    """Where a log-in leads: what was asked for, if that is a page of ours, else the beginning.

    Browsers read backslashes as slashes and leave control characters out, and two slashes begin another site's name.
    """
    is_plain = all(32 < ord(char) < 127 and char != "\\" for char in wanted)
    is_ours = wanted.startswith("/") and not wanted.startswith(("//", LOGIN_PAGE, "/logout"))
    return wanted if is_plain and is_ours and len(wanted) <= MOST_ADDRESS else "/"


def too_late(visit: Visit, *, has_page: bool) -> Response:
    """Answer a form whose log-in is over, or that is from an earlier one; `has_page`: its address can be opened."""
    again = onward(address(visit)) if has_page else "/"
    return visit.page(
        "late.html",
        status=403,
        again=again if visit.login is not None else log_in_to(again),
        written=list(_written(visit.form)),
    )


def _written(form: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """What somebody has written at some length, by the names of the fields."""
    for name, value in form.items():
        if name not in SECRETS and len(value) >= LEAST_WRITTEN and len(value.split()) > 1:
            yield name.replace("_", " ").replace("-", " ").capitalize(), value
