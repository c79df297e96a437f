"""Lists as files, CSV or a JSON object a line: read page by page as they are sent, and no further than a bound.

What a row shows is what the list's page shows its reader (I9), and each page of it is decided anew. A file that is
not whole says so in its last row, with the address that goes on.
"""

import csv
import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response, StreamingResponse

from sesame.admin import audit
from sesame.console.guard import Refused
from sesame.console.pages.changes import ACTION as READ_CHANGES
from sesame.console.pages.changes import shown_row
from sesame.console.pages.messages import read_key, wanted_of, written
from sesame.console.pages.sends import wanted_of as sends_wanted
from sesame.console.text import exactly
from sesame.console.visit import Page, Visit
from sesame.errors import SesameError

ACTION = "ses:CreateExportJob"
MOST_ROWS = 10_000
LONGEST_S = 60.0
STEP = 500
TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/x-ndjson"}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Some:
    """Part of a list, and the query that goes on behind it; None at its end."""

    rows: Sequence[Row]
    more: Mapping[str, str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class List:
    """What can be had as a file: its columns, and how a part of it is read behind what a query names."""

    columns: tuple[str, ...]
    read: Callable[[Visit, Mapping[str, str]], Awaitable[Some]]


async def _messages(visit: Visit, query: Mapping[str, str]) -> Some:
    after = read_key(query.get("after", ""))
    page = await visit.backing.messages.page(visit.me, wanted_of(query), after, limit=STEP)
    rows = [
        {
            "time": exactly(one.entry.at),
            "what": "message" if one.entry.is_message else "refusal",
            "id": one.entry.id,
            "outcome": " ".join(state for _, state in one.entry.recipients)
            if one.entry.is_message
            else one.entry.code,
            "from": one.entry.source,
            "to": " ".join(address for address, _ in one.entry.recipients),
            "subject": one.entry.subject,
            "bytes": one.entry.size_bytes,
            "principal": one.principal,
        }
        for one in page.entries
    ]
    more = None if page.next is None else {**query, "after": written(page.next)}
    return Some(rows, more)


async def _sends(visit: Visit, query: Mapping[str, str]) -> Some:
    page = await visit.backing.identities.sends.page(
        visit.me, query.get("identity", ""), sends_wanted(query), read_key(query.get("after", "")), limit=STEP
    )
    rows = [
        {
            "time": exactly(one.listed.entry.at),
            "what": "message" if one.listed.entry.is_message else "refusal",
            "id": one.listed.entry.id,
            "outcome": " ".join(state for _, state in one.listed.entry.recipients)
            if one.listed.entry.is_message
            else one.listed.entry.code,
            "account": one.listed.entry.account_id,
            "principal": one.listed.principal,
            "as": " ".join(address for _, address in one.addresses),
            "used_for": ", ".join(use for use, _ in one.addresses),
            "to": " ".join(address for address, _ in one.listed.entry.recipients if address),
        }
        for one in page.entries
    ]
    more = None if page.next is None else {**query, "after": written(page.next)}
    return Some(rows, more)


async def _suppression(visit: Visit, query: Mapping[str, str]) -> Some:
    answer = await visit.listed("ListSuppressedDestinations", after=query.get("after", ""), size=STEP)
    rows = [
        {
            "address": one["EmailAddress"],
            "reason": one["Reason"],
            "since": exactly(one["LastUpdateTime"]),
        }
        for one in answer["SuppressedDestinationSummaries"]
    ]
    return Some(rows, {"after": rows[-1]["address"]} if answer.get("NextToken") and rows else None)


async def _identities(visit: Visit, query: Mapping[str, str]) -> Some:
    answer = await visit.listed("ListEmailIdentities", after=query.get("after", ""), size=STEP)
    rows = [
        {
            "identity": one["IdentityName"],
            "kind": one["IdentityType"],
            "verification": one["VerificationStatus"],
            "sending": one["SendingEnabled"],
        }
        for one in answer["EmailIdentities"]
    ]
    return Some(rows, {"after": rows[-1]["identity"]} if answer.get("NextToken") and rows else None)


async def _changes(visit: Visit, query: Mapping[str, str]) -> Some:
    await visit.backing.authorizer.require(visit.me, READ_CHANGES)
    asked = query.get("before", "")
    before = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 18 else None
    account_id = visit.me.principal.account_id
    found = await audit.latest(visit.backing.store, account_id, limit=STEP, before=before)
    rows = []
    for row in found:
        one = shown_row(row)
        rows.append(
            {
                "number": row.seq,
                "time": exactly(row.at),
                **{name: one[name] for name in ("name", "who", "ip", "through", "service", "region")},
                "error": one["error"],
                "message": one["message"],
                "parameters": one["parameters"],
            }
        )
    return Some(rows, {"before": str(found[-1].seq)} if len(found) == STEP else None)


LISTS = {
    "messages": List(
        columns=("time", "what", "id", "outcome", "from", "to", "subject", "bytes", "principal"),
        read=_messages,
    ),
    "sends": List(
        columns=("time", "what", "id", "outcome", "account", "principal", "as", "used_for", "to"), read=_sends
    ),
    "suppression": List(columns=("address", "reason", "since"), read=_suppression),
    "identities": List(columns=("identity", "kind", "verification", "sending"), read=_identities),
    "changes": List(
        columns=(
            "number", "time", "name", "who", "ip", "through", "service", "region", "error", "message", "parameters",
        ),
        read=_changes,
    ),
}  # fmt: skip


async def export(visit: Visit) -> Response:
    """The file; its first part is read before the answer begins, so that what is refused says so."""
    name, _, form = visit.path_values["file"].partition(".")
    wanted = LISTS.get(name)
    if wanted is None or form not in TYPES:
        return visit.page("missing.html", status=404)
    account_id = visit.me.principal.account_id
    if account_id in visit.backing.exporting:
        raise Refused(429, "another export of this account is under way; wait for its end")
    first = await wanted.read(visit, visit.query)
    headers = {"content-disposition": f'attachment; filename="{name}-{visit.region}.{form}"'}
    lines = _lines(visit, name, wanted, form, first)
    return StreamingResponse(lines, media_type=TYPES[form], headers=headers)


async def _lines(visit: Visit, name: str, wanted: List, form: str, first: Some) -> AsyncIterator[str]:
    backing, account_id = visit.backing, visit.me.principal.account_id
    backing.exporting.add(account_id)
    try:
        write = _as_csv if form == "csv" else _as_json
        if form == "csv":
            yield _csv(wanted.columns)
        some, count, began = first, 0, backing.clock.now()
        while True:
            count += len(some.rows)
            yield "".join(write(wanted.columns, row) for row in some.rows)
            if some.more is None:
                return
            if count >= MOST_ROWS or backing.clock.now() - began > LONGEST_S:
                yield _end(form, "more", f"/{visit.region}/export/{name}.{form}?{urlencode(some.more)}")
                return
            try:
                some = await wanted.read(visit, some.more)
            except SesameError as error:  # what was sent stands; that it is not all is said
                yield _end(form, "stopped", str(error))
                return
    finally:
        backing.exporting.discard(account_id)


def _end(form: str, why: str, what: str) -> str:
    return _csv((why, what)) if form == "csv" else json.dumps({why: what}) + "\n"


def _as_json(columns: Sequence[str], row: Row) -> str:
    return json.dumps({name: row[name] for name in columns}) + "\n"


def _as_csv(columns: Sequence[str], row: Row) -> str:
    return _csv([row[name] for name in columns])


def _csv(values: Sequence[object]) -> str:
    """One line of RFC 4180, all quoted: a value is one cell of text, never a formula, however a line is split."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n", quoting=csv.QUOTE_ALL).writerow(
        [_cell(value) for value in values]
    )
    return line.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value


PAGES = (Page(path="/{region}/export/{file}", handler=export, leave=ACTION),)
