"""The inbox of the development profile: what the built-in mailbox server received, for people and for tests.

INVARIANT: a mail's HTML is shown from an address of its own, under its own policy, in a frame without any right; its
parts are downloads. The JSON is open to whoever reaches the console under a name of this machine: this is the
development profile alone, and other sites' pages cannot read it.
"""

import asyncio
import json
import re
from collections.abc import Sequence
from urllib.parse import urlencode

from starlette.responses import Response

from sesame.admin.accounts import OperatorError
from sesame.console import mail_view
from sesame.console.mail_view import Headline
from sesame.console.text import exactly
from sesame.console.visit import Page, Visit, framed
from sesame.db import Transaction
from sesame.mail.display import decoded
from sesame.operations.messages import ACTION
from sesame.spool.trace import SentAs, sent_as
from sesame.store import development
from sesame.store.development import Mail

PAGE = 50
TONES = {"pass": "good", "fail": "bad", "permerror": "bad"}
"""How a verdict is shown; any other is neither."""
MOST_LOOKS = 10
LONGEST_WAIT_S, LOOK_EVERY_S = 30.0, 0.2
_NUMBER = re.compile(r"[0-9]{1,15}")


async def show_list(visit: Visit) -> Response:
    """The newest first; with `q` those whose sender, recipients or subject hold it, of a bounded number."""
    asked, wanted = visit.query.get("before", ""), visit.query.get("q", "").strip().lower()
    before = int(asked) if _NUMBER.fullmatch(asked) else None
    kept: list[tuple[Mail, Headline]] = []
    key, looked_at = before, 0
    for _ in range(MOST_LOOKS if wanted else 1):
        page = await _page_of(visit, key)
        key = page[PAGE - 1].seq if len(page) > PAGE else None
        looked_at += len(page[:PAGE])
        heads = [(mail, mail_view.headline(mail.data)) for mail in page[:PAGE]]
        kept += [one for one in heads if not wanted or _holds(*one, wanted)]
        if len(kept) >= PAGE or key is None:
            break
    more = kept[PAGE - 1][0].seq if len(kept) > PAGE else key
    given = {"q": wanted} if wanted else {}
    shown = kept[:PAGE]
    return visit.page(
        "inbox.html",
        mails=shown,
        verdicts=await visit.backing.verdicts.of([mail for mail, _ in shown]),
        allowed=await _allowed(visit, [head.message_id for _, head in shown if head.message_id]),
        tones=TONES,
        more=None if more is None else urlencode({**given, "before": more}),
        is_first=before is None,
        wanted=wanted,
        looked_at=looked_at,
    )


async def _allowed(visit: Visit, message_ids: Sequence[str]) -> dict[str, SentAs]:
    """As whose identity each was let in, for its sender, the owner of the identity, and the operator."""
    viewer: str | None = None
    if visit.caller is not None:
        (refused,) = await visit.backing.authorizer.refusals(visit.caller, [(ACTION, "*")])
        if refused is not None:
            return {}
        viewer = visit.caller.principal.account_id
    return await visit.backing.store.read(lambda tx: sent_as(tx, message_ids, viewer=viewer))


def _holds(mail: Mail, head: Headline, wanted: str) -> bool:
    return any(wanted in text.lower() for text in (head.sender, head.subject, mail.mail_from, *mail.rcpt_to))


async def _page_of(visit: Visit, before: int | None) -> list[Mail]:
    async def run(tx: Transaction) -> list[Mail]:
        return await development.mail_before(tx, before, limit=PAGE + 1)

    return await visit.backing.store.read(run)


async def mail_of(visit: Visit) -> Mail | None:
    """The mail of the path: by its number, or the latest."""
    asked = visit.path_values["seq"]
    if asked == "latest":
        newest = await visit.backing.store.read(lambda tx: development.list_mail(tx, limit=1))
        return newest[0] if newest else None
    if not _NUMBER.fullmatch(asked):
        return None
    return await visit.backing.store.read(lambda tx: development.get_mail(tx, int(asked)))


async def show_html(visit: Visit) -> Response:
    """A mail's HTML alone, for the frame."""
    mail = await mail_of(visit)
    return framed("" if mail is None else mail_view.html_page(mail.data))


