"""The console as an ASGI application: guard, log-in, leave, page, in this order."""

import asyncio
import hashlib
import ipaddress
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from urllib.parse import parse_qsl, quote

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp

from sesame.admin.accounts import OperatorError
from sesame.aws.errors import InvalidClientTokenId
from sesame.console import again, guard, late
from sesame.console.browser import Browser
from sesame.console.guard import Guard, Refused
from sesame.console.logins import Visitor
from sesame.console.pages import (
    account,
    ask,
    bounds,
    cases,
    changes,
    counted,
    export,
    find,
    home,
    identities,
    inbox,
    instance,
    kit,
    lendings,
    lent,
    limits,
    links,
    log_ins,
    login,
    mail,
    messages,
    notifications,
    operator,
    oversight,
    people,
    policies,
    programs,
    queue,
    regions,
    reputation,
    search,
    send,
    senders,
    sends,
    services,
    sets,
    shares,
    signing,
    suppression,
    templates,
    zone,
)
from sesame.console.polled import unless_same
from sesame.console.render import Renderer
from sesame.console.routes import Routes
from sesame.console.visit import Backing, Page, Visit
from sesame.errors import AccessDenied, ServiceError, Unavailable
from sesame.model import Caller, ConsoleLogin
from sesame.observe import Log

STATIC = resources.files("sesame.console") / "static"
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
SECRET_PATHS = ("link", "invite", "shared")
RAW_HEADERS = [(name.encode(), value.encode()) for name, value in guard.HEADERS.items()]


def pages(backing: Backing) -> list[Page]:
    """Every page there is, in the order in which their paths are tried."""
    found: list[Page] = [
        *login.PAGES,
        *lendings.PAGES,
        *operator.PAGES,
        *instance.PAGES,
        *queue.PAGES,
        *log_ins.PAGES,
        *oversight.PAGES,
        *services.PAGES,
        *find.PAGES,
        *account.PAGES,
    ]
    if backing.has_inbox:
        found += [*inbox.PAGES, *mail.PAGES]
    if backing.has_zone:
        found += zone.PAGES
    return [
        *found,
        *home.PAGES,
        *regions.PAGES,
        *notifications.PAGES,
        *identities.PAGES,
        *signing.PAGES,
        *sends.PAGES,
        *policies.PAGES,
        *senders.PAGES,
        *cases.PAGES,
        *bounds.PAGES,
        *shares.PAGES,
        *export.PAGES,
        *kit.PAGES,
        *lent.PAGES,
        *send.PAGES,
        *ask.PAGES,
        *messages.PAGES,
        *search.PAGES,
        *links.PAGES,
        *suppression.PAGES,
        *sets.PAGES,
        *templates.PAGES,
        *people.PAGES,
        *programs.PAGES,
        *reputation.PAGES,
        *counted.PAGES,
        *limits.PAGES,
        *changes.PAGES,
    ]


