"""The role that delivers: what a scheduler needs, wired, and what goes on beside it."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial

from sesame.access.directory import Directory
from sesame.access.redecide import Redecider
from sesame.app import traced
from sesame.app.descriptors import raise_limit, share_of_delivery
from sesame.app.foundation import SIGNING_THREADS, Services
from sesame.app.relays import in_hosts_file, relay_routes
from sesame.db import Transaction
from sesame.delivery.attempt import Asks, Deliverer
from sesame.delivery.authority import Authority
from sesame.delivery.bodies import Bodies
from sesame.delivery.egress import Sources
from sesame.delivery.https import HttpsClient
from sesame.delivery.lanes import Lanes, Limits
from sesame.delivery.memory import Memory
from sesame.delivery.mta_sts import StsPolicies
from sesame.delivery.retry import RetryPolicy
from sesame.delivery.route import Host, Router
from sesame.delivery.scheduler import Scheduler
from sesame.delivery.settings import SettingsCache
from sesame.delivery.signing import Signing
from sesame.delivery.timeouts import Timeouts
from sesame.delivery.tls import TlsContexts
from sesame.delivery.tls_policy import TlsPolicy
from sesame.delivery.tls_report import Report, TlsReports, TlsResults
from sesame.delivery.tracking import Tracking
from sesame.dns.public import AddressGuard
from sesame.errors import Unavailable
from sesame.mail.address import AddressError, identity_candidates
from sesame.mail.message import received_field
from sesame.mail.return_path import make_return_path
from sesame.spool.put import SpooledMessage
from sesame.spool.spool import Claim
from sesame.store.events import Stage

REFRESH_EVERY_S = 3600.0
FLUSH_EVERY_S = 60.0


class Delivering:
    """The scheduler and the pool of connections; `recorded` is called with a stage at which events wait now.

    `mx_port` is where MX hosts listen; `own_hosts` are domains that are served here, by name.
    """

    def __init__(
        self,
        services: Services,
        *,
        mx_port: int,
        own_hosts: Mapping[str, Host],
        recorded: Callable[[Stage], None],
    ) -> None:
        settings = services.settings.delivery
        self._services = services
        self._guard = AddressGuard(settings.allow_networks)
        self._contexts = TlsContexts(settings.tls_ca_file)
        self._sts: StsPolicies | None = None
        self._results: TlsResults | None = None
        self._reports: TlsReports | None = None
        https = HttpsClient(services.resolver, self._guard, self._contexts.checked)
        if settings.mta_sts:
            self._sts = StsPolicies(services.store, services.resolver, https.get, clock=services.clock)
        if settings.tls_reports:
            self._results = TlsResults(clock=services.clock)
            self._reports = self._make_reports(https)
        self._bodies = Bodies(services.spool, clock=services.clock)
        share = share_of_delivery(services.settings, raise_limit())
        timeouts = Timeouts.scaled(settings.timeout_s / 300.0, attempt_s=settings.lease_s)
        self.pool = traced.classes(services.tracer).pool(
            hostname=settings.hostname,
            timeouts=timeouts,
            clock=services.clock,
            contexts=self._contexts,
            max_idle=share.idle,
        )
        lanes = Lanes(
            Limits(
                places=share.places,
                per_domain=settings.per_domain,
                per_address=settings.per_address,
                first_closed_s=settings.first_delay_s / 8,
            )
        )
        self.sources = Sources(
            services.sources,
            services.store,
            plan=services.warmup_plan,
            clock=services.clock,
            log=services.log,
        )
        owners = SettingsCache(
            services.store,
            services.sealer,
            candidates=identity_candidates,
            signing_domain=settings.signing_domain,
            with_ed25519=services.settings.dns.dkim_ed25519,
        )
        router = self._make_router(mx_port, own_hosts)
        deliverer = self._make_deliverer(router, owners, attempt_s=timeouts.attempt_s)
        self.scheduler = self._make_scheduler(deliverer, owners, lanes, recorded)

    def roles(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """What goes on beside delivery, by name."""
        found: dict[str, Callable[[], Awaitable[None]]] = {}
        if self._sts is not None:
            found["mta_sts"] = partial(self._refresh_policies, self._sts)
        if self._results is not None and self._reports is not None:
            found["tls_reports"] = partial(self._report_tls, self._results, self._reports)
        return found

    def accepted(self, message: SpooledMessage) -> None:
        """A message has been accepted, durably: it may be due at once, if it is this process that delivers."""
        if not self._services.settings.delivery.enabled:
            return
        self._bodies.keep(message)
        self.scheduler.wake(message.account_id, message.recipients)

    def _make_scheduler(
        self,
        deliverer: Deliverer,
        owners: SettingsCache,
        lanes: Lanes,
        recorded: Callable[[Stage], None],
    ) -> Scheduler:
        services, settings = self._services, self._services.settings.delivery
        return traced.classes(services.tracer).scheduler(
            services.spool,
            deliverer,
            owners,
            self.pool,
            RetryPolicy(
                first_delay_s=settings.first_delay_s,
                longest_delay_s=settings.longest_delay_s,
                give_up_after_s=settings.give_up_after_s,
            ),
            lanes,
            clock=services.steady,
            wall=services.clock,
            log=services.log,
            metrics=services.metrics,
            draw=random.SystemRandom().random,
            holder=services.ids.hex(16),
            lease_s=settings.lease_s,
            recorded=recorded,
        )

    def _make_router(self, mx_port: int, own_hosts: Mapping[str, Host]) -> Router:
        settings = self._services.settings.delivery
        return traced.classes(self._services.tracer).router(
            self._services.resolver,
            self._guard,
            draw=random.SystemRandom().random,
            routes=relay_routes(settings),
            mx_port=mx_port,
            own_names=(settings.hostname, *settings.own_names),
            own_addresses=settings.own_addresses,
            hosts_file=in_hosts_file,
            own_hosts=own_hosts,
        )

    def _make_deliverer(self, router: Router, owners: SettingsCache, *, attempt_s: float) -> Deliverer:
        services, settings = self._services, self._services.settings.delivery
        default = settings.return_path_domain or settings.hostname

        def return_path(message_id: str, recipient_index: int, domain: str | None) -> str:
            return make_return_path(
                services.return_path_key, message_id, recipient_index, domain=domain or default
            )

        def trace_field(claim: Claim) -> bytes:
            return received_field(
                hostname=settings.hostname, message_id=claim.message_id, at=claim.accepted_at
            )

        tracking = Tracking(
            services.store, services.large, key=services.tracking_key, url=services.tracking_url
        )
        return traced.classes(services.tracer).deliverer(
            router,
            TlsPolicy(services.resolver, sts=self._sts, dane=settings.dane),
            self.pool,
            owners,
            Signing(services.executor, threads=SIGNING_THREADS, large=services.large),
            services.clock,
            sources=self.sources,
            body=self._bodies.read,
            return_path=return_path,
            trace_field=trace_field,
            track=tracking.copy if services.settings.tracking.enabled else None,
            results=self._results,
            memory=Memory(settings.memory_bytes),
            attempt_s=attempt_s,
            still_allowed=self._authority() if settings.revoke_queued else None,
        )

    def _authority(self) -> Asks:
        services = self._services
        directory = Directory(services.store, services.sealer)
        redecider = Redecider(services.store, directory, candidates=identity_candidates)
        return Authority(redecider.decide, clock=services.clock).check

    def _make_reports(self, https: HttpsClient) -> TlsReports:
        services, hostname = self._services, self._services.settings.delivery.hostname

        async def mail(tx: Transaction, mailbox: str, report: Report) -> None:
            try:
                await services.system_mail.put_tls_report(
                    tx,
                    to=mailbox,
                    domain=report.domain,
                    report_id=report.report_id,
                    file_name=report.file_name,
                    report=report.data,
                    at=services.clock.now(),
                )
            except AddressError as error:
                raise ValueError(str(error)) from error

        return TlsReports(
            services.store,
            services.resolver,
            clock=services.clock,
            submitter=hostname,
            contact=f"postmaster@{hostname}",
            mail=mail,
            post=partial(https.post, content_type="application/tlsrpt+gzip"),
        )

    async def _refresh_policies(self, policies: StsPolicies) -> None:
        """Fetch MTA-STS policies again before they expire."""
        while True:
            await asyncio.sleep(REFRESH_EVERY_S)
            try:
                await policies.refresh_due()
            except Unavailable as error:
                self._services.log.error("mta_sts_refresh_failed", reason=str(error))

    async def _report_tls(self, results: TlsResults, reports: TlsReports) -> None:
        """Keep the counts of TLS sessions, and send what is due of the days before."""
        services, report_at = self._services, 0.0
        try:
            while True:
                try:
                    await results.flush(services.store)
                    if services.clock.monotonic() >= report_at:
                        report_at = services.clock.monotonic() + REFRESH_EVERY_S
                        await reports.send_due()
                except Unavailable as error:
                    services.log.error("tls_reports_failed", reason=str(error))
                await asyncio.sleep(FLUSH_EVERY_S)
        finally:
            with suppress(Unavailable):
                await results.flush(services.store)
