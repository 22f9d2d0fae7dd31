"""A method is wrapped once, and anew where it is another."""

from __future__ import annotations

from typing import Any

import grpc

from matcher.observe.handlers import Handler, Wrapped


def handler() -> Handler:
    return grpc.unary_unary_rpc_method_handler(lambda request, context: request)


def test_a_method_is_wrapped_once() -> None:
    made: list[tuple[str, Any]] = []

    def wrap(path: str, inner: Handler) -> Handler:
        made.append((path, inner))
        return handler()

    wrapped, one, other = Wrapped(wrap), handler(), handler()
    first = wrapped.of("/x/One", one)
    assert wrapped.of("/x/One", one) is first
    assert wrapped.of("/x/Other", one) is not first
    assert wrapped.of("/x/One", other) is not first
    assert made == [("/x/One", one), ("/x/Other", one), ("/x/One", other)]
