"""The gRPC server: convert, call the engine, convert back; health, reflection, drain."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from matcher.audit.index import AccessIndex
from matcher.engine import Engine
from matcher.errors import ArgumentError
from matcher.service.address import is_loopback, split_address
from matcher.service.boundary import Boundary, Messages
from matcher.service.handlers.accesses import AccessHandlers
from matcher.service.handlers.encounters import EncounterHandlers
from matcher.service.handlers.enrolment import EnrolmentHandlers
from matcher.service.handlers.extraction import ExtractionHandlers
from matcher.service.handlers.identification import IdentificationHandlers
from matcher.service.handlers.server_status import StatusHandlers
from matcher.service.handlers.streams import Streams
from matcher.service.handlers.subjects import SubjectHandlers
from matcher.service.handlers.upgrades import UpgradeHandlers
from matcher.service.handlers.verification import VerificationHandlers
from matcher.service.turns import Turns
from matcher.v1 import matcher_pb2 as pb
from matcher.v1 import matcher_pb2_grpc as pb_grpc

logger = logging.getLogger(__name__)

MAX_REQUEST_BYTES = 16 << 20
"""Largest request: 20 fingers at 500 ppi uncompressed, with room."""

MAX_CALLS = 256
"""Calls at one time, each with a thread of its own: those that wait for a turn, the streams, and some more.
Beyond it gRPC refuses them with RESOURCE_EXHAUSTED."""

DRAIN_S = 20.0
"""How long calls in flight may take after a request to stop, seconds."""

SERVICE = pb.DESCRIPTOR.services_by_name["MatcherService"].full_name


class Servicer(
    EnrolmentHandlers,
    SubjectHandlers,
    EncounterHandlers,
    VerificationHandlers,
    IdentificationHandlers,
    ExtractionHandlers,
    StatusHandlers,
    AccessHandlers,
    UpgradeHandlers,
    pb_grpc.MatcherServiceServicer,
):
    """Converts and delegates; errors are `Boundary`'s work."""

    def __init__(self, turns: Turns) -> None:
        super().__init__(turns)
        self.streams = Streams(self.stopping)


class Server:
    """Listens from the start, and says NOT_SERVING until `serve`.

    Parameters
    ----------
    listen : str
        HOST:PORT; port 0 takes a free one.
    turns : Turns, optional
        How much work of each kind is done and waits at a time, and where the threads of calls live; by
        default as this machine can bear, on any core.
    interceptors : sequence of grpc.ServerInterceptor
        Behind the one that turns errors into statuses, in this order: what their handlers raise
        of `MatcherError` reaches the caller typed; they wrap each of a handler's four kinds of method.
    credentials : grpc.ServerCredentials, optional
        For TLS; by default the port is plain.
    outermost : grpc.ServerInterceptor, optional
        In front of everything: it sees every call as its caller does; see `matcher.observe`.

    Raises
    ------
    ArgumentError
        If the address is none, or cannot be listened at.
    """

    def __init__(
        self,
        listen: str,
        *,
        turns: Turns | None = None,
        interceptors: Sequence[grpc.ServerInterceptor] = (),
        credentials: grpc.ServerCredentials | None = None,
        outermost: grpc.ServerInterceptor | None = None,
    ) -> None:
        host, _ = split_address(listen)
        turns = turns or Turns()
        self._servicer = Servicer(turns)
        self._health = health.HealthServicer()
        self._announce(False)
        self._grpc = grpc.server(
            ThreadPoolExecutor(
                MAX_CALLS, thread_name_prefix="call", initializer=turns.home.begin if turns.home else None
            ),
            interceptors=[*([outermost] if outermost else []), Boundary(), *interceptors, Messages()],
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
        others = set(threading.enumerate())
        self._grpc.start()
        if turns.home is not None:
            # The one that hands calls to the others.
            turns.home.adopt(set(threading.enumerate()) - others)

    def serve(self, engine: Engine, accesses: AccessIndex | None = None) -> None:
        """Answer calls with this engine from now on, and with who looked at whom where there is a log of it.

        The caller closes both after `drain`.
        """
        self._servicer.accesses = accesses
        self._servicer.engine = engine
        self._announce(True)

    def check(self) -> None:
        """Bring the health that is announced in line with the engine's."""
        engine = self._servicer.engine
        self._announce(engine is not None and engine.ready)

    def drain(self, grace_s: float = DRAIN_S) -> None:
        """Say NOT_SERVING, refuse new calls, and wait for those in flight; harmless when repeated."""
        self._health.enter_graceful_shutdown()
        self._servicer.stopping.set()
        self._grpc.stop(grace_s).wait()
        self._servicer.streams.close()
        self._servicer.searching.close()

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
