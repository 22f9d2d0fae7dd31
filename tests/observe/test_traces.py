"""Traces: a span a call with its stages below, in the caller's trace, and on only where asked for."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import grpc
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from matcher.engine import Engine
from matcher.errors import ArgumentError
from matcher.observe.observer import Observer
from matcher.observe.traces import Tracing, tracing_from_environment
from matcher.service.server import Server
from matcher.v1 import matcher_pb2 as pb
from matcher.v1 import matcher_pb2_grpc as pb_grpc

TRACE = "0af7651916cd43dd8448eb211c80319c"
"""A trace id of the W3C recommendation's example."""


def test_a_call_and_its_stages_are_one_trace(tmp_path: Path, fakes: ModuleType) -> None:
    """The caller's, told by its traceparent; a failed call says why, and nothing of what was sent."""
    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    observer = Observer(tracing=Tracing(provider))
    url = f"sqlite:///{tmp_path}/gallery.db"
    with Engine(url, scorers=fakes.scorers(), read=observer.reader(fakes.read)) as engine:
        server = Server("127.0.0.1:0", outermost=observer.interceptor)
        with observer.watching(engine), grpc.insecure_channel(server.address) as channel:
            server.serve(engine)
            stub = pb_grpc.MatcherServiceStub(channel)
            request = pb.EnrollRequest(subject_id="SECRET", samples=[_finger(b"IMG 1 1")])
            stub.Enroll(request, metadata=(("traceparent", f"00-{TRACE}-b7ad6b7169203331-01"),))
            with pytest.raises(grpc.RpcError):
                stub.Enroll(pb.EnrollRequest(subject_id="SECRET", samples=[_finger(b"BLANK")]))
            server.drain(1)
    spans = kept.get_finished_spans()
    calls = [span for span in spans if span.name == "matcher.v1.MatcherService/Enroll"]
    good = next(span for span in calls if span.attributes["rpc.grpc.status"] == "OK")
    bad = next(span for span in calls if span is not good)
    assert f"{good.context.trace_id:032x}" == TRACE
    assert bad.attributes["matcher.reason"] == "EXTRACT_BLANK"
    assert not bad.status.is_ok
    read = [span for span in spans if span.name == "stage read"]
    assert {span.parent.span_id for span in read} == {good.context.span_id, bad.context.span_id}
    assert all(span.start_time <= span.end_time for span in spans)
    assert "SECRET" not in "".join(span.to_json() for span in spans)


def test_without_an_endpoint_there_is_none() -> None:
    assert tracing_from_environment({}) is None


def test_asked_for_and_not_installed_is_an_error_that_names_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Rather than a server that silently traces nothing."""
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(ArgumentError) as caught:
        tracing_from_environment({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"})
    assert "matcher[traces]" in caught.value.hint


def test_the_environment_turns_it_on() -> None:
    """An endpoint is enough; closing sends nothing where nothing was traced."""
    tracing = tracing_from_environment({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:9/v1/traces"})
    assert tracing is not None
    tracing.close()


def _finger(data: bytes) -> pb.Sample:
    return pb.Sample(image=data)
