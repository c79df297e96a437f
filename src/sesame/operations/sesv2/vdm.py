"""SES's Virtual Deliverability Manager, which is not here: it can be switched off, and is.

What it counts, GetMessageInsights and BatchGetMetricData tell without it. Source: SES API v2 reference.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from sesame.errors import InvalidParameterValue

ENABLED = "ENABLED"


def checked_vdm(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options or attributes as they are kept. Raises `InvalidParameterValue` for what would switch something on."""
    for name in _switched_on(options):
        raise InvalidParameterValue(
            f"{name} cannot be ENABLED: there is no Virtual Deliverability Manager here."
        )
    return dict(options)


def _switched_on(options: Mapping[str, Any]) -> Iterator[str]:
    for name, value in options.items():
        if isinstance(value, Mapping):
            yield from _switched_on(value)
        elif value == ENABLED:
            yield name
