"""The operator's start: accounts, to look at each as it sees itself."""

from starlette.responses import Response

from sesame.console.guard import Refused
from sesame.console.visit import Page, Visit
from sesame.db import Transaction
from sesame.store import accounts


async def show(visit: Visit) -> Response:
    """Every account."""
    found = await visit.backing.operator.list_accounts()
    asking = await visit.backing.operator.asking_for_production()
    return visit.page("operator.html", accounts=found, asking=asking, may_become=visit.backing.may_become)


async def _existing(visit: Visit) -> str:
    account_id = visit.form.get("account", "")

    async def run(tx: Transaction) -> bool:
        return await accounts.get(tx, account_id) is not None

    if not await visit.backing.store.read(run):
        raise Refused(404, "there is no such account")
    return account_id


async def look(visit: Visit) -> Response:
    """See the console as an account does, to read alone."""
    assert visit.login is not None
    account_id = await _existing(visit)
    visit.cookies["login"] = await visit.backing.logins.change_role(visit.login, account_id, is_operator=True)
    return visit.go("/")


async def become(visit: Visit) -> Response:
    """Go on as the root of an account (development)."""
    assert visit.login is not None
    if not visit.backing.may_become:
        raise Refused(403, "use `sesame console login --account ID`")
    account_id = await _existing(visit)
    visit.cookies["login"] = await visit.backing.logins.change_role(
        visit.login, account_id, is_operator=False
    )
    return visit.go("/")


async def back(visit: Visit) -> Response:
    """Be the operator again."""
    assert visit.login is not None
    visit.cookies["login"] = await visit.backing.logins.change_role(visit.login, "", is_operator=True)
    return visit.go("/operator")


PAGES = (
    Page(path="/operator", handler=show, who="operator", nav="operator"),
    Page(path="/operator/look", handler=look, method="POST", who="operator"),
    Page(path="/operator/become", handler=become, method="POST", who="operator"),
    Page(path="/operator/back", handler=back, method="POST", who="operator"),
)
