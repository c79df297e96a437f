"""The server: doors and delivery on top of `foundation` and `api`, in one process until it is told to stop."""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sesame.app.api import Doors
from sesame.app.audit import AuditUpkeep
from sesame.app.data_directory import lock_data_directory, secure
from sesame.app.delivery import Delivering
from sesame.app.feedback import make_reactor
from sesame.app.foundation import Services, create_demo_accounts
from sesame.app.inbound import inbound_certificate, make_inbound, make_receiver, make_simulator, own_routes
from sesame.app.notify import Telling
from sesame.app.process import free_descriptors, machine_boot_id
from sesame.app.readiness import Readiness
from sesame.app.upkeep import keep_running
from sesame.config import LIVE, Api, Settings, changed, taken_over
from sesame.config import Submission as SubmissionSettings
from sesame.db import Transaction
from sesame.dns import LocalZone
from sesame.errors import ConfigError, Unavailable
from sesame.observe import Clock, Log
from sesame.sending.send import LARGE_BYTES
from sesame.server.health import HealthServer
from sesame.server.http import HttpDoor
from sesame.server.listener import Bounds as HttpBounds
from sesame.server.listener import HttpServer, listen
from sesame.server.mailbox import MailboxServer
from sesame.server.simulator import SimulatorServer
from sesame.server.smtp import Bounds, Listener, SmtpServer
from sesame.server.tls import Certificate, development_files
from sesame.server.topic_links import TopicLinks
from sesame.spool import steady
from sesame.spool.purge import Retention, purge
from sesame.store import development, outbox

if TYPE_CHECKING:
    from sesame.app.console import ConsoleServer

PURGE_EVERY_S = 3600.0
KEEP_CLOCK_EVERY_S = 60.0


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


