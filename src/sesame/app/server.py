"""The server: doors and delivery on top of `foundation` and `api`, in one process until it is told to stop."""

import asyncio
import fcntl
import os
import random
import shutil
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn

from sesame.app.api import Doors
from sesame.app.data_directory import secure
from sesame.app.foundation import SIGNING_THREADS, Services, create_demo_accounts
from sesame.app.readiness import Readiness
from sesame.config import Delivery, RelayTls, Settings, parse_host_port
from sesame.db import Transaction
from sesame.delivery.attempt import Deliverer
from sesame.delivery.https import HttpsClient
from sesame.delivery.mta_sts import StsPolicies
from sesame.delivery.pool import Pool
from sesame.delivery.retry import RetryPolicy
from sesame.delivery.route import Login, Relay, Router, Routes
from sesame.delivery.scheduler import Scheduler
from sesame.delivery.settings import SettingsCache
from sesame.delivery.signing import Signing
from sesame.delivery.tls import OPPORTUNISTIC, TlsContexts, TlsDemand, TlsMode
from sesame.delivery.tls_policy import TlsPolicy
from sesame.dns import LocalZone
from sesame.dns.hosts_file import read_hosts
from sesame.dns.public import AddressGuard
from sesame.errors import ConfigError, Unavailable
from sesame.feedback.react import Reactor
from sesame.mail.address import identity_candidates
from sesame.mail.message import received_field
from sesame.mail.return_path import make_return_path
from sesame.observe import Clock, Log, quiet_libraries
from sesame.sending.send import LARGE_BYTES
from sesame.server.health import HealthServer
from sesame.server.http import ApiServer, HttpDoor, listen
from sesame.server.mailbox import MailboxServer
from sesame.server.protocol import ApiProtocol
from sesame.server.smtp import Bounds, Listener, SmtpServer
from sesame.server.tls import Certificate, development_files
from sesame.spool.purge import Retention, purge
from sesame.store import development

if TYPE_CHECKING:
    from sesame.app.console import ConsoleServer

PURGE_EVERY_S = 3600.0
REFRESH_EVERY_S = 3600.0


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


