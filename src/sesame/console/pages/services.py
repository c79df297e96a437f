"""The services that send on behalf of accounts: registering them, their keys and when each was used last."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from starlette.responses import Response

from sesame.admin.accounts import OperatorError
from sesame.admin.services import MAX_KEYS, ServiceKeys
from sesame.console.calls import Sample, operator_sample
from sesame.console.visit import Page, Visit
from sesame.db import Transaction
from sesame.store.iam.services import Service
from sesame.store.key_use import KeyUse, of_keys

PAGE = 50
_HERE = "/operator/services"


async def show(visit: Visit) -> Response:
    """The services by name, with their keys."""
    return await _page(visit)


async def _page(
    visit: Visit, problem: str = "", given: str = "", new_key: Mapping[str, Any] | None = None
) -> Response:
    after = visit.query.get("after", "")
    found = await visit.backing.service_principals.page(after, limit=PAGE + 1)
    keys = [key for one in found for key in one.keys]

    async def run(tx: Transaction) -> dict[str, KeyUse]:
        return await of_keys(tx, keys)

    return visit.page(
        "services.html",
        status=400 if problem else 200,
        problem=problem,
        given=given,
        new_key=new_key,
        most_keys=MAX_KEYS,
        services=found[:PAGE],
        uses=await visit.backing.store.read(run),
        is_first=not after,
        more=found[PAGE - 1].service_name if len(found) > PAGE else None,
        calls=_commands(found[:1]),
    )


def _commands(found: Sequence[Service]) -> list[Sample]:
    """What the page reads and its buttons do."""
    doing = [
        operator_sample("List the services", "service", "list"),
        operator_sample("Register one", "service", "create", "cognito-idp.amazonaws.com"),
    ]
    for one in found:
        name = one.service_name
        doing.append(operator_sample(f"Create a key of {name}", "service", "add-key", name))
        doing += [operator_sample("Delete a key", "service", "delete-key", name, key) for key in one.keys[:1]]
        doing.append(operator_sample(f"Remove {name}", "service", "delete", name))
    return doing


async def _with_key(visit: Visit, make: Callable[[], Awaitable[ServiceKeys]], given: str = "") -> Response:
    """What makes a key, whose secret is shown this once."""

    async def made() -> Mapping[str, Any]:
        return asdict(await make())

    try:
        return await _page(visit, new_key=await visit.once(made))
    except OperatorError as error:
        return await _page(visit, f"{error}.", given)


async def create(visit: Visit) -> Response:
    """Register a service, with its first key."""
    name = visit.form.get("name", "").strip()
    desk = visit.backing.service_principals.by(visit.actor)
    return await _with_key(visit, lambda: desk.create(name), name)


async def add_key(visit: Visit) -> Response:
    """Make another key, to change to it."""
    name = visit.form.get("service", "")
    desk = visit.backing.service_principals.by(visit.actor)
    return await _with_key(visit, lambda: desk.add_key(name))


async def delete_key(visit: Visit) -> Response:
    """Take a key away; nothing is accepted under it any more."""
    desk = visit.backing.service_principals.by(visit.actor)
    try:
        await desk.delete_key(visit.form.get("service", ""), visit.form.get("key", ""))
    except OperatorError as error:
        return await _page(visit, f"{error}.")
    return visit.go(_HERE, said="gone")


async def delete(visit: Visit) -> Response:
    """Remove a service with its keys, once its name is typed."""
    name = visit.form.get("service", "")
    if visit.form.get("name", "").strip() != name:
        return await _page(visit, "That is not its name.")
    try:
        await visit.backing.service_principals.by(visit.actor).delete(name)
    except OperatorError as error:
        return await _page(visit, f"{error}.")
    return visit.go(_HERE, said="gone")


PAGES = (
    Page(path=_HERE, handler=show, who="operator"),
    Page(path=_HERE, handler=create, method="POST", is_grave=True, who="operator"),
    Page(path=f"{_HERE}/keys", handler=add_key, method="POST", is_grave=True, who="operator"),
    Page(path=f"{_HERE}/keys/delete", handler=delete_key, method="POST", is_grave=True, who="operator"),
    Page(path=f"{_HERE}/delete", handler=delete, method="POST", is_grave=True, who="operator"),
)
