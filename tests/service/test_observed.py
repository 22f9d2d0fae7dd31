"""`matcher serve` as an operator runs it: metrics at a port of their own, log lines as JSON."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Callable
from typing import Any

import grpc
import pytest

from matcher.v1 import matcher_pb2 as pb
from matcher.v1 import matcher_pb2_grpc as pb_grpc


def test_a_server_tells_prometheus_and_logs_json(start: Callable[..., Any]) -> None:
    """The port is named in the log; each call is one JSON line, none of which says what was sent."""
    process = start("--metrics", "127.0.0.1:0", "--log-format", "json", "--log-calls")
    with grpc.insecure_channel(process.address) as channel:
        stub = pb_grpc.MatcherServiceStub(channel)
        stub.Enroll(pb.EnrollRequest(subject_id="SECRET-ID", samples=[pb.Sample(image=b"IMG 1 1")]))
        with pytest.raises(grpc.RpcError):
            stub.Enroll(pb.EnrollRequest(samples=[pb.Sample(image=b"BOOM SECRET-BYTES")]))
    found = re.search(r"Metrics at (http://\S+?/metrics)", process.log.read_text())
    assert found is not None
    said = urllib.request.urlopen(found[1], timeout=10).read().decode()
    assert 'matcher_calls_total{code="OK",method="Enroll",reason=""} 1.0' in said
    assert "matcher_subjects 1.0" in said
    assert 'matcher_queue_depth{queue="verify"} 0.0' in said
    assert process.terminate() == 0
    text = process.log.read_text()
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    calls = [line for line in lines if line["message"] == "call"]
    assert [(line["method"], line["code"]) for line in calls] == [("Enroll", "OK"), ("Enroll", "INTERNAL")]
    assert "SECRET" not in said + text


def test_metrics_at_a_port_that_is_taken_end_the_server_with_the_reason(start: Callable[..., Any]) -> None:
    """Rather than a server that nobody watches."""
    first = start("--metrics", "127.0.0.1:0")
    found = re.search(r"Metrics at http://(\S+?)/metrics", first.log.read_text())
    assert found is not None
    address = found[1]
    first.folder.joinpath("second").mkdir()
    with pytest.raises(AssertionError, match=f"Cannot serve metrics at {address}"):
        type(first)(first.folder / "second", "--metrics", address)