class Server:
    """One process with every role; `run` until `stop` is set."""

    def __init__(self, settings: Settings, *, log: Log, clock: Clock, durable: bool = True) -> None:
        quiet_libraries()
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
            free_bytes=lambda: shutil.disk_usage(settings.data_dir).free,
            reserve_bytes=settings.reserve_bytes,
            clock=clock,
        )
        self._mailbox = self._make_mailbox()
        self._sts: StsPolicies | None = None
        self._reactor = Reactor(
            self.services.store, clock=clock, log=log, new_lease=lambda: self.services.ids.hex(16)
        )
        self._scheduler, self._pool = self._make_delivery()
        self.services.wake = self._scheduler.wake
        self._doors = Doors(self.services, accepted=self._scheduler.wake)
        self._health = self._make_health()
        self._http = self._make_http()
        self._console = self._make_console()
        self._ca: Path | None = None
        self._submission = self._make_submission()

    async def run(self, *, ready: Callable[[Endpoints], None], stop: asyncio.Event) -> None:
        """Serve until `stop` is set; `ready` is called once everything listens."""
        now = self._clock.now()
        await self.services.spool.release_all(now=now)
        await self.services.own_domain.ensure_key()
        if self._settings.accounts.demo:
            await create_demo_accounts(self.services)
        try:
            async with asyncio.TaskGroup() as tasks:
                running = [
                    tasks.create_task(task)
                    for task in (
                        self._check_identities(),
                        self._purge(),
                        self._refresh_policies(),
                        self._measure_loop(),
                        self._reactor.run(),
                    )
                ]
                delivery = (
                    tasks.create_task(self._scheduler.run()) if self._settings.delivery.enabled else None
                )
                if self._mailbox is not None:
                    running.append(tasks.create_task(self._mailbox.run()))
                http = tasks.create_task(self._http.serve(sockets=[self._api_socket]))
                await self._http.listening.wait()
                if self._submission is not None:
                    await self._submission.start()
                if self._health is not None:
                    self._health.start()
                console = None
                if self._console is not None:
                    console = tasks.create_task(self._console.run_until_stopped())
                    await self._console.listening.wait()
                ready(self._endpoints(await self._console_link()))
                await stop.wait()
                self._log.event("stopping")
                self._http.should_exit = True
                if self._console is not None and console is not None:
                    self._console.should_exit = True
                    await console
                if self._submission is not None:
                    await self._submission.stop()
                await http
                self._scheduler.stop()
                if delivery is not None:
                    await delivery
                for task in running:
                    task.cancel()
        finally:
            if self._health is not None:
                self._health.stop()
            self.services.close()
            os.close(self._lock)

    def _make_console(self) -> "ConsoleServer | None":
        settings = self._settings.console
        if not settings.enabled:
            return None
        from sesame.app.console import ConsoleServer  # large, and not every server has a console

        if settings.tls_certificate:
            chain, key = Path(settings.tls_certificate), Path(settings.tls_private_key)
            Certificate(chain, key, setting="console.tls_certificate", log=self._log)
        sock = self._listen_or_any("console.port", settings.listen, settings.port)
        return ConsoleServer(self._settings, self.services, self._doors, sock, log=self._log)

    async def _console_link(self) -> str | None:
        """A link for who starts a development server; others ask for one with `sesame console login`."""
        if self._console is None or not self._settings.accounts.demo:
            return None
        return f"{self._console.url}/link/{await self._console.logins.link('login')}"

    def _endpoints(self, console_link: str | None) -> Endpoints:
        def first(*, is_implicit: bool) -> str | None:
            listeners = () if self._submission is None else self._submission.listeners
            found = [one.sock.getsockname()[:2] for one in listeners if one.is_implicit is is_implicit]
            return f"{found[0][0]}:{found[0][1]}" if found else None

        return Endpoints(
            api=self._url,
            smtp=first(is_implicit=False),
            smtps=first(is_implicit=True),
            ca=self._ca,
            mailbox_port=None if self._mailbox is None else self._mailbox.port,
            health=None if self._health is None else self._health.url,
            console=None if self._console is None else self._console.url,
            console_link=console_link,
        )

    @staticmethod
    def _listen(setting: str, host: str, port: int) -> socket.socket:
        try:
            return listen(host, port)
        except OSError as error:
            raise ConfigError(
                f"setting `{setting}`: cannot listen on {host}:{port} ({error.strerror}); choose another port"
            ) from error

    def _make_http(self) -> ApiServer:
        services, settings = self.services, self._settings
        if settings.api.tls_certificate:  # a certificate or key that cannot be used stops the start, by name
            chain, key = Path(settings.api.tls_certificate), Path(settings.api.tls_private_key)
            Certificate(chain, key, setting="api.tls_certificate", log=self._log)
        door = HttpDoor(
            self._doors.api,
            confirm=services.verification.confirm,
            ready=self._readiness.problems,
            max_body_bytes=settings.api.max_body_bytes,
            memory_bytes=settings.api.memory_bytes,
        )
        return ApiServer(
            uvicorn.Config(
                door,
                http=ApiProtocol,
                ws="none",
                lifespan="off",
                timeout_keep_alive=65,
                log_config=None,
                access_log=False,
                server_header=False,
                date_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=10,
                ssl_certfile=settings.api.tls_certificate or None,
                ssl_keyfile=settings.api.tls_private_key or None,
            )
        )

    def _make_submission(self) -> SmtpServer | None:
        settings = self._settings.submission
        if not settings.enabled:
            return None
        if settings.tls_certificate:
            chain, key = Path(settings.tls_certificate), Path(settings.tls_private_key)
        else:
            names = ["localhost", self._doors.submission.hostname, "127.0.0.1", "::1"]
            self._ca, chain, key = development_files(
                self._settings.data_dir / "tls", names, now=self._clock.now()
            )
        certificate = Certificate(chain, key, setting="submission.tls_certificate", log=self._log)
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
        bounds = Bounds(
            hello_s=settings.hello_s,
            idle_s=settings.idle_s,
            connections=settings.connections,
            per_address=settings.connections_per_address,
            memory_bytes=settings.memory_bytes,
        )
        open_session = self._doors.submission.open_session
        return SmtpServer(listeners, open_session, bounds, log=self._log, auth_required=True)

    def _listen_or_any(self, setting: str, host: str, port: int) -> socket.socket:
        """The port of the setting; a second development server on one machine takes any free one."""
        try:
            return self._listen(setting, host, port)
        except ConfigError:
            if self._settings.dns.resolver != "local":
                raise
            self._log.event("port_taken", setting=setting, port=port)
            return self._listen(setting, host, 0)

    def _make_delivery(self) -> tuple[Scheduler, Pool]:
        services, settings = self.services, self._settings.delivery
        guard = AddressGuard(settings.allow_networks)
        contexts = TlsContexts(settings.tls_ca_file)
        router = Router(
            services.resolver,
            guard,
            draw=random.SystemRandom().random,
            routes=_routes(settings),
            mx_port=settings.mx_port if self._mailbox is None else self._mailbox.port,
            own_names=(settings.hostname, *settings.own_names),
            own_addresses=settings.own_addresses,
            hosts_file=_in_hosts_file,
        )
        owners = SettingsCache(
            services.store,
            services.sealer,
            candidates=identity_candidates,
            signing_domain=settings.signing_domain,
        )
        signing = Signing(services.executor, threads=SIGNING_THREADS)
        pool = Pool(
            hostname=settings.hostname, timeout_s=settings.timeout_s, clock=self._clock, contexts=contexts
        )
        https = HttpsClient(services.resolver, guard, contexts.checked)
        if settings.mta_sts:
            self._sts = StsPolicies(services.store, services.resolver, https.get, clock=self._clock)
        default = settings.return_path_domain or settings.hostname

        def return_path(message_id: str, recipient_index: int, domain: str | None) -> str:
            return make_return_path(
                services.return_path_key, message_id, recipient_index, domain=domain or default
            )

        scheduler = Scheduler(
            services.spool,
            Deliverer(
                router,
                TlsPolicy(services.resolver, sts=self._sts, dane=settings.dane),
                pool,
                owners,
                signing,
                self._clock,
                return_path=return_path,
                trace_field=lambda claim: received_field(
                    hostname=settings.hostname, message_id=claim.message_id, at=claim.accepted_at
                ),
            ),
            owners,
            pool,
            RetryPolicy(
                first_delay_s=settings.first_delay_s,
                longest_delay_s=settings.longest_delay_s,
                give_up_after_s=settings.give_up_after_s,
            ),
            clock=self._clock,
            log=self._log,
            metrics=services.metrics,
            draw=random.SystemRandom().random,
            new_lease=lambda: services.ids.hex(16),
            workers=settings.workers,
            per_domain=settings.per_domain,
            lease_s=settings.lease_s,
            settled=self._reactor.wake,
        )
        return scheduler, pool

    def _make_mailbox(self) -> MailboxServer | None:
        if not self._settings.mailbox.enabled:
            return None
        sock = self._listen("mailbox.port", "127.0.0.1", self._settings.mailbox.port)

        async def keep(mail_from: str, rcpt_to: tuple[str, ...], data: bytes) -> None:
            async def run(tx: Transaction) -> None:
                await development.keep_mail(
                    tx, received_at=self._clock.now(), mail_from=mail_from, rcpt_to=rcpt_to, data=data
                )

            await self.services.store.write(run, is_long=len(data) > LARGE_BYTES)

        return MailboxServer(sock, keep, hostname=LocalZone.MAILBOX_HOST, log=self._log)

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
            metrics.disk_free.set(shutil.disk_usage(self._settings.data_dir).free)

        return HealthServer(
            sock, metrics=services.metrics.text, refresh=refresh, ready=self._readiness.problems
        )

    async def _measure_loop(self) -> None:
        """How late the loop comes to what is due: what everybody waits for."""
        while True:
            before = self._clock.monotonic()
            await asyncio.sleep(1.0)
            self.services.metrics.loop_lag.set(max(0.0, self._clock.monotonic() - before - 1.0))

    async def _check_identities(self) -> None:
        while True:
            try:
                await self.services.checks.check_due()
            except Unavailable as error:
                self._log.error("identity_check_failed", reason=str(error))
            await asyncio.sleep(self._settings.dns.check_every_s)

    async def _refresh_policies(self) -> None:
        """Fetch MTA-STS policies again before they expire."""
        while self._sts is not None:
            await asyncio.sleep(REFRESH_EVERY_S)
            try:
                await self._sts.refresh_due()
            except Unavailable as error:
                self._log.error("mta_sts_refresh_failed", reason=str(error))

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


