"""The server: doors and delivery on top of `foundation` and `api`, in one process until it is told to stop."""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from sesame import __version__
from sesame.app import tracking
from sesame.app.api import Doors
from sesame.app.audit import AuditUpkeep
from sesame.app.data_directory import lock_data_directory, secure
from sesame.app.delivery import Delivering
from sesame.app.feedback import make_reactor
from sesame.app.foundation import Services, create_demo_accounts
from sesame.app.inbound import make_feedback_doors
from sesame.app.listening import Listening
from sesame.app.notify import NotifyRole
from sesame.app.preparation import prepare
from sesame.app.process import free_descriptors, machine_boot_id
from sesame.app.readiness import Readiness
from sesame.app.submission import make_submission, submission_addresses, submission_bounds
from sesame.app.traces import make_tracer
from sesame.app.upkeep import Upkeep, keep_running
from sesame.config import LIVE, Api, InForce, Settings, changed, in_force, taken_over
from sesame.config.sources import DEFAULT
from sesame.db import Transaction
from sesame.dns import LocalZone
from sesame.observe import Clock, Log
from sesame.sending.send import LARGE_BYTES
from sesame.server.health import HealthServer
from sesame.server.http import HttpDoor
from sesame.server.listener import Bounds as HttpBounds
from sesame.server.listener import HttpServer
from sesame.server.mailbox import MailboxServer
from sesame.server.tls import Certificate
from sesame.server.topic_links import TopicLinks
from sesame.spool import steady
from sesame.store import development, outbox
from sesame.store.events import Stage

if TYPE_CHECKING:
    from sesame.app.console import ConsoleServer


NO_SOURCES: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """Where a running server listens."""

    api: str
    smtp: str | None
    """host:port of submission with STARTTLS."""
    smtps: str | None
    """host:port of submission with TLS from the start."""
    ca: Path | None
    """The CA that signed the development certificate."""
    mailbox_port: int | None
    health: str | None
    """Where metrics and health checks are."""
    console: str | None
    """How browsers reach the console."""
    console_link: str | None
    """A link that logs the operator in, in the development profile."""
    inbound: str | None
    """host:port where reports are taken."""
    tracking: str | None
    """host:port where links of mail lead that is followed, besides the API."""


