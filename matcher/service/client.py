"""The service's client: typed answers, typed errors, deadlines, and retries where they are safe."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, TypeVar

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from matcher.answers import Enrolled, Identification, Status, Verification
from matcher.errors import (
    ArgumentError,
    DeadlineError,
    MatcherError,
    NotReadyError,
    ServerUnavailableError,
    StoreUnavailableError,
)
from matcher.samples import Sample, sample_of
from matcher.service.convert import (
    enrolled_from_message,
    identification_from_message,
    sample_to_message,
    verification_from_message,
)
from matcher.service.convert_status import status_from_message
from matcher.service.status import to_error
from matcher.v1 import matcher_pb2 as pb
from matcher.v1 import matcher_pb2_grpc as pb_grpc

DEFAULT_TIMEOUT_S = 30.0
"""How long a call may take with all its retries, seconds."""

ATTEMPTS = 5
"""How often a call that may be repeated is tried."""

FIRST_PAUSE_S = 0.1
"""Before the second attempt; doubled before each further one, each shortened at random by up to half, s."""

TRANSIENT = (ServerUnavailableError, NotReadyError, StoreUnavailableError)
"""Errors that pass by themselves."""

HEALTH_POLL_S = 0.1
"""Between two looks at the server's health, seconds."""

OPTIONS = (
    # The answer holds no samples; but a thousand candidates have long names.
    ("grpc.max_receive_message_length", 4 << 20),
    ("grpc.max_send_message_length", -1),
    # A server that was restarted is found again soon (the default waits up to two minutes).
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    # A proxy of the environment is meant for the web, not for biometrics.
    ("grpc.enable_http_proxy", 0),
)

T = TypeVar("T")


