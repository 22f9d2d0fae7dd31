"""People who were enrolled twice: which numbers they have, told without looking at all others.

Numbers stand in pages. The duplicates of a page are people of one aligned run of earlier numbers (another, if
they are many): who draws a whole page then finds their eyes side by side, since iris codes are drawn by runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from matcher.types import I64

from .streams import F64, branch, uniform

PAGE = 8192
"""Numbers in a page."""

RUN = 128
"""Numbers in an aligned run: an iris generator's chunk of eyes, two a person."""

IS_DUPLICATE, RUN_OF, ORDER, IS_POOR, BURDEN = range(30, 35)
"""Branches of the population's key."""

POOR_SHARE = 0.2
"""Share of duplicates whose capture is poor or shows little."""

MOST_BURDEN = 2.0
"""Such a capture is poorer by up to so many deviates of clarity, and its contact smaller."""


@dataclass(frozen=True, slots=True, eq=False)
class Origins:
    """Whose sample each number of a range is: int64 and float64 arrays (N,).

    Attributes
    ----------
    person : int64
        The number of the person's first enrolment: its own for most.
    burden : float64
        How much poorer the capture is, deviates of clarity.
    """

    person: I64
    burden: F64


def origins(key: int, share: float, begin: int, end: int) -> Origins:
    """Return whose samples the numbers `begin` to `end - 1` are, duplicates being `share` of all."""
    person = np.arange(begin, end, dtype=np.int64)
    burden = np.zeros(len(person))
    if share > 0.0 and len(person):
        for page in range(begin // PAGE, (end - 1) // PAGE + 1):
            found = _page(key, share, page)
            first, last = max(begin, page * PAGE), min(end, (page + 1) * PAGE)
            there, here = slice(first - page * PAGE, last - page * PAGE), slice(first - begin, last - begin)
            person[here] = found.person[there]
            burden[here] = found.burden[there]
    return Origins(person, burden)


@lru_cache(maxsize=64)
def _page(key: int, share: float, page: int) -> Origins:
    root = np.array([key], np.uint64)
    numbers = np.arange(page * PAGE, (page + 1) * PAGE, dtype=np.int64)
    person, burden = numbers.copy(), np.zeros(PAGE)
    # The first run has nobody before it.
    chosen = (uniform(branch(branch(root, IS_DUPLICATE), numbers)) < share) & (numbers >= RUN)
    rank = np.cumsum(chosen) - 1
    runs_before = max(page * PAGE, RUN) // RUN
    for part in range(int(chosen.sum() + RUN - 1) // RUN):
        rows = np.flatnonzero(chosen & (rank // RUN == part))
        own = branch(branch(branch(root, RUN_OF), page), part)
        run = min(int(uniform(own)[0] * runs_before), runs_before - 1)
        order = np.argsort(uniform(branch(branch(own, ORDER), np.arange(RUN))), kind="stable")
        for row, place in zip(rows, order, strict=False):
            person[row] = _first(key, share, run * RUN + int(place), page, person)
    poor = uniform(branch(branch(root, IS_POOR), numbers)) < POOR_SHARE
    weight = uniform(branch(branch(root, BURDEN), numbers)) * MOST_BURDEN
    burden[chosen & poor] = weight[chosen & poor]
    return Origins(person, burden)


def _first(key: int, share: float, number: int, page: int, here: I64) -> int:
    """Return the first enrolment of an earlier number, which may be a duplicate itself."""
    if number >= page * PAGE:
        return int(here[number - page * PAGE])
    earlier: int = int(_page(key, share, number // PAGE).person[number % PAGE])
    return earlier
