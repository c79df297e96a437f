"""The links in mail that is followed, wired: what records, what answers, and a listener of their own if one is set."""

from collections.abc import Callable
from pathlib import Path

from sesame.app.foundation import Services
from sesame.app.listening import Listening
from sesame.app.process import free_descriptors
from sesame.feedback.tracking import Tracker
from sesame.server.listener import Bounds, HttpServer
from sesame.server.tracking import TrackingDoor, TrackingPages

DAY_S = 86_400.0
NO_BODY_BYTES = 4_096
"""No request for a link has a body; so much of one is read past."""


def make_pages(services: Services, *, recorded: Callable[[], None]) -> TrackingPages:
    """What answers; `recorded` is the hint for who reacts to events."""
    settings = services.settings.tracking
    tracker = Tracker(
        services.store,
        key=services.tracking_key,
        clock=services.clock,
        log=services.log,
        lives_s=settings.days * DAY_S,
        most_events=settings.most_events,
        recorded=recorded,
    )
    return TrackingPages(tracker, trusted_proxy=settings.trusted_proxy)


def make_listener(services: Services, pages: TrackingPages, listening: Listening) -> HttpServer | None:
    """The listener that serves these links alone, None where the settings name none."""
    settings = services.settings.tracking
    if not settings.listen:
        return None
    found = None
    if settings.tls_certificate:
        chain, key = Path(settings.tls_certificate), Path(settings.tls_private_key)
        found = listening.certificate(chain, key, setting="tracking.tls_certificate")
    return HttpServer(
        listening.on_or_any("tracking.listen", settings.listen, settings.port),
        TrackingDoor(pages),
        Bounds(
            max_body_bytes=NO_BODY_BYTES,
            memory_bytes=1_000 * NO_BODY_BYTES,
            connections=min(services.settings.api.connections, free_descriptors()),
            patience_s=10.0,
            keep_alive_s=15.0,
        ),
        certificate=found,
        clock=services.clock,
        log=services.log,
        refused=lambda reason: services.metrics.connections_refused.labels("tracking", reason).inc(),
    )
