"""How much a delegate may send as an identity: caps, an end, a pause, set by Sesame's own operations."""

import datetime
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from sesame.aws.arn import identity_arn
from sesame.console.calls import Call, Sample, call, sample
from sesame.console.text import exactly
from sesame.console.visit import Page, Visit, problem_of
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
            found = (await visit.do(_reading(visit.path_values["name"], delegate)))["Bounds"]
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
        calls=_calls(visit.path_values["name"], delegate, found, fields),
    )


def _reading(name: str, delegate: str) -> Call:
    return call("sesame", "GetDelegateBounds", Identity=name, Delegate=delegate)


def _verb(name: str, delegate: str, verb: str, reason: str = "") -> Call:
    """Pause, end a pause, remove all bounds."""
    more = {"Reason": reason} if verb == "pause" and reason else {}
    return call("sesame", DO[verb], Identity=name, Delegate=delegate, **more)


def _setting(name: str, delegate: str, given: Mapping[str, str]) -> Call | None:
    """Set caps and an end in place of those that were set; None where one cannot be read."""
    end = _time_of(given["until"])
    if end is None or any(given[field] and not _COUNT.fullmatch(given[field]) for field in CAPS):
        return None
    caps = {CAPS[field][0]: int(given[field]) for field in CAPS if given[field]}
    ends = {"ExpiresAt": end} if end else {}
    return call("sesame", "PutDelegateBounds", Identity=name, Delegate=delegate, **caps, **ends)


def _calls(name: str, delegate: str, found: Mapping[str, Any], fields: Mapping[str, str]) -> list[Sample]:
    """What the page reads and its buttons do."""
    if not delegate:
        return []
    verbs = {"Pause it": "pause"}
    if found:
        verbs = {"End the pause" if found["Paused"] else "Pause it": "resume" if found["Paused"] else "pause"}
        verbs["Remove its bounds"] = "remove"
    example = fields if any(fields.values()) else {**fields, "messages": "1000"}
    setting = _setting(name, delegate, example)
    return [
        *([sample("Read its bounds", _reading(name, delegate))] if found else []),
        *([sample("Set its bounds", setting)] if setting is not None else []),
        *(sample(title, _verb(name, delegate, verb)) for title, verb in verbs.items()),
    ]


async def change(visit: Visit) -> Response:
    """Set caps in place of those that were set, pause, end a pause, or remove all bounds."""
    form, name = visit.form, visit.path_values["name"]
    delegate, verb = form.get("delegate", "").strip(), form.get("do", "set")
    given = {field: form.get(field, "").strip() for field in (*CAPS, "until")}
    if verb in DO:
        made: Call | None = _verb(name, delegate, verb, form.get("reason", "").strip())
    else:
        made = _setting(name, delegate, given)
    if made is None:
        wrong = [field for field in CAPS if given[field] and not _COUNT.fullmatch(given[field])]
        what = "a number" if wrong else "a time, like 2035-01-31T12:00"
        visit.wrong = tuple(wrong) or ("until",)
        problem = f"“{given[visit.wrong[0]]}” is not {what}."
        return await _page(visit, delegate, problem, 400, given)
    try:
        await visit.do(made)
    except ServiceError as error:
        return await _page(visit, delegate, *problem_of(error), given)
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
    Page(path=_HERE, handler=show),
    Page(path=_HERE, handler=change, method="POST", is_grave=True),
)
