"""The client that waits: a method of the service is a method here."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, TypeVar, Unpack

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from matcher.answers import Access
from matcher.client import calls, calls_upgrades
from matcher.client.call import (
    CHANNEL_OPTIONS,
    DEFAULT_TIMEOUT_S,
    HEALTH_POLL_S,
    Call,
    CallOptions,
    bearer,
    pause_before_next,
)
from matcher.client.items import (
    BulkAnswer,
    BulkItem,
    Resumable,
    SearchAnswer,
    SearchItem,
    bulk_answer,
    search_answer,
)
from matcher.errors import DeadlineError, MatcherError, NotReadyError, ServerUnavailableError
from matcher.gallery.subject import StoredVisit
from matcher.service.status import to_error
from matcher.v1 import matcher_pb2_grpc as pb_grpc

P = ParamSpec("P")
T = TypeVar("T")


def method(build: Callable[P, Call[T]]) -> Callable[Concatenate[Client, P], T]:
    """Return the method that makes a call and waits for its answer."""

    @functools.wraps(build)
    def call(self: Client, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._call(build(*args, **kwargs))

    return call


class Client:
    """A connection to a running server; safe to use from many threads.

    Parameters
    ----------
    address : str
        HOST:PORT.
    timeout : float
        Seconds that a call may take where it names no other.
    credentials : grpc.ChannelCredentials, optional
        For TLS, see `matcher.client.credentials`; by default the connection is plain.
    token : str, optional
        Signed, that says who calls; whoever listens to a plain connection can use it, too.

    Examples
    --------
    >>> with Client("127.0.0.1:50051") as client:  # doctest: +SKIP
    ...     client.enroll([png], subject_id="alice")
    ...     client.verify("alice", [another_png]).decision.accepted
    True
    """

    enroll = method(calls.enroll)
    enroll_if_unique = method(calls.enroll_if_unique)
    subject = method(calls.subject)
    list_encounters = method(calls.list_encounters)
    update = method(calls.update)
    set_status = method(calls.set_status)
    set_galleries = method(calls.set_galleries)
    delete_encounter = method(calls.delete_encounter)
    delete = method(calls.delete)
    merge = method(calls.merge)
    move = method(calls.move)
    verify = method(calls.verify)
    compare = method(calls.compare)
    identify = method(calls.identify)
    extract = method(calls.extract)
    assess = method(calls.assess)
    galleries = method(calls.galleries)
    list_accesses = method(calls.list_accesses)
    start_upgrade = method(calls_upgrades.start_upgrade)
    upgrade_status = method(calls_upgrades.upgrade_status)
    switch_upgrade = method(calls_upgrades.switch_upgrade)
    cancel_upgrade = method(calls_upgrades.cancel_upgrade)
    status = method(calls.status)

    def __init__(
        self,
        address: str,
        *,
        timeout: float = DEFAULT_TIMEOUT_S,
        credentials: grpc.ChannelCredentials | None = None,
        token: str | None = None,
    ) -> None:
        self.address = address
        self._timeout = timeout
        self._metadata = bearer(token)
        if credentials is None:
            self._channel = grpc.insecure_channel(address, options=CHANNEL_OPTIONS)
        else:
            self._channel = grpc.secure_channel(address, credentials, options=CHANNEL_OPTIONS)
        self._stub = pb_grpc.MatcherServiceStub(self._channel)
        self._health = health_pb2_grpc.HealthStub(self._channel)

    def encounters(
        self, *, subject_id: str | None = None, gallery: str | None = None, **options: Unpack[CallOptions]
    ) -> Iterator[StoredVisit]:
        """Yield all encounters, of a subject or a gallery where named, page by page."""
        token = ""
        while True:
            found, token = self.list_encounters(
                subject_id=subject_id, gallery=gallery, page_token=token, **options
            )
            yield from found
            if not token:
                return

    def accesses(self, subject_id: str, **options: Unpack[CallOptions]) -> Iterator[Access]:
        """Yield who looked at a subject's data, the earliest first, page by page."""
        token = ""
        while True:
            found, token = self.list_accesses(subject_id, page_token=token, **options)
            yield from found
            if not token:
                return

    def bulk_enroll(self, items: Iterable[BulkItem], **options: Unpack[CallOptions]) -> Iterator[BulkAnswer]:
        """Enrol many on one stream, and yield each one's answer as it comes, in whichever order.

        Items are taken from the iterable as the server keeps up. Where the stream breaks, those that were not
        answered are sent again on the next one: each is enrolled once.

        Raises
        ------
        MatcherError
            If streams keep breaking without an answer in between; a failed item is an answer.
        """
        source = (item.message(options) for item in items)
        for reply in self._stream(self._stub.BulkEnroll, source, options.get("timeout")):
            yield bulk_answer(reply)

    def identify_stream(
        self, items: Iterable[SearchItem], **options: Unpack[CallOptions]
    ) -> Iterator[SearchAnswer]:
        """Search many on one stream, and yield each one's answer as it comes; otherwise as `bulk_enroll`."""
        source = (item.message(options) for item in items)
        for reply in self._stream(self._stub.IdentifyStream, source, options.get("timeout")):
            yield search_answer(reply)

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

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _call(self, call: Call[T]) -> T:
        end = time.monotonic() + (self._timeout if call.timeout is None else call.timeout)
        attempt = 0
        while True:
            left = end - time.monotonic()
            if left <= 0:
                raise DeadlineError(f"The deadline passed before {self.address} answered.")
            attempt += 1
            try:
                reply = getattr(self._stub, call.method)(call.request, timeout=left, metadata=self._metadata)
            except grpc.RpcError as error:
                problem = to_error(error, self.address)
            else:
                return call.read(reply)
            time.sleep(pause_before_next(call, problem, attempt, end - time.monotonic()))

    def _stream(
        self, method: Callable[..., Any], source: Iterable[Any], timeout: float | None
    ) -> Iterator[Any]:
        todo = Resumable(source)
        end = None if timeout is None else time.monotonic() + timeout
        again: Call[None] = Call("", None, lambda _: None, True, timeout)
        attempt = 0
        while True:
            left = None if end is None else max(end - time.monotonic(), 0)
            stream = method(todo.requests(), timeout=left, metadata=self._metadata)
            try:
                for reply in stream:
                    todo.answered(reply.item_id)
                    yield reply
                if todo.failure is not None:
                    raise todo.failure
                return
            except grpc.RpcError as error:
                problem = to_error(error, self.address)
            finally:
                stream.cancel()
            attempt = 1 if todo.progress else attempt + 1
            rest = float("inf") if end is None else end - time.monotonic()
            time.sleep(pause_before_next(again, problem, attempt, rest))
