"""Messages between parties: frames with numbers and tags, over anything that carries frames in order.

`Peers` runs a party's part of a protocol against the two others. What carries frames is given to it: gRPC
streams (`matcher.privacy.party`), or queues in tests.
"""

from __future__ import annotations

import queue
from collections.abc import Callable
from typing import TypeVar

from matcher.errors import MatcherError, PartyUnavailableError, ProtocolError
from matcher.privacy.randomness import Shared
from matcher.privacy.rounds import Message, Part
from matcher.privacy.session import Sealer, Session
from matcher.v1 import privacy_pb2 as pb

T = TypeVar("T")

ROUND_TIMEOUT_S = 60.0
"""How long a party waits for another's message, seconds."""


class Peers:
    """The two other parties.

    Parameters
    ----------
    index : int
        This party.
    send : callable (other, frame)
        Carries a frame to a party; raises PartyUnavailableError where it cannot.
    timeout : float
        How long to wait for a message, seconds.
    """

    def __init__(
        self, index: int, send: Callable[[int, pb.Frame], None], timeout: float = ROUND_TIMEOUT_S
    ) -> None:
        self.index = index
        self.following, self.before = (index + 1) % 3, (index - 1) % 3
        self.sessions: dict[int, Session] = {}
        self.inbox: dict[int, queue.SimpleQueue[pb.Frame | None]] = {
            self.following: queue.SimpleQueue(),
            self.before: queue.SimpleQueue(),
        }
        self.sent_bytes = 0
        self.rounds = 0
        self._send, self._timeout = send, timeout

    def run(self, number: int, make: Callable[[Shared], Part[T]]) -> T:
        """Run a part of a protocol as operation `number`; each operation has a number of its own.

        Raises
        ------
        ProtocolError
            If a message is not the one that was sent here.
        PartyUnavailableError
            If one does not come.
        """
        exchange = _Exchange(self, number)
        try:
            part = make(exchange.shared)
            message = next(part)
            while True:
                message = part.send(exchange.round(message))
        except StopIteration as end:
            result: T = end.value
            return result
        except MatcherError:
            exchange.abort()
            raise

    def deliver(self, other: int, frame: pb.Frame) -> None:
        """Send a frame."""
        self.sent_bytes += len(frame.payload) + len(frame.tag)
        self._send(other, frame)

    def next_frame(self, other: int, number: int) -> pb.Frame:
        """Return the next frame of an operation from a party; those of earlier operations are dropped.

        None in an inbox says that the party's stream ended.
        """
        while True:
            try:
                frame = self.inbox[other].get(timeout=self._timeout)
            except queue.Empty:
                raise PartyUnavailableError(
                    f"Party {other} did not answer in {self._timeout:g} s.", hint="Start it, and ask again."
                ) from None
            if frame is None:
                raise PartyUnavailableError(f"Party {other} went away.", hint="Start it, and ask again.")
            if frame.operation_number >= number:
                return frame


class _Exchange:
    """One operation's frames to and from both others."""

    def __init__(self, peers: Peers, number: int) -> None:
        for other in (peers.following, peers.before):
            if other not in peers.sessions:
                raise PartyUnavailableError(f"Party {other} is not there.", hint="Start it, and ask again.")
        sessions = peers.sessions
        self._peers, self._number = peers, number
        own, left = (sessions[o].stream_key(number) for o in (peers.following, peers.before))
        self.shared = Shared(peers.index, own, left)
        self._out: dict[int, Sealer] = {o: s.sealer(number, outgoing=True) for o, s in sessions.items()}
        self._in: dict[int, Sealer] = {o: s.sealer(number, outgoing=False) for o, s in sessions.items()}
        self._sent = dict.fromkeys(sessions, 0)
        self._received = dict.fromkeys(sessions, 0)

    def round(self, message: Message) -> Message:
        """Send and receive what the round's links say."""
        peers, links = self._peers, message.links
        index, following, before = peers.index, peers.following, peers.before
        if (index, following) in links:
            self._put(following, message.ahead)
        if (index, before) in links:
            self._put(before, message.back)
        back = self._take(before) if (before, index) in links else b""
        ahead = self._take(following) if (following, index) in links else b""
        peers.rounds += 1
        return Message(ahead=ahead, back=back, links=links)

    def abort(self) -> None:
        """Tell the others that nothing more will come."""
        for other, sealer in self._out.items():
            sequence = self._sent[other]
            frame = pb.Frame(
                kind=pb.FRAME_KIND_ABORT,
                operation_number=self._number,
                sequence=sequence,
                tag=sealer.tag(pb.FRAME_KIND_ABORT, sequence, b""),
            )
            try:
                self._peers.deliver(other, frame)
            except MatcherError:
                continue

    def _put(self, other: int, payload: bytes | memoryview) -> None:
        sequence = self._sent[other]
        self._sent[other] += 1
        data = bytes(payload)
        frame = pb.Frame(
            kind=pb.FRAME_KIND_ROUND,
            operation_number=self._number,
            sequence=sequence,
            payload=data,
            tag=self._out[other].tag(pb.FRAME_KIND_ROUND, sequence, data),
        )
        self._peers.deliver(other, frame)

    def _take(self, other: int) -> bytes:
        frame = self._peers.next_frame(other, self._number)
        sequence = self._received[other]
        if frame.operation_number != self._number:
            raise ProtocolError(f"Party {other} is at another operation.")
        if frame.kind not in (pb.FRAME_KIND_ROUND, pb.FRAME_KIND_ABORT):
            raise ProtocolError(f"Party {other} sent a frame that belongs elsewhere.")
        # The place is part of what the tag covers: the frame's own claim is not trusted.
        self._in[other].check(frame.kind, sequence, frame.payload, frame.tag)
        self._received[other] += 1
        if frame.kind == pb.FRAME_KIND_ABORT:
            raise PartyUnavailableError(f"Party {other} gave the operation up.", hint="Ask again.")
        return frame.payload
