"""The only place where objects are made and joined.

`Services` is what the command line and the server share: the store and what works on it. `Server`
adds the doors and delivery and runs them in one process until it is told to stop.
"""

import asyncio
import base64
import fcntl
import json
import os
import random
import secrets
import socket
import stat
import sys
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TextIO

import uvicorn

from sesame.access.authorize import Authorizer
from sesame.access.credentials import Authenticator
from sesame.access.directory import Directory
from sesame.access.quota import Quota
from sesame.aws.model import ServiceModel
from sesame.config import REGION, Settings, parse_host_port
from sesame.delivery.attempt import Deliverer
from sesame.delivery.pool import Pool
from sesame.delivery.retry import RetryPolicy
from sesame.delivery.route import Router
from sesame.delivery.scheduler import Scheduler
from sesame.delivery.signing import Signing
from sesame.dns import DomainNotFound, LocalZone, Resolver, SystemResolver
from sesame.errors import ConfigError, Unavailable
from sesame.ids import Ids
from sesame.mail.address import identity_candidates
from sesame.mail.return_path import make_return_path
from sesame.model import MessageId
from sesame.observe import Clock, Log, SystemClock, quiet_libraries
from sesame.operations import table
from sesame.operations.account import AccountOperations
from sesame.operations.iam import IamOperations
from sesame.operations.identities import IdentityOperations
from sesame.operations.operator import Limits, Operator
from sesame.operations.policies import PolicyOperations
from sesame.operations.sending import SendingOperations
from sesame.operations.simulate import SimulateOperations
from sesame.operations.verification import Names, Verification
from sesame.sending.send import Sender
from sesame.sending.system import SystemMail
from sesame.server.api import AwsApi
from sesame.server.http import ApiServer, HttpDoor, listen
from sesame.server.mailbox import MailboxServer
from sesame.server.protocol import ApiProtocol
from sesame.spool.spool import Spool
from sesame.store import decisions, development
from sesame.store.db import Transaction
from sesame.store.sealed import KEY_BYTES, Sealer, derive
from sesame.store.sqlite import SqliteStore

SIGNING_THREADS = 2
PURGE_EVERY_S = 3600.0
DAY_S = 86_400.0


def system_log(stream: TextIO, log_format: str, clock: Clock) -> Log:
    """The log on `stream`: text on a terminal, JSON lines elsewhere, unless the setting says which."""
    as_json = log_format == "json" or (log_format == "auto" and not stream.isatty())
    return Log(stream, as_json=as_json, clock=clock)


def public_url(settings: Settings) -> str:
    """How clients reach the API by the settings alone."""
    if settings.api.public_url:
        return settings.api.public_url.rstrip("/")
    scheme = "https" if settings.api.tls_certificate else "http"
    host = f"[{settings.api.listen}]" if ":" in settings.api.listen else settings.api.listen
    return f"{scheme}://{host}:{settings.api.port}"