def _routes(settings: Delivery) -> Routes:
    """The operator's table of relays."""

    def relay(setting: str, where: str, tls: RelayTls, user: str, password_file: str) -> Relay | None:
        if not where:
            return None
        name, port = parse_host_port(setting, where)
        login = Login(user, Path(password_file).read_text().strip()) if user else None
        return Relay(name=name, port=port, tls=_RELAY_TLS[tls], login=login)

    return Routes(
        relay(
            "delivery.relay",
            settings.relay,
            settings.relay_tls,
            settings.relay_user,
            settings.relay_password_file,
        ),
        {
            route.domain: relay("delivery.routes", route.relay, route.tls, route.user, route.password_file)
            for route in settings.routes
        },
    )


_RELAY_TLS: dict[RelayTls, TlsDemand] = {
    "opportunistic": OPPORTUNISTIC,
    "require": TlsDemand(mode=TlsMode.ENCRYPTED, reason="setting of the relay"),
    "verify": TlsDemand(mode=TlsMode.VERIFIED, reason="setting of the relay"),
    "implicit": TlsDemand(mode=TlsMode.VERIFIED, reason="setting of the relay", is_implicit=True),
}


def _in_hosts_file(name: str) -> list[str]:
    """What /etc/hosts says about a name; read each time, for it is short and may change."""
    try:
        return read_hosts(Path("/etc/hosts").read_text(errors="replace"), name)
    except OSError:
        return []


def lock_data_directory(path: Path) -> int:
    """Own the data directory for this process: two servers on one spool would deliver twice.

    Raises `ConfigError` when another process has it.
    """
    try:
        descriptor = os.open(path / "serve.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise ConfigError(
            f"setting `data`: `{path}` cannot be written ({error.strerror}); correct its owner and permissions"
        ) from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise ConfigError(
            f"setting `data`: `{path}` is in use by another `sesame serve`; name another directory"
        ) from None
    return descriptor
