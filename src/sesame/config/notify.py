"""The settings of telling people: how endpoints are reached, and how much of it goes on at once."""

import ipaddress
import os
import re
from typing import Any

import msgspec

from sesame.config.numbers import require_positive
from sesame.errors import ConfigError

SUBJECT = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")


class Notify(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From events and topics to the endpoints of those who subscribed."""

    enabled: bool = True
    """Whether this process delivers notifications; when off, they wait in the outbox."""
    allow_networks: tuple[str, ...] = ()
    """Private or loopback networks that endpoints may resolve into (CIDR); others are refused."""
    allow_http: bool = False
    """Whether endpoints may be plain HTTP; the development profile allows it."""
    tls_ca_file: str = ""
    """PEM file of the CAs that endpoints' certificates are checked against; empty: the system's."""
    timeout_s: float = 15.0
    """How long one delivery may take."""
    workers: int = 64
    """Most concurrent deliveries."""
    per_endpoint: int = 8
    """Most concurrent deliveries to one endpoint."""
    give_up_after_s: float = 259_200.0
    """How long deliveries to an endpoint without a delivery policy are retried; after that they are kept as dead."""
    sqs_endpoint: str = ""
    """URL of an SQS-compatible service for queue subscriptions; empty: none."""
    sqs_access_key_id: str = ""
    """Access key ID for that service."""
    sqs_secret_access_key_file: str = ""
    """File with the secret access key."""
    nats_servers: tuple[str, ...] = ()
    """URLs of NATS servers (`nats://`, `tls://`), tried in their order: every event is published to JetStream there."""
    nats_subject: str = "sesame.events"
    """The subject; a stream has to have it."""
    nats_user: str = ""
    """The user to log in as; empty: nobody in particular."""
    nats_password_file: str = ""
    """File with that user's password."""


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
    require_positive("notify", notify, "timeout_s", "workers", "per_endpoint", "give_up_after_s")
    for name in ("tls_ca_file", "sqs_secret_access_key_file", "nats_password_file"):
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
    _check_nats(notify)


def _check_nats(notify: Notify) -> None:
    for server in notify.nats_servers:
        scheme, _, rest = server.partition("://")
        if scheme not in ("nats", "tls") or not rest or not server.isprintable() or " " in server:
            raise ConfigError(
                f"setting `notify.nats_servers`: `{server}` is not a URL of NATS; write it as"
                " `nats://nats.example.com:4222` or `tls://nats.example.com:4222`"
            )
        if "@" in rest:
            raise ConfigError(
                "setting `notify.nats_servers`: leave user and password out of the URL; set `notify.nats_user` and"
                " `notify.nats_password_file`"
            )
    if not SUBJECT.fullmatch(notify.nats_subject):
        raise ConfigError(
            f"setting `notify.nats_subject`: `{notify.nats_subject}` is not a subject; write words of letters, digits,"
            " `-` and `_` with dots between them"
        )
    if bool(notify.nats_user) != bool(notify.nats_password_file):
        raise ConfigError("settings `notify.nats_user` and `notify.nats_password_file` go together; set both")
