"""Traces by OpenTelemetry: a span a call, below it one a stage; on where the environment says where to.

What is read is OpenTelemetry's own contract: `OTEL_EXPORTER_OTLP_ENDPOINT` (or `..._TRACES_ENDPOINT`) turns
it on, `OTEL_SERVICE_NAME`, `OTEL_TRACES_SAMPLER` and the rest work as its documentation says. A caller's
`traceparent` (W3C Trace Context) is taken up. Spans hold no personal data: method, code, reason, stage.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from matcher.errors import ArgumentError
from matcher.observe.metrics import CallOutcome
from matcher.stages import Stage

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
"""Variables of which one turns traces on."""

SERVICE_NAME = "OTEL_SERVICE_NAME"
"""Variable of the name that spans come under."""

DEFAULT_SERVICE = "matcher"
"""That name where nobody gives one."""

PROPAGATED = frozenset({"traceparent", "tracestate"})
"""Metadata of a call that says which trace it belongs to."""


def tracing_from_environment(environment: Mapping[str, str] = os.environ) -> Tracing | None:
    """Return what traces calls, or None where the environment does not ask for it.

    Raises
    ------
    ArgumentError
        If it asks, and OpenTelemetry is not installed.
    """
    if not any(environment.get(name) for name in ENDPOINTS):
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise ArgumentError(
            "The environment asks for traces, and OpenTelemetry is not installed.",
            hint='Install the extra: pip install "matcher[traces]", or unset OTEL_EXPORTER_OTLP_ENDPOINT.',
        ) from error
    service = environment.get(SERVICE_NAME) or DEFAULT_SERVICE
    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return Tracing(provider)


class Tracing:
    """Makes spans.

    Parameters
    ----------
    provider : TracerProvider
        Of the SDK; closed with this.
    """

    def __init__(self, provider: TracerProvider) -> None:
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._provider = provider
        self._tracer = provider.get_tracer("matcher")
        self._propagator = TraceContextTextMapPropagator()

    @contextmanager
    def call(self, path: str, metadata: Iterable[tuple[str, Any]]) -> Iterator[Callable[[CallOutcome], None]]:
        """Run a call inside a span; what is given is told how the call ended."""
        from opentelemetry.trace import SpanKind, Status, StatusCode

        carrier = {key: str(value) for key, value in metadata if key in PROPAGATED}
        service, _, method = path.lstrip("/").rpartition("/")
        with self._tracer.start_as_current_span(
            f"{service}/{method}",
            context=self._propagator.extract(carrier),
            kind=SpanKind.SERVER,
            attributes={"rpc.system": "grpc", "rpc.service": service, "rpc.method": method},
            # An exception's text may hold what a caller sent; the outcome says what may be known.
            record_exception=False,
            set_status_on_exception=False,
        ) as span:

            def tell(outcome: CallOutcome) -> None:
                span.set_attribute("rpc.grpc.status", outcome.code)
                if outcome.reason:
                    span.set_attribute("matcher.reason", outcome.reason)
                if outcome.code != "OK":
                    span.set_status(Status(StatusCode.ERROR, outcome.reason or outcome.code))

            yield tell

    def stage(self, name: Stage, begin_ns: int, end_ns: int) -> None:
        """Make the span of a stage, below the call whose thread did it: an observer, see `matcher.stages`."""
        self._tracer.start_span(f"stage {name.value}", start_time=begin_ns).end(end_ns)

    def close(self) -> None:
        """Send what is left."""
        self._provider.shutdown()
