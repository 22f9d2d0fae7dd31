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


class Message(NamedTuple):
    """What goes to, or came from, the two other parties in one round; empty where there is nothing.

    `ahead` is sent to the next party, and in what was received it came from the next party; `back` likewise
    with the previous one. A round is `two_way` at all parties or at none; only then anything goes back.
    """

    ahead: bytes | memoryview = b""
    back: bytes | memoryview = b""
    two_way: bool = False


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
    """

    sent: list[int] = field(default_factory=lambda: [0, 0, 0])
    rounds: int = 0
    keep: bool = False
    messages: list[list[bytes]] = field(default_factory=lambda: [[], [], []])


def run_together(parts: Sequence[Part[T]], traffic: Traffic | None = None) -> list[T]:
    """Run the three parties' parts in this process, round by round; return their results.

    Raises
    ------
    ProtocolError
        If a party ends in another round than the others.
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
            traffic.sent[index] += len(message.ahead) + len(message.back)
            if traffic.keep:
                traffic.messages[index].append(bytes(message.ahead))
            following, before = sent[(index + 1) % 3], sent[(index - 1) % 3]
            assert following is not None
            assert before is not None
            received[index] = Message(ahead=following.back, back=before.ahead)
