"""What the types of the settings cannot say; each error names the setting and the fix."""

import ipaddress
import os
import re
from pathlib import Path

from sesame.config import egress, feedback, notify, traces, tracking
from sesame.config.console import check_console
from sesame.config.numbers import require_limit, require_numbers, require_positive
from sesame.config.settings import REGION, Accounts, Api, Audit, Delivery, RelayTls, Settings
from sesame.errors import ConfigError

MIN_ROTATION_S = 14 * 86_400.0


def check(settings: Settings) -> None:
    """What types cannot say. Raises `ConfigError` that names the setting and the fix."""
    require_numbers(settings)
    _check_ports(settings)
    _check_certificates(settings)
    _check_submission(settings)
    check_console(settings.console)
    feedback.check(settings.inbound, settings.reputation, settings.suppression)
    notify.check(settings.notify)
    tracking.check(settings.tracking)
    traces.check(settings.traces)
    _check_development(settings)
    _check_audit(settings.audit)
    _check_api(settings.api)
    _check_accounts(settings.accounts)
    _check_delivery(settings.delivery)
    _check_dns(settings)


def _check_ports(settings: Settings) -> None:
    ports = [("api.port", settings.api.port), ("mailbox.port", settings.mailbox.port)]
    ports.append(("health.port", settings.health.port))
    ports += [("submission.ports", port) for port in settings.submission.ports]
    ports += [("submission.tls_ports", port) for port in settings.submission.tls_ports]
    for name, port in ports:
        if not 0 <= port <= 65535:
            raise ConfigError(f"setting `{name}` is {port}; a port is 0 to 65535")


def _check_certificates(settings: Settings) -> None:
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


def _check_api(api: Api) -> None:
    if not 1 <= api.clock_skew_s <= 900:
        raise ConfigError("setting `api.clock_skew_s` must lie between 1 and 900 seconds")
    if not 0 < api.max_body_bytes <= api.memory_bytes:
        raise ConfigError(
            "setting `api.memory_bytes` must be at least `api.max_body_bytes`, which is above 0"
        )
    if api.connections < 1:
        raise ConfigError("setting `api.connections` must be at least 1")
    if api.requests_per_second < 0:
        raise ConfigError("setting `api.requests_per_second` must be 0 or more")
    for region in api.regions:
        if not REGION.fullmatch(region):
            raise ConfigError(f"setting `api.regions`: `{region}` is not a region; write it as `eu-west-1`")


def _check_accounts(accounts: Accounts) -> None:
    daily, rate = accounts.production_max_24_hour_send, accounts.production_max_send_rate
    require_limit("accounts.production_max_24_hour_send", daily, may_be_unlimited=True)
    require_limit("accounts.production_max_send_rate", rate)


def _check_delivery(delivery: Delivery) -> None:
    for network in delivery.allow_networks:
        try:
            ipaddress.ip_network(network)
        except ValueError:
            raise ConfigError(
                f"setting `delivery.allow_networks`: `{network}` is not a network; write it as `10.0.0.0/8`"
            ) from None
    if delivery.relay:
        parse_host_port("delivery.relay", delivery.relay)
    _check_routes(delivery)
    egress.check(delivery.egress)
    if not 1 <= delivery.warmup_first <= delivery.warmup_last:
        raise ConfigError(
            "setting `delivery.warmup_last` must be at least `delivery.warmup_first`, which is above 0"
        )
    require_positive(
        "delivery",
        delivery,
        "workers",
        "per_domain",
        "per_address",
        "first_delay_s",
        "longest_delay_s",
        "give_up_after_s",
        "timeout_s",
        "lease_s",
        "warmup_days",
    )


def _check_dns(settings: Settings) -> None:
    if 0 < settings.dns.dkim_rotate_after_s < MIN_ROTATION_S or settings.dns.dkim_rotate_after_s < 0:
        raise ConfigError(
            "setting `dns.dkim_rotate_after_s` must be 0 or at least 14 days (1209600): mail signed"
            " by the previous key may be in transit for days"
        )
    if settings.dns.auto_publish and settings.dns.resolver != "local":
        raise ConfigError('setting `dns.auto_publish` needs `dns.resolver = "local"`: it publishes there')
    for address in settings.dns.nameservers:
        try:
            ipaddress.ip_address(address)
        except ValueError:
            raise ConfigError(
                f"setting `dns.nameservers`: `{address}` is not an address; write it as `127.0.0.1`"
            ) from None
    require_positive("dns", settings.dns, "check_every_s", "recheck_every_s")


def _check_audit(audit: Audit) -> None:
    if audit.retention_days < 1 or audit.heads_every_s <= 0:
        raise ConfigError("settings `audit.retention_days` and `audit.heads_every_s` must be greater than 0")
    if audit.heads_file and not os.access(Path(audit.heads_file).parent, os.W_OK):
        raise ConfigError(
            f"setting `audit.heads_file`: `{audit.heads_file}` cannot be written; correct path or permissions"
        )


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
    require_positive(
        "submission",
        submission,
        "connections",
        "connections_per_address",
        "hello_s",
        "idle_s",
        "memory_bytes",
        "message_bytes",
    )


_HOST_NAME = re.compile(
    r"(?=.{1,253}\Z)(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)*"
    r"(?![0-9]+\.?\Z)[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.?"
)
"""A host name in ASCII; its last label is not a number, as in an address that lacks a part."""


def _check_routes(delivery: Delivery) -> None:
    for route in delivery.routes:
        if not route.domain.removeprefix("*.").strip("."):
            raise ConfigError(
                f"setting `delivery.routes`: `{route.domain}` is not a domain; write `example.com` or `*.example.com`"
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
