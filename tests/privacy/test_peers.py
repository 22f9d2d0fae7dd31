"""Messages between parties: whatever happens to one on its way, the operation fails and nobody answers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from matcher.errors import (
    MatcherError,
    OutOfStepError,
    PartyUnavailableError,
    ProtocolError,
    SubjectNotFoundError,
)
from matcher.privacy.bits import shown
from matcher.privacy.operations import in_step
from matcher.privacy.peers import Peers
from matcher.privacy.protocol import iris_decided, iris_matches
from matcher.privacy.randomness import Shared
from matcher.privacy.rounds import ALL, Message, Part
from matcher.privacy.rule import rule_for
from matcher.privacy.session import Session
from matcher.privacy.store import ShareStore
from matcher.v1 import privacy_pb2 as pb

RULE = rule_for(0.2285, 2048, 0.35)

Tamper = Callable[[int, int, pb.Frame], list[pb.Frame]]


class Wires:
    """Three parties over queues; what `tamper` returns for a frame is what arrives."""

    def __init__(self, tamper: Tamper | None = None, timeout: float = 0.5) -> None:
        self.tamper = tamper
        self.peers = [
            Peers(i, lambda other, frame, i=i: self.carry(i, other, frame), timeout) for i in range(3)
        ]
        sessions = {(i, j): Session(i, j) for i in range(3) for j in range(3) if i != j}
        for (i, j), session in sessions.items():
            session.meet(sessions[j, i].public)
            self.peers[i].sessions[j] = session

    def carry(self, sender: int, receiver: int, frame: pb.Frame) -> None:
        for one in self.tamper(sender, receiver, frame) if self.tamper else [frame]:
            self.peers[receiver].inbox[sender].put(one)

    def run(self, number: int, make: Callable[[Shared], Part[Any]]) -> list[Any]:
        """Run a part at the three parties; return results, or the errors they ended with."""
        results: list[Any] = [None] * 3

        def one(index: int) -> None:
            try:
                results[index] = self.peers[index].run(number, make)
            except MatcherError as error:
                results[index] = error

        threads = [threading.Thread(target=one, args=(i,)) for i in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=30)
        return results


def compare(shared: Shared) -> Part[str]:
    """Compare 64 mates whose first party alone has shares other than 0, two-way rounds before and after."""
    yield Message(ahead=b"state", back=b"state", links=ALL)
    md = np.full(64, 700 if shared.index == 0 else 0, np.uint16)
    yield from iris_matches(shared, md, md, RULE, tree=True)
    yield Message(ahead=b"done", back=b"done", links=ALL)
    return "answered"


def test_three_parties_answer_again_and_again() -> None:
    wires = Wires()
    for number in range(1, 4):
        assert wires.run(number, compare) == ["answered"] * 3
    assert all(peers.sent_bytes > 0 for peers in wires.peers)


def nth(count: int, change: Callable[[pb.Frame, list[pb.Frame]], list[pb.Frame]]) -> Tamper:
    """Change the `count`-th frame from party 1 to party 2, and only that."""
    seen: list[pb.Frame] = []

    def tamper(sender: int, receiver: int, frame: pb.Frame) -> list[pb.Frame]:
        if (sender, receiver) != (1, 2) or frame.kind != pb.FRAME_KIND_ROUND:
            return [frame]
        seen.append(frame)
        return change(frame, seen) if len(seen) == count else [frame]

    return tamper


def altered(**changes: Any) -> Callable[[pb.Frame, list[pb.Frame]], list[pb.Frame]]:
    def change(frame: pb.Frame, seen: list[pb.Frame]) -> list[pb.Frame]:
        other = pb.Frame()
        other.CopyFrom(frame)
        for name, value in changes.items():
            setattr(other, name, value(getattr(other, name)))
        return [other]

    return change


FAULTS = {
    "replayed": lambda frame, seen: [seen[-2], frame],
    "sent twice": lambda frame, seen: [frame, frame],
    "truncated": altered(payload=lambda p: p[:-1]),
    "emptied": altered(payload=lambda p: b""),
    "altered": altered(payload=lambda p: bytes([p[0] ^ 1]) + p[1:]),
    "other tag": altered(tag=lambda t: bytes(16)),
    "no tag": altered(tag=lambda t: b""),
    "of the next operation": altered(operation_number=lambda n: n + 1),
    "another kind": altered(kind=lambda k: pb.FRAME_KIND_BEGIN),
    "a forged end": altered(kind=lambda k: pb.FRAME_KIND_ABORT),
    "lost": lambda frame, seen: [],
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_on_the_way_ends_the_operation_without_an_answer(name: str) -> None:
    wires = Wires(nth(4, FAULTS[name]))
    results = wires.run(7, compare)
    # Where one is lost, the next frame to come may be the end that the sender's own waiting gives it.
    expected = (ProtocolError, PartyUnavailableError) if name == "lost" else ProtocolError
    assert isinstance(results[2], expected), results
    assert all(isinstance(result, MatcherError) for result in results)
    # And the next one is not disturbed by what is left of it.
    wires.tamper = None
    assert wires.run(8, compare) == ["answered"] * 3


def test_two_messages_in_another_order_are_found() -> None:
    held: list[pb.Frame] = []

    def swap(sender: int, receiver: int, frame: pb.Frame) -> list[pb.Frame]:
        if (sender, receiver) != (1, 2) or frame.kind != pb.FRAME_KIND_ROUND or frame.sequence not in (0, 1):
            return [frame]
        held.append(frame)
        return [] if len(held) == 1 else [held[1], held[0]]

    def two(shared: Shared) -> Part[str]:
        # Party 1 sends two messages without waiting for the first one's answer: they can meet on the way.
        yield Message(ahead=b"one")
        yield Message(ahead=b"two")
        return "answered"

    results = Wires(swap).run(1, two)
    assert isinstance(results[2], MatcherError)


def test_a_message_of_an_earlier_operation_is_of_no_use() -> None:
    """The same frame, renamed to the new operation, does not have its tag: keys are per operation."""
    recorded: list[pb.Frame] = []

    def record(sender: int, receiver: int, frame: pb.Frame) -> list[pb.Frame]:
        if (sender, receiver) == (1, 2):
            recorded.append(frame)
        return [frame]

    wires = Wires(record)
    wires.run(1, compare)

    def replay(sender: int, receiver: int, frame: pb.Frame) -> list[pb.Frame]:
        if (sender, receiver) != (1, 2) or frame.sequence != 3:
            return [frame]
        old = pb.Frame()
        old.CopyFrom(next(one for one in recorded if one.sequence == 3))
        old.operation_number = 2
        return [old]

    wires.tamper = replay
    assert isinstance(wires.run(2, compare)[2], ProtocolError)


def test_a_party_that_is_not_there_is_named() -> None:
    wires = Wires()
    del wires.peers[0].sessions[2]
    with pytest.raises(PartyUnavailableError, match="Party 2"):
        wires.peers[0].run(1, compare)
    wires.peers[1].inbox[0].put(None)
    with pytest.raises(PartyUnavailableError, match="Party 0 went away"):
        wires.peers[1].run(1, compare)


def test_sessions_agree_on_keys_that_differ_by_operation_and_direction() -> None:
    one, two = Session(0, 1), Session(1, 0)
    with pytest.raises(ProtocolError):
        one.stream_key(1)
    one.meet(two.public)
    two.meet(one.public)
    assert one.stream_key(5) == two.stream_key(5) != one.stream_key(6)
    tag = one.sealer(5, outgoing=True).tag(3, 0, b"text")
    two.sealer(5, outgoing=False).check(3, 0, b"text", tag)
    for kind, sequence, payload in ((2, 0, b"text"), (3, 1, b"text"), (3, 0, b"texT")):
        with pytest.raises(ProtocolError):
            two.sealer(5, outgoing=False).check(kind, sequence, payload, tag)
    with pytest.raises(ProtocolError):
        two.sealer(5, outgoing=True).check(3, 0, b"text", tag)
    for public in (b"short", bytes(32)):
        with pytest.raises(ProtocolError):
            one.meet(public)


@pytest.mark.parametrize("odd", range(3))
@pytest.mark.parametrize("fails", [False, True], ids=["compares", "fails at once"])
def test_where_one_party_is_of_another_state_nobody_answers_or_waits(odd: int, fails: bool) -> None:
    """Its state comes with its first message: whoever finds out ends it, and the others hear of it."""

    def searched(shared: Shared) -> Part[str]:
        if fails and shared.index == odd:
            raise SubjectNotFoundError("No such subject.")
        return (yield from compare_in_few_rounds(shared))

    def make(shared: Shared) -> Part[str]:
        layout = SimpleNamespace(digest=bytes(32))
        store = SimpleNamespace(
            sequence=int(shared.index == odd), generation=1, digest=bytes(32), layout=layout
        )
        return in_step(shared, cast(ShareStore, store), searched(shared))

    # Nobody waits in vain: a party would, for so many seconds.
    results = Wires(timeout=20.0).run(9, make)
    assert all(isinstance(result, OutOfStepError | PartyUnavailableError) for result in results), results
    assert any(isinstance(result, OutOfStepError) for result in results)
    assert not any("did not answer" in str(result) for result in results)


def compare_in_few_rounds(shared: Shared) -> Part[str]:
    """Compare and show party 0 the answer, without rounds of states."""
    md = np.full(64, 700 if shared.index == 0 else 0, np.uint16)
    yield from shown(shared, (yield from iris_decided(shared, md, md, RULE, tree=True)))
    return "answered"
