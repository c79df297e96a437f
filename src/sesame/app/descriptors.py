"""Open files: the limit is raised at the start, and delivery gets what the doors leave.

A connection of a client must never be turned away because delivery keeps connections to other servers.
"""

import resource
from dataclasses import dataclass

from sesame.config import Settings

WANTED = 65_536
"""Files that we ask for, as far as the hard limit allows."""
OWN = 64
"""For the database, log, resolver and what else is open."""
API = 128
"""For the HTTP door, at least."""
LEAST = 16
"""Places that delivery has even on a machine that gives hardly any files."""


def raise_limit() -> int:
    """Raise the soft limit of open files as far as may be; what it is then."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED if hard == resource.RLIM_INFINITY else min(WANTED, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
        except (OSError, ValueError):  # a container may forbid it
            pass
    return WANTED if soft == resource.RLIM_INFINITY else soft


@dataclass(frozen=True, slots=True)
class Share:
    """Connections that delivery may have: under way, and kept."""

    places: int
    idle: int


def share_of_delivery(settings: Settings, limit: int) -> Share:
    """What the settings ask for, or less where the doors would not have enough files then.

    The submission door has its connections for sure up to a quarter of the files, delivery never more than half.
    """
    doors = API + (min(settings.submission.connections, limit // 4) if settings.submission.enabled else 0)
    left = max(2 * LEAST, min(limit // 2, limit - OWN - doors))
    places = min(settings.delivery.workers, left // 2)
    return Share(places=places, idle=min(settings.delivery.idle_connections, left - places))
