"""What a protocol is made of: rounds, in each of which every party sends something and receives something.

A party's part of a protocol is a generator. It yields what it sends, is resumed with what it received, and
returns its result: the same code runs in one process for tests, where `run_together` counts every byte, and
between processes (`matcher.privacy.peers`).
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from matcher.errors import ProtocolError

T = TypeVar("T")


Links = frozenset[tuple[int, int]]
"""Who sends to whom in a round: pairs of parties."""

RING: Links = frozenset({(0, 1), (1, 2), (2, 0)})
"""Each to the next."""

ALL: Links = RING | {(1, 0), (2, 1), (0, 2)}
"""Each to both others."""


class Message(NamedTuple):
    """What goes to, or came from, the two other parties in one round; empty where there is nothing.

    `ahead` is sent to the next party, and in what was received it came from the next party; `back` likewise
    with the previous one. `links` is the same at all parties; where there is none, nothing is sent.
    """

    ahead: bytes | memoryview = b""
    back: bytes | memoryview = b""
    links: Links = RING


Part = Generator[Message, Message, T]
"""A party's part of a protocol: yields what it sends, receives what came, returns its result."""


@dataclass(slots=True)
class Traffic:
    """What a party sent.

    Attributes
    ----------
    sent : list of int
        Bytes of each party.
    rounds : int
    messages : list of list of bytes
        Of each party, what it sent ahead in each round; kept only where asked for.
    backward : list of list of bytes
        What it sent back.
    """

    sent: list[int] = field(default_factory=lambda: [0, 0, 0])
    rounds: int = 0
    keep: bool = False
    messages: list[list[bytes]] = field(default_factory=lambda: [[], [], []])
    backward: list[list[bytes]] = field(default_factory=lambda: [[], [], []])


def run_together(parts: Sequence[Part[T]], traffic: Traffic | None = None) -> list[T]:
    """Run the three parties' parts in this process, round by round; return their results.

    Raises
    ------
    ProtocolError
        If a party ends in another round than the others, or sends what nobody takes.
    """
    traffic = traffic if traffic is not None else Traffic()
    sent: list[Message | None] = [None, None, None]
    results: list[T] = []
    received: list[Message | None] = [None, None, None]
    while True:
        for index, part in enumerate(parts):
            message = received[index]
            try:
                sent[index] = next(part) if message is None else part.send(message)
            except StopIteration as end:
                results.append(end.value)
                sent[index] = None
        if results:
            if len(results) != len(parts):
                raise ProtocolError("The parties did not end in one round.")
            return results
        traffic.rounds += 1
        for index, message in enumerate(sent):
            assert message is not None
            following, before = (index + 1) % 3, (index - 1) % 3
            for other, data in ((following, message.ahead), (before, message.back)):
                if data and (index, other) not in message.links:
                    raise ProtocolError("A party sends what nobody takes.")
            traffic.sent[index] += len(message.ahead) + len(message.back)
            if traffic.keep:
                traffic.messages[index].append(bytes(message.ahead))
                traffic.backward[index].append(bytes(message.back))
            theirs_ahead, theirs_back = sent[before], sent[following]
            assert theirs_ahead is not None
            assert theirs_back is not None
            received[index] = Message(ahead=theirs_back.back, back=theirs_ahead.ahead, links=message.links)
