"""The settings of a Sesame process: one struct, read once, each with unit, default and a sentence.

Precedence: command-line flag > environment (`SESAME_SECTION__KEY`) > TOML file > default of the
profile. Errors name the setting and the fix. Nothing else reads the environment.
"""

import difflib
import ipaddress
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from sesame import notify_settings
from sesame.errors import ConfigError

PREFIX = "SESAME_"
_IN_SECTION = re.compile(r"SESAME_[A-Za-z0-9]+(?:_[A-Za-z0-9]+)*__\w+")
_NO_SETTINGS = frozenset({"SESAME_CONFIG", "SESAME_TEST_WORKERS", "SESAME_SYSTEM_PYTHON"})
_OF_A_SERVICE = re.compile(
    r"SESAME_(?:[A-Z0-9]+_)*(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?"
    r"|PORT(?:_[0-9]+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?)"
)
CONFIG_FILES = Path("sesame.toml"), Path("/etc/sesame/sesame.toml")
REGION = re.compile(r"[a-z]{2}(?:-[a-z]+)+-\d")


class Api(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The HTTP door for the AWS APIs."""

    listen: str = "127.0.0.1"
    """Address to listen on."""
    port: int = 4579
    """TCP port; 0 takes any free one."""
    public_url: str = ""
    """How clients and mailed links reach this door; empty: http(s)://listen:port."""
    tls_certificate: str = ""
    """PEM file with the certificate chain; empty: plain HTTP."""
    tls_private_key: str = ""
    """PEM file with the certificate's key."""
    max_body_bytes: int = 64 * 1024 * 1024
    """Largest request body; the largest message of the v2 API, 40 MB, grows by base64."""
    memory_bytes: int = 268_435_456
    """Of large request bodies, all together; beyond it the client is to try again."""
    clock_skew_s: int = 900
    """How far a signature's time may be from ours; AWS allows 900, less is stricter."""
    requests_per_second: float = 0.0
    """Calls of each SES operation but sends, per account and region; SES allows 1. 0: no bound."""
    regions: tuple[str, ...] = ()
    """Regions served; empty: every name shaped like a region."""


class Submission(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The SMTP door for programs that send."""

    enabled: bool = False
    """Whether it listens; the development profile does, production needs a certificate first."""
    listen: str = "127.0.0.1"
    """Address to listen on."""
    ports: tuple[int, ...] = (2587,)
    """TCP ports where the client asks for TLS by STARTTLS; 0 takes any free one."""
    tls_ports: tuple[int, ...] = (2465,)
    """TCP ports where TLS comes first."""
    hostname: str = ""
    """What the greeting says; empty: delivery.hostname."""
    tls_certificate: str = ""
    """PEM file with the certificate chain, read again when it changes; empty: made for development."""
    tls_private_key: str = ""
    """PEM file with the certificate's key."""
    message_bytes: int = 41_943_040
    """Largest message."""
    connections: int = 1_000
    """Connections at once."""
    connections_per_address: int = 50
    """Connections at once from one client: an IPv4 address, or an IPv6 network of 64 bits."""
    memory_bytes: int = 268_435_456
    """Of messages that are coming in, on all connections together; beyond it the client is to try again."""
    hello_s: float = 30.0
    """How long a client may take until its password was right."""
    idle_s: float = 60.0
    """How long a client may then be silent; data extends it by a second for 500 bytes."""
    failure_delay_s: float = 1.0
    """How long a wrong password waits for its answer."""


RelayTls = Literal["opportunistic", "require", "verify", "implicit"]


class Route(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where mail for some domains goes; a table of its own, `[[delivery.routes]]`."""

    domain: str
    """The domain, or `*.` and a domain for all below it."""
    relay: str = ""
    """host:port of the server that takes their mail; empty: their own MX, whatever `delivery.relay` says."""
    tls: RelayTls = "opportunistic"
    """As `delivery.relay_tls`."""
    user: str = ""
    """As `delivery.relay_user`."""
    password_file: str = ""
    """As `delivery.relay_password_file`."""


class Delivery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From the spool to the next server."""

    enabled: bool = True
    """Whether this process delivers; when off, accepted mail waits in the spool."""
    hostname: str = "localhost"
    """Our name in EHLO; in production the name that the sending address resolves to."""
    relay: str = ""
    """host:port of a server that takes all mail; empty: each domain's own MX."""
    relay_tls: RelayTls = "opportunistic"
    """TLS to the relay: as it comes, required, with a certificate good for its name, or that before the greeting."""
    relay_user: str = ""
    """Whom to log in as at the relay; empty: no log-in. Needs TLS that is required."""
    relay_password_file: str = ""
    """File with the password for the relay."""
    routes: tuple[Route, ...] = ()
    """Relays of single domains: tables `[[delivery.routes]]` with `domain`, `relay`, `tls`, `user`, `password_file`."""
    tls_ca_file: str = ""
    """PEM file of the CAs that count where a certificate is checked; empty: those that the machine knows."""
    mta_sts: bool = True
    """Whether the MTA-STS policies of domains are looked for and held to (RFC 8461)."""
    dane: bool = True
    """Whether TLSA records are (RFC 7672); they count only with a validating resolver, see `dns.trust_ad`."""
    own_names: tuple[str, ...] = ()
    """Names that we have besides `hostname`: a domain that has one of them as its MX is never delivered to."""
    own_addresses: tuple[str, ...] = ()
    """Addresses that we have, for the same reason."""
    mx_port: int = 25
    """Port of MX hosts; the development profile points it at its mailbox server."""
    allow_networks: tuple[str, ...] = ()
    """Private or loopback networks that MX hosts may resolve into (CIDR); others are refused."""
    workers: int = 32
    """Attempts under way at once."""
    per_domain: int = 8
    """Attempts under way at once to one destination."""
    first_delay_s: float = 60.0
    """Wait before the first retry; it doubles each time."""
    longest_delay_s: float = 3600.0
    """Longest wait between retries."""
    give_up_after_s: float = 50_400.0
    """Life of a message in the spool; 14 h as SES's longest MaxDeliverySeconds."""
    timeout_s: float = 300.0
    """Longest wait for one reply (RFC 5321 section 4.5.3.2)."""
    return_path_domain: str = ""
    """Domain of the envelope sender of outgoing mail; its MX should lead here. Empty: hostname."""
    signing_domain: str = ""
    """Our own domain, whose DKIM key signs every message besides the owner's; empty: no such signature."""
    lease_s: float = 900.0
    """How long one attempt may take before another worker may take it over."""


class Dns(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Look-ups and the names we ask identity owners to publish."""

    resolver: Literal["system", "local"] = "system"
    """`system`: the machine's resolvers; `local`: the zone kept in the store (development)."""
    nameservers: tuple[str, ...] = ()
    """Addresses of the resolvers to ask; empty: those of /etc/resolv.conf."""
    trust_ad: Literal["loopback", "always", "never"] = "loopback"
    """Whose word for DNSSEC counts, which DANE needs: that of validating resolvers on this machine, of any, of none."""
    auto_publish: bool = False
    """Put verification records into the local zone by ourselves (development only)."""
    dkim_zone: str = ""
    """Zone under which owners' DKIM CNAMEs end; empty: `dkim.` + delivery.hostname."""
    check_every_s: float = 60.0
    """How often identities that wait for DNS are looked up."""
    recheck_every_s: float = 21_600.0
    """How often verified identities are looked up again; records that are gone leave 72 hours."""
    mail_from_mx: str = ""
    """Host that the one MX of owners' MAIL FROM domains must name; empty: delivery.hostname."""
    mail_from_spf: str = ""
    """What their SPF record must hold; empty: `include:` + delivery.return_path_domain or hostname."""


class Mailbox(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The built-in mailbox server of the development profile."""

    enabled: bool = False
    """Whether it runs."""
    port: int = 0
    """TCP port on 127.0.0.1; 0 takes any free one."""


class Health(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Metrics and health checks, on a listener of their own: `/metrics`, `/healthz`, `/readyz`."""

    enabled: bool = True
    """Whether it listens."""
    listen: str = "127.0.0.1"
    """Address to listen on; nobody is asked for a password there."""
    port: int = 4580
    """TCP port; 0 takes any free one."""


class Accounts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a new account may do."""

    demo: bool = False
    """Create two demo accounts at first start (development)."""
    production_max_24_hour_send: float = 5_000_000
    """Recipients in 24 hours of a production account; -1: unlimited."""
    production_max_send_rate: float = 5_000
    """Recipients per second of a production account."""
    owner_sandbox_counts: bool = True
    """Whether a delegate needs the identity owner out of the sandbox too (SES guide: both)."""
    refusal_step_s: float = 0.05
    """Refused sends and AssumeRole are answered after a multiple of this, so that time tells nothing; 0: at once."""
    message_bytes: int = 10_485_760
    """Largest message by the v1 API, after decoding."""
    v2_message_bytes: int = 41_943_040
    """Largest message by the v2 API, after decoding."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything a process needs to know."""

    data: str = ".sesame"
    """Directory of the database, master key and credentials file."""
    master_key_file: str = ""
    """File with the 32-byte master key, base64; empty: `master.key` in the data directory."""
    log_format: Literal["auto", "json", "text"] = "auto"
    """`auto`: text on a terminal, JSON lines elsewhere."""
    allow_development_on_network: bool = False
    """Whether doors may listen beyond this machine while `dns.auto_publish` lets anybody verify any domain."""
    retention_days: int = 14
    """How long settled messages can be traced, with what happened to them."""
    retention_refusals_days: int = 14
    """How long refusals can be looked up."""
    retention_headers_days: int = 3
    """How long the headers of a settled message are kept, for notifications of what comes back later."""
    disk_reserve_bytes: int = 1_073_741_824
    """Free space below which the service is not ready; at least three of the largest messages."""
    api: Api = Api()
    submission: Submission = Submission()
    delivery: Delivery = Delivery()
    dns: Dns = Dns()
    mailbox: Mailbox = Mailbox()
    accounts: Accounts = Accounts()
    health: Health = Health()
    notify: notify_settings.Notify = notify_settings.Notify()

    @property
    def data_dir(self) -> Path:
        """The data directory."""
        return Path(self.data)

    @property
    def reserve_bytes(self) -> int:
        """The free space that is kept: the setting, or three of the largest messages."""
        largest = max(
            self.accounts.message_bytes, self.accounts.v2_message_bytes, self.submission.message_bytes
        )
        return max(self.disk_reserve_bytes, 3 * largest) if self.disk_reserve_bytes else 0

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.data_dir / "sesame.db"


DEVELOPMENT: dict[str, Any] = {
    "submission": {"enabled": True},
    "delivery": {
        "hostname": "sesame.localhost",
        "allow_networks": ["127.0.0.0/8"],
        "return_path_domain": "bounces.sesame.localhost",
        "first_delay_s": 2.0,
        "mta_sts": False,
        "dane": False,
    },
    "dns": {
        "resolver": "local",
        "auto_publish": True,
        "dkim_zone": "dkim.sesame.localhost",
        "mail_from_mx": "mailbox.sesame.localhost",
    },
    "mailbox": {"enabled": True},
    "accounts": {"demo": True},
    **notify_settings.IN_DEVELOPMENT,
}
"""What the development profile sets; it is the profile when no configuration file is named."""


def load(
    config: Path | None, *, environ: Mapping[str, str], flags: Mapping[str, Any] | None = None
) -> Settings:
    """Read the settings; without a file they are those of the development profile.

    `flags` maps dotted names (`api.port`) to values and wins over everything. Raises `ConfigError`.
    """
    if config is None:
        merged: dict[str, Any] = {
            key: dict(value) if isinstance(value, dict) else value for key, value in DEVELOPMENT.items()
        }
    else:
        merged = _read_file(config)
    for name, value in environ.items():
        if is_setting(name):
            _put(merged, dotted_name(name), value, source=name)
    for name, value in (flags or {}).items():
        if value is not None:
            _put(merged, name, value, source=f"--{name}")
    try:
        settings = msgspec.convert(merged, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(_explain(str(error))) from error
    _check(settings)
    return settings


def is_setting(name: str) -> bool:
    """Whether an environment variable is one of our settings, or meant to be: `SESAME_SECTION__KEY`."""
    if not name.startswith(PREFIX):
        return False
    return _IN_SECTION.fullmatch(name) is not None or dotted_name(name) in _top_names()


def dotted_name(name: str) -> str:
    """The setting that an environment variable stands for, as `flags` name it."""
    return name.removeprefix(PREFIX).lower().replace("__", ".")


def unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """What to say of variables named like ours that stand for no setting, one line each, with the nearest one.

    Kubernetes sets such variables for Services named `sesame` or `sesame-…`; of those nothing is said.
    """
    names = sorted(
        name
        for name in environ
        if name.startswith(PREFIX)
        and name not in _NO_SETTINGS
        and not is_setting(name)
        and not _OF_A_SERVICE.fullmatch(name)
    )
    known = [f"{PREFIX}{dotted.replace('.', '__').upper()}" for dotted in setting_names()]
    lines = []
    for name in names:
        nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.0)
        lines.append(
            f"environment variable `{name}` names no setting and is ignored; the nearest is `{nearest[0]}`"
        )
    return lines


def setting_names() -> list[str]:
    """Every setting, `section.key`."""
    found = []
    for field in msgspec.structs.fields(Settings):
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            found += [f"{field.name}.{inner.name}" for inner in msgspec.structs.fields(field.type)]
        else:
            found.append(field.name)
    return found


def _top_names() -> frozenset[str]:
    return frozenset(name for name in setting_names() if "." not in name)


def find_config(flag: str | None, environ: Mapping[str, str]) -> Path | None:
    """The configuration file to read: --config, $SESAME_CONFIG, ./sesame.toml, /etc/sesame/sesame.toml."""
    named = flag or environ.get("SESAME_CONFIG")
    if named:
        return Path(named)
    for candidate in CONFIG_FILES:
        try:
            if candidate.exists():
                return candidate
        except PermissionError:
            if candidate.is_absolute():
                raise ConfigError(
                    f"configuration file `{candidate}` cannot be read: Permission denied"
                ) from None
            # as in somebody else's home after `sudo -u`: nothing there is meant for this user
    return None


def _read_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except FileNotFoundError:
        raise ConfigError(f"configuration file `{path}` does not exist; name another with --config") from None
    except OSError as error:
        raise ConfigError(f"configuration file `{path}` cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"configuration file `{path}` is not valid TOML: {error}") from None


def _put(tree: dict[str, Any], dotted: str, value: object, *, source: str) -> None:
    *sections, key = dotted.split(".")
    fields = {field.name: field.type for field in msgspec.structs.fields(Settings)}
    struct: Any = Settings
    for section in sections:
        struct = fields.get(section)
        if not (isinstance(struct, type) and issubclass(struct, msgspec.Struct)):
            raise ConfigError(f"`{source}` names no setting; there is no section `{section}`")
        tree = tree.setdefault(section, {})
    names = {field.name: field.type for field in msgspec.structs.fields(struct)}
    if key not in names:
        raise ConfigError(f"`{source}` names no setting; known here: {', '.join(sorted(names))}")
    if isinstance(value, str) and "tuple" in str(names[key]):
        value = [part.strip() for part in value.split(",") if part.strip()]
    tree[key] = value


def _explain(message: str) -> str:
    """Turn msgspec's words (`Expected int, got str - at $.api.port`) into ours."""
    what, _, where = message.partition(" - at `$.")
    setting = where.rstrip("`").replace("[...]", "")
    if not setting:
        unknown = re.search(r"unknown field `(\w+)`", message)
        section = re.search(r"at `\$\.?([\w.]*)`", message)
        if unknown:
            prefix = f"{section[1]}." if section and section[1] else ""
            return f"setting `{prefix}{unknown[1]}` is not known; remove it or correct its name"
        return f"configuration: {message}"
    if unknown := re.search(r"unknown field `(\w+)`", what):
        return f"setting `{setting}.{unknown[1]}` is not known; remove it or correct its name"
    return f"setting `{setting}`: {what[:1].lower()}{what[1:]}"


def _check(settings: Settings) -> None:
    """What types cannot say. Raises `ConfigError` that names the setting and the fix."""
    ports = [("api.port", settings.api.port), ("mailbox.port", settings.mailbox.port)]
    ports.append(("health.port", settings.health.port))
    ports += [("submission.ports", port) for port in settings.submission.ports]
    ports += [("submission.tls_ports", port) for port in settings.submission.tls_ports]
    for name, port in ports:
        if not 0 <= port <= 65535:
            raise ConfigError(f"setting `{name}` is {port}; a port is 0 to 65535")
    for section, door in (("api", settings.api), ("submission", settings.submission)):
        if bool(door.tls_certificate) != bool(door.tls_private_key):
            raise ConfigError(
                f"settings `{section}.tls_certificate` and `{section}.tls_private_key` go together; set both"
            )
        for name in ("tls_certificate", "tls_private_key"):
            path = getattr(door, name)
            if path and not os.access(path, os.R_OK):
                raise ConfigError(
                    f"setting `{section}.{name}`: `{path}` cannot be read; correct path or permissions"
                )
    _check_submission(settings)
    _check_development(settings)
    notify_settings.check(settings.notify)
    if not 1 <= settings.api.clock_skew_s <= 900:
        raise ConfigError("setting `api.clock_skew_s` must lie between 1 and 900 seconds")
    if not 0 < settings.api.max_body_bytes <= settings.api.memory_bytes:
        raise ConfigError(
            "setting `api.memory_bytes` must be at least `api.max_body_bytes`, which is above 0"
        )
    if settings.api.requests_per_second < 0:
        raise ConfigError("setting `api.requests_per_second` must be 0 or more")
    for region in settings.api.regions:
        if not REGION.fullmatch(region):
            raise ConfigError(f"setting `api.regions`: `{region}` is not a region; write it as `eu-west-1`")
    for network in settings.delivery.allow_networks:
        try:
            ipaddress.ip_network(network)
        except ValueError:
            raise ConfigError(
                f"setting `delivery.allow_networks`: `{network}` is not a network; write it as `10.0.0.0/8`"
            ) from None
    if settings.delivery.relay:
        parse_host_port("delivery.relay", settings.delivery.relay)
    _check_routes(settings.delivery)
    positive = "workers per_domain first_delay_s longest_delay_s give_up_after_s timeout_s lease_s"
    for name in positive.split():
        if getattr(settings.delivery, name) <= 0:
            raise ConfigError(f"setting `delivery.{name}` must be greater than 0")
    if settings.dns.auto_publish and settings.dns.resolver != "local":
        raise ConfigError('setting `dns.auto_publish` needs `dns.resolver = "local"`: it publishes there')
    for address in settings.dns.nameservers:
        try:
            ipaddress.ip_address(address)
        except ValueError:
            raise ConfigError(
                f"setting `dns.nameservers`: `{address}` is not an address; write it as `127.0.0.1`"
            ) from None
    for name in ("check_every_s", "recheck_every_s"):
        if getattr(settings.dns, name) <= 0:
            raise ConfigError(f"setting `dns.{name}` must be greater than 0")


def _check_development(settings: Settings) -> None:
    """What publishes by itself verifies any domain for anybody: not beyond this machine, unless that is said."""
    if not settings.dns.auto_publish or settings.allow_development_on_network:
        return
    doors = [("api.listen", settings.api.listen)]
    if settings.submission.enabled:
        doors.append(("submission.listen", settings.submission.listen))
    for name, host in doors:
        if not _is_loopback(host):
            raise ConfigError(
                f"setting `{name}` is `{host}`: the development profile (`dns.auto_publish`) lets whoever reaches it"
                " verify any domain; listen on 127.0.0.1, write a configuration file, or set"
                " `allow_development_on_network = true`"
            )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _check_submission(settings: Settings) -> None:
    submission = settings.submission
    if submission.enabled and not submission.tls_certificate and settings.dns.resolver != "local":
        raise ConfigError(
            "setting `submission.tls_certificate`: SMTP submission needs a certificate; name its PEM file, or set"
            " `submission.enabled = false`"
        )
    for name in (
        "connections",
        "connections_per_address",
        "hello_s",
        "idle_s",
        "memory_bytes",
        "message_bytes",
    ):
        if getattr(submission, name) <= 0:
            raise ConfigError(f"setting `submission.{name}` must be greater than 0")


_HOST_NAME = re.compile(
    r"(?=.{1,253}\Z)(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)*"
    r"(?![0-9]+\.?\Z)[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.?"
)
"""A host name in ASCII; its last label is no number, as in an address that lacks a part."""


def _check_routes(delivery: Delivery) -> None:
    for route in delivery.routes:
        if not route.domain.removeprefix("*.").strip("."):
            raise ConfigError(
                f"setting `delivery.routes`: `{route.domain}` is no domain; write `example.com` or `*.example.com`"
            )
        if route.relay:
            parse_host_port("delivery.routes", route.relay)
            _check_login("delivery.routes", route.tls, route.user, route.password_file)
        elif route.user or route.tls != "opportunistic":
            raise ConfigError(
                f"setting `delivery.routes`: `{route.domain}` has no `relay` to log in at; name it"
            )
    _check_login("delivery.relay_user", delivery.relay_tls, delivery.relay_user, delivery.relay_password_file)
    if delivery.tls_ca_file and not os.access(delivery.tls_ca_file, os.R_OK):
        raise ConfigError(f"setting `delivery.tls_ca_file`: `{delivery.tls_ca_file}` cannot be read")
    for address in delivery.own_addresses:
        try:
            ipaddress.ip_address(address)
        except ValueError:
            raise ConfigError(
                f"setting `delivery.own_addresses`: `{address}` is not an address; write it as `192.0.2.1`"
            ) from None


def _check_login(setting: str, tls: RelayTls, user: str, password_file: str) -> None:
    """A user has a password, and TLS that keeps it from others."""
    if bool(user) != bool(password_file):
        raise ConfigError(f"setting `{setting}`: user and password file go together; set both")
    if user and tls == "opportunistic":
        raise ConfigError(f"setting `{setting}`: a password needs TLS; set its TLS to `verify`")
    if password_file and not os.access(password_file, os.R_OK):
        raise ConfigError(
            f"setting `{setting}`: password file `{password_file}` cannot be read; correct path or permissions"
        )


def parse_host_port(setting: str, text: str) -> tuple[str, int]:
    """Split `host:port` or `[v6]:port`; raises `ConfigError` naming `setting`."""
    host, _, port = text.rpartition(":")
    if re.fullmatch(r"[0-9]{1,5}", port) and 0 < int(port) <= 65535:
        inner = host[1:-1] if host.startswith("[") and host.endswith("]") else ""
        if inner and _is_address(inner, version=6):
            return inner, int(port)
        if _is_address(host, version=4) or _HOST_NAME.fullmatch(host):
            return host, int(port)
    raise ConfigError(
        f"setting `{setting}` is `{text}`; write it as host:port, for instance `mail.example.com:25`, `10.0.0.1:25`"
        " or `[2001:db8::1]:25`"
    )


def _is_address(text: str, *, version: int) -> bool:
    try:
        return ipaddress.ip_address(text).version == version
    except ValueError:
        return False
