"""The settings of telling people: how endpoints are reached, and how much of it goes on at once."""

import ipaddress
import os
from typing import Any

import msgspec

from sesame.errors import ConfigError


class Notify(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From events and topics to the endpoints of those who subscribed."""

    enabled: bool = True
    """Whether this process delivers notifications; when off, they wait in the outbox."""
    allow_networks: tuple[str, ...] = ()
    """Private or loopback networks that endpoints may resolve into (CIDR); others are refused."""
    allow_http: bool = False
    """Whether endpoints may be plain HTTP; the development profile allows it."""
    tls_ca_file: str = ""
    """PEM file of the CAs that endpoints' certificates are checked against; empty: those that the machine knows."""
    timeout_s: float = 15.0
    """How long one delivery may take."""
    workers: int = 64
    """Most concurrent deliveries."""
    per_endpoint: int = 8
    """Most concurrent deliveries to one endpoint."""
    give_up_after_s: float = 259_200.0
    """How long an endpoint without a delivery policy is tried; what is given up on is kept as dead."""
    sqs_endpoint: str = ""
    """URL of an SQS-compatible service for subscriptions of queues; empty: there is none."""
    sqs_access_key_id: str = ""
    """The access key that signs calls to it."""
    sqs_secret_access_key_file: str = ""
    """File with that key's secret."""


IN_DEVELOPMENT: dict[str, Any] = {"notify": {"allow_networks": ["127.0.0.0/8"], "allow_http": True}}


def check(notify: Notify) -> None:
    """What types cannot say. Raises `ConfigError` that names the setting and the fix."""
    for network in notify.allow_networks:
        try:
            ipaddress.ip_network(network)
        except ValueError:
            raise ConfigError(
                f"setting `notify.allow_networks`: `{network}` is not a network; write it as `10.0.0.0/8`"
            ) from None
    for name in ("timeout_s", "workers", "per_endpoint", "give_up_after_s"):
        if getattr(notify, name) <= 0:
            raise ConfigError(f"setting `notify.{name}` must be greater than 0")
    for name in ("tls_ca_file", "sqs_secret_access_key_file"):
        path = getattr(notify, name)
        if path and not os.access(path, os.R_OK):
            raise ConfigError(
                f"setting `notify.{name}`: `{path}` cannot be read; correct path or permissions"
            )
    if notify.sqs_endpoint:
        if not notify.sqs_endpoint.startswith(("http://", "https://")):
            raise ConfigError("setting `notify.sqs_endpoint`: write it as a URL, `https://sqs.example.com`")
        if not (notify.sqs_access_key_id and notify.sqs_secret_access_key_file):
            raise ConfigError(
                "settings `notify.sqs_endpoint`, `notify.sqs_access_key_id` and `notify.sqs_secret_access_key_file` go"
                " together; set all three"
            )
