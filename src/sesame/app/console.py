"""The console on a listener of its own, joined to what stands behind the other doors."""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from pathlib import Path
from typing import Any

import uvicorn

from sesame import __version__
from sesame.access.failed_sign_ins import Throttled
from sesame.admin.doctor import Finding
from sesame.admin.enforcement import EnforcementDesk
from sesame.admin.own_records import checked
from sesame.admin.queue import QueueDesk
from sesame.app.api import Doors, served_regions
from sesame.app.audit import read_heads
from sesame.app.doctor import look
from sesame.app.foundation import Services, endpoints, house
from sesame.app.inbound import DAY_S, recipients_answer
from sesame.config import InForce, Settings, in_force
from sesame.console.analyst import Analyst
from sesame.console.app import Console
from sesame.console.audit_check import AuditCheck
from sesame.console.guard import Guard
from sesame.console.history import History
from sesame.console.instance import Instance
from sesame.console.logins import Logins
from sesame.console.once import Once
from sesame.console.play import Play
from sesame.console.replays import Replays
from sesame.console.verdicts import Verdicts
from sesame.console.visit import Backing, IdentityViews
from sesame.db import Transaction
from sesame.feedback.rates import current
from sesame.mail.return_path import verify_return_path
from sesame.model import Rates
from sesame.observe import Log
from sesame.operations.asking.why import AskWhy
from sesame.operations.home import Homes
from sesame.operations.identity_list import IdentityLists
from sesame.operations.identity_records import IdentityRecords
from sesame.operations.identity_sends import IdentitySends
from sesame.operations.identity_signing import IdentitySigning
from sesame.operations.lent import LentIdentities
from sesame.operations.messages import Messages
from sesame.operations.people import People
from sesame.operations.programs import Programs
from sesame.operations.published_events import PublishedEvents
from sesame.operations.recovery_codes import RecoveryCodes
from sesame.operations.sender_reputation import Reputations
from sesame.server.tls import Certificate
from sesame.store.audit import Mark
from sesame.store.enforcement import EnforcementState

FIRST_REGION = "us-east-1"
Problems = Callable[[], Awaitable[Mapping[str, str]]]


def logins_of(services: Services, doors: Doors) -> Logins:
    """Log-ins over the same store, directory and count of wrong guesses as the API's."""
    return Logins(
        services.store,
        services.sealer,
        services.passwords,
        doors.guesses,
        doors.failed,
        services.acts,
        clock=services.clock,
        new_token=services.ids.token,
    )


