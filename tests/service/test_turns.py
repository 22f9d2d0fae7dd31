"""Whose turn it is: order, limits, refusals, giving up; and the same over a real channel."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import grpc
import pytest

from matcher.client import BulkItem, Client
from matcher.deadline import FOREVER, Deadline
from matcher.engine import Engine
from matcher.errors import DeadlineError, OverloadedError
from matcher.service.handlers.streams import MAX_STREAMS, WINDOW
from matcher.service.server import Server
from matcher.service.turns import AGED, Limits, Queue, Turns, Work, default_limits
from matcher.v1 import matcher_pb2 as pb
from matcher.v1 import matcher_pb2_grpc as pb_grpc

LONG_S = 20.0


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + LONG_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.002)


class Line:
    """Takes the one turn of a queue, lets others wait in a stated order, and notes who comes next."""

    def __init__(self, waiting: int = 100) -> None:
        self.queue = Queue(Work.VERIFY, Limits(1, waiting))
        self.came: list[str] = []
        self._threads: list[threading.Thread] = []
        self._leave = threading.Event()
        first = threading.Thread(target=self._hold)
        first.start()
        self._threads.append(first)
        until(lambda: self.queue.running == 1)

    def _hold(self) -> None:
        with self.queue.turn(FOREVER):
            self._leave.wait(LONG_S)

    def wait(self, name: str, priority: int = 5, *, streamed: bool = False) -> None:
        def take() -> None:
            with self.queue.turn(FOREVER, priority, streamed=streamed):
                self.came.append(name)

        thread = threading.Thread(target=take)
        before = self.queue.waiting
        thread.start()
        self._threads.append(thread)
        until(lambda: self.queue.waiting == before + 1)

    def go(self) -> list[str]:
        self._leave.set()
        for thread in self._threads:
            thread.join(LONG_S)
        assert (self.queue.running, self.queue.waiting) == (0, 0)
        return self.came


def test_the_most_urgent_is_next_and_calls_go_before_streams() -> None:
    line = Line()
    line.wait("stream", streamed=True)
    line.wait("late", 0)
    line.wait("call")
    assert line.go() == ["call", "stream", "late"]


def test_nobody_waits_for_ever() -> None:
    line = Line()
    line.wait("old", 0)
    for number in range(2 * AGED):
        line.wait(str(number), 9)
    assert line.go().index("old") == AGED - 1


def test_a_full_queue_refuses_calls_at_once_and_takes_items_of_streams() -> None:
    line = Line(waiting=1)
    line.wait("first")
    with pytest.raises(OverloadedError) as told, line.queue.turn(FOREVER):
        pass
    assert told.value.retry_after_s > 0
    line.wait("item", streamed=True)
    assert line.go() == ["first", "item"]


def test_a_hopeless_deadline_is_refused_before_it_passes() -> None:
    now = [0.0]
    queue = Queue(Work.SEARCH, Limits(1, 10), clock=lambda: now[0])
    with queue.turn(FOREVER):
        now[0] += 2.0
    assert queue.mean_s == 2.0
    with queue.turn(FOREVER), pytest.raises(OverloadedError), queue.turn(Deadline(lambda: 1.9)):
        pass
    with pytest.raises(DeadlineError), queue.turn(FOREVER), queue.turn(Deadline(_left(3.0, 0.0))):
        pass
    assert (queue.running, queue.waiting) == (0, 0)


def _left(*values: float) -> Callable[[], float]:
    """Return a deadline that says these values in turn, and then the last one."""
    said = iter(values)
    return lambda: next(said, values[-1])


def test_who_goes_away_leaves_the_queue() -> None:
    line = Line()
    gone = threading.Event()
    wakers: list[Callable[[], None]] = []
    raised: list[BaseException] = []

    def take() -> None:
        deadline = Deadline(lambda: 0.0 if gone.is_set() else None)
        try:
            with line.queue.turn(deadline, wake=wakers.append):
                pass
        except DeadlineError as error:
            raised.append(error)

    thread = threading.Thread(target=take)
    thread.start()
    until(lambda: len(wakers) == 1)
    gone.set()
    wakers[0]()
    thread.join(LONG_S)
    assert len(raised) == 1
    assert line.queue.waiting == 0
    line.wait("other")
    assert line.go() == ["other"]


def test_every_kind_of_work_has_limits() -> None:
    limits = default_limits(2)
    assert limits.keys() == set(Work)
    assert all(one.running > 0 and one.waiting > 0 for one in limits.values())


@pytest.fixture
def narrow(engine: Engine) -> Iterator[Server]:
    """One turn of each kind, one waiting."""
    server = Server("127.0.0.1:0", turns=Turns({work: Limits(1, 1) for work in Work}))
    server.serve(engine)
    yield server
    server.drain(1)


@pytest.fixture
def held(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Searches that wait until they are let go."""
    go = threading.Event()
    identify = engine.identify

    def slow(*arguments: Any, deadline: Deadline = FOREVER, **options: Any) -> Any:
        while not go.wait(0.01):
            deadline.check()
        return identify(*arguments, deadline=deadline, **options)

    monkeypatch.setattr(engine, "identify", slow)
    yield go
    go.set()


