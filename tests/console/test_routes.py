"""A path leads to the page that trying all of them one after the other would find."""

import asyncio
import itertools

import pytest
from starlette.routing import Match, Route
from starlette.types import Scope

from sesame.config import load
from sesame.console.app import pages
from sesame.console.routes import Routes
from tests.support.console_in_process import console_over

METHODS = ("GET", "HEAD", "POST", "PUT")
WORDS = (
    "",
    "us-east-1",
    "operator",
    "messages",
    "identities",
    "new",
    "x.example",
    "{region}",
    "%2f",
    "a b",
    "static",
)


async def endpoint(request: object) -> None:
    """Never called."""


@pytest.fixture(scope="module")
def routes(tmp_path_factory: pytest.TempPathFactory) -> list[Route]:
    async def session() -> list[Route]:
        flags = {"data": str(tmp_path_factory.mktemp("routes") / "data"), "mailbox.enabled": True}
        async with console_over(load(None, environ={}, flags=flags)) as opened:
            return [
                Route(page.path, endpoint, methods=[page.method], name=f"{page.method} {page.path}")
                for page in pages(opened.backing)
            ]

    found = asyncio.run(session())
    assert len(found) > 100
    return [*found, Route("/static/{name}", endpoint, methods=["GET"])]


def one_by_one(routes: list[Route], scope: Scope) -> tuple[Match, Route | None]:
    partial = None
    for route in routes:
        match, _ = route.matches(scope)
        if match is Match.FULL:
            return match, route
        if match is Match.PARTIAL and partial is None:
            partial = route
    return (Match.NONE, None) if partial is None else (Match.PARTIAL, partial)


def test_each_path_leads_where_it_did(routes: list[Route]) -> None:
    paths = {
        "/".join(("", *words)) for n in range(5) for words in itertools.product(WORDS, repeat=n) if n < 4
    }
    for route in routes:
        for value in ("x.example", "new", "us-east-1"):
            path = "/".join(value if part.startswith("{") else part for part in route.path.split("/"))
            paths |= {path, f"{path}/", f"{path}/new", path.rpartition("/")[0] or "/"}
    indexed = Routes(routes)
    seen = set()
    for path, method in itertools.product(sorted(paths), METHODS):
        scope: Scope = {"type": "http", "path": path, "method": method, "root_path": "", "path_params": {}}
        match, child = indexed.matches(scope)
        expected, found = one_by_one(routes, scope)
        assert (match, child.get("sesame.route")) == (expected, found), (method, path)
        if found is not None and expected is Match.FULL:
            assert child["path_params"] == found.matches(scope)[1]["path_params"]
            seen.add(found.name)
    assert seen == {route.name for route in routes}
