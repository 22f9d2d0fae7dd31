"""The gRPC server: convert, call the engine, convert back; health, reflection, drain."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from matcher.deadline import Deadline
from matcher.engine import Engine
from matcher.errors import ArgumentError, NotReadyError
from matcher.searches import DEFAULT_CANDIDATES
from matcher.service.address import is_loopback, split_address
from matcher.service.boundary import Boundary
from matcher.service.convert import (
    criterion_of,
    enrolled_to_message,
    identification_to_message,
    sample_from_message,
    status_to_message,
    verification_to_message,
)
from matcher.v1 import matcher_pb2 as pb
from matcher.v1 import matcher_pb2_grpc as pb_grpc

logger = logging.getLogger(__name__)

MAX_REQUEST_BYTES = 16 << 20
"""Largest request: 20 fingers at 500 ppi uncompressed, with room."""

WORKERS = 16
"""Threads that answer calls."""

MAX_CALLS = 256
"""Calls at one time, waiting ones included; more are refused with RESOURCE_EXHAUSTED."""

DRAIN_S = 20.0
"""How long calls in flight may take after a request to stop, seconds."""

NO_DEADLINE_S = 1e6
"""gRPC gives a call without a deadline a very distant one; beyond this it counts as none, seconds."""

SERVICE = pb.DESCRIPTOR.services_by_name["MatcherService"].full_name


class Servicer(pb_grpc.MatcherServiceServicer):
    """Converts and delegates; errors are `Boundary`'s work."""

    def __init__(self) -> None:
        self.engine: Engine | None = None

    def Enroll(self, request: pb.EnrollRequest, context: grpc.ServicerContext) -> pb.EnrollResponse:  # noqa: N802
        """Add a subject."""
        answer = self._ready().enroll(
            request.subject_id or None,
            [sample_from_message(s) for s in request.samples],
            idempotency_key=request.idempotency_key or None,
            deadline=deadline_of(context),
        )
        return enrolled_to_message(answer)

    def Verify(self, request: pb.VerifyRequest, context: grpc.ServicerContext) -> pb.VerifyResponse:  # noqa: N802
        """Compare with one subject."""
        fmr, threshold = criterion_of(request, "fmr")
        answer = self._ready().verify(
            request.subject_id,
            [sample_from_message(s) for s in request.samples],
            fmr=fmr,
            threshold=threshold,
            deadline=deadline_of(context),
        )
        return verification_to_message(answer)

    def Identify(self, request: pb.IdentifyRequest, context: grpc.ServicerContext) -> pb.IdentifyResponse:  # noqa: N802
        """Compare with all subjects."""
        fpir, threshold = criterion_of(request, "fpir")
        answer = self._ready().identify(
            [sample_from_message(s) for s in request.samples],
            max_candidates=request.max_candidates or DEFAULT_CANDIDATES,
            fpir=fpir,
            threshold=threshold,
            deadline=deadline_of(context),
        )
        return identification_to_message(answer)

    def DeleteSubject(  # noqa: N802
        self, request: pb.DeleteSubjectRequest, context: grpc.ServicerContext
    ) -> pb.DeleteSubjectResponse:
        """Remove a subject."""
        sequence = self._ready().delete(request.subject_id, deadline=deadline_of(context))
        return pb.DeleteSubjectResponse(sequence=sequence)

    def GetServerStatus(  # noqa: N802
        self, request: pb.GetServerStatusRequest, context: grpc.ServicerContext
    ) -> pb.GetServerStatusResponse:
        """Tell what is there."""
        return status_to_message(self._ready().status())

    def _ready(self) -> Engine:
        if self.engine is None:
            raise NotReadyError("The server is starting or stopping.", hint="Try again in a moment.")
        return self.engine


class Server:
    """Listens from the start, and says NOT_SERVING until `serve`.

    Parameters
    ----------
    listen : str
        HOST:PORT; port 0 takes a free one.
    workers : int
        Threads that answer calls.
    interceptors : sequence of grpc.ServerInterceptor
        Behind the one that turns errors into statuses, in this order: what their handlers raise
        of `MatcherError` reaches the caller typed; they wrap each of a handler's four kinds of method.
    credentials : grpc.ServerCredentials, optional
        For TLS; by default the port is plain.

    Raises
    ------
    ArgumentError
        If the address is none, or cannot be listened at.
    """

    def __init__(
        self,
        listen: str,
        *,
        workers: int = WORKERS,
        interceptors: Sequence[grpc.ServerInterceptor] = (),
        credentials: grpc.ServerCredentials | None = None,
    ) -> None:
        host, _ = split_address(listen)
        self._servicer = Servicer()
        self._health = health.HealthServicer()
        self._announce(False)
        self._grpc = grpc.server(
            ThreadPoolExecutor(workers, thread_name_prefix="call"),
            interceptors=[Boundary(), *interceptors],
            options=(
                ("grpc.max_receive_message_length", MAX_REQUEST_BYTES),
                # Two servers at one port would share its calls at random.
                ("grpc.so_reuseport", 0),
            ),
            maximum_concurrent_rpcs=MAX_CALLS,
        )
        pb_grpc.add_MatcherServiceServicer_to_server(self._servicer, self._grpc)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._grpc)
        names = (SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, self._grpc)
        try:
            if credentials is None:
                port = self._grpc.add_insecure_port(listen)
            else:
                port = self._grpc.add_secure_port(listen, credentials)
        except RuntimeError as error:
            raise ArgumentError(
                f"Cannot listen at {listen}.", hint="Is the port taken, or the host not of this machine?"
            ) from error
        self.address = f"{host}:{port}"
        if not is_loopback(host) and credentials is None:
            logger.warning(
                "LISTENING BEYOND LOOPBACK AT %s WITHOUT AUTHENTICATION OR ENCRYPTION: anybody who reaches "
                "this port can enrol, search and delete people.",
                self.address,
            )
        self._grpc.start()

    def serve(self, engine: Engine) -> None:
        """Answer calls with this engine from now on; the caller closes it after `drain`."""
        self._servicer.engine = engine
        self._announce(True)

    def check(self) -> None:
        """Bring the health that is announced in line with the engine's."""
        engine = self._servicer.engine
        self._announce(engine is not None and engine.ready)

    def drain(self, grace_s: float = DRAIN_S) -> None:
        """Say NOT_SERVING, refuse new calls, and wait for those in flight; harmless when repeated."""
        self._health.enter_graceful_shutdown()
        self._grpc.stop(grace_s).wait()

    def _announce(self, serving: bool) -> None:
        kind = health_pb2.HealthCheckResponse
        for service in ("", SERVICE):
            self._health.set(service, kind.SERVING if serving else kind.NOT_SERVING)


def build_server(
    engine: Engine,
    *,
    listen: str = "127.0.0.1:0",
    interceptors: Sequence[grpc.ServerInterceptor] = (),
    credentials: grpc.ServerCredentials | None = None,
) -> Server:
    """Return a server that answers with an engine already; see `Server`."""
    server = Server(listen, interceptors=interceptors, credentials=credentials)
    server.serve(engine)
    return server


def deadline_of(context: grpc.ServicerContext) -> Deadline:
    """Return a call's deadline: passed as well once the caller has cancelled or gone."""

    def remaining() -> float | None:
        if not context.is_active():
            return 0.0
        left = context.time_remaining()
        return None if left is None or left > NO_DEADLINE_S else left

    return Deadline(remaining)