def test_verifications_never_stand_behind_searches(
    narrow: Server, held: threading.Event, fakes: ModuleType
) -> None:
    with Client(narrow.address) as client, Client(narrow.address, timeout=5) as other:
        client.enroll([fakes.stored(1)], subject_id="alice")
        answers: list[Any] = []
        searches = [
            threading.Thread(target=lambda: answers.append(client.identify([fakes.stored(1, 1)])))
            for _ in range(2)
        ]
        for search in searches:
            search.start()
        until(lambda: _queue(other, "search") == (1, 1))
        assert other.verify("alice", [fakes.stored(1, 1)]).decision.accepted
        with pytest.raises(OverloadedError) as told:
            other.identify([fakes.stored(1, 1)], timeout=1.0)  # its client tries again until then
        assert told.value.retry_after_s > 0
        held.set()
        for search in searches:
            search.join(LONG_S)
        assert len(answers) == 2


def test_a_search_that_waits_ends_with_its_caller(
    narrow: Server, held: threading.Event, fakes: ModuleType
) -> None:
    with grpc.insecure_channel(narrow.address) as channel, Client(narrow.address) as client:
        stub = pb_grpc.MatcherServiceStub(channel)
        request = pb.IdentifyRequest(samples=[pb.Sample(template=fakes.stored(1).data)])
        running, waiting = stub.Identify.future(request), stub.Identify.future(request)
        until(lambda: _queue(client, "search") == (1, 1))
        waiting.cancel()
        running.cancel()
        until(lambda: _queue(client, "search") == (0, 0))


def _queue(client: Client, work: str) -> tuple[int, int]:
    (found,) = (queue for queue in client.status().queues if queue.work == work)
    return found.running, found.waiting


def test_there_are_at_most_so_many_streams_and_unary_calls_pass_them(
    server: Server, client: Client, fakes: ModuleType
) -> None:
    with grpc.insecure_channel(server.address) as channel:
        stub = pb_grpc.MatcherServiceStub(channel)
        end = threading.Event()

        def slowly() -> Iterator[pb.BulkEnrollRequest]:
            yield BulkItem("x", [b"BLANK"]).message({})
            end.wait(LONG_S)

        streams = [stub.BulkEnroll(slowly()) for _ in range(MAX_STREAMS)]
        for stream in streams:
            assert next(stream).error.reason == "EXTRACT_BLANK"
        with pytest.raises(OverloadedError):
            list(client.bulk_enroll([BulkItem("y", [fakes.image(1)])], timeout=1))
        assert client.enroll([fakes.image(1)]).created
        end.set()
        for stream in streams:
            assert list(stream) == []
    until(lambda: _answered(client, fakes))


def _answered(client: Client, fakes: ModuleType) -> bool:
    """Return whether a stream is taken again: the places of those that ended are free a moment later."""
    try:
        (answer,) = client.bulk_enroll([BulkItem("z", [fakes.image(2)])], timeout=1)
    except OverloadedError:
        return False
    return answer.enrolled is not None


def test_a_stream_reads_no_further_than_its_window(server: Server, client: Client, engine: Engine) -> None:
    taken: list[int] = []
    many = 10 * WINDOW

    def items() -> Iterator[BulkItem]:
        for number in range(many):
            taken.append(number)
            # Large enough that not all fit into the buffers of the connection.
            yield BulkItem(f"{number}", [f"SLOW 0.02 {number} {'x' * 100_000}".encode()])

    answers = client.bulk_enroll(items())
    next(answers)
    assert len(taken) < many / 2
    assert sum(1 for _ in answers) == many - 1


def test_a_stop_ends_streams_with_what_was_begun(engine: Engine, fakes: ModuleType) -> None:
    server = Server("127.0.0.1:0")
    server.serve(engine)
    with grpc.insecure_channel(server.address) as channel:
        stub = pb_grpc.MatcherServiceStub(channel)
        end = threading.Event()

        def open_ended() -> Iterator[pb.BulkEnrollRequest]:
            yield BulkItem("a", [b"SLOW 0.5 1"]).message({})
            end.wait(LONG_S)

        stream = stub.BulkEnroll(open_ended())
        until(lambda: any(queue.running for queue in server._servicer.turns.queues.values()))
        begin = time.monotonic()
        drain = threading.Thread(target=server.drain)
        drain.start()
        assert next(stream).outcome == pb.BULK_ENROLL_OUTCOME_ENROLLED
        with pytest.raises(grpc.RpcError) as told:
            next(stream)
        assert told.value.code() is grpc.StatusCode.UNAVAILABLE
        drain.join(LONG_S)
        end.set()
        assert time.monotonic() - begin < LONG_S / 2
    assert engine.status().subjects == 1
