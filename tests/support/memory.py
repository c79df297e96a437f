"""What the tests write stays in memory where there is room for it: a disk is waited for at every commit.

The servers know nothing of it and ask for each commit to be durable, as ever.
"""

import os
import shutil
from collections.abc import MutableMapping
from pathlib import Path

PLACE = Path("/dev/shm")
ROOM = 6 << 30
"""Bytes that must be free: a whole run writes some 2 GB, and several may run side by side."""

VARIABLE = "PYTEST_DEBUG_TEMPROOT"
"""Where pytest makes its temporary directories; who sets it himself has it his way."""


def use(environ: MutableMapping[str, str], place: Path = PLACE) -> None:
    """Let pytest make its directories in memory, where a program can be run from there too."""
    if VARIABLE in environ or not place.is_dir() or not os.access(place, os.W_OK):
        return
    may_run = not os.statvfs(place).f_flag & os.ST_NOEXEC
    if may_run and shutil.disk_usage(place).free >= ROOM:
        environ[VARIABLE] = str(place)
