"""The service over a real channel: answers, refusals with reasons, deadlines, health, reflection, drain."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import FieldDescriptor
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from matcher.client import Client
from matcher.engine import Engine
from matcher.errors import (
    ArgumentError,
    BlankImageError,
    CalibrationMissingError,
    DeadlineError,
    IdempotencyMismatchError,
    ImageFormatError,
    InternalError,
    MatcherError,
    NotReadyError,
    ServerUnavailableError,
    StoreFullError,
    StoreUnavailableError,
    SubjectExistsError,
    SubjectNotFoundError,
    TemplateCorruptError,
)
from matcher.samples import MAX_SAMPLES, Sample, SampleKind
from matcher.service.server import MAX_REQUEST_BYTES, SERVICE, Server
from matcher.service.status import code_of
from matcher.template.codec import encode_template
from matcher.types import FingerPosition, Modality
from matcher.v1 import matcher_pb2 as pb
from matcher.v1 import matcher_pb2_grpc as pb_grpc
from matcher.version import __version__

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


def health_of(address: str, service: str = "") -> int:
    with grpc.insecure_channel(address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        return int(stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=10).status)


def test_the_main_job(client: Client, fakes: ModuleType) -> None:
    index = FingerPosition.RIGHT_INDEX
    made = client.enroll([fakes.image(1, 0, index), fakes.stored(2)])
    named = client.enroll([fakes.image(3)], subject_id="carol", idempotency_key="k")
    again = client.enroll([fakes.image(3)], subject_id="carol", idempotency_key="k")
    assert (made.created, made.sequence, named.subject_id, named.created) == (True, 1, "carol", True)
    assert (again.created, again.subject_id, again.sequence) == (False, "carol", 2)

    mated = client.verify(made.subject_id, [fakes.image(1, 1, index)])
    assert (mated.decision.accepted, mated.comparisons) == (True, 2)
    assert mated.decision.score.value == pytest.approx(100 - 3.0103)
    assert (mated.decision.score.calibration, mated.decision.score.extrapolated) == ("fake-1", True)
    assert not client.verify("carol", [fakes.image(1, 1)]).decision.accepted
    assert client.verify("carol", [fakes.image(3)], threshold=100).decision.accepted
    assert not client.verify("carol", [fakes.image(3)], threshold=101).decision.accepted
    assert client.verify("carol", [fakes.image(3)], fmr=1e-9).decision.threshold == pytest.approx(90)

    found = client.identify([fakes.image(3, 1)], fpir=0.02)
    assert [(c.subject_id, c.rank) for c in found.candidates] == [("carol", 1)]
    assert (found.threshold, found.subjects, found.sequence) == (pytest.approx(20), 2, 2)
    assert len(client.identify([fakes.image(3)], threshold=0, max_candidates=1).candidates) == 1

    assert client.delete("carol") == 3
    assert not client.identify([fakes.image(3, 1)]).candidates
    status = client.status()
    assert (status.version, status.store) == (__version__, "sqlite")
    assert (status.subjects, status.samples, status.sequence) == (1, 2, 3)
    assert status.resident_bytes > 0
    assert status.extractors == ("fake",)


def test_bare_bytes_are_told_apart(client: Client, fakes: ModuleType) -> None:
    client.enroll([b"IMG 1 0", encode_template(fakes.template(2))], subject_id="alice")
    assert client.verify("alice", [encode_template(fakes.template(1, 1))]).decision.accepted


def status_of(client: Client, method: str, request: object) -> tuple[grpc.StatusCode, str]:
    """Call past the client's own checks and return the code and the ErrorInfo reason."""
    from google.rpc import error_details_pb2
    from grpc_status import rpc_status

    with pytest.raises(grpc.RpcError) as failed:
        getattr(client._stub, method)(request, timeout=20)
    status = rpc_status.from_call(failed.value)
    assert status is not None
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    assert info.domain == "matcher.v1"
    return failed.value.code(), info.reason


IMAGE = pb.Sample(image=b"IMG 1 0")


