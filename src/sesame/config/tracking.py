"""The settings of following opens and clicks: where the links of mail lead, and how long they count."""

import ipaddress
import os
import re

import msgspec

from sesame.config.numbers import require_positive
from sesame.errors import ConfigError

_URL = re.compile(r"https?://[A-Za-z0-9.-]+(?::\d{1,5})?|https?://\[[0-9A-Fa-f:.]+\](?::\d{1,5})?")


class Tracking(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Opens and clicks of mail whose configuration set asks for them: `/t/o/…` and `/t/c/…`."""

    enabled: bool = True
    """Whether links and an image are put into mail; those in mail sent earlier still work."""
    url: str = ""
    """What links in mail begin with, `https://click.example.com`; empty: api.public_url. With neither, outside
    development, only mail of sets with their own domain is tracked."""
    listen: str = ""
    """Address of a listener that serves these links alone, besides the API door; empty: none."""
    port: int = 4581
    """TCP port of that listener; 0 takes any free one."""
    tls_certificate: str = ""
    """PEM file with that listener's certificate chain; empty: plain HTTP, as behind a proxy."""
    tls_private_key: str = ""
    """PEM file with the certificate's key."""
    trusted_proxy: str = ""
    """Address of the reverse proxy in front; only its X-Forwarded-For is trusted."""
    days: int = 60
    """How long after its message was accepted an open or a click is recorded, as far as the message is kept
    (retention_days); links redirect forever."""
    most_events: int = 1_000
    """Most opens, and most clicks, recorded for one recipient of a message."""


def check(tracking: Tracking) -> None:
    """What types cannot say. Raises `ConfigError` that names the setting and the fix."""
    if tracking.url and _URL.fullmatch(tracking.url) is None:
        raise ConfigError(
            "setting `tracking.url`: write only scheme and host, as `https://click.example.com`"
        )
    if not 0 <= tracking.port <= 65535:
        raise ConfigError(f"setting `tracking.port` is {tracking.port}; a port is 0 to 65535")
    if bool(tracking.tls_certificate) != bool(tracking.tls_private_key):
        raise ConfigError(
            "settings `tracking.tls_certificate` and `tracking.tls_private_key` go together; set both"
        )
    for name in ("tls_certificate", "tls_private_key"):
        path = getattr(tracking, name)
        if path and not os.access(path, os.R_OK):
            raise ConfigError(
                f"setting `tracking.{name}`: `{path}` cannot be read; correct path or permissions"
            )
    if tracking.trusted_proxy:
        try:
            ipaddress.ip_address(tracking.trusted_proxy)
        except ValueError:
            raise ConfigError(
                f"setting `tracking.trusted_proxy`: `{tracking.trusted_proxy}` is not an address"
            ) from None
    require_positive("tracking", tracking, "days", "most_events")
