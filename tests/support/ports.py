"""TCP ports that are named before somebody listens there."""

import random
import socket
from collections.abc import Set
from contextlib import ExitStack

RANGE = range(18_000, 32_000)
"""Below what Linux gives to connections and to port 0, so that no other test comes by one of them unasked."""


def free_ports(count: int, *, host: str = "127.0.0.1", but_not: Set[int] = frozenset()) -> list[int]:
    """Ports where nobody listens now, each only once; by chance, so that tests side by side do not meet.

    `but_not` are those where somebody is to listen soon.
    """
    chance = random.SystemRandom()  # the seed of a test run is the same in all its processes
    found: list[int] = []
    with ExitStack() as held:
        for port in chance.sample(RANGE, 1_000):
            if len(found) == count:
                return found
            if port in but_not:
                continue
            try:
                held.enter_context(socket.create_server((host, port)))
            except OSError:
                continue
            found.append(port)
    raise RuntimeError(f"{count} free ports are not to be had")


def free_port() -> int:
    """One of them."""
    return free_ports(1)[0]
