"""Logging in and out: by password and code, by a link of the operator, by an invitation."""

from starlette.responses import RedirectResponse, Response

from sesame.access.password_rules import in_words, least_length
from sesame.console.late import onward
from sesame.console.links import INVITE_S
from sesame.console.logins import WRONG, Expired, MustChange, Wait
from sesame.console.visit import Page, Visit
from sesame.db import Transaction
from sesame.errors import ServiceError
from sesame.operations.home import ACTION as HOME
from sesame.store.iam import password_policies, users
from sesame.store.iam.password_policies import PasswordPolicy


async def start(visit: Visit) -> Response:
    """Where a person begins."""
    if visit.login is None:
        return RedirectResponse("/login", status_code=303)
    if visit.caller is None:
        return RedirectResponse("/operator", status_code=303)
    return await _first_page(visit)


async def start_in_region(visit: Visit) -> Response:
    """Where a person begins in a region."""
    return await _first_page(visit)


async def _first_page(visit: Visit) -> Response:
    """The first page of the visit's region that the person may read."""
    (refused,) = await visit.backing.authorizer.refusals(visit.me, [(HOME, "*")])
    return visit.go(visit.here("/home" if refused is None else "/identities"))


async def ask(visit: Visit) -> Response:
    """The form."""
    return visit.page(
        "login.html", problem="", given={"account": "", "user": ""}, to=onward(visit.query.get("to", ""))
    )


async def log_in(visit: Visit) -> Response:
    """Check name, password and code."""
    form = visit.form
    given = {name: form.get(name, "") for name in ("account", "user")}
    to = onward(form.get("to", ""))
    result = await visit.backing.logins.by_password(
        given["account"], given["user"], form.get("password", ""), form.get("code", ""), visit.browser
    )
    match result:
        case Wait(seconds=seconds):
            problem = f"Too many attempts failed. Try again in {int(seconds // 60) + 1} min."
            return visit.page("login.html", status=429, problem=problem, given=given, to=to)
        case MustChange(token=token):
            return visit.go(f"/invite/{token}")
        case Expired():
            problem = "The password has expired. An administrator of the account must set another."
            return visit.page("login.html", status=403, problem=problem, given=given, to=to)
        case str(cookie) if cookie != WRONG:
            visit.cookies["login"] = cookie
            visit.cookies["form"] = None
            return visit.go(to)
    problem = "Account, user, password or code is wrong."
    return visit.page("login.html", status=403, problem=problem, given=given, to=to)


async def show_link(visit: Visit) -> Response:
    """The button of a link; opening the page alone spends nothing, as programs that look at links do."""
    link = await visit.backing.logins.links.find(visit.path_values["token"], "login")
    return visit.page("link.html", status=404 if link is None else 200, link=link)


async def use_link(visit: Visit) -> Response:
    """Log in by a link."""
    cookie = await visit.backing.logins.links.spend(visit.path_values["token"], visit.browser)
    if cookie is None:
        return visit.page("link.html", status=404, link=None)
    if visit.login is not None:
        await visit.backing.logins.end(visit.login.digest)
    visit.cookies["login"], visit.cookies["form"] = cookie, None
    return visit.go("/")


async def show_invite(visit: Visit) -> Response:
    """The form for a first or another password."""
    return await _invite(visit, "", 200)


async def _invite(visit: Visit, problem: str, status: int) -> Response:
    link = await visit.backing.logins.links.find(visit.path_values["token"], "invite")

    async def run(tx: Transaction) -> tuple[users.User | None, PasswordPolicy | None]:
        if link is None:
            return None, None
        return await users.get_user_by_id(tx, link.user_id), await password_policies.get(tx, link.account_id)

    user, policy = await visit.backing.store.read(run)
    return visit.page(
        "invite.html",
        status=404 if user is None else status,
        user=user,
        rules=in_words(policy),
        least_length=least_length(policy),
        problem=problem,
        hours=int(INVITE_S // 3600),
    )


async def accept_invite(visit: Visit) -> Response:
    """Set the password."""
    password = visit.form.get("password", "")
    if password != visit.form.get("again", ""):
        visit.wrong = ("password", "again")
        return await _invite(visit, "The two passwords differ.", 400)
    try:
        cookie = await visit.backing.logins.links.accept_invite(
            visit.path_values["token"], password, visit.browser
        )
    except ServiceError as error:
        visit.wrong = ("password",)
        return await _invite(visit, error.message, 400)
    if cookie is None:
        return await _invite(visit, "", 404)
    if cookie:
        visit.cookies["login"], visit.cookies["form"] = cookie, None
    return visit.go("/")


async def go(visit: Visit) -> Response:
    """To another region."""
    region = visit.query.get("region", "")
    known = region if visit.backing.is_region(region) else visit.backing.region
    return RedirectResponse(f"/{known}/identities", status_code=303)


async def log_out(visit: Visit) -> Response:
    """End the log-in."""
    if visit.login is not None:
        await visit.backing.logins.end(visit.login.digest)
    visit.cookies["login"] = None
    return visit.go("/login")


PAGES = (
    Page(path="/", handler=start, who="anybody"),
    Page(path="/go", handler=go, who="either"),
    Page(path="/login", handler=ask, who="anybody"),
    Page(path="/login", handler=log_in, method="POST", who="anybody"),
    Page(path="/link/{token}", handler=show_link, who="anybody"),
    Page(path="/link/{token}", handler=use_link, method="POST", who="anybody"),
    Page(path="/invite/{token}", handler=show_invite, who="anybody"),
    Page(path="/invite/{token}", handler=accept_invite, method="POST", who="anybody"),
    Page(path="/logout", handler=log_out, method="POST", who="anybody"),
)
