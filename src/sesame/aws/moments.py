"""Times as AWS writes them in JSON that people read."""

from datetime import UTC, datetime
from functools import lru_cache


@lru_cache(maxsize=256)  # what is published of one moment says it several times
def timestamp(at: float) -> str:
    """`2022-03-28T23:59:32.804Z`."""
    ms = milliseconds(at)
    whole = datetime.fromtimestamp(ms // 1000, UTC)
    return f"{whole.isoformat()[:19]}.{ms % 1000:03d}Z"


def milliseconds(at: float) -> int:
    """A time in whole milliseconds, as message ids have it."""
    return int(at * 1000)
