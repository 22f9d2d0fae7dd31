"""How many requests a client may send: a bucket of tokens each, filled at its rate up to its size."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from matcher.errors import TooManyRequestsError

MAX_CLIENTS = 10_000
"""Clients that are remembered; the one that was quiet for longest is forgotten, with a full bucket then."""


class Allowances:
    """The buckets of all clients; safe to use from many threads.

    Parameters
    ----------
    requests_per_s, burst : float
        Of a client without its own: how fast its bucket fills, and how much it holds.
    clock : callable
        Seconds, never backwards.
    """

    def __init__(
        self, requests_per_s: float, burst: float, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate, self._burst, self._clock = requests_per_s, burst, clock
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, client: str, requests_per_s: float | None = None, burst: float | None = None) -> None:
        """Take one request out of a client's bucket.

        Raises
        ------
        TooManyRequestsError
            If it is empty; the hint says when there is one again.
        """
        rate = self._rate if requests_per_s is None else requests_per_s
        size = self._burst if burst is None else burst
        now = self._clock()
        with self._lock:
            left, seen = self._buckets.pop(client, (size, now))
            left = min(size, left + (now - seen) * rate)
            self._buckets[client] = (left - 1 if left >= 1 else left, now)
            if len(self._buckets) > MAX_CLIENTS:
                self._buckets.popitem(last=False)
        if left < 1:
            wait = (1 - left) / rate
            raise TooManyRequestsError(
                f"{client} has sent more than {rate:g} requests a second.",
                hint=f"Try again in {wait:.3g} s.",
                retry_after_s=wait,
            )
