"""The console without sockets: over a store of its own, from a request to its last byte, for who is logged in."""

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx

from sesame.app.api import Doors
from sesame.app.console import backing_of, logins_of
from sesame.app.foundation import Services
from sesame.config import Settings
from sesame.console.app import Console
from sesame.console.browser import Browser
from sesame.console.guard import Guard
from sesame.console.visit import Backing
from sesame.db.sqlite import SqliteStore
from sesame.observe import Log, SystemClock

BROWSER = Browser(source_ip="127.0.0.1", user_agent="test")


@dataclass(frozen=True)
class OpenConsole:
    """A console and what is behind its pages."""

    services: Services
    backing: Backing
    console: Console

    @property
    def store(self) -> SqliteStore:
        """The store, which is the embedded one."""
        assert isinstance(self.services.store, SqliteStore)
        return self.services.store

    @asynccontextmanager
    async def logged_in(self, account: str) -> AsyncIterator[httpx.AsyncClient]:
        """A browser in which the root of an account is logged in, or the operator ("")."""
        cookie = await self.backing.logins.links.spend(
            await self.backing.logins.links.make("login", account, account), BROWSER
        )
        assert cookie is not None
        transport = httpx.ASGITransport(self.console.application(), client=("127.0.0.1", 1))
        async with httpx.AsyncClient(
            transport=transport, base_url="http://localhost", cookies={"sesame": cookie}
        ) as client:
            yield client


@asynccontextmanager
async def console_over(settings: Settings) -> AsyncIterator[OpenConsole]:
    """The console over the store that the settings name, until the end of the block."""
    clock = SystemClock()
    log = Log(io.StringIO(), as_json=True, clock=clock)
    services = Services(settings, log=log, clock=clock, durable=False)
    try:
        doors = Doors(services, accepted=lambda *_: None)

        async def problems() -> dict[str, str]:
            return {}

        backing = backing_of(settings, services, doors, logins_of(services, doors), problems)
        console = Console(backing, Guard(public_url="", is_secure=False), proxy="", log=log)
        try:
            yield OpenConsole(services=services, backing=backing, console=console)
        finally:
            await backing.analyst.close()
    finally:
        services.close()
