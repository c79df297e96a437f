"""The role that notifies people: expanding events and delivering the outbox, wired."""

import asyncio
import random
import ssl
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from sesame.access.changes import SESAME
from sesame.app import traced
from sesame.app.foundation import Services, house
from sesame.config.notify import Notify
from sesame.db import AT_ONCE, Store, Transaction, in_parts
from sesame.delivery.tls import TlsContexts
from sesame.dns.public import AddressGuard
from sesame.errors import Unavailable
from sesame.notify.certificate import Signing, signing
from sesame.notify.deliver import Bounds, Notifier
from sesame.notify.envelopes import Messages
from sesame.notify.expand import Expander
from sesame.notify.http_client import HttpClient
from sesame.notify.jetstream import JetStream, nats_client
from sesame.notify.sqs_client import QueueAccess, SqsClient
from sesame.notify.webhook import WebhookSigner
from sesame.store import ended_targets, events, outbox, subscriptions

ANYWHERE = ("0.0.0.0/0", "::/0")
"""Where the operator's own services may be."""

DROP_EVERY_S = 1.0
TIDY_EVERY_S = 3_600.0
LONGEST_WAIT_S = 7_200.0
"""Longer than any pause between attempts: policies and Retry-After give an hour at most, chance a quarter more."""


class NotifyRole:
    """Expander, notifier and the signing certificate; `start` before anything is served, then what `roles` names."""

    def __init__(self, services: Services, *, public_url: str, mailed: Callable[[], None]) -> None:
        self._services = services
        self._public_url = public_url
        self._mailed = mailed
        self._notifier: Notifier | None = None
        self._signing: Signing | None = None
        self._expander = Expander(
            services.store,
            house(services.settings),
            audited=self._audited,
            clock=services.clock,
            log=services.log,
            new_lease=lambda: services.ids.hex(16),
            published=self.published,
            stream_subject=stream_subject(services.settings.notify),
        )

    async def _audited(
        self,
        account_id: str,
        region: str,
        parameters: Mapping[str, object],
        run: Callable[[Transaction], Awaitable[bool]],
    ) -> bool:
        acts = self._services.acts.by(SESAME)
        return await acts.apply(
            "SetIdentityNotificationTopic", account_id, run, region=region, parameters=parameters, when=bool
        )

    def wake(self) -> None:
        """Something may have happened that people are notified of."""
        self._expander.wake()

    def published(self) -> None:
        """Something may be in the outbox."""
        if self._notifier is not None:
            self._notifier.wake()

    def certificate(self, path: str) -> str | None:
        """The certificate at a path, None for any other."""
        found = self._signing
        return found.certificate if found is not None and found.path == path else None

    async def start(self) -> None:
        """Have the signing key, and free what a predecessor held."""
        services = self._services
        now = services.clock.now()
        host = urlsplit(self._public_url).hostname or "localhost"
        self._signing = await signing(services.store, services.sealer, now=now, host=host)
        await services.store.write(lambda tx: outbox.release_all(tx, now=now))
        await hasten(services.store, now=now)
        await services.store.write(events.release_all)
        self._notifier = self._make_notifier(self._signing)

    def roles(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """What runs until it is cancelled, by name; after `start`."""
        assert self._notifier is not None
        found: dict[str, Callable[[], Awaitable[None]]] = {
            "expanding": self._expander.run,
            "outbox": self._tidy,
        }
        if self._services.settings.notify.enabled:
            found["notifying"] = self._notifier.run
        return found

    async def _tidy(self) -> None:
        """Drop what waits for targets that are gone; now and then let go of what is old."""
        clock = self._services.clock
        tidied_at = clock.monotonic()
        while True:
            await asyncio.sleep(DROP_EVERY_S)
            try:
                await drop_ended(self._services.store)
                if clock.monotonic() - tidied_at >= TIDY_EVERY_S:
                    tidied_at = clock.monotonic()
                    await tidy(self._services)
            except Unavailable as error:
                self._services.log.error("outbox_purge_failed", reason=str(error))

    def _make_notifier(self, key: Signing) -> Notifier:
        services, settings = self._services, self._services.settings.notify
        messages = Messages(
            key,
            public_url=self._public_url,
            token_key=services.subscription_key,
            executor=services.executor,
        )
        ways = traced.classes(services.tracer).ways(
            messages,
            http=self._http(AddressGuard(settings.allow_networks), may_be_plain=settings.allow_http),
            clock=services.clock,
            sqs=self._sqs(),
            webhooks=WebhookSigner(services.store, services.sealer),
            stream=self._stream(),
        )
        return Notifier(
            services.store,
            messages,
            ways,
            mail=services.system_mail.put,
            switch_off=services.webhooks.switch_off,
            clock=services.clock,
            log=services.log,
            metrics=services.metrics,
            draw=random.SystemRandom().random,
            new_lease=lambda: services.ids.hex(16),
            bounds=Bounds(
                workers=settings.workers,
                per_endpoint=settings.per_endpoint,
                give_up_after_s=settings.give_up_after_s,
            ),
            mailed=self._mailed,
        )

    def _http(self, guard: AddressGuard, *, may_be_plain: bool) -> HttpClient:
        settings = self._services.settings
        return HttpClient(
            self._services.resolver,
            guard,
            self._context(),
            clock=self._services.clock,
            may_be_plain=may_be_plain,
            timeout_s=settings.notify.timeout_s,
        )

    def _context(self) -> ssl.SSLContext:
        return TlsContexts(self._services.settings.notify.tls_ca_file).checked

    def _stream(self) -> JetStream | None:
        """The operator's stream. Raises `ConfigError` where its client is not installed."""
        settings = self._services.settings.notify
        if not settings.nats_servers:
            return None
        password = settings.nats_password_file
        return JetStream(
            nats_client(),
            settings.nats_servers,
            context=self._context(),
            user=settings.nats_user,
            password=Path(password).read_text().strip() if password else "",
            timeout_s=settings.timeout_s,
        )

    def _sqs(self) -> SqsClient | None:
        settings = self._services.settings.notify
        if not settings.sqs_endpoint:
            return None
        access = QueueAccess(
            endpoint=settings.sqs_endpoint,
            access_key_id=settings.sqs_access_key_id,
            secret_access_key=Path(settings.sqs_secret_access_key_file).read_text().strip(),
        )
        # The operator named it: no stranger says where it leads.
        return SqsClient(
            self._http(AddressGuard(ANYWHERE), may_be_plain=True), access, clock=self._services.clock
        )


def stream_subject(settings: Notify) -> str | None:
    """Where every event is published for the operator, None: nowhere."""
    return settings.nats_subject if settings.nats_servers else None


async def tidy(services: Services) -> None:
    """Let go of subscriptions that nobody confirmed in time, and of publications past the retention of messages.

    What waits for longer than anything may is due: the clock has been set back since.
    """
    past = services.ages.now()
    await hasten(services.store, now=services.clock.now())
    before = past - services.settings.retention_days * 86_400.0
    await in_parts(services.store, lambda tx: subscriptions.purge_pending(tx, now=past, limit=AT_ONCE))
    await in_parts(services.store, lambda tx: outbox.purge_before(tx, before, limit=AT_ONCE))


async def drop_ended(store: Store) -> None:
    """Drop what waits for targets that are gone, so many rows a write."""
    if await store.read(ended_targets.has_ended, is_short=True):
        await in_parts(store, lambda tx: ended_targets.drop_ended(tx, limit=AT_ONCE))


async def hasten(store: Store, *, now: float) -> None:
    """Make due what waits for longer than anything may, so many rows a write."""
    after = now + LONGEST_WAIT_S
    while seqs := await store.read(lambda tx: outbox.far_off(tx, after=after, limit=AT_ONCE)):
        await store.write(lambda tx, seqs=seqs: outbox.hasten(tx, seqs, now=now, after=after), is_long=True)  # type: ignore[misc]
