"""The store and everything that works on it: what the command line and the server share.

Made here and joined, without a socket or a loop of their own. `app` adds the doors and delivery.
"""

import base64
import json
import os
import pwd
import secrets
import shutil
import stat
import sys
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TextIO

from sesame.access.audit import AuditKey, AuditTrail
from sesame.access.changes import SESAME, Acts, operator
from sesame.access.egress import WarmupPlan
from sesame.access.passwords import Passwords
from sesame.admin.access_keys import AccessKeys
from sesame.admin.accounts import Limits, Operator
from sesame.admin.policies import PolicyActs
from sesame.admin.services import ServicePrincipals
from sesame.admin.suppression import GlobalSuppression
from sesame.admin.tracked_links import TrackedLinks
from sesame.admin.webhooks import Webhooks
from sesame.app.data_directory import secure
from sesame.app.large_work import LargeWork
from sesame.app.traces import Tracer
from sesame.config import Settings
from sesame.config.egress import sources
from sesame.db import Transaction
from sesame.db.sqlite import SqliteStore
from sesame.dns import DomainNotFound, LocalZone, Resolver
from sesame.dns.resolver import NO_CACHE, CachingResolver
from sesame.errors import ConfigError
from sesame.identities.dkim_keys import DkimKeys
from sesame.identities.dkim_rotation import DkimRotation
from sesame.identities.dns_checks import DnsChecks
from sesame.identities.dns_records import Names
from sesame.identities.settings import IdentitySettings
from sesame.identities.signing_domain import OperatorNames, SigningDomain
from sesame.identities.verification import Verification
from sesame.ids import Ids
from sesame.metrics import Metrics
from sesame.notify.event_json import House
from sesame.notify.url import check_url
from sesame.observe import Clock, Log, SettledClock, SteadyClock, SystemClock
from sesame.sending.room import Room
from sesame.sending.system_mail import SystemMail
from sesame.spool.spool import Spool
from sesame.store import development
from sesame.store.sealed import KEY_BYTES, Sealer, derive

SIGNING_THREADS = 2


def system_log(
    stream: TextIO,
    log_format: str,
    clock: Clock,
    *,
    defer: Callable[[Callable[[], None]], object] | None = None,
) -> Log:
    """The log on `stream`: text on a terminal, JSON lines elsewhere, unless the setting says which."""
    as_json = log_format == "json" or (log_format == "auto" and not stream.isatty())
    return Log(stream, as_json=as_json, clock=clock, defer=defer)


def house(settings: Settings) -> House:
    """What events say of this server."""
    delivery = settings.delivery
    return House(hostname=delivery.hostname, give_up_after_s=delivery.give_up_after_s)


def public_url(settings: Settings) -> str:
    """How clients reach the API by the settings alone."""
    if settings.api.public_url:
        return settings.api.public_url.rstrip("/")
    scheme = "https" if settings.api.tls_certificate else "http"
    host = f"[{settings.api.listen}]" if ":" in settings.api.listen else settings.api.listen
    return f"{scheme}://{host}:{settings.api.port}"


def tracking_url(settings: Settings, api_url: str) -> str:
    """What links of followed mail begin with; empty where nobody said how readers reach us.

    `api_url` is where the API listens, which is where readers are in development alone.
    """
    if settings.tracking.url or settings.api.public_url:
        return settings.tracking.url or settings.api.public_url.rstrip("/")
    return api_url if settings.dns.resolver == "local" else ""


def endpoints_file(settings: Settings) -> Path:
    """Where a running server says how it is reached, for commands beside it."""
    return settings.data_dir / "endpoints.json"


def endpoints(settings: Settings) -> dict[str, str]:
    """Where the doors are: as the server says that runs on the data directory, else by the settings."""
    try:
        found: dict[str, str] = json.loads(endpoints_file(settings).read_text())
    except (OSError, ValueError):
        found = {}
    if settings.api.public_url or "api" not in found:
        found["api"] = public_url(settings)
    submission = settings.submission
    if submission.enabled and submission.ports and (submission.hostname or "smtp" not in found):
        found["smtp"] = f"{submission.hostname or settings.delivery.hostname}:{submission.ports[0]}"
    return found


