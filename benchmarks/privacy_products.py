"""Inner products of shares against what the machine can multiply and read, measured in turn."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from matcher import _core
from matcher.iris.types import SEARCH_BITS

TIMES = 11
"""Each is measured."""

MULTIPLIED = 300_000
"""Rounds of the loop of nothing but multiplying: about half a millisecond."""


def cpu(work: Callable[[], Any]) -> float:
    """Return the least CPU seconds of some runs."""
    times = []
    for _ in range(7):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def reading(eyes: int) -> float:
    """Return the CPU seconds in which a loop that only sums reads one party's shares of so many eyes, median.

    Three parties' shares are read in turn, as on a machine that holds all three: what one read is gone from
    the caches that hold less than all three's before it reads again.
    """
    parties = [np.ones(eyes * SEARCH_BITS // 2, np.uint64) for _ in range(3)]  # 2 numbers of 2 B a bit
    times = []
    for _ in range(TIMES):
        for words in parties:
            start = time.thread_time()
            _core.read_sum(words)
            times.append(time.thread_time() - start)
    return statistics.median(times)


def products_share(rows: int, turns: int) -> dict[str, float]:
    """Return how near the product kernel comes to what the machine can do, measured in turn with it.

    Two limits: multiplications a second of the kernel's own instruction on registers alone, and bytes a
    second of a loop that sums the stored shares. By these a pass cannot take less than the longer of its
    multiplications and its reading; the share is that time over the pass's own.
    """
    rng = np.random.default_rng(1)
    stored = rng.integers(0, 65536, (rows, SEARCH_BITS), dtype=np.uint16)
    words = stored.view(np.uint64).reshape(-1)
    probes = rng.integers(0, 65536, 2 * SEARCH_BITS, dtype=np.uint16)
    places = np.arange(turns, dtype=np.int64) * 8
    done = rows * turns * SEARCH_BITS
    shares, rates, multiplied, read = [], [], [], []
    for _ in range(TIMES):
        multiplied.append(
            _core.share_multiply_only(MULTIPLIED) / cpu(lambda: _core.share_multiply_only(MULTIPLIED))
        )
        read.append(stored.nbytes / cpu(lambda: _core.read_sum(words)))
        spent = cpu(lambda: _core.share_products16(stored, probes, places))
        rates.append(done / spent)
        shares.append(max(done / multiplied[-1], stored.nbytes / read[-1]) / spent)
    return {
        "turns": turns,
        "multiplications_per_second": statistics.median(rates),
        "limit_multiplications_per_second": statistics.median(multiplied),
        "limit_bytes_per_second": statistics.median(read),
        "share_of_limit": statistics.median(shares),
    }
