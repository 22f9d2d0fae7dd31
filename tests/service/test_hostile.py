"""Hostile clients against `matcher serve` with its real extractors: it lives, stays small, and answers typed.

Full size: over 10,000 injured messages and samples over the wire.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from matcher.v1 import matcher_pb2 as pb
from matcher.v1 import matcher_pb2_grpc as pb_grpc

START_S = 180.0
HANG_S = 60.0
"""A call that takes longer hangs; the slowest honest one takes a tenth of a second."""

GROWTH_KB = 400_000
"""How much memory a server may gain while it is attacked: its working set, not a share of what is sent."""

REFUSALS = {
    *(grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND, grpc.StatusCode.ALREADY_EXISTS),
    *(grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.RESOURCE_EXHAUSTED),
}
"""What may be answered to what was not understood; neither a defect nor a server that is gone."""

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
"""How an HTTP/2 client begins (RFC 9113, 3.4)."""

SETTINGS = bytes(3) + b"\x04" + bytes(5)
"""An empty SETTINGS frame."""


class RealServer:
    """`matcher serve` as it is installed."""

    def __init__(self, folder: Path) -> None:
        port_file = folder / "port"
        self.log = folder / "server.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "matcher.cli.main", "serve"),
                    *("--store", f"sqlite:///{folder}/gallery.db", "--listen", "127.0.0.1:0"),
                    *("--port-file", str(port_file), "--threads", "1"),
                ],
                env={**os.environ, "OMP_NUM_THREADS": "1"},
                stdout=log,
                stderr=log,
            )
        end = time.monotonic() + START_S
        while not port_file.exists():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < end, "the server takes too long to start"
            time.sleep(0.05)
        self.port = int(port_file.read_text())
        self.address = f"127.0.0.1:{self.port}"

    def resident_kb(self) -> int:
        """Memory of the server and of processes that it started, kB."""
        pids = [self.process.pid]
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            pids += [int(pid) for pid in (task / "children").read_text().split()]
        total = 0
        for pid in pids:
            status = Path(f"/proc/{pid}/status").read_text()
            total += sum(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
        return total


@pytest.fixture(scope="module")
def hostile(load: Any) -> ModuleType:
    module: ModuleType = load("hostile")
    return module


@pytest.fixture(scope="module")
def material(hostile: ModuleType) -> Any:
    return hostile.make_material()


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory, material: Any) -> Iterator[RealServer]:
    """A server with one person, A, in its gallery, every extractor used once."""
    server = RealServer(tmp_path_factory.mktemp("attacked"))
    try:
        with grpc.insecure_channel(server.address) as channel:
            stub = pb_grpc.MatcherServiceStub(channel)
            stub.Enroll(pb.EnrollRequest(subject_id="A", samples=[material.samples[0]]), timeout=HANG_S)
            for sample in material.samples:
                stub.ExtractTemplate(pb.ExtractTemplateRequest(samples=[sample]), timeout=HANG_S)
        yield server
        server.process.terminate()
        assert server.process.wait(60) == 0
    finally:
        server.process.kill()
        server.process.wait()


def assert_serves(server: RealServer, sample: pb.Sample) -> None:
    """Fail unless an honest caller is still answered rightly."""
    assert server.process.poll() is None, server.log.read_text()[-2000:]
    with grpc.insecure_channel(server.address) as channel:
        stub = pb_grpc.MatcherServiceStub(channel)
        reply = stub.Verify(pb.VerifyRequest(subject_id="A", samples=[sample]), timeout=HANG_S)
    assert reply.accepted


def outcome(call: Any, request: bytes) -> str:
    """Send bytes and return how they were answered; fail on anything that is no typed answer."""
    try:
        call(request, timeout=HANG_S)
    except grpc.RpcError as error:
        return reason_of(error)
    return "OK"


def reason_of(error: Any) -> str:
    """Return the reason of a refusal; fail on anything that is no typed one."""
    code = error.code()
    assert code in REFUSALS, f"{code}: {error.details()}"
    status = rpc_status.from_call(error)
    assert status is not None, f"untyped: {code}: {error.details()}"
    info = error_details_pb2.ErrorInfo()
    assert any(detail.Is(info.DESCRIPTOR) and detail.Unpack(info) for detail in status.details)
    return str(info.reason)


def test_injured_messages_and_samples_are_answered_typed(
    attacked: RealServer, hostile: ModuleType, material: Any, full_size: bool
) -> None:
    """No crash, no hang, no defect; and memory stays what it was."""
    attacks = hostile.attacks(7, 10_500 if full_size else 240, material)
    before = attacked.resident_kb()
    with grpc.insecure_channel(attacked.address) as channel, ThreadPoolExecutor(4) as pool:
        calls = {name: channel.unary_unary(hostile.SERVICE + name) for name, _ in attacks}
        reasons = Counter(pool.map(lambda attack: outcome(calls[attack[0]], attack[1]()), attacks))
    # The injuries are of many kinds: a server that refused everything alike would not have been tested.
    assert len(reasons) >= 8, reasons
    assert reasons["OK"] < len(attacks) * 0.7, reasons
    assert attacked.resident_kb() - before < GROWTH_KB
    assert "Internal error" not in attacked.log.read_text()
    assert_serves(attacked, material.samples[0])


def test_a_message_beyond_the_limit_is_refused(
    attacked: RealServer, hostile: ModuleType, material: Any
) -> None:
    """Before it is held: three of them at once do not make the server grow by what they hold."""
    before = attacked.resident_kb()
    huge = pb.ExtractTemplateRequest(samples=[pb.Sample(image=bytes(40 << 20))]).SerializeToString()
    with grpc.insecure_channel(attacked.address) as channel, ThreadPoolExecutor(3) as pool:
        call = channel.unary_unary(hostile.SERVICE + "ExtractTemplate")
        for future in [pool.submit(call, huge, timeout=HANG_S) for _ in range(3)]:
            error = future.exception(HANG_S)
            assert isinstance(error, grpc.RpcError)
            assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert attacked.resident_kb() - before < GROWTH_KB
    assert_serves(attacked, material.samples[0])


def test_a_small_file_of_a_huge_image_is_refused(attacked: RealServer, material: Any) -> None:
    """A bomb: pixels are counted before any is unpacked."""
    import io

    from PIL import Image as PillowImage

    out = io.BytesIO()
    PillowImage.new("L", (20_000, 20_000)).save(out, "PNG")
    with grpc.insecure_channel(attacked.address) as channel:
        stub = pb_grpc.MatcherServiceStub(channel)
        before = attacked.resident_kb()
        with pytest.raises(grpc.RpcError) as caught:
            stub.ExtractTemplate(
                pb.ExtractTemplateRequest(samples=[pb.Sample(image=out.getvalue())]), timeout=HANG_S
            )
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert attacked.resident_kb() - before < GROWTH_KB
    assert_serves(attacked, material.samples[0])


def test_half_open_connections_do_not_keep_others_out(attacked: RealServer, material: Any) -> None:
    """Some say nothing, some stop in the middle of a frame, some send noise."""
    openings = (b"", PREFACE, PREFACE + SETTINGS, PREFACE + SETTINGS + b"\x00\x40\x00\x01", bytes(range(256)))
    connections = []
    for number in range(100):
        connection = socket.create_connection(("127.0.0.1", attacked.port), timeout=10)
        connection.sendall(openings[number % len(openings)])
        connections.append(connection)
    try:
        assert_serves(attacked, material.samples[0])
    finally:
        for connection in connections:
            connection.close()
    assert_serves(attacked, material.samples[0])


def test_streams_that_are_opened_and_left_do_not_keep_calls_out(attacked: RealServer, material: Any) -> None:
    """As many as the server takes, and more: those beyond are refused, single calls go on."""
    done = threading.Event()

    def silence() -> Iterator[Any]:
        done.wait(HANG_S)
        yield from ()

    with grpc.insecure_channel(attacked.address) as channel:
        stub = pb_grpc.MatcherServiceStub(channel)
        streams = [stub.IdentifyStream(silence()) for _ in range(40)]
        refused = 0
        try:
            assert_serves(attacked, material.samples[0])
            end = time.monotonic() + HANG_S
            while not refused and time.monotonic() < end:
                refused = sum(stream.code() is not None for stream in streams if not stream.is_active())
                time.sleep(0.05)
        finally:
            done.set()
            for stream in streams:
                stream.cancel()
    assert refused
    assert_serves(attacked, material.samples[0])


def test_a_client_that_never_reads_does_not_fill_the_server(attacked: RealServer, material: Any) -> None:
    """Answers of a stream are made as they are taken, so their number in memory is bounded."""
    before = attacked.resident_kb()
    template = next(sample for sample in material.samples if sample.template)
    sent = 0

    def searches() -> Iterator[pb.IdentifyStreamRequest]:
        nonlocal sent
        for number in range(5_000):
            sent += 1
            search = pb.IdentifyRequest(samples=[template])
            yield pb.IdentifyStreamRequest(item_id=str(number), search=search)

    with grpc.insecure_channel(attacked.address) as channel:
        stream = pb_grpc.MatcherServiceStub(channel).IdentifyStream(searches())
        next(stream)
        time.sleep(0.5)
        assert attacked.resident_kb() - before < GROWTH_KB
        assert_serves(attacked, material.samples[0])
        stream.cancel()
    assert sent
    assert_serves(attacked, material.samples[0])