async def download(visit: Visit) -> Response:
    """One part, or the whole source, as a file and nothing that a browser would show."""
    mail = await mail_of(visit)
    asked = visit.path_values.get("number", "")
    found: tuple[str, bytes] | None = None
    if mail is not None:
        if not asked:
            found = f"message-{mail.seq}.eml", mail.data
        elif _NUMBER.fullmatch(asked):
            found = mail_view.part_at(mail.data, int(asked))
    if found is None:
        return visit.page("missing.html", status=404)
    name = re.sub(r"[^A-Za-z0-9._-]", "_", found[0])[-100:].lstrip(".") or "part"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(found[1], media_type="application/octet-stream", headers=headers)


async def empty(visit: Visit) -> Response:
    """Delete everything in the inbox, or all but the newest."""
    asked = visit.form.get("keep", "").strip()
    if asked and not re.fullmatch(r"[1-9][0-9]{0,5}", asked):
        raise OperatorError(f"`{asked}` is not a number of messages to keep")
    keep = int(asked or 0)
    gone = await visit.backing.store.write(lambda tx: development.keep_newest(tx, keep))
    return visit.go("/inbox", said="thinned", count=gone) if keep else visit.go("/inbox", said="emptied")


async def json_list(visit: Visit) -> Response:
    """Messages as JSON, oldest first, `PAGE` at most: `to`, `since` (a number), `wait` (seconds until one is there)."""
    query = visit.query
    since = int(query["since"]) if _NUMBER.fullmatch(query.get("since", "")) else 0
    asked = query.get("wait", "0")
    wait = min(float(asked), LONGEST_WAIT_S) if re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,3})?", asked) else 0.0
    to = query.get("to", "").lower()

    async def run(tx: Transaction) -> list[Mail]:
        after, found = since, list[Mail]()
        while len(found) < PAGE:
            page = await development.mail_after(tx, after, limit=PAGE)
            found += [mail for mail in page if not to or to in [one.lower() for one in mail.rcpt_to]]
            if len(page) < PAGE:
                break
            after = page[-1].seq
        return found[:PAGE]

    until = visit.backing.clock.monotonic() + wait
    while True:
        found = await visit.backing.store.read(run)
        if found or visit.backing.clock.monotonic() >= until:
            return json_answer({"messages": [_summary(mail) for mail in found]})
        await asyncio.sleep(LOOK_EVERY_S)


async def json_one(visit: Visit) -> Response:
    """One message as JSON."""
    mail = await mail_of(visit)
    if mail is None:
        return json_answer({"error": "there is no such message"}, status=404)
    view = mail_view.look_at(mail.data)
    return json_answer(
        {
            **_summary(mail),
            "headers": [[name, decoded(value)] for name, value in view.fields],
            "text": view.text,
            "html": view.html,
            "links": [{"target": link.target, "text": link.text} for link in view.links],
            "parts": [
                {"number": part.number, "type": part.kind, "name": part.name, "bytes": part.size_bytes}
                for part in view.parts
            ],
            "dkim": await visit.backing.verdicts.signatures(mail),
            "notes": list(view.notes),
        }
    )


def _summary(mail: Mail) -> dict[str, object]:
    head = mail_view.headline(mail.data)
    return {
        "id": mail.seq,
        "received_at": exactly(mail.received_at),
        "mail_from": mail.mail_from,
        "to": list(mail.rcpt_to),
        "from": head.sender,
        "subject": head.subject,
        "message_id": head.message_id,
    }


def json_answer(value: object, *, status: int = 200) -> Response:
    """An answer for a program."""
    return Response(
        json.dumps(value, ensure_ascii=False, indent=1) + "\n", status, media_type="application/json"
    )


PAGES = (
    Page(path="/inbox", handler=show_list, who="either"),
    Page(path="/inbox/empty", handler=empty, method="POST", who="either"),
    Page(path="/inbox/{seq}/html", handler=show_html, who="either"),
    Page(path="/inbox/{seq}/raw", handler=download, who="either"),
    Page(path="/inbox/{seq}/parts/{number}", handler=download, who="either"),
    Page(path="/dev/messages", handler=json_list, who="anybody"),
    Page(path="/dev/messages/{seq}", handler=json_one, who="anybody"),
)
