"""Links of followed mail that lead nowhere: stopping and resuming them, in own mail and in what a delegate sent."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from sesame.console.visit import Page, Visit
from sesame.errors import AccessDenied, ServiceError

PAGE = 50


async def show(visit: Visit) -> Response:
    """What is stopped: of the account's own links, or with `delegate` what it stopped of that one's."""
    return await _page(visit)


async def _page(visit: Visit, problem: str = "", status: int = 200) -> Response:
    delegate = visit.form.get("delegate", visit.query.get("delegate", "")).strip()
    request: dict[str, Any] = {"PageSize": PAGE}
    if after := visit.query.get("after"):
        request["NextToken"] = after
    found: Mapping[str, Any] = {"Stops": []}
    try:
        found = await visit.call("sesame", "ListStoppedLinks", request | _of(delegate))
    except AccessDenied:
        raise
    except ServiceError as error:
        problem, status = problem or error.message, error.http_status
    return visit.page(
        "links.html",
        status=status,
        stops=found["Stops"],
        next=found.get("NextToken"),
        delegate=delegate,
        problem=problem,
        given={key: visit.form.get(key, visit.query.get(key, "")) for key in ("message", "reason")},
    )


async def stop(visit: Visit) -> Response:
    """Let links lead nowhere."""
    return await _change(visit, "StopTrackedLinks", "links-stopped", {"Reason": visit.form.get("reason", "")})


async def resume(visit: Visit) -> Response:
    """Let links lead on."""
    return await _change(visit, "ResumeTrackedLinks", "links-resumed", {})


async def _change(visit: Visit, operation: str, said: str, more: dict[str, Any]) -> Response:
    form = visit.form
    message, delegate = form.get("message", "").strip(), form.get("delegate", "").strip()
    which: dict[str, Any] = {"All": True} if form.get("all") else {"MessageId": message}
    try:
        await visit.call("sesame", operation, which | _of(delegate) | more)
    except AccessDenied:
        raise
    except ServiceError as error:
        return await _page(visit, error.message, error.http_status)
    return visit.go(visit.here("/links" + (f"?delegate={quote(delegate)}" if delegate else "")), said=said)


def _of(delegate: str) -> dict[str, str]:
    return {"Delegate": delegate} if delegate else {}


_HERE = "/{region}/links"
PAGES = (
    Page(path=_HERE, handler=show, nav="messages"),
    Page(path=_HERE, handler=stop, method="POST"),
    Page(path=f"{_HERE}/resume", handler=resume, method="POST"),
)
