"""The operator's accounts: who asks for what, what each uses, and to look at each as it sees itself."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from starlette.responses import Response

from sesame.access.changes import Actor
from sesame.admin.accounts import OperatorError
from sesame.console.calls import Sample, operator_sample
from sesame.console.guard import Refused
from sesame.console.text import MOST_COUNTED
from sesame.console.visit import Page, Visit
from sesame.db import Transaction
from sesame.store import account_details, accounts, enforcement, identities, tallies

PAGE = 50
DAYS = 14
MOST_ASKING = 20


async def show(visit: Visit) -> Response:
    """The accounts by id, those that ask for production access first."""
    after = visit.query.get("after", "")
    found = await visit.backing.operator.page(after, limit=PAGE + 1)
    asking = await visit.backing.operator.asking_for_production(limit=MOST_ASKING)
    ids = [one.account_id for one in found[:PAGE]]

    async def run(tx: Transaction) -> dict[str, Any]:
        return {
            "used": await accounts.most_used(tx, ids, since=visit.now - 86_400),
            "became": await tallies.of_accounts(tx, ids, since=visit.now - DAYS * 86_400),
        }

    return visit.page(
        "operator.html",
        accounts=found[:PAGE],
        more=found[PAGE - 1].account_id if len(found) > PAGE else None,
        is_first=not after,
        asking=asking,
        may_become=visit.backing.may_become,
        days=DAYS,
        calls=[
            operator_sample("List the accounts", "account", "list"),
            operator_sample("Create an account", "account", "create", name="shop"),
        ],
        **(await visit.backing.store.read(run) if ids else {"used": {}, "became": {}}),
    )


async def show_account(visit: Visit) -> Response:
    """One account: what it asks for, what it uses, how its mail is received."""
    account_id = visit.path_values["account_id"]
    now = visit.now

    async def run(tx: Transaction) -> dict[str, Any] | None:
        account = await accounts.get(tx, account_id)
        if account is None:
            return None
        return {
            "found": account,
            "asked": await account_details.of_account(tx, account_id),
            "regions": await accounts.use_by_region(tx, account_id, since=now - 86_400),
            "counts": await tallies.by(tx, account_id, "region", since=now - DAYS * 86_400),
            "changes": (await enforcement.changes(tx, account_id))[-10:],
            "identities": await identities.counts_by_region(tx, account_id, most=MOST_COUNTED),
        }

    values = await visit.backing.store.read(run)
    if values is None:
        return visit.page("missing.html", status=404)
    is_asking = any(one.wants_production and one.answer is None for one in values["asked"])
    waits = is_asking and not values["found"].production
    paused = [one.region for one in values["regions"] if one.enforcement == "SHUTDOWN"]
    return visit.page(
        "operator_account.html",
        waits=waits,
        days=DAYS,
        may_become=visit.backing.may_become,
        calls=_commands(values["found"], paused, [one.region for one in values["regions"]], waits=waits),
        **values,
    )


def _commands(
    found: accounts.Account, paused: Sequence[str], regions: Sequence[str], *, waits: bool
) -> list[Sample]:
    """What the page reads and its buttons do."""
    account_id, reason = found.account_id, "What the account reads"
    doing = [operator_sample("Read what became of its mail", "account", "reputation", account_id)]
    if not found.production:
        doing.append(
            operator_sample("Give production access", "account", "leave-sandbox", account_id, reason=reason)
        )
        if waits:
            doing.append(
                operator_sample(
                    "Refuse production access", "account", "refuse-production", account_id, reason=reason
                )
            )
    for region in regions[:1]:
        verb, title = ("reinstate", "Let it send") if region in paused else ("pause", "Pause it")
        options = {"region": region, "reason": "What is stored with it"}
        doing.append(operator_sample(f"{title} in {region}", "account", verb, account_id, **options))
    limits = {"max_24_hour_send": found.max_24_hour_send, "max_send_rate": found.max_send_rate}
    quota = {name: f"{limit:.0f}" if limit == int(limit) else str(limit) for name, limit in limits.items()}
    return [*doing, operator_sample("Set its quota", "account", "set-quota", account_id, **quota)]


async def answer(visit: Visit) -> Response:
    """Give production access, or refuse it, with the reason that the account reads."""
    account_id = visit.path_values["account_id"]
    desk, reason = visit.backing.operator.by(visit.actor), visit.form.get("reason", "")[:2_000]
    if visit.form.get("answer") == "grant":
        await desk.leave_sandbox(account_id, reason=reason)
    else:
        await desk.refuse_production(account_id, reason=reason)
    return visit.go(f"/operator/accounts/{account_id}", said="answered")


async def set_quota(visit: Visit) -> Response:
    """Set the limits that are given; -1 recipients in 24 hours are as many as it likes."""
    account_id = visit.path_values["account_id"]
    daily, rate = (_limit(visit.form.get(name, ""), name) for name in ("daily", "rate"))
    await visit.backing.operator.by(visit.actor).set_quota(
        account_id, None, max_24_hour_send=daily, max_send_rate=rate
    )
    return visit.go(f"/operator/accounts/{account_id}", said="quota")


def _limit(text: str, name: str) -> float | None:
    if not text.strip():
        return None
    try:
        value = float(text)
    except ValueError:
        raise OperatorError(f"`{text}` is not a number") from None
    is_unlimited = name == "daily" and value == -1
    if not (is_unlimited or 0 < value < 1e12):
        raise OperatorError(
            f"`{text}` is not a limit: a number above 0, or -1 recipients in 24 hours for no limit"
        )
    return value


async def enforce(visit: Visit) -> Response:
    """Pause an account in a region, or let it send again."""
    account_id, region = visit.path_values["account_id"], visit.form.get("region", "")
    became, reason = visit.form.get("became", ""), visit.form.get("reason", "").strip()[:500]
    if not visit.backing.is_region(region) or became not in ("HEALTHY", "SHUTDOWN"):
        raise OperatorError("name a region and the new verdict")
    if not reason:
        raise OperatorError("give a reason: it is stored with the change")
    verdict: enforcement.Enforcement = "SHUTDOWN" if became == "SHUTDOWN" else "HEALTHY"
    await visit.backing.enforcement.by(visit.actor).set(account_id, region, verdict, reason=reason)
    return visit.go(f"/operator/accounts/{account_id}", said="enforced")


async def create(visit: Visit) -> Response:
    """Create an account in the sandbox; its root key is shown this once."""
    name = visit.form.get("name", "").strip()[:100]

    async def made() -> Mapping[str, Any]:
        return asdict(await visit.backing.operator.by(visit.actor).create_account(name, production=False))

    keys = await visit.once(made)
    return visit.page("operator_created.html", keys=keys, name=name)


async def _existing(visit: Visit) -> str:
    account_id = visit.form.get("account", "")

    async def run(tx: Transaction) -> bool:
        return await accounts.get(tx, account_id) is not None

    if not await visit.backing.store.read(run):
        raise Refused(404, "there is no such account")
    return account_id


async def look(visit: Visit) -> Response:
    """See the console as an account does, to read alone."""
    await _change_role(visit, await _existing(visit), is_operator=True, actor=visit.actor)
    return visit.go("/")


async def become(visit: Visit) -> Response:
    """Go on as the root of an account (development)."""
    if not visit.backing.may_become:
        raise Refused(403, "use `sesame console login --account ID`")
    await _change_role(visit, await _existing(visit), is_operator=False, actor=visit.actor)
    return visit.go("/")


async def back(visit: Visit) -> Response:
    """Be the operator again, after looking at an account or working in it."""
    assert visit.login is not None
    if not (visit.login.is_operator or (visit.login.may_return and visit.backing.may_become)):
        raise Refused(403, "this is for the operator")
    await _change_role(visit, "", is_operator=True, actor=visit.as_operator)
    return visit.go("/operator")


async def _change_role(visit: Visit, account_id: str, *, is_operator: bool, actor: Actor) -> None:
    """Go on as another, under a new id that the browser gets."""
    assert visit.login is not None
    visit.cookies["login"] = await visit.backing.logins.change_role(
        visit.login, account_id, is_operator=is_operator, actor=actor
    )


PAGES = (
    Page(path="/operator", handler=show, who="operator"),
    Page(path="/operator/accounts/new", handler=create, method="POST", is_grave=True, who="operator"),
    Page(path="/operator/accounts/{account_id}", handler=show_account, who="operator"),
    Page(path="/operator/accounts/{account_id}/answer", handler=answer, method="POST", who="operator"),
    Page(path="/operator/accounts/{account_id}/quota", handler=set_quota, method="POST", who="operator"),
    Page(path="/operator/accounts/{account_id}/enforce", handler=enforce, method="POST", who="operator"),
    Page(path="/operator/look", handler=look, method="POST", who="operator"),
    Page(path="/operator/become", handler=become, method="POST", is_grave=True, who="operator"),
    Page(path="/operator/back", handler=back, method="POST", who="either"),
)
