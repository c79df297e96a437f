"""The reaction to what happened, wired: counting, suppression, forwarding by mail, the verdict on accounts."""

from collections.abc import Callable

from sesame.app.foundation import Services
from sesame.app.inbound import return_path_domain
from sesame.feedback.forward import Forwarder, ForwardingNames
from sesame.feedback.react import Reactor


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
        thresholds=settings.reputation,
        simulators=settings.simulator.all_domains,
        forwarder=Forwarder(services.system_mail, names),
        spooled=spooled,
        moved_on=moved_on,
        metrics=services.metrics,
        listed_for_s=settings.suppression.global_days * 86_400.0,
    )
