"""Watches every call at the server's outermost edge: metrics, a span where traces are on, a log line."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from matcher.observe.handlers import Handler, Wrapped
from matcher.observe.metrics import NO_REASON, CallOutcome, Metrics
from matcher.observe.traces import Tracing

logger = logging.getLogger(__name__)

DETAILS = "grpc-status-details-bin"
"""Key of the trailing metadata that holds the typed error."""

MAX_LOGGED = 64
"""Longest transaction id in a log line, characters."""


class CallWatch(Wrapped):
    """The first interceptor: it sees what the caller sees, whoever behind it refused.

    Parameters
    ----------
    metrics : Metrics
    tracing : Tracing, optional
    log_calls : bool
        Whether each call is a line in the log; those that failed by a defect always are.
    """

    def __init__(self, metrics: Metrics, tracing: Tracing | None = None, *, log_calls: bool = False) -> None:
        self._metrics, self._tracing, self._log_calls = metrics, tracing, log_calls
        super().__init__(self._watching)

    def _watching(self, path: str, handler: Handler) -> Handler:
        decode, encode = handler.request_deserializer, handler.response_serializer
        if handler.unary_unary is not None:
            return grpc.unary_unary_rpc_method_handler(self._one(path, handler.unary_unary), decode, encode)
        if handler.stream_unary is not None:
            return grpc.stream_unary_rpc_method_handler(self._one(path, handler.stream_unary), decode, encode)
        if handler.unary_stream is not None:
            many = self._many(path, handler.unary_stream)
            return grpc.unary_stream_rpc_method_handler(many, decode, encode)
        assert handler.stream_stream is not None  # there is no fifth kind
        many = self._many(path, handler.stream_stream)
        return grpc.stream_stream_rpc_method_handler(many, decode, encode)

    def _one(self, path: str, method: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        name = path.rpartition("/")[2]

        def call(request: Any, context: grpc.ServicerContext) -> Any:
            if self._tracing is not None:
                with self._watched(path, request, context):
                    return method(request, context)
            # Verifications come by here thousands of times a second: as `_watched`, without its layers.
            outcome, begin = CallOutcome(), time.perf_counter()
            self._metrics.call_begins(name)
            try:
                return method(request, context)
            except BaseException:
                _describe(outcome, context)
                raise
            finally:
                seconds = time.perf_counter() - begin
                self._metrics.call_ends(name, outcome, seconds)
                self._log(name, request, outcome, seconds)

        return call

    def _many(
        self, path: str, method: Callable[[Any, Any], Iterator[Any]]
    ) -> Callable[[Any, Any], Iterator[Any]]:
        def call(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
            with self._watched(path, request, context):
                yield from method(request, context)

        return call

    @contextmanager
    def _watched(self, path: str, request: Any, context: grpc.ServicerContext) -> Iterator[None]:
        name = path.rpartition("/")[2]
        begin = time.perf_counter()
        with ExitStack() as stack:
            outcome = stack.enter_context(self._metrics.call(name))
            span: AbstractContextManager[Callable[[CallOutcome], None]] | None = None
            if self._tracing is not None:
                span = self._tracing.call(path, context.invocation_metadata())
            tell = stack.enter_context(span) if span is not None else None
            try:
                yield
            except GeneratorExit:
                outcome.code = grpc.StatusCode.CANCELLED.name  # the caller left a stream
                raise
            except BaseException:
                _describe(outcome, context)
                raise
            finally:
                if tell is not None:
                    tell(outcome)
                self._log(name, request, outcome, time.perf_counter() - begin)

    def _log(self, name: str, request: Any, outcome: CallOutcome, seconds: float) -> None:
        defect = outcome.code in {grpc.StatusCode.INTERNAL.name, grpc.StatusCode.UNKNOWN.name}
        if not (self._log_calls or defect):
            return
        fields = {
            "method": name,
            "code": outcome.code,
            "reason": outcome.reason,
            "milliseconds": round(seconds * 1e3, 3),
            "transaction_id": str(getattr(request, "transaction_id", ""))[:MAX_LOGGED],
        }
        logger.log(logging.WARNING if defect else logging.INFO, "call", extra={"fields": fields})


def _describe(outcome: CallOutcome, context: grpc.ServicerContext) -> None:
    """Say of a call that raised how it ended on the wire."""
    code = context.code()  # type: ignore[attr-defined]  # its stubs do not know it
    outcome.code = code.name if isinstance(code, grpc.StatusCode) else grpc.StatusCode.UNKNOWN.name
    outcome.reason = _reason(context)


def _reason(context: grpc.ServicerContext) -> str:
    for key, value in context.trailing_metadata() or ():
        if key == DETAILS and isinstance(value, bytes):
            status, info = status_pb2.Status(), error_details_pb2.ErrorInfo()
            try:
                status.ParseFromString(value)
            except DecodeError:
                return NO_REASON
            for detail in status.details:
                if detail.Is(info.DESCRIPTOR):
                    detail.Unpack(info)
                    return str(info.reason)
    return NO_REASON