class Server:
    """One process with every role; `run` until `stop` is set."""

    def __init__(
        self,
        settings: Settings,
        *,
        log: Log,
        clock: Clock,
        durable: bool = True,
        sources: Mapping[str, str] = NO_SOURCES,
    ) -> None:
        """`sources` tells where settings that are not defaults come from."""
        tracer = make_tracer(settings.traces, version=__version__)
        if tracer is not None:
            log.trace_id = tracer.trace_id
        secure(settings)
        self._lock = lock_data_directory(settings.data_dir)
        self._listening = Listening(settings, clock=clock, log=log)
        self._api_socket = self._listening.on("api.port", settings.api.listen, settings.api.port)
        self._url = _api_url(settings.api, self._api_socket)
        self._settings = settings
        self._sources = dict(sources)
        self._waiting: tuple[str, ...] = ()
        self._log = log
        self._clock = clock
        self.services = Services(
            settings, log=log, clock=clock, durable=durable, url=self._url, tracer=tracer
        )
        self._readiness = Readiness(
            self.services.store,
            free_bytes=self.services.free_bytes,
            reserve_bytes=settings.reserve_bytes,
            clock=clock,
        )
        self._mailbox = self._make_mailbox()
        self._reactor = make_reactor(
            self.services, spooled=lambda: self.services.wake(), moved_on=lambda: self._notify.wake()
        )
        keep = None if self._mailbox is None else self._keep_mail
        feedback_doors = make_feedback_doors(
            self.services, self._listening, recorded=self._reactor.wake, keep=keep
        )
        self._inbound, self._simulator = feedback_doors.inbound, feedback_doors.simulator
        self._audit = self._make_audit()
        self._notify = NotifyRole(self.services, public_url=self._url, mailed=lambda: self.services.wake())
        self._delivering = Delivering(
            self.services,
            mx_port=settings.delivery.mx_port if self._mailbox is None else self._mailbox.port,
            own_hosts=feedback_doors.own_routes,
            recorded=self._recorded,
        )
        self._scheduler = self._delivering.scheduler
        self.services.wake = self._scheduler.wake
        self._doors = self._make_doors()
        self._health = self._make_health()
        self._tracking_pages = tracking.make_pages(self.services, recorded=self._reactor.wake)
        self._http = self._make_http()
        self._tracking = tracking.make_listener(self.services, self._tracking_pages, self._listening)
        self._console = self._make_console()
        self._submission = make_submission(self.services, self._doors.submission, self._listening)

    async def run(self, *, ready: Callable[[Endpoints], None], stop: asyncio.Event) -> None:
        """Serve until `stop` is set; `ready` is called once everything listens."""
        boot_id = machine_boot_id()
        self._readiness.starting = "the server is starting"
        try:
            if self._health is not None:
                self._health.start()
            if await self._prepare(boot_id, stop):
                await self._serve(boot_id, ready=ready, stop=stop)
        finally:
            if self._health is not None:
                self._health.stop()
            self.services.close()
            os.close(self._lock)
            if self.services.tracer is not None:
                self.services.tracer.close()

    async def _prepare(self, boot_id: str, stop: asyncio.Event) -> bool:
        """What has to be there before anything is served; False when told to stop before it is."""
        services = self.services
        steps: dict[str, Callable[[], Awaitable[None]]] = {
            "clock": lambda: steady.load(services.store, services.steady, boot_id),
            "signing domain": services.signing_domain.ensure_key,
            "notifications": self._notify.start,
            "source addresses": self._delivering.sources.start,
        }
        if self._settings.accounts.demo:
            steps["demo accounts"] = lambda: create_demo_accounts(services)

        def waits(reason: str) -> None:
            self._readiness.starting = reason

        return await prepare(steps, stop=stop, log=self._log, waits=waits)

    async def _serve(self, boot_id: str, *, ready: Callable[[Endpoints], None], stop: asyncio.Event) -> None:
        """Open the doors and keep everything running until `stop` is set."""
        async with asyncio.TaskGroup() as tasks:
            running = [
                tasks.create_task(keep_running(name, run, log=self._log))
                for name, run in self._upkeep(boot_id).items()
            ]
            delivery = tasks.create_task(self._scheduler.run()) if self._settings.delivery.enabled else None
            for server in (self._mailbox, self._simulator):
                if server is not None:
                    running.append(tasks.create_task(server.run()))
            if self._inbound is not None:
                await self._inbound.start()
            for door in self._http_doors():
                await door.start()
            if self._submission is not None:
                await self._submission.start()
            if self._console is not None:
                await self._console.start(tasks)
            self._readiness.starting = ""
            ready(self._endpoints(None if self._console is None else await self._console.first_link()))
            await stop.wait()
            self._log.event("stopping")
            self._scheduler.stop()
            async with asyncio.TaskGroup() as doors:
                for door in self._http_doors():
                    doors.create_task(door.stop())
                if self._console is not None:
                    doors.create_task(self._console.stop())
                if self._submission is not None:
                    doors.create_task(self._submission.stop())
            if delivery is not None:
                await delivery
            if self._inbound is not None:
                await self._inbound.stop()
            for task in running:
                task.cancel()

    def _http_doors(self) -> list[HttpServer]:
        return [self._http] if self._tracking is None else [self._http, self._tracking]

    def _upkeep(self, boot_id: str) -> dict[str, Callable[[], Awaitable[None]]]:
        """What runs beside the doors, by name."""
        return {
            **Upkeep(self.services, lambda: self._settings).roles(boot_id),
            **self._delivering.roles(),
            "feedback": self._reactor.run,
            "audit": self._audit.run,
            "sign-ins": self._doors.failed.run,
            "key uses": self._doors.key_uses.run,
            **self._notify.roles(),
        }

    def reload(self, settings: Settings, sources: Mapping[str, str] = NO_SOURCES) -> None:
        """Read certificates anew, and take over what of `settings` a running process can."""
        self._listening.reload()
        names = changed(self._settings, settings)
        self._settings = taken_over(self._settings, settings)
        self._waiting = tuple(name for name in names if name not in LIVE)
        for name in LIVE.intersection(names):
            self._sources[name] = sources.get(name, DEFAULT)
        self._http.bounds = _http_bounds(self._settings.api)
        if self._submission is not None:
            self._submission.bounds = submission_bounds(self._settings.submission)
        self._doors.authenticator.skew_s = self._settings.api.clock_skew_s
        self._doors.throttle.allow(self._settings.api.requests_per_second)
        self._log.event(
            "settings_reloaded",
            changed=", ".join(name for name in names if name in LIVE) or None,
            wait_for_restart=", ".join(self._waiting) or None,
        )

    def _make_console(self) -> "ConsoleServer | None":
        if not self._settings.console.enabled:
            return None
        from sesame.app.console import make_console  # large, and not every server has a console

        return make_console(
            self._settings,
            self.services,
            self._doors,
            self._listening.on_or_any,
            problems=self._readiness.problems,
            running_with=lambda: InForce(
                settings=in_force(self._settings, self._sources), waiting=self._waiting
            ),
            log=self._log,
        )

    def _make_audit(self) -> AuditUpkeep:
        services = self.services
        return AuditUpkeep(
            services.store,
            services.trail.key,
            self._settings.audit,
            clock=self._clock,
            ages=services.ages,
            log=self._log,
        )

    def _make_doors(self) -> Doors:
        return Doors(
            self.services,
            accepted=self._delivering.accepted,
            recorded=self._recorded,
            published=self._notify.published,
        )

    def _recorded(self, stage: Stage) -> None:
        """Events were recorded that wait at a stage."""
        if stage is Stage.NEW:
            self._reactor.wake()
        elif stage is Stage.REACTED:
            self._notify.wake()

    def _endpoints(self, console_link: str | None) -> Endpoints:
        def address(sock: socket.socket) -> str:
            host, port = sock.getsockname()[:2]
            return f"{host}:{port}"

        smtp, smtps = submission_addresses(self._submission)
        return Endpoints(
            api=self._url,
            smtp=smtp,
            smtps=smtps,
            ca=self._development_ca(),
            mailbox_port=None if self._mailbox is None else self._mailbox.port,
            health=None if self._health is None else self._health.url,
            console=None if self._console is None else self._console.url,
            console_link=console_link,
            inbound=None if self._inbound is None else address(self._inbound.listeners[0].sock),
            tracking=None if self._tracking is None else address(self._tracking.sock),
        )

    def _make_http(self) -> HttpServer:
        services, settings = self.services, self._settings.api
        door = HttpDoor(
            self._doors.api,
            confirm=services.verification.confirm,
            ready=self._readiness.problems,
            links=TopicLinks(
                certificate=self._notify.certificate,
                confirm=self._doors.subscriptions.confirm_by_link,
                end=self._doors.subscriptions.end_by_link,
            ),
            tracking=self._tracking_pages,
        )
        return HttpServer(
            self._api_socket,
            door,
            _http_bounds(settings),
            certificate=self._api_certificate(),
            clock=self._clock,
            log=self._log,
            large=services.large,
            refused=lambda reason: services.metrics.connections_refused.labels("api", reason).inc(),
        )

    def _api_certificate(self) -> Certificate | None:
        settings = self._settings.api
        if not settings.tls_certificate:
            return None
        chain, key = Path(settings.tls_certificate), Path(settings.tls_private_key)
        return self._listening.certificate(chain, key, setting="api.tls_certificate")

    def _make_mailbox(self) -> MailboxServer | None:
        if not self._settings.mailbox.enabled:
            return None
        sock = self._listening.on("mailbox.port", "127.0.0.1", self._settings.mailbox.port)
        return MailboxServer(sock, self._keep_mail, hostname=LocalZone.MAILBOX_HOST, log=self._log)

    async def _keep_mail(self, mail_from: str, rcpt_to: tuple[str, ...], data: bytes) -> None:
        async def run(tx: Transaction) -> None:
            await development.keep_mail(
                tx, received_at=self._clock.now(), mail_from=mail_from, rcpt_to=rcpt_to, data=data
            )

        await self.services.store.write(run, is_long=len(data) > LARGE_BYTES)

    def _development_ca(self) -> Path | None:
        """The CA of the certificate that submission shows, where that is one of our own."""
        if self._submission is None or self._settings.submission.tls_certificate:
            return None
        return self._settings.data_dir / "tls" / "ca.pem"

    def _make_health(self) -> HealthServer | None:
        settings, services = self._settings.health, self.services
        if not settings.enabled:
            return None
        sock = self._listening.on_or_any("health.port", settings.listen, settings.port)

        async def refresh() -> None:
            depth, oldest = await services.spool.depth()
            metrics = services.metrics
            metrics.queue_depth.labels("queued").set(depth)
            metrics.queue_oldest_age.set(0.0 if oldest is None else max(0.0, self._clock.now() - oldest))
            metrics.connections.labels("api").set(self._http.connection_count)
            if self._submission is not None:
                metrics.connections.labels("smtp").set(self._submission.connection_count)
            if self._inbound is not None:
                metrics.connections.labels("inbound").set(self._inbound.connection_count)
            if self._tracking is not None:
                metrics.connections.labels("tracking").set(self._tracking.connection_count)
            metrics.notifications_waiting.set(await services.store.read(outbox.depth))
            metrics.disk_free.set(services.free_bytes())
            metrics.deliveries_open.set(self._delivering.pool.idle)

        return HealthServer(
            sock, metrics=services.metrics.text, refresh=refresh, ready=self._readiness.problems
        )


def _api_url(settings: Api, sock: socket.socket) -> str:
    """By which URL clients reach the API."""
    host, port = sock.getsockname()[:2]
    scheme = "https" if settings.tls_certificate else "http"
    url_host = f"[{host}]" if ":" in host else host
    return settings.public_url.rstrip("/") or f"{scheme}://{url_host}:{port}"


def _http_bounds(settings: Api) -> HttpBounds:
    return HttpBounds(
        max_body_bytes=settings.max_body_bytes,
        memory_bytes=settings.memory_bytes,
        connections=min(settings.connections, free_descriptors()),
    )
