"""Identities: what may be sent as, what is missing in DNS, adding and deleting."""

from urllib.parse import quote

from starlette.responses import PlainTextResponse, Response

from sesame.access.identity_names import normal_name
from sesame.console.analyst import Answered, NoAnswer
from sesame.console.calls import Call, call, sample
from sesame.console.pages.senders import DAYS_S, SECONDS, ask, question_of
from sesame.console.text import MOST_COUNTED, counted
from sesame.console.visit import Page, Visit
from sesame.db import Transaction
from sesame.errors import AccessDenied, ServiceError
from sesame.model import Identity, OnMxFailure, VerificationStatus
from sesame.operations.identity_list import MOST_ELSEWHERE, Row
from sesame.operations.identity_records import IdentityRecordsView
from sesame.operations.policy_editing import READ
from sesame.operations.senders_view import senders_view
from sesame.store import identities

PAGE = 50
_BAD = (VerificationStatus.FAILED, VerificationStatus.TEMPORARY_FAILURE)


async def show_list(visit: Visit) -> Response:
    """The identities of the region, by name."""
    after = visit.query.get("after", "")
    found = await visit.backing.identities.lists.of(
        visit.me, after=after, limit=PAGE, now=visit.now, most=MOST_COUNTED
    )
    return visit.page(
        "identities.html",
        rows=found.rows,
        troubles={row.identity.name: troubles(row) for row in found.rows},
        elsewhere=found.by_region,
        only_elsewhere=found.only_elsewhere,
        most_elsewhere=MOST_ELSEWHERE,
        next=found.next,
        is_first=not after,
        calls=[sample("List the identities", call("sesv2", "ListEmailIdentities"))],
    )


_WRONG = {
    "HOST_NOT_FOUND": "not in DNS",
    "TYPE_NOT_FOUND": "record missing in DNS",
    "INVALID_VALUE": "another value in DNS",
    "DNS_SERVER_ERROR": "DNS did not say",
}
"""What SES's words for what a look-up found come to."""


def troubles(row: Row) -> list[tuple[str, str, float | None]]:
    """What is wrong with an identity: how bad, in words, and when it was seen; of days, no time."""
    found: list[tuple[str, str, float | None]] = []
    beside, sent = row.beside, row.sent
    if beside is not None and beside.check.error is not None:
        words = _WRONG.get(beside.check.error, beside.check.error)
        tone = "bad" if row.identity.verification in _BAD else "wait"
        found.append((tone, words, beside.check.checked_at))
    chosen = None if beside is None else beside.mail_from
    if chosen is not None and chosen.status is not VerificationStatus.SUCCESS:
        refuses = chosen.on_mx_failure is OnMxFailure.REJECT_MESSAGE
        said = "sends are refused: MAIL FROM" if refuses else "bounces go to the operator's domain"
        found.append(("bad" if refuses else "wait", said, None))
    if sent is not None and sent.permanent_bounces:
        found.append(("wait", counted(sent.permanent_bounces, "hard bounce"), None))
    if sent is not None and sent.complaints:
        found.append(("bad", counted(sent.complaints, "complaint"), None))
    return found


def _creation(name: str) -> Call:
    return call("sesv2", "CreateEmailIdentity", EmailIdentity=name)


def _deletion(name: str) -> Call:
    return call("sesv2", "DeleteEmailIdentity", EmailIdentity=name)


async def missing(visit: Visit, what: str) -> Response:
    """Nothing is there; of an identity, where it is instead, for who may list them, and a way to add it."""
    name, caller = visit.path_values.get("name", ""), visit.caller
    if caller is None or not visit.path.startswith(visit.here("/identities/")):
        return visit.page("missing.html", status=404, what=what)
    (refused,) = await visit.backing.authorizer.refusals(caller, [("ses:ListEmailIdentities", "*")])
    stored, account_id = normal_name(name), caller.principal.account_id

    async def run(tx: Transaction) -> list[Identity]:
        return await identities.named_of(tx, account_id, stored)

    named = [] if refused is not None else await visit.backing.store.read(run)
    if any(
        one.region == visit.region for one in named
    ):  # then it is something of the identity that is not there
        return visit.page("missing.html", status=404, what=what)
    new = visit.here(f"/identities/new?name={quote(name, safe='')}")
    what = f"Account {account_id} has no identity {name} in {visit.region}."
    return visit.page("missing.html", status=404, what=what, elsewhere=named, new=new)


async def ask_new(visit: Visit) -> Response:
    """The form for a new identity."""
    return _new(visit, visit.query.get("name", ""))


def _new(visit: Visit, name: str, *, problem: str = "", status: int = 200) -> Response:
    adds = [sample("Add it", _creation(name or "example.com"))]
    return visit.page("identity_new.html", status=status, problem=problem, name=name, calls=adds)


def _problem(name: str, message: str) -> str:
    """What is wrong with a name: SES's words name the kind it took it for, which the reader did not choose."""
    if message in (f"Domain {name} is invalid.", f"Invalid email address<{name}>."):
        return f"`{name}` is neither a domain, such as example.com, nor an address, such as info@example.com."
    return message


