"""The settings of the console, and what must hold among them."""

import ipaddress
from urllib.parse import urlsplit

import msgspec

from sesame.errors import ConfigError

LEAST_MEMORY_KIB = 32


class Console(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The console: pages for owners, senders and the operator."""

    enabled: bool = False
    """Whether it listens; the development profile does."""
    listen: str = "127.0.0.1"
    """Address to listen on; unless it is this machine's loopback, TLS or a proxy is needed."""
    port: int = 8025
    """TCP port; 0 takes any free one."""
    public_url: str = ""
    """URL by which browsers reach it, `https://console.example.net`; empty: this machine only. Other host names
    are refused."""
    proxy: str = ""
    """Address of the reverse proxy that ends TLS; only its X-Forwarded-For is trusted."""
    tls_certificate: str = ""
    """PEM file with the certificate chain; empty: plain HTTP, on this machine or behind `proxy`."""
    tls_private_key: str = ""
    """PEM file with the certificate's key."""
    failures_per_network: int = 10
    """Wrong passwords from one address (IPv6: one /64 network) per quarter of an hour; then it must wait."""
    password_memory_kib: int = 65_536
    """Memory that comparing one password takes (Argon2id); two are compared at once."""


def check_console(console: Console) -> None:
    """Hold the settings against each other. Raises `ConfigError` that names the setting and the fix."""
    if not 0 <= console.port <= 65535:
        raise ConfigError(f"setting `console.port` is {console.port}; a port is 0 to 65535")
    if console.password_memory_kib < LEAST_MEMORY_KIB:
        raise ConfigError(f"setting `console.password_memory_kib` must be at least {LEAST_MEMORY_KIB}")
    if console.failures_per_network < 1:
        raise ConfigError("setting `console.failures_per_network` must be at least 1")
    if bool(console.tls_certificate) != bool(console.tls_private_key):
        raise ConfigError(
            "settings `console.tls_certificate` and `console.tls_private_key` go together; set both"
        )
    url = urlsplit(console.public_url)
    if console.public_url and (
        url.scheme not in ("http", "https") or not url.hostname or url.path.strip("/")
    ):
        raise ConfigError(
            f"setting `console.public_url`: `{console.public_url}` is not a URL, such as `https://console.example.net`"
        )
    if console.proxy:
        try:
            ipaddress.ip_address(console.proxy)
        except ValueError:
            raise ConfigError(
                f"setting `console.proxy`: `{console.proxy}` is not an address; write it as `127.0.0.1`"
            ) from None
        if url.scheme != "https":
            raise ConfigError(
                "setting `console.public_url`: behind `console.proxy` it is an https URL; set it"
            )
    elif not console.tls_certificate and console.enabled:
        if not _is_loopback(console.listen):
            raise ConfigError(
                f"setting `console.listen` is `{console.listen}`: passwords need TLS; set `console.tls_certificate` and"
                " `console.tls_private_key`, or `console.proxy`, or listen on 127.0.0.1"
            )
        if url.hostname and not _is_loopback(url.hostname):
            raise ConfigError(
                "setting `console.public_url` is not on this machine: passwords need TLS; set"
                " `console.tls_certificate` and `console.tls_private_key`, or `console.proxy`"
            )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
