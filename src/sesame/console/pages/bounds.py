"""How much a delegate may send as an identity: caps, an end, a pause, set by Sesame's own operations."""

import datetime
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from sesame.aws.arn import identity_arn
from sesame.console.text import exactly
from sesame.console.visit import Page, Visit
from sesame.errors import AccessDenied, ServiceError

CAPS = {
    "messages": ("MaxMessagesPerDay", "messages in any 24 hours"),
    "second": ("MaxMessagesPerSecond", "messages in any second"),
    "recipients": ("MaxRecipientsPerDay", "recipients in any 24 hours"),
    "bytes": ("MaxBytesPerDay", "bytes in any 24 hours"),
}
_COUNT = re.compile(r"[0-9]{1,15}")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?")
MISSING = "DelegateBoundsDoesNotExist"
DO = {"pause": "PauseDelegate", "resume": "ResumeDelegate", "remove": "DeleteDelegateBounds"}


async def show(visit: Visit) -> Response:
    """The bounds of one delegate, or a form for the first."""
    return await _page(visit, visit.query.get("delegate", "").strip())


async def _page(
    visit: Visit,
    delegate: str,
    problem: str = "",
    status: int = 200,
    given: Mapping[str, str] | None = None,
) -> Response:
    found: Mapping[str, Any] = {}
    if not delegate:
        owner, name = visit.me.principal.account_id, visit.path_values["name"]
        await visit.backing.authorizer.require(
            visit.me, "sesame:PutDelegateBounds", identity_arn(visit.region, owner, name)
        )
    else:
        try:
            request = {"Identity": visit.path_values["name"], "Delegate": delegate}
            found = (await visit.call("sesame", "GetDelegateBounds", request))["Bounds"]
        except AccessDenied:
            raise
        except ServiceError as error:
            if error.code != MISSING and not problem:
                problem, status = error.message, error.http_status
    ends = found.get("ExpiresAt")
    fields = given or {
        **{name: str(found.get(key, "")) for name, (key, _) in CAPS.items()},
        "until": "" if ends is None else exactly(ends)[:19].replace(" ", "T"),
    }
    return visit.page(
        "bounds.html",
        status=status,
        name=visit.path_values["name"],
        delegate=delegate,
        found=found,
        given=fields,
        caps=CAPS,
        problem=problem,
    )


async def change(visit: Visit) -> Response:
    """Set caps in place of those that were set, pause, end a pause, or remove all bounds."""
    form, name = visit.form, visit.path_values["name"]
    delegate, verb = form.get("delegate", "").strip(), form.get("do", "set")
    request: dict[str, Any] = {"Identity": name, "Delegate": delegate}
    operation = DO.get(verb, "PutDelegateBounds")
    given = {field: form.get(field, "").strip() for field in (*CAPS, "until")}
    if operation == "PutDelegateBounds":
        wrong = [field for field in CAPS if given[field] and not _COUNT.fullmatch(given[field])]
        end = _time_of(given["until"])
        if wrong or end is None:
            what = "a number" if wrong else "a time, like 2035-01-31T12:00"
            return await _page(
                visit, delegate, f"“{given[wrong[0] if wrong else 'until']}” is not {what}.", 400, given
            )
        request |= {CAPS[field][0]: int(given[field]) for field in CAPS if given[field]}
        request |= {"ExpiresAt": end} if end else {}
    elif verb == "pause" and form.get("reason", "").strip():
        request["Reason"] = form["reason"].strip()
    try:
        await visit.call("sesame", operation, request)
    except AccessDenied:
        raise
    except ServiceError as error:
        return await _page(visit, delegate, error.message, error.http_status, given)
    if verb == "remove":
        return visit.go(visit.here(f"/identities/{name}/senders"), said="set")
    return visit.go(
        f"{visit.here(f'/identities/{name}/bounds')}?{urlencode({'delegate': delegate})}", said="set"
    )


def _time_of(text: str) -> float | None:
    """A time in UTC as forms have it, 0 for none; None for what is no time."""
    if not text:
        return 0.0
    if not _TIME.fullmatch(text):
        return None
    try:
        return datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.UTC).timestamp()
    except ValueError:
        return None


_HERE = "/{region}/identities/{name}/bounds"
PAGES = (
    Page(path=_HERE, handler=show, nav="identities"),
    Page(path=_HERE, handler=change, method="POST", is_grave=True),
)
