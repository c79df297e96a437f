"""What the process has of the machine."""

import resource
from pathlib import Path

RESERVED_DESCRIPTORS = 256
"""Kept from the API's clients for the store, DNS, delivery and SMTP."""


def free_descriptors() -> int:
    """How many connections of clients the process may have open, and still open what it needs itself."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return max(RESERVED_DESCRIPTORS, limit - RESERVED_DESCRIPTORS)


def machine_boot_id() -> str:
    """What tells this run of the machine from the ones before; empty where that is not known."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
