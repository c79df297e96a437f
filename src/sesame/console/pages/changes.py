"""Who changed what: the account's audit log, newest first."""

import json
from typing import Any
from urllib.parse import urlencode

from starlette.responses import PlainTextResponse, Response

from sesame.access.audit import BEGUN, by_whom, outcome
from sesame.admin import audit
from sesame.console.compared import difference
from sesame.console.visit import Page, Visit
from sesame.store.audit import AuditRow

ACTION = "cloudtrail:LookupEvents"
"""What AWS asks for to read such a log."""
PAGE = 50
LOOK, MOST_LOOKS = 500, 4
MOST_SHOWN = 12_000
"""Characters of what was asked for that a change's page shows; its file has all."""
MOST_DIFFERENT, A_LINE = 20_000, 40
"""Characters of what is different that it shows, and what each line takes beside its own."""
SOURCES = {
    "console.sesame": "console",
    "cli.sesame": "command line",
    "background.sesame": "automatic",
    "link.sesame": "a mailed link",
}


async def show(visit: Visit) -> Response:
    """The newest rows that fit, some of a bounded number that is looked at."""
    asked = visit.query.get("before", "")
    before = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 18 else None
    wanted = {name: visit.query.get(name, "").strip() for name in ("event", "who")}
    account_id = visit.me.principal.account_id
    kept: list[dict[str, Any]] = []
    looked_at, key = 0, before
    is_filtered = any(wanted.values())
    for _ in range(MOST_LOOKS if is_filtered else 1):
        limit = LOOK if is_filtered else PAGE + 1
        rows = await audit.latest(visit.backing.store, account_id, limit=limit, before=key)
        looked_at += len(rows)
        kept += [one for row in rows if _may_fit(row, wanted) if _fits(one := shown_row(row), wanted)]
        key = rows[-1].seq if len(rows) == limit else None
        if len(kept) > PAGE or key is None:
            break
    more = kept[PAGE - 1]["seq"] if len(kept) > PAGE else key
    given = {name: value for name, value in wanted.items() if value}
    return visit.page(
        "changes.html",
        rows=kept[:PAGE],
        wanted=wanted,
        is_filtered=is_filtered,
        looked_at=looked_at,
        is_first=before is None,
        more=None if more is None else urlencode({**given, "before": more}),
    )


async def show_one(visit: Visit) -> Response:
    """One row: what was asked for, and what is different after it."""
    account_id = visit.me.principal.account_id
    return page_of(visit, account_id, await row_of(visit, account_id), back=visit.here("/changes"))


def page_of(visit: Visit, account_id: str, row: AuditRow | None, *, back: str) -> Response:
    """The page of a row of an account's log, as far as it is shown; `back` is the list."""
    if row is None:
        return visit.page("missing.html", status=404)
    one = shown_row(row)
    asked = one["parameters"]
    changed, hidden = shown_of(changed_in(row))
    return visit.page(
        "change.html",
        one={**one, "parameters": asked[:MOST_SHOWN]},
        more=len(asked) - MOST_SHOWN,
        changed=changed,
        hidden=hidden,
        back=back,
        log=account_id,
    )


async def row_of(visit: Visit, account_id: str) -> AuditRow | None:
    """The row of the number in the visit's path, in an account's log."""
    asked = visit.path_values["number"]
    number = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 18 else 0
    rows = await audit.latest(visit.backing.store, account_id, limit=1, before=number + 1)
    return rows[0] if rows and rows[0].seq == number else None


async def file(visit: Visit) -> Response:
    """One row as it is kept, as a file."""
    return file_of(visit, await row_of(visit, visit.me.principal.account_id))


def file_of(visit: Visit, row: AuditRow | None) -> Response:
    """A row as it is kept, as a file."""
    if row is None:
        return visit.page("missing.html", status=404)
    headers = {"content-disposition": f'attachment; filename="change-{row.seq}.json"'}
    return PlainTextResponse(f"{row.body}\n", media_type="application/json", headers=headers)


