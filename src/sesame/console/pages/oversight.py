"""What the operator oversees: the settings in force, the audit log."""

import json
import re
from itertools import groupby
from urllib.parse import quote

from starlette.responses import Response

from sesame.admin import audit as audit_log
from sesame.config.sources import DEFAULT
from sesame.console.pages.changes import file_of, page_of, row_of, shown_row
from sesame.console.visit import Page, Visit
from sesame.db import Transaction
from sesame.errors import Unavailable
from sesame.model import SYSTEM_ACCOUNT
from sesame.store import audit

PAGE = 50
ROWS = 25
"""Changes on the page, beside the heads."""
_ACCOUNT = re.compile("[0-9]{12}")


async def show_settings(visit: Visit) -> Response:
    """Every setting with its value and where it comes from, those that are set first."""
    running = visit.backing.running_with()
    given = [one for one in running.settings if one.source != DEFAULT]
    sections = [
        (name, list(found))
        for name, found in groupby(
            (one for one in running.settings if one.source == DEFAULT),
            key=lambda one: one.name.rpartition(".")[0],
        )
    ]
    return visit.page(
        "settings.html",
        given=given,
        sections=sections,
        count=len(running.settings),
        waiting=running.waiting,
        written=lambda value: json.dumps(value, ensure_ascii=False),
    )


async def show_audit(visit: Visit) -> Response:
    """Is the log whole, up to which row, and what was done last in Sesame's own name or an account's."""
    return await _audit(visit)


async def _audit(visit: Visit, *, problem: str = "") -> Response:
    after = visit.query.get("after", "")
    account = visit.query.get("account", "").strip() or SYSTEM_ACCOUNT
    is_account = _ACCOUNT.fullmatch(account) is not None
    asked = visit.query.get("before", "")
    before = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 18 else None

    async def run(tx: Transaction) -> tuple[list[audit.Head], list[audit.Exported]]:
        return await audit.page_of_heads(tx, after, limit=PAGE + 1), await audit.exports(tx, limit=PAGE)

    heads, exports = await visit.backing.store.read(run)
    rows = (
        await audit_log.latest(visit.backing.store, account, limit=ROWS + 1, before=before)
        if is_account
        else []
    )
    check = visit.backing.audit
    return visit.page(
        "audit.html",
        status=503 if problem else 200,
        problem=problem,
        heads=heads[:PAGE],
        is_first=not after,
        more=heads[PAGE - 1].account_id if len(heads) > PAGE else None,
        exports=exports,
        check=check,
        findings=[] if check.last is None else check.last.report.findings[:PAGE],
        written_at=check.written_at(),
        rows=[shown_row(row) for row in rows[:ROWS]],
        asked=account,
        is_own=account == SYSTEM_ACCOUNT,
        older=rows[ROWS - 1].seq if len(rows) > ROWS else None,
    )


async def show_change(visit: Visit) -> Response:
    """One row of Sesame's own log or an account's."""
    account_id = visit.path_values["account_id"]
    back = f"/operator/audit?account={quote(account_id, safe='')}"
    return page_of(visit, account_id, await row_of(visit, account_id), back=back)


async def change_file(visit: Visit) -> Response:
    """The same as a file."""
    return file_of(visit, await row_of(visit, visit.path_values["account_id"]))


async def verify(visit: Visit) -> Response:
    """Verify the whole log now."""
    try:
        await visit.backing.audit.verify()
    except Unavailable as error:
        return await _audit(visit, problem=str(error))
    return visit.go("/operator/audit", said="verified-log")


PAGES = (
    Page(path="/operator/settings", handler=show_settings, who="operator"),
    Page(path="/operator/audit", handler=show_audit, who="operator"),
    Page(path="/operator/audit/{account_id}/{number}", handler=show_change, who="operator"),
    Page(path="/operator/audit/{account_id}/{number}/raw", handler=change_file, who="operator"),
    Page(path="/operator/audit", handler=verify, method="POST", who="operator"),
)
