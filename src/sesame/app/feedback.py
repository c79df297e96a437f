"""The reaction to what happened, wired: counting, suppression, forwarding by mail, the verdict on accounts."""

from collections.abc import Callable

from sesame.app.foundation import Services
from sesame.app.inbound import return_path_domain
from sesame.config import Settings
from sesame.feedback.forward import Forwarder, ForwardingNames
from sesame.feedback.react import Reactor
from sesame.model import Thresholds


def make_reactor(services: Services, *, spooled: Callable[[], None], moved_on: Callable[[], None]) -> Reactor:
    """What reacts to new events; `spooled` is called after it put mail into the spool, `moved_on` after events."""
    settings = services.settings
    names = ForwardingNames(
        hostname=settings.delivery.hostname,
        return_path_domain=return_path_domain(services),
        feedback_addresses=frozenset(address.lower() for address in settings.inbound.feedback_addresses),
    )
    return Reactor(
        services.store,
        clock=services.clock,
        log=services.log,
        new_lease=lambda: services.ids.hex(16),
        thresholds=thresholds(settings),
        simulators=settings.simulator.all_domains,
        forwarder=Forwarder(services.system_mail, names),
        spooled=spooled,
        moved_on=moved_on,
        metrics=services.metrics,
        listed_for_s=settings.suppression.global_days * 86_400.0,
    )


def thresholds(settings: Settings) -> Thresholds:
    """When an account is under review, and when paused."""
    found = settings.reputation
    return Thresholds(
        volume=found.volume,
        bounce_review=found.bounce_review,
        bounce_pause=found.bounce_pause,
        complaint_review=found.complaint_review,
        complaint_pause=found.complaint_pause,
    )