class Server:
    """One process with every role; `run` until `stop` is set."""

    def __init__(self, settings: Settings, *, log: Log, clock: Clock, durable: bool = True) -> None:
        secure(settings)
        self._lock = lock_data_directory(settings.data_dir)
        self._api_socket = self._listen("api.port", settings.api.listen, settings.api.port)
        host, port = self._api_socket.getsockname()[:2]
        scheme = "https" if settings.api.tls_certificate else "http"
        shown_host = f"[{host}]" if ":" in host else host
        self._url = settings.api.public_url.rstrip("/") or f"{scheme}://{shown_host}:{port}"
        self._settings = settings
        self._log = log
        self._clock = clock
        self.services = Services(settings, log=log, clock=clock, durable=durable, url=self._url)
        self._readiness = Readiness(
            self.services.store,
            free_bytes=self.services.free_bytes,
            reserve_bytes=settings.reserve_bytes,
            clock=clock,
        )
        self._mailbox = self._make_mailbox()
        self._reactor = make_reactor(
            self.services, spooled=lambda: self.services.wake(), moved_on=lambda: self._telling.wake()
        )
        self._inbound, self._simulator = self._make_inbound()
        self._audit = AuditUpkeep(
            self.services.store, self.services.trail.key, settings.audit, clock=clock, log=log
        )
        self._telling = Telling(self.services, public_url=self._url, mailed=lambda: self.services.wake())
        self._delivering = Delivering(
            self.services,
            mx_port=settings.delivery.mx_port if self._mailbox is None else self._mailbox.port,
            own_hosts=self._own_hosts,
            settled=self._reactor.wake,
        )
        self._scheduler = self._delivering.scheduler
        self.services.wake = self._scheduler.wake
        self._doors = Doors(self.services, accepted=self._accepted, published=self._telling.published)
        self._health = self._make_health()
        self._certificates: list[Certificate] = []
        self._http = self._make_http()
        self._console = self._make_console()
        self._ca: Path | None = None
        self._submission = self._make_submission()

    async def run(self, *, ready: Callable[[Endpoints], None], stop: asyncio.Event) -> None:
        """Serve until `stop` is set; `ready` is called once everything listens."""
        boot_id = machine_boot_id()
        await steady.load(self.services.store, self.services.steady, boot_id)
        await self.services.own_domain.ensure_key()
        await self._telling.start()
        await self._delivering.sources.start()
        if self._settings.accounts.demo:
            await create_demo_accounts(self.services)
        try:
            async with asyncio.TaskGroup() as tasks:
                running = [
                    tasks.create_task(keep_running(name, run, log=self._log))
                    for name, run in self._upkeep(boot_id).items()
                ]
                delivery = (
                    tasks.create_task(self._scheduler.run()) if self._settings.delivery.enabled else None
                )
                for server in (self._mailbox, self._simulator):
                    if server is not None:
                        running.append(tasks.create_task(server.run()))
                if self._inbound is not None:
                    await self._inbound.start()
                await self._http.start()
                if self._submission is not None:
                    await self._submission.start()
                if self._health is not None:
                    self._health.start()
                if self._console is not None:
                    await self._console.start(tasks)
                ready(self._endpoints(None if self._console is None else await self._console.first_link()))
                await stop.wait()
                self._log.event("stopping")
                self._scheduler.stop()
                async with asyncio.TaskGroup() as doors:
                    doors.create_task(self._http.stop())
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
        finally:
            if self._health is not None:
                self._health.stop()
            self.services.close()
            os.close(self._lock)

    def _upkeep(self, boot_id: str) -> dict[str, Callable[[], Awaitable[None]]]:
        """What runs beside the doors, by name."""
        return {
            "identities": self._check_identities,
            "purge": self._purge,
            **self._delivering.roles(),
            "loop": self._measure_loop,
            "clock": partial(self._keep_clock, boot_id),
            "feedback": self._reactor.run,
            "audit": self._audit.run,
            **self._telling.roles(),
        }

    def reload(self, settings: Settings) -> None:
        """Read certificates anew, and take over what of `settings` a running process can."""
        for certificate in self._certificates:
            certificate.context(anew=True)
        names = changed(self._settings, settings)
        self._settings = taken_over(self._settings, settings)
        self._http.bounds = _http_bounds(self._settings.api)
        if self._submission is not None:
            self._submission.bounds = _smtp_bounds(self._settings.submission)
        self._doors.authenticator.skew_s = self._settings.api.clock_skew_s
        self._doors.throttle.allow(self._settings.api.requests_per_second)
        self._log.event(
            "settings_reloaded",
            changed=", ".join(name for name in names if name in LIVE) or None,
            wait_for_restart=", ".join(name for name in names if name not in LIVE) or None,
        )

    def _make_console(self) -> "ConsoleServer | None":
        if not self._settings.console.enabled:
            return None
        from sesame.app.console import make_console  # large, and not every server has a console

        return make_console(self._settings, self.services, self._doors, self._listen_or_any, log=self._log)

    def _accepted(self, account_id: str = "", addresses: Sequence[str] = ()) -> None:
        """A message was accepted: there is something to deliver, to count, and to tell."""
        self._scheduler.wake(account_id, addresses)
        self._reactor.wake()

    def _endpoints(self, console_link: str | None) -> Endpoints:
        def first(*, is_implicit: bool) -> str | None:
            listeners = () if self._submission is None else self._submission.listeners
            found = [one.sock.getsockname()[:2] for one in listeners if one.is_implicit is is_implicit]
            return f"{found[0][0]}:{found[0][1]}" if found else None

        def shown(sock: socket.socket) -> str:
            host, port = sock.getsockname()[:2]
            return f"{host}:{port}"

        return Endpoints(
            api=self._url,
            smtp=first(is_implicit=False),
            smtps=first(is_implicit=True),
            ca=self._ca,
            mailbox_port=None if self._mailbox is None else self._mailbox.port,
            health=None if self._health is None else self._health.url,
            console=None if self._console is None else self._console.url,
            console_link=console_link,
            inbound=None if self._inbound is None else shown(self._inbound.listeners[0].sock),
        )

    @staticmethod
    def _listen(setting: str, host: str, port: int) -> socket.socket:
        try:
            return listen(host, port)
        except OSError as error:
            raise ConfigError(
                f"setting `{setting}`: cannot listen on {host}:{port} ({error.strerror}); choose another port"
            ) from error

    def _make_http(self) -> HttpServer:
        services, settings = self.services, self._settings.api
        door = HttpDoor(
            self._doors.api,
            confirm=services.verification.confirm,
            ready=self._readiness.problems,
            links=TopicLinks(
                certificate=self._telling.certificate,
                confirm=self._doors.subscriptions.confirm_by_link,
                end=self._doors.subscriptions.end_by_link,
            ),
        )
        return HttpServer(
            self._api_socket,
            door,
            _http_bounds(settings),
            certificate=self._api_certificate(),
            clock=self._clock,
            log=self._log,
            refused=lambda reason: services.metrics.connections_refused.labels("api", reason).inc(),
        )

    def _api_certificate(self) -> Certificate | None:
        settings = self._settings.api
        if not settings.tls_certificate:
            return None
        chain, key = Path(settings.tls_certificate), Path(settings.tls_private_key)
        return self._certificate(chain, key, setting="api.tls_certificate")

    def _certificate(self, chain: Path, key: Path, *, setting: str) -> Certificate:
        certificate = Certificate(chain, key, setting=setting, log=self._log)
        self._certificates.append(certificate)
        return certificate

    def _make_submission(self) -> SmtpServer | None:
        settings = self._settings.submission
        if not settings.enabled:
            return None
        if settings.tls_certificate:
            chain, key = Path(settings.tls_certificate), Path(settings.tls_private_key)
        else:
            chain, key = self._development_certificate()
            self._ca = chain.with_name("ca.pem")
        certificate = self._certificate(chain, key, setting="submission.tls_certificate")
        listeners = [
            Listener(
                sock=self._listen_or_any(setting, settings.listen, port),
                certificate=certificate,
                is_implicit=is_implicit,
            )
            for setting, ports, is_implicit in (
                ("submission.ports", settings.ports, False),
                ("submission.tls_ports", settings.tls_ports, True),
            )
            for port in ports
        ]
        return SmtpServer(
            listeners,
            self._doors.submission.open_session,
            _smtp_bounds(settings),
            log=self._log,
            auth_required=True,
            refused=lambda reason: self.services.metrics.connections_refused.labels("smtp", reason).inc(),
        )

    def _listen_or_any(self, setting: str, host: str, port: int) -> socket.socket:
        """The port of the setting; a second development server on one machine takes any free one."""
        try:
            return self._listen(setting, host, port)
        except ConfigError:
            if self._settings.dns.resolver != "local":
                raise
            self._log.event("port_taken", setting=setting, port=port)
            return self._listen(setting, host, 0)

    def _make_mailbox(self) -> MailboxServer | None:
        if not self._settings.mailbox.enabled:
            return None
        sock = self._listen("mailbox.port", "127.0.0.1", self._settings.mailbox.port)
        return MailboxServer(sock, self._keep_mail, hostname=LocalZone.MAILBOX_HOST, log=self._log)

    async def _keep_mail(self, mail_from: str, rcpt_to: tuple[str, ...], data: bytes) -> None:
        async def run(tx: Transaction) -> None:
            await development.keep_mail(
                tx, received_at=self._clock.now(), mail_from=mail_from, rcpt_to=rcpt_to, data=data
            )

        await self.services.store.write(run, is_long=len(data) > LARGE_BYTES)

    def _make_inbound(self) -> tuple[SmtpServer | None, SimulatorServer | None]:
        """The listener for reports and the mailbox simulator, and the routes to them."""
        services, settings = self.services, self._settings
        inbound = simulator = None
        inbound_socket = simulator_socket = None
        if settings.inbound.enabled:
            inbound_socket = self._listen_or_any(
                "inbound.port", settings.inbound.listen, settings.inbound.port
            )
            receiver = make_receiver(services, recorded=self._reactor.wake)
            certificate = inbound_certificate(services, self._development_certificate)
            inbound = make_inbound(services, receiver, inbound_socket, certificate)
        if settings.simulator.enabled and settings.delivery.enabled:
            simulator_socket = self._listen("simulator.enabled", "127.0.0.1", 0)
            keep = None if self._mailbox is None else self._keep_mail
            simulator = make_simulator(services, simulator_socket, self._development_certificate, keep=keep)
        self._own_hosts = own_routes(services, inbound_socket, simulator_socket)
        return inbound, simulator

    def _development_certificate(self) -> tuple[Path, Path]:
        """Chain and key of the certificate that we make ourselves."""
        submission = self._settings.submission.hostname or self._settings.delivery.hostname
        names = ["localhost", submission, "127.0.0.1", "::1"]
        _, chain, key = development_files(self._settings.data_dir / "tls", names, now=self._clock.now())
        return chain, key

    def _make_health(self) -> HealthServer | None:
        settings, services = self._settings.health, self.services
        if not settings.enabled:
            return None
        sock = self._listen_or_any("health.port", settings.listen, settings.port)

        async def refresh() -> None:
            depth, oldest = await services.spool.depth()
            metrics = services.metrics
            metrics.queue_depth.labels("queued").set(depth)
            metrics.queue_oldest_age.set(0.0 if oldest is None else max(0.0, self._clock.now() - oldest))
            metrics.connections.labels("api").set(self._http.connection_count)
            if self._submission is not None:
                metrics.connections.labels("smtp").set(self._submission.connection_count)
            metrics.notifications_waiting.set(await services.store.read(outbox.depth))
            metrics.disk_free.set(services.free_bytes())
            metrics.deliveries_open.set(self._delivering.pool.idle)

        return HealthServer(
            sock, metrics=services.metrics.text, refresh=refresh, ready=self._readiness.problems
        )

    async def _measure_loop(self) -> None:
        """How late the loop comes to what is due: what everybody waits for."""
        while True:
            before = self._clock.monotonic()
            await asyncio.sleep(1.0)
            self.services.metrics.loop_lag.set(max(0.0, self._clock.monotonic() - before - 1.0))

    async def _keep_clock(self, boot_id: str) -> None:
        """Note where delivery's clock stands, for the next start."""
        while True:
            try:
                await steady.keep(self.services.store, self.services.steady, boot_id)
            except Unavailable as error:
                self._log.error("clock_not_kept", reason=str(error))
            await asyncio.sleep(KEEP_CLOCK_EVERY_S)

    async def _check_identities(self) -> None:
        while True:
            try:
                await self.services.dkim_rotation.rotate_due()
                await self.services.checks.check_due()
            except Unavailable as error:
                self._log.error("identity_check_failed", reason=str(error))
            await asyncio.sleep(self._settings.dns.check_every_s)

    async def _purge(self) -> None:
        """Let go of what is past its retention, a little at a time."""
        while True:
            await asyncio.sleep(PURGE_EVERY_S)
            retention = Retention(
                messages_days=self._settings.retention_days,
                heads_days=self._settings.retention_headers_days,
                refusals_days=self._settings.retention_refusals_days,
            )
            try:
                await purge(self.services.store, retention, now=self._clock.now())
            except Unavailable as error:
                self._log.error("purge_failed", reason=str(error))


def _http_bounds(settings: Api) -> HttpBounds:
    return HttpBounds(
        max_body_bytes=settings.max_body_bytes,
        memory_bytes=settings.memory_bytes,
        connections=min(settings.connections, free_descriptors()),
    )


def _smtp_bounds(settings: SubmissionSettings) -> Bounds:
    return Bounds(
        hello_s=settings.hello_s,
        idle_s=settings.idle_s,
        connections=settings.connections,
        per_address=settings.connections_per_address,
        memory_bytes=settings.memory_bytes,
    )
