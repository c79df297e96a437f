"""Links for who has no log-in: making and ending them, and what they show, by the rights of who made them."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from sesame.console.calls import Call, call, sample
from sesame.console.pages.kit import kit_for
from sesame.console.visit import Page, Visit, problem_of
from sesame.errors import ServiceError
from sesame.model import Caller, ConsoleLogin
from sesame.operations.sesame.share_links import DAYS, KIT, RECORDS
from sesame.store.console_shares import Share

KINDS = {RECORDS: "its DNS records", KIT: "a delegate's kit"}
HEADERS = {
    "x-robots-tag": "noindex, nofollow",
    "referrer-policy": "no-referrer",
}
"""Of pages whose address is a secret."""


async def show(visit: Visit) -> Response:
    """The links of an identity."""
    return await _page(visit)


async def _page(visit: Visit, problem: str = "", status: int = 200, link: str = "") -> Response:
    name = visit.path_values["name"]
    listing = call("sesame", "ListShareLinks", Identity=name)
    shares = (await visit.do(listing))["Links"]
    kind, delegate = visit.query.get("kind", RECORDS), visit.query.get("for", "")
    return visit.page(
        "shares.html",
        status=status,
        name=name,
        shares=shares,
        problem=problem,
        link=link,
        kinds=KINDS,
        days=DAYS,
        given={
            "kind": visit.form.get("kind") or visit.query.get("kind", RECORDS),
            "for": visit.form.get("for") or visit.query.get("for", ""),
        },
        calls=[
            sample("List the links", listing),
            sample("Create a link", _making(name, kind if delegate else RECORDS, 7, delegate)),
            *(sample("End a link", _ending(name, one["Link"])) for one in shares[:1]),
        ],
    )


def _making(name: str, kind: str, days: int, delegate: str) -> Call:
    whose = {"Delegate": delegate} if delegate and kind == KIT else {}
    return call("sesame", "CreateShareLink", Identity=name, Shows=kind.upper(), Days=days, **whose)


def _ending(name: str, link: str) -> Call:
    return call("sesame", "DeleteShareLink", Identity=name, Link=link)


async def make(visit: Visit) -> Response:
    """Create a link; it is shown this once."""
    form, name = visit.form, visit.path_values["name"]
    kind, days = form.get("kind", ""), form.get("days", "")
    delegate = form.get("for", "").strip() if kind == KIT else ""
    try:
        if kind == KIT and (problem := (await kit_for(visit, name, delegate))[1]["problem"]):
            return await _page(visit, str(problem), 400)
        count = int(days) if days.isascii() and days.isdigit() and len(days) < 4 else 0

        async def made() -> Mapping[str, Any]:
            return {"Token": (await visit.do(_making(name, kind, count, delegate)))["Token"]}

        token = (await visit.once(made))["Token"]
    except ServiceError as error:
        return await _page(visit, *problem_of(error))
    return await _page(visit, link=f"{visit.base_url}/shared/{token}")


async def end(visit: Visit) -> Response:
    """End a link."""
    called, name = visit.form.get("link", ""), visit.path_values["name"]
    try:
        await visit.do(_ending(name, called))
    except ServiceError as error:
        return await _page(visit, *problem_of(error))
    return visit.go(visit.here(f"/identities/{name}/shares"), said="share-ended")


async def read(visit: Visit) -> Response:
    """What a link shows now. Whatever ended it, the answer is the same."""
    response = await _shared(visit)
    response.headers.update(HEADERS)
    return response


async def _shared(visit: Visit) -> Response:
    share = await visit.backing.shares.opened(visit.path_values["token"])
    visit.login = visit.account = visit.caller = None  # whoever reads is nobody here
    caller = None if share is None else await _maker(visit, share)
    if share is None or caller is None:
        return _gone(visit)
    visit.caller, visit.region = caller, share.region
    try:
        if share.kind == KIT:
            policies, kit = await kit_for(visit, share.identity, share.delegate)
            if kit["problem"]:
                return _gone(visit)
            return visit.page("shared_kit.html", identity=policies.identity, kit=kit, share=share)
        view = await visit.backing.identities.records.of(caller, share.identity)
        return visit.page("shared_records.html", identity=view.identity, view=view, share=share)
    except ServiceError:
        return _gone(visit)


def _gone(visit: Visit) -> Response:
    return visit.page("shared_gone.html", status=404)


async def _maker(visit: Visit, share: Share) -> Caller | None:
    """Who made a link, as a caller of this moment; None for who is gone."""
    principal = await visit.backing.logins.principal_of(share.account_id, share.user_id)
    if principal is None:
        return None
    return Caller(
        principal=principal,
        access_key_id="",
        region=share.region,
        source_ip=visit.browser.source_ip,
        secure_transport=visit.base_url.startswith("https:"),
        user_agent=visit.browser.user_agent or None,
        at=visit.now,
        request_id=visit.backing.new_request_id(),
        api_version="2",
        login=ConsoleLogin(mfa=share.mfa, made_at=share.made_at),
    )


_HERE = "/{region}/identities/{name}/shares"
PAGES = (
    Page(path=_HERE, handler=show),
    Page(path=_HERE, handler=make, method="POST", is_grave=True),
    Page(path=f"{_HERE}/end", handler=end, method="POST", is_grave=True),
    Page(path="/shared/{token}", handler=read, who="anybody"),
)
