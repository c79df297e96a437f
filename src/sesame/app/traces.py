"""OpenTelemetry traces: one tracer for the process, which sends spans by OTLP over HTTP.

OpenTelemetry is an extra of the distribution and is imported here alone, and only when `traces.endpoint` is set.
INVARIANT (I9): spans carry ids, codes and counts; no address, subject, host name or text of an error.
Sources: W3C Trace Context; OpenTelemetry trace specification and semantic conventions.
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from sesame.config.traces import Traces
from sesame.errors import ConfigError, ServiceError

Attribute = str | int | float | bool
Attributes = Mapping[str, Attribute | None]
"""Those that are None are left out."""

EXPORT_TIMEOUT_S = 3.0
"""How long the receiver may take for one export, and how long the end of the process waits for the last."""

_TRACE_ID: ContextVar[int | None] = ContextVar("trace_id", default=None)
"""The trace that the next root span belongs to, where that is not a new one."""


def make_tracer(settings: Traces, *, version: str) -> "Tracer | None":
    """The tracer of this process, None when `traces.endpoint` is empty.

    Raises `ConfigError` where the extra is not installed.
    """
    if not settings.endpoint:
        return None
    try:
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
        from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
    except ImportError as error:
        raise ConfigError(
            "setting `traces.endpoint` needs OpenTelemetry, which is not installed:"
            " run `pip install 'sesame-ses[traces]'`, or leave the setting empty"
        ) from error
    provider = TracerProvider(
        sampler=ParentBased(TraceIdRatioBased(settings.sample_ratio)),
        resource=Resource.create({"service.name": "sesame", "service.version": version}),
        id_generator=_TraceIds(RandomIdGenerator()),
        shutdown_on_exit=False,
    )
    exporter = OTLPSpanExporter(
        endpoint=f"{settings.endpoint.rstrip('/')}/v1/traces", timeout=EXPORT_TIMEOUT_S
    )
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return Tracer(provider, trace, version=version)


def delivery_trace_id(message_id: str) -> int:
    """The trace that all attempts of a message belong to, whichever process makes them."""
    return int.from_bytes(hashlib.sha256(message_id.encode()).digest()[:16], "big") or 1


class Tracer:
    """Makes spans. `provider` is OpenTelemetry's, `trace` the module of its API."""

    def __init__(self, provider: Any, trace: Any, *, version: str) -> None:
        from opentelemetry.context import Context
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._provider = provider
        self._trace = trace
        self._tracer = provider.get_tracer("sesame", version)
        self._no_parent = Context()
        self._propagator = TraceContextTextMapPropagator()

    @contextmanager
    def request(self, name: str, headers: Mapping[str, str], attributes: Attributes) -> Iterator[None]:
        """A request of a client, in the trace that its `traceparent` names, if it has one that can be read."""
        context = self._propagator.extract(headers, self._no_parent)
        with self._span(name, self._trace.SpanKind.SERVER, attributes, context):
            yield

    @contextmanager
    def delivery(self, name: str, message_id: str, attributes: Attributes) -> Iterator[None]:
        """Something that is done for an accepted message, in the trace of its delivery."""
        token = _TRACE_ID.set(delivery_trace_id(message_id))
        try:
            with self._span(name, self._trace.SpanKind.CONSUMER, attributes, self._no_parent):
                yield
        finally:
            _TRACE_ID.reset(token)

    @contextmanager
    def root(self, name: str, attributes: Attributes) -> Iterator[None]:
        """Something that is done for nobody's request, in a trace of its own."""
        with self._span(name, self._trace.SpanKind.CONSUMER, attributes, self._no_parent):
            yield

    @contextmanager
    def step(self, name: str, attributes: Attributes) -> Iterator[None]:
        """A step of what goes on now."""
        with self._span(name, self._trace.SpanKind.INTERNAL, attributes, None):
            yield

    def annotate(self, attributes: Attributes) -> None:
        """Add attributes to the current span."""
        self._trace.get_current_span().set_attributes(_present(attributes))

    def rename(self, name: str) -> None:
        """Name the current span by what has turned out to be done."""
        self._trace.get_current_span().update_name(name)

    def fail(self) -> None:
        """Mark the current span as failed by a fault of ours."""
        self._trace.get_current_span().set_status(self._trace.StatusCode.ERROR)

    def link_delivery(self, message_id: str) -> None:
        """Link the current span to the trace of a message's delivery."""
        trace_id = delivery_trace_id(message_id)
        linked = self._trace.SpanContext(
            trace_id=trace_id,
            span_id=trace_id & 0xFFFF_FFFF_FFFF_FFFF or 1,
            is_remote=True,
            trace_flags=self._trace.TraceFlags(self._trace.TraceFlags.SAMPLED),
        )
        self._trace.get_current_span().add_link(linked)

    def trace_id(self) -> str | None:
        """The current trace's id in hexadecimal, for the log."""
        context = self._trace.get_current_span().get_span_context()
        return f"{context.trace_id:032x}" if context.is_valid else None

    def close(self) -> None:
        """Send what has ended, and end."""
        self._provider.shutdown()

    @contextmanager
    def _span(self, name: str, kind: Any, attributes: Attributes, context: Any) -> Iterator[None]:
        with self._tracer.start_as_current_span(
            name,
            context=context,
            kind=kind,
            attributes=_present(attributes),
            record_exception=False,  # its text may hold addresses
            set_status_on_exception=False,
        ) as span:
            try:
                yield
            except ServiceError as refusal:
                span.set_attribute("error.type", refusal.code)
                raise
            except Exception as error:
                span.set_attribute("error.type", type(error).__name__)
                span.set_status(self._trace.StatusCode.ERROR)
                raise


class _TraceIds:
    """An id generator that puts a root span into the trace that is named for it, else a new one."""

    def __init__(self, random: Any) -> None:
        self._random = random

    def generate_span_id(self) -> int:
        """A span's id."""
        number: int = self._random.generate_span_id()
        return number

    def generate_trace_id(self) -> int:
        """A trace's id."""
        wanted = _TRACE_ID.get()
        number: int = self._random.generate_trace_id() if wanted is None else wanted
        return number

    def is_trace_id_random(self) -> bool:
        """A digest of a message id is as evenly spread."""
        return True


def _present(attributes: Attributes) -> dict[str, Attribute]:
    return {name: value for name, value in attributes.items() if value is not None}