class MatcherClient:
    """A connection to a running server; safe to use from many threads.

    Parameters
    ----------
    address : str
        HOST:PORT.
    timeout : float
        Seconds that a call may take where it names no other.

    Examples
    --------
    >>> with MatcherClient("127.0.0.1:50051") as client:  # doctest: +SKIP
    ...     client.enroll([png], subject_id="alice")
    ...     client.verify("alice", [another_png]).decision.accepted
    True
    """

    def __init__(self, address: str, *, timeout: float = DEFAULT_TIMEOUT_S) -> None:
        self.address = address
        self._timeout = timeout
        self._channel = grpc.insecure_channel(address, options=OPTIONS)
        self._stub = pb_grpc.MatcherServiceStub(self._channel)
        self._health = health_pb2_grpc.HealthStub(self._channel)

    def enroll(
        self,
        samples: Sequence[Sample | bytes],
        *,
        subject_id: str | None = None,
        idempotency_key: str | None = None,
        timeout: float | None = None,
    ) -> Enrolled:
        """Add a subject; repeated by itself after a failure only with an idempotency key.

        Parameters
        ----------
        samples : sequence of Sample or bytes
            1 to 20 captures of one person; the kind of bare bytes is told from how they begin.
        subject_id : str, optional
            1 to 128 printable characters; by default the server makes one.
        idempotency_key : str, optional
            The same request with the same key is one enrolment, however often it is sent.
        timeout : float, optional
            Seconds.

        Raises
        ------
        MatcherError
            The same typed errors as `Engine.enroll`, and ServerUnavailableError, DeadlineError.
        """
        _check_named("subject_id", subject_id)
        _check_named("idempotency_key", idempotency_key)
        request = pb.EnrollRequest(
            subject_id=subject_id or "",
            samples=_messages(samples),
            idempotency_key=idempotency_key or "",
        )
        reply = self._call(self._stub.Enroll, request, timeout, repeat=idempotency_key is not None)
        return enrolled_from_message(reply)

    def verify(
        self,
        subject_id: str,
        samples: Sequence[Sample | bytes],
        *,
        fmr: float | None = None,
        threshold: float | None = None,
        timeout: float | None = None,
    ) -> Verification:
        """Compare a probe with one subject; at FMR 1e-4 unless `fmr` or a `threshold` is given.

        Raises
        ------
        MatcherError
            The same typed errors as `Engine.verify`, and ServerUnavailableError, DeadlineError.
        """
        request = pb.VerifyRequest(subject_id=subject_id, samples=_messages(samples))
        _set_criterion(request, "fmr", fmr, threshold)
        return verification_from_message(self._call(self._stub.Verify, request, timeout, repeat=True))

    def identify(
        self,
        samples: Sequence[Sample | bytes],
        *,
        max_candidates: int | None = None,
        fpir: float | None = None,
        threshold: float | None = None,
        timeout: float | None = None,
    ) -> Identification:
        """Compare a probe with all subjects; at FPIR 1e-2 unless `fpir` or a `threshold` is given.

        Raises
        ------
        MatcherError
            The same typed errors as `Engine.identify`, and ServerUnavailableError, DeadlineError.
        """
        if max_candidates is not None and not 1 <= max_candidates < 1 << 31:
            raise ArgumentError(f"max_candidates: expected 1 to 1000, got {max_candidates}.")
        request = pb.IdentifyRequest(samples=_messages(samples), max_candidates=max_candidates or 0)
        _set_criterion(request, "fpir", fpir, threshold)
        return identification_from_message(self._call(self._stub.Identify, request, timeout, repeat=True))

    def delete(self, subject_id: str, *, timeout: float | None = None) -> int:
        """Remove a subject and return the change's number; never repeated by itself.

        Raises
        ------
        MatcherError
            The same typed errors as `Engine.delete`, and ServerUnavailableError, DeadlineError.
        """
        request = pb.DeleteSubjectRequest(subject_id=subject_id)
        return int(self._call(self._stub.DeleteSubject, request, timeout, repeat=False).sequence)

    def status(self, *, timeout: float | None = None) -> Status:
        """Return what the server holds."""
        request = pb.GetServerStatusRequest()
        return status_from_message(self._call(self._stub.GetServerStatus, request, timeout, repeat=True))

    def wait_ready(self, timeout: float = DEFAULT_TIMEOUT_S) -> None:
        """Return as soon as the server says SERVING.

        Raises
        ------
        ServerUnavailableError
            If there is none within `timeout` seconds.
        NotReadyError
            If there is one, and it is still starting then.
        """
        end = time.monotonic() + timeout
        last: MatcherError = ServerUnavailableError(f"No server answers at {self.address}.")
        while (left := end - time.monotonic()) > 0:
            try:
                reply = self._health.Check(health_pb2.HealthCheckRequest(), timeout=left)
            except grpc.RpcError as error:
                last = to_error(error, self.address)
            else:
                if reply.status == health_pb2.HealthCheckResponse.SERVING:
                    return
                last = NotReadyError(f"The server at {self.address} is still starting.")
            time.sleep(min(HEALTH_POLL_S, max(end - time.monotonic(), 0)))
        raise last

    def close(self) -> None:
        """Close the connection."""
        self._channel.close()

    def __enter__(self) -> MatcherClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _call(self, method: Callable[..., T], request: Any, timeout: float | None, *, repeat: bool) -> T:
        end = time.monotonic() + (self._timeout if timeout is None else timeout)
        pause = FIRST_PAUSE_S
        for attempt in range(1, ATTEMPTS + 1):
            left = end - time.monotonic()
            if left <= 0:
                raise DeadlineError(f"The deadline passed before {self.address} answered.")
            try:
                return method(request, timeout=left)
            except grpc.RpcError as error:
                problem = to_error(error, self.address)
            wait = pause * (1 - random.random() / 2)
            over = attempt == ATTEMPTS or time.monotonic() + wait >= end
            if over or not repeat or not isinstance(problem, TRANSIENT):
                raise problem
            time.sleep(wait)
            pause *= 2
        raise AssertionError("the last attempt returns or raises")


def _messages(samples: Sequence[Sample | bytes]) -> list[pb.Sample]:
    return [sample_to_message(s if isinstance(s, Sample) else sample_of(s)) for s in samples]


def _set_criterion(
    request: pb.VerifyRequest | pb.IdentifyRequest, name: str, rate: float | None, threshold: float | None
) -> None:
    if rate is not None and threshold is not None:
        raise ArgumentError("Expected a rate or a threshold, got both.")
    if rate is not None:
        setattr(request, name, rate)
    if threshold is not None:
        request.threshold = threshold


def _check_named(what: str, name: str | None) -> None:
    # On the wire an empty name means none; here it is a mistake.
    if name == "":
        raise ArgumentError(f"{what}: expected 1 to 128 printable characters, or None.")
