"""What `doctor` rests on: the settings and the machine, a look at ports, and the time of a time server."""

import asyncio
import os
import shutil
import socket
import struct
import time
from collections.abc import Sequence
from pathlib import Path

from sesame.admin.doctor import Facts, Finding, SendingAddress, SendingDomain, examine
from sesame.app.foundation import Services
from sesame.config import Settings, parse_host_port
from sesame.db import Transaction
from sesame.errors import Unavailable
from sesame.model import IdentityKind, VerificationStatus
from sesame.store import dkim_keys, identities, mail_from

CONNECT_S = 5.0
RESERVE_BYTES = 1_000_000_000
NTP_EPOCH_S = 2_208_988_800
"""Seconds from 1900, where NTP begins, to 1970 (RFC 5905)."""


async def look(services: Services, domains: Sequence[str], *, probe: str, ntp: str) -> list[Finding]:
    """Examine this instance and the domains named, or all that are verified.

    `probe` is a domain to whose MX a connection is tried, `ntp` a time server; empty: none.
    """
    return await examine(
        await _facts(services, domains, probe),
        services.resolver,
        connect=_connect,
        clock_offset_s=lambda: _clock_offset_s(ntp),
        now=services.clock.now(),
    )


async def _facts(services: Services, wanted: Sequence[str], probe: str) -> Facts:
    settings = services.settings
    delivery, names = settings.delivery, services.checks.names
    usage, inodes = shutil.disk_usage(settings.data_dir), os.statvfs(settings.data_dir)
    records = await services.signing_domain.records()
    own_keys = [(r.name, r.value.partition("p=")[2]) for r in records if r.purpose == "DKIM"]
    return Facts(
        hostname=delivery.hostname,
        return_path_domain=delivery.return_path_domain or delivery.hostname,
        mail_from_mx=names.mail_from_mx,
        mail_from_spf=names.mail_from_spf,
        own_addresses=delivery.own_addresses,
        egress=tuple(
            SendingAddress(address=one.address, hello=one.hello, problem=_cannot_bind(one.bind))
            for one in services.sources
        ),
        own_keys=tuple(own_keys),
        domains=await _domains(services, wanted),
        certificates=tuple(
            (f"{section}.tls_certificate", _read(door.tls_certificate))
            for section, door in (("api", settings.api), ("submission", settings.submission))
            if door.tls_certificate
        ),
        ports=_ports(settings),
        free_bytes=usage.free,
        free_inodes=inodes.f_favail if inodes.f_files else None,
        reserve_bytes=max(RESERVE_BYTES, 3 * settings.accounts.v2_message_bytes),
        trusts_ad=services.trusts_ad,
        is_relayed=bool(delivery.relay),
        leads_nowhere=settings.tracking.enabled and not services.tracking_url,
        probe=await _probe(services, probe),
    )


async def _domains(services: Services, wanted: Sequence[str]) -> tuple[SendingDomain, ...]:
    """The domains that have been verified, or those that were named."""

    async def run(tx: Transaction) -> tuple[SendingDomain, ...]:
        found: dict[SendingDomain, None] = {}
        for identity in await identities.all_of(tx, account_id=None):
            is_wanted = (
                identity.name in wanted if wanted else identity.verification is VerificationStatus.SUCCESS
            )
            if identity.kind is not IdentityKind.DOMAIN or not is_wanted:
                continue
            place = (identity.account_id, identity.region, identity.name)
            key, sender = await dkim_keys.get(tx, *place), await mail_from.get(tx, *place)
            second = await dkim_keys.get_ed25519(tx, *place)
            known = SendingDomain(
                name=identity.name,
                keys=(
                    *(() if key is None else ((key.selector, key.public_key),)),
                    *(
                        ((second.selector, second.public_key),)
                        if second is not None and second.is_seen
                        else ()
                    ),
                ),
                mail_from=None if sender is None else sender.domain,
            )
            found[known] = None
        named = {domain.name for domain in found}
        return (*found, *(SendingDomain(name=name) for name in wanted if name not in named))

    return await services.store.read(run)


def _ports(settings: Settings) -> tuple[tuple[str, str, int], ...]:
    doors = [("api.port", settings.api.listen, settings.api.port)]
    if settings.submission.enabled:
        doors += [("submission.ports", settings.submission.listen, p) for p in settings.submission.ports]
        doors += [
            ("submission.tls_ports", settings.submission.listen, p) for p in settings.submission.tls_ports
        ]
    local = {"0.0.0.0": "127.0.0.1", "::": "::1"}
    return tuple((setting, local.get(host, host), port) for setting, host, port in doors if port)


async def _probe(services: Services, domain: str) -> tuple[str, int] | None:
    """Where mail has to get to: the relay, or the best MX of the domain to probe with."""
    if services.settings.delivery.relay:
        return parse_host_port("delivery.relay", services.settings.delivery.relay)
    if not domain:
        return None
    try:
        records = await services.resolver.mx(domain)
        addresses = await services.resolver.addresses(records[0].exchange if records else domain)
    except Unavailable:
        return None
    return (addresses[0], services.settings.delivery.mx_port) if addresses else None


def _cannot_bind(address: str) -> str | None:
    """Why this machine cannot send from an address."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM) as sock:
        try:
            sock.bind((address, 0))
        except OSError as error:
            return error.strerror or str(error)
    return None


def _read(path: str) -> bytes | None:
    try:
        return Path(path).read_bytes()
    except OSError:
        return None


async def _connect(host: str, port: int) -> str | None:
    try:
        async with asyncio.timeout(CONNECT_S):
            _, writer = await asyncio.open_connection(host, port)
    except TimeoutError:
        return "no answer; a firewall may drop it"
    except OSError as error:
        return error.strerror or str(error)
    writer.transport.abort()
    return None


class _Sntp(asyncio.DatagramProtocol):
    """One question to a time server (RFC 4330), and how far our clock is ahead."""

    def __init__(self, answer: asyncio.Future[float]) -> None:
        self._answer = answer
        self._sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: ask."""
        self._sent_at = time.time()
        transport.sendto(b"\x23" + bytes(47))  # type: ignore[attr-defined]

    def datagram_received(self, data: bytes, addr: object) -> None:
        """asyncio: the answer."""
        if len(data) >= 48 and not self._answer.done():
            seconds, fraction = struct.unpack("!II", data[40:48])
            self._answer.set_result(
                (self._sent_at + time.time()) / 2 - (seconds - NTP_EPOCH_S + fraction / 2**32)
            )

    def error_received(self, exc: Exception) -> None:
        """asyncio: nobody there."""
        if not self._answer.done():
            self._answer.set_exception(exc)


async def _clock_offset_s(host: str) -> float | None:
    if not host:
        return None
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[float] = loop.create_future()
    try:
        async with asyncio.timeout(CONNECT_S):
            transport, _ = await loop.create_datagram_endpoint(lambda: _Sntp(answer), remote_addr=(host, 123))
            try:
                return await answer
            finally:
                transport.close()
    except OSError:
        return None
