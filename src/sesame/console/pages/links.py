"""Links of followed mail that lead nowhere: stopping and resuming them, in own mail and in what a delegate sent."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from sesame.console.calls import Call, call, sample
from sesame.console.visit import Page, Visit, problem_of
from sesame.errors import ServiceError

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
    except ServiceError as error:
        refused, status = problem_of(error)
        problem = problem or refused
    given = {key: visit.form.get(key, visit.query.get(key, "")) for key in ("message", "reason")}
    one = given["message"] or None
    return visit.page(
        "links.html",
        status=status,
        stops=found["Stops"],
        next=found.get("NextToken"),
        delegate=delegate,
        problem=problem,
        given=given,
        calls=[
            sample("List what is stopped", call("sesame", "ListStoppedLinks", **_of(delegate))),
            sample(
                "Stop the links of the message" if one else "Stop all links",
                _stopping(one, delegate, given["reason"]),
            ),
            sample(f"Resume {'them' if one else 'all links'}", _resuming(one, delegate)),
        ],
    )


def _which(message: str | None, delegate: str) -> dict[str, Any]:
    """Of one message; None is all."""
    which: dict[str, Any] = {"All": True} if message is None else {"MessageId": message}
    return which | _of(delegate)


def _stopping(message: str | None, delegate: str, reason: str) -> Call:
    return call("sesame", "StopTrackedLinks", **_which(message, delegate), Reason=reason)


def _resuming(message: str | None, delegate: str) -> Call:
    return call("sesame", "ResumeTrackedLinks", **_which(message, delegate))


async def stop(visit: Visit) -> Response:
    """Let links lead nowhere."""
    return await _change(visit, "links-stopped", _stopping(*_of_form(visit), visit.form.get("reason", "")))


async def resume(visit: Visit) -> Response:
    """Let links lead on."""
    return await _change(visit, "links-resumed", _resuming(*_of_form(visit)))


def _of_form(visit: Visit) -> tuple[str | None, str]:
    form = visit.form
    return None if form.get("all") else form.get("message", "").strip(), form.get("delegate", "").strip()


async def _change(visit: Visit, said: str, made: Call) -> Response:
    delegate = visit.form.get("delegate", "").strip()
    try:
        await visit.do(made)
    except ServiceError as error:
        return await _page(visit, *problem_of(error))
    return visit.go(visit.here("/links" + (f"?delegate={quote(delegate)}" if delegate else "")), said=said)


def _of(delegate: str) -> dict[str, str]:
    return {"Delegate": delegate} if delegate else {}


_HERE = "/{region}/links"
PAGES = (
    Page(path=_HERE, handler=show),
    Page(path=_HERE, handler=stop, method="POST"),
    Page(path=f"{_HERE}/resume", handler=resume, method="POST"),
)
