"""Metrics: every call, stage, sample and the gallery are counted, under closed names, and nothing twice."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import grpc
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from matcher.engine import Engine
from matcher.errors import ArgumentError, NotReadyError
from matcher.gallery.upkeep import Workload
from matcher.observe.exposition import exposed
from matcher.observe.metrics import Metrics
from matcher.observe.observer import Observer
from matcher.service.server import Server
from matcher.stages import Stage, observed, stage
from matcher.types import Modality
from matcher.v1 import matcher_pb2 as pb
from matcher.v1 import matcher_pb2_grpc as pb_grpc

Answered = tuple[Observer, pb_grpc.MatcherServiceStub, grpc.Channel]


@pytest.fixture
def answered(tmp_path: Path, fakes: ModuleType) -> Iterator[Answered]:
    """A server over the fakes, watched."""
    observer = Observer()
    url = f"sqlite:///{tmp_path}/gallery.db"
    with Engine(url, scorers=fakes.scorers(), read=observer.reader(fakes.read)) as engine:
        server = Server("127.0.0.1:0", outermost=observer.interceptor)
        with (
            observer.watching(engine, None, lambda: {"search": 3}),
            grpc.insecure_channel(server.address) as channel,
        ):
            server.serve(engine)
            yield observer, pb_grpc.MatcherServiceStub(channel), channel
            server.drain(1)


def value(observer: Observer, name: str, **labels: str) -> float | None:
    """Return one number, None where there is none."""
    return observer.metrics.registry.get_sample_value(name, labels)


def enroll(subject_id: str, text: str = "IMG 1 1", key: str = "") -> pb.EnrollRequest:
    return pb.EnrollRequest(
        subject_id=subject_id, samples=[pb.Sample(image=text.encode())], idempotency_key=key
    )


def verify(text: str) -> pb.VerifyRequest:
    return pb.VerifyRequest(subject_id="A", samples=[pb.Sample(image=text.encode())])


def identify(text: str) -> pb.IdentifyRequest:
    return pb.IdentifyRequest(samples=[pb.Sample(image=text.encode())])


def test_calls_are_counted_by_how_the_caller_saw_them_end(answered: Answered) -> None:
    """OK, a domain error with its reason, a defect, and bytes that are no message."""
    observer, stub, channel = answered
    stub.Enroll(enroll("A"))
    for text in ("BLANK", "BOOM secret"):
        with pytest.raises(grpc.RpcError):
            stub.Verify(verify(text))
    with pytest.raises(grpc.RpcError):
        channel.unary_unary("/matcher.v1.MatcherService/Verify")(b"\xff\xff")
    calls = "matcher_calls_total"
    assert value(observer, calls, method="Enroll", code="OK", reason="") == 1
    blank = {"code": "INVALID_ARGUMENT", "reason": "EXTRACT_BLANK"}
    assert value(observer, calls, method="Verify", **blank) == 1
    assert value(observer, calls, method="Verify", code="INTERNAL", reason="INTERNAL") == 1
    undecodable = {"code": "INVALID_ARGUMENT", "reason": "ARGUMENT_INVALID"}
    assert value(observer, calls, method="Verify", **undecodable) == 1
    assert value(observer, "matcher_call_seconds_count", method="Verify") == 3
    assert value(observer, "matcher_calls_in_flight", method="Verify") == 0


def test_samples_are_counted_with_quality_and_reasons(answered: Answered) -> None:
    """What gave a template, how good it is, and why another gave none."""
    observer, stub, _ = answered
    stub.Enroll(enroll("A"))
    with pytest.raises(grpc.RpcError):
        stub.Identify(identify("BLANK"))
    kinds = {"modality": "fingerprint", "kind": "image"}
    assert value(observer, "matcher_samples_total", **kinds, outcome="template") == 1
    assert value(observer, "matcher_samples_total", **kinds, outcome="EXTRACT_BLANK") == 1
    assert value(observer, "matcher_sample_quality_count", modality="fingerprint") == 1
    assert value(observer, "matcher_sample_quality_bucket", modality="fingerprint", le="50.0") == 1
    assert value(observer, "matcher_sample_quality_bucket", modality="fingerprint", le="40.0") == 0


def test_stages_are_timed_wherever_they_run(answered: Answered) -> None:
    """The store's stages run on a thread of their own."""
    observer, stub, _ = answered
    stub.Enroll(enroll("A"))
    for name in ("read", "commit", "apply"):
        assert value(observer, "matcher_stage_seconds_count", stage=name) == 1, name
    assert value(observer, "matcher_stage_seconds_count", stage="propose") == 0