class Console:
    """Makes visits of requests. `proxy` is the address whose X-Forwarded-For is believed."""

    def __init__(self, backing: Backing, guarded: Guard, *, proxy: str, log: Log) -> None:
        self._backing = backing
        self._guard = guarded
        self._proxy = proxy
        self._log = log
        self._assets = _assets()
        self._renderer = Renderer({name: hashed for name, (hashed, _, _) in self._assets.items()})
        self._loading: asyncio.Task[None] | None = None
        self._served = {hashed: (data, kind) for hashed, data, kind in self._assets.values()}
        self.pages = pages(backing)

    def application(self) -> ASGIApp:
        """The application."""
        routes = [
            Route(page.path, self._endpoint(page), methods=[page.method], name=f"{page.method} {page.path}")
            for page in self.pages
        ]
        routes.append(Route("/static/{name}", self._static, methods=["GET"]))
        self._routes = Routes(routes)
        made = Starlette(
            routes=[self._routes],
            exception_handlers={HTTPException: self._no_page, Exception: self._broken},
        )
        made.router.redirect_slashes = (
            False  # it would lead to whatever Host says, before the guard has seen it
        )
        return made

    def _endpoint(self, page: Page):  # type: ignore[no-untyped-def]
        async def endpoint(request: Request) -> Response:
            try:
                return await self._answer(page, request)
            except Refused as refused:
                self._log.event("console_refused", path=page.path, reason=str(refused))
                return _with_headers(PlainTextResponse(f"{refused}\n", status_code=refused.status))

        return endpoint

    async def _answer(self, page: Page, request: Request) -> Response:
        self._guard.check_host(request.headers.get("host"))
        if page.is_program:
            self._guard.check_program(request.headers)
        else:
            self._warm()
        visit = await self._visit(request, has_form=not page.is_program)
        if page.method == "POST" and not page.is_program and self._is_late(page, visit):
            has_page = any(one.method == "GET" and one.path == page.path for one in self.pages)
            response = late.too_late(visit, has_page=has_page)
        else:
            response = await self._page(page, visit)
            if request.method == "GET":
                response = unless_same(response, request.headers.get("if-none-match"))
        self._set_cookies(visit, response)
        return _with_headers(response)

    def _is_late(self, page: Page, visit: Visit) -> bool:
        """Whether a form is from another log-in than the browser's, or its log-in has ended."""
        if guard.is_token(visit.seed, visit.form.get("token", "")):
            return page.who != "anybody" and visit.login is None
        self._log.event("console_refused", path=page.path, reason="a form of an earlier log-in, or of none")
        return True

    def _warm(self) -> None:
        """Get ready for more pages, once somebody reads one."""
        self._backing.analyst.warm()
        if self._loading is None:
            self._loading = asyncio.create_task(asyncio.to_thread(self._renderer.load_all))

    async def _page(self, page: Page, visit: Visit) -> Response:
        if "region" in visit.path_values and not self._backing.is_region(visit.region):
            return visit.page("missing.html", status=404)
        if page.who != "anybody":
            if visit.login is None:
                return RedirectResponse(late.log_in_to(late.address(visit)), status_code=303)
            if page.who == "operator" and not visit.login.is_operator:
                return visit.page("missing.html", status=404)
            if page.who == "person" and visit.caller is None:
                return RedirectResponse("/operator", status_code=303)
            if page.method == "POST" and page.who == "person" and visit.login.is_operator:
                raise Refused(
                    403, "the operator looks at this account and changes nothing; log in to change it"
                )
        try:
            if page.leave and page.method == "GET":
                await self._backing.authorizer.require(visit.me, page.leave)
            if page.is_grave and (asked := await again.once_more(visit)) is not None:
                return asked
            return await page.handler(visit)
        except AccessDenied as error:
            return visit.page("denied.html", status=403, error=error.message, leave=_action_in(error.message))
        except InvalidClientTokenId:
            return RedirectResponse(late.LOGIN_PAGE, status_code=303)
        except ServiceError as error:
            if page.method == "GET" and error.v2_code == "NotFoundException":
                return await identities.missing(visit, error.message)
            return visit.page("error.html", status=error.http_status, code=error.code, error=error.message)
        except OperatorError as error:
            return visit.page("error.html", status=400, code="", error=str(error))
        except Unavailable as error:
            self._log.error("console_unavailable", reason=str(error))
            return visit.page(
                "error.html",
                status=503,
                code="ServiceUnavailable",
                error="The store cannot answer now. Try again.",
            )

    async def _visit(self, request: Request, *, has_form: bool = True) -> Visit:
        form: Mapping[str, str] = {}
        if request.method == "POST" and has_form:
            self._guard.check_origin(request.headers)
            form = guard.read_form(request.headers.get("content-type", ""), await _body(request))
        now = self._backing.clock.now()
        cookie = request.cookies.get(self._guard.cookie, "")
        seed = cookie
        browser = Browser(
            source_ip=self._source_ip(request), user_agent=request.headers.get("user-agent", "")
        )
        visit = Visit(
            backing=self._backing,
            renderer=self._renderer,
            path=request.scope["path"],
            query=dict(parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)),
            path_values=request.path_params,
            form=form,
            seed=seed,
            browser=browser,
            now=now,
            region=request.path_params.get("region", self._backing.region),
            base_url=self._guard.base_url(request.headers.get("host", "")),
        )
        if cookie:
            self._who(visit, await self._backing.logins.current(cookie))
        if visit.login is None:
            visit.seed = request.cookies.get(self._guard.form_cookie, "")
            if not visit.seed and request.method == "GET":
                visit.seed = visit.cookies["form"] = self._backing.logins.random_token()
            if cookie:
                visit.cookies["login"] = None
        return visit

    def _who(self, visit: Visit, visitor: Visitor) -> None:
        """Put who is logged in into the visit, and the caller; a user who is gone is logged out."""
        found, principal = visitor.login, visitor.principal
        if found is None or (principal is None and not found.is_operator):
            return
        visit.login, visit.choices, visit.account = found, visitor.choices, visitor.account
        if principal is None:
            return
        visit.caller = Caller(
            principal=principal,
            access_key_id="",
            region=visit.region,
            source_ip=visit.browser.source_ip,
            secure_transport=self._guard.is_secure,
            user_agent=visit.browser.user_agent or None,
            at=visit.now,
            request_id=self._backing.new_request_id(),
            api_version="2",
            login=ConsoleLogin(mfa=found.mfa, made_at=found.made_at),
        )

    def _source_ip(self, request: Request) -> str:
        peer = request.client.host if request.client is not None else ""
        forwarded = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
        if not self._proxy or not forwarded or not _same_address(peer, self._proxy):
            return peer
        return forwarded if _is_address(forwarded) else peer

    def _set_cookies(self, visit: Visit, response: Response) -> None:
        names = {"login": self._guard.cookie, "form": self._guard.form_cookie}
        for what, value in visit.cookies.items():
            response.set_cookie(
                names[what],
                value or "",
                max_age=0 if value is None else None,
                path="/",
                secure=self._guard.is_secure,
                httponly=True,
                samesite="lax",
            )

    async def _static(self, request: Request) -> Response:
        try:
            self._guard.check_host(request.headers.get("host"))
        except Refused as refused:
            return _with_headers(PlainTextResponse(f"{refused}\n", status_code=refused.status))
        found = self._served.get(request.path_params["name"])
        if found is None:
            raise HTTPException(404)
        data, kind = found
        response = _with_headers(Response(data, media_type=kind))
        response.headers["cache-control"] = "public, max-age=31536000, immutable"
        return response

    async def _no_page(self, request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 404
        try:
            self._guard.check_host(request.headers.get("host"))
            if status != 404 or request.method != "GET":
                return _with_headers(PlainTextResponse("there is no such form\n", status_code=status))
            if (path := self._without_slashes(request)) is not None:
                return _with_headers(RedirectResponse(path, status_code=303))
            return _with_headers((await self._visit(request)).page("missing.html", status=404))
        except Refused as refused:
            return _with_headers(PlainTextResponse(f"{refused}\n", status_code=refused.status))

    def _without_slashes(self, request: Request) -> str | None:
        """The address of the page that a path with slashes at its end means, if there is one."""
        path = request.scope["path"].rstrip("/")
        if self._routes.matches({**request.scope, "path": path})[0] is not Match.FULL:
            return None
        query = request.scope["query_string"].decode("latin-1")
        return f"{quote(path, safe='/@:~')}{'?' if query else ''}{query}"

    async def _broken(self, request: Request, error: Exception) -> Response:
        self._log.error("console_failed", path=_without_secret(request.url.path), reason=repr(error))
        return _with_headers(
            PlainTextResponse(
                "This page failed because of a fault of the server; its log says which.\n", status_code=500
            )
        )


def _with_headers(response: Response) -> Response:
    """Every answer carries the headers of `guard`; what a page has set stays."""
    has = {name for name, _ in response.raw_headers}
    response.raw_headers.extend(header for header in RAW_HEADERS if header[0] not in has)
    return response


async def _body(request: Request) -> bytes:
    """The body of a form. Raises `Refused` for one that is too large."""
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > guard.MAX_BODY_BYTES:
            raise Refused(413, "the form is larger than 1 MB")
    return bytes(data)


def _assets() -> dict[str, tuple[str, bytes, str]]:
    """The static files: name with their hash in it, content, media type."""
    found: dict[str, tuple[str, bytes, str]] = {}
    for file in STATIC.iterdir():
        path = Path(file.name)
        if path.suffix in TYPES:
            data = file.read_bytes()
            digest = hashlib.sha256(data).hexdigest()[:16]
            found[file.name] = f"{path.stem}.{digest}{path.suffix}", data, TYPES[path.suffix]
    return found


def _action_in(message: str) -> str:
    """The action that a refusal names (`… is not authorized to perform: ses:GetEmailIdentity on resource: …`)."""
    _, _, after = message.partition("perform: ")
    return after.partition(" ")[0]


def _without_secret(path: str) -> str:
    """A path for the log: what of it opens something is left out."""
    first, _, rest = path.lstrip("/").partition("/")
    return f"/{first}/…" if rest and first in SECRET_PATHS else path


def _same_address(one: str, other: str) -> bool:
    try:
        return ipaddress.ip_address(one) == ipaddress.ip_address(other)
    except ValueError:
        return False


def _is_address(text: str) -> bool:
    return _same_address(text, text)