@pytest.mark.parametrize(
    ("sample", "reason"),
    [
        (pb.Sample(), "ARGUMENT_INVALID"),
        (pb.Sample(image=b"IMG 1 0", finger_position=11), "ARGUMENT_INVALID"),
        (pb.Sample(image=b"IMG 1 0", finger_position=-1), "ARGUMENT_INVALID"),
        (pb.Sample(image=b"IMG 1 0", resolution_ppi=0), "ARGUMENT_INVALID"),
        (pb.Sample(image=b"IMG 1 0", resolution_ppi=-5), "ARGUMENT_INVALID"),
        (pb.Sample(image=b"IMG 1 0", resolution_ppi=float("nan")), "ARGUMENT_INVALID"),
        (pb.Sample(image=b"IMG 1 0", resolution_ppi=float("inf")), "ARGUMENT_INVALID"),
        (pb.Sample(image=b""), "IMAGE_FORMAT_UNKNOWN"),
        (pb.Sample(image=b"BAD"), "IMAGE_FORMAT_UNKNOWN"),
        (pb.Sample(image=b"BLANK"), "EXTRACT_BLANK"),
        (pb.Sample(template=b""), "TEMPLATE_CORRUPT"),
        (pb.Sample(template=b"no template"), "TEMPLATE_CORRUPT"),
    ],
)
def test_a_bad_sample_is_an_invalid_argument_with_a_reason(
    client: Client, fakes: ModuleType, sample: pb.Sample, reason: str
) -> None:
    client.enroll([fakes.image(7)], subject_id="there")
    for method, request in (
        ("Enroll", pb.EnrollRequest(samples=[IMAGE, sample])),
        ("Verify", pb.VerifyRequest(subject_id="there", samples=[sample])),
        ("Identify", pb.IdentifyRequest(samples=[sample])),
    ):
        assert status_of(client, method, request) == (grpc.StatusCode.INVALID_ARGUMENT, reason)
    assert client.status().sequence == 1


@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("Enroll", pb.EnrollRequest()),
        ("Enroll", pb.EnrollRequest(samples=[IMAGE] * (MAX_SAMPLES + 1))),
        ("Enroll", pb.EnrollRequest(samples=[IMAGE], subject_id="x" * 129)),
        ("Enroll", pb.EnrollRequest(samples=[IMAGE], subject_id="a\nb")),
        ("Enroll", pb.EnrollRequest(samples=[IMAGE], idempotency_key="x" * 129)),
        ("Verify", pb.VerifyRequest(samples=[IMAGE])),
        ("Verify", pb.VerifyRequest(subject_id="there")),
        ("Verify", pb.VerifyRequest(subject_id="there", samples=[IMAGE], fmr=0)),
        ("Verify", pb.VerifyRequest(subject_id="there", samples=[IMAGE], fmr=2)),
        ("Verify", pb.VerifyRequest(subject_id="there", samples=[IMAGE], threshold=-1)),
        ("Verify", pb.VerifyRequest(subject_id="there", samples=[IMAGE], threshold=float("nan"))),
        ("Identify", pb.IdentifyRequest()),
        ("Identify", pb.IdentifyRequest(samples=[IMAGE], max_candidates=-1)),
        ("Identify", pb.IdentifyRequest(samples=[IMAGE], max_candidates=1001)),
        ("Identify", pb.IdentifyRequest(samples=[IMAGE], fpir=0)),
        ("Identify", pb.IdentifyRequest(samples=[IMAGE], threshold=1e9)),
        ("DeleteSubject", pb.DeleteSubjectRequest()),
    ],
)
def test_a_bad_value_is_an_invalid_argument_with_a_reason(
    client: Client, fakes: ModuleType, method: str, request_: object
) -> None:
    client.enroll([fakes.image(7)], subject_id="there")
    assert status_of(client, method, request_) == (grpc.StatusCode.INVALID_ARGUMENT, "ARGUMENT_INVALID")


def test_bytes_that_are_no_message_are_an_invalid_argument(server: Server, client: Client) -> None:
    with grpc.insecure_channel(server.address) as channel:
        for name in ("Enroll", "Verify", "Identify", "DeleteSubject"):
            call = channel.unary_unary(f"/{SERVICE}/{name}")
            for data in (b"\xff" * 40, b"\x0a\x7f", b"\x0a\x02\xff\xfe"):
                with pytest.raises(grpc.RpcError) as failed:
                    call(data, timeout=20)
                assert failed.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert client.status().sequence == 0


