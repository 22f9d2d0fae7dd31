"""What the server's interceptors have in common: each wraps a method once, not at every call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import grpc

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"


OURS = "/matcher.v1."
"""How the names of our methods begin; health and reflection speak for themselves."""


class Wrapped(grpc.ServerInterceptor):
    """Our methods with something around them, made at their first call; a race makes two alike, no harm.

    Parameters
    ----------
    wrap : callable
        Makes of a method's path and handler the handler that gRPC is given.
    """

    def __init__(self, wrap: Callable[[str, Handler], Handler]) -> None:
        self._wrap = wrap
        self._made: dict[str, tuple[Handler, Handler]] = {}

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Handler | None],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        """Return the handler of a call, wrapped where it is one of ours."""
        handler, path = continuation(handler_call_details), handler_call_details.method
        return self.of(path, handler) if handler is not None and path.startswith(OURS) else handler

    def of(self, path: str, handler: Handler) -> Handler:
        """Return a method's handler, wrapped; made anew where it is another handler than before."""
        known = self._made.get(path)
        if known is None or known[0] is not handler:
            known = self._made[path] = handler, self._wrap(path, handler)
        return known[1]
