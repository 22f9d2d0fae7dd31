"""One table of errors, complete, and the same error at both ends of the wire."""

from __future__ import annotations

import grpc
import pytest
from google.rpc import status_pb2
from grpc_status import rpc_status

from matcher.errors import (
    ArgumentError,
    DeadlineError,
    FailureToExtractError,
    InputError,
    InternalError,
    MatcherError,
    ServerUnavailableError,
    leaves,
)
from matcher.service.status import BY_REASON, CODES, code_of, to_error, to_status


class Failed(grpc.RpcError, grpc.Call):
    """A failed call, as a client sees it."""

    def __init__(self, code: grpc.StatusCode, details: str = "", trailers: tuple = ()) -> None:
        self._code, self._details, self._trailers = code, details, trailers

    def code(self) -> grpc.StatusCode:
        return self._code

    def details(self) -> str:
        return self._details

    def trailing_metadata(self) -> tuple:
        return self._trailers

    def initial_metadata(self) -> tuple:
        return ()

    def is_active(self) -> bool:
        return False

    def time_remaining(self) -> None:
        return None

    def cancel(self) -> bool:
        return False

    def add_callback(self, callback: object) -> bool:
        return False


@pytest.mark.parametrize("kind", leaves(), ids=lambda k: k.__name__)
def test_every_error_crosses_the_wire_unchanged(kind: type[MatcherError]) -> None:
    assert any(base in CODES for base in kind.__mro__), f"{kind.__name__} is not in the table"
    status = to_status(kind("What was wrong.", hint="Do this."))
    back = to_error(Failed(status.code, status.details, status.trailing_metadata), "host:1")
    assert type(back) is kind
    assert (back.message, back.hint, back.reason) == ("What was wrong.", "Do this.", kind.reason)
    assert status.code is code_of(kind("x"))
    if issubclass(kind, InputError | FailureToExtractError):
        assert status.code is grpc.StatusCode.INVALID_ARGUMENT


def test_reasons_are_unique() -> None:
    assert len(BY_REASON) == len(leaves())


def test_a_long_message_is_cut() -> None:
    status = to_status(ArgumentError("x" * 100_000, hint="y" * 100_000))
    assert sum(len(value) for _, value in status.trailing_metadata) < 8000


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (grpc.StatusCode.UNAVAILABLE, ServerUnavailableError),
        (grpc.StatusCode.DEADLINE_EXCEEDED, DeadlineError),
        (grpc.StatusCode.CANCELLED, DeadlineError),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, ArgumentError),
        (grpc.StatusCode.UNIMPLEMENTED, ServerUnavailableError),
        (grpc.StatusCode.UNKNOWN, InternalError),
        (grpc.StatusCode.INTERNAL, InternalError),
    ],
)
def test_what_grpc_says_itself_is_typed_too(code: grpc.StatusCode, expected: type[MatcherError]) -> None:
    assert type(to_error(Failed(code), "host:1")) is expected


def test_details_of_others_and_contradictions_are_not_ours() -> None:
    foreign = rpc_status.to_status(status_pb2.Status(code=3, message="theirs"))
    assert (
        type(to_error(Failed(foreign.code, foreign.details, foreign.trailing_metadata), "h:1"))
        is InternalError
    )
    contradicting = Failed(grpc.StatusCode.UNAVAILABLE, "other", foreign.trailing_metadata)
    assert type(to_error(contradicting, "h:1")) is ServerUnavailableError
