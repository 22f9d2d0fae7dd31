"""gRPC around a party: what clients ask, and streams of frames between parties. Mutual TLS throughout."""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import grpc

from matcher.errors import ArgumentError, CallerRefusedError, PartyUnavailableError
from matcher.privacy.certificates import CLIENT, MAX_MESSAGE_BYTES, PARTIES, Identity
from matcher.privacy.party import LEADER, Party
from matcher.privacy.store import ShareStore
from matcher.service.boundary import Boundary, Messages
from matcher.v1 import privacy_pb2 as pb
from matcher.v1 import privacy_pb2_grpc as pb_grpc

logger = logging.getLogger(__name__)

WORKERS = 12
"""Threads: two streams of frames for ever, and calls."""

RETRY_S = 0.2
"""Between attempts to reach a party, seconds."""

QUEUED_FRAMES = 1024
"""Frames that wait for a party that does not take them, before it counts as gone."""


class Link:
    """Frames to one other party, over a stream that is made again when it breaks."""

    def __init__(self, party: Party, other: int, channel: grpc.Channel, stop: threading.Event) -> None:
        self._party, self._other, self._stop = party, other, stop
        self._stub = pb_grpc.PartyServiceStub(channel)
        self._frames: queue.SimpleQueue[pb.Frame | None] = queue.SimpleQueue()
        self.up = False
        self._thread = threading.Thread(target=self._keep, name=f"to party {other}", daemon=True)
        self._thread.start()

    def send(self, frame: pb.Frame) -> None:
        """Put a frame on its way; PartyUnavailableError where the stream is down or full."""
        frames = self._frames
        if not self.up or frames.qsize() >= QUEUED_FRAMES:
            raise PartyUnavailableError(f"Party {self._other} is not there.", hint="Start it, and ask again.")
        frames.put(frame)

    def close(self) -> None:
        """End the stream."""
        self.up = False
        self._frames.put(None)
        self._thread.join(timeout=5)

    def _keep(self) -> None:
        while not self._stop.is_set():
            self._frames = queue.SimpleQueue()
            with contextlib.suppress(grpc.RpcError):
                self._stub.DeliverFrames(self._outgoing(self._frames))
            self.up = False
            self._frames.put(None)
            self._stop.wait(RETRY_S)

    def _outgoing(self, frames: queue.SimpleQueue[pb.Frame | None]) -> Iterator[pb.Frame]:
        yield self._party.hello(self._other)
        self.up = True
        while True:
            frame = frames.get()
            if frame is None:
                return
            yield frame


class Servicer(pb_grpc.PartyServiceServicer):
    """Converts and delegates; errors are `Boundary`'s work."""

    def __init__(self, party: Party, links: dict[int, Link]) -> None:
        self._party, self._links = party, links
        self._streams: dict[int, object] = {}

    def StageRecords(  # noqa: N802
        self, request: pb.StageRecordsRequest, context: grpc.ServicerContext
    ) -> pb.StageRecordsResponse:
        """Keep records."""
        _only_clients(context)
        self._party.stage(request.stage_id, request.records)
        return pb.StageRecordsResponse()

    def RunOperation(  # noqa: N802
        self, request: pb.RunOperationRequest, context: grpc.ServicerContext
    ) -> pb.RunOperationResponse:
        """Run an operation."""
        _only_clients(context)
        return self._party.lead(request)

    def GetPartyStatus(  # noqa: N802
        self, request: pb.GetPartyStatusRequest, context: grpc.ServicerContext
    ) -> pb.GetPartyStatusResponse:
        """Tell what is here."""
        _only_clients(context)
        party = self._party
        return pb.GetPartyStatusResponse(
            party_index=party.index,
            connected=party.ready.is_set() and all(link.up for link in self._links.values()),
            sequence=party.store.sequence,
            generation=party.store.generation,
            subject_count=int(party.store.active.sum()),
            record_bytes=party.store.layout.record_bytes,
            cpu_seconds=time.process_time(),
            sent_bytes=party.peers.sent_bytes,
        )

    def DeliverFrames(  # noqa: N802
        self, request_iterator: Iterator[pb.Frame], context: grpc.ServicerContext
    ) -> pb.DeliverFramesResponse:
        """Take another party's frames."""
        name = _caller(context)
        other = PARTIES.index(name) if name in PARTIES else self._party.index
        if other == self._party.index:
            raise CallerRefusedError("Only the other parties send frames.", hint="Use a party's certificate.")
        inbox = self._party.peers.inbox[other]
        stream = object()
        try:
            self._party.met(other, next(request_iterator))
            self._streams[other] = stream
            for frame in request_iterator:
                inbox.put(frame)
        except (StopIteration, grpc.RpcError):
            pass
        finally:
            if self._streams.get(other) is stream:
                inbox.put(None)
        return pb.DeliverFramesResponse()


class PartyServer:
    """A running party.

    Parameters
    ----------
    index : int
    listen : str
        HOST:PORT; port 0 takes a free one.
    identity : Identity
        Whose name must be the party's.
    store : ShareStore
    timeout : float, optional
        How long a party waits for another's message, seconds.
    """

    def __init__(
        self, index: int, listen: str, identity: Identity, store: ShareStore, timeout: float | None = None
    ) -> None:
        if identity.name != PARTIES[index]:
            raise ArgumentError(f"Certificate: expected one of {PARTIES[index]}, got {identity.name}.")
        self._identity, self._stop = identity, threading.Event()
        self._links: dict[int, Link] = {}
        self._channels: list[grpc.Channel] = []
        self.party = Party(index, store, self._send, timeout)
        self._grpc = grpc.server(
            ThreadPoolExecutor(WORKERS, thread_name_prefix="call"),
            interceptors=[Boundary(), Messages()],
            options=(
                ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
                ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
                ("grpc.so_reuseport", 0),
            ),
        )
        pb_grpc.add_PartyServiceServicer_to_server(Servicer(self.party, self._links), self._grpc)
        try:
            self.port = self._grpc.add_secure_port(listen, identity.server_credentials())
        except RuntimeError as error:
            raise ArgumentError(f"Cannot listen at {listen}.", hint="Is the port taken?") from error
        self._grpc.start()
        self._follower = threading.Thread(target=self.party.follow, args=(self._stop,), daemon=True)

    def connect(self, addresses: list[str]) -> None:
        """Reach for the two other parties at HOST:PORT, now and whenever they come back."""
        for other in range(3):
            if other != self.party.index:
                channel = self._identity.channel(other, addresses[other])
                self._channels.append(channel)
                self._links[other] = Link(self.party, other, channel, self._stop)
        if self.party.index != LEADER:
            self._follower.start()

    def close(self) -> None:
        """Stop."""
        self._stop.set()
        for link in self._links.values():
            link.close()
        for channel in self._channels:
            channel.close()
        self._grpc.stop(1).wait()

    def _send(self, other: int, frame: pb.Frame) -> None:
        link = self._links.get(other)
        if link is None:
            raise PartyUnavailableError(f"Party {other} is not there.")
        link.send(frame)


def _caller(context: grpc.ServicerContext) -> str:
    names = cast(list[bytes], context.auth_context().get("x509_common_name", [b""]))
    return names[0].decode()


def _only_clients(context: grpc.ServicerContext) -> None:
    if _caller(context) != CLIENT:
        raise CallerRefusedError(f"Only {CLIENT}s ask this.", hint="Use a client's certificate.")