def test_refusals_arrive_as_the_errors_that_the_engine_raised(client: Client, fakes: ModuleType) -> None:
    client.enroll([fakes.image(1)], subject_id="alice", idempotency_key="k")
    alien = Sample(encode_template(fakes.template(1, extractor=fakes.ALIEN)), SampleKind.TEMPLATE)
    cases: list[tuple[type[MatcherError], Callable[[], object]]] = [
        (SubjectExistsError, lambda: client.enroll([fakes.image(1)], subject_id="alice")),
        (IdempotencyMismatchError, lambda: client.enroll([fakes.image(2)], idempotency_key="k")),
        (SubjectNotFoundError, lambda: client.verify("bob", [fakes.image(1)])),
        (SubjectNotFoundError, lambda: client.delete("bob")),
        (CalibrationMissingError, lambda: client.identify([alien])),
        (TemplateCorruptError, lambda: client.identify([Sample(b"x", SampleKind.TEMPLATE)])),
        (ImageFormatError, lambda: client.identify([b"BAD"])),
        (BlankImageError, lambda: client.identify([b"BLANK"])),
        (ArgumentError, lambda: client.verify("alice", [fakes.image(1)], fmr=0.1, threshold=3)),
        (ArgumentError, lambda: client.enroll([fakes.image(1)], subject_id="")),
        (ArgumentError, lambda: client.identify([fakes.image(1)], max_candidates=0)),
    ]
    for expected, call in cases:
        with pytest.raises(expected):
            call()


def test_a_request_beyond_the_limit_is_refused_and_the_server_lives(client: Client) -> None:
    with pytest.raises(ArgumentError, match="larger"):
        client.identify([b"x" * (MAX_REQUEST_BYTES + 1)])
    assert client.status().subjects == 0


def test_a_defect_is_internal_and_says_nothing(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR), pytest.raises(InternalError, match="reference") as told:
        client.enroll([b"BOOM 4f7a-minutiae-of-somebody"])
    assert "minutiae-of-somebody" not in str(told.value) + caplog.text
    reference = told.value.message.split("reference ")[1].rstrip(".")
    assert reference in caplog.text
    assert "RuntimeError" in caplog.text
    assert "fakes.py" in caplog.text


def test_a_deadline_ends_the_call_and_the_work(engine: Engine, client: Client, fakes: ModuleType) -> None:
    """Twenty samples of 0.2 s each, and half a second: the work stops at the sample under way."""
    read: list[Sample] = []

    def counting(sample: Sample) -> Any:
        read.append(sample)
        return fakes.read(sample)

    engine._read = counting
    with pytest.raises(DeadlineError):
        client.enroll([b"SLOW 0.2 1"] * 20, timeout=0.5)
    time.sleep(0.6)
    begun = len(read)
    time.sleep(0.6)
    assert len(read) == begun < 10
    assert client.status().subjects == 0


