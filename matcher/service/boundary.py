"""The line between the wire and the engine: whatever goes wrong behind it comes out as a typed status."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterator
from typing import Any, cast

import grpc
from google.protobuf.message import DecodeError

from matcher.errors import ArgumentError, InternalError, MatcherError
from matcher.observe.handlers import Handler, Wrapped
from matcher.safe_log import log_defect
from matcher.service.status import to_status

logger = logging.getLogger(__name__)


class Undecodable:
    """Stands for a request whose bytes are no message."""


class Boundary(Wrapped):
    """Wraps every method of ours: every exception becomes a typed status.

    Bytes that are no message come through as `Undecodable`, so that whoever keeps a log of calls knows of
    them; `Messages` refuses them in front of the methods.
    """

    def __init__(self) -> None:
        super().__init__(_bounded)


def _bounded(path: str, handler: Handler) -> Handler:
    deserialize = _lenient(handler.request_deserializer)
    serialize = handler.response_serializer
    if handler.unary_unary is not None:
        return grpc.unary_unary_rpc_method_handler(_guarded(handler.unary_unary), deserialize, serialize)
    if handler.unary_stream is not None:
        streaming = _guarded_stream(handler.unary_stream)
        return grpc.unary_stream_rpc_method_handler(streaming, deserialize, serialize)
    if handler.stream_unary is not None:
        return grpc.stream_unary_rpc_method_handler(_guarded(handler.stream_unary), deserialize, serialize)
    assert handler.stream_stream is not None  # there is no fifth kind
    streaming = _guarded_stream(handler.stream_stream)
    return grpc.stream_stream_rpc_method_handler(streaming, deserialize, serialize)


def _lenient(deserialize: Callable[[bytes], Any] | None) -> Callable[[bytes], Any] | None:
    if deserialize is None:
        return None

    def decode(data: bytes) -> Any:
        try:
            return deserialize(data)
        except DecodeError:
            return Undecodable()

    return decode


def _guarded(
    method: Callable[[Any, grpc.ServicerContext], Any],
) -> Callable[[Any, grpc.ServicerContext], Any]:
    def call(request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return method(request, context)
        except Exception as error:
            return _abort(error, context)

    return call


def _guarded_stream(
    method: Callable[[Any, grpc.ServicerContext], Iterator[Any]],
) -> Callable[[Any, grpc.ServicerContext], Iterator[Any]]:
    def call(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        try:
            yield from method(request, context)
        except GeneratorExit:
            raise
        except Exception as error:
            _abort(error, context)

    return call


class Messages(Wrapped):
    """Wraps every method of ours, next to it: it gets messages only; put behind all others."""

    def __init__(self) -> None:
        super().__init__(_of_messages)


def _of_messages(path: str, handler: Handler) -> Handler:
    read, write = handler.request_deserializer, handler.response_serializer
    for kind in ("unary_unary", "unary_stream", "stream_unary", "stream_stream"):
        method = getattr(handler, kind)
        if method is not None:
            made = getattr(grpc, f"{kind}_rpc_method_handler")
            return cast(Handler, made(_with_messages(method), read, write))
    return handler


def _with_messages(method: Callable[[Any, grpc.ServicerContext], Any]) -> Any:
    return lambda request, context: method(_checked(request), context)


def _checked(request: Any) -> Any:
    """Return a request, or a stream of them, that holds messages only."""
    if isinstance(request, Undecodable):
        raise ArgumentError("The request is no message of this method.")
    return map(_checked, request) if isinstance(request, Iterator) else request


def _abort(error: Exception, context: grpc.ServicerContext) -> Any:
    problem = error if isinstance(error, MatcherError) else internal_error(error)
    return context.abort_with_status(to_status(problem))


def internal_error(error: Exception) -> InternalError:
    """Log a defect under a reference and return what the caller may know of it: the reference."""
    reference = uuid.uuid4().hex[:12]
    log_defect(logger, f"Internal error {reference}", error)
    return InternalError(
        f"A defect in the server, reference {reference}.", hint="The server's log says more under it."
    )
