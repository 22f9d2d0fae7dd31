"""Mixed traffic of many callers: each is answered rightly or refused in time, and at the end all adds up.

Every caller has people of its own, so it knows the right answer to each of its calls, whatever others do.
"""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from matcher.v1 import matcher_pb2 as pb
from matcher.v1 import matcher_pb2_grpc as pb_grpc

CALLERS = 12
SECONDS_FAST, SECONDS_SOAK = 3.0, 120.0

LATE_S = 30.0
"""Beyond this a call was stuck; what cannot be done in time is refused instead."""


class Caller(threading.Thread):
    """Does one thing after another to its own people, and checks each answer."""

    def __init__(self, number: int, stub: Any, fakes: ModuleType, end: float) -> None:
        super().__init__(name=f"caller-{number}")
        self.number, self.stub, self.fakes, self.end = number, stub, fakes, end
        self.rng = random.Random(number)
        self.people: dict[str, int] = {}
        self.gone: list[str] = []
        self.done: Counter[str] = Counter()
        self.problem: BaseException | None = None
        self._names = itertools.count()

    def run(self) -> None:
        acts = (self.enroll, self.enroll, self.verify, self.verify, self.identify, self.delete, self.look)
        acts += (self.verify_gone, self.extract, self.page, self.stream)
        try:
            while time.monotonic() < self.end:
                act = self.rng.choice(acts)
                self.done[act.__name__ if self.tried(act) else "refused"] += 1
        except BaseException as error:
            self.problem = error

    def tried(self, act: Callable[[], None]) -> bool:
        """Do something; False where the server said, with when to come back, that it has too much to do."""
        try:
            act()
        except grpc.RpcError as error:
            assert_overloaded(error)
            return False
        return True

    def enroll(self) -> None:
        name = f"c{self.number}-{next(self._names)}"
        # Sent again with its key after a refusal: at most one person comes of it.
        identity = self.number * 20_000 + len(self.people) + len(self.gone)
        request = pb.EnrollRequest(subject_id=name, samples=[self.sample(identity, 0)], idempotency_key=name)
        while not self.tried(lambda: self.stub.Enroll(request, timeout=LATE_S)):
            time.sleep(0.05)
        self.people[name] = identity

    def verify(self) -> None:
        if self.people:
            name = self.rng.choice(list(self.people))
            own = self.stub.Verify(self.claim(name, self.people[name]), timeout=LATE_S)
            assert own.accepted
            assert not self.stub.Verify(self.claim(name, self.people[name] + 10_000), timeout=LATE_S).accepted

    def verify_gone(self) -> None:
        if self.gone:
            with pytest.raises(grpc.RpcError) as caught:
                self.stub.Verify(self.claim(self.rng.choice(self.gone), 1), timeout=LATE_S)
            if caught.value.code() is not grpc.StatusCode.NOT_FOUND:
                raise caught.value

    def identify(self) -> None:
        if self.people:
            name = self.rng.choice(list(self.people))
            request = pb.IdentifyRequest(samples=[self.sample(self.people[name], 1)])
            found = self.stub.Identify(request, timeout=LATE_S)
            assert found.candidates[0].subject_id == name

    def delete(self) -> None:
        if len(self.people) > 3:
            name = self.rng.choice(list(self.people))
            self.stub.DeleteSubject(
                pb.DeleteSubjectRequest(subject_id=name, idempotency_key=f"gone {name}"), timeout=LATE_S
            )
            del self.people[name]
            self.gone.append(name)

    def look(self) -> None:
        if self.people:
            name = self.rng.choice(list(self.people))
            reply = self.stub.GetSubject(pb.GetSubjectRequest(subject_id=name), timeout=LATE_S)
            assert len(reply.encounters) == 1

    def extract(self) -> None:
        request = pb.ExtractTemplateRequest(samples=[pb.Sample(image=b"SLOW 0.05 7")])
        assert len(self.stub.ExtractTemplate(request, timeout=LATE_S).templates) == 1

    def page(self) -> None:
        self.stub.ListEncounters(pb.ListEncountersRequest(page_size=50), timeout=LATE_S)

    def stream(self) -> None:
        wanted = dict(itertools.islice(self.people.items(), 5))
        items = (
            pb.IdentifyStreamRequest(
                item_id=name, search=pb.IdentifyRequest(samples=[self.sample(identity, 2)])
            )
            for name, identity in wanted.items()
        )
        answers = {a.item_id: a for a in self.stub.IdentifyStream(items, timeout=LATE_S)}
        assert answers.keys() == wanted.keys()
        for name, answer in answers.items():
            assert answer.result.candidates[0].subject_id == name, answer.error

    def claim(self, name: str, identity: int) -> pb.VerifyRequest:
        return pb.VerifyRequest(subject_id=name, samples=[self.sample(identity, 1)])

    def sample(self, identity: int, impression: int) -> pb.Sample:
        return pb.Sample(image=f"IMG {identity} {impression}".encode())


def assert_overloaded(error: Any) -> None:
    """Fail unless a refusal says that there is too much to do, and when to come back."""
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED, f"{error.code()}: {error.details()}"
    status = rpc_status.from_call(error)
    assert status is not None
    retry = error_details_pb2.RetryInfo()
    assert any(detail.Is(retry.DESCRIPTOR) and detail.Unpack(retry) for detail in status.details)
    assert retry.retry_delay.ToTimedelta().total_seconds() > 0


def subjects(stub: Any) -> Iterator[str]:
    """Yield the subject of every stored encounter."""
    request = pb.ListEncountersRequest(page_size=1000)
    while True:
        page = stub.ListEncounters(request, timeout=LATE_S)
        yield from (encounter.subject_id for encounter in page.encounters)
        if not page.next_page_token:
            return
        request.page_token = page.next_page_token


@pytest.mark.timeout(600)
def test_mixed_traffic_adds_up(start: Callable[..., Any], fakes: ModuleType, full_size: bool) -> None:
    """Nobody is lost, doubled or mistaken for another; and no kind of call is shut out by the others."""
    process = start()
    end = time.monotonic() + (SECONDS_SOAK if full_size else SECONDS_FAST)
    with grpc.insecure_channel(process.address) as channel:
        stub = pb_grpc.MatcherServiceStub(channel)
        callers = [Caller(number, stub, fakes, end) for number in range(CALLERS)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join(LATE_S + SECONDS_SOAK)
            assert not caller.is_alive(), "a call is stuck"
            if caller.problem is not None:
                raise caller.problem
        expected = sorted(name for caller in callers for name in caller.people)
        assert sorted(subjects(stub)) == expected
        status = stub.GetServerStatus(pb.GetServerStatusRequest(), timeout=LATE_S)
    assert status.subject_count == len(expected)
    done = sum((caller.done for caller in callers), Counter())
    assert set(done) >= {"enroll", "verify", "identify", "look", "extract", "page"}, done
    assert done["refused"] < done.total() / 2, done