def test_the_gallery_is_told_when_asked(answered: Answered) -> None:
    """Sizes follow what is enrolled and deleted."""
    observer, stub, _ = answered
    for number in range(3):
        stub.Enroll(enroll(f"S{number}", f"IMG {number} 1"))
    stub.DeleteSubject(pb.DeleteSubjectRequest(subject_id="S0"))
    assert value(observer, "matcher_ready") == 1
    assert value(observer, "matcher_subjects") == 2
    assert value(observer, "matcher_change_sequence") == 4
    assert value(observer, "matcher_gallery_samples", modality="fingerprint") == 2
    assert value(observer, "matcher_queue_depth", queue="search") == 3
    assert value(observer, "matcher_queued_writes") == 0
    assert value(observer, "matcher_index_behind_changes") == 4
    age = value(observer, "matcher_index_age_seconds")
    assert age is not None
    assert age >= 0


def test_a_gallery_that_is_being_read_is_not_ready_and_that_is_all() -> None:
    """Prometheus gets an answer, not an error."""

    class Reading:
        ready = False

        def status(self) -> object:
            raise NotReadyError("being read")

        def workload(self) -> Workload:
            raise AssertionError("asked too much")

    metrics = Metrics()
    with metrics.watching(Reading()):  # type: ignore[arg-type]  # as little of an engine as can be
        assert metrics.registry.get_sample_value("matcher_ready") == 0
        assert metrics.registry.get_sample_value("matcher_subjects") is None
    assert metrics.registry.get_sample_value("matcher_ready") is None


def test_no_label_holds_what_a_caller_sent(answered: Answered) -> None:
    """Neither ids nor the bytes of samples."""
    observer, stub, _ = answered
    stub.Enroll(enroll("SECRET-ID", key="SECRET-KEY"))
    with pytest.raises(grpc.RpcError):
        stub.Identify(identify("BOOM SECRET-BYTES"))
    with exposed(observer.metrics.registry, "127.0.0.1", 0) as port:
        answer = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10)
        text = answer.read().decode()
    assert "SECRET" not in text
    names = {family.name for family in text_string_to_metric_families(text)}
    assert {"matcher_calls", "matcher_call_seconds", "matcher_stage_seconds", "matcher_subjects"} <= names


def test_a_port_that_is_taken_is_said_so() -> None:
    """With what to do."""
    with (
        exposed(CollectorRegistry(), "127.0.0.1", 0) as port,
        pytest.raises(ArgumentError, match=str(port)) as caught,
        exposed(CollectorRegistry(), "127.0.0.1", port),
    ):
        pass
    assert "taken" in caught.value.hint


def test_stages_cost_nothing_where_nobody_watches() -> None:
    """The same object every time; and an observer hears of a stage that failed, too."""
    assert stage(Stage.READ) is stage(Stage.FULL)
    heard: list[tuple[Stage, int, int]] = []

    def observer(name: Stage, begin: int, end: int) -> None:
        heard.append((name, begin, end))

    with observed(observer), pytest.raises(ValueError, match="x"), stage(Stage.QUICK):
        raise ValueError("x")
    with stage(Stage.QUICK):
        pass
    assert [name for name, _, _ in heard] == [Stage.QUICK]
    assert heard[0][1] <= heard[0][2]


def test_every_modality_and_stage_is_there_from_the_start() -> None:
    """An alert on a rate needs the zero before the first event."""
    registry = Metrics().registry
    for name in Stage:
        assert registry.get_sample_value("matcher_stage_seconds_count", {"stage": name.value}) == 0
    for modality in Modality:
        labels = {"modality": modality.name.lower()}
        assert registry.get_sample_value("matcher_sample_quality_count", labels) == 0