def changed_in(row: AuditRow) -> list[dict[str, Any]]:
    """What the row says is different, each field with its lines as they were and are."""
    found = []
    for one in _changed(row):
        if "more" in one:
            found.append({"more": one["more"]})
            continue
        before, after = (None if one.get(name) is None else str(one[name]) for name in ("before", "after"))
        found.append(
            {
                "of": str(one.get("of")),
                "field": str(one.get("field")),
                "before": before,
                "after": after,
                "is_cut": bool(one.get("cut")),
                "lines": difference(before or "", after or "")
                if _is_long(before) or _is_long(after)
                else None,
            }
        )
    return found


def shown_of(changed: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], int]:
    """The fields that fit into a page, of long ones as many lines as do; and how many fields do not."""
    found: list[dict[str, Any]] = []
    left = MOST_DIFFERENT
    for one in changed:
        if left <= 0:
            break
        lines = one.get("lines")
        if lines is None:
            left -= len(one.get("before") or "") + len(one.get("after") or "") + A_LINE
            found.append(one)
            continue
        kept = []
        for mark, line in lines:
            left -= len(line) + A_LINE
            if left <= 0:
                break
            kept.append((mark, line))
        found.append({**one, "lines": kept, "more_lines": len(lines) - len(kept)})
    return found, len(changed) - len(found)


def _is_long(text: str | None) -> bool:
    return text is not None and ("\n" in text or len(text) > 80)


def _changed(row: AuditRow) -> list[dict[str, Any]]:
    try:
        found = (json.loads(row.body).get("additionalEventData") or {}).get("changed") or []
    except (ValueError, AttributeError):  # somebody has made something else of it
        return []
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def shown_row(row: AuditRow) -> dict[str, Any]:
    """A row for people; one that somebody has tampered with is shown as it is."""
    try:
        event = json.loads(row.body)
    except ValueError:
        event = {}
    source = str(event.get("eventSource") or "")
    parameters = event.get("requestParameters")
    name = by_whom(event)
    return {
        "seq": row.seq,
        "at": row.at,
        "name": str(event.get("eventName") or "?"),
        "who": name,
        "by": _short(name, row.account_id),
        "is_name": name.startswith("arn:"),
        "ip": str(event.get("sourceIPAddress") or ""),
        "through": SOURCES.get(source, "API"),
        "service": source.removesuffix(".amazonaws.com"),
        "region": str(event.get("awsRegion") or ""),
        "error": str(event.get("errorCode") or ""),
        "message": str(event.get("errorMessage") or ""),
        "has_begun": outcome(event) == BEGUN,
        "changed": [str(one["field"]) for one in _changed(row) if "field" in one],
        "parameters": json.dumps(parameters, indent=1, ensure_ascii=False) if parameters else "",
    }


def _short(who: str, account_id: str) -> str:
    """A principal of the account that the log is of by its name alone: `root`, `user/anna`."""
    for service in ("iam", "sts"):
        who = who.removeprefix(f"arn:aws:{service}::{account_id}:")
    return who


def _may_fit(row: AuditRow, wanted: dict[str, str]) -> bool:
    """Whether the row is worth reading: a name stands in it as it is; what we say in words does not."""
    body = row.body.lower()
    in_words = '"type":"operator"' in body or '"type":"system"' in body
    return all(
        value.lower() in body or (key == "who" and in_words)
        for key, value in wanted.items()
        if value.isascii() and value.isalnum()
    )


def _fits(one: dict[str, Any], wanted: dict[str, str]) -> bool:
    return wanted["event"].lower() in one["name"].lower() and wanted["who"].lower() in one["who"].lower()


PAGES = (
    Page(path="/{region}/changes", handler=show, leave=ACTION),
    Page(path="/{region}/changes/{number}", handler=show_one, leave=ACTION),
    Page(path="/{region}/changes/{number}/raw", handler=file, leave=ACTION),
)