def test_a_search_stops_at_its_deadline(
    engine: Engine, client: Client, fakes: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    from matcher.gallery import gather

    for identity in range(20):
        client.enroll([fakes.image(identity)])
    monkeypatch.setattr(gather, "CHUNK_ROWS", 1)
    engine._scorers = fakes.scorers(pause_s=0.1)
    scored: list[int] = []
    score = engine._scorers[Modality.FINGERPRINT].score
    engine._scorers[Modality.FINGERPRINT].score = lambda *a: scored.append(1) or score(*a)  # type: ignore[method-assign]
    with pytest.raises(DeadlineError):
        client.identify([fakes.image(1)], timeout=0.5)
    time.sleep(0.5)
    done = len(scored)
    time.sleep(0.5)
    assert len(scored) == done < 20


def test_a_cancelled_call_stops_too(engine: Engine, client: Client) -> None:
    call = client._stub.Enroll.future(pb.EnrollRequest(samples=[pb.Sample(image=b"SLOW 0.2 1")] * 20))
    time.sleep(0.3)
    call.cancel()
    time.sleep(0.5)
    assert client.status().subjects == 0
    assert engine.status().sequence == 0


def test_a_call_without_a_deadline_is_answered(client: Client, fakes: ModuleType) -> None:
    reply = client._stub.Enroll(pb.EnrollRequest(samples=[pb.Sample(image=b"IMG 1 0")]))
    assert reply.created


def test_before_the_engine_is_there_health_and_calls_say_so(engine: Engine, fakes: ModuleType) -> None:
    server = Server("127.0.0.1:0")
    try:
        assert health_of(server.address) == health_of(server.address, SERVICE) == NOT_SERVING
        with Client(server.address) as client:
            with pytest.raises(NotReadyError):
                client.status()
            with pytest.raises(NotReadyError):
                client.wait_ready(0.3)
            threading.Timer(0.3, server.serve, [engine]).start()
            client.wait_ready(20)
            assert client.status().subjects == 0
        assert health_of(server.address) == health_of(server.address, SERVICE) == SERVING
    finally:
        server.drain(1)


def test_health_follows_an_engine_that_reads_its_store_again(server: Server, engine: Engine) -> None:
    memory, engine._gallery._memory = engine._gallery._memory, None
    server.check()
    assert health_of(server.address) == NOT_SERVING
    engine._gallery._memory = memory
    server.check()
    assert health_of(server.address) == SERVING


def test_reflection_describes_the_service(server: Server) -> None:
    with grpc.insecure_channel(server.address) as channel:
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        requests = [
            reflection_pb2.ServerReflectionRequest(list_services=""),
            reflection_pb2.ServerReflectionRequest(file_containing_symbol=SERVICE),
        ]
        listed, described = stub.ServerReflectionInfo(iter(requests), timeout=10)
    names = {service.name for service in listed.list_services_response.service}
    assert {SERVICE, "grpc.health.v1.Health"} <= names
    assert b"IdentifyRequest" in described.file_descriptor_response.file_descriptor_proto[0]


def test_draining_finishes_what_is_under_way_and_takes_nothing_new(engine: Engine, fakes: ModuleType) -> None:
    server = Server("127.0.0.1:0")
    server.serve(engine)
    answers: list[object] = []
    with Client(server.address) as client, Client(server.address) as late:
        client.status()
        caller = threading.Thread(
            target=lambda: answers.append(client.enroll([b"SLOW 1 5"], subject_id="slow"))
        )
        caller.start()
        time.sleep(0.3)
        drained = threading.Thread(target=server.drain)
        drained.start()
        time.sleep(0.3)
        with pytest.raises(ServerUnavailableError):
            late.enroll([fakes.image(1)], timeout=1)
        caller.join()
        drained.join()
    assert len(answers) == 1
    assert engine.status().subjects == 1


def test_sigterm_drains_and_a_restart_finds_everything(start: Callable[..., Any], fakes: ModuleType) -> None:
    process = start()
    answers: list[object] = []
    with Client(process.address) as client:
        client.enroll([fakes.image(1)], subject_id="alice")
        caller = threading.Thread(
            target=lambda: answers.append(client.enroll([b"SLOW 0.7 5"], subject_id="slow"))
        )
        caller.start()
        time.sleep(0.3)
        assert process.terminate() == 0
        caller.join()
    assert len(answers) == 1
    process = start()
    with Client(process.address) as client:
        assert client.status().subjects == 2
        assert client.identify([fakes.image(5)]).candidates[0].subject_id == "slow"


def test_concurrent_callers(client: Client, fakes: ModuleType) -> None:
    wrong: list[object] = []

    def call(worker: int) -> None:
        for number in range(15):
            identity = worker * 100 + number
            name = client.enroll([fakes.image(identity)], idempotency_key=f"{worker}-{number}").subject_id
            found = client.identify([fakes.image(identity, 1)]).candidates
            if [c.subject_id for c in found] != [name]:
                wrong.append((worker, number))

    workers = [threading.Thread(target=call, args=(w,)) for w in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not wrong
    assert client.status().subjects == 8 * 15


@pytest.mark.parametrize("address", ["", "localhost", "localhost:", ":50", "localhost:x", "localhost:70000"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(ArgumentError, match="HOST:PORT"):
        Server(address)


def test_a_taken_port_is_told(server: Server) -> None:
    with pytest.raises(ArgumentError, match="Cannot listen"):
        Server(server.address)


def test_listening_beyond_loopback_is_warned_about(caplog: pytest.LogCaptureFixture) -> None:
    Server("127.0.0.1:0").drain(0)
    assert "WITHOUT AUTHENTICATION" not in caplog.text
    Server("0.0.0.0:0").drain(0)
    assert "WITHOUT AUTHENTICATION" in caplog.text


def test_without_a_server_the_client_says_so() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with Client(address) as client:
        with pytest.raises(ServerUnavailableError, match=address):
            client.status()
        with pytest.raises(ServerUnavailableError):
            client.wait_ready(0.3)


@pytest.mark.parametrize("problem", [NotReadyError("n"), StoreUnavailableError("s")])
def test_only_what_may_be_repeated_is_repeated(
    engine: Engine, client: Client, fakes: ModuleType, problem: MatcherError
) -> None:
    calls: list[str] = []

    def failing(name: str, method: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object, **options: object) -> object:
            calls.append(name)
            if len(calls) < 3:
                raise problem
            return method(*arguments, **options)

        return call

    for name in ("enroll", "verify", "identify", "delete"):
        setattr(engine, name, failing(name, getattr(engine, name)))
    for attempt in (
        lambda: client.enroll([fakes.image(1)], idempotency_key="k"),
        lambda: client.verify(
            client.enroll([fakes.image(2)], idempotency_key="v").subject_id, [fakes.image(2)]
        ),
        lambda: client.identify([fakes.image(1)]),
    ):
        calls.clear()
        attempt()
        assert len(calls) >= 3
    for attempt in (lambda: client.enroll([fakes.image(1)]), lambda: client.delete("alice")):
        calls.clear()
        with pytest.raises(type(problem)):
            attempt()
        assert len(calls) == 1


def test_what_does_not_pass_is_not_repeated(engine: Engine, client: Client, fakes: ModuleType) -> None:
    calls: list[int] = []

    def full(*_: object, **__: object) -> None:
        calls.append(1)
        raise StoreFullError("full")

    engine.enroll = full  # type: ignore[method-assign, assignment]
    with pytest.raises(StoreFullError):
        client.enroll([fakes.image(1)], idempotency_key="k")
    assert len(calls) == 1
    assert code_of(StoreFullError("x")) is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_repeating_ends_with_the_deadline(engine: Engine, client: Client, fakes: ModuleType) -> None:
    def never(*_: object, **__: object) -> None:
        raise NotReadyError("never")

    engine.identify = never  # type: ignore[method-assign, assignment]
    with pytest.raises((NotReadyError, DeadlineError)):
        client.identify([fakes.image(1)], timeout=0.3)


def test_every_element_of_the_interface_is_commented() -> None:
    root = Path(__file__).resolve().parents[2] / "proto"
    for path in root.rglob("*.proto"):
        lines = [line.strip() for line in path.read_text().splitlines()]
        for before, line in zip(["", *lines], lines, strict=False):
            element = line.endswith("{") or (
                line.endswith(";") and not line.startswith(("syntax", "package", "import"))
            )
            if element and line and not line.startswith("//"):
                assert before.startswith("//") or before.endswith("}{"), (
                    f"{path.name}: {line!r} has no comment"
                )


def test_the_interface_follows_the_usual_lint_rules() -> None:
    descriptor = pb.DESCRIPTOR
    assert descriptor.package == "matcher.v1"
    assert descriptor.name == "matcher/v1/matcher.proto"
    for service in descriptor.services_by_name.values():
        assert service.name.endswith("Service")
        for method in service.methods:
            assert method.input_type.name == f"{method.name}Request"
            assert method.output_type.name == f"{method.name}Response"
    for enum in descriptor.enum_types_by_name.values():
        prefix = "".join(f"_{c}" if c.isupper() else c.upper() for c in enum.name).lstrip("_")
        assert enum.values_by_number[0].name == f"{prefix}_UNSPECIFIED"
        assert all(value.name.startswith(f"{prefix}_") for value in enum.values)
    for message in descriptor.message_types_by_name.values():
        for field in message.fields:
            assert field.name == field.name.lower()
            assert field.type != FieldDescriptor.TYPE_GROUP
    assert pb_grpc.MatcherServiceStub is not None