async def create(visit: Visit) -> Response:
    """Add it: a domain waits for its records, an address for its link."""
    name = visit.form.get("name", "").strip()
    try:
        made = await visit.do(_creation(name))
    except ServiceError as error:
        return _new(visit, name, problem=_problem(name, error.message), status=error.http_status)
    stored = normal_name(name)
    said = "mailed" if "@" in stored else "verified" if made["VerifiedForSendingStatus"] else "created"
    return visit.go(visit.here(f"/identities/{stored}"), said=said)


async def show(visit: Visit) -> Response:
    """The records of one identity with what DNS shows."""
    name = visit.path_values["name"]
    view = await visit.backing.identities.records.of(visit.me, name)
    reads = [sample("Read the identity", call("sesv2", "GetEmailIdentity", EmailIdentity=view.identity.name))]
    return visit.page(
        "identity.html",
        view=view,
        identity=view.identity,
        tab="dns",
        zone=_zone_file(visit, view),
        calls=reads,
    )


async def check(visit: Visit) -> Response:
    """Ask DNS now, and let what is found count."""
    name = visit.path_values["name"]
    await visit.backing.identities.records.check_now(visit.me, name)
    return visit.go(visit.here(f"/identities/{name}"), said="checked")


async def zone(visit: Visit) -> Response:
    """The owner's records as a zone file (RFC 1035 section 5)."""
    name = visit.path_values["name"]
    view = await visit.backing.identities.records.of(visit.me, name)
    headers = {"content-disposition": 'attachment; filename="records.zone"'}
    return PlainTextResponse(_zone_file(visit, view), headers=headers)


def _zone_file(visit: Visit, view: IdentityRecordsView) -> str:
    lines = [f"; records of {view.identity.name} for {visit.backing.api_url}", "$TTL 3600"]
    for checked in view.records:
        record = checked.record
        value = f'"{record.value}"' if record.kind == "TXT" else f"{record.value}."
        if record.kind == "TXT" and len(record.value) > 255:
            parts = [record.value[at : at + 255] for at in range(0, len(record.value), 255)]
            value = " ".join(f'"{part}"' for part in parts)
        lines.append(f"{record.name}. IN {record.kind} {value}")
    return "\n".join([*lines, ""])


async def ask_delete(visit: Visit) -> Response:
    """What goes with it."""
    return await _ask_delete(visit, "", 200)


async def _ask_delete(visit: Visit, problem: str, status: int) -> Response:
    name = visit.path_values["name"]
    policies, edit, waiting, not_known = await _what_goes(visit, name)
    losers = [] if edit is None else [one["title"] for one in edit["lost"] if one["verdict"] == "yes"]
    return visit.page(
        "identity_delete.html",
        status=status,
        name=name,
        policies=policies,
        losers=losers,
        edit=edit,
        not_known=not_known,
        waiting=waiting,
        problem=problem,
        calls=[sample("Delete it", _deletion(name))],
    )


async def _what_goes(visit: Visit, name: str) -> tuple[list[str], Answered | None, int | None, str]:
    """The names of its policies, whom they let send, how much mail as it waits, and why something is not known."""
    backing = visit.backing
    try:
        view = await senders_view(
            backing.store, backing.authorizer, visit.me, name, since=visit.now - DAYS_S, now=visit.now
        )
    except AccessDenied:
        names = await backing.editing.names(visit.me, name)
        return names, None, None, f"To see who loses it and what waits, your user needs {READ}."
    waiting = sum(max(one.queued, 0) for one in view.sent.values())
    names = [one.name for one in view.policies.policies]
    if not names:
        return names, None, waiting, ""
    question = question_of(view.policies, changed=dict.fromkeys(names), now=visit.now)
    try:
        return names, await ask(visit, {"ask": "edit", **question}, seconds=SECONDS), waiting, ""
    except NoAnswer as error:
        return names, None, waiting, f"Who loses it is not known: {error}."


async def delete(visit: Visit) -> Response:
    """Delete it, once its name is typed."""
    name = visit.path_values["name"]
    if visit.form.get("name", "").strip().lower() != name.lower():
        return await _ask_delete(visit, "That is not its name.", 400)
    await visit.do(_deletion(name))
    return visit.go(visit.here("/identities"), said="deleted")


PAGES = (
    Page(path="/{region}/identities", handler=show_list),
    Page(path="/{region}/identities/new", handler=ask_new, leave="ses:CreateEmailIdentity"),
    Page(path="/{region}/identities/new", handler=create, method="POST"),
    Page(path="/{region}/identities/{name}", handler=show),
    Page(path="/{region}/identities/{name}/check", handler=check, method="POST"),
    Page(path="/{region}/identities/{name}/zone", handler=zone),
    Page(path="/{region}/identities/{name}/delete", handler=ask_delete),
    Page(path="/{region}/identities/{name}/delete", handler=delete, method="POST"),
)
