"""The settings of OpenTelemetry traces: where spans go, and of how many requests."""

import msgspec

from sesame.errors import ConfigError


class Traces(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """OpenTelemetry traces, by OTLP over HTTP; needs the extra `sesame-ses[traces]`."""

    endpoint: str = ""
    """URL of the OTLP/HTTP receiver, such as `http://127.0.0.1:4318`; empty: no traces."""
    sample_ratio: float = 1.0
    """Share of requests and messages that are traced, 0 to 1; a request with a `traceparent` follows that."""


def check(traces: Traces) -> None:
    """What types cannot say. Raises `ConfigError` that names the setting and the fix."""
    if traces.endpoint and not traces.endpoint.startswith(("http://", "https://")):
        raise ConfigError("setting `traces.endpoint`: write it as a URL, such as `http://127.0.0.1:4318`")
    if not 0.0 <= traces.sample_ratio <= 1.0:
        raise ConfigError("setting `traces.sample_ratio` must lie between 0 and 1")
