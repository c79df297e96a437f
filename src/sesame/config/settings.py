"""The settings: structs, each field with unit, default and a sentence, and the profile of development."""

import re
from pathlib import Path
from typing import Any, Literal

import msgspec

from sesame.config import feedback
from sesame.config.console import Console
from sesame.config.egress import EgressAddress
from sesame.config.notify import IN_DEVELOPMENT as NOTIFY_IN_DEVELOPMENT
from sesame.config.notify import Notify
from sesame.config.traces import Traces
from sesame.config.tracking import Tracking

REGION = re.compile(r"[a-z]{2}(?:-[a-z]+)+-\d")


class Api(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The HTTP door for the AWS APIs."""

    listen: str = "127.0.0.1"
    """Address to listen on."""
    port: int = 4579
    """TCP port; 0 takes any free one."""
    public_url: str = ""
    """URL by which clients and mailed links reach the API; empty: http(s)://listen:port."""
    tls_certificate: str = ""
    """PEM file with the certificate chain; empty: plain HTTP."""
    tls_private_key: str = ""
    """PEM file with the certificate's key."""
    max_body_bytes: int = 64 * 1024 * 1024
    """Largest request body; the largest message of the v2 API, 40 MB, grows by base64."""
    memory_bytes: int = 268_435_456
    """Memory for all large request bodies together; beyond it the client is asked to try again."""
    connections: int = 10_000
    """Most concurrent connections, file descriptors permitting. More wait, and idle ones are closed for them."""
    clock_skew_s: int = 900
    """How far a signature's time may be from the server's; AWS allows 900."""
    requests_per_second: float = 0.0
    """Calls of each SES operation except sends, per account and region; SES allows 1. 0: no limit."""
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
    """TCP ports with implicit TLS."""
    hostname: str = ""
    """Host name in the greeting; empty: delivery.hostname."""
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
    """Memory for incoming messages on all connections together; beyond it the client is asked to try again."""
    hello_s: float = 30.0
    """How long a client may take to authenticate."""
    idle_s: float = 60.0
    """How long a client may then be idle; data extends it by a second for 500 bytes."""
    failure_delay_s: float = 1.0
    """Delay of the reply to a wrong password."""


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
    """Name in EHLO; in production the name that the sending address resolves to."""
    relay: str = ""
    """host:port of a server that takes all mail; empty: each domain's own MX."""
    relay_tls: RelayTls = "opportunistic"
    """TLS to the relay: opportunistic, required, required with a verified certificate, or implicit with one."""
    relay_user: str = ""
    """User name at the relay; empty: no authentication. Needs required TLS."""
    relay_password_file: str = ""
    """File with the password for the relay."""
    routes: tuple[Route, ...] = ()
    """Relays for single domains: tables `[[delivery.routes]]`: `domain`, `relay`, `tls`, `user`, `password_file`."""
    egress: tuple[EgressAddress, ...] = ()
    """Addresses that mail leaves from: tables `[[delivery.egress]]`; `address`, `hello`, `bind`, `accounts`, `warm`."""
    warmup_days: float = 45.0
    """How long an account's address is warmed up, during which its daily volume is limited; SES: 45."""
    warmup_first: int = 50
    """Messages a day from an address at the start of its warm-up; the excess leaves from the shared ones."""
    warmup_last: int = 50_000
    """Messages a day from an address just before its warm-up ends; SES: 50,000. After that there is no limit."""
    tls_ca_file: str = ""
    """PEM file of the trusted CAs where a certificate is checked; empty: the machine's."""
    mta_sts: bool = True
    """Whether the MTA-STS policies of domains are looked up and obeyed (RFC 8461)."""
    tls_reports: bool = True
    """Whether domains that ask for it get daily reports on TLS with their servers (RFC 8460)."""
    dane: bool = True
    """Whether TLSA records are looked up and obeyed (DANE, RFC 7672); needs a validating resolver (`dns.trust_ad`)."""
    own_names: tuple[str, ...] = ()
    """Names of this server besides `hostname`: mail for a domain with one of them as its MX is never delivered."""
    own_addresses: tuple[str, ...] = ()
    """Addresses of this server: mail for a domain whose MX leads to one of them is never delivered."""
    mx_port: int = 25
    """Port of MX hosts; the development profile points it at its mailbox server."""
    allow_networks: tuple[str, ...] = ()
    """Private or loopback networks that MX hosts may resolve into (CIDR); others are refused."""
    workers: int = 200
    """Most concurrent attempts."""
    per_domain: int = 8
    """Most concurrent attempts to one destination; a new one has fewer until it has proved reliable."""
    per_address: int = 20
    """Most concurrent connections to one address, however many domains lead there."""
    idle_connections: int = 200
    """Connections kept open for the next message, in total."""
    memory_bytes: int = 67_108_864
    """Memory for messages above 256 KB in delivery at once; a destination has a quarter, or one message."""
    first_delay_s: float = 60.0
    """Wait before the first retry; it doubles each time."""
    longest_delay_s: float = 3600.0
    """Longest wait between retries."""
    give_up_after_s: float = 50_400.0
    """Life of a message in the spool; 14 h, SES's longest MaxDeliverySeconds."""
    timeout_s: float = 300.0
    """Longest wait for a greeting or most replies; the other limits of RFC 5321 section 4.5.3.2 scale with it."""
    return_path_domain: str = ""
    """Domain of the envelope sender of outgoing mail; its MX should lead here. Empty: hostname."""
    signing_domain: str = ""
    """The operator's domain, whose DKIM key signs every message besides the owner's; empty: no such signature."""
    revoke_queued: bool = True
    """Whether queued mail that was sent as another account's identity is decided again before each attempt when that
    account's policies or bounds have changed: what is no longer allowed is cancelled, what is paused is held."""
    lease_s: float = 900.0
    """How long an attempt may go on trying hosts; its claim on the message is renewed while it lives."""


class Dns(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """DNS look-ups, and the names that identity owners publish."""

    resolver: Literal["system", "local"] = "system"
    """`system`: the machine's resolvers; `local`: the zone kept in the store (development)."""
    nameservers: tuple[str, ...] = ()
    """Addresses of the resolvers to ask; empty: those of /etc/resolv.conf."""
    trust_ad: Literal["loopback", "always", "never"] = "loopback"
    """Whose DNSSEC validation is trusted (needed for DANE): that of resolvers on this machine, of any, or of none."""
    auto_publish: bool = False
    """Publish verification records in the local zone automatically (development only)."""
    dkim_zone: str = ""
    """Zone under which owners' DKIM CNAMEs end; empty: `dkim.` + delivery.hostname."""
    check_every_s: float = 60.0
    """How often identities that wait for DNS are looked up."""
    recheck_every_s: float = 21_600.0
    """How often verified identities are looked up again; records that are gone leave 72 hours."""
    dkim_rotate_after_s: float = 0.0
    """Age at which an Easy DKIM key gets a successor, which signs once it is published; 0: never. At least 14 days."""
    dkim_ed25519: bool = False
    """Whether mail is signed with an Ed25519 key beside the RSA key; owners publish a fourth record for it."""
    mail_from_mx: str = ""
    """Host that the one MX of owners' MAIL FROM domains must name; empty: delivery.hostname."""
    mail_from_spf: str = ""
    """What their SPF record must contain; empty: `include:` + delivery.return_path_domain or hostname."""


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
    """Address to listen on; there is no authentication."""
    port: int = 4580
    """TCP port; 0 takes any free one."""


class Accounts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a new account may do."""

    demo: bool = False
    """Create two demo accounts at first start (development)."""
    production_max_24_hour_send: float = 5_000_000
    """24-hour quota of a production account, in recipients; -1: unlimited."""
    production_max_send_rate: float = 5_000
    """Sending rate of a production account, in recipients per second."""
    owner_sandbox_counts: bool = True
    """Whether a delegate needs the identity owner out of the sandbox too (SES guide: both)."""
    refusal_step_s: float = 0.05
    """Refused sends and AssumeRole are answered after a multiple of this, so that time reveals nothing; 0: at once."""
    message_bytes: int = 10_485_760
    """Largest message by the v1 API, after decoding."""
    v2_message_bytes: int = 41_943_040
    """Largest message by the v2 API, after decoding."""


class Audit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The audit log: every change, and every decision that refused."""

    retention_days: int = 400
    """How long rows of the audit log are kept."""
    heads_file: str = ""
    """File that signed heads are appended to, best on another disk; it reveals rows that were cut off. Empty: none."""
    heads_every_s: float = 60.0
    """How often heads are appended."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything a process needs to know."""

    data: str = ".sesame"
    """Directory of the database, master key and credentials file."""
    master_key_file: str = ""
    """File with the 32-byte master key, base64; empty: `master.key` in the data directory."""
    log_format: Literal["auto", "json", "text"] = "auto"
    """`auto`: text on a terminal, JSON lines elsewhere."""
    allow_development_on_network: bool = False
    """Whether other machines may connect while `dns.auto_publish` lets anybody verify any domain."""
    retention_days: int = 14
    """How long settled messages can be traced, with their outcome."""
    retention_refusals_days: int = 14
    """How long refusals can be looked up."""
    retention_headers_days: int = 3
    """How long the headers of a settled message are kept, for notifications about later bounces and complaints."""
    disk_reserve_bytes: int = 1_073_741_824
    """Free space below which the service is not ready; at least three of the largest messages."""
    api: Api = Api()
    submission: Submission = Submission()
    delivery: Delivery = Delivery()
    dns: Dns = Dns()
    mailbox: Mailbox = Mailbox()
    accounts: Accounts = Accounts()
    health: Health = Health()
    console: Console = Console()
    inbound: feedback.Inbound = feedback.Inbound()
    simulator: feedback.Simulator = feedback.Simulator()
    reputation: feedback.Reputation = feedback.Reputation()
    suppression: feedback.Suppression = feedback.Suppression()
    notify: Notify = Notify()
    tracking: Tracking = Tracking()
    traces: Traces = Traces()
    audit: Audit = Audit()

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


LIVE = frozenset(
    {
        "retention_days", "dns.check_every_s", "api.max_body_bytes", "api.memory_bytes", "api.connections",
        "api.clock_skew_s", "api.requests_per_second", "submission.connections",
        "submission.connections_per_address", "submission.memory_bytes", "submission.hello_s", "submission.idle_s",
    }
)  # fmt: skip
"""Settings that a running process takes over by SIGHUP; a change of the others waits for its restart."""


def changed(old: Settings, new: Settings) -> list[str]:
    """The dotted names of the settings that differ."""
    before, after = msgspec.to_builtins(old), msgspec.to_builtins(new)
    names = []
    for name, value in before.items():
        if isinstance(value, dict):
            names += [f"{name}.{key}" for key in value if value[key] != after[name][key]]
        elif value != after[name]:
            names.append(name)
    return names


def taken_over(old: Settings, new: Settings) -> Settings:
    """`old` with what is live of `new`."""
    tree = msgspec.to_builtins(old)
    for name in changed(old, new):
        if name in LIVE:
            section, _, key = name.rpartition(".")
            value = getattr(getattr(new, section) if section else new, key)
            (tree[section] if section else tree)[key] = value
    return msgspec.convert(tree, Settings)


DEVELOPMENT: dict[str, Any] = {
    "submission": {"enabled": True},
    "delivery": {
        "hostname": "sesame.localhost",
        "allow_networks": ["127.0.0.0/8"],
        "return_path_domain": "bounces.sesame.localhost",
        "first_delay_s": 2.0,
        "mta_sts": False,
        "tls_reports": False,
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
    "console": {"enabled": True},
    **feedback.IN_DEVELOPMENT,
    **NOTIFY_IN_DEVELOPMENT,
}
"""What the development profile sets; it is the profile when no configuration file is named."""
