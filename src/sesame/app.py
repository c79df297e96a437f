"""The server: doors and delivery on top of `services`, in one process until it is told to stop.

This, `services` and `doors` are the only places where objects are made and joined.
"""

import asyncio
import fcntl
import os
import random
import resource
import socket
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sesame.config import LIVE, Api, Settings, changed, parse_host_port, taken_over
from sesame.config import Submission as SubmissionSettings
from sesame.delivery.attempt import Deliverer
from sesame.delivery.pool import Pool
from sesame.delivery.retry import RetryPolicy
from sesame.delivery.route import Router
from sesame.delivery.scheduler import Scheduler
from sesame.delivery.settings import SettingsCache
from sesame.delivery.signing import Signing
from sesame.dns import DomainNotFound, LocalZone
from sesame.doors import Doors
from sesame.errors import ConfigError, Unavailable
from sesame.mail.address import identity_candidates
from sesame.mail.return_path import make_return_path
from sesame.observe import Clock, Log
from sesame.sending.send import LARGE_BYTES
from sesame.server.http import HttpDoor
from sesame.server.listener import Bounds as HttpBounds
from sesame.server.listener import HttpServer, listen
from sesame.server.mailbox import MailboxServer
from sesame.server.smtp import Bounds, Listener, SmtpServer
from sesame.server.tls import Certificate, development_files
from sesame.services import SIGNING_THREADS, Services, create_demo_accounts
from sesame.store import custom_verification, decisions, development
from sesame.store.db import Transaction

PURGE_EVERY_S = 3600.0
DAY_S = 86_400.0

RESERVED_DESCRIPTORS = 256
"""Kept from the API's clients for the store, DNS, delivery and SMTP."""


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


class Server:
    """One process with every role; `run` until `stop` is set."""

    def __init__(self, settings: Settings, *, log: Log, clock: Clock, durable: bool = True) -> None:
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
        self._mailbox = self._make_mailbox()
        self._scheduler, self._pool = self._make_delivery()
        self.services.wake = self._scheduler.wake
        self._doors = Doors(self.services, accepted=self._scheduler.wake)
        self._certificates: list[Certificate] = []
        self._http = self._make_http()
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
                running = [tasks.create_task(self._check_identities()), tasks.create_task(self._purge())]
                delivery = (
                    tasks.create_task(self._scheduler.run()) if self._settings.delivery.enabled else None
                )
                if self._mailbox is not None:
                    running.append(tasks.create_task(self._mailbox.run()))
                await self._http.start()
                if self._submission is not None:
                    await self._submission.start()
                ready(self._endpoints())
                await stop.wait()
                self._log.event("stopping")
                async with asyncio.TaskGroup() as doors:
                    doors.create_task(self._http.stop())
                    if self._submission is not None:
                        doors.create_task(self._submission.stop())
                self._scheduler.stop()
                if delivery is not None:
                    await delivery
                for task in running:
                    task.cancel()
        finally:
            self.services.close()
            os.close(self._lock)

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

    def _endpoints(self) -> Endpoints:
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
        door = HttpDoor(self._doors.api, confirm=services.verification.confirm, ready=self._problems)
        return HttpServer(
            self._api_socket,
            door,
            _http_bounds(settings),
            certificate=self._api_certificate(),
            clock=self._clock,
            log=self._log,
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
            names = ["localhost", self._doors.submission.hostname, "127.0.0.1", "::1"]
            self._ca, chain, key = development_files(
                self._settings.data_dir / "tls", names, now=self._clock.now()
            )
        certificate = self._certificate(chain, key, setting="submission.tls_certificate")
        listeners = [
            Listener(
                sock=self._listen_for_mail(setting, port, is_development=self._ca is not None),
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
        )

    def _listen_for_mail(self, setting: str, port: int, *, is_development: bool) -> socket.socket:
        """The port of the setting; a second development server on one machine takes any free one."""
        host = self._settings.submission.listen
        try:
            return self._listen(setting, host, port)
        except ConfigError:
            if not is_development:
                raise
            self._log.event("port_taken", setting=setting, port=port)
            return self._listen(setting, host, 0)

    def _make_delivery(self) -> tuple[Scheduler, Pool]:
        services, settings = self.services, self._settings.delivery
        router = Router(
            services.resolver,
            missing=DomainNotFound,
            relay=parse_host_port("delivery.relay", settings.relay) if settings.relay else None,
            mx_port=settings.mx_port if self._mailbox is None else self._mailbox.port,
            allow_networks=settings.allow_networks,
        )
        owners = SettingsCache(
            services.store,
            services.sealer,
            candidates=identity_candidates,
            signing_domain=settings.signing_domain,
        )
        signing = Signing(services.executor, threads=SIGNING_THREADS)
        pool = Pool(hostname=settings.hostname, timeout_s=settings.timeout_s, clock=self._clock)
        default = settings.return_path_domain or settings.hostname

        def return_path(message_id: str, recipient_index: int, domain: str | None) -> str:
            return make_return_path(
                services.return_path_key, message_id, recipient_index, domain=domain or default
            )

        scheduler = Scheduler(
            services.spool,
            Deliverer(router, pool, owners, signing, self._clock, return_path=return_path),
            owners,
            pool,
            RetryPolicy(
                first_delay_s=settings.first_delay_s,
                longest_delay_s=settings.longest_delay_s,
                give_up_after_s=settings.give_up_after_s,
            ),
            clock=self._clock,
            log=self._log,
            draw=random.SystemRandom().random,
            new_lease=lambda: services.ids.hex(16),
            workers=settings.workers,
            per_domain=settings.per_domain,
            lease_s=settings.lease_s,
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

    async def _problems(self) -> dict[str, str]:
        """What keeps the server from working, by part; empty when it is ready."""

        async def run(tx: Transaction) -> None:
            await tx.one("SELECT 1")

        try:
            await self.services.store.read(run)
        except Unavailable as error:
            return {"store": str(error)}
        return {}

    async def _check_identities(self) -> None:
        while True:
            try:
                await self.services.checks.check_due()
            except Unavailable as error:
                self._log.error("identity_check_failed", reason=str(error))
            await asyncio.sleep(self._settings.dns.check_every_s)

    async def _purge(self) -> None:
        """Let go of what is past its retention, a little at a time."""
        while True:
            await asyncio.sleep(PURGE_EVERY_S)
            before = self._clock.now() - self._settings.retention_days * DAY_S
            try:
                await self.services.spool.purge_before(before)
                for purge in (decisions.purge_before, custom_verification.purge_before):
                    await self.services.store.write(partial(purge, at=before), is_long=True)
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


def free_descriptors() -> int:
    """How many connections of clients the process may have open, and still open what it needs itself."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return max(RESERVED_DESCRIPTORS, limit - RESERVED_DESCRIPTORS)


def lock_data_directory(path: Path) -> int:
    """Own the data directory for this process: two servers on one spool would deliver twice.

    Raises `ConfigError` when another process has it.
    """
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path / "serve.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise ConfigError(
            f"setting `data`: `{path}` is in use by another `sesame serve`; name another directory"
        ) from None
    return descriptor
