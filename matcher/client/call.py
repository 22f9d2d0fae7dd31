"""One call to the service, not yet made: request, how its reply is read, and whether it may be repeated."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypedDict, TypeVar

from matcher.errors import (
    MatcherError,
    NotReadyError,
    OverloadedError,
    ServerUnavailableError,
    StoreUnavailableError,
    TooManyRequestsError,
)

T = TypeVar("T")

DEFAULT_TIMEOUT_S = 30.0
"""How long a call may take with all its retries, seconds."""

ATTEMPTS = 5
"""How often a call that may be repeated is tried."""

FIRST_PAUSE_S = 0.1
"""Before the second attempt; doubled before each further one, each shortened at random by up to half, s."""

TRANSIENT = (ServerUnavailableError, NotReadyError, StoreUnavailableError)
"""Errors that pass by themselves."""

LATER = (OverloadedError, TooManyRequestsError)
"""Errors that say when to send the call again; nothing of it was begun."""

HEALTH_POLL_S = 0.1
"""Between two looks at the server's health, seconds."""

CHANNEL_OPTIONS: tuple[tuple[str, int], ...] = (
    # A subject with all its templates; a thousand candidates have long names.
    ("grpc.max_receive_message_length", 64 << 20),
    ("grpc.max_send_message_length", -1),
    # A server that was restarted is found again soon (the default waits up to two minutes).
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    # A proxy of the environment is meant for the web, not for biometrics.
    ("grpc.enable_http_proxy", 0),
)


class CallOptions(TypedDict, total=False):
    """What every call can be given.

    Attributes
    ----------
    timeout : float or None
        Seconds, with all retries; by default the client's.
    transaction_id : str
        What it belongs to, for the server's audit: at most 128 printable characters.
    priority : int
        0 (last) to 9 (first) where calls wait; by default 5.
    """

    timeout: float | None
    transaction_id: str
    priority: int


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """A call.

    Attributes
    ----------
    method : str
        Of the service.
    request : message
    read : callable
        Turns the reply into the answer.
    repeat : bool
        Whether it may be sent again though it may have been done already.
    timeout : float or None
        Seconds.
    """

    method: str
    request: Any
    read: Callable[[Any], T]
    repeat: bool
    timeout: float | None


def bearer(token: str | None) -> tuple[tuple[str, str], ...] | None:
    """Return the metadata by which a call says who makes it (RFC 6750); None without a token."""
    return None if token is None else (("authorization", f"Bearer {token}"),)


def make(
    method: str, request: Any, read: Callable[[Any], T], options: CallOptions, *, repeat: bool = True
) -> Call[T]:
    """Return a call with its options set."""
    request.transaction_id = options.get("transaction_id", "")
    if "priority" in options:
        request.priority = options["priority"]
    return Call(method, request, read, repeat, options.get("timeout"))


def pause_before_next(call: Call[Any], problem: MatcherError, attempt: int, left_s: float) -> float:
    """Return how long to wait before a call is tried again.

    Parameters
    ----------
    call : Call
    problem : MatcherError
        With which it failed.
    attempt : int
        How often it was tried, from 1.
    left_s : float
        Until its deadline, seconds.

    Raises
    ------
    MatcherError
        The problem, where the call is not to be tried again.
    """
    later = isinstance(problem, LATER)  # nothing was begun: any call may come again
    passing = later or (call.repeat and isinstance(problem, TRANSIENT))
    wait = FIRST_PAUSE_S * 2.0 ** (attempt - 1) * (1 - random.random() / 2)
    if isinstance(problem, LATER):
        wait = max(wait, problem.retry_after_s)
    if attempt == ATTEMPTS or wait >= left_s or not passing:
        raise problem
    return wait