class Services:
    """The store and everything that works on it without a socket of its own."""

    def __init__(
        self,
        settings: Settings,
        *,
        log: Log,
        clock: Clock,
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
        durable: bool = True,
        url: str | None = None,
    ) -> None:
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.settings = settings
        self.log = log
        self.clock = clock
        self.ids = Ids(random_bytes)
        master_key = load_master_key(settings, random_bytes)
        self.return_path_key = derive(master_key, "return path")
        self.sealer = Sealer(master_key, random_bytes=random_bytes)
        self.store = SqliteStore(settings.database, durable=durable)
        self.executor = ThreadPoolExecutor(SIGNING_THREADS, thread_name_prefix="cpu")
        self.resolver = self._resolver()
        self.spool = Spool(self.store)
        self.wake: Callable[[], None] = lambda: None
        hostname = settings.delivery.hostname
        self.operator = Operator(
            self.store,
            self.sealer,
            clock=clock,
            production=Limits(
                max_24_hour_send=settings.accounts.production_max_24_hour_send,
                max_send_rate=settings.accounts.production_max_send_rate,
            ),
            random_digits=self.ids.digits,
            random_name=self.ids.name,
            random_secret=self.ids.secret_access_key,
        )
        self.verification = Verification(
            self.store,
            self.sealer,
            self.resolver,
            SystemMail(
                from_address=f"Sesame <no-reply@{hostname}>",
                message_id_domain=hostname,
                new_id=self.new_message_id,
                random_hex=self.ids.hex,
            ),
            names=Names(
                dkim_zone=settings.dns.dkim_zone or f"dkim.{hostname}", public_url=url or public_url(settings)
            ),
            clock=clock,
            log=log,
            executor=self.executor,
            new_token=self.ids.token,
            new_dkim_token=self.ids.dkim_token,
            auto_publish=settings.dns.auto_publish,
            accepted=lambda: self.wake(),
        )

    def new_message_id(self, at: float) -> MessageId:
        """A fresh SES message id."""
        return self.ids.message_id(at)

    def close(self) -> None:
        """Finish what is being written and close."""
        self.executor.shutdown()
        self.store.close()

    def _resolver(self) -> Resolver:
        if self.settings.dns.resolver == "system":
            return SystemResolver()

        async def records(name: str, kind: str) -> list[str]:
            async def run(tx: Transaction) -> list[str]:
                return await development.zone_records(tx, name, kind)

            return await self.store.read(run)

        return LocalZone(records)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """Where a running server listens."""

    api: str
    mailbox_port: int | None