def console_url(settings: Settings) -> str:
    """How browsers reach the console: as the settings or the running server say; empty where neither does."""
    if settings.console.public_url:
        return settings.console.public_url.rstrip("/")
    return endpoints(settings).get("console", "") if settings.console.enabled else ""


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
        tracer: Tracer | None = None,
    ) -> None:
        secure(settings)
        self.settings = settings
        self.log = log
        self.tracer = tracer
        self.clock = clock
        self.steady = SteadyClock(clock)
        self.ages = SettledClock(clock, self.steady)
        """What the age of kept things is told by, before they go."""
        self.room = Room(self.free_bytes, reserve_bytes=settings.reserve_bytes, clock=clock)
        self.ids = Ids(random_bytes)
        self.random_bytes = random_bytes
        self.passwords = Passwords(random_bytes=random_bytes, memory_kib=settings.console.password_memory_kib)
        master_key = load_master_key(settings, random_bytes)
        self.return_path_key = derive(master_key, "return path")
        self.tracking_key = derive(master_key, "tracking")
        self.subscription_key = derive(master_key, "subscription token")
        self.sealer = Sealer(master_key, random_bytes=random_bytes)
        self.metrics = Metrics()
        self.store = open_store(settings.database, durable=durable, committed=self._committed)
        self.executor = ThreadPoolExecutor(SIGNING_THREADS, thread_name_prefix="cpu")
        self.large = LargeWork()
        """For what takes long with a large message, so that small ones are served meanwhile."""
        self.trusts_ad = True
        """Whether the resolver's word for DNSSEC counts."""
        self.resolver = self._resolver()
        self.spool = Spool(self.store, streams_events=bool(settings.notify.nats_servers))
        self.sources = sources(settings.delivery.egress)
        self.warmup_plan = WarmupPlan(
            days=settings.delivery.warmup_days,
            first=settings.delivery.warmup_first,
            last=settings.delivery.warmup_last,
        )
        self.wake: Callable[[], None] = lambda: None
        self.tracking_url = tracking_url(settings, url or public_url(settings))
        self.trail = AuditTrail(AuditKey(derive(master_key, "audit")), new_id=self.ids.request_id)
        self.acts = acts = Acts(self.store, self.trail, clock, operator(_user_name()))
        self.operator = self._make_operator()
        self.access_keys = AccessKeys(self.store, acts, clock)
        self._join_feedback()
        self.policy_acts = PolicyActs(self.store, acts, clock=clock, by=f"operator {_user_name()}")
        self.service_principals = ServicePrincipals(
            self.store,
            self.sealer,
            acts=acts,
            clock=clock,
            random_name=self.ids.name,
            random_secret=self.ids.secret_access_key,
        )
        self._join_identities(self._names(url or public_url(settings)))

    def _join_feedback(self) -> None:
        """What the operator does by hand about who is notified, and about whom nobody sends to."""
        settings, clock, acts = self.settings, self.clock, self.acts
        self.global_suppression = GlobalSuppression(
            self.store, acts=acts, clock=clock, days=settings.suppression.global_days
        )
        self.tracked_links = TrackedLinks(self.store, key=self.tracking_key, acts=acts, clock=clock)
        self.webhooks = Webhooks(
            self.store,
            self.sealer,
            acts=acts,
            clock=clock,
            random_bytes=self.random_bytes,
            check_url=partial(check_url, may_be_plain=settings.notify.allow_http),
        )

    def _join_identities(self, names: Names) -> None:
        """The life of identities: their keys, checks, settings and verification."""
        settings, clock, acts, ours = self.settings, self.clock, self.acts, self.acts.by(SESAME)
        self.checks = self._make_checks(names, ours)
        keys = DkimKeys(
            self.sealer,
            clock=clock,
            executor=self.executor,
            new_token=self.ids.dkim_token,
            with_ed25519=settings.dns.dkim_ed25519,
        )
        self.signing_domain = self._make_signing_domain(keys, ours)
        self.identity_settings = IdentitySettings(self.store, keys, self.checks, clock=clock)
        self.system_mail = SystemMail(
            from_address=f"Sesame <no-reply@{settings.delivery.hostname}>",
            message_id_domain=settings.delivery.hostname,
            new_id=self.ids.message_id,
            random_hex=self.ids.hex,
            steady=self.steady,
        )
        self.dkim_rotation = DkimRotation(
            self.store,
            keys,
            self.checks,
            acts=ours,
            clock=clock,
            after_s=settings.dns.dkim_rotate_after_s,
        )
        self.verification = Verification(
            self.store,
            keys,
            self.checks,
            self.system_mail,
            acts=acts,
            public_url=names.public_url,
            clock=clock,
            new_token=self.ids.token,
            accepted=lambda: self.wake(),
        )

    def _committed(self, seconds: float, transactions: int) -> None:
        """Measure a commit; on the store's thread."""
        self.metrics.commit_duration.observe(seconds)
        self.metrics.commit_batch.observe(transactions)

    def free_bytes(self) -> int:
        """The free space where the database is. Raises OSError."""
        return shutil.disk_usage(self.settings.data_dir).free

    def close(self) -> None:
        """Finish what is being written and close."""
        self.passwords.close()
        self.executor.shutdown()
        self.large.shutdown()
        self.store.close()

    def _make_operator(self) -> Operator:
        accounts = self.settings.accounts
        return Operator(
            self.store,
            self.sealer,
            acts=self.acts,
            clock=self.clock,
            production=Limits(
                max_24_hour_send=accounts.production_max_24_hour_send,
                max_send_rate=accounts.production_max_send_rate,
            ),
            random_digits=self.ids.digits,
            random_name=self.ids.name,
            random_secret=self.ids.secret_access_key,
        )

    def _return_path_domain(self) -> str:
        return self.settings.delivery.return_path_domain or self.settings.delivery.hostname

    def _names(self, url: str) -> Names:
        dns, hostname = self.settings.dns, self.settings.delivery.hostname
        return Names(
            dkim_zone=dns.dkim_zone or f"dkim.{hostname}",
            public_url=url,
            mail_from_mx=dns.mail_from_mx or hostname,
            mail_from_spf=dns.mail_from_spf or f"include:{self._return_path_domain()}",
        )

    def _make_checks(self, names: Names, ours: Acts) -> DnsChecks:
        return DnsChecks(
            self.store,
            self.sealer,
            self.resolver,
            acts=ours,
            missing=DomainNotFound,
            names=names,
            clock=self.clock,
            log=self.log,
            recheck_every_s=self.settings.dns.recheck_every_s,
            auto_publish=self.settings.dns.auto_publish,
        )

    def _make_signing_domain(self, keys: DkimKeys, ours: Acts) -> SigningDomain:
        return SigningDomain(
            self.store,
            keys,
            OperatorNames(
                hostname=self.settings.delivery.hostname,
                return_path_domain=self._return_path_domain(),
                signing_domain=self.settings.delivery.signing_domain,
            ),
            acts=ours,
            new_selector=lambda: f"sesame-{self.ids.hex(8)}",
            auto_publish=self.settings.dns.auto_publish,
        )

    def _resolver(self) -> Resolver:
        if self.settings.dns.resolver == "system":
            from sesame.dns.system import SystemSource  # large, and not needed in development

            source = SystemSource(
                nameservers=self.settings.dns.nameservers, trust_ad=self.settings.dns.trust_ad
            )
            self.trusts_ad = source.trusts_ad
            return CachingResolver(source, clock=self.clock)

        async def records(name: str) -> list[tuple[str, str]]:
            async def run(tx: Transaction) -> list[tuple[str, str]]:
                return await development.zone_records(tx, name)

            return await self.store.read(run)

        # The command line changes the zone beside the server, which is to see it at once.
        return CachingResolver(LocalZone(records), clock=self.clock, bounds=NO_CACHE)


