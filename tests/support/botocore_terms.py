"""What botocore reads, in our terms."""

from datetime import datetime
from typing import Any


def from_botocore(value: Any) -> Any:
    """A parsed reply with Unix seconds for datetimes, and no metadata."""
    if isinstance(value, dict):
        return {key: from_botocore(item) for key, item in value.items() if key != "ResponseMetadata"}
    if isinstance(value, list):
        return [from_botocore(item) for item in value]
    return value.timestamp() if isinstance(value, datetime) else value