class Server:
    """One process with every role; `run` until `stop` is set."""

    def __init__(self, settings: Settings, *, log: Log, clock: Clock, durable: bool = True) -> None:
        quiet_libraries()
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
        self._http = self._make_http()

    async def run(self, *, ready: Callable[[Endpoints], None], stop: asyncio.Event) -> None:
        """Serve until `stop` is set; `ready` is called once everything listens."""
        now = self._clock.now()
        await self.services.spool.release_all(now=now)
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
                http = tasks.create_task(self._http.serve(sockets=[self._api_socket]))
                await self._http.listening.wait()
                ready(
                    Endpoints(
                        api=self._url, mailbox_port=None if self._mailbox is None else self._mailbox.port
                    )
                )
                await stop.wait()
                self._log.event("stopping")
                self._http.should_exit = True
                await http
                self._scheduler.stop()
                if delivery is not None:
                    await delivery
                for task in running:
                    task.cancel()
        finally:
            self.services.close()
            os.close(self._lock)

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
        directory = Directory(services.store, services.sealer)
        authorizer = Authorizer(
            directory,
            candidates=identity_candidates,
            owner_sandbox_counts=settings.accounts.owner_sandbox_counts,
        )
        sender = Sender(
            services.store,
            authorizer,
            Quota(),
            clock=self._clock,
            log=self._log,
            executor=services.executor,
            new_id=services.new_message_id,
            random_hex=services.ids.hex,
            message_id_domain=settings.delivery.hostname,
            accepted=self._scheduler.wake,
        )
        api = AwsApi(
            {name: ServiceModel.load(name) for name in ("ses", "sts", "iam")},
            table.handlers(
                identities=IdentityOperations(services.store, authorizer, services.verification),
                policies=PolicyOperations(services.store, authorizer),
                sending=SendingOperations(sender, max_bytes=settings.accounts.message_bytes),
                account=AccountOperations(services.store, authorizer, self._clock),
                iam=IamOperations(
                    services.store,
                    authorizer,
                    services.sealer,
                    clock=self._clock,
                    random_name=services.ids.name,
                    random_secret=services.ids.secret_access_key,
                ),
                simulate=SimulateOperations(services.store, authorizer),
            ),
            Authenticator(
                directory, self._clock, skew_s=settings.api.clock_skew_s, regions=served_regions(settings)
            ),
            uncached=table.uncached,
            new_request_id=services.ids.request_id,
            clock=self._clock,
            log=self._log,
        )
        door = HttpDoor(
            api,
            confirm=services.verification.confirm,
            ready=self._problems,
            max_body_bytes=settings.api.max_body_bytes,
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

    def _make_delivery(self) -> tuple[Scheduler, Pool]:
        services, settings = self.services, self._settings.delivery
        router = Router(
            services.resolver,
            missing=DomainNotFound,
            relay=parse_host_port("delivery.relay", settings.relay) if settings.relay else None,
            mx_port=settings.mx_port if self._mailbox is None else self._mailbox.port,
            allow_networks=settings.allow_networks,
        )
        signing = Signing(services.store, services.sealer, services.executor, candidates=identity_candidates)
        pool = Pool(hostname=settings.hostname, timeout_s=settings.timeout_s, clock=self._clock)
        domain = settings.return_path_domain or settings.hostname

        def return_path(message_id: str, recipient_index: int) -> str:
            return make_return_path(services.return_path_key, message_id, recipient_index, domain=domain)

        scheduler = Scheduler(
            services.spool,
            Deliverer(router, pool, signing, self._clock, return_path=return_path),
            signing,
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

            await self.services.store.write(run)

        return MailboxServer(sock, keep, hostname=LocalZone.MAILBOX_HOST)

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
                await self.services.verification.check_pending()
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
                await self.services.store.write(partial(decisions.purge_before, at=before))
            except Unavailable as error:
                self._log.error("purge_failed", reason=str(error))


def served_regions(settings: Settings) -> Callable[[str], bool]:
    """Which region names are served: those listed, or everything shaped like one."""
    listed = frozenset(settings.api.regions)
    if listed:
        return listed.__contains__
    return lambda region: REGION.fullmatch(region) is not None


def load_master_key(settings: Settings, random_bytes: Callable[[int], bytes]) -> bytes:
    """Read the master key; the development profile and a first start make one in the data directory.

    Raises `ConfigError`: a data directory with a database and no key is a mistake, not a first start.
    """
    path = Path(settings.master_key_file) if settings.master_key_file else settings.data_dir / "master.key"
    try:
        key = base64.b64decode(path.read_text().strip(), validate=True)
    except FileNotFoundError:
        if settings.master_key_file or settings.database.exists():
            raise ConfigError(
                f"master key `{path}` does not exist; restore it: secrets in the database open with no other"
            ) from None
        key = random_bytes(KEY_BYTES)
        write_private(path, base64.b64encode(key).decode() + "\n", mode=stat.S_IRUSR)
    except (OSError, ValueError) as error:
        raise ConfigError(f"master key `{path}` cannot be read: {error}") from None
    if len(key) != KEY_BYTES:
        raise ConfigError(f"master key `{path}` must be {KEY_BYTES} bytes in base64")
    return key


def write_private(path: Path, text: str, *, mode: int = stat.S_IRUSR | stat.S_IWUSR) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


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


ALLOW_ALL = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
)


async def create_demo_accounts(services: Services) -> None:
    """At first start: the accounts `owner` and `delegate`, each with a user `admin`, and the files that name them."""
    if await services.operator.list_accounts():
        return
    sections = []
    for name in ("owner", "delegate"):
        root = await services.operator.create_account(name, production=True)
        admin = await services.operator.create_user(root.account_id, "admin", policy=ALLOW_ALL)
        sections.append(
            f"# account {admin.account_id}, user admin\n[{name}]\naws_access_key_id = {admin.access_key_id}\n"
            f"aws_secret_access_key = {admin.secret_access_key}\n"
        )
    write_private(services.settings.data_dir / "credentials", "\n".join(sections))


@asynccontextmanager
async def open_services(settings: Settings) -> AsyncIterator[Services]:
    """The services for one command, closed afterwards."""
    clock = SystemClock()
    services = Services(settings, log=system_log(sys.stderr, settings.log_format, clock), clock=clock)
    try:
        yield services
    finally:
        services.close()