def _user_name() -> str:
    """Who runs this process, by the name of the user at the machine, or the number that has none."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def open_store(
    path: Path, *, durable: bool, committed: Callable[[float, int], None] = lambda seconds, jobs: None
) -> SqliteStore:
    """The store in the file at `path`, which only its owner may read. Raises `ConfigError`, `StoreUnavailable`."""
    if not path.exists():  # SQLite's other files take this one's permissions
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    return SqliteStore(path, durable=durable, committed=committed)


def master_key_path(settings: Settings) -> Path:
    """Where the master key is, or will be."""
    return Path(settings.master_key_file) if settings.master_key_file else settings.data_dir / "master.key"


def load_master_key(settings: Settings, random_bytes: Callable[[int], bytes]) -> bytes:
    """Read the master key; the development profile and a first start make one in the data directory.

    Raises `ConfigError`: a data directory with a database and no key is a mistake, not a first start.
    """
    path = master_key_path(settings)
    if settings.master_key_file or path.exists() or settings.database.exists():
        return read_master_key(path)
    key = random_bytes(KEY_BYTES)
    write_master_key(path, key)
    return key


def read_master_key(path: Path) -> bytes:
    """The key in the file. Raises `ConfigError`."""
    try:
        key = base64.b64decode(path.read_text().strip(), validate=True)
    except FileNotFoundError:
        raise ConfigError(
            f"master key `{path}` does not exist; restore it: secrets in the database can be decrypted with no other"
        ) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not base64"
        raise ConfigError(f"master key `{path}` cannot be read: {reason}") from None
    if len(key) != KEY_BYTES:
        raise ConfigError(f"master key `{path}` must be {KEY_BYTES} bytes in base64")
    return key


def write_master_key(path: Path, key: bytes) -> None:
    """Write the key to a file that its owner alone may read."""
    try:
        write_private(path, base64.b64encode(key).decode() + "\n", mode=stat.S_IRUSR)
    except OSError as error:
        raise ConfigError(f"master key `{path}` cannot be written: {error.strerror}") from None


def write_private(path: Path, text: str, *, mode: int = stat.S_IRUSR | stat.S_IWUSR) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)  # of a process of that number that was cut off
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
