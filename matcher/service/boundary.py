"""The line between the wire and the engine: whatever goes wrong behind it comes out as a typed status."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from matcher.errors import ArgumentError, InternalError, MatcherError
from matcher.safe_log import log_defect
from matcher.service.status import to_status

logger = logging.getLogger(__name__)

OURS = "/matcher.v1."
"""How the names of our methods begin; health and reflection speak for themselves."""


class Undecodable:
    """Stands for a request whose bytes are no message."""


class Boundary(grpc.ServerInterceptor):
    """Wraps every unary method of ours: undecodable requests and every exception become a typed status."""

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler[Any, Any] | None],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Return the handler of a call, wrapped."""
        handler = continuation(handler_call_details)
        if handler is None or not handler_call_details.method.startswith(OURS):
            return handler
        method, deserialize = handler.unary_unary, handler.request_deserializer
        if method is None or deserialize is None:
            return handler
        return grpc.unary_unary_rpc_method_handler(
            _guarded(method), _lenient(deserialize), handler.response_serializer
        )


def _lenient(deserialize: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
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
            if isinstance(request, Undecodable):
                raise ArgumentError("The request is no message of this method.")
            return method(request, context)
        except MatcherError as error:
            problem = error
        except Exception as error:
            problem = internal_error(error)
        return context.abort_with_status(to_status(problem))

    return call


def internal_error(error: Exception) -> InternalError:
    """Log a defect under a reference and return what the caller may know of it: the reference."""
    reference = uuid.uuid4().hex[:12]
    log_defect(logger, f"Internal error {reference}", error)
    return InternalError(
        f"A defect in the server, reference {reference}.", hint="The server's log says more under it."
    )
