"""The settings of what comes back: the listener for reports, the mailbox simulator, and when an account is paused."""

import os
from typing import Any

import msgspec

from sesame.config.numbers import require_positive
from sesame.errors import ConfigError


class Inbound(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The SMTP listener for bounces and complaints: the MX of `delivery.return_path_domain`."""

    enabled: bool = False
    """Whether it listens; the development profile does."""
    listen: str = "127.0.0.1"
    """Address to listen on."""
    port: int = 2525
    """TCP port; 25 for mail from elsewhere, 0 takes any free one."""
    hostname: str = ""
    """Host name in the greeting; empty: delivery.hostname."""
    tls_certificate: str = ""
    """PEM file with the certificate chain for STARTTLS; empty: none, but in development."""
    tls_private_key: str = ""
    """PEM file with the certificate's key."""
    feedback_addresses: tuple[str, ...] = ()
    """Addresses given to mailbox providers for complaints, besides return paths; only reports are accepted there."""
    report_days: int = 14
    """How long a return path accepts reports after its message was accepted."""
    message_bytes: int = 1_048_576
    """Largest report."""
    recipients: int = 100
    """Most recipients of one report."""
    connections: int = 200
    """Connections at once."""
    connections_per_address: int = 20
    """Connections at once from one client: an IPv4 address, or an IPv6 network of 64 bits."""
    idle_s: float = 300.0
    """How long a client may be silent (RFC 5321 section 4.5.3.2.7)."""
    memory_bytes: int = 67_108_864
    """Memory for incoming reports on all connections together."""


SIMULATOR = "simulator.amazonses.com"


class Simulator(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The mailbox simulator: `success`, `bounce`, `complaint`, `ooto`, `suppressionlist` at its domains."""

    enabled: bool = True
    """Whether mail to the mailbox simulator is handled here; if not, it is delivered like any other."""
    domains: tuple[str, ...] = ()
    """Domain names of the simulator besides `simulator.amazonses.com`."""

    @property
    def all_domains(self) -> tuple[str, ...]:
        """SES's name and our own, in lower case."""
        return (SIMULATOR, *(domain.lower() for domain in self.domains))


class Reputation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When an account that hurts others is put under review, and paused; rates are parts of one, 0: never."""

    volume: int = 1_000
    """Fewest recipients over which rates are computed; an account with fewer is not reviewed."""
    bounce_review: float = 0.05
    """Rate of permanent bounces at which an account is under review."""
    bounce_pause: float = 0.10
    """Rate of permanent bounces at which it is paused."""
    complaint_review: float = 0.001
    """Rate of complaints at which it is under review."""
    complaint_pause: float = 0.005
    """Rate of complaints at which it is paused."""


class Suppression(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The list of addresses to which no account sends, besides the accounts' own lists."""

    global_days: float = 0.0
    """How long a non-existent address stays on the global suppression list; SES: 14 days. 0: no such list."""


IN_DEVELOPMENT: dict[str, Any] = {
    "inbound": {"enabled": True},
    "simulator": {"domains": ["simulator.sesame.localhost"]},
}


def check(inbound: Inbound, reputation: Reputation, suppression: Suppression) -> None:
    """What types cannot say. Raises `ConfigError` that names the setting and the fix."""
    if not 0 <= inbound.port <= 65535:
        raise ConfigError(f"setting `inbound.port` is {inbound.port}; a port is 0 to 65535")
    if bool(inbound.tls_certificate) != bool(inbound.tls_private_key):
        raise ConfigError(
            "settings `inbound.tls_certificate` and `inbound.tls_private_key` go together; set both"
        )
    for name in ("tls_certificate", "tls_private_key"):
        path = getattr(inbound, name)
        if path and not os.access(path, os.R_OK):
            raise ConfigError(
                f"setting `inbound.{name}`: `{path}` cannot be read; correct path or permissions"
            )
    for address in inbound.feedback_addresses:
        if address.count("@") != 1 or not all(address.split("@")):
            raise ConfigError(f"setting `inbound.feedback_addresses`: `{address}` is not an address")
    require_positive(
        "inbound",
        inbound,
        "report_days",
        "message_bytes",
        "recipients",
        "connections",
        "connections_per_address",
        "idle_s",
    )
    if suppression.global_days < 0:
        raise ConfigError("setting `suppression.global_days` must be 0 or more")
    if reputation.volume <= 0:
        raise ConfigError("setting `reputation.volume` must be greater than 0")
    for name in ("bounce_review", "bounce_pause", "complaint_review", "complaint_pause"):
        if not 0 <= getattr(reputation, name) <= 1:
            raise ConfigError(f"setting `reputation.{name}` must be a fraction between 0 and 1")