class ConsoleServer(uvicorn.Server):
    """uvicorn in a loop that is not its own: no signal handlers, and it tells when it listens."""

    def __init__(
        self,
        settings: Settings,
        services: Services,
        doors: Doors,
        sock: socket.socket,
        *,
        problems: Problems,
        running_with: Callable[[], InForce],
        log: Log,
    ) -> None:
        console = settings.console
        self._sock = sock
        self._serving: asyncio.Task[None] | None = None
        self._has_first_link = settings.accounts.demo
        self.listening = asyncio.Event()
        self.logins = logins_of(services, doors)
        is_secure = bool(console.tls_certificate or console.proxy)
        backing = backing_of(settings, services, doors, self.logins, problems, running_with=running_with)
        self._analyst = backing.analyst
        self._history = backing.instance.history
        self._noting: asyncio.Task[None] | None = None
        self.console = Console(
            backing,
            Guard(public_url=console.public_url, is_secure=is_secure),
            proxy=console.proxy,
            log=log,
        )
        host, port = sock.getsockname()[:2]
        url_host = f"[{host}]" if ":" in host else host
        scheme = "https" if console.tls_certificate else "http"
        self.url = console.public_url.rstrip("/") or f"{scheme}://{url_host}:{port}"
        super().__init__(
            uvicorn.Config(
                self.console.application(),
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=5,
                limit_concurrency=200,
                ssl_certfile=console.tls_certificate or None,
                ssl_keyfile=console.tls_private_key or None,
            )
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave signals to the application."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept."""
        await super().startup(sockets)
        self.listening.set()

    async def start(self, tasks: asyncio.TaskGroup) -> None:
        """Listen; serve in a task of `tasks` until `stop`."""
        self._serving = tasks.create_task(self.serve(sockets=[self._sock]))
        self._noting = tasks.create_task(self._history.run())
        await self.listening.wait()

    async def stop(self) -> None:
        """Let the requests that are under way end."""
        self.should_exit = True
        if self._noting is not None:
            self._noting.cancel()
        if self._serving is not None:
            await self._serving
        await self._analyst.close()

    async def first_link(self) -> str | None:
        """A link for who starts a development server; others ask for one with `sesame console login`."""
        return f"{self.url}/link/{await self.logins.links.make('login')}" if self._has_first_link else None


def make_console(
    settings: Settings,
    services: Services,
    doors: Doors,
    listen: Callable[[str, str, int], socket.socket],
    *,
    problems: Problems,
    running_with: Callable[[], InForce],
    log: Log,
) -> ConsoleServer:
    """The console; `listen` takes the setting's name, the host and the port. Raises `ConfigError`."""
    console = settings.console
    if console.tls_certificate:
        chain, key = Path(console.tls_certificate), Path(console.tls_private_key)
        Certificate(chain, key, setting="console.tls_certificate", log=log)
    sock = listen("console.port", console.listen, console.port)
    return ConsoleServer(
        settings, services, doors, sock, problems=problems, running_with=running_with, log=log
    )


def _instance(settings: Settings, services: Services, problems: Problems) -> Instance:
    """The instance as its pages see it; with the local zone it asks nobody outside."""
    is_local = settings.dns.resolver == "local"
    probe, ntp = ("", "") if is_local else ("gmail.com", "pool.ntp.org")

    def store_bytes() -> int:
        names = [settings.database.name, f"{settings.database.name}-wal"]
        files = [settings.database.with_name(name) for name in names]
        return sum(file.stat().st_size for file in files if file.exists())

    async def depth() -> int:
        return (await services.spool.depth())[0]

    async def examine() -> Sequence[Finding]:
        services.resolver.forget(one.name for one in await services.signing_domain.records())
        return await look(services, (), probe=probe, ntp=ntp)

    return Instance(
        problems=problems,
        examine=examine,
        records=lambda: checked(services.signing_domain, services.resolver),
        metrics=services.metrics,
        history=History(services.metrics, depth, clock=services.clock),
        free_bytes=services.free_bytes,
        store_bytes=store_bytes,
        clock=services.clock,
        started_at=services.clock.now(),
    )


def _audit_check(settings: Settings, services: Services) -> AuditCheck:
    """The audit log's verification, against the heads that are kept elsewhere."""
    name = settings.audit.heads_file

    def read() -> list[Mark]:
        return read_heads(Path(name)) if name and Path(name).exists() else []

    async def kept() -> list[Mark]:
        return await asyncio.to_thread(read)

    def written_at() -> float | None:
        return Path(name).stat().st_mtime if name and Path(name).exists() else None

    return AuditCheck(
        services.store,
        services.trail.key.public,
        kept=kept,
        heads_file=name,
        written_at=written_at,
        clock=services.clock,
    )


def _play(settings: Settings, services: Services) -> Play:
    """The recipient of mail in the inbox."""
    lives_s = settings.inbound.report_days * DAY_S

    def is_ours(address: str) -> bool:
        found = verify_return_path(
            services.return_path_key, address, now=services.clock.now(), lives_s=lives_s
        )
        return found is not None

    return Play(answer=recipients_answer(services), is_ours=is_ours, takes_reports=settings.inbound.enabled)


def _throttled(doors: Doors, services: Services) -> list[Throttled]:
    """Who has to wait at any door now."""
    clock = services.clock
    wall = clock.now() - clock.monotonic()
    found = [
        Throttled(
            door="SMTP",
            what="user, from there",
            name=f"{name}, {client}",
            until=wall + until,
            since=wall + since,
        )
        for name, client, until, since in doors.submission.logins.waiting()
    ]
    for name, until, since in doors.guesses.waiting():
        kind, _, who = name.partition(":")
        what = "network" if kind == "net" else "user"
        found.append(Throttled(door="console", what=what, name=who, until=wall + until, since=wall + since))
    for account_id, region, operation, seconds in doors.throttle.waiting():
        who = f"{account_id}, {operation} in {region}"
        found.append(Throttled(door="API", what="account", name=who, until=clock.now() + seconds, since=None))
    return found


def _validator(doors: Doors) -> Callable[[str, str, Mapping[str, Any]], None]:
    """Holds parameters against the models of services; what is none of AWS's has no model."""

    def validate(service: str, operation: str, request: Mapping[str, Any]) -> None:
        if service in doors.models:
            doors.models[service].operations[operation].validate(request)

    return validate


def _reputations(settings: Settings, services: Services, doors: Doors) -> Reputations:
    limits = settings.reputation

    async def now(tx: Transaction, account_id: str, region: str, at: float) -> tuple[EnforcementState, Rates]:
        return await current(tx, account_id, region, now=at, volume=limits.volume)

    return Reputations(
        services.store,
        doors.authorizer,
        clock=services.clock,
        current=now,
        limits=limits,
    )


def _ask_why(services: Services, doors: Doors) -> AskWhy:
    return AskWhy(
        services.store,
        doors.directory,
        doors.authorizer,
        doors.sender,
        pace=doors.pace,
        clock=services.clock,
    )


def _recovery(services: Services, doors: Doors) -> RecoveryCodes:
    return RecoveryCodes(
        services.store, doors.authorizer, clock=services.clock, random_bytes=services.random_bytes
    )


def _identities(settings: Settings, services: Services, doors: Doors) -> IdentityViews:
    store, authorizer = services.store, doors.authorizer
    return IdentityViews(
        lists=IdentityLists(store, authorizer),
        records=IdentityRecords(store, authorizer, services.checks, services.resolver),
        signing=IdentitySigning(
            store,
            authorizer,
            services.checks,
            services.resolver,
            return_path_domain=settings.delivery.return_path_domain or settings.delivery.hostname,
            rotate_after_s=settings.dns.dkim_rotate_after_s,
            with_ed25519=settings.dns.dkim_ed25519,
        ),
        sends=IdentitySends(store, authorizer),
    )


def backing_of(
    settings: Settings,
    services: Services,
    doors: Doors,
    logins: Logins,
    problems: Problems,
    *,
    running_with: Callable[[], InForce] | None = None,
) -> Backing:
    """What stands behind the pages; `problems` tells what keeps a send from being accepted.

    `running_with` gives the settings in force and their sources; without it they are `settings`, from nowhere known.
    """
    return Backing(
        store=services.store,
        resolver=services.resolver,
        authorizer=doors.authorizer,
        handlers={**doors.handlers, "edits": doors.edits},
        validate=_validator(doors),
        messages=Messages(services.store, doors.authorizer),
        people=People(services.store, doors.authorizer),
        recovery=_recovery(services, doors),
        reputations=_reputations(settings, services, doors),
        homes=Homes(services.store, doors.authorizer, clock=services.clock),
        ask_why=_ask_why(services, doors),
        programs=Programs(services.store, doors.authorizer),
        smtp_logins=doors.submission.logins,
        lent=LentIdentities(services.store, doors.authorizer),
        identities=_identities(settings, services, doors),
        editing=doors.editing,
        analyst=Analyst(),
        operator=services.operator,
        queue=QueueDesk(services.store, services.acts, clock=services.clock),
        enforcement=EnforcementDesk(services.acts, clock=services.clock),
        instance=_instance(settings, services, problems),
        wake=lambda: services.wake(),
        logins=logins,
        shares=doors.share_links,
        replays=Replays(services.store, clock=services.clock),
        once=Once(),
        policy_tests=doors.policy_tests,
        play=_play(settings, services),
        verdicts=Verdicts(services.resolver, clock=services.clock),
        published=PublishedEvents(services.store, house(settings)),
        running_with=running_with or (lambda: InForce(settings=in_force(settings, {}))),
        service_principals=services.service_principals,
        audit=_audit_check(settings, services),
        failed=doors.failed,
        throttled=lambda: _throttled(doors, services),
        clock=services.clock,
        new_request_id=services.ids.request_id,
        is_region=served_regions(settings),
        region=settings.api.regions[0] if settings.api.regions else FIRST_REGION,
        has_inbox=settings.mailbox.enabled,
        has_zone=settings.dns.resolver == "local",
        may_become=settings.accounts.demo,
        api_url=services.checks.names.public_url,
        doors=lambda: endpoints(settings),
        version=__version__,
    )
